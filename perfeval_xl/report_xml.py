"""The blocks of a report as WordprocessingML: strings, with every text from outside escaped.

Marks are bookmarks: Word, WPS and LibreOffice keep them through editing and saving, whereas LibreOffice takes the tags off content controls and
repeats their text. A bookmark's name holds the mark and a checksum of the text it was written with, so that the next run can tell whether
somebody has changed it since.
"""

from collections.abc import Iterator
from html import escape
from typing import NamedTuple
from zlib import crc32

from perfeval_xl import report_chart
from perfeval_xl.patterns import Pattern
from perfeval_xl.report import Drawn, Figure, Heading, Paragraph
from perfeval_xl.report_tables import Cell, Chart, Table

SPACES = ('xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
          'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
          'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
          'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
          'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"')
#: twentieths of a point: A4, and the margins of GB/T 9704 (上37 下35 左28 右26 毫米); the text area is 156 × 225 mm
PAGE, MARGINS = (11906, 16838), {"top": 2098, "bottom": 1984, "left": 1588, "right": 1474}
_WIDTH, _LENGTH = PAGE[0] - MARGINS["left"] - MARGINS["right"], PAGE[1] - MARGINS["left"] - MARGINS["right"]
#: a mark with its checksum, in the name of a bookmark
MARK = Pattern("pe_([0-9a-f]{8})_([0-9a-f]{8})")
_CONTROL = Pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EMU = 360000  # per centimetre


class Place(NamedTuple):
    """Where bookmarks get their numbers, charts the relationship to their part, and notes gather; None: notes are put in later."""

    numbers: Iterator[int]
    charts: dict[str, str]
    notes: list[str] | None


def checksum(text: str) -> str:
    """What a text is known by, however it is broken into lines and runs."""
    return f"{crc32(''.join(plain_text(text).split()).encode()):08x}"


def name(mark: str, text: str) -> str:
    """The bookmark's name for a mark whose place says ``text``."""
    return f"pe_{mark}_{checksum(text)}"


def shown(figure: Figure) -> str:
    """The whole text of a marked place."""
    return f"{figure.before}{figure.text}{figure.after}"


def told(table: Table) -> str:
    """All that a table says, as its checksum sees it."""
    return "".join(cell.text for row in table.rows for cell in row if cell is not None)


def plain_text(words: str) -> str:
    """Text from outside without what no document may hold."""
    return _CONTROL.sub("", words)


def text(words: str) -> str:
    """Text from outside, as the content of an element."""
    return escape(plain_text(words), quote=True)


def run(words: str, bold: bool = False) -> str:
    """A run; line breaks inside it stay."""
    lines = (f'<w:t xml:space="preserve">{text(line)}</w:t>' for line in words.split("\n"))
    return f"<w:r>{'<w:rPr><w:b/></w:rPr>' if bold else ''}{'<w:br/>'.join(lines)}</w:r>"


def paragraph(style: str, inner: str, extra: str = "") -> str:
    """A paragraph of a style; Normal needs no name."""
    properties = (f'<w:pStyle w:val="{style}"/>' if style != "Normal" else "") + extra
    return f"<w:p>{f'<w:pPr>{properties}</w:pPr>' if properties else ''}{inner}</w:p>"


def marked(label: str, inner: str, here: Place) -> str:
    """A bookmark of this name around runs."""
    number = next(here.numbers)
    return f'<w:bookmarkStart w:id="{number}" w:name="{label}"/>{inner}<w:bookmarkEnd w:id="{number}"/>'


def noted(inner: str, note: str, here: Place) -> str:
    """Runs with a comment on them, where there is anything to say."""
    if not note or here.notes is None:
        return inner
    here.notes.append(note)
    return _commented(len(here.notes) - 1, inner)


def _commented(number: int, inner: str) -> str:
    which = f'w:id="{number}"'
    reference = f'<w:r><w:rPr><w:rStyle w:val="CommentReference"/></w:rPr><w:commentReference {which}/></w:r>'
    return f"<w:commentRangeStart {which}/>{inner}<w:commentRangeEnd {which}/>{reference}"


def comment_marks(number: int) -> str:
    """Beginning, end and reference of a comment, in an element of their own to be parsed."""
    return f"<w:body {SPACES}>{_commented(number, '')}</w:body>"


def comments(notes: list[str], author: str, initials: str, date: str, first: int = 0) -> str:
    """The part that holds the comments, in the order of their numbers, which begin with ``first``."""
    whose = f'w:author="{author}" w:initials="{initials}" w:date="{date}"'
    inner = (f'<w:comment w:id="{n}" {whose}>{paragraph("CommentText", run(note))}</w:comment>' for n, note in enumerate(notes, first))
    return f"<w:comments {SPACES}>{''.join(inner)}</w:comments>"


def block(one: Heading | Paragraph | Drawn, here: Place) -> str:
    """One block of a report."""
    if isinstance(one, Heading):
        return paragraph(f"Heading{one.level}", run(one.text))
    if isinstance(one, Paragraph):
        return paragraph("Sign" if one.signed else "Normal", "".join(
            run(piece) if isinstance(piece, str) else marked(name(piece.mark, shown(piece)), noted(run(shown(piece)), piece.note, here), here)
            for piece in one.pieces))
    caption = paragraph("Caption", run(one.what.label))
    if isinstance(one.what, Chart):
        drawing = marked(name(one.mark, report_chart.figures(one.what)), frame(one, here.charts[one.mark]), here)
        return paragraph("Chart", drawing, "<w:keepLines/>")
    return caption + table(one, here) + ("" if one.form else paragraph("Gap", ""))


# ---- pages ----


def section(wide: bool, last: bool, footers: str) -> str:
    """The end of a section: upright, or on its side for the attached form. Only the last one stands outside a paragraph."""
    (width, height), turned = (PAGE[::-1], ' w:orient="landscape"') if wide else (PAGE, "")
    margins = {**MARGINS, "top": MARGINS["left"], "bottom": MARGINS["right"]} if wide else MARGINS
    edges = " ".join(f'w:{side}="{value}"' for side, value in margins.items())
    inner = (f'<w:sectPr>{footers}<w:type w:val="nextPage"/><w:pgSz w:w="{width}" w:h="{height}"{turned}/>'
             f'<w:pgMar {edges} w:header="850" w:footer="1400" w:gutter="0"/></w:sectPr>')
    return inner if last else paragraph("End", "", inner)


def footer(side: str) -> str:
    """The page number between dashes, one character from the outer edge of the page: ``side`` is right, or left on even pages."""
    place = f'<w:ind w:{side}Chars="100" w:{side}="280"/><w:jc w:val="{side}"/>'
    number = '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'
    return paragraph("Footer", f"{run('— ')}{number}{run(' —')}", place)


# ---- tables ----


_SIDES = ("top", "left", "bottom", "right", "insideH", "insideV")
_EDGES = "".join(f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>' for side in _SIDES)


def table(one: Drawn, here: Place) -> str:
    """A table with its mark in the first cell; heading rows come again on every page, rows are not broken."""
    rows, total = one.what.rows, _LENGTH if one.form else _WIDTH
    widths = [int(total * share / sum(one.what.widths)) for share in one.what.widths]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    head = (f'<w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:jc w:val="center"/><w:tblBorders>{_EDGES}</w:tblBorders>'
            f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>')
    label, style, body = name(one.mark, told(one.what)), "FormText" if one.form else "TableText", []
    below: dict[int, tuple[int, int]] = {}  # column -> rows that a merged cell still covers, and its columns
    for number, row in enumerate(rows):
        properties = "<w:cantSplit/>" + ("<w:tblHeader/>" if number < one.what.heads else "")
        body.append(f"<w:tr><w:trPr>{properties}</w:trPr>{_cells(row, widths, below, style, label if number == 0 else '', here)}</w:tr>")
    return f"<w:tbl>{head}{''.join(body)}</w:tbl>"


def _cells(row: tuple[Cell | None, ...], widths: list[int], below: dict[int, tuple[int, int]], style: str, label: str,
           here: Place) -> str:
    cells, column = [], 0
    while column < len(row):
        cell = row[column]
        left, across = below.pop(column, (0, 1))
        if cell is None:
            merge = '<w:vMerge/>' if left else ""
            cells.append(_cell(Cell("", across), widths[column : column + across], style, merge, ""))
            if left > 1:
                below[column] = (left - 1, across)
        else:
            across = cell.across
            if cell.down > 1:
                below[column] = (cell.down - 1, across)
            inner = noted(run(cell.text, cell.bold), cell.note, here)
            if label:
                inner, label = marked(label, inner, here), ""
            merge = '<w:vMerge w:val="restart"/>' if cell.down > 1 else ""
            cells.append(_cell(cell, widths[column : column + across], style, merge, inner))
        column += across
    return "".join(cells)


def _cell(cell: Cell, widths: list[int], style: str, merge: str, inner: str) -> str:
    span = f'<w:gridSpan w:val="{cell.across}"/>' if cell.across > 1 else ""
    left = '<w:jc w:val="left"/>' if cell.left else ""
    return (f'<w:tc><w:tcPr><w:tcW w:w="{sum(widths)}" w:type="dxa"/>{span}{merge}<w:vAlign w:val="center"/></w:tcPr>'
            f'{paragraph(style, inner, left)}</w:tc>')


# ---- charts ----


def frame(one: Drawn, relation: str) -> str:
    """The run that shows a chart."""
    width, height = int(14.5 * _EMU), int(6.4 * _EMU)
    words = text(one.what.label)
    return (f'<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{width}" cy="{height}"/>'
            f'<wp:docPr id="{int(one.mark[:6], 16) + 1}" name="{words}" descr="{words}"/><a:graphic>'
            f'<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart r:id="{relation}"/></a:graphicData>'
            f'</a:graphic></wp:inline></w:drawing></w:r>')
