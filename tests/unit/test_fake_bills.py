"""The fake biller's bills and the fake CRM's mirror: D2's first invoice (domain.md 9.6)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.documents import CreditForm
from dealthread.domain.invoice import InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.errors import NotFound
from dealthread.outcome import Done, Rejected
from dealthread.ports.crm import CONTRACT_RECORD_MISSING, CrmWriteBack, InvoiceMirror
from tests.fakes.billing import FakeBilling
from tests.fakes.crm import FakeCrm
from tests.fakes.world import World

REF = Ref(system=System.BILLING, account="acct_de01", kind="invoice", native_id="in_1")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


@pytest.fixture
def billing() -> FakeBilling:
    """With D2's first invoice, unpaid."""
    found = FakeBilling(World())
    found.bills["in_1"] = Bill(
        ref=REF,
        number="DE-000001",
        status=InvoiceStatus.OPEN,
        contract_key="C-D2",
        customer_key="A-NORDWERK",
        currency="EUR",
        lines=(InvoiceLine(line_key="L-D2-SEATS", net=eur("17760.00"), tax=eur("3374.40")),),
        net=eur("17760.00"),
        tax=eur("3374.40"),
        gross=eur("21134.40"),
        balance_used=eur("0"),
        remaining=eur("21134.40"),
    )
    return found


async def test_two_payments_settle_a_bill(billing: FakeBilling) -> None:
    half = billing.pay("in_1", eur("11134.40"), date(2026, 4, 10), PaymentWay.BANK)
    assert (half.status, half.remaining) == (InvoiceStatus.OPEN, eur("10000.00"))
    billing.pay("in_1", eur("10000.00"), date(2026, 4, 14), PaymentWay.PROCESSOR)
    bill = await billing.read_bill("acct_de01", "in_1")
    assert (bill.status, bill.remaining.amount) == (InvoiceStatus.PAID, 0)
    assert [one.way for one in bill.payments] == [PaymentWay.BANK, PaymentWay.PROCESSOR]
    assert len({one.ref for one in bill.payments}) == 2


@pytest.mark.parametrize(
    ("form", "left"), [(CreditForm.BALANCE, "21134.40"), (CreditForm.OPEN_INVOICE, "18514.32")]
)
async def test_a_credit_lowers_what_is_left_only_where_it_is_unpaid(
    billing: FakeBilling, form: CreditForm, left: str
) -> None:
    billing.credit("in_1", eur("2201.75"), eur("418.33"), date(2026, 9, 15), form)
    bill = await billing.read_bill("acct_de01", "in_1")
    (memo,) = bill.credit_memos
    assert (memo.forms, memo.corrects) == ({form: eur("2620.08")}, REF)
    assert bill.remaining == eur(left)


@pytest.mark.parametrize(("account", "native_id"), [("acct_de01", "in_2"), ("acct_us01", "in_1")])
async def test_a_bill_is_its_accounts(billing: FakeBilling, account: str, native_id: str) -> None:
    with pytest.raises(NotFound):
        await billing.read_bill(account, native_id)


async def test_the_mirror_keeps_what_it_was_told_last() -> None:
    crm = FakeCrm(World())
    command = InvoiceMirror(
        contract_key="C-D2",
        account_id="001",
        invoice=REF,
        number="DE-000001",
        status="open",
        currency="EUR",
        gross=eur("21134.40"),
        remaining=eur("21134.40"),
        issue_date=None,
        due_date=None,
    )
    paid = command.model_copy(update={"status": "paid", "remaining": eur("0")})
    refused = await crm.mirror_invoice(command, idempotency_key="0")
    assert isinstance(refused, Rejected)
    assert refused.code == CONTRACT_RECORD_MISSING
    contract = CrmWriteBack(
        deal_id="006",
        account_id="001",
        contract_key="C-D2",
        status="active",
        status_at=datetime(2026, 3, 1, tzinfo=UTC),
        sequence=1,
        workflow_id="q2c:006:1",
        customer_key="001",
    )
    assert isinstance(await crm.record_contract(contract, idempotency_key="c"), Done)
    first = await crm.mirror_invoice(command, idempotency_key="1")
    second = await crm.mirror_invoice(paid, idempotency_key="2")
    assert isinstance(first, Done)
    assert isinstance(second, Done)
    assert first.value.ref == second.value.ref
    assert crm.invoices == {REF: paid}
