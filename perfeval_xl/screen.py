"""What the command line shows: lines, tables, a bar, one JSON document. Results go to standard output, prose and progress to standard error, and
nothing but letters reaches a terminal from a file.

Nothing heavy at the top of the module, as in ``cli``: ``rich`` is imported where a terminal wants a table.
"""

import re
import sys
from collections.abc import Iterable

from perfeval_xl import messages
from perfeval_xl.numbers import plain
from perfeval_xl.patterns import Pattern

#: from this many files on a terminal shows a progress bar
MANY = 20
_WORDS = messages.Words({
    "checked": ("检查了 {files} 个文件、{forms} 张表：错误 {error}，提醒 {warning}，提示 {note}；读不了 {unread}。",
                "{files} files, {forms} forms checked: {error} errors, {warning} warnings, {note} notes; {unread} unreadable."),
    "reading": ("检查中", "Checking"),
    "total": ("总分 {stated}，重算 {total}（{grade}）", "total {stated}, recomputed {total} ({grade})"),
    "total_open": ("总分 {stated}，无法完整重算", "total {stated}, cannot be recomputed completely"),
    "fine": ("没有发现问题。", "Nothing found."),
})
say = _WORDS.say


class Meter:
    """How far a long run is: a bar with rate and remaining time on a terminal, nothing elsewhere; it counts in any case."""

    def __init__(self, what: str, quiet: bool) -> None:
        self.what, self.shown, self.done, self.total, self.bar = what, not quiet and sys.stderr.isatty(), 0, 0, None

    def begin(self, total: int) -> None:
        """So many are to be done."""
        self.total = total
        if not self.shown or total < MANY:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(show_speed=True),
                            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(self.what, total=total, rate="")
        self.bar.start()

    def __call__(self, count: int) -> None:
        self.done += count
        if self.bar is not None:
            speed = self.bar.tasks[0].speed
            self.bar.update(self.task, advance=count, rate=f"{speed:.0f}/s" if speed else "")

    def close(self) -> None:
        """Takes the bar away."""
        if self.bar is not None:
            self.bar.stop()


def progress(records: Iterable, count: int, quiet: bool) -> Iterable:
    """The records as they come, with a bar where there are many and somebody is looking."""
    if count < MANY or quiet or not sys.stderr.isatty():
        return records
    from rich.console import Console
    from rich.progress import track

    return track(records, description=say("reading"), total=count, console=Console(stderr=True), transient=True)


#: what could write over the line, or steer the terminal, if a cell or the name of a file held it
_STEERING = Pattern("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _plainly(line: str) -> str:
    """A line for people, of which nothing but letters reaches the terminal."""
    return line if line.isprintable() else _STEERING.sub("\ufffd", line)


def tell(line: str) -> None:
    """A line of prose."""
    print(_plainly(line), file=sys.stderr)


def out(line: str) -> None:
    """A line of results."""
    print(_plainly(line))


def document(content: dict) -> None:
    """One JSON document on standard output; what could steer a terminal is escaped as JSON escapes it."""
    import json

    text = json.dumps(content, ensure_ascii=False, indent=1)
    print(re.sub("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", lambda match: f"\\u{ord(match[0]):04x}", text))


def summary(records: list) -> str:
    """How many files, forms and findings there were."""
    counts = {severity: sum(finding.severity == severity for one in records for finding in one.findings) for severity in messages.SEVERITIES}
    return say("checked", files=len({one.path for one in records}), forms=sum(one.form is not None for one in records),
               unread=sum(one.refusal is not None for one in records), **counts)


def _headline(one) -> str:
    """Department, year, edition, and the total as stated and as recomputed."""
    form, card = one.form, one.card
    names = (form.department.text if form.department else "", form.project.text if form.project else "", str(form.year or ""), form.edition)
    stated = form.totals[0].text or "-"
    total = say("total_open", stated=stated) if card.total is None else say("total", stated=stated, total=plain(card.total), grade=card.grade)
    return "  ".join([name for name in names if name] + [total])


def show(records: list) -> None:
    """What was found: a table on a terminal, one line a finding elsewhere."""
    tables = sys.stdout.isatty()
    for one in records:
        if one.refusal:
            out(one.refusal.words())
            continue
        out(f"{one.path} [{one.form.sheet}]  {_headline(one)}")
        if not one.findings:
            print(f"  {say('fine')}")
        elif tables:
            _finding_table(one)
        else:
            for finding in one.findings:
                out(f"  {messages.render(finding, one.form.sheet)}")


def _finding_table(one) -> None:
    heads = ("级别", "代码", "位置", "项目", "表上", "应为", "说明和改法") if messages.language() == "zh" else (
        "Severity", "Code", "Cell", "Item", "Stated", "Expected", "What and how to mend")
    rows = [(messages.severity_word(finding.severity), finding.code, (messages.cell(finding, one.form.sheet) or "").rpartition("!")[2],
             finding.label, finding.stated or "", finding.expected or "", f"{messages.message(finding)}{messages.fix(finding)}")
            for finding in one.findings]
    styles = {"error": "red", "warning": "yellow", "note": "blue"}
    table(heads, rows, [styles[finding.severity] for finding in one.findings])


def table(heads: tuple, rows: list[tuple], styles: list[str] | None = None) -> None:
    """A table with its columns aligned, Chinese included; 140 columns wide where there is no terminal to fit."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, show_edge=False, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for n, row in enumerate(rows):
        first = Text(row[0], style=styles[n] if styles else "")
        table.add_row(first, *(Text(_plainly(str(cell))) for cell in row[1:]))
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=140, file=sys.stdout)
    console.print(table)
