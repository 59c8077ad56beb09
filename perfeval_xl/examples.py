"""The filled examples: published forms as data (``workbook/examples/data``) -> workbooks, mistakes of the published forms included.

``python -m perfeval_xl.examples`` rebuilds ``workbook/examples/*.xlsx`` from the data files beside them.
"""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from typing import Any

from perfeval_xl.edition import Edition, get
from perfeval_xl.template import Filling, indicator_columns, new_workbook, write_form

FOLDER = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "workbook", "examples")
DATA = os.path.join(FOLDER, "data")


def load(path: str) -> tuple[Edition, Filling]:
    """One data file: its edition and what was filled in. The rows of a block have the columns of the edition, in its order."""
    with open(path, "rb") as stream:
        raw = tomllib.load(stream, parse_float=Decimal)
    edition = get(raw["edition"])
    rows = {"tasks": edition.task_columns, "indicators": indicator_columns(edition)}
    blocks: dict[str, Any] = {
        key: tuple(dict(zip([column.field for column in columns], row, strict=True)) for row in raw[key]) for key, columns in rows.items()
    }
    money = [column.field for column in edition.funds_columns]
    blocks["funds"] = {role: dict(zip(money, figures, strict=True)) for role, *figures in raw["funds"]}
    blocks["goals"] = tuple(raw["goals"])
    plain = {key: raw[key] for key in ("department", "year", "total", "grade") if key in raw}
    return edition, Filling(**plain, **blocks)


def build(folder: str = FOLDER) -> list[str]:
    """Writes every example into the folder, named after its data file; gives the paths, sorted."""
    os.makedirs(folder, exist_ok=True)
    paths = []
    for name in sorted(os.listdir(DATA)):
        edition, filling = load(os.path.join(DATA, name))
        paths.append(os.path.join(folder, name.removesuffix(".toml") + ".xlsx"))
        with new_workbook(paths[-1]) as workbook:
            write_form(workbook, edition, filling)
    return paths


if __name__ == "__main__":
    print("\n".join(build()))
