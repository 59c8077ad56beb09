"""The district workbook: what stands in it, that its formulas give what is stored, and that no text of a form ever becomes more than a text."""

from __future__ import annotations

import io
import os
import re
import time
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import openpyxl
import pytest
from districts import picture, save
from xlsxwriter.url import Url

from perfeval_xl import district, district_drafts, district_file, drafts, gather, long_list, made_up, messages, roster

SHEETS = ["报送情况", "汇总表", "指标明细", "校验结果", "分析", "说明", "_数据"]


def run(*paths, **how):
    return district.consolidate(gather.read_all(gather.find(list(map(str, paths)))), **how)


def opened(found, tmp_path, values=True):
    path = tmp_path / "汇总.xlsx"
    district_file.write(found, str(path))
    return openpyxl.load_workbook(path, data_only=values)


def rows(sheet):
    """The rows below the headings, without what is empty at their end."""
    return [[cell.value for cell in line] for line in sheet.iter_rows(min_row=4)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A made-up district with its workbook."""
    folder = tmp_path_factory.mktemp("区")
    truth = made_up.district(str(folder), 40)
    found = run(truth.forms, roster=roster.load(truth.roster))
    path = folder / "汇总.xlsx"
    district_file.write(found, str(path))
    return found, path


def test_the_sheets_are_those_of_the_bureau(whole):
    book = openpyxl.load_workbook(whole[1])
    assert book.sheetnames == SHEETS and book["_数据"].sheet_state == "veryHidden"
    for name in SHEETS[:4]:
        sheet = book[name]
        assert sheet.freeze_panes and sheet.auto_filter.ref and sheet.print_title_rows == "$3:$3"
        assert (sheet.page_setup.paperSize, sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == (9, "landscape", 0)
    assert len(book["分析"]._charts) == 4


def test_every_department_has_its_line_and_the_last_line_is_the_sum(whole):
    found, path = whole
    sheet = openpyxl.load_workbook(path, data_only=True)["汇总表"]
    heads = [cell.value for cell in sheet[3]]
    lines = [dict(zip(heads, row, strict=True)) for row in rows(sheet)]
    *departments, total = lines
    assert [line["部门（单位）"] for line in departments] == [found.name(line) for line in found.counted]
    for head in ("年初预算数", "全年预算数", "全年执行数", "错误"):
        assert total[head] == pytest.approx(sum(line[head] for line in departments), abs=1e-6)
    ranked = sorted(departments, key=lambda line: line["名次"])
    assert [line["重算总分"] for line in ranked] == sorted((line["重算总分"] for line in departments), reverse=True)
    assert total["执行率％"] == pytest.approx(total["全年执行数"] / total["全年预算数"] * 100, abs=0.005)


def test_an_office_works_out_what_is_stored(whole, soffice, tmp_path):
    from office import convert

    found, path = whole
    wrong = tmp_path / "空值.xlsx"  # the same formulas without results, so that the office has to work
    book = openpyxl.load_workbook(path)
    book.save(wrong)
    there, here = openpyxl.load_workbook(convert(soffice, wrong, tmp_path), data_only=True), openpyxl.load_workbook(path, data_only=True)
    formulas = openpyxl.load_workbook(path)
    count = 0
    for name in ("汇总表", "分析"):
        for line in formulas[name].iter_rows():
            for cell in line:
                if isinstance(cell.value, str) and cell.value.startswith("="):
                    stored, worked = here[name][cell.coordinate].value, there[name][cell.coordinate].value
                    count += 1
                    assert (worked or "") == (pytest.approx(stored, abs=1e-9) if isinstance(stored, (int, float)) and stored else stored or ""), cell
    assert count > 3 * len(found.counted)


def test_every_figure_keeps_file_sheet_and_cell(whole):
    found, path = whole
    book = openpyxl.load_workbook(path, data_only=True)
    details = rows(book["指标明细"])
    assert len(details) == sum(len(line.form.indicators()) for line in found.counted)
    source = openpyxl.load_workbook(Path(found.root) / details[5][14], data_only=True)["自评表"]
    assert source[details[5][15]].value == details[5][4]
    sheet = book["校验结果"]
    linked = [line[11] for line in sheet.iter_rows(min_row=4) if line[11].hyperlink]
    assert len(linked) == sum(one[2] is not None for line in found.counted for one in line.form.findings()) > 5
    for cell in linked:
        assert cell.hyperlink.target.replace("\\", "/").startswith("报送/") and cell.value.split("!")[1] in cell.hyperlink.location


def test_what_was_received_is_listed_with_its_state(whole):
    found, path = whole
    lines = rows(openpyxl.load_workbook(path, data_only=True)["报送情况"])
    states = [line[2] for line in lines]
    assert states.count("缺报") == 2 and states.count("读不了") == 1 and states.count("重复文件，未计入") == 1 and states.count("旧版，未计入") == 1
    assert states.count("已报，应退回") == sum(line.state == "return" for line in found.counted)
    assert len(lines) == len(found.lines) + 2


def small(folder):
    """A district in which every state of a form occurs."""
    save(folder / "报送" / "甲局.xlsx", picture("甲局", adjusted=200, executed=150, rate=75), saved=1_680_000_000)
    save(folder / "报送" / "初稿" / "甲局.xlsx", picture("甲局"), saved=1_670_000_000)
    save(folder / "报送" / "乙局.xlsx", picture("乙局", actual="80%", total=90), saved=1_680_000_000)
    (folder / "报送" / "乙局 - 副本.xlsx").write_bytes((folder / "报送" / "乙局.xlsx").read_bytes())
    save(folder / "报送" / "丙.xlsx", picture("丙街道办事处", year=2021), picture("丙街道办事处"), saved=1_680_000_000)
    save(folder / "报送" / "丁.xlsx", picture("丁文化和旅游局"), saved=1_680_000_000)
    (folder / "报送" / "坏.xlsx").write_bytes(b"PK")
    os.utime(folder / "报送" / "坏.xlsx", (0, 0))
    (folder / "名册.txt").write_text("甲局\n乙局\n丙街道办事处\n丁文化广电和旅游局\n戊局\n", encoding="utf-8")
    return run(folder / "报送", roster=roster.load(str(folder / "名册.txt")))


@pytest.mark.parametrize("sheet", SHEETS[:5])
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="times are shown in the zone of the machine")
def test_the_sheets_hold_what_they_held(tmp_path, golden, sheet, monkeypatch):
    monkeypatch.setenv("TZ", "CST-8")
    time.tzset()
    found = small(tmp_path)
    path = tmp_path / "汇总.xlsx"
    district_file.write(found, str(path))
    values, formulas = (openpyxl.load_workbook(path, data_only=stored)[sheet] for stored in (True, False))
    lines = []
    for here, there in zip(values.iter_rows(), formulas.iter_rows(), strict=True):
        cells = [f"{one.value}  {two.value}" if two.data_type == "f" else "" if one.value is None else str(one.value)
                 for one, two in zip(here, there, strict=True)]
        lines.append(" | ".join(cells).rstrip(" |"))
    monkeypatch.undo()
    time.tzset()
    # bytes of the packed forms differ between builds of zlib
    golden(f"district/{sheet}.txt", re.sub(r"[0-9a-f]{16}(?= *$)", "<sha256>", "\n".join(lines) + "\n", flags=re.M))


def test_the_same_forms_in_any_order_give_the_same_bytes(tmp_path):
    paths = [save(tmp_path / f"{n}.xlsx", picture(f"第{n}局", adjusted=100 + n)) for n in range(6)]
    forms = gather.read_all(paths)
    one, other = (district_file.data(district.consolidate(order), str(tmp_path)) for order in (forms, forms[::-1]))
    assert one == other
    big = [form._replace(sha256=f"{n}{k}", path=f"{k}/{form.path}", department=f"{form.department}{k}")
           for k in range(350) for n, form in enumerate(forms)]
    one, other = (district_file.data(district.consolidate(order), str(tmp_path)) for order in (big, big[::-1]))
    assert one == other, "put together on disk"


@pytest.mark.parametrize("path", ["甲.xlsx", "./甲.xlsx", "报送/甲 乙.xlsx", "../上/[1]^`{2}.xlsx", "C:/表/甲.xlsx", "c:\\表\\甲.xlsx",
                                  "//盘/共享/甲.xlsx", "\\\\盘\\共享\\甲 乙.xlsx", "/home/甲.xlsx", "a.xlsx"])
def test_a_link_names_its_file_as_xlsxwriter_would(path):
    url = Url(f"external:{path}")
    assert long_list._target(path) == url._target()


def test_drafts_outside_the_memory_are_the_same_rows(tmp_path, monkeypatch):
    paths = [save(tmp_path / f"{n}.xlsx", picture(f"第{n}局", adjusted=100 + n)) for n in range(6)]
    inside, outside = (_drafted(paths, str(tmp_path), monkeypatch, size) for size in (64_000_000, 10_000))
    assert inside == outside


def _drafted(paths, folder, monkeypatch, size):
    monkeypatch.setattr(district_drafts, "_IN_MEMORY", size)
    drafts = district_drafts.Drafts()
    forms = [drafts.keep(one) for found in district_drafts.many(paths) for one in found]
    assert (drafts._file is None) == (size > 1_000_000)
    try:
        return district_file.data(district.consolidate(forms), folder, drafts)
    finally:
        drafts.close()


ATTACKS = ["=cmd|'/C calc'!A0", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", "＝1+1", "=HYPERLINK(\"http://x\")", "http://example.org/x", "<r><t>甲</t></r>",
           "_x003D_1+1", "甲" * 40_000, "a\x0bb&<>\"'", "{=1}"]


@pytest.mark.parametrize("text", ATTACKS, ids=range(len(ATTACKS)))
def test_a_text_stays_a_text(tmp_path, text):
    form = gather.read_one(save(tmp_path / "甲.xlsx", picture(total=90)))[0]
    rows_ = [[text if isinstance(value, str) and n in (2, 3, 4, 11) else value for n, value in enumerate(row)] for row in form.indicators()]
    found = [[text if n in (3, 4) else value for n, value in enumerate(one)] for one in form.findings()]
    from perfeval_xl.compact import packed

    form = packed(form._replace(department=text, sheet="表1", body=(rows_, found), path=str(tmp_path / "=1+1.xlsx")))
    book = opened(district.consolidate([form]), tmp_path, values=False)
    for sheet in book.worksheets[:6]:
        for cell in (cell for line in sheet.iter_rows() for cell in line):
            if cell.data_type == "f":
                assert re.match(r"=(IF|SUBTOTAL|COUNTIFS?|RANK)\(", str(cell.value)), f"{sheet.title}!{cell.coordinate}"
            assert not cell.hyperlink or str(cell.hyperlink.target or "").startswith("=1+1.xlsx") or cell.hyperlink.target.startswith("./")
    shown = book["汇总表"]["B4"].value
    assert openpyxl.utils.escape.unescape(shown).strip() == drafts.clean(text).strip()  # openpyxl does not do so in texts that stand in their cells
    with zipfile.ZipFile(tmp_path / "汇总.xlsx") as parts:
        assert parts.testzip() is None
        import xml.dom.minidom

        for name in parts.namelist():
            xml.dom.minidom.parseString(parts.read(name))


def test_more_rows_than_a_sheet_takes_go_on_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(district_file, "SHEET_ROWS", 12)
    for n in range(5):
        save(tmp_path / f"{n}.xlsx", picture(f"第{n}局"))
    book = opened(run(tmp_path), tmp_path)
    assert [name for name in book.sheetnames if name.startswith("指标明细")] == ["指标明细", "指标明细（续2）", "指标明细（续3）"]
    assert sum(book[name].max_row - 3 for name in book.sheetnames if name.startswith("指标明细")) == 20


def test_mixed_editions_stand_side_by_side(tmp_path):
    examples = Path(__file__).parent.parent / "workbook" / "examples"
    book = opened(run(*sorted(examples.glob("*.xlsx"))), tmp_path)
    heads = [cell.value for cell in book["汇总表"][3]]
    assert [head for head in heads if head.endswith("得分")] == ["预算执行得分", "投入管理指标得分", "产出指标得分", "效益指标得分", "预算执行率得分"]
    names = {line[1]: line for line in rows(book["汇总表"])}
    waishi = dict(zip(heads, names["中国共产党郑州市上街区委员会外事服务中心"], strict=True))
    assert (waishi["自评总分"], waishi["重算总分"], waishi["差"], waishi["自评等级"], waishi["重算等级"]) == (90, 89, -1, "优", "良")


def test_a_district_without_forms_is_a_workbook_all_the_same(tmp_path):
    book = opened(district.consolidate([], roster.Roster([roster.Department("甲局")])), tmp_path)
    assert rows(book["报送情况"])[0][1:3] == ["甲局", "缺报"]


def test_it_speaks_english(tmp_path, monkeypatch):
    save(tmp_path / "甲.xlsx", picture(total=90))
    messages.speak("en")
    try:
        book = opened(run(tmp_path), tmp_path)
    finally:
        messages.speak("")
    assert book.sheetnames[:6] == ["Received", "Summary", "Indicators", "Findings", "Analysis", "About"]
    assert book["Summary"]["B3"].value == "Department"


def test_rows_are_drafted_in_the_formats_of_the_workbook():
    """Whoever reads a form has no workbook: the numbers of the formats are agreed upon."""
    from perfeval_xl import district_book, district_drafts, district_lists

    book = district_book.Book(io.BytesIO(), 1)
    assert book.shape(district_lists.indicator_columns()) == district_drafts.shape()
    book.workbook.close()


@pytest.mark.parametrize(("text", "stored"), [
    ("_x0041_", "_x005F_x0041_"), (" 两端 ", " 两端 "), ("a\nb", "a\nb"), ("<r>1</r>", " <r>1</r>"), ("=1+1", "=1+1"), ("\x02", ""),
    ("]]>&amp;", "]]>&amp;"), ("x" * 40_000, "x" * 32_767)])
def test_texts_are_shown_as_they_stand(text, stored):
    """Excel reads _x0041_ in a cell as A, and drops blanks at the ends of a text that does not claim them."""
    row = ElementTree.fromstring(drafts.at(drafts.Draft(drafts.Shape((1,), ())).row([text]), 7))
    cell = row.find("c")
    assert (row.get("r"), cell.get("r"), cell.get("t")) == ("7", "A7", "inlineStr")
    shown = cell.find("is/t")
    assert (shown.text or "") == stored
    assert (shown.get("{http://www.w3.org/XML/1998/namespace}space") == "preserve") == (stored != stored.strip())


def test_what_a_row_says_later_is_no_text_of_the_form():
    """A text that looks like a mark of ours is cleaned, and never becomes a department or the number of a row."""
    draft = drafts.Draft(drafts.Shape((1, 2, 3, 4), ())).rows([[*drafts.LATER, "\0\1\2\3", 5], [*drafts.LATER, None, 2.5]])
    rows_ = ElementTree.fromstring(b"<a>%s</a>" % drafts.placed(draft, 9, ("某局", "a&b.xlsx")))
    assert [[one.get("r"), *[cell.get("r") for cell in one]] for one in rows_] == [["9", "A9", "B9", "C9", "D9"], ["10", "A10", "B10", "C10", "D10"]]
    assert [["".join(cell.itertext()) for cell in one] for one in rows_] == [["某局", "a&b.xlsx", "", "5"], ["某局", "a&b.xlsx", "", "2.5"]]


def test_a_number_is_written_one_way():
    draft = drafts.Draft(drafts.Shape((1,), ()))
    assert [drafts.at(draft.row([value]), 1).partition(b"<v>")[2].partition(b"</v>")[0] for value in (200.0, 200, 0.1, -0.0, 1e20)] == [
        b"200", b"200", b"0.1", b"0", b"1e+20"]
