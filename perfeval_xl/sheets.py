"""The sheets around the form: 使用说明, 校验结果, 评分规则, 指标说明, and the hidden ones that xlwings and the buttons need.

What the rules sheet says is made of the edition, and its examples are worked out by the worksheet functions, so that it cannot say
anything else than what the form does.
"""

import os
import tomllib
from collections.abc import Sequence
from typing import Any, NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_range_abs

from perfeval_xl import result_list, udfs
from perfeval_xl.edition import Edition, plain_label
from perfeval_xl.form_sheet import KINDS
from perfeval_xl.formula_steps import Words
from perfeval_xl.messages import SEVERITIES
from perfeval_xl.model import RESULTS_SHEET, STATE_SHEET
from perfeval_xl.numbers import plain, read_number
from perfeval_xl.review_lists import LOOKS
from perfeval_xl.template import text_height
from perfeval_xl.vba import BUTTONS, TAB

GUIDE, RESULTS, RULES, INDICATORS, CONFIGURATION, STATE = "使用说明", RESULTS_SHEET, "评分规则", "指标说明", "xlwings.conf", STATE_SHEET
#: without a place on the search path of Python, no file that lies beside the workbook can pass for a library
SETTINGS = (("ADD_WORKBOOK_TO_PYTHONPATH", "FALSE"),)
_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "indicators.toml")
_FONT, _LINE = "微软雅黑", "#BFBFBF"
_SENSES = {"more": "越多越好", "less": "越少越好", "exact": "按数完成", "word": "定性"}


class Page:
    """A sheet for reading: a title, paragraphs and tables, as high as their texts, one A4 page wide."""

    def __init__(self, workbook: Workbook, name: str, widths: Sequence[float], landscape: bool = False) -> None:
        self.workbook, self.widths, self.row = workbook, widths, 0
        self.sheet = workbook.add_worksheet(name)
        for column, width in enumerate(widths):
            self.sheet.set_column(column, column, width)
        self.sheet.hide_gridlines(2)
        self.sheet.set_paper(9)
        if landscape:
            self.sheet.set_landscape()
        self.sheet.set_margins(0.5, 0.5, 0.6, 0.7)
        self.sheet.set_footer("&C第 &P 页，共 &N 页")
        self.sheet.fit_to_pages(1, 0)

    def look(self, **look: Any) -> Format:
        return self.workbook.add_format({"font_name": _FONT, "font_size": 10.5, "text_wrap": True, "valign": "vcenter", **look})

    def line(self, text: str, height: float = 0, **look: Any) -> None:
        """One text over the whole width."""
        self.sheet.merge_range(self.row, 0, self.row, len(self.widths) - 1, text, self.look(**look))
        self.sheet.set_row(self.row, height or text_height(text, sum(self.widths) - 2) + 2)
        self.row += 1

    def title(self, text: str) -> None:
        self.line(text, 36, font_size=18, bold=True, align="center")

    def note(self, text: str) -> None:
        self.line(text, align="center", font_color="#595959")

    def heading(self, text: str) -> None:
        self.line(text, 28, font_size=12, bold=True, font_color="#1F4E79", bottom=1, bottom_color=_LINE)

    def cells(self, texts: Sequence[str], looks: Sequence[Format]) -> None:
        """One row of a table."""
        for column, (text, look) in enumerate(zip(texts, looks, strict=True)):
            self.sheet.write_string(self.row, column, text, look)
        self.sheet.set_row(self.row, max(text_height(text, width - 2) for text, width in zip(texts, self.widths, strict=True)) + 4)
        self.row += 1

    def table(self, headings: Sequence[str], rows: Sequence[Sequence[str]], bold: int = 1) -> None:
        """A table with its headings; the first columns are bold."""
        edge = {"border": 1, "border_color": _LINE}
        if headings:
            self.cells(headings, [self.look(**edge, bold=True, align="center", bg_color=KINDS["heading"].fill)] * len(headings))
        looks = [self.look(**edge, bold=column < bold, indent=1) for column in range(len(self.widths))]
        for row in rows:
            self.cells(row, looks)


# ---- 使用说明 ----


def guide(workbook: Workbook, edition: Edition, macros: bool) -> None:
    """What to do in three steps, the five kinds of cells, the buttons, and what to do where they do not work."""
    page = Page(workbook, GUIDE, (20, 78))
    page.title(f"{edition.name}　{GUIDE}")
    page.note(f"版本 {edition.id}（{edition.place}，{edition.year}年度）。只填“自评表”一页，其余各页供查看。")
    page.heading("一、三步做完")
    year = "" if edition.labels["year_line"] else "年度在表下方不打印的地方选。"
    page.table((), (("1　填写", f"在“自评表”里填浅黄、浅蓝的格子；点一下格子，旁边就有填写提示。灰色的格子自己算，不用填。{year}"),
                    ("2　检查", _CHECK[macros]), ("3　报送", _SUBMIT[macros] + "要纸质的就打印“自评表”，正好一页宽的 A4，右边的辅助栏不印。")))
    page.heading("二、五种格子")
    for kind in KINDS.values():
        edge = {"border": 1, "border_color": _LINE} if kind.word != KINDS["text"].word else {}
        page.cells((kind.word, kind.meaning), (page.look(align="center", bg_color=kind.fill, **edge, **kind.look), page.look(indent=1)))
    if macros:
        page.heading("三、按钮")
        page.line(f"按钮在“自评表”标题的右边，也在功能区的“{TAB}”选项卡里。按之前先按 Enter 或 Esc 结束正在编辑的格子。")
        page.table((), [(button.caption, button.tip) for button in BUTTONS])
        page.heading("四、按钮按了没有反应")
        page.table((), _TROUBLES)
    page.heading("五、填表要点" if macros else "三、填表要点")
    page.table((), _ADVICE + _MORE_ROWS[macros])
    page.sheet.protect("", {"objects": True, "format_columns": True, "format_rows": True})


#: without macros, and with them
_CHECK = ("看标题右边写着待处理几处，再看“状态”一栏：✓ 是没有问题，有字的照着改；“参考数”里带 ✗ 的是分值没配满。装了本工具的电脑还可以运行 "
          "perfeval-xl check 加文件名，逐格检查。",
          "按①检查。有问题的格子会加框、加批注，清单在“校验结果”页，点“位置”就跳到那一格；改好再按，直到没有“错误”。")
_SUBMIT = ("保存后报送。", "按⑥生成报送版，得到一份只有数值、没有宏的文件，报送它。")
_TROUBLES = (
    ("提示宏已被禁用", "先关闭文件；在文件夹里右击它，选“属性”，勾上最下面的“解除锁定”，确定；再打开，点黄条上的“启用内容”。"
                       "从邮件、网上收到的文件都要这样做一次。"),
    ("单位不许用宏", "表照样能填、能打印，但灰色格子里的数不会跟着变。请改用没有宏的 .xlsx 版，或把填好的文件交给装了本工具的人检查。"),
    ("灰色格子出现 #VALUE! 或 #NAME?", "这台电脑没有装好 Python 或本工具，或者没有启用宏。填进去的内容不会丢，在装好的电脑上按②重新计算就恢复。"
                                       "运行 perfeval-xl doctor 可以看缺什么。"),
    ("用 WPS、LibreOffice 打开", "按钮和灰色格子里的函数只在 Windows 的 Excel 里能用。请用没有宏的 .xlsx 版。"),
)
_ADVICE = (
    ("百分数", "带 % 填，如 66.6%；不要填 0.666，也不要改格子的格式。"),
    ("粘贴", "从别处粘贴时选“只粘贴值”，否则会带走格子的格式和填写提示。"),
    ("人工评分", "规则评不了的行（按档次的定性指标、逾期的时间指标等），在表右边“人工评分”里打分；规则能算的以算出的为准。"),
    ("保护", "表头和灰色格子锁着，防止误改，没有密码：“审阅”—“撤销工作表保护”可以解开。"),
)
#: without macros, and with them
_MORE_ROWS = (
    (("指标行不够", "先撤消工作表保护；选中那个二级指标里的一整行，复制，在同一行上右击选“插入复制的单元格”，再改新行里填的内容。"
                    "这样公式一并带上；只插入空行的，新行没有公式，总分旁的“状态”会指出是第几行。用不着的空行留着不影响得分。"),
     ("怎么算的", "灰色格子用普通公式计算，Excel 2010 以上、WPS、LibreOffice 都能算；步骤在“状态”右边的隐藏列里，见“评分规则”。"
                  "公式看不懂的写法显示“请人工评分”，不会猜；改成常见写法（如 ≥90%、5件、7月31日前）就能自动算。")),
    (("指标行不够", "选中要加行的那个二级指标里的一行，按⑤插入指标行，公式和格式一并带上；用不着的空行留着不影响得分。"),),
)


# ---- 校验结果 ----


def results(workbook: Workbook) -> None:
    """The list that ①检查 fills in.

    Names: ``pe_results`` is the list without its headings, ``pe_results_state`` the line above it.
    """
    page = Page(workbook, RESULTS, [width for _, width in result_list.COLUMNS], landscape=True)
    sheet, last = page.sheet, len(result_list.COLUMNS) - 1
    sheet.merge_range(0, 0, 0, last - 1, RESULTS, page.look(font_size=18, bold=True, align="center"))
    waiting = page.look(indent=1, bg_color=KINDS["input"].fill)
    sheet.merge_range(1, 0, 1, last - 1, "还没有检查。填好“自评表”后按①检查，发现的问题会列在这里。", waiting)
    sheet.set_row(0, 36)
    sheet.set_row(1, 24)
    sheet.set_row(3, 22)
    edge = {"border": 1, "border_color": _LINE}
    head = page.look(**edge, bold=True, align="center", bg_color=KINDS["heading"].fill)
    for column, (heading, _) in enumerate(result_list.COLUMNS[:-1]):
        sheet.write_string(3, column, heading, head)
    sheet.set_column(last, last, None, None, {"hidden": True})
    top, bottom = result_list.TOP, result_list.TOP + result_list.ROWS - 1
    looks = [page.look(valign="top", font_size=10, align="left" if column > 2 else "center", indent=int(column > 2)) for column in range(last + 1)]
    link = page.look(valign="top", align="center", font_size=10, font_color="#0563C1", underline=1)
    for row in range(top, bottom + 1):
        for column in range(last + 1):
            sheet.write_blank(row, column, None, link if column == result_list.LINK else looks[column])
    for severity, (word, _) in SEVERITIES.items():
        look = workbook.add_format({"bg_color": f"#{LOOKS[severity].fill}", "font_color": f"#{LOOKS[severity].colour}", "bold": True, **edge})
        sheet.conditional_format(top, 0, bottom, 0, {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": look})
    sheet.conditional_format(top, 0, bottom, last - 1, {"type": "formula", "criteria": f'=$B{top + 1}<>""', "format": workbook.add_format(edge)})
    sheet.freeze_panes(top, 0)
    sheet.repeat_rows(3)
    workbook.define_name("pe_results", f"={RESULTS}!$A${top + 1}:$I${bottom + 1}")
    workbook.define_name("pe_results_state", f"={RESULTS}!$A$2")
    # printed as far as it is filled in, and not the five hundred rows that are ready; LibreOffice takes no formula here, and prints what is used
    area = f"{RESULTS}!$A$1:INDEX({RESULTS}!$H:$H,MAX({top + 1},COUNTA({RESULTS}!$B${top + 1}:$B${bottom + 1})+{top}))"
    workbook.define_name(f"{RESULTS}!_xlnm.Print_Area", f"={area}")


# ---- 评分规则 ----


class _Rule(NamedTuple):
    matter: str
    rule: str
    example: str
    source: str


def rules(workbook: Workbook, edition: Edition, steps: Sequence[tuple[str, str]] = ()) -> None:
    """The edition's rules in words, each with an example that the worksheet functions work out, and with its source.

    ``steps``: the hidden columns of the form, as (column, what it holds), where it computes by itself.
    """
    page = Page(workbook, RULES, (17, 52, 30, 44), landscape=True)
    page.title(f"{edition.name}　{RULES}")
    page.note("以下各条由版本文件生成，例子由表中同一套函数算出。依据里写“推断”“本工具约定”“待核对”的，请以本地正式文件为准。")
    page.table(("事项", "规则", "例子", "依据"), [*_weights(edition), *_money(edition), *_numbers(edition), *_words(edition), *_whole(edition)])
    if steps:
        page.heading("隐藏的计算列")
        page.line("自评表“状态”右边的隐藏列把一行分成几步来算（取消隐藏就能看），得分、偏差度和状态都由它们得出；单位等对照表在隐藏的“_计算”页。"
                  "公式只认常见写法，认不出的由人工评分；认得出的，与本工具逐格算出的一致。")
        for column, meaning in steps:
            page.cells((column, meaning, "", ""), [page.look(border=1, border_color=_LINE, indent=1)] * 4)
    page.sheet.repeat_rows(2)
    page.sheet.protect("", {"objects": True, "format_columns": True, "format_rows": True})


def _places(places: int) -> str:
    return f"四舍五入到{places}位小数" if places else "四舍五入取整数"


def _shown(value: float) -> str:
    return plain(read_number(value).value)


def _points(edition: Edition, target: str, actual: str, weight: int = 5, indicator: str = "") -> str:
    """An example: what the worksheet function gives for a row."""
    points = udfs.PE_SCORE(target, actual, weight, edition.id, indicator, "", edition.year)
    shown = f"得{_shown(points)}分" if isinstance(points, float) else "由人工评分"
    return f"{target}，完成 {actual}，分值{weight}：{shown}"


def _weights(edition: Edition) -> list[_Rule]:
    places = {"funds": "（资金栏）"}
    sums = "、".join(f"{part.name}{places.get(part.place, '')} {plain(part.weight)}" for part in edition.parts)
    tail = "各一级指标的分值按此执行，二、三级指标的分值由部门在其内分配。" if edition.parts_binding else "可以另行分配，合计仍为100分。"
    return [_Rule("版本", f"{edition.name}，{edition.year}年度，金额单位{edition.unit}。", "", edition.source),
            _Rule("分值", f"{sums}，合计 {plain(sum(part.weight for part in edition.parts))}。{tail}", "", edition.parts_source)]


def _money(edition: Edition) -> list[_Rule]:
    rule = edition.execution
    if rule.rule == "steps":
        how = "按执行率分档：" + "；".join(f"{plain(low)}%及以上得分值的{plain(share)}%" for low, share in rule.steps)
    elif rule.rule == "line":
        how = f"执行率达到{plain(rule.line)}%得满分；不到的，得分＝执行率÷{plain(rule.line)}%×分值"
    else:
        how = "得分＝执行率×分值，不超过分值"
    how += f"；{_places(rule.places)}。执行率＝全年执行数÷全年预算数（调整后）。"
    caps = "".join(f"执行率低于{plain(below)}%的，总分不超过{plain(cap)}分。" for below, cap in rule.caps)
    weight = edition.funds_part.weight if edition.funds_part else 10
    points = udfs.PE_EXECUTION_SCORE(1000, 666, float(weight), edition.id)
    return [_Rule("预算执行率得分", how + caps, f"预算1000、执行666，执行率66.6%，分值{plain(weight)}：得{_shown(points)}分", rule.source)]


def _numbers(edition: Edition) -> list[_Rule]:
    rule, deviation = edition.quantitative, edition.deviation
    gap = udfs.PE_DEVIATION("≥90%", "66.6%")
    return [
        _Rule("定量指标（≥、=、不带符号）", f"达到指标值得满分；没有达到的，得分＝完成值÷指标值×分值；{_places(rule.places)}。",
              _points(edition, "≥90%", "81%"), rule.source),
        _Rule("反向指标（≤）", "不超过指标值得满分；超过的，得分＝指标值÷完成值×分值。没有符号的，名称是投诉、事故、成本之类的也按反向。",
              _points(edition, "≤5件", "8件"), rule.source),
        _Rule("指标值为 0", "完成值为 0 得满分，否则不得分。", _points(edition, "0件", "1件"), "比例算不出来时的通行做法（本工具约定）"),
        _Rule("时间指标", "按期或提前完成得满分；逾期的没有统一算法，由人工评分。", _points(edition, "7月31日前", "7月20日"),
              "公开表按期完成均为满分；逾期由人工评分（本工具约定）"),
        _Rule("超额完成", f"完成值超过指标值{plain(edition.over.low)}%及以上的，要说明原因；不因此扣分。", _points(edition, "≥10次", "14次"),
              edition.over.source),
        _Rule("偏差度", f"（完成值−指标值）÷指标值，印到{deviation.places}位小数；达到指标值的为 0，负数是没有达到。",
              f"≥90%，完成 66.6%：{plain(read_number(gap, True).value, deviation.places)}%", deviation.source),
    ]


def _words(edition: Edition) -> list[_Rule]:
    rule = edition.qualitative
    if rule.rule == "percent":
        how = "完成值填百分数的，得分＝百分数×分值；填指标值原来那个词的得满分；填档次或其他文字的由人工评分。"
    else:
        how = "先定档次，再在档次的范围内由人工评分；完成值填百分数的，得分＝百分数×分值。"
    tiers = [_Rule(tier.name, f"得分在分值的{plain(tier.low)}%（含）至{plain(tier.high)}%{'' if tier.high == 100 else '（不含）'}之间。", "",
                   tier.source) for tier in rule.tiers]
    return [_Rule("定性指标", how, f"{_points(edition, '合规', '90%')}；{_points(edition, '合规', '合规')}", rule.source), *tiers]


def _whole(edition: Edition) -> list[_Rule]:
    highest, bands = "100", []
    for grade in edition.grades:
        bands.append(f"{grade.name} {plain(grade.low)}（含）—{highest}")
        highest = plain(grade.low)
    explain, tolerance = edition.explain, edition.tolerance
    asked = [*(["得分低于分值"] if explain.reason else []), f"预算执行率低于{plain(explain.execution_below)}%",
             *(["年度内预算有调整"] if explain.adjustment else [])]
    printed = "；各地小数位不同，得分按印出的位数比较" if tolerance.as_printed else ""
    allowed = f"得分 {plain(tolerance.score)}分、执行率 {plain(tolerance.rate)}个百分点、金额 {plain(tolerance.money)}{edition.unit}"
    return [
        _Rule("总分和等级", f"总分＝资金栏得分＋各行得分。等级：{'、'.join(bands)}。", f"96.88分：{udfs.PE_GRADE(96.88, edition.id)}",
              edition.grades_source),
        _Rule("要写明原因的", "、".join(asked) + "。只写“无”“略”“同上”不算。", "", explain.source),
        _Rule("允许误差", f"{allowed}以内视为一致{printed}。", "", tolerance.source),
    ]


# ---- 指标说明 ----


def standard_indicators() -> list[dict[str, str]]:
    """The standard indicators as data: name, sense, formula, usual target, hint and source (``indicators.toml``)."""
    with open(_DATA, "rb") as stream:
        return tomllib.load(stream)["indicator"]


def indicators(workbook: Workbook, edition: Edition) -> None:
    """What each standard indicator means and how it is worked out; those of this form first, with their preset targets."""
    preset = {plain_label(row.name): f"{row.target}{row.unit if row.target in ('≥', '≤') else ''}" for row in edition.tree}
    page = Page(workbook, INDICATORS, (22, 13, 11, 50, 22, 36, 38), landscape=True)
    page.title(f"常用三级指标说明（{edition.name}）")
    page.note("供填表参考，口径以本地正式文件为准。“本表预置”是空表里印好的指标值，部门可以按批复的目标修改。")
    known = standard_indicators()
    known.sort(key=lambda one: plain_label(one["name"]) not in preset)
    page.table(("指标", "本表预置", "方向", "含义和算法", "常见的值", "填写提示", "依据"), [
        (one["name"], preset.get(plain_label(one["name"]), ""), _SENSES[one["sense"]], *(one[key] for key in ("formula", "usual", "hint", "source")))
        for one in known])
    page.sheet.repeat_rows(2)
    page.sheet.protect("", {"objects": True, "format_columns": True, "format_rows": True})


# ---- hidden ----


def configuration(workbook: Workbook) -> None:
    """The sheet xlwings.conf: keys and values without a gap. No interpreter: that belongs to the computer, not to a form that travels."""
    sheet = workbook.add_worksheet(CONFIGURATION)
    for row, pair in enumerate(SETTINGS):
        sheet.write_row(row, 0, pair)
    sheet.hide()


def calculation(workbook: Workbook, name: str, lists: Sequence[Words]) -> None:
    """The sheet of lists into which the native formulas look: one column each, under its heading and with its name."""
    sheet = workbook.add_worksheet(name)
    for column, words in enumerate(lists):
        sheet.write_column(0, column, (words.heading, *words.content))
        workbook.define_name(words.name, f"='{name}'!{xl_range_abs(1, column, len(words.content), column)}")
    sheet.hide()


def state(workbook: Workbook) -> None:
    """The sheet on which the buttons remember what ④撤销上一步 and ③清除标记 need; empty to begin with."""
    workbook.add_worksheet(STATE).very_hidden()
