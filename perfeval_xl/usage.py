"""What may be typed: the commands, their options, and what argparse says of them in Chinese."""

import argparse
import os
import re
from collections.abc import Callable
from typing import NoReturn

from perfeval_xl import __version__, messages

#: exit status of wrong usage
WRONG = 2
_WORDS = messages.Words({
    "about": ("部门整体绩效自评表：重算每个数，指出每处错误。", "Recomputes every figure of a self-assessment form and says what is wrong."),
    "demo": ("用随附的示例走一遍：检查、批注、写自评报告和一份带按钮的表、汇总一个区",
             "the whole job on the shipped examples: check, mark, write reports and a form with buttons, consolidate a district"),
    "editions": ("列出认识的各版自评表", "the editions of the form it knows"),
    "codes": ("列出全部校验代码：级别、含义、改法、依据", "the catalogue of findings: code, severity, text, fix, source"),
    "check": ("重算并检查自评表（.xlsx .xlsm .xls .ods）", "recomputes every figure of the forms and checks everything"),
    "new": ("生成一份空的自评表：.xlsm 有按钮和函数，.xlsx 没有宏；或一份区级汇总工作簿",
            "a blank form; .xlsm = with functions and buttons, .xlsx = without macros; or a district's workbook"),
    "new_edition": ("版本，如 shangjie-2022（见 editions）；“区级汇总”或 district 为汇总用的工作簿",
                    "the edition, e.g. shangjie-2022 (see `editions`); district = the workbook in which a bureau consolidates"),
    "new_out": ("写到这个文件（.xlsm 或 .xlsx），已有的文件不覆盖", "the file to write (.xlsm or .xlsx); an existing one is left alone"),
    "department": ("先填好部门（单位）名称", "fill in the department's name"),
    "year": ("先填好年度，如 2022", "fill in the year, e.g. 2022"),
    "bad_year": ("年度应为 2000 到 2099 之间的四位数，不能是 {stated}", "the year is a number from 2000 to 2099, not {stated}"),
    "build": ("重新生成随附的空表（维护人员用）", "rebuilds the shipped blank forms (for maintainers)"),
    "doctor": ("看看这台电脑能不能用带按钮的自评表，缺什么、怎么办", "whether forms with buttons will work on this computer, and what to do"),
    "doctor_file": ("另外要看的工作簿或文件夹", "workbooks or folders to look at as well"),
    "install": ("写好 xlwings 设置，把空白表放进“文档”；不需要管理员权限",
                "writes the xlwings settings and puts the blank forms into your documents"),
    "install_to": ("把空白表放到这个文件夹（默认“文档”里的“绩效自评”）", "folder for the blank forms (default: one in your documents)"),
    "dry_run": ("只说会做什么，不动手", "says what would be done and does nothing"),
    "report": ("写自评报告（Word），每个数都取自自评表；已有的只更新数", "writes the report (Word) from a form, or updates an older one"),
    "report_out": ("报告文件（.docx）", "the report (.docx)"),
    "file": ("自评表文件", "a form"),
    "edition": ("按指定版本阅读（见 editions）", "read under this edition (see `editions`)"),
    "json": ("结果写成一份 JSON", "one JSON document on standard output"),
    "report_doc": ("同时用自评表核对这份报告（.docx、.pdf 或 .txt）；只能检查一个自评表文件",
               "also hold this written report (.docx, .pdf, .txt) against the one form given"),
    "limits": ("改变文件大小的限额，如 rows=30000,cells=500000（见 SECURITY.md）", "other limits for files, e.g. rows=30000 (see SECURITY.md)"),
    "out": ("把批注版（标出错误的副本）写到这个文件夹", "write a marked review copy of each file into this folder"),
    "demo_out": ("结果文件夹（默认 ./demo-output）", "folder for the results (default ./demo-output)"),
    "lang": ("zh 或 en（也可用环境变量 PERFEVAL_LANG）", "zh or en (also the variable PERFEVAL_LANG)"),
    "quiet": ("不显示进度和说明", "no progress, no prose"),
    "usage": ("用法不对：{why}。加 --help 看说明。", "Wrong usage: {why}. See --help."),
    "usage_head": ("用法：", "usage: "),
    "positionals": ("参数", "arguments"),
    "options": ("选项", "options"),
    "help": ("显示说明", "show this help"),
    "version": ("显示版本", "show the version"),
    "consolidate": ("把许多自评表汇总成一个工作簿", "many forms into one district workbook"),
    "path": ("自评表、装着自评表的文件夹，或下级的汇总工作簿", "forms, folders of forms, or district workbooks"),
    "district_out": ("汇总工作簿（.xlsx）", "the district workbook (.xlsx)"),
    "roster": ("应报部门的名册（.xlsx .csv .txt）", "who has to submit (.xlsx .csv .txt)"),
    "json_file": ("同时把全部数据写成 JSON 文件", "all data as a JSON file as well"),
    "send_back": ("把有错误的部门的批注版和退回单写到这个文件夹", "marked copies and lists for the departments with errors"),
    "since": ("与上次的汇总工作簿比较：改了哪些、还剩哪些", "compare with the last district workbook"),
    "workers": ("用几个进程（默认按文件多少和处理器定）", "processes (default: as many as pay)"),
    "scheduler": ("用这个地址的 Dask 集群读表", "read on the Dask cluster at this address"),
    "records": ("另把各表各行写成 Parquet 数据集", "the rows as a Parquet data set as well"),
    "reports": ("这个文件夹里的自评报告按部门和年度与自评表配对核对", "written reports in this folder, held against their forms"),
    "district_year": ("本次汇总的年度（默认取名册或多数表的年度）", "the year of the run (default: the roster's, or that of most forms)"),
    "not_xlsx": ("{stated} 的扩展名应为 .xlsx", "{stated} should end in .xlsx"),
    "not_count": ("应为正整数，不能是 {stated}", "a positive number, not {stated}"),
})
say = _WORDS.say


#: what argparse says, and how a Chinese user hears it
_SAID = (("the following arguments are required: (.*)", "缺少 {0}"), ("unrecognized arguments: (.*)", "不认识 {0}"),
         (r"argument (.*): invalid choice: (.*) \(choose from (.*)\)", "{0} 不能是 {1}，可用：{2}"),
         ("argument (.*): expected one argument", "{0} 后面缺少内容"),
         ("argument (.*): expected at least one argument", "{0} 后面缺少内容"), ("ambiguous option: (.*) could match (.*)", "{0} 不明确，可以是 {1}"),
         ("argument (.*): (.*)", "{0}：{1}"))


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        # with a width of its own, or argparse would import shutil for every argument that is declared
        columns = os.environ.get("COLUMNS", "")
        super().__init__(prog, width=int(columns) if columns.isdigit() and int(columns) > 40 else 100)

    def add_usage(self, usage, actions, groups, prefix=None) -> None:
        super().add_usage(usage, actions, groups, say("usage_head") if prefix is None else prefix)


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: object) -> None:
        wants_help = options.get("add_help", True)
        super().__init__(**{"formatter_class": _Help, **options, "add_help": False})
        if wants_help:  # the parent of all keeps the titles by which argparse merges its groups
            self._positionals.title, self._optionals.title = say("positionals"), say("options")
            self.add_argument("-h", "--help", action="help", help=say("help"))

    def error(self, message: str) -> NoReturn:
        if messages.language() == "zh":
            for english, chinese in _SAID:
                if match := re.fullmatch(english, message):
                    message = chinese.format(*match.groups())
                    break
        self.exit(WRONG, say("usage", why=message) + "\n")


def parser(only: str = "") -> argparse.ArgumentParser:
    """The parser of all commands, or of one: making all of them takes as long as checking a form."""
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--lang", choices=messages.LANGUAGES, help=say("lang"))
    common.add_argument("-q", "--quiet", action="store_true", help=say("quiet"))
    whole = _Parser(prog="perfeval-xl", description=say("about"), parents=[common])
    whole.add_argument("--version", action="version", version=f"perfeval-xl {__version__}", help=say("version"))
    # prog is given because argparse would work it out by formatting a usage line
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser, prog="perfeval-xl")
    for name, declare in _COMMANDS.items():
        if only in ("", name):
            declare(commands.add_parser(name, parents=[common], help=say(name), description=say(name)))
    return whole


def _no_options(parser: argparse.ArgumentParser) -> None:
    """Nothing but what all commands have."""


def _demo_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", default="demo-output", metavar="DIR", help=say("demo_out"))


def _codes_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help=say("json"))


def _new_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("edition", metavar="EDITION", help=say("new_edition"))
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help=say("new_out"))
    parser.add_argument("--department", default="", metavar="NAME", help=say("department"))
    parser.add_argument("--year", type=_year, metavar="YEAR", help=say("year"))


def _doctor_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="*", metavar="FILE", help=say("doctor_file"))
    parser.add_argument("--json", action="store_true", help=say("json"))


def _install_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--to", default="", metavar="DIR", help=say("install_to"))
    parser.add_argument("--dry-run", action="store_true", help=say("dry_run"))


def _check_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help=say("file"))
    parser.add_argument("--edition", default="", metavar="ID", help=say("edition"))
    parser.add_argument("--report", default="", metavar="DOC", help=say("report_doc"))
    parser.add_argument("--json", action="store_true", help=say("json"))
    parser.add_argument("--limits", default="", metavar="NAME=N,...", help=say("limits"))
    parser.add_argument("--out", metavar="DIR", help=say("out"))


def _report_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help=say("file"))
    parser.add_argument("-o", "--out", required=True, metavar="OUT.docx", help=say("report_out"))
    parser.add_argument("--edition", default="", metavar="ID", help=say("edition"))
    parser.add_argument("--limits", default="", metavar="NAME=N,...", help=say("limits"))


def _consolidate_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="+", metavar="PATH", help=say("path"))
    parser.add_argument("-o", "--out", required=True, type=_xlsx, metavar="OUT.xlsx", help=say("district_out"))
    parser.add_argument("--roster", default="", metavar="FILE", help=say("roster"))
    parser.add_argument("--since", default="", metavar="OUT.xlsx", help=say("since"))
    parser.add_argument("--send-back", default="", metavar="DIR", help=say("send_back"))
    parser.add_argument("--json", default="", metavar="FILE", help=say("json_file"))
    parser.add_argument("--records", default="", metavar="DIR", help=say("records"))
    parser.add_argument("--reports", default="", metavar="DIR", help=say("reports"))
    parser.add_argument("--year", type=_year, metavar="YEAR", help=say("district_year"))
    parser.add_argument("--edition", default="", metavar="ID", help=say("edition"))
    parser.add_argument("--workers", type=_count, default=0, metavar="N", help=say("workers"))
    parser.add_argument("--scheduler", default="", metavar="ADDRESS", help=say("scheduler"))
    parser.add_argument("--limits", default="", metavar="NAME=N,...", help=say("limits"))


def named(arguments: list[str]) -> str:
    """The command, "" where the first word that is no option names none."""
    word = next((word for before, word in zip(["", *arguments], arguments, strict=False) if not word.startswith("-") and before != "--lang"), "")
    return word if word in _COMMANDS else ""


def _year(text: str) -> int:
    if not re.fullmatch("20[0-9]{2}", text):
        raise argparse.ArgumentTypeError(say("bad_year", stated=text))
    return int(text)


def _xlsx(text: str) -> str:
    if not text.lower().endswith(".xlsx"):
        raise argparse.ArgumentTypeError(say("not_xlsx", stated=text))
    return text


def _count(text: str) -> int:
    if not re.fullmatch("[1-9][0-9]{0,3}", text):
        raise argparse.ArgumentTypeError(say("not_count", stated=text))
    return int(text)


#: command -> what declares its options
_COMMANDS: dict[str, Callable[[argparse.ArgumentParser], None]] = {
    "demo": _demo_options, "editions": _no_options, "codes": _codes_options, "new": _new_options, "build": _no_options, "doctor": _doctor_options,
    "install": _install_options, "check": _check_options, "consolidate": _consolidate_options, "report": _report_options,
}
