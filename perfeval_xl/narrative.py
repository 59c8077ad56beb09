"""A written report held against its form: ``check(document, record)`` gives the findings (codes R...), each tied to its chapter.

    document = document.load("报告.docx")
    record, = record.check_file("自评表.xlsx")
    findings = narrative.check(document, record)

Figures are the business of ``quotes``, claims that of ``claims``; ``wording`` looks at the language; here are the outline and the identity. A finding
has no cell (row -1); its label is the chapter's heading and its ``quote`` the sentence.
"""

import os
import re
from collections.abc import Iterator

from perfeval_xl import quotes, wording
from perfeval_xl.claims import Claims
from perfeval_xl.document import TOPICS, Document
from perfeval_xl.edition import plain_label
from perfeval_xl.facts import Facts
from perfeval_xl.messages import Finding, Refusal
from perfeval_xl.numbers import fold
from perfeval_xl.patterns import Pattern
from perfeval_xl.record import Record
from perfeval_xl.speech import Place, paragraphs

#: every code that ``check`` may speak
CODES = ("R101", "R102", "R103", "R104", "R105", "R201", "R202", "R203", "R204", "R205", "R206", "R207", "R208", "R301", "R302", "R303", "R304",
         "R305", "R306", "R307", "R308", "R401", "R402", "R403", "R501", "R601", "R602", "R603", "R604", "R605", "R606", "R607", "R608", "R609",
         "R610")

#: chapters of the published outlines; the eighth is in that of 上街区 only (DOMAIN.md a.1, a.2)
_OUTLINE = ("basics", "work", "conclusion", "results", "problems", "use", "experience")
_EIGHTH = {"shangjie-2022": ("other",)}
_PROMISES = {"经验": "(?<!有)(?<!富的)经验(?!的|丰富|不足)|做法|体会",  # 向有经验的人员学习 tells none
              "问题": "问题|不足|困难|短板", "建议": "建议"}

#: the region in front of a body's name
_REGION = Pattern("(?:[^省]{2,4}省)?(?:[^市]{2,4}市)?(?:[^区县市]{1,6}(?:新区|区|县|市))?")
#: how offices shorten their own names, the long form first
_SHORT = (("中国共产党", "中共"), ("人民代表大会", "人大"), ("常务委员会", "常委会"), ("政治协商会议", "政协"), ("人民政府", "政府"),
          ("委员会", "委"), ("办公室", "办"), ("街道办事处", "街道"), ("本级", ""), ("机关", ""))


def check(document: Document, record: Record) -> list[Finding]:
    """Everything in which a report contradicts its form, itself or the outline, in the order of its chapters.

    record: of ``record.check_file``, with a form; findings are tied to chapters, cell None. Never raises on any text.
    """
    if record.form is None:
        return []
    facts, parts = Facts(record), paragraphs(document.chapters)
    claims = Claims(facts)
    found = [*_identity(document, record), *_outline(document, record), *quotes.read(facts, parts)]
    found += [finding for part in parts for finding in claims.read(part)]
    found += claims.tasks_left_out(parts)
    found += wording.read(facts, parts)
    order = {Place(chapter).title: -n for n, chapter in enumerate(reversed(document.chapters))}
    unique: dict[tuple, Finding] = {}
    for one in found:
        unique.setdefault((one.code, one.label, one.stated, one.expected, one.args.get("what"), one.args.get("quote")), one)
    return sorted(unique.values(), key=lambda one: order.get(one.label, -len(order)))


def add(document: Document, records: list[Record]) -> list[Record]:
    """The records of one file, the findings of its report added to the form that the report is about.

    Where the file holds several forms, the one of the department that the title names; a report that fits none or several is refused (X327).
    """
    forms = [one for one in records if one.form is not None]
    if not forms:
        return records
    if len(forms) > 1:
        forms = [one for one in forms if is_of(document, one)]
    if len(forms) != 1:
        raise Refusal("X327", file=os.path.basename(records[0].path), stated=sum(one.form is not None for one in records))
    return [one._replace(findings=(*one.findings, *check(document, one))) if one is forms[0] else one for one in records]


def is_of(document: Document, record: Record) -> bool:
    """Whether a report and a form are of one department, and of one year where both name it."""
    form = record.form
    if form is None or form.department is None or not document.department or not names_form(document, record):
        return False
    return document.year is None or form.year is None or document.year == form.year


# ---- whose report it is ----


def _identity(document: Document, record: Record) -> Iterator[Finding]:
    """Title and form name one department and one year (Q6)."""
    form = record.form
    if document.year is not None and form.year is not None and document.year != form.year:
        yield Finding("R606", "标题", f"{document.year}年", f"{form.year}年", args={"quote": document.title})
    if document.department and form.department is not None and form.department.text and not names_form(document, record):
        yield Finding("R605", "标题", document.department, form.department.text)


def names_form(document: Document, record: Record) -> bool:
    """Whether the title names the form's department; that of a project's report may name the project alone, or its region in front of it."""
    form = record.form
    project = form.project.text if form.project is not None else ""
    return titled(document.department, form.department.text, project)


def titled(name: str, department: str, project: str | None) -> bool:
    """Whether the words in front of 绩效自评报告 name this department, or a project of it."""
    rest = strip_project(name, project)
    if same_body(rest, department):
        return True
    return rest != name and (not rest or (_REGION.fullmatch(rest) is not None and rest in department))


def strip_project(name: str, project: str | None) -> str:
    """A name without that of the project, with or without its quotation marks, behind it."""
    words = plain_label(project or "").removesuffix("项目")
    return re.sub(f"[“\"《]?{re.escape(words)}(?:项目)?[”\"》]?$", "", plain_label(name)) if words else name


def same_body(one: str, other: str) -> bool:
    """Whether two names mean one public body: 上街区政务服务中心 and 郑州市上街区政务服务中心 do, 上街区教育局 and 金水区教育局 do not."""
    shorter, longer = sorted((_plain(one), _plain(other)), key=len)
    return bool(shorter) and longer.endswith(shorter) and _REGION.fullmatch(longer.removesuffix(shorter)) is not None


def _plain(name: str) -> str:
    """A name as its own office shortens it, without brackets and without 中共 in front."""
    name = re.sub(r"\(.*?\)", "", fold(plain_label(name)))
    for long, short in _SHORT:
        name = name.replace(long, short)
    return name.removeprefix("中共")


# ---- the outline ----


def _outline(document: Document, record: Record) -> Iterator[Finding]:
    """The chapters of the outline are there and say what their headings promise (R8)."""
    chapters = [chapter for chapter in document.chapters if chapter.title]
    if not chapters:
        if any(chapter.blocks for chapter in document.chapters):
            yield Finding("R604", "全文")
        return
    due = (*_OUTLINE, *_EIGHTH.get(record.form.edition, ())) if record.edition.scope == "department" else ()
    topics = {chapter.topic for chapter in chapters}
    missing = [TOPICS[topic][0] for topic in due if topic not in topics]
    strange = sum(not chapter.topic for chapter in chapters)  # one of these may be what is missed under another heading
    if len(missing) > strange:
        yield Finding("R601", "全文", "、".join(missing))
    for chapter in chapters:
        text = "".join(block.text + "".join("".join(row) for row in block.rows) for block in chapter.blocks)
        if not text.strip():
            yield Finding("R602", chapter.title)
        elif chapter.topic == "experience":
            body = text + "".join("".join(block.headings) for block in chapter.blocks)
            promised = [word for word in _PROMISES if word in chapter.title]
            unsaid = [word for word in promised if not re.search(_PROMISES[word], body)]
            if unsaid and len(promised) > 1:  # under 主要经验 alone everything is experience
                yield Finding("R603", chapter.title, "、".join(unsaid))
