"""The lists of a district as plain rows: what ``district_file`` draws into a workbook of its own, and ⑧汇总 fills into an open one. Each list
says how its columns are headed, how wide they are and how they look; nothing here knows who writes it.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from perfeval_xl import messages
from perfeval_xl.compact import Form
from perfeval_xl.district import COUNTED, District, Line, department_key
from perfeval_xl.review_lists import LOOKS

#: headings and phrases of the sheets, (Chinese, English)
_WORDS = messages.Words(
    {
        "received": ("报送情况", "Received"),
        "rows": ("指标明细", "Indicators"),
        "found": ("校验结果", "Findings"),
        "counts": ("应报 {due}　已报 {got}　缺报 {missing}　读不了 {unread}　应退回 {back}　重复或旧版 {spare}", "due {due}   received {got}   missing {missing}   unreadable {unread}   to send back {back}   duplicates and old versions {spare}"),
        "rows_note": ("每行一个三级指标，可按部门、指标、类型筛选；“单元格”为该指标在原表中的位置。", "One indicator a row; the last column says where it stands."),
        "found_note": ("错误必须改正，提醒请核对，提示供参考。点最后一栏打开原表的相应单元格。", "Errors must be corrected, warnings looked at. The last column opens the cell."),
        "received_heads": (("序号", "部门（单位）", "状态", "文件", "工作表", "版本", "年度", "保存时间", "错误", "提醒", "较上次", "备注", "SHA-256（前16位）"), ("No.", "Department", "State", "File", "Sheet", "Edition", "Year", "Saved", "Errors", "Warnings", "Since last", "Remark", "SHA-256 (first 16)")),
        "row_heads": (("部门（单位）", "年度", "一级指标", "二级指标", "三级指标", "年度指标值", "实际完成值", "类型", "分值", "得分", "重算得分", "偏差度％", "重算偏差度％", "原因", "文件", "单元格"), ("Department", "Year", "Part", "Group", "Indicator", "Target", "Actual", "Kind", "Weight", "Score", "Recomputed", "Deviation %", "Recomputed %", "Reason", "File", "Cell")),
        "found_heads": (("序号", "部门（单位）", "级别", "代码", "项目", "表上填的", "应为", "说明", "怎么改", "依据", "文件", "位置"), ("No.", "Department", "Severity", "Code", "Item", "Stated", "Expected", "What is wrong", "What to do", "Source", "File", "Place")),
        "fine": ("已报，无错误", "in order"),
        "return": ("已报，应退回", "to send back"),
        "older": ("旧版，未计入", "older version"),
        "duplicate": ("重复文件，未计入", "duplicate file"),
        "unreadable": ("读不了", "unreadable"),
        "missing": ("缺报", "missing"),
        "like": ("不在名册，是不是“{name}”？", "not on the roster; is it {name}?"),
        "unknown": ("不在名册", "not on the roster"),
        "from": ("取自 {file}", "from {file}"),
        "mended": ("改正 {mended}，仍有 {left}，新增 {new}", "mended {mended}, left {left}, new {new}"),
        "new_form": ("新报", "new"),
        "across": ("（跨表）", "(across forms)"),
        "report": ("报告", "report"),
        "quantitative": ("定量", "quantitative"),
        "qualitative": ("定性", "qualitative"),
        "date": ("日期", "date"),
        "period": ("期限", "period"),
        "mixed": ("文字", "text"),
        "blank": ("空", "blank"),
        "other_year": ("年度不符，未计入", "other year"),
    }
)
say = _WORDS.say


class Column(NamedTuple):
    """One column of a list: heading, width in characters, and how its cells look (see ``district_book.Book.look``)."""

    head: str
    width: float
    look: str = "text"


class Row(NamedTuple):
    """One row: its values, the state or the severity that its third value tells in words, and the form and the cell it is about."""

    values: tuple[Any, ...]
    mark: str
    form: Form | None = None
    cell: str | None = None


def _columns(heads: str, widths: tuple, looks: str) -> list[Column]:
    spoken = _WORDS[heads][messages.LANGUAGES.index(messages.language())]
    return [Column(*one) for one in zip(spoken, widths, looks.split(), strict=True)]


def wrapped(columns: Sequence[Column]) -> tuple[tuple[int, float], ...]:
    """(column, width) of those whose texts take as many lines as they need."""
    return tuple([(n, one.width) for n, one in enumerate(columns) if one.look == "wrap"])


# ---- 报送情况 ----


def received_columns(since: bool) -> list[Column]:
    """The columns of 报送情况; ``since``: with the one that needs an earlier run."""
    columns = _columns("received_heads", (5, 26, 17, 34, 10, 14, 6, 16, 6, 6, 22, 30, 18),
                       "whole wrap centre link text text centre centre whole whole wrap wrap text")
    return columns if since else columns[:_SINCE] + columns[_SINCE + 1 :]


#: the column of 报送情况 that needs an earlier run
_SINCE = 10


def counts(district: District) -> str:
    """The line above 报送情况: how many are due, received, missing, unreadable, to send back and not counted."""
    lines = district.lines
    return say("counts", due=district.due if district.due is not None else "—", got=sum(line.form.error is None for line in lines),
               missing=len(district.missing), unread=sum(line.state == "unreadable" for line in lines),
               back=sum(line.state == "return" for line in lines), spare=sum(line.state in ("older", "duplicate", "year") for line in lines))


def received(district: District) -> Iterator[Row]:
    """报送情况: the missing departments, then a row for every form and for what could not be read."""
    since = district.since is not None
    for number, name in enumerate(district.missing, 1):
        yield Row((number, name, say("missing"), *[None] * (10 if since else 9)), "missing")
    states = {state: say("other_year" if state == "year" else state) for state in {line.state for line in district.lines}}
    for number, line in enumerate(district.lines, len(district.missing) + 1):
        form, counted, state = line.form, line.state in COUNTED, states[line.state]
        errors = form.counts[:2] if counted else (None, None)
        change = (_since(district, line),) if since else ()
        yield Row((number, line.name, state, district.shown(form), form.sheet, form.edition, form.year, saved(form), *errors, *change,
                   _remark(line), (form.sha256 or "")[:16]), line.state, form)


def saved(form: Form) -> str:
    """When the form was last saved, as far as the file or the file system knows."""
    import datetime

    if form.modified.endswith("Z"):  # Excel writes universal time, LibreOffice in an .ods the local one
        with contextlib.suppress(ValueError, OverflowError, OSError):
            return str(datetime.datetime.fromisoformat(form.modified).astimezone())[:16]
    if form.modified:
        return form.modified[:16].replace("T", " ")
    return str(datetime.datetime.fromtimestamp(form.saved))[:16] if form.saved else ""


def _since(district: District, line: Line) -> str | None:
    if district.since is None or line.state not in COUNTED:
        return None
    change = district.since.get(department_key(line.form, line.name))
    return say("new_form") if change is None else say("mended", mended=len(change.mended), left=len(change.left), new=len(change.new))


def _remark(line: Line) -> str | None:
    if line.form.error:
        return line.form.error[1]
    said = [say("like", name=line.like) if line.like else say("unknown")] if line.unknown else []
    return "；".join([*said, *([say("from", file=line.form.origin)] if line.form.origin else [])]) or None


# ---- 指标明细 and 校验结果 ----


def indicator_columns() -> list[Column]:
    """The columns of 指标明细."""
    return _columns("row_heads", (22, 6, 13, 15, 22, 12, 12, 6, 6, 7, 7, 8, 8, 30, 20, 7),
                    "text centre text text wrap centre centre centre score score score score score wrap text centre")


def kinds(lang: str = "") -> dict[str, str]:
    """The kinds of targets, as the list names them."""
    pick = messages.LANGUAGES.index(messages.language(lang))
    return {kind: _WORDS[kind][pick] for kind in ("quantitative", "qualitative", "date", "period", "mixed", "blank")}


def indicators(district: District) -> Iterator[tuple[Any, ...]]:
    """指标明细: the values of every indicator of the forms that count."""
    words = kinds()
    for line in district.counted:
        yield from indicators_of(district.name(line), district.shown(line.form), line.form, words)


def indicators_of(name: str, file: str, form: Form, words: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    """The rows of one form, which belongs to the department ``name`` and stands in ``file``."""
    year = form.year
    for part, group, indicator, target, actual, kind, weight, score, stated, deviation, deviation_stated, reason, cell in form.indicators():
        yield (name, year, part, group, indicator, target, actual, words[kind], weight, stated, score, deviation_stated, deviation, reason,
               file, cell and cell.rpartition("!")[2])


def finding_columns() -> list[Column]:
    """The columns of 校验结果."""
    return _columns("found_heads", (5, 20, 8, 7, 17, 13, 13, 42, 30, 18, 20, 12),
                    "whole wrap centre centre wrap wrap wrap wrap wrap wrap wrap link")


def findings(district: District) -> Iterator[Row]:
    """校验结果: what was found across workbooks, then in each form that counts, then why files could not be read."""
    words = {one: severity(one) for one in LOOKS}
    for number, row in enumerate(_findings(district, words), 1):
        yield row._replace(values=(number, *row.values))


def severity(name: str) -> str:
    """How the list names a severity: its sign and its word."""
    return f"{LOOKS[name].sign} {messages.severity_word(name)}"


def place_of(code: str) -> str | None:
    """Where a finding without a cell is to be looked for: in the written report (R...), or in no one place."""
    return say("report") if code.startswith("R") else None


def _findings(district: District, words: dict[str, str]) -> Iterator[Row]:
    across = say("across")
    for one, forms in district.findings:
        yield Row((one.label or across, words[one.severity], one.code, across, one.stated, one.expected, messages.message(one), messages.fix(one),
                   messages.source(one), "、".join(district.shown(form) for form in forms[:3]), None), one.severity)
    for line in district.counted:
        name, file = district.name(line), district.shown(line.form)
        for code, grave, cell, label, stated, expected, message, fix, source in line.form.findings():
            yield Row((name, words[grave], code, label, stated, expected, message, fix, source, file, cell or place_of(code)), grave, line.form, cell)
    for line in district.lines:
        if line.form.error:
            code, message = line.form.error
            yield Row((None, words["error"], code, None, None, None, message, None, None, district.shown(line.form), line.form.sheet), "error",
                      line.form)
