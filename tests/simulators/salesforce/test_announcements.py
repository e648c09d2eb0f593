"""Salesforce simulator: what an org announces, and that it insists until it is heard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.messages.outbox import Trigger
from tests.simulators.conftest import ORG_ID, SimulatedOrg
from tests.simulators.salesforce.cpq import open_cpq_shop
from tests.simulators.salesforce.sales import open_shop, patch
from tests.simulators.salesforce.test_messages import SECRET, Bridge

Until = Callable[[Callable[[], bool]], None]
OUTBOX = "SELECT Dealthread_Trigger__c, Dealthread_Delivered__c FROM Dealthread_Outbox__c"


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


def wired(address: str, *triggers: Trigger, **more: Any) -> dict[str, Any]:
    """Configuration of an org that announces to this address."""
    return {
        "announce": triggers,
        "webhook_url": f"{address}/webhooks/salesforce/{ORG_ID}",
        "webhook_secrets": (SECRET,),
        "webhook_back_off": (0.02,),
        **more,
    }


def told(bridge: Bridge) -> list[tuple[str, str, str]]:
    """(object, record, trigger) of each message."""
    return [(body["object"], body["recordId"], body["trigger"]) for _, body in bridge.messages]


def test_an_activated_order_is_announced_each_time(
    serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Not its creation, not other changes; a won deal is not, since the org is told so."""
    shop = open_shop(serve_org(**wired(serve(bridge.app()), Trigger.ORDER_ACTIVATED)))
    shop.deal(StageName="Closed Won")
    order = shop.order()
    shop.item(order)
    patch(shop.org, "Order", order, Status="Activated")
    until(lambda: told(bridge) == [("Order", order, "order_activated")])
    patch(shop.org, "Order", order, Description="still active")
    patch(shop.org, "Order", order, Status="Draft")
    patch(shop.org, "Order", order, Status="Activated")
    until(lambda: len(bridge.messages) == 2)
    until(lambda: all(row["Dealthread_Delivered__c"] for row in shop.org.query(OUTBOX)))


def test_an_accepted_primary_quote_is_announced_once_both_hold(
    serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Accepted without being primary says nothing; whichever comes second tells."""
    config = wired(serve(bridge.app()), Trigger.QUOTE_ACCEPTED)
    cpq = open_cpq_shop(serve_org, until, **config)
    first, second = cpq.quote(), cpq.quote()
    patch(cpq.org, "SBQQ__Quote__c", first, SBQQ__Status__c="Accepted")
    patch(cpq.org, "SBQQ__Quote__c", second, SBQQ__Primary__c=True)
    assert cpq.org.query(OUTBOX) == []
    patch(cpq.org, "SBQQ__Quote__c", first, SBQQ__Primary__c=True)
    patch(cpq.org, "SBQQ__Quote__c", second, SBQQ__Status__c="Accepted")
    until(lambda: len(bridge.messages) == 2)
    assert sorted(told(bridge)) == sorted(
        ("SBQQ__Quote__c", quote, "quote_accepted") for quote in (first, second)
    )


def test_several_triggers_share_one_outbox(
    serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Numbered in the order in which they happened."""
    config = wired(serve(bridge.app()), Trigger.WON, Trigger.ORDER_ACTIVATED)
    shop = open_shop(serve_org(**config))
    deal = shop.deal(StageName="Closed Won")
    order = shop.order()
    shop.item(order)
    patch(shop.org, "Order", order, Status="Activated")
    until(lambda: len(bridge.messages) == 2)
    numbered = {body["sequence"]: body["recordId"] for _, body in bridge.messages}
    assert numbered == {1: deal, 2: order}


def test_an_outbound_message_is_sent_until_it_is_acknowledged(
    serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Ack false is no acknowledgement; the notification keeps its id; then the row is ticked."""
    bridge.ack = "false"
    address = serve(bridge.app())
    org = serve_org(outbound_message_url=f"{address}/soap", webhook_back_off=(0.02,))
    deal = org.opportunity(org.create("Account", Name="A"), StageName="Closed Won")
    until(lambda: len(bridge.envelopes) >= 3)
    assert len(set(bridge.envelopes)) == 1
    assert deal.encode() in bridge.envelopes[0]
    assert b'xsi:type="sf:Opportunity"' in bridge.envelopes[0]
    assert org.query(OUTBOX)[0]["Dealthread_Delivered__c"] is False
    bridge.ack = "true"
    until(lambda: org.query(OUTBOX)[0]["Dealthread_Delivered__c"] is True)


def test_a_row_is_ticked_off_when_both_channels_have_accepted_it(
    serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Webhook accepted, message not acknowledged: undelivered."""
    bridge.ack = "false"
    address = serve(bridge.app())
    org = serve_org(**wired(address, Trigger.WON, outbound_message_url=f"{address}/soap"))
    org.opportunity(org.create("Account", Name="A"), StageName="Closed Won")
    until(lambda: len(bridge.messages) == 1 and len(bridge.envelopes) >= 2)
    assert org.query(OUTBOX)[0]["Dealthread_Delivered__c"] is False
    bridge.ack = "true"
    until(lambda: org.query(OUTBOX)[0]["Dealthread_Delivered__c"] is True)


def test_what_nobody_acknowledged_is_sent_again_after_a_restart(
    tmp_path: Path, serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """An order's activation survives the org."""
    state = str(tmp_path / "org.sqlite")
    config = SalesforceConfig(
        org_id=ORG_ID,
        client_id="client",
        client_secret="secret",
        announce=(Trigger.ORDER_ACTIVATED,),
        state=state,
    )
    server = BackgroundServer(create_app(config))
    server.start()
    org = SimulatedOrg(server.url)
    shop = open_shop(org)
    order = shop.order()
    shop.item(order)
    patch(org, "Order", order, Status="Activated")
    org.close()
    server.stop()
    serve_org(**wired(serve(bridge.app()), Trigger.ORDER_ACTIVATED, state=state))
    until(lambda: told(bridge) == [("Order", order, "order_activated")])


def test_an_outbound_message_may_be_about_rows_of_any_one_object(
    serve: Any, org: Any, bridge: Bridge
) -> None:
    """On request, too; rows of two objects do not share a message."""
    target = serve(bridge.app()) + "/soap"
    shop = open_shop(org)
    orders = [shop.order(), shop.order()]

    def send(ids: list[str]) -> httpx.Response:
        body = {"url": target, "ids": ids}
        answer: httpx.Response = org.outside.post("/_sim/outbound-messages", json=body)
        return answer

    assert send(orders).json()["acknowledged"] is True
    assert b'xsi:type="sf:Order"' in bridge.envelopes[0]
    assert send([orders[0], shop.account]).status_code == 400


def test_accepted_quotes_are_announced_only_where_there_is_cpq() -> None:
    """And the work of CPQ takes no negative time."""
    good: dict[str, Any] = {"org_id": ORG_ID, "client_id": "c", "client_secret": "s"}
    with pytest.raises(ValueError, match="CPQ"):
        SalesforceConfig(**good, announce=(Trigger.QUOTE_ACCEPTED,))
    with pytest.raises(ValueError, match="CPQ"):
        SalesforceConfig(**good, cpq=True, cpq_delay=timedelta(seconds=-1))
    with pytest.raises(ValueError, match="CPQ"):
        SalesforceConfig(**good, cpq_orders_won_deals=True)


def test_the_environment_says_what_is_installed_and_announced() -> None:
    """As the program reads it."""
    config = SalesforceConfig.from_env(
        {
            "DEALTHREAD_SIM_SF_ORG_ID": ORG_ID,
            "DEALTHREAD_SIM_SF_CLIENT_ID": "c",
            "DEALTHREAD_SIM_SF_CLIENT_SECRET": "s",
            "DEALTHREAD_SIM_SF_CPQ": "yes",
            "DEALTHREAD_SIM_SF_CPQ_DELAY_SECONDS": "30",
            "DEALTHREAD_SIM_SF_ANNOUNCE": "won quote_accepted",
            "DEALTHREAD_SIM_SF_MULTICURRENCY": "no",
            "DEALTHREAD_SIM_SF_OUTBOUND_MESSAGE_URL": "http://127.0.0.1:1/soap",
        }
    )
    assert config.announce == (Trigger.WON, Trigger.QUOTE_ACCEPTED)
    assert (config.cpq, config.cpq_delay) == (True, timedelta(seconds=30))
    assert (config.multicurrency, config.outbound_message_url) == (False, "http://127.0.0.1:1/soap")


def test_a_won_amendment_tells_its_kind_and_the_contract_it_changes(
    serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """The contract's key of ours, by the standard look-up; a new deal has neither."""
    address = serve(bridge.app())
    org = serve_org(**wired(address, Trigger.WON, outbound_message_url=f"{address}/soap"))
    account = org.create("Account", Name="A")
    contract = org.create("Contract", AccountId=account, Dealthread_Contract_Key__c="C-1")
    asked = {"Dealthread_Kind__c": "amendment", "ContractId": contract}
    deal = org.opportunity(account, StageName="Closed Won", **asked)
    new = org.opportunity(account, StageName="Closed Won")
    until(lambda: len(bridge.messages) == 2 and len(bridge.envelopes) == 2)
    by_record = {body["recordId"]: body for _, body in bridge.messages}
    assert (by_record[deal]["kind"], by_record[deal]["contractKey"]) == ("amendment", "C-1")
    assert not {"kind", "contractKey"} & set(by_record[new])
    (envelope,) = [one for one in bridge.envelopes if deal.encode() in one]
    assert b"<sf:Dealthread_Kind__c>amendment</sf:Dealthread_Kind__c>" in envelope
    assert b"<sf:Dealthread_Contract_Key__c>C-1</sf:Dealthread_Contract_Key__c>" in envelope


def test_a_renewal_that_is_lost_is_announced_and_another_lost_deal_is_not(
    serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Only the renewal's end says something about a contract of ours; telling it twice does not."""
    org = serve_org(**wired(serve(bridge.app()), Trigger.WON, Trigger.LOST))
    account = org.create("Account", Name="A")
    org.opportunity(account, StageName="Closed Lost")
    renewal = org.opportunity(account, Dealthread_Kind__c="renewal")
    patch(org, "Opportunity", renewal, StageName="Closed Lost")
    patch(org, "Opportunity", renewal, Description="a price too high")
    until(lambda: told(bridge) == [("Opportunity", renewal, "lost")])
    assert bridge.messages[0][1]["kind"] == "renewal"
    assert len(org.query(OUTBOX)) == 1
