"""①检查 and ②重新计算 of the open workbook: how often the workbook is asked, and how long a press takes, against a cell-by-cell script.

The same shipped workbook with 30 and with 1,000 indicator rows, on LibreOffice through xlwings (tests/calc) and on the host in memory. Every
fiftieth or tenth row has a mistake to be marked by ①; before ② score and deviation have been pasted over in every tenth row, or in all. The
script does what people write with xlwings: it reads the cells of a row one by one, works the row out with the worksheet functions, and writes
or colours the cells one by one; on the long form it does a sample of the rows, and its time is scaled up.

LibreOffice does not know the worksheet functions: one cell tells ② so, and it writes values. Seconds are those of the processors, of this
process and of LibreOffice together, so that other work on the machine does not count; without /proc they are those of the clock. In Excel
the trips through COM take the place of the calls of UNO; nobody has measured that yet.

    python benchmarks/buttons.py [rows of the long form]
"""

from __future__ import annotations

import gc
import os
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from check import filling

from perfeval_xl import buttons, record, udfs, workbook_file
from perfeval_xl.edition import get
from perfeval_xl.model import FORM_SHEET
from perfeval_xl.xlwings_host import XlwingsHost

sys.path.append(str(Path(__file__).parent.parent / "tests"))

EDITION, SHORT, LONG = "shangjie-2022", 30, 1000
#: rows the script does on a long form; calls of the host that are allowed; times as fast that the buttons must be
SAMPLE, CALLS, FASTER = 100, 12, 20
#: what is measured: caption, button, and of how many rows one has a mistake or was pasted over before
CASES = (("① every 50th", "check", 50), ("① every 10th", "check", 10), ("② all rows", "recalculate", 1), ("② every 10th", "recalculate", 10))
#: the best of so many presses and of so many samples counts: the machine has other work too
ROUNDS = 3
_RED, _PLAIN = (255, 199, 206), (255, 255, 255)


def book(path: str, rows: int, every: int) -> None:
    """A filled workbook with so many indicator rows: the department added its own, of which one in so many falls short and does not say why."""
    form = filling(1, random.Random(rows))
    last = form.indicators[-1]
    more = tuple({**last, "name": f"第{n}项服务满意度", "target": "≥90%", "actual": "81%" if n % every == every - 1 else "95%", "reason": ""}
                 for n in range(rows - len(form.indicators)))
    workbook_file.build(path, get(EDITION), form._replace(indicators=form.indicators + more))


def spoil(host: Any, every: int) -> None:
    """Pastes figures over the score and the deviation of every so many rows."""
    rows = record.check_sheet(host.grid(FORM_SHEET), "").form.indicators
    with host.opened(FORM_SHEET):
        host.fill(FORM_SHEET, {(row.place.row, row.score.column): 9.5 for row in rows[::every]})
        host.fill(FORM_SHEET, {(row.place.row, row.deviation.column): 0.5 for row in rows[::every]})
    host.grid(FORM_SHEET)  # what was pasted has been worked out before anybody can press a button


class Watch:
    """Seconds that this process and those of LibreOffice have worked; of the clock where the system does not tell."""

    def __init__(self, group: int = 0) -> None:
        self.group = group

    def __call__(self) -> float:
        own = time.process_time()
        if not self.group:
            return own
        files = list(Path("/proc").glob("[0-9]*/stat"))
        if not files:
            return time.perf_counter()
        return own + sum(map(self._ticks, files)) / os.sysconf("SC_CLK_TCK")

    def _ticks(self, file: Path) -> int:
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:
            return 0
        return int(fields[11]) + int(fields[12]) if int(fields[2]) == self.group else 0


class Script:
    """What is written in an afternoon: one cell after the other."""

    def __init__(self, book: Any, one: record.Record) -> None:
        first = one.form.indicators[0]
        self.sheet, self.rows, self.group = book.sheets[FORM_SHEET], [row.place.row + 1 for row in one.form.indicators], ""
        self.columns = {"group": first.place.column, "name": first.place.column + 1} | {
            field: getattr(first, field).column + 1 for field in ("weight", "score", "deviation", "reason")} | {
            "target": first.target_entry.column + 1, "actual": first.actual_entry.column + 1}

    def cell(self, row: int, field: str) -> Any:
        """One cell, as scripts take it."""
        return self.sheet.range((row, self.columns[field]))

    def recalculate(self, row: int) -> None:
        """Reads a row, works it out, writes its score and deviation."""
        target, actual, weight, name, group = (self.cell(row, field).value for field in ("target", "actual", "weight", "name", "group"))
        self.group = group or self.group
        self.cell(row, "score").value = udfs.PE_SCORE(target, actual, weight, EDITION, name, self.group, 2022)
        self.cell(row, "deviation").value = udfs.PE_DEVIATION(target, actual, name, self.group, 2022)

    def check(self, row: int) -> None:
        """Reads a row, checks it, colours its cells."""
        target, actual, weight, score, reason, name, group = (
            self.cell(row, field).value for field in ("target", "actual", "weight", "score", "reason", "name", "group"))
        self.group = group or self.group
        found = udfs.PE_CHECK(target, actual, weight, score, reason, EDITION, name, self.group, 2022)
        for field in ("target", "actual", "weight", "score", "deviation", "reason"):
            self.cell(row, field).color = _RED if found else _PLAIN

    def seconds(self, action: str, watch: Watch) -> float:
        """Seconds for the whole form, worked out from some of its rows."""
        done = self.rows[-SAMPLE:]
        gc.collect()
        start = watch()
        for row in done:
            getattr(self, action)(row)
        return (watch() - start) * len(self.rows) / len(done)


class Counted:
    """A host that counts what the buttons ask it, as the tests do."""

    def __init__(self, host: Any) -> None:
        self.host, self.calls = host, 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self.host, name)

    def ask(self, text: str, title: str, buttons: str = "ok") -> str:
        """No box is expected; one that comes is a refusal, and would be measured as very fast."""
        raise SystemExit(f"unexpected box: {text}")


def press(host: Any, action: str, every: int, watch: Watch) -> tuple[float, int]:
    """Seconds of one press on a form with mistakes, and the calls of the host."""
    if action == "recalculate":
        spoil(host, every)
    counted = Counted(host)
    gc.collect()  # what opening the book left behind is not the button's
    start = watch()
    getattr(buttons, action)(counted)
    return watch() - start, counted.calls


def in_memory(books: dict[tuple[int, int], str]) -> None:
    """Both buttons on the host in memory: what Python itself takes."""
    from memory_host import MemoryHost

    for caption, action, every in CASES:
        for rows, path in ((rows, path) for (rows, mistakes), path in books.items() if mistakes == max(every, 10)):
            seconds, calls = min(press(MemoryHost.load(path), action, every, Watch()) for _ in range(ROUNDS))
            print(f"{'in memory':12}{caption:14}{rows:5} rows {calls:3} calls{_kept(calls)} {seconds:7.2f} s")


def on_libreoffice(books: dict[tuple[int, int], str]) -> None:
    """Both buttons, and the script on the same opened book."""
    import xlwings
    from calc.engine import Engine
    from calc.office import Office

    office = Office()
    try:
        engine = Engine(office)
        front = xlwings.Engine(impl=engine)
        xlwings.engines.add(front)
        front.activate()
        engine.app.books.recalculate = False  # LibreOffice does not know the worksheet functions: the values of the file stand
        for caption, action, every in CASES:
            for rows, path in ((rows, path) for (rows, mistakes), path in books.items() if mistakes == max(every, 10)):
                ours, script = zip(*(_against(path, action, every, Watch(office.process.pid)) for _ in range(ROUNDS)), strict=True)
                seconds, calls = min(ours)
                words = f"cell by cell {min(script):7.2f} s{f' (from {SAMPLE} rows)' * (rows > SAMPLE)}: "
                words += f"{min(script) / seconds:.1f} times as fast{f' (at least {FASTER})' * (rows >= LONG)}"
                print(f"{'LibreOffice':12}{caption:14}{rows:5} rows {calls:3} calls{_kept(calls)} {seconds:7.2f} s   {words}")
    finally:
        office.close()


def _against(path: str, action: str, every: int, watch: Watch) -> tuple[tuple[float, int], float]:
    """One press, and the script, on one opened book."""
    import xlwings

    book = xlwings.apps.active.books.open(path)
    host = XlwingsHost(book)
    ours = press(host, action, every, watch)
    with host.opened(FORM_SHEET):
        script = Script(book, record.check_sheet(host.grid(FORM_SHEET), "")).seconds(action, watch)
    book.close()
    return ours, script


def _kept(calls: int) -> str:
    return "" if calls <= CALLS else f" (above {CALLS})"


def main() -> None:
    """Builds the two workbooks and measures on both hosts; without LibreOffice on one."""
    from calc.office import Missing

    long = int(sys.argv[1]) if len(sys.argv) > 1 else LONG
    with tempfile.TemporaryDirectory() as folder:
        books = {(rows, every): os.path.join(folder, f"{rows}-{every}.xlsm") for rows in (SHORT, long) for every in (50, 10)}
        for (rows, every), path in books.items():
            book(path, rows, every)
        in_memory(books)
        try:
            on_libreoffice(books)
        except Missing as missing:
            print(f"not measured on LibreOffice: {missing}")


if __name__ == "__main__":
    main()
