"""How an event reaches a subscriber."""

from __future__ import annotations

from typing import Protocol

from dealthread.outcome import Outcome


class EventPort(Protocol):
    """Delivers one signed event to one subscriber URL (Standard Webhooks)."""

    async def deliver(
        self,
        url: str,
        secret_name: str,
        event_id: str,
        event_type: str,
        body: bytes,
        *,
        replay_id: str = "",
    ) -> Outcome[str]:
        """Done carries the subscriber's native id where its answer has one, else the event id.

        With `replay_id` the same message goes again, marked by the header `dealthread-replay`.
        """
