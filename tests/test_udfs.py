"""The worksheet functions as plain functions: the figures of the core, what they refuse, and what no argument may make them do."""

import datetime
import math
import re
import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from drawing import draw
from hypothesis import given
from hypothesis import strategies as st

from perfeval_xl import catalogue, layout, log, messages, record, rules, scoring, udfs
from perfeval_xl.edition import get
from perfeval_xl.model import Percent
from perfeval_xl.numbers import half_up

CASES = Path(__file__).parent / "cases"
EXAMPLES = sorted((Path(__file__).parent.parent / "workbook" / "examples").glob("*.xlsx"))
IDS = {"shangjie": "shangjie-2022", "jinshui": "jinshui-2021", "mof": "mof-2020-project"}
HERE = IDS["shangjie"]
DIV0, SPILL = -2146826281, -2146826243
FUNCTIONS = {name: function for name, function in vars(udfs).items() if name.startswith("PE_")}
#: a text that a function puts into a cell instead of a figure
TEXT = re.compile(r"([LVFISTRDX][0-9]{3}) \S")


def cases(book, kind):
    found = tomllib.loads((CASES / f"{book}.toml").read_text(encoding="utf-8"), parse_float=Decimal)
    return [pytest.param(case, id=case["name"]) for case in found[kind]]


def cell(case, key):
    """A figure of a case as it stands in a cell."""
    return float(case[key]) if key in case else None


def code(found):
    """The code of a refusal, "" for a figure or an empty cell."""
    match = TEXT.match(found) if isinstance(found, str) else None
    return match[1] if match else ""


# ---- the cases of the core ----


@pytest.mark.parametrize("case", cases("scoring", "rate"))
def test_execution_rate(case):
    found = udfs.PE_EXECUTION_RATE(cell(case, "adjusted"), cell(case, "executed"))
    if "rate" in case:
        assert found == float(case["rate"])
    else:
        assert found == "" if len({"adjusted", "executed"} & set(case)) < 2 else code(found) == "F112"


@pytest.mark.parametrize("case", [one for one in cases("scoring", "execution") if one.values[0]["edition"] in IDS])
def test_execution_score(case):
    assert udfs.PE_EXECUTION_SCORE(100.0, float(case["rate"]), float(case.get("weight", 10)), IDS[case["edition"]]) == float(case["score"])


def row(case):
    """The arguments that say how a row is to be read."""
    return {"indicator": case.get("label", ""), "group": case.get("group", ""), "year": case.get("year", "")}


@pytest.mark.parametrize("case", cases("scoring", "indicator"))
def test_score(case):
    found = udfs.PE_SCORE(case["target"], case["actual"], float(case["weight"]), IDS[case.get("edition", "shangjie")], **row(case))
    if "score" in case:
        assert found == float(case["score"])
    elif case.get("why"):
        assert code(found) == ("V102" if "#" in f"{case['target']}{case['actual']}" else case["why"])
    elif "tier" in case:
        assert found.startswith("S112") and "—".join(f"{limit:g}" for limit in map(float, case["tier"])) in found
    else:
        assert found == "" or code(found) == "V208"


@pytest.mark.parametrize("case", cases("deviations", "case"))
def test_deviation(case):
    found = udfs.PE_DEVIATION(case["target"], case["actual"], **row(case))
    if "deviation" in case:
        assert found == float(half_up(Decimal(case["deviation"]) / 100, 4))
    else:
        assert found == "" or code(found)


@pytest.mark.parametrize("case", cases("grades", "case"))
@pytest.mark.parametrize("edition", IDS.values())
def test_grade(case, edition):
    assert udfs.PE_GRADE(float(case["total"]), edition) == case["grade"]


# ---- the published forms: what `perfeval-xl check` gives for each row ----


def as_cell(reading, entry):
    """A figure of a form as it arrives from a cell; texts stay texts."""
    return entry.text if entry is not None else ""


@pytest.fixture(scope="module")
def checked():
    return [record.check_file(str(path))[0] for path in EXAMPLES]


def test_every_row_of_the_published_forms_has_one_score_and_one_deviation(checked):
    compared = 0
    for one in checked:
        for indicator, result in zip(one.form.indicators, one.card.rows, strict=True):
            if result.weight is None:
                continue
            arguments = {"indicator": indicator.name, "group": f"{indicator.part}{indicator.group}", "year": one.form.year}
            target, actual = indicator.target.text, indicator.actual_entry.text
            found = udfs.PE_SCORE(target, actual, float(result.weight), one.edition.id, **arguments)
            assert found == float(result.score) if result.score is not None else isinstance(found, str), indicator.name
            found = udfs.PE_DEVIATION(target, actual, **arguments)
            if result.attainment.deviation is not None:
                assert found == float(half_up(result.attainment.deviation, 4))
            compared += 1
    assert compared > 80


def test_every_funds_row_of_the_published_forms_has_one_rate_and_one_score(checked):
    for one in checked:
        for funds, rate in zip(one.form.funds, one.card.rates, strict=True):
            found = udfs.PE_EXECUTION_RATE(funds.adjusted.text, funds.executed.text)
            assert found == float(half_up(rate, 2)) if rate is not None else isinstance(found, str)
        total = one.form.total_row
        if one.card.funds_score is not None:
            assert udfs.PE_EXECUTION_SCORE(total.adjusted.text, total.executed.text, total.weight.text, one.edition.id) == float(one.card.funds_score)


def test_the_total_of_a_published_form(checked):
    totals = 0
    for one in checked:
        if one.card.total is not None:
            scores = [[None if part.score is None else float(part.score)] for part in one.card.parts]
            assert udfs.PE_TOTAL(scores) == float(one.card.total)
            assert udfs.PE_GRADE(float(one.card.total), one.edition.id) == one.card.grade
            totals += 1
    assert totals >= 3


BOOKS = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((CASES / "findings").glob("*.toml"))}
ROW_CODES = {code for rule in rules.RULES if rule.holds in udfs._ROW_RULES for code in rule.codes}
#: what only a whole form shows, or what is said about a column that PE_CHECK does not see
NOT_OF_A_ROW = {"I106", "I109"}


@pytest.mark.parametrize("stem", BOOKS)
def test_check_of_a_row_says_what_the_check_of_the_form_says(stem):
    rows = said = 0
    for case in BOOKS[stem]["case"]:
        picture = BOOKS[stem]["base"]
        for old, new in case.get("swap", {}).items():
            picture = picture.replace(old, new)
        form, _ = layout.read(draw(picture))
        edition = get(form.edition)
        card = scoring.score(form, edition)
        found = rules.check(form, card, edition)
        for indicator in form.indicators:
            entries = (indicator.weight, indicator.score)
            if any(entry is None or entry.covered or entry.span > 1 for entry in entries) or card.gaps:
                continue
            cells = {entry.column for entry in (indicator.target_entry, indicator.actual_entry, *entries, indicator.reason) if entry is not None}
            mine = [one for one in found if one.row == indicator.place.row and one.column in cells and one.code in ROW_CODES - NOT_OF_A_ROW]
            spoken = udfs.PE_CHECK(indicator.target.text or indicator.target_entry.text, indicator.actual_entry.text, indicator.weight.text,
                                   indicator.score.text, indicator.reason.text if indicator.reason else "", form.edition,
                                   indicator.name, f"{indicator.part}{indicator.group}", form.year)
            if spoken == "" and mine and mine[0].code in udfs._NOT_YET:
                continue
            assert code(spoken) == (mine[0].code if mine else ""), f"{case['name']}: {indicator.name}"
            rows, said = rows + 1, said + bool(mine)
    assert rows > 10 and (said > 20 or stem != "shangjie")


def test_the_check_of_a_row_runs_every_rule_of_single_rows():
    assert len(udfs._ROW_RULES) == 9
    assert {rule.__name__ for rule in udfs._ROW_RULES} >= {"targets_and_actuals_stand", "scores_follow_the_rule", "shortfalls_have_reasons"}


def test_the_first_finding_is_the_one_of_the_first_cell():
    assert code(udfs.PE_CHECK("约5个", "5个", -2.0, 1.0, "", HERE)) == "V203"


def test_a_row_not_begun_is_told_of_its_target_only():
    assert code(udfs.PE_CHECK("≥0件", "", 2.0, "", "", HERE)) == "I107"
    assert udfs.PE_CHECK("≥5件", "", 2.0, "", "", HERE) == udfs.PE_CHECK("", "", 2.0, "", "", HERE) == ""
    begun = (("", 2.0, ""), ("", "", "疫情"), ("5件", "", ""))
    assert [code(udfs.PE_CHECK("≥5件", actual, 2.0, score, reason, HERE)) for actual, score, reason in begun] == ["V202", "V202", "S105"]


def test_a_refusal_in_the_score_cell_is_no_second_mistake():
    refusal = udfs.PE_SCORE("合理", "合理", 2.0, IDS["mof"])
    assert code(refusal) == "S112"
    assert code(udfs.PE_CHECK("合理", "合理", 2.0, refusal, "", IDS["mof"])) == "S105"
    assert code(udfs.PE_CHECK("合理", "合理", 2.0, "优", "", IDS["mof"])) == "V101"


# ---- blanks, errors, texts ----


def test_true_is_not_one():
    assert udfs.PE_GRADE(1.0, HERE) == "差"
    assert code(udfs.PE_GRADE(True, HERE)) == "V101"
    assert udfs.PE_SCORE("≥5件", "5件", 1.0, HERE) == 1.0 and code(udfs.PE_SCORE("≥5件", "5件", True, HERE)) == "V101"
    assert udfs.PE_SCORE(1.0, "1", 2.0, HERE) == 2.0 and code(udfs.PE_SCORE(True, "1", 2.0, HERE)) == "V203"


def test_a_blank_input_gives_nothing():
    assert udfs.PE_EXECUTION_RATE(None, 3.0) == udfs.PE_EXECUTION_RATE(3.0, "  ") == ""
    assert udfs.PE_EXECUTION_SCORE(3.0, 2.0, "", HERE) == udfs.PE_EXECUTION_SCORE(3.0, 2.0, 10.0, None) == ""
    for one in (("", "5", 2, HERE), ("≥5", None, 2, HERE), ("≥5", "5", "", HERE), ("≥5", "5", 2, ""), ("-", "5", 2, HERE)):
        assert udfs.PE_SCORE(*one) == ""
    assert udfs.PE_DEVIATION("≥5", "") == udfs.PE_DEVIATION(["≥", "", "%"], "5") == ""
    assert udfs.PE_TOTAL() == udfs.PE_TOTAL(None, [[None], ["-"]]) == udfs.PE_GRADE("", HERE) == udfs.PE_GRADE(95.0, None) == ""
    assert udfs.PE_CHECK("", "", "", "", "", HERE) == udfs.PE_CHECK("≥5件", "", 2.0, "", "", HERE) == ""


@pytest.mark.parametrize("error, words", [("#DIV/0!", "#DIV/0!"), ("#N/A", "#N/A"), ("＃REF!", "＃REF!"), (DIV0, "#DIV/0!"), (SPILL, "#SPILL!"),
                                          (-2146826200, "Err:2088")])
def test_an_error_in_a_cell_is_refused_and_never_a_zero(error, words):
    refused = [udfs.PE_EXECUTION_RATE(error, 3.0), udfs.PE_EXECUTION_RATE(3.0, error), udfs.PE_EXECUTION_SCORE(3.0, 2.0, error, HERE),
               udfs.PE_SCORE(error, "5", 2.0, HERE), udfs.PE_SCORE("≥5", error, 2.0, HERE), udfs.PE_SCORE("≥5", "5", error, HERE),
               udfs.PE_DEVIATION("≥5", error), udfs.PE_DEVIATION(error, "5"), udfs.PE_TOTAL(1.0, error), udfs.PE_TOTAL([[1.0], [error]]),
               udfs.PE_GRADE(error, HERE), udfs.PE_CHECK("≥5", error, 2.0, 2.0, "", HERE)]
    assert {code(found) for found in refused} == {"V102"}
    assert all(words in found for found in refused)


@pytest.mark.parametrize("target", [["≥", "#DIV/0!", "%"], ["≥", 90.0, SPILL], ["#N/A", 90.0, "%"]])
def test_an_error_in_one_of_the_cells_of_a_target(target):
    found = (udfs.PE_SCORE(target, "100%", 2.0, HERE), udfs.PE_DEVIATION(target, "100%"), udfs.PE_CHECK(target, "100%", 2.0, 2.0, "", HERE))
    assert [code(one) for one in found] == ["V102"] * 3


def test_an_error_among_blanks_is_still_refused():
    assert code(udfs.PE_SCORE("", "#REF!", "", HERE)) == "V102"


@pytest.mark.parametrize("text", ["95", " 95 ", "９５", "95.0", "+95", 95, 95.0, Decimal("95.0000")])
def test_a_number_typed_as_text_is_a_number(text):
    assert udfs.PE_GRADE(text, HERE) == "优"
    assert udfs.PE_TOTAL(text, "1,000.5") == 1095.5
    assert udfs.PE_SCORE("≥190件", text, "2", HERE) == 1.0


@pytest.mark.parametrize("text", ["九十五", "95左右", "2000万", "abc", True, datetime.datetime(2022, 1, 1)])
def test_what_is_not_one_number_is_refused_by_name(text):
    assert udfs.PE_GRADE(text, HERE).startswith("V101 总分不是一个数")
    assert udfs.PE_EXECUTION_RATE(100.0, text).startswith("V101 全年执行数不是一个数")
    assert udfs.PE_SCORE("≥5件", "5件", text, HERE).startswith("V101 分值不是一个数")


def test_percent_or_fraction_is_asked_about_and_not_guessed():
    assert udfs.PE_SCORE("≥90%", "66.6%", 2.0, HERE) == udfs.PE_SCORE("≥90%", 66.6, 2.0, HERE) == 1.48
    assert udfs.PE_SCORE("≥90%", 0.666, 2.0, HERE).startswith("V104 0.666 可能是 0.666%，也可能是 66.6%")
    assert code(udfs.PE_DEVIATION("≥90%", 0.666)) == "V104"
    assert udfs.PE_SCORE("≥90%", Percent(0.666), 2.0, HERE) == 1.48


def test_a_target_without_sign_is_read_by_the_name_of_its_indicator():
    assert udfs.PE_SCORE("5件", "10件", 2.0, HERE) == 2.0
    assert udfs.PE_SCORE("5件", "10件", 2.0, HERE, "群众投诉") == 1.0
    assert udfs.PE_SCORE("5万元", "10万元", 2.0, HERE, "某项支出", "成本指标") == 1.0


@pytest.mark.parametrize("year", [2022, 2022.0, "2022", "2022年", "２０２２年度"])
def test_a_date_is_completed_by_the_year(year):
    assert udfs.PE_SCORE("7月31日前", "2022年6月1日", 2.0, HERE, year=year) == 2.0
    assert code(udfs.PE_SCORE("7月31日前", "2022年8月1日", 2.0, HERE, "", "", year)) == "V210"
    assert code(udfs.PE_SCORE("7月31日前", "2022年8月1日", 2.0, HERE)) == "V211"


def test_a_date_cell_is_a_date():
    assert udfs.PE_SCORE("2022年底前", datetime.datetime(2022, 6, 1), 2.0, HERE) == 2.0


def test_an_unknown_edition_is_refused():
    for found in (udfs.PE_SCORE("≥5", "5", 2.0, "x"), udfs.PE_GRADE(95.0, "x"), udfs.PE_EXECUTION_SCORE(3.0, 2.0, 10.0, "x"),
                  udfs.PE_CHECK("≥5", "5", 2.0, 2.0, "", "x")):
        assert found == "X113 没有名为 x 的版本"


def test_nothing_out_of_any_possible_range_goes_out():
    tiny = "0." + "0" * 400 + "1"
    assert code(udfs.PE_EXECUTION_RATE(tiny, 5.0)) == code(udfs.PE_DEVIATION(f"≤{tiny}", "5")) == "V103"
    assert code(udfs.PE_TOTAL("999999999999999", "999999999999999")) == "V103"
    assert code(udfs.PE_GRADE(math.inf, HERE)) == code(udfs.PE_GRADE(math.nan, HERE)) == "V103"


# ---- the total ----


def test_what_does_not_count_is_passed_over():
    assert udfs.PE_TOTAL(10.0, [[1.5], ["-"], ["- 不计分"], ["— 不计分"], ["－"], [None], [""]], "", 0.25) == 11.75


def test_scores_are_added_exactly():
    assert udfs.PE_TOTAL([[0.1]] * 3) == 0.3
    assert udfs.PE_TOTAL(*[1.1] * 10) == 11.0


@pytest.mark.parametrize("scores, found", [
    ((1.0, "优"), "V101 第2个参数不是一个数：优"),
    (([[1.0], ["V203 请人工评分"]],), "V101 第1个参数第2行不是一个数：V203 请人工评分"),
    ((1.0, [[1.0, 2.0], [3.0, "#VALUE!"]]), "V102 第2个参数第2行第2列公式错误 #VALUE!"),
    ((1.0, [2.0, "x"]), "V101 第2个参数第2列不是一个数：x"),
    ((True,), "V101 第1个参数不是一个数：True"),
])
def test_a_text_or_an_error_among_the_scores_is_named(scores, found):
    assert udfs.PE_TOTAL(*scores) == found


# ---- ranges ----


def test_a_target_in_a_row_of_cells():
    for target in (["≥", 90.0, "%"], [["≥", "90", "%"]], ["≥90", "%"], ["≥90%"], [["≥90%", None, None]]):
        assert udfs.PE_SCORE(target, "66.6%", 2.0, HERE) == 1.48


def test_several_rows_give_a_column():
    assert udfs.PE_SCORE([["≥", 90.0, "%"], ["≥", 5.0, "件"], [None] * 3], [["66.6%"], ["4件"], [None]], 2.0, HERE) == [[1.48], [1.6], [""]]
    assert udfs.PE_SCORE("≥5件", [["5件"], ["#N/A"]], [[2.0], [3.0]], HERE) == [[2.0], ["V102 实际完成值公式错误 #N/A"]]
    assert udfs.PE_EXECUTION_RATE([[100.0], [0.0]], [[50.0], [0.0]]) == [[50.0], ["F112 没有预算数，算不出执行率"]]
    assert udfs.PE_GRADE([[95.0], [85.0]], [[HERE]]) == [["优"], ["良"]]
    assert udfs.PE_CHECK([["≥5件"], ["≥5件"]], [["5件"], ["4件"]], 2.0, [[2.0], [1.6]], [[""], [""]], HERE) == [[""], ["T101 没有写明偏差原因"]]


@pytest.mark.parametrize("arguments, shapes", [
    (([["≥5"]] * 3, [["5"]] * 2, 2.0, HERE), "3×1、2×1"), (([["≥", "5", "件", "x"]], "5", 2.0, HERE), "1×4"),
    (("≥5", [["5", "件"]], 2.0, HERE), "1×2"), (([], "5", 2.0, HERE), "1×0"),
])
def test_ranges_that_do_not_fit_are_refused(arguments, shapes):
    found = udfs.PE_SCORE(*arguments)
    assert code(found) == "X711" and shapes in found


# ---- what no argument may make them do ----

CELLS = st.one_of(
    st.none(), st.text(max_size=12), st.floats(), st.booleans(), st.integers(-10**20, 10**20), st.integers(-2146828288, -2146826000),
    st.datetimes(), st.decimals(allow_nan=False),
    st.sampled_from(["", "-", "≥90%", "95%", "#DIV/0!", "2021年底前", "合理", "约5个", HERE, IDS["mof"], "S112 x", "1e999"]))
ARGUMENTS = CELLS | st.lists(CELLS, max_size=4) | st.lists(st.lists(CELLS, max_size=3), max_size=3)


def is_cell(value):
    return type(value) is str or (type(value) is float and math.isfinite(value))


@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data())
def test_any_arguments_give_a_figure_or_a_text(name, data):
    count = 3 if name.startswith("PE_TOTAL") else FUNCTIONS[name].__wrapped__.__code__.co_argcount
    found = FUNCTIONS[name](*data.draw(st.tuples(*[ARGUMENTS] * count)))
    for value in [cell for row in found for cell in row] if isinstance(found, list) else [found]:
        assert is_cell(value)
        assert not (isinstance(value, str) and value.startswith("X901"))


@given(st.floats(0.01, 10**6), st.floats(0, 10**6), st.floats(0, 100))
def test_a_score_stays_within_its_weight(target, actual, weight):
    found = udfs.PE_SCORE(f"≥{target:.2f}件", f"{actual:.2f}件", weight, HERE)
    assert 0 <= found <= float(half_up(Decimal(format(weight, ".15g")), 2))


def test_an_unexpected_exception_becomes_a_text_and_stands_in_the_log(monkeypatch, tmp_path):
    file = tmp_path / "perfeval_xl.log"
    monkeypatch.setattr(log, "path", lambda: str(file))
    monkeypatch.setattr(udfs, "grade", None)
    assert udfs.PE_GRADE(12.34567, HERE) == "X901 意外错误（TypeError），请联系维护人员"
    assert udfs.PE_SCORE({"秘密": 1}, "5", 2.0, HERE).startswith("X901")
    entry = file.read_text(encoding="utf-8")
    assert "PE_GRADE: TypeError" in entry and "udfs.py:" in entry
    assert "12.34567" not in entry and "秘密" not in entry


# ---- words ----


def test_whatever_a_cell_may_say_has_short_words_in_both_languages():
    spoken = {*ROW_CODES, "V102", "V103", "F112", "X113", "X711", "X901"} - NOT_OF_A_ROW
    assert spoken <= set(catalogue.SHORT) <= set(catalogue.CODES)
    assert set(catalogue.SHORT) - spoken == set()
    for pair in catalogue.SHORT.values():
        assert re.search("[\u4e00-\u9fff]", pair[0]) and not re.search("[\u4e00-\u9fff]", pair[1]) and max(map(len, pair)) < 80


def test_the_functions_speak_english_too():
    messages.speak("en")
    try:
        assert udfs.PE_SCORE("≥5", "5", 2.0, "x") == "X113 no edition x"
    finally:
        messages.speak("")


def test_help_is_chinese_and_fits_the_wizard():
    used = set()
    for name, function in FUNCTIONS.items():
        inner = function.__wrapped__.__code__
        used |= set(inner.co_varnames[: inner.co_argcount + (name.startswith("PE_TOTAL"))])
        assert re.search("[\u4e00-\u9fff]", function.__doc__) and len(function.__doc__) <= 255
    assert used == set(udfs.ARGUMENTS)
    assert all(len(text) <= 255 and re.search("[\u4e00-\u9fff]", text) for text in udfs.ARGUMENTS.values())


#: words that VBA keeps for itself, and names that the wrappers of xlwings use
RESERVED = frozenset(re.findall(r"\w+", """and as boolean byref byte byval call case const currency date debug decimal declare dim do double each
    else end enum erase event exit false for friend function get global goto if implements in input integer is let like lock long loop me mod new next
    not nothing null object on open option optional or paramarray preserve print private property public put raiseevent redim resume return select set
    single static step stop string sub then to true type until variant wend while with withevents write xor k argsarray failed caller"""))


def test_names_are_legal_in_vba_and_look_like_no_cell():
    for name, function in FUNCTIONS.items():
        inner = function.__wrapped__.__code__
        assert re.fullmatch("PE_[A-Z]+(_[A-Z]+)*", name) and inner.co_kwonlyargcount == 0
        for argument in inner.co_varnames[: inner.co_argcount + (name.startswith("PE_TOTAL"))]:
            assert re.fullmatch("[a-z][a-z0-9]*", argument) and argument not in RESERVED


def test_importing_them_loads_no_heavy_library():
    code = ("import sys; import perfeval_xl.udfs;"
            "print([name for name in ('pandas', 'numpy', 'openpyxl', 'xlwings', 'xlsxwriter') if name in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
