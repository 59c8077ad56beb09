"""A chart of a report as DrawingML: columns side by side, drawn by Word, WPS or LibreOffice themselves. The figures stand in the part; there
is no workbook behind it, because the form is the place to change them."""

from decimal import Decimal
from html import escape

from perfeval_xl.numbers import half_up, plain
from perfeval_xl.report_tables import Chart

_COLOURS = ("8FAADC", "2F5597", "C55A11")
_ALONE = "2F5597"
#: so many columns have room for their figures above them; with more the table beside the chart has them
_CROWDED = 9

_PART = """<c:chartSpace xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"
 xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><c:roundedCorners val="0"/><c:chart>
<c:title><c:tx><c:rich><a:bodyPr/><a:p><a:pPr><a:defRPr sz="1200" b="0"/></a:pPr><a:r><a:rPr lang="zh-CN" sz="1200" b="0">
<a:latin typeface="Times New Roman"/><a:ea typeface="黑体"/></a:rPr><a:t>{title}</a:t></a:r></a:p></c:rich></c:tx><c:overlay val="0"/></c:title>
<c:autoTitleDeleted val="0"/><c:plotArea><c:layout/>
<c:barChart><c:barDir val="col"/><c:grouping val="clustered"/><c:varyColors val="0"/>{series}<c:gapWidth val="{gap}"/>
<c:axId val="1"/><c:axId val="2"/></c:barChart>
<c:catAx><c:axId val="1"/><c:scaling><c:orientation val="minMax"/></c:scaling><c:delete val="0"/><c:axPos val="b"/>
<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="low"/>{axis}{letters}<c:crossAx val="2"/></c:catAx>
<c:valAx><c:axId val="2"/><c:scaling><c:orientation val="minMax"/>{limits}</c:scaling><c:delete val="0"/><c:axPos val="l"/>
<c:majorGridlines>{grid}</c:majorGridlines><c:numFmt formatCode="General" sourceLinked="0"/>
<c:majorTickMark val="none"/><c:minorTickMark val="none"/><c:tickLblPos val="nextTo"/>{small}<c:crossAx val="1"/></c:valAx>
</c:plotArea>{legend}<c:plotVisOnly val="1"/><c:dispBlanksAs val="gap"/></c:chart></c:chartSpace>"""

_SERIES = """<c:ser><c:idx val="{n}"/><c:order val="{n}"/>
<c:tx><c:strRef><c:f>数据!${letter}$1</c:f><c:strCache><c:ptCount val="1"/><c:pt idx="0"><c:v>{label}</c:v></c:pt></c:strCache></c:strRef></c:tx>
<c:spPr><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></c:spPr><c:invertIfNegative val="0"/>
<c:dLbls>{look}<c:showLegendKey val="0"/><c:showVal val="{shown}"/><c:showCatName val="0"/><c:showSerName val="0"/>
<c:showPercent val="0"/><c:showBubbleSize val="0"/></c:dLbls>
<c:cat><c:strRef><c:f>数据!$A$2:$A${last}</c:f><c:strCache><c:ptCount val="{count}"/>{names}</c:strCache></c:strRef></c:cat>
<c:val><c:numRef><c:f>数据!${letter}$2:${letter}${last}</c:f><c:numCache><c:formatCode>General</c:formatCode><c:ptCount val="{count}"/>{figures}
</c:numCache></c:numRef></c:val></c:ser>"""

_LETTERS = """<c:txPr><a:bodyPr/><a:lstStyle/><a:p><a:pPr><a:defRPr sz="{size}"><a:latin typeface="Times New Roman"/>
<a:ea typeface="宋体"/></a:defRPr></a:pPr><a:endParaRPr lang="zh-CN"/></a:p></c:txPr>"""
_LINE = '<c:spPr><a:ln w="6350"><a:solidFill><a:srgbClr val="{colour}"/></a:solidFill></a:ln></c:spPr>'


def part(one: Chart) -> str:
    """The chart as a part of the package."""
    several, letters = len(one.series) > 1, _LETTERS.format(size=1000)
    return _PART.format(
        title=escape(one.label), series="".join(_series(one, n) for n in range(len(one.series))), gap=80 if several else 180,
        axis=_LINE.format(colour="808080"), grid=_LINE.format(colour="D9D9D9"), letters=letters, small=_LETTERS.format(size=900),
        limits=f'{"<c:max val=" + chr(34) + "100" + chr(34) + "/>" if one.unit == "%" else ""}<c:min val="0"/>',
        legend=f'<c:legend><c:legendPos val="b"/><c:overlay val="0"/>{letters}</c:legend>' if several else "")


def _series(one: Chart, n: int) -> str:
    label, values = one.series[n]
    shown = len(one.series) * len(one.names) <= _CROWDED
    return _SERIES.format(
        n=n, letter=chr(66 + n), label=escape(label), colour=_COLOURS[n % len(_COLOURS)] if len(one.series) > 1 else _ALONE,
        look=f'{_LETTERS.format(size=900)}<c:dLblPos val="outEnd"/>' if shown else "", shown=int(shown),
        count=len(one.names), last=len(one.names) + 1,
        names="".join(f'<c:pt idx="{k}"><c:v>{escape(word)}</c:v></c:pt>' for k, word in enumerate(one.names)),
        figures="".join(f'<c:pt idx="{k}"><c:v>{_figure(value)}</c:v></c:pt>' for k, value in enumerate(values) if value is not None))


def figures(one: Chart) -> str:
    """All figures of a chart, one after the other, as they stand in the part."""
    return "".join(_figure(value) for _, values in one.series for value in values if value is not None)


def _figure(value: Decimal) -> str:
    return plain(half_up(value, 2))
