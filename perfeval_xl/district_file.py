"""The district workbook: who submitted, one line for each department with totals that follow the filter, every indicator, every finding with a
link to its cell, charts, and how it all came about. Written with XlsxWriter; what comes from the forms is only ever a number or a text.

The same forms give the same bytes. A hidden sheet keeps the line of every form, so that the workbook can itself be consolidated.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence
from decimal import Decimal

from xlsxwriter.utility import xl_col_to_name

from perfeval_xl import district_charts, files, messages
from perfeval_xl.compact import Form, to_stamp
from perfeval_xl.district import COUNTED, District, Line, department_key, stated_grade
from perfeval_xl.district_book import BAND, Book, Column, Place
from perfeval_xl.edition import get
from perfeval_xl.gather import SCHEMA, STAMP, STAMP_SHEET
from perfeval_xl.long_list import Formula, LongList, clean
from perfeval_xl.numbers import half_up
from perfeval_xl.review_lists import LOOKS

#: headings and phrases of the sheets, (Chinese, English)
_WORDS = messages.Words({
    "received": ("报送情况", "Received"), "summary": ("汇总表", "Summary"), "rows": ("指标明细", "Indicators"), "found": ("校验结果", "Findings"),
    "charts": ("分析", "Analysis"), "about": ("说明", "About"), "about_title": ("汇总说明", "About"),
    "title": ("{year}部门整体绩效自评{what}", "Self-assessment {year}{what}"), "year": ("{year}年度", "{year}: "), "no_year": ("", ""),
    "counts": ("应报 {due}　已报 {got}　缺报 {missing}　读不了 {unread}　应退回 {back}　重复或旧版 {spare}",
               "due {due}   received {got}   missing {missing}   unreadable {unread}   to send back {back}   duplicates and old versions {spare}"),
    "money": ("金额单位：万元；合计和平均随筛选变化。重算为本工具按自评表自身的数据和评分规则计算的结果。",
              "Amounts in 万元; totals and averages follow the filter. Recomputed from the forms' own figures under their rules."),
    "rows_note": ("每行一个三级指标，可按部门、指标、类型筛选；“单元格”为该指标在原表中的位置。", "One indicator a row; the last column says where it stands."),
    "found_note": ("错误必须改正，提醒请核对，提示供参考。点最后一栏打开原表的相应单元格。", "Errors must be corrected, warnings looked at. The last column opens the cell."),
    "received_heads": (("序号", "部门（单位）", "状态", "文件", "工作表", "版本", "年度", "保存时间", "错误", "提醒", "较上次", "备注", "SHA-256（前16位）"),
                       ("No.", "Department", "State", "File", "Sheet", "Edition", "Year", "Saved", "Errors", "Warnings", "Since last", "Remark", "SHA-256 (first 16)")),
    "row_heads": (("部门（单位）", "年度", "一级指标", "二级指标", "三级指标", "年度指标值", "实际完成值", "类型", "分值", "得分", "重算得分", "偏差度％", "重算偏差度％",
                   "原因", "文件", "单元格"),
                  ("Department", "Year", "Part", "Group", "Indicator", "Target", "Actual", "Kind", "Weight", "Score", "Recomputed", "Deviation %", "Recomputed %",
                   "Reason", "File", "Cell")),
    "found_heads": (("序号", "部门（单位）", "级别", "代码", "项目", "表上填的", "应为", "说明", "怎么改", "依据", "文件", "位置"),
                    ("No.", "Department", "Severity", "Code", "Item", "Stated", "Expected", "What is wrong", "What to do", "Source", "File", "Place")),
    "no": ("序号", "No."), "rank": ("名次", "Rank"), "department": ("部门（单位）", "Department"), "project": ("项目", "Project"), "initial": ("年初预算数", "Initial"),
    "adjusted": ("全年预算数", "Adjusted"), "executed": ("全年执行数", "Executed"), "rate": ("执行率％", "Rate %"), "stated": ("自评总分", "Total stated"),
    "total": ("重算总分", "Recomputed"), "gap": ("差", "Gap"), "grade_stated": ("自评等级", "Grade stated"), "grade": ("重算等级", "Recomputed grade"),
    "error": ("错误", "Errors"), "warning": ("提醒", "Warnings"), "note": ("提示", "Notes"), "sum": ("合计／平均", "Sum / mean"),
    "government": ("其中：财政拨款", "Government"), "special_account": ("财政专户", "Special account"), "own": ("自有资金", "Own funds"),
    "carry_over": ("上年结转", "Carried over"), "other": ("其他资金", "Other funds"), "basic": ("基本支出", "Basic"), "project_funds": ("项目支出", "Project"),
    "fine": ("已报，无错误", "in order"), "return": ("已报，应退回", "to send back"), "older": ("旧版，未计入", "older version"),
    "other_year": ("年度不符，未计入", "other year"), "duplicate": ("重复文件，未计入", "duplicate file"), "unreadable": ("读不了", "unreadable"), "missing": ("缺报", "missing"),
    "like": ("不在名册，是不是“{name}”？", "not on the roster; is it {name}?"), "unknown": ("不在名册", "not on the roster"),
    "from": ("取自 {file}", "from {file}"), "mended": ("改正 {mended}，仍有 {left}，新增 {new}", "mended {mended}, left {left}, new {new}"), "new_form": ("新报", "new"),
    "across": ("（跨表）", "(across forms)"), "quantitative": ("定量", "quantitative"), "qualitative": ("定性", "qualitative"), "date": ("日期", "date"),
    "period": ("期限", "period"), "mixed": ("文字", "text"), "blank": ("空", "blank"), "more": ("（续{n}）", " {n}"),
    "part": ("{name}得分", "{name}"),
})
say = _WORDS.say
_STATE_COLOURS = {"return": LOOKS["error"].fill, "missing": LOOKS["error"].fill, "unreadable": LOOKS["error"].fill, "older": BAND[1:], "duplicate": BAND[1:],
                  "year": LOOKS["warning"].fill}
#: rows that one sheet takes, its headings included; and links, of which Excel takes no more
SHEET_ROWS, LINKS = 1_048_000, 60_000
#: the column of 报送情况 that needs an earlier run
_SINCE = 10
#: characters of a packed line in one cell
_PIECE = 32_000


def write(district: District, path: str) -> None:
    """Writes the district workbook, in one step; a path that cannot be written is refused (X116)."""
    files.replace(path, data(district, os.path.dirname(os.path.abspath(path))))


def data(district: District, folder: str) -> bytes:
    """The district workbook as bytes; links to the forms are relative to ``folder``."""
    stream = io.BytesIO()
    book = Book(stream, len(district.lines))
    with book.workbook as workbook:
        workbook.set_size(2400, 1500)
        workbook.set_custom_property(STAMP, SCHEMA)
        links = _Links(folder)
        _received(book, district, links)
        place = _summary(book, district)
        _indicators(book, district)
        _findings(book, district, links)
        district_charts.write(book, district, place, title(district, say("charts")))
        district_charts.about(book, district, title(district, say("about_title")))
        _stamp(book, district)
    return stream.getvalue()


def title(district: District, what: str) -> str:
    """The title of a sheet, with the year of the run."""
    return say("title", year=say("year", year=district.year) if district.year else say("no_year"), what=what)


class _Links:
    """Links to cells of the submitted files; a path that a link cannot carry gets none."""

    def __init__(self, folder: str) -> None:
        self.folder, self.left = folder, LINKS

    def put(self, sheet: LongList, column: int, form: Form, cell: str | None, text: str) -> None:
        """Makes a link of a cell of the row added last, if there is something to open."""
        if form.origin or self.left <= 0:
            return
        try:
            path = os.path.relpath(form.path, self.folder)
        except ValueError:  # on another drive
            path = os.path.abspath(form.path)
        name, _, address = (cell or "").rpartition("!")
        quoted = name.replace("'", "''")
        url = f"external:{path}" + (f"#'{quoted}'!{address}" if name else "")
        if not any(mark in path + name for mark in "#%\"<>|\t\n\r") and len(url) < 1000 and clean(url) == url:
            sheet.link(column, url, text)
            self.left -= 1


# ---- 报送情况 ----


def _received(book: Book, district: District, links: _Links) -> None:
    lines = district.lines
    columns = [Column(*one) for one in zip(say_all("received_heads"), (5, 26, 17, 34, 10, 14, 6, 16, 6, 6, 22, 30, 18),
                                           ("whole", "wrap", "centre", "link", "text", "text", "centre", "centre", "whole", "whole", "wrap", "wrap", "text"), strict=True)]
    kept = [n for n in range(len(columns)) if n != _SINCE or district.since is not None]
    columns = [columns[n] for n in kept]
    note = say("counts", due=district.due if district.due is not None else "—", got=sum(line.form.error is None for line in lines), missing=len(district.missing),
               unread=sum(line.state == "unreadable" for line in lines), back=sum(line.state == "return" for line in lines),
               spare=sum(line.state in ("older", "duplicate", "year") for line in lines))
    sheet = book.sheet(say("received"), title(district, say("received")), note, columns, 2)
    looks = [column.look for column in columns]

    def row(state: str, values: list) -> None:
        colour = _STATE_COLOURS.get(state)
        sheet.restyle([book.look(look, **({"bg_color": f"#{colour}"} if colour and n == 2 else {})) for n, look in enumerate(looks)])
        sheet.add([values[n] for n in kept])

    number = 0
    for name in district.missing:
        number += 1
        row("missing", [number, name, say("missing"), *[None] * 10])
    for line in lines:
        number += 1
        form, counted = line.form, line.state in COUNTED
        row(line.state, [number, line.name, say("other_year" if line.state == "year" else line.state), district.shown(form), form.sheet, form.edition, form.year, saved(form),
                         form.counts[0] if counted else None, form.counts[1] if counted else None, _since(district, line), _remark(line), (form.sha256 or "")[:16]])
        links.put(sheet, 3, form, None, district.shown(form))
    sheet.autofilter(2, 0, max(sheet.next - 1, 3), len(columns) - 1)


def say_all(key: str) -> tuple[str, ...]:
    """A row of headings in the language that is spoken."""
    return _WORDS[key][messages.LANGUAGES.index(messages.language())]


def saved(form: Form) -> str:
    """When the form was last saved, as far as the file or the file system knows."""
    import datetime

    if form.modified:
        return form.modified[:16].replace("T", " ")
    return datetime.datetime.fromtimestamp(form.saved).strftime("%Y-%m-%d %H:%M") if form.saved else ""


def _since(district: District, line: Line) -> str | None:
    if district.since is None or line.state not in COUNTED:
        return None
    change = district.since.get(department_key(line.form, line.name))
    return say("new_form") if change is None else say("mended", mended=len(change.mended), left=len(change.left), new=len(change.new))


def _remark(line: Line) -> str | None:
    if line.form.error:
        return line.form.error[1]
    said = [say("like", name=line.like) if line.like else say("unknown")] if line.unknown else []
    return "；".join([*said, *([say("from", file=line.form.origin)] if line.form.origin else [])]) or None


# ---- 汇总表 ----


def part_names(district: District) -> list[str]:
    """The parts that the counted forms carry, in the order of their editions."""
    order = {edition: [part.name for part in get(edition).parts] for edition in sorted({line.form.edition for line in district.counted if line.form.edition})}
    names = {part[0]: None for names in order.values() for part in ((name,) for name in names) if any(
        part[0] == one[0] for line in district.counted for one in line.form.parts)}
    return [*names, *sorted({part[0] for line in district.counted for part in line.form.parts} - set(names))]


def _summary(book: Book, district: District) -> Place:
    """One row for each department, then the totals; gives the place of its columns."""
    counted, parts = district.counted, part_names(district)
    roles = [role for role in ("government", "special_account", "own", "carry_over", "other", "basic", "project")
             if any(row[1] == role and row[3] for line in counted for row in line.form.funds)]
    projects = any(line.form.project for line in counted)
    spec = [("rank", Column(say("rank"), 6, "whole")), ("department", Column(say("department"), 26, "wrap")),
            *([("project", Column(say("project"), 22, "wrap"))] if projects else []),
            *((key, Column(say(key), 12.5, "money")) for key in ("initial", "adjusted", "executed")),
            *((f"role {role}", Column(say("project_funds" if role == "project" else role), 12.5, "money")) for role in roles),
            ("rate", Column(say("rate"), 8.5, "rate")), *((f"part {name}", Column(say("part", name=name), 9.5, "score")) for name in parts),
            ("stated", Column(say("stated"), 8.5, "score")), ("total", Column(say("total"), 8.5, "score")), ("gap", Column(say("gap"), 7.5, "gap")),
            ("grade_stated", Column(say("grade_stated"), 6, "centre")), ("grade", Column(say("grade"), 6, "centre")),
            *((key, Column(say(key), 5.5, "whole")) for key in ("error", "warning", "note"))]
    columns, keys = [column for _, column in spec], [key for key, _ in spec]
    sheet = book.sheet(say("summary"), title(district, say("summary")), say("money"), columns, 2)
    letters = {key: xl_col_to_name(n) for n, key in enumerate(keys)}
    place = Place(say("summary"), 4, max(3 + len(counted), 4), letters)
    ranks = _ranks(counted)
    table = [_department_row(line, district.name(line), ranks[n], n + 4, keys, place) for n, line in enumerate(counted)]
    for values in table:
        sheet.add(values)
    if table:
        sheet.restyle([book.look(column.look, bold=True, bg_color=BAND) for column in columns])
        sheet.add(_totals(table, keys, place))
        sheet.autofilter(2, 0, place.last - 1, len(columns) - 1)
        _colour(book, sheet, place)
    return place


def _ranks(counted: Sequence[Line]) -> list[int | None]:
    """1 for the highest recomputed total; equal totals share a rank. None where no total could be computed."""
    totals = sorted((line.form.total for line in counted if line.form.total is not None), reverse=True)
    first = {total: n + 1 for n, total in reversed(list(enumerate(totals)))}
    return [first.get(line.form.total) if line.form.total is not None else None for line in counted]


def _department_row(line: Line, name: str, rank: int | None, row: int, keys: list[str], place: Place) -> list:
    form, at = line.form, {key: f"{letter}{row}" for key, letter in place.letters.items()}
    whole = form.funds_total
    money = dict(zip(("initial", "adjusted", "executed"), whole[2:5] if whole else (None,) * 3, strict=True))
    roles: dict[str, Decimal] = {}
    for one in form.funds:
        if one[3] is not None:
            roles[one[1]] = roles.get(one[1], Decimal(0)) + _exact(one[3])
    scores = {name: score for name, _, score in form.parts}
    gap = None if form.total is None or form.total_stated is None else float(_exact(form.total) - _exact(form.total_stated))
    values = {
        "rank": Formula(f'IF({at["total"]}="","",RANK({at["total"]},{place.range("total").rpartition("!")[2]}))', rank), "department": name,
        "project": form.project, **money, "rate": Formula(f'IF(N({at["adjusted"]})=0,"",ROUND({at["executed"]}/{at["adjusted"]}*100,2))', _rate(money)),
        "stated": form.total_stated, "total": form.total,
        "gap": Formula(f'IF(OR({at["stated"]}="",{at["total"]}=""),"",ROUND({at["total"]}-{at["stated"]},2))', gap),
        "grade_stated": stated_grade(form), "grade": form.grade, "error": form.counts[0], "warning": form.counts[1], "note": form.counts[2]}
    return [float(roles[key[5:]]) if key.startswith("role ") and key[5:] in roles else scores.get(key[5:]) if key.startswith("part ") else values.get(key) for key in keys]


def _rate(money: dict) -> float | None:
    adjusted, executed = _exact(money["adjusted"]), _exact(money["executed"])
    return None if not adjusted else float(half_up(executed / adjusted * 100, 2))


def _exact(value: float | Decimal | None) -> Decimal:
    return Decimal(0) if value is None else Decimal(str(value))


def _totals(table: list[list], keys: list[str], place: Place) -> list:
    """Sums of money and findings, means of scores, the rate of all money: formulas that follow the filter, with their present values."""
    row, values = place.last + 1, []
    for n, key in enumerate(keys):
        area = f"{place.letters[key]}{place.first}:{place.letters[key]}{place.last}"
        figures = [_exact(one.value if isinstance(one, Formula) else one) for line in table if isinstance(one := line[n], (int, float)) or (
            isinstance(one, Formula) and isinstance(one.value, (int, float)))]
        if key == "department":
            values.append(say("sum"))
        elif key == "rate":
            sums = {name: sum((_exact(line[keys.index(name)]) for line in table), Decimal(0)) for name in ("adjusted", "executed")}
            values.append(Formula(f'IF(N({place.letters["adjusted"]}{row})=0,"",ROUND({place.letters["executed"]}{row}/{place.letters["adjusted"]}{row}*100,2))', _rate(sums)))
        elif not figures or key == "rank":
            values.append(None)
        elif key in ("initial", "adjusted", "executed", "error", "warning", "note") or key.startswith("role "):
            values.append(Formula(f"SUBTOTAL(9,{area})", _number(sum(figures, Decimal(0)))))
        else:
            values.append(Formula(f'IF(SUBTOTAL(2,{area})=0,"",ROUND(SUBTOTAL(1,{area}),2))', _number(half_up(sum(figures, Decimal(0)) / len(figures), 2))))
    return values


def _number(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


def _colour(book: Book, sheet: LongList, place: Place) -> None:
    """What is to be looked at first: errors, gaps, grades that changed; a bar behind the execution rate would not survive WPS, so a colour."""
    red, amber = (book.workbook.add_format({"bg_color": f"#{LOOKS[one].fill}", "font_color": colour}) for one, colour in (("error", "#9C0006"), ("warning", "#7F4A00")))
    first, last, at = place.first, place.last, place.letters
    for key, rule, look in (("error", f"N({at['error']}{first})>0", red), ("gap", f"N({at['gap']}{first})<>0", amber), ("rate", f"AND(ISNUMBER({at['rate']}{first}),{at['rate']}{first}<80)", amber),
                            ("grade", f"AND({at['grade']}{first}<>\"\",{at['grade_stated']}{first}<>\"\",{at['grade']}{first}<>{at['grade_stated']}{first})", red)):
        sheet.conditional_format(f"{at[key]}{first}:{at[key]}{last}", {"type": "formula", "criteria": f"={rule}", "format": look})


# ---- 指标明细 and 校验结果 ----


def _pages(book: Book, name: str, heading: str, note: str, columns: Sequence[Column], frozen: int):
    """Sheets of the same kind, one after the other as they fill up: gives a function that hands out the sheet for the next row."""
    sheets: list[LongList] = []

    def page() -> LongList:
        if not sheets or sheets[-1].next >= SHEET_ROWS:
            close()
            more = say("more", n=len(sheets) + 1) if sheets else ""
            sheets.append(book.sheet(name + more, heading + more, note, columns, frozen))
        return sheets[-1]

    def close() -> None:
        if sheets:
            sheets[-1].autofilter(2, 0, max(sheets[-1].next - 1, 3), len(columns) - 1)

    return page, close


def _indicators(book: Book, district: District) -> None:
    looks = ("text", "centre", "text", "text", "wrap", "centre", "centre", "centre", "score", "score", "score", "score", "score", "wrap", "text", "centre")
    columns = [Column(*one) for one in zip(say_all("row_heads"), (22, 6, 13, 15, 22, 12, 12, 6, 6, 7, 7, 8, 8, 30, 20, 7), looks, strict=True)]
    page, close = _pages(book, say("rows"), title(district, say("rows")), say("rows_note"), columns, 1)
    kinds = {kind: say(kind) for kind in ("quantitative", "qualitative", "date", "period", "mixed", "blank")}
    page()
    for line in district.counted:
        name, year, file = district.name(line), line.form.year, district.shown(line.form)
        for part, group, indicator, target, actual, kind, weight, score, stated, deviation, deviation_stated, reason, cell in line.form.indicators():
            page().add((name, year, part, group, indicator, target, actual, kinds[kind], weight, stated, score, deviation_stated, deviation, reason, file,
                        cell and cell.rpartition("!")[2]))
    close()


def _findings(book: Book, district: District, links: _Links) -> None:
    looks = ("whole", "wrap", "centre", "centre", "wrap", "wrap", "wrap", "wrap", "wrap", "wrap", "wrap", "link")
    columns = [Column(*one) for one in zip(say_all("found_heads"), (5, 20, 8, 7, 17, 13, 13, 42, 30, 18, 20, 12), looks, strict=True)]
    page, close = _pages(book, say("found"), title(district, say("found")), say("found_note"), columns, 2)
    styles = {severity: [book.look(one, **({"bg_color": f"#{look.fill}", "font_color": f"#{look.colour}", "bold": True} if n == 2 else {}))
                         for n, one in enumerate(looks)] for severity, look in LOOKS.items()}
    words = {severity: f"{look.sign} {messages.severity_word(severity)}" for severity, look in LOOKS.items()}
    number = 0
    page()
    for across in district.findings:
        number, one = number + 1, across.finding
        sheet = page()
        sheet.restyle(styles[one.severity])
        sheet.add((number, one.label or say("across"), words[one.severity], one.code, say("across"), one.stated, one.expected, messages.message(one), messages.fix(one),
                   messages.source(one), "、".join(district.shown(form) for form in across.forms[:3]), None))
    for line in district.counted:
        form, file = line.form, district.shown(line.form)
        for code, severity, cell, label, stated, expected, message, fix, source in form.findings():
            number, sheet = number + 1, page()
            sheet.restyle(styles[severity])
            sheet.add((number, district.name(line), words[severity], code, label, stated, expected, message, fix, source, file, cell))
            if cell:
                links.put(sheet, 11, form, cell, cell)
    for line in district.lines:
        if line.form.error:
            number, sheet = number + 1, page()
            sheet.restyle(styles["error"])
            sheet.add((number, None, words["error"], line.form.error[0], None, None, None, line.form.error[1], None, None, district.shown(line.form), line.form.sheet))
    close()


# ---- what the workbook keeps ----


def _stamp(book: Book, district: District) -> None:
    """The hidden sheet: a mark with the digest of all lines, then the line of every form, in pieces that fit into cells."""
    sheet: LongList = book.workbook.add_worksheet(STAMP_SHEET, LongList)
    rows = []
    for form in district.forms:
        text = to_stamp(form)
        rows.append([text[n : n + _PIECE] for n in range(0, len(text), _PIECE)])
    digest = hashlib.sha256("\n".join("\t".join(row) for row in rows).encode()).hexdigest()
    sheet.columns(0, [])
    for row in [[STAMP, str(SCHEMA), str(len(rows)), digest], *rows]:
        sheet.add_texts(row)
    sheet.very_hidden()
