"""An agreement that is undone: nothing of it is left, and nothing of others is touched."""

from __future__ import annotations

import httpx

from adapters.stripe.billing import StripeBilling
from dealthread.domain.documents import AgreementStatus
from dealthread.outcome import Done, Rejected
from tests.adapters.stripe_network import ACCOUNT, AGREEMENT, invoice, subscription
from tests.adapters.stripe_wire import Routes, page


async def test_pending_items_of_the_cancelled_agreement_are_removed_and_no_others(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Domain table: pending invoice items would reach the customer's next invoice."""
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(latest_invoice=invoice(status="void")))
    routes.on("DELETE", "/v1/subscriptions/sub_1", subscription(status="canceled"))
    ours = {"id": "ii_1", "parent": {"subscription_details": {"subscription": "sub_1"}}}
    others = {"id": "ii_2", "parent": {"subscription_details": {"subscription": "sub_2"}}}
    routes.on("GET", "/v1/invoiceitems", page(ours, others, {"id": "ii_3", "parent": None}))
    routes.on("DELETE", "/v1/invoiceitems/ii_1", {"id": "ii_1", "deleted": True})
    routes.on("GET", "/v1/invoices/in_1", invoice(status="void"))
    outcome = await routed_billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Done)
    assert routes.keys == ["undo", "undo:2:ii_1"]


async def test_a_credit_of_another_amount_is_not_taken_for_an_undo(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Equal amount and tax, or a person looks at it."""
    closing = invoice(metadata={"dealthread_closing": "undo"})
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(status="canceled",
                                                             latest_invoice=closing))  # fmt: skip
    routes.on("GET", "/v1/invoiceitems", page())
    routes.on("GET", "/v1/invoices/in_1", closing)
    routes.on("POST", "/v1/credit_notes", {"id": "cn_1", "object": "credit_note", "total": 99})
    outcome = await routed_billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Rejected)
    assert outcome.code == "credit_differs_from_invoice"


async def test_a_schedule_ends_with_its_subscription(
    routed_billing: StripeBilling, routes: Routes
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
    outcome = await routed_billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Done)
    assert sent == [b"invoice_now=false&prorate=false"]


async def test_an_agreement_that_is_gone_is_cancelled(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Undo of nothing."""
    outcome = await routed_billing.cancel_agreement(AGREEMENT, ACCOUNT, idempotency_key="undo")
    assert isinstance(outcome, Done)
    assert outcome.value.status is AgreementStatus.CANCELLED
    assert routes.keys == []
