"""The same reading on a Dask cluster: past one machine, with the forms on storage that all machines share under the same path.

The scheduler hands out ``gather.read_many``; what a lost machine had not delivered is handed out again, file by file and to a process of its
own beside the worker, so that a fatal file ends no second one. A result has one key and is taken once: nothing is lost and nothing counts twice.
Where no machine is left, the rest is read here.
"""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from perfeval_xl import __version__, contain, gather
from perfeval_xl.compact import Form
from perfeval_xl.messages import Refusal

#: seconds to wait for the scheduler and its first worker
PATIENCE = 20
#: seconds without any worker after which the rest is read here
ALONE = 60


def read_all(address: str, paths: Sequence[str], wanted: str = "", lang: str = "", told: Callable[[int], None] = lambda count: None,
             work: gather.Work | None = None) -> list[Form]:
    """The lines of all files in the order of the paths, as ``gather.read_all`` gives them; the address is the scheduler's (tcp://host:8786).

    Refused where Dask is missing (X305), nobody answers (X307), or a worker runs another version of this tool, its editions or Python (X306).
    """
    try:
        from distributed import Client
    except ImportError:
        raise Refusal("X305", stated="dask.distributed", expected="cluster") from None
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, TimeoutError, ValueError) as error:
        raise Refusal("X307", file=address, why=str(error) or type(error).__name__) from None
    with client:
        _same_everywhere(client, address)
        whole = {os.path.abspath(path): path for path in paths}  # a worker stands in a folder of its own
        lines: dict[str, list[Form]] = {}
        many, one, keep = work or gather.Work(gather.read_many, gather.read_one, gather.kept)

        def come(portion: Sequence[str], found: Sequence[list]) -> None:
            for path, forms in zip(portion, found, strict=True):
                lines[path] = [keep(form, whole) for form in forms]
            told(len(portion))

        _gather(client, list(whole), (many, one), (wanted, lang), come)
        return [form for path in whole for form in lines[path]]


def identity() -> str:
    """What must be the same on every machine for the same figures: this tool, its editions, Python, and the reader of workbooks."""
    import platform
    from importlib.metadata import version

    from perfeval_xl.edition import FOLDER, known

    digest = hashlib.sha256()
    for name in known():
        with open(os.path.join(FOLDER, f"{name}.toml"), "rb") as stream:
            digest.update(stream.read())
    python = ".".join(platform.python_version_tuple()[:2])
    return f"perfeval_xl {__version__}, editions {digest.hexdigest()[:12]}, Python {python}, python-calamine {version('python-calamine')}"


def _same_everywhere(client: Any, address: str) -> None:
    mine = identity()
    try:
        others = client.run(identity)
    except Exception as error:  # a worker without this package raises whatever its missing import leads to
        raise Refusal("X306", file=address, stated=f"{type(error).__name__}: {error}") from None
    if different := sorted({theirs for theirs in others.values() if theirs != mine}):
        raise Refusal("X306", file=address, stated=f"{'; '.join(different)} ≠ {mine}")


def apart(read: Callable[[str, str, str], list], paths: Sequence[str], wanted: str, lang: str) -> list[list]:
    """The lines of files one of which may have ended a worker, read in a process beside it; for one that ends that process too a line that
    says so."""
    return list(contain.each(read, paths, lambda path, refusal: gather.lost(path, lang), wanted, lang))


#: takes in the lines of a portion of paths
Come = Callable[[Sequence[str], Sequence[list]], None]


def _gather(client: Any, paths: list[str], work: tuple[Callable, Callable], options: tuple[str, str], come: Come) -> None:
    """All portions; those whose worker was lost are read apart: when a worker dies, Dask suspects all that waited at it."""
    workers = max(1, sum(client.nthreads().values()))
    # handing a portion over takes as long as reading five files
    portions, (many, one) = gather.chunked(paths, workers, max(1, min(gather.CHUNK, len(paths) // (workers * 4)))), work
    fallen = _round(client, {client.submit(many, list(portion), *options, pure=False): portion for portion in portions}, come)
    fallen = _round(client, {client.submit(apart, one, list(portion), *options, pure=False): portion for portion in fallen}, come)
    for portion in fallen:  # nobody is there any more
        come(portion, apart(one, portion, *options))


def _round(client: Any, futures: dict[Any, Sequence[str]], come: Come) -> list[Sequence[str]]:
    """Collects the lines of portions that were handed out; gives the portions that no worker survived, or that none was left for."""
    from distributed import CancelledError, KilledWorker, as_completed

    fallen = []
    with _not_alone(client, list(futures)):
        for future in as_completed(list(futures), loop=client.loop):
            portion = futures.pop(future)
            try:
                come(portion, future.result())
            except (KilledWorker, CancelledError):
                fallen.append(portion)
            future.release()
    return fallen


@contextmanager
def _not_alone(client: Any, futures: list) -> Iterator[None]:
    """Gives up what was handed out when there has been no worker for a while: it would be waited for without end."""
    done = threading.Event()

    def watch() -> None:
        since = time.monotonic()
        while not done.wait(1):
            if client.nthreads():
                since = time.monotonic()
            elif time.monotonic() - since > ALONE:
                client.cancel(futures)
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
