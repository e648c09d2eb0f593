"""The payload codec: compress, then AES-256-GCM. Everything that crosses Temporal is ciphertext.

A key id is `<key-encryption key>/<data key>`, so that one customer's data key can be destroyed
later. The associated data is the key id: ciphertext cannot be passed off under another key. Old
keys stay readable; the first configured key encrypts.
"""

from __future__ import annotations

import base64
import json
import os
import zlib
from collections.abc import Iterable, Mapping, Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.converter import PayloadCodec

ENCODING = b"binary/encrypted"
_NONCE = 12
_KEY_BYTES = 32


class CodecKeyMissing(Exception):
    """A payload names a key that is not configured. The task fails and is retried: add the key."""


def parse_keys(text: str) -> dict[str, bytes]:
    """Keys from `{key id: base64 of 32 bytes}`, the current one first. Raises ValueError."""
    try:
        raw = json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("DEALTHREAD_CODEC_KEYS is not JSON: {key id: base64 key}") from None
    if not isinstance(raw, dict):
        raise ValueError("DEALTHREAD_CODEC_KEYS is not an object: {key id: base64 key}")
    keys = {}
    for key_id, encoded in raw.items():
        try:
            key = base64.b64decode(encoded, validate=True)
        except (TypeError, ValueError):
            raise ValueError(f"codec key {key_id!r} is not base64") from None
        if len(key) != _KEY_BYTES:
            raise ValueError(f"codec key {key_id!r} is not 32 bytes long")
        keys[key_id] = key
    if not keys:
        raise ValueError("DEALTHREAD_CODEC_KEYS holds no key")
    return keys


class EncryptingCodec(PayloadCodec):
    """Encrypts every payload, failures included (with the encoding failure converter)."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce = os.urandom(_NONCE)
        key_id = self._current.encode()
        clear = zlib.compress(payload.SerializeToString(), 6)
        return Payload(
            metadata={"encoding": ENCODING, "encryption-key-id": key_id},
            data=nonce + self._ciphers[self._current].encrypt(nonce, clear, key_id),
        )

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key_id = payload.metadata.get("encryption-key-id", b"")
        cipher = self._ciphers.get(key_id.decode(errors="replace"))
        if cipher is None:
            raise CodecKeyMissing("payload key is not configured")
        try:
            clear = cipher.decrypt(payload.data[:_NONCE], payload.data[_NONCE:], key_id)
        except (InvalidTag, ValueError):
            # ValueError: cut so short that not even a nonce is there.
            raise CodecKeyMissing("payload does not decrypt under the key it names") from None
        return Payload.FromString(zlib.decompress(clear))

    def decode_now(self, payloads: Iterable[Payload]) -> list[Payload]:
        """The same, without an event loop: for the codec server."""
        return [self._open(payload) for payload in payloads]
