"""The step that looks at a contract's service on a day on which the calendar changes it."""

from __future__ import annotations

from datetime import date, timedelta

from temporalio import activity

from activities.service_telling import ServiceTelling
from dealthread.domain.base import Carried
from dealthread.domain.documents import Entitlement, EntitlementState
from dealthread.domain.service_status import ServiceAct
from dealthread.domain.transaction import SagaContext
from dealthread.errors import VendorUnavailable

CLOCKS_DIFFER = timedelta(minutes=1)
"""The service may be behind the server whose timer fired at midnight."""


class TellService(Carried):
    """Input of `entitlement.tell_status`."""

    context: SagaContext
    customer_key: str
    act: ServiceAct
    day: date
    """The day that has come, by the contract's calendar."""


class ServiceActivities:
    """One business step, through the entitlement port."""

    def __init__(self, telling: ServiceTelling) -> None:
        self._telling = telling

    @activity.defn(name="entitlement.tell_status")
    async def tell(self, order: TellService) -> None:
        """Nothing was asked of the service: a right has begun, or has run out, by its own date.
        Raises VendorUnavailable where by the service's clock that day has not come yet."""
        held = await self._telling.after(order.act, order.context.contract_key, order.customer_key)
        if held is not None and is_behind(held, order.day):
            raise VendorUnavailable("service_day_not_come", retry_after=CLOCKS_DIFFER)


def is_behind(held: Entitlement, day: date) -> bool:
    """Whether the service would say otherwise if it were this day there."""
    if held.state is EntitlementState.RECORDED:
        return any(one.access_from <= day for one in held.grants)
    ends = [one.access_to for one in held.grants]
    return held.state is EntitlementState.ACTIVE and all(end and end <= day for end in ends)
