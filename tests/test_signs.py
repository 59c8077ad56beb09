"""What acts by itself in a submitted workbook, and figures that are not what they seem: named, never run."""

import re
import shutil
from pathlib import Path

import attacks
import pytest

from perfeval_xl import messages, record, review

ROOT = Path(__file__).parent.parent
RELATION = b'<Relationships><Relationship Id="rId1" Type="x" Target="file:///C:/temp/%E5%8F%B0%E8%B4%A6.xlsx" TargetMode="External"/></Relationships>'


def found(tmp_path, data, name="表.xlsx"):
    (tmp_path / name).write_bytes(data)
    one, = record.check_file(str(tmp_path / name))
    assert one.refusal is None
    for finding in one.findings:
        assert messages.render(finding, "表") and messages.render(finding, "表", "en")
    return one


def signs(one):
    return [(finding.code, finding.label) for finding in one.findings if finding.code.startswith("X4")]


ACTIVE = {
    "macros in an .xlsx": ({"xl/vbaProject.bin": b"\xd0\xcf\x11\xe0" + bytes(600)}, "X401"),
    "an Excel 4 macro sheet": ({"xl/macrosheets/sheet1.xml": b"<xm:macrosheet/>"}, "X402"),
    "a link to another workbook": ({"xl/externalLinks/externalLink1.xml": b"<externalLink><externalBook/></externalLink>",
                                    "xl/externalLinks/_rels/externalLink1.xml.rels": RELATION}, "X403"),
    "DDE": ({"xl/externalLinks/externalLink1.xml": b'<externalLink><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>'}, "X404"),
    "an OLE object": ({"xl/embeddings/oleObject1.bin": b"\xd0\xcf\x11\xe0"}, "X405"),
    "a control": ({"xl/activeX/activeX1.bin": b"x"}, "X405"),
    "a web query": ({"xl/connections.xml": b'<connections><connection><webPr url="http://127.0.0.1:9/"/></connection></connections>'}, "X406"),
    "ribbon buttons": ({"customUI/customUI.xml": b"<customUI/>"}, "X407"),
}


@pytest.mark.parametrize("name", ACTIVE)
def test_content_that_acts_is_named(tmp_path, name):
    more, code = ACTIVE[name]
    one = found(tmp_path, attacks.with_parts(**more))
    assert code in [sign for sign, _ in signs(one)]
    assert {sign for sign, _ in signs(one)} <= {code, "X403"}
    assert float(one.card.total) == 92.2


def test_a_link_names_the_other_file(tmp_path):
    more, _ = ACTIVE["a link to another workbook"]
    assert signs(found(tmp_path, attacks.with_parts(**more))) == [("X403", "%E5%8F%B0%E8%B4%A6.xlsx")]


@pytest.mark.parametrize("formula", ["cmd|'/c calc'!A0", 'WEBSERVICE("http://127.0.0.1:9/")', 'webservice(A1)', 'CALL("kernel32","WinExec","JCJ")'])
def test_a_formula_that_reaches_out_is_named_at_its_cell(tmp_path, formula):
    cell = re.compile(rb'(<c r="H9"[^>]*>)(<v>)')
    one = found(tmp_path, attacks.changed(lambda xml: cell.sub(rb"\1<f>" + formula.encode() + rb"</f>\2", xml)))
    assert signs(one) == [("X404", "H9")] and [(finding.row, finding.column) for finding in one.findings if finding.code == "X404"] == [(8, 7)]


def named(more, kind):
    """The form with one part more, and a relation of the workbook that says what it is."""
    def add(xml):
        return xml.replace(b"</Relationships>", b'<Relationship Id="rIdX" Type="http://schemas.microsoft.com/office/2006/relationships/%s" '
                           b'Target="%s"/></Relationships>' % (kind.encode(), next(iter(more)).removeprefix("xl/").encode()))
    content = attacks.parts(attacks.changed(add, "xl/_rels/workbook.xml.rels"))
    return attacks.packed({**content, **more})


@pytest.mark.parametrize("kind, code", [("vbaProject", "X401"), ("xlMacrosheet", "X402"), ("xlIntlMacrosheet", "X402"), ("externalLink", "X403"),
                                        ("oleObject", "X405"), ("control", "X405"), ("connections", "X406"), ("queryTable", "X406")])
def test_a_part_is_what_its_relation_says_whatever_its_name(tmp_path, kind, code):
    assert signs(found(tmp_path, named({"xl/picture.png": b"x"}, kind))) == [(code, "picture.png")]


def test_dde_in_a_part_of_another_name(tmp_path):
    link = {"xl/picture.png": b'<x:externalLink><x:ddeLink ddeService="cmd"/></x:externalLink>'}
    assert signs(found(tmp_path, named(link, "externalLink"))) == [("X403", "picture.png"), ("X404", "picture.png")]


def related(target, kind="hyperlink", quote='"'):
    """The form with a relation of its sheet to something outside."""
    xml = f'<Relationships><Relationship Id="r1" Type="http://x/{kind}" Target="{target}" TargetMode="External"/></Relationships>'.replace('"', quote)
    return attacks.with_parts(**{"xl/worksheets/_rels/sheet1.xml.rels": xml.encode()})


@pytest.mark.parametrize("target, kind, expected", [
    ("https://example.com/", "hyperlink", []), ("mailto:a@example.com", "hyperlink", []), ("#Sheet1!A1", "hyperlink", []),
    ("file:///\\\\srv\\share\\x.xlsx", "hyperlink", [("X403", "x.xlsx")]), ("\\\\srv\\share\\x.exe", "hyperlink", [("X403", "x.exe")]),
    ("//srv/share/x.exe", "hyperlink", [("X403", "x.exe")]), ("http://127.0.0.1:9/x.png", "image", [("X403", "x.png")]),
    ("C:/x.xlsx", "externalLinkPath", [("X403", "x.xlsx")]), ("http://127.0.0.1:9/t", "attachedTemplate", [("X403", "t")])])
@pytest.mark.parametrize("quote", ['"', "'"])
def test_what_a_sheet_fetches_from_elsewhere(tmp_path, target, kind, expected, quote):
    assert signs(found(tmp_path, related(target, kind, quote))) == expected


@pytest.mark.parametrize("name, text, expected", [
    ("Auto_Open", "Sheet1!$A$1", [("X402", "Auto_Open")]), ("_xlnm.Auto_Open", "Sheet1!$A$1", [("X402", "Auto_Open")]),
    ("auto_close2", "Sheet1!$A$1", [("X402", "auto_close")]), ("x", "CALL(&quot;kernel32&quot;,&quot;WinExec&quot;)", [("X404", "x")]),
    ("x", "cmd|'/c calc'!A0", [("X404", "x")]), ("x", "Sheet1!$A$1", []), ("x", "&quot;a|b&quot;", [])])
def test_defined_names_that_start_or_call_something(tmp_path, name, text, expected):
    names = f'</sheets><definedNames><definedName name="{name}">{text}</definedName></definedNames>'.encode()
    assert signs(found(tmp_path, attacks.changed(lambda xml: xml.replace(b"</sheets>", names), attacks.BOOK))) == expected


@pytest.mark.parametrize("formula", ["cmd&#124;&#39;/c calc&#39;!A0", "MSEXCEL|x!A0", "rtd(&quot;x&quot;,,1)", "IMAGE(&quot;http://127.0.0.1:9/x&quot;)",
                                     "IF(TRUE,WEBSERVICE (A1))"])
@pytest.mark.parametrize("shape", ["<f>{}</f>", "<f t='array' ref='H9'>{}</f>", "<!-- --><f>{}</f>", "<x:f xmlns:x='y'>{}</x:f>"])
def test_a_formula_that_reaches_out_cannot_hide(tmp_path, formula, shape):
    one = found(tmp_path, attacks.changed(attacks.score(shape.format(formula).encode() + b"<v>25</v>")))
    assert signs(one) == [("X404", "H9")]


@pytest.mark.parametrize("formula", ["IF(A1=\"a|b\",1,2)", "CALLER(1)", "SUM(A1:A2)", "\"WEBSERVICE(\"", "DESCALL"])
def test_a_formula_that_only_looks_so_is_none(tmp_path, formula):
    assert signs(found(tmp_path, attacks.changed(attacks.score(f"<f>{formula}</f><v>25</v>".encode())))) == []


def test_a_condition_that_reaches_out(tmp_path):
    rule = b'<dataValidations><dataValidation sqref="A1"><formula1>WEBSERVICE("http://127.0.0.1:9/")</formula1></dataValidation></dataValidations>'
    assert signs(found(tmp_path, attacks.changed(lambda xml: xml.replace(b"</worksheet>", rule + b"</worksheet>")))) == [("X404", "")]


def test_active_content_reaches_no_review_copy(tmp_path):
    one = found(tmp_path, attacks.with_parts(**{name: data for more, _ in ACTIVE.values() for name, data in more.items()}))
    review.write([one], str(tmp_path / "批注.xlsx"))
    names = attacks.parts((tmp_path / "批注.xlsx").read_bytes())
    assert not [name for name in names if re.search("vba|macro|external|embed|activex|connection|customui", name.lower())]


@pytest.mark.parametrize("path", sorted((ROOT / "workbook").glob("*.xlsm")), ids=lambda path: path.stem)
def test_our_own_workbook_is_not_called_hostile(tmp_path, path):
    shutil.copy(path, tmp_path / "表.xlsm")
    one, = record.check_file(str(tmp_path / "表.xlsm"))
    assert signs(one) == []


def test_a_module_that_is_not_ours_is_named_in_our_workbook_too(tmp_path):
    path = sorted((ROOT / "workbook").glob("*.xlsm"))[0]
    content = attacks.parts(path.read_bytes())
    project = content["xl/vbaProject.bin"]
    old, new = ("perfeval_ribbon".encode("utf-16-le"), "perfeval_evil99".encode("utf-16-le"))
    assert project.count(old) >= 1
    (tmp_path / "表.xlsm").write_bytes(attacks.packed({**content, "xl/vbaProject.bin": project.replace(old, new)}))
    one, = record.check_file(str(tmp_path / "表.xlsm"))
    assert signs(one) == [("X401", "perfeval_evil99"), ("X407", "customUI.xml")]


def test_our_modules_in_a_form_without_our_stamp_are_named(tmp_path):
    project = attacks.parts(sorted((ROOT / "workbook").glob("*.xlsm"))[0].read_bytes())["xl/vbaProject.bin"]
    assert [code for code, _ in signs(found(tmp_path, attacks.with_parts(**{"xl/vbaProject.bin": project})))] == ["X401"]


# ---- figures that are not what they seem ----


def test_a_form_without_tricks_has_no_sign(tmp_path):
    assert signs(found(tmp_path, attacks.good())) == []


def test_a_score_in_a_hidden_row(tmp_path):
    assert signs(found(tmp_path, attacks.workbook(prepare=lambda book, sheet: sheet.set_row(8, None, None, {"hidden": True})))) == [("X411", "H9")]


def test_a_hidden_row_without_a_score_is_no_sign(tmp_path):
    assert signs(found(tmp_path, attacks.workbook(prepare=lambda book, sheet: sheet.set_row(40, None, None, {"hidden": True})))) == []


def test_scores_in_a_hidden_column(tmp_path):
    one = found(tmp_path, attacks.workbook(prepare=lambda book, sheet: sheet.set_column(7, 7, None, None, {"hidden": True})))
    assert [code for code, _ in signs(one)] == ["X412"]


@pytest.mark.parametrize("look, code", [({"font_color": "#FFFFFF"}, "X413"), ({"font_color": "#FFFFFF", "bg_color": "#FFFFFF"}, "X413"),
                                        ({"font_color": "#FFFFFF", "bg_color": "#1F4E79"}, ""), ({"font_color": "#000000"}, "")])
def test_a_score_in_white_on_white(tmp_path, look, code):
    one = found(tmp_path, attacks.workbook(prepare=lambda book, sheet: sheet.write(8, 7, 25, book.add_format(look))))
    assert signs(one) == ([(code, "H9")] if code else [])


@pytest.mark.parametrize("look, code", [
    ({"font_color": "#1F4E79", "bg_color": "#1F4E79"}, "X413"), ({"font_color": "#FDFDFD"}, "X413"), ({"font_color": "#BFBFBF"}, ""),
    ({"font_size": 1}, "X413"), ({"font_size": 8}, ""), ({"num_format": ";;;"}, "X413"), ({"num_format": '""'}, "X413"),
    ({"num_format": ";-0;0"}, "X413"), ({"num_format": '"98.0"'}, "X415"), ({"num_format": '0"5"'}, "X415"), ({"num_format": "0,"}, "X415"),
    ({"num_format": r"\9\8"}, "X415"), ({"num_format": '0.00"分"'}, ""), ({"num_format": "#,##0.00"}, ""), ({"num_format": "0.00_ "}, ""),
    ({"num_format": "[红色]0.0;[Red]-0.0"}, ""), ({"num_format": "G/通用格式"}, ""), ({"num_format": "0.00;;"}, ""),
    ({"num_format": "_ * #,##0.00_ ;_ * -#,##0.00_ ;_ * \"-\"??_ ;_ @_ "}, ""), ({"num_format": "yyyy-m-d"}, ""), ({"num_format": "# ?/8"}, "")])
def test_a_score_that_cannot_be_read_or_shows_another(tmp_path, look, code):
    one = found(tmp_path, attacks.workbook(prepare=lambda book, sheet: sheet.write(8, 7, 25, book.add_format(look))))
    assert signs(one) == ([(code, "H9")] if code else [])


def test_an_amount_and_a_result_that_cannot_be_read(tmp_path):
    def write(book, sheet):
        sheet.write(3, 4, 360, book.add_format({"num_format": ";;;"}))
        sheet.write(7, 5, 0.666, book.add_format({"num_format": '"90%"'}))

    assert signs(found(tmp_path, attacks.workbook(prepare=write))) == [("X413", "E4"), ("X415", "F8")]


COLOURS = {"theme white": (b'<color theme="0"/>', "X413"), "theme white, darker": (b'<color theme="0" tint="-0.5"/>', ""),
           "theme black, made white": (b'<color theme="1" tint="0.99"/>', "X413"), "by number": (b'<color indexed="9"/>', "X413"),
           "by an old number": (b'<color indexed="1"/>', "X413"), "the ground of the window": (b'<color indexed="65"/>', "X413"),
           "red by number": (b'<color indexed="10"/>', ""), "left to the program": (b'<color auto="1"/>', ""), "none": (b"", ""),
           "single quotes": (b"<color rgb='FFFFFFFF'/>", "X413"), "light yellow": (b'<color rgb="FFFFFFE5"/>', ""),
           "a wrong colour": (b'<color rgb="x" indexed="999999" theme="99"/>', "")}


@pytest.mark.parametrize("name", COLOURS)
def test_every_way_to_say_white(tmp_path, name):
    colour, code = COLOURS[name]
    data = attacks.workbook(prepare=lambda book, sheet: sheet.write(8, 7, 25, book.add_format({"font_color": "#123456"})))
    one = found(tmp_path, attacks.changed(lambda xml: xml.replace(b'<color rgb="FF123456"/>', colour), attacks.STYLES, data))
    assert signs(one) == ([(code, "H9")] if code else [])


@pytest.mark.parametrize("change, code", [
    (lambda xml: xml.replace(b'<row r="9"', b"<row r=\"9\" hidden='1'"), "X411"),
    (lambda xml: xml.replace(b'<row r="9"', b'<row r="9" hidden = "true"'), "X411"),
    (lambda xml: xml.replace(b'<row r="9"', b'<row r="9" ht="0" customHeight="1"'), "X411"),
    (lambda xml: xml.replace(b'<row r="9"', b'<row r="9" ht="1.5" customHeight="1"'), "X411"),
    (lambda xml: xml.replace(b'<row r="9"', b'<row r="9" ht=".5" customHeight="1"'), "X411"),
    (lambda xml: xml.replace(b'<row r="9"', b'<row r="9" ht="20.25" customHeight="1"'), ""),
    (lambda xml: re.sub(rb"<sheetFormatPr[^>]*>", b'<sheetFormatPr defaultRowHeight="15" zeroHeight="1"/>', xml), "X411"),
    (lambda xml: re.sub(rb"<sheetFormatPr[^>]*>", b'<sheetFormatPr defaultRowHeight="1.5" customHeight="1"/>', xml), "X411"),
    (lambda xml: xml.replace(b"<sheetData>", b'<cols><col min="8" max="8" width="0" customWidth="1"/></cols><sheetData>'), "X412"),
    (lambda xml: xml.replace(b"<sheetData>", b'<cols><col min="8" max="8" width="0.1" customWidth="1"/></cols><sheetData>'), "X412"),
    (lambda xml: xml.replace(b"<sheetData>", b'<cols><col min="2" max="16384" width="9" hidden="1"/></cols><sheetData>'), "X412"),
    (lambda xml: re.sub(rb"<sheetFormatPr[^>]*>", b'<sheetFormatPr defaultColWidth="0" defaultRowHeight="15"/>', xml), "X412"),
    (lambda xml: attacks.prefixed(xml.replace(b'<row r="9"', b'<row r="9" hidden="1"')), "X411"),
    (lambda xml: xml.replace(b"<row ", b"<!-- --><row ").replace(b'<row r="9"', b'<row r="9" hidden="1"'), "X411")])
def test_every_way_to_hide_a_row_or_a_column(tmp_path, change, code):
    assert [sign for sign, _ in signs(found(tmp_path, attacks.changed(change)))] == ([code] if code else [])


def test_a_score_under_a_merged_cell(tmp_path):
    one = found(tmp_path, attacks.changed(attacks.merge("G9:H9")))
    assert signs(one) == [("X413", "H9")]


@pytest.mark.parametrize("rule, hides", [
    ({"type": "cell", "criteria": ">", "value": 20}, True), ({"type": "cell", "criteria": ">", "value": 30}, False),
    ({"type": "cell", "criteria": "between", "minimum": 1, "maximum": 99}, True), ({"type": "formula", "criteria": "=TRUE"}, True),
    ({"type": "formula", "criteria": '=$H9=""'}, False), ({"type": "no_blanks"}, True)])
@pytest.mark.parametrize("look", [{"font_color": "#FFFFFF"}, {"num_format": ";;;"}])
def test_a_score_hidden_by_a_condition(tmp_path, rule, hides, look):
    def write(book, sheet):
        sheet.conditional_format("H9:H9", {**rule, "format": book.add_format(look)})

    assert signs(found(tmp_path, attacks.workbook(prepare=write))) == ([("X413", "H9")] if hides else [])


def test_a_condition_that_only_colours_is_no_sign(tmp_path):
    def write(book, sheet):
        sheet.conditional_format("H9:H9", {"type": "no_blanks", "format": book.add_format({"font_color": "#FFFFFF", "bg_color": "#C00000"})})

    assert signs(found(tmp_path, attacks.workbook(prepare=write))) == []


@pytest.mark.parametrize("body", [b"<v>2<!-- -->5</v>", b"<v>2<?x y?>5</v>", b"<v><![CDATA[25]]></v>", b"<v>&#50;5</v>",
                                  b"<v>2<!-- 4 --><![CDATA[5]]></v>"])
def test_a_figure_is_what_a_spreadsheet_shows(tmp_path, body):
    """calamine reads 2 where Excel shows 25."""
    one = found(tmp_path, attacks.changed(attacks.score(body)))
    assert record.as_json(one)["indicators"][1]["score_stated"] == 25


def test_a_text_is_what_a_spreadsheet_shows(tmp_path):
    one = found(tmp_path, attacks.changed(lambda xml: xml.replace("≥90%".encode(), "≥<!-- 1 -->9<?x?>0%".encode()), attacks.STRINGS))
    assert record.as_json(one)["indicators"][1]["target"] == "≥90%"


def test_a_sheet_in_a_comment_lends_its_look_to_no_other(tmp_path):
    """Without care the hidden row of the true sheet is looked for in the other one."""
    content = attacks.parts(attacks.workbook(sheets=2))
    content[attacks.SHEET] = content[attacks.SHEET].replace(b'<row r="9"', b'<row r="9" hidden="1"')
    content[attacks.BOOK] = content[attacks.BOOK].replace(b"</sheets>", b'</sheets><!-- <sheet name="Sheet1" sheetId="9" r:id="rId2"/> -->')
    (tmp_path / "表.xlsx").write_bytes(attacks.packed(content))
    assert [signs(one) for one in record.check_file(str(tmp_path / "表.xlsx"))] == [[("X411", "H9")], []]


@pytest.mark.parametrize("path", sorted((ROOT / "workbook").rglob("*.xls?")), ids=lambda path: path.stem)
def test_no_shipped_form_hides_anything(path):
    for one in record.check_file(str(path)):
        assert signs(one) == []


def with_formulas(*cells):
    """The scores of a form with more rows, these of them as formulas."""
    more = "".join(f"^|产出指标|履职目标实现|完成率{n}|≥90%|100%%|5|5|0%%|\n" for n in range(5))
    picture = attacks.FORM.replace("^|产出指标|履职目标实现|完成率|≥90%|100%%|25|25|0%%|\n", more)

    def write(book, sheet):
        for row in cells:
            sheet.write_formula(row - 1, 7, f"=G{row}", None, 5)

    return attacks.workbook(picture, prepare=write)


def test_a_score_typed_where_the_others_have_a_formula(tmp_path):
    assert signs(found(tmp_path, with_formulas(9, 10, 12, 13))) == [("X414", name) for name in ("H8", "H11", "H14")]


def test_scores_that_are_all_typed_or_all_computed_are_no_sign(tmp_path):
    assert signs(found(tmp_path, with_formulas())) == [] == signs(found(tmp_path, with_formulas(9, 10)))


def test_a_formula_without_result_is_said(tmp_path):
    cell = re.compile(rb'(<c r="H9"[^>]*>)<v>25</v>')
    one = found(tmp_path, attacks.changed(lambda xml: cell.sub(rb"\1<f>5*5</f>", xml)))
    assert ("V107", 8, 7) in [(finding.code, finding.row, finding.column) for finding in one.findings]
