"""A worksheet for very long tables: its rows are put together as they are added and wait outside the memory until the workbook is closed.

XlsxWriter keeps an object for every cell and takes some five microseconds for each; the indicator rows of a thousand forms are half a million
cells. Only the rows of the table are written here; headings, widths, filters, links and the printed page stay XlsxWriter's own business.
"""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import getitem
from typing import IO, Any, NamedTuple

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from perfeval_xl.container import Piece
from perfeval_xl.review_lists import CONTROL, line_count

#: bytes of rows that stay in memory, rows that are put away together, and characters that are put away at once
_SPOOL, _TOGETHER, _LONG = 16_000_000, 500, 100_000
#: points of a line of text and of the space around it; characters that may make a row higher
_LINE, _PAD, _SHOWN = 14, 5, 600
#: how hard zlib tries: packed at the second level a workbook is a sixth larger than at the usual one, in a third of the time
LEVEL = 2
#: characters that a cell may hold
LONGEST = 32_767


class Formula(NamedTuple):
    """A formula of ours and the result it has now."""

    text: str
    value: float | str | None


def clean(text: str) -> str:
    """A text that any part of a workbook can hold. XlsxWriter would take one in ``<r>`` for markup of its own and write it as it is."""
    text = (text if text.isprintable() else CONTROL.sub("", text))[:LONGEST]
    return f" {text}"[:LONGEST] if text.startswith("<r>") else text


_lines = lru_cache(maxsize=4096)(line_count)


class _Cells(dict):
    """Value -> the end of its cell's XML, from its closing quote on; the same few values stand in all forms."""

    def __init__(self, strings: Any) -> None:
        super().__init__({None: "/>", "": "/>"})
        self.strings = strings

    def __missing__(self, value: Any) -> str:
        if type(value) is str:
            end = f' t="s"><v>{self.strings._get_shared_string_index(clean(value))}</v></c>'
        elif type(value) is Formula:
            return _formula(value)
        else:
            end = f"><v>{value!r}</v></c>"
        self[value] = end
        return end


def _pattern(styles: Sequence[int]) -> str:
    """A row as a pattern: its number, its height, then for each cell the number of the row and the end of the cell."""
    cells = "".join(f'<c r="{xl_col_to_name(n)}%s" s="{style}"%s' for n, style in enumerate(styles))
    return f'<row r="%s" ht="%s" customHeight="1">{cells}</row>'


def _height(values: Sequence[Any], wrapped: Sequence[tuple[int, float]]) -> int:
    """Points of a row in which no text is cut off; Excel knows none higher than 409."""
    lines = 1
    for column, width in wrapped:
        if (text := values[column]) and len(text) * 2 > width - 2:
            lines = max(lines, _lines(text[:_SHOWN], width))
    return min(_LINE * lines + _PAD, 409)


def _filled(pattern: str, number: int, values: Sequence[Any], end: Callable[[Any], str], wrapped: Sequence[tuple[int, float]]) -> str:
    row = str(number)
    cells = [row] * (len(values) * 2 + 2)
    cells[1] = _height(values, wrapped)
    cells[3::2] = map(end, values)
    return pattern % tuple(cells)


class Shape(NamedTuple):
    """How the rows of a list look: the numbers of their formats, and (column, width) of those whose texts make their row higher."""

    styles: tuple[int, ...]
    wrapped: tuple[tuple[int, float], ...]


class _Later:
    """A value that is known when the rows are placed; ``mark`` stands for it until then."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark


#: what stands for the number of a row in a draft, between rows, for values that come later, and in a sheet for rows that are packed already: no
#: text has these characters once it is ``clean``
_NUMBER, _NEXT, PACKED = b"\0", b"\1", b"\4"
LATER = _Later(b"\2"), _Later(b"\3")
#: values of a column whose cells are remembered
_MANY = 5_000


class _Column(dict):
    """Value -> its cell in a draft, in UTF-8. Texts stand in their cells: what is not yet placed shares no table with the rest of the workbook."""

    def __init__(self, column: int, style: int) -> None:
        self._begin = b'<c r="%s%s" s="%d"' % (xl_col_to_name(column).encode(), _NUMBER, style)
        super().__init__()

    def __missing__(self, value: Any) -> bytes:
        if len(self) > _MANY:
            self.clear()
        self[value] = cell = self._begin + _end(value)
        return cell


def _end(value: Any) -> bytes:
    if value is None or value == "":
        return b"/>"
    if type(value) is str:
        return f' t="inlineStr"><is><t>{_escape(clean(value))}</t></is></c>'.encode()
    return value.mark if type(value) is _Later else f"><v>{value!r}</v></c>".encode()


class Draft:
    """Writes rows before it is known where they will stand."""

    def __init__(self, shape: Shape) -> None:
        self._columns = [_Column(n, style) for n, style in enumerate(shape.styles)]
        self._wrapped = shape.wrapped

    def rows(self, rows: Iterable[Sequence[Any]]) -> bytes:
        """Rows of numbers and texts, to be given their place by ``placed``. A value of ``LATER`` stands for one that comes then."""
        drafted = []
        for values in rows:
            cells = b"".join(map(getitem, self._columns, values))
            drafted.append(b'<row r="%s" ht="%d" customHeight="1">%s</row>' % (_NUMBER, _height(values, self._wrapped), cells))
        return _NEXT.join(drafted)


def placed(draft: bytes, first: int, later: Sequence[Any]) -> bytes:
    """The rows of a draft as a part of a sheet, for ``LongList.add_placed``; ``first`` is the number of the first one, from one; ``later`` are
    the values for ``LATER``."""
    for one, value in zip(LATER, later, strict=True):
        draft = draft.replace(one.mark, _end(value))
    return b"".join([row.replace(_NUMBER, b"%d" % number) for number, row in enumerate(draft.split(_NEXT), first)])


class LongList(Worksheet):
    """A sheet of the workbook: call ``columns`` once the headings stand, then ``add`` for each row below them."""

    def columns(self, first: int, looks: Sequence[Format], wrapped: Sequence[tuple[int, float]] = ()) -> None:
        """The rows begin at this zero-based row; ``looks`` are the formats of the columns from the first on, ``wrapped`` are (column, width)
        of those whose texts make their row as high as they need."""
        self._wrapped, self._end = tuple(wrapped), _Cells(self.str_table).__getitem__
        self.first = self.next = first
        self._waiting: list[str] = []
        self._rows: IO[str] | None = None
        self.piece: Piece | None = None
        self._patterns: dict[tuple[int, ...], str] = {}
        self.restyle(looks)

    def restyle(self, looks: Sequence[Format]) -> None:
        """Other formats from the next row on."""
        styles = tuple([look._get_xf_index() for look in looks])
        if styles not in self._patterns:
            self._patterns[styles] = _pattern(styles)
        self.shape, self._pattern = Shape(styles, self._wrapped), self._patterns[styles]

    def add(self, values: Sequence[Any]) -> None:
        """One row: numbers, texts (never formulas, whatever they begin with), ``Formula``, None for an empty cell."""
        self.next += 1
        self._put(_filled(self._pattern, self.next, values, self._end, self._wrapped))

    def add_placed(self, rows: bytes, count: int) -> None:
        """So many rows that ``placed`` has put here; a list has no others then."""
        if self.piece is None:
            self.piece = Piece(LEVEL)
        self.next += count
        self.piece.add(rows)

    def _put(self, row: str) -> None:
        self._waiting.append(row)
        if len(self._waiting) > _TOGETHER or len(row) > _LONG:
            if self._rows is None:
                self._rows = tempfile.SpooledTemporaryFile(_SPOOL, "w+", encoding="utf-8", newline="\n")  # noqa: SIM115 - closed when the rows are taken
            self._rows.write("".join(self._waiting))
            self._waiting.clear()

    def add_texts(self, texts: Sequence[str]) -> None:
        """One row of ASCII texts that occur once and would only fill the table of shared strings."""
        number = self.next + 1
        cells = [f'<c r="{xl_col_to_name(n)}{number}" t="inlineStr"><is><t>{_escape(text)}</t></is></c>' for n, text in enumerate(texts)]
        self.add_placed(f'<row r="{number}">{"".join(cells)}</row>'.encode(), 1)

    def link(self, column: int, url: str, text: str) -> None:
        """Makes a link of a cell of the row added last."""
        self.write_url(self.next - 1, column, url, None, clean(text)[:255])

    def _write_dimension(self) -> None:
        self.dim_rowmax = max(self.dim_rowmax or 0, self.next - 1)
        super()._write_dimension()

    def _write_sheet_data(self) -> None:
        self._xml_start_tag("sheetData")
        self.dim_rowmax = self.first - 1
        if self.first:
            self._write_rows()
        if self._rows is not None:
            self._rows.seek(0)
            while data := self._rows.read(1 << 20):
                self.fh.write(data)
            self._rows.close()
        self.fh.write("".join(self._waiting) if self.piece is None else PACKED.decode())
        self._xml_end_tag("sheetData")


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _formula(formula: Formula) -> str:
    text, value = _escape(formula.text.removeprefix("=")), formula.value
    if value is None or isinstance(value, str):
        return f' t="str"><f>{text}</f><v>{_escape(value or "")}</v></c>'
    return f"><f>{text}</f><v>{value!r}</v></c>"
