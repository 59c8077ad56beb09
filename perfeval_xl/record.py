"""One submitted form from file to findings, and its JSON: the step that the command line, the district run and the tests share."""

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from perfeval_xl import intake, layout, looks, messages, rules, scoring, signs
from perfeval_xl.edition import Edition, get
from perfeval_xl.gate import Package
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.model import Entry, Indicator, Sheet, Submission, cell_name
from perfeval_xl.numbers import half_up
from perfeval_xl.scoring import RowScore, Scorecard

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
    return next(each_checked((path,), wanted))


def check_files(paths: Iterable[str], wanted: str = "") -> Iterator[Record]:
    """Checks many files, in their order, and gives one record at a time."""
    with resting():
        for records in each_checked(paths, wanted):
            yield from records


@contextmanager
def resting() -> Iterator[None]:
    """The cyclic garbage collector rests: neither checks nor tables leave cycles behind, and all it could do is to walk through what is kept.
    What was made meanwhile counts as old when it wakes up: it would walk through all of it at once."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.freeze()
            gc.unfreeze()
            gc.enable()


#: so many files go through a step before the first of them takes the next, or fewer where they are large: each step is faster when the processor
#: need not change between them at every file
_AHEAD, _AHEAD_BYTES = 64, 4_000_000


def each_checked(paths: Iterable[str], wanted: str = "") -> Iterator[list[Record]]:
    """The records of each file, in their order, as ``check_file`` gives them."""
    if wanted:
        get(wanted)
    waiting, held = [], 0
    for path in paths:
        admitted = _safely(path, intake.admit, path)
        waiting.append((path, admitted))
        held += 0 if isinstance(admitted, Refusal) else admitted.size
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
            look = looks.of_sheet(book.xml[name], book.written[name], styles)
        if look:
            self.findings += signs.doubts(look, self.sheet, self.form, self.card)

    def record(self) -> Record:
        """What came of it, the findings in the order of their cells."""
        data, package = (self.book.data, self.book.package) if self.book else (b"", None)
        if self.refusal is not None:
            return Record(self.path, data, self.refusal, self.sheet, package=package)
        return Record(self.path, data, None, self.sheet, self.form, self.card, self.edition, tuple(sorted(self.findings, key=_place_of)), package)


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
    rows, money = [], number if form.factor == 1 else _in_ten_thousands(form.factor)
    for row, rate in zip(form.funds, card.rates, strict=True):
        label, role, initial, adjusted, executed, weight, stated, score = row
        first = initial if initial is not None else adjusted if adjusted is not None else executed
        rows.append((label, role, money(initial), money(adjusted), money(executed), number(weight), _rate(rate), number(stated),
                     figure(card.funds_score) if role == "total" else None, number(score), _place(form, first)))
    return rows


def part_rows(card: Scorecard) -> list[tuple]:
    """The values of ``PART`` for every part."""
    return [(part.name, figure(part.weight), figure(part.score)) for part in card.parts]


#: the values of rows by the identity of the row and of what it was scored, which the layout and the scoring share between lines that are alike;
#: kept with both, so that an id stays what it was
_known: dict[tuple[int, int, str], tuple[Indicator, RowScore, tuple]] = {}


def indicator_rows(form: Submission, card: Scorecard) -> list[tuple]:
    """The values of ``INDICATOR`` for every indicator."""
    rows = []
    for row, result in zip(form.indicators, card.rows, strict=True):
        same = id(row), id(result), form.sheet
        if (known := _known.get(same)) is None:
            if len(_known) > 16384:
                _known.clear()
            known = _known[same] = (row, result, _indicator_row(form, row, result))
        rows.append(known[2])
    return rows


def _indicator_row(form: Submission, row: Indicator, result: RowScore) -> tuple:
    deviation = result.attainment.deviation
    return (row.part, row.group, row.name, row.target_entry.text if row.target_entry else None,
            row.actual_entry.text if row.actual_entry else None, KINDS[row.target.kind], number(row.weight), figure(result.score),
            number(row.score), None if deviation is None else _rate(deviation * 100), number(row.deviation), text(row.reason),
            _place(form, row.place))


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


def _in_ten_thousands(factor: Decimal) -> Callable[[Entry | None], float | int | None]:
    return lambda entry: None if entry is None or entry.number is None else figure(entry.number * factor)


def text(entry: Entry | None) -> str | None:
    """The text of a cell; None where there is none."""
    return None if entry is None or not entry.text else entry.text


def sha256(data: bytes) -> str | None:
    """The fingerprint of a file; None where there is no file."""
    import hashlib

    return hashlib.sha256(data).hexdigest() if data else None
