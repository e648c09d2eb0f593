"""What the codec does to the payloads of real runs: their size, and the processor time it takes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent

from dealthread.codec import ENCODING, EncryptingCodec

REPEATS = 20


@dataclass(frozen=True)
class CodecCost:
    """Of all encrypted payloads of the histories given."""

    payloads: int
    clear_bytes: int
    sealed_bytes: int
    seal_ms: float
    """Processor time of sealing all of them once."""
    open_ms: float


async def codec_cost(codec: EncryptingCodec, events: Sequence[HistoryEvent]) -> CodecCost:
    """Open what the server holds, and time sealing and opening it again."""
    sealed = [p for event in events for p in _payloads(event) if _is_sealed(p)]
    clear = await codec.decode(sealed)
    began = time.process_time()
    for _ in range(REPEATS):
        await codec.encode(clear)
    middle = time.process_time()
    for _ in range(REPEATS):
        await codec.decode(sealed)
    end = time.process_time()
    return CodecCost(
        payloads=len(sealed),
        clear_bytes=sum(payload.ByteSize() for payload in clear),
        sealed_bytes=sum(payload.ByteSize() for payload in sealed),
        seal_ms=1000 * (middle - began) / REPEATS,
        open_ms=1000 * (end - middle) / REPEATS,
    )


def _is_sealed(payload: Payload) -> bool:
    return payload.metadata.get("encoding") == ENCODING


def _payloads(message: Message) -> Iterator[Payload]:
    if isinstance(message, Payload):
        yield message
        return
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        if isinstance(value, Message):
            yield from _payloads(value)
            continue
        for item in value.values() if hasattr(value, "values") else value:
            if isinstance(item, Message):
                yield from _payloads(item)
