"""What a draft was made of survives in the state file as JSON."""

from __future__ import annotations

import json
from decimal import Decimal

from dealthread.simulators.stripe.catalogue.rating import Part
from dealthread.simulators.stripe.invoices.bill import Bill, Payer
from dealthread.simulators.stripe.invoices.composition import Charge
from dealthread.simulators.stripe.invoices.packing import pack, unpack

KINDS = {kind.__name__: kind for kind in (Bill, Charge, Part, Payer)}


def test_a_bill_is_the_same_after_the_state_file() -> None:
    """Dataclasses in dataclasses, tuples, decimals, and metadata with any key."""
    charge = Charge(
        price={"id": "price_1", "unit_amount_decimal": "1.5", "product": "p", "currency": "usd"},
        quantity=3,
        period=(1, 2),
        description=None,
        parent={"type": "invoice_item_details"},
        tax_rates=[{"id": "txr_1"}],
        metadata={"$": "Charge", "value": "x"},
        part=Part(5, Decimal("3"), Decimal("1.5")),
    )
    bill = Bill(
        invoice_id="in_1",
        payer=Payer(id="cus_1", balance=-5),
        currency="usd",
        charges=[charge],
        at=7,
        billing_reason="manual",
        collection_method="send_invoice",
        period=(7, 7),
    )
    assert unpack(json.loads(json.dumps(pack(bill))), KINDS) == bill
