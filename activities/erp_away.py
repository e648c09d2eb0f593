"""How long a step that could go on without the ERP waits for one that does not answer."""

from __future__ import annotations

from datetime import timedelta

from dealthread.breaker import OPEN, OPEN_SECONDS
from dealthread.errors import Outage, RateLimited, VendorUnavailable

AWAY = "erp_unavailable"


def erp_away(error: VendorUnavailable | RateLimited, patience: timedelta) -> VendorUnavailable:
    """What to tell the saga. In a known outage its age counts, not this deal's own waiting: a deal
    that comes an hour into it is not held up at all."""
    if error.code != OPEN:
        return VendorUnavailable(AWAY, retry_after=error.retry_after)
    left = patience - timedelta(seconds=float(error.evidence[OPEN_SECONDS]))
    if left <= timedelta(0):
        return Outage(AWAY)
    return VendorUnavailable(AWAY, retry_after=min(error.retry_after or left, left))
