"""Disputes and what they moved, at Stripe.

docs.stripe.com/disputes/how-disputes-work: a dispute takes the amount and a fee from the balance;
an inquiry (`warning_…`) takes nothing until it becomes a dispute. Its balance transactions say what
was taken and what was given back. The invoice is found by the payment intent, as a charge names
none.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from adapters.stripe import translate
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.paging import pages
from dealthread.domain.dispute import Dispute, DisputedPayment, DisputeStatus
from dealthread.domain.money import Money
from dealthread.errors import NotFound, StepRejected

_STATUS = {
    "needs_response": DisputeStatus.OPEN,
    "under_review": DisputeStatus.OPEN,
    "warning_needs_response": DisputeStatus.OPEN,
    "warning_under_review": DisputeStatus.OPEN,
    "appeal_needs_response": DisputeStatus.OPEN,
    "appeal_under_review": DisputeStatus.OPEN,
    "won": DisputeStatus.WON,
    "lost": DisputeStatus.LOST,
    "warning_closed": DisputeStatus.CLOSED,
    "prevented": DisputeStatus.CLOSED,
}


def _settled_in(moved: list[translate.Data]) -> str:
    """Currency of the balance that a dispute moved; "" where nothing moved."""
    currencies = sorted({translate.text(one, "currency").upper() for one in moved})
    if len(currencies) > 1:
        # The account's own currency has changed meanwhile.
        raise StepRejected(
            "dispute_moved_in_two_currencies",
            case_kind="cash.returned",
            field="balance_transactions.currency",
            currencies=", ".join(currencies),
        )
    return currencies[0] if currencies else ""


def _rate(moved: list[translate.Data]) -> Decimal:
    """At which what was taken was converted; docs.stripe.com/api/balance_transactions/object: the
    amount in the payment's currency by it is the balance's."""
    taken = next((one for one in moved if translate.minor(one, "amount") < 0), moved[0])
    found = translate.at(taken, "exchange_rate")
    if isinstance(found, bool) or not isinstance(found, int | float | str | Decimal):
        raise translate.drift("balance_transactions.exchange_rate")
    try:
        # The shortest text of a number is the one that was sent.
        return Decimal(str(found))
    except InvalidOperation:
        raise translate.drift("balance_transactions.exchange_rate") from None


class Disputes:
    """Works on one account at a time."""

    async def read(self, account: BillingAccount, native_id: str) -> Dispute:
        """The dispute as it stands. Raises NotFound."""
        if not native_id:
            # Without an id the address would be that of the list.
            raise NotFound("billing_object_not_found")
        row = await account.read(
            "read_dispute", lambda: account.v1.disputes.retrieve_async(native_id)
        )
        status = _STATUS.get(translate.text(row, "status"))
        opened = translate.day(row, "created")
        if status is None or opened is None:
            raise translate.drift("status" if status is None else "created")
        currency = translate.text(row, "currency").upper()
        moved = translate.rows(row, "balance_transactions")
        settled = _settled_in(moved) or currency
        amounts = [translate.minor(one, "amount") for one in moved]
        fees = [translate.minor(one, "fee") for one in moved]
        back = [one for one in moved if translate.minor(one, "amount") > 0]
        # 0 where no answer is allowed.
        due = translate.instant(row, "evidence_details", "due_by")
        payments = await self._payments(account, row)
        # One intent may pay several invoices: which of them is disputed, no page says, so that all
        # of them are told.
        paid = payments[0] if len(payments) == 1 else None
        return Dispute(
            ref=translate.ref(account.key, "dispute", translate.text(row, "id")),
            status=status,
            amount=Money.from_minor(translate.minor(row, "amount"), currency),
            reason=translate.text(row, "reason"),
            withdrawn=Money.from_minor(-sum(one for one in amounts if one < 0), settled),
            reinstated=Money.from_minor(sum(one for one in amounts if one > 0), settled),
            fee=Money.from_minor(sum(one for one in fees if one > 0), settled),
            fee_returned=Money.from_minor(-sum(one for one in fees if one < 0), settled),
            opened_on=opened,
            reinstated_on=translate.day(back[-1], "created") if back else None,
            rate=_rate(moved) if settled != currency else None,
            evidence_due=due if due is not None and due.timestamp() > 0 else None,
            invoice_id=translate.text(paid, "invoice") if paid else "",
            payment_id=translate.text(paid, "id") if paid else "",
            is_of_several=len(payments) > 1,
            several=tuple(
                DisputedPayment(
                    invoice_id=translate.text(one, "invoice"), payment_id=translate.text(one, "id")
                )
                for one in (payments if len(payments) > 1 else ())
            ),
        )

    async def _payments(self, account: BillingAccount, row: Answer) -> list[translate.Data]:
        """The payments of invoices that the disputed charge was; none of another charge."""
        intent = translate.text(row, "payment_intent")
        if not intent:
            return []
        return [
            payment
            async for payment in pages(
                account,
                "list_invoice_payments",
                lambda after: account.v1.invoice_payments.list_async(
                    {
                        "payment": {"type": "payment_intent", "payment_intent": intent},
                        "status": "paid",
                        "limit": 100,
                        **({"starting_after": after} if after else {}),
                    }
                ),
            )
        ]
