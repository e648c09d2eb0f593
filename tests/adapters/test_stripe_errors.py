"""What Stripe's answers mean, off the wire: errors, outcomes, keys, and what is never shown."""

from __future__ import annotations

import urllib.parse
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import BillingCustomer
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    NotFound,
    RateLimited,
    VendorUnavailable,
)
from dealthread.outcome import Done, Rejected, Unknown
from tests.adapters.fake_clock import FixedClock
from tests.adapters.stripe_samples import CUSTOMER_NULLS, EMAIL, KEY, NOW, PERSON, onboarding
from tests.support import deals

MADE = {**CUSTOMER_NULLS, "id": "cus_1", "object": "customer", "metadata": {}}

Answer = Callable[[httpx.Request], httpx.Response]


class Wire:
    """Answers as told and keeps what was sent."""

    def __init__(self) -> None:
        self.answer: Answer = lambda _: httpx.Response(200, json={})
        self.sent: list[httpx.Request] = []

    def handle(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        self.sent.append(request)
        return self.answer(request)

    def form(self) -> list[tuple[str, str]]:
        """The last body."""
        return urllib.parse.parse_qsl(self.sent[-1].content.decode(), keep_blank_values=True)


@pytest.fixture
def wire() -> Wire:
    """The network."""
    return Wire()


@pytest.fixture
async def billing(wire: Wire) -> AsyncIterator[StripeBilling]:
    """Our adapter, at Stripe's own address, on that network."""
    adapter = StripeBilling(
        StripeSettings(accounts={"acct_us01": SecretStr("sk_test_secret")}),
        FixedClock(NOW),
        transport=lambda: httpx.MockTransport(wire.handle),
    )
    yield adapter
    await adapter.aclose()


async def create(billing: StripeBilling) -> Any:
    """A customer's creation."""
    return await billing.create_customer(onboarding(deals.d1()), idempotency_key=KEY)


def refusal(
    status: int, kind: str, code: str, headers: dict[str, str] | None = None, **fields: Any
) -> Answer:
    """Stripe's error shape, with a message that repeats what was sent."""
    error = {"type": kind, "code": code, "message": f"Invalid: {PERSON} {EMAIL}", **fields}
    return lambda _: httpx.Response(status, json={"error": error}, headers=headers)


def raising(error: Exception) -> Answer:
    """A transport failure."""

    def answer(_: httpx.Request) -> httpx.Response:
        raise error

    return answer


RAISED: list[tuple[str, Answer, type[DealthreadError]]] = [
    ("429", refusal(429, "invalid_request_error", "rate_limit"), RateLimited),
    ("lock", refusal(429, "invalid_request_error", "lock_timeout"), RateLimited),
    ("401", refusal(401, "invalid_request_error", ""), AuthRejected),
    ("403", refusal(403, "invalid_request_error", ""), AuthRejected),
    ("in use", refusal(409, "idempotency_error", "idempotency_key_in_use"), VendorUnavailable),
    ("409", refusal(409, "invalid_request_error", "resource_changed"), Conflict),
    ("mismatch", refusal(400, "idempotency_error", ""), InvariantBroken),
    ("refused", raising(httpx.ConnectError("x")), VendorUnavailable),
    ("no answer to connect", raising(httpx.ConnectTimeout("x")), VendorUnavailable),
    ("pool", raising(httpx.PoolTimeout("x")), VendorUnavailable),
    ("simulator", refusal(400, "invalid_request_error", "simulator_unsupported",
                          param="items[0][tax_rates][0]"), ContractDrift),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "error"), [row[1:] for row in RAISED],
                         ids=[row[0] for row in RAISED])  # fmt: skip
async def test_what_excludes_an_effect_is_raised(
    billing: StripeBilling, wire: Wire, answer: Answer, error: type[DealthreadError]
) -> None:
    """The port's rule for writes; one call, never repeated by the SDK itself."""
    wire.answer = answer
    with pytest.raises(error):
        await create(billing)
    assert len(wire.sent) == 1


UNKNOWN: list[tuple[str, Answer, str]] = [
    ("500", refusal(500, "api_error", ""), "server_error"),
    ("saved 500", refusal(500, "api_error", "", {"Idempotent-Replayed": "true"}), ""),
    ("502 html", lambda _: httpx.Response(502, html="<html>bad gateway</html>"), "server_error"),
    ("truncated", lambda _: httpx.Response(200, content=b'{"id": "cus'), "malformed_answer"),
    ("html 200", lambda _: httpx.Response(200, html="<html>"), "malformed_answer"),
    ("no id", lambda _: httpx.Response(200, json={}), "answer_without_id"),
    ("id null", lambda _: httpx.Response(200, json={"id": None}), "answer_without_id"),
    ("redirect", lambda _: httpx.Response(302, headers={"location": "http://x"}), ""),
    ("read timeout", raising(httpx.ReadTimeout("x")), "read_timeout"),
    ("reset", raising(httpx.ReadError("x")), "connection_reset"),
    ("cut", raising(httpx.RemoteProtocolError("x")), "connection_reset"),
]


@pytest.mark.parametrize(("answer", "code"), [row[1:] for row in UNKNOWN],
                         ids=[row[0] for row in UNKNOWN])  # fmt: skip
async def test_what_does_not_exclude_an_effect_is_unknown(
    billing: StripeBilling, wire: Wire, answer: Answer, code: str
) -> None:
    """K2, K4, K5, K6."""

    def on_write(request: httpx.Request) -> httpx.Response:
        empty = {"object": "list", "data": [], "has_more": False}
        return answer(request) if request.method == "POST" else httpx.Response(200, json=empty)

    wire.answer = on_write
    outcome = await create(billing)
    assert isinstance(outcome, Unknown), outcome
    assert not code or outcome.code == code


REJECTED: list[tuple[str, Answer, str, str]] = [
    ("card", refusal(402, "card_error", "card_declined"), "customer.data_missing", "card_declined"),
    ("tax id", refusal(400, "invalid_request_error", "tax_id_invalid"), "tax.identifier",
     "tax_id_invalid"),
    ("tax rate", refusal(400, "invalid_request_error", "resource_missing",
                         param="items[0][tax_rates][0]"), "tax.rejected", "resource_missing"),
    ("product", refusal(404, "invalid_request_error", "resource_missing",
                        param="items[0][price_data][product]"), "catalogue.drift",
     "resource_missing"),
    ("other", refusal(400, "invalid_request_error", "parameter_invalid_empty", param="name"),
     "customer.sync_failed", "parameter_invalid_empty"),
    ("no code", refusal(400, "invalid_request_error", ""), "customer.sync_failed", "http_400"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "case_kind", "code"), [row[1:] for row in REJECTED],
                         ids=[row[0] for row in REJECTED])  # fmt: skip
async def test_a_refusal_is_rejected_and_repeats_no_personal_data(
    billing: StripeBilling, wire: Wire, answer: Answer, case_kind: str, code: str
) -> None:
    """K7; Stripe's messages repeat what was sent, so they are never passed on."""
    wire.answer = answer
    outcome = await create(billing)
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == (case_kind, code)
    assert PERSON not in repr(outcome)
    assert EMAIL not in repr(outcome)


async def test_no_error_shows_personal_data_or_the_key(
    billing: StripeBilling, wire: Wire, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in messages nor in evidence nor in logs."""
    caplog.set_level("DEBUG")
    shown = []
    for _, answer, _ in RAISED:
        wire.answer = answer
        try:
            await create(billing)
        except DealthreadError as error:
            shown.append(f"{error!r} {error.evidence} {error.__cause__!r}")
    text = " ".join(shown) + caplog.text
    for secret in (PERSON, EMAIL, "sk_test_secret"):
        assert secret not in text


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7), ("Wed, 21 Oct 2015 07:28:00 GMT", 0), ("garbage", 5), (None, 5)],
)
async def test_retry_after_of_a_rate_limit_is_kept(
    billing: StripeBilling, wire: Wire, header: str | None, expected: int
) -> None:
    """K3: the SDK ignores it; it stands in the headers."""
    headers = {"Retry-After": header} if header else {}
    wire.answer = refusal(429, "invalid_request_error", "rate_limit", headers)
    with pytest.raises(RateLimited) as limited:
        await create(billing)
    assert limited.value.retry_after == timedelta(seconds=expected)


async def test_a_saved_server_error_is_not_waited_out(billing: StripeBilling, wire: Wire) -> None:
    """S2: Stripe replays the stored 500 for a day; nothing found, the key gets a suffix."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(200, json={"object": "list", "data": [], "has_more": False})
        if request.headers["idempotency-key"] == KEY:
            return httpx.Response(
                500, json={"error": {"type": "api_error"}}, headers={"Idempotent-Replayed": "true"}
            )
        return httpx.Response(200, json=MADE)

    wire.answer = answer
    outcome = await create(billing)
    assert isinstance(outcome, Done)
    keys = [request.headers["idempotency-key"] for request in wire.sent if request.method == "POST"]
    assert keys == [KEY, f"{KEY}:again"]


async def test_the_key_goes_out_verbatim_and_too_long_a_one_does_not(
    billing: StripeBilling, wire: Wire
) -> None:
    """At most 255 characters."""
    wire.answer = lambda _: httpx.Response(200, json=MADE)
    await create(billing)
    assert wire.sent[0].headers["idempotency-key"] == KEY
    assert wire.sent[0].headers["stripe-version"]
    with pytest.raises(InvariantBroken):
        await billing.create_customer(onboarding(deals.d1()), idempotency_key="k" * 256)
    assert len(wire.sent) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (lambda _: httpx.Response(200, content=b"{"), ContractDrift),
        (lambda _: httpx.Response(200, json={"data": "x"}), ContractDrift),
        (lambda _: httpx.Response(200, json={"data": [1]}), ContractDrift),
        (lambda _: httpx.Response(503, html="<html>"), VendorUnavailable),
        (raising(httpx.ReadTimeout("x")), VendorUnavailable),
        (refusal(404, "invalid_request_error", "resource_missing"), NotFound),
        (refusal(401, "invalid_request_error", ""), AuthRejected),
        (refusal(429, "invalid_request_error", ""), RateLimited),
    ],
)
async def test_a_read_fails_by_error_never_by_outcome(
    billing: StripeBilling, wire: Wire, answer: Answer, error: type[DealthreadError]
) -> None:
    """Reads can be repeated, or their answer's shape is not known."""
    wire.answer = answer
    with pytest.raises(error):
        await billing.find_customer("acct_us01", "A-1")


async def test_ids_of_one_account_are_not_used_at_another(billing: StripeBilling) -> None:
    """`cus_…` means something else there."""
    foreign = BillingCustomer(
        ref=Ref(system=System.BILLING, account="acct_de01", kind="customer", native_id="cus_1"),
        customer_key="A-1",
    )
    with pytest.raises(InvariantBroken):
        await billing.update_customer(onboarding(deals.d1()), foreign, idempotency_key="k")
    with pytest.raises(InvariantBroken):
        await billing.find_customer("acct_unknown", "A-1")


async def test_a_customer_is_sent_with_its_tax_identifier_and_language(
    billing: StripeBilling, wire: Wire
) -> None:
    """What Stripe needs for a lawful invoice, and our keys; blanks are left out."""
    wire.answer = lambda _: httpx.Response(200, json=MADE)
    await create(billing)
    form = dict(wire.form())
    assert form["tax_id_data[0][type]"] == "eu_vat"
    assert form["tax_id_data[0][value]"] == "DE199999907"
    assert form["email"] == EMAIL
    assert form["preferred_locales[0]"] == "de"
    assert form["metadata[dealthread_customer]"] == "A-NORDWERK"
    assert form["metadata[dealthread_parent]"] == "A-PARENT"
    assert "" not in form.values()
