"""The process API as the command line asks it: answers checked, problem documents in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

import httpx
import typer

from dealthread.cli.context import BRIDGE_URL, TOKEN, Surroundings, Who
from dealthread.cli.failures import Refused, in_words
from dealthread.held_http import HoldsHttp

TIMEOUT_SECONDS = 30.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

As = Annotated[
    Who | None,
    typer.Option(
        "--as",
        help="Act as this person of the local stack; otherwise DEALTHREAD_TOKEN, else the "
        "stack's operator.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print the process API's JSON, unchanged.")]
AnyId = Annotated[
    str,
    typer.Argument(
        metavar="ANY_ID",
        help="Deal, contract, customer or case; a business key; or an id that any connected "
        "system gave.",
    ),
]


class NotThere(Refused):
    """The process API does not know the thing asked for."""


class NoAnswer(Refused):
    """The bridge cannot be reached."""


class ProcessApi(HoldsHttp):
    """One conversation with the bridge, closed at the end of the `with` block."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        try:
            # A proxy meant for the outside world does not see this machine's own addresses.
            outside = httpx.URL(url).host not in LOOPBACK
            self._http = httpx.Client(
                base_url=url,
                headers={"Authorization": f"Bearer {token}"},
                timeout=TIMEOUT_SECONDS,
                trust_env=outside,
            )
        except (httpx.InvalidURL, UnicodeError):
            raise _no_address(url) from None

    def get(self, path: str, query: Mapping[str, Any] | None = None) -> httpx.Response:
        """Read. Raises Refused in words."""
        return self._ask("GET", path, params=dict(query or {}))

    def post(self, path: str, body: Mapping[str, Any], *, look: str) -> httpx.Response:
        """Write. `look` is the command that tells whether it happened, should no answer come."""
        try:
            content = json.dumps(dict(body), allow_nan=False, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            raise Refused("text that is not UTF-8 cannot be sent: give it anew") from None
        return self._ask(
            "POST", path, content=content, headers={"Content-Type": "application/json"}, look=look
        )

    def _ask(self, method: str, path: str, *, look: str = "", **more: Any) -> httpx.Response:
        try:
            response = self._http.request(method, "/v1" + path, **more)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise NoAnswer(
                f"the bridge does not answer at {self._url}: `dealthread up`, or set {BRIDGE_URL}"
            ) from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol):
            raise _no_address(self._url) from None
        except httpx.TransportError:
            perhaps = f"; whether it was taken is not known: `{look}`" if look else ""
            raise NoAnswer(f"no answer from the bridge at {self._url}{perhaps}") from None
        if response.is_success:
            return response
        raise _refusal(response, self._url)


def at(*segments: str) -> str:
    """A path from values that may hold anything."""
    return "".join("/" + quote(segment, safe=":") for segment in segments)


def connect(who: Who | None = None) -> ProcessApi:
    """The bridge of these surroundings."""
    surroundings = Surroundings.here()
    return ProcessApi(surroundings.bridge_url, surroundings.token(who))


def _no_address(url: str) -> NoAnswer:
    return NoAnswer(
        f"{url} cannot be asked: set {BRIDGE_URL} (e.g. http://127.0.0.1:8700) and {TOKEN} in ASCII"
    )


def _refusal(response: httpx.Response, url: str) -> Refused:
    try:
        problem = response.json()
        code, field = str(problem["code"]), str(problem.get("field", ""))
        action = str(problem.get("action", ""))
    except (ValueError, KeyError, TypeError):
        if response.is_server_error:
            return Refused(f"{url} failed ({response.status_code}): read the bridge's log")
        return Refused(
            f"{url} answered {response.status_code}, not as our bridge does: check {BRIDGE_URL}"
        )
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return Refused(f"the bridge does not know this token: set {TOKEN}, or give --as")
    if response.status_code == httpx.codes.FORBIDDEN and not action:
        return Refused("your role may not do this: set another DEALTHREAD_TOKEN, or give --as")
    kind = NotThere if response.status_code == httpx.codes.NOT_FOUND else Refused
    where = f" ({field})" if field else ""
    return kind(in_words(code) + where + (f": {action}" if action else ""))
