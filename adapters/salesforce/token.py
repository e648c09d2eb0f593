"""One access token for all threads, minted once however many threads ask.

The library's own refresh mints one token per thread and drops headers on the repeat; this is why
it is used in direct mode only and the token is ours.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

import requests

from adapters.http import CallMeter, parse_retry_after
from adapters.salesforce.errors import connection_failed
from adapters.salesforce.settings import SalesforceSettings
from dealthread.errors import AuthRejected, ContractDrift, RateLimited, VendorUnavailable

_SESSION_LOST = "access_token"


class TokenSource:
    """Thread-safe holder of the token; `renew` is single-flight."""

    def __init__(self, mint: Callable[[], str]) -> None:
        self._mint = mint
        self._lock = Lock()
        self._token = ""

    def current(self) -> str:
        """The token, minted on first use."""
        with self._lock:
            if not self._token:
                self._token = self._mint()
            return self._token

    def renew(self, refused: str) -> str:
        """A token other than the refused one. Whoever comes second gets the first one's."""
        with self._lock:
            if self._token == refused:
                self._token = ""
                self._token = self._mint()
            return self._token


def mint_token(settings: SalesforceSettings, session: requests.Session, meter: CallMeter) -> str:
    """Client-credentials grant at the org's own My Domain address.

    Minting has no business effect: whatever fails on the way may be repeated."""
    meter.count("salesforce", "token")
    try:
        response = session.post(
            f"{settings.instance_url}/services/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "client_id": settings.client_id,
                "client_secret": settings.client_secret.get_secret_value(),
            },
        )
    except requests.RequestException as error:
        raise VendorUnavailable(f"token_{connection_failed(error).code}") from error
    if response.status_code == 429:
        raise RateLimited(
            "token_rate_limited",
            retry_after=parse_retry_after(response.headers.get("Retry-After")),
        )
    if response.status_code >= 500:
        raise VendorUnavailable("token_server_error", status=str(response.status_code))
    if response.status_code != 200:
        raise AuthRejected("token_refused", status=str(response.status_code))
    return _token_of(response, settings.org_id)


def _token_of(response: requests.Response, org_id: str) -> str:
    try:
        answer = response.json()
    except ValueError as error:
        raise ContractDrift("token_answer_not_json") from error
    token = answer.get(_SESSION_LOST) if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise ContractDrift("token_answer_without_token", field=_SESSION_LOST)
    # `id` is https://…/id/<org>/<user>: a token of another org would write into its records.
    identity = answer.get("id")
    if isinstance(identity, str) and f"/{org_id[:15]}" not in identity:
        raise AuthRejected("token_of_another_org")
    return token
