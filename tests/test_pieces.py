"""Sheets read in their pieces, held against python-calamine: what the two read must be the same, or left to calamine."""

import re
from pathlib import Path

import attacks
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfeval_xl import gate, intake, pieces, xlsx
from perfeval_xl.made_up import district

ROOT = Path(__file__).parent.parent
PLAIN = attacks.parts(attacks.good())[attacks.SHEET]
SHEET = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
TEXTS = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" count="1" uniqueCount="1">%s</sst>'
STYLES = (
    b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts count="4"><numFmt numFmtId="164" '
    b'formatCode="0.0%%"/><numFmt numFmtId="165" formatCode="yyyy&quot;\xe5\xb9\xb4&quot;m"/><numFmt numFmtId="166" formatCode="#,##0.00_ "/>'
    b'<numFmt numFmtId="167" formatCode="[Red]0.00"/></numFmts><cellXfs count="9">%s</cellXfs></styleSheet>'
) % b"".join(b'<xf numFmtId="%d"/>' % number for number in (0, 2, 10, 164, 14, 165, 166, 167, 43))


def workbook(rows: bytes, texts: bytes = b"<si><t>\xe7\x94\xb2</t></si>") -> bytes:
    """A workbook of one sheet with these rows and texts."""
    parts = attacks.parts(attacks.good())
    return attacks.packed({**parts, attacks.SHEET: SHEET % rows, attacks.STRINGS: TEXTS % texts, attacks.STYLES: STYLES})


def both_ways(data: bytes) -> tuple[list | None, list]:
    """The sheets of a workbook as they are read in pieces, None where they are left to calamine; and as calamine reads them."""
    contents = xlsx.contents(gate.Package(data))
    ours = intake._in_pieces(contents)
    packed, marks = xlsx.for_calamine(contents)
    with intake._reader(packed) as reader:
        return ours, list(intake._tables(reader, marks))


def agree(data: bytes) -> None:
    """What is read in pieces is what calamine reads; what it refuses is not read in pieces either."""
    ours = theirs = refused = None
    try:
        contents = xlsx.contents(gate.Package(data))
        ours = intake._in_pieces(contents)
        packed, marks = xlsx.for_calamine(contents)
        with intake._reader(packed) as reader:
            theirs = list(intake._tables(reader, marks))
    except Exception as error:
        if intake._refused(error, "") is error and not isinstance(error, gate.Refusal):
            raise
        refused = error
    assert ours is None or (refused is None and plain(ours) == plain(theirs)), refused


def plain(tables: list) -> list:
    """Sheets with the types of their values, which an equals sign does not tell apart."""
    return [
        (visible, sheet.name, [[(type(value), repr(value)) for value in row] for row in sheet.rows], sheet.merged if sheet.rows else ())
        for visible, sheet in tables
    ]


# ---- what is understood ----

ROW = b'<row r="1">%s</row>'
CELLS = {
    "a number": (b'<c r="B1"><v>12.5</v></c>', 12.5),
    "a number with its type": (b'<c r="B1" s="1" t="n"><v>12</v></c>', 12.0),
    "below zero": (b'<c r="B1"><v>-0.5</v></c>', -0.5),
    "a power": (b'<c r="B1"><v>1.5E-5</v></c>', 1.5e-5),
    "many places": (b'<c r="B1"><v>9.890000000000001</v></c>', 9.890000000000001),
    "a long number": (b'<c r="B1"><v>12345678901234567890</v></c>', 12345678901234567890.0),
    "a text": (b'<c r="B1" t="s"><v>0</v></c>', "甲"),
    "a style behind": (b'<c r="B1" t="s" s="1"><v>0</v></c>', "甲"),
    "a text of its own": (b'<c r="B1" t="inlineStr"><is><t>a&amp;b</t></is></c>', "a&b"),
    "blanks of its own": (b'<c r="B1" t="inlineStr"><is><t> a </t></is></c>', "a"),
    "a result": (b'<c r="B1" s="2"><f>1/2</f><v>0.5</v></c>', "50%"),
    "a text result": (b'<c r="B1" t="str"><f>A1</f><v> b</v></c>', " b"),
    "an empty result": (b'<c r="B1" t="str"><f>A1</f><v></v></c>', ""),
    "a shared formula": (b'<c r="B1"><f t="shared" si="0"/><v>1</v></c>', 1.0),
    "a percentage": (b'<c r="B1" s="3"><v>0.666</v></c>', "66.6%"),
    "money": (b'<c r="B1" s="6"><v>1234.5</v></c>', 1234.5),
    "money as Excel's button shows it": (b'<c r="B1" s="8"><v>1234.5</v></c>', 1234.5),
    "an error": (b'<c r="B1" t="e"><f>1/0</f><v>#DIV/0!</v></c>', "#DIV/0!"),
    "true": (b'<c r="B1" t="b"><v>1</v></c>', "TRUE"),
    "no result": (b'<c r="A1"><f>1</f></c><c r="B1"><v>1</v></c>', 1.0),
    "no result and a value": (b'<c r="A1"><f>1</f><v></v></c><c r="B1"><v>1</v></c>', 1.0),
}
#: what may be written, is rare, and goes the other way
OTHERS = {
    "a date": b'<c r="B1" s="4"><v>45000</v></c>',
    "a date of the file's own": b'<c r="B1" s="5"><v>45000</v></c>',
    "a colour in a format": b'<c r="B1" s="7"><v>1.5</v></c>',
    "a number in blanks": b'<c r="B1"><v> 1 </v></c>',
    "a text that is not there": b'<c r="B1" t="s"><v>1</v></c>',
    "two runs": b'<c r="B1" t="inlineStr"><is><r><t>a</t></r><r><t>b</t></r></is></c>',
    "no number": b'<c r="B1"><v>1_0</v></c>',
    "no end": b'<c r="B1"><v>1e999</v></c>',
    "backwards": b'<c r="B1"><v>1</v></c><c r="A1"><v>1</v></c>',
    "twice": b'<c r="B1"><v>1</v></c><c r="B1"><v>2</v></c>',
    "no place": b"<c><v>1</v></c>",
    "small letters": b'<c r="b1"><v>1</v></c>',
    "a code": b'<c r="B1" t="str"><v>_x000D_</v></c>',
    "a reference": b'<c r="B1" t="str"><v>&#50;</v></c>',
    "a comment": b'<c r="B1"><v>1<!-- -->0</v></c>',
    "two places": b'<c r="A1" r="XFD1"><v>1</v></c>',
    "blanks between": b'<c r="A1"><v>1</v></c> <c r="B1"><v>1</v></c>',
}


@pytest.mark.parametrize("name", CELLS)
def test_a_cell_is_read_as_calamine_reads_it(name):
    written, value = CELLS[name]
    ours, theirs = both_ways(workbook(ROW % written))
    assert ours[0][1].rows[0][1] == value
    assert plain(ours) == plain(theirs)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_written_otherwise_is_left_to_calamine(name):
    try:
        contents = xlsx.contents(gate.Package(workbook(ROW % OTHERS[name])))
    except (ValueError, gate.Refusal):  # the parser in front of calamine refuses it
        return
    assert intake._in_pieces(contents) is None


@pytest.mark.parametrize(
    "texts, expected",
    [
        (b"<si><t>a</t></si>", "a"),
        (b"<si><t> a\n</t></si>", "a"),
        (b'<si><t xml:space="preserve"> a </t></si>', " a "),
        (b"<si><t>&lt;&amp;</t></si>", "<&"),
        (b"<si><t>\xe3\x80\x80x</t></si>", "\u3000x"),
        (b"<si><t></t></si>", ""),
        (b'<si><r><t>a</t></r><r><rPr><b/><sz val="9"/></rPr><t>b</t></r></si>', "ab"),
        (b'<si><t>a</t><phoneticPr fontId="1" type="noConversion"/></si>', "a"),
        (b'<si><t>a</t><rPh sb="0" eb="1"><t>x</t></rPh></si>', "a"),
        (b"<si></si>", ""),
    ],
)
def test_a_shared_text_is_read_as_calamine_reads_it(texts, expected):
    ours, theirs = both_ways(workbook(ROW % b'<c r="A1" t="s"><v>0</v></c>', texts))
    assert ours[0][1].rows == [[expected]] and plain(ours) == plain(theirs)


@pytest.mark.parametrize(
    "texts",
    [
        b"<si><t>a_x0041_</t></si>",
        b"<si><t>&#65;</t></si>",
        b"<si><t>a</t></si><si/>",
        b"<si> <t>a</t></si>",
        b"<si><t>a\r\nb</t></si>",
        b"<si><t>a</t><x>b</x></si>",
        b"<si><t>\xff</t></si>",
        b"<si><t>a</si>",
        b"<si><r><rPr><b></rPr><t>a</t></r></si>",
    ],
)
def test_a_text_written_otherwise_is_left_to_calamine(texts):
    assert pieces.texts(TEXTS % texts) is None


def test_a_sheet_is_no_list_of_texts():
    assert pieces.texts(TEXTS % b"") == []
    assert pieces.texts((TEXTS % b"").replace(b"<sst ", b"<worksheet ")) is None


@pytest.mark.parametrize(
    "change, understood",
    [
        (lambda xml: xml, True),
        (lambda xml: xml.replace(b"<v>25</v>", b"<f>5*5</f><v>25</v>", 1), True),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="A19" t="e"><f>1/0</f><v>#DIV/0!</v></c></row></sheetData>'), True),
        (lambda xml: xml.replace(b"</c>", b"</c><!-- -->", 1), False),
        (lambda xml: xml.replace(b'<c r="A1"', b"<c r='A1'"), False),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="A19" r="XFD19"><v>1</v></c></row></sheetData>'), False),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="A99999"><v>1</v></c></row></sheetData>'), False),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="EA19"><v>1</v></c></row></sheetData>'), False),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="ALL19"/></row></sheetData>'), True),
        (lambda xml: xml.replace(b"<sheetData>", b"<x><sheetData></sheetData></x><sheetData>"), False),
        (lambda xml: xml.replace(b"</row>", b"", 1), False),
        (lambda xml: xml.replace(b"</row></sheetData>", b"</sheetData>"), False),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"/><row r="20"></row></sheetData>'), True),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"></sheetData>'), False),
        (lambda xml: xml.replace(b"</row>", b"</row></row>", 1), False),
        (lambda xml: xml.replace(b"<sheetData>", b'<sheetData><c r="A1"><v>1</v></c>'), False),
        (lambda xml: xml.replace(b"</sheetData>", b" " * 2_000_000 + b"</sheetData>"), False),
        (lambda xml: xml.replace(b"<worksheet ", b"<sst "), False),
        # what calamine refuses: letters of another encoding, a reference without its end, a row in front of the first
        (lambda xml: xml.replace(b"<v>25</v>", b"<f>\xff</f><v>25</v>", 1), False),
        (lambda xml: xml.replace(b"<v>25</v>", b"<f>A1&amp;&B1</f><v>25</v>", 1), False),
        (lambda xml: xml.replace(b"<v>25</v>", b"<f>A1&amp;B1</f><v>25</v>", 1), True),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="A0"/></row></sheetData>'), False),
        # what no pattern would see: a height behind a tab, a style by another number, two styles
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"\tht="0"/></sheetData>'), False),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="A19" s="01"><v>1</v></c></row></sheetData>'), False),
        (lambda xml: xml.replace(b"</sheetData>", b'<row r="19"><c r="A19" s="1" t="n" s="2"><v>1</v></c></row></sheetData>'), False),
    ],
)
def test_only_a_sheet_without_surprise_is_understood(change, understood):
    assert (pieces.cells(change(PLAIN)).found is not None) == understood


@pytest.mark.parametrize(
    "row, hides",
    [
        (b'<row r="19"/>', False),
        (b'<row r="19" hidden="1"/>', True),
        (b'<row r="19" ht="1" customHeight="1"/>', True),
        (b'<row r="19" ht=".5"/>', True),
        (b'<row r="19" ht="19.5"></row>', False),
        (b'<row r="19" spans="1:9" s="3" customFormat="1" ht="30" hidden="false" customHeight="1" outlineLevel="1" collapsed="false"/>', False),
        (b'<row r="19" hidden="1"><c r="A19"><v>1</v></c></row>', True),
        (b'<row r="19" zeroHeight="1"><c r="A19"/></row>', True),
    ],
)
def test_a_row_that_may_hide_is_told(row, hides):
    one = pieces.cells(PLAIN.replace(b"</sheetData>", row + b"</sheetData>"))
    assert one.found is not None and one.hides == hides


def test_a_formula_is_told_whether_or_not_its_result_is_known():
    change = {b"<v>25</v>": b"<f>5*5</f><v>25</v>", b"<v>15</v>": b"<f>3*5</f>"}
    xml = PLAIN
    for before, after in change.items():
        xml = xml.replace(before, after, 1)
    one = pieces.cells(xml)
    assert one.formulas and not pieces.cells(PLAIN).formulas
    assert len([cell for cell in one.found if cell[-1] & pieces.FORMULA]) == 2


# ---- whole files, and anything ----


def test_our_workbooks_and_those_of_a_district_are_read_in_pieces_as_calamine_reads_them(tmp_path):
    made = Path(district(str(tmp_path), 60).forms).rglob("*.xlsx")
    paths = sorted([*(path for path in (ROOT / "workbook").rglob("*.xls[xm]")), *made])
    assert len(paths) >= 60
    read = 0
    for path in paths:
        try:
            ours, theirs = both_ways(path.read_bytes())
        except gate.Refusal:  # some defects of a district are files that cannot be read
            continue
        assert ours is not None and plain(ours) == plain(theirs), path
        read += 1
    assert read >= 60


VALUES = st.sampled_from([*(cell for cell, _ in CELLS.values()), *OTHERS.values(), b'<c r="B1"/>', b'<c r="B1" s="2"/>', b'<c r="AMJ1" s="2"/>'])
ROWS = st.lists(st.lists(VALUES, max_size=4), max_size=4)
SIS = st.lists(
    st.sampled_from(
        [
            b"<si><t>a</t></si>",
            b"<si><t> b </t></si>",
            b'<si><t xml:space="preserve"> c</t></si>',
            b"<si/>",
            b"<si><t>&amp;</t></si>",
            b"<si><r><t>d</t></r></si>",
            b"<si><t>&#10;</t></si>",
        ]
    ),
    max_size=3,
)


@settings(max_examples=300)
@given(ROWS, SIS)
def test_any_cells_are_read_as_calamine_reads_them_or_left_to_it(rows, texts):
    written = b""
    for number, cells in enumerate(rows, 1):
        placed = b"".join([re.sub(rb'r="[A-Z]+1"', b'r="%s%d"' % (b"ABCD"[column : column + 1], number), cell) for column, cell in enumerate(cells)])
        written += b'<row r="%d">%s</row>' % (number, placed)
    agree(workbook(written, b"".join(texts)))


@settings(max_examples=600)
@given(st.data())
def test_a_damaged_sheet_is_read_as_calamine_reads_it_or_left_to_it(data):
    xml = bytearray(PLAIN)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(xml) - 1))
        xml[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.sampled_from([b"", b"<", b">", b"</row>", b'"', b"<v>", b"</c>", b"1", b"\0", b"&", b"r="])
        )
    agree(attacks.packed({**attacks.parts(attacks.good()), attacks.SHEET: bytes(xml)}))


@pytest.mark.parametrize("name", [attacks.BOOK, attacks.STYLES, "xl/_rels/workbook.xml.rels"])
def test_a_workbook_with_a_part_that_is_no_xml_is_not_read_in_pieces(name):
    parts = attacks.parts(attacks.good())
    contents = xlsx.contents(gate.Package(attacks.packed({**parts, name: parts[name].rstrip()[:-1] + b" x>"})))
    assert intake._in_pieces(contents) is None


def test_what_is_remembered_stays_small():
    """Neither long pieces nor many of them stay in the memory."""
    for n in range(3):
        long = b'<row r="1"><c r="A1" t="str"><v>%s</v></c></row>' % (b"x" * 1000 + b"%d" % n)
        assert pieces.cells(SHEET % long).found
    assert all(len(piece) < 300 for piece in pieces._cells) and all(len(piece) < 600 for piece in pieces._texts)
