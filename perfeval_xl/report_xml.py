"""The blocks of a report as WordprocessingML and DrawingML: strings, with every text from outside escaped.

Marks are bookmarks: Word, WPS and LibreOffice keep them through editing and saving, whereas LibreOffice takes the tags off content controls and
repeats their text. A bookmark's name holds the mark and a checksum of the text it was written with, so that the next run can tell whether
somebody has changed it since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape
from typing import NamedTuple
from zlib import crc32

from perfeval_xl.numbers import half_up, plain
from perfeval_xl.report import Drawn, Figure, Heading, Paragraph
from perfeval_xl.report_figures import Cell, Chart, Table

SPACES = ('xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
          'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
          'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
          'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
          'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"')
#: twentieths of a point: A4, and the margins of GB/T 9704 (上37 下35 左28 右26 毫米); the text area is 156 × 225 mm
PAGE, MARGINS = (11906, 16838), {"top": 2098, "bottom": 1984, "left": 1588, "right": 1474}
_WIDTH, _LENGTH = PAGE[0] - MARGINS["left"] - MARGINS["right"], PAGE[1] - MARGINS["left"] - MARGINS["right"]
#: a mark with its checksum, in the name of a bookmark
MARK = re.compile("pe_([0-9a-f]{8})_([0-9a-f]{8})")
#: name of a chart's frame
CHART = "pe_{mark}"
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_EMU = 360000  # per centimetre
_COLOURS = ("8FAADC", "2F5597", "C55A11")


class Numbered(NamedTuple):
    """Where bookmarks get their numbers, and charts the relationship to their part."""

    numbers: Iterator[int]
    charts: dict[str, str]


def checksum(text: str) -> str:
    """What a text is known by, however it is broken into lines and runs."""
    return f"{crc32(''.join(text.split()).encode('utf-8', 'replace')):08x}"


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


def marked(label: str, inner: str, here: Numbered) -> str:
    """A bookmark of this name around runs."""
    number = next(here.numbers)
    return f'<w:bookmarkStart w:id="{number}" w:name="{label}"/>{inner}<w:bookmarkEnd w:id="{number}"/>'


def block(one: Heading | Paragraph | Drawn, here: Numbered) -> str:
    """One block of a report."""
    if isinstance(one, Heading):
        return paragraph(f"Heading{one.level}", run(one.text))
    if isinstance(one, Paragraph):
        return paragraph("Normal", "".join(
            run(piece) if isinstance(piece, str) else marked(name(piece.mark, shown(piece)), run(shown(piece)), here) for piece in one.pieces))
    caption = paragraph("Caption", run(one.what.label))
    if isinstance(one.what, Chart):
        return paragraph("Chart", frame(one, here.charts[one.mark]), "<w:keepLines/>")
    return caption + table(one, here) + ("" if one.form else paragraph("Gap", ""))


# ---- pages ----


def section(wide: bool, last: bool, footers: str) -> str:
    """The end of a section: upright, or on its side for the attached form. Only the last one stands outside a paragraph."""
    width, height = PAGE[::-1] if wide else PAGE
    margins = {"top": MARGINS["left"], "bottom": MARGINS["right"], "left": 1588, "right": 1474} if wide else MARGINS
    size = f'<w:pgSz w:w="{width}" w:h="{height}"{" w:orient=" + chr(34) + "landscape" + chr(34) if wide else ""}/>'
    edges = " ".join(f'w:{side}="{value}"' for side, value in margins.items())
    inner = f'<w:sectPr>{footers}<w:type w:val="nextPage"/>{size}<w:pgMar {edges} w:header="850" w:footer="1400" w:gutter="0"/></w:sectPr>'
    return inner if last else paragraph("Gap", "", inner)


def footer(right: bool) -> str:
    """The page number between dashes, on the outer side of the page, one character from the edge."""
    side = '<w:ind w:rightChars="100" w:right="280"/><w:jc w:val="right"/>' if right else '<w:ind w:leftChars="100" w:left="280"/><w:jc w:val="left"/>'
    number = '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>'
    return paragraph("Footer", f"{run('— ')}{number}{run(' —')}", side)


# ---- tables ----


def table(one: Drawn, here: Numbered) -> str:
    """A table with its mark in the first cell that has one; heading rows come again on every page, rows are not broken."""
    rows, total = one.what.rows, _LENGTH if one.form else _WIDTH
    widths = [int(total * share / sum(one.what.widths)) for share in one.what.widths]
    edges = "".join(f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="000000"/>' for side in ("top", "left", "bottom", "right", "insideH", "insideV"))
    head = (f'<w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:jc w:val="center"/><w:tblBorders>{edges}</w:tblBorders>'
            f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{"".join(f"<w:gridCol w:w={chr(34)}{width}{chr(34)}/>" for width in widths)}</w:tblGrid>')
    label, body = name(one.mark, told(one.what)), []
    below: dict[int, tuple[int, int]] = {}  # column -> rows that a merged cell still covers, and its columns
    for number, row in enumerate(rows):
        properties = "<w:cantSplit/>" + ("<w:tblHeader/>" if number < one.what.heads else "")
        body.append(f"<w:tr><w:trPr>{properties}</w:trPr>{_cells(row, widths, below, label if number == 0 else '', here)}</w:tr>")
    return f"<w:tbl>{head}{''.join(body)}</w:tbl>"


def _cells(row: tuple[Cell | None, ...], widths: list[int], below: dict[int, tuple[int, int]], label: str, here: Numbered) -> str:
    cells, column = [], 0
    while column < len(row):
        cell = row[column]
        left, across = below.pop(column, (0, 1))
        if cell is None:
            merge = '<w:vMerge/>' if left else ""
            cells.append(_cell(Cell("", across), widths[column : column + across], merge, ""))
            if left > 1:
                below[column] = (left - 1, across)
        else:
            across = cell.across
            if cell.down > 1:
                below[column] = (cell.down - 1, across)
            inner = run(cell.text, cell.bold)
            if label:
                inner, label = marked(label, inner, here), ""
            cells.append(_cell(cell, widths[column : column + across], '<w:vMerge w:val="restart"/>' if cell.down > 1 else "", inner))
        column += across
    return "".join(cells)


def _cell(cell: Cell, widths: list[int], merge: str, inner: str) -> str:
    span = f'<w:gridSpan w:val="{cell.across}"/>' if cell.across > 1 else ""
    left = '<w:jc w:val="left"/>' if cell.left else ""
    return (f'<w:tc><w:tcPr><w:tcW w:w="{sum(widths)}" w:type="dxa"/>{span}{merge}<w:vAlign w:val="center"/></w:tcPr>'
            f'{paragraph("TableText", inner, left)}</w:tc>')


# ---- charts ----


def frame(one: Drawn, relation: str) -> str:
    """The run that shows a chart; its name is the mark by which it is found again."""
    width, height = int(14.5 * _EMU), int(7.2 * _EMU)
    words = text(one.what.label)
    return (f'<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0"><wp:extent cx="{width}" cy="{height}"/>'
            f'<wp:docPr id="{int(one.mark[:6], 16) + 1}" name="{CHART.format(mark=one.mark)}" descr="{words}"/><a:graphic>'
            f'<a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:chart r:id="{relation}"/></a:graphicData>'
            f'</a:graphic></wp:inline></w:drawing></w:r>')


def chart(one: Chart) -> bytes:
    """The chart as a part of the package: columns, each with its figure above it."""
    series = "".join(_series(one, n) for n in range(len(one.series)))
    limits = '<c:max val="100"/><c:min val="0"/>' if one.unit == "%" else '<c:min val="0"/>'
    legend = f'<c:legend><c:legendPos val="b"/><c:overlay val="0"/>{_letters(1000)}</c:legend>' if len(one.series) > 1 else ""
    line = '<c:spPr><a:ln w="6350"><a:solidFill><a:srgbClr val="{}"/></a:solidFill></a:ln></c:spPr>'
    grid = line.format("D9D9D9")
    return (f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<c:chartSpace {SPACES}><c:roundedCorners val="0"/><c:chart>'
            f'<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1200" b="0"/></a:pPr><a:r>'
            f'<a:rPr lang="zh-CN" sz="1200" b="0"><a:latin typeface="Times New Roman"/><a:ea typeface="黑体"/></a:rPr>'
            f'<a:t>{text(one.label)}</a:t></a:r></a:p></c:rich></c:tx><c:overlay val="0"/></c:title><c:autoTitleDeleted val="0"/><c:plotArea><c:layout/>'
            f'<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:varyColors val="0"/>{series}<c:gapWidth val="80"/>'
            f'<c:axId val="1"/><c:axId val="2"/></c:barChart>'
            f'<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/><c:axPos val="b"/>'
            f'<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>{line.format("808080")}{_letters(1000)}'
            f'<c:crossAx val="2"/></c:catAx>'
            f'<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/>{limits}</c:scaling><c:delete val="0"/><c:axPos val="l"/>'
            f'<c:majorGridlines>{grid}</c:majorGridlines><c:numFmt formatCode="General" sourceLinked="0"/>'
            f'<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>{_letters(900)}<c:crossAx val="1"/></c:valAx>'
            f'</c:plotArea>{legend}<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>').encode()


def _series(one: Chart, n: int) -> str:
    label, values = one.series[n]
    points = [(k, plain(half_up(value, 2))) for k, value in enumerate(values) if value is not None]
    names = "".join(f'<c:pt idx="{k}"><c:v>{text(word)}</c:v></c:pt>' for k, word in enumerate(one.names))
    figures = "".join(f'<c:pt idx="{k}"><c:v>{value}</c:v></c:pt>' for k, value in points)
    colour = _COLOURS[n % len(_COLOURS) if len(one.series) > 1 else 1]
    return (f'<c:ser><c:idx val="{n}"/><c:order val="{n}"/><c:tx><c:strRef><c:f>数据!${chr(66 + n)}$1</c:f><c:strCache><c:ptCount val="1"/>'
            f'<c:pt idx="0"><c:v>{text(label)}</c:v></c:pt></c:strCache></c:strRef></c:tx>'
            f'<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr><c:invertIfNegative val="0"/>'
            f'<c:dLbls>{_letters(900)}<c:dLblPos val="outEnd"/><c:showLegendKey val="0"/><c:showVal val="1"/><c:showCatName val="0"/>'
            f'<c:showSerName val="0"/><c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>'
            f'<c:cat><c:strRef><c:f>数据!$A$2:$A${len(one.names) + 1}</c:f><c:strCache><c:ptCount val="{len(one.names)}"/>{names}</c:strCache></c:strRef></c:cat>'
            f'<c:val><c:numRef><c:f>数据!${chr(66 + n)}$2:${chr(66 + n)}${len(one.names) + 1}</c:f><c:numCache><c:formatCode>General</c:formatCode>'
            f'<c:ptCount val="{len(one.names)}"/>{figures}</c:numCache></c:numRef></c:val></c:ser>')


def _letters(size: int) -> str:
    return (f'<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="{size}"><a:latin typeface="Times New Roman"/><a:ea typeface="宋体"/></a:defRPr>'
            f'</a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>')
