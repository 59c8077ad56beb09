"""The figures of a report held against the form: amounts, rates, scores, targets and actuals, counts (DOMAIN.md R1-R4, R6, R7, S5, S6, Q7).

Where the report may be right and the form wrong both figures are shown and nobody is chosen. One cause, one finding: what the form's own
checks say already is not said again of a report that copies it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from perfeval_xl.checks_funds import adjustment
from perfeval_xl.compare import CENT, HUNDRED, TEN_THOUSAND, ZERO, percent, points
from perfeval_xl.document import Block, Chapter
from perfeval_xl.figures import Figure, Sentence, figures, normal, same, sentences
from perfeval_xl.messages import Finding
from perfeval_xl.model import FundsRow
from perfeval_xl.naming import Lead, Lexicon, Subject, bare, is_foreign, is_own, money_kind, rate_name, read_lead, source_of
from perfeval_xl.numbers import half_up, printed_step
from perfeval_xl.record import Record
from perfeval_xl.scoring import execution_rate, execution_score

COLUMNS = {"initial": ("年初预算数", "initial budget"), "adjusted": ("全年预算数", "adjusted budget"), "executed": ("全年执行数", "executed amount"),
           "budget": ("部门预算", "budget")}
#: the official columns of a printed table of scores
_TABLE = {"weight": re.compile("分值|权重|满分"), "score": re.compile("得分(?!率)"), "share": re.compile("得分率")}
_OTHER_YEAR = re.compile("(20[0-9]{2})年")
#: what is meant to come, not what was reached
_INTENDED = re.compile("力争|争取|下一步|今后|明年|下一年|下年|建议|预计|拟将|拟于|计划在")
_HOPED = re.compile("确保|努力|提高到|提升到|提升至|提高至")
_NEXT = re.compile("[，;]?(?:自评|实际|最终|总)*(?:得分|得|实得|评分)")
_COUNTED = re.compile("[个项条类]?(?P<level>[一二三]级)?(?:绩效)?指标")
_LEVEL_BEFORE = re.compile("(?P<level>[一二三]级)(?:绩效)?指标(?:共有?|有|为|设置|合计|共计|设置了|:)*$")
#: 90分以上为优: the definition of a grade
BANDS = re.compile(r"[0-9.]+(?:\(含\)|分)*(?:以[上下]|[-~—至][0-9.]+(?:\(不?含\)|分)*)(?:\(不?含\))?(?:的|以[上下])?(?:为|是|属|属于|评为|评定为|定为|:)?(?:优秀?|良好?|中等?|差|合格|不合格)")


class Said(NamedTuple):
    """A figure of the report and what it is said of; ``column``: which amount of it, or "rate"; ``number``: chapter of the report."""

    figure: Figure
    subject: Subject
    column: str
    lead: Lead


class Place(NamedTuple):
    """Where a sentence stands: its chapter, the headings below it, the words before the colon that its paragraph begins with."""

    chapter: Chapter
    headings: tuple
    head: str


class Reader:
    """Goes through a report once; what it finds stands in ``findings``, what it read of amounts and rates in ``mentions``."""

    def __init__(self, record: Record) -> None:
        self.record, self.form, self.card, self.edition = record, record.form, record.card, record.edition
        self.lexicon = Lexicon(record)
        self.findings: list[Finding] = []
        self.others: dict[str, tuple[Figure, str, str]] = {}  # figures that are not on the form, by what they are said of
        self.blamed: list[Figure] = []  # figures of the sentence that have a finding
        self.mentions: list[tuple[str, Figure, str]] = []
        self.blank_rows: dict[tuple[str, str], list[tuple[str, str, Sentence]]] = {}
        self.funds = {row.role: row for row in reversed(self.form.funds)}
        if self.form.total_row is not None:
            self.funds["total"] = self.form.total_row

    # ---- what the form says ----

    def money(self, row: FundsRow | None, column: str) -> Decimal | None:
        """An amount of the funds block in 万元."""
        entry = getattr(row, column, None) if row is not None else None
        return None if entry is None or entry.number is None else entry.number * self.form.factor

    def total(self, column: str) -> Decimal | None:
        """An amount of the total row in 万元."""
        return self.money(self.funds.get("total"), column)

    def rows_of(self, subject: Subject) -> list[int]:
        """The indicator rows of a part, a group, or a row itself."""
        rows = self.form.indicators
        if subject.kind == "row":
            return [subject.key]
        if subject.kind == "part":
            names = {name for name, one in self.lexicon.names.items() if one.key == subject.key and one.kind == "part"}
            return [n for n, row in enumerate(rows) if normal(row.part) in names]
        return [n for n, row in enumerate(rows) if row.group == subject.key] if subject.kind == "group" else []

    def scores(self, subject: Subject) -> tuple[Decimal, ...]:
        """The scores that a report may give: as stated on the form's rows, as recomputed; the first is the one to name."""
        if subject.kind == "total":
            named = self.form.totals[0].number if self.card.total is None else self.card.total
            return tuple(dict.fromkeys(one for one in (named, self.card.stated) if one is not None))
        if subject.kind == "funds":
            row, score = self.funds.get("total"), self.card.funds_score
            stated = row.score.number if row is not None and row.score is not None else None
            own = [n for n, one in enumerate(self.form.indicators) if one.role == "execution_rate"]
            return tuple(dict.fromkeys(one for one in (stated, score, *self._row_scores(own)) if one is not None))
        rows = self.rows_of(subject)
        if not rows or any(self._stated(n) is None and self._weight(n) for n in rows):
            return ()
        return tuple(dict.fromkeys(one for one in (
            sum((self._stated(n) or ZERO for n in rows), ZERO),
            sum((self.card.rows[n].counted or ZERO for n in rows), ZERO)) if one is not None))

    def _row_scores(self, rows: Iterable[int]) -> list[Decimal]:
        return [score for n in rows for score in (self._stated(n), self.card.rows[n].score) if score is not None]

    def _stated(self, n: int) -> Decimal | None:
        entry = self.form.indicators[n].score
        return entry.number if entry is not None else None

    def _weight(self, n: int) -> Decimal | None:
        entry = self.form.indicators[n].weight
        return entry.number if entry is not None else None

    def weights(self, subject: Subject) -> tuple[Decimal, ...]:
        """The weights that a report may give, the first is the one to name."""
        if subject.kind == "total":
            return (HUNDRED,)
        if subject.kind == "funds":
            row = self.funds.get("total")
            own = [self._weight(n) for n, one in enumerate(self.form.indicators) if one.role == "execution_rate"]
            return tuple(one for one in (row.weight.number if row is not None and row.weight is not None else None, *own) if one is not None)
        rows = self.rows_of(subject)
        return (sum((self._weight(n) or ZERO for n in rows), ZERO),) if rows else ()

    # ---- through the report ----

    def add(self, code: str, place: Place, sentence: Sentence, figure: Figure | None, stated: str | None, expected: str | None, **args) -> None:
        """A finding about a sentence, which it quotes."""
        quote = sentence.quote(figure.start, figure.end) if figure is not None else sentence.quote()
        if figure is not None:
            self.blamed.append(figure)
        self.findings.append(Finding(code, title_of(place.chapter), stated, expected, args={"quote": quote, **args}))

    def read(self, chapters: Iterable[Chapter]) -> None:
        """All chapters, tables included; the printed form is left out."""
        for chapter in chapters:
            for block in chapter.blocks:
                if block.form:
                    continue
                if block.rows:
                    self.table(chapter, block)
                elif block.text:
                    self.paragraph(chapter, block)
        self._blank_rows()
        self._twice()

    def paragraph(self, chapter: Chapter, block: Block) -> None:
        """The sentences of a paragraph, one after another."""
        first, colon, _ = normal(block.text).partition(":")
        head = first if colon and len(first) <= 40 else ""
        place = Place(chapter, block.headings, head)
        for sentence in sentences(block.text):
            if any(map(str.isdigit, sentence.text)):
                self.sentence(sentence, place)

    def sentence(self, sentence: Sentence, place: Place) -> None:
        """Every figure of a sentence, then what they say together."""
        text = BANDS.sub(lambda match: "□" * len(match[0]), sentence.text)
        found = figures(text)
        said: list[Said] = []
        self.blamed.clear()
        subject: Subject | None = None
        foreign = is_foreign(place.head) and not is_own(place.head) and self._entity(place.head) is None
        task = self.lexicon.task_in(text)
        apart: list[Subject] = []
        for n, figure in enumerate(found):
            lead = read_lead(figure.lead)
            if _INTENDED.search(text[: figure.start]) or _HOPED.search(text[: figure.start].rpartition("，")[2]):
                continue
            if ";" in lead.before:
                subject = None
            if is_own(figure.lead):
                foreign = False
            elif is_foreign(lead.core) or is_foreign(lead.before):
                foreign = self._entity(lead.core) is None
            if self._year(text, figure.start):
                self._slip(figure, lead, sentence, place)
                continue
            if apart and figure.lead in ("、", "，", "和", "及", "与"):
                subjects = [apart.pop()]
            else:
                subjects, apart = self.subjects(lead, subject, place, figure, text), []
                if lead.apart and len(subjects) > 1:
                    apart, subjects = subjects[:-1], subjects[-1:]
                elif not lead.all_of and len(subjects) > 1:
                    subjects = subjects[:1]
            one = self.figure(n, figure, found, lead, subjects, task, foreign, sentence, place, said)
            said += one
            subject = one[-1].subject if one else subjects[-1] if subjects else (Subject("foreign", lead.core) if lead.core else subject)
        self.together(said, found, sentence, place, foreign)

    def _entity(self, text: str) -> Subject | None:
        """The one name of the form that a text ends in."""
        found, _ = self.lexicon.at_end(text)
        return found[0] if found else self.lexicon.by_suffix(text)

    def _year(self, text: str, end: int) -> bool:
        """Whether a figure is said of another year than the form's."""
        years = _OTHER_YEAR.findall(text[:end])
        last = re.search("(?:上年|去年|上一年|前年|往年|较上|同比|比上)[^，;。]*$", text[:end])
        return bool(last) or bool(years and self.form.year and int(years[-1]) != self.form.year)

    def subjects(self, lead: Lead, before: Subject | None, place: Place, figure: Figure, text: str) -> list[Subject]:
        """What a figure is said of."""
        if lead.carried:
            if lead.noun == "this":
                return [one for one in (self.heading(place),) if one is not None]
            opened = [one for start, _, one in self.lexicon.mentions(lead.before) if not bare(lead.before[:start].rpartition("，")[2].rpartition(":")[2])]
            if before is not None and not opened:
                return [before]
            head = self._entity(place.head)
            if head is not None:
                return [head]
            if len(opened) == 1:
                return opened
            return [before] if before is not None else []
        found, prefix = self.lexicon.at_end(lead.core)
        if found:
            rest = bare(prefix)
            return [Subject("foreign", rest)] if rest and is_foreign(rest) else found
        suffix = self.lexicon.by_suffix(lead.core) or self.lexicon.split_name(text[: figure.start - len(figure.lead)], figure.lead, lead.core)
        if suffix is not None:
            return [suffix]
        tail = re.match(r"的([^，。；;、0-9]{2,14})", text[figure.end :])
        if tail and not lead.core.strip("以有取得实现完成"):
            return [one for start, _, one in self.lexicon.mentions(tail[1]) if not start][:1]
        return []

    def heading(self, place: Place) -> Subject | None:
        """The name of the form in the paragraph's head, else in the nearest heading."""
        for text in (place.head, *reversed(place.headings)):
            found = [one for _, _, one in self.lexicon.mentions(normal(text))]
            if found:
                return found[0]
        return None

    def figure(self, n: int, figure: Figure, found: list[Figure], lead: Lead, subjects: list[Subject], task: Subject | None, foreign: bool,
               sentence: Sentence, place: Place, said: list[Said]) -> list[Said]:
        """One figure against the form; gives what it was taken for."""
        following = found[n + 1].lead if n + 1 < len(found) else ""
        if lead.noun == "share" or (figure.kind == "percent" and lead.noun):
            return self.share(figure, lead, subjects, said, sentence, place)
        if figure.kind == "points" or (figure.kind == "plain" and lead.noun):
            if lead.summed and lead.carried:
                parts = {one.subject for one in said if one.subject.kind in ("part", "funds") and one.column == "score"}
                subjects = [Subject("total", "部门整体")] if len(parts) > 1 else []
            return self.points(figure, lead, subjects, following, sentence, place, foreign)
        if figure.kind == "count" and self.counted(figure, sentence, place):
            return []
        kind, words = money_kind(lead.core)
        rate = rate_name(lead.core)
        if figure.kind in ("money", "plain") and (kind or self._is_base(subjects, lead, figure)) and rate is None:
            return self.amount(figure, kind, words, lead, subjects, task, foreign, said, sentence, place)
        if figure.kind in ("percent", "plain") and (any(map(self._is_execution, subjects)) or (rate is not None and not any(
                one.kind == "row" for one in subjects))):
            return self.rate(figure, rate, lead, subjects, task, foreign, said, sentence, place)
        if not subjects and figure.kind == "percent" and not foreign and not lead.role and not figure.op and re.search("[率度]$", lead.core):
            if len(name := bare(lead.core)) >= 4 and not is_foreign(lead.before.rpartition(";")[2]):
                self.elsewhere(name, figure, sentence, place)
        if foreign and not subjects:
            return []
        return [self.row(figure, subject, lead, following, sentence, place) for subject in subjects if subject.kind == "row"]

    def _is_execution(self, subject: Subject) -> bool:
        """Whether this is the execution rate: the part of the funds block, or the row of that name."""
        return subject.kind == "funds" or (subject.kind == "row" and self.form.indicators[subject.key].role == "execution_rate")

    def _is_base(self, subjects: list[Subject], lead: Lead, figure: Figure) -> bool:
        return figure.kind == "money" and bool(lead.role) and any(map(self._is_execution, subjects))

    def elsewhere(self, name: str, figure: Figure, sentence: Sentence, place: Place) -> None:
        """A figure that is not on the form, against what the report says of the same thing in another sentence (R7)."""
        first, where, text = self.others.setdefault(name, (figure, title_of(place.chapter), sentence.text))
        if text != sentence.text and first.kind == figure.kind and not same(figure, first.value, first.step / 2) and not figure.loose and not first.loose:
            self.add("R501", place, sentence, figure, figure.text, first.text, what=name, what_en=name, where=where)

    # ---- amounts ----

    def amount(self, figure: Figure, kind: str, words: str, lead: Lead, subjects: list[Subject], task: Subject | None, foreign: bool,
               said: list[Said], sentence: Sentence, place: Place) -> list[Said]:
        """An amount against the funds block, or against the line of its task."""
        based = subjects[0] if not kind else None
        if not kind:
            kind = {"target": "initial", "actual": "executed"}[lead.role]
        elif is_foreign(words) and not is_own(words):
            foreign = money_kind(words)[0] not in self.funds  # 项目支出年初预算: a row of the form
        if task is not None:
            return self.task_figure(figure, {"initial": "budget", "adjusted": "budget"}.get(kind, kind), task, sentence, place)
        if figure.kind == "plain" and (figure.value < 1 and figure.value or foreign):
            return []
        if foreign:
            name = bare(words) or place.head
            if len(name) >= 3 and kind in COLUMNS:
                self.elsewhere(f"{name}{COLUMNS[kind][0]}", figure, sentence, place)
            return [Said(figure, Subject("foreign", name), kind, lead)]
        source = money_kind(words)[0]
        row, column = (self.funds.get(kind), self._column(said, words)) if kind in self.funds else (
            self.funds.get(source if source in self.funds else "total"), kind)
        if kind not in COLUMNS and kind not in self.funds:
            return []
        subject = Subject("money", COLUMNS[column][0] if row is self.funds.get("total") and column in COLUMNS else row.label if row else "", kind)
        if column in COLUMNS and row is not None:
            self._amount(figure, row, column, said, sentence, place)
        return [Said(figure, based or subject, column if kind in COLUMNS else "source", lead)]

    def _column(self, said: list[Said], words: str) -> str:
        """The column that a source's amount belongs to: named itself, or by the amount before it."""
        own = next((column for column, name in (("initial", "年初"), ("adjusted", "全年预算|调整"), ("executed", "执行|支出")) if re.search(name, words)), "")
        return own or next((one.column for one in reversed(said) if one.column in COLUMNS), "")

    def _amount(self, figure: Figure, row: FundsRow, column: str, said: list[Said], sentence: Sentence, place: Place) -> None:
        tolerance = self.edition.tolerance.money * self.form.factor
        columns = ("initial", "adjusted") if column == "budget" else (column,)
        amounts = {one: amount for one in columns if (amount := self.money(row, one)) is not None}
        total = row is self.funds.get("total")
        if total and column in ("initial", "adjusted", "executed"):
            self.mentions.append((column, figure, title_of(place.chapter)))
        if not amounts or any(same(figure, amount, tolerance) for amount in amounts.values()):
            return
        shown = next(reversed(amounts.values()))
        name, name_en = COLUMNS[column] if total else (f"{row.label}的{COLUMNS[column][0]}", f"{COLUMNS[column][1]} of {row.label}")
        other = next((one for one in ("initial", "adjusted", "executed") if one not in columns and (amount := self.money(row, one))
                      and same(figure, amount, tolerance)), "")
        unit = next((amount for amount in amounts.values() if amount and figure.value and any(
            abs(figure.value / amount / factor - 1) < CENT for factor in (TEN_THOUSAND, 1 / TEN_THOUSAND))), None)
        if unit is not None:
            self.add("R205", place, sentence, figure, figure.text, f"{points(unit)}万元", what=name, what_en=name_en)
        elif other and total:
            self.add("R202", place, sentence, figure, figure.text, f"{points(shown)}万元", what=name, what_en=name_en,
                     other=f"{COLUMNS[other][0]} {points(self.money(row, other))}万元", other_en=f"{COLUMNS[other][1]}, {points(self.money(row, other))}")
        else:
            consequence, consequence_en = self._if_right(figure, column) if total else ("", "")
            self.add("R201", place, sentence, figure, figure.text, f"{points(shown)}万元", what=name, what_en=name_en, consequence=consequence,
                     consequence_en=consequence_en)

    def _if_right(self, figure: Figure, column: str) -> tuple[str, str]:
        """What would follow on the form if the report's amount were right."""
        adjusted, executed = (figure.value if column == one else self.total(one) for one in ("adjusted", "executed"))
        rate = execution_rate(adjusted, executed)
        row = self.funds.get("total")
        if column not in ("adjusted", "executed") or rate is None or row.weight is None or not row.weight.number:
            return "", ""
        score = execution_score(rate, row.weight.number, self.edition.execution)
        return (f"；若以报告为准，执行率为 {percent(half_up(rate, 2))}，预算执行得 {points(score)} 分",
                f"; if the report is right, the execution rate is {percent(half_up(rate, 2))} and earns {points(score)} points")

    def task_figure(self, figure: Figure, column: str, task: Subject, sentence: Sentence, place: Place) -> list[Said]:
        """An amount or rate of a task against its line."""
        line, rate = self.form.tasks[task.key], self.card.task_rates[task.key]
        entry = line.budget if column == "budget" else line.executed if column == "executed" else None
        value = rate if column == "rate" else entry.number * self.form.factor if entry is not None and entry.number is not None else None
        allowed = [value, line.rate.number] if column == "rate" and line.rate is not None else [value]
        tolerance = self.edition.tolerance.rate if column == "rate" else self.edition.tolerance.money
        if value is not None and not any(one is not None and same(figure, one, tolerance) for one in allowed):
            what = {"budget": ("预算", "budget"), "executed": ("执行数", "executed amount"), "rate": ("预算执行率", "execution rate")}[column]
            shown = percent(half_up(value, 2)) if column == "rate" else f"{points(value)}万元"
            self.add("R206", place, sentence, figure, figure.text, shown, what=f"{task.name}的{what[0]}", what_en=f"{what[1]} of {task.name}")
        return [Said(figure, task, column, read_lead(figure.lead))]

    # ---- rates ----

    def rate(self, figure: Figure, words: str | None, lead: Lead, subjects: list[Subject], task: Subject | None, foreign: bool, said: list[Said],
             sentence: Sentence, place: Place) -> list[Said]:
        """An execution rate against the funds block; a target of it against the row of that name."""
        row = next((n for n, one in enumerate(self.form.indicators) if one.role == "execution_rate"), None)
        follows = bool(re.match("[，;]?(?:实际|全年|年末)*(?:完成|达到|执行)", self._after(sentence.text, figure)))
        if row is not None and (lead.role == "target" or figure.bound or (not lead.role and follows and figure.value >= 80)):
            return [self.row(figure, Subject("row", self.form.indicators[row].name, row), lead._replace(role="target"), "", sentence, place)]
        if task is not None:
            return self.task_figure(figure, "rate", task, sentence, place)
        prefix, source = bare(words or ""), source_of(lead.core)
        if source in self.funds:
            foreign, prefix = False, ""
        if foreign or is_foreign(prefix) or any(one.kind == "foreign" for one in subjects):
            return [Said(figure, Subject("foreign", prefix), "rate", lead)]
        if figure.op in ("<", ">", "<=") or (figure.kind == "plain" and 0 < figure.value <= 1):
            return []
        funds = self.funds.get(source if source in self.funds else "total")
        if funds is None:
            return []
        place_of = next((n for n, one in enumerate(self.form.funds) if one is funds), None)
        rate = self.card.rates[place_of] if place_of is not None else None
        stated = funds.rate.number if funds.rate is not None else None
        if rate is None and stated is None and not self.total("executed"):
            rate = ZERO if self.total("adjusted") else None
        subject = Subject("money", "预算执行率", "rate")
        if funds is self.funds.get("total"):
            self.mentions.append(("rate", figure, title_of(place.chapter)))
        by_initial = execution_rate(self.money(funds, "initial"), self.money(funds, "executed"))
        if rate is not None and not same(figure, rate, self.edition.tolerance.rate) and not (
                "年初" in lead.core and by_initial is not None and same(figure, by_initial, self.edition.tolerance.rate)):
            why, why_en = self._rate_origin(figure, said, by_initial)
            self.add("R203", place, sentence, figure, figure.text, percent(half_up(rate, 2)), why=why, why_en=why_en)
        return [Said(figure, subject, "rate", lead)]

    def _after(self, text: str, figure: Figure) -> str:
        return text[figure.end : figure.end + 14]

    def _rate_origin(self, figure: Figure, said: list[Said], by_initial: Decimal | None) -> tuple[str, str]:
        """Where a wrong rate comes from: the amounts of its own sentence, or the initial budget."""
        own = {one.column: one.figure.value for one in said if one.column in ("initial", "adjusted", "budget", "executed") and one.subject.kind in ("money", "funds")}
        base = own.get("adjusted", own.get("budget", own.get("initial")))
        rate = execution_rate(base, own.get("executed"))
        if rate is not None and same(figure, rate, self.edition.tolerance.rate):
            because = f"；它是本句的 {points(own['executed'])}÷{points(base)}"
            because_en = f"; it is {points(own['executed'])} / {points(base)} of the same sentence"
            adjusted = self.total("adjusted")
            right = execution_rate(adjusted, own["executed"])
            if right is not None and not same(figure, right, self.edition.tolerance.rate):
                because += f"，按表上全年预算数 {points(adjusted)} 应为 {percent(half_up(right, 2))}"
                because_en += f", which is {percent(half_up(right, 2))} of the form's adjusted budget {points(adjusted)}"
            return because, because_en
        if by_initial is not None and same(figure, by_initial, self.edition.tolerance.rate):
            return "；它是按年初预算数算的", "; it was computed on the initial budget"
        return "", ""

    # ---- targets and actuals ----

    def row(self, figure: Figure, subject: Subject, lead: Lead, following: str, sentence: Sentence, place: Place) -> Said:
        """A target or an actual that the report quotes against the row of the form."""
        row = self.form.indicators[subject.key]
        next_lead = read_lead(following)
        target = lead.role == "target" or figure.bound or (not lead.role and next_lead.carried and next_lead.role == "actual" and not next_lead.noun)
        said = Said(figure, subject, "target" if target else "actual", lead)
        reading = row.target if target else row.actual
        unit = "%" if figure.kind == "percent" or (figure.kind == "plain" and reading.unit == "%") else figure.unit or None
        if figure.kind == "count" and reading.unit and reading.unit != figure.unit:
            return said
        if figure.kind not in ("percent", "count", "plain") or (reading.number is None and reading.kind not in ("blank", "na")):
            return said
        if reading.number is None:
            if not target and not row.target.number and self._weight(subject.key) is None and figure.value:
                self.blank_rows.setdefault((place.chapter.title, sentence.text), []).append((row.name, figure.text, sentence, place))
            return said
        if reading.unit and unit and reading.unit != unit:
            return said
        tolerance = max(self.edition.tolerance.rate, printed_step(reading.text) / 2)  # 23.18% where the form rounds to 23%
        if target:
            self._target(figure, row, reading, sentence, place)
        elif not same(figure, reading.number, tolerance) and not (figure.op and not lead.role and same(figure, row.target.number or ZERO, tolerance)):
            why, why_en = self._derived(row)
            self.add("R302", place, sentence, figure, figure.text, reading.text, what=row.name, what_en=row.name, why=why, why_en=why_en)
        return said

    def _target(self, figure: Figure, row, reading, sentence: Sentence, place: Place) -> None:
        equal = abs(figure.value - reading.number) <= self.edition.tolerance.rate
        signs = {"": "", "==": "", None: ""}
        op, due = signs.get(figure.op, figure.op), signs.get(reading.op, reading.op)
        if not equal or (op and op != due):
            stated = {">=": "≥", "<=": "≤"}.get(figure.op, figure.op) + figure.text
            self.add("R301", place, sentence, figure, stated, reading.text, what=row.name, what_en=row.name)
        elif due and not op:
            self.add("R303", place, sentence, figure, figure.text, reading.text, what=row.name, what_en=row.name)

    def _derived(self, row) -> tuple[str, str]:
        """What the funds block gives for a row that follows from it."""
        total = self.funds.get("total")
        change, rate = adjustment(total) if total is not None else None, self.card.rate
        value = abs(change) if row.role == "adjustment_rate" and change is not None else HUNDRED - rate if row.role == "carry_over_rate" and rate is not None \
            else None
        if value is None:
            return "", ""
        text = percent(half_up(value, 2))
        return f"；按资金表为 {text}", f"; the funds block gives {text}"

    def _blank_rows(self) -> None:
        """Figures that the report gives for rows which the form leaves blank: one finding a sentence."""
        for rows in self.blank_rows.values():
            sentence, place = rows[0][2:]
            names = "、".join(dict.fromkeys(name for name, *_ in rows))
            figures_said = "、".join(dict.fromkeys(text for _, text, *_ in rows))
            self.add("R304", place, sentence, None, figures_said, None, what=names, what_en=names)

    # ---- scores ----

    def points(self, figure: Figure, lead: Lead, subjects: list[Subject], following: str, sentence: Sentence, place: Place, foreign: bool) -> list[Said]:
        """A score or a weight against the form's."""
        if figure.kind == "plain" and "得分率" in lead.core:
            return []
        subject = subjects[0] if subjects else self._whole(lead, sentence, place)
        if subject is not None and (subject.key == "rate" or self._is_execution(subject)):  # 预算执行率66.6%，得分7.4分
            subject = Subject("funds", "预算执行率")
        elif subject is not None and subject.kind == "money":
            subject = self._whole(lead, sentence, place)
        if subject is None or subject.kind in ("foreign", "task"):
            return []
        is_next = bool(_NEXT.match(following)) and read_lead(following).carried
        kind = "weight" if lead.noun == "weight" or (is_next and lead.noun in ("", "sum")) else "score" if lead.noun in ("score", "this") else ""
        if lead.noun == "sum" and subject.kind == "total" and not kind:
            kind = "score" if figure.value != HUNDRED else "weight"
        allowed = {"weight": self.weights(subject), "score": self.scores(subject)}
        values = allowed[kind] if kind else (*allowed["score"], *allowed["weight"])
        if lead.noun == "this":  # 该项: of the paragraph's name, or of the part above it
            values = (*values, *(value for text in place.headings for _, _, one in self.lexicon.mentions(normal(text)) for value in self.scores(one)))
        tolerance = self.edition.tolerance.score
        if values and not any(same(figure, value, tolerance) for value in values):
            self._wrong_points(figure, kind or "score", subject, values, sentence, place)
        return [Said(figure, subject, kind or "score", lead)]

    def _wrong_points(self, figure: Figure, kind: str, subject: Subject, values: tuple, sentence: Sentence, place: Place) -> None:
        expected = points(values[0])
        if subject.kind == "total" and kind == "score":
            stated = self.form.totals[0]
            copied = stated.number is not None and same(figure, stated.number, self.edition.tolerance.score)
            why = f"（与表上总分一栏相同，但各行得分合计为 {expected}）" if copied else ""
            why_en = f" (as in the total of the form, but its rows add up to {expected})" if copied else ""
            self.add("R101", place, sentence, figure, figure.text, expected, why=why, why_en=why_en)
            return
        self.add("R103" if kind == "score" else "R104", place, sentence, figure, figure.text, expected, what=subject.name, what_en=subject.name)

    def _whole(self, lead: Lead, sentence: Sentence, place: Place) -> Subject | None:
        """The whole form, where a score is said of the department or of nothing in particular."""
        if lead.noun not in ("score", "sum") or re.search("扣|失|减|加分|每|最高|最低|不得|满意|评议|测评|考评组|排名", lead.core + lead.before.rpartition("，")[2]):
            return None
        rest = re.sub("绩效|自评|评价|综合|最终|总体|整体|部门|支出|预算|项目|结果|年度|的|本次|经|平均", "", bare(lead.core))
        if rest and not re.search("整体|综合|最终|我|本(?:部门|单位)", lead.core):
            return None
        if not rest and not re.search("整体|部门|单位|综合|最终", lead.core) and self.heading(place) is not None:
            return None
        return Subject("total", "部门整体") if place.chapter.topic in ("conclusion", "use", "results", "") or "整体" in lead.core else None

    def share(self, figure: Figure, lead: Lead, subjects: list[Subject], said: list[Said], sentence: Sentence, place: Place) -> list[Said]:
        """得分率 = score / weight (S6), both as the same sentence gives them, else as the form does."""
        if lead.noun != "share":
            return []
        subject = subjects[0] if subjects else next((one.subject for one in reversed(said) if one.column == "score"), None)
        if subject is None or subject.kind == "foreign":
            return []
        own = {one.column: one.figure.value for one in said if one.subject == subject}
        weight = own.get("weight") or next(iter(self.weights(subject)), None)
        score = own.get("score", next(iter(self.scores(subject)), None))
        if weight and score is not None:
            self._share(figure, subject.name, weight, score, sentence, place)
        return []

    def _share(self, figure: Figure, name: str, weight: Decimal, score: Decimal, sentence: Sentence, place: Place) -> None:
        due = score / weight * HUNDRED
        if not same(figure, due, self.edition.tolerance.rate):
            self.add("R105", place, sentence, figure, figure.text, percent(half_up(due, 2)), what=name, what_en=name, score=points(score),
                     weight=points(weight))

    def table(self, chapter: Chapter, block: Block) -> None:
        """A printed table of scores: name, weight, score, 得分率."""
        place = Place(chapter, block.headings, "")
        head = next((n for n, row in enumerate(block.rows) if sum(any(one.search(cell) for cell in row) for one in _TABLE.values()) >= 2), None)
        if head is None:
            return
        columns = {key: n for key, pattern in _TABLE.items() for n, cell in enumerate(block.rows[head]) if pattern.search("".join(cell.split()))}
        for row in block.rows[head + 1 :]:
            found = {key: one[0] for key, n in columns.items() if n < len(row) and (one := figures(normal(row[n])))}
            name = normal(row[0])
            subject = Subject("total", "合计") if re.fullmatch("合计|总计|总分|合计得分", name) else self._entity(name)
            line = "　".join(row)
            sentence = Sentence(line, ((0, len(line), line),))
            for key in ("weight", "score"):
                allowed = (self.weights if key == "weight" else self.scores)(subject) if subject is not None else ()
                if key in found and allowed and not any(same(found[key], value, self.edition.tolerance.score) for value in allowed):
                    self._wrong_points(found[key]._replace(start=0, end=1), key, subject, allowed, sentence, place)
            if len(found) == 3 and found["weight"].value:
                share = found["share"]._replace(start=0, end=1, text=row[columns["share"]].strip())
                self._share(share, row[0].strip(), found["weight"].value, found["score"].value, sentence, place)

    # ---- counts ----

    def counted(self, figure: Figure, sentence: Sentence, place: Place) -> bool:
        """A number of indicators against the rows of the form (R6); gives whether the figure was one."""
        text = sentence.text
        after = _COUNTED.match(text, figure.end) if figure.unit in ("个", "项", "条", "类") else None
        before = _LEVEL_BEFORE.search(text[: figure.start])
        listed = re.search("等(?:三级指标)?共?$", text[: figure.start]) and figure.unit == "项" and not after
        if not after and not before and not listed:
            return False
        level = (after and after["level"]) or (before and before["level"]) or ""
        if listed and not before:
            names = [one for _, _, one in self.lexicon.mentions(text[: figure.start]) if one.kind == "row" or one.kind == "funds"]
            if len(names) < 2 or not re.search("设置|指标|包括|设定", text[: figure.start]) or re.match("[^，。；;、]", text[figure.end :]):
                return False
            level = "三级"
        if not level:
            return True
        due = self._count_of(level, text[: figure.start], place)
        if level != "一级" and len(due) > 1 and not re.search("共|设|合计|总计|包括|包含|有", text[: figure.start].rpartition("，")[2]):
            return True
        if due and figure.value not in due:
            name = f"{level}指标"
            self.add("R305", place, sentence, figure, figure.text, str(due[0]), what=name, what_en=f"indicators of level {'一二三'.index(level[0]) + 1}")
        return True

    def _count_of(self, level: str, before: str, place: Place) -> tuple[int, ...]:
        """How many indicators of a level the form has: in the part or group that the words name last, else in all."""
        rows = self.form.indicators
        if level == "一级":
            parts = len({row.part for row in rows})
            return tuple(dict.fromkeys((len(self.card.parts), parts, parts + 1, len(self.edition.parts))))
        segment = before.rpartition(";")[2].rpartition("。")[2]
        owner = None
        for start, end, one in self.lexicon.mentions(segment):
            listed = segment[max(start - 1, 0) : start] in ("、", "和", "及", "与") or segment[end : end + 1] in ("、", "和", "及", "与") \
                or re.match("等[0-9共三二]", segment[end:])
            if one.kind == "part" and re.search(r"指标$", segment[start:end]) and not (listed and owner):
                owner = one
            elif one.kind == "group" and not listed and owner is None and re.match("(?:指标)?(?:类|下|情况|方面)?(?:设置|设|包括|包含|共|有|下设|:)", segment[end:]):
                owner = one
        if owner is None and before.count("指标") and re.search("本项|该项", segment) or owner is None and place.head:
            owner = self._entity(place.head)
        chosen = self.rows_of(owner) if owner is not None and owner.kind in ("part", "group") else range(len(rows))
        if level == "二级":
            groups = len({(rows[n].part, rows[n].group) for n in chosen})
            return (groups,) if owner is not None else (groups, groups + 1)
        filled = sum(self._weight(n) is not None for n in chosen)
        return tuple(dict.fromkeys((len(chosen), filled) if owner is not None else (len(chosen), filled, len(chosen) + 1, filled + 1)))

    # ---- what the figures of a sentence say together ----

    def together(self, said: list[Said], found: list[Figure], sentence: Sentence, place: Place, foreign: bool) -> None:
        """The base that is named beside a rate, amounts of something else among themselves, items that add up."""
        self._base(said, found, sentence, place)
        self._own_rate(said, sentence, place)
        self._sum(found, sentence, place)

    def _base(self, said: list[Said], found: list[Figure], sentence: Sentence, place: Place) -> None:
        """The rate (or its score) belongs to the adjusted budget, but the only budget named beside it is the initial one (R3)."""
        own = {one.column: one for one in said if one.subject.kind in ("money", "funds")}
        initial, adjusted, executed = (self.total(column) for column in ("initial", "adjusted", "executed"))
        if "initial" not in own or "executed" not in own or own.keys() & {"adjusted", "budget"} or None in (initial, adjusted, executed) \
                or initial == adjusted or re.search("调整|追加|调[增减]|全年预算|占年初|完成年初|年初预算的", sentence.text):
            return
        stated, wrong = self.card.rate, execution_rate(initial, executed)
        if stated is None or wrong is None or not same(own["initial"].figure, initial, CENT) or not same(own["executed"].figure, executed, CENT):
            return
        rates = [one for one in found if one.kind == "percent" and same(one, stated, self.edition.tolerance.rate)
                 and not same(one, wrong, self.edition.tolerance.rate)]
        scores = [one for one in said if one.column == "score" and one.subject.kind == "funds"]
        if not rates and not scores:
            return
        shown = rates[0].text if rates else f"{scores[0].figure.text}"
        figure = own["initial"].figure
        self.add("R204", place, sentence, figure, f"年初预算 {figure.text}", f"全年预算数 {points(adjusted)}万元", said=shown,
                 wrong=percent(half_up(wrong, 2)), rate=percent(half_up(stated, 2)))

    def _own_rate(self, said: list[Said], sentence: Sentence, place: Place) -> None:
        """A rate that is not on the form, against the two amounts of its sentence (L5)."""
        for n, one in enumerate(said):
            if one.subject.kind != "foreign" or one.column != "rate":
                continue
            amounts = {other.column: other.figure for other in said[:n] if other.subject.kind == "foreign" and other.column in ("initial", "adjusted", "budget", "executed")}
            base = amounts.get("adjusted", amounts.get("budget", amounts.get("initial")))
            spent = amounts.get("executed")
            due = execution_rate(base.value, spent.value) if base is not None and spent is not None else None
            if due is not None and len(amounts) == 2 and not same(one.figure, due, self.edition.tolerance.rate):
                self.add("R208", place, sentence, one.figure, one.figure.text, percent(half_up(due, 2)), executed=spent.text, base=base.text)

    def _sum(self, found: list[Figure], sentence: Sentence, place: Place) -> None:
        """Items in a sentence add up to the total in the same sentence (Q7)."""
        text = sentence.text
        for n, whole in enumerate(found):
            if whole.kind not in ("money", "count") or whole.loose:
                continue
            between = text[whole.end : found[n + 1].start] if n + 1 < len(found) else ""
            if re.match(r"[，,:;(（]?(?:其中|分别|包括|包含|由|含|具体)", between):
                self._items(whole, self._run(found, n + 1, whole, text), text, sentence, place)
            elif re.search("(?:合计|共计|总计|共)(?:为|有|达)?$", whole.lead) and n >= 2:
                run = self._run_before(found, n, whole, text)
                if len(run) >= 2 and abs(sum((one.value for one in run), ZERO) - whole.value) > self._slack(run, whole):
                    self._not_sum(whole, run, sentence, place)

    def _run(self, found: list[Figure], first: int, whole: Figure, text: str) -> list[Figure]:
        """The items that follow a total: of its kind and unit, until something else is spoken of."""
        run: list[Figure] = []
        for n, one in enumerate(found[first:], first):
            if one.kind == "percent" and re.search("占比?(?:为|总额的)?$", one.lead):
                continue
            if one.kind != whole.kind or (whole.kind == "count" and one.unit != whole.unit):
                break
            parted = one.lead[:1] == ";" and len(run) > 1 and text[run[0].end : run[0].end + 1] != ";" and "占" not in text[run[0].end : run[1].start]
            if run and (parted or re.search("全年|实际|执行|支出(?:总|合计)|预算|较|同比|比上|增|减", one.lead)):
                break
            if found[n].loose:
                return []
            run.append(one)
        return run

    def _run_before(self, found: list[Figure], n: int, whole: Figure, text: str) -> list[Figure]:
        run: list[Figure] = []
        for one in reversed(found[:n]):
            if one.kind != whole.kind or one.unit != whole.unit or one.loose or re.search("合计|共计|总计|预算|执行|同比|比上|;", one.lead + whole.lead.partition("合计")[0][:0]):
                break
            run.insert(0, one)
            if re.search("[。;:]", one.lead):
                break
        return run

    @staticmethod
    def _slack(run: list[Figure], whole: Figure) -> Decimal:
        return CENT if whole.kind == "money" and whole.step <= CENT else max(one.step for one in (*run, whole)) * len(run) / 2 if whole.kind == "money" else ZERO

    def _items(self, whole: Figure, run: list[Figure], text: str, sentence: Sentence, place: Place) -> None:
        if len(run) < 2 or re.match("等|余|以上|左右", text[run[-1].end :]):
            return
        gap = whole.value - sum((one.value for one in run), ZERO)
        if abs(gap) <= self._slack(run, whole):
            return
        names = "".join(one.lead for one in run)
        complete = re.search("分别|基本支出.*项目支出|项目支出.*基本支出|人员.*公用|财政.*(?:单位|其他|自有)|一般公共预算.*(?:基金|其他|单位)|政府.*单位", names)
        # 其中 may name some items only; a small gap is a slip, and more than the total is one in any case
        if gap < 0 or complete or gap * 10 <= whole.value:
            self._not_sum(whole, run, sentence, place)

    def _not_sum(self, whole: Figure, run: list[Figure], sentence: Sentence, place: Place) -> None:
        if any(one in self.blamed for one in (whole, *run)):
            return
        summed = sum((one.value for one in run), ZERO)
        unit = "万元" if whole.kind == "money" else whole.unit
        self.add("R207", place, sentence, whole, whole.text, f"{points(summed)}{unit}", items="、".join(one.text for one in run))

    # ---- the whole report ----

    def _slip(self, figure: Figure, lead: Lead, sentence: Sentence, place: Place) -> None:
        """A figure of this year's form said of another year: copied from last year's report and not changed."""
        years = _OTHER_YEAR.findall(sentence.text[: figure.start])
        if not years or int(years[-1]) == self.form.year or figure.value < 10:
            return
        subject = self._whole(lead, sentence, place) if figure.kind in ("points", "plain") else None
        kind = money_kind(lead.core)[0] if figure.kind == "money" and not is_foreign(lead.core) else ""
        values = self.scores(subject) if subject else (self.total(kind),) if kind in ("adjusted", "executed") else ()
        if any(value is not None and value == figure.value for value in values):
            self.add("R606", place, sentence, figure, f"{years[-1]}年", f"{self.form.year}年")

    def _twice(self) -> None:
        """Where one amount stands twice with two figures, the finding of the wrong one names the other (R7)."""
        for n, finding in enumerate(self.findings):
            column = {"R203": "rate"}.get(finding.code) or next(
                (key for key, (name, _) in COLUMNS.items() if finding.code in ("R201", "R202") and finding.args.get("what") == name), "")
            others = [(figure.text, title) for key, figure, title in self.mentions if key == column and figure.text != finding.stated]
            said, said_en = "", ""
            if others:
                said = f"；报告另一处（{others[0][1]}）写 {others[0][0]}"
                said_en = f"; elsewhere the report says {others[0][0]}"
            if finding.code in ("R201", "R202", "R203"):
                self.findings[n] = finding._replace(args={**finding.args, "again": said, "again_en": said_en})


def title_of(chapter: Chapter) -> str:
    """The chapter's heading, or 正文 before the first one."""
    return chapter.title or "正文"
