"""The Parquet data set holds the rows of the workbook; skipped where pyarrow is not installed."""

import pytest
from districts import picture, save

from perfeval_xl import district, gather, parquet

pq = pytest.importorskip("pyarrow.parquet")


def test_forms_indicators_and_findings_are_joined_by_the_form(tmp_path, monkeypatch):
    monkeypatch.setattr(parquet, "PORTION", 2)
    for n in range(5):
        save(tmp_path / f"{n}.xlsx", picture(f"第{n}局", total=90 + n))
    (tmp_path / "坏.xlsx").write_bytes(b"PK")
    found = district.consolidate(gather.read_all(gather.find([str(tmp_path)])))
    written = parquet.write(found, str(tmp_path / "数据"))
    forms, indicators, findings = (pq.read_table(path).to_pylist() for path in written)
    assert [one["department"] for one in forms] == [*(f"第{n}局" for n in range(5)), ""] and forms[5]["error_code"] == "X103"
    assert len(indicators) == 20 and {one["form"] for one in indicators} == set(range(5))
    assert sum(one["score"] for one in indicators if one["form"] == 2) == 90
    assert [(one["form"], one["code"]) for one in findings] == [(n, "S101") for n in range(5)]


def test_a_run_without_forms_is_empty_tables(tmp_path):
    assert all(pq.read_table(path).num_rows == 0 for path in parquet.write(district.consolidate([]), str(tmp_path)))
