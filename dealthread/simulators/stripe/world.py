"""The simulated Stripe as handlers see it: accounts, time, evidence, events."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.webhook_sender import WebhookSender
from dealthread.simulators.stripe.config import SimulatorConfig
from dealthread.simulators.stripe.store import SPOKEN, AccountState, Json
from dealthread.simulators.stripe.wire.errors import StripeError


@dataclass
class World:
    """Everything that exists. One per simulator process."""

    config: SimulatorConfig
    clock: SimClock
    ledger: Ledger
    webhooks: WebhookSender
    accounts: dict[str, AccountState] = field(default_factory=dict)

    def by_key(self, secret_key: str) -> AccountState | None:
        """The account a secret key belongs to."""
        for account in self.accounts.values():
            if account.config.secret_key == secret_key:
                return account
        return None


@dataclass
class Context:
    """One request, or one deed of the clock: where it happens, when, and on whose behalf."""

    world: World
    account: AccountState
    request_id: str | None = None
    idempotency_key: str | None = None
    # The instant a deed of the agenda was due; None while answering a request.
    deed_at: int | None = None
    expand: list[str] = field(default_factory=list)

    def now(self, customer_id: str | None = None) -> int:
        """Business time in Unix seconds; for a customer on a test clock, that clock's frozen time.

        The one seam for time.
        """
        if self.deed_at is not None:
            return self.deed_at
        clock = self.account.find("test_clock", self.clock_of(customer_id))
        if clock is not None:
            frozen: int = clock["frozen_time"]
            return frozen
        return self.world_now()

    def world_now(self) -> int:
        """The time of the world in Unix seconds, whatever a test clock says."""
        return int(self.world.clock.now().timestamp())

    def clock_of(self, customer_id: str | None) -> str | None:
        """The test clock a customer lives by, or None."""
        customer = self.account.find("customer", customer_id)
        found: str | None = None if customer is None else customer["test_clock"]
        return found

    def exact_now(self) -> float:
        """Business time with fractions, for the lag of search."""
        return self.world.clock.now().timestamp()

    def get(self, kind: str, object_id: str, *, param: str = "id") -> Json:
        """The object, or the vendor's `resource_missing`."""
        found = self.account.find(kind, object_id)
        if found is None:
            raise StripeError.no_such(SPOKEN.get(kind, kind), object_id, param=param)
        return found

    def effect(self, kind: str, obj: Json, **details: Any) -> None:
        """Write a change of state to the ledger."""
        self.world.ledger.effect(
            kind, obj["id"], account=self.account.id, key=self.idempotency_key, details=details
        )


@contextmanager
def whole_or_nothing(*parts: Json) -> Iterator[None]:
    """Undo what an operation changed in these objects when it is refused halfway."""
    copies = [snapshot(part) for part in parts]
    try:
        yield
    except StripeError:
        for part, copied in zip(parts, copies, strict=True):
            part.clear()
            part.update(copied)
        raise


def snapshot(obj: Json) -> Json:
    """An independent copy of a JSON value."""
    copied: Json = json.loads(json.dumps(obj))
    return copied
