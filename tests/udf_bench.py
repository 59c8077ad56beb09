"""A bench for the worksheet functions: xlwings' own ``call_udf`` runs in a process of its own, and only COM is faked.

``Bench`` is the test's side: ``call("PE_SCORE", "≥90%", Range([["95%"]]), ...)`` gives what would go back to the cell. ``Excel`` is the same
with the generated VBA in front, run by pyOpenVBA's interpreter. Started as a program the file is the other side: a server that answers one
line of JSON with another. It has to be a process of its own, because it puts stand-ins into ``sys.modules`` and ``ctypes``.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import types
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from unittest import mock

ROOT = Path(__file__).parent.parent
#: what Excel hands over for a missing argument, and for #DIV/0!
MISSING, DIV0, SPILL = -2147352572, -2146826281, -2146826243
_RANGE = "{00020846-0000-0000-C000-000000000046}"


class Range(NamedTuple):
    """A range as an argument: its rows, None for an empty cell."""

    rows: list


class Block(NamedTuple):
    """An array as an argument: what a formula like A1:A3*1 hands over."""

    rows: list


# ---- values on their way through JSON ----


def _packed(value):
    if isinstance(value, (Range, Block)):
        return {type(value).__name__: [[_packed(cell) for cell in row] for row in value.rows]}
    if isinstance(value, Decimal):
        return {"Currency": str(value)}
    return {"Date": value.isoformat()} if isinstance(value, datetime.datetime) else value


def _unpacked(value):
    if not isinstance(value, dict):
        return value
    (kind, content), = value.items()
    if kind in ("Range", "Block"):
        rows = tuple(tuple(map(_unpacked, row)) for row in content)
        return _com_range(rows) if kind == "Range" else rows
    return Decimal(content) if kind == "Currency" else datetime.datetime.fromisoformat(content)


# ---- the test's side ----


class Bench:
    """The process in which ``call_udf`` runs; used as a context."""

    def __enter__(self) -> Bench:
        self.process = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
                                        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"})
        return self

    def __exit__(self, *exception) -> None:
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(10)

    def ask(self, **question):
        """One question and its answer."""
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer["value"]

    def call(self, function, *arguments, module="perfeval_xl.udfs"):
        """What the function gives to the cell: a value, or rows where it gives a block."""
        block = self.ask(call=function, module=module, arguments=[_packed(argument) for argument in arguments])
        return block[0][0] if len(block) == len(block[0]) == 1 else block

    def microseconds(self, function, calls):
        """Median of one call through ``call_udf``, the arguments of each call given."""
        return self.ask(time=function, calls=[[_packed(argument) for argument in arguments] for arguments in calls])


class Excel:
    """The generated wrappers in an interpreter of VBA, on a workbook, with the bench behind them."""

    def __init__(self, path, wrappers: str, bench: Bench, more: dict[str, str] | None = None) -> None:
        from pyopenvba.apps.excel import ExcelApplication
        from pyopenvba.apps.excel._bridge import ExcelBridge
        from pyopenvba.exceptions import VBARuntimeError
        from pyopenvba.interpreter._objects import VBAObject, method
        from pyopenvba.interpreter._values import VBAArray

        self.commands: list[str] = []
        host = self

        class XLPy(VBAObject):
            @method
            def CallUDF(self, module, name, arguments, book=None, caller=None):
                try:
                    rows = bench.ask(call=name, module=module, arguments=[_packed(_from_vba(one)) for one in arguments.elements()])
                except RuntimeError as error:
                    raise VBARuntimeError(1000, str(error)) from None
                return VBAArray([(0, len(rows) - 1), (0, len(rows[0]) - 1)], items=[row[n] for n in range(len(rows[0])) for row in rows])

            @method
            def Run(self, command):
                host.commands.append(command)

        xlpy = XLPy()

        class Bridge(ExcelBridge):
            def global_object(self, name):
                return xlpy if name == "xlpy" else super().global_object(name)

        self.application = ExcelApplication.open(path, with_vba=False)
        self.application.interpreter.host = Bridge(self.application.application)
        self.application.add_module('Public Const XLWINGS_VERSION As String = "9.9.9"\nPublic Function RunPython(command As String)\n'
                                    "    XLPy.Run command\nEnd Function\n", name="xlwings")
        # the interpreter has no Application.Caller
        self.application.add_module(wrappers.replace("Application.Caller", 'Range("A1")'), name="xlwings_udfs")
        for name, source in (more or {}).items():
            self.application.add_module(source, name=name)

    def evaluate(self, expression: str):
        """An expression of VBA, as a plain value."""
        value = self.application.evaluate(expression)
        return value[0][0] if isinstance(value, list) and len(value) == len(value[0]) == 1 else value


def _from_vba(value):
    """A value of the interpreter as COM would hand it to Python."""
    from pyopenvba.interpreter import _values as vba

    if isinstance(value, vba.VBAErrorValue):
        return -2146828288 + value.number
    if value is vba.MISSING:
        return MISSING
    if value is vba.EMPTY or value is None or isinstance(value, (str, bool)):
        return None if value is vba.EMPTY else value
    if isinstance(value, vba.VBAArray):
        (top, bottom), (left, right) = value.bounds
        return Block([[_from_vba(value.get([row, column])) for column in range(left, right + 1)] for row in range(top, bottom + 1)])
    if isinstance(value, (int, float)):
        return float(value)
    cells = value.vba_get("Value")
    return Range(_from_vba(cells).rows if isinstance(cells, vba.VBAArray) else [[_from_vba(cells)]])


# ---- the other side: xlwings with COM faked ----


def _com_range(rows):
    """What pywin32 shows of a Range of Excel, as far as a function call looks at it."""
    new = types.SimpleNamespace
    book = new(Application=new(Hwnd=1), Name="form.xlsm")
    info = new(GetTypeInfo=lambda: new(GetTypeAttr=lambda: new(iid=_RANGE)))
    single = len(rows) == len(rows[0]) == 1
    return new(Value=rows[0][0] if single else rows, Row=1, Column=1, Rows=new(Count=len(rows)), Columns=new(Count=len(rows[0])), _oleobj_=info,
               Worksheet=new(Parent=book, Name="Sheet1"), Address="$A$1")


def _fake_com() -> None:
    """Stand-ins for pywin32 and for the parts of ctypes that only Windows has."""
    import ctypes

    class Thing(Exception):
        def __init__(self, *arguments, **named):
            pass

    words = {"pythoncom": ("CoInitialize",), "pywintypes": ("com_error", "TimeType"), "win32com": (),
             "win32com.client": ("Dispatch", "DispatchEx", "CDispatch", "CoClassBaseClass", "DispatchBaseClass"),
             **dict.fromkeys(("win32api", "win32con", "win32gui", "win32process", "win32timezone"), ())}
    for name, members in words.items():
        module = sys.modules[name] = types.ModuleType(name)
        for member in members:
            setattr(module, member, type(member, (Thing,), {}))
    sys.modules["pywintypes"].IID = str
    sys.modules["pythoncom"].__file__ = "pythoncom.dll"
    sys.modules["win32process"].GetWindowThreadProcessId = lambda window: (0, 0)
    sys.modules["win32com"].client = sys.modules["win32com.client"]
    # whatever is looked up in a library of Windows is a function that does nothing
    for name in ("windll", "oledll", "PyDLL"):
        setattr(ctypes, name, mock.MagicMock())


def _serve() -> None:
    import atexit
    import statistics
    import time

    _fake_com()
    import xlwings
    from xlwings import _xlwindows

    atexit.unregister(_xlwindows.cleanup)  # it would look for Excel in the list of processes
    xlwings.engines.add(xlwings.Engine(impl=_xlwindows.engine))
    sys.modules["xlwings.com_server"] = types.SimpleNamespace(loop=None)
    from xlwings import udfs

    xlwings.func, xlwings.arg, xlwings.ret = udfs.xlfunc, udfs.xlarg, udfs.xlret
    from perfeval_xl import log

    log.path = lambda: os.devnull  # the tests make functions fail on purpose
    caller = _com_range(((None,),))

    def call(module, name, arguments):
        return udfs.call_udf(module, name, tuple(arguments), None, caller)

    def microseconds(name, calls):
        taken = []
        for arguments in calls:
            start = time.perf_counter()
            call("perfeval_xl.udfs", name, arguments)
            taken.append(time.perf_counter() - start)
        return statistics.median(taken) * 1e6

    for line in sys.stdin:
        question = json.loads(line)
        arguments = [_unpacked(argument) for argument in question.get("arguments", ())]
        try:
            if "call" in question:
                value = call(question["module"], question["call"], arguments)
            elif "time" in question:
                value = microseconds(question["time"], [tuple(map(_unpacked, one)) for one in question["calls"]])
            else:
                value = eval(question["eval"], {"sys": sys, "xlwings": xlwings})
            answer = {"value": value}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
