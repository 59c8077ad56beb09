"""Edition -> native formulas: the form that computes by itself in Excel 2010, WPS and LibreOffice, without macros and without Python.

A row is worked out in small steps, in hidden columns of the same row right of 状态, so that a copied row brings its steps along; the visible
cells are one short IF on the last of them. The steps read what most people type and nothing else: a text outside their grammar is left to a
person (请人工评分), never guessed at. Whatever they decide is what ``scoring`` decides.
Numbers are binary here: each is rounded to twelve decimals before it is rounded half up, which gives the decimal digit back that a
quotient lost. No function is newer than Excel 2010, none depends on the language of the system; see docs/formulas.md.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from perfeval_xl.beside import column_of
from perfeval_xl.computed import Computed
from perfeval_xl.edition import Edition
from perfeval_xl.model import FORM_VERSION, MONEY, SOURCE_ROLES, STRUCTURE_ROLES, cell_name, column_name
from perfeval_xl.numbers import plain
from perfeval_xl.scoring import EMPTY_WORDS, FEWER, HANDLED, RESERVED
from perfeval_xl.targets import MEASURES, scale
from perfeval_xl.template import Box, Plan

#: the hidden sheet of lists
SHEET = "_计算"
ASK, NO_BUDGET, NO_NUMBER, NONE, DONE = "请人工评分", "没有预算数", "金额不是数", "—", "✓"
BROKEN = "有格子是错误值，请改正"
#: what a step says of a text that is no number: nothing stands there, a word, or something a person has to read
_EMPTY, _WORD, _OPEN = "空", "词", "？"

# ---- the grammar: what the steps replace, and which units they know ----

_SIGNS = "≥≤<>="
_WIDTH = (*((chr(0xFF10 + n), str(n)) for n in range(10)),
          *zip("．，％﹪＞﹥＜﹤＝﹦═≧⩾≦⩽（）－−–　\u00a0\n\r\t★☆", (*".,%%>><<===≥≥≤≤()---     ", "", ""), strict=True),
          ("百分比", "%"), ("万/", "万元/"), ("^", _OPEN), ("$", _OPEN))
#: words that stand for a sign in front of a figure, and behind it; ^ and $ are the ends of the text
_BEFORE = {"≥": ">= => ≥= 大于等于 大于或等于 高于等于 高于或等于 不低于 不少于 不小于 不得低于 不得少于 至少 "
                "达到 达到目标值 达到预计值 达到预期值 达到指标值",
           "≤": "<= =< ≤= 小于等于 小于或等于 低于等于 低于或等于 不高于 不大于 不多于 不得高于 不得超过 不超过 至多 控制在",
           ">": "大于 高于 多于 超过", "<": "小于 低于 少于", "=": "== 等于"}
_BEHIND = {"≥": "(含)以上 以上(含) 及以上 以上", "≤": "(含)以下 以下(含) 及以下 及其以下 以下 以内 之内 内"}
#: what an actual may say before its figure without meaning anything by it
_DONE_WORDS = ("已", "实际", "累计", "共", "完成", "达到目标值", "达到预计值", "达到", "达", "实现", "为")
_NOTHING = ("-", "--", "—", "——", "/", "\\", "无", "@@@")
_NATURE = ("定性", "定性指标", "定量", "定量指标", "文字描述", "描述")
#: in a word none of these: signs, Chinese numerals, brackets, days without a figure, and what makes a tier of it
_NO_WORD = (*"≥≤<>=%‰±+#*/\\?？~_…·.,:：()（）一二两三四五六七八九十百千万亿零",
            "年底", "年末", "年终", "年内", *"未没否不", "部分", "基本", "大体", "大致", "初步")
#: 12月 may be a month, and 2021年度 is a year
_CALENDAR = frozenset(("月", "季度", "年度"))
_LONGEST = 40


@cache
def units() -> tuple[str, ...]:
    """The units that the formulas know, % and ‰ first: the measure words of ``targets``, alone, with 万, before 次, and per year or month."""
    measures = [word for word in MEASURES.split() if word not in _CALENDAR]
    multiplied = [f"{power}{word}" for power in ("十", "百", "千", "万", "十万", "百万", "千万", "亿") for word in measures if word != "年"]
    joined = [f"{word}{tail}" for tail in ("次", "月") for word in "人户场车班批课家例件个" if (word == "个") == (tail == "月")]
    per = [f"{word}/{time}" for word in ("次", "场", "期", "篇", "条", "件", "项", "个", "人次") for time in ("年", "月", "人")]
    prices = [f"{word}/{one}" for word in ("元", "万元") for one in (*"年月日天人次户亩吨个件台平", "平方米", "公里", "人次", "人、天", "人·天")]
    return tuple(dict.fromkeys(("%", "‰", *measures, *joined, "种次", "万人次", "台套", "人天", *multiplied, *per, *prices)))


def _digits() -> str:
    """Every character that is a digit of some kind: ① and ² are figures that nobody should score as words."""
    return "".join(chr(code) for code in range(128, min(sys.maxunicode, 0xFFFF) + 1) if chr(code).isdigit()) + "0123456789"


@cache
def lists() -> tuple[tuple[str, tuple], ...]:
    """The hidden sheet, column by column: heading and content."""
    scales = [scale(unit) for unit in units()]
    return (("单位", units()), ("十的幂", tuple(power for power, _ in scales)), ("基本单位", tuple(base for _, base in scales)),
            ("不算原因的话", tuple(sorted(EMPTY_WORDS - {""}))), ("数字", (_digits(),)))


@cache
def _list(n: int) -> str:
    """A column of the hidden sheet as a formula names it."""
    letter = column_name(n)
    return f"'{SHEET}'!${letter}$2:${letter}${len(lists()[n][1]) + 1}"


# ---- pieces of formulas ----


def _text(word: str) -> str:
    return f"CHAR({ord(word)})" if word in "\n\r\t" else f'"{word}"'


def _swapped(text: str, pairs: Iterable[tuple[str, str]]) -> str:
    for old, new in pairs:
        text = f"SUBSTITUTE({text},{_text(old)},{_text(new)})" if new else f'SUBSTITUTE({text},{_text(old)},"")'
    return text


def _array(values: Iterable) -> str:
    return "{" + ",".join(f'"{value}"' if isinstance(value, str) else str(value) for value in values) + "}"


def _holds(text: str, words: Iterable[str]) -> str:
    """Whether a text holds one of the words."""
    return f"SUMPRODUCT(--ISNUMBER(FIND({_array(words)},{text})))>0"


def _half_up(value: str, places: int) -> str:
    return f"ROUND(ROUND({value},12),{places})"


def _blank(cell: str) -> str:
    return f"LEN(TRIM({cell}))=0"


def _no_number(cell: str) -> str:
    return f"AND(NOT(ISNUMBER({cell})),LEN(TRIM({cell}))>0)"


def _said(cell: str) -> str:
    """What a cell shows: a percentage with its sign; the number of a day is nobody's figure."""
    number = f'IF(LEFT(CELL("format",{cell}),1)="P",{cell}*100&"%",IF(AND({cell}=INT({cell}),{cell}>36525,{cell}<55153),"{_OPEN}",{cell}&""))'
    return f'IF(ISNUMBER({cell}),{number},{cell}&"")'


# ---- the steps of a row ----


class Step(NamedTuple):
    """A hidden column: its key, and what it holds."""

    key: str
    meaning: str


_READ = (("clean", "半角、去掉换行"), ("joined", "去掉空格和“已完成”等，“以上”等换成符号"), ("words", "“不低于”等换成符号"),
         ("sign", "符号"), ("body", "去掉符号"), ("unit", "单位"),
         ("place", "单位在表中的位置"), ("figure", "数的写法"), ("value", f"数；或{_EMPTY}、{_WORD}、{_OPEN}（看不懂）"))
STEPS = (*(Step(f"{side}_{key}", f"{what}：{meaning}") for side, what in (("t", "年度指标值"), ("a", "实际完成值")) for key, meaning in _READ),
         Step("t_day", "年度指标值：某月某日（前）的日期"), Step("a_day", "实际完成值：某月某日的日期"),
         Step("fewer", "没有符号时是否越少越好（1 是）"), Step("reached", f"换算成指标值单位的完成值；{_OPEN} 不能比较"),
         Step("share", f"得分占分值的比例；{_OPEN} 由人工评分"))


def _reading(at: dict[str, str], side: str, said: str, lone_unit: str) -> dict[str, str]:
    """The steps that read a 年度指标值 ("t") or an 实际完成值 ("a"). ``lone_unit``: when a unit alone is a row left empty."""
    clean, joined, words, sign, body, unit, place, figure = (at[f"{side}_{key}"] for key, _ in _READ[:8])
    numbers = [_array(range(n, n + _LONGEST)) for n in (1, 2, 3)]
    near = [f'ISNUMBER(FIND(MID({clean},{numbers[n]},1),"0123456789.,"))' for n in (0, 2)]
    apart = f'IF(ISNUMBER(FIND(" ",{clean})),SUMPRODUCT({near[0]}*(MID({clean},{numbers[1]},1)=" ")*{near[1]}),0)'
    before = sorted(((word, mark) for mark, line in _BEFORE.items() for word in line.split()), key=lambda pair: -len(pair[0]))
    done = [(f"^{word}", "^") for word in _DONE_WORDS] if side == "a" else []
    behind = [(f"{word}$", f"{mark}$") for mark, line in _BEHIND.items() for word in line.split()]
    in_front = [(f"^{word}", f"^{mark}") for word, mark in before]
    whole_text = f"""("^"&SUBSTITUTE({clean}," ","")&"$")"""
    ends = [f'ISNUMBER(FIND({end}({words},1),"{signs}"))' for end, signs in (("LEFT", _SIGNS + ("-" if side == "a" else "±")), ("RIGHT", _SIGNS))]
    minus = f'IF({sign}="-",-1,1)*' if side == "a" else ""
    plain_figure, point = f'SUBSTITUTE({figure},",","")', f'FIND(".",SUBSTITUTE({figure},",","")&".")'
    whole = f'SUBSTITUTE({plain_figure},".","")'
    grouped = f'{figure}=TEXT(VALUE(LEFT({plain_figure},{point}-1)),"#,##0")&MID({plain_figure},{point},{_LONGEST})'
    sound = (f'AND({figure}&{unit}={body},{place}>=0,OR(LEN({sign})<2,LEFT({sign},1)=RIGHT({sign},1)),ISERROR(FIND(LEFT({figure},1),".,")),'
             f'ISERROR(FIND(RIGHT({figure},1),".,")),LEN({whole})<=15,LEN({plain_figure})-LEN({whole})<=1,OR({figure}={plain_figure},{grouped}))')
    letter = f"MID({clean},{numbers[0]},1)"
    word = (f"AND(LEN({clean})<={_LONGEST},NOT({_holds(clean, _NO_WORD)}),"
            f'SUMPRODUCT(({letter}<>"")*ISNUMBER(FIND({letter},{_list(4).partition(":")[0]})))=0)')
    nothing = (*_NOTHING, *_NATURE) if side == "t" else _NOTHING
    return {
        "clean": f'IFERROR(TRIM({_swapped(said, _WIDTH)}),"{_OPEN}")',
        "joined": f'IF({apart}>0,"{_OPEN}",{_swapped(whole_text, done + behind)})',
        "words": _swapped(joined, (*in_front, ("^", ""), ("$", ""))),
        "sign": f'IF({ends[0]},LEFT({words},1),"")&IF(AND(LEN({words})>1,{ends[1]}),RIGHT({words},1),"")',
        "body": f"MID({words},1+AND(LEN({words})>0,{ends[0]}),LEN({words})-LEN({sign}))",
        "unit": _swapped(body, ((mark, "") for mark in "0123456789.,")),
        "place": f'IF({unit}="",0,IFERROR(IF(EXACT(INDEX({_list(0)},MATCH({unit},{_list(0)},0)),{unit}),MATCH({unit},{_list(0)},0),-1),-1))',
        "figure": f"LEFT({body},LEN({body})-LEN({unit}))",
        "value": f'IFERROR(IF(OR({clean}="",ISNUMBER(MATCH({clean},{_array(nothing)},0))),"{_EMPTY}",IF({figure}="",'
                 f'IF(OR({sign}<>"",{place}=1,{place}=2,AND({place}>0,{lone_unit})),IF({place}>=0,"{_EMPTY}","{_OPEN}"),IF({word},"{_WORD}","{_OPEN}")),'
                 f'IF({sound},{minus}VALUE({whole})/10^MAX(0,LEN({plain_figure})-{point}),"{_OPEN}"))),"{_OPEN}")',
    }


def _steps(cell: dict[str, str], at: dict[str, str], edition: Edition) -> dict[str, str]:
    """The hidden cells of one row. ``cell`` names the visible ones (target, unit, actual, name, above), ``at`` the hidden ones."""
    said, lone = _said(cell["target"]), "FALSE"
    if "unit" in cell:
        # two cells of one target; what only says 定性 or 定量 is no part of it
        said = (f'IF(ISNUMBER(MATCH(TRIM({cell["target"]}),{_array(_NOTHING)},0)),"{_OPEN}",{said})&" "&'
                f'IF(ISNUMBER(MATCH(TRIM({cell["unit"]}),{_array(_NATURE)},0)),"",{_said(cell["unit"])})')
        lone = _blank(cell["target"])
    steps = {f"t_{key}": formula for key, formula in _reading(at, "t", said, lone).items()}
    steps |= {f"a_{key}": formula for key, formula in _reading(at, "a", _said(cell["actual"]), "FALSE").items()}
    name = f'SUBSTITUTE(SUBSTITUTE({cell["name"]}," ",""),CHAR(10),"")'
    steps["fewer"] = f'IF(OR(ISNUMBER(FIND("成本",{cell["above"]})),AND({_holds(name, FEWER)},NOT({_holds(name, HANDLED)}))),1,0)'
    steps["t_day"], steps["a_day"] = (_day(at, side, tails) for side, tails in (("t", ("完成", "之前", "以前", "前")), ("a", ("完成",))))
    steps["reached"] = _reached(at)
    steps["share"] = _share(at, edition)
    return steps


def _day(at: dict[str, str], side: str, tails: tuple[str, ...]) -> str:
    """The day of 7月31日前 or 2022年7月31日, "" for any other text; without a year it is the form's."""
    text = _swapped(f"""SUBSTITUTE({at[f"{side}_clean"]}," ","")&"$\"""", (*((f"{tail}$", "$") for tail in tails), ("日$", "")))
    after_year, month_at = f'IFERROR(FIND("年",{text}),0)', f'FIND("月",{text})'
    year = f'IF({after_year}>0,LEFT({text},4),pe_year)'
    month, day = f"MID({text},{after_year}+1,{month_at}-{after_year}-1)", f"MID({text},{month_at}+1,9)"
    numerals = [_array(dict.fromkeys(one for n in range(1, last) for one in (str(n), f"{n:02}"))) for last in (13, 32)]
    sound = (f"AND(COUNT(MATCH({month},{numerals[0]},0),MATCH({day},{numerals[1]},0))=2,OR({after_year}=0,{after_year}=5),"
             f"VALUE({year})>=1900,VALUE({year})<2100)")
    date = f"DATE(VALUE({year}),VALUE({month}),VALUE({day}))"
    return f"""IF(ISNUMBER(FIND("月",{at[f"{side}_clean"]})),IFERROR(IF({sound},IF(DAY({date})=VALUE({day}),{date},""),""),""),"")"""


def _reached(at: dict[str, str]) -> str:
    """The actual in the unit of the target, as ``targets.comparable`` has it. A bare 2021.12 may be a month, 290% a lost sign."""
    target, actual, unit, other = at["t_value"], at["a_value"], at["t_place"], at["a_place"]
    lost = f'AND({at["t_sign"]}="",{unit}=1,OR(AND({target}>=210,{target}<300),AND({target}>=2100,{target}<2101)))'
    years = units().index("年") + 1
    days = [f'OR(AND({at[f"{side}_place"]}={years},{value}>=1900,{value}<2100),AND({at[f"{side}_sign"]}="",{at[f"{side}_place"]}=0,'
            f'OR(AND({value}>=1900,{value}<2100,{value}<>INT({value})),AND({value}>=19000101,{value}<=20991231))))'
            for side, value in (("t", target), ("a", actual))]
    powers = [f"INDEX({_list(1)},{place})" for place in (unit, other)]
    bases = [f"INDEX({_list(2)},{place})" for place in (unit, other)]
    scaled = f"IF({powers[1]}>={powers[0]},{actual}*10^({powers[1]}-{powers[0]}),{actual}/10^({powers[0]}-{powers[1]}))"
    return (f'IF(COUNT({target},{actual})<2,"",IF(OR({lost},{",".join(days)}),"{_OPEN}",IF({unit}*{other}=0,IF({_fraction(at)},"{_OPEN}",{actual}),'
            f'IF({unit}={other},{actual},IF({bases[0]}={bases[1]},{scaled},"{_OPEN}")))))')


def _fraction(at: dict[str, str]) -> str:
    """0.95 against ≥90%: see ``targets.is_open_fraction``."""
    target, actual, unit, other = at["t_value"], at["a_value"], at["t_place"], at["a_place"]
    return (f"OR(AND({unit}>0,{unit}<3,{other}=0,{actual}<>0,OR(ABS(N({actual}))<=1,AND(ABS(N({actual}))<2,{target}>=50)),{target}>1),"
            f"AND({other}>0,{other}<3,{unit}=0,{target}<>0,{target}<=1))")


def _share(at: dict[str, str], edition: Edition) -> str:
    """How much of the weight is earned, as ``scoring.attain`` has it."""
    target, reached, sign = at["t_value"], at["reached"], f'LEFT({at["t_sign"]},1)'
    upper = f'OR({sign}="≤",{sign}="<",AND(OR({sign}="",{sign}="="),OR({at["fewer"]}=1,{target}=0)))'
    # within ±10% all is earned; beyond it no rule decides
    number = (f'IF({sign}="±",IF(ABS({reached})<={target},1,"{_OPEN}"),'
              f'IF({upper},IF(OR({reached}<{target},AND({reached}={target},{sign}<>"<")),1,IF({target}=0,0,{target}/{reached})),'
              f'IF(OR({reached}>{target},AND({reached}={target},{sign}<>">")),1,IF({target}=0,0,MAX({reached}/{target},0)))))')
    own = f'"{_OPEN}"'
    if edition.qualitative.rule == "percent":
        rest = f'SUBSTITUTE({at["a_clean"]},{at["t_clean"]},"",1)'
        own = (f'IF(AND({at["a_value"]}="{_WORD}",ISNUMBER(FIND({at["t_clean"]},{at["a_clean"]})),NOT({_holds(rest, RESERVED)})),1,"{_OPEN}")')
    percent = f'AND(COUNT({at["a_value"]})=1,N({at["a_value"]})>=0,{at["a_place"]}=1)'
    word = f'IF({percent},MIN({at["a_value"]}/100,1),{own})'
    day = f'IF({percent},MIN({at["a_value"]}/100,1),IF(COUNT({at["a_day"]})=0,"{_OPEN}",IF({at["a_day"]}<={at["t_day"]},1,"{_OPEN}")))'
    return (f'IF(OR({target}="{_EMPTY}",{at["a_value"]}="{_EMPTY}"),"",IF({target}="{_WORD}",{word},IF(ISNUMBER({at["t_day"]}),{day},'
            f'IF(ISNUMBER({reached}),{number},"{_OPEN}"))))')


# ---- the visible cells of a row ----


def _score(cell: dict[str, str], at: dict[str, str], edition: Edition) -> str:
    weight, share = cell["weight"], at["share"]
    asked = f'IF(COUNT({cell["hand"]})=1,{cell["hand"]},IF(OR({_blank(weight)},{share}=""),"","{ASK}"))'
    points = _half_up(f"{weight}*{share}", edition.quantitative.places)
    return f'IFERROR(IF(COUNT({weight},{share})=2,{points},{asked}),"{ASK}")'


def _deviation(at: dict[str, str], edition: Edition) -> str:
    share, target, places = at["share"], at["t_value"], edition.deviation.places + 2
    number = _half_up(f'({at["reached"]}-{target})/{target}', places)
    return (f'IF(ISNUMBER({share}),IF({share}=1,0,IF(NOT(ISNUMBER({target})),{_half_up(f"{share}-1", places)},IF({target}=0,"{NONE}",{number}))),'
            f'IF({share}="","","{NONE}"))')


def _state(cell: dict[str, str], at: dict[str, str], edition: Edition, rate: str) -> str:
    """What is open in a row, the first thing first; ``rate`` is the execution rate of the funds block where the row must repeat it."""
    weight, score, hand, share = cell["weight"], cell["score"], cell["hand"], at["share"]
    begun = [cell["actual"], hand, *([cell["reason"]] if "reason" in cell else [])]
    reason = f'OR({_blank(cell["reason"])},ISNUMBER(MATCH(TRIM({cell["reason"]}),{_array(_NOTHING)},0)),' \
             f'ISNUMBER(MATCH(TRIM({cell["reason"]}),{_list(3)},0)))' if "reason" in cell else "FALSE"
    day = f'ISNUMBER({at["t_day"]})'
    asked = [(f'AND({day},ISNUMBER({at["a_day"]}))', f"逾期，{ASK}"), (day, f"指标值是时间，请填完成日期，或{ASK}"),
             (f'{at["t_value"]}="{_OPEN}"', f"指标值看不懂，{ASK}"), (f'{at["a_value"]}="{_OPEN}"', f"完成值看不懂，{ASK}"),
             (f'COUNT({at["t_value"]},{at["a_value"]})<2', ASK), (_fraction(at), "有一边漏了 %，请补上"),
             (f'COUNT({at["reached"]})=1', f"超出指标值的范围，{ASK}"),
             ("TRUE", f"指标值和完成值不能比较，请核对单位，或{ASK}")]
    checks = [
        (_blank(weight), "没有填分值"), (f"NOT(ISNUMBER({weight}))", "分值不是数"), (f'{at["t_value"]}="{_EMPTY}"', "没有填指标值"),
        (f'{at["a_value"]}="{_EMPTY}"', "没有填完成值"),
        (f"AND(COUNT({share})=0,COUNT({hand})=0)", asked),
        (f"NOT(ISNUMBER({score}))", "得分不是数"), (f"{score}>{weight}", "得分大于分值"), (f"{score}<0", "得分小于 0"),
        *([(rate, "与资金栏算出的执行率不符")] if rate else []),
        (f"AND({score}<{weight},{reason})", "缺原因"),
    ]
    if "reason" in cell:
        limit, reached = at["t_value"], at["reached"]
        over = f'AND(COUNT({limit},{reached})=2,{share}=1,ISERROR(FIND(LEFT({at["t_sign"]}&" ",1),"≤<±")),{at["fewer"]}=0,' \
               f'OR({at["t_place"]}=0,{at["t_place"]}>2,N({reached})>100),N({reached})>0,' \
               f'ROUND((N({reached})-N({limit}))*100-N({limit})*{plain(edition.over.low)},9)>=0,N({limit})>0,{reason})'
        checks.append((over, f"超过指标值 {plain(edition.over.low)}% 及以上，请写明原因"))
    hinted = f'AND({at["t_sign"]}="",{at["fewer"]}=1,COUNT({at["reached"]},{at["t_value"]})=2,{at["t_value"]}<>0,{at["reached"]}<>{at["t_value"]})'
    checks.append((hinted, "指标值没有符号，已按“不超过”计分，请补上 ≤ 或 ≥"))
    # a formula error in a cell of the row is something to read as well
    asked_begun = "+".join(f"IFERROR(LEN(TRIM({one})),1)" for one in begun)
    return f'IF({asked_begun}=0,"",IFERROR({_first(checks, DONE)},"{BROKEN}"))'


def _first(checks: list[tuple], last: str) -> str:
    """The words of the first condition that holds; they may be conditions of their own."""
    formula = f'"{last}"'
    for condition, words in reversed(checks):
        formula = f'IF({condition},{_first(words, last) if isinstance(words, list) else _text(words)},{formula})'
    return formula


# ---- the funds block, the total, the whole ----


def _rate(adjusted: str, executed: str, may_be_nothing: bool) -> str:
    stops = f'IFERROR(IF(OR({_no_number(adjusted)},{_no_number(executed)}),"{NO_NUMBER}",IF(COUNT({adjusted},{executed})<2,"",{{}})),"{NO_NUMBER}")'
    nothing = f'IF({executed}=0,0,"{NO_BUDGET}")' if may_be_nothing else f'"{NO_BUDGET}"'
    # a budget below nothing is not "no money" and has no rate
    zero = f'IF({adjusted}=0,{nothing},"{NO_BUDGET}")'
    return stops.format(f'IF({adjusted}<=0,{zero},{_half_up(f"{executed}/{adjusted}*100", 2)})')


def _funds_score(adjusted: str, executed: str, weight: str, edition: Edition) -> str:
    rule, rate = edition.execution, f"ROUND({executed}/{adjusted}*100,12)"
    if rule.rule == "steps":
        share = "0"
        for low, percent in reversed(rule.steps):
            share = f"IF({rate}>={plain(low)},{plain(percent)},{share})"
        share = f"{share}/100"
    else:
        share = f"MIN(MAX({executed}/{adjusted}*100/{plain(rule.line)},0),1)"
    cells = adjusted, executed, weight
    wrong = f'OR({",".join(map(_no_number, cells))})'
    return (f'IFERROR(IF({wrong},"{NO_NUMBER}",IF(COUNT({",".join(cells)})<3,"",IF({adjusted}<=0,"{NO_BUDGET}",'
            f'{_half_up(f"{weight}*{share}", rule.places)}))),"{NO_NUMBER}")')


class _Form:
    """The plan with the places of its cells: what a formula has to name."""

    def __init__(self, plan: Plan, edition: Edition) -> None:
        self.plan, self.edition = plan, edition
        self.boxes = {(box.block, box.top, box.field): box for box in plan.boxes}
        self.top, _, self.bottom, _ = plan.names["pe_indicators"]
        self.above: dict[int, list[str]] = {}
        for box in plan.boxes:
            if box.block == "indicators" and box.field in ("part", "group"):
                for row in range(box.top, box.bottom + 1):
                    self.above.setdefault(row, []).append(f"${column_name(box.left)}${box.top + 1}")
        first = len(plan.widths)
        self.columns = {step.key: first + n for n, step in enumerate(STEPS)}
        roles = [row for label in edition.labels["funds_rows"] for row in edition.funds_rows if row.label == label] or edition.funds_rows
        self.roles = [row.role for row in roles]
        self.named = {row.name: row.role for row in edition.tree}

    def column(self, field: str) -> int:
        """The column of a field of the indicators, or of the columns beside them."""
        return next(box.left for box in self.plan.boxes
                    if box.field == field and box.block in ("indicators", "beside") and self.top <= box.top <= self.bottom)

    def name(self, block: str, row: int, field: str) -> str:
        box = self.boxes[block, row, field]
        return cell_name(box.top, box.left)

    def cells(self, row: int) -> dict[str, str]:
        """The visible cells of an indicator row by field, and what stands above it: its 一级 and 二级指标."""
        fields = ("target", "unit", "actual", "weight", "score", "reason", "name")
        found = {field: self.name("indicators", row, field) for field in fields if ("indicators", row, field) in self.boxes}
        found["above"] = "&".join(self.above.get(row, ())) or '""'
        return found | {"hand": self.name("beside", row, "hand")}

    def steps(self, row: int) -> dict[str, str]:
        return {key: cell_name(row, column) for key, column in self.columns.items()}

    def area(self, field: str) -> str:
        column = self.columns.get(field) or self.column(field)
        return f"{cell_name(self.top, column)}:{cell_name(self.bottom, column)}"

    def rate_differs(self, row: int, at: dict[str, str]) -> str:
        """Whether a 三级指标 预算执行率 says another rate than the funds block, at the decimals it gives."""
        if self.named.get(str(self.boxes["indicators", row, "name"].value)) != "execution_rate":
            return ""
        top = self.plan.names["pe_funds"][0]
        adjusted, executed = self.name("funds", top, "adjusted"), self.name("funds", top, "executed")
        step = f'10^-IF(ISNUMBER(FIND(".",{at["a_figure"]})),LEN({at["a_figure"]})-FIND(".",{at["a_figure"]}),0)'
        gap = f"ROUND(ABS(N({at['a_value']})-{executed}/{adjusted}*100),9)"
        return (f"IF(AND(COUNT({adjusted},{executed},{at['a_value']})=3,N({adjusted})>0,{at['a_place']}<2),"
                f"{gap}>MAX({plain(self.edition.tolerance.rate)},{step}/2),FALSE)")

    def total(self) -> str:
        """The sum of the scores down to the last row before the next block; a text among them is named."""
        scores = self.scores()
        top = self.plan.names["pe_funds"][0]
        funds = [self.name("funds", top, "score")] if ("funds", top, "score") in self.boxes else []
        texts = f"SUMPRODUCT(--(LEN(TRIM({scores}))>0))-COUNT({scores})"
        first = f'IFERROR("第"&MATCH("{ASK}",{scores},0)+ROW({cell_name(self.top, self.column("score"))})-1&"行{ASK}","有得分不是数")'
        funds_text = "".join(f'IF({_no_number(cell)},{cell},' for cell in funds)
        return (f'IFERROR({funds_text}IF({texts}>0,{first},IF(COUNT({",".join((*funds, scores))})=0,"",'
                f'ROUND(SUM({",".join((*funds, scores))}),6))){")" * len(funds)},"{BROKEN}")')

    def scores(self) -> str:
        """The scores, rows included that were inserted below the last one: how far they go is told by a cell beside them."""
        first = cell_name(self.top, self.column("score"))
        below = cell_name(self.bottom + 1, self.columns["share"])
        return f"OFFSET({first},0,0,ROW({below})-ROW({first}),1)"

    def without_formulas(self) -> str:
        """The last row with a weight and without its steps, as words: a row was inserted, and the formulas of the row above were not copied."""
        weight, share = self.column("weight"), self.columns["t_value"]
        height = f"ROW({cell_name(self.bottom + 1, self.columns['share'])})-ROW({cell_name(self.top, self.columns['share'])})"
        weights, steps = (f"OFFSET({cell_name(self.top, column)},0,0,{height},1)" for column in (weight, share))
        bare = f"(LEN({weights})>0)*(LEN({steps})=0)"
        return f'IF(SUMPRODUCT({bare})>0,"第"&LOOKUP(2,1/({bare}),ROW({weights}))&"行没有公式，请把上一行整行复制过来",{{}})'

    def funds_state(self, row: int, index: int) -> str:
        """What is open in a row of the funds block."""
        fields = [field for field in ("rate", "score") if ("funds", row, field) in self.boxes and (field == "rate" or index == 0)]
        formula, tolerance = '""', plain(self.edition.tolerance.money)
        top = row - index
        if all(("funds", row, field) in self.boxes for field in ("adjusted", "executed")):
            adjusted, executed = self.name("funds", row, "adjusted"), self.name("funds", row, "executed")
            formula = f'IF(AND(COUNT({adjusted},{executed})=2,ROUND(N({executed})-N({adjusted}),6)>{tolerance}),"执行数大于预算数",{formula})'
        columns = {column.field: column.heading for column in self.edition.funds_columns}
        for roles, words in ((STRUCTURE_ROLES, "资金结构"), (SOURCE_ROLES, "资金来源")) if index == 0 else ():
            rows = [top + n for n, role in enumerate(self.roles) if role in roles]
            for field in reversed(MONEY) if rows else ():
                total, parts = self.name("funds", row, field), ",".join(self.name("funds", one, field) for one in rows)
                formula = (f'IF(AND(COUNT({total})=1,COUNT({parts})>0,ABS(ROUND(SUM({parts})-N({total}),6))>{tolerance}),'
                           f'"{words}的{columns[field]}合计 "&ROUND(SUM({parts}),6)&"，与总额不等",{formula})')
        for field in reversed(fields):
            cell = self.name("funds", row, field)
            formula = f"IF({_no_number(cell)},{cell},{formula})"
        return f'IFERROR({formula},"{BROKEN}")'

    def open_points(self) -> str:
        """How much is open, in words: texts in 状态 that are no ✓, and sums of weights that are marked ✗."""
        top, state, help_column = self.plan.names["pe_funds"][0], self.column("state"), self.column("help")
        header = self.plan.header
        last = max(self.bottom, self.plan.names["pe_total"][0])
        spans = [(top, header - 1), (self.top, last)] + ([(self.plan.names["pe_total"][0],) * 2] if self.plan.names["pe_total"][0] < top else [])
        areas = [f"{cell_name(first, state)}:{cell_name(end, state)}" for first, end in spans]
        marks = f"{cell_name(self.top, help_column)}:{cell_name(last, help_column)}"
        count = "+".join(f'SUMPRODUCT((LEN(TRIM({area}))>0)*({area}<>"{DONE}"))' for area in areas) + f'+SUMPRODUCT(--(RIGHT({marks},1)="✗"))'
        return f'IFERROR(IF({count}=0,"没有待处理的","待处理 "&({count})&" 处"),"{BROKEN}")'


def native(plan: Plan, computed: list[Computed], edition: Edition) -> tuple[Plan, list[Computed]]:
    """The plan with the hidden columns and the count of open points, and its computed cells with native formulas.

    ``plan`` and ``computed`` are what ``beside.prepare`` gave. A cell keeps the figure of the core; where the core gives a reason
    instead, it holds what the formula says. The hidden cells have no value: every program works them out when it opens the file.
    """
    form = _Form(plan, edition)
    done = [_visible(form, one) for one in computed]
    boxes = [*plan.boxes]
    for row in range(form.top, form.bottom + 1):
        for key, formula in _steps(form.cells(row), form.steps(row), edition).items():
            boxes.append(Box(row, form.columns[key], row, form.columns[key], "step", "beside", row, key))
            done.append(Computed(row, form.columns[key], "beside", key, "", f"={formula}"))
    # below the form, where edition and year stand
    below, label = max(box.bottom for box in plan.boxes) + 1, plan.names["pe_edition"][1]
    boxes += [Box(below, label - 1, below, label - 1, "aside", "aside", 0, "label", "表样"),
              Box(below, label, below, label, "aside", "aside", 0, "form_version", str(FORM_VERSION))]
    names = plan.names | {"pe_form_version": (below, label) * 2}
    left, right = column_of(plan, "beside", "hand"), column_of(plan, "beside", "state")
    boxes.append(Box(0, left, 0, right, "computed", "beside", 0, "open"))
    said = [(one.field, str(one.value)) for one in done if one.field in ("help", "sum", "state", "refusal")]
    count = sum(text.endswith("✗") if field in ("help", "sum") else text not in ("", DONE) for field, text in said)
    done.append(Computed(0, left, "beside", "open", f"待处理 {count} 处" if count else "没有待处理的", f"={form.open_points()}"))
    return plan._replace(boxes=tuple(boxes), names=names, widths=(*plan.widths, *[0.0] * len(STEPS))), done


def described(plan: Plan) -> list[tuple[str, str]]:
    """The hidden columns of a plan, as (letter, what it holds)."""
    first = len(plan.widths) - len(STEPS)
    return [(f"{column_name(first + n)}列", step.meaning) for n, step in enumerate(STEPS)]


def _visible(form: _Form, one: Computed) -> Computed:
    """A computed cell with its native formula; those that have one already keep it."""
    edition, key = form.edition, (one.block, one.field)
    if key in (("funds", "rate"), ("tasks", "rate")):
        fields = ("adjusted", "executed") if one.block == "funds" else ("budget", "executed")
        may_be_nothing = one.block == "tasks" or one.row != form.plan.names["pe_funds"][0]
        formula = _rate(*(form.name(one.block, one.row, field) for field in fields), may_be_nothing)
    elif key == ("funds", "score"):
        formula = _funds_score(*(form.name("funds", one.row, field) for field in ("adjusted", "executed", "weight")), edition)
    elif one.block == "indicators":
        cell, at = form.cells(one.row), form.steps(one.row)
        formula = {"score": lambda: _score(cell, at, edition), "deviation": lambda: _deviation(at, edition),
                   "state": lambda: _state(cell, at, edition, form.rate_differs(one.row, at))}[one.field]()
    elif key == ("total", "score"):
        formula = form.total()
    elif key == ("total", "grade"):
        total, formula = cell_name(*form.plan.names["pe_total"][:2]), f'"{edition.grades[-1].name}"'
        for band in reversed(edition.grades[:-1]):
            formula = f'IF({total}>={plain(band.low)},"{band.name}",{formula})'
        formula = f'IF(ISNUMBER({total}),{formula},"")'
    elif one.field == "refusal":
        total = form.plan.names["pe_total"][0]
        formula = form.funds_state(one.row, one.row - form.plan.names["pe_funds"][0]) if one.row != total else _total_state(form)
    else:
        return one
    return one._replace(formula=f"={formula}", value=words_for(one))


def _total_state(form: _Form) -> str:
    total = cell_name(*form.plan.names["pe_total"][:2])
    return f"""IFERROR({form.without_formulas().format(f'IF({_no_number(total)},{total},"")')},"{BROKEN}")"""


def words_for(one: Computed) -> float | str:
    """The value of a cell: a figure of the core stands, a reason of the core becomes the short words of the formula."""
    if not isinstance(one.value, str) or not one.value or one.field not in ("rate", "score", "deviation"):
        return one.value
    if one.block in ("indicators", "total"):
        return NONE if one.field == "deviation" else ASK
    return NO_BUDGET if one.value.startswith("F112") else NO_NUMBER
