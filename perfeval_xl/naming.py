"""The names on a form as a report may write them, and what the words in front of a figure say that it is.

The words in front of a figure end, read backwards, in: 为/达到/共… (peeled off), 指标值 or 实际完成值 (its role), 得分 or 分值 (its noun), and a
name of the form or a kind of money. Only a name that stands right there counts; anything else leaves the figure alone, because most figures
of a report are no figures of the form.
"""

import re
from functools import cached_property
from typing import NamedTuple

from perfeval_xl.edition import plain_label
from perfeval_xl.figures import Figure, normal
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import Record
from perfeval_xl.targets import scale


class Subject(NamedTuple):
    """What a figure is said of: kind "row", "group", "part", "funds" (the part of the execution rate), "task", "total", "foreign" (something
    that is not on the form); ``key`` is the place among the rows or tasks, or the name of part or group."""

    kind: str
    name: str
    key: object = None


class Lead(NamedTuple):
    """The words in front of a figure, read: ``core`` is what is left in front of role and noun; ``carried``: nothing is, so the subject is the
    one of the figure before; ``all_of``: 均, 都; ``apart``: 分别; ``summed``: 合计."""

    core: str
    role: str
    noun: str
    carried: bool
    all_of: bool
    apart: bool
    before: str
    summed: bool = False


# ---- the words in front of a figure ----

_COPULA = Pattern("(?:为|是|达到了?|达|共计|总计|合计|共|计|(?<![签预节条制合公契邀违])约|有|仅|只|全部"
                    "|已经|已|了|在|至|到|该|保持|控制|稳定|维持|高达|:|人民币|的"
                    "|经?(?:问卷|抽样|随机)*(?:调查|测评|统计|测算|核算|评议|抽查|检查|检测)(?:结果|显示|得出)?)$")
#: 没有达到48次的目标: what was to be reached, or anything else
_NOT_REACHED = Pattern("(?:没有|未能?|没能|尚未|未曾)$")
#: 预算执行率=全年执行数÷全年预算数×100%=93.79%
_FORMULA = Pattern("=[^=，;]*[÷/×*+][^，;]*$")
_COUNTED_LIST = Pattern("(?<=[率度性数量])(?:等)?[0-9二两三四五六七八九十]+[项个](?:三级)?指标$")
_ALL_OF, _APART = Pattern("(?:均|都|皆|各|全都)$"), Pattern("分别$")
_TARGET = Pattern("(?:年度|年初|全年|绩效|预期|计划|设定|既定|预定|预设)*(?:指标值|目标值|预期值|计划值|标准值|(?<!履职)(?<!绩效)目标)$"
                  "|(?:计划|应当?|要求|预期|目标)(?:完成|达到|实现)$|(?:要求|计划)$")
_ACTUAL = Pattern("(?:实际|年度|全年|年末|最终|当年)*(?:完成值|实际值|完成数|达成值|完成情况|实际完成|实际达到|实际达成|实际)$"
                  "|(?:实际|年度|全年|年末|最终|当年|本年)*(?:完成|达成|实现)了?$")
_NOUN = Pattern("(?P<share>得分率)$|(?P<weight>(?:总|标准|权重|指标|满)*(?:分值|权重分|权重|满分|标准分))$|(?P<sum>总分)$"
                "|(?P<score>(?:自评|实际|最终|最后|综合|总体|总|评价|评审|考核|自我|评定|该项|本项)*(?:得分|评分|分数|实得|自评分|得)|自评(?:结果|结论)?)$")
_THIS_YEAR = Pattern("20[0-9]{2}年度?|今年|本年度?|当年|(?:20[0-9]{2}年)?全年|(?:截?至|到)?年[末底]|目前")
_RESULT = Pattern("(?:自评|评价)(?:结果|结论|得分|总分)\\($")
_CUT = Pattern(".*[，;:；。(（]", re.S)
_BRACKETS = Pattern(r"\([^()]*\)")


def read_lead(lead: str) -> Lead:
    """The words between the figure before and this one."""
    if "(" in lead:
        lead = _BRACKETS.sub("", lead)
    lead = lead.removesuffix(":").lstrip(")")
    if "=" in lead:
        lead = _FORMULA.sub("", lead)
    if lead.endswith("(") and _RESULT.search(lead):  # 根据自评结果(96.88分，优)
        lead = lead[:-1]
    cut = _CUT.match(lead)
    before, core = (cut[0], lead[cut.end() :]) if cut else ("", lead)
    role = noun = ""
    every = apart = False
    summed = re.search("(?:合计|总计|共计)(?:为|是|得分|得)*$", core) is not None
    while core:
        length = len(core)
        if match := _ALL_OF.search(core):
            every = True
        elif not role and (match := _NOT_REACHED.search(core)):
            role = "limit"
        elif match := _COUNTED_LIST.search(core):  # A率、B率及C率三项指标均为100%
            pass
        elif match := _APART.search(core):
            apart = True
        elif not noun and (match := _NOUN.search(core)):
            noun = match.lastgroup or ""
            if match["score"] and match[0].startswith(("该项", "本项")):
                noun = "this"
        elif not role and (match := _TARGET.search(core)):
            role = "target"
        elif not role and (match := _ACTUAL.search(core)):
            role = "actual"
        else:
            match = _COPULA.search(core)
        if match is None or len(core) == length - len(match[0]):
            break
        core = core[: match.start()]
    core = core.strip("、 ")
    if _THIS_YEAR.fullmatch(core):
        core = ""
    return Lead(core, role, noun, not core, every, apart, before, summed)


# ---- kinds of money ----

_MORE = "(?:总|资金|安排|收入|支出|经费|批复|下达|核定|部门|整体|财政|的|设定|安排的|合计|完成|实际|人民币)*"
_MONEY = Pattern(
    "(?:(?P<adjusted>(?:全年|调整后?的?|追加后|变更后|调剂后|(?:调[增减]|[核压]减)后的?)"
    "(?:部门|整体|单位|收入|支出|财政|总|的|\\(调整\\))*预算" + _MORE + "|预算调整后?|预算(?:追加|调[增减]|[核压]减)后|预算全年)"
    "|(?P<initial>年初(?:批复|安排|部门|整体|单位|下达|核定|财政|的|设定|收入|支出|总|财政局)*预算" + _MORE + "|预算年初|(?<=列入)年初)"
    "|(?P<government>(?:政府|财政)(?:预算|财政|性)*(?:拨款|资金)(?:收入|支出|执行|支付)?|一般公共预算(?:财政)?(?:拨款|资金)?(?:收入|支出|执行|支付)?|财政拨款)"
    "|(?P<special_account>(?:财政专户管理资金|专户(?:管理)?资金)(?:收入|支出|执行|支付)?)"
    "|(?P<own>(?:单位(?:自有)?资金|自有资金|其他资金)(?:收入|支出|执行|支付)?)|(?P<carry_over>上年结转(?:结余)?(?:资金)?(?:收入|支出|执行|支付)?)"
    "|(?P<executed>(?<![有户])(?:全年|当年|本年|年度|预算|决算|实际|累计|完成|资金|已|全部|总|年[末底]|[我本全][局委办院会处校站馆所]|[我本]?(?:单位|部门|中心))+"
    "(?:预算)?(?:执行|支出|列支|拨付|支付|使用|到账并使用)(?:完成|合计|总|资金|了|数|金额)*|执行(?:数|金额)|支出(?:总|合计|总计|完成|决算)|总支出|共支出|执行)"
    "|(?P<basic>基本支出)|(?P<project>项目支出)"
    "|(?P<budget>(?:部门|整体|财政|年度|本年|总|当年|收支|单位|支出|收入)*预算" + _MORE + "))(?:数|金额|总额|额)*$")
_RATE = Pattern("(?:预算|资金|经费|支出|总体|整体|部门)*(?:执行率|支出率|支付率|执行进度|支出进度|预算完成率)$"
                "|(?:全年|预算|实际)*(?:执行|支出)(?:数|额)?[与占][^，;]{0,6}预算[^，;]{0,3}(?:之比|的?比[例率重])$")

#: 由上年的93.1%提高到94.35%: the second one is this year's, and of whoever stands in front of 由
MOVED = Pattern("(?:提高|提升|上升|增长|增加|下降|降低|减少|上调|下调|升|降|变化?|调整)(?:到了?|至|为)(?:(?:20[0-9]{2}年|今年|本年)的)?$")
#: 全年预算3.51亿元，较年初增长8.21%; 年中追加68.2万元，占年初预算数的7.97%
_CHANGED = Pattern("[较比与]年初(?:批复|安排|的)*(?:预算)?(?:数|总额)?(?:相比)?(?:增长|增加|增幅|上升|减少|减幅|下降|降低|调增|调减|追加)了?$")
#: 占全年预算的93.79%: a rate in other words, once the amount that was spent stands in front of it
_OF_BUDGET = Pattern("(?:占|达|完成|为|是)了?(?:部门|单位|本?年度?|当年|财政|总|支出|的)*(?:(?P<initial>年初)|(?P<adjusted>全年|调整后?))?"
                     "(?:部门|单位|财政|总|支出|整体|的)*预算(?:数|总额|安排|资金)?$")
#: what makes an amount or a rate that of something else: another year, a project, a kind of spending
_FOREIGN = Pattern("项目|经费|专项|费$|费用|三公|采购|工程|任务|人员|工资|公积金|社保|津贴|补[助贴]|奖金|公用|购置|租赁|维修"
                   "|培训|会议|债|基金|结转|结余|追加|调[增减]|压减|节约|收回|上缴|非税|资产|上年|去年|上一年|前年|往年|下年|明年|下一年|季度|上半年|下半年|(?<![0-9])(?:[1-9]|1[01])月|全区|全市|全省|全国|平均|行业|科室|下属|所属|直属|下辖|二级|"
                   "街道办|村|学校|企业|本金|合同|中标|招标|债券|捐赠|救灾|扶贫|帮扶|上级|中央|省级|市级|转移支付|人均|每")
#: what passes with its own figure, and words that name nothing of their own: 经费执行情况良好
_PASSING = Pattern("(?<![\u4e00-\u9fff])(?:经费|资金)(?=执行|使用|管理|保障|支出情况)"
                   "|(?:追加|调[增减]|压减|收回|上缴)[^，;]*$|追加|调[增减]|压减|节约|收回|结转|结余|上年|去年|上一年|前年|往年|下年|明年|下一年"
                   "|季度|上半年|下半年|[0-9]+月|平均|人均|每")
_OWN = Pattern("我|本(?:单位|部门|级|中心|局|委|办|院|年)|部门|整体|单位")
#: words that say nothing of their own in front of a name
_NEUTRAL = Pattern("^(?:其中|我(?:单位|部门|局|委|办|中心|院|会)|本(?:单位|部门|年度?|次|项|中心|局|委|办)|部门|单位|20[0-9]{2}年度?"
                   "|年度|全年|[一二三四五六七八九十]是|第[一二三四]|"
                   "[0-9一二三四五六七八九十]+[.、]|使得?|将|经(?:统计|测算|核算|自评)|截至|年底|目前|最终|总体|整体|各项|主要|重点|一级指标|二级指标|三级指标|指标|和|及|与|以及|、|的|"
                   "因此|所以|同时|区|绩效|自评|支出|结果|综合|评价|汇总|本报告|预算|组织|开展了?|完成)+")


def money_kind(core: str) -> tuple[str, str]:
    """Which amount the words name ("initial", "adjusted", "executed", "budget" without a base, a source), and the words in front of them."""
    match = _MONEY.search(core)
    if match is None:
        return "", core
    words = core[: match.start()]
    if words.endswith(("基本", "项目")) and match[0].startswith("支出"):
        words += "支出"
    return match.lastgroup or "", words


def rate_name(core: str) -> str | None:
    """The words in front of 执行率 where they end in it; None where they do not."""
    match = _RATE.search(core)
    return core[: match.start()] if match else None


def budget_change(core: str) -> bool:
    """Whether a percentage is said to be how much the adjusted budget differs from the initial one."""
    return _CHANGED.search(core) is not None


def budget_share(core: str) -> str | None:
    """Of which budget a share is said in such words: "initial", "adjusted", "budget" where its base is not named; None for other words."""
    match = _OF_BUDGET.search(core)
    return (match.lastgroup or "budget") if match else None


def source_of(core: str) -> str:
    """The source of money whose rate the words name: 政府预算资金执行率 is government's; "" for the whole."""
    kind, _ = money_kind(re.sub("(?:预算)?执行率$", "", core))
    return kind if kind in ("government", "special_account", "own", "basic", "project") else ""


def is_foreign(words: str) -> bool:
    """Whether these words name something that is not the department's whole budget."""
    return _FOREIGN.search(words) is not None


def names_another(words: str) -> bool:
    """Whether these words bring up something that is spoken of further: a project, a kind of spending. 年中调增 and 上年 pass with their figure."""
    return _FOREIGN.search(_PASSING.sub("", words)) is not None


def is_own(words: str) -> bool:
    """Whether these words name the department itself."""
    return _OWN.search(words) is not None and not is_foreign(words)


def bare(words: str) -> str:
    """Words without what says nothing of its own in front of a name."""
    return _NEUTRAL.sub("", words)


# ---- the names of a form ----

#: general words at the end of a row's name, and in front of what was done
_GENERAL_TAIL = Pattern("(?:数量?|次数?|人数|人次|场次|户数|件数|个数|面积|长度|里程|规模|总量|总数|情况)$")
_DOING = Pattern("^(?:实际|累计|共计?|组织|举办|实施|已|按计划|计划)+")
_DONE = Pattern("共?(?:开展|举办|组织|实施|进行)了?$")
_JOIN = Pattern("(?:、|和|与|及|以及)$")
_TAIL = "(?:类(?:指标)?|指标)?(?:的?(?:完成|实现)?(?:情况|方面|部分|工作)?)"


def _stems(name: str) -> set[str]:
    """A group's name with and without 管理, 完成, 实现, and 重点任务 for 重点工作任务."""
    stem = re.sub("(?:管理|完成|实现|情况)+$", "", name)
    found = {name, stem + "管理", stem + "完成", stem + "实现", stem} if len(stem) >= 3 else {name}
    return found | {one.replace("工作任务", "任务") for one in found} | {one.replace("工作任务", "工作") for one in found if one != stem}


class Lexicon:
    """The names of a form: rows, groups, parts, tasks."""

    def __init__(self, record: Record) -> None:
        self.form, self.card, self.edition = record.form, record.card, record.edition
        self.names: dict[str, Subject] = {}
        funds = self.edition.funds_part
        for part in self.edition.parts:
            subject = Subject("funds" if funds is not None and part.name == funds.name else "part", part.name, part.name)
            for name in (part.name, *part.also):
                self.names.setdefault(normal(name), subject)
                self.names.setdefault(normal(name).removesuffix("指标"), subject)
        for name in dict.fromkeys(row.part for row in self.form.indicators):
            known = next((part.name for part in self.edition.parts if plain_label(name) in map(plain_label, (part.name, *part.also))), name)
            self.names.setdefault(normal(name), Subject("part", name, known))
        for name in dict.fromkeys(row.group for row in self.form.indicators if row.group):
            for stem in _stems(normal(name)):
                self.names.setdefault(stem, Subject("group", name, name))
        self.rows: dict[str, int] = {}
        for n, row in enumerate(self.form.indicators):
            if row.name:
                self.rows.setdefault(normal(row.name), n)
        for name in [name for name in self.rows if len(name) >= 6 and not re.search("[率度性数量]$", name)]:
            self.rows.setdefault(f"{name}完成率", self.rows[name])
        # 执行率 alone is the funds block's; a row of that name is compared with it by the form's own checks
        self.names |= {name: Subject("row", self.form.indicators[n].name, n) for name, n in self.rows.items() if name not in self.names}
        self.tasks = {normal(name): Subject("task", task.name, n) for n, task in enumerate(self.form.tasks) for name in _task_names(record, task)}

    @cached_property
    def _pattern(self) -> re.Pattern:
        return re.compile("|".join(map(re.escape, sorted(filter(None, self.names), key=len, reverse=True))))

    @cached_property
    def _at_end(self) -> re.Pattern:
        return re.compile(f"(?:{self._pattern.pattern}){_TAIL}$")

    @cached_property
    def _halves(self) -> tuple[re.Pattern, dict[str, list[tuple[str, int]]]]:
        """A pattern for the halves of the rows' names, and whose halves they are: (name, where the half begins in it)."""
        owners: dict[str, list[tuple[str, int]]] = {}
        for name in self.rows:
            if len(name) >= 5:
                for begin, half in ((0, name[: len(name) // 2]), (len(name) // 2, name[len(name) // 2 :])):
                    owners.setdefault(half, []).append((name, begin))
        # looked ahead at, not consumed: halves may overlap
        return re.compile(f"(?=({'|'.join(map(re.escape, sorted(owners, key=len, reverse=True)))}))" if owners else "(?!)"), owners

    def near_misses(self, text: str) -> list[tuple[int, str]]:
        """Places where half of a row's name stands, but not the name: (where the name would begin, the name)."""
        pattern, owners = self._halves
        found = {(match.start() - begin, name) for match in pattern.finditer(text) for name, begin in owners[match[1]]}
        return sorted((start, name) for start, name in found if start >= 0 and len(text) - start >= len(name)
                      and text[start : start + len(name)] not in self.names)

    @cached_property
    def _numbered(self) -> re.Pattern | None:
        names = sorted((name for name in self.names if re.search("[0-9]", name)), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, names))) if names else None

    def without_names(self, found: list[Figure], text: str) -> list[Figure]:
        """Figures that are not part of a name: 2022年人代会…, 第27项工作完成率."""
        if self._numbered is None or not found:
            return found
        spans = [match.span() for match in self._numbered.finditer(text)]
        return [one for one in found if not any(start <= one.start < end for start, end in spans)]

    def mentions(self, text: str) -> list[tuple[int, int, Subject]]:
        """Every name of the form in a text."""
        return [(match.start(), match.end(), self.names[match[0]]) for match in self._pattern.finditer(text)]

    def at_end(self, core: str) -> tuple[list[Subject], str]:
        """The names that the words end in (several joined by 、 or 和, the last one first), and the words in front of them."""
        found: list[Subject] = []
        while match := self._at_end.search(core):
            name = self._pattern.match(match[0])
            found.append(self.names[name[0]])
            core = core[: match.start()]
            joined = _JOIN.search(core)
            if not joined:
                break
            core = core[: joined.start()]
        return found, core

    def by_suffix(self, core: str) -> Subject | None:
        """The one row whose name ends in these words: 细化率 for 专项资金细化率; or which is theirs but for a general word in front."""
        words = bare(core)
        if len(words) < 3 or not re.search("[率度性数量]$", words):
            return None
        rows = [n for name, n in self.rows.items() if name.endswith(words)]
        return Subject("row", self.form.indicators[rows[0]].name, rows[0]) if len(rows) == 1 else None

    def stem(self, n: int) -> str:
        """The name of a row without its last general word: 河道巡查 for 河道巡查次数."""
        return _GENERAL_TAIL.sub("", normal(self.form.indicators[n].name))

    @cached_property
    def _letters(self) -> dict[str, list[tuple[int, str]]]:
        """The letters of a row's name without its last general word, sorted -> the rows, with the unit of their actual."""
        found: dict[str, list[tuple[int, str]]] = {}
        for name, n in self.rows.items():
            row = self.form.indicators[n]
            unit = row.actual.unit or row.target.unit
            if not unit or unit == "%":
                continue
            base = scale(unit)[1]  # 食品抽检批次 in 批次, 电梯检验台数 in 台, 受益农户数 in 户
            stems = {_GENERAL_TAIL.sub("", name), *(name.removesuffix(tail) for tail in (base, f"{base}数", f"{base}数量", "数", "数量"))}
            for stem in stems:
                if len(stem) >= 4:
                    found.setdefault("".join(sorted(stem)), []).append((n, base))
        return found

    def reordered(self, core: str, unit: str) -> Subject | None:
        """The one row that is named in another order or without its last word, and counted in the same unit: 巡查河道45次 for 河道巡查次数."""
        words = bare(core)
        if unit and unit != "%" and (n := self.rows.get(words + scale(unit)[1])) is not None:  # 到馆61.3万人次 for 到馆人次
            base = scale(self.form.indicators[n].actual.unit or self.form.indicators[n].target.unit or "")[1]
            return Subject("row", self.form.indicators[n].name, n) if base == scale(unit)[1] and words else None
        words = words.replace("建成", "建设")
        rows = self._letters.get("".join(sorted(_DONE.sub("", _DOING.sub("", words)))), ()) if len(words) >= 4 and unit and unit != "%" else ()
        same = {n for n, base in rows if base == scale(unit)[1]}
        return Subject("row", self.form.indicators[n].name, n) if len(same) == 1 and (n := same.pop()) is not None else None

    def split_name(self, before: str, lead: str, core: str) -> Subject | None:
        """The row whose name a count parts in two: 部门绩效评价8个，完成率100%."""
        if lead != f"，{core}" and lead != f"、{core}":
            return None
        for name, n in self.rows.items():
            if name.endswith(core) and re.search(f"{re.escape(name.removesuffix(core))}(?:工作|项目)?[0-9]+[个项]$", before):
                return Subject("row", self.form.indicators[n].name, n)
        return None

    def task_in(self, text: str) -> Subject | None:
        """The task that a sentence speaks of."""
        return next((subject for name, subject in sorted(self.tasks.items(), key=lambda pair: -len(pair[0])) if name in text), None)


def _task_names(record: Record, task) -> list[str]:
    """How a report calls a task: by the texts of its line (机要保密局经费); 任务1 and 完成 name none."""
    if task.budget is None and task.executed is None:
        return []
    line = record.grid.rows[task.place.row] if record.grid and 0 <= task.place.row < len(record.grid.rows) else ()
    texts = {"".join(cell.split()) for cell in line if isinstance(cell, str)} | {"".join(task.name.split())}
    return [text for text in texts if 4 <= len(text) <= 30 and not re.search("[0-9]%|^年度主要|[。；]|^任务[0-9]", text)]
