"""Tests that watch the house: import directions, the catalogue, the editions, and what must never stand in the sources."""

from __future__ import annotations

import ast
import re
import string
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from perfeval_xl import catalogue, edition, narrative, rules

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "perfeval_xl"
ROOMS = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")

#: a room imports only rooms that stand before it; a line for each wing of the house
_WINGS = """
    patterns numbers dates targets model catalogue messages log files
    shelf edition_file edition compare scoring
    checks_funds checks_rows checks_sums rules
    cells table udfs layout computed indicator_block
    container gate pieces xlsx looks compound xls ods intake signs record served worker contain
    pdf_text lines document
    figures naming facts speech adding
    quotes_dates quotes_changes quotes_rows quotes_points quotes_money quotes_tables quotes claims wording narrative
    host review_lists result_list review
    template beside calculation formula_steps formulas form_sheet
    vba sheets workbook_file examples
    report_figures report_tables report report_chart report_xml report_package report_file
    made_up compact gather roster
    district district_lists drafts district_drafts long_list district_book district_summary district_charts district_file district_sheets
    send_back pairing cluster parquet district_run
    presses xlwings_host journal state submission buttons district_buttons
    machine install doctor
    screen usage cli __main__
"""
ORDER = tuple(_WINGS.split())
#: heavy libraries and the only rooms that may import them
LIBRARIES = {"pandas": (), "xlwings": ("xlwings_host", "vba"), "pyopenvba": ("vba", "machine"), "openpyxl": ("review", "review_lists"),
             "rich": ("screen",),
             "xlsxwriter": ("template", "form_sheet", "vba", "sheets", "workbook_file", "examples", "review", "long_list", "district_file",
                            "district_book"),
             "python_calamine": ("intake",), "xlrd": ("xls",), "distributed": ("cluster",), "dask": ("cluster",),
             "pyarrow": ("parquet",), "docx": ("report_file",), "pypdf": ("pdf_text",)}
#: libraries that a room may import at its top, because nothing it does works without them
AT_THE_TOP = {("template", "xlsxwriter"), ("examples", "xlsxwriter"), ("form_sheet", "xlsxwriter"),
              ("sheets", "xlsxwriter"), ("workbook_file", "xlsxwriter"), ("long_list", "xlsxwriter"), ("district_file", "xlsxwriter"),
              ("district_book", "xlsxwriter")}


def _imports(room: str) -> list[tuple[str, bool]]:
    """(module, at the top of the room?) of everything a room imports."""
    tree = ast.parse((PACKAGE / f"{room}.py").read_text(encoding="utf-8"))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, node in tree.body) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "perfeval_xl":
            found += [(f"perfeval_xl.{alias.name}", node in tree.body) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append((node.module or "", node in tree.body))
    return found


def test_every_room_has_its_place_in_the_order():
    assert set(ROOMS) <= set(ORDER)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_stands_before_it(room):
    allowed = {f"perfeval_xl.{name}" for name in ORDER[: ORDER.index(room)]} | {"perfeval_xl.__version__"}
    own = {name for name, _ in _imports(room) if name.startswith("perfeval_xl.")}
    assert own <= allowed


@pytest.mark.parametrize("room", ROOMS)
def test_annotations_are_not_postponed(room):
    """A named tuple whose annotations are texts compiles each of them at every start."""
    assert "__future__" not in {name for name, _ in _imports(room)}


@pytest.mark.parametrize("room", ROOMS)
def test_no_group_of_a_pattern_is_possessive(room):
    """Up to Python 3.11.4, which Debian 12 has, such a group fails where what is in it could give back (python/cpython#106052)."""
    assert not re.findall(r"\)[*+?]\+", (PACKAGE / f"{room}.py").read_text(encoding="utf-8"))


@pytest.mark.parametrize("room", ROOMS)
def test_heavy_libraries_stay_in_their_rooms(room):
    for name, top in _imports(room):
        library = name.partition(".")[0]
        if library in LIBRARIES:
            assert room in LIBRARIES[library], f"{room} imports {library}"
            assert not top or (room, library) in AT_THE_TOP, f"{room} imports {library} at its top"


def test_the_core_needs_the_standard_library_alone():
    for room in ROOMS:
        if ORDER.index(room) > ORDER.index("layout"):
            continue
        for name, _ in _imports(room):
            assert name.partition(".")[0] in {*sys.stdlib_module_names, "perfeval_xl"}, f"{room} imports {name}"


def test_check_of_one_form_loads_no_heavy_library(tmp_path):
    import xlsxwriter

    path = tmp_path / "空.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_worksheet().write_row(0, 0, ["三级指标", "年度指标值", "实际完成值", "分值", "得分"])
    code = ("import sys; from perfeval_xl.cli import main; main(['check', sys.argv[1]]);"
            "print([name for name in ('pandas', 'openpyxl', 'xlwings', 'xlsxwriter', 'rich', 'dataclasses') if name in sys.modules])")
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    assert out.strip().endswith("[]")


def test_codes_are_well_formed_and_speak_both_languages():
    assert len({entry.code for entry in catalogue._ALL}) == len(catalogue._ALL)
    for entry in catalogue._ALL:
        assert re.fullmatch("[LVFISTRDX][0-9]{3}", entry.code)
        assert entry.severity in ("error", "warning", "note")
        for pair in (entry.text, entry.fix, entry.source):
            assert all(part.strip() for part in pair), entry.code
            assert re.search("[\u4e00-\u9fff]", pair[0]), f"{entry.code}: no Chinese"
            assert not re.search("[\u4e00-\u9fff]{5}", pair[1].replace("自评得分", "").replace("{", "")), f"{entry.code}: Chinese in the English"


def test_both_languages_use_the_same_figures():
    twins = {"what_en": "what", "why_en": "why", "consequence_en": "consequence", "grades_en": "grades", "again_en": "again", "other_en": "other"}
    for entry in catalogue._ALL:
        for chinese, english in (entry.text, entry.fix):
            names = [{twins.get(name, name) for _, name, _, _ in string.Formatter().parse(part) if name} for part in (chinese, english)]
            assert names[0] == names[1], entry.code


def test_every_code_of_a_form_has_a_rule_and_every_rule_a_code():
    spoken = {code for rule in rules.RULES for code in rule.codes} | set(rules.LAYOUT_CODES) | set(narrative.CODES)
    assert spoken <= set(catalogue.CODES)
    assert {code for code in catalogue.CODES if code[0] not in "XD"} - {"L101", "L102", "L103"} == spoken


def test_every_figure_of_an_edition_has_a_source():
    for path in sorted(Path(edition.FOLDER).glob("*.toml")):
        with path.open("rb") as stream:
            _sourced(tomllib.load(stream), "", path.name)


def _sourced(table: dict, source: str, where: str) -> None:
    source = table.get("source", source)
    for key, value in table.items():
        if isinstance(value, dict):
            _sourced(value, source, f"{where} {key}")
        elif isinstance(value, list):
            for one in value:
                if isinstance(one, dict):
                    _sourced(one, source, f"{where} {key}")
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            assert source.strip(), f"{where}: {key} has no source"


def test_public_names_have_docstrings():
    for room in ROOMS:
        tree = ast.parse((PACKAGE / f"{room}.py").read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), room
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
                assert ast.get_docstring(node), f"{room}.{node.name}"


def test_sources_never_name_what_is_off_limits():
    for path in [*PACKAGE.rglob("*.py"), *ROOT.glob("*.toml"), *ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        text = path.read_text(encoding="utf-8")
        assert "xlwings.pro" not in text, path
        if path.stem in ORDER[: ORDER.index("layout")]:
            assert not re.search(r"(?<![\w.])round\(", text), f"{path}: Python's round() is not half up"
