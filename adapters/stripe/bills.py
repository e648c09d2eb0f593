"""A bill as it stands: the invoice with all its lines, payments and credit notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from adapters.stripe import requests, translate
from adapters.stripe.bill_payments import paid_of, payments_of, receipts_of, takes_parts
from adapters.stripe.buyers import buyer_of
from adapters.stripe.catalogue import TaxRate, TaxRates
from adapters.stripe.change_requests import CHANGE
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.credit_reading import memo_of
from adapters.stripe.credits import Credits
from adapters.stripe.invoices import Invoices
from adapters.stripe.paging import pages
from dealthread.domain.bill import AT_BILLER, Bill, BillPayment
from dealthread.domain.credit_sharing import shared_out
from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine
from dealthread.domain.money import Money
from dealthread.errors import NotFound

SUBSCRIPTION = ("parent", "subscription_details", "subscription")
PO_NUMBER = "PO number"


L = TypeVar("L", InvoiceLine, CreditMemoLine)


class Bills:
    """Reads of one account at a time."""

    def __init__(self, tax_rates: TaxRates, invoices: Invoices, credits: Credits) -> None:
        self._tax_rates = tax_rates
        self._invoices = invoices
        self._credits = credits

    async def read(self, account: BillingAccount, native_id: str) -> Bill:
        """The invoice as it stands. Raises NotFound."""
        if not native_id:
            # Without an id the address would be that of the list.
            raise NotFound("billing_object_not_found")
        row = await account.read(
            "read_invoice",
            lambda: account.v1.invoices.retrieve_async(
                native_id, {"expand": ["customer", ".".join(SUBSCRIPTION)]}
            ),
        )
        lines = await self._invoices.lines(account, row)
        subscription = translate.mapping(row, *SUBSCRIPTION)
        keys = line_keys(subscription)
        by_line = {translate.text(line, "id"): keys.of(line) for line in lines}
        rates = await self._tax_rates.borne(account, lines)
        shown = translate.invoice(account.key, row, lines, keys, _names(rates))
        is_draft = row.get("status") == "draft"
        memos, voided = await self._memos(account, row, by_line, shown.lines)
        remaining = translate.minor(row, "amount_remaining")
        return Bill(
            ref=translate.ref(account.key, "invoice", translate.text(row, "id")),
            number=shown.number,
            status=shown.status,
            contract_key=contract_key(row, subscription),
            customer_key=customer_key(row),
            currency=shown.currency,
            lines=tuple(_in_code(line, rates) for line in shown.lines),
            net=shown.net,
            tax=shown.tax,
            gross=shown.gross,
            balance_used=Money.from_minor(balance_used(row), shown.currency),
            remaining=Money.from_minor(remaining, shown.currency),
            issue_date=shown.issue_date,
            due_date=shown.due_date,
            finalised_at=shown.finalised_at,
            voided_on=translate.day(row, "status_transitions", "voided_at"),
            po_number=po_number(row),
            payments=() if is_draft else await self._payments(account, row),
            takes_parts=takes_parts(row, subscription),
            failed_attempts=failed_attempts(row),
            next_attempt_on=translate.day(row, "next_payment_attempt"),
            buyer=buyer_of(row),
            credit_memos=tuple(memo for memo, _ in memos),
            voided_credits=voided,
            credit_reasons={
                memo.ref.native_id: reason for memo, reason in memos if memo.ref and reason
            },
        )

    async def ids(self, account: BillingAccount, customer: str) -> tuple[str, ...]:
        """Of a customer's invoices that are no drafts, newest first."""
        return tuple(
            [
                translate.text(row, "id")
                async for row in pages(
                    account,
                    "list_invoices",
                    lambda after: account.v1.invoices.list_async(
                        {
                            "customer": customer,
                            "limit": 100,
                            **({"starting_after": after} if after else {}),
                        }
                    ),
                )
                if row.get("status") != "draft"
            ]
        )

    async def _payments(self, account: BillingAccount, row: Answer) -> tuple[BillPayment, ...]:
        paid = await paid_of(account, translate.text(row, "id"))
        return payments_of(account.key, row, paid, await receipts_of(account, paid))

    async def _memos(
        self,
        account: BillingAccount,
        row: Answer,
        by_line: Mapping[str, str],
        billed: Sequence[InvoiceLine],
    ) -> tuple[list[tuple[CreditMemo, str]], tuple[CreditMemo, ...]]:
        """Oldest first, each with the reason of a person's; and those that were voided. What bears
        no mark of ours was made by hand in the biller's own pages, or by another program.
        `billed`: the lines, their tax rates by name, since a code may have several."""
        issued, voided = [], []
        known: list[tuple[CreditMemo, int | None]] = []
        for note in reversed(await self._credits.notes(account, row)):
            status = translate.text(note, "status")
            if status not in ("issued", "void"):
                raise translate.drift("credit_note.status")
            lines = await self._credits.note_lines(account, note)
            rates = (
                *await self._tax_rates.borne(account, lines),
                *await self._tax_rates.borne(account, [note], "total_taxes"),
            )
            read = memo_of(account.key, note, lines, by_line, rates=_names(rates))
            if status == "void":
                read = read.model_copy(update={"voided_on": translate.day(note, "voided_at")})
            made = translate.minor(note, "created")
            stood = [one for one, gone in known if gone is None or gone > made]
            shared = shared_out(billed, read, stood)
            in_code = tuple(_in_code(line, rates) for line in shared.lines)
            memo = shared.model_copy(update={"lines": in_code})
            known.append((memo, None if status == "issued" else translate.minor(note, "voided_at")))
            if status == "issued":
                made_here = translate.mark(note, CHANGE)
                reason = translate.mark(note, requests.CREDIT_REASON) if made_here else AT_BILLER
                issued.append((memo, reason))
            else:
                voided.append(memo)
        return issued, tuple(voided)


def _names(rates: Iterable[TaxRate]) -> dict[str, str]:
    return {rate.native_id: rate.name for rate in rates}


def _in_code(line: L, rates: Iterable[TaxRate]) -> L:
    """A line that names its tax rates, with their codes: all that anybody but the biller knows."""
    codes = {rate.name: rate.code for rate in rates}
    named = line.tax_rate.split(",")
    return line.model_copy(update={"tax_rate": ",".join(codes.get(one, one) for one in named)})


def line_keys(subscription: translate.Data) -> translate.LineKeys:
    """By the subscription's items, those that changes took away among them."""
    if not subscription:
        return translate.LineKeys({})
    return translate.LineKeys(
        translate.items_of(subscription), retired=translate.retired_items_of(subscription)
    )


def contract_key(row: translate.Data, subscription: translate.Data) -> str:
    """As the invoice noted it when it was made, else as the subscription says; "" where no
    contract of ours made it."""
    noted = translate.mapping(row, "parent", "subscription_details", "metadata")
    found = noted.get(requests.CONTRACT, "")
    if not isinstance(found, str):
        raise translate.drift(f"parent.subscription_details.metadata.{requests.CONTRACT}")
    if found or not subscription:
        return found
    return translate.mark(subscription, requests.CONTRACT)


def customer_key(row: translate.Data) -> str:
    """Our key of the customer; "" of one that is not ours, or was deleted there."""
    customer = translate.mapping(row, "customer")
    if not customer or customer.get("deleted") is True:
        return ""
    return translate.mark(customer, "dealthread_customer")


def po_number(row: translate.Data) -> str:
    """The customer's order number that stands on the invoice."""
    for one in translate.rows(row, "custom_fields"):
        if translate.text(one, "name") == PO_NUMBER:
            return translate.text(one, "value")
    return ""


def failed_attempts(row: translate.Data) -> int:
    """Automatic attempts on an open invoice, once another one is planned: one that is still under
    way (a debit takes days) plans none, and after the last one the due date tells."""
    if row.get("status") != "open" or translate.instant(row, "next_payment_attempt") is None:
        return 0
    return translate.minor(row, "attempt_count")


def balance_used(row: translate.Data) -> int:
    """Credits have a negative balance at Stripe: what finalising took of them. Negative where the
    invoice collected a debt of the balance, or was itself a credit to it."""
    if translate.at(row, "ending_balance") is None:
        return 0
    return translate.minor(row, "ending_balance") - translate.minor(row, "starting_balance")
