"""The form without macros: LibreOffice works its native formulas out alone, and wherever they decide they give the core's figures."""

from __future__ import annotations

import os
import random
import re
import tomllib
import zipfile
from collections import Counter
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from fillings import random_filling

from perfeval_xl import beside, examples, formula_steps, formulas, record, scoring, udfs, workbook_file
from perfeval_xl.computed import Computed
from perfeval_xl.edition import editions, get
from perfeval_xl.model import cell_name
from perfeval_xl.targets import read_actual, read_target
from perfeval_xl.template import SHEET, Plan, blank

CASES = Path(__file__).parent / "cases"
EDITIONS = {"shangjie": "shangjie-2022", "jinshui": "jinshui-2021", "mof": "mof-2020-project"}
EXAMPLES = sorted(name for name in os.listdir(examples.DATA) if name.endswith(".toml"))
STEPS = {step.key for step in formula_steps.STEPS}
WRONG = 999.0
YEAR = 2022
#: rows that are worked out at once
BATCH = 150


# ---- a form that is open in LibreOffice ----


class Live:
    """A macro-free form in LibreOffice, every stored result of which was wrong when it was opened."""

    def __init__(self, office, path: Path, edition, filling=None) -> None:
        self.edition, self.filling = edition, filling
        self.plan, self.computed = prepared(edition, filling)
        path.write_bytes(falsified(workbook_file.content(edition, filling, macros=False)))
        self.document = office.open(str(path))
        self.sheet = self.document.Sheets.getByName(SHEET)
        self.sheet.unprotect("")
        self.document.enableAutomaticCalculation(False)

    def column(self, field: str) -> int:
        return next(box.left for box in self.plan.boxes if box.field == field and box.block in ("indicators", "beside")
                    and self.plan.names["pe_indicators"][0] <= box.top <= self.plan.names["pe_indicators"][2])

    def put(self, row: int, column: int, rows: list) -> None:
        """A block of values; None is a blank cell."""
        area = self.sheet.getCellRangeByPosition(column, row, column + len(rows[0]) - 1, row + len(rows) - 1)
        area.setDataArray(tuple(tuple("" if value is None else value for value in line) for line in rows))

    def values(self) -> list[tuple]:
        """Every cell after a hard recalculation: a float, a text, None for an error."""
        self.document.calculateAll()
        last = max(box.bottom for box in self.plan.boxes) + 3
        return self.sheet.getCellRangeByPosition(0, 0, len(self.plan.widths) - 1, last).getDataArray()

    def close(self) -> None:
        self.document.close(True)


def prepared(edition, filling=None) -> tuple[Plan, list[Computed]]:
    return formulas.native(*beside.prepare(edition, filling), edition)


def falsified(data: bytes) -> bytes:
    """The file with 999 as the stored result of every formula of the form."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            part = old.read(name)
            if name == "xl/worksheets/sheet2.xml":
                part, count = re.subn(rb'<c (r="[A-Z0-9]+"(?: s="[0-9]+")?)(?: t="str")?>(<f[^>]*(?:/>|>[^<]*</f>))<v[^>]*>[^<]*</v></c>',
                                      rb"<c \1>\2<v>999</v></c>", part)
                assert count == part.count(b"<f>") + part.count(b"<f ") > 100
            new.writestr(name, part)
    return out.getvalue()


@pytest.fixture
def live(calc, tmp_path):
    opened = []

    def make(edition, filling=None) -> Live:
        opened.append(Live(calc.office, tmp_path / f"{len(opened)}.xlsx", edition, filling))
        return opened[-1]

    yield make
    for form in opened:
        form.close()


class Tally:
    """What became of the cells that were compared."""

    def __init__(self) -> None:
        self.counts = Counter()

    def compare(self, where, core, mine, kind: str = "") -> None:
        """A figure of the formula is the core's to the last digit; where the core has none, the formula has none."""
        if isinstance(mine, float):
            assert isinstance(core, float) and abs(core - mine) < 1e-9, (where, core, mine)
        else:
            # a blank only where the core sees a blank; else a person is asked in words
            assert mine in (formulas.ASK, formulas.NONE) or (mine == "" and core == ""), (where, core, mine)
        self.counts[kind, "decided" if isinstance(mine, float) else "left" if isinstance(core, float) else "none"] += 1

    def share(self, *kinds: str) -> float:
        left, decided = (sum(self.counts[kind, what] for kind in kinds) for what in ("left", "decided"))
        return left / (left + decided)


# ---- rows ----


def book(name: str) -> dict:
    return tomllib.loads((CASES / f"{name}.toml").read_text(encoding="utf-8"), parse_float=Decimal)


def cells_of(case: dict) -> list:
    if "cells" in case:
        return case["cells"]
    raw = re.sub(r" \(target .*\)$", "", case["raw"]).replace("⏎", "\n")
    return raw.split(" | ") if " | " in raw else [raw]


def row(kind: str, target, actual, name="某项工作", group="数量指标", weight=5) -> tuple:
    return kind, [target] if isinstance(target, str) else list(target), actual, name, group, float(weight)


def the_cases(key: str) -> list[tuple]:
    """All cases of scores, deviations and units, and every text of the grammar against a few others."""
    found = [row("case", case["target"], case["actual"], case.get("label", ""), case.get("group", "数量指标"), case.get("weight", 5))
             for case in (*book("scoring")["indicator"], *book("deviations")["case"]) if EDITIONS[case.get("edition", key)] == EDITIONS[key]]
    texts = book("targets")
    found += [row("case", case["target"], case["actual"]) for case in texts["comparable"]]
    for source in ("published", "grammar"):
        for case in texts[source]:
            cells = cells_of(case)
            if case["role"] == "T":
                found += [row(source, cells, actual) for actual in ("95%", "66.6%", "3件", "2", "合规", str(cells[0]))]
            elif case["role"] == "A" and len(cells) == 1:
                found += [row(source, target, cells[0]) for target in ("≥90%", "≤5件", "100%", "合规", "≥3", "12次", "7月31日前")]
    width = 2 if key == "jinshui" else 1
    return [one for one in found if len(one[1]) <= width and all(isinstance(text, str) for text in (*one[1], one[2]))]


def random_rows(count: int, seed: int = 4) -> list[tuple]:
    """Figures with all kinds of signs, units, decimals and weights; ties that a binary quotient loses are among them."""
    dice, found = random.Random(seed), []
    signs = ("≥", "≥", "≤", "≤", ">", "<", "=", "", "", "不低于", "不超过", "＞", "≥ ", "大于等于", "至少")
    units = ("%", "%", "%", "次", "件", "人", "万元", "元", "个", "%以上", "天以内", "‰", "人次", "平方米", "天", "年", "个百分点", "")
    for _ in range(count):
        unit = dice.choice(units)
        sign, bare = ("" if unit[-2:] in ("以上", "以内") else dice.choice(signs)), unit.removesuffix("以上").removesuffix("以内")
        figures = [dice.choice((str(dice.randint(0, 120)), f"{dice.uniform(0, 100):.1f}", f"{dice.uniform(0, 100):.2f}",
                                f"{dice.randint(1000, 99999):,}", str(dice.choice((1, 2, 4, 8, 16, 40, 80, 6))))) for _ in range(2)]
        actual = dice.choice(("", "", "", "已完成", "达到", "≥")) + figures[1] + dice.choice((bare, bare, ""))
        found.append(row("random", f"{sign}{figures[0]}{unit}", actual, dice.choice(("培训人次", "群众投诉件数", "重点工作完成率", "投诉办结率")),
                         dice.choice(("数量指标", "成本指标")), dice.choice((1, 1.5, 2, 2.5, 3, 5, 7, 10, 12.5))))
    return found


def compare_rows(form: Live, key: str, rows: list[tuple], tally: Tally) -> None:
    """Types the rows into the form, a batch at a time, and holds what comes out against the worksheet functions of the core."""
    top, edition = form.plan.names["pe_indicators"][0], form.edition.id
    columns = {field: form.column(field) for field in ("name", "target", "actual", "weight", "score")}
    deviation = form.column("deviation") if "deviation" in {box.field for box in form.plan.boxes} else None
    group_cell = next(box for box in form.plan.boxes if (box.block, box.field) == ("indicators", "group"))
    for group in sorted({one[4] for one in rows}):
        form.sheet.getCellByPosition(group_cell.left, group_cell.top).setString(group)
        same = [one for one in rows if one[4] == group]
        for start in range(0, len(same), BATCH):
            batch = same[start : start + BATCH]
            filled = batch + [row("", "", "")] * (BATCH - len(batch))
            targets = [[*one[1], ""][: 1 + (key == "jinshui")] for one in filled]
            form.put(top, columns["name"], [[one[3]] for one in filled])
            form.put(top, columns["target"], targets)
            form.put(top, columns["actual"], [[one[2]] for one in filled])
            form.put(top, columns["weight"], [[one[5]] for one in filled])
            values = form.values()
            for n, (kind, target, actual, name, _, weight) in enumerate(batch):
                cells = targets[n]
                said = udfs.PE_SCORE([cells], actual, weight, edition, name, group, YEAR)
                quantity = "number" if read_target(*target).kind in ("quant", "tolerance", "suspect") else "word"
                where = (key, cells, actual, name, group, weight)
                tally.compare(where, said, values[top + n][columns["score"]], f"{kind} {quantity}")
                if deviation is not None:
                    tally.compare(where, udfs.PE_DEVIATION([cells], actual, name, group, YEAR), values[top + n][deviation], "deviation")


def many_rows(key: str, rows: int = BATCH):
    """A form of an edition with many rows of one 二级指标."""
    edition = get(EDITIONS[key])
    part = next(part.name for part in edition.parts if part.place != "funds")
    empty = {"part": part, "group": "数量指标", "name": "某项工作"}
    return edition, blank(edition)._replace(indicators=(empty,) * rows, year=YEAR)


@pytest.fixture(scope="module")
def tallies():
    return {}


@pytest.mark.parametrize("key", EDITIONS)
def test_every_case_and_a_thousand_figures_score_as_the_core_scores_them_or_are_left_to_a_person(live, key, tallies):
    tally = tallies[key] = Tally()
    compare_rows(live(*many_rows(key)), key, the_cases(key) + random_rows(1000), tally)
    assert tally.counts["random number", "decided"] > 800


#: what the core scores: texts of its cases, of the published forms, of its grammar with all that is odd in it, and random ones; against a
#: number ("number") or a word or day ("word")
KINDS = tuple(f"{source} {kind}" for source in ("case", "published", "grammar", "random") for kind in ("number", "word"))


def test_at_most_one_in_twenty_is_left_to_a_person_whatever_kind_of_case_it_is(tallies):
    whole = Tally()
    for tally in tallies.values():
        whole.counts += tally.counts
    if not tallies:
        pytest.skip("LibreOffice worked nothing out")
    kinds = [kind for kind in (*KINDS, "deviation") if whole.counts[kind, "decided"]]
    print("\nleft to a person, of what the core scores: " + ", ".join(
        f"{kind} {whole.share(kind):.2%} of {whole.counts[kind, 'decided'] + whole.counts[kind, 'left']}" for kind in kinds))
    assert set(KINDS) - set(kinds) == {"random word"}
    assert {kind: whole.share(kind) for kind in kinds if whole.share(kind) > 0.05} == {}


# ---- forms ----


def compare_form(form: Live, computed: list[Computed], tally: Tally) -> None:
    """Every computed cell of a form: rows as above, and where all rows are decided the total and the grade as well."""
    values = form.values()
    asked = any(values[one.row][one.column] in (formulas.ASK, None) and isinstance(one.value, float)
                for one in computed if (one.block, one.field) == ("indicators", "score"))
    for one in computed:
        mine = values[one.row][one.column]
        where = (form.edition.id, cell_name(one.row, one.column), one.block, one.field)
        assert mine is not None and mine != WRONG, where
        if one.field in ("score", "deviation") and one.block == "indicators":
            tally.compare(where, one.value, mine, "form")
        elif one.block in ("funds", "tasks") or one.field in ("help", "sum"):
            assert mine == one.value or (isinstance(mine, float) and abs(mine - one.value) < 1e-9), (where, one.value, mine)
        elif one.field == "grade":
            assert mine == one.value or (mine == "" and (asked or one.value.startswith("V101 "))), (where, one.value, mine)
        elif one.block == "total" and not asked:
            same = mine == one.value or (isinstance(mine, float) and isinstance(one.value, float) and abs(mine - one.value) < 1e-9)
            named = isinstance(mine, str) and isinstance(one.value, str) and bool(mine) == bool(one.value)
            assert same or named, (where, one.value, mine)
        elif one.block == "total" and one.field == "score":
            assert re.fullmatch(f"第[0-9]+行{formulas.ASK}", mine), (where, mine)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_published_forms_come_out_as_published_and_nothing_in_them_is_left_to_a_person(live, name):
    edition, filling = examples.load(os.path.join(examples.DATA, name))
    form, tally = live(edition, filling), Tally()
    compare_form(form, [one._replace(value=short(one)) for one in beside.prepare(edition, filling)[1]], tally)
    assert tally.share("form") == 0 and tally.counts["form", "decided"] >= 12


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_check_reads_the_form_with_and_without_macros_alike(name, tmp_path):
    edition, filling = examples.load(os.path.join(examples.DATA, name))
    found = {}
    for extension in ("xlsm", "xlsx"):
        workbook_file.build(str(tmp_path / f"form.{extension}"), edition, filling, macros=extension == "xlsm")
        (found[extension],) = record.check_file(str(tmp_path / f"form.{extension}"))
    assert found["xlsx"].form == found["xlsm"].form
    assert [(one.code, one.row, one.column) for one in found["xlsx"].findings] == [(one.code, one.row, one.column) for one in found["xlsm"].findings]


# ---- what the files hold ----


def filled_forms(folder: Path) -> list[Path]:
    """Every form without macros: the shipped ones, every example, and a few random ones with all their slips."""
    paths = sorted(Path(workbook_file.FOLDER).glob("*.xlsx"))
    assert len(paths) == len(editions())
    fillings = [(name, *examples.load(os.path.join(examples.DATA, name))) for name in EXAMPLES]
    fillings += [(f"random {one.id} {seed}", one, random_filling(one, seed)) for one in editions().values() for seed in (1, 2)]
    for name, edition, filling in fillings:
        paths.append(folder / f"{name}.xlsx")
        workbook_file.build(str(paths[-1]), edition, filling, macros=False)
    return paths


def test_every_cell_of_every_form_holds_what_libreoffice_makes_of_it(calc, tmp_path):
    from openpyxl import load_workbook

    cells = 0
    for path in filled_forms(tmp_path):
        stored, typed = load_workbook(path, data_only=True), load_workbook(path)
        document = calc.office.open(str(path))
        document.calculateAll()
        for sheet in stored.worksheets:
            worked = document.Sheets.getByName(sheet.title)
            values = worked.getCellRangeByPosition(0, 0, sheet.max_column - 1, sheet.max_row - 1).getDataArray()
            for line in typed[sheet.title].iter_rows():
                for cell in line:
                    assert isinstance(cell.value, str | int | float | None), "an array formula, say"
                    if isinstance(cell.value, str) and cell.value.startswith("="):
                        assert "_xlfn" not in cell.value
                        mine, theirs = sheet.cell(cell.row, cell.column).value, values[cell.row - 1][cell.column - 1]
                        same = abs(mine - theirs) < 1e-9 if isinstance(mine, float | int) and isinstance(theirs, float) else (mine or "") == theirs
                        assert same, (path.name, sheet.title, cell.coordinate, mine, theirs, cell.value[:300])
                        cells += 1
        document.close(True)
    print(f"\n{cells} cells with formulas")
    assert cells > 10000


def test_no_stored_value_is_an_error_or_left_out():
    for edition in editions().values():
        for filling in (None, random_filling(edition, 7)):
            for one in prepared(edition, filling)[1]:
                assert isinstance(one.value, (float, str)), (cell_name(one.row, one.column), one)


@pytest.mark.parametrize("key", EDITIONS)
def test_random_forms_are_worked_out_as_the_core_does(live, key):
    edition, tally = get(EDITIONS[key]), Tally()
    form = live(edition, random_filling(edition, 0)._replace(year=YEAR))
    inputs = ("name", "target", "unit", "actual", "weight", "reason", "hand", "initial", "adjusted", "executed", "budget")
    for seed in range(167):
        plan, computed = beside.prepare(edition, random_filling(edition, seed)._replace(year=YEAR))
        computed = [one._replace(value=short(one)) for one in computed]
        assert [box[:8] for box in plan.boxes] == [box[:8] for box in form.plan.boxes][: len(plan.boxes)]
        for left, top, column in columns_of([box for box in plan.boxes if box.field in inputs and box.kind != "label" and box.block != "head"]):
            form.put(top, left, [[as_typed(value)] for value in column])
        compare_form(form, computed, tally)
    print(f"\n{key}: {tally.share('form'):.2%} of {sum(tally.counts.values())} cells left to a person")


def short(one: Computed):
    """A reason of the core in the words of the formulas."""
    if not isinstance(one.value, str) or not one.value or one.field not in ("rate", "score", "deviation"):
        return one.value
    if one.block in ("indicators", "total"):
        return formulas.NONE if one.field == "deviation" else formulas.ASK
    return formulas.NO_BUDGET if one.value.startswith("F112") else formulas.NO_NUMBER


def columns_of(boxes: list) -> list[tuple[int, int, list]]:
    """Boxes as columns without a gap: (left, top, values)."""
    columns: list[tuple[int, int, list]] = []
    for box in sorted(boxes, key=lambda box: (box.left, box.top)):
        if columns and columns[-1][0] == box.left and columns[-1][1] + len(columns[-1][2]) == box.top:
            columns[-1][2].append(box.value)
        else:
            columns.append((box.left, box.top, [box.value]))
    return columns


def as_typed(value):
    return float(value) if isinstance(value, (int, float, Decimal)) else value


# ---- single cells ----


def one_row(live, key="shangjie", **fields) -> tuple[Live, int]:
    """A form whose first row holds these fields."""
    edition = get(EDITIONS[key])
    rows = [dict(line) for line in blank(edition).indicators]
    form = live(edition, blank(edition)._replace(indicators=tuple(rows), year=YEAR))
    top = form.plan.names["pe_indicators"][0]
    for field, value in {"name": "某项工作", **fields}.items():
        form.put(top, form.column(field), [[value]])
    return form, top


NUMBERS = [
    # value and number format of target and actual, and as what the core should read them
    ((5.0, "0"), (4.0, "0"), "5", "4"), ((0.9, "0%"), (0.666, "0.0%"), "90%", "66.6%"), (("≥90%", "@"), (0.95, "0.00%"), "≥90%", "95%"),
    (("≥90%", "@"), (0.95, "General"), "≥90%", "0.95"), (("12次", "@"), (0.07 * 100, "0"), "12次", "7"), (("1", "@"), (0.1 + 0.2, "0"), "1", "0.3"),
    (("≥1次", "@"), (1.0, "0%"), "≥1次", "100%"),
]


def test_a_number_cell_is_what_it_shows(live):
    form, top = one_row(live, weight=5.0)
    formats, locale = form.document.NumberFormats, form.document.CharLocale
    for target, actual, read_as, done_as in NUMBERS:
        for field, (value, shown) in (("target", target), ("actual", actual)):
            key = formats.queryKey(shown, locale, False)
            form.sheet.getCellByPosition(form.column(field), top).NumberFormat = key if key >= 0 else formats.addNew(shown, locale)
            form.put(top, form.column(field), [[value]])
        expected = scoring.indicator_score(scoring.attain(read_target(read_as), read_actual(done_as)), Decimal(5), form.edition)
        assert form.values()[top][form.column("score")] == (formulas.ASK if expected is None else float(expected)), (target, actual)


def test_the_number_of_a_day_and_an_error_are_left_to_a_person(live):
    form, top = one_row(live, target="≥90", weight=5.0, actual=44773.0)
    assert form.values()[top][form.column("score")] == formulas.ASK
    form.sheet.getCellByPosition(form.column("actual"), top).setFormula("=1/0")
    values = form.values()[top]
    assert (values[form.column("score")], values[form.column("deviation")]) == (formulas.ASK, formulas.NONE)
    assert values[form.column("state")] == f"完成值看不懂，{formulas.ASK}"
    form.sheet.getCellByPosition(form.column("weight"), top).setFormula("=1/0")
    form.sheet.getCellByPosition(form.column("reason"), top).setFormula("=1/0")
    money = form.plan.names["pe_funds"][:2]
    form.sheet.getCellByPosition(money[1], money[0]).setFormula("=1/0")
    form.sheet.getCellByPosition(money[1] + 1, money[0]).setFormula("=1/0")
    values = form.values()
    beside = ("help", "sum")
    for one in form.computed:
        if one.field not in STEPS and one.field not in beside:
            assert values[one.row][one.column] is not None, (cell_name(one.row, one.column), one)
    assert values[top][form.column("state")] == formulas.BROKEN


STATES = [
    ({"weight": 5.0, "target": "≥90%"}, ""),
    ({"weight": 5.0, "target": "≥90%", "actual": "95%"}, "✓"),
    ({"weight": "", "target": "≥90%", "actual": "95%"}, "没有填分值"),
    ({"weight": "五", "target": "≥90%", "actual": "95%"}, "分值不是数"),
    ({"weight": 5.0, "target": "", "actual": "95%"}, "没有填指标值"),
    ({"weight": 5.0, "target": "≥%", "actual": "95%"}, "没有填指标值"),
    ({"weight": 5.0, "target": "≥90%", "actual": "", "reason": "没有按时到位"}, "没有填完成值"),
    ({"weight": 5.0, "target": "≥90%", "actual": "45%"}, "缺原因"),
    ({"weight": 5.0, "target": "≥90%", "actual": "45%", "reason": "略"}, "缺原因"),
    ({"weight": 5.0, "target": "≥90%", "actual": "45%", "reason": "/"}, "缺原因"),
    ({"weight": 5.0, "target": "≥90%", "actual": "45%", "reason": "资金没有按时到位"}, "✓"),
    ({"weight": 5.0, "target": "约90%", "actual": "45%"}, "指标值看不懂，请人工评分"),
    ({"weight": 5.0, "target": "≥90%", "actual": "大概45%"}, "完成值看不懂，请人工评分"),
    ({"weight": 5.0, "target": "≥90%", "actual": "0.95"}, "有一边漏了 %，请补上"),
    ({"weight": 5.0, "target": "≥5件", "actual": "6次"}, "指标值和完成值不能比较，请核对单位，或请人工评分"),
    ({"weight": 5.0, "target": "290%", "actual": "95%"}, "指标值和完成值不能比较，请核对单位，或请人工评分"),
    ({"weight": 5.0, "target": "≥10次", "actual": "13次"}, "超过指标值 30% 及以上，请写明原因"),
    ({"weight": 5.0, "target": "≥10次", "actual": "12.9次"}, "✓"),
    ({"weight": 5.0, "target": "≥10次", "actual": "13次", "reason": "上级追加了任务和经费"}, "✓"),
    ({"weight": 5.0, "target": "±10%", "actual": "-8%"}, "✓"),
    ({"weight": 5.0, "target": "±10%", "actual": "12%"}, "超出指标值的范围，请人工评分"),
    ({"weight": 5.0, "target": "10次", "actual": "13次"}, "超过指标值 30% 及以上，请写明原因"),
    ({"weight": 5.0, "target": "≤10次", "actual": "1次"}, "✓"),
    ({"weight": 5.0, "target": "5件", "actual": "3件", "name": "群众投诉件数"}, "指标值没有符号，已按“不超过”计分，请补上 ≤ 或 ≥"),
    ({"weight": 5.0, "target": "7月31日前", "actual": "7月20日"}, "✓"),
    ({"weight": 5.0, "target": "7月31日前", "actual": "8月5日"}, "逾期，请人工评分"),
    ({"weight": 5.0, "target": "7月31日前", "actual": "已完成"}, "指标值是时间，请填完成日期，或请人工评分"),
    ({"weight": 5.0, "target": "约90%", "actual": "45%", "hand": 6.0}, "得分大于分值"),
    ({"weight": 5.0, "target": "约90%", "actual": "45%", "hand": 5.0}, "✓"),
]


def test_the_state_names_each_mistake_and_nothing_else(live):
    form, top = one_row(live)
    fields = sorted({field for case, _ in STATES for field in case})
    for case, expected in STATES:
        for field in fields:
            form.put(top, form.column(field), [[{"name": "某项工作", **case}.get(field, "")]])
        values = form.values()
        assert values[top][form.column("state")] == expected, case


def test_open_points_are_counted_beside_the_title(live):
    form, top = one_row(live, target="≥90%", weight=5.0)
    place = next(box[:2] for box in form.plan.boxes if box.field == "open")
    before = form.values()[place[0]][place[1]]
    form.put(top, form.column("actual"), [["45%"]])
    after = form.values()[place[0]][place[1]]
    first, second = (int(re.search("[0-9]+", text)[0]) for text in (before, after))
    assert second == first + 1


def test_the_money_must_add_up_and_the_rate_must_be_the_one_of_the_funds_block(live):
    edition, filling = examples.load(os.path.join(examples.DATA, "renda-2022.toml"))
    form = live(edition, filling)
    top, state = form.plan.names["pe_funds"][0], form.column("state")
    box = {(box.top, box.field): box for box in form.plan.boxes if box.block == "funds"}
    assert form.values()[top][state] == ""
    form.put(top + 1, box[top + 1, "executed"].left, [[1.0]])
    assert form.values()[top][state] == "资金来源的全年执行数合计 1，与总额不等"
    form.put(top + 1, box[top + 1, "executed"].left, [[2000.0]])
    assert form.values()[top + 1][state] == "执行数大于预算数"
    rows = {one.value: one.top for one in form.plan.boxes if (one.block, one.field) == ("indicators", "name")}
    assert form.values()[rows["预算执行率"]][state] == "✓"
    form.put(rows["预算执行率"], form.column("actual"), [["67%"]])
    values = form.values()[rows["预算执行率"]][state]
    assert values == "缺原因" or values == "✓", "66.60% printed without decimals is 67%"


def test_a_rate_that_is_not_the_funds_blocks_is_named(live):
    edition, filling = examples.load(os.path.join(examples.DATA, "zhengwu-2022.toml"))
    form = live(edition, filling)
    rows = {one.value: one.top for one in form.plan.boxes if (one.block, one.field) == ("indicators", "name")}
    assert form.values()[rows["预算执行率"]][form.column("state")] == "与资金栏算出的执行率不符"


# ---- rows that are inserted ----


def insert(form: Live, row: int) -> None:
    form.sheet.Rows.insertByIndex(row, 1)


def copy_row(form: Live, source: int, target: int) -> None:
    """As a person copies a whole row onto another."""
    width = len(form.plan.widths) - 1
    area = form.sheet.getCellRangeByPosition(form.column("name"), source, width, source).getRangeAddress()
    form.sheet.copyRange(form.sheet.getCellByPosition(form.column("name"), target).getCellAddress(), area)


@pytest.mark.parametrize("below", [0, 1], ids=["inside the last group", "below the last row"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_row_that_is_inserted_and_filled_down_counts_like_any_other(live, name, below):
    edition, filling = examples.load(os.path.join(examples.DATA, name))
    form = live(edition, filling)
    before = form.values()
    last = form.plan.names["pe_indicators"][2]
    total = form.plan.names["pe_total"][:2]
    new = last + below
    insert(form, new)
    copy_row(form, new - 1, new)
    for field, value in (("name", "新的一项"), ("target", "≥" if name.startswith("jinshui") else "≥80%"), ("actual", "40%"), ("weight", 4.0)):
        form.put(new, form.column(field), [[value]])
    if name.startswith("jinshui"):
        form.put(new, form.column("unit"), [["80%"]])
    values = form.values()
    moved = (total[0] + (total[0] >= new), total[1])
    assert values[new][form.column("score")] == 2.0
    assert values[moved[0]][moved[1]] == pytest.approx(before[total[0]][total[1]] + 2, abs=1e-9)
    assert values[last + 1 - below][form.column("score")] == before[last][form.column("score")]
    if moved[0] > new:
        assert values[moved[0]][form.column("state")] == ""


def test_a_row_without_formulas_is_named_and_the_total_stays_right(live):
    edition, filling = examples.load(os.path.join(examples.DATA, "renda-2022.toml"))
    form = live(edition, filling)
    before = form.values()
    row, total = form.plan.names["pe_indicators"][2] - 1, form.plan.names["pe_total"][:2]
    insert(form, row)
    blank_row = form.values()
    assert blank_row[total[0] + 1][total[1]] == before[total[0]][total[1]] and blank_row[total[0] + 1][form.column("state")] == ""
    form.put(row, form.column("weight"), [[4.0]])
    form.put(row, form.column("actual"), [["95%"]])
    values = form.values()
    assert values[total[0] + 1][form.column("state")] == f"第{row + 1}行没有公式，请把上一行整行复制过来"
    form.put(row, form.column("score"), [[3.0]])
    assert form.values()[total[0] + 1][total[1]] == pytest.approx(before[total[0]][total[1]] + 3, abs=1e-9)


# ---- what stands in the formulas ----

#: in Excel since 2010 or earlier, in WPS and in LibreOffice; docs/formulas.md says where each is documented
FUNCTIONS = frozenset((
    "ABS", "AND", "CELL", "CHAR", "COUNT", "DATE", "DAY", "EXACT", "FIND", "IF", "IFERROR", "INDEX", "INT", "ISERROR", "ISNUMBER", "LEFT", "LEN",
    "LOOKUP", "MATCH", "MAX", "MID", "MIN", "N", "NOT", "OFFSET", "OR", "RIGHT", "ROUND", "ROW", "SUBSTITUTE", "SUM", "SUMPRODUCT", "TEXT", "TRIM",
    "VALUE", "ISTEXT", "REPT", "YEAR", "MONTH"))



@pytest.mark.parametrize("edition", editions().values(), ids=editions())
def test_formulas_use_functions_that_every_program_has_and_fit_into_a_cell(edition):
    _, computed = prepared(edition)
    called = set()
    for one in computed:
        bare = re.sub('"[^"]*"', "", one.formula)
        called |= set(re.findall(r"([A-Z]+)\(", bare))
        assert len(one.formula) < 8192 and "PE_" not in bare and depth(bare) <= 60, one
        assert max((len(text) for text in re.findall('"[^"]*"', one.formula)), default=0) <= 257
    assert called <= FUNCTIONS
    named = (Path(__file__).parent.parent / "docs" / "formulas.md").read_text(encoding="utf-8")
    assert all(f"`{function}`" in named for function in FUNCTIONS)


def depth(formula: str) -> int:
    level = deepest = 0
    for sign in formula:
        level += {"(": 1, ")": -1}.get(sign, 0)
        deepest = max(deepest, level)
    return deepest


def test_every_unit_of_the_formulas_is_one_of_the_core():
    for unit in set(formula_steps.units()) - set(formula_steps._CALENDAR):
        reading = read_target(f"≥3{unit}")
        assert (reading.kind, reading.number, reading.unit) == ("quant", 3, unit)
        actual = read_actual(f"3{unit}")
        assert (actual.kind, actual.unit) == ("quant", unit)


def test_the_hidden_columns_are_described_on_the_sheet_of_rules(tmp_path):
    from openpyxl import load_workbook

    edition = get("shangjie-2022")
    workbook_file.build(str(tmp_path / "x.xlsx"), edition, macros=False)
    book = load_workbook(tmp_path / "x.xlsx")
    texts = {cell.value for line in book["评分规则"].iter_rows() for cell in line}
    assert {step.meaning for step in formula_steps.STEPS} <= texts
    assert book[formula_steps.SHEET].sheet_state == "hidden"
    plan, _ = prepared(edition)
    hidden = [letter for letter, column in book[SHEET].column_dimensions.items() if column.hidden]
    assert hidden and len(plan.widths) - len(formula_steps.STEPS) == plan.printed + 4
