"""SC-06: payloads are ciphertext under a named key; an altered one does not open."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.api.common.v1 import Payload

from dealthread.codec import ENCODING, CodecKeyMissing, EncryptingCodec, parse_keys

OLD, NEW = b"o" * 32, b"n" * 32
CODEC = EncryptingCodec({"kek/2": NEW, "kek/1": OLD})
CLEAR = Payload(metadata={"encoding": b"json/plain", "messageType": b"x"}, data=b'"Ada"' * 50)


def altered(payload: Payload, **changes: bytes) -> Payload:
    made = Payload()
    made.CopyFrom(payload)
    if "data" in changes:
        made.data = changes["data"]
    if "key_id" in changes:
        made.metadata["encryption-key-id"] = changes["key_id"]
    return made


@given(st.binary(max_size=2000), st.dictionaries(st.text(max_size=9), st.binary(max_size=9)))
async def test_what_goes_in_comes_out(data: bytes, metadata: dict[str, bytes]) -> None:
    payload = Payload(metadata=metadata, data=data)
    (sealed,) = await CODEC.encode([payload])
    assert await CODEC.decode([sealed]) == [payload]
    assert CODEC.decode_now([sealed]) == [payload]


async def test_nothing_of_the_payload_is_in_clear() -> None:
    (sealed,) = await CODEC.encode([CLEAR])
    assert dict(sealed.metadata) == {"encoding": ENCODING, "encryption-key-id": b"kek/2"}
    assert b"Ada" not in sealed.SerializeToString()
    assert b"json/plain" not in sealed.SerializeToString()


async def test_the_same_payload_is_never_the_same_ciphertext() -> None:
    sealed = await CODEC.encode([CLEAR] * 100)
    assert len({one.data[:12] for one in sealed}) == 100


async def test_the_first_key_seals_and_old_ones_still_open() -> None:
    (before,) = await EncryptingCodec({"kek/1": OLD}).encode([CLEAR])
    assert await CODEC.decode([before]) == [CLEAR]
    (after,) = await CODEC.encode([CLEAR])
    assert after.metadata["encryption-key-id"] == b"kek/2"


async def test_a_missing_key_is_an_error_of_its_own_and_never_clear_text() -> None:
    (sealed,) = await CODEC.encode([CLEAR])
    with pytest.raises(CodecKeyMissing, match="not configured"):
        await EncryptingCodec({"kek/1": OLD}).decode([sealed])
    for key_id in (b"", b"\xff\xfe"):
        with pytest.raises(CodecKeyMissing):
            CODEC.decode_now([altered(sealed, key_id=key_id)])


async def test_ciphertext_is_bound_to_the_key_it_names() -> None:
    """Two names of the same key bytes are two keys: the name is authenticated."""
    twins = EncryptingCodec({"kek/1": OLD, "kek/2": OLD})
    (sealed,) = await twins.encode([CLEAR])
    with pytest.raises(CodecKeyMissing, match="does not decrypt"):
        twins.decode_now([altered(sealed, key_id=b"kek/2")])


async def test_every_altered_or_missing_byte_is_noticed() -> None:
    (sealed,) = await CODEC.encode([CLEAR])
    for place in range(len(sealed.data)):
        for data in (
            sealed.data[:place],
            sealed.data[:place] + bytes([sealed.data[place] ^ 1]) + sealed.data[place + 1 :],
        ):
            with pytest.raises(CodecKeyMissing):
                CODEC.decode_now([altered(sealed, data=data)])


async def test_a_payload_that_was_never_sealed_passes_unchanged() -> None:
    assert await CODEC.decode([CLEAR]) == [CLEAR]


def test_keys_are_read_in_their_order() -> None:
    text = json.dumps({name: base64.b64encode(NEW).decode() for name in ("b", "a")})
    assert list(parse_keys(text)) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("{}", "holds no key"),
        ("[]", "not an object"),
        ('"x"', "not an object"),
        ('{"a": 7}', "'a' is not base64"),
        ('{"a": "%%%"}', "'a' is not base64"),
        ('{"a": "é"}', "'a' is not base64"),
        ('{"a": "AAAA"}', "'a' is not 32 bytes"),
    ],
)
def test_unusable_keys_are_named(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_keys(text)
