"""Running the rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import ApprovalReason
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import Deal
from dealthread.domain.validation.facts import ExternalFacts
from dealthread.domain.validation.rule import Assessment, Rule, Severity, Violation
from dealthread.domain.validation.table import RULES

# The contract that amounts are judged on is thrown away: its key is never seen.
_DRAFT_KEY = "C-ASSESSMENT"


def assess_static(deal: Deal, config: ConfigSet, today: date) -> list[Violation]:
    """What the deal and the configuration alone decide. `deal` is the corrected deal."""
    return assess(deal, config, today, ExternalFacts())


def assess(deal: Deal, config: ConfigSet, today: date, facts: ExternalFacts) -> list[Violation]:
    """All violations, in the order of the table.

    A rule whose precondition is violated is skipped, and so are those that follow it. A waived
    rule (`deal.waived_rules`) is dropped only where it would ask for an approval.
    """
    assessment = Assessment(deal, config, today, facts)
    found: list[Violation] = []
    failed: set[str] = set()
    for rule in RULES:
        if failed.intersection(rule.after):
            failed.add(rule.id)
            continue
        if rule.needs_contract:
            if blocking(found):
                continue
            if assessment.contract is None:
                contract = build_contract(deal, config, today, _DRAFT_KEY)
                assessment = replace(assessment, contract=contract)
        violations = _run(rule, assessment)
        if violations:
            failed.add(rule.id)
        found.extend(v for v in violations if not _is_waived(v, deal))
    return found


def _run(rule: Rule, assessment: Assessment) -> list[Violation]:
    return [
        Violation(
            rule=rule.id,
            severity=finding.severity or rule.severity,
            field=finding.field,
            value=finding.value,
            owner=rule.owner,
            case_kind=finding.case_kind or rule.case_kind,
            message=finding.message,
        )
        for finding in rule.check(assessment)
    ]


def _is_waived(violation: Violation, deal: Deal) -> bool:
    return violation.severity is Severity.APPROVAL and violation.rule in deal.waived_rules


def blocking(violations: Iterable[Violation]) -> list[Violation]:
    """Those that stop the deal."""
    return [row for row in violations if row.severity is Severity.STOP]


def warnings(violations: Iterable[Violation]) -> list[Violation]:
    """Those that are recorded only."""
    return [row for row in violations if row.severity is Severity.WARN]


def approval_reasons(violations: Iterable[Violation]) -> tuple[ApprovalReason, ...]:
    """What a person has to approve."""
    return tuple(
        ApprovalReason(
            rule=row.rule,
            queue=row.owner,
            field=row.field,
            detail=f"{row.value}: {row.message}" if row.value else row.message,
        )
        for row in violations
        if row.severity is Severity.APPROVAL
    )


def undecided(facts: ExternalFacts) -> tuple[str, ...]:
    """Rules that were not, or only partly, decided because a fact was not gathered."""
    return tuple(rule.id for rule in RULES if rule.fact and getattr(facts, rule.fact) is None)
