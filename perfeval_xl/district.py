"""The lines of many forms -> what a bureau wants to know of all of them together: who submitted, what counts, what stands in several forms.

Plain Python and no pandas: the tables are a few thousand lines of a dozen values, and importing pandas alone takes as long as checking some
three hundred forms. The order in which the forms arrive changes nothing.
"""

import os
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl import record, scoring
from perfeval_xl.compact import Form
from perfeval_xl.edition import get
from perfeval_xl.messages import Finding
from perfeval_xl.numbers import plain
from perfeval_xl.roster import Roster, key

#: what a line of the run is: counted (clean, or to be sent back), counted but asked about, or not counted
COUNTED = ("fine", "return")
STATES = (*COUNTED, "older", "year", "duplicate", "unreadable")
#: percent points; all marks at an execution rate below this are looked at (本工具约定)
LOW_RATE = 80
#: a text in more departments than this, and in more than half of them, is printed on the form
_PRINTED = 10


class Line(NamedTuple):
    """A form in the run: the department's name as the roster (else the form) has it, its place on the roster, and what became of it."""

    form: Form
    name: str
    place: int
    state: str
    unknown: bool = False
    like: str = ""


class Across(NamedTuple):
    """A finding across workbooks, with the forms it is about (none for a missing one)."""

    finding: Finding
    forms: tuple[Form, ...] = ()


class Change(NamedTuple):
    """What became of a department's errors and warnings since the last time; each finding as the values of ``compact.FINDING``."""

    mended: tuple[list, ...]
    left: tuple[list, ...]
    new: tuple[list, ...]


class District(NamedTuple):
    """A whole run. ``forms`` are all forms and unreadable files in the order of their paths, ``lines`` what became of them, ``counted`` the one
    form of each department; ``missing`` names of the roster without a form; ``duplicates`` groups of files with the same content; ``since``
    the changes by department key, None without a last time; ``due`` how many have to submit, None without a roster; ``root`` the folder
    that all files have in common."""

    forms: tuple[Form, ...]
    lines: tuple[Line, ...]
    counted: tuple[Line, ...]
    missing: tuple[str, ...]
    duplicates: tuple[tuple[str, ...], ...]
    findings: tuple[Across, ...]
    year: int | None
    due: int | None
    root: str
    since: dict[tuple, Change] | None = None

    def shown(self, form: Form) -> str:
        """The file of a form as people see it: from the common folder on; behind the district workbook it was taken from."""
        return _shown(form, self.root)

    def name(self, line: Line) -> str:
        """The department of a form, or the file of one that does not name it."""
        return line.name or f"（{self.shown(line.form)}）"

    def grades(self) -> dict[str, int]:
        """How many departments have each grade, recomputed; best first."""
        names = [grade.name for grade in get("shangjie-2022").grades]
        names += [line.form.grade for line in self.counted if line.form.grade and line.form.grade not in names]
        return {name: sum(line.form.grade == name for line in self.counted) for name in dict.fromkeys(names)}


def department_key(form: Form, name: str) -> tuple:
    """What makes two forms two versions of one: the department, and the project where the form is about one; an unnamed one is alone."""
    return (key(name), key(form.project)) if name else ("", form.origin, form.path, form.sheet)


def stated_grade(form: Form) -> str | None:
    """The grade the form claims: as written, else the one its stated total would earn."""
    return _stated_grade(form.grade_stated, form.total_stated, form.edition)


@lru_cache(maxsize=4096)
def _stated_grade(grade: str | None, total: float | None, edition: str | None) -> str | None:
    if grade:
        names = get(edition).grades if edition else ()
        return next((one.name for one in names if grade in (one.name, *one.also)), grade)
    if total is None or edition is None:
        return None
    return scoring.grade(Decimal(repr(total)), get(edition))


def consolidate(forms: Iterable[Form], roster: Roster | None = None, year: int | None = None, before: Iterable[Form] | None = None) -> District:
    """All forms of a run, in any order; ``before`` are the forms of the last district workbook."""
    ordered = sorted(forms, key=lambda one: (one.origin, _portable(one.path)))
    roster = roster or Roster()
    year = year or _usual_year(ordered, roster)
    root = _root(ordered)
    lines, duplicates = _lines(ordered, roster, year, root)
    in_order = tuple(sorted(lines, key=_by_roster))
    counted = tuple(line for line in in_order if line.state in COUNTED)
    have = {line.name for line in lines if line.state != "unreadable"}
    missing = tuple(one.name for one in roster.departments if one.name not in have)
    found = (*_missing(missing, counted), *_files(duplicates), *_versions(lines, root), *_names(in_order, year, root), *_same_texts(counted),
             *_doubts(counted))
    done = District(tuple(ordered), in_order, counted, missing, duplicates, found, year,
                    len(roster.departments) or None, root)
    return done if before is None else done._replace(since=_since(done, consolidate(before, roster, year)))


def _portable(path: str) -> str:
    return path.replace("\\", "/")


def _root(forms: list[Form]) -> str:
    folders = set(map(os.path.abspath, {os.path.dirname(one.path) for one in forms if not one.origin}))
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError:  # on several drives
        return ""


def _shown(form: Form, root: str) -> str:
    return _shown_path(form.path, form.origin, root)


@lru_cache(maxsize=4096)
def _shown_path(path: str, origin: str, root: str) -> str:
    if origin:
        return f"{origin} › {os.path.basename(_portable(path))}"
    whole = os.path.abspath(path) if root else ""
    return _portable(whole[len(root) :].lstrip("\\/") if root and whole.startswith(root) else path)


def _by_roster(line: Line) -> tuple:
    return (line.state == "unreadable", line.place, line.name, key(line.form.project), STATES.index(line.state), _portable(line.form.path))


def _usual_year(forms: list[Form], roster: Roster) -> int | None:
    """The year of the run: the roster's, where it has one; else the one most forms are of, the later of two."""
    years = Counter(one.year for one in roster.departments if one.year) or Counter(one.year for one in forms if one.year)
    return max(years, key=lambda one: (years[one], one), default=None)


# ---- what becomes of each form ----


def _lines(forms: list[Form], roster: Roster, year: int | None, root: str) -> tuple[list[Line], tuple[tuple[str, ...], ...]]:
    files: dict[str, list[tuple[str, str]]] = {}
    for form in forms:
        if form.error is None and form.sha256 and (form.origin, form.path) not in (same := files.setdefault(form.sha256, [])):
            same.append((form.origin, form.path))
    for same in files.values():
        same.sort(key=lambda file: (len(file[1]), file))  # a copy has the longer name
    again = {file for same in files.values() for file in same[1:]}
    lines = [_line(form, roster, year, (form.origin, form.path) in again) for form in forms]
    groups: dict[tuple, list[int]] = {}
    for n, line in enumerate(lines):
        if line.state in COUNTED or line.state == "year":
            groups.setdefault(department_key(line.form, line.name), []).append(n)
    for same in groups.values():
        right = [n for n in same if lines[n].state != "year"] or same
        newest = max(right, key=lambda n: (lines[n].form.modified, lines[n].form.saved, _portable(lines[n].form.path), n))
        for n in same:
            if n != newest and lines[n].state != "year":
                lines[n] = lines[n]._replace(state="older")
            elif n == newest and lines[n].state == "year":  # nothing else came: its figures count, and a finding asks
                lines[n] = lines[n]._replace(state=_state(lines[n].form))
    shown = {(form.origin, form.path): _shown(form, root) for form in forms}
    return lines, tuple(sorted(tuple(shown[file] for file in same) for same in files.values() if len(same) > 1))


def _line(form: Form, roster: Roster, year: int | None, again: bool) -> Line:
    last = len(roster.departments)
    if form.error is not None:
        return Line(form, "", last, "unreadable")
    name = (form.department or "").strip()
    entry = roster.get(name) if name else None
    state = "duplicate" if again else "year" if year and form.year and form.year != year else _state(form)
    if entry is not None:
        return Line(form, entry.name, roster.departments.index(entry), state)
    unknown = bool(last and name)
    return Line(form, name, last, state, unknown, roster.like(name) if unknown else "")


def _state(form: Form) -> str:
    return "return" if form.counts[0] else "fine"


# ---- findings across workbooks ----


def _missing(missing: tuple[str, ...], counted: tuple[Line, ...]):
    """Who did not submit; not one whose form seems to be there under another name: that is asked, once."""
    asked = {line.like for line in counted}
    for name in missing:
        if name not in asked:
            yield Across(Finding("D101", name))


def _files(duplicates: tuple[tuple[str, ...], ...]):
    for first, *others in duplicates:
        for other in others:
            yield Across(Finding("D102", "", other, first))


def _versions(lines: list[Line], root: str):
    groups: dict[tuple, list[Line]] = {}
    for line in lines:
        if line.state in (*COUNTED, "older"):
            groups.setdefault(department_key(line.form, line.name), []).append(line)
    for same in sorted(groups.values(), key=lambda lines: _by_roster(lines[0])):
        if len(same) > 1:
            new = next(line for line in same if line.state in COUNTED)
            old = [line for line in same if line is not new]
            yield Across(Finding("D103", new.name, "、".join(_where(line.form, root) for line in old), _where(new.form, root), args={"n": len(same)}),
                         tuple(line.form for line in (new, *old)))


def _where(form: Form, root: str) -> str:
    return f"{_shown(form, root)}[{form.sheet}]"


def _names(lines: Iterable[Line], year: int | None, root: str):
    for line in lines:
        form, file = line.form, _shown(line.form, root)
        if line.state in ("unreadable", "duplicate"):
            continue
        if year and form.year and form.year != year:
            yield Across(Finding("D104", line.name or file, str(form.year), str(year)), (form,))
        if not line.name:
            yield Across(Finding("D107", "", _where(form, root)), (form,))
        elif line.unknown and line.state != "older":
            yield Across(Finding("D106" if line.like else "D105", line.name, file, line.like or None), (form,))


def _same_texts(counted: tuple[Line, ...]):
    """Long texts that stand in several departments' forms: one finding for each set of departments. What stands in most forms is printed."""
    holders: dict[str, list[Line]] = {}
    for line in counted:
        for digest, _, _ in line.form.texts:
            holders.setdefault(digest, []).append(line)
    groups: dict[tuple, list[str]] = {}
    for digest, lines in holders.items():
        if len({line.name for line in lines}) > 1 and not (len(lines) > _PRINTED and len(lines) * 2 > len(counted)):
            groups.setdefault(tuple(lines), []).append(digest)
    for lines, digests in sorted(groups.items(), key=lambda pair: [_by_roster(line) for line in pair[0]]):
        text = {digest: (cell, beginning) for digest, cell, beginning in lines[0].form.texts}
        cell, beginning = text[digests[0]]
        names = "、".join(line.name for line in lines[:6]) + ("……" if len(lines) > 6 else "")
        yield Across(Finding("D108", names, beginning, args={"names": names, "n": len(digests), "where": f"{lines[0].form.sheet}!{cell}"}),
                     tuple(line.form for line in lines))


def _doubts(counted: tuple[Line, ...]):
    """What is odd about one form, and only the bureau asks."""
    for line in counted:
        form = line.form
        if form.copied:
            yield Across(Finding("D109", line.name), (form,))
        if form.full and form.rate is not None and form.rate < LOW_RATE:
            yield Across(Finding("D110", line.name, _plain(form.rate)), (form,))
        stated = stated_grade(form)
        if form.grade and stated and stated != form.grade:
            totals = {"total": _plain(form.total_stated), "recomputed": _plain(form.total)}
            yield Across(Finding("D111", line.name, stated, form.grade, args=totals), (form,))


def _plain(value: float | None) -> str:
    return "-" if value is None else plain(Decimal(repr(value)))


# ---- since the last time ----


def _since(now: District, then: District) -> dict[tuple, Change]:
    old = {department_key(line.form, line.name): line.form for line in then.counted}
    keys = {department_key(line.form, line.name): line.form for line in now.counted}
    return {one: _change(old[one], form) for one, form in keys.items() if one in old}


def _change(old: Form, new: Form) -> Change:
    """Findings are the same where code and label are: a cell moves when a row is inserted above it."""
    before, after = ([one for one in form.findings() if one[1] != "note"] for form in (old, new))
    there = Counter((one[0], one[3]) for one in after)
    mended = []
    for one in before:
        if there[one[0], one[3]] > 0:
            there[one[0], one[3]] -= 1
        else:
            mended.append(one)
    was = Counter((one[0], one[3]) for one in before)
    left, fresh = [], []
    for one in after:
        known = was[one[0], one[3]] > 0
        was[one[0], one[3]] -= known
        (left if known else fresh).append(one)
    return Change(tuple(mended), tuple(left), tuple(fresh))


# ---- as JSON ----


def as_json(district: District, lang: str = "") -> dict:
    """The whole run as the contract has it: every form in ``files``, and ``summary``."""
    return {"schema": 1, "files": [line.form.as_json() for line in district.lines], "summary": summary(district, lang)}


def summary(district: District, lang: str = "") -> dict:
    """The ``summary`` of the contract; what was found across workbooks is in it, with the files it is about."""
    across = [{**record.finding_json(one.finding, "", lang), "files": [form.path for form in one.forms]} for one in district.findings]
    return {"received": len({(line.form.origin, line.form.path) for line in district.lines if line.form.error is None}),
            "unreadable": sum(line.state == "unreadable" for line in district.lines), "missing": list(district.missing),
            "duplicates": [list(same) for same in district.duplicates], "grades": district.grades(), "year": district.year,
            "counted": len(district.counted), "findings": across}
