"""Bills of the worked deals as their biller tells them, recorded as InvoiceToCash records them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime

from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice, LedgerLine
from dealthread.store.bills import PostgresBills

SEATS = "seats reduced"
"""Of a credit that follows from a change of the contract; any other one a person gave."""
Document = LedgerInvoice | LedgerCreditMemo


class Told:
    """The biller's side of what is posted."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._bills = PostgresBills(engine)
        self._numbers: Counter[str] = Counter()
        self._first: dict[str, Bill] = {}

    def numbered(self, contract: Contract, document: Document) -> Document:
        """Under the billing account's next number; credits have a series of their own."""
        series = contract.seller + ("-CN" if isinstance(document, LedgerCreditMemo) else "")
        self._numbers[series] += 1
        return document.model_copy(update={"number": f"{series}-{self._numbers[series]:06d}"})

    def credits_next(self, name: str) -> None:
        """What is credited of the deal is on its next bill."""
        self._first.pop(name, None)

    async def by_the_biller(self, name: str, contract: Contract, document: Document) -> None:
        """Keep the bill, or the credit on the deal's first one."""
        if isinstance(document, LedgerInvoice):
            bill = _bill(contract, document)
            self._first.setdefault(name, bill)
        else:
            first = self._first[name]
            reasons = {} if document.reason == SEATS else {document.number: document.reason}
            bill = first.model_copy(
                update={"credit_memos": (_memo(first, document),), "credit_reasons": reasons}
            )
        await self._bills.seen(bill, datetime.now(UTC))


def _bill(contract: Contract, document: LedgerInvoice) -> Bill:
    return Bill(
        ref=Ref(system=System.BILLING, account="acct", kind="invoice", native_id=document.number),
        number=document.number,
        status=InvoiceStatus.OPEN,
        contract_key=contract.key,
        customer_key=contract.customer_key,
        currency=document.currency,
        lines=tuple(_line(one, document.dates.issue_date) for one in document.lines),
        net=document.net,
        tax=document.tax,
        gross=document.gross,
        balance_used=Money.zero(document.currency),
        remaining=document.gross,
        issue_date=document.dates.issue_date,
        due_date=document.due_date,
        finalised_at=document.dates.finalised_at,
    )


def _line(line: LedgerLine, issued: date) -> InvoiceLine:
    """Use is billed in the month after it."""
    start = end = None
    if line.account == "1150":
        start, end = date(issued.year, issued.month - 1, 1), issued.replace(day=1)
    return InvoiceLine(
        line_key=line.line_key, net=line.net, tax=line.tax, period_start=start, period_end=end
    )


def _memo(first: Bill, document: LedgerCreditMemo) -> CreditMemo:
    return CreditMemo(
        ref=Ref(
            system=System.BILLING, account="acct", kind="credit_memo", native_id=document.number
        ),
        number=document.number,
        corrects=first.ref,
        lines=tuple(
            CreditMemoLine(line_key=one.line_key, net=one.net, tax=one.tax)
            for one in document.lines
        ),
        net=document.net,
        tax=document.tax,
        gross=document.gross,
        forms={CreditForm(one.form): one.amount for one in document.settlements},
        issue_date=document.dates.issue_date,
    )
