"""One consolidation from its paths to its results: what the command line, the demonstration and the benchmark start."""

import importlib
import os
import re
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple, Protocol

from perfeval_xl import district, district_drafts, files, gather, messages, record, roster
from perfeval_xl.compact import Form
from perfeval_xl.district_drafts import Drafts
from perfeval_xl.edition import get
from perfeval_xl.messages import Refusal

if TYPE_CHECKING:
    from perfeval_xl import pairing


class Wanted(NamedTuple):
    """What is to be consolidated and what is to come out; "" and 0 = not wanted, or as it fits."""

    paths: tuple[str, ...]
    out: str
    roster: str = ""
    since: str = ""
    send_back: str = ""
    json: str = ""
    records: str = ""
    year: int | None = None
    edition: str = ""
    workers: int = 0
    scheduler: str = ""
    reports: str = ""


class Done(NamedTuple):
    """What came out: the files written, the lines to be shown, and the counts of the run."""

    written: tuple[str, ...]
    said: tuple[str, ...]
    counts: dict[str, int]
    district: district.District


class Meter(Protocol):
    """Somebody who is told how far the run is."""

    def begin(self, total: int) -> None:
        """So many are to be done."""

    def __call__(self, count: int) -> None:
        """So many more are done."""


class Silent:
    """A meter that shows nothing."""

    def begin(self, total: int) -> None:
        """Nothing to show."""

    def __call__(self, count: int) -> None:
        """Nothing to show."""


def run(wanted: Wanted, reading: Meter | None = None, copying: Meter | None = None) -> Done:
    """Reads, compares and writes. Nothing is written before everything has been read, and each file in one step; what cannot be read is a line
    of the result. Refused before anything is read: an unknown edition, an unusable roster, an output that would replace something else."""
    with record.resting(), closing(Drafts()) as drafts:
        return _run(wanted, reading or Silent(), copying or Silent(), drafts)


def _run(wanted: Wanted, reading: Meter, copying: Meter, drafts: Drafts) -> Done:
    if wanted.edition:
        get(wanted.edition)
    _spare(wanted)
    due = roster.load(wanted.roster) if wanted.roster else None
    before = _last(wanted.since) if wanted.since else None
    own = (wanted.out, wanted.send_back, wanted.since, wanted.roster, wanted.records)
    paths = gather.find(wanted.paths, own)
    reports = _reports(wanted.reports, own)
    _spare_others(wanted, [*paths, *reports])
    if not paths:
        raise Refusal("X301", file="、".join(wanted.paths))
    reading.begin(len(paths))

    def told(count: int) -> None:
        importlib.import_module("perfeval_xl.district_file")  # once, while the workers read: XlsxWriter takes a while to load
        reading(count)

    found, pairs = district.consolidate(_read(paths, wanted, told, drafts), due, wanted.year, before), None
    if reports:
        from perfeval_xl import pairing

        # the findings of a report decide with those of its form whether it goes back
        pairs = pairing.add(found, reports, due, wanted.edition, messages.language(), wanted.workers)
        found = district.consolidate(pairs.forms, due, wanted.year, before)
        found = found._replace(findings=(*found.findings, *pairs.said))
    from perfeval_xl import district_file

    written = [wanted.out]
    district_file.write(found, wanted.out, drafts)
    if wanted.json:
        import json

        files.replace(wanted.json, json.dumps(_as_json(found, pairs), ensure_ascii=False, indent=1).encode("utf-8", "replace"))
        written.append(wanted.json)
    if wanted.records:
        from perfeval_xl import parquet

        written += parquet.write(found, wanted.records)
    if wanted.send_back:
        from perfeval_xl import send_back

        back = sum(line.state == "return" for line in found.counted)
        copying.begin(back)
        send_back.write(found, wanted.send_back, wanted.workers or min(os.cpu_count() or 1, max(1, back // 8)), copying,
                        pairs.reports if pairs is not None else {})
    counted = counts(found)
    if pairs is not None:  # a report that cannot be read is a file that cannot be read
        counted["unreadable"] += pairs.unreadable
    return Done(tuple(written), tuple(_said(found)), counted, found)


def _reports(folder: str, own: tuple[str, ...]) -> list[str]:
    if not folder:
        return []
    from perfeval_xl import pairing

    return pairing.find(folder, own)


def _as_json(found: district.District, pairs: "pairing.Pairs | None") -> dict:
    whole = district.as_json(found)
    return whole if pairs is None else {**whole, "summary": {**whole["summary"], "reports": pairs.as_json()}}


def _read(paths: list[str], wanted: Wanted, told: Callable[[int], None], drafts: Drafts) -> list[Form]:
    work = gather.Work(district_drafts.many, district_drafts.one, drafts.keep)
    if wanted.scheduler:
        from perfeval_xl import cluster

        return cluster.read_all(wanted.scheduler, paths, wanted.edition, messages.language(), told, work)
    return gather.read_all(paths, wanted.edition, messages.language(), wanted.workers, told, work)


def _spare(wanted: Wanted) -> None:
    """The output may replace an earlier district workbook, and nothing else: not a form, not what is to be read."""
    if os.path.exists(wanted.out):
        same = any(os.path.exists(path) and os.path.samefile(path, wanted.out) for path in wanted.paths)
        if same or not os.path.isfile(wanted.out) or not gather.is_district(wanted.out):
            raise Refusal("X117", file=wanted.out)


def _spare_others(wanted: Wanted, paths: list[str]) -> None:
    """The JSON may replace an earlier one, and nothing else."""
    if not wanted.json:
        return
    handed_in = (*paths, wanted.roster, wanted.since, wanted.out)
    if any(path and _same(path, wanted.json) for path in handed_in):
        raise Refusal("X117", file=wanted.json)
    if os.path.lexists(wanted.json) and not os.path.islink(wanted.json):
        try:
            with open(wanted.json, "rb") as stream:
                ours = re.match(rb'\s*\{\s*"schema"', stream.read(100))
        except OSError:
            ours = None
        if not ours:
            raise Refusal("X117", file=wanted.json)


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return os.path.normcase(os.path.abspath(one)) == os.path.normcase(os.path.abspath(other))


def _last(path: str) -> list[Form]:
    try:
        if not gather.is_district(path):
            raise Refusal("X308", file=os.path.basename(path))
    except FileNotFoundError:
        raise Refusal("X101", file=path) from None
    except OSError as error:
        raise Refusal("X112", file=os.path.basename(path), why=error.strerror or error) from None
    return [form._replace(origin="") for form in gather.stamped(path)]


def _said(found: district.District) -> list[str]:
    """What is to be shown: the findings across workbooks and the files that cannot be read."""
    lines = [messages.render(one.finding, "") for one in found.findings]
    return lines + [line.form.error[1] for line in found.lines if line.form.error]


def counts(found: district.District) -> dict[str, int]:
    """The counts of a run: files received, departments counted, missing, unreadable, to send back, errors and warnings."""
    across = [one.finding.severity for one in found.findings]
    summary = district.summary(found)
    return {"received": summary["received"], "counted": len(found.counted), "missing": len(found.missing), "unreadable": summary["unreadable"],
            "back": sum(line.state == "return" for line in found.counted),
            **{severity: sum(line.form.counts[n] for line in found.counted) + across.count(severity) for n, severity in enumerate(("error", "warning"))}}
