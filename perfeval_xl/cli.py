"""The command line: words in, calls out. Results go to standard output, prose and progress to standard error.

``argparse`` and not a larger library, and nothing heavy at the top of the module: ``check`` of one form is a whole process each time,
and the import of a command-line framework alone would cost as much as reading, scoring and checking forty forms.
"""

import argparse
import os
import sys
from collections.abc import Callable

from perfeval_xl import messages, screen, usage
from perfeval_xl.messages import Refusal
from perfeval_xl.numbers import plain

DONE, ERRORS, UNREADABLE = 0, 1, 2

_WORDS = messages.Words({
    "made": ("已写出：{path}", "Written: {path}"),
    "report_errors": ("自评表有 {n} 处错误：报告用重算的数，并在批注里写明。请改正自评表后再生成一次。",
                      "The form has {n} errors: the report uses recomputed figures and says so in comments. Correct the form and run it again."),
    "health": ("不行 {bad}，注意 {attention}，查不到 {unknown}。", "{bad} must be mended, {attention} to look at, {unknown} cannot be known here."),
    "next": ("下一步：运行 {command} doctor，看看还缺什么。", "Next: {command} doctor says what is still missing."),
    "one_form": ("--report 要求只给一个自评表文件，现在有 {n} 个", "--report takes exactly one form file, there are {n}"),
    "unexpected": ("意外错误（{why}）。请把这行文字和所用的文件发给维护人员。", "Unexpected error ({why}). Please send us this line and the file."),
    "logged": ("经过记在 {path}（不含表里的内容）。", " What happened is written down in {path} (without anything of the form)."),
    "written": ("批注版：{path}", "Review copy: {path}"),
    "workbook": ("带按钮的自评表（同一示例，已填好）：{path}", "The form with buttons, filled in: {path}"),
    "copying": ("写批注版", "Marked copies"),
    "stopped": ("已中断：读了 {done} 个文件（共 {total} 个），没有写出汇总工作簿。",
                "Stopped after {done} of {total} files; no district workbook was written."),
    "stopped_late": ("已中断：汇总工作簿已写出，批注版和退回单没有写完。",
                     "Stopped: the district workbook is written, the send-back folders are not complete."),
    "consolidated": ("收到 {received} 个文件，计入 {counted} 个部门，缺报 {missing}，读不了 {unreadable}，应退回 {back}；"
                     "错误 {error}，提醒 {warning}。",
                     "{received} files, {counted} departments, {missing} missing, {unreadable} unreadable, {back} to send back; "
                     "{error} errors, {warning} warnings."),
    "example_district": ("示例区", "district"),
    "example_out": ("示例区汇总.xlsx", "district.xlsx"),
    "example_back": ("退回", "send-back"),
    "sent_back": ("退回：{n} 个部门，见 {path}", "To send back: {n} departments, see {path}"),
})
say = _WORDS.say


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; the exit status is 0 (done), 1 (at least one error finding) or 2 (unreadable, or wrong usage)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    _speak(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace", **({"encoding": "utf-8"} if "--json" in arguments else {}))
    options = None
    try:
        options = usage.parser(usage.named(arguments)).parse_args(arguments)
        if getattr(options, "limits", ""):
            from perfeval_xl import gate

            gate.set_limits(options.limits)
        status = _COMMANDS[options.command](options)
        sys.stdout.flush()
        return status
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else UNREADABLE
    except Refusal as refusal:
        screen.tell(refusal.words())
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
        screen.tell(say("unexpected", why=f"{type(error).__name__}: {error}") + (say("logged", path=where) if where else ""))
        return UNREADABLE


def _speak(arguments: list[str]) -> None:
    """Sets the language before the parser is built, so that --help and usage errors speak it too."""
    messages.speak("")
    for n, word in enumerate(arguments):
        chosen = word.partition("=")[2] if word.startswith("--lang=") else arguments[n + 1] if word == "--lang" and n + 1 < len(arguments) else ""
        if chosen in messages.LANGUAGES:
            messages.speak(chosen)


def _new(options: argparse.Namespace) -> int:
    from perfeval_xl import district_sheets, workbook_file
    from perfeval_xl.edition import get

    if options.edition in ("district", district_sheets.NAME):
        district_sheets.new(options.out)
    else:
        workbook_file.new(options.out, get(options.edition), options.department.strip(), options.year)
    screen.out(say("made", path=options.out))
    return DONE


def _build(options: argparse.Namespace) -> int:
    from perfeval_xl import district_sheets, workbook_file

    for path in (*workbook_file.build_all(), district_sheets.shipped()):
        screen.out(say("made", path=path))
    return DONE


def _check(options: argparse.Namespace) -> int:
    from perfeval_xl import contain, record

    quiet, paths = getattr(options, "quiet", False), _expand(options.files)
    if options.report and len(paths) != 1:
        screen.tell(usage.say("usage", why=say("one_form", n=len(paths))))
        return UNREADABLE
    records = list(screen.progress(contain.check_files(paths, options.edition), len(paths), quiet))
    if options.report:
        from perfeval_xl import document, narrative

        records = narrative.add(document.load(options.report), records)
    if options.json:
        screen.document({"schema": 1, "files": [record.as_json(one) for one in records]})
    else:
        screen.show(records)
    if options.out:
        for path in _write_copies(records, options.out):
            if not quiet:
                screen.tell(say("written", path=path))
    if not quiet and not options.json:
        screen.tell(screen.summary(records))
    return _status(records)


def _consolidate(options: argparse.Namespace) -> int:
    from perfeval_xl import contain

    # how many workers pay is only known when the files have been found
    workers = 0 if options.scheduler else min(options.workers or 1, os.cpu_count() or 1)
    with contain.ahead("perfeval_xl.district_drafts", workers):
        return _consolidated(options)


def _consolidated(options: argparse.Namespace) -> int:
    from perfeval_xl import district_run

    quiet = getattr(options, "quiet", False)
    meters = (screen.Meter(screen.say("reading"), quiet), screen.Meter(say("copying"), quiet))
    try:
        run = district_run.run(district_run.Wanted(
            tuple(options.paths), options.out, options.roster, options.since, options.send_back, options.json, options.records, options.year,
            options.edition, options.workers, options.scheduler, options.reports), meters[0], meters[1])
    except KeyboardInterrupt:
        screen.tell(say("stopped_late") if meters[1].total else say("stopped", done=meters[0].done, total=meters[0].total))
        return 130
    finally:
        for meter in meters:
            meter.close()
    for line in run.said:
        screen.out(line)
    if not quiet:
        for path in run.written:
            screen.tell(say("made", path=path))
        if options.send_back:
            screen.tell(say("sent_back", n=run.counts["back"], path=options.send_back))
        screen.tell(say("consolidated", **run.counts))
    return UNREADABLE if run.counts["unreadable"] else ERRORS if run.counts["error"] else DONE


def _report(options: argparse.Namespace) -> int:
    from perfeval_xl import contain, report, report_file

    one, *others = contain.check_files([options.file], options.edition)
    if others:
        known = "、".join(each.sheet for each in (one, *others))
        raise Refusal("X725", file=os.path.basename(options.file), stated=len(others) + 1, known=known)
    outcome = report_file.write(report.content(one), options.out)
    screen.out(outcome.words(options.out))
    errors = sum(finding.severity == "error" for finding in one.findings)
    for line in (*outcome.remarks(), *([say("report_errors", n=errors)] if errors else [])):
        screen.tell(line)
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


def _status(records: list) -> int:
    if any(one.refusal for one in records):
        return UNREADABLE
    return ERRORS if any(finding.severity == "error" for one in records for finding in one.findings) else DONE


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
    screen.table(heads, [(one.id, one.name, one.year, one.place, " + ".join(f"{part.name} {plain(part.weight)}" for part in one.parts),
                    one.execution.source) for one in editions().values()])
    return DONE


def _codes(options: argparse.Namespace) -> int:
    pick = messages.LANGUAGES.index(messages.language())
    entries = [{"code": one.code, "severity": one.severity, "text": one.text[pick], "fix": one.fix[pick], "source": one.source[pick]}
               for one in messages.catalogue()]
    if options.json:
        screen.document({"schema": 1, "codes": entries})
        return DONE
    heads = ("代码", "级别", "含义", "改法", "依据") if not pick else ("Code", "Severity", "Text", "Fix", "Source")
    screen.table(heads, [(one["code"], messages.severity_word(one["severity"]), one["text"], one["fix"], one["source"]) for one in entries])
    return DONE


def _doctor(options: argparse.Namespace) -> int:
    from perfeval_xl import doctor, machine

    answers = doctor.answers(machine.look(_expand(options.files)))
    counts = {level: sum(answer.level == level for answer in answers) for level in doctor.LEVELS}
    if options.json:
        screen.document({"schema": 1, "answers": [answer._asdict() for answer in answers]})
    else:
        for answer in answers:
            screen.out(answer.words())
    if not getattr(options, "quiet", False) and not options.json:
        screen.tell(say("health", **counts))
    return ERRORS if counts[doctor.BAD] else DONE


def _install(options: argparse.Namespace) -> int:
    from perfeval_xl import install, machine

    steps = install.plan(machine.here(), options.to)
    for step in steps:
        if not options.dry_run:
            install.carry_out(step)
        screen.out(step.words(not options.dry_run))
    if not options.dry_run and not getattr(options, "quiet", False):
        screen.tell(say("next", command=machine.command()))
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
    screen.show([one._replace(path=os.path.basename(one.path)) for one in records])
    for path in _write_copies(records, options.out):
        screen.out(say("written", path=path))
    for one in records:
        path = os.path.join(options.out, f"{os.path.splitext(os.path.basename(one.path))[0]}_自评报告.docx")
        screen.out(report_file.write(report.content(one), path).words(path))
    _example_workbook(options.out)
    if not getattr(options, "quiet", False):
        screen.tell(screen.summary(records))
    _demo_district(records, options.out, getattr(options, "quiet", False))
    return _status(records)


def _example_workbook(folder: str) -> None:
    """One example as the workbook with buttons; who has not installed what makes it is told so, and has seen the rest."""
    from perfeval_xl import examples

    try:
        screen.out(say("workbook", path=examples.workbook(folder)))
    except Refusal as refusal:
        if refusal.code != "X712":
            raise
        screen.tell(refusal.words())


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
        screen.out(line)
    for path in (*run.written, back):
        screen.out(say("made", path=path))
    if not quiet:
        screen.tell(say("consolidated", **run.counts))


#: command -> what runs it
_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "demo": _demo, "editions": _editions, "codes": _codes, "new": _new, "build": _build, "doctor": _doctor, "install": _install, "check": _check,
    "consolidate": _consolidate, "report": _report,
}


if __name__ == "__main__":
    sys.exit(main())
