"""Installing into made-up homes: settings that keep what is there, forms that never replace a user's, one plan for show and for real."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest

from perfeval_xl import __version__, cli, install, machine, messages, record
from perfeval_xl.messages import Refusal

PYTHON = r"C:\Users\li\AppData\Local\perfeval_xl\Scripts\python.exe"
VARIABLES = {"LOCALAPPDATA": r"C:\Users\li\AppData\Local", "APPDATA": r"C:\Users\li\AppData\Roaming", "USERPROFILE": r"C:\Users\li"}


@pytest.fixture(autouse=True)
def speak_chinese(monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "zh")
    messages.speak("")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """The folder of the package's forms, with two files in it and the examples' folder."""
    folder = tmp_path / "package"
    (folder / "examples").mkdir(parents=True)
    (folder / "自评表.xlsm").write_bytes(b"with macros")
    (folder / "自评表.xlsx").write_bytes(b"without")
    (folder / "examples" / "a.xlsx").write_bytes(b"not this one")
    monkeypatch.setattr(install, "shipped_folder", lambda: str(folder))
    return folder


@pytest.fixture
def home(tmp_path):
    """A Windows user's home, as far as installing sees it."""
    config = tmp_path / "home" / ".xlwings" / "xlwings.conf"
    return machine.Here("win32", PYTHON, str(config), "gbk", str(tmp_path / "home" / "Documents" / "绩效自评"), "0.37.8", VARIABLES)


def run(here, folder=""):
    steps = install.plan(here, folder)
    for step in steps:
        install.carry_out(step)
    return [step.key for step in steps]


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()}


# ---- the settings ----


def test_the_settings_of_a_new_user(home):
    assert install.settings(b"", home) == b'"INTERPRETER_WIN","' + PYTHON.encode() + b'"\r\n'


@pytest.mark.parametrize("old, kept", [
    ('"PYTHONPATH","D:\\工具"\r\n"SHOW CONSOLE","True"\r\n', ['"PYTHONPATH","D:\\工具"', '"SHOW CONSOLE","True"']),
    ('"INTERPRETER_WIN","C:\\old.exe"\r\n"ONEDRIVE_WIN","x"\r\n', ['"ONEDRIVE_WIN","x"']),
    ('"interpreter_win","C:\\a.exe"\n\n"INTERPRETER_WIN","C:\\b.exe"\n"A","1"\n', ['"A","1"']),
    ('"INTERPRETER_WIN_OLD","x"\r\n"INTERPRETER_MAC","y"', ['"INTERPRETER_WIN_OLD","x"', '"INTERPRETER_MAC","y"']),
])
def test_other_settings_stay(home, old, kept):
    new = install.settings(old.encode("gbk"), home).decode("gbk")
    assert new == "\r\n".join([*kept, f'"INTERPRETER_WIN","{PYTHON}"']) + "\r\n"
    assert machine.interpreter(machine.read_config(new.encode("gbk"), "gbk"), "win32") == PYTHON


def test_settings_of_an_unknown_encoding_stay_byte_for_byte(home):
    strange = b'"A","\xff\xfe\x81"'
    assert strange in install.settings(strange + b"\r\n", home)


def test_right_settings_are_not_touched(home):
    old = install.settings(b'"A","1"\n\n', home)
    assert install.settings(old, home) == old
    mixed = f'"INTERPRETER_WIN","{PYTHON}"\n"A","1"'.encode()
    assert install.settings(mixed, home) == mixed


def test_a_mark_of_utf8_goes_because_vba_would_read_it(home):
    right = install.settings(b"", home)
    assert install.settings(b"\xef\xbb\xbf" + right, home) == right
    assert install.settings(b'\xef\xbb\xbf"A","1"\r\n', home).startswith(b'"A"')


@pytest.mark.parametrize("python, variables, spelled", [
    (PYTHON, VARIABLES, PYTHON),
    (r"C:\Users\李四\AppData\Local\perfeval_xl\Scripts\python.exe", {"LOCALAPPDATA": r"C:\Users\李四\AppData\Local", "USERPROFILE": r"C:\Users\李四"},
     r"%LOCALAPPDATA%\perfeval_xl\Scripts\python.exe"),
    (r"c:\users\李四\python.exe", {"LOCALAPPDATA": r"C:\Users\李四\AppData\Local", "USERPROFILE": "C:\\Users\\李四\\"}, r"%USERPROFILE%\python.exe"),
    (r"C:\Users\李四\工具\python.exe", {"USERPROFILE": r"C:\Users\李四"}, r"C:\Users\李四\工具\python.exe"),
    (r"C:\Users\李四五\python.exe", {"USERPROFILE": r"C:\Users\李四"}, r"C:\Users\李四五\python.exe"),
    (r"D:\工具\python.exe", {}, r"D:\工具\python.exe"),
])
def test_a_chinese_user_name_is_spelled_by_a_variable(home, python, variables, spelled):
    here = home._replace(python=python, variables=variables)
    assert install.spelled(here) == spelled
    assert install.settings(b"", here).decode("gbk") == f'"INTERPRETER_WIN","{spelled}"\r\n'


def test_xlwings_expands_what_we_spell(home, tmp_path, monkeypatch):
    import xlwings
    from xlwings import utils

    path = tmp_path / "xlwings.conf"
    path.write_bytes(install.settings(b'"A","1"\r\n', home._replace(python="$PERFEVAL_TEST/python")))
    monkeypatch.setenv("PERFEVAL_TEST", "/opt/李四")
    monkeypatch.setattr(xlwings, "USER_CONFIG_FILE", str(path))
    assert utils.read_user_config() == {"a": "1", "interpreter_win": "/opt/李四/python"}


def test_a_path_that_the_code_page_lacks_is_refused(home):
    with pytest.raises(Refusal) as caught:
        install.settings(b"", home._replace(python="D:\\工具\\python.exe", variables={}, encoding="cp1252"))
    assert caught.value.code == "X116" and "D:\\工具" in str(caught.value)


def test_settings_that_cannot_be_read_are_refused(home, shipped):
    Path(home.config_file).mkdir(parents=True)
    with pytest.raises(Refusal) as caught:
        install.plan(home)
    assert caught.value.code == "X112"


def test_the_mac_has_its_own_key_and_line_end(home):
    here = home._replace(system="darwin", python="/Users/li/py/bin/python", encoding="utf-8")
    assert install.settings(b'"INTERPRETER_WIN","x"\n', here) == b'"INTERPRETER_WIN","x"\n"INTERPRETER_MAC","/Users/li/py/bin/python"\n'


def test_on_a_mac_excel_makes_the_folder_of_its_settings(home, shipped):
    here = home._replace(system="darwin")
    assert run(here) == ["no_excel", "form", "form"] and not os.path.exists(os.path.dirname(here.config_file))
    os.makedirs(os.path.dirname(here.config_file))
    assert run(here) == ["config", "form_same", "form_same"]


def test_the_old_settings_are_kept_once(home, shipped):
    path = Path(home.config_file)
    path.parent.mkdir(parents=True)
    path.write_bytes(b'"A","first"\r\n')
    assert run(home)[:2] == ["backup", "config"]
    assert Path(str(path) + ".bak").read_bytes() == b'"A","first"\r\n'
    assert run(home._replace(python=r"D:\py\python.exe"))[0] == "config"
    assert Path(str(path) + ".bak").read_bytes() == b'"A","first"\r\n'
    assert path.read_bytes() == b'"A","first"\r\n"INTERPRETER_WIN","D:\\py\\python.exe"\r\n'


# ---- the forms ----


def test_the_first_time_and_the_second(home, shipped):
    assert run(home) == ["config", "form", "form"]
    assert sorted(os.listdir(home.folder)) == ["自评表.xlsm", "自评表.xlsx"]
    before = tree(os.path.dirname(home.config_file)), tree(home.folder)
    assert run(home) == ["config_same", "form_same", "form_same"]
    assert (tree(os.path.dirname(home.config_file)), tree(home.folder)) == before


def test_a_form_that_was_filled_stays(home, shipped):
    run(home)
    filled = Path(home.folder) / "自评表.xlsm"
    filled.write_bytes(b"hours of work")
    assert run(home)[1:] == ["form_beside", "form_same"]
    assert filled.read_bytes() == b"hours of work"
    assert tree(home.folder)[f"自评表_{__version__}.xlsm"] == b"with macros"
    assert run(home)[1:] == ["form_same", "form_same"] and len(os.listdir(home.folder)) == 3


def test_the_copy_beside_is_a_users_too_once_it_is_filled(home, shipped):
    run(home)
    for n, name in enumerate(("自评表.xlsm", f"自评表_{__version__}.xlsm", f"自评表_{__version__}_2.xlsm")):
        (Path(home.folder) / name).write_bytes(b"work %d" % n)
    assert run(home)[1] == "form_beside"
    assert tree(home.folder)[f"自评表_{__version__}_3.xlsm"] == b"with macros"
    assert tree(home.folder)["自评表.xlsm"] == b"work 0"


def test_a_folder_in_the_place_of_a_form_is_left_alone(home, shipped):
    (Path(home.folder) / "自评表.xlsm").mkdir(parents=True)
    assert run(home)[1:] == ["form_beside", "form"]


def test_a_chosen_folder(home, shipped, tmp_path):
    run(home, str(tmp_path / "D盘" / "表"))
    assert len(os.listdir(tmp_path / "D盘" / "表")) == 2 and not os.path.exists(home.folder)


def test_elsewhere_only_the_forms_are_copied(home, shipped):
    here = home._replace(system="linux", config_file=None)
    assert run(here) == ["no_system", "form", "form"] and not os.path.exists(os.path.dirname(home.config_file))


def test_a_package_without_forms_says_so(home, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "shipped_folder", lambda: str(tmp_path / "none"))
    assert run(home) == ["config", "no_forms"]


def test_a_folder_that_cannot_be_written_is_refused(home, shipped, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(Refusal) as caught:
        run(home, str(tmp_path / "file" / "表"))
    assert caught.value.code == "X116" and (tmp_path / "file").read_bytes() == b""


def test_a_write_that_fails_leaves_no_draft_and_the_old_file(home, shipped, monkeypatch):
    run(home)
    before = tree(home.folder)

    def full(*_):
        raise OSError(28, "disk full")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Refusal):
        install.carry_out(install.Step("form", os.path.join(home.folder, "自评表.xlsm"), b"new"))
    assert tree(home.folder) == before


# ---- forms for another xlwings ----


@pytest.fixture
def other_version(monkeypatch):
    monkeypatch.setattr(machine, "vba_version", lambda path: (True, "0.37.5") if path.endswith("m") else (False, ""))


@pytest.fixture
def builder(monkeypatch):
    """The builder of workbooks, played: it writes what it was asked for."""
    asked = []

    def build(path, edition, filling, macros):
        asked.append((os.path.basename(path), edition, filling, macros))
        Path(path).write_bytes(b"built here")

    room = types.ModuleType("perfeval_xl.workbook_file")
    room.build = build
    monkeypatch.setitem(sys.modules, "perfeval_xl.workbook_file", room)
    monkeypatch.setattr(sys.modules["perfeval_xl"], "workbook_file", room, raising=False)
    return asked


def test_a_form_for_another_xlwings_is_built_anew(home, shipped, other_version, builder, monkeypatch):
    monkeypatch.setattr(record, "check_file", lambda path: [record.Record(path, edition="the edition")])
    assert run(home)[1:] == ["rebuilt", "form", "form"]
    assert builder == [("自评表.xlsm", "the edition", None, True)]
    assert tree(home.folder) == {"自评表.xlsm": b"built here", "自评表.xlsx": b"without"}
    assert run(home)[1:] == ["rebuilt", "form_same", "form_same"]


def test_a_form_of_the_same_xlwings_is_copied(home, shipped, other_version, builder):
    assert run(home._replace(xlwings="0.37.5"))[1:] == ["form", "form"] and builder == []


def test_without_xlwings_the_form_is_copied(home, shipped, other_version, builder):
    assert run(home._replace(xlwings=""))[1:] == ["form", "form"] and builder == []


def test_what_cannot_be_built_anew_is_copied_and_told(home, shipped, other_version, builder):
    steps = install.plan(home)  # the shipped file of this test is no workbook, so its edition cannot be found
    assert [step.key for step in steps][1:] == ["not_rebuilt", "form", "form"] and steps[2].data == b"with macros"
    words = steps[1].words(True)
    assert "0.37.5" in words and "0.37.8" in words and "自评表.xlsm" in words and builder == []


# ---- words ----


def test_every_step_speaks_both_languages():
    values = {"path": "P", "python": "Y", "name": "N", "xlwings": "X", "shipped": "S", "why": "W"}
    for key in install._WORDS:
        for done in (False, True):
            messages.speak("zh")
            chinese = install.Step(key, "P", args={k: v for k, v in values.items() if k != "path"}).words(done)
            messages.speak("en")
            english = install.Step(key, "P", args={k: v for k, v in values.items() if k != "path"}).words(done)
            assert "{" not in chinese + english and any("\u4e00" <= sign <= "\u9fff" for sign in chinese)
            assert not any("\u4e00" <= sign <= "\u9fff" for sign in english)
    messages.speak("")


# ---- the command ----


@pytest.fixture
def command(home, shipped, monkeypatch, capsys):
    monkeypatch.setattr(machine, "here", lambda: home)

    def call(*words):
        status = cli.main(["install", *map(str, words)])
        return (status, *capsys.readouterr())

    return call


def test_a_dry_run_shows_and_does_nothing(command, home, tmp_path):
    before = tree(tmp_path)
    status, out, _ = command("--dry-run")
    assert status == 0 and tree(tmp_path) == before and not (tmp_path / "home").exists()
    assert out.count("将") == 3 and home.config_file in out and "已" not in out


def test_the_command_installs_and_says_what_comes_next(command, home):
    status, out, err = command()
    assert status == 0 and out.count("已") == 3 and "doctor" in err and len(os.listdir(home.folder)) == 2
    assert command("-q")[2] == ""


def test_the_command_takes_a_folder(command, tmp_path):
    assert command("--to", tmp_path / "x")[0] == 0 and len(os.listdir(tmp_path / "x")) == 2


def test_a_folder_that_cannot_be_written_ends_with_2(command, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    status, _, err = command("--to", tmp_path / "file")
    assert status == 2 and "写不了" in err and err.count("\n") == 1


def test_something_left_to_do_ends_with_1(command, monkeypatch, tmp_path):
    monkeypatch.setattr(install, "shipped_folder", lambda: str(tmp_path / "none"))
    status, out, _ = command()
    assert status == 1 and "请重新安装" in out


def test_here_the_command_copies_into_the_home_of_the_user(shipped, tmp_path, monkeypatch, capsys):
    if sys.platform in ("win32", "darwin"):
        pytest.skip("would write the settings of this computer")
    monkeypatch.setenv("HOME", str(tmp_path / "li"))
    assert cli.main(["install"]) == 0
    assert "不是 Windows 或 Mac" in capsys.readouterr().out
    assert list(tree(tmp_path / "li")) == ["Documents/绩效自评/自评表.xlsm", "Documents/绩效自评/自评表.xlsx"]
