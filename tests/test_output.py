"""What we write: text from outside stays text, inputs are never outputs, and a failure leaves what was there."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import attacks
import openpyxl
import pytest

from perfeval_xl import cli, files, record, review
from perfeval_xl.messages import Refusal

EVIL = ("=cmd|'/c calc'!A0", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\r=1", "＝1+1", '=HYPERLINK("http://127.0.0.1:9/","x")', "{=1}", "'=1",
        'HYPERLINK "http://127.0.0.1:9/"', "http://127.0.0.1:9/", "<script>", "]]>", "[red]x", "\x07x", "\x1b]0;x\x07\x1b[2J", "\u202e=1")


def hostile_form(text):
    """The form with this text as department, indicator, part and reason, and as the name of its sheet as far as Excel allows."""
    stream = io.BytesIO()
    import xlsxwriter
    from drawing import draw

    name = re.sub(r"[\[\]:*?/\\\x00-\x1f]", "_", text).strip("'")[:31]
    with xlsxwriter.Workbook(stream, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(name or "x")
        for row, line in enumerate(draw(attacks.FORM.replace("%%", "%")).rows):
            for column, value in enumerate(line):
                if isinstance(value, str):
                    sheet.write_string(row, column, value)
                else:
                    sheet.write(row, column, value)
        for row, column in ((1, 2), (8, 3), (8, 1), (7, 9)):
            sheet.write_string(row, column, text)
    return stream.getvalue()


def harmless(path, quoted=True):
    """No cell is a formula, nothing points outside, and Excel can take every sheet's name. ``quoted``: what begins like a formula stays a text
    even when somebody edits the cell."""
    with zipfile.ZipFile(path) as file:
        for name in file.namelist():
            part = file.read(name)
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                assert not re.search(rb"<f[ >]", part), name
            assert b'TargetMode="External"' not in part and b"ddeLink" not in part, name
    for sheet in openpyxl.load_workbook(path):
        assert len(sheet.title) <= 31 and not re.search(r"[\[\]:*?/\\]", sheet.title)
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f", (sheet.title, cell.coordinate, cell.value)
                if quoted and isinstance(cell.value, str) and cell.value[:1] in ("=", "+", "-", "@") and len(cell.value) > 1:
                    assert cell.quotePrefix, cell.coordinate


@pytest.mark.parametrize("text", EVIL)
def test_text_of_a_form_stays_text_in_its_review_copy(tmp_path, text):
    (tmp_path / "表.xlsx").write_bytes(hostile_form(text))
    records = record.check_file(str(tmp_path / "表.xlsx"))
    assert records[0].form is not None
    review.write(records, str(tmp_path / "批注.xlsx"))
    harmless(tmp_path / "批注.xlsx")


@pytest.mark.parametrize("text", EVIL)
def test_text_of_a_form_stays_text_in_json_and_on_the_console(tmp_path, capsys, text):
    (tmp_path / "表.xlsx").write_bytes(hostile_form(text))
    cli.main(["check", str(tmp_path / "表.xlsx"), "--json", "-q"])
    entry, = json.loads(capsys.readouterr().out)["files"]
    assert entry["error"] is None
    cli.main(["check", str(tmp_path / "表.xlsx"), "-q"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + max(len(entry["findings"]), 1)
    assert not any(ord(one) < 32 or 127 <= ord(one) < 160 or one in "\u202e\u2028" for line in lines for one in line)


@pytest.mark.parametrize("text", [one for one in EVIL if "\r" not in one])
def test_text_of_the_command_line_stays_text_in_a_new_form(tmp_path, capsys, text):
    assert cli.main(["new", "shangjie-2022", "-o", str(tmp_path / "新.xlsx"), f"--department={text}", "-q"]) == 0
    book = openpyxl.load_workbook(tmp_path / "新.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if isinstance(cell.value, str) and text.strip()[:4] in cell.value]
    assert not [cell.coordinate for cell in cells if cell.data_type == "f" and cell.value.startswith(text[:6])]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize("name", ["=cmd|x.xlsx", "-o.xlsx", "@a.xlsx", "＝1.xlsx", "a\nb.xlsx", "[1].xlsx", "con.xlsx", "a'b\"c.xlsx", ".xlsx"])
def test_a_file_of_any_name_is_checked_and_copied(tmp_path, capsys, name):
    (tmp_path / name).write_bytes(attacks.good())
    assert cli.main(["check", "--out", str(tmp_path / "out"), "--", str(tmp_path / name)]) == 0
    copy, = (tmp_path / "out").iterdir()
    harmless(copy)


# ---- an output is never an input ----


@pytest.mark.parametrize("way", ["same", "symlink", "hard link", "dots"])
def test_a_review_copy_never_replaces_what_was_submitted(tmp_path, way):
    path = tmp_path / "表.xlsx"
    path.write_bytes(attacks.good())
    other = {"same": path, "dots": tmp_path / "x" / ".." / "表.xlsx"}.get(way, tmp_path / "另.xlsx")
    (tmp_path / "x").mkdir()
    if way == "symlink":
        other.symlink_to(path)
    elif way == "hard link":
        os.link(path, other)
    with pytest.raises(Refusal) as caught:
        review.write(record.check_file(str(path)), str(other))
    assert caught.value.code == "X115" and path.read_bytes() == attacks.good()


def test_a_link_is_not_followed_nor_replaced(tmp_path):
    (tmp_path / "重要.txt").write_bytes(b"old")
    (tmp_path / "结果.xlsx").symlink_to(tmp_path / "重要.txt")
    with pytest.raises(Refusal) as caught:
        files.replace(str(tmp_path / "结果.xlsx"), b"new")
    assert caught.value.code == "X128" and (tmp_path / "重要.txt").read_bytes() == b"old" and (tmp_path / "结果.xlsx").is_symlink()


@pytest.mark.parametrize("name", ["CON", "con.xlsx", "Nul.txt", "COM1.xlsx", "lpt9", "aux .xlsx", "表.", "表.xlsx ", "CONOUT$"])
def test_a_name_that_windows_keeps_is_refused(tmp_path, name):
    with pytest.raises(Refusal) as caught:
        files.replace(str(tmp_path / name), b"x")
    assert caught.value.code == "X127" and not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["CONTRACT.xlsx", "com10.xlsx", "表 CON.xlsx", "auxiliary.xlsx"])
def test_a_name_that_only_looks_like_one_is_written(tmp_path, name):
    files.replace(str(tmp_path / name), b"x")
    assert [one.name for one in tmp_path.iterdir()] == [name]


# ---- a failure leaves what was there ----


def test_a_draft_that_somebody_laid_out_is_not_written_through(tmp_path, monkeypatch):
    (tmp_path / "重要.txt").write_bytes(b"old")
    monkeypatch.setattr(os, "urandom", lambda size: bytes(size))
    (tmp_path / f".perfeval-{os.getpid()}-00000000.tmp").symlink_to(tmp_path / "重要.txt")
    with pytest.raises(Refusal):
        files.replace(str(tmp_path / "结果.xlsx"), b"new")
    assert (tmp_path / "重要.txt").read_bytes() == b"old" and not (tmp_path / "结果.xlsx").exists()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"), reason="a small file system needs root")
def test_a_full_disk_leaves_the_old_file(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here: a full disk was NOT tested")
    try:
        (disk / "结果.xlsx").write_bytes(b"old")
        with pytest.raises(Refusal) as caught:
            files.replace(str(disk / "结果.xlsx"), b"x" * 200_000)
        assert caught.value.code == "X116"
        assert [(one.name, one.read_bytes()) for one in disk.iterdir()] == [("结果.xlsx", b"old")]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(sys.platform == "win32", reason="a limit of file sizes is a thing of POSIX")
def test_a_disk_that_takes_no_more_leaves_the_old_file(tmp_path):
    """As a full disk, without root: the process may write no file above 50 KB."""
    (tmp_path / "结果.xlsx").write_bytes(b"old")
    program = ("import resource, signal, sys\nfrom perfeval_xl import files\nfrom perfeval_xl.messages import Refusal\n"
               "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (50000, 50000))\n"
               "try:\n    files.replace(sys.argv[1], b'x' * 200000)\nexcept Refusal as refusal:\n    print(refusal.code)")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "结果.xlsx")], capture_output=True, text=True, check=True, env=_env())
    assert done.stdout.strip() == "X116"
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("结果.xlsx", b"old")]


@pytest.mark.parametrize("kind", ["a file where a folder should be", "a folder of that name"])
def test_a_place_that_cannot_be_written(tmp_path, kind):
    (tmp_path / "x").mkdir() if kind == "a folder of that name" else (tmp_path / "x").write_bytes(b"old")
    with pytest.raises(Refusal) as caught:
        files.replace(str(tmp_path / "x" if kind == "a folder of that name" else tmp_path / "x" / "表.xlsx"), b"new")
    assert caught.value.code == "X116" and [one.name for one in tmp_path.rglob("*")] == ["x"]


def _env():
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a thing of POSIX")
def test_a_killed_check_leaves_whole_files_only(tmp_path):
    """Killed at many moments, old copies are whole, new ones are whole, and nothing else looks like a result."""
    for n in range(4):
        (tmp_path / f"{n}.xlsx").write_bytes(attacks.good())
    out = tmp_path / "out"
    out.mkdir()
    for n in range(4):
        (out / f"{n}_批注版.xlsx").write_bytes(b"old")
    command = [sys.executable, "-m", "perfeval_xl.cli", "check", *(str(tmp_path / f"{n}.xlsx") for n in range(4)), "--out", str(out), "-q"]
    start = time.monotonic()
    subprocess.run(command, capture_output=True, check=False, env=_env())
    whole = time.monotonic() - start
    for share in (0.5, 0.7, 0.85, 0.95):
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=_env())
        time.sleep(whole * share)
        run.send_signal(signal.SIGKILL)
        run.wait()
        for one in out.iterdir():
            if one.name.startswith(".perfeval-"):
                one.unlink()
                continue
            assert one.name.endswith("_批注版.xlsx")
            assert zipfile.ZipFile(one).testzip() is None
    for n in range(4):
        assert (tmp_path / f"{n}.xlsx").read_bytes() == attacks.good()


# ---- the other outputs ----


@pytest.fixture(scope="module")
def district(tmp_path_factory):
    """A district run over forms that are all hostile: the workbook, the letters, the JSON."""
    folder = tmp_path_factory.mktemp("district")
    (folder / "收表").mkdir()
    for n, text in enumerate(EVIL):
        (folder / "收表" / f"{n:02d}.xlsx").write_bytes(hostile_form(text))
    cli.main(["consolidate", str(folder / "收表"), "-o", str(folder / "汇总.xlsx"), "--send-back", str(folder / "退回"),
              "--json", str(folder / "汇总.json"), "-q"])
    return folder


def test_text_of_forms_stays_text_in_the_district_workbook(district):
    with zipfile.ZipFile(district / "汇总.xlsx") as file:
        for name in file.namelist():
            part = file.read(name)
            assert b"ddeLink" not in part and not (name.endswith(".rels") and b"127.0.0.1" in part), name
            for formula in re.findall(rb"<f[ >][^<]*", part) if name.startswith("xl/worksheets/") else ():
                assert not re.search(rb"cmd|calc|127\.0|SUM\(1\)", formula), formula
    for sheet in openpyxl.load_workbook(district / "汇总.xlsx"):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f" or not any(str(cell.value).startswith(text) for text in EVIL), (sheet.title, cell.coordinate)


def test_the_letters_and_the_json_of_a_district_run_are_plain(district):
    document = json.loads((district / "汇总.json").read_text(encoding="utf-8"))
    assert len(document["files"]) == len(EVIL)
    for path in (district / "退回").rglob("*"):
        if path.suffix == ".xlsx":
            harmless(path, quoted=False)


@pytest.mark.parametrize("text", EVIL)
def test_text_of_a_form_becomes_no_field_of_the_report(tmp_path, text):
    docx = pytest.importorskip("docx")
    (tmp_path / "表.xlsx").write_bytes(hostile_form(text))
    assert cli.main(["report", str(tmp_path / "表.xlsx"), "-o", str(tmp_path / "报告.docx"), "-q"]) in (0, 1)
    docx.Document(str(tmp_path / "报告.docx"))
    for name, part in attacks.parts((tmp_path / "报告.docx").read_bytes()).items():
        assert not name.endswith(".rels") or b"127.0.0.1" not in part, name
        for code in re.findall(rb"<w:instrText[^>]*>([^<]*)|w:instr=\"([^\"]*)", part):
            assert not re.search(rb"HYPERLINK \"?http|DDE|cmd|INCLUDE", b"".join(code)), code
