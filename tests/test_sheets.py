"""The sheets around the form: complete, true to the edition, never read as a form."""

from __future__ import annotations

import os
import re
import tomllib

import pytest
from office import convert
from openpyxl import load_workbook

from perfeval_xl import result_list, sheets, udfs
from perfeval_xl.edition import editions, get, plain_label
from perfeval_xl.form_sheet import KINDS
from perfeval_xl.template import new_workbook
from perfeval_xl.vba import BUTTONS


def texts(sheet):
    return [cell.value for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str)]


@pytest.fixture(scope="module", params=editions())
def book(request, tmp_path_factory):
    edition = get(request.param)
    path = tmp_path_factory.mktemp("sheets") / "x.xlsx"
    with new_workbook(path) as workbook:
        sheets.guide(workbook, edition, True)
        sheets.results(workbook)
        sheets.rules(workbook, edition)
        sheets.indicators(workbook, edition)
        sheets.configuration(workbook)
        sheets.state(workbook)
    return edition, load_workbook(path)


# openpyxl says that it drops a print area that follows the list; Excel keeps it
pytestmark = pytest.mark.filterwarnings("ignore:Print area cannot be set")


def test_the_guide_names_every_button_every_kind_of_cell_and_what_to_do_when_macros_are_blocked(book):
    _, found = book
    said = texts(found[sheets.GUIDE])
    for button in BUTTONS:
        assert button.caption in said and button.tip in said
    for kind in KINDS.values():
        assert kind.word in said and kind.meaning in said
    whole = "\n".join(said)
    assert "解除锁定" in whole and "启用内容" in whole and "#NAME?" in whole and "perfeval-xl doctor" in whole
    assert [text[0] for text in said if re.match("[一二三四五]、", text)] == list("一二三四五")
    legend = {cell.value: cell for row in found[sheets.GUIDE].iter_rows() for cell in row}
    assert all(legend[kind.word].fill.fgColor.rgb == f"FF{kind.fill[1:]}" for kind in KINDS.values())


def test_a_form_without_macros_promises_no_buttons(tmp_path):
    with new_workbook(tmp_path / "x.xlsx") as workbook:
        sheets.guide(workbook, get("shangjie-2022"), False)
    whole = "\n".join(texts(load_workbook(tmp_path / "x.xlsx")[sheets.GUIDE]))
    assert not re.search("[①②③④⑤⑥⑦]|宏已|功能区", whole) and "人工评分" in whole


def test_the_rules_carry_every_source_of_the_edition_and_its_figures(book):
    edition, found = book
    said = texts(found[sheets.RULES])
    for source in (edition.source, edition.parts_source, edition.execution.source, edition.quantitative.source, edition.qualitative.source,
                   edition.over.source, edition.deviation.source, edition.explain.source, edition.grades_source, edition.tolerance.source,
                   *(tier.source for tier in edition.qualitative.tiers)):
        assert source in said
    whole = "\n".join(said)
    for one in (*edition.parts, *edition.grades, *edition.qualitative.tiers):
        assert one.name in whole
    # no row of the table lacks its words or its source
    rows = list(found[sheets.RULES].iter_rows(min_row=4, values_only=True))
    assert len(rows) >= 15 and all(matter and rule and source for matter, rule, _, source in rows)


def test_the_examples_beside_the_rules_are_what_the_form_would_give(book):
    edition, found = book
    examples = [row[2] for row in found[sheets.RULES].iter_rows(min_row=4, values_only=True) if row[2]]
    checked = 0
    for one in examples:
        for target, actual, weight, said in re.findall("([^；]+?)，完成 (.+?)，分值([0-9]+)：([^；]+)", one):
            points = udfs.PE_SCORE(target, actual, int(weight), edition.id, "", "", edition.year)
            assert said == (f"得{points:g}分" if isinstance(points, float) else "由人工评分"), one
            checked += 1
    assert checked >= 6
    assert any("得7.4分" in one for one in examples) == (edition.id == "shangjie-2022")


def test_the_rules_of_steps_and_caps_are_spoken_too():
    edition = get("shangjie-2022")
    stepped = edition.execution._replace(rule="steps", steps=((90, 100), (0, 50)), caps=((60, 69),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(udfs, "PE_EXECUTION_SCORE", lambda *arguments: 5.0)
        (rule,) = sheets._money(edition._replace(execution=stepped))
    assert "90%及以上得分值的100%" in rule.rule and "低于60%的，总分不超过69分" in rule.rule


def test_every_standard_indicator_of_an_edition_is_explained_with_its_preset(book):
    edition, found = book
    rows = list(found[sheets.INDICATORS].iter_rows(min_row=4, values_only=True))
    told = {plain_label(row[0]): row for row in rows}
    for one in edition.tree:
        assert (told[plain_label(one.name)][1] or "").startswith(one.target)
    assert len(told) == len(rows) == len(sheets.standard_indicators())
    here = [plain_label(row[0]) in {plain_label(one.name) for one in edition.tree} for row in rows]
    assert here == sorted(here, reverse=True)


def test_the_data_of_the_standard_indicators_are_complete():
    with open(sheets._DATA, "rb") as stream:
        data = tomllib.load(stream)
    assert set(data) == {"indicator"}
    for one in data["indicator"]:
        assert set(one) == {"name", "sense", "formula", "usual", "hint", "source"} and all(value.strip() for value in one.values()), one
        assert one["sense"] in sheets._SENSES
        assert (one["sense"] == "word") == ("÷" not in one["formula"]), one


def test_the_list_of_findings_has_its_columns_its_names_and_blank_lines(book):
    _, found = book
    sheet = found[sheets.RESULTS]
    assert [cell.value for cell in sheet[4]][:8] == ["级别", "代码", "位置", "项目", "表上", "应为", "说明和改法", "依据"]
    assert found.defined_names["pe_results"].attr_text == "校验结果!$A$5:$I$504" and result_list.ROWS == 500
    assert found.defined_names["pe_results_state"].attr_text == "校验结果!$A$2" and "还没有检查" in sheet["A2"].value
    for row in (5, 250, 504):
        assert not any(sheet.cell(row, column).value for column in range(1, 10))
    # words keep off the lines; a coloured severity has the lines of its row
    assert [sheet.cell(5, column).alignment.indent for column in range(1, 9)] == [0, 0, 0, 1, 1, 1, 1, 1]
    assert [sheet.cell(5, column).alignment.horizontal for column in (1, 4)] == ["center", "left"]
    severities = [rule for area in sheet.conditional_formatting for rule in area.rules if rule.type == "cellIs"]
    assert len(severities) == 3 and all(rule.dxf.border.bottom.style for rule in severities)
    assert sheet.column_dimensions["I"].hidden and sheet.freeze_panes == "A5" and sheet.page_setup.orientation == "landscape"
    # whoever writes there may: the sheet is not locked
    assert not sheet.protection.sheet


def test_a_place_that_a_button_writes_becomes_a_link(soffice, tmp_path):
    path = tmp_path / "x.xlsx"
    with new_workbook(path) as workbook:
        sheets.results(workbook)
    book = load_workbook(path)
    book[sheets.RESULTS]["I5"], book[sheets.RESULTS]["C5"] = "'自评表'!G60", str(result_list._link(4, "'自评表'!G60"))
    book.save(path)  # openpyxl stores no results, so LibreOffice has to work the formulas out
    convert(soffice, path, tmp_path, "csv:Text - txt - csv (StarCalc):44,34,76")
    lines = (tmp_path / "out" / "x.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[2] for line in lines[4:5]] == ["G60"] and result_list._link(4, "") == ""


def test_the_configuration_has_no_gap_no_blank_and_no_interpreter(book):
    _, found = book
    rows = list(found[sheets.CONFIGURATION].iter_rows(values_only=True))
    assert ("ADD_WORKBOOK_TO_PYTHONPATH", "FALSE") in rows
    assert all(key and value for key, value in rows) and len({key for key, _ in rows}) == len(rows)
    assert not [key for key, _ in rows if "INTERPRETER" in key or "CONDA" in key]
    assert found[sheets.CONFIGURATION].sheet_state == "hidden" and found[sheets.STATE].sheet_state == "veryHidden"
    assert not texts(found[sheets.STATE])


def test_sheet_names_are_ones_that_excel_and_xlwings_take():
    for name in (sheets.GUIDE, sheets.RESULTS, sheets.RULES, sheets.INDICATORS, sheets.CONFIGURATION, sheets.STATE):
        assert len(name) <= 31 and not re.search(r"[\[\]:*?/\\]", name) and not name.endswith(".py") and name != "Error"


def test_pages_are_one_a4_page_wide_and_their_headings_are_repeated(book):
    _, found = book
    for name in (sheets.GUIDE, sheets.RESULTS, sheets.RULES, sheets.INDICATORS):
        setup = found[name].page_setup
        assert setup.paperSize == 9 and found[name].sheet_properties.pageSetUpPr.fitToPage and setup.fitToHeight == 0, name
    assert all(found[name].print_title_rows for name in (sheets.RESULTS, sheets.RULES, sheets.INDICATORS))
    assert os.path.exists(sheets._DATA)
