"""`perfeval-xl consolidate`: exit statuses, the JSON of the contract, the roster, the send-back folders, and how it ends when it is stopped."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pytest
from districts import picture, save

from perfeval_xl import __version__, cli, gather, made_up, record

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def speak_chinese(monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "zh")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Runs the command in a folder of its own; gives (status, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = cli.main(["consolidate", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, err

    return call


@pytest.fixture
def town(tmp_path):
    """Three departments: one right, one with a wrong total, one that is missing."""
    save(tmp_path / "报送" / "甲.xlsx", picture("甲局"))
    save(tmp_path / "报送" / "乙" / "乙.xlsx", picture("乙局", total=90))
    (tmp_path / "名册.txt").write_text("甲局\n乙局\n丙局\n", encoding="utf-8")
    return tmp_path


def test_a_clean_district_ends_with_0(run, tmp_path):
    save(tmp_path / "报送" / "甲.xlsx", picture("甲局"))
    assert run("报送", "-o", "汇总.xlsx") == (0, "", "已写出：汇总.xlsx\n"
                                              "收到 1 个文件，计入 1 个部门，缺报 0，读不了 0，应退回 0；错误 0，提醒 0。\n")
    assert run("报送", "-o", "汇总.xlsx", "-q") == (0, "", "")


def test_an_error_ends_with_1_and_a_missing_department_is_one(run, town):
    assert run("报送", "-o", "汇总.xlsx")[0] == 1
    (town / "报送" / "乙" / "乙.xlsx").unlink()
    status, out, _ = run("报送", "-o", "汇总.xlsx", "--roster", "名册.txt")
    assert status == 1 and out.count("D101") == 2


def test_what_cannot_be_read_ends_with_2_and_is_a_row(run, town):
    (town / "报送" / "坏.xlsx").write_bytes(b"PK")
    status, out, _ = run("报送", "-o", "汇总.xlsx", "--json", "全.json")
    assert status == 2 and "坏.xlsx 不是能打开的工作簿" in out
    summary = json.loads((town / "全.json").read_text(encoding="utf-8"))["summary"]
    assert (summary["received"], summary["unreadable"], summary["missing"]) == (2, 1, [])


def test_the_json_holds_what_check_says_of_each_file(run, town):
    run("报送", "-o", "汇总.xlsx", "--json", "全.json", "--roster", "名册.txt")
    whole = json.loads((town / "全.json").read_text(encoding="utf-8"))
    assert whole["schema"] == 1
    paths = gather.find(["报送"])
    expected = {one["file"]: one for path in paths for one in [record.as_json(record.check_file(path)[0])]}
    assert {one["file"]: one for one in whole["files"]} == expected
    assert whole["summary"]["missing"] == ["丙局"] and whole["summary"]["grades"] == {"优": 2, "良": 0, "中": 0, "差": 0}


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_processes_changes_no_byte(run, town, workers):
    run("报送", "-o", f"{workers}.xlsx", "--workers", workers)
    run("报送/甲.xlsx", "报送", "-o", "汇总.xlsx")
    assert (town / f"{workers}.xlsx").read_bytes() == (town / "汇总.xlsx").read_bytes()


def test_results_of_the_last_run_are_no_forms(run, town):
    for _ in range(2):
        _, _, err = run(".", "-o", "汇总.xlsx", "--send-back", "退回", "--roster", "名册.txt")
        assert "收到 2 个文件" in err


@pytest.mark.parametrize("words, code", [
    (["没有的文件夹里的.xlsx", "-o", "汇总.xlsx"], None), (["空", "-o", "汇总.xlsx"], "没有自评表文件"), (["报送", "-o", "汇总.xls"], ".xlsx"),
    (["报送", "-o", "汇总.xlsx", "--roster", "没有.txt"], "找不到"), (["报送", "-o", "汇总.xlsx", "--edition", "没有"], "没有名为"),
    (["报送", "-o", "汇总.xlsx", "--since", "报送/甲.xlsx"], "不是本工具生成的汇总工作簿"), (["报送", "-o", "汇总.xlsx", "--workers", "0"], "正整数"),
    (["报送", "-o", "没有/汇总.xlsx"], "写不了")])
def test_what_cannot_be_done_is_said_in_one_line(run, town, words, code):
    (town / "空").mkdir()
    status, _, err = run(*words)
    assert status == 2 and (code is None or code in err)
    assert (town / "汇总.xlsx").exists() == (code is None)


def test_nothing_but_a_district_workbook_is_replaced(run, town):
    before = (town / "报送" / "甲.xlsx").read_bytes()
    assert run("报送", "-o", "报送/甲.xlsx")[0] == 2
    assert (town / "报送" / "甲.xlsx").read_bytes() == before
    assert run("报送", "-o", "汇总.xlsx")[0] == 1
    assert run("汇总.xlsx", "-o", "汇总.xlsx")[0] == 2, "what is read is not replaced"
    assert run("报送", "-o", "汇总.xlsx")[0] == 1


def test_no_input_is_changed(run, town):
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in town.rglob("*.*") if path.is_file()}
    run("报送", "-o", "汇总.xlsx", "--roster", "名册.txt", "--send-back", "退回", "--json", "全.json")
    assert all((path.read_bytes(), path.stat().st_mtime_ns) == there for path, there in before.items())


# ---- send-back ----


def test_only_departments_with_errors_get_something_back(run, town):
    _, _, err = run("报送", "-o", "汇总.xlsx", "--send-back", "退回")
    assert sorted(str(path.relative_to(town / "退回")) for path in (town / "退回").rglob("*.*")) == [
        os.path.join("乙局", name) for name in ("乙_批注版.xlsx", "退回单.txt", "退回单.xlsx")]
    assert "退回：1 个部门" in err
    text = (town / "退回" / "乙局" / "退回单.txt").read_text(encoding="utf-8-sig")
    assert text.startswith("乙局：\n你单位报送的2022年度部门整体绩效自评表（乙/乙.xlsx）经核对，有错误 1 处") and "总分 90" in text
    sheet = openpyxl.load_workbook(town / "退回" / "乙局" / "退回单.xlsx").active
    assert (sheet["B4"].value, sheet["C4"].value, sheet["F4"].value) == ("■ 错误", "表1!H13", "100")
    assert openpyxl.load_workbook(town / "退回" / "乙局" / "乙_批注版.xlsx").sheetnames == ["校验结果", "逐行核对", "表1"]


def test_of_a_workbook_of_many_departments_each_gets_its_own_sheet(run, tmp_path):
    save(tmp_path / "各局.xlsx", picture("甲局", total=80), picture("乙局"), picture("丙/局", total=90), names=("甲", "乙", "丙"))
    run("各局.xlsx", "-o", "汇总.xlsx", "--send-back", "退回")
    assert sorted(path.name for path in (tmp_path / "退回").iterdir()) == ["丙_局", "甲局"]
    assert openpyxl.load_workbook(tmp_path / "退回" / "甲局" / "各局_批注版.xlsx").sheetnames[2:] == ["甲"]


def test_after_a_resubmission_one_sees_what_was_mended_and_what_is_left(run, town):
    save(town / "报送" / "丁.xlsx", picture("丁局", total=90, executed=70))
    run("报送", "-o", "一.xlsx")
    save(town / "报送" / "丁.xlsx", picture("丁局", total=95))
    save(town / "报送" / "乙" / "乙.xlsx", picture("乙局"))
    run("报送", "-o", "二.xlsx", "--since", "一.xlsx", "--send-back", "退回")
    assert [path.name for path in (town / "退回").iterdir()] == ["丁局"], "what is mended altogether does not go back"
    text = (town / "退回" / "丁局" / "退回单.txt").read_text(encoding="utf-8-sig")
    assert "仍有 1 处" in text
    lines = list(openpyxl.load_workbook(town / "退回" / "丁局" / "退回单.xlsx").active.iter_rows(min_row=4, values_only=True))
    assert lines[0][-1] == "仍未改" and {line[-1] for line in lines} == {"仍未改", "已改正"}
    states = {line[1]: line[10] for line in openpyxl.load_workbook(town / "二.xlsx")["报送情况"].iter_rows(min_row=4, values_only=True)}
    assert states["甲局"] == "改正 0，仍有 0，新增 0" and states["乙局"] == "改正 1，仍有 0，新增 0"


def test_districts_are_consolidated_from_their_workbooks_alone(run, town):
    run("报送", "-o", "甲区.xlsx")
    shutil.rmtree(town / "报送")
    status, _, err = run("甲区.xlsx", "-o", "市.xlsx", "--send-back", "退回")
    assert status == 1 and "计入 2 个部门" in err
    assert [path.name for path in (town / "退回" / "乙局").iterdir() if path.suffix == ".txt"]
    assert not list(town.rglob("*批注版*")), "the form itself is not here"


# ---- the whole process ----


def process(*arguments, python=(), **options):
    environment = {**os.environ, "PERFEVAL_LANG": "zh", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, *python, "-m", "perfeval_xl.cli", "consolidate", *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, env=environment, start_new_session=True,
                            preexec_fn=_listening if sys.platform != "win32" else None, **options)


def _listening():
    """Tests that run in the background of a shell hand down that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is a signal")
@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_leaves_nothing_half_written(tmp_path, workers):
    form = Path(save(tmp_path / "甲.xlsx", picture()))
    for n in range(6000):
        os.link(form, tmp_path / f"{n}.xlsx")
    going = process(tmp_path, "-o", tmp_path / "汇总.xlsx", "--workers", workers, python=("-X", "importtime"))
    for line in going.stderr:
        if line.rstrip().endswith(b" perfeval_xl.district_run"):
            break
    time.sleep(0.5)
    os.killpg(going.pid, signal.SIGINT)
    _, err = going.communicate(timeout=60)
    assert going.returncode == 130 and "已中断" in err.decode() and b"Traceback" not in err
    assert not (tmp_path / "汇总.xlsx").exists()
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


def test_piped_it_is_silent_but_for_its_results(tmp_path):
    truth = made_up.district(str(tmp_path), 40)
    out, err = process(truth.forms, "-o", tmp_path / "汇总.xlsx", "--roster", truth.roster).communicate(timeout=60)
    assert b"\x1b" not in out + err and len(out.decode().splitlines()) == 12


def test_the_version_of_the_tool_stands_in_the_workbook(run, town):
    run("报送", "-o", "汇总.xlsx")
    assert __version__ in str(openpyxl.load_workbook(town / "汇总.xlsx")["说明"]["B2"].value)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_on_a_terminal_a_bar_shows_how_far_it_is_and_how_fast(tmp_path):
    import pty

    form = Path(save(tmp_path / "表" / "甲.xlsx", picture()))
    for n in range(700):
        os.link(form, tmp_path / "表" / f"{n}.xlsx")
    screen, stderr = pty.openpty()
    environment = {**os.environ, "PERFEVAL_LANG": "zh", "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "120"}
    command = [sys.executable, "-m", "perfeval_xl.cli", "consolidate", str(tmp_path / "表"), "-o", str(tmp_path / "汇总.xlsx"), "--workers", "1"]
    going = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, env=environment)
    os.close(stderr)
    seen = b""
    try:
        while chunk := os.read(screen, 65536):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(screen)
    assert going.wait(timeout=60) == 0
    shown = seen.decode(errors="replace")
    assert "检查中" in shown and "/701" in shown and "/s" in shown and "收到 701 个文件" in shown
