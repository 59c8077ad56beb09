"""The command line: words in, calls out. Results go to standard output, prose and progress to standard error.

``argparse`` and not a larger library, and nothing heavy at the top of the module: ``check`` of one form is a whole process each time,
and the import of a command-line framework alone would cost as much as reading, scoring and checking forty forms.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterable
from typing import NoReturn

from perfeval_xl import __version__, messages
from perfeval_xl.messages import Refusal
from perfeval_xl.numbers import plain

DONE, ERRORS, UNREADABLE = 0, 1, 2
#: from this many files on a terminal shows a progress bar
MANY = 20


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
    "made": ("已写出：{path}", "Written: {path}"),
    "doctor": ("看看这台电脑能不能用带按钮的自评表，缺什么、怎么办", "whether forms with buttons will work on this computer, and what to do"),
    "doctor_file": ("另外要看的工作簿或文件夹", "workbooks or folders to look at as well"),
    "install": ("写好 xlwings 设置，把空白表放进“文档”；不需要管理员权限",
                "writes the xlwings settings and puts the blank forms into your documents"),
    "install_to": ("把空白表放到这个文件夹（默认“文档”里的“绩效自评”）", "folder for the blank forms (default: one in your documents)"),
    "dry_run": ("只说会做什么，不动手", "says what would be done and does nothing"),
    "report": ("写自评报告（Word），每个数都取自自评表；已有的只更新数", "writes the report (Word) from a form, or updates an older one"),
    "report_out": ("报告文件（.docx）", "the report (.docx)"),
    "report_errors": ("自评表有 {n} 处错误：报告用重算的数，并在批注里写明。请改正自评表后再生成一次。",
                      "The form has {n} errors: the report uses recomputed figures and says so in comments. Correct the form and run it again."),
    "health": ("不行 {bad}，注意 {attention}，查不到 {unknown}。", "{bad} must be mended, {attention} to look at, {unknown} cannot be known here."),
    "next": ("下一步：运行 {command} doctor，看看还缺什么。", "Next: {command} doctor says what is still missing."),
    "file": ("自评表文件", "a form"),
    "edition": ("按指定版本阅读（见 editions）", "read under this edition (see `editions`)"),
    "json": ("结果写成一份 JSON", "one JSON document on standard output"),
    "report_doc": ("同时用自评表核对这份报告（.docx、.pdf 或 .txt）；只能检查一个自评表文件",
               "also hold this written report (.docx, .pdf, .txt) against the one form given"),
    "one_form": ("--report 要求只给一个自评表文件，现在有 {n} 个", "--report takes exactly one form file, there are {n}"),
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
    "commands": ("命令", "commands"),
    "unexpected": ("意外错误（{why}）。请把这行文字和所用的文件发给维护人员。", "Unexpected error ({why}). Please send us this line and the file."),
    "logged": ("经过记在 {path}（不含表里的内容）。", " What happened is written down in {path} (without anything of the form)."),
    "written": ("批注版：{path}", "Review copy: {path}"),
    "workbook": ("带按钮的自评表（同一示例，已填好）：{path}", "The form with buttons, filled in: {path}"),
    "checked": ("检查了 {files} 个文件、{forms} 张表：错误 {error}，提醒 {warning}，提示 {note}；读不了 {unread}。",
                "{files} files, {forms} forms checked: {error} errors, {warning} warnings, {note} notes; {unread} unreadable."),
    "reading": ("检查中", "Checking"),
    "total": ("总分 {stated}，重算 {total}（{grade}）", "total {stated}, recomputed {total} ({grade})"),
    "total_open": ("总分 {stated}，无法完整重算", "total {stated}, cannot be recomputed completely"),
    "fine": ("没有发现问题。", "Nothing found."),
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
    "copying": ("写批注版", "Marked copies"),
    "stopped": ("已中断：读了 {done} 个文件（共 {total} 个），没有写出汇总工作簿。",
                "Stopped after {done} of {total} files; no district workbook was written."),
    "stopped_late": ("已中断：汇总工作簿已写出，批注版和退回单没有写完。",
                     "Stopped: the district workbook is written, the send-back folders are not complete."),
    "consolidated": ("收到 {received} 个文件，计入 {counted} 个部门，缺报 {missing}，读不了 {unreadable}，应退回 {back}；"
                     "错误 {error}，提醒 {warning}。",
                     "{received} files, {counted} departments, {missing} missing, {unreadable} unreadable, {back} to send back; "
                     "{error} errors, {warning} warnings."),
    "example_district": ("示例区", "district"), "example_out": ("示例区汇总.xlsx", "district.xlsx"), "example_back": ("退回", "send-back"),
    "sent_back": ("退回：{n} 个部门，见 {path}", "To send back: {n} departments, see {path}"),
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
        self.exit(UNREADABLE, say("usage", why=message) + "\n")


def _parser(only: str = "") -> argparse.ArgumentParser:
    """The parser of all commands, or of one: making all of them takes as long as checking a form."""
    common = _Parser(add_help=False, argument_default=argparse.SUPPRESS)
    common.add_argument("--lang", choices=messages.LANGUAGES, help=say("lang"))
    common.add_argument("-q", "--quiet", action="store_true", help=say("quiet"))
    parser = _Parser(prog="perfeval-xl", description=say("about"), parents=[common])
    parser.add_argument("--version", action="version", version=f"perfeval-xl {__version__}", help=say("version"))
    # prog is given because argparse would work it out by formatting a usage line
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser, prog="perfeval-xl")
    for name, (declare, _) in _COMMANDS.items():
        if only in ("", name):
            declare(commands.add_parser(name, parents=[common], help=say(name), description=say(name)))
    return parser


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


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit status is 0 (done), 1 (at least one error finding) or 2 (unreadable, or wrong usage)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _speak(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace", **({"encoding": "utf-8"} if "--json" in arguments else {}))
    options = None
    try:
        options = _parser(_named(arguments)).parse_args(arguments)
        if getattr(options, "limits", ""):
            from perfeval_xl import gate

            gate.set_limits(options.limits)
        status = _COMMANDS[options.command][1](options)
        sys.stdout.flush()
        return status
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else UNREADABLE
    except Refusal as refusal:
        _tell(refusal.words())
        return UNREADABLE
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREADABLE
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        if os.environ.get("PERFEVAL_DEBUG"):
            raise
        from perfeval_xl import log

        where = log.unexpected(error, getattr(options, "command", "main"))
        _tell(say("unexpected", why=f"{type(error).__name__}: {error}") + (say("logged", path=where) if where else ""))
        return UNREADABLE


def _speak(arguments: list[str]) -> None:
    """Sets the language before the parser is built, so that --help and usage errors speak it too."""
    messages.speak("")
    for n, word in enumerate(arguments):
        chosen = word.partition("=")[2] if word.startswith("--lang=") else arguments[n + 1] if word == "--lang" and n + 1 < len(arguments) else ""
        if chosen in messages.LANGUAGES:
            messages.speak(chosen)


def _named(arguments: list[str]) -> str:
    """The command, "" where the first word that is no option names none."""
    word = next((word for before, word in zip(["", *arguments], arguments, strict=False) if not word.startswith("-") and before != "--lang"), "")
    return word if word in _COMMANDS else ""


def _tell(line: str) -> None:
    print(_plainly(line), file=sys.stderr)


def _out(line: str) -> None:
    print(_plainly(line))


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


def _new(options: argparse.Namespace) -> int:
    from perfeval_xl import district_sheets, workbook_file
    from perfeval_xl.edition import get

    if options.edition in ("district", district_sheets.NAME):
        district_sheets.new(options.out)
    else:
        workbook_file.new(options.out, get(options.edition), options.department.strip(), options.year)
    _out(say("made", path=options.out))
    return DONE


def _build(options: argparse.Namespace) -> int:
    from perfeval_xl import district_sheets, workbook_file

    for path in (*workbook_file.build_all(), district_sheets.shipped()):
        _out(say("made", path=path))
    return DONE


def _check(options: argparse.Namespace) -> int:
    from perfeval_xl import contain, record

    quiet, paths = getattr(options, "quiet", False), _expand(options.files)
    if options.report and len(paths) != 1:
        _tell(say("usage", why=say("one_form", n=len(paths))))
        return UNREADABLE
    records = list(_progress(contain.check_files(paths, options.edition), len(paths), quiet))
    if options.report:
        from perfeval_xl import document, narrative

        records = narrative.add(document.load(options.report), records)
    if options.json:
        _json({"schema": 1, "files": [record.as_json(one) for one in records]})
    else:
        _show(records)
    if options.out:
        for path in _write_copies(records, options.out):
            if not quiet:
                _tell(say("written", path=path))
    if not quiet and not options.json:
        _tell(_summary(records))
    return _status(records)


def _consolidate(options: argparse.Namespace) -> int:
    from perfeval_xl import district_run

    quiet = getattr(options, "quiet", False)
    meters = (_Meter(say("reading"), quiet), _Meter(say("copying"), quiet))
    try:
        run = district_run.run(district_run.Wanted(
            tuple(options.paths), options.out, options.roster, options.since, options.send_back, options.json, options.records, options.year,
            options.edition, options.workers, options.scheduler, options.reports), meters[0], meters[1])
    except KeyboardInterrupt:
        _tell(say("stopped_late") if meters[1].total else say("stopped", done=meters[0].done, total=meters[0].total))
        return 130
    finally:
        for meter in meters:
            meter.close()
    for line in run.said:
        _out(line)
    if not quiet:
        for path in run.written:
            _tell(say("made", path=path))
        if options.send_back:
            _tell(say("sent_back", n=run.counts["back"], path=options.send_back))
        _tell(say("consolidated", **run.counts))
    return UNREADABLE if run.counts["unreadable"] else ERRORS if run.counts["error"] else DONE


class _Meter:
    """How far a long run is: a bar with rate and remaining time on a terminal, nothing elsewhere; it counts in any case."""

    def __init__(self, what: str, quiet: bool) -> None:
        self.what, self.shown, self.done, self.total, self.bar = what, not quiet and sys.stderr.isatty(), 0, 0, None

    def begin(self, total: int) -> None:
        """So many are to be done."""
        self.total = total
        if not self.shown or total < MANY:
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        self.bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TaskProgressColumn(show_speed=True),
                            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), console=Console(stderr=True), transient=True)
        self.task = self.bar.add_task(self.what, total=total, rate="")
        self.bar.start()

    def __call__(self, count: int) -> None:
        self.done += count
        if self.bar is not None:
            speed = self.bar.tasks[0].speed
            self.bar.update(self.task, advance=count, rate=f"{speed:.0f}/s" if speed else "")

    def close(self) -> None:
        """Takes the bar away."""
        if self.bar is not None:
            self.bar.stop()


def _report(options: argparse.Namespace) -> int:
    from perfeval_xl import contain, report, report_file

    one, *others = contain.check_files([options.file], options.edition)
    if others:
        known = "、".join(each.sheet for each in (one, *others))
        raise Refusal("X725", file=os.path.basename(options.file), stated=len(others) + 1, known=known)
    outcome = report_file.write(report.content(one), options.out)
    _out(outcome.words(options.out))
    errors = sum(finding.severity == "error" for finding in one.findings)
    for line in (*outcome.remarks(), *([say("report_errors", n=errors)] if errors else [])):
        _tell(line)
    return _status([one])


def _expand(names: list[str]) -> list[str]:
    """The files meant: patterns are expanded here too, because the shell of Windows does not. Lock files of open workbooks are passed over."""
    files: list[str] = []
    for name in names:
        if any(mark in name for mark in "*?") and not os.path.exists(name):
            import glob

            # brackets are part of many file names and no pattern
            found = sorted(path for path in glob.glob(name.replace("[", "[[]")) if not os.path.basename(path).startswith("~$"))
            files += found or [name]
        else:
            files.append(name)
    return files


def _progress(records: Iterable, count: int, quiet: bool):
    if count < MANY or quiet or not sys.stderr.isatty():
        return records
    from rich.console import Console
    from rich.progress import track

    return track(records, description=say("reading"), total=count, console=Console(stderr=True), transient=True)


#: what could write over the line, or steer the terminal, if a cell or the name of a file held it
_STEERING = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _plainly(line: str) -> str:
    """A line for people, of which nothing but letters reaches the terminal."""
    return _STEERING.sub("\ufffd", line)


def _json(document: dict) -> None:
    """One document on standard output; what could steer a terminal is escaped as JSON escapes it."""
    import json

    text = json.dumps(document, ensure_ascii=False, indent=1)
    print(re.sub("[\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", lambda match: f"\\u{ord(match[0]):04x}", text))


def _status(records: list) -> int:
    if any(one.refusal for one in records):
        return UNREADABLE
    return ERRORS if any(finding.severity == "error" for one in records for finding in one.findings) else DONE


def _summary(records: list) -> str:
    counts = {severity: sum(finding.severity == severity for one in records for finding in one.findings) for severity in messages.SEVERITIES}
    return say("checked", files=len({one.path for one in records}), forms=sum(one.form is not None for one in records),
               unread=sum(one.refusal is not None for one in records), **counts)


def _headline(one) -> str:
    """Department, year, edition, and the total as stated and as recomputed."""
    form, card = one.form, one.card
    names = (form.department.text if form.department else "", form.project.text if form.project else "", str(form.year or ""), form.edition)
    stated = form.totals[0].text or "-"
    total = say("total_open", stated=stated) if card.total is None else say("total", stated=stated, total=plain(card.total), grade=card.grade)
    return "  ".join([name for name in names if name] + [total])


def _show(records: list) -> None:
    """What was found: a table on a terminal, one line a finding elsewhere."""
    tables = sys.stdout.isatty()
    for one in records:
        if one.refusal:
            _out(one.refusal.words())
            continue
        _out(f"{one.path} [{one.form.sheet}]  {_headline(one)}")
        if not one.findings:
            print(f"  {say('fine')}")
        elif tables:
            _finding_table(one)
        else:
            for finding in one.findings:
                _out(f"  {messages.render(finding, one.form.sheet)}")


def _finding_table(one) -> None:
    heads = ("级别", "代码", "位置", "项目", "表上", "应为", "说明和改法") if messages.language() == "zh" else (
        "Severity", "Code", "Cell", "Item", "Stated", "Expected", "What and how to mend")
    rows = [(messages.severity_word(finding.severity), finding.code, (messages.cell(finding, one.form.sheet) or "").rpartition("!")[2],
             finding.label, finding.stated or "", finding.expected or "", f"{messages.message(finding)}{messages.fix(finding)}")
            for finding in one.findings]
    styles = {"error": "red", "warning": "yellow", "note": "blue"}
    _table(heads, rows, [styles[finding.severity] for finding in one.findings])


def _table(heads: tuple, rows: list[tuple], styles: list[str] | None = None) -> None:
    """A table with its columns aligned, Chinese included; 140 columns wide where there is no terminal to fit."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE, show_edge=False, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    for n, row in enumerate(rows):
        first = Text(row[0], style=styles[n] if styles else "")
        table.add_row(first, *(Text(_plainly(str(cell))) for cell in row[1:]))
    console = Console(highlight=False) if sys.stdout.isatty() else Console(highlight=False, width=140, file=sys.stdout)
    console.print(table)


def _write_copies(records: list, folder: str) -> list[str]:
    """One marked review copy for each file that holds a form; returns their paths."""
    from perfeval_xl import review

    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise Refusal("X116", file=folder, why=error.strerror or error) from None
    written: list[str] = []
    for path in dict.fromkeys(one.path for one in records):
        of_file = [one for one in records if one.path == path]
        if any(one.form is not None for one in of_file):
            written.append(os.path.join(folder, review.name_for(path, [os.path.basename(one) for one in written])))
            review.write(of_file, written[-1])
    return written


def _editions(options: argparse.Namespace) -> int:
    from perfeval_xl.edition import editions

    heads = ("版本", "名称", "年度", "地区", "分值", "执行率得分") if messages.language() == "zh" else (
        "Edition", "Title", "Year", "Place", "Weights", "Execution score")
    _table(heads, [(one.id, one.name, one.year, one.place, " + ".join(f"{part.name} {plain(part.weight)}" for part in one.parts),
                    one.execution.source) for one in editions().values()])
    return DONE


def _codes(options: argparse.Namespace) -> int:
    pick = messages.LANGUAGES.index(messages.language())
    entries = [{"code": one.code, "severity": one.severity, "text": one.text[pick], "fix": one.fix[pick], "source": one.source[pick]}
               for one in messages.catalogue()]
    if options.json:
        _json({"schema": 1, "codes": entries})
        return DONE
    heads = ("代码", "级别", "含义", "改法", "依据") if not pick else ("Code", "Severity", "Text", "Fix", "Source")
    _table(heads, [(one["code"], messages.severity_word(one["severity"]), one["text"], one["fix"], one["source"]) for one in entries])
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from perfeval_xl import doctor, machine

    answers = doctor.answers(machine.look(_expand(options.files)))
    counts = {level: sum(answer.level == level for answer in answers) for level in doctor.LEVELS}
    if options.json:
        _json({"schema": 1, "answers": [answer._asdict() for answer in answers]})
    else:
        for answer in answers:
            _out(answer.words())
    if not getattr(options, "quiet", False) and not options.json:
        _tell(say("health", **counts))
    return ERRORS if counts[doctor.BAD] else DONE


def _install(options: argparse.Namespace) -> int:
    from perfeval_xl import install, machine

    steps = install.plan(machine.here(), options.to)
    for step in steps:
        if not options.dry_run:
            install.carry_out(step)
        _out(step.words(not options.dry_run))
    if not options.dry_run and not getattr(options, "quiet", False):
        _tell(say("next", command=machine.command()))
    return ERRORS if any(step.key in install.UNFINISHED for step in steps) else DONE


def examples_folder() -> str:
    """Where the filled examples are: inside an installed package, or beside it in a checkout."""
    from perfeval_xl import examples

    return examples.FOLDER


def _demo(options: argparse.Namespace) -> int:
    from perfeval_xl import record, report, report_file

    folder = examples_folder()
    paths = [os.path.join(folder, name) for name in sorted(os.listdir(folder)) if name.endswith(".xlsx")]
    records = list(record.check_files(paths))
    _show([one._replace(path=os.path.basename(one.path)) for one in records])
    for path in _write_copies(records, options.out):
        _out(say("written", path=path))
    for one in records:
        path = os.path.join(options.out, f"{os.path.splitext(os.path.basename(one.path))[0]}_自评报告.docx")
        _out(report_file.write(report.content(one), path).words(path))
    _example_workbook(options.out)
    if not getattr(options, "quiet", False):
        _tell(_summary(records))
    _demo_district(records, options.out, getattr(options, "quiet", False))
    return _status(records)


def _example_workbook(folder: str) -> None:
    """One example as the workbook with buttons; who has not installed what makes it is told so, and has seen the rest."""
    from perfeval_xl import examples

    try:
        _out(say("workbook", path=examples.workbook(folder)))
    except Refusal as refusal:
        if refusal.code != "X712":
            raise
        _tell(refusal.words())


def _demo_district(examples: list, out: str, quiet: bool) -> None:
    """The examples together with the forms of a made-up district, in which every mistake that a bureau meets is planted once."""
    import shutil

    from perfeval_xl import district_run, made_up

    folder = os.path.join(out, say("example_district"))
    truth = made_up.district(folder, others=[one.form.department.text for one in examples])
    for one in examples:
        shutil.copy(one.path, truth.forms)
    result = os.path.join(folder, say("example_out"))
    if os.path.exists(result):
        os.remove(result)
    back = os.path.join(folder, say("example_back"))
    run = district_run.run(district_run.Wanted((truth.forms,), result, truth.roster, send_back=back))
    for line in run.said:
        _out(line)
    for path in (*run.written, back):
        _out(say("made", path=path))
    if not quiet:
        _tell(say("consolidated", **run.counts))


#: command -> what declares its options, what runs it
_COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]] = {
    "demo": (_demo_options, _demo), "editions": (_no_options, _editions), "codes": (_codes_options, _codes), "new": (_new_options, _new),
    "build": (_no_options, _build), "doctor": (_doctor_options, _doctor), "install": (_install_options, _install),
    "check": (_check_options, _check), "consolidate": (_consolidate_options, _consolidate), "report": (_report_options, _report),
}


if __name__ == "__main__":
    sys.exit(main())
