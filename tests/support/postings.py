"""The documents of the worked deals D1 to D5 as the ledger is told them, every number written out,
and the journals that they must make (facts of the demonstration, section "Journals that must
appear")."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, date, datetime, time
from decimal import Decimal

from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CreditForm
from dealthread.domain.ledger import EntryLine, LedgerJournal, PostedJournal, Reversal
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money
from dealthread.domain.party import Address, Party, TaxId
from dealthread.domain.receipts import Application, LedgerReceipt, WriteOff, WriteOffPart
from dealthread.domain.receivable import (
    CreditSettlement,
    LedgerCreditMemo,
    LedgerInvoice,
    LedgerLine,
    PostingDates,
)
from dealthread.domain.revenue.journal import Side
from dealthread.outcome import Outcome
from dealthread.ports.erp import ErpPort, OnboardErpCustomer
from tests.support import deals
from tests.support.tryton import document_key, done

PENNINE = Party(
    key="A-PENNINE",
    ref=deals.crm_ref("account", "001000000000005AAA"),
    legal_name="Pennine Health Analytics Ltd",
    billing_address=Address(street="1 Aire St", city="Leeds", postal_code="LS1 4PR", country="GB"),
)
LIFFEY = Party(
    key="A-LIFFEY",
    ref=deals.crm_ref("account", "001000000000006AAA"),
    legal_name="Liffey Analytics Ltd",
    billing_address=Address(
        street="1 Custom House Quay", city="Dublin", postal_code="D01", country="IE"
    ),
    tax_ids=(TaxId(scheme="eu_vat", number="IE6433435F"),),
)
_numbers = itertools.count(1)
_HUB = Ref(system=System.BILLING, account="acct", kind="invoice", native_id="in_1")


def day(text: str) -> date:
    return date.fromisoformat(text)


def money(amount: str, currency: str) -> Money:
    return Money.of(amount, currency)


def dates(text: str, posting: str = "") -> PostingDates:
    issue = day(text)
    return PostingDates(
        finalised_at=datetime.combine(issue, time(9), UTC),
        issue_date=issue,
        tax_point=issue,
        posting_date=day(posting) if posting else issue,
    )


def line(
    account: str,
    net: str,
    tax_code: str,
    tax: str,
    currency: str,
    *,
    item: str = "",
    quantity: str = "1",
    key: str = "",
) -> LedgerLine:
    return LedgerLine(
        line_key=key or f"L-{account}",
        item=item,
        account=account,
        description=item or "service",
        quantity=Decimal(quantity),
        net=money(net, currency),
        tax_code=tax_code,
        tax=money(tax, currency),
    )


def invoice(
    company: str,
    party: Party,
    on: str,
    *lines: LedgerLine,
    due: str = "",
    terms: str = "DUE",
    posting: str = "",
    rate: LedgerRate | None = None,
    po: str = "",
) -> LedgerInvoice:
    currency = lines[0].net.currency
    net = Money.total((one.net for one in lines), currency)
    tax = Money.total((one.tax for one in lines), currency)
    return LedgerInvoice(
        document_key=document_key(),
        number=f"T-{next(_numbers):06d}",
        billing=_HUB,
        company=company,
        customer_key=party.key,
        currency=currency,
        dates=dates(on, posting),
        lines=lines,
        net=net,
        tax=tax,
        gross=net + tax,
        due_date=day(due or on),
        payment_terms=terms,
        contract_key="C-TEST",
        business_key="invoice:acct:in_1",
        po_number=po,
        rate=rate,
    )


def credit_memo(
    original: LedgerInvoice,
    on: str,
    *lines: LedgerLine,
    reason: str = "seats reduced",
    **forms: str,
) -> LedgerCreditMemo:
    """`forms` gives amounts by the name of the form: balance="2620.08"."""
    currency = original.currency
    net = Money.total((one.net for one in lines), currency)
    tax = Money.total((one.tax for one in lines), currency)
    return LedgerCreditMemo(
        document_key=document_key(),
        number=f"T-CN-{next(_numbers):06d}",
        billing=_HUB,
        company=original.company,
        customer_key=original.customer_key,
        currency=currency,
        dates=dates(on),
        lines=lines,
        net=net,
        tax=tax,
        gross=net + tax,
        corrects=original.document_key,
        reason=reason,
        settlements=tuple(
            CreditSettlement(form=CreditForm(form), amount=money(amount, currency))
            for form, amount in forms.items()
        ),
    )


def receipt(
    account: str,
    on: str,
    amount: str,
    *paid: tuple[LedgerInvoice, str],
    rate: LedgerRate | None = None,
    carried: str = "",
) -> LedgerReceipt:
    """Of the customer of the first document."""
    first = paid[0][0]
    currency = first.currency
    whole = money(amount, currency)
    applied = Money.total((money(part, currency) for _, part in paid), currency)
    return LedgerReceipt(
        document_key=document_key(),
        source=Ref(system=System.BANK, account="bank", kind="bank_line", native_id=f"B-{amount}"),
        company=first.company,
        customer_key=first.customer_key,
        value_date=day(on),
        posting_date=day(on),
        money_account=account,
        amount=whole,
        applications=tuple(
            Application(
                document_key=document.document_key,
                amount=money(part, currency),
                ledger_amount=money(carried, rate.currency) if rate else None,
            )
            for document, part in paid
        ),
        unapplied=whole - applied,
        rate=rate,
    )


def write_off(original: LedgerInvoice, on: str, **parts: str) -> WriteOff:
    """`parts` gives amounts by account: a6500="1503.71"."""
    currency = original.currency
    named = tuple(
        WriteOffPart(account=account[1:], amount=money(amount, currency))
        for account, amount in parts.items()
    )
    return WriteOff(
        document_key=document_key(),
        company=original.company,
        customer_key=original.customer_key,
        document=original.document_key,
        posting_date=day(on),
        gross=Money.total((part.amount for part in named), currency),
        parts=named,
        reason="over six months after due",
    )


def journal(
    company: str,
    on: str,
    currency: str,
    debits: dict[str, str],
    credits: dict[str, str],
    text: str = "revenue",
) -> LedgerJournal:
    sides = ((Side.DEBIT, debits), (Side.CREDIT, credits))
    return LedgerJournal(
        document_key=document_key(),
        company=company,
        posting_date=day(on),
        description=text,
        lines=tuple(
            EntryLine(account=account, side=side, amount=money(amount, currency))
            for side, rows in sides
            for account, amount in rows.items()
        ),
    )


def reversal(company: str, reverses: str, on: str) -> Reversal:
    return Reversal(
        document_key=document_key(),
        company=company,
        reverses=reverses,
        posting_date=day(on),
        reason="returned",
    )


async def onboard(erp: ErpPort, company: str, *parties: Party) -> None:
    for party in parties:
        command = OnboardErpCustomer(
            customer_key=party.key,
            company=company,
            party=party,
            parent=None,
            parent_customer_key=None,
            currency="USD",
            payment_terms="DUE",
        )
        done(await erp.create_customer(command, idempotency_key="k"))


def net_of(journals: Iterable[PostedJournal], key: str) -> dict[str, Decimal]:
    """Debit less credit by account of everything that carries a document's key; what went through
    an account and left it again is not shown."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for one in journals:
        if one.document_key == key:
            for row in one.lines:
                sums[row.account] += row.signed.amount
    return {account: amount for account, amount in sums.items() if amount}


def amounts(**by_account: str) -> dict[str, Decimal]:
    """`amounts(a1100="480.00")`: expected debit less credit."""
    return {account[1:]: Decimal(amount) for account, amount in by_account.items()}


def twice(first: Outcome[object], second: Outcome[object]) -> None:
    """Both are done, and it is one document."""
    assert done(first).ref == done(second).ref
