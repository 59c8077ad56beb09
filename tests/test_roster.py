"""The roster as bureaus keep it: workbook, CSV of Excel, plain list."""

import pytest
import xlsxwriter

from perfeval_xl import roster
from perfeval_xl.messages import Refusal


def names(path):
    return [one.name for one in roster.load(str(path)).departments]


def test_a_list_of_names(tmp_path):
    path = tmp_path / "名册.txt"
    path.write_text("财政局\n\n教育局\n 财政局 \n", encoding="utf-8")
    assert names(path) == ["财政局", "教育局"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030"])
def test_csv_of_any_office(tmp_path, encoding):
    path = tmp_path / "名册.csv"
    path.write_bytes("序号,部门（单位）名称,曾用名,年度\r\n1,财政局,财税局、区财政局,2022\r\n2,教育局,,2022\r\n,合计,,\r\n".encode(encoding))
    loaded = roster.load(str(path))
    assert loaded.departments[0] == ("财政局", ("财税局", "区财政局"), 2022) and len(loaded.departments) == 2
    assert loaded.get(" 财税 局").name == "财政局" and loaded.get("财税") is None


def test_a_workbook_with_a_title_above_its_headings(tmp_path):
    path = tmp_path / "名册.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for n, row in enumerate((["2022年应报部门"], ["序号", "单位名称"], [1, "财政局"], [2, "教育局"])):
            sheet.write_row(n, 0, row)
    assert names(path) == ["财政局", "教育局"]


def test_a_sheet_without_headings(tmp_path):
    path = tmp_path / "名册.csv"
    path.write_text("1,财政局\n2,教育局\n", encoding="utf-8")
    assert names(path) == ["财政局", "教育局"]


@pytest.mark.parametrize("content, code", [("", "X302"), ("1\n2\n", "X302"), (None, "X101")])
def test_a_roster_without_names_is_refused(tmp_path, content, code):
    path = tmp_path / "名册.txt"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        roster.load(str(path))
    assert refused.value.code == code


@pytest.mark.parametrize("name, like", [("某区教育体育局", "某区教育局"), ("教育局", "某区教育局"), ("郑州市某区教育局", "某区教育局"),
                                        ("航空港专班", ""),
                                        ("某区民政局", "")])
def test_what_is_asked_about(name, like):
    assert roster.Roster([roster.Department("某区教育局"), roster.Department("气象服务中心")]).like(name) == like


def test_width_and_blanks_do_not_make_another_name():
    loaded = roster.Roster([roster.Department("财政局（本级）")])
    assert loaded.get("财政局 (本级)") is not None
