"""Invoices are read whole, and the first one is told from later ones."""

from __future__ import annotations

import httpx
import pytest

from adapters.stripe.billing import StripeBilling
from dealthread.domain.documents import Agreement, AgreementStatus
from dealthread.errors import ContractDrift
from dealthread.outcome import Rejected
from tests.adapters.stripe_network import ACCOUNT, AGREEMENT, invoice, ref, subscription
from tests.adapters.stripe_wire import Routes, page
from tests.support import deals


async def test_after_a_renewal_the_first_invoice_is_the_oldest(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """The latest invoice is not the first one any more."""
    renewal = invoice("in_2", billing_reason="subscription_cycle")
    routes.on("GET", "/v1/subscriptions/sub_1", subscription(latest_invoice=renewal))
    routes.on("GET", "/v1/invoices", page(renewal, invoice("in_1")))
    state = await routed_billing.read_agreement(AGREEMENT, ACCOUNT)
    assert state.first_invoice is not None
    assert state.first_invoice.ref == ref("invoice", "in_1")
    assert state.first_invoice.lines[0].line_key == "L-1"


async def test_an_invoice_of_many_lines_is_read_whole(
    routed_billing: StripeBilling, routes: Routes
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
    state = await routed_billing.read_agreement(AGREEMENT, ACCOUNT)
    assert state.first_invoice is not None
    assert len(state.first_invoice.lines) == 2


async def test_a_preview_of_more_lines_than_it_shows_is_not_compared(
    routed_billing: StripeBilling, routes: Routes
) -> None:
    """Its lines cannot be paged later; a part of them would pass for the whole."""
    routes.on("POST", "/v1/invoices/create_preview", invoice(lines=page(more=True)))
    with pytest.raises(ContractDrift):
        await routed_billing.preview_first_invoice(deals.d1(), deals.HARBORLINE)


async def test_an_agreement_not_begun_has_no_invoice_to_release(
    routed_billing: StripeBilling, routes: Routes
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
    outcome = await routed_billing.release_first_invoice(scheduled, ACCOUNT, idempotency_key="r")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("billing.rejected", "agreement_not_started")
