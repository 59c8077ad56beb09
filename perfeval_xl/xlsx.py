"""The parts of an .xlsx or .xlsm -> what may be read of it: its sheets, how their cells are written, which number cells are shown as percentages,
which cells hold formula errors (calamine gives an empty cell for them), and where the ``pe_...`` names point.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl import gate, pieces
from perfeval_xl.container import as_is, pack, unpack
from perfeval_xl.gate import Package
from perfeval_xl.messages import Refusal
from perfeval_xl.model import UNCALCULATED, column_number, shows_percent
from perfeval_xl.patterns import Pattern

#: first row, first column, last row, last column
Area = tuple[int, int, int, int]
#: a packed part: packing, size and checksum of its content, bytes
Packed = tuple[int, int, int, bytes]


class Marks(NamedTuple):
    """What calamine does not tell about one sheet, by zero-based cell: what is shown as a percentage, the texts of cells that it gives as
    empty or as a truth value (formula errors, formulas without result, TRUE and FALSE), and the merged areas, None where it does tell them."""

    percent: Sequence[tuple[int, int]] = ()
    texts: Sequence[tuple[int, int, str]] = ()
    merged: tuple[Area, ...] | None = None


class Styles(NamedTuple):
    """What is needed of the cell styles: the numbers of those that show a percentage, and of those that may show a date; and the number formats
    alone, which is all that calamine looks for among them."""

    percent: frozenset[bytes]
    dated: frozenset[bytes]
    formats: bytes


#: a sheet as the workbook lists it: its part, whether it can be seen, whether it is surely one of cells, and no chart
Listed = tuple[str, bool, bool]


class Contents:
    """What may be read: the sheets by their names, the part of each that is there (``xml``), how its cells are written, what calamine would not
    tell of those that are written in an unusual way, what the names point at, the styles, the shared texts where they are written as usual, and
    the other parts for calamine."""

    __slots__ = ("marks", "names", "others", "sheets", "styles", "texts", "written", "xml")

    def __init__(self, sheets: dict[str, Listed], names: dict[str, tuple[str, int, int]], styles: Styles, texts: list[str] | None,
                 others: dict[str, Packed]) -> None:
        self.sheets, self.names, self.styles, self.texts, self.others = sheets, names, styles, texts, others
        self.xml: dict[str, bytes] = {}
        self.written: dict[str, pieces.Cells] = {}
        self.marks: dict[str, Marks] = {}


_SHEET = Pattern(rb"<(?:\w+:)?sheet\b([^>]*)>")
#: a relation of a part to another, its attributes
RELATION = Pattern(rb"<(?:\w+:)?Relationship\b([^>]*)>")
_NAME = Pattern(rb'<(?:\w+:)?definedName\b[^>]*\bname="(pe_(?:edition|department|project|year|form_version))"[^>]*>([^<]*)<')
#: a reference to a cell, or to an area by its first one
REFERENCE = Pattern(r"(?:'((?:[^']|'')+)'|([^'!]+))!\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::.*)?")
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


def _place(cell: bytes) -> tuple[int, int] | None:
    """b"I18" -> (17, 8), None for what is no cell."""
    letters = cell.rstrip(b"0123456789")
    if not letters.isalpha() or len(letters) > 3 or len(letters) == len(cell):
        return None
    return int(cell[len(letters) :]) - 1, column_number(letters.decode())


@lru_cache(maxsize=64)
def _workbook_names(workbook: Packed) -> dict[str, tuple[str, int, int]]:
    """What the pe_ names of a (packed) workbook part point at. Remembered, as all parts are that a district's forms have in common."""
    found, xml = {}, gate.usual(unpack(*workbook))
    for name, target in _NAME.findall(xml) if b"pe_" in xml else ():
        match = REFERENCE.fullmatch(unescape(target.decode("utf-8", "replace")).strip())
        if match:
            sheet = (match[1] or match[2]).replace("''", "'")
            found[name.decode()] = (sheet, int(match[4]) - 1, column_number(match[3]))
    return found


@lru_cache(maxsize=64)
def _listed(workbook: Packed, relations: Packed) -> dict[str, Listed]:
    """The sheets by their names."""
    relations_by_id = {one.get(b"Id", ""): one for one in map(attributes, RELATION.findall(gate.usual(unpack(*relations))))}
    found: dict[str, Listed] = {}
    for raw in _SHEET.findall(gate.usual(unpack(*workbook))):
        sheet = attributes(raw)
        name, relation = sheet.get(b"name", ""), relations_by_id.get(sheet.get(b"id", ""), {})
        target = relation.get(b"Target", "")
        if name in found:
            raise Refusal("X121", why=f"工作表“{name[:31]}”出现两次", why_en=f"sheet {name[:31]} is there twice")
        part = (target.lstrip("/") if target.startswith("/") else f"xl/{target}").lower()
        found[name] = part, sheet.get(b"state", "visible") == "visible", relation.get(b"Type", "").endswith("/worksheet")
    return found


def _check_shared(sheets: dict[str, Listed]) -> None:
    """No part may be two sheets: a small file could hold a large sheet five hundred times."""
    if len({part for part, *_ in sheets.values()}) < len(sheets):
        first = {part: name for name, (part, *_) in reversed(sheets.items())}
        twice = next(name for name, (part, *_) in sheets.items() if first[part] != name)
        raise Refusal("X121", why=f"工作表“{twice[:31]}”没有自己的部件", why_en=f"sheet {twice[:31]} has no part of its own")


_ALONE = (b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts>%s</numFmts><cellXfs>%s</cellXfs>'
          b"</styleSheet>")
#: formats that every program knows by their numbers: those that show a percentage, and those that show neither that nor a date
_PERCENT, _FIGURES = frozenset((9, 10)), frozenset((*range(9), 11, 12, 13, *range(37, 45), 48, 49))
#: a format of a file's own that surely shows no date: apart from quoted texts and what stands for itself it has signs and digits alone
_ITSELF, _NO_DATE = Pattern(r'"[^"]*"|[\\_*][^A-Za-z]'), Pattern(r"[#0?.,;@%+\-() /$]*(?:E\+0+)?|General")


@lru_cache(maxsize=64)
def _styles(packed_styles: Packed) -> Styles:
    styles, percent, figures, own = gate.usual(unpack(*packed_styles)), set(_PERCENT), set(_FIGURES), []
    for raw in _FORMAT.findall(styles):
        own.append(b"<numFmt%s/>" % raw.rstrip(b"/ "))
        own_format = attributes(raw)
        code, number = own_format.get(b"formatCode", ""), own_format.get(b"numFmtId", "")
        if number.isdigit():
            (figures.add if _NO_DATE.fullmatch(_ITSELF.sub("", code).replace("¥", "").replace("￥", "")) else figures.discard)(int(number))
            if shows_percent(code):
                percent.add(int(number))
    block = _CELL_FORMATS.search(styles)
    numbers = [int(number or 0) for number in _XF.findall(block[0])] if block else []
    alone = _ALONE % (b"".join(own), b"".join([b'<xf numFmtId="%d"/>' % number for number in numbers]))
    return Styles(frozenset(b"%d" % n for n, number in enumerate(numbers) if number in percent),
                  frozenset(b"%d" % n for n, number in enumerate(numbers) if number not in figures | _PERCENT), alone)


#: the names by which calamine asks for the parts that it reads
_SHARED = {"_rels/.rels": "_rels/.rels", "xl/workbook.xml": "xl/workbook.xml", "xl/_rels/workbook.xml.rels": "xl/_rels/workbook.xml.rels"}


def contents(package: Package, only: str = "") -> Contents:
    """Looks at all parts that may be read, and holds them against the limits; ``only`` one sheet of them, where it is named."""
    workbook = package.packed("xl/workbook.xml")
    relations = package.packed("xl/_rels/workbook.xml.rels")
    sheets = _listed(workbook, relations)
    gate.hold("sheets", len(sheets))
    _check_shared(sheets)
    package.check_others({part for part, *_ in sheets.values()})
    styles = _styles(package.packed("xl/styles.xml"))
    others = {name: _for_all(package.packed(key)) for key, name in _SHARED.items() if key in package}
    texts: list[str] | None = []
    if "xl/sharedstrings.xml" in package:
        strings = package.open("xl/sharedstrings.xml", others, "xl/sharedStrings.xml")
        gate.check_strings(strings)
        texts = pieces.texts(strings)
        if (bare := gate.bare(strings)) is not strings:
            others["xl/sharedStrings.xml"] = as_is(bare)
    small = [workbook, relations]
    if "xl/styles.xml" in package:
        others["xl/styles.xml"] = as_is(styles.formats)
        small.append(package.packed("xl/styles.xml"))
    if len(others) < len(_SHARED) or not all(map(_well_formed, small)):
        texts = None
    one = Contents(sheets, _workbook_names(workbook), styles, texts, others)
    for name, (part, *_) in sheets.items():
        if part in package and (not only or name == only):
            content = package.part(part)
            one.written[name] = how = pieces.cells(content)
            if how.found is None:
                one.marks[name] = _read_marks(content, styles.percent)
                content = gate.bare(content, True)
            one.xml[name] = content
    return one


@lru_cache(maxsize=64)
def _well_formed(part: Packed) -> bool:
    """Whether a part is XML: calamine, which is not asked about all of them, refuses what is not."""
    import pyexpat as expat  # what xml.parsers.expat is, without three packages around it

    try:
        expat.ParserCreate().Parse(unpack(*part), True)
    except expat.ExpatError:
        return False
    return True


#: bytes; no part that the forms of a district have in common comes near, and a larger one must not stay in the memory
_COMMON = 20_000


def _for_all(packed: Packed) -> Packed:
    """A part for the reader, unpacked once for all forms that have it."""
    return _unpacked(*packed) if packed[1] < _COMMON else packed


@lru_cache(maxsize=256)
def _unpacked(*packed: object) -> Packed:
    return as_is(unpack(*packed))


def for_calamine(one: Contents) -> tuple[bytes, dict[str, Marks]]:
    """The parts that were looked at as a workbook, and what calamine will not tell of each sheet."""
    parts, marks = dict(one.others), dict(one.marks)
    for name, xml in one.xml.items():
        if name not in marks:
            xml, merged = _for_the_reader(xml, one.written[name])
            marks[name] = _marks(one.written[name].found, one.styles.percent, merged)
        parts[one.sheets[name][0]] = as_is(xml)
    return pack(parts), marks


def _marks(found: Sequence[pieces.Cell], percent: frozenset[bytes], merged: tuple[Area, ...] | None) -> Marks:
    return Marks([(row, column) for _, row, column, kind, _, style, _ in found if kind == pieces.NUMBER and style in percent],
                 [(row, column, value if kind == pieces.SAID else UNCALCULATED) for _, row, column, kind, value, *_ in found
                  if kind in (pieces.SAID, pieces.MISSING)], merged)


def merged_areas(xml: bytes, written: pieces.Cells) -> tuple[Area, ...] | None:
    """The merged areas of a sheet; None where they are not written as usual."""
    begin, after = xml.find(b"<mergeCells", written.end), xml.find(b"</mergeCells>", written.end) + 13
    if xml.find(b"mergeCells", 0, written.begin) >= 0 or xml.count(b"mergeCells", written.end) != (2 if 0 <= begin < after else 0):
        return None
    return _merged_areas(xml[begin:after]) if begin >= 0 else ()


def _for_the_reader(xml: bytes, written: pieces.Cells) -> tuple[bytes, tuple[Area, ...] | None]:
    """A sheet without what calamine need not look at, and its merged areas, which are read here: calamine would read the sheet a second time,
    to its end, to find them. As it stands, and None, where they are not written as usual."""
    merged = merged_areas(xml, written)
    if merged is None:
        return xml, None
    root = xml[: xml.find(b">", written.root) + 1]
    # calamine stops looking for merged areas where they end
    return b"%s<mergeCells></mergeCells>%s</worksheet>" % (root, xml[written.begin : written.end]), merged


_AREA = Pattern(rb'"([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"')


@lru_cache(maxsize=256)
def _merged_areas(block: bytes) -> tuple[Area, ...] | None:
    """The merged areas of a sheet; None where they are not written as all programs do it. Remembered: the forms of a district are merged
    alike."""
    head, _, written = block.removesuffix(b"</mergeCells>").partition(b">")
    found = _AREA.findall(written)
    if written != b"".join([b'<mergeCell ref="%s%s:%s%s"/>' % one for one in found]) or head.removeprefix(b"<mergeCells").strip(
            b' count="0123456789'):
        return None
    areas = tuple([(int(top) - 1, column_number(left.decode()), int(bottom) - 1, column_number(right.decode()))
                   for left, top, right, bottom in found])
    return areas if all(0 <= top <= bottom and left <= right for top, left, bottom, right in areas) else None


def _typed(error: bool, text: str) -> str:
    return text if error else "FALSE" if text in ("0", "false") else "TRUE"


def _read_marks(xml: bytes, percent_styles: frozenset[bytes]) -> Marks:
    """The marks of a sheet that is written in an unusual way: by a parser, which holds the extent of the cells against the limits."""
    percent, texts, cell, row, column, inside, extent = [], [], {}, -1, -1, "", gate.Extent()
    styles = {style.decode() for style in percent_styles}

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
        if cell["t"] == "n" and cell["s"] in styles:
            percent.append((row, column))
        if cell["t"] in ("e", "b"):
            texts.append((row, column, _typed(cell["t"] == "e", cell["v"].strip())))
        elif cell["f"] and not cell["v"].strip() and cell["t"] != "str":
            texts.append((row, column, UNCALCULATED))
        cell.clear()

    gate.walk(xml, start, text, end)
    return Marks(percent, texts)


def _row_number(stated: str | None, following: int) -> int:
    return following if stated is None else int(stated) - 1 if stated.isascii() and stated.isdigit() and len(stated) < 9 else 10**8
