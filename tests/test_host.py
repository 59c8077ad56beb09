"""One suite for both hosts: the one in memory, and XlwingsHost with the real xlwings on LibreOffice."""

from __future__ import annotations

import datetime as dt
import re
import sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from memory_host import MemoryHost
from xlwings import XlwingsError

from perfeval_xl import intake, layout, messages
from perfeval_xl.host import Edge, Host, Look, Mark, grid_value, text_of, trimmed
from perfeval_xl.messages import MARK, Refusal
from perfeval_xl.model import Percent
from perfeval_xl.xlwings_host import XlwingsHost, _merged, _show_percents

EXAMPLES = sorted((Path(__file__).parent.parent / "workbook" / "examples").glob("*.xlsx"))
RED, PINK, GREY, BLACK = (192, 0, 0), (253, 228, 228), (217, 217, 217), (0, 0, 0)
TRAPS = ["007", "3/4", "=1+1", "'x", "1,234", "TRUE", "12:30", "1e5", " 前后 ", "两\n行", "66.6%", "#N/A"]


def _values(sheet, look) -> None:
    """Every kind of cell: text, numbers, percentages, money, dates, truth values, errors, formulas, merged cells, blanks at the edges."""
    sheet.write_row(1, 1, ["部门", "007", "3/4", 12.5, -0.0])
    for column, (value, shown) in enumerate(((0.666, "0.0%"), (0.5, "0%"), (0.25, '0"%"'), (1234.5, "¥#,##0.00"), (3.0, "0.00")), 1):
        sheet.write_number(2, column, value, look({"num_format": shown}))
    sheet.write_datetime(3, 1, dt.datetime(2022, 3, 4), look({"num_format": "yyyy-mm-dd"}))
    sheet.write_datetime(3, 2, dt.datetime(2022, 3, 4, 15, 30), look({"num_format": "yyyy-mm-dd hh:mm"}))
    sheet.write_boolean(3, 3, True)
    sheet.write_formula(3, 4, "=1/0", None, "#DIV/0!")
    sheet.write_formula(3, 5, "=NA()", None, "#N/A")
    sheet.write_formula(4, 1, '=IF(E2>1,SUM(E2,F2),"x,y")', None, 12.5)
    sheet.write_formula(4, 2, '=C2&"号"', None, "007号")
    sheet.write_formula(4, 3, "=B3", look({"num_format": "0.0%"}), 0.666)
    sheet.merge_range(6, 1, 9, 2, "竖着合并", look({"border": 1}))
    sheet.merge_range(6, 3, 6, 5, "横着合并", look({"border": 1}))
    sheet.write_number(9, 4, 0.1, look({"num_format": "0.00%"}))
    sheet.write_blank(12, 7, None, look({"bg_color": "#FFFF00"}))
    for row in (14, 15):
        for column in range(1, 5):
            sheet.write_blank(row, column, None, look({"num_format": "@"}))


def _marked(sheet, look) -> None:
    """Cells with and without fill and frame, merged cells, and a note of the user's."""
    for row in range(4):
        sheet.write_row(row, 0, ["甲", 1, 2], look({"border": 1}))
    sheet.write(1, 1, 7, look({"border": 1, "bg_color": "#D9D9D9"}))
    sheet.merge_range(4, 0, 5, 1, "合并", look({"border": 1}))
    sheet.write(8, 3, "无框")
    for column, line in enumerate((3, 4, 6, 5)):  # dashed, dotted, double, thick
        sheet.write(10, 2 * column, "线", look({"border": line, "border_color": "#336699"}))
    sheet.write_comment(2, 2, "科长：请复核")


@pytest.fixture(scope="session")
def workbook(tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp("host") / "样 表's.xlsx")
    with xlsxwriter.Workbook(path) as book:
        sheet = {name: book.add_worksheet(name) for name in ("值", "标记", "保护", "加密", "筛选", "名称", "_隐藏")}
        _values(sheet["值"], book.add_format)
        _marked(sheet["标记"], book.add_format)
        for name, password in (("保护", ""), ("加密", "secret")):
            sheet[name].write_row(0, 0, ["锁着", 1])
            sheet[name].write_row(1, 0, ["开着", 2], book.add_format({"locked": False}))
            sheet[name].protect(password, {"format_cells": True, "objects": True, "sort": True})
        sheet["筛选"].write_column(0, 0, ["头", 1, 2, 3])
        sheet["筛选"].autofilter(0, 0, 3, 0)
        sheet["筛选"].filter_column(0, "x > 2")
        for row in (1, 2):
            sheet["筛选"].set_row(row, None, None, {"hidden": True})
        sheet["名称"].write_column(0, 0, ["x", "某局", "2022"])
        sheet["名称"].write_number(3, 0, 2022)
        sheet["名称"].write_formula(9, 0, "=SUM(A4:A6)+$A$4", None, 4044)
        sheet["名称"].write_formula(9, 1, '=A4&"A4"', None, "2022A4")
        sheet["名称"].merge_range(3, 2, 6, 2, "合并")
        sheet["值"].write_formula(11, 1, "=名称!A6+1", None, 1)
        sheet["_隐藏"].hide()
        for name, cells in (("pe_department", "名称!$A$2"), ("pe_year", "名称!$A$4"), ("pe_edition", "名称!$B$1"), ("pe_rows", "名称!$A$4:$B$6")):
            book.define_name(name, f"={cells}")
    return path


@pytest.fixture
def host(open_host, workbook) -> Host:
    return open_host(workbook)


def refused(code: str):
    """The refusal with this code, which speaks to the user and says what to do."""
    return pytest.raises(Refusal, match="^" + re.escape(messages.CODES[code].text[0].partition("{")[0]))


# ---- the book ----


def test_sheets_path_and_selection(host, workbook):
    assert host.sheet_names() == ("值", "标记", "保护", "加密", "筛选", "名称", "_隐藏")
    assert Path(host.path()).samefile(workbook)
    assert host.selection() == ("值", 0, 0)
    host.goto("标记", 4, 2)
    assert host.selection() == ("标记", 4, 2)


@pytest.mark.parametrize("call", [
    lambda host: host.grid("自评表"), lambda host: host.formulas("自评表", (0, 0, 1, 1)), lambda host: host.write("自评表", 0, 0, [[1]]),
    lambda host: host.write_formulas("自评表", 0, 0, [["=1"]]), lambda host: host.mark("自评表", {}), lambda host: host.unmark("自评表", {}),
    lambda host: host.notes("自评表"), lambda host: host.protected("自评表"), lambda host: host.filtered("自评表"),
    lambda host: host.opened("自评表").__enter__(), lambda host: host.insert_row("自评表", 1), lambda host: host.delete_row("自评表", 1),
    lambda host: host.merge("自评表", (0, 0, 1, 1)), lambda host: host.goto("自评表", 0, 0)])
def test_a_sheet_that_is_not_there_is_named_with_those_that_are(host, call):
    with refused("X201") as refusal:
        call(host)
    assert "自评表" in str(refusal.value) and "值、标记、保护、加密、筛选、名称）" in str(refusal.value) and "_隐藏" not in str(refusal.value)


def test_names_and_what_they_point_at(host):
    assert host.name_area("pe_rows") == ("名称", (3, 0, 5, 1))
    assert host.name_area("pe_year") == ("名称", (3, 0, 3, 0))
    assert host.name_area("pe_project") is None


def test_a_name_whose_cells_were_deleted_points_nowhere(calc_book, workbook):
    host = XlwingsHost(calc_book(workbook))
    host.delete_row("名称", 1)
    assert host.name_area("pe_department") is None
    assert host.grid("名称").stamp == {"pe_year": 2022.0}


def test_a_sheet_is_added_once_behind_the_others_and_stays_hidden(host):
    for _ in range(2):
        host.ensure_sheet("_状态")
    host.ensure_sheet("校验结果", hidden=False)
    assert host.sheet_names()[-3:] == ("_隐藏", "_状态", "校验结果")
    assert host.selection()[0] == "值"
    host.write("_状态", 0, 0, [["007", 1.5]])
    assert host.grid("_状态").rows == [["007", 1.5]]
    with refused("X201") as refusal:
        host.grid("没有")
    assert "_状态" not in str(refusal.value) and "校验结果" in str(refusal.value)


# ---- reading ----


@pytest.mark.parametrize("sheet", ["值", "标记", "保护", "筛选", "名称"])
def test_a_grid_is_what_intake_reads_from_the_file(host, workbook, sheet):
    read = next(one for one in intake.load(workbook).sheets if one.name == sheet)
    grid = host.grid(sheet)
    assert grid.rows == trimmed(read.rows)
    assert [[type(value) for value in row] for row in grid.rows] == [[type(value) for value in row] for row in trimmed(read.rows)]
    assert set(grid.merged) == set(read.merged) and len(grid.merged) == len(read.merged)
    assert grid.stamp == read.stamp == {"pe_department": "某局", "pe_year": 2022.0}


def test_the_kinds_of_cells(host):
    rows = host.grid("值").rows
    assert rows[0] == [""] * 6 and len(rows) == 12
    assert rows[2][1:] == [Percent(0.666), Percent(0.5), 0.25, 1234.5, 3.0] and type(rows[2][4]) is float
    assert rows[3][1:] == [dt.date(2022, 3, 4), dt.datetime(2022, 3, 4, 15, 30), "TRUE", "#DIV/0!", "#N/A"]
    assert rows[4][3] == "66.6%" and isinstance(rows[4][3], Percent)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_reads_as_its_file_and_gives_the_same_form(open_host, path):
    read = intake.load(str(path)).sheets[0]
    grid = open_host(path).grid("自评表")
    assert grid._replace(merged=set(grid.merged)) == read._replace(merged=set(read.merged))
    assert layout.read(grid) == layout.read(read)


def test_formulas_are_english_and_constants_are_text(host):
    assert host.formulas("值", (1, 1, 4, 5)) == [
        ["部门", "007", "3/4", "12.5", "0"], ["0.666", "0.5", "0.25", "1234.5", "3"],
        [host.formulas("值", (3, 1, 3, 1))[0][0], host.formulas("值", (3, 2, 3, 2))[0][0], "TRUE", "=1/0", "=NA()"],
        ['=IF(E2>1,SUM(E2,F2),"x,y")', '=C2&"号"', "=B3", "", ""]]
    assert host.formulas("值", (4, 1, 4, 1)) == [['=IF(E2>1,SUM(E2,F2),"x,y")']]
    assert host.formulas("值", (3, 4, 4, 4)) == [["=1/0"], [""]]
    assert host.formulas("值", (11, 1, 11, 1)) == [["=名称!A6+1"]]


def test_values_of_functions_that_only_excel_has_can_be_looked_at(calc_book, tmp_path):
    path = str(tmp_path / "函数.xlsx")
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("自评表")
        sheet.write_row(0, 0, ["≥90%", "66.6%"])
        sheet.write_formula(0, 2, "=PE_SCORE(A1,B1,2)", None, 1.48)
        sheet.write_formula(0, 3, "=C1+1", None, 2.48)
    host = XlwingsHost(calc_book(path, recalculate=False))
    assert host.grid("自评表").rows == [["≥90%", "66.6%", 1.48, 2.48]]
    assert host.formulas("自评表", (0, 2, 0, 2)) == [["=PE_SCORE(A1,B1,2)"]]


def test_an_empty_sheet_is_an_empty_grid(open_host, tmp_path):
    path = str(tmp_path / "空.xlsx")
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("空")
    assert open_host(path).grid("空") == ("空", [], (), {})


def test_filtered_and_protected_sheets_are_known(host):
    assert [host.filtered(name) for name in ("值", "筛选")] == [False, True]
    assert [host.protected(name) for name in ("值", "保护", "加密")] == [False, True, True]


# ---- writing ----


def test_text_stays_text_and_numbers_numbers(host):
    host.write("值", 20, 1, [TRAPS, [*TRAPS[:-2], Percent(0.125), Decimal("2.50")]])
    rows = host.grid("值").rows
    assert rows[20][1:] == TRAPS
    assert [type(value) for value in rows[20][1:]] == [str] * len(TRAPS)
    assert rows[21][-2:] == [0.125, 2.5]
    assert host.formulas("值", (20, 1, 20, 4)) == [TRAPS[:4]]


def test_in_cells_formatted_as_text_everything_becomes_text(host):
    host.write("值", 14, 1, [[95, "95%", Decimal("0.5"), None]])
    host.write_formulas("值", 15, 1, [["=1+1", 95.0, "007", ""]])
    rows = host.grid("值").rows
    assert rows[14][1:5] == ["95", "95%", "0.5", ""] and rows[15][1:5] == ["=1+1", "95", "007", ""]
    assert host.formulas("值", (15, 1, 15, 1)) == [["=1+1"]]


def test_other_values_and_blanks(host):
    host.write("值", 1, 1, [[None, "", 0, True, 7]])
    row = host.grid("值").rows[1]
    assert row[1:] == ["", "", 0.0, "TRUE", 7.0] and type(row[3]) is float
    assert host.formulas("值", (1, 1, 1, 2)) == [["", ""]]


def test_cells_that_lie_apart_and_get_one_value_are_written_as_any_others(host):
    values = {(20 + 2 * n, 3 + n % 2): 1.5 if n % 3 else "007" for n in range(40)} | {(14, 1): 1.5, (110, 3): "=1+1"}
    host.fill("值", values)
    found = host.values("值", (14, 1, 110, 4))
    assert {place: found[place[0] - 14][place[1] - 1] for place in values} == values | {(14, 1): "1.5"}  # a cell formatted as text
    host.fill("值", {(120, 3): True, (122, 3): 1.0, (124, 3): True, (126, 3): 1.0})
    assert [row[0] for row in host.values("值", (120, 3, 126, 3))][::2] == ["TRUE", 1.0, "TRUE", 1.0]


def test_a_hundred_scattered_values_are_a_handful_of_calls(calc, calc_book, workbook):
    host = XlwingsHost(calc_book(workbook))
    calc.calls.clear()
    host.fill("值", {(20 + 2 * n, 3): float(n % 2) for n in range(100)})
    assert calc.calls["raw_value="] <= 6
    with pytest.raises(Exception, match="255"):
        host.book.sheets["值"].range(",".join(f"A{n}" for n in range(1, 100)))


def test_a_hundred_marks_are_drawn_with_a_handful_of_calls(calc, calc_book, workbook):
    host = XlwingsHost(calc_book(workbook))
    marks = {(20 + 2 * n, 2): Mark(PINK, RED, "改") for n in range(100)}
    calc.calls.clear()
    looks = host.mark("标记", marks)
    assert calc.calls["color="] <= 4 and len(host.notes("标记")) == 101
    for row, column in marks:
        cell = host.book.sheets["标记"].range((row + 1, column + 1))
        assert cell.color == PINK and {cell.borders[side].color for side in ("edge_top", "edge_left", "edge_bottom", "edge_right")} == {RED}
    host.unmark("标记", looks)
    assert host.book.sheets["标记"].range((21, 3)).color is None and len(host.notes("标记")) == 1


def test_dates_are_written_as_dates(host):
    host.write("值", 20, 0, [[dt.date(2022, 12, 31), dt.datetime(2022, 1, 2, 3, 4)]])
    assert host.grid("值").rows[20][:2] == [dt.date(2022, 12, 31), dt.datetime(2022, 1, 2, 3, 4)]


def test_a_value_takes_the_place_of_a_formula(host):
    host.write("值", 4, 1, [["=SUM(1,2)"]])
    assert host.grid("值").rows[4][1] == "=SUM(1,2)" == host.formulas("值", (4, 1, 4, 1))[0][0]


def test_formulas_and_values_in_one_go(host):
    host.write_formulas("值", 20, 1, [['=IF($E$2>1,"是,的",ROUND(E2,0))', "007", 3], ["=B21", None, "'x"]])
    assert host.formulas("值", (20, 1, 21, 3)) == [['=IF($E$2>1,"是,的",ROUND(E2,0))', "007", "3"], ["=B21", "", "'x"]]
    rows = host.grid("值").rows
    assert rows[20][2:4] == ["007", 3.0] and rows[21][3] == "'x"


def test_formulas_that_are_written_are_worked_out(calc_book, workbook):
    host = XlwingsHost(calc_book(workbook))
    host.write_formulas("值", 20, 1, [["=SUM(E2,1)", '=B21&"分"', "=1/0", "=PE_SCORE(B21,2)"]])
    assert host.grid("值").rows[20][1:] == [13.5, "13.5分", "#DIV/0!", "#NAME?", *[""] * (len(host.grid("值").rows[20]) - 5)]
    assert host.formulas("值", (20, 4, 20, 4)) == [["=PE_SCORE(B21,2)"]]


@pytest.mark.parametrize("rows", [[], [[]], [[1, 2], [3]]])
def test_only_a_rectangle_is_written(host, rows):
    for write in (host.write, host.write_formulas):
        with pytest.raises(ValueError, match="rectangle"):
            write("值", 0, 0, rows)


# ---- marks ----


def test_marks_go_as_they_came(host):
    grid = host.grid("标记")
    # (2, 1) and (1, 1) share a side; (1, 1) has a fill of its own; (8, 3) has no frame
    marks = {(1, 1): Mark(PINK, RED, "得分不符"), (2, 1): Mark(PINK, (198, 118, 0), "请核对", "thick"), (4, 0): Mark(PINK, RED, "合并"),
             (8, 3): Mark(PINK, RED), (2, 2): Mark(PINK, None, "我们的话"), (3, 0): Mark(None, None, "只有批注")}
    before = host.mark("标记", marks)
    assert set(before) == set(marks)
    assert before[1, 1].fill == GREY and before[2, 1].fill is None
    assert before[1, 1].edges == (Edge("continuous", "thin", BLACK),) * 4
    assert before[8, 3].edges == (None,) * 4
    assert host.notes("标记") == {(1, 1): f"{MARK}\n得分不符", (2, 1): f"{MARK}\n请核对", (4, 0): f"{MARK}\n合并", (2, 2): "科长：请复核",
                                (3, 0): f"{MARK}\n只有批注"}
    marked = host.mark("标记", dict.fromkeys(marks, Mark()))
    assert [marked[place].fill for place in ((1, 1), (2, 1), (4, 0), (8, 3), (2, 2), (3, 0))] == [PINK] * 5 + [None]
    assert marked[1, 1].edges[0] == Edge("continuous", "medium", RED)
    assert marked[1, 1].edges[2] == marked[2, 1].edges[0] == Edge("continuous", "thick", (198, 118, 0))
    assert marked[4, 0].edges == (Edge("continuous", "medium", RED),) * 4
    host.unmark("标记", {place: Look.unpacked(look.packed()) for place, look in before.items()})
    after = host.mark("标记", dict.fromkeys(marks, Mark()))
    assert {place: look[:2] for place, look in after.items()} == {place: look[:2] for place, look in before.items()}
    assert host.notes("标记") == {(2, 2): "科长：请复核"}
    assert host.grid("标记") == grid


def test_a_mark_inside_merged_cells_is_a_mark_on_the_whole_area(host):
    before = host.mark("标记", {(5, 1): Mark(PINK, RED, "合并")})
    assert list(before) == [(4, 0)]
    assert set(host.notes("标记")) == {(2, 2), (4, 0)}
    assert host.mark("标记", {(4, 0): Mark()})[4, 0].edges == (Edge("continuous", "medium", RED),) * 4
    host.unmark("标记", before)
    assert host.mark("标记", {(4, 0): Mark()})[4, 0][:2] == before[4, 0][:2]


@pytest.mark.parametrize("column", [0, 2, 4, 6])
def test_lines_of_other_kinds_come_back(host, column):
    before = host.mark("标记", {(10, column): Mark(None, RED)})
    assert None not in before[10, column].edges
    assert host.mark("标记", {(10, column): Mark()})[10, column].edges == (Edge("continuous", "medium", RED),) * 4
    host.unmark("标记", before)
    assert host.mark("标记", {(10, column): Mark()})[10, column].edges == before[10, column].edges


def test_looks_are_remembered_as_text():
    look = Look(GREY, (Edge("continuous", "thin", BLACK), None, Edge("dash", "thin", RED), None), None, RED)
    assert Look.unpacked(look.packed()) == look
    assert Look.unpacked(Look(None, (None,) * 4, PINK, None).packed()) == Look(None, (None,) * 4, PINK, None)


def test_a_second_note_of_ours_takes_the_place_of_the_first(host):
    host.mark("标记", {(0, 0): Mark(note="一")})
    host.mark("标记", {(0, 0): Mark(note="二")})
    assert host.notes("标记")[0, 0] == f"{MARK}\n二"


def test_what_the_user_changed_after_the_marking_stays(host):
    before = host.mark("标记", {(0, 0): Mark(PINK, RED, "一"), (0, 1): Mark(PINK, None, "二")})
    host.mark("标记", {(0, 0): Mark(GREY, None)})
    host.unmark("标记", before)
    after = host.mark("标记", {(0, 0): Mark(), (0, 1): Mark()})
    assert after[0, 0].fill == GREY and after[0, 1].fill is None
    assert after[0, 0].edges == before[0, 0].edges


def test_marks_need_no_open_sheet_where_the_protection_allows_them(host):
    before = host.mark("保护", {(0, 0): Mark(PINK, RED, "锁着的格")})
    assert host.notes("保护") == {(0, 0): f"{MARK}\n锁着的格"} and host.protected("保护")
    host.unmark("保护", before)
    assert host.notes("保护") == {} and host.mark("保护", {(0, 0): Mark()})[0, 0].fill is None


def test_a_protection_that_allows_no_marks_is_refused_in_plain_words(calc_book, workbook):
    host = XlwingsHost(calc_book(workbook))
    with host.opened("保护"):
        host.book.impl.sheets("保护").allowed["AllowFormattingCells"] = False
    host.book.impl.allowed["保护"]["AllowFormattingCells"] = False
    with refused("X203"):
        host.mark("保护", {(0, 0): Mark(PINK)})


# ---- protection ----


def test_locked_cells_are_refused_and_unlocked_ones_written(host):
    host.write("保护", 1, 0, [["改了", 5]])
    for write in (lambda: host.write("保护", 0, 1, [[9]]), lambda: host.write("保护", 0, 0, [["a"], ["b"]]),
                  lambda: host.write_formulas("保护", 0, 1, [["=1+1"]]), lambda: host.insert_row("保护", 1), lambda: host.delete_row("保护", 1),
                  lambda: host.merge("保护", (1, 0, 1, 1))):
        with refused("X203") as refusal:
            write()
        assert "保护" in str(refusal.value) and "撤销工作表保护" in str(refusal.value)
    assert host.grid("保护").rows == [["锁着", 1.0], ["改了", 5.0]]


def test_an_opened_sheet_can_be_written_and_is_closed_again(host):
    with host.opened("保护"):
        assert not host.protected("保护")
        host.write("保护", 0, 1, [[9]])
        with host.opened("保护"):
            host.write_formulas("保护", 0, 0, [["=1+1"]])
        host.write("保护", 0, 1, [[10]])
    assert host.protected("保护") and host.formulas("保护", (0, 0, 0, 1)) == [["=1+1", "10"]]
    with refused("X203"):
        host.write("保护", 0, 1, [[11]])
    with host.opened("值"):
        host.write("值", 0, 0, [[1]])
    assert not host.protected("值")


def test_a_sheet_is_closed_again_after_an_error(host):
    with pytest.raises(ZeroDivisionError), host.opened("保护"):
        raise ZeroDivisionError
    assert host.protected("保护")


def test_the_options_of_a_protection_come_back(calc_book, workbook):
    host = XlwingsHost(calc_book(workbook))
    before = dict(host.book.impl.allowed["保护"])
    assert before["AllowFormattingCells"] and before["AllowSorting"] and not before["AllowInsertingRows"] and not before["DrawingObjects"]
    with host.opened("保护"):
        pass
    assert host.book.impl.allowed["保护"] == before


def test_a_sheet_with_a_password_is_not_touched(host):
    with refused("X202") as refusal, host.opened("加密"):
        raise AssertionError("opened")
    assert "加密" in str(refusal.value) and host.protected("加密")
    with refused("X203"):
        host.write("加密", 0, 0, [["x"]])
    host.write("加密", 1, 0, [["x"]])


# ---- rows ----


def test_rows_inserted_inside_belong_to_names_merged_cells_and_formulas(host):
    host.insert_row("名称", 5)
    assert host.name_area("pe_rows") == ("名称", (3, 0, 6, 1)) and host.name_area("pe_year") == ("名称", (3, 0, 3, 0))
    assert host.grid("名称").merged == ((3, 2, 7, 2),)
    assert host.formulas("名称", (10, 0, 10, 1)) == [["=SUM(A4:A7)+$A$4", '=A4&"A4"']]
    assert host.formulas("值", (11, 1, 11, 1)) == [["=名称!A7+1"]]
    assert host.grid("名称").rows[5] == ["", "", ""]
    host.delete_row("名称", 5)
    assert host.name_area("pe_rows") == ("名称", (3, 0, 5, 1)) and host.grid("名称").merged == ((3, 2, 6, 2),)
    assert host.formulas("名称", (9, 0, 9, 1)) == [["=SUM(A4:A6)+$A$4", '=A4&"A4"']]


@pytest.mark.parametrize(("row", "last"), [(4, 6), (5, 6), (6, 5)])
def test_only_a_row_above_the_last_one_makes_a_name_longer(host, row, last):
    host.insert_row("名称", row)
    assert host.name_area("pe_rows") == ("名称", (3, 0, last, 1))
    assert host.grid("名称").merged == ((3, 2, 7, 2),)
    assert host.formulas("名称", (10, 0, 10, 0)) == [[f"=SUM(A4:A{last + 1})+$A$4"]]


def test_a_row_inserted_above_moves_everything_down(host):
    host.insert_row("名称", 3)
    assert host.name_area("pe_rows") == ("名称", (4, 0, 6, 1)) and host.grid("名称").merged == ((4, 2, 7, 2),)
    assert host.name_area("pe_department") == ("名称", (1, 0, 1, 0))


def test_a_new_row_looks_like_the_one_above(host):
    host.insert_row("值", 3)
    host.write("值", 3, 1, [[0.5, 0.5, 0.5]])
    assert host.grid("值").rows[3][1:4] == [Percent(0.5), Percent(0.5), 0.5]


def test_merging_keeps_the_first_value(host):
    host.merge("标记", (0, 0, 3, 0))
    grid = host.grid("标记")
    assert (0, 0, 3, 0) in grid.merged and [row[0] for row in grid.rows[:4]] == ["甲", "", "", ""]
    host.merge("标记", (0, 0, 3, 1))
    assert {area for area in host.grid("标记").merged if area[0] == 0} == {(0, 0, 3, 1)}


# ---- the screen ----


def test_questions_and_their_answers(host):
    front = host if isinstance(host, MemoryHost) else host.app.impl
    front.asked.clear()
    front.answers[:] = ["cancel", "no"]
    assert host.ask("要覆盖吗？", "绩效自评", "ok_cancel") == "cancel"
    assert host.ask("继续？", "绩效自评", "yes_no") == "no"
    assert host.ask("完成", "绩效自评") == "ok"
    assert [text for text, *_ in front.asked] == ["要覆盖吗？", "继续？", "完成"]


def _screen(host) -> tuple:
    """(text of the status bar or False, whether the screen is drawn)."""
    return (host.shown or False, not host.still) if isinstance(host, MemoryHost) else (host.app.status_bar, host.app.screen_updating)


def test_the_screen_is_as_it_was_after_a_press(host):
    with host.press():
        host.status("正在检查 3/9")
        assert _screen(host) == ("正在检查 3/9", False)
    assert _screen(host) == (False, True)
    with pytest.raises(ZeroDivisionError), host.press():
        raise ZeroDivisionError
    assert _screen(host) == (False, True)
    host.status("错误 2，提醒 5")
    assert _screen(host) == ("错误 2，提醒 5", True)
    host.status(None)
    assert _screen(host) == (False, True)


@pytest.mark.parametrize(("state", "code"), [("editing", "X204"), ("read_only", "X205")])
def test_why_the_book_cannot_be_worked_on(host, state, code):
    if isinstance(host, MemoryHost):
        setattr(host, state, True)
    elif state == "read_only":
        host.book.api.ReadOnly = True
    else:
        host.app.api.Ready = False
    try:
        with pytest.raises(Refusal) as refusal, host.press():
            raise AssertionError("pressed")
        assert refusal.value.code == code
    finally:
        if not isinstance(host, MemoryHost):
            host.app.api.Ready = True


def test_excel_that_rejects_every_call_is_busy(calc_book, workbook, monkeypatch):
    host = XlwingsHost(calc_book(workbook))
    monkeypatch.setattr(host.app.impl, "api", None)
    with refused("X204"), host.press():
        raise AssertionError("pressed")


def test_a_workbook_whose_structure_is_protected_gets_no_new_sheet(host):
    if isinstance(host, MemoryHost):
        host.structure = True
    else:
        host.book.api.ProtectStructure = True
    with refused("X206"):
        host.ensure_sheet("_状态")
    host.ensure_sheet("_隐藏")


def test_the_caller_is_the_book_of_the_button(calc_book, workbook):
    import xlwings

    book = calc_book(workbook)
    book.set_mock_caller()
    try:
        assert Path(XlwingsHost.caller().path()).samefile(workbook)
    finally:
        del xlwings.Book._mock_caller


def test_a_book_that_was_never_saved_has_no_path(calc_book):
    assert XlwingsHost(calc_book()).path() == ""


def test_a_book_in_the_cloud_has_an_address(calc_book, workbook, monkeypatch):
    host = XlwingsHost(calc_book(workbook))

    def unknown(book):
        raise XlwingsError("no local copy")

    monkeypatch.setattr(type(host.book.impl), "fullname", property(unknown))
    host.book.api.FullName = "https://pan.example/自评表.xlsm"
    assert host.path() == "https://pan.example/自评表.xlsm"


def test_a_sheet_larger_than_any_form_is_refused_as_by_intake(calc_book, workbook, monkeypatch):
    host = XlwingsHost(calc_book(workbook))
    monkeypatch.setattr("perfeval_xl.xlwings_host.ROWS", 11)
    with pytest.raises(Refusal, match="行数 12，上限 11"):
        host.grid("值")
    assert len(host.grid("名称").rows) == 10


def test_a_threaded_comment_is_left_alone(calc_book, workbook, monkeypatch):
    host = XlwingsHost(calc_book(workbook))
    cell = type(host.book.sheets["标记"].range("A1").impl)
    monkeypatch.setattr(cell, "comment", SimpleNamespace(text="讨论"))
    host.mark("标记", {(0, 0): Mark(PINK, RED, "一")})
    assert host.notes("标记") == {(2, 2): "科长：请复核"} and host.mark("标记", {(0, 0): Mark()})[0, 0].fill == PINK

    def unknown(cell):
        raise AttributeError("CommentThreaded")

    monkeypatch.setattr(cell, "comment", property(unknown))
    host.mark("标记", {(0, 0): Mark(note="一")})
    assert host.notes("标记")[0, 0] == f"{MARK}\n一"


def test_a_call_that_excel_rejects_is_not_repeated_for_ever(calc_book, workbook, monkeypatch):
    host, tries = XlwingsHost(calc_book(workbook)), []
    windows = SimpleNamespace(N_COM_ATTEMPTS=0)
    monkeypatch.setitem(sys.modules, "xlwings._xlwindows", windows)

    class Rejecting:
        @property
        def Ready(self):
            tries.append(windows.N_COM_ATTEMPTS)
            raise OSError(-2147418111)

    monkeypatch.setattr(host.app.impl, "api", Rejecting())
    with refused("X204"), host.press():
        raise AssertionError("pressed")
    assert tries == [3] and windows.N_COM_ATTEMPTS == 0


def test_on_the_mac_nothing_asks_for_what_only_windows_has(calc_book, workbook, monkeypatch):
    host = XlwingsHost(calc_book(workbook))
    monkeypatch.setattr("perfeval_xl.xlwings_host._on_mac", lambda: True)
    monkeypatch.setattr(type(host.book.sheets[0].impl), "api", SimpleNamespace(protect_contents=SimpleNamespace(get=lambda: False)))
    before = host.mark("标记", {(0, 0): Mark(PINK, RED, "一")})
    assert host.notes("标记")[0, 0] == f"{MARK}\n一"
    assert host.mark("标记", {(0, 0): Mark()})[0, 0][:2] == (PINK, (Edge("continuous", "medium", RED),) * 4)
    host.unmark("标记", before)
    host.ensure_sheet("_状态")
    assert not host.book.sheets["_状态"].visible
    with host.press():
        assert not host.protected("标记")


def test_a_protected_sheet_on_the_mac_is_left_to_the_user(calc_book, workbook, monkeypatch):
    host = XlwingsHost(calc_book(workbook))
    monkeypatch.setattr("perfeval_xl.xlwings_host._on_mac", lambda: True)
    monkeypatch.setattr(type(host.book.sheets[0].impl), "api", SimpleNamespace(
        protect_contents=SimpleNamespace(get=lambda: True), filter_mode=SimpleNamespace(get=lambda: False)))
    with refused("X203"), host.opened("保护"):
        raise AssertionError("opened")


# ---- values between ----


@pytest.mark.parametrize(("value", "expected"), [
    (None, ""), (True, "TRUE"), (Decimal("1234.5000"), 1234.5), (-2146826243, "#SPILL!"), (-2146826238, "#CALC!"), (-2146826200, "#ERROR!"),
    (5, 5.0), (dt.datetime(2022, 1, 2, tzinfo=dt.UTC), dt.date(2022, 1, 2)), ("007", "007")])
def test_what_excel_gives_becomes_what_a_grid_holds(value, expected):
    assert grid_value(value) == expected and type(grid_value(value)) is type(expected)


@pytest.mark.parametrize(("value", "expected"), [(None, ""), (2.0, "2"), (0.5, "0.5"), ("x", "x"), (-0.0, "0")])
def test_constants_as_text(value, expected):
    assert text_of(value) == expected


# ---- how much is asked ----


class Cells:
    """A sheet of an open workbook that knows its merged areas and number formats, and counts what it is asked; an area of itself."""

    def __init__(self, merged=(), formats=None, area=(0, 0, 0, 0), asked=None):
        self.merged, self.formats, self.area, self.asked = merged, formats or {}, area, [] if asked is None else asked
        self.row, self.column, self.shape = area[0] + 1, area[1] + 1, (area[2] - area[0] + 1, area[3] - area[1] + 1)

    def range(self, address):
        (left, top), (right, bottom) = (re.fullmatch("([A-Z])([0-9]+)", corner).groups() for corner in (address.split(":") * 2)[:2])
        return Cells(self.merged, self.formats, (int(top) - 1, ord(left) - 65, int(bottom) - 1, ord(right) - 65), self.asked)

    def _all(self, each):
        self.asked.append(self.area)
        top, left, bottom, right = self.area
        states = {each(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)}
        return states.pop() if len(states) == 1 else None

    def _over(self, row, column):
        return next((one for one in self.merged if one[0] <= row <= one[2] and one[1] <= column <= one[3]), None)

    merge_cells = property(lambda self: self._all(lambda row, column: self._over(row, column) is not None))
    number_format = property(lambda self: self._all(lambda row, column: self.formats.get((row, column), "General")))
    merge_area = property(lambda self: Cells(area=self._over(*self.area[:2])))


AREAS = st.tuples(st.integers(0, 11), st.integers(0, 5), st.integers(0, 4), st.integers(0, 3)).filter(lambda one: one[2] or one[3])


@given(st.lists(AREAS, max_size=12))
def test_all_merged_areas_are_found(drawn):
    merged = []
    for top, left, down, across in drawn:
        area = (top, left, min(top + down, 11), min(left + across, 5))
        apart = all(area[2] < one[0] or area[0] > one[2] or area[3] < one[1] or area[1] > one[3] for one in merged)
        if apart and area[:2] != area[2:]:
            merged.append(area)
    found = _merged(Cells(merged), 12, 6)
    assert sorted(found) == sorted(merged)


@given(st.dictionaries(st.tuples(st.integers(0, 9), st.integers(0, 3)), st.sampled_from(["0.00%", "0%", '0"%"', "0.00"])),
       st.sets(st.tuples(st.integers(0, 9), st.integers(0, 3))))
def test_all_percentages_are_found(formats, numbers):
    rows = [[0.25 if (row, column) in numbers else "文" for column in range(4)] for row in range(10)]
    _show_percents(Cells(formats=formats), rows)
    shown = {(row, column) for row in range(10) for column in range(4) if isinstance(rows[row][column], Percent)}
    assert shown == {place for place in numbers if formats.get(place) in ("0.00%", "0%")}


def test_long_stretches_without_merged_cells_cost_one_call_a_column():
    cells = Cells([(2, 0, 1001, 0), (0, 0, 0, 5)])
    assert len(_merged(cells, 1002, 6)) == 2
    assert len(cells.asked) < 25


def _long(path: str, rows: int) -> str:
    """A form-like sheet: a merged head, two columns merged over all rows, percentages in one column."""
    with xlsxwriter.Workbook(path) as book:
        sheet, rate = book.add_worksheet("自评表"), book.add_format({"num_format": "0.00%"})
        sheet.merge_range(0, 0, 0, 7, "绩效自评表")
        sheet.merge_range(1, 0, 1, 3, "部门")
        for row in range(2, rows + 2):
            sheet.write_row(row, 2, [f"指标{row}", "≥95%", "96%", 2, 2])
            sheet.write_number(row, 7, 0.01, rate)
        for column in (0, 1):
            sheet.merge_range(2, column, rows + 1, column, "产出指标")
        book.define_name("pe_year", "=自评表!$A$1")
    return path


def test_a_thousand_rows_cost_no_more_calls_than_thirty(calc, calc_book, tmp_path):
    asked = {}
    for rows in (30, 1000):
        host = XlwingsHost(calc_book(_long(str(tmp_path / f"{rows}.xlsx"), rows)))
        values = [[float(n), "x", None] for n in range(rows)]
        calc.calls.clear()
        grid = host.grid("自评表")
        host.write("自评表", 2, 4, values)
        host.formulas("自评表", (2, 0, rows + 1, 7))
        asked[rows] = dict(calc.calls)
        assert len(grid.rows) == rows + 2 and grid.rows[-1][7] == Percent(0.01) and len(grid.merged) == 4
    assert {name: asked[1000][name] for name in ("raw_value", "raw_value=", "formula")} == {"raw_value": 1, "raw_value=": 1, "formula": 1}
    # finding the merged head in a longer column takes a few bisections more
    assert sum(asked[1000].values()) <= sum(asked[30].values()) + 60
    assert sum(asked[1000].values()) < 350


def test_what_the_hosts_did_stands_in_the_file_they_save(calc_book, workbook, tmp_path):
    host = XlwingsHost(calc_book(workbook))
    host.write("名称", 0, 0, [["007"]])
    host.mark("名称", {(0, 0): Mark(PINK, RED, "一")})
    path = str(tmp_path / "存 下.xlsx")
    host.book.save(path)
    assert host.grid("名称").rows == next(sheet.rows for sheet in intake.load(path).sheets if sheet.name == "名称")
    again = MemoryHost.load(path)
    assert again.cell("名称", 0, 0).fill == PINK and again.notes("名称") == {(0, 0): f"{MARK}\n一"}


def test_the_memory_host_counts_what_it_was_asked(workbook):
    host = MemoryHost.load(workbook)
    host.grid("值")
    with host.press(), host.opened("保护"):
        host.write("保护", 0, 0, [[1]])
    assert host.calls == ["grid", "press", "opened", "write"]


def test_both_hosts_offer_the_whole_port():
    port = {name for name in vars(Host) if not name.startswith("_")}
    assert len(port) == 27
    for adapter in (XlwingsHost, MemoryHost):
        assert port <= {name for name in vars(adapter) if not name.startswith("_")}


def test_a_note_stays_where_its_cell_is_written(host):
    """As in Excel; LibreOffice by itself would clear it."""
    with host.opened("标记"):
        host.write("标记", 1, 0, [["一", 1.0, 2.0], ["二", 3.0, 4.0]])
        host.fill("标记", {(2, 2): 5.0})
        host.write_formulas("标记", 2, 2, [["=1+1"]])
    assert host.notes("标记") == {(2, 2): "科长：请复核"}
