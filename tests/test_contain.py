"""The worker process: what kills it costs one file."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import attacks
import lethal
import pytest

from perfeval_xl import contain, record, worker


def lost(path, refusal):
    return refusal


def run(names, tmp_path):
    for name in names:
        (tmp_path / name).write_bytes(attacks.changed(attacks.cell("XFD1048576")) if name.startswith("abort") else b"x")
    return list(contain.each(lethal.work, [str(tmp_path / name) for name in names], lost))


def codes(results):
    return [one.code if isinstance(one, Exception) else one[0] for one in results]


def test_one_worker_does_all_the_files_in_their_order(tmp_path):
    names = [f"{n}.xlsx" for n in range(50)]
    results = run(names, tmp_path)
    assert codes(results) == names and len({pid for _, pid in results}) == 1 and results[0][1] != os.getpid()


def test_a_reader_that_aborts_costs_one_file(tmp_path):
    """calamine ends the process at a lone cell in the last corner, if nothing stands before it."""
    results = run(["1", "2", "abort1", "3", "abort2", "abort3", "4", "exit1", "5"], tmp_path)
    assert codes(results) == ["1", "2", "X125", "3", "X125", "X125", "4", "X125", "5"]
    assert "abort1" in results[2].words() and "abort1" in results[2].words("en")


def test_the_very_first_file_may_be_the_one(tmp_path):
    assert codes(run(["abort1"], tmp_path)) == ["X125"]
    assert codes(run(["abort1", "abort2", "1"], tmp_path)) == ["X125", "X125", "1"]


def test_a_file_that_takes_too_long_costs_one_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LIMITS", "seconds=1")
    start = time.monotonic()
    results = run(["1", "hang", "2"], tmp_path)
    assert codes(results) == ["1", "X124", "2"] and time.monotonic() - start < 30
    assert "1 秒" in results[1].words("zh")


def test_the_clock_stands_while_the_results_are_used(tmp_path, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LIMITS", "seconds=1")
    for n in range(12):
        (tmp_path / f"{n}").write_bytes(b"x")
    found = []
    for n, one in enumerate(contain.each(lethal.work, [str(tmp_path / f"{n}") for n in range(12)], lost)):
        time.sleep(1.5 if n == 1 else 0)
        found.append(one)
    assert codes(found) == [f"{n}" for n in range(12)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of memory in the standard library")
def test_a_file_that_wants_too_much_memory_costs_one_file(tmp_path, monkeypatch):
    monkeypatch.setenv("PERFEVAL_LIMITS", "memory=1000000000")
    assert codes(run(["1", "memory", "2"], tmp_path)) == ["1", "X125", "2"]


def test_more_dead_files_than_are_handed_over_at_a_time(tmp_path):
    names = [f"exit{n}" for n in range(20)] + ["1"]
    assert codes(run(names, tmp_path)) == ["X125"] * 20 + ["1"]


def test_where_no_worker_can_start_the_work_is_done_here(tmp_path, monkeypatch):
    monkeypatch.setattr(worker, "_START", "raise SystemExit(3)")
    results = run(["1", "2"], tmp_path)
    assert codes(results) == ["1", "2"] and {pid for _, pid in results} == {os.getpid()}


def test_a_function_that_no_worker_can_import_is_refused(monkeypatch):
    monkeypatch.setattr(lethal.work, "__module__", "__main__")
    with pytest.raises(ValueError):
        list(contain.each(lethal.work, ["x"], lost))


def test_no_files_need_no_worker(monkeypatch):
    assert list(contain.check_files([])) == []


def test_a_run_that_is_given_up_ends_its_worker(tmp_path):
    for name in ("1", "2"):
        (tmp_path / name).write_bytes(b"x")
    results = contain.each(lethal.work, [str(tmp_path / "1"), str(tmp_path / "2")], lost)
    _, pid = next(results)
    results.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_the_worker_gives_the_records_of_this_process(tmp_path):
    for n, data in enumerate((attacks.good(), b"PK\x03\x04", attacks.changed(attacks.cell("XFD1048576")))):
        (tmp_path / f"{n}.xlsx").write_bytes(data)
    paths = [str(tmp_path / f"{n}.xlsx") for n in range(3)]
    here, there = list(record.check_files(paths)), list(contain.check_files(paths))
    assert [record.as_json(one) for one in here] == [record.as_json(one) for one in there]


def test_fifty_checks_at_a_time(tmp_path):
    (tmp_path / "表.xlsx").write_bytes(attacks.good())
    command = [sys.executable, "-m", "perfeval_xl.cli", "check", str(tmp_path / "表.xlsx"), "--json"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) for _ in range(50)]
    outs = [one.communicate(timeout=120) for one in runs]
    assert {one.returncode for one in runs} == {0} and len({out for out, _ in outs}) == 1


def test_a_shortened_soak_accounts_for_every_file_and_stays_flat(monkeypatch):
    """The long one is ``python benchmarks/soak.py``."""
    monkeypatch.syspath_prepend(str(Path(__file__).parent.parent / "benchmarks"))
    import soak

    answered, wrong, grown, _ = soak.soak(400, 60)
    assert (answered, wrong) == (400, 0) and grown < 30_000


# ---- several workers, and other places to start them ----


def test_several_workers_share_a_run_and_each_death_costs_one_file(tmp_path):
    names = [f"{n:02d}" for n in range(30)] + ["exit1", "exit2", "exit3"]
    for name in names:
        (tmp_path / name).write_bytes(b"x")
    found = dict(contain.spread(lethal.work, [str(tmp_path / name) for name in names], lambda path, refusal: (refusal.code, 0), 3))
    assert {os.path.basename(path): one[0] for path, one in found.items()} == {
        name: "X125" if name.startswith("exit") else name for name in names}
    assert len({pid for _, pid in found.values() if pid}) > 1


def test_portions_with_a_fatal_file_are_read_file_by_file(tmp_path):
    names = [*(f"{n:02d}" for n in range(9)), "exit1", *(f"{n:02d}" for n in range(10, 20))]
    paths = [str(tmp_path / name) for name in names]
    for path in paths:
        Path(path).write_bytes(b"x")
    chunks = [tuple(paths[n : n + 5]) for n in range(0, 20, 5)]
    found = dict(contain.portions(lethal.work_many, lethal.work, chunks, lambda path, refusal: (refusal.code, 0), 2))
    assert [found[path][0] for path in paths] == ["X125" if name == "exit1" else name for name in names]


def test_a_run_of_several_workers_that_is_given_up_ends_them_all(tmp_path):
    for name in ("1", "2", "hang1", "hang2"):
        (tmp_path / name).write_bytes(b"x")
    run = contain.spread(lethal.work, [str(tmp_path / name) for name in ("1", "2", "hang1", "hang2")], lost, 2)
    pids = {next(run)[1][1], next(run)[1][1]}
    start = time.monotonic()
    run.close()
    assert time.monotonic() - start < 20
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_tasks_and_results_that_no_pipe_holds_do_not_wait_for_each_other():
    """Sixty paths are longer than a pipe of Windows is, and their results longer than any."""
    tasks, found = [(f"{n}.xlsx", "长" * 300_000) for n in range(6)], []
    run = threading.Thread(target=lambda: found.extend(contain.each(lethal.echo, tasks, lost)), daemon=True)
    run.start()
    run.join(60)
    assert found == tasks


AHEAD = """
import json, os, sys, threading, time
import lethal
from perfeval_xl import contain
if sys.argv[1] == "beside":
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
def lost(path, refusal):
    return refusal.code, 0
with contain.ahead("lethal", 4):
    given_up = contain.each(lethal.work, ["1", "hang"], lost)
    next(given_up)
    start = time.monotonic()
    given_up.close()
    took = time.monotonic() - start
    one = list(contain.each(lethal.command, ["x"], lost))[0]
    found = dict(contain.spread(lethal.work, sys.argv[2:], lost, 2))
time.sleep(0.5)
alive = [pid for pid in {one[0], *(pid for _, pid in found.values() if pid)} if os.path.exists(f"/proc/{pid}")]
print(json.dumps({"one": one, "found": {os.path.basename(path): code for path, (code, _) in found.items()}, "alive": alive, "took": took}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only there a worker begins as a copy")
@pytest.mark.parametrize("how", ["alone", "beside"])
def test_workers_that_began_as_copies_are_workers_like_others(tmp_path, how):
    """A copy costs nothing to start; beside other threads none is made."""
    names = [*(f"{n:02d}" for n in range(20)), "abort1", "exit1"]
    for name in names:
        (tmp_path / name).write_bytes(attacks.changed(attacks.cell("XFD1048576")) if name.startswith("abort") else b"x")
    done = subprocess.run([sys.executable, "-c", AHEAD, how, *(str(tmp_path / name) for name in names)], capture_output=True, text=True,
                          timeout=120, check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)})
    told = json.loads(done.stdout)
    assert told["found"] == {name: "X125" if name.startswith(("abort", "exit")) else name for name in names}
    assert (told["one"][1][2] == AHEAD) == (how == "alone")
    assert told["alive"] == [] and told["took"] < 20


def test_a_refusal_in_the_worker_is_a_refusal_here(tmp_path):
    with pytest.raises(contain.Refusal) as caught:
        list(contain.each(lethal.refuse, [str(tmp_path / "x")], lost))
    assert caught.value.code == "X116"


def test_under_the_server_of_the_worksheet_functions_a_dead_reader_costs_one_file(tmp_path, monkeypatch):
    """A crash in that process would take every formula of every open workbook down. Through xlwings' own ``call_udf``."""
    pytest.importorskip("xlwings")
    from udf_bench import ROOT, Bench

    for name in ("1", "abort", "exit", "2"):
        (tmp_path / name).write_bytes(attacks.changed(attacks.cell("XFD1048576")) if name == "abort" else b"x")
    monkeypatch.setattr("udf_bench.ROOT", f"{ROOT}{os.pathsep}{ROOT / 'tests'}")
    with Bench() as bench:
        assert bench.call("READ", str(tmp_path), module="udf_reader") == "1=1 2=2 abort=X125 exit=X125"
        assert bench.call("PE_SCORE", "≥90%", "100%", 5.0, "shangjie-2022") == 5  # and the formulas go on


def test_a_single_old_workbook_is_read_in_a_worker(tmp_path, monkeypatch):
    import old_forms

    seen = []
    monkeypatch.setattr(worker, "Worker", lambda *args: seen.append(1) or (_ for _ in ()).throw(RuntimeError("a worker")))
    (tmp_path / "表.xls").write_bytes(old_forms.xls())
    (tmp_path / "表.xlsx").write_bytes(attacks.good())
    assert next(contain.check_files([str(tmp_path / "表.xlsx")])).refusal is None and not seen
    with pytest.raises(RuntimeError):
        next(contain.check_files([str(tmp_path / "表.xls")]))


@pytest.mark.skipif(sys.platform == "win32", reason="the tree of processes is looked at in /proc")
@pytest.mark.parametrize("job", [["check"], ["consolidate", "-o", "OUT.xlsx", "--workers", "2"]])
def test_the_whole_tree_of_processes_stays_small_over_every_attack(tmp_path, job):
    """Each attack as a file of one run: resident memory of the command and of all that it starts, and processor time, are bounded."""
    import resource

    from test_gate import ALL

    evil = {name: data for name, (data, code) in ALL.items() if code and len(data) < 2_000_000}
    for n, data in enumerate(evil.values()):
        (tmp_path / f"{n:03d}.xlsx").write_bytes(data)
    arguments = [str(tmp_path)] if job[0] == "consolidate" else [str(path) for path in sorted(tmp_path.glob("*.xlsx"))]
    command = [sys.executable, "-m", "perfeval_xl.cli", *(str(tmp_path / word) if word == "OUT.xlsx" else word for word in job), "-q", *arguments]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    largest = 0
    with open(tmp_path / "out", "wb") as stream:
        run = subprocess.Popen(command, stdout=stream, stderr=subprocess.DEVNULL,
                               env={**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONIOENCODING": "utf-8"})
        while run.poll() is None:
            largest = max(largest, _tree(run.pid))
            time.sleep(0.02)
    out = (tmp_path / "out").read_text(encoding="utf-8")
    print(f"{len(evil)} files, {largest // 1024} MB")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run.returncode == 2 and sum("X1" in line or "表" in line or ".xlsx" in line for line in out.splitlines()) >= len(evil)
    assert largest < 900_000, largest  # kilobytes; one such file alone took 0.5 to 6 GB of other readers
    assert (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime) < 120


def _tree(pid: int) -> int:
    """Kilobytes that a process and its descendants hold."""
    total = 0
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
        total += int(status.partition("VmRSS:")[2].split()[0]) if "VmRSS:" in status else 0
        for task in Path(f"/proc/{pid}/task").iterdir():
            total += sum(_tree(int(child)) for child in (task / "children").read_text(encoding="ascii").split())
    except (OSError, ValueError, IndexError):
        return total
    return total
