"""Reading a deal from the simulated org through the real client library."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from adapters.http import TallyMeter
from adapters.salesforce.crm import SalesforceCrm
from dealthread.domain.deal import BillingFrequency, CollectionMethod, TermKind
from dealthread.domain.party import BuyerType, ContactPurpose
from dealthread.errors import (
    AuthRejected,
    BadInput,
    NotFound,
    RateLimited,
    VendorUnavailable,
)
from dealthread.naming import customer_key, line_key
from tests.adapters.conftest import Simulator
from tests.adapters.crm_world import CrmWorld


def worked_deal(world: CrmWorld) -> tuple[str, str]:
    """D1 with a parent account, two contacts and two lines; (deal, account)."""
    parent = world.account("Harborline Holding")
    account = world.account(
        "Harborline Logistics LLC",
        ParentId=parent,
        Dealthread_Buyer_Type__c="business",
        Dealthread_Exemption_Certificate__c="CERT-1",
        Dealthread_Exemption_Jurisdiction__c="US-TX",
        Dealthread_Exemption_Until__c="2026-06-30",
        Dealthread_Screening_Result__c="clear",
        Dealthread_Screened_On__c="2026-03-01",
        ShippingCity="Dallas",
        ShippingCountry="US",
    )
    world.create(
        "Contact", FirstName="Ada", LastName="Payer", Email="ap@example.com",
        AccountId=account, Dealthread_Purpose__c="accounts_payable",
    )  # fmt: skip
    world.create("Contact", LastName="Nobody", AccountId=account)
    deal = world.deal(
        account,
        Dealthread_Collection_Method__c="card",
        Dealthread_Approved_Discount__c=10,
        Dealthread_Signed_On__c="2025-12-18",
        Dealthread_Waived_Rules__c="V21, V12",
    )
    seat = world.entry("SEAT-STD", "300.00", "USD")
    world.line(deal, seat, "50", "270.00")
    world.line(deal, world.entry("ONB", "3000.00", "USD"), "1", "1500.00")
    return deal, account


async def test_won_deals_are_listed_by_id_a_page_at_a_time(
    crm: SalesforceCrm, crm_world: CrmWorld
) -> None:
    """SN-10: what is won is found without any event; lost, old and deleted deals are not."""
    account = crm_world.account("Late Ltd")
    won = sorted(crm_world.deal(account, CloseDate="2999-01-0" + str(n)) for n in (1, 2, 3))
    crm_world.deal(account, CloseDate="2998-12-31")
    crm_world.deal(account, CloseDate="2999-01-01", StageName="Closed Lost")
    crm_world.delete("Opportunity", crm_world.deal(account, CloseDate="2999-01-01"))
    crm_world.change("Opportunity", won[0], Dealthread_Kind__c="amendment")
    since = date(2999, 1, 1)
    first = await crm.won_deals(since, after="", limit=2)
    rest = await crm.won_deals(since, after=first[-1].deal_id, limit=2)
    assert [one.deal_id for one in (*first, *rest)] == won
    assert [one.kind for one in (*first, *rest)] == ["amendment", "new", "new"]
    assert {one.org for one in first} == {(await crm.read_deal(won[1])).org}
    with pytest.raises(BadInput):
        await crm.won_deals(since, after="x' OR Id != '", limit=2)


async def test_a_deal_is_read_whole_in_one_call(crm: SalesforceCrm, crm_world: CrmWorld) -> None:
    """DM-01: opportunity, account, parent, lines and contacts; one composite request."""
    deal_id, account_id = worked_deal(crm_world)
    deal = await crm.read_deal(deal_id)
    org = deal.org
    assert (deal.deal_id, deal.currency, deal.is_won) == (deal_id, "USD", True)
    assert deal.term_kind is TermKind.FIXED
    assert (deal.start_date, deal.end_date) == (date(2026, 1, 1), date(2027, 1, 1))
    assert deal.term_months == 12
    assert deal.billing_frequency is BillingFrequency.YEARLY
    assert deal.collection_method is CollectionMethod.CARD
    assert deal.approved_discount_percent == 10
    assert deal.waived_rules == ("V21", "V12")
    assert deal.price_book_currency == "USD"
    assert deal.account is not None
    party = deal.account
    assert party.key == customer_key(org, account_id)
    assert party.buyer_type is BuyerType.BUSINESS
    assert party.ship_to().city == "Dallas"
    assert party.exemptions[0].until == date(2026, 7, 1)
    assert party.screening is not None
    assert [one.purpose for one in party.contacts] == [ContactPurpose.ACCOUNTS_PAYABLE]
    assert party.contacts[0].name == "Ada Payer"
    assert [parent.legal_name for parent in deal.parents] == ["Harborline Holding"]
    assert party.parent_key == deal.parents[0].key
    by_code = {line.product_code: line for line in deal.lines}
    seats = by_code["SEAT-STD"]
    assert seats.line_key == line_key(org, seats.ref.native_id)
    assert (seats.quantity, seats.unit_price.amount) == (Decimal(50), Decimal(270))
    assert seats.list_price is not None
    assert seats.list_price.amount == Decimal(300)
    assert seats.price_entry_active


async def test_the_uplift_agreed_for_the_next_term_is_read(
    crm: SalesforceCrm, crm_world: CrmWorld
) -> None:
    """An empty field is the policy's uplift, nought is none."""
    account = crm_world.account("Harborline Logistics LLC")
    uplifts = [
        (await crm.read_deal(crm_world.deal(account, **given))).renewal_uplift_percent
        for given in ({}, {"Dealthread_Renewal_Uplift__c": 0}, {"Dealthread_Renewal_Uplift__c": 4})
    ]
    assert uplifts == [None, Decimal(0), Decimal(4)]


async def test_reading_costs_one_call_of_the_daily_quota(
    crm: SalesforceCrm, crm_world: CrmWorld
) -> None:
    """Measured by the adapter's meter and by what the org itself reports."""
    deal_id, _ = worked_deal(crm_world)
    await crm.read_deal(deal_id)
    meter = TallyMeter()
    crm.client._meter = meter
    await crm.read_deal(deal_id)
    assert meter.calls == {("salesforce", "read_deal"): 1}
    assert crm.client.usage.used is not None


async def test_the_same_content_hashes_alike_whenever_it_is_read(
    crm: SalesforceCrm, crm_world: CrmWorld
) -> None:
    """The hash ignores when it was seen and how a number was written."""
    deal_id, _ = worked_deal(crm_world)
    first = await crm.read_deal(deal_id)
    crm_world.change("Opportunity", deal_id, Description="no term of the deal")
    second = await crm.read_deal(deal_id)
    assert first.content_hash() == second.content_hash()
    crm_world.change("Opportunity", deal_id, Dealthread_PO_Number__c="4500098765")
    assert (await crm.read_deal(deal_id)).content_hash() != first.content_hash()


async def test_missing_values_are_none_and_never_a_crash(
    crm: SalesforceCrm, crm_world: CrmWorld
) -> None:
    """A bare opportunity without account, terms or lines is read; the rules judge it."""
    deal_id = crm_world.create(
        "Opportunity", Name="Bare", StageName="Prospecting", CloseDate="2026-01-01",
        CurrencyIsoCode="USD",
    )  # fmt: skip
    deal = await crm.read_deal(deal_id)
    assert not deal.is_won
    assert (deal.account, deal.lines, deal.term_kind, deal.start_date) == (None, (), None, None)


async def test_a_deleted_deal_is_seen_as_deleted(crm: SalesforceCrm, crm_world: CrmWorld) -> None:
    """V01 needs to see it."""
    deal_id, _ = worked_deal(crm_world)
    crm_world.delete("Opportunity", deal_id)
    assert (await crm.read_deal(deal_id)).is_deleted


async def test_an_unknown_deal_is_not_found_and_a_bad_id_never_leaves(
    crm: SalesforceCrm, crm_world: CrmWorld, salesforce: Simulator
) -> None:
    """T18: ids are checked by form and checksum before anything is sent."""
    with pytest.raises(NotFound):
        await crm.read_deal("006000000000001AAA")
    salesforce.forget()
    for bad in ("006000000000001AAB", "https://evil.example/x", "../Account/1", "x' OR Id != '"):
        with pytest.raises(BadInput):
            await crm.read_deal(bad)
    assert salesforce.requests() == []


async def test_an_expired_token_is_renewed_once(
    crm: SalesforceCrm, crm_world: CrmWorld, salesforce: Simulator
) -> None:
    """K8: one new token, one repeat."""
    deal_id, _ = worked_deal(crm_world)
    await crm.read_deal(deal_id)
    meter = TallyMeter()
    crm.client._meter = meter
    salesforce.fault("auth", path="/composite")
    await crm.read_deal(deal_id)
    assert meter.calls[("salesforce", "read_deal")] == 2
    salesforce.fault("auth", path="/composite", times=0)
    with pytest.raises(AuthRejected):
        await crm.read_deal(deal_id)
    assert meter.calls[("salesforce", "read_deal")] == 4


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refuse", VendorUnavailable),
        ("lose_answer", VendorUnavailable),
        ("malformed", VendorUnavailable),
        ("html", VendorUnavailable),
        ("server_error", VendorUnavailable),
        ("rate_limit", RateLimited),
    ],
)
async def test_a_failed_read_can_be_repeated(
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    salesforce: Simulator,
    kind: str,
    error: type[Exception],
) -> None:
    """K1–K6 on a read: transport errors, then the same deal."""
    deal_id, _ = worked_deal(crm_world)
    await crm.client.run(crm.client.tokens.current)
    salesforce.fault(kind, path="/composite")
    with pytest.raises(error):
        await crm.read_deal(deal_id)
    assert (await crm.read_deal(deal_id)).deal_id == deal_id
