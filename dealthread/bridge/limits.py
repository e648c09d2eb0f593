"""How much of a body is read before anybody has said who calls."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.types import Message

LIMIT = 1024 * 1024
_LENGTH_DIGITS = 15


class TooLarge(Exception):
    """The body is longer than the limit."""


def is_length(value: str) -> bool:
    """Whether a Content-Length header is a number that a body can have."""
    return value.isascii() and value.isdigit() and len(value) <= _LENGTH_DIGITS


async def read_body(request: Request, limit: int = LIMIT) -> bytes:
    """The raw body, read no further than the limit. Raises TooLarge."""
    announced = request.headers.get("content-length", "0")
    if is_length(announced) and int(announced) > limit:
        raise TooLarge
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


class LimitedRoute(APIRoute):
    """A route whose body may not exceed the limit; FastAPI itself reads a body to its end, and
    does so before it asks who calls."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def limited(request: Request) -> Response:
            left = LIMIT

            async def receive() -> Message:
                nonlocal left
                message = await request.receive()
                left -= len(message.get("body", b""))
                if left < 0:
                    raise HTTPException(413, "too_large")
                return message

            return await handle(Request(request.scope, receive))

        return limited
