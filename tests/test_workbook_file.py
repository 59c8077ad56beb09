"""The whole workbook: stored figures are the core's, it reads back as the plain form does, and its parts are what Excel expects."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile

import pytest
from fillings import random_filling
from formulas import evaluate, place_of
from office import convert
from openpyxl import load_workbook

from perfeval_xl import beside, cli, district_sheets, examples, formulas, intake, layout, record, sheets, vba, workbook_file
from perfeval_xl.edition import editions, get
from perfeval_xl.messages import Refusal
from perfeval_xl.model import Percent
from perfeval_xl.template import SHEET, as_sheet, blank, lay_out

# openpyxl says that it drops a print area that follows the list; Excel keeps it
pytestmark = pytest.mark.filterwarnings("ignore:Print area cannot be set")

EXAMPLES = sorted(name.removesuffix(".toml") for name in os.listdir(examples.DATA) if name.endswith(".toml"))
NAMES = {"pe_edition", "pe_department", "pe_year", "pe_funds", "pe_indicators", "pe_total", "pe_grade"}


def filling_of(case):
    if case in EXAMPLES:
        return examples.load(os.path.join(examples.DATA, f"{case}.toml"))
    edition, _, seed = case.partition(" ")
    return get(edition), random_filling(get(edition), int(seed)) if seed else None


CASES = [*EXAMPLES, *editions(), *(f"{edition} {seed}" for edition in editions() for seed in (1, 2))]


@pytest.fixture(scope="module", params=CASES)
def built(request, tmp_path_factory):
    """(edition, filling, path of the .xlsm)."""
    edition, filling = filling_of(request.param)
    path = tmp_path_factory.mktemp("book") / "x.xlsm"
    workbook_file.build(str(path), edition, filling)
    return edition, filling, path


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """A blank .xlsm, its parts."""
    path = tmp_path_factory.mktemp("blank") / "x.xlsm"
    workbook_file.build(str(path), get("shangjie-2022"))
    return path, parts(path)


def parts(path):
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def stored(value):
    """A blank result is stored as one space, or LibreOffice would work it out anew without the functions."""
    return "" if value == " " else value


def test_the_stored_values_are_what_the_formulas_in_the_file_give(built):
    _, _, path = built
    values, formulas = load_workbook(path, data_only=True)[SHEET], load_workbook(path)[SHEET]
    names = {name: cell(values, place) for name, place in named(path).items()}
    checked = 0
    for row in formulas.iter_rows():
        for one in row:
            if isinstance(one.value, str) and one.value.startswith("="):
                given = evaluate(one.value, lambda r, c: blank_is_none(values.cell(r + 1, c + 1).value), names)
                found = stored(values.cell(one.row, one.column).value)
                assert found == given and isinstance(found, str) == isinstance(given, str), (one.coordinate, one.value)
                checked += 1
    assert checked >= 30


def blank_is_none(value):
    return None if value == " " else value


def named(path):
    text = parts(path)["xl/workbook.xml"].decode()
    found = re.findall(rf'<definedName name="(pe_[^"]+)">{SHEET}!([^<:]+)</definedName>', text)
    return {name: place_of(place) for name, place in found}


def cell(sheet, place):
    return sheet.cell(place[0] + 1, place[1] + 1).value


def test_the_workbook_reads_as_the_plain_form_with_the_same_figures(built):
    edition, filling, path = built
    book = intake.load(str(path))
    sheet = next(one for one in book.sheets if one.name == SHEET)
    form, notes = layout.read(sheet)
    given = blank(edition) if filling is None else filling
    plain = lay_out(edition, given)
    worked = {(one.row, one.column): one.value for one in beside.prepare(edition, filling)[1]}
    grid = as_sheet(plain, edition)
    rows = [list(row) for row in grid.rows]
    for box in plain.boxes:
        if box.kind == "computed" and box.block != "aside":
            value = worked[box[:2]]
            rows[box.top][box.left] = Percent(value) if box.field == "deviation" and isinstance(value, float) else value
        elif box.kind == "computed":
            rows[box.top][box.left] = next(one.value for one in beside.prepare(edition, filling)[1] if one.field == "grade")
    expected, expected_notes = layout.read(grid._replace(rows=rows, stamp=sheet.stamp))
    assert notes == expected_notes
    place = {"row": 0, "column": 0}
    # the grade of a form that does not print one stands a column further right
    assert (form.grade and form.grade._replace(**place)) == (expected.grade and expected.grade._replace(**place))
    assert form._replace(grade=None) == expected._replace(grade=None)


def test_a_check_of_the_workbook_finds_one_form_of_its_edition_and_agrees_with_its_figures(built):
    edition, filling, path = built
    (one,) = record.check_file(str(path))
    assert one.refusal is None and one.sheet == SHEET and one.form.edition == edition.id and one.form.recognised
    # what the functions worked out, no check calls wrong; and their refusals are nobody's typing
    wrong = {"F103", "F104", "S106", "I109", "V101", "S101"} & {finding.code for finding in one.findings}
    assert not wrong or one.card.apart, wrong
    if filling is not None and one.card.total is not None and not one.card.apart:
        assert one.form.totals[0].number == one.card.total


@pytest.mark.parametrize("name, total", [("renda-2022", 96.88), ("zhengwu-2022", 96.31), ("waishi-2022", 89)])
def test_libreoffice_shows_the_stored_figures_although_it_has_no_such_functions(soffice, name, total, tmp_path):
    edition, filling = filling_of(name)
    path = tmp_path / "x.xlsm"
    workbook_file.build(str(path), edition, filling)
    before = load_workbook(path, data_only=True)[SHEET]
    after = load_workbook(convert(soffice, path, tmp_path), data_only=True)[SHEET]
    place = named(path)["pe_total"]
    assert cell(after, place) == total
    for row in before.iter_rows():
        for one in row:
            found = after.cell(one.row, one.column).value
            assert (stored(found) or "") == (stored(one.value) or ""), one.coordinate


def test_the_names_of_the_contract_are_there_and_no_formula_calls_one_of_them(book):
    _, there = book
    names = set(re.findall(r'<definedName name="(pe_[^"]+)"', there["xl/workbook.xml"].decode()))
    assert names == NAMES | {"pe_results", "pe_results_state"}
    formulas = "".join(re.findall("<f>[^<]*</f>", there["xl/worksheets/sheet2.xml"].decode()))
    called = {name.casefold() for name in re.findall(r"(PE_\w+)\(", formulas)}
    assert called and not called & {name.casefold() for name in names}


def test_without_macros_the_names_are_those_of_the_contract_and_no_function_is_left(tmp_path):
    for edition in editions().values():
        workbook_file.build(str(tmp_path / "x.xlsx"), edition, macros=False)
        there = parts(tmp_path / "x.xlsx")
        names = re.findall(r'<definedName name="(pe_[^"]+)"', there["xl/workbook.xml"].decode())
        assert set(names) == NAMES | {"pe_form_version"}
        assert not [name for name in there if re.search("vba|customUI|ctrlProp|vmlDrawing", name)]
        text = there["xl/worksheets/sheet2.xml"].decode()
        assert "<f>" in text and not re.search("<f>[^<]*PE_", text)
        found = re.findall('<sheet name="([^"]+)" sheetId="[0-9]+"(?: state="([a-zA-Z]+)")?', there["xl/workbook.xml"].decode())
        assert found == [(sheets.GUIDE, ""), (SHEET, ""), (sheets.RULES, ""), (sheets.INDICATORS, ""), (formulas.SHEET, "hidden")]


def test_sheets_stand_in_the_order_of_the_work(book):
    _, there = book
    found = re.findall('<sheet name="([^"]+)" sheetId="[0-9]+"(?: state="([a-zA-Z]+)")?', there["xl/workbook.xml"].decode())
    assert found == [(sheets.GUIDE, ""), (SHEET, ""), (sheets.RESULTS, ""), (sheets.RULES, ""), (sheets.INDICATORS, ""),
                     (sheets.CONFIGURATION, "hidden"), (sheets.STATE, "veryHidden")]


def test_excel_opens_it_with_macros_and_recalculates_nothing_by_itself(book):
    _, there = book
    assert b'"application/vnd.ms-excel.sheet.macroEnabled.main+xml"' in there["[Content_Types].xml"]
    calculation = re.search("<calcPr[^>]*>", there["xl/workbook.xml"].decode())[0]
    assert 'calcId="191029"' in calculation and "fullCalcOnLoad" not in calculation
    assert re.findall('<workbookPr codeName="([^"]+)"', there["xl/workbook.xml"].decode()) == ["ThisWorkbook"]
    codes = [re.search('codeName="([^"]+)"', there[f"xl/worksheets/sheet{n}.xml"].decode())[1] for n in range(1, 8)]
    assert codes == [f"Sheet{n}" for n in range(1, 8)]
    assert there["xl/vbaProject.bin"] == vba.project(7)


def test_the_buttons_stand_beside_the_title_outside_the_printed_form(book):
    _, there = book
    drawing = next(content for name, content in there.items() if name.endswith(".vml")).decode()
    assert re.findall(r"<x:FmlaMacro>\[0\]!([^<]+)</x:FmlaMacro>", drawing) == [button.macro for button in vba.BUTTONS]
    for button in vba.BUTTONS:
        assert button.caption in drawing
    printed = lay_out(get("shangjie-2022"), blank(get("shangjie-2022"))).printed
    anchors = [[int(number) for number in anchor.split(",")] for anchor in re.findall("<x:Anchor>([^<]+)</x:Anchor>", drawing)]
    assert len(anchors) == len(vba.BUTTONS)
    for left, _, _, _, right, _, bottom, _ in anchors:
        assert printed < left <= right and bottom <= 2, "above the funds block, right of the form"
    boxes = [(left * 10000 + x, top * 10000 + y) for left, x, top, y, *_ in anchors]
    assert len(set(boxes)) == len(boxes)
    assert b"customUI/customUI.xml" in there["_rels/.rels"]


def test_a_blank_result_says_that_it_is_a_text(book):
    _, there = book
    text = there["xl/worksheets/sheet2.xml"].decode()
    assert "<v></v>" not in text and "<f>" in text
    assert set(re.findall(r'<c r="[A-Z]+[0-9]+" s="[0-9]+"([^>]*)><f>[^<]*</f><v xml:space="preserve"> </v>', text)) == {' t="str"'}
    assert "<f>" not in there["xl/worksheets/sheet3.xml"].decode()  # of the list that ① fills LibreOffice would print every row with a formula


def test_the_same_edition_gives_the_same_bytes(tmp_path):
    for macros in (True, False):
        for edition in editions().values():
            assert workbook_file.content(edition, macros=macros) == workbook_file.content(edition, macros=macros)


def test_the_shipped_workbooks_are_a_fresh_build():
    import xlwings

    for edition in editions().values():
        path = os.path.join(workbook_file.FOLDER, workbook_file.name_for(edition))
        with open(f"{path}.xlsx", "rb") as stream:
            assert dict(_parts_of(stream.read())) == dict(_parts_of(workbook_file.content(edition, macros=False))), edition.id
        with open(f"{path}.xlsm", "rb") as stream:
            shipped = stream.read()
        fresh = workbook_file.content(edition)
        there, made = (dict(_parts_of(data)) for data in (shipped, fresh))
        macros = there.pop("xl/vbaProject.bin"), made.pop("xl/vbaProject.bin")
        assert there == made, edition.id
        # the module of xlwings belongs to one version of it; see vba.version_gap
        assert macros[0] == macros[1] or xlwings.__version__ != "0.37.8"


def _parts_of(data):
    import io

    with zipfile.ZipFile(io.BytesIO(data)) as package:
        for name in package.namelist():
            yield name, package.read(name)


def test_what_the_shipped_files_are_called():
    names = {workbook_file.name_for(edition) for edition in editions().values()}
    assert names == {"上街区部门整体自评表", "金水区部门整体绩效自评表", "项目支出绩效自评表"}


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_file.vba, "project", lambda sheets: (_ for _ in ()).throw(Refusal("X712", stated="pyopenvba")))
    with pytest.raises(Refusal, match="pyopenvba"):
        workbook_file.build(str(tmp_path / "x.xlsm"), get("shangjie-2022"))
    assert not list(tmp_path.iterdir())


# ---- perfeval-xl new, build ----


@pytest.fixture
def run(capsys, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "zh")

    def call(*arguments):
        status = cli.main([str(word) for word in arguments])
        return (status, *capsys.readouterr())

    return call


@pytest.mark.parametrize("extension", ["xlsm", "xlsx", "XLSM"])
@pytest.mark.parametrize("edition", editions())
def test_new_writes_a_blank_form_with_the_department_and_the_year(run, tmp_path, extension, edition):
    path = tmp_path / f"某局 自评表.{extension}"
    status, out, err = run("new", edition, "-o", path, "--department", " 某某局 ", "--year", "2023")
    assert (status, err) == (0, "") and str(path) in out
    (one,) = record.check_file(str(path))
    assert (one.form.department.text, one.form.year, one.form.edition) == ("某某局", 2023, edition)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    assert ("xl/vbaProject.bin" in parts(path)) == (extension.lower() == "xlsm")


def test_new_refuses_in_one_line_and_leaves_everything_as_it_was(run, tmp_path):
    there = tmp_path / "a.xlsm"
    there.write_bytes(b"mine")
    (tmp_path / "link.xlsx").symlink_to("nowhere")
    for arguments, code in (
        (("shangjie-2022", "-o", there), "已经存在"), (("shangjie-2022", "-o", tmp_path / "link.xlsx"), "已经存在"),
        (("nowhere-2000", "-o", tmp_path / "b.xlsm"), "shangjie-2022"), (("shangjie-2022", "-o", tmp_path / "b.xls"), ".xlsm"),
        (("shangjie-2022", "-o", tmp_path / "b"), ".xlsm"), (("shangjie-2022", "-o", tmp_path / "no" / "b.xlsx"), "写不了"),
        (("shangjie-2022", "-o", tmp_path), ".xlsm"), (("shangjie-2022", "-o", tmp_path / "b.xlsx", "--year", "明年"), "四位数"),
        (("shangjie-2022", "-o", tmp_path / "b.xlsx", "--year", "1999"), "四位数"), (("shangjie-2022",), "缺少"),
    ):
        status, out, err = run("new", *arguments)
        assert (status, out) == (2, "") and code in err and err.count("\n") == 1, arguments
    assert there.read_bytes() == b"mine" and sorted(file.name for file in tmp_path.iterdir()) == ["a.xlsm", "link.xlsx"]


def test_build_writes_the_workbook_of_every_edition_and_the_bureaus(run, tmp_path, monkeypatch):
    monkeypatch.setattr(workbook_file, "FOLDER", str(tmp_path))
    status, out, _ = run("build")
    made = sorted(file.name for file in tmp_path.iterdir())
    names = [workbook_file.name_for(edition) for edition in editions().values()]
    forms = [name + extension for name in names for extension in (".xlsm", ".xlsx")]
    assert status == 0 and made == sorted([*forms, f"{district_sheets.NAME}.xlsm"])
    assert len(out.splitlines()) == len(made)


def test_help_of_the_new_commands_is_chinese_and_starts_without_heavy_libraries():
    code = ("import sys; from perfeval_xl.cli import main; main(['new', '--help']);"
            "print([name for name in ('xlsxwriter', 'xlwings', 'pyopenvba', 'openpyxl', 'pandas') if name in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PERFEVAL_LANG": "zh"}).stdout
    assert out.strip().endswith("[]") and "先填好年度" in out
