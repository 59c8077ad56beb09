"""Fuzzes what reads text: numbers, targets and the layout of a sheet. Coverage-guided with atheris where it is installed, else at random.

    python benchmarks/fuzz.py [executions]

Nothing may be raised but a Refusal, and what is read must hold: a number is finite, a reading of a text is stable.
"""

from __future__ import annotations

import random
import sys

from perfeval_xl import layout, numbers, record, targets
from perfeval_xl.messages import Refusal
from perfeval_xl.model import Sheet

#: pieces of which random texts are made: digits and signs of every width, words that forms hold
PIECES = (*"09１٣.．,，%％-－+()（）≥≤=＝万元件年月日前至eE_/无—优良", " ", "\t", "\n", "\u3000", "\u202e", "\0", ">=", "万元", "年底", "完成",
          "100", "2022", "nan", "inf")
HEADS = ("部门整体自评表", "一级指标", "二级指标", "三级指标", "年度指标值", "实际完成值", "分值", "得分", "偏差度", "总分", "年初预算数",
         "全年预算数", "全年执行数", "执行率", "部门预算总额（万元）", "投入管理指标", "产出指标")


def one(text: str, grid: list[list[str]], merged: tuple = ()) -> None:
    """One execution."""
    number = numbers.read_number(text)
    assert number.value is None or number.value.is_finite()
    targets.read_target(text)
    targets.read_actual(text)
    try:
        sheet = Sheet("表", grid, merged)
        record.check_sheet(sheet, "表.xlsx")
        layout.read(sheet)
    except Refusal:
        return


def area(number) -> tuple[int, int, int, int]:
    """A merged area, perhaps one that reaches far beyond the cells; ``number`` gives a number below its argument."""
    top, left = number(14), number(11)
    return top, left, top + (0, 1, 3, 1_000_000)[number(4)], left + (0, 1, 3, 16_000)[number(4)]


def at_random(executions: int) -> None:
    """Texts and sheets of random pieces."""
    dice = random.Random(20)
    for _ in range(executions):
        text = "".join(dice.choices(PIECES, k=dice.randrange(12)))
        words = (*HEADS, *PIECES, text, 7, 3.5, "", "", True)
        one(text, [dice.choices(words, k=dice.randrange(1, 11)) for _ in range(dice.randrange(1, 14))],
            tuple(area(dice.randrange) for _ in range(dice.randrange(4))))
    print(f"{executions} random executions, nothing broke (atheris is not installed)")


def main() -> None:
    """Runs so many executions."""
    executions = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    try:
        import atheris
    except ImportError:
        at_random(executions)
        return

    def consume(data: bytes) -> None:
        source = atheris.FuzzedDataProvider(data)
        text = source.ConsumeUnicodeNoSurrogates(20)
        words = (*HEADS, *PIECES, text)
        one(text, [[words[source.ConsumeIntInRange(0, len(words) - 1)] for _ in range(source.ConsumeIntInRange(1, 10))]
                   for _ in range(source.ConsumeIntInRange(1, 12))],
            tuple(area(lambda most: source.ConsumeIntInRange(0, most - 1)) for _ in range(source.ConsumeIntInRange(0, 3))))

    atheris.instrument_all()
    atheris.Setup([sys.argv[0], f"-runs={executions}"], consume)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
