"""A worksheet for very long tables: its rows are put together as they are added (``drafts``) and are packed at once, by a thread beside
(``container.Piece``). Only the rows of the table are written here; headings, widths, filters, links and the printed page stay XlsxWriter's own
business.
"""

from collections.abc import Sequence
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from perfeval_xl.container import Piece
from perfeval_xl.drafts import Draft, Shape, at, escape
from perfeval_xl.model import column_name
from perfeval_xl.patterns import Pattern

#: how hard zlib tries: at the second level a workbook of a thousand forms is a fifth larger than at the usual one, and written in two thirds of
#: the time
LEVEL = 2
#: what stands in a sheet for rows that are packed already: no text has this character once it is ``clean``
PACKED = b"\4"


#: what Excel writes for characters that may stand in the name of a file, and not in an address
_ESCAPED = {" ": "%20", "[": "%5b", "]": "%5d", "^": "%5e", "`": "%60", "{": "%7b", "}": "%7d"}
_TO_ESCAPE = Pattern(r"[ \[\]^`{}]")


def _target(path: str) -> str:
    """A path as a relation of the workbook names it: as ``xlsxwriter.url.Url`` does, which a test holds it against."""
    path = path.replace("/", "\\").removeprefix(".\\")
    return ("file:///" if path.startswith("\\\\") or (path[:1].isalpha() and path[1:2] == ":") else "") + (
        _TO_ESCAPE.sub(lambda match: _ESCAPED[match[0]], path))


class LongList(Worksheet):
    """A sheet of the workbook: call ``columns`` once the headings stand, then ``add`` for each row below them."""

    def columns(self, first: int, looks: Sequence[Format], wrapped: Sequence[tuple[int, float]] = ()) -> None:
        """The rows begin at this zero-based row; ``looks`` are the formats of the columns from the first on, ``wrapped`` are (column, width)
        of those whose texts make their row as high as they need."""
        self._wrapped = tuple(wrapped)
        self.first = self.next = first
        self.piece: Piece | None = None
        self._links: list[tuple[str, str, str]] = []
        self._draft = self.draft(looks)

    def draft(self, looks: Sequence[Format]) -> Draft:
        """What writes rows of this sheet in other formats."""
        return Draft(Shape(tuple([look._get_xf_index() for look in looks]), self._wrapped))

    def add(self, values: Sequence[Any], draft: Draft | None = None) -> None:
        """One row, of what ``Draft.rows`` takes, in the formats of the sheet or in those of a draft."""
        self.add_placed(at((draft or self._draft).row(values), self.next + 1), 1)

    def add_placed(self, rows: bytes, count: int) -> None:
        """So many rows that ``placed`` has put here."""
        if self.piece is None:
            self.piece = Piece(LEVEL)
        self.next += count
        self.piece.add(rows)

    def complete(self) -> None:
        """No more rows come: the last of them are packed while the rest of the workbook is written."""
        if self.piece is not None:
            self.piece.hand_over()

    def take(self, piece: Piece, count: int) -> None:
        """So many rows that are in their places and being packed already, and no others."""
        self.piece = piece
        self.next += count

    def link(self, column: int, path: str, place: str = "") -> None:
        """Makes a link of a cell of the row added last: to a file, by its path from the workbook or from a drive, and a place in it."""
        self._links.append((f"{column_name(column)}{self.next}", path, place))

    def _write_hyperlinks(self) -> None:
        # as XlsxWriter does it for links to files, which keeps an object and a cell of its own for each
        if not self._links:
            return
        links = []
        for cell, path, place in self._links:
            self.rel_count += 1
            self.external_hyper_links.append(["/hyperlink", _target(path), "External"])
            location = f' location="{escape(place)}"' if place else ""
            links.append(f'<hyperlink ref="{cell}" r:id="rId{self.rel_count}"{location}/>')
        self.fh.write(f"<hyperlinks>{''.join(links)}</hyperlinks>")

    def _prepare_formula(self, formula: str, expand_future_functions: bool = False) -> str:
        # no formula of the workbook calls a function that is younger than the format, and looking for them takes longer than all formulas
        return formula.removeprefix("=")

    def _write_dimension(self) -> None:
        self.dim_rowmax = max(self.dim_rowmax or 0, self.next - 1)
        super()._write_dimension()

    def _write_sheet_data(self) -> None:
        self._xml_start_tag("sheetData")
        self.dim_rowmax = self.first - 1
        if self.first:
            self._write_rows()
        if self.piece is not None:
            self.fh.write(PACKED.decode())
        self._xml_end_tag("sheetData")
