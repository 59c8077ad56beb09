"""The editions that ship with the tool: found by their id, kept ready between two starts.

What an edition is, and how its file is read and checked, stands in ``edition_file``; its names are handed on from here.
"""

import os
from decimal import Decimal
from functools import cache
from typing import Any

from perfeval_xl.edition_file import (
    Column,
    Deviation,
    Edition,
    Execution,
    Explain,
    Grade,
    OpenRows,
    Over,
    Part,
    Qualitative,
    Quantitative,
    Row,
    Tier,
    Tolerance,
    TreeRow,
    load,
    plain_label,
)
from perfeval_xl.messages import Refusal
from perfeval_xl.shelf import HERE, kept

__all__ = [
    "DEFAULT",
    "FOLDER",
    "Column",
    "Deviation",
    "Edition",
    "Execution",
    "Explain",
    "Grade",
    "OpenRows",
    "Over",
    "Part",
    "Qualitative",
    "Quantitative",
    "Row",
    "Tier",
    "Tolerance",
    "TreeRow",
    "editions",
    "get",
    "known",
    "load",
    "plain_label",
]

FOLDER = os.path.join(HERE, "editions")
#: the edition whose rules serve forms that match none (its part weights are then not asked for)
DEFAULT = "mof-2020-project"


@cache
def editions() -> dict[str, Edition]:
    """All editions that ship with the tool, by id. Kept ready: reading and checking the TOML takes as long as checking eight forms."""
    packed = kept("editions", sources(), lambda: _packed(tuple(load(os.path.join(FOLDER, f"{name}.toml")) for name in known())))
    return {edition.id: edition for edition in _unpacked(packed)}


def sources() -> list[str]:
    """The files that editions depend on."""
    return [os.path.join(FOLDER, f"{name}.toml") for name in known()] + [os.path.join(HERE, "edition_file.py")]


def _packed(value: Any) -> Any:
    """An edition as the plain values that marshal stores."""
    if isinstance(value, Decimal):
        return ("Decimal", str(value))
    if isinstance(value, tuple):
        return (type(value).__name__, [_packed(one) for one in value])
    return ("dict", [(key, _packed(one)) for key, one in value.items()]) if isinstance(value, dict) else value


def _unpacked(value: Any) -> Any:
    if type(value) is not tuple:
        return value
    name, content = value
    if name == "Decimal":
        return Decimal(content)
    if name == "dict":
        return {key: _unpacked(one) for key, one in content}
    values = [_unpacked(one) for one in content]
    return tuple(values) if name == "tuple" else globals()[name](*values)


@cache
def known() -> tuple[str, ...]:
    """The ids of the editions that ship with the tool."""
    return tuple(sorted(name[:-5] for name in os.listdir(FOLDER) if name.endswith(".toml")))


def get(edition_id: str) -> Edition:
    """The edition with this id. An unknown id is refused with the list of the known ones."""
    if edition_id not in editions():
        raise Refusal("X113", stated=edition_id, known="、".join(known()))
    return editions()[edition_id]
