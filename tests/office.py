"""One file through LibreOffice, in a process and a profile of its own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path


def convert(soffice: str, path: Path, folder: Path, kind: str = "xlsx") -> Path:
    """Opens a file and saves it as another kind in ``folder/out``; LibreOffice keeps stored results unless it has to work them out."""
    out = folder / "out" / f"{path.stem}.{kind.partition(':')[0]}"
    # a chain of three programs: the whole group is ended, also when it hangs
    office = subprocess.Popen([soffice, f"-env:UserInstallation=file://{folder / 'profile'}", "--headless", "--norestore", "--convert-to", kind,
                               "--outdir", str(out.parent), str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        office.wait(timeout=120)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(office.pid, signal.SIGKILL)
    assert out.exists(), "LibreOffice could not read the file"
    return out
