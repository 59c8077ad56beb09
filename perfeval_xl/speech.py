"""A sentence of a report while it is read: whom each of its figures is said of, what was said so far, and where findings are noted."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from perfeval_xl.document import Block, Chapter
from perfeval_xl.facts import Facts
from perfeval_xl.figures import Figure, Sentence, figures, normal, same, sentences
from perfeval_xl.messages import Finding
from perfeval_xl.model import FundsRow
from perfeval_xl.naming import MOVED, Lead, Subject, bare, is_foreign, is_own, money_kind, names_another, read_lead
from perfeval_xl.patterns import Pattern


class Place(NamedTuple):
    """Where a sentence stands: its chapter, the headings below it, the words before the colon that its paragraph begins with."""

    chapter: Chapter
    headings: tuple = ()
    head: str = ""

    @property
    def title(self) -> str:
        """The chapter's heading, or 正文 before the first one."""
        return self.chapter.title or "正文"


#: the words before a colon, or a first sentence that is hardly more than a name: (1)预算执行率。
_HEAD = Pattern("[^:]{1,40}(?=:)|[^:，;。]{1,20}(?=。.)")


class Paragraph(NamedTuple):
    """A paragraph (or the cells of a table) with its place and its sentences."""

    place: Place
    block: Block
    sentences: list


def paragraphs(chapters: Iterable[Chapter]) -> list[Paragraph]:
    """Everything that stands in the chapters, cut into sentences once."""
    found = []
    for chapter in chapters:
        for block in chapter.blocks:
            parts = [one for text in ([block.text] if block.text else [cell for row in block.rows for cell in row]) for one in sentences(text)]
            head = _HEAD.match(normal(block.text[:80]))
            found.append(Paragraph(Place(chapter, block.headings, head[0] if head else ""), block, parts))
    return found


class Quote(NamedTuple):
    """A figure with its lead, what it is said of, and the lead of the figure after it."""

    figure: Figure
    lead: Lead
    subjects: list
    following: str


class Said(NamedTuple):
    """What a figure was taken for: of whom, and which figure of theirs ("initial" ... "executed", "rate", "score", "weight", "target", "actual")."""

    figure: Figure
    subject: Subject
    column: str


class Notes:
    """What is gathered over a whole report: findings, the department's amounts and rates as they are quoted (column, figure, chapter),
    figures of things that are not on the form, and quotes of blank rows."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.mentions: list[tuple[str, Figure, str]] = []
        self.column = ""  # of the amount that the paragraph named last
        self.others: dict[str, tuple[Figure, str, str]] = {}
        self.blank: dict[tuple[str, str], list[tuple[str, str, Speech]]] = {}


#: 90分以上为优: the definition of a grade
BANDS = Pattern(r"[0-9.]+(?:\(含\)|分)*(?:以[上下]|[-~—至][0-9.]+(?:\(不?含\)|分)*)(?:\(不?含\))?(?:的|以[上下])?"
                r"(?:为|是|属|属于|评为|评定为|定为|:)?(?:优秀?|良好?|中等?|差|合格|不合格)")
#: what is meant to come, not what was reached
_INTENDED = Pattern("力争|争取|下一步|今后|明年|下一年|下年|建议|预计|拟将|拟于|计划在")
_HOPED = Pattern("确保|努力|提高到|提升到|提升至|提高至")
_AIMS = Pattern("(?:目标|(?:主要|重点|年度)任务)(?:值|设定|为|是|如下)*$")
#: 低于指标值23.4个百分点: the subject stays
_COMPARED = Pattern("低于|高于|超过|大于|小于|优于|少于|未达|没有达|比|较|相差|差")
_DID = Pattern("(?:实际|全年|累计|共|已)+(?!支出|执行|使用|支付|拨付|到位|采购|安排|下达)[\u4e00-\u9fff]{2,3}")
#: 得分率为：预算执行90%、投入管理100%
_SHARES = Pattern("得分率(?:分别|依次)?(?:为|是|达)?:[^;]*$")
_VERB = Pattern("(?:类(?:指标)?|指标)?(?:下|共|被)*(?:设置?|有|包括|包含|扣除?|失|少于|低于|高于|超过?|多于|比|较)了?")
_SPENDING = Pattern("(?:经费|费用?|专项资金|采购|补[助贴])(?:支出|使用|执行)*(?:情况)?[。:]?$")
_GOALS = Pattern("目标(?:及(?:主要)?任务|设定情况|设置情况|如下)?[。:]?$")
_AGAINST_AIMS = Pattern("对[照比]|[按比]照|完成|实现|超")
#: a year that is compared with holds for its clause alone: 比2022年的1289.4万元增加99.35万元；支出决算1302.48万元
_COMPARED_YEAR = Pattern("[比较与同]20[0-9]{2}年")
_FROM = Pattern("[由从][^，;]*[0-9]")
_YEAR = Pattern("(20[0-9]{2})年")
#: a day before the year's end: 截至6月底支出3320万元, 三季度末执行率70.2%
_PART = Pattern("(?:截[至止到]|到|至)(?:20[0-9]{2}年)?(?:[1-9]|1[01])月(?!.{0,6}前)|(?<![0-9])(?:[1-9]|1[01])月[底末](?!之?前)"
                "|(?<![0-9])1[-~—至](?:[2-9]|1[01])月|[上下]半年|[一二三四1-4]季度|前三季|(?<![0-9])(?:[1-9]|1[01])月(?:[0-9]{1,2}日|份)?，")
_WHOLE_YEAR = Pattern("(?<![占达为])(?<!完成)全年|年底|年末|12月(?:31日|底|末)|年度(?!预算的)|截至20[0-9]{2}年(?![0-9])")
#: several years together: 2021年至2023年三年累计, 自2019年以来, 近五年
_SPAN = Pattern("20[0-9]{2}年?[-~—至到]20[0-9]{2}年|(?<!20)[两二三四五六七八九十2-9]年(?:来|间|累计|共)"
                "|近[0-9两二三四五六七八九十]+年|20[0-9]{2}年(?:以来|起)"
                "|历年|以来|十[三四五]五")
_THIS = Pattern("(?:当年|本年|今年|全年|其中20[0-9]{2}年|(?<![-~—至到自从])20[0-9]{2}年(?!以来|起|[-~—至到]))")
_BEFORE = Pattern("(?:上年(?!结转)|去年|上一年|前年|往年|较上|同比|比上)[^，;。]*$")


def without_bands(text: str) -> str:
    """A folded sentence with the definitions of grades blotted out, every place as before."""
    return BANDS.sub(lambda match: "□" * len(match[0]), text)


def last_clause(text: str) -> str:
    """What stands behind the last comma, semicolon or colon of a folded text."""
    return text[max(text.rfind("，"), text.rfind(";"), text.rfind(":")) + 1 :]


def last_year(text: str) -> int | None:
    """The year that a text names last."""
    years = _YEAR.findall(text)
    return int(years[-1]) if years else None


class Speech:
    """One sentence: its figures one after another, and who is spoken of. A subject holds on until another one is named."""

    def __init__(self, facts: Facts, notes: Notes, sentence: Sentence, place: Place) -> None:
        self.facts, self.notes, self.sentence, self.place = facts, notes, sentence, place
        self.text = facts.as_own(without_bands(sentence.text))
        self.found = facts.lexicon.without_names(figures(self.text), self.text)
        self.said: list[Said] = []
        self.blamed: list[Figure] = []
        self.line: FundsRow | None = None  # of the funds block, spoken of last
        self.task: Subject | None = None  # named in front of the figure that is read
        self.subject: Subject | None = None
        self.foreign = is_foreign(place.head) and not is_own(place.head) and facts.entity(place.head) is None
        self._spans = [match.end() for match in _SPAN.finditer(self.text)] if self.found else []  # of several years
        self.part = False  # of the year: what is said is not said of the whole of it
        last = normal(place.headings[-1]) if place.headings else ""
        if not place.head and _SPENDING.search(last) and is_foreign(last) and not is_own(last):
            self.foreign = facts.entity(last) is None  # （三）三公经费: what follows is said of it
        self._apart: list[Subject] = []

    def add(self, code: str, figure: Figure | None, stated: str | None, expected: str | None, **args: object) -> None:
        """A finding about this sentence, which it quotes."""
        quote = self.sentence.quote(figure.start, figure.end) if figure is not None else self.sentence.quote()
        if figure is not None:
            self.blamed.append(figure)
        self.notes.findings.append(Finding(code, self.place.title, stated, expected, args={"quote": quote, **args}))

    def is_meant(self, figure: Figure) -> bool:
        """Whether a figure is hoped for and not reported."""
        before = self.text[: figure.start]
        return bool(_INTENDED.search(before) or (_HOPED.search(last_clause(before)) and not self.moved_to(figure)))

    def moved_to(self, figure: Figure) -> bool:
        """Whether a figure is where something went from another one: 由上年的93.1%提高到94.35%."""
        return MOVED.search(figure.lead) is not None and _FROM.search(last_clause(self.text[: figure.start])) is not None

    def is_of_another_year(self, figure: Figure) -> bool:
        """Whether a figure is said of another year than the form's."""
        if self.moved_to(figure):
            return False
        before, year = self.text[: figure.start], self.facts.form.year
        spans = [end for end in self._spans if before.rfind(";") < end <= figure.start]
        if spans and not _THIS.search(before, spans[-1]):
            return True
        clause = last_clause(before)
        named = last_year(clause) or last_year(_COMPARED_YEAR.sub("", before[: len(before) - len(clause)]))
        return bool(_BEFORE.search(before)) or bool(named and year and named != year)

    def quote(self, n: int) -> Quote:
        """The figure with what it is said of; keeps in mind whether something is spoken of that is not on the form."""
        figure = self.found[n]
        lead = read_lead(figure.lead)
        self.task = self.facts.lexicon.task_in(figure.lead) or self.task
        if figure.kind == "percent" and not lead.noun and _SHARES.search(self.text[: figure.start]):
            lead = lead._replace(noun="share")
        if not lead.role and _AIMS.search(self.place.head) and not _AGAINST_AIMS.search(self.place.head):
            lead = lead._replace(role="target")
        heading = (self.place.title, *self.place.headings)[-1]
        aimed = not lead.role and not lead.noun and figure.op and _GOALS.search(heading)
        if aimed and figure.kind in ("count", "percent"):  # （二）年度总体目标: 家庭医生签约不少于12万人
            lead = lead._replace(role="target")
        if ";" in lead.before:
            self.subject, self.part = None, False
        if "年" in figure.lead or "月" in figure.lead or "季" in figure.lead:
            for pattern, part in ((_PART, True), (_WHOLE_YEAR, False)):
                self.part = part if pattern.search(figure.lead) else self.part
        if is_own(figure.lead):
            self.foreign = False
        elif names_another(lead.core) or names_another(lead.before):
            kind, words = money_kind(lead.core)
            known = kind in self.facts.funds or money_kind(words)[0] in self.facts.funds
            self.foreign = not known and self.facts.entity(lead.core) is None
        if self._apart and figure.lead in ("、", "，", "和", "及", "与"):
            subjects = [self._apart.pop()]
        else:
            subjects, self._apart = self.subjects(figure, lead), []
            if lead.apart and len(subjects) > 1:
                self._apart, subjects = subjects[:-1], subjects[-1:]
            elif not lead.all_of:
                subjects = subjects[:1]
        return Quote(figure, lead, subjects, self.found[n + 1].lead if n + 1 < len(self.found) else "")

    def took(self, quote: Quote, said: list[Said]) -> None:
        """Remembers what a figure was taken for: the figure after it may go on from there."""
        self.said += said
        if said:
            self.subject = said[-1].subject
        elif quote.subjects:
            self.subject = quote.subjects[-1]
        elif (opened := self._opened(quote.lead.core)) is not None:
            self.subject = opened
        elif quote.lead.core and not _COMPARED.match(quote.lead.core):
            self.subject = Subject("foreign", quote.lead.core)

    def _opened(self, core: str) -> Subject | None:
        """The name of the form that the words begin with, where they go on with a verb alone: 效益指标扣(0.7分), 产出指标设(5项)."""
        found = next(iter(self.facts.lexicon.mentions(core)), None)
        return found[2] if found and not bare(core[: found[0]]) and _VERB.fullmatch(core, found[1]) else None

    def subjects(self, figure: Figure, lead: Lead) -> list[Subject]:
        """What a figure is said of: what stands right in front of it, else who was spoken of, else the head of the paragraph."""
        lexicon = self.facts.lexicon
        if self.moved_to(figure):
            clause = last_clause(self.text[: figure.start])
            return [one for _, end, one in lexicon.mentions(clause) if clause[end : end + 1] in ("由", "从")][-1:]
        if lead.carried:
            return self._carried(lead)
        found, prefix = lexicon.at_end(lead.core)
        if found:
            rest = bare(prefix)
            other = rest and (is_foreign(rest) or (found[-1].kind in ("row", "group") and self.facts.is_of_another(rest)))
            return [Subject("foreign", rest)] if other else found
        suffix = lexicon.by_suffix(lead.core) or lexicon.split_name(self.text[: figure.start - len(figure.lead)], figure.lead, lead.core)
        if suffix is not None:
            return [suffix]
        if self.said and self.said[-1].column == "target" and _DID.fullmatch(lead.core) and self.said[-1].figure.unit == figure.unit:
            return [self.said[-1].subject]  # 目标5000人次以上，实际培训4860人次
        if (named := lexicon.reordered(lead.core, figure.unit)) is not None:
            return [named]
        if re.match("的(?:预算|资金|支出|整体)*(?:执行率|支出率|支付率)", self.text[figure.end :]) and figure.kind == "percent":
            return [Subject("funds", "预算执行率")]  # 以66.6%的执行率完成全年支出
        tail = re.match(r"的([^，。；;、0-9]{2,14})", self.text[figure.end :])
        if tail and not lead.core.strip("以有取得实现完成"):
            return [one for start, _, one in lexicon.mentions(tail[1]) if not start][:1]
        return []

    def _carried(self, lead: Lead) -> list[Subject]:
        if lead.noun == "this":
            heading = self.heading()
            return [heading] if heading is not None else []
        opened = [one for start, _, one in self.facts.lexicon.mentions(lead.before)
                  if not bare(re.split("[，:;]", lead.before[:start])[-1])]
        if self.subject is not None and not opened:
            return [self.subject]
        head = self.facts.entity(self.place.head)
        if head is not None:
            return [head]
        return opened if len(opened) == 1 else [self.subject] if self.subject is not None else []

    def heading(self) -> Subject | None:
        """The name of the form in the paragraph's head, else in the nearest heading."""
        for text in (self.place.head, *reversed(self.place.headings)):
            found = self.facts.lexicon.mentions(normal(text))
            if found:
                return found[0][2]
        return None

    def elsewhere(self, name: str, figure: Figure) -> None:
        """A figure that is not on the form, against what the report says of the same thing in another sentence (R7)."""
        first, where, text = self.notes.others.setdefault(name, (figure, self.place.title, self.sentence.text))
        comparable = text != self.sentence.text and first.kind == figure.kind and not (figure.loose or first.loose)
        if comparable and not same(figure, first.value, first.step / 2):
            self.add("R501", figure, figure.text, first.text, what=name, what_en=name, where=where)
