"""Entries of a dispute in another currency than the ledger's: at the ledger's own rates, read in
the attempt that posts (docs/adr/0025)."""

from __future__ import annotations

from activities.dispute_documents import CASE
from dealthread.domain.dispute_exchange import DisputeExchange, DisputeRates, in_ledger
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.posted import PostedDocument
from dealthread.errors import StepRejected
from dealthread.ports.ledger import LedgerPort


async def at_its_rates(
    erp: LedgerPort, journal: LedgerJournal, exchange: DisputeExchange
) -> LedgerJournal:
    """Raises StepRejected where the ledger has no rate of the day, or does not have what the entry
    follows from."""
    company, currency = journal.company, journal.lines[0].amount.currency
    moved = None
    if exchange.on is not None:
        moved = await erp.exchange_rate(company, currency, exchange.on)
    carried = moved
    if exchange.opened:
        opened = await _document(erp, company, exchange.opened, "dispute_not_in_the_ledger")
        carried = opened.rate
        moved = moved if exchange.on is not None else carried
    if carried is None and currency != exchange.ledger:
        raise StepRejected("dispute_not_in_the_ledger", case_kind=CASE, field="rate")
    parts = [
        (await _document(erp, company, part.receipt, "payment_not_in_the_ledger")).rate
        for part in exchange.parts
    ]
    rates = DisputeRates(moved=moved, carried=carried, parts=tuple(parts))
    return in_ledger(journal, exchange, rates)


async def _document(erp: LedgerPort, company: str, key: str, missing: str) -> PostedDocument:
    found = await erp.find_document(company, key)
    if found is None:
        raise StepRejected(missing, case_kind=CASE, field="document_key", document_key=key)
    return found
