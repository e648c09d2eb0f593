"""What subscribers hear of the service that a contract's customer receives.

What the service answers to an act may be lost, old, or one of two at once. So it is asked again
after each act, and what it says is compared with what was last told; a look that another one
overtook is repeated. Two holds are one suspension, told once; so is its end, with the last hold.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from dealthread.domain.documents import Entitlement
from dealthread.domain.event_data.service import ServiceStatusChanged
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.service_status import ServiceAct, ToldService, is_news, status_of
from dealthread.errors import AttemptInFlight
from dealthread.hub_service import Services
from dealthread.naming import event_id
from dealthread.ports.clock import BusinessClock
from dealthread.ports.entitlement import EntitlementPort

LOOKS = 5
"""Times that others may overtake a look before its step begins anew."""
SOON = timedelta(seconds=1)


class ServiceTelling:
    """Looks at the service, and tells what is new."""

    def __init__(
        self, entitlement: EntitlementPort, services: Services, clock: BusinessClock
    ) -> None:
        self._entitlement = entitlement
        self._services = services
        self._clock = clock

    async def after(
        self, act: ServiceAct, contract_key: str, customer_key: str
    ) -> Entitlement | None:
        """Tell what the act came to; what the service holds now. Repeated, it tells nothing new.
        Raises AttemptInFlight where others keep overtaking it, and what a look-up raises."""
        for _ in range(LOOKS):
            # Read before the service is asked: whoever is recorded after this looked at a state
            # that may be newer.
            before = await self._services.told(contract_key)
            at = self._clock.now()
            held = await self._entitlement.find(contract_key, idempotency_key="")
            now = status_of(held)
            news = is_news(before.status, now, act)
            after = before.model_copy(update={"looks": before.looks + 1})
            event = None
            if news:
                after = after.model_copy(update={"status": now, "told": before.told + 1})
                event = self._event(act, before, after, customer_key, at)
            if await self._services.looked(before, after, event):
                return held
        raise AttemptInFlight("service_changes_too_fast", retry_after=SOON)

    def _event(
        self,
        act: ServiceAct,
        before: ToldService,
        after: ToldService,
        customer_key: str,
        at: datetime,
    ) -> BusinessEvent:
        return BusinessEvent(
            id=event_id(f"service:{after.contract_key}/{after.told}/told"),
            type=EventType.SERVICE_STATUS_CHANGED,
            subject=after.contract_key,
            time=at,
            data=ServiceStatusChanged(
                contract_key=after.contract_key,
                customer_key=customer_key,
                status=after.status,
                previous_status=before.status,
                reason=act,
            ).told(),
        )
