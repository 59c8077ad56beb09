"""The columns beside the printed form: 人工评分, 参考数 and 状态, and every computed cell of the sheet with its value and its formula.

Nothing beside the form is read as part of it. 参考数 holds native formulas, so that the sums of the weights and what the funds block says
about the standard indicators are there without Python.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from perfeval_xl import layout
from perfeval_xl.compare import HUNDRED, ZERO
from perfeval_xl.computed import HAND, STATE, Computed, cells
from perfeval_xl.edition import Edition
from perfeval_xl.model import MONEY, cell_name, column_name
from perfeval_xl.numbers import half_up, plain, read_number
from perfeval_xl.template import Box, Filling, Plan, as_sheet, blank, lay_out

HELP = "参考数"
#: from the form to the right: field, heading with its explanation, width in characters
COLUMNS = (("gap", "", 2.0), ("hand", f"{HAND}（规则评不了时）", 21.0), ("help", f"{HELP}（按资金和分值）", 19.5),
           ("state", f"{STATE}（有字请照着改）", 48.0))
#: standard indicators that follow from the funds block: role -> (words around the rate, the base, the amount as a formula and as a function)
_FOLLOWS = {
    "execution_rate": ("按资金 {}%", "adjusted", "{executed}", lambda initial, adjusted, executed: executed),
    "adjustment_rate": ("净调整 {}%", "initial", "ABS({adjusted}-{initial})", lambda initial, adjusted, executed: abs(adjusted - initial)),
    "carry_over_rate": ("最多 {}%", "adjusted", "MAX({adjusted}-{executed},0)", lambda initial, adjusted, executed: max(adjusted - executed, ZERO)),
}


def prepare(edition: Edition, filling: Filling | None = None) -> tuple[Plan, list[Computed]]:
    """The plan of the form with its columns beside it, and every computed cell with its value and its formula.

    Scores in the filling are not believed: they are worked out. One that no rule decides goes to 人工评分.
    """
    plan = _with_columns(lay_out(edition, blank(edition) if filling is None else filling))
    stated = {box.top: read_number(box.value).value for box in plan.boxes if (box.block, box.field) == ("indicators", "score")}
    plan = plan._replace(boxes=tuple(box._replace(value="") if box.kind == "computed" else box for box in plan.boxes))
    undecided = {one.row for one in _work_out(plan, edition) if (one.block, one.field) == ("indicators", "score") and isinstance(one.value, str)}
    by_hand = {row: points for row, points in stated.items() if row in undecided}
    plan = plan._replace(boxes=tuple(box._replace(value=by_hand.get(box.top)) if box.field == "hand" else box for box in plan.boxes))
    worked = _work_out(plan, edition)
    computed = [*worked, *_sums(plan, edition), *_followed(plan, edition), *_refusals(plan, worked)]
    places = {(one.row, one.column) for one in computed}
    return plan._replace(boxes=tuple(box for box in plan.boxes if box.field != "help" or box[:2] in places)), computed


def _work_out(plan: Plan, edition: Edition) -> list[Computed]:
    sheet = as_sheet(plan, edition)
    form, _ = layout.read(sheet, edition.id)
    return cells(form, sheet)


def _with_columns(plan: Plan) -> Plan:
    """Headings beside the heading of the indicators, three cells beside each of them, and 状态 beside every other row that computes something."""
    column = {field: plan.printed + n for n, (field, *_) in enumerate(COLUMNS)}
    boxes = [Box(plan.header, column[field], plan.header, column[field], "label", "beside", 0, "heading", heading)
             for field, heading, _ in COLUMNS if heading]
    top, _, bottom, _ = plan.names["pe_indicators"]
    cells = [(row, field) for row in range(top, bottom + 1) for field in ("hand", "help", "state")]
    first, _, last, _ = plan.names["pe_funds"]
    total = plan.names["pe_total"][0]
    cells += [(row, "refusal") for row in (*range(first, last + 1), total)]
    cells += [(total, "sum")] if total > bottom else []
    column |= {"refusal": column["state"], "sum": column["help"]}
    boxes += [Box(row, column[field], row, column[field], "input" if field == "hand" else "computed", "beside", row, field) for row, field in cells]
    return plan._replace(boxes=(*plan.boxes, *boxes), widths=(*plan.widths, *(width for *_, width in COLUMNS)))


def column_of(plan: Plan, block: str, field: str) -> int | None:
    """The column in which a block has a field, None where it has none."""
    return next((box.left for box in plan.boxes if (box.block, box.field) == (block, field)), None)


class PartRows(NamedTuple):
    """A 一级指标: its first and last row on the sheet, and its prescribed weight."""

    first: int
    last: int
    weight: Decimal | None


def parts(plan: Plan, edition: Edition) -> list[PartRows]:
    """The parts of the form as they stand on the sheet."""
    weights = {part.name: part.weight for part in edition.parts}
    return [PartRows(box.top, box.bottom, weights.get(str(box.value).split("\n")[0]))
            for box in plan.boxes if (box.block, box.field) == ("indicators", "part")]


def _sums(plan: Plan, edition: Edition) -> list[Computed]:
    """分值 30 / 30 ✓: the weights of each part, and of the whole form, against what they should add up to."""
    column, help_column = column_of(plan, "indicators", "weight"), column_of(plan, "beside", "help")
    done = []
    for part in parts(plan, edition):
        summed, formula = _sum(plan, column, part.first, part.last)
        done.append(Computed(part.first, help_column, "beside", "help", *_against(summed, formula, part.weight, edition.parts_binding)))
    where = next((box for box in plan.boxes if (box.block, box.field) == ("beside", "sum")), None)
    if where is not None:
        top, _, bottom, _ = plan.names["pe_indicators"]
        funds = plan.names["pe_funds"][0], column_of(plan, "funds", "weight")
        summed, formula = _sum(plan, column, top, bottom)
        weight = next((read_number(box.value).value for box in plan.boxes if box[:2] == funds), None)
        done.append(Computed(where.top, where.left, "beside", "sum", *_against(
            summed + (weight or ZERO), f"{formula}+N({cell_name(*funds)})", HUNDRED, True)))
    return done


def _sum(plan: Plan, column: int, first: int, last: int) -> tuple[Decimal, str]:
    """A column added up to the row before the next block: rows that are inserted last count as well, and above the first row of all."""
    figures = [read_number(box.value).value for box in plan.boxes if box.block == "indicators" and box.left == column and first <= box.top <= last]
    letter = column_name(column)
    begin = plan.header if first == plan.names["pe_indicators"][0] else first
    formula = f"SUM({cell_name(begin, column)}:INDEX({letter}:{letter},ROW({cell_name(last + 1, column)})-1))"
    return sum((figure for figure in figures if figure is not None), ZERO), formula


def _against(summed: Decimal, formula: str, wanted: Decimal | None, binding: bool) -> tuple[str, str]:
    """The sum in words, with a mark where the edition prescribes it, and the formula that gives these words."""
    summed, formula = half_up(summed, 2), f"ROUND({formula},2)"
    if wanted is None or not binding:
        tail = "" if wanted is None else f"（通常 {plain(wanted)}）"
        return f"分值 {plain(summed)}{tail}", f'="分值 "&{formula}&"{tail}"'
    shown = f'="分值 "&{formula}&" / {plain(wanted)} "&IF({formula}={plain(wanted)},"✓","✗")'
    return f"分值 {plain(summed)} / {plain(wanted)} {'✓' if summed == wanted else '✗'}", shown


def _followed(plan: Plan, edition: Edition) -> list[Computed]:
    """What the funds block says about 预算执行率, the least 预算调整率 and the most 结转结余率, beside these indicators."""
    roles = {row.name: row.role for row in edition.tree if row.role in _FOLLOWS}
    taken, row, column = {part.first for part in parts(plan, edition)}, plan.names["pe_funds"][0], column_of(plan, "beside", "help")
    money = {box.field: box for box in plan.boxes if box.block == "funds" and box.top == row and box.field in MONEY}
    return [Computed(box.top, column, "beside", "help", *_quotient(money, *_FOLLOWS[roles[str(box.value)]]))
            for box in plan.boxes if (box.block, box.field) == ("indicators", "name") and str(box.value) in roles and box.top not in taken]


def _quotient(money: dict[str, Box], words: str, base: str, divided: str, amount: Callable[..., Decimal]) -> tuple[str, str]:
    """A rate of the funds block in words, "" until the amounts are filled in, and the formula that gives these words."""
    at = {field: cell_name(box.top, box.left) for field, box in money.items()}
    before, after = words.split("{}")
    formula = (f'=IF(AND(COUNT({",".join(at.values())})={len(at)},N({at[base]})>0),'
               f'"{before}"&TEXT(ROUND({divided.format(**at)}/{at[base]}*100,2),"0.00")&"{after}","")')
    given = {field: read_number(box.value).value for field, box in money.items()}
    if None in given.values() or given[base] <= 0:
        return "", formula
    return words.format(plain(half_up(amount(**given) / given[base] * HUNDRED, 2), 2)), formula


def _refusals(plan: Plan, worked: list[Computed]) -> list[Computed]:
    """What keeps a rate, a score of the funds block or the total from being worked out, in full beside its narrow cell."""
    done = []
    total = plan.names["pe_total"][:2]
    for box in plan.boxes:
        if box.field == "refusal":
            cells = [one for one in worked if one.row == box.top and one.block in ("funds", "total") and one.field in ("rate", "score")
                     and (box.top != total[0] or (one.row, one.column) == total)]
            formula = '""'
            for name in reversed([cell_name(one.row, one.column) for one in cells]):
                formula = f"IF(ISTEXT({name}),{name},{formula})"
            said = next((one.value for one in cells if isinstance(one.value, str)), "")
            done.append(Computed(box.top, box.left, "beside", "refusal", said, f"={formula}"))
    return done
