"""What each button does to the open workbook. Everything the workbook is asked goes through a ``Host``, in blocks.

A button reads the form once, works everything out with the same rooms as ``perfeval-xl check``, and writes only computed cells, its own
marks and its own sheets. What it changed is remembered in the workbook first, for ④. It never saves and never raises: what a clerk can mend
is said with what to do; anything else gets a code and the path of the log.
"""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import wraps
from typing import Any, NamedTuple

from perfeval_xl import computed, log, messages, record, result_list, review_lists, state
from perfeval_xl.cells import Grid
from perfeval_xl.computed import Computed
from perfeval_xl.host import Area, Formula, Host, Look, Mark, Place, text_of
from perfeval_xl.indicator_block import Block
from perfeval_xl.journal import Journal
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import FORM_SHEET, RESULTS_SHEET, Percent, cell_name
from perfeval_xl.record import Record
from perfeval_xl.review_lists import LOOKS
from perfeval_xl.state import Change, State
from perfeval_xl.xlwings_host import XlwingsHost

#: set by the macro: the version of xlwings that the workbook's own module belongs to
made_with = ""

_WORDS = messages.Words({
    "title": ("绩效自评", "Self-assessment"),
    "counts": ("{severities}。点“校验结果”里的位置可跳到单元格。", "{severities}. Click a place on the results sheet to jump to its cell."),
    "clean": ("没有发现问题。", "Nothing found."),
    "right": ("重新计算完毕：没有需要改的。", "Recalculated: nothing had to change."),
    "recalculated": ("重新计算完毕：改了 {n} 格。", "Recalculated: {n} cells changed."),
    "silent": ("重新计算完毕：改了 {n} 格。函数没有应答，{values} 格写的是数值；填写改动后请再点一次②。",
               "Recalculated: {n} cells changed. The functions do not answer, so {values} cells hold values; press ② again after changes."),
    "unmarked": ("已清除 {n} 处标记。", "{n} marks cleared."),
    "unmarked_none": ("没有标记。", "There are no marks."),
    "undone": ("已撤销“{step}”。", "{step} taken back."),
    "partly": ("已撤销“{step}”；有 {n} 格后来又改过，没有动。", "{step} taken back; {n} cells were changed since and stay as they are."),
    "row_filled": ("要撤销的第 {row} 行已经填了内容，仍要删除这一行吗？",
                   "Row {row}, which would be taken back, has been filled in. Delete it all the same?"),
    "moved": ("表里后来增删过行，不能再撤销“{step}”。", "Rows were inserted or deleted since; {step} can no longer be taken back."),
    "kept": ("没有撤销。", "Nothing was taken back."),
    "inserted": ("已插入第 {row} 行，请填写名称、指标值和分值。", "Row {row} inserted; fill in name, target and weight."),
    "and_unmarked": ("标记已清除，填好后再按①。", "The marks were cleared; press ① again when it is filled in."),
    "errors": ("还有 {n} 处错误没有改正：{some}\n仍要生成报送版吗？", "{n} errors are left: {some}\nMake the submission copy all the same?"),
    "exists": ("文件已经有了：{file}\n要换成新的吗？", "The file exists: {file}\nReplace it?"),
    "not_made": ("没有生成报送版。", "No submission copy was made."),
    "made": ("报送版：{path}", "Submission copy: {path}"),
    "report_exists": ("报告已经有了：{file}\n更新里面的数吗？写过的文字和手工改过的数都不会动。",
                      "The report exists: {file}\nBring its figures up to date? What people wrote or changed stays."),
    "report_not_made": ("没有动自评报告。", "The report was left alone."),
    "report_errors": ("自评表有 {n} 处错误：报告用重算的数，并在批注里写明。请改正后再生成一次。",
                      "The form has {n} errors: the report uses the recomputed figures and says so in comments. Correct them and press ⑦ again."),
    "check": ("①检查", "① Check"), "recalculate": ("②重新计算", "② Recalculate"), "insert_row": ("⑤插入指标行", "⑤ Insert row"),
})
say = _WORDS.say


def button(action: Callable[[Host], str]) -> Callable[..., None]:
    """A function a macro can call: with the workbook whose button was pressed, and whatever happens, with words for the user."""

    @wraps(action)
    def pressed(host: Host | None = None) -> None:
        book = None
        try:
            host = XlwingsHost.caller() if host is None else host
            with host.press():
                book = Journal(host)
                said = book.run(action)
            host.status(said)
        except Refusal as refusal:
            words = refusal.words()
            if book is not None and book.outcome == "X218":
                words += "\n" + messages.text("X218", why=refusal.code, file=log.path())
            _tell(host, words)
        except Exception as error:
            where = log.unexpected(error, action.__name__)
            _tell(host, messages.text("X902" if book is None else book.outcome, why=type(error).__name__, file=where or "—"))

    return pressed


def _tell(host: Host | None, words: str) -> None:
    if host is None:
        raise SystemExit(words)  # without a workbook there is nowhere to show a box: xlwings shows what ends the process
    host.ask(words, say("title"))


class _Desk(NamedTuple):
    """The form of the open workbook, checked."""

    sheet: str
    record: Record
    block: str

    def cells(self) -> list[Computed]:
        return computed.cells(self.record.form, self.record.grid)


def _desk(host: Host, path: str = "") -> _Desk:
    """The sheet that holds the form: where the workbook's names point, whatever it is called by now, else 自评表."""
    sheet, block = _block(host)
    one = record.check_sheet(host.grid(sheet), path)
    if one is None:
        raise Refusal("X208", sheet=sheet)
    if one.refusal is not None:
        if not path:
            one.refusal.args_["file"] = sheet
        raise one.refusal
    return _Desk(sheet, one, block)


def _block(host: Host) -> tuple[str, str]:
    """The sheet with the form, and which rows the indicators cover there."""
    found = host.name_area("pe_indicators")
    return (found[0], f"{found[1][0]}—{found[1][2]}") if found else (FORM_SHEET, "")


# ---- ① and ③ ----


@button
def check(host: Host) -> str:
    """①检查: marks what is wrong in the form and lists it on 校验结果."""
    desk, remembered = _desk(host, host.path()), state.load(host)
    findings = desk.record.findings
    with host.opened(desk.sheet):
        _list(host, desk.record)
        if earlier := remembered.looks.get(desk.sheet):
            host.unmark(desk.sheet, earlier)
        looks = host.mark(desk.sheet, _marks(desk.record))
    state.save(host, State("check", desk.sheet, looks=remembered.looks | {desk.sheet: looks}, height=remembered.height))
    return say("counts", severities=result_list.counts(findings)) if findings else say("clean")


def _list(host: Host, one: Record | None) -> None:
    """Fills 校验结果; without a record the list is emptied."""
    host.fill(RESULTS_SHEET, result_list.contents(one))


def _unmark(host: Host, sheet: str, looks: dict[Place, Look]) -> None:
    """Takes the marks away, and empties 校验结果 where that sheet still exists. The sheet of the marks has been opened."""
    with suppress(Refusal):
        _list(host, None)
    host.unmark(sheet, looks)


def _marks(one: Record) -> dict[Place, Mark]:
    """One mark a cell, with all that was found there in its note; the graver come later, so that their frames stay where two meet."""
    found: dict[Place, list[Finding]] = {}
    for finding in one.findings:
        if finding.row >= 0:
            found.setdefault(review_lists.area_of(one.grid.merged, finding)[:2], []).append(finding)
    marks = {}
    for place, here in found.items():
        here = sorted(here, key=lambda finding: LOOKS[finding.severity].rank)
        look = LOOKS[here[0].severity]
        marks[place] = look.rank, Mark(_rgb(look.fill), _rgb(look.colour), "\n".join(map(messages.on_the_spot, here)), _WEIGHTS[look.line])
    return {place: mark for place, (_, mark) in sorted(marks.items(), key=lambda item: -item[1][0])}


#: the lines of a review copy as an open workbook has them
_WEIGHTS = {"thick": "thick", "medium": "medium", "mediumDashed": "thin"}


def _rgb(colour: str) -> tuple[int, int, int]:
    return tuple(bytes.fromhex(colour))


@button
def clear_marks(host: Host) -> str:
    """③清除标记: frames, fills and notes of ours go, and the list on 校验结果; a user's note stays."""
    desk, remembered = _desk(host), state.load(host)
    looks = remembered.looks.get(desk.sheet, {})
    with host.opened(desk.sheet):
        _unmark(host, desk.sheet, looks)
    rest = {sheet: those for sheet, those in remembered.looks.items() if sheet != desk.sheet}
    state.save(host, remembered._replace(looks=rest, step="" if remembered.step == "check" else remembered.step))
    return say("unmarked", n=len(looks)) if looks else say("unmarked_none")


# ---- ② ----


@button
def recalculate(host: Host) -> str:
    """②重新计算: every computed cell gets its function back and shows what the core gives. Where the functions do not answer (on a Mac, or
    when their server does not start) it holds the value."""
    desk, remembered = _desk(host), state.load(host)
    _compare_versions(host)
    cells = {(one.row, one.column): one for one in desk.cells()}
    before = _contents(host, desk.sheet, cells)
    shown = Grid(desk.record.grid)
    wrong = {place: one for place, one in cells.items() if not (_same_formula(before[place], one.formula) and _shows(shown, one))}
    if not wrong:
        return say("right")
    with host.opened(desk.sheet):
        written = _put(host, desk.sheet, wrong, cells, shown)
    changes = tuple(Change(*place, before[place], text_of(value)) for place, value in written.items() if value != before[place])
    changed = [one for one in changes if one.after.startswith("=") or not _shows(shown, cells[one.row, one.column])]
    if not changes:
        return say("right")
    state.save(host, State("recalculate", desk.sheet, changes=changes, looks=remembered.looks, height=remembered.height, block=desk.block))
    values = sum(not isinstance(value, Formula) for value in written.values())
    return say("silent", n=len(changed), values=values) if values else say("recalculated", n=len(changed))


def _put(host: Host, sheet: str, wanted: dict[Place, Computed], cells: dict[Place, Computed], shown: Grid) -> dict[Place, Any]:
    """Gives cells their functions, or their values where the functions do not answer; gives what was written.

    The first cell tells whether they answer: cells stand in the order in which they depend on each other. Then all are looked at, since a
    function may fail in one cell, or in one that depends on what was written.
    """
    place, first = next(iter(wanted.items()))
    if _is(host.answer(sheet, *place, first.formula), first):
        written: dict[Place, Any] = {other: Formula(one.formula) for other, one in wanted.items()}
    else:
        written = {other: one.value for other, one in wanted.items() if other == place or not _shows(shown, one)}
    host.fill(sheet, written)
    top, left, bottom, right = _around(cells)
    after = host.values(sheet, (top, left, bottom, right))
    failed = {(row, column): one.value for (row, column), one in cells.items() if not _is(after[row - top][column - left], one)}
    if failed:
        host.fill(sheet, failed)
    return written | failed


def _around(places: Iterable[Place]) -> Area:
    """The smallest area that holds all places."""
    rows, columns = zip(*places, strict=True)
    return min(rows), min(columns), max(rows), max(columns)


def _compare_versions(host: Host) -> None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        there = version("xlwings")
    except PackageNotFoundError:
        return
    if made_with and made_with != there:
        host.ask(messages.text("X214", stated=made_with, expected=there), say("title"))


def _contents(host: Host, sheet: str, places: Iterable[Place]) -> dict[Place, Any]:
    """What stands in cells, read in one block."""
    places = list(places)
    top, left, bottom, right = _around(places)
    rows = host.contents(sheet, (top, left, bottom, right))
    return {(row, column): rows[row - top][column - left] for row, column in places}


def _same_formula(one: Any, other: str) -> bool:
    """Spreadsheet programs give a formula back with their own capitals and blanks."""
    return isinstance(one, str) and "".join(one.split()).upper() == "".join(other.split()).upper()


def _shows(grid: Grid, one: Computed) -> bool:
    value = grid.value(one.row, one.column) if one.row < len(grid.lines) else ""
    return _is(float(value) if isinstance(value, Percent) else value, one)


def _is(value: Any, one: Computed) -> bool:
    """Whether a cell that shows this value shows what it should."""
    if isinstance(one.value, str) or not isinstance(value, float):
        return isinstance(value, str) and value.strip() == one.value  # a blank result is kept as a blank, see workbook_file
    return abs(value - one.value) < _SAME


#: figures are rounded to four decimals at most; what a spreadsheet program adds behind them is dust
_SAME = 1e-9


# ---- ④ ----


@button
def undo(host: Host) -> str:
    """④撤销上一步: what the last button changed goes back, cell by cell, wherever nobody has changed it since."""
    remembered = state.load(host)
    if not remembered.step:
        raise Refusal("X209")
    sheet, left, step = remembered.sheet, 0, say(remembered.step)
    if remembered.step != "check" and _block(host)[1] != remembered.block:
        return say("moved", step=step)
    if remembered.step == "insert_row" and not _may_go(host, remembered.inserted):
        return say("kept")
    with host.opened(sheet):
        if remembered.step == "check":
            _unmark(host, sheet, remembered.looks.get(sheet, {}))
        elif remembered.step == "recalculate":
            left = _put_back(host, sheet, remembered.changes)
        looks = {name: those for name, those in remembered.looks.items() if (remembered.step, name) != ("check", sheet)}
        state.save(host, State(looks=looks, height=remembered.height))
        if remembered.step == "insert_row":
            host.delete_row(sheet, remembered.inserted)
    return say("partly", step=step, n=left) if left else say("undone", step=step)


def _put_back(host: Host, sheet: str, changes: tuple[Change, ...]) -> int:
    """Writes back what stood in cells that are still as the button left them; gives the number of the others."""
    area = _around((one.row, one.column) for one in changes)
    now = host.formulas(sheet, area)
    ours = [one for one in changes if _same_formula(now[one.row - area[0]][one.column - area[1]], one.after)]
    host.fill(sheet, {(one.row, one.column): one.before for one in ours})
    return len(changes) - len(ours)


def _may_go(host: Host, row: int) -> bool:
    """Whether an inserted row may be deleted: where something was written into it since, only if the user says so."""
    desk = _desk(host)
    own = {one.column for one in desk.cells() if one.row == row}
    line = desk.record.grid.rows[row] if row < len(desk.record.grid.rows) else []
    covered = {column for r, column in Grid(desk.record.grid).tall if r == row}
    filled = any(value != "" for column, value in enumerate(line) if column not in own | covered)
    return not filled or host.ask(say("row_filled", row=row + 1), say("title"), "yes_no") == "yes"


# ---- ⑤ ----


@button
def insert_row(host: Host) -> str:
    """⑤插入指标行: a blank row below the selected indicator, with the formulas, formats and names of the block."""
    desk, remembered = _desk(host), state.load(host)
    sheet, row, _ = host.selection()
    block = Block(desk.record.form, desk.record.grid, desk.record.edition)
    if not block.rows:
        raise Refusal("X208", sheet=desk.sheet)
    if sheet != desk.sheet or row not in block.rows:
        raise Refusal("X210", sheet=desk.sheet, cell=f"{block.rows[0] + 1}—{block.rows[-1] + 1}")
    if (part := block.part(row)) not in block.open_parts():
        raise Refusal("X211", part=part, known="、".join(block.open_parts()))
    looks = remembered.looks.get(desk.sheet)
    with host.opened(desk.sheet):
        if looks:
            _unmark(host, desk.sheet, looks)  # the new row is formatted like its neighbour, and the cells on the list move
        blank = _insert(host, desk, block, row)
        now = _desk(host)
        cells = {(one.row, one.column): one for one in now.cells()}
        _put(host, desk.sheet, {place: one for place, one in cells.items() if one.row in (row, blank)}, cells, Grid(now.record.grid))
    others = {name: those for name, those in remembered.looks.items() if name != desk.sheet}
    state.save(host, State("insert_row", desk.sheet, blank, looks=others, height=remembered.height, block=_block(host)[1]))
    host.goto(desk.sheet, blank, block.table.places[2])
    return say("inserted", row=blank + 1) + (say("and_unmarked") if looks else "")


def _insert(host: Host, desk: _Desk, block: Block, row: int) -> int:
    """Adds the row and gives its place. Inside the block all merged cells and names grow by themselves; below its last row they would not,
    so there the new row goes above, and what stood in the row moves up into it."""
    last = row == block.rows[-1]
    host.insert_row(desk.sheet, row if last else row + 1)
    if last:
        moved = block.grid.lines[row]
        own = {one.column for one in desk.cells() if one.row == row}
        first = min(column for column in (*block.table.places, *block.table.own) if column is not None)
        columns = [column for column in range(first, len(moved)) if column not in own and (row, column) not in block.grid.tall]
        host.fill(desk.sheet, {(row, column): moved[column] for column in columns} | {(row + 1, column): "" for column in columns})
    for level in (0, 1):
        top, bottom = block.span(row, level)
        column = block.table.places[level]
        if column is not None and bottom == row and (top == bottom or not last):
            host.merge(desk.sheet, (top, column, row + 1, column))
    return row + 1


# ---- ⑥ ----


@button
def submit(host: Host) -> str:
    """⑥生成报送版: the form as it stands, values only, as an .xlsx beside the workbook."""
    from perfeval_xl import submission

    desk = _desk(host, host.path())
    errors = [finding for finding in desk.record.findings if finding.severity == "error"]
    some = "".join(f"\n{finding.code} {finding.label} {cell_name(finding.row, finding.column) if finding.row >= 0 else ''}" for finding in errors[:5])
    if errors and host.ask(say("errors", n=len(errors), some=some), say("title"), "yes_no") != "yes":
        return say("not_made")
    path = submission.path_for(desk.record)
    if os.path.exists(path) and host.ask(say("exists", file=path), say("title"), "yes_no") != "yes":
        return say("not_made")
    submission.write(desk.record, path)
    said = say("made", path=path)
    host.ask(said, say("title"))
    return said


# ---- ⑦ ----


@button
def report(host: Host) -> str:
    """⑦生成自评报告: the written report beside the workbook; in one that is there only the figures change."""
    from perfeval_xl import report_file, submission
    from perfeval_xl.report import content, file_name

    desk = _desk(host, host.path())
    written = content(desk.record)
    path = os.path.join(os.path.dirname(submission.path_for(desk.record)), file_name(written))
    if os.path.exists(path) and host.ask(say("report_exists", file=path), say("title"), "yes_no") != "yes":
        return say("report_not_made")
    outcome = report_file.write(written, path)
    errors = sum(finding.severity == "error" for finding in desk.record.findings)
    said = outcome.words(path)
    host.ask("\n".join([said, *outcome.remarks(), *([say("report_errors", n=errors)] if errors else [])]), say("title"))
    return said
