"""A run is told what it made itself, never what another generation of the deal made."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from activities.crm import CrmActivities
from activities.inputs import Withdraw
from dealthread.config import load_config
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import Agreement, AgreementStatus, CrmRecord
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.crm import CrmWriteBack
from dealthread.store.contracts import PostgresContracts
from dealthread.store.journal import PostgresJournal
from tests.fakes.clock import FakeClock
from tests.fakes.crm import FakeCrm
from tests.fakes.world import World
from tests.store.writing import BUSINESS_KEY, CONTEXT, QUICK
from tests.support.deal_builder import CONFIG_DIR

pytestmark = pytest.mark.postgres
FIRST = CONTEXT
SECOND = CONTEXT.model_copy(update={"generation": 2})


def agreement(native_id: str) -> Agreement:
    ref = Ref(system=System.BILLING, account="acct_us", kind="subscription", native_id=native_id)
    return Agreement(ref=ref, subscription=ref, status=AgreementStatus.ACTIVE)


async def made(store: AsyncEngine, context: SagaContext, native_id: str) -> None:
    """A generation has started an agreement."""
    journal = PostgresJournal(store)
    spec = WriteSpec(
        key=idempotency_key(context.business_key, context.generation, "subscription", "do"),
        step="billing.subscription",
        system="billing",
        account="acct_us",
        context=context,
        request_hash="r1",
    )
    await journal.open(spec)
    await journal.done(spec, agreement(native_id).model_dump_json(), "created", Effects())


class ListeningCrm(FakeCrm):
    """Keeps what it was told."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.told: list[CrmWriteBack] = []

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        self.told.append(command)
        return await super().withdraw_contract(command, idempotency_key=idempotency_key)


@pytest.mark.parametrize(("made_again", "named"), [(False, None), (True, "sub_2")])
async def test_a_withdrawal_names_only_what_its_own_generation_made(
    store: AsyncEngine, made_again: bool, named: str | None
) -> None:
    """The first generation ended undone; the second stopped before it made anything, or after."""
    await made(store, FIRST, "sub_1")
    if made_again:
        await made(store, SECOND, "sub_2")
    world = World()
    crm = ListeningCrm(world)
    ensure = Ensure(PostgresJournal(store), QUICK)
    config = load_config(CONFIG_DIR)
    activities = CrmActivities(
        crm, ensure, PostgresContracts(store), lambda: config, FakeClock(world)
    )
    await activities.withdraw(
        Withdraw(context=SECOND, account_id="001", customer_key="A-1", reason="assess")
    )
    (told,) = crm.told
    assert (told.subscription.native_id if told.subscription else None) == named


async def test_what_was_set_up_is_that_of_the_latest_generation(store: AsyncEngine) -> None:
    """Whichever generation's write was recorded last."""
    await made(store, SECOND, "sub_2")
    await made(store, FIRST, "sub_1")
    contracts = PostgresContracts(store)
    (latest,) = (await contracts.results(BUSINESS_KEY)).values()
    assert Agreement.model_validate_json(latest).ref.native_id == "sub_2"
    assert await contracts.results("quote-to-cash:other:deal") == {}
