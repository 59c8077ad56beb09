"""The figures of a report held against the form, sentence by sentence (DOMAIN.md R1-R4, R6, R7, S5, S6, Q7).

Where the report may be right and the form wrong both figures are shown and nobody is chosen. One cause, one finding: what the form's own
checks say already is not said again of a report that copies it.
"""

import re
from collections.abc import Iterable

from perfeval_xl import quotes_dates, quotes_money, quotes_points, quotes_rows, quotes_tables
from perfeval_xl.adding import not_adding_up
from perfeval_xl.compare import points
from perfeval_xl.facts import COLUMNS, Facts
from perfeval_xl.messages import Finding
from perfeval_xl.naming import bare, is_foreign, money_kind
from perfeval_xl.patterns import Pattern
from perfeval_xl.speech import Notes, Paragraph, Quote, Said, Speech, last_year

_DIGIT = Pattern("[0-9]")


def read(facts: Facts, parts: Iterable[Paragraph]) -> list[Finding]:
    """What the figures of a report contradict; of the form that stands in it only what is a table is looked at."""
    notes = Notes()
    for place, block, sentences in parts:
        if block.rows:
            quotes_tables.read(facts, notes, block, place)
            continue
        if block.form:
            continue
        notes.column = ""
        for sentence in sentences:
            if _DIGIT.search(sentence.text):
                _sentence(Speech(facts, notes, sentence, place))
    quotes_rows.blank_rows(notes, facts, parts)
    return _with_the_other(notes)


def _sentence(speech: Speech) -> None:
    """Every figure of a sentence, then what they say together."""
    for n, figure in enumerate(speech.found):
        if speech.is_meant(figure):
            continue
        quote = speech.quote(n)
        if speech.part:
            speech.took(quote, [])
        elif speech.is_of_another_year(figure):
            _slip(speech, quote)
            speech.took(quote, [])
        else:
            speech.took(quote, _figure(speech, quote))
    quotes_dates.read(speech)
    quotes_money.base_is_named(speech)
    quotes_money.rates_of_others_follow(speech)
    for whole, items, summed in not_adding_up(speech.found, speech.sentence.text):
        if not any(one in speech.blamed for one in (whole, *items)):
            unit = "万元" if whole.kind == "money" else whole.unit
            speech.add("R207", whole, whole.text, f"{points(summed)}{unit}", items="、".join(one.text for one in items))


def _figure(speech: Speech, quote: Quote) -> list[Said]:
    """One figure against the form; gives what it was taken for."""
    figure, lead = quote.figure, quote.lead
    of_row = lead.noun == "score" and any(one.kind == "row" for one in quote.subjects)  # 满意度调查得分为91.7%
    if lead.noun == "share" or (figure.kind == "percent" and lead.noun and not of_row):
        return (quotes_points.score if lead.noun == "weight" else quotes_points.share)(speech, quote)
    if figure.kind == "points" or (figure.kind == "plain" and lead.noun):
        return quotes_points.score(speech, quote)
    if figure.kind == "count" and (quotes_rows.counted(speech, figure) or quotes_rows.counted_of(speech, quote)):
        return []
    for kinds, against in ((("money", "plain"), quotes_money.amount), (("percent", "plain"), quotes_money.rate)):
        if figure.kind in kinds and (said := against(speech, quote)) is not None:
            return said
    rate = not (quote.subjects or speech.foreign or lead.role or figure.op) and figure.kind == "percent" and re.search("[率度]$", lead.core)
    if rate and len(name := bare(lead.core)) >= 4 and not is_foreign(lead.core) and not is_foreign(lead.before.rpartition(";")[2]):
        speech.elsewhere(name, figure)
    return [quotes_rows.row(speech, quote, subject) for subject in quote.subjects if subject.kind == "row"]


def _slip(speech: Speech, quote: Quote) -> None:
    """A figure of this year's form said of another year: copied from last year's report and not changed."""
    figure, facts = quote.figure, speech.facts
    year = last_year(speech.sentence.text[: figure.start])
    if year is None or year == facts.form.year or figure.value < 10:
        return
    whole = quotes_points.whole_of(speech, quote)
    kind = money_kind(quote.lead.core)[0] if figure.kind == "money" and not is_foreign(quote.lead.core) else ""
    values = facts.scores(whole) if whole else (facts.total(kind),) if kind in ("adjusted", "executed") else ()
    if any(value == figure.value for value in values):
        speech.add("R606", figure, f"{year}年", f"{facts.form.year}年")


def _with_the_other(notes: Notes) -> list[Finding]:
    """The findings; where one amount stands twice with two figures, that of the wrong one names the other (R7). A rate that only follows from
    an amount which was told to be wrong is told where the report gives another one elsewhere: one cause, one finding."""
    named = {name: column for column, (name, _) in COLUMNS.items()}
    found = []
    for finding in notes.findings:
        if finding.code in ("R201", "R202", "R203"):
            column = "rate" if finding.code == "R203" else named.get(finding.args["what"])
            other = next(((figure.text, title) for key, figure, title in notes.mentions if key == column and figure.text != finding.stated), None)
            if other is None and finding.args.get("follows"):
                continue
            again = (f"；报告另一处（{other[1]}）写 {other[0]}", f"; elsewhere the report says {other[0]}") if other else ("", "")
            finding = finding._replace(args={**finding.args, "again": again[0], "again_en": again[1]})
        found.append(finding)
    return found
