"""Sheets drawn as text, so that a test shows what the clerk saw.

One line a row, cells parted by ``|``. A cell that reads as a plain number becomes a number; ``^`` continues the cell above (a vertical
merge), ``<`` the cell to the left (a horizontal one); ``66.6%%`` is a number cell shown as a percentage, ``'100`` a number typed as text,
``\\n`` a line break inside the cell.
"""

from __future__ import annotations

import re

from perfeval_xl.model import Percent, Sheet

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def draw(picture: str, name: str = "自评表", stamp: dict | None = None) -> Sheet:
    """The sheet that a picture shows."""
    lines = [line.strip().strip("|") for line in picture.strip("\n").splitlines() if line.strip()]
    cells = [[cell.strip() for cell in line.split("|")] for line in lines]
    width = max(map(len, cells))
    cells = [line + [""] * (width - len(line)) for line in cells]
    return Sheet(name, [[_value(cell) for cell in line] for line in cells], tuple(_merged(cells)), stamp or {})


def _value(cell: str):
    if cell in ("^", "<"):
        return ""
    if cell.startswith("'"):
        return cell[1:]
    if cell.endswith("%%"):
        return Percent(float(cell[:-2]) / 100)
    if _PLAIN.fullmatch(cell):
        return float(cell)
    return cell.replace("\\n", "\n")


def _merged(cells: list[list[str]]):
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            if cell in ("^", "<"):
                continue
            bottom, right = row, column
            while right + 1 < len(line) and line[right + 1] == "<":
                right += 1
            while bottom + 1 < len(cells) and cells[bottom + 1][column] == "^":
                bottom += 1
            if (bottom, right) != (row, column):
                yield row, column, bottom, right
