"""The indicator block of a form that was read, as rows to work on: which they are, and how far 一级 and 二级指标 reach beside them."""

from perfeval_xl import computed, layout
from perfeval_xl import table as indicator_table
from perfeval_xl.cells import Grid
from perfeval_xl.edition import Edition
from perfeval_xl.model import Sheet, Submission
from perfeval_xl.table import Table


class Block:
    """``rows`` are the rows of 绩效指标 from the first to the last, those included that nobody has filled in."""

    def __init__(self, form: Submission, sheet: Sheet, edition: Edition) -> None:
        self.form, self.edition, self.grid = form, edition, Grid(sheet)
        self.table: Table = indicator_table.find(self.grid, "")
        self.rows = computed.indicator_rows(form, self.grid, self.table)

    def span(self, row: int, level: int) -> tuple[int, int]:
        """First and last row of the 一级 (level 0) or 二级指标 (level 1) beside a row."""
        places = [place for place in self.table.places[: level + 1] if place is not None]
        starts = [line for line in self.rows if any(self.grid.value(line, place) != "" for place in places)]
        top = max((line for line in starts if line <= row), default=self.rows[0])
        return top, min((line for line in starts if line > row), default=self.rows[-1] + 1) - 1

    def part(self, row: int) -> str:
        """The 一级指标 of a row, as the edition calls it."""
        column = self.table.places[0]
        return "" if column is None else layout.part_name(self.grid.value(self.span(row, 0)[0], column), self.edition.id)

    def group(self, row: int) -> str:
        """The 二级指标 of a row, as it is printed."""
        column = self.table.places[1]
        return "" if column is None else str(self.grid.value(self.span(row, 1)[0], column))

    def open_parts(self) -> tuple[str, ...]:
        """The parts that have rows of the department's own (edition [[open]]); all parts where the edition names none."""
        parts = tuple(dict.fromkeys(one.part for one in self.edition.open_rows))
        return parts or tuple(part.name for part in self.edition.parts if part.place != "funds")
