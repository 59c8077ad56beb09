"""The buttons as a clerk presses them, on the host in memory and through xlwings on LibreOffice: fill in, press, read the book back."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest
from memory_host import MemoryHost
from openpyxl import load_workbook

from perfeval_xl import buttons, computed, examples, log, record, state, vba, workbook_file
from perfeval_xl.edition import get
from perfeval_xl.host import Mark, grid_value
from perfeval_xl.messages import MARK
from perfeval_xl.model import FORM_SHEET, RESULTS_SHEET, cell_name
from perfeval_xl.template import Filling, blank

pytestmark = pytest.mark.filterwarnings("ignore:Print area cannot be set:UserWarning")


def filled(edition_id: str = "shangjie-2022") -> Filling:
    """A department's form without a mistake; one row falls short and says why."""
    edition = get(edition_id)
    form, left = blank(edition), {part.name: part.weight for part in edition.parts}
    for row in form.indicators:
        left[row["part"]] -= row.get("weight") or 0
    open_rows = {part: sum(row["part"] == part and row.get("weight") is None for row in form.indicators) for part in left}
    rows = []
    for n, row in enumerate(form.indicators):
        row = {key: value for key, value in row.items() if value not in (None, "")}
        part = row["part"]
        if "weight" not in row:
            row["weight"] = left[part] // open_rows[part] if open_rows[part] > 1 else left[part]
            left[part], open_rows[part] = left[part] - row["weight"], open_rows[part] - 1
        rows.append({"name": f"第{n}项工作完成率", "target": "≥90%"} | row | ACTUALS.get(row.get("role", ""), {}))
        rows[-1].setdefault("actual", "100%")
    rows[-1] |= {"actual": "81%", "reason": "部分工作受天气影响推迟，已列入下一季度计划并安排专人督办。"}
    money = {"initial": 1000, "adjusted": 1000, "executed": 950}
    funds = {role: row | (money if role in ("total", "government") else dict.fromkeys(money, 0)) for role, row in form.funds.items()}
    return form._replace(department="测试区财政局", project="测试项目", year=2022, funds=funds, indicators=tuple(rows),
                         goals=("完成年度工作任务，保障部门运转。", "年度工作任务已完成，部门运转正常。"),
                         tasks=({"name": "预算管理", "content": "编制年度预算", "status": "已完成"},))


#: what follows from the money above
ACTUALS = {"execution_rate": {"actual": "95%"}, "adjustment_rate": {"actual": "0%"}, "carry_over_rate": {"actual": "5%"}}


@pytest.fixture(scope="session")
def books(tmp_path_factory) -> dict[str, str]:
    """The shipped workbook of each edition, filled in."""
    folder = tmp_path_factory.mktemp("books")
    fillings = {edition: filled(edition) for edition in ("shangjie-2022", "mof-2020-project")}
    fillings["jinshui-2021"] = examples.load(os.path.join(examples.DATA, "jinshui-2021.toml"))[1]
    paths = {edition: str(folder / f"{edition}.xlsm") for edition in fillings}
    for edition, path in paths.items():
        workbook_file.build(path, get(edition), fillings[edition])
    return paths


class Desk:
    """A clerk at a workbook: types, presses, looks."""

    def __init__(self, host) -> None:
        self.host = host
        self.answers: list[str] = []
        self.boxes: list[str] = []
        host.ask = self.ask

    def ask(self, text: str, title: str, buttons: str = "ok") -> str:
        self.boxes.append(text)
        return self.answers.pop(0) if self.answers else "ok" if buttons.startswith("ok") else "no"

    def press(self, name: str) -> str:
        """Presses a button; gives what the status bar says, or what a box said."""
        said = len(self.boxes)
        self.host.status(None)
        getattr(buttons, name)(self.host)
        bar = self.host.shown if isinstance(self.host, MemoryHost) else self.host.app.status_bar
        return bar if isinstance(bar, str) and bar else "".join(self.boxes[said:])

    def checked(self, sheet: str = FORM_SHEET) -> record.Record:
        return record.check_sheet(self.host.grid(sheet), self.host.path())

    def row(self, name: str, sheet: str = FORM_SHEET):
        return next(row for row in self.checked(sheet).form.indicators if row.name == name)

    def type(self, row: int, column: int, value, sheet: str = FORM_SHEET) -> None:
        with self.host.opened(sheet):
            self.host.write(sheet, row, column, [[value]])

    def value(self, row: int, column: int, sheet: str = FORM_SHEET):
        line = self.host.grid(sheet).rows
        return line[row][column] if row < len(line) and column < len(line[row]) else ""

    def looks(self, places) -> dict:
        """Fills and frames of some cells."""
        return {place: (look.fill, look.edges) for place, look in self.host.mark(FORM_SHEET, dict.fromkeys(places, Mark())).items()}

    def figures(self) -> list:
        """What stands on the form, a blank result as nothing."""
        grid = self.host.grid(FORM_SHEET)
        return [[value.strip() if isinstance(value, str) else value for value in row] for row in grid.rows], set(grid.merged)

    def listed(self) -> list[tuple[str, str, str]]:
        """(severity, code, place) of the lines of 校验结果."""
        rows = [row + [""] * 9 for row in self.host.grid(RESULTS_SHEET).rows[4:]]
        return [(row[0], row[1], row[8]) for row in rows if row[1]]


@pytest.fixture
def desk(open_host, books) -> Desk:
    """The filled form of Shangjie, with the values that the file holds: LibreOffice does not know the worksheet functions."""
    return Desk(open_host(books["shangjie-2022"], recalculate=False))


def test_a_form_without_mistake_gets_no_marks(desk):
    assert desk.press("check") == "没有发现问题。"
    assert desk.listed() == [] and desk.host.notes(FORM_SHEET) == {}
    assert "没有发现问题" in desk.value(1, 0, RESULTS_SHEET)


#: name of the row, what is typed into which of its fields, what is found
MISTAKES = {
    "a reason is deleted": ("", "reason", "", [("错误", "T101", "reason")]),
    "an error value": ("预算执行率", "actual", "#DIV/0!", [("错误", "V102", "actual")]),
    "the unit of a sum of money": ("预算执行率", "actual", "2000万", [("提醒", "V208", "actual")]),
    "a share as a fraction": ("", "actual", "0.81", [("提醒", "V104", "actual")]),
    "a weight too many": ("预算执行率", "weight", 5, []),
    "a target that nothing can fail": ("结转结余率", "target", "≤100%", [("提醒", "I107", "target")]),
}


#: what LibreOffice would show no differently
in_memory = pytest.mark.parametrize("open_host", ["memory"], indirect=True)


def on_both(first, *others):
    """The first case on both hosts, the others in memory."""
    return [pytest.param("calc", first, id=f"calc-{first}"), *(pytest.param("memory", one, id=f"memory-{one}") for one in (first, *others))]


@pytest.mark.parametrize("open_host, mistake", on_both(*MISTAKES), indirect=["open_host"])
def test_a_mistake_is_marked_where_it_stands(desk, mistake):
    name, field, value, expected = MISTAKES[mistake]
    row = desk.row(name) if name else desk.checked().form.indicators[-1]
    entry = getattr(row, {"target": "target_entry", "actual": "actual_entry"}.get(field, field))
    desk.type(entry.row, entry.column, value)
    desk.press("recalculate")
    right = desk.checked().findings
    assert right, "the mistake is none"
    said = desk.press("check")
    notes = desk.host.notes(FORM_SHEET)
    assert set(notes) == {(one.row, one.column) for one in right if one.row >= 0}
    for one in right:
        assert notes[one.row, one.column].startswith(MARK) and one.code in notes[one.row, one.column]
    assert sorted(code for _, code, _ in desk.listed()) == sorted(one.code for one in right)
    assert {place for _, _, place in desk.listed()} == {f"'{FORM_SHEET}'!{cell_name(one.row, one.column)}" for one in right}
    assert f"错误 {sum(one.severity == 'error' for one in right)}" in said
    for severity, code, where in expected:
        place = getattr(row, {"target": "target_entry", "actual": "actual_entry"}.get(where, where))
        assert (severity, code, f"'{FORM_SHEET}'!{cell_name(place.row, place.column)}") in desk.listed()


def test_marks_are_taken_away_and_notes_of_the_user_stay(desk):
    row = desk.row("预算执行率")
    places = [(row.actual_entry.row, row.actual_entry.column), (row.reason.row, row.reason.column), (row.weight.row, row.weight.column)]
    before = desk.looks(places)
    desk.type(*places[0], "#DIV/0!")
    desk.press("check")
    assert desk.looks(places) != before and desk.host.notes(FORM_SHEET)
    desk.press("check")
    assert desk.press("clear_marks").startswith("已清除")
    assert desk.looks(places) == before and desk.host.notes(FORM_SHEET) == {} and desk.listed() == []
    assert desk.press("clear_marks") == "没有标记。"


def test_recalculation_mends_what_was_pasted_over_and_nothing_else(desk):
    row = desk.row("预算执行率")
    form = desk.checked().form
    before = desk.figures()
    desk.type(row.score.row, row.score.column, 9)
    desk.type(form.totals[0].row, form.totals[0].column, "优秀")
    desk.type(form.funds[0].rate.row, form.funds[0].rate.column, "")
    assert desk.press("recalculate").startswith("重新计算完毕：改了")
    assert desk.figures() == before
    # of the 90 computed cells only the three, and those that follow from them where functions do not answer, were written
    written = [(one.row, one.column) for one in state.load(desk.host).changes]
    mine = [(one.row, one.column) for one in (row.score, form.totals[0], form.funds[0].rate)]
    assert set(mine) <= set(written) and len(written) <= 12
    desk.press("recalculate")
    assert desk.figures() == before


@in_memory
def test_a_new_input_reaches_every_figure_that_follows(desk):
    row = desk.checked().form.indicators[-1]
    desk.type(row.actual_entry.row, row.actual_entry.column, "45%")
    desk.press("recalculate")
    after = desk.checked()
    result = after.card.rows[-1]
    assert after.form.indicators[-1].score.number == result.score and after.form.totals[0].number == after.card.total
    assert not [one for one in after.findings if one.severity == "error"]


@in_memory
def test_a_score_by_hand_counts_where_no_rule_decides(open_host, books):
    desk = Desk(open_host(books["mof-2020-project"], recalculate=False))
    row = desk.checked().form.indicators[2]
    target, actual = row.target_entry, row.actual_entry
    desk.type(target.row, target.column, "按规定完成")
    desk.type(actual.row, actual.column, "部分达成")
    desk.press("recalculate")
    assert desk.checked().form.indicators[2].score.number is None
    hand = next(n for n, text in enumerate(desk.host.grid(FORM_SHEET).rows[_heading(desk)]) if str(text).startswith(computed.HAND))
    desk.type(row.place.row, hand, 7)
    desk.press("recalculate")
    assert desk.checked().form.indicators[2].score.number == 7
    assert desk.checked().form.totals[0].number == desk.checked().card.total


def _heading(desk: Desk) -> int:
    return next(n for n, row in enumerate(desk.host.grid(FORM_SHEET).rows) if "三级指标" in row)


# ---- a day at the desk ----


#: what a blank form lacks, each once; an edition whose weights are the department's own has no rows to ask about yet
BLANK = {"shangjie-2022": {"F110": 1, "V202": 20, "S108": 1, "S109": 1}, "jinshui-2021": {"F110": 1, "S108": 1, "S109": 1},
         "mof-2020-project": {"F110": 1, "S102": 1, "S109": 1}}


@pytest.mark.parametrize("edition", BLANK)
def test_a_blank_form_is_told_once_what_it_lacks(edition, tmp_path):
    path = str(tmp_path / "form.xlsm")
    workbook_file.build(path, get(edition))
    desk = Desk(MemoryHost.load(path))
    before = desk.figures()
    assert desk.press("recalculate") == "重新计算完毕：没有需要改的。"
    assert desk.press("check").startswith(f"错误 {sum(BLANK[edition].values())}，提醒 0，")
    assert Counter(one.code for one in desk.checked().findings) == BLANK[edition]
    assert len(desk.listed()) == len(BLANK[edition])
    desk.press("clear_marks")
    assert desk.figures() == before and desk.host.notes(FORM_SHEET) == {}


def test_the_form_of_jinshui_through_every_button(open_host, books, tmp_path):
    path = tmp_path / "自评.xlsm"
    path.write_bytes(Path(books["jinshui-2021"]).read_bytes())
    desk = Desk(open_host(str(path), recalculate=False))
    before, first = desk.figures(), desk.checked()
    assert desk.press("recalculate") == "重新计算完毕：没有需要改的。"
    row, total = first.form.indicators[1], first.form.totals[0]
    desk.type(row.score.row, row.score.column, 0.5)
    desk.type(total.row, total.column, 60)
    assert desk.press("recalculate").startswith("重新计算完毕：改了")
    assert desk.checked().card.total == first.card.total and desk.figures() == before
    desk.press("check")
    assert {code for _, code, _ in desk.listed()} == {one.code for one in first.findings} != set()
    desk.press("clear_marks")
    last = first.form.indicators[-1]
    desk.host.goto(FORM_SHEET, last.place.row, last.place.column)
    assert desk.press("insert_row").startswith(f"已插入第 {last.place.row + 2} 行") and desk.press("undo") == "已撤销“⑤插入指标行”。"
    desk.press("recalculate")
    assert desk.figures() == before
    desk.answers = ["yes"]
    assert desk.press("submit").startswith("报送版：")
    copy, form = record.check_file(*_made(desk))[0], desk.checked()
    assert [one.code for one in copy.findings] == [one.code for one in form.findings] and copy.card == form.card


def test_a_colour_and_a_note_of_the_user_outlive_a_mark(books):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    entry = desk.row("预算执行率").actual_entry
    cell = desk.host.cell(FORM_SHEET, entry.row, entry.column)
    cell.fill, cell.note, cell.value = (1, 2, 3), "科长：请核对", ""
    desk.press("check")
    assert cell.fill != (1, 2, 3) and cell.note == "科长：请核对"
    desk.press("check")
    desk.press("clear_marks")
    assert (cell.fill, cell.note) == ((1, 2, 3), "科长：请核对")


def test_a_block_pasted_over_computed_cells_is_put_right_and_back(books):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    row, before = desk.checked().form.indicators[3], desk.figures()
    pasted = [["好", 0.5], ["#REF!", "-"], [None, None]]
    with desk.host.opened(FORM_SHEET):
        desk.host.write(FORM_SHEET, row.score.row, row.score.column, pasted)
    spoilt = desk.figures()
    assert desk.press("recalculate").startswith("重新计算完毕：改了 6 格") and desk.figures() == before
    assert desk.press("undo") == "已撤销“②重新计算”。" and desk.figures() == spoilt


def _colours(desk: Desk, columns: tuple[int, ...]) -> set:
    """Colours of fills and frames in some columns of the last indicators."""
    bottom = desk.host.name_area("pe_indicators")[1][2]
    looks = desk.looks([(row, column) for row in range(bottom - 5, bottom + 1) for column in columns]).values()
    return {fill for fill, _ in looks} | {edge.colour for _, edges in looks for edge in edges if edge}


@pytest.mark.parametrize("open_host, which", on_both(-2, -1), indirect=["open_host"])
def test_a_row_is_inserted_without_the_marks_of_its_neighbour(desk, which):
    row = desk.checked().form.indicators[which]
    columns = row.actual_entry.column, row.score.column
    clean = _colours(desk, columns)
    for n in (0, 1):  # where the last row is selected, the new one comes above it and looks like the one before
        desk.type(row.place.row - n, row.actual_entry.column, "")
    desk.press("check")
    assert _colours(desk, columns) != clean
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    assert desk.press("insert_row").endswith("标记已清除，填好后再按①。")
    assert _colours(desk, columns) == clean and desk.host.notes(FORM_SHEET) == {} and desk.listed() == []
    assert desk.press("clear_marks") == "没有标记。"


@pytest.mark.parametrize("open_host, by", on_both("inserted below", "inserted above", "deleted above", "deleted"), indirect=["open_host"])
def test_marks_are_found_after_rows_moved_by_hand(desk, by):
    row, other = desk.checked().form.indicators[-3], desk.checked().form.indicators[-1]
    clean = _colours(desk, (row.actual_entry.column,))
    for one in (row, other):
        desk.type(one.actual_entry.row, one.actual_entry.column, "")
    desk.press("check")
    with desk.host.opened(FORM_SHEET):
        if by.startswith("inserted"):
            desk.host.insert_row(FORM_SHEET, row.place.row + by.endswith("below"))
        else:
            desk.host.delete_row(FORM_SHEET, row.place.row - by.endswith("above"))
    assert desk.press("clear_marks").startswith("已清除")
    assert desk.host.notes(FORM_SHEET) == {} and _colours(desk, (row.actual_entry.column,)) == clean


# ---- ④ ----


def test_what_was_done_before_rows_moved_by_hand_is_not_taken_back(books):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    row = desk.checked().form.indicators[-3]
    desk.type(row.score.row, row.score.column, 1.5)
    desk.press("recalculate")
    with desk.host.opened(FORM_SHEET):
        desk.host.insert_row(FORM_SHEET, row.place.row - 1)
    assert desk.press("undo") == "表里后来增删过行，不能再撤销“②重新计算”。"
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    desk.press("insert_row")
    with desk.host.opened(FORM_SHEET):
        desk.host.delete_row(FORM_SHEET, row.place.row - 1)
    before = desk.figures()
    assert desk.press("undo") == "表里后来增删过行，不能再撤销“⑤插入指标行”。" and desk.figures() == before


def test_undo_puts_back_what_the_last_button_changed(desk):
    row = desk.row("预算执行率")
    desk.type(row.score.row, row.score.column, 1.5)
    spoilt = desk.value(row.score.row, row.score.column)
    desk.press("recalculate")
    assert desk.press("undo") == "已撤销“②重新计算”。"
    assert desk.value(row.score.row, row.score.column) == spoilt
    assert desk.press("undo").startswith("没有可以撤销的操作")


@in_memory
def test_undo_leaves_what_was_changed_since(desk):
    row, other = desk.row("预算执行率"), desk.row("结转结余率")
    for one in (row, other):
        desk.type(one.score.row, one.score.column, 1.5)
    desk.press("recalculate")
    desk.type(other.score.row, other.score.column, 0.25)
    assert "1 格后来又改过" in desk.press("undo")
    assert desk.value(row.score.row, row.score.column) == 1.5 and desk.value(other.score.row, other.score.column) == 0.25


@in_memory
def test_undo_of_a_check_takes_its_marks_away(desk):
    row = desk.row("预算执行率")
    desk.type(row.actual_entry.row, row.actual_entry.column, "")
    desk.press("check")
    assert desk.host.notes(FORM_SHEET)
    assert desk.press("undo") == "已撤销“①检查”。"
    assert desk.host.notes(FORM_SHEET) == {} and desk.listed() == []


# ---- ⑤ ----


@pytest.mark.parametrize("open_host, which", on_both(-1, -2, -5, -7, -8), indirect=["open_host"])
def test_a_row_is_inserted_below_the_selected_one(desk, which):
    before = desk.checked()
    row = before.form.indicators[which]
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    assert desk.press("insert_row").startswith(f"已插入第 {row.place.row + 2} 行")
    after = desk.checked()
    named = [(one.part, one.group, one.name, one.score.number) for one in before.form.indicators]
    assert [(one.part, one.group, one.name, one.score.number) for one in after.form.indicators] == named
    blank_row = row.place.row + 1
    top, _, bottom, _ = desk.host.name_area("pe_indicators")[1]
    assert (top, bottom) == (before.form.indicators[0].place.row, before.form.indicators[-1].place.row + 1)
    desk.type(blank_row, row.place.column, "新增工作完成率")
    desk.type(blank_row, row.target_entry.column, "≥80%")
    desk.type(blank_row, row.actual_entry.column, "40%")
    desk.type(blank_row, row.weight.column, 4)
    desk.press("recalculate")
    new = next(one for one in desk.checked().form.indicators if one.name == "新增工作完成率")
    assert (new.place.row, new.part, new.group) == (blank_row, row.part, row.group)
    assert new.score.number == 2 and desk.checked().form.totals[0].number == before.card.total + 2
    desk.type(blank_row, row.weight.column, "")
    for field in (row.place, row.target_entry, row.actual_entry):
        desk.type(blank_row, field.column, "")


@pytest.mark.parametrize("open_host, which", on_both(-1, -6), indirect=["open_host"])
def test_an_inserted_row_can_be_taken_back(desk, which):
    before = desk.figures()
    row = desk.checked().form.indicators[which]
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    desk.press("insert_row")
    assert desk.press("undo") == "已撤销“⑤插入指标行”。"
    desk.press("recalculate")  # LibreOffice works everything out anew when a row goes, and knows no worksheet function
    assert desk.figures() == before


@in_memory
def test_a_row_that_was_filled_in_is_deleted_only_when_told_so(desk):
    row = desk.checked().form.indicators[-1]
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    desk.press("insert_row")
    desk.type(row.place.row + 1, row.place.column, "新增工作完成率")
    assert desk.press("undo") == "没有撤销。"
    assert desk.value(row.place.row + 1, row.place.column) == "新增工作完成率"
    desk.answers = ["yes"]
    assert desk.press("undo") == "已撤销“⑤插入指标行”。"


@in_memory
def test_rows_are_inserted_only_where_the_department_has_its_own(desk):
    row = desk.checked().form.indicators[0]
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    assert "“投入管理指标”的指标是固定的" in desk.press("insert_row")
    desk.host.goto(FORM_SHEET, 0, 0)
    assert desk.press("insert_row").startswith("没有选中指标行")
    desk.host.goto(RESULTS_SHEET, 20, 0)
    assert desk.press("insert_row").startswith("没有选中指标行")


def test_insert_take_back_insert(books):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    row, before = desk.checked().form.indicators[-3], desk.figures()
    for _ in range(2):
        desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
        desk.press("insert_row")
        after = desk.figures()
        assert desk.press("undo") == "已撤销“⑤插入指标行”。" and desk.figures() == before
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    desk.press("insert_row")
    assert desk.figures() == after
    desk.press("insert_row")  # below the blank row that is selected now
    assert desk.press("undo") == "已撤销“⑤插入指标行”。" and desk.figures() == after
    assert desk.press("undo").startswith("没有可以撤销的操作")


# ---- ⑥ ----


@pytest.fixture
def own_copy(open_host, books, tmp_path) -> Desk:
    """A workbook in a folder of its own, so that the submission copy goes there."""
    path = tmp_path / "自评.xlsm"
    with open(books["shangjie-2022"], "rb") as stream:
        path.write_bytes(stream.read())
    return Desk(open_host(str(path), recalculate=False))


def _made(desk: Desk) -> list[str]:
    folder = os.path.dirname(desk.host.path())
    return [os.path.join(folder, name) for name in os.listdir(folder) if name.endswith(".xlsx")]


def test_the_submission_copy_says_what_the_form_says(own_copy):
    assert own_copy.press("submit").startswith("报送版：")
    path, = _made(own_copy)
    assert os.path.basename(path) == "测试区财政局2022年度自评表（报送版）.xlsx"
    copy, form = record.check_file(path)[0], own_copy.checked()
    assert copy.findings == form.findings == ()
    assert (copy.form.department.text, copy.form.year, copy.card.total) == ("测试区财政局", 2022, form.card.total)
    assert [(one.name, one.target, one.actual, one.score.number) for one in copy.form.indicators] == [
        (one.name, one.target, one.actual, one.score.number) for one in form.form.indicators]
    assert [entry.text for entry in copy.form.texts] == [entry.text for entry in form.form.texts]
    # a deviation is printed with its two decimals, as on the form
    assert {entry.deviation.text for entry in form.form.indicators} == {"0%", "-10%"}
    sheet = load_workbook(path)[FORM_SHEET]
    assert {sheet.cell(one.deviation.row + 1, one.deviation.column + 1).number_format for one in copy.form.indicators} == {"0.00%"}
    with open(path, "rb") as stream:
        assert b"vbaProject" not in stream.read()


def test_a_copy_with_inserted_rows_keeps_them(own_copy):
    row = own_copy.checked().form.indicators[-3]
    own_copy.host.goto(FORM_SHEET, row.place.row, row.place.column)
    own_copy.press("insert_row")
    for column, value in ((row.place.column, "新增工作完成率"), (row.target_entry.column, "≥80%"), (row.actual_entry.column, "80%"),
                          (row.weight.column, 1)):
        own_copy.type(row.place.row + 1, column, value)
    own_copy.press("recalculate")
    own_copy.answers = ["yes"]
    assert own_copy.press("submit").startswith("报送版：")
    copy = record.check_file(*_made(own_copy))[0]
    assert [one.name for one in copy.form.indicators] == [one.name for one in own_copy.checked().form.indicators]
    assert [one.code for one in copy.findings] == [one.code for one in own_copy.checked().findings]


@pytest.mark.parametrize("department, file", [
    ("局/办:一*二?", "局办一二"), ("../../其他处", "其他处"), ("=cmd|' /C calc'!A0", "=cmd' C calc'!A0"), ("\u3000", "自评"), ("长" * 80, "长" * 60)])
def test_the_copy_has_a_name_that_a_file_may_have(department, file, tmp_path):
    path = tmp_path / "自评.xlsm"
    workbook_file.build(str(path), get("shangjie-2022"), filled()._replace(department=department))
    desk = Desk(MemoryHost.load(path))
    desk.answers = ["yes"]
    desk.press("submit")
    made, = _made(desk)
    assert os.path.dirname(made) == str(tmp_path) and os.path.basename(made) == f"{file}2022年度自评表（报送版）.xlsx"
    copy = MemoryHost.load(made)
    assert not any(cell.formula for sheet in copy.sheets.values() for cell in sheet.cells.values())
    stands = record.check_file(made)[0].form.department
    assert (stands.text if stands else "") == department.strip()


#: where 预期目标 and 实际完成情况 stand on the form of Shangjie, in its ninth row
GOALS = 1, 5


@pytest.mark.parametrize("long_before", [False, True])
def test_long_goals_are_handed_in_whole(long_before, tmp_path):
    path, goals = tmp_path / "自评.xlsm", ("目标" * 1200, "完成" * 1500)
    workbook_file.build(str(path), get("shangjie-2022"), filled()._replace(goals=goals if long_before else ("", "")))
    desk = Desk(MemoryHost.load(path))
    for left, goal in zip(GOALS, goals, strict=True) if not long_before else ():
        desk.type(8, left, goal)
    desk.answers = ["yes"]
    assert desk.press("submit").startswith("报送版：")
    copy, form = record.check_file(*_made(desk))[0], desk.checked()
    assert [entry.text for entry in copy.form.texts] == [entry.text for entry in form.form.texts] == list(goals)
    assert [(one.name, one.score.number) for one in copy.form.indicators] == [(one.name, one.score.number) for one in form.form.indicators]
    # no single row of a sheet is high enough for it
    assert any(top == 8 and left == GOALS[0] and bottom > top for top, left, bottom, _ in copy.grid.merged)


@in_memory
def test_errors_are_asked_about_before_a_copy_is_made(own_copy):
    row = own_copy.row("预算执行率")
    own_copy.type(row.actual_entry.row, row.actual_entry.column, "")
    assert own_copy.press("submit") == "没有生成报送版。" and _made(own_copy) == []
    assert "V202 预算执行率" in own_copy.boxes[-1]
    own_copy.answers = ["yes"]
    assert own_copy.press("submit").startswith("报送版：") and len(_made(own_copy)) == 1


@in_memory
def test_a_copy_that_is_there_is_replaced_only_when_told_so(own_copy):
    own_copy.press("submit")
    path, = _made(own_copy)
    with open(path, "wb") as stream:
        stream.write("科长改过".encode())
    assert own_copy.press("submit") == "没有生成报送版。"
    with open(path, "rb") as stream:
        assert stream.read().decode() == "科长改过"
    own_copy.answers = ["yes"]
    own_copy.press("submit")
    assert record.check_file(path)[0].refusal is None


# ---- ⑦ ----


def test_the_report_is_written_beside_the_workbook_and_brought_up_to_date(own_copy):
    docx = pytest.importorskip("docx")
    said = own_copy.press("report")
    path = said.removeprefix("自评报告：")
    assert os.path.basename(path) == "2022年度测试区财政局部门整体绩效自评报告.docx" and "处〔请填写〕要写" in own_copy.boxes[-1]
    row, total = own_copy.checked().form.indicators[-1], own_copy.checked().card.total
    assert f"自评得分为{float(total):g}分" in "\n".join(one.text for one in docx.Document(path).paragraphs)
    own_copy.type(row.actual_entry.row, row.actual_entry.column, "90%")
    assert own_copy.press("report") == "没有动自评报告。" and "更新里面的数吗" in own_copy.boxes[-1]
    own_copy.answers = ["yes"]
    assert own_copy.press("report") == f"自评报告已更新：{path}"
    assert "自评表有" in own_copy.boxes[-1] and "100分" in "\n".join(one.text for one in docx.Document(path).paragraphs)


def test_a_workbook_that_is_nowhere_has_no_place_for_a_report(books):
    host = MemoryHost.load(books["shangjie-2022"])
    host.file = ""
    assert "还没有存在这台电脑的文件夹里" in Desk(host).press("report")


# ---- what stands in the way ----


@pytest.mark.parametrize("name", [button.action for button in vba.BUTTONS])
def test_a_sheet_with_a_password_is_left_alone(books, name):
    host = MemoryHost.load(books["shangjie-2022"])
    host.sheets[FORM_SHEET].password = True
    desk, before = Desk(host), host.grid(FORM_SHEET)
    row = desk.checked().form.indicators[-1]
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    host.cell(FORM_SHEET, row.score.row, row.score.column).value = 7.0
    said = desk.press(name)
    host.cell(FORM_SHEET, row.score.row, row.score.column).value = float(row.score.number)
    assert host.grid(FORM_SHEET) == before
    if name not in ("submit", "report", "undo"):
        assert "设有保护密码" in said


@pytest.mark.parametrize("name", ["check", "recalculate", "clear_marks", "insert_row"])
def test_a_filtered_sheet_is_said_to_be_one(books, name):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    row = desk.checked().form.indicators[-1]
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    desk.host.cell(FORM_SHEET, row.score.row, row.score.column).value = 7.0
    desk.host.sheets[FORM_SHEET].filtered = True
    assert "正在筛选" in desk.press(name)


@pytest.mark.parametrize("name", [button.action for button in vba.BUTTONS])
def test_while_a_cell_is_edited_nothing_is_done(books, name):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    desk.host.editing, before = True, desk.host.grid(FORM_SHEET)
    assert "请按 Enter 或 Esc" in desk.press(name) and desk.host.grid(FORM_SHEET) == before


def test_a_renamed_form_is_found_by_its_names(desk):
    if isinstance(desk.host, MemoryHost):
        desk.host.sheets = {("我的表" if name == FORM_SHEET else name): sheet for name, sheet in desk.host.sheets.items()}
        desk.host.names = {name: ("我的表" if sheet == FORM_SHEET else sheet, area) for name, (sheet, area) in desk.host.names.items()}
    else:
        desk.host.book.sheets[FORM_SHEET].name = "我的表"
    row = desk.row("预算执行率", "我的表")
    desk.type(row.actual_entry.row, row.actual_entry.column, "", "我的表")
    desk.press("check")
    assert ("错误", "V202", f"'我的表'!{cell_name(row.actual_entry.row, row.actual_entry.column)}") in desk.listed()


def test_without_its_list_a_check_says_so_and_marks_nothing(books):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    row = desk.row("预算执行率")
    desk.host.cell(FORM_SHEET, row.actual_entry.row, row.actual_entry.column).value = ""
    del desk.host.sheets[RESULTS_SHEET]
    assert "没有工作表“校验结果”" in desk.press("check") and desk.host.notes(FORM_SHEET) == {}


def test_without_their_list_marks_can_still_be_taken_away(books):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    entry = desk.row("预算执行率").actual_entry
    desk.host.cell(FORM_SHEET, entry.row, entry.column).value = ""
    desk.press("check")
    del desk.host.sheets[RESULTS_SHEET]
    assert desk.press("clear_marks").startswith("已清除") and desk.host.notes(FORM_SHEET) == {}


def test_the_buttons_speak_english_where_they_are_told_to(books, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "en")
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    entry = desk.row("预算执行率").actual_entry
    desk.host.cell(FORM_SHEET, entry.row, entry.column).value = ""
    said = [desk.press(name) for name in ("check", "recalculate", "undo", "clear_marks", "insert_row", "undo", "submit")]
    assert not [words for words in said if any("\u4e00" <= letter <= "\u9fff" for letter in words.replace(FORM_SHEET, "").replace("预算执行率", ""))]
    assert said[0].startswith("error ")


def test_a_book_without_a_form_is_said_to_have_none(books):
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    desk.host.sheets[FORM_SHEET].cells = {}
    assert "没有认得出的自评表" in desk.press("check")


def test_an_error_of_ours_goes_to_the_log_and_not_to_the_user(books, monkeypatch, tmp_path):
    def fail(*_):
        raise RuntimeError("测试区财政局的秘密")

    monkeypatch.setattr(log, "path", lambda: str(tmp_path / "log" / "perfeval_xl.log"))
    monkeypatch.setattr(computed, "cells", fail)
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    said = desk.press("recalculate")
    assert "意外错误（RuntimeError）" in said and str(tmp_path) in said and "Traceback" not in said and "秘密" not in said
    assert not desk.host.still
    entry = (tmp_path / "log" / "perfeval_xl.log").read_text(encoding="utf-8")
    assert "recalculate: RuntimeError" in entry and "test_buttons.py" in entry and "秘密" not in entry


def test_the_log_rotates_and_never_stands_in_the_way(monkeypatch, tmp_path):
    file = tmp_path / "perfeval_xl.log"
    monkeypatch.setattr(log, "path", lambda: str(file))
    file.write_text("x" * (log.LARGEST + 1), encoding="utf-8")
    assert log.unexpected(ValueError(), "x") == str(file)
    assert file.stat().st_size < 1000 and (tmp_path / "perfeval_xl.log.1").stat().st_size > log.LARGEST
    monkeypatch.setattr(log, "path", lambda: str(file / "no" / "folder"))
    assert log.unexpected(ValueError(), "x") == ""


@in_memory
def test_what_the_hidden_sheet_remembers_may_be_spoilt(desk):
    for name in ("预算执行率", "预算调整率", "结转结余率"):
        row = desk.row(name)
        desk.type(row.actual_entry.row, row.actual_entry.column, "")
    desk.press("check")
    marks = len(desk.host.notes(FORM_SHEET))
    desk.type(1, 2, "坏了", state.STATE_SHEET)
    desk.type(2, 4, "{", state.STATE_SHEET)
    assert desk.press("clear_marks") == f"已清除 {marks - 2} 处标记。" and desk.host.notes(FORM_SHEET) == {}


# ---- with functions that answer, as in Excel ----


class Answering(MemoryHost):
    """A host whose worksheet functions answer: a formula of ours that is written shows what it gives."""

    def fill(self, sheet: str, contents) -> None:
        super().fill(sheet, contents)
        self._work_out(sheet)

    def answer(self, sheet: str, row: int, column: int, formula: str):
        super().answer(sheet, row, column, formula)
        self._work_out(sheet)
        return grid_value(self.cell(sheet, row, column).value)

    def _work_out(self, sheet: str) -> None:
        if sheet == FORM_SHEET:
            one = record.check_sheet(self.grid(sheet), "")
            for cell in computed.cells(one.form, one.grid):
                if self.cell(sheet, cell.row, cell.column).formula == cell.formula:
                    self.cell(sheet, cell.row, cell.column).value = cell.value


def test_a_formula_that_was_pasted_over_comes_back(books):
    desk = Desk(Answering.load(books["shangjie-2022"]))
    row = desk.row("预算执行率")
    cell = desk.host.cell(FORM_SHEET, row.score.row, row.score.column)
    formula, value = cell.formula, cell.value
    cell.formula, cell.value = "", value  # the right figure, typed
    assert desk.press("recalculate") == "重新计算完毕：改了 1 格。"
    assert (cell.formula, cell.value) == (formula, value)
    assert desk.press("undo") == "已撤销“②重新计算”。" and cell.formula == ""


def test_an_inserted_row_has_its_formulas(books):
    desk = Desk(Answering.load(books["shangjie-2022"]))
    row = desk.checked().form.indicators[-1]
    desk.host.goto(FORM_SHEET, row.place.row, row.place.column)
    desk.press("insert_row")
    for place in (row.score, row.deviation):
        above, below = (desk.host.cell(FORM_SHEET, place.row + n, place.column).formula for n in (0, 1))
        assert below.startswith(("=IF(", "=PE_")) and below == above.replace(f"{place.row + 1},", f"{place.row + 2},").replace(
            f"{place.row + 1})", f"{place.row + 2})")


# ---- how much is asked of the workbook ----


def test_the_number_of_calls_does_not_grow_with_the_form(books, tmp_path):
    long = filled()
    rows = [row for row in long.indicators for _ in range(35 if row["name"].startswith("第") else 1)]
    path = str(tmp_path / "long.xlsm")
    workbook_file.build(path, get("shangjie-2022"), long._replace(indicators=tuple(rows)))
    counts = {}
    for book in (books["shangjie-2022"], path):
        desk = Desk(MemoryHost.load(book))
        row = desk.row("预算执行率")
        desk.host.cell(FORM_SHEET, row.actual_entry.row, row.actual_entry.column).value = ""
        for name in ("check", "check", "recalculate"):
            before = len(desk.host.calls)
            desk.press(name)
            counts.setdefault(name, []).append(len(desk.host.calls) - before - 1)  # one is this test's own look at the status bar
    assert all(count <= 12 for several in counts.values() for count in several)
    assert counts["check"][:2] == counts["check"][2:] and counts["recalculate"][0] == counts["recalculate"][1]


def test_no_button_is_dead():
    assert {button.action for button in vba.BUTTONS} <= {name for name in vars(buttons) if callable(getattr(buttons, name))}
