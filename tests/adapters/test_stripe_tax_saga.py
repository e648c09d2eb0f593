"""A tax rate that changes, through the saga over the simulated biller, to the ledger (PF-18)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from adapters.stripe.billing import StripeBilling
from dealthread.domain.case import DecisionKind
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement
from dealthread.domain.transaction import ChangeKind
from dealthread.hub import Effects, WriteSpec
from dealthread.naming import contract_key, idempotency_key, tax_rate_id
from dealthread.store.journal import PostgresJournal
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import started
from tests.adapters.test_stripe_credit_saga import known
from tests.adapters.test_stripe_tax_change import DE, JULY, monthly, rate_made
from tests.support import deals
from tests.support.change_lab import change
from tests.support.invoice_lab import balances, news, until
from tests.support.running_contract import first_context, running_contract
from tests.support.saga_lab import Lab, lab
from tests.support.tax_rows import with_new_rate
from tests.unit.versions import worked as w
from workers.ports import Ports

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]


async def _begun(
    billing: StripeBilling, days: Days, engine: AsyncEngine
) -> tuple[Contract, Agreement]:
    """Billed monthly since March, and on record."""
    key = contract_key(monthly().org, monthly().deal_id)
    contract = monthly().model_copy(update={"key": key})
    days.go(contract.start_date, hour=0)
    agreement, _ = await started(billing, contract, deals.NORDWERK)
    await running_contract(engine, contract)
    context = first_context(contract)
    spec = WriteSpec(
        key=idempotency_key(context.business_key, 1, "subscription", "do"),
        step="billing.subscription",
        system="billing",
        account=contract.billing_account,
        context=context,
        request_hash="r1",
    )
    journal = PostgresJournal(engine)
    await journal.open(spec)
    await journal.done(spec, agreement.model_dump_json(), "created", Effects())
    return contract, agreement


def _with(billing: StripeBilling, days: Days) -> object:
    config = with_new_rate(w.config(), "DE-19", "16", JULY)

    def exchange(ports: Ports) -> Ports:
        return replace(ports, billing=billing, clock=days, config=lambda: config)

    return exchange


async def _bill_of_july(it: Lab, billing: StripeBilling, simulator: Simulator) -> str:
    """It goes on its way to the ledger. Its id."""
    newest = native(simulator, DE).v1.invoices.list({"limit": 1}).data[0]
    bill = await billing.read_bill(DE, str(newest.id))
    assert bill.issue_date == JULY
    await news(it.client, bill)
    return str(newest.id)


async def test_julys_bill_bears_julys_rate_and_the_ledger_posts_it(
    dev_server: Client,
    engine: AsyncEngine,
    dated_billing: StripeBilling,
    days: Days,
    stripe_simulator: Simulator,
) -> None:
    """1,480.00 at 16 %: 236.80 and 1,716.80. The biller's answer was lost; nothing else changed."""
    contract, _ = await _begun(dated_billing, days, engine)
    rate_made(stripe_simulator, DE, "DE-19", 16)
    days.go(date(2026, 6, 30), hour=18)
    exchange = _with(dated_billing, days)
    async with lab(dev_server, engine, date(2026, 6, 30), exchange=exchange) as it:  # type: ignore[arg-type]
        await known(it, contract)
        it.erp.ledger.tax_rates["DE-19"] = "16"
        stripe_simulator.fault("lose_answer", method="POST", path="/v1/subscriptions/")
        key = tax_rate_id(contract.key, "DE-19", JULY)
        handle = await change(it, contract, ChangeKind.TAX_RATE, key, requested_by="calendar")
        result = await handle.result()
        assert result.outcome == "completed"  # type: ignore[attr-defined]
        days.go(JULY)
        await _bill_of_july(it, dated_billing, stripe_simulator)
        await until(lambda: bool(balances(it, contract.erp_company)))
        assert balances(it, contract.erp_company) == {
            "1100": Decimal("1716.80"),
            "2300": Decimal("-1480.00"),
            "2120": Decimal("-236.80"),
        }


async def test_a_bill_at_the_rate_of_before_is_the_tax_owners_and_not_posted(
    dev_server: Client,
    engine: AsyncEngine,
    dated_billing: StripeBilling,
    days: Days,
    stripe_simulator: Simulator,
) -> None:
    """Nobody told the biller: July's bill bears 281.20. The case says what the table says; once the
    bill is void at the biller it closes by itself, and nothing was posted."""
    contract, _ = await _begun(dated_billing, days, engine)
    days.go(JULY)
    exchange = _with(dated_billing, days)
    async with lab(dev_server, engine, JULY, exchange=exchange) as it:  # type: ignore[arg-type]
        await known(it, contract)
        native_id = await _bill_of_july(it, dated_billing, stripe_simulator)
        case = await it.case_of(contract.key)
        assert (case.kind, case.queue, case.step) == ("tax.difference", "tax", "post")
        said = {name: case.evidence[name] for name in ("code", "tax_code", "tax_point")}
        assert said == {
            "code": "tax_rate_of_another_day",
            "tax_code": "DE-19",
            "tax_point": "2026-07-01",
        }
        assert (case.evidence["expected_rate"], case.evidence["tax"]) == ("16 %", "281.20")
        assert balances(it, contract.erp_company) == {}
        await it.decide(case, DecisionKind.RETRY)
        again = await it.case_of(contract.key, version=case.version + 1)
        assert again.kind == "tax.difference"
        native(stripe_simulator, DE).v1.invoices.void_invoice(native_id)
        bill = await dated_billing.read_bill(DE, native_id)
        assert await (await news(it.client, bill)).result() == "void"
        assert await it.open_case(contract.key) is None
        assert balances(it, contract.erp_company) == {}
