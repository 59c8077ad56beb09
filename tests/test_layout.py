"""Forms of many districts, drawn small: what the layout must read, and that a form which is right raises no alarm."""

import pytest
from drawing import draw

from perfeval_xl import layout, rules, scoring
from perfeval_xl.edition import get
from perfeval_xl.messages import Refusal, cell


def read(picture):
    return layout.read(picture if hasattr(picture, "rows") else draw(picture))[0]


def alarms(form):
    """Errors and warnings, as "code cell"."""
    edition = get(form.edition)
    found = rules.check(form, scoring.score(form, edition), edition)
    return [f"{one.code} {cell(one, form.sheet)} {one.stated}->{one.expected}" for one in found if one.severity != "note"]


def number(entry):
    return None if entry is None or entry.number is None else float(entry.number)


def text(entry):
    return entry.text if entry else None


def funds(form):
    fields = ("initial", "adjusted", "executed", "rate", "score")
    return [(row.role, *(number(getattr(row, field)) for field in fields)) for row in form.funds]


def rows(form):
    """part/group/name target actual weight score"""
    return [f"{one.part}/{one.group}/{one.name} {text(one.target_entry)} {text(one.actual_entry)} {text(one.weight)} {text(one.score)}"
            for one in form.indicators]


def targets(form):
    return [(one.target.op, number(one.target), one.target.unit) for one in form.indicators]


def totals(form):
    return [number(one) for one in form.totals]


def moved(sheet, down, right):
    """The same sheet with empty rows above and empty columns to the left."""
    lines = [[""] * right + line for line in sheet.rows]
    return sheet._replace(rows=[[""] * len(lines[0])] * down + lines,
                          merged=tuple((a + down, b + right, c + down, d + right) for a, b, c, d in sheet.merged))


# ---- the editions ----

SHANGJIE = """
部门整体自评表
部门（单位）名称|<|某区数据中心
部门整体支出情况||年初预算数|全年预算数|全年执行数|分值|执行率|得分
^|部门预算总额（万元）|317.27|366.48|330.6|10|90.21|10
^|资金来源：（1）政府预算资金|317.27|357.1|321.22|-|89.95|-
^|（2）财政专户管理资金|0|0|0|-|0|-
^|（3）单位资金|0|9.38|9.38|-|100|-
年度履职目标|预期目标|||实际完成情况
^|做好数据归集|||已完成
年度主要任务|任务名称|主要内容|实际完成情况
^|数据归集|归集全区数据|已完成
绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施
^|投入管理指标|工作目标管理|年度履职目标相关性|相关|100%|3|3|0.00%
^|^|预算和财务管理|预算执行率|≥90%|90.21%|4|4|0.00%
^|^|^|预算调整率|≤30%|15.51%|4|4|0.00%
^|^|^|结转结余率|≤20%|9.79%|4|4|0.00%
^|^|^|“三公经费”控制率|≤100%|23%|5|5|0.00%
^|^|绩效管理|绩效自评完成率|≥100%|100%|10|10|0.00%
^|产出指标|重点工作任务完成|工作完成率|≥90%|100%|10|10|0.00%
^|^|履职目标实现|群众投诉|≤5件|0件|15|15|0.00%
^|效益指标|履职效益|社会效益|提升服务水平|100%|20|20|0.00%
^|^|满意度|群众满意度|≥90%|95%|15|15|0.00%
总分|<|<|<|<|<|100|100
"""


def test_a_right_shangjie_form_is_read_and_raises_no_alarm():
    form = read(SHANGJIE)
    assert (form.edition, form.recognised, form.department.text, form.unit) == ("shangjie-2022", True, "某区数据中心", "万元")
    assert funds(form) == [("total", 317.27, 366.48, 330.6, 90.21, 10), ("government", 317.27, 357.1, 321.22, 89.95, None),
                           ("special_account", 0, 0, 0, 0, None), ("own", 0, 9.38, 9.38, 100, None)]
    assert rows(form)[1] == "投入管理指标/预算和财务管理/预算执行率 ≥90% 90.21% 4 4"
    assert rows(form)[-1] == "效益指标/满意度/群众满意度 ≥90% 95% 15 15"
    assert (len(rows(form)), totals(form), number(form.total_weight)) == (10, [100], 100)
    assert alarms(form) == []


JINSHUI = """
部门整体绩效自评表（2021年度）
填表人及联系方式：张某 12345678|<|<|<|<|<|<|单位：万元
部门（单位）名称|某区档案馆|<|<|自评得分|98|自评结果|优
年度履职目标|保管档案|<|<|年度履职目标完成情况|已完成
年度主要任务|任务名称|主要内容|预算资金|其中：财政资金|任务完成情况|预算执行数|其中：财政资金|预算执行率
^|数字化|扫描|20|20|完成|18|18|90.00%
^|修缮|修库房|10|10|完成|9.3|9.3|93%
预算情况||年初预算数|调整预算数|预算执行数|预算执行率|分值|得分
^|部门预算总额|130|130|122.3|94.08%|10|9
^|1、资金来源：（1）财政性资金|130|130|122.3|94.08%||
^|（2）其他资金||||||
^|2、资金结构：（1）基本支出|100|100|95|95.00%||
^|（2）项目支出|30|30|27.3|91.00%||
一级指标|二级指标|三级指标|指标值|度量单位|实际完成值|分值|得分|未完成原因分析
投入管理指标（20分）|预算和财务管理|决算真实性|真实|定性指标|真实|10|10
^|^|“三公经费”控制率|≤|100%|23%|5|5
^|^|预算执行率|≥|90%|94.08%|5|5
^|^|政府采购执行率|≥|%||||
产出指标（40分）|重点工作|归档率|≥|90%|95%|40|40
效益指标（30分）|满意度|读者满意度|≥|90%|88%|30|29|系统故障影响借阅，已修复
总分|<|<|<|<|<|100|98
"""


def test_a_right_jinshui_form_has_its_number_in_the_unit_column():
    form = read(JINSHUI)
    assert (form.edition, form.recognised, form.department.text, form.year) == ("jinshui-2021", True, "某区档案馆", 2021)
    assert [row[0] for row in funds(form)] == ["total", "government", "own", "basic", "project"]
    assert [(task.name, number(task.budget), number(task.executed), number(task.rate)) for task in form.tasks] == [
        ("数字化 扫描", 20, 18, 90), ("修缮 修库房", 10, 9.3, 93)]
    assert targets(form) == [(None, None, None), ("<=", 100, "%"), (">=", 90, "%"), (">=", None, "%"), (">=", 90, "%"), (">=", 90, "%")]
    assert (totals(form), form.grade.text) == ([98, 98], "优")
    assert {name: number for name, (number, *_) in form.parts_stated.items()} == {"投入管理指标": 20, "产出指标": 40, "效益指标": 30}
    assert alarms(form) == []


NATIONAL = """
项目支出绩效自评表
（2023年度）
项目名称|老旧小区改造|<|<|<|<|<|<
主管部门|某区住建局|<|<|实施单位|某区房管所|<|<
项目资金（万元）||年初预算数|全年预算数（A）|全年执行数（B）|分值|执行率（B/A）|得分
^|年度资金总额|200|200|180|10|90.00%|9
^|其中：当年财政拨款|150|150|150|—|100.00%|—
^|上年结转资金|50|50|30|—|60%|—
^|其他资金|||||
年度总体目标|预期目标|<|<|实际完成情况|<|<|<
^|改造两个小区|<|<|改造完成|<|<|<
绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差原因分析及改进措施
^|产出指标|数量指标|改造小区数量|≥2个|2个|15|15
^|^|质量指标|验收合格率|100%|100%|15|15
^|^|时效指标|完工时间|2023年11月底前|2023年10月|10|10
^|^|成本指标|改造成本|≤200万元|180万元|10|10
^|效益指标|社会效益指标|居住条件|明显改善|达成预期指标|20|20
^|^|可持续影响指标|管护机制|健全|部分达成预期指标并具有一定效果|10|7|管护资金不足，明年列入预算
^|满意度指标|服务对象满意度指标|居民满意度|≥90%|88%|10|9.78|施工噪声扰民，今后错峰施工
总分|<|<|<|<|<|100|95.78|
"""


def test_a_right_national_form_is_recognised():
    form = read(NATIONAL)
    assert (form.edition, form.recognised, form.project.text, form.department.text, form.year) == (
        "mof-2020-project", True, "老旧小区改造", "某区住建局", 2023)
    assert funds(form)[:3] == [("total", 200, 200, 180, 90, 9), ("government", 150, 150, 150, 100, None),
                               ("carry_over", 50, 50, 30, 60, None)]
    assert rows(form)[2] == "产出指标/时效指标/完工时间 2023年11月底前 2023年10月 10 10"
    assert (totals(form), len(rows(form))) == ([95.78], 7)
    assert alarms(form) == []


def test_a_national_form_with_a_heading_split_into_two_lines():
    form = read("""
    项目支出绩效自评表（2023年度）
    项目名称|水库除险|<|<|<|<|<|<|<|<
    主管部门|某县水利局|<|<|实施单位|某县水库站|<|<|<|<
    项目资金（万元）||年初预算数|全年预算数（A）|全年执行数（B）|分值|执行率（B/A）|得分
    ^|年度资金总额|80|80|80|10|100%|10
    一级指标|二级指标|三级指标|年度指标值|<|<|实际完成值|分值|得分|偏差原因分析及改进措施
    ^|^|^|指标性质|指标值|度量单位|^|^|^|^
    产出指标|数量指标|加固坝体|≥|3|座|3|50|50
    效益指标|社会效益指标|渗漏事故|≤|1|起|0|30|30
    满意度指标|服务对象满意度指标|群众满意度|≥|95|%|96|10|10
    总分|<|<|<|<|<|<|100|100
    """)
    assert targets(form) == [(">=", 3, "座"), ("<=", 1, "起"), (">=", 95, "%")]
    assert [text(one.target_entry) for one in form.indicators] == ["≥3座", "≤1起", "≥95%"]
    assert (form.recognised, totals(form), alarms(form)) == (True, [100], [])


def test_a_heading_whose_columns_are_only_numbered_below_stays_one_value():
    form = read("""
    项目支出绩效自评表
    一级指标|二级指标|三级指标|年度指标值|<|实际完成值|<|分值|得分
    ^|^|^|年初|调整|数值|单位|^|^
    产出指标|数量指标|培训人数|≥100人|<|120人|<|100|100
    总分|<|<|<|<|<|<|100|100
    """)
    assert rows(form) == ["产出指标/数量指标/培训人数 ≥100人 120人 100 100"]
    assert alarms(form) == []


# ---- the districts ----

def test_yunnan_counts_in_yuan_and_splits_the_target_into_three_cells():
    form = read("""
    项目支出绩效自评表
    公开14表|<|<|<|<|<|<|<|<|单位：元
    项目名称|村道养护|<|<|<|<|<|<|<|<
    主管部门|某县交通运输局|<|<|实施单位|某县公路站|<|<|<|<
    项目资金（元）||年初预算数|全年预算数|全年执行数|分值|执行率|得分
    ^|年度资金总额|1,200,000.00|1,200,000.00|1,140,000.00|10|95.00%|9.50
    ^|其中：当年财政拨款|1,200,000.00|1,200,000.00|1,140,000.00|-|95.00%|-
    ^|上年结转资金|0.00|0.00|0.00|-|-|-
    一级指标|二级指标|三级指标|指标性质|指标值|度量单位|实际完成值|分值|得分|偏差原因分析及改进措施
    产出指标|数量指标|养护里程|>=|30|公里|31.5|30|30|无
    ^|成本指标|单位成本|<=|40000|元/公里|36190|20|20|无
    效益指标|社会效益指标|出行条件|=|改善|年|改善|30|30|无
    满意度指标|服务对象满意度指标|村民满意度|>=|90|%|92|10|10|无
    总分|<|<|<|<|<|<|100|99.50|
    """)
    assert (form.unit, float(form.factor), form.department.text) == ("元", 0.0001, "某县交通运输局")
    assert funds(form)[0] == ("total", 1200000, 1200000, 1140000, 95, 9.5)
    assert targets(form)[:2] + targets(form)[3:] == [(">=", 30, "公里"), ("<=", 40000, "元/公里"), (">=", 90, "%")]
    assert form.indicators[2].target.kind == "qual"
    assert (totals(form), alarms(form)) == ([99.5], [])


def test_sichuan_gives_ten_points_to_the_funds_and_ninety_to_the_rows():
    form = read("""
    部门预算项目支出绩效自评表（2022年度）
    报表编号：510000_0013zp|<|<|<|<|<|<|<|<|金额单位：万元
    项目名称|<|林区管护|<|<|<|<|<|<|<
    主管部门|<|某县林业局|<|<|实施单位|某县林场|<|<|<
    项目预算执行情况（万元）||年初预算|调整后预算数|预算执行数|预算执行率|权重|得分|原因
    ^|总额|50|60|57|95.00%|10|9.5|上级追加防火资金
    ^|其中：财政资金|50|60|57|95.00%|/|/|
    ^|财政专户管理资金||||||
    ^|单位资金||||||
    ^|其他资金||||||
    一级指标|二级指标|三级指标|指标性质|指标值|度量单位|完成值|权重|得分|未完成原因分析
    产出指标|数量指标|巡护里程|≥|1000|公里|1100|30|30
    ^|时效指标|按时完成率|＝|100|%|100|20|20
    效益指标|生态效益指标|森林火灾受害率|≤|0.9|‰|0.1|30|30
    满意度指标|满意度指标|林农满意度|≥|90|%|81|10|9|道路未修，已列入计划
    合计|<|<|<|<|<|<|100|98.5
    评价结论|项目总体完成较好，自评得分98.5分。|<|<|<|<|<|<|<|<
    存在问题|林区道路不便。|<|<|<|<|<|<|<|<
    改进措施|修路。|<|<|<|<|<|<|<|<
    项目负责人：王某|<|<|<|<|财务负责人：李某|<|<|<|<
    """)
    assert (form.edition, form.recognised, form.department.text, form.year) == ("mof-2020-project", False, "某县林业局", 2022)
    assert funds(form)[0] == ("total", 50, 60, 57, 95, 9.5)
    assert [row[0] for row in funds(form)] == ["total", "government", "special_account", "own", "other"]
    assert targets(form) == [(">=", 1000, "公里"), ("==", 100, "%"), ("<=", 0.9, "‰"), (">=", 90, "%")]
    assert (len(rows(form)), totals(form), form.grade) == (4, [98.5], None)
    assert alarms(form) == []


def test_hubei_has_no_weights_and_twenty_points_for_the_rate():
    form = read("""
    2022年度项目自评表
    单位名称：某市某局|<|<|<|<|填报日期：2023年3月17日
    项目名称|数字城管|<|<|<|<
    主管部门|某市城管局|<|项目实施单位|某市监督中心|<
    预算执行情况（万元）（20分）||预算数(A)|执行数(B)|执行率(B/A)|得分（20分*执行率）
    ^|年度财政资金总额|100|90|90%|18
    一级指标|二级指标|三级指标|年初目标值(A)|实际完成值(B)|得分
    年度绩效目标1（80分）|产出指标|数量指标：立案数|≥5000件|5200件|30
    ^|^|质量指标：结案率|≥95%|96%|30
    ^|效益指标|社会效益：市容|改善|改善|20
    总分|98|<|<|<|<
    偏差大或目标未完成原因分析|无|<|<|<|<
    改进措施及结果应用方案|继续推进|<|<|<|<
    """)
    assert funds(form) == [("total", None, 100, 90, 90, 18)]
    assert [float(one.score.number) for one in form.indicators] == [30, 30, 20]
    assert [one.part for one in form.indicators] == ["年度绩效目标1"] * 3
    assert (form.year, totals(form), len(rows(form)), alarms(form)) == (2022, [98], 3, [])


def test_chongqing_scores_by_coefficient_and_has_a_total_in_the_head():
    form = read("""
    部门（单位）整体绩效自评表
    部门名称|某区司法局|<|<|自评总分（分）|99.6|<|<|<|<
    当年整体支出绩效自评||年初预算数|全年（调整）预算数|全年执行数|执行率（%）|执行率权重（分）|执行率得分（分）
    ^|年度总金额|500|500|480|96|10|9.6
    ^|其中：一般公共预算|500|500|480|96||
    指标名称|计量单位|指标性质|年初指标值|调整指标值|全年完成值|得分系数（%）|指标权重（分）|指标得分（分）|是否核心指标|说明
    调解案件数|件|≥|800||812|100|30|30|是|
    法律援助投诉率|%|≤|2||1.5|100|30|30|否|
    普法覆盖率|%|≥|90|95|95|100|30|30|是|
    """)
    assert (form.department.text, totals(form)) == ("某区司法局", [99.6])
    assert funds(form)[0] == ("total", 500, 500, 480, 96, 9.6)
    assert [one.name for one in form.indicators] == ["调解案件数", "法律援助投诉率", "普法覆盖率"]
    assert targets(form) == [(">=", 800, "件"), ("<=", 2, "%"), (">=", 95, "%")]
    assert [float(one.weight.number) for one in form.indicators] == [30, 30, 30]
    assert alarms(form) == []


def test_anhui_numbers_its_indicators_and_leaves_template_rows():
    form = read("""
    部门整体支出绩效自评表
    （2022年度）
    部门名称|某县档案局|<|<|<|<|<|<
    年度预算（万元）||年初预算数|全年预算数|全年执行数|分值|执行率|得分
    ^|年度资金总额|90|90|90|10|100%|10
    ^|其中：财政拨款|90|90|90|10|100%|10
    ^|其他资金|0|0|0|-|0|-
    绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差原因分析及改进措施
    ^|产出指标|数量指标|指标1：整理档案|≥2000卷|2100卷|25|25
    ^|^|^|指标2：
    ^|^|^|……
    ^|^|质量指标|指标1：合格率|≥98%|99%|25|25
    ^|^|^|指标2：
    ^|效益指标|社会效益\\n指标|指标1：查档便利|提高|提高|30|30
    ^|^|^|……
    ^|满意度指标|满意度指标|指标1：查档人满意度|≥95%|97%|10|10
    总分|<|<|<|<|<|100|100
    """)
    assert [one.name for one in form.indicators] == ["整理档案", "合格率", "查档便利", "查档人满意度"]
    assert [one.group for one in form.indicators] == ["数量指标", "质量指标", "社会效益指标", "满意度指标"]
    assert (form.department.text, form.year, totals(form), alarms(form)) == ("某县档案局", 2022, [100], [])


def test_inner_mongolia_writes_the_direction_in_words():
    form = read("""
    项目支出绩效自评表（2024年度）
    项目名称|草原生态补奖|<|<|<|<|<|<|<|<
    主管部门|某旗林草局|<|<|实施单位|某旗草原站|<|<|<|<
    项目资金（万元）||年初预算数|全年预算数|全年执行数|分值|执行率（%）|得分
    ^|年度资金总额|300|300|300|10|100|10
    一级指标|二级指标|三级指标|指标性质|指标方向|年度指标值|实际完成值|计量单位|分值|得分|偏差原因分析及改进措施
    产出指标|数量指标|补助户数|定量|大于等于|1200|1260|户|40|40
    ^|成本指标|户均成本|定量|小于等于|2500|2380|元|20|20
    效益指标|生态效益指标|草畜平衡超载率|定量|小于等于|10|12|%|20|16.67|旱情影响，已核减牲畜
    满意度指标|满意度指标|牧民满意度|定量|大于等于|90|93|%|10|10
    总分|<|<|<|<|<|<|<|100|96.67
    """)
    assert targets(form) == [(">=", 1200, "户"), ("<=", 2500, "元"), ("<=", 10, "%"), (">=", 90, "%")]
    assert (totals(form), alarms(form)) == ([96.67], [])


def test_the_direction_may_say_positive_and_negative():
    form = read("""
    项目支出绩效自评表（2024年度）
    一级指标|二级指标|三级指标|指标性质|指标方向|年度指标值|实际完成值|计量单位|分值|得分|偏差原因分析及改进措施
    产出指标|数量指标|补助户数|定量|正向|1200|1260|户|50|50
    ^|质量指标|返工面积|定量|反向|10|12|亩|50|41.67|雨季返工，已整改
    总分|<|<|<|<|<|<|<|100|91.67
    """)
    assert targets(form) == [(">=", 1200, "户"), ("<=", 10, "亩")]
    assert alarms(form) == []


def test_hunan_scores_against_a_standard_in_words():
    form = read("""
    2022年度部门整体支出绩效评价指标表
    单位名称：某市公路局|<|<|<|<|<|<
    一级指标|二级指标|三级指标|分值|评分标准|自评得分|扣分原因
    投入（10分）|目标设定|绩效目标合理性|10|依据充分得10分，否则酌情扣分|10
    过程（40分）|预算执行|预算完成率|20|100%得满分，每低5%扣2分|18|完成率95%
    ^|预算管理|管理制度健全性|20|制度健全得满分|20
    产出（30分）|职责履行|实际完成率|30|完成率×分值|30
    效果（20分）|满意度|社会公众满意度|20|95%以上满分|20
    合计|<|<|100||98
    """)
    assert rows(form)[1] == "过程/预算执行/预算完成率 None None 20 18"
    assert {name: float(weight) for name, (weight, *_) in form.parts_stated.items()} == {"投入": 10, "过程": 40, "产出指标": 30, "效果": 20}
    assert (form.department.text, form.year, totals(form), alarms(form)) == ("某市公路局", 2022, [98], [])


def test_hunan_may_print_a_weight_beside_every_level():
    form = read("""
    部门整体支出绩效自评表
    一级指标|分值|二级指标|分值|三级指标|分值|评分标准|自评得分|扣分原因
    投入|40|目标设定|40|目标合理性|15|合理得满分|15
    ^|^|^|^|指标明确性|25|明确得满分|25
    产出|60|职责履行|60|完成率|60|按比例|60
    合计|100|<|100|<|100||100
    """)
    assert [float(one.weight.number) for one in form.indicators] == [15, 25, 60]
    assert (totals(form), alarms(form)) == ([100], [])


def test_shouxian_explains_each_indicator():
    form = read("""
    部门整体支出绩效自评表
    填报单位：某县某局|<|<|<|<|<|<
    一级指标|二级指标|三级指标|指标解释|评分标准|分值|自评得分
    规划（15分）|目标规划|战略目标适应性|部门目标与规划的符合程度|符合得满分|15|15
    执行（35分）|预算执行|预算执行率|实际支出与预算的比率|达到100%得满分|20|19.5
    ^|^|预算调整率|调整数与预算的比率|不调整得满分|15|15
    效果（50分）|履职效果|服务满意度|服务对象满意程度|90%以上满分|50|50
    总得分|<|<|<|<|100|99.5
    """)
    assert [one.part for one in form.indicators] == ["规划", "执行", "执行", "效果"]
    assert (form.department.text, totals(form), alarms(form)) == ("某县某局", [99.5], [])


def test_guangshui_has_a_score_of_its_own_and_one_of_the_reviewer():
    form = read("""
    部门整体绩效自评表
    部门名称|某市农业局|<|<|<|<|<|<
    年度预算（万元）|中央|省地|本级|其他|合计|执行数
    ^|10|20|70|0|100|98
    一级指标|二级指标|三级指标|评分标准|分值|自评分|复核分|备注
    决策（2分）|目标|目标明确性|明确得满分|2|2|2
    管理（13分）|预算|预算执行率|按比例|13|12.74|12
    绩效（85分）|产出|粮食播种面积|达到目标得满分|85|85|84
    合计|<|<|<|100|99.74|98
    """)
    assert [text(one.score) for one in form.indicators] == ["2", "12.74", "85"]
    assert (form.department.text, totals(form), alarms(form)) == ("某市农业局", [99.74], [])


def test_older_sichuan_departments_have_three_parts_and_the_reasons_on_the_right():
    form = read("""
    部门整体支出绩效评价自评表
    绩效指标|<|<|指标分值|评价标准|自评得分|扣分原因
    一级指标|二级指标|三级指标|^|^|^|^
    部门预算管理（25分）|预算编制|目标制定|25|要素完整得满分|25|
    综合管理（30分）|信息公开|预算公开|30|按时公开得满分|30|
    部门绩效（45分）|履职|重点工作完成率|45|按比例|44|一项工作跨年，已安排续办
    合计|<|<|100||99
    """)
    assert [text(one.score) for one in form.indicators] == ["25", "30", "44"]
    assert (totals(form), alarms(form)) == ([99], [])


def test_a_transfer_form_without_scores_is_read_for_its_money_and_its_targets():
    picture = """
    中央转移支付区域绩效目标自评表（2021年度）
    转移支付名称|林业改革发展资金|<|<|<|<
    中央主管部门|国家林草局|<|<|<|<
    资金情况（万元）||全年预算数（A）|全年执行数（B）|预算执行率（B/A×100%）
    ^|年度资金总额：|500|400|80%
    绩效指标|一级指标|二级指标|三级指标|年度指标值|全年完成值|未完成原因和改进措施
    ^|产出指标|数量指标|造林面积|≥1万亩|1.1万亩|
    ^|满意度指标|服务对象满意度指标|林农满意度|≥90%|92%|
    """
    form = read(picture)
    assert (form.totals[0].number, len(form.indicators)) == (None, 2)
    assert scoring.score(form, get(form.edition)).total is None
    assert alarms(form) == ["F107 自评表!D5 80%->None"]
    assert alarms(read(picture.replace("|400|80%", "|400|85%"))) == ["F107 自评表!D5 80%->None", "F103 自评表!E5 85%->80%"]


def test_a_transfer_form_with_scores_gives_twenty_points_to_the_funds():
    form = read("""
    中央转移支付绩效自评表（2021年度）
    中央主管部门|农业农村部|<|<|<|<|<
    资金情况（万元）||全年预算数（A）|全年执行数（B）|分值|执行率|自评得分
    ^|年度资金总额：|500|450|20|90%|18
    ^|其中：中央财政资金|300|250||83.33%|
    ^|地方资金|200|200||100%|
    ^|其他资金|||||
    绩效指标|一级指标|二级指标|三级指标|年度指标值|全年完成值|分值|自评得分|未完成原因和改进措施
    ^|产出指标|数量指标|高标准农田|≥2万亩|2万亩|60|60|
    ^|效益指标|社会效益指标|粮食产能|有所提高|达成预期指标|20|20|
    总分|<|<|<|<|<|100|98|
    """)
    assert funds(form)[0] == ("total", None, 500, 450, 90, 18)
    assert (totals(form), alarms(form)) == ([98], [])


# ---- where things stand ----

@pytest.mark.parametrize("down, right", [(0, 1), (1, 0), (3, 2)])
def test_a_form_may_stand_anywhere_on_the_sheet(down, right):
    here, there = read(SHANGJIE), read(moved(draw(SHANGJIE), down, right))
    assert (rows(there), funds(there), totals(there), alarms(there)) == (rows(here), funds(here), totals(here), [])
    assert there.department.column == here.department.column + right


def test_a_page_break_repeats_the_heading_and_leaves_blank_rows():
    picture = SHANGJIE.replace("^|产出指标", """ | | |
    绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施
    ^|产出指标""")
    assert (rows(read(picture)), alarms(read(picture))) == (rows(read(SHANGJIE)), [])


def test_a_page_break_inside_a_part_repeats_its_names():
    form = read("""
    项目支出绩效自评表
    一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
    产出指标|数量指标|种树|≥100棵|100棵|40|40
    一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
    产出指标|数量指标|种草|≥10亩|12亩|60|60
    总分|<|<|<|<|100|100
    """)
    assert (len(rows(form)), alarms(form)) == (2, [])


def test_a_two_line_heading_may_be_repeated_too():
    form = read("""
    项目支出绩效自评表
    一级指标|二级指标|三级指标|年度指标值|<|<|实际完成值|分值|得分
    ^|^|^|指标性质|指标值|度量单位|^|^|^
    产出指标|数量指标|种树|≥|100|棵|100|40|40
    一级指标|二级指标|三级指标|年度指标值|<|<|实际完成值|分值|得分
    ^|^|^|指标性质|指标值|度量单位|^|^|^
    产出指标|数量指标|种草|≥|10|亩|12|60|60
    总分|<|<|<|<|<|<|100|100
    """)
    assert [one.name for one in form.indicators] == ["种树", "种草"]
    assert alarms(form) == []


def test_names_and_headings_may_be_broken_over_lines():
    picture = SHANGJIE.replace("偏差原因分析及改进措施", "偏差原因分析\\n及改进措施").replace("年度指标值", "年度\\n指标值").replace(
        "预算调整率", "预算调整\\n率").replace("投入管理指标", "投入\\n管理\\n指标").replace("全年执行数", "全年\\n执行数")
    assert (rows(read(picture)), funds(read(picture)), alarms(read(picture))) == (rows(read(SHANGJIE)), funds(read(SHANGJIE)), [])


def test_full_width_signs_are_the_same_signs():
    picture = SHANGJIE.replace("≥90%|90.21%", "≧９０％|９０．２１％").replace("≤5件|0件", "＜＝５件|０件")
    form = read(picture.replace("|366.48|", "|３６６.４８|"))
    assert targets(form)[1] == (">=", 90, "%")
    assert (targets(form)[7], funds(form)[0][2], alarms(form)) == (("<=", 5, "件"), 366.48, [])


def test_unmerged_first_columns_are_inherited_from_above():
    form = read("""
    项目支出绩效自评表
    一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
    产出指标|数量指标|种树|≥100棵|100棵|20|20
    | |种草|≥10亩|12亩|20|20
    | 质量指标|成活率|≥90%|95%|20|20
    效益指标|生态效益指标|绿化率|≥30%|32%|40|40
    总分|||||100|100
    """.replace("| 质量指标", "| |质量指标").replace("| |种草", "| ||种草"))
    assert rows(form)[1:3] == ["产出指标/数量指标/种草 ≥10亩 12亩 20 20", "产出指标/质量指标/成活率 ≥90% 95% 20 20"]
    assert alarms(form) == []


def test_a_part_that_is_split_over_two_merges_is_one_part():
    picture = SHANGJIE.replace("^|^|绩效管理|", "^|投入管理指标|绩效管理|")
    assert (rows(read(picture)), alarms(read(picture))) == (rows(read(SHANGJIE)), [])


def test_part_weights_may_stand_in_brackets():
    form = read(SHANGJIE.replace("|投入管理指标|", "|投入管理指标（30分）|").replace("|效益指标|", "|效益指标\\n(35 分)|"))
    assert {name: float(weight) for name, (weight, *_) in form.parts_stated.items()} == {"投入管理指标": 30, "效益指标": 35}
    assert (rows(form), alarms(form)) == (rows(read(SHANGJIE)), [])


def test_subtotals_are_no_indicators():
    picture = SHANGJIE.replace("^|产出指标|", "^|^|小计|||| 30|30\n^|产出指标|").replace("\n总分", "\n^|小计|<|<|<|<|35|35\n总分")
    assert (rows(read(picture)), totals(read(picture)), alarms(read(picture))) == (rows(read(SHANGJIE)), [100], [])


def test_part_rows_with_sums_are_no_indicators():
    form = read("""
    项目支出绩效自评表
    一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
    产出指标|||||50|50
    | ||数量指标|种树|≥100棵|100棵|50|50
    效益指标|||||50|50
    | ||生态效益指标|绿化率|≥30%|32%|50|50
    总分|||||100|100
    """.replace("| ||", "| |"))
    assert ([one.name for one in form.indicators], alarms(form)) == (["种树", "绿化率"], [])


def test_one_score_may_be_merged_over_several_rows():
    form = read(NATIONAL.replace("≥2个|2个|15|15", "≥2个|2个|30|30").replace("100%|100%|15|15", "100%|100%|^|^"))
    assert (form.indicators[0].score.span, form.indicators[1].score.covered, alarms(form)) == (2, True, [])


def test_one_score_may_be_merged_beside_single_weights():
    form = read(NATIONAL.replace("≥2个|2个|15|15", "≥2个|2个|15|30").replace("100%|100%|15|15", "100%|100%|15|^"))
    assert (number(form.indicators[0].score), number(form.indicators[1].weight), alarms(form)) == (30, 15, [])


def test_sub_rows_without_weight_only_tell_details():
    form = read(NATIONAL.replace("^|^|质量指标|", "^|^|^|其中：南区小区|1个|1个||\n^|^|质量指标|"))
    assert (len(form.indicators), alarms(form)) == (8, [])


# ---- head and foot ----

def test_a_total_may_stand_in_one_cell_with_its_label():
    form = read(NATIONAL.replace("总分|<|<|<|<|<|100|95.78|", "总分：95.78"))
    assert (totals(form), alarms(form)) == ([95.78], [])


def test_a_total_may_be_merged_over_its_row():
    form = read(NATIONAL.replace("总分|<|<|<|<|<|100|95.78|", "总分|<|<|<|<|95.78|<|<|<"))
    assert (totals(form), alarms(form)) == ([95.78], [])


def test_a_total_row_may_spread_its_label():
    form = read(NATIONAL.replace("总分|<|", "总 分|<|"))
    assert (totals(form), number(form.total_weight), alarms(form)) == ([95.78], 100, [])


def test_a_total_may_stand_in_the_head_alone():
    form = read(NATIONAL.replace("总分|<|<|<|<|<|100|95.78|", "").replace("（2023年度）", "（2023年度）|<|<|<|自评得分|95.78"))
    assert (totals(form), form.year, alarms(form)) == ([95.78], 2023, [])


def test_a_total_may_come_with_its_unit():
    form = read(NATIONAL.replace("100|95.78|", "100|95.78分|"))
    assert (totals(form), alarms(form)) == ([95.78], [])


def test_a_grade_stands_in_the_head_or_under_the_total():
    head = read(NATIONAL.replace("（2023年度）", "（2023年度）|<|<|<|自评结果|优秀"))
    foot = read(NATIONAL + "自评等级|优|<|<\n")
    assert (head.grade.text, foot.grade.text, alarms(head), alarms(foot)) == ("优秀", "优", [], [])


def test_a_department_may_stand_in_one_cell_with_its_label():
    form = read(SHANGJIE.replace("部门（单位）名称|<|某区数据中心", "单位名称：某区数据中心|<|<"))
    assert (form.department.text, alarms(form)) == ("某区数据中心", [])


def test_a_department_label_may_have_a_colon_and_the_name_beside_it():
    form = read(SHANGJIE.replace("部门（单位）名称|<|某区数据中心", "部门（单位）名称：||某区数据中心（本级）"))
    assert (form.department.text, alarms(form)) == ("某区数据中心（本级）", [])


def test_a_form_without_a_department_is_still_a_form():
    form = read(SHANGJIE.replace("部门（单位）名称|<|某区数据中心", "部门（单位）名称|<|"))
    assert (form.department, alarms(form)) == (None, [])


@pytest.mark.parametrize("line", ["（2023年度）", "2023年度", "( 2023 年 度 )", "年度：2023年", "（ 2023年）"])
def test_a_year_may_stand_under_the_title(line):
    assert read(NATIONAL.replace("（2023年度）", line)).year == 2023


@pytest.mark.parametrize("line", ["单位：元", "单位:元", "金额单位：元", "（单位：元）", "单位： 元", "金额单位:人民币元"])
def test_a_unit_line_in_yuan_makes_the_money_yuan(line):
    form = read(NATIONAL.replace("（2023年度）", f"（2023年度）|<|<|<|{line}").replace("项目资金（万元）", "项目资金"))
    assert form.unit == "元"


def test_lines_below_the_total_are_no_indicators():
    form = read(NATIONAL + "注：1.得分按比例计算。|<|<\n填表人：张某|<|<|<|联系电话：12345678|<|审核人：李某\n填报日期：2024年3月1日\n")
    assert (len(form.indicators), totals(form), form.year, alarms(form)) == (7, [95.78], 2023, [])


def test_notes_inside_the_name_column_below_the_total_are_no_indicators():
    form = read(NATIONAL + "说明|<|<|部分达成的按60%至80%记分|<|<|<|<\n备注|||无|||\n")
    assert (len(form.indicators), alarms(form)) == (7, [])


def test_two_totals_are_refused():
    with pytest.raises(Refusal, match="两处"):
        read(NATIONAL + "总分|<|<|<|<|<|100|95\n")


def test_two_score_columns_are_refused():
    with pytest.raises(Refusal, match="得分"):
        read(NATIONAL.replace("分值|得分|偏差", "得分|得分|偏差"))


def test_a_sheet_without_a_table_is_no_form():
    assert layout.read(draw("填表说明|<\n一、请如实填写|<\n二、三级指标由部门自定|<\n")) is None


# ---- odd but right (DOMAIN.md c.3) ----

def test_weights_below_the_first_level_are_the_departments_own():
    picture = SHANGJIE.replace("100%|3|3|0.00%", "100%|1|1|0.00%").replace("15.51%|4|4", "15.51%|6|6")
    assert alarms(read(picture)) == []


def test_a_rate_may_lose_its_last_zero_and_its_sign():
    picture = """
    部门整体自评表
    部门（单位）名称|<|某区办公室
    部门整体支出情况||年初预算数|全年预算数|全年执行数|分值|执行率|得分
    ^|部门预算总额（万元）|855.66|923.86|615.33|10|66.6|7.4
    ^|资金来源：（1）政府预算资金|855.66|923.86|615.33|-|66.6|-
    绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施
    ^|投入管理指标|预算和财务管理|预算执行率|≥90%|66.6%|2|1.48|-26.00%|财力紧张，压减支出
    ^|^|^|预算调整率|≤30%|7.97%|28|28|0.00%
    ^|产出指标|重点工作任务完成|召开会议|20次|20次|25|25|0.00%
    ^|效益指标|满意度|满意度|≥99%|99%|35|35|0.00%
    总分|<|<|<|<|<|100|96.88
    """
    form = read(picture)
    assert (number(form.indicators[0].deviation), alarms(form)) == (-26, [])


def test_figures_may_be_real_percentages_and_real_numbers():
    picture = SHANGJIE.replace("|90.21|10", "|90.21%%|10").replace("|100%|3|3|0.00%", "|100%%|3|3|0%%")
    assert alarms(read(picture.replace("≥90%|90.21%", "≥90%|90.21%%"))) == []


def test_sources_without_budget_may_stay_blank_or_dashed():
    for blank in ("||||", "-|-|-|-|-", "0|0|0|-|-", "—|—|—|—|—"):
        picture = SHANGJIE.replace("（2）财政专户管理资金|0|0|0|-|0|-", f"（2）财政专户管理资金|{blank}|")
        assert alarms(read(picture)) == []


def test_a_score_of_the_total_may_be_repeated_in_the_row_of_the_treasury():
    picture = NATIONAL.replace("200|200|180|10|90.00%|9\n", "200|200|180|10|90.00%|9\n").replace(
        "150|150|150|—|100.00%|—", "150|150|150|10|100.00%|10")
    assert alarms(read(picture)) == []


def test_stars_before_names_and_targets_are_decoration():
    picture = NATIONAL.replace("|改造小区数量|≥2个|", "|★改造小区数量|★≥2个|")
    form = read(picture)
    assert (targets(form)[0], alarms(form)) == ((">=", 2, "个"), [])


def test_a_rate_cut_off_by_a_hundredth_is_no_mistake():
    assert alarms(read(SHANGJIE.replace("|90.21|10", "|90.20|10"))) == []


def test_scores_may_be_whole_where_the_district_prints_whole_numbers():
    picture = NATIONAL.replace("10|9.78|", "10|10|").replace("100|95.78|", "100|96|")
    assert alarms(read(picture)) == []


def test_a_cost_below_its_limit_is_no_overachievement():
    assert alarms(read(NATIONAL.replace("≤200万元|180万元", "≤200万元|50万元"))) == []


def test_a_share_that_reaches_a_hundred_is_no_overachievement():
    assert alarms(read(SHANGJIE.replace("≥90%|100%|10|10", "≥60%|100%|10|10"))) == []


def test_an_explained_overshoot_is_left_alone():
    assert alarms(read(NATIONAL.replace("≥2个|2个|15|15", "≥2个|5个|15|15|上级追加任务"))) == []


def test_the_text_may_name_figures_that_no_row_has():
    assert alarms(read(SHANGJIE.replace("|已完成\n绩效指标", "|开展13次，接待31人，办理4件\n绩效指标"))) == []


def test_a_missing_target_column_leaves_the_rows_unchecked():
    form = read("""
    部门整体绩效自评表
    一级指标|三级指标|实际完成值|分值|得分
    产出指标|种树|100棵|60|60
    效益指标|绿化率|32%|40|40
    总分|||100|100
    """)
    assert (form.indicators[0].target_entry, alarms(form)) == (None, [])


def test_a_missing_actual_column_leaves_the_rows_unchecked():
    form = read("""
    部门整体绩效自评表
    一级指标|二级指标|三级指标|年度指标值|分值|得分
    产出指标|数量指标|种树|≥100棵|60|60
    效益指标|生态指标|绿化率|≥30%|40|40
    总分|<|<|<|100|100
    """)
    assert (form.indicators[0].actual_entry, alarms(form)) == (None, [])


def test_a_missing_score_column_still_has_a_total():
    form = read("""
    部门整体绩效自评表
    一级指标|二级指标|三级指标|年度指标值|实际完成值|分值
    产出指标|数量指标|种树|≥100棵|100棵|60
    效益指标|生态指标|绿化率|≥30%|32%|40
    总分：100|<|<|<|<|<
    """)
    assert (totals(form), alarms(form)) == ([100], [])


# ---- other words for the same columns and rows ----

@pytest.mark.parametrize("usual, other", [
    ("|实际完成值|", "|实际完成情况|"), ("|实际完成值|", "|全年实际完成值|"), ("|实际完成值|", "|完成情况|"),
    ("|年度指标值|", "|预期指标值|"), ("|年度指标值|", "|计划指标值|"), ("|三级指标|", "|三级绩效指标|"), ("|三级指标|", "|指标内容|"),
    ("分值|得分|偏", "分值|自评分值|偏"), ("分值|得分|偏", "分值|实际得分|偏"), ("分值|得分|偏", "分值|评分|偏"),
    ("分值|得分|偏", "权重（%）|得分|偏"), ("分值|得分|偏", "满分|得分|偏"), ("得分|偏差原因分析及改进措施", "得分|偏差原因"),
])
def test_a_column_may_have_another_heading(usual, other):
    form = read(NATIONAL.replace(usual, other))
    assert (rows(form), form.columns, alarms(form)) == (rows(read(NATIONAL)), read(NATIONAL).columns, [])


@pytest.mark.parametrize("usual, other", [
    ("全年执行数（B）", "全年支出数（B）"), ("全年执行数（B）", "支出数"), ("全年执行数（B）", "实际支出数"), ("全年执行数（B）", "决算数"),
    ("全年预算数（A）", "预算安排数"), ("年度资金总额", "项目总金额"), ("年度资金总额", "小计"), ("年度资金总额", "年度预算资金总额"),
    ("其中：当年财政拨款", "其中：中央财政资金"), ("其中：当年财政拨款", "其中：本年一般公共预算拨款"),
])
def test_the_funds_block_may_use_other_words(usual, other):
    form = read(NATIONAL.replace(usual, other))
    assert (funds(form)[0], alarms(form)) == (("total", 200, 200, 180, 90, 9), [])


def test_columns_that_nobody_knows_do_not_make_a_wrong_total():
    form = read(NATIONAL.replace("全年执行数（B）", "某某数（B）"))
    assert [one for one in alarms(form) if one.startswith(("S101", "S102"))] == []


def test_the_national_form_may_have_a_part_for_costs():
    form = read(NATIONAL.replace("^|^|成本指标|", "^|成本指标|经济成本指标|"))
    assert (form.indicators[3].part, alarms(form)) == ("成本指标", [])


def test_the_weights_of_a_national_form_are_the_districts_own():
    assert alarms(read(NATIONAL.replace("2个|15|15", "2个|25|25").replace("达成预期指标|20|20", "达成预期指标|10|10"))) == []


def test_satisfaction_may_be_a_group_of_the_benefits():
    assert alarms(read(NATIONAL.replace("^|满意度指标|服务对象满意度指标", "^|^|满意度指标"))) == []


@pytest.mark.parametrize("title", [
    "部门（单位）整体绩效自评表", "专项资金绩效自评表", "财政支出绩效自评表", "行政事业单位整体绩效自评表", "一般公共预算整体绩效自评表",
    "政府购买服务绩效自评表", "附件2-1 部门整体绩效自评表", "某省某市某县部门整体自评表",
])
def test_a_title_need_not_name_the_department(title):
    assert alarms(read(SHANGJIE.replace("部门整体自评表", title, 1))) == []


@pytest.mark.parametrize("line", ["合计|<|<|<|<|<|100|95.78|\n自评总分|95.78", "总计|<|<|<|<|<|100|95.78|", "得分合计|<|<|<|<|<|100|95.78|",
                                  "总分（100分）|<|<|<|<|<|100分|95.78分|", "合  计||||||100|95.78|", "自评得分：95.78分|<|<|<|<|<|<|<"])
def test_the_total_may_be_called_otherwise(line):
    form = read(NATIONAL.replace("总分|<|<|<|<|<|100|95.78|", line))
    assert (set(totals(form)), alarms(form)) == ({95.78}, [])


def test_rows_may_end_where_their_text_ends():
    sheet = draw(NATIONAL)
    ragged = sheet._replace(rows=[line[:max((n + 1 for n, cell in enumerate(line) if cell != ""), default=0)] for line in sheet.rows])
    assert (rows(read(ragged)), alarms(read(ragged))) == (rows(read(NATIONAL)), [])


def test_a_form_pasted_without_merged_cells_reads_the_same():
    assert (rows(read(draw(NATIONAL)._replace(merged=()))), alarms(read(NATIONAL))) == (rows(read(NATIONAL)), [])


def test_a_filler_row_may_be_dotted_in_every_column():
    form = read(NATIONAL.replace("^|^|质量指标", "^|^|^|……|……|……|……|……|……\n^|^|质量指标"))
    assert (len(form.indicators), alarms(form)) == (7, [])


@pytest.mark.parametrize("actual", ["基本健全", "较健全", "比较健全"])
def test_a_word_with_a_reservation_is_not_the_whole_of_it(actual):
    assert alarms(read(NATIONAL.replace("部分达成预期指标并具有一定效果|10|7", f"{actual}|10|8").replace("95.78", "96.78"))) == []


def test_a_form_further_down_the_sheet_keeps_its_year():
    rows = [line for line in TWO_ROWS_DOWN.strip("\n").splitlines() if line.strip()]
    form, _ = layout.read(draw("\n".join(["备查"] * 9 + rows)))
    assert form.year == 2023


TWO_ROWS_DOWN = """
项目支出绩效自评表
（2023年度）
项目名称|修路
一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
产出指标|数量指标|修路里程|≥5公里|5公里|100|100
总分|||||100|100
"""


def test_a_grid_may_be_ragged():
    drawn = draw(TWO_ROWS_DOWN)
    ragged = drawn._replace(rows=[line[: max((n for n, cell in enumerate(line, 1) if cell != ""), default=0)] for line in drawn.rows])
    assert layout.read(ragged) == layout.read(drawn)


# ---- totals and money in other places ----

PROJECT = """
项目支出绩效自评表（2023年度）|<|<|<|<|<|<
项目名称|道路照明|<|<|<|<|<
项目资金（万元）||年初预算数|全年预算数|全年执行数|分值|得分
^|年度资金总额|100|100|95|10|9.5
一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分
产出指标|数量指标|路灯维护|≥8000盏|8100盏|50|50
效益指标|社会效益|夜间出行|安全|安全|30|30
满意度指标|满意度|市民满意度|≥90%|91%|10|10
总分|<|<|<|<|100|99.5
"""


@pytest.mark.parametrize("line", [
    "绩效自评总分|<|<|<|<|100|99.5", "自评总分（满分100分）|<|<|<|<|100|99.5", "本项目总得分|<|<|<|<|100|99.5", "||||合 计|100|99.5",
    "|||总分||100|99.5",
])
def test_a_total_under_another_name_or_in_another_column(line):
    form = read(PROJECT.replace("总分|<|<|<|<|100|99.5", line))
    assert (totals(form), len(form.indicators), alarms(form)) == ([99.5], 3, [])


def test_an_indicator_may_be_named_like_a_total():
    form = read(PROJECT.replace("路灯维护|≥8000盏|8100盏", "技能考试平均总分|≥80分|85分"))
    assert (totals(form), form.indicators[0].name, alarms(form)) == ([99.5], "技能考试平均总分", [])


def test_a_part_may_have_its_total_just_above_the_total():
    form = read(PROJECT.replace("总分|<", "满意度指标总分|<|<|||10|10\n总分|<"))
    assert (totals(form), len(form.indicators), alarms(form)) == ([99.5], 3, [])


def test_a_funds_block_below_the_indicators():
    lines = PROJECT.strip().splitlines()
    money = [line.replace("95|10|9.5", "85|10|9.9") for line in lines[2:4]]
    form = read("\n".join([*lines[:2], *lines[4:8], *money, lines[8].replace("99.5", "99.9")]))
    assert funds(form) == [("total", 100, 100, 85, None, 9.9)]
    assert (totals(form), len(form.indicators)) == ([99.9], 3)
    assert alarms(form) == ["F107 自评表!E8 85%->None", "F111 自评表!G8 9.9->8.5"]


def test_a_heading_that_states_weight_and_rule_of_the_money():
    hubei = """
    2022年度部门整体绩效自评表|<|<|<|<|<
    单位名称|某县卫健局|<|<|<|<
    预算执行情况（万元）||预算数（A）|执行数（B）|执行率（B/A）|得分（20分*执行率）
    ^|年度财政资金总额|860|808.4|94%|20
    一级指标|二级指标|三级指标|年初目标值（A）|实际完成值（B）|得分
    产出指标（50分）|数量指标（50分）|体检人次|≥5000人次|5200人次|50
    满意度指标（30分）|满意度|居民满意度|≥80%|88%|30
    总分|<|<|<|<|100
    """
    assert alarms(read(hubei)) == ["F104 自评表!F4 20->18.8"]
    assert alarms(read(hubei.replace("94%|20", "94%|18.8").replace("<|100", "<|98.8"))) == []


def test_the_column_of_reasons_may_name_them_in_brackets():
    form = read(PROJECT.replace("分值|得分\n产出", "分值|得分|备注（未完成原因）\n产出").replace("≥8000盏|8100盏|50|50", "≥8000盏|7200盏|50|45|"))
    assert alarms(form)[0] == "T101 自评表!H6 ->None"


def test_weight_and_score_of_the_money_in_one_cell_are_not_read_and_not_missed_in_the_total():
    picture = PROJECT.replace("全年执行数|分值|得分", "全年执行数|分值/得分|").replace("95|10|9.5", "95|10/9.5|")
    assert alarms(read(picture)) == ["L207 自评表!G9 90->None"]


def test_a_deviation_besides_the_edition_may_be_the_distance_from_the_target():
    picture = PROJECT.replace("实际完成值|分值|得分", "实际完成值|分值|得分|偏差率")
    for actual, said, found in (("9600盏", "20%", []), ("9600盏", "0%", []), ("9600盏", "-20%", ["I109 自评表!H6 -20.00%->0.00%"])):
        line = f"≥8000盏|{actual}|50|50|{said}"
        assert alarms(read(picture.replace("≥8000盏|8100盏|50|50", line))) == found


def test_a_total_that_cannot_be_worked_out_is_none_and_not_0():
    unread = PROJECT.replace("全年执行数|分值|得分", "全年执行数|分值/得分|").replace("95|10|9.5", "95|10/9.5|")
    without = "\n".join([*PROJECT.strip().splitlines()[:2], *PROJECT.strip().splitlines()[4:]])
    for picture in (unread, without):
        form = read(picture)
        card = scoring.score(form, get(form.edition))
        assert (card.total, card.grade) == (None, None)
