"""A checked form -> the written report (自评报告) as plain blocks: headings, paragraphs, tables, charts and places for people's own text.

Which chapters a report has, and the fixed words of its sentences, stands in ``reports/<edition>.toml``; editions without a file of their own
get ``department`` or ``project``. A place of a sentence that follows from the form is a ``Figure`` with a mark of its own: by this mark it is
found again when the report is generated anew. Nothing here knows what a document is.
"""

import os
import re
import tomllib
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from zlib import crc32

from perfeval_xl import messages, report_tables
from perfeval_xl.cells import Grid
from perfeval_xl.compare import agree, percent
from perfeval_xl.model import Entry, Percent
from perfeval_xl.numbers import half_up, plain, read_number
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import Record
from perfeval_xl.report_figures import FOLDER, Figures, Part, Value, clean, figure, say
from perfeval_xl.report_tables import Cell, Chart, Table
from perfeval_xl.review_lists import wide
from perfeval_xl.table import find

_PLACE = Pattern(r"\{(\w+)\}")
#: widths of characters of a title that stand on one line, a Chinese one being two
_TITLE = 40
#: widths of the attached form, in characters
_NARROWEST, _WIDEST = 9.0, 24.0


class Figure(NamedTuple):
    """A place of a sentence that follows from the form: its mark, what it is called, its text and a note for whoever edits the report.

    ``before`` and ``after`` are the fixed characters beside it: they belong to the marked place, so that it stays where it is when somebody
    selects the figure alone and types another one.
    """

    mark: str
    label: str
    text: str
    note: str = ""
    before: str = ""
    after: str = ""


class Heading(NamedTuple):
    """A heading; level 1 is a chapter."""

    level: int
    text: str


class Paragraph(NamedTuple):
    """Fixed words and figures in their order; ``signed``: the name or the date below the text."""

    pieces: tuple[str | Figure, ...]
    signed: bool = False


class Drawn(NamedTuple):
    """A table or a chart with its mark; ``form`` says that it is the form itself, on pages of its own."""

    mark: str
    what: Table | Chart
    form: bool = False


class Report(NamedTuple):
    """A report: its title, on one line and as it is broken, its blocks, and how many places wait for people's text."""

    title: str
    title_lines: str
    blocks: tuple[Heading | Paragraph | Drawn, ...]
    asked: int

    @property
    def figures(self) -> tuple[Figure, ...]:
        """All marked places of its sentences, in their order."""
        return tuple(piece for block in self.blocks if isinstance(block, Paragraph) for piece in block.pieces if isinstance(piece, Figure))


def content(one: Record) -> Report:
    """The report on a form. A file without a readable form is refused with its own refusal."""
    if one.refusal is not None:
        raise one.refusal
    outline = _outline(_outline_name(one))
    figures = Figures(one, outline["subject"])
    title = _PLACE.sub(lambda place: figures.values[place[1]].text.replace("|", ""), outline["title"])
    writer = _Writer(figures)
    blocks = tuple(writer.blocks(outline["block"], figures.values))
    whole = title.replace("|", "")
    return Report(whole, whole if wide(whole) <= _TITLE else "\n".join(map(_broken, title.split("|"))), blocks, writer.asked)


def _broken(line: str) -> str:
    """A line of the title that is too long for the page, in two: behind the body that another one belongs to, else behind a region."""
    if wide(line) <= _TITLE:
        return line
    for words in ("委员会|人民政府|人民代表大会|办事处|协会|总局", "[省市区县州]"):
        places = [match.end() for match in re.finditer(words, line) if wide(line[: match.end()]) <= _TITLE and wide(line[match.end() :]) <= _TITLE]
        if places:
            place = min(places, key=lambda one: abs(wide(line[:one]) * 2 - wide(line)))
            return f"{line[:place]}\n{line[place:]}"
    return line


def file_name(report: Report) -> str:
    """What the document is called: its title, without what no file name may hold."""
    return re.sub(r'[\\/:*?"<>|\s“”]+', "", report.title)[:80] + ".docx"


@cache
def _outline(name: str) -> dict[str, Any]:
    with open(os.path.join(FOLDER, f"{name}.toml"), "rb") as stream:
        return tomllib.load(stream)


def _outline_name(one: Record) -> str:
    if os.path.exists(os.path.join(FOLDER, f"{one.form.edition}.toml")):
        return one.form.edition
    return "project" if one.form.project is not None or (one.form.recognised and one.edition.scope == "project") else "department"


def _identity(one: Record) -> str:
    """What no two reports share: marks of another department, year or edition are never taken for this one's."""
    names = (clean(entry.text) if entry is not None else "" for entry in (one.form.department, one.form.project))
    return "|".join((one.form.edition, str(one.form.year), *names))


class _Writer:
    """Turns an outline into blocks. A mark is made of whose report it is, the words of the outline around it, and the part it speaks of."""

    def __init__(self, figures: Figures) -> None:
        self.figures, self.identity, self.used, self.asked = figures, _identity(figures.record), {}, 0

    def mark(self, *names: str) -> str:
        name = "|".join((self.identity, *names))
        self.used[name] = self.used.get(name, 0) + 1
        return f"{crc32(f'{name}|{self.used[name]}'.encode()):08x}"

    def blocks(self, outline: list[dict[str, Any]], values: dict[str, Value], part: Part | None = None) -> Iterator[Heading | Paragraph | Drawn]:
        of = part.name if part is not None else ""
        for block in outline:
            for level, key in enumerate(("chapter", "section", "item"), 1):
                if key in block:
                    yield Heading(level, self.filled(block[key], values))
            if "text" in block or "ask" in block:
                yield self.paragraph(block.get("text", ""), block.get("ask", ""), values, of)
            if "sign" in block:
                yield self.paragraph(block["sign"], "", values, of)._replace(signed=True)
                yield self.paragraph("", block["date"], values, of)._replace(signed=True)
            if "table" in block:
                yield Drawn(self.mark("table", block["table"], of), report_tables.table(self.figures, block["table"], part))
            if "chart" in block and (chart := report_tables.chart(self.figures, block["chart"])).names:
                yield Drawn(self.mark("chart", block["chart"]), chart)
            if "form" in block:
                yield Drawn(self.mark("form"), form_table(self.figures, self.filled(block["form"], values)), form=True)
            if "repeat" in block:
                parts = [one for one in self.figures.parts if block["repeat"] == "parts" or not one.funds]
                for n, one in enumerate(parts, 1):
                    yield from self.blocks(block["block"], values | self.figures.part(one, n), one)

    def filled(self, words: str, values: dict[str, Value]) -> str:
        return _PLACE.sub(lambda place: values[place[1]].text, words)

    def paragraph(self, words: str, ask: str, values: dict[str, Value], of: str) -> Paragraph:
        """A sentence of the outline: every second piece of it is a place; a place without anything to say is left out."""
        pieces: list[str | Figure] = []
        parts = _PLACE.split(words)
        for n, part in enumerate(parts):
            if n % 2 == 0:
                pieces.append(part)
            elif part in ("name", "n", "form"):
                pieces[-1:] = [str(pieces[-1]) + values[part].text]  # names the part or the form: words, not a figure
            else:
                value = values[part]
                pieces.append(Figure(self.mark(words, of, part), value.label, value.text, value.note))
        if ask:
            self.asked += 1
            pieces.append(say("ask", text=self.filled(ask, values)))
        return Paragraph(tuple(_joined(pieces)))


def _joined(pieces: list[str | Figure]) -> Iterator[str | Figure]:
    """Neighbouring words become one; each figure takes in the characters beside it."""
    merged: list[str | Figure] = []
    for piece in pieces:
        if isinstance(piece, str) and merged and isinstance(merged[-1], str):
            merged[-1] += piece
        elif piece:
            merged.append(piece)
    for n, piece in enumerate(merged):
        if isinstance(piece, Figure):
            before, after = merged[n - 1] if n else "", merged[n + 1] if n + 1 < len(merged) else ""
            before = before[-1:] if isinstance(before, str) else ""
            # words of one character between two figures belong to the first
            after = after[:1] if isinstance(after, str) else ""
            merged[n] = piece._replace(before=before, after=after)
            if before:
                merged[n - 1] = merged[n - 1][:-1]
            if after:
                merged[n + 1] = merged[n + 1][1:]
    return (piece for piece in merged if piece)


# ---- the form itself ----


def form_table(figures: Figures, label: str) -> Table:
    """The form as it was handed in, its computed cells as recomputed; what was found in a cell is its note."""
    one = figures.record
    grid, table = Grid(one.grid), find(Grid(one.grid), "")
    last, right = _extent(one, grid, max(table.columns.values()))
    spans, covered = _merged(one.grid.merged, last, right)
    if (0, 0) not in spans and not any(grid.value(0, column) for column in range(1, right + 1)):
        spans[0, 0] = 0, right  # a title that stands in the first cell alone
        covered |= {(0, column) for column in range(1, right + 1)}
    due, notes = dict(_recomputed(figures)), _notes(one, grid)
    rows = []
    for row in range(last + 1):
        line: list[Cell | None] = []
        for column in range(right + 1):
            bottom, edge = spans.get((row, column), (row, column))
            text = due.get((row, column), "") or _printed(grid.value(row, column), one, row < table.row)
            line.append(None if (row, column) in covered else Cell(
                text, edge - column + 1, bottom - row + 1, bold=row in (0, table.row), left=len(text) > 14, note=notes.get((row, column), "")))
        rows.append(tuple(line))
    return Table(label, tuple(rows), 0, _widths(rows, right + 1))


def _merged(areas: tuple, last: int, right: int) -> tuple[dict[tuple[int, int], tuple[int, int]], set[tuple[int, int]]]:
    """Merged areas within the form, by their first cell, and the cells they cover. One that overlaps another is no merged area."""
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    taken: set[tuple[int, int]] = set()
    for top, left, bottom, edge in areas:
        cells = {(row, column) for row in range(top, min(bottom, last) + 1) for column in range(left, min(edge, right) + 1)}
        if len(cells) > 1 and taken.isdisjoint(cells):
            taken |= cells
            spans[top, left] = min(bottom, last), min(edge, right)
    return spans, taken - spans.keys()


def _extent(one: Record, grid: Grid, right: int) -> tuple[int, int]:
    """Last row and column of the printed form: below it stands what only our own workbooks keep there, right of it what helps at the screen."""
    aside = next((row for row in range(len(grid.lines) - 1, -1, -1) if one.form.edition in grid.lines[row]), len(grid.lines))
    filled = [row for row in range(aside) if any(value != "" for value in grid.lines[row][: right + 1])]
    return max(filled, default=0), right


def _recomputed(figures: Figures) -> Iterator[tuple[tuple[int, int], str]]:
    """Cells whose figure is not the recomputed one -> what it should be, printed as the form prints it."""
    form, card, tolerance = figures.form, figures.card, figures.edition.tolerance
    signed = not any(row.rate is not None and row.rate.number is not None and not row.rate.unit for row in form.funds)

    def cell(entry: Entry | None, due: Decimal | None, allowed: Decimal, text: str) -> Iterator[tuple[tuple[int, int], str]]:
        if entry is not None and due is not None and entry.row >= 0 and (entry.number is None or not agree(entry, due, allowed)):
            yield (entry.row, entry.column), text

    for row, rate in zip(form.funds, card.rates, strict=True):
        yield from cell(row.rate, rate, tolerance.rate, "" if rate is None else percent(rate, signed))
    if form.total_row is not None:
        yield from cell(form.total_row.score, card.funds_score, tolerance.score, figure(card.funds_score))
    for task, rate in zip(form.tasks, card.task_rates, strict=True):
        yield from cell(task.rate, rate, tolerance.rate, "" if rate is None else percent(rate))
    for row, result in figures.rows:
        yield from cell(row.score, result.score, tolerance.score, figure(result.score))
        deviation = result.attainment.deviation
        if deviation is not None and result.weight is not None and row.deviation is not None and row.deviation.row >= 0:
            yield (row.deviation.row, row.deviation.column), figures.deviation(deviation)
    for total in form.totals:
        yield from cell(total, card.total, tolerance.score, figure(card.total))
    if form.grade is not None and form.grade.row >= 0 and card.grade:
        yield (form.grade.row, form.grade.column), card.grade


def _notes(one: Record, grid: Grid) -> dict[tuple[int, int], str]:
    """What was found in each cell, the merged ones by their first; a note (提示) needs nothing and is left out."""
    notes: dict[tuple[int, int], list[str]] = {}
    for finding in one.findings:
        if finding.row >= 0 and finding.severity != "note":
            top, left, _ = grid.tall.get((finding.row, finding.column), (finding.row, finding.column, 1))
            notes.setdefault((top, left), []).append(messages.on_the_spot(finding, "zh"))
    return {place: "\n".join(said) for place, said in notes.items()}


def _printed(value: Any, one: Record, above: bool) -> str:
    """A cell as the form prints it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if above and value == one.form.year and one.edition.labels["year_line"]:
            return f"（{one.form.year}{one.edition.labels['year_line'][0]}）"
        number = read_number(float(value)).value
        return str(value) if number is None else plain(half_up(number, 4))
    return str(value) if isinstance(value, Percent) else "\n".join(filter(None, map(clean, str(value).splitlines())))


def _widths(rows: list[tuple[Cell | None, ...]], columns: int) -> tuple[float, ...]:
    widths = [_NARROWEST] * columns
    for row in rows:
        for column, cell in enumerate(row):
            if cell is not None and cell.across == 1 and cell.text:
                longest = max(map(wide, cell.text.split("\n")))
                if cell.text.isascii():  # a figure must not break; digits of some fonts are wide
                    longest = longest * 5 // 4 + 1
                widths[column] = max(widths[column], min(longest + 4, _WIDEST if cell.down < 3 else 9))
    return tuple(widths)
