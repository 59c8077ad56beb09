"""Edition -> the printed form: a plan of boxes (which cell, what kind, what stands in it), then one writer that puts the plan on a sheet.

The plan is pure: it needs no file and can be asked for any box. Whatever else a form may hold in its computed cells, the boxes stay
where they are; ``_put`` alone decides how the content of a box reaches the sheet. All wording and order come from the edition.
"""

import datetime
import re
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from unicodedata import east_asian_width

import xlsxwriter
from xlsxwriter.utility import xl_range_abs
from xlsxwriter.worksheet import Worksheet

from perfeval_xl.computed import Computed
from perfeval_xl.edition import Column, Edition
from perfeval_xl.edition_file import check_drawable
from perfeval_xl.model import FORM_SHEET, MONEY, Sheet
from perfeval_xl.patterns import Pattern

SHEET = FORM_SHEET
#: mm, A4 portrait: left, right, top, bottom
MARGINS = (13, 13, 15, 17)
#: what is worked out and not filled in: (block, field)
COMPUTED = frozenset((("funds", "rate"), ("funds", "score"), ("tasks", "rate"), ("indicators", "score"), ("indicators", "deviation"),
                      ("head", "total"), ("total", "score"), ("head", "grade"), ("aside", "grade")))
#: columns whose figures are stored as numbers; targets and actuals stay the text that was typed
FIGURES = frozenset((*MONEY, "weight", "hand", "rate", "score", "deviation", "budget", "budget_fiscal", "executed_fiscal", "total", "year"))
#: widths in characters of the default font
_WIDTHS = {"side": 4.7, "part": 9, "group": 17, "name": 19.5, "sign": 9, "target": 11, "target_adjusted": 11, "unit": 11,
           "actual": 11, "weight": 11, "score": 8.5, "deviation": 9.5, "reason": 15.5}
_NARROW = 9
#: how the width of a row is shared where a block has fewer cells than the sheet has columns
_SHARES = {"name": 26, "content": 34, "status": 40}
_LEFT = frozenset(("goal", "content", "status", "reason", "filler"))
_BLOCKS = ("funds", "goals", "tasks", "indicators")
_FONT, _SIZE, _LINE, _PAD, _TALLEST = "宋体", 10.5, 14.5, 5.0, 390.0
_PERCENT = Pattern(r"([-+]?\d+(?:\.(\d+))?)%")


class Filling(NamedTuple):
    """What a department puts into a form, as printed. Money in the form's unit, rates in percent points or with their %.

    ``funds`` is by role, ``tasks`` and ``indicators`` are rows; each row maps the edition's fields to values, absent = blank.
    """

    department: str = ""
    year: int | None = None
    project: str = ""
    unit_in_charge: str = ""
    filler: str = ""
    total: Any = None
    grade: str = ""
    goals: tuple[str, str] = ("", "")
    funds: dict[str, dict[str, Any]] = {}  # noqa: RUF012 - a default that nobody writes to
    tasks: tuple[dict[str, Any], ...] = ({}, {}, {})
    indicators: tuple[dict[str, Any], ...] = ()


class Box(NamedTuple):
    """A cell, or merged cells, zero-based and inclusive. ``kind``: title, line, label, input, computed or aside (not printed).

    ``block``, ``index`` and ``field`` say what it is on the form: ("funds", 0, "rate") is the execution rate of the first source.
    """

    top: int
    left: int
    bottom: int
    right: int
    kind: str
    block: str
    index: int
    field: str
    value: Any = ""


class Plan(NamedTuple):
    """A laid-out form: boxes, defined names -> (top, left, bottom, right), column widths, row heights in points, heading and last row.
    A column of width 0 is hidden.

    ``printed`` is the number of columns that are printed; the ones right of them are for work at the screen.
    """

    boxes: tuple[Box, ...]
    names: dict[str, tuple[int, int, int, int]]
    widths: tuple[float, ...]
    heights: tuple[float, ...]
    header: int
    last: int
    printed: int


def blank(edition: Edition) -> Filling:
    """The unfilled form: the fixed 三级指标 with their presets, the open rows, and the points of the funds block."""
    parts = {part.name: n for n, part in enumerate(edition.parts)}
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in edition.tree:
        groups.setdefault((row.part, row.group), []).append(row._asdict())
    for rows in edition.open_rows:
        groups.setdefault((rows.part, rows.group), []).extend([{"part": rows.part, "group": rows.group}] * rows.rows)
    indicators = tuple(row for key in sorted(groups, key=lambda key: parts[key[0]]) for row in groups[key])
    mark = (edition.labels["not_scored"] or ("",))[0].partition(" ")[0]
    points = sum(part.weight for part in edition.parts if part.place == "funds")
    funds = {row.role: {"weight": points} if row.role == "total" else {"weight": mark, "score": mark} for row in edition.funds_rows}
    return Filling(funds=funds, indicators=indicators)


def indicator_columns(edition: Edition) -> tuple[Column, ...]:
    """The columns of the indicator table that the form prints; an edition may read more than it prints."""
    printed = edition.labels["indicator_columns"]
    return tuple(column for column in edition.indicator_columns if not printed or column.heading in printed)


def lay_out(edition: Edition, filling: Filling) -> Plan:
    """The form of this edition with this filling as a plan; the same edition and filling give the same plan."""
    check_drawable(edition)
    drawing = _Drawing(edition, filling)
    drawing.head()
    for label in edition.labels["blocks"] or [spellings[0] for key in _BLOCKS if (spellings := edition.labels[key])]:
        block = next(key for key in _BLOCKS if label in edition.labels[key])
        if block != "indicators":
            getattr(drawing, block)(label)
    drawing.indicators()
    drawing.total()
    return drawing.plan()


class _Drawing:
    """Draws block under block; ``row`` is the next free row."""

    def __init__(self, edition: Edition, filling: Filling) -> None:
        self.edition, self.filling, self.labels = edition, filling, edition.labels
        self.columns = indicator_columns(edition)
        self.side = int(not self.labels["blocks"] or any(label in self.labels["indicators"] for label in self.labels["blocks"]))
        self.widths = tuple(_WIDTHS[field] for field in ("side",) * self.side + tuple(column.field for column in self.columns))
        self.boxes: list[Box] = []
        self.names: dict[str, tuple[int, int, int, int]] = {}
        self.row, self.header = 0, 0

    def add(self, left: int, right: int, what: tuple[str, int, str], value: Any = "", kind: str = "", rows: int = 1, row: int = -1) -> Box:
        """One box at the current row. Its kind, unless told, is the one place that tells inputs from computed cells."""
        block, index, field = what
        kind = kind or ("computed" if (block, field) in COMPUTED and not (block == "funds" and field == "score" and index) else "input")
        top = self.row if row < 0 else row
        if field == "heading" and text_height(value, sum(self.widths[left : right + 1])) > _LINE + _PAD:
            value = value.replace("（", "\n（", 1).lstrip()  # a heading of two lines breaks before its bracket, not inside it
        self.boxes.append(Box(top, left, top + rows - 1, right, kind, block, index, field, value))
        return self.boxes[-1]

    def name(self, key: str, box: Box) -> None:
        self.names[f"pe_{key}"] = (box.top, box.left) * 2

    def spread(self, shares: Sequence[float], first: int = 0) -> list[tuple[int, int]]:
        """Neighbouring columns from ``first`` on, grouped so that each group's width comes near its share; one column at least each."""
        ends = [sum(self.widths[first : column + 1]) for column in range(first, len(self.widths))]
        spans, left, reached = [], 0, 0.0
        for n, share in enumerate(shares):
            reached += share / sum(shares) * ends[-1]
            choices = range(left, len(ends) - (len(shares) - 1 - n))
            right = choices[-1] if n == len(shares) - 1 else min(choices, key=lambda column: abs(ends[column] - reached))
            spans.append((first + left, first + right))
            left = right + 1
        return spans

    # ---- blocks, in the form's own order ----

    def head(self) -> None:
        """The title, the year, who fills in, and the fields on top (部门名称 ...); a field that ends above goes on below."""
        last, labels = len(self.widths) - 1, self.labels
        self.add(0, last, ("head", 0, "title"), self.edition.title, "title")
        self.row += 1
        if labels["year_line"]:
            line = f"（    {labels['year_line'][0]}）" if self.filling.year is None else self.filling.year
            self.name("year", self.add(0, last, ("head", 0, "year"), line, "line"))
            self.row += 1
        if labels["filler"]:
            self.add(0, last - 2, ("head", 0, "filler"), f"{labels['filler'][0]}：{self.filling.filler}", "line")
            self.add(last - 1, last, ("head", 0, "unit"), f"单位：{self.edition.unit}", "line")
            self.row += 1
        lines = [line.split("|") for line in labels["head"] or labels["department"][:1]]
        for index, words in enumerate(lines):
            spans = self.spread((24, 76) if len(words) == 1 else (24, 36, 13, 27))
            for n, word in enumerate(words):
                if word:
                    below = next((k for k, later in enumerate(lines[index + 1 :]) if n >= len(later) or later[n]), len(lines) - index - 1)
                    self.head_field(index, word, spans[2 * n : 2 * n + 2], 1 + below)
            self.row += 1

    def head_field(self, index: int, word: str, spans: list[tuple[int, int]], rows: int) -> None:
        """A label of the head with its field beside it; a field that the next line leaves out is that much taller."""
        key = next(key for key in ("project", "head_total", "grade", "department", "unit_in_charge") if word in self.labels[key][:1])
        key = "total" if key == "head_total" else key
        self.add(*spans[0], ("head", index, "label"), word, "label", rows)
        box = self.add(*spans[1], ("head", index, key), getattr(self.filling, key), "", rows)
        if key in ("department", "total", "grade"):
            self.name(key, box)

    def funds(self, label: str) -> None:
        """部门整体支出情况 / 预算情况 / 项目资金: the sources below each other, one column of the sheet for each figure."""
        columns, printed, top = self.edition.funds_columns, self.labels["funds_rows"], self.row
        first = len(self.widths) - len(columns)
        self.add(1, first - 1, ("funds", 0, "label"), "", "label")
        for n, column in enumerate(columns):
            self.add(first + n, first + n, ("funds", 0, "heading"), column.heading, "label")
        self.row += 1
        rows = [row for label in printed for row in self.edition.funds_rows if row.label == label] or self.edition.funds_rows
        for index, row in enumerate(rows):
            self.add(1, first - 1, ("funds", index, "label"), row.label, "label")
            values = self.filling.funds.get(row.role, {})
            for n, column in enumerate(columns):
                self.add(first + n, first + n, ("funds", index, column.field), values.get(column.field, ""))
            self.row += 1
        self.names["pe_funds"] = (top + 1, first, self.row - 1, len(self.widths) - 1)
        self.add(0, 0, ("funds", 0, "side"), label, "label", self.row - top, top)

    def goals(self, label: str) -> None:
        """年度履职目标: 预期目标 beside 实际完成情况, under headings of their own or beside two labels; long texts get more rows."""
        top, headings = self.row, self.labels["goal_headings"]
        first, *middle, last = self.spread((1, 1) if headings else (46, 12, 42), 1)
        for heading, span in zip(headings, (first, last), strict=bool(headings)):
            self.add(*span, ("goals", 0, "heading"), heading, "label")
        self.row += bool(headings)
        pairs = list(zip(self.filling.goals, (first, last), strict=True))
        rows = 1 + int(max(text_height(text, sum(self.widths[left : right + 1]) - 2) for text, (left, right) in pairs) // _TALLEST)
        for index, (text, (left, right)) in enumerate(pairs):
            self.add(left, right, ("goals", index, "goal"), text, "", rows)
        for span in middle:
            self.add(*span, ("goals", 1, "label"), self.labels["goals"][1], "label", rows)
        self.row += rows
        self.add(0, 0, ("goals", 0, "side"), label, "label", self.row - top, top)

    def tasks(self, label: str) -> None:
        """年度主要任务: one row a task, with money where the edition asks for it."""
        columns, top = self.edition.task_columns, self.row
        spans = self.spread([_SHARES.get(column.field, 12) for column in columns], 1)
        for column, (left, right) in zip(columns, spans, strict=True):
            self.add(left, right, ("tasks", 0, "heading"), column.heading, "label")
        self.row += 1
        for index, task in enumerate(self.filling.tasks):
            for column, (left, right) in zip(columns, spans, strict=True):
                self.add(left, right, ("tasks", index, column.field), task.get(column.field, ""))
            self.row += 1
        self.add(0, 0, ("tasks", 0, "side"), label, "label", self.row - top, top)

    def indicators(self) -> None:
        """绩效指标: 一级 and 二级 merged over their rows, one row a 三级指标."""
        top, rows, self.header = self.row + 1, self.filling.indicators, self.row
        for n, column in enumerate(self.columns, self.side):
            self.add(n, n, ("indicators", 0, "heading"), column.heading, "label")
            if column.field in ("part", "group"):
                keys = [(row["part"], row["group"] if column.field == "group" else "") for row in rows]
                starts = [index for index, key in enumerate(keys) if not index or key != keys[index - 1]]
                for first, end in zip(starts, [*starts[1:], len(keys)], strict=True):
                    text = self.part(keys[first][0]) if column.field == "part" else keys[first][1]
                    self.add(n, n, ("indicators", first, column.field), text, "label", end - first, top + first)
            else:
                for index, row in enumerate(rows):
                    self.add(n, n, ("indicators", index, column.field), row.get(column.field, ""), row=top + index)
        self.row = top + len(rows)
        self.names["pe_indicators"] = (top, self.side, self.row - 1, len(self.widths) - 1)
        if self.side:
            self.add(0, 0, ("indicators", 0, "side"), self.labels["indicators"][0], "label", self.row - self.header, self.header)

    def part(self, name: str) -> str:
        """A 一级指标 as printed, with its points where the form prints them."""
        weight = next((part.weight for part in self.edition.parts if part.name == name), None)
        return f"{name}\n（{weight}{self.labels['part_weight'][0]}）" if self.labels["part_weight"] and weight is not None else name

    def total(self) -> None:
        """总分 under its columns, unless the head carries it."""
        if "pe_total" in self.names:
            return
        fields = ["side"] * self.side + [column.field for column in self.columns]
        first = min(fields.index("weight"), fields.index("score"))
        self.add(0, first - 1, ("total", 0, "label"), self.labels["total"][0], "label")
        values = {"weight": sum(part.weight for part in self.edition.parts), "score": self.filling.total}
        for n, field in enumerate(fields[first:], first):
            box = self.add(n, n, ("total", 0, field), values.get(field, ""), "" if field == "score" else "label")
            if field == "score":
                self.name("total", box)
        self.row += 1

    def plan(self) -> Plan:
        """Everything drawn; below it, in grey and not printed, what has a name but no place on the form, from the first column on that is
        wide enough for its words."""
        last, left = self.row - 1, int(self.widths[0] < _NARROW)
        for key, label, value in (("edition", "版本", self.edition.id), ("year", "年度", self.filling.year),
                                  ("grade", (self.labels["grade"] or ("",))[0], self.filling.grade)):
            if f"pe_{key}" not in self.names:
                self.row += 1
                self.add(left, left, ("aside", 0, "label"), label, "aside")
                self.name(key, self.add(left + 1, left + 1, ("aside", 0, key), value, "computed" if ("aside", key) in COMPUTED else "aside"))
        return Plan(tuple(self.boxes), self.names, self.widths, _heights(self.boxes, self.widths, last), self.header, last,
                    len(self.widths))


def with_values(plan: Plan, value: Callable[[Box], Any]) -> Plan:
    """The same form with other contents; the rows become as high as these need."""
    boxes = tuple(box._replace(value=value(box)) for box in plan.boxes)
    return plan._replace(boxes=boxes, heights=_heights(boxes, plan.widths, plan.last))


def _at_left(box: Box) -> bool:
    return (box.block, box.field) == ("funds", "label") or (box.field in _LEFT and not 0 < len(str(box.value)) <= 8)


def text_height(text: Any, width: float) -> float:
    """Points that a text needs in a column of this width: wide characters count two, a word of Latin letters or digits is not broken."""
    room, lines = max(2.0, (width - 0.5) * 0.97), 0
    for line in str(text).split("\n"):
        used, lines = 0.0, lines + 1
        for word in re.findall(r"[!-~]+|.", line):
            wide = sum(2 if east_asian_width(letter) in "WFA" else 1 for letter in word)
            if used and used + wide > room:
                used, lines = 0.0, lines + 1
            lines += int(wide // (room + 0.01)) if wide > room else 0
            used += wide
    return lines * _LINE + _PAD


def _heights(boxes: Sequence[Box], widths: Sequence[float], last: int) -> tuple[float, ...]:
    """Row heights in points in which no text is cut off; what merged cells still lack is shared among their rows."""
    heights = [_LINE + _PAD] * (last + 1)
    for box in sorted((box for box in boxes if box.bottom <= last), key=lambda box: box.bottom - box.top):
        room = sum(widths[box.left : box.right + 1]) - 2 * _at_left(box)
        needed = {"title": 36.0, "line": 21.0}.get(box.kind) or max(text_height(box.value, room), 4 * _LINE * (box.field == "goal"))
        lack = max(0.0, needed - sum(heights[box.top : box.bottom + 1]))
        for row in range(box.top, box.bottom + 1):
            heights[row] += lack / (box.bottom - box.top + 1)
    return tuple(min(round(height * 4) / 4, 409.0) for height in heights)


def new_workbook(path: Any, kind: type[xlsxwriter.Workbook] = xlsxwriter.Workbook, **options: Any) -> xlsxwriter.Workbook:
    """A workbook whose parts are the same bytes whenever it is built: fixed date, nothing that looks like a formula or link is one."""
    workbook = kind(path, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, **options})
    workbook.set_properties({"created": datetime.datetime(2024, 1, 1)})
    return workbook


def write_form(workbook: xlsxwriter.Workbook, edition: Edition, filling: Filling | None = None) -> Plan:
    """Lays out the form on a sheet 自评表 of the workbook, blank without a filling; the plan says where everything stands."""
    plan = lay_out(edition, blank(edition) if filling is None else filling)
    draw(workbook, plan, edition)
    return plan


def draw(workbook: xlsxwriter.Workbook, plan: Plan, edition: Edition, look: Callable[[Box], dict[str, Any]] = lambda box: {},
         computed: Iterable[Computed] = ()) -> Worksheet:
    """Puts a plan on a new sheet 自评表 and gives the sheet. ``look`` adds to the look of a box; a computed cell holds its formula and its
    value, or the value alone where it has no formula."""
    sheet, worked = workbook.add_worksheet(SHEET), {(cell.row, cell.column): cell for cell in computed}
    formats: dict[tuple, Any] = {}
    for column, width in enumerate(plan.widths):
        sheet.set_column(column, column, width, None, {} if width else {"hidden": True})
    for row, height in enumerate(plan.heights):
        sheet.set_row(row, height)
    for box in plan.boxes:
        content, shown = _content(box, edition)
        look_of = tuple(sorted({**_look(box), **look(box), **({"num_format": shown} if shown else {})}.items()))
        if look_of not in formats:
            formats[look_of] = workbook.add_format(dict(look_of))
        if box[:2] != box[2:4]:
            sheet.merge_range(*box[:4], "", formats[look_of])
        _put(sheet, box, content, formats[look_of], worked.get(box[:2]))
    for name, area in plan.names.items():
        workbook.define_name(name, f"={SHEET}!{xl_range_abs(*area)}")
    _print_setup(sheet, plan)
    return sheet


def as_sheet(plan: Plan, edition: Edition) -> Sheet:
    """The plan as a reader of the workbook would see it."""
    rows: list[list[Any]] = [[""] * len(plan.widths) for _ in range(max(box.bottom for box in plan.boxes) + 1)]
    for box in plan.boxes:
        content, _ = _content(box, edition)
        rows[box.top][box.left] = "" if content is None else content
    merged = tuple(box[:4] for box in plan.boxes if box[:2] != box[2:4])
    stamp = {name: value for name in ("pe_edition", "pe_department", "pe_year") if (value := rows[plan.names[name][0]][plan.names[name][1]]) != ""}
    return Sheet(SHEET, rows, merged, stamp)


def _content(box: Box, edition: Edition) -> tuple[Any, str]:
    """What stands in the box and its number format: a float, a text or None; "66.6%" is a number in columns of figures only."""
    value = box.value
    shown = f'"（"0"{edition.labels["year_line"][0]}）"' if box.field == "year" and box.block == "head" else ""
    if value is None or value == "":
        return None, shown
    if box.field in FIGURES or box.block == "total":
        if isinstance(value, (int, float, Decimal)):
            return float(value), shown
        if match := _PERCENT.fullmatch(value):
            return float(Decimal(match[1]) / 100), f"0.{'0' * len(match[2])}%" if match[2] else "0%"
    return str(value), shown


def _put(sheet: Worksheet, box: Box, content: Any, look: Any, computed: Computed | None = None) -> None:
    """The only place where a box is written; merged cells carry their content in the first one."""
    if computed is not None:
        content = None if computed.value == "" else computed.value
    if computed is not None and computed.formula:
        sheet.write_formula(box.top, box.left, computed.formula, look, computed.value)
    elif content is None:
        sheet.write_blank(box.top, box.left, None, look)
    elif isinstance(content, str):
        sheet.write_string(box.top, box.left, content, look)
    else:
        sheet.write_number(box.top, box.left, content, look)


def _look(box: Box) -> dict[str, Any]:
    """Fonts, borders and alignment; free text stands left, a word or two of it in the middle like everything else."""
    look = {"font_name": _FONT, "font_size": _SIZE, "text_wrap": True, "align": "center", "valign": "vcenter"}
    if box.block == "aside":
        return look | {"font_size": 9, "font_color": "#999999", "align": "left", "text_wrap": False}
    if box.kind == "title":
        return look | {"font_size": 18, "bold": True}
    if box.kind == "line":
        return look | {"align": {"filler": "left", "unit": "right"}.get(box.field, "center")}
    look |= {"border": 1, "bold": box.block == "total" or (box.kind == "label" and box.field not in ("part", "group"))}
    if _at_left(box):
        return look | {"bold": False, "align": "left", "indent": 1}
    return look


def _print_setup(sheet: Worksheet, plan: Plan) -> None:
    """A4 portrait, one page wide (and one page in all if little is missing), the heading of the indicators and a number on each page."""
    left, right, top, bottom = (margin / 25.4 for margin in MARGINS)
    scale = (210 / 25.4 - left - right) / (sum(7 * width + 5 for width in plan.widths[: plan.printed]) / 96)
    pages = sum(plan.heights) / 72 * scale / (297 / 25.4 - top - bottom)
    sheet.set_paper(9)
    sheet.set_portrait()
    sheet.set_margins(left, right, top, bottom)
    sheet.set_footer("&C第 &P 页，共 &N 页", {"margin": 8 / 25.4})
    sheet.center_horizontally()
    sheet.fit_to_pages(1, 1 if pages <= 1.15 else 0)
    sheet.print_area(0, 0, plan.last, plan.printed - 1)
    sheet.repeat_rows(plan.header)
    sheet.hide_gridlines(2)
