"""One mistake each, drawn on a form that is right: exactly these findings, at these cells (cases/findings/*.toml)."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from drawing import draw

from perfeval_xl import layout, messages, rules, scoring
from perfeval_xl.edition import get
from perfeval_xl.model import cell_name

FILES = sorted((Path(__file__).parent / "cases" / "findings").glob("*.toml"))
BOOKS = {path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in FILES}
CASES = [pytest.param(stem, case, id=f"{stem}: {case['name']}") for stem, book in BOOKS.items() for case in book["case"]]


def drawn(stem, case):
    picture = BOOKS[stem]["base"]
    for old, new in case.get("swap", {}).items():
        assert picture.count(old) == 1, f"{old!r} stands {picture.count(old)} times in the drawing"
        picture = picture.replace(old, new)
    return draw(picture, stamp=case.get("stamp"))


def findings(sheet, edition=None, file=""):
    form, notes = layout.read(sheet, file=file)
    edition = edition or get(form.edition)
    return [*notes, *rules.check(form, scoring.score(form, edition), edition)]


def line(one):
    """code cell stated -> expected"""
    return f"{one.code} {cell_name(one.row, one.column)} {one.stated or ''} -> {'?' if one.expected is None else one.expected}"


@pytest.mark.parametrize("stem, case", CASES)
def test_a_drawn_form_has_exactly_these_findings(stem, case):
    found = findings(drawn(stem, case), file=case.get("file", ""))
    assert sorted(map(line, found)) == sorted(BOOKS[stem].get("always", []) + case.get("found", []))
    for one in found:
        assert messages.render(one, "自评表") and messages.render(one, "自评表", "en")


def test_every_code_of_the_rules_has_a_case():
    cases = [case.get("found", []) + book.get("always", []) for book in BOOKS.values() for case in book["case"]]
    spoken = {text.split()[0] for case in cases for text in case}
    declared = {code for rule in rules.RULES for code in rule.codes} | set(rules.LAYOUT_CODES)
    assert declared - spoken == {"S111"}  # no shipped edition caps the total; see below


@pytest.mark.parametrize("stem, case", CASES)
def test_every_rule_speaks_only_its_own_codes(stem, case):
    form, _ = layout.read(drawn(stem, case))
    edition = get(form.edition)
    card = scoring.score(form, edition)
    for rule in rules.RULES:
        assert {one.code for one in rule.holds(form, card, edition)} <= set(rule.codes), rule.holds.__name__


@pytest.mark.parametrize("stem, case", CASES)
def test_rows_beyond_doubt_have_nothing_to_find(stem, case):
    form, _ = layout.read(drawn(stem, case))
    edition = get(form.edition)
    card = scoring.score(form, edition)
    every_row = [(n, row, result) for n, (row, result) in enumerate(zip(form.indicators, card.rows, strict=True))]
    assert rules.check(form, card, edition) == rules.check(form, card._replace(doubtful=every_row), edition)


@pytest.mark.parametrize("total, name", [("100", "优"), ("90", "优"), ("89.99", "良"), ("80", "良"), ("79.99", "中"), ("60", "中"),
                                         ("59.99", "差"), ("0", "差")])
def test_a_grade_begins_exactly_at_its_lower_end(total, name):
    assert all(scoring.grade(Decimal(total), get(one)) == name for one in ("shangjie-2022", "jinshui-2021", "mof-2020-project"))


def test_a_form_of_last_year_is_recognised_and_said_so(monkeypatch):
    present = get("shangjie-2022")
    later = {**layout.editions(), "shangjie-2023": present._replace(id="shangjie-2023", year=2023)}
    monkeypatch.setattr(layout, "editions", lambda: later)
    picture = BOOKS["shangjie"]["base"]
    for year, said in (("2023", [("shangjie-2022", "shangjie-2023")]), ("2022", [])):
        _, notes = layout.read(draw(picture, stamp={"pe_edition": "shangjie-2022", "pe_year": year}))
        assert [(one.stated, one.expected) for one in notes if one.code == "L209"] == said


def capped(cap):
    edition = get("mof-2020-project")
    return edition._replace(execution=edition.execution._replace(caps=((Decimal(95), Decimal(cap)),)))


def test_a_total_above_the_cap_of_its_rate_is_cut():
    found = findings(draw(BOOKS["national"]["base"]), capped(79))
    assert [line(one) for one in found] == ["S111 H20 95.78 -> 79"]


def test_a_total_within_the_cap_of_its_rate_stands():
    assert findings(draw(BOOKS["national"]["base"]), capped(96)) == []
