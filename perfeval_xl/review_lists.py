"""The two lists in front of a review copy, 校验结果 and 逐行核对, and the means of writing cells that the marked form shares with them.

openpyxl is imported inside the functions: ``check`` must start without it.
"""

import os
import unicodedata
from copy import copy
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import NamedTuple

from perfeval_xl import messages
from perfeval_xl.checks_rows import score_tolerance
from perfeval_xl.compare import agree, percent
from perfeval_xl.messages import Finding
from perfeval_xl.model import Entry, cell_name, column_name
from perfeval_xl.numbers import half_up
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import Record


class Look(NamedTuple):
    """How a severity is shown: never by colour alone, but by the line of the frame and a sign as well."""

    rank: int
    line: str
    colour: str
    fill: str
    sign: str


#: severity -> how it is shown
LOOKS = {"error": Look(0, "thick", "C00000", "FDE4E4", "■"), "warning": Look(1, "medium", "C67600", "FFF3D1", "▲"),
         "note": Look(2, "mediumDashed", "2F6DB5", "E3EEF9", "○")}

#: headings and phrases, (Chinese, English). The headings of the second list avoid those of the form: a review copy that is checked
#: again must not show a form where there is only a list
_WORDS = {
    "results": ("校验结果", "Check results"), "lines": ("逐行核对", "Row by row"),
    "title": ("绩效自评表校验结果", "Self-assessment form: check results"),
    "line_title": ("逐行核对：表上填的与按规则重算的", "Row by row: as stated and as recomputed"),
    "about": ("原文件：{file}。本批注版只供查看，请在原文件上修改后重新报送；点“位置”可跳到该单元格，批注里有同样的说明。",
              "Submitted file: {file}. This copy is for reading; correct the submitted file. Click a place to jump to its cell."),
    "line_about": ("数值按本表自身的数据和本版评分规则重算；“由人工评分”的行按表上得分计入总分。",
                   "Recomputed from the form's own figures under the edition's rules; rows scored by hand enter the total as stated."),
    "error": ("必须改正", "must be corrected"), "warning": ("请核对", "look at it"), "note": ("供参考", "for information"),
    "summary": (("部门（单位）", "工作表", "表上总分", "重算总分", "年度和版本", "发现", "等级"),
                ("Department", "Sheet", "Total stated", "Total recomputed", "Year and edition", "Found", "Grade")),
    "table": (("序号", "级别", "代码", "位置", "项目", "表上填的", "应为", "说明", "怎么改", "依据"),
              ("No.", "Severity", "Code", "Place", "Item", "Stated", "Expected", "What is wrong", "What to do", "Source")),
    "line_table": (("位置", "三级指标／资金项目", "指标值／预算数", "完成值／执行数", "分值", "表上得分", "重算得分", "差",
                    "表上偏差度／执行率", "重算偏差度／执行率", "结论"),
                   ("Place", "Indicator / funds row", "Target / budget", "Actual / executed", "Weight", "Score stated", "Recomputed", "Gap",
                    "Deviation / rate stated", "Recomputed", "Result")),
    "year": ("{year}年度", "{year}"), "grade": ("{now}（表上：{was}）", "{now} (stated: {was})"), "blank": ("未填", "blank"),
    "places": ("{area} 共 {n} 处", "{area} ({n} cells)"), "items": ("{names}等 {n} 项", "{names} and others ({n} in all)"),
    "whole": ("整张表", "whole form"), "report": ("报告", "report"), "clean": ("没有发现问题", "nothing found"), "refused": ("读不了", "unreadable"),
    "kind": ("没有发现需要改正或说明的地方，感谢认真填报！", "Nothing to correct or to explain. Thank you for the care taken."),
    "funds": ("资金执行情况", "Funds"), "total": ("总分", "Total"), "grades": ("等级", "Grade"),
    "unread": ("按全国通用规则阅读", "read under the national rules"),
    "same": ("一致", "agrees"), "by_hand": ("由人工评分", "scored by hand"),
    "score": ("得分不符", "score differs"), "no_score": ("得分未填", "score blank"),
    "deviation": ("偏差度不符", "deviation differs"), "rate": ("执行率不符", "rate differs"), "sum": ("总分不符", "total differs"),
    "page": ("第 &P 页，共 &N 页", "Page &P of &N"),
}
_WIDTHS, _LINE_WIDTHS = (5, 9, 7, 20, 18, 12, 12, 36, 27, 19), (8, 32, 20, 20, 7, 10, 12, 8, 13, 13, 18)
_FONT, _EDGE, _HEAD, _BAND = "微软雅黑", "A6A6A6", "D9E2EC", "F2F2F2"
#: number formats of the second list by column: weights as they are, a gap of nothing is not shown
_FORMATS = {4: "General", 7: "+0.00;-0.00;"}
#: characters that no part of a workbook may hold
CONTROL = Pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def word(key: str, lang: str, **args: object):
    """A heading or phrase in the language."""
    words = _WORDS[key][lang == "en"]
    return words.format(**args) if args else words


# ---- cells ----


def put(cell, value: object) -> None:
    """Writes a value as what it is; a text stays a text whatever it begins with."""
    if isinstance(value, Decimal):
        value = float(value)
    if value is None or isinstance(value, (bool, int, float, datetime, date, time, timedelta)):
        cell.value = value
        return
    text = CONTROL.sub("", str(value))[:32767]
    if text:
        cell.value = text
        cell.data_type = "s"
        cell.quotePrefix = 1 if text[0] in "=+-@" else 0  # keeps it a text when somebody edits the cell


def wide(text: str) -> int:
    """Width of a text in characters, a Chinese one being two."""
    return sum(2 if unicodedata.east_asian_width(one) in "WFA" else 1 for one in text)


def line_count(text: str, width: float) -> int:
    """Lines that a text takes in a column of so many characters, a little on the safe side."""
    return sum(max(1, -(-wide(line) // max(int(width) - 2, 2))) for line in text.split("\n"))


def style_cell(cell, size: int = 10, bold: bool = False, colour: str = "000000", fill: str = "", align: str = "left", edge: bool = True):
    """Font, alignment, fill and border of a cell, all of it at once."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side

    cell.font = Font(name=_FONT, size=size, bold=bold, color=colour)
    cell.alignment = Alignment(horizontal=align, vertical="center", wrap_text=True, indent=1 if align in ("left", "right") and edge else 0)
    if fill:
        cell.fill = PatternFill("solid", fgColor=fill)
    if edge:
        line = Side("thin", _EDGE)
        cell.border = Border(line, line, line, line)


def set_page(ws, orientation: str, lang: str = "zh") -> None:
    """A4, one page wide, page numbers at the foot."""
    ws.page_setup.paperSize, ws.page_setup.orientation = 9, orientation
    ws.sheet_properties.pageSetUpPr.fitToPage = True
    ws.page_setup.fitToWidth, ws.page_setup.fitToHeight = 1, 0
    ws.page_margins.left = ws.page_margins.right = 0.4
    ws.page_margins.top, ws.page_margins.bottom, ws.page_margins.footer = 0.5, 0.7, 0.3
    ws.print_options.horizontalCentered = True
    ws.oddFooter.center.text = word("page", lang)


def area_of(merges: list, finding: Finding) -> tuple[int, int, int, int]:
    """The merged area (or the one cell) of a finding: top, left, bottom, right."""
    row, column = finding.row, finding.column
    return next((area for area in merges if area[0] <= row <= area[2] and area[1] <= column <= area[3]), (row, column, row, column))


def frame(ws, area: tuple[int, int, int, int], look: Look) -> None:
    """Fill and outline of an area. The neighbours get the same side: programs differ in whose side of a shared line they draw."""
    from openpyxl.styles import PatternFill, Side

    top, left, bottom, right = area
    fill, side = PatternFill("solid", fgColor=look.fill), Side(look.line, look.colour)
    for row in range(top, bottom + 1):
        for column in range(left, right + 1):
            ws.cell(row + 1, column + 1).fill = fill
        for column, name, own in ((left, "left", True), (left - 1, "right", False), (right, "right", True), (right + 1, "left", False)):
            _side(ws, row, column, name, side, own)
    for column in range(left, right + 1):
        for row, name, own in ((top, "top", True), (top - 1, "bottom", False), (bottom, "bottom", True), (bottom + 1, "top", False)):
            _side(ws, row, column, name, side, own)


def _side(ws, row: int, column: int, name: str, side, own: bool = True) -> None:
    """One side of one cell. A neighbour that heads a merged area is left alone: its side would be drawn along the whole area."""
    if row >= 0 and column >= 0 and (own or not any((row + 1, column + 1) == (one.min_row, one.min_col) for one in ws.merged_cells.ranges)):
        cell = ws.cell(row + 1, column + 1)
        border = copy(cell.border)
        setattr(border, name, side)
        cell.border = border


# ---- the two lists ----


class _Link(NamedTuple):
    """A text that jumps to an area of a sheet."""

    text: str
    sheet: str
    area: str


def _row(ws, row: int, values: tuple, widths: tuple, centred: tuple = (), size: int = 10, formats: dict | None = None, **style) -> None:
    """One line of a list: each value wrapped in its cell, the height by the longest."""
    formats = formats or {}
    from openpyxl.styles import Font
    from openpyxl.worksheet.hyperlink import Hyperlink

    high = 1
    for column, value in enumerate(values):
        cell = ws.cell(row, column + 1)
        text = value.text if isinstance(value, _Link) else value
        limit = 400 if widths[column] > 20 else widths[column] * 4
        if isinstance(text, str) and len(text) > limit:
            text = f"{text[:limit]}……"
        number = isinstance(text, (Decimal, int))
        style_cell(cell, size, align="center" if number or isinstance(text, Decimal) or column in centred else "left", **style)
        put(cell, text)
        if isinstance(text, Decimal):
            cell.number_format = formats.get(column, "0.00")
        if isinstance(value, _Link):
            quoted = value.sheet.replace("'", "''")
            cell.hyperlink = Hyperlink(ref=cell.coordinate, location=f"'{quoted}'!{value.area}", display=None)
            cell.font = Font(name=_FONT, size=size, color="0563C1", underline="single")
        high = max(high, line_count(str(text), widths[column] * 10 / size)) if text is not None else high
    ws.row_dimensions[row].height = min(high * size * 1.5 + 6, 409)


def _banner(ws, title: str, about: str, widths: tuple) -> None:
    style_cell(ws.cell(1, 1), 16, bold=True, align="center", edge=False)
    style_cell(ws.cell(2, 1), 9, colour="595959", edge=False)
    for row, text, high in ((1, title, 32), (2, about, 8 + 14 * line_count(about, sum(widths) * 1.1))):
        ws.merge_cells(start_row=row, start_column=1, end_row=row, end_column=len(widths))
        put(ws.cell(row, 1), text)
        ws.row_dimensions[row].height = high
    for column, width in enumerate(widths):
        ws.column_dimensions[column_name(column)].width = width


def _header(ws, row: int, widths: tuple, words: tuple, lang: str, freeze: bool = True) -> None:
    """The heading row of a list: repeated on every printed page, kept on the screen."""
    _row(ws, row, words, widths, tuple(range(len(words))), bold=True, fill=_HEAD)
    set_page(ws, "landscape", lang)
    ws.print_title_rows = f"{row}:{row}"
    if freeze:
        ws.freeze_panes = ws.cell(row + 1, 1)


def results_sheet(ws, records: list[Record], titles: list[str], lang: str) -> None:
    """校验结果: what was submitted in a line for each form, then every finding with a link to its cell."""
    _banner(ws, word("title", lang), word("about", lang, file=os.path.basename(records[0].path)), _WIDTHS)
    for severity, (first, last) in zip(LOOKS, ((1, 4), (5, 7), (8, 8)), strict=True):
        look = LOOKS[severity]
        ws.merge_cells(start_row=3, start_column=first, end_row=3, end_column=last)
        cell = ws.cell(3, first)
        style_cell(cell, 10, align="center", edge=False)
        put(cell, f"{look.sign} {messages.severity_word(severity, lang)}{'：' if lang == 'zh' else ': '}{word(severity, lang)}")
        frame(ws, (2, first - 1, 2, last - 1), look)
    ws.row_dimensions[3].height = 22
    row = _summary(ws, records, titles, lang)
    _header(ws, row, _WIDTHS, word("table", lang), lang, len(records) <= 3)
    start = row
    for one, title in zip(records, titles, strict=True):
        for values, look in _findings(one, title, lang):
            row += 1
            _row(ws, row, (row - start, *values), _WIDTHS, (1, 2, 3, 5, 6))
            style_cell(ws.cell(row, 2), bold=True, colour=look.colour, fill=look.fill, align="center")
    if row == start:
        _row(ws, row + 1, (word("kind", lang), *[None] * (len(_WIDTHS) - 1)), (sum(_WIDTHS), *_WIDTHS[1:]), (0,), 12)
        ws.merge_cells(start_row=row + 1, start_column=1, end_row=row + 1, end_column=len(_WIDTHS))
        ws.row_dimensions[row + 1].height = 40


def _summary(ws, records: list[Record], titles: list[str], lang: str) -> int:
    """One line for each form; gives the row where the findings may begin."""
    widths = (sum(_WIDTHS[:4]), *_WIDTHS[1:])
    heads = word("summary", lang)
    for row, values in enumerate((heads, *(_in_short(one, title, lang) for one, title in zip(records, titles, strict=True))), 4):
        _row(ws, row, (values[0], None, None, None, *values[1:]), widths, (4, 5, 6, 8, 9) if row > 4 else tuple(range(10)),
             bold=row == 4, fill=_HEAD if row == 4 else "")
        ws.merge_cells(start_row=row, start_column=1, end_row=row, end_column=4)
    return 6 + len(records)


def _in_short(record: Record, title: str, lang: str) -> tuple:
    form, card, edition = record.form, record.card, record.edition
    sheet = _Link(title, title, "A1") if title else ""
    if form is None:
        return "", sheet, "", "", record.refusal.words(lang), word("refused", lang), ""
    found = "  ".join(f"{look.sign}{messages.severity_word(severity, lang)} {sum(one.severity == severity for one in record.findings)}"
                      for severity, look in LOOKS.items())
    grade = word("grade", lang, now=card.grade or "—", was=form.grade.text or word("blank", lang)) if form.grade else card.grade or "—"
    year = [word("year", lang, year=form.year)] if form.year else []
    names = " / ".join(entry.text for entry in (form.department, form.project) if entry is not None and entry.text)
    return (names, sheet, _figure(form.totals[0], lang), "—" if card.total is None else card.total,
            " · ".join([*year, f"{edition.name}（{edition.id}）" if form.recognised else word("unread", lang)]),
            found if record.findings else word("clean", lang), grade)


def _figure(entry: Entry | None, lang: str, needed: bool = True) -> object:
    """A stated figure: a number where it is one, else the text as it stands; a blank one is said to be so where it is needed."""
    if entry is None:
        return ""
    return entry.number if entry.number is not None and not entry.problem else entry.text or (word("blank", lang) if needed else "")


def _findings(record: Record, title: str, lang: str):
    """The lines of one form: (values from 级别 on, look), like findings of consecutive cells in one."""
    if record.refusal is not None:
        place = _Link(word("whole", lang), title, "A1") if title else word("whole", lang)
        severity = f"{LOOKS['error'].sign} {messages.severity_word('error', lang)}"
        yield (severity, record.refusal.code, place, "", "", "", record.refusal.words(lang), "", ""), LOOKS["error"]
    for run in folded(record):
        one, look = run[0], LOOKS[run[0].severity]
        labels = list(dict.fromkeys(finding.label for finding in run))
        label = ("、", ", ")[lang == "en"].join(labels[:3])
        one = one._replace(label=label if len(labels) <= 3 else word("items", lang, names=label, n=len(labels)))
        area = cell_name(one.row, one.column) if one.row >= 0 else "A1"
        text = f"{title}!{area}" if one.row >= 0 else word("report" if one.code[0] == "R" else "whole", lang)
        if len(run) > 1:
            area = f"{area}:{cell_name(run[-1].row, run[-1].column)}"
            text = word("places", lang, area=f"{title}!{area}", n=len(run))
        severity = f"{look.sign} {messages.severity_word(one.severity, lang)}"
        yield (severity, one.code, _Link(text, title, area), one.label, one.stated or "—", one.expected or "—",
               messages.message(one, lang), messages.fix(one, lang), messages.source(one, lang)), look


def folded(record: Record) -> list[list[Finding]]:
    """The findings in the order of their cells, those of one kind in consecutive cells of a column together."""
    runs: list[list[Finding]] = []
    for one in sorted(record.findings, key=lambda finding: (finding.code, finding.column, finding.row)):
        last = runs[-1][-1] if runs else None
        if last is not None and one.row >= 0 and one._replace(label="", row=0) == last._replace(label="", row=0) and \
                one.row == area_of(record.grid.merged, last)[2] + 1:
            runs[-1].append(one)
        else:
            runs.append([one])
    return sorted(runs, key=lambda run: (run[0].row, run[0].column, run[0].code))


def lines_sheet(ws, records: list[Record], titles: list[str], lang: str) -> None:
    """逐行核对: every funds row, every indicator and the total, stated and recomputed side by side."""
    _banner(ws, word("line_title", lang), word("line_about", lang), _LINE_WIDTHS)
    row = 3
    _header(ws, row, _LINE_WIDTHS, word("line_table", lang), lang)
    for one, title in zip(records, titles, strict=True):
        if one.form is None:
            continue
        bands = [((_Link(title, title, "A1"), one.form.department.text if one.form.department else ""), [])] if len(records) > 1 else []
        for band, lines in (*bands, *_blocks(one, lang)):
            row += 1
            _row(ws, row, (*band, *[""] * (len(_LINE_WIDTHS) - len(band))), _LINE_WIDTHS, formats=_FORMATS, bold=True, fill=_BAND)
            for entry, values, verdict in lines:
                row += 1
                place = cell_name(entry.row, entry.column) if entry is not None and entry.row >= 0 else ""
                stated, due = values[4:6]
                gap = stated - due if isinstance(stated, Decimal) and isinstance(due, Decimal) else ""
                words = "、".join(word(key, lang) for key in verdict)
                link = _Link(place, title, place) if place else ""
                _row(ws, row, (link, *values[:6], gap, *values[6:], words), _LINE_WIDTHS, (0, 4, 5, 6, 8, 9, 10), formats=_FORMATS)
                if set(verdict) - {"same", "by_hand"}:
                    style_cell(ws.cell(row, 11), bold=True, colour=LOOKS["error"].colour, fill=LOOKS["error"].fill, align="center")


def _blocks(record: Record, lang: str):
    """The form in bands: (heading cells, lines); a line is (entry to jump to, name to recomputed rate, verdict)."""
    form, card = record.form, record.card
    if form.funds:
        yield ("", word("funds", lang)), [_funds_line(record, row, rate, lang) for row, rate in zip(form.funds, card.rates, strict=True)]
    scores = {part.name: part for part in card.parts}
    rows = list(zip(form.indicators, card.rows, strict=True))
    for name in dict.fromkeys(row.part for row, _ in rows):
        part = scores.get(name)
        figures = ("", "", part.weight, "", part.score) if part else ()
        yield ("", name, *figures), [_indicator_line(record, row, result, lang) for row, result in rows if row.part == name]
    stated, weight = form.totals[0], _figure(form.total_weight, lang) if form.total_weight else ""
    agrees = card.total is not None and stated.number is not None and agree(stated, card.total, score_tolerance(form, record.edition))
    blamed = any((one.row, one.column, one.severity) == (stated.row, stated.column, "error") for one in record.findings)
    verdict = ["blank"] if stated.number is None else ["sum"] if blamed else [] if card.total is None else ["same" if agrees else "sum"]
    total = "—" if card.total is None else card.total
    lines = [(stated, (word("total", lang), "", "", weight, _figure(stated, lang), total, "", ""), verdict)]
    if card.grade or form.grade:
        was = (form.grade.text or word("blank", lang)) if form.grade else ""
        lines.append((form.grade, (word("grades", lang), "", "", "", was, card.grade or "", "", ""), []))
    yield ("", word("total", lang)), lines


def _funds_line(record: Record, row, rate: Decimal | None, lang: str) -> tuple:
    due = record.card.funds_score if row.role == "total" else None
    tolerance = record.edition.tolerance
    verdict = _verdict(_answer(row.score, due, tolerance.score, "score"), _answer(row.rate, rate, tolerance.rate, "rate"))
    budget, spent = (entry.text if entry else "" for entry in (row.adjusted or row.initial, row.executed))
    return (row.score or row.rate or row.executed,
            (row.label, budget, spent, _figure(row.weight, lang, False), _figure(row.score, lang, due is not None),
             "" if due is None else due, row.rate.text if row.rate else "", "" if rate is None else percent(half_up(rate, 2))), verdict)


def _two_decimals(deviation: Entry | None) -> str:
    """A stated deviation as the forms print it: 100.00%; anything that is no percentage as it stands."""
    if deviation is None or deviation.number is None or deviation.unit != "%":
        return deviation.text if deviation else ""
    return f"{half_up(deviation.number, 2)}%"


def _indicator_line(record: Record, row, result, lang: str) -> tuple:
    form, edition, deviation = record.form, record.edition, result.attainment.deviation
    shown = deviation is not None and "deviation" in form.columns
    scored = row.weight is not None and row.weight.number is not None and row.score is not None and not row.score.covered
    verdict = _verdict(_answer(row.score, result.score, score_tolerance(form, edition), "score") or ("by_hand" if scored else ""),
                       _answer(row.deviation, deviation * 100, edition.tolerance.rate, "deviation") if shown else "")
    return (row.score or row.place,
            (row.name, row.target_entry.text if row.target_entry else "", row.actual_entry.text if row.actual_entry else "",
             _figure(row.weight, lang, False), _figure(row.score, lang, scored), "" if result.score is None else result.score,
             _two_decimals(row.deviation), f"{half_up(deviation * 100, 2)}%" if shown else ""), verdict)


def _answer(stated: Entry | None, due: Decimal | None, tolerance: Decimal, key: str) -> str:
    """What is to be said of a stated figure: "same", that it differs (``key``), that a score is blank, "" if nothing can be compared."""
    if stated is None or due is None or stated.covered or stated.number is None:
        return "no_score" if key == "score" and stated is not None and due is not None and not stated.covered else ""
    return "same" if agree(stated, due, tolerance) else key


def _verdict(*answers: str) -> list[str]:
    """What is wrong, else who decides, else that all agrees."""
    said = [answer for answer in dict.fromkeys(answers) if answer]
    return [answer for answer in said if answer not in ("same", "by_hand")] or [answer for answer in said if answer == "by_hand"] or said
