"""A grid with its labels understood: the vocabulary of all editions, and the cells of one sheet as the layout looks at them."""

import os
import re
from functools import cache, lru_cache
from typing import NamedTuple

from perfeval_xl.edition import DEFAULT, editions, plain_label, sources
from perfeval_xl.messages import is_short
from perfeval_xl.model import Entry, Sheet
from perfeval_xl.numbers import fold, read_number, tidy
from perfeval_xl.patterns import Pattern
from perfeval_xl.shelf import HERE, kept

#: a longer text is prose, not a label with a value behind its colon, and not a heading
LABEL_LENGTH, LONGEST_HEADING = 40, 26


class Vocabulary(NamedTuple):
    """Normalised spellings of all editions: heading -> field for each block, row label -> role, label -> what it labels.

    ``openers`` are the labels with which goals or tasks begin; ``spellings`` are all headings and labels together.
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
    spellings: frozenset[str]


_YEAR = Pattern(r"(?<![0-9])(20[0-9]{2})年?度|[(（](20[0-9]{2})年?[)）]|年度:(20[0-9]{2})年?")
_UNIT = Pattern(r"(?:单位:?|\(|金额)\s*(?:人民币)?\s*(万元|元)\s*(?:\)|$)")
_PROSE = frozenset("，。；,;")
#: characters; a longer text that names a form is a sentence about it
_TITLE = 80

#: a text cell: row, column, its label, what stands behind a colon in the same cell, the text itself
Word = tuple[int, int, str, str, str]


@cache
def vocabulary() -> Vocabulary:
    """All spellings of all editions; where two editions differ, the one of the national default stands."""
    return Vocabulary(*kept("vocabulary", (*sources(), *(os.path.join(HERE, f"{room}.py") for room in ("cells", "numbers"))), _gathered))


def _gathered() -> tuple:
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
    return (*blocks, rows, {label: frozenset(keys) for label, keys in labels.items()}, openers, head_totals, task_names, roles,
            frozenset(labels).union(*blocks))


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


class Look:
    """What one row says by its texts (``line``, "" for whatever is none): ``words``, their ``labels``, those that are known (``labelled``), the
    headings of each block as (column, field), whether another block than that of the funds begins (``opens``), the ``unit`` it names, a
    ``title`` of a form, the ``years`` of a line such as （2021年度） as (column, year), and its ``prose``: what has punctuation inside, or is
    longer than any heading.
    """

    __slots__ = ("funds", "indicators", "labelled", "labels", "opens", "prose", "tasks", "title", "unit", "words", "years")

    def __init__(self, row: int, line: tuple) -> None:
        known = vocabulary()
        words, labels, labelled, funds, tasks, indicators, years, prose = [], [], [], [], [], [], [], []
        self.unit, self.title = "", None
        for column, text in enumerate(line):
            if not text:
                continue
            size = len(text)
            label, value = label_and_value(text) if size <= LABEL_LENGTH else ("", "")
            words.append((row, column, label, value, text))
            labels.append(label)
            if label in known.spellings:
                if label in known.labels:
                    labelled.append(words[-1])
                for found, block in ((funds, known.funds), (tasks, known.tasks), (indicators, known.indicators)):
                    if label in block:
                        found.append((column, block[label]))
            if size <= LABEL_LENGTH:
                if "元" in text and not self.unit and (match := _UNIT.search(fold(text))):
                    self.unit = match[1]
                if ("0" in text or "０" in text) and ("2" in text or "２" in text) and (match := _YEAR.search("".join(fold(text).split()))):
                    years.append((column, int(match[1] or match[2] or match[3])))
            if "自评" in text and self.title is None and size <= _TITLE and ("表" in text or "报告" in text):
                self.title = _entry(Entry, (tidy(text), None, row, column, "", "", False, 1))
            if size >= 8 and (size > LONGEST_HEADING or not _PROSE.isdisjoint(text)) and not is_short(text):
                prose.append(text_entry(text, row, column))
        self.words, self.labels, self.labelled, self.years, self.prose = tuple(words), frozenset(labels), tuple(labelled), tuple(years), tuple(prose)
        self.funds, self.tasks, self.indicators = tuple(funds), tuple(tasks), tuple(indicators)
        self.opens = len(tasks) >= 3 or len(funds) >= 3 or not known.openers.isdisjoint(labels)


#: remembered, because most rows of a form's head are alike in all forms of a district
_look = lru_cache(maxsize=4096)(Look)


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
        self.lines = list(map(tuple, sheet.rows))
        widths = set(map(len, self.lines))
        width = max(widths, default=0)
        if len(widths) > 1:
            self.lines = [(*line, *("",) * (width - len(line))) for line in self.lines]
        self._looks: list[Look | None] = [None] * len(self.lines)
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

    def look(self, row: int) -> Look:
        """What a row says by its texts; looked at when it is asked for, because most cells are values."""
        look = self._looks[row]
        if look is None:
            # without its figures, which say nothing here and differ from form to form
            look = self._looks[row] = _look(row, tuple([value if type(value) is str else "" for value in self.lines[row]]))
        return look

    def looks(self, first: int, after: int) -> list[Look]:
        """What each of some rows says."""
        return [self._looks[row] or self.look(row) for row in range(first, after)]

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

    def texts(self, first: int, after: int) -> list[Word]:
        """The text cells of some rows, in reading order."""
        return [word for look in self.looks(first, after) for word in look.words]


def number_entry(value, row: int, column: int, span: int = 1) -> Entry:
    """A cell value as one number."""
    figure, text, unit, problem = read_number(value)
    return _entry(Entry, (text, figure, row, column, unit, problem, False, span))


def figure_entry(value, row: int, column: int, span: int = 1) -> Entry:
    """A cell of the form as one number. Where a worksheet function says why it gives none, the cell is blank: the checks find the reason
    again, at the cell where it stands."""
    figure, text, unit, problem = read_number(value)
    if problem and problem == "text" and is_short(text):
        text = problem = ""
    return _entry(Entry, (text, figure, row, column, unit, problem, False, span))


def text_entry(value, row: int, column: int) -> Entry:
    """A cell value as text."""
    text = tidy(value) if type(value) is str else read_number(value).text
    return _entry(Entry, (text, None, row, column, "", "", False, 1))


#: Entry(…) without the call of its constructor: some two hundred are made for every form
_entry = tuple.__new__
