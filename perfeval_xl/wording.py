"""The wording of a report: slips of the pen, doubled words and marks, names that differ by a character from the form's, documents out of
force, passages that stand twice (DOMAIN.md Q8, Q9, R10)."""

import re
from collections.abc import Iterator
from itertools import pairwise

from perfeval_xl.facts import Facts
from perfeval_xl.figures import Sentence, normal
from perfeval_xl.messages import Finding
from perfeval_xl.naming import Lexicon
from perfeval_xl.patterns import Pattern
from perfeval_xl.speech import Paragraph

#: documents that published reports still cite, and what took their place (K: the national documents are quoted from memory)
_REPLACED = (
    (Pattern(r"财预[〔\[【(]2011[〕\]】)]285号|《?财政支出绩效评价管理暂行办法》?"), "《财政支出绩效评价管理暂行办法》（财预〔2011〕285号）",
     "财预〔2020〕10号"),
)
#: slips of the pen met in published reports of 2021 and 2022: words, what they should be
_SLIPS = (("内控制服", "内控制度"), ("开有以下", "开展了以下"), ("左手全区", "做好全区"), ("开战吧", "开展"), ("支出机构", "支出结构"),
          ("、项资金管控", "、项目资金管控"), ("按照部分职责", "按照部门职责"), ("以经完成", "已经完成"), ("己完成", "已完成"),
          ("绩效木标", "绩效目标"), ("预算执行律", "预算执行率"))
_DOUBLED = Pattern("([\u4e00-\u9fff]{2,6})\\1")
#: 研究研究 is good Chinese, 一个一个 too
_MAY_DOUBLE = Pattern("预算数|执行数|^[一逐]|(.)\\1$|研究|讨论|商量|了解|学习|考虑|锻炼|介绍|宣传|检查|点点|常常|时时|层层|人人|家家")
_MARKS = Pattern("[，,；;、][，,；;、。]")
_NUMBER = Pattern("[0-9０-９]")


def read(facts: Facts, paragraphs: list[Paragraph]) -> Iterator[Finding]:
    """What a proof-reader would mark; in the form that is printed in the report only the known slips are looked for."""
    sections: dict[tuple, list[Sentence]] = {}
    for place, block, sentences in paragraphs:
        for sentence in sentences:
            yield from _slips(sentence, place.title)
            if not block.form:
                yield from _doubled(sentence, place.title)
                yield from _documents(sentence, place.title)
                yield from _names(sentence, place.title, facts.lexicon)
        if not block.form:
            yield from _quotation(block.text, place.title)
            sections.setdefault((place.title, *place.headings), []).extend(sentences)
    for (title, *_), sentences in sections.items():
        yield from _repeated(facts, sentences, title)


def _slip(title: str, sentence: Sentence, place: int, stated: str, expected: str) -> Finding:
    return Finding("R609", title, stated, expected, args={"quote": sentence.quote(place, place + len(stated), 30)})


def _slips(sentence: Sentence, title: str) -> Iterator[Finding]:
    text = sentence.text
    for wrong, right in _SLIPS:
        if wrong in text:
            yield _slip(title, sentence, text.index(wrong), wrong, right)


def _doubled(sentence: Sentence, title: str) -> Iterator[Finding]:
    """A word or a mark that stands twice running."""
    text = sentence.text
    for match in _DOUBLED.finditer(text):
        if not _MAY_DOUBLE.search(match[1]):
            yield _slip(title, sentence, match.start(), match[0], match[1])
    printed = sentence.printed
    if printed[:1] in ("，", "；", "、"):  # 。， : the full stop ended the sentence before
        yield _slip(title, sentence, 0, f"。{printed[:6]}", "。" + printed[1:6])
    for match in _MARKS.finditer(printed):
        around = printed[max(match.start() - 6, 0) : match.end()]
        if not re.search("[0-9],$", printed[: match.start() + 1]):
            yield _slip(title, sentence, len(normal(printed[: match.start()])), around, around[: -len(match[0])] + match[0][0])


def _quotation(text: str, title: str) -> Iterator[Finding]:
    """An opening quotation mark without its closing one."""
    if text.count("“") <= text.count("”"):
        return
    opened = -1
    for place, mark in enumerate(text):
        if mark == "“" and opened >= 0:
            around = text[opened : opened + 6]
            yield Finding("R609", title, around, around[1:], args={"quote": f"…{text[max(opened - 20, 0) : opened + 20]}…"})
            return
        opened = place if mark == "“" else -1 if mark == "”" else opened


def _documents(sentence: Sentence, title: str) -> Iterator[Finding]:
    if "285" not in sentence.text and "财政支出绩效" not in sentence.text:  # of the patterns below; looked for first, because they are slow
        return
    for pattern, name, successor in _REPLACED:
        match = pattern.search(sentence.text)
        if match and "2020" not in sentence.text[match.end() : match.end() + 24] and not re.search("废止|失效|替代|代替", sentence.text):
            yield Finding("R608", title, name, successor, args={"quote": sentence.quote(match.start(), match.end())})


def _names(sentence: Sentence, title: str, lexicon: Lexicon) -> Iterator[Finding]:
    """A name that differs from the form's by one character (专项资金细化性), and a part that borrows another's word (产出效益) (Q8)."""
    text = sentence.text
    for start, name in lexicon.near_misses(text):
        window = text[start : start + len(name)]
        if _one_apart(window, name):
            yield Finding("R607", title, window, name, args={"quote": sentence.quote(start, start + len(name))})
    parts = [(start, end, one) for start, end, one in lexicon.mentions(text) if one.kind == "part"] if "效益" in text or "产出" in text else []
    for start, end, one in parts:
        said = text[start:end]
        stems = {other.name.removesuffix("指标") for _, _, other in parts if other.key != one.key}
        if any(said.startswith(stem) for stem in stems) and one.name.removesuffix("指标") in said:
            yield Finding("R607", title, said, one.name, args={"quote": sentence.quote(start, end)})


def _one_apart(one: str, other: str) -> bool:
    """One character differs: the last one between 率, 性 and 度, or one inside a long name."""
    different = [n for n, (left, right) in enumerate(zip(one, other, strict=True)) if left != right]
    if len(different) != 1:
        return False
    place = different[0]
    if place == len(one) - 1:
        return one[place] in "率性度" and other[place] in "率性度"
    return len(one) >= 7 and place > 0 and "\u4e00" <= one[place] <= "\u9fff" and not _NUMBER.search(one[place])


def _repeated(facts: Facts, parts: list[Sentence], title: str) -> Iterator[Finding]:
    """Two clauses running, or a whole sentence, that stand twice in one section."""
    seen: set[tuple[str, str]] = set()
    whole: set[str] = set()
    for sentence in parts:
        clauses = [re.sub("[，；;:。！？]$", "", sentence.text[start:end]) for start, end, _ in sentence.clauses]
        pairs = [(one, two) for one, two in pairwise(clauses)
                 if len(one + two) >= 25 and min(len(one), len(two)) >= 8 and not _NUMBER.search(one + two)]
        again = next((pair for pair in pairs if pair in seen), None)
        if again is None and sentence.text in whole:
            again = (sentence.text, "")
        if again is not None and not facts.is_of_form(sentence.text):
            place = sentence.text.index(again[0])
            yield Finding("R610", title, None, None, args={"quote": sentence.quote(place, place + len("".join(again)))})
            return
        seen |= set(pairs)
        if len(sentence.text) >= 25 and not _NUMBER.search(sentence.text):
            whole.add(sentence.text)
