"""What the native formulas of the form give, worked out here: the values that a macro-free form holds before any program has opened it.

No spreadsheet program, only the functions and signs that ``formulas`` uses. A function over a list (``{1,2}``, an area) gives a list, as in a
SUMPRODUCT. Every stored value is held against LibreOffice cell by cell (tests/test_formulas.py).
"""

import datetime
import math
import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from perfeval_xl.model import column_number
from perfeval_xl.numbers import half_up
from perfeval_xl.patterns import Pattern

#: a number, a text, TRUE or FALSE, None for a blank cell, an Error, or a list of these
Value = Any


class Error:
    """#VALUE!, #DIV/0!, #N/A: which one matters nowhere."""


ERROR = Error()
#: days are counted from here
_DAY_ZERO = datetime.date(1899, 12, 30)


class Area(NamedTuple):
    """Cells of a sheet, zero-based and inclusive; sheet "" is the form."""

    sheet: str
    top: int
    left: int
    bottom: int
    right: int


class Book(NamedTuple):
    """What formulas look into: ``cell`` gives the value at (sheet, row, column), ``names`` the cells behind the names, ``shown`` the number
    format of a cell of the form as CELL("format") has it ("P2" a percentage)."""

    cell: Callable[[str, int, int], Value]
    names: dict[str, Area]
    shown: Callable[[int, int], str]


class _Here(NamedTuple):
    book: Book
    row: int
    column: int

    def value(self, found: Value) -> Value:
        """The content of an area; anything else as it is."""
        if not isinstance(found, Area):
            return found
        sheet, top, left, bottom, right = found
        if (top, left) == (bottom, right):
            return self.book.cell(sheet, top, left)
        return [self.book.cell(sheet, row, column) for row in range(top, bottom + 1) for column in range(left, right + 1)]


_Formula = Callable[[_Here], Value]


def worked_out(formula: str, row: int, column: int, book: Book) -> Value:
    """What a formula ("=SUM(A1:A3)") in a cell of the form gives: a float, a text or ERROR."""
    here = _Here(book, row, column)
    found = here.value(_compiled(_relative(formula, row))(here))
    found = found[0] if isinstance(found, list) else found
    return 0.0 if found is None else float(found) if isinstance(found, (bool, int)) else found


# ---- reading a formula ----

_OWN_ROW = Pattern(r'("[^"]*")|(?<![A-Za-z0-9_$!])([A-Z]{1,2})([0-9]+)(?![0-9A-Za-z_(])')


def _relative(formula: str, row: int) -> str:
    """The formula with its own row as @, so that the formulas of a column are read once."""
    own = str(row + 1)
    return _OWN_ROW.sub(lambda found: f"{found[2]}@" if found[3] == own else found[0], formula)


_TOKEN = Pattern(r"""(?P<text>"(?:[^"]|"")*")|(?P<number>[0-9]+(?:\.[0-9]+)?)|(?P<array>\{[^}]*\})
    |(?P<area>(?:'[^']+'!)?\$?[A-Z]{1,2}\$?(?:[0-9]+|@)(?![A-Za-z_(0-9]))|(?P<whole>[A-Z]{1,2}:[A-Z]{1,2}(?![A-Z0-9(]))
    |(?P<name>[A-Za-z_]+)|(?P<sign><>|>=|<=|[-+*/^&=<>(),:])""", re.X)
_REFERENCE = Pattern(r"(?:'([^']+)'!)?\$?([A-Z]+)\$?([0-9]+|@)")
_ELEMENT = Pattern(r'"((?:[^"]|"")*)"|(-?[0-9.]+)')
#: from loose to tight
_LEVELS = (("=", "<>", "<=", ">=", "<", ">"), ("&",), ("+", "-"), ("*", "/"), ("^",))


@lru_cache(maxsize=2048)
def _compiled(formula: str) -> _Formula:
    tokens, place = [], 1
    while place < len(formula):
        match = _TOKEN.match(formula, place)
        if match is None:
            raise ValueError(f"not a formula of this form: {formula[place:place + 40]}")
        tokens.append((match.lastgroup, match[0]))
        place = match.end()
    reader = _Reader(tokens)
    found = reader.level(0)
    if reader.place != len(tokens):
        raise ValueError(f"not a formula of this form: {formula[:80]}")
    return found


class _Reader:
    """Turns tokens into functions of the cell in which the formula stands."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self.tokens, self.place = [*tokens, ("end", "")], 0

    def taken(self, *signs: str) -> str:
        kind, word = self.tokens[self.place]
        if kind == "sign" and word in signs:
            self.place += 1
            return word
        return ""

    def level(self, depth: int) -> _Formula:
        if depth == len(_LEVELS):
            return self.single()
        left = self.level(depth + 1)
        while sign := self.taken(*_LEVELS[depth]):
            left = _joined(_SIGNS[sign], left, self.level(depth + 1))
        return left

    def single(self) -> _Formula:
        if self.taken("-"):
            one = self.single()
            return _joined(_SIGNS["-"], lambda here: 0.0, one)
        if self.taken("("):
            inner = self.level(0)
            self.taken(")")
            return inner
        kind, word = self.tokens[self.place]
        self.place += 1
        if kind == "text":
            return _constant(word[1:-1].replace('""', '"'))
        if kind == "number":
            return _constant(float(word))
        if kind == "array":
            array = [text.replace('""', '"') if not number else float(number) for text, number in _ELEMENT.findall(word)]
            return lambda here: array
        if kind == "whole":
            column = column_number(word.partition(":")[0])
            return lambda here: Area("", 0, column, 0, column)
        if kind == "area":
            return self.area(word)
        if kind == "name" and self.taken("("):
            return self.function(word)
        if word in ("TRUE", "FALSE"):
            return lambda here: word == "TRUE"
        return lambda here: here.book.names[word]

    def area(self, word: str) -> _Formula:
        first = _reference(word)
        if not self.taken(":"):
            return first
        last = self.single()

        def area(here: _Here) -> Area:
            one, other = first(here), last(here)
            return Area(one.sheet, one.top, one.left, other.bottom, other.right)

        return area

    def function(self, name: str) -> _Formula:
        arguments: list[_Formula] = []
        while not self.taken(")"):
            arguments.append(self.level(0))
            self.taken(",")
        constants = [getattr(argument, "constant", None) for argument in arguments]
        if name == "CHAR" and constants[0] is not None:
            return _constant(chr(int(constants[0])))
        if name == "SUBSTITUTE" and len(arguments) == 3 and None not in constants[1:]:
            return _swapped(arguments[0], constants[1], constants[2])
        if name in _LAZY:
            return lambda here: _LAZY[name](here, *arguments)
        plain, whole = _PLAIN.get(name), _WHOLE.get(name)
        if whole is not None:
            return lambda here: whole(*[here.value(argument(here)) for argument in arguments])
        return lambda here: _each(plain, *[here.value(argument(here)) for argument in arguments])


def _constant(value: Value) -> _Formula:
    def constant(here: _Here) -> Value:
        return value

    constant.constant = value
    return constant


def _swapped(text_of: _Formula, old: str, new: str) -> _Formula:
    """SUBSTITUTE with constant words; dozens of them one in the other are one chain."""
    inner, pairs = getattr(text_of, "chain", (text_of, ()))
    pairs = *pairs, (old, new)

    def swap(value: Value) -> str:
        swapped = text(value)
        for old, new in pairs:
            swapped = swapped.replace(old, new)
        return swapped

    def swapped(here: _Here) -> Value:
        return _each(swap, here.value(inner(here)))

    swapped.chain = inner, pairs
    return swapped


def _reference(word: str) -> _Formula:
    sheet, letters, row = _REFERENCE.fullmatch(word).groups()
    column, sheet = column_number(letters), sheet or ""
    if row == "@":
        return lambda here: Area(sheet, here.row, column, here.row, column)
    area = Area(sheet, int(row) - 1, column, int(row) - 1, column)
    return lambda here: area


# ---- signs and functions ----


def _each(function: Callable, *arguments: Value) -> Value:
    """A function of single values, for each element where arguments are lists; an error among them is the result."""
    lists = [argument for argument in arguments if isinstance(argument, list)]
    if not lists:
        return _once(function, arguments)
    length = max(map(len, lists))
    return [_once(function, [argument[n] if isinstance(argument, list) else argument for argument in arguments]) for n in range(length)]


def _once(function: Callable, arguments: Any) -> Value:
    if ERROR in arguments and function not in _SEES_ERRORS:
        return ERROR
    try:
        return function(*arguments)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError):
        return ERROR


def _joined(sign: Callable, left: _Formula, right: _Formula) -> _Formula:
    return lambda here: _each(sign, here.value(left(here)), here.value(right(here)))


def text(value: Value) -> str:
    """A value as a formula joins it to a text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return value if isinstance(value, str) else f"{value:.15g}"


def _number(value: Value) -> float:
    return 0.0 if value is None else float(value)


def _order(value: Value, other: Value) -> tuple:
    """Numbers stand before texts before TRUE and FALSE; a blank is what the other one is."""
    if value is None:
        return _order(False if isinstance(other, bool) else "" if isinstance(other, str) else 0.0, "")
    if isinstance(value, bool):
        return 2, value
    return (1, value.lower()) if isinstance(value, str) else (0, value)


def _compared(test: Callable) -> Callable:
    return lambda one, other: test(_order(one, other), _order(other, one))


_SIGNS: dict[str, Callable] = {
    "+": lambda one, other: _number(one) + _number(other), "-": lambda one, other: _number(one) - _number(other),
    "*": lambda one, other: _number(one) * _number(other), "/": lambda one, other: _number(one) / _number(other),
    "^": lambda one, other: _number(one) ** _number(other), "&": lambda one, other: text(one) + text(other),
    "=": _compared(lambda one, other: one == other), "<>": _compared(lambda one, other: one != other),
    "<": _compared(lambda one, other: one < other), ">": _compared(lambda one, other: one > other),
    "<=": _compared(lambda one, other: one <= other), ">=": _compared(lambda one, other: one >= other),
}


def _is_number(value: Value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_error(value: Value) -> bool:
    return value is ERROR


def _numbers(values: Any) -> list[float]:
    """The numbers among arguments; an error among them goes on as an exception."""
    found = []
    for value in values:
        if value is ERROR:
            raise ValueError
        found += _numbers(value) if isinstance(value, list) else [value] if _is_number(value) else []
    return found


def _flat(values: Any) -> list:
    return [one for value in values for one in (value if isinstance(value, list) else [value])]


def _safe(function: Callable) -> Callable:
    """An aggregate over whole arguments; what it cannot do is an error."""
    def guarded(*arguments: Value) -> Value:
        return _once(function, arguments) if ERROR not in arguments else ERROR
    return guarded


def _product_sum(*arguments: Value) -> float:
    columns = [argument if isinstance(argument, list) else [argument] for argument in arguments]
    if any(one is ERROR for column in columns for one in column):
        raise ValueError
    return math.fsum(math.prod(_number(one) if _is_number(one) else 0.0 for one in line) for line in zip(*columns, strict=True))


def _match(wanted: Value, among: Value, _: Value) -> float:
    values = among if isinstance(among, list) else [among]
    if wanted is ERROR:
        raise ValueError
    return float([_order(one, wanted) if one is not None else None for one in values].index(_order(wanted, "")) + 1)


def _lookup(wanted: Value, among: list, results: list) -> Value:
    """The last one that is no error, which is how the form uses it."""
    return [result for one, result in zip(among, results, strict=True) if _is_number(one)][-1]


def _find(wanted: Value, within: Value, start: float = 1.0) -> float:
    return float(text(within).index(text(wanted), int(start) - 1) + 1)


def _mid(value: Value, start: float, count: float) -> str:
    if start < 1 or count < 0:
        raise ValueError
    return text(value)[int(start) - 1 : int(start) - 1 + int(count)]


def _end(count: float) -> int:
    if count < 0:
        raise ValueError
    return int(count)


def _right(value: Value, count: float = 1.0) -> str:
    return text(value)[max(0, len(text(value)) - _end(count)) :]


def _substitute(value: Value, old: str, new: str, nth: float | None = None) -> str:
    if nth is None:
        return text(value).replace(old, new)
    pieces = text(value).split(old)
    return text(value) if len(pieces) <= nth else old.join(pieces[: int(nth)]) + new + old.join(pieces[int(nth) :])


def _round(value: Value, places: Value) -> float:
    return float(half_up(Decimal(format(_number(value), ".15g")), int(places)))


def _formatted(value: Value, shape: str) -> str:
    return f"{int(value):,}" if shape == "#,##0" else plain_places(value)


def plain_places(value: float) -> str:
    """TEXT(…, "0.00")."""
    return f"{half_up(Decimal(repr(value)), 2):f}"


def _date(year: float, month: float, day: float) -> float:
    """The number of a day as Excel counts; beyond the end of its month it is a day of the next one."""
    year, month = year + (month - 1) // 12, (month - 1) % 12 + 1
    return float((datetime.date(int(year), int(month), 1) - _DAY_ZERO).days + int(day) - 1)


def _day_of(serial: Value) -> datetime.date:
    return _DAY_ZERO + datetime.timedelta(int(_number(serial)))


_PLAIN: dict[str, Callable] = {
    "ABS": lambda value: abs(_number(value)), "CHAR": lambda code: chr(int(code)), "DATE": _date, "DAY": lambda serial: float(_day_of(serial).day),
    "YEAR": lambda serial: float(_day_of(serial).year), "MONTH": lambda serial: float(_day_of(serial).month),
    "EXACT": lambda one, other: text(one) == text(other), "FIND": _find, "INT": lambda value: float(math.floor(_number(value))),
    "ISERROR": _is_error, "ISNUMBER": _is_number, "ISTEXT": lambda value: isinstance(value, str),
    "LEFT": lambda value, count=1.0: text(value)[: _end(count)], "LEN": lambda value: float(len(text(value))),
    "MID": _mid, "N": lambda value: float(value) if isinstance(value, (int, float)) else 0.0, "NOT": lambda value: not _number(value),
    "REPT": lambda value, count: text(value) * int(count), "RIGHT": _right,
    "ROUND": _round, "SUBSTITUTE": _substitute, "TEXT": _formatted, "TRIM": lambda value: " ".join(part for part in text(value).split(" ") if part),
    "VALUE": lambda value: float(text(value)),
}
_SEES_ERRORS = frozenset((_is_error, _is_number))
_WHOLE: dict[str, Callable] = {
    "AND": _safe(lambda *values: all(map(_number, _flat(values)))), "OR": _safe(lambda *values: any(map(_number, _flat(values)))),
    "COUNT": lambda *values: float(sum(map(_is_number, _flat(values)))), "MATCH": _safe(_match), "LOOKUP": _safe(_lookup),
    "MAX": _safe(lambda *values: max(_numbers(values), default=0.0)), "MIN": _safe(lambda *values: min(_numbers(values), default=0.0)),
    "SUM": _safe(lambda *values: math.fsum(_numbers(values))), "SUMPRODUCT": _safe(_product_sum),
}


def _if(here: _Here, test: _Formula, yes: _Formula, no: _Formula = lambda here: False) -> Value:
    found = here.value(test(here))
    if isinstance(found, list):
        return [(yes if one else no)(here) for one in found]
    return ERROR if found is ERROR or isinstance(found, str) else (yes if found else no)(here)


def _if_error(here: _Here, value: _Formula, other: _Formula) -> Value:
    found = here.value(value(here))
    return here.value(other(here)) if found is ERROR else found


def _offset(here: _Here, start: _Formula, down: _Formula, right: _Formula, height: _Formula, width: _Formula) -> Area:
    area = start(here)
    top, left = area.top + int(down(here)), area.left + int(right(here))
    return Area(area.sheet, top, left, top + int(here.value(height(here))) - 1, left + int(width(here)) - 1)


def _index(here: _Here, area: _Formula, place: _Formula) -> Value:
    found, number = area(here), here.value(place(here))
    if not isinstance(found, Area):
        return ERROR if number is ERROR or not 1 <= number <= len(found) else found[int(number) - 1]
    if number is ERROR:
        return ERROR
    return Area(found.sheet, found.top + int(number) - 1, found.left, found.top + int(number) - 1, found.left)


def _row(here: _Here, area: _Formula | None = None) -> Value:
    found = area(here)
    return float(found.top + 1) if found.top == found.bottom else [float(row + 1) for row in range(found.top, found.bottom + 1)]


def _cell(here: _Here, what: _Formula, area: _Formula) -> str:
    found = area(here)
    return here.book.shown(found.top, found.left)


_LAZY: dict[str, Callable] = {"IF": _if, "IFERROR": _if_error, "OFFSET": _offset, "INDEX": _index, "ROW": _row, "CELL": _cell}
