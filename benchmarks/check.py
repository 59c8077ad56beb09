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
from decimal import Decimal

import pandas
import python_calamine

from perfeval_xl import record
from perfeval_xl.edition import get
from perfeval_xl.numbers import half_up, plain
from perfeval_xl.scoring import execution_rate, execution_score
from perfeval_xl.template import Filling, blank, new_workbook, write_form

ROUNDS = 3


def filling(n: int, dice: random.Random) -> Filling:
    """A department's form: 20 fixed rows and 8 of its own, right but for a mistake in every fifth."""
    edition = get("shangjie-2022")
    initial = Decimal(dice.randrange(5_000, 900_000)) / 100
    adjusted = half_up(initial * dice.randrange(95, 112) / 100, 2)
    executed = half_up(adjusted * dice.randrange(55, 101) / 100, 2)
    rate = execution_rate(adjusted, executed)
    money = {"initial": initial, "adjusted": adjusted, "executed": executed, "rate": half_up(rate, 2)}
    points = execution_score(rate, Decimal(10), edition.execution)
    funds = {"total": {**money, "weight": 10, "score": points}, "government": {**money, "weight": "-", "score": "-"},
             "special_account": {"initial": 0, "adjusted": 0, "executed": 0, "weight": "-", "rate": 0, "score": "-"},
             "own": {"initial": 0, "adjusted": 0, "executed": 0, "weight": "-", "rate": 0, "score": "-"}}
    rows, total = [], points
    own = iter([(9, "重点任务"), (8, "履职事项"), (4, "工作质量"), (4, "完成时效"),
                (12, "服务覆盖"), (8, "办理效率"), (8, "群众评价"), (7, "企业评价")])
    for row in blank(edition).indicators:
        row = dict(row)
        if not row.get("name"):
            weight, name = next(own)
            row.update(name=f"{name}{dice.randrange(1000)}完成率", target=f"≥{dice.randrange(80, 98)}%", weight=weight)
        row.update(_result(row, money, dice))
        total += row["score"]
        rows.append(row)
    shown = total + (1 if n % 5 == 0 else 0)
    text = f"完成年度工作{dice.randrange(10**6)}项，保障部门运转和重点任务落实。"
    tasks = tuple({"name": f"任务{k}", "content": f"第{dice.randrange(10**4)}号工作", "status": f"已办结{dice.randrange(100)}件"} for k in range(3))
    return Filling(f"测试区第{n:04d}号单位", 2022, total=shown, goals=(text, f"已{text}"), funds=funds, tasks=tasks, indicators=tuple(rows))


def _result(row: dict, money: dict, dice: random.Random) -> dict:
    """Actual, score, deviation and reason of one row; the standard rates follow from the money."""
    change = abs(money["adjusted"] - money["initial"]) / money["initial"] * 100
    standard = {"execution_rate": money["rate"], "adjustment_rate": half_up(change, 2), "carry_over_rate": half_up(100 - money["rate"], 2)}
    target, weight = row["target"], Decimal(row["weight"])
    if row.get("role") in standard:
        actual = standard[row["role"]]
    elif target[0] in "≥≤":
        actual = Decimal(dice.randrange(850, 1000)) / 10
    else:
        return {"actual": "100%", "score": weight, "deviation": "0.00%", "reason": ""}
    limit = Decimal(target[1:-1])
    met = actual <= limit if target[0] == "≤" else actual >= limit
    share = Decimal(1) if met else limit / actual if target[0] == "≤" else actual / limit
    deviation = Decimal(0) if met else (actual - limit) / limit * 100
    return {"actual": f"{plain(actual)}%", "score": half_up(weight * share, 2), "deviation": f"{half_up(deviation, 2)}%",
            "reason": "" if met else f"受资金到位时间影响，已列入第{dice.randrange(1, 5)}季度整改。"}


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
