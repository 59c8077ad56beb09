"""Checks of single values and of single indicator rows (DOMAIN.md Q1-Q5, S3, S4, D1-D3, over-achievement)."""

from collections.abc import Iterator
from decimal import Decimal

from perfeval_xl.checks_funds import COLUMNS, at, counts, open_fraction
from perfeval_xl.compare import HUNDRED, ZERO, agree, is_fraction_of, points
from perfeval_xl.edition import Edition
from perfeval_xl.messages import Finding
from perfeval_xl.model import MONEY, UNCALCULATED, Entry, Indicator, Submission
from perfeval_xl.numbers import half_up, is_error, is_nothing, printed_step
from perfeval_xl.scoring import Scorecard, explained, fits_the_right_weight, tier_of, tier_range
from perfeval_xl.targets import comparable

_ERROR_MARKS = frozenset("#＃E")
_POINTLESS = {"whole": ("结转结余率不可能超过100%", "the unspent share cannot exceed 100%"),
              "any": ("任何结果都达标", "any result reaches it"),
              "sign": ("符号与指标含义相反", "the sign runs against the sense of the indicator")}
_PROBLEMS = {"text": "V101", "error": "V102", "range": "V103"}
_FIELDS = {**COLUMNS, "budget": "预算资金", "weight": "分值", "rate": "执行率", "score": "得分", "deviation": "偏差度"}
_FUNDS, _TASK, _ROW = (*MONEY, "weight", "rate", "score"), ("budget", "executed", "rate"), ("weight", "score", "deviation")
_NEVER_NEGATIVE = ("initial", "adjusted", "executed", "budget", "weight")


def cells_hold_numbers(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """Every cell that should hold a number holds one: never a text that would count as 0 (2000万), never a formula error."""
    lines = [(row.label, _FUNDS, row[2:]) for row in form.funds]
    lines += [(task.name, _TASK, task[3:]) for task in form.tasks]
    lines += [(row.name, _ROW, (row.weight, row.score, row.deviation)) for _, row, _ in card.doubtful]
    for label, fields, entries in lines:
        for place, entry in enumerate(entries):
            if entry is not None and (entry.problem or entry.unit or (entry.number is not None and entry.number < ZERO)):
                field = fields[place]
                yield from _number_finding(entry, f"{label}{_FIELDS[field]}", field)
    for entry in (*form.totals, *((form.total_weight,) if form.total_weight else ())):
        if entry.problem or entry.unit:
            yield from _number_finding(entry, "总分", "score")


def _number_finding(entry: Entry, label: str, field: str) -> Iterator[Finding]:
    if entry.text == UNCALCULATED:
        yield at("V107", entry, label)
    elif entry.problem:
        yield at(_PROBLEMS[entry.problem], entry, label, entry.text)
    elif entry.number < 0 and field in _NEVER_NEGATIVE:
        yield at("V106", entry, label, entry.text)
    elif entry.unit and entry.unit not in ("%", "‰"):
        yield at("V105", entry, label, entry.text, points(entry.number))


def targets_and_actuals_stand(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """A row that counts has a target and an actual, in words or numbers that can be held against each other (Q1, Q2, Q5)."""
    for _, row, result in card.doubtful:
        if not counts(row):
            continue
        blank = False
        for entry, reading, code in ((row.target_entry, row.target, "V201"), (row.actual_entry, row.actual, "V202")):
            if entry is not None and entry.text[:1] in _ERROR_MARKS and is_error(entry.text):
                yield at("V107", entry, row.name) if entry.text == UNCALCULATED else at("V102", entry, row.name, entry.text)
                blank = True
            elif entry is not None and reading.kind in ("blank", "na") and result.attainment.share is None:
                yield at(code, entry, row.name, entry.text)
                blank = True
        if blank or row.target_entry is None or row.actual_entry is None:
            continue
        yield from _unscored(row, result.attainment)


def _unscored(row: Indicator, attainment) -> Iterator[Finding]:
    target, actual, why = row.target_entry, row.actual_entry, attainment.why
    if why in ("V203", "V204"):
        digits = row.target.text.lstrip("2") if why == "V204" else None
        yield at(why, target, row.name, target.text, digits)
    elif why == "V104":
        yield open_fraction(actual._replace(number=row.actual.number), row.name)
    elif why:
        yield at(why, actual, row.name, actual.text, target.text)
    elif row.actual.op and row.actual.kind == "quant":
        yield at("V205", actual, row.name, actual.text)
    elif attainment.hinted:
        yield at("V209", target, row.name, target.text)


def _unfilled(row: Indicator) -> bool:
    """Whether the target or the actual of a row is blank, or holds an error: then that is what must be mended."""
    return any(entry is not None and (reading.kind in ("blank", "na") or (entry.text[:1] in _ERROR_MARKS and is_error(entry.text)))
               for entry, reading in ((row.target_entry, row.target), (row.actual_entry, row.actual)))


def scores_stay_within_weights(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """0 <= 得分 <= 分值, and neither stands without the other (S3). A score that is missing because the row is not filled in is not said twice."""
    if "weight" not in form.columns or "score" not in form.columns:
        return
    rows = form.indicators
    for n, row, _ in card.doubtful:
        weight, score = row.weight, row.score
        if weight.problem or score.problem:
            continue
        if score.number is None:
            if weight.number and not score.covered and not _unfilled(row):
                yield at("S105", score, row.name, "", _expected(card, n), weight=weight.text)
            continue
        if weight.number is None:
            if not weight.covered and score.number:
                yield at("S110", weight, row.name, score.text)
            continue
        ceiling = sum((one.weight.number or 0 for one in rows[n : n + max(score.span, weight.span)]), Decimal(0)) if score.span > 1 else weight.number
        if not 0 <= score.number <= ceiling:
            yield at("S104", score, row.name, score.text, _expected(card, n), weight=points(ceiling))


def _expected(card: Scorecard, n: int) -> str | None:
    return None if card.rows[n].score is None else points(card.rows[n].score)


def scores_follow_the_rule(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """得分 is what the rule gives for target and actual; a tier word leaves a range (S4)."""
    tolerance = score_tolerance(form, edition)
    for _, row, result in card.doubtful:
        score, weight = row.score, row.weight
        if score is None or weight is None or score.number is None or weight.number is None or not 0 <= score.number <= weight.number:
            continue
        if result.score is None:
            limits = tier_range(result.attainment, weight.number, edition) if score.span == 1 else None
            if limits and not limits[0] - tolerance <= score.number <= limits[1] + tolerance:
                yield at("S112", score, row.name, score.text, f"{points(limits[0])}—{points(limits[1])}", tier_of(result.attainment, edition).source,
                         actual=row.actual_entry.text)
        elif abs(score.number - result.score) > tolerance and not fits_the_right_weight(row, result, card, edition):
            rule = edition.quantitative.source if row.target.number is not None else edition.qualitative.source
            yield at("S106", score, row.name, score.text, points(result.score), rule,
                     target=row.target_entry.text, actual=row.actual_entry.text)


def score_tolerance(form: Submission, edition: Edition) -> Decimal:
    """The edition's tolerance; where its rules leave the decimals open, at least half a unit of the finest score on the form."""
    if not edition.tolerance.as_printed:
        return edition.tolerance.score
    steps = [printed_step(row.score.text) for row in form.indicators if row.score is not None and row.score.number is not None]
    return max([edition.tolerance.score, *([min(steps) / 2] if steps else [])])


def deviations_follow(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """偏差度 = (actual - target) / target, 0 where the target is reached; negative is a shortfall (D1)."""
    if "deviation" not in form.columns:
        return
    for _, row, result in card.doubtful:
        stated, fraction = row.deviation, result.attainment.deviation
        if fraction is None or stated.problem or stated.covered or not counts(row):
            continue
        expected = fraction * HUNDRED
        if stated.number is not None and agree(stated, expected, edition.tolerance.rate):
            continue
        shown = f"{half_up(expected, edition.deviation.places)}%"
        if stated.number is None:
            if expected and not stated.text:
                yield at("I109", stated, row.name, "（空）", shown, edition.deviation.source)
        elif is_fraction_of(stated, expected, edition.tolerance.rate):
            yield open_fraction(stated, f"{row.name}偏差度")
        elif _prints_deviations(edition, form) or not _is_distance(row, stated, edition):
            found = f"{half_up(stated.number, edition.deviation.places)}%" if stated.unit else stated.text
            yield at("I109", stated, row.name, found, shown, edition.deviation.source)


def _prints_deviations(edition: Edition, form: Submission) -> bool:
    """Whether the form is of an edition with a column of deviations of its own; a column that a form has besides follows nobody's rule."""
    printed = edition.labels["indicator_columns"]
    return form.recognised and any(one.field == "deviation" and (not printed or one.heading in printed) for one in edition.indicator_columns)


def _is_distance(row: Indicator, stated: Entry, edition: Edition) -> bool:
    """Whether a deviation is how far the actual lies above or below its target, reached or not."""
    reached = comparable(row.target, row.actual)
    if reached is None or not row.target.number:
        return False
    return agree(stated, (reached - row.target.number) / abs(row.target.number) * HUNDRED, edition.tolerance.rate)


def shortfalls_have_reasons(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """A score below its weight has a reason that says something (D2); a reason beside full marks is looked at (D3)."""
    if "reason" not in form.columns or not edition.explain.reason:
        return
    for _, row, result in card.doubtful:
        score, weight, reason = row.score, row.weight, row.reason
        if score is None or weight is None or score.number is None or weight.number is None or score.span > 1 or weight.span > 1:
            continue
        says = explained(reason.text)
        if 0 <= score.number < weight.number and not says and not fits_the_right_weight(row, result, card, edition):
            blank = is_nothing(reason.text) and reason.text != "无"
            yield at("T101", reason, row.name, reason.text, None, edition.explain.source, score=score.text, weight=weight.text,
                     what="没有填" if blank else f"只写了“{reason.text}”", what_en="blank" if blank else f"only “{reason.text}”")
        elif says and score.number == weight.number and not row.role and not result.attainment.over and reason.row == row.place.row \
                and result.attainment.met is not False:
            yield at("T102", reason, row.name, reason.text)


def overshoots_are_explained(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """An actual far above its target needs a reason; shares that cannot pass 100% and upper limits are left alone (b.3)."""
    for _, row, result in card.doubtful:
        if result.attainment.over >= edition.over.low and row.actual_entry is not None and \
                not (row.reason is not None and explained(row.reason.text)):
            yield at("I108", row.actual_entry, row.name, row.actual_entry.text, row.target_entry.text, edition.over.source,
                     over=points(half_up(result.attainment.over, 1)), limit=f"{points(row.target.number)}{row.target.unit or ''}")


def copied_targets(card: Scorecard) -> tuple[list, list]:
    """The rows whose signed target has a number as its actual, and those of them where it is the target's own number; the second without
    equality that is the best there can be (100% of at least 100%)."""
    signed = [row for _, row, result in card.signed if row.actual.number is not None and not result.pointless]
    copied = [row for row in signed if row.actual.number == row.target.number and (row.actual.unit or row.target.unit) == row.target.unit
              and not (row.target.unit == "%" and row.target.op == ">=" and row.target.number == HUNDRED)]
    return signed, copied


def actuals_are_not_copies(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """Most actuals equal to their signed targets, where equality is not the best there can be: copied (Q3)."""
    signed, copied = copied_targets(card)
    if len(copied) >= 4 and len(copied) * 2 > len(signed):
        yield at("I106", copied[0].actual_entry, "实际完成值", str(len(copied)), None, of=len(signed), names="、".join(row.name for row in copied))


def targets_can_fail(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """A target tells good from bad: not 结转结余率 ≤100%, not "at least 0", not a sign against the sense of the name (Q4)."""
    for _, row, result in card.signed:
        if result.pointless and counts(row):
            why, why_en = _POINTLESS[result.pointless]
            yield at("I107", row.target_entry, row.name, row.target_entry.text, None, why=why, why_en=why_en)
