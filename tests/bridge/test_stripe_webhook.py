"""SC-01: Stripe's events are verified as Stripe's own library signs them, and held."""

from __future__ import annotations

import asyncio
import json

import pytest
from stripe import Webhook, WebhookSignature

from tests.bridge.caller import ACCOUNT, START, STRIPE_SECRET, Bridge

pytestmark = pytest.mark.postgres
EVENT = json.dumps({"id": "evt_1", "object": "event", "type": "invoice.paid"}).encode()


def header(body: bytes, secret: str = STRIPE_SECRET, at: float = START) -> str:
    """The header as Stripe's library computes it."""
    mac = WebhookSignature._compute_signature(f"{int(at)}.{body.decode()}", secret)
    return f"t={int(at)},v1={mac}"


async def post(bridge: Bridge, body: bytes, signature: str, account: str = ACCOUNT) -> int:
    answer = await bridge.http.post(
        f"/webhooks/stripe/{account}",
        content=body,
        headers={"content-type": "application/json", "stripe-signature": signature},
    )
    return answer.status_code


async def test_an_event_is_held_until_somebody_consumes_it(bridge: Bridge) -> None:
    signature = header(EVENT)
    # Stripe's own verifier agrees with the header (it looks at the machine's clock, so no age).
    assert Webhook.construct_event(EVENT.decode(), signature, STRIPE_SECRET, tolerance=0)
    assert await post(bridge, EVENT, signature) == 202
    assert await post(bridge, EVENT, signature) == 200
    (row,) = await bridge.rows()
    assert (row.source, row.account, row.message_id) == ("stripe", ACCOUNT, "evt_1")
    assert (row.state, row.body) == ("held", EVENT)
    assert await bridge.held.inbox.store([]) == []


async def test_ten_of_the_same_at_once_are_one_row(bridge: Bridge) -> None:
    signature = header(EVENT)
    answers = await asyncio.gather(*(post(bridge, EVENT, signature) for _ in range(10)))
    assert sorted(answers) == [200] * 9 + [202]
    assert len(await bridge.rows()) == 1


@pytest.mark.parametrize(
    ("age", "status"), [(-301, 401), (-299, 202), (0, 202), (299, 202), (301, 401)]
)
async def test_an_event_is_believed_for_five_minutes_either_way(
    bridge: Bridge, age: int, status: int
) -> None:
    bridge.clock.at = START + age
    assert await post(bridge, EVENT, header(EVENT)) == status


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1,v1=",
        "v1=abc",
        f"t={int(START)}",
        f"t={int(START)},v1=zz",
        f"t={int(START)},v0=" + "0" * 64,
        "t=²,v1=abc",
        f"t={int(START)},v1=é",
        ",,,===,,",
    ],
)
async def test_a_malformed_header_does_not_verify(bridge: Bridge, signature: str) -> None:
    answer = await bridge.http.post(
        f"/webhooks/stripe/{ACCOUNT}",
        content=EVENT,
        headers=[
            (b"content-type", b"application/json"),
            (b"stripe-signature", signature.encode("latin-1")),
        ],
    )
    assert answer.status_code == 401
    assert await bridge.rows() == []


async def test_another_secret_another_account_or_another_body_does_not_verify(
    bridge: Bridge,
) -> None:
    assert await post(bridge, EVENT, header(EVENT, "whsec_wrong")) == 401
    assert await post(bridge, EVENT, header(EVENT), "acct_de") == 401
    assert await post(bridge, EVENT + b" ", header(EVENT)) == 401
    assert await bridge.rows() == []


async def test_one_right_signature_among_several_is_enough(bridge: Bridge) -> None:
    """Stripe signs with each live secret while one is being rolled."""
    right = header(EVENT)
    assert await post(bridge, EVENT, right + ",v1=" + "0" * 64 + ",v0=old") == 202


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b"not json",
        b'{"id":7}',
        b'{"id":""}',
        b'{"id":"evt_\\u0000"}',
        b'{"id":"evt_\\ud800"}',
        b'{"id":"' + b"e" * 201 + b'"}',
        b'{"a":' * 100_000,
    ],
)
async def test_a_signed_body_without_a_usable_id_is_refused(bridge: Bridge, body: bytes) -> None:
    assert await post(bridge, body, header(body)) == 400
    assert await bridge.rows() == []
