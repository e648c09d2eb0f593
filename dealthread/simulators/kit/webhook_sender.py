"""Sends signed webhooks from a simulator, and misbehaves on request."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx
from pydantic import BaseModel, ConfigDict, Field

from dealthread.simulators.kit.clock import SimClock

BACK_OFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)
"""Pause after the first, second … failed try; the last value repeats. Vendors wait longer."""

MAX_ATTEMPTS = 50
REORDER_WINDOW_SECONDS = 0.3
TIMEOUT_SECONDS = 10.0
MAX_CONNECTIONS = 20


class Signer(Protocol):
    """Makes the signature headers of one try."""

    def headers(self, *, message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
        """Headers for this body; `timestamp` is machine time in Unix seconds."""


class SenderSettings(BaseModel):
    """How the sender misbehaves; `POST /_sim/webhooks` changes the fields it names."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    duplicate: int = Field(default=0, ge=0, le=100)
    """How many further copies of each message are sent after the first was accepted."""
    drop: bool = False
    """New messages are never sent (redelivery is possible)."""
    delay: float = Field(default=0.0, ge=0, le=3600)
    """Seconds before the first try."""
    reorder: bool = False
    """Messages are collected for a moment and sent newest first."""
    paused: bool = False
    """Messages wait."""


@dataclass
class Delivery:
    """One message to one endpoint."""

    message_id: str
    url: str
    body: bytes
    signer: Signer
    content_type: str = "application/json"
    label: str = ""
    """What it is about, for `GET /_sim/webhooks`."""
    on_delivered: Callable[[], None] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    is_accepted_by: Callable[[bytes], bool] | None = None
    """Whether the body of a 2xx answer accepts the message; without it the status is enough."""
    state: str = "pending"
    attempts: int = 0
    accepted: int = 0
    """How many tries the receiver answered with 2xx."""
    last_status: int | None = None
    last_error: str | None = None

    def as_json(self) -> dict[str, Any]:
        """For `GET /_sim/webhooks`."""
        return {
            "id": self.message_id,
            "url": self.url,
            "label": self.label,
            "state": self.state,
            "attempts": self.attempts,
            "accepted": self.accepted,
            "last_status": self.last_status,
            "last_error": self.last_error,
        }


class WebhookSender:
    """At-least-once sender with an outbox in memory. Use `running()` inside the app's lifespan."""

    def __init__(
        self,
        clock: SimClock,
        *,
        back_off: tuple[float, ...] = BACK_OFF_SECONDS,
        max_attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._clock = clock
        self._back_off = back_off
        self._max_attempts = max_attempts
        self.settings = SenderSettings()
        self._deliveries: dict[str, Delivery] = {}
        self._numbers = itertools.count()
        self._held: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._flush_task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Sends while inside; messages enqueued before are sent now."""
        # Waiting for a free connection is no failure of the receiver's, so it has no limit.
        timeout = httpx.Timeout(TIMEOUT_SECONDS, pool=None)
        limits = httpx.Limits(max_connections=MAX_CONNECTIONS)
        async with httpx.AsyncClient(timeout=timeout, limits=limits, trust_env=False) as client:
            self._client = client
            self._release()
            try:
                yield
            finally:
                self._client = None
                tasks = list(self._tasks)
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                self._tasks.clear()

    def enqueue(self, delivery: Delivery) -> None:
        """Take a message; it is sent soon, on the running loop."""
        key = delivery.message_id
        if key in self._deliveries:  # the same event to a second endpoint
            key = f"{key}@{next(self._numbers)}"
        self._deliveries[key] = delivery
        if self.settings.drop:
            delivery.state = "dropped"
            return
        self._held.append(delivery)
        self._release()

    def configure(self, changes: dict[str, Any]) -> SenderSettings:
        """Change the settings named; raises pydantic.ValidationError for anything unknown."""
        merged = {**self.settings.model_dump(), **changes}
        self.settings = SenderSettings.model_validate(merged)
        self._release()
        return self.settings

    def redeliver(self, message_id: str | None = None) -> int:
        """Send again one message, or all of them; returns how many."""
        chosen = [
            delivery
            for delivery in self._deliveries.values()
            if message_id is None or delivery.message_id == message_id
        ]
        for delivery in chosen:
            delivery.state = "pending"
            if delivery not in self._held:
                self._held.append(delivery)
        self._release()
        return len(chosen)

    def clear(self) -> None:
        """Forget all messages and settings; tries under way are stopped."""
        self._deliveries.clear()
        self._held.clear()
        for task in list(self._tasks):
            task.cancel()
        self.settings = SenderSettings()

    def as_json(self) -> dict[str, Any]:
        """Settings and messages by state."""
        shown = [delivery.as_json() for delivery in self._deliveries.values()]
        return {
            "settings": self.settings.model_dump(),
            "pending": [one for one in shown if one["state"] in ("pending", "sending")],
            "delivered": [one for one in shown if one["state"] == "delivered"],
            "other": [one for one in shown if one["state"] in ("dropped", "failed")],
        }

    def _release(self) -> None:
        if self._client is None or self.settings.paused or not self._held:
            return
        if self.settings.reorder:
            if self._flush_task is None or self._flush_task.done():
                self._flush_task = self._spawn(self._flush_reversed())
            return
        held, self._held = self._held, []
        for delivery in held:
            self._spawn(self._deliver(delivery))

    async def _flush_reversed(self) -> None:
        await asyncio.sleep(REORDER_WINDOW_SECONDS)
        held, self._held = self._held, []
        for delivery in reversed(held):
            await self._deliver(delivery)

    async def _deliver(self, delivery: Delivery) -> None:
        delivery.state = "sending"
        if self.settings.delay:
            await asyncio.sleep(self.settings.delay)
        for attempt in range(self._max_attempts):
            if attempt:
                await asyncio.sleep(self._back_off[min(attempt, len(self._back_off)) - 1])
                if self.settings.paused:
                    delivery.state = "pending"
                    self._held.append(delivery)
                    return
            if await self._try_once(delivery):
                break
        else:
            delivery.state = "failed"
            return
        for _ in range(self.settings.duplicate):
            await self._try_once(delivery)
        delivery.state = "delivered"
        if delivery.on_delivered is not None:
            delivery.on_delivered()

    async def _try_once(self, delivery: Delivery) -> bool:
        client = self._client
        if client is None:
            return False
        signed = delivery.signer.headers(
            message_id=delivery.message_id,
            timestamp=int(self._clock.machine_now().timestamp()),
            body=delivery.body,
        )
        headers = {"content-type": delivery.content_type, **delivery.headers, **signed}
        delivery.attempts += 1
        try:
            answer = await client.post(delivery.url, content=delivery.body, headers=headers)
        except httpx.HTTPError as exc:
            delivery.last_error = f"{type(exc).__name__}: {exc}"
            delivery.last_status = None
            return False
        delivery.last_status = answer.status_code
        delivery.last_error = None
        is_accepted = answer.is_success
        if is_accepted and delivery.is_accepted_by is not None:
            is_accepted = delivery.is_accepted_by(answer.content)
        delivery.accepted += is_accepted
        return is_accepted

    def _spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
