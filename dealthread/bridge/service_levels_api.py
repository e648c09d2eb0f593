"""What is late now, by service level."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel

from dealthread.bridge.access import READ, requires
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.resources import Resources, resources_of
from dealthread.bridge.service_levels import ServiceLevelDuty
from dealthread.domain.case import Case, CaseState
from dealthread.domain.money import Money
from dealthread.domain.service_level import KIND_OF, Late, Level, ServiceLevels, watch_of
from dealthread.settings import OffsetClock, Principal

router = APIRouter(prefix="/v1", tags=["service levels"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
MOST = 1000


class LateView(BaseModel):
    """One fact that is not there in time."""

    level: Level
    within_hours: int
    late_since: AwareDatetime
    """Business time."""
    late_hours: int
    business_key: str
    contract_key: str
    customer_key: str
    customer_name: str
    legal_entity: str
    region: str
    money: Money | None
    case_id: str
    next_step: str


class LateNow(BaseModel):
    """All that is late, the longest first."""

    late: list[LateView]
    not_looked_at: list[str]
    """Levels of which nobody can say anything, and why."""


@router.get("/service-levels")
async def service_levels(held: Held, _: Reader) -> LateNow:
    """Read from the store now; deals that never arrived, as the relay last found them."""
    config, settings = held.config(), held.settings
    now = OffsetClock(settings.business_offset_seconds).now()
    duty = ServiceLevelDuty(settings, held.engine, None)
    found = await duty.late_here(config, now)
    views = [_view(one, config.service_levels, now) for some in found.values() for one in some]
    queue_cases = await held.cases.listing(CaseState.OPEN, "revops", MOST)
    views += [
        _of_case(one, config.service_levels, now)
        for one in queue_cases
        if one.workflow_id == watch_of(Level.DEAL_RECEIVED)
    ]
    views.sort(key=lambda one: (one.late_since, one.case_id))
    blind = [level for level in KIND_OF if level not in found and level != Level.DEAL_RECEIVED]
    return LateNow(
        late=views[:MOST],
        not_looked_at=[f"{level}: DEALTHREAD_INVOICE_TO_CASH is off" for level in blind],
    )


def _view(late: Late, levels: ServiceLevels, now: datetime) -> LateView:
    within = levels.within(late.level, late.seller)
    return LateView(
        level=late.level,
        within_hours=_hours(within),
        late_since=late.since + within,
        late_hours=_hours(now - late.since - within),
        business_key=late.business_key,
        contract_key=late.contract_key,
        customer_key=late.customer_key,
        customer_name=late.customer_name,
        legal_entity=late.seller,
        region=late.region,
        money=late.money,
        case_id=late.case_id,
        next_step=late.next_step,
    )


def _of_case(case: Case, levels: ServiceLevels, now: datetime) -> LateView:
    late_since = datetime.fromisoformat(case.evidence["late_since"])
    return LateView(
        level=Level.DEAL_RECEIVED,
        within_hours=_hours(levels.within(Level.DEAL_RECEIVED, case.legal_entity)),
        late_since=late_since,
        late_hours=_hours(now - late_since),
        business_key=case.business_key,
        contract_key=case.contract_key,
        customer_key=case.customer_key,
        customer_name=case.customer_name,
        legal_entity=case.legal_entity,
        region=case.region,
        money=case.money_at_risk,
        case_id=case.case_id,
        next_step=case.evidence["next_step"],
    )


def _hours(within: timedelta) -> int:
    return int(within.total_seconds() // 3600)
