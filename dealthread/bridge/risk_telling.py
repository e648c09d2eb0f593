"""What subscribers hear when customer success sees a contract's next term in doubt."""

from __future__ import annotations

from datetime import datetime

from dealthread.domain.contract import Contract
from dealthread.domain.event_data.contract import RenewalRiskRaised
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.transaction import RiskLevel
from dealthread.naming import event_id

SOURCE = "customer-success"


def risk_raised(contract: Contract, level: RiskLevel, now: datetime) -> tuple[BusinessEvent, ...]:
    """A high risk, once a contract and day however often it is signalled; a low one is none. The
    reason in words stays with the contract: it may name people."""
    if level is not RiskLevel.HIGH:
        return ()
    data = RenewalRiskRaised(
        contract_key=contract.key,
        customer_key=contract.customer_key,
        signal=f"risk_{level}",
        source=SOURCE,
        term_end_date=contract.end_date,
    )
    told = f"contract:{contract.key}/risk/{level}/{now.date().isoformat()}"
    return (
        BusinessEvent(
            id=event_id(told),
            type=EventType.RENEWAL_RISK_RAISED,
            subject=contract.key,
            time=now,
            data=data.told(),
        ),
    )
