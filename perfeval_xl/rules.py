"""The checks of a form, all of them, in the order in which a reviewer reads: values first, then relations on values that parsed.

A rule is a short generator named after the truth that should hold; it declares the codes it may speak. One cause, one finding:
what only follows from another finding is said there, not twice.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from perfeval_xl import checks_funds as funds
from perfeval_xl import checks_rows as rows
from perfeval_xl import checks_sums as sums
from perfeval_xl.edition import Edition
from perfeval_xl.messages import Finding
from perfeval_xl.model import Submission
from perfeval_xl.scoring import Scorecard


class Rule(NamedTuple):
    """A check and the codes it may yield; ``source`` is its number in the catalogue of reviewers' checks (DOMAIN.md c.1)."""

    holds: Callable[[Submission, Scorecard, Edition], Iterator[Finding]]
    codes: tuple[str, ...]
    source: str


#: spoken by the layout itself
LAYOUT_CODES = ("L201", "L202", "L208", "L209")

RULES = (
    Rule(sums.identity_is_one, ("L203", "L204", "L205", "L206"), "Q6 F8"),
    Rule(rows.cells_hold_numbers, ("V101", "V102", "V103", "V105", "V106", "V107"), ""),
    Rule(funds.totals_are_complete, ("F110",), "F3"),
    Rule(funds.sources_add_up, ("F101", "F102", "F108"), "F1 F2 F8"),
    Rule(funds.rates_follow, ("F103", "F112", "V104"), "F3"),
    Rule(funds.execution_is_scored, ("F104", "F109", "F111", "S104", "S105"), "F4"),
    Rule(funds.execution_stays_in_budget, ("F105",), "F5"),
    Rule(funds.budget_is_not_backfilled, ("F106",), "F6"),
    Rule(funds.shortfall_is_explained, ("F107",), "F7"),
    Rule(funds.tasks_hold, ("F201", "F204", "V104"), "T1 T2"),
    Rule(funds.tasks_add_up, ("F202", "F203", "F108"), "T1"),
    Rule(rows.targets_and_actuals_stand,
         ("V102", "V104", "V107", "V201", "V202", "V203", "V204", "V205", "V206", "V207", "V208", "V209", "V210", "V211"), "Q1 Q2 Q5"),
    Rule(rows.targets_can_fail, ("I107",), "Q4"),
    Rule(funds.indicators_follow_funds, ("I101", "I102", "I103", "I110", "V104"), "L1 L2 L3"),
    Rule(funds.rates_apply, ("I104", "I105"), "L4 L5"),
    Rule(rows.actuals_are_not_copies, ("I106",), "Q3"),
    Rule(rows.overshoots_are_explained, ("I108",), "b.3"),
    Rule(rows.deviations_follow, ("I109", "V104"), "D1"),
    Rule(rows.scores_stay_within_weights, ("S104", "S105", "S110"), "S3"),
    Rule(rows.scores_follow_the_rule, ("S106", "S112"), "S4"),
    Rule(rows.shortfalls_have_reasons, ("T101", "T102"), "D2 D3"),
    Rule(sums.weights_add_up, ("L207", "S102", "S103", "S108", "S113", "S114"), "S2 R9"),
    Rule(sums.total_is_the_sum, ("S101", "S109"), "S1"),
    Rule(sums.subtotals_add_up, ("S115",), "S5"),
    Rule(sums.total_keeps_the_cap, ("S111",), "b.1 E6"),
    Rule(sums.grade_fits_the_total, ("S107",), "S7"),
)


def check(form: Submission, card: Scorecard, edition: Edition) -> list[Finding]:
    """Everything a reviewer would find on this form alone, in the order of the cells."""
    found = [finding for rule in RULES for finding in rule.holds(form, card, edition)]
    return sorted(found, key=lambda finding: (finding.row, finding.column))
