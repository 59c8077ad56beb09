"""What else is in a submitted workbook: content that acts by itself, and signs that its figures are not what they seem.

Nothing here is ever run or followed; it is only named, so that whoever opens the file next knows. The findings of ``active`` belong to the
workbook and to no cell, those of ``doubts`` to a cell of the form.
"""

from __future__ import annotations

import re
from functools import lru_cache

from perfeval_xl import gate
from perfeval_xl.container import unpack
from perfeval_xl.gate import Package
from perfeval_xl.messages import Finding
from perfeval_xl.model import Entry, Submission, cell_name
from perfeval_xl.scoring import Scorecard

#: beginning of a part's name -> the code that says so
_PARTS = (("xl/macrosheets/", "X402"), ("xl/intlmacrosheets/", "X402"), ("xl/externallinks/externallink", "X403"), ("xl/embeddings/", "X405"),
          ("xl/activex/", "X405"), ("xl/connections.xml", "X406"), ("xl/querytables/", "X406"), ("xl/webextensions/", "X406"),
          ("customui/", "X407"), ("basic/", "X401"), ("scripts/", "X401"))
_BEGINNINGS = (*(begin for begin, _ in _PARTS), "xl/externallinks/")
#: a form with buttons as this tool makes it holds these modules and one for each sheet
_OUR_MODULES = (r"(?:perfeval_buttons|perfeval_ribbon|xlwings|xlwings_udfs|dictionary|thisworkbook|sheet\d+|dir|project(?:wm)?|_vba_project"
                          r"|__srp_\w+)")
_LINK = rb"<ddeLink\b[^>]*>|<oleLink\b"
_TARGET = rb'\bTarget="([^"]{1,200})'


def active(package: Package, stamped: bool) -> list[Finding]:
    """What acts by itself in an .xlsx or .xlsm: macros, Excel 4 macros, links to other files, DDE, embedded objects, queries, own ribbons.

    ``stamped``: the workbook says that it is one of our forms; then the macros that our forms have are no news.
    """
    codes: dict[str, str] = {}
    ours = False
    if "xl/vbaproject.bin" in package:
        strangers = [name for name in _modules(package.part("xl/vbaproject.bin")) if not re.fullmatch(_OUR_MODULES, name, re.IGNORECASE)]
        ours = stamped and not strangers
        if not ours:
            codes["X401"] = "、".join(strangers[:5]) or "vbaProject"
    for name in package.parts:
        if not name.startswith(_BEGINNINGS):
            continue
        for begin, code in _PARTS:
            if name.startswith(begin) and "/_rels/" not in name and not (ours and code == "X407"):
                codes.setdefault(code, name.rpartition("/")[2])
        if name.startswith("xl/externallinks/externallink"):
            xml = package.part(name)
            if re.search(_LINK, xml):
                codes["X404"] = name.rpartition("/")[2]
        elif name.startswith("xl/externallinks/_rels/") and (match := re.search(_TARGET, package.part(name))):
            codes["X403"] = re.split(r"[/\\]", match[1].decode("utf-8", "replace"))[-1]
    return [Finding(code, what[:60]) for code, what in sorted(codes.items())]


def active_xls(data: bytes) -> list[Finding]:
    """The same of an .xls, as far as the names of its streams tell: macros and embedded objects."""
    found = (("_VBA_PROJECT_CUR", "X401"), ("MBD0", "X405"))
    return [Finding(code, name) for name, code in found if name.encode("utf-16-le") in data]


def _modules(project: bytes) -> list[str]:
    """Names of the streams of a VBA project, from the directory entries of its container, wherever they stand."""
    found = []
    for place in range(512, len(project) - 127, 128):
        length, kind = int.from_bytes(project[place + 64 : place + 66], "little"), project[place + 66]
        if kind == 2 and 4 <= length <= 64 and length % 2 == 0 and project[place + length - 2 : place + length] == b"\0\0":
            name = project[place : place + length - 2].decode("utf-16-le", "replace")
            if name.isprintable() and not name.startswith("�"):
                found.append(name)
    return found


# ---- signs that a figure is not what it seems ----

_HIDDEN = re.compile(rb'hidden="(?:1|true)"')
_FORMULA = rb'<c r="([A-Z]+)([0-9]+)"[^<>]*><f[ >/]'
_ACTS = rb"<f[^<>]*>[^<]*(?:\|'|WEBSERVICE\(|\bCALL\(|REGISTER(?:\.ID)?\()"


def doubts(xml: bytes, styles: tuple[int, int, int, bytes], form: Submission, card: Scorecard) -> list[Finding]:
    """Scores in hidden rows and columns, figures written in the colour of their ground, scores typed where the other rows have a formula,
    and formulas that reach out of the workbook. ``xml`` is the sheet's part, ``styles`` the (packed) one of the workbook."""
    white, found = _white_styles(*styles), []
    if white or _HIDDEN.search(xml):
        scores = [row.score for row in form.indicators] + [row.score for row in form.funds] + list(form.totals)
        found += _unseen(xml, white, [entry for entry in scores if entry is not None and entry.row >= 0 and entry.number is not None])
    if b"</f>" in xml:
        formulas = {(row, column) for row, column in ((int(row) - 1, _column(letters)) for letters, row in re.findall(_FORMULA, xml))}
        found += _typed(formulas, form, card)
        if match := re.search(_ACTS, xml, re.IGNORECASE):
            place = re.search(rb'r="([A-Z]{1,3})([0-9]{1,7})"[^<]*$', xml[: match.start()])
            row, column = (int(place[2]) - 1, _column(place[1])) if place else (-1, -1)
            found.append(Finding("X404", cell_name(row, column) if place else "", row=row, column=column))
    return found


def _unseen(xml: bytes, white: frozenset[str], shown: list[Entry]) -> list[Finding]:
    rows, columns, styled, row = set(), set(), {}, -1
    wanted = {(entry.row, entry.column) for entry in shown}

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal row
        hidden = attributes.get("hidden") in ("1", "true")
        if tag == "row":
            row = int(attributes.get("r", row + 2)) - 1
            if hidden:
                rows.add(row)
        elif tag == "col" and hidden:
            first, last = int(attributes["min"]) - 1, int(attributes["max"])
            columns.update(range(first, min(last, 1000)))
        elif tag == "c" and attributes.get("s") in white and (match := re.fullmatch(r"([A-Z]{1,3})([0-9]{1,7})", attributes.get("r", ""))):
            place = int(match[2]) - 1, _column(match[1].encode())
            if place in wanted:
                styled[place] = True

    gate.walk(xml, start)
    found = []
    for code, of in (("X411", lambda entry: entry.row in rows), ("X412", lambda entry: entry.column in columns and entry.row not in rows),
                     ("X413", lambda entry: (entry.row, entry.column) in styled)):
        hidden = [entry for entry in shown if of(entry)]
        if hidden:
            names = "、".join(cell_name(entry.row, entry.column) for entry in hidden[:5]) + ("…" if len(hidden) > 5 else "")
            found.append(Finding(code, names, str(len(hidden)), None, hidden[0].row, hidden[0].column))
    return found


def _typed(formulas: set[tuple[int, int]], form: Submission, card: Scorecard) -> list[Finding]:
    """Scores that the rule gives and that are typed, where most of such rows, and at least three, have a formula."""
    entries = [row.score for row, result in zip(form.indicators, card.rows, strict=True) if result.score is not None and row.score is not None]
    entries = [entry for entry in entries if entry.row >= 0 and entry.number is not None]
    typed = [entry for entry in entries if (entry.row, entry.column) not in formulas]
    if len(entries) - len(typed) < 3 or len(typed) * 2 > len(entries):
        return []
    return [Finding("X414", cell_name(entry.row, entry.column), entry.text, None, entry.row, entry.column) for entry in typed]


@lru_cache(maxsize=64)
def _white_styles(*packed: object) -> frozenset[str]:
    """Numbers of the cell styles whose letters are white on no ground, or on a white one. Remembered by the packed part, as all are that a
    district's forms have in common."""
    styles = unpack(*packed)
    if not re.search(rb'rgb="(?:FF|00)FFFFFF"|<color theme="0"|indexed="(?:1|9)"', styles, re.IGNORECASE):
        return frozenset()
    state = {"in": "", "fonts": [], "fills": [], "xfs": []}

    def start(tag: str, attributes: dict[str, str]) -> None:
        if tag in ("fonts", "fills", "cellXfs", "cellStyleXfs", "dxfs", "borders"):
            state["in"] = tag
        elif tag == "font" and state["in"] == "fonts":
            state["fonts"].append(False)
        elif tag == "color" and state["in"] == "fonts" and state["fonts"]:
            state["fonts"][-1] = _is_white(attributes)
        elif tag == "fill" and state["in"] == "fills":
            state["fills"].append(True)
        elif tag == "patternFill" and state["in"] == "fills" and state["fills"]:
            state["fills"][-1] = attributes.get("patternType", "none") == "none"
        elif tag == "fgColor" and state["in"] == "fills" and state["fills"]:
            state["fills"][-1] = state["fills"][-1] or _is_white(attributes)
        elif tag == "gradientFill" and state["in"] == "fills" and state["fills"]:
            state["fills"][-1] = False
        elif tag == "xf" and state["in"] == "cellXfs":
            state["xfs"].append((attributes.get("fontId", "0"), attributes.get("fillId", "0")))

    gate.walk(styles, start)
    fonts = {str(n) for n, white in enumerate(state["fonts"]) if white}
    fills = {str(n) for n, white in enumerate(state["fills"]) if white}
    return frozenset(str(n) for n, (font, fill) in enumerate(state["xfs"]) if font in fonts and fill in fills)


def _is_white(attributes: dict[str, str]) -> bool:
    return (attributes.get("rgb", "").upper().endswith("FFFFFF") or (attributes.get("theme") == "0" and "tint" not in attributes)
            or attributes.get("indexed") in ("1", "9"))


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1
