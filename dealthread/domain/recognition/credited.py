"""What a person's credit on an invoice takes from revenue: a change of the transaction price.

The part of it that falls on days served before the month of the credit is taken in that month, the
rest by day as the service goes on (ASC 606-10-32-42 to 32-45: the price of a series of distinct
services; what was satisfied is changed in the period of the change). Credits that follow from a
change of the contract are in the versions of its plan already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.receivable import voided_number
from dealthread.domain.recognition.rows import first_of, month_after
from dealthread.domain.revenue.spread import Remainder, spread
from dealthread.domain.versions.plan import RevenuePlanRow

TREATMENT = "credit"
Shares = Mapping[str, Mapping[str, Money]]
"""Line key → account → what is planned of it: of a bundle, how its revenue is divided."""


def credited_rows(
    bill: Bill, contract: Contract, shares: Shares | None = None
) -> tuple[RevenuePlanRow, ...]:
    """Rows below nought, by credit, line, account and month. Without `shares` a line's revenue is
    of one account."""
    found: list[RevenuePlanRow] = []
    for memo in bill.credit_memos:
        if memo.ref is not None and memo.ref.native_id in bill.credit_reasons:
            found += _of_memo(bill, memo, contract, shares or {})
            if bill.status is InvoiceStatus.VOID and bill.voided_on is not None:
                # The credit falls with its invoice: the price is what it was.
                found += _fallen(bill, memo, bill.voided_on, contract, shares or {})
    return tuple(found)


def _fallen(
    bill: Bill, memo: CreditMemo, on: date, contract: Contract, shares: Shares
) -> Iterator[RevenuePlanRow]:
    turned = tuple(one.model_copy(update={"net": -one.net}) for one in memo.lines)
    update = {"lines": turned, "issue_date": on, "number": voided_number(memo.number)}
    yield from _of_memo(bill, memo.model_copy(update=update), contract, shares)


def shares_of(rows: Iterable[tuple[str, str, Money]]) -> Shares:
    """From line key, account and amount of each planned row."""
    found: dict[str, dict[str, Money]] = {}
    for line_key, account, amount in rows:
        mine = found.setdefault(line_key, {})
        mine[account] = mine.get(account, Money.zero(amount.currency)) + amount
    return found


def _of_memo(
    bill: Bill, memo: CreditMemo, contract: Contract, shares: Shares
) -> Iterator[RevenuePlanRow]:
    if memo.issue_date is None:
        return
    month = first_of(memo.issue_date)
    for number, part in enumerate(memo.lines, start=1):
        days = _days(bill, part.line_key, month)
        for account, net in _by_account(part, contract, shares).items():
            amounts = spread(-net, list(days.values()), Remainder.CUMULATIVE)
            for at, amount in zip(days, amounts, strict=True):
                if amount:
                    yield RevenuePlanRow(
                        obligation=f"credit {memo.number}:{number}",
                        line_key=part.line_key,
                        account=account,
                        month=at,
                        amount=amount,
                        treatment=TREATMENT,
                    )


def _by_account(part: CreditMemoLine, contract: Contract, shares: Shares) -> dict[str, Money]:
    planned = {
        account: amount
        for account, amount in sorted(shares.get(part.line_key, {}).items())
        if amount.amount > 0
    }
    if len(planned) > 1:
        weights = [amount.to_minor() for amount in planned.values()]
        return dict(zip(planned, spread(part.net, weights), strict=True))
    sold = (one for one in contract.lines if one.line_key == part.line_key)
    account = next(iter(planned), None) or next((one.revenue_account for one in sold), "")
    return {account: part.net} if account else {}


def _days(bill: Bill, line_key: str, month: date) -> dict[date, int]:
    """Days of the billed period by month, those before the credit's in its own; where the line has
    no period, or it is over, all of it is of the credit's month."""
    spans = [
        (line.period_start, line.period_end)
        for line in bill.lines
        if line.line_key == line_key and line.period_start and line.period_end
    ]
    days: dict[date, int] = {}
    # The newest is credited first.
    for start, end in sorted(spans)[-1:]:
        at = start
        while at < end:
            until = min(month_after(first_of(at)), end)
            key = max(first_of(at), month)
            days[key] = days.get(key, 0) + (until - at).days
            at = until
    return days or {month: 1}
