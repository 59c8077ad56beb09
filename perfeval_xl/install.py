"""Getting the forms onto a user's computer: the xlwings settings and the blank forms, without administrator rights.

``plan`` says what is to be done and what each file would hold, ``carry_out`` does it; ``--dry-run`` is the plan alone. Nothing of the user's
is ever replaced: other settings stay, the settings file is kept once beside the new one, and a form that differs stays where it is.
"""

import itertools
import os
import tempfile
from typing import NamedTuple

from perfeval_xl import files, machine, record
from perfeval_xl.machine import Here
from perfeval_xl.messages import LANGUAGES, Refusal, language

_BOM = b"\xef\xbb\xbf"

#: what happens to a file: (will be done, was done) in Chinese and English
_WORDS = {
    "config": (("将写入 xlwings 设置：{path}（按钮和公式用 {python}）", "已写入 xlwings 设置：{path}（按钮和公式用 {python}）"),
               ("would write the xlwings settings {path} (buttons and formulas use {python})",
                "wrote the xlwings settings {path} (buttons and formulas use {python})")),
    "config_same": (("xlwings 设置已经正确：{path}",) * 2, ("the xlwings settings are right already: {path}",) * 2),
    "no_system": (("这里不是 Windows 或 Mac，没有 Excel，不写 xlwings 设置；在 Windows 上会在 %USERPROFILE%\\.xlwings\\xlwings.conf 里写一行 "
                   '"INTERPRETER_WIN","Python 的路径"',) * 2,
                  ("neither Windows nor a Mac: no Excel here, no xlwings settings are written. Windows would get one line "
                   '"INTERPRETER_WIN","path of Python" in %USERPROFILE%\\.xlwings\\xlwings.conf',) * 2),
    "no_excel": (("没有写 xlwings 设置：请先打开一次 Excel，再运行本命令（还没有文件夹 {path}）",) * 2,
                 ("no xlwings settings were written: start Excel once, then run this again (there is no folder {path} yet)",) * 2),
    "backup": (("将把原来的设置另存一份：{path}", "原来的设置另存在：{path}"),
               ("would keep the old settings: {path}", "kept the old settings: {path}")),
    "form": (("将放入空白表：{path}", "已放入空白表：{path}"), ("would put a blank form: {path}", "put a blank form: {path}")),
    "form_beside": (("{name} 已经在那里而且内容不同（可能是您填过的），不动它；将把新的空白表放在旁边：{path}",
                     "{name} 已经在那里而且内容不同（可能是您填过的），没有动它；新的空白表放在旁边：{path}"),
                    ("{name} is there and differs (perhaps you filled it), it stays; would put the new blank form beside it: {path}",
                     "{name} is there and differs (perhaps you filled it), it stays; the new blank form is beside it: {path}")),
    "form_same": (("空白表已经在那里：{path}",) * 2, ("the blank form is there already: {path}",) * 2),
    "no_forms": (("安装包里没有空白表（{path}），请重新安装本工具",) * 2, ("no blank forms came with this package ({path}), install it again",) * 2),
    "rebuilt": (("{name} 的宏已按本机的 xlwings {xlwings} 重新生成（随附的是 {shipped}）",) * 2,
                ("the macros of {name} are made anew for the xlwings {xlwings} of this computer (shipped: {shipped})",) * 2),
    "not_rebuilt": (("{name} 的宏是按 xlwings {shipped} 生成的，本机装的是 {xlwings}，没能重新生成（{why}）；表里的公式可能算不出来",) * 2,
                    ("the macros of {name} are for xlwings {shipped}, this computer has {xlwings}; they could not be made anew ({why}), "
                     "its formulas may fail",) * 2),
}
#: steps after which something is left to do for a person
UNFINISHED = ("no_excel", "no_forms", "not_rebuilt")


class Step(NamedTuple):
    """One thing to do or to know: its text's key, the file it is about, what that file is to hold (None: nothing is written)."""

    key: str
    path: str = ""
    data: bytes | None = None
    args: dict = {}  # noqa: RUF012 - never written to

    def words(self, done: bool) -> str:
        """The step in one line, as something to come or as something done."""
        return _WORDS[self.key][LANGUAGES.index(language())][done].format(path=self.path, **self.args)


def plan(here: Here, folder: str = "") -> list[Step]:
    """What installing does on this computer, in its order; ``folder`` is where the forms go (default: the user's documents).

    A settings file that cannot be read (X112) or cannot hold the path of this Python (X116) is refused.
    """
    return [*_settings(here), *_forms(os.path.abspath(folder or here.folder), here)]


def carry_out(step: Step) -> None:
    """Writes the step's file in one move, with its folder; what cannot be written is refused (X116)."""
    if step.data is not None:
        files.replace(step.path, step.data, True)


def _settings(here: Here) -> list[Step]:
    if here.config_file is None:
        return [Step("no_system")]
    folder = os.path.dirname(here.config_file)
    if here.system == machine.MAC and not os.path.isdir(folder):
        # the system makes this folder at Excel's first start, and makes it its own
        return [Step("no_excel", folder)]
    try:
        with open(here.config_file, "rb") as stream:
            old = stream.read()
    except FileNotFoundError:
        old = b""
    except OSError as error:
        raise Refusal("X112", file=here.config_file, why=error.strerror or error) from None
    new = settings(old, here)
    if new == old:
        return [Step("config_same", here.config_file)]
    kept = here.config_file + ".bak"
    backup = [Step("backup", kept, old)] if old and not os.path.exists(kept) else []
    return [*backup, Step("config", here.config_file, new, {"python": here.python})]


def settings(old: bytes, here: Here) -> bytes:
    """The settings file with the line that names this Python; every other line stays as it is, byte for byte, and a right one is not touched.

    A mark of UTF-8 at the beginning goes, because VBA would take it for a part of the first key.
    """
    key = machine.config_key(here.system)
    value = spelled(here)
    try:
        line = f'"{key}","{value}"'.encode(here.encoding)
    except UnicodeEncodeError:
        raise Refusal("X116", file=here.config_file, why=here.python) from None
    lines = old.removeprefix(_BOM).splitlines()
    start = f'"{key.lower()}"'.encode()
    mine = [one for one in lines if one.strip().lower().startswith(start)]
    if mine == [line] and not old.startswith(_BOM):
        return old
    others = [one for one in lines if one.strip() and one not in mine]
    end = b"\r\n" if here.system == machine.WINDOWS else b"\n"
    return end.join([*others, line]) + end


def spelled(here: Here) -> str:
    """The path of this Python as the settings name it. VBA reads that file in the code page of Windows, so a path with other characters than
    ASCII (a Chinese user name) is given by a variable of the environment wherever one covers them: xlwings and VBA both expand it."""
    path = here.python
    if path.isascii() or here.system != machine.WINDOWS:
        return path
    for name, place in here.variables.items():
        start = place.rstrip("\\")
        if start and path.lower().startswith(start.lower() + "\\") and (rest := path[len(start):]).isascii():
            return f"%{name}%{rest}"
    return path


def shipped_folder() -> str:
    """Where the forms that came with the package are: inside an installed package, or beside it in a checkout."""
    home = os.path.dirname(os.path.abspath(__file__))
    places = (os.path.join(home, "workbook"), os.path.join(os.path.dirname(home), "workbook"))
    return next((place for place in places if os.path.isdir(place)), places[0])


def _forms(folder: str, here: Here) -> list[Step]:
    source = shipped_folder()
    paths = machine.forms_in(source)
    if not paths:
        return [Step("no_forms", source)]
    steps: list[Step] = []
    for path in paths:
        data, notes = _form(path, here)
        steps += [*notes, _placed(folder, os.path.basename(path), data, here.version)]
    return steps


def _form(path: str, here: Here) -> tuple[bytes, list[Step]]:
    """A shipped form as this computer needs it: the VBA of xlwings and its DLL carry a version, and worksheet functions fail unless both are
    the same, so a form made for another xlwings is built anew."""
    with open(path, "rb") as stream:
        data = stream.read()
    name = os.path.basename(path)
    macros, shipped = machine.vba_version(path)
    if not (macros and shipped and here.xlwings) or shipped == here.xlwings:
        return data, []
    about = {"name": name, "xlwings": here.xlwings, "shipped": shipped}
    try:
        return _rebuilt(path), [Step("rebuilt", args=about)]
    except Exception as error:  # whatever stops the builder, the shipped form can still be filled and checked
        return data, [Step("not_rebuilt", args={**about, "why": str(error) or type(error).__name__})]


def _rebuilt(path: str) -> bytes:
    from perfeval_xl import district_sheets, workbook_file

    with tempfile.TemporaryDirectory() as folder:
        target = os.path.join(folder, os.path.basename(path))
        if os.path.splitext(os.path.basename(path))[0] == district_sheets.NAME:
            district_sheets.build(target)
        else:
            (form, *_) = record.check_file(path)
            if form.edition is None:
                raise form.refusal or ValueError(path)
            workbook_file.build(target, form.edition, None, True)
        with open(target, "rb") as stream:
            return stream.read()


def _placed(folder: str, name: str, data: bytes, version: str) -> Step:
    """Where a form goes: under its own name, or where a different file has that name beside it, with the version of this program in its."""
    stem, ending = os.path.splitext(name)
    for candidate in itertools.chain((name, f"{stem}_{version}{ending}"), (f"{stem}_{version}_{n}{ending}" for n in itertools.count(2))):
        path = os.path.join(folder, candidate)
        if not os.path.exists(path):
            return Step("form", path, data) if candidate == name else Step("form_beside", path, data, {"name": name})
        if _holds(path, data):
            return Step("form_same", path)


def _holds(path: str, data: bytes) -> bool:
    try:
        with open(path, "rb") as stream:
            return stream.read() == data
    except OSError:  # open in another program, or a folder of that name: not ours to touch
        return False
