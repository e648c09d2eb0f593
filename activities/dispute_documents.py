"""From a disputed payment and the invoices that it paid to the documents of the ledger. Pure.

A payment of which a part is lost is reversed as a whole, by a document that names it, and what is
left of it is applied again: no ledger takes a part of a settlement back (docs/adr/0028).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from activities.dispute_inputs import DisputedInvoice, DisputeToPost
from activities.ledger_documents import old_receipts, receipts
from dealthread.domain.adoption.carried import OldInvoice
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.dispute import Dispute
from dealthread.domain.dispute_exchange import DisputeExchange
from dealthread.domain.dispute_parts import PaidInvoice, TakenPart, taken_parts
from dealthread.domain.ledger import Reversal
from dealthread.domain.money import CurrencyCode, Money
from dealthread.domain.receipts import LedgerReceipt
from dealthread.errors import StepRejected
from dealthread.naming import erp_document_key, receipt_key

CASE = "cash.returned"


def dispute_document_key(tenant: str, seller: str, stage: str, dispute: Dispute) -> str:
    """Our key on a document of the ledger: by the dispute's own id."""
    source = f"{dispute.ref.account}:{dispute.ref.native_id}"
    return erp_document_key(tenant, seller, f"dispute-{stage}", source, 1)


@dataclass(frozen=True)
class OfPayment:
    """A bill that the disputed payment paid, whose it is, and where others posted it."""

    bill: Bill
    contract: Contract | None
    old: OldInvoice | None = None


@dataclass(frozen=True)
class Reopening:
    """For whom, and on which day, receivables are opened again."""

    tenant: str
    seller: str
    today: date


def parts_of(
    dispute: Dispute, amount: Money, paid: Sequence[OfPayment]
) -> tuple[TakenPart, ...] | None:
    """What of an amount is about which invoice, newest first; None where the payment is not one
    that the bills name, or less than the amount."""
    of_payment = {one.payment_id for one in dispute.payments}
    found = [
        PaidInvoice(bill=one.bill, payment=payment)
        for one in paid
        for payment in one.bill.payments
        if payment.ref.native_id in of_payment
    ]
    return taken_parts(amount, found) if len(found) == len(paid) else None


def lost_parts(
    dispute: Dispute, paid: Sequence[OfPayment], ledger: CurrencyCode
) -> tuple[TakenPart, ...]:
    """What is lost of each invoice. Raises StepRejected by its field where it is not the payment
    that the bills tell, or partly of an invoice that no contract of ours made."""
    is_foreign = dispute.is_converted or dispute.amount.currency != ledger
    if is_foreign and dispute.reinstated:
        # Which part of the payment that was, or at what it is left of it, no rate says.
        raise back_in_part(dispute)
    lost, numbers = dispute.lost_of_payment, ", ".join(one.bill.number for one in paid)
    parts = parts_of(dispute, lost, paid)
    if parts is None:
        payments = {one.payment_id for one in dispute.payments}
        whole = [
            payment.amount
            for one in paid
            for payment in one.bill.payments
            if payment.ref.native_id in payments
        ]
        raise StepRejected(
            "dispute_is_not_the_payment",
            case_kind=CASE,
            field="amount",
            invoice=numbers,
            contract=", ".join(sorted({one.bill.contract_key for one in paid})),
            dispute=str(lost),
            payment=str(Money.total(whole, lost.currency)) if whole else "none",
        )
    ours = {one.bill.ref.native_id for one in paid if one.contract is not None}
    if any(one.paid.bill.ref.native_id not in ours for one in parts):
        raise StepRejected(
            "payment_of_several_invoices", case_kind=CASE, field="invoice", invoice=numbers
        )
    return parts


def back_in_part(dispute: Dispute) -> StepRejected:
    """Only a part came back, and nobody says of what the rest is."""
    return StepRejected(
        "dispute_is_back_in_part",
        case_kind=CASE,
        field="reinstated",
        withdrawn=str(dispute.withdrawn),
        reinstated=str(dispute.reinstated),
    )


def disputed_invoice(
    of: OfPayment, contract: Contract, taken: Money, *, is_one_of_several: bool
) -> DisputedInvoice:
    """The invoice with whose it is; nothing of it is opened again yet."""
    return DisputedInvoice(
        bill=of.bill,
        org=contract.org,
        deal_id=contract.deal_id,
        account_id=contract.customer_ref.native_id,
        region=contract.seller_region,
        taken=taken,
        mark=of.bill.ref.native_id if is_one_of_several else "",
    )


def reopened(
    disputed: DisputedInvoice,
    part: TakenPart,
    of: OfPayment,
    contract: Contract,
    dispute: Dispute,
    order: Reopening,
) -> DisputedInvoice:
    """With the documents that open its receivable again, by what was taken."""
    bill, payment = of.bill, part.paid.payment
    original = receipt_key(
        order.tenant, order.seller, bill.ref.account, bill.ref.native_id, payment.ref.native_id
    )

    def key(stage: str) -> str:
        stage = f"{stage}-{disputed.mark}" if disputed.mark else stage
        return dispute_document_key(order.tenant, order.seller, stage, dispute)

    reversal = Reversal(
        document_key=key("reopened"),
        company=contract.erp_company,
        reverses=original,
        posting_date=order.today,
        reason=f"dispute {dispute.ref.native_id} lost",
    )
    remainder = None
    if part.left:
        receipt = _receipt(of, contract, order.tenant, original)
        remainder = _remainder(receipt, part.left, key("remainder"), order.today)
    return disputed.model_copy(update={"reversal": reversal, "remainder": remainder})


def exchanges(
    told: DisputeToPost, ledger: str, account: str, opened: str
) -> dict[str, DisputeExchange]:
    """What each entry needs of the ledger to be in its currency; `account` is disputes receivable,
    `opened` the key of the entry that brought it there."""
    dispute = told.dispute
    found: dict[str, DisputeExchange] = {}
    is_foreign = dispute.withdrawn.currency != ledger
    of_ledger = DisputeExchange(
        ledger=ledger, disputes=account, opened=opened if is_foreign else ""
    )
    if is_foreign:
        update: dict[str, object] = {"on": dispute.opened_on, "opened": ""}
        found["opened"] = of_ledger.model_copy(update=update)
        found["won"] = of_ledger.model_copy(
            update={"on": dispute.reinstated_on or dispute.opened_on}
        )
        found["lost"] = of_ledger
    if told.parts and (is_foreign or dispute.amount.currency != ledger):
        found["lost"] = of_ledger.model_copy(update={"parts": told.parts})
    return found


def _receipt(of: OfPayment, contract: Contract, tenant: str, key: str) -> LedgerReceipt:
    """The payment as it was brought to the ledger."""
    if of.old is not None:
        made = old_receipts(of.bill, contract, tenant, of.bill.payments, of.old.document)
    else:
        made = receipts(of.bill, contract, tenant)
    return next(one for one in made if one.document_key == key)


def _remainder(receipt: LedgerReceipt, left: Money, key: str, today: date) -> LedgerReceipt:
    (application,) = receipt.applications
    return receipt.model_copy(
        update={
            "document_key": key,
            "posting_date": today,
            "amount": left,
            "applications": (application.model_copy(update={"amount": left}),),
            # It came with the payment, and stands in the books at that one's rate.
            "drawn_from": receipt.document_key,
            "reference": f"{receipt.reference}: left of {receipt.document_key}",
        }
    )
