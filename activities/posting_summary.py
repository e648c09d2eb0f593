"""Steps that post a day's invoices as one document, and that take one of them out again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import date

from temporalio import activity

from activities.ledger_documents import ledger_invoice, receipts
from activities.ledger_posting import LedgerPosting, LedgerStep
from activities.posting_summary_inputs import (
    ClosedSummary,
    HeldDocuments,
    OfSummary,
    RecordHeld,
    SingleWanted,
    TakeIn,
    Waiting,
    WantSingle,
)
from activities.tax_rates import check_rates
from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.position.facts import OUT_OF_SUMMARY, SINGLE_INVOICE, SINGLE_RECEIPT
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_rule import is_paid_whole, why_not_in_summary
from dealthread.domain.posting_summary import (
    Held,
    HeldState,
    Member,
    SummaryPlace,
    by_itself,
    held_invoice,
    held_receipt,
    summary_invoice,
    summary_receipts,
    taking_out,
)
from dealthread.domain.receipts import LedgerReceipt
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import InvariantBroken, StepRejected
from dealthread.hub import Contracts, Effects, WriteSpec
from dealthread.hub_summaries import Summaries
from dealthread.naming import idempotency_key
from dealthread.outcome import Done, Outcome
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort

PAGE = 5
"""Invoices that are read back in one step: each is a call to the biller, and a step has half a
minute."""


class SummaryMembersActivities:
    """Who is in it: read back from the biller, and kept."""

    def __init__(
        self,
        billing: BillingPort,
        contracts: Contracts,
        store: Summaries,
        config: Callable[[], ConfigSet],
    ) -> None:
        self._billing = billing
        self._contracts = contracts
        self._store = store
        self._config = config

    @activity.defn(name="summary.waiting")
    async def waiting(self, order: OfSummary) -> Waiting:
        """Invoices that wait in it; its run has begun."""
        return Waiting(invoices=await self._store.begin(order.summary_id, PAGE))

    @activity.defn(name="summary.take_in")
    async def take_in(self, order: TakeIn) -> None:
        """Each with its documents as they are now; what is not paid whole by card, or was
        credited, is sent back to be posted by itself. What an attempt before this one has seen to
        is not read again."""
        for ref in order.invoices:
            held = await self._store.held(ref)
            if held is not None and held.state is HeldState.WAITING:
                await self._store.freeze(ref, await self._member(held, ref, order.context.tenant))

    @activity.defn(name="summary.close")
    async def close(self, order: OfSummary) -> ClosedSummary:
        """Nobody joins any more."""
        if not await self._store.close(order.summary_id):
            return ClosedSummary(is_closed=False)
        return ClosedSummary(is_closed=True, count=len(await self._store.members(order.summary_id)))

    async def _member(self, held: Held, ref: Ref, tenant: str) -> Member | None:
        if held.single_on:
            return None
        bill = await self._billing.read_bill(ref.account, ref.native_id)
        contract = await self._contracts.read(bill.contract_key)
        if contract is None or not is_paid_whole(bill):
            return None
        config = self._config()
        currency = config.legal_entity(contract.seller).functional_currency
        if why_not_in_summary(bill, contract, currency):
            return None
        invoice = ledger_invoice(bill, contract, tenant)
        try:
            check_rates(invoice, config)
        except StepRejected:
            return None  # its own run asks a person
        return Member(
            # Who bought is told by the biller each time, and kept nowhere.
            invoice=invoice.model_copy(update={"buyer": None}),
            receipts=receipts(bill, contract, tenant),
        )


class SummaryPostingActivities:
    """What the ledger gets of it."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure, store: Summaries) -> None:
        self._posting = LedgerPosting(erps, ensure)
        self._store = store

    @activity.defn(name="summary.post")
    async def post(self, order: OfSummary) -> PostedDocument:
        """All of them as one invoice of the control customer."""
        place, members = await self._frozen(order)
        invoice = summary_invoice(place, members)

        async def act(erp: ErpPort, key: str) -> Outcome[PostedDocument]:
            return await erp.post_invoice(invoice, idempotency_key=key)

        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step="summary",
                name="erp.summary",
                asked=invoice,
                money=invoice.gross,
            ),
            act,
        )

    @activity.defn(name="summary.pay")
    async def pay(self, order: OfSummary) -> None:
        """What the cards paid, one document a day; from then on the ledger has it."""
        place, members = await self._frozen(order)
        summary = await self.post(order)  # done already: its record is read
        paid = []
        for receipt in summary_receipts(place, members):
            paid.append(await self._paid(order, receipt))
        await self._store.posted(order.summary_id, summary, tuple(paid))

    async def _paid(self, order: OfSummary, receipt: LedgerReceipt) -> PostedDocument:
        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step=f"receipt-{receipt.document_key}",
                name="erp.summary_receipt",
                asked=receipt,
                money=receipt.amount,
            ),
            lambda erp, key: erp.apply_receipt(receipt, idempotency_key=key),
        )

    async def _frozen(self, order: OfSummary) -> tuple[SummaryPlace, tuple[Member, ...]]:
        return (
            await self._store.place(order.summary_id),
            await self._store.members(order.summary_id),
        )


class HeldInvoiceActivities:
    """One invoice that a summary holds."""

    def __init__(
        self,
        erps: Mapping[str, ErpPort],
        ensure: Ensure,
        store: Summaries,
        clock: BusinessClock,
    ) -> None:
        self._ensure = ensure
        self._posting = LedgerPosting(erps, ensure)
        self._store = store
        self._clock = clock

    @activity.defn(name="summary.record")
    async def record(self, order: RecordHeld) -> HeldDocuments:
        """Keep that the ledger has the invoice and its payments, and in which document: nothing is
        written there any more."""
        place, member, summary = _posted(order.held)
        paid = {one.document_key: one for one in order.held.receipts}
        invoice = await self._kept(
            order,
            "invoice",
            member.invoice,
            held_invoice(place, member.invoice, summary),
            "invoice_posted",
        )
        for receipt in member.receipts:
            made = held_receipt(place, receipt, paid[place.receipt_key(receipt.value_date)])
            step = f"receipt-{receipt.document_key}"
            await self._kept(order, step, receipt, made, "payment_applied")
        keys = tuple(one.document_key for one in member.receipts)
        return HeldDocuments(invoice=invoice, receipt_keys=keys)

    @activity.defn(name="summary.take_out")
    async def take_out(self, order: RecordHeld) -> PostedDocument:
        """A document that names the summary takes the invoice out of it."""
        place, member, _ = _posted(order.held)
        memo = taking_out(place, member, await self._on(order))
        return await self._once(
            order,
            "out",
            OUT_OF_SUMMARY,
            memo,
            lambda erp, key: erp.post_credit_memo(memo, idempotency_key=key),
        )

    @activity.defn(name="summary.post_single")
    async def post_single(self, order: RecordHeld) -> PostedDocument:
        """The invoice by itself, under its legal number."""
        _, member, _ = _posted(order.held)
        invoice = by_itself(member, await self._on(order)).invoice.model_copy(
            update={"buyer": order.buyer}
        )
        return await self._once(
            order,
            "single",
            SINGLE_INVOICE,
            invoice,
            lambda erp, key: erp.post_invoice(invoice, idempotency_key=key),
        )

    @activity.defn(name="summary.pay_single")
    async def pay_single(self, order: RecordHeld) -> None:
        """And its payments."""
        _, member, _ = _posted(order.held)
        single = by_itself(member, await self._on(order))
        for receipt in single.receipts:
            await self._pay_single(order, receipt)

    async def _pay_single(self, order: RecordHeld, receipt: LedgerReceipt) -> PostedDocument:
        return await self._once(
            order,
            f"single-{receipt.document_key}",
            SINGLE_RECEIPT,
            receipt,
            lambda erp, key: erp.apply_receipt(receipt, idempotency_key=key),
        )

    @activity.defn(name="summary.want_single")
    async def want_single(self, order: WantSingle) -> SingleWanted:
        """Something happened to an invoice that asks for a document of its own; its own run sees to
        that, once it is told."""
        if await self._store.held(order.bill) is None:
            return SingleWanted(is_held=False)
        await self._store.want_single(order.bill, self._clock.now().date())
        return SingleWanted(is_held=True)

    async def _on(self, order: RecordHeld) -> date:
        """The day on which it is taken out, once for ever."""
        bill = _posted(order.held)[1].invoice.billing
        return await self._store.want_single(bill, self._clock.now().date())

    async def _once(
        self,
        order: RecordHeld,
        step: str,
        name: str,
        asked: LedgerInvoice | LedgerCreditMemo | LedgerReceipt,
        act: Callable[[ErpPort, str], Awaitable[Outcome[PostedDocument]]],
    ) -> PostedDocument:
        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step=step,
                name=name,
                asked=asked,
                money=asked.amount if isinstance(asked, LedgerReceipt) else asked.gross,
            ),
            act,
            lambda made: Effects(refs=_refs(made)),
        )

    async def _kept(
        self,
        order: RecordHeld,
        step: str,
        asked: LedgerInvoice | LedgerReceipt,
        made: PostedDocument,
        stage: str,
    ) -> PostedDocument:
        context = order.context

        async def known() -> PostedDocument:
            return made

        async def act(_: str) -> Outcome[PostedDocument]:
            return Done(made)

        money = asked.gross if isinstance(asked, LedgerInvoice) else asked.amount
        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=idempotency_key(context.business_key, context.generation, step, "do"),
                    step=f"erp.{step.partition('-')[0]}",
                    system=System.ERP,
                    account=f"{order.erp}.{asked.company}",
                    context=context,
                    request_hash=request_hash(asked),
                    money=money,
                ),
                result_type=PostedDocument,
                find=known,
                act=act,
                effects=lambda one: Effects(refs=_refs(one), stage=stage),
            )
        )


def _posted(held: Held) -> tuple[SummaryPlace, Member, PostedDocument]:
    if held.member is None or held.summary is None:
        raise InvariantBroken("summary_not_posted", summary=held.place.summary_id)
    return held.place, held.member, held.summary


def _refs(made: PostedDocument) -> tuple[Ref, ...]:
    """By which the document is found, and the summary that holds it."""
    named = {f"{made.kind}_number": made.number, f"{made.kind}_key": made.document_key}
    if made.held_in is not None:
        named["summary_number"] = made.held_in.number
        named["summary_key"] = made.held_in.document_key
    return (
        made.ref,
        *(
            made.ref.model_copy(update={"kind": kind, "native_id": native_id})
            for kind, native_id in named.items()
            if native_id
        ),
    )
