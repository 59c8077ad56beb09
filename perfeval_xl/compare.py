"""Stated against recomputed: when two figures count as equal, and how an expected figure is printed."""

from decimal import Decimal

from perfeval_xl.model import Entry
from perfeval_xl.numbers import plain, printed_step

ZERO, ONE, HUNDRED, TEN_THOUSAND = Decimal(0), Decimal(1), Decimal(100), Decimal(10000)
#: what may be lost by adding figures that were rounded to two decimals
CENT = Decimal("0.01")


def agree(stated: Entry, expected: Decimal, tolerance: Decimal) -> bool:
    """Equal within the tolerance, or within half a unit of the last digit that was printed (23% for 23.18%)."""
    gap = abs(stated.number - expected)
    return gap <= tolerance or gap * 2 <= printed_step(stated.text)


def is_fraction_of(stated: Entry, expected: Decimal, tolerance: Decimal) -> bool:
    """A number without percent sign that is right if it is meant as a fraction: 0.5676 for 56.76."""
    if stated.unit or not 0 < abs(stated.number) <= 1:
        return False
    return abs(stated.number * HUNDRED - expected) <= max(tolerance, printed_step(stated.text) * HUNDRED / 2)


def mixed_units(one: Decimal, other: Decimal) -> bool:
    """Two amounts that should be equal and differ by ten thousand: one of them is in yuan (DOMAIN.md F8)."""
    if not one or not other:
        return False
    ratio = abs(one / other)
    return any(abs(ratio / factor - 1) < CENT for factor in (TEN_THOUSAND, 1 / TEN_THOUSAND))


def percent(value: Decimal, sign: bool = True) -> str:
    """A rate as printed: two decimals unless it is whole, with or without the percent sign."""
    text = plain(value) if value == value.to_integral_value() else plain(value, 2)
    return f"{text}%" if sign else text


def like(stated: Entry | None, value: Decimal) -> str:
    """A rate printed the way the form prints it: with the sign only where the stated figure has one."""
    return percent(value, stated is not None and stated.unit == "%")


def points(value: Decimal) -> str:
    """Points or money, shortest."""
    return plain(value)
