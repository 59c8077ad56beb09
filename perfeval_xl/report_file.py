"""The written report as a .docx: a new one, or an older one brought up to date.

An older report stays the document it is. Only the places we marked are looked at: one that still says what we wrote gets today's figure, one
that somebody has changed is left alone and told about. Whatever else stands in it, above all what people wrote, is never touched.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Iterator
from datetime import datetime
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from perfeval_xl import files, report_xml
from perfeval_xl.messages import Refusal
from perfeval_xl.report import Drawn, Figure, Report
from perfeval_xl.report_figures import FOLDER, Table
from perfeval_xl.report_xml import MARK, SPACES, Numbered, checksum, shown, told

#: whose comments we take away and write anew
AUTHOR, INITIALS = "绩效校验", "校"
#: what a place that waits for people's text begins with (reports/sentences.toml)
ASKED = "〔请填写："
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument."
#: bytes; no report of ours comes near
_LARGEST, _LARGEST_OPENED = 50_000_000, 300_000_000


class Kept(NamedTuple):
    """A place of an older report that was left as it is: what it is called, what it says ("" where it is gone) and what the form says."""

    label: str
    stands: str
    due: str


class Outcome(NamedTuple):
    """What became of a report: whether it is new, the places that were left alone, and how many still wait for people's text."""

    new: bool
    kept: tuple[Kept, ...]
    asked: int


def write(report: Report, path: str) -> Outcome:
    """Writes a report, or brings the one at ``path`` up to date; the file is replaced in one step.

    Refuses another extension (X721), a file that is no report of ours (X722), one of another department, year or edition (X723), a missing
    python-docx (X724), and a place that cannot be written (X116).
    """
    if os.path.splitext(path)[1].lower() != ".docx" or os.path.isdir(path):
        raise Refusal("X721", file=path)
    docx = _library()
    if os.path.lexists(path):
        document = _opened(docx, path)
        kept = tuple(_update(document, report, path))
    else:
        document, kept = _new(docx, report), ()
    _comment(docx, document, report)
    stream = io.BytesIO()
    document.save(stream)
    asked = sum(ASKED in "".join(node.text or "" for node in one.iter(f"{_W}t")) for one in document.element.body.iter(f"{_W}p"))
    new = not os.path.lexists(path)
    files.replace(path, stream.getvalue())
    return Outcome(new, kept, asked)


def _library():
    try:
        import docx
    except ImportError:
        raise Refusal("X724", stated="python-docx") from None
    return docx


# ---- a new one ----


def _new(docx: Any, report: Report) -> Any:
    document = docx.Document(io.BytesIO(_skeleton()))
    document.core_properties.title = report_xml.plain_text(report.title)
    document.core_properties.created = document.core_properties.modified = datetime.now()
    charts = {one.mark: _add_chart(document, one, n) for n, one in enumerate(_drawn(report, chart=True), 1)}
    body = docx.oxml.parse_xml(f"<w:body {SPACES}>{_body(report, Numbered(count(1), charts))}</w:body>")
    old = document.element.body
    old[:] = list(body)
    return document


def _body(report: Report, here: Numbered) -> str:
    """The whole text. The form stands on its side, hence in a section of its own."""
    footers = '<w:footerReference w:type="default" r:id="rId4"/><w:footerReference w:type="even" r:id="rId5"/>'
    parts, wide = [report_xml.paragraph("Title", report_xml.run(report.title))], False
    for block in report.blocks:
        form = isinstance(block, Drawn) and block.form
        if form != wide:
            parts.append(report_xml.section(wide, False, footers))
            wide = form
        parts.append(report_xml.block(block, here))
    if wide:
        parts.append(report_xml.paragraph("Gap", ""))
    return "".join((*parts, report_xml.section(wide, True, footers)))


def _drawn(report: Report, chart: bool) -> Iterator[Drawn]:
    return (block for block in report.blocks if isinstance(block, Drawn) and isinstance(block.what, Table) != chart)


def _add_chart(document: Any, one: Drawn, number: int) -> str:
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    part = Part(PackURI(f"/word/charts/chart{number}.xml"), f"{_TYPES}drawingml.chart+xml", report_xml.chart(one.what), document.part.package)
    return document.part.relate_to(part, f"{_OFFICE}/chart")


@cache
def _skeleton() -> bytes:
    """An empty document with our styles, fonts and footers: a package of a few parts, because the template of python-docx holds a megabyte of
    styles that no report uses."""
    main = f"{_TYPES}wordprocessingml."
    named = {"styles": "styles", "fontTable": "fontTable", "settings": "settings", "footer1": "footer", "footer2": "footer"}
    types = "".join(f'<Override PartName="/word/{part}.xml" ContentType="{main}{kind}+xml"/>' for part, kind in named.items())
    relations = "".join(f'<Relationship Id="rId{n}" Type="{_OFFICE}/{kind}" Target="{part}.xml"/>'
                        for n, (part, kind) in enumerate(named.items(), 1))
    package = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
                               f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
                               f'ContentType="application/xml"/><Override PartName="/word/document.xml" ContentType="{main}document.main+xml"/>{types}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
                       f'Target="word/document.xml"/></Relationships>',
        "word/document.xml": f"<w:document {SPACES}><w:body/></w:document>",
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}/relationships">{relations}</Relationships>',
        "word/settings.xml": f'<w:settings {SPACES}><w:zoom w:percent="100"/><w:evenAndOddHeaders/><w:defaultTabStop w:val="420"/>'
                             f'<w:characterSpacingControl w:val="compressPunctuation"/><w:compat><w:compatSetting w:name="compatibilityMode" '
                             f'w:uri="http://schemas.microsoft.com/office/word" w:val="15"/></w:compat><w:themeFontLang w:val="en-US" '
                             f'w:eastAsia="zh-CN"/></w:settings>',
        "word/footer1.xml": f"<w:ftr {SPACES}>{report_xml.footer(True)}</w:ftr>",
        "word/footer2.xml": f"<w:ftr {SPACES}>{report_xml.footer(False)}</w:ftr>",
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
        for name in ("styles", "fontTable"):
            archive.write(os.path.join(FOLDER, f"{name}.xml"), f"word/{name}.xml")
    return stream.getvalue()


# ---- an older one ----


class _Place(NamedTuple):
    """A marked place of a document: its bookmark, the checksum it was written with, and the elements that hold its text."""

    start: Any
    written: str
    texts: list


def _opened(docx: Any, path: str) -> Any:
    """The document at a path; one that python-docx does not open is no report of ours."""
    try:
        if os.path.getsize(path) > _LARGEST:
            raise ValueError
        with open(path, "rb") as stream:
            data = stream.read()
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(info.file_size for info in archive.infolist()) > _LARGEST_OPENED:
                raise ValueError
        return docx.Document(io.BytesIO(data))
    except OSError as error:
        raise Refusal("X112", file=path, why=error.strerror or error) from None
    except Exception:  # whatever a file that is no document, or a damaged one, leads its reader to
        raise Refusal("X722", file=path) from None


def _places(body: Any) -> dict[str, _Place]:
    """The marks of a document, in one walk; a place may reach over several paragraphs if somebody has split it."""
    places: dict[str, _Place] = {}
    reached: dict[str, _Place] = {}
    for node in body.iter():
        if node.tag == f"{_W}bookmarkStart":
            if (match := MARK.fullmatch(node.get(f"{_W}name", ""))) and match[1] not in places:
                places[match[1]] = reached[node.get(f"{_W}id")] = _Place(node, match[2], [])
        elif node.tag == f"{_W}bookmarkEnd":
            reached.pop(node.get(f"{_W}id"), None)
        elif node.tag == f"{_W}t":
            for place in reached.values():
                place.texts.append(node)
    return places


def _update(document: Any, report: Report, path: str) -> Iterator[Kept]:
    places = _places(document.element.body)
    if not places:
        raise Refusal("X722", file=path)
    ours = {figure.mark for figure in report.figures} | {block.mark for block in report.blocks if isinstance(block, Drawn)}
    if ours.isdisjoint(places):
        raise Refusal("X723", file=path, expected=report.title)
    _uncomment(document)
    for figure in report.figures:
        yield from _update_figure(places.get(figure.mark), figure)
    for one in _drawn(report, chart=False):
        yield from _update_table(places.get(one.mark), one)
    for one in _drawn(report, chart=True):
        _update_chart(document, one)


def _update_figure(place: _Place | None, figure: Figure) -> Iterator[Kept]:
    due = shown(figure)
    if place is None:
        if figure.text:
            yield Kept(figure.label, "", figure.text)
        return
    stands = "".join(node.text or "" for node in place.texts)
    if checksum(stands) not in (place.written, checksum(due)):
        yield Kept(figure.label, stands, due)
        return
    if checksum(stands) != checksum(due):
        _say(place, due)
    place.start.set(f"{_W}name", report_xml.name(figure.mark, due))


def _say(place: _Place, words: str) -> None:
    """Puts a text into the first run of a place and takes it out of the others, so that it looks as the place looked."""
    if not place.texts:
        run = place.start.makeelement(f"{_W}r", {})
        place.texts.append(run.makeelement(f"{_W}t", {}))
        run.append(place.texts[0])
        place.start.addnext(run)
    for node in place.texts:
        node.text = ""
    place.texts[0].text = report_xml.plain_text(words)
    place.texts[0].set(_XML_SPACE, "preserve")


def _update_table(place: _Place | None, one: Drawn) -> Iterator[Kept]:
    """A table that nobody has touched gets today's figures: in its own cells where it has as many, else it is drawn anew."""
    table = next(place.start.iterancestors(f"{_W}tbl"), None) if place is not None else None
    if table is None:
        yield Kept(one.what.label, "", "")
        return
    cells, due = _cells(table), [cell.text for row in one.what.rows for cell in row if cell is not None]
    stands = ["".join(node.text or "" for node in cell.iter(f"{_W}t")) for cell in cells]
    same = len(stands) == len(due) and _shape(table) == [sum(cell is not None for cell in row) for row in one.what.rows]
    if checksum("".join(stands)) not in (place.written, checksum(told(one.what))):
        if not same:
            yield Kept(one.what.label, "……", "")
        for was, now in zip(stands, due, strict=True) if same else ():
            if checksum(was) != checksum(now):
                yield Kept(one.what.label, was, now)
        return
    if same:
        for cell, was, now in zip(cells, stands, due, strict=True):
            if checksum(was) != checksum(now):
                _fill(cell, now)
        place.start.set(f"{_W}name", report_xml.name(one.mark, told(one.what)))
    else:
        number = int(place.start.get(f"{_W}id"))
        new = place.start.getroottree().getroot().makeelement(f"{_W}body", {})
        from docx.oxml import parse_xml

        new.append(parse_xml(report_xml.table(one, Numbered(count(number), {})).replace("<w:tbl>", f"<w:tbl {SPACES}>", 1)))
        table.getparent().replace(table, new[0])


def _cells(table: Any) -> list:
    """The cells of a table, those left out that a merged cell above covers."""
    return [cell for cell in table.iter(f"{_W}tc") if not _covered(cell)]


def _covered(cell: Any) -> bool:
    merge = cell.find(f"{_W}tcPr/{_W}vMerge")
    return merge is not None and merge.get(f"{_W}val", "continue") == "continue"


def _shape(table: Any) -> list[int]:
    return [sum(not _covered(cell) for cell in row.iter(f"{_W}tc")) for row in table.iter(f"{_W}tr")]


def _fill(cell: Any, words: str) -> None:
    """Gives a cell other words in the look of its first run."""
    from docx.oxml import parse_xml

    first, *others = cell.findall(f"{_W}p")
    for one in others:
        cell.remove(one)
    runs = list(first.iter(f"{_W}r"))
    new = parse_xml(report_xml.run(words).replace("<w:r>", f"<w:r {SPACES}>", 1))
    if not runs:
        first.append(new)
        return
    look = runs[0].find(f"{_W}rPr")
    if look is not None:
        new.insert(0, look)
    runs[0].addprevious(new)
    for one in runs:
        one.getparent().remove(one)


def _update_chart(document: Any, one: Drawn) -> None:
    """Gives a chart today's figures, unless they are the same: then it keeps whatever look somebody gave it."""
    for named in document.element.body.iter(f"{_WP}docPr"):
        if named.get("name") == report_xml.CHART.format(mark=one.mark):
            for chart in named.getparent().iter(f"{_C}chart"):
                part, new = document.part.related_parts[chart.get(f"{_R}id")], report_xml.chart(one.what)
                if _figures(part.blob) != _figures(new):
                    part._blob = new


def _figures(chart: bytes) -> list[str]:
    from docx.oxml import parse_xml

    return ["".join(node.itertext()) for node in parse_xml(chart).iter(f"{_C}v")]


# ---- notes ----


def _comment(docx: Any, document: Any, report: Report) -> None:
    """Puts what was found beside the figures it is about, as comments of ours."""
    places = _places(document.element.body)
    for figure in report.figures:
        if figure.note and (place := places.get(figure.mark)) and place.texts:
            _add_comment(docx, document, place.texts[0].getparent(), place.texts[-1].getparent(), figure.note)
    for one in _drawn(report, chart=False):
        noted = [cell.note for row in one.what.rows for cell in row if cell is not None]
        table = next(places[one.mark].start.iterancestors(f"{_W}tbl"), None) if one.mark in places else None
        cells = _cells(table) if table is not None and any(noted) else []
        for cell, note in zip(cells, noted, strict=True) if len(cells) == len(noted) else ():
            runs = list(cell.iter(f"{_W}r")) if note else ()
            if runs:
                _add_comment(docx, document, runs[0], runs[-1], note)


def _add_comment(docx: Any, document: Any, first: Any, last: Any, note: str) -> None:
    from docx.text.run import Run

    document.add_comment([Run(first, document), Run(last, document)], text=report_xml.plain_text(note), author=AUTHOR, initials=INITIALS)


def _uncomment(document: Any) -> None:
    """Takes our own comments away; anybody else's stay."""
    relation = next((one for one in document.part.rels.values() if one.reltype == f"{_OFFICE}/comments"), None)
    if relation is None:
        return
    comments = relation.target_part.element
    ours = {one.get(f"{_W}id"): one for one in comments.iter(f"{_W}comment") if one.get(f"{_W}author") == AUTHOR}
    for one in ours.values():
        comments.remove(one)
    for node in list(document.element.body.iter(f"{_W}commentRangeStart", f"{_W}commentRangeEnd", f"{_W}commentReference")):
        if node.get(f"{_W}id") in ours:
            holder = node.getparent()
            holder.remove(node)
            if holder.tag == f"{_W}r" and not any(child.tag != f"{_W}rPr" for child in holder):
                holder.getparent().remove(holder)
