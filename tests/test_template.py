"""The printed form: every figure stands where the form wants it, the print set-up is the official one, the bytes are the same each time."""

from __future__ import annotations

import os
import re
import tomllib
import zipfile

import pytest
from python_calamine import CalamineWorkbook

from perfeval_xl.edition import editions
from perfeval_xl.examples import DATA, FOLDER, build
from perfeval_xl.template import SHEET, blank, lay_out, new_workbook, write_form

EXAMPLES = sorted(name.removesuffix(".toml") for name in os.listdir(DATA))
NAMES = {"pe_edition", "pe_department", "pe_year", "pe_funds", "pe_indicators", "pe_total", "pe_grade"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    assert [os.path.basename(path) for path in build(str(folder))] == [f"{name}.xlsx" for name in EXAMPLES]
    return folder


@pytest.fixture(scope="module")
def blanks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blanks")
    for edition in editions().values():
        with new_workbook(folder / f"{edition.id}.xlsx") as workbook:
            write_form(workbook, edition)
    return folder


def parts(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def sheet_xml(path):
    return parts(path)["xl/worksheets/sheet1.xml"].decode()


def defined_names(path):
    text = parts(path)["xl/workbook.xml"].decode()
    return dict(re.findall(r'<definedName name="([^"]+)"[^>]*>([^<]+)</definedName>', text))


def area(path, name):
    """The cells that a defined name covers, as rows of values: what a reader of the workbook sees."""
    address = defined_names(path)[name].removeprefix(f"{SHEET}!").replace("$", "")
    corners = [re.fullmatch(r"([A-Z]+)(\d+)", corner).groups() for corner in address.split(":")]
    (left, top), (right, bottom) = corners[0], corners[-1]
    rows = CalamineWorkbook.from_path(path).get_sheet_by_name(SHEET).to_python(skip_empty_area=False)
    return [row[ord(left) - 65 : ord(right) - 64] for row in rows[int(top) - 1 : int(bottom)]]


def shown(value):
    """A figure of a data file as the cell holds it: "-26.00%" is a number, "-" is a text."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9.]+%", value):
        return pytest.approx(float(value[:-1]) / 100)
    return value


def data(name):
    with open(os.path.join(DATA, f"{name}.toml"), "rb") as stream:
        return tomllib.load(stream)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_figure_of_the_funds_block_and_of_the_head_stands_in_the_workbook(name, built):
    path, raw = str(built / f"{name}.xlsx"), data(name)
    assert area(path, "pe_funds") == [figures for _, *figures in raw["funds"]]
    for key in ("edition", "department", "year", "total", "grade"):
        stands = area(path, f"pe_{key}")
        assert (stands[0][0] if stands and stands[0] else "") == raw.get(key, ""), key


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_indicator_stands_in_the_workbook_as_typed(name, built):
    path, raw = str(built / f"{name}.xlsx"), data(name)
    columns = [column.field for column in editions()[raw["edition"]].indicator_columns]
    rows = area(path, "pe_indicators")
    assert len(rows) == len(raw["indicators"])
    above = {}
    for found, row in zip(rows, raw["indicators"], strict=True):
        for field, cell, value in zip(columns, found, row, strict=True):
            if field in ("part", "group"):
                above[field] = cell or above[field]
                assert above[field].split("\n")[0] == value
            else:
                assert cell == (shown(value) if field == "deviation" else value), (row, field)
            if field in ("target", "actual"):
                assert isinstance(cell, str)


@pytest.mark.parametrize("name", EXAMPLES)
def test_goals_and_tasks_stand_above_the_indicators(name, built):
    raw = data(name)
    rows = CalamineWorkbook.from_path(str(built / f"{name}.xlsx")).get_sheet_by_name(SHEET).to_python(skip_empty_area=False)
    assert any([cell for cell in row if cell in raw["goals"]] == raw["goals"] for row in rows)
    for task in raw["tasks"]:
        row = next(row for row in rows if task[0] in row and task[1] in row)
        assert [cell for cell in row[1:] if cell != ""] == [shown(value) for value in task]


@pytest.mark.parametrize("name", EXAMPLES)
def test_free_text_of_the_examples_does_not_decide_whether_a_standard_indicator_applies(name):
    raw = data(name)
    free = [*raw["goals"], *(str(cell) for task in raw["tasks"] for cell in task), *(row[-1] for row in raw["indicators"])]
    assert not [text for text in free if "三公" in text or "采购" in text]


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_in_the_repository_is_a_fresh_build(name, built):
    assert parts(os.path.join(FOLDER, f"{name}.xlsx")) == parts(built / f"{name}.xlsx")


def test_building_twice_gives_the_same_parts(built, tmp_path):
    for path in build(str(tmp_path)):
        assert parts(path) == parts(built / os.path.basename(path))


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_hold_values_only(name, built):
    there = parts(built / f"{name}.xlsx")
    assert b"<f>" not in there["xl/worksheets/sheet1.xml"] and b"<hyperlink" not in there["xl/worksheets/sheet1.xml"]
    assert not [part for part in there if "calcChain" in part or "vba" in part]


@pytest.mark.parametrize("edition", editions())
def test_the_print_set_up_is_a4_portrait_one_page_wide_with_repeated_headings(edition, blanks):
    path = blanks / f"{edition}.xlsx"
    text, names = sheet_xml(path), defined_names(path)
    assert "fitToPage" in text and 'paperSize="9"' in text and 'orientation="portrait"' in text
    assert 'fitToWidth="0"' not in text and "&amp;P" in text and 'horizontalCentered="1"' in text
    header = int(re.search(r"\$(\d+):", names["_xlnm.Print_Titles"])[1])
    assert header == int(re.search(r"\$(\d+):", names["pe_indicators"])[1]) - 1
    last = int(re.search(r"\$(\d+)$", names["_xlnm.Print_Area"])[1])
    assert int(re.search(r"\$(\d+)$", names["pe_edition"])[1]) > last


@pytest.mark.parametrize("edition", editions())
def test_all_names_of_the_contract_are_there(edition, blanks):
    names = defined_names(blanks / f"{edition}.xlsx")
    assert set(names) >= NAMES
    assert [key for key in NAMES - {"pe_funds", "pe_indicators"} if ":" in names[key]] == []
    assert area(str(blanks / f"{edition}.xlsx"), "pe_edition") == [[edition]]


@pytest.mark.parametrize("edition", editions())
def test_the_blank_form_prints_the_edition_s_headings_in_order_and_its_tree(edition, blanks):
    form = editions()[edition]
    rows = CalamineWorkbook.from_path(str(blanks / f"{edition}.xlsx")).get_sheet_by_name(SHEET).to_python(skip_empty_area=False)
    assert rows[0][0] == form.title
    for columns in (form.funds_columns, form.indicator_columns):
        headings = [column.heading for column in columns]
        lines = [[str(cell).replace("\n（", "（") for cell in row] for row in rows]  # a narrow column has its bracket on a line of its own
        assert any(len(found := [cell for cell in line if cell in headings]) >= 6 and found == [h for h in headings if h in found]
                   for line in lines)
    names = [cell for row in rows for cell in row]
    assert all(row.name in names for row in form.tree)
    assert len(area(str(blanks / f"{edition}.xlsx"), "pe_indicators")) == len(form.tree) + sum(one.rows for one in form.open_rows)


@pytest.mark.parametrize("edition", editions())
def test_first_and_second_level_cells_are_merged_over_their_rows(edition, blanks):
    path = str(blanks / f"{edition}.xlsx")
    merged = set(CalamineWorkbook.from_path(path).get_sheet_by_name(SHEET).merged_cell_ranges)
    form = editions()[edition]
    plan = lay_out(form, blank(form))
    top, left, _, _ = plan.names["pe_indicators"]
    for column, field in ((left, "part"), (left + 1, "group")):
        row = top
        runs = [getattr(one, field) for one in (*form.tree, *form.open_rows) for _ in range(getattr(one, "rows", 1))]
        for box in (box for box in plan.boxes if (box.block, box.field) == ("indicators", field)):
            assert box[:2] == (row, column)
            assert box.bottom == row or ((row, column), (box.bottom, column)) in merged
            assert box.bottom - row + 1 == runs.count(box.value.split("\n")[0])
            row = box.bottom + 1
    assert len(merged) == len(re.findall("<mergeCell ", sheet_xml(path)))


def test_no_two_boxes_share_a_cell():
    for edition in editions().values():
        cells = [(row, column) for box in lay_out(edition, blank(edition)).boxes
                 for row in range(box.top, box.bottom + 1) for column in range(box.left, box.right + 1)]
        assert len(cells) == len(set(cells))


def test_words_below_the_form_are_not_cut_by_their_column():
    for edition in editions().values():
        plan = lay_out(edition, blank(edition))
        words = [box for box in plan.boxes if (box.block, box.field) == ("aside", "label")]
        assert {"版本"} <= {box.value for box in words}
        assert all(plan.widths[box.left] >= 2 * len(box.value) for box in words)


def test_rows_grow_with_their_text():
    form = editions()["shangjie-2022"]
    short, long = blank(form), blank(form)._replace(goals=("甲" * 900, "乙" * 3000))
    plans = lay_out(form, short), lay_out(form, long)
    assert sum(plans[1].heights) > sum(plans[0].heights) + 1000
    assert max(plans[1].heights) <= 409


def test_what_looks_like_a_formula_stays_text(tmp_path):
    form = editions()["mof-2020-project"]
    filling = blank(form)._replace(department="=1+1", goals=("http://example.com/", "@SUM(A1)"))
    with new_workbook(tmp_path / "x.xlsx") as workbook:
        write_form(workbook, form, filling)
    assert "<f>" not in sheet_xml(tmp_path / "x.xlsx") and "hyperlink" not in sheet_xml(tmp_path / "x.xlsx")
    assert area(str(tmp_path / "x.xlsx"), "pe_department") == [["=1+1"]]
