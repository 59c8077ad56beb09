"""An untrusted file -> grids: recognised by its content, opened read-only, read once.

python-calamine reads the values. What it does not tell is taken from the file's own parts: which number cells are shown as percentages,
which cells hold formula errors (calamine gives an empty cell for them), and where the ``pe_...`` names point.
"""

import io
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import python_calamine

from perfeval_xl import gate
from perfeval_xl.container import as_is, pack, unpack
from perfeval_xl.gate import Package
from perfeval_xl.looks import Look
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import UNCALCULATED, Sheet, as_percent, shows_percent
from perfeval_xl.patterns import Pattern

_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
_UNREADABLE = {".et", ".ett", ".csv", ".txt", ".pdf", ".htm", ".html", ".xlsb", ".numbers", ".wps", ".zip", ".rar", ".7z", ".png", ".jpg"}


#: first row, first column, last row, last column
Area = tuple[int, int, int, int]


class Marks(NamedTuple):
    """What calamine does not tell about one sheet, by zero-based cell: what is shown as a percentage, the texts of cells that it gives as
    empty or as a truth value (formula errors, formulas without result, TRUE and FALSE), and the merged areas, None where it does tell them."""

    percent: Sequence[tuple[int, int]] = ()
    texts: Sequence[tuple[int, int, str]] = ()
    merged: tuple[Area, ...] | None = None


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
    written: dict[str, gate.Cells] = {}  # noqa: RUF012 - never written to
    looks: dict[str, Look] = {}  # noqa: RUF012 - never written to
    acts: tuple[Finding, ...] = ()


class Admitted(NamedTuple):
    """A file that passed the gate: ``content`` is what calamine may read of it, ``marks`` and ``names`` what calamine does not tell; ``tables`` are
    the sheets of an .xls, which calamine does not read at all. The others as in ``Book``."""

    file: str
    data: bytes
    package: Package | None
    xml: dict[str, bytes]
    written: dict[str, gate.Cells]
    looks: dict[str, Look]
    acts: list[Finding]
    marks: dict[str, Marks]
    names: dict[str, tuple[str, int, int]]
    content: bytes
    tables: tuple[tuple[bool, Sheet], ...] = ()


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
        xml, written, looks, acts = {}, {}, {}, []
        return Admitted(file, data, package, xml, written, looks, acts, *(
            _xlsx(package, xml, written) if kind == "xlsx" else _ods(package, looks, acts)))
    except BaseException as error:
        raise _refused(error, file) from None


def read(one: Admitted) -> Book:
    """The grids of a file that passed the gate."""
    try:
        if one.tables:
            return _book(one, one.tables)
        with python_calamine.load_workbook(io.BytesIO(one.content)) as workbook:
            return _book(one, _tables(one, workbook))
    except BaseException as error:
        raise _refused(error, one.file) from None


def _old(file: str, data: bytes) -> Admitted:
    from perfeval_xl import xls

    old = xls.read(data)
    tables = tuple((table.visible, _held(Sheet(table.name, table.rows, table.merged))) for table in old.tables)
    if not tables:
        raise Refusal("X107")
    return Admitted(file, data, None, {}, {}, {table.name: table.look for table in old.tables}, old.acts, {}, old.names, b"", tables)


def _refused(error: BaseException, file: str) -> BaseException:
    """What a file is refused with for an error that its bytes led to; any other error as it is."""
    if isinstance(error, Refusal):
        error.args_.setdefault("file", file)
        return error
    if isinstance(error, python_calamine.PasswordError):
        return Refusal("X104", file=file)
    # a panic inside calamine is no Exception
    if isinstance(error, (python_calamine.CalamineError, OSError, ValueError, KeyError)) or type(error).__name__ == "PanicException":
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
        with python_calamine.load_workbook(io.BytesIO(_xlsx(package, {}, {}, name)[2])) as workbook:
            return workbook.get_sheet_by_name(name).to_python()
    except Refusal as refusal:
        refusal.args_.setdefault("file", file)
        raise
    except python_calamine.CalamineError as error:
        raise ValueError(str(error)) from None


#: a pipe is refused, not waited for
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def _bytes(path: str, file: str) -> bytes:
    try:
        handle = os.open(path, _READ)
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


def _tables(one: Admitted, workbook) -> Iterator[tuple[bool, Sheet]]:
    """(can it be seen, grid) of each worksheet; all of them together are held against the limit before they are copied out of the reader."""
    cells = 0
    for n, meta in enumerate(workbook.sheets_metadata):
        if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
            continue
        if meta.name not in one.marks:  # the reader has found a sheet that nobody has looked at
            raise Refusal("X103")
        sheet = workbook.get_sheet_by_index(n)
        if sheet.end is not None:
            cells += (sheet.end[0] + 1) * (sheet.end[1] + 1)
            gate.hold("grids", cells)
        yield meta.visible == python_calamine.SheetVisibleEnum.Visible, _grid(sheet, meta.name, one.marks[meta.name])


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
    return Book(one.file, tuple(sheets), tuple(hidden), one.data, one.package, one.xml, one.written, one.looks, tuple(one.acts))


def _at(rows, row: int, column: int):
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else None


def _grid(sheet, name: str, marks: Marks) -> Sheet:
    if sheet.end is None:
        return Sheet(name, [])
    height, width = sheet.end[0] + 1, sheet.end[1] + 1
    gate.hold("rows", height)
    gate.hold("columns", width)
    gate.hold("cells", height * width)
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


# ---- xlsx ----

_SHEET = Pattern(rb"<(?:\w+:)?sheet\b([^>]*)>")
#: a relation of a part to another, its attributes
RELATION = Pattern(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_NAME = Pattern(rb'<(?:\w+:)?definedName\b[^>]*\bname="(pe_(?:edition|department|project|year|form_version))"[^>]*>([^<]*)<')
_REFERENCE = Pattern(r"(?:'((?:[^']|'')+)'|([^'!]+))!\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::.*)?")
_FORMAT = Pattern(rb"<(?:\w+:)?numFmt\b([^>]*)>")
_CELL_FORMATS = Pattern(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.S)
_XF = Pattern(rb'<(?:\w+:)?xf\b[^>]*?\bnumFmtId="(\d+)"|<(?:\w+:)?xf\b')


#: begun where a name begins and never given back: a tag of a million letters costs one look
_ATTRIBUTE = Pattern(rb'(?<![\w:])([\w:]++)="([^"]*)"')


def attributes(raw: bytes) -> dict[bytes, str]:
    """The attributes of a tag by their names without prefix; of two the first."""
    return {name.rpartition(b":")[2]: unescape(value.decode("utf-8", "replace")) for name, value in reversed(_ATTRIBUTE.findall(raw))}


def unescape(text: str) -> str:
    """A text of an XML part without its references (&amp;)."""
    if "&" in text:
        import html

        return html.unescape(text)
    return text


@lru_cache(maxsize=4096)
def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


@lru_cache(maxsize=16384)
def _place(cell: bytes) -> tuple[int, int] | None:
    """b"I18" -> (17, 8), None for what is no cell."""
    letters = cell.rstrip(b"0123456789")
    if not letters.isalpha() or len(letters) > 3 or len(letters) == len(cell):
        return None
    return int(cell[len(letters) :]) - 1, _column(letters)


@lru_cache(maxsize=64)
def _workbook_names(workbook: tuple[int, int, int, bytes]) -> dict[str, tuple[str, int, int]]:
    """What the pe_ names of a (packed) workbook part point at. Remembered, as all parts are that a district's forms have in common."""
    found = {}
    for name, target in _NAME.findall(gate.usual(unpack(*workbook))):
        match = _REFERENCE.fullmatch(unescape(target.decode("utf-8", "replace")).strip())
        if match:
            sheet = (match[1] or match[2]).replace("''", "'")
            found[name.decode()] = (sheet, int(match[4]) - 1, _column(match[3].encode()))
    return found


@lru_cache(maxsize=64)
def _sheet_parts(workbook: tuple[int, int, int, bytes], relations: tuple[int, int, int, bytes]) -> dict[str, str]:
    """Sheet name -> its part."""
    relations_by_id = [attributes(raw) for raw in RELATION.findall(gate.usual(unpack(*relations)))]
    targets = {one.get(b"Id", ""): one.get(b"Target", "") for one in relations_by_id}
    found: dict[str, str] = {}
    for raw in _SHEET.findall(gate.usual(unpack(*workbook))):
        sheet = attributes(raw)
        name, target = sheet.get(b"name", ""), targets.get(sheet.get(b"id", ""), "")
        if name in found:
            raise Refusal("X121", why=f"工作表“{name[:31]}”出现两次", why_en=f"sheet {name[:31]} is there twice")
        found[name] = (target.lstrip("/") if target.startswith("/") else f"xl/{target}").lower()
    return found


def _check_shared(targets: dict[str, str]) -> None:
    """No part may be two sheets: a small file could hold a large sheet five hundred times."""
    if len(set(targets.values())) < len(targets):
        first = {part: name for name, part in reversed(targets.items())}
        twice = next(name for name, part in targets.items() if first[part] != name)
        raise Refusal("X121", why=f"工作表“{twice[:31]}”没有自己的部件", why_en=f"sheet {twice[:31]} has no part of its own")


class Styles(NamedTuple):
    """What is needed of the cell styles: which of them show a percentage (a pattern for the attribute, and their numbers), and the number
    formats alone, which is all that calamine looks for among them."""

    shown: Pattern | None
    percent: frozenset[str]
    formats: bytes


_ALONE = (b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts>%s</numFmts><cellXfs>%s</cellXfs>'
          b"</styleSheet>")


@lru_cache(maxsize=64)
def _styles(packed_styles: tuple[int, int, int, bytes]) -> Styles:
    styles, formats, own = gate.usual(unpack(*packed_styles)), {9, 10}, []
    for raw in _FORMAT.findall(styles):
        own.append(b"<numFmt%s/>" % raw.rstrip(b"/ "))
        own_format = attributes(raw)
        if shows_percent(own_format.get(b"formatCode", "")) and (number := own_format.get(b"numFmtId", "")).isdigit():
            formats.add(int(number))
    block = _CELL_FORMATS.search(styles)
    numbers = _XF.findall(block[0]) if block else []
    ids = [b"%d" % n for n, number in enumerate(numbers) if number and int(number) in formats]
    alone = _ALONE % (b"".join(own), b"".join([b'<xf numFmtId="%s"/>' % (number or b"0") for number in numbers]))
    shown = Pattern(b's="(?:%s)"(?: t="n")?><' % b"|".join(ids)) if ids else None
    return Styles(shown, frozenset(one.decode() for one in ids), alone)


#: cells that hold a truth value or an error, and formulas without result, on a sheet that is written as all programs write it
_SAID = Pattern(rb'<c r="([A-Z]+[0-9]+)"[^<>]*? t="([be])"[^<>]*>(?:<f[^<>]*(?:/>|>[^<]*</f>))?<v>([^<]*)</v>')
_NO_RESULT = Pattern(rb'<c r="([A-Z]+[0-9]+)"((?: [\w:]+="[^"<]*")*)><f(?: [\w:]+="[^"<]*")*(?:/>|>[^<]*</f>)(?:<v></v>|<v/>)?</c>')
#: how a formula without result may end
_ENDS = (b"/f></c>", b'"/></c>', b"<v></v>", b"<v/>")
#: the names by which calamine asks for the parts that it reads
_SHARED = {"_rels/.rels": "_rels/.rels", "xl/workbook.xml": "xl/workbook.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/workbook.xml.rels"}


def _xlsx(package: Package, xml: dict[str, bytes], how: dict[str, gate.Cells], only: str = "") -> tuple[dict[str, Marks], dict, bytes]:
    """Marks, what the names point at, and the parts for calamine; ``only`` one sheet of them, where it is named. Puts the part of each sheet into
    ``xml``, and how its cells are written into ``how``."""
    workbook = package.packed("xl/workbook.xml")
    targets = _sheet_parts(workbook, package.packed("xl/_rels/workbook.xml.rels"))
    gate.hold("sheets", len(targets))
    _check_shared(targets)
    package.check_others(set(targets.values()))
    styles = _styles(package.packed("xl/styles.xml"))
    read = {name: _for_all(package.packed(key)) for key, name in _SHARED.items() if key in package}
    if "xl/sharedstrings.xml" in package:
        strings = package.open("xl/sharedstrings.xml", read, "xl/sharedStrings.xml")
        gate.check_strings(strings)
        if (bare := gate.bare(strings)) is not strings:
            read["xl/sharedStrings.xml"] = as_is(bare)
    marks = {}
    for name, part in targets.items():
        if part in package and (not only or name == only):
            xml[name] = package.part(part)
            how[name] = written = gate.plain(xml[name])
            percent, texts = _sheet_marks(xml[name], written.kind, styles)
            if written.kind:
                content, merged = _for_the_reader(xml[name], written)
            else:
                content, merged = gate.bare(xml[name], True), None
                xml[name] = content
            read[part], marks[name] = as_is(content), Marks(percent, texts, merged)
    if "xl/styles.xml" in package:
        read["xl/styles.xml"] = as_is(styles.formats)
    return marks, _workbook_names(workbook), pack(read)


#: bytes; no part that the forms of a district have in common comes near, and a larger one must not stay in the memory
_COMMON = 20_000


def _for_all(packed: tuple[int, int, int, bytes]) -> tuple[int, int, int, bytes]:
    """A part for the reader, unpacked once for all forms that have it."""
    return _unpacked(*packed) if packed[1] < _COMMON else packed


@lru_cache(maxsize=256)
def _unpacked(*packed: object) -> tuple[int, int, int, bytes]:
    return as_is(unpack(*packed))


def _for_the_reader(xml: bytes, written: gate.Cells) -> tuple[bytes, tuple[Area, ...] | None]:
    """A sheet without what calamine need not look at, and its merged areas, which are read here: calamine would read the sheet a second time,
    to its end, to find them. As it stands, and None, where they are not written as usual."""
    head, begin, after = xml[: written.begin], xml.find(b"<mergeCells", written.end), xml.find(b"</mergeCells>", written.end) + 13
    if b"mergeCells" in head or xml.count(b"mergeCells", written.end) != (2 if 0 <= begin < after else 0):
        return xml, None
    merged = _merged_areas(xml[begin:after]) if begin >= 0 else ()
    if merged is None:
        return xml, None
    root = head[: head.find(b">", written.root) + 1]
    # calamine stops looking for merged areas where they end
    return b"%s<mergeCells></mergeCells>%s</worksheet>" % (root, xml[written.begin : written.end]), merged


_MERGED = Pattern(rb'<mergeCells(?: count="[0-9]++")?>(?:<mergeCell ref="[A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7}"/>)*+</mergeCells>')
_AREA = Pattern(rb'"([A-Z]+)([0-9]+):([A-Z]+)([0-9]+)"')


@lru_cache(maxsize=256)
def _merged_areas(block: bytes) -> tuple[Area, ...] | None:
    """The merged areas of a sheet; None where they are not written as all programs do it. Remembered: the forms of a district are merged
    alike."""
    if not _MERGED.fullmatch(block):
        return None
    areas = tuple([(int(top) - 1, _column(left), int(bottom) - 1, _column(right)) for left, top, right, bottom in _AREA.findall(block)])
    return areas if all(0 <= top <= bottom and left <= right for top, left, bottom, right in areas) else None


def _sheet_marks(xml: bytes, plain: str, styles: Styles) -> tuple[Sequence[tuple[int, int]], Sequence[tuple[int, int, str]]]:
    """``percent`` and ``texts`` of the marks of a sheet."""
    percent = _percent_cells(xml, styles) if plain and styles.shown else ()
    if not plain or percent is None:
        return _read_marks(xml, styles.percent)
    texts: list = []
    if plain == "cells" and (b't="e"' in xml or b't="b"' in xml):
        texts += [(*_place(cell), _typed(kind == b"e", text.decode("utf-8", "replace").strip())) for cell, kind, text in _SAID.findall(xml)]
    if plain == "cells" and any(end in xml for end in _ENDS):
        texts += [(*_place(cell), UNCALCULATED) for cell, attributes in _NO_RESULT.findall(xml) if b't="str"' not in attributes]
    return percent, texts


def _typed(error: bool, text: str) -> str:
    return text if error else "FALSE" if text in ("0", "false") else "TRUE"


def _percent_cells(xml: bytes, styles: Styles) -> list[tuple[int, int]] | None:
    """The cells that hold a number in one of these styles; None where one does not begin with its place and its style, as all programs write it.
    A pattern looks for all styles at once, and takes as long as cutting the sheet at a few of them one by one."""
    if len(styles.percent) > 2:
        heads = [xml[match.start() - 24 if match.start() > 24 else 0 : match.start()] for match in styles.shown.finditer(xml)]
    else:
        heads = [piece[-24:] for number in styles.percent for ends in (b"><", b' t="n"><')
                 for piece in xml.split(b's="%s"%s' % (number.encode(), ends))[:-1]]
    cells = []
    for head in heads:
        begin = head.rfind(b"<")
        if head.startswith(b'<c r="', begin):
            if (cell := _place(head[begin + 6 : -2])) is None:  # the place ends before its quote and a blank
                return None
            cells.append(cell)
        elif not head.startswith(b"<row ", begin):
            return None
    return cells


def _read_marks(xml: bytes, percent_styles: frozenset[str]) -> tuple[list[tuple[int, int]], list[tuple[int, int, str]]]:
    """The same from a sheet that is written in an unusual way: by a parser, which holds the extent of the cells against the limits."""
    percent, texts, cell, row, column, inside, extent = [], [], {}, -1, -1, "", gate.Extent()

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, inside
        if tag == "row":
            row, column = _row_number(attributes.get("r"), row + 1), -1
        elif tag == "c":
            if "r" in attributes and (place := _place(attributes["r"].strip().lstrip("$").encode())) is None:
                raise ValueError(attributes["r"])
            row, column = place if "r" in attributes else (row, column + 1)
            cell.clear()
            cell.update(t=attributes.get("t", "n"), s=attributes.get("s", "0"), f=False, v="")
        elif tag == "f" and cell:
            cell["f"] = True
        elif tag in ("v", "is") and cell:
            extent.add(row, column)
        inside = tag

    def text(content: str) -> None:
        if inside in ("v", "t") and cell:
            cell["v"] += content

    def end(tag: str) -> None:
        nonlocal inside
        inside = ""
        if tag != "c" or not cell:
            return
        if cell["t"] == "n" and cell["s"] in percent_styles:
            percent.append((row, column))
        if cell["t"] in ("e", "b"):
            texts.append((row, column, _typed(cell["t"] == "e", cell["v"].strip())))
        elif cell["f"] and not cell["v"].strip() and cell["t"] != "str":
            texts.append((row, column, UNCALCULATED))
        cell.clear()

    gate.walk(xml, start, text, end)
    return percent, texts


def _row_number(stated: str | None, following: int) -> int:
    return following if stated is None else int(stated) - 1 if stated.isascii() and stated.isdigit() and len(stated) < 9 else 10**8


# ---- ods: rare, so what it needs is imported when it is needed ----


_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


#: what calamine asks an open document for
_OPEN = {"mimetype": "mimetype", "meta-inf/manifest.xml": "META-INF/manifest.xml", "content.xml": "content.xml"}


def _ods(package: Package, looks: dict[str, Look], acts: list[Finding]) -> tuple[dict[str, Marks], dict, bytes]:
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
    marks, styles = {}, ods.Styles(root)
    for table in root.iter(f"{_TABLE}table"):
        name = table.get(f"{_TABLE}name", "")
        marks[name], looks[name] = _ods_table(table), ods.look(table, styles, gate.limit("rows"))
    acts += ods.acts(root)
    names = {}
    for one in root.iter(f"{_TABLE}named-range"):
        address = one.get(f"{_TABLE}cell-range-address", "").split(":")[0].replace(".$", "!").replace(".", "!").lstrip("$")
        if one.get(f"{_TABLE}name", "").startswith("pe_") and (match := _REFERENCE.fullmatch(address)):
            names[one.get(f"{_TABLE}name")] = ((match[1] or match[2]), int(match[4]) - 1, _column(match[3].encode()))
    return marks, names, pack(read)


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
