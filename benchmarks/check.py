"""How fast a check is, as ratios against bare reading, in one run on one core.

Makes 500 forms of 28 indicator rows, every one different (departments, money, weights, targets, results, now and then a mistake), and
takes the processor time, over the same files, of: the whole check in this process (read, recompute, all rules); a bare python-calamine read; and
pandas.read_excel with openpyxl, which is how such forms are read in scripts today. Then one whole process of `perfeval-xl check` against
one of `python -c "import python_calamine"`.

Each pass over the files is one process of its own, in turns with the others, so that no pass meets a form a second time: what our check
remembers of a form it has read helps it only with what other forms have in common with it. The best of five passes counts, for each reader.

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

ROUNDS = 5


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


def passes(folder: str, *names: str) -> list[float]:
    """Seconds of processor time that each reader needs for all files of a folder, the best of several passes."""
    taken: list[list[float]] = [[] for _ in names]
    for _ in range(ROUNDS):
        for one, name in zip(taken, names, strict=True):
            out = subprocess.run([sys.executable, __file__, "--pass", name, folder], capture_output=True, text=True, check=True)
            one.append(float(out.stdout))
    return [min(one) for one in taken]


def one_pass(name: str, folder: str) -> float:
    """One reading of all files by the reader of this name; editions, patterns and libraries are loaded before the clock starts."""
    paths = sorted(os.path.join(folder, file) for file in os.listdir(folder) if file.endswith(".xlsx"))
    work = {"check": check, "calamine": calamine, "openpyxl": openpyxl}[name]
    work(paths[:5])
    start = time.process_time()
    work(paths)
    return time.process_time() - start


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
        made = os.path.join(folder, "made")
        os.mkdir(made)
        paths = [os.path.join(made, f"{n:04d}.xlsx") for n in range(count)]
        for n, path in enumerate(paths):
            with new_workbook(path) as workbook:
                write_form(workbook, get("shangjie-2022"), filling(n, dice))
        records = list(record.check_files(paths))
        wrong = sum(any(finding.code == "S101" for finding in one.findings) for one in records)
        print(f"{count} forms of {len(records[0].form.indicators)} rows, {sum(len(one.findings) for one in records)} findings, "
              f"{wrong} wrong totals (planted: {len(range(0, count, 5))})")
        ours, bare, script = passes(made, "check", "calamine", "openpyxl")
        print(f"whole check in process     {count / ours:8.0f} files/s")
        print(f"(a) bare python-calamine   {count / bare:8.0f} files/s   the check takes {ours / bare:.2f} times as long (at most 3)")
        print(f"(b) pandas with openpyxl   {count / script:8.0f} files/s   the check is {script / ours:.1f} times as fast (at least 5)")
        if saved := saved_by_an_office(paths[:100], folder):
            ours, bare = passes(os.path.dirname(saved[0]), "check", "calamine")
            print(f"as LibreOffice saves them  {len(saved) / ours:8.0f} files/s   {ours / bare:.2f} times as long as (a)")
        command = os.path.join(os.path.dirname(sys.executable), "perfeval-xl")
        one, base = processes([command, "check", paths[1]], [sys.executable, "-c", "import python_calamine"])
        print(f"one process: check {one * 1000:.0f} ms, import python_calamine {base * 1000:.0f} ms: {one / base:.1f} times as long (at most 5)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--pass"]:
        print(one_pass(*sys.argv[2:]))
    else:
        main()
