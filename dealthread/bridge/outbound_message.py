"""Salesforce Outbound Messages: SOAP in, acknowledgement out.

The acknowledgement is for the whole message of up to 100 notifications, so it is given only when
every one of them is stored. Entities and DTDs are refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree.ElementTree import Element

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from dealthread.errors import BadInput
from dealthread.naming import is_salesforce_id, salesforce_id_18

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUTBOUND = "{http://soap.sforce.com/2005/09/outbound}"
_OBJECT = "{urn:sobject.enterprise.soap.sforce.com}"
_MOST = 100

ACKNOWLEDGED = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/">'
    '<soapenv:Body><notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound">'
    "<Ack>true</Ack></notificationsResponse></soapenv:Body></soapenv:Envelope>"
)


@dataclass(frozen=True)
class Notification:
    """One notification: the id is Salesforce's and repeats when it is sent again."""

    notification_id: str
    record_id: str
    kind: str = ""
    contract_key: str = ""


@dataclass(frozen=True)
class OutboundMessage:
    """What arrived. `org` must be checked against the address it came to."""

    org: str
    notifications: tuple[Notification, ...]


def parse(body: bytes) -> OutboundMessage:
    """Read a `notifications` envelope. Raises BadInput naming the element."""
    try:
        root = ElementTree.fromstring(body, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError):
        # LookupError: an encoding that nobody knows.
        raise BadInput(
            "not_soap", field="body", action="send a Salesforce outbound message (SOAP 1.1 XML)"
        ) from None
    holder = root.find(f"{_SOAP}Body/{_OUTBOUND}notifications")
    if holder is None:
        raise BadInput(
            "no_notifications",
            field="Envelope/Body/notifications",
            action="send a Salesforce outbound message",
        )
    org = _id(holder.findtext(f"{_OUTBOUND}OrganizationId"), "OrganizationId")
    found = []
    for item in holder.findall(f"{_OUTBOUND}Notification"):
        notification_id = _id(item.findtext(f"{_OUTBOUND}Id"), "Notification/Id")
        record = item.find(f"{_OUTBOUND}sObject")
        record_id = record.findtext(f"{_OBJECT}Id") if record is not None else None
        found.append(
            Notification(
                notification_id,
                _id(record_id, "Notification/sObject/Id"),
                kind=_field(record, "Dealthread_Kind__c"),
                contract_key=_field(record, "Dealthread_Contract_Key__c"),
            )
        )
    if not 0 < len(found) <= _MOST:
        raise BadInput(
            "notification_count",
            field="Notification",
            action=f"a message holds 1 to {_MOST} notifications",
        )
    return OutboundMessage(org, tuple(found))


def _field(record: Element | None, name: str) -> str:
    """A field that the message may leave out."""
    return (record.findtext(f"{_OBJECT}{name}") or "").strip() if record is not None else ""


def _id(value: str | None, field: str) -> str:
    if value is None or not is_salesforce_id(value.strip()):
        raise BadInput("not_a_salesforce_id", field=field, action="send an 18-character id")
    return salesforce_id_18(value.strip())
