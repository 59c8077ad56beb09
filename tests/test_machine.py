"""The facts about a computer: settings as xlwings reads them, the registry of Windows played by a dict, workbooks with macros."""

from __future__ import annotations

import importlib.metadata
import io
import os
import subprocess
import sys
import types
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from perfeval_xl import machine
from perfeval_xl.messages import Refusal

EXCEL = r"Software\Microsoft\Office\16.0\Excel\Security"
RULES = r"Software\Policies\Microsoft\Office\16.0"
CLOUD = r"Software\Policies\Microsoft\Cloud\Office\16.0"
PATHS = r"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths"
BASE = {("HKLM", rf"{PATHS}\excel.exe", ""): r"C:\Office\EXCEL.EXE", ("HKCR", r"Excel.Application\CurVer", ""): "Excel.Application.16"}


class Shelf:
    """A registry from a dict: (root, key, name) -> value."""

    def __init__(self, values):
        self.values = {(root, key.lower(), name.lower()): value for (root, key, name), value in values.items()}

    def value(self, root, key, name):
        return self.values.get((root, key.lower(), name.lower()))

    def keys(self, root, key):
        start = key.lower() + "\\"
        inside = [one[len(start):].partition("\\")[0] for place, one, _ in self.values if place == root and one.startswith(start)]
        return list(dict.fromkeys(inside))


@pytest.fixture
def form(tmp_path):
    """A workbook with the VBA of xlwings; the version in it can be chosen."""

    def make(name="表.xlsm", version="0.37.8", module="xlwings"):
        from pyopenvba import ExcelFile

        skeleton = tmp_path / "skeleton.xlsm"
        with xlsxwriter.Workbook(str(skeleton)) as book:
            book.add_worksheet()
        with ExcelFile(skeleton) as file:
            source = f'Public Const XLWINGS_VERSION As String = "{version}"\r\n' if version else "Sub Nothing_()\r\nEnd Sub\r\n"
            file.add_vba_project().add_module(module, source)
            file.save()
        with zipfile.ZipFile(skeleton) as parts:
            project = parts.read("xl/vbaProject.bin")
        path = tmp_path / name
        with xlsxwriter.Workbook(str(path)) as book:
            book.add_worksheet()
            book.add_vba_project(io.BytesIO(project), is_stream=True)
        skeleton.unlink()
        return str(path)

    return make


# ---- settings ----


def test_settings_are_read_as_xlwings_reads_them():
    data = '"INTERPRETER_WIN","C:\\用户\\python.exe"\r\n\r\nno setting\r\n"pythonpath",""\r\n"Interpreter_Win","D:\\second.exe"\r\n'.encode("gbk")
    assert machine.read_config(data, "gbk") == {"INTERPRETER_WIN": "C:\\用户\\python.exe", "PYTHONPATH": ""}


def test_our_reading_of_settings_is_that_of_xlwings(tmp_path, monkeypatch):
    import xlwings
    from xlwings import utils

    path = tmp_path / "xlwings.conf"
    path.write_text('"INTERPRETER_WIN","/opt/python"\n"SHOW CONSOLE","True"\n', encoding="utf-8")
    monkeypatch.setattr(xlwings, "USER_CONFIG_FILE", str(path))
    ours = machine.read_config(path.read_bytes(), "utf-8")
    assert utils.read_user_config() == {key.lower(): value for key, value in ours.items()}


@pytest.mark.parametrize("settings, system, python", [
    ({"INTERPRETER_WIN": "a", "INTERPRETER": "b", "INTERPRETER_MAC": "c"}, "win32", "a"), ({"INTERPRETER": "b"}, "win32", "b"),
    ({"INTERPRETER_WIN": "a", "INTERPRETER_MAC": "c"}, "darwin", "c"), ({}, "win32", ""), (None, "darwin", ""),
    ({"INTERPRETER_WIN": "", "INTERPRETER": "b"}, "win32", "b"),
])
def test_the_interpreter_of_the_settings(settings, system, python):
    assert machine.interpreter(settings, system) == python


def test_the_settings_file_is_where_the_installed_xlwings_looks(monkeypatch, tmp_path):
    import xlwings

    source = Path(xlwings.__file__).read_text(encoding="utf-8")
    head = source[source.index("# Platform specifics"):source.index("# Errors")]
    monkeypatch.setenv("HOME", str(tmp_path))
    for system in ("darwin", "win32"):
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(machine, "_documents", lambda home: home)
        names = {"sys": sys, "os": os}
        exec(head, names)
        assert machine.here().config_file == names["USER_CONFIG_FILE"]


# ---- the registry ----


def test_no_excel_in_the_registry():
    assert machine.excel(Shelf({})) is None


def test_excel_as_it_comes():
    assert machine.excel(Shelf(BASE)) == machine.Excel(r"C:\Office\EXCEL.EXE", "16.0")


def test_an_older_excel_is_found_by_its_keys():
    found = machine.excel(Shelf({("HKCU", rf"{PATHS}\excel.exe", ""): '"C:\\x\\excel.exe"',
                                 ("HKCU", r"Software\Microsoft\Office\15.0\Excel\Security", "VBAWarnings"): 3}))
    assert (found.path, found.version, found.warnings) == (r"C:\x\excel.exe", "15.0", 3)


@pytest.mark.parametrize("values, field, expected", [
    ({("HKCU", EXCEL, "VBAWarnings"): 4}, "warnings", 4),
    ({("HKCU", rf"{RULES}\Excel\Security", "vbawarnings"): 4}, "policy", 4),
    ({("HKLM", rf"{RULES}\Excel\Security", "vbawarnings"): 3}, "policy", 3),
    ({("HKCU", rf"{CLOUD}\Excel\Security", "vbawarnings"): 2, ("HKCU", rf"{RULES}\Excel\Security", "vbawarnings"): 4}, "policy", 2),
    ({("HKCU", rf"{RULES}\Excel\Security", "blockcontentexecutionfrominternet"): 0}, "internet", 0),
    ({("HKLM", rf"{RULES}\Common", "vbaoff"): 1}, "vba_off", True),
    ({("HKCU", rf"{EXCEL}\Trusted Locations", "AllLocationsDisabled"): 1}, "trusted_off", True),
    ({("HKCU", rf"{RULES}\Excel\Security\Trusted Locations", "alllocationsdisabled"): 1}, "trusted_off", True),
    ({("HKCU", rf"{EXCEL}\Trusted Locations\Location3", "Path"): "D:\\表\\", ("HKCU", rf"{EXCEL}\Trusted Locations\Location3", "AllowSubfolders"): 1,
      ("HKCU", rf"{RULES}\Excel\Security\Trusted Locations\Location0", "Path"): "E:\\"}, "trusted", (("D:\\表\\", True), ("E:\\", False))),
    ({("HKCU", rf"{EXCEL}\Trusted Locations\Location1", "Description"): "no path"}, "trusted", ()),
])
def test_what_the_registry_says_about_macros(values, field, expected):
    assert getattr(machine.excel(Shelf({**BASE, **values})), field) == expected


def test_what_a_double_click_opens():
    choice = r"Software\Microsoft\Windows\CurrentVersion\Explorer\FileExts\.xlsm\UserChoice"
    assert machine.opener(Shelf({("HKCR", ".xlsm", ""): "Excel.SheetMacroEnabled.12"})) == "Excel.SheetMacroEnabled.12"
    assert machine.opener(Shelf({("HKCR", ".xlsm", ""): "Excel.SheetMacroEnabled.12", ("HKCU", choice, "ProgId"): "KET.Sheet"})) == "KET.Sheet"
    assert machine.opener(Shelf({})) == ""


class Handle:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


@pytest.fixture
def windows(monkeypatch):
    """The module winreg of Windows over a dict, with only the 32-bit view for what is under "Wow"."""
    fake = types.ModuleType("winreg")
    fake.HKEY_CURRENT_USER, fake.HKEY_LOCAL_MACHINE, fake.HKEY_CLASSES_ROOT = "U", "M", "C"
    fake.KEY_WOW64_64KEY, fake.KEY_WOW64_32KEY, fake.KEY_READ = 1, 2, 4
    keys = {("U", "Some"): {"One": 1}, ("U", "Some\\A"): {}, ("U", "Some\\B"): {}, ("M", "Wow"): {"": "x"}}

    def open_key(root, key, reserved, access):
        if (root, key) not in keys or (key == "Wow" and access & 1):
            raise FileNotFoundError(key)
        return Handle((root, key))

    def query(handle, name):
        if name not in keys[handle.name]:
            raise FileNotFoundError(name)
        return keys[handle.name][name], 1

    def inside(handle):
        return [key.removeprefix(handle.name[1] + "\\") for root, key in keys if root == handle.name[0] and key.startswith(handle.name[1] + "\\")]

    fake.OpenKey, fake.QueryValueEx = open_key, query
    fake.QueryInfoKey, fake.EnumKey = lambda handle: (len(inside(handle)), 0, 0), lambda handle, n: inside(handle)[n]
    monkeypatch.setitem(sys.modules, "winreg", fake)
    return machine.Registry()


def test_the_registry_of_windows_is_read_through_winreg(windows):
    assert windows.value("HKCU", "Some", "One") == 1
    assert windows.value("HKCU", "Some", "Two") is None and windows.value("HKCU", "None", "One") is None
    assert windows.value("HKLM", "Wow", "") == "x"
    assert windows.keys("HKCU", "Some") == ["A", "B"] and windows.keys("HKLM", "Some") == []


# ---- workbooks ----


def test_the_version_of_the_macros_is_read_from_the_project(form):
    assert machine.vba_version(form()) == (True, "0.37.8")
    assert machine.vba_version(form("旧.xlsm", "0.30.1")) == (True, "0.30.1")


def test_other_macros_are_told_from_ours(form):
    assert machine.vba_version(form(version="")) == (True, "")
    assert machine.vba_version(form(module="Other")) == (True, "")


def test_a_workbook_without_macros(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        book.add_worksheet()
    assert machine.vba_version(str(path)) == (False, "")


def test_what_cannot_be_read_is_unknown(tmp_path, form, monkeypatch):
    for name, data in (("a.xlsm", b"PK"), ("b.xlsm", b""), ("c.xlsx", b"text")):
        (tmp_path / name).write_bytes(data)
        assert machine.vba_version(str(tmp_path / name)) == (name.endswith("m"), None)
    path = form()
    monkeypatch.setattr(machine, "PROJECT_BYTES", 100)
    assert machine.vba_version(path) == (True, None)


def test_without_pyopenvba_the_version_is_unknown(form, monkeypatch):
    path = form()
    monkeypatch.setitem(sys.modules, "pyopenvba.cfb", None)
    assert machine.vba_version(path) == (True, None)


@pytest.mark.parametrize("stream, marked", [("[ZoneTransfer]\r\nZoneId=3\r\n", True), ("[ZoneTransfer]\r\nZoneId = 4", True),
                                            ("[ZoneTransfer]\r\nZoneId=1\r\n", False), (None, False)])
def test_the_mark_of_the_web(tmp_path, stream, marked):
    path = str(tmp_path / "a.xlsm")
    if stream is not None:
        Path(path + ":Zone.Identifier").write_text(stream, encoding="utf-8")
    assert machine.workbook(path, "win32").marked is marked
    assert machine.workbook(path, "linux").marked is None


def test_lock_files_are_no_forms(tmp_path):
    for name in ("b.xlsm", "~$b.xlsm", "a.XLSX", "c.txt"):
        (tmp_path / name).touch()
    assert [Path(path).name for path in machine.forms_in(str(tmp_path))] == ["a.XLSX", "b.xlsm"]
    assert machine.forms_in(str(tmp_path / "none")) == []


# ---- this computer ----


def test_this_computer(form, tmp_path):
    path = form()
    facts = machine.look([str(tmp_path), path])
    assert facts.here.system == sys.platform and facts.here.python == sys.executable and facts.python_version == sys.version_info[:3]
    assert [book.path for book in facts.workbooks] == [path] and facts.workbooks[0].xlwings == "0.37.8"
    assert facts.here.folder == str(tmp_path) and facts.folder_exists and facts.vba_reader
    assert facts.here.xlwings == importlib.metadata.version("xlwings")
    assert set(facts.here.variables) <= set(machine.VARIABLES)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(Refusal) as caught:
        machine.look([str(tmp_path / "没有.xlsm")])
    assert caught.value.code == "X101"


def test_looking_loads_neither_xlwings_nor_pandas():
    code = "import sys; from perfeval_xl import machine; machine.look(); print([n for n in ('xlwings', 'pandas', 'openpyxl') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parent.parent)
    assert done.stdout.strip() == "[]"


def test_moved_documents_are_found(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("USERPROFILE", "/users/li")
    monkeypatch.setattr(machine.Registry, "value", lambda self, *key: "$USERPROFILE/OneDrive/文档")
    assert machine._documents("/users/li") == "/users/li/OneDrive/文档"
    monkeypatch.setattr(machine.Registry, "value", lambda self, *key: None)
    assert machine._documents("/users/li") == "/users/li/Documents"
