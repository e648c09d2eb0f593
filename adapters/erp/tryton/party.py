"""What a customer is in Tryton: fields to write, and the difference to what is there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.domain.customer_field import CustomerField
from dealthread.domain.party import Address, Party, TaxId
from dealthread.errors import StepRejected

ADDRESS_FIELDS = ("street", "city", "postal_code", "country", "subdivision")
READ_FIELDS = (
    "name",
    "code",
    "active",
    "customer_payment_term",
    "account_receivable",
    "_timestamp",
    *(f"addresses.{field}" for field in ADDRESS_FIELDS),
    "identifiers.type",
    "identifiers.code",
    "identifiers.code_compact",
)
# Our schemes that Tryton knows under the same name and checks (python-stdnum). Another scheme is
# stored without a type: kept, not checked.
CHECKED_SCHEMES = frozenset({"eu_vat", "gb_vat", "us_ein", "ch_vat", "no_vat", "ca_bn"})


_NAMES = {
    "name": CustomerField.LEGAL_NAME,
    "active": CustomerField.IN_USE,
    "customer_payment_term": CustomerField.PAYMENT_TERMS,
    "account_receivable": CustomerField.CONTROL_ACCOUNT,
    "addresses": CustomerField.BILL_TO,
    "identifiers": CustomerField.TAX_IDENTIFIER,
}

_KEY = re.compile(r"A-[A-Z2-7]{13}")
"""As `naming.customer_key` makes them."""


async def find_party(operation: Operation, customer_key: str) -> Row | None:
    """By our key; inactive ones too."""
    rows = await operation.rows("party.party", by_key(customer_key), READ_FIELDS, active_test=False)
    return rows[0] if rows else None


def by_key(customer_key: str) -> list[Any]:
    """A party that we made has our key as its code, which Tryton keeps unique. Of one that others
    made the code cannot be written any more: there the key is a further identifier."""
    return ["OR", ["code", "=", customer_key], ["identifiers.code", "=", customer_key]]


def is_key(code: str | None) -> bool:
    """Whether this is a customer key of ours."""
    return bool(_KEY.fullmatch(code or ""))


async def address_values(operation: Operation, address: Address) -> dict[str, Any]:
    """Tryton's fields of an address. An unknown country is refused, never dropped."""
    country = subdivision = None
    city = address.city
    if address.country:
        rows = await operation.rows("country.country", [["code", "=", address.country]], ["code"])
        if not rows:
            raise StepRejected(
                "country_unknown",
                case_kind=operation.case_kind,
                field="country",
                country=address.country,
            )
        country = rows[0]["id"]
    if address.region:
        code = f"{address.country}-{address.region}"
        rows = await operation.rows("country.subdivision", [["code", "=", code]], ["code"])
        if rows:
            subdivision = rows[0]["id"]
        else:
            # The ledger's table of states is optional; the region stays readable in the address.
            city = f"{city}, {address.region}" if city else address.region
    return {
        "street": address.street or None,
        "city": city or None,
        "postal_code": address.postal_code or None,
        "country": country,
        "subdivision": subdivision,
    }


def identifier_values(tax_ids: Sequence[TaxId]) -> list[dict[str, Any]]:
    """Tax identifiers; a scheme that Tryton checks keeps its type."""
    return [
        {"type": row.scheme if row.scheme in CHECKED_SCHEMES else None, "code": row.number}
        for row in tax_ids
    ]


@dataclass(frozen=True)
class Terms:
    """Records that a customer points to. Tryton keeps the control account per company, and one
    default of payment terms for all of them; an order always names its own terms."""

    FIELDS: ClassVar = ("customer_payment_term", "account_receivable")

    payment_term: int
    receivable: int

    def values(self) -> dict[str, Any]:
        return {
            "customer_payment_term": self.payment_term,
            "account_receivable": self.receivable,
        }


def new_party(
    customer_key: str, party: Party, address: dict[str, Any], terms: Terms | None
) -> dict[str, Any]:
    """Values of a customer that does not exist yet; a mere parent has no terms."""
    values: dict[str, Any] = {
        "name": party.legal_name,
        "code": customer_key,
        "addresses": [["create", [{**address, "invoice": True}]]],
    }
    if party.tax_ids:
        values["identifiers"] = [["create", identifier_values(party.tax_ids)]]
    if terms is not None:
        values.update(terms.values())
    return values


def changed_fields(
    present: Row, party: Party, address: dict[str, Any], terms: Terms
) -> dict[str, Any]:
    """What must be written so that the customer is as told; empty when it is so already."""
    values: dict[str, Any] = {}
    if present["name"] != party.legal_name:
        values["name"] = party.legal_name
    if not present["active"]:
        values["active"] = True
    values.update({key: item for key, item in terms.values().items() if present[key] != item})
    addresses = present["addresses."]
    if not addresses:
        values["addresses"] = [["create", [{**address, "invoice": True}]]]
    else:
        first = addresses[0]
        different = {key: item for key, item in address.items() if (first[key] or None) != item}
        if different:
            values["addresses"] = [["write", [first["id"]], different]]
    identifiers = _identifier_changes(present["identifiers."], party.tax_ids)
    if identifiers:
        values["identifiers"] = identifiers
    return values


def named_fields(values: Mapping[str, Any], present: Row) -> frozenset[CustomerField]:
    """What the values are changes of. Of a customer whom another company already has, account and
    terms are new at this one, not changed."""
    terms = () if present["account_receivable"] is not None else Terms.FIELDS
    return frozenset(_NAMES[name] for name in values if name not in terms)


def _identifier_changes(present: Sequence[Row], wanted: Sequence[TaxId]) -> list[Any]:
    kept: set[int] = set()
    missing = []
    for values in identifier_values(wanted):
        row = next((item for item in present if _same(item, values)), None)
        if row is None:
            missing.append(values)
        else:
            kept.add(row["id"])
    stale = [row["id"] for row in present if row["id"] not in kept and not is_key(row["code"])]
    changes: list[Any] = []
    if stale:
        changes.append(["delete", stale])
    if missing:
        changes.append(["create", missing])
    return changes


def _same(present: Row, wanted: dict[str, Any]) -> bool:
    if present["type"] != wanted["type"]:
        return False
    code = _compact(wanted["code"])
    return code in (_compact(present["code"]), _compact(present["code_compact"]))


def _compact(code: str | None) -> str:
    return "".join(character for character in code or "" if character.isalnum()).upper()
