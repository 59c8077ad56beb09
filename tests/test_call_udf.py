"""The worksheet functions as Excel calls them: through xlwings' own ``call_udf``, and through the generated VBA in an interpreter."""

import datetime
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from udf_bench import DIV0, MISSING, SPILL, Bench, Block, Excel, Range

from perfeval_xl import udfs
from perfeval_xl.numbers import half_up

ROOT = Path(__file__).parent.parent
CASES = Path(__file__).parent / "cases"
HERE = "shangjie-2022"
IDS = {"shangjie": HERE, "jinshui": "jinshui-2021", "mof": "mof-2020-project"}


@pytest.fixture(scope="module")
def bench():
    with Bench() as one:
        yield one


def cases(book, kind):
    return tomllib.loads((CASES / f"{book}.toml").read_text(encoding="utf-8"), parse_float=Decimal)[kind]


def cell(value):
    """A value as a cell hands it over: numbers are floats, a few cells in a row a range."""
    if isinstance(value, list):
        return Range([[cell(one) or None for one in value]])
    return float(value) if isinstance(value, (int, Decimal)) else value


# ---- the cases of the core, one figure through Excel's way in ----


def test_every_case_of_a_row_gives_the_figure_of_the_core(bench):
    for case in cases("scoring", "indicator"):
        edition = IDS[case.get("edition", "shangjie")]
        more = [case.get("label", MISSING), case.get("group", MISSING), cell(case.get("year", MISSING))]
        found = bench.call("PE_SCORE", cell(case["target"]), cell(case["actual"]), float(case["weight"]), edition, *more)
        plain = udfs.PE_SCORE(case["target"], case["actual"], float(case["weight"]), edition, case.get("label", ""), case.get("group", ""),
                              case.get("year", ""))
        assert found == plain, case["name"]
        if "score" in case:
            assert found == float(case["score"]), case["name"]


def test_every_case_of_a_deviation(bench):
    for case in cases("deviations", "case"):
        found = bench.call("PE_DEVIATION", cell(case["target"]), cell(case["actual"]), case.get("label", MISSING), case.get("group", MISSING),
                           cell(case.get("year", MISSING)))
        if "deviation" in case:
            assert found == float(half_up(Decimal(case["deviation"]) / 100, 4)), case["name"]
        else:
            assert isinstance(found, str), case["name"]


def test_every_case_of_a_grade_and_of_a_rate(bench):
    for case in cases("grades", "case"):
        assert bench.call("PE_GRADE", float(case["total"]), HERE) == case["grade"]
    for case in cases("scoring", "rate"):
        found = bench.call("PE_EXECUTION_RATE", *(cell(case.get(field)) for field in ("adjusted", "executed")))
        assert found == float(case["rate"]) if "rate" in case else isinstance(found, str), case["name"]
    for case in cases("scoring", "execution"):
        if case["edition"] in IDS:
            found = bench.call("PE_EXECUTION_SCORE", 100.0, float(case["rate"]), float(case.get("weight", 10)), IDS[case["edition"]])
            assert found == float(case["score"]), case["name"]


# ---- what cells hand over ----


def test_scalars_single_cells_and_ranges_are_one(bench):
    for target in ("≥90%", Range([["≥90%"]]), Range([["≥", 90.0, "%"]]), Block([["≥90%"]])):
        for actual in ("66.6%", Range([["66.6%"]]), Range([[66.6]])):
            assert bench.call("PE_SCORE", target, actual, Range([[2.0]]), Range([[HERE]])) == 1.48


def test_a_column_of_rows_gives_a_column(bench):
    targets, actuals = Range([["≥", 90.0, "%"], ["≥", 5.0, "件"], [None, None, None]]), Range([["66.6%"], ["4件"], [None]])
    assert bench.call("PE_SCORE", targets, actuals, Range([[2.0], [2.0], [2.0]]), HERE) == [[1.48], [1.6], [""]]
    assert bench.call("PE_DEVIATION", targets, actuals) == [[-0.26], [-0.2], [""]]


def test_three_cells_beside_each_other_are_not_three_rows(bench):
    assert bench.call("PE_SCORE", Range([["≥", 5.0, "件"]]), "4件", 2.0, HERE) == 1.6
    assert bench.call("PE_SCORE", Range([["≥5件"], ["≥4件"], ["≥8件"]]), "4件", 2.0, HERE) == [[1.6], [2.0], [1.0]]


def test_blanks(bench):
    assert bench.call("PE_SCORE", Range([[None]]), "5", 2.0, HERE) == bench.call("PE_SCORE", "≥5", None, 2.0, HERE) == ""
    assert bench.call("PE_TOTAL", Range([[None], [None]])) == bench.call("PE_GRADE", None, HERE) == ""


@pytest.mark.parametrize("error, words", [(DIV0, "#DIV/0!"), (SPILL, "#SPILL!"), (-2146826246, "#N/A"), ("#REF!", "#REF!")])
def test_error_cells_are_refused(bench, error, words):
    for given in (error, Range([[error]])):
        for name, *arguments in (("PE_SCORE", "≥5", given, 2.0, HERE), ("PE_GRADE", given, HERE), ("PE_EXECUTION_RATE", 5.0, given),
                                 ("PE_TOTAL", 1.0, given), ("PE_CHECK", "≥5", given, 2.0, 2.0, "", HERE)):
            found = bench.call(name, *arguments)
            assert found.startswith("V102 ") and words in found


def test_missing_arguments(bench):
    assert bench.call("PE_SCORE", "≥5件", "4件", 2.0, HERE, MISSING, MISSING, MISSING) == 1.6
    assert bench.call("PE_SCORE", "≥5件", MISSING, 2.0, HERE) == ""
    assert bench.call("PE_TOTAL", 1.0, MISSING, 2.0) == 3.0


def test_text_numbers_currency_dates_and_truths(bench):
    assert bench.call("PE_GRADE", "９５", HERE) == bench.call("PE_GRADE", Decimal("95.0000"), Range([[HERE]])) == "优"
    assert bench.call("PE_EXECUTION_RATE", Decimal("366.4800"), "208.02") == 56.76
    assert bench.call("PE_SCORE", "2021年12月31日前", datetime.datetime(2021, 12, 30), 2.0, HERE) == 2.0
    assert bench.call("PE_TOTAL", True).startswith("V101 ")


def test_the_total_names_what_it_refuses(bench):
    assert bench.call("PE_TOTAL", Range([[10.0], ["-"], ["- 不计分"], [None]]), 2.5, Block([[1.0], [2.0]])) == 15.5
    assert bench.call("PE_TOTAL", 1.0, Range([[2.0], ["V203 请人工评分"]])) == "V101 第2个参数第2行不是一个数：V203 请人工评分"


def test_the_check_of_a_row(bench):
    assert bench.call("PE_CHECK", "≥90%", "66.6%", 2.0, 1.5, "支付进度慢", HERE, "预算执行率") == "S106 得分应为 1.48"
    rows = [Range([[one] for one in column]) for column in (("≥90%", "≥5件", None), ("66.6%", "4件", None), (2.0, 2.0, 3.0), (1.48, 1.6, None),
                                                           ("支付进度慢", None, None))]
    assert bench.call("PE_CHECK", *rows, HERE) == [[""], ["T101 没有写明偏差原因"], [""]]


def test_only_the_free_part_of_xlwings_is_there(bench):
    """The bench runs in the environment of this test; with a key in it, it would prove nothing."""
    assert bench.ask(eval="xlwings.__pro__") is False
    assert bench.ask(eval="'perfeval_xl.udfs' in sys.modules") is True


# ---- the generated VBA ----


@pytest.fixture(scope="module")
def excel(bench, tmp_path_factory):
    path = tmp_path_factory.mktemp("excel") / "form.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for row, cells in enumerate((["≥90%", "66.6%", 2.0, 1.48, "支付进度慢", HERE], ["≥", 5.0, "件", "4件", 2.0], [10.0, 2.5, "-", None, "优"])):
            sheet.write_row(row, 0, cells)
        sheet.write_formula("A4", "=1/0", None, "#DIV/0!")
        sheet.write_column("H1", ["≥5件", "≥8件"])
        sheet.write_column("I1", ["4件", "4件"])
    macros = {name: (ROOT / "macros" / f"{name}.bas").read_text(encoding="ascii") for name in ("xlwings_udfs", "perfeval_buttons", "perfeval_ribbon")}
    wrappers = macros.pop("xlwings_udfs")
    return Excel(path, wrappers, bench, macros)


@pytest.mark.parametrize("expression, found", [
    ('PE_SCORE(Range("A1"), Range("B1"), Range("C1"), Range("F1"))', 1.48),
    ('PE_SCORE(Range("A2:C2"), Range("D2"), Range("E2"), Range("F1"))', 1.6),
    ('PE_SCORE("5\u4ef6", "10\u4ef6", 2, "shangjie-2022", "\u7fa4\u4f17\u6295\u8bc9")', 1.0),
    ('PE_SCORE(Range("A1"), Range("A4"), 2, Range("F1"))', "V102 实际完成值公式错误 #DIV/0!"),
    ('PE_SCORE(Range("A1"), Range("D3"), 2, Range("F1"))', ""),
    ('PE_SCORE(Range("H1:H2"), Range("I1:I2"), 2, Range("F1"))', [[1.6], [1.0]]),
    ('PE_DEVIATION(Range("A1"), Range("B1"))', -0.26),
    ('PE_EXECUTION_RATE(366.48, 208.02)', 56.76),
    ('PE_EXECUTION_SCORE(366.48, 208.02, 10, Range("F1"))', 6.31),
    ('PE_TOTAL(Range("A3:D3"), 3)', 15.5),
    ('PE_TOTAL(Range("A3"), Range("E3"))', "V101 第2个参数不是一个数：优"),
    ('PE_TOTAL(Range("A4"), 3)', "V102 第1个参数公式错误 #DIV/0!"),
    ('PE_GRADE(95, Range("F1"))', "优"),
    ('PE_CHECK(Range("A1"), Range("B1"), Range("C1"), Range("D1"), Range("E1"), Range("F1"))', ""),
    ('PE_CHECK(Range("A1"), Range("B1"), Range("C1"), 2, Range("E1"), Range("F1"))', "S106 得分应为 1.48"),
])
def test_the_generated_vba_gives_the_figure(excel, expression, found):
    assert excel.evaluate(expression) == found


def test_a_call_that_fails_shows_an_error_and_no_words(bench, tmp_path):
    """As when the process of Python cannot be started: SUM must not pass over it."""
    from pyopenvba.interpreter._values import VBAErrorValue

    path = tmp_path / "form.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_worksheet()
    wrappers = (ROOT / "macros" / "xlwings_udfs.bas").read_text(encoding="ascii")
    broken = Excel(path, wrappers.replace('"perfeval_xl.udfs"', '"perfeval_xl.nowhere"'), bench)
    assert broken.evaluate('PE_GRADE(95, "shangjie-2022")') == VBAErrorValue(2015)


def test_a_button_and_its_twin_in_the_ribbon_start_one_function(excel):
    from pyopenvba.interpreter._values import NOTHING

    from perfeval_xl.vba import BUTTONS

    for button in BUTTONS:
        excel.commands.clear()
        excel.application.run(button.macro)
        excel.application.run(f"Ribbon_{button.macro.removeprefix('PE_')}", NOTHING)
        command, twin = excel.commands
        assert command == twin == f"import perfeval_xl.buttons as b; b.made_with = '9.9.9'; b.{button.action}()"
        assert not set(command) & set('"%&^') and command.isascii()
        compile(command, button.macro, "exec")
