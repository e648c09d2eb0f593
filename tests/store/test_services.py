"""EV-01: what is told of a service is what it did, once and in order, whoever looks at once."""

from __future__ import annotations

import asyncio
import random
from datetime import date, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.service_status import ServiceActivities, TellService
from activities.service_telling import LOOKS, ServiceTelling
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import Entitlement, EntitlementState, Grant
from dealthread.domain.service_status import (
    ServiceAct,
    ServiceStatus,
    ToldService,
    is_news,
    status_of,
)
from dealthread.domain.transaction import SagaContext
from dealthread.errors import AttemptInFlight, VendorUnavailable
from dealthread.store.schema import outbox
from dealthread.store.services import PostgresServices
from tests.fakes.clock import FakeClock
from tests.fakes.entitlement import FakeEntitlement
from tests.fakes.world import World

pytestmark = pytest.mark.postgres
KEY, CUSTOMER = "C-ABCDEFGHIJKLM", "A-1001"


class Service(FakeEntitlement):
    """One contract's service, set by hand; each look is held up after its answer."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.slow = random.Random(7)  # noqa: S311 test data

    def becomes(self, state: EntitlementState | None) -> None:
        self.held.pop(KEY, None)
        if state is not None:
            ref = Ref(system=System.ENTITLEMENT, account="x", kind="entitlement", native_id="e")
            self.held[KEY] = Entitlement(ref=ref, contract_key=KEY, state=state)

    async def find(self, contract_key: str, *, idempotency_key: str) -> Entitlement | None:
        found = self.held.get(contract_key)
        await asyncio.sleep(self.slow.random() / 100)
        return found


class Desk:
    """A service, who tells of it, and what was told."""

    def __init__(self, store: AsyncEngine) -> None:
        self.store = store
        self.world = World()
        self.service = Service(self.world)
        self.services = PostgresServices(store)
        self.telling = ServiceTelling(self.service, self.services, FakeClock(self.world))

    async def after(self, act: ServiceAct) -> None:
        await self.telling.after(act, KEY, CUSTOMER)

    async def told(self) -> list[tuple[str, str]]:
        async with self.store.connect() as connection:
            rows = (await connection.execute(select(outbox.c.body))).scalars()
            found = sorted(rows, key=lambda body: body["time"])
        return [(one["data"]["previous_status"], one["data"]["status"]) for one in found]


ACTIVE, HELD, ENDED = (
    EntitlementState.ACTIVE,
    EntitlementState.SUSPENDED,
    EntitlementState.ENDED,
)


async def test_a_look_tells_what_is_new_and_its_repeat_nothing(store: AsyncEngine) -> None:
    desk = Desk(store)
    for state, act in (
        (EntitlementState.RECORDED, ServiceAct.GRANTED),
        (ACTIVE, ServiceAct.FIRST_DAY),
        (HELD, ServiceAct.OVERDUE),
        (ACTIVE, ServiceAct.HOLD_LIFTED),
        (ENDED, ServiceAct.TERM_OVER),
        (ACTIVE, ServiceAct.CHANGED),
    ):
        desk.service.becomes(state)
        for _ in range(3):
            desk.world.today += timedelta(minutes=1)
            await desk.after(act)
    assert await desk.told() == [
        ("none", "scheduled"),
        ("scheduled", "active"),
        ("active", "suspended"),
        ("suspended", "active"),
        ("active", "ended"),
        ("ended", "active"),
    ]


async def test_a_look_that_another_overtook_looks_again(store: AsyncEngine) -> None:
    """It saw the service held; the hold was lifted and told of before it could tell: it tells
    nothing, and the last that is told is what is so."""
    desk = Desk(store)
    desk.service.becomes(ACTIVE)
    await desk.after(ServiceAct.GRANTED)
    desk.service.becomes(HELD)
    before = await desk.services.told(KEY)
    seen = status_of(await desk.service.find(KEY, idempotency_key=""))
    assert seen is ServiceStatus.SUSPENDED
    desk.service.becomes(ACTIVE)
    await desk.after(ServiceAct.HOLD_LIFTED)
    late = before.model_copy(update={"status": seen, "looks": before.looks + 1})
    assert not await desk.services.looked(before, late, None)
    assert (await desk.services.told(KEY)).status is ServiceStatus.ACTIVE
    assert await desk.told() == [("none", "active")]


async def test_many_at_once_tell_a_chain_without_a_gap_that_ends_as_the_service_does(
    store: AsyncEngine,
) -> None:
    """Sixty acts by six at once, each with looks of another length: each event begins where the
    one before it ended, and the last one says what is so."""
    desk = Desk(store)
    desk.service.becomes(ACTIVE)
    await desk.after(ServiceAct.GRANTED)
    chosen = random.Random(20261130)  # noqa: S311 test data

    async def one() -> None:
        for _ in range(10):
            state, act = chosen.choice(
                ((HELD, ServiceAct.OVERDUE), (ACTIVE, ServiceAct.HOLD_LIFTED))
            )
            desk.world.today += timedelta(seconds=1)
            desk.service.becomes(state)
            while True:
                try:
                    await desk.after(act)
                except AttemptInFlight:
                    continue
                break

    await asyncio.gather(*(one() for _ in range(6)))
    told = await desk.told()
    assert len(told) > 3
    assert all(before != now for before, now in told)
    assert [now for _, now in told[:-1]] == [before for before, _ in told[1:]]
    assert told[-1][1] == status_of(desk.service.held[KEY])
    last = await desk.services.told(KEY)
    assert (last.status, last.told) == (told[-1][1], len(told))
    assert last.looks >= 61


async def test_who_is_always_overtaken_begins_his_step_anew(store: AsyncEngine) -> None:
    desk = Desk(store)
    desk.service.becomes(ACTIVE)
    asked = 0

    class Overtaken(PostgresServices):
        async def looked(self, before: ToldService, after: ToldService, event: object) -> bool:
            nonlocal asked
            asked += 1
            return False

    telling = ServiceTelling(desk.service, Overtaken(store), FakeClock(desk.world))
    with pytest.raises(AttemptInFlight):
        await telling.after(ServiceAct.GRANTED, KEY, CUSTOMER)
    assert asked == LOOKS
    assert await desk.told() == []


@pytest.mark.parametrize(
    ("state", "act", "told"),
    [
        (EntitlementState.REVOKED, ServiceAct.WITHDRAWN, []),
        (EntitlementState.REVOKED, ServiceAct.GRANTED, []),
        (None, ServiceAct.WITHDRAWN, []),
        (ENDED, ServiceAct.TERM_OVER, [("none", "ended")]),
        (HELD, ServiceAct.OVERDUE, [("none", "suspended")]),
    ],
)
async def test_what_nobody_heard_of_is_not_told_to_be_withdrawn(
    store: AsyncEngine,
    state: EntitlementState | None,
    act: ServiceAct,
    told: list[tuple[str, str]],
) -> None:
    """A contract of before this was kept is told of with the first thing that happens to it."""
    desk = Desk(store)
    desk.service.becomes(state)
    await desk.after(act)
    assert await desk.told() == told


@pytest.mark.parametrize("act", list(ServiceAct))
def test_the_same_again_and_a_service_forgotten_by_itself_are_no_news(act: ServiceAct) -> None:
    for status in ServiceStatus:
        assert not is_news(status, status, act)
        assert not is_news(status, ServiceStatus.NONE, act)


DAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    ("state", "days", "act", "is_there"),
    [
        (EntitlementState.RECORDED, (DAY, None), ServiceAct.FIRST_DAY, False),
        (EntitlementState.RECORDED, (DAY + timedelta(days=1), None), ServiceAct.FIRST_DAY, True),
        (ACTIVE, (DAY, None), ServiceAct.FIRST_DAY, True),
        (ACTIVE, (DAY - timedelta(days=365), DAY), ServiceAct.TERM_OVER, False),
        (ENDED, (DAY - timedelta(days=365), DAY), ServiceAct.TERM_OVER, True),
        (HELD, (DAY - timedelta(days=365), DAY), ServiceAct.TERM_OVER, True),
    ],
)
async def test_a_service_whose_clock_is_behind_the_calendar_is_looked_at_again(
    store: AsyncEngine,
    state: EntitlementState,
    days: tuple[date, date | None],
    act: ServiceAct,
    is_there: bool,
) -> None:
    """A timer fires at midnight; there it may be a second before. A right that begins or ends on
    another day is not waited for."""
    desk = Desk(store)
    desk.service.becomes(state)
    right = Grant(
        line_key="L-1",
        template="seats",
        quantity=Decimal(5),
        access_from=days[0],
        access_to=days[1],
    )
    held = desk.service.held[KEY].model_copy(update={"grants": (right,)})
    desk.service.held[KEY] = held
    context = SagaContext(
        business_key="activation:x", generation=1, contract_key=KEY, org="o", deal_id="d"
    )
    order = TellService(context=context, customer_key=CUSTOMER, act=act, day=DAY)
    step = ServiceActivities(desk.telling)
    if is_there:
        await step.tell(order)
        return
    with pytest.raises(VendorUnavailable) as early:
        await step.tell(order)
    assert (early.value.code, early.value.retry_after) == (
        "service_day_not_come",
        timedelta(minutes=1),
    )
