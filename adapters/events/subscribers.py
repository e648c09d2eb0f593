"""The event port: delivers the outbox's events to the configured subscribers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from adapters.events.delivery import post_event
from adapters.events.guard import AddressRefused, GuardedTransport, Resolver, resolve
from adapters.http import CallMeter, NoMeter, make_client
from dealthread.errors import InvariantBroken
from dealthread.outcome import Done, Outcome, Rejected, Unknown

REPLAY_HEADER = "dealthread-replay"
_ACTION = "give the subscriber an https address whose host resolves to public addresses only"


class SignedEventDelivery:
    """Implements `dealthread.ports.events.EventPort`. Each subscriber has connections of its own,
    so that a slow one does not hold up the others."""

    def __init__(
        self,
        secrets: Mapping[str, SecretStr],
        meter: CallMeter | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] = httpx.AsyncHTTPTransport,
        resolver: Resolver = resolve,
    ) -> None:
        self._secrets = dict(secrets)
        self._meter = meter or NoMeter()
        self._transport = transport
        self._resolver = resolver
        self._clients: dict[str, httpx.AsyncClient] = {}

    async def aclose(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            await client.aclose()

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
        """Done carries the subscriber's native id where its answer has one, else the event id."""
        secret = self._secrets.get(secret_name)
        if secret is None:
            raise InvariantBroken("webhook_secret_not_configured", secret_name=secret_name)
        entitlement = event_type.startswith("dealthread.entitlement.")
        case_kind = "entitlement.failed" if entitlement else "integration.contract_drift"
        try:
            client = self._client(url)
        except (ValueError, httpx.InvalidURL):
            return _refused(case_kind, "subscriber_url_refused")
        try:
            outcome = await post_event(
                client,
                _path(url),
                secret,
                event_id,
                body,
                case_kind=case_kind,
                meter=self._meter,
                operation=event_type,
                extra_headers={REPLAY_HEADER: replay_id} if replay_id else {},
            )
        except httpx.InvalidURL:
            return _refused(case_kind, "subscriber_url_refused")
        except AddressRefused as refusal:
            return _refused(case_kind, str(refusal))
        if isinstance(outcome, Rejected | Unknown):
            return outcome
        native_id = outcome.body.get("id") if isinstance(outcome.body, dict) else None
        return Done(native_id if isinstance(native_id, str) and native_id else event_id)

    def _client(self, url: str) -> httpx.AsyncClient:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        if base not in self._clients:
            self._clients[base] = make_client(
                base, transport=GuardedTransport(self._transport(), self._resolver)
            )
        return self._clients[base]


def _path(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _refused(case_kind: str, code: str) -> Rejected:
    """Nothing was sent, and no repeat will be before somebody changes the settings."""
    return Rejected(case_kind, code, "url", {"action": _ACTION})
