"""The pages for users and developers say what is there: pictures, codes, buttons, functions, rooms."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_house import ORDER

from perfeval_xl import messages, udfs
from perfeval_xl.form_sheet import KINDS
from perfeval_xl.messages import SEVERITIES
from perfeval_xl.vba import BUTTONS, TAB

ROOT = Path(__file__).parent.parent
PAGES = {path.name: path for path in (ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md"))}
TEXTS = {name: path.read_text(encoding="utf-8") for name, path in PAGES.items()}
GUIDE = TEXTS["用户指南.md"]
CODES = {one.code for one in messages.catalogue()}


def test_every_picture_is_there_and_every_one_there_is_shown():
    shown = {PAGES[name].parent / target for name, text in TEXTS.items() for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)}
    assert shown == set((ROOT / "docs" / "pictures").glob("*.png")) and len(shown) >= 8
    assert all(path.stat().st_size < 150_000 for path in shown)


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_every_code_that_is_named_exists(name):
    assert set(re.findall(r"(?<![A-Za-z0-9])[LVFISTX]\d{3}(?!\d)", TEXTS[name])) <= CODES


def test_the_guide_says_what_to_do_about_every_message_of_a_button():
    table = GUIDE[GUIDE.index("### 按钮说的话"):GUIDE.index("### 格子和按钮不对劲")]
    listed = re.findall(r"^\| (X\d{3}) \|", table, re.MULTILINE)
    assert listed == [*sorted(code for code in CODES if code.startswith("X2")), "X902"]
    assert "perfeval_xl.log" in table


def test_the_guide_names_every_button_kind_of_cell_severity_and_function():
    for button in BUTTONS:
        assert f"| {button.caption} |" in GUIDE and button.caption in TEXTS["excel-checklist.md"]
    for kind in KINDS.values():
        assert f"| {kind.word} |" in GUIDE
    for word, _ in SEVERITIES.values():
        assert f"| {word} |" in GUIDE
    assert TAB in GUIDE
    for name in (name for name in vars(udfs) if name.startswith("PE_")):
        assert f"| `{name}` |" in GUIDE


def test_the_figures_in_the_list_of_functions_are_what_the_functions_give():
    edition = "shangjie-2022"
    given = {"PE_EXECUTION_RATE": udfs.PE_EXECUTION_RATE(366.48, 208.02), "PE_EXECUTION_SCORE": udfs.PE_EXECUTION_SCORE(366.48, 208.02, 10, edition),
             "PE_SCORE": udfs.PE_SCORE("≥90%", "66.6%", 2, edition), "PE_DEVIATION": udfs.PE_DEVIATION("≥90%", "66.6%")}
    for name, figure in given.items():
        line = next(line for line in GUIDE.splitlines() if line.startswith(f"| `{name}` |"))
        assert str(figure) in line, line
    assert udfs.PE_SCORE("≥90%", "约九成", 2, edition) in GUIDE


def test_readme_lists_the_rooms_in_the_order_of_the_house():
    table = TEXTS["README.md"].partition("| room | what it is for |")[2].partition("\n\n")[0]
    rooms = [name for line in table.splitlines() for name in re.findall("`([a-z_]+)`", line.split("|")[1] if "|" in line else "")]
    assert len(rooms) > 40 and [room for room in ORDER if room in rooms] == rooms
