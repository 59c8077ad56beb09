"""``XlwingsHost``: the open workbook through xlwings, the one ``Host`` that ships.

No object of xlwings leaves this room, and it is imported inside the functions only. The tests run it on LibreOffice. What only Excel itself
can show is said at each method; all of it stands on the check-list for a machine with Excel.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import groupby
from typing import Any

from perfeval_xl import presses
from perfeval_xl.gate import LIMITS
from perfeval_xl.host import Area, Edge, Formula, Look, Mark, Place, content, grid_value, moved, rectangles, text_of, trimmed
from perfeval_xl.messages import MARK, Refusal
from perfeval_xl.model import Percent, Sheet, as_percent, cell_name, shows_percent
from perfeval_xl.review_lists import line_count

#: the names of the workbook whose values go into ``Sheet.stamp``
_STAMPS = ("pe_edition", "pe_department", "pe_project", "pe_year")
_SIDES = ("edge_top", "edge_left", "edge_bottom", "edge_right")
#: what a protection allows although it protects, as Excel's Protection object and Protect method call it
_ALLOWED = tuple(f"Allow{what}" for what in (
    "FormattingCells", "FormattingColumns", "FormattingRows", "InsertingColumns", "InsertingRows", "InsertingHyperlinks",
    "DeletingColumns", "DeletingRows", "Sorting", "Filtering", "UsingPivotTables"))
_VERY_HIDDEN = 2
#: the key as Windows numbers it
_ESCAPE = 0x1B
#: of a note: points, and what a line of it holds (a Chinese character counts two)
_NOTE_WIDTH, _NOTE_LINE = 240.0, 40
ROWS, COLUMNS, CELLS = (LIMITS[name].most for name in ("rows", "columns", "cells"))
#: columns that are read however many rows a sheet seems to use
_WIDE = 64
#: characters of an address that Excel takes
_ADDRESS = 255


class XlwingsHost:
    """The open workbook through xlwings. One lives as long as one press of a button."""

    def __init__(self, book: Any) -> None:
        self.book, self.app = book, book.app
        #: sheets that were asked for
        self._known: dict[str, Any] = {}
        #: while a button is at work: the merged cells of sheets that were read, until it changes them; what stood on them, until it writes;
        #: and the sheets that are open for it
        self._merges: dict[str, dict[Place, Area]] = {}
        self._seen: dict[str, tuple[Area, list[list[Any]]]] = {}  # the values as they came, from A1
        self._open: set[str] = set()
        self._pressed = False

    @classmethod
    def caller(cls) -> "XlwingsHost":
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
        try:
            area = self.book.names[name].refers_to_range
        except Exception:  # no such name, or that of a constant or of cells that were deleted; each engine has its own error for that
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

    # ---- reading ----

    def grid(self, sheet: str) -> Sheet:
        """A sheet with more rows or columns than ``gate`` lets pass is refused as there (X114). Formats may reach further down than any form:
        of such a sheet only the first columns are read."""
        where = self._sheet(sheet)
        area = _used(where)
        height, width = area[2] + 1, area[3] + 1
        read = _raw(where, area)
        rows = trimmed([[grid_value(value) for value in row] for row in read])
        for what, what_en, stated, limit in (("行数", "rows", len(rows), ROWS), ("列数", "columns", max(map(len, rows), default=0), COLUMNS)):
            if stated > limit:
                raise Refusal("X114", file=sheet, what=what, what_en=what_en, stated=stated, expected=limit)
        if self._pressed:
            self._seen[sheet] = area, read
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

    def values(self, sheet: str, area: Area) -> list[list[Any]]:
        return _values(self._sheet(sheet), area)

    def contents(self, sheet: str, area: Area | None = None) -> list[list[Any]]:
        where = self._sheet(sheet)
        found = area or _used(where)
        known, read = self._seen.get(sheet, ((0, 0, -1, -1), []))
        if known[2] >= found[2] and known[3] >= found[3]:  # read a moment ago
            values = [line[found[1] : found[3] + 1] for line in read[found[0] : found[2] + 1]]
        else:
            values = _raw(where, found)
        rows = [[content(*pair) for pair in zip(*lines, strict=True)] for lines in zip(self.formulas(sheet, found), values, strict=True)]
        return rows if area else trimmed(rows)

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
            _put(area, rows)

    def write_formulas(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """Through Range.Formula, which means in every Excel what a formula in a file means; newer ones may show an @ before a function of ours."""
        with self._writing(sheet, row, column, rows) as area:
            area.formula = [[value if isinstance(value, str) and value.startswith("=") else _cell(value) for value in line] for line in rows]

    @contextmanager
    def _writing(self, sheet: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> Iterator[Any]:
        if not rows or not rows[0] or any(len(line) != len(rows[0]) for line in rows):
            raise ValueError("rows must be a rectangle")
        self._seen.pop(sheet, None)
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
        if sheet not in self._open and self.filtered(sheet):
            raise Refusal("X207", sheet=sheet)
        where = self._sheet(sheet)
        self._seen.pop(sheet, None)
        formulas = {place for place, value in contents.items() if isinstance(value, Formula)}
        # apart: what stands beside a formula would have to be handed over as one, and that is read as if somebody typed it
        areas = [*rectangles(contents.keys() - formulas), *rectangles(formulas)]
        alike = _scattered(contents, areas)
        for (_, value), places in alike.items():
            for together in _unions(where, rectangles(places)):
                with self._refusing(sheet, places[0]):
                    together.raw_value = _cell(value)
        for area in areas:
            top, left, bottom, right = area
            if alike and top == bottom and not isinstance(contents[top, left], Formula):
                continue
            with self._refusing(sheet, (top, left)):
                _put(_range(where, area), [[contents[row, column] for column in range(left, right + 1)] for row in range(top, bottom + 1)])

    def answer(self, sheet: str, row: int, column: int, formula: str) -> Any:
        self.write_formulas(sheet, row, column, [[formula]])
        return self.values(sheet, (row, column, row, column))[0][0]

    def insert_row(self, sheet: str, row: int) -> None:
        self._forget(sheet)
        with self._refusing(sheet, (row, 0)):
            self._sheet(sheet).range(f"{row + 1}:{row + 1}").insert("down", "format_from_left_or_above")

    def delete_row(self, sheet: str, row: int) -> None:
        self._forget(sheet)
        with self._refusing(sheet, (row, 0)):
            self._sheet(sheet).range(f"{row + 1}:{row + 1}").delete("up")

    def merge(self, sheet: str, area: Area) -> None:
        self._forget(sheet)
        with self._refusing(sheet, area[:2]):
            _range(self._sheet(sheet), area).merge()

    def _forget(self, sheet: str) -> None:
        """What was read of a sheet holds no longer: its rows move."""
        self._merges.pop(sheet, None)
        self._seen.pop(sheet, None)

    # ---- marks ----

    def mark(self, sheet: str, marks: Mapping[Place, Mark]) -> dict[Place, Look]:
        """Excel's threaded comments leave no room for a note: such a cell is only filled and framed. Whether a note on merged cells shows
        well, and in a size that fits, only Excel can tell."""
        where, known = self._sheet(sheet), self.notes(sheet)
        areas = {self._whole(sheet, where, place): mark for place, mark in marks.items()}
        cells = {area[:2]: _range(where, area) for area in areas}
        # all looks first: a frame that is drawn changes its neighbours' sides
        looks = {area[:2]: _look(cells[area[:2]], mark) for area, mark in areas.items()}
        done: dict[Place, Mark] = {}
        try:
            for alike, group in _alike(areas, looks):
                done |= {area[:2]: areas[area] for area in group}
                with self._refusing(sheet, group[0][:2]):
                    for together in _unions(where, group):
                        _dress(together, *alike)
            for place in [place for place, mark in done.items() if mark.note]:
                with self._refusing(sheet, place):
                    _annotate(cells[place], f"{MARK}\n{done[place].note}", known.get(place))
        except BaseException:
            for place in reversed(done):
                _undress(cells[place], looks[place])
                self._strip(where, {place: known.get(place, "")})
            raise
        return looks

    def unmark(self, sheet: str, earlier: Mapping[Place, Look]) -> dict[Place, Mark]:
        where, taken = self._sheet(sheet), {}
        try:
            with self._refusing(sheet, next(iter(earlier), (0, 0))):
                ours = {place: text for place, text in self.notes(sheet).items() if text.startswith(MARK)}
                looks = moved(earlier, ours)
                for place in ours:
                    taken[place] = Mark(note=ours[place].removeprefix(MARK).removeprefix("\n"))
                for place, look in looks.items():
                    self._bare(sheet, where, place, look, taken)
                    below = self._whole(sheet, where, place)[2] + 1, place[1]
                    if look.our_fill and below not in looks and _range(where, (*below, *below)).color == look.our_fill:
                        self._bare(sheet, where, below, look, taken)
                self._strip(where, dict.fromkeys(ours, ""))
        except BaseException:
            self.mark(sheet, taken)
            raise
        return taken

    def _bare(self, sheet: str, where: Any, place: Place, look: Look, taken: dict[Place, Mark]) -> None:
        """Takes fill and frame of one mark away, and writes down which of them were there."""
        area = self._whole(sheet, where, place)
        cells, note = _range(where, area), taken.pop(area[:2], Mark()).note  # to the end: frames are drawn in this order
        stands = look.our_fill and cells.color == look.our_fill
        framed = look.our_frame and any(cells.borders[side].color == look.our_frame for side in _SIDES)
        taken[area[:2]] = Mark(look.our_fill if stands else None, look.our_frame if framed else None, note, look.our_weight)
        _undress(cells, look)

    @staticmethod
    def _strip(where: Any, notes: Mapping[Place, str]) -> None:
        """Notes of ours go, or get back the text that is given."""
        for note in where.notes:
            cell = note.location
            text = notes.get((cell.row - 1, cell.column - 1))
            if text is not None and note.text.startswith(MARK):
                if text:
                    note.text = text
                else:
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
        if self.filtered(sheet):
            raise Refusal("X207", sheet=sheet)
        self._same(sheet)
        self._open.add(sheet)
        try:
            with self._unprotected(sheet):
                yield
        finally:
            self._open.discard(sheet)

    def _same(self, sheet: str) -> None:
        """Refuses a sheet that somebody else has changed since it was read. What formulas show may change by itself (NOW, RAND)."""
        if sheet not in self._seen:
            return
        area, before = self._seen.pop(sheet)
        now = _raw(self._sheet(sheet), area)
        if now == before:
            return
        formulas = self.formulas(sheet, area)
        for row, line in enumerate(now):
            for column, value in enumerate(line):
                if value != before[row][column] and not formulas[row][column].startswith("="):
                    raise Refusal("X215", sheet=sheet, cell=cell_name(row, column))

    @contextmanager
    def _unprotected(self, sheet: str) -> Iterator[None]:
        api = self._sheet(sheet).api
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
            self._protect(api, selectable, options)

    @staticmethod
    def _protect(api: Any, selectable: Any, options: dict[str, bool]) -> None:
        """A second time if the first fails: a form must not be left open because Excel was busy for a moment."""
        try:
            api.EnableSelection = selectable
            api.Protect(Contents=True, **options)
        except Exception:
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

    def stopped(self) -> bool:
        """Only Windows tells, and the key counts only while Excel is in front; that Excel leaves the key to us must be tried there."""
        if sys.platform != "win32":
            return False
        from ctypes import windll

        return bool(windll.user32.GetAsyncKeyState(_ESCAPE) & 0x8001) and windll.user32.GetForegroundWindow() == self.app.hwnd

    # ---- one press ----

    @contextmanager
    def press(self) -> Iterator[None]:
        if why := self._in_the_way():
            raise why
        with presses.alone(self.path() or f"{self.app.pid} {self.book.name}"), self._quiet():
            yield

    def _in_the_way(self) -> Refusal | None:
        """Only Excel on Windows tells that a cell is being edited; whether it does so in time must be tried there."""
        if _on_mac():
            return None
        with _impatient():
            try:
                ready, read_only = self.app.api.Ready, self.book.api.ReadOnly
            except Exception:  # what a call raises while Excel rejects calls differs from version to version
                ready = False
        if not ready:
            return Refusal("X204")
        return Refusal("X205", file=self.book.name) if read_only else None

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self.app.screen_updating = self.app.screen_updating, False
        self._merges, self._seen, self._pressed = {}, {}, True
        try:
            yield
        finally:
            self._merges, self._seen, self._pressed = {}, {}, False
            self.app.screen_updating = before
            self.status(None)

    def _sheet(self, name: str) -> Any:
        known = self._known.get(name)
        if known is not None and known.name == name:
            return known
        try:
            self._known[name] = self.book.sheets[name]
        except Exception:  # each engine has its own error
            shown = [sheet.name for sheet in self.book.sheets if sheet.visible in (True, -1)]  # Excel's True is -1
            raise Refusal("X201", sheet=name, known="、".join(shown)) from None
        return self._known[name]


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
    """By its address: with the numbers of its corners xlwings asks Excel four times."""
    return sheet.range(_address(area))


def _address(area: Area) -> str:
    first, last = cell_name(*area[:2]), cell_name(*area[2:])
    return first if first == last else f"{first}:{last}"


def _unions(sheet: Any, areas: Sequence[Area]) -> Iterator[Any]:
    """Ranges of many areas, as many as an address of Excel names: what is set on one of them is set on each of its areas, in one call. The
    addresses that xlwings takes on the Mac name one area."""
    if _on_mac():
        yield from (_range(sheet, area) for area in areas)
        return
    address = ""
    for one in map(_address, areas):
        if address and len(address) + 1 + len(one) > _ADDRESS:
            yield sheet.range(address)
            address = ""
        address += f",{one}" if address else one
    if address:
        yield sheet.range(address)


def _used(sheet: Any) -> Area:
    """From A1 to the last used cell, as far as any form reaches."""
    bottom, right = _area_of(sheet.used_range)[2:]
    height = min(bottom + 1, ROWS + 1)
    return 0, 0, height - 1, min(right + 1, COLUMNS + 1, max(_WIDE, CELLS // height)) - 1


def _area_of(cells: Any) -> Area:
    (height, width), top, left = cells.shape, cells.row - 1, cells.column - 1
    return top, left, top + height - 1, left + width - 1


def _cell(value: Any) -> Any:
    """A value as it is handed to Excel."""
    if value is None or value == "":
        return ""
    if isinstance(value, Formula):
        return str(value)
    if isinstance(value, (Percent, Decimal)) or (isinstance(value, int) and not isinstance(value, bool)):
        return float(value)
    return f"'{value}" if isinstance(value, str) else value


def _scattered(contents: Mapping[Place, Any], areas: Sequence[Area]) -> dict[tuple[type, Any], list[Place]]:
    """Cells that lie apart, by the value they get, where there are fewer values than places to write to; else none."""
    found: dict[tuple[type, Any], list[Place]] = {}
    rows = [(top, left, right) for top, left, bottom, right in areas if top == bottom and not isinstance(contents[top, left], Formula)]
    for row, left, right in rows:
        for column in range(left, right + 1):
            value = contents[row, column]
            found.setdefault((type(value), value), []).append((row, column))
    return found if len(found) < len(rows) and all(kind in (str, float) for kind, _ in found) else {}


def _put(area: Any, rows: Sequence[Sequence[Any]]) -> None:
    """Writes what ``Host.fill`` takes. Rows that need no conversion go to Excel in one call; through ``value`` xlwings makes a dozen of it."""
    taken = [[_cell(value) for value in line] for line in rows]
    if any(isinstance(value, Formula) for line in rows for value in line):
        area.formula = taken
    elif all(isinstance(value, (str, float, bool)) for line in taken for value in line):
        area.raw_value = taken
    else:  # dates
        area.value = taken


def _raw(sheet: Any, area: Area) -> list[list[Any]]:
    return _range(sheet, area).options(ndim=2, err_to_str=True).value


def _values(sheet: Any, area: Area) -> list[list[Any]]:
    return [[grid_value(value) for value in row] for row in _raw(sheet, area)]


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
    return Look(area.color, edges, mark.fill, mark.frame, mark.weight)


def _draw(area: Any, side: str, edge: Edge | None) -> None:
    """Line and weight change each other in Excel: a plain line is drawn line first, any other on a clean side and line last."""
    plain = edge is not None and edge.style == "continuous"
    area.borders.set(side, line_style="continuous" if plain else None)
    if plain:
        area.borders.set(side, weight=edge.weight, color=edge.colour)
    elif edge:
        area.borders.set(side, color=edge.colour, weight=edge.weight, line_style=edge.style)


def _alike(areas: Mapping[Area, Mark], looks: Mapping[Place, Look]) -> Iterator[tuple[tuple[Mark, bool], list[Area]]]:
    """Areas that one call can dress: in their order those that follow each other with one fill and frame, apart by whether a plain frame is
    there already."""
    for look, run in groupby(areas.items(), lambda item: item[1]._replace(note="")):
        framed: dict[bool, list[Area]] = {}
        for area, _ in run:
            framed.setdefault(all(edge and edge.style == "continuous" for edge in looks[area[:2]].edges), []).append(area)
        for plain, group in framed.items():
            yield (look, plain), group


def _dress(area: Any, mark: Mark, plain: bool) -> None:
    if mark.fill:
        area.color = mark.fill
    if mark.frame and plain:
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
