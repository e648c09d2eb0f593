"""Salesforce simulator: webhooks, outbound messages, and a world that survives a restart."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from defusedxml import ElementTree
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig

Until = Callable[[Callable[[], bool]], None]

ORG_ID = "00D5i0000000001EAA"
OLD_SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


class Bridge:
    """Takes webhooks and outbound messages."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.messages: list[tuple[str, dict[str, Any]]] = []
        self.envelopes: list[bytes] = []
        self.ack = "true"

    def app(self) -> Starlette:
        async def webhook(request: Request) -> Response:
            body = await request.body()
            Webhook(SECRET).verify(body, dict(request.headers))
            self.messages.append((request.headers["webhook-id"], json.loads(body)))
            return Response(status_code=self.statuses.pop(0) if self.statuses else 200)

        async def soap(request: Request) -> Response:
            self.envelopes.append(await request.body())
            return Response(
                '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
                "<soapenv:Body><notificationsResponse"
                ' xmlns="http://soap.sforce.com/2005/09/outbound">'
                f"<Ack>{self.ack}</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>",
                media_type="text/xml",
            )

        return Starlette(
            routes=[
                Route("/webhooks/salesforce/{org}", webhook, methods=["POST"]),
                Route("/soap", soap, methods=["POST"]),
            ]
        )


@pytest.fixture
def bridge() -> Bridge:
    return Bridge()


@pytest.fixture
def wired(serve: Any, serve_org: Any, bridge: Bridge) -> Any:
    """An org that announces to the bridge, signing with two secrets."""
    return serve_org(
        webhook_url=f"{serve(bridge.app())}/webhooks/salesforce/{ORG_ID}",
        webhook_secrets=(OLD_SECRET, SECRET),
        webhook_back_off=(0.02,),
    )


def test_winning_a_deal_sends_one_signed_thin_webhook(
    wired: Any, bridge: Bridge, until: Until
) -> None:
    """Outbox row and webhook carry the same id; no names, no prices; saved again sends nothing."""
    deal = wired.opportunity(wired.create("Account", Name="Secretive"), Amount=5)
    path = f"/sobjects/Opportunity/{deal}"
    wired.http.patch(path, json={"StageName": "Closed Won"})
    outbox = "SELECT Dealthread_Event_Id__c, Dealthread_Delivered__c FROM Dealthread_Outbox__c"
    until(lambda: wired.query(outbox)[0]["Dealthread_Delivered__c"] is True)
    (row,) = wired.query(outbox)
    [(message_id, body)] = bridge.messages
    assert message_id == row["Dealthread_Event_Id__c"]
    assert set(body) == {"object", "recordId", "trigger", "systemModstamp", "sequence"}
    assert (body["object"], body["recordId"], body["trigger"]) == ("Opportunity", deal, "won")
    assert body["sequence"] == 1
    wired.http.patch(path, json={"Description": "still won"})
    wired.http.patch(path, json={"StageName": "Prospecting"})
    assert len(wired.query(outbox)) == 1
    wired.http.patch(path, json={"StageName": "Closed Won"})
    until(lambda: len(bridge.messages) == 2)
    assert bridge.messages[1][1]["sequence"] == 2


def test_a_webhook_not_accepted_is_sent_again_with_the_same_id(
    wired: Any, bridge: Bridge, until: Until
) -> None:
    """At least once."""
    bridge.statuses = [500, 429]
    deal = wired.opportunity(wired.create("Account", Name="A"))
    wired.http.patch(f"/sobjects/Opportunity/{deal}", json={"StageName": "Closed Won"})
    until(lambda: len(bridge.messages) == 3)
    assert len({message_id for message_id, _ in bridge.messages}) == 1


def test_a_deal_created_as_won_is_announced_too(wired: Any, bridge: Bridge, until: Until) -> None:
    """Data loaders do that."""
    wired.opportunity(wired.create("Account", Name="A"), StageName="Closed Won")
    until(lambda: len(bridge.messages) == 1)


def test_an_outbound_message_names_org_and_deals_and_waits_for_the_ack(
    serve: Any, org: Any, bridge: Bridge
) -> None:
    """One envelope for all ids, no session id; Ack false is told."""
    target = serve(bridge.app()) + "/soap"
    account = org.create("Account", Name="A")
    deals = [org.opportunity(account) for _ in range(2)]
    url = "/_sim/outbound-messages"
    first = org.outside.post(url, json={"url": target, "ids": deals}).json()
    assert first["acknowledged"] is True
    space = {
        "n": "http://soap.sforce.com/2005/09/outbound",
        "sf": "urn:sobject.enterprise.soap.sforce.com",
    }
    root = ElementTree.fromstring(bridge.envelopes[0])
    assert root.findtext(".//n:OrganizationId", namespaces=space) == ORG_ID
    assert root.findtext(".//n:SessionId", namespaces=space) == ""
    ids = [one.text for one in root.findall(".//n:Notification/n:Id", space)]
    assert ids == first["notification_ids"]
    assert all(str(one).startswith("04l") for one in ids)
    assert [one.text for one in root.findall(".//n:sObject/sf:Id", space)] == deals
    bridge.ack = "false"
    again = {"url": target, "ids": deals, "notification_ids": ids}
    assert org.outside.post(url, json=again).json()["acknowledged"] is False
    assert bridge.envelopes[1] == bridge.envelopes[0]
    assert org.outside.post(url, json={"url": target, "ids": ["x"]}).status_code == 400


def test_a_restarted_org_keeps_its_rows_and_sends_what_was_not_delivered(
    tmp_path: Path, serve: Any, serve_org: Any, bridge: Bridge, until: Until
) -> None:
    """Rows, exact amounts and id sequences survive; the outbox is drained after the restart."""
    state = tmp_path / "org.sqlite"
    server = BackgroundServer(
        create_app(
            SalesforceConfig(
                org_id=ORG_ID, client_id="client", client_secret="secret", state=str(state)
            )
        )
    )
    server.start()
    token = httpx.post(
        f"{server.url}/services/oauth2/token",
        data={
            "grant_type": "client_credentials",
            "client_id": "client",
            "client_secret": "secret",
        },
    ).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    base = f"{server.url}/services/data/v66.0/sobjects"
    deal = {
        "Name": "Deal",
        "StageName": "Closed Won",
        "CloseDate": "2026-01-01",
        "Amount": 123456789012.34,
    }
    first = httpx.post(f"{base}/Opportunity", json=deal, headers=headers).json()["id"]
    server.stop()
    assert state.exists()
    org = serve_org(
        state=str(state),
        webhook_url=f"{serve(bridge.app())}/webhooks/salesforce/{ORG_ID}",
        webhook_secrets=(SECRET,),
    )
    until(lambda: len(bridge.messages) == 1)
    assert bridge.messages[0][1]["recordId"] == first
    assert org.read("Opportunity", first)["Amount"] == 123456789012.34
    account = org.create("Account", Name="A")
    assert org.opportunity(account) not in (first, account)


def test_an_org_that_nobody_used_keeps_its_standard_price_book(
    tmp_path: Path, serve_org: Any
) -> None:
    """After a restart a new book gets an id of its own: prices can be made in both."""
    state = tmp_path / "org.sqlite"
    config = SalesforceConfig(org_id=ORG_ID, client_id="c", client_secret="s", state=str(state))
    server = BackgroundServer(create_app(config))
    server.start()
    server.stop()
    org = serve_org(state=str(state))
    book = org.create("Pricebook2", Name="Alder Cloud", IsActive=True)
    found = org.query("SELECT Id, IsStandard FROM Pricebook2")
    assert {row["Id"]: row["IsStandard"] for row in found if row["Id"] == book} == {book: False}
    assert [row["IsStandard"] for row in found].count(True) == 1


def test_the_program_serves_saves_on_sigterm_and_finds_its_world_again(
    tmp_path: Path, until: Until
) -> None:
    """`python -m dealthread.simulators.salesforce`, configured by the environment alone."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = {
        **os.environ,
        "DEALTHREAD_SIM_SF_ORG_ID": ORG_ID,
        "DEALTHREAD_SIM_SF_CLIENT_ID": "client",
        "DEALTHREAD_SIM_SF_CLIENT_SECRET": "secret",
        "DEALTHREAD_SIM_CLOCK_OFFSET_SECONDS": "86400",
        "DEALTHREAD_SIM_STATE": str(tmp_path / "state" / "org.sqlite"),
    }
    command = [sys.executable, "-m", "dealthread.simulators.salesforce", "--port", str(port)]
    url = f"http://127.0.0.1:{port}"

    def is_up() -> bool:
        try:
            return httpx.get(f"{url}/_sim/health").status_code == 200
        except httpx.TransportError:
            return False

    for expected in (0, 1):
        process = subprocess.Popen(command, env=env, cwd=Path(__file__).parents[3])
        try:
            until(is_up)
            assert httpx.get(f"{url}/_sim/clock").json()["offset_seconds"] == 86400
            form = {
                "grant_type": "client_credentials",
                "client_id": "client",
                "client_secret": "secret",
            }
            token = httpx.post(f"{url}/services/oauth2/token", data=form).json()["access_token"]
            with httpx.Client(
                base_url=f"{url}/services/data/v66.0", headers={"authorization": f"Bearer {token}"}
            ) as client:
                count = client.get("/query", params={"q": "SELECT COUNT() FROM Account"}).json()
                assert count["totalSize"] == expected
                client.post("/sobjects/Account", json={"Name": "A"})
        finally:
            process.terminate()
            process.wait(timeout=15)
