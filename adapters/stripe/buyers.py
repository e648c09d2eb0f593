"""Who bought, as an invoice says it: Stripe copies the customer's data to it and keeps the copy
when it is finalised (docs.stripe.com/api/invoices/object, `customer_…`)."""

from __future__ import annotations

from adapters.stripe import translate
from dealthread.domain.party import Address, BuyerSnapshot, TaxId


def buyer_of(row: translate.Data) -> BuyerSnapshot:
    """The invoice's own copy. Raises ContractDrift where it is of another form."""
    shipping = translate.mapping(row, "customer_shipping")
    return BuyerSnapshot(
        name=translate.text(row, "customer_name"),
        address=_address(row, "customer_address"),
        ship_to=_address(row, "customer_shipping", "address") if shipping else None,
        tax_ids=tuple(
            TaxId(scheme=translate.text(one, "type"), number=translate.text(one, "value"))
            for one in translate.rows(row, "customer_tax_ids")
        ),
    )


def _address(row: translate.Data, *path: str) -> Address:
    def part(name: str) -> str:
        return translate.text(row, *path, name)

    return Address(
        street="\n".join(one for one in (part("line1"), part("line2")) if one),
        city=part("city"),
        region=part("state"),
        postal_code=part("postal_code"),
        country=part("country"),
    )
