"""Targets, actuals and counts of indicators in a report against the rows of the form (DOMAIN.md R4, R6)."""

import re
from collections.abc import Iterable, Iterator

from perfeval_xl.checks_funds import adjustment
from perfeval_xl.compare import HUNDRED, ZERO, percent
from perfeval_xl.facts import Facts
from perfeval_xl.figures import Figure, same
from perfeval_xl.model import Indicator
from perfeval_xl.naming import Subject, read_lead
from perfeval_xl.numbers import half_up, printed_step, shifted
from perfeval_xl.patterns import Pattern
from perfeval_xl.speech import Notes, Paragraph, Quote, Said, Speech, last_clause
from perfeval_xl.targets import Reading, scale

_SIGNS = {">=": "≥", "<=": "≤"}
_COUNTED = Pattern("[个项条类]?(?P<level>[一二三]级)?(?:绩效)?指标")
_LEVEL_BEFORE = Pattern("(?P<level>[一二三]级)(?:绩效)?指标(?:共有?|有|为|设置|合计|共计|设置了|:)*$")
_IN_ALL = Pattern("共|设|分为(?=[0-9])|合计|总计|包括|包含|有")
_LIST_COUNTED = Pattern("、[^，]*[0-9一二三四五六七][类个项](?:一级指标)?[^，]*，")
#: powers of ten of lengths, and what they are counted in
_LENGTHS = {"公里": (3, "米"), "千米": (3, "米")}
#: 管理制度健全性: of what, and how it is to be
_LIMIT = Pattern("的(?:年初|年度|预期|既定)*(?:控制|目标|指标值|上限|限额|标准|红线)")
_QUALITY = Pattern("(?P<what>.{2,8})(?P<how>..)性")
_ALSO = {"健全": "完备|完善", "完整": "完备", "规范": "合规", "合规": "规范"}
_GOES_ON = Pattern("[\u4e00-\u9fff]")  # 3岁以下儿童: a figure that counts something else
_APART = Pattern("低于|高于|超|比|较|相差|优于|少于|多于")
_NAMED_INDICATORS = Pattern("类?指标$")
#: 三级指标15项，其中…3项; 投入管理指标设工作目标管理3项、绩效管理5项
_LISTED = Pattern("[二三]级(?:绩效)?指标[^。;]*其中[^。;]*$"
                  "|指标下?(?:设置?|包括|包含|分为)了?(?:[^，。;0-9]{2,12}[0-9]+[项个]、)+[^，。;0-9]{2,12}$")
_SETS = Pattern("(?:共?下?设置?|包括|包含|共?有)了?$")
_OPENS = Pattern("(?:指标)?(?:类|下|情况|方面)?(?:设置|设|包括|包含|共|有|下设|:)")


# ---- targets and actuals ----


def row(speech: Speech, quote: Quote, subject: Subject) -> Said:
    """A target or an actual that the report quotes against the row of the form."""
    figure, lead, facts = quote.figure, quote.lead, speech.facts
    line = facts.form.indicators[subject.key]
    following = read_lead(quote.following)
    before, after = speech.text[: figure.start], speech.text[figure.end :]
    if (lead.role == "limit" and re.match("的?(?:年初|年度|预期|既定)*(?:目标|指标|计划|任务)", after)) or (
            not lead.role and not figure.op and _LIMIT.match(after)):  # 在15%的控制线以内
        lead = lead._replace(role="target")
    then = next((one for one in speech.found if one.start >= figure.end), None)  # 目标5000人次，完成4860人次; but not 60.5公里，完成93.08%
    then = then is not None and then.unit == figure.unit and following.carried and following.role == "actual" and not following.noun
    target = lead.role == "target" or figure.bound or (not lead.role and then)
    if not lead.role and speech.place.chapter.topic == "basics" and line.target.number is not None:
        quoted = _in_unit_of(figure, line.target)  # the first chapter tells what was planned
        target = target or (quoted is not None and same(quoted, line.target.number, speech.facts.edition.tolerance.rate))
    said, reading = Said(figure, subject, "target" if target else "actual"), line.target if target else line.actual
    figure = _in_unit_of(figure, reading)
    # 低于95%的指标值15个百分点: a difference; 没有达到100%: not what was to be reached
    apart = "百分点" in quote.figure.unit and _APART.search(last_clause(before))
    if figure is None or apart or lead.role == "limit" or (figure.kind == "plain" and reading.unit and _GOES_ON.match(after)):
        return said
    if reading.number is None:
        blank = reading.kind in ("blank", "na") and not line.target.number and facts.weight(subject.key) is None
        if not target and blank and figure.value:
            speech.notes.blank.setdefault((speech.place.title, speech.text), []).append((line.name, figure.text, speech))
        return said
    if target:
        _target(speech, figure, line, reading)
    else:
        _actual(speech, figure, line, reading, bool(lead.role))
    return said


def _in_unit_of(figure: Figure, reading: Reading) -> Figure | None:
    """A figure in the unit of a row (8100米 where the form says 公里, 3万人次 where it says 人次); None where they are of different kinds."""
    if figure.kind == "points":
        return None
    if figure.kind == "plain" or not reading.unit:
        return figure
    unit = {"money": "万元", "percent": "%"}.get(figure.kind, figure.unit)  # what the value of a figure is told in
    (power, base), (due, due_base) = _measure(unit), _measure(reading.unit)
    if base != due_base:
        return None
    return figure._replace(value=shifted(figure.value, power - due), step=shifted(figure.step, power - due)) if power != due else figure


def _measure(unit: str) -> tuple[int, str]:
    """A unit as a power of ten and its base: 万立方米 (4, 立方米), 公里 (3, 米)."""
    power, base = scale(unit)
    more, base = _LENGTHS.get(base, (0, base))
    return power + more, base


def _actual(speech: Speech, figure: Figure, line: Indicator, reading: Reading, named: bool) -> None:
    tolerance = speech.facts.edition.tolerance.rate
    if reading.number != HUNDRED or reading.unit != "%":  # 100% is all of it, and 99.5% is not
        tolerance = max(tolerance, printed_step(reading.text) / 2)  # 23.18% where the form rounds to 23%
    # 控制在30%以内 may quote the target
    limit = figure.op and not named and line.target.number is not None and same(figure, line.target.number, tolerance)
    if not limit and not same(figure, reading.number, tolerance):
        why, why_en = _derived(speech, line)
        speech.add("R302", figure, figure.text, reading.text, what=line.name, what_en=line.name, why=why, why_en=why_en)


def _target(speech: Speech, figure: Figure, line: Indicator, reading: Reading) -> None:
    equal = abs(figure.value - reading.number) <= speech.facts.edition.tolerance.rate
    op, due = figure.op, "" if reading.op == "==" else reading.op or ""
    if not equal or (op and op != due):
        speech.add("R301", figure, _SIGNS.get(op, op) + figure.text, reading.text, what=line.name, what_en=line.name)
    elif due and not op and any(other.bound for other in speech.found):  # who writes no signs at all has left none out
        speech.add("R303", figure, figure.text, reading.text, what=line.name, what_en=line.name)


def _derived(speech: Speech, line: Indicator) -> tuple[str, str]:
    """What the funds block gives for a row that follows from it."""
    total, rate = speech.facts.funds.get("total"), speech.facts.card.rate
    change = adjustment(total) if total is not None else None
    due = {"adjustment_rate": None if change is None else abs(change), "carry_over_rate": None if rate is None else HUNDRED - rate}.get(line.role)
    if due is None:
        return "", ""
    text = percent(half_up(due, 2))
    return f"；按资金表为 {text}", f"; the funds block gives {text}"


def blank_rows(notes: Notes, facts: Facts, parts: Iterable[Paragraph]) -> None:
    """What the report gives for rows which the form leaves blank: one finding a sentence. Where a chapter gives figures for some of them, what
    it says of the others in words (管理制度健全性: 财务管理制度基本完备) counts too; without figures such words are said of any department."""
    told: set[str] = set()
    for (title, _), rows in notes.blank.items():
        found = [(name, text) for name, text, _ in rows]
        if title not in told:
            found += _in_words(facts, "".join(one.text for part in parts if part.place.title == title for one in part.sentences))
        told.add(title)
        names, texts = ("、".join(dict.fromkeys(words)) for words in zip(*found, strict=True))
        rows[0][2].add("R304", None, texts, None, what=names, what_en=names)


def _in_words(facts: Facts, text: str) -> Iterator[tuple[str, str]]:
    """Rows of quality that are blank on the form, and what a text says of them."""
    for n, line in enumerate(facts.form.indicators):
        quality = _QUALITY.fullmatch(line.name)
        if quality and facts.weight(n) is None and not line.actual.text:
            said = re.search(f"{quality['what']}((?:基本|比较|较为|日趋|进一步)?(?:{quality['how']}|{_ALSO.get(quality['how'], '(?!)')}))", text)
            if said:
                yield line.name, said[1]


# ---- counts ----


def counted(speech: Speech, figure: Figure) -> bool:
    """A number of indicators against the rows of the form (R6); gives whether the figure was one."""
    before, after = speech.sentence.text[: figure.start], speech.sentence.text[figure.end :]
    following = _COUNTED.match(after) if figure.unit in ("个", "项", "条", "类") else None
    leading = _LEVEL_BEFORE.search(before)
    level = (following and following["level"]) or (leading and leading["level"]) or ""
    if not following and not leading:
        if not _ends_a_list(speech, figure, before, after):
            return False
        level = "三级"
    if not level:
        return True
    owner = _owner(speech, before)
    due = _number_of(speech, level, owner)
    # 设一级指标4个，二级指标7个: nothing else is said of the second one
    alone = re.match("[，、;。)]|$", after[following.end() if following else 0 :]) is not None
    told = level == "一级" or owner is not None or _IN_ALL.search(before.rpartition(";" if alone else "，")[2])
    if told and due and figure.value not in due:
        speech.add("R305", figure, figure.text, str(due[0]), what=f"{level}指标", what_en=f"indicators of level {'一二三'.index(level[0]) + 1}")
    return True


def counted_of(speech: Speech, quote: Quote) -> bool:
    """投入管理指标20项、产出指标5项: the number of indicators behind the full name of a part or group."""
    figure, facts = quote.figure, speech.facts
    owner = quote.subjects[0] if quote.subjects and not quote.lead.carried else None
    before = speech.text[: figure.start]
    if owner is None and (opened := _SETS.search(quote.lead.core)):
        owner = facts.entity(quote.lead.core[: opened.start()])
    listed = _LISTED.search(before) is not None
    named = owner is not None and owner.kind in ("part", "group") and (
        listed or _NAMED_INDICATORS.search(_SETS.sub("", quote.lead.core)) is not None)
    if not named or figure.unit not in ("项", "个") or "指标" not in speech.text or not re.match("[，、;。)]|$", speech.text[figure.end :]):
        return False
    due = (*_number_of(speech, "三级", owner), *_number_of(speech, "二级", owner))
    if facts.rows_of(owner) and figure.value not in due:
        speech.add("R305", figure, figure.text, str(due[0]), what=owner.name, what_en=f"indicators of {owner.name}")
    return True


def _ends_a_list(speech: Speech, figure: Figure, before: str, after: str) -> bool:
    """Whether a number counts the rows that are listed in front of it: 设置相关性、科学性、合理性等共3项。"""
    names = [one for _, _, one in speech.facts.lexicon.mentions(before) if one.kind in ("row", "funds")]
    return figure.unit == "项" and before.endswith(("等", "等共")) and len(names) >= 2 and re.search("设置|指标|包括|设定", before) is not None \
        and not re.match("[^，。；;、]", after)


def _owner(speech: Speech, before: str) -> Subject | None:
    """The part or group whose indicators are counted; names inside a list own nothing."""
    segment, owner = before.rpartition(";")[2], None
    mentions = speech.facts.lexicon.mentions(segment)
    if sum(one.kind in ("part", "funds") for _, _, one in mentions) > 1 and _LIST_COUNTED.search(segment):
        mentions = []  # 预算执行率、投入管理指标、产出指标、效益指标4类，共28项三级指标: of all of them
    for start, end, one in mentions:
        listed = segment[max(start - 1, 0) : start] in ("、", "和", "及", "与") or segment[end : end + 1] in ("、", "和", "及", "与")
        listed = listed or re.match("等[0-9共]", segment[end:]) is not None
        whole = one.kind == "part" and segment[start:end].endswith("指标") and not (listed and owner)
        if whole or (one.kind == "group" and not listed and owner is None and _OPENS.match(segment, end)):
            owner = one
    if owner is None and speech.place.head:
        owner = speech.facts.entity(speech.place.head)
    return owner if owner is not None and owner.kind in ("part", "group") else None


def _number_of(speech: Speech, level: str, owner: Subject | None) -> tuple[int, ...]:
    """How many indicators of a level the form has, in a part or group or in all; without one, the funds block may count as one more."""
    facts = speech.facts
    rows = facts.form.indicators
    if level == "一级":
        parts = len({line.part for line in rows})
        return tuple(dict.fromkeys((len(facts.card.parts), parts, parts + 1, len(facts.edition.parts))))
    chosen = facts.rows_of(owner) if owner is not None else range(len(rows))
    if level == "二级":
        counts = (len({(rows[n].part, rows[n].group) for n in chosen}),)
    else:
        counts = tuple(dict.fromkeys((len(chosen), sum(facts.weight(n) is not None for n in chosen))))
    return counts if owner is not None else (*counts, *(one + 1 for one in counts if one > ZERO))
