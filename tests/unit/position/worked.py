"""The worked deals of facts/domain.md §9.6 as contracts, bills and journals of a year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill, BillPayment, PaymentWay
from dealthread.domain.change_order import ChangeTiming
from dealthread.domain.contract import Contract
from dealthread.domain.documents import CreditForm, CreditMemo, CreditMemoLine
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.position.documents import (
    Receipt,
    document_entries,
    receipt_entries,
    write_off_entries,
)
from dealthread.domain.position.entry import DocumentKind, Entry, Figure
from dealthread.domain.position.figures import Position, position_of
from dealthread.domain.position.sold import AcceptedVersion, arr_of, in_force, sold_entries
from dealthread.domain.posted import DocumentKind as Posted
from dealthread.domain.posted import DocumentState, PostedDocument
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.ended import ended
from tests.unit.versions import worked as w

YEAR_END = date(2026, 12, 31)


def ref(kind: str, native_id: str, system: System = System.BILLING) -> Ref:
    return Ref(system=system, account="acct", kind=kind, native_id=native_id)


def bill(
    contract: Contract,
    number: str,
    day: date,
    lines: Sequence[tuple[str, str, str]],
    *,
    paid: Sequence[tuple[date, str]] = (),
    status: InvoiceStatus = InvoiceStatus.PAID,
) -> Bill:
    """`lines`: key, net, tax. What is not paid stays open."""

    def of(amount: str) -> Money:
        return Money.of(amount.replace(",", ""), contract.currency)

    net = Money.total((of(one[1]) for one in lines), contract.currency)
    tax = Money.total((of(one[2]) for one in lines), contract.currency)
    payments = tuple(
        BillPayment(
            ref=ref("payment", f"{number}/{at}"), amount=of(amount), paid_on=on, way=PaymentWay.BANK
        )
        for at, (on, amount) in enumerate(paid)
    )
    left = net + tax - Money.total((one.amount for one in payments), contract.currency)
    return Bill(
        ref=Ref(
            system=System.BILLING,
            account=contract.billing_account,
            kind="invoice",
            native_id=f"in_{number}",
        ),
        number=number,
        status=status,
        contract_key=contract.key,
        customer_key=contract.customer_key,
        currency=contract.currency,
        lines=tuple(
            InvoiceLine(line_key=key, net=of(amount), tax=of(charged))
            for key, amount, charged in lines
        ),
        net=net,
        tax=tax,
        gross=net + tax,
        balance_used=Money.zero(contract.currency),
        remaining=left,
        issue_date=day,
        due_date=day,
        finalised_at=datetime.combine(day, time(0), UTC),
        payments=payments,
    )


def credit(of: Bill, number: str, day: date, net: str, tax: str, form: CreditForm) -> Bill:
    """The bill with a credit of its first line."""
    given, charged = Money.of(net, of.currency), Money.of(tax, of.currency)
    memo = CreditMemo(
        ref=ref("credit_memo", f"cn_{number}"),
        number=number,
        corrects=of.ref,
        lines=(CreditMemoLine(line_key=of.lines[0].line_key, net=given, tax=charged),),
        net=given,
        tax=charged,
        gross=given + charged,
        forms={form: given + charged},
        issue_date=day,
    )
    return of.model_copy(update={"credit_memos": (*of.credit_memos, memo)})


@dataclass(frozen=True)
class Story:
    """What happened to one contract."""

    versions: tuple[AcceptedVersion, ...]
    bills: tuple[Bill, ...]
    revenue: tuple[tuple[int, str, bool], ...]
    """Month of 2026, amount, whether it is usage: facts/domain.md §9.7."""
    receipts: tuple[Receipt, ...] = ()
    write_offs: tuple[PostedDocument, ...] = ()
    usage: frozenset[str] = frozenset()

    @property
    def contract(self) -> Contract:
        return self.versions[-1].contract

    def entries(self, as_of: date = YEAR_END) -> Iterator[Entry]:
        key, currency = self.contract.key, self.contract.currency
        yield from sold_entries(self.versions, as_of)
        for one in self.bills:
            yield from document_entries(one, {}, self.usage)
        for receipt in self.receipts:
            yield from receipt_entries(receipt)
        for document in self.write_offs:
            yield from write_off_entries(key, document)
        for month, amount, is_usage in self.revenue:
            for figure in (Figure.RECOGNISED, Figure.USAGE_RECOGNISED)[: 2 if is_usage else 1]:
                yield Entry(
                    figure=figure,
                    amount=Money.of(amount.replace(",", ""), currency),
                    day=date(2026, month, 28),
                    contract_key=key,
                    kind=DocumentKind.RECOGNITION,
                )

    def position(self, as_of: date = YEAR_END) -> Position:
        found = in_force(self.versions, as_of)
        zero = Money.zero(self.contract.currency)
        arr = zero if found is None else arr_of(found.contract, as_of, w.config())
        return position_of(tuple(self.entries(as_of)), as_of, self.contract.currency, arr, zero)


def _months(first: int, amounts: str, usage: bool = False) -> tuple[tuple[int, str, bool], ...]:
    return tuple((first + at, one, usage) for at, one in enumerate(amounts.split()))


def d1() -> Story:
    first = w.d1()
    order = w.amendment(w.quantity(70), on=w.JULY)
    second = amended(first, order, w.config(), w.JULY)
    return Story(
        versions=(
            AcceptedVersion(contract=first, accepted_on=date(2025, 12, 18), change_id="q2c"),
            AcceptedVersion(contract=second, accepted_on=w.JULY, change_id="A1"),
        ),
        bills=(
            bill(
                first,
                "US-000001",
                date(2026, 1, 1),
                [("L1", "13,500.00", "891.00"), ("L2", "1,500.00", "0")],
                paid=[(date(2026, 1, 1), "15,891.00")],
            ),
            bill(
                second,
                "US-000002",
                w.JULY,
                [("L1", "-6,805.48", "-449.16"), ("L1", "9,527.67", "628.83")],
                paid=[(w.JULY, "2,901.86")],
            ),
        ),
        revenue=(
            *_months(
                1,
                "1,061.64 958.90 1,061.64 1,027.40 1,061.64 1,027.40 1,061.64 1,061.64 1,027.40 "
                "1,061.64 1,027.40 1,061.66",
            ),
            (2, "2,500.00", False),
            *_months(7, "458.63 458.63 443.84 458.63 443.84 458.62"),
        ),
    )


def d2() -> Story:
    first, start = w.d2(), date(2026, 3, 15)
    order = w.amendment(w.quantity(30), on=w.SEPTEMBER, accepted_on=date(2026, 9, 10))
    second = amended(first, order, w.config(), w.SEPTEMBER)
    paid = [(date(2026, 4, 10), "11,134.40"), (date(2026, 4, 14), "10,000.00")]
    invoice = bill(first, "DE-2026-00001", start, [("L1", "17,760.00", "3,374.40")], paid=paid)
    return Story(
        versions=(
            AcceptedVersion(contract=first, accepted_on=date(2026, 3, 2), change_id="q2c"),
            AcceptedVersion(contract=second, accepted_on=date(2026, 9, 10), change_id="A1"),
        ),
        bills=(credit(invoice, "CN-1", w.SEPTEMBER, "2201.75", "418.33", CreditForm.BALANCE),),
        revenue=_months(
            3,
            "827.18 1,459.73 1,508.38 1,459.73 1,508.38 1,508.38 1,265.10 1,131.29 1,094.79 "
            "1,131.29",
        ),
    )


def d3() -> Story:
    first, end = w.d3(), date(2026, 5, 31)
    order = w.cancellation(ChangeTiming.ON_DATE, accepted_on=end, effective_from=date(2026, 6, 1))
    over = ended(first, order, end)
    gone = Money.of("1804.45", "GBP")
    return Story(
        versions=(
            AcceptedVersion(contract=first, accepted_on=date(2026, 3, 25), change_id="q2c"),
            AcceptedVersion(contract=over, accepted_on=end, change_id="C1"),
        ),
        bills=(
            bill(
                first,
                "UK-000001",
                date(2026, 4, 1),
                [("L1", "400.00", "80.00")],
                paid=[(date(2026, 4, 1), "480.00")],
            ),
            bill(
                first,
                "UK-000002",
                date(2026, 5, 1),
                [("L1", "400.00", "80.00"), ("L2", "1,937.04", "387.41")],
                paid=[(date(2026, 6, 10), "1,000.00")],
                status=InvoiceStatus.UNCOLLECTIBLE,
            ),
        ),
        revenue=(*_months(4, "400.00 400.00"), (4, "1,937.04", True)),
        write_offs=(
            PostedDocument(
                ref=ref("write_off", "9", System.ERP),
                kind=Posted.WRITE_OFF,
                state=DocumentState.POSTED,
                document_key="DTAAAAAAAAAAAAAA",
                company="3",
                currency="GBP",
                net=gone,
                tax=Money.zero("GBP"),
                gross=gone,
                open_amount=Money.zero("GBP"),
                posting_date=date(2026, 12, 5),
            ),
        ),
        usage=frozenset({"L2"}),
    )


def d4() -> Story:
    contract = w.d4()
    start = date(2026, 2, 1)
    invoice = bill(
        contract, "US-000003", start, [("L1", "43,200.00", "3,834.00")], status=InvoiceStatus.OPEN
    )
    receipt = Receipt(
        contract_key=contract.key,
        ref=ref("statement_line", "7", System.BANK),
        value_date=date(2026, 3, 3),
        amount=Money.of("47043.00", "USD"),
        applied=Money.of("47034.00", "USD"),
    )
    return Story(
        versions=(
            AcceptedVersion(contract=contract, accepted_on=date(2026, 1, 20), change_id="q2c"),
        ),
        bills=(invoice,),
        revenue=_months(
            2,
            "3,313.97 3,669.04 3,550.68 3,669.04 3,550.68 3,669.04 3,669.04 3,550.68 3,669.04 "
            "3,550.68 3,669.04",
        ),
        receipts=(receipt,),
    )


def d5() -> Story:
    contract, start = w.d5(), date(2026, 6, 1)
    return Story(
        versions=(
            AcceptedVersion(contract=contract, accepted_on=date(2026, 5, 20), change_id="q2c"),
        ),
        bills=(
            bill(
                contract,
                "UK-000003",
                start,
                [("L1", "12,000.00", "0")],
                paid=[(date(2026, 6, 29), "12,000.00")],
            ),
        ),
        revenue=(
            *_months(6, "393.98 407.11 407.11 393.98 407.11 393.98 407.11"),
            (7, "2,400.00", False),
        ),
    )
