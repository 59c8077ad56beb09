"""The means that the sheets of a district workbook share: formats made once, a sheet with title, headings and printed page, and where a column
of a table stands.
"""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipInfo

import xlsxwriter.workbook
from xlsxwriter import Workbook
from xlsxwriter.format import Format

from perfeval_xl import messages
from perfeval_xl.container import Piece, deflated, pack
from perfeval_xl.district import District
from perfeval_xl.district_lists import Column, wrapped
from perfeval_xl.drafts import Draft, Shape
from perfeval_xl.long_list import LEVEL, PACKED, LongList
from perfeval_xl.review_lists import LOOKS
from perfeval_xl.template import new_workbook

_WORDS = messages.Words({"page": ("第 &P 页，共 &N 页", "Page &P of &N"),
                         "title": ("{year}部门整体绩效自评{what}", "Self-assessment {year}{what}"), "year": ("{year}年度", "{year}: ")})
FONT, HEAD, BAND, EDGE = "微软雅黑", "#D9E2EC", "#F2F2F2", "#BFBFBF"
#: state of a form in the run -> the fill of its cell
STATE_COLOURS = {
    "return": LOOKS["error"].fill,
    "missing": LOOKS["error"].fill,
    "unreadable": LOOKS["error"].fill,
    "older": BAND[1:],
    "duplicate": BAND[1:],
    "year": LOOKS["warning"].fill,
}
#: a severity -> how the cell looks that names it
SEVERITY_LOOKS = {severity: {"bg_color": f"#{look.fill}", "font_color": f"#{look.colour}", "bold": True} for severity, look in LOOKS.items()}
_SHAPES = {"money": "#,##0.00", "score": "0.00", "rate": "0.00", "whole": "0", "gap": "+0.00;-0.00;0.00"}
#: forms up to which the parts of the workbook are put together in memory
_IN_MEMORY = 2_000


class _Zip:
    """What XlsxWriter asks of a ``ZipFile``, which would try harder than it pays (``LEVEL``): this one takes rows that are packed already as they
    are (``LongList.add_placed``)."""

    compression = ZIP_DEFLATED

    def __init__(self, target: Any, pieces: dict[str, Piece]) -> None:
        self._target, self._pieces = target, pieces
        self._parts: dict[str, tuple[int, int, int, bytes]] = {}

    def writestr(self, info: ZipInfo, content: bytes) -> None:
        """A part that was put together in memory."""
        if (piece := self._pieces.get(info.filename)) is not None and PACKED in content:
            head, _, tail = content.partition(PACKED)
            self._parts[info.filename] = piece.between(head, tail)
        else:
            self._parts[info.filename] = deflated(content, LEVEL)

    def write(self, path: str, name: str) -> None:
        """A part that was put together in a file."""
        with open(path, "rb") as stream:
            self.writestr(ZipInfo(name), stream.read())

    def close(self) -> None:
        """Everything to its place."""
        self._target.write(pack(self._parts))


class _Quick(Workbook):
    def _store_workbook(self) -> None:
        pieces = {f"xl/worksheets/sheet{n}.xml": sheet.piece for n, sheet in enumerate(self.worksheets(), 1)
                  if isinstance(sheet, LongList) and sheet.piece is not None}
        usual = xlsxwriter.workbook.ZipFile
        xlsxwriter.workbook.ZipFile = lambda target, *_, **__: _Zip(target, pieces)
        try:
            super()._store_workbook()
        finally:
            xlsxwriter.workbook.ZipFile = usual


class Book:
    """The workbook with its formats, and the means all its sheets share."""

    def __init__(self, target: Any, forms: int) -> None:
        self.workbook: Workbook = new_workbook(target, _Quick, in_memory=forms <= _IN_MEMORY)
        self._looks: dict[tuple, Format] = {}

    def look(self, kind: str = "text", **more: Any) -> Format:
        """A format, made once."""
        wanted = (kind, *sorted(more.items()))
        if wanted not in self._looks:
            look = {
                "font_name": FONT,
                "font_size": 10,
                "valign": "vcenter",
                "border": 1,
                "border_color": EDGE,
                **({"num_format": _SHAPES[kind]} if kind in _SHAPES else {}),
                **({"align": "center"} if kind in ("centre", "whole", "score", "rate", "gap") else {}),
                **({"text_wrap": True} if kind == "wrap" else {}),
                **({"font_color": "#0563C1", "underline": 1} if kind == "link" else {}),
                **more,
            }
            self._looks[wanted] = self.workbook.add_format(look)
        return self._looks[wanted]

    def shape(self, columns: Sequence[Column]) -> Shape:
        """How the rows of a list with these columns look."""
        return Shape(tuple([self.look(column.look)._get_xf_index() for column in columns]), wrapped(columns))

    def marked(self, sheet: LongList, columns: Sequence[Column], shown: int, looks: dict[str, dict]) -> Callable[[str], Draft]:
        """What writes the rows of a mark, whose look the cell in the column ``shown`` has; a mark without a look is a row like any other."""

        @cache
        def draft(mark: str) -> Draft:
            own = looks.get(mark, {})
            return sheet.draft([self.look(column.look, **(own if n == shown else {})) for n, column in enumerate(columns)])

        return draft

    def sheet(self, name: str, title: str, note: str, columns: Sequence[Column], frozen: int = 0, heads: int = 3) -> LongList:
        """A sheet with title, note and headings; its rows are to be added. A4 landscape, one page wide, the headings on every page."""
        sheet: LongList = self.workbook.add_worksheet(name, LongList)
        plain = {"border": 0}
        sheet.merge_range(0, 0, 0, len(columns) - 1, title, self.look("centre", font_size=16, bold=True, **plain))
        sheet.merge_range(1, 0, 1, len(columns) - 1, note, self.look("wrap", font_size=9, font_color="#595959", **plain))
        sheet.set_row(0, 34)
        sheet.set_row(1, 20)
        head = self.look("centre", bold=True, bg_color=HEAD, text_wrap=True)
        for n, column in enumerate(columns):
            sheet.set_column(n, n, column.width)
            sheet.write_string(heads - 1, n, column.head, head)
        sheet.set_row(heads - 1, 34)
        sheet.columns(heads, [self.look(column.look) for column in columns], wrapped(columns))
        sheet.freeze_panes(heads, frozen)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(0.4, 0.4, 0.5, 0.6)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(heads - 1)
        sheet.center_horizontally()
        sheet.hide_gridlines(2)
        sheet.set_footer(f"&C{_WORDS.say('page')}")
        return sheet


class Place(NamedTuple):
    """Where the charts find what they count: the sheet, its first and last row (one-based) and the letters of some columns."""

    sheet: str
    first: int
    last: int
    letters: dict[str, str]

    def range(self, key: str) -> str:
        """A column of the table as an absolute reference."""
        return f"'{self.sheet}'!${self.letters[key]}${self.first}:${self.letters[key]}${self.last}"


def title(district: District, what: str) -> str:
    """The title of a sheet, with the year of the run."""
    return _WORDS.say("title", year=_WORDS.say("year", year=district.year) if district.year else "", what=what)
