"""A report held against its form: drawn sentences (cases/reports), the four published reports (published/reports.toml), outline and language."""

import json
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfeval_xl import cli, document, figures, messages, narrative, record
from perfeval_xl.messages import Refusal

HERE = Path(__file__).parent
SEEDS = HERE.parent.parent / "shared" / "seeds"
PUBLISHED = tomllib.loads((HERE / "published" / "reports.toml").read_text(encoding="utf-8"))["report"]
CASES = [(path.stem, case) for path in sorted((HERE / "cases" / "reports").glob("*.toml"))
         for case in tomllib.loads(path.read_text(encoding="utf-8"))["case"]]
TITLES = ("一、基本情况", "二、绩效自评工作开展情况", "三、综合评价结论", "四、绩效目标实现情况分析", "五、发现的主要问题和改进措施",
          "六、绩效自评结果拟应用和公开情况", "七、绩效自评工作的经验、问题和建议", "八、其他需要说明的问题")
FORMS = {}


def form(name):
    """The record of an example, checked once."""
    if name not in FORMS:
        (FORMS[name],) = record.check_file(str(Path(cli.examples_folder()) / f"{name}.xlsx"))
    return FORMS[name]


def report(text, chapter=4, eighth=True, title=""):
    """A report that says nothing but this, in this chapter."""
    bodies = dict.fromkeys(range(1, 9 if eighth else 8), "从略。") | {7: "经验是安排得早。问题是人手少。建议多培训。"} | {chapter: text}
    return "\n".join([title, *(f"{TITLES[n - 1]}\n{body}" for n, body in bodies.items())])


def found(text, name="renda-2022", chapter=4, title=""):
    """``code stated -> expected`` of everything found in a report that says only this."""
    findings = narrative.check(document.from_text(report(text, chapter, name != "jinshui-2021", title)), form(name))
    return [line(one) for one in findings]


def line(one):
    return f"{one.code} {one.stated or ''} -> {one.expected or '?'}"


# ---- drawn sentences ----


@pytest.mark.parametrize("case", [pytest.param(case, id=f"{stem} {n}: {case['text'][:24]}") for n, (stem, case) in enumerate(CASES)])
def test_a_sentence_has_exactly_these_findings(case):
    got = narrative.check(document.from_text(report(case["text"], case.get("chapter", 4), case["form"] != "jinshui-2021")), form(case["form"]))
    assert sorted(map(line, got)) == sorted(case.get("found", []))
    for one in got:
        assert one.row == one.column == -1
        assert one.label == TITLES[case.get("chapter", 4) - 1]
        for lang in messages.LANGUAGES:
            words = messages.render(one, "自评表", lang)
            assert "None" not in words and "{" not in words
        assert one.args["quote"].strip("…")[:6].strip("“") in case["text"].replace(" ", "") or not one.args["quote"]


def test_far_more_sentences_stay_silent_than_have_to():
    assert sum(not case.get("found") for _, case in CASES) >= 100


@pytest.mark.parametrize("space", [lambda text: re.sub("([0-9.]+)", r" \1 ", text), lambda text: text.replace("，", ", "),
                                   lambda text: text.translate({ord("0") + n: ord("０") + n for n in range(10)} | {ord("%"): "％", ord("."): "．"})])
@pytest.mark.parametrize("case", [case for stem, case in CASES if stem == "money" and "\n" not in case["text"]], ids=lambda case: case["text"][:20])
def test_spaces_commas_and_wide_digits_change_nothing(case, space):
    assert sorted(found(space(case["text"]), case["form"])) == sorted(case["found"])


@pytest.mark.parametrize("case", [case for _, case in CASES if case.get("found")], ids=lambda case: case["text"][:20])
def test_a_hard_wrapped_text_reads_the_same(case):
    """As copied out of a PDF: lines of some thirty characters, broken anywhere but inside a figure."""
    wrapped = "\n".join(re.sub("(.{24,36}?)(?![0-9.%])", lambda match: match[1] + "\n", part) for part in case["text"].split("\n"))
    got = [one for one in found(wrapped, case["form"], case.get("chapter", 4)) if not one.startswith("R602")]
    assert sorted(got) == sorted(case["found"])


# ---- outline ----


def test_a_report_with_all_chapters_has_nothing_missing():
    assert found("无特别情况。") == []


@pytest.mark.parametrize("left_out, name", [("六、绩效自评结果拟应用和公开情况", "结果应用和公开情况"), ("三、综合评价结论", "综合评价结论"),
                                            ("八、其他需要说明的问题", "其他需要说明的问题")])
def test_a_missing_chapter_is_named(left_out, name):
    text = report("无特别情况。").replace(left_out + "\n从略。", "")
    assert [line(one) for one in narrative.check(document.from_text(text), form("renda-2022"))] == [f"R601 {name} -> ?"]


def test_the_eighth_chapter_is_not_asked_for_everywhere():
    assert found("无特别情况。", "jinshui-2021") == []


def test_an_empty_chapter_is_named():
    text = report("无特别情况。").replace("五、发现的主要问题和改进措施\n从略。", "五、发现的主要问题和改进措施")
    (one,) = narrative.check(document.from_text(text), form("renda-2022"))
    assert (one.code, one.label) == ("R602", "五、发现的主要问题和改进措施")


@pytest.mark.parametrize("body, missing", [("问题是人手少。建议多培训。", "经验"), ("经验是安排得早。建议多培训。", "问题"),
                                           ("一是细化预算编制。二是强化监控。", "经验、问题、建议"),
                                           ("向有经验的同事学习，建议培训，问题是人少。", "经验")])
def test_a_chapter_says_what_its_heading_promises(body, missing):
    assert found(body, chapter=7) == [f"R603 {missing} -> ?"]


def test_a_text_without_chapters_says_so():
    (one,) = narrative.check(document.from_text("我单位2022年全年预算数为923.86万元。"), form("renda-2022"))
    assert one.code == "R604"


def test_points_inside_a_chapter_are_no_chapters():
    body = "存在以下不足。\n一、预算编制不细\n项目论证不够。\n二、执行进度偏慢\n支付集中在年底。\n三、绩效意识不强\n指标设得粗。"
    assert found(body, chapter=5) == []


# ---- whose report ----


@pytest.mark.parametrize("title, codes", [
    ("2022年度郑州市上街区人民代表大会常务委员会办公室部门整体绩效自评报告", []),
    ("上街区人民代表大会常务委员会办公室2022年度部门整体支出绩效自评报告", []),
    ("2022年度上街区政务服务中心部门整体自评报告", ["R605"]), ("2021年度郑州市上街区人民代表大会常务委员会办公室部门整体绩效自评报告", ["R606"]),
    ("2022年度部门整体绩效自评报告", []),
])
def test_title_and_form_name_one_department_and_year(title, codes):
    assert [one.split()[0] for one in found("无特别情况。", title=title)] == codes


# ---- language ----


@pytest.mark.parametrize("text, code, stated", [
    ("专项资金细化性为95%。", "R607", "专项资金细化性"), ("年度履职目标相符性良好。", "R607", "年度履职目标相符性"),
    ("一级指标有预算执行率、产出指标和产出效益。", "R607", "产出效益"),
    ("我们加强加强了管理。", "R609", "加强加强"), ("完成率为100%，；群众满意。", "R609", "率为100%，；"), ("资金使用规范。，制度健全。", None, None),
    ("通过评选“先锋岗”“能手、开展培训，提高“窗口”服务。", "R609", "“能手、开展"),
    ("评价小组现场核实了各项资料，按照确定的标准和方法统一打分，形成结论。"
     "评价小组现场核实了各项资料，按照确定的标准和方法统一打分，得出结果。", "R610", ""),
])
def test_slips_are_noted(text, code, stated):
    got = found(text)
    if code is None:
        assert [one.split()[0] for one in got] == ["R609"]
    else:
        assert [one.split(" -> ")[0] for one in got] == [f"{code} {stated}"]


@pytest.mark.parametrize("text", [
    "我们逐项逐项核对，一件一件落实。", "研究研究再决定。", "区区委办公室牵头，自评价结果随决算公开。", "开展预算执行数统计和预算调整数核对。",
    "绩效评价结果应用情况良好，评价结果公开透明。", "“放管服”“双随机”“互联网+”改革持续推进。",
    "依据《项目支出绩效评价管理办法》（财预〔2020〕10号）开展自评。",
    "财预〔2011〕285号文件已被财预〔2020〕10号代替，我们按新规定执行。", "资金使用情况：制度健全，程序规范；监督有力。",
])
def test_ordinary_words_are_left_alone(text):
    assert found(text) == []


# ---- the four published reports ----


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the published reports are not beside the project")
@pytest.mark.parametrize("published", PUBLISHED, ids=lambda one: one["seed"])
def test_a_published_report_has_exactly_these_findings(published):
    (path,) = SEEDS.glob(f"{published['seed']}_*.txt")
    got = narrative.check(document.load(str(path)), form(published["form"].removesuffix(".xlsx")))
    assert [(one.code, one.label, one.stated, one.expected) for one in got] == [
        (row["code"], row["chapter"], row.get("stated"), row.get("expected")) for row in published["findings"]]
    text = "".join(path.read_text(encoding="utf-8").split())
    for one in got:
        if one.args.get("quote"):
            assert "".join(one.args["quote"].strip("…").split())[:12] in text


def test_both_sides_are_shown_where_the_report_may_be_right():
    (one,) = narrative.check(document.from_text(report("全年执行金额为56万元。")), form("waishi-2022"))
    words = messages.render(one, "自评表")
    assert "56万元" in words and "0万元" in words and "若以报告为准，执行率为 62.46%" in words and "两处只有一处对" in words


def test_two_figures_for_one_thing_are_told_together():
    text = "调整预算数为1125.54万元，执行1125.54万元。\n另据统计，调整预算数为1209.35万元。"
    (one,) = narrative.check(document.from_text(report(text, eighth=False)), form("jinshui-2021"))
    assert "报告另一处（四、绩效目标实现情况分析）写 1125.54万元" in messages.message(one, "zh")


# ---- tables ----


def test_a_table_of_scores_is_held_against_the_form():
    table = ("指标\t权重分值\t得分\t得分率\n预算执行率\t10\t7.4\t74%\n投入管理指标\t30\t29.48\t98.27%\n产出指标\t20\t25\t100%\n"
             "效益指标\t35\t34\t97.14%\n"
             "合计\t100\t96.88\t96.88%")
    assert sorted(found(f"得分情况如下：\n{table}\n以上为自评得分。", chapter=3)) == [
        "R103 34 -> 35", "R104 20 -> 25"]


# ---- any text at all ----

PIECES = ["预算执行率", "全年预算数", "得分", "其中", "1万元", "923.86万元", "66.6%", "百分之", "均达到指标值", "，", "；", "：", "、",
          "（", "）", "“", "”", "2021年", "分别为", "一、基本情况\n", "\n", "\t", "优", "等", "共", "≥", "三级指标",
          "3项", "无偏差", "三公", "得分率", "。", "0", "."]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=3)), max_size=40), st.sampled_from(["renda-2022", "jinshui-2021", "waishi-2022"]))
def test_no_text_stops_the_check(pieces, name):
    for one in narrative.check(document.from_text("".join(pieces)), form(name)):
        for lang in messages.LANGUAGES:
            messages.render(one, "自评表", lang)


@pytest.mark.parametrize("piece", ["指标", "其中1万元，", "预算", "，；", "“", "得分为90分"])
def test_a_text_that_repeats_itself_takes_no_more_than_its_length(piece):
    start = time.perf_counter()
    narrative.check(document.from_text(f"一、基本情况\n{piece * 2000}"), form("renda-2022"))
    assert time.perf_counter() - start < 20  # it was minutes before long sentences were cut


# ---- the command line ----


def test_a_check_without_a_report_loads_none_of_this(renda):
    code = ("import sys; from perfeval_xl.cli import main; main(['check', sys.argv[1]]);"
            "print([name for name in sys.modules if name.startswith('perfeval_xl.')"
            " and name[12:] in ('document', 'figures', 'narrative', 'quotes')])")
    out = subprocess.run([sys.executable, "-c", code, renda], capture_output=True, text=True, check=True).stdout
    assert out.strip().endswith("[]")


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def renda():
    return str(Path(cli.examples_folder()) / "renda-2022.xlsx")


def test_the_report_is_checked_with_its_form(tmp_path, capsys, renda):
    path = written(tmp_path / "报告.txt", report("预算执行率为71.9%。"))
    assert cli.main(["check", renda, "--report", str(path), "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["files"][0]["findings"]
    (one,) = [one for one in findings if one["code"][0] == "R"]
    assert (one["cell"], one["label"], one["stated"], one["expected"]) == (None, TITLES[3], "71.9%", "66.60%")
    assert "原文：“预算执行率为71.9%。”" in one["message"]


def test_the_findings_stand_in_the_list_of_the_review_copy(tmp_path, renda):
    from openpyxl import load_workbook

    path = written(tmp_path / "报告.txt", report("预算执行率为71.9%。"))
    assert cli.main(["check", renda, "--report", str(path), "-q", "--out", str(tmp_path)]) == 1
    rows = [[cell.value for cell in row] for row in load_workbook(tmp_path / "renda-2022_批注版.xlsx")["校验结果"].iter_rows()]
    (row,) = [row for row in rows if "R203" in row]
    assert row[3:7] == ["报告", TITLES[3], "71.9%", "66.60%"]


def test_a_report_that_agrees_adds_nothing(tmp_path, capsys, renda):
    path = written(tmp_path / "报告.txt", report("全年预算数为923.86万元，执行率66.6%。"))
    assert cli.main(["check", renda, "--report", str(path), "--json"]) == cli.main(["check", renda, "--json"]) == 0
    both = capsys.readouterr().out
    assert "R2" not in both


@pytest.mark.parametrize("lang, words", [("zh", "只给一个自评表文件"), ("en", "exactly one form file")])
def test_one_form_at_a_time(capsys, renda, lang, words):
    assert cli.main(["check", renda, renda, "--report", "x.txt", "--lang", lang]) == 2
    assert words in capsys.readouterr().err


def test_an_unreadable_report_ends_with_2_and_one_line(capsys, renda, tmp_path):
    assert cli.main(["check", renda, "--report", str(tmp_path / "没有.docx")]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_of_several_forms_the_reports_own_is_taken(renda):
    other = form("zhengwu-2022")
    text = document.from_text(report("预算执行率为71.9%。", title="2022年度上街区人民代表大会常务委员会办公室部门整体自评报告"))
    one, two = narrative.add(text, [form("renda-2022"), other])
    assert any(finding.code == "R203" for finding in one.findings) and two is other
    with pytest.raises(Refusal) as refusal:
        narrative.add(document.from_text(report("从略。", title="2022年度教育局部门整体自评报告")), [form("renda-2022"), other])
    assert refusal.value.code == "X327"


def test_every_code_has_a_case():
    cases = {code.split()[0] for _, case in CASES for code in case.get("found", [])}
    cases |= {row["code"] for published in PUBLISHED for row in published["findings"]}
    assert set(narrative.CODES) - cases == {"R601", "R602", "R604", "R605"}  # cases above


# ---- .docx ----


def test_a_word_report_reads_as_its_text_does(tmp_path):
    text = report("全年预算数为855.66万元，预算执行率为71.9%。", title="2022年度上街区人民代表大会常务委员会办公室部门整体自评报告")
    book = docx.Document()
    for part in text.split("\n"):
        book.add_paragraph(part)
    book.save(tmp_path / "报告.docx")
    read, other = document.load(str(tmp_path / "报告.docx")), document.from_text(text)
    assert (read.title, read.department, read.year) == (other.title, other.department, other.year)
    assert list(map(line, narrative.check(read, form("renda-2022")))) == list(map(line, narrative.check(other, form("renda-2022"))))


def test_numerals_are_read_however_they_are_written():
    for text in ("66.6%", "６６．６％", "百分之六十六点六", "66.6个百分点", "六十六点六个百分点", "66.6 ％"):
        (one,) = figures.figures(figures.normal(f"预算执行率为{text}。"))
        assert (one.kind, str(one.value)) == ("percent", "66.6"), text
    for text in ("855.66万元", "8556600元", "8,556,600元", "八百五十五点六六万元", "0.085566亿元", "8 556 600 元".replace(" ", "")):
        (one,) = figures.figures(figures.normal(f"全年预算数为{text}。"))
        assert one.kind == "money" and one.value * 100 == 85566, text


# ---- whole reports ----


def whole(name):
    return (HERE / "cases" / "reports" / f"whole-{name}.txt").read_text(encoding="utf-8")


WRONG = """
全文 R601 其他需要说明的问题 -> ?
一 R305 28个 -> 26
二 R608 《财政支出绩效评价管理暂行办法》（财预〔2011〕285号） -> 财预〔2020〕10号
三 R101 96.13分 -> 96.31
三 R103 28分 -> 30
三 R105 99% -> 100%
三 R102 良好 -> 优
三 R401 各项指标均完成了年初设定的目标值 -> ?
四 R202 317.27万元 -> 366.48万元
四 R201 307.89万元 -> 357.1万元
四 R203 65.57% -> 56.76%
四 R302 15% -> 100%
四 R301 ≥95% -> ≥90%
四 R302 2件 -> 0件
四 R207 12场 -> 11场
四 R607 提供功能完善率 -> 提供功能完善度
五 R609 培训培训 -> 培训
七 R603 经验 -> ?
"""


@pytest.mark.parametrize("kind", ["txt", "docx"])
def test_a_whole_report_that_agrees_with_its_form_has_no_finding(tmp_path, kind):
    assert findings_of(whole("clean"), tmp_path / f"报告.{kind}", "renda-2022") == []


def findings_of(text, path, name):
    """The findings of a report as a file; a hard-wrapped text has its lines joined to paragraphs for Word."""
    if path.suffix == ".txt":
        path.write_text(text, encoding="gb18030")
    else:
        book = docx.Document()
        joined = re.sub("(?<=[^。：\n])\n(?=[^\n一二三四五六七八（(1234])", "", text) if "\n\n" in text else text
        for part in joined.split("\n"):
            book.add_paragraph(part)
        book.save(path)
    return [f"{one.label.partition('、')[0]} {line(one)}" for one in narrative.check(document.load(str(path)), form(name))]


@pytest.mark.parametrize("old, new, code", [
    ("4个一级指标", "5个一级指标", "R305"), ("２０个三级指标", "１９个三级指标", "R305"), ("五个三级指标", "四个三级指标", "R305"),
    ("得分为96.88分", "得分为96.38分", "R101"), ("为“优”", "为“良”", "R102"), ("得7.4分", "得7.9分", "R103"), ("得分率74%", "得分率84%", "R105"),
    ("得29.48分", "得29.84分", "R103"), ("分值25分", "分值52分", "R104"), ("满意度15分", "满意度20分", "R103"),
    ("年初预算855.66万元", "年初预算865.66万元", "R201"),
    ("九百二十三点八六", "九百三十二点八六", "R201"), ("支出615.33万元", "支出651.33万元", "R201"), ("执行率82%", "执行率92%", "R208"),
    ("指标值≥90%，实际完成66.6%", "指标值≥80%，实际完成66.6%", "R301"), ("实际7.97%", "实际9.77%", "R302"), ("９５％", "９９％", "R302"),
    ("不低于80%", "不低于90%", "R301"), ("均为百分之百", "均为百分之九十", "R302"), ("次数1次", "次数2次", "R302"), ("得1.48分", "得1.84分", "R103"),
    ("满意度为99%", "满意度为92%", "R302"), ("自评结果为优", "自评结果为中", "R102"), ("，均达到指标值", "，各项绩效目标全面完成", None),
])
def test_one_changed_figure_of_a_whole_report_is_found(old, new, code):
    text = whole("clean")
    assert code is None or text.replace("\n", "").count(old)
    changed = re.sub("\n?".join(map(re.escape, old)), new, text, count=1)
    codes = {one.code for one in narrative.check(document.from_text(changed), form("renda-2022"))}
    assert codes == ({code} if code else set())


@pytest.mark.parametrize("kind", ["txt", "docx"])
def test_a_whole_report_with_many_mistakes(tmp_path, kind):
    assert findings_of(whole("wrong"), tmp_path / f"报告.{kind}", "zhengwu-2022") == WRONG.strip().split("\n")
