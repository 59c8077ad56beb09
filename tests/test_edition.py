"""Editions: the shipped ones say what was published, a bad one is refused with file, key and remedy, a new one needs no line of code."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from drawing import draw

from perfeval_xl import edition, layout, messages, rules, scoring
from perfeval_xl.edition_file import check_drawable
from perfeval_xl.messages import Refusal

BAD = sorted((Path(__file__).parent / "bad_editions").glob("*.toml"))
SHIPPED = ("jinshui-2021", "mof-2020-project", "shangjie-2022")


def shipped(name):
    return (Path(edition.FOLDER) / f"{name}.toml").read_text(encoding="utf-8")


def patched(folder, case):
    """A shipped edition with the mistake of the case, in a file of the same name."""
    text = shipped(case["base"])
    for old, new in case["replace"]:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {case['base']}"
        text = text.replace(old, new)
    path = folder / f"{case['base']}.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def bad_cases():
    cases = [(path.stem, tomllib.loads(path.read_text(encoding="utf-8"))) for path in BAD]
    return [pytest.param(case, id=f"{stem}: {case['name']}") for stem, case in cases]


@pytest.mark.parametrize("case", bad_cases())
def test_a_bad_edition_is_refused_with_file_key_and_remedy(case, tmp_path):
    with pytest.raises(Refusal) as caught:
        edition.load(patched(tmp_path, case))
    refusal = caught.value
    assert refusal.code in ([case["code"]] if "code" in case else messages.CODES)
    for lang in messages.LANGUAGES:
        line = refusal.words(lang)
        assert "\n" not in line
        for word in (f"{case['base']}.toml", case.get("key", ""), *case["words"]):
            assert word in line
        pattern = messages.CODES[refusal.code].fix[messages.LANGUAGES.index(lang)]
        assert line.endswith(pattern.format(**refusal.args_))


def test_an_edition_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "shangjie-2022.toml"
    path.write_bytes(shipped("shangjie-2022").encode("gb18030"))
    with pytest.raises(Refusal) as caught:
        edition.load(str(path))
    assert caught.value.code == "X601" and "shangjie-2022.toml" in caught.value.words()


def test_an_edition_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(Refusal) as caught:
        edition.load(str(tmp_path / "没有.toml"))
    assert caught.value.code == "X601" and "没有.toml" in caught.value.words()


def test_an_edition_saved_by_the_windows_editor_loads(tmp_path):
    path = tmp_path / "shangjie-2022.toml"
    path.write_bytes(b"\xef\xbb\xbf" + shipped("shangjie-2022").replace("\n", "\r\n").encode())
    assert edition.load(str(path)) == edition.get("shangjie-2022")


def test_an_unknown_id_is_refused_with_the_known_ones():
    with pytest.raises(Refusal) as caught:
        edition.get("shangjie-2032")
    assert caught.value.code == "X113"
    assert all(name in caught.value.words(lang) for name in SHIPPED for lang in messages.LANGUAGES)


@pytest.mark.parametrize("name", ["../editions/shangjie-2022", "", "shangjie-2022.toml", "SHANGJIE-2022"])
def test_an_id_is_never_a_path(name):
    with pytest.raises(Refusal):
        edition.get(name)


# ---- the shipped editions ----


def test_three_editions_are_shipped():
    assert edition.known() == SHIPPED
    assert [one.id for one in edition.editions().values()] == list(SHIPPED)
    assert edition.DEFAULT in SHIPPED


#: (title, place of use, year, unit) and the weights of DOMAIN.md b.8 and b.9, S004 chapter 三, 财预〔2020〕10号
PUBLISHED = {
    "shangjie-2022": ("部门整体自评表", 2022, "department",
                      {"预算执行率": 10, "投入管理指标": 30, "产出指标": 25, "效益指标": 35}),
    "jinshui-2021": ("部门整体绩效自评表", 2021, "department",
                     {"预算执行": 10, "投入管理指标": 20, "产出指标": 40, "效益指标": 30}),
    "mof-2020-project": ("项目支出绩效自评表", 2020, "project",
                         {"预算执行率": 10, "产出指标": 50, "效益指标": 30, "满意度指标": 10}),
}
#: (rule, line, decimals) of the execution score: DOMAIN.md b.1 E1, E7, E2
EXECUTION = {"shangjie-2022": ("line", 90, 2), "jinshui-2021": ("linear", 100, 0), "mof-2020-project": ("linear", 100, 2)}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_edition_has_the_published_weights(name):
    one = edition.get(name)
    assert (one.title, one.year, one.scope, {part.name: part.weight for part in one.parts}) == PUBLISHED[name]
    assert [part.name for part in one.parts if part.place == "funds"] == [one.parts[0].name]
    assert one.unit == "万元"


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_edition_has_the_published_rule_of_execution(name):
    rule = edition.get(name).execution
    assert (rule.rule, rule.line, rule.places) == EXECUTION[name]
    assert rule.caps == () and rule.steps == ()  # 上街区 did not cap the total (DOMAIN.md b.1 E6)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_edition_has_the_national_grades(name):
    assert [(one.name, one.low) for one in edition.get(name).grades] == [("优", 90), ("良", 80), ("中", 60), ("差", 0)]


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_edition_has_the_national_tiers(name):
    assert [(one.low, one.high) for one in edition.get(name).qualitative.tiers] == [(80, 100), (60, 80), (0, 60)]


def test_qualitative_targets_are_scored_in_percent_in_the_districts_and_in_tiers_nationally():
    assert [edition.get(name).qualitative.rule for name in SHIPPED] == ["percent", "tiers", "percent"]


def test_the_profile_of_shangjie_is_the_recommended_one():
    one = edition.get("shangjie-2022")  # DOMAIN.md b.9
    assert one.tolerance[:4] == (Decimal("0.01"), Decimal("0.01"), Decimal("0.01"), False)
    assert (one.quantitative.places, one.deviation.places, one.over.low) == (2, 2, 30)
    assert one.explain.reason and one.explain.execution_below == 90
    assert len(one.tree) == 20 and sum(row.weight for row in one.tree) <= 30
    roles = {row.name.strip("“”"): (row.role, row.target) for row in one.tree if row.role}
    assert roles["预算执行率"] == ("execution_rate", "≥90%")


@pytest.mark.parametrize("name", SHIPPED)
def test_every_figure_of_a_shipped_edition_is_exact(name):
    one = edition.get(name)
    figures = [part.weight for part in one.parts] + [one.execution.line, *one.tolerance[:3]] + [grade.low for grade in one.grades]
    assert all(type(figure) is Decimal for figure in figures)


@pytest.mark.parametrize("text, label", [
    ("资金来源：（1）政府预算资金", "政府预算资金"), ("全年（调整）预算数 (A)", "全年预算数"), ("1、资金结构：（2）项目支出", "项目支出"),
    ("部门（单位）\n名称：", "部门名称"), ("★“三公经费”控制率", "三公经费控制率"), ("其中：当年财政拨款", "当年财政拨款"),
    ("一、数量指标", "数量指标"), ("２．５级", "2.5级"), ("", ""), ("（）", ""), ("：", ""),
])
def test_a_label_is_what_remains_without_decoration(text, label):
    assert edition.plain_label(text) == label


# ---- a district of its own ----

#: an invented district: steps with caps, whole-number scores, its own headings and weights
LINJIANG = """
id = "linjiang-2024"
title = "部门绩效自查表"
name = "临江县部门绩效自查表（虚构）"
place = "临江县"
year = 2024
scope = "department"
unit = "万元"
source = "虚构"

[recognise]
all = ["填报部门", "批复数"]

[labels]
department = ["填报部门"]
total = ["总分"]

[funds]
column = [
    { field = "adjusted", heading = "批复数" },
    { field = "executed", heading = "支付数" },
    { field = "weight", heading = "满分" },
    { field = "score", heading = "自查得分" },
]
row = [{ role = "total", label = "全部资金" }]

[indicators]
column = [
    { field = "part", heading = "类别" },
    { field = "name", heading = "指标" },
    { field = "target", heading = "目标" },
    { field = "actual", heading = "结果" },
    { field = "weight", heading = "满分" },
    { field = "score", heading = "自查得分" },
]

[parts]
binding = true
source = "虚构"
part = [
    { name = "支付进度", weight = 20, place = "funds" },
    { name = "产出指标", weight = 50 },
    { name = "效益指标", weight = 30 },
]

[execution]
rule = "steps"
places = 0
source = "虚构：95%以上满分，90%以上九成，80%以上七成，以下不得分；低于80%总分不超过79，低于60%不超过59"
step = [{ from = 95, percent = 100 }, { from = 90, percent = 90 }, { from = 80, percent = 70 }, { from = 0, percent = 0 }]
cap = [{ below = 80, total = 79 }, { below = 60, total = 59 }]

[quantitative]
reverse = "ratio"
places = 0
source = "虚构"

[qualitative]
rule = "percent"
source = "虚构"
tier = [{ name = "达成", from = 60, to = 100 }, { name = "未达成", from = 0, to = 60 }]

[over]
from = 50
source = "虚构"

[deviation]
rule = "shortfall"
places = 1
source = "虚构"

[explain]
score_below_weight = true
execution_below = 80
adjustment = false
source = "虚构"

[grades]
source = "虚构"
grade = [{ name = "合格", from = 60 }, { name = "不合格", from = 0 }]

[tolerance]
score = 0
rate = 0.01
money = 0.01
source = "虚构"

[tree]
source = "虚构"
"""

#: the headings are the national ones: the layout reads only what shipped editions spell
FORM = """
部门名称|某局
部门支出||全年预算数|全年执行数|分值|执行率|得分
^|部门预算总额|{adjusted}|{executed}|20|{rate}|{score}
一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差原因分析
产出指标|数量|办件数|≥30件|25件|50|42|人手不足
效益指标|满意度|满意度|≥90%|95%|30|30|
总分|<|<|<|<|100|{total}
"""


@pytest.fixture
def linjiang(tmp_path):
    path = tmp_path / "linjiang-2024.toml"
    path.write_text(LINJIANG, encoding="utf-8")
    return edition.load(str(path))


def test_an_edition_of_another_district_needs_no_line_of_code(linjiang):
    assert [column.heading for column in linjiang.funds_columns] == ["批复数", "支付数", "满分", "自查得分"]
    assert linjiang.execution.caps == ((60, 59), (80, 79))
    assert linjiang.task_columns == () and linjiang.tree == ()
    assert linjiang.id not in edition.known()


@pytest.mark.parametrize("executed, rate, points, total, grade", [
    (190, 95, 20, 92, "合格"), (189.98, 94.99, 18, 90, "合格"), (180, 90, 18, 90, "合格"), (160, 80, 14, 86, "合格"),
    (159, 79.5, 0, 72, "合格"), (119, 59.5, 0, 59, "不合格"), (0, 0, 0, 59, "不合格"), (240, 120, 20, 92, "合格"),
])
def test_a_form_of_another_district_is_scored_by_its_own_steps_and_caps(linjiang, executed, rate, points, total, grade):
    form, _ = layout.read(draw(FORM.format(adjusted=200, executed=executed, rate=rate, score=points, total=total)))
    card = scoring.score(form._replace(recognised=True), linjiang)
    assert [row.score for row in card.rows] == [42, 30]  # 50 x 25 / 30 = 41.67, no decimals in this district
    assert (card.funds_score, card.total, card.grade) == (points, total, grade)
    codes = {one.code for one in rules.check(form, card, linjiang)}
    assert codes.isdisjoint({"F104", "S101", "S106", "S111"})


def test_a_total_above_the_cap_of_another_district_is_found(linjiang):
    form, _ = layout.read(draw(FORM.format(adjusted=200, executed=119, rate=59.5, score=0, total=72)))
    found = rules.check(form, scoring.score(form, linjiang), linjiang)
    assert [(one.code, one.stated, one.expected) for one in found if one.code[0] == "S"] == [("S111", "72", "59")]


def test_an_edition_that_only_reads_forms_draws_none(linjiang):
    with pytest.raises(Refusal, match="linjiang-2024") as refused:
        check_drawable(linjiang)
    assert (refused.value.code, "labels.indicators、tree.open" in str(refused.value)) == ("X602", True)
    for name in SHIPPED:
        check_drawable(edition.get(name))
