"""What the tests of the district run share: a made-up district, and small forms drawn as text."""

from __future__ import annotations

import os
from pathlib import Path

from drawing import draw

from perfeval_xl.template import new_workbook

FORM = """
部门整体自评表（{year}年度）
部门（单位）名称|<|{name}
部门整体支出情况||年初预算数|全年预算数|全年执行数|分值|执行率|得分
^|部门预算总额（万元）|100|{adjusted}|{executed}|10|{rate}|10
^|资金来源：（1）政府预算资金|100|{adjusted}|{executed}|-|{rate}|-
年度履职目标|预期目标|||实际完成情况
^|{goal}|||已完成
绩效指标|一级指标|二级指标|三级指标|年度指标值|实际完成值|分值|得分|偏差度|偏差原因分析及改进措施
^|投入管理指标|工作目标管理|年度履职目标相关性|相关|100%|15|15|0.00%
^|^|^|专项资金细化率|≥90%|95%|15|15|0.00%
^|产出指标|重点工作任务完成|工作完成率|≥90%|{actual}|25|25|0.00%
^|效益指标|满意度|群众满意度|≥90%|98%|35|35|0.00%
总分|<|<|<|<|<|100|{total}
"""


def picture(name="甲局", year=2022, adjusted=100, executed=100, rate=100, goal="做好本职工作", actual="95%", total=100):
    """A form that is right unless something else is asked for."""
    return FORM.format(name=name, year=year, adjusted=adjusted, executed=executed, rate=rate, goal=goal, actual=actual, total=total)


def save(path, *pictures: str, names=(), saved: int = 0) -> str:
    """Drawings as a real workbook, one sheet each, last saved at this second."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with new_workbook(str(path)) as workbook:
        for n, text in enumerate(pictures):
            drawn = draw(text)
            sheet = workbook.add_worksheet(names[n] if names else f"表{n + 1}")
            for top, left, bottom, right in drawn.merged:
                sheet.merge_range(top, left, bottom, right, "")
            for row, line in enumerate(drawn.rows):
                for column, value in enumerate(line):
                    if value != "":
                        sheet.write(row, column, value)
    if saved:
        os.utime(path, (saved, saved))
    return str(path)
