"""The same reading on a real Dask cluster of two processes on this machine; skipped where Dask is not installed."""

from __future__ import annotations

import os
import signal
import time

import pytest
from districts import picture, save

from perfeval_xl import cluster, district, district_drafts, district_file, gather
from perfeval_xl.messages import Refusal

distributed = pytest.importorskip("distributed")
# Dask warns of ports that are taken, of slow scratch disks and of its own future
pytestmark = pytest.mark.filterwarnings("ignore")

_read_many = gather.read_many


def fatal_once(paths, wanted="", lang=""):
    """Reads as usual; the first process to find the mark beside the files takes it away and is killed."""
    mark = os.path.join(os.path.dirname(paths[0]), "mark")
    if os.path.exists(mark):
        os.remove(mark)
        os.kill(os.getpid(), signal.SIGKILL)
    return _read_many(paths, wanted, lang)


def fatal_file(paths, wanted="", lang=""):
    """Reads as usual, but one file kills whoever reads it."""
    if any(path.endswith("07.xlsx") for path in paths):
        os.kill(os.getpid(), signal.SIGKILL)
    return _read_many(paths, wanted, lang)


def fatal_one(path, wanted="", lang=""):
    """The same for a single file, in whichever process."""
    return fatal_file([path], wanted, lang)[0]


@pytest.fixture(scope="module")
def two():
    """A cluster of two workers."""
    import dask

    # one death is enough to suspect a file: each further one costs the start of a process
    with (dask.config.set({"distributed.scheduler.allowed-failures": 0}),
          distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", silence_logs=50) as here):
        yield here


@pytest.fixture
def address(two):
    """Where the scheduler is, once both workers stand and their nannies know it: a worker that is killed before takes its nanny with it, and Dask
    then waits half a minute for a worker that does not come."""
    deadline = time.monotonic() + 60
    while len(two.scheduler.workers) < 2 or any(nanny.status.name != "running" for nanny in two.workers.values()):
        two.scale(2)
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return two.scheduler_address


@pytest.fixture
def paths(tmp_path):
    return [save(tmp_path / f"{n:02d}.xlsx", picture(f"第{n}局")) for n in range(10)]


def test_a_cluster_gives_what_this_machine_gives(address, paths, monkeypatch):
    told = []
    assert cluster.read_all(address, paths, lang="zh", told=told.append) == gather.read_all(paths, lang="zh")
    assert sum(told) == 10
    monkeypatch.chdir(os.path.dirname(paths[0]))
    assert [form.path for form in cluster.read_all(address, ["03.xlsx"])] == ["03.xlsx"]


def test_a_cluster_takes_district_workbooks_and_drafts_what_it_reads(address, paths, tmp_path, monkeypatch):
    below = str(tmp_path / "甲区.xlsx")
    district_file.write(district.consolidate(gather.read_all(paths[:3], lang="zh")), below)
    monkeypatch.chdir(tmp_path)
    given = ["甲区.xlsx", *map(os.path.basename, paths[3:])]
    books = []
    for read in (lambda work: cluster.read_all(address, given, lang="zh", work=work),
                 lambda work: gather.read_all(given, lang="zh", work=work)):
        drafts = district_drafts.Drafts()
        forms = read(gather.Work(district_drafts.many, district_drafts.one, drafts.keep))
        books.append(district_file.data(district.consolidate(forms), str(tmp_path), drafts))
    assert len(forms) == 10 and forms == gather.read_all(given, lang="zh")
    assert books[0] == books[1] == district_file.data(district.consolidate(forms), str(tmp_path))


def test_a_lost_worker_loses_nothing_and_doubles_nothing(address, paths, monkeypatch):
    told, expected = [], gather.read_all(paths, lang="zh")
    with open(os.path.join(os.path.dirname(paths[0]), "mark"), "w", encoding="utf-8"):
        pass
    monkeypatch.setattr(gather, "read_many", fatal_once)
    assert cluster.read_all(address, paths, lang="zh", told=told.append) == expected
    assert sum(told) == 10


def test_a_file_that_kills_its_workers_is_a_line_that_says_so(address, paths, monkeypatch):
    monkeypatch.setattr(gather, "read_many", fatal_file)
    monkeypatch.setattr(gather, "read_one", fatal_one)
    lines = cluster.read_all(address, paths, lang="zh")
    assert [line.error and line.error[0] for line in lines] == [None] * 7 + ["X304"] + [None] * 2


def test_where_nobody_is_left_the_rest_is_read_here(paths, monkeypatch):
    monkeypatch.setattr(cluster, "ALONE", 1)
    with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1", silence_logs=50) as here:
        def leave(client, address):
            here.scale(0)
            while client.nthreads():
                pass

        monkeypatch.setattr(cluster, "_same_everywhere", leave)
        told = []
        assert cluster.read_all(here.scheduler_address, paths, lang="zh", told=told.append) == gather.read_all(paths, lang="zh")
        assert sum(told) == 10


def test_another_version_is_refused(address, paths, monkeypatch):
    monkeypatch.setattr(cluster, "__version__", "9.9.9")
    with pytest.raises(Refusal) as refused:
        cluster.read_all(address, paths)
    assert refused.value.code == "X306" and "9.9.9" in refused.value.words()


def test_nobody_there_is_said(monkeypatch, paths):
    monkeypatch.setattr(cluster, "PATIENCE", 1)
    with pytest.raises(Refusal) as refused:
        cluster.read_all("tcp://127.0.0.1:9", paths)
    assert refused.value.code == "X307"
