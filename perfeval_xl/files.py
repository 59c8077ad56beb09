"""Writing a file in one step: what stood there before is gone only when the new one is complete."""

import os
import re
import sys

from perfeval_xl.messages import Refusal
from perfeval_xl.patterns import Pattern

#: names that Windows keeps for devices, with any extension; a file called so on another system could never be passed on
_DEVICES = Pattern(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)\s*(?:\..*)?", re.IGNORECASE | re.DOTALL)
_FORBIDDEN = Pattern(r'[<>:"|?*\x00-\x1f]')


#: letters that turn the direction of what follows, by which x.exe looks like exe.x, and others that nobody sees
_UNSEEN = Pattern("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def safe_name(text: str, longest: int = 60) -> str:
    """A name for a file or a folder out of a text from outside: no letter of it leads anywhere or is a device, "_" where nothing is left."""
    name = re.sub(r'[\\/:*?"<>|]', "_", _UNSEEN.sub("_", text)).strip(" .")[:longest].strip(" .")
    while len(name.encode("utf-8", "replace")) > 180:  # a name may have 255 bytes, and something is put behind it
        name = name[:-1]
    return f"_{name}" if not name or _DEVICES.fullmatch(name) else name


def replace(path: str, data: bytes, with_folder: bool = False) -> None:
    """Puts a file in place of the one at ``path``, if any. What cannot be written is refused (X116), and nothing is left behind; so is a name
    that Windows cannot have (X127) and a link to another place (X128). The draft is new and nobody else's, whatever lies in the folder.

    ``with_folder``: the folder is made where it is missing, and a refusal names the whole path.
    """
    folder, name = os.path.split(os.path.abspath(path))
    if _DEVICES.fullmatch(name) or name[-1:] in (".", " ") or (sys.platform == "win32" and _FORBIDDEN.search(name)):
        raise Refusal("X127", file=name)
    if os.path.islink(path):
        raise Refusal("X128", file=name)
    draft = os.path.join(folder, f".perfeval-{os.getpid()}-{os.urandom(4).hex()}.tmp")
    try:
        if with_folder:
            os.makedirs(folder, exist_ok=True)
        try:
            with open(draft, "xb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, path)
        finally:
            if os.path.lexists(draft):
                os.remove(draft)
    except OSError as error:
        raise Refusal("X116", file=path if with_folder else name, why=str(error.strerror or error).rstrip(" .。")) from None
