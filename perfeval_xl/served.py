"""A worker from inside: it reads tasks, works, writes results, until its input ends. Nothing else may write to its output.

What only its owner needs is not here: a worker is started for every run, and loading ``subprocess`` takes as long as checking some forms.
"""

import os
import pickle
import struct
import sys
from collections.abc import Callable

from perfeval_xl import messages
from perfeval_xl.messages import Refusal

#: how long the next message is, and what a worker says once it stands
SIZE, READY = struct.Struct("<L"), b"ready"


def serve(ahead: str = "") -> None:
    """The worker. ``ahead``: a module to load before it hears what its work is."""
    import gc
    import importlib
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, target = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    if ahead:
        importlib.import_module(ahead)
    if not (data := _next(source)):  # whoever started it had no work
        return
    module, name, options, lang, memory = pickle.loads(data)
    _hold_memory(memory)
    messages.speak(lang)
    work = getattr(importlib.import_module(module), name)
    target.write(READY)
    target.flush()  # before any file is touched: a worker that never said so is taken for one that cannot start
    gc.disable()  # as record.check_files: a check leaves no cycles behind
    while data := _next(source):
        result = pickle.dumps(_done(work, pickle.loads(data), options), pickle.HIGHEST_PROTOCOL)
        target.write(SIZE.pack(len(result)) + result)
        target.flush()


def _done(work: Callable, task: object, options: tuple) -> object:
    """The result, or the refusal that the work ended with; what else it raises is a mistake of ours, goes into the log and ends the worker."""
    try:
        return work(task, *options)
    except Refusal as refusal:
        return refusal.with_traceback(None)
    except Exception as error:
        from perfeval_xl import log

        log.unexpected(error, work.__qualname__)
        raise


def _next(source) -> bytes:
    head = source.read(SIZE.size)
    return source.read(SIZE.unpack(head)[0]) if len(head) == SIZE.size else b""


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
