"""⑧汇总 as a bureau presses it, on the host in memory and through xlwings on LibreOffice: the same lists as `perfeval-xl consolidate`, on the
workbook's own sheets and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from districts import picture, save
from drawing import draw
from memory_host import MemoryHost

from perfeval_xl import district, district_buttons, district_lists, district_sheets, district_summary, gather, log, made_up, roster
from perfeval_xl.model import STATE_SHEET
from perfeval_xl.xlwings_host import XlwingsHost

# openpyxl, with which the host in memory reads, drops a print area that follows the list
pytestmark = pytest.mark.filterwarnings("ignore:Print area cannot be set")
in_memory = pytest.mark.parametrize("open_host", ["memory"], indirect=True)
TROUBLE = "=HYPERLINK(\"http://example.org\",\"点我\")"


@pytest.fixture(scope="session")
def blank_book(tmp_path_factory) -> str:
    path = str(tmp_path_factory.mktemp("汇总") / "区级汇总.xlsm")
    district_sheets.build(path)
    return path


class Bureau:
    """Somebody of the bureau at the workbook."""

    def __init__(self, host) -> None:
        self.host, self.answers, self.boxes, self.said, self.stops = host, [], [], [], []
        status = host.status
        host.ask = self.ask
        host.status = lambda text: (self.said.append(text), status(text))[1]
        host.stopped = lambda: self.stops.pop(0) if self.stops else False

    def ask(self, text: str, title: str, buttons: str = "ok") -> str:
        self.boxes.append(text)
        return self.answers.pop(0) if self.answers else buttons.partition("_")[0]

    def type(self, name: str, value) -> None:
        sheet, (row, column, *_) = self.host.name_area(name)
        self.host.write(sheet, row, column, [[value]])

    def press(self) -> str:
        self.boxes, self.said = [], []
        district_buttons.consolidate(self.host)
        return next((text for text in reversed(self.said) if text), "") if not self.boxes else self.boxes[-1]

    def rows(self, name: str) -> list[list]:
        """The values of a list, without what is blank at the end of each row."""
        sheet, (row, _, *_) = self.host.name_area(name)
        lines = [list(line) for line in self.host.grid(sheet).rows[row + 1 :]]
        return [stripped for line in lines if (stripped := bare(line))]

    def copy(self, sheet: str, text: str) -> None:
        """A department's sheet copied into the workbook."""
        drawn = draw(text)
        self.host.ensure_sheet(sheet, hidden=False)
        width = max(map(len, drawn.rows))
        self.host.write(sheet, 0, 0, [[*row, *[""] * (width - len(row))] for row in drawn.rows])
        for area in drawn.merged:
            self.host.merge(sheet, area)

    def whole(self) -> dict:
        return {name: (self.host.grid(name).rows, self.host.grid(name).merged) for name in self.host.sheet_names()}


def bare(line) -> list:
    """A row as it comes back: numbers as floats, nothing at its end."""
    line = ["" if value is None else float(value) if isinstance(value, int) else value for value in line]
    while line and line[-1] in ("", " "):
        line.pop()
    return line


@pytest.fixture
def bureau(open_host, blank_book) -> Bureau:
    return Bureau(open_host(blank_book))


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A made-up district with every planted mistake."""
    return made_up.district(str(tmp_path_factory.mktemp("区")), 40)


def expected(found) -> dict[str, list[list]]:
    keys = [*district_sheets.SUMMARY_KEYS, *(f"part {name}" for name in district_summary.part_names(found))]
    return {"pe_received": [bare(row.values) for row in district_lists.received(found)],
            "pe_rows": [bare(row) for row in district_lists.indicators(found)],
            "pe_summary": [bare([row.get(key) for key in keys]) for row in district_summary.rows(found)]}


def test_a_folder_gives_the_lists_of_the_district_workbook(bureau, town):
    names = Path(town.roster).read_text(encoding="utf-8-sig").splitlines()
    bureau.host.write("名册", 0, 0, [line.split(",")[:2] for line in names])
    bureau.type("pe_folder", town.forms)
    said = bureau.press()
    found = district.consolidate(gather.read_all(gather.find([town.forms])), roster.load(town.roster))
    for name, rows in expected(found).items():
        there = bureau.rows(name)
        if name == "pe_summary":
            there = [bare(line[: len(district_sheets.SUMMARY_KEYS) + 4]) for line in there]
        assert there == rows, name
    findings = bureau.rows("pe_findings")
    assert [line[:12] for line in findings] == [bare(row.values) + [""] * (12 - len(bare(row.values))) if len(line) > 12 else bare(row.values)
                                                for row, line in zip(district_lists.findings(found), findings, strict=True)]
    assert {line[3] for line in findings} >= set(town.codes)
    assert said.startswith("汇总完毕：收到 42 份，计入 40 个部门，缺报 2，读不了 1，应退回")
    sheet, (row, column, *_) = bureau.host.name_area("pe_run_said")
    assert "收到 42 份" in bureau.host.grid(sheet).rows[row][column] and town.forms in bureau.host.grid(sheet).rows[row][column]
    assert any("已读" in text and "共 43 个" in text for text in bureau.said if text)


def test_departments_copied_into_the_workbook(bureau):
    bureau.copy("甲", picture("甲局"))
    bureau.copy("乙", picture("乙局", total=90))
    bureau.copy("备忘", "记事|下周开会\n|别忘了")
    bureau.host.write("备忘", 4, 0, [["=这里写的是别的", 3]])
    before = bureau.whole()
    assert bureau.press().startswith("汇总完毕：收到 2 份，计入 2 个部门")
    assert [(line[1], line[2], line[4]) for line in bureau.rows("pe_received")] == [("乙局", "已报，应退回", "乙"), ("甲局", "已报，无错误", "甲")]
    found = [line for line in bureau.rows("pe_findings") if line[3] == "S101"]
    assert [(line[1], line[11], line[12]) for line in found] == [("乙局", "乙!H13", "#'乙'!H13")]
    sheet, (row, *_) = bureau.host.name_area("pe_findings")
    links = [formula for (formula,) in bureau.host.formulas(sheet, (row + 1, 13, row + 40, 13))]
    assert [bool(link) for link in links] == [len(line) > 12 and bool(line[12]) for line in bureau.rows("pe_findings")] + [False] * (
        40 - len(bureau.rows("pe_findings"))), "a link in every row with a place, and nowhere else"
    assert links[0] == f'=HYPERLINK(M{row + 2},"打开")'
    if not isinstance(bureau.host, MemoryHost):
        assert "打开" in [line[13] for line in bureau.host.grid(sheet).rows[row + 1 :] if len(line) > 13]
    after = bureau.whole()
    assert {name: after[name] for name in ("甲", "乙", "备忘", "名册")} == {name: before[name] for name in ("甲", "乙", "备忘", "名册")}
    watched = bureau.rows("pe_analysis")
    assert ["乙局", "自评 90（优），重算 100（优），差 10"] not in watched and any(line[0].startswith("一、") for line in watched)


@pytest.mark.parametrize("open_host", ["calc"], indirect=True)  # the host in memory works nothing out
def test_totals_above_the_list_and_counts_of_the_charts_follow(bureau):
    for n, (total, executed) in enumerate(((100, 100), (100, 100), (95, 50))):
        bureau.copy(f"表{n}", picture(f"第{n}局", total=total, executed=executed, rate=executed))
    bureau.press()
    sheet, (row, *_) = bureau.host.name_area("pe_summary")
    totals = bureau.host.grid(sheet).rows[row - 1]
    assert totals[:6] == ["", "合计／平均", 300.0, 300.0, 250.0, pytest.approx(83.33)]
    assert totals[6] == pytest.approx(98.33) and totals[11] == sum(line[11] for line in bureau.rows("pe_summary"))
    figures = bureau.host.grid("图表数据").rows
    assert [line[4] for line in figures[1:8]] == [0, 0, 0, 0, 0, 0, 3] and [line[4] for line in figures[10:14]] == [3, 0, 0, 0]
    assert figures[1][:2] == ["第1局", 100.0] and figures[3][:2] == ["第2局", 50.0]


def test_a_second_run_leaves_nothing_of_the_first(bureau, tmp_path):
    for n in range(6):
        save(tmp_path / "报送" / f"{n}.xlsx", picture(f"第{n}局", total=90))
    bureau.type("pe_folder", str(tmp_path / "报送"))
    bureau.press()
    assert len(bureau.rows("pe_received")) == 6 and len(bureau.rows("pe_rows")) == 24
    for n in range(5):
        (tmp_path / "报送" / f"{n}.xlsx").unlink()
    bureau.press()
    assert len(bureau.rows("pe_received")) == len(bureau.rows("pe_summary")) == 1 and len(bureau.rows("pe_rows")) == 4


def test_every_list_is_one_write_however_long_it_is(calc, calc_book, blank_book, tmp_path):
    counts = []
    for many in (2, 12):
        book = tmp_path / f"{many}.xlsm"
        book.write_bytes(Path(blank_book).read_bytes())
        for n in range(many):
            save(tmp_path / str(many) / f"{n}.xlsx", picture(f"第{n}局", total=90))
        bureau = Bureau(XlwingsHost(calc_book(book)))
        bureau.type("pe_folder", str(tmp_path / str(many)))
        calc.calls.clear()
        bureau.press()
        counts.append(calc.calls["raw_value="])
    assert counts == [len(district_sheets.LISTS) + 2] * 2  # and what the next run must know, and what is said on the first sheet


@pytest.mark.parametrize("answer, stays", [("yes", True), ("no", False)])
def test_esc_asks_and_leaves_everything_as_it_was(bureau, tmp_path, answer, stays):
    for n in range(12):
        save(tmp_path / f"{n}.xlsx", picture(f"第{n}局"))
    bureau.type("pe_folder", str(tmp_path))
    before = bureau.whole()
    bureau.stops, bureau.answers = [False, False, True], [answer]
    bureau.press()
    assert len(bureau.boxes) == 1 and "要停下来吗" in bureau.boxes[0]
    assert (bureau.whole() == before) is stays
    assert ("已停下：读了" in bureau.said[-1]) is stays


@in_memory
def test_what_was_pressed_before_does_not_stop_it(bureau, tmp_path):
    save(tmp_path / "甲.xlsx", picture())
    bureau.type("pe_folder", str(tmp_path))
    bureau.stops = [True]
    assert bureau.press().startswith("汇总完毕")


def test_a_text_of_a_form_never_becomes_more_than_a_text(bureau, tmp_path):
    save(tmp_path / "甲.xlsx", picture(name=TROUBLE, goal="+1+1"))
    bureau.type("pe_folder", str(tmp_path))
    bureau.press()
    (line,) = bureau.rows("pe_summary")
    assert line[1] == TROUBLE
    for name in ("pe_received", "pe_summary", "pe_rows"):
        sheet, (row, *_) = bureau.host.name_area(name)
        column = 0 if name == "pe_rows" else 1
        kept = bureau.host.grid(sheet).rows[row + 1][column]
        assert kept == TROUBLE, name
    if isinstance(bureau.host, MemoryHost):
        own = {bureau.host.name_area(name)[0] for name in district_sheets.LISTS}
        formulas = [cell.formula for name in own for cell in bureau.host.sheets[name].cells.values() if cell.formula]
        assert not any("example.org" in formula for formula in formulas)


@in_memory
def test_forms_here_and_a_folder_are_asked_about(bureau, tmp_path):
    save(tmp_path / "甲.xlsx", picture("甲局"))
    bureau.copy("乙", picture("乙局"))
    bureau.type("pe_folder", str(tmp_path))
    for answer, names in (("yes", ["乙局"]), ("no", ["甲局"])):
        bureau.answers = [answer]
        bureau.press()
        assert "1 张自评表" in bureau.boxes[0] and [line[1] for line in bureau.rows("pe_received")] == names
    bureau.answers = ["cancel"]
    before = bureau.whole()
    bureau.press()
    assert bureau.said[-1] == "没有汇总。" and bureau.whole() == before


@in_memory
@pytest.mark.parametrize("prepare, said", [
    (lambda bureau, folder: None, "没有选文件夹，本工作簿里也没有自评表"),
    (lambda bureau, folder: bureau.type("pe_folder", str(folder / "没有")), "找不到文件夹"),
    (lambda bureau, folder: bureau.type("pe_folder", str(folder)), "没有自评表文件"),
    (lambda bureau, folder: bureau.type("pe_run_year", "去年"), "年度“去年”不是"),
    (lambda bureau, folder: bureau.type("pe_run_year", 1999), "年度“1999”不是"),
    (lambda bureau, folder: bureau.host.names.pop("pe_rows"), "找不到“pe_rows”"),
    (lambda bureau, folder: setattr(bureau.host.sheets["指标明细"], "filtered", True), "正在筛选"),
    (lambda bureau, folder: setattr(bureau.host, "read_only", True), "只读"),
], ids=["nothing", "no folder", "empty folder", "year", "other year", "lost name", "filter", "read-only"])
def test_what_cannot_be_done_is_said_with_what_to_do(bureau, tmp_path, prepare, said):
    prepare(bureau, tmp_path)
    before = {name: list(map(list, rows)) for name, (rows, _) in bureau.whole().items()}
    text = bureau.press()
    assert said in text and "Traceback" not in text
    assert {name: list(map(list, rows)) for name, (rows, _) in bureau.whole().items()} == before


@in_memory
def test_a_list_with_a_password_stops_before_anything_is_written(bureau, tmp_path):
    save(tmp_path / "甲.xlsx", picture())
    bureau.type("pe_folder", str(tmp_path))
    last = bureau.host.sheets["图表数据"]
    last.protected = last.password = True
    assert "保护密码" in bureau.press() and bureau.rows("pe_received") == []


@in_memory
def test_more_files_than_a_workbook_takes_go_to_the_command(bureau, tmp_path, monkeypatch):
    monkeypatch.setattr(district_sheets, "FORMS", 3)
    form = Path(save(tmp_path / "0.xlsx", picture()))
    for n in range(1, 4):
        os.link(form, tmp_path / f"{n}.xlsx")
    bureau.type("pe_folder", str(tmp_path))
    assert "有 4 个文件，打开的工作簿里最多汇总 3 个。请用命令 perfeval-xl consolidate" in bureau.press()


def test_the_workbook_itself_and_lock_files_are_no_forms(blank_book, tmp_path):
    book = tmp_path / "区级汇总.xlsm"
    book.write_bytes(Path(blank_book).read_bytes())
    (tmp_path / "~$区级汇总.xlsm").write_bytes(b"lock")
    save(tmp_path / "甲.xlsx", picture())
    bureau = Bureau(MemoryHost.load(str(book)))
    bureau.type("pe_folder", f'"{tmp_path}"')
    assert "收到 1 份，计入 1 个部门，缺报 0，读不了 0" in bureau.press()


@in_memory
def test_a_name_of_the_workbook_belongs_to_the_form_on_its_sheet(bureau):
    bureau.copy("甲", picture("甲局", year=2021))
    bureau.copy("乙", picture("", year=2021))
    bureau.host.names["pe_department"] = ("甲", (1, 1, 1, 1))
    bureau.host.names["pe_year"] = ("甲", (0, 9, 0, 9))
    bureau.host.sheets["甲"].cell(0, 9).value = 2022.0
    bureau.press()
    assert [(line[1], line[4], line[6]) for line in bureau.rows("pe_received")] == [("", "乙", 2021.0), ("甲局", "甲", 2022.0)]


@in_memory
def test_renamed_and_moved_lists_are_still_found(bureau, tmp_path):
    save(tmp_path / "甲.xlsx", picture())
    host = bureau.host
    sheet = host.sheets.pop("汇总表")
    host.sheets["我的汇总"], sheet.name = sheet, "我的汇总"
    host.names = {name: ("我的汇总" if where == "汇总表" else where, area) for name, (where, area) in host.names.items()}
    host.insert_row("我的汇总", 0)
    bureau.type("pe_folder", str(tmp_path))
    bureau.press()
    assert [line[1] for line in bureau.rows("pe_summary")] == ["甲局"] and host.names["pe_summary"] == ("我的汇总", (4, 0, 4, 0))


@in_memory
def test_the_year_and_a_district_workbook_as_its_folder(bureau, tmp_path):
    save(tmp_path / "报送" / "甲.xlsx", picture("甲局", year=2021))
    from perfeval_xl import district_file

    district_file.write(district.consolidate(gather.read_all(gather.find([str(tmp_path / "报送")]))), str(tmp_path / "区.xlsx"))
    bureau.type("pe_folder", str(tmp_path / "区.xlsx"))
    bureau.type("pe_run_year", "2022")
    bureau.press()
    assert [line[1] for line in bureau.rows("pe_received")] == ["甲局"] and "D104" in {line[3] for line in bureau.rows("pe_findings")}


@in_memory
def test_a_mistake_of_ours_costs_its_sheet_and_is_logged_without_words_of_the_form(bureau, monkeypatch, tmp_path):
    bureau.copy("甲", picture("甲局"))
    bureau.copy("乙", picture("乙局"))
    real = district_buttons.record.check_sheet

    def broken(grid, *rest, **more):
        if grid.name == "乙":
            raise ZeroDivisionError("乙局的秘密")
        return real(grid, *rest, **more)

    monkeypatch.setattr(log, "path", lambda: str(tmp_path / "日志"))
    monkeypatch.setattr(district_buttons.record, "check_sheet", broken)
    assert "计入 1 个部门，缺报 0，读不了 1" in bureau.press()
    monkeypatch.setattr(district_buttons.district, "consolidate", broken)
    assert "AttributeError" in bureau.press() and "秘密" not in (tmp_path / "日志").read_text(encoding="utf-8")


@in_memory
def test_a_failure_in_the_middle_leaves_the_lists_as_they_were(bureau, tmp_path, monkeypatch):
    save(tmp_path / "报送" / "甲.xlsx", picture(TROUBLE))
    bureau.type("pe_folder", str(tmp_path / "报送"))
    bureau.press()
    before, formulas = bureau.whole(), {name: bureau.host.formulas(name, (0, 0, 30, 30)) for name in bureau.host.sheet_names()}
    save(tmp_path / "报送" / "甲.xlsx", picture("甲局", total=90))
    write = bureau.host.write

    def broken(sheet, *rest):
        if sheet == "校验结果":
            raise OSError("Excel is busy")
        write(sheet, *rest)

    bureau.host.write = broken
    monkeypatch.setattr(log, "path", lambda: str(tmp_path / "日志"))
    assert "OSError" in bureau.press()
    assert bureau.whole() == before and formulas == {name: bureau.host.formulas(name, (0, 0, 30, 30)) for name in bureau.host.sheet_names()}


def test_the_hidden_sheet_remembers_no_more_than_sizes(bureau, tmp_path):
    save(tmp_path / "甲.xlsx", picture())
    bureau.type("pe_folder", str(tmp_path))
    bureau.press()
    assert [line[0] for line in bureau.host.grid(STATE_SHEET).rows] == ["list"] * len(district_sheets.LISTS)
