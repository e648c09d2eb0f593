"""A contract that systems tell differently, as a case: nothing to decide, it closes by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def is_told(differences: Sequence[StateDifference], evidence: Mapping[str, str]) -> bool:
    """Whether a case's evidence says all of it, with these values."""
    return all(
        evidence.get(told_as(one), "").startswith(f"{_said(one)}, ")
        for one in differences[:MOST_TOLD]
    )


def _said(difference: StateDifference) -> str:
    return f"{difference.found} instead of {difference.wanted}"


def opening(
    standing: ContractStanding,
    told: Sequence[StateDifference],
    occurrence: int,
    watch: str,
) -> CaseOpening:
    """With customer, contract, region, value and the next step. `watch` stands for the workflow
    that a case is decided in: there is none."""
    systems = sorted({one.system for one in told})
    contract = standing.contract
    evidence = {
        told_as(one): f"{_said(one)}, since {one.since.isoformat()}" for one in told[:MOST_TOLD]
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
