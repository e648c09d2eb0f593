"""Each fault at the token endpoint, as simple-salesforce meets it when it signs in.

The endpoint speaks OAuth: RFC 6749 §5.2 gives the shape of its refusals. Whether a session was
opened is not told to a client whose answer is lost; it signs in again.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.exceptions import SalesforceAuthenticationFailed
from simple_salesforce.login import SalesforceLogin

TOKEN = "oauth2/token"
PATIENCE = 0.15
"""Seconds after which the client of a late effect gives up."""


class _ToSimulator(HTTPAdapter):
    """Sends what is addressed to https://….salesforce.com to the simulator."""

    def __init__(self, url: str, patience: float = 10) -> None:
        super().__init__()
        self._where = urlsplit(url)
        self._patience = patience

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(str(request.url))
        request.url = urlunsplit(parts._replace(scheme="http", netloc=self._where.netloc))
        return super().send(request, *args, **{**kwargs, "timeout": self._patience})


def sign_in(org: Any, patience: float = 10) -> str:
    """The access token that simple-salesforce got, unmodified."""
    with requests.Session() as session:
        session.trust_env = False
        session.mount("https://", _ToSimulator(org.url, patience))
        token, _ = SalesforceLogin(
            consumer_key="client", consumer_secret="secret", domain="harborline.my", session=session
        )
    return str(token)


def opens(org: Any, token: str) -> bool:
    """Whether a token is a session of the org."""
    headers = {"authorization": f"Bearer {token}"}
    answer = org.outside.get("/services/data/v66.0/limits", headers=headers)
    return bool(answer.status_code == 200)


@pytest.mark.parametrize("kind", ["refuse", "lose_answer"])
def test_a_sign_in_without_an_answer_is_repeated(org: Any, kind: str) -> None:
    org.fault(kind=kind, path=TOKEN)
    with pytest.raises(requests.ConnectionError):
        sign_in(org)
    assert opens(org, sign_in(org))


def test_a_late_sign_in_times_out(org: Any) -> None:
    org.fault(kind="late_effect", path=TOKEN, delay=2 * PATIENCE)
    with pytest.raises(requests.ReadTimeout):
        sign_in(org, PATIENCE)
    assert opens(org, sign_in(org))


def test_a_slow_sign_in_is_a_sign_in(org: Any) -> None:
    org.fault(kind="slow", path=TOKEN, delay=0.05)
    assert opens(org, sign_in(org))


@pytest.mark.parametrize(
    ("kind", "code"),
    [("auth", "invalid_client"), ("reject", "invalid_grant"), ("rate_limit", "invalid_request")],
)
def test_a_refused_sign_in_names_its_oauth_error(org: Any, kind: str, code: str) -> None:
    """RFC 6749 §5.2: `error` and `error_description`, which the client passes on."""
    org.fault(kind=kind, path=TOKEN, code=code, message="not now")
    with pytest.raises(SalesforceAuthenticationFailed) as refused:
        sign_in(org)
    assert (refused.value.code, refused.value.auth_message) == (code, "not now")


@pytest.mark.parametrize("kind", ["server_error", "server_error_after"])
def test_a_failing_sign_in_is_no_session(org: Any, kind: str) -> None:
    org.fault(kind=kind, path=TOKEN)
    with pytest.raises(SalesforceAuthenticationFailed):
        sign_in(org)
    assert opens(org, sign_in(org))


@pytest.mark.parametrize(("kind", "status"), [("html", 502), ("malformed", 200)])
def test_what_is_no_json_is_no_session(org: Any, kind: str, status: int) -> None:
    """The client has only the status and the text."""
    org.fault(kind=kind, path=TOKEN)
    with pytest.raises(SalesforceAuthenticationFailed) as failed:
        sign_in(org)
    assert failed.value.code == status
