"""A long run over mixed forms, some of them hostile: memory flat, every file accounted for.

    python benchmarks/soak.py [number of files] [forms to mix from]
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "tests")]

import attacks  # noqa: E402 - stands in tests/
import old_forms  # noqa: E402

from perfeval_xl import contain  # noqa: E402

#: one file in so many is hostile; some end the process of a reader that has no gate
HOSTILE = 50


def resident(pid: int | str) -> int:
    """Kilobytes of memory that a process holds now; 0 where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
    except OSError:
        return 0


def work(path: str, *_: object) -> tuple[str, str, int]:
    """Checks one file in the worker: (path, code of its refusal or "", kilobytes of the worker)."""
    from perfeval_xl import record

    one = record.check_file(path)[0]
    return path, one.refusal.code if one.refusal else "", resident("self")


def mixed(folder: str, count: int, kinds: int) -> dict[str, str]:
    """Path -> the code that is expected for it."""
    dice = random.Random(7)
    everything = {**attacks.containers(), **attacks.zip_tricks(), **attacks.extents(), **attacks.xml_tricks()}
    evil = [(data, code, "xlsx") for data, code in everything.values() if code and len(data) < 300_000]
    evil += [(old_forms.compound(old_forms.book(), table={7: 7}), "X103", "xls"), (old_forms.book(), "X103", "xls"),
             (old_forms.ods(old_forms.content(rows={9: ' table:number-rows-repeated="1048576"'})), "X114", "ods")]
    forms = []
    for n in range(kinds):
        picture = attacks.FORM.replace("某区数据中心", f"第{n}号单位").replace("|400|400|360|", f"|{400 + n}|400|360|")
        make = {8: lambda picture: old_forms.xls(picture=picture), 9: lambda picture: old_forms.ods(old_forms.content(picture))}
        data = make.get(n % 10, attacks.workbook)(picture)
        forms.append((data, "", {8: "xls", 9: "ods"}.get(n % 10, "xlsx")))
    found = {}
    for n in range(count):
        data, code, kind = dice.choice(evil if n % HOSTILE == HOSTILE // 2 else forms)
        path = os.path.join(folder, f"{n:05d}.{kind}")
        with open(path, "wb") as stream:
            stream.write(data)
        found[path] = code
    return found


def soak(count: int, kinds: int) -> tuple[int, int, int, float]:
    """Runs over so many files; gives (files answered for, wrong answers, kilobytes the worker grew after its first quarter, seconds)."""
    with tempfile.TemporaryDirectory() as folder:
        expected = mixed(folder, count, kinds)
        start, memory, wrong, answered = time.perf_counter(), [], 0, 0
        for path, code, kilobytes in contain.each(work, expected, lambda path, refusal: (path, refusal.code, 0)):
            answered += 1
            wrong += code != expected[path]
            memory.append(kilobytes)
        later = memory[len(memory) // 4 :]
        return answered, wrong, max(later) - later[0], time.perf_counter() - start


def main() -> None:
    """Prints what a run gave."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000
    import soak as importable  # by this name the worker finds ``work``; a script is __main__ to itself

    answered, wrong, grown, seconds = importable.soak(count, int(sys.argv[2]) if len(sys.argv) > 2 else 200)
    print(f"{answered} of {count} files accounted for, {wrong} not as expected, {seconds:.0f} s; "
          f"the worker grew by {grown // 1024} MB after its first quarter, this process has {resident('self') // 1024} MB")
    sys.exit(answered != count or wrong > 0)


if __name__ == "__main__":
    main()
