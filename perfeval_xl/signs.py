"""What else is in a submitted workbook: content that acts by itself, and signs that its figures are not what they seem.

Nothing here is ever run or followed; it is only named, so that whoever opens the file next knows. The findings of ``active`` belong to the
workbook and to no cell, those of ``doubts`` to a cell of the form.
"""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from operator import itemgetter

from perfeval_xl.container import unpack
from perfeval_xl.gate import Package, usual
from perfeval_xl.looks import Look, Rule, reaches_out
from perfeval_xl.messages import Finding
from perfeval_xl.model import Entry, Sheet, Submission, cell_name, column_number
from perfeval_xl.patterns import Pattern
from perfeval_xl.scoring import Scorecard
from perfeval_xl.xlsx import RELATION, attributes, unescape

#: beginning of a part's name -> the code that says so
_PARTS = (("xl/macrosheets/", "X402"), ("xl/intlmacrosheets/", "X402"), ("xl/externallinks/externallink", "X403"), ("xl/embeddings/", "X405"),
          ("xl/activex/", "X405"), ("xl/connections.xml", "X406"), ("xl/querytables/", "X406"), ("xl/webextensions/", "X406"),
          ("customui/", "X407"), ("basic/", "X401"), ("scripts/", "X401"))
_BEGINNINGS = tuple(begin for begin, _ in _PARTS)
#: a form with buttons as this tool makes it holds these modules and one for each sheet
_OUR_MODULES = (r"(?:perfeval_buttons|perfeval_ribbon|xlwings|xlwings_udfs|dictionary|thisworkbook|sheet\d+|dir|project(?:wm)?|_vba_project"
                          r"|__srp_\w+)")
_LINK = rb"<(?:\w+:)?(?:ddeLink|oleLink)\b"
#: last word of a relation's type -> the code: whatever a part is called, it is what the relation says
_TYPES = {"vbaproject": "X401", "xlmacrosheet": "X402", "xlintlmacrosheet": "X402", "externallink": "X403", "externallinkpath": "X403",
          "oleobject": "X405", "package": "X405", "control": "X405", "activexcontrolbinary": "X405", "connections": "X406", "querytable": "X406",
          "webextension": "X406", "webextensiontaskpanes": "X406", "extensibility": "X407"}
#: names by which a workbook starts a macro when it is opened or closed, and the texts of all names
_STARTS = Pattern(rb'\bname="(?:_xlnm\.)?(auto_(?:open|close|activate|deactivate))', re.IGNORECASE)
_DEFINED = Pattern(rb"<(?:\w+:)?definedName\b([^>]*)>([^<]*)<")


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
    links = []
    for name in package.parts:
        if name.endswith(".rels"):
            for code, target, outside in _relations(*package.packed(name)):
                codes[code] = target if outside else codes.get(code, target)
                links += [target.lower()] if code == "X403" else []
        elif name.startswith(_BEGINNINGS):
            for begin, code in _PARTS:
                if name.startswith(begin):
                    codes.setdefault(code, name.rpartition("/")[2])
    for name in package.parts if links or "X403" in codes else ():
        if (name.startswith("xl/externallinks/") or name.rpartition("/")[2] in links) and re.search(_LINK, package.part(name)):
            codes["X404"] = name.rpartition("/")[2]
    for code, what in _named(*package.packed("xl/workbook.xml")):
        codes.setdefault(code, what)
    if ours:  # our forms bring macros and buttons
        codes.pop("X401", None)
        codes.pop("X407", None)
    return [Finding(code, "".join(one if one.isprintable() else " " for one in what[:60])) for code, what in sorted(codes.items())]


@lru_cache(maxsize=256)
def _relations(*packed: object) -> tuple[tuple[str, str, bool], ...]:
    """(code, last part of the target, does it lead out of the file?) of the relations of one part that act or lead out: data and pictures from
    elsewhere, and links for a click where they lead to a file."""
    found = []
    for raw in RELATION.findall(usual(unpack(*packed))):
        one = {name.decode().lower(): value for name, value in attributes(raw).items()}
        kind, target = re.split("[/]", one.get("type", ""))[-1].lower(), one.get("target", "")
        outside = one.get("targetmode", "").lower() == "external"
        label = re.split(r"[/\\]", target)[-1] or target
        if outside and (kind != "hyperlink" or re.match(r"file:|\\\\|//", target, re.IGNORECASE)):
            found.append(("X403", label, True))
        elif kind in _TYPES:
            found.append((_TYPES[kind], label, False))
    return tuple(found)


@lru_cache(maxsize=64)
def _named(*packed: object) -> tuple[tuple[str, str], ...]:
    """(code, name) of the defined names of a workbook that start macros, or that call something outside."""
    xml = unpack(*packed)
    if b"definedName" not in xml:
        return ()
    found = []
    for raw, text in _DEFINED.findall(usual(xml)):
        if b"auto_" in raw.lower() and (match := _STARTS.search(raw)):
            found.append(("X402", match[1].decode()))
        if reaches_out(unescape(text.decode("utf-8", "replace"))):
            found.append(("X404", attributes(raw).get(b"name", "")))
    return tuple(found)


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


def doubts(look: Look, sheet: Sheet, form: Submission, card: Scorecard) -> list[Finding]:
    """Scores in hidden rows and columns, figures that nobody can read or that show as others, scores typed where the other rows have a
    formula, and a formula that reaches out of the workbook."""
    found = []
    if look.rows or look.columns:
        scores = _filled([row.score for row in (*form.indicators, *form.funds)] + list(form.totals))
        found += _listed("X411", [entry for entry in scores if entry.row in look.rows])
        found += _listed("X412", [entry for entry in scores if entry.column in look.columns and entry.row not in look.rows])
    covering = _covering(sheet.rows, sheet.merged) if sheet.rows else []
    if covering or look.unseen or look.other or look.rules:
        figures = _figures(form)
        covered = _covered(covering, figures)
        found += _listed("X413", [entry for entry in figures if (entry.row, entry.column) in look.unseen or entry in covered
                                  or any(_applies(rule, entry) for rule in look.rules)])
        found += _listed("X415", [entry for entry in figures if (entry.row, entry.column) in look.other])
    if look.formulas:
        found += _typed(look.formulas, form, card)
    if look.out:
        found.append(Finding("X404", cell_name(*look.out) if look.out[0] >= 0 else "", row=look.out[0], column=look.out[1]))
    return found


def _covering(rows: list[list], merged: tuple) -> list[tuple[int, int, int, int]]:
    """The merged areas that hold anything but their first cell."""
    full = {row for row, under, count in _under(merged, len(rows), len(rows[0])) if under(rows[row]).count("") != count}
    if not full:
        return []
    return [area for area in merged if any(row in full and _holds_more(rows, row, area) for row in range(area[0], min(area[2] + 1, len(rows))))]


@lru_cache(maxsize=256)
def _under(merged: tuple, height: int, width: int) -> list[tuple[int, Callable[[list], tuple], int]]:
    """The cells under merged areas: (row, what takes them out of it, how many). Remembered: the forms of a district are merged alike."""
    under: dict[int, list[int]] = {}
    for top, left, bottom, right in merged:
        for row in range(top, min(bottom + 1, height)):
            under.setdefault(row, []).extend(range(left + (row == top), min(right + 1, width)))
    return [(row, itemgetter(*columns, columns[0]), len(columns) + 1) for row, columns in under.items() if columns]


def _holds_more(rows: list[list], row: int, area: tuple[int, int, int, int]) -> bool:
    """Whether a row of a merged area holds anything but the area's first cell."""
    top, left, _, right = area
    return any(value != "" for value in rows[row][left + (row == top) : right + 1])


def _filled(entries: Iterable[Entry | None]) -> list[Entry]:
    return [entry for entry in entries if entry is not None and entry.row >= 0 and entry.number is not None]


def _figures(form: Submission) -> list[Entry]:
    """Every figure that the form is judged by: scores, results, amounts, totals."""
    stated = [row.actual_entry for row in form.indicators]
    return _filled([entry for row in form.indicators for entry in (row.score, row.weight)]
                   + [entry for row in form.funds for entry in (row.initial, row.adjusted, row.executed, row.score)] + list(form.totals)) + [
        entry for entry in stated if entry is not None and entry.row >= 0 and entry.text]


def _covered(merged: list[tuple[int, int, int, int]], figures: list[Entry]) -> list[Entry]:
    """The figures that stand under a merged cell, where only its first cell shows."""
    columns = {entry.column for entry in figures}
    areas = [area for area in merged if any(area[1] <= column <= area[3] for column in columns)]
    return [entry for entry in figures for top, left, bottom, right in areas
            if top <= entry.row <= bottom and left <= entry.column <= right and (entry.row, entry.column) != (top, left) and not entry.covered]


def _listed(code: str, entries: list[Entry]) -> list[Finding]:
    if not entries:
        return []
    names = "、".join(cell_name(entry.row, entry.column) for entry in entries[:5]) + ("…" if len(entries) > 5 else "")
    return [Finding(code, names, str(len(entries)), None, entries[0].row, entries[0].column)]


_COMPARED = {"equal": lambda a, b: a == b, "notEqual": lambda a, b: a != b, "greaterThan": lambda a, b: a > b, "lessThan": lambda a, b: a < b,
             "greaterThanOrEqual": lambda a, b: a >= b, "lessThanOrEqual": lambda a, b: a <= b}


def _applies(rule: Rule, entry: Entry) -> bool:
    """Whether a conditional format hides a figure, as far as it can be told without a spreadsheet: comparisons with plain numbers, and
    conditions that always hold."""
    if not any(top <= entry.row <= bottom and left <= entry.column <= right for top, left, bottom, right in _areas(rule.areas)):
        return False
    numbers = [Decimal(text) if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", text.strip()) else None for text in rule.formulas]
    if rule.kind == "expression":
        return bool(numbers) and (rule.formulas[0].strip().upper() in ("TRUE", "TRUE()") or bool(numbers[0]))
    if rule.kind != "cellIs" or not numbers or None in numbers:
        return rule.kind == "notContainsBlanks"
    if entry.number is None:
        return False
    if rule.operator in ("between", "notBetween") and len(numbers) > 1:
        return (min(numbers[:2]) <= entry.number <= max(numbers[:2])) == (rule.operator == "between")
    return rule.operator in _COMPARED and _COMPARED[rule.operator](entry.number, numbers[0])


@lru_cache(maxsize=64)
def _areas(text: str) -> tuple[tuple[int, int, int, int], ...]:
    found = []
    for match in re.finditer(r"\$?([A-Z]{1,3})\$?([0-9]{1,7})(?::\$?([A-Z]{1,3})\$?([0-9]{1,7}))?", text[:10_000]):
        left, top = column_number(match[1]), int(match[2]) - 1
        found.append((top, left, int(match[4]) - 1 if match[4] else top, column_number(match[3]) if match[3] else left))
    return tuple(found)


def _typed(formulas: frozenset[tuple[int, int]], form: Submission, card: Scorecard) -> list[Finding]:
    """Scores that the rule gives and that are typed, where most of such rows, and at least three, have a formula."""
    entries = [row.score for row, result in zip(form.indicators, card.rows, strict=True) if result.score is not None and row.score is not None]
    entries = [entry for entry in entries if entry.row >= 0 and entry.number is not None]
    typed = [entry for entry in entries if (entry.row, entry.column) not in formulas]
    if len(entries) - len(typed) < 3 or len(typed) * 2 > len(entries):
        return []
    return [Finding("X414", cell_name(entry.row, entry.column), entry.text, None, entry.row, entry.column) for entry in typed]
