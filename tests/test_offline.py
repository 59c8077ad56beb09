"""The offline bundle: the one .cmd is readable by cmd.exe of a Chinese Windows and breaks under no code page; the guides name what exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfeval_xl import usage

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
CMD = (DOCS / "offline" / "安装.cmd").read_bytes()
TEXT = CMD.decode("gb2312")
LINES = TEXT.split("\r\n")


def test_lines_end_as_cmd_needs_them():
    assert CMD.endswith(b"\r\n") and CMD.count(b"\n") == CMD.count(b"\r\n") == CMD.count(b"\r")
    assert "*.cmd -text" in (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()


def test_the_text_is_gb2312_and_no_byte_of_it_is_taken_for_a_command():
    assert not CMD.startswith((b"\xef\xbb\xbf", b"\xff\xfe"))
    assert [byte for sign in TEXT if not sign.isascii() for byte in sign.encode("gb2312") if byte < 0xA1] == []
    for line in LINES:
        assert line.isascii() or line.startswith("echo "), line


def test_what_is_echoed_holds_nothing_that_cmd_would_act_on():
    for line in LINES:
        if line.startswith("echo "):
            assert not re.search("[&|<>^!]", line), line


def test_every_label_and_every_variable_is_there():
    labels = {line[1:] for line in LINES if line.startswith(":")}
    assert {name for line in LINES for name in re.findall(r"(?:goto |call :)(\w+)", line)} == labels
    known = {"LOCALAPPDATA", *re.findall(r'set "(\w+)=', TEXT)}
    assert {name for line in LINES for name in re.findall("%([A-Z]+)%", line)} <= known


def test_every_path_from_the_computer_is_quoted():
    for line in LINES:
        if not line.startswith(("echo ", "set ")):
            assert not re.search(r'(?<!")%(HERE|PLACE)%', line), line


def test_it_asks_for_no_administrator_and_no_network():
    assert "--no-index" in TEXT and "InstallAllUsers=0" in TEXT
    assert not re.search("runas|setx|reg add|http|HKLM", TEXT, re.IGNORECASE)


@pytest.mark.parametrize("name", ["离线安装.md", "用户指南.md", "excel-checklist.md"])
def test_the_guides_name_commands_that_exist(name):
    known = set(usage.parser()._subparsers._group_actions[0].choices)
    text = (DOCS / name).read_text(encoding="utf-8")
    assert set(re.findall(r"perfeval-xl\"? ([a-z]+)", text)) <= known


@pytest.mark.parametrize("name", ["离线安装.md", "用户指南.md", "excel-checklist.md"])
def test_links_inside_the_guides_lead_somewhere(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)", text):
        path, _, anchor = target.partition("#")
        whole = text if not path else (DOCS / path).read_text(encoding="utf-8") if path.endswith(".md") else ""
        assert not path or (DOCS / path).exists(), target
        if anchor:
            heads = {re.sub("[（）()、，：]", "", head).strip().replace(" ", "-").lower() for head in re.findall("^#+ (.*)$", whole, re.MULTILINE)}
            assert anchor in heads, target
