"""One form of a district run as a line of plain values: what crosses the border of a process, what the tables are made of, and what a
district workbook keeps of every form so that a city can consolidate districts from their workbooks alone.

A line holds what is compared between forms; the indicators and findings travel packed and are unpacked one form at a time, so that ten
thousand forms take some thirty megabytes.
"""

import json
import zlib
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from perfeval_xl import record as records
from perfeval_xl.checks_rows import copied_targets
from perfeval_xl.container import ContainerError
from perfeval_xl.gate import Package
from perfeval_xl.messages import SEVERITIES
from perfeval_xl.model import Submission
from perfeval_xl.numbers import fold
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import FINDING, FUNDS, INDICATOR, PART, Record
from perfeval_xl.scoring import Scorecard

#: characters from which on a text that stands in two departments' forms was hardly thought of twice
LONG_TEXT = 24
_SNIPPET, _TEXTS, _FEWEST_ROWS = 24, 80, 5
_NONE = (0,) * len(SEVERITIES)


class Form(NamedTuple):
    """A form that was checked, or a file that could not be read: then ``error`` is (code, message) and the rest is empty.

    ``modified`` is when the file says it was last saved, ``saved`` when the file system does (seconds). ``counts`` are the findings by
    severity. ``texts`` are (digest, cell, beginning) of long texts. ``copied``: every signed target has itself as its actual; ``full``: every
    row has full marks. ``rows`` is the number of indicators. ``origin`` names the district workbook it was taken from. ``body`` holds the
    indicators and the findings: plain as they come from where the file was read; as they are kept (``packed``) together with the other values,
    which is then the whole line.
    """

    path: str
    sheet: str | None
    sha256: str | None
    modified: str
    saved: float
    error: tuple[str, str] | None = None
    edition: str | None = None
    department: str | None = None
    project: str | None = None
    year: int | None = None
    funds: tuple = ()
    parts: tuple = ()
    total: float | None = None
    total_stated: float | None = None
    grade: str | None = None
    grade_stated: str | None = None
    counts: tuple = (0, 0, 0)
    texts: tuple = ()
    copied: bool = False
    full: bool = False
    rows: int = 0
    origin: str = ""
    body: bytes | tuple[list, list] = b""

    @property
    def funds_total(self) -> tuple | None:
        """The funds row of the whole budget, as the values of ``FUNDS``."""
        return next((row for row in self.funds if row[1] == "total"), None)

    @property
    def rate(self) -> float | None:
        """The execution rate of the whole budget, percent points."""
        row = self.funds_total
        return None if row is None else row[6]

    def indicators(self) -> list[list]:
        """The indicator rows, as the values of ``INDICATOR``."""
        return _unpacked(self.body)[0]

    def findings(self) -> list[list]:
        """The findings of the form alone, as the values of ``FINDING``."""
        return [] if self.counts == _NONE else _unpacked(self.body)[1]

    def as_json(self) -> dict:
        """The entry of ``files``, as ``record.as_json`` gives it."""
        rows, found = _unpacked(self.body)[:2]
        error = None if self.error is None else {"code": self.error[0], "message": self.error[1]}
        return {
            "file": self.path, "sheet": self.sheet, "sha256": self.sha256, "error": error, "edition": self.edition, "department": self.department,
            "project": self.project, "year": self.year, "funds": [dict(zip(FUNDS, row, strict=True)) for row in self.funds],
            "indicators": [dict(zip(INDICATOR, row, strict=True)) for row in rows],
            "parts": [dict(zip(PART, part, strict=True)) for part in self.parts], "total": self.total,
            "total_stated": self.total_stated, "grade": self.grade, "grade_stated": self.grade_stated,
            "findings": [dict(zip(FINDING, one, strict=True)) for one in found]}


def from_record(record: Record, saved: float, lang: str = "") -> Form:
    """The line of a record; its findings are put into words here, in the language given."""
    form, card, refusal = record.form, record.card, record.refusal
    head = (record.path, record.grid.name if record.grid else None, records.sha256(record.data), modified(record.package), saved,
            None if refusal is None else (refusal.code, refusal.words(lang)))
    if form is None or card is None:
        return Form(*head)
    found = [records.finding_row(one, form.sheet, lang) for one in record.findings]
    severities = [one[1] for one in found]
    return Form(
        *head, form.edition, records.text(form.department), records.text(form.project), form.year, tuple(records.funds_rows(form, card)),
        tuple(records.part_rows(card)), records.figure(card.total), records.number(form.totals[0]), card.grade, records.text(form.grade),
        tuple([severities.count(severity) for severity in SEVERITIES]), _texts(form), _copied(card), _full(card), len(form.indicators), "",
        (records.indicator_rows(form, card), found))


def packed(form: Form) -> Form:
    """The line with its body packed, in a third of the room; packed anew where it was, because another value of the line may have changed."""
    rows, found = _unpacked(form.body)[:2]
    values = json.dumps([rows, found, *form[:-1]], ensure_ascii=False, separators=(",", ":"))
    return form._replace(body=zlib.compress(values.encode("utf-8", "replace"), 1))


def with_findings(form: Form, found: list[dict]) -> Form:
    """The line with more findings, each as the JSON has it: those of its written report."""
    rows, before = _unpacked(form.body)[:2]
    more = tuple(sum(one["severity"] == severity for one in found) for severity in SEVERITIES)
    return packed(form._replace(counts=tuple(map(sum, zip(form.counts, more, strict=True))),
                                body=(rows, [*before, *([*one.values()] for one in found)])))


def _unpacked(body: bytes | tuple[list, list]) -> Sequence[list]:
    if type(body) is tuple:
        return body
    return json.loads(zlib.decompress(body)) if body else ([], [])


_SAVED = {"docprops/core.xml": Pattern(rb"<dcterms:modified[^>]*>([0-9T:-]{10,19}Z?)"), "meta.xml": Pattern(rb"<dc:date>([0-9T:-]{10,19})")}


def modified(package: Package | None) -> str:
    """When the office program saved the file, as its own parts say; "" where they do not (.xls)."""
    if package is None:
        return ""
    try:
        for name, pattern in _SAVED.items():
            if name in package and (match := pattern.search(package.part(name))):
                return match[1].decode()
    except ContainerError:
        pass
    return ""


def plain_text(text: str) -> str:
    """A text without what two writers of it may do differently: width, blanks, punctuation at its end."""
    return "".join(fold(text).split()).strip("。.;；,，")


def _texts(form: Submission) -> tuple:
    """The long texts: goals, tasks and reasons."""
    reasons = (row.reason for row in form.indicators if row.reason is not None)
    found: dict[str, tuple] = {}
    for entry in (*form.texts, *reasons):
        if len(entry.text) >= LONG_TEXT and len(text := plain_text(entry.text)) >= LONG_TEXT:
            digest = blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
            found.setdefault(digest, (digest, _cell(entry.row, entry.column), entry.text[:_SNIPPET]))
    return tuple(found.values())[:_TEXTS]


def _cell(row: int, column: int) -> str:
    from perfeval_xl.model import cell_name

    return cell_name(row, column)


def _copied(card: Scorecard) -> bool:
    """Every signed target of the department's own choice has exactly itself as its actual; the standard rates follow from the funds."""
    signed, copied = ([row for row in rows if not row.role] for rows in copied_targets(card))
    return len(copied) >= _FEWEST_ROWS and all(row.actual.number == row.target.number for row in signed)


def _full(card: Scorecard) -> bool:
    """Every row that carries points was given all of them."""
    scored = [row for row in card.rows if row.weight and row.stated is not None]
    return len(scored) >= _FEWEST_ROWS and all(row.stated == row.weight for row in scored)


# ---- what a district workbook keeps ----


def to_stamp(form: Form) -> bytes:
    """A packed line as one ASCII word, in base 64."""
    import base64

    return base64.b64encode(form.body)


def from_stamp(text: str, origin: str) -> Form:
    """The line that ``to_stamp`` wrote; ``origin`` is the district workbook in which it stood. Raises ValueError or zlib.error for anything else."""
    import base64

    body = base64.b64decode(text, validate=True)
    values: Any = _unpacked(body)
    if not isinstance(values, list) or len(values) != len(Form._fields) + 1:
        raise ValueError("not a line of a district")
    return Form(*map(_frozen, values[2:]), body=body)._replace(origin=origin)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
