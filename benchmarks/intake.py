"""What the gate and the worker process cost, as ratios against a bare python-calamine read of the same forms, in one run on one core.

Both readers go over the same files in turns, and the best round of each counts (processor time, so that a busy machine changes little).
Forms as XlsxWriter writes them, as LibreOffice saves them where it is installed, and with formulas in every computed cell.

    python benchmarks/intake.py [number of forms]
"""

from __future__ import annotations

import os
import random
import re
import sys
import tempfile
import time
import zipfile

import python_calamine
from check import filling, saved_by_an_office

from perfeval_xl import contain, intake, record
from perfeval_xl.edition import get
from perfeval_xl.template import new_workbook, write_form

ROUNDS = 15


def bare(path: str) -> None:
    """The bare read: every sheet, values only."""
    workbook = python_calamine.load_workbook(path)
    for name in workbook.sheet_names:
        workbook.get_sheet_by_name(name).to_python()


def race(paths: list[str], *readers) -> list[float]:
    """Microseconds of processor time for a file, one figure for each reader."""
    best = [float("inf")] * len(readers)
    for _ in range(ROUNDS):
        for n, reader in enumerate(readers):
            start = time.thread_time()
            for path in paths:
                reader(path)
            best[n] = min(best[n], time.thread_time() - start)
    return [seconds / len(paths) * 1e6 for seconds in best]


def with_formulas(path: str, folder: str) -> str:
    """The same form with a formula in front of every score and rate, as Excel writes it."""
    target = os.path.join(folder, "f" + os.path.basename(path))
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            part = old.read(info)
            if info.filename.startswith("xl/worksheets/sheet"):
                part = re.sub(rb'(<c r="[HIJ]([0-9]+)" s="[0-9]+">)(<v>)', rb'\1<f>IF(F\2="","",MIN(F\2,G\2))</f>\3', part)
            new.writestr(info.filename, part)
    return target


def elapsed(paths: list[str], reader) -> float:
    """Seconds by the clock for all files, the best of three rounds."""
    taken = []
    for _ in range(3):
        start = time.perf_counter()
        reader(paths)
        taken.append(time.perf_counter() - start)
    return min(taken)


def main() -> None:
    """Makes the forms and prints the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    dice = random.Random(2022)
    with tempfile.TemporaryDirectory() as folder:
        paths = [os.path.join(folder, f"{n:04d}.xlsx") for n in range(count)]
        for n, path in enumerate(paths):
            with new_workbook(path) as workbook:
                write_form(workbook, get("shangjie-2022"), filling(n, dice))
        kinds = {"as XlsxWriter writes them": paths, "with formulas": [with_formulas(path, folder) for path in paths],
                 "as LibreOffice saves them": saved_by_an_office(paths[:100], folder)}
        for kind, files in kinds.items():
            if files:
                ours, base = race(files, intake.load, bare)
                print(f"{kind:26s} bare {base:4.0f} us, intake with gate {ours:4.0f} us: {ours / base:.2f} times as long (at most 1.6)")
        many = paths * 10
        here = elapsed(many, lambda files: list(record.check_files(files)))
        there = elapsed(many, lambda files: list(contain.check_files(files)))
        base = race(paths, bare)[0] / 1e6 * len(many)
        print(f"containment, over {len(many)} files: check in this process {here:.2f} s, in the worker {there:.2f} s; "
              f"it adds {(there - here) / base:.2f} of a bare read to each file (with the gate at most 1.0)")


if __name__ == "__main__":
    main()
