"""The one door for numbers: the cases of cases/numbers.toml, and what must hold for every text."""

import datetime
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfeval_xl.numbers import Number, chinese_number, fold, half_up, is_nothing, plain, printed_step, read_number, shifted, tidy

CASES = tomllib.loads((Path(__file__).parent / "cases" / "numbers.toml").read_text(encoding="utf-8"))
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
NUMBER_MARKS = st.text(st.sampled_from("0123456789０９.．,，+-−–－%％‰万元亿分 \n\r\t\u3000\xa0eE_x()①²٥无/*#@…"), max_size=12)
FIGURES = st.decimals(min_value=-(10**14), max_value=10**14, allow_nan=False, places=4) | st.decimals(-1, 1, allow_nan=False, places=9)


def cases(kind, name):
    return [pytest.param(case, id=f"{kind} {case[name]!r}") for case in CASES[kind]]


@pytest.mark.parametrize("case", cases("read", "cell"))
def test_a_cell_is_read(case):
    number = read_number(case["cell"], case.get("percent", False))
    value = case.get("value")
    assert number.value == (Decimal(value) if value is not None else None)
    assert (number.unit, number.problem, number.text) == (case.get("unit", ""), case.get("problem", ""), case.get("text", case["cell"]))


@pytest.mark.parametrize("case", cases("printed", "value"))
def test_a_figure_is_printed(case):
    assert plain(Decimal(case["value"]), case.get("places")) == case["text"]


@pytest.mark.parametrize("case", cases("step", "text"))
def test_the_last_printed_digit(case):
    assert printed_step(case["text"]) == Decimal(case["step"])


@pytest.mark.parametrize("case", cases("chinese", "text"))
def test_a_chinese_numeral(case):
    assert chinese_number(case["text"]) == (Decimal(case["value"]) if "value" in case else None)


@pytest.mark.parametrize("value", [None, float("nan"), float("-inf"), Decimal("NaN"), Decimal("Infinity"), Decimal("1E+99999")])
def test_what_is_no_figure_has_no_value(value):
    assert read_number(value).value is None
    assert read_number(value).problem == ("" if value is None else "range")


@pytest.mark.parametrize("value", [datetime.datetime(2021, 12, 31), datetime.date(2021, 12, 31)])
def test_a_date_is_no_number(value):
    assert read_number(value) == Number(None, "2021-12-31", "", "text")


def test_true_one_and_one_point_nought_do_not_share_a_memory():
    assert [read_number(value).value for value in (1, True, 1.0)] == [1, None, 1]


def test_exact_beyond_the_default_precision():
    assert shifted(Decimal("0." + "3" * 40), 2) == Decimal("33." + "3" * 38)
    assert half_up(Decimal("0." + "4" * 40), 39) == Decimal("0." + "4" * 39)


@pytest.mark.parametrize("text", ["", None, "-", "—", "——", "－", "/", "*", "无", "@@@", " — "])
def test_nothing(text):
    assert is_nothing(text)


@pytest.mark.parametrize("text", ["0", "……", "无没有", "-5", "一"])
def test_something(text):
    assert not is_nothing(text)


def test_folding_does_not_invent_figures():
    assert fold("①５²½＝﹦≧﹪") == "①5²½==≥%"


@given(FIGURES, st.sampled_from(["", "%", "‰", "万元", "元", "亿元", "分"]))
def test_figure_to_text_to_figure(value, unit):
    number = read_number(plain(value) + unit)
    assert (number.value, number.unit, number.problem) == (value, unit, "")
    assert plain(number.value) + unit == number.text


@given(st.text() | NUMBER_MARKS)
def test_reading_the_text_again_gives_the_same(text):
    number = read_number(text)
    assert read_number(number.text) == number
    assert tidy(number.text) == number.text


@given(st.text() | NUMBER_MARKS)
def test_full_width_reads_like_half_width(text):
    half, full = read_number(fold(text)), read_number(fold(text).translate(FULL_WIDTH))
    assert (half.value, half.unit, half.problem) == (full.value, full.unit, full.problem)


@given(st.text() | NUMBER_MARKS)
def test_no_text_is_too_odd(text):
    number = read_number(text)
    assert number.value is None or not number.problem
    assert isinstance(printed_step(text), Decimal)
    assert isinstance(is_nothing(text), bool)
    assert chinese_number(text) is None or chinese_number(text) >= 0


@given(st.floats() | st.integers() | st.decimals(allow_nan=False) | st.booleans() | st.dates() | st.times(), st.booleans())
def test_no_value_is_too_odd(value, percent):
    number = read_number(value, percent)
    assert number.value is None or abs(number.value) < 10**15


@given(st.text(st.sampled_from("零〇一二两三九十百千万亿点壹拾"), max_size=8))
def test_no_numeral_is_too_odd(text):
    value = chinese_number(text)
    assert value is None or (value.is_finite() and value >= 0)


@given(FIGURES, st.integers(0, 6))
def test_rounding_is_half_up_and_stable(value, places):
    rounded = half_up(value, places)
    assert abs(rounded - value) * 2 <= Decimal(1).scaleb(-places)
    assert half_up(rounded, places) == rounded
    assert half_up(-value, places) == -rounded
    assert not plain(value, places).startswith("-0.000000"[: places + 3]) or rounded
