"""The tables and charts of a report, as rows of cells and series of figures."""

from decimal import Decimal
from typing import NamedTuple

from perfeval_xl.compare import ZERO, percent, points
from perfeval_xl.edition import Column
from perfeval_xl.model import MONEY, FundsRow
from perfeval_xl.patterns import Pattern
from perfeval_xl.report_figures import Figures, Part, assessed, clean, figure, say, share, task_name, text

_FUNDS_PREFIX = Pattern(r"(?:\d、)?资金(?:来源|结构)[:：]|[（(]\d[)）]|[（(]万?元[)）]|其中[:：]")
_NONE = "—"


class Cell(NamedTuple):
    """One cell of a table of the report, with its span; covered cells are None in their row."""

    text: str
    across: int = 1
    down: int = 1
    bold: bool = False
    left: bool = False
    note: str = ""


class Table(NamedTuple):
    """A table: rows of cells from the left, heading rows first (``heads`` of them), widths as shares."""

    label: str
    rows: tuple[tuple[Cell | None, ...], ...]
    heads: int
    widths: tuple[float, ...]


class Chart(NamedTuple):
    """Bars: names below, one series of figures or several; ``unit`` is "%" or 万元."""

    label: str
    names: tuple[str, ...]
    series: tuple[tuple[str, tuple[Decimal | None, ...]], ...]
    unit: str


def table(form: Figures, key: str, part: Part | None = None) -> Table:
    """One of the tables of the report: tasks, parts, funds, or the indicators of a part."""
    if part is not None and key == "indicators":
        return _indicator_table(form, part)
    return {"tasks": _task_table, "parts": _part_table, "funds": _funds_table}[key](form)


def chart(form: Figures, key: str) -> Chart:
    """One of the charts: the share of its points that each part earned, or the money by source."""
    if key == "parts":
        shares = tuple(None if part.score is None or not part.weight else part.score / part.weight * 100 for part in form.parts)
        return Chart("各一级指标得分率（%）", tuple(clean(part.name) for part in form.parts), (("得分率", shares),), "%")
    rows = [row for row in form.form.funds if row is form.form.total_row or form.amount(row.adjusted) or form.amount(row.executed)]
    series = tuple((_heading(column), tuple(form.amount(getattr(row, column.field)) for row in rows)) for column in _money(form))
    return Chart("各项资金的预算与执行（万元）", tuple(map(_funds_name, rows)), series, "万元")


def _task_table(form: Figures) -> Table:
    money = any(task.budget is not None for task in form.form.tasks)
    head = ("年度主要任务", *(("预算资金（万元）", "执行数（万元）", "执行率") if money else ()), "完成情况")
    rows = []
    for task, rate in zip(form.form.tasks, form.card.task_rates, strict=True):
        spent = (figure(form.amount(task.budget)), figure(form.amount(task.executed)), "" if rate is None else percent(rate)) if money else ()
        rows.append((task_name(task), *spent, text(task.status, "")))
    drawn = _table("年度主要任务完成情况", head, rows, (30, 14, 14, 12, 30) if money else (30, 60))
    return drawn if rows else _with_nothing(drawn, say("tasks_none"))


def _part_table(form: Figures) -> Table:
    rows = [(clean(part.name), figure(part.weight), figure(part.score, _NONE), share(part)) for part in form.parts]
    total, weight = form.card.total, sum((part.weight or ZERO for part in form.parts), ZERO)
    rows.append(("合计", points(weight), figure(total, _NONE), _NONE if total is None or not weight else percent(total / weight * 100)))
    return _table("各项指标得分情况", ("指标", "权重分值", "得分", "得分率"), rows, (40, 20, 20, 20))


def _funds_table(form: Figures) -> Table:
    columns = _money(form)
    rows = [(_funds_name(row), *(figure(form.amount(getattr(row, column.field))) for column in columns), _NONE if rate is None else percent(rate))
            for row, rate in zip(form.form.funds, form.card.rates, strict=True)]
    return _table("资金安排和执行情况（万元）", ("资金", *map(_heading, columns), "执行率"), rows, (34, *(17,) * len(columns), 15))


def _indicator_table(form: Figures, part: Part) -> Table:
    deviations, rows = "deviation" in form.form.columns, []
    for row, result in part.rows:
        if assessed(result):
            deviation = result.attainment.deviation
            cells = (row.name, row.target.text, row.actual.text, figure(result.weight), figure(result.counted))
            rows.append((*map(clean, cells), *(("" if deviation is None else form.deviation(deviation),) if deviations else ())))
    head = ("三级指标", "年度指标值", "实际完成值", "分值", "得分", *(("偏差度",) if deviations else ()))
    drawn = _table(f"{clean(part.name)}得分明细", head, rows, (33, 19, 17, 9, 10, *((15,) if deviations else ())))
    return drawn if rows else _with_nothing(drawn, say("status_none"))


def _with_nothing(table: Table, words: str) -> Table:
    """A table without a line, and what is to be said of it over its whole width."""
    columns = len(table.rows[0])
    return table._replace(rows=(*table.rows, (Cell(words, across=columns), *(None,) * (columns - 1))))


def _money(form: Figures) -> tuple[Column, ...]:
    """The columns of money that the form has."""
    return tuple(column for column in form.edition.funds_columns if column.field in MONEY)


def _heading(column: Column) -> str:
    return column.heading.partition("（")[0]


def _funds_name(row: FundsRow) -> str:
    return clean(_FUNDS_PREFIX.sub("", row.label)) or clean(row.label)


def _table(label: str, head: tuple[str, ...], rows: list[tuple[str, ...]], widths: tuple[float, ...]) -> Table:
    body = [tuple(Cell(words, left=n == 0 or len(words) > 12) for n, words in enumerate(row)) for row in rows]
    return Table(label, (tuple(Cell(words, bold=True) for words in head), *body), 1, widths)
