"""Rows of a worksheet as XML, written before it is known in which rows they will stand: by the processes that read forms, and by ``long_list``.

XlsxWriter keeps an object for every cell and takes some five microseconds for each; the indicator rows of a thousand forms are half a million
cells.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from perfeval_xl.model import column_name
from perfeval_xl.patterns import Pattern
from perfeval_xl.review_lists import CONTROL, line_count

#: points of a line of text and of the space around it; characters that may make a row higher
_LINE, _PAD, _SHOWN = 14, 5, 600
#: characters that a cell may hold
LONGEST = 32_767


class Formula(NamedTuple):
    """A formula of ours and the result it has now. ``NUMBER`` in its text is the number of the row in which it stands."""

    text: str
    value: float | str | None


def clean(text: str) -> str:
    """A text that any part of a workbook can hold. XlsxWriter would take one in ``<r>`` for markup of its own and write it as it is."""
    text = (text if text.isprintable() else CONTROL.sub("", text))[:LONGEST]
    return f" {text}"[:LONGEST] if text.startswith("<r>") else text


_lines = lru_cache(maxsize=4096)(line_count)


def _height(values: Sequence[Any], wrapped: Sequence[tuple[int, float]]) -> int:
    """Points of a row in which no text is cut off; Excel knows none higher than 409."""
    lines = 1
    for column, width in wrapped:
        if (text := values[column]) and len(text) * 2 > width - 2:
            lines = max(lines, _lines(text[:_SHOWN], width))
    return min(_LINE * lines + _PAD, 409)


class Shape(NamedTuple):
    """How the rows of a list look: the numbers of their formats in the workbook, and (column, width) of those whose texts make their row higher."""

    styles: tuple[int, ...]
    wrapped: tuple[tuple[int, float], ...]


class _Later:
    """A value that is known when the rows are placed; ``mark`` stands for it until then."""

    def __init__(self, mark: bytes) -> None:
        self.mark = mark


#: what stands for the number of a row in a draft, between rows that are put away, and for values that come later: no text has these characters
#: once it is ``clean``
_NUMBER, NEXT = b"\0", b"\1"
NUMBER = _NUMBER.decode()
LATER = _Later(b"\2"), _Later(b"\3")
#: values, and rows, that are remembered: the forms of a district have many in common
_MANY = 20_000


class _Ends(dict):
    """Value -> how its cell ends, in UTF-8. Texts stand in their cells: what is not yet placed shares no table with the rest of the workbook."""

    def __missing__(self, value: Any) -> bytes:
        if len(self) > _MANY:
            self.clear()
        self[value] = end = _end(value)
        return end


_ends = _Ends()


def _end(value: Any) -> bytes:
    """The end of a cell, from the closing quote of its attributes on."""
    if value is None or value == "":
        return b"/>"
    kind = type(value)
    if kind is str:
        if value.isalnum() and len(value) < LONGEST:  # most are, and then nothing in them needs care
            return f' t="inlineStr"><is><t>{value}</t></is></c>'.encode()
        return _text(clean(value))
    if kind is Formula:
        text, result = _formula(value.text), value.value
        how, shown = (' t="str"', escape(result or "")) if result is None or isinstance(result, str) else ("", repr(result))
        return f"{how}><f>{text}</f><v>{shown}</v></c>".encode()
    if kind is _Later:
        return value.mark
    # 200 and 200.0 are one value to what is remembered, and must be one in every process
    return b"><v>%s</v></c>" % repr(int(value) if abs(value) < 1e15 and value == int(value) else value).encode()


@lru_cache(maxsize=256)
def _formula(text: str) -> str:
    return escape(text.removeprefix("="))


def _text(text: str) -> bytes:
    kept = ' xml:space="preserve"' if text[:1].isspace() or text[-1:].isspace() else ""
    return f' t="inlineStr"><is><t{kept}>{escape(text)}</t></is></c>'.encode()


_CODE = Pattern("(_x[0-9a-fA-F]{4}_)")


def escape(text: str) -> str:
    """A text for an element or an attribute in double quotes that has none."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _CODE.sub(r"_x005F\1", text) if "_x" in text else text  # _x0041_ in a text would be read as A


class Draft:
    """Writes rows before it is known where they will stand."""

    def __init__(self, shape: Shape) -> None:
        begins = [b'<c r="%s%s" s="%d"' % (column_name(n).encode(), _NUMBER, style) for n, style in enumerate(shape.styles)]
        self._row = b'<row r="%s" ht="%%d" customHeight="1">%s%%s</row>' % (_NUMBER, b"%s".join(begins))
        self._wrapped = shape.wrapped
        self._rows: dict[tuple, bytes] = {}

    def rows(self, rows: Iterable[Sequence[Any]]) -> tuple[bytes, ...]:
        """Rows, to be given their place by ``placed``: numbers, texts (never formulas, whatever they begin with), ``Formula``, None for an empty
        cell. A value of ``LATER`` stands for one that comes then. Rows with the same values are one object, which is pickled once."""
        return tuple(map(self._known, rows))

    def row(self, values: Sequence[Any]) -> bytes:
        """One of them."""
        return self._row % (_height(values, self._wrapped), *map(_ends.__getitem__, values))

    def _known(self, values: Sequence[Any]) -> bytes:
        values = tuple(values)
        if (row := self._rows.get(values)) is None:
            if len(self._rows) > _MANY:
                self._rows.clear()
            row = self._rows[values] = self.row(values)
        return row


def words(row: Sequence[bytes], number: int) -> bytes:
    """A row of ASCII words without a look, in which nothing needs to be escaped, in its place."""
    cells = [b'<c r="%s%d" t="inlineStr"><is><t>%s</t></is></c>' % (column_name(n).encode(), number, word) for n, word in enumerate(row)]
    return b'<row r="%d">%s</row>' % (number, b"".join(cells))


def placed(draft: Iterable[bytes], first: int, later: Sequence[Any] = ()) -> bytes:
    """The rows of a draft as a part of a sheet, for ``LongList.add_placed``; ``first`` is the number of the first one, from one; ``later`` are
    the values for ``LATER``."""
    # as ``at`` does it: calling it for every row takes a fifth longer
    rows = b"".join([row.replace(_NUMBER, b"%d" % number) for number, row in enumerate(draft, first)])
    for one, value in zip(LATER, later, strict=bool(later)):
        rows = rows.replace(one.mark, _end(value))
    return rows


def at(row: bytes, number: int) -> bytes:
    """One row of ``Draft.row`` in its place."""
    return row.replace(_NUMBER, b"%d" % number)
