"""Work on files from outside in a process of its own, with a limit of time and memory: a file that brings it down costs itself and no other.

One worker serves a whole run. It is a plain ``python -c`` that talks over its pipes, so it starts the same way on every system, inside the
server of the worksheet functions as well, and never imports the script that started it. When it dies, or takes too long, the first file it
has not answered for becomes a refusal (X125, X124), a new worker begins, and the run goes on behind that file.

Time is held on every system. Memory is held where the system can (Linux; macOS in part): the standard library has no way to do so on Windows,
where the gate alone stands between a file and the memory.
"""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from perfeval_xl import gate, messages
from perfeval_xl.messages import Refusal

#: so many files are handed to the worker before the first answer is read: it need not wait for us, and their names fit into the smallest pipe
_AHEAD = 4
#: a worker that begins on a slow share imports for a while
_START_SECONDS = 30
_SIZE = struct.Struct("<L")
_READY = b"ready"
_START = "import sys; sys.path[:0] = {path!r}; from perfeval_xl.contain import _serve; _serve()"


def check_files(paths: Iterable[str], wanted: str = "") -> Iterator:
    """``record.check_files`` in a worker: the same records in the same order, and one with a refusal for a file that the worker did not survive."""
    from perfeval_xl.record import Record, check_file

    for records in each(check_file, paths, lambda path, refusal: [Record(path, refusal=refusal)], wanted):
        yield from records


def each(work: Callable, paths: Iterable[str], lost: Callable[[str, Refusal], Any], *options: object) -> Iterator:
    """What ``work(path, *options)`` gives for each path, in their order, done by one worker process; for a path that killed it or took too
    long, what ``lost(path, refusal)`` gives. ``work`` is a function of a module that can be imported, its results are anything that can be
    pickled. Where no worker can be started at all, the work is done in this process: the gate stands before it there too."""
    if work.__module__ == "__main__":
        raise ValueError("a worker cannot import a function of __main__")
    gate.look_up()
    waiting: deque[str] = deque()
    rest, worker, stood = iter(paths), None, False
    try:
        while True:
            worker = worker or _Worker(work, options)
            while len(waiting) < _AHEAD and (path := next(rest, None)) is not None:
                waiting.append(path)
                worker.hand(path)
            if not waiting:
                return
            try:
                result = worker.answer()
                stood = True
            except EOFError:
                if not (stood := stood or worker.ready):
                    yield from (work(path, *options) for path in (*waiting, *rest))
                    return
                result, worker = lost(waiting[0], worker.close(os.path.basename(os.path.normpath(waiting[0])))), None
            waiting.popleft()
            if worker is None and waiting:
                worker = _Worker(work, options)
                for path in waiting:
                    worker.hand(path)
            yield result
    finally:
        if worker:
            worker.close("")


class _Worker:
    """The process, and the clock that ends it."""

    def __init__(self, work: Callable, options: tuple) -> None:
        command = [sys.executable, "-c", _START.format(path=[one or os.getcwd() for one in sys.path])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                         env={**os.environ, "RUST_BACKTRACE": "0"})
        self.ready = False
        self._seconds, self._late, self._over = gate.limit("seconds"), False, threading.Event()
        self._deadline = float("inf")
        threading.Thread(target=self._watch, daemon=True).start()
        self._send((work.__module__, work.__qualname__, options, messages.language(), gate.limit("memory")))

    def hand(self, path: str) -> None:
        """Gives the worker a path to work on."""
        self._send(path)

    def answer(self) -> Any:
        """The next result; EOFError where the worker is gone, ``ready`` then tells whether it ever stood."""
        if not self.ready:
            self._read(len(_READY), _START_SECONDS)
            self.ready = True
        size, = _SIZE.unpack(self._read(_SIZE.size, self._seconds))
        return pickle.loads(self._read(size, self._seconds))

    def close(self, file: str) -> Refusal:
        """Ends the worker, and says what it died of while it had this file."""
        self._over.set()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except OSError:  # a path that the dead worker never took is still in the pipe
                continue
        if self._process.poll() is None:
            self._process.kill()
        status = self._process.wait()
        if self._late:
            return Refusal("X124", file=file, expected=self._seconds)
        return Refusal("X125", file=file, why=f"退出码 {status}", why_en=f"exit status {status}")

    def _send(self, what: object) -> None:
        data = pickle.dumps(what)
        try:
            self._process.stdin.write(_SIZE.pack(len(data)) + data)
            self._process.stdin.flush()
        except OSError:  # it is gone; whoever reads the answer will notice
            return

    def _read(self, size: int, seconds: int) -> bytes:
        self._deadline = time.monotonic() + seconds
        data = self._process.stdout.read(size)
        self._deadline = float("inf")  # the clock stands while whoever asked does something else
        if len(data) < size:
            raise EOFError
        return data

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            if time.monotonic() > self._deadline:
                self._late = True
                self._process.kill()
                return


def _serve() -> None:
    """The worker: reads paths, works, writes results, until its input ends. Nothing else may write to its output."""
    import gc
    import importlib
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    module, name, options, lang, memory = pickle.loads(_next(source))
    _hold_memory(memory)
    messages.speak(lang)
    work = getattr(importlib.import_module(module), name)
    target.write(_READY)
    target.flush()  # before any file is touched: a worker that never said so is taken for one that cannot start
    gc.disable()  # as record.check_files: a check leaves no cycles behind
    while data := _next(source):
        result = pickle.dumps(work(pickle.loads(data), *options), pickle.HIGHEST_PROTOCOL)
        target.write(_SIZE.pack(len(result)) + result)
        target.flush()


def _next(source) -> bytes:
    head = source.read(_SIZE.size)
    return source.read(_SIZE.unpack(head)[0]) if len(head) == _SIZE.size else b""


def _hold_memory(most: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (ValueError, OSError):  # macOS has the name, not the limit
        return
