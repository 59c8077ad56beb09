"""The report as a document: what Word needs to open it, how it looks, and what becomes of people's work when it is generated again."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest
from test_buttons import filled
from test_report import EXAMPLES, checked

from perfeval_xl import cli, examples, files, record, report_figures, report_file, report_xml, workbook_file
from perfeval_xl.edition import get
from perfeval_xl.messages import Refusal
from perfeval_xl.report import Drawn, content
from perfeval_xl.report_tables import Chart

docx = pytest.importorskip("docx")
W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
HAND = "本单位成立了自评小组，由办公室牵头，分三步核对资料。"


@pytest.fixture
def path(tmp_path) -> str:
    """A report on a form without a mistake."""
    path = str(tmp_path / "自评报告.docx")
    report_file.write(content(checked(filled())), path)
    return path


def spent(executed: float, **other):
    """The same department after its spending was corrected."""
    full = filled()
    money = {"executed": executed}
    funds = {role: row | (money if role in ("total", "government") else {}) for role, row in full.funds.items()}
    actual = {"actual": f"{executed / 10:g}%"}
    rows = tuple(row | (actual if row["name"] == "预算执行率" else {}) for row in other.pop("indicators", full.indicators))
    return checked(full._replace(funds=funds, indicators=rows, **other))


def opened(path):
    return docx.Document(path)


def whole(document) -> str:
    return "\n".join(one.text for one in document.paragraphs)


def row_of(document, label: str) -> list[str]:
    return next([cell.text for cell in row.cells] for table in document.tables for row in table.rows if row.cells[0].text == label)


def change(path: str, work) -> None:
    """Somebody works on the document."""
    document = opened(path)
    work(document)
    document.save(path)


def retype(document, old: str, new: str) -> None:
    """Types over a text, wherever it stands whole in a run."""
    nodes = [node for node in document.element.body.iter(f"{W}t") if old in (node.text or "")]
    assert nodes
    for node in nodes:
        node.text = node.text.replace(old, new)


# ---- the package ----


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.stem)
def test_every_part_is_declared_related_and_well_formed(example, tmp_path):
    out = str(tmp_path / "r.docx")
    report_file.write(content(record.check_file(str(example))[0]), out)
    with zipfile.ZipFile(out) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for data in parts.values():
        ElementTree.fromstring(data)
    types = {one.get("PartName", "").lstrip("/") for one in ElementTree.fromstring(parts["[Content_Types].xml"])} - {""}
    assert types == {name for name in parts if not name.endswith(".rels")} - {"[Content_Types].xml"}
    related = {f"word/{one.get('Target')}" for one in ElementTree.fromstring(parts["word/_rels/document.xml.rels"])}
    assert related | {"word/document.xml", "docProps/core.xml"} == types
    text = parts["word/document.xml"].decode()
    ids = {one.get("Id") for one in ElementTree.fromstring(parts["word/_rels/document.xml.rels"])}
    assert set(re.findall('r:id="([^"]+)"', text)) <= ids
    numbers = re.findall('<w:bookmarkStart w:id="([0-9]+)"', text)
    assert len(set(numbers)) == len(numbers) == text.count("<w:bookmarkEnd ")
    names = re.findall('<w:bookmarkStart w:id="[0-9]+" w:name="([^"]+)"', text)
    assert len(set(names)) == len(names) and all(len(name) <= 40 for name in names), "Word takes 40 characters"
    assert text.count("<w:commentReference") == parts.get("word/comments.xml", b"").count(b"<w:comment ")


def test_merged_cells_cover_the_whole_grid(path):
    for table in opened(path).tables:
        columns = len(table._tbl.findall(f"{W}tblGrid/{W}gridCol"))
        for row in table._tbl.findall(f"{W}tr"):
            spans = [cell.find(f"{W}tcPr/{W}gridSpan") for cell in row.findall(f"{W}tc")]
            assert sum(1 if span is None else int(span.get(f"{W}val")) for span in spans) == columns


def test_the_page_is_that_of_an_official_document(path):
    document = opened(path)
    upright, wide = document.sections
    assert [round(getattr(upright, side).mm) for side in ("top_margin", "bottom_margin", "left_margin", "right_margin")] == [37, 35, 28, 26]
    assert (round(upright.page_width.mm), round(upright.page_height.mm)) == (210, 297) and wide.page_width > wide.page_height
    assert document.settings.odd_and_even_pages_header_footer
    assert all("PAGE" in section.footer._element.xml and "PAGE" in section.even_page_footer._element.xml for section in document.sections)


def test_fonts_are_those_of_an_official_document_and_have_a_substitute(path):
    document = opened(path)
    fonts = {name: document.styles[name].element.find(f"{W}rPr/{W}rFonts").get(f"{W}eastAsia")
             for name in ("Title", "Heading 1", "Heading 2", "表内文字")}
    assert fonts == {"Title": "方正小标宋简体", "Heading 1": "黑体", "Heading 2": "楷体_GB2312", "表内文字": "宋体"}
    defaults = document.styles.element.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr")
    assert defaults.find(f"{W}rFonts").get(f"{W}eastAsia") == "仿宋_GB2312" and defaults.find(f"{W}sz").get(f"{W}val") == "32"
    spacing = document.styles["Normal"].paragraph_format
    assert spacing.line_spacing.pt == 28 and spacing.first_line_indent.pt == 32
    with zipfile.ZipFile(path) as archive:
        table = ElementTree.fromstring(archive.read("word/fontTable.xml"))
    known = {font.get(f"{W}name"): font.find(f"{W}altName") for font in table}
    used = set(re.findall('w:eastAsia="([^"]*[\u4e00-\u9fff][^"]*)"', document.styles.element.xml))
    assert used <= known.keys() and all(known[name] is not None for name in used)


def test_figures_stand_in_paragraphs_and_tables(path):
    document = opened(path)
    assert "自评得分为99.1分，自评结果为“优”。" in whole(document)
    assert row_of(document, "部门预算总额") == ["部门预算总额", "1000", "1000", "950", "95%"]
    assert row_of(document, "预算执行率")[:3] == ["预算执行率", "10", "10"]


def test_texts_from_outside_stay_texts(tmp_path):
    nasty = '<w:p/>&amp;"\x00\x0b\x1f\ufffe]]>{name}{0}%s\ud800'
    full = filled()
    rows = tuple(row | {"name": f"{row['name']}{nasty}", "reason": nasty * 30} if n > 20 else row for n, row in enumerate(full.indicators))
    full = full._replace(department=f"某局{nasty}", goals=(nasty, "长" * 40_000), indicators=rows, tasks=({"name": nasty, "status": nasty},))
    out = str(tmp_path / "r.docx")
    report_file.write(content(checked(full)), out)
    document = opened(out)
    assert '<w:p/>&amp;"' in whole(document) and "{name}{0}%s" in whole(document) and "长" * 40_000 in whole(document)
    assert report_file.write(content(checked(full)), out).kept == ()


# ---- generated again ----


def test_what_people_wrote_stays_and_figures_change(path):
    def work(document):
        place = next(one for one in document.paragraphs if one.text.startswith("〔请填写：自评工作由谁"))
        place.runs[0].text = HAND
        place.insert_paragraph_before("另起一段的话。")
        retype(document, "评价等级分", "按规定，评价等级分")

    asked = report_file.write(content(checked(filled())), path).asked
    change(path, work)
    outcome = report_file.write(content(spent(800)), path)
    document = opened(path)
    assert (outcome.new, outcome.asked) == (False, asked - 1)
    assert HAND in whole(document) and "另起一段的话。" in whole(document) and "按规定，评价等级分为优" in whole(document)
    assert "全年执行数为800万元，预算执行率为80%（全年执行数÷全年预算数）。执行率低于90%" in whole(document)
    assert row_of(document, "部门预算总额") == ["部门预算总额", "1000", "1000", "800", "80%"]


def test_a_report_that_is_up_to_date_stays_as_it_is(path):
    before = [opened(path).element.body.xml, whole(opened(path))]
    assert report_file.write(content(checked(filled())), path).kept == ()
    assert [opened(path).element.body.xml, whole(opened(path))] == before


def test_a_figure_changed_by_hand_is_listed_and_left(path):
    change(path, lambda document: retype(document, "为950万", "为905万"))
    outcome = report_file.write(content(spent(800)), path)
    kept, = outcome.kept
    assert (kept.label, kept.stands, kept.due) == ("全年执行数", "为905万", "为800万")
    assert "全年执行数为905万元，预算执行率为80%" in whole(opened(path))
    assert report_file.write(content(spent(800)), path).kept == outcome.kept, "told until somebody mends it"
    change(path, lambda document: retype(document, "为905万", "为800万"))
    assert report_file.write(content(spent(800)), path).kept == ()
    assert report_file.write(content(spent(900)), path).kept == () and "数为900万元" in whole(opened(path))


def test_a_sentence_that_was_taken_out_stays_out_and_is_listed(path):
    def work(document):
        place = next(one for one in document.paragraphs if one.text.startswith("资金到位情况"))
        place._p.getparent().remove(place._p)

    change(path, work)
    kept = report_file.write(content(spent(800)), path).kept
    assert [one.label for one in kept] == ["年初预算数", "预算调整", "全年预算数"] and all(not one.stands for one in kept)
    assert "报告里已找不到：年初预算数" in kept[0].words() and "资金到位情况" not in whole(opened(path))


def test_a_cell_changed_by_hand_keeps_its_table(path):
    def work(document):
        cell = next(cell for table in document.tables for row in table.rows for cell in row.cells if cell.text == "95%")
        cell.paragraphs[0].runs[0].text = "九成五"

    change(path, work)
    kept = report_file.write(content(spent(800)), path).kept
    assert ("资金安排和执行情况（万元）", "九成五", "80%") in kept and {one.label for one in kept} == {"资金安排和执行情况（万元）"}
    assert row_of(opened(path), "部门预算总额") == ["部门预算总额", "1000", "1000", "950", "九成五"]


def test_a_table_in_its_own_cells_keeps_its_look(path):
    def work(document):
        table = next(table for table in document.tables if table.rows[0].cells[0].text == "资金")
        for row in table.rows:
            row.cells[3].paragraphs[0].runs[0].bold = True

    change(path, work)
    report_file.write(content(spent(800)), path)
    table = next(table for table in opened(path).tables if table.rows[0].cells[0].text == "资金")
    assert [row.cells[3].paragraphs[0].runs[0].bold for row in table.rows] == [True] * 5 and table.rows[1].cells[3].text == "800"


def test_a_table_with_other_rows_is_drawn_anew(path):
    full = filled()
    rows = (*full.indicators, dict(full.indicators[-1], name="新增指标", weight=5, actual="95%", reason=""))
    report_file.write(content(checked(full._replace(indicators=rows))), path)
    assert row_of(opened(path), "新增指标")[1:3] == ["≥90%", "95%"]
    assert report_file.write(content(checked(full)), path).kept == ()
    assert not any("新增指标" in cell.text for table in opened(path).tables for row in table.rows for cell in row.cells)


def test_what_people_put_into_a_table_beside_its_text_stays(path):
    def work(document):
        for label in ("部门预算总额", "第27项工作完成率"):
            cell = next(row.cells[3] for table in document.tables for row in table.rows if row.cells[0].text == label)
            document.add_comment(cell.paragraphs[0].runs, f"请核对{label}", author="张三")

    change(path, work)
    rows = filled().indicators
    kept = report_file.write(content(spent(800, indicators=(*rows, dict(rows[-1], name="新增指标", weight=5)))), path).kept
    assert [one.label for one in kept] == ["效益指标得分明细"], "it would have to be drawn anew, and the comment would go"
    document = opened(path)
    assert row_of(document, "部门预算总额")[3] == "800"
    assert {one.text for one in document.comments if one.author == "张三"} == {"请核对部门预算总额", "请核对第27项工作完成率"}
    ids = {str(one.comment_id) for one in document.comments if one.author == "张三"}
    assert ids <= {node.get(f"{W}id") for node in document.element.body.iter(f"{W}commentReference")}


def test_charts_follow_their_tables(path):
    report_file.write(content(spent(800)), path)
    figures = [part.blob.decode() for part in opened(path).part.related_parts.values() if "/charts/" in part.partname]
    assert len(figures) == 2 and any("<c:v>88.9</c:v>" in one for one in figures) and any("<c:v>800</c:v>" in one for one in figures)
    assert not any("<c:v>950</c:v>" in one for one in figures)


def test_notes_of_ours_come_and_go_and_those_of_others_stay(tmp_path):
    path, (_, form) = str(tmp_path / "r.docx"), examples.load(str(EXAMPLES[2].parent / "data" / "waishi-2022.toml"))
    report_file.write(content(checked(form)), path)
    assert sum("S101" in one.text for one in opened(path).comments) == 2, "at the total of the form, and where the text names it"
    change(path, lambda document: document.add_comment(document.paragraphs[3].runs, "请科长看一下", author="张三"))
    report_file.write(content(checked(form._replace(total=89))), path)
    document = opened(path)
    assert not any("S101" in one.text for one in document.comments) and "请科长看一下" in [one.text for one in document.comments]
    assert any("T101" in one.text and one.author == report_file.AUTHOR for one in document.comments)
    assert document.element.body.xml.count("<w:commentReference ") == len(list(document.comments))


def test_an_office_program_in_between_changes_nothing(path, soffice, tmp_path):
    from office import convert

    saved = str(convert(soffice, tmp_path / "自评报告.docx", tmp_path, "docx:MS Word 2007 XML"))
    assert report_file.write(content(checked(filled())), saved).kept == ()
    assert report_file.write(content(spent(800)), saved).kept == ()
    document = opened(saved)
    assert "全年执行数为800万元，预算执行率为80%" in whole(document) and row_of(document, "部门预算总额")[3:] == ["800", "80%"]
    figures = [part.blob.decode() for part in document.part.related_parts.values() if "/charts/" in part.partname]
    assert any("<c:v>800</c:v>" in one for one in figures)


# ---- what is refused ----


def refused(written, path) -> str:
    with pytest.raises(Refusal) as refusal:
        report_file.write(written, str(path))
    return refusal.value.code


def test_a_document_of_somebody_else_is_never_touched(tmp_path):
    own, foreign, broken = tmp_path / "own.docx", tmp_path / "foreign.docx", tmp_path / "broken.docx"
    docx.Document().save(str(foreign))
    broken.write_bytes(b"PK\x03\x04 and nothing more")
    report_file.write(content(checked(filled()._replace(department="别的局"))), str(own))
    before = {one: one.read_bytes() for one in (own, foreign, broken)}
    written = content(checked(filled()))
    assert [refused(written, one) for one in (own, foreign, broken)] == ["X723", "X722", "X722"]
    assert {one: one.read_bytes() for one in before} == before


def test_other_names_and_places_are_refused(tmp_path):
    written = content(checked(filled()))
    (tmp_path / "folder.docx").mkdir()
    assert [refused(written, tmp_path / name) for name in ("报告.doc", "报告", "folder.docx")] == ["X721"] * 3
    assert refused(written, tmp_path / "没有" / "报告.docx") == "X116"


def test_without_python_docx_a_new_report_is_written_and_an_old_one_is_not(path, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "docx", None)
    assert report_file.write(content(checked(filled())), str(tmp_path / "neu.docx")).new
    assert refused(content(checked(filled())), path) == "X724"


def test_a_report_that_cannot_be_written_leaves_the_old_one(path, monkeypatch):
    before = Path(path).read_bytes()

    def full(*_):
        raise Refusal("X116", file="x", why="disk full")

    monkeypatch.setattr(files, "replace", full)
    assert refused(content(spent(800)), path) == "X116" and Path(path).read_bytes() == before


# ---- the command ----


@pytest.fixture
def form(tmp_path) -> str:
    path = str(tmp_path / "表.xlsx")
    workbook_file.build(path, get("shangjie-2022"), filled(), False)
    return path


def test_the_command_writes_a_report_and_brings_it_up_to_date(form, tmp_path, capsys):
    out = str(tmp_path / "报告.docx")
    assert cli.main(["report", form, "-o", out]) == 0
    said = capsys.readouterr()
    assert said.out == f"自评报告：{out}\n" and "处〔请填写〕要写" in said.err
    change(out, lambda document: retype(document, "为950万", "为905万"))
    assert cli.main(["report", form, "-o", out]) == 0
    said = capsys.readouterr()
    assert said.out == f"自评报告已更新：{out}\n" and "手工改过，没有动：全年执行数。报告写的是“为905万”，按自评表应为“为950万”。" in said.err


def test_errors_of_the_form_are_told_by_the_exit_status(tmp_path, capsys):
    out = str(tmp_path / "报告.docx")
    assert cli.main(["report", str(EXAMPLES[2]), "-o", out, "--lang", "en"]) == 1
    said = capsys.readouterr().err
    assert "The form has 2 errors" in said
    assert cli.main(["--lang", "zh", "report", str(tmp_path / "没有.xlsx"), "-o", out]) == 2


def test_a_workbook_of_several_forms_needs_one(tmp_path, capsys):
    from perfeval_xl.template import blank, new_workbook, write_form

    path = str(tmp_path / "两张.xlsx")
    with new_workbook(path) as workbook:
        for name in ("甲", "乙"):
            write_form(_Named(workbook, name), get("shangjie-2022"), blank(get("shangjie-2022")))
    assert cli.main(["report", path, "-o", str(tmp_path / "r.docx")]) == 2
    assert "2 张自评表（甲、乙）" in capsys.readouterr().err


class _Named:
    """A workbook whose next sheet has a name of its own, and which defines no names twice."""

    def __init__(self, workbook, name: str) -> None:
        self.workbook, self.name = workbook, name

    def add_worksheet(self, _):
        return self.workbook.add_worksheet(self.name)

    def define_name(self, *_):
        pass

    def __getattr__(self, name: str):
        return getattr(self.workbook, name)


def test_marks_are_made_of_letters_that_every_office_program_keeps():
    assert report_xml.MARK.fullmatch(report_xml.name("0123abcd", "任意"))
    assert report_xml.checksum("a b\nc") == report_xml.checksum("abc")
    assert any(isinstance(block, Drawn) and isinstance(block.what, Chart) for block in content(checked(filled())).blocks)
    assert report_figures.say("ask", text="x").startswith(report_file.ASKED)
