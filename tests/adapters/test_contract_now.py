"""DM-10: a contract read back from the org and from the biller as it stands there now."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from adapters.salesforce.crm import SalesforceCrm
from adapters.stripe.billing import StripeBilling
from dealthread.domain.base import Ref, System
from dealthread.domain.comparison.seen import BilledState
from dealthread.domain.documents import Agreement, AgreementStatus
from dealthread.domain.invoice import InvoiceStatus
from dealthread.errors import NotFound
from dealthread.outcome import Done
from dealthread.ports.billing import StartAgreement
from tests.adapters.conftest import Simulator, native
from tests.adapters.crm_world import CrmWorld
from tests.adapters.stripe_changes import change, done, renewed
from tests.adapters.stripe_days import Days
from tests.adapters.stripe_deals import KEY, by_bank, started
from tests.adapters.test_salesforce_record_change import change_of
from tests.adapters.test_salesforce_write import command_for
from tests.adapters.test_stripe_contract import customer_of
from tests.adapters.test_stripe_first_invoice import with_card
from tests.support import deals

START, MARCH, END = date(2026, 1, 1), date(2026, 3, 1), date(2027, 1, 1)
SEATS = "L-D1-SEATS"
ACCOUNT = "acct_us01"


# ------------------------------------------------------------ Salesforce


async def test_a_record_is_read_as_it_was_written_and_as_people_wrote_over_it(
    crm: SalesforceCrm, crm_world: CrmWorld
) -> None:
    """D1 is written back, amended to version 2, then changed in the org by a person."""
    account = crm_world.account("Harborline Logistics LLC")
    first = command_for(crm_world.deal(account), account)
    key = first.contract_key
    assert isinstance(await crm.record_contract(first, idempotency_key="first"), Done)
    (found,) = await crm.contracts_now((key, "C-UNKNOWN"))
    assert (found.contract_key, found.status, found.version) == (key, first.status, 1)
    assert (found.start_date, found.end_date, found.term_months) == (START, END, 12)
    assert (found.total_value, found.account_id) == (Decimal(15000), account)
    for said, ref in (
        (found.subscription, first.subscription),
        (found.booking, first.booking),
        (found.entitlement, first.entitlement),
    ):
        assert said == (ref.native_id if ref else "")

    amended = change_of(first, crm_world.deal(account, Dealthread_Kind__c="amendment"))
    assert isinstance(await crm.record_change(amended, idempotency_key="second"), Done)
    (found,) = await crm.contracts_now((key,))
    assert (found.version, found.status) == (2, "active")
    written_at = found.changed_at

    crm_world.change(
        "Contract",
        found.ref.native_id,
        Dealthread_End__c="2027-01-31",
        Dealthread_Subscription_Id__c=None,
    )
    (found,) = await crm.contracts_now((key,))
    assert (found.end_date, found.subscription) == (date(2027, 2, 1), "")
    assert found.changed_at >= written_at
    assert await crm.contracts_now(()) == ()


# ------------------------------------------------------------ Stripe


async def test_an_agreement_says_what_it_bills_and_until_when(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1: 50 seats at 270.00 a year, to the committed end; then changed in the console."""
    days.go(START)
    agreement, customer = await started(dated_billing, by_bank(deals.d1()), deals.HARBORLINE)
    found = await dated_billing.agreement_now(agreement, ACCOUNT)
    assert (found.state, found.ends_on) == (BilledState.ACTIVE, END)
    assert found.contract_key == deals.d1().key
    assert found.customer == customer.ref.native_id
    assert found.quantities == {SEATS: Decimal(50)}
    assert {line: str(net) for line, net in found.periods.items()} == {SEATS: "13,500.00 USD"}

    v1 = native(stripe_simulator, ACCOUNT).v1
    (item,) = v1.subscriptions.retrieve(found.ref.native_id).to_dict()["items"]["data"]
    v1.subscription_items.update(item["id"], {"quantity": 51, "proration_behavior": "none"})
    v1.subscriptions.update(
        found.ref.native_id,
        {"cancel_at": "", "pause_collection": {"behavior": "void"}},
    )
    found = await dated_billing.agreement_now(agreement, ACCOUNT)
    assert (found.state, found.ends_on) == (BilledState.PAUSED, None)
    assert found.quantities == {SEATS: Decimal(51)}
    assert {line: str(net) for line, net in found.periods.items()} == {SEATS: "13,770.00 USD"}

    v1.subscriptions.cancel(found.ref.native_id)
    found = await dated_billing.agreement_now(agreement, ACCOUNT)
    assert found.state is BilledState.ENDED


async def test_the_end_of_one_under_a_schedule_is_the_schedules(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """Renewed ahead at another price, D1 ends a year later; released by hand, never."""
    contract = by_bank(deals.d1())
    days.go(START)
    agreement, _ = await started(dated_billing, contract, deals.HARBORLINE)
    days.go(MARCH)
    after = renewed(contract, date(2028, 1, 1), "283.50")
    made = await done(dated_billing, change(contract, after, agreement, END))
    found = await dated_billing.agreement_now(made.agreement, ACCOUNT)
    assert found.ends_on == date(2028, 1, 1)
    assert found.quantities == {SEATS: Decimal(50)}

    assert made.agreement.schedule is not None
    schedules = native(stripe_simulator, ACCOUNT).v1.subscription_schedules
    schedules.release(made.agreement.schedule.native_id)
    found = await dated_billing.agreement_now(made.agreement, ACCOUNT)
    assert (found.state, found.ends_on) == (BilledState.ACTIVE, None)


async def test_one_that_has_not_begun_says_what_it_will_bill(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """A schedule without a subscription; cancelled, it is over."""
    days.go(date(2025, 12, 1))
    contract = by_bank(deals.d1())
    agreement, _ = await started(dated_billing, contract, deals.HARBORLINE)
    found = await dated_billing.agreement_now(agreement, ACCOUNT)
    assert (found.state, found.ends_on) == (BilledState.SCHEDULED, END)
    assert found.quantities == {SEATS: Decimal(50)}
    native(stripe_simulator, ACCOUNT).v1.subscription_schedules.cancel(agreement.ref.native_id)
    found = await dated_billing.agreement_now(agreement, ACCOUNT)
    assert found.state is BilledState.ENDED


async def test_one_whose_first_charge_never_succeeds_is_incomplete_and_then_over(
    dated_billing: StripeBilling, days: Days, stripe_simulator: Simulator
) -> None:
    """D1 by a card that fails: after 23 hours the biller ends it and voids its invoice."""
    days.go(START)
    contract = deals.d1()
    customer = await customer_of(dated_billing, contract, deals.HARBORLINE)
    await with_card(stripe_simulator, customer, "pm_card_chargeCustomerFail")
    outcome = await dated_billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=False),
        idempotency_key=KEY,
    )
    assert isinstance(outcome, Done), outcome
    assert outcome.value.first_invoice is not None
    bill = outcome.value.first_invoice.ref.native_id
    found = await dated_billing.agreement_now(outcome.value, ACCOUNT)
    assert found.state is BilledState.INCOMPLETE
    assert (await dated_billing.read_bill(ACCOUNT, bill)).status is InvoiceStatus.OPEN

    days.go(date(2026, 1, 3))
    found = await dated_billing.agreement_now(outcome.value, ACCOUNT)
    assert found.state is BilledState.ENDED
    assert (await dated_billing.read_bill(ACCOUNT, bill)).status is InvoiceStatus.VOID


async def test_one_that_the_account_does_not_know_is_not_found(
    dated_billing: StripeBilling,
) -> None:
    gone = Ref(system=System.BILLING, account=ACCOUNT, kind="subscription", native_id="sub_nobody")
    with pytest.raises(NotFound):
        await dated_billing.agreement_now(
            Agreement(ref=gone, subscription=gone, status=AgreementStatus.ACTIVE), ACCOUNT
        )
