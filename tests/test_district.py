"""Many forms together: what a made-up district is known to hold is found, each thing once, whatever the order in which it is read."""

from __future__ import annotations

import random
import string
from collections import Counter
from decimal import Decimal

import pytest
from districts import picture, save

from perfeval_xl import catalogue, district, gather, made_up, messages, roster
from perfeval_xl.roster import Department, Roster


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    return made_up.district(str(tmp_path_factory.mktemp("区")), 40)


@pytest.fixture(scope="module")
def forms(truth):
    return gather.read_all(gather.find([truth.forms]), workers=1)


@pytest.fixture(scope="module")
def run(truth, forms):
    return district.consolidate(forms, roster.load(truth.roster))


def read(*paths):
    return gather.read_all(gather.find(list(map(str, paths))), workers=1)


def codes(run):
    return Counter(one.finding.code for one in run.findings)


# ---- the made-up district ----


def test_every_planted_mistake_is_found_once(truth, run):
    assert codes(run) == truth.codes
    assert [line.form.error[0] for line in run.lines if line.form.error] == list(truth.unreadable)
    assert set(run.missing) == set(truth.missing)


def test_totals_are_the_generators_own(truth, run):
    for n, field in enumerate(("initial", "adjusted", "executed"), 2):
        own = sum(one.funds["total"][field] for one in truth.counted.values())
        assert sum((Decimal(str(line.form.funds_total[n])) for line in run.counted), Decimal(0)) == own
    assert len(run.counted) == len(truth.counted)
    stated = {line.form.department or "": line.form.total_stated for line in run.counted}
    assert stated == {name: float(one.total) for name, one in truth.counted.items()}


def test_wrong_totals_are_those_planted(truth, run):
    wrong = {line.form.department for line in run.counted if any(one[0] == "S101" for one in line.form.findings())}
    scores = {name: one.funds["total"]["score"] + sum(row["score"] for row in one.indicators) for name, one in truth.counted.items()}
    assert wrong == {name for name, one in truth.counted.items() if one.total != scores[name]}
    assert len(wrong) > 3


def test_the_order_of_the_forms_changes_nothing(truth, forms, run):
    for seed in range(5):
        shuffled = random.Random(seed).sample(forms, len(forms))
        assert district.consolidate(shuffled, roster.load(truth.roster)) == run


def test_the_json_is_that_of_the_contract(run):
    whole = district.as_json(run)
    assert list(whole) == ["schema", "files", "summary"]
    assert whole["summary"]["received"] == 42 and whole["summary"]["unreadable"] == 1
    assert sum(whole["summary"]["grades"].values()) == 40
    assert [len(same) for same in whole["summary"]["duplicates"]] == [2]
    assert all(list(one) == ["code", "severity", "cell", "label", "stated", "expected", "message", "fix", "source", "files"]
               for one in whole["summary"]["findings"])


# ---- one thing at a time ----


def test_a_form_alone_has_nothing_to_compare(tmp_path):
    save(tmp_path / "甲.xlsx", picture())
    run = district.consolidate(read(tmp_path))
    assert [line.state for line in run.counted] == ["fine"] and not run.findings and run.due is None


def test_the_form_saved_last_counts(tmp_path):
    save(tmp_path / "b旧.xlsx", picture(total=90), saved=1_600_000_000)
    save(tmp_path / "a新.xlsx", picture(), saved=1_700_000_000)
    run = district.consolidate(read(tmp_path))
    assert [(line.form.total_stated, line.state) for line in run.lines] == [(100, "fine"), (90, "older")]
    assert codes(run) == {"D103": 1}
    assert run.findings[0].finding.stated == "b旧.xlsx[表1]"


def test_two_sheets_of_one_department_are_two_submissions(tmp_path):
    save(tmp_path / "各局.xlsx", picture("甲局"), picture("乙局"), picture("甲局", total=99))
    run = district.consolidate(read(tmp_path))
    assert sorted((line.name, line.form.sheet) for line in run.counted) == [("乙局", "表2"), ("甲局", "表3")]
    assert codes(run) == {"D103": 1}


def test_the_same_file_counts_once(tmp_path):
    save(tmp_path / "甲.xlsx", picture())
    (tmp_path / "再来.xlsx").write_bytes((tmp_path / "甲.xlsx").read_bytes())
    run = district.consolidate(read(tmp_path))
    assert len(run.counted) == 1 and codes(run) == {"D102": 1} and len(run.duplicates[0]) == 2


def test_another_year_counts_only_where_nothing_else_came(tmp_path):
    for name, years in (("甲局", (2021, 2022)), ("乙局", (2021,)), ("丙局", (2022,))):
        for year in years:
            save(tmp_path / f"{name}{year}年度.xlsx", picture(name, year), saved=1_700_000_000 - year)
    run = district.consolidate(read(tmp_path), year=2022)
    assert [(line.name, line.form.year) for line in run.counted] == [("丙局", 2022), ("乙局", 2021), ("甲局", 2022)]
    assert codes(run) == {"D104": 2}
    assert sorted(line.state for line in run.lines) == ["fine", "fine", "fine", "year"]


def test_a_similar_name_is_asked_about_and_never_joined(tmp_path):
    save(tmp_path / "a.xlsx", picture("某区教育体育局"))
    save(tmp_path / "b.xlsx", picture("某区民政局"))
    run = district.consolidate(read(tmp_path), Roster([Department("某区教育局"), Department("某区民政局")]))
    assert run.missing == ("某区教育局",)
    assert codes(run) == {"D106": 1}, "the missing one is asked about, not asked for as well"
    assert {line.name for line in run.counted} == {"某区教育体育局", "某区民政局"}


def test_an_other_name_on_the_roster_is_the_department(tmp_path):
    save(tmp_path / "a.xlsx", picture("某区教育体育局"))
    run = district.consolidate(read(tmp_path), Roster([Department("某区教育局", ("某区教育体育局",))]))
    assert not run.missing and not run.findings and run.counted[0].name == "某区教育局"


def test_a_text_in_most_forms_is_printed_there(tmp_path):
    goal = "围绕中心服务大局，扎实做好各项重点工作和基础工作，保障正常运转"
    for n in range(12):
        save(tmp_path / f"{n}.xlsx", picture(f"第{n}局", goal=goal))
    assert not codes(district.consolidate(read(tmp_path)))
    for n in range(3, 12):
        (tmp_path / f"{n}.xlsx").unlink()
    found = district.consolidate(read(tmp_path)).findings
    assert [(one.finding.code, one.finding.args["n"], len(one.forms)) for one in found] == [("D108", 1, 3)]


def test_a_grade_that_changes_is_said(tmp_path):
    save(tmp_path / "甲.xlsx", picture(actual="20%", total=100))
    found = [one.finding for one in district.consolidate(read(tmp_path)).findings]
    assert [(one.code, one.stated, one.expected) for one in found] == [("D111", "优", "良")]


def test_what_was_mended_what_is_left_and_what_is_new(tmp_path):
    before = read(save(tmp_path / "一" / "甲.xlsx", picture(total=90, executed=70)))
    now = read(save(tmp_path / "二" / "甲.xlsx", picture(total=95, executed=100, actual="100件")))
    [change] = district.consolidate(now, before=before).since.values()
    named = {field: [one[0] for one in getattr(change, field)] for field in change._fields}
    assert "S101" in named["left"] and "F103" in named["mended"] and "V206" in named["new"]
    assert not set(named["mended"]) & set(named["new"])


# ---- the catalogue ----


def test_every_code_across_workbooks_is_planted_and_speaks_both_languages(run):
    assert {code for code in catalogue.CODES if code[0] == "D"} - {"D112", "D113", "D114", "D115"} == set(made_up.PLANTED)  # of reports: test_pairing
    for one in run.findings:
        for lang in messages.LANGUAGES:
            assert "{" not in messages.render(one.finding, "", lang)
    for entry in (catalogue.CODES[code] for code in made_up.PLANTED):
        assert len({tuple(sorted({part[1] for part in string.Formatter().parse(text) if part[1]})) for text in entry.text}) == 1, entry.code
