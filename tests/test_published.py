"""The published forms (published/forms.toml): exactly the findings that the form can show, and nothing that is odd but right."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from perfeval_xl import cli, messages, record
from perfeval_xl.numbers import half_up

TABLE = tomllib.loads((Path(__file__).parent / "published" / "forms.toml").read_text(encoding="utf-8"), parse_float=Decimal)


def checked(name):
    (one,) = record.check_file(str(Path(cli.examples_folder()) / name))
    assert one.refusal is None
    return one


@pytest.mark.parametrize("form", TABLE["form"], ids=lambda form: form["file"])
def test_a_published_form_has_exactly_these_findings(form):
    one = checked(form["file"])
    found = {(finding.code, messages.cell(finding, "").lstrip("!")): finding for finding in one.findings}
    assert sorted(found) == sorted((row["code"], row["cell"]) for row in form["findings"])
    for row in form["findings"]:
        finding = found[row["code"], row["cell"]]
        assert (finding.stated, finding.expected) == (row["stated"], row.get("expected")), row["item"]
        assert row.get("words", "") in messages.message(finding, "zh")
        assert messages.source(finding).strip()


@pytest.mark.parametrize("form", TABLE["form"], ids=lambda form: form["file"])
def test_a_published_form_is_recomputed(form):
    one = checked(form["file"])
    assert (one.form.edition, one.form.recognised, one.form.year) == (form["edition"], True, form["year"])
    assert (one.card.total, one.card.grade) == (form.get("total"), form.get("grade"))
    assert one.form.totals[0].number == form["stated"]
    assert {part.name: part.score for part in one.card.parts} == form["parts"]


@pytest.mark.parametrize("right", TABLE["right"], ids=lambda right: right["file"])
def test_right_figures_of_the_published_forms_are_reproduced(right):
    one = checked(right["file"])
    for stated, rate in zip(right.get("rates", ()), one.card.rates, strict=False):
        assert half_up(rate or Decimal(0), 2) == stated
    if "funds_score" in right:
        assert one.card.funds_score == right["funds_score"]
    for name, figures in right.get("rows", {}).items():
        row, result = next((row, result) for row, result in zip(one.form.indicators, one.card.rows, strict=True) if row.name == name)
        assert result.score == figures["score"] == row.score.number
        assert half_up(result.attainment.deviation * 100, 2) == figures["deviation"] == row.deviation.number
    if "tasks" in right:
        assert [half_up(rate, 2) for rate in one.card.task_rates] == right["tasks"]


def test_every_finding_has_its_place_in_both_languages():
    for form in TABLE["form"]:
        one = checked(form["file"])
        for finding in one.findings:
            for lang in messages.LANGUAGES:
                text = messages.render(finding, one.form.sheet, lang)
                assert finding.code in text
                assert "None" not in text
                assert "{" not in text


SEEDS = Path(__file__).parent.parent.parent / "shared" / "seeds"


@pytest.mark.skipif(not SEEDS.is_dir(), reason="the published reports are not beside the project")
@pytest.mark.parametrize(("file", "seed"), [("waishi-2022", "000"), ("zhengwu-2022", "001"), ("renda-2022", "003"), ("jinshui-2021", "004")])
def test_the_examples_hold_the_figures_as_published(file, seed):
    (path,) = SEEDS.glob(f"{seed}_*.txt")
    text = "".join(path.read_text(encoding="utf-8").split())
    data = tomllib.loads((Path(cli.examples_folder()) / "data" / f"{file}.toml").read_text(encoding="utf-8"))
    for row in data["indicators"]:
        figures = "".join("".join(str(value).split()) for value in row[3:-1])
        assert figures in text, row
    for _, *figures in data["funds"]:
        assert "".join(map(str, figures)) in text or not any(figures[2:3]), figures
    assert data["department"] in text
