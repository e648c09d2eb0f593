"""A contract that systems tell differently, as a case: nothing to decide, it closes by itself."""

from __future__ import annotations

from collections.abc import Iterable

from dealthread.domain.case import KINDS, CaseOpening
from dealthread.domain.comparison.finding import StateDifference
from dealthread.domain.comparison.standing import ContractStanding
from dealthread.naming import case_key, contract_workflow_id

KIND = "reconcile.difference"
MOST_TOLD = 20
"""Differences in the evidence of one case; `dealthread contracts check` lists them all."""


def case_of(contract_key: str) -> str:
    """A contract has one case, whatever differs."""
    return case_key(f"contract-check/{contract_key}")


def told_as(difference: StateDifference) -> str:
    """Name of a difference in the evidence of its case."""
    where = ":".join(filter(None, (difference.system, difference.name, difference.record)))
    return f"{where} {difference.field}"


def opening(
    standing: ContractStanding,
    differences: Iterable[StateDifference],
    occurrence: int,
    watch: str,
) -> CaseOpening:
    """With customer, contract, region, value and the next step. `watch` stands for the workflow
    that a case is decided in: there is none."""
    told = list(differences)
    systems = sorted({one.system for one in told})
    contract = standing.contract
    evidence = {
        told_as(one): f"{one.found} instead of {one.wanted}, since {one.since.isoformat()}"
        for one in told[:MOST_TOLD]
    }
    return CaseOpening(
        case_id=case_of(standing.key),
        occurrence=occurrence,
        kind=KIND,
        business_key=contract_workflow_id(standing.key),
        generation=0,
        contract_key=standing.key,
        workflow_id=watch,
        step="contract",
        code="systems_differ",
        summary=f"{KINDS[KIND].title}: {len(told)} in {', '.join(systems)}",
        evidence={
            **evidence,
            "next_step": f"dealthread contracts check {standing.key}; {told[0].next_step}",
        },
        money_at_risk=standing.value,
        customer_key=contract.customer_key,
        customer_name=standing.customer_name,
        legal_entity=contract.seller,
        region=contract.seller_region,
    )
