"""What a button has written so far, and how it is taken back: a failure half-way leaves the workbook as it was before the press.

``Journal`` stands between a button and its ``Host``. Before something is written it is read how things are there; if the button then fails,
all steps are taken back, the last one first. A row that is deleted cannot come back with all its formats: a button deletes as its last step.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from perfeval_xl import log
from perfeval_xl.host import Area, Host, Look, Mark, Place


class Journal:
    """A host that remembers how to undo what was done through it. ``outcome`` is the code under which a failure is told: X902 as long as nothing
    has been written, X217 where all was taken back, X218 where that failed too."""

    def __init__(self, host: Host) -> None:
        self._host, self.outcome = host, "X902"
        self._steps: list[tuple[str, Callable[[], Any]]] = []
        #: what stood on a sheet when it was read, and in which area; until its rows move
        self._read: dict[str, tuple[Area, list[list[Any]]]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)

    def run(self, action: Callable[[Host], str]) -> str:
        """What the button does; if it fails, what it did is taken back and the failure goes on."""
        try:
            return action(self)
        except BaseException:
            self._take_back()
            raise

    def _take_back(self) -> None:
        if not self._steps:
            return
        try:
            while self._steps:
                sheet, step = self._steps[-1]
                with self._host.opened(sheet):
                    step()
                self._steps.pop()
        except Exception as error:
            log.unexpected(error, "take back")
            self.outcome = "X218"
        else:
            self.outcome = "X217"

    # ---- what is read ----

    def contents(self, sheet: str, area: Area | None = None) -> list[list[Any]]:
        """As the host has it; what was read once need not be read again before it is written over."""
        rows = self._host.contents(sheet, area)
        self._read[sheet] = area or (0, 0, len(rows) - 1, len(rows[0]) - 1 if rows else -1), rows
        return rows

    def _stands(self, sheet: str, places: Sequence[Place]) -> dict[Place, Any]:
        """What stands in cells. Beyond a sheet that was read from A1 on there is nothing."""
        rows, columns = zip(*places, strict=True)
        wanted = min(rows), min(columns), max(rows), max(columns)
        known = self._read.get(sheet)
        if known is None or known[0][0] > wanted[0] or known[0][1] > wanted[1] or (
                known[0][:2] != (0, 0) and (known[0][2] < wanted[2] or known[0][3] < wanted[3])):
            known = wanted, self._host.contents(sheet, wanted)
        (top, left, _, _), lines = known
        return {(row, column): lines[row - top][column - left] if row - top < len(lines) and column - left < len(lines[row - top]) else ""
                for row, column in places}

    # ---- what is written ----

    def _writing(self, sheet: str, places: Sequence[Place]) -> None:
        before = self._stands(sheet, places)

        def put_back() -> None:
            now = Journal(self._host)._stands(sheet, places)
            if changed := {place: value for place, value in before.items() if value != now[place]}:
                self._host.fill(sheet, changed)

        self._steps.append((sheet, put_back))

    def fill(self, sheet: str, contents: Mapping[Place, Any]) -> None:
        """As the host does it."""
        if contents:
            self._writing(sheet, list(contents))
            self._host.fill(sheet, contents)

    def write(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """As the host does it."""
        self._writing(sheet, _block(row, column, rows))
        self._host.write(sheet, row, column, rows)

    def write_formulas(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """As the host does it."""
        self._writing(sheet, _block(row, column, rows))
        self._host.write_formulas(sheet, row, column, rows)

    def answer(self, sheet: str, row: int, column: int, formula: str) -> Any:
        """As the host does it."""
        self._writing(sheet, [(row, column)])
        return self._host.answer(sheet, row, column, formula)

    def insert_row(self, sheet: str, row: int) -> None:
        """As the host does it. Cells that are merged with the new row afterwards come apart again when it goes."""
        self._read.pop(sheet, None)
        self._host.insert_row(sheet, row)
        self._steps.append((sheet, lambda: self._host.delete_row(sheet, row)))

    def delete_row(self, sheet: str, row: int) -> None:
        """As the host does it, and for good."""
        self._read.pop(sheet, None)
        self._host.delete_row(sheet, row)

    def mark(self, sheet: str, marks: Mapping[Place, Mark]) -> dict[Place, Look]:
        """As the host does it."""
        looks = self._host.mark(sheet, marks)
        self._steps.append((sheet, lambda: self._host.unmark(sheet, looks)))
        return looks

    def unmark(self, sheet: str, earlier: Mapping[Place, Look]) -> dict[Place, Mark]:
        """As the host does it."""
        taken = self._host.unmark(sheet, earlier)
        self._steps.append((sheet, lambda: self._host.mark(sheet, taken)))
        return taken


def _block(row: int, column: int, rows: Sequence[Sequence[Any]]) -> list[Place]:
    return [(row + r, column + c) for r, line in enumerate(rows) for c in range(len(line))]
