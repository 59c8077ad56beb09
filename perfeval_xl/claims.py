"""What a report claims in words, held against the form: grades, 均达到, 无偏差, 圆满完成, 未发生, 已完成 (DOMAIN.md R4, R5, S7, L4).

A claim has a scope: the rows that its sentence names, else the part or group of its paragraph or heading, else the whole form. Hedged words
(基本, 较好) and intentions (确保, 力争) claim nothing.
"""

import re
from collections.abc import Iterable, Iterator

from perfeval_xl.checks_funds import adjustment
from perfeval_xl.checks_sums import grade_name
from perfeval_xl.compare import percent, points
from perfeval_xl.facts import Facts
from perfeval_xl.figures import Sentence, normal
from perfeval_xl.messages import Finding
from perfeval_xl.naming import Subject, bare, is_foreign, is_own
from perfeval_xl.numbers import chinese_number, half_up
from perfeval_xl.patterns import Pattern
from perfeval_xl.scoring import grade
from perfeval_xl.speech import Paragraph, Place, last_year, without_bands

_AIM = ("(?:年初|年度|全年|预期|预定|既定|设定|确定|下达|制定|规定|的|各项|全部|整体|绩效|考核|履职|工作|目标|指标|任务|了|所有|重点|主要|部门|预算"
        "|各)*")
_GOAL = "(?:指标值|目标值|指标|目标|任务|要求)"
_MET = Pattern(
    f"(?:以上|上述)?(?:{_AIM}{_GOAL})?(?:完成情况|完成值)?(?:均|都|全部|全都)(?:已经?|能够?)?(?:达到|完成|实现|达成|超过)了?{_AIM}{_GOAL}"
    f"|{_AIM}{_GOAL}(?:任务)?(?:均|都|已|全部|全面|圆满|如期|顺利|按期|超额)+(?:完成|达成|实现|达标|达到)"
    f"|(?:全面|圆满|全部|如期|超额|顺利|均)+(?:地)?(?:完成|实现|达到)了?{_AIM}{_GOAL}"
    f"|(?:全部|所有){_AIM}{_GOAL}(?:值|任务)?(?:已经?)?(?:达到|达成|实现|完成)(?!情况|率|值|分析|得分|质量|时|进度|较|良)(?:了?{_AIM}{_GOAL})?"
    f"|(?:达到|实现|完成)了?{_AIM}各项{_AIM}{_GOAL}"
    "|(?:均|都)达标|(?:无|没有|未出现|不存在|未产生)(?:任何|明显)?偏差|偏差(?:度|率)?(?:均|都)?为(?:0|零)%?")
#: 一次验收合格率94%，达到目标: of the row whose figure stands right in front
_ROW_MET = Pattern(f"(?<=[，;])(?:已|也|全部|完全)?(?:达到|达成|完成|实现)了?{_AIM}{_GOAL}(?:值|要求)?(?=[，;。]|$)"
                   "|(?<=[，;])(?:已|全部|完全)?达标(?=[，;。]|$)")
_PARTS_OF_IT = Pattern("(?:所属|下属|二级|基层|直属)(?:事业|预算)?单位")
_BODY = Pattern("[\u4e00-\u9fff]{2}(?:[局院所站馆校园队科镇乡村]|单位|中心|公司|街道|社区|机构|项目)$")
_NO_NAME = Pattern("[0-9.]+分?|得分|得|评分|自评|综合|评价|评定|总分|最终|结果|等级|等次|档次|结论|绩效|"
                   "按照?|根据|对照|标准|规定|因此|属于?|确定|评|定|为|是|达到|其中")
#: one of these is in every such claim; looked for first, because the long pattern is slow
_MAY_BE_MET = Pattern("达[到成标]|完成|实现|超过|偏差")
_HEDGED = Pattern("基本|大部分|多数|较好|大体|部分|确保|力争|努力|争取|保证|保障|促进|推动|推进|围绕|为了?[^，。；:]*$|将|拟"
                  "|要|应|未|没有|尚|不|如|若"
                  "|能否|是否|对照|根据|按照|督促|监控|跟踪|提高|促使|助力|下一步|今后|以期|目的|旨在")
_ABOUT_FORM = Pattern("各项?(?:工作)?(?:目标|任务)|目标任务|指标|绩效|年初|年度|考核|预期|既定|设定|偏差|目标值")
_STRICT = Pattern("严格(?:执行|落实|按照?)(?:了)?(?:年初|批复的?|部门|年度|单位|财政)*(?:部门)?预算(?:执行)?(?![管法制计绩收会编单指])")
_BLOCKED = Pattern("(?:无法|未能|没能|不能|没有能够?|难以)(?:全面|正常|按期|按时|如期|继续|顺利|有效)*(?:开展|实施|完成|启动|举办|推进)(?!的)"
                   "|(?:活动|项目|工作|任务|培训)(?:一直|均|都|尚)?(?:未|没有)(?:能)?(?:全面|正常|按期|按时|如期)*(?:开展|实施|完成|启动)(?!的)"
                   "|(?:经费|资金|拨款|预算)(?:一直|始终|全年|全部|均|都)(?:没有|未)(?:得到)?(?:拨|到位|下达|批复)[款付到]?")
_NOT_A_FACT = Pattern("如果|若|一旦|防止|避免|杜绝|防范|对于?[^，]*$|以免")
_DONE = Pattern("(?:已经?|全部|均已?|圆满|全面)完成(?!支付|拨付|采购|招标|部分)|(?:情况|状态)[:为](?:已|全部)?完成")
_REPORTED = Pattern("[0-9](?:%|万?元)|完成")
_EXCEPT = Pattern("除了?([^，。；]{2,60}?)(?:未[^，。；]{1,12})?(?:之|以)?外")
_EXCEPT_COUNT = Pattern("([0-9一二两三四五六七八九十]+)[项个]")
_NONE = Pattern("(?:无|没有|未曾?)(?:发生|产生|列支|安排|开支|涉及|使用|支出)?(?:任何)?(?:[^，。；]{0,14}?)(?:三公|政府采购)[^，。；]{0,14}")
_NOT_NONE = Pattern("达|执行率|超|违|挪用|截留|问题|现象|行为|规定|不规范|增|浪费|虚|擅自|手续|预算外|控制|低于|高于|不低|不高|变动")
_GRADE = Pattern("(?P<of>自评结果|评价结果|评价等级|自评等级|绩效等级|评定等级|等级|等次|档次|评级|结论|结果|评定|获评|评为|属于?"
                 "|得分[^，。；]{0,8}?)"
                 "(?:评定|确定|定|评价|划分|应)?(?:为|是|属于|属|达到|:)*(?P<grade>优秀|优|良好|良|中等|中|差)(?:等级|等次|级|等|档|次)?(?![\u4e00-\u9fffA-Za-z])")
_NOT_OURS = Pattern("被评|党建|文明|平安|信用|考核等次|评先|获|满意|测评|年度考核|考核结果|上年|去年|先进|项目(?!支出)|个人|职工|干部|审计")
_LISTED = Pattern("(?:指标)?(?:主要)?(?:为|是|包括|包含|分为|划分为|细分为|设置了?|下设)(?P<list>[^，。；;:]{2,60})")
_FACTS = ("basics", "work", "conclusion", "results", "use", "")
_ROLES = {"三公": "official_expense_rate", "政府采购": "procurement_rate"}


def _number(text: str) -> int:
    return int(text) if text.isdigit() else int(chinese_number(text) or 0)


class Claims:
    """The claims of a report, paragraph by paragraph."""

    def __init__(self, facts: Facts) -> None:
        self.facts, self.lexicon = facts, facts.lexicon
        self.form, self.card, self.edition = facts.form, facts.card, facts.edition

    def read(self, paragraph: Paragraph) -> Iterator[Finding]:
        """Everything a paragraph claims that the form does not bear out."""
        if not paragraph.block.form and paragraph.block.text:
            for sentence in paragraph.sentences:
                yield from self.sentence(sentence, paragraph.place)

    def sentence(self, sentence: Sentence, place: Place) -> Iterator[Finding]:
        """The claims of one sentence."""
        yield from self.grade(sentence, place)
        yield from self.no_spending(sentence, place)
        yield from self.omitted(sentence, place)
        if place.chapter.topic in _FACTS:
            found = [*self.reached(sentence, place), *self.blocked(sentence, place), *self.task_done(sentence, place)]
            if found and not self.facts.is_of_form(sentence.text):
                yield from found

    def _found(self, code: str, place: Place, sentence: Sentence, start: int, end: int, stated: str, expected: str | None, **args) -> Finding:
        return Finding(code, place.title, stated, expected, args={"quote": sentence.quote(start, end), **args})

    # ---- the grade ----

    def grade(self, sentence: Sentence, place: Place) -> Iterator[Finding]:
        """The grade of the whole is the one of the recomputed total (S7)."""
        total = self.card.total if self.card.total is not None else self.form.totals[0].number
        if total is None:
            return
        text = without_bands(sentence.text)
        for match in _GRADE.finditer(text):
            before = text[: match.start()]
            clause = before.rpartition("，")[2] + match[0]
            year = last_year(before)
            if _NOT_OURS.search(clause) or (year and self.form.year and year != self.form.year) or re.search("[0-9]分?(?:以[上下])?$", before):
                continue
            if any(one.kind in ("row", "group", "part") for _, _, one in self.lexicon.mentions(clause)) or self._of_another(before):
                continue
            stated, expected = grade_name(match["grade"], self.edition), grade(total, self.edition)
            if stated and stated != expected:
                yield self._found("R102", place, sentence, match.start(), match.end(), match["grade"], expected, total=points(total))
                return

    def _of_another(self, before: str) -> bool:
        """Whether the words in front of a grade say it of a body that is not the form's: 其中救助站89.5分，等级为良."""
        if _PARTS_OF_IT.search(before[before.rfind(";") + 1 :]):
            return True
        clauses = [_NO_NAME.sub("", bare(clause)) for clause in re.split("[，;:。(]", before)]
        words = next(filter(None, reversed(clauses)), "")
        return _BODY.search(words) is not None and not re.search("我|本|整体|部门", words) and self.facts.is_unknown(words)

    # ---- what was reached ----

    def reached(self, sentence: Sentence, place: Place) -> Iterator[Finding]:
        """均达到指标值, 无偏差, 圆满完成, 严格执行年初预算 against what fell short: one finding a sentence (R5)."""
        text = sentence.text
        said, what, what_en, first, last = [], {}, {}, len(text), 0
        met, of_rows = (list(pattern.finditer(text)) if _MAY_BE_MET.search(text) else [] for pattern in (_MET, _ROW_MET))
        for match, row in [*((one, []) for one in met), *((one, row) for one in of_rows if (row := self._row_before(text, one.start())))]:
            clause = max(text.rfind(mark, 0, match.start()) for mark in "，;:。") + 1
            if re.search("其[余他]|剩余", text[clause : match.end()]) and not _EXCEPT.search(text[: match.start()]):
                continue  # the sentence before says what was not reached
            if _HEDGED.search(text[clause : match.start()]) or _HEDGED.match(match[0]) or not (
                    row or _ABOUT_FORM.search(match[0]) or self._of_row(text[clause : match.start()])):
                continue
            ahead = self.facts.without_own(self.facts.as_own(text)[clause : match.start()])
            if (is_foreign(ahead) or _BODY.search(ahead)) and not is_own(ahead) and not self.lexicon.mentions(ahead):
                continue  # 发热门诊项目指标均达到目标值, 乡镇卫生院均完成年度任务
            begins = text.rfind(";", 0, match.start()) + 1
            spared = next(reversed(list(_EXCEPT.finditer(text, begins, match.start()))), None)
            except_for = [one for _, _, one in self.lexicon.mentions(spared[1])] if spared else []
            ahead = text[begins : spared.start()] + text[spared.end() : match.start()] if spared else text[begins : match.start()]
            if not spared and (not self.lexicon.mentions(ahead) or match[0].startswith(("以上", "上述"))):
                ahead = text[: match.start()]
            scope = row or self._scope(ahead, place)
            rows = [n for one in except_for for n in self.facts.rows_of(one)]
            rows += [n for n in range(len(self.form.indicators)) if spared and self._is_named(n, spared[1])]
            short = self._short(scope, rows, any(one.kind == "funds" for one in except_for))
            count = _EXCEPT_COUNT.search(spared[1]) if spared and not except_for else None
            if short and not (count and len(short) - any("预算执行率 " in one for one, _ in short) <= _number(count[1])):
                said.append(match[0])
                what |= dict.fromkeys(one for one, _ in short)
                what_en |= dict.fromkeys(one for _, one in short)
                first, last = min(first, match.start()), max(last, match.end())
        strict = _STRICT.search(text)
        if strict and not re.search("将|拟|要|应|加强|建议|进一步|未", text[: strict.start()]) and (low := self._low()):
            said.append(strict[0])
            what = {one: None for one in what if "预算执行率" not in one}
            what_en = {one: None for one in what_en if "预算执行率" not in one}
            what[low[0]] = what_en[low[1]] = None
            first, last = min(first, strict.start()), max(last, strict.end())
        if said:
            yield self._found("R401", place, sentence, first, last, "”“".join(said), None, what="、".join(list(what)[:4]),
                              what_en=", ".join(list(what_en)[:4]))

    def _of_row(self, words: str) -> bool:
        """Whether words end in the name of a row: 森林抚育面积(圆满完成目标)."""
        found, _ = self.lexicon.at_end(words)
        return bool(found) and found[0].kind == "row"

    def _row_before(self, text: str, end: int) -> list[Subject]:
        """The one row that the clause which ends here gives a figure for."""
        clause = re.split("[，;:。]", text[: end - 1])[-1]
        rows = {one.key for _, _, one in self.lexicon.mentions(clause) if one.kind == "row"}
        rows |= {n for n in range(len(self.form.indicators)) if len(stem := self.lexicon.stem(n)) >= 4 and stem in clause}
        return [Subject("row", self.form.indicators[n].name, n) for n in rows] if len(rows) == 1 and re.search("[0-9]", clause) else []

    def _is_named(self, n: int, words: str) -> bool:
        """Whether words name a row by its stem, or by some of its characters in their order: 村卫生室建设 for 村卫生室标准化建设数量."""
        stem = self.lexicon.stem(n)
        if len(stem) >= 4 and stem in words:
            return True
        for word in re.split("[、和及与]", words):
            letters = iter(normal(self.form.indicators[n].name))
            if len(word) >= 4 and all(letter in letters for letter in word):
                return True
        return False

    def _scope(self, before: str, place: Place) -> list[Subject]:
        """What a claim is about; nothing means the whole form."""
        mentions = self.lexicon.mentions(before)
        rows = [one for _, _, one in mentions if one.kind in ("row", "funds")]
        clause = max(before.rfind(mark) for mark in "，;:") + 1
        # a part or group counts where the sentence, or the clause of the claim, begins with it: 绩效管理情况良好，达到各项目标 is said of all
        large = [one for start, _, one in mentions if one.kind in ("part", "group")
                 and (start >= clause or not bare(before[:start].rpartition(";")[2]))]
        if rows or large:
            listed = [one for start, _, one in mentions if start >= clause and one in large]
            return rows or (listed if len(listed) > 1 and "、" in before[clause:] else large[-1:])
        for text in (place.head, *reversed(place.headings)):
            found, _ = self.lexicon.at_end(text)
            found = found or [one for _, _, one in self.lexicon.mentions(normal(text)) if one.kind in ("part", "group")]
            if found:
                return found[:1]
        return []

    def _short(self, scope: list[Subject], spared: list[int], spare_funds: bool) -> list[tuple[str, str]]:
        """What fell short within a scope, in words; some rows, and the execution rate, may be excepted."""
        if scope:
            rows = [n for one in scope for n in self.facts.rows_of(one)]
            if any(one.kind == "funds" for one in scope):
                rows += [n for n, row in enumerate(self.form.indicators) if row.role == "execution_rate"]
                funds = not any(row.role == "execution_rate" for row in self.form.indicators)
            else:
                funds = False
        else:
            rows, funds = range(len(self.form.indicators)), True
        found = []
        if any(self.facts.weight(n) for n in range(len(self.form.indicators))):  # a row without weight is none that was to be reached
            rows = [n for n in rows if self.facts.weight(n) is not None]
        spared += [n for n, row in enumerate(self.form.indicators) if spare_funds and row.role == "execution_rate"]
        for n in dict.fromkeys(n for n in rows if n not in spared):
            row, result = self.form.indicators[n], self.card.rows[n]
            lost = row.score is not None and row.weight is not None and row.score.number is not None and row.weight.number is not None \
                and row.score.number < row.weight.number
            if result.attainment.met is False or (lost and result.attainment.met is not True):
                found.append((f"“{row.name}”{row.actual.text}（指标值 {row.target.text}）",
                              f"{row.name} is {row.actual.text} (target {row.target.text})"))
        if funds and not spare_funds and not any("预算执行率" in one for one, _ in found) and (low := self._low()):
            found.append(low)
        return found

    def _low(self) -> tuple[str, str] | None:
        """The execution rate where it is below what needs an explanation, and how the budget was changed."""
        rate, limit = self.card.rate, self.edition.explain.execution_below
        if rate is None or rate >= limit:
            return None
        change = adjustment(self.form.total_row) if self.form.total_row is not None else None
        moved = f"，全年预算比年初{'增加' if change > 0 else '减少'} {percent(half_up(abs(change), 2))}" if change else ""
        moved_en = f", the budget was changed by {percent(half_up(change, 2))}" if change else ""
        return f"预算执行率 {percent(half_up(rate, 2))}{moved}", f"the execution rate is {percent(half_up(rate, 2))}{moved_en}"

    # ---- what was not done, and what was ----

    def blocked(self, sentence: Sentence, place: Place) -> Iterator[Finding]:
        """Work that could not be done, money that never came, against outputs and benefits with full marks (R5)."""
        match = _BLOCKED.search(sentence.text)
        if match is None or _NOT_A_FACT.search(sentence.text[: match.start()].rpartition("，")[2]):
            return
        rows = [(row, result) for row, result in zip(self.form.indicators, self.card.rows, strict=True) if re.search("产出|效益|满意", row.part)
                and row.weight is not None and row.weight.number]
        if rows and all(row.score is not None and row.score.number == row.weight.number and result.attainment.met is not False
                        for row, result in rows):
            yield self._found("R402", place, sentence, match.start(), match.end(), match[0], None)

    def task_done(self, sentence: Sentence, place: Place) -> Iterator[Finding]:
        """A task that is said to be done, against its budget (R5)."""
        match, task = _DONE.search(sentence.text), self.lexicon.task_in(sentence.text)
        if match is None or task is None or re.search("未完成|部分完成|基本完成", sentence.text):
            return
        rate = self.card.task_rates[task.key]
        if rate is not None and rate < self.edition.explain.execution_below:
            yield self._found("R403", place, sentence, match.start(), match.end(), match[0], None, what=task.name, what_en=task.name,
                              rate=percent(half_up(rate, 2)))

    def tasks_left_out(self, paragraphs: Iterable[Paragraph]) -> Iterator[Finding]:
        """Tasks of which nothing is reported, in a report that goes through the others one by one (R5)."""
        stems = {re.sub("(?:项目|工作)?(?:经费|资金|支出)$|项目$", "", name): one.key for name, one in self.lexicon.tasks.items()}
        told: dict[object, tuple[Sentence, Place]] = {}
        for place, block, sentences in paragraphs:
            if place.chapter.topic == "results" and not block.form:
                for sentence in sentences:
                    if _REPORTED.search(sentence.text):
                        told |= {key: told.get(key, (sentence, place)) for stem, key in stems.items() if len(stem) >= 2 and stem in sentence.text}
        left = [name for name, one in {one.key: (name, one) for name, one in reversed(self.lexicon.tasks.items())}.values() if one.key not in told]
        if len(told) >= 2 and left:
            sentence, place = next(iter(told.values()))
            names = "、".join(reversed(left))
            yield self._found("R308", place, sentence, 0, 0, f"{len(told)} 项", f"{len(told) + len(left)} 项", what=names, what_en=names)

    def no_spending(self, sentence: Sentence, place: Place) -> Iterator[Finding]:
        """No such spending, says the report; then its rate does not apply and earns nothing (L4)."""
        for match in _NONE.finditer(sentence.text):
            if _NOT_NONE.search(match[0]):
                continue
            roles = [role for word, role in _ROLES.items() if word in match[0]]
            rows = [row for row in self.form.indicators if row.role in roles and row.actual.number and row.score is not None and row.score.number]
            if rows:
                yield self._found("R306", place, sentence, match.start(), match.end(), "、".join(row.actual.text for row in rows), None,
                                  what="”“".join(row.name.replace("“", "").replace("”", "") for row in rows),
                                  what_en=", ".join(row.name for row in rows), score="、".join(points(row.score.number) for row in rows))

    def omitted(self, sentence: Sentence, place: Place) -> Iterator[Finding]:
        """效益指标主要为满意度, where the form has another group beside it (R4)."""
        text = sentence.text
        for _, end, part in self.lexicon.mentions(text):
            match = _LISTED.match(text, end) if part.kind == "part" else None
            if match is None or "等" in match["list"]:
                continue
            groups = {row.group: row for row in self.form.indicators if self.lexicon.names.get(normal(row.part), part).key == part.key and row.group}
            listed = re.sub("[0-9一二两三四五]+[个项]?二级指标.*$|(?:完成|实现)?情况$", "", match["list"])
            tokens = [self._group(one) for one in re.split("[、和及与]", listed) if one]
            if tokens and all(one in groups for one in tokens) and len(set(tokens)) < len(groups):
                missing = [group for group in groups if group not in tokens]
                rows = [n for n, row in enumerate(self.form.indicators) if row.group in missing]
                score = sum(weight.number for n in rows if (weight := self.form.indicators[n].weight) is not None and weight.number is not None)
                yield self._found("R307", place, sentence, match.start(), match.end(), part.name, "、".join(missing), said=listed,
                                  score=points(score))

    def _group(self, name: str) -> str:
        found, prefix = self.lexicon.at_end(name)
        return str(found[0].key) if found and found[0].kind == "group" and not bare(prefix) else ""


