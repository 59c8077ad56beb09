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
import threading
import time
import zipfile
from collections.abc import Sequence

import python_calamine
from check import filling, saved_by_an_office

from perfeval_xl import contain, gather, intake, record
from perfeval_xl.edition import get
from perfeval_xl.template import new_workbook, write_form

ROUNDS = 15


def bare(path: str) -> None:
    """The bare read: every sheet, values only."""
    workbook = python_calamine.load_workbook(path)
    for name in workbook.sheet_names:
        workbook.get_sheet_by_name(name).to_python()


def race(paths: list[str], *readers) -> list[float]:
    """Microseconds of processor time for a file, one figure for each reader: the best of its rounds for every file, then the mean."""
    best = [dict.fromkeys(paths, float("inf")) for _ in readers]
    for _ in range(ROUNDS):
        for reader, figures in zip(readers, best, strict=True):
            for path in paths:
                start = time.thread_time_ns()
                reader(path)
                figures[path] = min(figures[path], time.thread_time_ns() - start)
    return [sum(figures.values()) / len(paths) / 1000 for figures in best]


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


def spent(paths: list[str], reader) -> float:
    """Seconds of processor time for all files, of this process and of those it started, the best of three rounds."""
    taken = []
    for _ in range(3):
        before = os.times()
        reader(paths)
        while threading.active_count() > 1:  # a process counts when it has been waited for, which a thread of its owner does
            time.sleep(0.01)
        taken.append(sum(os.times()[:4]) - sum(before[:4]))
    return min(taken)


def figures(paths: Sequence[str]) -> list[tuple]:
    """What a district run wants of some files: a few plain figures (whole records cost more to hand over than to make)."""
    return [(path, str(one.card.total), one.card.grade, [(finding.code, finding.row, finding.column) for finding in one.findings])
            for path, (one, *_) in zip(paths, record.each_checked(paths), strict=True)]


def figures_of_one(path: str) -> tuple:
    """The same of a file that has ended a worker once."""
    return figures([path])[0]


def lost(path: str, refusal: object) -> None:
    """No file of this benchmark may end a worker."""
    raise AssertionError(path)


def main() -> None:
    """Makes the forms and prints the ratios."""
    import intake as importable  # by this name the worker finds ``figures``; a script is __main__ to itself

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
        portions = [tuple(many[n : n + gather.CHUNK]) for n in range(0, len(many), gather.CHUNK)]
        here = spent(portions, lambda chunks: list(map(figures, chunks)))
        there = spent(portions, lambda chunks: list(contain.portions(importable.figures, importable.figures_of_one, chunks, lost, 1)))
        base, gated = race(paths, bare, intake.load)
        extra = (there - here) / len(many) * 1e6
        print(f"{len(many)} files checked in this process {here:.2f} s, in the worker {there:.2f} s, its start included: intake with gate and "
              f"worker {(gated + extra) / base:.2f} times as long as bare (at most 2.0)")


if __name__ == "__main__":
    main()
