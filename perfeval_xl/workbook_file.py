"""The whole workbook: the form among its sheets, with the macros (.xlsm) or without (.xlsx), as one file whose bytes are always the same."""

import io
import os
import re
import zipfile

from perfeval_xl import files, form_sheet, formulas, sheets, vba
from perfeval_xl.beside import prepare
from perfeval_xl.edition import Edition, editions
from perfeval_xl.messages import Refusal
from perfeval_xl.patterns import Pattern
from perfeval_xl.template import Filling, Plan, blank, new_workbook

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "workbook")
#: Excel recalculates what an older calculation engine saved; without Python every worksheet function would then turn into an error
ENGINE = 191029
#: pixels: width and height of a button, space between two of them, buttons side by side
_BUTTON, _GAP, _ACROSS = (124, 28), 8, 4
#: a formula whose result is a blank text: XlsxWriter leaves its type out, and readers take the result for missing. With its type LibreOffice
#: still does, works the cell out without Python, and shows an error; a blank it believes. Native formulas it may work out
_BLANK_RESULT = Pattern(rb'<c (r="([A-Z]+)[0-9]+"(?: s="[0-9]+")?)>(<f>[^<]*</f>)<v></v></c>')
_BLANK = {True: rb'<c \1 t="str">\3<v xml:space="preserve"> </v></c>', False: rb'<c \1 t="str">\3<v></v></c>'}


def build(path: str, edition: Edition, filling: Filling | None = None, macros: bool = True) -> None:
    """Writes the workbook of an edition, blank without a filling, in one step; what stands at ``path`` is replaced.

    macros: computed cells hold the worksheet functions beside their values, and there are the buttons with the sheets they need; else
    native formulas, and a hidden sheet with the lists they look into.
    The same edition and filling give the same bytes. Raises Refusal X116 where ``path`` cannot be written, X712 without the excel extra.
    """
    files.replace(path, content(edition, filling, macros))


def content(edition: Edition, filling: Filling | None = None, macros: bool = True) -> bytes:
    """The workbook as bytes; see ``build``."""
    plan, computed = prepare(edition, filling)
    if not macros:
        plan, computed = formulas.native(plan, computed, edition)
    stream = io.BytesIO()
    with new_workbook(stream, use_future_functions=macros) as workbook:
        sheets.guide(workbook, edition, macros)
        form = form_sheet.write(workbook, edition, plan, computed, macros)
        if macros:
            sheets.results(workbook)
        sheets.rules(workbook, edition, () if macros else formulas.described(plan))
        sheets.indicators(workbook, edition)
        if not macros:
            sheets.calculation(workbook, formulas.SHEET, formulas.lists())
        if macros:
            sheets.configuration(workbook)
            sheets.state(workbook)
        if filling is not None and any(row.get("actual") for row in filling.indicators):
            form.activate()  # who opens a blank form reads the guide first
        if macros:
            _add_buttons(form, plan)
            workbook.add_vba_project(io.BytesIO(vba.project(len(workbook.worksheets()))), is_stream=True)
            workbook.set_calc_mode("auto", ENGINE)
            workbook.calc_on_load = False
    data = _finished(stream.getvalue(), macros)
    return vba.add_ribbon(data) if macros else data


def _add_buttons(form, plan: Plan) -> None:
    """The buttons right of the title, above the columns beside the form."""
    width, height = _BUTTON
    for n, button in enumerate(vba.BUTTONS):
        form.insert_button(0, plan.printed + 1, {
            "macro": button.macro, "caption": button.caption, "description": button.tip, "width": width, "height": height,
            "x_offset": n % _ACROSS * (width + _GAP), "y_offset": 6 + n // _ACROSS * (height + _GAP)})


def _finished(data: bytes, macros: bool) -> bytes:
    """The file with its blank results as texts. Formulas that a column repeats are each written out: LibreOffice 7.4 makes #REF! of shared ones
    when a row among them is deleted."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            part = old.read(info)
            if info.filename.startswith("xl/worksheets/sheet"):
                part = _BLANK_RESULT.sub(_BLANK[macros], part)
            new.writestr(info, part)
    return out.getvalue()


def name_for(edition: Edition) -> str:
    """What the shipped file of an edition is called, without its extension: 上街区部门整体自评表, 项目支出绩效自评表."""
    place = "" if edition.place == "全国" else re.sub(".*[省市](?=.)", "", edition.place)
    return f"{place}{edition.title}"


def build_all() -> list[str]:
    """Writes the blank workbook of every edition into ``workbook/``, with macros and without; gives the paths."""
    paths = []
    for edition in editions().values():
        for extension in (".xlsm", ".xlsx"):
            paths.append(os.path.join(FOLDER, name_for(edition) + extension))
            build(paths[-1], edition, macros=extension == ".xlsm")
    return paths


def new(path: str, edition: Edition, department: str = "", year: int | None = None) -> None:
    """A blank form for a department; the extension decides between macros and none.

    Refuses another extension (X118), a file that is there already (X117), and a place that cannot be written (X116).
    """
    extension = os.path.splitext(path)[1].lower()
    if extension not in (".xlsm", ".xlsx"):
        raise Refusal("X118", file=path)
    if os.path.lexists(path):
        raise Refusal("X117", file=path)
    build(path, edition, blank(edition)._replace(department=department, year=year), extension == ".xlsm")
