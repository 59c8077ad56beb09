"""Reading a report: encodings, hard-wrapped lines, Word paragraphs, tables and revisions, and what is refused."""

import zipfile

import docx
import pytest
from docx.oxml import OxmlElement
from docx.oxml.ns import qn

from perfeval_xl import document
from perfeval_xl.messages import Refusal

TEXT = "2022年度某区教育局部门整体绩效自评报告\n一、基本情况\n本部门职责如下。\n二、绩效自评工作开展情况\n成立了小组。\n"


def chapters(found):
    return [(chapter.title, [block.text for block in chapter.blocks if block.text]) for chapter in found.chapters if chapter.title]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_a_text_in_any_usual_encoding(tmp_path, encoding):
    path = tmp_path / "报告.txt"
    path.write_bytes(TEXT.encode(encoding))
    found = document.load(str(path))
    assert (found.department, found.year) == ("某区教育局", 2022)
    assert chapters(found) == [("一、基本情况", ["本部门职责如下。"]), ("二、绩效自评工作开展情况", ["成立了小组。"])]


@pytest.mark.parametrize("content, code", [
    (b"", "X324"), (b" \n", "X324"), (b"%PDF-1.7\n", "X321"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "X322"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "X104"),
    (b"PK\x03\x04 broken", "X321"), (b"\xff\xff\x81\0\0", "X321"),
])
def test_what_is_no_report_is_refused(tmp_path, content, code):
    path = tmp_path / "报告.txt"
    path.write_bytes(content)
    with pytest.raises(Refusal) as refusal:
        document.load(str(path))
    assert refusal.value.code == code
    assert "报告.txt" in str(refusal.value)


def test_missing_files_folders_and_other_extensions_are_refused(tmp_path):
    (tmp_path / "a.html").write_text("<p>x</p>")
    for name, code in (("没有.docx", "X101"), ("", "X325"), ("a.html", "X321")):
        with pytest.raises(Refusal) as refusal:
            document.load(str(tmp_path / name))
        assert refusal.value.code == code


def test_a_zip_bomb_and_a_doctype_are_refused(tmp_path):
    path = tmp_path / "大.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b"<w/>" + b" " * 70_000_000)
    with pytest.raises(Refusal) as refusal:
        document.load(str(path))
    assert refusal.value.code == "X326"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b'<!DOCTYPE x [<!ENTITY a "b">]><w>&a;</w>')
    with pytest.raises(Refusal) as refusal:
        document.load(str(path))
    assert refusal.value.code == "X321"


def test_a_text_longer_than_any_report_is_refused(tmp_path):
    (tmp_path / "长.txt").write_text("工作有序推进。" * 80_000, encoding="utf-8")
    with pytest.raises(Refusal) as refusal:
        document.load(str(tmp_path / "长.txt"))
    assert refusal.value.code == "X326"


def test_deeply_nested_xml_is_refused(tmp_path):
    path = tmp_path / "深.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b"<a>" * 60_000 + b"</a>" * 60_000)
    with pytest.raises(Refusal) as refusal:
        document.load(str(path))
    assert refusal.value.code in ("X321", "X324")


def test_lines_broken_by_a_pdf_are_joined():
    text = ("一、基本情况\n\n（一）主要任务。\n\n全年预算数为83.2\n\n\n\n万元，全年执行金额为56万元，预算\n执行率为67%。\n"
            "1.评价得分\n得分为90分\n\n，结果为优。")
    found = document.from_text(text)
    assert chapters(found) == [("一、基本情况", ["全年预算数为83.2万元，全年执行金额为56万元，预算执行率为67%。", "得分为90分，结果为优。"])]
    assert found.chapters[1].blocks[-1].headings == ("（一）主要任务。", "1.评价得分")


def test_two_figures_do_not_become_one():
    (chapter,) = chapters(document.from_text("一、基本情况\n全年2022\n12次会议。"))
    assert chapter[1] == ["全年2022 12次会议。"]


def test_the_printed_form_is_kept_apart_and_the_chapters_go_on():
    text = "一、基本情况\n说明。\n部门整体自评表\n部门（单位）名称 某局\n总分 100 90\n二、绩效自评工作开展情况\n成立了小组。"
    found = document.from_text(text)
    assert [(block.text[:6], block.form) for chapter in found.chapters for block in chapter.blocks] == [
        ("说明。", False), ("部门整体自评", True), ("部门（单位）", True), ("", True), ("成立了小组。", False)]


def test_a_table_of_contents_makes_no_chapters():
    found = document.from_text("一、基本情况…………1\n二、绩效自评工作开展情况\t\t3\n一、基本情况\n内容。")
    assert chapters(found) == [("一、基本情况", ["内容。"])]


@pytest.fixture
def word(tmp_path):
    book = docx.Document()
    path = str(tmp_path / "报告.docx")

    def load():
        book.save(path)
        return document.load(path)

    return book, load


def test_styled_headings_need_no_numbers(word):
    book, load = word
    book.add_paragraph("某区教育局2022年度部门整体绩效自评报告")
    book.add_heading("基本情况", 1)
    book.add_paragraph("职责。")
    book.add_heading("综合评价结论", 1)
    book.add_heading("评价得分", 2)
    book.add_paragraph("得分为90分。")
    found = load()
    assert [(one.title, one.topic) for one in found.chapters[1:]] == [("基本情况", "basics"), ("综合评价结论", "conclusion")]
    assert found.chapters[2].blocks[-1].headings == ("评价得分",)


def test_tables_of_word_are_read_and_the_form_is_recognised(word):
    book, load = word
    book.add_paragraph("三、综合评价结论")
    for heads in (("指标", "分值", "得分"), ("一级指标", "三级指标", "年度指标值")):
        table = book.add_table(2, 3)
        for n, head in enumerate(heads):
            table.cell(0, n).text = head
    blocks = [block for block in load().chapters[1].blocks if block.rows]
    assert [(block.rows[0], block.form) for block in blocks] == [(("指标", "分值", "得分"), False), (("一级指标", "三级指标", "年度指标值"), True)]


def test_deleted_text_is_left_out_and_inserted_text_is_not(word):
    book, load = word
    paragraph = book.add_paragraph("一、基本情况得分为")
    book.paragraphs[0].text = "一、基本情况"
    paragraph = book.add_paragraph("得分为")
    for tag, kind, text in (("w:del", "w:delText", "80"), ("w:ins", "w:t", "90")):
        change, run, part = OxmlElement(tag), OxmlElement("w:r"), OxmlElement(kind)
        part.text = text
        run.append(part)
        change.append(run)
        paragraph._p.append(change)
    assert chapters(load()) == [("一、基本情况", ["得分为90"])]


def test_lines_broken_by_hand_inside_a_paragraph(word):
    book, load = word
    book.add_paragraph("一、基本情况")
    book.add_paragraph("一是全年预算\n数为83.2万元。\n1.评价得分为90分。")
    assert chapters(load())[0][1] == ["一是全年预算数为83.2万元。", "1.评价得分为90分。"]


def test_runs_of_one_figure_are_one_figure(word):
    book, load = word
    book.add_paragraph("一、基本情况")
    paragraph = book.add_paragraph("执行率")
    for run in ("6", "6", ".", "6%"):
        paragraph.add_run(run).bold = True
    assert chapters(load())[0][1] == ["执行率66.6%"]


def test_the_namespace_of_strict_documents_is_known(tmp_path):
    w = "http://purl.oclc.org/ooxml/wordprocessingml/main"
    body = f'<w:document xmlns:w="{w}"><w:body><w:p><w:r><w:t>一、基本情况</w:t></w:r></w:p><w:p>' \
           '<w:r><w:t>职责。</w:t></w:r></w:p></w:body></w:document>'
    with zipfile.ZipFile(tmp_path / "a.docx", "w") as parts:
        parts.writestr("word/document.xml", body)
    assert chapters(document.load(str(tmp_path / "a.docx"))) == [("一、基本情况", ["职责。"])]


def test_the_qualified_names_of_the_tests_are_those_of_word():
    assert qn("w:p").startswith("{http://schemas.openxmlformats.org/")
