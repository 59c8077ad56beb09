"""Reports in many styles about forms that no published report is about (cases/reports/styles): the right text has no finding, and each planted
contradiction is found alone, with its code, its sentence and both figures.

⟦right¦wrong¦CODE⟧ marks a place: the text is right with the first and has exactly this finding with the second.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import docx
import pytest
from test_narrative import report

from perfeval_xl import document, examples, messages, narrative, record, report_file
from perfeval_xl.figures import figures, sentences
from perfeval_xl.messages import Refusal
from perfeval_xl.report import content
from perfeval_xl.template import new_workbook, write_form

HERE = Path(__file__).parent / "cases" / "reports" / "styles"
MARK = re.compile("⟦([^¦⟧]*)¦([^¦⟧]*)¦([^⟧]*)⟧")
WHOLE = {path.stem: path.read_text(encoding="utf-8") for path in sorted(HERE.glob("*.txt"))}
SENTENCES = [tuple(line.split("|", 2)) for line in (HERE / "sentences.psv").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]


@pytest.fixture(scope="module")
def form(tmp_path_factory):
    """The record of one of the forms beside the reports, written and read once."""
    folder, known = tmp_path_factory.mktemp("forms"), {}

    def get(name: str) -> record.Record:
        if name not in known:
            path = str(folder / f"{name}.xlsx")
            if (HERE / f"{name}.toml").exists():
                edition, filling = examples.load(str(HERE / f"{name}.toml"))
                with new_workbook(path) as workbook:
                    write_form(workbook, edition, filling)
            else:  # of no known edition, in 元
                with new_workbook(path) as workbook:
                    sheet = workbook.add_worksheet("自评表")
                    for row, line in enumerate((HERE / f"{name}.form").read_text(encoding="utf-8").splitlines()):
                        for column, cell in enumerate(line.split("|")):
                            sheet.write(row, column, float(cell) if re.fullmatch("[0-9.]+", cell) else cell)
            (known[name],) = record.check_file(path)
            # blank rows may stand on a form, and the report says so
            assert not [one for one in known[name].findings if one.severity == "error" and one.code != "V202"]
        return known[name]

    return get


def right(text: str) -> str:
    """The text that agrees with the form."""
    return MARK.sub(lambda mark: mark[1], text)


def planted(text: str) -> list[tuple[str, re.Match]]:
    """The text once for each mark, with only that one wrong."""
    return [(right(text[: mark.start()]) + mark[2] + right(text[mark.end() :]), mark) for mark in MARK.finditer(text)]


def found(text: str, one: record.Record) -> list:
    return narrative.check(document.from_text(text), one)


def holds(got: list, mark: re.Match, text: str) -> None:
    """The findings are those of the mark; each quotes its sentence and shows what the report says and what is right."""
    assert sorted(one.code for one in got) == sorted(mark[3].split(",")), [messages.render(one, "自评表") for one in got]
    for one in got:
        assert "".join(one.label.split()) in "".join(text.split())
        quote = one.args["quote"].strip("…")
        assert "".join(quote.split("　")[0].split())[:8] in "".join(text.split()), quote
        for lang in messages.LANGUAGES:
            assert "None" not in messages.render(one, "自评表", lang)
        if one.code in ("R101", "R103", "R104", "R105", "R201", "R202", "R203", "R206", "R301", "R302") and len(mark[3]) == 4:
            assert one.stated and one.expected and one.stated != one.expected
            stated, wrong = (figures(sentences(f"为{words}，")[0].text) for words in (one.stated, mark[2]))
            assert not stated or any(stated[0].value == other.value for other in wrong)


@pytest.mark.parametrize("name", WHOLE)
def test_a_report_that_agrees_with_its_form_has_no_finding(name, form):
    assert [messages.render(one, "自评表") for one in found(right(WHOLE[name]), form(name.partition("-")[0]))] == []


@pytest.mark.parametrize("name, n", [(name, n) for name, text in WHOLE.items() for n, _ in enumerate(planted(text))])
def test_each_contradiction_is_found_alone(name, n, form):
    text, mark = planted(WHOLE[name])[n]
    holds(found(text, form(name.partition("-")[0])), mark, text)


@pytest.mark.parametrize("name", WHOLE)
def test_all_contradictions_of_a_report_are_found_together(name, form):
    """Some of them are then one cause: a rate or a share that follows from a wrong figure."""
    text = MARK.sub(lambda mark: mark[2], WHOLE[name])
    got = {one.code for one in found(text, form(name.partition("-")[0]))}
    assert {code for mark in MARK.finditer(WHOLE[name]) for code in mark[3].split(",")} - {"R105", "R203", "R206", "R207"} <= got


@pytest.mark.parametrize("name, chapter, text", SENTENCES, ids=lambda one: one[:24])
def test_a_sentence(name, chapter, text, form):
    whole = report(text, int(chapter), name not in ("wenhua", "shichang", "jiedao", "tushu", "xinfang"))
    assert [messages.render(one, "自评表") for one in found(right(whole), form(name))] == []
    for wrong, mark in planted(whole):
        holds(found(wrong, form(name)), mark, wrong)


def as_word(text: str, path: Path) -> str:
    """A text as a Word report: lines with tabs are the rows of a table."""
    book, table = docx.Document(), None
    for line in text.split("\n"):
        cells = line.split("\t")
        if len(cells) < 2:
            book.add_paragraph(line)
            table = None
            continue
        if table is None:
            table = book.add_table(0, len(cells))
        for cell, words in zip(table.add_row().cells, cells, strict=True):
            cell.text = words
    book.save(str(path))
    return str(path)


@pytest.mark.parametrize("name", WHOLE)
def test_a_word_file_says_what_its_text_says(name, form, tmp_path):
    for n, words in enumerate((right(WHOLE[name]), MARK.sub(lambda mark: mark[2], WHOLE[name]))):
        read = document.load(as_word(words, tmp_path / f"{n}.docx"))
        got, same = narrative.check(read, form(name.partition("-")[0])), found(words, form(name.partition("-")[0]))
        assert [(one.code, one.stated, one.expected) for one in got] == [(one.code, one.stated, one.expected) for one in same]


@pytest.mark.parametrize("change", [
    lambda text: re.sub(r"(?<![0-9.,])([0-9.]+)(?![0-9.,])", r" \1 ", text),
    lambda text: text.translate({ord("0") + n: ord("０") + n for n in range(10)} | {ord("%"): "％"}),
    lambda text: re.sub("。(?=.)", "。\n", text),
], ids=["spaces", "wide digits", "a paragraph for each sentence"])
@pytest.mark.parametrize("name", [name for name in WHOLE if "\t" not in WHOLE[name] and not name.startswith("zhujian-1")])
def test_how_it_is_typed_makes_no_difference(name, change, form):
    lines = right(WHOLE[name]).split("\n")
    text = "\n".join(lines[:3] + [change(line) if len(line) > 40 else line for line in lines[3:]])
    assert [messages.render(one, "自评表") for one in found(text, form(name.partition("-")[0]))] == []


# ---- published as PDF ----


@pytest.mark.parametrize("name", ["shuiwu-1", "shuiwu-3", "jiaoyu-2"])
def test_a_pdf_is_read_as_its_text_is(name, form, tmp_path, soffice):
    pytest.importorskip("pypdf")
    from office import convert

    one = form(name.partition("-")[0])
    for n, words in enumerate((right(WHOLE[name]), MARK.sub(lambda mark: mark[2], WHOLE[name]))):
        printed = convert(soffice, Path(as_word(words, tmp_path / f"{n}.docx")), tmp_path, "pdf")
        got, same = (narrative.check(read, one) for read in (document.load(str(printed)), document.from_text(words)))
        got, same = ({(one.code, one.stated, one.expected) for one in found} for found in (got, same))
        assert got <= same and len(same - got) <= 1, "a row of a table whose name takes two lines is left alone"


def test_a_report_of_ours_printed_as_pdf_has_no_finding(form, tmp_path, soffice):
    pytest.importorskip("pypdf")
    from office import convert

    path = tmp_path / "报告.docx"
    report_file.write(content(form("nongye")), str(path))
    read = document.load(str(convert(soffice, path, tmp_path, "pdf")))
    assert (read.department, read.year, len(read.chapters)) == ("白石县农业农村局", 2022, 9)
    assert [messages.render(one, "自评表") for one in narrative.check(read, form("nongye"))] == []


def test_without_pypdf_a_pdf_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdf", None)
    (tmp_path / "报告.pdf").write_bytes(b"%PDF-1.7\n")
    with pytest.raises(Refusal) as refusal:
        document.load(str(tmp_path / "报告.pdf"))
    assert refusal.value.code == "X323" and "perfeval_xl[pdf]" in refusal.value.words()


@pytest.mark.parametrize("hostile", [b"", b"1 0 obj\n<<>>\nendobj\n", b"\xff" * 4000, b"trailer << /Root 1 0 R /Prev 9 >>\nstartxref\n9\n%%EOF"])
def test_a_pdf_that_is_none_is_refused(tmp_path, hostile):
    pytest.importorskip("pypdf")
    (tmp_path / "报告.pdf").write_bytes(b"%PDF-1.7\n" + hostile)
    with pytest.raises(Refusal) as refusal:
        document.load(str(tmp_path / "报告.pdf"))
    assert refusal.value.code in ("X321", "X324")


def test_a_pdf_with_a_password_is_refused(tmp_path):
    pypdf = pytest.importorskip("pypdf")
    writer = pypdf.PdfWriter()
    writer.add_blank_page(200, 200)
    writer.encrypt("geheim", algorithm="RC4-128")
    writer.write(str(tmp_path / "报告.pdf"))
    with pytest.raises(Refusal) as refusal:
        document.load(str(tmp_path / "报告.pdf"))
    assert refusal.value.code == "X104"
