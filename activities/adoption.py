"""Steps of adoption: read the book and propose, hold an approval against the systems as they are
now, write contracts, and put our references on what they were adopted from."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta

from temporalio import activity

from activities.adoption_inputs import (
    AdoptedSoFar,
    AdoptionApproval,
    AdoptionProposed,
    AdoptionRequest,
    AdoptionResult,
    TakeOver,
    WriteAdopted,
)
from dealthread.domain.adoption.book import Book
from dealthread.domain.adoption.plan import AdoptionPlan, Proposal, proposed
from dealthread.domain.base import System
from dealthread.domain.catalog import ConfigSet, LegalEntity
from dealthread.domain.contract import ContractState
from dealthread.domain.deal import Deal, DealKind
from dealthread.domain.documents import Agreement, CrmRecord, ErpCustomer
from dealthread.domain.seller import resolve_seller
from dealthread.domain.transaction import ChangeOutcome
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.hub import Contracts, ContractVersionRecord, Effects, RevenueRow, WriteSpec
from dealthread.hub_adoption import Adoption
from dealthread.naming import adoption_id, contract_key, idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.adoption import TakeOverAgreement, TakeOverCustomer
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort, CrmWriteBack
from dealthread.ports.erp import ErpPort

TOLD_UNMATCHED = 100
BEAT = timedelta(seconds=20)
_PAGE = 200
_AT_ONCE = 4
"""Deals read at the same time: a company's book is no reason to use up the CRM's quota at once."""
_SALES = (DealKind.NEW, DealKind.WIN_BACK)


class AdoptionActivities:
    """Reads of every system, and our own store."""

    def __init__(
        self,
        crm: CrmPort,
        billing: BillingPort,
        erps: Mapping[str, ErpPort],
        store: Adoption,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._crm = crm
        self._billing = billing
        self._erps = erps
        self._store = store
        self._config = config
        self._clock = clock

    @activity.defn(name="adoption.propose")
    async def propose(self, ask: AdoptionRequest) -> AdoptionProposed:
        """Read everything, match, and keep the plan. Nothing else is written."""
        entity = self._entity(ask.seller)
        if entity is None:
            known = ", ".join(sorted(one.code for one in self._config().legal_entities))
            return AdoptionProposed(refused="legal_entity_unknown", action=f"name one of {known}")
        today = self._clock.now().date()
        if ask.as_of.day != 1 or ask.as_of > today:
            return AdoptionProposed(
                refused="opening_wrong",
                action="open with the first day of this month or of an earlier one",
            )
        plan = await self._plan(entity, ask.as_of, ask.won_from, today)
        await self._store.keep(plan, ask.won_from, ask.requested_by)
        return AdoptionProposed(
            plan_id=plan.plan_id,
            digest=plan.digest(),
            contracts=len(plan.proposals),
            unmatched=plan.unmatched[:TOLD_UNMATCHED],
            unmatched_count=len(plan.unmatched),
            totals=plan.totals,
            is_tied=plan.is_tied,
        )

    @activity.defn(name="adoption.approve")
    async def approve(self, ask: AdoptionApproval) -> AdoptionResult:
        """Read everything once more: only the plan that was shown is carried out, and only where
        its opening balances are the ledger's."""
        kept = await self._store.plan(ask.plan_id)
        if kept.digest != ask.digest:
            return _refused(ask, "another_plan", "approve the digest that `adopt show` prints")
        if kept.state != "proposed":
            # Approved by an earlier attempt: it goes on where that one stopped.
            return AdoptionResult(plan_id=ask.plan_id, written=kept.written)
        if not kept.plan.is_tied:
            return _refused(
                ask, "opening_differs", "the opening balances are not the ledger's: see the plan"
            )
        if not kept.contracts:
            return _refused(ask, "nothing_to_adopt", "the plan holds no contract")
        entity = self._entity(kept.plan.seller)
        if entity is None:
            return _refused(ask, "legal_entity_unknown", "the company is not configured any more")
        now = await self._plan(entity, kept.plan.as_of, kept.won_from, self._clock.now().date())
        if now.digest() != ask.digest:
            return _refused(ask, "systems_changed", "propose again: the systems have changed since")
        await self._store.approve(ask.plan_id, ask.digest, ask.approved_by)
        return AdoptionResult(plan_id=ask.plan_id)

    @activity.defn(name="adoption.write")
    async def write(self, ask: WriteAdopted) -> AdoptedSoFar:
        """The next contracts, each in a transaction of its own: killed between two, it goes on."""
        found = await self._store.waiting(ask.plan_id, ask.limit)
        for proposal in found:
            await self._store.write(ask.plan_id, proposal, _version(proposal))
        if not found:
            await self._store.done(ask.plan_id)
        return AdoptedSoFar(written=len(found))

    # ------------------------------------------------------------ the book

    def _entity(self, seller: str) -> LegalEntity | None:
        entities = self._config().legal_entities
        return next((one for one in entities if one.code == seller), None)

    async def _plan(
        self, entity: LegalEntity, as_of: date, won_from: date, today: date
    ) -> AdoptionPlan:
        async with _alive():
            return await self._read(entity, as_of, won_from, today)

    async def _read(
        self, entity: LegalEntity, as_of: date, won_from: date, today: date
    ) -> AdoptionPlan:
        config = self._config()
        accounts = [one.key for one in config.billing_accounts if one.seller == entity.code]
        biller = [await self._billing.read_book(key) for key in accounts]
        ledger = await self._erps[entity.erp_instance].read_ledger(entity.erp_company, as_of, today)
        own = await self._store.own_book(entity.code, ledger.currency, as_of)
        deals = await self._deals(entity, won_from, own.contract_keys)
        book = Book(
            seller=entity.code,
            as_of=as_of,
            read_on=today,
            deals=deals,
            biller=tuple(biller),
            ledger=ledger,
            own=own,
            answers=await self._store.answers(entity.code),
        )
        return proposed(book, config)

    async def _deals(
        self, entity: LegalEntity, won_from: date, known: frozenset[str]
    ) -> tuple[Deal, ...]:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def read(deal_id: str) -> Deal:
            async with slots:
                return await self._crm.read_deal(deal_id)

        found: list[Deal] = []
        async for page in self._won(won_from, known):
            found += await asyncio.gather(*(read(one) for one in page))
        return tuple(
            # Who wrote to the record since is no part of what was sold.
            deal.model_copy(update={"provenance": None, "modified_at": None})
            for deal in sorted(found, key=lambda one: one.deal_id)
            if not deal.is_deleted and self._sells(entity, deal)
        )

    async def _won(self, won_from: date, known: frozenset[str]) -> AsyncIterator[tuple[str, ...]]:
        after = ""
        while True:
            page = await self._crm.won_deals(won_from, after=after, limit=_PAGE)
            yield tuple(
                one.deal_id
                for one in page
                if one.kind in _SALES and contract_key(one.org, one.deal_id) not in known
            )
            if len(page) < _PAGE:
                return
            after = page[-1].deal_id

    def _sells(self, entity: LegalEntity, deal: Deal) -> bool:
        day = deal.start_date or deal.closed_on or self._clock.now().date()
        seller = resolve_seller(deal, self._config(), day)
        return seller is not None and seller.code == entity.code


class TakeOverActivities:
    """Our references, one system each. Nothing of it is money."""

    def __init__(
        self,
        crm: CrmPort,
        billing: BillingPort,
        ensure: Ensure,
        contracts: Contracts,
        store: Adoption,
        clock: BusinessClock,
    ) -> None:
        self._crm = crm
        self._billing = billing
        self._ensure = ensure
        self._contracts = contracts
        self._store = store
        self._clock = clock

    @activity.defn(name="adoption.take_over_agreement", no_thread_cancel_exception=True)
    async def agreement(self, order: TakeOver) -> Agreement:
        """On the subscription, its items and its customer: from here on it is found as ours."""
        proposal = await self._store.proposal(order.context.contract_key)
        contract = proposal.adopted.contract
        command = TakeOverAgreement(
            contract=contract,
            customer=proposal.customer,
            subscription=proposal.subscription,
            items=proposal.adopted.items,
        )
        key = _key(order, "billing")
        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=key,
                    # As of an agreement that we started: later changes look for it there.
                    step="billing.subscription",
                    system=System.BILLING,
                    account=contract.billing_account,
                    context=order.context,
                    request_hash=request_hash(command),
                ),
                result_type=Agreement,
                find=lambda: self._billing.find_taken_over(command),
                act=lambda wire_key: self._billing.take_over(command, idempotency_key=wire_key),
                effects=lambda made: Effects(refs=(made.ref,), stage="billing_taken_over"),
                settle=self._billing.settle_window,
            )
        )

    @activity.defn(name="adoption.show", no_thread_cancel_exception=True)
    async def show(self, order: TakeOver) -> CrmRecord:
        """The CRM shows the contract; ends the run, and the contract is active."""
        context = order.context
        proposal = await self._store.proposal(context.contract_key)
        contract = proposal.adopted.contract
        key = _key(order, "crm")

        async def act(wire_key: str) -> Outcome[CrmRecord]:
            return await self._crm.record_contract(
                CrmWriteBack(
                    deal_id=contract.deal_id,
                    account_id=contract.customer_ref.native_id,
                    contract_key=contract.key,
                    contract=contract,
                    status=ContractState.ACTIVE,
                    status_at=self._clock.now(),
                    sequence=await self._contracts.next_sequence(contract.key),
                    workflow_id=context.business_key,
                    customer_key=contract.customer_key,
                    subscription=proposal.subscription,
                ),
                idempotency_key=wire_key,
            )

        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=key,
                    step="crm.write_back",
                    system=System.CRM,
                    account=context.org,
                    context=context,
                    request_hash=request_hash(contract),
                ),
                result_type=CrmRecord,
                find=lambda: self._crm.find_contract(contract.key, idempotency_key=key),
                act=act,
                effects=lambda record: Effects(
                    refs=(record.ref,),
                    stage=ChangeOutcome.COMPLETED,
                    contract_state=ContractState.ACTIVE,
                    outcome=ChangeOutcome.COMPLETED,
                ),
                settle=self._crm.settle_window,
            )
        )


class TakeOverLedgerActivities:
    """Our references in the ledger, on the company's own queue."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure, store: Adoption) -> None:
        self._erps = erps
        self._ensure = ensure
        self._store = store

    @activity.defn(name="adoption.take_over_customer")
    async def customer(self, order: TakeOver) -> ErpCustomer:
        """On the customer: from here on invoices of the contract are posted to it."""
        proposal = await self._store.proposal(order.context.contract_key)
        contract = proposal.adopted.contract
        erp = self._erps[contract.erp]
        command = TakeOverCustomer(
            company=contract.erp_company,
            party=proposal.party,
            customer_key=contract.customer_key,
        )
        key = _key(order, "erp-customer")
        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=key,
                    step="erp.customer",
                    system=System.ERP,
                    account=f"{contract.erp}.{contract.erp_company}",
                    context=order.context,
                    request_hash=request_hash(command),
                ),
                result_type=ErpCustomer,
                find=lambda: erp.find_taken_over_customer(command),
                act=lambda wire_key: erp.take_over_customer(command, idempotency_key=wire_key),
                effects=lambda made: Effects(refs=(made.ref,), stage="erp_taken_over"),
                settle=erp.settle_window,
            )
        )


@asynccontextmanager
async def _alive() -> AsyncIterator[None]:
    """Tells the server that this process lives: a book takes longer to read than anybody waits for
    a worker that is dead."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT.total_seconds())

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


def _key(order: TakeOver, step: str) -> str:
    return idempotency_key(order.context.business_key, order.context.generation, step, "do")


def _refused(ask: AdoptionApproval, code: str, action: str) -> AdoptionResult:
    return AdoptionResult(plan_id=ask.plan_id, refused=code, action=action)


def _version(proposal: Proposal) -> ContractVersionRecord:
    """Version 1, as if the deal had just been won, with the months that are left."""
    contract = proposal.adopted.contract
    return ContractVersionRecord(
        contract=contract,
        change_id=adoption_id(contract.key),
        effective_from=contract.start_date,
        accepted_on=contract.signed_on or contract.start_date,
        kind="adoption",
        reason=f"in force before {proposal.adopted.opening.as_of}",
        working=proposal.adopted.opening.model_dump_json(),
        schedule=tuple(RevenueRow(**vars(row)) for row in proposal.adopted.schedule),
    )
