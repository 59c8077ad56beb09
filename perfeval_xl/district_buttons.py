"""⑧汇总 in an open workbook (区级汇总.xlsm): the forms of a folder, or the department sheets that were copied into it, consolidated onto its lists.

Reading and comparing are those of ``perfeval-xl consolidate``. Nothing is written before all has been read, each list in one write, and only
onto the sheets that came with the workbook; Esc ends the reading and leaves everything as it was.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from perfeval_xl import district, district_charts, district_lists, district_run, district_summary, gather, log, messages, record, roster, sheets
from perfeval_xl import district_sheets as book
from perfeval_xl.buttons import button
from perfeval_xl.buttons import say as say_all
from perfeval_xl.compact import Form, from_record
from perfeval_xl.district import District, Line
from perfeval_xl.district_lists import Column
from perfeval_xl.drafts import clean
from perfeval_xl.host import Formula, Host, Place
from perfeval_xl.messages import Refusal
from perfeval_xl.model import STATE_SHEET, Sheet, cell_name
from perfeval_xl.numbers import plain
from perfeval_xl.record import Record

_WORDS = messages.Words({
    "which": ("本工作簿里有 {n} 张自评表，又选了文件夹：{folder}\n汇总本工作簿里的吗？选“否”就汇总文件夹里的。",
              "This workbook holds {n} forms, and a folder is chosen: {folder}\nConsolidate those of this workbook? With No, those of the folder."),
    "looking": ("在看本工作簿的各页：{done}／{total}", "Looking at the sheets of this workbook: {done} of {total}"),
    "reading": ("汇总：已读 {done} 个文件，共 {total} 个。按 Esc 可以停。", "Consolidating: {done} of {total} files read. Esc stops."),
    "writing": ("汇总：正在写各页……", "Consolidating: writing the lists ..."),
    "stop": ("读了 {done} 个，共 {total} 个。要停下来吗？各页的结果不会改动。", "{done} of {total} are read. Stop here? The lists stay as they are."),
    "stopped": ("已停下：读了 {done} 个，共 {total} 个，各页没有改动。", "Stopped after {done} of {total}; the lists are as they were."),
    "kept": ("没有汇总。", "Nothing was consolidated."),
    "done": ("汇总完毕：收到 {received} 份，计入 {counted} 个部门，缺报 {missing}，读不了 {unreadable}，应退回 {back}；错误 {error}，提醒 {warning}。",
             "Done: {received} received, {counted} departments, {missing} missing, {unreadable} unreadable, {back} to send back; {error} errors, "
             "{warning} warnings."),
    "said": ("{time} 汇总{source}：收到 {received} 份，计入 {counted} 个部门，缺报 {missing}，读不了 {unreadable}，应退回 {back}；错误 {error}，提醒 {warning}。",
             "{time}, {source}: {received} received, {counted} departments, {missing} missing, {unreadable} unreadable, {back} to send back; "
             "{error} errors, {warning} warnings."),
    "here": ("本工作簿", "this workbook"),
    "fell": ("自评 {stated}（{grade_stated}），重算 {total}（{grade}），差 {gap}", "stated {stated} ({grade_stated}), recomputed {total} ({grade}), {gap}"),
})
say = _WORDS.say
#: sheets that are the workbook's own besides the lists
_OWN = (sheets.CONFIGURATION, STATE_SHEET)
_STAMPS = ("pe_edition", "pe_department", "pe_project", "pe_year")


class _Stopped(Exception):
    """The user pressed Esc and meant it."""


class _Desk(NamedTuple):
    """The workbook: for each of its names (sheet, row, column), wherever the sheets stand and whatever they are called by now."""

    host: Host
    places: dict[str, tuple[str, int, int]]

    def text(self, name: str) -> str:
        """What is typed into one of its cells."""
        sheet, row, column = self.places[name]
        rows = self.host.grid(sheet).rows
        return str(rows[row][column]).strip() if row < len(rows) and column < len(rows[row]) else ""


@button
def consolidate(host: Host) -> str:
    """⑧汇总: reads the forms of the chosen folder, or those on sheets of this workbook, and fills the lists anew."""
    desk = _desk(host)
    host.stopped()  # what was pressed before does not count
    year, folder, due = _year(desk), desk.text(book.FOLDER).strip('"'), roster.from_rows(host.grid(desk.places[book.ROSTER][0]).rows)
    meter = _Meter(host)
    try:
        records = _records(desk, meter)
        if records and folder:
            answer = host.ask(say("which", n=len(records), folder=folder), say_all("title"), "yes_no_cancel")
            if answer == "cancel":
                return say("kept")
            records = records if answer == "yes" else []
        forms = [from_record(one, 0.0) for one in records] or _files(desk, folder, meter)
    except _Stopped:
        return say("stopped", done=meter.done, total=meter.total)
    with record.resting():
        found = district.consolidate(forms, due, year)
        host.status(say("writing"))
        _write(desk, found, bool(records))
    counts = {**district_run.counts(found), "received": sum(line.form.error is None for line in found.lines)}
    _tell(desk, say("said", time=f"{datetime.now():%Y-%m-%d %H:%M}", source=say("here") if records else f"“{folder}”", **counts))
    host.goto(desk.places[book.RECEIVED][0], 0, 0)
    return say("done", **counts)


def _desk(host: Host) -> _Desk:
    """Refused (X231) where something of the workbook is missing, and (X207) where a filter hides rows of a list: before anything is read."""
    places = {}
    for name in (book.FOLDER, book.YEAR, book.SAID, book.ROSTER, *book.LISTS):
        found = host.name_area(name)
        if found is None:
            raise Refusal("X231", sheet=name)
        places[name] = found[0], *found[1][:2]
    for name in book.LISTS:
        if host.filtered(places[name][0]):
            raise Refusal("X207", sheet=places[name][0])
    return _Desk(host, places)


def _year(desk: _Desk) -> int | None:
    text = desk.text(book.YEAR).removesuffix(".0").removesuffix("年")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 2000 <= int(text) <= 2099):
        raise Refusal("X235", stated=desk.text(book.YEAR), sheet=desk.places[book.YEAR][0])
    return int(text)


# ---- where the forms are ----


class _Meter:
    """Tells in the status bar how far it is; raises ``_Stopped`` when the user wants no more."""

    def __init__(self, host: Host) -> None:
        self.host, self.done, self.total, self.words = host, 0, 0, ""

    def begin(self, total: int, words: str) -> None:
        """So many are to be done."""
        self.done, self.total, self.words = 0, total, words
        self(0)

    def __call__(self, count: int) -> None:
        """So many more are done."""
        self.done += count
        self.host.status(say(self.words, done=self.done, total=self.total))
        if self.host.stopped() and self.host.ask(say("stop", done=self.done, total=self.total), say_all("title"), "yes_no") == "yes":
            raise _Stopped


def _records(desk: _Desk, meter: _Meter) -> list[Record]:
    """The forms on sheets of this workbook. What a name of the workbook points at belongs to the form on the same sheet alone."""
    host, own = desk.host, {*_OWN, *(sheet for sheet, _, _ in desk.places.values())}
    names = [name for name in host.sheet_names() if name not in own]
    stamps = {name: found[0] for name in _STAMPS if (found := host.name_area(name)) is not None}
    file = os.path.basename(host.path().replace("\\", "/")) or say("here")
    records = []
    if names:
        meter.begin(len(names), "looking")
    for name in names:
        one = _record(host, name, file, {stamp for stamp, sheet in stamps.items() if sheet == name})
        if one is not None:
            records.append(one)
        meter(1)
    return records


def _record(host: Host, name: str, file: str, stamps: set[str]) -> Record | None:
    """The form on a sheet, None where there is none; a mistake of ours in one sheet costs that sheet and no other."""
    try:
        grid = host.grid(name)
        return record.check_sheet(grid._replace(stamp={key: value for key, value in grid.stamp.items() if key in stamps}), file, several=True)
    except Refusal as refusal:
        return Record(file, refusal=refusal, grid=Sheet(name, []))
    except Exception as error:
        where = log.unexpected(error, "consolidate")
        return Record(file, refusal=Refusal("X901", file=f"{file} [{name}]", why=type(error).__name__, log=where), grid=Sheet(name, []))


def _files(desk: _Desk, folder: str, meter: _Meter) -> list[Form]:
    if not folder:
        raise Refusal("X232")
    if not os.path.exists(folder):
        raise Refusal("X233", file=folder)
    paths = gather.find((folder,), (desk.host.path(),))
    if not paths:
        raise Refusal("X301", file=folder)
    if len(paths) > book.FORMS:
        raise Refusal("X234", stated=len(paths), expected=book.FORMS)
    meter.begin(len(paths), "reading")
    return gather.read_all(paths, lang=messages.language(), told=meter)


# ---- what is written ----


def _write(desk: _Desk, found: District, here: bool) -> None:
    """Every list with one write, which also blanks what the last run left below and beside it. The sheets are opened first: if one of them
    cannot be written, none is."""
    lists = {book.RECEIVED: _received(found), book.SUMMARY: _summary(found), book.INDICATORS: _indicators(found),
             book.FINDINGS: _findings(found, here), book.ANALYSIS: list(_analysis(found)), book.FIGURES: _figures(found)}
    before, sizes = _sizes(desk.host), {}
    with ExitStack() as opened:
        for name in lists:
            opened.enter_context(desk.host.opened(desk.places[name][0]))
        for name, rows in lists.items():
            sizes[name] = len(rows), max(map(len, rows))
            height, width = map(max, sizes[name], before.get(name, (0, 0)))
            padded = [(*map(_cell, row), *[""] * (width - len(row))) for row in rows] + [("",) * width] * (height - len(rows))
            desk.host.write(*desk.places[name], padded)
            if name == book.FINDINGS:
                desk.host.fill(desk.places[name][0], _links(desk.places[name][1:], rows))
    desk.host.write(STATE_SHEET, 0, 0, [("list", name, *size) for name, size in sizes.items()])


def _sizes(host: Host) -> dict[str, tuple[int, int]]:
    """Rows and columns of each list when it was written last."""
    if STATE_SHEET not in host.sheet_names():
        host.ensure_sheet(STATE_SHEET)
    lines = [line for line in host.grid(STATE_SHEET).rows if line[0] == "list"]
    return {name: (int(height), int(width)) for _, name, height, width, *_ in lines}


def _cell(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


def _heads(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.head for column in columns)


def _received(found: District) -> list[Sequence[Any]]:
    return [_heads(district_lists.received_columns(False)), *(row.values for row in district_lists.received(found._replace(since=None)))]


def _summary(found: District) -> list[Sequence[Any]]:
    """The columns that are there in every run, the parts, and those that are only looked at."""
    parts = [f"part {name}" for name in district_summary.part_names(found)]
    keys = [*book.SUMMARY_KEYS, *parts[: book.PARTS], *[""] * (book.PARTS - len(parts)), *book.MORE_KEYS, *parts[book.PARTS :]]
    heads = _heads([district_summary.column(key) if key else Column("", 0) for key in keys])
    return [heads, *([row.get(key) for key in keys] for row in district_summary.rows(found))]


def _indicators(found: District) -> list[Sequence[Any]]:
    return [_heads(district_lists.indicator_columns()), *district_lists.indicators(found)]


def _findings(found: District, here: bool) -> list[Sequence[Any]]:
    """The list, in the hidden column behind it where the link of each row leads, and room for the link."""
    return [(*_heads(district_lists.finding_columns()), "", book.OPEN),
            *((*row.values, _target(row, here), "") for row in district_lists.findings(found))]


def _links(corner: Place, rows: Sequence[Sequence[Any]]) -> dict[Place, Formula]:
    """What opens the place of a finding, for the first of those that have one."""
    top, column = corner[0], corner[1] + len(rows[0]) - 1
    linked = [top + n for n, row in enumerate(rows) if n and row[-2]][: book.LINKED]
    return {(row, column): Formula(f'=HYPERLINK({cell_name(row, column - 1)},"{book.OPEN}")') for row in linked}


def _target(row: district_lists.Row, here: bool) -> str:
    """The cell as a link names it; "" where it cannot be opened from here."""
    if not row.cell or row.form is None or row.form.origin:
        return ""
    sheet, _, address = row.cell.rpartition("!")
    quoted = sheet.replace("'", "''")
    target = f"{'' if here else os.path.abspath(row.form.path)}#'{quoted}'!{address}"
    return target if target.count("#") == 1 and len(target) < _LINK else ""


#: characters that Excel follows in a link
_LINK = 255


# ---- 分析 ----


def _figures(found: District) -> list[Sequence[Any]]:
    """The figures of two charts, each under its heading."""
    words, bars = district_charts.say, district_charts.lowest(found)
    return [(words("department"), words("percent")), *bars, *[("", "")] * (book.BARS - len(bars) + 1), (words("part"), words("share")),
            *district_charts.shares(found)]


def _analysis(found: District) -> Iterator[tuple[str, str]]:
    """What is to be looked at first, in lines of two columns: a heading alone, then the departments below it with what there is to say."""
    words = district_charts.say
    yield words("look"), ""
    fallen = [(found.name(line), _fell(line)) for line in district_charts.falls(found)]
    for heading, rows in ((words("falls"), fallen), *district_charts.remarked(found)):
        yield heading, "" if rows else words("none")
        yield from rows[: district_charts.LISTED]
        if len(rows) > district_charts.LISTED:
            yield words("more", n=len(rows) - district_charts.LISTED, sheet=words("found")), " "


def _fell(line: Line) -> str:
    form = line.form
    stated, total = (None if one is None else Decimal(repr(one)) for one in (form.total_stated, form.total))
    gap = "—" if stated is None or total is None else plain(total - stated)
    return say("fell", stated="—" if stated is None else plain(stated), grade_stated=district.stated_grade(form) or "—",
               total="—" if total is None else plain(total), grade=form.grade or "—", gap=gap)


def _tell(desk: _Desk, said: str) -> None:
    desk.host.write(*desk.places[book.SAID], [[clean(said)]])
