"""The form as a sheet to work in: the five kinds of cells, what may be typed, what is locked, what is shown as soon as it is wrong.

The printed part is the plan of ``template``, cell for cell; the columns right of it come from ``beside``.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from perfeval_xl.beside import HELP, column_of, parts
from perfeval_xl.computed import HAND, STATE, Computed
from perfeval_xl.edition import Edition, TreeRow
from perfeval_xl.formulas import ASK, DONE
from perfeval_xl.model import MONEY, cell_name, column_name
from perfeval_xl.numbers import plain
from perfeval_xl.targets import read_target
from perfeval_xl.template import Box, Plan, draw, indicator_columns


class Kind(NamedTuple):
    """A kind of cell: its word, what it is for, its fill, and what tells it from the others without colour."""

    word: str
    meaning: str
    fill: str
    look: dict[str, Any]


#: always the same five; the legend on 使用说明 is made of them
KINDS = {
    "input": Kind("填写", "由部门填写：浅黄底、正体字，可以改。", "#FFFBE0", {}),
    "choice": Kind("选择", "点一下，从下拉表里选，也可以自己填：浅蓝底、蓝字。", "#E6F1FB", {"font_color": "#1F4E79"}),
    "computed": Kind("自动计算", "由表中的数算出，不用填，已锁定：灰底、斜体字。", "#EFEFEF", {"italic": True, "font_color": "#333333"}),
    "text": Kind("说明", "只供阅读：白底、没有边框。", "#FFFFFF", {}),
    "heading": Kind("表头", "表的标题、栏目和固定的指标，已锁定：浅青灰底。", "#E3EAF0", {}),
}

#: what a cell is for, shown when it is selected: (block or "", field) -> text; 255 characters at most
_HELP = {
    ("", "department"): "填单位全称，与公章一致。",
    ("", "project"): "填项目全称，与预算批复一致。",
    ("", "unit_in_charge"): "填实施单位全称。",
    ("", "filler"): "在冒号后面填写填表人姓名和联系电话。",
    ("", "year"): "选本表的年度。“7月31日前”这样没写年份的日期，按这一年算。",
    ("", "goal"): "左边照年初批复的目标填；右边写实际完成情况，写到数。",
    ("tasks", "name"): "一行一项任务，名称与年初填报的一致。",
    ("", "content"): "写明任务做什么。",
    ("", "status"): "写明做到什么程度，能用数的用数。",
    ("", "money"): "只填数字，单位{unit}；没有的填 0。",
    ("", "weight"): "只填数字。{parts}",
    ("", "name"): "写清考核什么，如“重点工作完成率”。",
    ("", "target"): "照目标申报填，如 ≥90%、≤5件、12次、7月31日前；定性指标填一个词，如 合规。",
    ("", "sign"): "选 ≥、≤ 或 =，数字填在右边一栏；定性指标填一个词，如 合规。",
    ("", "unit"): "填指标值的数字和单位，如 90%、5件；定性指标填“定性指标”。",
    ("", "actual"): "照实填，单位与指标值一致，如 66.6%、12次、7月20日。百分数要带 %，不要写成 0.666。定性指标可从下拉表里选。",
    ("", "reason"): "得分低于分值的，写明原因和改进措施；只写“无”“略”“同上”不算。",
    ("", "hand"): "只在规则评不了的行（按档次的定性指标等）打分，从 0 到分值，算进得分和总分；规则能算的行不看这一格。",
    ("", "help"): "按资金栏或分值栏算出的参考数，供填写和核对，不打印。",
    ("", "state"): "空着就是没有问题；有字的，前面是代码，后面是要做的事。",
    ("funds", "rate"): "全年执行数 ÷ 全年预算数，百分数的数值。",
    ("funds", "score"): "按本版规则由执行率算出，见“评分规则”。",
    ("tasks", "rate"): "预算执行数 ÷ 预算资金。",
    ("indicators", "score"): "由指标值、完成值和分值按本版规则算出；规则评不了的，在表右边“人工评分”里打分。",
    ("indicators", "deviation"): "（完成值 − 指标值）÷ 指标值；达到指标值的为 0。",
    ("", "total"): "各项得分相加。",
    ("", "grade"): "按总分分档，见“评分规则”。",
}
#: what native formulas say otherwise
_HELP_NATIVE = {
    ("", "state"): "✓ 是没有问题；有字的，写的就是要做的事；空着是还没填。",
    ("", "open"): "本表还有几处要看：“状态”栏里有字的，和“参考数”栏里分值不符（✗）的。",
    ("", "hand"): f"只在得分栏写着“{ASK}”的行打分，从 0 到分值，算进得分和总分；能算的行不看这一格。",
    ("indicators", "score"): f"由指标值、完成值和分值按本版规则算出；写着“{ASK}”的，在表右边“人工评分”里打分。",
}
_MONEY = frozenset((*MONEY, "budget", "budget_fiscal", "executed_fiscal"))
_SPOKEN = {"year": "年度", "goal": "年度目标", "total": "总分", "score": "总分", "filler": "填表人及联系方式"}
_BAD = {"bg_color": "#FDE4E4", "font_color": "#C00000", "bold": True}
_ASK = {"pattern": 14, "bg_color": "#FFF3D1", "fg_color": "#F2C36B"}
#: a refusal is too long for its narrow cell and stands in full beside the form; a deviation that nothing says is printed as a dash
_POINTER, _DASH = {"num_format": ';;;"看状态"', "font_color": "#C00000"}, {"num_format": ';;;"—"'}


def write(workbook: Workbook, edition: Edition, plan: Plan, computed: Iterable[Computed], macros: bool = True) -> Worksheet:
    """Puts what ``beside.prepare`` gave on a sheet 自评表 of the workbook. A computed cell without formula holds its value alone;
    without ``macros`` the formulas are those of ``formulas.native``."""
    desk = _Desk(plan, edition, _HELP if macros else _HELP | _HELP_NATIVE)
    sheet = draw(workbook, plan, edition, desk.look, computed)
    desk.validate(sheet)
    _highlight(workbook, sheet, plan, edition, macros)
    # marks need formats, notes need objects; no password: it is a guard against slips
    sheet.protect("", {"objects": True, "format_cells": True, "format_columns": True, "format_rows": True, "insert_rows": True})
    sheet.print_black_and_white()
    first = next(box for box in plan.boxes if box.block == "head" and desk.kind(box) == "input")
    sheet.set_selection(first.top, first.left, first.top, first.left)
    return sheet


_LEFT = {"align": "left", "indent": 1, "text_wrap": False, "italic": False, "font_size": 9, "border": 0}
_FORMATS = {("indicators", "deviation"): "0.00%", ("tasks", "rate"): '0.00"%"'}
#: columns of texts: what is typed there stays as it is, 66.6% and 3/4 included
_TEXTS = frozenset(("sign", "target", "target_adjusted", "unit", "actual"))


class _Desk:
    """The plan with what the edition says about its cells."""

    def __init__(self, plan: Plan, edition: Edition, help_texts: dict[tuple[str, str], str] = _HELP) -> None:
        self.plan, self.edition, self.help_texts = plan, edition, help_texts
        fixed = {row.name: row for row in edition.tree}
        names = [box for box in plan.boxes if (box.block, box.field) == ("indicators", "name")]
        self.fixed: dict[int, TreeRow] = {box.top: fixed[box.value] for box in names if box.value in fixed}
        # 金水区 parts a target into its sign and its number
        self.split = any(column.field == "unit" for column in indicator_columns(edition))

    def kind(self, box: Box) -> str:
        """Which of the five kinds a cell is. What the edition prescribes is no input, even where the plain form leaves it open."""
        if box.kind == "computed":
            return "computed"
        if box.field == "year" and box.block in ("head", "aside"):
            return "choice"
        if box.kind == "label":
            return "heading"
        if box.kind == "step":
            return "text"
        if box.kind in ("title", "line", "aside"):
            return "input" if box.field == "filler" else "text"
        if box.block == "funds" and box.field in ("weight", "score"):
            return "input" if box.index == 0 and not self.edition.parts_binding else "heading"
        if box.block == "indicators" and box.field == "name":
            return "heading" if box.top in self.fixed else "input"
        if box.block == "indicators" and ((box.field == "actual" and self.word(box)) or (box.field == "target" and self.split)):
            return "choice"
        return "input"

    def word(self, box: Box) -> str:
        """The word that a qualitative target of the edition is (合规), "" for all others."""
        row = self.fixed.get(box.top)
        return row.target if row is not None and row.target and read_target(row.target).kind == "qual" else ""

    def look(self, box: Box) -> dict[str, Any]:
        """What a cell looks like beyond the printed form."""
        kind = self.kind(box)
        look = {**KINDS[kind].look, "locked": kind not in ("input", "choice")}
        if box.field == "refusal":
            return look | _LEFT
        if kind != "text":
            look["bg_color"] = KINDS[kind].fill
        if box.block in ("beside", "aside"):
            look |= {"font_size": 9, **({"font_color": "#595959"} if kind == "text" else {"border": 1, "border_color": "#BFBFBF"})}
        if box.field == "state":
            look |= _LEFT | {"border": 1}
        if box.block == "indicators" and box.field in _TEXTS:
            look["num_format"] = "@"
        if shown := _FORMATS.get((box.block, box.field)):
            look["num_format"] = shown
        return look

    # ---- what may be typed ----

    def validate(self, sheet: Worksheet) -> None:
        """Every cell that is no heading says what it is for; figures must be figures. Cells with the same rule share it."""
        shared: dict[str, tuple[dict[str, Any], list[Box]]] = {}
        for box in self.plan.boxes:
            if self.kind(box) not in ("heading", "text"):
                rule = self.rule(box)
                shared.setdefault(repr(rule), (rule, []))[1].append(box)
        for rule, boxes in shared.values():
            first, *others = _runs(boxes)
            if boxes[0].field == "hand":
                rule["maximum"] = f"=N({cell_name(first[0], column_of(self.plan, 'indicators', 'weight'))})"
            more = {"other_cells": [list(area) for area in others]} if others else {}
            sheet.data_validation(*first, rule | more)

    def rule(self, box: Box) -> dict[str, Any]:
        """What may be typed into a cell, as XlsxWriter wants it."""
        kind, field, edition = self.kind(box), self.field(box), self.edition
        words = (self.help_texts.get((box.block, field)) or self.help_texts["", field]).format(unit=edition.unit, parts=self.weights())
        rule = {"validate": "any", "input_title": f"【{KINDS[kind].word}】{self.heading(box)}"[:32], "input_message": words}
        if field == "money":
            rule |= _figure(f"只能填不小于 0 的数，单位{edition.unit}，不要带“元”“万元”等字。", criteria=">=", value=0)
        elif field == "weight":
            rule |= _figure("分值只能填 0 到 100 之间的数。", criteria="between", minimum=0, maximum=100)
        elif field == "hand":
            rule |= _figure("人工评分只能填 0 到本行分值之间的数。", criteria="between", minimum=0, maximum=0)
        elif kind == "choice" or (field == "actual" and edition.qualitative.rule == "tiers"):
            rule |= self.list(box, field)
        return rule

    def field(self, box: Box) -> str:
        """The field whose help fits the cell."""
        if box.field in _MONEY:
            return "money"
        if (box.block, box.field) == ("total", "score"):
            return "total"
        if self.split and (box.block, box.field) == ("indicators", "target"):
            return "sign"
        return {"refusal": "state", "sum": "help"}.get(box.field, box.field)

    def weights(self) -> str:
        sums = "、".join(f"{part.name} {plain(part.weight)}" for part in self.edition.parts)
        return f"各一级指标的分值{'应为' if self.edition.parts_binding else '通常为'}：{sums}。"

    def list(self, box: Box, field: str) -> dict[str, Any]:
        """A drop-down. Whoever has another word or figure to write may write it; another year is asked about."""
        if field == "year":
            years = sorted({*range(self.edition.year, self.edition.year + 10), *([int(box.value)] if str(box.value).isdigit() else [])})
            return {"validate": "list", "source": [str(year) for year in years], "error_type": "warning", "error_title": "年度",
                    "error_message": "年度通常从下拉表里选。确定要填这个年度吗？"}
        own = ["≥", "≤", "="] if field == "sign" else [self.word(box), "100%"] if self.word(box) else []
        tiers = [] if field == "sign" else [tier.name for tier in self.edition.qualitative.tiers]
        return {"validate": "list", "source": [*own, *tiers], "show_error": False}

    def heading(self, box: Box) -> str:
        """What the form calls a cell."""
        beside = {"hand": HAND, "help": HELP, "sum": HELP, "state": STATE, "refusal": STATE, "open": STATE}
        columns = {"funds": self.edition.funds_columns, "tasks": self.edition.task_columns, "indicators": indicator_columns(self.edition)}
        named = next((column.heading for column in columns.get(box.block, ()) if column.field == box.field), "")
        return named or beside.get(box.field) or _SPOKEN.get(box.field) or (self.edition.labels.get(box.field) or ("等级",))[0]


def _runs(boxes: Iterable[Box]) -> list[tuple[int, int, int, int]]:
    """The areas that cells make which stand below each other: a row inserted between two of them then gets what they have."""
    areas: list[tuple[int, int, int, int]] = []
    for box in sorted(boxes, key=lambda box: (box.left, box.top)):
        if areas and box.top == box.bottom and areas[-1][1:] == (box.left, box.top - 1, box.left):
            areas[-1] = (*areas[-1][:2], box.top, box.left)
        else:
            areas.append((box.top, box.left, box.top, box.left))
    return sorted(areas)


def _figure(why_not: str, **limits: Any) -> dict[str, Any]:
    return {"validate": "decimal", "error_type": "stop", "error_title": "这里要填数字", "error_message": why_not, **limits}


# ---- what is shown as soon as it is wrong ----


def _highlight(workbook: Workbook, sheet: Worksheet, plan: Plan, edition: Edition, macros: bool) -> None:
    """Conditional formats. Each also has its words: in 状态, in 参考数, or in the cell itself."""
    bad, ask, pointer, dash = (workbook.add_format(look) for look in (_BAD, _ASK, _POINTER, _DASH))
    top, _, bottom, _ = plan.names["pe_indicators"]
    weight, score, deviation, reason = (column_of(plan, "indicators", field) for field in ("weight", "score", "deviation", "reason"))

    def when(area: tuple[int, int, int, int], formula: str, look: Any) -> None:
        """``formula`` speaks of the first cell of the area as {cell}, of other cells of its row as {weight}, {score} and {reason}."""
        names = {"weight": weight, "score": score, "reason": reason}
        at = {key: cell_name(area[0], column) for key, column in names.items() if column is not None}
        sheet.conditional_format(*area, {"type": "formula", "criteria": formula.format(cell=cell_name(*area[:2]), **at), "format": look})

    when((top, score, bottom, score), "=AND(ISNUMBER({weight}),ISNUMBER({score}),N({score})>N({weight}))", bad)
    if reason is not None:
        when((top, reason, bottom, reason), "=AND(ISNUMBER({weight}),ISNUMBER({score}),N({score})<N({weight}),LEN(TRIM({reason}))=0)", ask)
    hand = column_of(plan, "beside", "hand")
    when((top, hand, bottom, hand), "=AND(ISTEXT({score}),LEN(TRIM({score}))>0)", ask)
    if deviation is not None:
        when((top, deviation, bottom, deviation), "=AND(ISTEXT({cell}),LEN(TRIM({cell}))>0)", dash)
    letter = column_name(weight)
    for part in parts(plan, edition) if edition.parts_binding else ():
        if part.weight is not None:
            rows = f"${letter}${part.first + 1}:${letter}${part.last + 1}"
            when((part.first, weight, part.last, weight), f"=AND(COUNT({rows})>0,ROUND(SUM({rows}),2)<>{plain(part.weight)})", ask)
    computed = [box for box in plan.boxes if box.kind == "computed"]
    wrong = "=LEN(TRIM({cell}))>0" if macros else f'=AND(LEN(TRIM({{cell}}))>0,{{cell}}<>"{DONE}")'
    grades = ",".join(f'{{cell}}<>"{band.name}"' for band in edition.grades)
    for fields, formula, look in ((("state", "refusal"), wrong, bad), (("help", "sum"), '=RIGHT({cell},1)="✗"', ask),
                                  (("open",), '=ISNUMBER(FIND("处",{cell}))*NOT(ISNUMBER(FIND("没有",{cell})))', ask),
                                  (("rate", "score", "total"), "=AND(ISTEXT({cell}),LEN(TRIM({cell}))>0)", pointer),
                                  (("grade",), f"=AND(LEN(TRIM({{cell}}))>0,{grades})", pointer)):
        for area in _runs(box for box in computed if box.field in fields):
            when(area, formula, look)
