"""What a 年度指标值 / 实际完成值 says: the cases of cases/targets.toml, and what must hold for every text."""

import datetime
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfeval_xl.numbers import fold, read_number
from perfeval_xl.targets import Reading, comparable, due, happened, is_open_fraction, read_actual, read_target

CASES = tomllib.loads((Path(__file__).parent / "cases" / "targets.toml").read_text(encoding="utf-8"), parse_float=Decimal)
KINDS = {"quant", "qual", "date", "period", "tolerance", "mixed", "blank", "suspect", "na", "text"}
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
VOCABULARY = """
    ≥ ≤ = > < 不低于 不超过 控制在 达到 以上 以内 (含) 5 90 290 0 1.5 1,234 2021 12 31 年 月 日 底 前 % ‰ 百分之 九十五 三 万 元 次 人次
    / - ~ 至 ± 约 左右 各 完成 已 未 部分 达成 满意度 覆盖率 合理 定性指标 正向 ★ … # 无 — ， 。 ( ) ① ² x _
"""
WORDS = st.lists(st.sampled_from([*VOCABULARY.split(), " ", "\n"]), max_size=7).map("".join)
TEXTS = st.text() | WORDS
CELLS = TEXTS | st.none() | st.floats() | st.integers() | st.booleans() | st.dates() | st.times() | TEXTS.map(read_number)


def read(role, *cells):
    return (read_target if role == "T" else read_actual)(*cells)


def cells_of(raw):
    raw = re.sub(r" \(target .*\)$", "", raw).replace("⏎", "\n")
    return raw.split(" | ") if " | " in raw else [raw]


def published(roles):
    return [pytest.param(case, id=f"{case['id']} {case['raw']}") for case in CASES["published"] if case["role"] in roles]


def own(kind, *names):
    return [pytest.param(case, id=" ".join(str(case.get(name)) for name in names)) for case in CASES[kind]]


def test_all_published_cases_are_here():
    assert [case["id"] for case in CASES["published"]] == list(range(1, 136))


@pytest.mark.parametrize("case", published("TA"))
def test_published_text(case):
    reading = read(case["role"], *cells_of(case["raw"]))
    said = reading.date or reading.number
    assert (reading.kind, reading.op, said, reading.unit) == (case["kind"], case.get("op"), case.get("number"), case.get("unit"))


@pytest.mark.parametrize("case", published("DR"))
def test_published_figure(case):
    number = read_number(*cells_of(case["raw"]))
    assert number.value == case.get("number")
    # a rate may be printed without its %: the column says what it is
    assert number.unit in (case.get("unit", ""), "" if case["role"] == "R" else case.get("unit", ""))
    assert not number.problem


@pytest.mark.parametrize("case", own("grammar", "role", "cells"))
def test_grammar(case):
    reading = read(case["role"], *case["cells"])
    expected = (case["kind"], case.get("op"), case.get("number"), case.get("unit"), case.get("high"), case.get("date"), case.get("tier", 0))
    assert (reading.kind, reading.op, reading.number, reading.unit, reading.high, reading.date, reading.tier) == expected


@pytest.mark.parametrize("case", own("comparable", "target", "actual"))
def test_comparable(case):
    target, actual = read_target(case["target"]), read_actual(case["actual"])
    assert comparable(target, actual) == case.get("value")
    assert is_open_fraction(target, actual) == case.get("open", False)


@pytest.mark.parametrize("case", own("due", "target", "year"))
def test_due(case):
    day = due(read_target(case["target"]), case.get("year"))
    assert day == (tuple(case["day"]) if "day" in case else None)


@pytest.mark.parametrize("case", own("happened", "actual", "year"))
def test_happened(case):
    day = happened(read_actual(case["actual"]), case.get("year"))
    assert day == (tuple(case["day"]) if "day" in case else None)


def test_numeric_and_date_cells():
    assert read_target("≥", 95.0, "%") == Reading("quant", ">=", Decimal(95), "%", "≥95%")
    assert read_target(None, 95.0) == Reading("quant", "", Decimal(95), None, "95")
    assert read_actual(0.1 + 0.2) == Reading("quant", "", Decimal("0.3"), None, "0.3")
    assert read_actual(read_number(0.666, True)) == Reading("quant", "", Decimal("66.6"), "%", "66.6%")
    assert read_target("≥", read_number(0.9, True)) == Reading("quant", ">=", Decimal(90), "%", "≥90%")
    assert read_target(datetime.datetime(2021, 12, 31)) == Reading("date", "at", None, None, "2021-12-31", date="2021-12-31")
    assert [read_actual(cell).kind for cell in (True, float("nan"), 10**20, None)] == ["text", "text", "text", "blank"]


def test_the_text_is_as_printed():
    assert read_target("合理", "定性指标").text == "合理"
    assert read_target("≥", "９０％").text == "≥９０％"
    assert read_target(" 有效\n减少 ").text == "有效减少"


def test_a_month_only_deadline_takes_the_whole_month():
    target, actual = read_target("2023年12月前"), read_actual("2023年12月")
    assert happened(actual, None) <= due(target, None)


@given(st.lists(CELLS, min_size=0, max_size=4), st.sampled_from("TA"))
def test_no_cells_are_too_odd(cells, role):
    reading = read(role, *cells)
    assert reading.kind in KINDS
    assert (reading.number is not None) or reading.kind not in ("quant", "suspect", "tolerance")
    assert (reading.date is not None) == (reading.kind in ("date", "period"))
    assert due(reading, 2022) is None or len(due(reading, 2022)) == 3
    assert (happened(reading, 2022) is None) == (reading.date is None)


@given(TEXTS, TEXTS)
def test_any_two_readings_can_be_put_side_by_side(text, text2):
    target, actual = read_target(text), read_actual(text2)
    assert comparable(target, actual) is None or not is_open_fraction(target, actual)


@given(TEXTS, st.sampled_from("TA"))
def test_full_width_reads_like_half_width(text, role):
    half, full = read(role, fold(text)), read(role, fold(text).translate(FULL_WIDTH))
    assert half._replace(text="") == full._replace(text="")


@given(WORDS, st.sampled_from("TA"))
def test_a_quantity_is_made_of_the_figures_that_stand_there(text, role):
    reading = read(role, text)
    if reading.kind == "quant":
        figures = re.findall(r"[0-9][0-9.,]*", fold(text))
        # 百分之九十五 and 不少于三次 have their figure in words, 95%以上(含95%) names it twice
        assert not figures or len(set(figures)) <= (2 if reading.op == "between" or "含" in text else 1)


SIGNS, UNITS = ["", "≥", "≤", "=", "不低于", "大于"], ["", "%", "次", "万元", "人次"]


@given(st.decimals(0, 10**9, places=3), st.sampled_from(SIGNS), st.sampled_from(UNITS))
def test_text_to_reading_to_text(number, op, unit):
    text = f"{op}{number}{unit}"
    reading = read_target(text)
    assert (reading.text, reading.number, reading.unit) == (text, number, unit or None)
    assert read_target(reading.text) == reading


@given(st.decimals(1, 10**6, places=2), st.decimals(1, 10**6, places=2), st.sampled_from([("元", "万元"), ("亩", "万亩"), ("%", "‰")]))
def test_units_there_and_back(number, number2, units):
    small, large = (read_actual(f"{figure}{unit}") for figure, unit in ((number, units[0]), (number2, units[1])))
    assert comparable(small, small._replace(number=comparable(small, large))) == comparable(small, large)
    assert comparable(large, small._replace(number=comparable(small, large))) == large.number
