"""What one call of a worksheet function costs, and what loading them costs.

Each function is called with single cells: with arguments never seen before (a figure was typed) and with the same ones again (Excel
recalculates the sheet), as a plain function and through xlwings' own ``call_udf`` with COM faked (tests/udf_bench.py). The difference is
what xlwings does; in Excel the trips through COM come on top and are the greater part.

    python benchmarks/udfs.py [calls]
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

from perfeval_xl import udfs

EDITION = "shangjie-2022"
#: a new figure -> the arguments of a call; the last two rows are the dear ones: a row that is wrong, and words that must be made out
CALLS = (
    ("PE_EXECUTION_RATE", lambda figure: (366.48, figure)),
    ("PE_EXECUTION_SCORE", lambda figure: (366.48, figure, 10.0, EDITION)),
    ("PE_SCORE", lambda figure: ("≥90%", f"{figure:.3f}%", 2.0, EDITION, "预算执行率", "预算和财务管理", 2022.0)),
    ("PE_DEVIATION", lambda figure: ("≥90%", f"{figure:.3f}%", "预算执行率")),
    ("PE_TOTAL", lambda figure: (10.0, 30.0, 25.0, figure)),
    ("PE_GRADE", lambda figure: (figure, EDITION)),
    ("PE_CHECK", lambda figure: ("≥90%", f"{figure:.3f}%", 2.0, 1.5, "支付进度慢", EDITION, "预算执行率")),
    ("PE_SCORE", lambda figure: ("≥90%", f"完成了大约{figure:.3f}次", 2.0, EDITION)),
)
BOUND = 50  # microseconds


def microseconds(function, arguments: list[tuple]) -> float:
    """Median of one call."""
    taken = []
    for one in arguments:
        start = time.perf_counter()
        function(*one)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1e6


def loading(what: str) -> float:
    """Median milliseconds that an import adds to a bare Python."""
    def median(code: str) -> float:
        taken = []
        for _ in range(15):
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)
            taken.append(time.perf_counter() - start)
        return statistics.median(taken) * 1000

    return median(f"import {what}") - median("pass")


def main() -> None:
    """Times every function both ways and prints a line for each."""
    sys.path.append(str(Path(__file__).parent.parent / "tests"))
    from udf_bench import Bench

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 3000
    print(f"{'microseconds a call (median)':34}{'new figures':>12}{'seen before':>12}{'call_udf, new':>15}")
    with Bench() as bench:
        for n, (name, arguments) in enumerate(CALLS):
            function = getattr(udfs, name)
            function(*arguments(1.5))  # editions and patterns are loaded once a process
            new = microseconds(function, [arguments(2 + (n * count + k) / 997) for k in range(count)])
            seen = microseconds(function, [arguments(1.5)] * count)
            through = bench.microseconds(name, [arguments(2 + k / 991) for k in range(count)])
            words = f"{name}{' (words)' if arguments is CALLS[-1][1] else ''}"
            print(f"{words:34}{new:12.1f}{seen:12.1f}{through:15.1f}{'' if new <= BOUND else f'   above {BOUND}'}")
    print(f"import perfeval_xl.udfs {loading('perfeval_xl.udfs'):.0f} ms; import xlwings {loading('xlwings'):.0f} ms (with pandas installed)")


if __name__ == "__main__":
    main()
