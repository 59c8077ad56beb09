"""A ``Host`` in memory: fast, counts its calls, and never works a formula out.

A book is loaded from an .xlsx that our own code wrote, with the values the file holds. A formula that is written leaves the cell's value as it
was, as in a workbook set to manual calculation; what refers to a deleted row stays as it is. ``cell`` gives a cell for assertions, and what
stands in ``sheets`` may be changed freely.
"""

from __future__ import annotations

import io
import pickle
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from perfeval_xl import presses
from perfeval_xl.host import Edge, Formula, Look, Mark, content, grid_value, moved, rectangles, text_of, trimmed
from perfeval_xl.messages import MARK, Refusal
from perfeval_xl.model import Percent, Sheet, as_percent, cell_name, shows_percent

_REFERENCE = re.compile(r'"(?:[^"]|"")*"|(?:(\'(?:[^\']|\'\')+\'|[\w.]+)!)?(?<![\w.])(\$?[A-Z]{1,3}\$?)(\d+)(?![\w(.])')


class Cell(SimpleNamespace):
    """One cell: value (float, text, bool, date, error text, "" ), formula or "", format code, fill, note, locked."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**{"value": "", "formula": "", "shown": "General", "fill": None, "note": "", "locked": True, **given})


class MemorySheet:
    """Cells by (row, column), merged areas, the lines between cells, and the sheet's state."""

    def __init__(self, name: str) -> None:
        self.name, self.cells, self.merged = name, {}, []
        #: (row, column) -> line above / to the left of that cell; so neighbours share their sides
        self.above, self.before = {}, {}
        self.protected = self.password = self.hidden = self.filtered = False

    def cell(self, row: int, column: int) -> Cell:
        return self.cells.setdefault((row, column), Cell())

    def area(self, row: int, column: int) -> tuple[int, int, int, int]:
        return next((area for area in self.merged if area[0] <= row <= area[2] and area[1] <= column <= area[3]), (row, column, row, column))

    def sides(self, area: tuple[int, int, int, int]) -> tuple[list, ...]:
        """Where the lines of the sides top, left, bottom, right are kept: (dictionary, keys)."""
        top, left, bottom, right = area
        across, down = range(left, right + 1), range(top, bottom + 1)
        return ((self.above, [(top, column) for column in across]), (self.before, [(row, left) for row in down]),
                (self.above, [(bottom + 1, column) for column in across]), (self.before, [(row, right + 1) for row in down]))

    def draw(self, side: tuple, edge: Edge | None) -> None:
        lines, keys = side
        lines.update(dict.fromkeys(keys, edge))


class MemoryHost:
    """The open workbook as dictionaries. ``calls`` lists the methods that were called, in order."""

    def __init__(self, file: str = "") -> None:
        self.file, self.sheets, self.names, self.calls = file, {}, {}, []
        self.active, self.picked = "", (0, 0)
        self.asked, self.answers, self.stops = [], [], []
        self.shown, self.still = None, False
        self.editing = self.read_only = self.structure = False
        #: what ``grid`` has read during a press, by sheet, until something is written there; sheets that are open
        self.seen, self.open = {}, set()

    def __getattribute__(self, name: str) -> Any:
        if name in _METHODS:
            object.__getattribute__(self, "calls").append(name)
        return object.__getattribute__(self, name)

    @classmethod
    def load(cls, path: Any) -> MemoryHost:
        """The book in an .xlsx, its values as the file holds them."""
        host = cls(str(path))
        host.sheets, host.names, host.structure, host.active = pickle.loads(_loaded(Path(path).read_bytes()))
        return host

    def cell(self, sheet: str, row: int, column: int) -> Cell:
        """A cell, for assertions; not counted."""
        return self.sheets[sheet].cell(row, column)

    def _sheet(self, name: str) -> MemorySheet:
        if name not in self.sheets:
            raise Refusal("X201", sheet=name, known="、".join(one.name for one in self.sheets.values() if not one.hidden))
        return self.sheets[name]

    # ---- the book ----

    def sheet_names(self) -> tuple[str, ...]:
        return tuple(self.sheets)

    def path(self) -> str:
        return self.file

    def selection(self) -> tuple[str, int, int]:
        return (self.active, *self.picked)

    def name_area(self, name: str):
        return self.names.get(name)

    def ensure_sheet(self, name: str, hidden: bool = True) -> None:
        if name not in self.sheets:
            if self.structure:
                raise Refusal("X206", sheet=name)
            self.sheets[name] = MemorySheet(name)
            self.sheets[name].hidden = hidden

    # ---- reading ----

    def _raw(self, sheet: MemorySheet) -> dict[tuple[int, int], Any]:
        return {place: (cell.formula, "" if cell.formula else cell.value) for place, cell in sheet.cells.items() if cell.formula or cell.value != ""}

    def _values(self, sheet: MemorySheet) -> list[list[Any]]:
        height = max((row for row, _ in sheet.cells), default=-1) + 1
        width = max((column for _, column in sheet.cells), default=-1) + 1
        rows = [[""] * width for _ in range(height)]
        for (row, column), cell in sheet.cells.items():
            value = grid_value(cell.value)
            rows[row][column] = as_percent(value) if type(value) is float and shows_percent(cell.shown) else value
        return trimmed(rows)

    def grid(self, sheet: str) -> Sheet:
        rows = self._values(self._sheet(sheet))
        if self.still:
            self.seen[sheet] = self._raw(self.sheets[sheet])
        stamp = {}
        for name in ("pe_edition", "pe_department", "pe_project", "pe_year"):
            if name in self.names:
                where, (row, column, *_) = self.names[name]
                value = grid_value(self.sheets[where].cell(row, column).value)
                stamp |= {name: value} if value != "" else {}
        return Sheet(sheet, rows, tuple(self._sheet(sheet).merged) if rows else (), stamp)

    def values(self, sheet: str, area):
        cells, (top, left, bottom, right) = self._sheet(sheet).cells, area
        return [[grid_value(cells.get((row, column), _BLANK).value) for column in range(left, right + 1)] for row in range(top, bottom + 1)]

    def contents(self, sheet: str, area=None):
        cells = self._sheet(sheet).cells
        top, left, bottom, right = area or (0, 0, max((row for row, _ in cells), default=-1), max((column for _, column in cells), default=-1))
        found = [[cells.get((row, column), _BLANK) for column in range(left, right + 1)] for row in range(top, bottom + 1)]
        rows = [[content(cell.formula, cell.value) for cell in line] for line in found]
        return rows if area else trimmed(rows)

    def formulas(self, sheet: str, area):
        cells, (top, left, bottom, right) = self._sheet(sheet).cells, area
        return [[(cell := cells.get((row, column), _BLANK)).formula or text_of(_plain(cell.value)) for column in range(left, right + 1)]
                for row in range(top, bottom + 1)]

    def notes(self, sheet: str):
        return {place: cell.note for place, cell in self._sheet(sheet).cells.items() if cell.note}

    def protected(self, sheet: str) -> bool:
        return self._sheet(sheet).protected

    def filtered(self, sheet: str) -> bool:
        return self._sheet(sheet).filtered

    # ---- writing ----

    def _write(self, sheet: str, row: int, column: int, rows, formulas: bool) -> None:
        if not rows or not rows[0] or any(len(line) != len(rows[0]) for line in rows):
            raise ValueError("rows must be a rectangle")
        where = self._sheet(sheet)
        self.seen.pop(sheet, None)
        places = [(row + r, column + c, value) for r, line in enumerate(rows) for c, value in enumerate(line)]
        if where.protected and any(where.cell(r, c).locked for r, c, _ in places):
            raise Refusal("X203", sheet=sheet, cell=cell_name(row, column))
        for r, c, value in places:
            cell = where.cell(r, c)
            if cell.shown == "@" and not isinstance(value, bool) and value is not None:  # as in Excel: whatever goes in becomes a text
                cell.value, cell.formula = text_of(float(value) if isinstance(value, (int, Percent, Decimal)) else value), ""
            elif isinstance(value, Formula) or (formulas and isinstance(value, str) and value.startswith("=")):
                cell.formula = str(value)
            else:
                number = isinstance(value, (int, Percent, Decimal)) and not isinstance(value, bool)
                cell.value, cell.formula = "" if value is None else float(value) if number else value, ""

    def write(self, sheet: str, row: int, column: int, rows) -> None:
        self._write(sheet, row, column, rows, False)

    def write_formulas(self, sheet: str, row: int, column: int, rows) -> None:
        self._write(sheet, row, column, rows, True)

    def fill(self, sheet: str, contents) -> None:
        if self._sheet(sheet).filtered and sheet not in self.open:
            raise Refusal("X207", sheet=sheet)
        for top, left, bottom, right in rectangles(contents):
            block = [[contents[row, column] for column in range(left, right + 1)] for row in range(top, bottom + 1)]
            self._write(sheet, top, left, block, False)

    def answer(self, sheet: str, row: int, column: int, formula: str):
        self._write(sheet, row, column, [[formula]], True)
        return grid_value(self.sheets[sheet].cell(row, column).value)

    def insert_row(self, sheet: str, row: int) -> None:
        where = self._unlocked(sheet, (row, 0))
        self._shift(where, row, 1)
        for (above, column), cell in list(where.cells.items()):
            if above == row - 1:
                where.cells[row, column] = Cell(shown=cell.shown, fill=cell.fill, locked=cell.locked)

    def delete_row(self, sheet: str, row: int) -> None:
        where = self._unlocked(sheet, (row, 0))
        for place in [place for place in where.cells if place[0] == row]:
            del where.cells[place]
        self._shift(where, row + 1, -1)

    def _shift(self, where: MemorySheet, row: int, by: int) -> None:
        """Everything from a row on moves; what spans the place grows or shrinks."""
        for kind in ("cells", "above", "before"):
            setattr(where, kind, {(r + by if r >= row else r, c): one for (r, c), one in getattr(where, kind).items()})

        def shifted(area):
            top, left, bottom, right = area
            return (top + by if top >= row else top), left, (bottom + by if bottom >= row or (by < 0 and bottom == row - 1) else bottom), right

        where.merged = [area for area in map(shifted, where.merged) if area[0] <= area[2] and area[:2] != area[2:]]
        self.names = {name: (sheet, shifted(area) if sheet == where.name else area) for name, (sheet, area) in self.names.items()}
        for sheet in self.sheets.values():
            for cell in sheet.cells.values():
                if cell.formula:
                    cell.formula = _REFERENCE.sub(lambda found, own=sheet: _moved(found, own.name, where.name, row, by), cell.formula)

    def merge(self, sheet: str, area) -> None:
        where = self._unlocked(sheet, area[:2])
        top, left, bottom, right = area
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                if (row, column) != (top, left):
                    where.cell(row, column).value = where.cell(row, column).formula = ""
        where.merged = [one for one in where.merged if one[2] < top or one[0] > bottom or one[3] < left or one[1] > right] + [tuple(area)]

    def _unlocked(self, sheet: str, place) -> MemorySheet:
        self.seen.pop(sheet, None)
        if self._sheet(sheet).protected:
            raise Refusal("X203", sheet=sheet, cell=cell_name(*place))
        return self._sheet(sheet)

    # ---- marks ----

    def mark(self, sheet: str, marks):
        where, looks = self._sheet(sheet), {}
        for place, mark in marks.items():
            area = where.area(*place)
            edges = tuple(lines.get(keys[0]) for lines, keys in where.sides(area))
            looks[area[:2]] = Look(where.cell(*area[:2]).fill, edges, mark.fill, mark.frame, mark.weight)
        for place, mark in marks.items():
            area = where.area(*place)
            cell = where.cell(*area[:2])
            cell.fill = mark.fill or cell.fill
            if mark.frame:
                for side in where.sides(area):
                    where.draw(side, Edge("continuous", mark.weight, mark.frame))
            if mark.note and (not cell.note or cell.note.startswith(MARK)):
                cell.note = f"{MARK}\n{mark.note}"
        return looks

    def unmark(self, sheet: str, earlier):
        where = self._sheet(sheet)
        ours = {place: cell.note for place, cell in where.cells.items() if cell.note.startswith(MARK)}
        taken = {place: Mark(note=note.removeprefix(f"{MARK}\n")) for place, note in ours.items()}
        looks = moved(earlier, ours)
        for place, look in looks.items():
            area = where.area(*place)
            self._undress(where, area, look, taken)
            below = area[2] + 1, area[1]
            if look.our_fill and below not in looks and below in where.cells and where.cells[below].fill == look.our_fill:
                self._undress(where, where.area(*below), look, taken)
        for place in ours:
            where.cells[place].note = ""
        return taken

    @staticmethod
    def _undress(where: MemorySheet, area, look: Look, taken) -> None:
        cell, framed = where.cell(*area[:2]), False
        stands = look.our_fill and cell.fill == look.our_fill
        if stands:
            cell.fill = look.fill
        for side, edge in zip(where.sides(area), look.edges, strict=True):
            now = side[0].get(side[1][0])
            if look.our_frame and now and now.colour == look.our_frame:
                where.draw(side, edge)
                framed = True
        note = taken.pop(area[:2], Mark()).note
        taken[area[:2]] = Mark(look.our_fill if stands else None, look.our_frame if framed else None, note, look.our_weight)

    # ---- protection and screen ----

    @contextmanager
    def opened(self, sheet: str) -> Iterator[None]:
        where = self._sheet(sheet)
        if where.filtered:
            raise Refusal("X207", sheet=sheet)
        if where.protected and where.password:
            raise Refusal("X202", sheet=sheet)
        if sheet in self.seen:
            before, now = self.seen.pop(sheet), self._raw(where)
            for place in sorted(before.keys() | now.keys()):
                if before.get(place) != now.get(place):
                    raise Refusal("X215", sheet=sheet, cell=cell_name(*place))
        before, where.protected = where.protected, False
        self.open.add(sheet)
        try:
            yield
        finally:
            where.protected = before
            self.open.discard(sheet)

    def status(self, text: str | None) -> None:
        self.shown = text

    def goto(self, sheet: str, row: int, column: int) -> None:
        self.active, self.picked = self._sheet(sheet).name, (row, column)

    def ask(self, text: str, title: str, buttons: str = "ok") -> str:
        self.asked.append((text, title, buttons))
        return self.answers.pop(0) if self.answers else buttons.partition("_")[0]

    def stopped(self) -> bool:
        return self.stops.pop(0) if self.stops else False

    @contextmanager
    def press(self) -> Iterator[None]:
        if self.editing:
            raise Refusal("X204")
        if self.read_only:
            raise Refusal("X205", file=self.file.rpartition("/")[2])
        with presses.alone(f"memory {id(self)}"):
            self.still = True
            try:
                yield
            finally:
                self.still, self.shown, self.seen = False, None, {}


_BLANK = Cell()
#: lines of a file -> line and weight as the host says them
_LINES = {"hair": ("continuous", "hairline"), "thin": ("continuous", "thin"), "medium": ("continuous", "medium"), "thick": ("continuous", "thick"),
          "dashed": ("dash", "thin"), "dotted": ("dot", "thin"), "double": ("double", "thick"), "mediumDashed": ("dash", "medium")}
_METHODS = frozenset(name for name in vars(MemoryHost) if not name.startswith("_") and name not in ("load", "cell"))


# the same few books are opened by hundreds of tests, and openpyxl takes a second for each
@lru_cache(maxsize=32)
def _loaded(data: bytes) -> bytes:
    """Sheets, names, whether the structure is locked, and the active sheet of a file, pickled: whoever opens it gets a copy of its own."""
    import openpyxl

    sheets, names = {}, {}
    with warnings.catch_warnings(action="ignore"):  # of print areas that openpyxl does not understand
        formulas, values = (openpyxl.load_workbook(io.BytesIO(data), data_only=only) for only in (False, True))
    for source in formulas.worksheets:
        sheet = sheets[source.title] = MemorySheet(source.title)
        sheet.protected, sheet.password = bool(source.protection.sheet), bool(source.protection.password)
        sheet.hidden, sheet.filtered = source.sheet_state != "visible", bool(source.auto_filter.filterColumn)
        sheet.merged = [(area.min_row - 1, area.min_col - 1, area.max_row - 1, area.max_col - 1) for area in source.merged_cells.ranges]
        for (row, column), cell in source._cells.items():
            _take(sheet, row - 1, column - 1, cell, values[source.title]._cells[row, column].value)
    for name, defined in formulas.defined_names.items():
        for title, cells in defined.destinations:
            left, top, right, bottom = openpyxl.utils.range_boundaries(cells.replace("$", ""))
            names[name] = (title, (top - 1, left - 1, bottom - 1, right - 1))
    structure = bool(formulas.security and formulas.security.lockStructure)
    return pickle.dumps((sheets, names, structure, formulas.active.title))


def _take(sheet: MemorySheet, row: int, column: int, source: Any, value: Any) -> None:
    """A cell as openpyxl gives it: its value as Excel would, its look, and the lines around it."""
    formula = source.value if isinstance(source.value, str) and source.data_type == "f" else ""
    cell = sheet.cells[row, column] = Cell(formula=formula, shown=source.number_format, locked=source.protection.locked)
    cell.value = float(value) if isinstance(value, int) and not isinstance(value, bool) else "" if value is None else value
    if source.fill.fill_type == "solid":
        cell.fill = tuple(bytes.fromhex(source.fill.fgColor.rgb[-6:]))
    cell.note = source.comment.text if getattr(source, "comment", None) else ""
    for side, (lines, keys) in zip((source.border.top, source.border.left, source.border.bottom, source.border.right),
                                   sheet.sides((row, column, row, column)), strict=True):
        if side is not None and side.style:
            style, weight = _LINES[side.style]
            colour = side.color.rgb if side.color is not None and side.color.type == "rgb" else "000000"
            lines[keys[0]] = Edge(style, weight, tuple(bytes.fromhex(colour[-6:])))


def _plain(value: Any) -> Any:
    return ("TRUE" if value else "FALSE") if isinstance(value, bool) else value


def _moved(found: re.Match, own: str, sheet: str, row: int, by: int) -> str:
    """A reference in a formula after rows of a sheet have moved; texts and references to other sheets stay."""
    if found[3] is None or (found[1].strip("'") if found[1] else own) != sheet:
        return found[0]
    line = int(found[3])
    return f"{found[1] + '!' if found[1] else ''}{found[2]}{line + by if line > row else line}"
