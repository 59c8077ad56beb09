"""The file of an edition: one complete TOML file each, checked as hard as any form, refused with file, key and remedy.

A figure of an edition (a weight, a limit, a tolerance) stands in a table that carries ``source``, itself or a table around it.
``assumed = true`` marks what no published rule says and the project had to choose.
"""

import os
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

from perfeval_xl.messages import Refusal
from perfeval_xl.model import FUNDS_ROLES, MONEY
from perfeval_xl.numbers import fold
from perfeval_xl.patterns import Pattern

FUNDS_FIELDS = (*MONEY, "weight", "rate", "score")
TASK_FIELDS = ("name", "content", "budget", "budget_fiscal", "status", "executed", "executed_fiscal", "rate")
INDICATOR_FIELDS = ("part", "group", "name", "sign", "target", "target_adjusted", "unit", "actual", "weight", "score", "deviation", "reason")
LABELS = ("department", "project", "unit_in_charge", "filler", "total", "head_total", "grade", "goals", "tasks", "indicators",
          "funds", "blocks", "head", "year_line", "goal_headings", "funds_rows", "indicator_columns", "part_weight", "not_scored")
ROLES = ("execution_rate", "adjustment_rate", "carry_over_rate", "official_expense_rate", "procurement_rate")
HUNDRED = Decimal(100)


class Column(NamedTuple):
    """A column of a block: its field, the heading as printed, and the other spellings that are read as the same field."""

    field: str
    heading: str
    also: tuple[str, ...]


class Row(NamedTuple):
    """A row of the funds block: its role, the label as printed, and other spellings."""

    role: str
    label: str
    also: tuple[str, ...]


class Part(NamedTuple):
    """A 一级指标 with its prescribed weight in points; ``place`` is "funds" for the one that stands in the funds block."""

    name: str
    weight: Decimal
    place: str
    also: tuple[str, ...]


class Execution(NamedTuple):
    """Rule of the execution score: "line" (rate / line x weight), "linear" (rate x weight) or "steps".

    ``steps`` holds (rate from, percent of the weight), highest first; ``caps`` holds (rate below, total at most), lowest first.
    Rates are percent points, scores are rounded half up to ``places`` decimals.
    """

    rule: str
    line: Decimal
    steps: tuple[tuple[Decimal, Decimal], ...]
    caps: tuple[tuple[Decimal, Decimal], ...]
    places: int
    source: str


class Quantitative(NamedTuple):
    """Rule of indicators with a number: the ratio, scores rounded half up to ``places`` decimals."""

    places: int
    source: str


class Tier(NamedTuple):
    """A tier of qualitative indicators: its share of the weight in percent, lower end included."""

    name: str
    low: Decimal
    high: Decimal
    source: str


class Qualitative(NamedTuple):
    """Rule of qualitative indicators: "percent" (100% is the full weight) or "tiers" (a person chooses within the tier)."""

    rule: str
    tiers: tuple[Tier, ...]
    source: str


class Over(NamedTuple):
    """Over-achievement: percent above the target from which an explanation is asked for."""

    low: Decimal
    source: str


class Deviation(NamedTuple):
    """偏差度: decimals as printed."""

    places: int
    source: str


class Explain(NamedTuple):
    """What must be explained: a score below the weight, an execution rate below this (percent), an adjusted budget."""

    reason: bool
    execution_below: Decimal
    adjustment: bool
    source: str


class Grade(NamedTuple):
    """A grade and the lowest total that earns it, points."""

    name: str
    low: Decimal
    also: tuple[str, ...]


class Tolerance(NamedTuple):
    """What still counts as equal: scores in points, rates in percent points, money in the form's unit.

    ``as_printed``: the rules leave the decimals of a score open, so a form that prints fewer of them is held to those.
    """

    score: Decimal
    rate: Decimal
    money: Decimal
    as_printed: bool
    source: str


class TreeRow(NamedTuple):
    """A fixed 三级指标 of the blank form, with its preset target and weight."""

    part: str
    group: str
    name: str
    role: str
    target: str
    unit: str
    weight: Decimal | None


class OpenRows(NamedTuple):
    """Rows of the blank form that the department fills itself."""

    part: str
    group: str
    rows: int


class Edition(NamedTuple):
    """One published edition of the form, complete."""

    id: str
    title: str
    name: str
    place: str
    year: int
    scope: str
    unit: str
    source: str
    recognise: tuple[str, ...]
    labels: dict[str, tuple[str, ...]]
    funds_columns: tuple[Column, ...]
    funds_rows: tuple[Row, ...]
    task_columns: tuple[Column, ...]
    indicator_columns: tuple[Column, ...]
    parts: tuple[Part, ...]
    parts_binding: bool
    parts_source: str
    execution: Execution
    quantitative: Quantitative
    qualitative: Qualitative
    over: Over
    deviation: Deviation
    explain: Explain
    grades: tuple[Grade, ...]
    grades_source: str
    tolerance: Tolerance
    tree: tuple[TreeRow, ...]
    open_rows: tuple[OpenRows, ...]

    @property
    def funds_part(self) -> Part | None:
        """The part that stands in the funds block (预算执行率)."""
        return next((part for part in self.parts if part.place == "funds"), None)


_PLAIN = str.maketrans({**dict.fromkeys("“”\"'‘’《》【】★*※ \t\r\n", ""), **dict(zip("〔〕[]", "()()", strict=True))})
_FILLING = frozenset(map(chr, _PLAIN))
_BRACKETS = Pattern(r"\([^()]*\)")
_NUMBERING = Pattern(r"(?:其中:?|[0-9]{1,2}[、.](?![0-9])|[一二三四五六七八九十]{1,3}[、.]|[-—·])+")
#: how a label may begin that has a number in front
_NUMBERED = frozenset("其0123456789一二三四五六七八九十-—·")


@lru_cache(maxsize=16384)
def plain_label(text: str) -> str:
    """A heading or label without width, white space, brackets, quotes, numbering, and what stands before a colon.

    >>> plain_label("资金来源：（1）政府预算资金")
    '政府预算资金'
    >>> plain_label("全年（调整）预算数 (A)")
    '全年预算数'
    """
    label = fold(text)
    if not _FILLING.isdisjoint(label):
        label = label.translate(_PLAIN)
    while "(" in label and (shorter := _BRACKETS.sub("", label)) != label:
        label = shorter
    if ":" in label:
        label = label.rstrip(":").rpartition(":")[2]
    numbering = _NUMBERING.match(label) if label[:1] in _NUMBERED and (label[0] in "其-—·" or "、" in label or "." in label) else None
    return label[numbering.end() :] if numbering else label


def load(path: str) -> Edition:
    """Reads and checks one edition file; anything wrong is refused with file, key and remedy."""
    import tomllib  # only when an edition file has changed

    file = os.path.basename(path)
    try:
        with open(path, encoding="utf-8-sig") as stream:  # some editors of Windows put a mark in front
            raw = tomllib.loads(stream.read(), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Refusal("X601", file=file, why=error) from None
    top = _Table(file, "", raw, "")
    edition = _edition(top)
    _check(edition, file)
    return edition


class _Table:
    """A table of an edition file that hands out its values by type, and knows what was not asked for."""

    def __init__(self, file: str, key: str, raw: dict[str, Any], source: str) -> None:
        self.file, self.key, self.raw, self.asked = file, key, raw, {"assumed"}
        self.source = self.text("source", source)
        if not isinstance(raw.get("assumed", False), bool):
            raise self.wrong("assumed", raw["assumed"], "true / false")

    def _value(self, key: str, default: Any) -> Any:
        self.asked.add(key)
        value = self.raw.get(key, default)
        if value is ...:
            raise Refusal("X602", file=self.file, key=self._name(key))
        return value

    def _name(self, key: str) -> str:
        return f"{self.key}.{key}" if self.key else key

    def wrong(self, key: str, stated: object, expected: str) -> Refusal:
        return Refusal("X603", file=self.file, key=self._name(key), stated=repr(stated), expected=expected)

    def text(self, key: str, default: Any = ...) -> str:
        value = self._value(key, default)
        if not isinstance(value, str) or (default is ... and not value.strip()):
            raise self.wrong(key, value, "文字 (text)")
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: Any = ...) -> str:
        value = self.text(key, default)
        if value not in allowed and value != default:
            raise self.wrong(key, value, " / ".join(allowed))
        return value

    def number(self, key: str, default: Any = ..., low: int = 0, high: int = 100) -> Any:
        value = self._value(key, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or \
                not (isinstance(value, int) or value.is_finite()) or not low <= value <= high:
            raise self.wrong(key, value, f"{low}—{high}")
        if not self.source.strip():
            raise Refusal("X604", file=self.file, key=self._name(key))
        return Decimal(value)

    def whole(self, key: str, low: int, high: int) -> int:
        value = self.number(key, low=low, high=high)
        if value != int(value):
            raise self.wrong(key, value, f"{low}—{high}")
        return int(value)

    def flag(self, key: str, default: Any = ...) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, value, "true / false")
        return value

    def texts(self, key: str, needed: bool = False) -> tuple[str, ...]:
        value = self._value(key, ... if needed else ())
        if needed and not value:
            raise self.wrong(key, value, '["…", "…"]')
        if not isinstance(value, (list, tuple)) or not all(isinstance(one, str) and one.strip() for one in value):
            raise self.wrong(key, value, '["…", "…"]')
        return tuple(value)

    def table(self, key: str) -> "_Table":
        value = self._value(key, ...)
        if not isinstance(value, dict):
            raise self.wrong(key, value, f"[{self._name(key)}]")
        return _Table(self.file, self._name(key), value, self.source if self.key else "")

    def tables(self, key: str, needed: bool = True) -> list["_Table"]:
        value = self._value(key, ... if needed else [])
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value) or (needed and not value):
            raise self.wrong(key, value, f"[[{self._name(key)}]]")
        return [_Table(self.file, f"{self._name(key)}[{n}]", one, self.source) for n, one in enumerate(value, 1)]

    def done(self) -> None:
        """Refuses what nobody asked for: a key that is spelt wrongly would otherwise have no effect, silently."""
        for key in self.raw:
            if key not in self.asked:
                import difflib

                near = difflib.get_close_matches(key, sorted(self.asked), 1)
                hint = f"（{near[0]}？）" if near else ""
                raise Refusal("X605", file=self.file, key=self._name(key), hint=hint)


def _done(table: _Table, value: Any) -> Any:
    table.done()
    return value


def _columns(block: _Table, fields: tuple[str, ...]) -> tuple[Column, ...]:
    return tuple(_done(one, Column(one.choice("field", fields), one.text("heading"), one.texts("also"))) for one in block.tables("column"))


def _execution(table: _Table) -> Execution:
    rule = table.choice("rule", ("line", "linear", "steps"))
    line = table.number("line", low=1) if rule == "line" else HUNDRED
    steps = [_done(one, (one.number("from", high=1000), one.number("percent"))) for one in table.tables("step")] if rule == "steps" else []
    caps = [_done(one, (one.number("below"), one.number("total"))) for one in table.tables("cap", False)]
    for key, pairs in (("step", steps), ("cap", sorted(caps, reverse=True))):
        # a lower rate never earns more, and no rate is there twice
        falling = all(above[0] > below[0] and above[1] >= below[1] for above, below in pairwise(pairs))
        if not falling or (key == "step" and steps and steps[-1][0] != 0):
            raise Refusal("X607", file=table.file, key=f"execution.{key}", stated=" ".join(f"{rate}→{share}" for rate, share in pairs))
    return _done(table, Execution(rule, line, tuple(steps), tuple(sorted(caps)), table.whole("places", 0, 4), table.source))


def _qualitative(table: _Table) -> Qualitative:
    tiers = [_done(one, Tier(one.text("name"), one.number("from"), one.number("to"), one.source)) for one in table.tables("tier")]
    joins = [HUNDRED, *(tier.low for tier in tiers)]
    if [tier.high for tier in tiers] != joins[:-1] or joins[-1] != 0 or any(tier.low >= tier.high for tier in tiers):
        raise Refusal("X607", file=table.file, key="qualitative.tier", stated=" ".join(f"{t.low}—{t.high}" for t in tiers))
    return _done(table, Qualitative(table.choice("rule", ("percent", "tiers")), tuple(tiers), table.source))


def _edition(top: _Table) -> Edition:
    recognise, labels, funds, tasks = top.table("recognise"), top.table("labels"), top.table("funds"), top.raw.get("tasks")
    tasks = top.table("tasks") if tasks is not None else None
    indicators, parts, quantitative, over = (top.table(key) for key in ("indicators", "parts", "quantitative", "over"))
    deviation, explain, grades, tolerance, tree = (top.table(key) for key in ("deviation", "explain", "grades", "tolerance", "tree"))
    for table, key, allowed in ((quantitative, "reverse", ("ratio",)), (deviation, "rule", ("shortfall",))):
        table.choice(key, allowed)
    edition = Edition(
        top.text("id"), top.text("title"), top.text("name"), top.text("place"), top.whole("year", 2000, 2100),
        top.choice("scope", ("department", "project")), top.choice("unit", ("万元", "元")), top.text("source"),
        tuple(plain_label(one) for one in recognise.texts("all", True)), {key: labels.texts(key) for key in LABELS},
        _columns(funds, FUNDS_FIELDS),
        tuple(_done(one, Row(one.choice("role", FUNDS_ROLES), one.text("label"), one.texts("also"))) for one in funds.tables("row")),
        _columns(tasks, TASK_FIELDS) if tasks else (), _columns(indicators, INDICATOR_FIELDS),
        tuple(_done(one, Part(one.text("name"), one.number("weight"), one.choice("place", ("funds", "indicators"), "indicators"), one.texts("also")))
              for one in parts.tables("part")), parts.flag("binding"), parts.source,
        _execution(top.table("execution")), Quantitative(quantitative.whole("places", 0, 4), quantitative.source),
        _qualitative(top.table("qualitative")), Over(over.number("from", high=1000), over.source),
        Deviation(deviation.whole("places", 0, 4), deviation.source),
        Explain(explain.flag("score_below_weight"), explain.number("execution_below"), explain.flag("adjustment"), explain.source),
        tuple(_done(one, Grade(one.text("name"), one.number("from"), one.texts("also"))) for one in grades.tables("grade")), grades.source,
        Tolerance(tolerance.number("score"), tolerance.number("rate"), tolerance.number("money"), tolerance.flag("as_printed", False),
                  tolerance.source),
        tuple(_done(one, TreeRow(one.text("part"), one.text("group"), one.text("name"), one.choice("role", ROLES, ""), one.text("target", ""),
                                 one.text("unit", ""), one.number("weight", None))) for one in tree.tables("indicator", False)),
        tuple(_done(one, OpenRows(one.text("part"), one.text("group"), one.whole("rows", 1, 100))) for one in tree.tables("open", False)),
    )
    for table in (recognise, labels, funds, tasks, indicators, parts, quantitative, over, deviation, explain, grades, tolerance, tree, top):
        if table:
            table.done()
    return edition


def _check(edition: Edition, file: str) -> None:
    """What no single key shows: the id is the file's name, weights add up, bands reach 0, nothing is there twice."""
    if f"{edition.id}.toml" != file:
        raise Refusal("X603", file=file, key="id", stated=edition.id, expected=file.removesuffix(".toml"))
    weights = sum(part.weight for part in edition.parts)
    if weights != HUNDRED:
        raise Refusal("X606", file=file, key="parts.part.weight", stated=weights, expected=HUNDRED)
    lows = [grade.low for grade in edition.grades]
    if lows != sorted(set(lows), reverse=True) or lows[-1] != 0:
        raise Refusal("X607", file=file, key="grades.grade", stated=" ".join(f"{g.name}≥{g.low}" for g in edition.grades))
    names = {part.name for part in edition.parts}
    for row in (*edition.tree, *edition.open_rows):
        if row.part not in names:
            raise Refusal("X603", file=file, key="tree", stated=row.part, expected=" / ".join(sorted(names)))
    for part in edition.parts:
        preset = [row.weight for row in edition.tree if row.part == part.name and row.weight is not None]
        if sum(preset) > part.weight:
            raise Refusal("X606", file=file, key=f"tree.indicator.weight ({part.name})", stated=sum(preset), expected=part.weight)
    for key, values in (
        ("parts.part", [part.name for part in edition.parts]),
        ("funds.column", [column.field for column in edition.funds_columns]),
        ("indicators.column", [column.field for column in edition.indicator_columns]),
        ("tree.indicator", [(row.part, row.name) for row in edition.tree]),
        ("funds.column", [plain_label(s) for c in edition.funds_columns for s in {c.heading, *c.also}]),
        ("indicators.column", [plain_label(s) for c in edition.indicator_columns for s in {c.heading, *c.also}]),
        ("tasks.column", [column.field for column in edition.task_columns]),
        ("funds.row", [row.role for row in edition.funds_rows]),
        ("funds.row", [plain_label(s) for row in edition.funds_rows for s in {plain_label(row.label), *map(plain_label, row.also)}]),
        ("parts.part", [s for part in edition.parts for s in {plain_label(part.name), *map(plain_label, part.also)}]),
        ("parts.part.place", [part.place for part in edition.parts if part.place == "funds"]),
        ("grades.grade", [name for grade in edition.grades for name in (grade.name, *grade.also)]),
    ):
        twice = next((value for n, value in enumerate(values) if value in values[:n]), None)
        if twice is not None:
            raise Refusal("X608", file=file, key=key, stated=twice)
    _check_labels(edition, file)


_BLOCKS, _HEAD = ("funds", "goals", "tasks", "indicators"), ("project", "head_total", "grade", "department", "unit_in_charge")


def _check_labels(edition: Edition, file: str) -> None:
    """Whether what is printed on the form has a label that says what it is."""
    labels = edition.labels
    blocks = [spelling for key in _BLOCKS for spelling in labels[key]]
    fields = [labels[key][0] for key in _HEAD if labels[key]]
    wrong = [("blocks", one, " / ".join(blocks)) for one in labels["blocks"] if one not in blocks]
    wrong += [("head", word, " / ".join(fields)) for line in labels["head"] for word in line.split("|") if word and word not in fields]
    if labels["goal_headings"] and len(labels["goal_headings"]) != 2:
        wrong.append(("goal_headings", " / ".join(labels["goal_headings"]), '["预期目标", "实际完成情况"]'))
    for key, stated, expected in wrong:
        raise Refusal("X603", file=file, key=f"labels.{key}", stated=repr(stated), expected=expected)


#: the columns without which a form cannot be drawn
_NEEDED = (("funds", "adjusted"), ("funds", "executed"), *(("indicators", field) for field in ("name", "target", "actual", "weight", "score")))


def check_drawable(edition: Edition) -> None:
    """Refuses an edition that serves to read forms but says too little to draw a blank one: file, key and remedy."""
    labels, file = edition.labels, f"{edition.id}.toml"
    there = {("funds", one.field) for one in edition.funds_columns} | {("indicators", one.field) for one in edition.indicator_columns}
    lacking = [f'{block}.column (field = "{field}")' for block, field in _NEEDED if (block, field) not in there]
    lacking += [f"labels.{key}" for key in ("department", "total", "indicators") if not labels[key]]
    if len(labels["goals"]) == 1 and not labels["goal_headings"]:
        lacking.append("labels.goal_headings")
    if not edition.tree and not edition.open_rows:
        lacking.append("tree.open")
    if lacking:
        raise Refusal("X602", file=file, key="、".join(lacking))
