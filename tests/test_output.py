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


# ---- the terminal, and every other place where a name from outside is said ----

STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize("command", [["check"], ["check", "--json"], ["check", "--out", "OUT"],
                                     ["consolidate", "-o", "OUT.xlsx", "--send-back", "OUT"], ["report", "-o", "OUT.docx"]])
@pytest.mark.parametrize("content", ["evil", "refused", "missing"])
def test_nothing_of_a_file_or_of_its_name_steers_the_terminal(tmp_path, capsys, command, content):
    path = tmp_path / "甲\x1b]0;x\x07\x1b[2J\x9b\u202e.xlsx"
    if content != "missing":
        refused = attacks.zipped(more=[{"name": b"xl/\x1b[2J\x9b.xml", "data": b""}] * 2)
        path.write_bytes(hostile_form("\x1b[31m\u202e=1") if content == "evil" else refused)
    arguments = [str(tmp_path / word) if word.startswith("OUT") else word for word in command]
    status = cli.main([*arguments, str(path)])
    out, err = capsys.readouterr()
    assert not STEERING.search(out) and not STEERING.search(err), (out, err)
    assert status == (2 if content != "evil" else status) and status in (0, 1, 2)
    if "--json" in command:
        assert json.loads(out)["files"][0]["file"] == str(path)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
def test_names_of_files_and_folders_from_outside_are_names_of_nothing_else(district):
    """A department called ../../x, CON or =cmd gets a folder of its own below the one that was named."""
    names = [path.relative_to(district / "退回") for path in (district / "退回").rglob("*")]
    assert names
    for name in names:
        assert ".." not in name.parts
        assert not any(re.search(r'[\\/:*?"<>|\x00-\x1f\x7f\u202e]', part) or part[-1:] in (".", " ") for part in name.parts)
    assert sorted(one.name for one in district.iterdir()) == ["收表", "汇总.json", "汇总.xlsx", "退回"]


@pytest.mark.parametrize("name", ["../../x", "CON", "nul.txt", "..", "a/b", "a\\b", "C:\\x", ".", "=cmd|x", "x" * 300, "LPT1 ", "\u202egpj.exe"])
def test_a_department_of_any_name_gets_a_folder(tmp_path, name):
    (tmp_path / "收表").mkdir()
    (tmp_path / "收表" / "甲.xlsx").write_bytes(attacks.workbook(attacks.FORM.replace("某区数据中心", name).replace("|100|92.2", "|100|99")))
    assert cli.main(["consolidate", str(tmp_path / "收表"), "-o", str(tmp_path / "汇总.xlsx"), "--send-back", str(tmp_path / "退回"), "-q"]) == 1
    folder, = (tmp_path / "退回").iterdir()
    assert folder.is_dir() and not re.fullmatch(r"(?i)(con|nul|lpt1)\s*(\..*)?", folder.name) and "\u202e" not in folder.name
    assert len(folder.name.encode()) <= 255
    assert sorted(one.suffix for one in folder.iterdir()) == [".txt", ".xlsx", ".xlsx"]
    assert sorted(one.name for one in tmp_path.iterdir()) == ["收表", "汇总.xlsx", "退回"]


# ---- outputs that are inputs, and places that take nothing ----


def submitted(tmp_path):
    """A folder of two forms with errors, a roster, an earlier district workbook."""
    (tmp_path / "收表").mkdir()
    for n, name in enumerate(("甲局", "乙局")):
        data = attacks.workbook(attacks.FORM.replace("某区数据中心", name).replace("|100|92.2", f"|100|9{n}"))
        (tmp_path / "收表" / f"{n}.xlsx").write_bytes(data)
    (tmp_path / "名册.txt").write_text("甲局\n乙局\n", encoding="utf-8")
    assert cli.main(["consolidate", str(tmp_path / "收表"), "-o", str(tmp_path / "上次.xlsx"), "-q"]) == 1


def everything(folder):
    """Path -> content of all files."""
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("out", [["-o", "收表/0.xlsx"], ["-o", "汇总.xlsx", "--json", "收表/0.xlsx"], ["-o", "汇总.xlsx", "--json", "名册.txt"],
                                 ["-o", "汇总.xlsx", "--json", "上次.xlsx"], ["-o", "上次.xlsx", "--json", "上次.xlsx"],
                                 ["-o", "汇总.xlsx", "--json", "汇总.xlsx"], ["-o", "链接.xlsx"], ["-o", "汇总.xlsx", "--json", "链接.xlsx"],
                                 ["-o", "con.xlsx"], ["-o", "没有/汇总.xlsx"], ["-o", "名册.txt/汇总.xlsx"]])
def test_a_district_run_writes_over_nothing_that_was_handed_in(tmp_path, capsys, monkeypatch, out):
    submitted(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "链接.xlsx").symlink_to(tmp_path / "收表" / "0.xlsx")
    before = everything(tmp_path)
    status = cli.main(["consolidate", "收表", "--roster", "名册.txt", "--since", "上次.xlsx", *out])
    err = capsys.readouterr().err
    assert status == 2 and len(err.strip().splitlines()) == 1 and "Traceback" not in err
    after = everything(tmp_path)
    assert {name: after.get(name) for name in before} == before and not [name for name in after if name.name.startswith(".perfeval")]


@pytest.mark.parametrize("out", ["表.xlsx", "表.docx", "链接.docx", "con.docx", "没有/报告.docx", "表.xlsx/报告.docx"])
def test_a_report_writes_over_nothing_that_was_handed_in(tmp_path, capsys, monkeypatch, out):
    (tmp_path / "表.xlsx").write_bytes(attacks.good())
    shutil.copy(tmp_path / "表.xlsx", tmp_path / "表.docx")
    (tmp_path / "链接.docx").symlink_to(tmp_path / "表.docx")
    monkeypatch.chdir(tmp_path)
    before = everything(tmp_path)
    assert cli.main(["report", "表.xlsx", "-o", out]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1 and everything(tmp_path) == before


JOBS = {"check": ["check", "收表/0.xlsx", "收表/1.xlsx", "--out", "OUT"], "consolidate": [
    "consolidate", "收表", "-o", "OUT/汇总.xlsx", "--json", "OUT/汇总.json", "--send-back", "OUT/退回", "--workers", "1"],
    "report": ["report", "收表/0.xlsx", "-o", "OUT/报告.docx"]}


def whole(path):
    """An output that somebody can open: complete, whatever happened."""
    if path.suffix in (".xlsx", ".docx"):
        assert zipfile.ZipFile(path).testzip() is None
    elif path.suffix == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    else:
        assert path.suffix == ".txt" and path.read_text(encoding="utf-8-sig").endswith("\n")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"), reason="a small file system needs root")
@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("size", ["4k", "16k", "32k"])
def test_a_full_disk_is_one_line_and_leaves_whole_files(tmp_path, job, size):
    submitted(tmp_path)
    disk = tmp_path / "OUT"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here: a full disk was NOT tested")
    try:
        command = [sys.executable, "-m", "perfeval_xl.cli", *JOBS[job]]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_env(), cwd=tmp_path, timeout=120)
        left = [path for path in disk.rglob("*") if path.is_file()]
        if done.returncode == 2:
            assert len([line for line in done.stderr.splitlines() if "写不了" in line]) == 1 and "Traceback" not in done.stderr
        assert done.returncode == 2 or size != "4k"
        for path in left:
            whole(path)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("job", JOBS)
def test_a_file_that_is_open_in_excel_is_one_line(tmp_path, capsys, monkeypatch, job):
    """On Windows a file that a program holds open cannot be replaced."""
    submitted(tmp_path)
    (tmp_path / "OUT").mkdir()
    monkeypatch.chdir(tmp_path)

    def held(draft, path):
        raise PermissionError(13, "另一个程序正在使用此文件，进程无法访问。")

    monkeypatch.setattr(os, "replace", held)
    assert cli.main(JOBS[job]) == 2
    err = capsys.readouterr().err
    assert err.count("写不了") == 1 and "另一个程序" in err and "Excel" in err
    assert not [path for path in (tmp_path / "OUT").rglob("*") if path.is_file()]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0 or not shutil.which("mount"), reason="root may write everywhere else")
@pytest.mark.parametrize("job", JOBS)
def test_a_folder_that_may_not_be_written_is_one_line(tmp_path, job):
    submitted(tmp_path)
    disk = tmp_path / "OUT"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", str(disk)], capture_output=True, check=False).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        done = subprocess.run([sys.executable, "-m", "perfeval_xl.cli", *JOBS[job], "-q"], capture_output=True, text=True, check=False, env=_env(),
                              cwd=tmp_path, timeout=120)
        assert done.returncode == 2 and done.stderr.count("写不了") == 1 and len(done.stderr.splitlines()) == 1
    finally:
        subprocess.run(["umount", str(disk)], check=True)


#: runs a command, and ends the process without a word before the n-th step of writing: at every open, flush, move and removal
_DEADLY = """
import os, signal, sys
from perfeval_xl import cli, files
left = int(sys.argv[1])
def step(work):
    def counted(*args, **how):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*args, **how)
    return counted
os.replace, os.fsync, os.makedirs, os.remove = map(step, (os.replace, os.fsync, os.makedirs, os.remove))
files.open = step(open)
sys.exit(cli.main(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a thing of POSIX")
@pytest.mark.parametrize("job", JOBS)
def test_killed_at_every_step_of_writing_it_leaves_whole_files(tmp_path, job):
    submitted(tmp_path)
    inputs, out = everything(tmp_path), tmp_path / "OUT"
    ended = False
    for step in range(60):
        if step % 2 == 0:
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(exist_ok=True)
        done = subprocess.run([sys.executable, "-c", _DEADLY, str(step), *JOBS[job], "-q"], capture_output=True, check=False, env=_env(),
                              cwd=tmp_path, timeout=120)
        for path in out.rglob("*"):
            if path.is_file() and not path.name.startswith(".perfeval-"):
                whole(path)
        assert {name: data for name, data in everything(tmp_path).items() if name.parts[0] != "OUT"} == inputs
        if done.returncode >= 0:
            ended = True
            break
        assert done.returncode == -signal.SIGKILL
    assert ended and step > 2 and not [path for path in out.rglob(".perfeval-*") if step % 2 == 0]
