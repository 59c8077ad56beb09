"""Written reports and forms of a district run, brought together by department, project and year; what a report contradicts is added to its form.

Only the same name is the same department (``narrative.same_body``), as for the roster: a report that fits none or several forms is said, never
joined. A report names its department in its title, else in the name of its file, else in that of its folder.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from perfeval_xl import compact, document, gather, narrative, record
from perfeval_xl.compact import Form
from perfeval_xl.district import Across, District, Line
from perfeval_xl.gate import Package
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.numbers import fold
from perfeval_xl.roster import Roster

#: what is taken out of the folder of reports; the last ones only to say that they cannot be read
EXTENSIONS = (".docx", ".txt", ".pdf", ".doc", ".wps")


class Report(NamedTuple):
    """A report as it is paired: the names it may be known by, the likeliest first, its title and year, when it was saved; ``error`` says why
    it cannot be read."""

    path: str
    names: tuple[str, ...] = ()
    title: str = ""
    year: int | None = None
    modified: str = ""
    saved: float = 0.0
    error: str = ""


#: a report and the form it is held against: (report, form, sheet, edition, language)
Task = tuple[str, str, str | None, str, str]


class Pairs(NamedTuple):
    """What came of pairing: all forms, those with a report having its findings too; what is to be said; the report of each (path, sheet); and
    how many reports there are, in all and unreadable."""

    forms: tuple[Form, ...]
    said: tuple[Across, ...]
    reports: dict[tuple[str, str | None], str]
    received: int
    unreadable: int

    def as_json(self) -> dict:
        """What the ``summary`` of the run says of reports."""
        return {"received": self.received, "unreadable": self.unreadable,
                "paired": [{"file": path, "sheet": sheet, "report": report} for (path, sheet), report in self.reports.items()]}


def find(folder: str, without: Iterable[str] = ()) -> list[str]:
    """The reports in a folder and all that is in it, or the one that is named; refused (X328) where there is none."""
    paths = gather.find([folder], without, EXTENSIONS)
    if not paths:
        raise Refusal("X328", file=folder)
    return paths


def add(found: District, paths: Sequence[str], roster: Roster | None = None, edition: str = "", lang: str = "", workers: int = 0) -> Pairs:
    """Reads the reports and holds each against the form it belongs to. ``found`` is the run without them: only a form that counts has a report.
    What a report contradicts is put into words in the language given, like the findings of the form itself."""
    workers = workers or gather.processes_for(len(paths))
    found_in = dict(gather.each_file(read, [(path, lang) for path in paths], workers, _unread))
    reports = [found_in[path, lang] for path in paths]
    said, chosen = _sorted(reports, found.counted, roster or Roster())
    tasks: list[Task] = []
    for place, line in enumerate(found.counted):
        if place in chosen:
            newest, *older = chosen[place]
            tasks.append((newest.path, line.form.path, line.form.sheet, edition or line.form.edition or "", lang))
            if older:
                others = "、".join(os.path.basename(one.path) for one in older)
                used = os.path.basename(newest.path)
                said.append(Across(Finding("D115", found.name(line), others, used, args={"n": 1 + len(older)}), (line.form,)))
        elif not line.form.origin:
            said.append(Across(Finding("D113", found.name(line)), (line.form,)))
    more = {(path, sheet): one for (_, path, sheet, *_), one in gather.each_file(contradictions, tasks, workers, _unchecked)}
    forms = tuple(form if form.origin else compact.with_findings(form, more.get((form.path, form.sheet), [])) for form in found.forms)
    paired = {(path, sheet): report for report, path, sheet, *_ in tasks}
    return Pairs(forms, tuple(said), paired, len(reports), sum(bool(one.error) for one in reports))


def _sorted(reports: list[Report], counted: Sequence[Line], roster: Roster) -> tuple[list[Across], dict[int, list[Report]]]:
    """What is to be said of reports that are left over, and those of each form by its place, the newest first."""
    said: list[Across] = []
    chosen: dict[int, list[Report]] = {}
    for one in sorted(reports, key=lambda one: (one.modified, one.saved, one.path), reverse=True):
        label = os.path.basename(one.path)
        if one.error:
            said.append(Across(Finding("D114", label, args={"why": one.error})))
            continue
        place, why = _form_of(one, counted, roster)
        if place is None:
            said.append(Across(Finding("D112", label, one.title or "、".join(one.names) or "—", args=why)))
        else:
            chosen.setdefault(place, []).append(one)
    return sorted(said, key=lambda one: (one.finding.code, one.finding.label)), chosen


def read(task: tuple[str, str]) -> Report:
    """The names, year and age of a report, (path, language of its error); its error where it cannot be read."""
    path, lang = task
    try:
        one = document.load(path)
        with open(path, "rb") as stream:
            data = stream.read()
        modified = compact.modified(Package(data) if data.startswith(b"PK") else None)
        stem, folder = os.path.splitext(os.path.basename(path))[0], os.path.basename(os.path.dirname(os.path.abspath(path)))
        names = dict.fromkeys(filter(None, (one.department, document.named(stem), document.named(folder))))
        return Report(path, tuple(names), one.title, one.year or document.year_of(stem), modified, float(int(os.stat(path).st_mtime)))
    except Refusal as refusal:
        return Report(path, error=refusal.words(lang))
    except OSError as error:
        return Report(path, error=Refusal("X112", file=os.path.basename(path), why=error.strerror or error).words(lang))


def _unread(task: tuple[str, str], refusal: Refusal) -> Report:
    """A report that ended its reader."""
    path, lang = task
    return Report(path, error=refusal.words(lang))


def _unchecked(task: Task, refusal: Refusal) -> list[dict]:
    """A report, or a form, that ended its reader when they were held against each other."""
    path, _, sheet, _, lang = task
    why = {"why": refusal.words("zh"), "why_en": refusal.words("en")}
    return [record.finding_json(Finding("D114", os.path.basename(path), args=why), sheet, lang)]


def contradictions(task: Task) -> list[dict]:
    """What a report contradicts, as the JSON has it; [] where the form is no longer what it was."""
    path, form, sheet, edition, lang = task
    one = next((one for one in record.check_file(form, edition) if one.sheet == sheet and one.form is not None), None)
    return [] if one is None else [record.finding_json(finding, one.sheet, lang) for finding in narrative.check(document.load(path), one)]


def _form_of(report: Report, counted: Sequence[Line], roster: Roster) -> tuple[int | None, dict[str, str]]:
    """The place of the one form that a report is about; else why there is none, in Chinese and English."""
    for name in report.names:
        entry = roster.get(name)
        same = [n for n, line in enumerate(counted) if any(_one_body(name, other, line) for other in (line.name, line.form.department or ""))
                or (entry is not None and entry.name == line.name)]
        exact = [n for n in same if fold(name) in (fold(counted[n].name), fold(counted[n].form.department or ""))]
        if not (same := exact or same):
            continue
        of_year = [n for n in same if None in (report.year, counted[n].form.year) or report.year == counted[n].form.year]
        if not of_year:
            years = "、".join(dict.fromkeys(str(counted[n].form.year) for n in same))
            return None, {"why": f"这个部门的表是 {years} 年的，报告是 {report.year} 年的",
                          "why_en": f"the form of this department is of {years}, the report of {report.year}"}
        fitting = list(_of_project(report, of_year, counted))
        if len(fitting) == 1 and not counted[fitting[0]].form.origin:
            return fitting[0], {}
        if fitting and counted[fitting[0]].form.origin:
            return None, {"why": "它的自评表取自下级的汇总工作簿，没有原表可核对",
                          "why_en": "its form was taken from a district workbook, there is nothing to hold it against"}
        return None, {"why": f"有 {len(fitting)} 张自评表都可能是它的", "why_en": f"{len(fitting)} forms may be the one it is about"}
    if not report.names:
        return None, {"why": "标题、文件名和文件夹都没有写部门名称", "why_en": "neither its title nor its file nor its folder names a department"}
    return None, {"why": "没有这个部门的自评表", "why_en": "there is no form of this department"}


def _one_body(name: str, other: str, line: Line) -> bool:
    return bool(name and other) and narrative.titled(name, other, line.form.project)


def _of_project(report: Report, places: list[int], counted: Sequence[Line]) -> Iterator[int]:
    """Among the forms of a department those of the project that the title names, else the one of the department as a whole."""
    named = [n for n in places if (project := counted[n].form.project) and fold(project) in fold(report.title)]
    yield from named or [n for n in places if not counted[n].form.project] or places
