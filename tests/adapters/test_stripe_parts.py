"""The Stripe adapter's parts without a simulator: errors off the wire, plans, request shapes."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
import stripe.params
from pydantic import SecretStr

from adapters.stripe import requests, translate
from adapters.stripe.billing import StripeBilling
from adapters.stripe.customers import difference, wanted
from adapters.stripe.plan import Every, midnight, plan_of
from adapters.stripe.settings import StripeSettings
from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingFrequency, CollectionMethod, TermKind
from dealthread.domain.documents import BillingCustomer
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.party import Contact, ContactPurpose
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    DealthreadError,
    InvariantBroken,
    NotFound,
    RateLimited,
    StepRejected,
    VendorUnavailable,
)
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports import OnboardBillingCustomer
from tests.adapters.fake_clock import FixedClock
from tests.adapters.stripe_types import faults
from tests.support import deals

NOW = datetime(2026, 3, 15, 9, tzinfo=UTC)
KEY = "quote-to-cash:org:deal#1/customer/do"
RATES = {"US-TX-SAAS": "txr_1", "US-TX-SVC0": "txr_2", "DE-19": "txr_3", "US-NY-SAAS": "txr_4"}
PERSON = "Erika Mustermann"
EMAIL = "erika@example.com"

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


def onboarding(contract: Contract) -> OnboardBillingCustomer:
    """Harborline, with a person and a tax identifier."""
    contact = Contact(
        ref=contract.customer_ref,
        purpose=ContactPurpose.ACCOUNTS_PAYABLE,
        name=PERSON,
        email=EMAIL,
        language="de",
    )
    party = deals.NORDWERK.model_copy(update={"contacts": (contact,)})
    return OnboardBillingCustomer(
        customer_key="A-NORDWERK",
        billing_account="acct_us01",
        party=party,
        parent_customer_key="A-PARENT",
        currency="USD",
    )


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
]


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
        return httpx.Response(200, json={"id": "cus_1", "object": "customer"})

    wire.answer = answer
    outcome = await create(billing)
    assert isinstance(outcome, Done)
    keys = [request.headers["idempotency-key"] for request in wire.sent if request.method == "POST"]
    assert keys == [KEY, f"{KEY}:again"]


async def test_the_key_goes_out_verbatim_and_too_long_a_one_does_not(
    billing: StripeBilling, wire: Wire
) -> None:
    """At most 255 characters."""
    wire.answer = lambda _: httpx.Response(200, json={"id": "cus_1", "object": "customer"})
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
    wire.answer = lambda _: httpx.Response(200, json={"id": "cus_1", "object": "customer"})
    await create(billing)
    form = dict(wire.form())
    assert form["tax_id_data[0][type]"] == "eu_vat"
    assert form["tax_id_data[0][value]"] == "DE199999907"
    assert form["email"] == EMAIL
    assert form["preferred_locales[0]"] == "de"
    assert form["metadata[dealthread_customer]"] == "A-NORDWERK"
    assert form["metadata[dealthread_parent]"] == "A-PARENT"
    assert "" not in form.values()


# ---------------------------------------------------------------- plans


def recurring(
    contract: Contract, price: str, quantity: str, period: int, committed: str
) -> Contract:
    """The contract with its first line only, at another price."""
    line = contract.lines[0].model_copy(
        update={
            "unit_price": UnitPrice.of(price, contract.currency),
            "quantity": Decimal(quantity),
            "period_months": period,
            "committed_net": Money.of(committed, contract.currency),
            "end_date": contract.end_date,
        }
    )
    return contract.model_copy(update={"lines": (line,)})


def test_a_plan_holds_each_line_once_per_billing_period() -> None:
    """D1: seats yearly, onboarding once, amounts exact in minor units."""
    plan = plan_of(deals.d1())
    (seats,), (onboarding_fee,) = plan.first.recurring, plan.first.one_time
    assert (seats.unit_amount, seats.quantity, seats.every) == (
        Decimal(27000),
        50,
        Every("year", 1),
    )
    assert str(seats.unit_amount) == "27000"
    assert (onboarding_fee.unit_amount, onboarding_fee.every) == (Decimal(150000), None)
    assert not plan.needs_schedule(NOW)
    assert plan.next_boundary(NOW) == date(2027, 1, 1)
    assert plan.end == date(2027, 1, 1)


def test_a_ramp_has_a_phase_for_each_segment() -> None:
    """D4."""
    plan = plan_of(deals.d4())
    assert [phase.recurring[0].quantity for phase in plan.phases] == [100, 150, 200]
    assert [phase.start.year for phase in plan.phases] == [2026, 2027, 2028]
    assert plan.phases[-1].end == date(2029, 2, 1)
    assert plan.needs_schedule(NOW)


@pytest.mark.parametrize(
    ("frequency", "price", "period", "unit", "every"),
    [
        (BillingFrequency.YEARLY, "300.00", 12, "30000", Every("year", 1)),
        (BillingFrequency.QUARTERLY, "25.00", 1, "7500", Every("month", 3)),
        (BillingFrequency.MONTHLY, "25.00", 1, "2500", Every("month", 1)),
        (BillingFrequency.SEMI_ANNUAL, "25.00", 1, "15000", Every("month", 6)),
        (BillingFrequency.TERM, "25.00", 1, "30000", Every("year", 1)),
        (BillingFrequency.MONTHLY, "0.000000001234", 1, "0.000000123400", Every("month", 1)),
    ],
)
def test_a_price_is_billed_at_the_billing_frequency(
    frequency: BillingFrequency, price: str, period: int, unit: str, every: Every
) -> None:
    """The price pays for its own period; a bill covers a multiple of it."""
    base = deals.d1().model_copy(update={"billing_frequency": frequency})
    charge = plan_of(recurring(base, price, "1", period, "300.00")).first.recurring[0]
    assert charge.unit_amount == Decimal(unit)
    assert charge.every == every


def test_a_term_shorter_than_its_frequency_is_billed_once_for_what_was_committed() -> None:
    """Six months of a yearly price: 181 of 365 days by the contract, one bill."""
    end = date(2026, 7, 1)
    base = deals.d1().model_copy(update={"end_date": end, "committed_until": end})
    charge = plan_of(recurring(base, "300.00", "10", 12, "1487.67")).first.recurring[0]
    assert charge.every == Every("month", 6)
    assert Money.rounded(charge.unit_amount / 100 * 10, "USD") == Money.of("1487.67", "USD")


def test_an_odd_term_is_billed_by_its_days() -> None:
    """45 days, one bill."""
    end = date(2026, 2, 15)
    base = deals.d1().model_copy(update={"end_date": end, "committed_until": end})
    charge = plan_of(recurring(base, "300.00", "1", 12, "36.99")).first.recurring[0]
    assert charge.every == Every("day", 45)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        (
            {"billing_frequency": BillingFrequency.TERM, "term_kind": TermKind.EVERGREEN},
            "prepaid_term_without_end",
        ),
        (
            {
                "billing_frequency": BillingFrequency.TERM,
                "end_date": date(2030, 1, 1),
                "committed_until": date(2030, 1, 1),
            },
            "billing_period_longer_than_three_years",
        ),
    ],
)
def test_terms_that_the_biller_cannot_hold_are_refused(changes: dict[str, Any], code: str) -> None:
    """Never billed in another way than agreed."""
    contract = deals.d1().model_copy(update=changes)
    lines = tuple(line.model_copy(update={"end_date": None}) for line in contract.lines)
    with pytest.raises(StepRejected) as refused:
        plan_of(contract.model_copy(update={"lines": lines}))
    assert refused.value.code == code


def test_a_gap_between_segments_is_refused() -> None:
    """V14: segments are contiguous; a biller without items would end the agreement."""
    contract = deals.d4()
    lines = (contract.lines[0], contract.lines[2])
    with pytest.raises(StepRejected) as refused:
        plan_of(contract.model_copy(update={"lines": lines}))
    assert refused.value.code == "gap_without_recurring_line"


# ---------------------------------------------------------------- request shapes


def ramp() -> Contract:
    """D4."""
    return deals.d4()


def with_order() -> Contract:
    """D2 with the customer's purchase order number."""
    return deals.d2()


def month_end() -> Contract:
    """Monthly from 31 January."""
    start = date(2026, 1, 31)
    base = deals.d1().model_copy(
        update={
            "billing_frequency": BillingFrequency.MONTHLY,
            "start_date": start,
            "end_date": date(2027, 1, 31),
            "committed_until": date(2027, 1, 31),
        }
    )
    contract = recurring(base, "25.00", "1", 1, "300.00")
    return contract.model_copy(
        update={"lines": (contract.lines[0].model_copy(update={"start_date": start}),)}
    )


@pytest.mark.parametrize("contract", [deals.d1(), ramp(), with_order(), month_end()],
                         ids=["D1", "D4", "D2", "month end"])  # fmt: skip
@pytest.mark.parametrize("hold", [False, True])
@pytest.mark.parametrize("renew", [False, True])
def test_requests_fit_stripes_own_types(contract: Contract, hold: bool, renew: bool) -> None:
    """No unknown field, no wrong value: judged by the types that Stripe generates."""
    contract = contract.model_copy(update={"auto_renew": renew})
    plan = plan_of(contract)
    terms = requests.terms_of(contract, KEY, hold)
    shapes: list[tuple[Any, Any]] = [
        (
            stripe.params.SubscriptionCreateParams,
            requests.subscription(plan, terms, "cus_1", RATES, NOW),
        ),
        (
            stripe.params.SubscriptionScheduleCreateParams,
            requests.schedule(plan, terms, "cus_1", RATES),
        ),
        (
            stripe.params.InvoiceCreatePreviewParams,
            requests.preview(plan, deals.NORDWERK, RATES, NOW),
        ),
    ]
    for kind, params in shapes:
        assert faults(kind, params) == []
        assert faults(kind, {**params, "invented": 1}) == [".invented: unknown"]
        assert faults(kind, {**params, "expand": "all"}) == [".expand: not a list"]


def test_a_backdated_start_bills_whole_periods_from_it() -> None:
    """Anchored on the next boundary, the time since the start is whole periods."""
    plan = plan_of(deals.d1())
    params = requests.subscription(
        plan, requests.terms_of(deals.d1(), KEY, False), "cus_1", RATES, NOW
    )
    assert params["backdate_start_date"] == int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    assert params["billing_cycle_anchor"] == int(datetime(2027, 1, 1, tzinfo=UTC).timestamp())
    assert params["cancel_at"] == params["billing_cycle_anchor"]
    assert params["payment_behavior"] == "allow_incomplete"
    assert params["off_session"] is True
    at_start = requests.subscription(
        plan, requests.terms_of(deals.d1(), KEY, False), "cus_1", RATES, midnight(plan.start)
    )
    assert "backdate_start_date" not in at_start


def test_a_cycle_of_the_31st_keeps_its_day() -> None:
    """Anchored by day of month: a timestamp on 28 February would pull it there for good."""
    plan = plan_of(month_end())
    params = requests.subscription(
        plan, requests.terms_of(month_end(), KEY, False), "cus_1", RATES,
        datetime(2026, 2, 3, tzinfo=UTC),
    )  # fmt: skip
    assert params["billing_cycle_anchor_config"]["day_of_month"] == 31
    assert "billing_cycle_anchor" not in params


def test_a_held_invoice_is_collected_by_mail_and_marked() -> None:
    """A draft that is charged automatically would be finalised at once."""
    contract = deals.d1().model_copy(update={"seller_country": "US"})
    terms = requests.terms_of(contract, f"{KEY}~2", True)
    params = requests.subscription(plan_of(contract), terms, "cus_1", RATES, NOW)
    assert contract.collection_method is CollectionMethod.CARD
    assert params["collection_method"] == "send_invoice"
    assert terms.metadata == {
        "dealthread_contract": "C-D1",
        "dealthread_key": KEY,
        "dealthread_deal": contract.deal_id,
        "dealthread_hold": "review",
        "dealthread_collection": "card",
        "dealthread_committed_until": "2027-01-01",
        "dealthread_seller_country": "US",
    }


def test_the_customers_order_number_is_printed_where_collectors_look() -> None:
    """V29: the customer's own number stands on each invoice, never our key."""
    contract = with_order()
    params = requests.subscription(
        plan_of(contract), requests.terms_of(contract, KEY, False), "cus_1", RATES, NOW
    )
    assert json.dumps(params["invoice_settings"]) == json.dumps(
        {"custom_fields": [{"name": "PO number", "value": "4500098765"}]}
    )


def test_a_preview_sends_the_place_and_no_name() -> None:
    """Only what may decide a tax."""
    params = requests.preview(plan_of(deals.d1()), deals.HARBORLINE, RATES, NOW)
    text = repr(params)
    assert "Austin" in text
    for private in (deals.HARBORLINE.legal_name, deals.HARBORLINE.billing_address.street):
        assert private not in text


# ---------------------------------------------------------------- translation


def test_lines_of_equal_price_are_told_apart_by_their_order() -> None:
    """A preview's items do not exist: product, amount and quantity name the charge."""
    contract = deals.d1()
    twin = contract.lines[0].model_copy(update={"line_key": "L-TWIN"})
    plan = plan_of(contract.model_copy(update={"lines": (contract.lines[0], twin)}))
    keys = translate.LineKeys({}, plan.first.recurring)
    line = {
        "pricing": {
            "price_details": {"product": "seat-std"},
            "unit_amount_decimal": "27000.00",
        },
        "quantity": 50,
        "metadata": {},
    }
    assert [keys.of(line) for _ in range(4)] == ["L-D1-SEATS", "L-TWIN", "L-D1-SEATS", "L-TWIN"]
    assert keys.of({**line, "quantity": 51}) == ""
    assert keys.of({**line, "metadata": {"dealthread_line": "L-X"}}) == "L-X"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"total": "100"}, "total"),
        ({"total": 1.5}, "total"),
        ({"total": None}, "total"),
        ({"currency": "xxx"}, "currency"),
        ({"status": "new"}, "status"),
        ({"total_taxes": {}}, "total_taxes"),
        ({"due_date": "soon"}, "due_date"),
    ],
)
def test_an_invoice_of_another_shape_names_its_field(changes: dict[str, Any], field: str) -> None:
    """ContractDrift, never a crash."""
    row = {
        "id": "in_1",
        "currency": "usd",
        "status": "open",
        "total": 100,
        "amount_due": 100,
        "total_taxes": [],
        **changes,
    }
    with pytest.raises(ContractDrift) as drift:
        translate.invoice("acct_us01", row, [], translate.LineKeys({}), {})
    assert drift.value.evidence == {"field": field}


def test_gross_is_the_documents_total_and_not_what_is_left_to_pay() -> None:
    """A customer balance lowers what is due; the invoice stays what it says."""
    row = {
        "id": "in_1",
        "currency": "eur",
        "status": "open",
        "total": 1632632,
        "amount_due": 1370624,
        "total_taxes": [{"amount": 260672}],
    }
    invoice = translate.invoice("acct_de01", row, [], translate.LineKeys({}), {})
    assert (invoice.net, invoice.tax, invoice.gross, invoice.amount_due) == (
        Money.of("13719.60", "EUR"),
        Money.of("2606.72", "EUR"),
        Money.of("16326.32", "EUR"),
        Money.of("13706.24", "EUR"),
    )


def test_null_blank_and_absent_are_one_when_records_are_compared() -> None:
    """Stripe stores an empty text as null."""
    command = onboarding(deals.d1())
    fields = wanted(command)
    present = {
        "name": command.party.legal_name,
        "email": EMAIL,
        "preferred_locales": ["de"],
        "address": {**fields["address"], "line2": None, "state": None},
        "metadata": {"dealthread_customer": "A-NORDWERK", "dealthread_parent": "A-PARENT",
                     "other": "kept"},
    }  # fmt: skip
    assert difference(fields, present) == {}
    assert difference(fields, {**present, "email": "old@example.com"}) == {"email": EMAIL}
    unused = {**present["metadata"], "dealthread_unused": "true"}
    assert difference(fields, {**present, "metadata": unused}) == {
        "metadata": {"dealthread_unused": ""}
    }


def test_the_judge_of_request_shapes_bites_below_the_surface() -> None:
    """An unknown or wrong value inside an item is found, too."""
    plan = plan_of(deals.d1())
    terms = requests.terms_of(deals.d1(), KEY, False)
    params: Any = requests.subscription(plan, terms, "cus_1", RATES, NOW)
    kind = stripe.params.SubscriptionCreateParams
    params["items"][0]["price_data"]["amount"] = 1
    assert faults(kind, params) == [".items[0].price_data.amount: unknown"]
    del params["items"][0]["price_data"]["amount"]
    params["items"][0]["price_data"]["recurring"]["interval"] = "years"
    assert len(faults(kind, params)) == 1
    del params["items"][0]["price_data"]["product"]
    assert ".items[0].price_data.product: missing" in faults(kind, params)
