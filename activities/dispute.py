"""Steps of DisputeToEnd: read it, post what it moved, open the receivable again, tell people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from temporalio import activity

from activities.dispute_documents import (
    CASE,
    OfPayment,
    Reopening,
    back_in_part,
    dispute_document_key,
    disputed_invoice,
    exchanges,
    lost_parts,
    parts_of,
    reopened,
)
from activities.dispute_inputs import (
    ApplyRemainder,
    DisputedInvoice,
    DisputeToPost,
    PostDispute,
    ReadDispute,
    ReopenReceivable,
    TellDispute,
)
from activities.dispute_rates import at_its_rates
from activities.ledger_posting import LedgerPosting, LedgerStep
from activities.ledger_rates import applying
from dealthread.domain.adoption.carried import is_of_others
from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.dispute import (
    DisputedPayment,
    DisputeStatus,
    LostDispute,
    given_back_entry,
    lost_entry,
    opened_entry,
    won_entry,
)
from dealthread.domain.dispute_exchange import LostPart
from dealthread.domain.dispute_parts import TakenPart
from dealthread.domain.documents import CrmRecord
from dealthread.domain.event_data.cash import DisputeClosed, DisputeOpened
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.money import CurrencyCode
from dealthread.domain.position.facts import REMAINDER, REOPENED
from dealthread.domain.posted import PostedDocument
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import StepRejected
from dealthread.hub import Bills, Contracts, Effects, WriteSpec
from dealthread.naming import event_id, idempotency_key
from dealthread.outcome import Done, Outcome
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CollectionsMirror, CrmPort
from dealthread.ports.erp import ErpPort

EVIDENCE = "cash.disputed"
DISPUTED = "disputed"


class DisputeActivities:
    """Reading the dispute, through the billing port."""

    def __init__(
        self,
        billing: BillingPort,
        contracts: Contracts,
        bills: Bills,
        config: Callable[[], ConfigSet],
    ) -> None:
        self._billing = billing
        self._contracts = contracts
        self._bills = bills
        self._config = config

    @activity.defn(name="dispute.read")
    async def read(self, order: ReadDispute) -> DisputeToPost:
        """The dispute from its owner, the invoices it is about, and the entries that follow."""
        config = self._config()
        account = config.account_at_biller(order.billing_account)
        if account is None:
            raise StepRejected(
                "billing_account_unknown",
                case_kind=CASE,
                field="billing_account",
                account=order.billing_account,
            )
        entity = config.legal_entity(account.seller)
        dispute = await self._billing.read_dispute(order.billing_account, order.dispute_id)
        if dispute.is_won_in_part:
            raise back_in_part(dispute)
        told = DisputeToPost(
            dispute=dispute,
            policy=config.policy.dispute_lost,
            seller=entity.code,
            erp=entity.erp_instance,
            company=entity.erp_company,
        )
        told = await self._of_invoices(told, order, entity.functional_currency)

        def key(stage: str) -> str:
            return dispute_document_key(order.tenant, entity.code, stage, dispute)

        company, accounts, invoice = entity.erp_company, account.disputes, told.invoice
        found: dict[str, object] = {
            "opened": opened_entry(dispute, key("opened"), company, accounts, invoice)
        }
        if dispute.status is DisputeStatus.WON:
            found["won"] = won_entry(dispute, key("won"), company, accounts, invoice)
        if dispute.status is DisputeStatus.LOST:
            policy = told.policy if told.bill is not None else LostDispute.LOSS
            found["lost"] = lost_entry(
                dispute, key("lost"), company, accounts, invoice, order.today, policy
            )
            found["won"] = given_back_entry(dispute, key("won"), company, accounts, invoice, policy)
        found["exchange"] = exchanges(
            told, entity.functional_currency, account.disputes.disputes, key("opened")
        )
        return told.model_copy(update=found)

    async def _of_invoices(
        self, told: DisputeToPost, order: ReadDispute, ledger: CurrencyCode
    ) -> DisputeToPost:
        """With the invoices of ours that it is about, and what opens them again."""
        dispute = told.dispute
        paid = [await self._paid(dispute.ref.account, one) for one in dispute.payments]
        known = {one.bill.ref.native_id: one for one in paid if one.contract is not None}
        if not known:
            return told
        # Whoever was told that it is disputed is told how it ended, whatever is lost of it.
        told_of = {
            one.paid.bill.ref.native_id: one.taken
            for one in parts_of(dispute, dispute.amount, paid) or ()
        }
        lost: dict[str, TakenPart] = {}
        if told.policy is LostDispute.REOPEN and dispute.is_undone_loss:
            # It may have been opened again before.
            raise back_in_part(dispute)
        if told.policy is LostDispute.REOPEN and dispute.is_lost:
            lost = {one.paid.bill.ref.native_id: one for one in lost_parts(dispute, paid, ledger)}
        reopening = Reopening(tenant=order.tenant, seller=told.seller, today=order.today)
        found: list[DisputedInvoice] = []
        for native_id in [*told_of] or [*known]:
            of, part = known.get(native_id), lost.get(native_id)
            if of is None or of.contract is None:
                continue
            taken = told_of.get(native_id, dispute.amount)
            one = disputed_invoice(of, of.contract, taken, is_one_of_several=dispute.is_of_several)
            if part is not None:
                one = reopened(one, part, of, of.contract, dispute, reopening)
            found.append(one)
        if not found:
            return told
        first = known[found[0].bill.ref.native_id].contract
        assert first is not None  # noqa: S101 - only those of a contract are among them
        told = told.model_copy(
            update={
                "erp": first.erp,
                "company": first.erp_company,
                "parts": tuple(
                    LostPart(
                        invoice=lost[one.bill.ref.native_id].paid.bill.number,
                        receipt=one.reversal.reverses,
                        whole=lost[one.bill.ref.native_id].paid.payment.amount,
                        lost=lost[one.bill.ref.native_id].taken,
                    )
                    for one in found
                    if one.reversal is not None
                ),
            }
        )
        if not dispute.is_of_several:
            return told.about(found[0])
        return told.about(found[0]).model_copy(update={"invoices": tuple(found)})

    async def _paid(self, account: str, payment: DisputedPayment) -> OfPayment:
        bill = await self._billing.read_bill(account, payment.invoice_id)
        contract = await self._contracts.read(bill.contract_key) if bill.contract_key else None
        old = None
        if contract is not None and is_of_others(bill, contract):
            old = await self._bills.old_invoice(bill)
        return OfPayment(bill=bill, contract=contract, old=old)


class DisputePostingActivities:
    """One document each."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure) -> None:
        self._posting = LedgerPosting(erps, ensure)

    @activity.defn(name="dispute.post")
    async def post(self, order: PostDispute) -> PostedDocument:
        """What the dispute moved at the processor."""
        journal = order.journal

        async def act(erp: ErpPort, key: str) -> Outcome[PostedDocument]:
            entry = journal
            if order.exchange is not None:
                entry = await at_its_rates(erp, journal, order.exchange)
            return await erp.post_journal(entry, idempotency_key=key)

        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step=order.stage,
                name="erp.post_dispute",
                asked=journal,
            ),
            act,
        )

    @activity.defn(name="dispute.reopen")
    async def reopen(self, order: ReopenReceivable) -> PostedDocument:
        """The customer owes the invoice again: the payment's entry gets its opposite."""
        return await self._posting.opposite(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step=_step_of("reopened", order.mark),
                name=REOPENED,
                asked=order.reversal,
            ),
            "payment_not_in_the_ledger",
        )

    @activity.defn(name="dispute.apply_remainder")
    async def apply_remainder(self, order: ApplyRemainder) -> PostedDocument:
        """What was not lost of the payment settles the invoice as before. Raises StepRejected where
        less of it was left before: what has come back since is not applied by one document more."""
        receipt = order.receipt
        made = await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step=_step_of("remainder", order.mark),
                name=REMAINDER,
                asked=receipt,
                money=receipt.amount,
            ),
            applying(receipt),
        )
        if made.gross != receipt.amount:
            raise StepRejected(
                "dispute_is_back_in_part",
                case_kind=CASE,
                field="reinstated",
                applied=str(made.gross),
                left=str(receipt.amount),
            )
        return made


class DisputeTellingActivities:
    """People and subscribers hear of it."""

    def __init__(self, crm: CrmPort, ensure: Ensure, clock: BusinessClock) -> None:
        self._crm = crm
        self._ensure = ensure
        self._clock = clock

    @activity.defn(name="dispute.tell")
    async def tell(self, order: TellDispute) -> Ref:
        """Customer success and other subscribers, once for each state."""
        dispute = order.told.dispute

        async def act(_: str) -> Outcome[Ref]:
            return Done(dispute.ref)

        return await self._ensure(
            Write(
                spec=_spec(
                    order.context,
                    _step_of(f"told-{order.state}", order.told.mark),
                    "hub.tell_dispute",
                    System.HUB,
                    dispute.ref.account,
                    request_hash(dispute.ref, order.state),
                ),
                result_type=Ref,
                find=_nothing,
                act=act,
                effects=lambda _: Effects(events=(self._event(order),)),
            )
        )

    @activity.defn(name="dispute.show", no_thread_cancel_exception=True)
    async def show(self, order: TellDispute) -> CrmRecord:
        """The invoice's record in the CRM says that its payment is disputed, and how it ended."""
        bill = order.told.bill
        assert bill is not None  # noqa: S101 - only an invoice of ours has a record
        command = CollectionsMirror(
            contract_key=bill.contract_key,
            account_id=order.told.account_id,
            invoice=bill.ref,
            state=order.state,
            stage=0,
            suspended=False,
        )

        async def act(key: str) -> Outcome[CrmRecord]:
            return await self._crm.show_collections(command, idempotency_key=key)

        return await self._ensure(
            Write(
                spec=_spec(
                    order.context,
                    _step_of(f"show-{order.state}", order.told.mark),
                    "crm.show_dispute",
                    System.CRM,
                    order.told.org,
                    request_hash(command),
                ),
                result_type=CrmRecord,
                find=_no_record,
                act=act,
                effects=lambda record: Effects(refs=(record.ref,)),
                settle=self._crm.settle_window,
            )
        )

    def _event(self, order: TellDispute) -> BusinessEvent:
        told, context = order.told, order.context
        dispute, bill = told.dispute, told.bill
        amount = told.taken or dispute.amount
        whose = {
            "contract_key": context.contract_key,
            "customer_key": bill.customer_key if bill is not None else "",
            "seller": told.seller,
            "billing_account": dispute.ref.account,
            "dispute_id": dispute.ref.native_id,
            "invoice_number": bill.number if bill is not None else "",
            "currency": amount.currency,
            "amount": str(amount.amount),
            "reason": dispute.reason,
        }
        if order.state == DISPUTED:
            kind, more = EventType.DISPUTE_OPENED, {}
            if dispute.evidence_due is not None:
                more = {"evidence_due_at": dispute.evidence_due}
            shown = DisputeOpened.model_validate(whose | more).told()
        else:
            kind = EventType.DISPUTE_CLOSED
            reopened = told.reversal is not None
            ended = {"outcome": dispute.status, "receivable_reopened": reopened}
            shown = DisputeClosed.model_validate(whose | ended).told()
        step = _step_of(order.state, told.mark)
        key = idempotency_key(context.business_key, context.generation, step, "told")
        return BusinessEvent(
            id=event_id(key),
            type=kind,
            subject=context.contract_key,
            time=self._clock.now(),
            data=shown,
        )


def _step_of(step: str, mark: str) -> str:
    """A dispute of several invoices takes a step for each of them."""
    return f"{step}-{mark}" if mark else step


def _spec(
    context: SagaContext, step: str, name: str, system: System, account: str, hashed: str
) -> WriteSpec:
    return WriteSpec(
        key=idempotency_key(context.business_key, context.generation, step, "do"),
        step=name,
        system=system,
        account=account,
        context=context,
        request_hash=hashed,
    )


async def _nothing() -> Ref | None:
    """Telling has no effect outside of the transaction that keeps it."""
    return None


async def _no_record() -> CrmRecord | None:
    """The record is kept by the invoice's own id: writing it again is the same."""
    return None
