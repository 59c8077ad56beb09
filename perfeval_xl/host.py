"""The open workbook as the buttons see it: ``Host``, a few calls in blocks, and ``XlwingsHost``, the one adapter that ships.

Rows and columns are zero-based everywhere, as in ``model.Sheet``; an area is (top, left, bottom, right), inclusive. No object of xlwings
leaves this room, and it is imported inside the functions only. Every call that names a sheet which is not there is refused (X201).

The tests run ``XlwingsHost`` on LibreOffice. What only Excel itself can show is said at each method; all of it stands on the check-list
for a machine with Excel.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple, Protocol

from perfeval_xl import messages
from perfeval_xl.gate import LIMITS
from perfeval_xl.messages import MARK, Refusal
from perfeval_xl.model import Percent, Sheet, as_percent, cell_name, shows_percent
from perfeval_xl.review_lists import line_count

Area = tuple[int, int, int, int]
Place = tuple[int, int]
Colour = tuple[int, int, int]

#: the names of the workbook whose values go into ``Sheet.stamp``
_STAMPS = ("pe_edition", "pe_department", "pe_project", "pe_year")
_SIDES = ("edge_top", "edge_left", "edge_bottom", "edge_right")
#: what a protection allows although it protects, as Excel's Protection object and Protect method call it
_ALLOWED = tuple(f"Allow{what}" for what in (
    "FormattingCells", "FormattingColumns", "FormattingRows", "InsertingColumns", "InsertingRows", "InsertingHyperlinks",
    "DeletingColumns", "DeletingRows", "Sorting", "Filtering", "UsingPivotTables"))
#: Excel's errors come as whole numbers from here on; those that xlwings knows no text for are named below
_FIRST_ERROR, _NEW_ERRORS = -2146828288, {2043: "#GETTING_DATA", 2045: "#SPILL!", 2046: "#CONNECT!", 2047: "#BLOCKED!", 2049: "#FIELD!",
                                          2050: "#CALC!"}
_VERY_HIDDEN = 2
#: the key as Windows numbers it
_ESCAPE = 0x1B
#: of a note: points, and what a line of it holds (a Chinese character counts two)
_NOTE_WIDTH, _NOTE_LINE = 240.0, 40
ROWS, COLUMNS, CELLS = (LIMITS[name].most for name in ("rows", "columns", "cells"))
#: columns that are read however many rows a sheet seems to use
_WIDE = 64


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

    ``edges`` are the sides top, left, bottom, right; None = no line.
    """

    fill: Colour | None
    edges: tuple[Edge | None, ...]
    our_fill: Colour | None
    our_frame: Colour | None

    def packed(self) -> str:
        """As text, for a cell of a hidden sheet."""
        return json.dumps(self)

    @classmethod
    def unpacked(cls, text: str) -> Look:
        """The look of a ``packed`` text."""
        fill, edges, *ours = json.loads(text)
        sides = tuple(edge and Edge(edge[0], edge[1], tuple(edge[2])) for edge in edges)
        return cls(fill and tuple(fill), sides, *(colour and tuple(colour) for colour in ours))


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

    def formulas(self, sheet: str, area: Area) -> list[list[str]]:
        """What stands in the cells: formulas with English names and commas, constants as text, "" where empty."""

    def write(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """Writes a rectangle of values; text stays the text it is, None and "" clear the cell. In merged cells only the first one takes a
        value, so give None for the others. In a cell formatted as text everything becomes text. A locked cell of a protected sheet is
        refused (X203)."""

    def write_formulas(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """The same, but a text that begins with "=" is a formula (English names, commas)."""

    def mark(self, sheet: str, marks: Mapping[Place, Mark]) -> dict[Place, Look]:
        """Marks cells (of merged cells the whole area) and gives what they looked like, by the first cell of the area, for ``unmark``.
        Frames are drawn in the order of the mapping: where two meet, the later one stays. A user's note is never changed. Marks that are
        still there should be taken away first, or they are what is remembered."""

    def unmark(self, sheet: str, earlier: Mapping[Place, Look]) -> None:
        """Takes marks away: fills and frames that are still ours back to what they were, and every note of ours on the sheet. Marks whose rows
        were moved by hand since are found by their notes, and so are copies of a mark in a row that was inserted below it."""

    def notes(self, sheet: str) -> dict[Place, str]:
        """All notes, the users' too."""

    def protected(self, sheet: str) -> bool:
        """Whether locked cells refuse to be written."""

    def filtered(self, sheet: str) -> bool:
        """Whether a filter hides rows."""

    def opened(self, sheet: str) -> AbstractContextManager[None]:
        """Locked cells of the sheet can be written inside; afterwards it is protected as before, also after an exception. A sheet with a
        password is refused (X202) and not touched, and so is one whose filter hides rows (X207): what is written to it may miss them."""

    def fill(self, sheet: str, contents: Mapping[Place, Any]) -> None:
        """Writes single cells, a rectangle of neighbours at a time: values, and formulas where a text begins with "="."""

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

    def quiet(self) -> AbstractContextManager[None]:
        """Inside, the screen stands still; afterwards screen and status bar are as they were, also after an exception."""

    def busy(self) -> str:
        """Why the book cannot be worked on now, as words for the user; "" if it can."""

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


class XlwingsHost:
    """The open workbook through xlwings. One lives as long as one press of a button."""

    def __init__(self, book: Any) -> None:
        self.book, self.app = book, book.app
        #: sheets that were asked for; the merged cells of those that were read, while a button is at work and until it changes them
        self._known: dict[str, Any] = {}
        self._merges: dict[str, dict[Place, Area]] = {}
        self._pressed = False

    @classmethod
    def caller(cls) -> XlwingsHost:
        """The workbook whose button was pressed."""
        import xlwings

        return cls(xlwings.Book.caller())

    # ---- the book ----

    def sheet_names(self) -> tuple[str, ...]:
        return tuple(sheet.name for sheet in self.book.sheets)

    def path(self) -> str:
        try:
            name = self.book.fullname
        except Exception:  # a book in the cloud, and not where xlwings looks for the copy on this machine
            name = "" if _on_mac() else self.book.api.FullName
        return name if any(mark in name for mark in "/\\") else ""

    def selection(self) -> tuple[str, int, int]:
        picked = self.app.selection
        if picked is None or picked.sheet.book.name != self.book.name:
            return self.book.sheets.active.name, -1, -1
        return picked.sheet.name, picked.row - 1, picked.column - 1

    def name_area(self, name: str) -> tuple[str, Area] | None:
        if name not in self.book.names:
            return None
        try:
            area = self.book.names[name].refers_to_range
        except Exception:  # the name of a constant, or of cells that were deleted; each engine has its own error for that
            return None
        return area.sheet.name, _area_of(area)

    def ensure_sheet(self, name: str, hidden: bool = True) -> None:
        if name in self.sheet_names():
            return
        if not _on_mac() and self.book.api.ProtectStructure:
            raise Refusal("X206", sheet=name)
        shown = self.book.sheets.active
        sheet = self.book.sheets.add(name, after=self.book.sheets[-1])
        shown.activate()
        if hidden and _on_mac():
            sheet.visible = False
        elif hidden:
            sheet.api.Visible = _VERY_HIDDEN

    def busy(self) -> str:
        """Only Excel on Windows tells that a cell is being edited; whether it does so in time must be tried there."""
        if _on_mac():
            return ""
        with _impatient():
            try:
                ready, read_only = self.app.api.Ready, self.book.api.ReadOnly
            except Exception:  # what a call raises while Excel rejects calls differs from version to version
                ready = False
        if not ready:
            return messages.text("X204")
        return messages.text("X205", file=self.book.name) if read_only else ""

    # ---- reading ----

    def grid(self, sheet: str) -> Sheet:
        """A sheet with more rows or columns than ``gate`` lets pass is refused as there (X114). Formats may reach further down than any form:
        of such a sheet only the first columns are read."""
        where = self._sheet(sheet)
        bottom, right = _area_of(where.used_range)[2:]
        height = min(bottom + 1, ROWS + 1)
        width = min(right + 1, COLUMNS + 1, max(_WIDE, CELLS // height))
        rows = trimmed(_values(where, (0, 0, height - 1, width - 1)))
        for what, what_en, stated, limit in (("行数", "rows", len(rows), ROWS), ("列数", "columns", max(map(len, rows), default=0), COLUMNS)):
            if stated > limit:
                raise Refusal("X114", file=sheet, what=what, what_en=what_en, stated=stated, expected=limit)
        _show_percents(where, rows)
        if sheet not in self._merges or not self._pressed:
            merged = _merged(where, height, width) if rows else ()
            self._merges[sheet] = {(row, column): area for area in merged
                                   for row in range(area[0], area[2] + 1) for column in range(area[1], area[3] + 1)}
        return Sheet(sheet, rows, tuple(dict.fromkeys(self._merges[sheet].values())), self._stamp(sheet, rows))

    def _stamp(self, sheet: str, rows: list[list[Any]]) -> dict[str, Any]:
        stamp = {}
        for name in _STAMPS:
            found = self.name_area(name)
            if found is None:
                continue
            own, (row, column, *_) = found
            if own != sheet:
                value = _values(self.book.sheets[own], (row, column, row, column))[0][0]
            else:
                value = rows[row][column] if row < len(rows) and column < len(rows[row]) else ""
            if value != "":
                stamp[name] = value
        return stamp

    def formulas(self, sheet: str, area: Area) -> list[list[str]]:
        found = _range(self._sheet(sheet), area).formula
        # one cell comes as a text, one row or column on the Mac perhaps as a flat list
        rows = found if isinstance(found, (list, tuple)) else [found]
        flat = [text_of(value) for row in rows for value in (row if isinstance(row, (list, tuple)) else [row])]
        width = area[3] - area[1] + 1
        return [flat[first : first + width] for first in range(0, len(flat), width)]

    def notes(self, sheet: str) -> dict[Place, str]:
        found = [(note.location, note.text) for note in self._sheet(sheet).notes]
        return {(cell.row - 1, cell.column - 1): text for cell, text in found}

    def protected(self, sheet: str) -> bool:
        api = self._sheet(sheet).api
        return bool(api.protect_contents.get() if _on_mac() else api.ProtectContents)

    def filtered(self, sheet: str) -> bool:
        api = self._sheet(sheet).api
        return bool(api.filter_mode.get() if _on_mac() else api.FilterMode)

    # ---- writing ----

    def write(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """Only Excel shows how its guessing (007, 3/4, =x), cells formatted as text and merged cells take what is written; the apostrophe in
        front of every text is the way it documents."""
        with self._writing(sheet, row, column, rows) as area:
            area.value = [[_cell(value) for value in line] for line in rows]

    def write_formulas(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """Through Range.Formula, which means in every Excel what a formula in a file means; newer ones may show an @ before a function of ours."""
        with self._writing(sheet, row, column, rows) as area:
            area.formula = [[value if isinstance(value, str) and value.startswith("=") else _cell(value) for value in line] for line in rows]

    @contextmanager
    def _writing(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> Iterator[Any]:
        if not rows or not rows[0] or any(len(line) != len(rows[0]) for line in rows):
            raise ValueError("rows must be a rectangle")
        with self._refusing(sheet, (row, column)):
            yield _range(self._sheet(sheet), (row, column, row + len(rows) - 1, column + len(rows[0]) - 1))

    @contextmanager
    def _refusing(self, sheet: str, place: Place) -> Iterator[None]:
        """An error on a protected sheet becomes a refusal that says so; the engine's own words never do."""
        try:
            yield
        except Refusal:
            raise
        except Exception:
            if self.protected(sheet):
                raise Refusal("X203", sheet=sheet, cell=cell_name(*place)) from None
            raise

    def fill(self, sheet: str, contents: Mapping[Place, Any]) -> None:
        for top, left, bottom, right in rectangles(contents):
            block = [[contents[row, column] for column in range(left, right + 1)] for row in range(top, bottom + 1)]
            self.write_formulas(sheet, top, left, block)

    def insert_row(self, sheet: str, row: int) -> None:
        self._merges.pop(sheet, None)
        with self._refusing(sheet, (row, 0)):
            self._sheet(sheet).range(f"{row + 1}:{row + 1}").insert("down", "format_from_left_or_above")

    def delete_row(self, sheet: str, row: int) -> None:
        self._merges.pop(sheet, None)
        with self._refusing(sheet, (row, 0)):
            self._sheet(sheet).range(f"{row + 1}:{row + 1}").delete("up")

    def merge(self, sheet: str, area: Area) -> None:
        self._merges.pop(sheet, None)
        with self._refusing(sheet, area[:2]):
            _range(self._sheet(sheet), area).merge()

    # ---- marks ----

    def mark(self, sheet: str, marks: Mapping[Place, Mark]) -> dict[Place, Look]:
        """Excel's threaded comments leave no room for a note: such a cell is only filled and framed. Whether a note on merged cells shows
        well, and in a size that fits, only Excel can tell."""
        where, known = self._sheet(sheet), self.notes(sheet)
        areas = {self._whole(sheet, where, place): mark for place, mark in marks.items()}
        cells = {area[:2]: _range(where, area) for area in areas}
        # all looks first: a frame that is drawn changes its neighbours' sides
        looks = {area[:2]: _look(cells[area[:2]], mark) for area, mark in areas.items()}
        for (*place, _, _), mark in areas.items():
            place = tuple(place)
            with self._refusing(sheet, place):
                _dress(cells[place], mark, looks[place])
                if mark.note:
                    _annotate(cells[place], f"{MARK}\n{mark.note}", known.get(place))
        return looks

    def unmark(self, sheet: str, earlier: Mapping[Place, Look]) -> None:
        where = self._sheet(sheet)
        with self._refusing(sheet, next(iter(earlier), (0, 0))):
            ours = [note for note in where.notes if note.text.startswith(MARK)]
            looks = moved(earlier, [_area_of(note.location)[:2] for note in ours])
            for place, look in looks.items():
                area = self._whole(sheet, where, place)
                _undress(_range(where, area), look)
                below = area[2] + 1, area[1]
                if look.our_fill and below not in looks and _range(where, (*below, *below)).color == look.our_fill:
                    _undress(_range(where, self._whole(sheet, where, below)), look)
            for note in ours:
                note.delete()

    def _whole(self, sheet: str, where: Any, place: Place) -> Area:
        """The merged area of a cell, or the cell."""
        if self._pressed and sheet in self._merges:
            return self._merges[sheet].get(place, (*place, *place))
        return _area_of(_range(where, (*place, *place)).merge_area)

    # ---- protection ----

    @contextmanager
    def opened(self, sheet: str) -> Iterator[None]:
        """On the Mac a protected sheet is refused (X203): its protection could not be put back with the same options. That Excel refuses
        an empty password without showing its dialog must be tried there."""
        api = self._sheet(sheet).api
        if self.filtered(sheet):
            raise Refusal("X207", sheet=sheet)
        if not self.protected(sheet):
            yield
            return
        if _on_mac():
            raise Refusal("X203", sheet=sheet, cell=cell_name(0, 0))
        options = {name: bool(getattr(api.Protection, name)) for name in _ALLOWED}
        options |= {"DrawingObjects": bool(api.ProtectDrawingObjects), "Scenarios": bool(api.ProtectScenarios),
                    "UserInterfaceOnly": bool(api.ProtectionMode)}
        selectable = api.EnableSelection
        try:
            api.Unprotect("")  # with no argument Excel would ask the user for the password
        except Exception:
            raise Refusal("X202", sheet=sheet) from None
        if api.ProtectContents:
            raise Refusal("X202", sheet=sheet)
        try:
            yield
        finally:
            api.EnableSelection = selectable
            api.Protect(Contents=True, **options)

    # ---- the screen ----

    def status(self, text: str | None) -> None:
        self.app.status_bar = False if text is None else text

    def goto(self, sheet: str, row: int, column: int) -> None:
        where = self._sheet(sheet)
        where.activate()
        where.range((row + 1, column + 1)).select()

    def ask(self, text: str, title: str, buttons: str = "ok") -> str:
        return self.app.alert(text, title, buttons)

    @contextmanager
    def quiet(self) -> Iterator[None]:
        before, self.app.screen_updating = self.app.screen_updating, False
        self._merges, self._pressed = {}, True
        try:
            yield
        finally:
            self._merges, self._pressed = {}, False
            self.app.screen_updating = before
            self.status(None)

    def stopped(self) -> bool:
        """Only Windows tells, and the key counts only while Excel is in front; that Excel leaves the key to us must be tried there."""
        if sys.platform != "win32":
            return False
        from ctypes import windll

        return bool(windll.user32.GetAsyncKeyState(_ESCAPE) & 0x8001) and windll.user32.GetForegroundWindow() == self.app.hwnd

    def _sheet(self, name: str) -> Any:
        known = self._known.get(name)
        if known is not None and known.name == name:
            return known
        sheets = {sheet.name: sheet for sheet in self.book.sheets}
        if name not in sheets:
            shown = [known for known, sheet in sheets.items() if sheet.visible in (True, -1)]  # Excel's True is -1
            raise Refusal("X201", sheet=name, known="、".join(shown))
        self._known[name] = sheets[name]
        return sheets[name]


def _on_mac() -> bool:
    return sys.platform == "darwin"


@contextmanager
def _impatient() -> Iterator[None]:
    """While Excel rejects calls, xlwings on Windows repeats them for ever; here it gives up after a few."""
    engine = sys.modules.get("xlwings._xlwindows")
    before = getattr(engine, "N_COM_ATTEMPTS", None)
    if before is None:
        yield
        return
    engine.N_COM_ATTEMPTS = 3
    try:
        yield
    finally:
        engine.N_COM_ATTEMPTS = before


def _range(sheet: Any, area: Area) -> Any:
    top, left, bottom, right = area
    return sheet.range((top + 1, left + 1), (bottom + 1, right + 1))


def _area_of(cells: Any) -> Area:
    (height, width), top, left = cells.shape, cells.row - 1, cells.column - 1
    return top, left, top + height - 1, left + width - 1


def _cell(value: Any) -> Any:
    """A value as it is handed to Excel."""
    if value is None or value == "":
        return ""
    if isinstance(value, (Percent, Decimal)) or (isinstance(value, int) and not isinstance(value, bool)):
        return float(value)
    return f"'{value}" if isinstance(value, str) else value


def _values(sheet: Any, area: Area) -> list[list[Any]]:
    return [[grid_value(value) for value in row] for row in _range(sheet, area).options(ndim=2, err_to_str=True).value]


def _show_percents(sheet: Any, rows: list[list[Any]]) -> None:
    """Turns numbers into ``Percent`` where their format says so; a column of one format costs one call."""
    for column in range(len(rows[0]) if rows else 0):
        parts = [[row for row, line in enumerate(rows) if type(line[column]) is float]]
        while parts:
            part = parts.pop()
            shown = _range(sheet, (part[0], column, part[-1], column)).number_format if part else ""
            if shown is None and len(part) > 1:  # several formats
                parts += (part[: len(part) // 2], part[len(part) // 2 :])
            elif shows_percent(shown or ""):
                for row in part:
                    rows[row][column] = as_percent(rows[row][column])


def _merged(sheet: Any, height: int, width: int) -> tuple[Area, ...]:
    """The merged areas, column by column: stretches without merged cells cost one call however long they are."""
    found: list[Area] = []
    for column in range(width):
        free = _stretches(height, [(top, bottom) for top, left, bottom, right in found if left <= column <= right])
        reached = -1
        while free:
            top, bottom = free.pop()
            top = max(top, reached + 1)
            state = _range(sheet, (top, column, bottom, column)).merge_cells if top <= bottom else False
            if state is None:
                middle = (top + bottom) // 2
                free += ((middle + 1, bottom), (top, middle))
            while state and top <= bottom:
                found.append(_area_of(_range(sheet, (top, column, top, column)).merge_area))
                reached = found[-1][2]
                top = reached + 1
    return tuple(found)


def _stretches(height: int, taken: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The rows that are not taken, as (first, last), from the bottom up."""
    free, row = [], 0
    for top, bottom in sorted(taken):
        if row < top:
            free.append((row, top - 1))
        row = bottom + 1
    return [*([(row, height - 1)] if row < height else []), *reversed(free)]


def _look(area: Any, mark: Mark) -> Look:
    borders = area.borders
    sides = [borders[side] for side in _SIDES]
    edges = tuple(None if (side.line_style or "none") == "none" else Edge(side.line_style, side.weight or "thin", side.color or (0, 0, 0))
                  for side in sides)
    return Look(area.color, edges, mark.fill, mark.frame)


def _draw(area: Any, side: str, edge: Edge | None) -> None:
    """Line and weight change each other in Excel: a plain line is drawn line first, any other on a clean side and line last."""
    plain = edge is not None and edge.style == "continuous"
    area.borders.set(side, line_style="continuous" if plain else None)
    if plain:
        area.borders.set(side, weight=edge.weight, color=edge.colour)
    elif edge:
        area.borders.set(side, color=edge.colour, weight=edge.weight, line_style=edge.style)


def _dress(area: Any, mark: Mark, look: Look) -> None:
    if mark.fill:
        area.color = mark.fill
    if mark.frame and all(edge and edge.style == "continuous" for edge in look.edges):
        area.borders.set("outside", weight=mark.weight, color=mark.frame)
    elif mark.frame:
        _draw(area, "outside", Edge("continuous", mark.weight, mark.frame))


def _undress(area: Any, look: Look) -> None:
    if look.our_fill and area.color == look.our_fill:
        area.color = look.fill
    for side, edge in zip(_SIDES, look.edges, strict=True):
        if look.our_frame and area.borders[side].color == look.our_frame:
            _draw(area, side, edge)


def _annotate(area: Any, text: str, there: str | None) -> None:
    """Puts our note on a cell, in place of an earlier one of ours; ``there`` is the note it has."""
    cell = area(1, 1)
    if there is None and not _discussed(cell):
        note = cell.add_note(text)
    elif there is not None and there.startswith(MARK):
        note = cell.note
        note.text = text
    else:
        return
    if not _on_mac():
        shape = note.api.Shape
        shape.Width, shape.Height = _NOTE_WIDTH, min(12.0 + 14 * line_count(text, _NOTE_LINE), 400.0)


def _discussed(cell: Any) -> bool:
    """Whether a threaded comment stands on the cell; Excel before 2019 knows none and raises."""
    try:
        return cell.comment is not None
    except Exception:
        return False
