"""Work on files from outside in a process of its own, with a limit of time and memory: a file that brings it down costs itself and no other.

One worker serves a whole run, or several share it (``spread``). A worker is a plain ``python -c`` that talks over its pipes, so it starts the
same way on every system, inside the server of the worksheet functions as well, and never imports the script that started it; only those that
are started ahead of a run may begin otherwise (``worker.may_copy``). When it dies, a new one tries the file it had once more, alone to blame if
it happens again; then, or if it takes too long, the file becomes a refusal (X125, X124), a new worker begins, and the run goes on behind it.

What a worker takes is imported when one is started: a check of a single form needs none, and would wait for it.

Time is held on every system. Memory is held where the system can (Linux; macOS in part): the standard library has no way to do so on Windows,
where the gate alone stands between a file and the memory.
"""

import importlib
import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from perfeval_xl import gate
from perfeval_xl.messages import Refusal

if TYPE_CHECKING:
    import queue

    from perfeval_xl.worker import Worker

#: so many tasks a worker has: it works on one and need not wait for us with the next; more would be missing where another has nothing to do
_AHEAD = 2
#: so many files a worker does together when it checks for a person, who sees them come
_PORTION = 16


#: workers that were started before their run begins (``ahead``)
_ahead: list["Worker"] = []


@contextmanager
def ahead(module: str, workers: int) -> Iterator[None]:
    """Starts workers that load this module before there is anything to do, while their owner loads as well, or before it is copied. The runs in
    this context take them; those that nobody took are ended."""
    from perfeval_xl.worker import Worker, may_copy

    gate.look_up()
    if copies := may_copy():
        importlib.import_module(module)
    mine = [Worker(module, copies) for _ in range(workers)]
    _ahead.extend(mine)
    try:
        yield
    finally:
        for one in mine:
            if one in _ahead:
                _ahead.remove(one)
                one.close("")


def _worker(work: Callable, options: tuple) -> "Worker":
    from perfeval_xl.worker import Worker

    worker = _ahead.pop() if _ahead else Worker()
    worker.begin(work, options)
    return worker


def check_files(paths: Sequence[str], wanted: str = "") -> Iterator:
    """``record.check_files`` in a worker: the same records in the same order, and one with a refusal for a file that the worker did not survive.

    A single .xlsx or .ods is read in this process: the gate stands before every compiled reader, and nobody else's work is at stake."""
    from perfeval_xl import record
    from perfeval_xl.edition import get

    if wanted:
        get(wanted)
    if len(paths) == 1 and _is_zip(paths[0]):
        yield from record.check_files(paths, wanted)
        return
    for _, records in portions(_check_many, record.check_file, _in_portions(paths), _lost_record, 1, wanted):
        yield from records


def _check_many(paths: Sequence[str], wanted: str) -> list[list]:
    from perfeval_xl import record

    return list(record.each_checked(paths, wanted))


def _in_portions(paths: Sequence[str]) -> list[tuple[str, ...]]:
    return [tuple(paths[n : n + _PORTION]) for n in range(0, len(paths), _PORTION)]


def _is_zip(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read(4) == b"PK\x03\x04"
    except (OSError, ValueError):
        return True  # there is nothing to read, and it takes no worker to say so


def _lost_record(path: str, refusal: Refusal) -> list:
    from perfeval_xl.record import Record

    return [Record(path, refusal=refusal)]


def each(work: Callable, tasks: Iterable, lost: Callable[[Any, Refusal], Any], *options: object) -> Iterator:
    """What ``work(task, *options)`` gives for each task, in their order, done by one worker process; for a task that killed it or took too
    long, what ``lost(task, refusal)`` gives. A task is the path of a file, or a tuple that begins with one. ``work`` is a function of a module
    that can be imported, its results are anything that can be pickled; a refusal that it raises is raised here. Where no worker can be started
    at all, the work is done in this process: the gate stands before it there too."""
    for _, result in _lead(work, _Tasks(tasks), lost, options):
        yield result


def spread(work: Callable, tasks: Iterable, lost: Callable[[Any, Refusal], Any], workers: int, *options: object,
           again: bool = True) -> Iterator[tuple[Any, Any]]:
    """The same by several workers: (task, result) as they come. A worker that dies costs its file and is replaced; the others go on. ``again``:
    a task is tried twice before it is lost."""
    shared = _Tasks(tasks)
    if workers < 2:
        yield from _lead(work, shared, lost, options, again)
        return
    import queue
    import threading

    done: queue.SimpleQueue = queue.SimpleQueue()
    leads = [threading.Thread(target=_follow, args=(done, work, shared, lost, options, again), daemon=True) for _ in range(workers)]
    for one in leads:
        one.start()
    running = workers
    try:
        while running:
            try:
                kind, what = done.get(timeout=0.2)  # a wait without end cannot be interrupted on Windows
            except queue.Empty:
                continue
            if kind == "over":
                running -= 1
            elif kind == "error":
                raise what
            else:
                yield what
    finally:
        shared.stop()
        for one in leads:
            one.join()
        if running:  # given up: whoever did so may count on nobody being there any more
            for worker in shared.over:
                worker.close("")


def portions(many: Callable, one: Callable, chunks: Iterable[tuple], lost: Callable[[str, Refusal], Any], workers: int,
             *options: object) -> Iterator[tuple[str, Any]]:
    """The same for portions of files, which a worker does faster than one after the other: ``many(paths, *options)`` gives a list. A portion
    that a worker does not survive is done again file by file, by ``one(path, *options)``: (path, result) as they come."""
    for chunk, results in spread(many, chunks, lambda chunk, refusal: None, workers, *options, again=False):
        if results is None:
            yield from spread(one, chunk, lost, 1, *options)
        else:
            yield from zip(chunk, results, strict=True)


class _Tasks:
    """The tasks, handed out one at a time to whoever asks, and the workers that are at them."""

    def __init__(self, tasks: Iterable) -> None:
        import threading

        self._rest, self._lock, self.stopped, self.workers = iter(tasks), threading.Lock(), False, set()
        #: workers that were ended because nothing was left for them
        self.over: list[Worker] = []

    def take(self, room: int) -> list:
        """The next tasks, at most so many; none where the run was given up."""
        with self._lock:
            return [] if self.stopped else list(itertools.islice(self._rest, room))

    def begin(self, worker: "Worker") -> None:
        """A worker that ``stop`` has to end."""
        with self._lock:
            self.workers.add(worker)
            if self.stopped:
                worker.kill()

    def leave(self, worker: "Worker") -> None:
        """A worker that ``stop`` need not end any more."""
        with self._lock:
            self.workers.discard(worker)

    def stop(self) -> None:
        """Nothing more is handed out, and who is at work is ended."""
        with self._lock:
            self.stopped = True
            for worker in self.workers:
                worker.kill()


def _follow(done: "queue.SimpleQueue", work: Callable, shared: _Tasks, lost: Callable, options: tuple, again: bool) -> None:
    """One thread of ``spread``: leads one worker, and its successors."""
    try:
        for pair in _lead(work, shared, lost, options, again):
            done.put(("pair", pair))
        done.put(("over", None))
    except BaseException as error:  # raised again by whoever waits for the results
        done.put(("error", error))


def _lead(work: Callable, shared: _Tasks, lost: Callable, options: tuple, again: bool = True) -> Iterator[tuple[Any, Any]]:
    if work.__module__ == "__main__":
        raise ValueError("a worker cannot import a function of __main__")
    gate.look_up()
    waiting: deque = deque()
    worker, stood, suspect = None, False, None
    try:
        while True:
            fresh = shared.take(_AHEAD - len(waiting))
            if not waiting and not fresh:
                return
            if worker is None:
                shared.begin(worker := _worker(work, options))
                fresh, waiting = [*waiting, *fresh], deque()
            for task in fresh:
                waiting.append(task)
                worker.hand(task)
            try:
                result = worker.answer()
                stood = True
            except EOFError:
                if shared.stopped:
                    return
                if not (stood := stood or worker.ready):
                    yield from ((task, work(task, *options)) for task in _all(waiting, shared))
                    return
                file = waiting[0] if isinstance(waiting[0], str) else waiting[0][0]
                refusal = worker.close(os.path.basename(os.path.normpath(file)))
                shared.leave(worker)
                worker = None
                if again and refusal.code == "X125" and suspect is not waiting[0]:
                    suspect = waiting[0]  # the system ends processes too: the file is guilty if it happens again
                    continue
                result = lost(waiting[0], refusal)
            yield waiting.popleft(), result
    finally:
        if worker and waiting:
            worker.close("")
        elif worker:
            shared.leave(worker)
            worker.end()
            shared.over.append(worker)


def _all(waiting: deque, shared: _Tasks) -> Iterator:
    yield from waiting
    while more := shared.take(1):
        yield from more
