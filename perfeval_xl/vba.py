"""The macros of the workbook: the VBA project, the tab in the ribbon, and the wrappers through which Excel calls the worksheet functions.

No figure is computed in VBA. The project holds xlwings' own module, our buttons (one line each), the callbacks of the ribbon, and the
generated wrappers; their sources stand in ``macros/``, where ``python -m perfeval_xl.vba`` writes the generated one anew.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from html import escape
from typing import NamedTuple

from perfeval_xl.messages import Refusal


class Button(NamedTuple):
    """A button: the Sub it starts, its caption, what it does, and the name of its function in ``perfeval_xl.buttons``."""

    macro: str
    caption: str
    tip: str
    action: str


#: in the order of the work. PE_CheckForm and not PE_Check: VBA knows no case, and a worksheet function is called PE_CHECK
BUTTONS = (
    Button("PE_CheckForm", "①检查", "重算每个数，逐格核对；有问题的格子加框、加底色、加批注，并列在“校验结果”里。", "check"),
    Button("PE_Recalculate", "②重新计算", "重新计算执行率、得分、偏差度和总分，只改算错的格子；被粘贴盖掉的公式会恢复。", "recalculate"),
    Button("PE_ClearMarks", "③清除标记", "去掉检查时加的框、底色和批注；自己写的批注不动。", "clear_marks"),
    Button("PE_Undo", "④撤销上一步", "把表恢复到上一次按按钮之前的样子（Excel 的撤销管不到宏）。", "undo"),
    Button("PE_InsertRow", "⑤插入指标行", "在所选的指标行下面插入一行，公式、格式、下拉选项一并带上。", "insert_row"),
    Button("PE_Submit", "⑥生成报送版", "在本文件旁边另存一份只有数值、没有宏的报送版；有错误时先问一声。", "submit"),
    Button("PE_Report", "⑦生成自评报告", "在本文件旁边写出 Word 自评报告，每个数都取自本表；已有的报告只更新数，写过的文字不动。", "report"),
)
TAB, GROUP = "绩效自评", "部门整体自评表"


class Kind(NamedTuple):
    """What a workbook needs: its buttons, how their group in the ribbon is called and known, and our modules beside xlwings' own, as files in
    ``macros/``."""

    buttons: tuple[Button, ...]
    group: str
    name: str
    modules: tuple[str, ...]


FORM = Kind(BUTTONS, GROUP, "perfeval", ("xlwings_udfs", "perfeval_buttons", "perfeval_ribbon"))
DISTRICT = Kind((
    Button("PE_ChooseFolder", "选文件夹…", "选装着各部门自评表的文件夹；里面还有文件夹也行。自评表已经复制到本工作簿里的不用选。", ""),
    Button("PE_Consolidate", "⑧汇总", "把文件夹里的、或复制到本工作簿里的自评表汇总起来，结果写在后面各页；按 Esc 可以停。", "consolidate"),
), "区级汇总", "perfeval_district", ("perfeval_district",))
#: a project without compiled code: version FFFF says that there is none ([MS-OVBA] 2.3.4.1)
_NO_CACHE = bytes.fromhex("cc61ffff000000")

_RIBBON_PART = "customUI/customUI.xml"
_RIBBON_TYPE = "http://schemas.microsoft.com/office/2006/relationships/ui/extensibility"
_ROOT_RELATIONS = "_rels/.rels"


def folder(name: str) -> str:
    """A folder that ships with the tool (``macros``): inside an installed package, or beside it in a checkout."""
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (os.path.join(here, name), os.path.join(os.path.dirname(here), name)):
        if os.path.isdir(path):
            return path
    raise Refusal("X101", file=name)


def sources(kind: Kind = FORM) -> dict[str, str]:
    """Module -> source of every module we put into a project, lines ended by CRLF, pure ASCII."""
    xlwings = os.path.dirname(_library("xlwings").__file__)
    files = {"xlwings": os.path.join(xlwings, "xlwings.bas"), "Dictionary": os.path.join(xlwings, "addin", "Dictionary.cls")}
    files |= {name: os.path.join(folder("macros"), f"{name}.bas") for name in kind.modules}
    return {name: _vba(_read(path), name) for name, path in files.items()}


def _read(path: str) -> str:
    with open(path, encoding="ascii", errors="replace") as stream:
        return stream.read()


def _vba(source: str, name: str) -> str:
    # the code page of the project is 1252: anything Chinese would become a question mark without a word
    if not source.isascii() or "\ufffd" in source:
        raise ValueError(f"{name}: VBA source must be ASCII")
    return "\r\n".join(source.splitlines()) + "\r\n"


def _library(name: str):
    """A library of the excel extra, or a refusal that says how to get it."""
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise Refusal("X712", stated=name) from None


# ---- the project ----


def project(sheets: int, book_name: str = "form.xlsm", clean: bool = True, kind: Kind = FORM) -> bytes:
    """``xl/vbaProject.bin`` for a workbook with so many worksheets; document modules ThisWorkbook, Sheet1 to Sheetn.

    book_name: file name of the workbook; an add-in (.xlam) needs another module of xlwings and is refused.
    clean: without the compiled code of the template that pyOpenVBA starts from; False keeps it, to compare the two in a real Excel.
    The bytes are the same every time. Raises Refusal X712 where a library of the excel extra is missing.
    """
    if not book_name.endswith(".xlsm"):
        raise ValueError(f"{book_name}: only a workbook .xlsm holds this project")
    _library("pyopenvba")
    from pyopenvba.cfb import CFB
    from pyopenvba.excel import ExcelFile
    from pyopenvba.vba import VBAModuleKind

    with tempfile.TemporaryDirectory() as place:
        path = os.path.join(place, "form.xlsm")
        _skeleton(path, sheets)
        with ExcelFile(path) as book:
            made = book.add_vba_project()
            for module in made.modules if clean else ():
                module.dirty = True
            made.dir_structure_dirty = True
            for name, source in sources(kind).items():
                made.add_module(name, source, kind=VBAModuleKind.other if source.startswith("VERSION") else VBAModuleKind.standard)
            book.save()
        with zipfile.ZipFile(path) as package:
            data = package.read("xl/vbaProject.bin")
    if not clean:
        return data
    container = CFB.from_bytes(data)
    container.write_stream_in_storage("VBA", "_VBA_PROJECT", _NO_CACHE)
    return container.to_bytes()


def _skeleton(path: str, sheets: int) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(path, {"in_memory": True}) as workbook:
        for _ in range(sheets):
            workbook.add_worksheet()


# ---- the ribbon ----


def custom_ui(kind: Kind = FORM) -> str:
    """The tab in the ribbon: the buttons in the order of the work. No pictures, because their names can only be tried in Excel."""
    lines = ['<?xml version="1.0" encoding="UTF-8" standalone="yes"?>',
             '<customUI xmlns="http://schemas.microsoft.com/office/2006/01/customui">',
             "  <ribbon>", "    <tabs>", f'      <tab id="{kind.name}_tab" label="{escape(TAB)}">',
             f'        <group id="{kind.name}_group" label="{escape(kind.group)}">']
    for button in kind.buttons:
        name = button.macro.removeprefix("PE_")
        lines.append(f'          <button id="{kind.name}_{name}" label="{escape(button.caption)}" screentip="{escape(button.caption)}" '
                     f'supertip="{escape(button.tip)}" onAction="Ribbon_{name}"/>')
    lines += ["        </group>", "      </tab>", "    </tabs>", "  </ribbon>", "</customUI>", ""]
    return "\n".join(lines)


def add_ribbon(data: bytes, kind: Kind = FORM) -> bytes:
    """A finished .xlsm with the tab in its ribbon; one that has it already stays as it is.

    The 2006 edition of the part, because it survives what other programs do to a workbook.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        entries = [(entry, package.read(entry)) for entry in package.infolist()]
    names = {entry.filename for entry, _ in entries}
    if _RIBBON_PART in names:
        return data
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for entry, content in entries:
            if entry.filename == _ROOT_RELATIONS:
                content = _with_relation(content.decode("utf-8")).encode("utf-8")
            package.writestr(entry, content)
        part = zipfile.ZipInfo(_RIBBON_PART, entries[0][0].date_time)
        part.compress_type, part.external_attr = zipfile.ZIP_DEFLATED, entries[0][0].external_attr
        package.writestr(part, custom_ui(kind).encode("utf-8"))
    return out.getvalue()


def _with_relation(xml: str) -> str:
    number = next(n for n in range(1, 1000) if f'Id="rId{n}"' not in xml)
    relation = f'<Relationship Id="rId{number}" Type="{_RIBBON_TYPE}" Target="{_RIBBON_PART}"/>'
    return xml.replace("</Relationships>", f"{relation}</Relationships>")


# ---- the wrappers ----

#: Runs in a Python of its own: elsewhere than on Windows, xlwings' generator needs stand-ins for pywin32, which must not stay.
_GENERATE = """
import io, json, sys, types
given = json.loads(sys.argv[1])
sys.path[:] = given["path"]
if sys.platform != "win32":
    for name, words in (("pythoncom", ("CoInitialize",)), ("pywintypes", ("com_error",)), ("win32com", ()), ("win32com.client", ("Dispatch",))):
        module = sys.modules[name] = types.ModuleType(name)
        for word in words:
            setattr(module, word, type(word, (Exception,), {}))
import xlwings, xlwings.udfs as udfs
xlwings.func, xlwings.arg, xlwings.ret = udfs.xlfunc, udfs.xlarg, udfs.xlret
import perfeval_xl.udfs
out = io.StringIO()
udfs.generate_vba_wrapper("perfeval_xl.udfs", perfeval_xl.udfs, out, types.SimpleNamespace(Name=given["book"]))
sys.stdout.write(out.getvalue())
"""
_HEAD = 'Attribute VB_Name = "xlwings_udfs"\n#Const App = "Microsoft Excel"\n'


def wrappers(book_name: str = "form.xlsm") -> str:
    """Source of the module ``xlwings_udfs``: for each worksheet function a Function that hands its arguments to Python.

    The name of the module is the one that xlwings replaces, should somebody import the functions anew. A function that fails shows #VALUE!,
    not the words of the exception as xlwings would have it: SUM passes an error on, and passes over words.
    """
    _library("xlwings")
    given = json.dumps({"path": [os.path.dirname(os.path.dirname(os.path.abspath(__file__))), *sys.path], "book": book_name})
    made = subprocess.run([sys.executable, "-c", _GENERATE, given], capture_output=True, text=True, check=True).stdout
    return _vba(_HEAD + made.replace("= Err.Description", "= CVErr(2015)"), "xlwings_udfs")


def write_wrappers() -> str:
    """Writes ``macros/xlwings_udfs.bas`` anew; gives its path."""
    path = os.path.join(folder("macros"), "xlwings_udfs.bas")
    with open(path, "w", encoding="ascii", newline="") as stream:
        stream.write(wrappers())
    return path


if __name__ == "__main__":
    print(write_wrappers())
