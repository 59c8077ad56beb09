"""Days in a report against the rows of the form whose target is a day (DOMAIN.md R4): 妇幼项目要求11月30日前完成，实际于11月20日完成.

A day counts only where nothing but 于, 要求, 完成时间为 and the like stands between it and the name of the row, or where it follows as 实际于…
on such a day; every other day of a report is left alone.
"""

import re
from calendar import monthrange

from perfeval_xl.compare import ZERO
from perfeval_xl.facts import Facts
from perfeval_xl.figures import Figure, normal
from perfeval_xl.model import Indicator
from perfeval_xl.patterns import Pattern
from perfeval_xl.speech import Speech

_DAY = Pattern("(?:(?P<year>20[0-9]{2})年)?(?P<month>1[0-2]|0?[1-9])月"
               "(?:(?P<day>3[01]|[12][0-9]|0?[1-9])日|(?P<end>[底末]))(?P<before>(?:之|以)?前)?")
_ISO = Pattern("(?:[0-9]{4}|-)-([0-9]{2})-([0-9]{2})")
_DONE = "(?:全部|按时|如期)?(?:完成|完工|竣工|建成|交付|办结|发放|拨付|召开|举办|上线|开工|投入使用|投入运行|投用|启用|通车|开通|结束)"
_TAIL = Pattern(f"(?:{_DONE})?(?:及时性?|时间|时限|时点|期限|日期)$")
#: what may stand between the name of a row and its day
_LINK = Pattern(f"(?:{_DONE})?(?:时间|时限|期限|日期)?[的:]?(?P<target>(?:年度|年初)?(?:指标值|目标值|目标|计划|要求|规定))?"
                "(?P<actual>实际|最终|已)?(?:应|全部|均)?"
                f"(?:{_DONE})?(?:时间|完成值)?(?:为|是|于|在|:|不晚于|不迟于)*")
_THEN = Pattern("[，;]?(?:实际|最终)(?:上)?(?:已)?(?:完成|完工)?(?:时间|值)?(?:为|是|于|在|:)*")
_CLOSES = Pattern(f"(?P<done>的?(?:目标|要求|指标值)|{_DONE})|[，;。、)]|$")


def read(speech: Speech) -> None:
    """Every day of a sentence that is said of a row with a day for its target."""
    rows = _rows(speech.facts) if "月" in speech.sentence.text else ()
    if not rows:
        return
    text, last, end = speech.sentence.text, None, 0
    for match in _DAY.finditer(text):
        year, between = match["year"], text[end : match.start()]
        row, link = next(((row, link) for name, row in rows if (link := _linked(name, text[: match.start()])) is not None), (None, None))
        if row is None and last is not None and _THEN.fullmatch(between.removeprefix("完成").removeprefix("完工")):
            row, link = last, _THEN
        last, end = row, match.end()
        closes = _CLOSES.match(text, match.end())
        if row is None or closes is None or (year and speech.facts.form.year and int(year) != speech.facts.form.year):
            continue
        if link is not _THEN and not (closes["done"] or link["target"] or link["actual"] or re.search("时间|时限|日期", link[0])):
            continue
        actual = link is _THEN or link["actual"]
        if match["before"] and actual:
            continue  # 实际于11月底前完成 says no day
        figure = _figure(match)
        if not speech.is_meant(figure):
            _against(speech, figure, row, match, bool(match["before"] or (link is not _THEN and link["target"])))


def _rows(facts: Facts) -> list[tuple[str, Indicator]]:
    """The rows whose target is a day, by the thing that is to be done; the longest name first."""
    found = [(_TAIL.sub("", normal(row.name)), row) for row in facts.form.indicators if row.target.kind == "date" and row.target.date]
    return sorted(((name, row) for name, row in found if len(name) >= 2), key=lambda pair: -len(pair[0]))


def _linked(name: str, before: str) -> re.Match | None:
    """The words between the last place where a name stands and the end, where they only link the two; a short name must open its clause."""
    place = before.rfind(name)
    if place < 0 or (len(name) < 4 and before[place - 1 : place] not in ("", "，", ";", ":")):
        return None
    return _LINK.fullmatch(before, place + len(name))


def _figure(match: re.Match) -> Figure:
    return Figure("date", ZERO, ZERO, "", match[0], "", False, False, match.start(), match.end(), "")


def _against(speech: Speech, figure: Figure, row: Indicator, match: re.Match, target: bool) -> None:
    """A day against that of the target or of the actual; a month's end against the last day of the month."""
    reading = row.target if target else row.actual
    due = _ISO.fullmatch(reading.date or "")
    if due is None or reading.kind != "date":
        return
    month, day = int(due[1]), int(due[2])
    end = monthrange(speech.facts.form.year or 2001, month)[1]
    said = int(match["day"]) if match["day"] else end
    if int(match["month"]) == month and (said == day or (match["end"] and target and day >= 28)):
        return
    if target:
        speech.add("R301", figure, match[0], reading.text, what=row.name, what_en=row.name)
    elif not match["end"] or int(match["month"]) != month:
        speech.add("R302", figure, match[0], reading.text, what=row.name, what_en=row.name, why="", why_en="")
