"""The process that does work on files from outside for ``contain``: started, talked to over its pipes, watched, and ended. What goes on inside is
``served``.

It is a plain ``python -c`` and never imports the script that started it.
"""

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from perfeval_xl import gate, messages
from perfeval_xl.messages import Refusal
from perfeval_xl.served import READY, SIZE

#: a worker that begins on a slow share imports for a while
_START_SECONDS = 30
#: under Excel there is no console, and Windows would open one for each worker
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_START = "import sys; sys.path[:0] = {path!r}; from perfeval_xl.served import serve; serve({module!r})"


class Worker:
    """The process, and the clock that ends it."""

    def __init__(self, module: str = "") -> None:
        """The process is started, and loads this module; it waits to hear what its work is."""
        command = [sys.executable, "-c", _START.format(path=[one or os.getcwd() for one in sys.path], module=module)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                         env={**os.environ, "RUST_BACKTRACE": "0"}, creationflags=_NO_WINDOW)
        self.ready = False
        self._seconds, self._late, self._over = gate.limit("seconds"), False, threading.Event()
        self._deadline = float("inf")
        threading.Thread(target=self._watch, daemon=True).start()

    def begin(self, work: Callable, options: tuple) -> None:
        """Its work: a function of a module that can be imported, with these options behind each task."""
        self._send((work.__module__, work.__qualname__, options, messages.language(), gate.limit("memory")))

    def hand(self, task: object) -> None:
        """Gives the worker something to work on."""
        self._send(task)

    def kill(self) -> None:
        """Ends the worker in the middle of its work; whoever waits for its answer hears of it."""
        self._process.kill()

    def answer(self) -> Any:
        """The next result; EOFError where the worker is gone, ``ready`` then tells whether it ever stood. A refusal is raised."""
        if not self.ready:
            self._read(len(READY), _START_SECONDS)
            self.ready = True
        size, = SIZE.unpack(self._read(SIZE.size, self._seconds))
        result = pickle.loads(self._read(size, self._seconds))
        if isinstance(result, Refusal):
            raise result
        return result

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
            self._process.stdin.write(SIZE.pack(len(data)) + data)
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
