"""Writing a file in one step: what stood there before is gone only when the new one is complete."""

from __future__ import annotations

import os

from perfeval_xl.messages import Refusal


def replace(path: str, data: bytes, with_folder: bool = False) -> None:
    """Puts a file in place of the one at ``path``, if any. What cannot be written is refused (X116), and nothing is left behind.

    ``with_folder``: the folder is made where it is missing, and a refusal names the whole path.
    """
    folder, name = os.path.split(os.path.abspath(path))
    draft = os.path.join(folder, f".perfeval-{os.getpid()}.tmp")
    try:
        if with_folder:
            os.makedirs(folder, exist_ok=True)
        try:
            with open(draft, "wb") as stream:
                stream.write(data)
            os.replace(draft, path)
        finally:
            if os.path.exists(draft):
                os.remove(draft)
    except OSError as error:
        raise Refusal("X116", file=path if with_folder else name, why=error.strerror or error) from None
