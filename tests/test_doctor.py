"""doctor on made-up machines: every answer has a machine that brings it out, and a healthy one brings out nothing else."""

from __future__ import annotations

import json
import re
import string

import pytest

from perfeval_xl import cli, doctor, machine, messages
from perfeval_xl.doctor import ATTENTION, BAD, OK, UNKNOWN

PYTHON = r"C:\Users\li\AppData\Local\perfeval_xl\Scripts\python.exe"
FOLDER = r"C:\Users\li\Documents\绩效自评"
CONFIG = r"C:\Users\li\.xlwings\xlwings.conf"
WINDOWS = machine.Machine(
    machine.Here("win32", PYTHON, CONFIG, "gbk", FOLDER, "0.37.8", {"LOCALAPPDATA": r"C:\Users\li\AppData\Local"}), (3, 12, 4), 64, "perfeval-xl",
    pywin32=True, vba_reader=True, config={"INTERPRETER_WIN": PYTHON}, interpreter_exists=True,
    dlls=("xlwings64-0.37.8.dll", "xlwings32-0.37.8.dll"), folder_exists=True, opener="Excel.SheetMacroEnabled.12",
    workbooks=(machine.Workbook(FOLDER + r"\自评表.xlsm", True, "0.37.8", False), machine.Workbook(FOLDER + r"\自评表.xlsx", False, "", False)),
    excel=machine.Excel(r"C:\Office\EXCEL.EXE", "16.0"))
LINUX = machine.Machine(machine.Here("linux", "/usr/bin/python3", None, "utf-8", "/home/li/Documents/绩效自评", "0.37.8", {}), (3, 11, 2), 64,
                        "perfeval-xl", vba_reader=True, folder_exists=True)
MAC = machine.Machine(machine.Here("darwin", "/opt/py/bin/python3", "/Users/li/Library/Containers/com.microsoft.Excel/Data/xlwings.conf", "utf-8",
                                   "/Users/li/Documents/绩效自评", "0.37.8", {}), (3, 12, 0), 64, "perfeval-xl", vba_reader=True, applescript=True,
                      config={"INTERPRETER_MAC": "/opt/py/bin/python3"}, interpreter_exists=True, folder_exists=True,
                      excel=machine.Excel("/Applications/Microsoft Excel.app", ""))


@pytest.fixture(autouse=True)
def speak_chinese(monkeypatch):
    monkeypatch.setenv("PERFEVAL_LANG", "zh")
    messages.speak("")


def keys(facts):
    return [key for question in doctor.QUESTIONS for key, _ in question(facts)]


def with_here(facts=WINDOWS, **changes):
    return facts._replace(here=facts.here._replace(**changes))


def with_excel(**changes):
    return WINDOWS._replace(excel=WINDOWS.excel._replace(**changes))


def with_book(**changes):
    return WINDOWS._replace(workbooks=(WINDOWS.workbooks[0]._replace(**changes),))


HEALTHY = ["python.fine", "tool.version", "xlwings.fine", "pywin32.fine", "heavy.none", "config.fine", "dll.fine", "excel.there", "macros.asks",
           "macros.limits", "folder.there", "book.fine", "book.plain"]


def test_a_healthy_windows():
    assert keys(WINDOWS) == HEALTHY
    assert {answer.level for answer in doctor.answers(WINDOWS)} == {OK, UNKNOWN}


def test_a_healthy_mac():
    assert keys(MAC) == ["python.fine", "tool.version", "xlwings.fine", "heavy.none", "config.fine", "dll.mac", "excel.there", "macros.unknown",
                         "folder.there"]


def test_linux_says_what_it_cannot_know():
    assert keys(LINUX) == ["python.fine", "tool.version", "xlwings.fine", "heavy.none", "config.unknown", "dll.unknown", "excel.unknown",
                           "macros.unknown", "folder.there"]
    assert [answer.level for answer in doctor.answers(LINUX)][4:8] == [UNKNOWN] * 4


TRUSTED = ((r"C:\Users\li\Documents", True),)
OTHER = r"D:\Python312\python.exe"
#: a machine with one thing wrong -> what is said instead of what (None: said as well)
CASES = [
    (WINDOWS._replace(python_version=(3, 10, 9)), "python.old", "python.fine"),
    (WINDOWS._replace(bits=32), "python.32", "python.fine"),
    (LINUX._replace(bits=32), "python.fine", "python.fine"),
    (with_here(xlwings=""), "xlwings.none", "xlwings.fine"),
    (with_here(xlwings="0.37.4"), "xlwings.range", "xlwings.fine"),
    (with_here(xlwings="0.37.5"), "xlwings.fine", "xlwings.fine"),
    (with_here(xlwings="0.38.0"), "xlwings.range", "xlwings.fine"),
    (with_here(xlwings="0.38"), "xlwings.range", "xlwings.fine"),
    (with_here(xlwings="dev"), "xlwings.range", "xlwings.fine"),
    (WINDOWS._replace(pywin32=False), "pywin32.none", "pywin32.fine"),
    (WINDOWS._replace(heavy=("pandas",)), "heavy.there", "heavy.none"),
    (WINDOWS._replace(config=None, interpreter_exists=False), "config.none", "config.fine"),
    (WINDOWS._replace(config={"PYTHONPATH": "x"}), "config.none", "config.fine"),
    (WINDOWS._replace(config={"INTERPRETER_WIN": OTHER}), "config.other", "config.fine"),
    (WINDOWS._replace(config={"INTERPRETER_WIN": OTHER}, interpreter_exists=False), "config.gone", "config.fine"),
    (WINDOWS._replace(config={"INTERPRETER_WIN": PYTHON.upper()}), "config.fine", "config.fine"),
    (WINDOWS._replace(config={"INTERPRETER_WIN": r"%LocalAppData%\perfeval_xl\Scripts\python.exe"}), "config.fine", "config.fine"),
    (WINDOWS._replace(config={"INTERPRETER_WIN": PYTHON.replace("python.exe", "pythonw.exe")}), "config.fine", "config.fine"),
    (WINDOWS._replace(config={"INTERPRETER": PYTHON}), "config.fine", "config.fine"),
    (MAC._replace(config={"INTERPRETER_WIN": "/opt/py/bin/python3"}), "config.none", "config.fine"),
    (MAC._replace(config={"INTERPRETER_MAC": "/OPT/py/bin/python3"}), "config.other", "config.fine"),
    (WINDOWS._replace(config_beside=FOLDER + r"\xlwings.conf"), "config.beside", None),
    (WINDOWS._replace(dlls=("xlwings64-0.37.8.dll",)), "dll.none", "dll.fine"),
    (WINDOWS._replace(dlls=()), "dll.none", "dll.fine"),
    (MAC._replace(applescript=False), "dll.script", None),
    (MAC._replace(excel=None), "excel.none", "excel.there"),
    (with_excel(warnings=1), "macros.all", "macros.asks"),
    (with_excel(warnings=2), "macros.asks", "macros.asks"),
    (with_excel(warnings=3), "macros.signed", "macros.asks"),
    (with_excel(warnings=4), "macros.silent", "macros.asks"),
    (with_excel(warnings=1, policy=4), "macros.ruled", "macros.asks"),
    (with_excel(warnings=4, policy=2), "macros.asks", "macros.asks"),
    (with_excel(policy=3), "macros.signed", "macros.asks"),
    (with_excel(vba_off=True, trusted=TRUSTED), "macros.off", "macros.asks"),
    (with_excel(warnings=4, trusted=TRUSTED), "macros.trusted", "macros.asks"),
    (with_excel(warnings=4, trusted=TRUSTED, trusted_off=True), "macros.silent", "macros.asks"),
    (WINDOWS._replace(opener="KET.Sheet.12"), "opener.other", None),
    (WINDOWS._replace(wps=r"C:\WPS\et.exe"), "wps.there", None),
    (WINDOWS._replace(libreoffice="soffice"), "libreoffice.there", None),
    (WINDOWS._replace(folder_exists=False), "folder.none", "folder.there"),
    (with_here(folder=r"C:\Users\O'Li\绩效自评"), "folder.marks", None),
    (with_here(folder=r"C:\Users\李四\Documents\绩效自评"), "folder.marks", None),
    (with_here(folder=r"\\server\绩效自评"), "folder.network", None),
    (with_book(xlwings="0.37.6"), "book.version", "book.fine"),
    (with_book(xlwings=""), "book.foreign", "book.fine"),
    (with_book(xlwings=None), "book.unreadable", "book.fine"),
    (with_book(xlwings=None)._replace(vba_reader=False), "book.no_reader", "book.fine"),
    (with_book(macros=False, xlwings=None)._replace(vba_reader=False), "book.unreadable", "book.fine"),
    (with_book(macros=False, xlwings="", marked=True), "book.plain", "book.fine"),
    (with_book(marked=True), "book.marked", None),
    (with_book(marked=None), "book.mark_unknown", None),
    (with_book(path=r"C:\表\a=b.xlsm"), "book.equals", None),
    (with_book(path=r"C:\表\a&b 100%.xlsm"), "book.marks", None),
]


@pytest.mark.parametrize("facts, said, instead", CASES, ids=[f"{n}-{case[1]}" for n, case in enumerate(CASES)])
def test_one_thing_and_no_other(facts, said, instead):
    healthy = set(keys(MAC if facts.here.system == "darwin" else LINUX if facts.here.system == "linux" else WINDOWS))
    if facts.workbooks != WINDOWS.workbooks:
        healthy.discard("book.plain")
    healthy.discard(instead)
    if facts.here.xlwings != "0.37.8":  # then the form and the DLL do not fit either
        healthy -= {"book.fine", "dll.fine"}
        assert set(keys(facts)) - {"book.version", "dll.none"} == healthy | {said}
    else:
        assert set(keys(facts)) == healthy | {said}


def test_an_unknown_opener_is_no_other_program():
    assert keys(WINDOWS._replace(opener="")) == HEALTHY


def test_every_answer_has_a_machine_that_brings_it_out():
    more = [WINDOWS, MAC, LINUX, WINDOWS._replace(excel=None), STORE, TRAPPED, CLOUD, ALLOWED]
    assert {key for facts in [*more, *(case[0] for case in CASES)] for key in keys(facts)} == set(doctor._ANSWERS)


STORE = with_here(python=r"C:\Users\li\AppData\Local\Microsoft\WindowsApps\python.exe")._replace(config={"INTERPRETER_WIN": "python"})
TRAPPED = with_here(python=r"C:\Users\李&四\python.exe")._replace(config={"INTERPRETER_WIN": r"C:\Users\李&四\python.exe"})
CLOUD = with_here(folder=r"C:\Users\li\OneDrive\文档\绩效自评")
ALLOWED = with_book(marked=True)._replace(excel=machine.Excel("", "16.0", internet=0))


def test_a_path_of_python_that_was_never_tried():
    assert keys(TRAPPED)[:2] == ["python.fine", "python.place"]
    (answer,) = [one for one in doctor.answers(TRAPPED) if "路径里有" in one.text]
    assert "&、中文等非英文字符" in answer.text and answer.level == ATTENTION


def test_the_store_is_told():
    assert keys(STORE)[0] == "python.store"


def test_onedrive_is_told():
    assert {"folder.cloud", "folder.marks"} <= set(keys(CLOUD))


def test_the_english_path_with_our_own_folder_is_no_trap():
    assert doctor.traps(FOLDER, machine.FORMS) == () and doctor.traps(FOLDER) == ("chinese",)
    assert doctor.traps("a'b&c%d^e=f") == ("'", "&", "%", "^", "=")


@pytest.mark.parametrize("place, below, folder, is_trusted", [
    (r"C:\Users\li\Documents", True, FOLDER, True), (r"C:\Users\li\Documents", False, FOLDER, False), (FOLDER, False, FOLDER, True),
    (FOLDER + "\\", False, FOLDER, True), (FOLDER.upper(), False, FOLDER, True), (r"C:\Users\li\Doc", True, FOLDER, False),
    ("C:\\", True, FOLDER, True), (FOLDER.replace("\\", "/"), False, FOLDER, True),
])
def test_trusted_locations(place, below, folder, is_trusted):
    assert doctor.trusted(with_excel(trusted=((place, below),)), folder) is is_trusted
    assert doctor.trusted(with_excel(trusted=((place, below),), trusted_off=True), folder) is False


def test_a_marked_file_in_a_trusted_folder_is_fine():
    assert "book.marked" in keys(with_book(marked=True))
    assert "book.marked" not in keys(with_book(marked=True)._replace(excel=WINDOWS.excel._replace(trusted=TRUSTED)))
    assert "book.marked_allowed" in keys(ALLOWED) and "book.marked" not in keys(ALLOWED)


@pytest.mark.parametrize("text, numbers", [("0.37.8", (0, 37, 8)), ("0.38.0rc1", (0, 38)), ("", ()), ("x", ())])
def test_version_numbers(text, numbers):
    assert doctor.version_numbers(text) == numbers


def test_the_range_of_xlwings_is_that_of_the_package():
    import tomllib
    from pathlib import Path

    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    low, high = (".".join(map(str, bound)) for bound in doctor.XLWINGS)
    assert f"xlwings>={low},<{high}" in project["optional-dependencies"]["excel"]
    assert all(one in doctor._PIP[0] for one in project["optional-dependencies"]["excel"])
    assert f">={low},<{high}" in doctor._ANSWERS["xlwings.range"][1][0]
    assert project["requires-python"] == f">={doctor.PYTHON[0]}.{doctor.PYTHON[1]}"


# ---- words ----


def test_answers_are_well_formed_and_speak_both_languages():
    for key, (level, text, fix) in doctor._ANSWERS.items():
        assert key.partition(".")[0] in doctor._TOPICS and level in doctor.LEVELS
        places = [{name for _, name, _, _ in string.Formatter().parse(one) if name} for one in text]
        assert places[0] >= places[1], key
        assert bool(fix[0]) == bool(fix[1]) and not re.search("[\u4e00-\u9fff]", text[1] + fix[1].replace("②", "")), key
        assert level != BAD or fix[0], f"{key}: what must be mended needs a remedy"
        assert not re.search("[。.]$", text[0] + fix[0]), f"{key}: the full stop is added"


@pytest.mark.parametrize("lang", messages.LANGUAGES)
def test_all_answers_can_be_said(lang):
    messages.speak(lang)
    for facts in [WINDOWS, MAC, LINUX, STORE, TRAPPED, CLOUD, ALLOWED, WINDOWS._replace(excel=None), *(case[0] for case in CASES)]:
        for answer in doctor.answers(facts):
            line = answer.words()
            assert "{" not in line and "None" not in line and "\n" not in line
            if lang == "en":
                own = (facts.here.folder, facts.here.python, *(book.path for book in facts.workbooks), "自评表", "绩效自评", r"a&b 100%")
                for name in own:
                    line = line.replace(name, "")
                assert not re.search("[\u4e00-\u9fff]{2}", line), line
    messages.speak("")


def test_one_line_in_full():
    facts = with_book(xlwings="0.37.6")._replace(command=f'"{PYTHON}" -m perfeval_xl.cli')
    (answer,) = [one for one in doctor.answers(facts) if one.level == BAD]
    assert answer.words() == ("【不行】工作簿：自评表.xlsm：宏是按 xlwings 0.37.6 生成的，本机是 0.37.8，公式不能用。"
                              f'运行 "{PYTHON}" -m perfeval_xl.cli install '
                              "得到一张配套的空白表，把填好的数（只贴数值）抄过去。")


# ---- the command ----


@pytest.fixture
def command(monkeypatch, capsys):
    def call(facts, *words):
        monkeypatch.setattr(machine, "look", lambda files: facts)
        status = cli.main(["doctor", *words])
        return (status, *capsys.readouterr())

    return call


@pytest.mark.parametrize("facts, status", [(WINDOWS, 0), (LINUX, 0), (CLOUD, 0), (with_here(xlwings=""), 1), (with_book(marked=True), 1)])
def test_the_status_says_whether_something_must_be_done(command, facts, status):
    assert command(facts)[0] == status


def test_the_report_has_a_line_for_each_answer(command):
    _, out, err = command(with_book(marked=True))
    assert len(out.splitlines()) == len(keys(with_book(marked=True))) and all(line.startswith("【") for line in out.splitlines())
    assert "解除锁定" in out and err == "不行 1，注意 0，查不到 1。\n"
    assert command(WINDOWS, "-q")[2] == ""


def test_the_json_of_doctor(command):
    status, out, err = command(with_here(xlwings=""), "--json", "--lang", "en")
    document = json.loads(out)
    assert (status, err, document["schema"]) == (1, "", 1)
    assert all(list(answer) == ["level", "topic", "text", "fix"] and answer["level"] in doctor.LEVELS for answer in document["answers"])
    assert any(answer["level"] == "bad" and answer["topic"] == "xlwings" for answer in document["answers"])


def test_a_real_run_on_this_computer(tmp_path, capsys):
    (tmp_path / "坏.xlsm").write_bytes(b"no workbook")
    status = cli.main(["doctor", str(tmp_path)])
    out, _ = capsys.readouterr()
    assert status in (0, 1) and "【好】本工具：perfeval_xl" in out and "坏.xlsm：宏的版本读不出来" in out
    assert cli.main(["doctor", str(tmp_path / "没有.xlsm")]) == 2
    assert "没有.xlsm" in capsys.readouterr().err
