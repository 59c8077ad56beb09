"""The computed cells of a form: where each stands, the worksheet function that belongs there, and what this function gives.

A cell's value is what its own formula gives for the cells it names, so that a form shows the same figures before and after a spreadsheet
program has recalculated it. Positions come from the form as it was read, whatever rows have been inserted since it was built.
"""

from typing import Any, NamedTuple

from perfeval_xl import table as indicator_table
from perfeval_xl import udfs
from perfeval_xl.cells import Grid
from perfeval_xl.edition import get, plain_label
from perfeval_xl.layout import place_beside, task_rows
from perfeval_xl.model import Percent, Sheet, Submission, column_name
from perfeval_xl.scoring import less_is_better
from perfeval_xl.table import Table

#: headings of the two columns beside the printed form
STATE, HAND = "状态", "人工评分"


class Computed(NamedTuple):
    """A cell that is worked out and not filled in. Row and column are zero-based, ``value`` is a number or a text ("" = blank).

    ``block`` and ``field`` are the words of ``template.Box``: ("funds", "rate"), ("indicators", "deviation"), ("indicators", "state") ...
    """

    row: int
    column: int
    block: str
    field: str
    value: float | str
    formula: str


class _Area(NamedTuple):
    """Cells of the form, inclusive; ``fixed`` keeps the reference where it is when the formula is copied to another row."""

    top: int
    left: int
    bottom: int
    right: int
    fixed: bool = False

    def __str__(self) -> str:
        sign = "$" * self.fixed
        first = f"{sign}{column_name(self.left)}{sign}{self.top + 1}"
        alone = (self.top, self.left) == (self.bottom, self.right)
        return first if alone else f"{first}:{sign}{column_name(self.right)}{sign}{self.bottom + 1}"


class _Joined(NamedTuple):
    """Texts of several cells, one after the other."""

    cells: tuple[_Area, ...]

    def __str__(self) -> str:
        return "&".join(map(str, self.cells))


def cells(form: Submission, sheet: Sheet) -> list[Computed]:
    """Every computed cell of a form, in the order in which they depend on each other; ``form`` is what ``layout.read`` made of ``sheet``.

    The formulas name the edition and the year by ``pe_edition`` and ``pe_year``; the sheet's stamp holds their values.
    """
    grid = Grid(sheet)
    table = indicator_table.find(grid, "")
    desk = _Desk(form, grid)
    if table is not None:
        _funds(desk)
        _tasks(desk, table)
        rows = indicator_rows(form, grid, table)
        for row in rows:
            _indicator(desk, table, row)
        _total(desk, table, rows)
    return desk.done


class _Desk:
    """The cells worked out so far; a formula that names one of them gets its new value."""

    def __init__(self, form: Submission, grid: Grid) -> None:
        self.form, self.grid, self.edition = form, grid, get(form.edition)
        self.names = {"pe_edition": form.edition, "pe_year": grid.sheet.stamp.get("pe_year")}
        self.done: list[Computed] = []
        self.values: dict[tuple[int, int], float | str] = {}
        #: what stands above the row looked at last, by column: rows are worked out from the top
        self.above: dict[str, tuple[int, _Area | None]] = {}

    def call(self, function: str, *arguments: _Area | _Joined | str) -> tuple[float | str, str]:
        """What a worksheet function gives for these arguments, and the call as it stands in a formula. A str is a name of the workbook, or ""."""
        words = ",".join(str(argument) or '""' for argument in arguments)
        return getattr(udfs, function)(*map(self.value, arguments)), f"{function}({words})"

    def value(self, argument: _Area | _Joined | str) -> Any:
        if isinstance(argument, str):
            return self.names[argument] if argument else ""
        if isinstance(argument, _Joined):
            return "".join(str(self.value(cell) or "") for cell in argument.cells)
        if (argument.top, argument.left) == (argument.bottom, argument.right):
            return self.cell(argument.top, argument.left)
        return [[self.cell(row, column) for column in range(argument.left, argument.right + 1)] for row in range(argument.top, argument.bottom + 1)]

    def cell(self, row: int, column: int) -> Any:
        """A cell as a spreadsheet program hands it over: None for a blank one, a percentage as its fraction."""
        if (row, column) in self.values:
            return self.values[row, column]
        value = self.grid.value(row, column) if row < len(self.grid.lines) else ""
        return float(value) if isinstance(value, Percent) else None if value == "" else value

    def add(self, row: int, column: int | None, block: str, field: str, result: tuple[float | str, str]) -> None:
        if column is not None:
            self.values[row, column] = result[0]
            self.done.append(Computed(row, column, block, field, result[0], f"={result[1]}"))


def _at(row: int, column: int, fixed: bool = False) -> _Area:
    return _Area(row, column, row, column, fixed)


def _funds(desk: _Desk) -> None:
    """执行率 of every source, 得分 of the total."""
    for row in desk.form.funds:
        if row.adjusted is None or row.executed is None:
            continue
        money = _at(row.adjusted.row, row.adjusted.column), _at(row.executed.row, row.executed.column)
        if row.rate is not None:
            desk.add(row.rate.row, row.rate.column, "funds", "rate", _rate(desk, *money, row is not desk.form.total_row))
        if row is desk.form.total_row and row.weight is not None and row.score is not None:
            weight = _at(row.weight.row, row.weight.column)
            desk.add(row.score.row, row.score.column, "funds", "score", desk.call("PE_EXECUTION_SCORE", *money, weight, "pe_edition"))


def _tasks(desk: _Desk, table: Table) -> None:
    """预算执行率 of every task, where the edition asks for money per task."""
    columns, rows = task_rows(desk.grid, table.row)
    if {"budget", "executed", "rate"} <= columns.keys():
        for row in rows:
            money = _at(row, columns["budget"]), _at(row, columns["executed"])
            desk.add(row, columns["rate"], "tasks", "rate", _rate(desk, *money, True))


def _rate(desk: _Desk, adjusted: _Area, executed: _Area, may_be_nothing: bool) -> tuple[float | str, str]:
    """The execution rate; 0 for a source or task without money, as the published forms print it. The whole budget is never nothing."""
    value, call = desk.call("PE_EXECUTION_RATE", adjusted, executed)
    if not may_be_nothing:
        return value, call
    nothing = [type(money) in (int, float) and money == 0 for money in (desk.value(adjusted), desk.value(executed))]
    return 0.0 if all(nothing) else value, f"IF(AND(COUNT({adjusted},{executed})=2,{adjusted}=0,{executed}=0),0,{call})"


def indicator_rows(form: Submission, grid: Grid, table: Table) -> list[int]:
    """The rows of 绩效指标, those included that nobody has filled in: a row belongs to the block while it stands beside a 二级指标."""
    named = {row.place.row for row in form.indicators}
    totals = {entry.row for entry in form.totals}
    rows, last = [], max(named, default=table.last)
    for row in range(table.last + 1, len(grid.lines)):
        if row in totals or (row > last and row not in named and not any(_beside(grid, row, column) for column in table.places[:2])):
            if row > last:
                break
        else:
            rows.append(row)
    return rows


def _beside(grid: Grid, row: int, column: int | None) -> bool:
    if column is None:
        return False
    top, left, _ = grid.tall.get((row, column), (row, column, 1))
    return grid.value(top, left) != ""


def _above(desk: _Desk, table: Table, row: int, field: str) -> _Area | None:
    """The cell that holds the 一级 or 二级指标 of a row: its own, or the last one above it within the same part."""
    column, part = table.columns.get(field), table.columns.get("part")
    reached, found = desk.above.get(field, (table.last, None))
    for line in range(row, reached, -1) if column is not None else ():
        if desk.grid.value(line, column) != "":
            found = _at(line, column, True)
            break
        if part is not None and desk.grid.value(line, part) != "":
            found = None
            break
    desk.above[field] = row, found
    return found


def _sense(desk: _Desk, table: Table, row: int) -> _Area | _Joined | str:
    """What says, beside the name, that less is better: the 二级指标, and the 一级指标 where its name says so (成本指标)."""
    part, group = _above(desk, table, row, "part"), _above(desk, table, row, "group")
    if part is not None and less_is_better("", "", str(desk.grid.value(part.top, part.left))):
        return _Joined((part, group)) if group is not None else part
    return "" if group is None else group


def _indicator(desk: _Desk, table: Table, row: int) -> None:
    """得分, 偏差度 and 状态 of one row. A score given by hand counts where no rule decides, and nowhere else."""
    columns = table.columns
    if not {"actual", "weight", "score"} <= columns.keys() or not table.target:
        return
    actual, weight, score = (_at(row, columns[field]) for field in ("actual", "weight", "score"))
    first, last = table.target[0], table.target[-1]
    target = _Area(row, first, row, last) if last - first == len(table.target) - 1 else _at(row, columns["target"])
    about = _at(row, columns["name"]), _sense(desk, table, row), "pe_year"
    points = desk.call("PE_SCORE", target, actual, weight, "pe_edition", *about)
    desk.add(row, columns["score"], "indicators", "score", _by_hand(desk, points, row, _column(desk, table, HAND)))
    desk.add(row, columns.get("deviation"), "indicators", "deviation", desk.call("PE_DEVIATION", target, actual, *about))
    reason = _at(row, columns["reason"]) if "reason" in columns else ""
    desk.add(row, _column(desk, table, STATE), "indicators", "state",
             desk.call("PE_CHECK", target, actual, weight, score, reason, "pe_edition", *about))


def _column(desk: _Desk, table: Table, heading: str) -> int | None:
    return next((word[1] for word in desk.grid.look(table.row).words if word[2] == heading), None)


def _by_hand(desk: _Desk, points: tuple[float | str, str], row: int, column: int | None) -> tuple[float | str, str]:
    if column is None:
        return points
    value, call = points
    hand, given = _at(row, column), desk.cell(row, column)
    if isinstance(value, str) and type(given) in (int, float):
        value = float(given)
    return value, f"IF(COUNT({hand})=0,{call},IF(ISTEXT({call}),{hand},{call}))"


def _total(desk: _Desk, table: Table, rows: list[int]) -> None:
    """总分 and 等级. The total is the score of the funds block and those of the rows."""
    form, column = desk.form, table.columns.get("score")
    if column is None or not rows:
        return
    funds = [_at(form.total_row.score.row, form.total_row.score.column)] if form.total_row is not None and form.total_row.score is not None else []
    total = form.totals[0]
    desk.add(total.row, total.column, "total", "score", desk.call("PE_TOTAL_SCORE", *funds, _Area(rows[0], column, rows[-1], column)))
    spellings = {plain_label(word) for word in desk.edition.labels["grade"]}
    where = next((word for word in desk.grid.texts(0, len(desk.grid.lines)) if word[2] in spellings), None)
    if where is not None:
        grade = desk.call("PE_GRADE_BAND", _at(total.row, total.column), "pe_edition")
        desk.add(where[0], place_beside(desk.grid, where[0], where[1]), "total", "grade", grade)
