"""Districts that do not exist, for the demonstration, the benchmarks and the tests: departments with plausible money, targets and results,
the same for the same seed, and every mistake that a bureau meets planted once.
"""

import os
import random
import shutil
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from perfeval_xl.edition import get
from perfeval_xl.numbers import half_up, plain
from perfeval_xl.scoring import execution_rate, execution_score
from perfeval_xl.template import Filling, blank, new_workbook, write_form

EDITION = "shangjie-2022"
#: a minute for each file, so that the later one of two is known
_CLOCK = 1_680_000_000
_NAMES = (
    "区委办公室 区人大常委会办公室 区政府办公室 区政协办公室 区纪委监委 区委组织部 区委宣传部 区委统战部 区委政法委 "
    "区委编办 区信访局 区直机关工委 区总工会 团区委 区妇联 区科协 区残联 区工商联 区红十字会 区委党校 区档案馆 "
    "区史志办 发展和改革委员会 教育局 科学技术和工业信息化局 民政局 司法局 财政局 人力资源和社会保障局 自然资源和规划局 "
    "生态环境分局 住房和城乡建设局 城市管理局 交通运输局 农业农村工作委员会 商务局 文化广电体育和旅游局 卫生健康委员会 "
    "退役军人事务局 应急管理局 审计局 市场监督管理局 统计局 医疗保障局 政务服务和大数据管理局 金融工作局 机关事务中心 "
    "园林绿化中心 市政设施维护中心 环境卫生中心 房屋征收中心 公路养护中心 水利事务中心 动物疫病预防控制中心 "
    "疾病预防控制中心 妇幼保健院 人民医院 图书馆 文化馆 博物馆 融媒体中心 就业服务中心 社会保险中心 不动产登记中心 "
    "投资评审中心 国库支付中心 招商服务中心 消防救援大队 公安分局 人民法院 人民检察院 城关街道办事处 新安路街道办事处 "
    "济源路街道办事处 中心路街道办事处 工业路街道办事处 峡窝镇人民政府 实验小学 实验初级中学 外国语小学 特殊教育学校 "
    "中等专业学校 社会福利院 救助管理站 殡葬管理所 老干部活动中心 青少年活动中心 价格认证中心 节能监察中心 农产品检测中心 "
    "食品药品检验所 计量检定所 地震监测站 气象服务站 粮食储备库 供销合作社 土地储备中心 城建档案室 路灯管理所 排水管理所 "
    "公园管理处 体育场馆中心 科技馆 规划展览馆"
)
_OFFICES = tuple(_NAMES.split())


def department(n: int) -> str:
    """The name of the n-th department of 示例区."""
    return f"示例区{_OFFICES[n].removeprefix('区')}" if n < len(_OFFICES) else f"示例区第{n:05d}号单位"


def filling(n: int, dice: random.Random, wrong: bool | None = None, spent: int = 0, results: str = "") -> Filling:
    """A department's form: 20 fixed rows and 8 of its own, right but for a total that is one too high where ``wrong`` (every fifth, if nothing
    is said). ``spent`` is the execution rate in percent; ``results``: "" as it comes, "fair", "poor", "planned" (exactly the targets), "praised"
    (full marks for everything)."""
    edition = get("shangjie-2022")
    initial = Decimal(dice.randrange(5_000, 900_000)) / 100
    adjusted = half_up(initial * dice.randrange(95, 112) / 100, 2)
    executed = half_up(adjusted * (spent or dice.randrange(55, 101)) / 100, 2)
    rate = execution_rate(adjusted, executed)
    money = {"initial": initial, "adjusted": adjusted, "executed": executed, "rate": half_up(rate, 2)}
    points = execution_score(rate, Decimal(10), edition.execution)
    funds = {"total": {**money, "weight": 10, "score": points}, "government": {**money, "weight": "-", "score": "-"},
             "special_account": {"initial": 0, "adjusted": 0, "executed": 0, "weight": "-", "rate": 0, "score": "-"},
             "own": {"initial": 0, "adjusted": 0, "executed": 0, "weight": "-", "rate": 0, "score": "-"}}
    rows, total = [], points
    own = iter([(9, "重点任务"), (8, "履职事项"), (4, "工作质量"), (4, "完成时效"),
                (12, "服务覆盖"), (8, "办理效率"), (8, "群众评价"), (7, "企业评价")])
    for row in blank(edition).indicators:
        row = dict(row)
        if not row.get("name"):
            weight, name = next(own)
            row.update(name=f"{name}{dice.randrange(1000)}完成率", target=f"≥{dice.randrange(80, 98)}%", weight=weight)
        row.update(_result(row, money, dice, results))
        total += row["score"]
        rows.append(row)
    shown = total + (1 if (n % 5 == 0 if wrong is None else wrong) else 0)
    text = f"完成年度工作{dice.randrange(10**6)}项，保障部门运转和重点任务落实。"
    tasks = tuple({"name": f"任务{k}", "content": f"第{dice.randrange(10**4)}号工作", "status": f"已办结{dice.randrange(100)}件"} for k in range(3))
    return Filling(f"测试区第{n:04d}号单位", 2022, total=shown, goals=(text, f"已{text}"), funds=funds, tasks=tasks, indicators=tuple(rows))


#: tenths of a percent that the rows with a limit reached
_ACTUALS = {"poor": (500, 700), "fair": (550, 900), "praised": (980, 1000)}


def _result(row: dict, money: dict, dice: random.Random, results: str) -> dict:
    """Actual, score, deviation and reason of one row; the standard rates follow from the money."""
    change = abs(money["adjusted"] - money["initial"]) / money["initial"] * 100
    standard = {"execution_rate": money["rate"], "adjustment_rate": half_up(change, 2), "carry_over_rate": half_up(100 - money["rate"], 2)}
    target, weight = row["target"], Decimal(row["weight"])
    if row.get("role") in standard:
        actual = standard[row["role"]]
    elif target[0] in "≥≤":
        low, high = _ACTUALS.get(results, (850, 1000))
        actual = Decimal(target[1:-1]) if results == "planned" else Decimal(dice.randrange(low, high)) / 10
    else:
        return {"actual": "100%", "score": weight, "deviation": "0.00%", "reason": ""}
    limit = Decimal(target[1:-1])
    met = actual <= limit if target[0] == "≤" else actual >= limit
    share = Decimal(1) if met or results == "praised" else limit / actual if target[0] == "≤" else actual / limit
    deviation = Decimal(0) if met else (actual - limit) / limit * 100
    return {"actual": f"{plain(actual)}%", "score": half_up(weight * share, 2), "deviation": f"{half_up(deviation, 2)}%",
            "reason": "" if met else f"受资金到位时间影响，已列入第{dice.randrange(1, 5)}季度整改。"}


class Truth(NamedTuple):
    """What a made-up district holds: the folder of its forms, its roster, the filling that counts of each department (by the name on the form),
    who is missing, how often each code across workbooks is to be found, and the reasons why files cannot be read."""

    forms: str
    roster: str
    counted: dict[str, Filling]
    missing: tuple[str, ...] = ()
    codes: dict[str, int] = {}  # noqa: RUF012 - a default that nobody writes to
    unreadable: tuple[str, ...] = ()


#: across workbooks, planted once each
PLANTED = {"D101": 1, "D102": 1, "D103": 1, "D104": 1, "D105": 1, "D106": 1, "D107": 1, "D108": 1, "D109": 1, "D110": 1, "D111": 1}


def district(folder: str, count: int = 100, seed: int = 2022, planted: bool = True, others: Sequence[str] = ()) -> Truth:
    """Writes the forms of a district into ``folder`` (报送/ and 名册.csv) and tells what they hold. The planted mistakes need 40 departments.
    ``others`` are names that are on the roster as well."""
    dice = random.Random(seed)
    forms, names = os.path.join(folder, "报送"), [department(n) for n in range(count)]
    os.makedirs(os.path.join(forms, "初稿"), exist_ok=True)
    fillings = [filling(n, dice, planted and n % 9 == 4, 0, dice.choice(("", "", "", "fair", "poor")))._replace(department=name)
                for n, name in enumerate(names)]
    if planted:
        _plant(fillings)
    paths = [os.path.join(forms, f"{name}.xlsx") for name in names]
    for n, (path, one) in enumerate(zip(paths, fillings, strict=True)):
        _write(path, one, n)
    truth = Truth(forms, os.path.join(folder, "名册.csv"), {one.department: one for one in fillings})
    roster = [name for n, name in enumerate(names) if n not in (17, 19)] + [_ABSENT] if planted else names
    with open(truth.roster, "w", encoding="utf-8-sig", newline="") as stream:
        stream.writelines(f"{line}\r\n" for line in ("部门名称,曾用名", *(f"{name}," for name in (*roster, *others))))
    if not planted:
        return truth
    shutil.copy2(paths[11], os.path.join(forms, "新建文件夹的副本.xlsx"))
    _write(os.path.join(forms, "初稿", f"{names[13]}.xlsx"), filling(13, dice, True)._replace(department=names[13]), -1)
    for name, content in (("损坏.xlsx", b"PK\x03\x04 not a workbook any more"), ("~$锁文件.xlsx", b"lock")):
        with open(os.path.join(forms, name), "wb") as stream:
            stream.write(content)
    return truth._replace(missing=(_RENAMED, _ABSENT), codes=PLANTED, unreadable=("X103",))


_STRANGER, _ABSENT, _RENAMED = "航空港经济专班", "示例区重点项目筹建处", "示例区文化广电体育和旅游局"


def _write(path: str, filled: Filling, minute: int) -> None:
    with new_workbook(path) as workbook:
        write_form(workbook, get(EDITION), filled)
    os.utime(path, (_CLOCK + 60 * minute,) * 2)


def _plant(fillings: list[Filling]) -> None:
    """Mistakes that a single form does not show, one each."""
    changes = {15: {"year": 2021}, 17: {"department": _STRANGER}, 19: {"department": ""}, 21: {"goals": fillings[20].goals},
               _OFFICES.index(_RENAMED[3:]): {"department": "示例区文化广电和旅游局"}}
    for n, results, spent in ((23, "planned", 92), (25, "praised", 62), (27, "poor", 85)):
        changes[n] = filling(n, random.Random(n), False, spent, results)._replace(department=fillings[n].department)._asdict()
    changes[27]["total"] = Decimal("90.5")
    for n, change in changes.items():
        fillings[n] = fillings[n]._replace(**change)
