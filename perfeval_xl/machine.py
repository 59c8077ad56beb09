"""What this computer is, for getting the forms onto it: facts, and no judgement on them.

``here`` gathers the few facts that installing needs, ``look`` all that ``doctor`` judges. Both run anywhere; a fact that cannot be known on
this system is None. Neither imports xlwings, which would load pandas too: how it reads its settings was taken from its source (0.37.8,
``utils.read_user_config`` and ``GetConfig`` in ``xlwings.bas``).
"""

import importlib.metadata
import importlib.util
import os
import re
import shutil
import sys
from typing import NamedTuple

from perfeval_xl import __version__, container, log
from perfeval_xl.messages import Refusal

WINDOWS, MAC = "win32", "darwin"
#: xlwings reads whole projects of VBA; a form's is some 100 KB
PROJECT_BYTES, FILE_BYTES = 2_000_000, 20_000_000
#: libraries that xlwings imports at every press of a button wherever they are installed
HEAVY = ("pandas", "numpy", "polars")
#: folder of the forms inside the user's documents
FORMS = "绩效自评"
#: places under the user's profile that the settings may name by a variable of the environment, the innermost first
VARIABLES = ("LOCALAPPDATA", "APPDATA", "USERPROFILE")
#: Office versions whose settings are looked up, the newest first: 2016 and later, 2013, 2010
OFFICES = ("16.0", "15.0", "14.0")


class Here(NamedTuple):
    """What installing needs: system ("win32", "darwin", other), this Python, the user's xlwings settings file (None where there is no
    Excel), its character encoding, the default folder of the forms, the xlwings that is installed ("" for none), VARIABLES that are set."""

    system: str
    python: str
    config_file: str | None
    encoding: str
    folder: str
    xlwings: str
    variables: dict[str, str]
    version: str = __version__
    log: str = ""


class Workbook(NamedTuple):
    """A workbook: has it macros, which xlwings do they call ("" for none; None: unknown), does Windows mark it as from elsewhere (None:
    this is not Windows)."""

    path: str
    macros: bool
    xlwings: str | None
    marked: bool | None


class Excel(NamedTuple):
    """What the registry says about Excel. ``warnings`` is its macro setting (1 all run, 2 it asks, 3 signed ones only, 4 none without a
    word), ``policy`` the same set by the administrator, ``internet`` whether he blocks macros in files from elsewhere (None: not set),
    ``trusted`` the trusted folders with whether their subfolders count."""

    path: str
    version: str
    warnings: int | None = None
    policy: int | None = None
    internet: int | None = None
    vba_off: bool = False
    trusted: tuple[tuple[str, bool], ...] = ()
    trusted_off: bool = False


class Machine(NamedTuple):
    """All that ``doctor`` judges. ``command`` is how this program is called here, ``config`` the xlwings settings (None: no such file),
    ``dlls`` the libraries of xlwings beside the interpreter, ``opener`` the program that a double click on an .xlsm starts."""

    here: Here
    python_version: tuple[int, int, int]
    bits: int
    command: str
    heavy: tuple[str, ...] = ()
    pywin32: bool = False
    vba_reader: bool = False
    config: dict[str, str] | None = None
    config_beside: str = ""
    interpreter_exists: bool = False
    dlls: tuple[str, ...] = ()
    applescript: bool = False
    workbooks: tuple[Workbook, ...] = ()
    folder_exists: bool = False
    excel: Excel | None = None
    opener: str = ""
    wps: str = ""
    libreoffice: str = ""


def here() -> Here:
    """The facts that installing needs."""
    home = os.path.expanduser("~")
    config = {WINDOWS: os.path.join(home, ".xlwings", "xlwings.conf"),
              MAC: os.path.join(home, "Library", "Containers", "com.microsoft.Excel", "Data", "xlwings.conf")}.get(sys.platform)
    try:
        xlwings = importlib.metadata.version("xlwings")
    except importlib.metadata.PackageNotFoundError:
        xlwings = ""
    # VBA and xlwings both read the settings in the code page of Windows
    return Here(sys.platform, sys.executable, config, "mbcs" if sys.platform == WINDOWS else "utf-8", os.path.join(_documents(home), FORMS),
                xlwings, {name: os.environ[name] for name in VARIABLES if os.environ.get(name)}, log=log.path())


def _documents(home: str) -> str:
    if sys.platform == WINDOWS:
        # people move this folder, and OneDrive does
        moved = Registry().value("HKCU", r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders", "Personal")
        if moved:
            return os.path.expandvars(str(moved))
    return os.path.join(home, "Documents")


def look(files: list[str] | tuple[str, ...] = ()) -> Machine:
    """All facts. ``files`` are workbooks or folders of workbooks to look at beside the usual folder of the forms; the last folder named
    takes the place of the usual one. What is not there is refused (X101)."""
    facts = here()
    for path in files:
        if not os.path.exists(path):
            raise Refusal("X101", file=path)
    folders = [path for path in files if os.path.isdir(path)] or [facts.folder]
    facts = facts._replace(folder=os.path.abspath(folders[-1]))
    paths = [path for folder in folders for path in forms_in(folder)] + [path for path in files if not os.path.isdir(path)]
    config = _read(facts.config_file) if facts.config_file else None
    settings = None if config is None else read_config(config, facts.encoding)
    beside = os.path.join(facts.folder, "xlwings.conf")
    registry = Registry() if facts.system == WINDOWS else None
    return Machine(
        facts, sys.version_info[:3], 64 if sys.maxsize > 2**32 else 32, command(), tuple(name for name in HEAVY if _installed(name)),
        _installed("win32com"), _installed("pyopenvba"), settings, beside if os.path.isfile(beside) else "",
        shutil.which(os.path.expandvars(interpreter(settings, facts.system))) is not None, _dlls(facts), os.path.isfile(applescript(facts.xlwings)),
        tuple(workbook(os.path.abspath(path), facts.system) for path in dict.fromkeys(paths)), os.path.isdir(facts.folder),
        _excel_here(registry), opener(registry) if registry else "", _wps(registry), _libreoffice(registry))


def forms_in(folder: str) -> list[str]:
    """The workbooks of a folder, in the order of their names; lock files of open ones are passed over."""
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    return [os.path.join(folder, name) for name in names if name.lower().endswith((".xlsm", ".xlsx")) and not name.startswith("~$")]


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def command() -> str:
    """How this program is called on this computer."""
    return "perfeval-xl" if shutil.which("perfeval-xl") else f'"{sys.executable}" -m perfeval_xl.cli'


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def read_config(data: bytes, encoding: str) -> dict[str, str]:
    """Settings as xlwings reads them, one ``"KEY","value"`` a line: KEY in capitals -> value. The first of two equal keys counts, as in VBA."""
    settings: dict[str, str] = {}
    for line in data.decode(encoding, "replace").splitlines():
        words = re.findall('"([^"]*)"', line)
        if len(words) > 1:
            settings.setdefault(words[0].upper(), words[1])
    return settings


def config_key(system: str) -> str:
    """The setting that names the Python which buttons and worksheet functions start."""
    return "INTERPRETER_MAC" if system == MAC else "INTERPRETER_WIN"


def interpreter(settings: dict[str, str] | None, system: str) -> str:
    """The Python that the settings name, "" for none; xlwings still reads the older key INTERPRETER where the other is missing."""
    settings = settings or {}
    return settings.get(config_key(system), "") or settings.get("INTERPRETER", "")


def applescript(version: str) -> str:
    """The file that a button on a Mac runs; its name carries the version of xlwings."""
    return os.path.join(os.path.expanduser("~"), "Library", "Application Scripts", "com.microsoft.Excel", f"xlwings-{version}.applescript")


def dll_names(version: str) -> tuple[str, str]:
    """The libraries that worksheet functions load, for 64-bit and 32-bit Excel."""
    return f"xlwings64-{version}.dll", f"xlwings32-{version}.dll"


def _dlls(facts: Here) -> tuple[str, ...]:
    """Which of them stand where VBA looks: beside the interpreter, or (virtual environment) one folder up."""
    folder = os.path.dirname(facts.python)
    places = (folder, os.path.dirname(folder))
    return tuple(name for name in dll_names(facts.xlwings) if any(os.path.isfile(os.path.join(place, name)) for place in places))


def workbook(path: str, system: str) -> Workbook:
    """What can be known of a workbook without opening it in Excel."""
    macros, version = vba_version(path)
    marked = None
    if system == WINDOWS:
        # 3 is the internet, 4 a restricted site
        zone = _read(path + ":Zone.Identifier")
        marked = zone is not None and re.search(rb"ZoneId\s*=\s*[34]", zone) is not None
    return Workbook(path, macros, version, marked)


def vba_version(path: str) -> tuple[bool, str | None]:
    """(has it macros, the xlwings version its VBA project was made for): "" if the project does not use xlwings, None if it cannot be told."""
    data = _read(path) if os.path.isfile(path) and os.path.getsize(path) <= FILE_BYTES else None
    try:
        parts = container.directory(data or b"")
        if "xl/vbaproject.bin" not in parts:
            return False, ""
        if parts["xl/vbaproject.bin"].size > PROJECT_BYTES:
            return True, None
        source = _xlwings_module(container.unpack(*container.packed(data, parts["xl/vbaproject.bin"])))
    except Exception:  # pyOpenVBA raises whatever a broken project leads it to
        return path.lower().endswith(".xlsm"), None
    if source is None:
        return True, None
    found = re.search(r'^Public Const XLWINGS_VERSION As String = "([^"]+)"', source, re.MULTILINE)
    return True, found[1] if found else ""


def _xlwings_module(project: bytes) -> str | None:
    try:
        from pyopenvba.cfb import CFB
        from pyopenvba.vba import parse_vba_project
    except ImportError:
        return None
    return next((module.source for module in parse_vba_project(CFB.from_bytes(project)).modules if module.name == "xlwings"), "")


class Registry:
    """The registry of Windows, read only: what is missing or may not be read is None, or an empty list."""

    def value(self, root: str, key: str, name: str) -> object:
        """A value of a key under "HKCU", "HKLM" or "HKCR"; the views of 64-bit and 32-bit programs are both looked at."""
        for handle in self._opened(root, key):
            import winreg

            with handle:
                try:
                    return winreg.QueryValueEx(handle, name)[0]
                except OSError:
                    continue
        return None

    def keys(self, root: str, key: str) -> list[str]:
        """The names of the keys inside a key."""
        import winreg

        for handle in self._opened(root, key):
            with handle:
                return [winreg.EnumKey(handle, n) for n in range(winreg.QueryInfoKey(handle)[0])]
        return []

    def _opened(self, root: str, key: str):
        import winreg

        roots = {"HKCU": winreg.HKEY_CURRENT_USER, "HKLM": winreg.HKEY_LOCAL_MACHINE, "HKCR": winreg.HKEY_CLASSES_ROOT}
        for view in (winreg.KEY_WOW64_64KEY, winreg.KEY_WOW64_32KEY):
            try:
                yield winreg.OpenKey(roots[root], key, 0, winreg.KEY_READ | view)
            except OSError:
                continue


def _program(registry, name: str) -> str:
    """Where Windows finds a program by its name."""
    for root in ("HKCU", "HKLM"):
        found = registry.value(root, rf"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\{name}", "")
        if found:
            return str(found).strip('"')
    return ""


def excel(registry) -> Excel | None:
    """Excel and its macro settings, from the registry; None where no Excel is registered."""
    path = _program(registry, "excel.exe")
    current = re.search(r"(\d+)$", str(registry.value("HKCR", r"Excel.Application\CurVer", "") or ""))
    if not path and not current:
        return None
    version = f"{current[1]}.0" if current else next(
        (one for one in OFFICES if registry.keys("HKCU", rf"Software\Microsoft\Office\{one}\Excel")), OFFICES[0])
    own = rf"Software\Microsoft\Office\{version}\Excel\Security"
    policies = [rf"Software\Policies\Microsoft\{cloud}Office\{version}" for cloud in ("Cloud\\", "")]

    def ruled(key: str, name: str):
        """What the administrator has set, for the user or for the machine."""
        answers = (registry.value(root, policy + key, name) for policy in policies for root in ("HKCU", "HKLM"))
        return next((answer for answer in answers if answer is not None), None)

    security = r"\Excel\Security"
    off = (registry.value("HKCU", rf"{own}\Trusted Locations", "AllLocationsDisabled"),
           ruled(rf"{security}\Trusted Locations", "AllLocationsDisabled"))
    return Excel(path, version, registry.value("HKCU", own, "VBAWarnings"), ruled(security, "VBAWarnings"),
                 ruled(security, "BlockContentExecutionFromInternet"), ruled(r"\Common", "VBAOff") == 1,
                 tuple(_trusted(registry, (own, *(policy + security for policy in policies)))), 1 in off)


def _trusted(registry, folders: tuple[str, ...]):
    for folder in folders:
        for key in registry.keys("HKCU", rf"{folder}\Trusted Locations"):
            place = rf"{folder}\Trusted Locations\{key}"
            if path := registry.value("HKCU", place, "Path"):
                yield os.path.expandvars(str(path)), registry.value("HKCU", place, "AllowSubfolders") == 1


def _excel_here(registry) -> Excel | None:
    if registry:
        return excel(registry)
    place = "/Applications/Microsoft Excel.app"
    return Excel(place, "") if sys.platform == MAC and os.path.isdir(place) else None


def opener(registry) -> str:
    """The name under which Windows keeps the program that opens .xlsm files: ``Excel.SheetMacroEnabled.12`` is Excel itself."""
    chosen = registry.value("HKCU", r"Software\Microsoft\Windows\CurrentVersion\Explorer\FileExts\.xlsm\UserChoice", "ProgId")
    return str(chosen or registry.value("HKCR", ".xlsm", "") or "")


def _wps(registry) -> str:
    return (_program(registry, "et.exe") or _program(registry, "wps.exe")) if registry else shutil.which("et") or shutil.which("wps") or ""


def _libreoffice(registry) -> str:
    return _program(registry, "soffice.exe") if registry else shutil.which("soffice") or shutil.which("libreoffice") or ""
