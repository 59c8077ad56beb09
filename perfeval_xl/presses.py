"""Two presses at once never work on one workbook: each press holds a lock on it.

Each press may be a Python of its own, so the lock is one of the operating system on a file in the user's folder. It goes with the process
that holds it, however that ends; nothing is left behind that could lock anybody out.
"""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

from perfeval_xl import log
from perfeval_xl.messages import Refusal

#: the folder beside the log, one empty file for each workbook
FOLDER = "presses"


@contextmanager
def alone(book: str) -> Iterator[None]:
    """Inside, no other press works on the workbook of this name; refused (X216) while one does. Where no file can be written there is no lock:
    a full disk must not stop the work."""
    stream = _opened(book)
    if stream is None:
        yield
        return
    with stream:
        if not _taken(stream):
            raise Refusal("X216")
        try:
            yield
        finally:
            with suppress(OSError):
                _given_back(stream)


def _opened(book: str) -> IO[bytes] | None:
    folder = os.path.join(os.path.dirname(log.path()), FOLDER)
    name = hashlib.sha256(os.path.normcase(book).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    try:
        os.makedirs(folder, exist_ok=True)
        return open(os.path.join(folder, name), "ab")
    except OSError:
        return None


if sys.platform == "win32":
    import msvcrt

    def _taken(stream: IO[bytes]) -> bool:
        stream.seek(0)
        try:
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _given_back(stream: IO[bytes]) -> None:
        stream.seek(0)
        msvcrt.locking(stream.fileno(), msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _taken(stream: IO[bytes]) -> bool:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:  # a file system without locks
            return True
        return True

    def _given_back(stream: IO[bytes]) -> None:
        fcntl.flock(stream, fcntl.LOCK_UN)
