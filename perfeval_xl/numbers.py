"""The one door for numbers: exact decimals, half-up rounding, strict reading of "95%", "1,234.5", "66．6％".

Python's own float() takes "1_000", "nan", "inf" and "1e999"; a form's cell that says so is a mistake to be shown, so the grammar here is
written out and anything outside it is refused with a reason, never turned into 0.
"""

import re
from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl.patterns import Pattern

WHOLE_DIGITS = 15  # no amount, rate or count of a form comes near 10^15; Excel itself keeps 15 digits

# Wide enough that no figure of a form is rounded by accident; the default context would round at 28 digits.
EXACT = Context(prec=2000, rounding=ROUND_HALF_UP)
# the context's own methods: handing it to those of a figure takes three times as long
_quantize, _scaleb = EXACT.quantize, EXACT.scaleb

_AS_SHOWN = Context(prec=15, rounding=ROUND_HALF_UP, traps=[])


class Number(NamedTuple):
    """One cell read as a number.

    value: the exact figure, None for a blank or dash cell and when it cannot be read
    text: the cell as it stands, stripped, line breaks removed; a numeric cell in its shortest decimal form
    unit: "" or one of % ‰ 万元 元 亿元 分, as written after the figure; value is in this unit
    problem: "" fine; "text" not one number; "error" a spreadsheet error; "range" not finite or 10^15 and more
    """

    value: Decimal | None
    text: str
    unit: str = ""
    problem: str = ""


# str.translate with an explicit table, not NFKC: NFKC turns ① into 1, 5² into 52 and ½ into 1⁄2, which would invent figures.
# Figures copied from web pages and from the Windows calculator bring these along.
# The reversing mark U+202E is not among them: it shows a figure other than the one that is stored.
_INVISIBLE = dict.fromkeys(map(ord, "\xad\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u202d\u2060\ufeff"))
_FOLDS = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_FOLDS |= dict.fromkeys(map(ord, "\u3000\xa0\u2002\u2003\u2009\u202f"), " ")
_FOLDS |= _INVISIBLE
_FOLDS |= {ord(odd): usual for odd, usual in zip("≧⩾≦⩽═﹦﹥﹤﹪∶", "≥≥≤≤==><%:", strict=True)}


_FOLDED = frozenset(map(chr, _FOLDS))


def fold(text: str) -> str:
    """The text in half-width characters: full-width letters, digits and signs, odd spaces, and the look-alikes of ≥ ≤ = > < %.

    Minus look-alikes (− –) stay: only a number may decide that a dash is a sign.
    """
    return text if text.isascii() or _FOLDED.isdisjoint(text) else text.translate(_FOLDS)


_BREAKS = Pattern(r"\s*[\r\n\v\f\u2028\u2029]\s*")
_DIGITAL = frozenset("0123456789.,０１２３４５６７８９．，")


def _unbroken(match: re.Match) -> str:
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    # "1⏎2" must not become 12
    return " " if before in _DIGITAL and after in _DIGITAL else ""


def tidy(text: str) -> str:
    """The text of a cell for display: stripped, line breaks removed (a break between two digits stays as one space)."""
    text = text.strip()
    return text if text.isprintable() else _BREAKS.sub(_unbroken, text.translate(_INVISIBLE).strip())


_DASHES, _NOTHING = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212\u2500\ufe63", frozenset(("/", "\\", "*", "无", "@@@"))


def is_nothing(text: str | None) -> bool:
    """Whether a cell says "nothing here": empty, a dash of any kind, / * 无 or the vendor's @@@. (Source: DOMAIN.md a.5.)"""
    said = fold(text).strip() if text else ""
    return said in _NOTHING or not said.strip(_DASHES)


UNITS = ("%", "‰", "万元", "亿元", "元", "分")
FIGURE = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?"
_NUMBER = Pattern(rf"\s*([-+\u2212\u2013]?)\s*({FIGURE})\s*({'|'.join(UNITS)}|)\s*")
_ERROR = Pattern(r"#\s*[A-Za-z!]|Err:[0-9]+$")


def is_error(text: str) -> bool:
    """Whether the cell shows a spreadsheet error: #DIV/0!, #N/A, #NAME?, Err:502 ..."""
    return _ERROR.match(fold(text).strip()) is not None


def exact(sign: str, figure: str) -> Decimal | None:
    """The decimal of a figure in our grammar ("1,234.50"), with its sign ("" + - − –); None from 10^15 upwards. Minus zero is zero."""
    figure = figure.replace(",", "")
    if len(figure.partition(".")[0].lstrip("0")) > WHOLE_DIGITS:  # before Decimal(), so that a page of digits costs nothing
        return None
    value = Decimal(figure)
    return value.copy_negate() if sign and sign != "+" and value else value


def _from_text(raw: str) -> Number:
    text = tidy(raw)
    folded = fold(text)
    match = _NUMBER.fullmatch(folded)
    if match:
        sign, figure, unit = match.groups()
        value = exact(sign, figure)
        return Number(value, text, unit) if value is not None else Number(None, text, unit, "range")
    if is_nothing(text):
        return Number(None, text)
    return Number(None, text, "", "error" if is_error(folded) else "text")


def _from_decimal(value: Decimal, percent: bool) -> Number:
    unit, power = ("%", 2) if percent else ("", 0)
    # by exponent: writing 1E+999999 out would take a megabyte
    if not value.is_finite() or (value and value.adjusted() + power >= WHOLE_DIGITS):
        return Number(None, str(value.normalize(_AS_SHOWN)), unit, "range")
    value = shifted(value, power) if value else Decimal(0)
    return Number(value, plain(value) + unit, unit)


def _from_float(value: float, percent: bool) -> Number:
    """15 significant digits, as a sheet shows them."""
    text = repr(value)
    if len(text) > 16 or text[-2:] == ".0":  # the shortest text of a float is those digits where it has no more than 15
        text = format(value, ".15g")
    if percent or not text[-1].isdigit() or "e" in text or text == "-0":
        return _from_decimal(Decimal(text), percent)
    return tuple.__new__(Number, (Decimal(text), text, "", ""))


def _from_other(value: object) -> Number:
    if isinstance(value, Number):
        return value
    if hasattr(value, "isoformat"):
        return Number(None, value.isoformat().removesuffix("T00:00:00"), "", "text")
    return Number(None, tidy(str(value)), "", "text")


@lru_cache(maxsize=16384, typed=True)
def read_number(value: object, percent: bool = False) -> Number:
    """What a cell says as one number. Never raises on any value a grid can hold.

    value: None, text, int, float, Decimal, bool or a date; percent: the cell is numeric and formatted as a percentage (0.666 is 66.6%).
    A float is taken at 15 significant digits, as Excel shows it, so that 0.1+0.2 is 0.3. bool and dates are no numbers.
    Source: 本工具约定; the cases are in tests/cases/numbers.toml.
    """
    if value is None:
        return Number(None, "")
    if isinstance(value, str):
        return _from_text(value)
    if isinstance(value, float):
        return _from_float(value, percent)
    if isinstance(value, int) and not isinstance(value, bool):
        return _from_decimal(Decimal(value), percent)
    if isinstance(value, Decimal):
        return _from_decimal(value, percent)
    return _from_other(value)


def shifted(value: Decimal, power: int) -> Decimal:
    """value times 10 to the power, exactly (66.6% of 0.666, 元 of 万元)."""
    return _scaleb(value, power)


_PLACES = tuple(Decimal(1).scaleb(-places) for places in range(16))


def half_up(value: Decimal, places: int) -> Decimal:
    """value rounded 四舍五入 to so many decimals: 2.675 to 2 is 2.68, -0.125 to 2 is -0.13. Never minus zero."""
    step = _PLACES[places] if 0 <= places < 16 else Decimal(1).scaleb(-places)
    rounded = _quantize(value, step)
    return rounded if rounded else rounded.copy_abs()


def plain(value: Decimal, places: int | None = None) -> str:
    """The figure as printed in a form: with places at fixed decimals, half up ("-26.00"); without, the shortest ("66.6", "100").

    Never an exponent, never minus zero.
    """
    if places is not None:
        return format(half_up(value, places), "f")
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text if value else "0"


_PRINTED = Pattern(r"[0-9][0-9,]*(?:\.([0-9]+))?")


def printed_step(text: str) -> Decimal:
    """One unit of the last printed digit of the first figure in the text: "66.6%" 0.1, "23%" 1, "56.76" 0.01; 0 where no figure stands.

    Stated and computed figures are compared at the precision that was printed. Source: 本工具约定.
    """
    match = _PRINTED.search(fold(text))
    if not match:
        return Decimal(0)
    return Decimal(1).scaleb(-len(match[1] or ""))


_CHINESE_DIGITS = {word: str(digit) for digit, words in enumerate(("零〇", "一壹", "二两贰", "三叁", "四肆", "五伍", "六陆", "七柒",
                                                                 "八捌", "九玖")) for word in words}
_CHINESE_FOLDS = str.maketrans({**_CHINESE_DIGITS, "拾": "十", "佰": "百", "仟": "千", "萬": "万", "億": "亿"})
_NUMERAL = Pattern(rf"[{''.join(_CHINESE_DIGITS)}十百千万亿拾佰仟萬億点]{{1,60}}")
# after folding the digits, where a 0 stands for 零, the gap between places
_SECTION = Pattern(r"(?:([1-9])千)?(?:([1-9])百)?(?:0?([1-9]?)(十))?(?:(0?)([1-9]))?")
_WHOLE = Pattern(r"(?:([^万亿]+)亿)?(?:(0?)([^万亿]+)万)?(0?)([^万亿]*)")


def _section(text: str, above: int) -> int | None:
    """A Chinese numeral below ten thousand; above is the place before it (10 for nothing), so that 两万五 ends as 25000."""
    match = _SECTION.fullmatch(text)
    if not match:
        return None
    thousands, hundreds, tens, ten, gap, ones = match.groups()
    place = 10 if ten else 100 if hundreds else 1000 if thousands else above
    ones_worth = 1 if gap or place == 10 else place // 10
    return int(thousands or 0) * 1000 + int(hundreds or 0) * 100 + (int(tens or 1) * 10 if ten else 0) + int(ones or 0) * ones_worth


def _by_places(text: str) -> int | None:
    """二〇二一 is written by places; 三五 is "three to five" and refused."""
    if len(text) == 1:
        return int(text)
    return int(text) if text[0] != "0" and len(text) <= 15 and (len(text) >= 4 or "0" in text) else None


def _chinese_whole(text: str) -> int | None:
    match = _WHOLE.fullmatch(text)
    if not match or not text:
        return None
    hundred_millions, wide_gap, ten_thousands, gap, rest = match.groups()
    if (wide_gap and not hundred_millions) or (gap and not (rest and (hundred_millions or ten_thousands))):
        return None
    above = 10 if gap else 10**4 if ten_thousands else 10**8 if hundred_millions else 10
    worths = ((hundred_millions, 10, 10**8), (ten_thousands, 10, 10**4), (rest, above, 1))
    parts = [(_section(part, place), worth) for part, place, worth in worths if part]
    return None if any(value is None for value, _ in parts) else sum(value * worth for value, worth in parts)


def chinese_number(text: str) -> Decimal | None:
    """The value of a Chinese numeral: 九十五 95, 三千零五 3005, 两万 20000, 一点五 1.5, 二〇二一 2021. None when it is not wholly one."""
    text = text.strip()
    if not _NUMERAL.fullmatch(text):
        return None
    text = text.translate(_CHINESE_FOLDS)
    whole, point, decimals = text.partition("点")
    scale = decimals[-1:] if decimals[-1:] in ("万", "亿") else ""
    decimals = decimals.removesuffix(scale)
    value = _by_places(whole) if whole.isdigit() else _chinese_whole(whole)
    if value is None or (point and not decimals.isdigit()):
        return None
    return shifted(Decimal(f"{value}.{decimals}") if point else Decimal(value), {"": 0, "万": 4, "亿": 8}[scale])
