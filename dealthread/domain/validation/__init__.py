"""Rules V01–V38: what must hold before anything is written anywhere.

`assess_static` needs the deal and the configuration only, `assess` also what was read from the
biller, the ERP and our own store (`ExternalFacts`). Both are pure.
"""

from __future__ import annotations

from dealthread.domain.validation.assess import (
    approval_reasons,
    assess,
    assess_static,
    blocking,
    undecided,
    warnings,
)
from dealthread.domain.validation.facts import (
    ActiveContract,
    CreditFacts,
    ExternalFacts,
    PostingFinding,
)
from dealthread.domain.validation.rule import Assessment, Rule, Severity, Violation
from dealthread.domain.validation.table import NOT_DECIDABLE, RULES

__all__ = [
    "NOT_DECIDABLE",
    "RULES",
    "ActiveContract",
    "Assessment",
    "CreditFacts",
    "ExternalFacts",
    "PostingFinding",
    "Rule",
    "Severity",
    "Violation",
    "approval_reasons",
    "assess",
    "assess_static",
    "blocking",
    "undecided",
    "warnings",
]
