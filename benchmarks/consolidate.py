"""How fast a district is consolidated, as ratios in one run on the same files.

Makes the forms of a district, every one different, and times, each as a whole process: (a) a bare python-calamine read of all files; (b) the
script people write today, pandas.read_excel with openpyxl, concat, to_excel (over a tenth of the files, times ten: it is linear);
(c) `perfeval-xl consolidate` with one worker and with two, which also scores, checks, compares and draws. Beside two workers stands what two
processes gain that have nothing in common, because shared machines seldom give two whole processors. With a second number also that many
forms, for time and memory; with Dask installed also a cluster of two workers on this machine.

    python benchmarks/consolidate.py [forms, 1000] [forms of the large run, 0]
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import NamedTuple

from perfeval_xl import made_up

ROUNDS = 11
_BARE = """import sys, python_calamine
for path in open(sys.argv[1], encoding="utf-8").read().splitlines():
    workbook = python_calamine.load_workbook(path)
    for name in workbook.sheet_names:
        workbook.get_sheet_by_name(name).to_python()
"""
_SCRIPT = """import sys, pandas
paths = open(sys.argv[1], encoding="utf-8").read().splitlines()
frames = [pandas.read_excel(path, engine="openpyxl", header=None).assign(file=path) for path in paths]
pandas.concat(frames).to_excel(sys.argv[2], index=False)
"""
_POOL = """import sys, time
from perfeval_xl import gather
def main():
    paths = open(sys.argv[1], encoding="utf-8").read().splitlines()
    start = time.perf_counter()
    gather.read_all(paths, lang="zh", workers=2)
    print(time.perf_counter() - start)
if __name__ == "__main__":
    main()
"""
_DASK = """import sys, time
from perfeval_xl import cluster
def main():
    from distributed import LocalCluster
    paths = open(sys.argv[1], encoding="utf-8").read().splitlines()
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1") as here:
        start = time.perf_counter()
        cluster.read_all(here.scheduler_address, paths, lang="zh")
        print(time.perf_counter() - start)
if __name__ == "__main__":
    main()
"""


class Cost(NamedTuple):
    """What a process took: seconds by the clock, seconds of a processor (what counts where others are working), peak memory in MB."""

    clock: float
    processor: float
    memory: float


def process(*commands: Sequence[str]) -> Cost:
    """Runs processes beside each other to their ends, one of each command."""
    start, usages = time.perf_counter(), []
    for child in [subprocess.Popen([sys.executable, *one], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for one in commands]:
        usages.append(os.wait4(child.pid, 0)[2])
        child.returncode = 0
    return Cost(time.perf_counter() - start, sum(one.ru_utime + one.ru_stime for one in usages), max(one.ru_maxrss for one in usages) / 1024)


def consolidate(forms: str, out: str, workers: int) -> Cost:
    """The whole command over a folder."""
    return process(("-m", "perfeval_xl", "consolidate", forms, "-o", out, "-q", "--workers", str(workers)))


def listed(folder: str, paths: list[str], name: str) -> str:
    """A file that names the paths."""
    place = os.path.join(folder, name)
    with open(place, "w", encoding="utf-8") as stream:
        stream.write("\n".join(paths))
    return place


def inside(code: str, folder: str, name: str, files: str) -> float:
    """Seconds that a script says it took; a pool needs a script with a name."""
    place = os.path.join(folder, name)
    with open(place, "w", encoding="utf-8") as stream:
        stream.write(code)
    return min(float(subprocess.run([sys.executable, place, files], capture_output=True, text=True, check=True).stdout) for _ in range(ROUNDS))


def main() -> None:
    """Makes the forms, times everything in turns, prints the ratios."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    large = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory() as folder:
        truth = made_up.district(folder, count, planted=False)
        paths = sorted(os.path.join(truth.forms, name) for name in os.listdir(truth.forms) if name.endswith(".xlsx"))
        files, few = listed(folder, paths, "all.txt"), listed(folder, paths[: max(count // 10, 1)], "few.txt")
        halves = [listed(folder, paths[n::2], f"half{n}.txt") for n in range(2)]
        out = os.path.join(folder, "out.xlsx")
        consolidate(truth.forms, out, 1)  # modules compiled, editions on their shelf, files in memory
        costs: dict[str, list[Cost]] = {"a": [], "shared": [], "b": [], "1": [], "2": []}
        for _ in range(ROUNDS):  # in turns, so that all meet the same machine
            costs["a"].append(process(("-c", _BARE, files)))
            costs["shared"].append(process(*(("-c", _BARE, half) for half in halves)))
            costs["1"].append(consolidate(truth.forms, out, 1))
            costs["2"].append(consolidate(truth.forms, out, 2))
            costs["b"].append(process(("-c", _SCRIPT, few, os.path.join(folder, "script.xlsx"))))
        a, shared, b, one, two = (Cost(*map(statistics.median, zip(*costs[key], strict=True))) for key in costs)
        b = Cost(*(value * count / max(count // 10, 1) for value in b))
        print(f"{count} forms, whole processes, median of {ROUNDS}; {os.cpu_count()} processors")
        print("                             clock processor")
        for what, cost in (("(a) bare python-calamine", a), ("(b) pandas with openpyxl", b), ("(c) consolidate, 1 worker", one),
                           ("    consolidate, 2 workers", two)):
            print(f"{what:26} {cost.clock:7.2f} {cost.processor:9.2f} s")
        print(f"1 worker: {one.clock / a.clock:.1f} times as long as (a), {one.processor / a.processor:.1f} by processor (at most 4); "
              f"{b.clock / one.clock:.1f} times as fast as (b), {b.processor / one.processor:.1f} by processor (at least 4)")
        print(f"2 workers: {one.clock / two.clock:.2f} times as fast as 1 (at least 1.6); this machine lets two bare reads of half of the files, "
              f"beside each other, be {a.clock / shared.clock:.2f} times as fast as one of all")
        if importlib.util.find_spec("distributed"):
            pool, dask = inside(_POOL, folder, "pool.py", files), inside(_DASK, folder, "dask_run.py", files)
            print(f"reading: pool of 2 {pool:.2f} s, Dask cluster of 2 {dask:.2f} s: {dask / pool:.2f} times as long (at most 1.3)")
        if large:
            big = os.path.join(folder, "large")
            made_up.district(big, large, planted=False)
            before = [consolidate(truth.forms, out, 1) for _ in range(ROUNDS)]
            cost = consolidate(os.path.join(big, "报送"), os.path.join(big, "out.xlsx"), 1)
            around = [*before, *(consolidate(truth.forms, out, 1) for _ in range(ROUNDS))]  # as fast as the machine was then
            clock, processor = (statistics.median(values) for values in list(zip(*around, strict=True))[:2])
            print(f"{large} forms, 1 worker: {cost.clock / clock:.1f} times the time of {count}, "
                  f"{cost.processor / processor:.1f} by processor (at most {1.1 * large / count:.1f}), {cost.memory:.0f} MB (under 700), "
                  f"workbook {os.path.getsize(os.path.join(big, 'out.xlsx')) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
