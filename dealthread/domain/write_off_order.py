"""A claim that a person gives up: what of it is an expense, what is tax to be given back. Pure.

A write-off is no credit to the customer: no note is issued, and the claim stands. Where the law
gives tax on bad debts back, its share of what is open goes off the tax owed (facts/domain.md
§5, "Write-off"; D3 of §9). What was not served yet is no bad debt: it is credited first.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import Literal

from dealthread.domain.base import Carried
from dealthread.domain.bill import Bill
from dealthread.domain.credit_order import CreditRefusal, left_by_line
from dealthread.domain.dunning import due_date_of
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.receipts import WriteOffPart


class WriteOffOrder(Carried):
    """What is open of one invoice is given up, as it was accepted."""

    change_id: str
    contract_key: str
    kind: Literal["invoice_write_off"] = "invoice_write_off"
    billing_account: str
    invoice_id: str
    without_relief: bool = False
    """The tax is an expense too, whatever the law would give back later."""
    reason: str = ""
    accepted_on: date


def refusals(
    bill: Bill, on: date, relief_months: int | None, *, without_relief: bool
) -> tuple[CreditRefusal, ...]:
    """What speaks against writing the invoice off on a day."""
    is_claim = bill.status in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE)
    if not is_claim or bill.remaining.amount <= 0:
        return (_refusal("nothing_open", "invoice", f"it is {bill.status}: nothing is to be paid"),)
    found = []
    runs_on = _served_until(bill, on)
    if runs_on is not None:
        found.append(
            _refusal(
                "service_runs_on",
                "invoice",
                f"it bills service until {runs_on}: end the contract and credit what is not "
                "served, then write off the rest",
            )
        )
    day = relief_day(bill, relief_months)
    if day is not None and on < day and bill.tax and not without_relief:
        found.append(
            _refusal(
                "relief_not_due",
                "without_relief",
                f"tax is given back from {day} on: wait, or say without_relief",
            )
        )
    return tuple(found)


def _served_until(bill: Bill, on: date) -> date | None:
    """Last day billed and neither served by then nor credited; None where all was served."""
    left = left_by_line(bill)
    for line in bill.lines:
        start, end = line.period_start, line.period_end
        if start is None or end is None or end <= on or line.line_key not in left:
            continue
        served = max((on - start).days, 0)
        share = line.net.amount * served / max((end - start).days, 1)
        if left[line.line_key].amount > Money.rounded(share, bill.currency).amount:
            return end
    return None


def relief_day(bill: Bill, relief_months: int | None) -> date | None:
    """From when on tax on this invoice may be given back; None where it never is."""
    due = due_date_of(bill)
    if relief_months is None or due is None:
        return None
    month = due.month - 1 + relief_months
    year, month = due.year + month // 12, month % 12 + 1
    for day in range(due.day, 27, -1):
        try:
            return date(year, month, day)
        except ValueError:
            continue
    return date(year, month, due.day)


def parts_of(
    bill: Bill,
    codes: Mapping[str, str],
    *,
    expense: str,
    tax_account: str,
    has_relief: bool,
) -> tuple[WriteOffPart, ...]:
    """What is open as expense and tax. The tax is its share of the invoice less its credits,
    rounded once; by tax code (`codes`: line → code) in proportion, what rounding leaves over to the
    codes in their order."""
    taxes: dict[str, int] = {}
    gross = bill.gross
    for line in bill.lines:
        code = codes.get(line.line_key, "")
        taxes[code] = taxes.get(code, 0) + line.tax.to_minor()
    for memo in bill.credit_memos:
        gross = gross - memo.gross
        for part in memo.lines:
            code = codes.get(part.line_key, "")
            taxes[code] = taxes.get(code, 0) - part.tax.to_minor()
    charged = {code: tax for code, tax in taxes.items() if tax > 0}
    whole = sum(charged.values())
    tax = Money.zero(bill.currency)
    if has_relief and whole and gross.amount > 0:
        share = bill.remaining.amount * whole / gross.to_minor()
        tax = Money.rounded(share, bill.currency)
    parts = [WriteOffPart(account=expense, amount=bill.remaining - tax)]
    left = tax.to_minor()
    shares = {
        code: int((Decimal(tax.to_minor()) * one / whole).to_integral_value(ROUND_DOWN))
        for code, one in charged.items()
    }
    left -= sum(shares.values())
    for code in shares:
        more = min(left, 1)
        shares[code] += more
        left -= more
    parts += [
        WriteOffPart(
            account=tax_account, amount=Money.from_minor(one, bill.currency), tax_code=code
        )
        for code, one in shares.items()
        if one and tax
    ]
    return tuple(part for part in parts if part.amount)


def _refusal(code: str, field: str, action: str) -> CreditRefusal:
    return CreditRefusal(code=code, field=field, action=action)
