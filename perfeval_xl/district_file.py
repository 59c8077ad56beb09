"""The district workbook: who submitted, one line for each department with totals that follow the filter, every indicator, every finding with a
link to its cell, charts, and how it all came about. Written with XlsxWriter; what comes from the forms is only ever a number or a text.

The same forms give the same bytes. A hidden sheet keeps the line of every form, so that the workbook can itself be consolidated.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Sequence

from perfeval_xl import district_charts, district_lists, district_summary, files, messages
from perfeval_xl.compact import Form, to_stamp
from perfeval_xl.district import District
from perfeval_xl.district_book import STATE_COLOURS, Book, title
from perfeval_xl.district_lists import Column
from perfeval_xl.gather import SCHEMA, STAMP, STAMP_SHEET
from perfeval_xl.long_list import LongList, clean
from perfeval_xl.review_lists import LOOKS

_WORDS = messages.Words(
    {
        "charts": ("分析", "Analysis"),
        "about_title": ("汇总说明", "About"),
        "more": ("（续{n}）", " {n}"),
    }
)
say = _WORDS.say
#: rows that one sheet takes, its headings included; and links, of which Excel takes no more
SHEET_ROWS, LINKS = 1_048_000, 60_000
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
        self._folders: dict[str, str] = {}

    def put(self, sheet: LongList, column: int, form: Form, cell: str | None, text: str) -> None:
        """Makes a link of a cell of the row added last, if there is something to open."""
        if form.origin or self.left <= 0:
            return
        path = self._path(form.path)
        name, _, address = (cell or "").rpartition("!")
        quoted = name.replace("'", "''")
        url = f"external:{path}" + (f"#'{quoted}'!{address}" if name else "")
        if not any(mark in path + name for mark in '#%"<>|\t\n\r') and len(url) < 1000 and clean(url) == url:
            sheet.link(column, url, text)
            self.left -= 1


    def _path(self, path: str) -> str:
        """From the folder of the workbook; worked out once for each folder of forms."""
        folder, file = os.path.split(path)
        if folder not in self._folders:
            try:
                self._folders[folder] = os.path.relpath(folder or os.curdir, self.folder)
            except ValueError:  # on another drive
                self._folders[folder] = os.path.abspath(folder)
        return file if self._folders[folder] == os.curdir else os.path.join(self._folders[folder], file)


# ---- the lists ----


def _received(book: Book, district: District, links: _Links) -> None:
    columns = district_lists.received_columns(district.since is not None)
    name = district_lists.say("received")
    sheet = book.sheet(name, title(district, name), district_lists.counts(district), columns, 2)
    styles = _marked(book, columns, {state: {"bg_color": f"#{colour}"} for state, colour in STATE_COLOURS.items()})
    for row in district_lists.received(district):
        sheet.restyle(styles.get(row.mark, styles[""]))
        sheet.add(row.values)
        if row.form is not None:
            links.put(sheet, 3, row.form, None, row.values[3])
    sheet.autofilter(2, 0, max(sheet.next - 1, 3), len(columns) - 1)


def _marked(book: Book, columns: Sequence[Column], looks: dict[str, dict]) -> dict[str, list]:
    """For each mark the formats of a row: its third cell shows the mark; "" is a row without one."""
    return {mark: [book.look(column.look, **(look if n == 2 else {})) for n, column in enumerate(columns)] for mark, look in {"": {}, **looks}.items()}


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
    name = district_lists.say("rows")
    page, close = _pages(book, name, title(district, name), district_lists.say("rows_note"), district_lists.indicator_columns(), 1)
    page()
    for values in district_lists.indicators(district):
        page().add(values)
    close()


def _findings(book: Book, district: District, links: _Links) -> None:
    name, columns = district_lists.say("found"), district_lists.finding_columns()
    page, close = _pages(book, name, title(district, name), district_lists.say("found_note"), columns, 2)
    styles = _marked(book, columns, {severity: {"bg_color": f"#{look.fill}", "font_color": f"#{look.colour}", "bold": True}
                                     for severity, look in LOOKS.items()})
    page()
    for row in district_lists.findings(district):
        sheet = page()
        sheet.restyle(styles[row.mark])
        sheet.add(row.values)
        if row.cell:
            links.put(sheet, 11, row.form, row.cell, row.cell)
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
