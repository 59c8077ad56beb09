"""Forms filled in by a machine: every kind of target and actual, blanks, slips and all, the same for the same seed."""

from __future__ import annotations

import random

from perfeval_xl.edition import Edition
from perfeval_xl.template import Filling, blank

#: target -> what departments write beside it
_ROWS = (
    ("≥90%", ("95%", "66.6%", "0%", "90%", "")), ("≤5件", ("3件", "8件", "0件", "5件")), ("100%", ("100%", "99.5%", "45%")),
    ("0起", ("0起", "2起")), ("12次", ("12次", "16次", "7次", "完成")),
    ("相关", ("相关", "100%", "80%", "基本相关", "部分达成预期指标并具有一定效果")),
    ("7月31日前", ("7月20日", "8月5日", "100%")), ("全面完成各项任务", ("已完成",)), ("≥3万元", ("2.5万元", "30000元")), ("", ("90%", "")),
)
_SPLIT = (("≥", "90%", ("95%", "66.6%")), ("≤", "30%", ("7.97%", "45%")), ("≤", "5件", ("3件", "8件")),
          ("合规", "定性指标", ("合规", "100%", "一般")), ("", "定性指标", ("",)), ("≥", "%", ("", "50%")))


def random_filling(edition: Edition, seed: int) -> Filling:
    """A filled form of an edition, its weights and stated scores not always sensible."""
    dice = random.Random(seed)
    empty = blank(edition)
    split = any(column.field == "unit" for column in edition.indicator_columns) and edition.id.startswith("jinshui")
    indicators = tuple(_indicator(dict(row), n, split, dice) for n, row in enumerate(empty.indicators))
    funds = {role: {**row, **_money(dice, role)} for role, row in empty.funds.items()}
    tasks = tuple({"name": f"任务{n}", "content": "内容", "status": "完成", "budget": dice.choice([0, 12.5, 40]),
                   "executed": dice.choice([0, 12.5, 3.3])} for n in range(1, 4))
    return empty._replace(department=f"某某局{seed}", project="某项目", year=edition.year, funds=funds, tasks=tasks, indicators=indicators,
                          goals=("做好本职工作。", "已完成全年任务。"), total=dice.choice([None, 88, 100]))


def _money(dice: random.Random, role: str) -> dict[str, float]:
    if role not in ("total", "government"):
        return dict.fromkeys(("initial", "adjusted", "executed"), 0)
    adjusted = dice.choice([0, 100, 923.86, 366.48]) if role == "total" else 100
    return {"initial": dice.choice([100, 855.66]), "adjusted": adjusted, "executed": dice.choice([0, 66.6, 615.33, 100])}


def _indicator(row: dict, n: int, split: bool, dice: random.Random) -> dict:
    row["name"] = row.get("name") or dice.choice(["培训人次", "群众投诉件数", "重点工作完成率", "项目成本", "事故起数"]) + str(n)
    if split:
        target, unit, actuals = dice.choice(_SPLIT)
        row |= {"target": target, "unit": unit, "actual": dice.choice(actuals)}
    else:
        target, actuals = dice.choice(_ROWS)
        row |= {"target": target, "actual": dice.choice(actuals)}
    row["weight"] = dice.choice([1, 2, 2.5, 5, 10, ""])
    row["score"] = dice.choice(["", 1, 2]) if row["weight"] != "" else ""
    row["reason"] = dice.choice(["", "", "无", "资金没有按时到位，下年提前申请。"])
    return row
