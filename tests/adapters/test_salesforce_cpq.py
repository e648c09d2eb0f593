"""CPQ's quotes as changes of a contract, in a simulated org with the package installed."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.http import TallyMeter
from adapters.salesforce.crm import SalesforceCrm
from adapters.salesforce.settings import SalesforceSettings
from dealthread.domain.base import Ref, System
from dealthread.domain.change_order import (
    AmendmentOrder,
    LineAction,
    LineOrder,
    RenewalDecision,
    RenewalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.money import UnitPrice
from dealthread.errors import StepRejected
from dealthread.naming import line_key
from dealthread.outcome import Done
from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig
from tests.adapters.conftest import org_id
from tests.adapters.crm_world import CrmWorld
from tests.adapters.fake_clock import OffsetClock
from tests.adapters.test_salesforce_record_change import change_of
from tests.adapters.test_salesforce_write import command_for
from tests.support import deals

ROUTER = "/services/apexrest/SBQQ/ServiceRouter"
AMENDER = "SBQQ.ContractManipulationAPI.ContractAmender"
START = "2026-06-01"


@dataclass
class Sold:
    """Fifty seats of D1 sold, contracted and written back."""

    world: CrmWorld
    account: str
    deal: str
    record: str
    """CPQ's own contract."""
    contract: Contract
    product: str


@pytest.fixture
def world(clock: OffsetClock) -> Iterator[CrmWorld]:
    """An org with CPQ that does its background work at once."""
    config = SalesforceConfig(
        org_id=org_id(),
        client_id="client",
        client_secret="client-secret",
        clock_offset=clock.offset,
        cpq=True,
        cpq_delay=timedelta(0),
    )
    server = BackgroundServer(create_app(config))
    server.start()
    world = CrmWorld.sign_in(server.url, "client", "client-secret")
    yield world
    world.http.close()
    server.stop()


@pytest.fixture
async def cpq_crm(world: CrmWorld, clock: OffsetClock) -> AsyncIterator[SalesforceCrm]:
    """Our adapter on it."""
    settings = SalesforceSettings(
        org_id=org_id(),
        instance_url=world.url,
        client_id="client",
        client_secret=SecretStr("client-secret"),
    )
    adapter = SalesforceCrm(settings, clock, TallyMeter())
    yield adapter
    await adapter.aclose()


@pytest.fixture
def sold(world: CrmWorld) -> Sold:
    account = world.account("Harborline Logistics LLC")
    deal = world.deal(account, StageName="Prospecting")
    product = subscription(world, "SEAT-STD", "300")
    quote = world.create(
        "SBQQ__Quote__c",
        SBQQ__Opportunity2__c=deal,
        SBQQ__StartDate__c="2026-01-01",
        SBQQ__SubscriptionTerm__c=12,
        SBQQ__PricebookId__c=world.standard_book,
    )
    quoted(world, quote, product, 50, SBQQ__Discount__c=10)
    world.change("SBQQ__Quote__c", quote, SBQQ__Primary__c=True)
    world.change(
        "Opportunity", deal, StageName="Closed Won", SBQQ__Contracted__c=True,
        Dealthread_Contract_Key__c="C-D1",
    )  # fmt: skip
    record = first(world, "Contract", f"SBQQ__Opportunity__c = '{deal}'")
    world.change("Contract", record, Status="Activated")
    line = first(world, "OpportunityLineItem", f"OpportunityId = '{deal}'")
    return Sold(world, account, deal, record, contract_of(deal, account, line), product)


def contract_of(deal: str, account: str, line: str) -> Contract:
    """D1 as it was made of this deal: its seats have the key of this org's line."""
    contract = deals.d1()
    seats = contract.lines[0].model_copy(update={"line_key": line_key(org_id(), line)})
    ref = Ref(system=System.CRM, account=org_id(), kind="account", native_id=account)
    return contract.model_copy(update={"deal_id": deal, "lines": (seats,), "customer_ref": ref})


def subscription(world: CrmWorld, code: str, price: str) -> str:
    """A product of twelve months."""
    world.entry(code, price, "USD")
    world.change(
        "Product2", world.products[code],
        SBQQ__SubscriptionPricing__c="Fixed Price", SBQQ__SubscriptionTerm__c=12,
    )  # fmt: skip
    return world.products[code]


def quoted(world: CrmWorld, quote: str, product: str, quantity: float, **more: Any) -> str:
    """A line of a quote."""
    return world.create(
        "SBQQ__QuoteLine__c",
        SBQQ__Quote__c=quote,
        SBQQ__Product__c=product,
        SBQQ__Quantity__c=quantity,
        **more,
    )


def first(world: CrmWorld, sobject: str, where: str) -> str:
    """Id of the first row, once the package's background work has made it."""
    soql = f"SELECT Id FROM {sobject} WHERE {where}"  # noqa: S608 - of this module
    for _ in range(100):
        rows = world.query(soql)
        if rows:
            return str(rows[0]["Id"])
        time.sleep(0.05)
    raise AssertionError(soql)


def amendment(sold: Sold, start: str = START) -> tuple[str, str, str]:
    """(opportunity, quote, line of the seats) of an amendment that the package made."""
    world = sold.world
    world.change("Contract", sold.record, SBQQ__AmendmentStartDate__c=start)
    answer = world.http.patch(
        f"{world.url}{ROUTER}", params={"loader": AMENDER, "uid": sold.record}, json={}
    )
    assert answer.status_code == 200, answer.text
    record = json.loads(answer.json())["record"]
    line = first(world, "SBQQ__QuoteLine__c", f"SBQQ__Quote__c = '{record['Id']}'")
    deal = first(world, "Opportunity", f"SBQQ__PrimaryQuote__c = '{record['Id']}'")
    return deal, record["Id"], line


async def won(crm: SalesforceCrm, sold: Sold, deal: str) -> Any:
    """What the won deal asks."""
    sold.world.change("Opportunity", deal, StageName="Closed Won")
    return await crm.read_change(deal, sold.contract)


def told(order: LineOrder) -> tuple[LineAction, str, Decimal | None]:
    return order.action, order.line_key, order.quantity


async def test_an_amendment_quote_is_folded_onto_the_contracts_line(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    """Fifty become seventy; the day is the quote's, the contract is known by its deal."""
    deal, _, line = amendment(sold)
    sold.world.change("SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=70)
    order = await won(cpq_crm, sold, deal)
    assert isinstance(order, AmendmentOrder)
    assert order.effective_from == date(2026, 6, 1)
    seats = sold.contract.lines[0].line_key
    assert [told(one) for one in order.lines] == [(LineAction.QUANTITY, seats, Decimal(70))]
    assert order.lines[0].unit_price is None


async def test_a_delta_counts_from_what_the_contract_holds_by_now(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    """Five seats were added otherwise since it was quoted: twenty more are seventy-five."""
    deal, _, line = amendment(sold)
    sold.world.change("SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=70)
    seats = sold.contract.lines[0].model_copy(update={"quantity": Decimal(55)})
    sold.contract = sold.contract.model_copy(update={"lines": (seats,)})
    order = await won(cpq_crm, sold, deal)
    assert order.lines[0].quantity == 75


async def test_quantity_zero_cancels_the_line_whatever_we_hold_of_it(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    deal, _, line = amendment(sold)
    sold.world.change("SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=0)
    seats = sold.contract.lines[0].model_copy(update={"quantity": Decimal(55)})
    sold.contract = sold.contract.model_copy(update={"lines": (seats,)})
    order = await won(cpq_crm, sold, deal)
    assert [told(one) for one in order.lines] == [(LineAction.REMOVE, seats.line_key, None)]


async def test_a_debook_and_a_rebook_are_one_new_price(cpq_crm: SalesforceCrm, sold: Sold) -> None:
    """Net of the year, not of the months that are left."""
    deal, quote, line = amendment(sold)
    sold.world.change("SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=0)
    quoted(sold.world, quote, sold.product, 50, SBQQ__Discount__c=20)
    order = await won(cpq_crm, sold, deal)
    (priced,) = order.lines
    seats = sold.contract.lines[0].line_key
    assert told(priced) == (LineAction.PRICE, seats, Decimal(50))
    assert priced.unit_price == UnitPrice.of(240, "USD")


async def test_another_product_is_added_and_found_again_by_the_next_amendment(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    """Its key comes from its quote line: the subscription leads back to it."""
    world = sold.world
    deal, quote, _ = amendment(sold)
    new = quoted(world, quote, subscription(world, "SEAT-PRO", "480"), 5)
    order = await won(cpq_crm, sold, deal)
    (added,) = order.lines
    assert told(added) == (LineAction.ADD, line_key(org_id(), new), Decimal(5))
    assert (added.product_code, added.end_date) == ("SEAT-PRO", None)
    world.change("Opportunity", deal, SBQQ__Contracted__c=True, Dealthread_Contract_Key__c="C-D1")
    first(world, "SBQQ__Subscription__c", f"SBQQ__QuoteLine__c = '{new}'")
    seats = sold.contract.lines[0]
    pro = seats.model_copy(
        update={
            "line_key": added.line_key,
            "product_code": "SEAT-PRO",
            "quantity": Decimal(5),
            "start_date": date(2026, 6, 1),
        }
    )
    twin = pro.model_copy(update={"line_key": "L-TWIN"})
    sold.contract = sold.contract.model_copy(update={"lines": (seats, pro, twin)})
    later, quote, _ = amendment(sold, "2026-08-01")
    of_pro = f"SBQQ__Quote__c = '{quote}' AND SBQQ__ProductCode__c = 'SEAT-PRO'"
    line = first(world, "SBQQ__QuoteLine__c", of_pro)
    world.change("SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=8)
    order = await won(cpq_crm, sold, later)
    assert [told(one) for one in order.lines] == [(LineAction.QUANTITY, added.line_key, Decimal(8))]


async def test_an_amendment_reads_the_same_before_and_after_cpq_has_contracted_it(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    """Its own new subscriptions are not counted as if they were there before."""
    deal, _, line = amendment(sold)
    sold.world.change("SBQQ__QuoteLine__c", line, SBQQ__Quantity__c=20)
    before = await won(cpq_crm, sold, deal)
    sold.world.change("Opportunity", deal, SBQQ__Contracted__c=True)
    first(sold.world, "SBQQ__Subscription__c", f"SBQQ__QuoteLine__c = '{line}'")
    assert await cpq_crm.read_change(deal, sold.contract) == before


async def test_an_amendment_of_a_contract_of_another_deal_is_refused(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    deal, _, _ = amendment(sold)
    sold.contract = sold.contract.model_copy(update={"key": "C-OTHER"})
    with pytest.raises(StepRejected) as refused:
        await won(cpq_crm, sold, deal)
    assert refused.value.code == "another_contract"


async def test_a_plain_amendment_is_read_in_an_org_with_cpq_too(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    deal = sold.world.deal(sold.account, ContractId=sold.record, Dealthread_Kind__c="amendment")
    with pytest.raises(StepRejected):
        await cpq_crm.read_change(deal, sold.contract)
    sold.world.change("Contract", sold.record, Dealthread_Contract_Key__c="C-D1")
    order = await cpq_crm.read_change(deal, sold.contract)
    assert order.deal_id == deal


async def test_cpqs_own_flag_forecasts_the_renewal_and_its_quote_is_the_acceptance(
    cpq_crm: SalesforceCrm, sold: Sold
) -> None:
    """No opportunity of ours beside it; setting it again changes nothing."""
    world = sold.world
    write = command_for(sold.deal, sold.account).model_copy(
        update={"contract": sold.contract, "forecast_renewal": True}
    )
    assert isinstance(await cpq_crm.record_contract(write, idempotency_key="k"), Done)
    soql = "SELECT Id FROM Opportunity WHERE SBQQ__Renewal__c = true"
    renewal = first(world, "Opportunity", "SBQQ__Renewal__c = true")
    change = change_of(write, "", contract=sold.contract, forecast_renewal=True)
    assert isinstance(await cpq_crm.record_change(change, idempotency_key="l"), Done)
    assert [row["Id"] for row in world.query(soql)] == [renewal]
    assert world.query("SELECT Id FROM Opportunity WHERE Dealthread_Renewal_Key__c != null") == []
    world.change("Contract", sold.record, SBQQ__RenewalQuoted__c=True)
    first(world, "SBQQ__Quote__c", "SBQQ__Type__c = 'Renewal'")
    order = await won(cpq_crm, sold, renewal)
    assert isinstance(order, RenewalOrder)
    assert (order.decision, order.term_months) == (RenewalDecision.ACCEPT, 12)
    (seats,) = order.lines
    assert told(seats) == (LineAction.PRICE, sold.contract.lines[0].line_key, Decimal(50))
    assert seats.unit_price == UnitPrice.of(270, "USD")


async def test_without_a_contract_of_cpqs_own_the_flag_goes_on_our_record(
    cpq_crm: SalesforceCrm, world: CrmWorld
) -> None:
    """With its end, without which the package forecasts nothing."""
    account = world.account("Harborline Logistics LLC")
    deal = world.deal(account)
    contract = contract_of(deal, account, "00k000000000001AAA")
    write = command_for(deal, account, contract=contract, forecast_renewal=True)
    assert isinstance(await cpq_crm.record_contract(write, idempotency_key="k"), Done)
    (row,) = world.query("SELECT EndDate, SBQQ__RenewalForecast__c FROM Contract")
    assert (row["EndDate"], row["SBQQ__RenewalForecast__c"]) == ("2026-12-31", True)
    first(world, "Opportunity", "SBQQ__Renewal__c = true")
