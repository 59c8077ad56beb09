"""The process that does work on files from outside for ``contain``: started, talked to over its pipes, watched, and ended. What goes on inside is
``served``.

It is a plain ``python -c`` and never imports the script that started it; or, where it is known to be safe, a copy of its owner, which has loaded
everything already: several of them start in the time of one.
"""

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from perfeval_xl import gate, messages
from perfeval_xl.messages import Refusal
from perfeval_xl.served import READY, SIZE, serve

#: a worker that begins on a slow share imports for a while
_START_SECONDS = 30
#: a panic of a compiled reader need not say where it was
_QUIET = {"RUST_BACKTRACE": "0"}
#: under Excel there is no console, and Windows would open one for each worker
_NO_WINDOW = getattr(subprocess, "CREATE_NO_WINDOW", 0)
#: where Linux lists what a process has open
_OPEN = "/proc/self/fd"
_START = "import sys; sys.path[:0] = {path!r}; from perfeval_xl.served import serve; serve({module!r})"


def may_copy() -> bool:
    """Whether a worker may begin as a copy of this process. A lock that another thread holds would stay locked in it, and outside Linux what the
    system itself has running in a process need not survive."""
    return sys.platform == "linux" and threading.active_count() == 1 and os.path.isdir(_OPEN)


class Worker:
    """The process, and the clock that ends it."""

    def __init__(self, module: str = "", copy: bool = False) -> None:
        """The process is started, and loads this module; it waits to hear what its work is. ``copy``: of this process, if it ``may_copy``."""
        self._process = _Copy(module) if copy else _started(module)
        self.ready = False
        self._seconds, self._late, self._over = gate.limit("seconds"), False, threading.Event()
        self._deadline = float("inf")

    def begin(self, work: Callable, options: tuple) -> None:
        """Its work: a function of a module that can be imported, with these options behind each task."""
        threading.Thread(target=self._watch, daemon=True).start()
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

    def end(self) -> None:
        """Ends the worker, which has begun its work and has none left. It takes the system some milliseconds, for which nobody waits."""
        self._close()
        self._over.set()

    def close(self, file: str) -> Refusal:
        """Ends the worker, and says what it died of while it had this file."""
        self._close()
        self._over.set()
        status = self._process.wait()
        if self._late:
            return Refusal("X124", file=file, expected=self._seconds)
        return Refusal("X125", file=file, why=f"退出码 {status}", why_en=f"exit status {status}")

    def _close(self) -> None:
        # before the clock hears that all is over: it then waits for the process, as long as that takes
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                pipe.close()
            except OSError:  # a path that the dead worker never took is still in the pipe
                continue
        if self._process.poll() is None:
            self._process.kill()

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
        self._process.wait()


def _started(module: str) -> subprocess.Popen:
    command = [sys.executable, "-c", _START.format(path=[one or os.getcwd() for one in sys.path], module=module)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={**os.environ, **_QUIET},
                            creationflags=_NO_WINDOW)


class _Copy:
    """A process that begins as a copy of this one, with what ``Worker`` asks of a ``subprocess.Popen``."""

    def __init__(self, module: str) -> None:
        (theirs_in, ours_out), (ours_in, theirs_out) = os.pipe(), os.pipe()
        self._id, self._status, self._asking = os.fork(), None, threading.Lock()
        if self._id == 0:
            _serve(module, theirs_in, theirs_out)
        os.close(theirs_in)
        os.close(theirs_out)
        self.stdin, self.stdout = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")

    def poll(self) -> int | None:
        """Its exit status, None while it runs."""
        return self._wait(os.WNOHANG)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        return self._wait(0)

    def _wait(self, how: int) -> int | None:
        with self._asking:  # a process can be waited for once
            if self._status is None:
                ended, status = os.waitpid(self._id, how)
                self._status = os.waitstatus_to_exitcode(status) if ended else None
            return self._status

    def kill(self) -> None:
        """Ends it."""
        if self.poll() is None:
            os.kill(self._id, signal.SIGKILL)


def _serve(module: str, source: int, target: int) -> None:
    """The life of a copy. It never comes back, and nothing that its owner has left to do is done twice."""
    try:
        os.dup2(source, 0)
        os.dup2(target, 1)
        os.dup2(os.open(os.devnull, os.O_RDWR), 2)
        for one in map(int, os.listdir(_OPEN)):
            if one > 2:  # the pipes of other workers too: their owner could not end them by closing its own ends
                with contextlib.suppress(OSError):
                    os.close(one)
        os.environ.update(_QUIET)
        serve(module)
    except BaseException:
        os._exit(1)
    os._exit(0)
