"""Sends a SOAP outbound message, as a flow would: one envelope with up to 100 notifications.

Shape: SOAP API Developer Guide, "Outbound Messaging"; session ids are no longer sent.
"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape

import httpx
from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealthread.simulators.salesforce.ids import make_id
from dealthread.simulators.salesforce.jsonio import NotJson, loads
from dealthread.simulators.salesforce.org import Org
from dealthread.simulators.salesforce.store import INSTANCE

MAX_NOTIFICATIONS = 100
TIMEOUT_SECONDS = 60.0
_NAMESPACE = "http://soap.sforce.com/2005/09/outbound"


def outbound_message_route(org: Org) -> Route:
    """`POST /_sim/outbound-messages {"url", "ids"[, "notification_ids"]}`."""

    async def send(request: Request) -> Response:
        try:
            body = loads(await request.body())
            url, record_ids, notification_ids = _wanted(org, body)
        except (NotJson, ValueError) as exc:
            return JSONResponse({"error": str(exc)}, status_code=400)
        envelope = envelope_of(org, list(zip(notification_ids, record_ids, strict=True)))
        headers = {"content-type": "text/xml; charset=utf-8", "soapaction": '""'}
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            try:
                answer = await client.post(url, content=envelope, headers=headers)
            except httpx.HTTPError as exc:
                return JSONResponse(
                    {
                        "acknowledged": False,
                        "status": None,
                        "error": f"{type(exc).__name__}: {exc}",
                        "notification_ids": notification_ids,
                    }
                )
        return JSONResponse(
            {
                "acknowledged": answer.is_success and is_acknowledged(answer.content),
                "status": answer.status_code,
                "notification_ids": notification_ids,
            }
        )

    return Route("/_sim/outbound-messages", send, methods=["POST"])


def envelope_of(org: Org, notifications: list[tuple[str, str]]) -> bytes:
    """The envelope for (notification id, opportunity id) pairs."""
    action_id = make_id("04k", INSTANCE, 1)
    entries = "".join(
        "<Notification>"
        f"<Id>{escape(notification_id)}</Id>"
        '<sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{escape(record_id)}</sf:Id>"
        "</sObject>"
        "</Notification>"
        for notification_id, record_id in notifications
    )
    host = f"https://{org.config.org_id.lower()}.my.salesforce.example"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<soapenv:Body>"
        f'<notifications xmlns="{_NAMESPACE}">'
        f"<OrganizationId>{org.config.org_id}</OrganizationId>"
        f"<ActionId>{action_id}</ActionId>"
        '<SessionId xsi:nil="true"/>'
        f"<EnterpriseUrl>{host}/services/Soap/c/66.0/{org.config.org_id[:15]}</EnterpriseUrl>"
        f"<PartnerUrl>{host}/services/Soap/u/66.0/{org.config.org_id[:15]}</PartnerUrl>"
        f"{entries}"
        "</notifications>"
        "</soapenv:Body>"
        "</soapenv:Envelope>"
    )
    return text.encode()


def is_acknowledged(content: bytes) -> bool:
    """Whether a SOAP answer says `<Ack>true</Ack>`."""
    try:
        root = ElementTree.fromstring(content)
    except (ElementTree.ParseError, DefusedXmlException):
        return False
    ack = root.find(f".//{{{_NAMESPACE}}}Ack")
    return ack is not None and (ack.text or "").strip() == "true"


def _wanted(org: Org, body: Any) -> tuple[str, list[str], list[str]]:
    if not isinstance(body, dict) or set(body) - {"url", "ids", "notification_ids"}:
        raise ValueError("say url, ids and perhaps notification_ids")
    url, record_ids = body.get("url"), body.get("ids")
    if not isinstance(url, str) or not isinstance(record_ids, list) or not record_ids:
        raise ValueError("url and a list of ids are needed")
    if len(record_ids) > MAX_NOTIFICATIONS:
        raise ValueError(f"an outbound message has at most {MAX_NOTIFICATIONS} notifications")
    for record_id in record_ids:
        if org.store.live("Opportunity", record_id) is None:
            raise ValueError(f"there is no opportunity {record_id}")
    repeated = body.get("notification_ids")
    if repeated is None:
        numbers = [org.store.next_number("notification") for _ in record_ids]
        return url, record_ids, [make_id("04l", INSTANCE, number) for number in numbers]
    if not isinstance(repeated, list) or len(repeated) != len(record_ids):
        raise ValueError("notification_ids must be as many as ids")
    return url, record_ids, [str(one) for one in repeated]
