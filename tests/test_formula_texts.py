"""Thousands of texts, sensible and odd, through the formulas of a row, worked out in Python: never another figure than the core's, never an error."""

from __future__ import annotations

import random

import pytest
from rows import Row

from perfeval_xl import calculation, formulas, udfs
from perfeval_xl.edition import get

YEAR = 2022
BEFORE = ("", "", "", "≥", "≤", ">", "<", "=", "＞", "＜", "＝", "≧", "不低于", "不少于", "不超过", "不得低于", "不得超过", "至少",
          "至多", "达到", "达", "超过", "大于等于", "大于或等于", "小于等于", "大于", "小于", "控制在", "确保", "保持在", "确保≥",
          "满意度", "满意度≥", "覆盖率达到", "完成率", "合格率不低于", "各", "约", "每", "共", "已", "已完成", "累计完成", "完成", "实际",
          "实现", "为", "均达到", "完成率为", "±", "+/-", "=±", "+", "-", "－", "≥-", "≤-", "不", "未", "百分之", "不低于百分之",
          "千分之", "≥ ", "全年", "年底", "2021年", "7月", "第", "增长率≥", "提高", "正负", "控制在±", "==", "≥=", ">=", "=>", "于",
          "截至")
FIGURES = ("90", "95", "100", "0", "5", "3.5", "66.6", "0.95", "1,234", "12,34", "1.", "007", "290", "2021", "2021.12", "1e5", "九十五",
           "三", "十", "一百", "百", "二十", "两", "3 5", "5.5.5", "10.0", "９０", "", "30", "2100", "20220731", "12", "7", "31")
UNITS = ("", "", "%", "%", "％", "‰", "次", "件", "人", "万元", "元", "亿元", "个", "名", "天", "个月", "月", "年", "人次", "个工作日",
         "㎡", "mg/L", "元/平方米", "次/年", "项", "项目", "万", "百分点", "℃", "km", "级", "期", "余次", "xx", "日", "号", "季度",
         "人、天", "m2", "千克", "台/套", "万/月")
BEHIND = ("", "", "", "以上", "以下", "以内", "及以上", "之内", "内", "(含)以上", "以上(含)", "（不含）以上", "左右", "前", "底前", "之前",
          "前完成", "完成", "-95%", "-100", "～95%", "至95%", "—100%", "到20", "日", "日前", "31日前", "月底前", "。", "(含95%)以上",
          "之间", "-20次之间", "*", "?", "年", "12月", "-12-31", "1-12月", "①", "²", ";", "、", "及时", "\n", " 以上", "—")
WORDS = ("合规", "较完整", "基本完整", "不合规", "及时", "部分达成预期指标并具有一定效果", "达成预期指标", "未达成", "年底前",
         "2021年12月31日", "2022年7月31日前", "2022-07-31", "7月20日", "已完成", "100%", "80%", "无", "—", "/", "", "合 规", "“合规”",
         "合规（全部）", "是", "否", "一级", "二级", "三次", "≥", "%", "≥%", "*", "?", "0", "TRUE", "#DIV/0!", "0.95", "1", "95", "1次",
         "2021年1-12月", "满意度", "不断完善机制", "不高于市场价", "全面覆盖")
NAMES = ("培训人次", "群众投诉件数", "重点工作完成率", "投诉办结率")


def text(dice: random.Random) -> str:
    if dice.random() < 0.2:
        return dice.choice(WORDS)
    made = dice.choice(BEFORE) + dice.choice(FIGURES) + dice.choice(UNITS) + dice.choice(BEHIND)
    if dice.random() < 0.12:
        made += dice.choice(WORDS)
    if dice.random() < 0.08:
        place = dice.randint(0, len(made))
        made = made[:place] + dice.choice(" 　\n★") + made[place:]
    return made


def sides(dice: random.Random, split: bool) -> tuple[list[str], str]:
    """The cells of a target, and an actual that has something to do with it or not."""
    target = [text(dice)]
    simple = dice.choice(("", "已完成", "-")) + dice.choice(FIGURES) + dice.choice(UNITS)
    actual = dice.choice((text(dice), simple, target[0], "95%", "3件", "2", dice.choice(WORDS)))
    if split:
        target = dice.choice((
            [*target, ""], ["", *target], [dice.choice(("≥", "≤")), *target], [dice.choice(WORDS), dice.choice((*UNITS, "定性指标"))],
            [dice.choice(("≥", "≤", "=", "-", "", "定量", "定性", "≥≥", "合规", "＞")), dice.choice(FIGURES) + dice.choice(UNITS)],
            [dice.choice(BEFORE) + dice.choice(FIGURES), dice.choice((*UNITS, "定性", "定量指标"))]))
    return target, actual


@pytest.mark.parametrize("edition", ["shangjie-2022", "jinshui-2021"])
def test_odd_texts_get_the_figure_of_the_core_or_none(edition):
    dice, row = random.Random(4), Row(get(edition), YEAR)
    decided = 0
    for _ in range(400):
        target, actual = sides(dice, edition.startswith("jinshui"))
        name, group = dice.choice(NAMES), dice.choice(("数量指标", "数量指标", "成本指标"))
        fields = dict(zip(("target", "unit"), target, strict=False))
        values = row.work_out(**fields, actual=actual, name=name, group=group, weight=5.0)
        where = (target, actual, name, group)
        assert calculation.ERROR not in values.values(), where
        compare(values["score"], udfs.PE_SCORE([target], actual, 5.0, edition, name, group, YEAR), where)
        if "deviation" in values:
            compare(values["deviation"], udfs.PE_DEVIATION([target], actual, name, group, YEAR), where)
        decided += isinstance(values["score"], float)
    assert decided > 10


def compare(mine, core, where) -> None:
    if isinstance(mine, float):
        assert isinstance(core, float) and abs(mine - core) < 1e-9, (where, core, mine)
    else:
        assert mine in (formulas.ASK, formulas.NONE) or (mine == "" and core == ""), (where, core, mine)


# ---- the functions themselves ----


@pytest.mark.parametrize("formula, expected", [
    ('=SUBSTITUTE("a-b-c","-","+",2)', "a-b+c"), ('=FIND("b","abc")&MID("abcd",2,9)&RIGHT("abc",2)&LEFT("abc")', "2bcdbca"),
    ("=ROUND(2.675,2)", 2.68), ("=ROUND(-0.125,2)", -0.13), ('=IFERROR(FIND("x","abc"),"none")', "none"), ("=1/0", calculation.ERROR),
    ('=IF("a"="A",1,2)', 1.0), ("=SUMPRODUCT({1,2,3}*{1,0,1})", 4.0), ('=SUMPRODUCT(MIN(FIND({"b","c"},"abc")))', 2.0),
    ('=1&"件"&0.1', "1件0.1"), ('=TEXT(1234,"#,##0")', "1,234"), ("=DATE(2022,13,1)-DATE(2023,1,1)", 0.0), ("=DAY(DATE(2024,3,0))", 29.0),
    ("=2^3*-1", -8.0), ('=COUNT(1,"1",1/0)', 1.0), ('=AND(TRUE,1/0)', calculation.ERROR), ('=EXACT("a","A")', 0.0),
    ('="a"&TRIM("  b   c ")', "ab c"), ('=INDEX({"x","y"},2)', "y"), ('=MATCH("B",{"a","b"},0)', 2.0), ('=N("5")+N(5)', 5.0),
])
def test_functions_give_what_a_spreadsheet_gives(formula, expected):
    book = calculation.Book(lambda sheet, row, column: None, {}, lambda row, column: "G")
    assert calculation.worked_out(formula, 0, 0, book) == expected


def test_a_cell_that_was_read_is_taken_from_its_own_row():
    cells = {(4, 1): 7.0, (0, 0): "fixed"}
    book = calculation.Book(lambda sheet, row, column: cells.get((row, column)), {}, lambda row, column: "G")
    assert calculation.worked_out("=$A$1&B5&B6", 4, 2, book) == "fixed7"
    with pytest.raises(ValueError, match="not a formula"):
        calculation.worked_out("=A1 § 2", 0, 0, book)
