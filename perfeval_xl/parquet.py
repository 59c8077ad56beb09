"""The rows of a run as a Parquet data set, for what no longer fits into one workbook: a sheet ends at 1,048,576 rows, which is some thirty
thousand forms. One file each for forms, indicators and findings, in portions, so that the memory does not grow with the run.
"""

import os
from collections.abc import Iterator

from perfeval_xl.compact import FINDING, INDICATOR
from perfeval_xl.district import District, department_key, stated_grade
from perfeval_xl.messages import Refusal

#: forms whose rows are kept at a time
PORTION = 2_000
_NUMBERS = frozenset(("weight", "score", "score_stated", "deviation", "deviation_stated", "initial", "adjusted", "executed",
                      "rate", "total", "total_stated"))
_WHOLE = frozenset(("year", "errors", "warnings", "notes", "form"))
_FORM = ("form", "file", "sheet", "sha256", "origin", "state", "edition", "department", "project", "year", "initial", "adjusted", "executed", "rate",
         "total", "total_stated", "grade", "grade_stated", "errors", "warnings", "notes", "error_code", "error_message")


def write(district: District, folder: str) -> list[str]:
    """Writes forms.parquet, indicators.parquet and findings.parquet; the column ``form`` joins them. Indicators and findings are those of the
    forms that count. Refused where pyarrow is missing (X305) or the folder cannot be written (X116)."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise Refusal("X305", stated="pyarrow", expected="records") from None
    tables = {"forms": (_FORM, _forms), "indicators": (("form", "department", *INDICATOR), _indicators),
              "findings": (("form", "department", *FINDING), _findings)}
    written = []
    try:
        os.makedirs(folder, exist_ok=True)
        for name, (columns, rows) in tables.items():
            kinds = {one: pyarrow.int64() if one in _WHOLE else pyarrow.float64() if one in _NUMBERS else pyarrow.string() for one in columns}
            schema = pyarrow.schema(list(kinds.items()))
            path = os.path.join(folder, f"{name}.parquet")
            draft = f"{path}.{os.getpid()}.tmp"
            try:
                with pyarrow.parquet.ParquetWriter(draft, schema) as writer:
                    for portion in rows(district):
                        values = zip(*portion, strict=True) if portion else [[] for _ in columns]
                        writer.write_table(pyarrow.table([pyarrow.array(_cast(one, column), field.type) for column, one, field in zip(
                            values, columns, schema, strict=True)], schema=schema))
                os.replace(draft, path)
            finally:
                if os.path.exists(draft):
                    os.remove(draft)
            written.append(path)
    except OSError as error:
        raise Refusal("X116", file=folder, why=error.strerror or error) from None
    return written


def _cast(name: str, values) -> list:
    return [None if one is None else float(one) for one in values] if name in _NUMBERS else list(values)


def _forms(district: District) -> Iterator[list[tuple]]:
    lines = district.lines
    for start in range(0, max(len(lines), 1), PORTION):
        portion = []
        for n, line in enumerate(lines[start : start + PORTION], start):
            form, money = line.form, line.form.funds_total
            portion.append((n, form.path, form.sheet, form.sha256, form.origin, line.state, form.edition, line.name, form.project, form.year,
                            *(money[2:5] if money else (None,) * 3), form.rate, form.total, form.total_stated, form.grade,
                            stated_grade(form), *form.counts, *(form.error or (None, None))))
        yield portion


def _numbers(district: District) -> dict[tuple, int]:
    return {(line.form.origin, line.form.path, line.form.sheet, department_key(line.form, line.name)): n for n, line in enumerate(district.lines)}


def _rows(district: District, what: str) -> Iterator[list[tuple]]:
    numbers = _numbers(district)
    for start in range(0, max(len(district.counted), 1), PORTION):
        portion = []
        for line in district.counted[start : start + PORTION]:
            number = numbers[line.form.origin, line.form.path, line.form.sheet, department_key(line.form, line.name)]
            portion += [(number, line.name, *row) for row in getattr(line.form, what)()]
        yield portion


def _indicators(district: District) -> Iterator[list[tuple]]:
    yield from _rows(district, "indicators")


def _findings(district: District) -> Iterator[list[tuple]]:
    yield from _rows(district, "findings")
