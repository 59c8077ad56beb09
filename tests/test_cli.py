"""The command line as the contract has it: exit statuses, one JSON document, two languages, and never a traceback."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_intake import EXAMPLES, FORM, SMALL, save

from perfeval_xl import __version__, cli, edition, layout, log, messages, record, worker

ROOT = Path(__file__).parent.parent
NAMES = [path.stem for path in EXAMPLES]

#: the keys of CONTRACT.md, in its order
FILE = ["file", "sheet", "sha256", "error", "edition", "department", "project", "year", "funds", "indicators", "parts", "total",
        "total_stated", "grade", "grade_stated", "findings"]
FUNDS = ["label", "role", "initial", "adjusted", "executed", "weight", "rate", "rate_stated", "score", "score_stated", "cell"]
INDICATOR = ["part", "group", "name", "target", "actual", "kind", "weight", "score", "score_stated", "deviation", "deviation_stated",
             "reason", "cell"]
FINDING = ["code", "severity", "cell", "label", "stated", "expected", "message", "fix", "source"]


@pytest.fixture(autouse=True)
def speak_chinese(monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "zh")
    monkeypatch.delenv("PERFEVAL_DEBUG", raising=False)


@pytest.fixture
def run(capsys):
    """Runs the command line; gives (status, standard output, standard error)."""

    def call(*arguments):
        status = cli.main([str(word) for word in arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return call


def process(*arguments, **options):
    """The command line as a process of its own."""
    environment = {**os.environ, "PERFEVAL_LANG": "zh", "PYTHONPATH": str(ROOT), **options.pop("env", {})}
    return subprocess.run([sys.executable, "-m", "perfeval_xl.cli", *map(str, arguments)], capture_output=True, env=environment,
                          timeout=options.pop("timeout", 60), cwd=options.pop("cwd", ROOT), **options)


@pytest.fixture
def good(tmp_path):
    return save(tmp_path / "好.xlsx", FORM)


@pytest.fixture
def wrong(tmp_path):
    """A form whose total is an error and nothing else."""
    return save(tmp_path / "错.xlsx", SMALL.replace("100|100", "100|90"))


@pytest.fixture
def bad(tmp_path):
    path = tmp_path / "坏.xlsx"
    path.write_text("这不是工作簿", encoding="utf-8")
    return str(path)


def checked(run, *arguments):
    """The JSON document of a check, and its exit status."""
    status, out, err = run("check", *arguments, "--json")
    assert err == ""
    document = json.loads(out)
    assert list(document) == ["schema", "files"] and document["schema"] == 1
    return status, document["files"]


# ---- exit statuses ----


def test_a_form_without_errors_ends_with_0(run, good):
    status, out, err = run("check", good)
    assert status == 0 and "没有发现问题" in out and "错误 0" in err


def test_notes_and_warnings_end_with_0(run, tmp_path):
    status, files = checked(run, save(tmp_path / "a.xlsx", FORM.replace("|100%%|25|", "|≥100%|25|")))
    assert {finding["severity"] for finding in files[0]["findings"]} <= {"warning", "note"} and files[0]["findings"]
    assert status == 0


def test_an_error_finding_ends_with_1(run, wrong):
    status, out, err = run("check", wrong)
    assert status == 1 and "【错误 S101】" in out and "错误 1" in err


def test_an_unreadable_file_ends_with_2(run, bad):
    status, out, _ = run("check", bad)
    assert status == 2 and "坏.xlsx" in out and "另存为 .xlsx" in out


def test_an_unreadable_file_outweighs_an_error(run, good, wrong, bad):
    status, files = checked(run, good, bad, wrong)
    assert status == 2
    assert [file["error"] and file["error"]["code"] for file in files] == [None, "X103", None]
    assert [file["total"] for file in files] == [92.2, None, 100]


def test_a_form_that_cannot_be_held_against_its_total_ends_with_2(run, tmp_path):
    status, files = checked(run, save(tmp_path / "a.xlsx", SMALL.replace("总分|<|<|<|<|100|100", "")))
    assert status == 2 and files[0]["error"]["code"] == "L101" and files[0]["sheet"] == "表1"


@pytest.mark.parametrize("arguments", [
    [], ["check"], ["czech"], ["check", "a.xlsx", "--xml"], ["check", "a.xlsx", "--edition"], ["--lang", "fr", "editions"], ["codes", "x"],
])
def test_wrong_usage_ends_with_2_and_one_line(run, arguments):
    status, out, err = run(*arguments)
    assert status == 2 and out == ""
    assert err.startswith("用法不对：") and err.count("\n") == 1 and "--help" in err


@pytest.mark.parametrize("arguments", [[], ["check"], ["czech"], ["check", "a.xlsx", "--xml"], ["check", "a.xlsx", "--edition"]])
def test_wrong_usage_is_told_in_chinese(run, arguments):
    _, _, err = run(*arguments)
    assert not re.search("[a-z]+ [a-z]+ [a-z]+", err), err


def test_wrong_usage_is_told_in_english(run):
    status, _, err = run("--lang", "en", "check")
    assert status == 2 and err.startswith("Wrong usage: ") and not re.search("[\u4e00-\u9fff]", err)


def test_an_unknown_edition_ends_with_2_and_the_known_ones(run, good):
    for arguments in (["check", good, "--edition", "shangjie-2032"], ["check", good, "--edition", "shangjie-2032", "--json"]):
        status, out, err = run(*arguments)
        assert status == 2 and out == "" and err.count("\n") == 1
        assert "shangjie-2032" in err and all(name in err for name in edition.known())


# ---- JSON ----


def figure(value):
    return value is None or (type(value) in (int, float) and value == value and abs(value) < 10**15)


def text(value):
    return value is None or type(value) is str


def holds_contract(file):
    """Keys, types and vocabulary of one entry of `files`."""
    assert list(file) == FILE
    assert text(file["sheet"]) and type(file["file"]) is str and re.fullmatch("[0-9a-f]{64}", file["sha256"])
    assert figure(file["total"]) and figure(file["total_stated"]) and text(file["grade"]) and type(file["year"]) in (int, type(None))
    for row in file["funds"]:
        assert list(row) == FUNDS
        assert row["role"] in ("total", "government", "special_account", "own", "carry_over", "other", "basic", "project")
        assert all(figure(row[key]) for key in FUNDS[2:-1])
        assert row["cell"] is None or re.fullmatch(re.escape(file["sheet"]) + "![A-Z]+[1-9][0-9]*", row["cell"])
    for row in file["indicators"]:
        assert list(row) == INDICATOR
        assert row["kind"] in ("quantitative", "qualitative", "date", "period", "mixed", "blank")
        assert all(figure(row[key]) for key in ("weight", "score", "score_stated", "deviation", "deviation_stated"))
        assert row["reason"] != "" and text(row["reason"]) and text(row["target"]) and text(row["actual"])
        assert re.fullmatch(re.escape(file["sheet"]) + "![A-Z]+[1-9][0-9]*", row["cell"])
    for part in file["parts"]:
        assert list(part) == ["name", "weight", "score"] and figure(part["weight"]) and figure(part["score"])
    for finding in file["findings"]:
        assert list(finding) == FINDING
        assert finding["code"] in messages.CODES and finding["severity"] == messages.CODES[finding["code"]].severity
        assert all(type(finding[key]) is str and finding[key] for key in ("message", "fix", "source"))
        assert text(finding["stated"]) and text(finding["expected"]) and type(finding["label"]) is str
        assert "None" not in finding["message"] and "{" not in finding["message"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("lang", messages.LANGUAGES)
def test_the_json_of_an_example_keeps_the_contract(run, path, lang):
    _, out, err = run("check", path, "--json", "--lang", lang)
    file = json.loads(out)["files"][0]
    holds_contract(file)
    assert (file["error"], file["file"], err) == (None, str(path), "")
    assert file["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    if lang == "en":
        assert not any(re.search("[，。；]", finding["fix"]) for finding in file["findings"])


#: (status, edition, year, total, total stated, grade, grade stated, codes of errors) of the shipped examples
SHIPPED = {
    "jinshui-2021": (1, "jinshui-2021", 2021, None, 98, None, "优", ["F104", "F201", "I101", "S106", "S108", "T101"]),
    "renda-2022": (0, "shangjie-2022", 2022, 96.88, 96.88, "优", None, []),
    "waishi-2022": (1, "shangjie-2022", 2022, 89, 90, "良", None, ["S101", "T101"]),
    "zhengwu-2022": (1, "shangjie-2022", 2022, 96.31, 96.31, "优", None, ["I101"]),
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_shipped_example_is_found_to_be_what_it_is(run, path):
    status, (file,) = checked(run, path)
    errors = sorted(finding["code"] for finding in file["findings"] if finding["severity"] == "error")
    figures = [file[key] for key in ("edition", "year", "total", "total_stated", "grade", "grade_stated")]
    assert (status, *figures, errors) == SHIPPED[path.stem]


def test_all_examples_at_once_end_with_the_worst(run):
    status, files = checked(run, *EXAMPLES)
    assert status == 1 and [file["file"] for file in files] == [str(path) for path in EXAMPLES]


def test_the_json_of_the_contract_is_the_one_of_the_example(run):
    _, (file,) = checked(run, next(path for path in EXAMPLES if path.stem == "renda-2022"))
    funds, row = file["funds"][0], next(row for row in file["indicators"] if row["name"] == "预算执行率")
    assert {key: funds[key] for key in FUNDS[:-1]} == {
        "label": "部门预算总额（万元）", "role": "total", "initial": 855.66, "adjusted": 923.86, "executed": 615.33, "weight": 10,
        "rate": 66.6, "rate_stated": 66.6, "score": 7.4, "score_stated": 7.4}
    assert {key: row[key] for key in INDICATOR[:2] + INDICATOR[3:-2]} == {
        "part": "投入管理指标", "group": "预算和财务管理", "target": "≥90%", "actual": "66.6%", "kind": "quantitative", "weight": 2,
        "score": 1.48, "score_stated": 1.48, "deviation": -26, "deviation_stated": -26}
    assert file["parts"] == [{"name": "预算执行率", "weight": 10, "score": 7.4}, {"name": "投入管理指标", "weight": 30, "score": 29.48},
                             {"name": "产出指标", "weight": 25, "score": 25}, {"name": "效益指标", "weight": 35, "score": 35}]
    assert file["project"] is None and file["department"] == "郑州市上街区人民代表大会常务委员会办公室"


def test_what_is_absent_is_null_and_never_0(run):
    _, (file,) = checked(run, next(path for path in EXAMPLES if path.stem == "jinshui-2021"))
    blank = next(row for row in file["indicators"] if row["name"] == "预算调整率")
    assert [blank[key] for key in ("weight", "score", "score_stated", "deviation", "deviation_stated", "reason")] == [None] * 6
    own = next(row for row in file["funds"] if row["role"] == "own")
    assert [own[key] for key in FUNDS[2:-1]] == [None] * 8
    assert file["funds"][0]["rate_stated"] is None and file["total"] is None and file["grade"] is None


def test_a_stated_0_is_0_and_not_null(run):
    _, (file,) = checked(run, next(path for path in EXAMPLES if path.stem == "waishi-2022"))
    total = file["funds"][0]
    assert [total[key] for key in ("executed", "rate", "rate_stated", "score", "score_stated")] == [0] * 5


def test_money_in_yuan_is_given_in_wan_yuan(run, tmp_path):
    picture = FORM.replace("（万元）", "（元）").replace("400|400|360", "4000000|4000000|3600000")
    picture = picture.replace("390|390|351", "3900000|3900000|3510000").replace("10|10|9|", "100000|100000|90000|")
    status, (file,) = checked(run, save(tmp_path / "a.xlsx", picture))
    assert [file["funds"][0][key] for key in ("initial", "adjusted", "executed", "rate")] == [400, 400, 360, 90]
    assert (status, [finding["code"] for finding in file["findings"]]) == (0, ["L203"])


def test_percentages_are_percent_points(run, good):
    _, (file,) = checked(run, good)
    row = file["indicators"][0]
    assert (row["target"], row["actual"], row["deviation"], row["deviation_stated"]) == ("90%", "66.6%", -26, -26)
    assert file["funds"][0]["rate"] == file["funds"][0]["rate_stated"] == 90


def test_a_refusal_in_the_json_has_everything_else_null_or_empty(run, bad):
    _, (file,) = checked(run, bad)
    assert list(file) == FILE and list(file["error"]) == ["code", "message"] and "坏.xlsx" in file["error"]["message"]
    assert [key for key in FILE if file[key] not in (None, [])] == ["file", "error"] or file["sha256"] is not None
    assert file["funds"] == file["indicators"] == file["parts"] == file["findings"] == []


def test_the_json_of_a_cell_says_sheet_and_place(run, wrong):
    _, (file,) = checked(run, wrong)
    assert [(finding["code"], finding["cell"], finding["stated"], finding["expected"]) for finding in file["findings"]
            if finding["severity"] == "error"] == [("S101", "表1!G6", "90", "100")]


def test_the_json_of_two_forms_in_one_file_has_two_entries(run, tmp_path):
    _, files = checked(run, save(tmp_path / "a.xlsx", FORM, SMALL, names=("甲", "乙 丙")))
    assert [file["sheet"] for file in files] == ["甲", "乙 丙"] and files[0]["sha256"] == files[1]["sha256"]
    assert files[1]["indicators"][0]["cell"].startswith("乙 丙!")


# ---- languages ----


def test_english_by_option(run, wrong):
    for arguments in (["--lang", "en", "check", wrong], ["check", wrong, "--lang", "en"], ["check", wrong, "--lang=en"]):
        _, out, err = run(*arguments)
        assert "[error S101]" in out and "1 errors" in err
        os.environ["PERFEVAL_LANG"] = "zh"


def test_english_by_variable(run, wrong, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "en")
    assert "[error S101]" in run("check", wrong)[1]


def test_the_option_outweighs_the_variable(run, wrong, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "en")
    assert "【错误 S101】" in run("--lang", "zh", "check", wrong)[1]


def test_the_language_of_one_call_is_not_the_language_of_the_next(run, wrong):
    run("--lang", "en", "check", wrong)
    assert "【错误 S101】" in run("check", wrong)[1]


def test_an_unknown_language_of_the_variable_is_chinese(run, wrong, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "fr")
    assert "【错误 S101】" in run("check", wrong)[1]


def test_a_refusal_speaks_both_languages(run, bad):
    assert "不是能打开的工作簿" in run("check", bad)[1]
    assert "is not a workbook" in run("check", bad, "--lang", "en")[1]


# ---- options ----


def test_quiet_says_nothing_beside_the_findings(run, good):
    status, out, err = run("check", good, "-q")
    assert status == 0 and err == "" and "没有发现问题" in out


def test_an_edition_by_name_reads_the_form_under_it(run, good):
    assert checked(run, good)[1][0]["edition"] == "shangjie-2022"
    _, (file,) = checked(run, good, "--edition", "mof-2020-project")
    assert file["edition"] == "mof-2020-project" and file["funds"][0]["score"] == 9


def test_patterns_are_expanded(run, tmp_path, good, wrong, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert [file["file"] for file in checked(run, "*.xlsx")[1]] == sorted(["好.xlsx", "错.xlsx"])
    assert [file["file"] for file in checked(run, "?.xlsx")[1]] == sorted(["好.xlsx", "错.xlsx"])


def test_a_pattern_that_fits_nothing_is_a_missing_file(run, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, (file,) = checked(run, "2023*.xlsx")
    assert status == 2 and file["error"]["code"] == "X101" and "2023*.xlsx" in file["error"]["message"]


def test_the_lock_file_of_an_open_workbook_does_not_come_with_a_pattern(run, tmp_path, good, monkeypatch):
    (tmp_path / "~$好.xlsx").write_bytes(b"\x05user" + bytes(160))
    monkeypatch.chdir(tmp_path)
    status, files = checked(run, "*.xlsx")
    assert status == 0 and [file["file"] for file in files] == ["好.xlsx"]


def test_a_name_with_brackets_is_a_name(run, tmp_path):
    path = save(tmp_path / "报表[2022](终).xlsx", FORM)
    assert checked(run, path)[0] == 0


def test_a_pattern_with_brackets_finds_the_names_with_brackets(run, tmp_path, monkeypatch):
    save(tmp_path / "[2022]甲局.xlsx", FORM)
    monkeypatch.chdir(tmp_path)
    assert [file["file"] for file in checked(run, "[2022]*.xlsx")[1]] == ["[2022]甲局.xlsx"]


def test_a_folder_is_refused_with_what_to_do(run, tmp_path):
    status, (file,) = checked(run, tmp_path)
    assert status == 2 and file["error"]["code"] == "X102"


def test_review_copies_are_written_beside_no_original(run, tmp_path, good, wrong, bad):
    out = tmp_path / "批注" / "一"
    status, shown, err = run("check", good, wrong, bad, "--out", out)
    assert status == 2 and len(list(out.iterdir())) == 2
    assert all(str(path) in shown + err for path in out.iterdir())
    assert sorted(path.name for path in tmp_path.glob("*.xlsx")) == sorted(["好.xlsx", "错.xlsx", "坏.xlsx"])


def test_review_copies_of_two_files_of_one_name_do_not_meet(run, tmp_path):
    for name in ("甲", "乙"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "表.xlsx", SMALL)
    run("check", tmp_path / "甲" / "表.xlsx", tmp_path / "乙" / "表.xlsx", "--out", tmp_path / "批注")
    assert len(list((tmp_path / "批注").iterdir())) == 2


def test_json_and_review_copies_go_together(run, tmp_path, good):
    status, out, _ = run("check", good, "--json", "--out", tmp_path / "批注")
    assert status == 0 and json.loads(out)["schema"] == 1 and len(list((tmp_path / "批注").iterdir())) == 1


def test_a_folder_that_cannot_be_written_is_one_line(run, tmp_path, good):
    (tmp_path / "占用").write_text("x", encoding="utf-8")
    status, _, err = run("check", good, "--out", tmp_path / "占用")
    assert status == 2 and "占用" in err and "意外错误" not in err


def test_input_files_are_never_changed(run, tmp_path):
    paths = [tmp_path / path.name for path in EXAMPLES]
    for source, path in zip(EXAMPLES, paths, strict=True):
        shutil.copy(source, path)
        os.utime(path, (10**9, 10**9))
    before = [(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime) for path in paths]
    run("check", *paths)
    run("check", *paths, "--json", "--out", tmp_path / "批注")
    assert [(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime) for path in paths] == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*(path.name for path in paths), "批注"])


# ---- the other commands ----


def test_codes_are_complete(run):
    status, out, err = run("codes", "--json")
    document = json.loads(out)
    assert (status, err, list(document)) == (0, "", ["schema", "codes"])
    assert [entry["code"] for entry in document["codes"]] == sorted(messages.CODES)
    for entry in document["codes"]:
        assert list(entry) == ["code", "severity", "text", "fix", "source"] and all(entry.values())


def test_codes_as_a_table_name_every_code(run):
    for lang in messages.LANGUAGES:
        status, out, _ = run("codes", "--lang", lang)
        assert status == 0 and all(code in out for code in messages.CODES)


def test_editions_are_listed(run):
    for lang in messages.LANGUAGES:
        status, out, _ = run("editions", "--lang", lang)
        assert status == 0 and all(name in out for name in edition.known())
        assert "郑州市上街区" in out.replace("\n", "") and "2022" in out


def test_the_version_is_told(run):
    assert run("--version") == (0, f"perfeval-xl {__version__}\n", "")


@pytest.mark.parametrize("arguments", [["--help"], ["check", "--help"], ["codes", "-h"], ["editions", "-h"], ["demo", "-h"], ["doctor", "-h"],
                                       ["install", "-h"], ["report", "-h"]])
def test_help_is_told_in_both_languages(run, arguments):
    status, out, err = run(*arguments)
    assert status == 0 and err == "" and re.search("[\u4e00-\u9fff]{4}", out)
    status, out, err = run("--lang", "en", *arguments)
    assert status == 0 and err == "" and not re.search("[\u4e00-\u9fff]{4}", out)


def test_the_help_in_chinese_has_no_english_sentence(run):
    assert "show this help message and exit" not in run("--help")[1]
    assert "show program's version" not in run("--help")[1]


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The demo in an empty folder: how it ended, what it said, where its results are."""
    folder = tmp_path_factory.mktemp("demo") / "结果"
    done = process("demo", "--out", folder, timeout=240)
    assert b"Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout.decode("utf-8"), folder


def test_the_demo_runs_in_an_empty_folder(demo):
    status, out, folder = demo
    assert status == 1 and len(list(folder.glob("*_批注版.xlsx"))) == len(EXAMPLES)  # the examples hold errors
    assert (folder / "waishi-2022.xlsm").exists()
    assert (folder / "示例区" / "示例区汇总.xlsx").exists() and all(f"D{n}" in out for n in range(101, 112))
    assert len(list(folder.glob("*_自评报告.docx"))) == len(EXAMPLES)
    assert all(f"{name}.xlsx" in out for name in NAMES) and "S101" in out


def test_the_demo_gives_one_example_as_a_workbook_to_work_in(demo):
    _, out, folder = demo
    path = folder / "waishi-2022.xlsm"
    assert [line for line in out.splitlines() if str(path) in line] == [f"带按钮的自评表（同一示例，已填好）：{path}"]
    one, = record.check_file(str(path))
    # what the workbook works out itself is right in it: 89 points where the published form says 90
    assert (one.form.department.text, one.form.totals[0].text, one.card.grade) == ("中国共产党郑州市上街区委员会外事服务中心", "89", "良")
    assert {finding.code for finding in one.findings} == {"T101", "I102", "I103", "I106"}


def test_a_demo_without_the_excel_extra_says_so_and_shows_the_rest(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyopenvba", None)
    status, out, err = run("demo", "--out", tmp_path)
    assert status == 1 and len(list(tmp_path.glob("*_批注版.xlsx"))) == len(EXAMPLES) and ".xlsm" not in out
    assert "没有 pyopenvba" in err and "perfeval_xl[excel]" in err


# ---- nothing ever breaks ----


@pytest.mark.parametrize("error", [RuntimeError("x"), KeyError("y"), RecursionError(), AssertionError(), UnicodeError("z")])
def test_an_error_of_ours_is_one_line(run, good, monkeypatch, error):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(layout, "read", fail)
    status, out, err = run("check", good)
    assert status == 2 and out.count("\n") == 1 and type(error).__name__ in out and "意外错误" in out and "Traceback" not in out + err


def test_a_lack_of_memory_is_one_line(run, good, monkeypatch):
    def fail(*args, **kwargs):
        raise MemoryError

    monkeypatch.setattr(layout, "read", fail)
    status, out, err = run("check", good)
    assert status == 2 and out.count("\n") == 1 and "内存" in out and "Traceback" not in out + err


def test_an_error_of_ours_in_one_file_leaves_the_others(run, good, wrong, monkeypatch):
    real = layout.read

    def fail(sheet, wanted, file):
        if file == os.path.basename(good):
            raise RuntimeError("x")
        return real(sheet, wanted, file)

    monkeypatch.setattr(layout, "read", fail)
    monkeypatch.setattr(worker, "_START", "raise SystemExit(3)")  # where no worker can start the files are read here
    status, out, err = run("check", good, wrong)
    assert status == 2 and "S101" in out and "意外错误" in out + err and log.path() in out


def test_a_stop_by_the_user_is_quiet(run, good, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(layout, "read", stop)
    status, out, err = run("check", good)
    assert (status, out, err) == (130, "", "")


def test_a_developer_sees_the_error(run, good, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("x")

    monkeypatch.setattr(layout, "read", fail)
    monkeypatch.setenv("PERFEVAL_DEBUG", "1")
    with pytest.raises(RuntimeError):
        cli.main(["check", good])


def test_the_process_ends_with_the_status_and_keeps_the_streams_apart(wrong):
    done = process("check", wrong, "--json")
    assert done.returncode == 1 and done.stderr == b""
    assert json.loads(done.stdout)["files"][0]["total"] == 100


def test_the_process_of_a_wrong_usage(tmp_path):
    done = process("check", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == b"" and done.stderr.decode().startswith("用法不对")


def test_json_is_utf8_on_a_chinese_console_too(tmp_path):
    path = save(tmp_path / "a.xlsx", FORM.replace("某区数据中心", "某区数据中心😀"))
    done = process("check", path, "--json", env={"PYTHONIOENCODING": "gbk", "PYTHONUTF8": "0"})
    assert done.returncode == 0 and json.loads(done.stdout.decode("utf-8"))["files"][0]["department"] == "某区数据中心😀"


@pytest.mark.parametrize("encoding", ["gbk", "ascii", "cp437", "utf-8"])
def test_prose_never_fails_on_an_old_console(tmp_path, encoding):
    path = save(tmp_path / "a.xlsx", FORM.replace("某区数据中心", "某区数据中心😀").replace("100|92.2", "100|91"))
    done = process("check", path, env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert done.returncode == 1 and b"Traceback" not in done.stderr and b"S101" in done.stdout


def test_a_reader_that_went_away_is_no_traceback(tmp_path):
    environment = {**os.environ, "PERFEVAL_LANG": "zh", "PYTHONPATH": str(ROOT)}
    child = subprocess.Popen([sys.executable, "-m", "perfeval_xl.cli", "codes", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=environment, cwd=tmp_path)
    child.stdout.close()
    err = child.stderr.read()
    child.stderr.close()
    assert child.wait(30) in (0, 2) and err == b""


def test_a_closed_standard_output_is_no_traceback(good):
    if os.name != "posix":
        pytest.skip("no shell that closes a stream")
    line = f'"{sys.executable}" -m perfeval_xl.cli check "{good}" >&-'
    done = subprocess.run(["sh", "-c", line], capture_output=True, cwd=ROOT, timeout=60)
    assert b"Traceback" not in done.stderr


def test_a_name_that_is_no_utf8_is_no_traceback(tmp_path):
    if os.name != "posix":
        pytest.skip("names are texts here")
    path = os.fsencode(tmp_path) + b"/\xb1\xed.xlsx"
    shutil.copy(EXAMPLES[0], path)
    for extra in ([], ["--json"]):
        done = subprocess.run([sys.executable, "-m", "perfeval_xl.cli", "check", path, *extra], capture_output=True, cwd=ROOT, timeout=60)
        assert done.returncode == 1 and b"Traceback" not in done.stderr
