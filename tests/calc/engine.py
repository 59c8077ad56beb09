"""An engine that lets unmodified xlwings work on LibreOffice: of its interface what ``perfeval_xl.host`` uses, no more.

It behaves like Excel over COM where LibreOffice differs: text that looks like a number, a date or a formula becomes one unless an
apostrophe stands in front; in a cell formatted as text everything becomes text; a locked cell of a protected sheet raises; cells with a
currency format come as Decimal, errors as Excel's whole numbers; a frame's side is also the neighbour's. Of the COM objects behind ``api``
these members answer:

- App: Ready. Book: FullName, ReadOnly, ProtectStructure. Note: Shape (Width, Height; kept, not shown).
- Sheet: Visible, FilterMode, ProtectContents, ProtectDrawingObjects, ProtectScenarios, ProtectionMode, Protection.Allow..., EnableSelection,
  Protect, Unprotect.

What a protection allows cannot be asked of LibreOffice; it is read from the file when the book is opened. So are merged cells and number
formats: LibreOffice can be asked, but only piece by piece, where Excel answers at once.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import re
import warnings
from collections import Counter
from contextlib import contextmanager
from decimal import Decimal
from functools import cached_property, lru_cache
from pathlib import Path
from types import SimpleNamespace

from xlwings import NoSuchObjectError, base_classes

from calc.office import Office

NAME = "calc"
_ERRORS = {"#NULL!": 2000, "#DIV/0!": 2007, "#VALUE!": 2015, "#REF!": 2023, "#NAME?": 2029, "#NUM!": 2036, "#N/A": 2042}
_FIRST_ERROR = -2146828288
#: Excel's names of what a protection allows -> the attribute of the file that forbids it
_ALLOWED = {"FormattingCells": "formatCells", "FormattingColumns": "formatColumns", "FormattingRows": "formatRows",
            "InsertingColumns": "insertColumns", "InsertingRows": "insertRows", "InsertingHyperlinks": "insertHyperlinks",
            "DeletingColumns": "deleteColumns", "DeletingRows": "deleteRows", "Sorting": "sort", "Filtering": "autoFilter",
            "UsingPivotTables": "pivotTables"}
#: side -> property of a cell, property of the neighbour that shares the line, and where that neighbour is
_SIDES = {"edge_top": ("TopBorder2", "BottomBorder2", -1, 0), "edge_bottom": ("BottomBorder2", "TopBorder2", 1, 0),
          "edge_left": ("LeftBorder2", "RightBorder2", 0, -1), "edge_right": ("RightBorder2", "LeftBorder2", 0, 1)}
_STYLES = {"continuous": 0, "dot": 1, "dash": 2, "double": 3, "dash_dot": 16, "dash_dot_dot": 17}
_WEIGHTS = {"hairline": 5, "thin": 26, "medium": 53, "thick": 88}
_OURS = re.compile(r"\bpe_[a-z_]+(?=\()", re.IGNORECASE)
#: formulas that LibreOffice's own grammar writes otherwise than with another sign between the arguments: other sheets, arrays
_PARSED = re.compile(r"[!{}]|\.\$?[A-Za-z]")
_QUOTED = re.compile('"[^"]*"')
_DATE, _TIME, _CURRENCY, _TEXT, _LOGICAL = 2, 4, 8, 256, 1024
_EVERYWHERE = 1 << 20, 1 << 14
_SPECIAL = _DATE | _TIME | _CURRENCY | _TEXT | _LOGICAL
_ANNOTATION = 8
_XL_A1, _XL_ENGLISH, _ALL_BUT_SPECIAL = 1, 4, 0x7FFFFFFF


class ComError(Exception):
    """What pywintypes.com_error is on Windows: Excel refused."""


class Engine:
    """The engine of one office. ``calls`` counts what would be calls of COM: every member of a range that was asked for or set."""

    name, type = NAME, "desktop"

    def __init__(self, office: Office) -> None:
        self.office, self.calls = office, Counter()
        self.app = App(self)
        self.apps = Apps(self.app)

    @staticmethod
    def prepare_xl_data_element(value, options):
        return "" if value is None else value

    @staticmethod
    def clean_value_data(rows, datetime_builder, empty_as, number_builder, err_to_str):
        texts = {_FIRST_ERROR + code: text for text, code in _ERRORS.items()}

        def clean(value):
            if value in ("", None):
                return empty_as
            if isinstance(value, dt.datetime):
                return datetime_builder(value.year, value.month, value.day, hour=value.hour, minute=value.minute, second=value.second)
            if isinstance(value, int) and not isinstance(value, bool) and value in texts:
                return texts[value] if err_to_str else None
            return number_builder(value) if number_builder and isinstance(value, float) else value

        return [[clean(value) for value in row] for row in rows]


class Apps(base_classes.Apps):
    def __init__(self, app):
        self.app = app

    def keys(self):
        return [self.app.pid]

    def add(self, spec=None, add_book=None, xl=None, visible=None):
        return self.app

    @staticmethod
    def cleanup():
        pass

    def __iter__(self):
        return iter([self.app])

    def __len__(self):
        return 1

    def __getitem__(self, pid):
        return self.app


class App(base_classes.App):
    visible = screen_updating = display_alerts = status_bar = None
    engine = pid = books = api = None

    def __init__(self, engine):
        self.engine, self.pid = engine, engine.office.process.pid
        self.books = Books(self)
        self.visible = self.screen_updating = self.display_alerts = True
        self.status_bar = False
        self.api = SimpleNamespace(Ready=True)
        self.asked, self.answers = [], []

    def activate(self, steal_focus=False):
        pass

    def quit(self):
        pass

    kill = quit

    @property
    def selection(self):
        book = self.books.active
        picked = book.document.CurrentSelection if book else None
        if picked is None or not hasattr(picked, "RangeAddress"):
            return None
        address = picked.RangeAddress
        return Range(Sheet(book, book.document.Sheets.getByIndex(address.Sheet)),
                     (address.StartRow, address.StartColumn, address.EndRow, address.EndColumn))

    def alert(self, prompt, title, buttons, mode, callback):
        """Nobody sits in front of it: the question is kept in ``asked``, the answer comes from ``answers``, else the first button."""
        self.asked.append((prompt, title, buttons))
        return self.answers.pop(0) if self.answers else buttons.partition("_")[0]


class Books(base_classes.Books):
    """``recalculate``: whether a book's formulas are worked out when it is opened."""

    api = active = None
    recalculate = True

    def __init__(self, app):
        self.app, self.opened, self.active = app, [], None

    def open(self, fullname, update_links=None, read_only=None, *args, **options):
        self.active = Book(self.app, self.app.engine.office.open(fullname, self.recalculate), fullname)
        self.opened.append(self.active)
        return self.active

    def add(self):
        self.active = Book(self.app, self.app.engine.office.open(), "")
        self.opened.append(self.active)
        return self.active

    def __call__(self, key):
        if isinstance(key, int):
            return self.opened[key - 1]
        for book in self.opened:
            if book.name.lower() == key.lower():
                return book
        raise KeyError(key)

    def __len__(self):
        return len(self.opened)

    def __iter__(self):
        return iter(self.opened)


class Book(base_classes.Book):
    app = name = fullname = sheets = names = api = None

    def __init__(self, app, document, path):
        self.app, self.document = app, document
        self.fullname = os.path.realpath(path) if path else f"Book{len(app.books) + 1}"
        self.name = os.path.basename(self.fullname)
        self.api = SimpleNamespace(ReadOnly=bool(document.isReadonly()), ProtectStructure=document.isProtected(), FullName=self.fullname)
        self.remembered, self.formats = {}, {}
        allowed, self.shown, merged = _read(Path(path).read_bytes()) if path else ({}, {}, {})
        # what a test may change is the book's own; the rest of what was read is shared with whoever opens the same file
        self.allowed, self.merged = {sheet: dict(options) for sheet, options in allowed.items()}, dict(merged)
        self.sheets, self.names = Sheets(self), Names(self)
        null = document.NullDate
        self.first_day = dt.datetime(null.Year, null.Month, null.Day)
        self.parser = document.createInstance("com.sun.star.sheet.FormulaParser")
        mapper = document.createInstance("com.sun.star.sheet.FormulaOpCodeMapper")
        self.parser.CompileEnglish, self.parser.FormulaConvention = True, _XL_A1
        self.parser.OpCodeMap = mapper.getAvailableMappings(_XL_ENGLISH, _ALL_BUT_SPECIAL)

    def number_format(self, key):
        """Kind and code of a number format; a key keeps its meaning."""
        if key not in self.formats:
            found = self.document.NumberFormats.getByKey(key)
            self.formats[key] = found.Type, found.FormatString
        return self.formats[key]

    def kind(self, key):
        return self.number_format(key)[0]

    def key(self, code):
        """The key of a format code."""
        locale = self.app.engine.office.uno.createUnoStruct("com.sun.star.lang.Locale")
        locale.Language, locale.Country = "en", "US"
        formats = self.document.NumberFormats
        key = formats.queryKey(code, locale, False)
        return key if key >= 0 else formats.addNew(code, locale)

    def from_file(self, sheet):
        """What a sheet that nobody has changed yet holds, for ``Sheet.known``: the areas of merged cells and the special formats by cell."""
        merges = {(row, column): area for area in self.merged[sheet]
                  for row in range(area[0], area[2] + 1) for column in range(area[1], area[3] + 1)}
        kinds = {code: self.kind(self.key(code)) & _SPECIAL for code in set(self.shown[sheet].values())}
        return merges, (_EVERYWHERE, {place: kinds[code] for place, code in self.shown[sheet].items() if kinds[code]})

    def activate(self):
        self.app.books.active = self

    def save(self, path=None, password=None):
        """For the tests to look at; what LibreOffice saves is never shipped."""
        kind = self.app.engine.office.properties(FilterName="Calc MS Excel 2007 XML")
        self.document.storeToURL(Path(path or self.fullname).resolve().as_uri(), kind)

    def close(self):
        self.document.close(True)
        self.app.books.opened.remove(self)
        self.app.books.active = self.app.books.opened[-1] if self.app.books.opened else None


# the same few books are opened by hundreds of tests, and openpyxl takes half a second for each
@lru_cache(maxsize=32)
def _read(data):
    """By sheet, as the file says: what its protection allows, and whether it guards drawings and scenarios; the format codes of cells; merged
    areas."""
    import openpyxl

    with warnings.catch_warnings(action="ignore"):  # of print areas that openpyxl does not understand
        book = openpyxl.load_workbook(io.BytesIO(data))
    allowed, shown, merged = {}, {}, {}
    for sheet in book.worksheets:
        own = sheet.protection
        kept = {f"Allow{what}": not getattr(own, attribute) for what, attribute in _ALLOWED.items()}
        allowed[sheet.title] = kept | {"DrawingObjects": bool(own.objects), "Scenarios": bool(own.scenarios)}
        shown[sheet.title] = {(row - 1, column - 1): "BOOLEAN" if cell.data_type == "b" else cell.number_format
                              for (row, column), cell in sheet._cells.items() if cell.has_style or cell.data_type == "b"}
        merged[sheet.title] = [(one.min_row - 1, one.min_col - 1, one.max_row - 1, one.max_col - 1) for one in sheet.merged_cells.ranges]
    return allowed, shown, merged


class Names(base_classes.Names):
    api = None

    def __init__(self, book):
        self.book = book

    def contains(self, name):
        return self.book.document.NamedRanges.hasByName(name)

    def __call__(self, name):
        if not self.contains(name):
            raise NoSuchObjectError(name)
        return Name(self.book, self.book.document.NamedRanges.getByName(name))


class Name(base_classes.Name):
    def __init__(self, book, named):
        self.book, self.named = book, named

    @property
    def name(self):
        return self.named.Name

    @property
    def refers_to_range(self):
        cells = self.named.getReferredCells()
        if cells is None or "#REF!" in self.named.Content:
            raise ComError(self.named.Content)
        address = cells.RangeAddress
        return Range(Sheet(self.book, cells.Spreadsheet), (address.StartRow, address.StartColumn, address.EndRow, address.EndColumn))


class Sheets(base_classes.Sheets):
    api = True

    def __init__(self, book):
        self.book = book

    @property
    def active(self):
        return Sheet(self.book, self.book.document.CurrentController.ActiveSheet)

    def __call__(self, key):
        sheets = self.book.document.Sheets
        if isinstance(key, int):
            return Sheet(self.book, sheets.getByIndex(key - 1))
        if not sheets.hasByName(key):
            raise NoSuchObjectError(key)
        return Sheet(self.book, sheets.getByName(key))

    def __len__(self):
        return self.book.document.Sheets.Count

    def __iter__(self):
        return (self(n + 1) for n in range(len(self)))

    def add(self, before=None, after=None, name=None):
        if self.book.api.ProtectStructure:
            raise ComError("the structure is protected")
        place = after.index if after else before.index - 1 if before else 0
        self.book.document.Sheets.insertNewByName(name, place)
        added = self(name)
        added.activate()
        return added


class Sheet(base_classes.Sheet):
    def __init__(self, book, uno):
        self.book_, self.uno = book, uno
        if uno.Name not in book.remembered:
            # merged areas by cell, and whether these are all; notes by place; the cells with special formats with the area they were looked
            # for in (None = not asked yet); a cursor with the place and the size it has
            whole = uno.Name in book.merged
            merges, formats = book.from_file(uno.Name) if whole else ({}, None)
            book.remembered[uno.Name] = SimpleNamespace(merges=merges, whole=whole, notes=None, formats=formats, cursor=None, at=(0, 0), size=(1, 1))
        self.known = book.remembered[uno.Name]

    @property
    def book(self):
        return self.book_

    @property
    def name(self):
        return self.uno.Name

    @name.setter
    def name(self, value):
        self.uno.Name = value

    @property
    def index(self):
        return self.uno.RangeAddress.Sheet + 1

    @property
    def api(self):
        return SheetApi(self)

    @property
    def visible(self):
        return self.uno.IsVisible

    @visible.setter
    def visible(self, value):
        self.uno.IsVisible = bool(value)

    def activate(self):
        if not self.visible:
            raise ComError("a hidden sheet cannot be shown")
        self.book_.document.CurrentController.setActiveSheet(self.uno)

    def range(self, first, second=None):
        if isinstance(first, str):
            areas = [_area(one) for one in first.split(",")]
            if len(first) > 255:
                raise ComError("an address of more than 255 characters")
            return Range(self, areas[0]) if len(areas) == 1 else Areas(self, areas)
        if isinstance(first, Range):
            first = (first.row, first.column)
            second = second and (second.row, second.column)
        second = second or first
        return Range(self, (first[0] - 1, first[1] - 1, second[0] - 1, second[1] - 1))

    @property
    def used_range(self):
        cursor = self.uno.createCursor()
        cursor.gotoEndOfUsedArea(False)
        end = cursor.RangeAddress
        return Range(self, (0, 0, end.EndRow, end.EndColumn))

    @property
    def notes(self):
        annotations = self.annotations
        return [Note(self, annotations.getByIndex(n)) for n in range(annotations.Count)]

    @cached_property
    def annotations(self):
        return self.uno.Annotations

    def noted(self):
        """All notes, place -> text, asked for once: nobody else writes any."""
        if self.known.notes is None:
            self.known.notes = {note.place: note.text for note in self.notes}
        return self.known.notes

    def annotate(self, place, text):
        """Puts a note on a cell that has none."""
        address = self.book_.app.engine.office.uno.createUnoStruct("com.sun.star.table.CellAddress")
        address.Sheet, address.Row, address.Column = self.index - 1, *place
        self.annotations.insertNew(address, text)

    @contextmanager
    def keeping_notes(self, area):
        """LibreOffice clears the notes of cells that are written in blocks; in Excel they stay."""
        top, left, bottom, right = area
        inside = {place: text for place, text in self.noted().items() if top <= place[0] <= bottom and left <= place[1] <= right}
        yield
        for place, text in inside.items():
            self.annotate(place, text)

    def cursor(self, area):
        """A range that is moved to an area. To get a new one of LibreOffice takes ten times as long, and Excel hands them out for nothing."""
        top, left, bottom, right = area
        known, size = self.known, (bottom - top + 1, right - left + 1)
        if known.cursor is None:
            known.cursor = self.uno.createCursorByRange(self.uno.getCellByPosition(0, 0))
        if known.at != (top, left):
            known.cursor.gotoOffset(left - known.at[1], top - known.at[0])
            known.at = top, left
        if known.size != size:
            known.cursor.collapseToSize(*size[::-1])
            known.size = size
        return known.cursor

    def together(self, areas):
        """One object of LibreOffice for many areas."""
        addresses = []
        for top, left, bottom, right in areas:
            one = self.book_.app.engine.office.uno.createUnoStruct("com.sun.star.table.CellRangeAddress")
            one.Sheet, one.StartRow, one.StartColumn, one.EndRow, one.EndColumn = self.number, top, left, bottom, right
            addresses.append(one)
        found = self.book_.document.createInstance("com.sun.star.sheet.SheetCellRanges")
        found.addRangeAddresses(tuple(addresses), False)
        return found

    @cached_property
    def number(self):
        return self.uno.RangeAddress.Sheet

    def widened(self, area):
        """The area with all merged cells that reach into it."""
        cursor = self.cursor(area)
        cursor.collapseToMergedArea()
        found = cursor.RangeAddress
        top, left, bottom, right = found.StartRow, found.StartColumn, found.EndRow, found.EndColumn
        self.known.at, self.known.size = (top, left), (bottom - top + 1, right - left + 1)
        return top, left, bottom, right

    def special(self, area):
        """(kind, row, column) of the cells in an area that hold dates, truth values, money or text, by their formats; asked for once for the
        whole sheet, until a format changes."""
        if self.known.formats is None or any(one > other for one, other in zip(area[2:], self.known.formats[0], strict=True)):
            most = tuple(map(max, area[2:], self.used_range.area[2:]))
            found, stretches = {}, self.cursor((0, 0, *most)).getUniqueCellFormatRanges()
            for same in (stretches.getByIndex(n) for n in range(stretches.Count)):
                if kind := self.book_.kind(same.NumberFormat) & _SPECIAL:
                    found |= {(row, column): kind for address in same.getRangeAddresses()
                              for row in range(address.StartRow, address.EndRow + 1) for column in range(address.StartColumn, address.EndColumn + 1)}
            self.known.formats = most, found
        (top, left, bottom, right), found = area, self.known.formats[1]
        if (bottom - top + 1) * (right - left + 1) <= len(found):
            places = ((row, column) for row in range(top, bottom + 1) for column in range(left, right + 1))
            return [(found[place], *place) for place in places if place in found]
        return [(kind, row, column) for (row, column), kind in found.items() if top <= row <= bottom and left <= column <= right]

    def merged_with(self, row, column):
        """The merged area of a cell, or the cell; remembered until rows or merged cells change."""
        known = self.known.merges
        if self.known.whole:
            return known.get((row, column), (row, column, row, column))
        if (row, column) not in known:
            area = self.widened((row, column, row, column))
            known.update({(r, c): area for r in range(area[0], area[2] + 1) for c in range(area[1], area[3] + 1)})
        return known[row, column]

    def forget(self):
        """What rows that are inserted or deleted, and cells that are merged, make wrong."""
        self.known.merges, self.known.whole = {}, False
        self.known.notes = self.known.formats = self.known.cursor = None
        self.known.at, self.known.size = (0, 0), (1, 1)

    # ---- protection ----

    @property
    def allowed(self):
        everything = {f"Allow{name}": False for name in _ALLOWED} | {"DrawingObjects": True, "Scenarios": True}
        return self.book_.allowed.setdefault(self.name, everything)

    @contextmanager
    def allowing(self, what=""):
        """Raises as Excel does where the protection does not allow it; where it does, LibreOffice, which knows no such options, is told to."""
        closed = self.uno.isProtected()
        if closed and not (what and self.allowed[what] != (what == "DrawingObjects")):
            raise ComError(f"{self.name} is protected")
        if closed:
            self.api.Unprotect("")
        try:
            yield
        finally:
            if closed:
                self.uno.protect("")


class SheetApi:
    """The members of Excel's Worksheet that the host asks for."""

    FilterMode = property(lambda self: self._some_hidden() and any(row.IsFiltered for row in self._rows()))
    ProtectContents = property(lambda self: self._sheet.uno.isProtected())
    ProtectDrawingObjects = property(lambda self: self._sheet.allowed["DrawingObjects"])
    ProtectScenarios = property(lambda self: self._sheet.allowed["Scenarios"])
    ProtectionMode = False
    EnableSelection = 0
    Protection = property(lambda self: SimpleNamespace(**self._sheet.allowed))

    def __init__(self, sheet):
        self._sheet = sheet

    def _some_hidden(self):
        first = self._sheet.uno.getCellRangeByPosition(0, 0, 0, self._sheet.used_range.area[2])
        shown = first.queryVisibleCells().getRangeAddresses()
        return len(shown) != 1 or shown[0].EndRow - shown[0].StartRow != first.RangeAddress.EndRow

    def _rows(self):
        last = self._sheet.used_range.area[2]
        return (self._sheet.uno.Rows.getByIndex(n) for n in range(last + 1))

    @property
    def Visible(self):
        return -1 if self._sheet.visible else 2

    @Visible.setter
    def Visible(self, value):
        self._sheet.visible = value == -1

    def Unprotect(self, password):
        try:
            self._sheet.uno.unprotect(password)
        except Exception as error:
            raise ComError("wrong password") from error

    def Protect(self, Contents, UserInterfaceOnly, **options):
        self._sheet.book_.allowed[self._sheet.name] = options
        self._sheet.uno.protect("")


def _area(text):
    """"B2", "B2:C4" or "5:7"."""
    match = re.fullmatch(r"\$?([A-Z]*)\$?(\d+)(?::\$?([A-Z]*)\$?(\d+))?", text)
    first, top, last, bottom = match[1], int(match[2]) - 1, match[3] or match[1], int(match[4] or match[2]) - 1
    return top, _column(first) if first else 0, bottom, _column(last) if last else 1023


def _column(letters):
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _rgb(number):
    return None if number < 0 else (number >> 16 & 255, number >> 8 & 255, number & 255)


def _number(rgb):
    return -1 if rgb is None else rgb[0] << 16 | rgb[1] << 8 | rgb[2]


class Range(base_classes.Range):
    """An area of a sheet; ``area`` is zero-based and inclusive."""

    max_cells_per_read = max_cells_per_write = None
    api = True
    comment = None

    def __init__(self, sheet, area):
        self.sheet_, self.area = sheet, area

    def __getattribute__(self, name):
        if name in _COUNTED:
            object.__getattribute__(self, "sheet_").book_.app.engine.calls[name] += 1
        return object.__getattribute__(self, name)

    def __setattr__(self, name, value):
        if name in _COUNTED:
            self.sheet_.book_.app.engine.calls[f"{name}="] += 1
        object.__setattr__(self, name, value)

    @cached_property
    def uno(self):
        top, left, bottom, right = self.area
        return self.sheet_.uno.getCellRangeByPosition(left, top, right, bottom)

    @property
    def sheet(self):
        return self.sheet_

    @property
    def row(self):
        return self.area[0] + 1

    @property
    def column(self):
        return self.area[1] + 1

    @property
    def shape(self):
        top, left, bottom, right = self.area
        return bottom - top + 1, right - left + 1

    def __len__(self):
        return self.shape[0] * self.shape[1]

    def __call__(self, row, column=None):
        if column is None:
            row, column = (row - 1) // self.shape[1] + 1, (row - 1) % self.shape[1] + 1
        place = (self.area[0] + row - 1, self.area[1] + column - 1)
        return Range(self.sheet_, place * 2)

    def get_address(self, row_absolute, col_absolute, external):
        return self.uno.AbsoluteName

    address = property(lambda self: self.uno.AbsoluteName)

    def select(self):
        self.sheet_.book_.document.CurrentController.select(self.uno)

    def _cells(self):
        """(row, column, cell) of every cell, from the area's corner."""
        uno = self.uno
        return ((row, column, uno.getCellByPosition(column, row)) for row in range(self.shape[0]) for column in range(self.shape[1]))

    def _guard(self):
        """Raises unless every cell may be written."""
        if self.sheet_.uno.isProtected():
            uno = self.uno
            mixed = uno.getPropertyState("CellProtection").value == "AMBIGUOUS_VALUE"
            if mixed or uno.CellProtection.IsLocked:
                raise ComError("a locked cell of a protected sheet")

    # ---- values ----

    @property
    def raw_value(self):
        uno = self.uno
        rows = [list(row) for row in uno.getDataArray()]
        wrong = sum(row.count(None) for row in rows)
        texts = uno.getFormulaArray() if wrong > 20 else ()
        for row, line in enumerate(rows):
            for column, value in enumerate(line):
                if type(value) is float or (value is not None and value[:1] not in ("#", "E")):
                    continue
                text = "" if value is not None else texts[row][column] if texts else uno.getCellByPosition(column, row).getFormula()
                if _OURS.search(text):  # a formula with a function it does not know is never worked out
                    line[column] = _FIRST_ERROR + _ERRORS["#NAME?"]
                elif value is None or (isinstance(value, str) and value.startswith(("#", "Err:"))):
                    cell = uno.getCellByPosition(column, row)
                    if value is None or cell.getError():
                        line[column] = _FIRST_ERROR + _ERRORS.get(cell.String, 2015)
        for kind, row, column in self._formatted(_DATE | _TIME | _CURRENCY | _LOGICAL):
            value = rows[row][column]
            if type(value) is not float:
                continue
            if kind & _LOGICAL:
                rows[row][column] = bool(value)
            elif kind & (_DATE | _TIME):
                rows[row][column] = self.sheet_.book_.first_day + dt.timedelta(seconds=int(value * 86400 + 0.5))
            elif kind & _CURRENCY:
                rows[row][column] = Decimal(repr(value)).quantize(Decimal("0.0001"))
        return tuple(tuple(value if value != "" else None for value in row) for row in rows)

    def _formatted(self, kinds):
        """(kind, row, column) of the cells whose number format is of one of these kinds."""
        if self.area[:2] == self.area[2:]:
            if kind := self.sheet_.book_.kind(self.sheet_.cursor(self.area).NumberFormat) & kinds:
                yield kind, 0, 0
            return
        for kind, row, column in self.sheet_.special(self.area):
            if kind & kinds:
                yield kind & kinds, row - self.area[0], column - self.area[1]

    @raw_value.setter
    def raw_value(self, data):
        self._guard()
        rows = [list(row) for row in _rows(data, self.shape)]
        for _, row, column in self._formatted(_TEXT):
            value = rows[row][column]
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                rows[row][column] = f"'{value:.15g}"
            elif isinstance(value, str) and value.startswith("="):
                rows[row][column] = f"'{value}"
        guessed = []
        for row, line in enumerate(rows):
            for column, value in enumerate(line):
                if type(value) is str and value[:1] == "'":
                    line[column] = value[1:]
                elif type(value) is not float and value != "":
                    guessed.append((row, column, value))
                    line[column] = float(value) if isinstance(value, (int, Decimal)) else ""
        with self.sheet_.keeping_notes(self.area):
            self.sheet_.cursor(self.area).setDataArray(tuple(map(tuple, rows)))
        for row, column, value in guessed:
            self._guess(row, column, value)

    def _guess(self, row, column, value):
        """What Excel makes of a value that is neither a number nor behind an apostrophe."""
        if isinstance(value, bool):
            self._format(row, column, "BOOLEAN")
        elif isinstance(value, (dt.datetime, dt.date)):
            moment = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
            cell = self.uno.getCellByPosition(column, row)
            cell.setValue((moment - self.sheet_.book_.first_day) / dt.timedelta(days=1))
            if not self.sheet_.book_.document.NumberFormats.getByKey(cell.NumberFormat).Type & _DATE:
                self._format(row, column, "YYYY-MM-DD")
        elif isinstance(value, str) and value and not value.startswith("'"):
            self.sheet_.known.formats = None
            if value.startswith("="):
                self._set_formula(row, column, value)
            else:
                self.uno.getCellByPosition(column, row).setFormula(value)

    def _format(self, row, column, code):
        self.sheet_.known.formats = None
        self.uno.getCellByPosition(column, row).NumberFormat = self.sheet_.book_.key(code)

    # ---- formulas ----

    @property
    def formula(self):
        texts, values = self.uno.getFormulaArray(), self.uno.getDataArray()
        parser = self.sheet_.book_.parser
        rows = []
        for row, line in enumerate(texts):
            rows.append([])
            for column, text in enumerate(line):
                value = values[row][column]
                if text in ("=TRUE()", "=FALSE()"):
                    text = text[1:-2]
                elif isinstance(value, str) and text.lstrip("'") == value.lstrip("'"):
                    text = value
                elif text.startswith("=") and not _parsed(text):
                    text = _OURS.sub(lambda name: name[0].upper(), _separated(text, ";", ","))
                elif text.startswith("="):
                    cell = self.uno.getCellByPosition(column, row)
                    # functions that LibreOffice does not know come back in small letters
                    text = _OURS.sub(lambda name: name[0].upper(), "=" + parser.printFormula(cell.getTokens(), cell.CellAddress))
                rows[-1].append(text)
        return rows[0][0] if self.shape == (1, 1) else tuple(map(tuple, rows))

    @formula.setter
    def formula(self, data):
        rows = _rows(data, self.shape)
        plain = all(isinstance(text, str) and text.startswith("=") and not _parsed(text) for row in rows for text in row)
        if plain and not any(self._formatted(_TEXT)):
            self._guard()
            with self.sheet_.keeping_notes(self.area):
                self.uno.setFormulaArray(tuple(tuple(_separated(text, ",", ";") for text in row) for row in rows))
        else:
            self.raw_value = data

    def _set_formula(self, row, column, text):
        cell = self.uno.getCellByPosition(column, row)
        cell.setTokens(self.sheet_.book_.parser.parseFormula(text[1:], cell.CellAddress))

    # ---- formats ----

    @property
    def number_format(self):
        uno = self.uno
        if uno.getPropertyState("NumberFormat").value == "AMBIGUOUS_VALUE":
            return None
        code = self.sheet_.book_.number_format(uno.NumberFormat)[1]
        return {"Standard": "General"}.get(code, code)

    @number_format.setter
    def number_format(self, code):
        with self.sheet_.allowing("AllowFormattingCells"):
            for row, column, _ in self._cells():
                self._format(row, column, code)

    @property
    def color(self):
        return _rgb(self.sheet_.cursor(self.area).CellBackColor)

    @color.setter
    def color(self, rgb):
        with self.sheet_.allowing("AllowFormattingCells"):
            self.uno.CellBackColor = _number(rgb)

    @property
    def borders(self):
        return Borders(self)

    # ---- merged cells, rows ----

    @property
    def merge_area(self):
        return Range(self.sheet_, self.sheet_.merged_with(*self.area[:2]))

    @property
    def merge_cells(self):
        top, left, bottom, right = self.area
        known = self.sheet_.known
        # when it has been widened, the cursor covers the area
        if len(self) > 1 and not known.whole and self.sheet_.widened(self.area) == self.area and not known.cursor.getIsMerged():
            return False
        seen = set()
        for row in range(top, bottom + 1):
            for column in range(left, right + 1):
                area = self.sheet_.merged_with(row, column)
                seen.add(area != (row, column, row, column))
                if len(seen) > 1:
                    return None
        return seen.pop()

    def merge(self, across=False):
        with self.sheet_.allowing():
            for row, column, cell in self._cells():
                if (row, column) != (0, 0):
                    cell.setString("")
            self.uno.merge(False)
            self.uno.merge(True)
        self.sheet_.forget()

    def insert(self, shift=None, copy_origin=None):
        with self.sheet_.allowing("AllowInsertingRows"):
            self.sheet_.uno.Rows.insertByIndex(self.area[0], self.shape[0])
        self.sheet_.forget()

    def delete(self, shift=None):
        with self.sheet_.allowing():
            self.sheet_.uno.Rows.removeByIndex(self.area[0], self.shape[0])
        self.sheet_.forget()

    # ---- notes ----

    @property
    def note(self):
        if self.area[:2] not in self.sheet_.noted():
            return None
        return Note(self.sheet_, self.uno.getCellByPosition(0, 0).getAnnotation(), self.area[:2])

    def add_note(self, text):
        noted = self.sheet_.noted()
        with self.sheet_.allowing("DrawingObjects"):
            self.sheet_.annotate(self.area[:2], text)
        noted[self.area[:2]] = text
        return Note(self.sheet_, None, self.area[:2])


class Areas(Range):
    """A range of many areas: what is read of it is the first one's, what is set is set on all. Only what the host sets can be set."""

    def __init__(self, sheet, areas):
        super().__init__(sheet, areas[0])
        self.areas = areas

    @property
    def color(self):
        return super().color

    @color.setter
    def color(self, rgb):
        with self.sheet_.allowing("AllowFormattingCells"):
            self.sheet_.together(self.areas).CellBackColor = _number(rgb)

    @property
    def borders(self):
        return AreasBorders(self)

    @property
    def raw_value(self):
        return super().raw_value

    @raw_value.setter
    def raw_value(self, data):
        """One value for every cell of every area."""
        sheet = self.sheet_
        if type(data) is float and not sheet.uno.isProtected() and not any(map(sheet.special, self.areas)):
            places = [(row, column) for top, left, bottom, right in self.areas
                      for row in range(top, bottom + 1) for column in range(left, right + 1)]
            sheet.book_.app.engine.office.fill(sheet.book_.document, sheet.uno, places, data)
            return
        for area in self.areas:
            Range.raw_value.fset(Range(sheet, area), data)


_COUNTED = frozenset(("row", "column", "shape", "raw_value", "formula", "number_format", "color", "borders", "merge_area", "merge_cells", "merge",
                      "insert", "delete", "note", "add_note", "select"))


def _parsed(formula):
    return _PARSED.search(_QUOTED.sub("", formula))


def _separated(formula, old, new):
    """The formula with other signs between its arguments."""
    return "".join(part if part.startswith('"') else part.replace(old, new) for part in re.split('("[^"]*")', formula))


def _rows(data, shape):
    """What xlwings hands over, as rows: a single value fills the area."""
    if not isinstance(data, (list, tuple)):
        return [[data] * shape[1] for _ in range(shape[0])]
    return data if isinstance(data[0], (list, tuple)) else [data]


class Borders(base_classes.Borders):
    """The lines of the moment when the frame was asked for: those of an area's first cell, or of the first one along each side."""

    api = True

    def __init__(self, cells):
        self.cells, self.corners = cells, {}

    def __getitem__(self, side):
        return Border(self, side)

    def corner(self, row, column):
        """The four lines of a cell, asked for once."""
        if (row, column) not in self.corners:
            lines = self.cells.sheet_.cursor((row, column) * 2).getPropertyValues(_OWN)
            self.corners[row, column] = dict(zip(_OWN, lines, strict=True))
        return self.corners[row, column]

    def set(self, which, **attributes):
        changes = _changes(**attributes)
        sides = [self[side] for side in which]
        own, shared = {}, {}
        for side in sides:
            mine, opposite, down, across = _SIDES[side.side]
            _change(side.line, changes)
            for row, column in side.places():
                own.setdefault((row, column), {})[mine] = side.line
                if row + down >= 0 and column + across >= 0:
                    shared.setdefault((row + down, column + across), {})[opposite] = side.line
        with self.cells.sheet_.allowing("AllowFormattingCells"):
            # cell by cell: set on a range of cells that differ, one side wipes the others out
            for place, lines in [*own.items(), *shared.items()]:
                names = tuple(sorted(lines))
                self.cells.sheet_.cursor(place * 2).setPropertyValues(names, tuple(lines[name] for name in names))


class AreasBorders(Borders):
    """The frames of many areas, each drawn around its own; those whose first cells have the same lines are drawn together."""

    def set(self, which, **attributes):
        sheet, changes = self.cells.sheet_, _changes(**attributes)
        with sheet.allowing("AllowFormattingCells"):
            for lines, areas in self._by_lines():
                for side in which:
                    _change(lines[_SIDES[side][0]], changes)
                self._draw(areas, {_SIDES[side][0]: lines[_SIDES[side][0]] for side in which})
                for side in which:
                    mine, opposite, down, across = _SIDES[side]
                    beyond = [(top + down, left + across, bottom + down, right + across)
                              for top, left, bottom, right in (_strip(area, side) for area in areas) if top + down >= 0 and left + across >= 0]
                    self._draw(beyond, {opposite: lines[mine]})

    def _by_lines(self):
        """(lines by property, areas): LibreOffice tells whether the first cells of many areas are framed alike; those that are not are halved."""
        parts = [list(self.cells.areas)]
        while parts:
            areas = parts.pop()
            state = self.cells.sheet_.together([area[:2] * 2 for area in areas]).getPropertyState(_OWN[0])  # one for all four sides
            if state.value == "AMBIGUOUS_VALUE" and len(areas) > 1:
                parts += (areas[len(areas) // 2 :], areas[: len(areas) // 2])
            else:
                yield dict(self.corner(*areas[0][:2])), areas

    def _draw(self, areas, lines):
        if not areas:
            return
        frame = self.cells.sheet_.book_.app.engine.office.uno.createUnoStruct("com.sun.star.table.TableBorder2")
        for name, line in lines.items():
            side = name.removesuffix("Border2")
            setattr(frame, f"{side}Line", line)
            setattr(frame, f"Is{side}LineValid", True)
        self.cells.sheet_.together(areas).TableBorder2 = frame


def _changes(line_style=base_classes._UNSET, weight=base_classes._UNSET, color=base_classes._UNSET):
    """The attributes of a line of LibreOffice that become others."""
    if line_style is None:
        return dict.fromkeys(("LineWidth", "OuterLineWidth", "InnerLineWidth", "LineDistance", "Color"), 0)
    changes = {}
    if color is not base_classes._UNSET:
        changes["Color"] = _number(color)
    if weight is not base_classes._UNSET:
        changes["LineWidth"] = changes["OuterLineWidth"] = _WEIGHTS[weight]
    if line_style is not base_classes._UNSET:
        changes["LineStyle"] = _STYLES[line_style]
    return changes


def _change(line, changes):
    """Changes a line; a colour or a style makes one visible that was not."""
    if not line.LineWidth:
        changes = {"LineWidth": _WEIGHTS["thin"], "OuterLineWidth": _WEIGHTS["thin"], **changes}
    for name, value in changes.items():
        setattr(line, name, value)


def _strip(area, side):
    """The cells of an area along one side."""
    top, left, bottom, right = area
    return {"edge_top": (top, left, top, right), "edge_bottom": (bottom, left, bottom, right),
            "edge_left": (top, left, bottom, left), "edge_right": (top, right, bottom, right)}[side]


#: in the order in which several properties are asked for
_OWN = tuple(sorted(own for own, *_ in _SIDES.values()))


class Border(base_classes.Border):
    """One side: the line of the cells along it, which their neighbours beyond share."""

    api = True

    def __init__(self, borders, side):
        self.side, self.strip = side, _strip(borders.cells.area, side)
        self.line = borders.corner(*self.strip[:2])[_SIDES[side][0]]

    def places(self):
        """The cells along it."""
        top, left, bottom, right = self.strip
        return [(row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)]

    @property
    def line_style(self):
        if not self.line.LineWidth and not self.line.OuterLineWidth:
            return "none"
        if self.line.InnerLineWidth:
            return "double"
        return next((name for name, number in _STYLES.items() if number == self.line.LineStyle), "continuous")

    @property
    def weight(self):
        width = self.line.LineWidth or self.line.OuterLineWidth
        return next((name for name, number in _WEIGHTS.items() if width <= number + 10), "thick")

    @property
    def color(self):
        return None if self.line_style == "none" else _rgb(self.line.Color)


class Note(base_classes.Note):
    """A note of a cell; LibreOffice's object is asked for when it is needed."""

    api = None

    def __init__(self, sheet, annotation, place=None):
        self.sheet, self.place = sheet, place or (annotation.Position.Row, annotation.Position.Column)
        self.api = SimpleNamespace(Shape=SimpleNamespace(Width=0.0, Height=0.0))
        if annotation is not None:
            self.annotation = annotation

    @cached_property
    def annotation(self):
        return self.sheet.uno.getCellByPosition(*self.place[::-1]).getAnnotation()

    @property
    def location(self):
        return Range(self.sheet, self.place * 2)

    @property
    def text(self):
        return self.annotation.String

    @text.setter
    def text(self, value):
        with self.sheet.allowing("DrawingObjects"):
            self.annotation.setString(value)
        self.sheet.noted()[self.place] = value

    def delete(self):
        with self.sheet.allowing("DrawingObjects"):
            self.sheet.cursor(self.place * 2).clearContents(_ANNOTATION)
        self.sheet.noted().pop(self.place, None)
