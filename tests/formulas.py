"""The few spreadsheet formulas that the form holds, worked out: enough of the language to hold a cell's formula against its stored value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from perfeval_xl import udfs

_TOKEN = re.compile(r"""\s*(?:(?P<text>"[^"]*")|(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<area>\$?[A-Z]{1,2}\$?[0-9]+:\$?[A-Z]{1,2}\$?[0-9]+|[A-Z]{1,2}:[A-Z]{1,2}(?![A-Z0-9]))
    |(?P<cell>\$?[A-Z]{1,2}\$?[0-9]+(?![A-Za-z_(]))|(?P<name>[A-Za-z_][A-Za-z_.0-9]*)|(?P<sign><>|>=|<=|[-+*/&=<>(),:]))""", re.X)


def evaluate(formula: str, cell: Callable[[int, int], Any], names: dict[str, Any]) -> Any:
    """What a formula gives; ``cell`` hands out the value at a zero-based row and column, None where it is blank."""
    tokens, place = [], 1
    while place < len(formula):
        match = _TOKEN.match(formula, place)
        assert match, formula[place:]
        tokens.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    reader = _Reader(tokens, cell, names)
    value = reader.compared()()
    assert not reader.tokens, reader.tokens
    return value


def place_of(reference: str) -> tuple[int, int]:
    """"$C$15" -> (14, 2)."""
    letters, row = re.fullmatch(r"\$?([A-Z]+)\$?([0-9]+)", reference).groups()
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(row) - 1, column - 1


class _Reader:
    """Turns tokens into functions without arguments, so that IF works out one branch only."""

    def __init__(self, tokens: list, cell: Callable, names: dict) -> None:
        self.tokens, self.cell, self.names = tokens, cell, names

    def next(self, *signs: str) -> str:
        if self.tokens and self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            return self.tokens.pop(0)[1]
        return ""

    def chain(self, part: Callable, signs: dict[str, Callable]) -> Callable:
        left = part()
        while sign := self.next(*signs):
            right, one = part(), left
            left = lambda sign=sign, one=one, right=right: signs[sign](one(), right())  # noqa: E731
        return left

    def compared(self) -> Callable:
        return self.chain(self.joined, {"=": lambda a, b: _same(a, b), "<>": lambda a, b: not _same(a, b), ">": lambda a, b: (a or 0) > b,
                                        "<": lambda a, b: (a or 0) < b})

    def joined(self) -> Callable:
        return self.chain(self.added, {"&": lambda a, b: _text(a) + _text(b)})

    def added(self) -> Callable:
        return self.chain(self.multiplied, {"+": lambda a, b: (a or 0) + (b or 0), "-": lambda a, b: (a or 0) - (b or 0)})

    def multiplied(self) -> Callable:
        return self.chain(self.single, {"*": lambda a, b: a * b, "/": lambda a, b: a / b})

    def single(self) -> Callable:
        kind, word = self.tokens.pop(0)
        if kind == "text":
            return lambda: word[1:-1]
        if kind == "number":
            return lambda: float(word)
        if kind == "cell":
            return self.reference(word)
        if kind == "area":
            return lambda: self.block(*map(place_of, word.split(":"))) if word[-1].isdigit() else word
        if word == "(":
            inner = self.compared()
            assert self.next(")")
            return inner
        if not self.next("("):
            return lambda: self.names[word]
        arguments = []
        while not self.next(")"):
            arguments.append(self.compared())
            self.next(",")
        return self.function(word, arguments)

    def reference(self, word: str) -> Callable:
        if self.next(":"):  # G15:INDEX(G:G,ROW(G35)-1)
            end = self.single()
            return lambda: self.block(place_of(word), (int(end()), place_of(word)[1]))
        place = place_of(word)
        value = lambda: self.cell(*place)  # noqa: E731
        value.place = place
        return value

    def block(self, first: tuple[int, int], last: tuple[int, int]) -> list[list]:
        return [[self.cell(row, column) for column in range(first[1], last[1] + 1)] for row in range(first[0], last[0] + 1)]

    def function(self, name: str, arguments: list[Callable]) -> Callable:
        if name.startswith("PE_"):
            return lambda: getattr(udfs, name)(*[argument() for argument in arguments])
        if name == "IF":
            return lambda: (arguments[1] if arguments[0]() else arguments[2])()
        if name == "ROW":
            return lambda: arguments[0].place[0] + 1
        if name == "INDEX":
            return lambda: arguments[1]() - 1
        plain: dict[str, Callable] = {
            "AND": lambda *v: all(v), "ABS": abs, "MAX": max, "ISTEXT": lambda v: isinstance(v, str), "N": lambda v: v if _number(v) else 0.0,
            "LEN": lambda v: len(_text(v)), "TRIM": lambda v: _text(v).strip(), "RIGHT": lambda v, n: _text(v)[-int(n):], "ISNUMBER": _number,
            "COUNT": lambda *v: sum(map(_number, _flat(v))), "SUM": lambda *v: math.fsum(one for one in _flat(v) if _number(one)),
            "ROUND": lambda v, n: float(Decimal(repr(v)).quantize(Decimal(1).scaleb(-int(n)), ROUND_HALF_UP)), "TEXT": lambda v, f: f"{v:.2f}"}
        return lambda: plain[name](*[argument() for argument in arguments])


def _number(value: Any) -> bool:
    return type(value) in (int, float)


def _flat(values: Any) -> list:
    return [one for value in values for one in (_flat(value) if isinstance(value, list) else [value])]


def _same(one: Any, other: Any) -> bool:
    return (0 if one is None and _number(other) else one) == other


def _text(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else f"{value:.15g}"
