"""The macros of the workbook: a small .xlsm is built, and everything in it is looked at by programs other than the one that wrote it."""

import hashlib
import io
import re
import subprocess
import sys
import warnings
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from pyopenvba import ExcelFile
from pyopenvba.integrity import check_file
from pyopenvba.interpreter._parse import parse_module

from perfeval_xl import udfs, vba
from perfeval_xl.messages import Refusal

MACROS = Path(__file__).parent.parent / "macros"
OWN = ("perfeval_buttons", "perfeval_ribbon")
SHEETS = ("使用说明", "自评表", "校验结果")
_SUB = re.compile(r"^(Public |Private )?(Sub|Function) (\w+)\(([^)]*)\)", re.MULTILINE)


def build(path, clean=True):
    """A workbook with a button for each macro, as the builder of the form makes it."""
    import datetime

    with xlsxwriter.Workbook(str(path), {"in_memory": True}) as workbook:
        workbook.set_properties({"created": datetime.datetime(2022, 1, 1)})
        sheets = [workbook.add_worksheet(name) for name in SHEETS]
        for row, button in enumerate(vba.BUTTONS):
            sheets[1].insert_button(row, 5, {"macro": button.macro, "caption": button.caption})
        workbook.add_vba_project(io.BytesIO(vba.project(len(SHEETS), path.name, clean)), is_stream=True)
    path.write_bytes(vba.add_ribbon(path.read_bytes()))
    return path


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return build(tmp_path_factory.mktemp("vba") / "form.xlsm")


@pytest.fixture(scope="module", params=[True, False], ids=["clean", "with the cache of the template"])
def either(request, tmp_path_factory):
    return build(tmp_path_factory.mktemp("vba") / "form.xlsm", request.param)


def parts(path):
    with zipfile.ZipFile(path) as package:
        return {name: package.read(name) for name in package.namelist()}


def body(source):
    """The lines of a module without what only an export file has: its head and its attributes."""
    lines = source.replace("\r\n", "\n").split("\n")
    if lines[0].startswith("VERSION"):
        lines = lines[lines.index("END") + 1:]
    return "\n".join(line for line in lines if not line.startswith("Attribute ")).strip()


# ---- the project ----


def seen_by_olevba(path):
    """Module -> source as olevba reads them; it uses old names of a library it depends on."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from oletools.olevba import VBA_Parser

        parser = VBA_Parser(str(path))
        try:
            return {name.rpartition(".")[0]: code for _, _, name, code in parser.extract_macros()}
        finally:
            parser.close()


def test_other_programs_see_every_module_with_the_source_that_went_in(either):
    found = seen_by_olevba(either)
    assert {name: body(found[name]) for name in vba.sources()} == {name: body(source) for name, source in vba.sources().items()}
    assert set(found) == {"xlwings", "Dictionary", "xlwings_udfs", *OWN, "ThisWorkbook", *(f"Sheet{n + 1}" for n in range(len(SHEETS)))}


def test_the_file_is_sound(either):
    report = check_file(either)
    assert report.ok and not report.errors and not report.warnings
    with ExcelFile(either) as opened:
        assert opened.validate() == []


def test_a_clean_project_holds_no_compiled_code(book):
    from pyopenvba.cfb import CFB
    from pyopenvba.vba import parse_vba_project

    container = CFB.from_bytes(parts(book)["xl/vbaProject.bin"])
    assert container.get_stream_in_storage("VBA", "_VBA_PROJECT") == bytes.fromhex("cc61ffff000000")
    assert {module.text_offset for module in parse_vba_project(container).modules} == {0}


def for_the_parser(source):
    """pyOpenVBA's parser knows no comment after a #Const or #If line and no head of a class."""
    lines = source.replace("\r\n", "\n").split("\n")
    if lines[0].startswith("VERSION"):
        lines = lines[lines.index("END") + 1:]
    return "\n".join(line.partition("'")[0] if line.lstrip().startswith("#") else line for line in lines)


def test_every_module_parses():
    for name, source in vba.sources().items():
        assert parse_module(for_the_parser(source), name=name).procedures, name


def test_notices_of_others_are_kept():
    sources = vba.sources()
    assert "BSD 3-clause" in sources["xlwings"] and "Zoomer Analytics" in sources["xlwings"]
    assert "MIT" in sources["Dictionary"]


def test_our_sources_are_ascii_with_the_line_ends_of_windows():
    for path in MACROS.glob("*.bas"):
        raw = path.read_bytes()
        assert raw.isascii(), path
        assert raw.count(b"\n") == raw.count(b"\r\n") and raw.endswith(b"\r\n"), path
        assert raw.startswith(f'Attribute VB_Name = "{path.stem}"'.encode()), path
    assert all(source.isascii() for source in vba.sources().values())


def test_a_chinese_source_is_refused(tmp_path, monkeypatch):
    for name in ("xlwings_udfs", *OWN):
        (tmp_path / f"{name}.bas").write_bytes((MACROS / f"{name}.bas").read_bytes())
    (tmp_path / "perfeval_buttons.bas").write_text("' 检查\n", encoding="utf-8")
    monkeypatch.setattr(vba, "folder", lambda name: str(tmp_path))
    with pytest.raises(ValueError, match="perfeval_buttons: VBA source must be ASCII"):
        vba.sources()


def test_the_wrappers_are_what_the_functions_generate():
    assert (MACROS / "xlwings_udfs.bas").read_bytes().decode("ascii") == vba.wrappers()


def test_a_failing_wrapper_shows_an_error_value():
    source = vba.wrappers()
    assert "Err.Description" not in source and source.count("CVErr(2015)") == source.count("End Function") == len(
        [name for name in vars(udfs) if name.startswith("PE_")])


def test_no_public_name_is_there_twice():
    """VBA knows no case: a Sub PE_Check beside the Function PE_CHECK would make the formula #NAME?."""
    sources = {name: source for name, source in vba.sources().items() if name != "Dictionary"}  # a class has a space of names of its own
    names = [match[3].lower() for source in sources.values() for match in _SUB.finditer(source) if match[1] != "Private "]
    ours = {match[3].lower() for name in (*OWN, "xlwings_udfs") for match in _SUB.finditer(sources[name])}
    assert {name for name in names if names.count(name) > 1} & ours == set()
    assert ours & {name.lower() for name in (*vba.sources(), "ThisWorkbook", "Sheet1")} == set()


def test_every_button_is_a_public_sub_without_arguments():
    subs = {match[3]: match for match in _SUB.finditer(vba.sources()["perfeval_buttons"]) if match[1] == "Public "}
    assert [button.macro for button in vba.BUTTONS] == list(subs)
    assert all(match[2] == "Sub" and not match[4] for match in subs.values())
    assert len({button.action for button in vba.BUTTONS}) == len(vba.BUTTONS) == 7


def test_our_modules_declare_their_variables():
    for name in OWN:
        assert vba.sources()[name].splitlines()[1] == "Option Explicit"


# ---- the package ----


def test_code_names_are_those_of_the_document_modules(book):
    found = parts(book)
    names = [re.search(rb'<(?:workbook|sheet)Pr[^>]* ?codeName="([^"]+)"', content)[1].decode() for name, content in found.items()
             if re.fullmatch(r"xl/(workbook|worksheets/sheet\d+)\.xml", name)]
    with ExcelFile(book) as opened:
        modules = set(opened.vba_modules()) - set(vba.sources())
    assert len(names) == len(set(names)) and set(names) == modules == {"ThisWorkbook", "Sheet1", "Sheet2", "Sheet3"}


def test_the_buttons_on_the_sheet_start_our_macros(book):
    drawn = b"".join(content for name, content in parts(book).items() if name.endswith(".vml")).decode("utf-8")
    assert re.findall(r"\[0\]!(\w+)", drawn) == [button.macro for button in vba.BUTTONS]
    assert all(button.caption in drawn for button in vba.BUTTONS)


def relations(found):
    """(part that points, type, part that is pointed at) of every relationship inside the package."""
    for name, content in found.items():
        if name.endswith(".rels"):
            folder = name.removesuffix(".rels").replace("_rels/", "")
            base = folder.rpartition("/")[0]
            for one in ElementTree.fromstring(content):
                if one.get("TargetMode") != "External":
                    target = one.get("Target")
                    path = target.lstrip("/") if target.startswith("/") else f"{base}/{target}".lstrip("/")
                    while "/../" in path:
                        path = re.sub(r"[^/]+/\.\./", "", path, count=1)
                    yield name, one.get("Type"), path, one.get("Id")


def test_every_part_has_a_content_type_and_one_relationship(book):
    found = parts(book)
    types = ElementTree.fromstring(found["[Content_Types].xml"])
    extensions = {one.get("Extension") for one in types if one.tag.endswith("Default")}
    overrides = {one.get("PartName").lstrip("/"): one.get("ContentType") for one in types if one.tag.endswith("Override")}
    contents = [name for name in found if name != "[Content_Types].xml" and not name.endswith(".rels")]
    assert sorted(path for _, _, path, _ in relations(found)) == sorted(contents)
    assert all(name in overrides or name.rpartition(".")[2] in extensions for name in found if name != "[Content_Types].xml")
    assert overrides["xl/workbook.xml"] == "application/vnd.ms-excel.sheet.macroEnabled.main+xml"
    assert set(overrides) <= set(found)


def test_the_ribbon_is_there_exactly_once(book):
    found = parts(book)
    ours = [one for one in relations(found) if one[1] == "http://schemas.microsoft.com/office/2006/relationships/ui/extensibility"]
    assert [(name, path) for name, _, path, _ in ours] == [("_rels/.rels", "customUI/customUI.xml")]
    ids = [identity for name, _, _, identity in relations(found) if name == "_rels/.rels"]
    assert len(ids) == len(set(ids))
    assert vba.add_ribbon(book.read_bytes()) == book.read_bytes()


def test_the_tab_holds_the_buttons_in_the_order_of_the_work(book):
    root = ElementTree.fromstring(parts(book)["customUI/customUI.xml"])
    space = "{http://schemas.microsoft.com/office/2006/01/customui}"
    assert root.tag == f"{space}customUI"
    assert [one.get("label") for one in root.iter(f"{space}tab")] == ["绩效自评"]
    assert len(list(root.iter(f"{space}group"))) == 1
    buttons = list(root.iter(f"{space}button"))
    assert [(one.get("label"), one.get("supertip")) for one in buttons] == [(button.caption, button.tip) for button in vba.BUTTONS]
    callbacks = {match[3]: match for match in _SUB.finditer(vba.sources()["perfeval_ribbon"])}
    assert [one.get("onAction") for one in buttons] == list(callbacks)
    assert all(match[1] == "Public " and match[4] == "control As IRibbonControl" for match in callbacks.values())
    assert len({one.get("id") for one in buttons}) == 7
    assert all(len(button.tip) <= 1024 for button in vba.BUTTONS)


def test_the_ribbon_leaves_every_other_part_as_it_was(tmp_path):
    path = tmp_path / "plain.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_worksheet()
    before = parts(path)
    path.write_bytes(vba.add_ribbon(path.read_bytes()))
    after = parts(path)
    assert {name for name in after if after[name] != before.get(name)} == {"_rels/.rels", "customUI/customUI.xml"}


def test_two_builds_are_one_file(book, tmp_path):
    again = build(tmp_path / "form.xlsm")
    assert hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(book.read_bytes()).digest()


def test_openpyxl_keeps_the_macros_and_the_tab(book, tmp_path):
    import openpyxl

    path = tmp_path / "saved.xlsm"
    opened = openpyxl.load_workbook(book, keep_vba=True)
    opened.save(path)
    opened.close()
    found = parts(path)
    assert found["xl/vbaProject.bin"] == parts(book)["xl/vbaProject.bin"]
    assert "customUI/customUI.xml" in {target for _, _, target, _ in relations(found)}


# ---- around it ----


def test_any_number_of_sheets_has_its_modules(tmp_path):
    for sheets in (1, 7):
        path = tmp_path / f"{sheets}.xlsm"
        with xlsxwriter.Workbook(str(path)) as workbook:
            for _ in range(sheets):
                workbook.add_worksheet()
            workbook.add_vba_project(io.BytesIO(vba.project(sheets)), is_stream=True)
        with ExcelFile(path) as opened:
            assert {name for name in opened.vba_modules() if name.startswith("Sheet")} == {f"Sheet{n + 1}" for n in range(sheets)}


def test_an_add_in_is_refused():
    with pytest.raises(ValueError, match="xlam"):
        vba.project(3, "form.xlam")


@pytest.mark.parametrize("library", ["xlwings", "pyopenvba"])
def test_a_missing_library_is_a_readable_refusal(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Refusal) as refused:
        vba.project(3)
    assert refused.value.code == "X712" and library in str(refused.value) and 'pip install "perfeval_xl[excel]"' in str(refused.value)
    assert 'pip install "perfeval_xl[excel]"' in refused.value.words("en")


def test_the_macros_are_found_in_an_installed_package_too(tmp_path, monkeypatch):
    package = tmp_path / "perfeval_xl"
    (package / "macros").mkdir(parents=True)
    monkeypatch.setattr(vba, "__file__", str(package / "vba.py"))
    assert vba.folder("macros") == str(package / "macros")
    with pytest.raises(Refusal):
        vba.folder("nowhere")
    assert '"macros" = "perfeval_xl/macros"' in (MACROS.parent / "pyproject.toml").read_text(encoding="utf-8")


def test_the_module_of_xlwings_is_the_installed_one():
    import xlwings

    assert f'XLWINGS_VERSION As String = "{xlwings.__version__}"' in vba.sources()["xlwings"]
    assert f'Lib "xlwings64-{xlwings.__version__}.dll"' in vba.sources()["xlwings"]


def test_only_the_free_part_of_xlwings_is_used():
    code = "import os; os.environ.pop('XLWINGS_LICENSE_KEY', None); import xlwings; print(xlwings.__pro__)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_making_macros_loads_no_heavy_library_before_it_must():
    code = ("import sys; import perfeval_xl.vba;"
            "print([name for name in ('pandas', 'openpyxl', 'xlwings', 'xlsxwriter', 'pyopenvba') if name in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
