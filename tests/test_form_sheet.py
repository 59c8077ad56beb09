"""The sheet to work in: five kinds of cells, what is locked, what may be typed, what is shown as soon as it is wrong."""

from __future__ import annotations

import re

import pytest
from formulas import evaluate
from openpyxl import load_workbook
from openpyxl.formula.translate import Translator
from openpyxl.utils import get_column_letter

from perfeval_xl import beside, form_sheet
from perfeval_xl.edition import editions, get
from perfeval_xl.model import cell_name
from perfeval_xl.template import SHEET, blank, new_workbook

CHINESE = re.compile("[\u4e00-\u9fff]")


def built(folder, edition, filling=None):
    plan, computed = beside.prepare(edition, filling)
    path = folder / f"{edition.id}.xlsx"
    with new_workbook(path) as workbook:
        form_sheet.write(workbook, edition, plan, computed)
    return plan, computed, load_workbook(path)[SHEET]


@pytest.fixture(scope="module", params=editions())
def form(request, tmp_path_factory):
    """(plan, computed, sheet as openpyxl sees it) of a blank form."""
    return built(tmp_path_factory.mktemp("form"), get(request.param))


def boxes(plan, *kinds):
    edition = get(next(box.value for box in plan.boxes if (box.block, box.field) == ("aside", "edition")))
    desk = form_sheet._Desk(plan, edition)
    return [box for box in plan.boxes if desk.kind(box) in kinds]


def cell(sheet, box):
    return sheet.cell(box.top + 1, box.left + 1)


def test_inputs_and_choices_are_open_and_all_else_is_locked(form):
    plan, _, sheet = form
    assert boxes(plan, "input") and boxes(plan, "choice") and boxes(plan, "computed") and boxes(plan, "heading")
    assert all(not cell(sheet, box).protection.locked for box in boxes(plan, "input", "choice"))
    assert all(cell(sheet, box).protection.locked for box in boxes(plan, "computed", "heading", "text"))
    protection = sheet.protection
    assert protection.sheet and not protection.password
    # False is "not forbidden": marks need formats, notes need objects, ⑤ needs rows
    assert [protection.formatCells, protection.formatRows, protection.formatColumns, protection.insertRows, protection.objects] == [False] * 5
    assert protection.deleteRows and protection.sort


def test_a_kind_is_told_by_its_fill_and_by_something_else(form):
    plan, _, sheet = form
    for kind, look in form_sheet.KINDS.items():
        for box in boxes(plan, kind):
            if kind == "text" or box.field == "refusal":
                continue
            found = cell(sheet, box)
            assert found.fill.fgColor.rgb == f"FF{look.fill[1:]}", box
            assert bool(found.font.italic) == (kind == "computed" and box.field != "state"), box
            if kind == "choice":
                assert found.font.color.rgb == "FF1F4E79"
    assert len({look.fill for look in form_sheet.KINDS.values()}) == 5


def validations(sheet):
    found = {}
    for one in sheet.data_validations.dataValidation:
        for area in one.sqref.ranges:
            for row in range(area.min_row, area.max_row + 1):
                for column in range(area.min_col, area.max_col + 1):
                    assert (row, column) not in found, (row, column)
                    found[row, column] = one
    return found


def test_every_cell_that_is_no_heading_says_in_chinese_what_it_is_and_what_to_do(form):
    plan, _, sheet = form
    there = validations(sheet)
    told = boxes(plan, "input", "choice", "computed")
    assert {(box.top + 1, box.left + 1) for box in told} == set(there)
    for box in told:
        one = there[box.top + 1, box.left + 1]
        kind = next(kind for kind in ("input", "choice", "computed") if box in boxes(plan, kind))
        assert one.promptTitle.startswith(f"【{form_sheet.KINDS[kind].word}】") and 6 <= len(one.promptTitle) <= 32, box
        assert CHINESE.search(one.prompt) and len(one.prompt) <= 255 and "{" not in one.prompt
        if one.error:
            assert CHINESE.search(one.error) and CHINESE.search(one.errorTitle)


def test_rules_cover_areas_and_not_single_cells_so_that_an_inserted_row_has_them_too(form):
    plan, _, sheet = form
    top, _, bottom, _ = plan.names["pe_indicators"]
    one = validations(sheet)[top + 1, next(box.left for box in plan.boxes if box.field == "hand") + 1]
    assert [(area.min_row, area.max_row) for area in one.sqref.ranges] == [(top + 1, bottom + 1)]
    states = [part for area in sheet.conditional_formatting for part in area.sqref.ranges if part.min_col == plan.printed + len(beside.COLUMNS)]
    assert any(part.min_row <= top + 1 and part.max_row >= bottom + 1 for part in states)


def test_money_weights_and_hand_scores_must_be_figures(form):
    plan, _, sheet = form
    there = validations(sheet)
    money = [box for box in boxes(plan, "input") if box.field in ("initial", "adjusted", "executed", "budget")]
    assert money
    for box in money:
        one = there[box.top + 1, box.left + 1]
        assert (one.type, one.operator, one.formula1, one.errorStyle, one.showErrorMessage) == ("decimal", "greaterThanOrEqual", "0", None, True)
    weights = [box for box in boxes(plan, "input") if (box.block, box.field) == ("indicators", "weight")]
    for box in weights:
        one = there[box.top + 1, box.left + 1]
        assert (one.type, one.formula1, one.formula2, one.showErrorMessage) == ("decimal", "0", "100", True)
    column = get_column_letter(weights[0].left + 1)
    hands = [box for box in plan.boxes if box.field == "hand"]
    assert len(hands) == len(weights)
    rule = there[hands[0].top + 1, hands[0].left + 1]
    first = min(area.min_row for area in rule.sqref.ranges)
    # relative to the first cell of the rule, so that every row looks at its own weight
    assert (rule.formula1, rule.formula2) == ("0", f"N({column}{first})") and first == hands[0].top + 1


def test_targets_and_actuals_stay_the_text_that_was_typed(form):
    plan, _, sheet = form
    texts = [box for box in plan.boxes if box.block == "indicators" and box.field in ("target", "unit", "actual")]
    assert texts and all(cell(sheet, box).number_format == "@" for box in texts)


def test_choices_offer_what_the_edition_knows():
    lists = {}
    for edition in editions().values():
        plan, _ = beside.prepare(edition)
        desk = form_sheet._Desk(plan, edition)
        for box in plan.boxes:
            if desk.kind(box) == "choice":
                rule = desk.rule(box)
                lists.setdefault((edition.id, box.field), []).append((rule["source"], rule.get("show_error", True)))
                assert len(",".join(rule["source"])) <= 255
    assert lists["shangjie-2022", "actual"][0] == (["相关", "100%", *(tier.name for tier in get("shangjie-2022").qualitative.tiers)], False)
    assert len(lists["shangjie-2022", "actual"]) == len([row for row in get("shangjie-2022").tree if not row.target.startswith(("≥", "≤", "1"))])
    assert {tuple(source) for source, _ in lists["jinshui-2021", "target"]} == {("≥", "≤", "=")}
    for edition in editions().values():
        (years,) = lists[edition.id, "year"]
        assert years[0][0] == str(edition.year) and years[1]


def test_what_the_edition_prescribes_cannot_be_typed_over():
    for edition in editions().values():
        plan, _ = beside.prepare(edition)
        desk = form_sheet._Desk(plan, edition)
        names = {box.value: desk.kind(box) for box in plan.boxes if (box.block, box.field) == ("indicators", "name")}
        assert {names.pop(row.name) for row in edition.tree} <= {"heading"} and set(names.values()) <= {"input"}
        points = [desk.kind(box) for box in plan.boxes if (box.block, box.field) == ("funds", "weight")]
        assert points == ["heading" if edition.parts_binding else "input"] + ["heading"] * (len(points) - 1)


def shown(plan, computed, sheet, box):
    """The fills of the conditional formats that hold in a cell."""
    values = {(one.row, one.column): one.value for one in computed}
    held = {}

    def at(row, column):
        value = values.get((row, column), sheet.cell(row + 1, column + 1).value)
        return None if value == "" else value

    for area, rules in sheet.conditional_formatting._cf_rules.items():
        for part in area.sqref.ranges:
            if part.min_row <= box.top + 1 <= part.max_row and part.min_col <= box.left + 1 <= part.max_col:
                for rule in rules:
                    formula = Translator(f"={rule.formula[0]}", origin=part.coord.split(":")[0]).translate_formula(cell_name(box.top, box.left))
                    if evaluate(formula, at, {}):
                        held[rule.formula[0]] = rule.dxf
    return held


@pytest.fixture
def slips(tmp_path):
    """A form with one slip in each row."""
    edition = get("shangjie-2022")
    rows = [dict(row) for row in blank(edition).indicators]
    rows[4] |= {"actual": "45%"}
    rows[5] |= {"actual": "45%", "reason": "资金没有按时到位。"}
    rows[6] |= {"actual": "很好"}
    rows[7] |= {"actual": "5%", "weight": 3}
    filling = blank(edition)._replace(indicators=tuple(rows))
    return built(tmp_path, edition, filling)


def test_a_missing_reason_a_refused_score_and_a_wrong_sum_are_shown(slips):
    plan, computed, sheet = slips
    top = plan.names["pe_indicators"][0]

    def held(row, field):
        box = next(box for box in plan.boxes if box.top == top + row and box.field == field and box.block in ("indicators", "beside"))
        return shown(plan, computed, sheet, box)

    assert held(4, "reason") and not held(5, "reason") and not held(3, "reason")
    (pointer,) = held(6, "score").values()
    assert pointer.numFmt.formatCode == ';;;"看状态"' and held(6, "hand") and not held(4, "hand") and not held(0, "hand")
    assert held(4, "state") and not held(3, "state")
    assert held(0, "weight") and held(7, "weight") and not held(22, "weight")  # 投入管理 has 32 of 30 points, 产出 has none yet
    assert held(0, "help") and held(6, "deviation") and not held(4, "deviation")


def test_a_grade_that_cannot_be_told_points_at_the_state_and_a_grade_stays_one(slips):
    plan, computed, sheet = slips
    box = next(box for box in plan.boxes if box.field == "grade" and box.kind == "computed")
    for value, formats in (("优", []), ("差", []), ("V101 总分不是一个数", [';;;"看状态"']), ("", [])):
        said = [one._replace(value=value) if (one.row, one.column) == box[:2] else one for one in computed]
        assert [look.numFmt.formatCode for look in shown(plan, said, sheet, box).values()] == formats, value


def test_a_score_above_its_weight_is_shown(slips):
    plan, computed, sheet = slips
    box = next(box for box in plan.boxes if (box.block, box.field) == ("indicators", "score") and box.top == plan.names["pe_indicators"][0] + 4)
    wrong = [one._replace(value=99.0) if (one.row, one.column) == box[:2] else one for one in computed]
    assert not [look for look in shown(plan, computed, sheet, box).values() if look.fill.bgColor.rgb == "FFFDE4E4"]
    assert [look for look in shown(plan, wrong, sheet, box).values() if look.fill.bgColor.rgb == "FFFDE4E4"]


def test_words_below_the_form_can_be_read(form):
    plan, _, sheet = form
    words = [box for box in plan.boxes if (box.block, box.field) == ("aside", "label")]
    # at least 4.5 : 1 on white, as for any small text: 年度 is chosen there
    assert words and all(max(bytes.fromhex(cell(sheet, box).font.color.rgb[2:])) <= 0x76 for box in words)


def test_what_stands_beside_the_form_is_not_printed_and_nothing_is_frozen(form):
    plan, _, sheet = form
    assert sheet.print_area.endswith(f"!$A$1:${get_column_letter(plan.printed)}${plan.last + 1}")
    assert all(box.left >= plan.printed for box in plan.boxes if box.block == "beside")
    assert sheet.freeze_panes is None and sheet.page_setup.blackAndWhite and sheet.page_setup.fitToWidth in (None, 1)


def test_the_funds_block_says_what_follows_from_it():
    edition = get("shangjie-2022")
    funds = dict(blank(edition).funds)
    funds["total"] = funds["total"] | {"initial": 855.66, "adjusted": 923.86, "executed": 615.33}
    plan, computed = beside.prepare(edition, blank(edition)._replace(funds=funds))
    helps = [one.value for one in computed if one.field == "help"]
    assert helps == ["分值 30 / 30 ✓", "分值 0 / 25 ✗", "分值 0 / 35 ✗", "按资金 66.60%", "净调整 7.97%", "最多 33.40%"]
    assert next(one.value for one in computed if one.field == "sum") == "分值 40 / 100 ✗"
    names = {box.top: box.value for box in plan.boxes if (box.block, box.field) == ("indicators", "name")}
    assert [names[one.row] for one in computed if one.field == "help"][3:] == ["预算执行率", "预算调整率", "结转结余率"]
