"""The marked review copy (批注版) of one submitted file: the forms as submitted, every finding at its cell, and two lists in front.

A new workbook is written and nothing is carried over but what is named here: values, styles, merged areas, sizes, print set-up and
the users' notes. So no formula, macro, link, connection, validation or defined name of the submitted file can come along, and the
submitted file itself is never opened for writing. openpyxl is imported inside the functions: ``check`` must start without it.
"""

import io
import os
import re
import warnings
import zipfile
from copy import copy
from datetime import datetime

from perfeval_xl import files, messages
from perfeval_xl.container import directory
from perfeval_xl.messages import MARK, Finding, Refusal
from perfeval_xl.model import Percent, Sheet, column_name
from perfeval_xl.record import Record
from perfeval_xl.review_lists import CONTROL, LOOKS, area_of, frame, line_count, lines_sheet, put, results_sheet, set_page, style_cell, wide, word

_DAY = datetime(2020, 1, 1)
#: beyond these openpyxl may take minutes and gigabytes (a single merged area of whole columns does); such a file is redrawn from its grid
_BYTES, _CELLS, _AREA = 32_000_000, 300_000, 200_000


def name_for(path: str, taken: frozenset[str] | set[str] = frozenset()) -> str:
    """File name of the review copy: ``原名_批注版.xlsx``, numbered if ``taken`` (names already used in the folder) holds it."""
    stem = os.path.splitext(os.path.basename(os.path.normpath(path)))[0]
    stem = stem.encode("utf-8", "replace")[:220].decode("utf-8", "ignore")
    used = {name.casefold() for name in taken}
    names = (f"{stem}_批注版{n if n > 1 else ''}.xlsx" for n in range(1, len(used) + 2))
    return next(name for name in names if name.casefold() not in used)


def write(records: list[Record], path: str, lang: str = "", look: bool = True) -> None:
    """Writes the review copy of one submitted file; ``records`` are all the forms in it, as ``record.check_file`` gives them. ``look``: the
    form looks as it was submitted; else it is drawn anew, and the submitted file is not opened again.

    The copy replaces what stands at ``path`` in one step. A ``path`` that is the submitted file itself (X115), or that cannot be
    written (X116), is refused. The same records give the same bytes.
    """
    if not records:
        raise ValueError("no records")
    lang = messages.language(lang)
    for one in records:
        if _same(one.path, path):
            raise Refusal("X115", file=os.path.basename(path))
    try:
        data = _workbook(records, lang, look)
    except Exception:  # openpyxl raises whatever the submitted parts lead it to; the grid was read and is always good for a copy
        data = _workbook(records, lang, False)
    files.replace(path, data)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.normcase(os.path.realpath(one)) == os.path.normcase(os.path.realpath(other))


def _workbook(records: list[Record], lang: str, keep: bool) -> bytes:
    """The whole copy as bytes; ``keep`` takes the look of the forms from the submitted file, else they are redrawn from their grids."""
    from openpyxl import Workbook

    book = Workbook()
    source = _opened(records[0].data) if keep and any(one.grid for one in records) else None
    if source is not None:
        book.loaded_theme = source.loaded_theme
    taken: set[str] = set()
    titles = [_title(one.grid.name, taken) if one.grid else "" for one in records]
    results, lines = book.active, None
    results.title = _title(word("results", lang), taken)
    if any(one.form for one in records):
        lines = book.create_sheet(_title(word("lines", lang), taken))
    for one, title in zip(records, titles, strict=True):
        if one.grid:
            _form_sheet(book.create_sheet(title), one, source, lang)
    results_sheet(results, records, titles, lang)
    if lines is not None:
        lines_sheet(lines, records, titles, lang)
    book.properties.creator, book.properties.created = "perfeval_xl", _DAY
    stream = io.BytesIO()
    book.save(stream)
    return _dated(stream.getvalue())


def _dated(data: bytes) -> bytes:
    """The same zip with fixed dates, in its entries and in docProps."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            part = old.read(info)
            if info.filename == "docProps/core.xml":
                part = re.sub(rb"(<dcterms:modified[^>]*>)[^<]*", rb"\g<1>" + _DAY.strftime("%Y-%m-%dT%H:%M:%SZ").encode(), part)
            entry = zipfile.ZipInfo(info.filename, (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, part)
    return out.getvalue()


def _title(name: str, taken: set[str]) -> str:
    """A sheet name that Excel takes and that is new: .ods allows longer ones and other characters."""
    base = re.sub(r"[\[\]:*?/\\]", "_", CONTROL.sub("", name)).strip("'")[:31] or "Sheet"
    names = (base if n == 1 else f"{base[: 30 - len(str(n))]} {n}" for n in range(1, len(taken) + 2))
    title = next(one for one in names if one.casefold() not in taken)
    taken.add(title.casefold())
    return title


# ---- the submitted form ----


def _opened(data: bytes):
    """The submitted workbook with its cached values, or None where it is no .xlsx or is better not opened with openpyxl."""
    if not data.startswith(b"PK") or not _harmless(data):
        return None
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of every part that it leaves behind, as it should here
        return load_workbook(io.BytesIO(data), data_only=True, keep_links=False)


def _harmless(data: bytes) -> bool:
    cells = area = 0
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        infos = parts.infolist()
        if "xl/workbook.xml" not in parts.NameToInfo or len(infos) > 1000 or sum(info.file_size for info in infos) > _BYTES:
            return False
        if {(info.filename.replace("\\", "/").lower(), info.header_offset) for info in infos} != {
                (name, part.offset) for name, part in directory(data).items()}:
            return False  # zipfile knows other parts than the gate has looked at
        for info in infos:
            part = parts.read(info)
            if part[:2] in (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<", b"\x4c\x6f") or b"<!DOCTYPE" in part or b"<!ENTITY" in part:
                return False  # in UTF-16 or EBCDIC nothing below would be found
            cells += len(re.findall(rb"<(?:[^\s<>/:]+:)?c[\s/>]", part))
            for raw in re.findall(rb"<(?:[^\s<>/:]+:)?mergeCell\s([^>]*)>", part):
                if (size := _merge_size(raw)) is None:
                    return False
                area += size
    return cells <= _CELLS and area <= _AREA


def _merge_size(raw: bytes) -> int | None:
    from openpyxl.utils import column_index_from_string

    match = re.search(rb"ref=[\"']\$?([A-Z]{1,3})\$?([0-9]{1,7}):\$?([A-Z]{1,3})\$?([0-9]{1,7})[\"']", raw)
    if match is None:
        return None
    left, right = (column_index_from_string(match[n].decode()) for n in (1, 3))
    return max(right - left + 1, 1) * max(int(match[4]) - int(match[2]) + 1, 1)


def _form_sheet(ws, record: Record, source, lang: str) -> None:
    grid = record.grid
    height, width = len(grid.rows) + 50, max(map(len, grid.rows), default=0) + 20
    merges = _merges(grid, height, width)
    for top, left, bottom, right in merges:
        ws.merge_cells(start_row=top + 1, start_column=left + 1, end_row=bottom + 1, end_column=right + 1)
    notes: dict[tuple[int, int], str] = {}
    if source is not None and grid.name in source.sheetnames and hasattr(source[grid.name], "_cells"):
        notes = _copy_cells(source[grid.name], ws, height, width)
        _copy_sizes(source[grid.name], ws, {one.row + 1 for one in record.findings}, {one.column + 1 for one in record.findings}, height)
        _copy_page(source[grid.name], ws)
    else:
        _redraw(ws, grid, merges)
    _mark(ws, record, merges, notes, lang)


def _merges(grid: Sheet, height: int, width: int) -> list[tuple[int, int, int, int]]:
    """The merged areas, cut to the form; one that overlaps another is left out, Excel would ask to repair the file."""
    kept: list[tuple[int, int, int, int]] = []
    for top, left, bottom, right in grid.merged:
        bottom, right = min(bottom, height - 1), min(right, width - 1)
        if (bottom > top or right > left) and bottom >= top and right >= left and not any(
                top <= b and bottom >= t and left <= r and right >= l_ for t, l_, b, r in kept):
            kept.append((top, left, bottom, right))
    return kept


def _copy_cells(source, ws, height: int, width: int) -> dict[tuple[int, int], str]:
    """Values and styles; gives the users' notes, without what an earlier check wrote into them."""
    from openpyxl.cell.cell import MergedCell

    styles: dict = {}
    notes = {}
    for (row, column), old in sorted(source._cells.items()):
        if row > height or column > width:
            continue
        new = ws.cell(row, column)
        if not isinstance(new, MergedCell):
            put(new, getattr(old, "value", None))
        if old.has_style:
            if old._style not in styles:
                for part in ("font", "fill", "border", "alignment", "protection"):
                    setattr(new, part, copy(getattr(old, part)))
                new.number_format = old.number_format
                styles[copy(old._style)] = copy(new._style)
            prefix = new.quotePrefix
            new._style = copy(styles[old._style])
            new.quotePrefix = prefix
        comment = getattr(old, "comment", None)
        if comment is not None and (text := CONTROL.sub("", comment.text or "").split(MARK)[0].rstrip("─ \r\n")):
            notes[row - 1, column - 1] = text
    return notes


def _copy_sizes(source, ws, rows: set[int], columns: set[int], height: int) -> None:
    """Widths and heights; a hidden row or column is shown again where it holds a finding, or the link would lead nowhere."""
    from openpyxl.worksheet.dimensions import ColumnDimension

    for key, old in source.column_dimensions.items():
        hidden = old.hidden and not any(old.min <= column <= old.max for column in columns)
        ws.column_dimensions[key] = ColumnDimension(ws, index=key, width=old.width, min=old.min, max=old.max, hidden=hidden)
    for row, old in source.row_dimensions.items():
        if row <= height:
            ws.row_dimensions[row].height = old.height
            ws.row_dimensions[row].hidden = old.hidden and row not in rows
    for name in ("defaultRowHeight", "defaultColWidth", "baseColWidth", "customHeight"):
        setattr(ws.sheet_format, name, getattr(source.sheet_format, name))
    ws.sheet_view.showGridLines, ws.sheet_view.zoomScale = source.sheet_view.showGridLines, source.sheet_view.zoomScale


def _copy_page(source, ws) -> None:
    for name in ("orientation", "paperSize", "scale", "fitToWidth", "fitToHeight", "pageOrder"):
        setattr(ws.page_setup, name, getattr(source.page_setup, name))
    ws.sheet_properties.pageSetUpPr.fitToPage = bool(source.sheet_properties.pageSetUpPr and source.sheet_properties.pageSetUpPr.fitToPage)
    for name in ("page_margins", "print_options", "HeaderFooter"):
        setattr(ws, name, copy(getattr(source, name)))
    ws.print_title_rows, ws.print_title_cols = source.print_title_rows, source.print_title_cols
    areas = re.findall(r"\$?[A-Z]{1,3}\$?[0-9]+:\$?[A-Z]{1,3}\$?[0-9]+(?=,|$)", str(source.print_area or ""))
    if areas:
        ws.print_area = areas
    if not areas and not ws.sheet_properties.pageSetUpPr.fitToPage and source.page_setup.scale in (None, 100):
        ws.sheet_properties.pageSetUpPr.fitToPage, ws.page_setup.fitToHeight = True, 0  # nobody thought of printing: one page wide


def _redraw(ws, grid: Sheet, merges: list[tuple[int, int, int, int]]) -> None:
    """The form from its grid alone: values, merged areas, plain borders, widths and heights by the text."""
    spans = {(top, left): (bottom, right) for top, left, bottom, right in merges}
    covered = {(row, column) for (top, left), (bottom, right) in spans.items() for row in range(top, bottom + 1)
               for column in range(left, right + 1)} - set(spans)
    columns = max(map(len, grid.rows), default=0)
    widths = [6.0] * columns
    for row, line in enumerate(grid.rows):
        for column, value in enumerate(line):
            bottom, right = spans.get((row, column), (row, column))
            if value not in ("", None) and right == column:
                widths[column] = max(widths[column], min(wide(str(value)) + 2, 26 if bottom - row < 2 else 12))
    for column, width in enumerate(widths):
        ws.column_dimensions[column_name(column)].width = width
    for row, line in enumerate(grid.rows):
        high = 1
        for column, value in enumerate([*line, *[""] * (columns - len(line))]):
            cell = ws.cell(row + 1, column + 1)
            bottom, right = spans.get((row, column), (row, column))
            style_cell(cell, 10 if row else 14, bold=not row, align="left" if isinstance(value, str) and wide(value) > 24 else "center")
            if (row, column) in covered:
                continue
            put(cell, float(value) if isinstance(value, Percent) else value)
            if isinstance(value, Percent):
                cell.number_format = "0.00%"
            if bottom == row:
                high = max(high, line_count(str(value), sum(widths[column : right + 1])) + (row == 0))
        ws.row_dimensions[row + 1].height = min(high * 15 + 4, 409)
    set_page(ws, "portrait")


# ---- marks ----


def _mark(ws, record: Record, merges: list, notes: dict[tuple[int, int], str], lang: str) -> None:
    """Frames, fills and notes; where frames meet the graver one stays."""
    from openpyxl.comments import Comment

    areas: dict[tuple[int, int, int, int], list[Finding]] = {}
    for finding in record.findings:
        if finding.row >= 0:
            areas.setdefault(area_of(merges, finding), []).append(finding)
    worst = {area: min(LOOKS[one.severity] for one in found) for area, found in areas.items()}
    for area, look in sorted(worst.items(), key=lambda pair: -pair[1].rank):
        frame(ws, area, look)
    for area, found in areas.items():
        found = sorted(found, key=lambda one: LOOKS[one.severity].rank)
        ours = "\n".join((MARK, *(messages.on_the_spot(one, lang) for one in found)))
        theirs = notes.get(area[:2])
        notes[area[:2]] = f"{theirs}\n{'─' * 16}\n{ours}" if theirs else ours
    for (row, column), text in sorted(notes.items()):
        cell, text = ws.cell(row + 1, column + 1), CONTROL.sub("", text)[:8000]
        if hasattr(cell, "comment") and type(cell).__name__ == "Cell":
            cell.comment = Comment(text, "perfeval_xl", height=min(24 + 18 * line_count(text, 46), 460), width=340)
