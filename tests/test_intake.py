"""Files of every kind -> grids, and bad files -> one refusal each: real files, made by XlsxWriter, openpyxl and LibreOffice."""

import datetime
import hashlib
import io
import os
import re
import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from drawing import draw
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perfeval_xl import cells, gate, intake, layout, messages, record, table, xlsx
from perfeval_xl.messages import Refusal
from perfeval_xl.model import Percent

EXAMPLES = sorted((Path(__file__).parent.parent / "workbook" / "examples").glob("*.xlsx"))

#: right in every figure; the rates and deviations are numbers shown as percentages
FORM = """
部门整体自评表
部门（单位）名称|<|某区数据中心
部门整体支出情况||年初预算数|全年预算数|全年执行数|分值|执行率|得分
^|部门预算总额（万元）|400|400|360|10|90%%|10
^|资金来源：（1）政府预算资金|390|390|351|-|90%%|-
^|（3）单位资金|10|10|9|-|90%%|-
绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施
^|投入管理指标|预算和财务管理|专项资金细化率|90%%|66.6%%|30|22.2|-26%%|资金到账晚，明年提前申报
^|产出指标|履职目标实现|完成率|≥90%|100%%|25|25|0%%|
^|效益指标|满意度|群众满意度|≥90%|95%|35|35|0.00%|
总分|<|<|<|<|<|100|92.2
"""
#: a form that stands outside every district, as short as a form can be
SMALL = """
项目支出绩效自评表
项目名称|甲项目
一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
产出指标|数量指标|办件数|≥10件|11件|60|60
效益指标|社会效益指标|满意率|≥90%|95%|40|40
总分|<|<|<|<|100|100
"""


def forget():
    """No form may be read right because the same line was read before."""
    for module in (cells, layout, table):
        for function in vars(module).values():
            if hasattr(function, "cache_clear"):
                function.cache_clear()


def save(path, *pictures, names=(), style="0.00%", hidden=()):
    """Drawings as a real workbook, one sheet each."""
    with xlsxwriter.Workbook(str(path)) as workbook:
        percent = workbook.add_format({"num_format": style})
        for n, picture in enumerate(pictures):
            drawn, name = draw(picture), names[n] if names else f"表{n + 1}"
            sheet = workbook.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for row, line in enumerate(drawn.rows):
                for column, value in enumerate(line):
                    if value != "":
                        sheet.write(row, column, float(value) if type(value) is Percent else value, percent if type(value) is Percent else None)
            for top, left, bottom, right in drawn.merged:
                value = drawn.rows[top][left]
                sheet.merge_range(top, left, bottom, right, float(value) if type(value) is Percent else value,
                                  percent if type(value) is Percent else None)
    return str(path)


def parts(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def packed(path, content, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in content.items():
            file.writestr(name, data)
    return str(path)


def rewritten(path, change, part="xl/worksheets/sheet1.xml"):
    """The same workbook with one part changed."""
    content = parts(path)
    changed = change(content[part])
    assert changed != content[part]
    return packed(path, {**content, part: changed})


def office(soffice, folder, kind, *paths):
    """The workbooks converted by LibreOffice; gives their folder."""
    target = Path(folder) / kind
    subprocess.run([soffice, f"-env:UserInstallation={Path(folder).as_uri()}/profile", "--headless", "--convert-to", kind,
                    "--outdir", str(target), *map(str, paths)], check=True, capture_output=True, timeout=120)
    return target


def only(path):
    """The single record of a file, read as if it were the first."""
    forget()
    records = record.check_file(str(path))
    assert len(records) == 1
    return records[0]


def as_json(path, wanted=""):
    """The JSON of a form without what names the file, read as if it were the first."""
    forget()
    return remembered(path, wanted)


def remembered(path, wanted=""):
    """The JSON of a form without what names the file, read after whatever was read before."""
    one = record.as_json(record.check_file(str(path), wanted)[0])
    return {key: value for key, value in one.items() if key not in ("file", "sha256")}


def codes(one):
    return sorted(finding.code for finding in one.findings)


# ---- numbers as the user sees them ----


def test_the_drawn_form_is_right(tmp_path):
    one = only(save(tmp_path / "a.xlsx", FORM))
    assert (codes(one), float(one.card.total), one.card.grade) == ([], 92.2, "优")


@pytest.mark.parametrize("style", ["0%", "0.00%", "0.0%", "#,##0.00%", "0.00%;[Red]-0.00%", '0.00"左右"%', "0.00 %", '[<0.9]0.00%;0.00%'])
def test_a_percent_format_gives_percent_points(tmp_path, style):
    path = save(tmp_path / "a.xlsx", FORM, style=style)
    assert type(intake.load(path).sheets[0].rows[3][6]) is Percent
    assert as_json(path) == as_json(save(tmp_path / "b.xlsx", FORM))
    assert as_json(path)["funds"][0]["rate_stated"] == 90 and as_json(path)["indicators"][0]["deviation_stated"] == -26


@pytest.mark.parametrize("style", ['0.00"%"', "0.00\\%", '0.00"(%)"', "0.00_%", "0.00", "General", "0.00E+00"])
def test_a_percent_sign_that_is_only_text_changes_no_number(tmp_path, style):
    path = save(tmp_path / "a.xlsx", FORM, style=style)
    value = intake.load(path).sheets[0].rows[3][6]
    assert (type(value), value) == (float, 0.9)


def test_percent_formats_made_by_openpyxl_are_read(tmp_path):
    workbook = openpyxl.Workbook()
    for row, style in enumerate(("0%", "0.00%", "0.000%", '0"%"', "General"), 1):
        cell = workbook.active.cell(row, 1, 0.666)
        cell.number_format = style
    workbook.save(tmp_path / "a.xlsx")
    values = [row[0] for row in intake.load(str(tmp_path / "a.xlsx")).sheets[0].rows]
    assert [(type(value), float(value)) for value in values] == [(Percent, 0.666)] * 3 + [(float, 0.666)] * 2


def test_a_percent_formatted_text_stays_a_text(tmp_path):
    path = save(tmp_path / "a.xlsx", FORM.replace("|100%%|25|", "|'100%|25|"))
    assert as_json(path)["indicators"][1]["actual"] == "100%"


ERRORS = ("#DIV/0!", "#N/A", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!")


@pytest.mark.parametrize("error", ERRORS)
def test_a_formula_error_is_a_finding_and_never_a_zero(tmp_path, error):
    one = only(save(tmp_path / "a.xlsx", FORM.replace("|25|25|", f"|25|{error}|").replace("|10|90%%|10\n", f"|10|{error}|10\n", 1)))
    found = [(finding.code, finding.stated) for finding in one.findings if finding.code == "V102"]
    assert found == [("V102", error)] * 2
    entry = record.as_json(one)
    assert entry["indicators"][1]["score_stated"] is None and entry["funds"][0]["rate_stated"] is None


def with_formula(path, error, kind):
    """The score of the second row as a formula that failed, as three programs write it."""
    save(path, FORM.replace("|25|25|", "|25|#N/A|"))
    if kind == "xlsxwriter":
        with xlsxwriter.Workbook(str(path)) as workbook:
            sheet = workbook.add_worksheet()
            for row, line in enumerate(draw(FORM).rows):
                for column, value in enumerate(line):
                    sheet.write_formula(row, column, "=1/0", None, error) if (row, column) == (8, 7) else sheet.write(row, column, value)
        return str(path)
    formulas = {"plain": b"<f>1/0</f>", "shared": b'<f t="shared" si="0"/>', "none": b"",
                "quoted": b"<f>IF(A1&lt;&gt;&quot;&quot;,1/0)</f>",
                "array": b'<f t="array" ref="H9">1/0</f>', "spaced": b"\n <f>1/0</f>\n "}
    cell = b'<c r="H9" t="e">%s<v>%s</v></c>' % (formulas[kind], error.encode())
    return rewritten(path, lambda xml: re.sub(rb'<c r="H9"[^>]*>.*?</c>', cell, xml))


@pytest.mark.parametrize("kind", ["xlsxwriter", "plain", "shared", "quoted", "none", "array", "spaced"])
def test_a_formula_error_is_found_however_it_was_written(tmp_path, kind):
    one = only(with_formula(tmp_path / "a.xlsx", "#REF!", kind))
    assert ("V102", "#REF!", 8, 7) in [(finding.code, finding.stated, finding.row, finding.column) for finding in one.findings]


def test_odd_cells_keep_their_kind(tmp_path):
    workbook = openpyxl.Workbook()
    values = (True, False, datetime.datetime(2022, 7, 20), datetime.date(2022, 7, 31), 7, 7.5, "007", "", None, -3)
    workbook.active.append(values)
    workbook.active.cell(2, 1, "end")
    workbook.save(tmp_path / "a.xlsx")
    line = intake.load(str(tmp_path / "a.xlsx")).sheets[0].rows[0]
    assert [line[n] for n in (0, 1)] == ["TRUE", "FALSE"]  # as text, because True would equal 1
    assert [str(line[n])[:10] for n in (2, 3)] == ["2022-07-20", "2022-07-31"]
    assert list(line[4:]) == [7, 7.5, "007", "", "", -3]


def test_a_date_cell_is_a_date_of_the_row(tmp_path):
    path = tmp_path / "a.xlsx"
    save(path, FORM.replace("完成率|≥90%|100%%", "完成时间|7月31日前|占位").replace("部门整体自评表", "部门整体自评表（2022年度）", 1))
    workbook = openpyxl.load_workbook(path)
    workbook.active["F9"] = datetime.datetime(2022, 7, 20)
    workbook.active["F9"].number_format = "yyyy-mm-dd"
    workbook.save(path)
    row = as_json(path)["indicators"][1]
    assert (row["kind"], row["actual"], row["score"], row["deviation"]) == ("date", "2022-07-20", 25, 0)


def test_true_is_no_score(tmp_path):
    path = tmp_path / "a.xlsx"
    save(path, FORM)
    workbook = openpyxl.load_workbook(path)
    workbook.active["H9"] = True
    workbook.save(path)
    one = only(path)
    assert "V101" in codes(one) and record.as_json(one)["indicators"][1]["score_stated"] is None


def read_after(other, path):
    """The first row of a form, read after another form."""
    forget()
    remembered(other)
    return remembered(path)["indicators"][0]


@pytest.mark.parametrize("cell, other", [("60%%", "0.6"), ("0.6", "60%%")])
def test_a_share_is_not_taken_for_a_fraction_that_was_read_before(tmp_path, cell, other):
    path, before = (save(tmp_path / name, FORM.replace("66.6%%", value)) for name, value in (("a.xlsx", cell), ("b.xlsx", other)))
    assert read_after(before, path)["actual"] == cell.replace("%%", "%")


@pytest.mark.parametrize("value, other", [(True, 1), (1, True), (False, 0), (0, False)])
def test_a_truth_is_not_taken_for_a_number_that_was_read_before(tmp_path, value, other):
    path, before = tmp_path / "a.xlsx", tmp_path / "b.xlsx"
    for one, score in ((path, value), (before, other)):
        workbook = openpyxl.load_workbook(save(one, FORM))
        workbook.active["H8"] = score
        workbook.save(one)
    assert read_after(before, path)["score_stated"] == (None if isinstance(value, bool) else value)


def test_what_was_read_before_changes_nothing(tmp_path):
    pictures = [FORM.replace("66.6%%", "60%%"), FORM.replace("66.6%%", "0.6"), FORM.replace("90%%|66.6%%", "0.9|60%%"),
                FORM.replace("-26%%", "-0.26"), SMALL]
    paths = [save(tmp_path / f"{n}.xlsx", picture) for n, picture in enumerate(pictures)]
    alone = {path: as_json(path) for path in paths}
    forget()
    assert {path: remembered(path) for path in paths} == alone
    forget()
    assert {path: remembered(path) for path in reversed(paths)} == alone


# ---- sheets, merged cells, names ----


def test_merged_parts_fill_down(tmp_path):
    entry = as_json(save(tmp_path / "a.xlsx", FORM.replace("^|产出指标|履职目标实现", "^|^|^")))
    assert [row["part"] for row in entry["indicators"]] == ["投入管理指标", "投入管理指标", "效益指标"]
    assert intake.load(str(tmp_path / "a.xlsx")).sheets[0].merged == ((1, 0, 1, 1), (2, 0, 5, 0), (6, 0, 9, 0), (7, 1, 8, 1), (7, 2, 8, 2),
                                                                       (10, 0, 10, 5))


def test_every_visible_sheet_with_a_form_gives_a_record(tmp_path):
    path = save(tmp_path / "a.xlsx", FORM, "说明|请勿删改", SMALL, SMALL, names=("甲", "填报说明", "乙", "旧表"), hidden=("旧表",))
    assert [(one.sheet, one.edition.id) for one in record.check_file(path)] == [("甲", "shangjie-2022"), ("乙", "mof-2020-project")]


def test_a_hidden_form_is_read_only_where_no_visible_one_is(tmp_path):
    path = save(tmp_path / "a.xlsx", "说明|请勿删改", SMALL, names=("说明", "自评表"), hidden=("自评表",))
    assert [one.sheet for one in record.check_file(path)] == ["自评表"]


def test_a_very_hidden_form_is_read_too(tmp_path):
    path = save(tmp_path / "a.xlsx", "说明|请勿删改", SMALL, names=("说明", "自评表"), hidden=("自评表",))
    rewritten(path, lambda xml: xml.replace(b'state="hidden"', b'state="veryHidden"'), "xl/workbook.xml")
    assert [one.sheet for one in record.check_file(path)] == ["自评表"]


def test_a_chart_sheet_is_passed_over(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        chart, sheet = workbook.add_chart({"type": "column"}), workbook.add_worksheet("自评表")
        chart.add_series({"values": "=自评表!$F$4:$F$5"})
        workbook.add_chartsheet("图").set_chart(chart)
        for row, line in enumerate(draw(SMALL).rows):
            sheet.write_row(row, 0, line)
    assert only(path).sheet == "自评表"


@pytest.mark.parametrize("name", ["自评表", "自评 表", "局'的'表", "A&B<1>", "2022", "表！1"])
def test_the_stamp_is_found_through_the_names_of_the_workbook(tmp_path, name):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet(name)
        for row, line in enumerate(draw(SMALL).rows):
            sheet.write_row(row, 0, line)
        sheet.write("L2", "jinshui-2021")
        sheet.write("M3", 2021)
        quoted = "'" + name.replace("'", "''") + "'"
        workbook.define_name("pe_edition", f"={quoted}!$L$2")
        workbook.define_name("pe_year", f"={quoted}!$M$3:$M$3")
        workbook.define_name("pe_total", "=#REF!$A$1")
        workbook.define_name("other", f"={quoted}!$A$1")
    assert intake.load(str(path)).sheets[0].stamp == {"pe_edition": "jinshui-2021", "pe_year": 2021}
    one = only(path)
    assert (one.edition.id, one.form.year, one.sheet) == ("jinshui-2021", 2021, name)


def test_a_name_that_points_nowhere_stamps_nothing(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        workbook.add_worksheet("自评表").write("A1", "x")
        for name, target in (("pe_edition", "=自评表!$ZZ$900"), ("pe_year", "=OFFSET(自评表!$A$1,1,1)"), ("pe_grade", '="优"')):
            workbook.define_name(name, target)
    assert intake.load(str(path)).sheets[0].stamp == {}


def test_an_unknown_stamp_is_said(tmp_path):
    path = tmp_path / "a.xlsx"
    save(path, FORM)
    workbook = openpyxl.load_workbook(path)
    workbook.active["N1"] = "shangjie-2032"
    workbook.defined_names["pe_edition"] = openpyxl.workbook.defined_name.DefinedName("pe_edition", attr_text="表1!$N$1")
    workbook.save(path)
    assert codes(only(path)) == ["L202"]


# ---- the same sheet, written otherwise ----


def style_first(xml):
    """Every cell with its attributes the other way round."""
    typed = xml.replace(b'"><v>', b'" t="n"><v>').replace(b't="s" t="n"', b't="s"')
    return re.sub(rb'<c( r="[A-Z]+[0-9]+")((?: [st]="[a-z0-9]+")+)', rb"<c\2\1", typed)


def style_first_at_times(xml):
    return re.sub(rb'<c r="([A-Z]+[0-9]+)" s="([0-9]+)"', rb'<c s="\2" r="\1"', xml)


def prefixed(xml):
    xml = re.sub(rb"<(/?)(?=[a-zA-Z])", rb"<\1x:", xml)
    return xml.replace(b'xmlns="http://schemas.openxmlformats.org/spread', b'xmlns:x="http://schemas.openxmlformats.org/spread')


def indented(xml):
    return xml.replace(b"><c ", b">\n  <c ").replace(b"<v>", b"\n    <v>").replace(b"</v>", b"</v>\n  ")


def single_quoted(xml):
    return re.sub(rb'<c r="([A-Z0-9]+)" s="([0-9]+)"', rb"<c r='\1' s='\2'", xml)


def no_places(xml):
    return re.sub(rb'<row r="8".*?</row>', lambda match: re.sub(rb'(<c) r="[A-Z]+8"', rb"\1", match[0]), xml)


def type_before_style(xml):
    return re.sub(rb'(<c r="[A-Z]+[0-9]+") (s="[0-9]+")(?=>)', rb'\1 t="n" \2', xml)


def one_cell_otherwise(xml):
    return re.sub(rb'<c (r="G4") (s="[0-9]+")', rb"<c \2 \1", xml)


def blank_in_tags(xml):
    return xml.replace(b"<c r=", b"<c  r=").replace(b' s="1"', b'\n s="1"')


@pytest.mark.parametrize("change", [
    style_first, style_first_at_times, type_before_style, one_cell_otherwise, prefixed, indented, single_quoted, blank_in_tags,
])
def test_the_same_xml_written_otherwise_reads_the_same(tmp_path, change):
    path = save(tmp_path / "a.xlsx", FORM)
    after = as_json(rewritten(path, change))
    assert after == as_json(save(tmp_path / "a.xlsx", FORM))


def test_every_part_may_have_a_prefix(tmp_path):
    path = save(tmp_path / "a.xlsx", FORM)
    before = as_json(path)
    for part in ("xl/workbook.xml", "xl/styles.xml"):
        rewritten(path, prefixed, part)
    assert as_json(path) == before


def test_cells_without_a_place_stand_one_beside_the_other(tmp_path):
    filled = FORM.replace("^|投入管理指标|预算", "占位|投入管理指标|预算")
    path = save(tmp_path / "a.xlsx", filled)
    after = as_json(rewritten(path, no_places))
    assert after == as_json(save(tmp_path / "a.xlsx", filled))


def test_a_styled_number_without_percent_is_left_alone(tmp_path):
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(str(path)) as workbook:
        sheet = workbook.add_worksheet()
        for n, style in enumerate(("0.00", "0%", "@", "0.00%", "yyyy")):
            sheet.write(0, n, 0.5, workbook.add_format({"num_format": style, "bold": n % 2}))
    assert [type(value) is Percent for value in intake.load(str(path)).sheets[0].rows[0]] == [False, True, False, True, False]


def test_the_absolute_and_the_relative_target_of_a_sheet_are_one(tmp_path):
    path = save(tmp_path / "a.xlsx", FORM)
    before = as_json(path)
    part = "xl/_rels/workbook.xml.rels"
    rewritten(path, lambda xml: xml.replace(b'Target="worksheets/', b'Target="/xl/worksheets/'), part)
    assert as_json(path) == before


# ---- other programs ----

@pytest.fixture(scope="module")
def converted(soffice, tmp_path_factory):
    """The shipped examples, the drawn form and a sheet of odd marks, as .xls and .ods."""
    folder = tmp_path_factory.mktemp("converted")
    form, marks = save(folder / "form.xlsx", FORM), folder / "marks.xlsx"
    with xlsxwriter.Workbook(str(marks)) as workbook:
        sheet = workbook.add_worksheet("标记")
        for column, style in enumerate(("0%", "0.00%", '0.00"%"', "0.00", "0.0%;-0.0%")):
            sheet.write(0, column, 0.666, workbook.add_format({"num_format": style}))
        for column, (formula, value) in enumerate((("=1/0", "#DIV/0!"), ("=NA()", "#N/A"), ("=1+1", 2), ('="#"&"1"', "#1"))):
            sheet.write_formula(1, column, formula, None, value)
        sheet.write_row(2, 0, ["#1次", True, "x"])
        sheet.write_datetime(3, 0, datetime.datetime(2022, 7, 20), workbook.add_format({"num_format": "yyyy-mm-dd"}))
        sheet.merge_range(4, 1, 6, 2, "并")
    wide = folder / "wide.xlsx"
    with xlsxwriter.Workbook(str(wide)) as workbook:
        percent, sheet = workbook.add_format({"num_format": "0%"}), workbook.add_worksheet("宽")
        sheet.write_row(0, 0, [0.5] * 6, percent)
        for row in range(2, 6):
            sheet.write_row(row, 0, [0.25, 0.25], percent)
        sheet.write(8, 3, 0.75, percent)
        workbook.define_name("pe_year", "=宽!$D$9")
    return {kind: office(soffice, folder, kind, *EXAMPLES, form, marks, wide) for kind in ("xls", "ods")}


@pytest.mark.parametrize("kind", ["xls", "ods"])
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_reads_the_same_from_an_older_and_an_open_format(converted, path, kind):
    assert as_json(converted[kind] / f"{path.stem}.{kind}") == as_json(path)


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_the_drawn_form_reads_the_same_from_an_older_and_an_open_format(converted, tmp_path, kind):
    assert as_json(converted[kind] / f"form.{kind}") == as_json(save(tmp_path / "form.xlsx", FORM))


def test_a_form_renamed_to_a_macro_workbook_reads_the_same(tmp_path):
    path = save(tmp_path / "form.xlsx", FORM)
    shutil.copy(path, tmp_path / "form.xlsm")
    assert as_json(tmp_path / "form.xlsm") == as_json(path)


@pytest.mark.parametrize("kind, name", [("xls", "form.xlsx"), ("ods", "form.xlsx"), ("xls", "form.et"), ("ods", "form")])
def test_the_content_decides_and_not_the_name(converted, tmp_path, kind, name):
    shutil.copy(converted[kind] / f"form.{kind}", tmp_path / name)
    one = only(tmp_path / name)
    if name.endswith(".et"):
        assert one.refusal.code == "X106"
    else:
        assert one.refusal is None and float(one.card.total) == 92.2


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_percent_and_error_marks_of_an_older_and_an_open_format(converted, kind):
    sheet = intake.load(str(converted[kind] / f"marks.{kind}")).sheets[0]
    assert [type(value) is Percent for value in sheet.rows[0][:5]] == [True, True, False, False, True]
    assert [float(value) for value in sheet.rows[0][:5]] == [0.666] * 5
    assert list(sheet.rows[1][:3]) == ["#DIV/0!", "#N/A", 2]  # LibreOffice stores no text result of a formula in an .xls
    assert sheet.rows[2][0] == "#1次" and sheet.rows[2][1] in (1, "TRUE")  # LibreOffice makes a formula of TRUE
    assert str(sheet.rows[3][0])[:10] == "2022-07-20"
    assert (4, 1, 6, 2) in sheet.merged


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_repeated_cells_of_an_older_and_an_open_format(converted, kind):
    sheet = intake.load(str(converted[kind] / f"wide.{kind}")).sheets[0]
    assert [float(value) for value in sheet.rows[0][:6]] == [0.5] * 6
    shares = [[type(value) is Percent for value in row[:6]] for row in sheet.rows]
    assert shares[0] == [True] * 6 and shares[8][3] and all(shares[row][:2] == [True, True] for row in range(2, 6))
    assert {name: float(value) for name, value in sheet.stamp.items()} == {"pe_year": 0.75}


# ---- what cannot be read: one record, one line ----


def refused(path, code, *words):
    """One record with this refusal; its line names the file and what to do, in both languages."""
    one = only(path)
    assert one.refusal is not None and one.refusal.code == code
    for lang in messages.LANGUAGES:
        line = one.refusal.words(lang)
        assert "\n" not in line and os.path.basename(str(path)) in line
        pattern = messages.CODES[code].fix[messages.LANGUAGES.index(lang)]
        assert line.endswith(pattern.format(**one.refusal.args_))
        assert all(word in line for word in words)
    entry = record.as_json(one)
    assert entry["error"]["code"] == code and entry["total"] is None and entry["findings"] == [] and entry["indicators"] == []
    return one


def written(path, data):
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
WORD = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"}


def test_a_missing_file(tmp_path):
    refused(tmp_path / "没有.xlsx", "X101")


def test_a_folder(tmp_path):
    (tmp_path / "表.xlsx").mkdir()
    refused(tmp_path / "表.xlsx", "X102")


def test_a_folder_with_a_slash_behind_is_named_too(tmp_path):
    (tmp_path / "收表").mkdir()
    one = only(f"{tmp_path}/收表/")
    assert one.refusal.code == "X102" and "收表" in one.refusal.words()


def test_an_empty_file(tmp_path):
    refused(written(tmp_path / "空.xlsx", b""), "X107")


def test_a_text_that_was_renamed(tmp_path):
    refused(written(tmp_path / "表.xlsx", "部门名称,得分\n"), "X103")


def test_a_page_saved_as_xls_by_a_web_system(tmp_path):
    refused(written(tmp_path / "表.xls", "<html><table><tr><td>三级指标</td></tr></table></html>"), "X103")


@pytest.mark.parametrize("name", ["报告.docx", "报告.xlsx"])
def test_a_word_document(tmp_path, name):
    refused(packed(tmp_path / name, WORD), "X105")


@pytest.mark.parametrize("name", ["报告.doc", "报告.xls"])
def test_an_old_word_document(tmp_path, name):
    refused(written(tmp_path / name, OLE + bytes(600) + "WordDocument".encode("utf-16-le") + bytes(600)), "X105")


@pytest.mark.parametrize("name, data", [
    ("表.et", OLE + bytes(2000)), ("表.csv", "三级指标,得分\n".encode("gb18030")), ("表.pdf", b"%PDF-1.7\n"), ("表.PDF", b"%PDF-1.7\n"),
    ("表.txt", b"1"), ("表.html", b"<html>"), ("照片.jpg", b"\xff\xd8\xff"), ("表.rar", b"Rar!\x1a\x07"),
])
def test_a_format_that_is_not_read(tmp_path, name, data):
    refused(written(tmp_path / name, data), "X106", os.path.splitext(name)[1].lower())


@pytest.mark.parametrize("name", ["表.xlsb", "表.xlsx"])
def test_a_binary_workbook(tmp_path, name):
    refused(packed(tmp_path / name, {"[Content_Types].xml": b"<Types/>", "xl/workbook.bin": b"\x83\x01"}), "X106", ".xlsb")


def test_an_archive_of_forms(tmp_path):
    refused(packed(tmp_path / "全部.zip", {"表.xlsx": Path(save(tmp_path / "a.xlsx", FORM)).read_bytes()}), "X106", ".zip")


def test_an_archive_that_was_renamed(tmp_path):
    refused(packed(tmp_path / "表.xlsx", {"readme.txt": b"x"}), "X103")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_workbook_that_was_cut_off(tmp_path, share):
    data = Path(save(tmp_path / "a.xlsx", FORM)).read_bytes()
    refused(written(tmp_path / "断.xlsx", data[: int(len(data) * share)]), "X103")


def test_an_old_workbook_that_was_cut_off(converted, tmp_path):
    data = (converted["xls"] / "form.xls").read_bytes()
    for share in (0.05, 0.3, 0.6):
        refused(written(tmp_path / "断.xls", data[: int(len(data) * share)]), "X103")


def test_an_ole_file_of_nothing(tmp_path):
    refused(written(tmp_path / "表.xls", OLE + bytes(5000)), "X103")


def test_a_workbook_with_a_password(tmp_path):
    refused(written(tmp_path / "密.xlsx", OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)), "X104")


def test_an_empty_workbook(tmp_path):
    with xlsxwriter.Workbook(str(tmp_path / "空.xlsx")) as workbook:
        workbook.add_worksheet()
    refused(tmp_path / "空.xlsx", "X107")


def test_a_workbook_of_formats_without_values_is_empty(tmp_path):
    with xlsxwriter.Workbook(str(tmp_path / "空.xlsx")) as workbook:
        workbook.add_worksheet().write_blank(5, 5, None, workbook.add_format({"border": 1}))
    assert only(tmp_path / "空.xlsx").refusal.code in ("X107", "X108")


def test_a_workbook_without_a_form(tmp_path):
    refused(save(tmp_path / "通讯录.xlsx", "姓名|电话\n张某|12345678"), "X108")


def test_a_form_without_total(tmp_path):
    refused(save(tmp_path / "表.xlsx", SMALL.replace("总分|<|<|<|<|100|100", "")), "L101")


def test_a_form_with_two_totals(tmp_path):
    refused(save(tmp_path / "表.xlsx", SMALL + "总分|<|<|<|<|100|99"), "L102", "G6 100", "G7 99")


def test_a_form_with_two_columns_of_scores(tmp_path):
    refused(save(tmp_path / "表.xlsx", SMALL.replace("分值|得分", "分值|得分|得分")), "L103", "得分")


@pytest.mark.parametrize("cell, what", [("A500000", "rows"), ("ZZ3", "columns"), ("SS20000", "cells")])
def test_a_sheet_larger_than_any_form(tmp_path, cell, what):
    save(tmp_path / "表.xlsx", FORM)
    workbook = openpyxl.load_workbook(tmp_path / "表.xlsx")
    workbook.active[cell] = "x"
    workbook.save(tmp_path / "表.xlsx")
    refused(tmp_path / "表.xlsx", "X114")


def test_the_refusal_of_a_large_sheet_is_all_chinese(tmp_path):
    save(tmp_path / "表.xlsx", FORM)
    workbook = openpyxl.load_workbook(tmp_path / "表.xlsx")
    workbook.active["A500000"] = "x"
    workbook.save(tmp_path / "表.xlsx")
    line = only(tmp_path / "表.xlsx").refusal.words("zh")
    assert "500000" in line and "20000" in line and "rows" not in line


def test_more_merged_areas_than_any_form(tmp_path):
    areas = b"".join(b'<mergeCell ref="A%d:B%d"/>' % (row, row) for row in range(100, 5200))
    path = save(tmp_path / "表.xlsx", FORM)
    rewritten(path, lambda xml: xml.replace(b"</mergeCells>", areas + b"</mergeCells>"))
    refused(path, "X114")


def test_a_file_larger_than_any_form(tmp_path):
    with (tmp_path / "表.xlsx").open("wb") as stream:
        stream.write(b"PK\x03\x04")
        stream.truncate(gate.LIMITS["file"].most + 1)
    refused(tmp_path / "表.xlsx", "X114", "20")


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml", "xl/workbook.xml", "xl/sharedStrings.xml"])
def test_a_part_that_unpacks_to_more_than_the_limit(tmp_path, part, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LIMITS", "part=2000000")
    path = save(tmp_path / "表.xlsx", FORM)
    text = b"<si><t>" + b"x" * 2_000_001 + b"</t></si></sst>"
    rewritten(path, lambda xml: xml.replace(b"</sst>", text) if b"</sst>" in xml else xml + b" " * 2_000_001, part)
    refused(path, "X119", "2000000")


def test_a_name_twice_in_the_container(tmp_path):
    path = Path(save(tmp_path / "表.xlsx", FORM))
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("xl/worksheets/sheet1.xml", b"<x/>")
    refused(path, "X121")


def parts_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return [(name, file.read(name)) for name in file.namelist()]


def test_a_name_twice_but_for_its_case(tmp_path):
    path = Path(save(tmp_path / "表.xlsx", FORM))
    packed(path, {**parts(path), "xl/worksheets/SHEET1.xml": b"<x/>"})
    refused(path, "X121")


def test_more_parts_than_any_form(tmp_path):
    path = Path(save(tmp_path / "表.xlsx", FORM))
    packed(path, {**parts(path), **{f"xl/media/{n}.png": b"" for n in range(1000)}})
    refused(path, "X119", "1000")


def test_a_part_outside_the_file(tmp_path):
    data = bytearray(Path(save(tmp_path / "表.xlsx", FORM)).read_bytes())
    place = data.find(b"PK\x01\x02")
    struct.pack_into("<L", data, place + 42, len(data) * 2)
    refused(written(tmp_path / "表.xlsx", bytes(data)), "X103")


def test_a_damaged_part(tmp_path):
    path = Path(save(tmp_path / "表.xlsx", FORM))
    data = bytearray(path.read_bytes())
    place = data.find(b"xl/worksheets/sheet1.xml") + 60
    data[place : place + 40] = bytes(40)
    refused(written(path, bytes(data)), "X103")


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"])
def test_a_part_that_is_no_xml(tmp_path, part):
    path = save(tmp_path / "表.xlsx", FORM)
    rewritten(path, lambda xml: xml[: len(xml) // 2] + b"<<<", part)
    assert only(path).refusal.code in ("X103", "X107", "X108")


def test_a_workbook_whose_sheet_is_missing(tmp_path):
    path = save(tmp_path / "表.xlsx", FORM)
    content = parts(path)
    del content["xl/worksheets/sheet1.xml"]
    packed(path, content)
    assert only(path).refusal.code in ("X103", "X107")


def test_a_workbook_without_styles_is_read(tmp_path):
    path = save(tmp_path / "表.xlsx", FORM)
    packed(path, {name: data for name, data in parts(path).items() if name != "xl/styles.xml"})
    assert only(path).refusal is None


@pytest.mark.parametrize("document", [b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>", b"<!DOCTYPE x>"])
def test_an_open_document_with_entities_is_refused(converted, tmp_path, document):
    path = tmp_path / "表.ods"
    shutil.copy(converted["ods"] / "form.ods", path)
    rewritten(path, lambda xml: xml.replace(b"?>", b"?>" + document, 1), "content.xml")
    refused(path, "X122")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path):
    path = Path(save(tmp_path / "表.xlsx", FORM))
    path.chmod(0)
    refused(path, "X112")


def test_a_file_that_another_program_holds(tmp_path, monkeypatch):
    def held(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    path = save(tmp_path / "表.xlsx", FORM)
    monkeypatch.setattr("os.open", held)
    one = record.check_file(path)[0]
    monkeypatch.undo()
    assert one.refusal.code == "X112" and "表.xlsx" in one.refusal.words()


@pytest.mark.parametrize("name", ["a\0b.xlsx", "", "长" * 300 + ".xlsx"])
def test_a_name_that_no_file_can_have(name):
    assert only(name).refusal.code in ("X101", "X112")


def test_a_number_that_is_none(tmp_path):
    path = save(tmp_path / "表.xlsx", FORM)
    for odd in (b"NaN", b"1e999", b"INF", b"abc", b""):
        rewritten(path, lambda xml, odd=odd: xml.replace(b"<v>25</v>", b"<v>" + odd + b"</v>").replace(b"<v>24</v>", b"<v>0</v>"))
        one = only(path)
        if one.refusal is None:
            entry = record.as_json(one)["indicators"][1]
            assert (entry["weight"], entry["score_stated"]) == (None, None), odd
        save(path, FORM)


def test_the_other_files_of_a_call_are_still_checked(tmp_path):
    good = save(tmp_path / "好.xlsx", FORM)
    files = [str(tmp_path / "没有.xlsx"), str(tmp_path), str(written(tmp_path / "坏.xlsx", b"PK\x03\x04")), good]
    records = [one for path in files for one in record.check_file(path)]
    assert [one.refusal and one.refusal.code for one in records] == ["X101", "X102", "X103", None]


def test_a_bad_form_on_one_sheet_leaves_the_other_sheets(tmp_path):
    path = save(tmp_path / "表.xlsx", SMALL.replace("总分|<|<|<|<|100|100", ""), SMALL, names=("甲", "乙"))
    records = record.check_file(path)
    assert [one.refusal and one.refusal.code for one in records] == ["L101", None]
    assert [record.as_json(one)["sheet"] for one in records] == ["甲", "乙"]


def test_reading_changes_no_file(tmp_path):
    path = Path(save(tmp_path / "表.xlsx", FORM))
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    assert record.as_json(only(path))["sha256"] == before == hashlib.sha256(path.read_bytes()).hexdigest()


# ---- damage of any kind ----

FUZZ = settings(max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])


def survives(path, data):
    """Any bytes give records: forms, or one refusal."""
    written(path, data)
    records = record.check_file(str(path))
    assert records
    for one in records:
        assert (one.refusal is None) == (one.form is not None)
        assert one.refusal is None or one.refusal.words()
        record.as_json(one)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return Path(save(tmp_path_factory.mktemp("whole") / "form.xlsx", FORM)).read_bytes()


@FUZZ
@given(st.data())
def test_a_form_cut_anywhere_gives_a_record(tmp_path, whole, data):
    survives(tmp_path / "a.xlsx", whole[: data.draw(st.integers(0, len(whole)))])


@FUZZ
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
def test_a_form_with_flipped_bytes_gives_a_record(tmp_path, whole, flips):
    data = bytearray(whole)
    for place, value in flips:
        data[place % len(data)] = value
    survives(tmp_path / "a.xlsx", bytes(data))


@FUZZ
@given(st.floats(0, 1), st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=8))
def test_an_older_form_cut_or_damaged_anywhere_gives_a_record(tmp_path, converted, share, flips):
    data = bytearray((converted["xls"] / "form.xls").read_bytes())
    for place, value in flips:
        data[place % len(data)] = value
    survives(tmp_path / "a.xls", bytes(data[: int(len(data) * share) if len(flips) % 2 else len(data)]))


def test_an_older_form_cut_at_every_place_gives_a_record(converted, tmp_path):
    data = (converted["xls"] / "form.xls").read_bytes()
    for length in range(513, len(data), 61):
        survives(tmp_path / "a.xls", data[:length])


PARTS = ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "xl/_rels/workbook.xml.rels",
         "[Content_Types].xml")


@FUZZ
@given(st.sampled_from(PARTS), st.lists(st.tuples(st.integers(0, 10**6), st.sampled_from(b'<>&"/= 0a\x00\xff')), min_size=1, max_size=3))
def test_a_form_with_flipped_bytes_inside_a_part_gives_a_record(tmp_path, whole, part, flips):
    content = dict(parts_of(whole))
    xml = bytearray(content[part])
    for place, value in flips:
        xml[place % len(xml)] = value
    path = packed(tmp_path / "a.xlsx", {**content, part: bytes(xml)}, zipfile.ZIP_STORED)
    survives(tmp_path / "a.xlsx", Path(path).read_bytes())


def test_the_container_reads_what_zipfile_reads(whole):
    from perfeval_xl import container

    found = container.directory(whole, 100)
    for name, data in parts_of(whole):
        assert container.unpack(*container.packed(whole, found[name.lower()])) == data


@FUZZ
@given(st.binary(max_size=400))
def test_any_bytes_behind_the_mark_of_a_zip_file_are_refused(data):
    from perfeval_xl import container

    with pytest.raises(Refusal):
        container.directory(b"PK\x03\x04" + data, 100)


def test_unpacking_is_bounded():
    from perfeval_xl import container

    squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = squeezed.compress(b" " * 10**6) + squeezed.flush()
    with pytest.raises(Refusal):
        container.unpack(8, 1000, zlib.crc32(b" " * 1000), content)
    assert container.unpack(8, 10**6, zlib.crc32(b" " * 10**6), content) == b" " * 10**6
    assert container.unpack(0, 1000, zlib.crc32(b" " * 1000), b" " * 1000) == b" " * 1000


def test_layout_is_never_asked_to_read_what_is_no_sheet(tmp_path):
    path = save(tmp_path / "表.xlsx", FORM)
    sheet = intake.load(path).sheets[0]
    assert layout.read(sheet) is not None and layout.read(sheet._replace(rows=[])) is None
    with pytest.raises(Refusal):
        intake.load(str(tmp_path / "没有.xlsx"))


def test_the_sheet_is_named_where_a_workbook_holds_several_forms(tmp_path):
    path = tmp_path / "多表.xlsx"
    workbook = openpyxl.load_workbook(save(path, FORM))
    other = workbook.copy_worksheet(workbook.active)
    other.title = "体育中心"
    last = next(row for row in range(other.max_row, 0, -1) if other.cell(row, 1).value)
    other.delete_rows(last)
    workbook.save(path)
    good, bad = record.check_file(str(path))
    assert good.refusal is None
    assert bad.refusal.code == "L101"
    assert "体育中心" in bad.refusal.words("zh")


@pytest.mark.parametrize("pieces", [[], [b""], [b"a"], [b"<row/>" * 300_000, b"", b"<row r='2'/>" * 7]])
def test_a_part_packed_in_pieces_is_the_part(pieces):
    from perfeval_xl import container

    piece = container.Piece(2)
    for one in pieces:
        piece.add(one)
    part = piece.between("头<a>".encode(), b"</a>")
    whole = "头<a>".encode() + b"".join(pieces) + b"</a>"
    with zipfile.ZipFile(io.BytesIO(container.pack({"a.xml": part, "b.xml": container.deflated(whole, 2)}))) as book:
        assert book.testzip() is None
        assert book.read("a.xml") == book.read("b.xml") == whole


def test_what_packing_fails_of_is_said(monkeypatch):
    from perfeval_xl import container

    monkeypatch.setattr(container.zlib, "crc32", lambda *_: 1 // 0)
    piece = container.Piece(2)
    for _ in range(50):  # more than may wait
        piece.add(b" " * 600_000)
    with pytest.raises(ZeroDivisionError):
        piece.between(b"", b"")


def test_only_small_parts_are_remembered_unpacked():
    """Two hundred workbooks with large directories of sheets must not stay in the memory of a worker."""

    def packed(content):
        squeezed = zlib.compressobj(9, zlib.DEFLATED, -15)
        return 8, len(content), zlib.crc32(content), squeezed.compress(content) + squeezed.flush()

    small, large = packed(b"<workbook/>"), packed(b"<workbook>" + b" " * 100_000 + b"</workbook>")
    before = xlsx._unpacked.cache_info().currsize
    assert xlsx._for_all(small)[3] == b"<workbook/>" and xlsx._for_all(large) is large
    assert xlsx._unpacked.cache_info().currsize <= before + 1
