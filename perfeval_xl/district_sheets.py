"""区级汇总.xlsm: the workbook in which a bureau consolidates with a button. Its first sheet says what to do in three steps and takes the
folder; the lists stand ready with headings, formats, totals and charts, and ⑧汇总 (``district_buttons``) fills them with values.

What depends on the values is done by the sheets themselves: colours and lines by conditional formats, totals, counts and links by formulas,
so that a list is one write however long it is.
"""

import io
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from perfeval_xl import district_charts, district_lists, district_summary, files, sheets, vba, workbook_file
from perfeval_xl.district_book import BAND, HEAD, STATE_COLOURS, Book, Place
from perfeval_xl.district_lists import Column
from perfeval_xl.edition import get
from perfeval_xl.form_sheet import KINDS
from perfeval_xl.long_list import LongList
from perfeval_xl.messages import Refusal
from perfeval_xl.model import cell_name, column_name
from perfeval_xl.review_lists import LOOKS

NAME = "区级汇总"
#: the names of the workbook: where the folder and the year are typed, where the last run is told, the roster, and the first cell of each list
FOLDER, YEAR, SAID, ROSTER = "pe_folder", "pe_run_year", "pe_run_said", "pe_roster"
RECEIVED, SUMMARY, INDICATORS, FINDINGS, ANALYSIS, FIGURES = LISTS = (
    "pe_received", "pe_summary", "pe_rows", "pe_findings", "pe_analysis", "pe_figures")
#: forms that one open workbook takes; what is more belongs to the command line. Rows of each list that are ready
FORMS = 3_000
_READY = {RECEIVED: FORMS * 2, SUMMARY: FORMS * 2, INDICATORS: 120_000, FINDINGS: 30_000}
#: findings whose place is a link, and what the link says
LINKED, OPEN = 3_000, "打开"
#: columns of 汇总表: those that are printed in every run, the parts, of which so many have room, and those that are only looked at
SUMMARY_KEYS = ("rank", "department", *district_summary.MONEY, "rate", *district_summary.JUDGED, *district_summary.COUNTS)
MORE_KEYS = ("project", *(f"role {role}" for role in district_summary.ROLES))
PARTS = 8
#: rows of 图表数据 that the charts draw: departments, then parts; a heading stands above each
BARS, SHARES, _TOP = district_charts.BARS, 6, 30
_NO_EDGE, _EDGE = {"border": 0}, {"border": 1, "border_color": "#BFBFBF"}


class Area(NamedTuple):
    """Where a list stands on its sheet, zero-based: the row of its headings, and the first one of its values."""

    heads: int
    first: int


#: 汇总表 has its totals above the headings: below the values they would have to move
AREAS = {RECEIVED: Area(2, 3), SUMMARY: Area(3, 4), INDICATORS: Area(2, 3), FINDINGS: Area(2, 3), ANALYSIS: Area(_TOP - 1, _TOP),
         FIGURES: Area(0, 1)}


def content() -> bytes:
    """The workbook as bytes, always the same ones. Raises Refusal X712 without the excel extra."""
    stream = io.BytesIO()
    book = Book(stream, 0)
    with book.workbook as workbook:
        _start(book)
        _roster(book)
        _received(book)
        place = _summary(book)
        _indicators(book)
        _findings(book)
        _analysis(book, place)
        sheets.configuration(workbook)
        sheets.state(workbook)
        workbook.add_vba_project(io.BytesIO(vba.project(len(workbook.worksheets()), kind=vba.DISTRICT)), is_stream=True)
        workbook.set_calc_mode("auto", workbook_file.ENGINE)
        workbook.calc_on_load = False
    return vba.add_ribbon(stream.getvalue(), vba.DISTRICT)


def build(path: str) -> None:
    """Writes the workbook in one step; what stands at ``path`` is replaced. Raises Refusal X116, X712."""
    files.replace(path, content())


def new(path: str) -> None:
    """A fresh workbook for a bureau. Refuses another extension than .xlsm (X118) and a file that is there already (X117)."""
    if os.path.splitext(path)[1].lower() != ".xlsm":
        raise Refusal("X118", file=path)
    if os.path.lexists(path):
        raise Refusal("X117", file=path)
    build(path)


def shipped() -> str:
    """Writes the workbook into ``workbook/`` anew; gives its path."""
    path = os.path.join(workbook_file.FOLDER, f"{NAME}.xlsm")
    build(path)
    return path


# ---- 使用说明 and 名册 ----


_STEPS = (
    ("1　放进来", "按“选文件夹…”，选装着各部门自评表的文件夹（里面还有文件夹也行，下级的汇总工作簿也行）；或者把各部门的自评表工作表复制到本工作簿里，"
                  "一个部门一张，放在哪里都行。"),
    ("2　名册", "在“名册”页贴上应报部门的名称，一行一个；单位自己的名册有“部门名称”或“单位名称”一栏的，可以整张贴在 A1。空着也能汇总，只是不知道谁没有报。"),
    ("3　汇总", "按⑧汇总。窗口最下面一行显示读到第几个，按 Esc 可以停。有人补报、改报了，再按一次就是新的结果。"),
)
_RESULTS = (
    ("报送情况", "谁没有报、谁报了、哪些应退回，每份表一行；旧版、重复、读不了的都写明原因。"),
    ("汇总表", "一个部门一行：资金、执行率、自评和重算的总分与等级、差错个数、各部分得分。表头上面的合计、平均随筛选变化。"),
    ("指标明细", "每个三级指标一行，可以按部门、指标、类型筛选。"),
    ("校验结果", "每处差错：表上填的、应为多少、怎么改、依据。点最后一栏打开原表的那一格。"),
    ("分析", "四张图，和需要先看的部门。"),
)
_TROUBLES = (
    ("提示宏已被禁用", "先关闭文件；在文件夹里右击它，选“属性”，勾上最下面的“解除锁定”，确定；再打开，点黄条上的“启用内容”。"),
    ("按了没有反应", "这台电脑要装好 Python 和本工具，运行 perfeval-xl doctor 看看缺什么。WPS、LibreOffice 里按钮不能用，用命令 perfeval-xl consolidate，结果一样。"),
    ("复制工作表时的提示", "问名称重复的，选“是”；问更新链接的，选“不更新”。收⑥报送版（没有宏）就不会问。"),
)
_ADVICE = (
    ("结果页", "每次汇总都整页重写，请不要在上面写字；要加批注、做别的表，另加一页，程序不会动它。不要删结果页。"),
    ("原表", "只读不改。同一部门报了几份的取保存时间最新的；复制到本工作簿里的没有保存时间，取最后一张。"),
    ("退回单、上报", f"要做退回单、批注版、可以报到市里的汇总工作簿，或者超过 {FORMS} 张表，用命令 perfeval-xl consolidate。"),
)


def _start(book: Book) -> None:
    """What to do in three steps, the two cells to be filled in, what the last run said, and the buttons."""
    page = sheets.Page(book.workbook, sheets.GUIDE, (20, 90))
    page.title(f"{NAME}　{sheets.GUIDE}")
    page.note("把各部门的自评表汇总成一册：谁没有报、各部门得多少分、哪里填错。只看自评表，不改动它们。")
    page.heading("一、三步做完")
    page.table((), _STEPS)
    page.heading("二、填这里，按按钮")
    edge = {"border": 1, "border_color": "#BFBFBF"}
    entry = page.look(**edge, indent=1, bg_color=KINDS["input"].fill, num_format="@", locked=False)
    shown = page.look(**edge, indent=1, bg_color=KINDS["computed"].fill, locked=False)  # ⑧ writes it; on a Mac no protection can be lifted
    for label, name, look in (("文件夹", FOLDER, entry), ("年度（可不填）", YEAR, entry), ("上一次汇总", SAID, shown)):
        book.workbook.define_name(name, f"={sheets.GUIDE}!$B${page.row + 1}")
        page.cells((label, "还没有汇总。" if name == SAID else ""), (page.look(**edge, bold=True, indent=1), look))
        page.sheet.set_row(page.row - 1, 36 if name == SAID else 26)
    page.sheet.data_validation(page.row - 2, 1, page.row - 2, 1, {
        "validate": "custom", "value": f'=AND(LEN(B{page.row - 1})=4,LEFT(B{page.row - 1},2)="20",ISNUMBER(-B{page.row - 1}))',
        "input_title": "年度", "input_message": "如 2022。不填就取名册上写的，再没有就取多数表的年度。", "error_title": "年度", "error_message": "请填四位数的年度，如 2022。"})
    page.sheet.set_row(page.row, 40)
    for n, button in enumerate(vba.DISTRICT.buttons):
        page.sheet.insert_button(page.row, 1, {"macro": button.macro, "caption": button.caption, "description": button.tip, "width": 150,
                                               "height": 32, "x_offset": 8 + n * 170, "y_offset": 10})
    page.row += 1
    for heading, rows in (("三、结果在哪里", _RESULTS), ("四、按了按钮不对劲", _TROUBLES), ("五、要点", _ADVICE)):
        page.heading(heading)
        page.table((), rows)
    page.sheet.protect("", {"objects": True, "format_columns": True, "format_rows": True})


def _roster(book: Book) -> None:
    """Who has to submit: three columns to paste into."""
    sheet = book.workbook.add_worksheet("名册")
    head, text = book.look("centre", bold=True, bg_color=KINDS["heading"].fill), book.look("text", **_NO_EDGE)
    for column, (label, width) in enumerate((("部门名称", 40), ("曾用名", 40), ("年度", 10))):
        sheet.set_column(column, column, width, text)
        sheet.write_string(0, column, label, head)
    sheet.data_validation(1, 0, 1, 0, {"validate": "any", "input_title": "名册", "input_message": (
        "从这里起贴上应报部门的名称，一行一个，以自评表上写的为准。改过名的，旧名称写在“曾用名”，几个的用顿号隔开。")})
    sheet.freeze_panes(1, 0)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    book.workbook.define_name(ROSTER, "=名册!$A$1")


# ---- the lists ----


def _list(book: Book, name: str, title: str, note: str, columns: Sequence[Column], frozen: int, printed: int = 0) -> LongList:
    """A sheet for a list of values: formats by columns, a filter over what is ready; the title stands over the ``printed`` columns (0 = all)."""
    area, last, ready = AREAS[name], len(columns) - 1, _READY[name]
    sheet = book.sheet(title, f"绩效自评{title}", note, columns[: printed or None], frozen, area.first)
    for n, column in enumerate(columns):
        sheet.set_column(n, n, column.width, book.look(column.look, **_NO_EDGE))
        if printed and n >= printed:
            sheet.write_string(area.heads, n, column.head, book.look("centre", bold=True, bg_color=HEAD, text_wrap=True))
    sure = "B" if name == SUMMARY else "A"  # filled in every row
    sheet.autofilter(area.heads, 0, area.first + ready - 1, last)
    book.workbook.define_name(name, f"={title}!$A${area.heads + 1}")
    if name == SUMMARY:
        return sheet
    # printed as far as it is filled in, and not all the rows that are ready
    filled = f"MAX({area.first + 1},COUNTA({title}!${sure}${area.first + 1}:${sure}${area.first + ready})+{area.first})"
    book.workbook.define_name(f"{title}!_xlnm.Print_Area", f"={title}!$A$1:INDEX({title}!${column_name(last)}:${column_name(last)},{filled})")
    return sheet


def _lines(book: Book, sheet: LongList, name: str, last: int) -> None:
    """Lines around what is filled in. After the colours: of two conditions that are met, LibreOffice shows the one that was made first."""
    first, sure = AREAS[name].first, "B" if name == SUMMARY else "A"
    sheet.conditional_format(first, 0, first + _READY[name] - 1, last, {
        "type": "formula", "criteria": f'=${sure}{first + 1}<>""', "format": book.workbook.add_format(_EDGE)})


def _words(book: Book, sheet: LongList, name: str, column: int, looks: Mapping[str, dict[str, Any]]) -> None:
    """Colours the cells of a column by the word in them."""
    first, letter = AREAS[name].first, column_name(column)
    for word, look in looks.items():
        sheet.conditional_format(first, column, first + _READY[name] - 1, column, {
            "type": "formula", "criteria": f'=${letter}{first + 1}="{word}"', "format": book.workbook.add_format({**look, **_EDGE})})


def _received(book: Book) -> None:
    columns = district_lists.received_columns(False)
    columns[3] = columns[3]._replace(look="wrap")
    sheet = _list(book, RECEIVED, district_lists.say("received"), "", columns, 2)
    sheet.write_formula(1, 0, f"={SAID}", book.look("wrap", font_size=9, font_color="#595959", **_NO_EDGE), "还没有汇总。")
    words = {"year": "other_year"}
    _words(book, sheet, RECEIVED, 2, {district_lists.say(words.get(state, state)): {"bg_color": f"#{colour}"} for state, colour in STATE_COLOURS.items()})
    _lines(book, sheet, RECEIVED, len(columns) - 1)


def _summary(book: Book) -> Place:
    area, keys = AREAS[SUMMARY], [*SUMMARY_KEYS, *["part"] * PARTS, *MORE_KEYS]
    columns = [Column("", 9.5, "score") if key == "part" else district_summary.column(key) for key in keys]
    name = district_summary.say("summary")
    printed = len(SUMMARY_KEYS) + SHARES
    sheet = _list(book, SUMMARY, name, district_summary.say("money"), columns, 2, printed)
    letters = {key: column_name(n) for n, key in enumerate(keys) if key != "part"}
    place = Place(name, area.first + 1, area.first + _READY[SUMMARY], letters)
    # whole columns are printed as far as they are used; what is only looked at would make the rest too small to read
    book.workbook.define_name(f"{name}!_xlnm.Print_Area", f"={name}!$A:${column_name(printed - 1)}")
    bold = {"bold": True, "bg_color": BAND}
    row = area.heads - 1
    for n, column in enumerate(columns):
        key, cells = keys[n], f"{column_name(n)}{place.first}:{column_name(n)}{place.last}"
        look = book.look(column.look, **bold)
        if key == "department":
            sheet.write_string(row, n, district_summary.say("sum"), look)
        elif (formula := _total(key, cells, letters, row + 1)) is None:
            sheet.write_blank(row, n, None, look)
        else:
            sheet.write_formula(row, n, f"={formula}", look, 0 if formula.startswith("SUBTOTAL(9") else " ")
    sheet.set_row(row, 22)
    sheet.freeze_panes(area.first, 2)
    district_summary.colour(book, sheet, place)
    _lines(book, sheet, SUMMARY, len(columns) - 1)
    return place


def _total(key: str, cells: str, letters: dict[str, str], row: int) -> str | None:
    """The formula above a column: the sum of money and findings, the mean of points, the rate of all money; they follow the filter."""
    if key in (*district_summary.MONEY, *district_summary.COUNTS) or key.startswith("role "):
        return f"SUBTOTAL(9,{cells})"
    if key == "rate":
        adjusted, executed = (f"{letters[one]}{row}" for one in ("adjusted", "executed"))
        return f'IF({adjusted}=0," ",ROUND({executed}/{adjusted}*100,2))'
    if key in ("stated", "total", "gap", "part"):
        return f'IF(SUBTOTAL(2,{cells})=0," ",ROUND(SUBTOTAL(1,{cells}),2))'
    return None


def _indicators(book: Book) -> None:
    columns = district_lists.indicator_columns()
    sheet = _list(book, INDICATORS, district_lists.say("rows"), district_lists.say("rows_note"), columns, 1)
    _lines(book, sheet, INDICATORS, len(columns) - 1)


def _findings(book: Book) -> None:
    """Behind the list a hidden column in which ⑧ writes where to jump, and one of links that look at it. A row that is not filled has none:
    a formula that shows nothing would be a page to LibreOffice when it prints."""
    columns = district_lists.finding_columns()
    columns[-1] = columns[-1]._replace(look="centre")
    sheet = _list(book, FINDINGS, district_lists.say("found"), district_lists.say("found_note"), [*columns, Column("", 8), Column(OPEN, 7, "link")], 2)
    target = len(columns)
    sheet.set_column(target, target, None, None, {"hidden": True})
    sheet.set_column(target + 1, target + 1, 7, book.look("link", align="center", **_NO_EDGE))
    _words(book, sheet, FINDINGS, 2, {district_lists.severity(severity): {
        "bg_color": f"#{look.fill}", "font_color": f"#{look.colour}", "bold": True} for severity, look in LOOKS.items()})
    _lines(book, sheet, FINDINGS, target + 1)


# ---- 分析 and 图表数据 ----


def _analysis(book: Book, place: Place) -> None:
    """Charts over what to look at first; the figures of the charts stand on a sheet of their own."""
    title, area = district_charts.say("charts"), AREAS[ANALYSIS]
    sheet = book.workbook.add_worksheet(title)
    for n, width in enumerate((34, 98)):
        sheet.set_column(n, n, width, book.look("wrap", **_NO_EDGE))
    sheet.merge_range(0, 0, 0, 1, f"绩效自评{title}", book.look("centre", font_size=16, bold=True, **_NO_EDGE))
    sheet.set_row(0, 34)
    for row in range(1, area.heads):
        sheet.set_row(row, 15.75)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.set_margins(0.4, 0.4, 0.5, 0.6)
    sheet.fit_to_pages(1, 0)
    sheet.hide_gridlines(2)
    sheet.set_footer("&C第 &P 页，共 &N 页")
    sheet.set_h_pagebreaks([area.heads])
    first, head = area.first, book.workbook.add_format({"bold": True, "font_color": "#1F4E79", "bg_color": BAND})
    cells, none = f"A{first}:B{first + FORMS}", district_charts.say("none")
    sheet.conditional_format(cells, {"type": "formula", "criteria": f'=AND($A{first}<>"",OR($B{first}="",$B{first}="{none}"))', "format": head})
    sheet.conditional_format(cells, {"type": "formula", "criteria": f'=$A{first}<>""', "format": book.workbook.add_format(_EDGE)})
    book.workbook.define_name(ANALYSIS, f"={title}!$A${area.heads + 1}")
    figures, charts = _figures(book, place)
    for n, (titles, *where) in enumerate(charts):
        chart = district_charts.chart_of(book, figures, where[0], titles, *where[1:])
        district_charts.dress(chart, *titles)
        sheet.insert_chart(1 + n // 2 * 14, 0, chart, {"x_offset": 2 + n % 2 * 468, "y_offset": 4, "object_position": 2})


def _figures(book: Book, place: Place) -> tuple[str, list[tuple]]:
    """The sheet 图表数据: two columns that ⑧ fills, and counts, which are formulas over 汇总表. Gives its name and the four charts: titles, column
    of the categories, first and last row, series."""
    words, head = district_charts.say, book.look("centre", bold=True, bg_color=KINDS["heading"].fill)
    name = words("figures")
    sheet = book.workbook.add_worksheet(name)
    for n, (width, kind) in enumerate(zip((30, 12, 4, 16, 10, 10), ("text", "rate", "text", "centre", "whole", "whole"), strict=True)):
        sheet.set_column(n, n, width, book.look(kind, **_NO_EDGE))
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    book.workbook.define_name(FIGURES, f"={name}!$A${AREAS[FIGURES].heads + 1}")
    bands, names = district_charts.BANDS, [grade.name for grade in get("shangjie-2022").grades]
    below = len(bands) + 2
    for row, texts in ((0, ("band", "departments")), (below, ("grade", "stated", "recomputed"))):
        for column, text in enumerate(texts, 3):
            sheet.write_string(row, column, words(text), head)
    for row, (low, high) in enumerate(bands, 1):
        sheet.write_string(row, 3, district_charts.band(low, high))
        sheet.write_formula(row, 4, f"={district_charts.counted_in(place.range('total'), low, high)}", None, 0)
    for row, grade in enumerate(names, below + 1):
        sheet.write_string(row, 3, grade)
        for column, key in ((4, "grade_stated"), (5, "grade")):
            sheet.write_formula(row, column, f"=COUNTIF({place.range(key)},{cell_name(row, 3)})", None, 0)
    first = AREAS[FIGURES].first
    blue, pale, orange = district_charts.BLUE, district_charts.PALE, district_charts.ORANGE
    return name, [
        ((words("lowest", n=BARS), words("percent")), 0, first, first + BARS - 1, ((1, None, blue),)),
        ((words("scores"), words("departments")), 3, 1, len(bands), ((1, None, blue),)),
        ((words("grades"), words("departments")), 3, below + 1, below + len(names), ((1, words("stated"), pale), (2, words("recomputed"), blue))),
        ((words("parts"), words("share")), 0, first + BARS + 2, first + BARS + 1 + SHARES, ((1, None, orange),)),
    ]
