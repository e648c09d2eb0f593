"""SC-01: whatever is sent, the answer is never a fault of ours."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bridge.caller import ACCOUNT, DEAL, ORG, OUTBOUND_TOKEN, UI, Bridge, signed
from tests.bridge.test_codec_server import PATH
from tests.bridge.test_stripe_webhook import header

pytestmark = pytest.mark.postgres
quick = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

PATHS = st.one_of(
    st.sampled_from(
        [
            f"/webhooks/salesforce/{ORG}",
            f"/webhooks/salesforce/{ORG}/outbound-message/{OUTBOUND_TOKEN}",
            f"/webhooks/stripe/{ACCOUNT}",
            f"/v1/deals/{DEAL}/quote-to-cash",
            "/v1/cases/case-1/decisions",
            "/v1/cases",
            "/v1/transactions",
            PATH,
            "/v1/contracts/C-ABCDEFGHIJKLM/amendments",
            "/v1/contracts/C-ABCDEFGHIJKLM/signals/risk",
            "/v1/invoices/DE-1/credits/preview",
        ]
    ),
    st.builds(
        lambda start, segment: start + segment,
        st.sampled_from(
            [
                "/v1/transactions/",
                "/v1/cases/",
                "/v1/writes/",
                "/v1/contracts/",
                "/webhooks/stripe/",
                "/codec/",
                "/",
            ]
        ),
        st.binary(max_size=12).map(lambda raw: "".join(f"%{byte:02x}" for byte in raw)),
    ),
)
TEXT = st.text(max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FIELDS = (
    "org again version decision reason correction link_to object recordId trigger id sequence "
    "payloads"
).split()
BODIES = st.one_of(
    st.binary(max_size=60),
    VALUES.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6).map(
        lambda value: json.dumps(value).encode()
    ),
    st.builds(
        lambda value: json.dumps({"version": 1, "decision": "retry", "reason": value}).encode(),
        TEXT,
    ),
)
RAW = st.binary(max_size=40).filter(lambda raw: not set(raw) & {0, 10, 13})
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            b"content-type",
            b"content-length",
            b"content-encoding",
            b"authorization",
            b"origin",
            b"webhook-id",
            b"webhook-timestamp",
            b"webhook-signature",
            b"stripe-signature",
        ]
    ),
    RAW
    | st.sampled_from(
        [b"application/json", b"text/xml", b"Bearer token-all", UI.encode(), b"1763000000"]
    ),
    max_size=5,
)


@quick
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD"]),
    path=PATHS,
    query=st.dictionaries(
        st.sampled_from(["limit", "state", "queue", "stage", "stuck", "any_state"]), TEXT
    ),
    headers=HEADERS,
    body=BODIES,
)
async def test_any_request_is_answered_by_the_rules(
    bridge: Bridge, method: str, path: str, query: dict[str, str], headers, body: bytes
) -> None:
    answer = await bridge.http.request(
        method, path, params=query, headers=list(headers.items()), content=body
    )
    assert answer.status_code < 500, (answer.status_code, answer.text)


@quick
@given(path=PATHS, body=BODIES, message_id=TEXT)
async def test_any_body_of_a_trusted_sender_is_answered_by_the_rules(
    bridge: Bridge, path: str, body: bytes, message_id: str
) -> None:
    """Behind the signature and the token lies the parser."""
    name = message_id.encode("ascii", "ignore").decode() or "m"
    headers = {
        "content-type": "application/json",
        "authorization": "Bearer token-all",
        "origin": UI,
        "stripe-signature": header(b"", at=1) if not _is_text(body) else header(body),
    } | signed(body, message_id=name)
    answer = await bridge.http.post(path, headers=headers, content=body)
    assert answer.status_code < 500, (answer.status_code, answer.text)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True
