"""How fast a check is, as ratios against bare reading, in one run on one core.

Makes 500 forms of 28 indicator rows, every one different (departments, money, weights, targets, results, now and then a mistake), and
times, over the same files: the whole check in this process (read, recompute, all rules); a bare python-calamine read; and
pandas.read_excel with openpyxl, which is how such forms are read in scripts today. Then one whole process of `perfeval-xl check` against
one of `python -c "import python_calamine"`.

    python benchmarks/check.py [number of forms]
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import pandas
import python_calamine

from perfeval_xl import record
from perfeval_xl.edition import get
from perfeval_xl.made_up import filling
from perfeval_xl.template import new_workbook, write_form

ROUNDS = 3


def check(paths: list[str]) -> None:
    """The whole check of every file, findings included."""
    for one in record.check_files(paths):
        assert one.form is not None


def calamine(paths: list[str]) -> None:
    """The bare read: every sheet, values only."""
    for path in paths:
        workbook = python_calamine.load_workbook(path)
        for name in workbook.sheet_names:
            workbook.get_sheet_by_name(name).to_python()


def openpyxl(paths: list[str]) -> None:
    """The script people write today."""
    for path in paths:
        pandas.read_excel(path, engine="openpyxl", header=None)


def seconds(work, paths: list[str]) -> list[float]:
    """One figure for each of several rounds over all files. The first meets every form for the first time, as a bureau does, and is the one
    held against the bounds; in the later ones our check remembers the lines it has read (a bare reader remembers nothing, so its best counts)."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work(paths)
        taken.append(time.perf_counter() - start)
    return taken


def saved_by_an_office(paths: list[str], folder: str) -> list[str]:
    """The same forms as LibreOffice saves them (what people send was saved by an office program); none where it is missing."""
    if not shutil.which("soffice"):
        return []
    subprocess.run(["soffice", f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", "xlsx", "--outdir",
                    os.path.join(folder, "saved"), *paths], capture_output=True, check=True)
    return [os.path.join(folder, "saved", os.path.basename(path)) for path in paths]


def processes(*commands: list[str]) -> list[float]:
    """Median seconds of whole processes, taken in turns so that all meet the same machine."""
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(40):
        for one, command in zip(taken, commands, strict=True):
            start = time.perf_counter()
            subprocess.run(command, capture_output=True, check=False)
            one.append(time.perf_counter() - start)
    return [statistics.median(one) for one in taken]


def main() -> None:
    """Makes the forms, times the three readers and the two processes, prints the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    dice = random.Random(2022)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{n:04d}.xlsx") for n in range(count)]
        for n, path in enumerate(paths):
            with new_workbook(path) as workbook:
                write_form(workbook, get("shangjie-2022"), filling(n, dice))
        list(record.check_files(paths[:5]))  # editions and patterns are loaded once a process
        ours, bare = seconds(check, paths), seconds(calamine, paths)
        few = paths[: max(count // 10, 1)]
        script = min(seconds(openpyxl, few)) * count / len(few)
        records = list(record.check_files(paths))
        wrong = sum(any(finding.code == "S101" for finding in one.findings) for one in records)
        print(f"{count} forms of {len(records[0].form.indicators)} rows, {sum(len(one.findings) for one in records)} findings, "
              f"{wrong} wrong totals (planted: {len(range(0, count, 5))})")
        print(f"whole check in process     {count / ours[0]:8.0f} files/s   (every form new; the same forms once more {count / min(ours):.0f})")
        print(f"(a) bare python-calamine   {count / min(bare):8.0f} files/s   the check takes {ours[0] / min(bare):.2f} times as long (at most 3; "
              f"the same forms once more {min(ours) / min(bare):.2f})")
        print(f"(b) pandas with openpyxl   {count / script:8.0f} files/s   the check is {script / ours[0]:.1f} times as fast (at least 5)")
        if saved := saved_by_an_office(paths[:100], folder):
            ours, bare = seconds(check, saved), seconds(calamine, saved)
            print(f"as LibreOffice saves them  {len(saved) / min(ours):8.0f} files/s   {min(ours) / min(bare):.2f} times as long as (a), met before")
        command = os.path.join(os.path.dirname(sys.executable), "perfeval-xl")
        one, base = processes([command, "check", paths[1]], [sys.executable, "-c", "import python_calamine"])
        print(f"one process: check {one * 1000:.0f} ms, import python_calamine {base * 1000:.0f} ms: {one / base:.1f} times as long (at most 5)")


if __name__ == "__main__":
    main()
