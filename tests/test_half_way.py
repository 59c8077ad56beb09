"""What happens to the open workbook when a button fails half-way, when two are pressed at once, and when the workbook changes meanwhile."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from memory_host import MemoryHost
from test_buttons import Desk, books  # noqa: F401 - a fixture

from perfeval_xl import buttons, log, presses, state
from perfeval_xl.host import Mark
from perfeval_xl.messages import Refusal
from perfeval_xl.model import FORM_SHEET, RESULTS_SHEET

pytestmark = pytest.mark.filterwarnings("ignore:Print area cannot be set:UserWarning")

#: what changes a workbook: of the host in memory, and of xlwings' own ranges, sheets and notes on LibreOffice
WRITES = ("write", "write_formulas", "fill", "answer", "mark", "unmark", "insert_row", "delete_row", "merge")


class Failing(MemoryHost):
    """A host in memory whose n-th write fails, and then every one that follows up to ``until``. ``cells`` makes a write of several rectangles
    fail between two of them."""

    left = until = 0

    def __getattribute__(self, name):
        if name in WRITES:
            object.__getattribute__(self, "_count")(name)
        return super().__getattribute__(name)

    def _count(self, name: str) -> None:
        if self.left:
            self.left -= 1
            if not self.left:
                self.left = self.until
                raise OSError(f"{name} failed")

    def _write(self, sheet: str, row: int, column: int, rows, formulas: bool) -> None:
        self._count("a rectangle")
        super()._write(sheet, row, column, rows, formulas)


def _book(host) -> tuple:
    """All that a button may change: contents, marks, notes, merged cells, names, protection, what is remembered."""
    if isinstance(host, MemoryHost):
        def look(sheet):
            # what a formula shows is not written by anybody, and this host does not work it out
            cells = {place: ("" if cell.formula else cell.value, cell.formula, cell.fill, cell.note, cell.locked)
                     for place, cell in sheet.cells.items() if (cell.value, cell.formula, cell.fill, cell.note) != ("", "", None, "")}
            lines = [{place: edge for place, edge in lines.items() if edge} for lines in (sheet.above, sheet.before)]
            return cells, lines, set(sheet.merged), sheet.protected
        return {name: look(sheet) for name, sheet in host.sheets.items()}, dict(host.names)
    sheets = (FORM_SHEET, RESULTS_SHEET, state.STATE_SHEET)
    grid = host.grid(FORM_SHEET)
    contents = {sheet: host.contents(sheet) for sheet in sheets}
    rows = [row for row, line in enumerate(grid.rows) if "预算执行率" in line or "满意度" in "".join(map(str, line))]
    looks = host.mark(FORM_SHEET, {(row + n, column): Mark() for row in rows for n in (0, 1) for column in (4, 5, 6)})
    return contents, set(grid.merged), host.name_area("pe_indicators"), host.notes(FORM_SHEET), looks, host.protected(FORM_SHEET)


def _prepared(desk: Desk, button: str) -> None:
    """The form as it stands when the button is pressed: mistakes, earlier marks, a row to be taken back."""
    rows = desk.checked().form.indicators
    for row in (rows[3], rows[-2], rows[-1]):
        desk.type(row.actual_entry.row, row.actual_entry.column, "")
    for n, row in enumerate(rows[:9]):
        if n % 2:
            desk.type(row.score.row, row.score.column, 1.25)
    if button in ("check", "clear_marks", "insert_row"):
        desk.press("check")
        desk.type(rows[3].actual_entry.row, rows[3].actual_entry.column, "81%")
    desk.host.goto(FORM_SHEET, rows[-3].place.row, rows[-3].place.column)
    if button.startswith("undo"):
        desk.press(button.removeprefix("undo "))
    if button == "insert_row, last":
        desk.host.goto(FORM_SHEET, rows[-1].place.row, rows[-1].place.column)


BUTTONS = ("check", "recalculate", "clear_marks", "insert_row", "insert_row, last", "undo check", "undo recalculate", "undo insert_row")


def _press(desk: Desk, button: str) -> str:
    return desk.press("undo" if button.startswith("undo") else button.partition(",")[0])


@pytest.fixture
def quiet_log(monkeypatch, tmp_path) -> Path:
    """A log of the test's own."""
    monkeypatch.setattr(log, "path", lambda: str(tmp_path / "state" / "perfeval_xl.log"))
    return tmp_path / "state"


@pytest.mark.parametrize("button", BUTTONS)
def test_a_failure_at_any_write_leaves_the_book_as_it_was(books, button, quiet_log):  # noqa: F811
    failed, first = 0, Failing.load(books["shangjie-2022"])
    _prepared(Desk(first), button)
    del first.ask  # the desk's; each copy gets its own
    first = pickle.dumps(first)  # read faster than copy.deepcopy copies
    for n in range(1, 200):
        desk = Desk(pickle.loads(first))
        before = _book(desk.host)
        desk.host.left = n
        said = _press(desk, button)
        if desk.host.left:
            assert "意外错误" not in said
            break
        assert "意外错误（OSError）" in said, said
        assert _book(desk.host) == before, f"write {n}"
        assert ("恢复到按按钮以前的样子" in said) or n <= 2, said
        failed += 1
    assert failed >= 2
    assert _book(desk.host) != before  # the last round did its work


@pytest.mark.parametrize("button", ["check", "recalculate", "insert_row, last", "undo check"])
def test_a_failure_of_the_spreadsheet_program_leaves_the_book_as_it_was(open_on_calc, books, button, quiet_log, monkeypatch):  # noqa: F811
    """The same on LibreOffice, where marks are drawn side by side and a sheet is protected again: each write of a cell, a colour, a line, a note
    fails once."""
    desk, fail = open_on_calc(books["shangjie-2022"])
    _prepared(desk, button)
    before, n, failed = _book(desk.host), 1, 0
    while True:
        with fail(n) as left:
            said = _press(desk, button)
            if left():
                break
        assert "意外错误" in said, (n, said)
        assert _book(desk.host) == before, f"write {n}"
        failed += 1
        n += 1 if n < 4 else 13
    assert failed >= 3 and "意外错误" not in said and _book(desk.host) != before


@pytest.fixture
def open_on_calc(calc, calc_book, monkeypatch):
    """Opens a book on LibreOffice, and gives a way to let the n-th write fail."""
    from contextlib import contextmanager

    from calc import engine

    from perfeval_xl.xlwings_host import XlwingsHost

    counter = [0]

    def count() -> None:
        if counter[0]:
            counter[0] -= 1
            if not counter[0]:
                raise engine.ComError("Excel is busy")

    def guarded(own):
        def call(self, *args, **named):
            count()
            return own(self, *args, **named)
        return call

    for kind, name in ((engine.Range, "add_note"), (engine.Range, "insert"), (engine.Range, "delete"), (engine.Range, "merge"),
                       (engine.Borders, "set"), (engine.Note, "delete")):
        monkeypatch.setattr(kind, name, guarded(getattr(kind, name)))
    for name in ("raw_value", "formula", "color"):
        own = getattr(engine.Range, name)
        monkeypatch.setattr(engine.Range, name, property(own.fget, guarded(own.fset)))

    @contextmanager
    def fail(n: int):
        counter[0] = n
        try:
            yield lambda: counter[0]
        finally:
            counter[0] = 0

    return lambda path: (Desk(XlwingsHost(calc_book(path, recalculate=False))), fail)


@pytest.mark.parametrize("member, said", [("Unprotect", "没有改动"), ("Protect", "错误 14")])
def test_excel_that_is_busy_for_a_moment_leaves_no_form_unprotected(calc_book, books, monkeypatch, member, said):  # noqa: F811
    from calc import engine

    from perfeval_xl.xlwings_host import XlwingsHost

    desk = Desk(XlwingsHost(calc_book(books["shangjie-2022"], recalculate=False)))
    _prepared(desk, "recalculate")
    own, tries = getattr(engine.SheetApi, member), []

    def busy(self, *args, **named):
        tries.append(1)
        if len(tries) == 1:
            raise engine.ComError("busy")
        return own(self, *args, **named)

    monkeypatch.setattr(engine.SheetApi, member, busy)
    assert said in desk.press("check") and desk.host.protected(FORM_SHEET)


def test_what_cannot_be_put_back_is_said(books, quiet_log):  # noqa: F811
    desk = Desk(Failing.load(books["shangjie-2022"]))
    _prepared(desk, "recalculate")
    desk.host.left, desk.host.until = 6, 1
    said = desk.press("recalculate")
    assert "没能恢复原样" in said and "请不要保存" in said and "Traceback" not in said
    entries = (quiet_log / "perfeval_xl.log").read_text(encoding="utf-8")
    assert "recalculate: OSError" in entries and "take back: OSError" in entries


def test_a_refusal_half_way_leaves_the_book_as_it_was(books, monkeypatch):  # noqa: F811
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    _prepared(desk, "check")
    before = _book(desk.host)

    def refuse(*_):
        raise Refusal("X206", sheet="_状态")

    monkeypatch.setattr(state, "save", refuse)
    assert "结构受保护" in desk.press("check") and _book(desk.host) == before


def test_a_stop_by_the_user_leaves_the_book_as_it_was(books, monkeypatch):  # noqa: F811
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    _prepared(desk, "check")
    before = _book(desk.host)

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(state, "save", stop)
    with pytest.raises(KeyboardInterrupt):
        desk.press("check")
    assert _book(desk.host) == before and not desk.host.still


# ---- two presses at once ----


HOLDER = """
import sys, time
from perfeval_xl import log, presses
log.path = lambda: sys.argv[1]
with presses.alone(sys.argv[2]):
    print("held", flush=True)
    time.sleep(60)
"""


PRESSER = """
import sys, time
from perfeval_xl import log, presses
from perfeval_xl.messages import Refusal
log.path = lambda: sys.argv[1]
done = 0
while done < 3:
    try:
        with presses.alone("书"):
            for word in ("begin", "end"):
                with open(sys.argv[2], "a") as stream:
                    stream.write(word + "\\n")
                time.sleep(0.002)
            done += 1
    except Refusal:
        time.sleep(0.001)
"""


@pytest.fixture
def holder(quiet_log):
    """Starts another Python that is in the middle of a press on a book."""
    started = []

    def hold(book: str) -> subprocess.Popen:
        process = subprocess.Popen([sys.executable, "-c", HOLDER, log.path(), book], stdout=subprocess.PIPE, text=True)
        started.append(process)
        assert process.stdout.readline() == "held\n"
        return process

    yield hold
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_second_press_is_turned_away_while_the_first_is_at_work(open_host, books, holder):  # noqa: F811
    desk = Desk(open_host(books["shangjie-2022"], recalculate=False))
    _prepared(desk, "recalculate")
    before, book = _book(desk.host), _name(desk.host)
    first = holder(book)
    assert "上一次按的按钮还没有做完" in desk.press("recalculate") and _book(desk.host) == before
    # however it ends, a press that is over locks nobody out
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    assert desk.press("recalculate").startswith("重新计算完毕：改了")


def _name(host) -> str:
    return f"memory {id(host)}" if isinstance(host, MemoryHost) else host.path()


def test_presses_on_two_books_do_not_wait_for_each_other(books, holder):  # noqa: F811
    desk = Desk(MemoryHost.load(books["shangjie-2022"]))
    holder("D:/另一张表.xlsm")
    assert desk.press("check") == "没有发现问题。"


def test_a_press_out_of_a_press_is_turned_away(books, monkeypatch):  # noqa: F811
    desk, inner = Desk(MemoryHost.load(books["shangjie-2022"])), []
    own = state.load

    def load(host):
        inner.append(desk.press("check")) if not inner else None
        return own(host)

    monkeypatch.setattr(state, "load", load)
    assert desk.press("check") == "没有发现问题。" and "还没有做完" in inner[0]


def test_ten_processes_press_one_after_the_other(quiet_log, tmp_path):
    """Each that gets the lock writes begin and end into one file: they never interleave."""
    out = tmp_path / "order.txt"
    running = [subprocess.Popen([sys.executable, "-c", PRESSER, log.path(), str(out)]) for _ in range(10)]
    assert [process.wait(60) for process in running] == [0] * 10
    assert out.read_text().split() == ["begin", "end"] * 30


def test_where_no_file_can_be_written_the_buttons_still_work(books, monkeypatch, tmp_path):  # noqa: F811
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(log, "path", lambda: str(tmp_path / "file" / "perfeval_xl.log"))
    assert Desk(MemoryHost.load(books["shangjie-2022"])).press("check") == "没有发现问题。"


def test_a_lock_says_nothing_of_the_book(quiet_log):
    with presses.alone("D:/王某某/自评表.xlsm"):
        file, = (quiet_log / presses.FOLDER).iterdir()
    assert file.stat().st_size == 0 and not any("\u4e00" <= letter <= "\u9fff" for letter in file.name)


# ---- the workbook that changes under us ----


@pytest.mark.parametrize("button", ["check", "recalculate", "insert_row", "undo recalculate"])
def test_what_was_changed_meanwhile_is_not_written_over(open_host, books, button, monkeypatch):  # noqa: F811
    desk = Desk(open_host(books["shangjie-2022"], recalculate=False))
    _prepared(desk, button)
    row = desk.checked().form.indicators[5]
    place, own = (row.actual_entry.row, row.actual_entry.column), state.load
    if button == "undo recalculate":  # a cell that ④ would put back
        place = next((one.row, one.column) for one in state.load(desk.host).changes)

    def load(host):
        """A colleague's change arrives while the button is at work."""
        remembered = own(host)
        if isinstance(desk.host, MemoryHost):
            cell = desk.host.cell(FORM_SHEET, *place)
            cell.value, cell.formula = "77%", ""
        else:
            sheet = desk.host.book.sheets[FORM_SHEET].impl
            sheet.uno.unprotect("")
            sheet.range((place[0] + 1, place[1] + 1)).uno.getCellByPosition(0, 0).setString("77%")
            sheet.uno.protect("")
        return remembered

    monkeypatch.setattr(state, "load", load)
    before = desk.host.contents(RESULTS_SHEET)
    said = _press(desk, button)
    assert desk.value(*place) == "77%"
    if button == "undo recalculate":
        assert "1 格后来又改过" in said
    else:
        assert "又被改过，没有改动" in said and desk.host.contents(RESULTS_SHEET) == before
    monkeypatch.setattr(state, "load", own)
    assert "又被改过" not in desk.press("check")


def test_a_clock_beside_the_form_does_not_lock_it(open_host, books, monkeypatch):  # noqa: F811
    desk = Desk(open_host(books["shangjie-2022"], recalculate=False))
    with desk.host.opened(FORM_SHEET):
        desk.host.write_formulas(FORM_SHEET, 1, 30, [["=NOW()"]])
    own = state.load

    def load(host):
        if isinstance(desk.host, MemoryHost):
            desk.host.cell(FORM_SHEET, 1, 30).value = time.time()
        else:
            time.sleep(1.1)
            desk.host.book.impl.document.calculateAll()
        return own(host)

    monkeypatch.setattr(state, "load", load)
    assert "又被改过" not in desk.press("check")


def test_every_button_that_writes_goes_through_the_journal():
    assert all(hasattr(getattr(buttons, name), "__wrapped__") for name in ("check", "recalculate", "clear_marks", "undo", "insert_row"))
