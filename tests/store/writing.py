"""A vendor in memory, a journal that stops where a test says, and writes between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from dealthread.domain.base import Carried, Ref, System
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.money import Money
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Limits, Undo, Write
from dealthread.hub import Effects, Journal, WriteSpec
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.store.journal import PostgresJournal

BUSINESS_KEY = "quote-to-cash:00D000000000001EAA:0065g00000AbCdEAAV"
KEY = f"{BUSINESS_KEY}#1/subscription/do"
UNDO_KEY = f"{BUSINESS_KEY}#1/subscription/undo"
CONTRACT = "C-ABCDEFGHIJKLM"
CONTEXT = SagaContext(
    business_key=BUSINESS_KEY,
    generation=1,
    contract_key=CONTRACT,
    org="00D000000000001EAA",
    deal_id="0065g00000AbCdEAAV",
)
QUICK = Limits(
    lease=timedelta(seconds=35),
    unknown_budget=3,
    unknown_for=timedelta(minutes=20),
    late_effect=timedelta(seconds=90),
    first_delay=timedelta(seconds=2),
)


class Agreement(Carried):
    """What the vendor made."""

    native_id: str


def spec(key: str = KEY, request: str = "r1", amount: str = "12.00") -> WriteSpec:
    return WriteSpec(
        key=key,
        step="billing.subscription",
        system="billing",
        account="acct_us",
        context=CONTEXT,
        request_hash=request,
        money=Money.of(amount, "USD"),
    )


def effects_of(agreement: Agreement) -> Effects:
    return Effects(
        refs=(
            Ref(
                system=System.BILLING,
                account="acct_us",
                kind="subscription",
                native_id=agreement.native_id,
            ),
        ),
        events=(
            BusinessEvent(
                id="evt_1",
                type=EventType.SUBSCRIPTION_STARTED,
                subject=CONTRACT,
                time=datetime(2026, 1, 1, tzinfo=UTC),
                data={},
            ),
        ),
        stage="billed",
    )


class Killed(BaseException):
    """The process is gone: nothing that is written below `except Exception` runs."""


@dataclass
class Vendor:
    """Keeps what it made under the caller's key, and counts."""

    made: dict[str, Agreement] = field(default_factory=dict)
    keys: list[str] = field(default_factory=list)
    looked: int = 0
    next_outcome: list[Outcome[Agreement] | BaseException] = field(default_factory=list)
    effect_despite: bool = False
    """The next odd outcome hides an effect."""

    async def find(self) -> Agreement | None:
        self.looked += 1
        return next(iter(self.made.values()), None)

    async def create(self, key: str) -> Outcome[Agreement]:
        self.keys.append(key)
        odd = self.next_outcome.pop(0) if self.next_outcome else None
        if odd is None or self.effect_despite:
            self.effect_despite = False
            made = self.made.setdefault(key, Agreement(native_id=f"sub_{len(self.keys)}"))
            if odd is None:
                return Done(made)
        if isinstance(odd, BaseException):
            raise odd
        return odd

    async def remove(self, agreement: Agreement, key: str) -> Outcome[Agreement]:
        self.keys.append(key)
        odd = self.next_outcome.pop(0) if self.next_outcome else None
        if isinstance(odd, BaseException):
            raise odd
        if odd is not None:
            return odd
        self.made = {k: v for k, v in self.made.items() if v != agreement}
        return Done(agreement)


class StoppingJournal:
    """Stops the process after (or before) one call of the journal."""

    def __init__(self, journal: Journal, call: str, *, before: bool = False) -> None:
        self._journal, self._call, self._before = journal, call, before

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        real = getattr(self._journal, name)

        async def call(*args: Any, **more: Any) -> Any:
            if name == self._call and self._before:
                raise Killed(name)
            result = await real(*args, **more)
            if name == self._call:
                raise Killed(name)
            return result

        return call


@dataclass
class Bench:
    """One write, its vendor and a clock that the test moves."""

    journal: PostgresJournal
    vendor: Vendor = field(default_factory=Vendor)
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def ensure(self, journal: Any = None) -> Ensure:
        return Ensure(journal or self.journal, QUICK, now=self.now)

    def write(self, request: str = "r1", **more: Any) -> Write[Agreement]:
        return Write(
            spec=spec(request=request, amount=more.pop("amount", "12.00")),
            result_type=Agreement,
            find=self.vendor.find,
            act=self.vendor.create,
            effects=effects_of,
            **more,
        )

    def undoing(self, **more: Any) -> Undo[Agreement]:
        return Undo(
            spec=spec(UNDO_KEY),
            result_type=Agreement,
            find=self.vendor.find,
            remove=self.vendor.remove,
            **more,
        )

    async def attempt(self, journal: Any = None, **more: Any) -> Agreement:
        return await self.ensure(journal)(self.write(**more))

    async def undo(self, journal: Any = None, **more: Any) -> Agreement | None:
        return await self.ensure(journal).undo(KEY, self.undoing(**more))

    async def until(self, later: timedelta) -> None:
        """Move the clock; a lease left by a dead attempt has lapsed then."""
        self.ahead += later
        await self.journal.release(spec())
        await self.journal.release(spec(UNDO_KEY))


REFUSED = Rejected(case_kind="billing.rejected", code="card_declined", evidence={"why": "x"})
LOST = Unknown(code="read_timeout")
