"""Whether the forms will work on this computer, what stands in their way, and what to click or type.

Every question is a function from the facts (``machine.Machine``) to keys of the table of answers; QUESTIONS lists them in the order in which
they are put. What cannot be known here is said to be unknown. What is told of Excel rests on documents, not on a trial in Excel.
"""

import ntpath
import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from perfeval_xl import machine
from perfeval_xl.machine import Machine, Workbook
from perfeval_xl.messages import LANGUAGES, language

OK, ATTENTION, BAD, UNKNOWN = "ok", "attention", "bad", "unknown"
LEVELS = {OK: ("好", "ok"), ATTENTION: ("注意", "attention"), BAD: ("不行", "must be mended"), UNKNOWN: ("查不到", "cannot be known")}
#: the xlwings this package works with: from, up to but not including
XLWINGS = ((0, 37, 5), (0, 38))
PYTHON = (3, 11)

_TOPICS = {
    "python": ("Python", "Python"), "tool": ("本工具", "This program"), "xlwings": ("xlwings", "xlwings"), "pywin32": ("pywin32", "pywin32"),
    "heavy": ("按钮快慢", "Speed of buttons"), "config": ("xlwings 设置", "xlwings settings"), "dll": ("公式用的 DLL", "DLL of the formulas"),
    "excel": ("Excel", "Excel"), "macros": ("宏", "Macros"), "opener": ("双击打开", "Double click"), "wps": ("WPS", "WPS"),
    "libreoffice": ("LibreOffice", "LibreOffice"), "folder": ("表格文件夹", "Folder of the forms"), "book": ("工作簿", "Workbook"),
}
_NONE = ("", "")
_INSTALL = ("请运行：{command} install", "Run: {command} install")
_PIP = ('请运行："{python}" -m pip install "xlwings>=0.37.5,<0.38" "pyOpenVBA>=6.5,<7" "python-docx>=1.2"（内网电脑用离线安装包）',
        'Run: "{python}" -m pip install "xlwings>=0.37.5,<0.38" "pyOpenVBA>=6.5,<7" "python-docx>=1.2" (without a network: the offline bundle)')
_UNBLOCK = ("关闭 Excel，在文件上点右键→属性→勾“解除锁定”→确定，再打开；没有这个勾的，请信息中心把 {folder} 设为受信任位置",
            "Close Excel, right click the file > Properties > tick Unblock > OK, open it again; where there is no such box ask your administrator "
            "to make {folder} a trusted location")
_IT = ("这是单位统一规定，请信息中心把 {folder} 设为受信任位置；批下来以前用 .xlsx 表和 {command} check",
       "Your administrator decides this: ask for {folder} as a trusted location; until then use the .xlsx form and {command} check")
_PATH = ("请换一个没有这些字符的文件夹或文件名；不换也可能正常，只是没有试过",
         "Use a folder or a name without them; it may work as it is, it has not been tried")

#: key -> level, (what is, in Chinese and English), (what to do)
_ANSWERS: dict[str, tuple[str, tuple[str, str], tuple[str, str]]] = {
    "python.fine": (OK, ("Python {version}（{bits} 位）：{python}", "Python {version} ({bits} bit): {python}"), _NONE),
    "python.old": (BAD, ("Python {version} 太旧，至少要 3.11：{python}", "Python {version} is too old, 3.11 is needed: {python}"),
                   ("请装 Python 3.11 或更新的版本，再装本工具", "Install Python 3.11 or newer, then this program")),
    "python.32": (BAD, ("这是 32 位 Python，没有公式要用的 DLL：{python}", "a 32-bit Python, which lacks the DLL of the formulas: {python}"),
                  ("请装 64 位 Python（32 位的 Excel 也用它）", "Install the 64-bit Python (for a 32-bit Excel too)")),
    "python.store": (ATTENTION, ("这是应用商店版 Python，Excel 可能启动不了它：{python}", "Python from the Store, which Excel may not start: {python}"),
                     ("请改用 python.org 的安装程序，或离线安装包", "Use the installer from python.org, or the offline bundle")),
    "python.place": (ATTENTION, ("Python 的路径里有{marks}，在真实 Excel 里没有试过：{python}", "the path of Python holds {marks}, not tried in Excel: {python}"),
                     ("按钮没有反应时，请把本工具装到纯英文路径，如 D:\\perfeval", "If buttons do nothing, install to a plain path such as D:\\perfeval")),
    "tool.version": (OK, ("perfeval_xl {version}，出错时记在 {log}", "perfeval_xl {version}; errors are logged in {log}"), _NONE),
    "xlwings.fine": (OK, ("xlwings {version}", "xlwings {version}"), _NONE),
    "xlwings.none": (BAD, ("没有安装 xlwings，按钮和公式不能用", "xlwings is not installed: no buttons, no formulas"), _PIP),
    "xlwings.range": (BAD, ("xlwings {version} 不在 >=0.37.5,<0.38 范围内", "xlwings {version} is not within >=0.37.5,<0.38"), _PIP),
    "pywin32.fine": (OK, ("已安装", "installed"), _NONE),
    "pywin32.none": (BAD, ("没有安装 pywin32，xlwings 连不上 Excel", "pywin32 is missing: xlwings cannot reach Excel"),
                     ('请运行："{python}" -m pip install pywin32（内网电脑用离线安装包）', 'Run: "{python}" -m pip install pywin32 (or the offline bundle)')),
    "heavy.none": (OK, ("这个 Python 里没有 pandas 等大型软件包", "no large libraries in this Python"), _NONE),
    "heavy.there": (ATTENTION, ("这个 Python 里有 {names}，每按一次按钮都要装入（启动约 0.37 秒，没有它们约 0.06 秒）",
                                "this Python has {names}, loaded at every press of a button (0.37 s to start, 0.06 s without)"),
                    ("嫌慢的话，用离线安装包的“安装.cmd”建一个单独的环境", "If that is too slow, let the offline bundle make an environment of its own")),
    "config.fine": (OK, ("{file} 指向这个 Python", "{file} names this Python"), _NONE),
    "config.none": (BAD, ("{file} 里没有写用哪个 Python，按钮和公式不能用", "{file} does not say which Python to use: no buttons, no formulas"), _INSTALL),
    "config.gone": (BAD, ("{file} 指向的 Python 不在了：{named}", "{file} names a Python that is gone: {named}"), _INSTALL),
    "config.other": (BAD, ("{file} 指向另一个 Python：{named}", "{file} names another Python: {named}"), _INSTALL),
    "config.beside": (ATTENTION, ("表格旁边有 {file}，它优先于您自己的设置", "{file} beside the forms outranks your own settings"),
                      ("不是有意放的请移走", "Move it away unless it is there on purpose")),
    "config.unknown": (UNKNOWN, ("这里不是 Windows 或 Mac，没有 xlwings 设置可查", "neither Windows nor a Mac: there are no settings to look at"), _NONE),
    "dll.fine": (OK, ("{names} 在 Python 旁边", "{names} beside Python"), _NONE),
    "dll.none": (BAD, ("Python 旁边没有 {names}，表里的公式不能用", "{names} not beside Python: the formulas of the forms cannot work"),
                 ('请运行："{python}" -m pip install --force-reinstall --no-deps xlwings=={version}',
                  'Run: "{python}" -m pip install --force-reinstall --no-deps xlwings=={version}')),
    "dll.mac": (ATTENTION, ("Mac 上的 Excel 没有这类公式，只有按钮可用", "Excel on a Mac has no such formulas, only buttons"),
                ("按②重新计算得到各数", "Press ② to compute the figures")),
    "dll.script": (BAD, ("Mac 上的按钮还没有接通 Excel", "on this Mac buttons do not reach Excel yet"),
                   ('请运行："{python}" -m xlwings.cli runpython install', 'Run: "{python}" -m xlwings.cli runpython install')),
    "dll.unknown": (UNKNOWN, ("这里不是 Windows，没有 DLL 可查", "not Windows: there is no DLL to look for"), _NONE),
    "excel.there": (OK, ("{path}（版本 {version}）", "{path} (version {version})"), _NONE),
    "excel.none": (ATTENTION, ("没有找到 Excel，按钮和公式不能用", "no Excel found: no buttons, no formulas"),
                   ("用 .xlsx 表填写，用 {command} check 检查", "Fill the .xlsx form and check it with {command} check")),
    "excel.unknown": (UNKNOWN, ("这里不是 Windows，查不到", "not Windows: cannot be known"), _NONE),
    "macros.trusted": (OK, ("{folder} 是受信任位置，里面的宏可以运行", "{folder} is a trusted location, its macros run"), _NONE),
    "macros.asks": (OK, ("打开表时 Excel 会先问", "Excel asks when a form is opened"),
                    ("打开后点黄色条上的“启用内容”", "Click Enable Content on the yellow bar")),
    "macros.all": (ATTENTION, ("Excel 设成了“启用所有宏”：表能用，但别的文件里的宏也会直接运行", "Excel runs all macros without asking, those of any file too"),
                   ("文件→选项→信任中心→宏设置，改为“禁用 VBA 宏，并发出通知”", "File > Options > Trust Center > Macro Settings: disable with notification")),
    "macros.signed": (BAD, ("Excel 只运行有数字签名的宏，本工具的宏没有签名", "Excel runs signed macros only, those of the forms are not signed"), _IT),
    "macros.silent": (BAD, ("Excel 设成了禁用所有宏且不通知", "Excel disables all macros without notice"),
                      ("文件→选项→信任中心→宏设置，改为“禁用 VBA 宏，并发出通知”；改不了的请找信息中心",
                       "File > Options > Trust Center > Macro Settings: disable with notification; if greyed out ask your administrator")),
    "macros.ruled": (BAD, ("单位规定禁用所有宏", "your administrator disables all macros"), _IT),
    "macros.off": (BAD, ("单位规定 Office 不能使用 VBA，按钮和公式不能用", "your administrator has switched VBA off: no buttons, no formulas"),
                   ("请信息中心为填表的电脑放开 VBA；批下来以前用 .xlsx 表和 {command} check",
                    "Ask your administrator; until then use the .xlsx form and {command} check")),
    "macros.unknown": (UNKNOWN, ("这里不是 Windows，查不到宏是否被禁", "not Windows: whether macros are blocked cannot be known"), _NONE),
    "macros.limits": (UNKNOWN, ("杀毒软件、云端下发的策略是否另行拦截，查不到", "whether other software or a cloud policy blocks macros cannot be known"), _NONE),
    "opener.other": (ATTENTION, ("双击 .xlsm 打开的不是 Excel（{opener}）", "a double click on .xlsm does not start Excel ({opener})"),
                     ("在 Excel 里用 文件→打开，或右键→打开方式→Excel", "Use File > Open in Excel, or right click > Open with > Excel")),
    "wps.there": (ATTENTION, ("装有 WPS：WPS 里没有 VBA 环境时按钮没有反应，公式保持上次的数", "WPS is here: without a VBA package its buttons do nothing"),
                  ("带按钮的表请用 Excel 打开；只有 WPS 的用 .xlsx 表和 {command} check", "Open forms with buttons in Excel; with WPS alone use the .xlsx form and {command} check")),
    "libreoffice.there": (ATTENTION, ("装有 LibreOffice：表能看，按钮和公式不能用", "LibreOffice is here: it shows the forms, buttons and formulas do not work"),
                          ("不要用它保存带按钮的表（会破坏宏）；可以用 .xlsx 表", "Do not save forms with buttons in it (their macros break); use the .xlsx form")),
    "folder.there": (OK, ("{folder}", "{folder}"), _NONE),
    "folder.none": (ATTENTION, ("还没有 {folder}", "there is no {folder} yet"),
                    ("请运行：{command} install；表放在别处的，在 doctor 后面写上那个文件夹", "Run: {command} install; for another folder name it after doctor")),
    "folder.marks": (ATTENTION, ("路径里有{marks}：{folder}", "the path holds {marks}: {folder}"), _PATH),
    "folder.cloud": (ATTENTION, ("{folder} 由 OneDrive 同步，按钮可能找不到文件", "{folder} is synchronised by OneDrive, buttons may not find the file"),
                     ("请把表放到本机文件夹，如 D:\\绩效自评", "Keep the forms in a local folder such as D:\\forms")),
    "folder.network": (ATTENTION, ("{folder} 在网络上，默认不能设为受信任位置，几个人同时打开会互相锁住", "{folder} is on the network: not trusted by default"),
                       ("请拷到本机再填", "Copy the forms to this computer")),
    "book.fine": (OK, ("{file}：宏与 xlwings {version} 一致", "{file}: its macros are for xlwings {version}, as installed"), _NONE),
    "book.plain": (OK, ("{file}：没有宏，不需要 xlwings", "{file}: no macros, needs no xlwings"), _NONE),
    "book.version": (BAD, ("{file}：宏是按 xlwings {wanted} 生成的，本机是 {version}，公式不能用", "{file}: its macros are for xlwings {wanted}, this computer has {version}: no formulas"),
                     ("运行 {command} install 得到一张配套的空白表，把填好的数（只贴数值）抄过去", "Run {command} install for a matching blank form and copy your figures into it (values only)")),
    "book.foreign": (ATTENTION, ("{file}：有宏，但不是本工具的表", "{file}: has macros, but is no form of this program"), _NONE),
    "book.unreadable": (UNKNOWN, ("{file}：宏的版本读不出来（文件打不开、已损坏或过大）", "{file}: the version of its macros cannot be read (unreadable, damaged or too large)"),
                        ("请在 Excel 里打开试试；打不开的，用 {command} install 再放一份", "Try to open it in Excel; if that fails get another with {command} install")),
    "book.no_reader": (UNKNOWN, ("{file}：没有安装 pyOpenVBA，读不了宏的版本", "{file}: the version of its macros cannot be read without pyOpenVBA"), _PIP),
    "book.marked": (BAD, ("{file}：来自邮件或网络，Excel 会拦住它的宏", "{file}: came by mail or network, Excel blocks its macros"), _UNBLOCK),
    "book.marked_allowed": (ATTENTION, ("{file}：来自邮件或网络，会先以受保护的视图打开", "{file}: came by mail or network, opens in Protected View first"),
                            ("点“启用编辑”，再点“启用内容”", "Click Enable Editing, then Enable Content")),
    "book.mark_unknown": (UNKNOWN, ("{file}：是否带有“来自网络”的标记，只有 Windows 上能查", "{file}: whether it is marked as from the network is known on Windows only"), _NONE),
    "book.equals": (BAD, ("{file}：文件名里有等号，xlwings 会在那里截断", "{file}: xlwings cuts its name at the equals sign"),
                    ("请改名，去掉等号", "Rename it without the equals sign")),
    "book.marks": (ATTENTION, ("{file}：文件名里有{marks}", "{file}: its name holds {marks}"), _PATH),
}


class Answer(NamedTuple):
    """One line of the report: level ("ok", "attention", "bad", "unknown"), what it is about, what is, what to click or type ("": nothing)."""

    level: str
    topic: str
    text: str
    fix: str

    def words(self) -> str:
        """The answer in one line."""
        level = LEVELS[self.level][LANGUAGES.index(language())]
        if language() == "zh":
            return f"【{level}】{self.topic}：{self.text}。{self.fix + '。' if self.fix else ''}"
        return f"[{level}] {self.topic}: {self.text}.{' ' + self.fix + '.' if self.fix else ''}"


def answers(facts: Machine) -> list[Answer]:
    """All answers on a machine, in the order of QUESTIONS."""
    pick = LANGUAGES.index(language())
    always = {"command": facts.command, "folder": facts.here.folder, "python": facts.here.python}
    found = []
    for question in QUESTIONS:
        for key, args in question(facts):
            level, text, fix = _ANSWERS[key]
            values = {**always, **args}
            if "marks" in values:
                values["marks"] = ("、", ", ")[pick].join(_MARKS[mark][pick] for mark in values["marks"])
            found.append(Answer(level, _TOPICS[key.partition(".")[0]][pick], text[pick].format(**values), fix[pick].format(**values)))
    return found


Said = Iterator[tuple[str, dict]]


def _python(facts: Machine) -> Said:
    here, shown = facts.here, {"version": ".".join(map(str, facts.python_version)), "bits": facts.bits}
    if facts.python_version < PYTHON:
        yield "python.old", shown
    elif here.system == machine.WINDOWS and facts.bits == 32:
        yield "python.32", shown
    elif here.system == machine.WINDOWS and "\\windowsapps\\" in here.python.lower():
        yield "python.store", shown
    else:
        yield "python.fine", shown
    if here.system == machine.WINDOWS and (marks := traps(here.python)):
        yield "python.place", {"marks": marks}
    yield "tool.version", {"version": here.version, "log": here.log}


def version_numbers(text: str) -> tuple[int, ...]:
    """0.37.8 -> (0, 37, 8); what is no number ends it."""
    numbers: list[int] = []
    for word in text.split("."):
        if not word.isdecimal():
            break
        numbers.append(int(word))
    return tuple(numbers)


def _xlwings(facts: Machine) -> Said:
    version = facts.here.xlwings
    if not version:
        yield "xlwings.none", {}
    elif XLWINGS[0] <= version_numbers(version) < XLWINGS[1]:
        yield "xlwings.fine", {"version": version}
    else:
        yield "xlwings.range", {"version": version}
    if facts.here.system == machine.WINDOWS:
        yield ("pywin32.fine" if facts.pywin32 else "pywin32.none"), {}


def _heavy(facts: Machine) -> Said:
    yield ("heavy.there", {"names": ", ".join(facts.heavy)}) if facts.heavy else ("heavy.none", {})


def _config(facts: Machine) -> Said:
    here, named = facts.here, machine.interpreter(facts.config, facts.here.system)
    about = {"file": here.config_file, "named": named}
    if here.config_file is None:
        yield "config.unknown", {}
    elif not named:
        yield "config.none", about
    elif _same_path(_expanded(named, here.variables), here.python, here.system):
        yield "config.fine", about
    else:
        yield ("config.other" if facts.interpreter_exists else "config.gone"), about
    if facts.config_beside:
        yield "config.beside", {"file": facts.config_beside}


def _expanded(path: str, variables: dict[str, str]) -> str:
    for name, value in variables.items():
        if path.upper().startswith(f"%{name}%"):
            return value + path[len(name) + 2:]
    return path


def _same_path(one: str, other: str, system: str) -> bool:
    if system != machine.WINDOWS:
        return posixpath.normpath(one) == posixpath.normpath(other)
    # pythonw.exe is the same Python without a window
    plain = [ntpath.normcase(ntpath.normpath(path)).replace("pythonw.exe", "python.exe") for path in (one, other)]
    return plain[0] == plain[1]


def _dll(facts: Machine) -> Said:
    here = facts.here
    if here.system == machine.MAC:
        yield "dll.mac", {}
        if here.xlwings and not facts.applescript:
            yield "dll.script", {}
    elif here.system != machine.WINDOWS:
        yield "dll.unknown", {}
    elif here.xlwings:
        missing = [name for name in machine.dll_names(here.xlwings) if name not in facts.dlls]
        yield ("dll.none", {"names": ", ".join(missing), "version": here.xlwings}) if missing else ("dll.fine", {"names": ", ".join(facts.dlls)})


def _excel(facts: Machine) -> Said:
    if facts.excel:
        yield "excel.there", {"path": facts.excel.path or "Excel", "version": facts.excel.version or "?"}
    else:
        yield ("excel.none" if facts.here.system in (machine.WINDOWS, machine.MAC) else "excel.unknown"), {}


def trusted(facts: Machine, path: str) -> bool:
    """Whether Excel trusts what lies in a folder: one of its trusted locations, or below one whose subfolders count."""
    excel = facts.excel
    if excel is None or excel.trusted_off:
        return False
    folder = ntpath.normcase(ntpath.normpath(path))
    for place, below in excel.trusted:
        root = ntpath.normcase(ntpath.normpath(place))
        if folder == root or (below and folder.startswith(root.rstrip("\\") + "\\")):
            return True
    return False


def _macros(facts: Machine) -> Said:
    excel = facts.excel
    if facts.here.system != machine.WINDOWS:
        yield "macros.unknown", {}
        return
    if excel is None:
        return
    setting = excel.warnings if excel.policy is None else excel.policy
    if excel.vba_off:
        yield "macros.off", {}
    elif trusted(facts, facts.here.folder):
        yield "macros.trusted", {}
    elif setting == 1:
        yield "macros.all", {}
    elif setting == 3:
        yield "macros.signed", {}
    elif setting == 4:
        yield ("macros.silent" if excel.policy is None else "macros.ruled"), {}
    else:
        yield "macros.asks", {}
    yield "macros.limits", {}


def _programs(facts: Machine) -> Said:
    if facts.opener and not facts.opener.lower().startswith("excel."):
        yield "opener.other", {"opener": facts.opener}
    if facts.wps:
        yield "wps.there", {}
    if facts.libreoffice:
        yield "libreoffice.there", {}


#: what in a path makes trouble on the way through VBA and the command interpreter of Windows, or was never tried
_MARKS = {"'": ("单引号", "an apostrophe"), "&": ("&", "&"), "%": ("百分号", "a percent sign"), "^": ("^", "^"), "=": ("等号", "an equals sign"),
          "chinese": ("中文等非英文字符", "characters other than ASCII")}


def traps(path: str, own: str = "") -> tuple[str, ...]:
    """The troublesome signs of a path, by the keys of the table of marks; ``own`` is a part of it that is meant to be there."""
    rest = path.replace(own, "") if own else path
    return (*(sign for sign in "'&%^=" if sign in path), *(("chinese",) if not rest.isascii() else ()))


def _folder(facts: Machine) -> Said:
    folder, windows = facts.here.folder, facts.here.system == machine.WINDOWS
    yield ("folder.there" if facts.folder_exists else "folder.none"), {}
    if not windows:
        return
    if marks := traps(folder, machine.FORMS):
        yield "folder.marks", {"marks": marks}
    if "onedrive" in folder.lower():
        yield "folder.cloud", {}
    if folder.startswith("\\\\"):
        yield "folder.network", {}


def _workbooks(facts: Machine) -> Said:
    paths = ntpath if facts.here.system == machine.WINDOWS else posixpath
    for book in facts.workbooks:
        folder, name = paths.split(book.path)
        about = {"file": name, "folder": folder, "version": facts.here.xlwings or "?"}
        yield from _version(facts, book, about)
        if not book.macros:
            continue
        if book.marked is None:
            yield "book.mark_unknown", about
        elif book.marked and not trusted(facts, folder):
            allowed = facts.excel is not None and facts.excel.internet == 0
            yield ("book.marked_allowed" if allowed else "book.marked"), about
        if "=" in name:
            yield "book.equals", about
        if marks := tuple(mark for mark in traps(name) if mark not in ("=", "chinese")):
            yield "book.marks", {**about, "marks": marks}


def _version(facts: Machine, book: Workbook, about: dict) -> Said:
    if book.xlwings is None:
        yield ("book.no_reader" if book.macros and not facts.vba_reader else "book.unreadable"), about
    elif not book.macros:
        yield "book.plain", about
    elif not book.xlwings:
        yield "book.foreign", about
    elif book.xlwings == facts.here.xlwings:
        yield "book.fine", about
    else:
        yield "book.version", {**about, "wanted": book.xlwings, "version": facts.here.xlwings or "-"}


QUESTIONS = (_python, _xlwings, _heavy, _config, _dll, _excel, _macros, _programs, _folder, _workbooks)
