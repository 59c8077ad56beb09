"""校验结果 as a list in the workbook: its columns, and the lines that a checked form fills them with.

The sheet is built with ``ROWS`` lines ready and nothing in them: a formula in a line that shows nothing would be a page to LibreOffice when
it prints. A line that is filled gets a formula in its third column that turns the last, hidden one into a link.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from perfeval_xl import messages, review_lists
from perfeval_xl.host import Formula
from perfeval_xl.messages import Finding, Words
from perfeval_xl.model import cell_name
from perfeval_xl.record import Record

#: first line of the list (zero-based), lines that are ready, the line that says when and how much was found
TOP, ROWS, SAID = 4, 500, (1, 0)
#: heading and width in characters; the last column is hidden and holds the cell to jump to
COLUMNS = (("级别", 8), ("代码", 8), ("位置", 9), ("项目", 24), ("表上", 16), ("应为", 16), ("说明和改法", 62), ("依据", 34), ("", 12))
LINK = 2

_WORDS = Words({
    "found": ("{time} 检查：{counts}。点“位置”跳到单元格；改好后再按①。",
              "Checked {time}: {counts}. Click a place to jump there; then press ① again."),
    "clean": ("{time} 检查：没有发现问题。", "Checked {time}: nothing found."),
    "none": ("标记已清除。填好后按①检查，发现的问题会列在这里。", "Marks cleared. Press ① to check; what is found will be listed here."),
    "more": ("另有 {n} 条没有列出，改好以上各条后再检查一次。", "{n} more are not listed; mend these and check again."),
})


def counts(findings: tuple[Finding, ...]) -> str:
    """错误 2，提醒 5，提示 1."""
    severities = [finding.severity for finding in findings]
    return "，".join(f"{messages.severity_word(one)} {severities.count(one)}" for one in review_lists.LOOKS)


def contents(one: Record | None, now: datetime | None = None) -> dict[tuple[int, int], Any]:
    """Every cell of the list, and the line above it, for a checked form; None empties the list. ``now`` is when it was checked."""
    lines = [[*line[:LINK], _link(TOP + n, line[-1]), *line[LINK:]] for n, line in enumerate(_lines(one) if one is not None else ())]
    lines += [[""] * len(COLUMNS)] * (ROWS - len(lines))
    cells: dict[tuple[int, int], Any] = {SAID: _said(one, now or datetime.now())}
    return cells | {(TOP + n, column): value for n, line in enumerate(lines) for column, value in enumerate(line)}


def _link(row: int, place: str) -> Any:
    """What jumps to the place in the last column: it shows the cell without its sheet."""
    target = f"$I{row + 1}"
    return Formula(f'=HYPERLINK("#"&{target},MID({target},FIND("!",{target})+1,20))') if place else ""


def _said(one: Record | None, now: datetime) -> str:
    if one is None:
        return _WORDS.say("none")
    time = f"{now:%Y-%m-%d %H:%M}"
    return _WORDS.say("found", time=time, counts=counts(one.findings)) if one.findings else _WORDS.say("clean", time=time)


def _lines(one: Record) -> Iterator[list[str]]:
    """Like findings of consecutive cells are one line; what does not fit is counted in the last one."""
    runs = review_lists.folded(one)
    shown = runs if len(runs) <= ROWS else runs[: ROWS - 1]
    for run in shown:
        finding, labels = run[0], list(dict.fromkeys(finding.label for finding in run))
        label = "、".join(labels[:3]) + (f" …（{len(labels)}）" if len(labels) > 3 else "")
        finding = finding._replace(label=label)
        yield [messages.severity_word(finding.severity), finding.code, label, finding.stated or "", finding.expected or "",
               f"{messages.message(finding)}{messages.fix(finding)}", messages.source(finding), _place(one, run)]
    if len(shown) < len(runs):
        yield ["", "", "", "", "", _WORDS.say("more", n=len(runs) - len(shown)), "", ""]


def _place(one: Record, run: list[Finding]) -> str:
    """The cell, or the cells, to jump to, as a link names them: '自评表'!G60."""
    first, last = run[0], run[-1]
    if first.row < 0:
        return ""
    sheet = one.form.sheet.replace("'", "''")
    area = cell_name(first.row, first.column) + (f":{cell_name(last.row, last.column)}" if last is not first else "")
    return f"'{sheet}'!{area}"
