"""What the customer of a contract receives, as the entitlement service answers."""

from __future__ import annotations

from enum import StrEnum

from dealthread.domain.base import Carried
from dealthread.domain.documents import Entitlement, EntitlementState


class ServiceStatus(StrEnum):
    NONE = "none"
    """Nothing was ever granted, or told of."""
    SCHEDULED = "scheduled"
    """Granted; the first day lies ahead."""
    ACTIVE = "active"
    SUSPENDED = "suspended"
    """Granted, and withheld by at least one hold."""
    ENDED = "ended"


class ServiceAct(StrEnum):
    """The act after which it is looked: the reason that is told."""

    GRANTED = "granted"
    WITHDRAWN = "withdrawn"
    CHANGED = "contract changed"
    OVERDUE = "overdue invoice"
    HOLD_LIFTED = "hold lifted"
    FIRST_DAY = "first day"
    TERM_OVER = "term over"


class ToldService(Carried):
    """What was last told of a contract's service. `looks` counts the looks that were recorded,
    those that found nothing new too: a look that another one overtook is not recorded."""

    contract_key: str
    status: ServiceStatus = ServiceStatus.NONE
    looks: int = 0
    told: int = 0
    """How many changes were told."""


_STATUS = {
    EntitlementState.RECORDED: ServiceStatus.SCHEDULED,
    EntitlementState.ACTIVE: ServiceStatus.ACTIVE,
    EntitlementState.SUSPENDED: ServiceStatus.SUSPENDED,
    EntitlementState.REVOKED: ServiceStatus.ENDED,
    EntitlementState.ENDED: ServiceStatus.ENDED,
}


def status_of(held: Entitlement | None) -> ServiceStatus:
    """Whatever holds it, and however many holds there are."""
    return ServiceStatus.NONE if held is None else _STATUS[held.state]


def is_news(before: ServiceStatus, now: ServiceStatus, act: ServiceAct) -> bool:
    """Whether a change is told. A grant that was taken back before anybody heard of it is not, and
    neither is a service that the service itself has forgotten."""
    if now in (before, ServiceStatus.NONE):
        return False
    was_unheard = before is ServiceStatus.NONE and now is ServiceStatus.ENDED
    return not (was_unheard and act in (ServiceAct.GRANTED, ServiceAct.WITHDRAWN))
