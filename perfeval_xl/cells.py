"""A grid with its labels understood: the vocabulary of all editions, and the cells of one sheet as the layout looks at them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from perfeval_xl.edition import DEFAULT, editions, plain_label
from perfeval_xl.messages import is_short
from perfeval_xl.model import Entry, Sheet
from perfeval_xl.numbers import fold, read_number, tidy

#: a longer text is prose, not a label with a value behind its colon, and not a heading
LABEL_LENGTH, LONGEST_HEADING = 40, 26


class Vocabulary(NamedTuple):
    """Normalised spellings of all editions: heading -> field for each block, row label -> role, label -> what it labels.

    ``openers`` are the labels with which goals or tasks begin.
    """

    funds: dict[str, str]
    tasks: dict[str, str]
    indicators: dict[str, str]
    rows: dict[str, str]
    labels: dict[str, frozenset[str]]
    openers: frozenset[str]
    head_totals: tuple[str, ...]
    task_names: frozenset[str]
    roles: dict[str, str]


#: a text cell: row, column, its label, what stands behind a colon in the same cell, the text itself
Word = tuple[int, int, str, str, str]


@cache
def vocabulary() -> Vocabulary:
    """All spellings of all editions; where two editions differ, the one of the national default stands."""
    blocks: tuple[dict[str, str], ...] = ({}, {}, {})
    rows: dict[str, str] = {}
    labels: dict[str, set[str]] = {}
    roles: dict[str, str] = {}
    for edition in sorted(editions().values(), key=lambda edition: edition.id == DEFAULT):
        for block, columns in zip(blocks, (edition.funds_columns, edition.task_columns, edition.indicator_columns), strict=True):
            for column in columns:
                for spelling in (column.heading, *column.also):
                    block[plain_label(spelling)] = column.field
        for row in edition.funds_rows:
            for spelling in (row.label, *row.also):
                rows[plain_label(spelling)] = row.role
        for key, spellings in edition.labels.items():
            for spelling in spellings:
                labels.setdefault(plain_label(spelling), set()).add(key)
        roles.update({plain_label(row.name): row.role for row in edition.tree if row.role})
    head_totals = tuple(label for label, keys in labels.items() if "head_total" in keys)
    openers = frozenset(label for label, keys in labels.items() if not keys.isdisjoint(("goals", "tasks")))
    task_names = frozenset(label for label, field in blocks[1].items() if field == "name")
    return Vocabulary(*blocks, rows, {label: frozenset(keys) for label, keys in labels.items()}, openers, head_totals, task_names, roles)


@lru_cache(maxsize=16384)
def label_and_value(text: str) -> tuple[str, str]:
    """A text cell as (label, value): "单位名称：某局" -> ("单位名称", "某局"); without a colon the whole text is the label.

    Prose and figures are no labels: ("", "").
    """
    if len(text) > LABEL_LENGTH or text.isascii() or text[0] in "≥≤":
        return "", ""
    if ":" in text or "：" in text:
        head, _, value = fold(text).partition(":")
        if value.strip():
            return plain_label(head), re.split("[:：]", text, maxsplit=1)[-1].strip()
    elif len(text) > LONGEST_HEADING:
        return "", ""
    return plain_label(text), ""


class Merges:
    """The merged areas of a sheet. ``tall``: cell under a vertical merge -> (top row, left column, rows); ``wide``: top left cell -> columns."""

    __slots__ = ("_reach", "_rows", "tall", "wide")

    def __init__(self, merged: tuple, height: int, width: int) -> None:
        self.tall: dict[tuple[int, int], tuple[int, int, int]] = {}
        self.wide: dict[tuple[int, int], int] = {}
        self._reach: dict[int, int] = {}
        self._rows: dict[int, frozenset[int]] = {}
        for top, left, bottom, right in merged:
            bottom, right = min(bottom, height - 1), min(right, width - 1)  # an area may reach beyond the last cell with a value
            self.wide[top, left] = right - left + 1
            for row in range(top, bottom + 1) if bottom > top else ():
                self._reach[row] = max(right, self._reach.get(row, 0))
                for column in range(left, right + 1):
                    self.tall[row, column] = (top, left, bottom - top + 1)

    def rows(self, first: int) -> frozenset[int]:
        """The rows that a vertical merge crosses at this column or right of it."""
        if first not in self._rows:
            self._rows[first] = frozenset(row for row, right in self._reach.items() if right >= first)
        return self._rows[first]


#: the forms of a district are merged alike
_merges = lru_cache(maxsize=256)(Merges)


class Grid:
    """The cells of one sheet, all rows equally long. Rows and columns are zero-based; a cell outside the sheet is blank."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.words = sheet, vocabulary()
        width = max(map(len, sheet.rows), default=0)
        self.lines = [tuple(row) if len(row) == width else (*row, *("",) * (width - len(row))) for row in sheet.rows]
        self._words: list[list[Word] | None] = [None] * len(self.lines)
        self.merges = _merges(sheet.merged, len(self.lines), width)
        self.tall, self.wide = self.merges.tall, self.merges.wide

    def value(self, row: int, column: int | None):
        """The plain value of a cell."""
        line = self.lines[row]
        return line[column] if column is not None and column < len(line) else ""

    def label(self, row: int, column: int | None) -> str:
        """The label in a cell, "" where there is none."""
        cell = self.value(row, column) if column is not None else ""
        return label_and_value(cell)[0] if type(cell) is str and cell else ""

    def words_of(self, row: int) -> list[Word]:
        """The text cells of a row; looked at when they are asked for, because most cells are values."""
        words = self._words[row]
        if words is None:
            words = self._words[row] = [(row, column, *label_and_value(cell), cell) for column, cell in enumerate(self.lines[row])
                                        if cell and type(cell) is str]
        return words

    def entry(self, row: int, column: int | None) -> Entry | None:
        """The cell as one number, or None where the form has no such column."""
        if column is None:
            return None
        if (row, column) not in self.tall:
            return figure_entry(self.lines[row][column], row, column)
        top, _, height = self.tall[row, column]
        if top != row:
            return Entry("", None, row, column, covered=True)
        return figure_entry(self.value(row, column), row, column, height)

    def text(self, row: int, column: int | None) -> Entry | None:
        """The cell as text, taken from the top of a merged cell, or None where the form has no such column."""
        if column is None:
            return None
        if (row, column) in self.tall:
            row, column, _ = self.tall[row, column]
        return text_entry(self.value(row, column), row, column)

    def fields(self, row: int, block: dict[str, str]) -> list[tuple[int, str]]:
        """The headings of a block that stand in a row: (column, field)."""
        return [(word[1], block[word[2]]) for word in self.words_of(row) if word[2] in block]

    def labels(self, row: int) -> set[str]:
        """The labels that stand in a row."""
        return {word[2] for word in self.words_of(row)}

    def texts(self, first: int, after: int) -> list[Word]:
        """The text cells of some rows, in reading order."""
        return [word for row in range(first, after) for word in self.words_of(row)]


def number_entry(value, row: int, column: int, span: int = 1) -> Entry:
    """A cell value as one number."""
    figure, text, unit, problem = read_number(value)
    return _entry(Entry, (text, figure, row, column, unit, problem, False, span))


def figure_entry(value, row: int, column: int, span: int = 1) -> Entry:
    """A cell of the form as one number. Where a worksheet function says why it gives none, the cell is blank: the checks find the reason
    again, at the cell where it stands."""
    figure, text, unit, problem = read_number(value)
    if problem == "text" and is_short(text):
        text = problem = ""
    return _entry(Entry, (text, figure, row, column, unit, problem, False, span))


def text_entry(value, row: int, column: int) -> Entry:
    """A cell value as text."""
    text = tidy(value) if type(value) is str else read_number(value).text
    return _entry(Entry, (text, None, row, column, "", "", False, 1))


#: Entry(…) without the call of its constructor: some two hundred are made for every form
_entry = tuple.__new__
