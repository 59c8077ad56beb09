"""How far the budget of the year was moved from the initial one, as a report says it in 万元 or in percent (DOMAIN.md R3, R4)."""

import re

from perfeval_xl.checks_funds import adjustment
from perfeval_xl.compare import CENT, percent, points
from perfeval_xl.figures import Figure, same
from perfeval_xl.naming import Lead, Subject, budget_change, budget_share, is_foreign
from perfeval_xl.numbers import half_up
from perfeval_xl.patterns import Pattern
from perfeval_xl.speech import Said, Speech

_MOVED = Pattern("(?:追加|调[增减]|增加|减少|净增|净减)(?:部门|预算|资金|财政|了|额|数)*(?:为|共)*$")
_MOVED_FROM = Pattern("^[较比与]年初(?:批复|安排|的)*(?:预算)?(?:数|总额)?(?:相比)?"
                      "(?:净?增加|增长|上升|净?减少|下降|降低|调增|调减|追加|压减|核减)了?$")
_COMPARED_WITH = Pattern("(?:^|[。;])[与较比]年初(?:部门)?(?:预算)?(?:数|总额)?相比，$")
_MOVED_BUDGET = Pattern("^(?:全年|部门|本年)*预算(?:总额|数)?(?:净?增加|净?减少|调增|调减|核减|压减)了?$")
_BY_SHARE = Pattern("^(?:增长|增幅|上升|下降|减少|降幅|减幅|降低|调整率|变动率)$")


def is_moved(speech: Speech, lead: Lead) -> bool:
    """Whether an amount tells how far the whole budget was changed: 全年预算923.86万元，比年初增加68.2万元; 与年初相比，预算增加68.2万元."""
    if speech.foreign or speech.task is not None:
        return False
    if _MOVED_FROM.search(lead.core):
        return any(one.subject.key == "adjusted" for one in speech.said[-1:])
    return _COMPARED_WITH.search(lead.before) is not None and _MOVED_BUDGET.search(lead.core) is not None


def moved(speech: Speech, figure: Figure) -> list[Said]:
    """How far the adjusted budget is from the initial one, in 万元."""
    initial, adjusted = (speech.facts.total(column) for column in ("initial", "adjusted"))
    if initial is not None and adjusted is not None and not same(figure, abs(adjusted - initial), CENT):
        blamed = any(one.figure in speech.blamed for one in speech.said[-1:])
        if not blamed:
            speech.add("R206", figure, figure.text, f"{points(abs(adjusted - initial))}万元", what="全年预算数比年初预算数的增减",
                       what_en="difference of the adjusted budget from the initial one")
    return [Said(figure, Subject("money", "预算调整", "moved"), "moved")]


def is_change(speech: Speech, figure: Figure, core: str) -> bool:
    """Whether a percentage tells how far the whole budget was changed within the year."""
    last = next(iter(speech.said[-1:]), None)
    if budget_change(core):
        return last is not None and last.subject.key == "adjusted"
    if last is not None and last.subject.key == "moved" and last.figure.end + len(figure.lead) == figure.start:
        return _BY_SHARE.search(core) is not None
    before = next((one for one in reversed(speech.found) if one.end <= figure.start), None)
    if before is None or before.kind != "money" or budget_share(core) != "initial":
        return False
    return _MOVED.search(before.lead) is not None and not is_foreign(re.sub("追加|调[增减]", "", before.lead))


def change(speech: Speech, figure: Figure) -> list[Said]:
    """The change of the budget in percent of the initial one, against the funds block and against the row of that name."""
    facts, total = speech.facts, speech.facts.funds.get("total")
    row_of = next((n for n, line in enumerate(facts.form.indicators) if line.role == "adjustment_rate"), None)
    due = adjustment(total) if total is not None else None
    stated = facts.form.indicators[row_of].actual.number if row_of is not None else None
    allowed = [one for one in (None if due is None else abs(due), stated) if one is not None]
    if allowed and not any(same(figure, one, facts.edition.tolerance.rate) for one in allowed):
        speech.add("R302", figure, figure.text, percent(half_up(allowed[0], 2)), what="预算调整率", what_en="change of the budget", why="", why_en="")
    return [Said(figure, Subject("money", "预算调整率", "change"), "change")]
