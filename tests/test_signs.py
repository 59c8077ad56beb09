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
