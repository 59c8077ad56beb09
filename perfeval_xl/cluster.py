"""The same reading on a Dask cluster: past one machine, with the forms on storage that all machines share under the same path.

The scheduler hands out ``gather.read_many`` and, when a machine is lost, hands out again what it had not delivered; a result has one key and is
taken once, so nothing is lost and nothing counts twice.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from perfeval_xl import __version__, gather
from perfeval_xl.compact import Form
from perfeval_xl.messages import Refusal

#: seconds to wait for the scheduler and its first worker
PATIENCE = 20
#: how often a portion is handed out again after it brought a worker down
RETRIES = 3


def read_all(address: str, paths: Sequence[str], wanted: str = "", lang: str = "", told: Callable[[int], None] = lambda count: None) -> list[Form]:
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
        return [form._replace(path=whole[form.path]) for form in _gathered(client, list(whole), wanted, lang, told)]


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


def _gathered(client: Any, paths: list[str], wanted: str, lang: str, told: Callable[[int], None]) -> list[Form]:
    """All portions; one that keeps bringing workers down is read again file by file, and a file that does so becomes a line that says so.

    The files of such portions are handed out one at a time: when a worker dies, Dask suspects every portion that waited at it, so that beside
    a fatal file an innocent one would be given up with it.
    """
    workers = max(1, sum(client.nthreads().values()))
    lines: dict[str, list[Form]] = {}
    fallen = _round(client, gather.chunked(paths, workers), wanted, lang, lines, told)
    for path in [path for portion in fallen for path in portion]:
        if _round(client, [[path]], wanted, lang, lines, told):
            lines[path] = gather.lost(path, lang)
            told(1)
    return [form for path in paths for form in lines[path]]


def _round(client: Any, portions: Sequence[Sequence[str]], wanted: str, lang: str, lines: dict, told: Callable[[int], None]) -> list[Sequence[str]]:
    """Hands out the portions and collects their lines; gives the portions that no worker survived."""
    from distributed import KilledWorker, as_completed

    futures = {client.submit(gather.read_many, list(portion), wanted, lang, pure=False, retries=RETRIES): portion for portion in portions}
    fallen = []
    for future in as_completed(list(futures), loop=client.loop):
        portion = futures.pop(future)
        try:
            lines.update(zip(portion, future.result(), strict=True))
            told(len(portion))
        except KilledWorker:
            fallen.append(portion)
        future.release()
    return fallen
