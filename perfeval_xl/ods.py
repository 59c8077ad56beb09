"""What hides figures in an open document (.ods), and what in it acts by itself: the same questions as ``looks`` and ``signs`` ask an .xlsx.

Only what the document writes at its cells counts; a look that comes from a named style of its template is not followed.
"""

import re
from collections.abc import Iterator
from typing import Any

from perfeval_xl.looks import LOW, NARROW, Look, alike, reaches_out
from perfeval_xl.messages import Finding

_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_STYLE = "{urn:oasis:names:tc:opendocument:xmlns:style:1.0}"
_FO = "{urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0}"
_HREF = "{http://www.w3.org/1999/xlink}href"
#: elements that act -> the code that says so; those of links count where they lead out of the document
_ACTING = {"event-listener": "X401", "dde-source": "X404", "dde-link": "X404", "object-ole": "X405", "applet": "X405", "plugin": "X405",
           "database-source-sql": "X406", "database-source-query": "X406", "database-source-table": "X406"}
_LINKING = {"table-source": "X403", "cell-range-source": "X403", "image": "X403", "object": "X405"}
#: points to a unit of length
_POINTS = {"cm": 28.35, "mm": 2.835, "in": 72.0, "pt": 1.0, "pc": 12.0}
#: points to a letter of a column
_LETTER = 6.0


def acts(root: Any) -> list[Finding]:
    """Macros bound to events, DDE, linked sheets and pictures, embedded objects, queries, formulas that reach out."""
    codes: dict[str, str] = {}
    for one in root.iter():
        name = one.tag.rpartition("}")[2] if isinstance(one.tag, str) else ""
        href = one.get(_HREF, "")
        if name in _ACTING:
            codes.setdefault(_ACTING[name], name)
        elif name in _LINKING and re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|//|\\\\|/", href):
            codes.setdefault(_LINKING[name], re.split(r"[/\\]", href)[-1] or name)
        formula = one.get(f"{_TABLE}formula", "")
        if formula and reaches_out(formula):
            codes.setdefault("X404", formula)
        elif formula and "'file:" in formula:
            codes.setdefault("X403", formula.partition("'file:")[2].partition("'")[0].rpartition("/")[2])
    return [Finding(code, "".join(letter if letter.isprintable() else " " for letter in what[:60])) for code, what in sorted(codes.items())]


class Styles:
    """The looks that a document declares: heights of rows, widths of columns, and cells that nobody can read, by name."""

    def __init__(self, root: Any) -> None:
        self.low: set[str] = set()
        self.narrow: set[str] = set()
        self.unseen: set[str] = set()
        for style in root.iter(f"{_STYLE}style"):
            name = style.get(f"{_STYLE}name", "")
            letters, ground, points = (0, 0, 0), (255, 255, 255), 10.0
            for one in style:
                kind = one.tag.rpartition("}")[2]
                if kind == "table-row-properties" and _length(one.get(f"{_STYLE}row-height", "")) < LOW:
                    self.low.add(name)
                elif kind == "table-column-properties" and _length(one.get(f"{_STYLE}column-width", "")) < NARROW * _LETTER:
                    self.narrow.add(name)
                elif kind == "text-properties":
                    letters = _colour(one.get(f"{_FO}color", ""), letters)
                    points = _length(one.get(f"{_FO}font-size", ""), 10.0)
                    if one.get("{urn:oasis:names:tc:opendocument:xmlns:text:1.0}display") == "none":
                        points = 0.0
                elif kind == "table-cell-properties":
                    ground = _colour(one.get(f"{_FO}background-color", ""), ground)
            if style.get(f"{_STYLE}family") == "table-cell" and (alike(letters, ground) or points < LOW):
                self.unseen.add(name)


def _length(text: str, otherwise: float = 100.0) -> float:
    match = re.fullmatch(r"([0-9]{0,6}(?:\.[0-9]{1,12})?)(cm|mm|in|pt|pc)", text)
    return float(match[1]) * _POINTS[match[2]] if match and match[1] else otherwise


def _colour(text: str, otherwise: tuple[int, int, int]) -> tuple[int, int, int]:
    return tuple(int(text[n : n + 2], 16) for n in (1, 3, 5)) if re.fullmatch("#[0-9A-Fa-f]{6}", text) else otherwise


def look(table: Any, styles: Styles, most: int) -> Look:
    """The look of one sheet; ``most``: so many rows and columns of a repeated one are told apart."""
    rows: set[int] = set()
    unseen: set[tuple[int, int]] = set()
    formulas: set[tuple[int, int]] = set()
    row = 0
    for line, hidden in _lines(table, "table-row"):
        high = int(line.get(f"{_TABLE}number-rows-repeated", "1"))
        if hidden or line.get(f"{_TABLE}style-name") in styles.low:
            rows.update(range(row, row + min(high, most)))
        column = 0
        for cell in line:
            wide = int(cell.get(f"{_TABLE}number-columns-repeated", "1"))
            if cell.get(f"{_TABLE}style-name") in styles.unseen:
                unseen.update((row + down, column + n) for down in range(min(high, 100)) for n in range(min(wide, 100)))
            if cell.get(f"{_TABLE}formula"):
                formulas.add((row, column))
            column += wide
        row += high
    columns: set[int] = set()
    column = 0
    for line, hidden in _lines(table, "table-column"):
        wide = int(line.get(f"{_TABLE}number-columns-repeated", "1"))
        if hidden or line.get(f"{_TABLE}style-name") in styles.narrow:
            columns.update(range(column, column + min(wide, most)))
        column += wide
    return Look(frozenset(rows), frozenset(columns), frozenset(unseen), formulas=frozenset(formulas))


def _lines(table: Any, kind: str, hidden: bool = False) -> Iterator[tuple[Any, bool]]:
    """(row or column, is it hidden) of a sheet, out of groups that may be folded."""
    for one in table:
        name = one.tag.rpartition("}")[2] if isinstance(one.tag, str) else ""
        if name == kind:
            yield one, hidden or one.get(f"{_TABLE}visibility", "visible") != "visible"
        elif name.startswith(kind) or name in ("table-header-rows", "table-rows", "table-header-columns", "table-columns"):
            yield from _lines(one, kind, hidden or one.get(f"{_TABLE}display") == "false")
