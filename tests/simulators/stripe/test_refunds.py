"""Payment intents, charges and refunds of cards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import stripe

from tests.simulators.stripe.settlement import charged, intent_of, paid, payer
from tests.simulators.stripe.support import at, card_customer, running

Serve = Callable[[Any], str]

# github.com/gburgyan/aat-stripe (README, "Declines, exactly"): recorded against Stripe's test mode.
# Test card, code, decline code, parameter, advice.
RECORDED_DECLINES = [
    ("visa_chargeDeclined", "card_declined", "generic_decline", None, "try_again_later"),
    (
        "visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
        None,
        "try_again_later",
    ),
    ("visa_chargeDeclinedLostCard", "card_declined", "lost_card", None, "do_not_try_again"),
    ("visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", None, "do_not_try_again"),
    (
        "chargeDeclinedExpiredCard",
        "expired_card",
        "expired_card",
        "exp_month",
        "confirm_card_data",
    ),
    ("chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "cvc", "confirm_card_data"),
    (
        "chargeDeclinedProcessingError",
        "processing_error",
        "processing_error",
        None,
        "try_again_later",
    ),
]


@pytest.mark.parametrize(("card", "code", "decline", "param", "advice"), RECORDED_DECLINES)
async def test_declines_say_what_was_recorded_of_test_mode(
    serve: Serve, card: str, code: str, decline: str, param: str | None, advice: str
) -> None:
    """The intent stays open with the error recorded, and a working card then pays it."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await payer(client)
        intent = await client.v1.payment_intents.create_async(
            {"amount": 500, "currency": "usd", "customer": customer}
        )
        with pytest.raises(stripe.CardError) as refused:
            await client.v1.payment_intents.confirm_async(
                intent.id, {"payment_method": f"pm_card_{card}"}
            )
        error = refused.value.error
        assert refused.value.http_status == 402
        assert (error.code, error.decline_code, error.param) == (code, decline, param)
        assert error.advice_code == advice
        assert error.payment_intent.id == intent.id
        after = await client.v1.payment_intents.retrieve_async(intent.id)
        assert after.status == "requires_payment_method"
        assert after.last_payment_error.code == code
        charge = await client.v1.charges.retrieve_async(str(after.latest_charge))
        assert (charge.status, charge.paid, charge.failure_code) == ("failed", False, code)
        done = await client.v1.payment_intents.confirm_async(
            intent.id, {"payment_method": "pm_card_visa"}
        )
        assert (done.status, done.amount_received) == ("succeeded", 500)
        with pytest.raises(stripe.InvalidRequestError) as late:
            await client.v1.payment_intents.cancel_async(intent.id)
        assert late.value.code == "payment_intent_unexpected_state"


async def test_two_partial_refunds_make_a_whole_one(serve: Serve) -> None:
    """Recorded (aat-stripe, "Refunds"): more is refused without a code, a third one with one."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        invoice = await paid(client, await card_customer(client), 2000)
        intent = intent_of(invoice)
        with pytest.raises(stripe.InvalidRequestError) as much:
            await client.v1.refunds.create_async({"payment_intent": intent, "amount": 2001})
        assert (much.value.code, much.value.param) == (None, "amount")
        first = await client.v1.refunds.create_async(
            {"payment_intent": intent, "amount": 500, "reason": "requested_by_customer"}
        )
        assert first.status == "succeeded"
        charge = await client.v1.charges.retrieve_async(str(first.charge), {"expand": ["refunds"]})
        assert (charge.amount_refunded, charge.refunded) == (500, False)
        assert [row.id for row in charge.refunds.data] == [first.id]
        rest = await client.v1.refunds.create_async({"charge": charge.id})
        assert rest.amount == 1500
        assert (await client.v1.charges.retrieve_async(charge.id)).refunded is True
        with pytest.raises(stripe.InvalidRequestError) as again:
            await client.v1.refunds.create_async({"charge": charge.id})
        assert again.value.code == "charge_already_refunded"
        listed = await client.v1.refunds.list_async({"charge": charge.id})
        assert [row.amount for row in listed.data] == [1500, 500]
        noted = await client.v1.refunds.update_async(first.id, {"metadata": {"why": "late"}})
        assert noted.metadata is not None
        assert noted.metadata["why"] == "late"
        with pytest.raises(stripe.InvalidRequestError):
            await client.v1.refunds.cancel_async(first.id)
        after = await client.v1.invoices.retrieve_async(invoice.id)
        assert (after.status, after.amount_paid) == ("paid", 2000)


async def test_an_invoice_shows_its_payments_and_follows_what_remains(serve: Serve) -> None:
    """The default payment asks for `amount_remaining`; a partial payment is credited at once.

    Docstrings of `InvoicePayment.is_default` and `Invoice.attach_payment` (stripe 16.1).
    """
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        invoice = await charged(client, customer, 10_000)
        part = await client.v1.payment_intents.create_async(
            {
                "amount": 4000,
                "currency": "usd",
                "customer": customer,
                "payment_method": "pm_card_visa",
                "confirm": True,
            }
        )
        open_still = await client.v1.invoices.attach_payment_async(
            invoice.id, {"payment_intent": part.id, "expand": ["confirmation_secret"]}
        )
        assert (open_still.status, open_still.amount_paid) == ("open", 4000)
        assert open_still.amount_remaining == 6000
        rows = (await client.v1.invoice_payments.list_async({"invoice": invoice.id})).data
        assert [(row.is_default, row.status, row.amount_requested) for row in rows] == [
            (False, "paid", 4000),
            (True, "open", 6000),
        ]
        secret = open_still.confirmation_secret
        assert secret is not None
        default = await client.v1.payment_intents.retrieve_async(
            str(rows[1].payment.payment_intent)
        )
        assert (default.amount, default.client_secret) == (6000, secret.client_secret)
        done = await client.v1.invoices.pay_async(invoice.id)
        assert (done.status, done.amount_paid, done.amount_remaining) == ("paid", 10_000, 0)
        found = await client.v1.invoice_payments.list_async(
            {"payment": {"type": "payment_intent", "payment_intent": part.id}}
        )
        assert [row.id for row in found.data] == [rows[0].id]
        one = await client.v1.invoice_payments.retrieve_async(rows[0].id)
        assert one.payment.type == "payment_intent"
        charges = await client.v1.charges.list_async({"customer": customer})
        assert [row.amount for row in charges.data] == [6000, 4000]


async def test_a_payment_attached_before_it_succeeds_is_credited_when_it_does(
    serve: Serve,
) -> None:
    """Docstring of `Invoice.attach_payment` (stripe 16.1); one payment intent, one invoice."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        invoice = await charged(client, customer, 10_000)
        part = await client.v1.payment_intents.create_async(
            {"amount": 2500, "currency": "usd", "customer": customer}
        )
        waiting = await client.v1.invoices.attach_payment_async(
            invoice.id, {"payment_intent": part.id}
        )
        assert (waiting.amount_paid, waiting.amount_remaining) == (0, 10_000)
        with pytest.raises(stripe.InvalidRequestError, match="already attached"):
            await client.v1.invoices.attach_payment_async(invoice.id, {"payment_intent": part.id})
        await client.v1.payment_intents.confirm_async(part.id, {"payment_method": "pm_card_visa"})
        after = await client.v1.invoices.retrieve_async(invoice.id)
        assert (after.status, after.amount_paid, after.amount_remaining) == ("open", 2500, 7500)
        rows = await client.v1.invoice_payments.list_async({"invoice": invoice.id})
        own = next(row for row in rows.data if row.is_default)
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.payment_intents.confirm_async(
                str(own.payment.payment_intent), {"payment_method": "pm_card_visa"}
            )
        assert refused.value.code == "simulator_unsupported"


async def test_a_detached_card_is_gone_for_good(serve: Serve) -> None:
    """Recorded (aat-stripe, "PaymentMethods"): attaching and detaching again are 400, no code."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        before = await client.v1.customers.retrieve_async(customer)
        card = str(before.invoice_settings.default_payment_method)
        gone = await client.v1.payment_methods.detach_async(card)
        assert gone.customer is None
        after = await client.v1.customers.retrieve_async(customer)
        assert after.invoice_settings.default_payment_method is None
        assert (await client.v1.customers.payment_methods.list_async(customer)).data == []
        for again in (
            client.v1.payment_methods.detach_async(card),
            client.v1.payment_methods.attach_async(card, {"customer": customer}),
        ):
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await again
            assert (refused.value.http_status, refused.value.code) == (400, None)
        with pytest.raises(stripe.InvalidRequestError) as unknown:
            await client.v1.customers.payment_methods.retrieve_async(customer, card)
        assert (unknown.value.code, unknown.value.param) == ("resource_missing", "customer")


@pytest.mark.parametrize(
    "card", ["pm_card_authenticationRequired", "pm_card_threeDSecure2Required"]
)
async def test_cards_that_ask_for_authentication_are_not_carried(serve: Serve, card: str) -> None:
    """Nobody could authenticate here, so they are refused by our own name."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        with pytest.raises(stripe.InvalidRequestError) as refused:
            await client.v1.payment_methods.attach_async(card, {"customer": await payer(client)})
        assert refused.value.code == "simulator_unsupported"


async def test_an_invoice_with_an_open_or_a_paid_payment_is_not_voided(serve: Serve) -> None:
    """docs.stripe.com/invoicing/partial-payments, "Invoice payment statuses". The default payment
    is none of them: the void cancels it."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        customer = await card_customer(client)
        for confirm in (False, True):
            invoice = await charged(client, customer, 10_000)
            terms: Any = {"confirm": True, "off_session": True} if confirm else {}
            part = await client.v1.payment_intents.create_async(
                {
                    "amount": 4000,
                    "currency": "usd",
                    "customer": customer,
                    "payment_method": "pm_card_visa",
                    **terms,
                }
            )
            await client.v1.invoices.attach_payment_async(invoice.id, {"payment_intent": part.id})
            with pytest.raises(stripe.InvalidRequestError, match="open or paid payments") as told:
                await client.v1.invoices.void_invoice_async(invoice.id)
            assert told.value.code == "invoice_not_editable"
        untouched = await charged(client, customer, 10_000)
        assert (await client.v1.invoices.void_invoice_async(untouched.id)).status == "void"
