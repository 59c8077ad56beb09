"""Items of a sentence that should add up to a total in the same sentence (DOMAIN.md Q7): 共12次，其中…5次、…7次; 5次、7次，共12次."""

import re
from collections.abc import Iterator
from decimal import Decimal

from perfeval_xl.compare import CENT, ZERO
from perfeval_xl.figures import Figure
from perfeval_xl.patterns import Pattern

_OPENS = Pattern("[，:;(（]?(?:其中|分别|包括|包含|由|含|具体)")
_TOTAL = Pattern("(?:合计|共计|总计|(?<!公)共(?![同产享]))[^，;。、:]{0,4}$")
_SHARE = Pattern("占比?(?:为|总额的)?$")
_SOMETHING_ELSE = Pattern("全年|实际|执行|支出(?:总|合计)|预算|较|同比|比上|增|减")
#: another time, or another thing than a part of the total: 其中永久基本农田59.2万亩，截至2023年底累计建成高标准农田31.7万亩
_APART = Pattern("截[至止]|累计|另[外有]?|还|同时|此外|20[0-9]{2}年|新增|完成|建成|涉及|占|每|平均|[人户亩]均")
_LEVEL = Pattern("[一二三]级(?=(?:绩效)?指标)")
_PEOPLE = Pattern("[万千]?(?:人次?|名|位)$")
_GO_ON = Pattern("等|余|以上|左右")
#: items that are known to be all there are
_COMPLETE = Pattern("分别|基本支出.*项目支出|项目支出.*基本支出|人员.*公用|财政.*(?:单位|其他|自有)|一般公共预算.*(?:基金|其他|单位)|政府.*单位")


def not_adding_up(found: list[Figure], text: str) -> Iterator[tuple[Figure, list[Figure], Decimal]]:
    """Each total whose items make another sum: the total, its items, their sum."""
    for n, whole in enumerate(found):
        if whole.kind not in ("money", "count", "points") or whole.loose:
            continue
        between = text[whole.end : found[n + 1].start] if n + 1 < len(found) else ""
        if _OPENS.match(between):
            items = _after(found[n + 1 :], whole, text)
            if whole.kind == "points" and any(re.search("评|得|值|满|总", one.lead) for one in items):
                continue  # 履职效益20分，自评20分: weights and scores in turns
            leads, gap = "".join(one.lead for one in items), whole.value - _sum(items)
            # 其中 may name some items only, or the same people twice (党员65名、女性60名): a small gap between amounts or things is a slip
            meant = _COMPLETE.search(leads) or (abs(gap) * 5 <= whole.value and not _PEOPLE.search(whole.unit))
            levels = set(_LEVEL.findall(leads)) - set(_LEVEL.findall(text[: whole.end])[-1:])
            if len(items) > 1 and meant and not levels and not _GO_ON.match(text, items[-1].end) and abs(gap) > _slack(items, whole):
                yield whole, items, _sum(items)
        elif whole.kind != "points" and _TOTAL.search(whole.lead) and (";" not in whole.lead or all(";" in one.lead for one in found[1:n])):
            items = _before(found[:n], whole)
            if len(items) > 1 and abs(_sum(items) - whole.value) > _slack(items, whole):
                yield whole, items, _sum(items)


def _sum(items: list[Figure]) -> Decimal:
    return sum((one.value for one in items), ZERO)


def _slack(items: list[Figure], whole: Figure) -> Decimal:
    """What rounding may cost: half a printed unit of each; nothing where things are counted."""
    if whole.kind == "count":
        return ZERO
    if whole.kind == "points":
        return max(whole.step / 2, CENT)
    steps = [one.step for one in (*items, whole)]
    return CENT if max(steps) <= CENT else sum(steps) / 2


def _like(one: Figure, whole: Figure) -> bool:
    return one.kind == whole.kind and (whole.kind == "money" or one.unit == whole.unit)


def _after(found: list[Figure], whole: Figure, text: str) -> list[Figure]:
    """The items that follow a total: of its kind and unit, until something else is spoken of."""
    items: list[Figure] = []
    for one in found:
        if one.kind == "percent" and _SHARE.search(one.lead):
            continue
        # the mark between the first two parts all of them
        parted = len(items) > 1 and one.lead[:1] in ("，", ";") and one.lead[:1] not in text[items[0].end : items[1].start]
        if not _like(one, whole) or (items and (parted or _SOMETHING_ELSE.search(one.lead) or _APART.search(one.lead))):
            break
        if one.loose:
            return []
        items.append(one)
    return items


def _before(found: list[Figure], whole: Figure) -> list[Figure]:
    """The items in front of a total, back to where something else is spoken of."""
    items: list[Figure] = []
    for one in reversed(found):
        if not _like(one, whole) or one.loose or re.search("合计|共计|总计|预算|执行|同比|比上|;", one.lead):
            break
        if "其中" in one.lead:  # they make up another total, the one before them
            return []
        items.insert(0, one)
        if ":" in one.lead or (one.lead.startswith("，") and any(other.lead.startswith("、") for other in items[1:])):
            break  # 查阅凭证480份，发放A问卷300份、B问卷500份，合计800份
    return items
