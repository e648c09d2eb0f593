"""What differs between a customer's record and what it is to be, in the fakes."""

from __future__ import annotations

from dealthread.domain.customer_field import CustomerField
from dealthread.domain.party import Party

Told = tuple[Party, str | None, str]
"""Party, key of the parent, payment terms ("" at a biller)."""


def differing(before: Told | None, after: Told) -> frozenset[CustomerField]:
    """None before: of a record that nobody described there is nothing to compare."""
    if before is None:
        return frozenset()
    was, now = _fields(before), _fields(after)
    return frozenset(name for name in now if was[name] != now[name])


def _fields(told: Told) -> dict[CustomerField, object]:
    party, parent, terms = told
    payable = party.payable()
    return {
        CustomerField.LEGAL_NAME: party.legal_name,
        CustomerField.HIERARCHY: parent,
        CustomerField.BILL_TO: party.billing_address,
        CustomerField.BILLING_CONTACT: (party.invoice_email(), payable and payable.language),
        CustomerField.TAX_IDENTIFIER: {(one.scheme, one.number) for one in party.tax_ids},
        CustomerField.PAYMENT_TERMS: terms,
    }
