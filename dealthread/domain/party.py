"""Customers: organisations and the people at them."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Entity, Ref
from dealthread.domain.money import CurrencyCode, Money


class BuyerType(StrEnum):
    """Decides which law of notices and invoices applies."""

    BUSINESS = "business"
    CONSUMER = "consumer"
    PUBLIC = "public"


class ContactPurpose(StrEnum):
    ACCOUNTS_PAYABLE = "accounts_payable"
    SIGNATORY = "signatory"
    ADMIN = "admin"


class Address(Carried):
    """A postal address. `country` is ISO 3166-1 alpha-2; `region` is the state where one exists."""

    street: str = ""
    city: str = ""
    region: str = ""
    postal_code: str = ""
    country: str = ""


class TaxId(Carried):
    """A tax identifier and the proof of its last check."""

    scheme: str
    """eu_vat, gb_vat, us_ein …"""
    number: str
    checked_at: AwareDatetime | None = None
    result: str = "unchecked"


class Exemption(Carried):
    """A tax exemption certificate; `until` is the first day it no longer covers."""

    jurisdiction: str
    certificate: str
    since: date | None = None
    until: date | None = None


class Contact(Carried):
    """A person at a customer. Personal data: encrypted payloads and the owner system only."""

    ref: Ref
    purpose: ContactPurpose
    name: str
    email: str = ""
    language: str = ""


class Screening(Carried):
    """Sanctions screening as the CRM's compliance tool recorded it."""

    result: str
    at: date


class Party(Entity):
    """An organisation that buys. `parent_key` is the commercial parent, owned by the CRM."""

    ref: Ref
    legal_name: str
    trade_name: str = ""
    registration_no: str = ""
    website: str = ""
    parent_key: str | None = None
    buyer_type: BuyerType | None = None
    language: str = ""
    billing_address: Address = Address()
    shipping_address: Address | None = None
    tax_ids: tuple[TaxId, ...] = ()
    exemptions: tuple[Exemption, ...] = ()
    po_required: bool = False
    screening: Screening | None = None
    contacts: tuple[Contact, ...] = ()

    def payable(self) -> Contact | None:
        """The contact that invoices go to."""
        purpose = ContactPurpose.ACCOUNTS_PAYABLE
        return next((one for one in self.contacts if one.purpose is purpose), None)

    def invoice_email(self) -> str:
        """Where invoices go; "" where nothing is known. Personal: never logged, never in an id."""
        payable = self.payable()
        return payable.email if payable else ""

    def ship_to(self) -> Address:
        """Place of use: the shipping address, else the billing address."""
        if self.shipping_address is not None and self.shipping_address.country:
            return self.shipping_address
        return self.billing_address


class BuyerSnapshot(Carried):
    """Who bought, as an issued document says it: master data that changes afterwards changes no
    document (facts/domain.md §7.1). Personal where a person buys: encrypted payloads and the owner
    systems only."""

    name: str
    address: Address = Address()
    ship_to: Address | None = None
    """None where it is not another one."""
    tax_ids: tuple[TaxId, ...] = ()


class PartyAtSeller(Entity):
    """Customer data that is kept per legal entity and currency."""

    party_key: str
    seller: str
    currency: CurrencyCode
    payment_terms: str
    credit_limit: Money | None = None
    credit_stop: bool = False
    billing_customer: Ref | None = None
    erp_customer: Ref | None = None
