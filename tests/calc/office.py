"""One soffice with a profile of its own, and the connection to it.

The profile is a fresh folder: no lock files, no recovery, English, and files of Excel are recalculated when they are loaded unless the caller
asks otherwise. The chain sh > oosplash > soffice.bin gets a process group of its own and is ended as a whole, by its number.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

#: Debian's python3-uno; elsewhere the variable says where uno.py is
UNO = Path(os.environ.get("PERFEVAL_UNO", "/usr/lib/python3/dist-packages/uno.py"))

_SETTINGS = (
    ("/org.openoffice.Office.Common/Misc", "UseDocumentOOoLockFile", "false"),
    ("/org.openoffice.Office.Common/Misc", "UseDocumentSystemFileLocking", "false"),
    ("/org.openoffice.Office.Recovery/AutoSave", "Enabled", "false"),
    ("/org.openoffice.Office.Recovery/RecoveryInfo", "Enabled", "false"),
    ("/org.openoffice.Setup/L10N", "ooSetupSystemLocale", "en-US"),
    ("/org.openoffice.Office.Linguistic/General", "UILocale", "en-US"),
)

#: what Excel does in one call and UNO has none for: a figure put into cells that lie apart
_FILL = """Sub Fill(sheet, rows, columns, figure)
For n = 0 To UBound(rows)
sheet.getCellByPosition(columns(n), rows(n)).setValue(figure)
Next
End Sub"""


class Missing(Exception):
    """What is not there on this machine, and how to get it."""


def load_uno():
    """The module ``uno`` of the distribution, inside any Python of the same minor version; nothing else of its folder can be imported."""
    if "uno" in sys.modules:
        return sys.modules["uno"]
    if not UNO.is_file():
        raise Missing(f"{UNO} is missing (apt install python3-uno)")
    spec = importlib.util.spec_from_file_location("uno", UNO)
    module = importlib.util.module_from_spec(spec)
    path, importer = list(sys.path), builtins.__import__
    sys.modules["uno"] = module
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise Missing(f"uno cannot be loaded into Python {sys.version_info[0]}.{sys.version_info[1]}: {error}") from None
    finally:
        sys.path[:], builtins.__import__ = path, importer
        if not hasattr(module, "getComponentContext"):
            del sys.modules["uno"]
    return module


class Office:
    """A running soffice; ``desktop`` is its com.sun.star.frame.Desktop."""

    def __init__(self) -> None:
        program = shutil.which("soffice")
        if program is None:
            raise Missing("LibreOffice is missing (apt install libreoffice-calc)")
        self.uno = load_uno()
        self.folder = Path(tempfile.mkdtemp(prefix="perfeval-office-"))
        self._settle()
        pipe = f"perfeval{uuid.uuid4().hex}"
        environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}
        self.process = subprocess.Popen(
            [program, f"-env:UserInstallation={self.folder.as_uri()}", "--headless", "--norestore", "--nologo", "--nodefault",
             f"--accept=pipe,name={pipe};urp;"],
            env=environment, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.desktop = self._connect(pipe)
        except BaseException:
            self.close()
            raise

    def _settle(self) -> None:
        items = "".join(f'<item oor:path="{path}"><prop oor:name="{name}" oor:op="fuse"><value>{value}</value></prop></item>'
                        for path, name, value in _SETTINGS)
        user = self.folder / "user"
        user.mkdir()
        (user / "registrymodifications.xcu").write_text(
            '<?xml version="1.0" encoding="UTF-8"?><oor:items xmlns:oor="http://openoffice.org/2001/registry" '
            'xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            f"{items}</oor:items>", encoding="utf-8")

    def _connect(self, pipe: str):
        local = self.uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        no_connection = self.uno.getClass("com.sun.star.connection.NoConnectException")
        until = time.monotonic() + 60
        while True:
            try:
                remote = resolver.resolve(f"uno:pipe,name={pipe};urp;StarOffice.ComponentContext")
                self.modules = remote.ServiceManager.createInstanceWithContext("com.sun.star.script.ApplicationScriptLibraryContainer", remote)
                self.settings = remote.ServiceManager.createInstanceWithContext("com.sun.star.configuration.ConfigurationProvider", remote)
                return remote.ServiceManager.createInstanceWithContext("com.sun.star.frame.Desktop", remote)
            except no_connection:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise OSError(f"soffice does not answer (exit status {self.process.poll()})") from None
                time.sleep(0.05)

    def properties(self, **values):
        """Named values as UNO takes them."""
        made = []
        for name, value in values.items():
            one = self.uno.createUnoStruct("com.sun.star.beans.PropertyValue")
            one.Name, one.Value = name, value
            made.append(one)
        return tuple(made)

    def open(self, path: str | None = None, recalculate: bool = True):
        """A document, loaded hidden with macros off; a blank one without a path. Without ``recalculate`` the values of the file stand until
        something they depend on changes: the way to look at a workbook with worksheet functions that LibreOffice does not have."""
        formulas = self.settings.createInstanceWithArguments(
            "com.sun.star.configuration.ConfigurationUpdateAccess", self.properties(nodepath="/org.openoffice.Office.Calc/Formula/Load"))
        formulas.OOXMLRecalcMode = 0 if recalculate else 1
        formulas.commitChanges()
        url = Path(path).resolve().as_uri() if path else "private:factory/scalc"
        document = self.desktop.loadComponentFromURL(url, "_blank", 0, self.properties(Hidden=True, MacroExecutionMode=0))
        if document is None:
            raise OSError(f"LibreOffice cannot open {path}")
        return document

    def fill(self, document, sheet, places, figure: float) -> None:
        """Puts a figure into many cells, with one call to a macro that runs inside LibreOffice."""
        if not self.modules.hasByName("Perfeval"):
            self.modules.createLibrary("Perfeval").insertByName("Areas", _FILL)
        script = document.getScriptProvider().getScript("vnd.sun.star.script:Perfeval.Areas.Fill?language=Basic&location=application")
        rows, columns = zip(*places, strict=True)
        script.invoke((sheet, rows, columns, figure), (), ())

    def close(self) -> None:
        """Asks it to end, then ends the whole group; the profile goes."""
        with contextlib.suppress(Exception):
            self.desktop.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
