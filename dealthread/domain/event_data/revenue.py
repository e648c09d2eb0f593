"""Data of events about recognised revenue and closed months: of a company and a month, not of one
contract."""

from __future__ import annotations

from datetime import date

from pydantic import AwareDatetime

from dealthread.domain.event_data.base import Amount, Currency, EventData


class OfRecognition(EventData):
    """About one entry of recognised revenue."""

    seller: str
    period: str
    document_key: str
    document: str
    posting_date: date
    currency: Currency
    amount: Amount
    ledger_currency: Currency
    ledger_amount: Amount


class RevenueRecognised(OfRecognition):
    """The entry is in the ledger."""

    contract_lines: int


class RevenueReversed(OfRecognition):
    """The entry was undone by its opposite."""

    reversal_key: str


class PeriodClosed(EventData):
    """The ledger takes nothing more into the month. `evidence` is the fingerprint of what was
    signed; a month that was opened again is closed anew, as the next attempt."""

    seller: str
    period: str
    attempt: int
    evidence: str
    ledger_period: str
    closed_at: AwareDatetime
