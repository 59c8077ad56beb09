"""The form's arithmetic: plain figures in, plain figures out, one function for each concept of the form.

Rates, shares and deviations keep their full precision; a score is rounded half up once a row, and the total is the sum of the
rounded rows, so that the printed column adds up.
"""

from collections.abc import Collection
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from perfeval_xl.compare import HUNDRED, ONE, ZERO, agree
from perfeval_xl.edition import Edition, Execution, Part, Tier, plain_label
from perfeval_xl.model import Indicator, Submission
from perfeval_xl.numbers import half_up, is_nothing
from perfeval_xl.patterns import Pattern
from perfeval_xl.targets import Reading, comparable, due, happened, in_units_of, is_open_fraction

#: what stands in a column for reasons without being one
EMPTY_WORDS = frozenset(
    ("", "0", "略", "同上", "无偏差", "没有", "暂无", "无原因", "完成", "已完成", "按计划完成", "全部完成", "达标", "已达标", "正常"))
#: a longer text says something, whatever it is
_LONGEST_EMPTY = 10

SIGNS = frozenset((">=", "<=", ">", "<"))
#: in the name of an indicator of which less is better, for targets without a sign (DOMAIN.md e, "scoring hints")
FEWER = ("投诉", "事故", "违规", "违法", "差错", "死亡", "伤亡", "火灾", "成灾率", "控制率", "结余率", "调整率", "变动率", "发案", "失误")
#: ... unless the name says that something is done about it (投诉办结率, 事故处置率, 死亡下降率)
HANDLED = ("处理", "办结", "处置", "回复", "整改", "下降", "减少", "降低", "化解", "整治", "查处", "排查", "响应", "受理", "查结", "破案")
#: such a name that ends as a measure, not as a thing (成灾率, 投诉数量; not 控制率, which may go either way)
_FEWER_MEASURE = Pattern("(?:率|数|数量|次数|投诉|事故|违规|违法|差错|死亡|伤亡|火灾|发案|失误)$")
#: names of something of which more is better; an amount counts only where it is something done
_MORE = Pattern(
    "(?:完成|覆盖|合格|达标|及时|利用|使用|知晓|参与|执行|优良|入学|就业|满意)率$|满意度$|"
    "(?:新?建|改造|修建|修缮|开展|举办|组织|培训|完成|新增|发放|补助|资助|购置|检查|巡查|服务|宣传|编制|维修|种植|救助|建成).*(?:数量|次数|人数|场次|面积|里程)$")
#: a word beside the target's own that takes something back: 较健全, 基本完整, 不够规范
RESERVED = ("不", "未", "没", "无", "欠", "较", "基本", "部分", "大致", "大体", "初步", "一般", "有待", "尚")


class Attainment(NamedTuple):
    """How far an actual reaches its target.

    ``share`` is the part of the weight that is earned (1 = all of it), None where no rule decides it; then ``why`` is the code of the
    finding that asks, and ``tier`` names the tier the actual claims, if any. ``met`` says whether the target is reached, ``deviation``
    is a fraction (-0.26), ``over`` how far the target is exceeded, percent. ``hinted`` marks a target without sign that was read as an
    upper limit because of its name, where that reading decides the score.
    """

    share: Decimal | None
    met: bool | None
    deviation: Decimal | None = None
    why: str = ""
    tier: int = 0
    over: Decimal = ZERO
    hinted: bool = False


class RowScore(NamedTuple):
    """What the rule gives one indicator row: points, None where it does not decide, and the attainment it rests on.

    ``weight`` and ``stated`` are the row's own figures, ``counted`` what enters the total: the score, the stated one where no rule
    decides, None where there is neither. ``signed`` marks a target with an inequality sign and a number; ``pointless`` says why such a target
    cannot tell good from bad ("whole", "any", "sign"), "" where it can.
    A row is ``doubtful`` unless its score is the rule's, its deviation the formula's, and a reason stands where one is due and nowhere else.
    The rules of single rows look at the doubtful ones only; on the others they have nothing to find.
    """

    score: Decimal | None
    attainment: Attainment
    weight: Decimal | None
    stated: Decimal | None
    counted: Decimal | None
    signed: bool
    pointless: str
    doubtful: bool


class PartScore(NamedTuple):
    """A 一级指标: its weights and its recomputed scores, None where a row of it cannot be scored."""

    name: str
    weight: Decimal | None
    score: Decimal | None


class Scorecard(NamedTuple):
    """A whole form recomputed.

    ``rates`` follows the funds rows, ``task_rates`` the tasks, ``rows`` the indicators; ``rate`` is the one of the total row. ``stated`` is
    the sum of the scores as they stand on the form, ``gaps`` what the weights of a part are above (or below) the prescribed ones. ``apart``
    says that the indicator rows alone carry the 100 points, so that the score of the funds block is not in the total; ``missing`` are the
    prescribed parts that have no row. ``doubtful``,
    ``signed`` and ``standard`` (those that follow from the money) pick rows for the rules: (place among the indicators, row, its score).
    """

    rates: tuple[Decimal | None, ...]
    rate: Decimal | None
    funds_score: Decimal | None
    task_rates: tuple[Decimal | None, ...]
    rows: tuple[RowScore, ...]
    parts: tuple[PartScore, ...]
    total: Decimal | None
    grade: str | None
    stated: Decimal
    gaps: dict[str, Decimal]
    apart: bool
    missing: tuple[Part, ...]
    doubtful: list[tuple[int, Indicator, RowScore]]
    signed: list[tuple[int, Indicator, RowScore]]
    standard: list[tuple[int, Indicator, RowScore]]


def explained(text: str) -> bool:
    """Whether a reason says anything: 无, 0, 略, 同上 and dashes do not."""
    return len(text) > _LONGEST_EMPTY or not (is_nothing(text) or plain_label(text).rstrip("。.") in EMPTY_WORDS)


def execution_rate(adjusted: Decimal | None, executed: Decimal | None) -> Decimal | None:
    """执行率 = 全年执行数 ÷ 全年预算数, percent points at full precision; None without a budget (四川省自评表填表要求, 公开表)."""
    if adjusted is None or executed is None or adjusted <= 0:
        return None
    return executed / adjusted * HUNDRED


def execution_score(rate: Decimal, weight: Decimal, rule: Execution) -> Decimal:
    """Score of the funds block in points: never below 0 nor above the weight, rounded to the edition's places (edition [execution])."""
    if rule.rule == "steps":
        share = next((percent for low, percent in rule.steps if rate >= low), ZERO)
    else:
        share = rate / rule.line * HUNDRED
    return _rounded(weight * min(max(share, ZERO), HUNDRED) / HUNDRED, rule.places)


def _names(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of these words stands in a text."""
    return any(map(text.__contains__, words))


@lru_cache(maxsize=4096)
def less_is_better(name: str, group: str = "", part: str = "") -> bool:
    """Whether a target without sign is an upper limit: costs, and names of what should not happen (DOMAIN.md e)."""
    if "成本" in group or "成本" in part:
        return True
    return _names(name, FEWER) and not _names(name, HANDLED)


def attain(target: Reading, actual: Reading, fewer: bool = False, rule: str = "percent", year: int | None = None) -> Attainment:
    """Holds an actual against its target (edition [quantitative], [qualitative]; DOMAIN.md b.2, b.4, b.5).

    ``fewer`` says how to read a target without sign, ``rule`` is the edition's rule for qualitative targets, ``year`` completes dates.
    """
    if target.kind in ("blank", "na") or actual.kind in ("blank", "na"):
        return _attain_nothing(target, actual, fewer)
    if target.kind in ("mixed", "text"):
        harmless = target.number == 0 and target.text.startswith("零")  # 零起
        return _attain_words(target, actual, rule) if harmless and actual.number == 0 else Attainment(None, None, why="V203")
    if target.kind == "suspect":
        return Attainment(None, None, why="V204")
    if target.kind in ("date", "period"):
        return _attain_date(target, actual, year)
    if target.number is None:
        return _attain_words(target, actual, rule)
    return _attain_number(target, actual, fewer)


def _attain_nothing(target: Reading, actual: Reading, fewer: bool) -> Attainment:
    """无 is an answer where nothing may happen: 无 against 0起, and 无 or 0 against 无 for 事故, 投诉. Anywhere else the cell is not filled in."""
    none = actual.text == "无" or (actual.kind == "quant" and actual.number == 0)
    if none and (target.number == 0 or (fewer and target.text == "无")):
        return Attainment(ONE, True, ZERO)
    return Attainment(None, None)


def _attain_number(target: Reading, actual: Reading, fewer: bool) -> Attainment:
    if actual.kind == "mixed":
        actual = in_units_of(target, actual)
    if actual.kind != "quant" or actual.number is None:
        return Attainment(None, None, why="V208" if actual.kind in ("mixed", "text") else "V206", tier=actual.tier)
    reached = comparable(target, actual)
    if reached is None:
        return Attainment(None, None, why="V104" if is_open_fraction(target, actual) else "V206")
    limit = target.number
    if target.op == "between" or target.kind == "tolerance":
        inside = abs(reached) <= limit if target.kind == "tolerance" else limit <= reached <= target.high
        return Attainment(ONE, True, ZERO) if inside else Attainment(None, False, why="V211")
    signless = target.op in ("", "==")
    upper = target.op in ("<=", "<") or (signless and (fewer or limit == 0))
    if upper:
        met = reached < limit if target.op == "<" else reached <= limit
    else:
        met = reached > limit if target.op == ">" else reached >= limit
    hinted = target.op == "" and fewer and limit != 0 and reached != limit
    if met:
        is_share = target.unit in ("%", "‰") and reached <= HUNDRED
        over = ZERO if upper or limit <= 0 or is_share else (reached - limit) / limit * HUNDRED
        return tuple.__new__(Attainment, (ONE, True, ZERO, "", 0, over, hinted))
    if limit == 0:
        return Attainment(ZERO, False, hinted=hinted)
    if limit < 0:
        return Attainment(None, False, (reached - limit) / abs(limit), why="V211")
    share = limit / reached if upper else max(reached / limit, ZERO)
    return Attainment(share, False, (reached - limit) / limit, hinted=hinted)


def _attain_words(target: Reading, actual: Reading, rule: str) -> Attainment:
    """A qualitative target: a percentage is the share that was reached, the target's own words are all of it, a tier is a range."""
    if actual.kind == "quant" and actual.unit == "%" and actual.number is not None and actual.number >= 0:
        share = min(actual.number / HUNDRED, ONE)
        return Attainment(share, share == ONE, share - ONE)
    if actual.kind == "quant":
        if actual.number == 0 and target.text.startswith("零"):  # 零事故, 零投诉
            return Attainment(ONE, True, ZERO)
        return Attainment(None, None, why="V206")
    words, wanted = plain_label(actual.text), plain_label(target.text)
    if actual.tier in (0, 1) and wanted and wanted in words and not _names(words.replace(wanted, "", 1), RESERVED):
        # where a person chooses within a tier, the target's own word claims the first one, no more
        return Attainment(None, True, tier=1) if rule == "tiers" else Attainment(ONE, True, ZERO)
    if actual.tier:
        return Attainment(None, actual.tier == 1, tier=actual.tier)
    return Attainment(None, None, why="V208" if rule == "percent" else "")


def _attain_date(target: Reading, actual: Reading, year: int | None) -> Attainment:
    if actual.kind == "quant":
        if actual.unit != "%" or actual.number is None or actual.number < 0:
            return Attainment(None, None, why="V206")
        share = min(actual.number / HUNDRED, ONE)
        return Attainment(share, share == ONE, share - ONE, why="V207")
    if actual.kind not in ("date", "period"):
        same = plain_label(actual.text) == plain_label(target.text)
        return Attainment(ONE, True, ZERO) if same else Attainment(None, None, why="V207")
    limit, done = due(target, year), happened(actual, year)
    if limit is None or done is None:
        return Attainment(None, None, why="V211")
    return Attainment(ONE, True, ZERO) if done <= limit else Attainment(None, False, why="V210")


def indicator_score(attainment: Attainment, weight: Decimal, edition: Edition) -> Decimal | None:
    """Score of one row in points: weight x share, half up to the edition's places; None where no rule decides."""
    if attainment.share == ONE:
        return half_up(weight, edition.quantitative.places)
    return None if attainment.share is None else _rounded(weight * attainment.share, edition.quantitative.places)


def _rounded(points: Decimal, places: int) -> Decimal:
    """Half up, after what a quotient without end has lost at its 28th digit: 3 x (1.07 / 6) is 0.535, which makes 0.54."""
    return half_up(half_up(points, 20), places)


def tier_of(attainment: Attainment, edition: Edition) -> Tier:
    """The tier that an actual claims (达成 1, 部分达成 2, 未达成 3; edition [qualitative])."""
    return edition.qualitative.tiers[min(attainment.tier, len(edition.qualitative.tiers)) - 1]


def tier_range(attainment: Attainment, weight: Decimal, edition: Edition) -> tuple[Decimal, Decimal] | None:
    """Lowest and highest score of the tier that the actual claims; None for an actual without tier (edition [qualitative])."""
    if not attainment.tier or attainment.why:
        return None
    tier = tier_of(attainment, edition)
    return weight * tier.low / HUNDRED, weight * tier.high / HUNDRED


def grade(total: Decimal, edition: Edition) -> str:
    """优, 良, 中 or 差 (edition [grades])."""
    return next((one.name for one in edition.grades if total >= one.low), edition.grades[-1].name)


def total_cap(rate: Decimal | None, edition: Edition) -> Decimal | None:
    """The highest total that an execution rate allows, where the edition caps it (a few districts do; edition [[execution.cap]])."""
    if rate is None:
        return None
    return next((cap for below, cap in edition.execution.caps if rate < below), None)


def row_attainment(row: Indicator, edition: Edition, year: int | None) -> Attainment:
    """The attainment of one row of a form."""
    target = row.target
    unsigned = target.op in ("", "==") and target.number is not None
    fewer = (unsigned or target.kind == "na") and less_is_better(row.name, row.group, row.part)
    dated = year if target.date or row.actual.date else None
    return attain(target, row.actual, fewer, edition.qualitative.rule, dated)


def score(form: Submission, edition: Edition) -> Scorecard:
    """The whole form recomputed from its own inputs. Where no rule decides a row, the stated score stands in its part and in the total."""
    rates = tuple([execution_rate(_number(row.adjusted), _number(row.executed)) for row in form.funds])
    rate = next((rate for row, rate in zip(form.funds, rates, strict=True) if row is form.total_row), None)
    funds_score = _funds_score(form, rate, edition)
    rows, parts, known = [], {}, _scored(edition, form.year)
    doubtful, signed, standard, stated = [], [], [], ZERO
    for place, row in enumerate(form.indicators):
        if (seen := known.get(id(row))) is None:
            seen = known[id(row)] = (row, _row_score(row, edition, form.year), edition)
        rows.append(result := seen[1])
        _, _, weight, given, counted, is_signed, _, is_doubtful = result
        if (part := parts.get(row.part)) is None:
            part = parts[row.part] = [None, ZERO]
        if weight is not None:
            part[0] = weight if part[0] is None else part[0] + weight
        elif given is not None:
            part[0] = part[0] or ZERO
        if given is not None:
            stated += given
        if weight is not None or given is not None:  # a row that counts and has no score leaves its part without score
            part[1] = None if part[1] is None or counted is None else part[1] + counted
        if is_doubtful:
            doubtful.append((place, row, result))
        if is_signed:
            signed.append((place, row, result))
        if row.role:
            standard.append((place, row, result))
    weights = sum([weight for weight, _ in parts.values() if weight is not None], ZERO)
    apart = weights == HUNDRED
    funds_part = None if apart else _funds_part(form, funds_score, edition)
    if funds_part is not None:
        stated += _number(form.total_row.score) or ZERO
    scored = (*((funds_part,) if funds_part else ()), *(PartScore(name, weight, value) for name, (weight, value) in parts.items()))
    values = [part.score for part in scored]
    missing = missing_parts(form, edition, parts)
    total = None if not values or None in values or missing or _gives_no_points(form) or funds_unread(form, weights) else sum(values, ZERO)
    if total is not None and (cap := total_cap(rate, edition)) is not None:
        total = min(total, cap)
    tasks = tuple([execution_rate(_number(task.budget), _number(task.executed)) for task in form.tasks])
    return Scorecard(rates, rate, funds_score, tasks, tuple(rows), scored, total, None if total is None else grade(total, edition), stated,
                     _gaps(scored, form, edition), apart, missing, doubtful, signed, standard)


def _gives_no_points(form: Submission) -> bool:
    """A form with neither weights nor scores (中央转移支付区域绩效目标自评表) has no total, not one of 0."""
    return "score" not in form.columns and "weight" not in form.columns


def funds_unread(form: Submission, weights: Decimal) -> bool:
    """No funds block was found, or none of its weight and score, and the weights of the rows leave room for one: its score is missing, not
    wrong."""
    funds = form.total_row
    return (funds is None or (funds.weight is None and funds.score is None)) and "weight" in form.columns and ZERO < weights < HUNDRED


def _gaps(parts: tuple[PartScore, ...], form: Submission, edition: Edition) -> dict[str, Decimal]:
    if not form.recognised or not edition.parts_binding:
        return {}
    prescribed = {part.name: part.weight for part in edition.parts}
    return {part.name: part.weight - prescribed[part.name] for part in parts
            if part.weight is not None and part.name in prescribed and part.weight != prescribed[part.name]}


def fits_the_right_weight(row: Indicator, result: RowScore, card: Scorecard, edition: Edition) -> bool:
    """Whether the stated score is the rule's under the weight that would close the gap of its part: then the weight is the mistake."""
    gap = card.gaps.get(row.part)
    if not gap or result.weight is None or result.stated is None or result.weight <= gap:
        return False
    points = indicator_score(result.attainment, result.weight - gap, edition)
    return points is not None and abs(points - result.stated) <= edition.tolerance.score


def _funds_part(form: Submission, funds_score: Decimal | None, edition: Edition) -> PartScore | None:
    """The funds block as the part it is (预算执行率), None where it carries neither weight nor score."""
    funds = form.total_row
    if funds is None:
        return None
    weight, stated = _number(funds.weight), _number(funds.score)
    if weight is None and stated is None and (funds_score is None or (funds.weight is None and funds.score is None)):
        return None
    name = edition.funds_part.name if edition.funds_part else "预算执行率"
    return PartScore(name, weight, funds_score if funds_score is not None else stated)


def missing_parts(form: Submission, edition: Edition, there: Collection[str]) -> tuple[Part, ...]:
    """The prescribed parts of which a form of a recognised edition has no row; ``there`` are those of its rows."""
    if not form.recognised or not edition.parts_binding:
        return ()
    return tuple(part for part in edition.parts if part.place != "funds" and part.name not in there)


def _funds_score(form: Submission, rate: Decimal | None, edition: Edition) -> Decimal | None:
    row = form.total_row
    if row is None or rate is None:
        return None
    weight = _number(row.weight)
    if row.weight is None and form.recognised and edition.funds_part:
        weight = edition.funds_part.weight
    return None if weight is None else execution_score(rate, weight, edition.execution)


@lru_cache(maxsize=16)
def _scored_under(edition_id: int, year: int | None) -> dict[int, tuple[Indicator, RowScore, Edition]]:
    return {}


def _scored(edition: Edition, year: int | None) -> dict[int, tuple[Indicator, RowScore, Edition]]:
    """The rows already scored under an edition, by identity: the layout hands out one Indicator for all lines that are alike, and hashing one
    would cost more than scoring it. The values keep row and edition alive, so that an id stays what it was."""
    known = _scored_under(id(edition), year)
    if len(known) > 16384:
        known.clear()
    return known


def _row_score(row: Indicator, edition: Edition, year: int | None) -> RowScore:
    attainment, weight, score, target = row_attainment(row, edition, year), _number(row.weight), row.score, row.target
    stated = points = None
    if score is not None:
        stated = score.number
    if weight is not None and not (score is not None and (score.covered or score.span > 1)):
        points = indicator_score(attainment, weight, edition)
    counted = points if points is not None else stated
    if counted is None and score is not None and score.covered:
        counted = ZERO
    signed = target.op in SIGNS and target.number is not None and target.kind == "quant"
    pointless = _pointless(row) if signed else ""
    doubtful = points is None or not _beyond_doubt(row, attainment, points, edition)
    return tuple.__new__(RowScore, (points, attainment, weight, stated, counted, signed, pointless, doubtful))


def _pointless(row: Indicator) -> str:
    """Why a signed target cannot tell good from bad: 结转结余率 ≤100%, at least 0, a sign against the sense of the name (DOMAIN.md Q4)."""
    target = row.target
    if target.op in (">=", ">"):
        if target.number <= 0 and target.op == ">=" and target.unit != "元":
            return "any"
        against = _wants_less(row.name)
    else:
        if row.role == "carry_over_rate" and target.number >= HUNDRED:
            return "whole"
        against = _wants_more(row.name) and "成本" not in row.group and "成本" not in row.part
    return "sign" if against else ""


@lru_cache(maxsize=4096)
def _wants_less(name: str) -> bool:
    """Whether the name of an indicator says that less is better, and that it is a measure."""
    return _names(name, FEWER) and not _names(name, HANDLED) and "控制" not in name and _FEWER_MEASURE.search(name) is not None


@lru_cache(maxsize=4096)
def _wants_more(name: str) -> bool:
    """Whether the name of an indicator says that more is better."""
    return not _names(name, FEWER) and not _names(name, HANDLED) and _MORE.search(name) is not None


def _beyond_doubt(row: Indicator, attainment: Attainment, points: Decimal, edition: Edition) -> bool:
    """A score that is the rule's, a deviation that is the formula's, a reason where one is due and none elsewhere, and no odd text."""
    weight, score, deviation, reason = row.weight, row.score, row.deviation, row.reason
    if attainment.why or attainment.hinted or attainment.over or row.actual.op:
        return False
    if score is None or score.number is None or weight.unit or score.unit or weight.span > 1:
        return False
    if not ZERO <= score.number <= weight.number or abs(score.number - points) > edition.tolerance.score:
        return False
    if deviation is not None and attainment.deviation is not None:
        if deviation.problem or deviation.span > 1 or deviation.covered or deviation.unit not in ("", "%"):
            return False
        if (deviation.number or ZERO) != attainment.deviation * HUNDRED and (
                deviation.number is None or not agree(deviation, attainment.deviation * HUNDRED, edition.tolerance.rate)):
            return False
    if reason is None:
        return True
    return not reason.text if score.number == weight.number else explained(reason.text)


def _number(entry) -> Decimal | None:
    return None if entry is None else entry.number
