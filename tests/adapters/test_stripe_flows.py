"""What the Stripe adapter does when the other side is not as fresh or as simple as a test's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import Agreement, AgreementStatus, BillingCustomer
from dealthread.errors import ContractDrift, InvariantBroken, StepRejected
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.billing import StartAgreement
from tests.adapters.fake_clock import FixedClock
from tests.adapters.stripe_samples import CUSTOMER_NULLS, INVOICE_NULLS, LINE_NULLS, onboarding
from tests.adapters.stripe_wire import Routes, page, stripe_error
from tests.support import deals

KEY = "quote-to-cash:org:deal#1/subscription/do"
NOW = datetime(2026, 3, 15, 9, tzinfo=UTC)
ACCOUNT = "acct_us01"
MARKS = {"dealthread_contract": "C-D1", "dealthread_key": KEY}
RATES = page(
    {"id": "txr_1", "percentage": 6.6, "metadata": {"dealthread_tax_code": "US-TX-SAAS"}},
    {"id": "txr_2", "percentage": 0, "metadata": {"dealthread_tax_code": "US-TX-SVC0"}},
    {"id": "txr_0", "percentage": 5, "metadata": {"dealthread_tax_code": "US-TX-SAAS"}},
    {"id": "txr_x", "percentage": 1, "metadata": {}},
)


@pytest.fixture
def routes() -> Routes:
    """The network, with the account's tax rates."""
    found = Routes()
    found.on("GET", "/v1/tax_rates", RATES)
    return found


@pytest.fixture
async def billing(routes: Routes) -> AsyncIterator[StripeBilling]:
    """Our adapter on that network."""
    adapter = StripeBilling(
        StripeSettings(accounts={ACCOUNT: SecretStr("sk_test_secret")}),
        FixedClock(NOW),
        transport=lambda: httpx.MockTransport(routes.handle),
    )
    yield adapter
    await adapter.aclose()


def ref(kind: str, native_id: str) -> Ref:
    """A native billing reference."""
    return Ref(system=System.BILLING, account=ACCOUNT, kind=kind, native_id=native_id)


CUSTOMER = BillingCustomer(ref=ref("customer", "cus_1"), customer_key="A-HARBORLINE")
START = StartAgreement(contract=deals.d1(), customer=CUSTOMER, hold_first_invoice=False)
AGREEMENT = Agreement(
    ref=ref("subscription", "sub_1"),
    subscription=ref("subscription", "sub_1"),
    status=AgreementStatus.ACTIVE,
)


def invoice(native_id: str = "in_1", **changes: Any) -> dict[str, Any]:
    """A first invoice of one line."""
    line = {
        **LINE_NULLS,
        "id": "il_1",
        "amount": 100,
        "quantity": 1,
        "metadata": {},
        "taxes": [],
        "parent": {"subscription_item_details": {"subscription_item": "si_1"}},
        "period": {"start": 1767225600, "end": 1798761600},
    }
    return {
        **INVOICE_NULLS,
        "id": native_id,
        "object": "invoice",
        "billing_reason": "subscription_create",
        "currency": "usd",
        "status": "open",
        "total": 100,
        "amount_due": 100,
        "total_taxes": [],
        "pre_payment_credit_notes_amount": 0,
        "lines": page(line),
        "metadata": {},
        **changes,
    }


def subscription(**changes: Any) -> dict[str, Any]:
    """An active subscription of ours."""
    item = {"id": "si_1", "metadata": {"dealthread_line": "L-1"}}
    return {
        "id": "sub_1",
        "object": "subscription",
        "customer": "cus_1",
        "status": "active",
        "schedule": None,
        "metadata": MARKS,
        "items": page(item),
        "latest_invoice": invoice(),
        **changes,
    }


async def test_after_a_renewal_the_first_invoice_is_the_oldest(
    billing: StripeBilling, routes: Routes
) -> None:
    """The latest invoice is not the first one any more."""
    renewal = invoice("in_2", billing_reason="subscription_cycle")
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(latest_invoice=renewal))
    routes.on("GET", "/v1/invoices", page(renewal, invoice("in_1")))
    state = await billing.read_agreement(AGREEMENT, ACCOUNT)
    assert state.first_invoice is not None
    assert state.first_invoice.ref == ref("invoice", "in_1")
    assert state.first_invoice.lines[0].line_key == "L-1"


async def test_an_invoice_of_many_lines_is_read_whole(
    billing: StripeBilling, routes: Routes
) -> None:
    """The object carries the first ten; the rest is paged."""
    line = invoice()["lines"]["data"][0]
    many = invoice(lines=page(line, more=True))
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(latest_invoice=many))

    def lines(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("starting_after") == "il_1":
            return httpx.Response(200, json=page({**line, "id": "il_2"}))
        return httpx.Response(200, json=page(line, more=True))

    routes.on("GET", "/v1/invoices/in_1/lines", lines)
    state = await billing.read_agreement(AGREEMENT, ACCOUNT)
    assert state.first_invoice is not None
    assert len(state.first_invoice.lines) == 2


async def test_a_repeat_that_differs_counts_what_the_first_one_made(
    billing: StripeBilling, routes: Routes
) -> None:
    """S4: the request depends on the day; the same key on the other side of a boundary."""
    routes.on("POST", "/v1/subscriptions", stripe_error(400, "idempotency_error"))
    routes.on("GET", "/v1/subscriptions", page(subscription()))
    outcome = await billing.start_agreement(START, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert outcome.value.ref == AGREEMENT.ref


async def test_a_repeat_that_differs_and_made_nothing_is_a_bug_of_ours(
    billing: StripeBilling, routes: Routes
) -> None:
    """S4: never a new key blindly."""
    routes.on("POST", "/v1/subscriptions", stripe_error(400, "idempotency_error"))
    routes.on("GET", "/v1/subscriptions", page())
    routes.on("GET", "/v1/subscription_schedules", page())
    with pytest.raises(InvariantBroken):
        await billing.start_agreement(START, idempotency_key=KEY)


async def test_a_saved_server_error_whose_effect_exists_is_done(
    billing: StripeBilling, routes: Routes
) -> None:
    """S2: looked up first; nothing is sent under another key."""
    saved = stripe_error(500, "api_error", **{"Idempotent-Replayed": "true"})
    routes.on("POST", "/v1/subscriptions", saved)
    routes.on("GET", "/v1/subscriptions", page(subscription()))
    outcome = await billing.start_agreement(START, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert routes.keys == [KEY]


async def test_a_failure_after_the_effect_is_unknown_and_not_no_effect(
    billing: StripeBilling, routes: Routes
) -> None:
    """The subscription is made; holding its draft meets a rate limit."""
    command = START.model_copy(update={"hold_first_invoice": True})
    marks = {**MARKS, "dealthread_hold": "review"}
    draft = invoice(status="draft", auto_advance=True)
    routes.on("POST", "/v1/subscriptions", subscription(metadata=marks, latest_invoice=draft))
    limited = stripe_error(429, "invalid_request_error", "rate_limit", **{"Retry-After": "3"})
    routes.on("POST", "/v1/invoices/in_1", limited)
    outcome = await billing.start_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Unknown)
    assert outcome.code == "effect_not_read_back"
    assert outcome.retry_after is not None
    assert routes.keys == [KEY, f"{KEY}:hold"]


async def test_an_agreement_whose_hold_is_refused_exists_and_is_not_held(
    billing: StripeBilling, routes: Routes
) -> None:
    """The subscription is made, so the answer is not "nothing was written"; nor is it `held`."""
    command = START.model_copy(update={"hold_first_invoice": True})
    marks = {**MARKS, "dealthread_hold": "review"}
    draft = invoice(status="draft", auto_advance=True)
    made = subscription(metadata=marks, latest_invoice=draft)
    routes.on("POST", "/v1/subscriptions", made)
    routes.on("GET", "/v1/subscriptions", page(made))
    routes.on("GET", "/v1/subscriptions/sub_1", made)
    refused = stripe_error(400, "invalid_request_error", "invoice_not_editable")
    routes.on("POST", "/v1/invoices/in_1", refused)
    outcome = await billing.start_agreement(command, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    assert outcome.value.status is AgreementStatus.ACTIVE
    assert outcome.value.bills_by_itself()
    assert await billing.find_agreement(deals.d1(), CUSTOMER, idempotency_key=KEY) == outcome.value
    assert routes.keys == [KEY, f"{KEY}:hold"], "a look-up writes nothing"

    for _ in range(2):
        held = await billing.hold_first_invoice(outcome.value, ACCOUNT, idempotency_key=KEY)
        assert isinstance(held, Rejected)
        assert (held.case_kind, held.code) == ("billing.rejected", "invoice_not_editable")
    assert len(set(routes.keys)) == 4, "a stored refusal must not be replayed for ever"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (stripe_error(500, "api_error"), None),
        (invoice(status="draft", auto_advance=False), AgreementStatus.HELD),
    ],
    ids=["server error", "held"],
)
async def test_a_hold_that_is_asked_for_again_says_what_became_of_it(
    billing: StripeBilling, routes: Routes, answer: Any, status: AgreementStatus | None
) -> None:
    """Held, or not known to be."""
    marks = {**MARKS, "dealthread_hold": "review"}
    draft = invoice(status="draft", auto_advance=True)
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(metadata=marks, latest_invoice=draft))
    routes.on("POST", "/v1/invoices/in_1", answer)
    outcome = await billing.hold_first_invoice(AGREEMENT, ACCOUNT, idempotency_key=KEY)
    if status is None:
        assert isinstance(outcome, Unknown)
    else:
        assert isinstance(outcome, Done)
        assert outcome.value.status is status


async def test_the_agreement_of_another_act_is_not_ours(
    billing: StripeBilling, routes: Routes
) -> None:
    """Same contract, another generation: not what this key made."""
    routes.on("GET", "/v1/subscriptions", page(subscription()))
    routes.on("GET", "/v1/subscription_schedules", page())
    other = KEY.replace("#1", "#2")
    assert await billing.find_agreement(deals.d1(), CUSTOMER, idempotency_key=other) is None
    found = await billing.find_agreement(deals.d1(), CUSTOMER, idempotency_key=KEY)
    assert found is not None


async def test_pending_items_of_the_cancelled_agreement_are_removed_and_no_others(
    billing: StripeBilling, routes: Routes
) -> None:
    """Domain table: pending invoice items would reach the customer's next invoice."""
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(latest_invoice=invoice(status="void")))
    routes.on("DELETE", "/v1/subscriptions/sub_1", subscription(status="canceled"))
    ours = {"id": "ii_1", "parent": {"subscription_details": {"subscription": "sub_1"}}}
    others = {"id": "ii_2", "parent": {"subscription_details": {"subscription": "sub_2"}}}
    routes.on("GET", "/v1/invoiceitems", page(ours, others, {"id": "ii_3", "parent": None}))
    routes.on("DELETE", "/v1/invoiceitems/ii_1", {"id": "ii_1", "deleted": True})
    routes.on("GET", "/v1/invoices/in_1", invoice(status="void"))
    outcome = await billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Done)
    assert routes.keys == ["undo", "undo:2:ii_1"]


async def test_a_credit_of_another_amount_is_not_taken_for_an_undo(
    billing: StripeBilling, routes: Routes
) -> None:
    """Equal amount and tax, or a person looks at it."""
    closing = invoice(metadata={"dealthread_closing": "undo"})
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(status="canceled",
                                                             latest_invoice=closing))  # fmt: skip
    routes.on("GET", "/v1/invoiceitems", page())
    routes.on("GET", "/v1/invoices/in_1", closing)
    routes.on("POST", "/v1/credit_notes", {"id": "cn_1", "object": "credit_note", "total": 99})
    outcome = await billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Rejected)
    assert outcome.code == "credit_differs_from_invoice"


async def test_a_schedule_ends_with_its_subscription(
    billing: StripeBilling, routes: Routes
) -> None:
    """A subscription under a schedule is ended through the schedule, without a bill."""
    sent: list[bytes] = []

    def cancel(request: httpx.Request) -> httpx.Response:
        sent.append(request.content)
        return httpx.Response(200, json={"id": "sub_sched_1", "object": "subscription_schedule"})

    row = subscription(schedule="sub_sched_1", latest_invoice=invoice(status="void"))
    routes.on("GET", "/v1/subscriptions/sub_1", row)
    routes.on("POST", "/v1/subscription_schedules/sub_sched_1/cancel", cancel)
    routes.on("GET", "/v1/invoiceitems", page())
    routes.on("GET", "/v1/invoices/in_1", invoice(status="void"))
    outcome = await billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Done)
    assert sent == [b"invoice_now=false&prorate=false"]


async def test_a_missing_tax_identifier_is_added_and_a_known_one_is_not(
    billing: StripeBilling, routes: Routes
) -> None:
    """Compared by kind and number; an old one stays, since invoices were issued under it."""
    command = onboarding(deals.d2())
    known: list[dict[str, Any]] = [{"id": "txi_1", "type": "eu_vat", "value": "DE136695976"}]
    present = {
        **CUSTOMER_NULLS,
        "id": "cus_1",
        "object": "customer",
        "name": command.party.legal_name,
        "email": "erika@example.com",
        "preferred_locales": ["de"],
        "address": {"line1": "Am Sandtorkai 2", "city": "Hamburg", "postal_code": "20457",
                    "country": "DE"},
        "metadata": {"dealthread_customer": "A-NORDWERK", "dealthread_parent": "A-PARENT"},
    }  # fmt: skip

    def add(request: httpx.Request) -> httpx.Response:
        known.append({"id": "txi_2", "type": "eu_vat", "value": "DE199999907"})
        return httpx.Response(200, json={"id": "txi_2", "object": "tax_id"})

    routes.on("GET", "/v1/customers/cus_1", present)
    routes.on("GET", "/v1/customers/cus_1/tax_ids",
              lambda _: httpx.Response(200, json=page(*known)))  # fmt: skip
    routes.on("POST", "/v1/customers/cus_1/tax_ids", add)
    for _ in range(2):
        outcome = await billing.update_customer(command, CUSTOMER, idempotency_key="u")
        assert isinstance(outcome, Done), outcome
    assert routes.keys == ["u:1"]


async def test_the_newest_rate_of_a_tax_code_counts(billing: StripeBilling, routes: Routes) -> None:
    """Stripe lists the newest first; an older rate with the same code has been replaced."""
    routes.on("POST", "/v1/invoices/create_preview", {**invoice(), "lines": page()})
    preview = await billing.preview_first_invoice(deals.d1(), deals.HARBORLINE)
    assert preview.ref is None
    assert ("POST", "/v1/invoices/create_preview") in routes.sent


async def test_a_tax_code_that_the_account_lacks_is_asked_for_once_more(
    billing: StripeBilling, routes: Routes
) -> None:
    """It may have been added since; then it is refused before anything is written."""
    with pytest.raises(StepRejected) as refused:
        await billing.preview_first_invoice(
            deals.d4().model_copy(update={"billing_account": ACCOUNT}), deals.COBALT
        )
    assert refused.value.case_kind == "tax.rejected"
    outcome = await billing.start_agreement(
        StartAgreement(contract=deals.d4(), customer=CUSTOMER, hold_first_invoice=False),
        idempotency_key=KEY,
    )
    assert isinstance(outcome, Rejected)
    assert outcome.evidence["tax_code"] == "US-NY-SAAS"
    assert routes.sent == [("GET", "/v1/tax_rates")] * 2


async def test_a_preview_of_more_lines_than_it_shows_is_not_compared(
    billing: StripeBilling, routes: Routes
) -> None:
    """Its lines cannot be paged later; a part of them would pass for the whole."""
    routes.on("POST", "/v1/invoices/create_preview", invoice(lines=page(more=True)))
    with pytest.raises(ContractDrift):
        await billing.preview_first_invoice(deals.d1(), deals.HARBORLINE)


async def test_an_agreement_not_begun_has_no_invoice_to_release(
    billing: StripeBilling, routes: Routes
) -> None:
    """A schedule before its start."""
    scheduled = Agreement(
        ref=ref("schedule", "sub_sched_1"),
        schedule=ref("schedule", "sub_sched_1"),
        status=AgreementStatus.SCHEDULED,
    )
    routes.on(
        "GET",
        "/v1/subscription_schedules/sub_sched_1",
        {"id": "sub_sched_1", "object": "subscription_schedule", "subscription": None},
    )
    outcome = await billing.release_first_invoice(scheduled, ACCOUNT, idempotency_key="r")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("billing.rejected", "agreement_not_started")


async def test_an_agreement_that_is_gone_is_cancelled(
    billing: StripeBilling, routes: Routes
) -> None:
    """Undo of nothing."""
    outcome = await billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Done)
    assert outcome.value.status is AgreementStatus.CANCELLED
    assert routes.keys == []


@pytest.mark.parametrize(
    ("code", "param", "case_kind"),
    [
        ("parameter_invalid_integer", "days_until_due", "billing.rejected"),
        ("", "", "billing.rejected"),
        ("resource_missing", "items[0][tax_rates][0]", "tax.rejected"),
        ("resource_missing", "items[0][price_data][product]", "catalogue.drift"),
    ],
)
async def test_a_refused_agreement_is_the_billing_teams_case_where_no_better_one_is_known(
    billing: StripeBilling, routes: Routes, code: str, param: str, case_kind: str
) -> None:
    """Tax and catalogue have owners of their own; the rest is billing's."""
    error = {"type": "invalid_request_error", "code": code, "param": param}
    routes.on("POST", "/v1/subscriptions", lambda _: httpx.Response(400, json={"error": error}))
    outcome = await billing.start_agreement(START, idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert outcome.case_kind == case_kind
