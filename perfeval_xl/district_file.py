"""The district workbook: who submitted, one line for each department with totals that follow the filter, every indicator, every finding with a
link to its cell, charts, and how it all came about. Written with XlsxWriter; what comes from the forms is only ever a number or a text.

The same forms give the same bytes. A hidden sheet keeps the line of every form, so that the workbook can itself be consolidated.
"""

import hashlib
import io
import os
import tempfile
from collections.abc import Sequence
from typing import IO

from perfeval_xl import district_charts, district_lists, district_summary, files, messages
from perfeval_xl.compact import Form, packed, to_stamp
from perfeval_xl.district import District
from perfeval_xl.district_book import STATE_COLOURS, Book, title
from perfeval_xl.district_lists import Column
from perfeval_xl.gather import SCHEMA, STAMP, STAMP_SHEET
from perfeval_xl.long_list import LATER, Draft, LongList, clean, placed
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
#: bytes of drafted rows that stay in memory
_SPOOL = 64_000_000


class Begun:
    """A district workbook of which nothing is known but how it looks: the rows of 指标明细 are drafted as the forms come, while whoever reads
    them is at work on the next ones. Drafts wait outside the memory where there are many."""

    def __init__(self, forms: int) -> None:
        self.stream = io.BytesIO()
        self.book = Book(self.stream, forms)
        self._draft, self._words = Draft(self.book.shape(district_lists.indicator_columns())), district_lists.kinds()
        self._drafts: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 - closed when the workbook is
        self._places: dict[tuple, tuple[int, int, int, Form]] = {}
        self._end = 0

    def keep(self, form: Form) -> Form:
        """Drafts the rows of a form, and the line of it that the workbook keeps; gives it as it is kept."""
        draft = self._draft.rows(district_lists.indicators_of(*LATER, form, self._words))
        kept = packed(form)
        stamp = to_stamp(kept)
        self._drafts.write(draft + stamp)
        self._places[_key(form)] = self._end, len(draft), len(stamp), kept
        self._end += len(draft) + len(stamp)
        return kept

    def rows(self, form: Form, name: str, file: str, first: int) -> bytes:
        """The rows of a form, of the department ``name`` and in this file, from the row with this number on."""
        if _key(form) not in self._places:
            self.keep(form)
        start, size, *_ = self._places[_key(form)]
        return placed(self._read(start, size), first, (name, file))

    def stamp(self, form: Form) -> bytes:
        """The line of a form that the workbook keeps."""
        start, draft, size, kept = self._places.get(_key(form), (0, 0, 0, None))
        return self._read(start + draft, size) if kept is form else to_stamp(form)  # a report may have added findings to it

    def _read(self, start: int, size: int) -> bytes:
        self._drafts.seek(start)
        found = self._drafts.read(size)
        self._drafts.seek(self._end)
        return found

    def close(self) -> None:
        """The drafts are needed no more."""
        self._drafts.close()


def _key(form: Form) -> tuple:
    return form.origin, form.path, form.sheet


def write(district: District, path: str, begun: Begun | None = None) -> None:
    """Writes the district workbook, in one step; a path that cannot be written is refused (X116)."""
    files.replace(path, data(district, os.path.dirname(os.path.abspath(path)), begun))


def data(district: District, folder: str, begun: Begun | None = None) -> bytes:
    """The district workbook as bytes, the same whether it was begun before or not; links to the forms are relative to ``folder``."""
    begun = begun or Begun(len(district.lines))
    book = begun.book
    with book.workbook as workbook:
        workbook.set_size(2400, 1500)
        workbook.set_custom_property(STAMP, SCHEMA)
        links = _Links(folder)
        _received(book, district, links)
        place = district_summary.write(book, district)
        _indicators(begun, district)
        _findings(book, district, links)
        district_charts.write(book, district, place, title(district, say("charts")))
        district_charts.about(book, district, title(district, say("about_title")))
        _stamp(begun, district)
    begun.close()
    return begun.stream.getvalue()


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
        """Puts the filter over what was taken."""
        self.sheet.autofilter(self.sheet.first - 1, 0, max(self.next - 1, self.sheet.first), len(self._columns) - 1)


def _indicators(begun: Begun, district: District) -> None:
    """指标明细. A form's rows stand on one sheet."""
    name = district_lists.say("rows")
    pages = _Pages(begun.book, name, district_lists.say("rows_note"), district_lists.indicator_columns(), 1, title(district, name))
    for line in district.counted:
        sheet, first = pages.take(line.form.rows)
        sheet.add_placed(begun.rows(line.form, district.name(line), district.shown(line.form), first + 1), line.form.rows)
    pages.close()


def _findings(book: Book, district: District, links: _Links) -> None:
    name, columns = district_lists.say("found"), district_lists.finding_columns()
    pages = _Pages(book, name, district_lists.say("found_note"), columns, 2, title(district, name))
    styles = _marked(book, columns, {severity: {"bg_color": f"#{look.fill}", "font_color": f"#{look.colour}", "bold": True}
                                     for severity, look in LOOKS.items()})
    for row in district_lists.findings(district):
        sheet, _ = pages.take(1)
        sheet.restyle(styles[row.mark])
        sheet.add(row.values)
        if row.cell:
            links.put(sheet, 11, row.form, row.cell, row.cell)
    pages.close()


# ---- what the workbook keeps ----


def _stamp(begun: Begun, district: District) -> None:
    """The hidden sheet: a mark with the digest of all lines, then the line of every form, in pieces that fit into cells."""
    sheet: LongList = begun.book.workbook.add_worksheet(STAMP_SHEET, LongList)
    rows = []
    for form in district.forms:
        text = begun.stamp(form)
        rows.append([text[n : n + _PIECE] for n in range(0, len(text), _PIECE)])
    digest = hashlib.sha256(b"\n".join([b"\t".join(row) for row in rows])).hexdigest()
    sheet.columns(0, [])
    for row in [[STAMP.encode(), b"%d" % SCHEMA, b"%d" % len(rows), digest.encode()], *rows]:
        sheet.add_words(row)
    sheet.very_hidden()
