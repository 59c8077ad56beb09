"""What the native formulas cost: a form with 200 indicators, opened and worked out anew by LibreOffice, against the same form without formulas.

Also what one typed figure costs, which is what a clerk feels: one 实际完成值 is written and everything that depends on it is worked out.
Times are the processor time of LibreOffice, so that a busy machine does not change them; it is counted in hundredths of a second.

    python benchmarks/formulas.py [rows]
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sys
import tempfile
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


def processor_time(group: int) -> float:
    """Milliseconds that the processes of a group have used; Linux only."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12]) if int(fields[2]) == group else 0
    return ticks * 1000 / os.sysconf("SC_CLK_TCK")


def each(office, action: Callable[[], object], times: int) -> float:
    """Milliseconds of LibreOffice for one of so many calls."""
    action()
    start = processor_time(office.process.pid)
    for _ in range(times):
        action()
    return (processor_time(office.process.pid) - start) / times


def measure(office, path: Path, typed_at: tuple[int, int], total_at: tuple[int, int]) -> tuple[float, ...]:
    """Opening with the stored values, opening with everything worked out, a hard recalculation, and one typed figure."""
    opening = [each(office, lambda recalculate=recalculate: office.open(str(path), recalculate).close(True), ROUNDS) for recalculate in (False, True)]
    document = office.open(str(path))
    whole = each(office, document.calculateAll, 4 * ROUNDS)
    sheet, figures = document.Sheets.getByName(SHEET), itertools.cycle(range(1, 99))
    sheet.unprotect("")
    cell, total = (sheet.getCellByPosition(column, row) for row, column in (typed_at, total_at))

    def type_one() -> float:
        cell.setString(f"{next(figures)}%")
        return total.Value

    typed = each(office, type_one, 40 * ROUNDS)
    document.close(True)
    return *opening, whole, typed


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
            print(f"{rows} rows, {len(computed)} formulas, {size} KB against {bare} KB; processor time, ms")
            for name, path in (("with formulas", native), ("values only", values)):
                stored, worked, whole, typed = measure(office, path, (top, column), plan.names["pe_total"][:2])
                print(f"{name:14} open {stored:5.0f}, worked out anew {worked:5.0f}   recalculate {whole:6.1f}   one figure typed {typed:5.2f}")
        finally:
            office.close()


if __name__ == "__main__":
    main()
