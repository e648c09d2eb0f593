"""RS-08: what opens a circuit and what does not, who probes, and what half open lets through."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.worker import SlotPermit

from dealthread.breaker import OPEN, Breaker
from dealthread.domain.circuit import Circuit, CircuitState, Pace
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    DealthreadError,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    StepRejected,
    VendorUnavailable,
)
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.watched import watched
from workers.turnstile import Trial, Turnstile

PACE = Pace(failures=3)
START = datetime(2026, 11, 1, 9, tzinfo=UTC)
AWAY = VendorUnavailable("not_connected")


class Store:
    """Circuits in memory; away when told."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], Circuit] = {}
        self.is_away = False

    def _ask(self) -> None:
        if self.is_away:
            raise OSError("the store is away")

    async def read(self, vendor: str, account: str) -> Circuit:
        self._ask()
        return self.held.get((vendor, account), Circuit(vendor=vendor, account=account))

    async def all(self) -> Sequence[Circuit]:
        self._ask()
        return list(self.held.values())

    async def change(
        self, before: Circuit, after: Circuit, *, at: datetime, actor: str, reason: str
    ) -> bool:
        del at, actor, reason
        if (await self.read(before.vendor, before.account)).version != before.version:
            return False
        self.held[before.vendor, before.account] = after
        return True


class Erp:
    """One call, which ends as told; a plain method beside it."""

    def __init__(self) -> None:
        self.end: DealthreadError | Outcome[str] = Done("done")
        self.calls = 0

    async def call(self) -> Outcome[str]:
        self.calls += 1
        if isinstance(self.end, DealthreadError):
            raise self.end
        return self.end

    def settle(self) -> int:
        return 7


class World:
    """Two processes before one ERP, and their time."""

    def __init__(self) -> None:
        self.now, self.store, self.erp = START, Store(), Erp()
        self.first, self.second = (
            Breaker(self.store, {"erp": self.erp.call}, name=name, pace=PACE, now=lambda: self.now)
            for name in ("first", "second")
        )
        self.port = watched(self.erp, "erp", self.first)

    async def calls(self, *ends: DealthreadError | Outcome[str]) -> None:
        for end in ends:
            self.erp.end = end
            with contextlib.suppress(DealthreadError):
                await self.port.call()

    async def wait_for_probe(self) -> None:
        due = self.first.circuit("erp").next_probe_at
        assert due is not None
        self.now = due
        for breaker in (self.first, self.second):
            await breaker.tick()

    def states(self) -> tuple[CircuitState, CircuitState]:
        return self.first.circuit("erp").state, self.second.circuit("erp").state


@pytest.mark.parametrize(
    "end",
    [
        AWAY,
        OutcomeUnknown("read_timeout"),
        Unknown("connection_reset"),
        Unknown("server_error"),
    ],
    ids=str,
)
async def test_a_run_of_unreachable_answers_opens_and_what_follows_calls_nobody(
    end: DealthreadError | Outcome[str],
) -> None:
    world = World()
    await world.calls(end, end)
    assert world.first.passes("erp")
    await world.calls(end, end, end)
    assert world.erp.calls == 3
    with pytest.raises(VendorUnavailable) as refused:
        await world.port.call()
    assert refused.value.code == OPEN
    assert refused.value.retry_after == PACE.first_pause + PACE.trial
    assert world.port.settle() == 7


@pytest.mark.parametrize(
    "end",
    [
        Done("done"),
        RateLimited("too_many"),
        StepRejected("no", case_kind="erp.rejected"),
        Rejected("erp.rejected", "no"),
        ContractDrift("shape"),
        Unknown("malformed_answer"),
        OutcomeUnknown("internal_error"),
        AuthRejected("login_refused"),
        Conflict("changed_meanwhile"),
        NotFound("gone"),
    ],
    ids=str,
)
async def test_an_answer_of_whatever_kind_breaks_the_run(
    end: DealthreadError | Outcome[str],
) -> None:
    world = World()
    for _ in range(4):
        await world.calls(AWAY, AWAY, end)
    assert world.first.passes("erp")
    assert world.erp.calls == 12


async def test_one_process_probes_half_open_is_its_own_and_the_next_answer_closes() -> None:
    world = World()
    await world.calls(AWAY, AWAY, AWAY)
    await world.wait_for_probe()
    assert world.erp.calls == 4, "one of the two asked"
    assert world.states() == (CircuitState.OPEN, CircuitState.OPEN)
    world.erp.end = Done("back")
    await world.wait_for_probe()
    assert world.erp.calls == 5
    assert world.states() == (CircuitState.HALF_OPEN, CircuitState.HALF_OPEN)
    assert [one.is_trial("erp") for one in (world.first, world.second)] == [True, False]
    await world.calls(Done("first work"))
    await world.second.tick()
    assert world.states() == (CircuitState.CLOSED, CircuitState.CLOSED)


async def test_half_open_without_work_is_closed_by_a_second_probe_and_reopened_by_a_failure() -> (
    None
):
    world = World()
    await world.calls(AWAY, AWAY, AWAY)
    outage = world.first.circuit("erp").incident
    world.erp.end = Done("back")
    await world.wait_for_probe()
    await world.calls(AWAY)
    again = world.first.circuit("erp")
    assert (again.state, again.incident) == (CircuitState.OPEN, outage)
    assert again.pause > PACE.first_pause
    world.erp.end = Done("back")
    await world.wait_for_probe()
    await world.wait_for_probe()
    assert world.states() == (CircuitState.CLOSED, CircuitState.CLOSED)
    await world.calls(AWAY, AWAY)
    assert world.first.passes("erp"), "a new run is counted from nought"


async def test_a_probe_with_a_bug_closes_nothing_and_the_next_one_is_made() -> None:
    world = World()
    await world.calls(AWAY, AWAY, AWAY)
    sound = world.erp.call

    async def broken() -> Outcome[str]:
        raise KeyError("no such field")

    for breaker in (world.first, world.second):
        breaker._probes = {"erp": broken}
    await world.wait_for_probe()
    assert world.states() == (CircuitState.OPEN, CircuitState.OPEN)
    for breaker in (world.first, world.second):
        breaker._probes = {"erp": sound}
    world.erp.end = Done("back")
    await world.wait_for_probe()
    assert world.states() == (CircuitState.HALF_OPEN, CircuitState.HALF_OPEN)


async def test_while_the_store_is_away_what_was_known_stays_and_calls_keep_their_own_answer() -> (
    None
):
    world = World()
    world.store.is_away = True
    await world.calls(AWAY, AWAY, AWAY, AWAY)
    assert world.first.passes("erp"), "not believed before it is stored"
    world.store.is_away = False
    await world.calls(AWAY)
    assert world.first.is_open("erp")
    world.store.is_away = True
    await world.first.tick()
    assert world.first.is_open("erp")


async def test_a_company_held_back_by_a_person_holds_back_that_one_and_is_not_probed() -> None:
    world = World()
    held = Circuit(vendor="erp", account="1").opened(START, "audit", "olga", None)
    world.store.held["erp", "1"] = held
    world.now += timedelta(days=1)
    await world.first.tick()
    assert (world.first.is_open("erp", "1"), world.first.passes("erp", "2")) == (True, True)
    assert world.erp.calls == 0


async def test_half_open_lets_one_piece_of_work_through_for_all_companies_together() -> None:
    world, trial = World(), Trial()
    one, two = (Turnstile(world.first, "erp", company, trial) for company in ("1", "2"))
    other = Turnstile(world.second, "erp", "1", Trial())
    permits = [SlotPermit() for _ in range(3)]
    assert one.admits(permits[0])
    await world.calls(AWAY, AWAY, AWAY)
    assert not one.admits(permits[0])
    refused = one.refusal()
    assert refused is not None
    assert refused.code == OPEN
    world.erp.end = Done("back")
    await world.wait_for_probe()
    assert [one.admits(permits[0]), two.admits(permits[1]), other.admits(permits[2])] == [
        True,
        False,
        False,
    ]
    assert one.refusal() is None
    one.leave(permits[0])
    assert two.admits(permits[1])
    elsewhere = Turnstile(world.first, "erp", "1", trial, is_poster=lambda: False)
    assert not elsewhere.admits(permits[1])
    refused = elsewhere.refusal()
    assert refused is not None
    assert refused.code == "not_the_poster"
