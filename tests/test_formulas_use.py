"""The form without macros in the hands of people: rows inserted everywhere, everything that may be typed or pasted, last year's form."""

from __future__ import annotations

import os
import re

import pytest
from test_formulas import EDITIONS, EXAMPLES, STEPS, YEAR, Live, copy_row, insert, live, many_rows  # noqa: F401

from perfeval_xl import beside, cli, contain, examples, formulas, layout, record, scoring, workbook_file
from perfeval_xl.edition import editions, get
from perfeval_xl.model import cell_name


def saved(calc, form: Live, path) -> record.Record:
    """The form as LibreOffice saves it, checked by the core."""
    form.document.storeToURL(path.as_uri(), calc.office.properties(FilterName="Calc MS Excel 2007 XML"))
    (found,) = record.check_file(str(path))
    assert found.refusal is None, found.refusal
    return found


# ---- rows that are inserted ----


@pytest.mark.parametrize("name", EXAMPLES)
def test_rows_inserted_at_the_top_in_the_middle_and_at_the_end_of_every_part_count_everywhere(calc, live, name, tmp_path):  # noqa: F811
    edition, filling = examples.load(os.path.join(examples.DATA, name))
    form = live(edition, filling)
    before = form.values()
    total = form.plan.names["pe_total"][:2]
    parts = beside.parts(form.plan, edition)
    places = sorted({row for part in parts if part.last > part.first
                     for row in (part.first + 1, (part.first + part.last + 1) // 2, part.last)}, reverse=True)
    assert len(places) >= 3
    for row in places:  # from the bottom, so that the places above stay what they are
        insert(form, row)
        copy_row(form, row - 1, row)
        split = name.startswith("jinshui")
        fields = {"name": "新的一项", "target": "≥" if split else "≥80%", "actual": "40%", "weight": 4.0} | ({"unit": "80%"} if split else {})
        for field, value in {**fields, "reason": "", "hand": ""}.items():
            form.put(row, form.column(field), [[value]])
    form.document.calculateAll()
    values = form.sheet.getCellRangeByPosition(0, 0, len(form.plan.widths) - 1, len(before) + len(places)).getDataArray()

    def now(row: int) -> int:
        """Where a row of the form as it was stands now."""
        return row + sum(place <= row for place in places)

    new = sorted(place + n for n, place in enumerate(sorted(places)))
    state, score = form.column("state"), form.column("score")
    for row in new:
        assert (values[row][score], values[row][state]) == (2.0, "缺原因"), row
        if any(box.field == "deviation" for box in form.plan.boxes):
            assert values[row][form.column("deviation")] == -0.5
    # every row that was there says what it said, the sums of the parts have grown, and so have the total and what is open
    for row in range(form.plan.names["pe_indicators"][0], form.plan.names["pe_indicators"][2] + 1):
        assert values[now(row)][score] == before[row][score] and values[now(row)][state] == before[row][state], row
    for part in parts:
        inside = sum(part.first < place <= part.last for place in places)
        old, grown = (float(re.search("分值 ([0-9.]+)", text)[1]) for text in (before[part.first][form.column("help")],
                                                                            values[now(part.first)][form.column("help")]))
        assert grown == old + 4 * inside
    assert values[now(total[0])][total[1]] == pytest.approx(before[total[0]][total[1]] + 2 * len(places), abs=1e-9)
    texts = [line[state] for line in values] + [line[form.column("help")] for line in values]
    opened = sum(bool(text) and text != formulas.DONE for text in texts[: len(values)] if isinstance(text, str))
    said = next(box[:2] for box in form.plan.boxes if box.field == "open")
    headings = sum(isinstance(line[state], str) and line[state].startswith("状态") for line in values)
    assert values[said[0]][said[1]] == f"待处理 {opened - headings + sum(isinstance(text, str) and text.endswith('✗') for text in texts)} 处"
    # names and conditional formats reach over the new rows
    area = form.document.NamedRanges.getByName("pe_indicators").getReferredCells().getRangeAddress()
    top, _, bottom, _ = form.plan.names["pe_indicators"]
    assert (area.StartRow, area.EndRow) == (top, bottom + len(places))
    formats = [entry.Range for entry in form.sheet.ConditionalFormats.getConditionalFormats()]
    for row in new:
        for column in (score, state):
            assert any(one.StartColumn <= column <= one.EndColumn and one.StartRow <= row <= one.EndRow
                       for ranges in formats for one in ranges.getRangeAddresses()), (row, column)
    # and the core reads the file as it stands, and scores it the same
    found = saved(calc, form, tmp_path / "inserted.xlsx")
    assert sum(row.name == "新的一项" for row in found.form.indicators) == len(places)
    for row, result in zip(found.form.indicators, found.card.rows, strict=True):
        if result.score is not None:
            assert row.score.number == result.score, row


def test_a_row_above_the_first_one_counts_as_well(calc, live, tmp_path):  # noqa: F811
    form = live(*examples.load(os.path.join(examples.DATA, "renda-2022.toml")))
    before, top, total = form.values(), form.plan.names["pe_indicators"][0], form.plan.names["pe_total"][:2]
    insert(form, top)
    copy_row(form, top + 1, top)
    for field, value in {"name": "新的一项", "target": "≥80%", "actual": "40%", "weight": 4.0, "reason": "资金没有按时到位", "help": ""}.items():
        form.put(top, form.column(field), [[value]])
    values = form.values()
    assert values[total[0] + 1][total[1]] == pytest.approx(before[total[0]][total[1]] + 2, abs=1e-9)
    assert values[top + 1][form.column("help")] == "分值 34 / 30 ✗"
    assert saved(calc, form, tmp_path / "above.xlsx").card.total == scoring.Decimal("98.88")
    form.sheet.getCellByPosition(form.column("score"), top).setString("")
    form.put(top, form.column("target"), [[""]])
    open_at = next(box[:2] for box in form.plan.boxes if box.field == "open")
    assert form.values()[open_at[0]][open_at[1]] == "待处理 3 处", "the new row, the weights of its part, those of the form"


def test_a_row_that_is_deleted_leaves_no_error_behind(live):  # noqa: F811
    edition, filling = examples.load(os.path.join(examples.DATA, "renda-2022.toml"))
    form = live(edition, filling)
    before, total = form.values(), form.plan.names["pe_total"][:2]
    rows = [form.plan.names["pe_indicators"][2] - 3, form.plan.names["pe_indicators"][0] + 4]
    for row in rows:
        form.sheet.Rows.removeByIndex(row, 1)
    values = form.values()
    lost = sum(before[row][form.column("score")] for row in rows)
    assert values[total[0] - 2][total[1]] == pytest.approx(before[total[0]][total[1]] - lost, abs=1e-9)
    for one in form.computed:
        assert values[one.row][one.column] is not None, cell_name(one.row, one.column)


# ---- what people type ----

#: text, number with its format, or formula
TYPED = [
    ("7月31日前", ("MM/DD/YY", 44762.0)), (("MM/DD/YY", 44773.0), "2022年7月30日"), ("≥90%", "95%"), (" ≥ 90 % ", " 95 % "),
    ("≥９０％", "９５％"), ("≥90%\n", "95\n%"), ("≥90%", ("=", "=1/0")), ("≥90%", ("0.00%", 0.95)), ("≥90%", ("0%", 1.0)),
    ("≥90", ("0", 95.0)), ("≥90%", ("General", 0.95)), ("≥90%", ("yyyy-mm-dd", 44773.0)),
    (("yyyy\"年\"m\"月\"d\"日\"", 44773.0), "2022年7月30日"), (("0%", 0.9), ("0.0%", 0.666)), (("General", 5.0), ("General", 4.0)),
    ("5", "4"), ("5件", " 4 件"), ("≥1,000元", "999.5元"), ("≥3万元", "25000元"), ("≥90%", ("=", "=NA()")), ("≥90%", ("=", "=1=1")),
    (("=", "=1=1"), "95%"), (("=", '="≥"&"90%"'), ("=", '=95&"%"')), ("≥90%", "95%左右"), ("≥90%", "'95%"), ("≥90%", "95 %。"),
    ("合规", "合规"), ("合规", "基本合规"), ("合规", ("0%", 0.8)), ("合规", ("General", 1.0)), ("合规", "部分达成预期指标并具有一定效果"),
    ("≤5件", "0件"), ("≤5件", ("General", 8.0)), ("0起", "2起"), ("7月31日前", "7月20日"), ("7月31日前", ("yyyy-mm-dd", 44762.0)),
    ("≥-5%", "-3%"), ("≥-5%", "-8%"), ("90%-95%", "92%"), ("90%~95%", "96%"), ("±5%", "-4%"), ("±5%", "6%"),
    ("百分之九十五以上", "百分之九十"), ("不少于三次", "2次"), ("满意度≥90%", "85.5%"), ("≥3‰", "0.2%"), ("", "95%"), ("≥90%", ""),
    ("", ""), ("/", "—"), ("≥%", ""), ("100%", "100.00%"), ("≥90%", "#REF!"), ("≥90%", "=95%"), ("≥90%", "1e2%"), ("≥10㎡", "8.5㎡"),
    ("≥50mg/L", "40mg/L"), ("≥2次/年", "1次"), ("≥620万/月", "310万元/月"), ("≥12个月", "6个月"), ("10个工作日内", "20个工作日"),
    ("≥95.555%", "95.5%"), ("≥6", "1.07"), ("*", "?"), ("~", "~"), ("?", "?"), ("|", "|"), ("¦", "¦"), ("≥90%|", "95%"), ("合规\u200b", "合规"),
    ("\ufeff≥90%", "95%"),
]

#: what the core scores and LibreOffice's formulas do not: a day whose format LibreOffice does not tell, TRUE as a word, a broken bar
LEFT = {(('yyyy"年"m"月"d"日"', 44773.0), "2022年7月30日"), ("7月31日前", ("yyyy-mm-dd", 44762.0)), (("=", "=1=1"), "95%"), ("¦", "¦")}


def type_into(form: Live, row: int, column: int, what) -> None:
    cell = form.sheet.getCellByPosition(column, row)
    formats, locale = form.document.NumberFormats, form.document.CharLocale
    if isinstance(what, str):
        cell.setString(what)
        return
    shown, value = what
    if shown == "=":
        shown = "General"
    key = formats.queryKey(shown, locale, False)
    cell.NumberFormat = key if key >= 0 else formats.addNew(shown, locale)
    if isinstance(value, str):
        cell.setFormula(value)
    else:
        cell.setValue(value)


def test_whatever_is_typed_the_file_gets_the_score_that_a_check_of_it_gives_or_is_left_to_a_person(calc, live, tmp_path):  # noqa: F811
    form = live(*many_rows("shangjie", len(TYPED)))
    top = form.plan.names["pe_indicators"][0]
    for n, (target, actual) in enumerate(TYPED):
        type_into(form, top + n, form.column("target"), target)
        type_into(form, top + n, form.column("actual"), actual)
        form.put(top + n, form.column("weight"), [[5.0]])
        form.put(top + n, form.column("name"), [[f"某项工作{chr(0x4E00 + n)}"]])
    values = form.values()
    broken = [(line, column) for line, cells in enumerate(values) for column, value in enumerate(cells) if value is None]
    typed = {(top + n, form.column(side)) for n, pair in enumerate(TYPED) for side, what in zip(("target", "actual"), pair, strict=True)
             if isinstance(what, tuple) and str(what[1]) in ("=1/0", "=NA()")}
    assert set(broken) <= typed, [cell_name(*place) for place in set(broken) - typed]
    found = saved(calc, form, tmp_path / "typed.xlsx")
    by_row = {row.place.row: result for row, result in zip(found.form.indicators, found.card.rows, strict=True)}
    left = []
    for n, pair in enumerate(TYPED):
        mine = values[top + n][form.column("score")]
        if top + n not in by_row:
            assert mine == ""
            continue
        result = by_row[top + n]
        core = None if result.score is None else float(result.score)
        if isinstance(mine, float):
            assert core == pytest.approx(mine, abs=1e-9), (pair, core, mine)
            deviation = values[top + n][form.column("deviation")]
            if isinstance(deviation, float):
                assert scoring.half_up(result.attainment.deviation, 4) == scoring.Decimal(str(round(deviation, 9))), pair
        else:
            assert mine in ("", formulas.ASK), (pair, mine)
            assert mine or core is None, pair
            left += [pair] if core is not None else []
    print(f"\nleft to a person, of {len(TYPED)}: {left}")
    assert set(left) <= LEFT


def test_a_score_given_by_hand_counts_only_where_no_rule_decides(live):  # noqa: F811
    form = live(*many_rows("shangjie", 5))
    top, total = form.plan.names["pe_indicators"][0], form.plan.names["pe_total"][:2]
    for n, (target, actual, hand) in enumerate((("≥90%", "45%", 5.0), ("约90%", "大概", 4.0), ("约90%", "大概", "四分"))):
        for field, value in (("name", "某项"), ("target", target), ("actual", actual), ("weight", 5.0), ("hand", hand)):
            form.put(top + n, form.column(field), [[value]])
    values = form.values()
    assert [values[top + n][form.column("score")] for n in range(3)] == [2.5, 4.0, formulas.ASK]
    assert values[total[0]][total[1]] == f"第{top + 3}行{formulas.ASK}"


# ---- last year's form ----


def test_a_filled_form_of_last_years_edition_is_said_so_by_check_and_by_consolidate(tmp_path, monkeypatch, capsys):
    from openpyxl import load_workbook

    present = get("shangjie-2022")
    edition, filling = examples.load(os.path.join(examples.DATA, "renda-2022.toml"))
    path = tmp_path / "人大办.xlsx"
    workbook_file.build(str(path), edition, filling._replace(year=2023), macros=False)
    later = {**editions(), "shangjie-2023": present._replace(id="shangjie-2023", year=2023)}
    monkeypatch.setattr(layout, "editions", lambda: later)
    words = "本表用的是“shangjie-2022”，本年度应用“shangjie-2023”。"
    cli.main(["check", str(path)])
    assert words in capsys.readouterr().out
    (found,) = record.check_file(str(path))
    assert found.grid.stamp["pe_edition"] == "shangjie-2022" and found.grid.stamp["pe_form_version"]
    # the later edition is known to this process alone
    monkeypatch.setattr(contain, "portions", lambda many, one, chunks, lost, workers, *options: (
        pair for chunk in chunks for pair in zip(chunk, many(chunk, *options), strict=True)))
    cli.main(["consolidate", str(path), "-o", str(tmp_path / "区.xlsx"), "--workers", "1"])
    book = load_workbook(tmp_path / "区.xlsx")
    assert any(words in str(cell.value) for sheet in book.worksheets for line in sheet.iter_rows() for cell in line)
