"""Corrections that a person gives to a stopped deal, applied over what the CRM says.

They are kept beside the deal, never written into it: the CRM stays the owner and the content
hash of the deal as the CRM tells it does not change.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import ValidationError

from dealthread.domain.base import Carried
from dealthread.domain.country import EU_MEMBERS
from dealthread.domain.deal import (
    BillingFrequency,
    BillingTiming,
    CollectionMethod,
    Deal,
    DealLine,
    TermKind,
)
from dealthread.domain.party import BuyerType, Party, TaxId
from dealthread.errors import BadInput


class Corrections(Carried):
    """What a person decided; None or empty leaves the deal as it is. Ends are exclusive."""

    product_map: dict[str, str] = {}
    """Product code of the deal → product code of the configuration that it is sold as."""
    seller: str | None = None
    po_number: str | None = None
    tax_id: str | None = None
    """With its country prefix. Replaces the party's ids of the same scheme."""
    tax_scheme: str | None = None
    treat_as_taxable: bool | None = None
    """True: tax ids and exemption certificates are left aside, the rule table taxes the sale."""
    buyer_type: BuyerType | None = None
    start_date: date | None = None
    end_date: date | None = None
    term_kind: TermKind | None = None
    term_months: int | None = None
    notice_days: int | None = None
    provisioned_cancellable: bool | None = None
    billing_frequency: BillingFrequency | None = None
    billing_timing: BillingTiming | None = None
    payment_terms: str | None = None
    collection_method: CollectionMethod | None = None
    customer_key: str | None = None
    """Of money that came to the bank: whose it is."""
    invoices: str | None = None
    """Of money that came to the bank: legal numbers that it pays, separated by commas."""
    on_account: bool | None = None
    """Of money that came to the bank: what is left stays the customer's, unapplied."""
    posting_date: date | None = None
    """Post on this open day instead of the start; service period and tax date are kept. It is a
    question to the ERP, not a term of the deal: `apply_corrections` leaves the deal alone."""


_PLAIN = (
    "po_number",
    "end_date",
    "start_date",
    "term_kind",
    "term_months",
    "notice_days",
    "provisioned_cancellable",
    "billing_frequency",
    "billing_timing",
    "payment_terms",
    "collection_method",
)


def parse_corrections(values: Mapping[str, object]) -> Corrections:
    """Corrections from a person's input. Raises BadInput naming the first wrong field."""
    known = ", ".join(sorted(Corrections.model_fields))
    for name in values:
        if name not in Corrections.model_fields:
            raise BadInput("unknown_correction", field=name, action=f"use one of: {known}")
    try:
        return Corrections.model_validate(dict(values))
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in detail["loc"])
        raise BadInput("invalid_correction", field=field, action=detail["msg"]) from None


def merged(earlier: Corrections, later: Corrections) -> Corrections:
    """Both; the later wins field by field, product maps are joined."""
    given = later.model_dump(exclude_none=True, exclude={"product_map"})
    return earlier.model_copy(
        update={
            **{name: getattr(later, name) for name in given},
            "product_map": {**earlier.product_map, **later.product_map},
        }
    )


def apply_corrections(deal: Deal, corrections: Corrections) -> Deal:
    """The deal as it is to be carried out."""
    update: dict[str, object] = {
        name: value for name in _PLAIN if (value := getattr(corrections, name)) is not None
    }
    if corrections.seller is not None:
        update["seller_hint"] = corrections.seller
    update["lines"] = tuple(_line(deal, line, corrections) for line in deal.lines)
    if deal.account is not None:
        update["account"] = _party(deal.account, corrections)
    return deal.model_copy(update=update)


def _line(deal: Deal, line: DealLine, corrections: Corrections) -> DealLine:
    """A line that started or ended with the deal moves with it; inner steps of a ramp stay."""
    update: dict[str, object] = {}
    mapped = corrections.product_map.get(line.product_code)
    if mapped is not None:
        update["product_code"] = mapped
    if corrections.start_date is not None and line.start_date == deal.start_date:
        update["start_date"] = corrections.start_date
    if corrections.end_date is not None and line.end_date == deal.end_date:
        update["end_date"] = corrections.end_date
    return line.model_copy(update=update)


def _party(party: Party, corrections: Corrections) -> Party:
    update: dict[str, object] = {}
    if corrections.buyer_type is not None:
        update["buyer_type"] = corrections.buyer_type
    if corrections.treat_as_taxable:
        update["tax_ids"] = ()
        update["exemptions"] = ()
    if corrections.tax_id is not None:
        scheme = corrections.tax_scheme or _scheme(party)
        kept = tuple(row for row in party.tax_ids if row.scheme != scheme)
        update["tax_ids"] = (TaxId(scheme=scheme, number=corrections.tax_id), *kept)
    return party.model_copy(update=update)


def _scheme(party: Party) -> str:
    if party.tax_ids:
        return party.tax_ids[0].scheme
    country = party.ship_to().country
    if country in EU_MEMBERS:
        return "eu_vat"
    return "gb_vat" if country == "GB" else "us_ein"
