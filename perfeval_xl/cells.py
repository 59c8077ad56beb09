"""A grid with its labels understood: the vocabulary of all editions, and the cells of one sheet as the layout looks at them."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import NamedTuple

from perfeval_xl.edition import DEFAULT, editions, plain_label
from perfeval_xl.model import Entry, Percent, Sheet
from perfeval_xl.numbers import fold, read_number, tidy

#: a longer text is prose, not a label
LABEL_LENGTH = 40


class Vocabulary(NamedTuple):
    """Normalised spellings of all editions: heading -> field for each block, row label -> role, label -> what it labels."""

    funds: dict[str, str]
    tasks: dict[str, str]
    indicators: dict[str, str]
    rows: dict[str, str]
    labels: dict[str, frozenset[str]]
    roles: dict[str, str]


class Word(NamedTuple):
    """A text cell: its label, and what stands behind a colon in the same cell."""

    row: int
    column: int
    label: str
    value: str
    text: str


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
    return Vocabulary(*blocks, rows, {label: frozenset(keys) for label, keys in labels.items()}, roles)


@lru_cache(maxsize=16384)
def label_and_value(text: str) -> tuple[str, str]:
    """A text cell as (label, value): "单位名称：某局" -> ("单位名称", "某局"); without a colon the whole text is the label."""
    if len(text) > LABEL_LENGTH:
        return "", ""
    head, colon, value = fold(text).partition(":")
    if colon and value.strip():
        return plain_label(head), re.split("[:：]", text, maxsplit=1)[-1].strip()
    return plain_label(text), ""


@lru_cache(maxsize=8192)
def _labels_of(line: tuple) -> tuple[str, ...]:
    """The labels of one row, "" for what is no text. Most rows of a district's forms are alike, so each is looked at once."""
    return tuple(label_and_value(cell)[0] if type(cell) is str and cell else "" for cell in line)


@lru_cache(maxsize=8192)
def _words_of(row: int, line: tuple) -> tuple[Word, ...]:
    return tuple(Word(row, column, *label_and_value(cell), cell) for column, cell in enumerate(line)
                 if type(cell) is str and cell and len(cell) <= 2 * LABEL_LENGTH)


@lru_cache(maxsize=256)
def _merges(merged: tuple, height: int) -> tuple[dict, dict, dict]:
    """Vertical merges by cell, (row, column) -> (top row, left column, rows); by row -> their right columns; and the width of all merges."""
    tall: dict[tuple[int, int], tuple[int, int, int]] = {}
    by_row: dict[int, list[int]] = {}
    wide: dict[tuple[int, int], int] = {}
    for top, left, bottom, right in merged:
        wide[top, left] = right - left + 1
        bottom = min(bottom, height - 1)
        for row in range(top, bottom + 1) if bottom > top else ():
            by_row.setdefault(row, []).append(right)
            for column in range(left, right + 1):
                tall[row, column] = (top, left, bottom - top + 1)
    return tall, by_row, wide


class Grid:
    """The cells of one sheet. Rows and columns are zero-based; a cell outside the sheet is blank."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.words = sheet, vocabulary()
        self.lines = [tuple(row) for row in sheet.rows]
        self.labels = [_labels_of(line) for line in self.lines]
        self.tall, self.tall_columns, self.wide = _merges(sheet.merged, len(self.lines))

    def value(self, row: int, column: int | None):
        """The plain value of a cell."""
        line = self.lines[row]
        return line[column] if column is not None and column < len(line) else ""

    def label(self, row: int, column: int | None) -> str:
        """The label in a cell, "" where there is none."""
        labels = self.labels[row]
        return labels[column] if column is not None and column < len(labels) else ""

    def entry(self, row: int, column: int | None) -> Entry | None:
        """The cell as one number, or None where the form has no such column."""
        if column is None:
            return None
        top, _, height = self.tall.get((row, column), (row, column, 1))
        if top != row:
            return Entry("", None, row, column, covered=True)
        return number_entry(self.value(row, column), row, column, height)

    def text(self, row: int, column: int | None) -> Entry | None:
        """The cell as text, taken from the top of a merged cell, or None where the form has no such column."""
        if column is None:
            return None
        row, column, _ = self.tall.get((row, column), (row, column, 1))
        return text_entry(self.value(row, column), row, column)

    def fields(self, row: int, block: dict[str, str]) -> list[tuple[int, str]]:
        """The headings of a block that stand in a row: (column, field)."""
        return [(column, block[label]) for column, label in enumerate(self.labels[row]) if label in block]

    def texts(self, before: int) -> list[Word]:
        """The short text cells above a row, in reading order."""
        return [word for row in range(before) for word in _words_of(row, self.lines[row])]


def number_entry(value, row: int, column: int, span: int = 1) -> Entry:
    """A cell value as one number."""
    number = read_number(value, type(value) is Percent)
    return Entry(number.text, number.value, row, column, number.unit, number.problem, False, span)


def text_entry(value, row: int, column: int) -> Entry:
    """A cell value as text."""
    return Entry(tidy(value) if type(value) is str else read_number(value, type(value) is Percent).text, None, row, column)
