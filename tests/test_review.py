"""The marked review copy: drawings are written to real files, checked, marked, and read back with openpyxl."""

import io
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from drawing import draw
from openpyxl.styles import Border, Font, Side

from perfeval_xl import record, review, review_lists
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import Percent

HEADS = "绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施"
#: T101 at J10, V202 at F11:F13, S101 at H16 (the rows add up to 90)
FORM = f"""
部门整体自评表
部门（单位）名称|<|某某区外事服务中心
部门整体支出情况||年初预算数|全年预算数|全年执行数|分值|执行率|得分
^|部门预算总额（万元）|100|100|100|10|100|10
^|资金来源：（1）政府预算资金|100|100|100|-|100|-
年度履职目标|预期目标|||实际完成情况
^|做好外事服务|||已完成
{HEADS}
^|投入管理指标|工作目标管理|年度履职目标相关性|相关|100%|15|15|0.00%
^|^|^|专项资金细化率|≥90%|45%|10|5|-50.00%
^|^|^|预算编制完整性|完整||2|2
^|^|^|决算真实性|真实||2|2
^|^|^|资金使用合规性|合规||1|1
^|产出指标|重点工作任务完成|工作完成率|≥90%|95%|25|20|0.00%|=1+1
^|效益指标|满意度|群众满意度|≥90%|98%|35|35|0.00%
总分|<|<|<|<|<|100|95
"""
CLEAN = """
部门整体自评表
项目名称|甲项目
一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
产出指标|数量|办件数|≥10件|11件|60|60
效益指标|社会|满意率|≥90%|95%|40|40
总分|<|<|<|<|100|100
"""


def save(path, *pictures, names=()):
    """Drawings as a real workbook, one sheet each."""
    with xlsxwriter.Workbook(str(path)) as workbook:
        percent = workbook.add_format({"num_format": "0.00%"})
        for n, picture in enumerate(pictures):
            drawn = draw(picture)
            sheet = workbook.add_worksheet(names[n] if names else f"表{n + 1}")
            for top, left, bottom, right in drawn.merged:
                sheet.merge_range(top, left, bottom, right, "")
            for row, line in enumerate(drawn.rows):
                for column, value in enumerate(line):
                    if isinstance(value, Percent):
                        sheet.write_number(row, column, float(value), percent)
                    elif isinstance(value, str):
                        sheet.write_string(row, column, value) if value else None
                    else:
                        sheet.write_number(row, column, value)
    return str(path)


def reviewed(path, folder, lang="zh"):
    records = record.check_file(path)
    out = os.path.join(folder, review.name_for(path))
    review.write(records, out, lang)
    return records, openpyxl.load_workbook(out), out


@pytest.fixture
def form(tmp_path):
    return save(tmp_path / "外事 2022.xlsx", FORM, names=["自评表"])


def texts(sheet):
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def lines(sheet, code):
    """The rows of 校验结果 that carry a code."""
    return [row for row in sheet.iter_rows() if row[2].value == code]


def test_the_name_of_the_copy():
    assert review.name_for("/a/b/外事 2022.xls") == "外事 2022_批注版.xlsx"
    assert review.name_for("a.xlsx", {"A_批注版.xlsx"}) == "a_批注版2.xlsx"
    assert len(review.name_for("长" * 84 + ".xlsx").encode()) <= 255


def test_every_finding_is_marked_at_its_cell_in_three_ways(form, tmp_path):
    records, book, _ = reviewed(form, tmp_path)
    sheet = book["自评表"]
    assert {one.code for one in records[0].findings} >= {"S101", "T101", "V202"}
    for one in records[0].findings:
        cell = sheet.cell(one.row + 1, one.column + 1)
        assert cell.comment.text.startswith(f"{review.MARK}\n【")
        assert one.code in cell.comment.text
        look = min(review_lists.LOOKS[other.severity] for other in records[0].findings if (other.row, other.column) == (one.row, one.column))
        assert cell.fill.fgColor.rgb.endswith(look.fill)
        assert cell.border.left.style == look.line
    marked = {(cell.row - 1, cell.column - 1) for row in sheet for cell in row if cell.comment}
    assert marked == {(one.row, one.column) for one in records[0].findings}
    assert len({look.line for look in review_lists.LOOKS.values()}) == len({look.fill for look in review_lists.LOOKS.values()}) == 3


def test_a_note_speaks_without_the_place_and_is_large_enough(form, tmp_path):
    _, book, _ = reviewed(form, tmp_path)
    note = book["自评表"]["H16"].comment
    assert note.text.split("\n")[1].startswith("【错误 S101】总分 95，各行得分合计为 90")
    assert "自评表!" not in note.text
    with zipfile.ZipFile(tmp_path / review.name_for(form)) as parts:
        shapes = next(parts.read(name).decode() for name in parts.namelist() if name.endswith(".vml"))
    assert "width:340px" in shapes


def test_links_jump_to_the_cell_and_like_findings_fold(form, tmp_path):
    _, book, _ = reviewed(form, tmp_path)
    result = book["校验结果"]
    total = lines(result, "S101")[0]
    assert (total[3].value, total[3].hyperlink.location, total[3].hyperlink.target) == ("自评表!H16", "'自评表'!H16", None)
    assert [cell.value for cell in total[4:7]] == ["总分", "95", "90"]
    (folded,) = lines(result, "V202")
    assert folded[3].value == "自评表!F11:F13 共 3 处"
    assert folded[3].hyperlink.location == "'自评表'!F11:F13"
    assert folded[4].value == "预算编制完整性、决算真实性、资金使用合规性"
    assert folded[1].value == "■ 错误"


def test_many_labels_fold_into_a_few():
    drawn = draw("甲\n乙\n丙\n丁\n戊")
    same = tuple(Finding("V202", name, row=row, column=0) for row, name in enumerate("甲乙丙丁"))
    one = record.Record("a.xlsx", grid=drawn, findings=(*same, Finding("V201", "戊", row=4, column=0)))
    values = [line for line, _ in review_lists._findings(one, "自评表", "zh")]
    assert [(line[1], line[2].area, line[3]) for line in values] == [("V202", "A1:A4", "甲、乙、丙等 4 项"), ("V201", "A5", "戊")]


def test_findings_that_are_not_alike_or_not_side_by_side_stay_apart():
    drawn = draw("甲\n乙\n丙\n丁\n戊")
    apart = (Finding("V106", "甲", "-1", row=0), Finding("V106", "乙", "-2", row=1), Finding("V106", "丙", "-2", row=3),
             Finding("L203", "甲"), Finding("L203", "乙"))
    one = record.Record("a.xlsx", grid=drawn, findings=tuple(finding._replace(column=0) for finding in apart[:3]) + apart[3:])
    assert len(review_lists.folded(one)) == 5


def test_the_second_list_holds_stated_against_recomputed(form, tmp_path):
    _, book, _ = reviewed(form, tmp_path)
    rows = {row[1].value: [cell.value for cell in row] for row in book["逐行核对"].iter_rows(min_row=4)}
    assert rows["工作完成率"][2:8] == ["≥90%", "95%", 25, 20, 25, -5]
    assert rows["工作完成率"][10] == "得分不符"
    assert rows["专项资金细化率"][5:11] == [5, 5, 0, "-50.00%", "-50.00%", "一致"]
    assert rows["决算真实性"][10] == "由人工评分"
    assert rows["部门预算总额（万元）"][4:11] == [10, 10, 10, 0, "100", "100%", "一致"]
    assert rows["总分"][5] == 95
    link = next(row[0].hyperlink.location for row in book["逐行核对"].iter_rows(min_row=4) if row[1].value == "工作完成率")
    assert link == "'自评表'!H14"


def test_the_summary_says_who_what_and_how_many(form, tmp_path):
    _, book, _ = reviewed(form, tmp_path)
    said = " ".join(str(value) for row in texts(book["校验结果"])[:6] for value in row if value is not None)
    for words in ("外事 2022.xlsx", "某某区外事服务中心", "shangjie-2022", "95", "■错误", "▲提醒", "○提示"):
        assert words in said


def test_a_form_without_findings_is_thanked(tmp_path):
    records = record.check_file(save(tmp_path / "a.xlsx", CLEAN))
    review.write([records[0]._replace(findings=())], str(tmp_path / "b.xlsx"))
    book = openpyxl.load_workbook(tmp_path / "b.xlsx")
    assert any("感谢认真填报" in str(value) for row in texts(book["校验结果"]) for value in row)
    assert not any(cell.comment for row in book["表1"] for cell in row)


def test_several_forms_of_a_workbook_share_the_lists(tmp_path):
    names = ["甲 单位", "乙's！（一）", "校验结果"]
    _, book, _ = reviewed(save(tmp_path / "a.xlsx", FORM, FORM, CLEAN, names=names), tmp_path)
    assert book.sheetnames == ["校验结果 2", "逐行核对", *names]
    assert [row[3].hyperlink.location for row in lines(book["校验结果 2"], "S101")] == ["'甲 单位'!H16", "'乙''s！（一）'!H16"]
    summary = [row[4].value for row in book["校验结果 2"].iter_rows(min_row=5, max_row=7)]
    assert summary == names


def test_a_user_note_is_kept_and_an_earlier_mark_of_ours_is_not(form, tmp_path):
    workbook = openpyxl.load_workbook(form)
    sheet = workbook.active
    sheet["H16"].comment = openpyxl.comments.Comment(f"科长：请复核\n────\n{review.MARK}\n【错误 S999】旧", "张")
    sheet["A1"].comment = openpyxl.comments.Comment("标题勿改", "李")
    sheet["C3"].comment = openpyxl.comments.Comment(f"{review.MARK}\n【错误 S999】旧", "perfeval_xl")
    workbook.save(form)
    _, book, _ = reviewed(form, tmp_path)
    sheet = book["自评表"]
    assert sheet["A1"].comment.text == "标题勿改"
    theirs, line, mark, ours = sheet["H16"].comment.text.split("\n")
    assert (theirs, set(line), mark, ours[:9]) == ("科长：请复核", {"─"}, review.MARK, "【错误 S101】")
    assert sheet["C3"].comment is None


def test_text_never_becomes_a_formula_link_or_format(tmp_path):
    evil = ("=1+1", "+2", "-甲", "@SUM(A1)", "=HYPERLINK(\"http://x\")")
    picture = FORM.replace("某某区外事服务中心", evil[4]).replace("≥90%|95%", f"{evil[0]}|{evil[2]}").replace("决算真实性", evil[3])
    path = save(tmp_path / "=cmd&P.xlsx", picture, names=["=1+1"])
    _, book, out = reviewed(path, tmp_path)
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert all(cell.hyperlink.target is None for cell in cells if cell.hyperlink)
    assert {cell.value for cell in cells if cell.value in evil} >= {evil[0], evil[3], evil[4]}
    with zipfile.ZipFile(out) as parts:
        sheets = b"".join(parts.read(name) for name in parts.namelist() if name.startswith("xl/worksheets/sheet"))
        assert b"<f>" not in sheets
        assert not any("externalLink" in name or "vba" in name for name in parts.namelist())
    assert all("cmd" not in (sheet.oddFooter.center.text or "") for sheet in book)


def test_formulas_become_their_values_and_nothing_active_comes_along(tmp_path):
    path = str(tmp_path / "a.xlsx")
    save(path, FORM, names=["自评表"])
    drawn = draw(FORM)
    with xlsxwriter.Workbook(path) as workbook:
        sheet, other = workbook.add_worksheet("自评表"), workbook.add_worksheet("密")
        for row, line in enumerate(drawn.rows):
            for column, value in enumerate(line):
                sheet.write(row, column, value) if isinstance(value, float) else sheet.write_string(row, column, value)
        sheet.write_formula("H16", "=SUM(H9:H15)", None, 95)
        sheet.write_url("A20", "http://example.invalid/x", string="链接")
        sheet.data_validation("B20", {"validate": "list", "source": "=密!$A$1:$A$3"})
        sheet.conditional_format("A1:J20", {"type": "formula", "criteria": "=A1>1"})
        workbook.define_name("偷", "='[x.xlsx]密'!$A$1")
        other.hide()
    _, book, _ = reviewed(path, tmp_path)
    sheet = book["自评表"]
    assert (sheet["H16"].value, sheet["H16"].data_type) == (95, "n")
    assert "密" not in book.sheetnames
    assert not book.defined_names
    assert not sheet.data_validations.dataValidation
    assert not list(sheet.conditional_formatting)
    assert sheet["A20"].hyperlink is None


def test_the_look_of_the_form_is_kept(form, tmp_path):
    workbook = openpyxl.load_workbook(form)
    sheet = workbook.active
    sheet.column_dimensions["B"].width, sheet.row_dimensions[3].height = 33, 41
    sheet.column_dimensions["F"].hidden = sheet.row_dimensions[2].hidden = True
    sheet["A1"].font = Font(name="黑体", size=20, bold=True)
    sheet["C4"].border = Border(bottom=Side("double"))
    sheet["C4"].number_format = "#,##0.00"
    sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.print_area = "landscape", 8, "A1:J16"
    sheet.print_title_rows = "1:2"
    workbook.save(form)
    _, book, _ = reviewed(form, tmp_path)
    sheet = book["自评表"]
    assert (sheet.column_dimensions["B"].width, sheet.row_dimensions[3].height) == (33, 41)
    assert (sheet["A1"].font.name, sheet["A1"].font.sz, sheet["A1"].font.b) == ("黑体", 20, True)
    assert (sheet["C4"].border.bottom.style, sheet["C4"].number_format) == ("double", "#,##0.00")
    assert (sheet.page_setup.orientation, sheet.page_setup.paperSize, sheet.print_title_rows) == ("landscape", 8, "$1:$2")
    assert sheet.print_area == "'自评表'!$A$1:$J$16"
    assert "A16:F16" in [str(area) for area in sheet.merged_cells.ranges]
    assert sheet.row_dimensions[2].hidden
    assert not sheet.column_dimensions["F"].hidden, "a hidden column with a finding is shown"


def test_the_lists_print_on_a4_with_their_headings(form, tmp_path):
    _, book, _ = reviewed(form, tmp_path)
    for sheet, head in ((book["校验结果"], 7), (book["逐行核对"], 3)):
        assert (sheet.page_setup.paperSize, sheet.page_setup.orientation, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (
            9, "landscape", 1, 0)
        assert sheet.sheet_properties.pageSetUpPr.fitToPage
        assert (sheet.print_title_rows, sheet.freeze_panes) == (f"${head}:${head}", f"A{head + 1}")
        assert sheet.oddFooter.center.text == "第 &P 页，共 &N 页"
        assert all(cell.alignment.wrap_text for cell in sheet[head])


def test_a_frame_goes_round_a_merged_area_and_the_note_sits_on_its_corner(tmp_path):
    form = FORM.replace("总分|<|<|<|<|<|100|95", "总分|<|<|<|<|<|100|95|<|<")
    records, book, _ = reviewed(save(tmp_path / "a.xlsx", form, names=["自评表"]), tmp_path)
    assert any((one.code, one.row, one.column) == ("S101", 15, 7) for one in records[0].findings)
    sheet = book["自评表"]
    assert sheet["H16"].comment
    assert [sheet[f"{column}16"].border.top.style for column in "HIJ"] == ["thick"] * 3
    assert (sheet["H16"].border.left.style, sheet["J16"].border.right.style, sheet["J16"].border.left.style) == ("thick", "thick", None)


def test_the_lists_are_not_taken_for_a_form_when_the_copy_is_checked(form, tmp_path):
    records, _, out = reviewed(form, tmp_path)
    again = record.check_file(out)
    assert [(one.sheet, one.refusal) for one in again] == [("自评表", None)]
    assert [one[:6] for one in again[0].findings] == [one[:6] for one in records[0].findings]


def test_the_input_is_untouched_and_never_the_output(form, tmp_path):
    before = Path(form).read_bytes()
    records, _, out = reviewed(form, tmp_path)
    assert Path(form).read_bytes() == before
    link = tmp_path / "链接.xlsx"
    link.symlink_to(form)
    for target in (form, str(link), str(tmp_path / "x" / ".." / Path(form).name)):
        with pytest.raises(Refusal) as refused:
            review.write(records, target)
        assert refused.value.code == "X115"
    assert Path(form).read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == sorted([Path(form).name, Path(out).name, link.name])


def test_a_folder_that_is_not_there_is_refused(form, tmp_path):
    with pytest.raises(Refusal) as refused:
        review.write(record.check_file(form), str(tmp_path / "没有" / "a.xlsx"))
    assert refused.value.code == "X116"
    with pytest.raises(ValueError):
        review.write([], str(tmp_path / "a.xlsx"))


def test_the_same_records_give_the_same_bytes(form, tmp_path):
    records = record.check_file(form)
    for name in ("1.xlsx", "2.xlsx"):
        review.write(records, str(tmp_path / name))
    assert (tmp_path / "1.xlsx").read_bytes() == (tmp_path / "2.xlsx").read_bytes()


def test_english(form, tmp_path):
    _, book, _ = reviewed(form, tmp_path, "en")
    assert book.sheetnames == ["Check results", "Row by row", "自评表"]
    assert [cell.value for cell in book["Check results"][7]][:4] == ["No.", "Severity", "Code", "Place"]
    assert lines(book["Check results"], "S101")[0][1].value == "■ error"
    assert book["自评表"]["H16"].comment.text.startswith(f"{review.MARK}\n[error S101] Total 95, but")


def test_a_file_that_openpyxl_had_better_not_open_is_redrawn(form, tmp_path, monkeypatch):
    """One merged area of whole columns costs openpyxl minutes and gigabytes."""
    wide = io.BytesIO()
    with zipfile.ZipFile(form) as old, zipfile.ZipFile(wide, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"</mergeCells>", b'<mergeCell ref="L1:Z1048576"/></mergeCells>'))
    Path(form).write_bytes(wide.getvalue())
    records, book, _ = reviewed(form, tmp_path)
    sheet = book["自评表"]
    assert sheet["H16"].comment.text.startswith(review.MARK)
    assert (sheet["A1"].value, sheet["C3"].value, sheet["F10"].value) == ("部门整体自评表", "年初预算数", "45%")
    assert sheet["H4"].border.bottom.style == "thin"
    assert review._opened(records[0].data) is None


def test_an_openpyxl_failure_still_gives_a_copy(form, tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise KeyError("xl/theme/theme9.xml")

    monkeypatch.setattr(review, "_opened", fail)
    _, book, _ = reviewed(form, tmp_path)
    assert book["自评表"]["H16"].comment


@pytest.mark.parametrize("part", [b"<!DOCTYPE x>", b"\xff\xfe<\0"])
def test_parts_with_entities_or_in_utf16_are_not_given_to_openpyxl(form, part):
    book = io.BytesIO()
    with zipfile.ZipFile(form) as old, zipfile.ZipFile(book, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("docProps/custom.xml", part)
    assert review._harmless(Path(form).read_bytes())
    assert not review._harmless(book.getvalue())


def test_a_refused_form_is_shown_with_its_reason(tmp_path):
    path = save(tmp_path / "a.xlsx", "\n".join(FORM.splitlines()[:-1]), names=["自评表"])
    records, book, _ = reviewed(path, tmp_path)
    assert records[0].refusal.code == "L101"
    assert book.sheetnames == ["校验结果", "自评表"]
    (line,) = lines(book["校验结果"], "L101")
    assert "没有“总分”" in line[7].value
    assert book["自评表"]["A1"].value == "部门整体自评表"


def test_sheet_names_that_excel_does_not_take():
    taken = set()
    assert [review._title(name, taken) for name in ("a/b:c", "A_B_C", "'引'", "长" * 40, "长" * 41, "")] == [
        "a_b_c", "A_B_C 2", "引", "长" * 31, "长" * 29 + " 2", "Sheet"]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="needs LibreOffice")
@pytest.mark.parametrize("kind", ["ods", "xls"])
def test_other_formats_are_redrawn_from_their_grid(form, tmp_path, kind):
    subprocess.run(["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", kind, "--outdir",
                    str(tmp_path / "out"), form], check=True, capture_output=True, timeout=120)
    path = str(tmp_path / "out" / f"{Path(form).stem}.{kind}")
    records, book, _ = reviewed(path, tmp_path)
    sheet = book["自评表"]
    assert {one.code for one in records[0].findings} >= {"S101", "T101", "V202"}
    assert sheet["H16"].comment.text.startswith(review.MARK)
    assert (sheet["J14"].value, sheet["J14"].data_type) == ("=1+1", "s")
    assert "A16:F16" in [str(area) for area in sheet.merged_cells.ranges]
    assert lines(book["校验结果"], "S101")[0][3].hyperlink.location == "'自评表'!H16"


def test_a_file_without_any_form_gives_a_copy_that_says_why(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"not a workbook")
    _, book, _ = reviewed(str(tmp_path / "a.xlsx"), tmp_path)
    assert book.sheetnames == ["校验结果"]
    assert lines(book["校验结果"], "X103")[0][3].value == "整张表"


def test_a_total_with_an_error_is_never_said_to_agree(tmp_path):
    """The rows add up to 90; recomputed they give the 95 that the form states."""
    _, book, _ = reviewed(save(tmp_path / "a.xlsx", FORM, names=["自评表"]), tmp_path)
    (total,) = [row for row in book["逐行核对"].iter_rows(min_row=4) if row[1].value == "总分" and row[5].value]
    assert [cell.value for cell in total][5:11] == [95, 95, 0, None, None, "总分不符"]
