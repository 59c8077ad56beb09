"""The district workbook: who submitted, one line for each department with totals that follow the filter, every indicator, every finding with a
link to its cell, charts, and how it all came about. Written with XlsxWriter; what comes from the forms is only ever a number or a text.

The same forms give the same bytes. A hidden sheet keeps the line of every form, so that the workbook can itself be consolidated.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Sequence

from perfeval_xl import district_charts, district_summary, files, messages
from perfeval_xl.compact import Form, to_stamp
from perfeval_xl.district import COUNTED, District, Line, department_key
from perfeval_xl.district_book import BAND, Book, Column, place_of, title
from perfeval_xl.gather import SCHEMA, STAMP, STAMP_SHEET
from perfeval_xl.long_list import LongList, clean
from perfeval_xl.review_lists import LOOKS

#: headings and phrases of the sheets, (Chinese, English)
_WORDS = messages.Words(
    {
        "received": ("报送情况", "Received"),
        "rows": ("指标明细", "Indicators"),
        "found": ("校验结果", "Findings"),
        "charts": ("分析", "Analysis"),
        "about": ("说明", "About"),
        "about_title": ("汇总说明", "About"),
        "counts": ("应报 {due}　已报 {got}　缺报 {missing}　读不了 {unread}　应退回 {back}　重复或旧版 {spare}", "due {due}   received {got}   missing {missing}   unreadable {unread}   to send back {back}   duplicates and old versions {spare}"),
        "rows_note": ("每行一个三级指标，可按部门、指标、类型筛选；“单元格”为该指标在原表中的位置。", "One indicator a row; the last column says where it stands."),
        "found_note": ("错误必须改正，提醒请核对，提示供参考。点最后一栏打开原表的相应单元格。", "Errors must be corrected, warnings looked at. The last column opens the cell."),
        "received_heads": (("序号", "部门（单位）", "状态", "文件", "工作表", "版本", "年度", "保存时间", "错误", "提醒", "较上次", "备注", "SHA-256（前16位）"), ("No.", "Department", "State", "File", "Sheet", "Edition", "Year", "Saved", "Errors", "Warnings", "Since last", "Remark", "SHA-256 (first 16)")),
        "row_heads": (("部门（单位）", "年度", "一级指标", "二级指标", "三级指标", "年度指标值", "实际完成值", "类型", "分值", "得分", "重算得分", "偏差度％", "重算偏差度％", "原因", "文件", "单元格"), ("Department", "Year", "Part", "Group", "Indicator", "Target", "Actual", "Kind", "Weight", "Score", "Recomputed", "Deviation %", "Recomputed %", "Reason", "File", "Cell")),
        "found_heads": (("序号", "部门（单位）", "级别", "代码", "项目", "表上填的", "应为", "说明", "怎么改", "依据", "文件", "位置"), ("No.", "Department", "Severity", "Code", "Item", "Stated", "Expected", "What is wrong", "What to do", "Source", "File", "Place")),
        "fine": ("已报，无错误", "in order"),
        "return": ("已报，应退回", "to send back"),
        "older": ("旧版，未计入", "older version"),
        "duplicate": ("重复文件，未计入", "duplicate file"),
        "unreadable": ("读不了", "unreadable"),
        "missing": ("缺报", "missing"),
        "like": ("不在名册，是不是“{name}”？", "not on the roster; is it {name}?"),
        "unknown": ("不在名册", "not on the roster"),
        "from": ("取自 {file}", "from {file}"),
        "mended": ("改正 {mended}，仍有 {left}，新增 {new}", "mended {mended}, left {left}, new {new}"),
        "new_form": ("新报", "new"),
        "across": ("（跨表）", "(across forms)"),
        "quantitative": ("定量", "quantitative"),
        "qualitative": ("定性", "qualitative"),
        "date": ("日期", "date"),
        "period": ("期限", "period"),
        "mixed": ("文字", "text"),
        "blank": ("空", "blank"),
        "more": ("（续{n}）", " {n}"),
        "other_year": ("年度不符，未计入", "other year"),
    }
)
say = _WORDS.say
_STATE_COLOURS = {
    "return": LOOKS["error"].fill,
    "missing": LOOKS["error"].fill,
    "unreadable": LOOKS["error"].fill,
    "older": BAND[1:],
    "duplicate": BAND[1:],
    "year": LOOKS["warning"].fill,
}
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
        place = district_summary.write(book, district)
        _indicators(book, district)
        _findings(book, district, links)
        district_charts.write(book, district, place, title(district, say("charts")))
        district_charts.about(book, district, title(district, say("about_title")))
        _stamp(book, district)
    return stream.getvalue()


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
        if not any(mark in path + name for mark in '#%"<>|\t\n\r') and len(url) < 1000 and clean(url) == url:
            sheet.link(column, url, text)
            self.left -= 1


# ---- 报送情况 ----


def _received(book: Book, district: District, links: _Links) -> None:
    lines = district.lines
    columns = [
        Column(*one)
        for one in zip(
            say_all("received_heads"),
            (5, 26, 17, 34, 10, 14, 6, 16, 6, 6, 22, 30, 18),
            ("whole", "wrap", "centre", "link", "text", "text", "centre", "centre", "whole", "whole", "wrap", "wrap", "text"),
            strict=True,
        )
    ]
    kept = [n for n in range(len(columns)) if n != _SINCE or district.since is not None]
    columns = [columns[n] for n in kept]
    note = say(
        "counts",
        due=district.due if district.due is not None else "—",
        got=sum(line.form.error is None for line in lines),
        missing=len(district.missing),
        unread=sum(line.state == "unreadable" for line in lines),
        back=sum(line.state == "return" for line in lines),
        spare=sum(line.state in ("older", "duplicate", "year") for line in lines),
    )
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
        row(
            line.state,
            [
                number,
                line.name,
                say("other_year" if line.state == "year" else line.state),
                district.shown(form),
                form.sheet,
                form.edition,
                form.year,
                saved(form),
                form.counts[0] if counted else None,
                form.counts[1] if counted else None,
                _since(district, line),
                _remark(line),
                (form.sha256 or "")[:16],
            ],
        )
        links.put(sheet, 3, form, None, district.shown(form))
    sheet.autofilter(2, 0, max(sheet.next - 1, 3), len(columns) - 1)


def say_all(key: str) -> tuple[str, ...]:
    """A row of headings in the language that is spoken."""
    return _WORDS[key][messages.LANGUAGES.index(messages.language())]


def saved(form: Form) -> str:
    """When the form was last saved, as far as the file or the file system knows."""
    import datetime

    if form.modified.endswith("Z"):  # Excel writes universal time, LibreOffice in an .ods the local one
        with contextlib.suppress(ValueError, OverflowError, OSError):
            return datetime.datetime.fromisoformat(form.modified).astimezone().strftime("%Y-%m-%d %H:%M")
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
    looks = (
        "text",
        "centre",
        "text",
        "text",
        "wrap",
        "centre",
        "centre",
        "centre",
        "score",
        "score",
        "score",
        "score",
        "score",
        "wrap",
        "text",
        "centre",
    )
    columns = [Column(*one) for one in zip(say_all("row_heads"), (22, 6, 13, 15, 22, 12, 12, 6, 6, 7, 7, 8, 8, 30, 20, 7), looks, strict=True)]
    page, close = _pages(book, say("rows"), title(district, say("rows")), say("rows_note"), columns, 1)
    kinds = {kind: say(kind) for kind in ("quantitative", "qualitative", "date", "period", "mixed", "blank")}
    page()
    for line in district.counted:
        name, year, file = district.name(line), line.form.year, district.shown(line.form)
        for part, group, indicator, target, actual, kind, weight, score, stated, deviation, deviation_stated, reason, cell in line.form.indicators():
            page().add(
                (
                    name,
                    year,
                    part,
                    group,
                    indicator,
                    target,
                    actual,
                    kinds[kind],
                    weight,
                    stated,
                    score,
                    deviation_stated,
                    deviation,
                    reason,
                    file,
                    cell and cell.rpartition("!")[2],
                )
            )
    close()


def _findings(book: Book, district: District, links: _Links) -> None:
    looks = ("whole", "wrap", "centre", "centre", "wrap", "wrap", "wrap", "wrap", "wrap", "wrap", "wrap", "link")
    columns = [Column(*one) for one in zip(say_all("found_heads"), (5, 20, 8, 7, 17, 13, 13, 42, 30, 18, 20, 12), looks, strict=True)]
    page, close = _pages(book, say("found"), title(district, say("found")), say("found_note"), columns, 2)
    styles = {
        severity: [
            book.look(one, **({"bg_color": f"#{look.fill}", "font_color": f"#{look.colour}", "bold": True} if n == 2 else {}))
            for n, one in enumerate(looks)
        ]
        for severity, look in LOOKS.items()
    }
    words = {severity: f"{look.sign} {messages.severity_word(severity)}" for severity, look in LOOKS.items()}
    number = 0
    page()
    for across in district.findings:
        number, one = number + 1, across.finding
        sheet = page()
        sheet.restyle(styles[one.severity])
        sheet.add(
            (
                number,
                one.label or say("across"),
                words[one.severity],
                one.code,
                say("across"),
                one.stated,
                one.expected,
                messages.message(one),
                messages.fix(one),
                messages.source(one),
                "、".join(district.shown(form) for form in across.forms[:3]),
                None,
            )
        )
    for line in district.counted:
        form, file = line.form, district.shown(line.form)
        for code, severity, cell, label, stated, expected, message, fix, source in form.findings():
            number, sheet = number + 1, page()
            sheet.restyle(styles[severity])
            sheet.add((number, district.name(line), words[severity], code, label, stated, expected, message, fix, source, file, cell or place_of(code)))
            if cell:
                links.put(sheet, 11, form, cell, cell)
    for line in district.lines:
        if line.form.error:
            number, sheet = number + 1, page()
            sheet.restyle(styles["error"])
            sheet.add(
                (
                    number,
                    None,
                    words["error"],
                    line.form.error[0],
                    None,
                    None,
                    None,
                    line.form.error[1],
                    None,
                    None,
                    district.shown(line.form),
                    line.form.sheet,
                )
            )
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
