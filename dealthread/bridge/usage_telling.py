"""What a billing period's new total tells: thresholds that it reached, each once a period, and use
beyond what was licensed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from dealthread.domain.case import KINDS, CaseOpening
from dealthread.domain.contract import Contract
from dealthread.domain.event_data.cash import UsageThresholdBreached
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.policy import Policy
from dealthread.domain.usage.period import usage_lines
from dealthread.domain.usage.terms import UsageTerms
from dealthread.hub_usage import PeriodTotal, ToldOfUse
from dealthread.naming import case_key, event_id

OVER_USE = "entitlement.over_use"


class UsageTelling:
    """Called within the transaction that made a total, in which all of it is written."""

    def __init__(self, contracts: Mapping[str, Contract], now: datetime, policy: Policy) -> None:
        self._contracts = contracts
        self._now = now
        self._policy = policy

    def __call__(self, total: PeriodTotal) -> ToldOfUse:
        contract = self._contracts[total.contract_key]
        terms, meter = _terms(contract, total)
        if terms is None:
            return ToldOfUse()
        is_over = terms.licensed is not None and total.after > terms.licensed
        return ToldOfUse(
            events=tuple(
                self._breached(contract, total, terms, meter, percent)
                for percent in sorted(self._policy.usage_thresholds_percent)
                if terms.included and total.before < _units(terms, percent) <= total.after
            ),
            cases=(_over_use(contract, total, terms),) if is_over else (),
        )

    def _breached(
        self,
        contract: Contract,
        total: PeriodTotal,
        terms: UsageTerms,
        meter: str,
        percent: int,
    ) -> BusinessEvent:
        key = f"usage:{total.contract_key}:{total.line_key}:{total.period_start}#{percent}"
        return BusinessEvent(
            id=event_id(key),
            type=EventType.USAGE_THRESHOLD_BREACHED,
            subject=contract.key,
            time=self._now,
            data=UsageThresholdBreached(
                contract_key=contract.key,
                customer_key=contract.customer_key,
                line_key=total.line_key,
                meter=meter,
                period_start_date=total.period_start,
                threshold=f"{_units(terms, percent).normalize():f}",
                used=f"{total.after.normalize():f}",
                included=f"{terms.included.normalize():f}",
                percent=percent,
            ).told(),
        )


def _units(terms: UsageTerms, percent: int) -> Decimal:
    return terms.included * percent / 100


def _terms(contract: Contract, total: PeriodTotal) -> tuple[UsageTerms | None, str]:
    for line in usage_lines(contract, total.period_start):
        if line.line_key == total.line_key and line.usage is not None:
            return line.usage, line.usage.meter
    return None, ""


def _over_use(contract: Contract, total: PeriodTotal, terms: UsageTerms) -> CaseOpening:
    assert terms.licensed is not None  # noqa: S101 - asked before
    return CaseOpening(
        case_id=case_key(f"usage/{total.contract_key}/{total.line_key}/{total.period_start}"),
        occurrence=1,
        kind=OVER_USE,
        business_key=f"usage:{contract.billing_account}",
        generation=1,
        contract_key=contract.key,
        workflow_id="",
        step="usage",
        code="used_more_than_licensed",
        summary="The customer uses more than the contract's licence in this billing period.",
        evidence={
            "line": total.line_key,
            "meter": terms.meter,
            "period": total.period_start.isoformat(),
            "used": f"{total.after.normalize():f}",
            "licensed": f"{terms.licensed.normalize():f}",
        },
        allowed=KINDS[OVER_USE].decisions,
        money_at_risk=terms.rated(total.after) - terms.rated(terms.licensed),
        customer_key=contract.customer_key,
        legal_entity=contract.seller,
        region=contract.seller_region,
    )
