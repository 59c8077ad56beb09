"""The package of a new report: the few parts that Word needs, with our styles, fonts and page numbers.

Written here and not by python-docx, whose template brings a megabyte of styles along that no report uses.
"""

import io
import os
import zipfile
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from itertools import count

from perfeval_xl import report_chart, report_xml
from perfeval_xl.report import Drawn, Report
from perfeval_xl.report_figures import FOLDER
from perfeval_xl.report_tables import Chart
from perfeval_xl.report_xml import SPACES, Place

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_OPC, _PACKAGE = "http://schemas.openxmlformats.org/package/2006", "application/vnd.openxmlformats-package"
_TYPES = "application/vnd.openxmlformats-officedocument"
_WORD = f"{_TYPES}.wordprocessingml"


def package(report: Report, author: str, initials: str) -> bytes:
    """A new document. ``author`` signs the comments that say what was found."""
    charts = [one for one in report.blocks if isinstance(one, Drawn) and isinstance(one.what, Chart)]
    notes: list[str] = []
    body = _body(report, Place(count(1), {one.mark: f"rIdChart{n}" for n, one in enumerate(charts, 1)}, notes))
    return _zipped(report.title, body, charts, (notes, author, initials))


def _body(report: Report, here: Place) -> str:
    """The whole text. The form stands on its side, hence in a section of its own."""
    footers = '<w:footerReference w:type="default" r:id="rId4"/><w:footerReference w:type="even" r:id="rId5"/>'
    parts, wide = [report_xml.paragraph("Title", report_xml.run(report.title_lines))], False
    for block in report.blocks:
        form = isinstance(block, Drawn) and block.form
        if form != wide:
            parts.append(report_xml.section(wide, False, footers))
            wide = form
        parts.append(report_xml.block(block, here))
    if wide:
        parts.append(report_xml.paragraph("End", ""))
    return "".join((*parts, report_xml.section(wide, True, footers)))


#: the parts of a document beside its text: name, kind
_PARTS = (("styles", "styles"), ("fontTable", "fontTable"), ("settings", "settings"), ("footer1", "footer"), ("footer2", "footer"))


def _zipped(title: str, body: str, charts: list[Drawn], comments: tuple[list[str], str, str]) -> bytes:
    now = f"{datetime.now():%Y-%m-%dT%H:%M:%SZ}"
    parts = {name: (f"{_WORD}.{kind}+xml", kind, _part(name)) for name, kind in _PARTS}
    parts |= {f"charts/chart{n}": (f"{_TYPES}.drawingml.chart+xml", "chart", report_chart.part(one.what)) for n, one in enumerate(charts, 1)}
    if comments[0]:
        parts["comments"] = f"{_WORD}.comments+xml", "comments", report_xml.comments(*comments, now)
    ids = {name: f"rIdChart{name.removeprefix('charts/chart')}" if kind == "chart" else f"rId{n}" for n, (name, (_, kind, _)) in
           enumerate(parts.items(), 1)}
    types = "".join(f'<Override PartName="/word/{name}.xml" ContentType="{kind}"/>' for name, (kind, _, _) in parts.items())
    content = {
        "[Content_Types].xml": f'<Types xmlns="{_OPC}/content-types"><Default Extension="rels" ContentType="{_PACKAGE}.relationships+xml"/>'
                               f'<Default Extension="xml" ContentType="application/xml"/>{types}<Override PartName="/word/document.xml" '
                               f'ContentType="{_WORD}.document.main+xml"/><Override PartName="/docProps/core.xml" '
                               f'ContentType="{_PACKAGE}.core-properties+xml"/></Types>',
        "_rels/.rels": _relations((("rId1", f"{_OFFICE}/officeDocument", "word/document"),
                                   ("rId2", f"{_OPC}/relationships/metadata/core-properties", "docProps/core"))),
        "docProps/core.xml": f'<cp:coreProperties xmlns:cp="{_OPC}/metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/" '
                             f'xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
                             f'<dc:title>{report_xml.text(title)}</dc:title><dcterms:created xsi:type="dcterms:W3CDTF">{now}</dcterms:created>'
                             f'</cp:coreProperties>',
        "word/_rels/document.xml.rels": _relations((ids[name], f"{_OFFICE}/{kind}", name) for name, (_, kind, _) in parts.items()),
        "word/document.xml": f"<w:document {SPACES}><w:body>{body}</w:body></w:document>",
        **{f"word/{name}.xml": part for name, (_, _, part) in parts.items()},
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in content.items():
            archive.writestr(name, f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{part}')
    return stream.getvalue()


def _relations(targets: Iterable[tuple[str, str, str]]) -> str:
    inner = "".join(f'<Relationship Id="{label}" Type="{kind}" Target="{name}.xml"/>' for label, kind, name in targets)
    return f'<Relationships xmlns="{_OPC}/relationships">{inner}</Relationships>'


@cache
def _part(name: str) -> str:
    if name.startswith("footer"):
        return f"<w:ftr {SPACES}>{report_xml.footer('right' if name == 'footer1' else 'left')}</w:ftr>"
    with open(os.path.join(FOLDER, f"{name}.xml"), encoding="utf-8") as stream:
        return stream.read().partition("?>")[2].strip()
