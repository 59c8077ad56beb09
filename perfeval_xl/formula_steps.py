"""The hidden columns of the macro-free form: the 年度指标值 and 实际完成值 of a row taken apart by formulas, down to the share that is earned.

Each step is one short formula on the steps before it. Together they read the grammar of ``targets`` as far as people use it; a text outside it is
left to a person (请人工评分), never guessed at. Whatever they decide is what ``scoring`` decides. Source of the grammar: DOMAIN.md section e.
"""

import sys
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from perfeval_xl.edition import Edition
from perfeval_xl.scoring import EMPTY_WORDS, FEWER, HANDLED, RESERVED
from perfeval_xl.targets import MEASURES

#: the hidden sheet of lists
SHEET = "_计算"
#: what a step says of a text that is no number: nothing stands there, a word, or something a person has to read
EMPTY, WORD, OPEN = "空", "词", "？"


class Step(NamedTuple):
    """A hidden column: its key, and what it holds."""

    key: str
    meaning: str


_READ = (("said", "原文，数字半角，换行成空格"), ("half", "符号半角"), ("clean", "“百分之九十五”写成 95%"), ("first", "第一个数字的位置"),
         ("marked", "^ 开头（名称后也有），# 数字前，$ 结尾；没有空格"), ("joined", "“以上”等换成符号"), ("noun", "数前面的名称，如“满意度”"),
         ("words", "名称后的部分，“不低于”等换成符号"), ("sign", "符号"), ("rest", "符号后的部分，区间只留上限"), ("body", "“三次”写成 3次"),
         ("unit", "单位"), ("figure", "数的写法"), ("digits", "数的写法，没有逗号和正负号"),
         ("base", "单位去掉十百千万亿"), ("place", "0 没有单位，1 %，2 ‰，3 认识的单位，-1 不认识"),
         ("value", f"数；或{EMPTY}、{WORD}、{OPEN}（看不懂）"))
_DATED = (("date", "日期的写法"), ("span", "时段换成它的末日"), ("year", "年"), ("month", "月"), ("after", "月份后的部分"),
          ("count", "日有几位"), ("day", "日期（从 1900 年起的天数）"))
_SIDES = (("t", "年度指标值"), ("a", "实际完成值"))
#: what an actual never is: a count in Chinese numerals, a period
_TARGET_ONLY = frozenset(("a_body", "a_span"))
STEPS = (*(Step(f"{side}_{key}", f"{what}：{meaning}") for side, what in _SIDES for key, meaning in _READ if f"{side}_{key}" not in _TARGET_ONLY),
         Step("t_from", "年度指标值：区间下限的写法"), Step("t_low", f"年度指标值：区间的下限；{OPEN} 看不懂"),
         *(Step(f"{side}_{key}", f"{what}：{meaning}") for side, what in _SIDES for key, meaning in _DATED if f"{side}_{key}" not in _TARGET_ONLY),
         Step("fewer", "没有符号时是否越少越好（1 是）"), Step("reached", f"换算成指标值单位的完成值；{OPEN} 不能比较"),
         Step("share", f"得分占分值的比例；{OPEN} 由人工评分"))

# ---- the vocabulary: what the steps replace, and which units they know ----

_SIGNS = "≥≤<>="
_DIGITS = "0123456789"
_WIDTH = (*((chr(0xFF10 + n), str(n)) for n in range(10)),
          *((space, " ") for space in "　\u00a0\n\r\t"), *((mark, "") for mark in "★☆\u200b\ufeff"))
_ALIKE = (*zip("．，；％﹪＞﹥＜﹤＝﹦═≧⩾≦⩽（）－−–～：／＋", ".,;%%>><<===≥≥≤≤()---~:/+", strict=True), *((mark, OPEN) for mark in "^$#§¤＾＄＃"),
          ("百分比", "%"), ("千分比", "‰"), ("万/", "万元/"), ("+/-", "±"), ("正负", "±"))
#: endings of the name of a rate, which may stand before its value: 满意度≥90%, 覆盖率达到95%
_NAMES = ("率", "度", "覆盖", "盖面", "益面", "及面", "比例", "占比", "比重")
_NO_NAME = tuple(f"{mark}度" for mark in "制年季月力")
#: a change is no rate: 提高满意度5%
_CHANGES = ("提高", "提升", "增加", "增长", "上升", "下降", "降低", "减少", "压缩", "压减", "同比", "较上年", "不足", "、", "。", "…", *_SIGNS)
#: 确保…以上 says nothing of its own, and nothing without its sign
_SURE = ("确保", "保证", "保持", "维持", "稳定", "在")
#: what an actual may say before its figure without meaning anything by it
#: shares in words: no word that is reached or not, and no figure either
_SHARES = ("半数", "过半以", "一半", *(f"{numeral}成" for numeral in "一二三四五六七八九"))
_DONE_WORDS = ("已经", "已", "均", "实际", "全年", "全部", "累计", "合计", "共计", "共", "完成", "达到目标值", "达到预计值", "达到", "达",
               "实现", "为", ":")
#: words that stand for a sign in front of a figure. ⊕ ⊖ ⊜ stand for 大于 小于 等于 until it is clear whether 不 or 或等于 goes with them
_BEFORE = (*((f"不{may}", "不") for may in "得能可应宜"), *((f"{word}于", "⊕") for word in "大高多"), *((f"{word}于", "⊖") for word in "小低少"),
           ("或等于", "⊜"), ("和等于", "⊜"), ("等于", "⊜"), ("⊕⊜", "≥"), ("⊖⊜", "≤"), ("不⊖", "≥"), ("不⊕", "≤"), ("不下于", "≥"),
           ("不超过", "≤"), ("不超", "≤"), ("超过", ">"), ("超", ">"), ("至少", "≥"), ("最少", "≥"), ("最低", "≥"), ("至多", "≤"), ("最多", "≤"),
           ("最高", "≤"), ("控制在", "≤"), ("控制到", "≤"), *((f"达到{what}", "≥") for what in ("目标值", "预计值", "预期值", "指标值", "")),
           ("达#", "≥#"), ("⊕", ">"), ("⊖", "<"), ("⊜", "="), (">=", "≥"), ("=>", "≥"), ("≥=", "≥"), ("<=", "≤"), ("=<", "≤"), ("≤=", "≤"),
           ("==", "="))
#: and behind it; ¤ and ! are （含…） and （不含…）
_BEHIND = (*((f"{joint}以", "以") for joint in ("及其", "及", "或其", "或")), *((f"之{end}$", f"以{end}$") for end in "上下内"),
           ("¤以", "以"), ("¤$", "$"), ("!以上$", ">$"), ("以上!$", ">$"), ("!以下$", "<$"), ("以下!$", "<$"),
           ("以上$", "≥$"), ("以下$", "≤$"), ("以内$", "≤$"), ("内$", "≤$"))
_NOTHING = ("-", "--", "—", "——", "/", "\\", "*", "无", "@@@")
_QUALITATIVE = ("定性", "定性指标", "文字描述", "文字描述指标", "描述", "描述指标")
_NATURE = (*_QUALITATIVE, "定量", "定量指标")
_NUMERALS = "一二两三四五六七八九十百千万亿零"
#: a Chinese numeral before these names more often than it counts: 二级, 一期
_NAMING = "级期类度层面点片块部章节条款"
#: 12月 may be a month, and 2021年度 is a year
_CALENDAR = ("月", "季度", "年度")
_MONTHS = (*map(str, range(1, 13)), *(f"0{n}" for n in range(1, 10)))
_LATIN = ("km", "m", "cm", "mm", "kg", "g", "mg", "t", "L", "ml", "mL", "h", "min", "s", "dB", "kW", "kWh", "MW", "GB", "TB", "MB", "Mbps", "°", "℃",
          "㎡", "㎥", "㎞", "㎏", "㎝", "㎜")
#: a word that says more or less than the whole; in both texts, for the target's own word to be all of it
_TIERED = (*"未没否不", "部分", "基本", "大体", "大致", "初步")
_REACHED = ("达成", "完成", "达标", "实现", "达到", "落实", "执行到位")
#: brackets, quotes and colons, which a comparison of words drops
_MARKED = ":()“”‘’'[]《》「」【】"
_FINISHED = ("完成", "竣工", "完工", "建成", "交付", "验收", "投入", "使用", "结束", "办结", "支付", "拨付", "达到", "达标",
             "到位", "实现", "上线", "发放", "开工")
_UNDONE = (*"未没无不尚停延推或和、,", "取消", "力争", "左右")
#: no value is longer
_LONGEST = 120
_WHOLE = 99


def _chinese(number: int) -> str:
    digits, (tens, ones) = "零一二三四五六七八九", divmod(number, 10)
    if number < 10:
        return digits[number]
    return "一百" if number == 100 else f"{digits[tens] if tens > 1 else ''}十{digits[ones] if ones else ''}"


@cache
def units() -> tuple[str, ...]:
    """The units that the formulas know: the measure words of ``targets`` and a few metric ones. Any two Chinese ones may join (人次),
    十百千万亿 may stand before, and another behind a stroke (元/平方米)."""
    return (*dict.fromkeys(MEASURES.split()), *_LATIN)


def _odd_digits() -> str:
    """Every character that is a digit of some kind: ① and ² are figures that nobody should score as words."""
    return "".join(chr(code) for code in range(128, min(sys.maxunicode, 0xFFFF) + 1) if chr(code).isdigit()) + _DIGITS


def _bars(words: Iterable[str]) -> str:
    """Words as one text in which each is found whole: ¦甲¦乙¦."""
    return f"¦{'¦'.join(words)}¦"


class Words(NamedTuple):
    """A column of the hidden sheet: its heading, the name by which formulas call it, and what stands below the heading."""

    heading: str
    name: str
    content: tuple


@cache
def lists() -> tuple[Words, ...]:
    """The hidden sheet, column by column."""
    return (Words("单位", "calc_units", (_bars(dict.fromkeys(MEASURES.split())),)), Words("公制单位", "calc_metric", (_bars(_LATIN),)),
            Words("不算原因的话", "calc_no_reasons", (_bars(sorted(EMPTY_WORDS - {""})),)),
            Words("各种数字", "calc_digits", (_odd_digits(),)), Words("半角字符", "calc_latin", ("".join(map(chr, range(33, 127))),)),
            Words("位置", "calc_places", tuple(range(1, _LONGEST + 1))),
            Words("中文数", "calc_numerals", (*map(_chinese, range(101)), "百")), Words("值", "calc_values", tuple(range(102))))


# ---- pieces of formulas ----


def quoted(word: str) -> str:
    """A text as a formula writes it."""
    return f"CHAR({ord(word)})" if word in ("\n", "\r", "\t") else f'"{word}"'


def swapped(value: str, pairs: Iterable[tuple[str, str]]) -> str:
    """A text in which words are replaced, one after the other."""
    for old, new in pairs:
        value = f"SUBSTITUTE({value},{quoted(old)},{quoted(new)})"
    return value


def array(values: Iterable) -> str:
    """A list of constants."""
    return "{" + ",".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values) + "}"


def holds(value: str, words: Iterable[str]) -> str:
    """Whether a text holds one of the words."""
    return f"SUMPRODUCT(--ISNUMBER(FIND({array(words)},{value})))>0"


def is_one_of(value: str, words: Iterable[str] | str) -> str:
    """Whether a text is one of the words. MATCH would take * and ? for any text."""
    return f'ISNUMBER(FIND("¦"&{value}&"¦",{words if isinstance(words, str) else quoted(_bars(words))}))'


def says_nothing(cell: str) -> str:
    """Whether what stands under reasons is none."""
    return f'OR(LEN(TRIM({cell}))=0,{is_one_of(f"TRIM({cell})", _NOTHING)},{is_one_of(f"TRIM({cell})", "calc_no_reasons")})'


def half_up(value: str, places: int) -> str:
    """A figure rounded half up; first to twelve decimals, which gives the decimal digit back that a binary quotient lost."""
    return f"ROUND(ROUND({value},12),{places})"


def _without(value: str, marks: str) -> str:
    return swapped(value, ((mark, "") for mark in marks))


def _starts(value: str, marks: str) -> str:
    """Whether a text begins with one of the characters; a blank one does not."""
    return f'ISNUMBER(FIND(LEFT({value}&" ",1),"{marks}"))'


def _said(cell: str) -> str:
    """What a cell shows: a percentage with its sign, a day as 2022-7-30 where the program tells its format; TRUE, an error and a number that may
    be that of a day are nobody's figure."""
    shown, day = f'CELL("format",{cell})', f'YEAR({cell})&"-"&MONTH({cell})&"-"&DAY({cell})'
    number = f'IF(AND({cell}=INT({cell}),{cell}>36525,{cell}<55153),"{OPEN}",{cell}&"")'
    dated = is_one_of(f"LEFT({shown},2)", ("D1", "D2", "D3", "D4", "D5"))
    return (f'IF(ISNUMBER({cell}),IF(LEFT({shown},1)="P",{cell}*100&"%",IF({dated},{day},{number})),'
            f'IF(AND(NOT(ISTEXT({cell})),LEN({cell})>0),"{OPEN}",{cell}&""))')


def _in_two_cells(target: str, unit: str) -> str:
    """A target in two cells as one text. What only says 定性 or 定量, a dash, and a unit that says nothing of a word are no part of it."""
    figure = holds(target, (*_DIGITS, *_SIGNS, *"０１２３４５６７８９％＞＜＝%", "于", "超", "至", "最", "达", "控制", "分之"))
    only = f"TRIM({unit})"
    words = f'AND(LEN(TRIM({target}))>0,NOT({figure}),{is_one_of(only, "calc_units")})'
    again = f'AND(RIGHT(TRIM({target}),LEN(TRIM({unit})))=TRIM({unit}),NOT({_starts(f"TRIM({unit})", _DIGITS)}))'
    twice = f'AND({is_one_of(f"TRIM({target})", tuple(_SIGNS))},LEFT(TRIM({unit}),1)=TRIM({target}))'
    parts = (f'IF(OR({is_one_of(f"TRIM({target})", (*_NOTHING, *_NATURE))},{twice}),"",{_said(target)})',
             f'IF(ISNUMBER({unit}),{_said(unit)},IF(OR({is_one_of(f"TRIM({unit})", (*_NOTHING, *_NATURE))},{again},{words}),"",{_said(unit)}))')
    return '&" "&'.join(parts)


# ---- reading one text ----


def _reading(at: dict[str, str], side: str, said: str, split: tuple[str, str] | None) -> dict[str, str]:
    """The steps that read a 年度指标值 ("t") or an 实际完成值 ("a"). ``split``: its two cells, where it has two."""
    clean, joined, words, sign, body, unit = (at[f"{side}_{key}"] for key in ("clean", "joined", "words", "sign", "body", "unit"))
    ends = (f'IF({_starts(words, _SIGNS + "±" * (side == "t"))},LEFT({words},1),"")',
            f'IF(AND(LEN({words})>1,{_starts(f"RIGHT({words},1)", "≥≤<>")}),RIGHT({words},1),"")')
    rest, upper = f"MID({words},1+LEN({ends[0]}),LEN({words})-LEN({sign}))", f'FIND("~",{words})'
    if side == "t":
        rest = f'IF(ISNUMBER({upper}),SUBSTITUTE(MID({words},{upper}+1,{_WHOLE}),"之间",""),{rest})'
    return {
        "said": f'IFERROR(TRIM({swapped(said, _WIDTH)}),"{OPEN}")',
        "half": swapped(at[f"{side}_said"], _ALIKE),
        "clean": _tenths(at[f"{side}_half"], _fraction_in_words(at[f"{side}_half"])),
        "first": f'SUMPRODUCT(MIN(FIND({array(_DIGITS)},{clean}&"{_DIGITS}")))',
        "marked": _marked(at, side),
        "joined": _joined(at, side),
        "noun": f'IFERROR(MID({joined},2,FIND("§",SUBSTITUTE({joined},"^","§",LEN({joined})-LEN(SUBSTITUTE({joined},"^",""))))-2),"")',
        "words": f"""TRIM(RIGHT(SUBSTITUTE({swapped(joined, (*_BEFORE, ("#", ""), ("$", "")))},"^",REPT(" ",{_LONGEST})),{_LONGEST}))""",
        "sign": "&".join(ends),
        "rest": rest,
        "body": _counted(at, split),
        "unit": _without(body, _DIGITS + ".,-+"),
        "figure": f"LEFT({body},LEN({body})-LEN({unit}))",
        "digits": _without(at[f"{side}_figure"], ",-+"),
        "base": _base(unit),
        "place": _known(unit, at[f"{side}_base"], 4 if side == "a" else -1),
        "value": _value(at, side, split),
    }


def _numeral(text: str) -> str:
    """The value of the longest Chinese numeral up to 百 with which a text begins: what begins with 九十五 begins with 九 too."""
    return f"SUMPRODUCT(MAX((LEFT({text},LEN(calc_numerals))=calc_numerals)*calc_values))"


def _fraction_in_words(half: str) -> str:
    """百分之九十五 as 95%, 千分之三 as 3‰; a numeral that goes on (九十五点五) stays as it is."""
    at, after = f'FIND("分之",{half})', f'MID({half},FIND("分之",{half})+2,{_WHOLE})'
    value = _numeral(after)
    tail = f"MID({after},LEN(INDEX(calc_numerals,{value}+1))+1,{_WHOLE})"
    mark = f'MID("%‰",FIND(MID({half},{at}-1,1),"百千"),1)'
    whole = f"LEFT({half},{at}-2)&MIN({value},100)&{mark}&{tail}"
    return f'IF(ISNUMBER({at}),IFERROR(IF(OR({value}=0,{_starts(tail, _NUMERALS + "点")}),{half},{whole}),{half}),{half})'


def _tenths(half: str, otherwise: str) -> str:
    """九成 and 九成以上 as 90% and 90%以上; 完成, 一成不变 and 九成五 stay as they are."""
    at = f'FIND("成",{half})'
    value, tail = f'FIND(MID({half},{at}-1,1),"一二三四五六七八九")', f"MID({half},{at}+1,{_WHOLE})"
    ends = f'AND(MID({half},{at}-1,1)<>"",OR({tail}="",{_starts(tail, "以及左右之或")}))'
    return f'IF(ISNUMBER({at}),IFERROR(IF({ends},LEFT({half},{at}-2)&{value}&"0%"&{tail},{half}),{half}),{otherwise})'


def _marked(at: dict[str, str], side: str) -> str:
    """The text with ^ # $, its spaces gone; a space between two figures is kept from joining them."""
    clean, first, places = at[f"{side}_clean"], at[f"{side}_first"], "calc_places"
    near = [f'ISNUMBER(FIND(MID({clean},{places}{shift},1),"{_DIGITS}.,"))' for shift in ("", "+2")]
    # MID beyond the end is blank, which FIND finds anywhere; a text that was trimmed has no space there
    apart = f'IF(ISNUMBER(FIND(" ",{clean})),SUMPRODUCT({near[0]}*(MID({clean},{places}+1,1)=" ")*{near[1]}),0)'
    before, after = f'SUBSTITUTE(LEFT({clean},{first}-1)," ","")', f'SUBSTITUTE(MID({clean},{first},{_WHOLE})," ","")'
    if side == "t":
        after = swapped(after, ((mark, "~") for mark in ("--", "-", "——", "—", "至", "到")))
    named = swapped(before, (*((name, f"{name}^") for name in _NAMES), *((f"{name}^", name) for name in _NO_NAME), ("^为", "^"), ("^:", "^")))
    whole = swapped(f'"^"&{named}&"#"&{after}&"$"', ((f"{mark}$", "$") for mark in "。;、"))
    return f'IF({apart}>0,"{OPEN}",{whole})'


def _joined(at: dict[str, str], side: str) -> str:
    """… with signs for the words behind the figure; （含95%） is ¤ and （不含） is !, no other bracket may stand there."""
    marked = at[f"{side}_marked"]
    opened = f'FIND("(",{marked})'
    inside = f'MID({marked},{opened},FIND(")",{marked})-{opened}+1)'
    said = f'IF(LEFT({inside},2)="(含","¤",IF(LEFT({inside},3)="(不含","!","{OPEN}"))'
    text = f'IF(ISNUMBER({opened}),IFERROR(SUBSTITUTE({marked},{inside},{said}),"{OPEN}"),{marked})'
    early = [(f"^{word}", "^") for word in _DONE_WORDS]
    if side == "t":
        early = [*((f"^{word}", "^^") for word in _SURE), *((f"^{mark}±", "^±") for mark in ("≤", "<=", "="))]
    return swapped(text, (*early, *_BEHIND))


def _counted(at: dict[str, str], split: tuple[str, str] | None) -> str:
    """不少于三次 as 3次: a Chinese numeral counts where a sign stands before it and a measure word behind."""
    clean, sign, rest = at["t_clean"], at["t_sign"], f'SUBSTITUTE({at["t_rest"]},"两","二")'
    value = _numeral(rest)
    measure = f"MID({rest},LEN(INDEX(calc_numerals,{value}+1))+1,{_WHOLE})"
    # a unit in a cell of its own says nothing of words
    alone = f'NOT({is_one_of(f"TRIM({split[1]})", "calc_units")}),NOT({is_one_of(f"TRIM({split[1]})", ("%", "％", "‰"))}),' if split else ""
    metric = is_one_of(f'LEFT({measure},FIND("/",{measure}&"/")-1)', "calc_metric")
    counts = (f'AND({alone}{value}>0,{value}<101,NOT({metric}),NOT({holds(clean, ("达", "(", "±"))}),{measure}<>"",'
              f'NOT({_starts(measure, _NAMING + _NUMERALS)}),OR(RIGHT({clean},1)<>"内",{is_one_of(f"RIGHT({clean},2)", ("以内", "之内"))}))')
    return (f'IF(AND({sign}<>"",{at["t_first"]}>LEN({clean})),IFERROR(IF({counts},{value}&{measure},{at["t_rest"]}),{at["t_rest"]}),{at["t_rest"]})')


def _base(unit: str) -> str:
    """The unit without 十百千万亿 in front and /年 behind: 万元 is 元, 名 and 位 are 人, ‰ is told from % by its power."""
    others = ((f"^{name}$", base) for name, (base, _) in _METRIC.items())
    return swapped(f'"^"&{_multiplied(unit)}&"$"', (("/年$", "$"), ("^名$", "人"), ("^位$", "人"), ("^‰$", "%"), *others, ("^", ""), ("$", "")))


#: units of one kind, with the power of ten between them, as ``targets.scale`` has them; 千米 and 千克 are thousands
_METRIC = {"公里": ("米", 3), "公斤": ("克", 3), "吨": ("克", 6), "㎡": ("平方米", 0), "公顷": ("平方米", 4), "平方公里": ("平方米", 6),
           "平方千米": ("平方米", 6), "㎥": ("立方米", 0)}


def _multiplied(unit: str) -> str:
    """What stands behind 十百千万亿."""
    powers = "十百千万亿"
    return f'IF({_starts(unit, powers)},IF({_starts(f"MID({unit},2,1)", powers)},MID({unit},3,{_WHOLE}),MID({unit},2,{_WHOLE})),{unit})'


def _power(unit: str) -> str:
    """The power of ten of a unit, ‰ being the unit of %; the places of 十百千万亿 in the text are their powers."""
    powers, second = '"十百千万   亿"', f"MID({unit},2,1)"
    both = f'FIND(LEFT({unit},1),{powers})+IF({_starts(second, "十百千万亿")},FIND({second},{powers}),0)'
    larger = {name: power for name, (_, power) in _METRIC.items() if power}
    kilo = f"""MATCH(SUBSTITUTE({_multiplied(unit)}&"$","/年$","$"),{array(f"{name}$" for name in larger)},0)"""
    more = f"IFERROR(INDEX({array(larger.values())},{kilo}),0)"
    return f'IF({unit}="%",1,IF({_starts(unit, "十百千万亿")},{both},0)+{more})'


def _known(unit: str, base: str, multiple: int) -> str:
    """0 no unit, 1 %, 2 ‰, 3 one of the list or two of it, also behind a stroke; -1 anything else. ``multiple`` is what 十百千万亿 alone are:
    12万 of an actual may be held against a target that says what is counted (``targets.in_units_of``)."""
    upper = f'LEFT({base},FIND("/",{base}&"/")-1)'
    lower = f'MID({_without(base, "、·")},FIND("/",{base}&"/")+1,{_WHOLE})'

    def known(word: str) -> str:
        among = "calc_units"
        pieces = [f'ISNUMBER(FIND("¦"&{piece}&"¦",{among}))' for piece in (f"LEFT({word},{{1,2,3}})", f"MID({word},{{2,3,4}},{_WHOLE})")]
        return f"({is_one_of(word, among)}+{is_one_of(word, 'calc_metric')}+SUMPRODUCT({pieces[0]}*{pieces[1]}))"

    calendar = is_one_of(base, _CALENDAR)
    return (f'IF({unit}="",0,IF({unit}="%",1,IF({unit}="‰",2,IF({base}="",{multiple},'
            f'IF(AND(NOT({calendar}),ISERROR(FIND("¦",{base})),{known(upper)}>0,'
            f'IF(ISNUMBER(FIND("/",{base})),{known(lower)}>0,TRUE)),3,-1)))))')


def _value(at: dict[str, str], side: str, split: tuple[str, str] | None) -> str:
    """The number, or what the text is instead."""
    half, clean, first, joined, noun, sign, body, unit, figure, digits, place = (at[f"{side}_{key}"] for key in (
        "half", "clean", "first", "joined", "noun", "sign", "body", "unit", "figure", "digits", "place"))
    point, whole = f'FIND(".",{digits}&".")', f'SUBSTITUTE({digits},".","")'
    grouped = f'SUBSTITUTE(SUBSTITUTE({figure},"-",""),"+","")=TEXT(VALUE(LEFT({digits},{point}-1)),"#,##0")&MID({digits},{point},{_WHOLE})'
    within = f'AND(LEFT({sign},1)="±",{is_one_of(f"RIGHT({clean},2)", ("以内", "之内"))})'
    latin = _none_of(noun, "calc_latin", quoted("^"))
    named = (f'IF({noun}="",TRUE,AND(LEN({noun})<15,NOT({holds(noun, _CHANGES)}),{latin},'
             f'OR({sign}<>"",{place}=1,{place}=2)))')
    joint = f'SUBSTITUTE({figure},",","")'
    checks = [f"{figure}&{unit}={body}", f"{place}>=0", f"OR(LEN({sign})<2,LEFT({sign},1)=RIGHT({sign},1),{within})",
              f'NOT({_starts(_without(figure, "-+"), ".,")})', f'NOT({_starts(f"RIGHT({figure},1)", ".,")})',
              f"OR({joint}={digits},MID({joint},2,{_WHOLE})={digits})", f"LEN({whole})<=15", f"LEN({digits})-LEN({whole})<=1",
              f'OR(ISERROR(FIND(",",{figure})),IFERROR({grouped},FALSE))', named, f'OR({sign}<>"",ISERROR(FIND("^^",{joined})))']
    if side == "t":
        checks.append(f'OR(ISERROR(FIND("-",{figure})),LEFT({sign},1)<>"±")')
    if split:
        checks.append("NOT(" + f"OR({','.join(is_one_of(f'TRIM({cell})', _QUALITATIVE) for cell in split)})" + ")")
    number = f'IF(LEFT({figure},1)="-",-1,1)*VALUE({whole})/10^MAX(0,LEN({digits})-{point})'
    lone = f'OR(LEN(TRIM({split[0]}))=0,{is_one_of(f"TRIM({split[0]})", (*_NOTHING, *_NATURE))})' if split else "FALSE"
    upper = f'LEFT({unit},FIND("/",{unit}&"/")-1)'
    signed = f'AND({sign}<>"",LEN({sign})=1,{_starts(clean, _SIGNS + "大高多小低少不等")},ISERROR(FIND("(",{clean})))'
    template = (f'OR({clean}="%",{clean}="‰",AND({first}>LEN({clean}),{noun}="",{place}>=0,OR({signed},AND({place}>0,{lone})),'
                f'NOT({_starts(body, _NUMERALS)}),'
                f'NOT({is_one_of(upper, "calc_metric")})))')
    named_level = f'AND(LEN({clean})=2,{sign}="",{_starts(f"RIGHT({clean},1)", _NAMING)})'
    unsaid = f'AND({sign}<>"",OR({_starts(body, "_Xx×○" + _SIGNS)},ISNUMBER(FIND("%",{clean})),{is_one_of(body, _CALENDAR)}))'
    counted = f'AND(NOT({named_level}),OR({_starts(body, _NUMERALS)},{_starts(clean, _NUMERALS)}))'
    word = (f'AND({first}>LEN({clean}),LEN({clean})<{_LONGEST},{clean}<>"{OPEN}",NOT({_starts(clean, "._…·。")}),NOT({unsaid}),NOT({counted}),'
            f'NOT({holds(clean, ("分之", "±", OPEN, "¦", *_SHARES))}),RIGHT({clean},2)<>"过半",{_none_of(clean, "calc_digits")})')
    nothing = is_one_of(half, (*_NOTHING, *_NATURE) if side == "t" else _NOTHING)
    return (f'IFERROR(IF(OR({half}="",{nothing}),"{EMPTY}",IF({figure}="",IF({template},"{EMPTY}",IF({word},"{WORD}","{OPEN}")),'
            f'IF(AND({",".join(checks)}),{number},"{OPEN}"))),"{OPEN}")')


def _none_of(value: str, marks: str, but: str = "") -> str:
    """Whether no character of a text is one of the marks."""
    letter = f"MID({value},calc_places,1)"
    spared = f"*({letter}<>{but})" if but else ""
    return f'SUMPRODUCT(({letter}<>""){spared}*ISNUMBER(FIND({letter},{marks})))=0'


# ---- ranges, days ----


def _from(at: dict[str, str]) -> str:
    """What stands before the dash of 90%-95%, without sign and unit; "" where the target is no range."""
    words, unit = at["t_words"], at["t_unit"]
    bare = swapped(f'LEFT({words},FIND("~",{words})-1)&"$"', (("≤", ""),))
    return f'IF(ISERROR(FIND("~",{words})),"",SUBSTITUTE(SUBSTITUTE({bare},{unit}&"$","$"),"$",""))'


def _low(at: dict[str, str]) -> str:
    """The lower end of 90%-95%, its unit given or not; "" where the target is no range."""
    words, sign, unit, clean, high, text = (at[f"t_{key}"] for key in ("words", "sign", "unit", "clean", "value", "from"))
    digits = _without(text, "-.")
    number = f'IF(LEFT({text},1)="-",-1,1)*VALUE({digits})/10^MAX(0,LEN({text})-FIND(".",{text}&"."))'
    years = f'AND({unit}="",{number}>=1900,{number}<2100,{high}>=1900,{high}<2100)'
    controlled = f'AND({sign}="≤",RIGHT({words},1)<>"≤",ISNUMBER(FIND("控制在",{clean})))'
    sound = (f'AND(ISNUMBER({high}),OR({sign}="",{controlled}),ISERROR(FIND("^^",{at["t_joined"]})),'
             f'{_without(text, _DIGITS + "-.")}="",NOT({_starts(text, ".")}),RIGHT({text},1)<>".",LEN({text})-LEN(SUBSTITUTE({text},".",""))<2,'
             f'ISERROR(FIND("-",{text},2)),ISERROR(FIND(",",{at["t_figure"]})),NOT({is_one_of(unit, ("年", "月", "日"))}),NOT({years}))')
    return f'IF(ISERROR(FIND("~",{words})),"",IFERROR(IF({sound},IF({number}<{high},{number},"{OPEN}"),"{OPEN}"),"{OPEN}"))'


#: prefixes of a day, and how people write the end of a year or month; 99 is the last day of its month
_DATE_WORDS = (*((f"^{word}", "^") for word in ("不晚于", "不迟于", "早于", "截至", "截止到", "截止", "于", "在")),
               *((f"^{word}", "^年") for word in ("当年", "本年度", "本年", "今年")), ("年年", "年"),
               *((f"年{end}", "年12月31日") for end in ("底", "末", "终", "以内", "内")), ("月份", "月"), ("月底", "月99日"), ("月末", "月99日"),
               ("号", "日"),
               *((mark, "→") for mark in ("--", "——", "-", "—", "~", "至", "到")))


def _date(at: dict[str, str], side: str) -> str:
    """^2021年12月31日前$, however it was written, with → in a period; "" for what is no day."""
    clean, value = at[f"{side}_clean"], at[f"{side}_value"]
    text, mark = f"""("^"&SUBSTITUTE({clean}," ","")&"$")""", f"MID({clean},5,1)"
    calendar = f'SUBSTITUTE(SUBSTITUTE({text},{mark},"年",1),{mark},"月",1)'
    marked = f'AND({_starts(mark, "-/.")},{_starts(clean, "12")},NOT({holds(clean, "年月")}))'
    figure = f'AND(ISNUMBER({value}),OR({at[f"{side}_unit"]}<>"年",{at[f"{side}_sign"]}<>"",N({value})<1900,N({value})>=2100))'
    return (f'IF(OR({figure},{value}="{EMPTY}"),"",IF({marked},{calendar},'
            f'IF({holds(clean, "年月")},{swapped(text, _DATE_WORDS)},"")))')


def _span(at: dict[str, str]) -> str:
    """The end of 2021年1-12月 and of 2020-2022年, a day as it is. A period begins in January, or is one of years."""
    text = at["t_date"]
    start, end = f'MID({text},2,FIND("→",{text})-2)', f'MID({text},FIND("→",{text})+1,{_WHOLE})'
    month, other = f"MID({start},5,{_WHOLE})", f'ISNUMBER(FIND("年",{end}))'
    alike = f'IF({is_one_of(month, ("年1", "年1月", "年01月"))},ISERROR(FIND("日",{end})),AND({month}="年1月1日",ISNUMBER(FIND("日",{end}))))'
    later = f'IF({other},VALUE(LEFT({end},4))>=VALUE(LEFT({start},4)),TRUE)'
    january = f'RIGHT({end},LEN({end})-IFERROR(FIND("年",{end}),0))'
    period = f'AND({_starts(start, "12")},{alike},{later},NOT({is_one_of(january, ("1月$", "01月$", "1月1日$"))}))'
    years = f'IF(AND(LEN({start})=4,LEN({end})=6,MID({end},5,2)="年$"),VALUE({start})<VALUE(LEFT({end},4)),FALSE)'
    ending = f'IF({other},"^"&{end},"^"&LEFT({start},4)&"年"&{end})'
    return f'IF(ISERROR(FIND("→",{text})),{text},IFERROR(IF({years},"^"&{end},IF({period},{ending},"")),""))'


def _day(at: dict[str, str], side: str) -> str:
    """The number of the day; "" where there is none. A month or a year alone is its last day in a target, its first one in an actual."""
    clean, year, month, after, count = (at[f"{side}_{key}"] for key in ("clean", "year", "month", "after", "count"))
    last = f"DAY(DATE({year},{month}+1,0))"
    day = f'IF({count}=0,{99 if side == "t" else 1},VALUE(LEFT({after},{count})))'
    tail = f'MID({after},{count}+1+(MID({after},{count}+1,1)="日"),{_WHOLE})'
    said = f'AND({holds(tail, (*_FINISHED, "前"))},LEN({tail})<18,NOT({holds(tail, (*_UNDONE, *_DIGITS))}),ISERROR(FIND("前",{tail},3)))'
    told = f'OR({tail}="$",{said})'
    dated = f'OR({count}=0,MID({after},{count}+1,1)="日",AND({_starts(f"MID({clean},5,1)", "-/.")},{tail}="$"))'
    valid = f"AND({day}>=1,OR({day}<={last},{day}=99),{dated},{told})"
    return f'IF(COUNT({year},{month})<2,"",IFERROR(IF({valid},DATE({year},{month},MIN({day},{last})),""),""))'


def _dated(at: dict[str, str], side: str) -> dict[str, str]:
    text, after = at[f"{side}_span" if side == "t" else f"{side}_date"], at[f"{side}_after"]
    year_at, month_at = f'IFERROR(FIND("年",{text}),1)', f'FIND("月",{text}&"月")'
    year = f"VALUE(IF({year_at}<3,pe_year,MID({text},2,{year_at}-2)))"
    month = f"MID({text},{year_at}+1,{month_at}-{year_at}-1)"
    # 2021年 alone, or a month of one or two digits
    whole = f'IF({month}="$",{12 if side == "t" else 1},"")'
    digits = [_starts(after, _DIGITS), _starts(f"MID({after},2,1)", _DIGITS)]
    return {"date": _date(at, side), "span": _span(at),
            "year": f'IF({text}="","",IFERROR(IF(AND(OR({year_at}<3,{year_at}=6),{year}>=1900,{year}<2100),{year},""),""))',
            "month": f'IF({text}="","",IFERROR(IF({is_one_of(month, _MONTHS)},VALUE({month}),{whole}),""))',
            "after": f'IFERROR(MID({text},FIND("月",{text})+1,{_WHOLE}),IF({text}="","","$"))',
            "count": f'IF({after}="",0,{digits[0]}+{digits[0]}*{digits[1]})', "day": _day(at, side)}


# ---- the share that is earned ----


def steps(cell: dict[str, str], at: dict[str, str], edition: Edition) -> dict[str, str]:
    """The hidden cells of one row. ``cell`` names the visible ones (target, unit, actual, name, above), ``at`` the hidden ones."""
    split = (cell["target"], cell["unit"]) if "unit" in cell else None
    said = _in_two_cells(*split) if split else _said(cell["target"])
    at = at | {"a_body": at["a_rest"], "a_span": at["a_date"]}
    found = {f"t_{key}": formula for key, formula in _reading(at, "t", said, split).items()}
    found |= {f"a_{key}": formula for key, formula in _reading(at, "a", _said(cell["actual"]), None).items()}
    name = f'SUBSTITUTE(SUBSTITUTE({cell["name"]}," ",""),CHAR(10),"")'
    found["t_from"], found["t_low"] = _from(at), _low(at)
    found |= {f"{side}_{key}": formula for side in "ta" for key, formula in _dated(at, side).items()}
    found["fewer"] = f'IF(OR(ISNUMBER(FIND("成本",{cell["above"]})),AND({holds(name, FEWER)},NOT({holds(name, HANDLED)}))),1,0)'
    found["reached"], found["share"] = _reached(at), _share(at, edition)
    return {step.key: found[step.key] for step in STEPS}


def _reached(at: dict[str, str]) -> str:
    """The actual in the unit of the target, as ``targets.comparable`` has it. A bare 2021.12 may be a month, 290% a lost sign."""
    target, actual, unit, other = at["t_value"], at["a_value"], at["t_place"], at["a_place"]
    lost = f'AND({at["t_sign"]}="",{at["t_low"]}="",{unit}=1,OR(AND({target}>=210,{target}<300),AND({target}>=2100,{target}<2101)))'
    days = [f'OR(AND({at[f"{side}_unit"]}="年",{value}>=1900,{value}<2100),AND({at[f"{side}_sign"]}="",{at[f"{side}_place"]}=0,'
            f'OR(AND({value}>=1900,{value}<2100,{value}<>INT({value})),AND({value}>=19000101,{value}<=20991231))))'
            for side, value in (("t", target), ("a", actual))]
    scaled = f'{actual}*10^{_power(at["a_unit"])}/10^{_power(at["t_unit"])}'
    return (f'IF(COUNT({target},{actual})<2,"",IF(OR({lost},{",".join(days)}),"{OPEN}",IF({other}=4,IF({unit}=3,{scaled},"{OPEN}"),'
            f'IF({unit}*{other}=0,IF({fraction(at)},"{OPEN}",{actual}),'
            f'IF(EXACT({at["t_unit"]},{at["a_unit"]}),{actual},IF(EXACT({at["t_base"]},{at["a_base"]}),{scaled},"{OPEN}"))))))')


def fraction(at: dict[str, str]) -> str:
    """0.95 against ≥90%: see ``targets.is_open_fraction``."""
    target, actual, unit, other = at["t_value"], at["a_value"], at["t_place"], at["a_place"]
    return (f"OR(AND({unit}>0,{unit}<3,{other}=0,N({actual})<>0,OR(ABS(N({actual}))<=1,"
            f"AND(ABS(N({actual}))<2,ABS(N({target}))>=50)),ABS(N({target}))>1),"
            f"AND({other}>0,{other}<3,{unit}=0,N({target})<>0,ABS(N({target}))<=1))")


def _share(at: dict[str, str], edition: Edition) -> str:
    """How much of the weight is earned, as ``scoring.attain`` has it."""
    target, reached, low, sign = at["t_value"], at["reached"], at["t_low"], f'LEFT({at["t_sign"]},1)'
    upper = f'OR({sign}="≤",{sign}="<",AND(OR({sign}="",{sign}="="),OR({at["fewer"]}=1,{target}=0)))'
    # within a range or ±10% all is earned; beyond it, and short of a target below nothing, no rule decides
    short = f'IF({target}=0,0,IF({target}<0,"{OPEN}",%s))'
    number = (f'IF({low}<>"",IF(COUNT({low})=0,"{OPEN}",IF(AND({reached}>={low},{reached}<={target}),1,"{OPEN}")),'
              f'IF({sign}="±",IF(ABS({reached})<={target},1,"{OPEN}"),'
              f'IF({upper},IF(OR({reached}<{target},AND({reached}={target},{sign}<>"<")),1,{short % f"{target}/{reached}"}),'
              f'IF(OR({reached}>{target},AND({reached}={target},{sign}<>">")),1,{short % f"MAX({reached}/{target},0)"}))))')
    words = [f'SUBSTITUTE({at[f"{side}_half"]}," ","")' for side in "ta"]
    own = f'"{OPEN}"'
    if edition.qualitative.rule == "percent":
        rest = f'SUBSTITUTE({words[1]},{words[0]},"",1)'
        tiered = f'AND({holds(words[0], _TIERED)},{holds(words[1], (*_REACHED, "否"))})'
        own = (f'IF(AND({at["a_value"]}="{WORD}",ISNUMBER(FIND({words[0]},{words[1]})),NOT({holds(rest, RESERVED)}),NOT({tiered}),'
               f'NOT({holds("&".join(words), _MARKED)})),1,"{OPEN}")')
    percent = f'AND(COUNT({at["a_value"]})=1,N({at["a_value"]})>=0,{at["a_place"]}=1)'
    word = f'IF({percent},MIN({at["a_value"]}/100,1),{own})'
    same = f'IF(AND(EXACT({words[0]},{words[1]}),COUNT({at["a_value"]})=0),1,"{OPEN}")'
    day = f'IF({percent},MIN({at["a_value"]}/100,1),IF(COUNT({at["a_day"]})=0,{same},IF({at["a_day"]}<={at["t_day"]},1,"{OPEN}")))'
    broken = f'OR({_starts(at["t_half"], OPEN)},{_starts(at["a_half"], OPEN)})'
    # 无 is an answer where nothing may happen: see ``scoring.attain``
    naught = [f'AND(COUNT({value})=1,N({value})=0)' for value in (target, at["a_value"])]
    none = (f'OR(AND({at["a_half"]}="无",OR({naught[0]},AND({at["t_half"]}="无",{at["fewer"]}=1))),'
            f'AND({at["t_half"]}="无",{at["fewer"]}=1,{naught[1]}))')
    harmless = f'AND({_starts(at["t_half"], "零")},NOT(ISNUMBER({target})),{at["t_first"]}>LEN({at["t_clean"]}),{naught[1]},{at["a_place"]}<>1)'
    return (f'IF(OR({target}="{EMPTY}",{at["a_value"]}="{EMPTY}"),IF({broken},"{OPEN}",IF({none},1,"")),IF(ISNUMBER({at["t_day"]}),{day},'
            f'IF({harmless},1,IF({target}="{WORD}",{word},IF(ISNUMBER({reached}),{number},"{OPEN}")))))')
