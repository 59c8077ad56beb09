"""Checks of the money: the funds block, the tasks, and the indicators that must follow from them (DOMAIN.md F1-F8, T1, T2, L1-L5)."""

import re
from collections.abc import Iterator
from decimal import Decimal

from perfeval_xl.compare import CENT, HUNDRED, TEN_THOUSAND, ZERO, agree, is_fraction_of, like, mixed_units, percent, points
from perfeval_xl.edition import Edition
from perfeval_xl.messages import Finding
from perfeval_xl.model import MONEY, SOURCE_ROLES, STRUCTURE_ROLES, Entry, FundsRow, Indicator, Submission
from perfeval_xl.numbers import fold, half_up
from perfeval_xl.patterns import Pattern
from perfeval_xl.scoring import Scorecard, attain, execution_rate, execution_score, explained, indicator_score
from perfeval_xl.targets import is_open_fraction, read_actual

COLUMNS = {"initial": "年初预算数", "adjusted": "全年预算数", "executed": "全年执行数"}


def at(code: str, entry: Entry, label: str, stated: str | None = None, expected: str | None = None, source: str = "", **args) -> Finding:
    """A finding at the cell of an entry."""
    return Finding(code, label, stated, expected, entry.row, entry.column, args, source)


#: what a reason for a low execution rate speaks of; prose must say more, because every goal speaks of money; and an adjusted budget
_WHY_LOW = Pattern("未拨|拨付|到位|资金|财力|财政|经费|压减|压缩|节约|结余|支付|付款|结算|预算|执行率|进度")
_WHY_LOW_PROSE = Pattern("未拨|未到位|未支付|未付|尚未(?:支付|结算|拨)|财力|压减|压缩|结余|执行率")
_WHY_ADJUSTED = Pattern("调整|调增|调减|追加|压减|核减|追减|增加预算|上级下达|政策性")


def _explains(form: Submission, low: bool) -> bool:
    """Whether the form explains its low rate (a reason or its prose speaks of money), or its adjusted budget (any reason may mean that)."""
    reasons = [row.reason.text for row in form.indicators if row.reason is not None and explained(row.reason.text)]
    prose = [entry.text for entry in form.texts]
    if low:
        return any(map(_WHY_LOW.search, reasons)) or any(map(_WHY_LOW_PROSE.search, prose))
    return bool(reasons) or any(map(_WHY_ADJUSTED.search, prose))


def _filled(row: FundsRow, field: str) -> Entry | None:
    entry = getattr(row, field)
    return entry if entry is not None and entry.number is not None else None


def totals_are_complete(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """The total row gives a budget and an executed amount."""
    row = form.total_row
    if row is None:
        return
    for field in ("adjusted", "executed"):
        entry = getattr(row, field)
        if entry is not None and entry.number is None and not entry.problem:
            yield at("F110", entry, row.label, column=COLUMNS[field])
            return


def sources_add_up(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """资金来源 add up to the total, and 资金结构 do so once more, in every column (本表勾稽关系)."""
    total = form.total_row
    if total is None:
        return
    for roles, code in ((SOURCE_ROLES, "F101"), (STRUCTURE_ROLES, "F102")):
        rows = [row for row in form.funds if row.role in roles]
        slips: list[tuple[FundsRow, str, Decimal]] = []
        for field in MONEY if rows else ():
            stated, summed = _filled(total, field), _sum(rows, field)
            if stated is None or summed is None or abs(stated.number - summed) <= edition.tolerance.money:
                continue
            # rows of a source's own breakdown (其中：中央、省级…) stand beside it and are not added again
            outer = _sum([row for row in rows if row.role != "other"], field)
            if outer is not None and abs(stated.number - outer) <= edition.tolerance.money:
                continue
            slip = next((row for row in rows if (entry := _filled(row, field)) and any(
                abs(stated.number - summed + entry.number - entry.number * factor) <= edition.tolerance.money
                for factor in (TEN_THOUSAND, 1 / TEN_THOUSAND))), None)
            if slip is not None and len(rows) > 1:
                slips.append((slip, field, stated.number - summed + getattr(slip, field).number))
                continue
            code_here = "F108" if mixed_units(stated.number, summed) else code
            yield at(code_here, stated, total.label, stated.text, points(summed), column=COLUMNS[field])
        for slip in dict.fromkeys(id(row) for row, _, _ in slips):
            yield _wrong_unit([one for one in slips if id(one[0]) == slip])


def _wrong_unit(slips: list[tuple[FundsRow, str, Decimal]]) -> Finding:
    """The amounts of one row that are in another unit than the rest, said once."""
    row, first, _ = slips[0]
    return at("F108", getattr(row, first), row.label, "、".join(getattr(row, field).text for row, field, _ in slips),
              "、".join(points(right) for _, _, right in slips), column="、".join(COLUMNS[field] for _, field, _ in slips))


def _sum(rows: list[FundsRow], field: str) -> Decimal | None:
    """The sum of a column over some rows; None where nothing is filled in or a cell cannot be read."""
    summed = None
    for row in rows:
        entry = getattr(row, field)
        if entry is None:
            continue
        if entry.problem:
            return None
        if entry.number is not None:
            summed = entry.number if summed is None else summed + entry.number
    return summed


def _rate_of_sources(form: Submission) -> Decimal | None:
    rows = [row for row in form.funds if row.role in SOURCE_ROLES]
    return execution_rate(_sum(rows, "adjusted"), _sum(rows, "executed"))


def _slipped(form: Submission) -> bool:
    """Whether 元 and 万元 are mixed in the funds block: then every rate of it is off, and only the units are reported (F8)."""
    total = form.total_row
    if total is None:
        return False
    for roles in (SOURCE_ROLES, STRUCTURE_ROLES):
        for field in ("adjusted", "executed"):
            summed = sum((entry.number for row in form.funds if row.role in roles and (entry := _filled(row, field))), ZERO)
            stated = _filled(total, field)
            if stated is not None and (mixed_units(stated.number, summed) or any(
                    mixed_units(stated.number - summed + entry.number, entry.number)
                    for row in form.funds if row.role in roles and (entry := _filled(row, field)))):
                return True
    return False


def rates_follow(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """执行率 = 全年执行数 ÷ 全年预算数 in every funds row."""
    for row, rate in zip(form.funds, card.rates, strict=True):
        stated = row.rate
        if stated is None or stated.number is None or (agree(stated, rate, edition.tolerance.rate) if rate is not None else not stated.number):
            continue
        if _slipped(form):
            return
        if row is form.total_row and (by_sources := _rate_of_sources(form)) is not None and agree(stated, by_sources, edition.tolerance.rate):
            continue  # the total amount is the mistake, and is reported
        if row.executed is not None and row.executed.number is not None and row.executed.number < 0:
            continue  # the amount is the mistake, and is reported
        if rate is None:
            nothing = all(entry is None or not entry.number for entry in (row.adjusted, row.executed))
            if stated.number > 0 and nothing and row.adjusted is not None and not row.adjusted.problem:
                yield at("F112", stated, row.label, stated.text, "0")
        elif is_fraction_of(stated, rate, edition.tolerance.rate):
            yield open_fraction(stated, f"{row.label}执行率")
        else:
            points_due = _follows_wrong_rate(form, card, row, rate, edition)
            yield at("F103", stated, row.label, stated.text, like(stated, rate), executed=row.executed.text, adjusted=row.adjusted.text,
                     consequence=f"，据此得分应为 {points_due}" if points_due else "",
                     consequence_en=f", which makes the score {points_due}" if points_due else "")


def _follows_wrong_rate(form: Submission, card: Scorecard, row: FundsRow, rate: Decimal, edition: Edition) -> str:
    """The right score of the total row where the stated one was worked out from the wrong rate, and is no mistake of its own; else ""."""
    score, right = row.score, card.funds_score
    if row is not form.total_row or score is None or score.number is None or right is None or score.number == right:
        return ""
    return "" if _score_finding(form, card, row, rate, edition) else points(right)


def open_fraction(entry: Entry, label: str) -> Finding:
    """A number of which nobody can tell whether it is a fraction or percent points."""
    return at("V104", entry, label, entry.text, None, other=points(entry.number * HUNDRED))


def execution_is_scored(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """The score of the funds block follows from its rate under the edition's rule; the rate itself is filled in."""
    row = form.total_row
    if row is None:
        return
    rate, score = card.rate, row.score
    finding = None
    if score is not None and score.number is not None and rate is not None:
        finding = _score_finding(form, card, row, rate, edition)
    if finding and _slipped(form):
        return
    if finding:
        yield finding
    elif rate is not None and score is not None and score.number is None and not score.problem and row.weight is not None and row.weight.number:
        yield at("S105", score, row.label, "", None if card.funds_score is None else points(card.funds_score), weight=points(row.weight.number))
    if not finding and row.rate is not None and row.rate.number is None and not row.rate.problem and rate is not None:
        yield at("F109", row.rate, row.label, "", like(row.rate, rate))


def _score_finding(form: Submission, card: Scorecard, row: FundsRow, rate: Decimal, edition: Edition) -> Finding | None:
    score, weight, expected = row.score, row.weight, card.funds_score
    if weight is not None and weight.number is not None and not 0 <= score.number <= weight.number:
        return at("S104", score, row.label, score.text, None, weight=points(weight.number))
    if expected is None or abs(score.number - expected) <= edition.tolerance.score:
        return None
    ceiling = weight.number if weight is not None and weight.number is not None else HUNDRED
    stated_rate = row.rate.number if row.rate is not None and row.rate.number is not None else None
    # a wrong rate is reported as a wrong rate; a score that follows from it is the same mistake
    if stated_rate is not None and not agree(row.rate, rate, edition.tolerance.rate) and \
            abs(score.number - execution_score(stated_rate, ceiling, edition.execution)) <= edition.tolerance.score:
        return None
    part = edition.funds_part
    if part is not None and part.name in card.gaps and abs(
            score.number - execution_score(rate, part.weight, edition.execution)) <= edition.tolerance.score:
        return None  # the weight is the mistake, and is reported
    if weight is not None and "执行率" in weight.text:  # the form's own heading states the rule: 20分*执行率
        return at("F104", score, row.label, score.text, points(half_up(min(rate * ceiling / HUNDRED, ceiling), 2)), f"本表表头：{weight.text}",
                  rate=percent(rate, False))
    if not form.recognised:
        linear, line = rate * ceiling / HUNDRED, min(rate * ceiling / 90, ceiling)
        common = [half_up(min(one, ceiling), places) for one in (linear, line) for places in (0, 1, 2)] + [Decimal(int(linear))]
        if any(abs(score.number - one) <= CENT for one in common):
            return None
        return at("F111", score, row.label, score.text, points(half_up(min(linear, ceiling), 2)), rate=percent(rate, False),
                  other=points(half_up(line, 2)))
    return at("F104", score, row.label, score.text, points(expected), edition.execution.source, rate=percent(rate, False))


def execution_stays_in_budget(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """Nobody spends more than the budget, or without one; where it happened it needs a reason. The total speaks for its sources."""
    over = [row for row in form.funds if (executed := _filled(row, "executed")) is not None
            and (adjusted := _filled(row, "adjusted")) is not None and executed.number > adjusted.number + edition.tolerance.money]
    for row in [row for row in over if row.role == "total"] or over:
        if _slipped(form):
            return
        yield at("F105", row.executed, row.label, row.executed.text, row.adjusted.text)


def budget_is_not_backfilled(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """全年预算数 equal to 全年执行数 in every row, though the year began with another budget: filled in backwards (F6)."""
    rows = [row for row in form.funds if (adjusted := _filled(row, "adjusted")) is not None and adjusted.number > 0]
    total = form.total_row
    if total is None or len(rows) < 2 or any(_filled(row, "executed") is None or row.executed.number != row.adjusted.number for row in rows):
        return
    initial = _filled(total, "initial")
    if total in rows and initial is not None and initial.number != total.executed.number:
        figures = "、".join(row.adjusted.text for row in rows)
        yield at("F106", total.adjusted, total.label, figures)


def shortfall_is_explained(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """A low execution rate or an adjusted budget is explained somewhere on the form.

    Where the form has an indicator of its own for either (预算执行率, 预算调整率), that row carries the point and is checked there.
    """
    total, rate = form.total_row, card.rate
    if total is None:
        return
    low, change = rate is not None and rate < edition.explain.execution_below, adjustment(total)
    if not low and not (edition.explain.adjustment and change):
        return
    roles = {row.role for _, row, _ in card.standard}
    if (low and "execution_rate" in roles) or (not low and "adjustment_rate" in roles) or _explains(form, low):
        return
    if low:
        below = f"{percent(rate)} {{}} {edition.explain.execution_below}%"
        yield at("F107", total.executed, total.label, percent(rate), None, edition.explain.source,
                 what=f"执行率 {below.format('低于')}", what_en=f"The execution rate of {below.format('is below')}")
    else:
        yield at("F107", total.adjusted, total.label, percent(change), None, edition.explain.source,
                 what=f"预算调整了 {percent(change)}", what_en=f"The budget was adjusted by {percent(change)}")


def adjustment(row: FundsRow) -> Decimal | None:
    """(全年预算数 − 年初预算数) ÷ 年初预算数 in percent points, signed; None where it cannot be computed."""
    initial, adjusted = _filled(row, "initial"), _filled(row, "adjusted")
    if initial is None or adjusted is None or initial.number <= 0:
        return None
    return (adjusted.number - initial.number) / initial.number * HUNDRED


def tasks_hold(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """Each task's rate is executed / budget, and a task without spending is not done (T1, T2)."""
    for task, rate in zip(form.tasks, card.task_rates, strict=True):
        if task.rate is not None and task.rate.number is not None and rate is not None and not agree(task.rate, rate, edition.tolerance.rate):
            if is_fraction_of(task.rate, rate, edition.tolerance.rate):
                yield open_fraction(task.rate, f"{task.name}预算执行率")
            else:
                yield at("F201", task.rate, task.name, task.rate.text, like(task.rate, rate), executed=task.executed.text, adjusted=task.budget.text)
        done = task.status is not None and "完成" in task.status.text and not re.search("未|没有|部分|尚|正在", task.status.text)
        if done and task.executed is not None and task.executed.number == 0 and task.budget is not None and (task.budget.number or 0) > 0:
            yield at("F204", task.executed, task.name, task.status.text, None, budget=task.budget.text)


def tasks_add_up(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """The tasks add up to 项目支出, initial and executed; and both blocks use one budget (T1)."""
    project = next((row for row in form.funds if row.role == "project"), None)
    tasks = [task for task in form.tasks if task.budget is not None or task.executed is not None]
    if project is None or not tasks:
        return
    sums = {}
    for field, column in (("budget", "initial"), ("executed", "executed")):
        entries = [entry for task in tasks if (entry := getattr(task, field)) is not None]
        stated = _filled(project, column)
        if any(entry.problem for entry in entries) or not any(entry.number is not None for entry in entries):
            return
        sums[field] = sum((entry.number for entry in entries if entry.number is not None), ZERO)
        if stated is not None and abs(stated.number - sums[field]) > edition.tolerance.money:
            code = "F108" if mixed_units(stated.number, sums[field]) else "F202"
            yield at(code, stated, project.label, stated.text, points(sums[field]), column=COLUMNS[column])
            return
    adjusted, rate = _filled(project, "adjusted"), card.rates[form.funds.index(project)]
    if adjusted is None or rate is None or not sums["budget"] or abs(adjusted.number - sums["budget"]) <= edition.tolerance.money:
        return
    of_tasks = sums["executed"] / sums["budget"] * HUNDRED
    if percent(of_tasks) != percent(rate):
        yield at("F203", adjusted, project.label, percent(rate), percent(of_tasks), budget=points(sums["budget"]), adjusted=adjusted.text)


#: the columns that a standard indicator rests on
_BASES = {"I101": ("全年预算数", "全年执行数"), "I102": ("年初预算数", "全年预算数"), "I103": ("全年预算数", "全年执行数")}


def indicators_follow_funds(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """预算执行率, 预算调整率 and 结转结余率 among the indicators are what the funds block gives (L1, L2, L3)."""
    total = form.total_row
    if total is None:
        return
    rate, change = card.rate, adjustment(total)
    unspent = HUNDRED - rate if rate is not None and rate <= HUNDRED else None
    known = {"execution_rate": ("I101", rate), "adjustment_rate": ("I102", change), "carry_over_rate": ("I103", unspent)}
    for _, row, _ in card.standard:
        code, expected = known.get(row.role, ("", None))
        if expected is None or row.actual_entry is None:
            continue
        stated, actual = row.actual_entry, row.actual
        if actual.kind in ("blank", "na"):
            if not counts(row):
                yield at("I110", stated, row.name, "", percent(expected))
            continue
        if actual.number is None or actual.unit not in ("%", None) or actual.kind != "quant":
            continue
        figure = Entry(actual.text, actual.number, stated.row, stated.column, actual.unit or "")
        wanted = (expected, -expected) if row.role == "adjustment_rate" else (expected,)
        if any(agree(figure, one, edition.tolerance.rate) for one in wanted):
            continue
        if is_open_fraction(row.target, actual):
            continue  # the row itself is asked about
        if any(is_fraction_of(figure, one, edition.tolerance.rate) for one in wanted):
            yield open_fraction(figure, row.name)
            continue
        if any(finding.args["column"] in _BASES[code] for finding in sources_add_up(form, card, edition)):
            continue  # the money is wrong already, and this would only follow from it
        consequence, consequence_en = _consequence(row, abs(expected), edition)
        yield at(code, stated, row.name, stated.text, percent(abs(expected)), consequence=consequence, consequence_en=consequence_en)


def counts(row: Indicator) -> bool:
    """Whether the row takes part in the assessment: a weight above 0, or a score. Rows that do not apply stay blank."""
    weight, score = row.weight, row.score
    return (weight is not None and (bool(weight.number) or bool(weight.problem))) or \
        (score is not None and (score.number is not None or bool(score.problem)))


def _consequence(row: Indicator, expected: Decimal, edition: Edition) -> tuple[str, str]:
    """What the right figure would make of the row's score and deviation, where it changes them."""
    if row.weight is None or row.weight.number is None:
        return "", ""
    result = attain(row.target, read_actual(f"{half_up(expected, 2)}%"))
    score = indicator_score(result, row.weight.number, edition)
    if score is None or row.score is None or row.score.number is None or score == row.score.number:
        return "", ""
    text, text_en = f"，据此本行应得 {points(score)} 分", f"; the row then earns {points(score)}"
    if row.role == "execution_rate" and row.deviation is not None and result.deviation is not None:
        shown = f"{half_up(result.deviation * HUNDRED, edition.deviation.places)}%"
        return f"{text}、偏差度 {shown}", f"{text_en}, deviation {shown}"
    return text, text_en


_TOPICS = {"official_expense_rate": "三公", "procurement_rate": "采购"}
_NONE = "(?:未|没有?|不存在|无)(?:发生|安排|产生|列支|涉及|开展|有)?[^。；;，,]{0,12}"
_AMOUNT = r"[^。；;0-9]{0,12}?([0-9]+(?:\.[0-9]+)?)\s*万?元"


def rates_apply(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """A rate of spending that did not happen earns no marks (L4); one whose two amounts stand on the form is their quotient (L5)."""
    texts = [entry.text for entry in form.texts if any(topic in entry.text for topic in _TOPICS.values())]
    if not texts:
        return
    sentences = [sentence for text in texts for sentence in re.split("[。；;\n]", fold(text))]
    for _, row, _ in card.standard:
        topic = _TOPICS.get(row.role)
        if topic is None or row.actual_entry is None or row.actual.number is None or row.actual.kind != "quant":
            continue
        about = [sentence for sentence in sentences if topic in sentence]
        if any(re.search(_NONE + topic, sentence) for sentence in about):
            yield at("I104", row.actual_entry, row.name, row.actual_entry.text)
            continue
        for sentence in about:
            budget, spent = re.search("预算" + _AMOUNT, sentence), re.search("(?:支出|执行)" + _AMOUNT, sentence)
            if topic == "三公" and budget and spent and Decimal(budget[1]):
                rate = Decimal(spent[1]) / Decimal(budget[1]) * HUNDRED
                figure = Entry(row.actual.text, row.actual.number, 0, 0, "%")
                if not agree(figure, rate, edition.tolerance.rate):
                    yield at("I105", row.actual_entry, row.name, row.actual_entry.text, percent(rate), executed=spent[1], budget=budget[1])
                break
