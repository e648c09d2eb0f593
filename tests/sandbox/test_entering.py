"""Loading through the vendors' own clients, against the simulators (SN-2)."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from dealthread.config import load_config
from dealthread.sandbox import worked_deals
from dealthread.sandbox.dataset import read_dataset, select
from dealthread.sandbox.demo import next_run
from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.loading import Loader
from dealthread.sandbox.loopback import loopback_session
from dealthread.sandbox.salesforce import SalesforceOrg, exact_json, quoted
from dealthread.sandbox.selling import open_shop
from dealthread.sandbox.stripe_catalogue import (
    CUSTOMER,
    TAX_CODE,
    billing_clients,
    ensure_catalogue,
    every,
)
from dealthread.stack.info import StackInfo

CRM_FOLDER = Path(__file__).resolve().parents[1] / "data" / "crm"
TODAY = date(2026, 3, 15)
_COUNT = "SELECT COUNT(Id) n FROM "


def test_loading_twice_makes_nothing_twice(stack: StackInfo) -> None:
    """Accounts with parents and contacts, products, entries, deals, lines: once each."""
    org = SalesforceOrg(stack)
    dataset = read_dataset(CRM_FOLDER)
    rows = select(dataset, 40)
    first = Loader(org, dataset, TODAY).enter(rows)
    before = _counts(org)
    second = Loader(org, dataset, TODAY).enter(rows)
    assert _counts(org) == before
    assert [one.deal_id for one in second] == [one.deal_id for one in first]
    assert [one.was_there for one in second] == [True] * len(rows)
    assert before["Opportunity"] == before["OpportunityLineItem"] == len(rows) == 22
    assert before["Account"] == before["Contact"] == 12
    org.close()


def test_a_load_that_was_interrupted_is_completed(stack: StackInfo) -> None:
    """Deals whose lines are missing get them; deals that are won already stay as they are."""
    org = SalesforceOrg(stack)
    dataset = read_dataset(CRM_FOLDER)
    rows = select(dataset, 3)
    loader = Loader(org, dataset, TODAY)
    loaded = loader.enter(rows)
    loader.win(loaded[:1], lambda _: None)
    lines = org.query("SELECT Id, OpportunityId FROM OpportunityLineItem")
    lost = next(row["Id"] for row in lines if row["OpportunityId"] == loaded[1].deal_id)
    org._client.restful(f"sobjects/OpportunityLineItem/{lost}", method="DELETE")
    again = loader.enter(rows)
    assert loader.win(again, lambda _: None) == 2
    won = org.query("SELECT Id, Amount FROM Opportunity WHERE IsWon = true ORDER BY Id")
    assert [row["Amount"] for row in won] == [Decimal(498), Decimal(4655), Decimal(58)]
    org.close()


def test_the_hierarchy_is_entered_through_every_parent(stack: StackInfo) -> None:
    org = SalesforceOrg(stack)
    dataset = read_dataset(CRM_FOLDER)
    Loader(org, dataset, TODAY).enter(select(dataset, 1))
    rows = org.query("SELECT Name, Parent.Name, Parent.Parent.Name FROM Account ORDER BY Name")
    child = next(row for row in rows if row["Name"] == "Cedar Loom")
    assert child["Parent"]["Name"] == "Tallow & Finch"
    assert child["Parent"]["Parent"]["Name"] == "Brass Harbor Group"
    org.close()


def test_the_catalogue_is_complete_and_made_once(stack: StackInfo) -> None:
    """Every product at every billing account, every tax code at its seller's."""
    config = load_config(stack.config_dir)
    with billing_clients(stack) as clients:
        assert ensure_catalogue(clients, config) > 0
        assert ensure_catalogue(clients, config) == 0
        for account in config.billing_accounts:
            client = clients[account.key]
            products = {row["id"] for row in every(client.v1.products.list({"limit": 100}))}
            assert products >= {row.billing_product for row in config.products}
            rates = {
                row["metadata"][TAX_CODE]: Decimal(str(row["percentage"]))
                for row in every(client.v1.tax_rates.list({"limit": 100}))
            }
            assert rates == {
                row.code: row.applied_rate
                for row in config.tax_codes
                if row.seller == account.seller
            }


def test_worked_deals_are_entered_to_the_cent_and_a_card_is_on_file(stack: StackInfo) -> None:
    """D1 is paid by card: its customer is at the biller before the deal is won, once."""
    deals = (
        worked_deals.d1,
        worked_deals.d2,
        worked_deals.d3,
        worked_deals.d4,
        worked_deals.d5,
    )
    with open_shop(stack) as shop:
        entered = [shop.desk.enter(deal()) for deal in deals]
        assert next_run(shop.org) == 1
        again = shop.desk.sell(worked_deals.d1(), " again")
        assert again.account_id == entered[0].account_id
        assert next_run(shop.org) == 2
        customers = every(shop.billing["acct_alder_us"].v1.customers.list({"limit": 100}))
        cards = [row for row in customers if row["metadata"][CUSTOMER] == entered[0].customer_key]
        opportunities = shop.org.query("SELECT Name, Amount FROM Opportunity WHERE IsWon = false")
    amounts = {row["Name"][:2]: row["Amount"] for row in opportunities}
    assert amounts == {
        "D1": Decimal("15000.00"),
        "D2": Decimal("17760.00"),
        "D3": Decimal("400.00"),
        "D4": Decimal("194400.00"),
        "D5": Decimal("12000.00"),
    }
    assert len(cards) == 1
    assert cards[0]["invoice_settings"]["default_payment_method"].startswith("pm_")


def test_a_refusal_by_salesforce_is_told(stack: StackInfo) -> None:
    org = SalesforceOrg(stack)
    with pytest.raises(SandboxError, match="Salesforce refused"):
        org.create_all("Account", [{"Name": "Good"}, {"Nonsense__c": 1}])
    assert org.query("SELECT Id FROM Account") == []
    org.close()


def test_the_sandbox_reaches_this_machine_only() -> None:
    with (
        loopback_session() as session,
        pytest.raises(SandboxError, match=r"does not talk to api\.stripe\.com"),
    ):
        session.get("https://api.stripe.com/v1/customers")


def test_decimals_are_sent_as_they_are() -> None:
    """0.1 + 0.2 never appears: a number is written digit by digit, and a float is refused."""
    assert exact_json({"a": [Decimal("270.00"), date(2026, 1, 2), None, True]}) == (
        '{"a": [270.00, "2026-01-02", null, true]}'
    )
    with pytest.raises(TypeError, match="binary float"):
        exact_json({"a": 0.1})


def test_a_name_cannot_break_out_of_a_query() -> None:
    assert quoted("O'Dunmore \\ Supply") == "'O\\'Dunmore \\\\ Supply'"


def _counts(org: SalesforceOrg) -> Counter[str]:
    names = (
        "Account",
        "Contact",
        "Product2",
        "Pricebook2",
        "PricebookEntry",
        "Opportunity",
        "OpportunityLineItem",
    )
    return Counter({name: int(org.query(_COUNT + name)[0]["n"]) for name in names})
