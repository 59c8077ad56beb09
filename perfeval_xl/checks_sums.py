"""Checks of the form as a whole: weights, totals, grade, identity (DOMAIN.md S1, S2, S7, R9, Q6)."""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache

from perfeval_xl.checks_funds import at
from perfeval_xl.compare import CENT, HUNDRED, ZERO, percent, points
from perfeval_xl.edition import Edition, plain_label
from perfeval_xl.messages import Finding
from perfeval_xl.model import Submission
from perfeval_xl.numbers import fold
from perfeval_xl.patterns import Pattern
from perfeval_xl.scoring import Scorecard, funds_unread, grade, total_cap

_TICKED, _UNTICKED = "☑√✓✔■☒", "□☐"
_BOXES = Pattern(f"[{_TICKED}{_UNTICKED}]")
#: with what the name of the form begins in a title
_FORM_WORDS = ("部门整体", "单位整体", "整体支出", "项目支出", "绩效", "自评", "预算")
#: how the name of a public body ends; other words before 绩效自评表 in a title name a district or a kind of money
_ORGANISATION = Pattern("(?:局|委|办|办公室|委员会|院|中心|馆|学校|大学|小学|中学|所|站|处|厅|队|联合会|协会|社|总工会|街道|镇|乡|政府)$")


def weights_add_up(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """The weights of each part make its prescribed weight, and all of them 100 (S2). A missing part is said once (R9)."""
    if "weight" not in form.columns:
        return
    funds = form.total_row
    broken = any(row.weight.problem or (row.weight.number is None and not row.weight.covered and row.score is not None and row.score.number)
                 for _, row, _ in card.doubtful) or (funds is not None and funds.weight is not None and bool(funds.weight.problem))
    sums = {part.name: part.weight for part in card.parts}
    missing = card.missing
    found = False
    for name, gap in card.gaps.items() if not broken else ():
        found = True
        yield _part_finding(form, name, sums[name], sums[name] - gap, edition)
    for name, (weight, row, column) in form.parts_stated.items() if not form.recognised else ():
        if sums.get(name) is not None and sums[name] != weight and not broken:
            found = True
            yield Finding("S103", name, points(sums[name]), points(weight), row, column)
    total = sum((weight for weight in sums.values() if weight is not None), ZERO)
    if missing and total != HUNDRED:
        stated = form.totals[0]
        yield at("S108", stated, "、".join(part.name for part in missing), stated.text or "（空）", None, edition.parts_source,
                 weight=points(sum(part.weight for part in missing)), weights=points(total), scores=points(card.stated))
        return
    if funds_unread(form, total):
        yield at("L207", form.totals[0], "资金情况", points(total))
        return
    complete = funds is None or funds.weight is None or funds.weight.number is not None or card.apart
    counted = any(weight is not None for weight in sums.values())
    where = form.total_weight if form.total_weight is not None and form.total_weight.number is not None else None
    if not found and not broken and counted and total != HUNDRED and (total > HUNDRED or (complete and (funds is None or funds.weight is not None))):
        place = where or form.totals[0]
        yield at("S102", place, "分值", points(total), "100")
    elif where is not None and where.number != HUNDRED and total == HUNDRED:
        yield at("S113", where, "总分", where.text, "100")
    if form.recognised and not edition.parts_binding and total == HUNDRED and any(sums.get(part.name) != part.weight for part in edition.parts):
        yield at("S114", where or form.totals[0], "分值", " ".join(f"{name}{points(weight)}" for name, weight in sums.items() if weight is not None),
                 None, edition.parts_source)


def _part_finding(form: Submission, name: str, stated: Decimal, expected: Decimal, edition: Edition) -> Finding:
    row = next((row for row in form.indicators if row.part == name and row.weight.number is not None), None)
    entry = row.weight if row is not None else form.total_row.weight
    return at("S103", entry, name, points(stated), points(expected), edition.parts_source)


def total_is_the_sum(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """总分 = score of the funds block + scores of all rows, as they stand on the form (S1); a wrong row is not a wrong total."""
    if "score" not in form.columns:
        return
    cap, funds = total_cap(card.rate, edition), form.total_row
    summed = card.stated if cap is None else min(card.stated, cap)
    open_rows = [row for _, row, _ in card.doubtful if row.score.problem or (
        row.score.number is None and not row.score.covered and row.weight is not None and row.weight.number)]
    gaps = open_rows or card.missing or (funds is not None and funds.score is not None and funds.score.problem)
    for stated in form.totals:
        if stated.problem:
            continue
        if stated.number is None:
            yield at("S109", stated, "总分", "", points(summed))
        elif stated.number == summed:
            continue
        elif min(abs(stated.number - one) for one in {summed, card.stated, _mended(card)}) > CENT and not gaps \
                and not _may_be_unread(form, stated.number - summed):
            was, now = grade(stated.number, edition), grade(summed, edition)
            flips = was != now
            yield at("S101", stated, "总分", stated.text, points(summed),
                     grades=f"，等级由“{was}”变为“{now}”" if flips else "", grades_en=f", which turns {was} into {now}" if flips else "")


def _mended(card: Scorecard) -> Decimal:
    """The sum of the scores with those outside of their weight put right: a score of -10 is not also a wrong total."""
    return card.stated + sum((result.score - row.score.number for _, row, result in card.doubtful if row.score is not None
                              and row.score.number is not None and result.weight is not None and result.score is not None
                              and not 0 <= row.score.number <= result.weight), ZERO)


def subtotals_add_up(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """A sum between the rows is the sum of some rows that end above it, or of its part's rows below it, as they stand on the form (S5)."""
    for one in form.subtotals:
        for field, heading in (("weight", "分值"), ("score", "得分")):
            stated = getattr(one, field)
            if stated is None or stated.number is None:
                continue
            figures = [getattr(row, field) for row in form.indicators]
            if one.starts:
                sums = [_summed(figures[start : one.above]) for start in one.starts]
                if form.total_row is not None and (funds := getattr(form.total_row, field)) is not None and funds.number is not None:
                    sums += [value + funds.number for value in sums if value is not None]
            else:
                rows = [n for n in range(one.above, len(figures)) if form.indicators[n].part == one.part]
                sums = [_summed([figures[n] for n in rows])]
            if None not in sums and sums and all(abs(stated.number - value) > CENT for value in sums):
                yield at("S115", stated, one.label, stated.text, points(sums[0]), column=heading)


def _summed(entries: list) -> Decimal | None:
    """The sum of some cells; None where one of them is no number though it should be."""
    if any(entry is None or entry.problem for entry in entries):
        return None
    return sum((entry.number for entry in entries if entry.number is not None), ZERO)


def _may_be_unread(form: Submission, gap: Decimal) -> bool:
    """Whether a funds block that was not found can make up the difference."""
    weights = sum((row.weight.number for row in form.indicators if row.weight is not None and row.weight.number is not None), ZERO)
    return funds_unread(form, weights) and ZERO < gap <= HUNDRED - weights


def total_keeps_the_cap(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """The total stays below what the execution rate allows, where the edition caps it (b.1 E6)."""
    if not edition.execution.caps or form.total_row is None or form.totals[0].number is None:
        return
    rate = card.rate
    cap = total_cap(rate, edition)
    if cap is not None and form.totals[0].number > cap:
        yield at("S111", form.totals[0], "总分", form.totals[0].text, points(cap), edition.execution.source, rate=percent(rate, False))


def grade_fits_the_total(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """The grade that is printed is the one of the recomputed total (S7)."""
    entry, total = form.grade, card.total
    if total is None:
        total = form.totals[0].number
    if entry is None or total is None:
        return
    stated = grade_name(entry.text, edition)
    if stated and stated != (expected := grade(total, edition)):
        yield at("S107", entry, "自评结果", entry.text, expected, edition.grades_source, total=points(total))


def grade_name(text: str, edition: Edition) -> str:
    """The grade that a text names: 优, “优秀”, 优（90分以上）, 优□ 良☑ 中□; "" for none or for several."""
    names = {spelling: one.name for one in edition.grades for spelling in (one.name, *one.also)}
    words = "|".join(sorted(names, key=len, reverse=True))
    if _BOXES.search(text):
        box_first = bool(re.match(rf"\s*[{_TICKED}{_UNTICKED}]", text))
        pattern = rf"([{_TICKED}])\s*({words})" if box_first else rf"({words})[^{_TICKED}{_UNTICKED}优良中差]*([{_TICKED}])"
        ticked = [match[2 if box_first else 1] for match in re.finditer(pattern, text)]
        return names[ticked[0]] if len(ticked) == 1 else ""
    return names.get(plain_label(text).removesuffix("等级").removesuffix("等次"), "")


@lru_cache(maxsize=1024)
def _body_named(title: str) -> str:
    """The public body that a title names in front of 部门整体绩效自评表, "" where it names none."""
    title = fold(title)
    named = title[: min([place for word in _FORM_WORDS if (place := title.find(word)) >= 0], default=len(title))]
    named = re.sub(r"\(?\s*20[0-9]{2}\s*年?度?\s*\)?", "", named)
    if "附件" in named:
        named = re.sub(r"附件\s*[0-9一二三四五六七八九十]*[-0-9]*:?", "", named)
    named = plain_label(named).strip("_-—附表")
    return named if len(named) >= 4 and _ORGANISATION.search(named) else ""


def identity_is_one(form: Submission, card: Scorecard, edition: Edition) -> Iterator[Finding]:
    """One year in title, stamp and file name, one department in title and field (Q6); the unit and a missing column are said."""
    place = form.title or form.department or form.totals[0]
    if len({year for _, year in form.years}) > 1:
        yield at("L204", place, "年度", "、".join(f"{where} {year}" for where, year in form.years))
    if form.title is not None and form.department is not None and form.department.row >= 0:
        named = _body_named(form.title.text) if form.project is None else ""
        if named and named not in (department := plain_label(form.department.text)) and department not in named:
            yield at("L205", form.title, "部门名称", named, form.department.text)
    if form.unit == "元" and form.funds:
        first = next((entry for row in form.funds for entry in (row.initial, row.adjusted, row.executed) if entry is not None), form.totals[0])
        yield at("L203", first, form.funds[0].label)
    for field, heading in (("target", "年度指标值"), ("actual", "实际完成值"), ("weight", "分值"), ("score", "得分")):
        if field not in form.columns:
            yield at("L206", form.totals[0], heading)
