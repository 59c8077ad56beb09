"""The editions that ship with the tool: found by their id, kept ready between two starts.

What an edition is, and how its file is read and checked, stands in ``edition_file``; its names are handed on from here.
"""

import marshal
import os
import sys
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

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "editions")
#: the edition whose rules serve forms that match none (its part weights are then not asked for)
DEFAULT = "mof-2020-project"


@cache
def editions() -> dict[str, Edition]:
    """All editions that ship with the tool, by id."""
    shelf = os.path.join(FOLDER, "__pycache__", "editions.marshal")
    signature = _signature()
    try:
        with open(shelf, "rb") as stream:
            stored, packed = marshal.loads(stream.read())  # marshal.load asks the stream for every value by itself
        if stored == signature:
            return {edition.id: edition for edition in _unpacked(packed)}
    except (OSError, ValueError, EOFError, TypeError, KeyError):
        pass  # no shelf yet, or one that another version wrote: the files themselves are read
    loaded = {name: load(os.path.join(FOLDER, f"{name}.toml")) for name in known()}
    _keep(shelf, (signature, _packed(tuple(loaded.values()))))
    return loaded


def _signature() -> tuple:
    """What the shelf depends on: the edition files, the classes of an edition, and the format of marshal."""
    here = os.path.dirname(os.path.abspath(__file__))
    files = [os.path.join(FOLDER, f"{name}.toml") for name in known()] + [os.path.join(here, "edition_file.py")]
    return sys.hexversion, tuple((os.path.basename(file), (stat := os.stat(file)).st_mtime_ns, stat.st_size) for file in files)


def _keep(shelf: str, content: tuple) -> None:
    """Keeps the checked editions beside their files, as Python keeps its own compiled modules: reading the TOML at every start would take as
    long as checking eight forms. Where nothing can be written there, the next start reads them again."""
    new = f"{shelf}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(shelf), exist_ok=True)
        with open(new, "wb") as stream:
            marshal.dump(content, stream)
        os.replace(new, shelf)
    except OSError:
        pass


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
