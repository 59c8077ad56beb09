"""How fast a report is written, as ratios to opening the same .docx with python-docx, in one run on one core.

For each example: the form is read and checked once; then, in turns and by processor time, a new report is made of it (sentences, tables,
charts, the file), the finished file is opened with python-docx, and the report is brought up to date with a form whose figures differ.

    python benchmarks/report.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Callable

import docx

from perfeval_xl import examples, record, report, report_file, template

ROUNDS = 40


def checked(name: str, factor: int = 1) -> record.Record:
    """An example as it is read and checked; with another ``factor`` its spending is another."""
    edition, filling = examples.load(os.path.join(examples.DATA, name))
    funds = {role: {**row, "executed": row["executed"] * factor if row["executed"] else row["executed"]} for role, row in filling.funds.items()}
    return record.check_sheet(template.as_sheet(template.lay_out(edition, filling._replace(funds=funds)), edition), name)


def milliseconds(work: Callable[[], object]) -> float:
    """The processor time of one run."""
    start = time.process_time()
    work()
    return (time.process_time() - start) * 1000


def main() -> None:
    """Prints, for each example, the medians and their ratios."""
    with tempfile.TemporaryDirectory() as folder:
        for name in sorted(os.listdir(examples.DATA)):
            one, path = checked(name), os.path.join(folder, f"{name}.docx")
            both = [report.content(one), report.content(checked(name, 2))]
            taken: dict[str, list[float]] = {"new": [], "open": [], "update": []}

            def write(one=one, path=path) -> None:
                report_file.write(report.content(one), path)

            for n in range(ROUNDS):
                if os.path.exists(path):
                    os.remove(path)
                taken["new"].append(milliseconds(write))
                taken["open"].append(milliseconds(lambda path=path: docx.Document(path)))
                taken["update"].append(milliseconds(lambda path=path, report=both[n % 2]: report_file.write(report, path)))
            new, opened, update = (statistics.median(taken[key]) for key in ("new", "open", "update"))
            print(f"{name.removesuffix('.toml'):15} opening {opened:5.1f} ms   a new report {new:5.1f} ms, {new / opened:4.1f} times as long "
                  f"(at most 6)   brought up to date {update:5.1f} ms, {update / opened:4.1f} times")


if __name__ == "__main__":
    main()
