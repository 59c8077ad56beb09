"""The form without macros: LibreOffice works its native formulas out alone, and wherever they decide they give the core's figures."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import pytest
from fillings import random_filling

from perfeval_xl import beside, examples, formulas, workbook_file
from perfeval_xl.edition import editions, get
from perfeval_xl.model import cell_name
from perfeval_xl.template import SHEET, blank

CASES = Path(__file__).parent / "cases"
EDITIONS = {"shangjie": "shangjie-2022", "jinshui": "jinshui-2021", "mof": "mof-2020-project"}
STEPS = {step.key for step in formulas.STEPS}
