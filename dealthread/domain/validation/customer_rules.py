"""V26 V27 V28 V35 V37: who buys. Values name codes and keys, never a person or a street."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from dealthread.domain.country import COUNTRIES, EU_MEMBERS, US_REGIONS
from dealthread.domain.party import Address, ContactPurpose
from dealthread.domain.validation.rule import Assessment, Finding

# Elsewhere a postal code may not exist (Ireland had none before 2015, Hong Kong has none).
_POSTAL_CODE_NEEDED = EU_MEMBERS | {"US", "CA", "GB", "CH", "NO", "LI"}
_US_POSTAL_CODE = re.compile(r"\d{5}(-?\d{4})?")


def screening(a: Assessment) -> Iterator[Finding]:
    """V26: where policy asks, a clear and recent screening."""
    policy = a.config.policy
    if not policy.screening_required or a.deal.account is None:
        return
    result = a.deal.account.screening
    if result is None:
        yield Finding("account.screening", "", "the party was not screened")
    elif result.result != "clear":
        yield Finding("account.screening.result", result.result, "the screening is not clear")
    elif result.at < a.today - timedelta(days=policy.screening_max_age_days):
        yield Finding(
            "account.screening.at",
            result.at.isoformat(),
            f"older than {policy.screening_max_age_days} days",
        )


def parties_resolved(a: Assessment) -> Iterator[Finding]:
    """V27: buyer, bill-to and ship-to known; addresses complete for their jurisdiction."""
    account = a.deal.account
    if account is None:
        yield Finding("account", "", "the deal has no account")
        return
    if not account.legal_name.strip():
        yield Finding("account.legal_name", "", "the legal name is missing")
    yield from _address("account.billing_address", account.billing_address)
    if account.ship_to() is not account.billing_address:
        yield from _address("account.shipping_address", account.ship_to())


def _address(path: str, address: Address) -> Iterator[Finding]:
    country = address.country
    if country not in COUNTRIES:
        yield Finding(f"{path}.country", country[:3], "an ISO country code is needed, as DE")
        return
    for name in ("street", "city"):
        if not getattr(address, name).strip():
            yield Finding(f"{path}.{name}", "", "missing")
    if not address.postal_code.strip():
        if country in _POSTAL_CODE_NEEDED:
            yield Finding(f"{path}.postal_code", "", "missing")
    elif country == "US" and not _US_POSTAL_CODE.fullmatch(address.postal_code.strip()):
        yield Finding(f"{path}.postal_code", "not a ZIP code", "use 78701 or 78701-0001")
    if country == "US" and address.region not in US_REGIONS:
        value = "not a state code" if address.region else ""
        yield Finding(f"{path}.region", value, "the state decides the tax: two capitals, as TX")


def billing_contact(a: Assessment) -> Iterator[Finding]:
    """V28: somebody receives the invoice, and in which language is known."""
    account = a.deal.account
    if account is None:
        return
    payables = [c for c in account.contacts if c.purpose is ContactPurpose.ACCOUNTS_PAYABLE]
    if not payables:
        yield Finding("account.contacts", "", "no accounts-payable contact")
        return
    contact = next((c for c in payables if c.name.strip() and "@" in c.email), None)
    if contact is None:
        yield Finding(
            "account.contacts",
            payables[0].ref.native_id,
            "name or e-mail of the contact is missing",
        )
    elif not (contact.language or account.language):
        yield Finding("account.language", "", "the language of invoice and reminder is missing")


def hierarchy(a: Assessment) -> Iterator[Finding]:
    """V35: every parent up to the root is known, and nobody is their own ancestor."""
    account = a.deal.account
    if account is None:
        return
    seen = {account.key}
    expected = account.parent_key
    for parent in a.deal.parents:
        if parent.key in seen:
            yield Finding("account.parent", parent.key, "the hierarchy goes round in a circle")
            return
        if parent.key != expected:
            yield Finding("account.parent", expected or parent.key, "not the next parent up")
            return
        seen.add(parent.key)
        expected = parent.parent_key
    if expected is not None:
        word = "the hierarchy goes round in a circle" if expected in seen else "parent not found"
        yield Finding("account.parent", expected, word)


def buyer_type(a: Assessment) -> Iterator[Finding]:
    """V37: business, consumer or public body: different laws of notice and of tax."""
    if a.deal.account is not None and a.deal.account.buyer_type is None:
        yield Finding("account.buyer_type", "", "say business, consumer or public")
