"""The table of validation rules in docs/operations.md, made from the rules themselves.

`python -m tests.docs.rules_table` prints it; `test_docs.py` compares.
"""

from __future__ import annotations

import sys

from dealthread.domain.validation.rule import Severity
from dealthread.domain.validation.table import NOT_DECIDABLE, RULES

BEGIN, END = "<!-- rules: generated -->", "<!-- rules: end -->"
SEVERITIES = {
    Severity.STOP: "stops",
    Severity.WARN: "is recorded",
    Severity.APPROVAL: "needs approval",
}


def rules_table() -> str:
    """Both tables, in the order in which the rules run."""
    lines = [
        "| rule | what must hold | otherwise it | owner | kind of case |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {rule.id} | {rule.title} | {SEVERITIES[rule.severity]} | {rule.owner} "
        f"| `{rule.case_kind}` |"
        for rule in RULES
    ]
    lines += ["", "| not decided | why |", "|---|---|"]
    lines += [f"| {name} | {reason} |" for name, reason in NOT_DECIDABLE.items()]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(rules_table() + "\n")
