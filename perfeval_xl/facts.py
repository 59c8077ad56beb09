"""What the form says, asked for by name: amounts, scores and weights of a part, a group, a row or the whole, as a report may quote them."""

import re
from decimal import Decimal
from functools import cached_property

from perfeval_xl.compare import HUNDRED, ZERO
from perfeval_xl.figures import normal
from perfeval_xl.model import FundsRow
from perfeval_xl.naming import Lexicon, Subject, bare
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import Record

COLUMNS = {"initial": ("年初预算数", "initial budget"), "adjusted": ("全年预算数", "adjusted budget"), "executed": ("全年执行数", "executed amount"),
           "budget": ("部门预算", "budget")}


#: who gave the money, and words that name nothing
_SAYS_NOTHING = Pattern("(?:[区县市省]级?|本级|财政|政府|人大|会议?|审议|常委会)*(?:批复|批准|下达|核定|核拨|安排|审定|确定|编制|通过|给予)+"
                        "|部门|单位|整体|总体|资金|经费|预算|收入"
                        "|情况|执行|年中|调整|追加|调[增减]|[核压]减|增加|减少|截[至止到]?|[0-9]+月|[0-9]+日|20[0-9]{2}年?度?|年度?|[底末初中]|全|局|委|中心"
                        "|经|由|按|将|实际|到位|的|其中|共|总|已|当|本|为|至|我|后|了|在|并|又|也|使")


#: in front of a name, saying nothing of it
_PLAIN_WORDS = Pattern("(?:问卷|调查|测评|抽样|统计|评议|数据|结果)*(?:显示|表明|得出)|全(?:街道|[区县市镇乡村院校馆局])|辖区|城区"
                       "|实现|确保|开展|推进|有效|持续|进一步|以及"
                       "|其中|同时|此外|截至|年底|年末|当年|本年|年度|实际|目前|指标|设置|包括|[0-9.]+|和|及|、|的|等")
_NARROWS = Pattern("[\u4e00-\u9fff]{2,8}")


class Facts:
    """A checked form and its names. Where the form states one figure and the rules give another, both are what a report may say."""

    def __init__(self, record: Record) -> None:
        self.form, self.card, self.edition = record.form, record.card, record.edition
        self.lexicon = Lexicon(record)
        self.funds = {row.role: row for row in reversed(self.form.funds)}
        if self.form.total_row is not None:
            self.funds["total"] = self.form.total_row
        name = normal(self.form.project.text) if self.form.project is not None else ""
        words = sorted(filter(None, {name, name.removesuffix("项目"), "本项目", "该项目"}), key=len, reverse=True)
        self.project = re.compile("|".join((*map(re.escape, words), "项目(?!支出|经费)"))) if name else None
        self.parts = [normal(row.part) for row in self.form.indicators]
        self._scores: dict[Subject, tuple[Decimal, ...]] = {}  # asked for by many figures
        self._weights: dict[Subject, tuple[Decimal, ...]] = {}
        self._rows_of_part: dict[object, list[int]] = {}
        self.execution_rows = [n for n, row in enumerate(self.form.indicators) if row.role == "execution_rate"]

    def as_own(self, text: str) -> str:
        """In the report of a project 项目 is what 部门 is in that of a department: itself and nothing else; every place as before."""
        if self.project is None:
            return text
        named = [(start, end) for start, end, _ in self.lexicon.mentions(text)]

        def own(match: re.Match) -> str:
            inside = any(start <= match.start() < end for start, end in named)
            return match[0] if inside else "部门".ljust(len(match[0]), "的")

        return self.project.sub(own, text)

    @cached_property
    def _texts(self) -> str:
        reasons = (row.reason for row in self.form.indicators if row.reason is not None)
        return "\n".join(normal(entry.text) for entry in (*self.form.texts, *reasons))

    def is_unknown(self, words: str) -> bool:
        """Whether words in front of 年初预算 or 支出 name something that nobody knows: 路灯维护(年初预算); not who gave it, nor the department."""
        rest = _SAYS_NOTHING.sub("", bare(words))
        return len(re.findall("[\u4e00-\u9fff]", rest)) >= 2 and not self._own.search(words)

    def is_of_another(self, words: str) -> bool:
        """Whether words in front of a row's name narrow it to something else: 初产妇(剖宫产率), 外科(平均住院日)."""
        rest = _PLAIN_WORDS.sub("", self.without_own(words))
        return _NARROWS.fullmatch(rest) is not None and not self.lexicon.mentions(rest)

    def without_own(self, words: str) -> str:
        """Words without the department's name, or the end of it."""
        return self._own.sub("", words)

    @cached_property
    def _own(self) -> re.Pattern:
        name = normal(self.form.department.text) if self.form.department is not None else ""
        return re.compile("|".join(re.escape(name[start:]) for start in range(max(len(name) - 2, 1))) or "(?!)")

    def is_of_form(self, text: str) -> bool:
        """Whether a sentence stands in the form itself, behind a colon of the report or as a whole: what it claims there is the form's business."""
        words = text.rpartition(":")[2].rstrip("。，;")
        return len(words) >= 8 and words in self._texts

    def money(self, row: FundsRow | None, column: str) -> Decimal | None:
        """An amount of the funds block in 万元."""
        entry = getattr(row, column, None) if row is not None else None
        return None if entry is None or entry.number is None else entry.number * self.form.factor

    def total(self, column: str) -> Decimal | None:
        """An amount of the total row in 万元."""
        return self.money(self.funds.get("total"), column)

    def rate(self, row: FundsRow) -> Decimal | None:
        """The execution rate of a funds row, percent points; 0 where a budget stands and nothing was spent."""
        place = next((n for n, one in enumerate(self.form.funds) if one is row), None)
        rate = self.card.rates[place] if place is not None else None
        return ZERO if rate is None and self.money(row, "adjusted") and not self.money(row, "executed") else rate

    def is_execution(self, subject: Subject | None) -> bool:
        """Whether this is the execution rate: the part of the funds block, or the row of that name."""
        return subject is not None and (subject.kind == "funds" or (subject.kind == "row" and subject.key in self.execution_rows))

    def entity(self, text: str) -> Subject | None:
        """The one name of the form that a text ends in."""
        found, _ = self.lexicon.at_end(text)
        return found[0] if found else self.lexicon.by_suffix(text)

    def rows_of(self, subject: Subject) -> list[int]:
        """The indicator rows of a part, a group, or a row itself."""
        rows = self.form.indicators
        if subject.kind == "row":
            return [subject.key]
        if subject.kind == "part":
            if subject.key not in self._rows_of_part:
                names = {name for name, one in self.lexicon.names.items() if one.key == subject.key and one.kind == "part"}
                self._rows_of_part[subject.key] = [n for n, part in enumerate(self.parts) if part in names]
            return self._rows_of_part[subject.key]
        return [n for n, row in enumerate(rows) if row.group == subject.key] if subject.kind == "group" else []

    @cached_property
    def _blanks_earn_nothing(self) -> bool:
        """Whether the form's own total counts rows without a score as nothing: only then is the score of a part that has such rows known."""
        return self.form.totals[0].number is not None and self.form.totals[0].number == self.card.stated

    def score(self, n: int) -> Decimal | None:
        """The score that stands on a row."""
        entry = self.form.indicators[n].score
        return entry.number if entry is not None else None

    def weight(self, n: int) -> Decimal | None:
        """The weight that stands on a row."""
        entry = self.form.indicators[n].weight
        return entry.number if entry is not None else None

    def scores(self, subject: Subject) -> tuple[Decimal, ...]:
        """The scores that a report may give: those stated on the rows and those recomputed; the first is the one to name."""
        if subject not in self._scores:
            self._scores[subject] = self._all_scores(subject)
        return self._scores[subject]

    def weights(self, subject: Subject) -> tuple[Decimal, ...]:
        """The weights that a report may give, the first is the one to name."""
        if subject not in self._weights:
            self._weights[subject] = self._all_weights(subject)
        return self._weights[subject]

    def _all_scores(self, subject: Subject) -> tuple[Decimal, ...]:
        if subject.kind == "total":
            named = self.form.totals[0].number if self.card.total is None else self.card.total
            return _known(named, self.card.stated)
        if subject.kind == "funds":
            row = self.funds.get("total")
            stated = row.score.number if row is not None and row.score is not None else None
            return _known(stated, self.card.funds_score, *(one for n in self.execution_rows for one in (self.score(n), self.card.rows[n].score)))
        rows = self.rows_of(subject)
        if not rows or (any(self.score(n) is None and self.weight(n) for n in rows) and not self._blanks_earn_nothing):
            return ()
        return _known(sum((self.score(n) or ZERO for n in rows), ZERO), sum((self.card.rows[n].counted or ZERO for n in rows), ZERO))

    def _all_weights(self, subject: Subject) -> tuple[Decimal, ...]:
        if subject.kind == "total":
            return _known(HUNDRED, sum((part.weight or ZERO for part in self.card.parts), ZERO))
        if subject.kind == "funds":
            row = self.funds.get("total")
            return _known(row.weight.number if row is not None and row.weight is not None else None, *map(self.weight, self.execution_rows))
        rows = self.rows_of(subject)
        if not rows:  # a part that the form lacks still has its prescribed weight
            return tuple(part.weight for part in self.edition.parts if subject.kind == "part" and part.name == subject.key)
        return (sum((self.weight(n) or ZERO for n in rows), ZERO),)


def _known(*values: Decimal | None) -> tuple[Decimal, ...]:
    return tuple(dict.fromkeys(value for value in values if value is not None))
