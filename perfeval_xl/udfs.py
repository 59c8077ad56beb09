"""The worksheet functions of the form: one cell or one column in, one figure or one short text out.

They are thin: the same readings, rules and roundings as ``perfeval-xl check``, so that a cell and a check never disagree about a row.
A blank input gives "". What cannot be computed gives a text that begins with a finding's code, never a figure and never an exception:
the wrapper in VBA would put the words of an exception into the cell, and SUM passes over words.
The docstrings are Chinese because Excel's function wizard shows them.
"""

import sys
from collections.abc import Callable
from decimal import Decimal
from functools import cache, lru_cache, wraps
from typing import Any

from perfeval_xl import checks_rows, log, messages
from perfeval_xl.cells import number_entry, text_entry
from perfeval_xl.compare import ONE, points
from perfeval_xl.dates import YEAR
from perfeval_xl.edition import Edition, editions, plain_label
from perfeval_xl.messages import Finding
from perfeval_xl.model import Entry, Indicator, Submission
from perfeval_xl.numbers import fold, half_up, is_error
from perfeval_xl.patterns import Pattern
from perfeval_xl.rules import RULES
from perfeval_xl.scoring import execution_rate, execution_score, grade, indicator_score, row_attainment, score, tier_range
from perfeval_xl.table import indicator_name, indicator_role
from perfeval_xl.targets import read_actual, read_target

#: help of each argument in the function wizard (255 characters at most)
ARGUMENTS = {
    "adjusted": "全年预算数（调整预算数），万元",
    "executed": "全年执行数，万元，与预算数同一单位",
    "weight": "分值",
    "edition": "版本，如 shangjie-2022；表中名称 pe_edition 就是它",
    "target": "年度指标值，如 ≥90%；符号、数、单位分在两三格的，选中这一行的两三格",
    "actual": "实际完成值，如 66.6%",
    "indicator": "三级指标的名称（可省略）；指标值没有符号时据此判断“越少越好”",
    "group": "二级指标或一级指标的名称（可省略）；成本指标按“不超过”计分",
    "year": "年度（可省略）；指标值是“7月31日前”这类时间时补足年份",
    "total": "总分",
    "score": "得分",
    "reason": "偏差原因分析及改进措施",
    "scores": "得分：一个数、一格或一片区域；空格和“-”不计，文字和错误会指出在哪里",
}
CATEGORY = "绩效自评"

#: the edition under which a deviation is worked out: 偏差度 is the same in all of them, and this one reads every kind of target
_DEVIATION_EDITION = "shangjie-2022"
#: what PE_CHECK is asked about, as columns of a form of one row, in the order in which a form prints them
_TARGET, _ACTUAL, _WEIGHT, _SCORE, _REASON = range(5)
_PLACE = text_entry("", 0, 0)
#: the checks of single rows; what they say about a whole form they cannot say of one row
_ROW_RULES = tuple(rule.holds for rule in RULES if rule.holds.__module__ == checks_rows.__name__)
#: what a row lacks as long as nobody has begun to fill it in
_NOT_YET = frozenset(("V201", "V202", "S105"))
#: a text that one of these functions has put into a cell
_OWN_TEXT = Pattern("[A-Z][0-9]{3} ")

#: CVErr numbers as Excel hands them over: 2000 to 2999 above this one
_ERROR_BASE = -2146828288
#: xlwings knows the first seven and leaves the newer ones as numbers
_ERRORS = {2000: "#NULL!", 2007: "#DIV/0!", 2015: "#VALUE!", 2023: "#REF!", 2029: "#NAME?", 2036: "#NUM!", 2042: "#N/A", 2043: "#GETTING_DATA",
           2045: "#SPILL!", 2046: "#CONNECT!", 2047: "#BLOCKED!", 2048: "#UNKNOWN!", 2049: "#FIELD!", 2050: "#CALC!"}


# ---- what makes a plain function a worksheet function ----


def _worksheet_function(function: Callable) -> Callable:
    """Registers the function for Excel, and sees to it that it never raises.

    xlwings is taken from ``sys.modules`` and never imported: it imports pandas wherever that is installed, and who only calls the function
    should not pay for it. Excel's server and the generator of the wrappers have always loaded xlwings before they load this module.
    """

    @wraps(function)
    def guarded(*arguments: Any, **named: Any) -> Any:
        try:
            return function(*arguments, **named)
        except Exception as error:
            log.unexpected(error, function.__name__)
            return messages.short(Finding("X901", "", args={"why": type(error).__name__}))

    xlwings = sys.modules.get("xlwings")
    if xlwings is None:
        return guarded
    code = function.__code__
    registered = xlwings.func(guarded, category=CATEGORY)
    for name in code.co_varnames[: code.co_argcount + bool(code.co_flags & 0x04)]:  # 0x04: the last one is *scores
        # two dimensions, because three cells of one target and three targets would arrive alike; errors as texts, because they would arrive as None
        registered = xlwings.arg(name, doc=ARGUMENTS[name], ndim=2, err_to_str=True)(registered)
    return registered


def _table(value: Any) -> tuple:
    """An argument as rows of cells; a plain list is one row."""
    if not isinstance(value, (list, tuple)):
        return ((value,),)
    return tuple(value) if value and isinstance(value[0], (list, tuple)) else (value,)


def _by_row(one: Callable, widest: int, *arguments: Any) -> Any:
    """``one`` called for each row; one row gives its value, several give a column of values.

    The first argument may be ``widest`` cells wide; ``one`` gets them last, one by one: what it remembers tells TRUE from 1 by the types of
    its arguments, and would not look into a tuple. The others are one cell wide. An argument of one row serves all rows.
    """
    first, *others = tables = [_table(argument) for argument in arguments]
    height = max(map(len, tables))
    if height == 1:
        if 1 <= len(first[0]) <= widest and all(len(table[0]) == 1 for table in others):
            return _out(one(*[_cell(table[0][0]) for table in others], *map(_cell, first[0])))
    elif all(len(table) in (1, height) for table in tables) and all(len(row) == 1 for table in others for row in table) \
            and all(1 <= len(row) <= widest for row in first):
        rows = zip(*(table if len(table) > 1 else table * height for table in tables), strict=True)
        return [[_out(one(*[_cell(row[0]) for row in rest], *map(_cell, cells)))] for cells, *rest in rows]
    return messages.short(Finding("X711", "", "、".join(f"{len(table)}×{len(table[0])}" for table in tables)))


def _cell(value: Any) -> Any:
    """The value of a cell; an empty one as "", an error as its text."""
    if value is None:
        return ""
    if type(value) is int and 2000 <= value - _ERROR_BASE < 3000:
        return _ERRORS.get(value - _ERROR_BASE, f"Err:{value - _ERROR_BASE}")
    return value


def _out(found: float | str | Finding) -> float | str:
    return messages.short(found) if isinstance(found, Finding) else found


def _figure(value: Decimal, label: str) -> float | Finding:
    """A figure as a cell holds it. Nothing that is out of any possible range goes out."""
    return Finding("V103", label, "10^15") if value and value.adjusted() >= 15 else float(value)


def _problem(entry: Entry, label: str) -> Finding | None:
    """Why a cell is no number, None where it is one or is blank."""
    codes = {"text": "V101", "error": "V102", "range": "V103"}
    return Finding(codes[entry.problem], label, entry.text) if entry.problem else None


@lru_cache(maxsize=64, typed=True)
def _edition(value: Any) -> Edition | Finding | None:
    """The edition of an id, None for a blank cell."""
    name = text_entry(value, 0, 0).text
    if not name:
        return None
    return editions().get(name) or Finding("X113", "", name)


# ---- the funds block ----


@_worksheet_function
def PE_EXECUTION_RATE(adjusted: Any, executed: Any) -> Any:
    """预算执行率 = 全年执行数 ÷ 全年预算数，百分数的数值，四舍五入到两位小数（56.76）。有空格时为空；没有预算数时给出以代码开头的说明。"""
    return _by_row(_execution_rate, 1, adjusted, executed)


@lru_cache(maxsize=4096, typed=True)
def _execution_rate(executed: Any, adjusted: Any) -> float | str | Finding:
    figures = _figures({"全年预算数": adjusted, "全年执行数": executed})
    if not isinstance(figures, list):
        return figures
    rate = execution_rate(*figures)
    return Finding("F112", "") if rate is None else _figure(half_up(rate, 2), "执行率")


@_worksheet_function
def PE_EXECUTION_SCORE(adjusted: Any, executed: Any, weight: Any, edition: Any) -> Any:
    """预算执行率的得分：按本版的规则，由全年执行数、全年预算数和分值算出，不低于 0，不超过分值。有空格时为空；算不出时给出以代码开头的说明。"""
    return _by_row(_execution_score, 1, adjusted, executed, weight, edition)


@lru_cache(maxsize=4096, typed=True)
def _execution_score(executed: Any, weight: Any, edition: Any, adjusted: Any) -> float | str | Finding:
    figures, rules = _figures({"全年预算数": adjusted, "全年执行数": executed, "分值": weight}), _edition(edition)
    for stop in (figures, rules):
        if isinstance(stop, Finding):
            return stop
    if not figures or not rules:
        return ""
    rate = execution_rate(*figures[:2])
    return Finding("F112", "") if rate is None else _figure(execution_score(rate, figures[2], rules.execution), "得分")


def _figures(cells: dict[str, Any]) -> list[Decimal] | str | Finding:
    """The numbers in some cells, "" if one is blank; why one is no number, with the label under which it is given."""
    entries = {label: number_entry(value, 0, 0) for label, value in cells.items()}
    for label, entry in entries.items():
        if entry.problem:
            return _problem(entry, label)
    numbers = [entry.number for entry in entries.values()]
    return "" if None in numbers else numbers


# ---- the indicators ----


@_worksheet_function
def PE_SCORE(target: Any, actual: Any, weight: Any, edition: Any, indicator: Any = "", group: Any = "", year: Any = "") -> Any:
    """一行三级指标的得分：实际完成值对照年度指标值，按本版的规则和分值算出。有空格时为空；规则算不出的（一句话、按档次的定性指标等）给出以代码开头的说明，由人工评分。"""
    return _by_row(_score, 3, target, actual, weight, edition, indicator, group, year)


@lru_cache(maxsize=8192, typed=True)
def _score(actual: Any, weight: Any, edition: Any, indicator: Any, group: Any, year: Any, *target: Any) -> float | str | Finding:
    rules = _edition(edition)
    if rules is None or isinstance(rules, Finding):
        return rules or ""
    row, year = _row(target, actual, weight, "", "", indicator, group), _year(year)
    if finding := _broken(row):
        return finding
    if _says_nothing(row) or row.weight.number is None:
        return ""
    attainment = row_attainment(row, rules, year)
    result = indicator_score(attainment, row.weight.number, rules)
    return _refusal(row, rules, year) if result is None else _figure(result, "得分")


@_worksheet_function
def PE_DEVIATION(target: Any, actual: Any, indicator: Any = "", group: Any = "", year: Any = "") -> Any:
    """偏差度 =（实际完成值 − 年度指标值）÷ 年度指标值，小数（-0.26 显示为 -26.00%）；达到的为 0。有空格时为空；算不出时给出以代码开头的说明。"""
    return _by_row(_deviation, 3, target, actual, indicator, group, year)


@lru_cache(maxsize=8192, typed=True)
def _deviation(actual: Any, indicator: Any, group: Any, year: Any, *target: Any) -> float | str | Finding:
    # a weight, because the checks pass over rows that do not count
    row, year, rules = _row(target, actual, 1, "", "", indicator, group), _year(year), editions()[_DEVIATION_EDITION]
    if finding := _broken(row):
        return finding
    if _says_nothing(row):
        return ""
    fraction = row_attainment(row, rules, year).deviation
    return _refusal(row, rules, year) if fraction is None else _figure(half_up(fraction, rules.deviation.places + 2), "偏差度")


@_worksheet_function
def PE_CHECK(target: Any, actual: Any, weight: Any, score: Any, reason: Any, edition: Any,
             indicator: Any = "", group: Any = "", year: Any = "") -> Any:
    """检查一行三级指标：没有问题时为空，否则给出第一个问题（代码和简短说明），规则与“①检查”相同。实际完成值、得分、原因都还没填的行不提示。"""
    return _by_row(_check, 3, target, actual, weight, score, reason, edition, indicator, group, year)


@lru_cache(maxsize=8192, typed=True)
def _check(actual: Any, weight: Any, score: Any, reason: Any, edition: Any, indicator: Any, group: Any, year: Any, *target: Any) -> str | Finding:
    rules = _edition(edition)
    if rules is None or isinstance(rules, Finding):
        return rules or ""
    if isinstance(score, str) and _OWN_TEXT.match(score):
        score = ""  # what kept the row from being scored is found again, and said about the cell where it stands
    row = _row(target, actual, weight, score, reason, indicator, group)
    begun = any(entry.text for entry in (row.actual_entry, row.score, row.reason))
    return next((finding for finding in _findings(row, rules, _year(year)) if begun or finding.code not in _NOT_YET), "")


# ---- one row as a form of one row ----


def _row(target: tuple, actual: Any, weight: Any, score: Any, reason: Any, indicator: Any, group: Any) -> Indicator:
    reading, (name, role, group) = read_target(*target), _named(indicator, group)
    entry = text_entry(target[0], 0, _TARGET)
    if len(target) > 1:
        # an error in one of the cells is the text of all: joined with the others it would pass for words
        error = next((value for value in target if isinstance(value, str) and is_error(value)), "")
        entry = entry._replace(text=error or reading.text or entry.text)
    return Indicator("", group, name, role, _PLACE, reading, read_actual(actual), entry,
                     text_entry(actual, 0, _ACTUAL), number_entry(weight, 0, _WEIGHT), number_entry(score, 0, _SCORE), None,
                     text_entry(reason, 0, _REASON))


@lru_cache(maxsize=1024, typed=True)
def _named(indicator: Any, group: Any) -> tuple[str, str, str]:
    name = indicator_name(text_entry(indicator, 0, 0).text)
    return name, indicator_role(name), text_entry(group, 0, 0).text


@lru_cache(maxsize=64, typed=True)
def _year(value: Any) -> int | None:
    """The year of 2022, "2022年" or "2022年度"; None for anything else, so that a date without year is asked about and not guessed."""
    text = fold(text_entry(value, 0, 0).text).removesuffix("度").removesuffix("年")
    return int(text) if YEAR.fullmatch(text) else None


def _says_nothing(row: Indicator) -> bool:
    if row.target.kind not in ("blank", "na") and row.actual.kind not in ("blank", "na"):
        return False
    return row_attainment(row, editions()[_DEVIATION_EDITION], None).share is None  # 无 against 0起 is an answer


def _broken(row: Indicator) -> Finding | None:
    """A formula error in one of the cells, or a weight that is no number."""
    for label, entry in (("年度指标值", row.target_entry), ("实际完成值", row.actual_entry)):
        if is_error(entry.text):
            return Finding("V102", label, entry.text)
    return _problem(row.weight, "分值")


@cache
def _form(edition: str) -> Submission:
    """A form of this edition with no row, and with nothing that could be said about more than a row."""
    columns = {"weight", "score", *(column.field for column in editions()[edition].indicator_columns if column.field == "reason")}
    return Submission("", edition, False, None, None, None, (), None, "万元", ONE, (), None, (), (), {}, (), None, None, (), frozenset(columns))


def _findings(row: Indicator, edition: Edition, year: int | None, checks: tuple = _ROW_RULES) -> list[Finding]:
    """What the checks of single rows find, in the order of the cells."""
    form = _form(edition.id)._replace(indicators=(row,), year=year)
    card = score(form, edition)
    found = [finding for check in checks for finding in check(form, card, edition)]
    return sorted(found, key=lambda finding: finding.column)


def _refusal(row: Indicator, edition: Edition, year: int | None) -> Finding:
    """Why no rule gives this row a figure."""
    found = _findings(row, edition, year, (checks_rows.targets_and_actuals_stand,))
    if found:
        return found[0]
    limits = tier_range(row_attainment(row, edition, year), row.weight.number, edition)
    if limits:
        return Finding("S112", row.name, None, f"{points(limits[0])}—{points(limits[1])}")
    return Finding("V208", row.name, row.actual_entry.text, row.target_entry.text)


# ---- the whole form ----


@_worksheet_function
def PE_TOTAL(*scores: Any) -> Any:
    """总分：各得分相加。空格和“-”“- 不计分”不计；其中有文字或错误时不会漏掉，而是给出代码并指出是第几个参数、第几行。"""
    total, counted = Decimal(0), False
    for n, argument in enumerate(scores, 1):
        table = _table(argument)
        for r, row in enumerate(table, 1):
            for c, value in enumerate(row, 1):
                entry = number_entry(_cell(value), 0, 0)
                if entry.number is not None:
                    total, counted = total + entry.number, True
                elif entry.problem and plain_label(entry.text) not in _not_scored():
                    place = (f"第{r}行" if len(table) > 1 else "") + (f"第{c}列" if len(row) > 1 else "")
                    return messages.short(_problem(entry, f"第{n}个参数{place}"))
    return _out(_figure(total, "总分")) if counted else ""


@cache
def _not_scored() -> frozenset[str]:
    """What stands in a score cell that does not count, in the words of all editions ("- 不计分")."""
    return frozenset(plain_label(words) for edition in editions().values() for words in edition.labels.get("not_scored", ()))


@_worksheet_function
def PE_GRADE(total: Any, edition: Any) -> Any:
    """总分的等级：优、良、中、差，按本版的分档。有空格时为空；总分不是一个数时给出以代码开头的说明。"""
    return _by_row(_grade, 1, total, edition)


@lru_cache(maxsize=1024, typed=True)
def _grade(edition: Any, total: Any) -> str | Finding:
    entry, rules = number_entry(total, 0, 0), _edition(edition)
    finding = _problem(entry, "总分") or rules
    if isinstance(finding, Finding):
        return finding
    return "" if entry.number is None or rules is None else grade(entry.number, rules)


# ---- in the form itself ----
# A workbook has one table for the names of cells and of functions, and knows no case: where pe_total and pe_grade name cells, a call of PE_TOTAL
# or PE_GRADE would call the cell. The form therefore calls them by a second name.


@_worksheet_function
def PE_TOTAL_SCORE(*scores: Any) -> Any:
    """总分，与 PE_TOTAL 相同。自评表里用这个名字，因为表中总分那一格的名称已经是 pe_total。"""
    return PE_TOTAL(*scores)


@_worksheet_function
def PE_GRADE_BAND(total: Any, edition: Any) -> Any:
    """等级，与 PE_GRADE 相同。自评表里用这个名字，因为表中等级那一格的名称已经是 pe_grade。"""
    return PE_GRADE(total, edition)
