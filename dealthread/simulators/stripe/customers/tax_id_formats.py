"""Which tax ids are carried, and the written form each must have.

At creation Stripe checks the form (docs.stripe.com/billing/customer/tax-ids: types and examples).
The structures of VAT numbers per country are those of the European Commission's VIES. Check digits
are not looked at: no page says Stripe does. Types whose form is not checked here are refused.
"""

from __future__ import annotations

import re

from dealthread.simulators.stripe.store import Json
from dealthread.simulators.stripe.wire.errors import StripeError

_EU_VAT = {
    "AT": r"U\d{8}",
    "BE": r"[01]\d{9}",
    "BG": r"\d{9,10}",
    "CY": r"\d{8}[A-Z]",
    "CZ": r"\d{8,10}",
    "DE": r"\d{9}",
    "DK": r"\d{8}",
    "EE": r"\d{9}",
    "EL": r"\d{9}",
    "ES": r"[A-Z]\d{7}[A-Z0-9]|\d{8}[A-Z]",
    "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}",
    "HR": r"\d{11}",
    "HU": r"\d{8}",
    "IE": r"\d{7}[A-Z]{1,2}|\d[A-Z+*]\d{5}[A-Z]",
    "IT": r"\d{11}",
    "LT": r"\d{9}|\d{12}",
    "LU": r"\d{8}",
    "LV": r"\d{11}",
    "MT": r"\d{8}",
    "NL": r"[A-Z0-9+*]{9}B\d{2}",
    "PL": r"\d{10}",
    "PT": r"\d{9}",
    "RO": r"\d{2,10}",
    "SE": r"\d{12}",
    "SI": r"\d{8}",
    "SK": r"\d{10}",
    "XI": r"\d{9}|\d{12}",
}
# Prefixes of VAT numbers that are not the ISO code of their country.
_ISO = {"EL": "GR", "XI": "GB"}
_GB_VAT = r"GB(\d{9}|\d{12})"
_US_EIN = r"\d{2}-\d{7}"
# Numbers that steer verification in test mode, which is not carried
# (docs.stripe.com/billing/testing#customer-tax-id-verfication).
_MAGIC = frozenset({"000000000", "111111111", "222222222"})
# Types a registry verifies after creation: VIES and HMRC. The others are never verified.
_VERIFIED = frozenset({"eu_vat", "gb_vat"})


def check(given: Json, param: str) -> None:
    """Raise what Stripe answers to a malformed value; `param` leads to the hash that holds it."""
    kind, value = given["type"], given["value"]
    if kind not in ("eu_vat", "gb_vat", "us_ein"):
        raise StripeError.unsupported(f"tax ids of type {kind}", param=_named(param, "type"))
    where = _named(param, "value")
    if kind == "eu_vat" and value.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ") in _MAGIC:
        raise StripeError.unsupported("tax ids that steer verification", param=where)
    if not _is_well_formed(kind, value):
        raise StripeError.refused(f"Invalid value for {kind}.", code="tax_id_invalid", param=where)


def country_of(kind: str, value: str) -> str:
    """ISO code of the country a checked tax id belongs to."""
    if kind == "us_ein":
        return "US"
    prefix = value[:2]
    return _ISO.get(prefix, prefix)


def verification_of(kind: str) -> Json:
    """A fresh tax id's verification; it stays as it is here, since no registry is asked."""
    return {
        "status": "pending" if kind in _VERIFIED else "unavailable",
        "verified_address": None,
        "verified_name": None,
    }


def _is_well_formed(kind: str, value: str) -> bool:
    if kind == "eu_vat":
        form = _EU_VAT.get(value[:2])
        return form is not None and _fits(form, value[2:])
    return _fits(_GB_VAT if kind == "gb_vat" else _US_EIN, value)


def _fits(form: str, value: str) -> bool:
    return re.fullmatch(form, value, re.ASCII) is not None


def _named(param: str, name: str) -> str:
    return f"{param}[{name}]" if param else name
