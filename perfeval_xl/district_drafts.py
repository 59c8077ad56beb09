"""Forms for a district workbook: read, checked, and with what each of them puts into it already written. Processes that read do this too, so that
the one that waits for them has only to put things in their places.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import IO, NamedTuple

from perfeval_xl import district_lists, gather, messages
from perfeval_xl.compact import Form, packed, to_stamp
from perfeval_xl.drafts import LATER, Draft, Shape, placed

#: bytes of drafts that stay in memory
_SPOOL = 64_000_000


class Drafted(NamedTuple):
    """The line of a form, packed; its rows of 指标明细 without their place, department and file."""

    form: Form
    rows: bytes


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
        import tempfile  # no worker needs it

        self._file: IO[bytes] = tempfile.SpooledTemporaryFile(_SPOOL)  # noqa: SIM115 - closed when the workbook is written
        self._places: dict[tuple, tuple[int, int, Form]] = {}
        self._end = 0

    def keep(self, found: Drafted | Form, names: Mapping[str, str] | None = None) -> Form:
        """Takes a form in, with its drafts or (a file that was lost) without; gives its line, under the file's own name."""
        form, rows = found if type(found) is Drafted else drafted(found)
        if (path := (names or {}).get(form.path, form.path)) != form.path:
            form = packed(form._replace(path=path))
        self._file.write(rows)
        self._places[_key(form)] = self._end, len(rows), form
        self._end += len(rows)
        return form

    def rows(self, form: Form, name: str, file: str, first: int) -> bytes:
        """The rows of a form, of the department ``name`` and in this file, from the row with this number on."""
        if _key(form) not in self._places:
            self.keep(form)
        start, size, _ = self._places[_key(form)]
        return placed(self._read(start, size), first, (name, file))

    def stamp(self, form: Form) -> bytes:
        """The line of a form as the workbook keeps it."""
        *_, kept = self._places.get(_key(form), (0, 0, None))
        return to_stamp(form if kept is form else packed(form))  # a report may have added findings to it

    def _read(self, start: int, size: int) -> bytes:
        self._file.seek(start)
        found = self._file.read(size)
        self._file.seek(self._end)
        return found

    def close(self) -> None:
        """They are needed no more."""
        self._file.close()


def _key(form: Form) -> tuple:
    return form.origin, form.path, form.sheet
