"""What the buttons remember in the workbook itself, on a hidden sheet: which marks are ours, and what the last button changed.

It stands in the workbook because Excel empties its own undo list whenever something outside writes to it, and because marks are taken away
days later, perhaps by a colleague.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from perfeval_xl.host import Formula, Host, Look, Place
from perfeval_xl.messages import Refusal
from perfeval_xl.model import STATE_SHEET

_WIDTH = 6
#: characters in one cell; Excel holds 32,767, but older ones take no more than 8,203 of them when several cells are written at once
_LONGEST = 8000


class Change(NamedTuple):
    """A cell that a button has written: what stood there before (``Host.contents``), and what the formula bar showed afterwards."""

    row: int
    column: int
    before: Any
    after: str


class State(NamedTuple):
    """``step`` is the button that can be taken back ("" = none) and ``sheet`` the one it changed; ``inserted`` the row it added, -1 = none.
    ``block`` is where the indicators stood afterwards: they stand elsewhere once rows were inserted or deleted by hand.

    ``looks`` is what the marked cells looked like, by sheet. ``height`` is the rows that the hidden sheet uses, -1 where
    there is no such sheet.
    """

    step: str = ""
    sheet: str = ""
    inserted: int = -1
    changes: tuple[Change, ...] = ()
    looks: dict[str, dict[Place, Look]] = {}  # noqa: RUF012 - a default that nobody writes to
    height: int = -1
    block: str = ""


def load(host: Host) -> State:
    """What is remembered; nothing where the hidden sheet is missing, and nothing of a line that somebody has spoilt."""
    try:
        rows = host.contents(STATE_SHEET)
    except Refusal:
        return State()
    step, sheet, inserted, block, changes, looks = "", "", -1, "", [], {}
    for what, name, row, column, before, after in (tuple(row) + ("",) * (_WIDTH - len(row)) for row in rows):
        try:
            if what == "step":
                step, sheet, inserted, block = str(before), name, int(row), str(after)
            elif what == "changes":
                changes += map(_change, json.loads(before))
            elif what == "mark":
                looks.setdefault(name, {})[int(row), int(column)] = Look.unpacked(before)
        except (TypeError, ValueError):
            continue
    return State(step, sheet, inserted, tuple(changes), looks, len(rows), block)


def save(host: Host, state: State) -> None:
    """Replaces what is remembered, in one write."""
    rows = list(_lines(state))
    blank = [("",) * _WIDTH] * max(state.height - len(rows), 0)
    if state.height < 0:
        host.ensure_sheet(STATE_SHEET)
    if rows or blank:
        host.write(STATE_SHEET, 0, 0, [*rows, *blank])


def _lines(state: State) -> Iterable[tuple[Any, ...]]:
    if state.step:
        yield "step", state.sheet, state.inserted, "", state.step, state.block
    for part in _packed(state.changes):
        yield "changes", state.sheet, "", "", part, ""
    for sheet, looks in state.looks.items():
        for (row, column), look in looks.items():
            yield "mark", sheet, row, column, look.packed(), ""


def _packed(changes: Iterable[Change]) -> Iterator[str]:
    """Many changes in few cells: a thousand rows would be six thousand cells to write now and to read at every press."""
    part: list[str] = []
    for one in changes:
        before, kind = one.before, type(one.before).__name__
        if isinstance(before, datetime):
            before = before.isoformat()
        text = json.dumps([one.row, one.column, kind, before, one.after], ensure_ascii=False)
        if part and sum(map(len, part)) + len(text) > _LONGEST:
            yield f"[{','.join(part)}]"
            part = []
        part.append(text)
    if part:
        yield f"[{','.join(part)}]"


def _change(packed: list[Any]) -> Change:
    row, column, kind, before, after = packed
    return Change(row, column, Formula(before) if kind == "Formula" else datetime.fromisoformat(before) if kind == "datetime" else before, after)
