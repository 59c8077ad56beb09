"""One submitted form from file to findings, and its JSON: the step that the command line, the district run and the tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import NamedTuple

from perfeval_xl import intake, layout, looks, messages, rules, scoring, signs
from perfeval_xl.edition import Edition, get
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
    try:
        return _check_book(path, intake.load(path), wanted)
    except Refusal as refusal:
        refusal.args_.setdefault("file", os.path.basename(path))
        return [Record(path, refusal=refusal.with_traceback(None))]
    except MemoryError:
        return [Record(path, refusal=Refusal("X125", file=os.path.basename(path), why="内存不足，MemoryError", why_en="out of memory, MemoryError"))]
    except Exception as error:
        # a mistake of ours in one file costs that file and no other
        if os.environ.get("PERFEVAL_DEBUG"):
            raise
        from perfeval_xl import log

        where = log.unexpected(error, "check_file") or "-"
        return [Record(path, refusal=Refusal("X901", file=os.path.basename(path), why=f"{type(error).__name__}: {error}", log=where))]


def _check_book(path: str, book: intake.Book, wanted: str) -> list[Record]:
    for sheets in (book.sheets, book.hidden):
        records = [record for sheet in sheets if (record := check_sheet(sheet, path, wanted, len(book.sheets) > 1)) is not None]
        if records:
            return [_with_signs(record, book)._replace(data=book.data) for record in records]
    return [Record(path, book.data, Refusal("X108", file=book.file))]


def _with_signs(record: Record, book: intake.Book) -> Record:
    """The record with what the file itself gives away, apart from the figures on the form."""
    if record.form is None:
        return record
    found = list(book.acts)
    if book.package:
        found += signs.active(book.package, "pe_edition" in record.grid.stamp)
    if look := _look(record, book):
        found += signs.doubts(look, record.grid.merged, record.form, record.card)
    if not found:
        return record
    return record._replace(findings=tuple(sorted((*found, *record.findings), key=lambda one: (one.row, one.column))))


def _look(record: Record, book: intake.Book) -> looks.Look | None:
    name = record.grid.name
    if name not in book.xml:
        return book.looks.get(name)
    styles = looks.styles(book.package.packed("xl/styles.xml"), book.package.packed("xl/theme/theme1.xml"))
    return looks.of_sheet(book.xml[name], name in book.odd, styles)


def check_files(paths: Iterable[str], wanted: str = "") -> Iterator[Record]:
    """Checks many files, in their order, one record at a time. The cyclic garbage collector rests until the last one is taken: a check leaves
    no cycles behind, and all the collector could do is to walk again and again through what is remembered."""
    resting = gc.isenabled()
    gc.disable()
    try:
        for path in paths:
            yield from check_file(path, wanted)
    finally:
        if resting:
            gc.enable()


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


def as_json(record: Record, lang: str = "") -> dict:
    """One entry of ``files`` as the contract has it: percent points, 万元, points; what is absent or cannot be computed is null."""
    form, card, refusal = record.form, record.card, record.refusal
    sheet = record.grid.name if record.grid else None
    head = {"file": record.path, "sheet": sheet, "sha256": _sha256(record.data), "error": None if refusal is None else {
        "code": refusal.code, "message": refusal.words(lang)}}
    if form is None:
        return {**head, "edition": None, "department": None, "project": None, "year": None, "funds": [], "indicators": [], "parts": [],
                "total": None, "total_stated": None, "grade": None, "grade_stated": None, "findings": []}
    return {
        **head, "edition": form.edition, "department": _text(form.department), "project": _text(form.project), "year": form.year,
        "funds": [_funds(form, row, rate, card) for row, rate in zip(form.funds, card.rates, strict=True)],
        "indicators": [_indicator(form, row, result) for row, result in zip(form.indicators, card.rows, strict=True)],
        "parts": [{"name": part.name, "weight": _figure(part.weight), "score": _figure(part.score)} for part in card.parts],
        "total": _figure(card.total), "total_stated": _number(form.totals[0]), "grade": card.grade, "grade_stated": _text(form.grade),
        "findings": [finding_json(finding, form.sheet, lang) for finding in record.findings],
    }


def finding_json(finding: Finding, sheet: str, lang: str = "") -> dict:
    """One finding as the contract has it."""
    return {"code": finding.code, "severity": finding.severity, "cell": messages.cell(finding, sheet), "label": finding.label,
            "stated": finding.stated, "expected": finding.expected, "message": messages.message(finding, lang),
            "fix": messages.fix(finding, lang), "source": messages.source(finding, lang)}


def _funds(form: Submission, row, rate: Decimal | None, card: Scorecard) -> dict:
    first = next((entry for entry in (row.initial, row.adjusted, row.executed) if entry is not None), None)
    counts = row.role == "total"
    return {
        "label": row.label, "role": row.role, **{field: _money(form, getattr(row, field)) for field in ("initial", "adjusted", "executed")},
        "weight": _number(row.weight), "rate": _rate(rate), "rate_stated": _number(row.rate),
        "score": _figure(card.funds_score) if counts else None, "score_stated": _number(row.score), "cell": _place(form, first),
    }


def _indicator(form: Submission, row, result) -> dict:
    deviation = result.attainment.deviation
    return {
        "part": row.part, "group": row.group, "name": row.name, "target": row.target_entry.text if row.target_entry else None,
        "actual": row.actual_entry.text if row.actual_entry else None, "kind": KINDS[row.target.kind], "weight": _number(row.weight),
        "score": _figure(result.score), "score_stated": _number(row.score),
        "deviation": None if deviation is None else _rate(deviation * 100), "deviation_stated": _number(row.deviation),
        "reason": _text(row.reason) or None, "cell": _place(form, row.place),
    }


def _place(form: Submission, entry: Entry | None) -> str | None:
    return None if entry is None or entry.row < 0 else f"{form.sheet}!{cell_name(entry.row, entry.column)}"


def _figure(value: Decimal | None) -> float | int | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _rate(value: Decimal | None) -> float | int | None:
    return None if value is None else _figure(half_up(value, 2))


def _number(entry: Entry | None) -> float | int | None:
    return None if entry is None else _figure(entry.number)


def _money(form: Submission, entry: Entry | None) -> float | int | None:
    return None if entry is None or entry.number is None else _figure(entry.number * form.factor)


def _text(entry: Entry | None) -> str | None:
    return None if entry is None or not entry.text else entry.text


def _sha256(data: bytes) -> str | None:
    import hashlib

    return hashlib.sha256(data).hexdigest() if data else None
