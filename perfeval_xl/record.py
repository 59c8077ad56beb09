"""One submitted form from file to findings, and its JSON: the step that the command line, the district run and the tests share."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

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
    return next(each_checked((path,), wanted))


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


#: so many files go through a step before the first of them takes the next, or fewer where they are large: each step is faster when the processor
#: need not change between them at every file
_AHEAD, _AHEAD_BYTES = 64, 16_000_000


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
            yield from _checked(waiting, wanted)
            waiting, held = [], 0
    yield from _checked(waiting, wanted)


def _checked(waiting: list[tuple[str, intake.Admitted | Refusal]], wanted: str) -> list[list[Record]]:
    """Every file through the reader, then every one through the layout, and so on."""
    books = [(path, one if isinstance(one, Refusal) else _safely(path, intake.read, one)) for path, one in waiting]
    files = [(path, one if isinstance(one, Refusal) else _safely(path, _forms, path, one, wanted)) for path, one in books]
    forms = [form for _, found in files if not isinstance(found, Refusal) for form in found if form.refusal is None]
    for step in (_Form.score, _Form.check, _Form.look_closer):
        for form in forms:
            if form.refusal is None:
                form.refusal = _safely(form.path, step, form)
    return [[Record(path, refusal=found)] if isinstance(found, Refusal) else [form.record() for form in found] for path, found in files]


def _safely(path: str, work: Callable, *args: object) -> Any:
    """What ``work`` gives, or the refusal that it ends in: a mistake of ours in one file costs that file and no other."""
    try:
        return work(*args)
    except Refusal as refusal:
        refusal.args_.setdefault("file", os.path.basename(path))
        return refusal.with_traceback(None)
    except MemoryError:
        return Refusal("X125", file=os.path.basename(path), why="内存不足，MemoryError", why_en="out of memory, MemoryError")
    except Exception as error:
        if os.environ.get("PERFEVAL_DEBUG"):
            raise
        from perfeval_xl import log

        where = log.unexpected(error, "check_file") or "-"
        return Refusal("X901", file=os.path.basename(path), why=f"{type(error).__name__}: {error}", log=where)


class _Form:
    """A form on its way from its sheet to its findings; where a step cannot be done, ``refusal`` says why."""

    __slots__ = ("book", "card", "edition", "findings", "form", "path", "refusal", "sheet")

    def __init__(self, path: str, sheet: Sheet, book: intake.Book | None, form: Submission | None, findings: list[Finding],
                 refusal: Refusal | None = None) -> None:
        self.path, self.sheet, self.book, self.form, self.findings, self.refusal = path, sheet, book, form, findings, refusal
        self.card, self.edition = None, None if form is None else get(form.edition)

    def score(self) -> None:
        """The form recomputed."""
        self.card = scoring.score(self.form, self.edition)

    def check(self) -> None:
        """Every rule."""
        self.findings += rules.check(self.form, self.card, self.edition)

    def look_closer(self) -> None:
        """What the file itself gives away, apart from the figures on the form."""
        book, name = self.book, self.sheet.name
        self.findings += book.acts
        if book.package:
            self.findings += signs.active(book.package, "pe_edition" in self.sheet.stamp)
        look = book.looks.get(name)
        if name in book.xml:
            styles = looks.styles(book.package.packed("xl/styles.xml"), book.package.packed("xl/theme/theme1.xml"))
            look = looks.of_sheet(book.xml[name], name in book.odd, styles)
        if look:
            self.findings += signs.doubts(look, self.sheet, self.form, self.card)

    def record(self) -> Record:
        """What came of it, the findings in the order of their cells."""
        data = self.book.data if self.book else b""
        if self.refusal is not None:
            return Record(self.path, data, self.refusal, self.sheet)
        return Record(self.path, data, None, self.sheet, self.form, self.card, self.edition, tuple(sorted(self.findings, key=_place_of)))


def _place_of(finding: Finding) -> tuple[int, int]:
    return finding.row, finding.column


def _forms(path: str, book: intake.Book, wanted: str) -> list[_Form]:
    for sheets in (book.sheets, book.hidden):
        forms = [form for sheet in sheets if (form := _form(sheet, path, wanted, len(book.sheets) > 1, book)) is not None]
        if forms:
            return forms
    raise Refusal("X108", file=book.file)


def _form(sheet: Sheet, path: str, wanted: str, several: bool, book: intake.Book | None = None) -> _Form | None:
    file = os.path.basename(os.path.normpath(path))
    try:
        found = layout.read(sheet, wanted, file)
    except Refusal as refusal:
        if several:
            refusal.args_["file"] = f"{file} [{sheet.name}]"
        return _Form(path, sheet, book, None, [], refusal.with_traceback(None))
    return None if found is None else _Form(path, sheet, book, *found)


def check_sheet(sheet: Sheet, path: str, wanted: str = "", several: bool = False) -> Record | None:
    """Checks one sheet of an open workbook; None where the sheet holds no form. ``several``: a refusal names the sheet."""
    form = _form(sheet, path, wanted, several)
    if form is not None and form.refusal is None:
        form.score()
        form.check()
    return form and form.record()


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
