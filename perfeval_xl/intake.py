"""An untrusted file -> grids: recognised by its content, opened read-only, read once.

An .xlsx that is written as every spreadsheet program writes it is read in its pieces (``pieces``); whatever is written otherwise, and an .ods, is
read by python-calamine, and what that does not tell is taken from the file's own parts (``xlsx``).
"""

import io
import os
import stat
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from perfeval_xl import gate, pieces, xlsx
from perfeval_xl.container import as_is, pack
from perfeval_xl.gate import Package
from perfeval_xl.looks import Look
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import Sheet, as_percent, column_number
from perfeval_xl.xlsx import Area, Contents, Marks

if TYPE_CHECKING:
    import python_calamine

_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
_UNREADABLE = {".et", ".ett", ".csv", ".txt", ".pdf", ".htm", ".html", ".xlsb", ".numbers", ".wps", ".zip", ".rar", ".7z", ".png", ".jpg"}


class Book(NamedTuple):
    """A workbook as grids: visible sheets first, in their order. ``data`` is the file itself, as it was read; of an .xlsx or .ods ``package``
    holds its parts. Of an .xlsx ``xml`` holds the part of each sheet, and ``written`` how its cells are written; of the other kinds ``looks``
    says how each sheet looks. ``acts``: what acts by itself in an .xls or .ods."""

    file: str
    sheets: tuple[Sheet, ...]
    hidden: tuple[Sheet, ...]
    data: bytes
    package: Package | None = None
    xml: dict[str, bytes] = {}  # noqa: RUF012 - never written to
    written: dict[str, pieces.Cells] = {}  # noqa: RUF012 - never written to
    looks: dict[str, Look] = {}  # noqa: RUF012 - never written to
    acts: tuple[Finding, ...] = ()


class Admitted(NamedTuple):
    """A file that passed the gate. Of an .xlsx ``contents`` is what may be read of it; of an .ods ``packed`` is what calamine may read, and ``marks``
    what it does not tell; ``tables`` are the sheets of an .xls, which calamine does not read at all. ``names``: what the ``pe_...`` names point
    at. The others as in ``Book``."""

    file: str
    data: bytes
    package: Package | None
    names: dict[str, tuple[str, int, int]]
    contents: Contents | None = None
    looks: dict[str, Look] = {}  # noqa: RUF012 - never written to
    acts: tuple[Finding, ...] = ()
    packed: bytes = b""
    marks: dict[str, Marks] = {}  # noqa: RUF012 - never written to
    tables: tuple[tuple[bool, Sheet], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it keeps in memory, about."""
        return len(self.data) + len(self.packed) + (sum(map(len, self.contents.xml.values())) if self.contents else 0)


def load(path: str) -> Book:
    """Reads a workbook; what cannot be read is refused with one line that says what it is and what to do."""
    return read(admit(path))


def admit(path: str) -> Admitted:
    """A file from outside, read once and held against the limits, before any parser sees it."""
    file = os.path.basename(os.path.normpath(path))
    gate.look_up()
    try:
        data = _bytes(path, file)
        kind, package = _kind(data, file)
        if kind == "xls":
            return _old(file, data)
        if kind == "xlsx":
            contents = xlsx.contents(package)
            return Admitted(file, data, package, contents.names, contents)
        return _open_document(file, data, package)
    except BaseException as error:
        raise _refused(error, file) from None


def read(one: Admitted) -> Book:
    """The grids of a file that passed the gate."""
    try:
        tables = one.tables or (one.contents and _in_pieces(one.contents))
        if tables:
            return _book(one, tables)
        packed, marks = xlsx.for_calamine(one.contents) if one.contents else (one.packed, one.marks)
        with _reader(packed) as workbook:
            return _book(one, _tables(workbook, marks))
    except BaseException as error:
        raise _refused(error, one.file) from None


def _reader(packed: bytes) -> "python_calamine.CalamineWorkbook":
    import python_calamine

    return python_calamine.load_workbook(io.BytesIO(packed))


def _old(file: str, data: bytes) -> Admitted:
    from perfeval_xl import xls

    old = xls.read(data)
    tables = tuple((table.visible, _held(Sheet(table.name, table.rows, table.merged))) for table in old.tables)
    if not tables:
        raise Refusal("X107")
    return Admitted(file, data, None, old.names, looks={table.name: table.look for table in old.tables}, acts=tuple(old.acts), tables=tables)


def _refused(error: BaseException, file: str) -> BaseException:
    """What a file is refused with for an error that its bytes led to; any other error as it is."""
    if isinstance(error, Refusal):
        error.args_.setdefault("file", file)
        return error
    # the errors of calamine by their names, because most files never meet it; a panic inside it is no Exception
    kinds = {one.__name__ for one in type(error).__mro__}
    if "PasswordError" in kinds:
        return Refusal("X104", file=file)
    if isinstance(error, (OSError, ValueError, KeyError)) or not kinds.isdisjoint(("CalamineError", "PanicException")):
        return Refusal("X103", file=file)
    return error


def sheet_rows(path: str, name: str) -> list[list]:
    """The rows of one sheet of an .xlsx, such as a district workbook that we wrote, past the same gate; ValueError where it has none."""
    file = os.path.basename(os.path.normpath(path))
    gate.look_up()
    try:
        kind, package = _kind(_bytes(path, file), file)
        if kind != "xlsx":
            raise ValueError(kind)
        contents = xlsx.contents(package, name)
        if name not in contents.xml:
            raise ValueError(name)
        with _reader(xlsx.for_calamine(contents)[0]) as workbook:
            return workbook.get_sheet_by_name(name).to_python()
    except Refusal as refusal:
        refusal.args_.setdefault("file", file)
        raise


#: a pipe is refused, not waited for
READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def _bytes(path: str, file: str) -> bytes:
    try:
        handle = os.open(path, READ)
        try:
            status = os.fstat(handle)
            if stat.S_ISDIR(status.st_mode):
                raise Refusal("X102", file=file)
            if not stat.S_ISREG(status.st_mode):
                raise Refusal("X103", file=file)
            gate.hold("file", status.st_size)
            data = os.read(handle, status.st_size)
        finally:
            os.close(handle)
    except FileNotFoundError:
        raise Refusal("X101", file=path) from None
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and os.path.isdir(path):
            raise Refusal("X102", file=file) from None
        raise Refusal("X112", file=file, why=getattr(error, "strerror", None) or error) from None
    if not data:
        raise Refusal("X107", file=file)
    return data


def _kind(data: bytes, file: str) -> tuple[str, Package | None]:
    """What the file really is, whatever its name says: "xlsx", "ods" or "xls"; and the parts of a zip file."""
    extension = os.path.splitext(file)[1].lower()
    if data.startswith(_OLE):
        # the directory of an OLE file holds the names of its streams in UTF-16
        for stream, code in (("EncryptedPackage", "X104"), ("WordDocument", "X105")):
            if stream.encode("utf-16-le") in data:
                raise Refusal(code, file=file)
        if extension in _UNREADABLE:
            raise Refusal("X106", file=file, kind=extension)
        return "xls", None
    if not data.startswith(_ZIP):
        raise Refusal("X106", file=file, kind=extension) if extension in _UNREADABLE else Refusal("X103", file=file)
    package = Package(data)
    if "word/document.xml" in package:
        raise Refusal("X105", file=file)
    if "xl/workbook.bin" in package:
        raise Refusal("X106", file=file, kind=".xlsb")
    kind = "xlsx" if "xl/workbook.xml" in package else "ods" if "content.xml" in package else ""
    if not kind:
        raise Refusal("X106", file=file, kind=extension) if extension in _UNREADABLE else Refusal("X103", file=file)
    package.check_sizes()
    return kind, package


def _in_pieces(one: Contents) -> list[tuple[bool, Sheet]] | None:
    """(can it be seen, grid) of each sheet, where all of them are written as usual."""
    if one.texts is None or len(one.xml) < len(one.sheets):
        return None
    sheets = []
    for name, (_, visible, cells) in one.sheets.items():
        found = one.written[name].found
        if found is None or not cells or (merged := xlsx.merged_areas(one.xml[name], one.written[name])) is None:
            return None
        sheets.append((visible, name, found, pieces.size(found), merged))
    gate.hold("grids", sum([height * width for _, _, _, (height, width), _ in sheets]))
    tables = []
    for visible, name, found, size, merged in sheets:
        _hold(*size)
        rows = pieces.rows(found, size, one.texts, one.styles.percent, one.styles.dated)
        if rows is None:
            return None
        tables.append((visible, _held(Sheet(name, rows, merged if rows else ()))))
    return tables


def _hold(height: int, width: int) -> None:
    gate.hold("rows", height)
    gate.hold("columns", width)
    gate.hold("cells", height * width)


def _tables(workbook: "python_calamine.CalamineWorkbook", marks: dict[str, Marks]) -> Iterator[tuple[bool, Sheet]]:
    """The same by calamine; all sheets together are held against the limit before they are copied out of it."""
    import python_calamine

    cells = 0
    for n, meta in enumerate(workbook.sheets_metadata):
        if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
            continue
        if meta.name not in marks:  # the reader has found a sheet that nobody has looked at
            raise Refusal("X103")
        sheet = workbook.get_sheet_by_index(n)
        if sheet.end is not None:
            cells += (sheet.end[0] + 1) * (sheet.end[1] + 1)
            gate.hold("grids", cells)
        yield meta.visible == python_calamine.SheetVisibleEnum.Visible, _grid(sheet, meta.name, marks[meta.name])


def _book(one: Admitted, tables: Iterable[tuple[bool, Sheet]]) -> Book:
    sheets, hidden = [], []
    for visible, sheet in tables:
        (sheets if visible else hidden).append(sheet)
    if not any(sheet.rows for sheet in (*sheets, *hidden)):
        raise Refusal("X107")
    if one.names:
        grids = {sheet.name: sheet.rows for sheet in (*sheets, *hidden)}
        stamp = {name: value for name, (sheet, row, column) in one.names.items()
                 if (value := _at(grids.get(sheet, ()), row, column)) not in ("", None)}
        sheets, hidden = ([Sheet(*sheet[:3], stamp) for sheet in some] for some in (sheets, hidden))
    xml, written = (one.contents.xml, one.contents.written) if one.contents else ({}, {})
    return Book(one.file, tuple(sheets), tuple(hidden), one.data, one.package, xml, written, one.looks, one.acts)


def _at(rows, row: int, column: int):
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else None


def _grid(sheet, name: str, marks: Marks) -> Sheet:
    if sheet.end is None:
        return Sheet(name, [])
    height, width = sheet.end[0] + 1, sheet.end[1] + 1
    _hold(height, width)
    rows = sheet.to_python(skip_empty_area=False)
    for row, column in marks.percent:
        if row < height and column < width:
            line = rows[row]
            if type(line[column]) in (float, int):
                line[column] = as_percent(line[column])
    for row, column, text in marks.texts:
        if row < height and column < width and (rows[row][column] == "" or type(rows[row][column]) is not str):
            rows[row][column] = text
    merged = marks.merged
    if merged is None:
        merged = tuple([(*first, *last) for first, last in sheet.merged_cell_ranges or ()])
    return _held(Sheet(name, rows, merged))


def _held(sheet: Sheet) -> Sheet:
    if sheet.merged:
        gate.hold("merges", len(sheet.merged))
        area = _cells_in(sheet.merged)
        gate.hold("merged", area)
        height, width = len(sheet.rows), len(sheet.rows[0]) if sheet.rows else 0
        inside = area if area <= height * width else sum([max(0, min(bottom + 1, height) - top) * max(0, min(right + 1, width) - left)
                                                          for top, left, bottom, right in sheet.merged])
        if inside > height * width:
            raise Refusal("X121", why="合并区域互相重叠", why_en="merged areas overlap")
    return sheet


@lru_cache(maxsize=256)
def _cells_in(areas: tuple[Area, ...]) -> int:
    return sum([(bottom - top + 1) * (right - left + 1) for top, left, bottom, right in areas])


# ---- ods: rare, so what it needs is imported when it is needed ----


_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


#: what calamine asks an open document for
_OPEN = {"mimetype": "mimetype", "meta-inf/manifest.xml": "META-INF/manifest.xml", "content.xml": "content.xml"}


def _open_document(file: str, data: bytes, package: Package) -> Admitted:
    from xml.etree import ElementTree

    from perfeval_xl import ods

    if b"encryption-data" in package.part("meta-inf/manifest.xml"):
        raise Refusal("X104")
    package.check_others({"content.xml"})
    read = {name: package.packed(key) for key, name in _OPEN.items() if key in package}
    xml = package.open("content.xml", read, "content.xml")
    _check_repeats(xml)
    if (bare := gate.bare(xml)) is not xml:
        read["content.xml"] = as_is(bare)
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    marks, looks, styles = {}, {}, ods.Styles(root)
    for table in root.iter(f"{_TABLE}table"):
        name = table.get(f"{_TABLE}name", "")
        marks[name], looks[name] = _ods_table(table), ods.look(table, styles, gate.limit("rows"))
    names = {}
    for one in root.iter(f"{_TABLE}named-range"):
        address = one.get(f"{_TABLE}cell-range-address", "").split(":")[0].replace(".$", "!").replace(".", "!").lstrip("$")
        if one.get(f"{_TABLE}name", "").startswith("pe_") and (match := xlsx.REFERENCE.fullmatch(address)):
            names[one.get(f"{_TABLE}name")] = ((match[1] or match[2]), int(match[4]) - 1, column_number(match[3]))
    return Admitted(file, data, package, names, looks=looks, acts=tuple(ods.acts(root)), packed=pack(read), marks=marks)


def _check_repeats(xml: bytes) -> None:
    """Holds the extent of an open document against the limits: a row or a cell that stands for a million of them takes a few bytes."""
    extent, row, column, high = gate.Extent(), 0, 0, 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal extent, row, column, high
        names = {name.rpartition(":")[2]: value for name, value in attributes.items()}
        if tag == "table":
            extent, row, column, high = gate.Extent(), 0, 0, 0
        elif tag == "table-row":
            row, column, high = row + high, 0, _count(names.get("number-rows-repeated", "1"))
        elif tag in ("table-cell", "covered-table-cell"):
            wide = _count(names.get("number-columns-repeated", "1"))
            if "value-type" in names or "formula" in names:
                extent.add(row, column, high, wide)
            column += wide

    gate.walk(xml, start)


def _count(stated: str) -> int:
    if not stated.isascii() or not stated.isdigit() or len(stated) > 9:
        raise ValueError(stated)
    return int(stated)


def _ods_table(table) -> Marks:
    percent, texts, merged = [], [], []
    row = 0
    for line in table.iter(f"{_TABLE}table-row"):
        column = 0
        for cell in line:
            repeat = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            kind = cell.get(f"{_OFFICE}value-type")
            if kind == "percentage":
                percent += [(row, column + n) for n in range(min(repeat, gate.limit("columns")))]
            text = "".join(cell.itertext()) if kind in ("string", "float", "boolean") else ""
            if kind == "boolean" or (text.startswith(("#", "Err:")) and cell.get(f"{_TABLE}formula")):
                texts.append((row, column, text))
            high, wide = (int(cell.get(f"{_TABLE}number-{axis}-spanned", "1")) for axis in ("rows", "columns"))
            if high > 1 or wide > 1:
                merged.append((row, column, row + high - 1, column + wide - 1))
            column += repeat
        row += int(line.get(f"{_TABLE}number-rows-repeated", "1"))
    return Marks(percent, texts, tuple(merged))
