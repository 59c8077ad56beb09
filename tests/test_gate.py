"""The gate against every attack that was measured, and the limits."""

import io
import os
import re
import resource
import subprocess
import sys
import time
import zipfile
import zlib
from pathlib import Path

import attacks
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfeval_xl import cli, gate, gather, layout, lines, log, messages, model, record, review, roster, screen, xlsx
from perfeval_xl.messages import Refusal

ROOT = Path(__file__).parent.parent
ALL = {**attacks.containers(), **attacks.zip_tricks(), **attacks.extents(), **attacks.xml(), **attacks.xml_tricks()}


@pytest.mark.parametrize("name", ALL)
def test_an_attack_is_a_refusal_that_says_what_to_do(tmp_path, name):
    data, code = ALL[name]
    path = tmp_path / "表.xlsx"
    path.write_bytes(data)
    start = time.process_time()
    records = record.check_file(str(path))
    assert time.process_time() - start < 5
    assert [one.refusal.code if one.refusal else "" for one in records] == [code], records[0].refusal and records[0].refusal.words()
    if code:
        for lang in messages.LANGUAGES:
            line = records[0].refusal.words(lang)
            assert "表.xlsx" in line and "\n" not in line and "{" not in line
    else:
        assert float(records[0].card.total) == 92.2


#: what a process may take for any of the attacks; without the gate it is 0.5 to 6 GB, or the process is gone
MEGABYTES = 400


def test_no_attack_takes_much_memory_or_kills_the_process(tmp_path):
    for n, (data, _) in enumerate(ALL.values()):
        (tmp_path / f"{n:03d}.xlsx").write_bytes(data)
    # not ru_maxrss: that of a new process begins with the memory of the one that started it
    program = ("import glob, re, sys\nfrom perfeval_xl import record\n"
               "count = len(list(record.check_files(sorted(glob.glob(sys.argv[1] + '/*.xlsx')))))\n"
               "print(count, re.search(r'VmHWM:\\s+([0-9]+) kB', open('/proc/self/status').read())[1])")
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=120, check=True,
                          preexec_fn=_bounded)
    count, kilobytes = map(int, done.stdout.split())
    assert count == len(ALL) and kilobytes < MEGABYTES * 1024


def _bounded():
    resource.setrlimit(resource.RLIMIT_AS, (3_000_000_000, 3_000_000_000))


def test_an_open_document_that_repeats_a_cell_a_million_times_is_refused(tmp_path):
    content = ('<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
               'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0">'
               '<office:body><office:spreadsheet><table:table table:name="a"><table:table-row table:number-rows-repeated="{}">'
               '<table:table-cell table:number-columns-repeated="{}" office:value-type="float" office:value="1"/></table:table-row>'
               "</table:table></office:spreadsheet></office:body></office:document-content>")
    for rows, columns, code in ((1_048_576, 1, "X114"), (1, 16_384, "X114"), (10_000, 100, "X114"), ("99999999999", 1, "X103"), (3, 3, "X108")):
        path = tmp_path / "表.ods"
        path.write_bytes(attacks.packed({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": content.format(
            rows, columns).encode(), "META-INF/manifest.xml": b"<manifest/>"}))
        assert record.check_file(str(path))[0].refusal.code == code


@pytest.mark.parametrize("text", ["NaN", "1e999", "-1e999", "INF", "nan", "1_000", "0x10", "", "1e5000"])
def test_a_number_that_is_none_is_never_a_score(tmp_path, text):
    path = tmp_path / "表.xlsx"
    path.write_bytes(attacks.changed(lambda xml: re.sub(rb'(<c r="H9"[^>]*>)<v>25</v>', rb"\1<v>" + text.encode() + rb"</v>", xml)))
    one = record.check_file(str(path))[0]
    if one.refusal is None:
        entry = record.as_json(one)["indicators"][1]
        assert entry["score_stated"] is None
        assert any(finding.row == 8 and finding.severity == "error" for finding in one.findings)
    else:
        assert one.refusal.code == "X103"


@pytest.mark.parametrize("text", ["NaN", "1e999"])
def test_a_percentage_that_is_no_number_is_a_record(tmp_path, text):
    path = tmp_path / "表.xlsx"
    path.write_bytes(attacks.changed(lambda xml: re.sub(rb'(<c r="G4"[^>]*>)<v>0.9</v>', rb"\1<v>" + text.encode() + rb"</v>", xml)))
    one = record.check_file(str(path))[0]
    assert one.refusal is None or one.refusal.code == "X103"


def test_what_calls_itself_a_district_workbook_passes_the_gate_too(tmp_path):
    """Such a file is read another way, and would end the process there."""
    content = attacks.parts(attacks.changed(attacks.cell("XFD1048576")))
    content["xl/workbook.xml"] = content["xl/workbook.xml"].replace(b'name="Sheet1"', f'name="{gather.STAMP_SHEET}"'.encode())
    content["docProps/custom.xml"] = f'<Properties><property name="{gather.STAMP}"/></Properties>'.encode()
    (tmp_path / "汇总.xlsx").write_bytes(attacks.packed(content))
    one, = gather.read_one(str(tmp_path / "汇总.xlsx"))
    assert one.error[0] == "X303"


# ---- the gate lets pass what programs write ----


def test_a_zip_with_long_sizes_is_read(tmp_path):
    """As some systems write every workbook, however small (the zip64 way)."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in attacks.parts(attacks.good()).items():
            with file.open(zipfile.ZipInfo(name), "w", force_zip64=True) as part:
                part.write(data)
    (tmp_path / "表.xlsx").write_bytes(stream.getvalue())
    assert record.check_file(str(tmp_path / "表.xlsx"))[0].refusal is None


def test_what_calamine_gets_is_what_was_looked_at(tmp_path):
    """A part that the workbook does not name is never handed on, nor one in a second directory."""
    package = gate.Package(attacks.with_parts(**{"xl/worksheets/sheet9.xml": b"<worksheet/>", "xl/media/a.png": b"x"}))
    content, _ = xlsx.for_calamine(xlsx.contents(package))
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert sorted(names) == ["_rels/.rels", "xl/_rels/workbook.xml.rels", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml", attacks.SHEET]
    assert zipfile.ZipFile(io.BytesIO(content)).testzip() is None


def test_the_limits_can_be_changed_and_a_mistake_is_said(tmp_path, monkeypatch, capsys):
    path = tmp_path / "表.xlsx"
    path.write_bytes(attacks.good())
    monkeypatch.setenv("PERFEVAL_LIMITS", "rows=5")
    assert record.check_file(str(path))[0].refusal.code == "X114"
    monkeypatch.setenv("PERFEVAL_LIMITS", " rows = 50 , cells=1000 ")
    assert record.check_file(str(path))[0].refusal is None
    assert cli.main(["check", str(path), "--limits", "columns=3", "-q"]) == 2 and "X114" not in capsys.readouterr().out
    for text in ("zeilen=3", "rows=0", "rows", "rows=-1", "rows=٣"):
        assert cli.main(["check", str(path), "--limits", text]) == 2
        assert "限额" in capsys.readouterr().err


def test_every_limit_has_a_reason_a_code_and_a_line_in_the_security_page():
    page = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for name, entry in gate.LIMITS.items():
        assert entry.code in messages.CODES and all(entry.what) and all(entry.reason)
        assert f"| `{name}` | {entry.most:,} | {entry.code} | {entry.what[1]} | {entry.reason[1]} |" in page, name


# ---- any bytes ----

FUZZ = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
SNIPPETS = st.sampled_from([b"<", b">", b"</row>", b"</c>", b"<v>", b"&a;", b"<!--", b"]]>", b"<![CDATA[", b"\0", b"\xff", b'"', b"'", b"<?x?>",
                            b'<c r="XFD1048576"><v>1</v></c>', b'<c r="ZZZZ1"><v>1</v></c>', b"<sheetData>", b"</sheetData>", b"<!DOCTYPE x>",
                            b'<row r="99999999">', b'<mergeCell ref="A1:XFD1048576"/>', b"1e999", b"NaN", b'uniqueCount="9999999999"'])


def holds(path, data):
    """Any bytes give records, each a form or a refusal with a code."""
    path.write_bytes(data)
    for one in record.check_file(str(path)):
        assert (one.refusal is None) == (one.form is not None)
        assert one.refusal is None or (one.refusal.code != "X901" and one.refusal.words() and one.refusal.words("en")), one.refusal.words()
        record.as_json(one)


@FUZZ
@given(st.sampled_from(attacks.EVERY_PART), st.lists(st.tuples(st.integers(0, 10**6), SNIPPETS), min_size=1, max_size=4))
def test_a_part_with_something_in_it_gives_a_record(tmp_path, part, pieces):
    content = attacks.parts(attacks.good())
    xml = content[part]
    for place, piece in pieces:
        place %= len(xml)
        xml = xml[:place] + piece + xml[place:]
    holds(tmp_path / "表.xlsx", attacks.packed({**content, part: xml}))


@FUZZ
@given(st.permutations(attacks.EVERY_PART[:6]))
def test_swapped_parts_give_a_record(tmp_path, order):
    content = attacks.parts(attacks.good())
    holds(tmp_path / "表.xlsx", attacks.packed({**content, **{name: content[other] for name, other in zip(attacks.EVERY_PART, order, strict=False)}}))


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 2**32 - 1)), min_size=1, max_size=3))
def test_a_directory_that_says_anything_gives_a_record(tmp_path, figures):
    data = bytearray(attacks.good())
    start = data.find(b"PK\x01\x02")
    for place, value in figures:
        place = start + place * 4 % (len(data) - start - 4)
        data[place : place + 4] = value.to_bytes(4, "little")
    holds(tmp_path / "表.xlsx", bytes(data))


ODD = ("=cmd|'/c calc'!A0", "+1", "-1", "@A1", "＝1+1", "\t=1", "=HYPERLINK(\"x\")", "#REF!", "nan", "1e400", "٣", "６６％", "1_000",
       "(5)", "855.66万", "≥", "≥≥5", "%", "2000万", "100%%")
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(ODD), st.floats(allow_nan=False, allow_infinity=False), st.booleans(),
                  st.integers(-10**18, 10**18))


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 9), TEXTS), min_size=1, max_size=6))
def test_any_content_of_cells_gives_a_record(tmp_path, cells):
    def write(book, sheet):
        for row, column, value in cells:
            if isinstance(value, str):
                sheet.write_string(row, column, "".join(one for one in value if one.isprintable() or one == "\t"))
            else:
                sheet.write(row, column, value)

    holds(tmp_path / "表.xlsx", attacks.workbook(prepare=write))


def test_a_refusal_of_the_limits_names_what_is_known():
    with pytest.raises(Refusal) as caught:
        gate.set_limits("x=1")
    assert "rows" in caught.value.words() and os.environ.get("PERFEVAL_LIMITS", "") == ""


def test_a_bomb_among_the_properties_of_a_district_workbook_is_not_unpacked(tmp_path):
    """They are looked at before anything else, to tell a district workbook from a form."""
    packed = zlib.compress(b" " * 400_000_000, 9)[2:-4]
    data = attacks.zipped(more=[{"name": b"docProps/custom.xml", "data": b"", "comp": packed, **{side: {
        "packed": len(packed), "full": 400_000_000, "crc": 0} for side in ("front", "back")}}])
    (tmp_path / "汇总.xlsx").write_bytes(data)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert not gather.is_district(str(tmp_path / "汇总.xlsx"))
    assert [line.error[0] for line in gather.read_one(str(tmp_path / "汇总.xlsx"))] == ["X119"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


@pytest.mark.parametrize("command", ["check", "consolidate", "report"])
def test_every_command_that_reads_takes_limits(tmp_path, capsys, monkeypatch, command):
    monkeypatch.setenv("PERFEVAL_LIMITS", "")
    (tmp_path / "表.xlsx").write_bytes(attacks.good())
    more = {"consolidate": ["-o", str(tmp_path / "汇总.xlsx")], "report": ["-o", str(tmp_path / "报告.docx")]}.get(command, [])
    assert cli.main([command, str(tmp_path / "表.xlsx"), *more, "--limits", "rows=5"]) == 2
    said = capsys.readouterr()
    assert "行数" in said.out + said.err
    assert cli.main([command, str(tmp_path / "表.xlsx"), *more, "--limits", "rows=5.5"]) == 2 and "限额" in capsys.readouterr().err


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 12), st.sampled_from([0, 1, 2, 30, 10**6]), st.sampled_from([0, 1, 2, 9, 16000])),
                min_size=1, max_size=5))
def test_any_merged_areas_give_a_record(tmp_path, areas):
    refs = [f"{model.cell_name(top, left)}:{model.cell_name(top + down, min(left + wide, 16383))}" for top, left, down, wide in areas]
    holds(tmp_path / "表.xlsx", attacks.changed(attacks.merge(*refs)))


@pytest.mark.parametrize("name", [name for name, (_, code) in ALL.items() if not code])
def test_what_is_read_in_spite_of_its_tricks_gets_a_review_copy(tmp_path, name):
    (tmp_path / "表.xlsx").write_bytes(ALL[name][0])
    start = time.process_time()
    review.write(record.check_file(str(tmp_path / "表.xlsx")), str(tmp_path / "批注.xlsx"))
    assert time.process_time() - start < 15 and zipfile.ZipFile(tmp_path / "批注.xlsx").testzip() is None


def test_an_error_of_ours_is_in_the_log_without_a_word_of_the_form(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(log, "path", lambda: str(tmp_path / "log" / "perfeval_xl.log"))
    monkeypatch.setattr(layout, "read", lambda sheet, wanted, file: {}["某区数据中心 92.2"])
    (tmp_path / "表.xlsx").write_bytes(attacks.good())
    assert cli.main(["check", str(tmp_path / "表.xlsx")]) == 2
    assert str(tmp_path / "log" / "perfeval_xl.log") in capsys.readouterr().out
    entry = (tmp_path / "log" / "perfeval_xl.log").read_text(encoding="utf-8")
    assert "KeyError" in entry and "record.py" in entry and "数据中心" not in entry and "表.xlsx" not in entry
    monkeypatch.setattr(screen, "show", lambda records: {}["秘密"])
    assert cli.main(["check", str(tmp_path / "表.xlsx")]) == 2
    assert str(tmp_path / "log") in capsys.readouterr().err and "秘密" not in (tmp_path / "log" / "perfeval_xl.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind, code", [("txt", "X326"), ("名册", "X114")])
def test_other_texts_from_outside_are_held_too(tmp_path, kind, code):
    path = tmp_path / ("名册.csv" if kind == "名册" else "报告.txt")
    path.write_bytes(b"90%\n" * 6_000_000)
    start = time.process_time()
    with pytest.raises(Refusal) as caught:
        (roster if kind == "名册" else lines).load(str(path))
    assert caught.value.code == code and path.name in caught.value.words() and time.process_time() - start < 2
