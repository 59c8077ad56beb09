"""Writing a file in one step: what stood there before is gone only when the new one is complete."""

from __future__ import annotations

import os

from perfeval_xl.messages import Refusal


def replace(path: str, data: bytes) -> None:
    """Puts a file in place of the one at ``path``, if any. What cannot be written is refused (X116), and nothing is left behind."""
    folder, name = os.path.split(os.path.abspath(path))
    draft = os.path.join(folder, f".perfeval-{os.getpid()}.tmp")
    try:
        try:
            with open(draft, "wb") as stream:
                stream.write(data)
            os.replace(draft, path)
        finally:
            if os.path.exists(draft):
                os.remove(draft)
    except OSError as error:
        raise Refusal("X116", file=name, why=error.strerror or error) from None
