"""PF-21: one answer tells support all about a customer, each part with its as-of time."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.base import Ref, System
from dealthread.domain.case import CaseOpening, DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Entitlement, EntitlementState, Grant
from dealthread.domain.dunning import Pursuit, PursuitState
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import collections_id, idempotency_key
from dealthread.stack.info import StackInfo
from dealthread.store.bills import PostgresBills
from dealthread.store.cases import PostgresCases
from dealthread.store.journal import PostgresJournal
from dealthread.store.pursuits import PostgresPursuits
from tests.cli.conftest import Run
from tests.support.running_contract import first_context, running_contract, worked_contract
from tests.unit.position.worked import bill

pytestmark = pytest.mark.postgres
DAY = date(2026, 1, 1)
READ_AT = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
SAID_AT = datetime(2026, 2, 10, 9, tzinfo=UTC)


async def billed(engine: AsyncEngine, contract: Contract) -> None:
    """D1's first invoice, 15,891.00, of which 5,891.00 was paid; and one that is void."""
    seats, onboarding = (line.line_key for line in contract.lines)
    rows = [(seats, "13,500.00", "891.00"), (onboarding, "1,500.00", "0")]
    part = bill(
        contract, "US-1", DAY, rows, paid=[(DAY, "5,891.00")], status=InvoiceStatus.OPEN
    ).model_copy(update={"due_date": date(2026, 1, 31)})
    void = bill(contract, "US-2", DAY, rows, status=InvoiceStatus.VOID)
    for one in (part, void):
        await PostgresBills(engine).seen(one, READ_AT)
    await PostgresPursuits(engine).open(
        Pursuit(
            business_key=collections_id(part.ref.account, part.ref.native_id),
            generation=1,
            contract_key=contract.key,
            customer_key=contract.customer_key,
            seller=contract.seller,
            invoice=part.ref,
            invoice_number="US-1",
            amount_due=Money.of("10000.00", "USD"),
            due_date=date(2026, 1, 31),
            state=PursuitState.OPEN,
            stage=3,
            suspended=True,
            opened_at=SAID_AT,
            changed_at=SAID_AT,
        )
    )


async def entitled(engine: AsyncEngine, contract: Contract) -> None:
    """The service answered that 50 seats are suspended."""
    line = contract.lines[0]
    held = Entitlement(
        ref=Ref(
            system=System.ENTITLEMENT, account="default", kind="entitlement", native_id="ent_1"
        ),
        contract_key=contract.key,
        state=EntitlementState.SUSPENDED,
        grants=(
            Grant(
                line_key=line.line_key,
                template="seat",
                quantity=Decimal(50),
                access_from=DAY,
                access_to=date(2027, 1, 1),
            ),
        ),
        holds=("collections:x#1",),
    )
    context = first_context(contract)
    spec = WriteSpec(
        key=idempotency_key(context.business_key, 1, "entitlement", "do"),
        step="entitlement.grant",
        system=System.ENTITLEMENT,
        account=contract.seller,
        context=context,
        request_hash="r",
    )
    written = PostgresJournal(engine)
    await written.open(spec)
    await written.done(spec, held.model_dump_json(), "created", Effects())


async def asked(engine: AsyncEngine, contract: Contract, key: str, name: str) -> None:
    """A case about a customer."""
    await PostgresCases(engine).open(
        CaseOpening(
            case_id=f"CASE-{key}",
            occurrence=1,
            kind="erp.rejected",
            business_key=f"amendment:{contract.key}:1",
            generation=1,
            contract_key=contract.key,
            workflow_id=f"amendment:{contract.key}:1",
            step="confirm",
            code="refused",
            summary="The ERP refuses the order",
            allowed=(DecisionKind.RETRY, DecisionKind.ABORT),
            customer_key=key,
            customer_name=name,
        )
    )


async def test_support_sees_all_of_a_customer_with_as_of_times(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    assert stack
    contract = await running_contract(engine)
    await billed(engine, contract)
    await entitled(engine, contract)
    await asked(engine, contract, contract.customer_key, "Harborline")

    shown = run("customers", "show", contract.customer_key)
    assert shown.code == 0, shown.err
    for word in (
        "10,000.00 USD",
        contract.key,
        "active, version 1",
        "15,000.00 USD",
        "US-1",
        "15,891.00 USD",
        "open, overdue",
        "2026-02-03 04:05:06",
        "open, stage 3, service suspended",
        "2026-02-10 09:00:00",
        f"CASE-{contract.customer_key}",
        f"dealthread cases show CASE-{contract.customer_key}",
        "suspended",
        "seat",
        "never",
    ):
        assert word in shown.out, word

    told = json.loads(run("customers", "show", contract.customer_key, "--json").out)
    assert told["open_amounts"] == [{"amount": "10000.00", "currency": "USD"}]
    invoices = {one["number"]: one for one in told["invoices"]}
    assert invoices["US-1"]["open"] == {"amount": "10000.00", "currency": "USD"}
    assert invoices["US-2"]["open"] == {"amount": "0.00", "currency": "USD"}
    assert not invoices["US-2"]["is_overdue"]
    parts = ("contracts", "invoices", "collections", "cases", "entitlements")
    assert all(one["as_of"] for part in parts for one in told[part])
    assert [len(told[part]) for part in parts] == [1, 2, 1, 1, 1]
    assert told["entitlements"][0]["holds"] == ["collections:x#1"]
    assert told["contracts"][0]["differences"] is None


async def test_a_customer_whose_deal_was_stopped_is_known_by_its_case(
    run: Run, stack: StackInfo, engine: AsyncEngine
) -> None:
    """There is no contract yet, and support is asked all the same."""
    assert stack
    await asked(engine, worked_contract(), "A-STOPPED", "Stopped Ltd")
    shown = run("customers", "show", "A-STOPPED")
    assert shown.code == 0
    for word in ("Stopped Ltd (A-STOPPED)", "no contract", "no invoice", "CASE-A-STOPPED"):
        assert word in shown.out, word


async def test_a_customer_that_nobody_knows_is_refused_in_words(run: Run, stack: StackInfo) -> None:
    assert stack
    said = run("customers", "show", "A-NOBODY").error
    assert said.startswith("customer not found (customer_key): give the customer's key")
    assert run("customers", "show", "x\x00y").error
