"""Salesforce records → a canonical deal. Pure.

Salesforce users enter the last day; a canonical end is the first day not covered. Numbers stay
exact and lose trailing zeros, so that the same content hashes alike whenever it is read.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

from pydantic import ValidationError

from adapters.salesforce.read_deal import PARENTS, DealRecords
from adapters.salesforce.record import Record, drift
from dealthread.domain.base import Provenance, Ref, System
from dealthread.domain.deal import (
    BillingFrequency,
    BillingTiming,
    CollectionMethod,
    Deal,
    DealKind,
    DealLine,
    TermKind,
)
from dealthread.domain.money import EXPONENTS, UnitPrice
from dealthread.domain.party import (
    Address,
    BuyerType,
    Contact,
    ContactPurpose,
    Exemption,
    Party,
    Screening,
    TaxId,
)
from dealthread.naming import customer_key, line_key

MAPPING_VERSION = "1"


def exclusive(last_day: date | None) -> date | None:
    """First day not covered."""
    return None if last_day is None else last_day + timedelta(days=1)


def inclusive(end: date | None) -> date | None:
    """Last day covered."""
    return None if end is None else end - timedelta(days=1)


def to_deal(records: DealRecords, org: str, seen_at: datetime) -> Deal:
    """Raises ContractDrift naming the field whose shape is not known."""
    row = records.deal
    deal_id = row.key("Id")
    currency = _currency(row)
    account = row.related("Account")
    ref = opportunity_ref(org, deal_id)
    waived = row.text("Dealthread_Waived_Rules__c")
    return Deal(
        key=deal_id,
        org=org,
        deal_id=deal_id,
        ref=ref,
        provenance=Provenance(source=ref, seen_at=seen_at, mapping_version=MAPPING_VERSION),
        kind=row.choice("Dealthread_Kind__c", DealKind) or DealKind.NEW,
        is_won=row.flag("IsWon"),
        is_deleted=row.flag("IsDeleted"),
        closed_on=row.day("CloseDate"),
        signed_on=row.day("Dealthread_Signed_On__c"),
        signed_document=row.text("Dealthread_Signed_Document__c"),
        price_date=row.day("Dealthread_Price_Date__c"),
        currency=currency,
        price_book_currency=_price_book_currency(records.lines, currency),
        seller_hint=row.text("Dealthread_Seller__c"),
        account=_party(account, org, records.contacts) if account else None,
        parents=_parents(account, org),
        start_date=row.day("Dealthread_Term_Start__c"),
        end_date=exclusive(row.day("Dealthread_Term_End__c")),
        term_kind=row.choice("Dealthread_Term_Kind__c", TermKind),
        term_months=row.whole("Dealthread_Term_Months__c"),
        provisioned_cancellable=row.flag("Dealthread_Cancellable__c"),
        billing_frequency=row.choice("Dealthread_Billing_Frequency__c", BillingFrequency),
        billing_timing=row.choice("Dealthread_Billing_Timing__c", BillingTiming)
        or BillingTiming.ADVANCE,
        payment_terms=row.text("Dealthread_Payment_Terms__c"),
        collection_method=row.choice("Dealthread_Collection_Method__c", CollectionMethod),
        po_number=row.text("Dealthread_PO_Number__c"),
        approved_discount_percent=row.number("Dealthread_Approved_Discount__c") or Decimal(0),
        auto_renew=row.flag("Dealthread_Auto_Renew__c"),
        notice_days=row.whole("Dealthread_Notice_Days__c"),
        renewal_uplift_percent=row.number("Dealthread_Renewal_Uplift__c"),
        termination_for_convenience=row.flag("Dealthread_Termination_For_Convenience__c"),
        partner=row.text("Dealthread_Partner__c"),
        owner_id=row.text("OwnerId"),
        lines=tuple(_line(line, org, currency) for line in records.lines),
        modified_at=row.instant("SystemModstamp"),
        waived_rules=tuple(rule.strip() for rule in waived.split(",") if rule.strip()),
    )


def opportunity_ref(org: str, native_id: str) -> Ref:
    """Reference to a deal."""
    return _ref(org, "opportunity", native_id)


def _ref(org: str, kind: str, native_id: str) -> Ref:
    return Ref(system=System.CRM, account=org, kind=kind, native_id=native_id)


def _currency(row: Record) -> str:
    code = row.text("CurrencyIsoCode")
    if code not in EXPONENTS:
        raise drift(row.name("CurrencyIsoCode"))
    return code


def _price_book_currency(lines: tuple[Record, ...], currency: str) -> str:
    """Of the price book entries; where they differ, one that is not the deal's."""
    entries = [line.related("PricebookEntry") for line in lines]
    found = sorted({entry.text("CurrencyIsoCode") for entry in entries if entry} - {""})
    return next((code for code in found if code != currency), found[0] if found else "")


def _line(row: Record, org: str, currency: str) -> DealLine:
    native_id = row.key("Id")
    entry = row.related("PricebookEntry")
    quantity = row.number("Quantity")
    if quantity is None:
        raise drift(row.name("Quantity"))
    price = price_of(row, "UnitPrice", currency)
    if price is None:
        raise drift(row.name("UnitPrice"))
    entry_currency = (entry.text("CurrencyIsoCode") if entry else "") or currency
    return DealLine(
        line_key=line_key(org, native_id),
        ref=_ref(org, "opportunity_line", native_id),
        product_code=row.text("ProductCode"),
        description=row.text("Description"),
        quantity=quantity,
        unit_price=price,
        list_price=price_of(row, "ListPrice", entry_currency),
        price_entry_active=entry.flag("IsActive") if entry else False,
        start_date=row.day("ServiceDate"),
        end_date=exclusive(row.day("Dealthread_End__c")),
        segment_no=row.whole("Dealthread_Segment__c"),
    )


def price_of(row: Record, field: str, currency: str) -> UnitPrice | None:
    """A unit price, or None where the field is empty."""
    amount = row.number(field)
    if amount is None:
        return None
    try:
        return UnitPrice.of(amount, currency)
    except ValidationError:
        raise drift(row.name(field)) from None


def _parents(account: Record | None, org: str) -> tuple[Party, ...]:
    found: list[Party] = []
    row = account
    for _ in range(PARENTS):
        row = row.related("Parent") if row else None
        if row is None:
            break
        found.append(_party(row, org, ()))
    return tuple(found)


def _party(row: Record, org: str, contacts: tuple[Record, ...]) -> Party:
    native_id = row.key("Id")
    parent = row.key_or_none("ParentId")
    billing = _address(row, "Billing")
    shipping = _address(row, "Shipping")
    return Party(
        key=customer_key(org, native_id),
        ref=_ref(org, "account", native_id),
        legal_name=row.text("Name"),
        registration_no=row.text("Dealthread_Registration_No__c"),
        website=row.text("Website"),
        parent_key=customer_key(org, parent) if parent else None,
        buyer_type=row.choice("Dealthread_Buyer_Type__c", BuyerType),
        language=row.text("Dealthread_Language__c"),
        billing_address=billing,
        shipping_address=shipping if shipping != Address() else None,
        tax_ids=_tax_ids(row),
        exemptions=_exemptions(row),
        po_required=row.flag("Dealthread_PO_Required__c"),
        screening=_screening(row),
        contacts=tuple(found for found in (_contact(one, org) for one in contacts) if found),
    )


def _address(row: Record, prefix: str) -> Address:
    return Address(
        street=row.text(f"{prefix}Street"),
        city=row.text(f"{prefix}City"),
        region=row.text(f"{prefix}State"),
        postal_code=row.text(f"{prefix}PostalCode"),
        country=row.text(f"{prefix}Country"),
    )


def _tax_ids(row: Record) -> tuple[TaxId, ...]:
    number = row.text("Dealthread_Tax_Id__c")
    if not number:
        return ()
    return (TaxId(scheme=row.text("Dealthread_Tax_Scheme__c"), number=number),)


def _exemptions(row: Record) -> tuple[Exemption, ...]:
    certificate = row.text("Dealthread_Exemption_Certificate__c")
    if not certificate:
        return ()
    return (
        Exemption(
            jurisdiction=row.text("Dealthread_Exemption_Jurisdiction__c"),
            certificate=certificate,
            until=exclusive(row.day("Dealthread_Exemption_Until__c")),
        ),
    )


def _screening(row: Record) -> Screening | None:
    result, at = row.text("Dealthread_Screening_Result__c"), row.day("Dealthread_Screened_On__c")
    # A result without its day proves nothing: rule V26 asks how old it is.
    return Screening(result=result, at=at) if result and at else None


def _contact(row: Record, org: str) -> Contact | None:
    purpose = row.choice("Dealthread_Purpose__c", ContactPurpose)
    if purpose is None:
        return None
    return Contact(
        ref=_ref(org, "contact", row.key("Id")),
        purpose=purpose,
        name=" ".join(part for part in (row.text("FirstName"), row.text("LastName")) if part),
        email=row.text("Email"),
        language=row.text("Dealthread_Language__c"),
    )
