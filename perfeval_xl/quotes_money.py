"""Amounts and execution rates of a report against the funds block and the tasks (DOMAIN.md R3, F8, L5)."""

import re
from decimal import Decimal

from perfeval_xl.compare import CENT, TEN_THOUSAND, percent, points
from perfeval_xl.facts import COLUMNS
from perfeval_xl.figures import Figure, same
from perfeval_xl.model import FundsRow
from perfeval_xl.naming import Subject, bare, budget_share, is_foreign, is_own, money_kind, names_another, rate_name, source_of
from perfeval_xl.numbers import half_up
from perfeval_xl.patterns import Pattern
from perfeval_xl.quotes_changes import change, is_change, is_moved, moved
from perfeval_xl.quotes_rows import row
from perfeval_xl.scoring import execution_rate, execution_score
from perfeval_xl.speech import Quote, Said, Speech

_BUDGETS = ("adjusted", "budget", "initial")
_IN_WORDS = (("initial", "年初"), ("adjusted", "全年预算|调整"), ("executed", "执行|支出"))
_SHORTLY = {"年初": "initial", "年初数": "initial", "调整后": "adjusted", "调整": "adjusted", "追加后": "adjusted",
            "调增后": "adjusted", "调减后": "adjusted", "压减后": "adjusted"}
_PLANNED = Pattern("年初(?:安排|批复|核定|下达)(?:数|额)?$")
_OWN_ALONE = Pattern("[我本全](?:单位|部门|中心|[局委办院会处校站馆所])")
_SPENDING = Pattern("(?:支出|执行|支付|拨付|使用|列支|发放|到账)(?:了|为|完成|资金|金额|数)*$")
_ALL_MONEY = Pattern("(?:项目|部门|本项目|年度)?资金总额")
_REACHED = Pattern("[，;]?(?:实际|全年|年末)*(?:完成|达到|执行)")
_OTHER_BASE = Pattern("调整|追加|调[增减]|全年预算|占年初|完成年初|年初预算的")


def shown(rate: Decimal) -> str:
    """A rate in words, two decimals."""
    return percent(half_up(rate, 2))


# ---- amounts ----


def _kind_of(speech: Speech, quote: Quote) -> tuple[str, str]:
    """Which amount a figure is, as ``naming.money_kind`` says; or as the words in front of it do together with what stands before them."""
    figure, core, facts = quote.figure, quote.lead.core, speech.facts
    kind, words = money_kind(core)
    if kind or figure.kind != "money":
        return kind, words
    if _only_spent(speech, figure, core) or (speech.task is not None and facts.lexicon.task_in(core) is not None and _SPENDING.search(core)):
        return "executed", ""
    if speech.task is not None and core in ("支出", "支付", "使用", "执行") and any(one.subject == speech.task for one in speech.said[-1:]):
        return "executed", ""  # 救助资金年初安排50万元，支出24.2万元
    if speech.task is not None and facts.lexicon.task_in(core) is not None and _PLANNED.search(core):
        return "initial", ""
    if speech.foreign:
        return kind, words
    if (short := _SHORTLY.get(core)) and speech.task is None and "预算" in speech.text[: figure.start]:
        return short, ""  # 预算调整情况：年初855.66万元，调整后923.86万元
    if _ALL_MONEY.fullmatch(bare(core)):
        return "budget", ""
    planned = _PLANNED.search(core)  # 财政拨款年初安排2800万元
    source, front = money_kind(core[: planned.start()]) if planned else ("", "")
    return ("initial", core[: planned.start()]) if planned and source in facts.funds and not is_foreign(front) else (kind, words)


def amount(speech: Speech, quote: Quote) -> list[Said] | None:
    """An amount against the funds block, or against the line of its task; None where the figure is none."""
    figure, lead, facts = quote.figure, quote.lead, speech.facts
    if figure.kind == "money" and is_moved(speech, lead):
        return moved(speech, figure)
    kind, words = _kind_of(speech, quote)
    base = next(filter(facts.is_execution, quote.subjects), None) if figure.kind == "money" and lead.role and not kind else None
    if rate_name(lead.core) is not None or (not kind and base is None):
        return None
    foreign, source = speech.foreign, money_kind(words)[0]
    if base is not None:  # 预算执行率：年初目标为317.27万元，实际完成值为208.02万元
        kind = {"target": "initial", "actual": "executed"}[lead.role]
    elif (is_foreign(words) or (kind in COLUMNS and facts.is_unknown(words))) and not is_own(words):
        foreign = source not in facts.funds  # 项目支出年初预算 is a row of the form
        speech.foreign = speech.foreign or (foreign and (names_another(words) or facts.is_unknown(words)))
    elif figure.lead[:1] in ("、", "和", "及") and any(one.subject.kind == "foreign" for one in speech.said[-1:]):
        foreign = True  # 追加单位资金834万元、财政拨款300万元
    if speech.task is not None:
        return task_figure(speech, figure, "executed" if kind == "executed" else "budget", speech.task)
    if lead.core in ("预算", "预算数", "预算额", "支出") and _of_something_before(speech, figure):
        return []
    if figure.kind == "plain" and (foreign or 0 < figure.value < 1):
        return []
    if foreign:
        return _of_something_else(speech, figure, bare(words) or speech.place.head, kind)
    if kind in facts.funds:
        line, column = facts.funds[kind], _column(speech, lead.core)
        if not column and figure.kind == "money":
            return _of_no_column(speech, figure, line)
    elif kind in COLUMNS:
        line, column = _line_of(speech, figure, kind, words, source), kind
    else:
        return []
    if line is not None and column:
        _against(speech, figure, line, column)
    speech.line = line
    if line is not None and column in COLUMNS:
        speech.notes.column = column
    return [Said(figure, base or Subject("money", line.label if line is not None else "", kind), column if kind in COLUMNS else "source")]


def _only_spent(speech: Speech, figure: Figure, core: str) -> bool:
    """A bare 支出 behind the budget of the same thing: 全年预算923.86万元，支出615.33万元."""
    after = any(one.column in (*_BUDGETS, "source") for one in speech.said[-1:])
    if not after and not speech.foreign and speech.task is None:
        after = re.search("(?:资金|预算)[^，;]{0,4}到位[^，;]*[，;]", speech.text[: figure.start]) is not None
    spent = core in ("支出", "支付", "使用", "整体支出", "部门支出", "部门整体支出") and figure.kind == "money"
    return spent and after and not speech.text.startswith(("用于", "购"), figure.end)


def _of_something_before(speech: Speech, figure: Figure) -> bool:
    """Whether a bare 预算 follows an amount that is none of the form's, or the figure of a row: “三公经费”控制率78.2%，支出23万元，预算30万元."""
    before = next((one for one in reversed(speech.found) if one.end <= figure.start), None)
    if before is None or ";" in figure.lead:
        return False
    said = next((one for one in speech.said if one.figure is before), None)
    return before.kind == "money" if said is None else said.subject.kind == "row" and not speech.facts.is_execution(said.subject)


def _of_something_else(speech: Speech, figure: Figure, name: str, kind: str) -> list[Said]:
    if len(name) >= 3 and kind in COLUMNS:
        speech.elsewhere(f"{name}{COLUMNS[kind][0]}", figure)
    return [Said(figure, Subject("foreign", name), kind)]


def _line_of(speech: Speech, figure: Figure, column: str, words: str, source: str) -> FundsRow | None:
    """The line that an amount belongs to: the one it names; a bare 执行数 is that of the source spoken of before, unless it is the whole's."""
    facts, total = speech.facts, speech.facts.funds.get("total")
    if source in facts.funds:
        return facts.funds[source]
    last, whole = speech.line, facts.money(total, column) if column != "budget" else None
    if words or last is None or last is total or (whole is not None and same(figure, whole, CENT)):
        return total
    return last if any(one.column in (*_BUDGETS, "executed", "source") for one in speech.said[-1:]) else total


def _of_no_column(speech: Speech, figure: Figure, line: FundsRow) -> list[Said]:
    """A source's amount of which only the sentence before may say whether it was planned or spent: any of its amounts may be meant, the one of
    that sentence is the one to name."""
    speech.line = line
    columns = [column for column in ("initial", "adjusted", "executed") if speech.facts.money(line, column) is not None]
    if speech.notes.column in columns and not any(same(figure, speech.facts.money(line, column), CENT) for column in columns):
        _against(speech, figure, line, speech.notes.column)
    return [Said(figure, Subject("money", line.label, line.role), "source")]


def _column(speech: Speech, words: str) -> str:
    """The column that a source's amount belongs to: named itself, or by the amount before it."""
    words = re.sub("(?:基本|项目)支出", "", words)
    own = next((column for column, name in _IN_WORDS if re.search(name, words)), "")
    return own or next((one.column for one in reversed(speech.said) if one.column in COLUMNS), "")


def _against(speech: Speech, figure: Figure, line: FundsRow, column: str) -> None:
    facts = speech.facts
    tolerance = facts.edition.tolerance.money * facts.form.factor
    columns = ("initial", "adjusted") if column == "budget" else (column,)
    amounts = [value for one in columns if (value := facts.money(line, one)) is not None]
    total = line is facts.funds.get("total")
    if total and column != "budget":
        speech.notes.mentions.append((column, figure, speech.place.title))
    if not amounts or any(same(figure, value, tolerance) for value in amounts):
        return
    what, what_en = COLUMNS[column] if total else (f"{line.label}的{COLUMNS[column][0]}", f"{COLUMNS[column][1]} of {line.label}")
    unit = next((value for value in amounts if value and figure.value and any(
        abs(figure.value / value / factor - 1) < CENT for factor in (TEN_THOUSAND, 1 / TEN_THOUSAND))), None)
    other = next((one for one in ("initial", "adjusted", "executed") if total and one not in columns and (value := facts.money(line, one))
                  and same(figure, value, tolerance)), "")
    expected = f"{points(amounts[-1] if unit is None else unit)}万元"
    if unit is not None:
        speech.add("R205", figure, figure.text, expected, what=what, what_en=what_en)
    elif other:
        value = points(facts.money(line, other))
        speech.add("R202", figure, figure.text, expected, what=what, what_en=what_en, other=f"{COLUMNS[other][0]} {value}万元",
                   other_en=f"{COLUMNS[other][1]}, {value}")
    else:
        consequence, consequence_en = _if_right(speech, figure, column) if total else ("", "")
        speech.add("R201", figure, figure.text, expected, what=what, what_en=what_en, consequence=consequence, consequence_en=consequence_en)


def _if_right(speech: Speech, figure: Figure, column: str) -> tuple[str, str]:
    """What would follow on the form if the report's amount were right."""
    facts = speech.facts
    adjusted, executed = (figure.value if column == one else facts.total(one) for one in ("adjusted", "executed"))
    rate, line = execution_rate(adjusted, executed), facts.funds["total"]
    if column not in ("adjusted", "executed") or rate is None or line.weight is None or not line.weight.number:
        return "", ""
    score = points(execution_score(rate, line.weight.number, facts.edition.execution))
    return (f"；若以报告为准，执行率为 {shown(rate)}，预算执行得 {score} 分",
            f"; if the report is right, the execution rate is {shown(rate)} and earns {score} points")


def task_figure(speech: Speech, figure: Figure, column: str, task: Subject) -> list[Said]:
    """An amount or rate of a task against its line."""
    facts = speech.facts
    line, rate = facts.form.tasks[task.key], facts.card.task_rates[task.key]
    entry = {"budget": line.budget, "executed": line.executed, "rate": line.rate}[column]
    stated = entry.number * (1 if column == "rate" else facts.form.factor) if entry is not None and entry.number is not None else None
    value = rate if column == "rate" else stated
    tolerance = facts.edition.tolerance.rate if column == "rate" else facts.edition.tolerance.money
    follows = column == "rate" and _follows(speech, figure)
    if value is not None and not follows and not any(one is not None and same(figure, one, tolerance) for one in (value, stated)):
        what = {"budget": ("预算", "budget"), "executed": ("执行数", "executed amount"), "rate": ("预算执行率", "execution rate")}[column]
        speech.add("R206", figure, figure.text, shown(value) if column == "rate" else f"{points(value)}万元", what=f"{task.name}的{what[0]}",
                   what_en=f"{what[1]} of {task.name}")
    return [Said(figure, task, column)]


# ---- rates ----


def rate(speech: Speech, quote: Quote) -> list[Said] | None:
    """An execution rate against the funds block, a target of it against the row of that name; None where the figure is none."""
    figure, lead, facts = quote.figure, quote.lead, speech.facts
    words = rate_name(lead.core)
    if words is None and figure.kind == "percent" and is_change(speech, figure, lead.core):
        return change(speech, figure)
    if words is None and figure.kind == "percent" and (base := budget_share(lead.core)) is not None:
        return _share_of_budget(speech, figure, base)
    if words is None and lead.carried and not quote.subjects and not speech.said and rate_name(bare(speech.place.head)) == "":
        words = ""  # 2.执行率：全年为87.5%
    if words is None and _OWN_ALONE.fullmatch(lead.core) and any(one.column == "rate" and one.subject.kind == "foreign" for one in speech.said[-1:]):
        words = ""  # 全区平均执行率为93.5%，我局为98%
    if not any(map(facts.is_execution, quote.subjects)) and (words is None or any(one.kind == "row" for one in quote.subjects)):
        return None
    reached = not lead.role and figure.value >= 80 and _REACHED.match(speech.text, figure.end)
    if facts.execution_rows and (lead.role == "target" or figure.bound or reached):
        n = facts.execution_rows[0]
        return [row(speech, quote._replace(lead=lead._replace(role="target")), Subject("row", facts.form.indicators[n].name, n))]
    if speech.task is not None:
        return task_figure(speech, figure, "rate", speech.task)
    prefix, source = bare(words or ""), source_of(lead.core)
    of_source = source in facts.funds
    if not of_source and _of_another(speech, quote, words or ""):
        return [Said(figure, Subject("foreign", prefix), "rate")]
    own = facts.form.indicators[facts.execution_rows[0]].actual.number if facts.execution_rows and lead.role == "actual" else None
    if own is not None and same(figure, own, facts.edition.tolerance.rate):
        return [Said(figure, Subject("money", "预算执行率", "rate"), "rate")]  # as on its row; that the row is wrong the form's own checks say
    line = facts.funds[source] if of_source else _rated(speech, figure, prefix)
    if line is None or lead.role == "limit" or figure.op in ("<", ">", "<=") or (figure.kind == "plain" and not 1 < figure.value < 1000):
        return []
    _rate_against(speech, quote, line)
    return [Said(figure, Subject("money", "预算执行率", "rate"), "rate")]


def _of_another(speech: Speech, quote: Quote, words: str) -> bool:
    """Whether a rate is that of something which is not on the form."""
    return (speech.foreign or is_foreign(bare(words)) or speech.facts.is_unknown(words) or any(one.kind == "foreign" for one in quote.subjects)
            or _spent_by_another(speech, quote, words))


def _spent_by_another(speech: Speech, quote: Quote, words: str) -> bool:
    """Whether a bare 执行率 follows an amount that was taken for none of the form's: 协会募集资金862万元，支出635万元，执行率73.67%."""
    before = next((one for one in reversed(speech.found) if one.end <= quote.figure.start), None)
    if words or before is None or before.kind != "money" or quote.lead.role or re.search("[。;]|预算执行率|资金执行率", quote.figure.lead):
        return False
    return _SPENDING.search(before.lead) is not None and not any(one.figure is before for one in speech.said)


def _rated(speech: Speech, figure: Figure, words: str) -> FundsRow | None:
    """The line whose rate is given without its name: the one spoken of last, unless it is the whole's rate."""
    total, last = speech.facts.funds.get("total"), speech.line
    whole = speech.facts.rate(total) if total is not None else None
    own = last is None or bool(words) or (whole is not None and same(figure, whole, speech.facts.edition.tolerance.rate))
    return total if own or speech.facts.rate(last) is None else last


def _share_of_budget(speech: Speech, figure: Figure, base: str) -> list[Said]:
    """The share of the budget that the amount in front of it makes: a rate, on the base that is named."""
    facts, spent = speech.facts, next(iter(speech.said[-1:]), None)
    if spent is None or spent.column != "executed" or spent.subject.key != "executed":
        return []
    bases = ("initial", "adjusted") if base == "budget" else (base,)
    rates = [due for one in bases if (due := execution_rate(facts.total(one), facts.total("executed"))) is not None]
    if rates and not any(same(figure, due, facts.edition.tolerance.rate) for due in rates):
        (named, named_en), follows = COLUMNS[bases[-1]], _follows(speech, figure)
        speech.add("R203", figure, figure.text, shown(rates[-1]), why=f"（占{named}）", why_en=f" (of the {named_en})", follows=follows)
    return [Said(figure, Subject("money", "预算执行率", "rate"), "rate")]


def _follows(speech: Speech, figure: Figure) -> bool:
    """Whether a rate only follows from an amount of its sentence that was told to be wrong: one cause, one finding."""
    facts = speech.facts
    own = {one.column: one.figure for one in speech.said if one.subject.kind in ("money", "funds", "task")}
    base, spent = own.get("adjusted", own.get("budget")), own.get("executed")
    wrong = set(map(id, speech.blamed))
    misnamed = base is not None and facts.total("initial") not in (None, facts.total("adjusted")) and same(base, facts.total("initial"), CENT)
    if spent is None or misnamed or not any(id(one) in wrong for one in (base, spent)):
        return False
    whole = base.value if base is not None else facts.total("adjusted")
    due = execution_rate(whole, spent.value)
    return due is not None and same(figure, due, facts.edition.tolerance.rate)


def _rate_against(speech: Speech, quote: Quote, line: FundsRow) -> None:
    facts, figure, tolerance = speech.facts, quote.figure, speech.facts.edition.tolerance.rate
    if line is facts.funds.get("total"):
        speech.notes.mentions.append(("rate", figure, speech.place.title))
    right = facts.rate(line)
    by_initial = execution_rate(facts.money(line, "initial"), facts.money(line, "executed"))
    named = "年初" in quote.lead.core and by_initial is not None and same(figure, by_initial, tolerance)
    if right is not None and not named and not same(figure, right, tolerance):
        why, why_en = _origin(speech, figure, by_initial)
        speech.add("R203", figure, figure.text, shown(right), why=why, why_en=why_en, follows=_follows(speech, figure))


def _origin(speech: Speech, figure: Figure, by_initial: Decimal | None) -> tuple[str, str]:
    """Where a wrong rate comes from: the amounts of its own sentence, or the initial budget."""
    facts, tolerance = speech.facts, speech.facts.edition.tolerance.rate
    own = {one.column: one.figure.value for one in speech.said if one.subject.kind in ("money", "funds")}
    base, spent = next((own[column] for column in _BUDGETS if column in own), None), own.get("executed")
    if (own_rate := execution_rate(base, spent)) is not None and same(figure, own_rate, tolerance):
        because, because_en = f"；它是本句的 {points(spent)}÷{points(base)}", f"; it is {points(spent)} / {points(base)} of the same sentence"
        adjusted = facts.total("adjusted")
        right = execution_rate(adjusted, spent)
        if right is not None and not same(figure, right, tolerance):
            because += f"，按表上全年预算数 {points(adjusted)} 应为 {shown(right)}"
            because_en += f", which is {shown(right)} of the form's adjusted budget {points(adjusted)}"
        return because, because_en
    if by_initial is not None and same(figure, by_initial, tolerance):
        return "；它是按年初预算数算的", "; it was computed on the initial budget"
    return "", ""


# ---- what the amounts of a sentence say together ----


def base_is_named(speech: Speech) -> None:
    """A rate (or its score) that belongs to the adjusted budget, where the only budget named beside it is the initial one (R3)."""
    facts, tolerance = speech.facts, speech.facts.edition.tolerance.rate
    own = {one.column: one.figure for one in speech.said if one.subject.kind in ("money", "funds")}
    initial, adjusted, executed = (facts.total(column) for column in ("initial", "adjusted", "executed"))
    if "initial" not in own or "executed" not in own or own.keys() & {"adjusted", "budget"} or None in (initial, adjusted, executed) \
            or initial == adjusted or _OTHER_BASE.search(speech.sentence.text):
        return
    stated, wrong = facts.card.rate, execution_rate(initial, executed)
    if stated is None or wrong is None or not same(own["initial"], initial, CENT) or not same(own["executed"], executed, CENT):
        return
    rates = [one for one in speech.found if one.kind == "percent" and same(one, stated, tolerance) and not same(one, wrong, tolerance)]
    scores = [one.figure for one in speech.said if one.column == "score" and one.subject.kind == "funds"]
    for beside in (rates or scores)[:1]:
        speech.add("R204", own["initial"], f"年初预算 {own['initial'].text}", f"全年预算数 {points(adjusted)}万元", said=beside.text,
                   wrong=shown(wrong), rate=shown(stated))


def rates_of_others_follow(speech: Speech) -> None:
    """A rate that is not on the form, against the two amounts of its sentence (L5)."""
    for n, one in enumerate(speech.said):
        if one.subject.kind != "foreign" or one.column != "rate":
            continue
        amounts = {other.column: other.figure for other in speech.said[:n]
                   if other.subject.kind == "foreign" and other.column in (*_BUDGETS, "executed")}
        base, spent = next((amounts[column] for column in _BUDGETS if column in amounts), None), amounts.get("executed")
        due = execution_rate(base.value, spent.value) if base is not None and spent is not None and len(amounts) == 2 else None
        if due is not None and not same(one.figure, due, speech.facts.edition.tolerance.rate):
            speech.add("R208", one.figure, one.figure.text, shown(due), executed=spent.text, base=base.text)
