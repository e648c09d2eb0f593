"""DM-10: the relay's turn through the contracts: several relays, looks that fail, what is told."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from sqlalchemy import update
from temporalio.client import Client

from dealthread.bridge.contract_check_duty import ContractCheckDuty
from dealthread.bridge.contract_checking import BATCH
from dealthread.domain.comparison.reporting import MOST_TOLD
from dealthread.domain.comparison.seen import BilledState
from dealthread.domain.comparison.standing import ContractStanding
from dealthread.domain.transaction import ChangeKind
from dealthread.errors import DealthreadError
from dealthread.store.contract_checks import ContractChecks
from dealthread.store.contract_standings import ContractStandings
from dealthread.store.schema import contracts
from dealthread.store.schema_checks import contract_checks
from tests.bridge.contract_desk import Desk, at_biller, desk, in_crm, in_erp
from tests.fakes.world import Fault
from tests.support.change_lab import change, sold
from tests.support.change_orders import seats as seats_ordered
from tests.support.deal_builder import d1
from tests.support.saga_lab import fresh

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

EVERY, OVER_FOR = timedelta(hours=24), timedelta(days=30)


async def _all_due(at: Desk) -> None:
    async with at.engine.begin() as connection:
        long_ago = contracts.c.changed_at - timedelta(hours=25)
        await connection.execute(update(contracts).values(changed_at=long_ago))
        past = contract_checks.c.next_at - timedelta(hours=25)
        await connection.execute(update(contract_checks).values(next_at=past))


async def test_two_relays_look_at_no_contract_at_the_same_time(
    dev_server: Client, database_url: str
) -> None:
    """One of them looks; the other finds nothing due, and ends nobody's look."""
    async with desk(dev_server, database_url) as at:
        await _all_due(at)
        other = ContractCheckDuty(at.settings, dev_server, at.engine)
        looked = await asyncio.gather(at.duty.look_at_due(), other.look_at_due())
        assert sorted(looked) == [0, 1]
        assert await at.duty.look_at_due() == 0


async def test_two_people_who_ask_the_same_at_once_are_both_answered(
    dev_server: Client, database_url: str
) -> None:
    """And the relay, which looks at the same contract meanwhile."""
    async with desk(dev_server, database_url) as at:
        key = at.contract.key
        *answers, _ = await asyncio.gather(
            at.ask(contract=key), at.ask(contract=key), at.ask(contract=key), at.look()
        )
        assert [one.status_code for one in answers] == [200, 200, 200]


async def test_a_contract_that_cannot_be_compared_keeps_no_other_from_its_turn(
    dev_server: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look at all of them fails; then each is looked at alone, and it alone waits."""
    async with desk(dev_server, database_url) as at:
        others = {(await sold(at.it, fresh(d1()))).key for _ in range(2)}
        broken = at.contract.key
        _breaks(monkeypatch, broken)
        await _all_due(at)
        with pytest.raises(DealthreadError):
            await at.duty.look_at_due()
        for _ in range(3):
            await _all_due(at)
            try:
                await at.duty.look_at_due()
            except DealthreadError:
                continue
        known = await ContractChecks(at.engine).known([broken, *others])
        assert set(known) == others
        monkeypatch.undo()
        await _all_due(at)
        while await at.duty.look_at_due():
            pass
        assert set(await ContractChecks(at.engine).known([broken])) == {broken}


async def test_a_look_that_failed_is_not_due_again_at_once(
    dev_server: Client, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor one that was killed: what was claimed comes again after a while."""
    async with desk(dev_server, database_url) as at:
        await _all_due(at)
        checks = ContractChecks(at.engine)
        assert await checks.claim(EVERY, OVER_FOR, BATCH) == [at.contract.key]
        assert await checks.claim(EVERY, OVER_FOR, BATCH) == []
        await _all_due(at)
        _breaks(monkeypatch, at.contract.key)
        with pytest.raises(DealthreadError):
            await at.duty.look_at_due()
        assert await at.duty.look_at_due() == 0


async def test_a_difference_that_only_one_look_saw_opens_no_case_while_the_system_is_silent(
    dev_server: Client, database_url: str
) -> None:
    """What was kept of an earlier look is not a second one that finds it."""
    async with desk(dev_server, database_url) as at:
        at_biller(ends_on=date(2027, 2, 1))(at)
        await at.look()
        at.it.world.plan("billing.agreement_now", Fault.REFUSED, times=0)
        await at.look()
        await at.look()
        assert await at.open_cases() == []
        at.it.world.heal()
        await at.look()
        assert len(await at.open_cases()) == 1


async def test_what_is_kept_of_a_silent_system_is_kept_once(
    dev_server: Client, database_url: str
) -> None:
    """The ledger answers for one of two orders; both were written over."""
    async with desk(dev_server, database_url) as at:
        march = date(2026, 3, 1)
        at.move(march)
        order = seats_ordered(at.contract, 60, march)
        run = await change(at.it, at.contract, ChangeKind.AMENDMENT, order.change_id, order)
        await run.result()
        in_erp(payment_terms="NET90")(at)
        await at.look()
        for _ in range(2):
            first = at.it.world.calls["erp.read_booking"] + 1
            at.it.world.plan("erp.read_booking", Fault.REFUSED, occurrence=first)
            await at.look()
            known = await ContractChecks(at.engine).known([at.contract.key])
            finding = known[at.contract.key].finding
            assert [one.system for one in finding.unread] == ["erp"]
            ledgers = [one.field for one in finding.differences if one.system == "erp"]
            assert ledgers == ["payment terms"] * 2


async def test_another_value_of_a_told_field_is_told_in_the_same_case(
    dev_server: Client, database_url: str
) -> None:
    """The evidence says what stands there now, and what else still differs."""
    async with desk(dev_server, database_url) as at:
        in_crm(version=7)(at)
        at_biller(state=BilledState.PAUSED)(at)
        await at.look()
        await at.look()
        (case,) = await at.open_cases()
        at_biller(state=BilledState.ENDED)(at)
        await at.look()
        await at.look()
        (again,) = await at.open_cases()
        assert again.case_id == case.case_id
        told = {name: text for name, text in again.evidence.items() if name != "next_step"}
        assert sorted(text.split(",")[0] for text in told.values()) == [
            "7 instead of 1",
            "ended instead of active",
        ]


async def test_more_differences_than_a_case_tells_are_told_once(
    dev_server: Client, database_url: str
) -> None:
    """The case is opened, and stays what it is while nothing changes."""
    async with desk(dev_server, database_url) as at:
        at_biller(quantities={f"si_{n:03}": 1 for n in range(MOST_TOLD + 5)})(at)
        await at.look()
        await at.look()
        (case,) = await at.open_cases()
        assert len(case.evidence) == MOST_TOLD + 1
        await at.look()
        assert [one.version for one in await at.open_cases()] == [case.version]


@pytest.mark.parametrize("state", [BilledState.INCOMPLETE, BilledState.ENDED])
async def test_a_first_payment_that_never_came_is_listed_and_opens_the_case(
    dev_server: Client, database_url: str, state: BilledState
) -> None:
    """The biller waits for it, then ends the agreement by itself: here the contract still runs.
    It does not come back, so that is not what the case asks for."""
    async with desk(dev_server, database_url) as at:
        at_biller(state=state)(at)
        await at.look()
        await at.look()
        (row,) = (await at.one())["differences"]
        assert (row["system"], row["field"], row["found"]) == ("billing", "state", state)
        assert not row["is_explained"]
        (case,) = await at.open_cases()
        assert f"dealthread contracts cancel {at.contract.key}" in case.evidence["next_step"]
        assert "put state" not in case.evidence["next_step"]


def _breaks(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    """One contract's row cannot be read as what it is."""
    read = ContractStandings.read

    async def reads(
        self: ContractStandings, keys: Sequence[str], subscribers: Sequence[str]
    ) -> dict[str, ContractStanding]:
        if broken in keys:
            raise ValueError("not a contract")
        return await read(self, keys, subscribers)

    monkeypatch.setattr(ContractStandings, "read", reads)
