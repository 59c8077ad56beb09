"""The open workbook as the buttons see it: ``Host``, a few calls in blocks, and the plain values that these calls take and give.

Rows and columns are zero-based everywhere, as in ``model.Sheet``; an area is (top, left, bottom, right), inclusive. Every call that names a
sheet which is not there is refused (X201). The one adapter that ships is ``xlwings_host.XlwingsHost``.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from perfeval_xl.model import Sheet

Area = tuple[int, int, int, int]
Place = tuple[int, int]
Colour = tuple[int, int, int]

#: Excel's errors come as whole numbers from here on; those that xlwings knows no text for are named below
_FIRST_ERROR, _NEW_ERRORS = -2146828288, {2043: "#GETTING_DATA", 2045: "#SPILL!", 2046: "#CONNECT!", 2047: "#BLOCKED!", 2049: "#FIELD!",
                                          2050: "#CALC!"}


class Formula(str):
    """What stands in a cell as a formula, with English names and commas. Any other text is a text, whatever it begins with."""

    __slots__ = ()


class Mark(NamedTuple):
    """How a cell is marked: fill and frame as (red, green, blue) or None, the note or "", and the frame's line: thin, medium or thick.

    The note is given without the fixed mark of our notes, which the host puts in front.
    """

    fill: Colour | None = None
    frame: Colour | None = None
    note: str = ""
    weight: str = "medium"


class Edge(NamedTuple):
    """One side of a cell's frame: line ("continuous", "dash" ...), weight ("thin" ...), colour."""

    style: str
    weight: str
    colour: Colour


class Look(NamedTuple):
    """What a cell looked like before it was marked, and what the mark put there: only what still is as it was put is taken away again.

    ``edges`` are the sides top, left, bottom, right; None = no line. ``our_weight`` is that of the mark's frame.
    """

    fill: Colour | None
    edges: tuple[Edge | None, ...]
    our_fill: Colour | None
    our_frame: Colour | None
    our_weight: str = "medium"

    def packed(self) -> str:
        """As text, for a cell of a hidden sheet."""
        return json.dumps(self)

    @classmethod
    def unpacked(cls, text: str) -> "Look":
        """The look of a ``packed`` text."""
        fill, edges, our_fill, our_frame, *weight = json.loads(text)
        sides = tuple(edge and Edge(edge[0], edge[1], tuple(edge[2])) for edge in edges)
        return cls(fill and tuple(fill), sides, our_fill and tuple(our_fill), our_frame and tuple(our_frame), *weight)


class Host(Protocol):
    """What a button may ask of the open workbook, in blocks: one call reads or writes a whole area."""

    def sheet_names(self) -> tuple[str, ...]:
        """All sheets in their order, hidden ones too."""

    def path(self) -> str:
        """Full name of the book on disk, or its address (https://...) if it stands in the cloud; "" if it was never saved."""

    def selection(self) -> tuple[str, int, int]:
        """(sheet, row, column) of the first selected cell; row and column are -1 where no cell of this book is selected."""

    def grid(self, sheet: str) -> Sheet:
        """The sheet as ``intake.load`` gives it for the same file: rows from A1, rectangular, trimmed at the right and below; floats, text,
        dates, ``Percent``, errors as text, truth values as "TRUE" and "FALSE", "" for empty; merged areas; the stamp."""

    def values(self, sheet: str, area: Area) -> list[list[Any]]:
        """What the cells show, as in ``grid``, but a percentage is its fraction."""

    def contents(self, sheet: str, area: Area | None = None) -> list[list[Any]]:
        """What stands in the cells, so that ``fill`` can put it back: ``Formula``, else float, text, truth value, date and time, "" for empty
        and an error's text. Without an area from A1, trimmed."""

    def formulas(self, sheet: str, area: Area) -> list[list[str]]:
        """What stands in the cells: formulas with English names and commas, constants as text, "" where empty."""

    def write(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """Writes a rectangle of values; text stays the text it is, None and "" clear the cell. In merged cells only the first one takes a
        value, so give None for the others. In a cell formatted as text everything becomes text. A locked cell of a protected sheet is
        refused (X203)."""

    def write_formulas(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """The same, but a text that begins with "=" is a formula (English names, commas)."""

    def answer(self, sheet: str, row: int, column: int, formula: str) -> Any:
        """Puts a formula into a cell and gives what the cell then shows, as in ``values``."""

    def mark(self, sheet: str, marks: Mapping[Place, Mark]) -> dict[Place, Look]:
        """Marks cells (of merged cells the whole area) and gives what they looked like, by the first cell of the area, for ``unmark``.
        Frames are drawn in the order of the mapping: where two meet, the later one stays. A user's note is never changed. Marks that are
        still there should be taken away first, or they are what is remembered. All of them or, if something fails, none."""

    def unmark(self, sheet: str, earlier: Mapping[Place, Look]) -> dict[Place, Mark]:
        """Takes marks away: fills and frames that are still ours back to what they were, and every note of ours on the sheet. Marks whose rows
        were moved by hand since are found by their notes, and so are copies of a mark in a row that was inserted below it. Gives what was
        taken away, for ``mark``. All of them or, if something fails, none."""

    def notes(self, sheet: str) -> dict[Place, str]:
        """All notes, the users' too."""

    def protected(self, sheet: str) -> bool:
        """Whether locked cells refuse to be written."""

    def filtered(self, sheet: str) -> bool:
        """Whether a filter hides rows."""

    def opened(self, sheet: str) -> AbstractContextManager[None]:
        """Locked cells of the sheet can be written inside; afterwards it is protected as before, also after an exception. A sheet with a
        password is refused (X202) and not touched, and so is one whose filter hides rows (X207): what is written to it may miss them.
        During a press a sheet is refused (X215) that somebody has changed since ``grid`` read it."""

    def fill(self, sheet: str, contents: Mapping[Place, Any]) -> None:
        """Writes single cells, a rectangle of neighbours at a time: values as ``write`` does, and what is a ``Formula`` as a formula. A sheet
        whose filter hides rows is refused (X207)."""

    def insert_row(self, sheet: str, row: int) -> None:
        """A new row above ``row``, formatted like the one above it; merged cells, names and formulas that span the place grow."""

    def delete_row(self, sheet: str, row: int) -> None:
        """The row goes; what stands below moves up."""

    def merge(self, sheet: str, area: Area) -> None:
        """Merges the cells; only the first one's value stays."""

    def ensure_sheet(self, name: str, hidden: bool = True) -> None:
        """Adds a sheet behind the others unless it is there; hidden so that the user's menus do not show it."""

    def name_area(self, name: str) -> tuple[str, Area] | None:
        """(sheet, area) of a name of the workbook; None where there is no such name or its cells were deleted."""

    def status(self, text: str | None) -> None:
        """Shows a text in the status bar; None gives the bar back."""

    def goto(self, sheet: str, row: int, column: int) -> None:
        """Shows the sheet and selects the cell."""

    def ask(self, text: str, title: str, buttons: str = "ok") -> str:
        """Shows a message box; ``buttons``: ok, ok_cancel, yes_no, yes_no_cancel. Gives the one pressed: ok, cancel, yes or no."""

    def press(self) -> AbstractContextManager[None]:
        """One press of a button. Refused while a cell is being edited (X204), where the book is read-only (X205) and while another press works
        on the same book (X216). Inside, the screen stands still; afterwards screen and status bar are as they were, also after an
        exception."""

    def stopped(self) -> bool:
        """Whether the user has pressed Esc since this was asked last."""


def text_of(value: Any) -> str:
    """A constant as a formula bar shows it: 2.0 -> "2", None -> ""."""
    if value is None or isinstance(value, str):
        return value or ""
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)


def grid_value(value: Any) -> Any:
    """A value as a spreadsheet program gives it -> as it stands in a ``model.Sheet``."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, Decimal):  # cells with a currency format come as this
        return float(value)
    if isinstance(value, int):
        code = value - _FIRST_ERROR
        return _NEW_ERRORS.get(code, "#ERROR!") if 2000 <= code < 2100 else float(value)
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
        return value.date() if value.time() == time() else value
    return value


def content(formula: str, value: Any) -> Any:
    """What stands in a cell that shows a value, for ``Host.contents``; a text that only looks like a formula is shown as it stands."""
    if formula.startswith("=") and formula != value:
        return Formula(formula)
    return value if isinstance(value, (bool, datetime)) else grid_value(value)


def trimmed(rows: list[list[Any]]) -> list[list[Any]]:
    """The rows without the blank ones at the end and the blank columns at the right."""
    height = max((n for n, row in enumerate(rows, 1) if any(value != "" for value in row)), default=0)
    width = max((n for row in rows for n, value in enumerate(row, 1) if value != ""), default=0)
    return [row[:width] for row in rows[:height]]


def rectangles(places: Iterable[Place]) -> list[Area]:
    """Cells grouped into rectangles: runs of each column, put together where neighbours reach equally far."""
    runs: list[list[int]] = []
    for row, column in sorted(places, key=lambda place: place[::-1]):
        if runs and runs[-1][1] == column and runs[-1][2] == row - 1:
            runs[-1][2] = row
        else:
            runs.append([row, column, row])
    grouped: dict[tuple[int, int], list[Area]] = {}
    for top, column, bottom in runs:
        known = grouped.setdefault((top, bottom), [])
        if known and known[-1][3] == column - 1:
            known[-1] = (*known[-1][:3], column)
        else:
            known.append((top, column, bottom, column))
    return sorted(area for areas in grouped.values() for area in areas)


def moved(earlier: Mapping[Place, Look], notes: Iterable[Place]) -> dict[Place, Look]:
    """Where marks are now: their notes move along when rows are inserted or deleted, so a note that stands elsewhere has the look of the mark
    next to it in its column. The remembered places stay among them, for marks that had no room for a note."""
    found = dict(earlier)
    for row, column in notes:
        near = min((place for place in earlier if place[1] == column), key=lambda place: abs(place[0] - row), default=None)
        if near is not None:
            found.setdefault((row, column), earlier[near])
    return found
