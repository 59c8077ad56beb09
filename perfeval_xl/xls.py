"""An old workbook (.xls) -> grids, by xlrd alone: it is slow and written in Python, so that a record which lies about its length or its extent
ends in an error. A compiled reader asked for as much memory as such a record claims, and took the process down with it.

What acts by itself is found in the records and named; the formulas and macros themselves are not read.
"""

import io
import struct
from typing import Any, NamedTuple

from perfeval_xl import compound, gate, looks
from perfeval_xl.looks import Look
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import as_percent, shows_percent

#: records by number: a sheet and its kind, a source outside, a query, a link to a database
_SHEET, _SOURCE, _QUERIES = 0x85, 0x1AE, (0x1AD, 0xDC, 0x876)
#: what a source says of itself where it is this very workbook, or a function of an add-in
_INSIDE = (0x0401, 0x3A01)
#: to a point
_TWIPS = 20
_WHITE = (255, 255, 255)


class Table(NamedTuple):
    """One sheet: its name, whether it can be seen, its rows, its merged areas, and what hides figures on it."""

    name: str
    visible: bool
    rows: list[list]
    merged: tuple[tuple[int, int, int, int], ...]
    look: Look


class Old(NamedTuple):
    """The workbook: its sheets, where its ``pe_...`` names point (sheet, row, column), and what in it acts by itself."""

    tables: list[Table]
    names: dict[str, tuple[str, int, int]]
    acts: list[Finding]


def read(data: bytes) -> Old:
    """Reads an .xls. Refused with a password (X104) and beyond the limits of ``gate``; ValueError where the bytes are damaged."""
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=compound.workbook(data), formatting_info=True, ragged_rows=True, on_demand=True,
                                  logfile=io.StringIO())
        gate.hold("sheets", book.nsheets)
        names, acts = _names(book), _acts(book, data)
        return Old([_table(xlrd, book, n) for n in range(book.nsheets)], names, acts)
    except (Refusal, MemoryError):
        raise
    except Exception as error:  # xlrd raises whatever the damaged bytes lead it to
        if "encrypted" in str(error):
            raise Refusal("X104") from None
        raise ValueError(str(error)) from error


def _table(xlrd: Any, book: Any, n: int) -> Table:
    sheet, extent = book.sheet_by_index(n), gate.Extent()
    rows, width, percent = [], 0, {}
    for row in range(sheet.nrows):
        line = [_value(xlrd, book, cell, percent) for cell in sheet.row(row)]
        while line and line[-1] == "":
            line.pop()
        if line:
            width = max(width, len(line))
            extent.add(row, width - 1)
        rows.append(line)
    while rows and not rows[-1]:
        rows.pop()
    for line in rows:
        line += [""] * (width - len(line))
    low = frozenset(row for row, info in sheet.rowinfo_map.items() if info.hidden or info.height < looks.LOW * _TWIPS)
    narrow = frozenset(column for column, info in sheet.colinfo_map.items() if info.hidden or info.width < looks.NARROW * 256)
    merged = tuple((top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells)
    found = Table(sheet.name, sheet.visibility == 0, rows, merged, Look(low, narrow, *_styled(book, sheet)))
    book.unload_sheet(n)
    return found


def _value(xlrd: Any, book: Any, cell: Any, percent: dict[int, bool]) -> Any:
    if cell.ctype == xlrd.XL_CELL_NUMBER:
        if cell.xf_index not in percent:
            percent[cell.xf_index] = shows_percent(_format(book, cell.xf_index))
        return as_percent(cell.value) if percent[cell.xf_index] else cell.value
    if cell.ctype == xlrd.XL_CELL_TEXT:
        return cell.value
    if cell.ctype == xlrd.XL_CELL_DATE:
        return _moment(xlrd, book, cell)
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return "TRUE" if cell.value else "FALSE"
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return xlrd.error_text_from_code.get(cell.value, "#ERROR!")
    return ""


def _format(book: Any, xf: int) -> str:
    return book.format_map[book.xf_list[xf].format_key].format_str


def _moment(xlrd: Any, book: Any, cell: Any) -> Any:
    """A day, a time or both, as the cell shows it; the number where it is none."""
    if cell.value < 0:
        return cell.value
    try:
        moment = xlrd.xldate.xldate_as_datetime(cell.value, book.datemode)
    except (ValueError, OverflowError):
        return cell.value
    return moment.time() if cell.value < 1 else moment.date() if cell.value == int(cell.value) else moment


def _styled(book: Any, sheet: Any) -> tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int]]]:
    """The cells that nobody can read, and those whose format shows another figure."""
    unseen, other = set(), set()
    for n, style in enumerate(book.xf_list):
        font, ground = book.font_list[style.font_index], style.background
        back = _WHITE if ground.fill_pattern == 0 else book.colour_map.get(ground.pattern_colour_index) if ground.fill_pattern == 1 else None
        code = _format(book, n)
        if font.height < looks.LOW * _TWIPS or looks.alike(book.colour_map.get(font.colour_index), back) or looks.format_hides(code):
            unseen.add(n)
        elif looks.format_shows_other(code):
            other.add(n)
    cells = [(row, column, sheet.cell_xf_index(row, column)) for row in range(sheet.nrows) for column in range(sheet.row_len(row))] if (
        unseen or other) else []
    return (frozenset((row, column) for row, column, style in cells if style in unseen),
            frozenset((row, column) for row, column, style in cells if style in other))


def _names(book: Any) -> dict[str, tuple[str, int, int]]:
    found = {}
    for name in book.name_obj_list:
        if name.name.startswith("pe_"):
            try:
                sheet, row, _, column, _ = name.area2d()
            except Exception:  # xlrd raises for names that are no area
                continue
            found[name.name] = (sheet.name, row, column)
    return found


def _acts(book: Any, data: bytes) -> list[Finding]:
    codes: dict[str, str] = {}
    for stream, code in (("_VBA_PROJECT_CUR", "X401"), ("MBD0", "X405")):
        if stream.encode("utf-16-le") in data:
            codes[code] = stream
    for name in book.name_obj_list:
        if name.name.lower().startswith(("auto_open", "auto_close", "auto_activate")):
            codes["X402"] = name.name
    place, end = book.base, book.base + book.stream_len
    while place + 4 <= end:
        kind, size = struct.unpack_from("<HH", book.mem, place)
        body = bytes(book.mem[place + 4 : place + 4 + size])
        if kind == _SHEET and size > 8 and body[5] == 1:
            codes["X402"] = body[8:].decode("utf-16-le" if body[7] & 1 else "latin-1", "replace")
        elif kind == _SOURCE and size > 4:
            length = int.from_bytes(body[2:4], "little")
            if length not in _INSIDE:
                text = body[5:].decode("utf-16-le" if body[4] & 1 else "latin-1", "replace")[:length]
                codes["X404" if "\x03" in text else "X403"] = text.replace("\x03", " ").rpartition("\\")[2].strip("\x01\x02")[:60] or "?"
        elif kind in _QUERIES:
            codes["X406"] = "query"
        place += 4 + size
    return [Finding(code, "".join(one if one.isprintable() else " " for one in what)) for code, what in sorted(codes.items())]
