"""The filled examples: published forms as data (``workbook/examples/data``) -> workbooks, mistakes of the published forms included.

``python -m perfeval_xl.examples`` rebuilds ``workbook/examples/*.xlsx`` from the data files beside them.
"""

import os
import tomllib
from decimal import Decimal
from typing import Any

from perfeval_xl import vba, workbook_file
from perfeval_xl.edition import Edition, get
from perfeval_xl.template import Filling, indicator_columns, new_workbook, write_form

FOLDER = os.path.join(vba.folder("workbook"), "examples")
DATA = os.path.join(FOLDER, "data")
#: the example that is shown as a workbook to work in: its prose is short, and ① has something to say about it
SHOWN = "waishi-2022"


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
    plain = {key: raw[key] for key in ("department", "project", "year", "total", "grade") if key in raw}
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


def workbook(folder: str) -> str:
    """Writes the example ``SHOWN`` as a clerk would have filled it in, with buttons and functions (.xlsm), into the folder; gives its path.

    Its scores are worked out anew, as in any workbook; what was typed in stays as it was published. Raises Refusal X116 where the folder
    cannot be written, X712 without the excel extra.
    """
    edition, filling = load(os.path.join(DATA, f"{SHOWN}.toml"))
    path = os.path.join(folder, f"{SHOWN}.xlsm")
    workbook_file.build(path, edition, filling)
    return path


if __name__ == "__main__":
    print("\n".join(build()))
