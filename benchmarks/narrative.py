"""How fast a report is held against its form, as a ratio to opening the same .docx with python-docx, in one run on one core.

Writes a report of eight chapters and some 8,000 characters about a shipped example, then times over the same file: reading it and checking it
(``document.load`` and ``narrative.check``, the form being checked already), and ``docx.Document(path)`` alone. The aim is at most 3.

    python benchmarks/narrative.py [rounds]
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable

import docx

from perfeval_xl import document, narrative, record
from perfeval_xl.cli import examples_folder

CHAPTERS = ("一、基本情况", "二、绩效自评工作开展情况", "三、综合评价结论", "四、绩效目标实现情况分析", "五、发现的主要问题和改进措施",
            "六、绩效自评结果拟应用和公开情况", "七、绩效自评工作的经验、问题和建议", "八、其他需要说明的问题")
#: what a chapter says: figures of the example, some of them wrong, one to some seventy characters as in published reports
FIGURES = (
    "2022年我单位全年预算数为923.86万元，全年执行数615.33万元，预算执行率为66.6%。",
    "“三公经费”控制率指标值≤100%，实际完成95%；政府采购执行率≥90%，实际完成100%。",
    "投入管理指标：总分值30分，总得分29.48分，其中预算和财务管理20分，自评得分19.48分。", "全年开展视察12次，其中专题视察5次、集中视察6次。",
)
WORDS = (
    "按照区财政局的工作安排，我单位成立了绩效评价工作小组，明确了职责和分工，收集整理了工作计划、工作总结、支付凭证和财务资料，对照指标逐项核对，形成自评结论。",
    "各项工作有序推进，代表建议的办理质量进一步提高，群众反映的问题得到及时回应，机关运转平稳有序，制度建设和内部监督不断加强。",
    "经验是安排得早、分工清楚，问题是人手偏少、业务培训不够，建议财政部门多组织培训，及时通报常见差错，并提前下达项目资金计划。",
    "在预算编制环节强化目标管理，在执行环节强化监控，在决算环节强化公开，把评价结果用于改进管理和安排下年度预算，做到花钱问效、无效问责。",
)


def write(path: str) -> int:
    """A report of the usual size; gives its number of characters."""
    book = docx.Document()
    book.add_heading("2022年度上街区人民代表大会常务委员会办公室部门整体绩效自评报告", 0)
    size = 0
    for n, chapter in enumerate(CHAPTERS):
        book.add_heading(chapter, 1)
        for k in range(4):
            text = FIGURES[(n + k) % 4] + WORDS[k] + WORDS[(n + k + 1) % 4] + f"以上为本章第{k + 1}部分的说明，供区财政局审核时参考。"
            size += len(text)
            book.add_paragraph(text)
    table = book.add_table(5, 4)
    for row, cells in zip(table.rows, (("指标", "分值", "得分", "得分率"), ("预算执行率", "10", "7.4", "74%"),
                                       ("投入管理指标", "30", "29.48", "98.27%"),
                                       ("产出指标", "25", "25", "100%"), ("效益指标", "35", "35", "100%")), strict=True):
        for cell, text in zip(row.cells, cells, strict=True):
            cell.text = text
    book.save(path)
    return size


def timed(calls: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """The processor time of each call, milliseconds: in turns, so that whatever else the machine does meets all of them, and the quickest of
    three as one round, whose median counts."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for n in range(rounds + 1):
        for name, call in calls.items():
            best = min(_one(call) for _ in range(3))
            if n:  # the first round warms up
                taken[name].append(best)
    return {name: statistics.median(times) * 1000 for name, times in taken.items()}


def _one(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def main(rounds: int = 30) -> None:
    """Prints the two times and their ratio."""
    (form,) = record.check_file(os.path.join(examples_folder(), "renda-2022.xlsx"))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "报告.docx")
        size = write(path)
        found = len(narrative.check(document.load(path), form))
        took = timed({"check": lambda: narrative.check(document.load(path), form), "read": lambda: document.load(path),
                      "open": lambda: docx.Document(path)}, rounds)
    print(f"report of {size} characters, {found} findings: read and checked in {took['check']:.1f} ms of processor time (read {took['read']:.1f} ms)")
    print(f"opened with python-docx: {took['open']:.1f} ms; ratio {took['check'] / took['open']:.2f} (aim: at most 3)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
