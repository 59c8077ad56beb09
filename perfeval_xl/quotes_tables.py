"""The tables of a report against the form: scores, funds, tasks, indicators, and the form itself where it stands in the report as a table.

A table is read by its headings: a heading says what its column holds, the last name in front of the figures says whose they are. What is no
name of the form is left alone, and so is a line with fewer cells than its heading, as text copied out of a merged table has.
"""

import re
from decimal import Decimal

from perfeval_xl.compare import TEN_THOUSAND, ZERO, points
from perfeval_xl.document import Block
from perfeval_xl.edition import plain_label
from perfeval_xl.facts import COLUMNS, Facts
from perfeval_xl.figures import Figure, Sentence, figures, normal, same
from perfeval_xl.model import FundsRow
from perfeval_xl.naming import Lead, Subject, money_kind
from perfeval_xl.patterns import Pattern
from perfeval_xl.quotes_money import shown, task_figure
from perfeval_xl.quotes_points import WHOLE, shares, wrong
from perfeval_xl.quotes_rows import row as indicator
from perfeval_xl.speech import Notes, Place, Quote, Speech

#: what a heading says of its column
_HEADS = {
    "share": Pattern("得分率"), "rate": Pattern("(?:执行|支出|支付)(?:率|进度)"),
    "weight": Pattern("^(?:指标|权重|标准)?(?:分值|权重|满分|标准分)"),
    "score": Pattern("^(?:自评|指标|实际|最终|评价)*得?分(?:数|情况)?$|^自评分"),
    "initial": Pattern("年初.{0,4}预算|预算年初"), "adjusted": Pattern("全年预算|(?:调整|追加|变更)后?.{0,4}预算"),
    "executed": Pattern("执行数|支出数|实际支出|执行金额|支出金额|全年执行"), "budget": Pattern("^预算(?:资金|数|金额|额)?$"),
    "target": Pattern("(?:指标|目标|计划|预期)值|年度目标$"), "actual": Pattern("(?:完成|实际|达成)值|实际完成$"),
}
_WHOLE = Pattern("(?:自评)?(?:合计|总计|总分|总得分|合计得分)(?:得分)?")
_ALL_FUNDS = Pattern("合计|总计|(?:部门|单位)?(?:整体|预算|支出|资金)*(?:总额|合计|总计)|年度资金总额|部门预算(?:总额)?")
_PREFIX = Pattern(r"^(?:[0-9一二三四]、)?(?:资金(?:来源|结构)[:：])?(?:\([0-9]\))?(?:其中[:：])?")
_LEAD = Lead("", "", "", False, False, False, "")


def read(facts: Facts, notes: Notes, block: Block, place: Place) -> None:
    """Every line of a table whose headings and name are understood."""
    heads: dict[str, int] = {}
    size, weights = 0, ZERO
    for cells in block.rows:
        found = _heads(cells)
        if len(found) >= 2:
            heads, size, weights = found, len(cells), ZERO
        elif heads and len(cells) == size:
            line = "　".join(filter(None, cells))
            weights += _line(Speech(facts, notes, Sentence(line, ((0, len(line), line),)), place), cells, heads, weights)


def _heads(cells: tuple[str, ...]) -> dict[str, int]:
    """What the columns under a line of headings hold; nothing where the line has figures and is none."""
    found: dict[str, int] = {}
    for n, cell in enumerate(cells):
        words = re.sub(r"\(.*?\)|%", "", normal("".join(cell.split())))
        key = next((key for key, pattern in _HEADS.items() if len(words) <= 14 and pattern.search(words)), "")
        if key and not re.search("[0-9]", words):
            found.setdefault(key, n)
    return found


def _line(speech: Speech, cells: tuple[str, ...], heads: dict[str, int], above: Decimal) -> Decimal:
    """One line; ``above`` are the weights of the parts above it. Gives its own."""
    given = {key: one for key, n in heads.items() if (one := _figure(cells[n])) is not None}
    if not given:
        return ZERO
    money = bool(given.keys() & COLUMNS.keys())
    names = [normal("".join(cell.split())) for cell in cells[: min(heads.values())] if cell.strip()]
    task = next((one for name in reversed(names) if (one := speech.facts.lexicon.tasks.get(name)) is not None), None)
    if task is not None:
        for key in ("budget", "executed", "rate"):
            if key in given:
                task_figure(speech, given[key], key, task)
        return ZERO
    line = next((one for name in reversed(names) if (one := _funds_line(speech.facts, name, money)) is not None), None)
    if line is not None and money:
        _funds(speech, line, given)
        return ZERO
    subject = next((one for name in reversed(names) if (one := _subject(speech.facts, name)) is not None), None)
    if subject is not None:
        if subject is WHOLE and "weight" in given and given["weight"].value == above:
            del given["weight"]  # the parts of a form that lacks one add up to less
        _scores(speech, subject, given)
        if subject.kind == "row":
            for key in given.keys() & {"target", "actual"}:
                lead = _LEAD._replace(role=key)
                indicator(speech, Quote(given[key]._replace(bound=key == "target" and bool(given[key].op)), lead, [subject], ""), subject)
    part = subject is not None and subject.kind in ("part", "funds")
    return given["weight"].value if part and "weight" in given else ZERO


def _figure(cell: str) -> Figure | None:
    """The one figure of a cell, quoted as the cell has it."""
    found = figures(normal("".join(cell.split())))
    return found[0]._replace(start=0, end=1, text="".join(cell.split())) if len(found) == 1 and len(cell.strip()) <= 20 else None


def _funds_line(facts: Facts, name: str, money: bool) -> FundsRow | None:
    """The line of the funds block of this name."""
    words = _PREFIX.sub("", name)
    for one in facts.form.funds:
        if plain_label(words) == plain_label(_PREFIX.sub("", normal("".join(one.label.split())))):
            return one
    if _ALL_FUNDS.fullmatch(re.sub(r"\(.*?\)", "", words)):
        return facts.funds.get("total") if money else None
    kind, rest = money_kind(words)
    return facts.funds.get(kind) if kind not in COLUMNS and not rest else None


def _subject(facts: Facts, name: str) -> Subject | None:
    """The part, group or row that a cell names, or the whole; a cell that says more names none of them."""
    if _WHOLE.fullmatch(name):
        return WHOLE
    words = re.sub(r"^[一二三四五六七八九十0-9]+[、.]|\([0-9.]*分?\)$", "", name)
    return facts.lexicon.names.get(words) or facts.lexicon.names.get(f"{words}指标")


def _funds(speech: Speech, line: FundsRow, given: dict[str, Figure]) -> None:
    facts = speech.facts
    total = line is facts.funds.get("total")
    for column in ("initial", "adjusted", "executed"):
        value, figure = facts.money(line, column), given.get(column)
        if value is None or figure is None or any(_amount(figure, value * unit) for unit in (1, TEN_THOUSAND)):
            continue
        what, what_en = COLUMNS[column] if total else (f"{line.label}的{COLUMNS[column][0]}", f"{COLUMNS[column][1]} of {line.label}")
        speech.add("R201", figure, figure.text, f"{points(value)}万元", what=what, what_en=what_en, consequence="", consequence_en="")
    rate, due = given.get("rate"), facts.rate(line)
    stated = line.rate.number if line.rate is not None else None
    if rate is not None and due is not None and not speech.blamed and not any(
            one is not None and same(rate, one, facts.edition.tolerance.rate) for one in (due, stated)):
        speech.add("R203", rate, rate.text, shown(due), why="", why_en="")
    if total:
        _scores(speech, Subject("funds", "预算执行率"), given)


def _amount(figure: Figure, value) -> bool:
    return same(figure._replace(kind="money"), value, figure.step / 2)


def _scores(speech: Speech, subject: Subject, given: dict[str, Figure]) -> None:
    facts = speech.facts
    for key, allowed in (("weight", facts.weights(subject)), ("score", facts.scores(subject))):
        figure = given.get(key)
        if figure is not None and allowed and not any(same(figure, value, facts.edition.tolerance.score) for value in allowed):
            wrong(speech, figure, key, subject, allowed)
    if given.keys() >= {"weight", "score", "share"} and given["weight"].value and not speech.blamed:
        shares(speech, given["share"], subject.name, given["weight"].value, given["score"].value)
