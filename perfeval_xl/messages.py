"""The catalogue of findings, and the only place where a finding becomes words.

A code is a letter and three digits: L layout, V one value, F funds, I indicators, S sums and grades, T explanations,
R written report, D across workbooks, X unreadable or unsafe files. Gaps are fine; a published code is never reused.
The severity belongs to the code: 错误 must be corrected, 提醒 must be looked at, 提示 needs nothing.
"""

import os
from typing import NamedTuple

from perfeval_xl.catalogue import CODES, SHORT, Code
from perfeval_xl.model import cell_name

LANGUAGES = ("zh", "en")
#: every note that we put on a cell begins with this, so that it can be told from a user's
MARK = "[绩效校验]"
SEVERITIES = {"error": ("错误", "error"), "warning": ("提醒", "warning"), "note": ("提示", "note")}


class Finding(NamedTuple):
    """One thing that is wrong, doubtful or worth knowing, tied to the cell where it must be looked at.

    ``stated`` is what the form says and ``expected`` what it should say (None where no single right value exists), both as they
    would be printed. ``row`` and ``column`` are zero-based, -1 where the finding belongs to no cell. ``args`` fills the other
    places of the code's text; ``source`` replaces the code's own where the edition knows a better one.
    """

    code: str
    label: str
    stated: str | None = None
    expected: str | None = None
    row: int = -1
    column: int = -1
    args: dict = {}  # noqa: RUF012 - never written to
    source: str = ""

    @property
    def severity(self) -> str:
        """"error", "warning" or "note"."""
        return CODES[self.code].severity


class Refusal(Exception):
    """A file, or an edition, that cannot be read at all: a code and what its text needs. Says what it is and what to do."""

    def __init__(self, code: str, **args: object) -> None:
        super().__init__(code)
        self.code, self.args_ = code, args

    def words(self, lang: str = "") -> str:
        """The refusal in one line: what it is, then what to do."""
        return text(self.code, lang, **self.args_)

    def __str__(self) -> str:
        return self.words()


_spoken = ""


def speak(lang: str) -> None:
    """Sets the language of this process; "" goes back to what PERFEVAL_LANG says."""
    global _spoken
    _spoken = lang


def language(lang: str = "") -> str:
    """The language to speak: the one asked for, else the one that was set, else PERFEVAL_LANG, else Chinese."""
    chosen = lang or _spoken or os.environ.get("PERFEVAL_LANG", "zh")
    return "en" if chosen.lower().startswith("en") else "zh"


class Words(dict):
    """Texts of a room that speaks to people: key -> (Chinese, English)."""

    def say(self, key: str, **args: object) -> str:
        """A text in the language that is spoken."""
        return self[key][LANGUAGES.index(language())].format(**args)


def text(code: str, lang: str = "", **args: object) -> str:
    """Text and remedy of a code that is not tied to a cell."""
    entry, pick = CODES[code], LANGUAGES.index(language(lang))
    return f"{entry.text[pick].format(**args)}{' ' if pick else ''}{entry.fix[pick].format(**args)}"


def cell(finding: Finding, sheet: str) -> str | None:
    """``自评表!G60``, or None for a finding without a cell."""
    return None if finding.row < 0 else f"{sheet}!{cell_name(finding.row, finding.column)}"


def message(finding: Finding, lang: str = "") -> str:
    """What is wrong, with the label as printed, the value found and what was expected."""
    return _fill(CODES[finding.code].text, finding, lang)


def fix(finding: Finding, lang: str = "") -> str:
    """The one thing to do."""
    return _fill(CODES[finding.code].fix, finding, lang)


def source(finding: Finding, lang: str = "") -> str:
    """Whose rule it is: the edition's own words where the edition gives them, else the catalogue's."""
    return finding.source or CODES[finding.code].source[LANGUAGES.index(language(lang))]


def severity_word(severity: str, lang: str = "") -> str:
    """错误, 提醒 or 提示."""
    return SEVERITIES[severity][LANGUAGES.index(language(lang))]


def render(finding: Finding, sheet: str, lang: str = "") -> str:
    """The finding as one line, the same in a note, a sheet, a console and a letter."""
    lang = language(lang)
    place = cell(finding, sheet)
    head = severity_word(finding.severity, lang)
    if lang == "en":
        place = f"{place}: " if place else ""
        return f"[{head} {finding.code}] {place}{message(finding, lang)} {fix(finding, lang)} (Source: {source(finding, lang)})"
    return f"【{head} {finding.code}】{place + ' ' if place else ''}{message(finding, lang)}{fix(finding, lang)}（依据：{source(finding, lang)}）"


#: a cell shows some twenty characters of what was found in it
_LONGEST_STATED = 20


def short(finding: Finding, lang: str = "") -> str:
    """The finding as it stands in a cell of the form: its code and a few words ("S106 得分应为 1.48")."""
    stated = finding.stated or ""
    if len(stated) > _LONGEST_STATED:
        finding = finding._replace(stated=f"{stated[:_LONGEST_STATED]}…")
    return f"{finding.code} {_fill(SHORT[finding.code], finding, lang).lstrip()}"


def on_the_spot(finding: Finding, lang: str = "") -> str:
    """The finding for a note on its own cell: as everywhere, without the place."""
    words = render(finding._replace(row=-1), "", lang)
    return words.replace("】 ", "】", 1) if language(lang) == "zh" else words.replace("] : ", "] ", 1)


def is_short(text: str) -> bool:
    """Whether a cell holds what ``short`` makes: a worksheet function has put its refusal there, and nobody has typed it."""
    return text[4:5] == " " and text[:4] in CODES


def catalogue() -> list[Code]:
    """All codes, in the order of their letters and numbers."""
    return [CODES[code] for code in sorted(CODES)]


def _fill(pair: tuple[str, str], finding: Finding, lang: str) -> str:
    values = {"label": finding.label, "stated": finding.stated, "expected": finding.expected, **finding.args}
    return pair[LANGUAGES.index(language(lang))].format(**values)
