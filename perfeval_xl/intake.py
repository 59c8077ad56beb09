"""An untrusted file -> grids: recognised by its content, opened read-only, read once.

python-calamine reads the values. What it does not tell is taken from the file's own parts: which number cells are shown as percentages,
which cells hold formula errors (calamine gives an empty cell for them), and where the ``pe_...`` names point.
"""

from __future__ import annotations

import io
import os
import re
import stat
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import python_calamine

from perfeval_xl.container import PART_BYTES, ContainerError, Part, TooLarge, check_sizes, directory, packed, unpack
from perfeval_xl.messages import Refusal
from perfeval_xl.model import UNCALCULATED, Sheet, as_percent, shows_percent

#: a filled form has some 60 rows and 12 columns; beyond these limits a file is no form, or is meant to hurt
FILE_BYTES, ROWS, COLUMNS, CELLS, MERGES = 20_000_000, 20_000, 512, 300_000, 5_000
_OLE, _ZIP = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04"
_UNREADABLE = {".et", ".ett", ".csv", ".txt", ".pdf", ".htm", ".html", ".xlsb", ".numbers", ".wps", ".zip", ".rar", ".7z", ".png", ".jpg"}


class Marks(NamedTuple):
    """What calamine does not tell about one sheet, by zero-based cell: what is shown as a percentage, and the texts of cells that it gives
    as empty or as a truth value (formula errors, formulas without result, TRUE and FALSE)."""

    percent: Sequence[tuple[int, int]] = ()
    texts: Sequence[tuple[int, int, str]] = ()
    merged: tuple[tuple[int, int, int, int], ...] = ()


class Book(NamedTuple):
    """A workbook as grids: visible sheets first, in their order. ``data`` is the file itself, as it was read."""

    file: str
    sheets: tuple[Sheet, ...]
    hidden: tuple[Sheet, ...]
    data: bytes


def load(path: str) -> Book:
    """Reads a workbook; what cannot be read is refused with one line that says what it is and what to do."""
    file = os.path.basename(os.path.normpath(path))
    data = _bytes(path, file)
    kind, parts = _kind(data, file)
    try:
        check_sizes(data, parts)
        marks, names = {"xlsx": _xlsx_marks, "ods": _ods_marks, "xls": _xls_marks}[kind](parts, data)
        with python_calamine.load_workbook(io.BytesIO(data)) as workbook:
            return _book(file, data, workbook, marks, names)
    except python_calamine.PasswordError:
        raise Refusal("X104", file=file) from None
    except TooLarge as error:
        raise Refusal("X114", file=file, what="解压后的大小", what_en="unpacked size", stated=str(error),
                      expected=f"{PART_BYTES // 10**6} MB") from None
    except (python_calamine.CalamineError, OSError, ValueError, KeyError, struct.error):
        raise Refusal("X103", file=file) from None
    except BaseException as error:
        # a panic inside calamine is no Exception; a damaged .xls can cause one
        if type(error).__name__ == "PanicException":
            raise Refusal("X103", file=file) from None
        raise


def _bytes(path: str, file: str) -> bytes:
    try:
        if os.path.isdir(path):
            raise Refusal("X102", file=file)
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            size = status.st_size
            if not stat.S_ISREG(status.st_mode):
                raise Refusal("X103", file=file)
            data = stream.read() if size <= FILE_BYTES else b""
    except FileNotFoundError:
        raise Refusal("X101", file=path) from None
    except (OSError, ValueError) as error:
        raise Refusal("X112", file=file, why=getattr(error, "strerror", None) or error) from None
    if size > FILE_BYTES:
        raise Refusal("X114", file=file, what="文件大小", what_en="file size", stated=f"{size // 10**6} MB", expected=f"{FILE_BYTES // 10**6} MB")
    if not data:
        raise Refusal("X107", file=file)
    return data


def _kind(data: bytes, file: str) -> tuple[str, dict[str, Part]]:
    """What the file really is, whatever its name says: "xlsx", "ods" or "xls"; and the parts of a zip file."""
    extension = os.path.splitext(file)[1].lower()
    if data.startswith(_OLE):
        # the directory of an OLE file holds the names of its streams in UTF-16
        for stream, code in (("EncryptedPackage", "X104"), ("WordDocument", "X105")):
            if stream.encode("utf-16-le") in data:
                raise Refusal(code, file=file)
        if extension in _UNREADABLE:
            raise Refusal("X106", file=file, kind=extension)
        return "xls", {}
    if not data.startswith(_ZIP):
        raise Refusal("X106", file=file, kind=extension) if extension in _UNREADABLE else Refusal("X103", file=file)
    try:
        parts = directory(data)
    except (ContainerError, struct.error):
        raise Refusal("X103", file=file) from None
    if "word/document.xml" in parts:
        raise Refusal("X105", file=file)
    if "xl/workbook.bin" in parts:
        raise Refusal("X106", file=file, kind=".xlsb")
    if "xl/workbook.xml" in parts:
        return "xlsx", parts
    if "content.xml" in parts:
        return "ods", parts
    raise Refusal("X106", file=file, kind=extension) if extension in _UNREADABLE else Refusal("X103", file=file)


def _book(file: str, data: bytes, workbook, marks: dict[str, Marks], names: dict[str, tuple[str, int, int]]) -> Book:
    sheets, hidden = [], []
    for n, meta in enumerate(workbook.sheets_metadata):
        if meta.typ != python_calamine.SheetTypeEnum.WorkSheet:
            continue
        sheet = _grid(workbook.get_sheet_by_index(n), meta.name, marks.get(meta.name) or Marks(), file)
        (sheets if meta.visible == python_calamine.SheetVisibleEnum.Visible else hidden).append(sheet)
    if not any(sheet.rows for sheet in (*sheets, *hidden)):
        raise Refusal("X107", file=file)
    grids = {sheet.name: sheet.rows for sheet in (*sheets, *hidden)}
    stamp = {name: value for name, (sheet, row, column) in names.items()
             if (value := _at(grids.get(sheet, ()), row, column)) not in ("", None)}
    return Book(file, tuple(sheet._replace(stamp=stamp) for sheet in sheets), tuple(sheet._replace(stamp=stamp) for sheet in hidden), data)


def _at(rows, row: int, column: int):
    return rows[row][column] if row < len(rows) and column < len(rows[row]) else None


def _grid(sheet, name: str, marks: Marks, file: str) -> Sheet:
    if sheet.end is None:
        return Sheet(name, [])
    height, width = sheet.end[0] + 1, sheet.end[1] + 1
    for what, what_en, stated, limit in (("行数", "rows", height, ROWS), ("列数", "columns", width, COLUMNS),
                                         ("单元格数", "cells", height * width, CELLS)):
        if stated > limit:
            raise Refusal("X114", file=file, what=what, what_en=what_en, stated=stated, expected=limit)
    rows = sheet.to_python(skip_empty_area=False)
    for row, column in marks.percent:
        if row < height and column < width:
            line = rows[row]
            if type(line[column]) in (float, int):
                line[column] = as_percent(line[column])
    for row, column, text in marks.texts:
        if row < height and column < width and (rows[row][column] == "" or type(rows[row][column]) is not str):
            rows[row][column] = text
    merged = sheet.merged_cell_ranges
    merged = marks.merged if merged is None else [(*first, *last) for first, last in merged]
    if len(merged) > MERGES:
        raise Refusal("X114", file=file, what="合并单元格数", what_en="merged areas", stated=len(merged), expected=MERGES)
    return Sheet(name, rows, tuple(merged))


# ---- xlsx ----

_SHEET = re.compile(rb"<(?:\w+:)?sheet\b([^>]*)>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_NAME = re.compile(rb'<(?:\w+:)?definedName\b[^>]*\bname="(pe_(?:edition|department|project|year|form_version))"[^>]*>([^<]*)<')
_REFERENCE = re.compile(r"(?:'((?:[^']|'')+)'|([^'!]+))!\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::.*)?")
_FORMAT = re.compile(rb"<(?:\w+:)?numFmt\b([^>]*)>")
_CELL_FORMATS = re.compile(rb"<(?:\w+:)?cellXfs\b.*?</(?:\w+:)?cellXfs>", re.S)
_XF = re.compile(rb'<(?:\w+:)?xf\b[^>]*?\bnumFmtId="(\d+)"|<(?:\w+:)?xf\b')


def _attribute(raw: bytes, name: bytes) -> str:
    match = re.search(rb"\b" + name + rb'="([^"]*)"', raw)
    return _unescape(match[1].decode("utf-8", "replace")) if match else ""


def _unescape(text: str) -> str:
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
def _workbook_names(workbook: tuple[int, bytes]) -> dict[str, tuple[str, int, int]]:
    """What the pe_ names of a (packed) workbook part point at. Remembered, as all parts are that a district's forms have in common."""
    found = {}
    for name, target in _NAME.findall(unpack(*workbook)):
        match = _REFERENCE.fullmatch(_unescape(target.decode("utf-8", "replace")).strip())
        if match:
            sheet = (match[1] or match[2]).replace("''", "'")
            found[name.decode()] = (sheet, int(match[4]) - 1, _column(match[3].encode()))
    return found


@lru_cache(maxsize=64)
def _sheet_parts(workbook: tuple[int, bytes], relations: tuple[int, bytes]) -> dict[str, str]:
    """Sheet name -> its part."""
    targets = {_attribute(raw, b"Id"): _attribute(raw, b"Target") for raw in _RELATION.findall(unpack(*relations))}
    found = {}
    for raw in _SHEET.findall(unpack(*workbook)):
        key = re.search(rb'\b(?:\w+:)?id="([^"]*)"', raw)
        target = targets.get(key[1].decode() if key else "", "")
        found[_attribute(raw, b"name")] = (target.lstrip("/") if target.startswith("/") else f"xl/{target}").lower()
    return found


@lru_cache(maxsize=64)
def _percent_styles(packed_styles: tuple[int, bytes]) -> tuple[re.Pattern, frozenset[str]] | None:
    """The cell styles that show a percentage: a pattern for the attribute, and their numbers. None where the workbook has no such style."""
    styles, formats = unpack(*packed_styles), {9, 10}
    for raw in _FORMAT.findall(styles):
        if shows_percent(_attribute(raw, b"formatCode")) and (number := _attribute(raw, b"numFmtId")).isdigit():
            formats.add(int(number))
    block = _CELL_FORMATS.search(styles)
    ids = [b"%d" % n for n, number in enumerate(_XF.findall(block[0]) if block else ()) if number and int(number) in formats]
    if not ids:
        return None
    return re.compile(b"s=[\"'](?:%s)[\"']" % b"|".join(ids)), frozenset(one.decode() for one in ids)


#: what a look at the styles is not enough for: truth values and errors, formulas
_UNUSUAL = (re.compile(rb"t=[\"'][be][\"']"), re.compile(rb"<f[ />]"))
#: how the cells of a sheet begin that is written in the usual way
_FIRST_CELL = re.compile(rb'<c r="|<(?:\w+:)?c[ >]')


def _xlsx_marks(parts: dict[str, Part], data: bytes) -> tuple[dict[str, Marks], dict]:
    workbook = packed(data, parts["xl/workbook.xml"])
    styles = _percent_styles(packed(data, parts.get("xl/styles.xml")))
    marks = {}
    for name, part in _sheet_parts(workbook, packed(data, parts.get("xl/_rels/workbook.xml.rels"))).items():
        xml = unpack(*packed(data, parts.get(part)))
        first = _FIRST_CELL.search(xml)
        usual = first is None or first[0] == b'<c r="'
        percent = _percent_cells(xml, styles[0]) if usual and styles else ()
        if usual and percent is not None and not any(pattern.search(xml) for pattern in _UNUSUAL):
            marks[name] = Marks(percent)
        else:
            marks[name] = _read_marks(xml, styles[1] if styles else frozenset())
    return marks, _workbook_names(workbook)


def _percent_cells(xml: bytes, style: re.Pattern) -> list[tuple[int, int]] | None:
    """The cells of these styles; None where a cell does not begin with its place and its style, as all programs write it."""
    cells = []
    for match in style.finditer(xml):
        begin, end = xml.rfind(b"<", 0, match.start()), match.start() - 2  # the place ends before its quote and a blank
        if xml.startswith(b'<c r="', begin):
            if (place := _place(xml[begin + 6 : end])) is None:
                return None
            cells.append(place)
        elif not xml.startswith(b"<row ", begin):
            return None
    return cells


def _read_marks(xml: bytes, percent_styles: frozenset[str]) -> Marks:
    """The same from a sheet that has formulas, errors or truth values, or that is written in an unusual way: by a parser."""
    from xml.parsers import expat

    percent, texts, cell, row, column, inside = [], [], {}, -1, -1, ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row, column, inside
        tag = tag.rpartition(":")[2]
        if tag == "row":
            row, column = int(attributes.get("r", row + 2)) - 1, -1
        elif tag == "c":
            place = _place(attributes["r"].encode()) if "r" in attributes else None
            row, column = place or (row, column + 1)
            cell.clear()
            cell.update(t=attributes.get("t", "n"), s=attributes.get("s", "0"), f=False, v="")
        elif tag == "f" and cell:
            cell["f"] = True
        inside = tag

    def text(content: str) -> None:
        if inside in ("v", "t") and cell:
            cell["v"] += content

    def end(tag: str) -> None:
        nonlocal inside
        inside = ""
        if tag.rpartition(":")[2] != "c" or not cell:
            return
        if cell["t"] == "n" and cell["s"] in percent_styles:
            percent.append((row, column))
        if cell["t"] in ("e", "b"):
            texts.append((row, column, cell["v"].strip() if cell["t"] == "e" else "FALSE" if cell["v"].strip() in ("0", "false") else "TRUE"))
        elif cell["f"] and not cell["v"].strip() and cell["t"] != "str":
            texts.append((row, column, UNCALCULATED))
        cell.clear()

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, text, end
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(xml, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from error
    return Marks(percent, texts)


def _no_doctype(*_: object) -> None:
    raise ValueError("DOCTYPE")


# ---- xls and ods: rare, so what they need is imported when it is needed ----


def _xls_marks(parts: dict[str, Part], data: bytes) -> tuple[dict[str, Marks], dict]:
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=data, formatting_info=True, logfile=io.StringIO())
    except Exception as error:  # xlrd raises whatever the damaged bytes lead it to
        raise ValueError(str(error)) from error
    marks = {}
    for sheet in book.sheets():
        percent, texts = [], []
        for row in range(min(sheet.nrows, ROWS)):
            for column, cell in enumerate(sheet.row(row)):
                if cell.ctype == xlrd.XL_CELL_ERROR:
                    texts.append((row, column, xlrd.error_text_from_code.get(cell.value, "#ERROR!")))
                elif cell.ctype == xlrd.XL_CELL_BOOLEAN:
                    texts.append((row, column, "TRUE" if cell.value else "FALSE"))
                elif cell.ctype == xlrd.XL_CELL_TEXT and cell.value:
                    texts.append((row, column, cell.value))  # calamine gives 0 for a formula of an .xls whose result is a text
                elif cell.ctype == xlrd.XL_CELL_NUMBER and shows_percent(book.format_map[book.xf_list[cell.xf_index].format_key].format_str):
                    percent.append((row, column))
        merged = tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells)
        marks[sheet.name] = Marks(percent, texts, merged)
    names = {}
    for name in book.name_obj_list:
        if name.name.startswith("pe_") and (match := _REFERENCE.fullmatch(_area_text(name))):
            names[name.name] = ((match[1] or match[2]).replace("''", "'"), int(match[4]) - 1, _column(match[3].encode()))
    return marks, names


def _area_text(name) -> str:
    """Where an .xls name points, as ``Sheet!$A$1``; "" where that is no plain cell."""
    try:
        sheet, row, _, column, _ = name.area2d()
    except Exception:  # xlrd raises for names that are no area
        return ""
    from perfeval_xl.model import cell_name

    return f"'{sheet.name}'!{cell_name(row, column)}"


_OFFICE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"


def _ods_marks(parts: dict[str, Part], data: bytes) -> tuple[dict[str, Marks], dict]:
    from xml.etree import ElementTree

    xml = unpack(*packed(data, parts["content.xml"]))
    if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml:
        raise ValueError("DOCTYPE")
    try:
        root = ElementTree.fromstring(xml)
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    marks = {table.get(f"{_TABLE}name", ""): _ods_table(table) for table in root.iter(f"{_TABLE}table")}
    names = {}
    for one in root.iter(f"{_TABLE}named-range"):
        address = one.get(f"{_TABLE}cell-range-address", "").split(":")[0].replace(".$", "!").replace(".", "!").lstrip("$")
        if one.get(f"{_TABLE}name", "").startswith("pe_") and (match := _REFERENCE.fullmatch(address)):
            names[one.get(f"{_TABLE}name")] = ((match[1] or match[2]), int(match[4]) - 1, _column(match[3].encode()))
    return marks, names


def _ods_table(table) -> Marks:
    percent, texts, merged = [], [], []
    row = 0
    for line in table.iter(f"{_TABLE}table-row"):
        column = 0
        for cell in line:
            repeat = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            kind = cell.get(f"{_OFFICE}value-type")
            if kind == "percentage":
                percent += [(row, column + n) for n in range(min(repeat, COLUMNS))]
            text = "".join(cell.itertext()) if kind in ("string", "float", "boolean") else ""
            if kind == "boolean" or (text.startswith(("#", "Err:")) and cell.get(f"{_TABLE}formula")):
                texts.append((row, column, text))
            high, wide = (int(cell.get(f"{_TABLE}number-{axis}-spanned", "1")) for axis in ("rows", "columns"))
            if high > 1 or wide > 1:
                merged.append((row, column, row + high - 1, column + wide - 1))
            column += repeat
        row += int(line.get(f"{_TABLE}number-rows-repeated", "1"))
    return Marks(percent, texts, tuple(merged))
