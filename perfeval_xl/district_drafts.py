"""Forms for a district workbook: read, checked, and with what each of them puts into it already written. Processes that read do this too, so that
the one that waits for them has only to put things in their places.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO, NamedTuple

from perfeval_xl import district_lists, gather, messages
from perfeval_xl.compact import Form, packed, to_stamp
from perfeval_xl.drafts import LATER, NEXT, Draft, Shape, placed

#: bytes of drafts that stay in memory
_IN_MEMORY = 64_000_000


class Drafted(NamedTuple):
    """The line of a form, packed; its rows of 指标明细 without their place, department and file."""

    form: Form
    rows: tuple[bytes, ...]


def many(paths: Sequence[str], wanted: str = "", lang: str = "") -> list[list[Drafted]]:
    """``gather.read_many`` with drafts."""
    return [[drafted(form, lang) for form in forms] for forms in gather.read_many(paths, wanted, lang)]


def one(path: str, wanted: str = "", lang: str = "") -> list[Drafted]:
    """The same of one file."""
    return many([path], wanted, lang)[0]


def drafted(form: Form, lang: str = "") -> Drafted:
    """What a form puts into the workbook, in the language given."""
    rows = _draft().rows(district_lists.indicators_of(*LATER, form, _kinds(messages.language(lang))))
    return Drafted(packed(form), rows)


def shape() -> Shape:
    """How the rows of 指标明细 look. Their formats are the first of the workbook, numbered as they occur: whoever drafts rows has no workbook."""
    numbers: dict[str, int] = {}
    columns = district_lists.indicator_columns()
    styles = tuple([numbers.setdefault(column.look, len(numbers) + 1) for column in columns])
    return Shape(styles, district_lists.wrapped(columns))


_draft = cache(lambda: Draft(shape()))
_kinds = cache(district_lists.kinds)


class Drafts:
    """Everything that was drafted for a run, outside the memory where it is much."""

    def __init__(self) -> None:
        self._rows: dict[tuple, tuple[bytes, ...]] = {}
        self._away: dict[tuple, tuple[int, int]] = {}
        self._forms: dict[tuple, Form] = {}
        self._size = 0
        self._file: IO[bytes] | None = None

    def keep(self, found: Drafted | Form, names: Mapping[str, str] | None = None) -> Form:
        """Takes a form in, with its drafts or (a file that was lost) without; gives its line, under the file's own name."""
        form, rows = found if type(found) is Drafted else drafted(found)
        if (path := (names or {}).get(form.path, form.path)) != form.path:
            form = packed(form._replace(path=path))
        key = _key(form)
        self._size += sum(map(len, rows))
        if self._size < _IN_MEMORY:
            self._rows[key] = rows
        else:
            self._away[key] = self._put_away(NEXT.join(rows))
        self._forms[key] = form
        return form

    def _put_away(self, rows: bytes) -> tuple[int, int]:
        if self._file is None:
            import tempfile  # most runs need none, and a worker never does

            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the workbook is written
        start = self._file.seek(0, os.SEEK_END)
        self._file.write(rows)
        return start, len(rows)

    def rows(self, form: Form, name: str, file: str, first: int) -> bytes:
        """The rows of a form, of the department ``name`` and in this file, from the row with this number on."""
        key = _key(form)
        if key not in self._forms:
            self.keep(form)
        if key in self._away:
            start, size = self._away[key]
            self._file.seek(start)
            rows = self._file.read(size).split(NEXT)
        else:
            rows = self._rows[key]
        return placed(rows, first, (name, file))

    def stamp(self, form: Form) -> bytes:
        """The line of a form as the workbook keeps it."""
        # a report may have added findings to it
        return to_stamp(form if self._forms.get(_key(form)) is form else packed(form))

    def close(self) -> None:
        """They are needed no more."""
        if self._file is not None:
            self._file.close()


def _key(form: Form) -> tuple:
    return form.origin, form.path, form.sheet
