"""Send-back (退回): for each department whose form has errors a folder with its form, marked, a short list of what to correct and a paragraph
ready to paste into a message.
"""

import io
import os
from collections.abc import Callable
from typing import NamedTuple

from perfeval_xl import files, gather, messages, record, review
from perfeval_xl.district import Change, District, Line, department_key
from perfeval_xl.district_book import SEVERITY_LOOKS, Book
from perfeval_xl.district_lists import Column, place_of
from perfeval_xl.messages import Refusal
from perfeval_xl.review_lists import LOOKS

_WORDS = messages.Words(
    {
        "slip": ("退回单", "Send-back list"),
        "title": ("{year}部门整体绩效自评表退回单", "Self-assessment form sent back {year}"),
        "year": ("{year}年度", "({year})"),
        "about": (
            "部门：{name}　　文件：{file}　　自评总分 {stated}，重算 {total}。错误 {errors} 处必须改正，提醒 {warnings} 处请核对；改好后请重新报送整张表。",
            "Department: {name}   file: {file}   total {stated}, recomputed {total}. {errors} errors to correct, {warnings} warnings to look at.",
        ),
        "heads": (
            ("序号", "级别", "位置", "项目", "表上填的", "应为", "说明", "怎么改", "与上次比"),
            ("No.", "Severity", "Place", "Item", "Stated", "Expected", "What is wrong", "What to do", "Since last"),
        ),
        "foot": (
            "&L退回单位（盖章）：&C第 &P 页，共 &N 页&R请于　　月　　日前重新报送　　退回日期：　　年　　月　　日",
            "&LSent back by:&CPage &P of &N&RTo be submitted again by:",
        ),
        "left": ("仍未改", "not mended"),
        "new": ("新出现", "new"),
        "mended": ("已改正", "mended"),
        "mended_sign": ("✓ 已改正", "✓ mended"),
        "text": (
            "{name}：\n你单位报送的{year}部门整体绩效自评表（{file}）经核对，有错误 {errors} 处、提醒 {warnings} 处，现退回修改。{since}主要问题：{points}请对照附件中的批注版和退回单改正后重新报送。",
            "{name}:\nYour self-assessment form {year} ({file}) has {errors} errors and {warnings} warnings and is sent back. {since}Main points: {points}Please correct it "
            "with the help of the marked copy and submit it again.",
        ),
        "since": (
            "上次指出的问题已改正 {mended} 处，仍有 {left} 处，新出现 {new} 处。",
            "Of the last points {mended} are mended, {left} are left; {new} are new. ",
        ),
        "point": ("{n}. {place} {message}{fix}", "{n}. {place} {message} {fix} "),
        "others": ("……共 {n} 处，详见退回单。", "... {n} in all, see the list. "),
    }
)
say = _WORDS.say
#: errors quoted in the paragraph
_QUOTED = 5


class Parcel(NamedTuple):
    """What goes back to one department: its line, its folder, and the changes since the last time (None without one)."""

    line: Line
    folder: str
    change: Change | None


def parcels(district: District, folder: str) -> list[Parcel]:
    """Who gets something back, and into which folder: the departments whose counted form has errors."""
    taken: set[str] = set()
    found = []
    for line in district.counted:
        if line.state != "return":
            continue
        base = files.safe_name(line.name or os.path.splitext(os.path.basename(line.form.path))[0])
        if line.form.project:
            base = f"{base}_{files.safe_name(line.form.project, 30)}"
        name = next(one for one in (base, *(f"{base}_{n}" for n in range(2, len(taken) + 3))) if one.casefold() not in taken)
        taken.add(name.casefold())
        change = None if district.since is None else district.since.get(department_key(line.form, line.name))
        found.append(Parcel(line, os.path.join(folder, name), change))
    return found


def write(district: District, folder: str, workers: int = 1, told: Callable[[int], None] = lambda count: None,
          reports: dict[tuple[str, str | None], str] | None = None) -> list[str]:
    """Writes what goes back to each department; gives the folders. A form out of a district workbook has no file here, hence no marked copy.
    ``reports``: the written report of a form, by (path, sheet)."""
    found = parcels(district, folder)
    tasks = []
    for parcel in found:
        form = parcel.line.form
        try:
            os.makedirs(parcel.folder, exist_ok=True)
        except OSError as error:
            raise Refusal("X116", file=parcel.folder, why=error.strerror or error) from None
        files.replace(os.path.join(parcel.folder, f"{say('slip')}.xlsx"), slip(district, parcel))
        files.replace(
            os.path.join(parcel.folder, f"{say('slip')}.txt"), paragraph(district, parcel).replace("\n", "\r\n").encode("utf-8-sig", "replace")
        )
        if not form.origin:
            tasks.append(
                (form.path, form.sheet or "", form.edition or "", os.path.join(parcel.folder, review.name_for(form.path)), messages.language(),
                 (reports or {}).get((form.path, form.sheet), ""))
            )
        else:
            told(1)
    for _ in gather.each_file(write_copy, tasks, workers, _plain_copy):
        told(1)
    return [parcel.folder for parcel in found]


def write_copy(task: tuple[str, str, str, str, str, str], look: bool = True) -> None:
    """The marked copy of one form: (file, sheet, edition, where to, language, its written report or ""); ``look`` as for ``review.write``."""
    path, sheet, edition, target, lang, report = task
    records = [one for one in record.check_file(path, edition) if one.sheet == sheet]
    if report:
        from perfeval_xl import document, narrative

        found = document.load(report)
        records = [one if one.form is None else one._replace(findings=(*one.findings, *narrative.check(found, one))) for one in records]
    if records:
        review.write(records, target, lang, look)


def _plain_copy(task: tuple, refusal: Refusal) -> None:
    """A workbook that ends the process of whoever takes over its look gets a copy that is drawn anew."""
    write_copy(task, False)


def _findings(parcel: Parcel) -> list[tuple[str, list]]:
    """The errors and warnings that stand, errors first, each with what is to be said of it since the last time."""
    form = parcel.line.form
    fresh = [(one[0], one[3], one[2]) for one in parcel.change.new] if parcel.change else []
    found = [
        ("" if parcel.change is None else say("new") if (one[0], one[3], one[2]) in fresh else say("left"), one)
        for one in form.findings()
        if one[1] != "note"
    ]
    return sorted(found, key=lambda pair: LOOKS[pair[1][1]].rank)


def _facts(district: District, parcel: Parcel) -> dict:
    form = parcel.line.form
    year = say("year", year=form.year) if form.year else ""
    return {
        "name": district.name(parcel.line),
        "file": district.shown(form),
        "errors": form.counts[0],
        "warnings": form.counts[1],
        "year": year,
        "stated": _shown(form.total_stated),
        "total": _shown(form.total),
    }


def _shown(value: float | None) -> str:
    return "—" if value is None else f"{value:g}" if abs(value) < 100_000 else str(value)


def slip(district: District, parcel: Parcel) -> bytes:
    """The 退回单 as a workbook: one A4 page wide, every error and warning with what to do, then what has been mended."""
    stream = io.BytesIO()
    facts = _facts(district, parcel)
    looks = ("whole", "centre", "centre", "wrap", "wrap", "wrap", "wrap", "wrap", "centre")
    heads = _WORDS["heads"][messages.LANGUAGES.index(messages.language())]
    columns = [Column(*one) for one in zip(heads, (5, 9, 13, 20, 14, 14, 44, 34, 10), looks, strict=True)]
    if parcel.change is None:
        columns = columns[:-1]
    book = Book(stream, 1)
    with book.workbook:
        sheet = book.sheet(say("slip"), say("title", year=facts["year"]), say("about", **facts), columns)
        sheet.set_footer(say("foot"))
        number, draft = 0, book.marked(sheet, columns, 1, SEVERITY_LOOKS)
        for said, (code, severity, cell, label, stated, expected, message, fix, _) in _findings(parcel):
            number, where = number + 1, cell or place_of(code)
            values = [number, f"{LOOKS[severity].sign} {messages.severity_word(severity)}", where, label, stated, expected, message, fix, said]
            sheet.add(values[: len(columns)], draft(severity))
        mended = sheet.draft([book.look(one.look, font_color="#7F7F7F") for one in columns])
        for _, _, cell, label, stated, expected, message, _, _ in parcel.change.mended if parcel.change else ():
            number += 1
            sheet.add([number, say("mended_sign"), cell, label, stated, expected, message, "", say("mended")], mended)
    return stream.getvalue()


def paragraph(district: District, parcel: Parcel) -> str:
    """The text to paste: what is wrong in a few sentences."""
    errors = [one for _, one in _findings(parcel) if one[1] == "error"]
    points = "".join(say("point", n=n, place=one[2] or place_of(one[0]) or "", message=one[6], fix=one[7]) for n, one in enumerate(errors[:_QUOTED], 1))
    if len(errors) > _QUOTED:
        points += say("others", n=len(errors))
    change = parcel.change
    since = say("since", mended=len(change.mended), left=len(change.left), new=len(change.new)) if change else ""
    return say("text", **_facts(district, parcel), since=since, points=points) + "\n"
