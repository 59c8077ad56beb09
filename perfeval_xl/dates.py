"""Dates and periods in a 年度指标值 or 实际完成值: 2021年底前, 7月31日前完成, 2021年1-12月.

In and out are plain texts; what a date means for a score is decided elsewhere. An ISO text is partial where the form's is:
"2021-12-31", "--07-31" (year from the form), "2023-12", "2020-01..2020-11".
"""

from typing import NamedTuple

from perfeval_xl.patterns import Pattern


class Span(NamedTuple):
    """A date or period as read.

    kind: "date", "period", or "mixed" where there is no such day or more is said than a day
    op: for dates "before" "at", for periods "between"; None where no operator applies
    iso: the day or days; None where mixed
    """

    kind: str
    op: str | None = None
    iso: str | None = None


_BY = r"(?P<by>不晚于|不迟于|早于|截至|截止到?|于|在)?"
_BEFORE = r"(?P<before>之?前|以前)?(?P<tail>[^0-9]*)"
_Y = r"(?:19|20)[0-9]{2}"
_PATTERNS = {name: Pattern(text) for name, text in {
    "month": rf"{_BY}(?:(?P<y>{_Y})年|当年|本年度?|今年)?(?P<m>[0-9]{{1,2}})月份?"
             rf"(?:(?P<d>[0-9]{{1,2}})[日号]|(?P<end>[底末]))?{_BEFORE}",
    "yearend": rf"{_BY}(?:(?P<y>{_Y})年年?|当年年?|本年度?年?|今年年?|年)(?P<end>[底末终]|以?内){_BEFORE}",
    "calendar": rf"{_BY}(?P<y>{_Y})(?P<dot>[-/.])(?P<m>[0-9]{{1,2}})(?:(?P=dot)(?P<d>[0-9]{{1,2}}))?"
                rf"(?: ?[0-9]{{1,2}}:[0-9]{{2}}(?::[0-9]{{2}})?)?{_BEFORE}",
    "day": rf"(?:(?P<y>{_Y})(?:年度?|[./-]|$))?(?:(?P<m>[0-9]{{1,2}})(?:月份?|[./-]|$))?(?:(?P<d>[0-9]{{1,2}})[日号]?)?",
    "between": r"--|[~至到]|—+|–|−",
    "undone": r"[未没无不尚停延推]|取消|力争|左右|或|和|、|,",
    "finished": r"完成|竣工|完工|建成|交付|验收|投入|使用|结束|办结|支付|拨付|达到|达标|到位|实现|上线|发放|开工",
}.items()}

#: a figure that may be a year
YEAR = Pattern(r"(?:19|20)[0-9]{2}")
#: bare figures that may as well be a date: 2021.12, 20211231
DATELIKE = Pattern(r"(?:19|20)[0-9]{2}(?:\.(?:0[1-9]|1[0-2])|(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01]))")
_MONTH_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _month_days(year: int | None, month: int) -> int:
    if month == 2 and year is not None:
        return 29 if year % 4 == 0 and (year % 100 or year % 400 == 0) else 28
    return _MONTH_DAYS[month - 1]


def _iso(year: int | None, month: int | None, day: int | None) -> str | None:
    """ISO date with as many parts as known, "--" for a missing year; None when there is no such day."""
    if month is None:
        return f"{year}" if year and not day else None
    if not 1 <= month <= 12 or (day is not None and not 1 <= day <= _month_days(year, month)):
        return None
    return f"{year or '-'}-{month:02}" + (f"-{day:02}" if day is not None else "")


def _whole(text: str | None) -> int | None:
    return int(text) if text else None


def read_date(text: str, target: bool) -> Span | None:
    """2021年12月31日, 7月31日前, 11月底完成, 年底前, 2021/12/31; None when the text is no date.

    target: in a target 11月底 is a deadline, in an actual value the day itself. Source: 本工具约定.
    """
    for name in ("month", "yearend", "calendar"):
        match = _PATTERNS[name].fullmatch(text)
        if match:
            break
    else:
        return None
    parts = match.groupdict()
    year, month, day = _whole(parts["y"]), _whole(parts.get("m")), _whole(parts.get("d"))
    end = parts.get("end")
    if name == "yearend":
        month, day = 12, 31
    elif end and 1 <= month <= 12:
        day = _month_days(year, month)
    iso = _iso(year, month, day)
    deadline = (parts["by"] and parts["by"] not in "于在") or (end and (target or "内" in end))
    before, tail = bool(parts["before"] or deadline), parts["tail"]
    # 年底前完成, 年底完成 tell a day; 年底考核优秀 tells something else
    told = parts["before"] or parts["by"] or _PATTERNS["finished"].search(tail)
    if iso is None or (tail and (not told or len(tail) > 15 or _PATTERNS["undone"].search(tail))):
        return Span("mixed")
    return Span("date", "before" if before else "at", iso)


def read_period(text: str) -> Span | None:
    """2020年1月--2020年11月, 2021年1-12月, 2020-2022年; 2021年 alone; None when the text is no period."""
    ends = _PATTERNS["between"].split(text)
    if len(ends) == 1:
        ends = text.split("-")
    days = [_PATTERNS["day"].fullmatch(end) for end in ends]
    if not all(days) or len(days) > 2 or not all(ends):
        return None
    if "年" not in text and "月" not in text and not all(day["y"] and day["m"] for day in days):
        return None
    if len(days) == 1:
        return Span("period", None, days[0]["y"]) if days[0]["y"] and not days[0]["m"] else None
    (year, month, day), (year2, month2, day2) = ([_whole(found[part]) for part in "ymd"] for found in days)
    if year2 is None:
        year2 = year
    first, last = _iso(year, month, day), _iso(year2, month2, day2)
    alike = (year is None) == (year2 is None) and (month is None) == (month2 is None)
    # without the end of its day a start is still a start: 2021年1月1日至12月 is left to the user
    if first is None or last is None or not alike or (day is None) != (day2 is None) or first >= last:
        return Span("mixed")
    return Span("period", "between", f"{first}..{last}")


_ISO = Pattern(r"([0-9]{4}|-)(?:-([0-9]{2})(?:-([0-9]{2}))?)?")


def _last(iso: str | None, year: int | None) -> tuple[int, int | None, int | None] | None:
    """Year, month, day at the end of a date or period, the year from the form where the text has none."""
    if not iso:
        return None
    parts = _ISO.fullmatch(iso.rpartition("..")[2]).groups()
    known = year if parts[0] == "-" else int(parts[0])
    return None if known is None else (known, _whole(parts[1]), _whole(parts[2]))


def last_day(iso: str | None, year: int | None) -> tuple[int, int, int] | None:
    """The last day of a date or period, a month alone to its last day, a year alone to 31 December; None when the year is not known."""
    return _filled(_last(iso, year), 12, 31)


def first_day(iso: str | None, year: int | None) -> tuple[int, int, int] | None:
    """The day a date or the end of a period tells, a month alone as its first day; None when the year is not known."""
    return _filled(_last(iso, year), 1, 1)


def _filled(last: tuple[int, int | None, int | None] | None, month: int, day: int) -> tuple[int, int, int] | None:
    """A date with `month` and `day` where it names none, never beyond the end of its month."""
    if last is None:
        return None
    month = last[1] or month
    return last[0], month, min(last[2] or day, _month_days(last[0], month))
