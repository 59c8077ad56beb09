"""A drawn form as .xls and as .ods, written byte by byte: what no office program would write must be possible too."""

from __future__ import annotations

import struct
from xml.sax.saxutils import escape, quoteattr

import attacks
from drawing import draw

from perfeval_xl.model import Percent

#: cell styles of the .xls: plain, percent, white letters
PLAIN, PERCENT, WHITE = 0, 1, 2


def record(kind: int, *pieces: bytes) -> bytes:
    """One record of the .xls."""
    body = b"".join(pieces)
    return struct.pack("<2H", kind, len(body)) + body


def text(words: str, wide: bool = True) -> bytes:
    """A text as records hold it, behind a length of two bytes, or of one."""
    return struct.pack("<HB" if wide else "<BB", len(words), 1) + words.encode("utf-16-le")


def _font(colour: int, height: int = 220) -> bytes:
    return record(0x31, struct.pack("<5H4B", height, 0, colour, 400, 0, 0, 0, 134, 0), text("宋体", False))


def _style(font: int, number: int) -> bytes:
    return record(0xE0, struct.pack("<3H", font, number, 1), bytes(12), struct.pack("<H", 0x20C0))


def book(picture: str = attacks.FORM, white: tuple[str, ...] = (), names: tuple[str, ...] = ("表",), kinds: tuple[int, ...] = (0,),
         more: bytes = b"", at_sheet: bytes = b"", dimension: tuple[int, int] | None = None) -> bytes:
    """The stream of the workbook. ``white``: cells in white letters; ``kinds``: of the sheets (1 = Excel 4 macros); ``more`` records among those of
    the workbook, ``at_sheet`` among those of each sheet; ``dimension``: rows and columns that the sheet claims."""
    head = record(0x809, struct.pack("<4H2L", 0x600, 5, 0, 0, 0, 0)) + record(0x42, struct.pack("<H", 1200))
    head += b"".join(_font(0x7FFF) for _ in range(4)) + _font(9)
    head += _style(0, 0) + _style(0, 9) + _style(5, 0) + more
    sheet = _sheet(picture, white, at_sheet, dimension)
    entries = [record(0x85, struct.pack("<L2B", 0, 0, kind), text(name, False)) for name, kind in zip(names, kinds, strict=True)]
    place, bound = len(head) + sum(map(len, entries)) + 4, []
    for n, entry in enumerate(entries):
        bound.append(entry[:4] + struct.pack("<L", place + n * len(sheet)) + entry[8:])
    return head + b"".join(bound) + record(0x0A) + sheet * len(names)


def _sheet(picture: str, white: tuple[str, ...], more: bytes, dimension: tuple[int, int] | None) -> bytes:
    drawn = draw(picture)
    out = [record(0x809, struct.pack("<4H2L", 0x600, 16, 0, 0, 0, 0))]
    rows, columns = dimension or (len(drawn.rows), len(drawn.rows[0]))
    out.append(record(0x200, struct.pack("<2L3H", 0, rows, 0, columns, 0)))
    for row, line in enumerate(drawn.rows):
        for column, value in enumerate(line):
            style = WHITE if f"{chr(65 + column)}{row + 1}" in white else PERCENT if type(value) is Percent else PLAIN
            if isinstance(value, (int, float)):
                out.append(record(0x203, struct.pack("<3Hd", row, column, style, float(value))))
            elif value != "":
                out.append(record(0x204, struct.pack("<3H", row, column, style), text(str(value))))
    merged = [struct.pack("<4H", top, bottom, left, right) for top, left, bottom, right in drawn.merged]
    return b"".join(out) + record(0xE5, struct.pack("<H", len(merged)), *merged) + more + record(0x0A)


def compound(stream: bytes, name: str = "Workbook", least: int = 4096, table: dict[int, int] | None = None, others: tuple[str, ...] = ()) -> bytes:
    """The compound file around a stream. ``table``: entries of the sector table that say something else; ``others``: names of empty streams."""
    stream += bytes(-len(stream) % 512 + (0 if len(stream) >= least else least - len(stream) // 512 * 512))
    count = len(stream) // 512
    directory = _entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + _entry(name, 2, 2 + 4, len(stream))
    directory += b"".join(_entry(one, 2, 0xFFFFFFFE, 0) for one in others)
    directory += bytes(-len(directory) % 512)
    assert len(directory) <= 4 * 512
    directory += bytes(4 * 512 - len(directory))
    chain = [0xFFFFFFFD, 0xFFFFFFFD, 3, 4, 5, 0xFFFFFFFE, *range(7, 6 + count), 0xFFFFFFFE]
    for place, value in (table or {}).items():
        chain[place] = value
    sat = struct.pack(f"<{len(chain)}L", *chain)
    assert len(sat) <= 1024
    sat += b"\xff" * (1024 - len(sat))
    head = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
            + struct.pack("<8L", 2, 2, 0, least, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<2L", 0, 1) + b"\xff" * 4 * 107)
    return head + sat + directory + stream


def _entry(name: str, kind: int, start: int, size: int, child: int = 0xFFFFFFFF) -> bytes:
    raw = name.encode("utf-16-le") + b"\0\0"
    return (raw + bytes(64 - len(raw)) + struct.pack("<H2B3L", len(raw), kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child) + bytes(36)
            + struct.pack("<2L", start, size) + bytes(4))


def xls(**how: object) -> bytes:
    """The drawn form as .xls."""
    return compound(book(**how))


# ---- .ods ----

_SPACES = "".join(f' xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for prefix, name in (
    ("office", "office"), ("table", "table"), ("text", "text"), ("style", "style"), ("fo", "xsl-fo-compatible"), ("draw", "drawing"),
    ("script", "script"))) + ' xmlns:xlink="http://www.w3.org/1999/xlink"'
_STYLES = ('<style:style style:name="white" style:family="table-cell"><style:text-properties fo:color="#ffffff"/></style:style>'
           '<style:style style:name="tiny" style:family="table-cell"><style:text-properties fo:font-size="1pt"/></style:style>'
           '<style:style style:name="low" style:family="table-row"><style:table-row-properties style:row-height="0.01cm"/></style:style>'
           '<style:style style:name="narrow" style:family="table-column"><style:table-column-properties style:column-width="0.01cm"/></style:style>')


def content(picture: str = attacks.FORM, rows: dict[int, str] | None = None, cells: dict[str, str] | None = None, columns: str = "",
            behind: str = "", before: str = "") -> bytes:
    """content.xml of the drawn form: attributes more of some rows and cells, columns, and what stands behind the table or before the body."""
    drawn, lines = draw(picture), []
    for row, line in enumerate(drawn.rows):
        found = []
        for column, value in enumerate(line):
            more = (cells or {}).get(f"{chr(65 + column)}{row + 1}", "")
            more += "".join(f' table:number-rows-spanned="{bottom - top + 1}" table:number-columns-spanned="{right - left + 1}"'
                            for top, left, bottom, right in drawn.merged if (top, left) == (row, column))
            if isinstance(value, (int, float)):
                kind = "percentage" if type(value) is Percent else "float"
                found.append(f'<table:table-cell office:value-type="{kind}" office:value="{float(value)}"{more}/>')
            elif value == "":
                found.append(f"<table:table-cell{more}/>")
            else:
                found.append(f'<table:table-cell office:value-type="string"{more}><text:p>{escape(str(value))}</text:p></table:table-cell>')
        lines.append(f"<table:table-row{(rows or {}).get(row + 1, '')}>{''.join(found)}</table:table-row>")
    return (f"<office:document-content{_SPACES}>{before}<office:automatic-styles>{_STYLES}</office:automatic-styles><office:body>"
            f"<office:spreadsheet><table:table table:name={quoteattr('表')}>{columns}{''.join(lines)}</table:table>{behind}"
            "</office:spreadsheet></office:body></office:document-content>").encode()


def ods(xml: bytes = b"", **more: bytes) -> bytes:
    """The document around it; ``more`` parts, ``__`` for a slash."""
    return attacks.packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": xml or content(),
                           "META-INF/manifest.xml": b"<manifest/>", **{name.replace("__", "/"): data for name, data in more.items()}})
