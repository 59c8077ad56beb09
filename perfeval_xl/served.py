"""A worker from inside: it reads tasks, works, writes results, until its input ends. Nothing else may write to its output.

What only its owner needs is not here: a worker is started for every run, and loading ``subprocess`` takes as long as checking some forms.
"""

import os
import pickle
import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from perfeval_xl import messages
from perfeval_xl.messages import Refusal

if TYPE_CHECKING:
    import queue

#: how long the next message is, and what a worker says once it stands
SIZE, READY = struct.Struct("<L"), b"ready"


def serve(ahead: str = "") -> None:
    """The worker. ``ahead``: a module to load before it hears what its work is."""
    import gc
    import importlib
    import queue
    import signal
    import threading

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    heard: queue.SimpleQueue = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(heard,), daemon=True).start()
    if ahead:
        importlib.import_module(ahead)
    if not (data := heard.get()):  # whoever started it had no work
        return
    module, name, options, lang, memory = pickle.loads(data)
    _hold_memory(memory)
    messages.speak(lang)
    work = getattr(importlib.import_module(module), name)
    target.write(READY)
    target.flush()  # before any file is touched: a worker that never said so is taken for one that cannot start
    gc.disable()  # as record.check_files: a check leaves no cycles behind
    while data := heard.get():
        result = pickle.dumps(_done(work, pickle.loads(data), options), pickle.HIGHEST_PROTOCOL)
        target.write(SIZE.pack(len(result)) + result)
        target.flush()


def _listen(heard: "queue.SimpleQueue") -> None:
    """Takes in what the owner says while the worker works: an owner who waits to be heard does not hear results, and both would wait for ever where
    neither a task nor a result fits into its pipe. Those of Windows are said to hold four thousand bytes."""
    source = open(0, "rb", closefd=False)  # noqa: SIM115 - until the process ends
    while len(head := source.read(SIZE.size)) == SIZE.size:
        heard.put(source.read(SIZE.unpack(head)[0]))
    heard.put(b"")


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
