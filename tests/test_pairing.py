"""`consolidate --reports`: which report belongs to which form, what is said of those left over, and where the findings of a report arrive."""

from __future__ import annotations

import json
import os

import docx
import openpyxl
import pytest
from districts import picture, save
from test_narrative import TITLES

from perfeval_xl import cli, narrative
from perfeval_xl.document import named, year_of

RIGHT = "全年预算数为100万元，全年执行数100万元，预算执行率100%。"
WRONG = "全年预算数为120万元，全年执行数100万元。"


@pytest.fixture(autouse=True)
def speak_chinese(monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "zh")


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    """Consolidates 报送 with the reports in 报告; gives (status, standard output, the JSON)."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        status = cli.main(["consolidate", "报送", "-o", "汇总.xlsx", "--reports", "报告", "--json", "全.json", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return status, out, json.loads((tmp_path / "全.json").read_text(encoding="utf-8")) if status != 2 or (tmp_path / "全.json").exists() else None

    return call


def report(path, text=RIGHT, title="2022年度甲局部门整体绩效自评报告", saved=0):
    """A report of eight chapters that says only this."""
    bodies = dict.fromkeys(range(8), "从略。") | {3: text, 6: "经验是安排得早。问题是人手少。建议多培训。"}
    lines = [title, *(part for n in range(8) for part in (TITLES[n], bodies[n]))]
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".docx":
        book = docx.Document()
        for line in lines:
            book.add_paragraph(line)
        book.save(str(path))
    else:
        path.write_text("\n".join(lines), encoding="utf-8")
    if saved:
        os.utime(path, (saved, saved))


@pytest.fixture
def town(tmp_path):
    """Two departments whose forms are right."""
    save(tmp_path / "报送" / "甲.xlsx", picture("郑州市上街区甲局"))
    save(tmp_path / "报送" / "乙.xlsx", picture("乙局"))
    return tmp_path


def codes(whole, name):
    return [finding["code"] for one in whole["files"] if one["department"] == name for finding in one["findings"]]


def across(whole):
    return [(one["code"], one["label"]) for one in whole["summary"]["findings"] if one["code"] > "D111"]


def test_findings_of_a_report_arrive_at_its_form(run, town):
    report(town / "报告" / "甲" / "a.docx", WRONG, "2022年度上街区甲局部门整体绩效自评报告")
    report(town / "报告" / "b.txt", title="2022年度乙局部门整体绩效自评报告")
    status, _, whole = run("--send-back", "退回")
    assert status == 1 and codes(whole, "郑州市上街区甲局") == ["R201"] and codes(whole, "乙局") == [] and across(whole) == []
    assert whole["summary"]["reports"]["received"] == 2 and whole["summary"]["reports"]["unreadable"] == 0
    assert [os.path.basename(one["report"]) for one in whole["summary"]["reports"]["paired"]] == ["b.txt", "a.docx"]
    book = openpyxl.load_workbook(town / "汇总.xlsx")
    (row,) = [[cell.value for cell in row] for row in book["校验结果"].iter_rows() if "R201" in [cell.value for cell in row]]
    assert row[1] == "郑州市上街区甲局" and row[4:7] == [TITLES[3], "120万元", "100万元"] and row[-1] == "报告"
    assert os.listdir(town / "退回") == ["郑州市上街区甲局"], "an error of the report alone sends the department back"
    folder = town / "退回" / "郑州市上街区甲局"
    assert "报告 报告写全年预算数 120万元" in (folder / "退回单.txt").read_text(encoding="utf-8-sig")
    copy = openpyxl.load_workbook(folder / "甲_批注版.xlsx")["校验结果"]
    assert any("R201" in [cell.value for cell in row] for row in copy.iter_rows())


def test_what_is_left_over_is_said(run, town):
    report(town / "报告" / "丙局.txt", title="2022年度丙局部门整体绩效自评报告")
    report(town / "报告" / "x.txt", title="2021年度乙局部门整体绩效自评报告")
    report(town / "报告" / "全年自评.txt", title="")
    status, out, whole = run()
    assert status == 0 and across(whole) == [("D112", "x.txt"), ("D112", "丙局.txt"), ("D112", "全年自评.txt"), ("D113", "乙局"),
                                             ("D113", "郑州市上街区甲局")]
    assert "这个部门的表是 2022 年的，报告是 2021 年的" in out and "没有这个部门的自评表" in out


def test_the_name_of_the_file_and_of_its_folder_serve_where_the_title_names_nobody(run, town):
    report(town / "报告" / "01.乙局2022年自评报告.txt", WRONG, "2022年度部门整体绩效自评报告")
    report(town / "报告" / "上街区甲局" / "报告.txt", WRONG, "")
    _, _, whole = run()
    assert codes(whole, "乙局") == ["R201"] and codes(whole, "郑州市上街区甲局") == ["R201"] and across(whole) == []


def test_of_several_reports_the_newest_is_held_against_the_form_and_the_others_are_named(run, town):
    report(town / "报告" / "旧.txt", WRONG, saved=1_000_000_000)
    report(town / "报告" / "新.txt", RIGHT, saved=1_600_000_000)
    report(town / "报告" / "乙.txt", title="2022年度乙局部门整体绩效自评报告")
    _, out, whole = run()
    assert codes(whole, "郑州市上街区甲局") == [] and across(whole) == [("D115", "郑州市上街区甲局")]
    assert "核对的是最新的 新.txt；没有核对：旧.txt" in out


def test_a_report_that_cannot_be_read_is_said_and_ends_with_2(run, town):
    report(town / "报告" / "甲.txt")
    report(town / "报告" / "乙.txt", title="2022年度乙局部门整体绩效自评报告")
    (town / "报告" / "丙.docx").write_bytes(b"PK\x03\x04 nothing more")
    status, out, whole = run()
    assert status == 2 and across(whole) == [("D114", "丙.docx")] and whole["summary"]["reports"]["unreadable"] == 1
    assert "丙.docx" in out


def test_only_the_form_that_counts_has_a_report(run, town):
    save(town / "报送" / "甲旧.xlsx", picture("郑州市上街区甲局", total=90), saved=1_000_000_000)
    report(town / "报告" / "甲.txt", WRONG, "2022年度上街区甲局部门整体绩效自评报告")
    _, _, whole = run()
    by_file = {os.path.basename(one["file"]): [finding["code"] for finding in one["findings"]] for one in whole["files"]}
    assert by_file["甲.xlsx"] == ["R201"] and "R201" not in by_file["甲旧.xlsx"]


def test_other_names_of_the_roster_serve_too(run, town):
    (town / "名册.csv").write_text("部门名称,曾用名\n乙局,老乙局\n郑州市上街区甲局,\n", encoding="utf-8")
    report(town / "报告" / "乙.txt", WRONG, "2022年度老乙局部门整体绩效自评报告")
    _, _, whole = run("--roster", "名册.csv")
    assert "R201" in codes(whole, "乙局")


def test_an_empty_folder_of_reports_is_refused_before_anything_is_read(town, capsys, monkeypatch):
    monkeypatch.chdir(town)
    (town / "报告").mkdir()
    assert cli.main(["consolidate", "报送", "-o", "汇总.xlsx", "--reports", "报告"]) == 2
    assert "没有自评报告" in capsys.readouterr().err and not (town / "汇总.xlsx").exists()


def test_several_processes_find_the_same(run, town):
    for n in range(6):
        save(town / "报送" / f"{n}.xlsx", picture(f"第{n}局"))
        report(town / "报告" / f"{n}.txt", WRONG if n % 2 else RIGHT, f"2022年度第{n}局部门整体绩效自评报告")
    first = run()[2]
    (town / "汇总.xlsx").unlink()
    assert run("--workers", "2")[2] == first and codes(first, "第1局") == ["R201"]


@pytest.mark.parametrize("one, other, same", [
    ("上街区政务服务中心", "郑州市上街区政务服务中心", True), ("上街区教育局", "金水区教育局", False), ("教育局", "教育局机关幼儿园", False),
    ("金水区委办公室", "中国共产党郑州市金水区委员会办公室", True), ("上街区人大常委会办公室", "郑州市上街区人民代表大会常务委员会办公室", True),
    ("郑州市上街区财政局（本级）", "郑州市上街区财政局", True), ("财政局", "郑州市上街区财政局", True), ("", "财政局", False),
    ("体育局", "郑州市上街区教育体育局", False), ("某县水利局", "水利局", True),
])
def test_names_of_one_body(one, other, same):
    assert narrative.same_body(one, other) is narrative.same_body(other, one) is same


@pytest.mark.parametrize("text, name, year", [
    ("01.乙局2022年自评报告", "乙局", 2022), ("2022年度上街区甲局部门整体绩效自评报告", "上街区甲局", 2022), ("报告", "", None),
    ("附件2：甲局2023年度部门整体支出绩效自评报告（定稿）", "甲局", 2023), ("甲局_自评报告2022", "甲局", 2022),
])
def test_what_a_title_or_a_file_names(text, name, year):
    assert (named(text), year_of(text)) == (name, year)
