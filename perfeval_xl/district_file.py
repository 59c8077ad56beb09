"""The district workbook: who submitted, one line for each department with totals that follow the filter, every indicator, every finding with a
link to its cell, charts, and how it all came about. Written with XlsxWriter; what comes from the forms is only ever a number or a text.

The same forms give the same bytes. A hidden sheet keeps the line of every form, so that the workbook can itself be consolidated.
"""

import hashlib
import io
import os
import zlib
from collections.abc import Sequence
from contextlib import ExitStack, closing

from perfeval_xl import district_charts, district_lists, district_summary, files, messages
from perfeval_xl.compact import Form
from perfeval_xl.container import Piece, brisk
from perfeval_xl.district import District
from perfeval_xl.district_book import SEVERITY_LOOKS, STATE_COLOURS, Book, title
from perfeval_xl.district_drafts import Drafts
from perfeval_xl.district_lists import Column
from perfeval_xl.drafts import clean, words
from perfeval_xl.gather import SCHEMA, STAMP, STAMP_SHEET
from perfeval_xl.long_list import LEVEL, LongList
from perfeval_xl.patterns import Pattern

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
#: what a link cannot carry
_UNFIT = Pattern(r'[#%"<>|\t\n\r]')
#: characters of a packed line in one cell
_PIECE = 32_000


def write(district: District, path: str, drafts: Drafts | None = None) -> None:
    """Writes the district workbook, in one step; a path that cannot be written is refused (X116)."""
    files.replace(path, data(district, os.path.dirname(os.path.abspath(path)), drafts))


def data(district: District, folder: str, drafts: Drafts | None = None) -> bytes:
    """The district workbook as bytes, the same whoever has drafted its rows; links to the forms are relative to ``folder``."""
    stream = io.BytesIO()
    book = Book(stream, len(district.lines))
    book.shape(district_lists.indicator_columns())  # the first formats of the workbook: drafted rows know their numbers
    with brisk(), ExitStack() as opened, book.workbook as workbook:
        drafts = drafts or opened.enter_context(closing(Drafts()))
        workbook.set_size(2400, 1500)
        workbook.set_custom_property(STAMP, SCHEMA)
        links = _Links(folder)
        received, summary = _received_sheet(book, district), district_summary.sheet(book, district)
        # before the sheets around them: by far the longest, and packed while the others are written
        _indicators(book, district, drafts)
        stamp = _stamp(district, drafts)
        _received(received, book, district, links)
        place = district_summary.write(summary, book, district)
        _findings(book, district, links)
        district_charts.write(book, district, place, title(district, say("charts")))
        district_charts.about(book, district, title(district, say("about_title")))
        _stamp_sheet(book, district, stamp)
    return stream.getvalue()


class _Links:
    """Links to cells of the submitted files; a path that a link cannot carry gets none."""

    def __init__(self, folder: str) -> None:
        self.folder, self.left = folder, LINKS
        self._folders: dict[str, str] = {}

    def put(self, sheet: LongList, column: int, form: Form, cell: str | None) -> None:
        """Makes a link of a cell of the row added last, if there is something to open."""
        if form.origin or self.left <= 0:
            return
        path = self._path(form.path)
        name, _, address = (cell or "").rpartition("!")
        quoted = name.replace("'", "''")
        place = f"'{quoted}'!{address}" if name else ""
        if not _UNFIT.search(whole := path + place) and len(whole) < 1000 and clean(whole) == whole:
            sheet.link(column, path, place)
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


def _received_sheet(book: Book, district: District) -> LongList:
    name = district_lists.say("received")
    return book.sheet(name, title(district, name), district_lists.counts(district), district_lists.received_columns(district.since is not None), 2)


def _received(sheet: LongList, book: Book, district: District, links: _Links) -> None:
    columns = district_lists.received_columns(district.since is not None)
    draft = book.marked(sheet, columns, 2, {state: {"bg_color": f"#{colour}"} for state, colour in STATE_COLOURS.items()})
    for row in district_lists.received(district):
        sheet.add(row.values, draft(row.mark))
        if row.form is not None:
            links.put(sheet, 3, row.form, None)
    sheet.complete()
    sheet.autofilter(2, 0, max(sheet.next - 1, 3), len(columns) - 1)


class _Pages:
    """Sheets of the same kind, one after the other as they fill up."""

    def __init__(self, book: Book, name: str, note: str, columns: Sequence[Column], frozen: int, heading: str) -> None:
        self._book, self._name, self._note, self._columns, self._frozen, self._heading = book, name, note, columns, frozen, heading
        self._count = 0
        self._turn()

    def _turn(self) -> None:
        more = say("more", n=self._count + 1) if self._count else ""
        self._count += 1
        self.sheet = self._book.sheet(self._name + more, self._heading + more, self._note, self._columns, self._frozen)
        self.next = self.sheet.next

    def take(self, rows: int) -> tuple[LongList, int]:
        """Room for so many rows together: a sheet, and the zero-based row where they begin."""
        if self.next + rows > SHEET_ROWS and self.next > self.sheet.first:
            self.close()
            self._turn()
        first, self.next = self.next, self.next + rows
        return self.sheet, first

    def close(self) -> None:
        """No more rows come on this sheet: puts the filter over what was taken."""
        self.sheet.complete()
        self.sheet.autofilter(self.sheet.first - 1, 0, max(self.next - 1, self.sheet.first), len(self._columns) - 1)


def _indicators(book: Book, district: District, drafts: Drafts) -> None:
    """指标明细. A form's rows stand on one sheet."""
    name = district_lists.say("rows")
    pages = _Pages(book, name, district_lists.say("rows_note"), district_lists.indicator_columns(), 1, title(district, name))
    for line in district.counted:
        sheet, first = pages.take(line.form.rows)
        sheet.add_placed(drafts.rows(line.form, district.name(line), district.shown(line.form), first + 1), line.form.rows)
    pages.close()


def _findings(book: Book, district: District, links: _Links) -> None:
    name, columns = district_lists.say("found"), district_lists.finding_columns()
    pages = _Pages(book, name, district_lists.say("found_note"), columns, 2, title(district, name))
    draft = book.marked(pages.sheet, columns, 2, SEVERITY_LOOKS)
    for row in district_lists.findings(district):
        sheet, _ = pages.take(1)
        sheet.add(row.values, draft(row.mark))
        if row.cell:
            links.put(sheet, 11, row.form, row.cell)
    pages.close()


# ---- what the workbook keeps ----


def _stamp(district: District, drafts: Drafts) -> Piece:
    """The rows of the hidden sheet: a mark with the digest of all lines, then the line of every form, in pieces that fit into cells."""
    rows = []
    for form in district.forms:
        text = drafts.stamp(form)
        rows.append([text[n : n + _PIECE] for n in range(0, len(text), _PIECE)])
    digest = hashlib.sha256(b"\n".join([b"\t".join(row) for row in rows])).hexdigest()
    piece = Piece(LEVEL, zlib.Z_HUFFMAN_ONLY)  # what is packed already has no text twice
    for number, row in enumerate([[STAMP.encode(), b"%d" % SCHEMA, b"%d" % len(rows), digest.encode()], *rows], 1):
        piece.add(words(row, number))
    piece.hand_over()
    return piece


def _stamp_sheet(book: Book, district: District, piece: Piece) -> None:
    sheet: LongList = book.workbook.add_worksheet(STAMP_SHEET, LongList)
    sheet.columns(0, [])
    sheet.take(piece, 1 + len(district.forms))
    sheet.very_hidden()
