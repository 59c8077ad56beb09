"""Scores, weights and 得分率 of a report against the form (DOMAIN.md R1, R2, S5, S6), in sentences."""

import re
from decimal import Decimal

from perfeval_xl.compare import CENT, HUNDRED, ZERO, percent, points
from perfeval_xl.figures import Figure, normal, same
from perfeval_xl.naming import Lead, Subject, bare, is_own, names_another, rate_name, read_lead
from perfeval_xl.numbers import half_up
from perfeval_xl.patterns import Pattern
from perfeval_xl.speech import Quote, Said, Speech

_NEXT_IS_SCORE = Pattern("[，;]?(?:自评|实际|最终|总)*(?:得分|得|实得|评分|自评)")
#: 以96.88分的成绩完成自评
_AS_RESULT = Pattern("的(?:总|综合|最终|自评)*(?:成绩|得分|分数|总分)")
_NO_TOTAL = Pattern("扣|失|减|加分|每|最高|最低|不得|满意|评议|测评|考评组|排名")
_GENERAL = Pattern("根据|依据|按照|绩效|自评|评价|综合|最终|总体|整体|部门|支出|预算|项目|结果|年度|的|本次|经|平均")
#: 部门整体绩效为97.62分, 全局99.3分
_OF_WHOLE = Pattern("整体(?:支出)?绩效(?:自评)?$|(?:^|[^\u4e00-\u9fff])[我本全](?:单位|部门|中心|[局委办院会处校站馆所])(?:整体)?$")
WHOLE = Subject("total", "部门整体")


def score(speech: Speech, quote: Quote) -> list[Said]:
    """A score or a weight against the form's."""
    figure, lead, facts = quote.figure, quote.lead, speech.facts
    subject = _of_whom(speech, quote)
    if subject is None or subject.kind in ("foreign", "task"):
        return []
    follows = _NEXT_IS_SCORE.match(quote.following) is not None and read_lead(quote.following).carried
    kind = "weight" if lead.noun == "weight" or (follows and lead.noun in ("", "sum")) else "score" if lead.noun in ("score", "this") else ""
    if lead.noun == "sum" and subject.kind == "total" and not kind:
        kind = "weight" if figure.value == HUNDRED else "score"
    values = facts.weights(subject) if kind == "weight" else facts.scores(subject) if kind else (*facts.scores(subject), *facts.weights(subject))
    if lead.noun == "this":  # 该项: of the paragraph's name, or of a heading above it
        above = [one for text in speech.place.headings for _, _, one in facts.lexicon.mentions(normal(text))]
        values = (*values, *(value for one in above for value in facts.scores(one)))
    full = kind == "score" and figure.value in facts.weights(subject)  # 15.84 of 16 may be rounded, but not to full marks
    if values and not any(same(figure, value, facts.edition.tolerance.score) and (not full or figure.value - value <= CENT) for value in values):
        wrong(speech, figure, kind or "score", subject, values)
    weighed, scored = (any(same(figure, value, ZERO) for value in known) for known in (facts.weights(subject), facts.scores(subject)))
    return [Said(figure, subject, kind or ("weight" if weighed and not scored else "score"))]


def _of_whom(speech: Speech, quote: Quote) -> Subject | None:
    lead = quote.lead
    if lead.carried and (lead.summed or lead.noun == "sum"):  # 产出指标得25分，效益指标得35分，合计96.88分
        scored = {one.subject for one in speech.said if one.subject.kind in ("part", "funds") and one.column == "score"}
        if len(scored) > 1 or lead.summed:
            return WHOLE if len(scored) > 1 else None
    if not lead.noun and _AS_RESULT.match(speech.text, quote.figure.end) and speech.place.chapter.topic in ("conclusion", "use", "results", ""):
        return WHOLE
    subject = quote.subjects[0] if quote.subjects else None
    if subject is not None and (subject.key == "rate" or speech.facts.is_execution(subject)):  # 预算执行率66.6%，得分7.4分
        return Subject("funds", "预算执行率")
    if subject is None and lead.noun in ("score", "weight") and rate_name(lead.core) is not None and not bare(rate_name(lead.core) or ""):
        return Subject("funds", "预算执行率")
    return _whole(speech, lead, quote.figure) if subject is None or subject.kind == "money" else subject


def _whole(speech: Speech, lead: Lead, figure: Figure) -> Subject | None:
    """The whole form, where a score is said of the department or of nothing in particular."""
    earlier = (one for one in speech.found if one.end <= figure.start and re.search("分值|满分|权重", one.lead))
    if lead.carried and any(one.value != HUNDRED for one in earlier):
        return None  # 分值20分，得20分: of a part that an earlier paragraph names
    if lead.noun == "weight" and not lead.carried and not _GENERAL.sub("", bare(lead.core)) and figure.value == HUNDRED:
        return WHOLE
    of_whole = not lead.noun and figure.kind == "points" and _OF_WHOLE.search(lead.core)
    if (lead.noun not in ("score", "sum") and not of_whole) or _NO_TOTAL.search(lead.core + lead.before.rpartition("，")[2]):
        return None
    spoken = speech.facts.without_own(lead.before + lead.core)
    if names_another(spoken.rpartition(";")[2]) and not is_own(spoken) and "整体" not in spoken:
        return None  # 设备购置项目自评得分96.9分
    rest = _GENERAL.sub("", bare(speech.facts.without_own(lead.core)))
    if rest and not re.search("整体|综合|最终|我|本(?:部门|单位)", lead.core):
        return None
    if not rest and not re.search("整体|部门|单位|综合|最终|综上", lead.before + lead.core) and speech.heading() is not None:
        return None
    return WHOLE if speech.place.chapter.topic in ("conclusion", "use", "results", "") or "整体" in lead.core else None


def whole_of(speech: Speech, quote: Quote) -> Subject | None:
    """The whole form, where a figure is a score of it."""
    return _whole(speech, quote.lead, quote.figure) if quote.figure.kind in ("points", "plain") else None


def wrong(speech: Speech, figure: Figure, kind: str, subject: Subject, values: tuple) -> None:
    """Notes a score or a weight that is none of the form's; the first of ``values`` is the one to name."""
    expected = points(values[0])
    if subject.kind == "total" and kind == "score":
        stated = speech.facts.form.totals[0]
        copied = stated.number is not None and same(figure, stated.number, speech.facts.edition.tolerance.score)
        speech.add("R101", figure, figure.text, expected, why=f"（与表上总分一栏相同，但各行得分合计为 {expected}）" if copied else "",
                   why_en=f" (as in the total of the form, but its rows add up to {expected})" if copied else "")
    else:
        speech.add("R103" if kind == "score" else "R104", figure, figure.text, expected, what=subject.name, what_en=subject.name)


# ---- 得分率 ----


def share(speech: Speech, quote: Quote) -> list[Said]:
    """得分率 = score / weight, both as the same sentence gives them, else as the form does."""
    subject = quote.subjects[0] if quote.subjects else next((one.subject for one in reversed(speech.said) if one.column == "score"), None)
    if quote.lead.noun != "share" or subject is None or subject.kind == "foreign":
        return []
    own = {one.column: one.figure.value for one in speech.said if one.subject == subject}
    weight = own.get("weight") or next(iter(speech.facts.weights(subject)), None)
    scored = own.get("score", next(iter(speech.facts.scores(subject)), None))
    if weight and scored is not None and not any(one.figure in speech.blamed for one in speech.said if one.subject == subject):
        shares(speech, quote.figure, subject.name, weight, scored)
    return []


def shares(speech: Speech, figure: Figure, name: str, weight: Decimal, scored: Decimal) -> None:
    """Notes a 得分率 that is not its score divided by its weight."""
    due = scored / weight * HUNDRED
    if not same(figure, due, speech.facts.edition.tolerance.rate):
        speech.add("R105", figure, figure.text, percent(half_up(due, 2)), what=name, what_en=name, score=points(scored), weight=points(weight))
