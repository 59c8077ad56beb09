"""What people do to an open form, by accident or on purpose, and every button after it: words that say what to do, never a log path, nothing lost."""

from __future__ import annotations

import pytest
from memory_host import MemoryHost
from test_buttons import Desk, books  # noqa: F401 - a fixture

from perfeval_xl.host import Formula
from perfeval_xl.model import FORM_SHEET, RESULTS_SHEET, STATE_SHEET

pytestmark = pytest.mark.filterwarnings("ignore:Print area cannot be set:UserWarning")

#: the form of Shangjie as it is printed: rows and columns from zero
FUNDS, TOTAL_FUNDS, HEAD, FIRST, LAST = 3, 3, 11, 12, 39


def _put(sheet, top, left, rows):
    sheet.getCellRangeByPosition(left, top, left + len(rows[0]) - 1, top + len(rows) - 1).setDataArray(tuple(map(tuple, rows)))


def _pasted_again(book, sheet):
    rows = [["" if value is None else value for value in row] for row in sheet.getCellRangeByPosition(0, HEAD, 9, LAST + 1).getDataArray()]
    _put(sheet, LAST + 6, 0, rows)


def _turned_round(book, sheet):
    rows = sheet.getCellRangeByPosition(3, FIRST, 9, LAST).getDataArray()
    _put(sheet, FIRST, 3, [["" if value is None else value for value in row] for row in reversed(rows)])


def _copied(book, sheet):
    book.Sheets.copyByName(FORM_SHEET, "自评表 (2)", 2)
    book.Sheets.copyByName(FORM_SHEET, "自评表 (3)", 0)


def _nameless(book, sheet):
    for name in book.NamedRanges.ElementNames:
        book.NamedRanges.removeByName(name)


def _named(name, value):
    return lambda book, sheet: book.NamedRanges.getByName(name).getReferredCells().setDataArray(((value,),))


#: what was done -> how, and a word of what ① says then ("" = any count of findings)
MISHAPS = {
    "a column inserted in the middle": (lambda book, sheet: sheet.Columns.insertByIndex(6, 1), "没有发现问题"),
    "two columns inserted in front": (lambda book, sheet: sheet.Columns.insertByIndex(0, 2), ""),
    "偏差度 deleted": (lambda book, sheet: sheet.Columns.removeByIndex(8, 1), "没有发现问题"),
    "原因 deleted": (lambda book, sheet: sheet.Columns.removeByIndex(9, 1), ""),
    "an indicator deleted": (lambda book, sheet: sheet.Rows.removeByIndex(17, 1), "错误"),
    "the first indicators deleted": (lambda book, sheet: sheet.Rows.removeByIndex(FIRST, 3), "错误"),
    "all indicators deleted": (lambda book, sheet: sheet.Rows.removeByIndex(FIRST, LAST - FIRST + 1), "错误"),
    "the total of the funds deleted": (lambda book, sheet: sheet.Rows.removeByIndex(TOTAL_FUNDS, 1), "错误"),
    "总分 deleted": (lambda book, sheet: sheet.Rows.removeByIndex(LAST + 1, 1), "没有“总分”"),
    "the headings deleted": (lambda book, sheet: sheet.Rows.removeByIndex(HEAD, 1), "没有认得出的自评表"),
    "every merged cell taken apart": (lambda book, sheet: sheet.getCellRangeByPosition(0, 0, 13, 60).merge(False), "没有发现问题"),
    "half the form pasted over": (lambda book, sheet: _put(sheet, 15, 0, [[f"贴{n}"] * 10 for n in range(24)]), "错误"),
    "the whole table pasted again below": (_pasted_again, "有两处“总分”"),
    "the rows turned round": (_turned_round, ""),
    "the sheet copied twice": (_copied, ""),
    "all names deleted": (_nameless, ""),
    "the hidden sheet deleted": (lambda book, sheet: book.Sheets.removeByName(STATE_SHEET), ""),
    "the edition overwritten": (_named("pe_edition", "nowhere-1999"), ""),
    "the year as a word": (_named("pe_year", "二〇二二"), ""),
    "enormous and negative money": (lambda book, sheet: _put(sheet, FUNDS, 4, [[1e300, -5.0, 1e-300]]), "错误"),
    "a text of five thousand odd characters": (lambda book, sheet: _put(sheet, 13, 5, [["\u202e\x07\u3000" + "长" * 5000]]), "错误"),
}


@pytest.mark.parametrize("mishap", MISHAPS)
def test_after_a_mishap_every_button_speaks_plainly(calc_book, books, mishap):  # noqa: F811
    from perfeval_xl.xlwings_host import XlwingsHost

    happen, expected = MISHAPS[mishap]
    desk = Desk(XlwingsHost(calc_book(books["shangjie-2022"], recalculate=False)))
    book = desk.host.book.impl
    sheet = book.document.Sheets.getByName(FORM_SHEET)
    sheet.unprotect("")
    happen(book.document, sheet)
    sheet.protect("")
    for known in (book.remembered, book.merged):  # it happened behind the engine's back
        known.clear()
    desk.host.goto(FORM_SHEET, LAST - 4, 3)
    said = {name: desk.press(name) for name in ("check", "recalculate", "check", "insert_row", "undo", "clear_marks")}
    assert expected in said["check"] and not [words for words in said.values() if "意外错误" in words or "Traceback" in words or ". 的表" in words]
    assert desk.host.protected(FORM_SHEET) and desk.host.notes(FORM_SHEET) == {}


def _hidden(desk: Desk, row: int) -> None:
    if isinstance(desk.host, MemoryHost):
        return  # this host shows everything
    desk.host.book.impl.document.Sheets.getByName(FORM_SHEET).Rows.getByIndex(row).IsVisible = False


def test_hidden_rows_are_checked_and_worked_out_like_the_others(open_host, books):  # noqa: F811
    desk = Desk(open_host(books["shangjie-2022"], recalculate=False))
    row = desk.row("预算执行率")
    desk.type(row.actual_entry.row, row.actual_entry.column, "")
    desk.type(row.score.row, row.score.column, 1.5)
    _hidden(desk, row.place.row)
    desk.press("check")
    assert "V202" in {code for _, code, _ in desk.listed()} and (row.actual_entry.row, row.actual_entry.column) in desk.host.notes(FORM_SHEET)
    desk.press("recalculate")
    assert str(desk.value(row.score.row, row.score.column)).strip() == ""
    assert desk.press("clear_marks").startswith("已清除")


@pytest.mark.parametrize("hostile", ["=1+1", "=cmd|' /C calc'!A0", "+1+cmd|'x'!A0", "@SUM(1)", "＝1+1", "\t=1+1", "'=1+1", "{=1}"])
def test_words_of_the_form_never_become_a_formula(open_host, books, hostile):  # noqa: F811
    """In the list, in the notes, in what is remembered, and in a row that moves because another is inserted."""
    desk = Desk(open_host(books["shangjie-2022"], recalculate=False))
    row = desk.checked().form.indicators[-1]
    for entry in (row.actual_entry, row.target_entry, row.place, row.reason):
        desk.type(entry.row, entry.column, hostile)
    desk.type(row.score.row, row.score.column, hostile)
    formulas = _formulas(desk, FORM_SHEET)
    desk.press("check")
    assert hostile.strip()[:4] in str(desk.host.grid(RESULTS_SHEET).rows)
    assert all("HYPERLINK" in formula for formula in _formulas(desk, RESULTS_SHEET).values())
    desk.press("recalculate")
    assert desk.press("undo") == "已撤销“②重新计算”。"
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    desk.press("insert_row")
    assert _formulas(desk, STATE_SHEET) == {}
    assert not [formula for formula in _formulas(desk, FORM_SHEET).values() if hostile.strip("'\t") in formula.strip("'\t")]
    assert desk.press("undo").startswith("已撤销") and _formulas(desk, FORM_SHEET).keys() <= formulas.keys() | {(row.score.row, row.score.column)}


def _formulas(desk: Desk, sheet: str) -> dict:
    return {(row, column): str(value) for row, line in enumerate(desk.host.contents(sheet)) for column, value in enumerate(line)
            if isinstance(value, Formula)}


def test_a_list_that_is_filtered_is_not_written_past_its_hidden_rows(books):  # noqa: F811
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    desk.host.sheets[RESULTS_SHEET].filtered = True
    assert "工作表“校验结果”正在筛选" in desk.press("check") and desk.host.notes(FORM_SHEET) == {}
