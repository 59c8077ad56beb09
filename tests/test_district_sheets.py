"""区级汇总.xlsm as a file: its project, its ribbon, its sheets and names, and that nothing in it computes what the core computes."""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ElementTree

import pytest
from openpyxl import load_workbook
from pyopenvba import ExcelFile
from pyopenvba.integrity import check_file
from pyopenvba.interpreter._parse import parse_module
from test_vba import _SUB, body, for_the_parser, parts, relations, seen_by_olevba

from perfeval_xl import cli, district_buttons, district_sheets, sheets, vba, workbook_file
from perfeval_xl.messages import Refusal

# openpyxl says that it drops a print area that follows the list; Excel keeps it
pytestmark = pytest.mark.filterwarnings("ignore:Print area cannot be set")

LISTS = ["报送情况", "汇总表", "指标明细", "校验结果", "分析", "图表数据"]
NAMES = [sheets.GUIDE, "名册", *LISTS, sheets.CONFIGURATION, sheets.STATE]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "区级汇总.xlsm"
    district_sheets.build(str(path))
    return path


def test_the_same_bytes_every_time_and_the_shipped_file_is_a_fresh_build(book):
    import xlwings

    assert district_sheets.content() == book.read_bytes()
    there, made = (parts(path) for path in (os.path.join(workbook_file.FOLDER, f"{district_sheets.NAME}.xlsm"), book))
    macros = there.pop("xl/vbaProject.bin"), made.pop("xl/vbaProject.bin")
    assert there == made
    assert macros[0] == macros[1] or xlwings.__version__ != "0.37.8"


def test_sheets_stand_in_the_order_of_the_work(book):
    found = re.findall('<sheet name="([^"]+)" sheetId="[0-9]+"(?: state="([a-zA-Z]+)")?', parts(book)["xl/workbook.xml"].decode())
    assert [name for name, _ in found] == NAMES
    assert [state for _, state in found] == [""] * 8 + ["hidden", "veryHidden"]


def test_every_name_of_the_button_is_there_and_points_at_its_sheet(book):
    text = parts(book)["xl/workbook.xml"].decode()
    names = dict(re.findall(r'<definedName name="(pe_[^"]+)">([^<]+)</definedName>', text))
    assert set(names) == {district_sheets.FOLDER, district_sheets.YEAR, district_sheets.SAID, district_sheets.ROSTER, *district_sheets.LISTS}
    opened = load_workbook(book)
    for name, sheet in zip(district_sheets.LISTS, LISTS, strict=True):
        assert names[name] == f"{sheet}!$A${district_sheets.AREAS[name].heads + 1}"
    for name, label in ((district_sheets.FOLDER, "文件夹"), (district_sheets.YEAR, "年度（可不填）"), (district_sheets.SAID, "上一次汇总")):
        place = names[name].rpartition("!")[2].replace("$", "")
        cell = opened[sheets.GUIDE][place]
        assert opened[sheets.GUIDE].cell(cell.row, 1).value == label and not cell.protection.locked
    assert opened[sheets.GUIDE].protection.sheet and not any(opened[name].protection.sheet for name in [*LISTS, "名册"])


def test_excel_opens_it_with_macros(book):
    there = parts(book)
    assert b'"application/vnd.ms-excel.sheet.macroEnabled.main+xml"' in there["[Content_Types].xml"]
    assert there["xl/vbaProject.bin"] == vba.project(len(NAMES), kind=vba.DISTRICT)
    codes = [re.search('codeName="([^"]+)"', there[f"xl/worksheets/sheet{n}.xml"].decode())[1] for n in range(1, len(NAMES) + 1)]
    with ExcelFile(book) as opened:
        assert set(opened.vba_modules()) - set(vba.sources(vba.DISTRICT)) == {"ThisWorkbook", *codes}
        assert opened.validate() == []
    report = check_file(book)
    assert report.ok and not report.errors and not report.warnings


def test_other_programs_see_every_module_with_the_source_that_went_in(book):
    found, sources = seen_by_olevba(book), vba.sources(vba.DISTRICT)
    assert {name: body(found[name]) for name in sources} == {name: body(source) for name, source in sources.items()}
    assert set(sources) == {"xlwings", "Dictionary", "perfeval_district"}


def test_the_macros_parse_declare_their_variables_and_start_python(book):
    source = vba.sources(vba.DISTRICT)["perfeval_district"]
    assert source.isascii() and source.splitlines()[1] == "Option Explicit"
    assert parse_module(for_the_parser(source), name="perfeval_district").procedures
    subs = {match[3]: match for match in _SUB.finditer(source) if match[1] == "Public "}
    assert set(subs) == {button.macro for button in vba.DISTRICT.buttons} | {f"Ribbon_{button.macro[3:]}" for button in vba.DISTRICT.buttons}
    called = re.findall(r'RunPython "import perfeval_xl\.district_buttons as b; b\.(\w+)\(\)"', source)
    assert called == [button.action for button in vba.DISTRICT.buttons if button.action] and hasattr(district_buttons, called[0])
    assert source.index("EnableCancelKey") < source.index("RunPython")
    assert set(re.findall(r'Names\("(\w+)"\)', source)) == {district_sheets.FOLDER}


def test_the_buttons_and_the_tab_start_the_macros(book):
    found = parts(book)
    drawn = b"".join(content for name, content in found.items() if name.endswith(".vml")).decode()
    macros = [button.macro for button in vba.DISTRICT.buttons]
    assert re.findall(r"<x:FmlaMacro>\[0\]!([^<]+)</x:FmlaMacro>", drawn) == macros
    assert all(button.caption in drawn for button in vba.DISTRICT.buttons)
    root = ElementTree.fromstring(found["customUI/customUI.xml"])
    space = "{http://schemas.microsoft.com/office/2006/01/customui}"
    buttons = list(root.iter(f"{space}button"))
    assert [one.get("label") for one in root.iter(f"{space}tab")] == ["绩效自评"]
    assert [(one.get("label"), one.get("supertip"), one.get("onAction")) for one in buttons] == [
        (button.caption, button.tip, button.macro.replace("PE_", "Ribbon_")) for button in vba.DISTRICT.buttons]
    assert vba.add_ribbon(book.read_bytes(), vba.DISTRICT) == book.read_bytes()


def test_every_part_has_a_content_type_and_one_relationship(book):
    found = parts(book)
    contents = [name for name in found if name != "[Content_Types].xml" and not name.endswith(".rels")]
    assert sorted(path for _, _, path, _ in relations(found)) == sorted(contents)
    for name, content in found.items():
        if name.endswith((".xml", ".rels", ".vml")):
            ElementTree.fromstring(content)


def test_the_lists_are_ready_to_be_filled_and_printed(book):
    opened = load_workbook(book)
    for name, sheet in zip(district_sheets.LISTS[:4], LISTS[:4], strict=True):
        page, area = opened[sheet], district_sheets.AREAS[name]
        assert page.freeze_panes.endswith(str(area.first + 1)) and page.auto_filter.ref.startswith(f"A{area.heads + 1}:")
        assert (page.page_setup.paperSize, page.page_setup.orientation, page.page_setup.fitToHeight) == (9, "landscape", 0)
        assert page.print_title_rows == f"${area.heads + 1}:${area.heads + 1}" and page.conditional_formatting
        assert [cell.value for cell in page[area.first + 1]][:12] == [None] * 12
    assert len(opened["分析"]._charts) == 4
    heads = [cell.value for cell in opened["汇总表"][4]]
    assert heads[:6] == ["名次", "部门（单位）", "年初预算数", "全年预算数", "全年执行数", "执行率％"] and heads[22:24] == ["项目", "其中：财政拨款"]


def test_no_cell_asks_for_python(book):
    text = b"".join(content for name, content in parts(book).items() if name.startswith("xl/worksheets/sheet")).decode()
    called = set(re.findall(r"([A-Z][A-Z0-9_.]+)\(", "".join(re.findall("<f>([^<]*)</f>", text))))
    assert called == {"SUBTOTAL", "IF", "ROUND", "COUNTIFS", "COUNTIF"}


@pytest.mark.parametrize("edition", ["区级汇总", "district"])
def test_a_bureau_takes_a_fresh_one(edition, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["new", edition, "-o", "我的汇总.xlsm"]) == 0
    assert (tmp_path / "我的汇总.xlsm").read_bytes() == district_sheets.content()
    assert cli.main(["new", edition, "-o", "我的汇总.xlsm"]) == 2 and "已经存在" in capsys.readouterr().err
    with pytest.raises(Refusal, match=r"汇总\.xlsx"):
        district_sheets.new("汇总.xlsx")
