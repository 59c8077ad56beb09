"""A worksheet part and its texts as every spreadsheet program writes them: cut where a cell or a text begins, and each piece understood once.

A piece is understood only if there is one way to read it, the way python-calamine reads it too (the tests hold the two against each other);
a part with one other piece is left to a parser and to calamine. What is understood holds no trap: values stand near the corner of the sheet,
in order, and nothing is nested. The forms of a district have most of their pieces in common, so that a form is read in a fraction of the time
that a parser takes to walk it.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter, lt
from typing import Any, NamedTuple

from perfeval_xl.gate import ATTRIBUTES, FEW_TAGS, check_head, root
from perfeval_xl.model import UNCALCULATED, as_percent, column_number
from perfeval_xl.patterns import Pattern

#: what a cell holds: the number of a shared text, a number, a text of its own, a text for what calamine gives as empty or as a truth value (an
#: error, TRUE, FALSE), a formula whose result the file does not hold, nothing
SHARED, NUMBER, OWN, SAID, MISSING, BLANK = range(6)
#: what more there is to a cell: it has a formula, and the row that follows it may hide
FORMULA, _HIDES = 1, 2
#: row and column in one, row, column, what it holds, the value, the number of its style, what more there is
Cell = tuple[int, int, int, int, float | int | str, bytes, int]
_KEY, _COLUMN, _KIND, _MORE = map(itemgetter, (0, 2, 3, 6))


class Cells(NamedTuple):
    """How the cells of a sheet are written. ``found``: those that hold something, in their order; None if they are not written as usual. The root
    of the part begins at ``root``, its sheetData stands from ``begin`` to ``end``; ``formulas``: there may be some; ``hides``: a row may be
    hidden, or too low to be read."""

    found: list[Cell] | None = None
    root: int = 0
    begin: int = 0
    end: int = 0
    formulas: bool = True
    hides: bool = True


_OTHERWISE = Cells()
_BETWEEN = rb'(?:<row r="[0-9]++"%s(?:/>|></row>))*<row r="[0-9]++"%s>' % (ATTRIBUTES, ATTRIBUTES)
#: what rows say that are hidden, or lower than three points
_HIDDEN = (b"hidden", b"zero", b' ht="0', b' ht="1"', b' ht="1.', b' ht="2"', b' ht="2.', b' ht=".', b' ht="-', b' ht="+')
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_REST = Pattern(
    rb'(?: s="(0|[1-9][0-9]{0,4})")?(?: t="(\w++)")?(?: s="(0|[1-9][0-9]{0,4})")?'
    rb'(?:/>|>(<f' + ATTRIBUTES + rb'(?:/>|>[^<]*+</f>))?'
    rb'(?:<v(?: xml:space="preserve")?(?:/>|>([^<]*+)</v>)|<is>(<t[^<]*+</t>)</is>)?</c>)((?:</row>' + _BETWEEN + rb')?)')
_KEEPING = '<t xml:space="preserve">'
_TEXT = Pattern(r'<t( xml:space="preserve")?>([^<\r]*+)</t>')
_REFERENCES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_REFERENCE = Pattern(r"&([^;]*+);?")
_NO_REFERENCE = Pattern(rb"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,6});)")
#: calamine makes room for all columns up to the last, and all rows
_COLUMNS, _LAST_ROW = 130, 9_999
#: bytes; a form has 50 KB, and a larger sheet is better counted before it is cut
_LARGEST = 2_000_000
#: a longer piece is rarely met again; so many are kept
_SHORT, _KEPT = 200, 30_000


class _Odd(ValueError):
    """A piece that is not written as usual."""


def _cell(piece: bytes) -> Cell | None:
    """What a piece of a sheet says, from behind ``<c `` to where the next one begins; None for a blank cell."""
    if piece[:3] != b'r="':
        raise _Odd
    place, _, said = piece[3:].partition(b'"')
    digits = place.lstrip(_LETTERS)
    row, column = _rows[digits], _columns[place[: len(place) - len(digits)]]
    head, _, rest = said.partition(b"><v>")
    if len(rest) > 8 and rest.endswith(b"</v></c>") and len(head) < _SHORT:  # what differs from form to form is the value
        what, _, style, more = _meaning(b"%s><v>0</v></c>" % head)
        value = rest[:-8]
        if what == NUMBER:
            meant = _number(value)
        elif what == SHARED and value.isdigit() and len(value) < 7:
            meant = int(value)
        else:
            what, meant, style, more = _meaning.__wrapped__(said)
    else:
        what, meant, style, more = (_meaning if len(said) < _SHORT else _meaning.__wrapped__)(said)
    if what == BLANK and not more:
        return None
    if what != BLANK and (column >= _COLUMNS or row >= _LAST_ROW):
        raise _Odd
    return row << 15 | column, row, column, what, meant, style, more


def _row(digits: bytes) -> int:
    """b"18" -> 17."""
    if not digits.isdigit() or len(digits) > 7 or not int(digits):
        raise _Odd
    return int(digits) - 1


def _column(letters: bytes) -> int:
    """b"I" -> 8."""
    if not 0 < len(letters) <= 3:
        raise _Odd
    return column_number(letters.decode())


@lru_cache(maxsize=4096)
def _meaning(said: bytes) -> tuple[int, float | int | str, bytes, int]:
    """What a cell holds, its value, its style and what more there is, from behind its place on."""
    match = _REST.fullmatch(said)
    if match is None:
        raise _Odd
    style, kind, style_behind, formula, value, own, after = match.groups()
    if (style and style_behind) or (formula and b"&" in formula and _NO_REFERENCE.search(formula)):
        raise _Odd
    more = (FORMULA if formula else 0) | (_HIDES if after and _hides(after) else 0)
    return *_held(kind, value, own, bool(formula)), style or style_behind or b"0", more


def _number(written: bytes) -> float:
    """A figure; without what Python would take for one and a spreadsheet would not (1_000, inf, blanks)."""
    if written.translate(None, b"0123456789.-+E"):
        raise _Odd
    return float(written)


def _hides(rows: bytes) -> bool:
    """Whether one of these rows may be hidden, or too low to be read."""
    rows = rows.replace(b' hidden="false"', b"")  # as LibreOffice writes everywhere
    return any(one in rows for one in _HIDDEN)


def _held(kind: bytes | None, value: bytes | None, own: bytes | None, formula: bool) -> tuple[int, float | int | str]:
    """What a cell of this type holds."""
    if own is not None:
        if kind != b"inlineStr" or formula:
            raise _Odd
        return OWN, text(own.decode())
    if kind == b"str":
        return (BLANK, "") if value is None else (OWN, _plain(value.decode()))
    if not value:
        return (MISSING, "") if formula else (BLANK, "")
    if kind is None or kind == b"n":
        return NUMBER, _number(value)
    if kind == b"s" and value.isdigit() and len(value) < 7:
        return SHARED, int(value)
    if kind == b"e":
        return SAID, _plain(value.decode()).strip()
    if kind == b"b" and value in (b"0", b"1"):
        return SAID, "FALSE" if value == b"0" else "TRUE"
    raise _Odd


def text(written: str) -> str:
    """The text of an element ``t``."""
    match = _TEXT.fullmatch(written)
    if match is None:
        raise _Odd
    return _plain(match[2] if match[1] else match[2].strip(" \t\n"))


def _plain(written: str) -> str:
    if "_x" in written or "\r" in written:  # _x000D_ stands for a character, in a few programs
        raise _Odd
    return _REFERENCE.sub(_referred, written) if "&" in written else written


def _referred(match) -> str:
    if match[1] not in _REFERENCES or not match[0].endswith(";"):
        raise _Odd
    return _REFERENCES[match[1]]


class _Known(dict):
    """Piece -> what it says."""

    def __init__(self, understood: Callable[[bytes], Any], short: int = _SHORT) -> None:
        self._understood, self._short = understood, short
        super().__init__()

    def __missing__(self, piece: bytes):
        one = self._understood(piece)
        if len(piece) < self._short:
            if len(self) >= _KEPT:
                self.clear()
            self[piece] = one
        return one


_cells, _rows, _columns = _Known(_cell), _Known(_row), _Known(_column)


def cells(xml: bytes) -> Cells:
    """The cells of a sheet, without a parser. Looks at its head as well."""
    check_head(xml)
    if len(xml) > _LARGEST:
        return _OTHERWISE
    head, begin, end = root(xml, b"worksheet"), xml.find(b"<sheetData>"), xml.rfind(b"</sheetData>")
    if begin < 0 and (begin := xml.find(b"<sheetData/>")) >= 0:
        content, after = b"", begin + len(b"<sheetData/>")
    else:
        content, after = xml[begin + len(b"<sheetData>") : end], end + len(b"</sheetData>")
    if head is None or begin < 0 or after <= begin or (b"!" in xml and b"<!" in xml):
        return _OTHERWISE
    if xml.find(b"sheetData", 0, begin) >= 0 or xml.find(b"sheetData", after) >= 0:
        return _OTHERWISE
    if xml.count(b"<", 0, begin) > FEW_TAGS or xml.count(b"<", after) > FEW_TAGS:
        return _OTHERWISE
    # as if a blank cell stood before them and a row behind: the first piece and the last are then pieces like all others
    pieces = b'r="A1"/></row>%s<row r="0">' % content
    try:
        if not (content.isascii() and head[0].isascii()):
            content.decode(), head[0].decode()
        found = list(filter(None, map(_cells.__getitem__, pieces.split(b"<c "))))
    except ValueError:
        return _OTHERWISE
    places = list(map(_KEY, found))
    if not all(map(lt, places, places[1:])):
        return _OTHERWISE
    more = set(map(_MORE, found))
    return Cells(found, head.start(1), begin, after, any(one & FORMULA for one in more), any(one & _HIDES for one in more))


_WITH = ATTRIBUTES.decode()
#: a reading of a text, a part of it with a look of its own, or the text
_RUN = Pattern(rf"(<rPh{_WITH}><t{_WITH}>[^<]*+</t></rPh>|<phoneticPr{_WITH}/>)"
               rf"|<r>(?:<rPr>(?:<\w++{_WITH}/>)*</rPr>)?(<t[^<]*+</t>)</r>|(<t[^<]*+</t>)")


def _shared(piece: bytes) -> str:
    """What a piece of the shared texts says, from behind ``<si>`` to its end; its readings are passed over."""
    body = piece.decode()
    if not body.endswith("</si>"):
        raise _Odd
    if body.endswith("</t></si>"):  # nearly all are one text
        if body.startswith("<t>") and "<" not in (one := body[3:-9]):
            return _plain(one.strip(" \t\n"))
        if body.startswith(_KEEPING) and "<" not in (one := body[len(_KEEPING) : -9]):
            return _plain(one)
    place, end, said = 0, len(body) - len("</si>"), []
    while place < end:
        match = _RUN.match(body, place, end)
        if match is None:
            raise _Odd
        if not match[1]:
            said.append(text(match[2] or match[3]))
        place = match.end()
    return "".join(said)


#: LibreOffice gives Chinese and Latin letters of one text looks of their own
_texts = _Known(_shared, 600)


def texts(xml: bytes) -> list[str] | None:
    """The shared texts of a workbook, None if they are not written as usual."""
    if len(xml) > _LARGEST:
        return None
    head, end = root(xml, b"sst"), xml.rfind(b"</sst>")
    if head is None or end < 0 or xml[end + 6 :].strip():
        return None
    first, *pieces = xml[head.end() : end].split(b"<si>")
    try:
        head[0].decode()
        return None if first else list(map(_texts.__getitem__, pieces))
    except ValueError:
        return None


def size(found: Sequence[Cell]) -> tuple[int, int]:
    """Rows and columns up to the last cell that calamine would find."""
    held = found if not found or max(map(_KIND, found)) <= SAID else [one for one in found if one[3] <= SAID]
    return (held[-1][1] + 1, max(map(_COLUMN, held)) + 1) if held else (0, 0)


def rows(found: Sequence[Cell], size: tuple[int, int], shared: Sequence[str], percent: frozenset[bytes],
         dated: frozenset[bytes]) -> list[list] | None:
    """The cells as rows of one length, as ``model.Sheet`` has them; ``percent`` and ``dated`` are the numbers of the styles that show a percentage
    or may show a date. None where a number is a date, or a text is not there."""
    height, width = size
    grid = [[""] * width for _ in range(height)]
    special = percent | dated
    try:
        for _, row, column, kind, value, style, _ in found:
            if kind == SHARED:
                grid[row][column] = shared[value]
            elif kind == NUMBER:
                if style in special:
                    if style in dated:
                        return None
                    value = as_percent(value)
                grid[row][column] = value
            elif kind <= SAID:
                grid[row][column] = value
            elif kind == MISSING and row < height and column < width:
                grid[row][column] = UNCALCULATED
    except IndexError:
        return None
    return grid
