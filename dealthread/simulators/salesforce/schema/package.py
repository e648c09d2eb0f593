"""The objects of our own package."""

from __future__ import annotations

from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import (
    calculated,
    checkbox,
    date,
    key,
    money,
    number,
    picklist,
    reference,
    sobject,
    text,
)
from dealthread.simulators.salesforce.schema.model import SObject


def outbox(currencies: Currencies) -> SObject:
    """What is to be announced: one row per event."""
    return sobject(
        "Dealthread_Outbox__c",
        "a00",
        [
            calculated(text("Name", 80, auto_number="OB-{:06d}")),
            text("Dealthread_Record_Id__c", 18, indexed=True),
            text("Dealthread_Object__c", 80),
            text("Dealthread_Event_Id__c", 36, unique=True, external_id=True),
            picklist("Dealthread_Trigger__c", "won", "lost", "quote_accepted", "order_activated"),
            checkbox("Dealthread_Delivered__c"),
            *currencies.own(),
        ],
        owner=True,
    )


def invoice(currencies: Currencies) -> SObject:
    """An invoice of the billing system, shown to sellers."""
    return sobject(
        "Dealthread_Invoice__c",
        "a01",
        [
            calculated(text("Name", 80, auto_number="INV-{:06d}")),
            key("Dealthread_Invoice_Id__c", 80),
            text("Dealthread_Number__c", 80),
            reference("Dealthread_Account__c", "Account", children="Dealthread_Invoices__r"),
            reference("Dealthread_Contract__c", "Contract", children="Dealthread_Invoices__r"),
            picklist("Dealthread_Status__c", "draft", "open", "paid", "void", "uncollectible"),
            money("Dealthread_Total__c"),
            money("Dealthread_Amount_Due__c"),
            money("Dealthread_Amount_Paid__c"),
            date("Dealthread_Issued_On__c"),
            date("Dealthread_Due_On__c"),
            date("Dealthread_Paid_On__c"),
            text("Dealthread_Document_Id__c", 40),
            picklist(
                "Dealthread_Collections__c",
                "open",
                "paused",
                "with_person",
                "handed_over",
                "written_off",
                "paid",
                "credited",
                "voided",
                "stopped",
                "disputed",
                "dispute_won",
                "dispute_lost",
            ),
            number("Dealthread_Collections_Stage__c", 3, 0),
            checkbox("Dealthread_Suspended__c"),
            date("Dealthread_Promised_Until__c"),
            *currencies.own(),
        ],
        owner=True,
    )


def credit_note(currencies: Currencies) -> SObject:
    """A credit note of the billing system, shown to sellers under the invoice that it corrects."""
    mine = {"children": "Dealthread_Credit_Notes__r"}
    return sobject(
        "Dealthread_Credit_Note__c",
        "a02",
        [
            calculated(text("Name", 80, auto_number="CRN-{:06d}")),
            key("Dealthread_Credit_Note_Id__c", 80),
            text("Dealthread_Number__c", 80),
            reference("Dealthread_Invoice__c", "Dealthread_Invoice__c", **mine),
            reference("Dealthread_Account__c", "Account", **mine),
            reference("Dealthread_Contract__c", "Contract", **mine),
            picklist("Dealthread_Status__c", "issued", "void"),
            money("Dealthread_Total__c"),
            text("Dealthread_Reason__c", 80),
            date("Dealthread_Issued_On__c"),
            date("Dealthread_Voided_On__c"),
            *currencies.own(),
        ],
        owner=True,
    )
