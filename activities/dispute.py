"""Steps of DisputeToEnd: read it, post what it moved, open the receivable again, tell people."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from temporalio import activity

from activities.dispute_inputs import (
    DisputeToPost,
    PostDispute,
    ReadDispute,
    ReopenReceivable,
    TellDispute,
)
from activities.ledger_posting import LedgerPosting, LedgerStep
from dealthread.domain.base import Ref, System
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import (
    Dispute,
    DisputeStatus,
    LostDispute,
    lost_entry,
    opened_entry,
    won_entry,
)
from dealthread.domain.documents import CrmRecord
from dealthread.domain.event_data.cash import DisputeClosed, DisputeOpened
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.ledger import Reversal
from dealthread.domain.receivable import PostedDocument
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import StepRejected
from dealthread.hub import Contracts, Effects, WriteSpec
from dealthread.naming import erp_document_key, event_id, idempotency_key, receipt_key
from dealthread.outcome import Done, Outcome
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CollectionsMirror, CrmPort
from dealthread.ports.erp import ErpPort

CASE = "cash.returned"
EVIDENCE = "cash.disputed"
DISPUTED = "disputed"


class DisputeActivities:
    """Reading the dispute, through the billing port."""

    def __init__(
        self, billing: BillingPort, contracts: Contracts, config: Callable[[], ConfigSet]
    ) -> None:
        self._billing = billing
        self._contracts = contracts
        self._config = config

    @activity.defn(name="dispute.read")
    async def read(self, order: ReadDispute) -> DisputeToPost:
        """The dispute from its owner, the invoice it is about, and the entries that follow."""
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
        if dispute.amount.currency != entity.functional_currency:
            raise StepRejected(
                "dispute_in_another_currency",
                case_kind=CASE,
                field="currency",
                dispute=dispute.amount.currency,
                ledger=entity.functional_currency,
            )
        told = DisputeToPost(
            dispute=dispute,
            policy=config.policy.dispute_lost,
            seller=entity.code,
            erp=entity.erp_instance,
            company=entity.erp_company,
        )
        told = await self._of_invoice(told)

        def key(stage: str) -> str:
            return dispute_document_key(order.tenant, entity.code, stage, dispute)

        company, accounts, invoice = entity.erp_company, account.disputes, told.invoice
        found: dict[str, object] = {
            "opened": opened_entry(dispute, key("opened"), company, accounts, invoice)
        }
        if dispute.status is DisputeStatus.WON:
            found["won"] = won_entry(dispute, key("won"), company, accounts, invoice)
        if dispute.status is DisputeStatus.LOST:
            if dispute.is_of_several and told.policy is LostDispute.REOPEN:
                raise StepRejected("payment_of_several_invoices", case_kind=CASE, field="invoice")
            policy = told.policy if told.bill is not None else LostDispute.LOSS
            found["lost"] = lost_entry(
                dispute, key("lost"), company, accounts, invoice, order.today, policy
            )
            if policy is LostDispute.REOPEN and found["lost"] is not None:
                found["reversal"] = self._reversal(order, told, key("reopened"))
        return told.model_copy(update=found)

    async def _of_invoice(self, told: DisputeToPost) -> DisputeToPost:
        dispute = told.dispute
        if not dispute.invoice_id:
            return told
        bill = await self._billing.read_bill(dispute.ref.account, dispute.invoice_id)
        contract: Contract | None = None
        if bill.contract_key:
            contract = await self._contracts.read(bill.contract_key)
        if contract is None:
            return told
        return told.model_copy(
            update={
                "bill": bill,
                "erp": contract.erp,
                "company": contract.erp_company,
                "org": contract.org,
                "deal_id": contract.deal_id,
                "account_id": contract.customer_ref.native_id,
                "region": contract.seller_region,
            }
        )

    def _reversal(self, order: ReadDispute, told: DisputeToPost, key: str) -> Reversal:
        dispute, bill = told.dispute, told.bill
        assert bill is not None  # noqa: S101 - only then the receivable is opened again
        payment = next(
            (one for one in bill.payments if one.ref.native_id == dispute.payment_id), None
        )
        lost = dispute.withdrawn - dispute.reinstated
        if payment is None or payment.amount != lost:
            raise StepRejected(
                "dispute_is_not_the_payment",
                case_kind=CASE,
                field="amount",
                invoice=bill.number,
                contract=bill.contract_key,
                dispute=str(lost),
                payment=str(payment.amount) if payment is not None else "none",
            )
        return Reversal(
            document_key=key,
            company=told.company,
            reverses=receipt_key(
                order.tenant,
                told.seller,
                bill.ref.account,
                bill.ref.native_id,
                payment.ref.native_id,
            ),
            posting_date=order.today,
            reason=f"dispute {dispute.ref.native_id} lost",
        )


class DisputePostingActivities:
    """One document each."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure) -> None:
        self._posting = LedgerPosting(erps, ensure)

    @activity.defn(name="dispute.post")
    async def post(self, order: PostDispute) -> PostedDocument:
        """What the dispute moved at the processor."""
        journal = order.journal
        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step=order.stage,
                name="erp.post_dispute",
                asked=journal,
            ),
            lambda erp, key: erp.post_journal(journal, idempotency_key=key),
        )

    @activity.defn(name="dispute.reopen")
    async def reopen(self, order: ReopenReceivable) -> PostedDocument:
        """The customer owes the invoice again: the payment's entry gets its opposite."""
        return await self._posting.opposite(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step="reopened",
                name="erp.reopen_receivable",
                asked=order.reversal,
            ),
            "payment_not_in_the_ledger",
        )


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
                    f"told-{order.state}",
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
                    f"show-{order.state}",
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
        whose = {
            "contract_key": context.contract_key,
            "customer_key": bill.customer_key if bill is not None else "",
            "seller": told.seller,
            "billing_account": dispute.ref.account,
            "dispute_id": dispute.ref.native_id,
            "invoice_number": bill.number if bill is not None else "",
            "currency": dispute.amount.currency,
            "amount": str(dispute.amount.amount),
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
        key = idempotency_key(context.business_key, context.generation, order.state, "told")
        return BusinessEvent(
            id=event_id(key),
            type=kind,
            subject=context.contract_key,
            time=self._clock.now(),
            data=shown,
        )


def dispute_document_key(tenant: str, seller: str, stage: str, dispute: Dispute) -> str:
    """Our key on the ledger's entry: by the dispute's own id."""
    source = f"{dispute.ref.account}:{dispute.ref.native_id}"
    return erp_document_key(tenant, seller, f"dispute-{stage}", source, 1)


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
