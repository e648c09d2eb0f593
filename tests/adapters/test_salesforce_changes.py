"""Plain opportunities that ask for a change of a contract, read from the simulated org."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from adapters.salesforce.crm import SalesforceCrm
from dealthread.domain.change_order import (
    AmendmentOrder,
    ChangeTiming,
    LineAction,
    RenewalDecision,
    RenewalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.money import UnitPrice
from dealthread.domain.revenue.modification import ScopeReason
from dealthread.errors import NotFound, StepRejected
from dealthread.naming import line_key
from tests.adapters.conftest import org_id
from tests.adapters.crm_world import CrmWorld
from tests.support import deals

SEATS, ONBOARDING = (line.line_key for line in deals.d1().lines)


@pytest.fixture
def contract() -> Contract:
    return deals.d1()


@pytest.fixture
def asked(crm_world: CrmWorld, contract: Contract) -> dict[str, Any]:
    """What every change of D1 says: its account, its contract."""
    account = crm_world.account("Harborline Logistics LLC")
    record = crm_world.create(
        "Contract", AccountId=account, Dealthread_Contract_Key__c=contract.key
    )
    return {"account_id": account, "ContractId": record, "Dealthread_Kind__c": "amendment"}


def line_of(
    world: CrmWorld, deal: str, action: str | None, key: str, quantity: str = "1",
    price: str = "300", product: str = "SEAT-STD", **more: Any,
) -> str:  # fmt: skip
    """A line that says what is done to a line of the contract."""
    said = {"Dealthread_Action__c": action, "Dealthread_Changes_Line__c": key}
    given = {name: value for name, value in said.items() if value}
    return world.line(deal, world.entry(product, "300", "USD"), quantity, price, **given, **more)


async def refusal_of(crm: SalesforceCrm, deal: str, contract: Contract) -> tuple[str, str]:
    """(case kind, code) of a change that cannot be taken."""
    with pytest.raises(StepRejected) as refused:
        await crm.read_change(deal, contract)
    return refused.value.case_kind, refused.value.code


async def test_a_won_amendment_is_read_with_what_each_line_comes_to(
    crm: SalesforceCrm, crm_world: CrmWorld, asked: dict[str, Any], contract: Contract
) -> None:
    """Add, quantity, remove; effective day, reason, version, terms, other sellers' deals."""
    other = crm_world.deal(asked["account_id"])
    deal = crm_world.deal(
        **asked,
        Dealthread_Effective_From__c="2026-04-15",
        Dealthread_Timing__c="on_date",
        Dealthread_Scope_Reason__c="concession",
        Dealthread_Base_Version__c=1,
        Dealthread_Payment_Terms__c="NET45",
        Dealthread_Regional_Deals__c=f"{other[:15]}, {other}",
        Dealthread_Signed_On__c="2026-04-10",
    )
    added = line_of(
        crm_world, deal, "add", "", "5", "480", "SEAT-PRO", Dealthread_End__c="2026-09-30"
    )
    line_of(crm_world, deal, "quantity", SEATS, "70", "270")
    line_of(crm_world, deal, "remove", ONBOARDING)
    order = await crm.read_change(deal, contract)
    assert isinstance(order, AmendmentOrder)
    assert order.change_id == f"amendment:{contract.key}:{deal}"
    assert order.source is not None
    assert (order.deal_id, order.source.native_id) == (deal, deal)
    assert (order.timing, order.effective_from) == (ChangeTiming.ON_DATE, date(2026, 4, 15))
    assert (order.accepted_on, order.base_version) == (date(2026, 4, 10), 1)
    assert (order.payment_terms, order.scope_reason) == ("NET45", ScopeReason.CONCESSION)
    assert order.regional_deals == (other,)
    add, quantity, remove = order.lines
    assert (add.action, add.line_key) == (LineAction.ADD, line_key(org_id(), added))
    assert (add.product_code, add.quantity) == ("SEAT-PRO", Decimal(5))
    assert (add.unit_price, add.end_date) == (UnitPrice.of(480, "USD"), date(2026, 10, 1))
    assert (quantity.line_key, quantity.quantity) == (SEATS, Decimal(70))
    assert quantity.unit_price == UnitPrice.of(270, "USD")
    assert (remove.action, remove.line_key, remove.quantity) == (
        LineAction.REMOVE,
        ONBOARDING,
        None,
    )


async def test_a_swap_names_the_product_that_takes_the_lines_place(
    crm: SalesforceCrm, crm_world: CrmWorld, asked: dict[str, Any], contract: Contract
) -> None:
    """Without a day it takes effect now; terms that stay are no change."""
    deal = crm_world.deal(**asked, Dealthread_Payment_Terms__c=contract.payment_terms)
    line_of(crm_world, deal, "swap", SEATS, "50", "480", "SEAT-PRO")
    order = await crm.read_change(deal, contract)
    assert isinstance(order, AmendmentOrder)
    assert (order.timing, order.effective_from) == (ChangeTiming.NOW, None)
    assert (order.payment_terms, order.accepted_on) == ("", date(2025, 12, 18))
    assert (order.lines[0].action, order.lines[0].product_code) == (LineAction.SWAP, "SEAT-PRO")


async def test_a_change_that_is_not_won_or_deleted_is_refused(
    crm: SalesforceCrm, crm_world: CrmWorld, asked: dict[str, Any], contract: Contract
) -> None:
    """Both are reopened deals, not bad terms."""
    deal = crm_world.deal(**asked)
    crm_world.change("Opportunity", deal, StageName="Negotiation/Review")
    assert await refusal_of(crm, deal, contract) == ("deal.reopened", "deal_not_won")
    crm_world.delete("Opportunity", deal)
    assert await refusal_of(crm, deal, contract) == ("deal.reopened", "deal_deleted")
    with pytest.raises(NotFound):
        await crm.read_change("006000000000001AAA", contract)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"ContractId": None}, "no_contract_named"),
        ({"Dealthread_Kind__c": "new"}, "not_a_change"),
        ({"Dealthread_Kind__c": None}, "not_a_change"),
        ({"Dealthread_Timing__c": "on_date"}, "no_effective_day"),
        ({"CurrencyIsoCode": "EUR"}, "another_currency"),
        ({"Dealthread_Regional_Deals__c": "Berlin"}, "not_a_record_id"),
    ],
)
async def test_a_change_that_cannot_be_told_is_refused_with_its_reason(
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    asked: dict[str, Any],
    contract: Contract,
    more: dict[str, Any],
    code: str,
) -> None:
    deal = crm_world.deal(**{**asked, **more})
    assert await refusal_of(crm, deal, contract) == ("deal.invalid_terms", code)


async def test_a_change_of_another_contract_is_refused(
    crm: SalesforceCrm, crm_world: CrmWorld, asked: dict[str, Any]
) -> None:
    deal = crm_world.deal(**asked)
    other = deals.d1().model_copy(update={"key": "C-OTHER"})
    assert await refusal_of(crm, deal, other) == ("deal.invalid_terms", "another_contract")


@pytest.mark.parametrize(
    ("action", "key", "code"),
    [
        (None, SEATS, "line_without_action"),
        ("quantity", "", "line_not_named"),
        ("remove", "L-NOTHING", "line_unknown"),
    ],
)
async def test_a_line_that_does_not_say_what_it_changes_is_refused(
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    asked: dict[str, Any],
    contract: Contract,
    action: str | None,
    key: str,
    code: str,
) -> None:
    deal = crm_world.deal(**asked)
    line_of(crm_world, deal, action, key)
    assert await refusal_of(crm, deal, contract) == ("deal.invalid_terms", code)


async def test_a_won_renewal_is_an_acceptance_with_its_final_prices(
    crm: SalesforceCrm, crm_world: CrmWorld, asked: dict[str, Any], contract: Contract
) -> None:
    """A line without an action is found by its product; its price is final."""
    asked = {**asked, "Dealthread_Kind__c": "renewal", "Dealthread_Term_Months__c": 24}
    deal = crm_world.deal(**asked, Dealthread_Renewal_Uplift__c=3.5)
    line_of(crm_world, deal, None, "", "60", "283.5")
    line_of(crm_world, deal, None, "", "2", "480", "SEAT-PRO")
    order = await crm.read_change(deal, contract)
    assert isinstance(order, RenewalOrder)
    assert order.change_id == f"renewal:{contract.key}:2027-01-01"
    assert (order.decision, order.term_months) == (RenewalDecision.ACCEPT, 24)
    assert order.uplift_percent == Decimal("3.5")
    seats, pro = order.lines
    assert (seats.action, seats.line_key, seats.quantity) == (LineAction.PRICE, SEATS, Decimal(60))
    assert seats.unit_price == UnitPrice.of("283.5", "USD")
    assert (pro.action, pro.product_code) == (LineAction.ADD, "SEAT-PRO")


async def test_a_lost_renewal_is_a_decline_and_an_open_one_is_not_won(
    crm: SalesforceCrm, crm_world: CrmWorld, asked: dict[str, Any], contract: Contract
) -> None:
    asked = {**asked, "Dealthread_Kind__c": "renewal"}
    lost = crm_world.deal(**asked, StageName="Closed Lost")
    order = await crm.read_change(lost, contract)
    assert isinstance(order, RenewalOrder)
    assert (order.decision, order.lines) == (RenewalDecision.DECLINE, ())
    still_open = crm_world.deal(**asked, StageName="Prospecting")
    assert await refusal_of(crm, still_open, contract) == ("deal.reopened", "deal_not_won")


@pytest.mark.parametrize(
    "meant",
    [
        {"Dealthread_Renewal_Key__c": "renewal:C-D1:2026-01-01"},
        {"Dealthread_Workflow_Id__c": "renewal:C-D1:2026-01-01"},
        {"Dealthread_Effective_From__c": "2026-01-01"},
    ],
)
async def test_a_renewal_of_an_earlier_term_does_not_renew_this_one(
    crm: SalesforceCrm,
    crm_world: CrmWorld,
    asked: dict[str, Any],
    contract: Contract,
    meant: dict[str, str],
) -> None:
    """Told again after it was taken, it would otherwise renew the term that it made."""
    deal = crm_world.deal(**{**asked, "Dealthread_Kind__c": "renewal"}, **meant)
    assert await refusal_of(crm, deal, contract) == (
        "deal.invalid_terms",
        "renewal_of_another_term",
    )


async def test_a_contract_without_an_end_is_not_renewed(
    crm: SalesforceCrm, crm_world: CrmWorld, asked: dict[str, Any], contract: Contract
) -> None:
    deal = crm_world.deal(**{**asked, "Dealthread_Kind__c": "renewal"})
    endless = contract.model_copy(update={"end_date": None})
    assert await refusal_of(crm, deal, endless) == ("deal.invalid_terms", "contract_without_end")
