"""The sheets 分析 and 说明 of the district workbook: four native charts with the figures they are drawn from, what a chief looks at before
the rest, and how the workbook came about.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from perfeval_xl import __version__, messages
from perfeval_xl.compact import Form
from perfeval_xl.district import LOW_RATE, District, Line, stated_grade
from perfeval_xl.district_book import FONT, HEAD, Book, Place
from perfeval_xl.district_summary import exact
from perfeval_xl.drafts import Formula, clean
from perfeval_xl.edition import get
from perfeval_xl.numbers import half_up
from perfeval_xl.template import text_height

_WORDS = messages.Words(
    {
        "charts": ("分析", "Analysis"),
        "about": ("说明", "About"),
        "rate": ("各部门预算执行率", "Execution rate by department"),
        "lowest": ("预算执行率最低的 {n} 个部门", "The {n} departments with the lowest execution rates"),
        "percent": ("执行率（％）", "Execution rate (%)"),
        "scores": ("总分分布（重算）", "Totals (recomputed)"),
        "grades": ("等级：自评与重算", "Grades: stated and recomputed"),
        "parts": ("各部分平均得分率", "Mean share of points by part"),
        "departments": ("部门数", "Departments"),
        "stated": ("自评", "stated"),
        "recomputed": ("重算", "recomputed"),
        "share": ("得分率（％）", "Share of points (%)"),
        "band": ("分数段（含下限）", "Band (from, below)"),
        "grade": ("等级", "Grade"),
        "part": ("部分", "Part"),
        "department": ("部门（单位）", "Department"),
        "figures": ("图表数据", "Figures of the charts"),
        "below": ("{high}分以下", "below {high}"),
        "between": ("{low}～{high}", "{low} to {high}"),
        "from": ("{low}以上", "{low} and more"),
        "look": ("需要先看的", "To be looked at first"),
        "none": ("没有。", "None."),
        "more": ("……另有 {n} 个，见“{sheet}”。", "... and {n} more, see {sheet}."),
        "found": ("校验结果", "Findings"),
        "falls": ("一、重算后总分降低或等级变化", "1. Total falls or grade changes when recomputed"),
        "over": ("二、超额完成、没有说明", "2. Targets far exceeded, unexplained"),
        "texts": ("三、几个部门文字相同", "3. Same texts in several departments"),
        "copied": ("四、完成值全部等于指标值", "4. All actuals equal their targets"),
        "full": ("五、各项满分而执行率低于 {low}％", "5. Full marks at an execution rate below {low}%"),
        "falls_heads": (
            ("部门（单位）", "自评总分", "重算总分", "差", "自评等级", "重算等级"),
            ("Department", "Stated", "Recomputed", "Gap", "Grade stated", "Recomputed"),
        ),
        "list_heads": (("部门（单位）", "情况"), ("Department", "What")),
    }
)
say = _WORDS.say
_FIRST, LISTED, BARS = 28, 60, 10
BANDS = ((None, 60), (60, 70), (70, 80), (80, 85), (85, 90), (90, 95), (95, None))
BLUE, PALE, ORANGE = "#2F6DB5", "#A6B8CC", "#E08A2C"
_WIDTHS = (30, 14, 14, 14, 14, 14, 14, 14)


class _Sheet:
    """A page that is filled from top to bottom."""

    def __init__(self, book: Book, name: str, heading: str, widths: Sequence[float] = _WIDTHS) -> None:
        self.book, self.row, self.widths = book, 1, widths
        self.sheet = book.workbook.add_worksheet(name)
        for n, width in enumerate(widths):
            self.sheet.set_column(n, n, width)
        self.sheet.merge_range(0, 0, 0, len(widths) - 1, heading, book.look("centre", font_size=16, bold=True, border=0))
        self.sheet.set_row(0, 34)
        self.sheet.set_landscape()
        self.sheet.set_paper(9)
        self.sheet.set_margins(0.4, 0.4, 0.5, 0.6)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.center_horizontally()
        self.sheet.hide_gridlines(2)
        self.sheet.set_footer("&C&P / &N")

    def text(self, text: str, **look: Any) -> None:
        """A text over the whole width."""
        self.sheet.merge_range(self.row, 0, self.row, len(self.widths) - 1, "", self.book.look("wrap", border=0, **look))
        self.sheet.write_string(self.row, 0, text, self.book.look("wrap", border=0, **look))
        self.sheet.set_row(self.row, text_height(text, sum(self.widths)) + 2)
        self.row += 1

    def heading(self, text: str) -> None:
        """A heading with a little room above it."""
        self.row += 1
        self.text(text, bold=True, font_size=12, font_color="#1F4E79")

    def heads(self, heads: Sequence[str], spans: Sequence[int] = ()) -> None:
        """The headings of a table."""
        self.cells(heads, ["centre"] * len(heads), spans, bold=True, bg_color=HEAD)

    def cells(self, values: Sequence[Any], kinds: Sequence[str], spans: Sequence[int] = (), **look: Any) -> None:
        """One row of a table; ``spans`` are the numbers of columns its cells take."""
        column, high = 0, 20.0
        for value, kind, span in zip(values, kinds, spans or (1,) * len(values), strict=True):
            shape = self.book.look(kind, **look)
            if span > 1:
                self.sheet.merge_range(self.row, column, self.row, column + span - 1, "", shape)
            if isinstance(value, Formula):
                self.sheet.write_formula(self.row, column, f"={value.text}", shape, value.value if value.value is not None else "")
            elif isinstance(value, str):
                self.sheet.write_string(self.row, column, clean(value), shape)
                if kind == "wrap":
                    high = max(high, text_height(value, sum(self.widths[column : column + span])))
            elif value is None:
                self.sheet.write_blank(self.row, column, None, shape)
            else:
                self.sheet.write_number(self.row, column, value, shape)
            column += span
        self.sheet.set_row(self.row, min(high, 409))
        self.row += 1


def write(book: Book, district: District, place: Place, heading: str) -> None:
    """The sheet 分析: charts on the first page, then what to look at first, then the figures of the charts."""
    page = _Sheet(book, say("charts"), heading)
    page.row = _FIRST
    for row in range(1, _FIRST):
        page.sheet.set_row(row, 15.75)  # the height of a sheet without heights differs between programs
    _lists(page, district)
    page.heading(say("figures"))
    areas = [_rates(page, district), _scores(page, district, place), _grades(page, district, place), _parts(page, district)]
    for n, (chart, (title, axis)) in enumerate(
        zip((chart_of(book, say("charts"), 0, *area) for area in areas), (area[0] for area in areas), strict=True)
    ):
        dress(chart, title, axis)
        page.sheet.insert_chart(1 + n // 2 * 13, 0, chart, {"x_offset": 2 + n % 2 * 468, "y_offset": 4, "object_position": 2})
    page.sheet.set_h_pagebreaks([_FIRST])


# ---- the figures ----


def lowest(district: District) -> list[tuple[str, float]]:
    """The departments with the lowest execution rates, the lowest one last: bars are drawn from the bottom up."""
    ranked = sorted((line.form.rate, district.name(line)) for line in district.counted if line.form.rate is not None)
    return [(name, rate) for rate, name in reversed(ranked[:BARS])]


def _rates(page: _Sheet, district: District) -> tuple:
    rows, all_ = lowest(district), sum(line.form.rate is not None for line in district.counted)
    page.heads((say("department"), say("percent")))
    first = page.row
    for row in rows:
        page.cells(row, ("text", "rate"))
    return (say("lowest", n=BARS) if all_ > BARS else say("rate"), say("percent")), first, page.row - 1, ((1, None, BLUE),)


def _scores(page: _Sheet, district: District, place: Place) -> tuple:
    page.row += 1
    page.heads((say("band"), say("departments")))
    first, area = page.row, place.range("total")
    for low, high in BANDS:
        count = sum(
            (low is None or line.form.total >= low) and (high is None or line.form.total < high)
            for line in district.counted
            if line.form.total is not None
        )
        page.cells((band(low, high), Formula(counted_in(area, low, high), count)), ("centre", "whole"))
    return (say("scores"), say("departments")), first, page.row - 1, ((1, None, BLUE),)


def band(low: int | None, high: int | None) -> str:
    """A band of points in words; None = open."""
    return say("below", high=high) if low is None else say("from", low=low) if high is None else say("between", low=low, high=high)


def counted_in(area: str, low: int | None, high: int | None) -> str:
    """The formula that counts the totals of an area in a band."""
    rules = [f'{area},">={low}"'] * (low is not None) + [f'{area},"<{high}"'] * (high is not None)
    return f"COUNTIFS({','.join(rules)})"


def _grades(page: _Sheet, district: District, place: Place) -> tuple:
    page.row += 1
    page.heads((say("grade"), say("stated"), say("recomputed")))
    first = page.row
    for name, count in district.grades().items():
        stated = sum(stated_grade(line.form) == name for line in district.counted)
        page.cells(
            (
                name,
                Formula(f"COUNTIF({place.range('grade_stated')},A{page.row + 1})", stated),
                Formula(f"COUNTIF({place.range('grade')},A{page.row + 1})", count),
            ),
            ("centre", "whole", "whole"),
        )
    return (say("grades"), say("departments")), first, page.row - 1, ((1, say("stated"), PALE), (2, say("recomputed"), BLUE))


def shares(district: District) -> list[tuple[str, float]]:
    """The parts of the editions in their order, and how many of their points the departments have, percent."""
    points: dict[str, list[Decimal]] = {}
    order: dict[str, None] = {}
    for edition in sorted({line.form.edition for line in district.counted if line.form.edition}):
        order.update(dict.fromkeys(part.name for part in get(edition).parts))
    for line in district.counted:
        for name, weight, score in line.form.parts:
            if weight and score is not None:
                sums = points.setdefault(name, [Decimal(0), Decimal(0)])
                sums[0] += exact(score)
                sums[1] += exact(weight)
    names = [name for name in order if name in points] + sorted(set(points) - set(order))
    return [(name, float(half_up(points[name][0] / points[name][1] * 100, 2))) for name in names]


def _parts(page: _Sheet, district: District) -> tuple:
    page.row += 1
    page.heads((say("part"), say("share")))
    first = page.row
    for row in shares(district):
        page.cells(row, ("text", "rate"))
    return (say("parts"), say("share")), first, page.row - 1, ((1, None, ORANGE),)


def chart_of(book: Book, sheet: str, left: int, titles: tuple[str, str], first: int, last: int, series: Sequence[tuple[int, str | None, str]]) -> Any:
    """A chart over rows of a sheet: its categories stand in the column ``left``, its figures so many columns (first of each series) right of it;
    ``titles`` are those of the chart and of its values."""
    chart = book.workbook.add_chart({"type": "bar" if titles[1] == say("percent") else "column"})
    for column, name, colour in series:
        chart.add_series(
            {
                **({"name": name} if name else {}),
                "categories": [sheet, first, left, max(last, first), left],
                "values": [sheet, first, left + column, max(last, first), left + column],
                "fill": {"color": colour},
                "gap": 60,
                "data_labels": {"value": True, "font": {"name": FONT, "size": 8}} if last - first < 12 else {},
            }
        )
    chart.set_legend({"position": "bottom", "font": {"name": FONT, "size": 9}} if len(series) > 1 else {"none": True})
    return chart


def dress(chart: Any, title: str, axis: str) -> None:
    """Fonts, axes and size of a chart, so that the four look alike."""
    font = {"name": FONT, "size": 8}
    chart.set_title({"name": title, "name_font": {"name": FONT, "size": 12, "bold": True}, "overlay": False})
    grid = {"visible": True, "line": {"color": "#D9D9D9"}}
    values = {
        "name": axis,
        "name_font": {"name": FONT, "size": 9, "bold": False},
        "num_font": font,
        "major_gridlines": grid,
        "min": 0,
        **({"max": 100} if title != say("grades") and title != say("scores") else {}),
    }
    names = {"num_font": font, "interval_unit": 1, "major_gridlines": {"visible": False}}
    lying = axis == say("percent")  # the axes of a bar chart lie the other way round
    chart.set_x_axis(values if lying else names)
    chart.set_y_axis(names if lying else values)
    chart.set_size({"width": 460, "height": 272})
    chart.set_chartarea({"border": {"color": "#BFBFBF"}})


# ---- what to look at first ----


def _lists(page: _Sheet, district: District) -> None:
    page.heading(say("look"))
    page.row -= 1
    _falls(page, district, falls(district))
    for heading, rows in remarked(district):
        _list(page, heading, rows)


def falls(district: District) -> list[Line]:
    """Whose total falls or whose grade changes when recomputed, the deepest fall first."""
    return sorted((line for line in district.counted if _fell(line.form)), key=lambda line: (line.form.total or 0) - (line.form.total_stated or 0))


def remarked(district: District) -> list[tuple[str, list[tuple[str, str]]]]:
    """What else is looked at first, by headings: (department, what)."""
    exceeded = [(district.name(line), one[6]) for line in district.counted
                for one in (line.form.findings() if line.form.counts[1] else ()) if one[0] == "I108"]
    lists = [(say("over"), exceeded)]
    for code, heading in (("D108", say("texts")), ("D109", say("copied")), ("D110", say("full", low=LOW_RATE))):
        found = [one.finding for one in district.findings if one.finding.code == code]
        lists.append((heading, [(finding.label, messages.message(finding)) for finding in found]))
    return lists


def _fell(form: Form) -> bool:
    stated = stated_grade(form)
    lower = form.total is not None and form.total_stated is not None and form.total < form.total_stated
    return lower or bool(form.grade and stated and form.grade != stated)


def _falls(page: _Sheet, district: District, lines: Sequence[Line]) -> None:
    page.heading(say("falls"))
    if not lines:
        page.text(say("none"))
        return
    page.heads(_WORDS["falls_heads"][messages.LANGUAGES.index(messages.language())])
    for line in lines[:LISTED]:
        form = line.form
        gap = None if form.total is None or form.total_stated is None else float(Decimal(repr(form.total)) - Decimal(repr(form.total_stated)))
        page.cells(
            (district.name(line), form.total_stated, form.total, gap, stated_grade(form), form.grade),
            ("wrap", "score", "score", "gap", "centre", "centre"),
        )
    _rest(page, len(lines))


def _list(page: _Sheet, heading: str, rows: Sequence[tuple[str, str]]) -> None:
    page.heading(heading)
    if not rows:
        page.text(say("none"))
        return
    spans = (1, len(_WIDTHS) - 1)
    page.heads(_WORDS["list_heads"][messages.LANGUAGES.index(messages.language())], spans)
    for row in rows[:LISTED]:
        page.cells(row, ("wrap", "wrap"), spans)
    _rest(page, len(rows))


def _rest(page: _Sheet, count: int) -> None:
    if count > LISTED:
        page.text(say("more", n=count - LISTED, sheet=say("found")))


# ---- 说明 ----

_ABOUT_ZH = (
    (
        "怎么来的",
        "本工作簿由 perfeval-xl {version} 读取各部门报送的自评表生成：没有改动任何原表；每个数都按表上自身的数据和该版评分规则重算，与表上填的逐一比较。",
    ),
    ("报送情况", "每个文件里的每张表一行：计入的、旧版、重复的、读不了的，名册上没有报送的列在最前。SHA-256 是文件的指纹，内容相同指纹才相同。"),
    (
        "取哪一份",
        "同一部门（项目）报了几份的，取文件中记录的保存时间最新的一份，时间相同的取磁盘时间较新的；年度与本次不符、而另有相符的，不计入。内容完全相同的文件只计一份。",
    ),
    ("部门名称", "与名册对照时只看名称是否相同（不计空格和全角半角），也认名册上的曾用名；相近的名称只提出疑问，从不自动归并。"),
    (
        "汇总表",
        "金额单位为万元（以元填报的已换算）；执行率为全年执行数÷全年预算数；末行的合计和平均是公式，随筛选变化；名次按重算总分。空白表示该表没有这一项或不能计算，不是 0。",
    ),
    ("等级", "自评等级取表上写的；没有写的，按表上总分对应的等级。"),
    ("校验结果", "错误必须改正，提醒请核对，提示供参考；每条写明代码、依据和改法。D 开头的是几张表放在一起才看得出的。"),
    ("再汇总", "本工作簿内保存了每张表的数据和指纹，市、省可以直接用各区的汇总工作簿再汇总，合计与一次汇总全部自评表相同。"),
)
_ABOUT_EN = (
    (
        "How it came about",
        "Made by perfeval-xl {version} from the submitted forms, none of which was changed: every figure is recomputed and compared with what is stated.",
    ),
    ("Received", "One row for each form of each file, the missing ones first. The SHA-256 is the fingerprint of the file."),
    (
        "Which one counts",
        "Of several forms of one department the one saved last; one of another year counts only where there is no other. Equal files count once.",
    ),
    ("Names", "A name must be that of the roster, or an alias given there; a similar one is asked about and never joined."),
    (
        "Summary",
        "Amounts in 万元. Totals and means are formulas that follow the filter; ranks go by the recomputed total. Blank means absent or not computable, never 0.",
    ),
    ("Grades", "The stated grade is the one written, else the one the stated total earns."),
    ("Findings", "Errors must be corrected, warnings looked at. Codes with D come from comparing forms."),
    ("Further up", "The workbook keeps the figures of every form, so that districts can be consolidated from their workbooks."),
)


def about(book: Book, district: District, heading: str) -> None:
    """The sheet 说明: how to read the workbook, and under which rules the forms were scored."""
    page = _Sheet(book, say("about"), heading, (18, 108))
    for head, text in _ABOUT_ZH if messages.language() == "zh" else _ABOUT_EN:
        page.cells((head, text.format(version=__version__)), ("wrap", "wrap"))
    for edition in sorted({line.form.edition for line in district.counted if line.form.edition}):
        known = get(edition)
        count = sum(line.form.edition == edition for line in district.counted)
        page.cells((edition, f"{known.name} × {count}：{known.execution.source}"), ("wrap", "wrap"))
