"""The copy that is handed in (报送版): the form of an open workbook in the official layout, values only."""

import io
import os
from typing import Any

from perfeval_xl import files, layout, template
from perfeval_xl.cells import Grid
from perfeval_xl.edition import Edition, plain_label
from perfeval_xl.indicator_block import Block
from perfeval_xl.messages import Refusal
from perfeval_xl.model import FORM_SHEET, Percent, cell_name
from perfeval_xl.numbers import plain, read_number
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import Record
from perfeval_xl.template import Box, Filling, Plan

#: what no file name may hold
_NO_NAME = Pattern(r'[\\/:*?"<>|\x00-\x1f]+')


def path_for(one: Record) -> str:
    """Where the copy goes: beside the workbook, named after department and year. A workbook without a folder of its own is refused (X212)."""
    if not one.path or "://" in one.path:
        raise Refusal("X212")
    names = (one.form.department, one.form.project)
    name = "".join(entry.text for entry in names if entry is not None) or os.path.splitext(os.path.basename(one.path))[0]
    year = f"{one.form.year}年度" if one.form.year else ""
    return os.path.join(os.path.dirname(one.path), f"{_NO_NAME.sub('', name)[:60].strip('. ')}{year}{FORM_SHEET}（报送版）.xlsx")


def write(one: Record, path: str) -> None:
    """Writes the copy in one step. A form whose labels are not where its edition prints them is refused (X213)."""
    data = io.BytesIO()
    with template.new_workbook(data) as workbook:
        template.draw(workbook, plan(one), one.edition)
    files.replace(path, data.getvalue())


def plan(one: Record) -> Plan:
    """The form as it is printed, with what stands in the cells of the open workbook."""
    block = Block(one.form, one.grid, one.edition)
    rows = tuple({"part": block.part(row), "group": block.group(row)} for row in block.rows)
    _, tasks = layout.task_rows(block.grid, block.table.row)
    blank = template.blank(one.edition)._replace(indicators=rows, tasks=({},) * len(tasks))
    drawn, more = _with_goals(block.grid, one.edition, blank)

    def value(box: Box) -> Any:
        row = box.top - more if box.top > _goals(drawn)[0].top else box.top
        stands = block.grid.value(row, box.left) if row < len(block.grid.lines) else ""
        if box.block == "aside":
            return _aside(one, box)
        if (box.block, box.field) == ("indicators", "deviation") and isinstance(stands, Percent):
            return f"{plain(read_number(stands).value, one.edition.deviation.places)}%"
        if box.kind == "label" and isinstance(box.value, str) and box.value and plain_label(str(stands)) != plain_label(str(box.value)):
            raise Refusal("X213", cell=cell_name(row, box.left), expected=box.value, stated=stands)
        return stands

    return template.with_values(drawn, value)


def _with_goals(grid: Grid, edition: Edition, blank: Filling) -> tuple[Plan, int]:
    """The printed form with as many rows as its 年度履职目标 need, which no single row may be high enough for, and how many more these are
    than stand in the workbook."""
    drawn = template.lay_out(edition, blank)
    goals = _goals(drawn)
    texts = [str(grid.value(box.top, box.left)) if box.top < len(grid.lines) else "" for box in goals]
    drawn = template.lay_out(edition, blank._replace(goals=tuple(texts)))
    place = goals[0].top, goals[0].left
    stand = next((bottom - top for top, left, bottom, _ in grid.sheet.merged if (top, left) == place), 0)
    return drawn, _goals(drawn)[0].bottom - place[0] - stand


def _goals(drawn: Plan) -> list[Box]:
    return [box for box in drawn.boxes if (box.block, box.field) == ("goals", "goal")]


def _aside(one: Record, box: Box) -> Any:
    """What has a name but no place on the form, from wherever the workbook keeps it."""
    return {"year": one.form.year, "grade": one.card.grade}.get(box.field, box.value)
