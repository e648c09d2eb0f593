"""A day's invoices as one document of the ledger, and its way back to each of them. Pure.

Lines are summed by tax code, account and item; no amount is computed anew, tax least of all: the
sum of what the biller rounded for each invoice is what is owed. Payments are summed by day, since
the processor's balance is told by day.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Ref, System
from dealthread.domain.documents import CreditForm
from dealthread.domain.money import Money
from dealthread.domain.posted import HeldIn, PostedDocument
from dealthread.domain.receipts import Application, LedgerReceipt
from dealthread.domain.receivable import (
    CreditSettlement,
    LedgerCreditMemo,
    LedgerInvoice,
    LedgerLine,
    PostingDates,
)
from dealthread.naming import erp_document_key, held_key, summary_id

TAKEN_OUT = "taken_out_of_summary"
"""Reason of a memo that takes an invoice out of the summary that holds it."""
SUMMARY_TERMS = "DUE"
_ACCOUNT = "1050"


class SummaryPlace(Carried):
    """Which summary: of one company, currency and day; `part` counts those of the same day."""

    tenant: str
    seller: str
    erp: str
    company: str
    currency: str
    issue_date: date
    part: int
    customer_key: str
    """Of the control customer."""

    @property
    def summary_id(self) -> str:
        """Business key and workflow id."""
        return summary_id(self.seller, self.currency, self.issue_date, self.part)

    @property
    def number(self) -> str:
        """Under which the ledger keeps it: of our own making, and no legal number."""
        return f"{self.seller}-{self.issue_date.isoformat()}-{self.currency}-{self.part}"

    @property
    def document_key(self) -> str:
        """Our key on the ledger's document."""
        return erp_document_key(self.tenant, self.seller, "summary", self.summary_id, 1)

    def receipt_key(self, day: date) -> str:
        """Our key on the ledger's document of the payments of a day."""
        source = f"{self.summary_id}:{day.isoformat()}"
        return erp_document_key(self.tenant, self.seller, "summary-receipt", source, 1)

    def ref(self) -> Ref:
        """Where the biller's own id stands on an invoice: it has none."""
        return Ref(
            system=System.BILLING,
            account=self.seller,
            kind="summary",
            native_id=self.summary_id,
        )


class HeldState(StrEnum):
    WAITING = "waiting"
    """It is a part of the summary, unless something happens before it is posted."""
    FROZEN = "frozen"
    """The summary is being posted with it."""
    POSTED = "posted"
    SINGLE = "single"
    """It was sent back: it is posted by itself."""


class Member(Carried):
    """An invoice in a summary, with its documents as they were frozen."""

    invoice: LedgerInvoice
    receipts: tuple[LedgerReceipt, ...]


class Held(Carried):
    """Where an invoice stands in a summary."""

    place: SummaryPlace
    state: HeldState
    due_at: AwareDatetime
    is_started: bool = False
    """Whether the run that posts the summary has begun."""
    is_late: bool = False
    """Whether it should be posted by now: if its run was ended by hand, another one begins."""
    member: Member | None = None
    """Frozen; None while it waits."""
    summary: PostedDocument | None = None
    """The ledger's document; None while it is not posted."""
    receipts: tuple[PostedDocument, ...] = ()
    """The ledger's documents of the day's payments."""
    single_on: date | None = None
    """Something happened to it that asks for a document of its own: the day on which it gets one.
    None where nothing did."""

    @property
    def is_in_ledger(self) -> bool:
        """Whether the ledger has the summary, with it."""
        return self.state is HeldState.POSTED and self.summary is not None


def summary_invoice(place: SummaryPlace, members: Sequence[Member]) -> LedgerInvoice:
    """One document of all of them. Raises ValueError where there is none."""
    invoices = [one.invoice for one in members]
    if not invoices:
        raise ValueError("members: a summary has at least one")
    day = place.issue_date
    return LedgerInvoice(
        document_key=place.document_key,
        number=place.number,
        billing=place.ref(),
        company=place.company,
        customer_key=place.customer_key,
        currency=place.currency,
        dates=PostingDates(
            finalised_at=max(one.dates.finalised_at for one in invoices),
            issue_date=day,
            tax_point=day,
            posting_date=day,
        ),
        lines=tuple(_summed(place.currency, (line for one in invoices for line in one.lines))),
        net=Money.total((one.net for one in invoices), place.currency),
        tax=Money.total((one.tax for one in invoices), place.currency),
        gross=Money.total((one.gross for one in invoices), place.currency),
        business_key=place.summary_id,
        due_date=day,
        payment_terms=SUMMARY_TERMS,
    )


def _summed(currency: str, lines: Iterable[LedgerLine]) -> Iterable[LedgerLine]:
    groups: dict[tuple[str, str, str, bool], list[LedgerLine]] = {}
    for line in lines:
        # A reduction stands by itself: its tax goes the other way.
        key = (line.tax_code, line.account, line.item, line.net.amount < 0)
        groups.setdefault(key, []).append(line)
    for (tax_code, account, item, is_less), some in sorted(groups.items()):
        count = len(some)
        what = item or "charges"
        yield LedgerLine(
            line_key=f"{account}/{tax_code}/{item or '-'}{'/less' if is_less else ''}",
            item=item,
            account=account,
            description=f"Summary of {count} lines: {what}{', less' if is_less else ''}",
            net=Money.total((one.net for one in some), currency),
            tax_code=tax_code,
            tax=Money.total((one.tax for one in some), currency),
            sums=count,
        )


def summary_receipts(place: SummaryPlace, members: Sequence[Member]) -> tuple[LedgerReceipt, ...]:
    """One document for each day on which cards paid."""
    by_day: dict[date, list[Money]] = {}
    for receipt in (one for member in members for one in member.receipts):
        by_day.setdefault(receipt.value_date, []).append(receipt.amount)
    made = []
    for day, amounts in sorted(by_day.items()):
        amount = Money.total(amounts, place.currency)
        made.append(
            LedgerReceipt(
                document_key=place.receipt_key(day),
                source=place.ref(),
                company=place.company,
                customer_key=place.customer_key,
                value_date=day,
                posting_date=day,
                money_account=_ACCOUNT,
                amount=amount,
                applications=(Application(document_key=place.document_key, amount=amount),),
                unapplied=Money.zero(place.currency),
                reference=place.number,
            )
        )
    return tuple(made)


def held_invoice(
    place: SummaryPlace, member: LedgerInvoice, summary: PostedDocument
) -> PostedDocument:
    """Our record of an invoice that the ledger holds in its summary."""
    return summary.model_copy(
        update={
            "document_key": held_key(place.tenant, place.seller, member.document_key),
            "number": member.number,
            "customer_key": member.customer_key,
            "net": member.net,
            "tax": member.tax,
            "gross": member.gross,
            "open_amount": Money.zero(place.currency),
            "issue_date": member.dates.issue_date,
            "due_date": member.due_date,
            "held_in": HeldIn(document_key=summary.document_key, number=place.number),
        }
    )


def held_receipt(
    place: SummaryPlace, member: LedgerReceipt, receipt: PostedDocument
) -> PostedDocument:
    """The same of a payment."""
    return receipt.model_copy(
        update={
            "document_key": held_key(place.tenant, place.seller, member.document_key),
            "customer_key": member.customer_key,
            "net": member.amount,
            "tax": Money.zero(place.currency),
            "gross": member.amount,
            "open_amount": Money.zero(place.currency),
            "held_in": HeldIn(document_key=receipt.document_key, number=place.number),
        }
    )


# ------------------------------------------------------------ taken out again


def taken_out_number(invoice: str, summary: str) -> str:
    """Under which the ledger keeps what takes an invoice out of its summary."""
    return f"{invoice} out of {summary}"


def taking_out(place: SummaryPlace, member: Member, day: date) -> LedgerCreditMemo:
    """A credit memo on the control customer that names the summary: the invoice's own lines, and
    its money back to the processor's account, from which its own payment takes it at once."""
    invoice = member.invoice
    return LedgerCreditMemo(
        document_key=erp_document_key(
            place.tenant, place.seller, "taken-out", invoice.document_key, 1
        ),
        number=taken_out_number(invoice.number, place.number),
        billing=invoice.billing,
        company=place.company,
        customer_key=place.customer_key,
        currency=place.currency,
        dates=invoice.dates.model_copy(update={"issue_date": day, "posting_date": day}),
        lines=invoice.lines,
        net=invoice.net,
        tax=invoice.tax,
        gross=invoice.gross,
        contract_key=invoice.contract_key,
        business_key=invoice.business_key,
        corrects=place.document_key,
        reason=TAKEN_OUT,
        settlements=(
            CreditSettlement(form=CreditForm.REFUND, amount=invoice.gross, account=_ACCOUNT),
        ),
    )


def by_itself(member: Member, day: date) -> Member:
    """Invoice and payments as they are posted when they are taken out: on that day; the date on
    the document, its tax point and the days of payment stay."""
    dates = member.invoice.dates.model_copy(update={"posting_date": day})
    return Member(
        invoice=member.invoice.model_copy(update={"dates": dates}),
        receipts=tuple(one.model_copy(update={"posting_date": day}) for one in member.receipts),
    )
