"""The form's arithmetic: the cases of cases/scoring.toml, deviations.toml and grades.toml, and what must hold for every figure."""

import re
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from drawing import draw
from hypothesis import assume, given
from hypothesis import strategies as st

from perfeval_xl import layout, record, scoring
from perfeval_xl.edition import get
from perfeval_xl.numbers import half_up, plain
from perfeval_xl.targets import read_actual, read_target

CASES = Path(__file__).parent / "cases"
EXAMPLES = Path(__file__).parent.parent / "workbook" / "examples"
EDITIONS = {"shangjie": get("shangjie-2022"), "jinshui": get("jinshui-2021"), "mof": get("mof-2020-project")}


def D(text):
    return Decimal(str(text))


STEPS = EDITIONS["mof"].execution._replace(rule="steps", steps=((D(95), D(100)), (D(80), D(80)), (D(50), D(60)), (D(0), D(25))))
CAPPED = EDITIONS["mof"]._replace(execution=EDITIONS["mof"].execution._replace(
    caps=tuple((D(below), D(total)) for below, total in ((50, 59), (60, 69), (70, 79), (80, 89)))))
RULES = {**{key: one.execution for key, one in EDITIONS.items()}, "steps": STEPS}


def cases(book, kind):
    found = tomllib.loads((CASES / f"{book}.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    return [pytest.param(case, id=case["name"]) for case in found[kind] if case.get("source") or found["source"]]


def number(case, key):
    return None if key not in case else D(case[key])


def attain(case):
    """The attainment of a case, read as a row of a form is."""
    target = read_target(*([case["target"]] if isinstance(case["target"], str) else case["target"]))
    fewer = target.op in ("", "==") and target.number is not None and scoring.less_is_better(case.get("label", ""), case.get("group", ""))
    edition = EDITIONS[case.get("edition", "shangjie")]
    return scoring.attain(target, read_actual(case["actual"]), fewer, edition.qualitative.rule, case.get("year"))


# ---- the cases ----


@pytest.mark.parametrize("case", cases("scoring", "rate"))
def test_execution_rate(case):
    rate = scoring.execution_rate(number(case, "adjusted"), number(case, "executed"))
    assert (rate if rate is None else half_up(rate, 2)) == number(case, "rate")


@pytest.mark.parametrize("case", cases("scoring", "execution"))
def test_execution_score(case):
    assert scoring.execution_score(D(case["rate"]), D(case.get("weight", 10)), RULES[case["edition"]]) == D(case["score"])


@pytest.mark.parametrize("case", cases("scoring", "cap"))
def test_cap_of_the_total(case):
    assert scoring.total_cap(number(case, "rate"), CAPPED) == number(case, "total")


@pytest.mark.parametrize("case", cases("scoring", "indicator"))
def test_indicator_score(case):
    edition, weight, attainment = EDITIONS[case.get("edition", "shangjie")], D(case["weight"]), attain(case)
    assert scoring.indicator_score(attainment, weight, edition) == number(case, "score")
    assert attainment.why == case.get("why", "")
    assert list(scoring.tier_range(attainment, weight, edition) or ()) == case.get("tier", [])


@pytest.mark.parametrize("case", cases("deviations", "case"))
def test_deviation(case):
    attainment = attain(case)
    printed = None if attainment.deviation is None else plain(attainment.deviation * 100, EDITIONS["shangjie"].deviation.places)
    assert printed == case.get("deviation")
    if "over" in case:
        assert attainment.over == D(case["over"])


@pytest.mark.parametrize("case", cases("grades", "case"))
@pytest.mark.parametrize("edition", EDITIONS)
def test_grade(case, edition):
    assert scoring.grade(D(case["total"]), EDITIONS[edition]) == case["grade"]


@pytest.mark.parametrize("name, fewer", [
    ("群众投诉", True), ("安全事故起数", True), ("差错率", True), ("“三公经费”控制率", True), ("结转结余率", True), ("违规问题", True),
    ("投诉办结率", False), ("事故处置率", False), ("火灾起数下降率", False), ("违规问题整改率", False), ("群众满意度", False), ("", False),
])
def test_names_of_what_should_not_happen(name, fewer):
    assert scoring.less_is_better(name) == fewer
    assert scoring.less_is_better(name, "成本指标") and scoring.less_is_better(name, "", "成本指标")


# ---- the published forms ----

#: (edition, funds rates, score of the funds block, scores of the parts, total, grade): seeds 001, 003, 000, 004
PUBLISHED = {
    "zhengwu-2022": ("shangjie-2022", ["56.76", "55.63", None, "100.00"], 6.31, [6.31, 30, 25, 35], 96.31, "优"),
    "renda-2022": ("shangjie-2022", ["66.60", "66.60", None, None], 7.4, [7.4, 29.48, 25, 35], 96.88, "优"),
    "waishi-2022": ("shangjie-2022", ["0.00", "0.00", None, None], 0, [0, 29, 25, 35], 89, "良"),
    "jinshui-2021": ("jinshui-2021", ["100.00", "100.00", None, "100.00", "100.00"], 10, [10, 20, 40], None, None),
}


@pytest.fixture(scope="module")
def published():
    return {name: record.check_file(str(EXAMPLES / f"{name}.xlsx"))[0] for name in PUBLISHED}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_form_is_recomputed(name, published):
    one = published[name]
    card = one.card
    rates = [None if rate is None else plain(rate, 2) for rate in card.rates]
    parts = [float(part.score) for part in card.parts]
    total = None if card.total is None else float(card.total)
    assert (one.edition.id, rates, float(card.funds_score), parts, total, card.grade) == PUBLISHED[name]


def test_the_rates_of_the_tasks_of_jinshui(published):
    rates = [plain(rate, 2) for rate in published["jinshui-2021"].card.task_rates]
    assert rates == ["51.78", "23.35", "21.50", "0.00", "14.30", "65.80", "0.00", "46.47"]


def test_a_part_adds_its_rounded_rows(published):
    for one in published.values():
        for part in one.card.parts[1:]:
            rows = [row for row, indicator in zip(one.card.rows, one.form.indicators, strict=True) if indicator.part == part.name]
            stated = [row.score for row in one.form.indicators if row.part == part.name]
            sums = [row.score if row.score is not None else entry.number or 0 for row, entry in zip(rows, stated, strict=True)]
            assert part.score == sum(sums)


DRAWING = """
部门整体自评表
部门（单位）名称|<|某区数据中心
部门整体支出情况||年初预算数|全年预算数|全年执行数|分值|执行率|得分
^|部门预算总额（万元）|{money}|10|{rate}|{score}
绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施
^|投入管理指标|预算和财务管理|专项资金细化率|≥90%|66.6%|30|22.2|-26.00%|原因
^|产出指标|履职目标实现|完成率|≥90%|95%|25|{blank}|0.00%|
^|效益指标|满意度|满意度|良好|较好|35|{stated}||
总分|<|<|<|<|<|100|{total}
"""


def scored(edition=EDITIONS["shangjie"], **filled):
    values = {"money": "400|400|360", "rate": 90, "score": 10, "blank": 25, "stated": 30, "total": 87.2, **filled}
    form, _ = layout.read(draw(DRAWING.format(**values)))
    return scoring.score(form, edition)


def test_a_row_that_no_rule_decides_counts_as_stated():
    card = scored()
    assert [row.score for row in card.rows] == [D("22.2"), 25, None]
    assert [part.score for part in card.parts] == [10, D("22.2"), 25, 30]
    assert (card.total, card.grade) == (D("87.2"), "良")


def test_a_row_without_any_score_leaves_the_total_open():
    card = scored(stated="")
    assert (card.parts[-1].score, card.total, card.grade) == (None, None, None)


def test_a_score_that_was_forgotten_is_computed():
    assert scored(blank="").total == D("87.2")


def test_no_budget_leaves_the_funds_score_as_stated():
    card = scored(money="0|0|0", rate=0, score=0)
    assert (card.rates, card.funds_score, card.total) == ((None,), None, D("77.2"))


def test_a_formula_error_is_never_a_zero():
    card = scored(money="400|400|#DIV/0!", rate="#DIV/0!", score="#DIV/0!")
    assert (card.rates, card.funds_score, card.parts[0].score, card.total) == ((None,), None, None, None)


def test_a_wrong_score_does_not_enter_the_total():
    assert scored(blank=99, total=161.2).total == D("87.2")


def test_a_capped_total_is_the_cap():
    card = scored(CAPPED._replace(parts=EDITIONS["shangjie"].parts), money="400|400|196", rate=49, score=4.9)
    assert (card.total, card.grade) == (59, "差")


# ---- what holds for every figure ----

AMOUNTS = st.decimals("0.01", 10**6, places=2)
WEIGHTS = st.integers(0, 100) | st.decimals(0, 100, places=2)
RATES = st.decimals(-50, 500, places=2)
UNITS = st.sampled_from(["", "%", "次", "万元"])
SHARES = st.sampled_from(["≥", "≤", "", ">", "<", "="])


def row_score(sign, target, actual, weight, unit="", edition="shangjie", fewer=False):
    attainment = scoring.attain(read_target(f"{sign}{target}{unit}"), read_actual(f"{actual}{unit}"), fewer)
    return scoring.indicator_score(attainment, D(weight), EDITIONS[edition])


def exactly(value, places):
    """四舍五入 of a fraction, by whole numbers."""
    scaled = value * 10**places
    return Decimal((2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)).scaleb(-places)


@given(SHARES, AMOUNTS | st.just(0), st.decimals(-100, 10**6, places=2), WEIGHTS, UNITS, st.sampled_from(sorted(EDITIONS)))
def test_a_score_lies_between_0_and_the_weight(sign, target, actual, weight, unit, edition):
    assume(not (sign == "" and unit == "%" and 210 <= target <= 2100))  # a lost sign is asked about, not scored
    points = row_score(sign, target, actual, weight, unit, edition)
    assert points is None or 0 <= points <= half_up(D(weight), EDITIONS[edition].quantitative.places)


@given(st.sampled_from(["≥", "", "不低于"]), AMOUNTS, st.lists(st.decimals(-100, 10**6, places=2), min_size=2, max_size=2), WEIGHTS)
def test_more_of_what_is_wanted_never_scores_less(sign, target, actuals, weight):
    less, more = (row_score(sign, target, actual, weight, "次") for actual in sorted(actuals))
    assert less <= more


@given(st.sampled_from(["≤", "<", "不超过"]), AMOUNTS, st.lists(st.decimals(-100, 10**6, places=2), min_size=2, max_size=2), WEIGHTS)
def test_more_of_what_is_limited_never_scores_more(sign, target, actuals, weight):
    less, more = (row_score(sign, target, actual, weight, "次") for actual in sorted(actuals))
    assert less >= more


@given(SHARES, AMOUNTS, AMOUNTS, WEIGHTS, AMOUNTS)
def test_scaling_target_and_actual_together_changes_nothing(sign, target, actual, weight, factor):
    alone = scoring.attain(read_target(f"{sign}{target}次"), read_actual(f"{actual}次"))
    scaled = scoring.attain(read_target(f"{sign}{target * factor}次"), read_actual(f"{actual * factor}次"))
    assert alone.met == scaled.met
    for one in EDITIONS.values():
        assert scoring.indicator_score(alone, D(weight), one) == scoring.indicator_score(scaled, D(weight), one)
    assert plain(alone.deviation, 4) == plain(scaled.deviation, 4)


@given(AMOUNTS, AMOUNTS, st.integers(1, 100))
def test_a_score_is_the_exact_ratio_rounded_half_up(target, actual, weight):
    ratio = Fraction(actual) / Fraction(target)
    unit = "次" if re.fullmatch(r"(?:19|20)[0-9]{2}\.(0[1-9]|1[0-2])", str(actual)) else ""  # 2033.01 alone may be a month: it is asked about
    assert row_score("≥", target, actual, weight, unit) == exactly(weight * min(ratio, Fraction(1)), 2)
    assert row_score("≤", target, actual, weight, unit) == exactly(weight * min(1 / ratio, Fraction(1)), 2)


@given(st.integers(1, 3600), st.integers(1, 33), st.sampled_from([30, 45, 60, 75, 90, 95]))
def test_half_a_hundredth_always_goes_up(halves, threes, target):
    weight, points = 3 * threes, Fraction(2 * halves + 1, 200)
    actual = points * target / weight
    assume(points < weight and (actual * 10**6).denominator == 1)
    printed = plain(Decimal(int(actual * 10**6)).scaleb(-6))
    assert row_score("≥", target, printed, weight, "次") == exactly(points, 2)


@given(AMOUNTS, AMOUNTS, st.integers(1, 30), st.sampled_from(sorted(EDITIONS)))
def test_a_score_of_the_funds_block_is_exact_too(adjusted, executed, weight, edition):
    rule = EDITIONS[edition].execution
    share = Fraction(executed) / Fraction(adjusted) * 100 / Fraction(rule.line)
    points = scoring.execution_score(scoring.execution_rate(adjusted, executed), D(weight), rule)
    assert points == exactly(weight * min(share, Fraction(1)), rule.places)


@given(st.lists(RATES, min_size=2, max_size=2), WEIGHTS, st.sampled_from(sorted(RULES)))
def test_a_higher_rate_never_scores_less(rates, weight, rule):
    low, high = (scoring.execution_score(rate, D(weight), RULES[rule]) for rate in sorted(rates))
    assert 0 <= low <= high <= half_up(D(weight), RULES[rule].places)


@given(st.lists(RATES, min_size=2, max_size=2))
def test_a_higher_rate_is_never_capped_lower(rates):
    low, high = (scoring.total_cap(rate, CAPPED) for rate in sorted(rates))
    assert high is None or (low is not None and low <= high)


@given(AMOUNTS, AMOUNTS, st.integers(1, 10**6))
def test_a_rate_is_the_same_in_yuan(adjusted, executed, factor):
    wan, yuan = scoring.execution_rate(adjusted, executed), scoring.execution_rate(adjusted * factor, executed * factor)
    assert half_up(wan, 10) == half_up(yuan, 10)


@given(st.data(), st.sampled_from(sorted(PUBLISHED)))
def test_the_order_of_rows_does_not_change_the_total(published, data, name):
    one = published[name]
    shuffled = one.form._replace(indicators=tuple(data.draw(st.permutations(one.form.indicators))))
    card = scoring.score(shuffled, one.edition)
    assert (card.total, card.grade, card.funds_score) == (one.card.total, one.card.grade, one.card.funds_score)
    assert sorted(card.parts) == sorted(one.card.parts)


@given(st.decimals(0, 100, places=4), st.decimals(0, 100, places=4))
def test_a_higher_total_never_has_a_lower_grade(one, other):
    names = [grade.name for grade in EDITIONS["mof"].grades]
    low, high = (names.index(scoring.grade(total, EDITIONS["mof"])) for total in sorted((one, other)))
    assert low >= high


@given(st.text(max_size=12), st.text(max_size=12), st.integers(1, 30), st.sampled_from(sorted(EDITIONS)))
def test_any_two_texts_have_a_score_or_none(target, actual, weight, edition):
    attainment = scoring.attain(read_target(target), read_actual(actual), False, EDITIONS[edition].qualitative.rule, 2022)
    points = scoring.indicator_score(attainment, D(weight), EDITIONS[edition])
    assert points is None or 0 <= points <= weight
