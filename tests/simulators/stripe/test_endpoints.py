"""Webhook endpoints as objects, and events as far as they are kept."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import stripe

from dealthread.simulators.stripe.config import API_VERSION
from dealthread.simulators.stripe.events.kinds import EVENT_KINDS
from tests.simulators.stripe.settlement import payer
from tests.simulators.stripe.support import at, running
from tests.simulators.stripe.types import judge_request

Serve = Callable[[Any], str]
NOWHERE = "http://127.0.0.1:9/hook"


async def test_an_endpoints_secret_is_shown_once(serve: Serve) -> None:
    """docs.stripe.com/api/webhook_endpoints: only in the answer to its creation."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        made = await client.v1.webhook_endpoints.create_async(
            {
                "url": NOWHERE,
                "enabled_events": ["invoice.paid"],
                "api_version": API_VERSION,  # type: ignore[typeddict-item]
            }
        )
        assert made.secret is not None
        assert made.secret.startswith("whsec_")
        read = await client.v1.webhook_endpoints.retrieve_async(made.id)
        assert "secret" not in read
        changed = await client.v1.webhook_endpoints.update_async(
            made.id, {"description": "Mine", "enabled_events": ["*"], "metadata": {"a": "b"}}
        )
        assert "secret" not in changed
        assert (changed.description, changed.enabled_events) == ("Mine", ["*"])
        assert changed.api_version == API_VERSION


def test_the_kinds_of_events_are_those_of_stripes_types() -> None:
    """`enabled_events` as the official package lists it."""
    path = "/v1/webhook_endpoints"
    for kind in sorted(EVENT_KINDS):
        text = urlencode({"url": NOWHERE, "enabled_events[0]": kind})
        assert judge_request("POST", path, text) == []
    source = inspect.getsource(inspect.getmodule(stripe.params.WebhookEndpointCreateParams))
    listed = source.partition("enabled_events: List[")[2].partition('"""')[0]
    assert {
        word for word in re.findall(r"[\"']([\w.]+)[\"']", listed) if "." in word
    } == EVENT_KINDS


async def test_an_unknown_kind_of_event_is_refused(serve: Serve) -> None:
    """Nobody waits for an event that does not exist; `invoice.*` is no kind either."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        for kind in ("invoice.payed", "invoice.*"):
            wrong: Any = {"url": NOWHERE, "enabled_events": ["invoice.paid", kind]}
            with pytest.raises(stripe.InvalidRequestError) as refused:
                await client.v1.webhook_endpoints.create_async(wrong)
            assert refused.value.param == "enabled_events[1]"


async def test_a_disabled_endpoint_is_sent_nothing_new(serve: Serve) -> None:
    """`disabled` on update; `status` says so."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        made = await client.v1.webhook_endpoints.create_async(
            {"url": NOWHERE, "enabled_events": ["*"]}
        )
        await payer(client)
        off = await client.v1.webhook_endpoints.update_async(made.id, {"disabled": True})
        assert off.status == "disabled"
        await payer(client)
        rows = await client.v1.events.list_async({"type": "customer.created"})
        assert [row.pending_webhooks for row in rows.data] == [0, 1]
        on = await client.v1.webhook_endpoints.update_async(made.id, {"disabled": False})
        assert on.status == "enabled"
        undelivered = await client.v1.events.list_async({"delivery_success": False})
        assert [row.type for row in undelivered.data] == ["customer.created"]


async def test_events_are_kept_for_thirty_days(serve: Serve) -> None:
    """docs.stripe.com/api/events."""
    async with running(serve, now=at(2026, 1, 1)) as sim, sim.client() as client:
        await payer(client)
        event = (await client.v1.events.list_async()).data[0].id
        sim.clock.advance(timedelta(days=29))
        assert (await client.v1.events.retrieve_async(event)).id == event
        sim.clock.advance(timedelta(days=1))
        assert (await client.v1.events.list_async()).data == []
        with pytest.raises(stripe.InvalidRequestError, match="No such event"):
            await client.v1.events.retrieve_async(event)
