"""A written report -> chapters with their paragraphs and tables, the form printed in it kept apart.

Text copied out of a PDF is broken into short lines; lines are joined again where no heading, number or full stop parts them.
"""

import re
from typing import NamedTuple

from perfeval_xl import lines
from perfeval_xl.lines import NUMBERED, NUMERAL, Line
from perfeval_xl.numbers import fold
from perfeval_xl.patterns import Pattern


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
    "results": ("绩效目标实现情况分析", "实现情况|目标(?:完成|实现)|完成情况|指标(?:分析|完成)|绩效(?:情况)?分析|履职成效"),
    "conclusion": ("综合评价结论", "结论|评价得分|自评得分|综合评价|评价结果|自评结果"),
    "work": ("绩效自评工作开展情况", "开展情况|工作组织|组织实施|组织情况|自评工作|评价工作|自评情况"),
    "basics": ("基本情况", "基本情况|概况|概述|部门情况|单位情况|项目情况"),
    "other": ("其他需要说明的问题", "其他"),
}
_OTHER = Pattern("^其[他它]|需要?说明")

_CHAPTER = Pattern(rf"(?:第?({NUMERAL}{{1,3}})(?:、|[.．,，]|部分[：:、]?|章)\s*)(\S.{{1,45}})")
#: 1. 基本情况, where no heading is numbered 一、
_CHAPTER_ARABIC = Pattern(r"([0-9]{1,2})(?:[.．、]|\s)\s*(?![0-9])(\S.{1,45})")
_SECTION = Pattern(rf"[（(]{NUMERAL}{{1,3}}[）)]、?\s*\S.{{1,40}}|[0-9]{{1,2}}[.．、]\s*(?![0-9])\S.{{1,40}}")
_HEADING_END = Pattern("(?:情况|分析|得分|问题|措施|指标|建议|经验|结论|简要|概况|任务|说明|成效|做法|效益|满意度)[。:：]?$")
_INSIDE = Pattern("[，。；！？,;].")
_FORM_TITLE = Pattern(r"(?:附[件表录]?[0-9一二三]*[:：.、]?\s*)?(?:20[0-9]{2}年?度?)?.{0,30}(?:自评|绩效评价)表(?:[（(].*[）)])?")
_FORM_HEAD = Pattern("年初预算|部门[（(]单位[）)]名称|填表人|项目名称|部门名称|一级指标")
_TABLE_HEAD = (Pattern("三级指标"), Pattern("年初.{0,4}预算"))
_CONTENTS = Pattern(r"(?:\s*[.…·．_]{2,}|\t+|\s{2,})\s*[0-9]{1,3}$")
_FULL_STOP = "。！？!?"


def load(path: str) -> Document:
    """Reads a report; what cannot be read is refused with one line that says what to do. Never writes, never runs anything of it."""
    return _document(path, lines.load(path))


def from_text(text: str, path: str = "") -> Document:
    """A report that is already a text."""
    return _document(path, lines.text_lines(text))


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

    def __init__(self, lines: list[Line], arabic: bool = False) -> None:
        self.lines, self.arabic = lines, arabic
        self.chapters: list[Chapter] = [Chapter("", "", ())]
        self.blocks: list[Block] = []
        self.headings: list[str] = []
        widths = sorted(len(one.text) for one in lines if one.text)
        # from this width on a line may have been broken because it was full
        self.width = widths[len(widths) * 4 // 5] * 0.6 if widths else 0
        self.full = False
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

    def take(self, n: int, line: Line) -> None:
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
        elif self.open and not line.whole and not NUMBERED.match(text) and self.open[-1] not in _FULL_STOP and self.full:
            self.open = _joined(self.open, text)
        else:
            self.close()
            self.open = text
        self.full = len(text) >= self.width
        if line.whole:
            self.close()

    def close(self) -> None:
        """The open paragraph is complete."""
        if self.open:
            self.blocks.append(Block(self.open, (), tuple(self.headings), self.form))
            self.open = ""

    def chapter(self, line: Line) -> int:
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
_YEAR = Pattern("(?<![0-9])(20[0-9]{2})(?:\\s*年|(?![0-9.-]*[0-9年]))")
_REPORT = Pattern("(?:部门|单位)?(?:预算)?(?:项目)?(?:整体)?(?:预算|支出|资金)*绩效|(?:部门|单位)?(?:预算)?整体|自评|评价报告|绩效报告|报告")


def _title_of(lines: list[Line]) -> tuple[str, int]:
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


def _document(path: str, lines: list[Line]) -> Document:
    title, count = _title_of(lines)
    return Document(path, title, named(title), year_of(title), _chapters(lines[count:]))


def _chapters(lines: list[Line]) -> tuple:
    """The chapters; those numbered 1. 2. 3. where none is numbered 一、 and enough of their headings are those of a report."""
    chapters = _Reader(lines).read()
    if len(chapters) > 1:
        return chapters
    arabic = _Reader(lines, arabic=True).read()
    return arabic if len({one.topic for one in arabic if one.topic}) >= 3 else chapters
