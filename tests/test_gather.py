"""Reading many files: what is found, what is passed over, processes that die, and the lines that a district workbook keeps."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from districts import picture, save

from perfeval_xl import compact, district, district_file, gate, gather, record
from perfeval_xl.messages import Refusal

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "workbook" / "examples").glob("*.xlsx"))


@pytest.fixture
def folder(tmp_path):
    """Ten forms in a folder of their own."""
    for n in range(10):
        save(tmp_path / "报送" / f"{n:02d}.xlsx", picture(f"第{n}局"))
    return tmp_path / "报送"


# ---- finding files ----


def test_folders_are_searched_and_locks_and_results_passed_over(tmp_path):
    for name in ("b/深/1.xlsx", "a.XLSM", "~$a.xlsm", ".hidden.xlsx", "报告.docx", "c.et", "退回/甲/甲_批注版.xlsx", "汇总.xlsx", "d.ods", "e.xls"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = gather.find([str(tmp_path), str(tmp_path / "a.XLSM")], [str(tmp_path / "汇总.xlsx"), str(tmp_path / "退回")])
    assert [os.path.relpath(one, tmp_path) for one in found] == ["a.XLSM", os.path.join("b", "深", "1.xlsx"), "c.et", "d.ods", "e.xls"]


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tmp_path):
    assert gather.find([str(tmp_path / "没有.doc")]) == [str(tmp_path / "没有.doc")]
    assert gather.read_all([str(tmp_path / "没有.doc")])[0].error[0] == "X101"


# ---- one line a form ----


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_a_line_holds_all_that_the_json_of_check_holds(path):
    records = record.check_file(str(path))
    lines = gather.read_one(str(path))
    assert [line.as_json() for line in lines] == [record.as_json(one) for one in records]
    assert [compact.from_stamp(compact.to_stamp(line).decode(), "区") for line in lines] == [line._replace(origin="区") for line in lines]


def test_a_workbook_with_a_sheet_for_each_department(tmp_path):
    path = save(tmp_path / "各局.xlsx", picture("甲局"), picture("乙局"), "这里|没有|表", names=("甲", "乙", "说明"))
    assert [(line.sheet, line.department) for line in gather.read_one(path)] == [("甲", "甲局"), ("乙", "乙局")]


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_old_and_open_formats(tmp_path, soffice, kind):
    from office import convert

    path = convert(soffice, Path(save(tmp_path / "甲.xlsx", picture("甲局"))), tmp_path, kind)
    [line] = gather.read_one(str(path))
    assert (line.error, line.department, line.total) == (None, "甲局", 100)
    assert bool(line.modified) == (kind == "ods")


def test_what_cannot_be_read_is_a_line_with_its_reason(tmp_path):
    (tmp_path / "坏.xlsx").write_bytes(b"PK\x03\x04")
    (tmp_path / "空.xlsx").write_bytes(b"")
    shutil.copy(save(tmp_path / "好.xlsx", "甲|乙\n1|2"), tmp_path / "别的.xlsx")
    assert [line.error[0] for line in gather.read_all(gather.find([str(tmp_path)]))] == ["X108", "X103", "X108", "X107"]


# ---- processes ----

_read_one = gather.read_one


def fatal_once(path, wanted="", lang=""):
    """Reads as usual; the first process to find the mark beside the files takes it away and is killed."""
    mark = os.path.join(os.path.dirname(path), "mark")
    if os.path.exists(mark):
        os.remove(mark)
        os.kill(os.getpid(), signal.SIGKILL)
    return _read_one(path, wanted, lang)


def fatal_file(path, wanted="", lang=""):
    """Reads as usual, but one file kills whoever reads it."""
    if path.endswith("07.xlsx"):
        os.kill(os.getpid(), signal.SIGKILL)
    return _read_one(path, wanted, lang)


def slow_file(path, wanted="", lang=""):
    """Reads as usual, but one file keeps its reader for ever."""
    if path.endswith("07.xlsx"):
        time.sleep(600)
    return _read_one(path, wanted, lang)


def fatal_once_many(paths, *options):
    """The same for a portion."""
    return [fatal_once(path, *options) for path in paths]


def fatal_file_many(paths, *options):
    """The same for a portion."""
    return [fatal_file(path, *options) for path in paths]


def slow_file_many(paths, *options):
    """The same for a portion."""
    return [slow_file(path, *options) for path in paths]


def test_the_pool_gives_what_one_process_gives(folder):
    paths, told = gather.find([str(folder)]), []
    assert gather.read_all(paths, workers=2, told=told.append) == gather.read_all(paths, workers=1)
    assert sum(told) == 10


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by a signal")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_process_loses_nothing_and_doubles_nothing(folder, monkeypatch, workers):
    paths, told = gather.find([str(folder)]), []
    expected = gather.read_all(paths, workers=1)
    (folder / "mark").touch()
    monkeypatch.setattr(gather, "read_one", fatal_once)
    monkeypatch.setattr(gather, "read_many", fatal_once_many)
    assert gather.read_all(paths, workers=workers, told=told.append) == expected
    assert sum(told) == 10 and not (folder / "mark").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="processes are killed by a signal")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_kills_its_readers_is_a_line_that_says_so(folder, monkeypatch, workers):
    monkeypatch.setattr(gather, "read_one", fatal_file)
    monkeypatch.setattr(gather, "read_many", fatal_file_many)
    lines = gather.read_all(gather.find([str(folder)]), workers=workers)
    assert [line.error and line.error[0] for line in lines] == [None] * 7 + ["X125"] + [None] * 2


@pytest.mark.parametrize("workers", [1, 2])
def test_a_file_that_takes_for_ever_is_a_line_that_says_so(folder, monkeypatch, workers):
    monkeypatch.setattr(gather, "read_one", slow_file)
    monkeypatch.setattr(gather, "read_many", slow_file_many)
    monkeypatch.setenv("PERFEVAL_LIMITS", "seconds=2")
    lines = gather.read_all(gather.find([str(folder)]), workers=workers)
    assert [line.error and line.error[0] for line in lines] == [None] * 7 + ["X124"] + [None] * 2


def test_where_no_process_can_start_the_files_are_read_here(folder):
    code = ("from perfeval_xl import gather\n"
            "import sys\n"
            "lines = gather.read_all(gather.find([sys.argv[1]]), workers=2)\n"
            "print(sum(line.error is None for line in lines))")
    # a script that comes through a pipe has no file that a new process could start from
    done = subprocess.run([sys.executable, "-", str(folder)], input=code, capture_output=True, text=True, timeout=60, cwd=ROOT,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.stdout.strip() == "10"


# ---- a district workbook as an input ----


@pytest.fixture
def workbook(folder, tmp_path):
    path = str(tmp_path / "甲区.xlsx")
    district_file.write(district.consolidate(gather.read_all(gather.find([str(folder)]))), path)
    return path


def test_a_district_workbook_gives_the_lines_it_keeps(folder, workbook):
    expected = [compact.packed(line._replace(origin="甲区.xlsx")) for line in gather.read_all(gather.find([str(folder)]))]
    assert gather.read_one(workbook) == expected
    assert [one.as_json() for one in gather.read_one(workbook)] == [one.as_json() for one in gather.read_all(gather.find([str(folder)]))]


def test_a_district_workbook_saved_by_an_office_still_does(folder, workbook, soffice, tmp_path):
    from office import convert

    saved = str(convert(soffice, Path(workbook), tmp_path))
    assert gather.read_one(saved) == gather.read_one(workbook)


def test_altered_data_are_refused(workbook):
    import zipfile

    with zipfile.ZipFile(workbook) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    name = next(name for name, part in parts.items() if gather.STAMP.encode() in part and b"inlineStr" in part)
    parts[name] = parts[name].replace(b"</t></is></c></row>", b"A</t></is></c></row>", 3)
    with zipfile.ZipFile(workbook, "w") as new:
        for one, part in parts.items():
            new.writestr(one, part)
    assert [line.error[0] for line in gather.read_one(workbook)] == ["X303"]
    with pytest.raises(Refusal):
        gather.stamped(workbook)


def test_consolidating_districts_is_consolidating_their_forms(tmp_path):
    whole = []
    for town in ("甲区", "乙区"):
        for n in range(4):
            whole.append(save(tmp_path / town / f"{n}.xlsx", picture(f"{town}第{n}局", adjusted=100 + n, executed=90 + n, total=100 - n)))
        forms = gather.read_all(gather.find([str(tmp_path / town)]))
        district_file.write(district.consolidate(forms), str(tmp_path / f"{town}.xlsx"))
    shutil.copy(whole[0], tmp_path / "乙区" / "抄送.xlsx")  # once more, by another way
    at_once = district.consolidate(gather.read_all(whole))
    upwards = district.consolidate(gather.read_all([str(tmp_path / "甲区.xlsx"), str(tmp_path / "乙区.xlsx")]))
    plain = [[line._replace(form=compact.packed(line.form._replace(origin=""))) for line in run.counted] for run in (at_once, upwards)]
    assert plain[0] == plain[1]
    twice = district.consolidate(gather.read_all([str(tmp_path / "甲区.xlsx"), str(tmp_path / "乙区.xlsx"), whole[0]]))
    assert len(twice.counted) == 8 and [one.finding.code for one in twice.findings] == ["D102"]


def test_a_district_workbook_beyond_the_limits_is_known_as_one_and_says_which_limit(workbook, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LIMITS", "file=2000")
    gate.look_up()
    assert gather.is_district(workbook)
    one, = gather.read_one(workbook)
    assert one.error[0] == "X114" and "2000" in one.error[1]
    monkeypatch.delenv("PERFEVAL_LIMITS")
    gate.look_up()
    assert gather.read_one(workbook)[0].error is None
