"""SC-01, EV-02: signed messages are believed, anything else is refused without a trace."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from tests.bridge.caller import (
    NEXT_SECRET,
    ORG,
    OTHER_SECRET,
    OUTBOUND_TOKEN,
    SECRET,
    START,
    STRIPE_SECRET,
    Bridge,
    hint,
    signed,
)

pytestmark = pytest.mark.postgres
MIB = 1024 * 1024


async def test_a_signed_message_is_stored_as_it_came_and_accepted(bridge: Bridge) -> None:
    body = hint()
    answer = await bridge.hook(body, signed(body))
    assert (answer.status_code, answer.json()) == (202, {"status": "accepted"})
    (row,) = await bridge.rows()
    assert (row.source, row.account, row.message_id) == ("salesforce", ORG, "msg_1")
    assert (row.body, row.state, row.business_key) == (body, "new", "")


async def test_what_the_reference_library_signs_is_accepted(bridge: Bridge) -> None:
    body = hint(note="Grüße")
    stamp = datetime.fromtimestamp(START, UTC)
    headers = {
        "webhook-id": "msg_lib",
        "webhook-timestamp": str(int(START)),
        "webhook-signature": Webhook(SECRET).sign("msg_lib", stamp, body.decode()),
    }
    assert headers == signed(body, message_id="msg_lib")
    assert (await bridge.hook(body, headers)).status_code == 202


@pytest.mark.parametrize(
    ("secrets", "status"),
    [
        ((SECRET,), 202),
        ((NEXT_SECRET,), 202),
        ((SECRET, NEXT_SECRET), 202),
        ((OTHER_SECRET, NEXT_SECRET), 202),
        ((OTHER_SECRET,), 401),
    ],
)
async def test_during_a_rotation_either_live_secret_signs_and_no_other(
    bridge: Bridge, secrets: tuple[str, ...], status: int
) -> None:
    body = hint()
    assert (await bridge.hook(body, signed(body, *secrets))).status_code == status
    assert len(await bridge.rows()) == (status == 202)


@pytest.mark.parametrize(
    ("age", "status"), [(-301, 401), (-300, 202), (-299, 202), (299, 202), (300, 202), (301, 401)]
)
async def test_a_message_is_believed_for_five_minutes_either_way(
    bridge: Bridge, age: int, status: int
) -> None:
    body = hint()
    bridge.clock.at = START + age
    assert (await bridge.hook(body, signed(body))).status_code == status


async def test_every_flipped_bit_of_the_body_is_noticed(bridge: Bridge) -> None:
    body = hint(filler="x" * 120)
    assert len(body) > 200
    headers = signed(body)
    for place in range(len(body) * 8):
        forged = bytearray(body)
        forged[place // 8] ^= 1 << (place % 8)
        answer = await bridge.hook(bytes(forged), headers)
        assert answer.status_code == 401, place
    assert await bridge.rows() == []


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_every_flipped_bit_of_a_signed_header_is_noticed(bridge: Bridge, name: str) -> None:
    body = hint()
    headers = signed(body)
    original = headers[name].encode()
    for place in range(len(original) * 8):
        forged = bytearray(original)
        forged[place // 8] ^= 1 << (place % 8)
        answer = await bridge.http.post(
            f"/webhooks/salesforce/{ORG}",
            content=body,
            headers=[
                (b"content-type", b"application/json"),
                *(
                    (key.encode(), bytes(forged) if key == name else value.encode())
                    for key, value in headers.items()
                ),
            ],
        )
        assert answer.status_code == 401, forged
    assert await bridge.rows() == []


async def test_the_same_json_in_other_bytes_is_not_what_was_signed(bridge: Bridge) -> None:
    body = hint()
    again = json.dumps(json.loads(body), separators=(",", ":")).encode()
    assert (await bridge.hook(again, signed(body))).status_code == 401


async def test_an_unknown_sender_and_a_bad_signature_look_alike(bridge: Bridge) -> None:
    body = hint()
    bad = await bridge.hook(body, signed(body, OTHER_SECRET))
    unknown = await bridge.hook(body, signed(body), org="00D000000000002EAA")
    assert bad.status_code == unknown.status_code == 401
    assert bad.content == unknown.content
    assert bad.headers == unknown.headers


@pytest.mark.parametrize("secret", [OUTBOUND_TOKEN, STRIPE_SECRET])
async def test_a_secret_of_another_path_does_not_sign_here(bridge: Bridge, secret: str) -> None:
    body = hint()
    key = "whsec_" + base64.b64encode(secret.encode()).decode()
    assert (await bridge.hook(body, signed(body, key))).status_code == 401


def _malformed() -> dict[str, dict[str, bytes]]:
    good = {name: value.encode() for name, value in signed(hint()).items()}
    signature = good["webhook-signature"]
    return {
        "no id": {**good, "webhook-id": b""},
        "no timestamp": {**good, "webhook-timestamp": b""},
        "no signature": {**good, "webhook-signature": b""},
        "without version": {**good, "webhook-signature": signature[3:]},
        "without comma": {**good, "webhook-signature": signature.replace(b",", b"")},
        "two commas": {**good, "webhook-signature": signature.replace(b",", b",,")},
        "only commas": {**good, "webhook-signature": b",,,,"},
        "bad base64": {**good, "webhook-signature": b"v1,!!!!"},
        "not ascii": {**good, "webhook-signature": b"v1,\xff\xfe\xe4"},
        "asymmetric": {**good, "webhook-signature": b"v1a," + signature[3:]},
        "list by comma": {**good, "webhook-signature": b"v1,AAAA,v1," + signature[3:]},
        "fraction": {**good, "webhook-timestamp": good["webhook-timestamp"] + b".99"},
        "sign": {**good, "webhook-timestamp": b"+" + good["webhook-timestamp"]},
        "superscript": {**good, "webhook-timestamp": b"\xb2"},
        "very long": {**good, "webhook-timestamp": b"1" * 5000},
        "not a number": {**good, "webhook-timestamp": b"NaN"},
    }


@pytest.mark.parametrize("case", sorted(_malformed()))
async def test_malformed_headers_do_not_verify(bridge: Bridge, case: str) -> None:
    answer = await bridge.http.post(
        f"/webhooks/salesforce/{ORG}",
        content=hint(),
        headers=[
            (b"content-type", b"application/json"),
            *((name.encode(), value) for name, value in _malformed()[case].items()),
        ],
    )
    assert answer.status_code == 401
    assert await bridge.rows() == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b"not json", "body"),
        (b"\xff\xfe", "body"),
        (b"[]", "body"),
        (b"[" * 100_000, "body"),
        (b'{"object":"Opportunity","trigger":"won"}', "recordId"),
        (b'{"object":"Opportunity","recordId":7,"trigger":"won"}', "recordId"),
        (b'{"object":"Opportunity","recordId":"x","trigger":"won"}', "recordId"),
        (b'{"object":"Opportunity","recordId":"0065g00000AbCdEAAA","trigger":"won"}', "recordId"),
    ],
)
async def test_a_verified_body_that_cannot_be_read_is_kept_and_its_field_named(
    bridge: Bridge, body: bytes, field: str
) -> None:
    answer = await bridge.hook(body, signed(body))
    assert (answer.status_code, answer.json()["field"]) == (400, field)
    (row,) = await bridge.rows()
    assert (row.body, row.state) == (body, "refused")


async def test_an_id_longer_than_the_store_holds_is_refused_not_cut(bridge: Bridge) -> None:
    """Cut to the same beginning, two messages would pass for one."""
    body = hint()
    for last in "ab":
        answer = await bridge.hook(body, signed(body, message_id="m" * 200 + last))
        assert (answer.status_code, answer.json()["field"]) == (400, "webhook-id")
    assert (await bridge.hook(body, signed(body, message_id="m" * 200))).status_code == 202


async def test_ten_of_the_same_at_once_are_one_row_one_202_and_nine_200(bridge: Bridge) -> None:
    body = hint()
    answers = await asyncio.gather(*(bridge.hook(body, signed(body)) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert len(await bridge.rows()) == 1
    bridge.clock.at += 72 * 3600
    late = await bridge.hook(body, signed(body, at=bridge.clock.at))
    assert (late.status_code, late.json()) == (200, {"status": "duplicate"})


async def test_a_body_over_one_mebibyte_is_refused_before_it_is_verified(bridge: Bridge) -> None:
    edge = hint(filler="")
    edge = hint(filler="x" * (MIB - len(edge)))
    assert len(edge) == MIB
    assert (await bridge.hook(edge, signed(edge))).status_code == 202
    over = edge + b" "
    assert (await bridge.hook(over, signed(over))).status_code == 413
    assert (await bridge.hook(b"", {"content-length": str(MIB + 1)})).status_code == 413


async def test_a_stream_without_a_length_is_read_no_further_than_the_limit(bridge: Bridge) -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1
            yield b"x" * 65_536

    answer = await bridge.http.post(
        f"/webhooks/salesforce/{ORG}",
        content=endless(),
        headers={"content-type": "application/json"} | signed(b""),
    )
    assert answer.status_code == 413
    assert read <= 18


@pytest.mark.parametrize(
    ("headers", "status", "field"),
    [
        ({"content-type": "text/plain"}, 415, "content-type"),
        ({"content-type": ""}, 415, "content-type"),
        ({"content-encoding": "gzip"}, 415, "content-encoding"),
        ({"content-length": "many"}, 400, "content-length"),
        ({"content-length": "-1"}, 400, "content-length"),
        ({"content-length": "9" * 5000}, 400, "content-length"),
    ],
)
async def test_another_kind_of_body_is_refused_by_its_header(
    bridge: Bridge, headers: dict[str, str], status: int, field: str
) -> None:
    body = hint()
    answer = await bridge.hook(body, signed(body) | headers)
    assert (answer.status_code, answer.json()["field"]) == (status, field)


async def test_a_superscript_is_no_length(bridge: Bridge) -> None:
    answer = await bridge.http.post(
        f"/webhooks/salesforce/{ORG}",
        content=hint(),
        headers=[(b"content-type", b"application/json"), (b"content-length", b"\xb2")],
    )
    assert (answer.status_code, answer.json()["field"]) == (400, "content-length")


async def test_a_charset_beside_the_content_type_is_no_other_kind(bridge: Bridge) -> None:
    body = hint()
    answer = await bridge.hook(
        body, signed(body) | {"content-type": "Application/JSON; charset=utf-8"}
    )
    assert answer.status_code == 202
