"""What a worker may die of, as functions that a worker can import by name."""

from __future__ import annotations

import io
import os
import time

from perfeval_xl.messages import Refusal


def work(path: str, *_: object) -> tuple[str, int]:
    """Does what the name of the file says; gives (name, number of this process)."""
    name = os.path.basename(path)
    if name.startswith("abort"):
        import python_calamine

        with open(path, "rb") as stream:
            python_calamine.load_workbook(io.BytesIO(stream.read())).get_sheet_by_index(0)
    elif name.startswith("hang"):
        time.sleep(600)
    elif name.startswith("exit"):
        os._exit(3)
    elif name.startswith("memory"):
        return name, len(bytearray(64_000_000_000))
    print("said on standard output")
    return name, os.getpid()


def work_many(paths: tuple[str, ...], *_: object) -> list[tuple[str, int]]:
    """The same for a portion of files."""
    return list(map(work, paths))


def echo(task: tuple, *_: object) -> tuple:
    """A result as long as its task."""
    return task


def command(task: str, *_: object) -> tuple[int, list[str]]:
    """The number of this process, and what it was started with."""
    with open("/proc/self/cmdline", encoding="utf-8") as stream:
        return os.getpid(), stream.read().split("\0")


def refuse(path: str, *_: object) -> None:
    """Cannot write, say."""
    raise Refusal("X116", file=path, why="x")
