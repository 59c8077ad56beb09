"""One core, many doors: the cases of the core as rows of workbooks, and every way in gives the same figures.

A door is one line of a table. ``CALLS`` take a case; ``SHEETS`` take a workbook and give the cells of its form; ``RECORDS`` take a workbook
and give what the JSON of ``check`` says about it. Native formulas will be one more line of SHEETS, a district run one more of RECORDS.
"""

from __future__ import annotations

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from memory_host import MemoryHost
from udf_bench import MISSING, Bench, Range

from perfeval_xl import buttons, cli, intake, scoring, udfs, workbook_file
from perfeval_xl.edition import get
from perfeval_xl.model import FORM_SHEET, Percent
from perfeval_xl.numbers import half_up
from perfeval_xl.record import check_sheet
from perfeval_xl.targets import read_actual, read_target
from perfeval_xl.template import blank

CASES = Path(__file__).parent / "cases"
IDS = {"shangjie": "shangjie-2022", "jinshui": "jinshui-2021", "mof": "mof-2020-project"}
#: an edition that prints sign, figure and unit of a target in cells of their own
SPLIT = "jinshui-2021"


class Row(NamedTuple):
    """A row of 绩效指标, and what the case says about it: score and deviation as a fraction, None where no rule gives one, "?" where the case
    does not say."""

    case: str
    edition: str
    target: tuple[str, ...]
    actual: str
    weight: Decimal
    name: str
    group: str
    year: int | None
    expected: tuple


class Form(NamedTuple):
    """A form whose funds block and one row are filled in, with its rates, the score of its funds block, its total and its grade."""

    case: str
    edition: str
    weight: Decimal
    money: tuple[tuple[Decimal, Decimal], ...]
    rest: Decimal
    expected: tuple


def _cases(book: str, kind: str) -> list[dict]:
    return tomllib.loads((CASES / f"{book}.toml").read_text(encoding="utf-8"), parse_float=Decimal)[kind]


def _rows() -> list[Row]:
    rows = []
    for book, kind in (("scoring", "indicator"), ("deviations", "case")):
        for case in _cases(book, kind):
            target = tuple(case["target"]) if isinstance(case["target"], list) else (case["target"],)
            deviation = Decimal(case["deviation"]) / 100 if "deviation" in case else None
            expected = (_float(case.get("score")), "?") if kind == "indicator" else ("?", _float(deviation))
            edition = SPLIT if len(target) > 1 else IDS[case.get("edition", "shangjie")]
            rows.append(Row(case["name"], edition, target, case["actual"], Decimal(case.get("weight", 1)), case.get("label", "事项"),
                            case.get("group", "数量指标"), case.get("year"), expected))
    return rows


def _forms() -> list[Form]:
    """As many forms as there are scores of a funds block; rates and grades are dealt out among them."""
    rates = [case for case in _cases("scoring", "rate") if "rate" in case and case["adjusted"]]
    grades = [case for case in _cases("grades", "case") if half_up(Decimal(case["total"]), 2) == case["total"]]
    forms = []
    for n, case in enumerate(case for case in _cases("scoring", "execution") if case["edition"] in IDS):
        edition, score = get(IDS[case["edition"]]), Decimal(case["score"])
        sources = [rates[(2 * n + k) % len(rates)] for k in range(min(2, len(edition.funds_rows) - 1))]
        met = scoring.attain(read_target("100%"), read_actual("100%"), False, edition.qualitative.rule)
        # the rest must be a score that the edition's rounding leaves as it is
        grade = next(one for one in grades[n % len(grades) :] + grades
                     if scoring.indicator_score(met, max(one["total"] - score, Decimal(0)), edition) == one["total"] - score)
        money = ((Decimal(100), Decimal(case["rate"])), *((Decimal(one["adjusted"]), Decimal(one["executed"])) for one in sources))
        stated = (_float(half_up(Decimal(case["rate"]), 2)), *(_float(one["rate"]) for one in sources))
        forms.append(Form(f"{case['name']}; {grade['name']}", edition.id, Decimal(case.get("weight", 10)), money, grade["total"] - score,
                          (*stated, _float(score), _float(grade["total"]), grade["grade"])))
    return forms


def _float(value) -> float | None:
    return None if value is None else float(value)


ROWS, FORMS = _rows(), _forms()


# ---- doors without a workbook ----


def by_scoring(row: Row) -> tuple:
    """The core itself."""
    edition, target = get(row.edition), read_target(*row.target)
    fewer = target.op in ("", "==") and target.number is not None and scoring.less_is_better(row.name, row.group)
    attained = scoring.attain(target, read_actual(row.actual), fewer, edition.qualitative.rule, row.year)
    deviation = attained.deviation
    return (_float(scoring.indicator_score(attained, row.weight, edition)),
            None if deviation is None else float(half_up(deviation, edition.deviation.places + 2)))


def by_functions(row: Row) -> tuple:
    """The worksheet functions, called as plain functions."""
    target = [row.target] if len(row.target) > 1 else row.target[0]
    more = row.name, row.group, row.year or ""
    return _figures(udfs.PE_SCORE(target, row.actual, float(row.weight), row.edition, *more), udfs.PE_DEVIATION(target, row.actual, *more))


def form_by_scoring(form: Form) -> tuple:
    """The core itself."""
    edition, rates = get(form.edition), [scoring.execution_rate(*money) for money in form.money]
    score = scoring.execution_score(rates[0], form.weight, edition.execution)
    return (*(float(half_up(rate, 2)) for rate in rates), float(score), float(score + form.rest), scoring.grade(score + form.rest, edition))


def form_by_functions(form: Form) -> tuple:
    """The worksheet functions, called as plain functions."""
    money = [tuple(map(float, one)) for one in form.money]
    score = udfs.PE_EXECUTION_SCORE(*money[0], float(form.weight), form.edition)
    total = udfs.PE_TOTAL(score, float(form.rest))
    return (*(udfs.PE_EXECUTION_RATE(*one) for one in money), score, total, udfs.PE_GRADE(total, form.edition))


CALLS = {"scoring": (by_scoring, form_by_scoring), "functions": (by_functions, form_by_functions)}


def _figures(*cells) -> tuple:
    """What stands in cells, None for a blank and for a text that says why there is no figure; dust behind the figures is dropped."""
    return tuple(None if value is None or (isinstance(value, str) and not isinstance(value, Percent)) else round(float(value), 9) for value in cells)


# ---- doors through a workbook ----


def cached_values(path: str):
    """What the file holds."""
    return next(sheet for sheet in intake.load(path).sheets if sheet.name == FORM_SHEET)


def button(path: str):
    """②, after every computed cell was pasted over."""
    host = MemoryHost.load(path)
    for cell in host.sheets[FORM_SHEET].cells.values():
        if cell.formula:
            cell.formula, cell.value = "", 0.123
    host.ask = None  # no box is expected
    buttons.recalculate(host)
    return host.grid(FORM_SHEET)


def checked(path: str) -> dict:
    """``perfeval-xl check --json``."""
    one, = _json(["check", path, "--json"])["files"]
    return one


SHEETS = {"cached values": cached_values, "②": button}
RECORDS = {"check --json": checked}


def _json(command: list[str]) -> dict:
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()) as out:
        assert cli.main(command) in (0, 1)
    return json.loads(out.getvalue())


def _target(row: Row) -> dict[str, str]:
    """The cells of a target: in a form with cells for them its sign and unit, else one text."""
    if len(row.target) == 1:
        return {"target": row.target[0]}
    return dict(zip(("sign", "target") if row.target[0] in "≥≤=" else ("target", "unit"), row.target, strict=True))


@pytest.fixture(scope="module")
def row_books(tmp_path_factory) -> list[tuple[str, list[Row]]]:
    """The workbooks that hold all rows: one for each edition and year."""
    books = []
    for n, key in enumerate(dict.fromkeys((row.edition, row.year) for row in ROWS)):
        rows = [row for row in ROWS if (row.edition, row.year) == key]
        edition = get(key[0])
        part = next(part.name for part in edition.parts if part.place != "funds")
        form = blank(edition)._replace(year=key[1], department="某局", indicators=tuple(
            {"part": part, "group": row.group, "name": row.name, **_target(row), "actual": row.actual, "weight": row.weight} for row in rows))
        books.append((str(tmp_path_factory.mktemp("rows") / f"{'abcdef'[n]}.xlsm"), rows))
        workbook_file.build(books[-1][0], edition, form)
    return books


@pytest.fixture(scope="module")
def form_books(tmp_path_factory) -> list[tuple[str, Form]]:
    """A workbook for each form."""
    folder, books = tmp_path_factory.mktemp("forms"), []
    for n, form in enumerate(FORMS):
        edition = get(form.edition)
        empty, parts = blank(edition), [part.name for part in edition.parts if part.place != "funds"]
        roles = [row.role for row in edition.funds_rows]
        roles = ["total", *(role for role in empty.funds if role != "total" and role in roles)]
        funds = dict(empty.funds)
        for role, (adjusted, executed) in zip(roles, form.money, strict=False):
            funds[role] = {**funds[role], "initial": adjusted, "adjusted": adjusted, "executed": executed}
        funds["total"]["weight"] = form.weight
        rows = tuple({"part": part, "group": "数量指标", "name": "事项", "target": "100%", "actual": "100%", "weight": 0 if k else form.rest}
                     for k, part in enumerate(parts))
        books.append((str(folder / f"{chr(97 + n // 26)}{chr(97 + n % 26)}.xlsm"), form))
        workbook_file.build(books[-1][0], edition, empty._replace(department="某局", funds=funds, indicators=rows))
    return books


def _agree(found: list[tuple], cases: list) -> None:
    """Every figure of a door is the core's, and the one the case states."""
    call = by_scoring if isinstance(cases[0], Row) else form_by_scoring
    for case, figures in zip(cases, found, strict=True):
        assert figures == call(case), case.case
        assert all(stated in ("?", figure) for stated, figure in zip(case.expected, figures, strict=True)), case.case


@pytest.mark.parametrize("door", CALLS)
def test_a_door_without_a_workbook(door):
    for call, cases in zip(CALLS[door], (ROWS, FORMS), strict=True):
        _agree([call(case) for case in cases], cases)


def test_the_door_of_excel():
    """Through xlwings' own ``call_udf``; tests/test_call_udf.py sends all cases that way, here are a few rows."""
    with Bench() as bench:
        for row in ROWS[::9]:
            target = Range([list(row.target)]) if len(row.target) > 1 else row.target[0]
            more = row.name, row.group, float(row.year) if row.year else MISSING
            assert by_scoring(row) == _figures(bench.call("PE_SCORE", target, row.actual, float(row.weight), row.edition, *more),
                                               bench.call("PE_DEVIATION", target, row.actual, *more)), row.case


@pytest.mark.parametrize("door", SHEETS)
def test_the_cells_of_a_workbook(door, row_books, form_books):
    for path, rows in row_books:
        sheet = SHEETS[door](path)
        form = check_sheet(sheet, "").form
        places = [(one.score, one.deviation) for one in form.indicators]
        _agree([_figures(sheet.rows[score.row][score.column], sheet.rows[deviation.row][deviation.column] if deviation else by_scoring(row)[1])
                for row, (score, deviation) in zip(rows, places, strict=True)], rows)
    for path, case in form_books:
        sheet = SHEETS[door](path)
        form = check_sheet(sheet, "").form
        rates = [row.rate for row in (form.total_row, *(row for row in form.funds if row is not form.total_row))][: len(case.money)]
        figures = [sheet.rows[one.row][one.column] for one in (*rates, form.total_row.score, form.totals[0])]
        _agree([(*_figures(*figures), form.grade.text)], [case])


@pytest.mark.parametrize("door", RECORDS)
def test_the_record_of_a_workbook(door, row_books, form_books):
    for path, rows in row_books:
        found = [(one["score"], one["deviation"]) for one in RECORDS[door](path)["indicators"]]
        _agree([(_float(score), None if deviation is None else round(deviation / 100, 9)) for score, deviation in found], rows)
    for path, case in form_books:
        one = RECORDS[door](path)
        funds = sorted(one["funds"], key=lambda row: row["role"] != "total")
        figures = *(row["rate"] for row in funds[: len(case.money)]), funds[0]["score"], one["total"]
        _agree([(*map(_float, figures), one["grade"])], [case])
