"""Every .xlsm as it is shipped, looked at by programs other than the one that wrote it. How it is built is tested in test_vba."""

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from office import convert
from pyopenvba import ExcelFile
from pyopenvba.integrity import check_file
from pyopenvba.interpreter._parse import parse_module
from test_vba import body, for_the_parser, parts, relations, seen_by_olevba

from perfeval_xl import vba

SHIPPED = sorted((Path(__file__).parent.parent / "workbook").glob("*.xlsm"))
UI = "http://schemas.microsoft.com/office/2006/relationships/ui/extensibility"


@pytest.fixture(scope="module", params=SHIPPED, ids=lambda path: path.stem)
def shipped(request):
    return request.param


def kind(path):
    """The workbook of a department, or that of the bureau."""
    return vba.DISTRICT if path.stem == "区级汇总" else vba.FORM


def test_four_workbooks_are_shipped():
    assert [path.stem for path in SHIPPED] == ["上街区部门整体自评表", "区级汇总", "金水区部门整体绩效自评表", "项目支出绩效自评表"]


def test_olevba_sees_every_module_with_our_source_and_each_of_them_parses(shipped):
    sources, found = vba.sources(kind(shipped)), seen_by_olevba(shipped)
    assert {name: body(found[name]) for name in sources} == {name: body(source) for name, source in sources.items()}
    for name, source in found.items():
        parsed = parse_module(for_the_parser(source), name=name)
        assert bool(parsed.procedures) == (name in sources), name  # the modules of the sheets are empty


def test_the_package_and_its_project_are_sound(shipped):
    report = check_file(shipped)
    assert report.ok and not report.errors and not report.warnings
    with ExcelFile(shipped) as opened:
        assert opened.validate() == []


def test_code_names_are_those_of_the_document_modules(shipped):
    found = parts(shipped)
    names = [re.search(rb'<(?:workbook|sheet)Pr[^>]* ?codeName="([^"]+)"', content)[1].decode() for name, content in found.items()
             if re.fullmatch(r"xl/(workbook|worksheets/sheet\d+)\.xml", name)]
    with ExcelFile(shipped) as opened:
        modules = set(opened.vba_modules()) - set(vba.sources(kind(shipped)))
    assert len(names) == len(set(names)) and set(names) == modules


def test_the_ribbon_is_related_once_and_no_part_is_an_orphan(shipped):
    found = parts(shipped)
    assert [(name, path) for name, what, path, _ in relations(found) if what == UI] == [("_rels/.rels", "customUI/customUI.xml")]
    contents = [name for name in found if name != "[Content_Types].xml" and not name.endswith(".rels")]
    assert sorted({path for _, _, path, _ in relations(found)}) == sorted(contents)
    types = ElementTree.fromstring(found["[Content_Types].xml"])
    extensions = {one.get("Extension") for one in types if one.tag.endswith("Default")}
    overrides = {one.get("PartName").lstrip("/") for one in types if one.tag.endswith("Override")}
    assert all(name in overrides or name.rpartition(".")[2] in extensions for name in found if name != "[Content_Types].xml")
    assert overrides <= set(found)


def test_the_wrappers_inside_are_those_that_the_functions_generate(shipped):
    found = seen_by_olevba(shipped)
    if kind(shipped) is vba.DISTRICT:
        assert "xlwings_udfs" not in found
    else:
        assert body(found["xlwings_udfs"]) == body(vba.wrappers())


def test_libreoffice_prints_no_page_that_nothing_stands_on(shipped, soffice, tmp_path):
    """The lists that are filled later have hundreds of rows ready; each is one page as long as nothing stands in it."""
    printed = convert(soffice, shipped, tmp_path, "pdf").read_bytes()
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == (8 if kind(shipped) is vba.DISTRICT else 7)
