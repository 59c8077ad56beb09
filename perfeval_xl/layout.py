"""Grid -> Submission: finds the blocks of a form by their labels and headings, never by a fixed address.

The headings of all editions together are the vocabulary, so that a form is read whichever district printed it; the edition then
says what its parts are called. Nothing here opens a file, and nothing here judges: what a cell says is read, the rules come after.
"""

from decimal import Decimal
from functools import cache, lru_cache
from itertools import takewhile

from perfeval_xl import table as indicator_table
from perfeval_xl.cells import LABEL_LENGTH, Grid, Look, Word, label_and_value, text_entry, vocabulary
from perfeval_xl.edition import DEFAULT, Edition, editions, get, known, plain_label
from perfeval_xl.messages import Finding, Refusal, is_short
from perfeval_xl.model import FORM_VERSION, MONEY, Entry, FundsRow, Sheet, Submission, Task, cell_name
from perfeval_xl.numbers import fold, is_nothing, read_number, tidy
from perfeval_xl.patterns import Pattern
from perfeval_xl.table import Table

_WEIGHT_AND_RULE = Pattern(r"([0-9]{1,3}(?:\.[0-9])?)\s*分?\s*[*×xX✕]\s*(?:预算)?执行率")
_TITLE_YEAR = Pattern(r"(?<![0-9])(20[0-9]{2})(?![0-9])")
_FILE_YEAR = Pattern(r"(?<![0-9])(20[1-3][0-9])(?![0-9])\s*(?:年|部门|单位|项目|绩效|自评|$|[-_. ])")


def recognise(grid: Grid, table: Table, wanted: str = "") -> tuple[Edition, bool, str]:
    """The edition of a form: (edition, recognised, a stamp that is unknown or that the headings contradict).

    The wish of the caller first, then the stamp where the headings do not name another edition, then the headings.
    """
    if wanted:
        return get(wanted), True, ""
    stamp = str(grid.sheet.stamp.get("pe_edition") or "").strip()
    stamped = get(stamp) if stamp in known() else None
    if stamped is not None and _printed(stamp).issubset(grid.look(table.row).labels):
        return stamped, True, ""
    there = set().union(*[look.labels for look in grid.looks(0, table.last + 1)])
    there.update(grid.label(row, table.columns.get("part")) for row in range(table.last + 1, len(grid.lines)))
    fits = [edition for edition in editions().values() if there.issuperset(edition.recognise)]
    if fits:
        best = max(fits, key=lambda edition: len(edition.recognise))
        return best, True, "" if best is stamped else stamp
    return (stamped, True, "") if stamped is not None else (get(DEFAULT), False, stamp)


@cache
def _printed(edition_id: str) -> frozenset[str]:
    """The headings of the indicators as an edition prints them."""
    edition = get(edition_id)
    printed = edition.labels["indicator_columns"] or [column.heading for column in edition.indicator_columns]
    return frozenset(map(plain_label, printed))


def read(sheet: Sheet, wanted: str = "", file: str = "") -> tuple[Submission, list[Finding]] | None:
    """Reads one sheet; None where the sheet holds no form. A form without total, or with two, is refused (L101, L102)."""
    grid = Grid(sheet)
    table = indicator_table.find(grid, file)
    if table is None:
        return None
    edition, recognised, stamp = recognise(grid, table, wanted)
    head = grid.looks(0, table.row)
    by_label: dict[str, list[Word]] = {}
    for look in head:
        for word in look.labelled:
            by_label.setdefault(word[2], []).append(word)
    unit = next((look.unit for look in head if look.unit), edition.unit)
    funds, below_rows = _funds(grid, table.row, unit), range(0)
    if not funds:
        funds, below_rows = _funds_below(grid, table, unit)
    rows = indicator_table.read_rows(grid, table, _part_names(edition.id), below_rows)
    totals, total_weight = _totals(grid, table, rows.totals, by_label, file)
    below = grid.looks(rows.end, len(grid.lines))
    title = next((look.title for look in head if look.title is not None), None)
    years = _years(sheet, title, head, file)
    form = Submission(
        sheet=sheet.name, edition=edition.id, recognised=recognised,
        department=_field("department", grid, by_label, edition), project=_field("project", grid, by_label, edition),
        year=years[0][1] if years else None, years=years, title=title,
        unit=unit, factor=Decimal(1) if unit == "万元" else Decimal("0.0001"),
        funds=funds, total_row=next((row for row in funds if row.role == "total"), None), tasks=_tasks(grid, table.row, unit),
        indicators=rows.indicators,
        parts_stated=rows.parts_stated, totals=totals, total_weight=total_weight, grade=_grade(grid, by_label, below, rows, edition),
        texts=tuple([entry for look in (*head, *below) for entry in look.prose]), columns=frozenset(table.columns),
        subtotals=tuple(rows.subtotals),
    )
    place = {"row": table.row, "column": table.columns["name"]}
    notes = [] if recognised else [Finding("L201", "", **place)]
    if stamp:
        notes.append(Finding("L208" if stamp in known() else "L202", "", stamp, edition.id, **place))
    if outdated := _outdated(sheet, edition, form.year):
        notes.append(Finding("L209", "", *outdated, **place))
    return form, notes


def _outdated(sheet: Sheet, edition: Edition, year: int | None) -> tuple[str, str] | None:
    """What a form of an earlier year or pattern is, and what should have been used for its year; None where it is the present one."""
    newer = [one for one in editions().values()
             if (one.place, one.scope) == (edition.place, edition.scope) and edition.year < one.year <= (year or 0)]
    if newer:
        return edition.id, max(newer, key=lambda one: one.year).id
    stated = str(sheet.stamp.get("pe_form_version") or FORM_VERSION).removesuffix(".0")
    return (f"表样 {stated}", f"表样 {FORM_VERSION}") if stated != str(FORM_VERSION) else None


@cache
def _part_names(edition_id: str) -> dict[str, str]:
    edition = get(edition_id)
    return {plain_label(spelling): part.name for part in edition.parts for spelling in (part.name, *part.also)}


def part_name(text: object, edition_id: str) -> str:
    """A 一级指标 as the edition calls it, from the cell that names it."""
    label = plain_label(str(text))
    return _part_names(edition_id).get(label, label)


# ---- funds and tasks ----


def _funds_below(grid: Grid, table: Table, unit: str) -> tuple[tuple[FundsRow, ...], range]:
    """A funds block that stands below the indicators, and its rows; it ends with its money, because the total may follow at once."""
    for row in range(table.last + 1, len(grid.lines)):
        if len(grid.look(row).funds) >= 3:
            found = _funds(grid, len(grid.lines), unit, row)
            kept = tuple(takewhile(lambda one: any(entry is not None and entry.number is not None for entry in one[2:5]), found))
            if kept:
                ends = [entry.row for entry in kept[-1][2:] if entry is not None]
                return kept, range(row, max(ends) + 1)
    return (), range(0)


def _funds(grid: Grid, before: int, unit: str, after: int = 0) -> tuple[FundsRow, ...]:
    """The funds block: its heading names the executed amount and a budget, and is not the one of the tasks."""
    for row in range(after, before):
        look = grid.look(row)
        if len(found := look.funds) < 2:
            continue
        fields = {field for _, field in found}
        if "executed" in fields and not fields.isdisjoint(("adjusted", "initial")) and grid.words.task_names.isdisjoint(look.labels):
            columns: dict[str, int] = {}
            for column, field in found:
                columns.setdefault(field, column)
            return _funds_rows(grid, row, columns, before, unit)
    return ()


def _funds_rows(grid: Grid, header: int, columns: dict[str, int], before: int, unit: str) -> tuple[FundsRow, ...]:
    rows, seen, first = [], set(), min(columns.values())
    places = [columns.get(field) for field in (*MONEY, "weight", "rate", "score")]
    for row in range(header + 1, before):
        if grid.look(row).opens:
            break
        label, role = _funds_label(grid.lines[row][:first])
        entries = [grid.entry(row, column) for column in places]
        entries[:3] = [_money(entry, unit) for entry in entries[:3]]
        if not role and not any(entry is not None and entry.number is not None for entry in entries[:3]):
            if any(value != "" for value in grid.lines[row]):
                break
            continue
        if role in seen and role in ("total", "own"):
            role = "other"
        seen.add(role := role or "other")
        rows.append(FundsRow(label, role, *entries))
    if "weight" not in columns and "score" in columns and (stated := _weight_in_heading(grid, header, columns["score"])) is not None:
        rows = [row._replace(weight=stated) if row.role == "total" else row for row in rows]
    if rows and "total" not in seen:
        carries = (n for n, row in enumerate(rows) if any(entry is not None and entry.number is not None for entry in (row.weight, row.score)))
        first_scored = next(carries, 0 if len(rows) == 1 else None)
        if first_scored is not None:
            rows[first_scored] = rows[first_scored]._replace(role="total")
    return tuple(rows)


def _weight_in_heading(grid: Grid, row: int, column: int) -> Entry | None:
    """The weight that the heading of the score gives with its rule: 得分（20分*执行率）. Source: 湖北的自评表."""
    heading = grid.value(row, column)
    match = _WEIGHT_AND_RULE.search(fold(heading)) if type(heading) is str else None
    return Entry(match[0], Decimal(match[1]), row, column) if match else None


@lru_cache(maxsize=4096)
def _funds_label(cells: tuple) -> tuple[str, str]:
    """Label and role of a funds row from the cells left of its figures; the one nearest to the figures that is known decides."""
    texts = [value for value in cells if type(value) is str and value.strip()]
    labels = [plain_label(text) for text in texts if len(text) <= LABEL_LENGTH]
    rows = vocabulary().rows
    role = next((rows[label] for label in reversed(labels) if label in rows), "")
    if not role and labels and labels[-1].endswith(("总额", "合计")):
        role = "total"
    return tidy(texts[-1]) if texts else "", role


def _money(entry: Entry | None, unit: str) -> Entry | None:
    """An amount; one that names another unit than the form's is no number of this form (2000元 in a form in 万元)."""
    if entry is None or not entry.unit or entry.unit == unit:
        return entry
    return entry._replace(number=None, problem="text")


def task_rows(grid: Grid, before: int) -> tuple[dict[str, int], range]:
    """Where 年度主要任务 stands above row ``before``: the column of each field and the rows below its heading, blank ones included."""
    row = next((row for row in range(before) if not grid.words.task_names.isdisjoint(grid.look(row).labels)), None)
    if row is None:
        return {}, range(0)
    columns: dict[str, int] = {}
    for column, field in grid.look(row).tasks:
        columns.setdefault(field, column)
    return columns, range(row + 1, next((line for line in range(row + 1, before) if grid.look(line).opens), before))


def _tasks(grid: Grid, before: int, unit: str) -> tuple[Task, ...]:
    tasks = []
    columns, lines = task_rows(grid, before)
    for line in lines:
        place, content = grid.text(line, columns["name"]), grid.text(line, columns.get("content"))
        money = [_money(grid.entry(line, columns.get(field)), unit) for field in ("budget", "executed")] + [grid.entry(line, columns.get("rate"))]
        if not place.text and not any(entry is not None and entry.text for entry in money):
            continue
        short = content is not None and 0 < len(content.text) <= 30
        name = f"{place.text} {content.text}".strip() if short else place.text
        tasks.append(Task(name, place, grid.text(line, columns.get("status")), *money))
    return tuple(tasks)


# ---- totals ----


def _totals(grid: Grid, table: Table, rows: list, by_label: dict[str, list[Word]], file: str) -> tuple[tuple[Entry, ...], Entry | None]:
    """The stated totals, the one of the total row first, and the weight beside it."""
    found = [_total_row(grid, table, row) for row, *_ in rows]
    # 合计 and 自评总分 under each other may say the same; two rows 总分 may not
    if len({label for _, label, _ in rows}) == len(rows) and len({score.number for _, score in found}) == 1:
        found = found[-1:]
    if len(found) > 1:
        raise Refusal("L102", file=file, stated="、".join(f"{cell_name(score.row, score.column)} {score.text}".strip() for _, score in found))
    entries = [score for _, score in found]
    head = _head_total(grid, by_label)
    if head is not None and (head.text or not entries):
        entries = [entry for entry in entries if not entry.blank] + [head]
    if not entries and "actual" in table.columns and table.columns.keys().isdisjoint(("weight", "score")):
        entries = [Entry("", None, table.row, table.columns["name"])]  # 中央转移支付's form has no scores at all
    if not entries:
        raise Refusal("L101", file=file)
    return tuple(entries), found[0][0] if found else None


def _total_row(grid: Grid, table: Table, row: int) -> tuple[Entry | None, Entry]:
    """Weight and total of the total row: in their columns, else the last figures of the row, else behind the label's colon."""
    columns = table.columns
    weight, score = grid.entry(row, columns.get("weight")), grid.entry(row, columns.get("score"))
    if score is not None and (score.text or (weight is not None and weight.text)):
        return weight, score
    numbers = [entry for column, value in enumerate(grid.lines[row]) if value != "" and (entry := grid.entry(row, column)).number is not None]
    if numbers:
        return (numbers[-2] if len(numbers) > 1 else None), numbers[-1]
    for column, value in enumerate(grid.lines[row]):
        if type(value) is str and (inside := label_and_value(value)[1]):
            return None, _figure(inside, row, column)
    return weight, score or Entry("", None, row, columns.get("score", columns["name"]))


def _figure(text: str, row: int, column: int) -> Entry:
    number = read_number(text)
    return Entry(number.text, number.value, row, column, number.unit, number.problem)


def _head_total(grid: Grid, by_label: dict[str, list[Word]]) -> Entry | None:
    """自评得分 in the head of the form, blank where nothing stands beside it; in a heading row it is a column, not a total."""
    blank = None
    for word in (word for label in grid.words.head_totals for word in by_label.get(label, ())):
        row, column, _, value, _ = word
        if len(grid.look(row).funds) >= 3:
            continue
        if value:
            return _figure(value, row, column)
        beside = _beside(grid, word)
        if beside is not None:
            return grid.entry(beside.row, beside.column)
        blank = blank or Entry("", None, row, place_beside(grid, row, column))
    return blank


# ---- labels ----


def place_beside(grid: Grid, row: int, column: int) -> int:
    """The column of the cell right of a label, merged or not."""
    return column + grid.wide.get((row, column), 1)


def _beside(grid: Grid, word: Word) -> Entry | None:
    """What a label labels: the text after its colon, else the next filled cell to the right that is no label itself."""
    row, column, _, value, _ = word
    if value:
        return Entry(tidy(value), None, row, column)
    line = grid.lines[row]
    for right in range(column + 1, len(line)):
        if line[right] != "":
            return None if grid.label(row, right) in grid.words.labels else text_entry(line[right], row, right)
    return None


def _field(key: str, grid: Grid, by_label: dict[str, list[Word]], edition: Edition) -> Entry | None:
    """Department or project: beside the edition's label for it, else beside any known one, else as stamped."""
    for label in _spellings(key, edition.id):
        for word in by_label.get(label, ()):
            if (entry := _beside(grid, word)) is not None and not is_nothing(entry.text):
                return entry
    stamped = str(grid.sheet.stamp.get(f"pe_{key}") or "").strip()
    return Entry(stamped, None, -1, -1) if stamped else None


@cache
def _spellings(key: str, edition_id: str) -> tuple[str, ...]:
    """The labels of a field, those of its edition first."""
    return tuple(dict.fromkeys(map(plain_label, (*get(edition_id).labels[key], *get(DEFAULT).labels[key]))))


def _grade(grid: Grid, by_label: dict[str, list[Word]], below: list[Look], rows: indicator_table.Rows, edition: Edition) -> Entry | None:
    """The grade: beside its label in the head or below the rows, or in the total row itself."""
    spellings = _spellings("grade", edition.id)
    beneath = [word for look in below for word in look.labelled if word[2] in spellings]
    for word in [*(word for label in spellings for word in by_label.get(label, ())), *beneath]:
        if (entry := _beside(grid, word)) is not None and not is_nothing(entry.text) and not is_short(entry.text):
            return entry
    names = _grade_names(edition.id)
    words = [word for row, *_ in rows.totals if row >= rows.end for word in grid.look(row).words]
    return next((text_entry(text, row, column) for row, column, _, _, text in words if text.strip() in names), None)


@cache
def _grade_names(edition_id: str) -> frozenset[str]:
    return frozenset(name for one in get(edition_id).grades for name in (one.name, *one.also))


def _years(sheet: Sheet, title: Entry | None, head: list[Look], file: str) -> tuple[tuple[str, int], ...]:
    """Where a year stands: (place, year), the most binding first: stamp, title, a line such as （2021年度）, file name."""
    years = []
    stamped = str(sheet.stamp.get("pe_year") or "").strip().removesuffix(".0")
    if stamped.isascii() and stamped.isdigit():
        years.append(("pe_year", int(stamped)))
    if title is not None and (match := _TITLE_YEAR.search(fold(title.text))):
        years.append((cell_name(title.row, title.column), int(match[1])))
    top = title.row if title is not None else next((row for row, look in enumerate(head) if look.words), 0)
    for row, look in enumerate(head[: top + 7]):
        years += [(cell_name(row, column), year) for column, year in look.years if title is None or (row, column) != (title.row, title.column)]
    if match := _FILE_YEAR.search(file):
        years.append((file, int(match[1])))
    return tuple(years)
