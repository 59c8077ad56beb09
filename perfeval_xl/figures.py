"""A sentence of a report -> its figures: what kind, how much, how exactly printed, and the words that lead to each.

Only the sentence is read here; what a figure belongs to on the form is decided by ``quotes``. Numerals are read however they are written:
６６．６％, 百分之六十六点六, 66.6个百分点, 855.66 万元, 8556600元, 八百五十五万元, 0.0856亿元, 九十六分.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from perfeval_xl.numbers import FIGURE, chinese_number, exact, fold, plain, printed_step, shifted
from perfeval_xl.patterns import Pattern

ZERO = Decimal(0)


class Figure(NamedTuple):
    """One figure of a sentence.

    kind: "money" (value in 万元), "percent" (percent points), "points" (分), "count", or "plain" where no unit stands
    step: one unit of the last printed digit, in the unit of value; unit: as printed; text: figure and unit as printed
    op: ">=" "<=" ">" "<" "" as written before or after it; loose: 约, 左右, 余; bound: the sign is a symbol (≥) and no word
    start, end: place in the sentence; lead: the words between the figure before (or the start) and this one
    """

    kind: str
    value: Decimal
    step: Decimal
    unit: str
    text: str
    op: str
    loose: bool
    bound: bool
    start: int
    end: int
    lead: str


class Sentence(NamedTuple):
    """A sentence, folded for reading (``text``); ``clauses`` holds (start, end, as printed), so that it can be quoted as it stands."""

    text: str
    clauses: tuple

    @property
    def printed(self) -> str:
        """The whole sentence as it stands in the report."""
        return "".join(clause for _, _, clause in self.clauses)

    def quote(self, start: int = 0, end: int = 0, longest: int = 66) -> str:
        """The clauses around a place, as printed, at most so many characters; … where something is left out."""
        first = last = next((n for n, (_, stop, _) in enumerate(self.clauses) if start < stop), len(self.clauses) - 1)
        while last + 1 < len(self.clauses) and self.clauses[last + 1][0] < end:
            last += 1
        size = sum(len(clause) for _, _, clause in self.clauses[first : last + 1])
        while first and size + len(self.clauses[first - 1][2]) <= longest:
            first -= 1
            size += len(self.clauses[first][2])
        while last + 1 < len(self.clauses) and size + len(self.clauses[last + 1][2]) <= longest:
            last += 1
            size += len(self.clauses[last][2])
        text = "".join(clause for _, _, clause in self.clauses[first : last + 1]).strip("，；：,;: ")
        text = text if len(text) <= longest * 2 else f"{text[: longest * 2]}…"
        return f"{'…' if first else ''}{text}{'…' if last + 1 < len(self.clauses) else ''}"


# ---- sentences ----

#: the longest sentence of the published reports has some 500 characters
LONGEST = 800
_END = Pattern("(?<=[。！？!?])")
_CLAUSE = Pattern("(?<=[，；;：:])|(?<=[^0-9],)|(?<=[0-9],)(?![0-9]{3}(?![0-9]))")
_RUN = Pattern("[^，；;：:]*[，；;：:]|[^，；;：:]+")
#: half width without quotation marks; the comma ， stays, or 一，二 and 1,000 would be alike
_FOLDS = {code: fold(chr(code)) for block in (range(0xA0, 0x100), range(0x2000, 0x2070), range(0x2200, 0x2300), range(0x2550, 0x2551),
                                              range(0x2A70, 0x2A80), range(0x3000, 0x3001), range(0xFE50, 0xFE70), range(0xFF01, 0xFF5F))
          for code in block if fold(chr(code)) != chr(code) and code != ord("，")} | dict.fromkeys(map(ord, "“”\"‘’'「」『』"))
_WIDE_THOUSANDS = Pattern("(?<![０-９])[０-９]{1,3}(?:[，,][０-９]{3})+(?![０-９])")
_SPACES = Pattern(r"(?<![0-9.,A-Za-z])\s+|\s+(?![0-9A-Za-z])")
_NUMERAL = "[零〇一二两三四五六七八九十百千万亿点壹贰叁肆伍陆柒捌玖拾佰仟萬億]"
_WORDED = Pattern(
    rf"(?P<share>[百千])分之(?P<of>{_NUMERAL}+|{FIGURE})"
    rf"|(?P<money>{_NUMERAL}{{1,30}}?)(?P<scale>[万亿萬億]?)(?P<yuan>元)"
    rf"|(?<=[得为是计共达评分值:])(?P<points>{_NUMERAL}{{1,12}})分(?![之别析散工管类解布歧配局支子行期批档级段钟])"
    rf"|(?P<points2>{_NUMERAL}{{1,8}}点{_NUMERAL}{{1,4}}|(?<=[标理率]){_NUMERAL}{{1,6}}(?=分[，;。、)]))分"
    rf"(?![之别析散工管类解布歧配局支子行期批档级段钟])"
    rf"|(?P<percent>{_NUMERAL}{{1,12}})(?=个?百分点)"
    rf"|(?P<count>{_NUMERAL}{{1,6}})(?=[个项条类]?(?:[一二三]级|绩效)指标)"
    rf"|(?<=指标)(?P<lead>[共有为设置合计]{{0,4}})(?P<count2>{_NUMERAL}{{1,6}})(?=[个项条])"
    rf"|(?<=等)(?P<lead3>共?)(?P<count3>{_NUMERAL}{{1,6}})(?=[个项条])"
)


_MAY_BE_WORDED = Pattern(f"分之|{_NUMERAL}(?:元|分|个?百分点|[个项条类]|[一二三]级)")


def _arabic(match: re.Match) -> str:
    """A Chinese numeral that counts, in digits; the text as it is where it is no number."""
    if match["share"]:
        sign = "%" if match["share"] == "百" else "‰"
        return match["of"] + sign if match["of"][0].isdigit() else _or_same(
            Decimal(100) if match["of"] == "百" else chinese_number(match["of"]), match[0], "{}" + sign)
    if match["money"]:
        return _or_same(chinese_number(match["money"]), match[0], "{}" + match["scale"].translate(str.maketrans("萬億", "万亿")) + "元") \
            if not match["scale"] or not set(match["money"]) & set("万亿萬億") else _or_same(
                chinese_number(match["money"] + match["scale"]), match[0], "{}元")
    shapes = (("points", "{}分"), ("points2", "{}分"), ("percent", "{}"), ("count", "{}"), ("count2", f"{match['lead']}{{}}"),
              ("count3", f"{match['lead3']}{{}}"))
    for name, shape in shapes:
        if match[name]:
            return _or_same(chinese_number(match[name]), match[0], shape)
    return match[0]


def _or_same(value: Decimal | None, text: str, shape: str) -> str:
    return text if value is None else shape.format(plain(value))


def normal(text: str) -> str:
    """A text for reading: half width, without quotation marks and needless spaces, numerals in digits. The comma 、 of lists stays 、."""
    text = text.translate(_FOLDS).strip()
    if " " in text or not text.isprintable():
        text = _SPACES.sub("", text)
    return _WORDED.sub(_arabic, text) if _MAY_BE_WORDED.search(text) else text


def sentences(paragraph: str) -> list[Sentence]:
    """The sentences of a paragraph; a semicolon parts clauses, not sentences."""
    found = []
    if not paragraph.isascii():  # １３，８８７，５００ is one number, and its commas part no clauses
        paragraph = _WIDE_THOUSANDS.sub(lambda match: fold(match[0]), paragraph)
    for printed in _END.split(paragraph) if len(paragraph) <= LONGEST else _short(paragraph):
        if not printed.strip():
            continue
        whole = normal(printed)
        folded, clauses = _clauses(whole), _clauses(printed)
        if len(folded) != len(clauses):  # a mark of one is none of the other: clause by clause then
            folded = [normal(clause) for clause in clauses]
        folded = [clause[:-1] + "，" if clause.endswith(",") else clause for clause in folded]
        ends = list(accumulate(map(len, folded)))
        found.append(Sentence("".join(folded), tuple(zip([0, *ends], ends, map(_unspaced, clauses), strict=False))))
    return found


def _clauses(text: str) -> list[str]:
    """A sentence at its commas, semicolons and colons; a comma of ASCII that parts thousands parts no clauses."""
    return _CLAUSE.split(text) if "," in text else _RUN.findall(text)


def _short(paragraph: str) -> Iterator[str]:
    """The sentences of a long paragraph, those that no person writes cut into pieces: the patterns that read them take more than their length."""
    for printed in _END.split(paragraph):
        yield from (printed[start : start + LONGEST] for start in range(0, len(printed), LONGEST))


def _unspaced(text: str) -> str:
    """As printed, without the spaces that only a line break or a typist left between Chinese characters."""
    return text if text.isprintable() and " " not in text else re.sub(r"(?<![0-9A-Za-z])\s+|\s+(?![0-9A-Za-z])", "", text)


# ---- figures ----

_OPERATORS = {"≥": ">=", ">=": ">=", "≤": "<=", "<=": "<=", ">": ">", "<": "<", "不低于": ">=", "不少于": ">=", "不小于": ">=", "大于等于": ">=",
              "至少": ">=", "不高于": "<=", "不超过": "<=", "不大于": "<=", "小于等于": "<=", "大于": ">", "高于": ">", "超过": ">", "逾": ">",
              "小于": "<", "低于": "<", "不足": "<", **dict.fromkeys(("未超过", "没有超过", "未高于", "没有高于", "未突破"), "<="),
              **dict.fromkeys(("未低于", "没有低于"), ">=")}
_SUFFIXES = {"以上": ">=", "以下": "<=", "以内": "<=", "之内": "<="}
_MEASURES = ("[人户场批台件架辆册车班趟例]次|[平立]方(?:公里|千米|米)|课时|学时|小时|工作日|千瓦时|千瓦|兆瓦|公里|千米|公顷|公斤|千克|台套|机组|个月"
             "|个(?!百分点)|[项条次件人名家户场份篇期批座台套辆处所起例部本节天吨亩宗只棵册种类门轮位村镇笔幅幢栋间株头张艘枚盏眼根羽尾箱组队班支米]")
_UNITS = (rf"%|‰|个?百分点|(?:[百千]?万|亿|千)?元|[万千百亿]?(?:{_MEASURES})|[万亿](?![平立])"
          rf"|分(?![之别析散工管类解布歧配局支子行期批档级段钟])")
_FIGURE = Pattern(
    rf"(?P<op>{'|'.join(sorted(_OPERATORS, key=len, reverse=True))}|=)?(?P<about>大约|(?<![签预节条制合公契邀违])约|将近|(?<![附邻临])近)?"
    rf"(?P<sign>(?<![0-9A-Za-z%\u4e00-\u9fff])-)?(?<![0-9A-Za-z.〔\[·/第-])(?P<fig>{FIGURE})(?![0-9.]*[0-9])"
    rf"(?P<more>[余多来几])?(?P<unit>{_UNITS})?(?P<after>(?:及|或)?以[上下内]|之内|左右|上下)?")
#: what follows a figure that is a date, a number of a document, a rank, or one end of a range
_NO_QUANTITY = Pattern(r"\s*(?:年|月|日|号|届|时|点|版|级|#|\)|〕|\]|·|:[0-9]|[-~—至到]{1,2}[0-9]|\((?:不?含)\)|[A-Za-z])")
_LIST_NUMBER = Pattern(r"[.、](?![0-9])")
_SCALES = {"元": -4, "千元": -1, "百元": -2, "万元": 0, "万": 0, "百万元": 2, "千万元": 3, "亿元": 4, "亿": 4}


def figures(text: str) -> list[Figure]:
    """The figures of a folded sentence, in their order."""
    found: list[Figure] = []
    last = 0
    for match in _FIGURE.finditer(text):
        value = exact(match["sign"] or "", match["fig"])
        if value is None or _is_no_quantity(text, match):
            continue
        kind, power = _kind(match["unit"])
        after = match["after"] or ""
        op = _OPERATORS.get(match["op"] or "") or _SUFFIXES.get(after[-2:], "")
        found.append(Figure(
            kind, shifted(value, power), shifted(printed_step(match["fig"]), power), match["unit"] or "", match["fig"] + (match["unit"] or ""),
            op, bool(match["about"] or match["more"] or after in ("左右", "上下")), match["op"] in ("≥", "≤", ">", "<", ">=", "<="),
            match.start(), match.end(), text[last : match.start()]))
        last = match.end()
    return found


def _is_no_quantity(text: str, match: re.Match) -> bool:
    unit, end = match["unit"], match.end()
    if unit is None and (_NO_QUANTITY.match(text, end) or (match.start() == 0 and _LIST_NUMBER.match(text, end))):
        return True
    if unit is None and re.match(r"[.、]", text[end : end + 1]) and text[match.start() - 1 : match.start()] in ("", ":", "。"):
        return True  # 1. 2. inside a paragraph
    before = text[max(match.start() - 3, 0) : match.start()]
    if text[end : end + 1] in ("/", "÷", "×", "*", "+") or before[-1:] in ("÷", "×", "*", "+"):
        return True  # a term of a formula
    return bool(re.search(r"[0-9%分)][-~—至到]{1,2}$", before)) or bool(unit and re.match(r"[-~—至][0-9]", text[end:]))


@lru_cache(maxsize=256)
def _kind(unit: str | None) -> tuple[str, int]:
    if unit is None:
        return "plain", 0
    if unit in _SCALES:
        return "money", _SCALES[unit]
    if unit == "分":
        return "points", 0
    return ("percent", -1 if unit == "‰" else 0) if unit in ("%", "‰") or "百分点" in unit else ("count", 0)


def same(figure: Figure, value: Decimal, tolerance: Decimal) -> bool:
    """Whether a figure says this value: within the tolerance, or rounded as it is printed (83.2 for 83.19, 23% for 23.18%), a whole amount or
    rate also cut off (八百五十五万元 for 855.66); 左右 within 5%."""
    gap = abs(figure.value - value)
    if gap <= tolerance or gap * 2 <= figure.step:
        return True
    if figure.kind in ("money", "percent") and "." not in figure.text and figure.value and ZERO < value - figure.value < figure.step:
        return True
    if figure.op in (">=", ">") and not figure.bound:
        return value >= figure.value
    if figure.op in ("<=", "<") and not figure.bound:
        return value <= figure.value
    return figure.loose and gap * 20 <= abs(value)
