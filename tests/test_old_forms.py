"""The gate for .xls and .ods, and what these can hide; the files are written byte by byte."""

import struct
import time

import attacks
import old_forms
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfeval_xl import compound, messages, record, xls

SHEET_AT = 512 + 1024 + 2048  # where the stream begins in the file
FAR = struct.pack("<3Hd", 65535, 255, 0, 1.0)


def checked(tmp_path, data, name="表.xls"):
    (tmp_path / name).write_bytes(data)
    start = time.process_time()
    one, *_ = record.check_file(str(tmp_path / name))
    assert time.process_time() - start < 5
    return one


def code(one):
    return one.refusal.code if one.refusal else ""


def signs(one):
    for finding in one.findings:
        assert messages.render(finding, "表") and messages.render(finding, "表", "en")
    return [(finding.code, finding.label) for finding in one.findings if finding.code.startswith("X4")]


@pytest.mark.parametrize("data", [old_forms.xls(), old_forms.ods()], ids=["xls", "ods"])
def test_the_form_in_an_old_or_open_format_is_the_form(tmp_path, data):
    (tmp_path / "表.xlsx").write_bytes(attacks.good())
    expected = record.as_json(record.check_file(str(tmp_path / "表.xlsx"))[0])
    found = record.as_json(checked(tmp_path, data))
    assert found["total"] == expected["total"] == 92.2 and found["indicators"] == [
        {**row, "cell": row["cell"].replace("Sheet1", "表")} for row in expected["indicators"]]
    assert found["findings"] == []


# ---- .xls: what a record or the container can claim ----


def bitten():
    """The workbook as a short stream, whose first sector is followed by itself."""
    data, directory = bytearray(old_forms.compound(old_forms.book())), 512 + 1024
    struct.pack_into("<2L", data, 56, 0x7FFFFFFF, 5)  # every stream is short, and their table is a sector of zeros
    struct.pack_into("<L", data, directory + 116, 6)
    struct.pack_into("<L", data, directory + 128 + 116, 0)
    return bytes(data)


OLD = {
    "a sheet that claims to be endless": (old_forms.xls(dimension=(0x7FFFFFFF, 0xFFFF)), ""),
    "a cell in the last corner": (old_forms.xls(at_sheet=old_forms.record(0x203, FAR)), "X114"),
    "a cell in a column that is none": (old_forms.xls(at_sheet=old_forms.record(0x203, struct.pack("<3Hd", 5, 0xFFFF, 0, 1.0))), "X103"),
    "a style that is none": (old_forms.xls(at_sheet=old_forms.record(0x203, struct.pack("<3Hd", 5, 20, 999, 1.0))), "X103"),
    "texts without number": (old_forms.xls(more=old_forms.record(0xFC, struct.pack("<2L", 0xFFFFFFFF, 0xFFFFFFFF))), ""),
    "a record longer than the file": (old_forms.xls(at_sheet=struct.pack("<2H", 0x203, 0xFFFF)), "X103"),
    "a merge of everything": (old_forms.xls(at_sheet=old_forms.record(0xE5, struct.pack("<5H", 1, 0, 65535, 0, 255))), "X121"),
    "merges without number": (old_forms.xls(at_sheet=old_forms.record(0xE5, struct.pack("<5H", 60000, 0, 65535, 0, 255))), "X103"),
    "a password": (old_forms.xls(more=old_forms.record(0x2F, struct.pack("<3H", 0, 1, 1))), "X104"),
    "a password around it": (old_forms.compound(b"x", "EncryptedPackage"), "X104"), "a Word file": (old_forms.compound(b"x", "WordDocument"), "X105"),
    "no workbook inside": (old_forms.compound(b"x", "Other"), "X103"), "nothing behind the head": (old_forms.xls()[:600], "X103"),
    "half of it": (old_forms.xls()[: SHEET_AT + 1000], "X103"),
    "a chain that bites its tail": (old_forms.compound(old_forms.book(), table={7: 7}), "X103"),
    "a chain that begins anew": (old_forms.compound(old_forms.book(), table={9: 6}), "X103"),
    "a directory that bites its tail": (old_forms.compound(old_forms.book(), table={3: 2}), "X103"),
    "short streams that bite their tail": (bitten(), "X103"),
    "only a sheet of macros": (old_forms.xls(kinds=(1,)), "X107"), "BIFF without a container": (old_forms.book(), "X103"),
}


@pytest.mark.parametrize("name", OLD)
def test_an_old_workbook_that_lies_is_a_record(tmp_path, name):
    """A compiled reader took the whole process down at some of these, xlrd filled the memory at others."""
    data, expected = OLD[name]
    one = checked(tmp_path, data)
    assert code(one) == expected, one.refusal and one.refusal.words()
    assert one.refusal is None or all("表.xls" in one.refusal.words(lang) for lang in messages.LANGUAGES)


def test_an_old_workbook_with_too_many_sheets_is_refused(tmp_path):
    names = tuple(f"s{n}" for n in range(600))
    assert code(checked(tmp_path, big(old_forms.book(picture="甲|乙", names=names, kinds=(0,) * 600)))) == "X120"


def big(stream):
    """A compound file for a stream of any size, with a table of its own."""
    stream += bytes(-len(stream) % 512 + (4096 if len(stream) < 4096 else 0))
    count = len(stream) // 512
    needed = (count + 4 + 127) // 128 + 1
    chain = [0xFFFFFFFD] * needed + [0xFFFFFFFE] + [*range(needed + 2, needed + 1 + count), 0xFFFFFFFE]
    table = struct.pack(f"<{len(chain)}L", *chain)
    table += b"\xff" * (needed * 512 - len(table))
    directory = old_forms._entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + old_forms._entry("Workbook", 2, needed + 1, len(stream))
    head = (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
            + struct.pack("<8L", needed, needed, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack(f"<{needed}L", *range(needed)))
    return head + b"\xff" * (512 - len(head)) + table + directory + bytes(512 - len(directory)) + stream


def test_the_stream_of_a_workbook_is_found_in_a_large_file():
    assert compound.workbook(big(old_forms.book() + bytes(400_000)))[: len(old_forms.book())] == old_forms.book()


FUZZ = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from([b"\0", b"\xff", b"\x7f", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xff\xff"])),
                min_size=1, max_size=5))
def test_any_bytes_in_an_old_workbook_give_a_record(tmp_path, pieces):
    data = bytearray(old_forms.xls())
    for place, piece in pieces:
        place %= len(data) - 4
        data[place : place + len(piece)] = piece
    one = checked(tmp_path, bytes(data))
    assert code(one) != "X901", one.refusal.words()
    record.as_json(one)


@FUZZ
@given(st.integers(0, 10**6), st.sampled_from([b"<", b"</table:table-row>", b"<table:table-row>", b"&a;", b"<!-- -->", b"<![CDATA[1]]>", b"\xff",
                                               b'"', b' table:number-rows-repeated="1048576"', b' office:value="NaN"', b"<table:table>", b"1e999"]))
def test_anything_in_an_open_document_gives_a_record(tmp_path, place, piece):
    xml = old_forms.content()
    place %= len(xml)
    one = checked(tmp_path, old_forms.ods(xml[:place] + piece + xml[place:]), "表.ods")
    assert code(one) != "X901", one.refusal.words()


# ---- .xls: what acts, and what hides ----


def source(name):
    return old_forms.record(0x1AE, struct.pack("<H", 1), old_forms.text(name))


@pytest.mark.parametrize("how, expected", [
    ({"names": ("表", "宏"), "kinds": (0, 1)}, ("X402", "宏")), ({"more": source("\x01\x01C:\\temp\\台账.xls")}, ("X403", "台账.xls")),
    ({"more": source("cmd\x03/c calc")}, ("X404", "cmd /c calc")), ({"at_sheet": old_forms.record(0x1AD, bytes(20))}, ("X406", "query"))])
def test_what_acts_in_an_old_workbook_is_named(tmp_path, how, expected):
    assert signs(checked(tmp_path, old_forms.xls(**how))) == [expected]


def test_macros_and_objects_of_an_old_workbook_are_named(tmp_path):
    data = old_forms.compound(old_forms.book(), others=("_VBA_PROJECT_CUR", "MBD00012345"))
    assert [name for name, _ in signs(checked(tmp_path, data))] == ["X401", "X405"]


def test_this_workbook_and_an_add_in_are_no_links(tmp_path):
    inside = old_forms.record(0x1AE, struct.pack("<2H", 1, 0x0401)) + old_forms.record(0x1AE, struct.pack("<2H", 1, 0x3A01))
    assert signs(checked(tmp_path, old_forms.xls(more=inside))) == []


@pytest.mark.parametrize("how, expected", [
    ({"white": ("H9", "E4")}, [("X413", "H9、E4")]),
    ({"at_sheet": old_forms.record(0x208, struct.pack("<6HL", 8, 0, 10, 255, 0, 0, 0x20))}, [("X411", "H9")]),
    ({"at_sheet": old_forms.record(0x208, struct.pack("<6HL", 8, 0, 10, 20, 0, 0, 0))}, [("X411", "H9")]),
    ({"at_sheet": old_forms.record(0x7D, struct.pack("<6H", 7, 7, 2000, 0, 1, 0))}, [("X412", "H8、H9、H10、H4、H11")]),
    ({"at_sheet": old_forms.record(0x7D, struct.pack("<6H", 7, 7, 5, 0, 0, 0))}, [("X412", "H8、H9、H10、H4、H11")])])
def test_what_an_old_workbook_hides_is_a_sign(tmp_path, how, expected):
    assert signs(checked(tmp_path, old_forms.xls(**how))) == expected


def test_the_records_of_an_old_workbook_are_walked_to_their_end():
    with pytest.raises(ValueError, match=r"."):
        xls.read(old_forms.compound(b"\0" * 5000))


# ---- .ods ----

ODS = {
    "a million rows": (old_forms.content(rows={9: ' table:number-rows-repeated="1048576"'}), "X114"),
    "a cell in 16384 columns": (old_forms.content(cells={"J9": ' office:value-type="float" table:number-columns-repeated="16384"'}), "X114"),
    "a million blank rows": (old_forms.content().replace(b"</table:table>", b'<table:table-row table:number-rows-repeated="1048000">'
                             b'<table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>'), ""),
    "fewer rows than none": (old_forms.content(rows={9: ' table:number-rows-repeated="-5"'}), "X103"),
    "an area of everything": (old_forms.content(
        cells={"J9": ' table:number-rows-spanned="999999999" table:number-columns-spanned="999999999"'}), "X114"),
    "tables in tables": (old_forms.content().replace(b"<table:table-row", b"<table:table-row><table:table-cell><table:table>" * 150
                         + b"</table:table></table:table-cell></table:table-row>" * 150 + b"<table:table-row", 1), "X120"),
    "a table in a cell": (old_forms.content().replace(b"<table:table-row", b"<table:table-row><table:table-cell><table:table table:name='n'/>"
                          b"</table:table-cell></table:table-row><table:table-row", 1), ""),
    "UTF-16": (old_forms.content().decode().encode("utf-16"), "X123"), "no XML": (b"<a", "X103"),
    **{what: (document + old_forms.content(), "X122") for what, document in attacks.ENTITIES.items()},
}


@pytest.mark.parametrize("name", ODS)
def test_an_open_document_that_lies_is_a_record(tmp_path, name):
    xml, expected = ODS[name]
    one = checked(tmp_path, old_forms.ods(xml), "表.ods")
    assert code(one) == expected, one.refusal and one.refusal.words()


@pytest.mark.parametrize("part", ["styles.xml", "meta.xml", "META-INF/manifest.xml", "settings.xml"])
def test_no_part_of_an_open_document_may_declare_a_type(tmp_path, part):
    assert code(checked(tmp_path, old_forms.ods(**{part: b"<!DOCTYPE x><x/>"}), "表.ods")) == "X122"


def test_an_encrypted_open_document_has_a_password(tmp_path):
    manifest = b'<manifest xmlns="m"><file-entry full-path="content.xml"><encryption-data/></file-entry></manifest>'
    assert code(checked(tmp_path, old_forms.ods(b"\x07\x01" * 500, **{"META-INF/manifest.xml": manifest}), "表.ods")) == "X104"


def test_a_comment_in_a_figure_of_an_open_document_does_not_part_it(tmp_path):
    xml = old_forms.content().replace("完成率".encode(), "完<!-- x -->成<?x y?>率".encode())
    one = checked(tmp_path, old_forms.ods(xml), "表.ods")
    assert [row.name for row in one.form.indicators][1] == "完成率"


@pytest.mark.parametrize("xml, expected", [
    (old_forms.content(before='<office:scripts><office:event-listeners><script:event-listener script:event-name="dom:load"/>'
                              "</office:event-listeners></office:scripts>"), "X401"),
    (old_forms.content(behind='<table:dde-links><table:dde-link><office:dde-source office:dde-application="cmd"/></table:dde-link>'
                              "</table:dde-links>"), "X404"),
    (old_forms.content(cells={"H9": ' table:formula="of:=DDE(&quot;cmd&quot;;&quot;/c calc&quot;;&quot;x&quot;)"'}), "X404"),
    (old_forms.content(cells={"H9": ' table:formula="of:=WEBSERVICE(&quot;http://127.0.0.1:9/&quot;)"'}), "X404"),
    (old_forms.content(cells={"H9": " table:formula=\"of:=['file:///C:/台账.ods'#$A.B1]\""}), "X403"),
    (old_forms.content(behind='<table:table table:name="b"><table:table-source xlink:href="http://127.0.0.1:9/x.ods"/></table:table>'), "X403"),
    (old_forms.content(behind='<draw:object-ole xlink:href="./Object 1"/>'), "X405"),
    (old_forms.content(behind="<table:database-ranges><table:database-range><table:database-source-sql/></table:database-range>"
                              "</table:database-ranges>"),
     "X406")])
def test_what_acts_in_an_open_document_is_named(tmp_path, xml, expected):
    one = checked(tmp_path, old_forms.ods(xml), "表.ods")
    assert [name for name, _ in signs(one)] == [expected]


def test_a_chart_in_an_open_document_does_not_act(tmp_path):
    assert signs(checked(tmp_path, old_forms.ods(old_forms.content(behind='<draw:object xlink:href="./Object 1"/>')), "表.ods")) == []


@pytest.mark.parametrize("how, expected", [
    ({"rows": {9: ' table:visibility="collapse"'}}, [("X411", "H9")]), ({"rows": {9: ' table:visibility="filter"'}}, [("X411", "H9")]),
    ({"rows": {9: ' table:style-name="low"'}}, [("X411", "H9")]), ({"cells": {"H9": ' table:style-name="white"'}}, [("X413", "H9")]),
    ({"cells": {"H9": ' table:style-name="tiny"'}}, [("X413", "H9")]),
    ({"columns": '<table:table-column table:number-columns-repeated="7"/><table:table-column table:visibility="collapse"/>'},
     [("X412", "H8、H9、H10、H4、H11")]),
    ({"columns": '<table:table-column table:number-columns-repeated="7"/><table:table-column table:style-name="narrow"/>'},
     [("X412", "H8、H9、H10、H4、H11")])])
def test_what_an_open_document_hides_is_a_sign(tmp_path, how, expected):
    assert signs(checked(tmp_path, old_forms.ods(old_forms.content(**how)), "表.ods")) == expected
