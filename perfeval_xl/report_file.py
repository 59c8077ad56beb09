"""The written report as a .docx: a new one, or an older one brought up to date.

An older report stays the document it is. Only the places we marked are looked at: one that still says what we wrote gets today's figure, one
that somebody has changed is left alone and told about. Whatever else stands in it, above all what people wrote, is never touched.
"""

import io
import os
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any, NamedTuple

from perfeval_xl import files, gate, report_chart, report_package, report_xml
from perfeval_xl.messages import Refusal, Words
from perfeval_xl.report import Drawn, Figure, Report
from perfeval_xl.report_tables import Chart, Table
from perfeval_xl.report_xml import MARK, SPACES, Place, checksum, shown, told

#: whose comments we take away and write anew
AUTHOR, INITIALS = "绩效校验", "校"
#: what a place that waits for people's text begins with (reports/sentences.toml)
ASKED = "〔请填写："
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_C = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_XML_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#: what a run of mere text is made of; pictures, footnotes and other people's comments stand in runs too
_TEXT = frozenset(f"{_W}{name}" for name in ("rPr", "t", "br", "tab", "lastRenderedPageBreak"))
_MORE = tuple(f"{_W}{name}" for name in ("drawing", "pict", "object", "commentReference", "footnoteReference", "endnoteReference"))
#: bytes; no report of ours comes near
_LARGEST = 50_000_000


_WORDS = Words({
    "made": ("自评报告：{path}", "Report: {path}"),
    "updated": ("自评报告已更新：{path}", "Report brought up to date: {path}"),
    "kept": ("手工改过，没有动：{label}。报告写的是“{stands}”，按自评表应为“{due}”。",
             "Changed by hand and left alone: {label}. The report says “{stands}”, the form gives “{due}”."),
    "kept_table": ("手工改过，没有动：{label}（请对照自评表）。", "Changed by hand and left alone: {label} (compare it with the form)."),
    "gone": ("报告里已找不到：{label}。按自评表为“{due}”。", "No longer in the report: {label}. The form gives “{due}”."),
    "gone_table": ("报告里已找不到：{label}。", "No longer in the report: {label}."),
    "asked": ("还有 {n} 处〔请填写〕要写。", "{n} places marked 〔请填写〕 wait for your text."),
})
say = _WORDS.say
#: so much of a text is quoted
_QUOTED = 60


class Kept(NamedTuple):
    """A place of an older report that was left as it is: what it is called, what it says ("" where it is gone) and what the form says."""

    label: str
    stands: str
    due: str

    def words(self) -> str:
        """The place in one line."""
        key = ("kept" if self.stands else "gone") + ("" if self.due else "_table")
        return say(key, label=self.label, stands=_quoted(self.stands), due=_quoted(self.due))


def _quoted(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


class Outcome(NamedTuple):
    """What became of a report: whether it is new, the places that were left alone, and how many still wait for people's text."""

    new: bool
    kept: tuple[Kept, ...]
    asked: int

    def words(self, path: str) -> str:
        """What was written, and where."""
        return say("made" if self.new else "updated", path=path)

    def remarks(self) -> list[str]:
        """What is left to do: the places that were left alone, and those that wait for people's text."""
        return [one.words() for one in self.kept] + ([say("asked", n=self.asked)] if self.asked else [])


def write(report: Report, path: str) -> Outcome:
    """Writes a report, or brings the one at ``path`` up to date; the file is replaced in one step.

    Refuses another extension (X721), a file that is no report of ours (X722), one of another department, year or edition (X723), a missing
    python-docx (X724), and a place that cannot be written (X116).
    """
    if os.path.splitext(path)[1].lower() != ".docx" or os.path.isdir(path):
        raise Refusal("X721", file=path)
    new = not os.path.lexists(path)
    if new:
        kept, data, asked = (), report_package.package(report, AUTHOR, INITIALS), report.asked
    else:
        document = _opened(_library(), path)
        kept = tuple(_update(document, report, path))
        _comment(document, report)
        stream = io.BytesIO()
        document.save(stream)
        data, asked = stream.getvalue(), _asked(document)
    files.replace(path, data)
    return Outcome(new, kept, asked)


def _library():
    try:
        import docx
    except ImportError:
        raise Refusal("X724", stated="python-docx") from None
    return docx


# ---- an older one ----


class _Mark(NamedTuple):
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
        gate.Package(data).check_sizes()
        return docx.Document(io.BytesIO(data))
    except OSError as error:
        raise Refusal("X112", file=path, why=error.strerror or error) from None
    except Exception:  # whatever a file that is no document, or a damaged one, leads its reader to
        raise Refusal("X722", file=path) from None


def _asked(document: Any) -> int:
    """How many places still wait for people's text."""
    return "".join(node.text or "" for node in document.element.body.iter(f"{_W}t")).count(ASKED)


def _places(body: Any) -> dict[str, _Mark]:
    """The marks of a document, in one walk; a place may reach over several paragraphs if somebody has split it."""
    places: dict[str, _Mark] = {}
    reached: dict[str, _Mark] = {}
    for node in body.iter(f"{_W}bookmarkStart", f"{_W}bookmarkEnd", f"{_W}t"):
        if node.tag == f"{_W}bookmarkStart":
            if (match := MARK.fullmatch(node.get(f"{_W}name", ""))) and match[1] not in places:
                places[match[1]] = reached[node.get(f"{_W}id")] = _Mark(node, match[2], [])
        elif node.tag == f"{_W}bookmarkEnd":
            reached.pop(node.get(f"{_W}id"), None)
        else:
            for place in reached.values():
                place.texts.append(node)
    return places


def _drawn(report: Report, kind: type) -> Iterator[Drawn]:
    return (block for block in report.blocks if isinstance(block, Drawn) and isinstance(block.what, kind))


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
    for one in _drawn(report, Table):
        yield from _update_table(places.get(one.mark), one)
    for one in _drawn(report, Chart):
        yield from _update_chart(document, places.get(one.mark), one)


def _update_figure(place: _Mark | None, figure: Figure) -> Iterator[Kept]:
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


def _say(place: _Mark, words: str) -> None:
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


def _update_table(place: _Mark | None, one: Drawn) -> Iterator[Kept]:
    """A table that nobody has touched gets today's figures: in its own cells where it has as many, else it is drawn anew."""
    table = next(place.start.iterancestors(f"{_W}tbl"), None) if place is not None else None
    if table is None:
        yield Kept(one.what.label, "", "")
        return
    rows, wanted = _rows(table), [[cell.text for cell in row if cell is not None] for row in one.what.rows]
    cells, due = [cell for row in rows for cell in row], [text for row in wanted for text in row]
    stands = ["".join(node.text or "" for node in cell.iter(f"{_W}t")) for cell in cells]
    same = list(map(len, rows)) == list(map(len, wanted))
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
    elif next(table.iter(*_MORE), None) is not None:
        yield Kept(one.what.label, "……", "")
    else:
        from docx.oxml import parse_xml

        here = Place(count(int(place.start.get(f"{_W}id"))), {}, None)
        table.getparent().replace(table, parse_xml(report_xml.table(one, here).replace("<w:tbl>", f"<w:tbl {SPACES}>", 1)))


def _rows(table: Any) -> list[list]:
    """The cells of a table by rows, those left out that a merged cell above covers."""
    return [[cell for cell in row.iter(f"{_W}tc") if not _covered(cell)] for row in table.iter(f"{_W}tr")]


def _covered(cell: Any) -> bool:
    merge = next(cell.iter(f"{_W}vMerge"), None)
    return merge is not None and merge.get(f"{_W}val", "continue") == "continue"


def _fill(cell: Any, words: str) -> None:
    """Gives a cell other words in the look of its first run."""
    from docx.oxml import parse_xml

    runs = [one for one in cell.iter(f"{_W}r") if all(child.tag in _TEXT for child in one)]
    new = parse_xml(report_xml.run(words).replace("<w:r>", f"<w:r {SPACES}>", 1))
    if not runs:
        cell.find(f"{_W}p").append(new)
        return
    look = runs[0].find(f"{_W}rPr")
    if look is not None:
        new.insert(0, look)
    runs[0].addprevious(new)
    for one in runs:
        one.getparent().remove(one)


def _update_chart(document: Any, place: _Mark | None, one: Drawn) -> Iterator[Kept]:
    """Gives a chart today's figures; one that shows them already keeps whatever look somebody gave it."""
    chart = next(place.start.getparent().iter(f"{_C}chart"), None) if place is not None else None
    part = document.part.related_parts.get(chart.get(f"{_R}id")) if chart is not None else None
    if part is None:
        yield Kept(one.what.label, "", "")
        return
    stands, due = _figures(part.blob), report_chart.figures(one.what)
    if checksum(stands) not in (place.written, checksum(due)):
        yield Kept(one.what.label, "……", "")
        return
    if checksum(stands) != checksum(due):
        part._blob = report_chart.part(one.what).encode()
    place.start.set(f"{_W}name", report_xml.name(one.mark, due))


def _figures(chart: bytes) -> str:
    from docx.oxml import parse_xml

    return "".join(node.text or "" for values in parse_xml(chart).iter(f"{_C}val") for node in values.iter(f"{_C}v"))


# ---- notes ----


def _comment(document: Any, report: Report) -> None:
    """Puts what was found beside the figures it is about, as comments of ours."""
    places = _places(document.element.body)
    noted: list[tuple[Any, Any, str]] = []  # first run, last run, what is to be said of them
    for figure in report.figures:
        if figure.note and (place := places.get(figure.mark)) and place.texts:
            noted.append((place.texts[0].getparent(), place.texts[-1].getparent(), figure.note))
    for one in _drawn(report, Table):
        notes = [cell.note for row in one.what.rows for cell in row if cell is not None]
        table = next(places[one.mark].start.iterancestors(f"{_W}tbl"), None) if one.mark in places and any(notes) else None
        cells = [cell for row in _rows(table) for cell in row] if table is not None else []
        for cell, note in zip(cells, notes, strict=True) if len(cells) == len(notes) else ():
            runs = list(cell.iter(f"{_W}r")) if note else ()
            if runs:
                noted.append((runs[0], runs[-1], note))
    if noted:
        _add_comments(document, noted)


def _add_comments(document: Any, noted: list[tuple[Any, Any, str]]) -> None:
    """All comments at once: python-docx, asked for one after the other, would take a third of the whole time."""
    from docx.oxml import parse_xml

    known = _comments(document)
    if known is None:
        _ = document.comments  # makes the part
        known = _comments(document)
    first = max((int(number) for one in known.iter(f"{_W}comment") if (number := one.get(f"{_W}id", "")).isdigit()), default=-1) + 1
    now = f"{datetime.now():%Y-%m-%dT%H:%M:%SZ}"
    known.extend(list(parse_xml(report_xml.comments([note for _, _, note in noted], AUTHOR, INITIALS, now, first))))
    for number, (begin, end, _) in enumerate(noted, first):
        start, stop, reference = parse_xml(report_xml.comment_marks(number))
        begin.addprevious(start)
        end.addnext(stop)
        stop.addnext(reference)


def _comments(document: Any) -> Any:
    """The element that holds the comments; None where the document has none."""
    relation = next((one for one in document.part.rels.values() if one.reltype == f"{_OFFICE}/comments"), None)
    return None if relation is None else relation.target_part.element


def _uncomment(document: Any) -> None:
    """Takes our own comments away; anybody else's stay."""
    comments = _comments(document)
    if comments is None:
        return
    ours = {one.get(f"{_W}id"): one for one in comments.iter(f"{_W}comment") if one.get(f"{_W}author") == AUTHOR}
    for one in ours.values():
        comments.remove(one)
    for node in list(document.element.body.iter(f"{_W}commentRangeStart", f"{_W}commentRangeEnd", f"{_W}commentReference")):
        if node.get(f"{_W}id") in ours:
            holder = node.getparent()
            holder.remove(node)
            if holder.tag == f"{_W}r" and not any(child.tag != f"{_W}rPr" for child in holder):
                holder.getparent().remove(holder)
