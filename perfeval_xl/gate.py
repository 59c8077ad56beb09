"""The gate that every file from outside passes before any parser sees it.

Small parts and those that are written as every spreadsheet program writes them are looked at by patterns, the cells of a sheet by ``pieces``;
whatever is written otherwise (which is allowed) is walked by expat, which counts as it goes and stops at the first thing beyond a limit. Where
calamine reads a workbook, it gets the parts that were looked at, packed anew, and no others.

``LIMITS`` is the one table of how large a form may be. ``PERFEVAL_LIMITS="rows=30000,cells=500000"`` or ``check --limits`` changes it.
"""

import os
import re
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl.container import Part, directory, packed, unpack
from perfeval_xl.messages import Refusal
from perfeval_xl.patterns import Pattern


class Limit(NamedTuple):
    """How much of something a file may hold: the number, the code of the refusal, its name and the reason, in Chinese and English."""

    most: int
    code: str
    what: tuple[str, str]
    reason: tuple[str, str]


#: a filled form has some 60 rows and 12 columns in 15 KB; each figure leaves a hundred times that and stops what was measured to hurt
LIMITS = {
    "file": Limit(20_000_000, "X114", ("文件大小（字节）", "file size in bytes"),
        ("一张表约 15 KB，贴了照片的也不过几 MB", "a form has 15 KB, one with photographs a few MB")),
    "parts": Limit(1_000, "X119", ("部件数", "parts"),
        ("一张表约 10 个部件，每个工作表多一两个", "a form has ten parts, each sheet adds one or two")),
    "part": Limit(64_000_000, "X119", ("部件解压后的大小（字节）", "unpacked size of a part in bytes"),
        ("最大的部件约 50 KB；1 GB 的空格只占 1 MB", "the largest part has 50 KB; 1 GB of blanks is packed into 1 MB")),
    "all": Limit(256_000_000, "X119", ("全部解压后的大小（字节）", "unpacked size of all parts in bytes"),
        ("读一个文件最多用 1 GB 内存", "reading one file must fit into 1 GB of memory")),
    "ratio": Limit(200, "X119", ("压缩比", "ratio of packing"),
        ("只看解压后超过 1 MB 的部件；真实的表 5 到 40 倍，炸弹 1000 倍", "of parts above 1 MB; real forms have 5 to 40, a bomb has 1000")),
    "rows": Limit(20_000, "X114", ("行数", "rows"),
        ("一张表约 60 行", "a form has some 60 rows")),
    "columns": Limit(512, "X114", ("列数", "columns"),
        ("一张表约 12 列；LibreOffice 有时写满 1024 列的空格，空格不计", "a form has some 12; blank cells do not count")),
    "cells": Limit(300_000, "X114", ("单元格数", "cells"),
        ("行数乘列数；角上一个孤立的单元格会让读取程序要 512 GB 内存",
         "rows times columns; a lone cell in the last corner makes the reader ask for 512 GB")),
    "grids": Limit(3_000_000, "X114", ("全部工作表的单元格数", "cells of all sheets"),
        ("一百个部门各一个工作表约 10 万格；几百个只有角上有值的工作表会占满内存",
         "a sheet for each of a hundred departments has 100,000; hundreds of sheets with a cell in each corner fill the memory")),
    "merges": Limit(5_000, "X114", ("合并单元格数", "merged areas"),
        ("一张表约 60 处；5 万处要读 3.5 秒", "a form has some 60; 50,000 take 3.5 s")),
    "merged": Limit(50_000_000, "X114", ("合并区域的总格数", "cells in merged areas"),
        ("误合并十几整列有 1500 万格，读得了；超过 20 万格的表，批注版重新画，不交给 openpyxl",
         "a dozen whole columns merged by accident are 15 million and can be read; beyond 200,000 openpyxl is spared the file")),
    "sheets": Limit(500, "X120", ("工作表数", "sheets"),
        ("全区各部门一个工作表也不过一百多个", "a sheet for every department of a district is a hundred")),
    "strings": Limit(200_000, "X120", ("文字条数", "texts"),
        ("一张表约 200 条；谎报的条数会让读取程序中止", "a form has 200; a false count makes the reader abort")),
    "styles": Limit(65_000, "X120", ("单元格样式数", "cell styles"),
        ("Excel 自己的上限约 65000", "Excel's own limit")),
    "names": Limit(20_000, "X120", ("名称数", "defined names"),
        ("一张表约 10 个；多年沿用的工作簿会积下几千个", "a form has ten; old workbooks collect thousands")),
    "notes": Limit(20_000, "X120", ("批注数", "notes"),
        ("一张表几十条", "a form has dozens")),
    "validations": Limit(5_000, "X120", ("数据验证数", "validations"),
        ("一张表约 20 条", "a form has twenty")),
    "depth": Limit(100, "X120", ("嵌套层数", "nesting"),
        ("真实的部件不超过 15 层；有的解析程序会用尽栈", "real parts have 15 levels; some parsers run out of stack")),
    "seconds": Limit(30, "X124", ("检查秒数", "seconds for a file"),
        ("一张表约 1 毫秒；只在批量时计", "a form takes 1 ms; held in runs over many files")),
    "memory": Limit(2_000_000_000, "X125", ("内存（字节）", "memory in bytes"),
        ("一张表约 30 MB；只在批量时计", "a form takes 30 MB; held in runs over many files")),
}

_now: dict[str, int] = {}
_read_from = ""


def look_up() -> None:
    """Brings the figures that hold up to date: of ``LIMITS``, or as PERFEVAL_LIMITS has them. Once a file."""
    global _read_from
    text = os.environ.get("PERFEVAL_LIMITS", "")
    if text != _read_from or not _now:
        _now.update({name: entry.most for name, entry in LIMITS.items()}, **_parsed(text))
        _read_from = text
        _check_small.cache_clear()


def limit(name: str) -> int:
    """The figure that holds now."""
    if not _now:
        look_up()
    return _now[name]


def set_limits(text: str) -> None:
    """Changes limits for this process and those it starts: ``rows=30000,cells=500000``. What is no limit is refused (X126)."""
    _parsed(text)
    os.environ["PERFEVAL_LIMITS"] = text
    look_up()


def _parsed(text: str) -> dict[str, int]:
    found = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        name, _, figure = (part.strip() for part in one.partition("="))
        if name not in LIMITS or not figure.isascii() or not figure.isdigit() or int(figure) == 0:
            raise Refusal("X126", stated=one, known=", ".join(LIMITS))
        found[name] = int(figure)
    return found


def hold(name: str, stated: int) -> None:
    """Refuses what is beyond the limit of this name."""
    most = limit(name)
    if stated > most:
        entry = LIMITS[name]
        raise Refusal(entry.code, what=entry.what[0], what_en=entry.what[1], stated=stated, expected=most)


# ---- the package ----


class Package:
    """The parts of a file that passed: names in lower case; ``part`` unpacks one of them."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.parts: dict[str, Part] = directory(data, limit("parts"))
        self._packed: dict[str, tuple[int, int, int, bytes]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self.parts

    def packed(self, name: str) -> tuple[int, int, int, bytes]:
        """A part as it stands in the file, by which it can be remembered; no bytes for one that is not there."""
        if (found := self._packed.get(name)) is None:
            found = self._packed[name] = packed(self.data, self.parts.get(name))
        return found

    def part(self, name: str) -> bytes:
        """The content of a part, b"" for one that is not there."""
        return unpack(*self.packed(name))

    def open(self, name: str, read: dict[str, tuple[int, int, int, bytes]], as_name: str) -> bytes:
        """The content of a part, which is put into ``read`` unpacked: nobody needs to unpack it again."""
        method, full, crc, content = self.packed(name)
        content = unpack(method, full, crc, content)
        read[as_name] = (0, full, crc, content)
        return content

    def check_sizes(self) -> None:
        """Holds what the parts unpack to against the limits; from the directory, because a part that lies about its size is refused later."""
        most, ratio, total = limit("part"), limit("ratio"), 0
        for part in self.parts.values():
            total += part.full
            if part.full > most:
                hold("part", part.full)
            if part.full > 1_000_000 and part.full > part.size * ratio:
                hold("ratio", part.full // max(part.size, 1))
        hold("all", total)

    def check_others(self, sheets: set[str]) -> None:
        """Looks at every XML part but the sheets and their texts, which are looked at where they are read."""
        for name in self.parts:
            if name.endswith((".xml", ".rels", ".vml")) and name not in sheets and name != "xl/sharedstrings.xml":
                _check_small(*self.packed(name))


#: no text of a part is nested deeper than it has tags, and no parser was found that this many can hurt
FEW_TAGS = 2_000
#: what is counted where a part is walked: element -> limit
_COUNTED = {"si": "strings", "xf": "styles", "definedName": "names", "comment": "notes", "dataValidation": "validations", "sheet": "sheets",
            "named-range": "names", "annotation": "notes", "content-validation": "validations", "mergeCell": "merges"}
#: how UTF-16 and EBCDIC begin
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x4c\x6f")
_USUAL, _DECLARED = b'<?xml version="1.0" encoding="UTF-8"', Pattern(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([^\"']*)[\"']")


def check_head(xml: bytes) -> None:
    """Refuses XML that is not UTF-8, or that declares a document type: no spreadsheet program writes either."""
    if not xml.startswith(_USUAL):
        declared = _DECLARED.match(xml[:300].removeprefix(b"\xef\xbb\xbf"))
        if b"\0" in xml[:4] or xml[:2] in _OTHER_MARKS or (declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii", b"ascii")):
            raise Refusal("X123")
    if b"!" in xml and (b"<!DOCTYPE" in xml or b"<!ENTITY" in xml):
        raise Refusal("X122")


@lru_cache(maxsize=256)
def _check_small(method: int, full: int, crc: int, content: bytes) -> None:
    """One part that is not a sheet. Remembered, because the forms of a district have most of their parts in common."""
    xml = unpack(method, full, crc, content)
    check_head(xml)
    if xml.count(b"<") > FEW_TAGS:
        walk(xml)


#: so few bytes hold no more texts, and no deeper ones, than harm nobody
_FEW_BYTES = 64_000
#: the attributes of a tag as every program writes them; how a sheet, and the texts of a workbook, begin in every program's files
ATTRIBUTES = rb'(?: [a-zA-Z0-9:]++="[^"<>]*+")*'
_BEFORE = rb'(?:\xef\xbb\xbf)?(?:<\?xml version="1\.0"(?: encoding="[Uu][Tt][Ff]-8")?(?: standalone="\w++")?\s*\?>)?\s*'
_ROOT = Pattern(_BEFORE + rb'(<(worksheet|sst)(?:\s++[a-zA-Z0-9:]++="[^"<>]*+")*\s*>)')
_STRINGS_HEAD = Pattern(rb'(?:\xef\xbb\xbf)?\s*(?:<\?xml[^<>?]*+\?>)?\s*<sst(?: [\w:]++="[^"<>]*+")*>')
_STRINGS = Pattern(
    rb'(?>(?:<si>(?>(?:<t[^<>/]*+>[^<]*+</t>|<t/>|<r>(?:<rPr>(?>(?:<\w++[^<>]*+>)*)</rPr>)?<t[^<>/]*+>[^<]*+</t></r>|<phoneticPr[^<>]*+/>'
    rb'|<rPh[^<>/]*+><t[^<>/]*+>[^<]*+</t></rPh>)*)</si>|<si/>)*)</sst>\s*')


def root(xml: bytes, name: bytes) -> re.Match[bytes] | None:
    """What stands up to the end of the first tag, which is that of a sheet (``worksheet``) or of shared texts (``sst``) as every program writes
    it, the tag as group 1; None where it is not."""
    match = _ROOT.match(xml)
    return match if match is not None and match[2] == name else None


def check_strings(xml: bytes) -> None:
    """Looks at the shared texts of a workbook."""
    check_head(xml)
    head = root(xml, b"sst") or _STRINGS_HEAD.match(xml)
    if head is None or (len(xml) > _FEW_BYTES and not _STRINGS.fullmatch(xml, head.end())):
        walk(xml)
    elif b'uniqueCount="' in head[0]:
        _check_count(head[0].partition(b'uniqueCount="')[2].partition(b'"')[0].decode("ascii", "replace"))
    if len(xml) > _FEW_BYTES:
        hold("strings", xml.count(b"</si>"))


def _check_count(stated: str) -> None:
    """The count of texts that the file claims, for which calamine makes room before it reads the first."""
    hold("strings", int(stated) if stated.isdigit() and len(stated) < 12 else LIMITS["strings"].most * 1000)


class Extent:
    """The corner of the cells that hold a value; stops where it leaves the limits."""

    def __init__(self) -> None:
        self.rows = self.columns = 0

    def add(self, row: int, column: int, high: int = 1, wide: int = 1) -> None:
        """Takes in an area of cells, ``high`` by ``wide`` from a zero-based place."""
        if row + high > self.rows or column + wide > self.columns:
            self.rows, self.columns = max(self.rows, row + high), max(self.columns, column + wide)
            hold("rows", self.rows)
            hold("columns", self.columns)
            hold("cells", self.rows * self.columns)


def walk(xml: bytes, start=None, text=None, end=None, whole: bool = False) -> None:
    """Walks XML with expat and holds everything that is counted against the limits; ``start``, ``text`` and ``end`` hear of what is there.

    ``start`` gets (name without prefix, attributes), ``text`` a piece of text, ``end`` the name; ``whole``: names as they are written. What is
    no XML is refused (X103).
    """
    import pyexpat as expat  # what xml.parsers.expat is, without three packages around it

    check_head(xml)
    depth, counts, deepest = 0, {}, limit("depth")

    def opened(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > deepest:
            hold("depth", depth)
        written, tag = tag, tag.rpartition(":")[2]
        if tag in _COUNTED:
            counts[tag] = counts.get(tag, 0) + 1
            if counts[tag] > FEW_TAGS:
                hold(_COUNTED[tag], counts[tag])
        elif tag == "sst" and "uniqueCount" in attributes:
            _check_count(attributes["uniqueCount"].strip())
        if start:
            start(written if whole else tag, attributes)

    def closed(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if end:
            end(tag if whole else tag.rpartition(":")[2])

    def doctype(*_: object) -> None:
        raise Refusal("X122")

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = opened, closed, doctype
    if text:
        parser.CharacterDataHandler = text
    try:
        parser.Parse(xml, True)
    except expat.ExpatError:
        raise Refusal("X103") from None


# ---- written the usual way ----


def bare(xml: bytes, references: bool = False) -> bytes:
    """XML without comments, instructions and CDATA, as it stands where it has none. They can part a figure in two (``1<!-- -->00``), and
    calamine then reads its first half, where Excel shows the whole. ``references``: also without ``&#50;`` for 2, which it does not read in a
    figure."""
    return _rewritten(xml) if _interrupted(xml) or (references and b"&#" in xml) else xml


def _interrupted(xml: bytes) -> bool:
    """Whether a comment, CDATA or an instruction stands in XML; first by their rarest letters, which is ten times as fast."""
    return (b"!" in xml and b"<!" in xml) or (xml.find(b"?", xml.find(b"?>") + 2) >= 0 and xml.find(b"<?", 4) >= 0)


_ODD_ATTRIBUTES = Pattern(rb"\s=|=\s|='")


def usual(xml: bytes) -> bytes:
    """``bare``, and every attribute in double quotes behind an equals sign without blanks: a pattern sees what a parser sees."""
    return _rewritten(xml) if _interrupted(xml) or _ODD_ATTRIBUTES.search(xml) else xml


def _rewritten(xml: bytes) -> bytes:
    out: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        out.append(f"<{tag}{''.join(f' {name}={_quoted(value)}' for name, value in attributes.items())}>")

    def text(content: str) -> None:
        out.append(_escaped(content))

    walk(xml, start, text, lambda tag: out.append(f"</{tag}>"), True)
    return "".join(out).encode()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _quoted(value: str) -> str:
    return '"{}"'.format(_escaped(value).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;"))
