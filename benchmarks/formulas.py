"""What the native formulas cost: a form with 200 indicators, opened and worked out anew by LibreOffice, against the same form without formulas.

Also what one typed figure costs, which is what a clerk feels: one 实际完成值 is written and everything that depends on it is worked out.

    python benchmarks/formulas.py [rows]
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from perfeval_xl import beside, examples, form_sheet, formulas, workbook_file
from perfeval_xl.edition import get
from perfeval_xl.template import SHEET, blank, new_workbook

EDITION = "shangjie-2022"
ROUNDS = 5


def filling(rows: int):
    """A form with so many indicators of the kinds that the published forms have."""
    _, published = examples.load(str(Path(examples.DATA) / "renda-2022.toml"))
    indicators = tuple(published.indicators[n % len(published.indicators)] for n in range(rows))
    parts = [part.name for part in get(EDITION).parts if part.place != "funds"]
    return blank(get(EDITION))._replace(
        funds=published.funds, year=2022, indicators=tuple(sorted(indicators, key=lambda row: parts.index(row["part"]))))


def without_formulas(path: Path, rows: int) -> None:
    """The same form, every computed cell holding its value."""
    edition = get(EDITION)
    plan, computed = beside.prepare(edition, filling(rows))
    with new_workbook(str(path)) as workbook:
        form_sheet.write(workbook, edition, plan, [one._replace(formula="") for one in computed])


def median(action: Callable[[], object]) -> float:
    """Milliseconds."""
    taken = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken) * 1000


def measure(office, path: Path, typed_at: tuple[int, int], total_at: tuple[int, int]) -> tuple[float, float, float]:
    """Opening, a hard recalculation, and one typed figure."""
    opened = []
    opening = median(lambda: opened.append(office.open(str(path))))
    document = opened[-1]
    whole = median(document.calculateAll)
    sheet, figures = document.Sheets.getByName(SHEET), iter(range(1, 99))
    cell, total = (sheet.getCellByPosition(column, row) for row, column in (typed_at, total_at))

    def type_one() -> float:
        cell.setString(f"{next(figures)}%")
        return total.Value

    typed = median(type_one)
    for one in opened:
        one.close(True)
    return opening, whole, typed


def main() -> None:
    """Prints a line for each of the two forms."""
    sys.path.append(str(Path(__file__).parent.parent / "tests"))
    from calc.office import Office

    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with tempfile.TemporaryDirectory() as folder:
        native, values = Path(folder) / "formulas.xlsx", Path(folder) / "values.xlsx"
        workbook_file.build(str(native), get(EDITION), filling(rows), macros=False)
        without_formulas(values, rows)
        plan, computed = formulas.native(*beside.prepare(get(EDITION), filling(rows)), get(EDITION))
        top = plan.names["pe_indicators"][0]
        column = next(box.left for box in plan.boxes if (box.block, box.field) == ("indicators", "actual"))
        office = Office()
        try:
            size, bare = (path.stat().st_size // 1024 for path in (native, values))
            print(f"{rows} rows, {len(computed)} formulas, {size} KB against {bare} KB; median of {ROUNDS}, ms")
            for name, path in (("with formulas", native), ("values only", values)):
                opening, whole, typed = measure(office, path, (top, column), plan.names["pe_total"][:2])
                print(f"{name:14} open {opening:7.0f}   recalculate {whole:6.1f}   one figure typed {typed:6.2f}")
        finally:
            office.close()


if __name__ == "__main__":
    main()
