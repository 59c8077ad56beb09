"""Grid -> Submission: finds the blocks of a form by their labels and headings, never by a fixed address.

The headings of all editions together are the vocabulary, so that a form is read whichever district printed it; the edition then
says what its parts are called. Nothing here opens a file, and nothing here judges: what a cell says is read, the rules come after.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from perfeval_xl.edition import DEFAULT, Edition, editions, get, plain_label
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import Entry, FundsRow, Indicator, Percent, Sheet, Submission, Task, cell_name
from perfeval_xl.numbers import fold, is_nothing, read_number, tidy
from perfeval_xl.targets import Reading, read_actual, read_target

_YEAR = re.compile(r"(20[0-9]{2})\s*年?度|[(（]\s*(20[0-9]{2})\s*年?\s*[)）]")
_TITLE_YEAR = re.compile(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_UNIT = re.compile(r"(?:单位[:：]?|[(（]|金额)\s*(万元|元)\s*(?:[)）]|$)")
_PART_WEIGHT = re.compile(r"[(（]\s*([0-9]+(?:\.[0-9]+)?)\s*分\s*[)）]")
_ITEM = re.compile(r"^指标\s*[0-9一二三四五六七八九十]*\s*[:：.、]\s*|^[(（]?[0-9]{1,2}[)）.、]\s*")
_FILLER = re.compile(r"[.…·。\s]*|指标[0-9]*[:：]?")
_SUBTOTAL = ("小计",)
_CLOSING = ("说明", "备注", "注", "填表人", "填报人", "联系人", "联系电话", "审核人", "负责人", "填表日期", "填报日期", "单位负责人")
_BLANK = Reading("blank", None, None, None, "")
#: a form is a page or two; a heading further down than this belongs to something else
_LABEL_LENGTH = 40


class Vocabulary(NamedTuple):
    """Normalised spellings of all editions: heading -> field for each block, row label -> role, label -> what it labels."""

    funds: dict[str, str]
    tasks: dict[str, str]
    indicators: dict[str, str]
    rows: dict[str, str]
    labels: dict[str, frozenset[str]]
    roles: dict[str, str]


class _Header(NamedTuple):
    row: int
    last: int
    columns: dict[str, int]
    target: tuple[int, ...]


@cache
def vocabulary() -> Vocabulary:
    """All spellings of all editions; where two editions differ, the one of the national default stands."""
    blocks: tuple[dict[str, str], ...] = ({}, {}, {})
    rows: dict[str, str] = {}
    labels: dict[str, set[str]] = {}
    roles: dict[str, str] = {}
    ordered = sorted(editions().values(), key=lambda edition: edition.id == DEFAULT)
    for edition in ordered:
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
def _label(text: str) -> tuple[str, str]:
    """A text cell as (label, value): "单位名称：某局" -> ("单位名称", "某局"); without a colon the whole text is the label."""
    if len(text) > _LABEL_LENGTH:
        return "", ""
    head, colon, value = fold(text).partition(":")
    if colon and value.strip():
        return plain_label(head), text[len(head) + 1 :].strip()
    return plain_label(text), ""


def recognise(sheet: Sheet, wanted: str = "") -> tuple[Edition, bool, str]:
    """The edition of a form: (edition, recognised, unknown stamp). The wish of the caller first, then the stamp, then the headings."""
    if wanted:
        return get(wanted), True, ""
    stamp = str(sheet.stamp.get("pe_edition") or "").strip()
    if stamp in editions():
        return get(stamp), True, ""
    there = {_label(text)[0] for row in sheet.rows for text in row if type(text) is str and text}
    fits = [edition for edition in editions().values() if all(label in there for label in edition.recognise)]
    if fits:
        return max(fits, key=lambda edition: len(edition.recognise)), True, stamp
    return get(DEFAULT), False, stamp


def read(sheet: Sheet, wanted: str = "", file: str = "") -> tuple[Submission, list[Finding]] | None:
    """Reads one sheet; None where the sheet holds no form. A form without total, or with two, is refused (L101, L102)."""
    return _Reader(sheet, file).read(wanted)


class _Reader:
    """One walk over one sheet. Rows and columns are zero-based throughout."""

    def __init__(self, sheet: Sheet, file: str) -> None:
        self.sheet, self.file, self.rows, self.words = sheet, file, sheet.rows, vocabulary()
        self.masters: dict[tuple[int, int], tuple[int, int]] = {}
        self.spans: dict[tuple[int, int], tuple[int, int]] = {}
        height, width = len(self.rows), max(map(len, self.rows), default=0)
        for top, left, bottom, right in sheet.merged:
            self.spans[top, left] = (min(bottom, height) - top + 1, min(right, width) - left + 1)
            if bottom > top:
                for row in range(top, min(bottom, height - 1) + 1):
                    for column in range(left, min(right, width - 1) + 1):
                        self.masters[row, column] = (top, left)
        self.labels = [[_label(text)[0] if type(text) is str and text else "" for text in row] for row in self.rows]

    def read(self, wanted: str) -> tuple[Submission, list[Finding]] | None:
        table = self._indicator_header()
        if table is None:
            return None
        edition, recognised, stamp = recognise(self.sheet, wanted)
        self.parts = {plain_label(spelling): part.name for part in edition.parts for spelling in (part.name, *part.also)}
        self.edition = edition
        funds_header, funds = self._funds(table.row)
        tasks = self._tasks(table.row)
        indicators, parts_stated, total_rows, end = self._indicators(table)
        totals, total_weight = self._totals(table, total_rows)
        unit = self._unit(funds_header)
        title = self._title(table.row)
        years = self._years(title, table.row)
        form = Submission(
            sheet=self.sheet.name, edition=edition.id, recognised=recognised,
            department=self._field("department", edition, table.row), project=self._field("project", edition, table.row),
            year=years[0][1] if years else None, years=years, title=title,
            unit=unit, factor=Decimal(1) if unit == "万元" else Decimal("0.0001"),
            funds=funds, tasks=tasks, indicators=indicators, parts_stated=parts_stated,
            totals=totals, total_weight=total_weight, grade=self._grade(edition, table.row, total_rows),
            texts=self._texts(table.row, end), columns=frozenset(table.columns),
        )
        notes = [] if recognised else [Finding("L201", title.text if title else "", row=table.row, column=min(table.columns.values()))]
        if stamp:
            notes.append(Finding("L202", "", stamp, edition.id, table.row, min(table.columns.values())))
        return form, notes

    # ---- cells ----

    def _value(self, row: int, column: int):
        line = self.rows[row]
        return line[column] if column < len(line) else ""

    def _entry(self, row: int, column: int | None) -> Entry | None:
        """The cell as one number, or None where the form has no such column."""
        if column is None:
            return None
        line = self.rows[row]
        value = line[column] if column < len(line) else ""
        master = self.masters.get((row, column))
        if master is not None and master[0] != row:
            return Entry("", None, row, column, covered=True)
        number = read_number(value, type(value) is Percent)
        span = self.spans[row, column][0] if master is not None and (row, column) in self.spans else 1
        return Entry(number.text, number.value, row, column, number.unit, number.problem, False, span)

    def _text(self, row: int, column: int | None) -> Entry | None:
        """The cell as text, taken from the top of a merged cell, or None where the form has no such column."""
        if column is None:
            return None
        row, column = self.masters.get((row, column), (row, column))
        value = self._value(row, column)
        text = tidy(value) if type(value) is str else read_number(value, type(value) is Percent).text
        return Entry(text, None, row, column)

    def _cell(self, row: int, column: int):
        """A cell as the readers of targets and actuals take it."""
        value = self._value(row, column)
        return read_number(value, True) if type(value) is Percent else value

    # ---- headers ----

    def _fields(self, row: int, block: dict[str, str]) -> list[tuple[int, str]]:
        return [(column, block[label]) for column, label in enumerate(self.labels[row]) if label in block]

    def _indicator_header(self) -> _Header | None:
        block = self.words.indicators
        for row, labels in enumerate(self.labels):
            if not any(label in block for label in labels):
                continue
            found = self._fields(row, block)
            fields = [field for _, field in found]
            if "name" not in fields or not {"score", "target", "actual"} & set(fields) or len(set(fields)) < 3:
                continue
            return self._header(row, found)
        return None

    def _header(self, row: int, found: list[tuple[int, str]]) -> _Header:
        """The columns of the indicator block; a second heading row splits a heading that spans several columns."""
        columns, last = {}, row
        below = self._fields(row + 1, self.words.indicators) if row + 1 < len(self.rows) else []
        name = next(column for column, field in found if field == "name")
        if len(below) >= 2 and not self._value(row + 1, name):
            last = row + 1
            above = {column for column, _ in found}
            split = [(column, field) for column, field in found if not any(
                column <= other < column + self.spans.get((row, column), (1, 1))[1] for other, _ in below)]
            found = sorted(split + [(column, field) for column, field in below if column not in above or (column, field) not in split])
        for column, field in found:
            if field in columns and field in ("target", "actual", "weight", "score"):
                both = "、".join(cell_name(row, c) for c in (columns[field], column))
                raise Refusal("L103", file=self.file, label=self.labels[row][column], stated=both)
            columns.setdefault(field, column)
        first = columns.get("target")
        width = self.spans.get((row, first), (1, 1))[1] if first is not None and last == row else 1
        taken = set(columns.values()) - {first}
        spread = tuple(c for c in range(first, first + width) if c not in taken) if first is not None else ()
        order = [columns[field] for field in ("sign",) if field in columns]
        order += spread + ((columns["unit"],) if "unit" in columns else ()) if spread else ()
        return _Header(row, last, columns, tuple(order))

    # ---- funds and tasks ----

    def _funds(self, before: int) -> tuple[_Header | None, tuple[FundsRow, ...]]:
        block = self.words.funds
        for row in range(before):
            found = self._fields(row, block)
            fields = {field for _, field in found}
            if "executed" in fields and fields & {"adjusted", "initial"} and not any(label == "任务名称" for label in self.labels[row]):
                columns: dict[str, int] = {}
                for column, field in found:
                    columns.setdefault(field, column)
                header = _Header(row, row, columns, ())
                return header, self._funds_rows(header, before)
        return None, ()

    def _funds_rows(self, header: _Header, before: int) -> tuple[FundsRow, ...]:
        columns, rows, seen = header.columns, [], set()
        first = min(columns.values())
        for row in range(header.row + 1, before):
            if self._starts_another_block(row):
                break
            texts = [value for value in self.rows[row][:first] if type(value) is str and value.strip()]
            labels = [plain_label(text) for text in texts if len(text) <= _LABEL_LENGTH]
            role = next((self.words.rows[label] for label in reversed(labels) if label in self.words.rows), "")
            entries = [self._entry(row, columns.get(field)) for field in FundsRow._fields[2:]]
            if not role and not any(entry is not None and entry.number is not None for entry in entries[:3]):
                if any(value != "" for value in self.rows[row]):
                    break
                continue
            if not role and labels and labels[-1].endswith(("总额", "合计")):
                role = "total"
            if role in seen and role in ("total", "own"):
                role = "other"
            seen.add(role := role or "other")
            rows.append(FundsRow(tidy(texts[-1]) if texts else "", role, *entries))
        if rows and "total" not in seen and len(rows) == 1:
            rows[0] = rows[0]._replace(role="total")
        return tuple(rows)

    def _starts_another_block(self, row: int) -> bool:
        """Goals, tasks or another heading row: the funds block is over."""
        keys = [self.words.labels.get(label, ()) for label in self.labels[row] if label]
        if any("goals" in one or "tasks" in one for one in keys):
            return True
        return len(self._fields(row, self.words.tasks)) >= 3 or len(self._fields(row, self.words.funds)) >= 3

    def _tasks(self, before: int) -> tuple[Task, ...]:
        block = self.words.tasks
        for row in range(before):
            if "任务名称" not in self.labels[row]:
                continue
            columns: dict[str, int] = {}
            for column, field in self._fields(row, block):
                columns.setdefault(field, column)
            return self._task_rows(row, columns, before)
        return ()

    def _task_rows(self, header: int, columns: dict[str, int], before: int) -> tuple[Task, ...]:
        tasks = []
        for row in range(header + 1, before):
            if len(self._fields(row, self.words.funds)) >= 3:
                break
            place = self._text(row, columns["name"])
            money = [self._entry(row, columns.get(field)) for field in ("budget", "executed", "rate")]
            content = self._text(row, columns.get("content"))
            if not place.text and not any(entry is not None and entry.text for entry in money):
                continue
            name = place.text if content is None or not content.text or len(content.text) > 30 else f"{place.text} {content.text}".strip()
            tasks.append(Task(name, place, self._text(row, columns.get("status")), *money))
        return tuple(tasks)

    # ---- indicators and totals ----

    def _indicators(self, table: _Header):
        """The rows under the header: (indicators, stated part weights, total rows, row after the last one read)."""
        columns, indicators, parts_stated, totals = table.columns, [], {}, []
        values = [columns[field] for field in ("sign", "target", "unit", "actual", "weight", "score") if field in columns]
        first_value = min(values)
        part, group, end = "", "", table.last + 1
        name_column = columns["name"]
        for row in range(table.last + 1, len(self.rows)):
            labels = self.labels[row]
            if not any(labels) and not any(value != "" for value in self.rows[row]):
                continue
            head = [label for label in labels[:first_value] if label]
            if any("total" in self.words.labels.get(label, ()) for label in head) and not self._named(row, name_column, head):
                totals.append((row, next(label for label in head if "total" in self.words.labels.get(label, ())), len(indicators)))
                continue
            if labels[name_column : name_column + 1] == [self.labels[table.row][name_column]] or (head and head[-1].endswith(_SUBTOTAL)):
                continue
            part_label, group_label = self._head(row, columns.get("part")), self._head(row, columns.get("group"))
            if part_label and "indicators" not in self.words.labels.get(part_label, ()):
                named = self.parts.get(part_label, part_label)
                if named != part:
                    part, group = named, ""
                if weight := _PART_WEIGHT.search(fold(str(self._value(row, columns["part"])))):
                    parts_stated[part] = (Decimal(weight[1]), row, columns["part"])
            if group_label:
                group = group_label
            indicator = self._indicator(row, table, part, group)
            if indicator is None:
                continue
            if totals and head and head[0].startswith(_CLOSING):
                continue
            indicators.append(indicator)
            end = row + 1
        return tuple(indicators), parts_stated, totals, end

    def _named(self, row: int, name_column: int, head: list[str]) -> bool:
        """Whether a row with 合计 in it is an indicator all the same (its own name stands beside the label)."""
        name = self.labels[row][name_column] if name_column < len(self.labels[row]) else ""
        return bool(name) and "total" not in self.words.labels.get(name, ())

    def _head(self, row: int, column: int | None) -> str:
        return self.labels[row][column] if column is not None and column < len(self.labels[row]) else ""

    def _indicator(self, row: int, table: _Header, part: str, group: str) -> Indicator | None:
        columns = table.columns
        place = self._text(row, columns["name"])
        name = _ITEM.sub("", "".join(place.text.split()))
        weight, score = self._entry(row, columns.get("weight")), self._entry(row, columns.get("score"))
        scored = (weight is not None and (weight.number is not None or weight.problem)) or \
            (score is not None and (score.number is not None or score.problem))
        if _FILLER.fullmatch(name) or (not name and not group):
            if not scored or (not name and self._part_row(row, columns)):
                return None
            name = name if name and not _FILLER.fullmatch(name) else group or part
        target_entry, target = self._target(row, table)
        actual_entry = self._text(row, columns.get("actual"))
        actual = _BLANK if actual_entry is None else read_actual(self._cell(actual_entry.row, actual_entry.column))
        if not scored and not target.text and (actual_entry is None or not actual_entry.text) and name.startswith(_CLOSING):
            return None
        if columns.get("part") == columns["name"]:
            part = part or group
        return Indicator(
            part, group, name, self._role(name), place, target, actual, target_entry, actual_entry, weight, score,
            self._entry(row, columns.get("deviation")), self._text(row, columns.get("reason")),
        )

    def _part_row(self, row: int, columns: dict[str, int]) -> bool:
        """A row that only repeats the sums of its part: no group, no name, and rows of the same part follow."""
        if self._head(row, columns.get("group")) or any(
                self._value(row, columns[field]) != "" for field in ("target", "actual") if field in columns):
            return False
        below = row + 1
        return below < len(self.rows) and not self._head(below, columns.get("part")) and bool(self._head(below, columns["name"]))

    def _target(self, row: int, table: _Header) -> tuple[Entry | None, Reading]:
        if not table.target:
            return None, _BLANK
        first = table.columns.get("target_adjusted")
        cells = table.target
        if first is not None and self._value(row, first) != "":
            cells = tuple(first if column == table.columns.get("target") else column for column in cells)
        main = table.columns["target"] if table.columns["target"] in cells else cells[0]
        entry = self._text(row, main)
        if len(cells) == 1:
            reading = read_target(self._cell(entry.row, entry.column))
        else:
            spots = [self.masters.get((row, column), (row, column)) for column in cells]
            reading = read_target(*(self._cell(*spot) for spot in dict.fromkeys(spots)))
        return entry._replace(text=reading.text or entry.text), reading

    def _role(self, name: str) -> str:
        label = plain_label(name)
        if label in self.words.roles:
            return self.words.roles[label]
        for prefix in ("部门整体", "部门", "单位", "整体", "年度", "全年", "本年"):
            if label.startswith(prefix) and label[len(prefix) :] in self.words.roles:
                return self.words.roles[label[len(prefix) :]]
        return ""

    def _totals(self, table: _Header, rows: list[tuple[int, str, int]]) -> tuple[tuple[Entry, ...], Entry | None]:
        """The stated totals, the one of the total row first, and the weight beside it."""
        last = rows[-1][2] if rows else 0
        rows = [one for one in rows if one[2] == last or one[1] not in ("合计",)]
        entries, weights = [], []
        for row, *_ in rows:
            weight, score = self._total_row(row, table)
            entries.append(score)
            weights.append(weight)
        if len(entries) > 1:
            raise Refusal("L102", file=self.file, stated="、".join(f"{cell_name(e.row, e.column)} {e.text}".strip() for e in entries))
        head = self._head_total(table.row)
        if head is not None:
            entries = [entry for entry in entries if not entry.blank] + [head]
        if not entries:
            raise Refusal("L101", file=self.file)
        return tuple(entries), weights[0] if weights else None

    def _total_row(self, row: int, table: _Header) -> tuple[Entry | None, Entry]:
        weight, score = self._entry(row, table.columns.get("weight")), self._entry(row, table.columns.get("score"))
        if score is not None and (score.text or (weight is not None and weight.text)):
            return weight, score
        numbers = [entry for column, value in enumerate(self.rows[row]) if value != "" and (entry := self._entry(row, column)).number is not None]
        if numbers:
            return (numbers[-2] if len(numbers) > 1 else None), numbers[-1]
        for column, value in enumerate(self.rows[row]):
            if type(value) is str and (inside := _label(value)[1]):
                number = read_number(inside)
                return None, Entry(number.text, number.value, row, column, number.unit, number.problem)
        column = table.columns.get("score", table.columns["name"])
        return weight, score or Entry("", None, row, column)

    def _head_total(self, before: int) -> Entry | None:
        for row in range(before):
            if len(self._fields(row, self.words.funds)) >= 3:
                continue
            for column, label in enumerate(self.labels[row]):
                if "head_total" in self.words.labels.get(label, ()):
                    entry = self._beside(row, column)
                    if entry is not None:
                        number = read_number(entry.text) if type(self._value(entry.row, entry.column)) is str else None
                        return self._entry(entry.row, entry.column) if number is None else Entry(
                            number.text, number.value, entry.row, entry.column, number.unit, number.problem)
        return None

    # ---- labels ----

    def _beside(self, row: int, column: int) -> Entry | None:
        """What a label labels: the text after its colon, else the next filled cell to the right that is no label itself."""
        value = self._value(row, column)
        if type(value) is str and (inside := _label(value)[1]):
            return Entry(tidy(inside), None, row, column)
        for right in range(column + 1, len(self.rows[row])):
            if self._value(row, right) != "":
                if self.words.labels.get(self.labels[row][right]):
                    return None
                return self._text(row, right)
        return None

    def _field(self, key: str, edition: Edition, before: int) -> Entry | None:
        spellings = [plain_label(one) for one in (*edition.labels[key], *get(DEFAULT).labels[key])]
        for wanted in dict.fromkeys(spellings):
            for row in range(before):
                if wanted in self.labels[row]:
                    entry = self._beside(row, self.labels[row].index(wanted))
                    if entry is not None and not is_nothing(entry.text):
                        return entry
        stamped = str(self.sheet.stamp.get(f"pe_{key}") or "").strip()
        return Entry(stamped, None, -1, -1) if stamped else None

    def _grade(self, edition: Edition, before: int, totals: list) -> Entry | None:
        names = {name for one in edition.grades for name in (one.name, *one.also)}
        spellings = {plain_label(one) for one in (*edition.labels["grade"], *get(DEFAULT).labels["grade"])}
        for row, labels in enumerate(self.labels):
            if row >= before and row <= (totals[-1][0] if totals else before):
                continue
            for column, label in enumerate(labels):
                if label in spellings:
                    entry = self._beside(row, column)
                    if entry is not None and not is_nothing(entry.text):
                        return entry
        for row, *_ in totals:
            for column, value in enumerate(self.rows[row]):
                if type(value) is str and value.strip() in names:
                    return self._text(row, column)
        return None

    def _title(self, before: int) -> Entry | None:
        for row in range(before):
            for column, value in enumerate(self.rows[row]):
                if type(value) is str and "自评" in value and ("表" in value or "报告" in value) and len(value) <= 80:
                    return self._text(row, column)
        return None

    def _years(self, title: Entry | None, before: int) -> tuple[tuple[str, int], ...]:
        """Where a year stands: (place, year), the most binding first: stamp, title, a line such as （2021年度）, file name."""
        years = []
        stamped = str(self.sheet.stamp.get("pe_year") or "").strip().removesuffix(".0")
        if stamped.isascii() and stamped.isdigit():
            years.append(("pe_year", int(stamped)))
        if title is not None and (match := _TITLE_YEAR.search(fold(title.text))):
            years.append((cell_name(title.row, title.column), int(match[1])))
        for row in range(min(before, 6)):
            for column, value in enumerate(self.rows[row]):
                if type(value) is str and len(value) <= _LABEL_LENGTH and (match := _YEAR.search(fold(value))):
                    place = cell_name(row, column)
                    if all(place != other for other, _ in years):
                        years.append((place, int(match[1] or match[2])))
        if match := _YEAR.search(self.file) or re.search(r"(?<![0-9])(20[12][0-9])\s*年", self.file):
            years.append((self.file, int(next(group for group in match.groups() if group))))
        return tuple(years)

    def _unit(self, funds: _Header | None) -> str:
        last = funds.row + 8 if funds else 6
        for line in self.rows[: last + 1]:
            for value in line:
                if type(value) is str and "元" in value and len(value) <= _LABEL_LENGTH and (match := _UNIT.search(fold(value))):
                    return match[1]
        return self.edition.unit

    def _texts(self, before: int, after: int) -> tuple[Entry, ...]:
        """Free text of the form: goals, tasks, remarks; what a rule may have to look into."""
        return tuple(
            Entry(tidy(value), None, row, column)
            for row, line in enumerate(self.rows) if row < before or row >= after
            for column, value in enumerate(line) if type(value) is str and len(value) >= 8 and ("三公" in value or "采购" in value)
        )
