"""Documents of another currency than the ledger's: at the ledger's own rate of their day.

An invoice is converted at the rate of its issue date for ever, a credit at that of the invoice it
corrects, a payment at that of its value date, out of unapplied cash at that of the receipt which
brought it there; what the two differ by is realised (IAS 21.28).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from dealthread.domain.exchange import ExchangeRate
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receipts import Application, LedgerReceipt
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice
from dealthread.domain.settlement import OpenItem, Side, settled
from dealthread.errors import NotFound, StepRejected
from dealthread.outcome import Outcome
from dealthread.ports.ledger import LedgerPort


async def invoice_at_its_rate(erp: LedgerPort, invoice: LedgerInvoice) -> LedgerInvoice:
    """With the rate of its issue date; as it is where the ledger is kept in its currency."""
    day = invoice.dates.issue_date
    rate = await erp.exchange_rate(invoice.company, invoice.currency, day)
    return invoice if rate is None else invoice.model_copy(update={"rate": rate})


async def credit_at_its_rate(erp: LedgerPort, memo: LedgerCreditMemo) -> LedgerCreditMemo:
    """With the rate of the invoice that it corrects, whatever is known of its own day; with that
    of its own day where it corrects none."""
    original = await erp.find_document(memo.company, memo.corrects) if memo.corrects else None
    if original is not None and original.rate is not None:
        return memo.model_copy(update={"rate": original.rate})
    rate = await erp.exchange_rate(memo.company, memo.currency, memo.dates.issue_date)
    if rate is None:
        return memo
    if memo.corrects and original is None:
        raise _unknown(memo.corrects)
    return memo.model_copy(update={"rate": rate})


def applying(
    receipt: LedgerReceipt,
) -> Callable[[LedgerPort, str], Awaitable[Outcome[PostedDocument]]]:
    """The act that applies a receipt at its rate, under a key."""

    async def act(erp: LedgerPort, key: str) -> Outcome[PostedDocument]:
        at_its_rate = await receipt_at_its_rate(erp, receipt)
        return await erp.apply_receipt(at_its_rate, idempotency_key=key)

    return act


async def receipt_at_its_rate(erp: LedgerPort, receipt: LedgerReceipt) -> LedgerReceipt:
    """With the rate of its value date, or of the receipt that it is drawn from, and what each part
    stands for in the books."""
    company = receipt.company
    rate = await _rate_of(erp, receipt)
    if rate is None:
        return receipt
    parts = []
    for part in receipt.applications:
        carried = await _carried(erp, company, part, rate)
        parts.append(part.model_copy(update={"ledger_amount": carried}))
    return receipt.model_copy(update={"rate": rate, "applications": tuple(parts)})


async def _rate_of(erp: LedgerPort, receipt: LedgerReceipt) -> LedgerRate | None:
    company, currency, held = receipt.company, receipt.amount.currency, receipt.drawn_from
    brought = await erp.find_document(company, held) if held is not None else None
    if brought is not None and brought.rate is not None:
        return brought.rate
    rate = await erp.exchange_rate(company, currency, receipt.value_date)
    if rate is not None and held is not None and brought is None:
        raise _unknown(held)
    return rate


async def _carried(erp: LedgerPort, company: str, part: Application, rate: LedgerRate) -> Money:
    """What the part takes off the document in the ledger's currency."""
    try:
        document = await erp.read_document(company, part.document_key)
    except NotFound:
        raise _unknown(part.document_key) from None
    left, carried = document.open_amount, document.open_ledger_amount
    if carried is None or left < part.amount:
        return rate.of(part.amount)  # More than is open: the ledger refuses it with its figures.
    item = OpenItem(side=Side.RECEIVABLE, document=left, ledger=carried)
    return settled(item, part.amount, _rate(rate, part.amount.currency)).relieved


def _rate(rate: LedgerRate, currency: str) -> ExchangeRate:
    return ExchangeRate(
        base=currency,
        quote=rate.currency,
        rate=rate.rate,
        rate_date=rate.rate_date,
        source=rate.source,
    )


def _unknown(key: str) -> StepRejected:
    return StepRejected(
        "document_unknown", case_kind="cash.unmatched", field="document_key", document_key=key
    )
