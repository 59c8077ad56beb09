"""The log of what went wrong inside the tool: rotating, in the user's own folder, without a word that stands in a form.

An error is logged as its type and the places in our code it went through. Its text is left out, because it may quote a cell.
"""

import os
import sys
from datetime import datetime

NAME = "perfeval_xl.log"
#: bytes; above them the log becomes the old one, and the old one goes
LARGEST = 200_000


def path() -> str:
    """Where the log is on this system; it need not exist yet."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        folder = os.path.join(os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local"), "perfeval_xl")
    elif sys.platform == "darwin":
        folder = os.path.join(home, "Library", "Logs", "perfeval_xl")
    else:
        folder = os.path.join(os.environ.get("XDG_STATE_HOME") or os.path.join(home, ".local", "state"), "perfeval_xl")
    return os.path.join(folder, NAME)


def unexpected(error: BaseException, doing: str) -> str:
    """Writes down an error of ours and gives the path of the log, "" where it cannot be written. ``doing`` is a name of our own code."""
    file = path()
    try:
        os.makedirs(os.path.dirname(file), exist_ok=True)
        if os.path.exists(file) and os.path.getsize(file) > LARGEST:
            os.replace(file, f"{file}.1")
        with open(file, "a", encoding="utf-8") as stream:
            stream.write(_entry(error, doing))
    except OSError:
        return ""
    return file


def _entry(error: BaseException, doing: str) -> str:
    from perfeval_xl import __version__

    lines = [f"{datetime.now():%Y-%m-%d %H:%M:%S} perfeval_xl {__version__} {doing}: {type(error).__name__}"]
    if isinstance(error, OSError) and error.errno is not None:
        lines[0] += f" {error.errno}"
    place = error.__traceback__
    while place is not None:
        code = place.tb_frame.f_code
        lines.append(f"  {os.path.basename(code.co_filename)}:{place.tb_lineno} {code.co_name}")
        place = place.tb_next
    return "\n".join(lines) + "\n"
