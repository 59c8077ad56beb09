"""Edition -> native formulas: the form that computes by itself in Excel 2010, WPS and LibreOffice, without macros and without Python.

A row is worked out in small steps, in hidden columns of the same row right of 状态, so that a copied row brings its steps along; the visible
cells are one short IF on the last of them. The steps read what most people type and nothing else: a text outside their grammar is left to a
person (请人工评分), never guessed at. Whatever they decide is what ``scoring`` decides.
Numbers are binary here: each is rounded to twelve decimals before it is rounded half up, which gives the decimal digit back that a
quotient lost. No function is newer than Excel 2010, none depends on the language of the system; see docs/formulas.md.
"""

from perfeval_xl import calculation
from perfeval_xl.beside import column_of
from perfeval_xl.computed import Computed
from perfeval_xl.edition import Edition
from perfeval_xl.formula_steps import EMPTY, OPEN, SHEET, STEPS, fraction, half_up, lists, quoted, says_nothing, steps
from perfeval_xl.model import FORM_VERSION, MONEY, SOURCE_ROLES, STRUCTURE_ROLES, cell_name, column_name
from perfeval_xl.numbers import plain
from perfeval_xl.template import Box, Plan, as_sheet

ASK, NO_BUDGET, NO_NUMBER, NONE, DONE = "请人工评分", "没有预算数", "金额不是数", "—", "✓"
BROKEN = "有格子是错误值，请改正"

# ---- pieces of formulas ----


def _blank(cell: str) -> str:
    return f"LEN(TRIM({cell}))=0"


def _no_number(cell: str) -> str:
    return f"AND(NOT(ISNUMBER({cell})),LEN(TRIM({cell}))>0)"


# ---- the visible cells of a row ----


def _score(cell: dict[str, str], at: dict[str, str], edition: Edition) -> str:
    weight, share = cell["weight"], at["share"]
    asked = f'IF(COUNT({cell["hand"]})=1,{cell["hand"]},IF(OR({_blank(weight)},{share}=""),"","{ASK}"))'
    points = half_up(f"{weight}*{share}", edition.quantitative.places)
    return f'IFERROR(IF(COUNT({weight},{share})=2,{points},{asked}),"{ASK}")'


def _deviation(at: dict[str, str], edition: Edition) -> str:
    share, target, places = at["share"], at["t_value"], edition.deviation.places + 2
    number = half_up(f'({at["reached"]}-{target})/ABS({target})', places)
    # short of a target below nothing there is a deviation, but no score
    below = f'AND(COUNT({target},{at["reached"]})=2,N({target})<0,{at["t_low"]}="",LEFT({at["t_sign"]},1)<>"±")'
    worded = f'OR(ISNUMBER({at["t_day"]}),NOT(ISNUMBER({target})))'
    return (f'IFERROR(IF(ISNUMBER({share}),IF({share}=1,0,IF({worded},{half_up(f"{share}-1", places)},IF({target}=0,"{NONE}",{number}))),'
            f'IF({share}="","",IF({below},{number},"{NONE}"))),"{NONE}")')


def _state(cell: dict[str, str], at: dict[str, str], edition: Edition, rate: str) -> str:
    """What is open in a row, the first thing first; ``rate`` is the execution rate of the funds block where the row must repeat it."""
    weight, score, hand, share = cell["weight"], cell["score"], cell["hand"], at["share"]
    begun = [cell["actual"], hand, *([cell["reason"]] if "reason" in cell else [])]
    reason = says_nothing(cell["reason"]) if "reason" in cell else "FALSE"
    day = f'ISNUMBER({at["t_day"]})'
    asked = [(f'AND({day},ISNUMBER({at["a_day"]}))', f"逾期，{ASK}"), (day, f"指标值是时间，请填完成日期，或{ASK}"),
             (f'OR({at["t_value"]}="{OPEN}",{at["t_low"]}="{OPEN}")', f"指标值看不懂，{ASK}"), (f'{at["a_value"]}="{OPEN}"', f"完成值看不懂，{ASK}"),
             (f'COUNT({at["t_value"]},{at["a_value"]})<2', ASK), (fraction(at), "有一边漏了 %，请补上"),
             (f'COUNT({at["reached"]})=1', f"超出指标值的范围，{ASK}"),
             ("TRUE", f"指标值和完成值不能比较，请核对单位，或{ASK}")]
    checks = [
        (_blank(weight), "没有填分值"), (f"NOT(ISNUMBER({weight}))", "分值不是数"),
        (f'AND({at["t_value"]}="{EMPTY}",COUNT({share})=0)', "没有填指标值"),
        (f'AND({at["a_value"]}="{EMPTY}",COUNT({share})=0)', "没有填完成值"),
        (f"AND(COUNT({share})=0,COUNT({hand})=0)", asked),
        (f"NOT(ISNUMBER({score}))", "得分不是数"), (f"{score}>{weight}", "得分大于分值"), (f"{score}<0", "得分小于 0"),
        *([(rate, "与资金栏算出的执行率不符")] if rate else []),
        (f"AND({score}<{weight},{reason})", "缺原因"),
    ]
    if "reason" in cell:
        limit, reached = at["t_value"], at["reached"]
        over = f'AND(COUNT({limit},{reached})=2,{share}=1,{at["t_low"]}="",ISERROR(FIND(LEFT({at["t_sign"]}&" ",1),"≤<±")),{at["fewer"]}=0,' \
               f'OR({at["t_place"]}=0,{at["t_place"]}>2,N({reached})>100),N({reached})>0,' \
               f'ROUND((N({reached})-N({limit}))*100-N({limit})*{plain(edition.over.low)},9)>=0,N({limit})>0,{reason})'
        checks.append((over, f"超过指标值 {plain(edition.over.low)}% 及以上，请写明原因"))
    hinted = (f'AND({at["t_sign"]}="",{at["t_low"]}="",{at["fewer"]}=1,COUNT({at["reached"]},{at["t_value"]})=2,{at["t_value"]}<>0,'
              f'{at["reached"]}<>{at["t_value"]})')
    checks.append((hinted, "指标值没有符号，已按“不超过”计分，请补上 ≤ 或 ≥"))
    # a formula error in a cell of the row is something to read as well
    asked_begun = "+".join(f"IFERROR(LEN(TRIM({one})),1)" for one in begun)
    return f'IF({asked_begun}=0,"",IFERROR({_first(checks, DONE)},"{BROKEN}"))'


def _first(checks: list[tuple], last: str) -> str:
    """The words of the first condition that holds; they may be conditions of their own."""
    formula = f'"{last}"'
    for condition, words in reversed(checks):
        formula = f'IF({condition},{_first(words, last) if isinstance(words, list) else quoted(words)},{formula})'
    return formula


# ---- the funds block, the total, the whole ----


def _rate(adjusted: str, executed: str, may_be_nothing: bool) -> str:
    stops = f'IFERROR(IF(OR({_no_number(adjusted)},{_no_number(executed)}),"{NO_NUMBER}",IF(COUNT({adjusted},{executed})<2,"",{{}})),"{NO_NUMBER}")'
    nothing = f'IF({executed}=0,0,"{NO_BUDGET}")' if may_be_nothing else f'"{NO_BUDGET}"'
    # a budget below nothing is not "no money" and has no rate
    zero = f'IF({adjusted}=0,{nothing},"{NO_BUDGET}")'
    return stops.format(f'IF({adjusted}<=0,{zero},{half_up(f"{executed}/{adjusted}*100", 2)})')


def _funds_score(adjusted: str, executed: str, weight: str, edition: Edition) -> str:
    rule, rate = edition.execution, f"ROUND({executed}/{adjusted}*100,12)"
    if rule.rule == "steps":
        share = "0"
        for low, percent in reversed(rule.steps):
            share = f"IF({rate}>={plain(low)},{plain(percent)},{share})"
        share = f"{share}/100"
    else:
        share = f"MIN(MAX({executed}/{adjusted}*100/{plain(rule.line)},0),1)"
    cells = adjusted, executed, weight
    wrong = f'OR({",".join(map(_no_number, cells))})'
    return (f'IFERROR(IF({wrong},"{NO_NUMBER}",IF(COUNT({",".join(cells)})<3,"",IF({adjusted}<=0,"{NO_BUDGET}",'
            f'{half_up(f"{weight}*{share}", rule.places)}))),"{NO_NUMBER}")')


class _Form:
    """The plan with the places of its cells: what a formula has to name."""

    def __init__(self, plan: Plan, edition: Edition) -> None:
        self.plan, self.edition = plan, edition
        self.boxes = {(box.block, box.top, box.field): box for box in plan.boxes}
        self.top, _, self.bottom, _ = plan.names["pe_indicators"]
        self.above: dict[int, list[str]] = {}
        for box in plan.boxes:
            if box.block == "indicators" and box.field in ("part", "group"):
                for row in range(box.top, box.bottom + 1):
                    self.above.setdefault(row, []).append(f"${column_name(box.left)}${box.top + 1}")
        first = len(plan.widths)
        self.columns = {step.key: first + n for n, step in enumerate(STEPS)}
        roles = [row for label in edition.labels["funds_rows"] for row in edition.funds_rows if row.label == label] or edition.funds_rows
        self.roles = [row.role for row in roles]
        self.named = {row.name: row.role for row in edition.tree}

    def column(self, field: str) -> int:
        """The column of a field of the indicators, or of the columns beside them."""
        return next(box.left for box in self.plan.boxes
                    if box.field == field and box.block in ("indicators", "beside") and self.top <= box.top <= self.bottom)

    def name(self, block: str, row: int, field: str) -> str:
        box = self.boxes[block, row, field]
        return cell_name(box.top, box.left)

    def cells(self, row: int) -> dict[str, str]:
        """The visible cells of an indicator row by field, and what stands above it: its 一级 and 二级指标."""
        fields = ("target", "unit", "actual", "weight", "score", "reason", "name")
        found = {field: self.name("indicators", row, field) for field in fields if ("indicators", row, field) in self.boxes}
        found["above"] = "&".join(self.above.get(row, ())) or '""'
        return found | {"hand": self.name("beside", row, "hand")}

    def steps(self, row: int) -> dict[str, str]:
        return {key: cell_name(row, column) for key, column in self.columns.items()}

    def rate_differs(self, row: int, at: dict[str, str]) -> str:
        """Whether a 三级指标 预算执行率 says another rate than the funds block, at the decimals it gives."""
        if self.named.get(str(self.boxes["indicators", row, "name"].value)) != "execution_rate":
            return ""
        top = self.plan.names["pe_funds"][0]
        adjusted, executed = self.name("funds", top, "adjusted"), self.name("funds", top, "executed")
        step = f'10^-IF(ISNUMBER(FIND(".",{at["a_figure"]})),LEN({at["a_figure"]})-FIND(".",{at["a_figure"]}),0)'
        gap = f"ROUND(ABS(N({at['a_value']})-{executed}/{adjusted}*100),9)"
        return (f"IF(AND(COUNT({adjusted},{executed},{at['a_value']})=3,N({adjusted})>0,{at['a_place']}<2),"
                f"{gap}>MAX({plain(self.edition.tolerance.rate)},{step}/2),FALSE)")

    def total(self) -> str:
        """The sum of the scores down to the last row before the next block; a text among them is named."""
        scores = self.scores()
        top = self.plan.names["pe_funds"][0]
        funds = [self.name("funds", top, "score")] if ("funds", top, "score") in self.boxes else []
        texts = f"SUMPRODUCT(--(LEN(TRIM({scores}))>0))-COUNT({scores})"
        first = f'IFERROR("第"&MATCH("{ASK}",{scores},0)+ROW({cell_name(self.plan.header, self.column("score"))})&"行{ASK}","有得分不是数")'
        funds_text = "".join(f'IF({_no_number(cell)},{cell},' for cell in funds)
        return (f'IFERROR({funds_text}IF({texts}>0,{first},IF(COUNT({",".join((*funds, scores))})=0,"",'
                f'ROUND(SUM({",".join((*funds, scores))}),6))){")" * len(funds)},"{BROKEN}")')

    def scores(self) -> str:
        """The scores, rows included that were inserted below the last one or above the first."""
        return self.rows_of(self.column("score"))

    def rows_of(self, column: int) -> str:
        """A column between the headings and the row below the last one, whatever rows were inserted there: how far it goes cells beside it tell."""
        heading, below = cell_name(self.plan.header, column), cell_name(self.bottom + 1, self.columns["share"])
        return f"OFFSET({heading},1,0,ROW({below})-ROW({heading})-1,1)"

    def without_formulas(self) -> str:
        """The last row with a weight and without its steps, as words: a row was inserted, and the formulas of the row above were not copied."""
        weights, steps_of = self.rows_of(self.column("weight")), self.rows_of(self.columns["t_value"])
        bare = f"(LEN({weights})>0)*(LEN({steps_of})=0)"
        return f'IF(SUMPRODUCT({bare})>0,"第"&LOOKUP(2,1/({bare}),ROW({weights}))&"行没有公式，请把上一行整行复制过来",{{}})'

    def funds_state(self, row: int, index: int) -> str:
        """What is open in a row of the funds block."""
        fields = [field for field in ("rate", "score") if ("funds", row, field) in self.boxes and (field == "rate" or index == 0)]
        formula, tolerance = '""', plain(self.edition.tolerance.money)
        top = row - index
        if all(("funds", row, field) in self.boxes for field in ("adjusted", "executed")):
            adjusted, executed = self.name("funds", row, "adjusted"), self.name("funds", row, "executed")
            formula = f'IF(AND(COUNT({adjusted},{executed})=2,ROUND(N({executed})-N({adjusted}),6)>{tolerance}),"执行数大于预算数",{formula})'
        columns = {column.field: column.heading for column in self.edition.funds_columns}
        for roles, words in ((STRUCTURE_ROLES, "资金结构"), (SOURCE_ROLES, "资金来源")) if index == 0 else ():
            rows = [top + n for n, role in enumerate(self.roles) if role in roles]
            for field in reversed(MONEY) if rows else ():
                total, parts = self.name("funds", row, field), ",".join(self.name("funds", one, field) for one in rows)
                formula = (f'IF(AND(COUNT({total})=1,COUNT({parts})>0,ABS(ROUND(SUM({parts})-N({total}),6))>{tolerance}),'
                           f'"{words}的{columns[field]}合计 "&ROUND(SUM({parts}),6)&"，与总额不等",{formula})')
        for field in reversed(fields):
            cell = self.name("funds", row, field)
            formula = f"IF({_no_number(cell)},{cell},{formula})"
        return f'IFERROR({formula},"{BROKEN}")'

    def open_points(self) -> str:
        """How much is open, in words: texts in 状态 that are no ✓, and sums of weights that are marked ✗."""
        top, state, help_column = self.plan.names["pe_funds"][0], self.column("state"), self.column("help")
        header = self.plan.header
        last = max(self.bottom, self.plan.names["pe_total"][0])
        spans = [(top, header - 1)] + ([(self.plan.names["pe_total"][0],) * 2] if self.plan.names["pe_total"][0] < top else [])
        areas = [f"{cell_name(first, state)}:{cell_name(end, state)}" for first, end in spans]
        # down from the headings, so that a row above the first one counts
        areas.append(f"OFFSET({cell_name(header, state)},1,0,ROW({cell_name(last, state)})-ROW({cell_name(header, state)}),1)")
        marks = f"{cell_name(header, help_column)}:{cell_name(last, help_column)}"
        count = "+".join(f'SUMPRODUCT((LEN(TRIM({area}))>0)*({area}<>"{DONE}"))' for area in areas) + f'+SUMPRODUCT(--(RIGHT({marks},1)="✗"))'
        return f'IFERROR(IF({count}=0,"没有待处理的","待处理 "&({count})&" 处"),"{BROKEN}")'


def native(plan: Plan, computed: list[Computed], edition: Edition) -> tuple[Plan, list[Computed]]:
    """The plan with the hidden columns and the count of open points, and its computed cells with native formulas and what these give.

    ``plan`` and ``computed`` are what ``beside.prepare`` gave.
    """
    form = _Form(plan, edition)
    done = [_visible(form, one) for one in computed]
    boxes = [*plan.boxes]
    for row in range(form.top, form.bottom + 1):
        for key, formula in steps(form.cells(row), form.steps(row), edition).items():
            boxes.append(Box(row, form.columns[key], row, form.columns[key], "step", "beside", row, key))
            done.append(Computed(row, form.columns[key], "beside", key, "", f"={formula}"))
    # below the form, where edition and year stand
    below, label = max(box.bottom for box in plan.boxes) + 1, plan.names["pe_edition"][1]
    boxes += [Box(below, label - 1, below, label - 1, "aside", "aside", 0, "label", "表样"),
              Box(below, label, below, label, "aside", "aside", 0, "form_version", str(FORM_VERSION))]
    names = plan.names | {"pe_form_version": (below, label) * 2}
    left, right = column_of(plan, "beside", "hand"), column_of(plan, "beside", "state")
    boxes.append(Box(0, left, 0, right, "computed", "beside", 0, "open"))
    done.append(Computed(0, left, "beside", "open", "", f"={form.open_points()}"))
    plan = plan._replace(boxes=tuple(boxes), names=names, widths=(*plan.widths, *[0.0] * len(STEPS)))
    return plan, _with_values(plan, done, edition)


def _with_values(plan: Plan, computed: list[Computed], edition: Edition) -> list[Computed]:
    """The computed cells with what their formulas give: what the file shows in a program that does not work it out on opening."""
    rows, named = as_sheet(plan, edition).rows, [words.content for words in lists()]
    formula = {(one.row, one.column): one.formula for one in computed}
    known: dict[tuple[int, int], calculation.Value] = {}

    def cell(sheet: str, row: int, column: int) -> calculation.Value:
        if sheet:
            return _as_cell(named[column][row - 1] if 0 < row <= len(named[column]) else None)
        place = row, column
        if place in formula and place not in known:
            known[place] = calculation.worked_out(formula[place], row, column, book)
        if place in known:
            return known[place]
        return _as_cell(rows[row][column] if row < len(rows) and column < len(rows[row]) else None)

    names = {name: calculation.Area("", *area) for name, area in plan.names.items()}
    names |= {words.name: calculation.Area(SHEET, 1, column, len(words.content), column) for column, words in enumerate(lists())}
    book = calculation.Book(cell, names, lambda row, column: "G")
    keys = {step.key for step in STEPS}
    for one in sorted(computed, key=lambda one: one.field not in keys):  # the steps first, so that nothing is worked out in one long chain
        cell("", one.row, one.column)
    return [one._replace(value=known[one.row, one.column]) for one in computed]


def _as_cell(content: object) -> calculation.Value:
    return None if content is None or content == "" else float(content) if isinstance(content, (int, float)) else str(content)


def described(plan: Plan) -> list[tuple[str, str]]:
    """The hidden columns of a plan, as (letter, what it holds)."""
    first = len(plan.widths) - len(STEPS)
    return [(f"{column_name(first + n)}列", step.meaning) for n, step in enumerate(STEPS)]


def _visible(form: _Form, one: Computed) -> Computed:
    """A computed cell with its native formula; those that have one already keep it."""
    edition, key = form.edition, (one.block, one.field)
    if key in (("funds", "rate"), ("tasks", "rate")):
        fields = ("adjusted", "executed") if one.block == "funds" else ("budget", "executed")
        may_be_nothing = one.block == "tasks" or one.row != form.plan.names["pe_funds"][0]
        formula = _rate(*(form.name(one.block, one.row, field) for field in fields), may_be_nothing)
    elif key == ("funds", "score"):
        formula = _funds_score(*(form.name("funds", one.row, field) for field in ("adjusted", "executed", "weight")), edition)
    elif one.block == "indicators":
        cell, at = form.cells(one.row), form.steps(one.row)
        formula = {"score": lambda: _score(cell, at, edition), "deviation": lambda: _deviation(at, edition),
                   "state": lambda: _state(cell, at, edition, form.rate_differs(one.row, at))}[one.field]()
    elif key == ("total", "score"):
        formula = form.total()
    elif key == ("total", "grade"):
        total, formula = cell_name(*form.plan.names["pe_total"][:2]), f'"{edition.grades[-1].name}"'
        for band in reversed(edition.grades[:-1]):
            formula = f'IF({total}>={plain(band.low)},"{band.name}",{formula})'
        formula = f'IF(ISNUMBER({total}),{formula},"")'
    elif one.field == "refusal":
        total = form.plan.names["pe_total"][0]
        formula = form.funds_state(one.row, one.row - form.plan.names["pe_funds"][0]) if one.row != total else _total_state(form)
    else:
        return one
    return one._replace(formula=f"={formula}")


def _total_state(form: _Form) -> str:
    total = cell_name(*form.plan.names["pe_total"][:2])
    return f"""IFERROR({form.without_formulas().format(f'IF({_no_number(total)},{total},"")')},"{BROKEN}")"""
