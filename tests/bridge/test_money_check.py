"""OB-09: the money view beside what the biller and the ledger say now."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest
from temporalio.client import Client

from activities.invoice_inputs import InvoiceInput
from dealthread.bridge.app import create_app
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.ledger import EntryLine, LedgerJournal
from dealthread.domain.money import Money
from dealthread.domain.revenue.journal import Side
from dealthread.naming import WORKFLOW_QUEUE, invoice_id
from dealthread.settings import Settings
from dealthread.store.engine import create_engine
from tests.fakes.ledger import FakeLedger
from tests.fakes.ledger_by_hand import post_by_hand, receipt_by_hand
from tests.support.change_lab import sold
from tests.support.deal_builder import CONFIG_DIR, ORG, d1
from tests.support.saga_lab import fresh, lab
from tests.unit.position.worked import bill
from workflows.invoice_to_cash import InvoiceToCashWorkflow

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
DAY = date(2026, 1, 1)


async def test_what_the_owners_say_now_is_held_against_the_view(
    dev_server: Client, database_url: str
) -> None:
    """Nothing differs but the service that waits; then a charge is returned at the biller, and a
    person posts to the receivable in the ledger."""
    engine = create_engine(database_url)
    async with lab(dev_server, engine, DAY) as it:
        contract = await sold(it, fresh(d1()))
        keys = [line.line_key for line in contract.lines]
        rows = [(keys[0], "13,500.00", "891.00"), (keys[1], "1,500.00", "0")]
        paid = bill(contract, "US-1", DAY, rows, paid=[(DAY, "15,891.00")])
        it.billing.bills[paid.ref.native_id] = paid
        await dev_server.execute_workflow(
            InvoiceToCashWorkflow.run,
            InvoiceInput(billing_account=paid.ref.account, invoice_id=paid.ref.native_id),
            id=invoice_id(paid.ref.account, paid.ref.native_id),
            task_queue=WORKFLOW_QUEUE,
        )
        app = create_app(
            Settings.model_validate(
                {
                    "database_url": database_url,
                    "codec_keys": json.dumps({"test/1": "a2" * 21 + "s="}),
                    "config_dir": CONFIG_DIR,
                    "business_offset_seconds": it.offset_seconds(),
                    "api_tokens": json.dumps({"t": {"actor": "sam", "roles": ["viewer"]}}),
                    "webhook_secrets": json.dumps({f"salesforce:{ORG}": ["whsec_a2V5"]}),
                }
            )
        )
        async with app.router.lifespan_context(app):

            async def connected() -> Client:
                return dev_server

            object.__setattr__(app.state.resources, "temporal", connected)
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://bridge") as http:

                async def differing(**scope: str) -> list[tuple[str, str, str]]:
                    answer = await http.get(
                        "/v1/money",
                        params={"as_of": str(DAY), "check": "true", **scope},
                        headers={"Authorization": "Bearer t"},
                    )
                    assert answer.status_code == 200, answer.text
                    found: list[dict[str, Any]] = answer.json()["differences"]
                    return [
                        (one["kind"], one["document"], one["amount"]["amount"])
                        for one in found
                        if one["kind"] != "waits_for_acceptance"
                    ]

                assert await differing(contract=contract.key) == []
                assert await differing(entity=contract.seller) == []

                returned = paid.model_copy(update={"payments": (), "remaining": paid.gross})
                it.billing.bills[paid.ref.native_id] = returned
                assert await differing(contract=contract.key) == [
                    ("changed_at_biller", "US-1", "15891.00")
                ]
                it.billing.bills["in_US-2"] = later = bill(
                    contract, "US-2", DAY, rows, status=InvoiceStatus.OPEN
                )
                of_nobody = later.model_copy(
                    update={
                        "ref": later.ref.model_copy(update={"native_id": "in_US-3"}),
                        "contract_key": "",
                    }
                )
                it.billing.bills["in_US-3"] = of_nobody
                assert await differing(contract=contract.key) == [
                    ("changed_at_biller", "US-1", "15891.00"),
                    ("never_read", "US-2", "15891.00"),
                ]
                it.billing.bills.clear()
                assert await differing(contract=contract.key) == [
                    ("gone_at_biller", "US-1", "15891.00")
                ]
                it.billing.bills[paid.ref.native_id] = paid
                await _people_book(it.erp.ledger, contract, differing)
                amount = Money.of("10.00", "USD")
                by_hand = LedgerJournal(
                    document_key="DTBBBBBBBBBBBBBB",
                    company=contract.erp_company,
                    posting_date=DAY,
                    description="by hand",
                    lines=(
                        EntryLine(
                            account="1100",
                            side=Side.DEBIT,
                            amount=amount,
                            customer_key=contract.customer_key,
                        ),
                        EntryLine(account="4000", side=Side.CREDIT, amount=amount),
                    ),
                )
                await it.erp.post_journal(by_hand, idempotency_key="by-hand")
                company = contract.erp_company
                assert await differing(entity=contract.seller) == [
                    *BY_HAND,
                    ("ledger_disagrees", f"account 1100 of company {company}", "10.00"),
                ]
    await engine.dispose()


BY_HAND = [
    ("booked_by_hand", "3", "-100.00"),
    ("booked_by_hand", "4", "-25.50"),
    ("booked_by_hand", "5", "-30.00"),
    ("booked_by_hand", "5", "30.00"),
]
"""A receipt that names no bill, a write-off, and a journal against others' receivable and deferred
revenue: of an asset debit less credit, of a liability credit less debit."""


async def _people_book(
    ledger: FakeLedger,
    contract: Contract,
    differing: Callable[..., Awaitable[list[tuple[str, str, str]]]],
) -> None:
    """The invoice is entry 1, its payment entry 2. What people book is listed of the entity, of the
    customer and of the contract; the control accounts differ by nothing else."""
    company, customer = contract.erp_company, contract.customer_key
    receipt_by_hand(ledger, company, DAY, Money.of("100.00", "USD"), customer)
    receipt_by_hand(ledger, company, DAY, Money.of("25.50", "USD"), customer, against="6500")
    thirty = Money.of("30.00", "USD")
    lines = (
        EntryLine(account="2300", side=Side.CREDIT, amount=thirty),
        EntryLine(account="1100", side=Side.CREDIT, amount=thirty, customer_key="others"),
        EntryLine(account="4000", side=Side.DEBIT, amount=Money.of("60.00", "USD")),
    )
    post_by_hand(ledger, company, DAY, "moved", lines)
    receipt_by_hand(ledger, "9", DAY, thirty, customer)
    assert await differing(entity=contract.seller) == BY_HAND
    assert await differing(contract=contract.key) == BY_HAND[:2]
    assert await differing(customer=customer) == BY_HAND[:2]
