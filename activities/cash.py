"""Steps of CashReceipt: whose money it is, bank against unapplied cash, recorded at the biller.

The invoice's own run takes it from unapplied cash, as it applies every payment of the biller.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from temporalio import activity

from activities.cash_inputs import (
    MatchReceipt,
    ReceiveCash,
    RecordedOnInvoice,
    RecordOnInvoice,
)
from activities.ledger_posting import LedgerPosting, LedgerStep
from activities.ledger_rates import applying
from dealthread.domain.base import System
from dealthread.domain.bill import Bill, PaidBill
from dealthread.domain.cash import CashMatch, RecordedAs, matched, numbers_in
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import BadInput, StepRejected
from dealthread.hub import Bills, Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Done, Outcome
from dealthread.ports.billing import BillingPort, RecordPayment
from dealthread.ports.erp import ErpPort


class CashActivities:
    """Through the billing port and our own store."""

    def __init__(
        self,
        billing: BillingPort,
        bills: Bills,
        ensure: Ensure,
        config: Callable[[], ConfigSet],
    ) -> None:
        self._billing = billing
        self._bills = bills
        self._ensure = ensure
        self._config = config

    @activity.defn(name="receipt.match")
    async def match(self, order: MatchReceipt) -> CashMatch:
        """Whose it is and which invoices it pays, from the bills as they were last read."""
        receipt = order.receipt
        entities = self._config().legal_entities
        entity = next((one for one in entities if one.code == receipt.seller), None)
        if entity is None:
            raise BadInput("seller_unknown", field="seller", action="name a legal entity")
        if not await self._bills.buys(entity.code, receipt.customer_key):
            # The ledger would refuse it under a key that nobody can change any more.
            receipt = receipt.model_copy(update={"customer_key": ""})
        known = await self._bills.owed(entity.code, numbers_in(receipt), receipt.customer_key)
        found = matched(receipt, known)
        return found.model_copy(
            update={
                "erp": entity.erp_instance,
                "company": entity.erp_company,
                "region": found.region or entity.region,
            }
        )

    @activity.defn(name="receipt.record")
    async def record(self, order: RecordOnInvoice) -> RecordedOnInvoice:
        """The invoice is paid at the biller as far as the receipt goes; not at all where it does
        not cover all that is left of one of which the biller takes no part."""
        context, ref = order.context, order.bill.ref
        bill = await self._billing.read_bill(ref.account, ref.native_id)
        paid = _paid_by(bill, order.receipt)
        nought = Money.zero(bill.currency)
        command = RecordPayment(
            billing_account=ref.account,
            invoice_id=ref.native_id,
            amount=min(bill.remaining, order.most),
            receipt=order.receipt,
            value_date=order.value_date,
        )
        takes_part = bill.takes_part and order.value_date is not None
        is_short = order.most < bill.remaining and not takes_part
        if not paid and (is_short or not bill.payable):
            # A part may have been told of before the invoice was settled otherwise.
            alone = await self._billing.payment_left_alone(command)
            if alone is not None:
                raise StepRejected.of(alone)
            if bill.payable:
                left = bill.remaining
                return RecordedOnInvoice(outcome=RecordedAs.SHORT, amount=nought, left=left)
            return RecordedOnInvoice(outcome=RecordedAs.SETTLED, amount=nought, left=nought)

        async def find() -> PaidBill | None:
            now = await self._billing.read_bill(ref.account, ref.native_id)
            return PaidBill.of(now) if _paid_by(now, order.receipt) else None

        async def act(key: str) -> Outcome[PaidBill]:
            outcome = await self._billing.record_payment(command, idempotency_key=key)
            return Done(PaidBill.of(outcome.value)) if isinstance(outcome, Done) else outcome

        made = await self._ensure(
            Write(
                spec=WriteSpec(
                    key=idempotency_key(
                        context.business_key,
                        context.generation,
                        f"record-{ref.account}-{ref.native_id}",
                        "do",
                    ),
                    step="billing.record_payment",
                    system=System.BILLING,
                    account=ref.account,
                    context=context,
                    # Not the amount: what is left may be less by the time that it is asked again.
                    request_hash=request_hash(ref, order.receipt),
                    money=paid or command.amount,
                ),
                result_type=PaidBill,
                find=find,
                act=act,
                effects=lambda _: Effects(refs=(ref,), stage="recorded"),
                replay_safe_for=self._billing.idempotency_window,
            )
        )
        return RecordedOnInvoice(
            outcome=RecordedAs.PAID,
            # More is paid where a person marked the invoice as paid by several receipts.
            amount=min(_paid_by(made, order.receipt) or nought, order.most),
            left=made.remaining,
        )


class LedgerCashActivities:
    """Through the port of the seller's ERP."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure) -> None:
        self._posting = LedgerPosting(erps, ensure)

    @activity.defn(name="receipt.post")
    async def post(self, order: ReceiveCash) -> PostedDocument:
        """The whole amount is in the books, whatever it is for."""
        receipt = order.receipt

        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step="receive",
                name="erp.bank_receipt",
                asked=receipt,
                money=receipt.amount,
            ),
            applying(receipt),
            lambda made: Effects(refs=(made.ref,), stage="received"),
        )


def _paid_by(bill: Bill | PaidBill, receipt: str) -> Money | None:
    """What a receipt paid of it."""
    mine = [one.amount for one in bill.payments if one.receipt == receipt]
    return Money.total(mine, bill.remaining.currency) if mine else None
