"""What a written report says about a form: its chapters as text, every figure the recomputed one, and nothing better than it is."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

import pytest
from fillings import random_filling
from test_buttons import filled

from perfeval_xl import record, report, report_figures, template
from perfeval_xl.edition import get
from perfeval_xl.report import Drawn, Heading, Paragraph, content
from perfeval_xl.report_tables import Chart

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "workbook" / "examples").glob("*.xlsx"))
GOLDEN = Path(__file__).parent / "golden" / "report"
EDITIONS = ("shangjie-2022", "jinshui-2021", "mof-2020-project")


def checked(filling, edition_id: str = "shangjie-2022") -> record.Record:
    """A filled form as it is read and checked, without a file."""
    edition = get(edition_id)
    return record.check_sheet(template.as_sheet(template.lay_out(edition, filling), edition), "自评表.xlsx")


def as_text(written: report.Report) -> str:
    """A report as a text to read: # headings, [places that follow from the form], tables with bars, notes behind an asterisk."""
    lines = [written.title]
    for block in written.blocks:
        if isinstance(block, Heading):
            lines.append(f"{'#' * block.level} {block.text}")
        elif isinstance(block, Paragraph):
            lines.append("".join(piece if isinstance(piece, str) else f"{piece.before}[{piece.text}]{'*' * bool(piece.note)}{piece.after}"
                                 for piece in block.pieces))
        elif isinstance(block.what, Chart):
            lines.append(f"图 {block.what.label}: {'、'.join(block.what.names)}")
            lines += [f"  {label}: {'、'.join('-' if value is None else f'{value:.2f}' for value in values)}" for label, values in block.what.series]
        else:
            lines += [f"{'附表' if block.form else '表'} {block.what.label}",
                      *("  " + " | ".join(f"{cell.text}{'*' * bool(cell.note)}".replace("\n", "⏎") for cell in row if cell is not None)
                        for row in block.what.rows)]
    return "\n".join(lines) + "\n"


def sentences(written: report.Report) -> str:
    """The running text of a report, tables left out."""
    return "\n".join("".join(piece if isinstance(piece, str) else f"{piece.before}{piece.text}{piece.after}" for piece in block.pieces)
                     for block in written.blocks if isinstance(block, Paragraph))


def chapters(written: report.Report) -> list[str]:
    return [block.text for block in written.blocks if isinstance(block, Heading) and block.level == 1]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_report_of_an_example_reads_as_it_did(path):
    assert as_text(content(record.check_file(str(path))[0])) == (GOLDEN / f"{path.stem}.txt").read_text(encoding="utf-8")


# ---- chapters ----


def test_a_department_writes_eight_chapters_and_attaches_the_form():
    written = content(checked(filled()))
    assert written.title == "2022年度测试区财政局部门整体绩效自评报告"
    assert chapters(written) == ["一、基本情况", "二、绩效自评工作开展情况", "三、综合评价结论", "四、绩效目标实现情况分析",
                                 "五、发现的主要问题和改进措施", "六、部门整体绩效自评结果拟应用和公开情况",
                                 "七、部门整体绩效自评工作的经验、问题和建议", "八、其他需要说明的问题"]
    assert written.blocks[-1].form and [block for block in written.blocks if isinstance(block, Drawn) and block.form] == [written.blocks[-1]]


def test_jinshui_writes_seven_with_the_form_in_the_first():
    written = content(checked(filled("jinshui-2021"), "jinshui-2021"))
    names = chapters(written)
    assert len(names) == 7 and names[-1].startswith("七、") and "八、" not in as_text(written)
    place = next(n for n, block in enumerate(written.blocks) if isinstance(block, Drawn) and block.form)
    second = next(n for n, block in enumerate(written.blocks) if isinstance(block, Heading) and block.text.startswith("二、"))
    assert place < second


def test_a_project_has_a_report_of_its_own():
    written = content(checked(filled("mof-2020-project"), "mof-2020-project"))
    assert written.title == "2022年度测试区财政局“测试项目”项目支出绩效自评报告"
    assert "部门整体" not in sentences(written) and "项目支出绩效自评得分为" in sentences(written)


def test_a_form_of_no_known_edition_is_reported_as_the_department_it_is():
    rows = [["某县部门整体绩效自评表"], ["部门名称", "某县水利局"], ["资金", "年初预算数", "全年预算数", "全年执行数", "分值", "得分"],
            ["资金总额", 100, 100, 50, 10, 5], ["三级指标", "年度指标值", "实际完成值", "分值", "得分"], ["新建水渠数量", "≥10条", "9条", 90, 81],
            ["总分", "", "", 100, 86]]
    one = record.check_sheet(record.Sheet("表", rows, stamp={"pe_year": 2023}), "")
    assert not one.form.recognised
    written = content(one)
    assert written.title == "2023年度某县水利局部门整体绩效自评报告" and "得分为86分，自评结果为“良”" in sentences(written)
    assert "“新建水渠数量”没有达到指标值（指标值≥10条，实际完成值9条）" in sentences(written)


def test_outlines_name_only_values_that_exist():
    given = content(checked(filled())), content(checked(filled("mof-2020-project"), "mof-2020-project"))
    assert all("{" not in sentences(one) and "}" not in sentences(one) for one in given)
    known = set(report_figures.Figures(checked(filled()), "").values) | {"name", "n", "part", "status", "groups"}
    for path in sorted(Path(report_figures.FOLDER).glob("*.toml")):
        if path.stem != "sentences":
            outline = tomllib.loads(path.read_text(encoding="utf-8"))
            assert set(re.findall(r"\{(\w+)\}", str(outline))) <= known, path.name
            assert path.read_text(encoding="utf-8").count("form = ") == 1


def test_every_sentence_is_used():
    used = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "perfeval_xl").glob("report*.py"))
    for key in tomllib.loads((Path(report_figures.FOLDER) / "sentences.toml").read_text(encoding="utf-8")):
        stem = key.rpartition("_")[0]
        assert f'"{key}"' in used or f'"{stem}_{{' in used, key


# ---- figures ----


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_figure_is_the_recomputed_one(path):
    one = record.check_file(str(path))[0]
    known, said = record.as_json(one), sentences(content(one))
    total = next(row for row in known["funds"] if row["role"] == "total")
    for field in ("initial", "adjusted", "executed"):
        assert f"{total[field]:g}万元" in said
    assert f"预算执行率为{total['rate']:.2f}%".replace("100.00", "100").replace("为0.00", "为0") in said
    for part in known["parts"]:
        assert f"一级指标{part['name']}：分值{part['weight']:g}分，得分{part['score']:g}分" in said
    if known["total"] is None:
        assert "尚不能计算" in said and "得分为" not in said
    else:
        assert f"自评得分为{known['total']:g}分，自评结果为“{known['grade']}”" in said
    if known["total"] != known["total_stated"]:
        assert any(figure.label == "评价得分" and "重算" in figure.note for figure in content(one).figures)


def test_a_contradiction_is_noted_in_the_form_and_beside_the_total():
    one = record.check_file(str(ROOT / "workbook" / "examples" / "waishi-2022.xlsx"))[0]
    written = content(one)
    assert "得分为89分，自评结果为“良”" in sentences(written)
    note, = (figure.note for figure in written.figures if figure.label == "评价得分")
    assert "S101" in note and "90" in note and "89" in note
    noted = [cell.note for row in written.blocks[-1].what.rows for cell in row if cell is not None and cell.note]
    codes = set(re.findall("[A-Z][0-9]{3}", "".join(noted)))
    assert codes == {finding.code for finding in one.findings if finding.severity != "note"}


def test_the_attached_form_is_the_form_with_its_computed_cells_right():
    one = record.check_file(str(ROOT / "workbook" / "examples" / "waishi-2022.xlsx"))[0]
    rows = [[cell.text for cell in row if cell is not None] for row in content(one).blocks[-1].what.rows]
    assert rows[0] == ["部门整体自评表"] and rows[1] == ["部门（单位）名称", "中国共产党郑州市上街区委员会外事服务中心"]
    assert ["预算执行率", "≥90%", "0%", "1", "0", "-100.00%", ""] in rows
    assert rows[-1] == ["总分", "100", "89", "", ""]
    assert not any("shangjie" in text for row in rows for text in row)


# ---- honesty ----

_PRAISE = ("均达到", "没有失分", "都达到")


def _fell_short(one: record.Record, part: str | None = None) -> bool:
    """Whether, by the scorecard and the findings alone, any row that counts is not wholly reached."""
    doubtful = {finding.row for finding in one.findings if finding.code in ("I101", "I102", "I103", "I104", "I105")}
    return any(result.attainment.met is not True or result.counted is None or result.counted < result.weight or row.place.row in doubtful
               for row, result in zip(one.form.indicators, one.card.rows, strict=True)
               if result.weight is not None and part in (None, row.part))


@pytest.mark.parametrize("edition_id", EDITIONS)
@pytest.mark.parametrize("seed", range(25))
def test_nothing_is_said_to_be_reached_that_is_not(edition_id, seed):
    one = checked(random_filling(get(edition_id), seed), edition_id)
    written = content(one)
    by_label = {figure.label: figure.text for figure in written.figures}
    for part in {row.part for row in one.form.indicators}:
        said = by_label[f"{part}完成情况"]
        assert not (_fell_short(one, part) and any(word in said for word in ("均达到", "1项指标达到指标值。"))), said
        lost = any(result.weight is not None and result.counted is not None and result.counted < result.weight
                   for row, result in zip(one.form.indicators, one.card.rows, strict=True) if row.part == part)
        assert not (lost and "没有失分" in by_label[f"{part}得分"])
    if _fell_short(one):
        assert not any(word in by_label["偏差原因"] + by_label["主要问题"] for word in _PRAISE)
    for row, result in zip(one.form.indicators, one.card.rows, strict=True):
        if result.weight is not None and result.attainment.met is False:
            assert report_figures.quoted(row.name) in by_label[f"{row.part}完成情况"]
            assert report_figures.quoted(row.name) in by_label["偏差原因"]


def test_no_sentence_of_ours_claims_what_a_form_cannot_know():
    for path in Path(report_figures.FOLDER).glob("*.toml"):
        assert not re.search("全部完成|全面完成|圆满|无偏差|严格执行|成效显著|良好|规范、", path.read_text(encoding="utf-8")), path.name


def test_a_form_without_a_lost_point_may_be_praised_for_it():
    full = filled()
    rows = tuple(row | ({"actual": "95%", "reason": ""} if row["actual"] == "81%" else {}) for row in full.indicators)
    said = sentences(content(checked(full._replace(indicators=rows))))
    assert "均达到指标值" in said and "各项三级指标都达到了指标值，没有失分。" in said and "从自评表看，没有失分的指标。" in said


def test_a_missing_reason_is_said_to_be_missing():
    full = filled()
    rows = tuple(row | ({"reason": "无"} if row["actual"] == "81%" else {}) for row in full.indicators)
    written = content(checked(full._replace(indicators=rows)))
    assert "自评表没有写明原因。" in next(figure.text for figure in written.figures if figure.label == "偏差原因")


def test_money_that_is_not_there_is_not_made_up():
    full = filled()
    said = sentences(content(checked(full._replace(funds={"total": {"weight": 10}}))))
    assert "全年执行数为（未填）万元，预算执行率为（未填）" in said and "预算数或执行数未填，执行率不能计算。" in said


# ---- marks ----


def test_every_place_has_a_mark_of_its_own_and_keeps_it():
    first, again = content(checked(filled())), content(checked(filled()._replace(goals=("别的目标。", "别的结果。"))))
    marks = [figure.mark for figure in first.figures] + [block.mark for block in first.blocks if isinstance(block, Drawn)]
    assert len(set(marks)) == len(marks)
    assert marks == [figure.mark for figure in again.figures] + [block.mark for block in again.blocks if isinstance(block, Drawn)]
    for other in (filled()._replace(department="别的局"), filled()._replace(year=2023)):
        assert set(marks).isdisjoint(figure.mark for figure in content(checked(other)).figures)


def test_names_with_quotation_marks_are_quoted_once():
    assert report_figures.quoted("“三公经费”控制率") == "“‘三公经费’控制率”"


if __name__ == "__main__":  # writes the golden texts anew, to be read before they are kept
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for one in EXAMPLES:
        (GOLDEN / f"{one.stem}.txt").write_text(as_text(content(record.check_file(str(one))[0])), encoding="utf-8")
    sys.exit()
