"""What is worked out from files that ship with the tool, kept ready between two starts.

As Python keeps its compiled modules: in a ``__pycache__`` beside the files, made anew when one of them has changed, and done without where nothing
can be written.
"""

import marshal
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

HERE = os.path.dirname(os.path.abspath(__file__))


def kept(name: str, sources: Iterable[str], make: Callable[[], Any]) -> Any:
    """What ``make`` gives, plain values that marshal can store, from the shelf of this name if that was made of the same ``sources`` (paths)."""
    shelf = os.path.join(HERE, "__pycache__", f"{name}.marshal")
    signature = sys.hexversion, tuple([(os.path.basename(file), (stat := os.stat(file)).st_mtime_ns, stat.st_size) for file in sources])
    try:
        with open(shelf, "rb") as stream:
            stored, content = marshal.loads(stream.read())  # marshal.load asks the stream for every value by itself
        if stored == signature:
            return content
    except (OSError, ValueError, EOFError, TypeError):
        pass  # no shelf yet, or one that another version wrote
    content = make()
    _keep(shelf, (signature, content))
    return content


def _keep(shelf: str, content: tuple) -> None:
    new = f"{shelf}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(shelf), exist_ok=True)
        with open(new, "wb") as stream:
            marshal.dump(content, stream)
        os.replace(new, shelf)
    except OSError:
        pass
