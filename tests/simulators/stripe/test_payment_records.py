"""Payments made elsewhere, reported and attached (docs.stripe.com/api/payment-record;
docs.stripe.com/invoicing/partial-payments; docstring of `Invoice.attach_payment`, stripe 16.1)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.settlement import charged
from tests.simulators.stripe.support import at, card_customer, running

Serve = Callable[[Any], str]
DAY = at(2026, 1, 1)


def _report(customer: str, value: int, **given: Any) -> Any:
    return {
        "amount_requested": {"currency": "usd", "value": value},
        "customer_details": {"customer": customer},
        "guaranteed": {"guaranteed_at": int(DAY.timestamp())},
        "initiated_at": int(DAY.timestamp()),
        "metadata": {"receipt": "B-1"},
        "outcome": "guaranteed",
        "payment_method_details": {"custom": {"display_name": "Bank"}, "type": "custom"},
        "processor_details": {"custom": {"payment_reference": "B-1"}, "type": "custom"},
        **given,
    }


async def test_records_pay_an_invoice_in_parts_outside_of_stripe(serve: Serve) -> None:
    """Each is credited at once and counts in `amount_paid_off_stripe`; no charge is made."""
    async with running(serve, now=DAY) as sim, sim.client() as client:
        customer = await card_customer(client)
        invoice = await charged(client, customer, 10_000)
        first = await client.v1.payment_records.report_payment_async(_report(customer, 4000))
        assert (first.amount_guaranteed.value, first.metadata["receipt"]) == (4000, "B-1")
        part = await client.v1.invoices.attach_payment_async(
            invoice.id, {"payment_record": first.id}
        )
        assert (part.status, part.amount_paid, part.amount_remaining) == ("open", 4000, 6000)
        assert part.amount_paid_off_stripe == 4000
        second = await client.v1.payment_records.report_payment_async(_report(customer, 6000))
        done = await client.v1.invoices.attach_payment_async(
            invoice.id, {"payment_record": second.id}
        )
        assert (done.status, done.amount_paid_off_stripe) == ("paid", 10_000)
        rows = (await client.v1.invoice_payments.list_async({"invoice": invoice.id})).data
        assert [(row.payment.type, row.status) for row in rows] == [
            ("payment_record", "paid"),
            ("payment_record", "paid"),
            ("payment_intent", "canceled"),
        ]
        assert [row.payment.payment_record for row in rows[:2]] == [second.id, first.id]
        found = await client.v1.invoice_payments.list_async(
            {"payment": {"type": "payment_record", "payment_record": first.id}}
        )
        assert [row.id for row in found.data] == [rows[1].id]
        assert (await client.v1.charges.list_async({"customer": customer})).data == []
        listed = await client.v1.payment_records.list_async({"limit": 1})
        assert ([row.id for row in listed.data], listed.has_more) == ([second.id], True)
        later = {"created_after": int(DAY.timestamp())}
        assert (await client.v1.payment_records.list_async(later)).data == []
        again = await client.v1.payment_records.retrieve_async(first.id)
        assert again.processor_details.custom is not None
        assert again.processor_details.custom.payment_reference == "B-1"


async def test_a_record_that_does_not_fit_pays_nothing(serve: Serve) -> None:
    async with running(serve, now=DAY) as sim, sim.client() as client:
        customer, other = await card_customer(client), await card_customer(client)
        invoice = await charged(client, customer, 10_000)

        async def refused(record: Any, match: str) -> None:
            with pytest.raises(stripe.InvalidRequestError, match=match):
                await client.v1.invoices.attach_payment_async(
                    invoice.id, {"payment_record": record}
                )

        report = client.v1.payment_records.report_payment_async
        await refused((await report(_report(other, 4000))).id, "customer and the currency")
        await refused((await report(_report(customer, 10_001))).id, "more than remains")
        await refused("pr_nobody", "No such")
        fits = await report(_report(customer, 4000))
        await client.v1.invoices.attach_payment_async(invoice.id, {"payment_record": fits.id})
        await refused(fits.id, "one record twice")
        with pytest.raises(stripe.InvalidRequestError, match="has not succeeded"):
            await report(_report(customer, 4000, outcome="failed"))
        with pytest.raises(stripe.InvalidRequestError, match="of the future"):
            await report(_report(customer, 4000, initiated_at=int(DAY.timestamp()) + 86_400))
        after = await client.v1.invoices.retrieve_async(invoice.id)
        assert (after.status, after.amount_paid_off_stripe) == ("open", 4000)
