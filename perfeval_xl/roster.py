"""The roster (名册) of who has to submit: names, with other names and a year where the list has them; and how a name on a form is held
against it. Only the same name is the same department: a similar one is a question, never a join.
"""

import csv
import io
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl import gate
from perfeval_xl.messages import Refusal
from perfeval_xl.numbers import fold
from perfeval_xl.patterns import Pattern

_NAME = Pattern(r"(?:预算)?(?:部门|单位)(?:\(单位\))?(?:全称|名称)?|名称|全称|name|department", re.I)
_OTHER = Pattern(r"(?:别名|简称|曾用名|原名|其他名称)|alias(?:es)?", re.I)
_YEAR = Pattern(r"年度|年份|year", re.I)
#: how like two names must be to be asked about (1 = the same)
_LIKE = 0.72


class Department(NamedTuple):
    """One line of the roster."""

    name: str
    others: tuple[str, ...] = ()
    year: int | None = None


class Roster:
    """The departments in their order, and their names as keys."""

    def __init__(self, departments: Iterable[Department] = ()) -> None:
        self.departments: list[Department] = []
        self._by_key: dict[str, Department] = {}
        for one in departments:
            if key(one.name) not in self._by_key:
                self.departments.append(one)
            for name in (one.name, *one.others):
                self._by_key.setdefault(key(name), one)

    def get(self, name: str) -> Department | None:
        """The department of this name, or of this other name."""
        return self._by_key.get(key(name))

    def like(self, name: str) -> str:
        """The name on the roster that is most like this one and not the same, "" where none is: to be asked about."""
        import difflib

        mine = key(name)
        inside = sorted((known for known in self._by_key if min(len(known), len(mine)) >= 3 and (mine in known or known in mine)), key=len)
        near = inside[-1:] or difflib.get_close_matches(mine, sorted(self._by_key), 1, _LIKE)
        return self._by_key[near[0]].name if near else ""


@lru_cache(maxsize=4096)
def key(name: str | None) -> str:
    """A name without what two writers of it do differently: width, blanks, line breaks."""
    return "".join(fold(name or "").split()).casefold()


def load(path: str) -> Roster:
    """Reads a roster from .txt or .csv (one department a line) or the first filled sheet of a workbook; refused (X302) where it has no name."""
    extension = os.path.splitext(path)[1].lower()
    rows = _text_rows(path, extension) if extension in (".txt", ".csv", ".tsv") else _sheet_rows(path)
    roster = from_rows(rows)
    if not roster.departments:
        raise Refusal("X302", file=os.path.basename(path))
    return roster


def from_rows(rows: Iterable[Iterable]) -> Roster:
    """The roster that stands in rows of cells, with headings or without; one without departments where there is no name."""
    return Roster(_departments([[str(cell).strip() for cell in row] for row in rows]))


def _text_rows(path: str, extension: str) -> list[list[str]]:
    try:
        with open(path, "rb") as stream:
            gate.hold("file", os.fstat(stream.fileno()).st_size)
            data = stream.read()
    except Refusal as refusal:
        refusal.args_.setdefault("file", os.path.basename(path))
        raise
    except FileNotFoundError:
        raise Refusal("X101", file=path) from None
    except OSError as error:
        raise Refusal("X112", file=os.path.basename(path), why=error.strerror or error) from None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("gb18030", "replace")  # what Excel and the notepad of a Chinese Windows write
    if extension == ".txt" and "\t" not in text:
        return [[line] for line in text.splitlines()]
    return list(csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text else ","))


def _sheet_rows(path: str) -> list[list]:
    from perfeval_xl import intake

    return next((sheet.rows for sheet in intake.load(path).sheets if sheet.rows), [])


def _departments(rows: list[list[str]]) -> list[Department]:
    """From under the headings where there are any; else the first column that holds names."""
    for n, row in enumerate(rows[:10]):
        heads = [re.sub(r"\s+", "", fold(cell)) for cell in row]
        names = [column for column, head in enumerate(heads) if _NAME.fullmatch(head)]
        if names:
            others = [column for column, head in enumerate(heads) if _OTHER.fullmatch(head)]
            years = [column for column, head in enumerate(heads) if _YEAR.fullmatch(head)]
            return [one for line in rows[n + 1 :] if (one := _department(line, names[0], others, years))]
    return [one for line in rows if (one := _department(line, next((n for n, cell in enumerate(line) if _is_name(cell)), 0), [], []))]


def _department(line: list[str], name: int, others: list[int], years: list[int]) -> Department | None:
    cells = dict(enumerate(line))
    if not _is_name(cells.get(name, "")):
        return None
    spellings = tuple(part for column in others for part in re.split(r"[、,，;；/]", cells.get(column, "")) if part.strip())
    year = next((int(match[0]) for column in years if (match := re.search("20[0-9]{2}", cells.get(column, "")))), None)
    return Department(cells[name], tuple(part.strip() for part in spellings), year)


def _is_name(cell: str) -> bool:
    return bool(cell) and not re.fullmatch(r"[0-9.\s]*", cell) and cell not in ("合计", "总计", "小计")
