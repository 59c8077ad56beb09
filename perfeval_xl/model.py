"""What stands on a form, as values that keep their cells.

The words of the form and the one English word each has everywhere (code, edition files, JSON, worksheet functions):

=====================  ==========================  =====================================================
表上用语                English                     notes
=====================  ==========================  =====================================================
绩效自评 / 自评表        self-assessment / form      ``Edition`` is the blank form, ``Submission`` a filled one
年初预算数              initial                     万元 unless the form says 元
全年预算数 / 调整预算数   adjusted                    the base of the execution rate
全年执行数              executed
执行率                  execution_rate, rate        executed / adjusted, percent points
一级 / 二级 / 三级指标    part / group / indicator
年度指标值              target
实际完成值              actual
分值 / 得分             weight / score              the ceiling and the result, points
偏差度                  deviation                   percent points in the model and the JSON
偏差原因分析及改进措施    reason
档次 / 等级（优良中差）    tier / grade                tier of one qualitative indicator, grade of the total
=====================  ==========================  =====================================================

Everything here is immutable. The classes are named tuples and not dataclasses: they are made some three hundred times a form,
and importing ``dataclasses`` alone would cost a tenth of a whole ``perfeval-xl check``.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl.numbers import read_number
from perfeval_xl.targets import Reading

#: roles of the rows of the funds block, as the JSON names them
FUNDS_ROLES = ("total", "government", "special_account", "own", "carry_over", "other", "basic", "project")
#: the rows of 资金来源, which add up to the total, and those of 资金结构, which do so once more (金水区)
SOURCE_ROLES = frozenset(("government", "special_account", "own", "carry_over", "other"))
STRUCTURE_ROLES = frozenset(("basic", "project"))
MONEY = ("initial", "adjusted", "executed")


#: sheets of our workbook: what people fill in, what is found, and what the buttons remember
FORM_SHEET, RESULTS_SHEET, STATE_SHEET = "自评表", "校验结果", "_状态"
#: of the cells and formulas in the macro-free form; counted up when a form that is already out would compute otherwise (pe_form_version)
FORM_VERSION = 1


class Percent(str):
    """A number cell that the file shows with a percent format, as what the user sees: ``Percent(0.666)`` is the text "66.6%".

    ``float()`` of it gives the number in the cell, 0.666.
    """

    __slots__ = ()

    def __new__(cls, fraction: float) -> "Percent":
        return super().__new__(cls, read_number(fraction, True).text)

    def __float__(self) -> float:
        return float(Decimal(self[:-1]).scaleb(-2))


#: ``Percent(fraction)``, remembered: the same few rates stand in all forms
as_percent = lru_cache(maxsize=8192)(Percent)


def shows_percent(code: str) -> bool:
    """Whether a number format multiplies by 100: a % that is neither quoted, nor escaped, nor the measure of a space or a filling."""
    return "%" in re.sub(r'"[^"]*"|[\\_*].', "", code)


#: what stands in the grid for a formula whose result the file does not hold
UNCALCULATED = "#NOVALUE!"


class Sheet(NamedTuple):
    """A grid: one sheet of any kind of file, or of the open workbook, after the reader and before the layout.

    ``rows`` is a list of lists of str, int, float, ``Percent``, bool, date or ``""``, with row 0 = the sheet's row 1; an error
    cell is its text (``"#DIV/0!"``). ``merged`` holds (first row, first column, last row, last column), zero-based, inclusive.
    ``stamp`` holds what the ``pe_...`` names of the workbook point at: ``{"pe_edition": "shangjie-2022"}``.
    """

    name: str
    rows: list
    merged: tuple = ()
    stamp: dict = {}  # noqa: RUF012 - a default that nobody writes to; a named tuple has no factories


class Entry(NamedTuple):
    """One cell of the form: its text as printed, the number it holds (if it is a number) and where it stands."""

    text: str
    number: Decimal | None
    row: int
    column: int
    unit: str = ""
    problem: str = ""
    covered: bool = False
    span: int = 1

    @property
    def blank(self) -> bool:
        """Nothing was filled in: empty, or one of the dashes that mean so, or covered by a merged cell above."""
        return self.number is None and not self.problem


class FundsRow(NamedTuple):
    """One row of the funds block (部门整体支出情况 / 预算情况 / 项目资金); ``None`` where the form has no such column."""

    label: str
    role: str
    initial: Entry | None
    adjusted: Entry | None
    executed: Entry | None
    weight: Entry | None
    rate: Entry | None
    score: Entry | None


class Task(NamedTuple):
    """One row of 年度主要任务; the money columns exist in some editions only."""

    name: str
    place: Entry
    status: Entry | None
    budget: Entry | None
    executed: Entry | None
    rate: Entry | None


class Indicator(NamedTuple):
    """One 三级指标. ``target`` and ``actual`` are readings; their entries keep the text and the cell."""

    part: str
    group: str
    name: str
    role: str
    place: Entry
    target: Reading
    actual: Reading
    target_entry: Entry | None
    actual_entry: Entry | None
    weight: Entry | None
    score: Entry | None
    deviation: Entry | None
    reason: Entry | None


class Subtotal(NamedTuple):
    """A row that sums up other rows (小计, 合计 between the rows, or the figures beside a part's own name).

    ``above`` indicators stand above it, and ``starts`` are the places among them from which it may count, the likeliest first; where a part
    gives its sum in front of its rows, ``starts`` is empty and ``part`` names it.
    """

    label: str
    part: str
    above: int
    starts: tuple[int, ...]
    weight: Entry | None
    score: Entry | None


class Submission(NamedTuple):
    """A filled form. ``unit`` is the unit its money is printed in; ``factor`` turns that into 万元.

    ``total_row`` is the funds row whose score counts (部门预算总额 / 年度资金总额).
    """

    sheet: str
    edition: str
    recognised: bool
    department: Entry | None
    project: Entry | None
    year: int | None
    years: tuple
    title: Entry | None
    unit: str
    factor: Decimal
    funds: tuple[FundsRow, ...]
    total_row: FundsRow | None
    tasks: tuple[Task, ...]
    indicators: tuple[Indicator, ...]
    parts_stated: dict
    totals: tuple[Entry, ...]
    total_weight: Entry | None
    grade: Entry | None
    texts: tuple[Entry, ...]
    columns: frozenset
    subtotals: tuple[Subtotal, ...] = ()


@lru_cache(maxsize=1024)
def column_number(letters: str) -> int:
    """A -> 0, AA -> 26."""
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


@lru_cache(maxsize=1024)
def column_name(column: int) -> str:
    """0 -> A, 26 -> AA."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(65 + rest) + name
    return name


@lru_cache(maxsize=8192)
def cell_name(row: int, column: int) -> str:
    """Zero-based row and column -> ``G60``."""
    return f"{column_name(column)}{row + 1}"
