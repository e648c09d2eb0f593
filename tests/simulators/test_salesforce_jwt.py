"""Salesforce simulator: the JWT bearer flow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

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
