"""Salesforce simulator: the JWT bearer flow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceAuthenticationFailed

NOW = datetime.fromisoformat("2026-03-02T09:00:00+00:00")
FLOW = "urn:ietf:params:oauth:grant-type:jwt-bearer"
USER = "integration@simulated.example"


@pytest.fixture(scope="module")
def key() -> RSAPrivateKey:
    """The app's key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: Any) -> str:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return str(public.decode())


@pytest.fixture
def app(serve_org: Callable[..., Any], key: RSAPrivateKey) -> Any:
    """An org whose app holds the key's public half, at a fixed moment."""
    org = serve_org(jwt_public_key=pem(key))
    org.outside.post("/_sim/clock", json={"freeze": NOW.isoformat()}).raise_for_status()
    return org


def claims(**more: Any) -> dict[str, Any]:
    until = int((NOW + timedelta(minutes=3)).timestamp())
    given = {"iss": "client", "sub": USER, "aud": "https://login.salesforce.com", "exp": until}
    return {name: value for name, value in (given | more).items() if value is not None}


def token(org: Any, key: Any, algorithm: str = "RS256", **more: Any) -> Any:
    # PyJWT is an implementation of RFC 7519 other than the simulator's.
    assertion = jwt.encode(claims(**more), key, algorithm=algorithm)
    return org.outside.post(
        "/services/oauth2/token", data={"grant_type": FLOW, "assertion": assertion}
    )


def test_a_signed_assertion_opens_a_session(app: Any, key: RSAPrivateKey) -> None:
    """The keys of the documented answer; the token works until the session's end."""
    answer = token(app, key)
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"access_token", "scope", "instance_url", "id", "token_type"}
    assert (body["token_type"], body["instance_url"]) == ("Bearer", app.url)
    app.http.headers["authorization"] = f"Bearer {body['access_token']}"
    assert app.http.get("/limits").status_code == 200
    later = (NOW + timedelta(hours=2)).isoformat()
    app.outside.post("/_sim/clock", json={"freeze": later}).raise_for_status()
    assert app.http.get("/limits").json()[0]["errorCode"] == "INVALID_SESSION_ID"


def test_seconds_may_be_written_as_text(app: Any, key: RSAPrivateKey) -> None:
    """As simple-salesforce 1.12 writes them."""
    assert token(app, key, exp=str(claims()["exp"])).status_code == 200


class _ToSimulator(HTTPAdapter):
    """Brings what is addressed to login.salesforce.com to the simulator."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._parts = urlsplit(url)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        parts = urlsplit(str(request.url))
        request.url = urlunsplit(parts._replace(scheme="http", netloc=self._parts.netloc))
        return super().send(request, *args, **kwargs)


@pytest.fixture
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """simple-salesforce 1.12 works out `exp` rightly in UTC only (its issue 491)."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_utc")
def test_simple_salesforce_logs_in_by_its_own_assertion(
    serve_org: Callable[..., Any], key: RSAPrivateKey
) -> None:
    """Unmodified: its assertion, its audience, its reading of the answer."""
    org = serve_org(jwt_public_key=pem(key))
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with requests.Session() as session:
        session.mount("https://", _ToSimulator(org.url))
        session.trust_env = False
        sf = Salesforce(
            username=USER,
            consumer_key="client",
            privatekey=private,
            session=session,
            version="66.0",
        )
        assert sf.limits()["DailyApiRequests"]["Max"] > 0
        with (
            pytest.warns(UserWarning, match="self-authorize"),  # it knows the refusal's text
            pytest.raises(SalesforceAuthenticationFailed) as refused,
        ):
            Salesforce(
                username="nobody", consumer_key="client", privatekey=private, session=session
            )
    assert refused.value.code == "invalid_grant"
    assert "approved this consumer" in str(refused.value)


@pytest.mark.parametrize(
    ("changed", "error", "description"),
    [
        ({"iss": "another"}, "invalid_client_id", "client identifier invalid"),
        ({"iss": None}, "invalid_client_id", "client identifier invalid"),
        ({"aud": "https://example.com"}, "invalid_grant", "audience is invalid"),
        ({"aud": None}, "invalid_grant", "audience is invalid"),
        ({"exp": int(NOW.timestamp())}, "invalid_grant", "expired authorization code"),
        ({"exp": int(NOW.timestamp()) + 301}, "invalid_grant", "invalid assertion"),
        ({"exp": None}, "invalid_grant", "invalid assertion"),
        ({"sub": "nobody@example.com"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"sub": None}, "invalid_grant", "user hasn't approved this consumer"),
    ],
)
def test_each_claim_is_checked(
    app: Any, key: RSAPrivateKey, changed: dict[str, Any], error: str, description: str
) -> None:
    """400 with OAuth's shape and the texts users report."""
    answer = token(app, key, **changed)
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


def test_only_the_apps_own_key_and_rs256_are_taken(app: Any, key: RSAPrivateKey) -> None:
    """Another key, another algorithm, no signature, no assertion at all."""
    other = generate_private_key(public_exponent=65537, key_size=2048)
    form = {"grant_type": FLOW, "assertion": jwt.encode(claims(), None, algorithm="none")}
    answers = [
        token(app, other),
        token(app, key, algorithm="RS512"),
        token(app, "a shared secret that is long enough", algorithm="HS256"),
        app.outside.post("/services/oauth2/token", data=form),
        app.outside.post("/services/oauth2/token", data={"grant_type": FLOW}),
    ]
    for answer in answers:
        assert answer.json() == {
            "error": "invalid_grant",
            "error_description": "invalid assertion",
        }


def test_without_a_certificate_the_flow_is_refused(org: Any, key: RSAPrivateKey) -> None:
    """What Salesforce answers then is not known."""
    assert token(org, key).json()["error"] == "not_simulated"


def test_a_key_that_is_not_rsa_stops_the_org(serve_org: Callable[..., Any]) -> None:
    """The flow is RS256 only."""
    with pytest.raises(ValueError, match="RSA"):
        serve_org(jwt_public_key=pem(ec.generate_private_key(ec.SECP256R1())))
