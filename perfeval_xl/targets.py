"""What a 年度指标值 / 实际完成值 says: operator, number, unit, kind; never more than the text says.

The texts come from people: "≥90%", "不低于百分之九十五", "≥ | 95 | %" in three cells, "2021年底", "合理", "各 1 次".
A figure that stands in a sentence, or whose meaning is open, is read as "mixed": it is shown to the user and never scored silently.
Source of the cases: tests/cases/targets.toml; of the grammar: DOMAIN.md section e.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl import dates
from perfeval_xl.dates import DATELIKE, YEAR
from perfeval_xl.numbers import FIGURE, chinese_number, exact, fold, is_error, is_nothing, plain, read_number, shifted, tidy
from perfeval_xl.patterns import Pattern


class Reading(NamedTuple):
    """One 年度指标值 or 实际完成值 as read.

    kind: "quant" a number, "qual" a word, "date", "period", "tolerance" (±10%), "mixed" a number in a sentence, "blank" an empty template,
          "suspect" probably a lost sign (290% for ≥90%), "na" a dash, "text" an explanation or a spreadsheet error
    op: ">=" "<=" ">" "<" "==" "abs<=" "between", for dates "before" "at"; "" a bare number; None where no operator applies
    number: the figure, in unit; None where there is none, or more than one
    unit: as printed, 百分比 as "%"; None where there is none
    text: the cells as printed, joined, without the cells that only say 定性/定量/正向/反向
    high: the upper end of a range, number being the lower one
    date: ISO, partial where the text is: "2021-12-31", "--07-31" (year from the form), "2023-12", "2020-01..2020-11"
    tier: of an 实际完成值 in words: 1 达成预期指标, 2 部分达成, 3 未达成; 0 the words do not say
    """

    kind: str
    op: str | None
    number: Decimal | None
    unit: str | None
    text: str
    high: Decimal | None = None
    date: str | None = None
    tier: int = 0


# ---- the vocabulary, each a piece of a regular expression ----

# Measure words of public forms. Any two may join (人次, 台套, 个月) and 十百千万亿 may stand before;
# what is not here may still be a unit of two characters.
MEASURES = """
    个百分点 万元 元 角 平方公里 平方千米 平方米 立方米 公里 千米 厘米 毫米 米 海里 公顷 亩 公斤 千克 毫克 克 吨 斤 毫升 升
    千瓦时 千瓦 兆瓦 瓦 小时 分钟 工作日 自然日 季度 学期 学年 年度 月度 年 月 周 天 日 时 分 秒 课时 学时
    个 件 项 次 人 名 位 户 家 场 份 条 篇 期 座 台 套 辆 批 本 册 种 处 所 村 镇 乡 县 街道 社区 起 例 株 头 只 张 幅 栋 幢 间
    层 度 级 倍 科 类 门 宗 组 队 班 节 课 堂 架 艘 匹 羽 尾 棵 根 块 片 段 面 部 枚 粒 箱 袋 瓶 桶 盒 车 床 口 眼 孔 盏 点 站 院
    校 园 馆 店 厂 对 双 副 支 把 顶 轮 届 集 款 页 字 令 稿 单 笔 票 案 卷 标段 圈 机组
"""
_LONG_MEASURES = sorted((word for word in MEASURES.split() if len(word) > 1), key=len, reverse=True)
_MEASURE = "|".join(_LONG_MEASURES) + "|[" + "".join(word for word in MEASURES.split() if len(word) == 1) + "]"
# None of these begins or continues a unit: 30余次, 5左右, 3次以上, 2次未完成, 5个和6个.
_CLAUSE = "余多几来约近左右上下不未无没已完达前后内底初末等以超含之其实均全共各每且或及和与至到的为是第仅只"
_PLAIN_CHAR = rf"(?:(?![{_CLAUSE}])[\u4e00-\u9fff])"
_KNOWN = rf"%|‰|百分比|千分比|[十百千万亿]{{0,2}}(?:{_MEASURE}){{1,2}}|[十百千万亿]{{1,2}}"
_LATIN = r"[A-Za-zμµ°℃㎡㎥㎞㎏㎝㎜]{1,5}|[kcdm]?m[23²³]"
_PER = rf"[/每](?:{_PLAIN_CHAR}{{1,4}}|[A-Za-z㎡㎥]{{1,3}}[23²³]?)(?:[、·*/]{_PLAIN_CHAR}{{1,3}})?"
_UNIT = rf"(?:{_KNOWN}|{_LATIN}|{_PLAIN_CHAR}{{1,2}})(?:{_PER})?|{_PER}"

_EXPECTED = r"(?:年初|年度|全年|预计|预期|预定|既定|目标|计划|指标|标准|设定|规定|绩效)*(?:值|数|目标|标准|指标)?"
_NOT = r"不[得能可应宜]?"
_OPERATORS = (
    (">=", rf"≥=?|>=|=>|[大高多]于[或和]?等于|{_NOT}[低少小下]于|至少|最少|最低|达到{_EXPECTED}|达(?=[0-9])"),
    ("<=", rf"≤=?|<=|=<|[小低少]于[或和]?等于|{_NOT}[高大多]于|{_NOT}超过?|至多|最多|最高|控制[在到]"),
    (">", r">|[大高多]于|超过?"),
    ("<", r"<|[小低少]于"),
    ("==", r"==?|等于"),
)
_SIGNS = "≥≤<>="
_OP = "|".join(f"(?:{words})" for _, words in _OPERATORS)
_SURE = r"(?:确保|保证|保持|维持|稳定)?在?|控制(?=[≥≤<>])"  # 确保≥90%, 保持在95%以上: says nothing of its own
# 完成目标95% is left out: it may be a share of the target
_DONE = rf"(?:已经?|均|共|共计|合计|累计|全部|实际|全年)*(?:达到{_EXPECTED}|(?:完成|达到|达|实现)了?|为|是)?:?"
_INCLUSIVE = r"(?P<{}>\((?:不?含)[^()]{{0,8}}\))?"
_SUFFIX = _INCLUSIVE.format("inc1") + r"(?:及其?|或)?(?P<suf>[以之][上下内]|内)" + _INCLUSIVE.format("inc2")
_SIGNED = rf"(?P<sign>[-+−–]?)(?P<fig>{FIGURE})"

_BARE = Pattern(rf"{_SIGNED}(?P<unit>%|‰|)")  # most cells; tried first because it is cheap
_SIGN_OPS = {"≥": ">=", "≥=": ">=", ">=": ">=", "=>": ">=", "≤": "<=", "≤=": "<=", "<=": "<=", "=<": "<=", ">": ">", "<": "<",
             "=": "==", "==": "=="}
_DASH = r"[-−–—]{1,2}|[~至到]"

# What follows a figure is matched by "tail" and "known" alone: a set of Chinese characters takes Python long to compile.
_PATTERNS = {name: Pattern(text) for name, text in {
    "target": rf"(?P<sure>{_SURE})(?P<op>{_OP})?{_SIGNED}(?P<rest>.*)",
    "actual": rf"(?P<sure>){_DONE}(?P<op>{_OP})?{_SIGNED}(?P<rest>.*)",
    "tail": rf"(?P<unit>{_UNIT})?(?:{_SUFFIX})?",
    "known": rf"(?:{_KNOWN})(?:{_PER})?",
    "op": _OP,
    "blank": rf"(?P<op>[{_SIGNS}]+|[大高多小低少]于(?:或?等于)?|{_NOT}[低少小高大多]于|{_NOT}超过|等于)[_Xx×○]*(?P<unit>.*)",
    "noun": r"[^\x00-\x7f]{0,13}(?:率|(?<![制年季月力])度|覆盖|[盖益及]面|比例|占比|比重)[为:]?(?![^\x00-\x7f]*(?:率|度))",
    # 提高满意度5% tells a change, 提高率 is a rate; 知晓率、满意度 are two
    "not a noun": r"(?:提高|提升|增加|增长|上升|下降|降低|减少|压缩|压减|同比|较上年|不足)(?!率|幅度)|[、。…]",
    "about": rf"(?P<lead>各|约为?|大约|大概|近|将近|平均|每.{{0,2}})?{_SIGNED}(?P<unit>.*?)(?P<tail>左右|上下)?",
    "tolerance": rf"(?:[≤=]|<=)?(?:±|\+/?-|正负)(?P<fig>{FIGURE})(?P<unit>.*?)(?:以内|之内)?",
    "range": rf"(?:控制在|保持在|在)?(?P<sign>[-−]?)(?P<low>{FIGURE})(?P<unit1>[^-−–—~至到0-9.,]*)(?:{_DASH})"
             rf"(?P<high>{FIGURE})(?P<unit2>.*?)(?:之间|以内)?",
    "chinese": r"(百|千)分之([零〇一二两三四五六七八九十百点]+|[0-9]+(?:\.[0-9]+)?)",
    # 九成 is 90%; 完成, 建成 and 一成不变 are words
    "tenths": r"(?<![0-9.,])([一二三四五六七八九]|[1-9](?![0-9.,]))成([一二三四五六七八九半]?)(?=以|及|左右|之|或|$)",
    "share": r"分之|半数|[过超]半(?=以|$)|一半|[一二三四五六七八九]成",
    "count": rf"(?P<op>{_OP})?(?P<words>[一二两三四五六七八九十百千万亿零]+)(?P<unit>.+?)(?P<suf>(?:及其?|或)?[以之][上下内])?",
    "figure": r"(?<![0-9A-Za-z.,_])[0-9][0-9.,]*(?<![.,])",
    "filler": r"[.…。·_]+",
    "clauses": r"[,，、;；。:：!？?（(]",
    "nature": r"(定性|文字描述|描述)(?:指标)?|定量(?:指标)?|(正向?|反向?|负向?|逆向)(?:指标)?",
    "worded": rf"[≥≤<>]=?|{_NOT}[低少小高大多]于|{_NOT}超过|[大高低小]于(?:或?等于)?|超过",
}.items()}


@lru_cache(maxsize=4096)
def _operator(words: str) -> str:
    """The operator that a sign or a word stands for, 不低于 before 低于."""
    return next(op for op, spelling in _OPERATORS if re.fullmatch(spelling.replace("(?=[0-9])", ""), words))


# ---- cells to one text ----

_NATURES = frozenset("定文描正反负逆")
_A_FIGURE = Pattern(r"[0-9]")


def _printed(cell: object) -> str:
    """A cell as printed; a numeric cell in its shortest decimal form, a Number by its text."""
    if isinstance(cell, str):
        return tidy(cell)
    if cell is None:
        return ""
    text = getattr(cell, "text", None)
    return tidy(text) if isinstance(text, str) else read_number(cell).text


class _Cells(NamedTuple):
    """The cells of one value, joined: as printed, folded for reading, and what the nature words said."""

    printed: str
    folded: str
    qualitative: bool = False
    default: str = ""
    clash: bool = False
    unit: str | None = None


def _joined(left: str, right: str) -> str:
    # "1" and "2次/月" in two cells are not 12次/月
    return f"{left} {right}" if left[-1:].isdigit() and right[:1] in "0123456789.,-~" and right else left + right


def _no_figure(texts: list[str]) -> bool:
    """Whether the cells before a unit hold a word or nothing, neither a figure nor a lone operator."""
    text = "".join(texts)
    return not _A_FIGURE.search(text) and "分之" not in text and not _PATTERNS["op"].fullmatch(text)


_TAIL_OF_FIGURE = Pattern(r"(?<=[0-9])[^0-9.,\s]+$")


def _once(kept: list[str], folded: list[str]) -> None:
    """A unit that stands in both cells counts once: "95% | %", "10万 | 万人次", "300元 | 元/亩"."""
    said = _TAIL_OF_FIGURE.search(folded[-2])
    if folded[-2].endswith(folded[-1]) and not folded[-1][0].isdigit():
        del kept[-1], folded[-1]
    elif said and folded[-1].startswith(said[0]) and fold(kept[-2]).endswith(said[0]) and len(fold(kept[-2])) == len(kept[-2]):
        kept[-2], folded[-2] = kept[-2][: -len(said[0])], folded[-2][: -len(said[0])]


def _nature(text: str) -> re.Match | None:
    """定性, 定量 or the direction of an indicator, and nothing else."""
    return _PATTERNS["nature"].fullmatch(text) if text[:1] in _NATURES else None


def _join(cells: tuple) -> _Cells:
    texts = [text for text in map(_printed, cells) if text]
    kept, qualitative, default, clash = [], False, "", False
    for text in texts:
        nature = _nature(fold(text))
        if nature:
            qualitative = qualitative or nature[1] is not None
            default = default if not nature[2] else ">=" if nature[2][0] == "正" else "<="
        elif len(texts) == 1 or not is_nothing(text):
            kept.append(text)
    if not kept and len(texts) > 1 and not qualitative and not default:
        kept = texts[:1]  # all dashes
    folded = [fold(text) for text in kept]
    if len(kept) > 1 and folded[0] in _SIGN_OPS and folded[1][0] in _SIGNS:
        # "≥ | ≥90%": the same sign twice is one sign, two different signs are nobody's guess
        clash = not folded[1].startswith(folded[0])
        del kept[0], folded[0]
    if len(kept) > 1:
        _once(kept, folded)
    if len(cells) > 1 and folded and _is_unit(folded[-1]) and _no_figure(folded[:-1]):
        # "完成 | 项", " | 次": the unit column says nothing of a word; alone it is an unfilled row
        unit = folded.pop()
        del kept[-1]
        if not kept:
            return _Cells("", "", unit=_unit(unit))
    printed = text = ""
    for raw, half in zip(kept, folded, strict=True):
        printed, text = _joined(printed, raw), _joined(text, half)
    return _Cells(printed, text, qualitative, default, clash)


_SPACES = Pattern(r"(?<![0-9.,])\s+|\s+(?![0-9.,])")


def _normal(folded: str) -> str:
    """Without stars, without spaces except between two figures, without a full stop at the end."""
    text = folded.replace("★", "").replace("☆", "")
    if " " in text or not text.isprintable():
        text = _SPACES.sub("", text)
    return text.rstrip("。;、")


# ---- reading one text ----

# a multiplier without what it multiplies: 2000万
_UNITLESS = Pattern(r"[十百千万亿]{1,2}")
_NAMING = "级期类度层面点片块部章节条款"  # 二级, 一期: a Chinese numeral before these names more often than it counts
_SUSPECT = Pattern(r"2(?:[1-9][0-9]|100)(?:\.[0-9]+)?")


def _unit(text: str | None) -> str | None:
    if not text:
        return None
    if text in ("百分比", "千分比"):
        return "%" if text == "百分比" else "‰"
    # 620万/月: a bare multiplier before "per" counts money. Source: DOMAIN.md e.3
    return text.replace("万/", "万元/", 1) if text.startswith("万/") else text


def _mixed(text: str, number: Decimal | None = None, unit: str | None = None, op: str | None = None) -> Reading:
    return Reading("mixed", op, number, unit, text)


@lru_cache(maxsize=4096)
def _tail(text: str) -> tuple[str | None, str | None] | None:
    """What follows a figure, as (unit, operator): 次 (次, None), 天以内 (天, <=), %以上(不含) (%, >); None when it is more than that.

    以上 and 以下 include the figure.
    """
    match = _PATTERNS["tail"].fullmatch(text)
    if not match:
        return None
    after = None
    if match["suf"]:
        after = ">=" if "上" in match["suf"] else "<="
        if "不含" in (match["inc1"] or "") + (match["inc2"] or ""):
            after = after[0]
    return _unit(match["unit"]), after


@lru_cache(maxsize=4096)
def _is_unit(text: str) -> bool:
    """Whether the text is a unit of the list, and nothing else."""
    return _PATTERNS["known"].fullmatch(text) is not None


def _both(before: str, after: str | None) -> str | None:
    """The operators before and after a figure as one; None when they contradict (控制在…以上)."""
    if not after:
        return before
    return after if not before else before if before[0] == after[0] else None


def _quantity(match: re.Match, text: str, target: bool) -> Reading | None:
    """A whole text that is [operator] figure [unit] [以上/以内]; None when it is more, or a month, quarter or year."""
    tail = _tail(match["rest"])
    if tail is None:
        return None
    figure, (unit, after) = match["fig"], tail
    before = _operator(match["op"]) if match["op"] else ""
    if unit in ("年", "月", "年度", "季度"):
        if unit[0] == "年" and YEAR.fullmatch(figure):
            return None if not before and after != ">=" else _mixed(text)
        if unit[0] != "年" and not before and not after and len(figure) <= 2:
            return None
    op, number = _both(before, after), exact(match["sign"], figure)
    if number is None or op is None or (match["sure"] and not op):
        return _mixed(text)
    if unit and _UNITLESS.fullmatch(unit):
        return _mixed(text, number, unit, op)
    return _bare(text, figure, number, unit, target) if not op else Reading("quant", op, number, unit, text)


def _bare(text: str, figure: str, number: Decimal, unit: str | None, target: bool) -> Reading:
    """A number without operator; a target of 290% has probably lost the sign of ≥90%, and 2021.12 may be a month."""
    if target and unit == "%" and _SUSPECT.fullmatch(figure):
        return Reading("suspect", None, number, unit, text)
    if unit is None and DATELIKE.fullmatch(figure):
        return _mixed(text)
    return Reading("quant", "", number, unit, text)


def _quick(folded: str, text: str, target: bool) -> Reading | None:
    """The everyday cells: ≥90%, 100%, 5."""
    sign = folded[:2] if folded[:2] in _SIGN_OPS else folded[:1] if folded[:1] in _SIGN_OPS else ""
    match = _BARE.fullmatch(folded, len(sign))
    if not match:
        return None
    number, unit = exact(match["sign"], match["fig"]), match["unit"] or None
    if number is None:
        return _mixed(text)
    return Reading("quant", _SIGN_OPS[sign], number, unit, text) if sign else _bare(text, match["fig"], number, unit, target)


def _fractions(text: str) -> str:
    """百分之九十五 as 95%, 千分之三 as 3‰, 九成五 as 95%."""
    def figure(match: re.Match) -> str:
        sign = "%" if match[1] == "百" else "‰"
        if match[2][0].isdigit():
            return match[2] + sign
        value = Decimal(100) if match[2] == "百" else chinese_number(match[2])
        return match[0] if value is None else plain(value) + sign

    if "成" in text:
        text = _PATTERNS["tenths"].sub(_tenths, text)
    return _PATTERNS["chinese"].sub(figure, text) if "分之" in text else text


def _tenths(match: re.Match) -> str:
    tens, rest = (mark if mark.isdigit() else 5 if mark == "半" else chinese_number(mark or "零") for mark in match.groups())
    return f"{tens}{rest}%"


def _tolerance(text: str, printed: str) -> Reading | None:
    match = _PATTERNS["tolerance"].fullmatch(text)
    tail = _tail(match["unit"]) if match else None
    number = exact("", match["fig"]) if tail and not tail[1] else None
    return None if number is None else Reading("tolerance", "abs<=", number, tail[0], printed)


def _range(text: str, printed: str) -> Reading | None:
    match = _PATTERNS["range"].fullmatch(text)
    tail = _tail(match["unit2"]) if match else None
    if not tail or tail[1]:
        return None
    low, high, unit = exact(match["sign"], match["low"]), exact("", match["high"]), tail[0]
    if low is None or high is None or low >= high or (match["unit1"] and _unit(match["unit1"]) != unit):
        return _mixed(printed)
    if unit is None and YEAR.fullmatch(match["low"]) and YEAR.fullmatch(match["high"]):
        return _mixed(printed)
    return Reading("quant", "between", low, unit, printed, high=high)


def _about(text: str, printed: str) -> Reading | None:
    """约95%, 95%左右, 各1次: one figure, but not exactly that."""
    match = _PATTERNS["about"].fullmatch(text)
    if not match or not (match["lead"] or match["tail"]) or (match["unit"] and not _is_unit(match["unit"])):
        return None
    return _mixed(printed, exact(match["sign"], match["fig"]), _unit(match["unit"]), "")


def _named(text: str, printed: str, target: bool) -> Reading | None:
    """满意度≥90%, 达标率100%: the name of a rate before its value."""
    match = _PATTERNS["noun"].match(text)
    if not match or _PATTERNS["not a noun"].search(match[0]):
        return None
    rest = text[match.end() :]
    found = _PATTERNS["target" if target else "actual"].fullmatch(rest)
    reading = _quantity(found, printed, target) if found else _range(rest, printed)
    return reading if reading and (reading.op or reading.unit in ("%", "‰")) else None


def _sentence(text: str, printed: str) -> Reading:
    """A figure inside other words: shown, never scored. With several figures none is named."""
    figures = list(_PATTERNS["figure"].finditer(text))
    if not text.isascii() and any(not mark.isascii() and mark.isdigit() for mark in text):  # 5², 第①次
        return _mixed(printed)
    if len(figures) != 1 or not re.fullmatch(FIGURE, figures[0][0]) or len(re.findall(r"[0-9.,]*[0-9][0-9.,]*", text)) != 1:
        return _mixed(printed)
    unit = _PATTERNS["known"].match(text, figures[0].end())
    if unit and unit[0].startswith("年") and YEAR.fullmatch(figures[0][0]):
        return _mixed(printed)
    number = exact("", figures[0][0])
    return _mixed(printed, number, _unit(unit[0]) if unit and number is not None else None)


# ---- dates ----


def _date(text: str, printed: str, target: bool) -> Reading | None:
    """2021年12月31日, 7月31日前, 年底前; 2021年1-12月, 2021年."""
    found = dates.read_date(text, target) or dates.read_period(text)
    return Reading(found.kind, found.op, None, None, printed, date=found.iso) if found else None


# ---- words ----

_REACH = r"(?:达成|完成|达标|实现|达到|落实|执行到位)"
_GOAL = r"(?:年初|年度|预期|预定|预计|既定|绩效|全年|计划|设定|总体|工作|各项|全部|[的了])*(?:指标|目标|任务|要求|效果|标准|值|工作|计划)*"
_THEN = r"(?:,?[并且但][^0-9]{1,12})?"
_WHAT = r"(?:各项|工作|指标|目标|任务|年度|预期)*"
_HOW = r"(?:已经?|均|都|全部|全面|完全|按时|按期|如期|及时|按计划|按要求|圆满|顺利|超额|保质保量)*"
_PARTLY = r"(?:部分|基本上?|大部分|较大部分|绝大部分|大体上?|大致|初步)"
_TIERS = (
    (3, Pattern(rf"否|{_WHAT}(?:[已均都还尚暂]*未|[都还尚]*没有?|不)(?:能|曾)?{_REACH}{_GOAL}{_THEN}")),
    (2, Pattern(rf"{_WHAT}(?:已经?|均)?{_PARTLY}(?:指标|目标|任务|工作)?{_REACH}{_GOAL}{_THEN}")),
    (1, Pattern(rf"是|{_WHAT}{_HOW}{_REACH}{_GOAL}")),
)


def _tier(text: str) -> int:
    """1 达成, 2 部分达成, 3 未达成, 0 the words do not say. Source: 财预〔2020〕10号, three tiers; how words fall into them: 本工具约定."""
    return next((tier for tier, words in _TIERS if words.fullmatch(text)), 0)


_CHINESE_FIGURES = frozenset("一二两三四五六七八九十百千万亿零")


def _words(text: str, printed: str, target: bool) -> Reading:
    """A text without a figure."""
    if not text.isalpha() and any(map(str.isdigit, text)):  # ① or ٥: a figure we refuse to read
        return _mixed(printed)
    if text[0] in "年当本今不早截":
        date = dates.read_date(text, target)
        if date and date.kind == "date":  # 年底前
            return Reading("date", date.op, None, None, printed, date=date.iso)
    count = None if _CHINESE_FIGURES.isdisjoint(text) else _PATTERNS["count"].fullmatch(text)
    if count and _is_unit(count["unit"]) and (count["op"] or count["unit"] not in _NAMING):
        return _counted(count, printed)
    if text in ("%", "‰"):
        return Reading("blank", None, None, text, printed)
    blank = _PATTERNS["blank"].fullmatch(text) if text[0] in _SIGNS or text[0] in "大高多小低少不等" else None
    if blank and (not blank["unit"] or _is_unit(blank["unit"])):
        sign = blank["op"]
        op = _SIGN_OPS.get(sign) if sign[0] in _SIGNS else _operator(sign)
        return Reading("blank", op, None, _unit(blank["unit"]), printed)
    if target:
        if ("分" in text or "半" in text or "成" in text) and _PATTERNS["share"].search(text):
            return _mixed(printed)  # 三分之二以上, 过半: a share that is no word, and no figure that can be held against one
        worded = None if _COMPARING.isdisjoint(text) else _PATTERNS["worded"].search(text)
        return Reading("qual", _operator(worded[0]) if worded else None, None, None, printed)
    tier = _tier(text)
    if not tier and (len(text) > 10 or _PATTERNS["clauses"].search(text)):
        return Reading("text", None, None, None, printed)
    return Reading("qual", None, None, None, printed, tier=tier)


#: one of these stands in all words that compare
_COMPARING = frozenset("≥≤<>低少小高大多超")


def _counted(match: re.Match, printed: str) -> Reading:
    """不少于三次 is a count; 三次 or 二级 alone may be a name, so the user is asked."""
    number, op = chinese_number(match["words"]), _operator(match["op"]) if match["op"] else ""
    if match["suf"]:
        op = _both(op, ">=" if "上" in match["suf"] else "<=")
    grade = match["unit"] in _NAMING or (match["op"] or "").startswith("达")  # 达到二级
    if number is None or not op or grade:
        return _mixed(printed, number, match["unit"] if number is not None else None, op)
    return Reading("quant", op, number, match["unit"], printed)


# ---- the grammar, in order ----

_LONGEST = 120  # no value is longer; an essay pasted into the cell must cost nothing


def _no_words(text: str) -> str | None:
    """The kind of a cell that holds filler, a dash or a spreadsheet error; None for anything else."""
    if not text or _PATTERNS["filler"].fullmatch(text):
        return "blank"
    return "na" if is_nothing(text) else "text" if is_error(text) else None


def _parse(folded: str, printed: str, target: bool) -> Reading:
    text = _normal(folded)
    if not text or text[0] < "一" or text[0] == "无":  # 合理 needs none of these questions
        kind = _no_words(text)
        if kind:
            return Reading(kind, None, None, None, printed)
    if len(text) > _LONGEST:
        return _mixed(printed) if any(map(str.isdigit, text)) else Reading("qual" if target else "text", None, None, None, printed)
    text = _fractions(text)
    if not _A_FIGURE.search(text):
        return _words(text, printed, target)
    match = _PATTERNS["target" if target else "actual"].fullmatch(text)
    return (
        (_quantity(match, printed, target) if match else None)
        or _tolerance(text, printed)
        or _date(text, printed, target)
        or _range(text, printed)
        or _about(text, printed)
        or _named(text, printed, target)
        or _sentence(text, printed)
    )


def _of_number(cell: float, target: bool) -> Reading:
    number = read_number(cell)
    if number.value is None:
        return Reading("text", None, None, None, number.text)
    return _bare(number.text, number.text.lstrip("-"), number.value, None, target)


def _of_day(cell: object) -> Reading:
    return Reading("date", "at", None, None, read_number(cell).text, date=f"{cell.year:04}-{cell.month:02}-{cell.day:02}")


def _alone(cells: tuple, target: bool) -> Reading | None:
    """A single cell that holds a number or a date, not a text; other cells empty."""
    filled = [cell for cell in cells if cell is not None and cell != ""]
    if len(filled) != 1 or isinstance(filled[0], str) or hasattr(filled[0], "text"):
        return None
    if isinstance(filled[0], (int, float, Decimal)):
        return _of_number(filled[0], target)  # TRUE is an int to Python, and no number to read_number
    return _of_day(filled[0]) if hasattr(filled[0], "isoformat") and hasattr(filled[0], "year") else None


def _read(cells: tuple, target: bool) -> Reading:
    if len(cells) == 1 and isinstance(cells[0], str):
        printed = tidy(cells[0])
        folded = fold(printed)
        reading = _quick(folded, printed, target)
        if reading or not _nature(folded):
            return reading or _parse(folded, printed, target)
    reading = _alone(cells, target)
    if reading:
        return reading
    joined = _join(cells)
    if not joined.folded:
        return Reading("blank", joined.default or None, None, joined.unit, "")
    reading = _quick(joined.folded, joined.printed, target) or _parse(joined.folded, joined.printed, target)
    if joined.clash or (joined.qualitative and reading.number is not None):
        return _mixed(joined.printed)
    return reading._replace(op=joined.default) if joined.default and reading.kind == "quant" and reading.op == "" else reading


@lru_cache(maxsize=16384, typed=True)
def read_target(*cells: object) -> Reading:
    """What an 年度指标值 asks for. Never raises on any value a grid can hold.

    cells: one to three, in the order sign | number | unit; each a text, a number, None, a date, or a Number (percent-formatted cell).
    A cell that only says 定量 is passed over; 定性 makes a word of it; 正向/反向 is >= / <= where the number has no sign of its own.
    Source: DOMAIN.md e (published forms) and 本工具约定.
    """
    return _read(cells, True)


@lru_cache(maxsize=16384, typed=True)
def read_actual(*cells: object) -> Reading:
    """What an 实际完成值 says was done. Never raises on any value a grid can hold.

    cells: the value, then its unit where the form has a column for it. 已完成/实际达到 before a number is passed over;
    a sign that was copied from the target stays in op. An explanation typed into the cell is "text", a short word "qual" with its tier.
    Source: DOMAIN.md e (published forms) and 本工具约定.
    """
    return _read(cells, False)


# ---- two readings side by side ----

_POWERS = {"十": 1, "百": 2, "千": 3, "万": 4, "亿": 8, "": 0}
#: other names of one unit, with the power of ten between them
_SAME = {
    "名": (0, "人"), "位": (0, "人"),
    "公里": (3, "米"), "千米": (3, "米"), "km": (3, "米"),
    "吨": (3, "公斤"), "千克": (0, "公斤"), "kg": (0, "公斤"), "克": (-3, "公斤"),
    "㎡": (0, "平方米"), "m2": (0, "平方米"), "m²": (0, "平方米"), "公顷": (4, "平方米"), "平方公里": (6, "平方米"), "平方千米": (6, "平方米"),
    "㎥": (0, "立方米"), "m3": (0, "立方米"), "m³": (0, "立方米"),
}
_HALF = 50
_MULTIPLIED = Pattern(r"([十百千万亿]{0,2})(.*)", re.DOTALL)


@lru_cache(maxsize=4096)
def scale(unit: str) -> tuple[int, str]:
    """A unit as a power of ten and its base: 万元 (4, 元), ‰ (-3, 比), 名 (0, 人), 公里 (3, 米). Source: 本工具约定."""
    if unit in ("%", "‰"):
        return (-2 if unit == "%" else -3), "比"
    # on a yearly form 2次/年 is 2次
    multiplier, base = _MULTIPLIED.fullmatch(unit.removesuffix("/年")).groups()
    if unit in _SAME:  # 千米, 千克: no thousands of something
        return _SAME[unit]
    power, base = _SAME.get(base, (0, base))
    return sum(_POWERS[mark] for mark in multiplier) + power, base


_MULTIPLE = Pattern(rf"{FIGURE}[十百千万亿]{{1,2}}")


def in_units_of(target: Reading, actual: Reading) -> Reading:
    """12万 against ≥10万人次 is 12万人次: the target says what is counted. Any other actual is handed back as it is. Source: 本工具约定."""
    if actual.kind != "mixed" or target.kind != "quant" or not target.unit or target.unit in ("%", "‰") or not actual.unit:
        return actual
    base = _MULTIPLIED.fullmatch(target.unit)[2]
    if not base or not _MULTIPLE.fullmatch(_normal(fold(actual.text))):
        return actual
    return actual._replace(kind="quant", op="", unit=actual.unit + base)


def _one_number(target: Reading, actual: Reading) -> bool:
    return (
        target.kind in ("quant", "tolerance", "suspect") and target.number is not None
        and actual.kind == "quant" and actual.number is not None and actual.high is None
    )


def is_open_fraction(target: Reading, actual: Reading) -> bool:
    """Whether one side is in % or ‰ and the other a bare figure up to 1: 0.95 against ≥90% may be 95% or 0.95%; the user has to say.

    A target that is itself no larger than 1 (≤0.9‰) shows the scale, so nothing is open. Against one of half or more a figure below 2 is open
    as well: 1.05 against ≤100% may be 105%.
    """
    if not _one_number(target, actual):
        return False
    if actual.unit is None and target.unit in ("%", "‰"):
        return 0 < abs(actual.number) <= 1 < abs(target.number) or (1 < abs(actual.number) < 2 and abs(target.number) >= _HALF)
    return target.unit is None and actual.unit in ("%", "‰") and 0 < abs(target.number) <= 1


def comparable(target: Reading, actual: Reading) -> Decimal | None:
    """The number of the 实际完成值 in the unit of the 年度指标值; None when the two cannot be compared.

    Same unit (人 名 位 are one unit, 次 and 场 are not), multipliers 十百千万亿 before the same unit (元, 万元), % and ‰.
    A side without unit takes the unit of the other, except in the open case of is_open_fraction. Source: 本工具约定.
    """
    if not _one_number(target, actual):
        return None
    if target.unit == actual.unit:
        return actual.number
    if target.unit is None or actual.unit is None:
        return None if is_open_fraction(target, actual) else actual.number
    (power, base), (power2, base2) = scale(target.unit), scale(actual.unit)
    return shifted(actual.number, power2 - power) if base == base2 and base else None


def due(reading: Reading, year: int | None) -> tuple[int, int, int] | None:
    """The last day that is on time for a target of kind date or period, as (year, month, day); None when the year is not known.

    year: of the form. A month alone runs to its last day, a year alone to 31 December. Source: 本工具约定.
    """
    return dates.last_day(reading.date, year)


def happened(reading: Reading, year: int | None) -> tuple[int, int, int] | None:
    """The day an 实际完成值 of kind date or period tells, as (year, month, day); None when the year is not known.

    A month alone counts as its first day, so that it is on time for a target in the same month. Source: 本工具约定.
    """
    return dates.first_day(reading.date, year)
