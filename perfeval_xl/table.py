"""The indicator block of a form: its heading rows, and one Indicator for each row below."""

from collections.abc import Sequence
from decimal import Decimal
from functools import cache, lru_cache
from typing import NamedTuple

from perfeval_xl.cells import Grid, figure_entry, label_and_value, text_entry, vocabulary
from perfeval_xl.edition import plain_label
from perfeval_xl.messages import Refusal
from perfeval_xl.model import Entry, Indicator, Subtotal, cell_name
from perfeval_xl.numbers import fold
from perfeval_xl.patterns import Pattern
from perfeval_xl.targets import Reading, read_actual, read_target

_PART_WEIGHT = Pattern(r"[(（]\s*([0-9]+(?:\.[0-9]+)?)\s*[分%]?\s*[)）]|(?<![0-9.])([0-9]+(?:\.[0-9]+)?)\s*分\s*$")
_PART_TAIL = Pattern(r"[0-9]+(?:\.[0-9]+)?[分%]$")
_ITEM = Pattern(r"^指标\s*[0-9一二三四五六七八九十]*\s*[:：.、]\s*|^[(（]?[0-9]{1,2}[)）.、]\s*")
_CLOSING = ("说明", "备注", "注", "填表人", "填报人", "联系人", "联系电话", "审核人", "负责人", "填表日期", "填报日期", "单位负责人")
_LONGEST_TOTAL = 12
_REASON = Pattern("原因|改进措施")
#: how the label of a total ends whatever stands in front (绩效自评总分); the editions list those that end otherwise
_TOTALS = ("总分", "总得分", "总评分", "总计")
_VALUES = ("sign", "target", "unit", "actual", "weight", "score")
_FIGURES = ("weight", "score", "deviation")
_BLANK = Reading("blank", None, None, None, "")


class Table:
    """Where the indicator block is: its heading rows, the column of each field, the cells that make a target, in order.

    Equal tables are one object (``_shared``), so that what is remembered for a line can be found by identity.
    """

    __slots__ = ("columns", "figures", "first", "first_value", "heading", "last", "own", "places", "row", "target", "texts")

    def __init__(self, row: int, last: int, columns: dict[str, int], target: tuple[int, ...], heading: str) -> None:
        self.row, self.last, self.columns, self.target, self.heading = row, last, columns, target, heading
        self.own = tuple(sorted({column for field, column in columns.items() if field not in ("part", "group")} | set(target)))
        #: the first column that is neither part nor group, and the first that holds a value
        self.first, self.first_value = self.own[0], min(columns[field] for field in _VALUES if field in columns)
        self.places = (columns.get("part"), columns.get("group"), columns["name"])
        self.figures = tuple(map(columns.get, _FIGURES))
        self.texts = tuple(map(columns.get, ("actual", "reason")))


@lru_cache(maxsize=256)
def _shared(row: int, last: int, fields: tuple[tuple[str, int], ...], target: tuple[int, ...], heading: str) -> Table:
    return Table(row, last, dict(fields), target, heading)


class Rows(NamedTuple):
    """What stands below the heading: the indicators, part weights printed beside the part's name (weight, row, column), the rows of
    totals (row, label, indicators above it), the row after the last indicator, and the sums between the rows."""

    indicators: tuple[Indicator, ...]
    parts_stated: dict[str, tuple[Decimal, int, int]]
    totals: list[tuple[int, str, int]]
    end: int
    subtotals: list[Subtotal]


def find(grid: Grid, file: str) -> Table | None:
    """The indicator block: the first row that names the indicator and at least two of its other columns."""
    for row in range(len(grid.lines)):
        found = grid.look(row).indicators
        if not found:
            continue
        fields = {field for _, field in found}
        below = grid.look(row + 1).indicators if row + 1 < len(grid.lines) else ()
        if "name" not in fields and len(fields & {"weight", "score", "target", "actual"}) >= 2:
            fields |= {field for _, field in below if field in ("part", "group", "name")}
        if "name" in fields and len(fields) >= 3 and fields & {"score", "target", "actual"}:
            table = _table(grid, row, found, below, file)
            if table is not None:
                return table
    return None


def _table(grid: Grid, row: int, found: Sequence[tuple[int, str]], below: Sequence[tuple[int, str]], file: str) -> Table | None:
    """The columns of the block, None where none of them holds a value. A heading may take two rows: one that spans several columns is split
    below, or stands above the others."""
    name = next((column for column, field in found if field == "name"), None)
    last = row
    if name is None or (len(below) >= 2 and grid.value(row + 1, name) == ""):
        last = row + 1
        split = [(column, field) for column, field in found
                 if not any(column <= other < column + grid.wide.get((row, column), 1) for other, _ in below)]
        found = sorted({*split, *below})
        name = next(column for column, field in found if field == "name")
    if (top := grid.tall.get((row, name))) is not None:
        last = max(last, min(top[0] + top[2], len(grid.lines)) - 1)  # a merged area may reach below the last filled row
    # 分值 beside every level: the one of the indicator counts
    right = {field for column, field in found if column > name}
    found = [(column, field) for column, field in found if column > name or field not in ("weight", "score") or field not in right]
    columns: dict[str, int] = {}
    for column, field in found:
        if field in columns and field in ("target", "actual", "weight", "score"):
            both = "、".join(cell_name(row, one) for one in (columns[field], column))
            raise Refusal("L103", file=file, label=grid.label(row, column) or grid.label(last, column), stated=both)
        columns.setdefault(field, column)
    if "reason" not in columns and (reason := _reason(grid, row, last, set(columns.values()))) is not None:
        columns["reason"] = reason
    first = columns.get("target")
    spread: tuple[int, ...] = ()
    if first is not None:
        taken = {column for column, _ in found} - {first}
        spread = tuple(column for column in range(first, first + (grid.wide.get((row, first), 1) if last == row else 1)) if column not in taken)
    order = tuple(column for column, field in found if field == "sign") + spread
    order += (columns["unit"],) if spread and "unit" in columns else ()
    if columns.keys().isdisjoint(_VALUES):  # they stood under a heading that is split below into something else
        return None
    heading = grid.label(row, name) or grid.label(last, name) or grid.label(row + 1, name)
    return _shared(row, last, tuple(columns.items()), order, heading)


def _reason(grid: Grid, row: int, last: int, taken: set[int]) -> int | None:
    """The column whose heading speaks of reasons somewhere: 备注（未完成原因）."""
    words = [word for line in range(row, last + 1) for word in grid.look(line).words]
    return next((column for _, column, _, _, text in words if column not in taken and _REASON.search(text)), None)


def _may_be_total(cell: str) -> bool:
    """A longer text in the name column is an indicator, neither a total nor a heading, unless a figure stands behind its colon, or it ends
    as a total does (绩效自评总分（满分100分）)."""
    return len(cell) <= 9 or "：" in cell or ":" in cell or "总" in cell


def is_total(label: str) -> bool:
    """Whether a label is that of a total: one of an edition, or one that ends as they do."""
    return "total" in vocabulary().labels.get(label, ()) or (label.endswith(_TOTALS) and len(label) <= _LONGEST_TOTAL)


class _Line(NamedTuple):
    """What the labels of one line say: the label of a total, that the line is passed over, part and group with the part's own weight."""

    total: str
    skip: bool
    closing: bool
    part: str
    part_weight: Decimal | None
    group: str


@lru_cache(maxsize=8192)
def _line(line: tuple, table: Table) -> _Line:
    """The labels of one line understood; ``line`` are the cells left of the values. Remembered, because they repeat in most forms."""
    words = vocabulary().labels
    labels = [label_and_value(cell)[0] if type(cell) is str and cell and (_may_be_total(cell) or column in table.places[:2]) else ""
              for column, cell in enumerate(line)]
    part, group, name = (labels[place] if place is not None and place < len(labels) else "" for place in table.places)
    head = [label for label in labels if label]
    total = next((label for label in head if is_total(label)), "")
    if total and name not in ("", total):
        total = ""
    skip = name == table.heading or (bool(head) and head[-1].endswith("小计"))
    weight = None
    if part and "indicators" in words.get(part, ()):
        part = ""
    elif part and ("(" in (named := fold(line[table.places[0]])) or "分" in named) and (match := _PART_WEIGHT.search(named)):
        weight, part = Decimal(match[1] or match[2]), _PART_TAIL.sub("", part)
    return _Line(total, skip, bool(head) and head[0].startswith(_CLOSING), part, weight, group)


def read_rows(grid: Grid, table: Table, parts: dict[str, str], funds: range = range(0)) -> Rows:
    """Every row below the heading; ``parts`` maps the spellings of a part to its name in the edition, ``funds`` are rows of a funds block
    that stands below the indicators."""
    indicators, parts_stated, totals, sums, part, group, end = [], {}, [], [], "", "", table.last + 1
    first_value, merged_rows = max(table.first_value, table.places[2] + 1), grid.merges.rows(table.first)
    part_column, group_column, name_column = table.places[0] or 0, table.places[1] or 0, table.places[2]
    for row in range(table.last + 1, len(grid.lines)):
        line = grid.lines[row]
        if row in funds:
            continue
        if line[part_column] == "" and line[group_column] == "" and row not in merged_rows:
            indicator = _plain_row(row, line, table, part, group)
            if indicator is not None and (not totals or _is_whole(indicator)):
                indicators.append(indicator)
                end = row + 1
                continue
        name = line[name_column]
        # a name that can be no total says nothing here, and differs from row to row
        facts = _line(line[:first_value] if name_column >= first_value or type(name) is not str or _may_be_total(name) else
                      (*line[:name_column], "", *line[name_column + 1 : first_value]), table)
        if facts.total and (facts.total in vocabulary().labels or not _says_target(line, table)):
            totals.append((row, facts.total, len(indicators)))
            continue
        if facts.skip:
            sums.append((row, len(indicators), ""))
            continue
        if facts.part:
            named = parts.get(facts.part, facts.part)
            if named != part:
                part, group = named, ""
            if facts.part_weight is not None:
                parts_stated[part] = (facts.part_weight, row, table.columns["part"])
        if facts.group:
            group = facts.group
        if row in merged_rows:
            indicator = _merged_row(grid, row, table, part, group)
        else:
            indicator = _indicator(row, line, table, part, group, ())
        if indicator is not None and not indicator.name:
            if _repeats_its_part(grid, row, table):
                sums.append((row, len(indicators), part))
                indicator = None
            else:
                indicator = indicator._replace(name=group or part)
        if indicator is None or (totals and (facts.closing or not _is_whole(indicator))):
            continue
        indicators.append(indicator)
        end = row + 1
    if not totals and (row := _stray_total(grid, table)) is not None:
        indicators = [one for one in indicators if one.place.row != row]
        totals.append((row, "总分", len(indicators)))
    last = totals[-1][2] if totals else 0
    between = [one for one in totals if one[2] != last and is_sum(one[1])]
    sums += [(row, above, "") for row, _, above in between]
    found = [_subtotal(grid, table, row, above, whole, indicators, sums) for row, above, whole in sorted(sums)] if sums else []
    # the part that ends the table may have its sum just above the total
    closing = [one for one in totals if one not in between]
    if len(closing) > 1 and any(label in vocabulary().labels for _, label, _ in closing):
        closing = [one for one in closing if one[1] in vocabulary().labels]
    return Rows(tuple(indicators), parts_stated, closing, end, found)


def is_sum(label: str) -> bool:
    """Whether a total between the rows may be the sum of some: 合计, 产出指标总分; a second 总分 is no sum, and nobody knows which one counts."""
    return label == "合计" or label not in vocabulary().labels


def _says_target(line: tuple, table: Table) -> bool:
    return any(line[column] != "" for column in table.target)


def _stray_total(grid: Grid, table: Table) -> int | None:
    """The row of a total whose label stands right of the names, in front of its figures; None where there is none."""
    score = table.columns.get("score")
    for row in range(table.last + 1, len(grid.lines)) if score is not None else ():
        if any(column < score and is_total(label) for _, column, label, _, _ in grid.look(row).words) and _is_figure(grid.entry(row, score)):
            return row
    return None


def _subtotal(grid: Grid, table: Table, row: int, above: int, whole: str, indicators: list[Indicator], sums: list) -> Subtotal:
    weight, score = grid.entry(row, table.columns.get("weight")), grid.entry(row, table.columns.get("score"))
    if whole:
        return Subtotal(whole, whole, above, (), weight, score)
    last = indicators[above - 1] if above else None
    part = next((n + 1 for n in range(above - 1, -1, -1) if indicators[n].part != last.part), 0)
    group = next((n + 1 for n in range(above - 1, part - 1, -1) if indicators[n].group != last.group), part)
    after = max((other for at, other, _ in sums if at < row and other < above), default=0)
    label = next((label for _, column, label, _, _ in reversed(grid.look(row).words) if column < table.first_value and label), "小计")
    starts = tuple(dict.fromkeys((max(after, part), group, part, after, 0)))
    return Subtotal(label, last.part if last else "", above, starts, weight, score)


def _is_whole(indicator: Indicator) -> bool:
    """A row with weight, target or actual, as rows after a subtotal have; what else stands below the total (自评等级 …) is no indicator."""
    return indicator.weight is not None and indicator.weight.number is not None and bool(indicator.target.text or indicator.actual.text)


@lru_cache(maxsize=8192)
def _plain_row(row: int, line: tuple, table: Table, part: str, group: str) -> Indicator | None:
    """Most rows: part and group stand above, and the row names an indicator. None for all others, which are looked at more closely."""
    name_column = table.places[2]
    cell = line[name_column]
    if type(cell) is not str or line[:name_column].count("") != name_column or table.first_value < name_column:
        return None
    if _may_be_total(cell):
        label = label_and_value(cell)[0]
        if is_total(label) or label == table.heading or label.endswith("小计") or label.startswith(_CLOSING):
            return None
    indicator = _read_line(row, line, table, part, group, ())
    return indicator if indicator is not None and indicator.name else None


def _merged_row(grid: Grid, row: int, table: Table, part: str, group: str) -> Indicator | None:
    """One row with cells under a vertical merge: they take the text above them, and their figures count once, at the top.

    Part and group are read by their labels, so their merges do not matter.
    """
    tall = tuple((column, grid.tall[row, column][0], grid.tall[row, column][2]) for column in table.own if (row, column) in grid.tall)
    cells = list(grid.lines[row])
    for column, top, _ in tall:
        cells[column] = grid.value(top, grid.tall[row, column][1])
    return _indicator(row, tuple(cells), table, part, group, tall)


def _repeats_its_part(grid: Grid, row: int, table: Table) -> bool:
    """A row that only gives the sums of its part: no group, no target, no actual, and rows of the same part follow."""
    columns = table.columns
    if grid.label(row, columns.get("group")) or any(grid.value(row, columns[field]) != "" for field in ("target", "actual") if field in columns):
        return False
    below = row + 1
    return below < len(grid.lines) and not grid.label(below, columns.get("part")) and bool(grid.label(below, columns["name"]))


def _read_line(row: int, line: tuple, table: Table, part: str, group: str, tall: tuple[tuple[int, int, int], ...]) -> Indicator | None:
    """The indicator that one line of cells states, None for a filler or an empty line; a name that is missing stays "".

    ``tall`` names the cells that belong to a vertical merge: (column, its top row, its height).
    """
    column = table.places[2]
    place = text_entry(line[column], row, column)
    weight, score, deviation = [None if column is None else figure_entry(line[column], row, column) for column in table.figures]
    name = indicator_name(place.text)
    if name == table.heading:
        return None
    scored = _is_figure(weight) or _is_figure(score)
    if len(name) < 6 and _is_filler(name) and (name or not group or not _says_something(line, table.columns)):
        if not scored:
            return None
        name = ""
    actual_entry, reason = [None if column is None else text_entry(line[column], row, column) for column in table.texts]
    actual = read_actual(line[actual_entry.column]) if actual_entry is not None else _BLANK
    target_entry, target = _target(line, table, row)
    if not scored and not target.text and (actual_entry is None or not actual_entry.text) and name.startswith(_CLOSING):
        return None
    indicator = tuple.__new__(Indicator, (part, group, name, indicator_role(name), place, target, actual, target_entry, actual_entry, weight,
                                          score, deviation, reason))
    return _with_merges(indicator, {column: (top, height) for column, top, height in tall}) if tall else indicator


#: remembered, because the forms of a district repeat most of their lines cell for cell
_indicator = lru_cache(maxsize=8192)(_read_line)
#: how a name may begin that has an item's number in front
_NUMBERED = frozenset("指(（0123456789")


def _is_filler(text: str) -> bool:
    """Whether a cell was left as it was printed: blank, dots, 指标1：."""
    bare = "".join(text.split())
    return not bare.strip(".…·。") or (bare.startswith("指标") and not bare[2:].strip("0123456789:："))


def _is_figure(entry: Entry | None) -> bool:
    return entry is not None and (entry.number is not None or (bool(entry.problem) and not _is_filler(entry.text)))


def _with_merges(indicator: Indicator, tops: dict[int, tuple[int, int]]) -> Indicator:
    """Entries under a vertical merge: a text stands at its top row, a figure counts there and is covered below."""

    def moved(field: str, entry: Entry | None) -> Entry | None:
        if entry is None or entry.column not in tops:
            return entry
        top, height = tops[entry.column]
        if field not in _FIGURES:
            return entry._replace(row=top)
        return entry._replace(span=height) if top == entry.row else Entry("", None, entry.row, entry.column, covered=True)

    fields = {"place": "name", "target_entry": "target", "actual_entry": "actual", "weight": "weight", "score": "score",
              "deviation": "deviation", "reason": "reason"}
    return indicator._replace(**{key: moved(field, getattr(indicator, key)) for key, field in fields.items()})


def _says_something(line: tuple, columns: dict[str, int]) -> bool:
    # in our own workbooks a formula without result holds a blank
    return any(line[columns[field]] not in ("", " ") for field in (*_VALUES, "reason") if field in columns)


def _target(line: tuple, table: Table, row: int) -> tuple[Entry | None, Reading]:
    if not table.target:
        return None, _BLANK
    cells, main = table.target, table.columns.get("target", table.target[0])
    adjusted = table.columns.get("target_adjusted")
    if adjusted is not None and line[adjusted] != "":
        cells, main = tuple(adjusted if column == main else column for column in cells), adjusted
    reading = read_target(line[main]) if len(cells) == 1 else read_target(*[line[column] for column in cells])
    entry = text_entry(line[main], row, main)
    return (entry if len(cells) == 1 else entry._replace(text=reading.text or entry.text)), reading


def indicator_name(text: str) -> str:
    """The name of a 三级指标 without white space and without the item's number in front (指标1：, （2）)."""
    name = "".join(text.split())
    return _ITEM.sub("", name) if name[:1] in _NUMBERED else name


@cache
def _role_tails() -> tuple[str, ...]:
    """How the names of standard indicators end, to pass over most others without looking closer."""
    return tuple({label[-2:] for label in vocabulary().roles})


@lru_cache(maxsize=4096)
def indicator_role(name: str) -> str:
    """What a standard indicator follows from ("execution_rate", …), "" for all others; 部门预算执行率 is 预算执行率."""
    roles = vocabulary().roles
    if not name.endswith(_role_tails()):
        return ""
    label = plain_label(name)
    if label in roles:
        return roles[label]
    for prefix in ("部门整体", "部门", "单位", "整体", "年度", "全年", "本年"):
        if label.startswith(prefix) and label[len(prefix) :] in roles:
            return roles[label[len(prefix) :]]
    return ""
