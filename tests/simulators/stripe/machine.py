"""A Stripe simulator in this process, driven by form requests as a client sends them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import httpx

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.clocks import progress
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig
from dealthread.simulators.stripe.store import AccountState
from dealthread.simulators.stripe.world import World
from tests.simulators.stripe.types import Exchange, judge

KEY = "sk_test_machine_0001"
FORM = "application/x-www-form-urlencoded"
Row = dict[str, Any]


class Refused(Exception):
    """An answer of 400 or more, with its error."""

    def __init__(self, status: int, error: Row) -> None:
        super().__init__(f"{status} {error}")
        self.status = status
        self.error = error


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested parameters as the pairs of a form."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from flat(inner, f"{name}[{key}]" if name else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from flat(inner, f"{name}[{index}]")
    elif isinstance(value, bool):
        yield name, str(value).lower()
    else:
        yield name, str(value)


class Machine:
    """One account; every exchange is judged by Stripe's types at once."""

    def __init__(self, **settings: Any) -> None:
        self.clock = SimClock(frozen_at=datetime(2026, 1, 1, tzinfo=UTC))
        account = AccountConfig(id="acct_m", secret_key=KEY, number_format="{}", **settings)
        app = create_app(SimulatorConfig(accounts=(account,)), self.clock)
        self.state: AccountState = app.state.world.accounts["acct_m"]
        self.world: World = app.state.world
        self._client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://stripe.invalid",
            headers={"authorization": f"Bearer {KEY}"},
        )
        self._runner = asyncio.Runner()

    def close(self) -> None:
        """Let go of the client and its loop."""
        self._runner.run(self._client.aclose())
        self._runner.close()

    def post(self, path: str, **params: Any) -> Row:
        """POST; raises `Refused`, and then nothing but a failed payment may have changed."""
        before = self.dump()
        try:
            return self._send("POST", path, params)
        except Refused as refused:
            if refused.error["type"] != "card_error":
                assert self.dump() == before, f"POST {path} was refused and changed something"
            raise

    def get(self, path: str, **params: Any) -> Row:
        """GET."""
        return self._send("GET", path, params)

    def delete(self, path: str) -> Row:
        """DELETE."""
        return self._send("DELETE", path, {})

    def advance(self, delta: timedelta) -> None:
        """Let time pass and do what is due."""
        self.clock.advance(delta)
        progress.catch_up(self.world)

    def dump(self) -> str:
        """Everything the account holds."""
        held = {kind: rows for kind, rows in self.state.objects.items() if rows}
        # Events are never changed; telling how many there are is faster than telling them.
        events = len(held.pop("event", ()))
        return json.dumps([held, events, self.state.agenda, self.state.next_invoice_number])

    def rows(self, kind: str) -> list[Row]:
        """The objects of a kind, oldest first."""
        return list(self.state.of(kind).values())

    def lines(self, invoice: Row) -> list[Row]:
        """All lines of an invoice."""
        held: list[Row] = self.state.secret(invoice["id"])["lines"]
        return held

    def _send(self, method: str, path: str, params: Row) -> Row:
        text = urlencode(list(flat(params)))
        if method == "POST":
            asking = self._client.post(f"/v1/{path}", content=text, headers={"content-type": FORM})
        else:
            asking = self._client.request(method, f"/v1/{path}?{text}")
        answer = self._runner.run(asking)
        exchange = Exchange(
            method,
            f"/v1/{path}",
            text if method != "POST" else "",
            text if method == "POST" else "",
            answer.status_code,
            answer.text,
        )
        problems = judge(exchange)
        assert not problems, "\n".join(problems)
        value: Row = answer.json()
        assert answer.status_code < 500, value
        if answer.status_code >= 400:
            raise Refused(answer.status_code, value["error"])
        return value
