"""The file of a written report (.docx, .txt, .pdf) -> its lines: paragraphs and tables, with no idea yet of what they say.

A report is untrusted like a form: its zip directory is read by ``container`` within limits, an XML part with a DOCTYPE is refused, and a PDF is
taken apart in a process of its own (``pdf_text``). Text out of a PDF is lines as printed; a table in it is told by its lines of figures.
"""

import codecs
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from perfeval_xl.gate import Package
from perfeval_xl.messages import Refusal
from perfeval_xl.numbers import tidy
from perfeval_xl.patterns import Pattern

#: a report has some 20 pages: 50 KB of text, 200 KB as .docx without pictures
FILE_BYTES, TEXT = 50_000_000, 500_000
_WORD_OLD, _ZIP, _PDF = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b"%PDF"
NUMERAL = "[一二三四五六七八九十]"
#: how a heading or a point of a list begins
NUMBERED = Pattern(rf"第?{NUMERAL}{{1,3}}(?:、|部分|章)|[（(](?:{NUMERAL}{{1,3}}|[0-9]{{1,2}})[）)]|[0-9]{{1,2}}[.．、](?![0-9])")


class Line(NamedTuple):
    """A line of a text, or a paragraph or table of a .docx (then it is ``whole``); ``level`` is the outline level of its style, 0 for none."""

    text: str
    rows: tuple = ()
    whole: bool = False
    level: int = 0


def load(path: str) -> list[Line]:
    """The lines of a report; what cannot be read is refused with one line that says what to do. Never writes, never runs anything of it."""
    file = os.path.basename(os.path.normpath(path))
    data = _bytes(path, file)
    if data.startswith(_WORD_OLD):
        raise Refusal("X104" if "EncryptedPackage".encode("utf-16-le") in data else "X322", file=file)
    if data.startswith(_ZIP):
        lines = _docx_lines(data, file)
    elif data.startswith(_PDF):
        lines = text_lines(_pdf(path, file))
    else:
        if os.path.splitext(file)[1].lower() not in ("", ".txt", ".text", ".md"):
            raise Refusal("X321", file=file)
        text = _decoded(data, file)
        if len(text) > 4 * TEXT:  # blanks and line breaks included; whatever has more need not be taken apart first
            raise Refusal("X326", file=file, stated=f"{len(text)} 字", expected=f"{TEXT} 字")
        lines = text_lines(text)
    size = sum(len(line.text) + sum(len(cell) for row in line.rows for cell in row) for line in lines)
    if not size:
        raise Refusal("X324", file=file)
    if size > TEXT:
        raise Refusal("X326", file=file, stated=f"{size} 字", expected=f"{TEXT} 字")
    return lines


def _bytes(path: str, file: str) -> bytes:
    try:
        if os.path.isdir(path):
            raise Refusal("X325", file=file)
        with open(path, "rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise Refusal("X321", file=file)
            if status.st_size > FILE_BYTES:
                raise Refusal("X326", file=file, stated=f"{status.st_size // 10**6} MB", expected=f"{FILE_BYTES // 10**6} MB")
            data = stream.read()
    except FileNotFoundError:
        raise Refusal("X101", file=path) from None
    except (OSError, ValueError) as error:
        raise Refusal("X112", file=file, why=getattr(error, "strerror", None) or error) from None
    if not data.strip():
        raise Refusal("X324", file=file)
    return data


def _decoded(data: bytes, file: str) -> str:
    """UTF-16 by its mark, else UTF-8, else GB 18030, the Chinese standard that Notepad writes as ANSI."""
    wide = data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for encoding in ("utf-16",) if wide else ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise Refusal("X321", file=file)


def _pdf(path: str, file: str) -> str:
    """The text of a PDF, taken out by a worker: a file that brings its reader down, or keeps it busy, costs no more than itself."""
    from importlib.util import find_spec

    from perfeval_xl import contain, pdf_text

    if find_spec("pypdf") is None:
        raise Refusal("X323", file=file)
    (text,) = contain.each(pdf_text.read, [path], lambda path, refusal: refusal, TEXT)
    if isinstance(text, Refusal):
        raise text
    return text


#: a cell of figures in a printed table, and one of words
_FIGURE = Pattern("[≥≤><=＞＜]?[-－]?[0-9０-９][0-9０-９.,，．]*(?:[%％‰]|[\u4e00-\u9fff]{1,4})?|[-—/]{1,2}")
_WORDS = Pattern("[^，。；：,;:！？]{1,24}")


def text_lines(text: str) -> list[Line]:
    """The lines of a text; cells parted by tabs or by |, and lines of figures as a printed table leaves them, are tables."""
    lines: list[Line] = []
    table: list[tuple[str, ...]] = []
    printed = [line for raw in re.split("[\r\n\v\f\x85\u2028\u2029]+", text) if (line := raw.strip("\r\n"))]
    for n, raw in enumerate(printed):
        cells = _row(raw) or _printed_row(raw) or _heading_row(raw, printed[n + 1 : n + 2])
        if cells := cells or (_piece(raw, printed[n + 1 : n + 3]) if table else ()):
            table.append(cells)
            continue
        if not (line := raw.strip().strip("\u3000")):
            continue
        if table:
            lines.append(Line("", tuple(table)))
            table = []
        lines.append(Line(line))
    return [*lines, Line("", tuple(table))] if table else lines


def _row(line: str) -> tuple[str, ...]:
    """The cells that tabs or | part."""
    if line.count("\t") >= 2:
        return tuple(cell.strip() for cell in line.split("\t"))
    return tuple(cell.strip() for cell in line.strip("| ").split("|")) if line.count("|") >= 2 else ()


def _printed_row(line: str) -> tuple[str, ...]:
    """A name, perhaps a second one, and nothing but figures behind it: 投入管理指标 30 29.84 99.47%."""
    cells = _glued(line).split()
    if len(cells) < 3 or _FIGURE.fullmatch(cells[0]) or not all(_FIGURE.fullmatch(cell) for cell in cells[-2:]):
        return ()
    names = next((n for n, cell in enumerate(cells) if _FIGURE.fullmatch(cell)), 0)
    right = names <= 4 and all(_FIGURE.fullmatch(cell) for cell in cells[names:]) and all(_WORDS.fullmatch(cell) for cell in cells[:names])
    return tuple(cells) if right else ()


def _glued(line: str) -> str:
    """A printed line without the blanks that a change of fonts leaves between a figure and its unit."""
    return re.sub("(?<=[0-9.]) +(?=[\u4e00-\u9fff]{1,4}(?: |$))|(?<=[≥≤]) +(?=[0-9])", "", line)


def _piece(line: str, following: list[str]) -> tuple[str, ...]:
    """A piece of a row whose name took two lines, inside a table of figures: the name's end, or the figures alone."""
    cells = _glued(line).split()
    if len(cells) >= 2 and all(_FIGURE.fullmatch(cell) for cell in cells):
        return tuple(cells)
    name = len(cells) == 1 and len(cells[0]) <= 16 and _WORDS.fullmatch(cells[0]) is not None and not NUMBERED.match(cells[0])
    goes_on = any(_printed_row(one) or all(_FIGURE.fullmatch(cell) for cell in one.split()) for one in following)
    return tuple(cells) if name and goes_on else ()


def _heading_row(line: str, following: list[str]) -> tuple[str, ...]:
    """Words above a line of figures, one for each of its cells."""
    cells = line.split()
    below = _printed_row(following[0]) if following else ()
    return tuple(cells) if len(cells) == len(below) >= 3 and not re.search("[0-9０-９，。；：]", line) else ()


#: more columns than any table of a report has
_COLUMNS = 64
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_W_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
#: deleted text, what an older program would show instead, and codes of fields are not the text
_SKIPPED = frozenset(("del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "rPr", "tblPr", "sectPr"))


def _docx_lines(data: bytes, file: str) -> list[Line]:
    from xml.etree import ElementTree

    try:
        package = Package(data)
        if "word/document.xml" not in package:
            raise Refusal("X321", file=file)
        package.check_sizes()
        body, levels = package.part("word/document.xml"), _Styles(package.part("word/styles.xml"))
        for xml in (body, levels.xml):
            if b"<!DOCTYPE" in xml or b"<!ENTITY" in xml or xml[:2] in (b"\xff\xfe", b"\xfe\xff"):
                raise Refusal("X321", file=file)
        root = ElementTree.fromstring(body)
    except Refusal as refusal:
        if refusal.code in ("X114", "X119"):
            raise Refusal("X326", file=file, stated=refusal.args_["stated"], expected=refusal.args_["expected"]) from None
        raise Refusal("X321", file=file) from None
    except (ElementTree.ParseError, RecursionError):
        raise Refusal("X321", file=file) from None
    lines: list[Line] = []
    try:
        _walk(root, lines, levels)
    except RecursionError:
        raise Refusal("X321", file=file) from None
    return lines


_STYLE_NAME = Pattern(rb"<w:name w:val=\"(?:heading|\xe6\xa0\x87\xe9\xa2\x98) ?([1-9])\"", re.I)
_STYLE_OUTLINE = Pattern(rb"<w:outlineLvl w:val=\"([0-8])\"")
_STYLE_CONTENTS = Pattern(rb"<w:name w:val=\"toc ", re.I)


class _Styles(dict):
    """Style id -> outline level from 1, -1 for a line of a table of contents, 0 for any other; looked up when first met."""

    def __init__(self, xml: bytes) -> None:
        super().__init__()
        self.xml = xml

    def __missing__(self, key: str) -> int:
        start = self.xml.find(b'w:styleId="%s"' % key.encode())
        style = self.xml[start : self.xml.find(b"</w:style>", start)] if start >= 0 else b""
        name, outline = _STYLE_NAME.search(style), _STYLE_OUTLINE.search(style)
        self[key] = int(outline[1]) + 1 if outline else int(name[1]) if name else -1 if _STYLE_CONTENTS.search(style) else 0
        return self[key]


def _name(element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _walk(element, lines: list[Line], levels: _Styles) -> None:
    for child in element:
        name = _name(child)
        if name in _SKIPPED:
            continue
        if name == "p":
            _paragraph(child, lines, levels)
        elif name == "tbl":
            rows = tuple(tuple(_cells(row)) for row in child.iter() if _name(row) == "tr")
            lines.append(Line("", rows, True))
        else:
            _walk(child, lines, levels)


def _cells(row) -> Iterator[str]:
    """The cells of a table's row, one for each column: a wide cell is followed by empty ones."""
    for cell in row:
        if _name(cell) in ("tc", "sdt"):
            yield tidy(_cell(cell))
            span = next((_attribute(one, "val") for one in cell.iter() if _name(one) == "gridSpan"), "")
            yield from [""] * (min(int(span), _COLUMNS) - 1 if span.isdigit() else 0)


def _attribute(element, name: str) -> str:
    return element.get(_W + name) or element.get(_W_STRICT + name) or ""


def _paragraph(paragraph, lines: list[Line], levels: _Styles) -> None:
    level = 0
    for properties in paragraph:
        if _name(properties) == "pPr":
            for one in properties:
                if _name(one) == "pStyle":
                    level = levels[_attribute(one, "val")]
                elif _name(one) == "outlineLvl" and (value := _attribute(one, "val")).isdigit() and int(value) < 9:
                    level = int(value) + 1
    if level < 0:
        return
    # lines broken inside a paragraph by hand stay apart where the next begins with a number
    for n, text in enumerate(part for part in re.split(rf"\n(?=\s*(?:{NUMBERED.text}))", _cell(paragraph)) if part.strip()):
        lines.append(Line(text.replace("\n", "").strip(), whole=True, level=level if not n else 0))


def _cell(element) -> str:
    """All text inside an element, deletions left out; paragraphs and breaks are line breaks."""
    text: list[str] = []

    def gather(one) -> None:
        for child in one:
            name = _name(child)
            if name in _SKIPPED:
                continue
            if name == "t":
                text.append(child.text or "")
            elif name == "tab":
                text.append("\t")
            elif name in ("br", "cr"):
                text.append("\n")
            elif name == "noBreakHyphen":
                text.append("-")
            else:
                gather(child)
                if name == "p":
                    text.append("\n")

    gather(element)
    return "".join(text).strip("\n")
