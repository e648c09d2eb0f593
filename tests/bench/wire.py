"""A small HTTP/1.1 load generator: prepared requests, kept-alive connections, nothing parsed twice.

A full client would take more of the two processors than the server that is measured.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.bench.sizes import LIMIT_SECONDS

CONNECTIONS = 32


@dataclass(frozen=True)
class Answers:
    """Statuses and time."""

    statuses: Counter[int]
    seconds: float

    @property
    def per_second(self) -> float:
        return self.statuses.total() / self.seconds


def request(url: str, headers: dict[str, str], body: bytes = b"", *, method: str = "POST") -> bytes:
    """One request as it goes over the wire."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    lines = [f"{method} {path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def send_all(url: str, requests: Sequence[bytes]) -> Answers:
    """Each request once, over all connections, as fast as they are answered."""
    waiting = iter(requests)
    statuses: Counter[int] = Counter()
    parts = urlsplit(url)
    lines = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(CONNECTIONS)]
    try:
        began = time.perf_counter()
        async with asyncio.timeout(LIMIT_SECONDS):
            await asyncio.gather(*(_lane(*line, waiting, statuses) for line in lines))
        return Answers(statuses, time.perf_counter() - began)
    finally:
        for _, writer in lines:
            writer.close()


async def _lane(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    waiting: Iterator[bytes],
    statuses: Counter[int],
) -> None:
    for one in waiting:
        writer.write(one)
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        await reader.readexactly(length)
        statuses[int(head[9:12])] += 1
