"""One row of the macro-free form worked out in Python: thousands of texts through the formulas without a spreadsheet program."""

from __future__ import annotations

from perfeval_xl import beside, calculation, formulas
from perfeval_xl.formula_steps import SHEET, lists
from perfeval_xl.template import blank


class Row:
    """A form of an edition with one row; ``work_out`` gives the values of its cells by field for other texts."""

    def __init__(self, edition, year: int) -> None:
        part = next(part.name for part in edition.parts if part.place != "funds")
        row = {"part": part, "group": "数量指标", "name": "某项工作"}
        plan, computed = formulas.native(*beside.prepare(edition, blank(edition)._replace(indicators=(row,), year=year)), edition)
        self.row = plan.names["pe_indicators"][0]
        self.places = {(box.top, box.left): box.field for box in plan.boxes if box.block in ("indicators", "beside") and box.top == self.row}
        self.formulas = {(one.row, one.column): (one.field, one.formula) for one in computed if one.row == self.row}
        self.year, self.lists = float(year), [words.content for words in lists()]
        self.names = {name: calculation.Area("", *area) for name, area in plan.names.items()}
        self.names |= {words.name: calculation.Area(SHEET, 1, column, len(words.content), column) for column, words in enumerate(lists())}

    def work_out(self, **fields) -> dict[str, object]:
        """What every cell of the row shows."""
        fields = {"group": "数量指标", "name": "某项工作"} | fields
        known: dict[tuple[int, int], object] = {}

        def cell(sheet: str, row: int, column: int):
            if sheet:
                content = self.lists[column]
                value = content[row - 1] if row <= len(content) else None
                return float(value) if isinstance(value, int) else value
            place = row, column
            if place in self.formulas:
                if place not in known:
                    known[place] = calculation.worked_out(self.formulas[place][1], row, column, book)
                return known[place]
            if place in self.places:
                value = fields.get(self.places[place])
                return None if value == "" else value
            return self.year if self.names["pe_year"][1:3] == place else None

        book = calculation.Book(cell, self.names, lambda row, column: "G")
        for row, column in self.formulas:
            cell("", row, column)
        return {self.formulas[place][0]: value for place, value in known.items()}
