"""What a written report says about a checked form: its figures and sentences, as plain values.

Every figure is the recomputed one; where the form says otherwise the figure carries a note that says so. The sentences stand in
``reports/sentences.toml``. They are chosen by what is true of the form: that all reach their targets is said only where all do.
"""

import os
import tomllib
from collections.abc import Iterable
from decimal import Decimal
from functools import cache
from typing import NamedTuple

from perfeval_xl import messages
from perfeval_xl.cells import Grid
from perfeval_xl.compare import HUNDRED, ZERO, percent, points
from perfeval_xl.edition import DEFAULT, get, plain_label
from perfeval_xl.messages import Finding
from perfeval_xl.model import Entry, Indicator, Task
from perfeval_xl.numbers import half_up, plain, tidy
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import Record
from perfeval_xl.scoring import PartScore, RowScore, explained

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reports")
#: findings that say that an actual is not what the rest of the form gives
_DOUBT = frozenset(("I101", "I102", "I103", "I104", "I105"))
#: findings about the sums, which the sentence with the total must not hide
_ABOUT_TOTAL = frozenset(("S101", "S107", "S108", "S109", "S111"))
#: findings that a report names as problems of the department's work, not of the way the form was filled in
_PROBLEMS = ("F204", "I107", "I108")
#: so many rows that fell short are named one by one among the problems
_NAMED = 6
_TASK_NUMBER = Pattern(r"任务\s*\d*\s*[:：]?")
_CONTROL = Pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ud800-\udfff\ufffe\uffff]")


class Value(NamedTuple):
    """A text that follows from the form, what it is called where it is listed, and what a reader of the draft must know of it."""

    label: str
    text: str
    note: str = ""


class Part(NamedTuple):
    """A 一级指标: its score and its rows. One that the form lacks has no rows and no score."""

    name: str
    weight: Decimal | None
    score: Decimal | None
    rows: tuple[tuple[Indicator, RowScore], ...]
    funds: bool


def say(key: str, **given: object) -> str:
    """A sentence of the report."""
    return _sentences()[key].format(**given)


@cache
def _sentences() -> dict[str, str]:
    with open(os.path.join(FOLDER, "sentences.toml"), "rb") as stream:
        return tomllib.load(stream)


def clean(text: object) -> str:
    """A text of the form on one line, without what no document may hold."""
    return tidy(_CONTROL.sub("", str(text)))


def quoted(name: str) -> str:
    """A name in quotation marks; those inside it become single ones."""
    return f"“{clean(name).replace('“', '‘').replace('”', '’')}”"


class Figures:
    """The figures of one form. ``values`` are those of the whole report; parts have their own."""

    def __init__(self, one: Record, subject: str) -> None:
        self.record, self.form, self.card, self.edition, self.subject = one, one.form, one.card, one.edition, subject
        self.rows = tuple(zip(self.form.indicators, self.card.rows, strict=True))
        self.found: dict[int, list[Finding]] = {}
        for finding in one.findings:
            self.found.setdefault(finding.row, []).append(finding)
        self.parts = self._parts()
        self.values = {**self._names(), **self._money(), **self._wholes()}

    # ---- values ----

    def _names(self) -> dict[str, Value]:
        form, (goal, done) = self.form, _goals(self.record)
        tasks = [task_name(task) for task in form.tasks]
        return {
            "period": Value("年度", f"{form.year}年度" if form.year else ""),
            "department": Value("部门名称", text(form.department)), "project": Value("项目名称", text(form.project)),
            "form": Value("自评表名称", clean(form.title.text) if form.title else self.edition.title),
            "goal": Value("年度目标", goal or say("missing")), "done": Value("年度目标完成情况", done or say("missing")),
            "tasks": Value("年度主要任务", say("tasks", n=len(tasks), names=_listed(tasks)) if tasks else say("tasks_none")),
        }

    def _money(self) -> dict[str, Value]:
        total, rate = self.form.total_row, self.card.rate
        values = {field: None if total is None else self.amount(getattr(total, field)) for field in ("initial", "adjusted", "executed")}
        noted = self._note(None if total is None else total.adjusted, "F101", "F102", "F103", "F105", "F106", "F108", "F110")
        names = {"initial": "年初预算数", "adjusted": "全年预算数", "executed": "全年执行数"}
        return {
            **{field: Value(names[field], say("missing") if value is None else points(value)) for field, value in values.items()},
            "rate": Value("预算执行率", say("missing") if rate is None else percent(rate), noted),
            "change": Value("预算调整", _change(values["initial"], values["adjusted"])),
            "remark": Value("预算执行说明", self._remark(values["adjusted"], values["executed"])),
        }

    def _wholes(self) -> dict[str, Value]:
        grades = self.edition.grades
        scale = [say("scale_next" if n else "scale", name=one.name, low=points(one.low), high=points(grades[n - 1].low))
                 for n, one in enumerate(grades[:-1])]
        scale += [say("scale_last", name=grades[-1].name, low=points(grades[-2].low))] if len(grades) > 1 else []
        return {
            "design": Value("绩效指标设定情况", self._design()), "score": Value("评价得分", self._score(), self._score_note()),
            "scale": Value("评价等级", _listed(scale)), "shortfalls": Value("偏差原因", self._shortfalls()),
            "problems": Value("主要问题", self._problems()), "after": Value("序号", str(sum(not part.funds for part in self.parts) + 1)),
        }

    def amount(self, entry: Entry | None) -> Decimal | None:
        """An amount in 万元, None where there is none; one that the form gives in 元 to a hundredth, as reports print it."""
        if entry is None or entry.number is None:
            return None
        return entry.number if self.form.factor == 1 else half_up(entry.number * self.form.factor, 2)

    def _note(self, entry: Entry | None, *codes: str) -> str:
        """What was found in the row of a cell, for the note beside the figure."""
        found = self.found.get(entry.row, ()) if entry is not None else ()
        return "\n".join(messages.on_the_spot(one, "zh") for one in found if one.code in codes)

    def _score_note(self) -> str:
        said = [messages.on_the_spot(one, "zh") for one in self.record.findings if one.code in _ABOUT_TOTAL]
        return say("note_score", text="\n".join(said)) if said else ""

    # ---- parts ----

    def _parts(self) -> tuple[Part, ...]:
        """The parts in the edition's order, those that the form lacks included, then any other."""
        scores = {part.name: part for part in self.card.parts}
        known = {part.name: part for part in self.edition.parts}
        funds = next((part.name for part in self.edition.parts if part.place == "funds"), "")
        lacking = {part.name for part in self.card.missing}
        order = [name for name in known if name in scores or name in lacking] + [name for name in scores if name not in known]
        parts = []
        for name in order:
            score = scores.get(name, PartScore(name, known[name].weight if name in known else None, None))
            rows = tuple((row, result) for row, result in self.rows if row.part == name)
            parts.append(Part(name, score.weight, score.score, rows, not rows and name == funds))
        return tuple(parts)

    def part(self, part: Part, n: int) -> dict[str, Value]:
        """The values of one part, for the blocks that are repeated for it; ``n`` numbers it."""
        return {
            "name": Value(part.name, clean(part.name)), "n": Value("序号", str(n)),
            "part": Value(f"{part.name}得分", self._part_score(part)),
            "status": Value(f"{part.name}完成情况", status(self, part.rows)), "groups": Value(f"{part.name}各二级指标", self._groups(part)),
        }

    def _part_score(self, part: Part) -> str:
        if part.weight is None or part.score is None:
            return say("part_open", weight=say("missing") if part.weight is None else points(part.weight))
        if part.funds:
            lost = part.weight - part.score
            words = say("lost_none") if lost <= 0 else say("lost_funds", points=points(lost), rate=self.values["rate"].text)
        else:
            items = [say("lost_item", name=quoted(row.name), points=points(result.weight - result.counted))
                     for row, result in part.rows if _lost(result)]
            words = say("lost", items=_listed(items)) if items else say("lost_none")
        return say("part", weight=points(part.weight), score=points(part.score), rate=share(part), lost=words)

    def _groups(self, part: Part) -> str:
        groups: dict[str, list[RowScore]] = {}
        for row, result in part.rows:
            if assessed(result):
                groups.setdefault(row.group, []).append(result)
        if len(groups) < 2:
            return ""
        items = []
        for name, results in groups.items():
            scores = [result.counted for result in results]
            items.append(say("group_open" if None in scores else "group", name=clean(name), n=len(results),
                             weight=points(sum((one.weight for one in results), ZERO)), score="" if None in scores else points(sum(scores, ZERO))))
        return say("groups", items="；".join(items))

    # ---- sentences ----

    def _design(self) -> str:
        weights = [(part.name, part.weight) for part in self.parts]
        counts = [say("design_count", name=clean(part.name), n=len(part.rows))
                  for part in self.parts if not part.funds]
        idle = sum(not assessed(result) for _, result in self.rows)
        return say("design", parts=len(self.parts), total=points(sum((weight or ZERO for _, weight in weights), ZERO)), rows=len(self.rows),
                   weights=_listed(say("design_weight", name=clean(name), weight=say("missing") if weight is None else points(weight))
                                   for name, weight in weights),
                   counts=_listed(counts), idle=say("design_idle", n=idle) if idle else "")

    def _score(self) -> str:
        if self.card.total is not None:
            period = f"{self.form.year}年度" if self.form.year else ""
            return say("score", period=period, subject=self.subject, total=points(self.card.total), grade=self.card.grade)
        lacking = [part.name for part in self.card.missing]
        open_rows = [clean(row.name) for row, result in self.rows if assessed(result) and result.counted is None]
        why = (say("score_why_parts", names=_listed(lacking)) if lacking else
               say("score_why_rows", names=_listed(open_rows)) if open_rows else say("score_why_none"))
        return say("score_open", why=why)

    def _remark(self, adjusted: Decimal | None, executed: Decimal | None) -> str:
        rate, line = self.card.rate, self.edition.explain.execution_below
        if rate is None:
            return say("remark_open")
        if executed > adjusted:
            return say("remark_over")
        if rate >= line:
            return say("remark_fine", line=percent(line))
        reason = next((_reason(row) for row in self.form.indicators if row.role == "execution_rate" and _reason(row)), "")
        return say("remark_low", line=percent(line), unspent=points(adjusted - executed), reason=reason or say("reason_missing"))

    def _shortfalls(self) -> str:
        said = [self._short(row, result) for row, result in self.rows if kind(self, row, result) in ("short", "lost")]
        if said:
            return "".join(f"（{n}）{one}" for n, one in enumerate(said, 1)) if len(said) > 1 else said[0]
        return say("shortfalls_doubt" if any(kind(self, row, result) != "met" for row, result in self.rows if assessed(result))
                   else "shortfalls_none")

    def _short(self, row: Indicator, result: RowScore) -> str:
        deviation, reason = result.attainment.deviation, _reason(row)
        shown = deviation is not None and deviation != 0 and "deviation" in self.form.columns
        return say("short", name=quoted(row.name), target=clean(row.target.text), actual=clean(row.actual.text) or say("missing"),
                   score=figure(result.counted), weight=points(result.weight),
                   deviation=say("short_deviation", deviation=self.deviation(deviation)) if shown else "",
                   reason=say("reason", text=_ended(reason)) if reason else say("reason_missing"))

    def deviation(self, value: Decimal) -> str:
        """偏差度 as the edition prints it."""
        return f"{plain(value * 100, self.edition.deviation.places)}%"

    def _problems(self) -> str:
        items, total, rate = [], self.form.total_row, self.card.rate
        lost = any(part.funds and part.weight is not None and part.score is not None and part.score < part.weight for part in self.parts)
        if rate is not None and rate > HUNDRED:
            items.append(say("problem_over", adjusted=points(self.amount(total.adjusted)), executed=points(self.amount(total.executed)),
                             rate=percent(rate)))
        elif rate is not None and (lost or rate < self.edition.explain.execution_below):
            items.append(say("problem_execution", adjusted=points(self.amount(total.adjusted)), executed=points(self.amount(total.executed)),
                             rate=percent(rate)))
        fell = [(row, result, kind(self, row, result)) for row, result in self.rows]
        fell = [(row, result, what) for row, result, what in fell if what in ("short", "lost") and not (items and row.role == "execution_rate")]
        items += [say(f"problem_{what}", name=quoted(row.name), target=clean(row.target.text), actual=clean(row.actual.text) or say("missing"),
                      weight=points(result.weight), score=figure(result.counted)) for row, result, what in fell[:_NAMED]]
        if len(fell) > _NAMED:
            items.append(say("problem_more", n=len(fell) - _NAMED))
        items += [say(f"problem_{one.code}", **{**one.args, "stated": clean(one.stated or ""),
                                                "label": quoted(_TASK_NUMBER.sub("", one.label, count=1))})
                  for one in self.record.findings if one.code in _PROBLEMS]
        if not items:
            return say("problems_none") if all(kind(self, row, result) == "met" for row, result in self.rows if assessed(result)) else say(
                "shortfalls_doubt")
        order = say("order").split(" ")[:-1]
        return say("problems", items="".join((order[n] if n < len(order) else say("order_beyond")) + item for n, item in enumerate(items)))


# ---- rows ----


def assessed(result: RowScore) -> bool:
    """Whether a row counts; one without weight does not apply to the department."""
    return result.weight is not None


def _lost(result: RowScore) -> bool:
    return result.weight is not None and result.counted is not None and result.counted < result.weight


def kind(figures: Figures, row: Indicator, result: RowScore) -> str:
    """How a row stands: met, short (below its target), lost (met, yet not full marks), doubt (its actual is contradicted elsewhere on the
    form), blank (nothing was filled in), open (a person scored it, or must), idle (no weight)."""
    if not assessed(result):
        return "idle"
    if result.attainment.met is False:
        return "short"
    if row.actual_entry is None or (row.actual_entry.blank and not row.actual.text):
        return "blank"
    if any(one.code in _DOUBT for one in figures.found.get(row.place.row, ())):
        return "doubt"
    if result.attainment.met is None or result.counted is None:
        return "open"
    return "lost" if _lost(result) else "met"


def status(figures: Figures, rows: Iterable[tuple[Indicator, RowScore]]) -> str:
    """How the rows of a part reach their targets; what fell short is named."""
    kinds: dict[str, list[str]] = {}
    for row, result in rows:
        kinds.setdefault(kind(figures, row, result), []).append(quoted(row.name))
    idle = say("idle", n=len(kinds["idle"]), names=_listed(kinds["idle"])) if "idle" in kinds else ""
    count, met = sum(len(names) for what, names in kinds.items() if what != "idle"), len(kinds.get("met", ()))
    if not count:
        return say("status_none") + idle
    if met == count:
        return (say("status_all", n=count) if count > 1 else say("status_one")) + idle
    order = [what for what in ("met", "short", "lost", "doubt", "blank", "open") if what in kinds]
    rest = (say(f"rest_{what}", n=len(kinds[what]), names=_listed(kinds[what])) for what in order)
    return say("status_some", n=count, rest="，".join(rest)) + idle


# ---- texts ----


def text(entry: Entry | None, missing: str | None = None) -> str:
    """What a cell says, or what stands for nothing."""
    return clean(entry.text) if entry is not None and entry.text else say("missing") if missing is None else missing


def figure(value: Decimal | None, missing: str = "") -> str:
    """Points or money, shortest."""
    return missing if value is None else points(value)


def share(part: Part) -> str:
    """得分率: the score of a part in percent of its weight."""
    return "—" if part.score is None or not part.weight else percent(part.score / part.weight * 100)


def _listed(names: Iterable[str]) -> str:
    return say("and").join(names)


def _ended(text: str) -> str:
    return text if text.endswith(("。", "！", "？", "；", ".", "!", "?")) else f"{text}。"


def _reason(row: Indicator) -> str:
    return clean(row.reason.text) if row.reason is not None and explained(row.reason.text) else ""


def task_name(task: Task) -> str:
    """A task as it is called; a mere number (任务1:) is left out."""
    return clean(_TASK_NUMBER.sub("", task.name, count=1) if _TASK_NUMBER.fullmatch(task.place.text) else task.place.text)


def _change(initial: Decimal | None, adjusted: Decimal | None) -> str:
    if initial is None or adjusted is None:
        return say("change_open")
    if initial == adjusted:
        return say("change_none")
    rate = percent(abs(adjusted - initial) / initial * 100) if initial else "—"
    return say("change_up" if adjusted > initial else "change_down", amount=points(abs(adjusted - initial)), rate=rate)


def _goals(one: Record) -> tuple[str, str]:
    """年度履职目标 / 年度总体目标: what was intended and what became of it; "" where the form has no such place."""
    grid, names = Grid(one.grid), (get(one.form.edition), get(DEFAULT))
    labels = {plain_label(label) for edition in names for label in edition.labels["goals"]}
    heads = [{plain_label(edition.labels["goal_headings"][n]) for edition in names if edition.labels["goal_headings"]} for n in (0, 1)]
    sides = [word for word in grid.texts(0, min((row.place.row for row in one.form.indicators), default=len(grid.lines))) if word[2] in labels]
    if not sides:
        return "", ""
    top, _, height = grid.tall.get(sides[0][:2], (*sides[0][:2], 1))
    columns = [next((word[1] for word in grid.look(top).words if word[2] in head), None) for head in heads]
    if None not in columns:  # under two headings
        lines = range(top + 1, min(top + max(height, 2), len(grid.lines)))
        return tuple(clean("".join(str(grid.value(row, column)) for row in lines)) for column in columns)
    beside = [clean(word[3]) if word[3] else next((clean(value) for value in grid.lines[word[0]][word[1] + 1 :] if value != ""), "")
              for word in sides[:2]]  # each beside a label of its own
    return beside[0], beside[1] if len(beside) > 1 else ""
