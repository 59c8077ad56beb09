"""A written report held against its form: ``check(document, record)`` gives the findings (codes R...), each tied to its chapter.

    document = document.load("报告.docx")
    record, = record.check_file("自评表.xlsx")
    findings = narrative.check(document, record)

Figures are the business of ``quotes``, claims that of ``claims``; here are the outline, the identity and the language of the report. A finding
has no cell (row -1); its label is the chapter's heading and its ``quote`` the sentence.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from perfeval_xl import quotes
from perfeval_xl.claims import Claims
from perfeval_xl.document import TOPICS, Chapter, Document
from perfeval_xl.edition import plain_label
from perfeval_xl.facts import Facts
from perfeval_xl.figures import Sentence, normal, sentences
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.naming import Lexicon
from perfeval_xl.record import Record
from perfeval_xl.speech import Place

#: every code that ``check`` may speak
CODES = ("R101", "R102", "R103", "R104", "R105", "R201", "R202", "R203", "R204", "R205", "R206", "R207", "R208", "R301", "R302", "R303", "R304",
         "R305", "R306", "R307", "R401", "R402", "R403", "R501", "R601", "R602", "R603", "R604", "R605", "R606", "R607", "R608", "R609", "R610")

#: chapters of the published outlines; the eighth is in that of 上街区 only (DOMAIN.md a.1, a.2)
_OUTLINE = ("basics", "work", "conclusion", "results", "problems", "use", "experience")
_EIGHTH = {"shangjie-2022": ("other",)}
_PROMISES = {"经验": "(?<!有)(?<!富的)经验(?!的|丰富|不足)|做法|体会",  # 向有经验的人员学习 tells none
              "问题": "问题|不足|困难|短板", "建议": "建议"}
_NUMERALS = "一二三四五六七八"

#: documents that published reports still cite, and what took their place (K: the national documents are quoted from memory)
_REPLACED = (
    (re.compile(r"财预[〔\[【(]2011[〕\]】)]285号|《?财政支出绩效评价管理暂行办法》?"), "《财政支出绩效评价管理暂行办法》（财预〔2011〕285号）", "财预〔2020〕10号"),
)
#: slips of the pen met in published reports of 2021 and 2022: words, what they should be
_SLIPS = (("内控制服", "内控制度"), ("开有以下", "开展了以下"), ("左手全区", "做好全区"), ("开战吧", "开展"), ("支出机构", "支出结构"),
          ("、项资金管控", "、项目资金管控"), ("按照部分职责", "按照部门职责"), ("以经完成", "已经完成"), ("己完成", "已完成"), ("绩效木标", "绩效目标"),
          ("预算执行律", "预算执行率"))
_DOUBLED = re.compile("([\u4e00-\u9fff]{2,6})\\1")
#: 研究研究 is good Chinese, 一个一个 too
_MAY_DOUBLE = re.compile("一|逐|(.)\\1$|研究|讨论|商量|了解|学习|考虑|锻炼|介绍|宣传|检查|点点|常常|时时|层层|人人|家家")
_MARKS = re.compile("[，,；;、][，,；;、。]")
_NUMBER = re.compile("[0-9０-９]")
_STEM = re.compile("^(?:中国共产党|中共)?(?:[^省]{2,4}省)?(?:[^市]{2,4}市)?(?:[^区县市]{1,5}(?:新区|区|县|市))?")


def check(document: Document, record: Record) -> list[Finding]:
    """Everything in which a report contradicts its form, itself or the outline, in the order of its chapters.

    record: of ``record.check_file``, with a form; findings are tied to chapters, cell None. Never raises on any text.
    """
    if record.form is None:
        return []
    facts = Facts(record)
    claims = Claims(facts)
    found = [*_identity(document, record), *_outline(document, record), *quotes.read(facts, document.chapters)]
    for chapter in document.chapters:
        found += claims.read(chapter)
        found += _language(chapter, facts.lexicon)
    order = {title_of(chapter): -n for n, chapter in enumerate(reversed(document.chapters))}
    unique: dict[tuple, Finding] = {}
    for one in found:
        unique.setdefault((one.code, one.label, one.stated, one.expected, one.args.get("what"), one.args.get("quote")), one)
    return sorted(unique.values(), key=lambda one: order.get(one.label, -len(order)))


def title_of(chapter: Chapter) -> str:
    """The label of a finding: the chapter's heading."""
    return Place(chapter).title


def add(document: Document, records: list[Record]) -> list[Record]:
    """The records of one file, the findings of its report added to the form that the report is about.

    Where the file holds several forms, the one of the department that the title names; a report that fits none or several is refused (X327).
    """
    forms = [one for one in records if one.form is not None]
    if not forms:
        return records
    if len(forms) > 1:
        forms = [one for one in forms if is_of(document, one)]
    if len(forms) != 1:
        raise Refusal("X327", file=os.path.basename(records[0].path), stated=sum(one.form is not None for one in records))
    return [one._replace(findings=(*one.findings, *check(document, one))) if one is forms[0] else one for one in records]


def is_of(document: Document, record: Record) -> bool:
    """Whether a report and a form are of one department, and of one year where both name it."""
    form = record.form
    if form is None or form.department is None or not document.department or not same_body(document.department, form.department.text):
        return False
    return document.year is None or form.year is None or document.year == form.year


# ---- whose report it is ----


def _identity(document: Document, record: Record) -> Iterator[Finding]:
    """Title and form name one department and one year (Q6)."""
    form = record.form
    if document.year is not None and form.year is not None and document.year != form.year:
        yield Finding("R606", "标题", f"{document.year}年", f"{form.year}年", args={"quote": document.title})
    if document.department and form.department is not None and form.department.text and not same_body(document.department, form.department.text):
        yield Finding("R605", "标题", document.department, form.department.text)


def same_body(one: str, other: str) -> bool:
    """Whether two names mean one public body: 上街区政务服务中心 and 郑州市上街区政务服务中心 do."""
    one, other = plain_label(one), plain_label(other)
    if one in other or other in one:
        return True
    stems = [_STEM.sub("", name) for name in (one, other)]
    return bool(stems[0]) and stems[0] == stems[1]


# ---- the outline ----


def _outline(document: Document, record: Record) -> Iterator[Finding]:
    """The chapters of the outline are there and say what their headings promise (R8)."""
    chapters = [chapter for chapter in document.chapters if chapter.title]
    if not chapters:
        if any(chapter.blocks for chapter in document.chapters):
            yield Finding("R604", "全文")
        return
    due = (*_OUTLINE, *_EIGHTH.get(record.form.edition, ())) if record.edition.scope == "department" else ()
    topics = {chapter.topic for chapter in chapters}
    missing = [TOPICS[topic][0] for topic in due if topic not in topics]
    if missing:
        yield Finding("R601", "全文", "、".join(missing))
    for chapter in chapters:
        text = "".join(block.text + "".join("".join(row) for row in block.rows) for block in chapter.blocks)
        if not text.strip():
            yield Finding("R602", chapter.title)
        elif chapter.topic == "experience":
            body = text + "".join("".join(block.headings) for block in chapter.blocks)
            unsaid = [word for word, words in _PROMISES.items() if word in chapter.title and not re.search(words, body)]
            if unsaid:
                yield Finding("R603", chapter.title, "、".join(unsaid))


# ---- language ----


def _language(chapter: Chapter, lexicon: Lexicon) -> Iterator[Finding]:
    """Slips of the pen, doubled words and marks, names that differ by a character, documents out of force, passages that stand twice."""
    sections: dict[tuple, list[Sentence]] = {}
    for block in chapter.blocks:
        texts = [block.text] if block.text else [cell for row in block.rows for cell in row]
        for text in texts:
            parts = sentences(text)
            for sentence in parts:
                yield from _slips(sentence, chapter)
                if not block.form:
                    yield from _doubled(sentence, chapter)
                    yield from _documents(sentence, chapter)
                    yield from _names(sentence, chapter, lexicon)
            if not block.form:
                yield from _quotation(text, chapter)
                sections.setdefault(block.headings, []).extend(parts)
    for parts in sections.values():
        yield from _repeated(parts, chapter)


def _slip(chapter: Chapter, sentence: Sentence, place: int, stated: str, expected: str) -> Finding:
    return Finding("R609", title_of(chapter), stated, expected, args={"quote": sentence.quote(place, place + len(stated), 30)})


def _slips(sentence: Sentence, chapter: Chapter) -> Iterator[Finding]:
    text = sentence.text
    for wrong, right in _SLIPS:
        if wrong in text:
            yield _slip(chapter, sentence, text.index(wrong), wrong, right)


def _doubled(sentence: Sentence, chapter: Chapter) -> Iterator[Finding]:
    """A word or a mark that stands twice running."""
    text = sentence.text
    for match in _DOUBLED.finditer(text):
        if not _MAY_DOUBLE.search(match[1]):
            yield _slip(chapter, sentence, match.start(), match[0], match[1])
    printed = sentence.printed
    if printed[:1] in ("，", "；", "、"):  # 。， : the full stop ended the sentence before
        yield _slip(chapter, sentence, 0, f"。{printed[:6]}", "。" + printed[1:6])
    for match in _MARKS.finditer(printed):
        around = printed[max(match.start() - 6, 0) : match.end()]
        if not re.search("[0-9],$", printed[: match.start() + 1]):
            yield _slip(chapter, sentence, len(normal(printed[: match.start()])), around, around[: -len(match[0])] + match[0][0])


def _quotation(text: str, chapter: Chapter) -> Iterator[Finding]:
    """An opening quotation mark without its closing one."""
    opened = -1
    for place, mark in enumerate(text):
        if mark == "“" and opened >= 0 and text.count("“") > text.count("”"):
            around = text[opened : opened + 6]
            yield Finding("R609", title_of(chapter), around, around[1:], args={"quote": f"…{text[max(opened - 20, 0) : opened + 20]}…"})
            return
        opened = place if mark == "“" else -1 if mark == "”" else opened


def _documents(sentence: Sentence, chapter: Chapter) -> Iterator[Finding]:
    for pattern, name, successor in _REPLACED:
        match = pattern.search(sentence.text)
        if match and "2020" not in sentence.text[match.end() : match.end() + 24] and not re.search("废止|失效|替代|代替", sentence.text):
            yield Finding("R608", title_of(chapter), name, successor, args={"quote": sentence.quote(match.start(), match.end())})


def _names(sentence: Sentence, chapter: Chapter, lexicon: Lexicon) -> Iterator[Finding]:
    """A name that differs from the form's by one character (专项资金细化性), and a part that borrows another's word (产出效益) (Q8)."""
    text = sentence.text
    for name in lexicon.rows:
        if len(name) < 5:
            continue
        half = len(name) // 2
        for start in {*_places(text, name[:half], 0), *_places(text, name[half:], half)}:
            window = text[start : start + len(name)]
            if len(window) == len(name) and window not in lexicon.names and _one_apart(window, name):
                yield Finding("R607", title_of(chapter), window, name, args={"quote": sentence.quote(start, start + len(name))})
    parts = {start: one for start, _, one in lexicon.mentions(text) if one.kind == "part"}
    for start, end, one in lexicon.mentions(text):
        said = text[start:end]
        stems = {other.name.removesuffix("指标") for other in parts.values() if other.key != one.key}
        if one.kind == "part" and any(said.startswith(stem) for stem in stems) and one.name.removesuffix("指标") in said:
            yield Finding("R607", title_of(chapter), said, one.name, args={"quote": sentence.quote(start, end)})


def _places(text: str, piece: str, offset: int) -> list[int]:
    return [match.start() - offset for match in re.finditer(re.escape(piece), text) if match.start() >= offset]


def _one_apart(one: str, other: str) -> bool:
    """One character differs: the last one between 率, 性 and 度, or one inside a long name."""
    different = [n for n, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
    if len(different) != 1:
        return False
    place = different[0]
    if place == len(one) - 1:
        return one[place] in "率性度" and other[place] in "率性度"
    return len(one) >= 7 and place > 0 and "\u4e00" <= one[place] <= "\u9fff" and not _NUMBER.search(one[place])


def _repeated(parts: list[Sentence], chapter: Chapter) -> Iterator[Finding]:
    """Two clauses running, or a whole sentence, that stand twice in one section."""
    seen: set[tuple[str, str]] = set()
    whole: set[str] = set()
    for sentence in parts:
        clauses = [re.sub("[，；;:。！？]$", "", sentence.text[start:end]) for start, end, _ in sentence.clauses]
        pairs = [(one, two) for one, two in zip(clauses, clauses[1:], strict=False)
                 if len(one + two) >= 25 and min(len(one), len(two)) >= 8 and not _NUMBER.search(one + two)]
        again = next((pair for pair in pairs if pair in seen), None)
        if again is None and sentence.text in whole:
            again = (sentence.text, "")
        if again is not None:
            place = sentence.text.index(again[0])
            yield Finding("R610", title_of(chapter), None, None, args={"quote": sentence.quote(place, place + len("".join(again)))})
            return
        seen |= set(pairs)
        if len(sentence.text) >= 25 and not _NUMBER.search(sentence.text):
            whole.add(sentence.text)
