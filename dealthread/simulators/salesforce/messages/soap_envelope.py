"""The envelope of an outbound message and its acknowledgement.

Shape: SOAP API Developer Guide, "Outbound Messaging"; session ids are no longer sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.sax.saxutils import escape

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from dealthread.simulators.salesforce.ids import make_id
from dealthread.simulators.salesforce.store import INSTANCE, Store

HEADERS = {"soapaction": '""'}
CONTENT_TYPE = "text/xml; charset=utf-8"
_NAMESPACE = "http://soap.sforce.com/2005/09/outbound"


def envelope_of(
    org_id: str,
    sobject: str,
    notifications: list[tuple[str, str]],
    fields: Mapping[str, str] | None = None,
) -> bytes:
    """The envelope for (notification id, record id) pairs of one object.

    `fields` are those besides the id that the administrator selected, the same for each.
    """
    more = "".join(
        f"<sf:{field}>{escape(value)}</sf:{field}>" for field, value in (fields or {}).items()
    )
    action_id = make_id("04k", INSTANCE, 1)
    entries = "".join(
        "<Notification>"
        f"<Id>{escape(notification_id)}</Id>"
        f'<sObject xsi:type="sf:{sobject}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{escape(record_id)}</sf:Id>{more}"
        "</sObject>"
        "</Notification>"
        for notification_id, record_id in notifications
    )
    host = f"https://{org_id.lower()}.my.salesforce.example"
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"'
        ' xmlns:xsd="http://www.w3.org/2001/XMLSchema"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        "<soapenv:Body>"
        f'<notifications xmlns="{_NAMESPACE}">'
        f"<OrganizationId>{org_id}</OrganizationId>"
        f"<ActionId>{action_id}</ActionId>"
        '<SessionId xsi:nil="true"/>'
        f"<EnterpriseUrl>{host}/services/Soap/c/66.0/{org_id[:15]}</EnterpriseUrl>"
        f"<PartnerUrl>{host}/services/Soap/u/66.0/{org_id[:15]}</PartnerUrl>"
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


def new_notification_id(store: Store) -> str:
    """The id of one notification; a message sent again keeps it."""
    return make_id("04l", INSTANCE, store.next_number("notification"))
