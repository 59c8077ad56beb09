"""A written report (.docx, .txt) -> chapters with their paragraphs and tables, the form printed in it kept apart.

A report is untrusted like a form: its zip directory is read by ``container`` within limits, and an XML part with a DOCTYPE is refused.
Text copied out of a PDF is broken into short lines; lines are joined again where no heading, number or full stop parts them.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from perfeval_xl.gate import Package
from perfeval_xl.messages import Refusal
from perfeval_xl.numbers import fold, tidy

#: a report has some 20 pages: 50 KB of text, 200 KB as .docx without pictures
FILE_BYTES, TEXT = 50_000_000, 500_000
_WORD_OLD, _ZIP, _PDF = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"PK\x03\x04", b"%PDF"


class Block(NamedTuple):
    """A paragraph (``text``) or a table (``rows`` of cell texts) with the headings it stands under; ``form``: it belongs to the printed form."""

    text: str = ""
    rows: tuple = ()
    headings: tuple = ()
    form: bool = False


class Chapter(NamedTuple):
    """A chapter: its heading as printed ("" before the first one), what it is about (a key of TOPICS or ""), what stands in it."""

    title: str
    topic: str
    blocks: tuple


class Document(NamedTuple):
    """A report; ``department`` and ``year`` as its title names them, "" and None where it does not."""

    path: str
    title: str
    department: str
    year: int | None
    chapters: tuple


#: what a chapter is about -> how its heading says so, in the order in which a heading is asked (DOMAIN.md a.1, a.2: the official chapters)
TOPICS = {
    "experience": ("经验、问题和建议", "经验|建议"),
    "use": ("结果应用和公开情况", "应用|公开"),
    "problems": ("发现的主要问题和改进措施", "问题|不足|改进|整改"),
    "results": ("绩效目标实现情况分析", "实现情况|目标完成|完成情况|指标分析|绩效分析"),
    "conclusion": ("综合评价结论", "结论|评价得分|自评得分|综合评价|评价结果|自评结果"),
    "work": ("绩效自评工作开展情况", "开展情况|工作组织|组织实施|组织情况|自评工作|评价工作"),
    "basics": ("基本情况", "基本情况|概况|部门情况|单位情况|项目情况"),
    "other": ("其他需要说明的问题", "其他"),
}
_OTHER = re.compile("^其[他它]|需要?说明")

_NUMERAL = "[一二三四五六七八九十]"
_CHAPTER = re.compile(rf"(?:第?({_NUMERAL}{{1,3}})(?:、|[.．,，]|部分[：:、]?|章)\s*)(\S.{{1,45}})")
#: 1. 基本情况, where no heading is numbered 一、
_CHAPTER_ARABIC = re.compile(r"([0-9]{1,2})(?:[.．、]|\s)\s*(?![0-9])(\S.{1,45})")
_SECTION = re.compile(rf"[（(]{_NUMERAL}{{1,3}}[）)]、?\s*\S.{{1,40}}|[0-9]{{1,2}}[.．、]\s*(?![0-9])\S.{{1,40}}")
_NUMBERED = re.compile(rf"第?{_NUMERAL}{{1,3}}(?:、|部分|章)|[（(](?:{_NUMERAL}{{1,3}}|[0-9]{{1,2}})[）)]|[0-9]{{1,2}}[.．、](?![0-9])")
_HEADING_END = re.compile("(?:情况|分析|得分|问题|措施|指标|建议|经验|结论|简要|概况|任务|说明|成效|做法|效益|满意度)[。:：]?$")
_INSIDE = re.compile("[，。；！？,;].")
_FORM_TITLE = re.compile(r"(?:附[件表录]?[0-9一二三]*[:：.、]?\s*)?(?:20[0-9]{2}年?度?)?.{0,30}(?:自评|绩效评价)表(?:[（(].*[）)])?")
_FORM_HEAD = re.compile("年初预算|部门[（(]单位[）)]名称|填表人|项目名称|部门名称|一级指标")
_TABLE_HEAD = (re.compile("三级指标"), re.compile("年初.{0,4}预算"))
_CONTENTS = re.compile(r"(?:\s*[.…·．_]{2,}|\t+|\s{2,})\s*[0-9]{1,3}$")
_FULL_STOP = "。！？!?"


def load(path: str) -> Document:
    """Reads a report; what cannot be read is refused with one line that says what to do. Never writes, never runs anything of it."""
    file = os.path.basename(os.path.normpath(path))
    data = _bytes(path, file)
    if data.startswith(_PDF):
        raise Refusal("X323", file=file)
    if data.startswith(_WORD_OLD):
        raise Refusal("X104" if "EncryptedPackage".encode("utf-16-le") in data else "X322", file=file)
    if data.startswith(_ZIP):
        lines = _docx_lines(data, file)
    else:
        if os.path.splitext(file)[1].lower() not in ("", ".txt", ".text", ".md"):
            raise Refusal("X321", file=file)
        lines = _text_lines(_decoded(data, file))
    size = sum(len(line.text) + sum(len(cell) for row in line.rows for cell in row) for line in lines)
    if not size:
        raise Refusal("X324", file=file)
    if size > TEXT:
        raise Refusal("X326", file=file, stated=f"{size} 字", expected=f"{TEXT} 字")
    return _document(path, lines)


def from_text(text: str, path: str = "") -> Document:
    """A report that is already a text."""
    return _document(path, _text_lines(text))


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


# ---- lines: what both kinds of files become first ----


class _Line(NamedTuple):
    """A line of a text, or a paragraph or table of a .docx (then it is ``whole``); ``level`` is the outline level of its style, 0 for none."""

    text: str
    rows: tuple = ()
    whole: bool = False
    level: int = 0


def _text_lines(text: str) -> list[_Line]:
    lines: list[_Line] = []
    table: list[tuple[str, ...]] = []
    for raw in re.split("[\r\n\v\f\x85\u2028\u2029]+", text):
        cells = tuple(cell.strip() for cell in raw.split("\t")) if raw.count("\t") >= 2 else tuple(
            cell.strip() for cell in raw.strip("| ").split("|")) if raw.count("|") >= 2 else ()
        if cells:
            table.append(cells)
            continue
        if not (line := raw.strip().strip("\u3000")):
            continue
        if table:
            lines.append(_Line("", tuple(table)))
            table = []
        lines.append(_Line(line))
    return [*lines, _Line("", tuple(table))] if table else lines


#: more columns than any table of a report has
_COLUMNS = 64
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_W_STRICT = "{http://purl.oclc.org/ooxml/wordprocessingml/main}"
#: deleted text, what an older program would show instead, and codes of fields are not the text
_SKIPPED = frozenset(("del", "moveFrom", "Fallback", "instrText", "delText", "pPr", "rPr", "tblPr", "sectPr"))


def _docx_lines(data: bytes, file: str) -> list[_Line]:
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
    lines: list[_Line] = []
    try:
        _walk(root, lines, levels)
    except RecursionError:
        raise Refusal("X321", file=file) from None
    return lines


_STYLE_NAME = re.compile(rb"<w:name w:val=\"(?:heading|\xe6\xa0\x87\xe9\xa2\x98) ?([1-9])\"", re.I)
_STYLE_OUTLINE = re.compile(rb"<w:outlineLvl w:val=\"([0-8])\"")
_STYLE_CONTENTS = re.compile(rb"<w:name w:val=\"toc ", re.I)


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


def _walk(element, lines: list[_Line], levels: _Styles) -> None:
    for child in element:
        name = _name(child)
        if name in _SKIPPED:
            continue
        if name == "p":
            _paragraph(child, lines, levels)
        elif name == "tbl":
            rows = tuple(tuple(_cells(row)) for row in child.iter() if _name(row) == "tr")
            lines.append(_Line("", rows, True))
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


def _paragraph(paragraph, lines: list[_Line], levels: _Styles) -> None:
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
    for n, text in enumerate(part for part in re.split(rf"\n(?=\s*(?:{_NUMBERED.pattern}))", _cell(paragraph)) if part.strip()):
        lines.append(_Line(text.replace("\n", "").strip(), whole=True, level=level if not n else 0))


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


# ---- chapters ----


def topic_of(heading: str) -> str:
    """What a chapter with this heading is about: a key of TOPICS, "" for anything else."""
    heading = re.sub(r"^[^、.．]{1,4}[、.．]", "", heading)
    if _OTHER.search(heading):
        return "other"
    return next((topic for topic, (_, words) in TOPICS.items() if re.search(words, heading)), "")


def _chinese(numeral: str) -> int:
    tens, ten, ones = numeral.rpartition("十")
    digits = " 一二三四五六七八九"
    return (digits.find(tens) if tens else 1) * 10 + (digits.find(ones) if ones else 0) if ten else digits.find(ones)


class _Reader:
    """Puts lines together: chapters, headings, paragraphs, the form."""

    def __init__(self, lines: list[_Line], arabic: bool = False) -> None:
        self.lines, self.arabic = lines, arabic
        self.chapters: list[Chapter] = [Chapter("", "", ())]
        self.blocks: list[Block] = []
        self.headings: list[str] = []
        self.open = ""  # a paragraph whose end has not been seen
        self.last = 0  # number of the last chapter
        self.topics: dict[int, str] = {}  # of each number; 一、主要职能 of a part without a number of its own has none
        self.form = False

    def read(self) -> tuple:
        for n, line in enumerate(self.lines):
            self.take(n, line)
        self.close()
        self.chapters[-1] = self.chapters[-1]._replace(blocks=tuple(self.blocks))
        return tuple(self.chapters)

    def take(self, n: int, line: _Line) -> None:
        if line.rows:
            self.close()
            self.add_table(line.rows)
            return
        text = line.text
        if number := self.chapter(line):
            self.close()
            if _CONTENTS.search(text):  # a line of a table of contents
                return
            self.chapters[-1] = self.chapters[-1]._replace(blocks=tuple(self.blocks))
            self.chapters.append(Chapter(text, topic_of(text), ()))
            self.blocks, self.headings, self.last, self.form = [], [], number, False
            self.topics[number] = topic_of(text)
        elif not self.form and self.begins_form(n, text):
            self.close()
            self.form = True
            self.blocks.append(Block(text, (), tuple(self.headings), True))
        elif not self.form and (line.level > 1 or self.is_section(text)):
            self.close()
            self.enter(text)
        elif self.open and not line.whole and not _NUMBERED.match(text) and self.open[-1] not in _FULL_STOP:
            self.open = _joined(self.open, text)
        else:
            self.close()
            self.open = text
        if line.whole:
            self.close()

    def close(self) -> None:
        """The open paragraph is complete."""
        if self.open:
            self.blocks.append(Block(self.open, (), tuple(self.headings), self.form))
            self.open = ""

    def chapter(self, line: _Line) -> int:
        """The number of the chapter that this line opens; 0 for any other line."""
        text = line.text
        match = (_CHAPTER_ARABIC if self.arabic else _CHAPTER).fullmatch(text)
        if match is None:
            styled = line.level == 1 and len(text) <= 40 and topic_of(text) and not text.endswith("报告")
            return self.last + 1 if styled else 0
        number = int(match[1]) if self.arabic else _chinese(match[1])
        again = number <= self.last and not (topic_of(text) and topic_of(text) not in self.topics.values() and self.topics.get(number) == "")
        if again or _INSIDE.search(_CONTENTS.sub("", match[2])):
            return 0
        known = topic_of(text)
        if self.arabic:
            return number if known and not text.endswith("。") else 0
        # 一、二、三 also number the points inside a chapter
        return number if known or line.level == 1 or (number == self.last + 1 and len(match[2]) <= 20) else 0

    def is_section(self, text: str) -> bool:
        if not _SECTION.fullmatch(text) or _INSIDE.search(text):
            return False
        if text[0] in "（(":
            return True
        short = len(text) <= 16 and not text.endswith("。")
        return not re.search("[0-9]", text[2:]) and (short or _HEADING_END.search(text) is not None)

    def enter(self, text: str) -> None:
        """A heading below the chapter: （一） is the first level, 1. the second."""
        self.headings = [text] if text[0] in "（(" or not self.headings else [self.headings[0], text]
        if self.headings[0][0] not in "（(":
            self.headings = [text]
        self.blocks.append(Block("", (), tuple(self.headings)))

    def begins_form(self, n: int, text: str) -> bool:
        if not _FORM_TITLE.fullmatch(text):
            return False
        following = self.lines[n + 1 : n + 9]
        return any(_FORM_HEAD.search(one.text or "".join("".join(row) for row in one.rows)) for one in following)

    def add_table(self, rows: tuple) -> None:
        """A table; one with the headings of the form is the form."""
        heads = ["".join("".join(row).split()) for row in rows]
        is_form = self.form or any(pattern.search(head) for head in heads for pattern in _TABLE_HEAD)
        self.blocks.append(Block("", rows, tuple(self.headings), is_form))


def _joined(left: str, right: str) -> str:
    """Two lines of one paragraph; between two figures a space stays, so that 1⏎2 is not 12."""
    return f"{left} {right}" if left[-1].isalnum() and left[-1].isascii() and right[0].isalnum() and right[0].isascii() else left + right


#: 2022年, and in the name of a file 2022 that is no date
_YEAR = re.compile("(?<![0-9])(20[0-9]{2})(?:\\s*年|(?![0-9.-]*[0-9年]))")
_REPORT = re.compile("(?:部门|单位)?(?:预算)?(?:项目)?(?:整体)?(?:预算|支出|资金)*绩效|(?:部门|单位)?(?:预算)?整体|自评|评价报告|绩效报告|报告")


def _title_of(lines: list[_Line]) -> tuple[str, int]:
    """The title, which is the first lines up to the one that ends with 报告, and how many lines it takes."""
    title = ""
    for n, line in enumerate(lines[:5], 1):
        if _CHAPTER.fullmatch(line.text) or line.rows or len(title) > 90 or re.search("[。；]", line.text):
            break
        title += line.text
        if re.search(r"报告\s*(?:[（(].*[）)])?$", title):
            return title, n
    return "", 0


def named(title: str) -> str:
    """The body that a title, or the name of a file, names in front of 部门整体绩效自评报告; "" where it names none."""
    words = re.sub(r"\s", "", fold(title))
    words = re.sub(r"^附件[0-9一二三]*[:.、]?|^[0-9]{1,3}[.、_-]+|[(（]?20[0-9]{2}年?度?[)）]?|^关于", "", words)
    return _REPORT.split(words)[0].removesuffix("关于").strip("的:,-—_《》“”\"")


def year_of(title: str) -> int | None:
    """The year that a title, or the name of a file, names first."""
    year = _YEAR.search(fold(title))
    return int(year[1]) if year else None


def _document(path: str, lines: list[_Line]) -> Document:
    title, count = _title_of(lines)
    return Document(path, title, named(title), year_of(title), _chapters(lines[count:]))


def _chapters(lines: list[_Line]) -> tuple:
    """The chapters; those numbered 1. 2. 3. where none is numbered 一、 and enough of their headings are those of a report."""
    chapters = _Reader(lines).read()
    if len(chapters) > 1:
        return chapters
    arabic = _Reader(lines, arabic=True).read()
    return arabic if len({one.topic for one in arabic if one.topic}) >= 3 else chapters
