"""The sheet 汇总表 of the district workbook: one row for each department, then totals and means that follow the filter."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any

from perfeval_xl import messages
from perfeval_xl.district import District, Line, stated_grade
from perfeval_xl.district_book import BAND, Book, Place, title
from perfeval_xl.district_lists import Column
from perfeval_xl.drafts import NUMBER, Formula
from perfeval_xl.edition import get
from perfeval_xl.long_list import LongList
from perfeval_xl.model import column_name
from perfeval_xl.numbers import half_up
from perfeval_xl.review_lists import LOOKS

_WORDS = messages.Words(
    {
        "rank": ("名次", "Rank"),
        "department": ("部门（单位）", "Department"),
        "project": ("项目", "Project"),
        "initial": ("年初预算数", "Initial"),
        "adjusted": ("全年预算数", "Adjusted"),
        "executed": ("全年执行数", "Executed"),
        "rate": ("执行率％", "Rate %"),
        "stated": ("自评总分", "Total stated"),
        "total": ("重算总分", "Recomputed"),
        "gap": ("差", "Gap"),
        "grade_stated": ("自评等级", "Grade stated"),
        "grade": ("重算等级", "Recomputed grade"),
        "error": ("错误", "Errors"),
        "warning": ("提醒", "Warnings"),
        "note": ("提示", "Notes"),
        "sum": ("合计／平均", "Sum / mean"),
        "government": ("其中：财政拨款", "Government"),
        "special_account": ("财政专户", "Special account"),
        "own": ("自有资金", "Own funds"),
        "carry_over": ("上年结转", "Carried over"),
        "other": ("其他资金", "Other funds"),
        "basic": ("基本支出", "Basic"),
        "project_funds": ("项目支出", "Project"),
        "part": ("{name}得分", "{name}"),
        "money": ("金额单位：万元；合计和平均随筛选变化。重算为本工具按自评表自身的数据和评分规则计算的结果。", "Amounts in 万元; totals and averages follow the filter. Recomputed from the forms' own figures under their rules."),
        "summary": ("汇总表", "Summary"),
    }
)
say = _WORDS.say


def part_names(district: District) -> list[str]:
    """The parts that the counted forms carry, in the order of their editions."""
    there = {part[0] for line in district.counted for part in line.form.parts}
    editions = sorted({line.form.edition for line in district.counted if line.form.edition})
    known = dict.fromkeys(part.name for edition in editions for part in get(edition).parts if part.name in there)
    return [*known, *sorted(there - set(known))]


#: sources of funds and uses of money that have a column of their own where a form has them
ROLES = ("government", "special_account", "own", "carry_over", "other", "basic", "project")
MONEY, JUDGED, COUNTS = ("initial", "adjusted", "executed"), ("stated", "total", "gap", "grade_stated", "grade"), ("error", "warning", "note")
_WIDTHS = {"rank": (6, "whole"), "department": (26, "wrap"), "project": (22, "wrap"), "rate": (8.5, "rate"), "stated": (8.5, "score"),
           "total": (8.5, "score"), "gap": (7.5, "gap"), "grade_stated": (6, "centre"), "grade": (6, "centre")}


def column(key: str) -> Column:
    """The column of a key: rank, department, project, of ``MONEY``, ``JUDGED`` and ``COUNTS``, rate, ``role ...`` and ``part ...``."""
    kind, _, name = key.partition(" ")
    if kind == "role":
        return Column(say("project_funds" if name == "project" else name), 12.5, "money")
    if kind == "part":
        return Column(say("part", name=name), 9.5, "score")
    if key in MONEY:
        return Column(say(key), 12.5, "money")
    return Column(say(key), *_WIDTHS.get(key, (5.5, "whole")))


def _keys(district: District) -> list[str]:
    """The columns that the departments of a run need."""
    counted = district.counted
    there = {row[1] for line in counted for row in line.form.funds if row[3]}
    roles = [role for role in ROLES if role in there]
    project = ["project"] if any(line.form.project for line in counted) else []
    return ["rank", "department", *project, *MONEY, *(f"role {role}" for role in roles), "rate", *(f"part {name}" for name in part_names(district)),
            *JUDGED, *COUNTS]


def rows(district: District) -> Iterator[dict[str, Any]]:
    """For each department its values by key, without formulas; what it has not is not in it, or None."""
    for line, rank in zip(district.counted, _ranks(district.counted), strict=True):
        yield _values(line, district.name(line), rank)


def sheet(book: Book, district: District) -> LongList:
    """The sheet, with its headings."""
    return book.sheet(say("summary"), title(district, say("summary")), say("money"), [column(key) for key in _keys(district)], 2)


def write(sheet: LongList, book: Book, district: District) -> Place:
    """One row for each department, then the totals; gives the place of its columns."""
    keys, counted = _keys(district), district.counted
    columns = [column(key) for key in keys]
    letters = {key: column_name(n) for n, key in enumerate(keys)}
    place = Place(say("summary"), 4, max(3 + len(counted), 4), letters)
    formulas, table = _formulas(letters, place.range("total").rpartition("!")[2]), []
    for values in rows(district):
        values |= {key: Formula(text, values.get(key)) for key, text in formulas.items()}
        table.append([values.get(key) for key in keys])
        sheet.add(table[-1])
    if table:
        sheet.add(_totals(table, keys, place), sheet.draft([book.look(column.look, bold=True, bg_color=BAND) for column in columns]))
        sheet.complete()
        sheet.autofilter(2, 0, place.last - 1, len(columns) - 1)
        colour(book, sheet, place)
    return place


def _ranks(counted: Sequence[Line]) -> list[int | None]:
    """1 for the highest recomputed total; equal totals share a rank. None where no total could be computed."""
    totals = sorted((line.form.total for line in counted if line.form.total is not None), reverse=True)
    first = {total: n + 1 for n, total in reversed(list(enumerate(totals)))}
    return [first.get(line.form.total) if line.form.total is not None else None for line in counted]


def _values(line: Line, name: str, rank: int | None) -> dict[str, Any]:
    form, whole = line.form, line.form.funds_total
    money = dict(zip(MONEY, whole[2:5] if whole else (None,) * 3, strict=True))
    values = {"rank": rank, "department": name, "project": form.project, **money, "rate": _rate(money), "stated": form.total_stated,
              "total": form.total, "grade_stated": stated_grade(form), "grade": form.grade, **dict(zip(COUNTS, form.counts, strict=True))}
    for part, _, score in form.parts:
        values[f"part {part}"] = score
    if form.total is not None and form.total_stated is not None:
        values["gap"] = float(exact(form.total) - exact(form.total_stated))
    sums: dict[str, float | Decimal] = {}
    for row in form.funds:
        key, adjusted = f"role {row[1]}", row[3]
        if adjusted is not None:
            sums[key] = exact(sums[key]) + exact(adjusted) if key in sums else adjusted
    for key, amount in sums.items():
        values[key] = float(amount)
    return values


def _formulas(letters: dict[str, str], totals: str) -> dict[str, str]:
    """What is worked out from the other columns of the same row, as formulas; ``totals`` is the area of all totals."""
    stated, total, adjusted, executed = [f"{letters[key]}{NUMBER}" for key in ("stated", "total", "adjusted", "executed")]
    return {"rank": f'IF({total}="","",RANK({total},{totals}))',
            "rate": f'IF(N({adjusted})=0,"",ROUND({executed}/{adjusted}*100,2))',
            "gap": f'IF(OR({stated}="",{total}=""),"",ROUND({total}-{stated},2))'}


def _rate(money: dict) -> float | None:
    adjusted, executed = exact(money["adjusted"]), exact(money["executed"])
    return None if not adjusted else float(half_up(executed / adjusted * 100, 2))


@lru_cache(maxsize=8192)
def exact(value: float | Decimal | None) -> Decimal:
    """A figure as the lists hold it; nothing counts as zero."""
    return Decimal(0) if value is None else Decimal(str(value))


def _totals(table: list[list], keys: list[str], place: Place) -> list:
    """Sums of money and findings, means of scores, the rate of all money: formulas that follow the filter, with their present values."""
    row, values = place.last + 1, []
    columns = {key: [one.value if type(one) is Formula else one for one in column]
               for key, column in zip(keys, zip(*table, strict=True), strict=True)}
    for key, column in columns.items():
        area = f"{place.letters[key]}{place.first}:{place.letters[key]}{place.last}"
        figures = [exact(one) for one in column if isinstance(one, (int, float))]
        if key == "department":
            values.append(say("sum"))
        elif key == "rate":
            sums = {name: sum(map(exact, columns[name]), Decimal(0)) for name in ("adjusted", "executed")}
            values.append(
                Formula(
                    f'IF(N({place.letters["adjusted"]}{row})=0,"",ROUND({place.letters["executed"]}{row}/{place.letters["adjusted"]}{row}*100,2))',
                    _rate(sums),
                )
            )
        elif not figures or key == "rank":
            values.append(None)
        elif key in ("initial", "adjusted", "executed", "error", "warning", "note") or key.startswith("role "):
            values.append(Formula(f"SUBTOTAL(9,{area})", _number(sum(figures, Decimal(0)))))
        else:
            values.append(
                Formula(f'IF(SUBTOTAL(2,{area})=0,"",ROUND(SUBTOTAL(1,{area}),2))', _number(half_up(sum(figures, Decimal(0)) / len(figures), 2)))
            )
    return values


def _number(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)


def colour(book: Book, sheet: LongList, place: Place) -> None:
    """What is to be looked at first: errors, gaps, grades that changed; a bar behind the execution rate would not survive WPS, so a colour."""
    red, amber = (
        book.workbook.add_format({"bg_color": f"#{LOOKS[one].fill}", "font_color": colour})
        for one, colour in (("error", "#9C0006"), ("warning", "#7F4A00"))
    )
    first, last, at = place.first, place.last, place.letters
    for key, rule, look in (
        ("error", f"N({at['error']}{first})>0", red),
        ("gap", f"N({at['gap']}{first})<>0", amber),
        ("rate", f"AND(ISNUMBER({at['rate']}{first}),{at['rate']}{first}<80)", amber),
        ("grade", f'AND({at["grade"]}{first}<>"",{at["grade_stated"]}{first}<>"",{at["grade"]}{first}<>{at["grade_stated"]}{first})', red),
    ):
        sheet.conditional_format(f"{at[key]}{first}:{at[key]}{last}", {"type": "formula", "criteria": f"={rule}", "format": look})
