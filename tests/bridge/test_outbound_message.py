"""SN-2: a SOAP outbound message is acknowledged when every notification is stored, not before."""

from __future__ import annotations

import json

import httpx
import pytest

from dealthread.naming import salesforce_id_18
from tests.bridge.caller import ORG, OUTBOUND_TOKEN, Bridge

pytestmark = pytest.mark.postgres


def notification(number: int) -> str:
    return (
        f"<Notification><Id>{salesforce_id_18(f'04l{number:0>12}')}</Id>"
        '<sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{salesforce_id_18(f'006{number:0>12}')}</sf:Id></sObject></Notification>"
    )


def envelope(*notifications: str, org: str = ORG, before: str = "") -> bytes:
    """The message of Salesforce's WSDL for outbound messages."""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{org}</OrganizationId><ActionId>04k000000000001AAA</ActionId>"
        '<SessionId xsi:nil="true"/>'
        + "".join(notifications)
        + "</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


async def post(
    bridge: Bridge, body: bytes, *, org: str = ORG, token: str = OUTBOUND_TOKEN
) -> httpx.Response:
    return await bridge.http.post(
        f"/webhooks/salesforce/{org}/outbound-message/{token}",
        content=body,
        headers={"content-type": "text/xml; charset=utf-8"},
    )


async def test_a_hundred_notifications_are_a_hundred_rows_and_one_acknowledgement(
    bridge: Bridge,
) -> None:
    body = envelope(*(notification(number) for number in range(1, 101)))
    answer = await post(bridge, body)
    assert answer.status_code == 200
    assert "<Ack>true</Ack>" in answer.text
    rows = await bridge.rows()
    assert len(rows) == 100
    assert json.loads(rows[0].body) == {
        "object": "Opportunity",
        "recordId": salesforce_id_18("006000000000001"),
        "trigger": "won",
    }
    assert {row.state for row in rows} == {"new"}


async def test_a_message_sent_again_is_acknowledged_again_and_adds_only_what_is_new(
    bridge: Bridge,
) -> None:
    assert (await post(bridge, envelope(notification(1)))).status_code == 200
    answer = await post(bridge, envelope(notification(1), notification(2)))
    assert "<Ack>true</Ack>" in answer.text
    assert len(await bridge.rows()) == 2


async def test_more_than_a_hundred_or_none_is_not_a_message(bridge: Bridge) -> None:
    for count in (0, 101):
        answer = await post(bridge, envelope(*(notification(n) for n in range(1, count + 1))))
        assert (answer.status_code, answer.json()["field"]) == (400, "Notification")
    assert await bridge.rows() == []


async def test_one_unreadable_notification_stores_none_of_them(bridge: Bridge) -> None:
    answer = await post(
        bridge, envelope(notification(1), "<Notification><Id>x</Id></Notification>")
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "Notification/Id")
    assert await bridge.rows() == []


async def test_token_path_and_organisation_must_all_be_right_and_refusals_look_alike(
    bridge: Bridge,
) -> None:
    body = envelope(notification(1))
    other = "00D000000000002EAA"
    answers = [
        await post(bridge, body, token="wrong"),
        await post(bridge, body, token="é"),
        await post(bridge, body, org=other),
        await post(bridge, envelope(notification(1), org=other)),
        await post(bridge, b"not xml", token="wrong"),
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert await bridge.rows() == []


async def test_the_fifteen_character_organisation_id_is_the_same_organisation(
    bridge: Bridge,
) -> None:
    assert (await post(bridge, envelope(notification(1), org=ORG[:15]))).status_code == 200


BOMB = (
    '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not xml",
        b"<a/>",
        b"<a" * 1000,
        b"<a>" * 100_000,
        b"<?xml version='1.0' encoding='utf-99'?><a/>",
        envelope(notification(1), before="<!DOCTYPE x>"),
        envelope(notification(1), before=BOMB),
        envelope(notification(1), before='<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
        envelope(notification(1), before='<!DOCTYPE x SYSTEM "http://127.0.0.1/x.dtd">'),
        envelope(notification(1)).replace(b"soap/envelope/", b"soap/other/"),
        envelope(notification(1)).replace(b"2005/09/outbound", b"2004/09/outbound"),
        envelope(notification(1)).replace(b"</sf:Id>", b"x</sf:Id>"),
        envelope(notification(1))[:-20],
    ],
)
async def test_what_is_not_an_outbound_message_is_refused(bridge: Bridge, body: bytes) -> None:
    """SC-01: no document type, no entity, nothing fetched, nothing expanded."""
    answer = await post(bridge, body)
    assert answer.status_code == 400
    assert answer.json()["field"]
    assert await bridge.rows() == []


async def test_json_is_not_soap(bridge: Bridge) -> None:
    answer = await bridge.http.post(
        f"/webhooks/salesforce/{ORG}/outbound-message/{OUTBOUND_TOKEN}", json={}
    )
    assert answer.status_code == 415


async def test_a_large_message_is_refused(bridge: Bridge) -> None:
    assert (await post(bridge, b" " * (1024 * 1024 + 1))).status_code == 413
