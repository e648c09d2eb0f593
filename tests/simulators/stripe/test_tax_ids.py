"""Tax ids of customers in the Stripe simulator: form, life, copies on invoices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from dealthread.simulators.stripe.customers import tax_id_formats
from dealthread.simulators.stripe.wire.errors import StripeError
from tests.simulators.stripe.support import DE_KEY, at, d2_items, keyed, running

Serve = Callable[[Any], str]
NORDWERK: Any = {"type": "eu_vat", "value": "DE199999907"}
HOLDING: Any = {"type": "eu_vat", "value": "DE199999915"}
BRITISH: Any = {"type": "gb_vat", "value": "GB199999940"}
AMERICAN: Any = {"type": "us_ein", "value": "12-3456789"}


@pytest.mark.parametrize(
    ("kind", "value", "country"),
    [
        ("eu_vat", "DE199999907", "DE"),
        ("eu_vat", "FR40303265045", "FR"),
        ("eu_vat", "IE6433435F", "IE"),
        ("eu_vat", "IE1234567FA", "IE"),
        ("eu_vat", "ATU12345678", "AT"),
        ("eu_vat", "NL123456789B12", "NL"),
        ("eu_vat", "ESA1234567Z", "ES"),
        ("eu_vat", "EL123456789", "GR"),
        ("eu_vat", "XI123456789", "GB"),
        ("gb_vat", "GB199999940", "GB"),
        ("gb_vat", "GB199999940001", "GB"),
        ("us_ein", "12-3456789", "US"),
    ],
)
def test_well_formed_ids_pass_and_name_their_country(kind: str, value: str, country: str) -> None:
    """Greece writes EL and Northern Ireland XI; the field `country` is an ISO code."""
    tax_id_formats.check({"type": kind, "value": value}, "")
    assert tax_id_formats.country_of(kind, value) == country


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("eu_vat", "DE19999990"),
        ("eu_vat", "de199999907"),
        ("eu_vat", "DE 199999907"),
        ("eu_vat", "199999907"),
        ("eu_vat", "FR4030326504"),
        ("eu_vat", "GR123456789"),
        ("eu_vat", "GB199999940"),
        ("eu_vat", "US123456789"),
        ("eu_vat", "DE19999990\N{ARABIC-INDIC DIGIT SEVEN}"),
        ("gb_vat", "GB1999999401"),
        ("gb_vat", "199999940"),
        ("us_ein", "123456789"),
        ("us_ein", "12-3456789\n"),
    ],
)
def test_malformed_ids_are_refused_with_the_documented_code(kind: str, value: str) -> None:
    """docs.stripe.com/error-codes#tax-id-invalid; the parameter is named."""
    with pytest.raises(StripeError) as refused:
        tax_id_formats.check({"type": kind, "value": value}, "tax_id_data[0]")
    assert (refused.value.status, refused.value.code) == (400, "tax_id_invalid")
    assert refused.value.param == "tax_id_data[0][value]"
    assert value not in refused.value.message


@pytest.mark.parametrize(
    ("kind", "value"),
    [("ch_vat", "CHE-123.456.789 MWST"), ("eu_oss_vat", "EU123456789"), ("eu_vat", "DE000000000")],
)
def test_other_types_and_numbers_that_steer_verification_are_not_carried(
    kind: str, value: str
) -> None:
    """Stripe knows them; nothing is invented for them."""
    with pytest.raises(StripeError) as refused:
        tax_id_formats.check({"type": kind, "value": value}, "")
    assert refused.value.code == "simulator_unsupported"


async def test_a_customer_is_made_with_tax_ids_which_show_only_when_expanded(serve: Serve) -> None:
    """`tax_id_data` on create; `expand[]=tax_ids`; an event for each."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client(DE_KEY) as client:
        made = await client.v1.customers.create_async(
            {"name": "Nordwerk", "tax_id_data": [NORDWERK, AMERICAN], "expand": ["tax_ids"]}
        )
        assert made.tax_ids is not None
        assert [row.value for row in made.tax_ids.data] == ["12-3456789", "DE199999907"]
        ein, vat = made.tax_ids.data
        assert vat.id.startswith("txi_")
        assert (vat.country, vat.customer, vat.livemode) == ("DE", made.id, False)
        assert vat.owner is not None
        assert (vat.owner.type, vat.owner.customer) == ("customer", made.id)
        assert vat.verification is not None
        assert ein.verification is not None
        assert (vat.verification.status, ein.verification.status) == ("pending", "unavailable")
        plain = await client.v1.customers.retrieve_async(made.id)
        assert "tax_ids" not in plain
        events = await client.v1.events.list_async({"type": "customer.tax_id.created"})
        assert {event.data.object["value"] for event in events.data} == {
            "DE199999907",
            "12-3456789",
        }
        listed = await client.v1.customers.list_async({"expand": ["data.tax_ids"]})
        assert listed.data[0].tax_ids is not None


async def test_a_malformed_tax_id_leaves_no_customer_behind(serve: Serve) -> None:
    """The whole create is refused; the result is saved under the key."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        wrong: Any = {"type": "eu_vat", "value": "DE12"}
        for _ in range(2):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await client.v1.customers.create_async(
                    {"name": "N", "tax_id_data": [NORDWERK, wrong]}, keyed("k1")
                )
            assert refused.value.code == "tax_id_invalid"
            assert refused.value.param == "tax_id_data[1][value]"
        assert not (await client.v1.customers.list_async()).data
        assert not await sim.ledger("effects")


async def test_tax_ids_are_added_listed_read_and_deleted(serve: Serve) -> None:
    """The four routes; pages of a list; another customer's tax id is nobody's."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        tax_ids = client.v1.customers.tax_ids
        one = await client.v1.customers.create_async({"name": "One"})
        other = await client.v1.customers.create_async({"name": "Other"})
        first = await tax_ids.create_async(one.id, NORDWERK, keyed("a"))
        again = await tax_ids.create_async(one.id, NORDWERK, keyed("a"))
        assert again.id == first.id
        second = await tax_ids.create_async(one.id, BRITISH)
        page = await tax_ids.list_async(one.id, {"limit": 1})
        assert ([row.id for row in page.data], page.has_more) == ([second.id], True)
        rest = await tax_ids.list_async(one.id, {"starting_after": second.id})
        assert [row.id for row in rest.data] == [first.id]
        assert (await tax_ids.retrieve_async(one.id, first.id)).value == "DE199999907"
        with pytest.raises(stripe.InvalidRequestError) as missing:
            await tax_ids.retrieve_async(other.id, first.id)
        assert (missing.value.http_status, missing.value.code) == (404, "resource_missing")
        with pytest.raises(stripe.InvalidRequestError) as repeated:
            await tax_ids.create_async(one.id, NORDWERK)
        assert repeated.value.code == "simulator_unsupported"
        with pytest.raises(stripe.InvalidRequestError) as malformed:
            await tax_ids.create_async(one.id, {"type": "gb_vat", "value": "GB1"})
        assert (malformed.value.code, malformed.value.param) == ("tax_id_invalid", "value")
        gone = await tax_ids.delete_async(one.id, first.id)
        assert gone.deleted is True
        assert [row.id for row in (await tax_ids.list_async(one.id)).data] == [second.id]
        with pytest.raises(stripe.InvalidRequestError):
            await tax_ids.delete_async(one.id, first.id)
        kinds = [
            event.type
            for event in (
                await client.v1.events.list_async(
                    {"types": ["customer.tax_id.created", "customer.tax_id.deleted"]}
                )
            ).data
        ]
        assert kinds == [
            "customer.tax_id.deleted",
            "customer.tax_id.created",
            "customer.tax_id.created",
        ]
        await client.v1.customers.delete_async(one.id)
        with pytest.raises(stripe.InvalidRequestError):
            await tax_ids.list_async(one.id)


async def test_an_invoice_copies_the_tax_ids_at_finalisation(serve: Serve) -> None:
    """A draft follows the customer; once finalised the copy stays (api/invoices/object)."""
    async with running(serve, now=at(2026, 2, 1)) as sim, sim.client(DE_KEY) as client:
        customer = await client.v1.customers.create_async(
            {"name": "Nordwerk", "tax_id_data": [NORDWERK]}
        )
        wanted: Any = {
            **await d2_items(client),
            "customer": customer.id,
            "collection_method": "send_invoice",
            "days_until_due": 30,
        }
        subscription = await client.v1.subscriptions.create_async(wanted)
        invoice_id = str(subscription.latest_invoice)
        draft = await client.v1.invoices.retrieve_async(invoice_id)
        assert _shown(draft) == [("eu_vat", "DE199999907")]
        await client.v1.customers.tax_ids.create_async(customer.id, HOLDING)
        draft = await client.v1.invoices.retrieve_async(invoice_id)
        assert _shown(draft) == [("eu_vat", "DE199999907"), ("eu_vat", "DE199999915")]
        final = await client.v1.invoices.finalize_invoice_async(invoice_id)
        held = (await client.v1.customers.tax_ids.list_async(customer.id)).data
        for row in held:
            await client.v1.customers.tax_ids.delete_async(customer.id, row.id)
        after = await client.v1.invoices.retrieve_async(invoice_id)
        assert _shown(after) == _shown(final) == _shown(draft)


async def test_a_preview_shows_the_described_tax_ids_or_those_of_the_customer(
    serve: Serve,
) -> None:
    """`customer_details[tax_ids]`; a malformed one is refused as it would be on a customer."""
    async with running(serve, now=at(2026, 2, 1)) as sim, sim.client(DE_KEY) as client:
        items = (await d2_items(client))["items"]

        async def preview(**more: Any) -> stripe.Invoice:
            given: Any = {"subscription_details": {"items": items}, **more}
            return await client.v1.invoices.create_preview_async(given)

        described = await preview(customer_details={"tax_ids": [NORDWERK]})
        assert _shown(described) == [("eu_vat", "DE199999907")]
        customer = await client.v1.customers.create_async({"tax_id_data": [HOLDING]})
        own = await preview(customer=customer.id)
        assert _shown(own) == [("eu_vat", "DE199999915")]
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await preview(customer_details={"tax_ids": [{"type": "eu_vat", "value": "DE1"}]})
        assert refused.value.code == "tax_id_invalid"
        assert refused.value.param == "customer_details[tax_ids][0][value]"


def _shown(invoice: stripe.Invoice) -> list[tuple[str, str | None]]:
    return [(row.type, row.value) for row in invoice.customer_tax_ids or []]
