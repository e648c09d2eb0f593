"""One Stripe client per billing account, and the only two ways to call it: read and write."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import stripe
from stripe import StripeObject

from adapters.http import (
    TIMEOUT,
    CallMeter,
    NoMeter,
    PinnedTransport,
    RateLimiter,
    to_its_end,
    within_total,
)
from adapters.stripe.errors import REJECTED, is_replayed, read_error, write_error
from adapters.stripe.manifest import MANIFEST
from adapters.stripe.settings import StripeSettings
from dealthread.errors import ContractDrift, InvariantBroken, VendorUnavailable
from dealthread.outcome import Rejected, Unknown

KEY_LENGTH = 255
"""Stripe refuses longer idempotency keys (docs.stripe.com/api/idempotent_requests)."""
MAX_KEYS = 12
"""Keys of one request in the day for which Stripe replays what it refused; then a day is waited."""

Answer = dict[str, Any]
Options = stripe.RequestOptions


class BillingAccount:
    """Calls to one account, throttled, counted and translated."""

    def __init__(
        self,
        key: str,
        client: stripe.StripeClient,
        limiter: RateLimiter,
        meter: CallMeter,
    ) -> None:
        self.key = key
        self.v1 = client.v1
        self._limiter = limiter
        self._meter = meter

    async def read(
        self,
        operation: str,
        call: Callable[[], Awaitable[StripeObject]],
        *,
        case_kind: str = "deal.invalid_terms",
    ) -> Answer:
        """The answer as plain data. Raises NotFound, StepRejected and transport errors."""
        await self._limiter.take()
        self._meter.count("stripe", operation)
        try:
            return _plain(await within_total(call()))
        except stripe.StripeError as error:
            raise read_error(error, case_kind) from None
        except TimeoutError:
            raise VendorUnavailable("total_timeout") from None

    async def write(
        self,
        operation: str,
        call: Callable[[Options], Awaitable[StripeObject]],
        key: str,
        *,
        case_kind: str = REJECTED,
        proof: str = "id",
    ) -> Answer | Rejected | Unknown:
        """The answer as plain data, with its id; or how the write ended otherwise. `proof` names
        the field that shows the effect where the answer is of something without an id.

        Raises only transport errors that exclude an effect. A cancelled caller still waits."""
        if not key or len(key) > KEY_LENGTH:
            raise InvariantBroken("idempotency_key_length")
        await self._limiter.take()
        self._meter.count("stripe", operation)
        return await to_its_end(self._send(call, key, case_kind, proof))

    async def write_again_after_saved_answer(
        self,
        operation: str,
        call: Callable[[Options], Awaitable[StripeObject]],
        key: str,
        find: Callable[[], Awaitable[Answer | None]],
        *,
        case_kind: str = REJECTED,
    ) -> Answer | Rejected | Unknown:
        """As `write`. A server error or a refusal that Stripe replays for the key for a day is not
        waited out, whatever was mended meanwhile: what the key made is looked up, and where it made
        nothing the key gets a suffix. The suffixes follow one another, so that a request whose
        answer was lost is met again under its own."""
        outcome = await self.write(operation, call, key, case_kind=case_kind)
        for suffix in ("again", *(f"again{number}" for number in range(2, MAX_KEYS))):
            if not is_replayed(outcome):
                return outcome
            found = await find()
            if found is not None:
                return found
            outcome = await self.write(operation, call, f"{key}:{suffix}", case_kind=case_kind)
        return outcome

    async def _send(
        self,
        call: Callable[[Options], Awaitable[StripeObject]],
        key: str,
        case_kind: str,
        proof: str,
    ) -> Answer | Rejected | Unknown:
        try:
            answer = _plain(await within_total(call({"idempotency_key": key})))
        except stripe.StripeError as error:
            return write_error(error, case_kind)
        except TimeoutError:
            return Unknown("total_timeout")
        except ContractDrift:
            return Unknown("malformed_answer")
        if not isinstance(answer.get(proof), str) or not answer[proof]:
            # The SDK takes {} for an object; an answer without an id proves nothing.
            return Unknown("answer_without_id")
        return answer


class BillingAccounts:
    """All accounts of the settings. Each has its own connections and its own throttle."""

    def __init__(
        self,
        settings: StripeSettings,
        meter: CallMeter | None = None,
        transport: Callable[[], httpx.AsyncBaseTransport] = httpx.AsyncHTTPTransport,
    ) -> None:
        # The SDK logs Stripe's error messages at INFO and whole requests at DEBUG: names, e-mail
        # addresses, tax identifiers. Below it httpx logs addresses with their query at INFO.
        for name in ("stripe", "httpx"):
            logger = logging.getLogger(name)
            logger.setLevel(max(logger.level, logging.WARNING))
        self._http: list[stripe.HTTPXClient] = []
        self._accounts: dict[str, BillingAccount] = {}
        for key, secret in settings.accounts.items():
            http = _pinned_http(settings.api_base, transport())
            self._http.append(http)
            client = stripe.StripeClient(
                secret.get_secret_value(),
                base_addresses={"api": settings.api_base},
                http_client=http,
                # The SDK repeats silently, 500s among it; repeating is decided above, by key.
                max_network_retries=0,
            )
            limiter = RateLimiter(settings.calls_per_second)
            self._accounts[key] = BillingAccount(key, client, limiter, meter or NoMeter())

    def __getitem__(self, key: str) -> BillingAccount:
        """Raises InvariantBroken for an account that is not configured."""
        try:
            return self._accounts[key]
        except KeyError:
            raise InvariantBroken("billing_account_not_configured", account=key) from None

    async def aclose(self) -> None:
        """Close the connections; the Stripe client itself has no close."""
        for http in self._http:
            await http.close_async()  # type: ignore[no-untyped-call]


def _pinned_http(api_base: str, inner: httpx.AsyncBaseTransport) -> stripe.HTTPXClient:
    http = stripe.HTTPXClient(timeout=TIMEOUT)
    # The SDK offers no way to set the transport or the environment's proxies; its own client,
    # not yet used, is replaced by one that is pinned to the configured address.
    http._client_async = httpx.AsyncClient(
        transport=PinnedTransport(api_base, inner, MANIFEST),
        follow_redirects=False,
        trust_env=False,
    )
    return http


def _plain(answer: StripeObject) -> Answer:
    if not isinstance(answer, StripeObject):
        raise ContractDrift("unexpected_billing_answer")
    return answer.to_dict()
