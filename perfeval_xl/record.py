"""One submitted form from file to findings, and its JSON: the step that the command line, the district run and the tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from perfeval_xl import intake, layout, messages, rules, scoring, signs
from perfeval_xl.edition import Edition, get
from perfeval_xl.gate import Package
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import Entry, Sheet, Submission, cell_name
from perfeval_xl.numbers import half_up
from perfeval_xl.scoring import Scorecard

#: kinds of targets as the JSON names them
KINDS = {"quant": "quantitative", "tolerance": "quantitative", "suspect": "quantitative", "qual": "qualitative", "date": "date",
         "period": "period", "mixed": "mixed", "text": "mixed", "blank": "blank", "na": "blank"}


class Record(NamedTuple):
    """A form that was checked, or a file that could not be: then ``refusal`` says why and the rest is empty."""

    path: str
    data: bytes = b""
    refusal: Refusal | None = None
    grid: Sheet | None = None
    form: Submission | None = None
    card: Scorecard | None = None
    edition: Edition | None = None
    findings: tuple[Finding, ...] = ()
    package: Package | None = None

    @property
    def sheet(self) -> str:
        """The name of the sheet that holds the form."""
        return self.form.sheet if self.form else ""


def check_file(path: str, wanted: str = "") -> list[Record]:
    """Reads and checks every form of a file: one record for each, or one with a refusal. ``wanted`` names the edition to read it under.

    Hidden sheets are looked at only where no visible one holds a form.
    """
    if wanted:
        get(wanted)
    return _checked(path, _safely(path, intake.load, path), wanted)


def _safely(path: str, work: Callable, *args: object) -> Any:
    """What ``work`` gives, or the refusal that it ends in: a mistake of ours in one file costs that file and no other."""
    try:
        return work(*args)
    except Refusal as refusal:
        return refusal.with_traceback(None)
    except MemoryError:
        return Refusal("X125", file=os.path.basename(path), why="内存不足，MemoryError", why_en="out of memory, MemoryError")
    except Exception as error:
        if os.environ.get("PERFEVAL_DEBUG"):
            raise
        return Refusal("X901", file=os.path.basename(path), why=f"{type(error).__name__}: {error}")


def _checked(path: str, book: intake.Book | Refusal, wanted: str) -> list[Record]:
    records = book if isinstance(book, Refusal) else _safely(path, _check_book, path, book, wanted)
    return [Record(path, refusal=records)] if isinstance(records, Refusal) else records


def _check_book(path: str, book: intake.Book, wanted: str) -> list[Record]:
    for sheets in (book.sheets, book.hidden):
        records = [record for sheet in sheets if (record := check_sheet(sheet, path, wanted, len(book.sheets) > 1)) is not None]
        if records:
            return [_with_signs(record, book)._replace(data=book.data, package=book.package) for record in records]
    return [Record(path, book.data, Refusal("X108", file=book.file))]


def _with_signs(record: Record, book: intake.Book) -> Record:
    """The record with what the file itself gives away, apart from the figures on the form."""
    if record.form is None:
        return record
    found = signs.active(book.package, "pe_edition" in record.grid.stamp) if book.package else signs.active_xls(book.data)
    if xml := book.xml.get(record.grid.name):
        found += signs.doubts(xml, book.package.packed("xl/styles.xml"), record.form, record.card)
    if not found:
        return record
    return record._replace(findings=tuple(sorted((*found, *record.findings), key=lambda one: (one.row, one.column))))


#: so many files pass the gate before the first of them is read, and are read before the first is checked, or fewer where they are large: each step
#: is faster when the processor need not change between them at every file
_AHEAD, _AHEAD_BYTES = 64, 16_000_000


def check_files(paths: Iterable[str], wanted: str = "") -> Iterator[Record]:
    """Checks many files, in their order, and gives one record at a time. The cyclic garbage collector rests until the last one is taken: a check
    leaves no cycles behind, and all the collector could do is to walk again and again through what is remembered."""
    resting = gc.isenabled()
    gc.disable()
    try:
        for records in each_checked(paths, wanted):
            yield from records
    finally:
        if resting:
            gc.enable()


def each_checked(paths: Iterable[str], wanted: str = "") -> Iterator[list[Record]]:
    """The records of each file, in their order, as ``check_file`` gives them."""
    if wanted:
        get(wanted)
    waiting, held = [], 0
    for path in paths:
        admitted = _safely(path, intake.admit, path)
        waiting.append((path, admitted))
        held += 0 if isinstance(admitted, Refusal) else len(admitted.data) + len(admitted.content)
        if len(waiting) == _AHEAD or held > _AHEAD_BYTES:
            yield from _each_checked(waiting, wanted)
            waiting, held = [], 0
    yield from _each_checked(waiting, wanted)


def _each_checked(waiting: list[tuple[str, intake.Admitted | Refusal]], wanted: str) -> Iterator[list[Record]]:
    books = [(path, one if isinstance(one, Refusal) else _safely(path, intake.read, one)) for path, one in waiting]
    yield from (_checked(path, book, wanted) for path, book in books)


def check_sheet(sheet: Sheet, path: str, wanted: str = "", several: bool = False) -> Record | None:
    """Checks one sheet of a workbook, open or read from a file; None where the sheet holds no form. ``several``: a refusal names the sheet."""
    file = os.path.basename(os.path.normpath(path))
    try:
        found = layout.read(sheet, wanted, file)
    except Refusal as refusal:
        if several:
            refusal.args_["file"] = f"{file} [{sheet.name}]"
        return Record(path, refusal=refusal.with_traceback(None), grid=sheet)
    if found is None:
        return None
    form, notes = found
    edition = get(form.edition)
    card = scoring.score(form, edition)
    findings = sorted((*notes, *rules.check(form, card, edition)), key=lambda one: (one.row, one.column))
    return Record(path, grid=sheet, form=form, card=card, edition=edition, findings=tuple(findings))


#: the fields of a funds row, a part, an indicator and a finding, as the contract names them and in its order
FUNDS = ("label", "role", "initial", "adjusted", "executed", "weight", "rate", "rate_stated", "score", "score_stated", "cell")
PART = ("name", "weight", "score")
INDICATOR = ("part", "group", "name", "target", "actual", "kind", "weight", "score", "score_stated", "deviation", "deviation_stated", "reason",
             "cell")
FINDING = ("code", "severity", "cell", "label", "stated", "expected", "message", "fix", "source")


def as_json(record: Record, lang: str = "") -> dict:
    """One entry of ``files`` as the contract has it: percent points, 万元, points; what is absent or cannot be computed is null."""
    form, card, refusal = record.form, record.card, record.refusal
    head = {"file": record.path, "sheet": record.grid.name if record.grid else None, "sha256": sha256(record.data),
            "error": None if refusal is None else {"code": refusal.code, "message": refusal.words(lang)}}
    if form is None:
        return {**head, "edition": None, "department": None, "project": None, "year": None, "funds": [], "indicators": [], "parts": [],
                "total": None, "total_stated": None, "grade": None, "grade_stated": None, "findings": []}
    return {
        **head, "edition": form.edition, "department": text(form.department), "project": text(form.project), "year": form.year,
        "funds": [dict(zip(FUNDS, row, strict=True)) for row in funds_rows(form, card)],
        "indicators": [dict(zip(INDICATOR, row, strict=True)) for row in indicator_rows(form, card)],
        "parts": [dict(zip(PART, row, strict=True)) for row in part_rows(card)],
        "total": figure(card.total), "total_stated": number(form.totals[0]), "grade": card.grade, "grade_stated": text(form.grade),
        "findings": [finding_json(finding, form.sheet, lang) for finding in record.findings],
    }


def finding_json(finding: Finding, sheet: str, lang: str = "") -> dict:
    """One finding as the contract has it."""
    return dict(zip(FINDING, finding_row(finding, sheet, lang), strict=True))


def finding_row(finding: Finding, sheet: str, lang: str = "") -> tuple:
    """The values of ``FINDING``."""
    return (finding.code, finding.severity, messages.cell(finding, sheet), finding.label, finding.stated, finding.expected,
            messages.message(finding, lang), messages.fix(finding, lang), messages.source(finding, lang))


def funds_rows(form: Submission, card: Scorecard) -> list[tuple]:
    """The values of ``FUNDS`` for every funds row."""
    rows = []
    for row, rate in zip(form.funds, card.rates, strict=True):
        first = next((entry for entry in (row.initial, row.adjusted, row.executed) if entry is not None), None)
        rows.append((row.label, row.role, _money(form, row.initial), _money(form, row.adjusted), _money(form, row.executed), number(row.weight),
                     _rate(rate), number(row.rate), figure(card.funds_score) if row.role == "total" else None, number(row.score),
                     _place(form, first)))
    return rows


def part_rows(card: Scorecard) -> list[tuple]:
    """The values of ``PART`` for every part."""
    return [(part.name, figure(part.weight), figure(part.score)) for part in card.parts]


def indicator_rows(form: Submission, card: Scorecard) -> list[tuple]:
    """The values of ``INDICATOR`` for every indicator."""
    rows = []
    for row, result in zip(form.indicators, card.rows, strict=True):
        deviation = result.attainment.deviation
        rows.append((row.part, row.group, row.name, row.target_entry.text if row.target_entry else None,
                     row.actual_entry.text if row.actual_entry else None, KINDS[row.target.kind], number(row.weight), figure(result.score),
                     number(row.score), None if deviation is None else _rate(deviation * 100), number(row.deviation), text(row.reason),
                     _place(form, row.place)))
    return rows


def _place(form: Submission, entry: Entry | None) -> str | None:
    return None if entry is None or entry.row < 0 else f"{form.sheet}!{cell_name(entry.row, entry.column)}"


@lru_cache(maxsize=8192)
def figure(value: Decimal | None) -> float | int | None:
    """A figure as JSON has it: whole where it is. Remembered: the same few weights and points stand in all forms."""
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


@lru_cache(maxsize=8192)
def _rate(value: Decimal | None) -> float | int | None:
    return None if value is None else figure(half_up(value, 2))


def number(entry: Entry | None) -> float | int | None:
    """The number in a cell; None where there is none."""
    return None if entry is None else figure(entry.number)


def _money(form: Submission, entry: Entry | None) -> float | int | None:
    return None if entry is None or entry.number is None else figure(entry.number * form.factor)


def text(entry: Entry | None) -> str | None:
    """The text of a cell; None where there is none."""
    return None if entry is None or not entry.text else entry.text


def sha256(data: bytes) -> str | None:
    """The fingerprint of a file; None where there is no file."""
    import hashlib

    return hashlib.sha256(data).hexdigest() if data else None
