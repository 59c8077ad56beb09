"""Computed cells: every cell that is worked out has its function, its function speaks of the right cells, and its value is the core's."""

from __future__ import annotations

import os

import pytest
from fillings import random_filling
from formulas import evaluate

from perfeval_xl import beside, computed, examples, layout, scoring, table
from perfeval_xl.cells import Grid
from perfeval_xl.edition import editions, get
from perfeval_xl.model import Percent, Sheet
from perfeval_xl.numbers import half_up
from perfeval_xl.template import as_sheet, blank, lay_out

EXAMPLES = sorted(name for name in os.listdir(examples.DATA) if name.endswith(".toml"))


def example(name):
    return examples.load(os.path.join(examples.DATA, name))


def desk(edition, filling=None):
    """The form as a sheet, read, and its computed cells by (row, column)."""
    plan, cells = beside.prepare(edition, filling)
    return plan, with_values(as_sheet(plan, edition), cells), {(one.row, one.column): one for one in cells}


def with_values(sheet, cells):
    rows = [list(row) for row in sheet.rows]
    for one in cells:
        rows[one.row][one.column] = one.value
    return sheet._replace(rows=rows)


def _fillings():
    for name in EXAMPLES:
        yield pytest.param(*example(name), id=name.removesuffix(".toml"))
    for edition in editions().values():
        yield pytest.param(edition, blank(edition), id=f"{edition.id} blank")
        for seed in range(12):
            yield pytest.param(edition, random_filling(edition, seed), id=f"{edition.id} {seed}")


FILLINGS = list(_fillings())


@pytest.mark.parametrize("edition, filling", FILLINGS)
def test_every_cell_that_is_drawn_as_computed_is_computed(edition, filling):
    plan, _, cells = desk(edition, filling)
    assert {box[:2] for box in plan.boxes if box.kind == "computed"} == set(cells)


@pytest.mark.parametrize("edition, filling", FILLINGS)
def test_the_value_is_what_the_formula_gives_for_the_cells_it_names(edition, filling):
    _, sheet, cells = desk(edition, filling)
    names = {"pe_edition": edition.id, "pe_year": sheet.stamp.get("pe_year")}
    assert cells
    for one in cells.values():
        assert evaluate(one.formula, lambda row, column: at(sheet, row, column), names) == one.value, one


def at(sheet, row, column):
    value = sheet.rows[row][column]
    return float(value) if isinstance(value, Percent) else None if value == "" else value


@pytest.mark.parametrize("edition, filling", FILLINGS)
def test_a_computed_cell_and_a_check_give_one_figure(edition, filling):
    _, sheet, cells = desk(edition, filling)
    form, _ = layout.read(sheet, edition.id)
    card = scoring.score(form, edition)
    for row, rate in zip(form.funds, card.rates, strict=True):
        value = cells[row.rate.row, row.rate.column].value
        if rate is not None:
            assert value == float(half_up(rate, 2))
        else:
            assert value in ("", 0.0) or value.startswith(("F112 ", "V10"))
    funds = cells[form.total_row.score.row, form.total_row.score.column].value
    assert funds == (float(card.funds_score) if card.funds_score is not None else "") or funds.startswith("F112 ")
    for row, result in zip(form.indicators, card.rows, strict=True):
        value = cells[row.score.row, row.score.column].value
        # where no rule decides, the cell says why, is blank, or holds the score given by hand, and the core counts that one
        by_hand = result.score is None and not isinstance(value, str) and result.counted == half_up(row.score.number, 20)
        assert by_hand or (isinstance(value, str) if result.score is None else value == float(result.score))
        if row.deviation is not None and result.attainment.deviation is not None:
            deviation = float(half_up(result.attainment.deviation, edition.deviation.places + 2))
            assert cells[row.deviation.row, row.deviation.column].value == deviation
    total = cells[form.totals[0].row, form.totals[0].column].value
    if card.total is not None and not card.apart:
        assert total == float(card.total)
        assert next(one.value for one in cells.values() if one.field == "grade") == card.grade


@pytest.mark.parametrize("name, total, grade", [("renda-2022", 96.88, "优"), ("zhengwu-2022", 96.31, "优"), ("waishi-2022", 89.0, "良")])
def test_the_published_forms_have_their_totals(name, total, grade):
    _, _, cells = desk(*example(f"{name}.toml"))
    assert [one.value for one in cells.values() if one.block == "total"] == [total, grade]


def test_the_formulas_read_as_a_clerk_would_write_them():
    _, _, cells = desk(get("shangjie-2022"))
    shown = {(one.block, one.field): one.formula for one in sorted(cells.values(), reverse=True)}
    assert shown["funds", "rate"] == "=PE_EXECUTION_RATE(F4,G4)" and shown["funds", "score"] == "=PE_EXECUTION_SCORE(F4,G4,H4,pe_edition)"
    call = "PE_SCORE(E15,F15,G15,pe_edition,D15,$C$15,pe_year)"
    assert shown["indicators", "score"] == f"=IF(COUNT(L15)=0,{call},IF(ISTEXT({call}),L15,{call}))"
    assert shown["indicators", "deviation"] == "=PE_DEVIATION(E15,F15,D15,$C$15,pe_year)"
    assert shown["indicators", "state"] == "=PE_CHECK(E15,F15,G15,H15,J15,pe_edition,D15,$C$15,pe_year)"
    assert shown["total", "score"] == "=PE_TOTAL_SCORE(J4,H15:H42)" and shown["total", "grade"] == "=PE_GRADE_BAND(H43,pe_edition)"


def test_a_target_in_two_cells_is_a_row_of_cells_and_a_task_has_its_rate():
    _, _, cells = desk(get("jinshui-2021"))
    formulas = [one.formula for one in cells.values() if (one.block, one.field) == ("indicators", "score")]
    assert all("PE_SCORE(D" in formula and ":E" in formula for formula in formulas)
    assert len([one for one in cells.values() if one.block == "tasks"]) == 3


def test_the_second_level_is_named_by_the_cell_on_top_of_its_merge():
    edition = get("shangjie-2022")
    plan, _, cells = desk(edition)
    tops = {row: box.top for box in plan.boxes if (box.block, box.field) == ("indicators", "group") for row in range(box.top, box.bottom + 1)}
    for one in cells.values():
        if (one.block, one.field) == ("indicators", "score"):
            assert f"$C${tops[one.row] + 1}," in one.formula and f",D{one.row + 1}," in one.formula


def test_costs_are_told_by_their_first_level_where_the_second_does_not_say():
    edition = get("mof-2020-project")
    rows = ({"part": "成本指标", "group": "经济指标", "name": "总额", "target": "10万元", "actual": "8万元", "weight": 10},)
    form = blank(edition)._replace(indicators=rows)
    plan = lay_out(edition, form)
    sheet = as_sheet(plan, edition)
    (score,) = [one for one in computed.cells(layout.read(sheet, edition.id)[0], sheet) if (one.block, one.field) == ("indicators", "score")]
    assert score.value == 10.0 and "$B$13&$C$13" in score.formula


def test_a_score_by_hand_counts_where_no_rule_decides_and_nowhere_else():
    edition = get("mof-2020-project")
    rows = [dict(row) for row in blank(edition).indicators]
    tier = edition.qualitative.tiers[1].name
    rows[0] |= {"name": "甲", "target": "有效", "actual": tier, "weight": 10, "score": 7}
    rows[1] |= {"name": "乙", "target": "≥90%", "actual": "45%", "weight": 10, "score": 9}
    plan, _, cells = desk(edition, blank(edition)._replace(indicators=tuple(rows)))
    hands = [box.value for box in plan.boxes if box.field == "hand"]
    assert hands[0] == 7 and set(hands[1:]) == {None}
    assert [one.value for one in cells.values() if (one.block, one.field) == ("indicators", "score")][:2] == [7.0, 5.0]


def test_a_source_without_money_has_the_rate_0_and_a_form_without_budget_says_so():
    edition = get("shangjie-2022")
    nothing = {role: {**row, "initial": 0, "adjusted": 0, "executed": 0} for role, row in blank(edition).funds.items()}
    _, _, cells = desk(edition, blank(edition)._replace(funds=nothing))
    rates = [one.value for one in cells.values() if (one.block, one.field) == ("funds", "rate")]
    assert rates[0].startswith("F112 ") and rates[1:] == [0.0, 0.0, 0.0]
    assert next(one.value for one in cells.values() if one.field == "refusal").startswith("F112 ")


def insert_row(sheet, row):
    """A row inserted as a spreadsheet program does it: merges that it falls into grow."""
    rows = [list(line) for line in sheet.rows]
    rows.insert(row, [""] * len(rows[0]))
    merged = tuple((top + (top >= row), left, bottom + (bottom >= row), right) for top, left, bottom, right in sheet.merged)
    return Sheet(sheet.name, rows, merged, sheet.stamp)


@pytest.mark.parametrize("edition", editions().values(), ids=editions())
@pytest.mark.parametrize("filled", [False, True])
def test_inserted_rows_belong_to_the_block_and_everything_else_moves_along(edition, filled):
    plan, _ = beside.prepare(edition, random_filling(edition, 3) if filled else None)
    sheet = as_sheet(plan, edition)
    before = computed.cells(layout.read(sheet, edition.id)[0], sheet)
    group = next(box for box in plan.boxes if (box.block, box.field) == ("indicators", "group") and box.bottom > box.top)
    row = group.top + 1
    wider = insert_row(sheet, row)
    after = computed.cells(layout.read(wider, edition.id)[0], wider)
    new = [one for one in after if one.row == row]
    assert [one.field for one in new] == [one.field for one in after if one.row == row - 1]
    call = next(one.formula for one in new if one.field == "score")
    assert f"${'BCD'[group.left - 1]}${group.top + 1}," in call and str(row + 1) in call
    kept = [one for one in after if one.row != row]
    # a refused total names the row in which it met a text, and that row has moved too
    assert [(one.row - (one.row > row), one.column, one.field, one.block == "total" or one.value) for one in kept] == \
        [(one.row, one.column, one.field, one.block == "total" or one.value) for one in before]
    total = next(one.formula for one in after if (one.block, one.field) == ("total", "score"))
    last = plan.names["pe_indicators"][2] + 2
    assert total.endswith(f"{last})")


def test_rows_of_the_block_are_the_rows_of_the_form():
    for edition in editions().values():
        plan, _ = beside.prepare(edition)
        sheet = as_sheet(plan, edition)
        grid = Grid(sheet)
        top, _, bottom, _ = plan.names["pe_indicators"]
        assert computed.indicator_rows(layout.read(sheet, edition.id)[0], grid, table.find(grid, "")) == list(range(top, bottom + 1))


def test_a_plain_form_without_the_columns_beside_it_has_no_state_and_no_hand_score():
    edition, filling = example("renda-2022.toml")
    sheet = as_sheet(lay_out(edition, filling), edition)
    cells = computed.cells(layout.read(sheet, edition.id)[0], sheet)
    assert {one.field for one in cells} == {"rate", "score", "deviation", "grade"}
    assert all(one.formula.startswith("=PE_SCORE") for one in cells if (one.block, one.field) == ("indicators", "score"))
