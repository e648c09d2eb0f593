"""The port's rules on the simulated biller: customers and agreements."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.base import Ref
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.deal import CollectionMethod
from dealthread.domain.documents import Agreement, AgreementStatus, BillingCustomer
from dealthread.domain.party import Party
from dealthread.outcome import Done
from dealthread.ports.billing import ChangeAgreement, OnboardBillingCustomer, StartAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.contract_suite import CHECKS, Check, WriteCase, name_of
from tests.support import deals


def onboarding(contract: Contract, party: Party) -> OnboardBillingCustomer:
    """The command for a worked deal's customer."""
    return OnboardBillingCustomer(
        customer_key=contract.customer_key,
        billing_account=contract.billing_account,
        party=party,
        parent_customer_key=None,
        currency=contract.currency,
    )


async def customer_of(billing: StripeBilling, contract: Contract, party: Party) -> BillingCustomer:
    """The billing customer of a worked deal, made."""
    outcome = await billing.create_customer(
        onboarding(contract, party), idempotency_key=f"{contract.key}/customer"
    )
    assert isinstance(outcome, Done), outcome
    return outcome.value


def breaker(simulator: Simulator, path: str) -> Any:
    """Faults on the write's own request only."""

    def break_next(kind: str, **fields: Any) -> None:
        if kind == "heal":
            simulator.heal()
        else:
            simulator.fault(kind, method="POST", path=path, **fields)

    return break_next


@pytest.fixture
async def customers(billing: StripeBilling, stripe_simulator: Simulator) -> WriteCase[Any]:
    """Creation of a billing customer."""
    contract = deals.d1()
    command = onboarding(contract, deals.HARBORLINE)
    client = native(stripe_simulator, contract.billing_account)

    async def count() -> int:
        return len(client.v1.customers.list({"limit": 100}).data)

    async def is_undone(made: BillingCustomer) -> bool:
        marks = client.v1.customers.retrieve(made.ref.native_id).metadata
        return marks is not None and marks.to_dict().get("dealthread_unused") == "true"

    return WriteCase(
        act=lambda key: billing.create_customer(command, idempotency_key=key),
        find=lambda _key: billing.find_customer(contract.billing_account, command.customer_key),
        identity=lambda made: made.ref.native_id,
        count=count,
        break_next=breaker(stripe_simulator, "/v1/customers$"),
        undo=lambda made, key: billing.retire_customer(made, idempotency_key=key),
        is_undone=is_undone,
        nothing=BillingCustomer(
            ref=contract.customer_ref.model_copy(
                update={"account": contract.billing_account, "native_id": "cus_gone"}
            ),
            customer_key=command.customer_key,
        ),
    )


@pytest.fixture
async def agreements(billing: StripeBilling, stripe_simulator: Simulator) -> WriteCase[Any]:
    """Start of a held agreement: subscription, then the draft kept from being finalised."""
    contract = deals.d2().model_copy(update={"seller_country": "DE"})
    party = deals.NORDWERK
    customer = await customer_of(billing, contract, party)
    command = StartAgreement(contract=contract, customer=customer, hold_first_invoice=True)
    client = native(stripe_simulator, contract.billing_account)
    unknown_product = contract.lines[0].model_copy(update={"billing_product": "nowhere"})
    invalid = command.model_copy(
        update={"contract": contract.model_copy(update={"lines": (unknown_product,)})}
    )

    async def count() -> int:
        rows = client.v1.subscriptions.list({"status": "all", "limit": 100}).data
        return len(rows)

    async def is_undone(made: Any) -> bool:
        state = await billing.read_agreement(made, contract.billing_account)
        return state.status is AgreementStatus.CANCELLED

    async def undo(made: Any, key: str) -> Any:
        return await billing.cancel_agreement(made, contract.billing_account, idempotency_key=key)

    gone = customer.ref.model_copy(update={"kind": "subscription", "native_id": "sub_gone"})
    return WriteCase(
        act=lambda key: billing.start_agreement(command, idempotency_key=key),
        find=lambda key: billing.find_agreement(contract, customer, idempotency_key=key),
        identity=lambda made: made.ref.native_id,
        count=count,
        break_next=breaker(stripe_simulator, "/v1/subscriptions$"),
        undo=undo,
        is_undone=is_undone,
        nothing=_agreement(gone),
        invalid=lambda key: billing.start_agreement(invalid, idempotency_key=key),
    )


@pytest.fixture
async def changes(billing: StripeBilling, stripe_simulator: Simulator) -> WriteCase[Any]:
    """A change that is charged at once: D1 with 70 seats from today on."""
    today = date(2026, 3, 15)
    before = deals.d1().model_copy(update={"collection_method": CollectionMethod.BANK_TRANSFER})
    customer = await customer_of(billing, before, deals.HARBORLINE)
    started = await billing.start_agreement(
        StartAgreement(contract=before, customer=customer, hold_first_invoice=False),
        idempotency_key=f"{before.key}/start",
    )
    assert isinstance(started, Done), started
    seats = before.lines[0]
    more = seats.model_copy(update={"start_date": today, "quantity": Decimal(70)})
    past = seats.model_copy(update={"end_date": today})
    unknown = more.model_copy(update={"billing_product": "nowhere"})

    def command(line: ContractLine) -> ChangeAgreement:
        after = before.model_copy(update={"lines": (past, line, *before.lines[1:])})
        return ChangeAgreement(
            before=before,
            after=after,
            agreement=started.value,
            effective_from=today,
            charge_lines=(seats.line_key,),
        )

    wanted, invalid = command(more), command(unknown)
    client = native(stripe_simulator, before.billing_account)

    async def count() -> int:
        return len(client.v1.invoices.list({"limit": 100}).data) - 1

    return WriteCase(
        act=lambda key: billing.change_agreement(wanted, idempotency_key=key),
        find=lambda key: billing.find_change(wanted, idempotency_key=key),
        identity=lambda made: made.invoice.ref.native_id,
        count=count,
        break_next=breaker(stripe_simulator, "/v1/subscriptions/[^/]+$"),
        invalid=lambda key: billing.change_agreement(invalid, idempotency_key=key),
    )


def _agreement(ref: Ref) -> Agreement:
    return Agreement(ref=ref, subscription=ref, status=AgreementStatus.ACTIVE)


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_customers_keep_the_ports_rules(check: Check, customers: WriteCase[Any]) -> None:
    """RS-01, RS-02: customers at the biller."""
    await check(customers)


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_agreements_keep_the_ports_rules(check: Check, agreements: WriteCase[Any]) -> None:
    """RS-01, RS-02: agreements at the biller, first invoice held."""
    await check(agreements)


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_changes_keep_the_ports_rules(check: Check, changes: WriteCase[Any]) -> None:
    """RS-01, RS-02: a change of a running agreement, charged at once."""
    await check(changes)
