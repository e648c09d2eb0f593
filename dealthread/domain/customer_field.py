"""Fields of a customer's record by the names that people and events use for them."""

from __future__ import annotations

from enum import StrEnum


class CustomerField(StrEnum):
    """Named as in the ownership table, but for `in_use`: the record was marked unused, and is
    taken up again. A field is named, its value never is."""

    LEGAL_NAME = "party_legal_name"
    HIERARCHY = "commercial_hierarchy"
    BILL_TO = "bill_to_address"
    SHIP_TO = "ship_to_address"
    BILLING_CONTACT = "billing_contact"
    """Where invoices go, and in which language."""
    TAX_IDENTIFIER = "tax_identifier"
    PAYMENT_TERMS = "payment_terms"
    CONTROL_ACCOUNT = "control_account"
    IN_USE = "in_use"
