"""A network for the Stripe adapter whose answers a test decides, by method and path."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import httpx

Answer = Callable[[httpx.Request], httpx.Response]


class Routes:
    """First matching route answers; what was sent is kept. An unknown path is a 404 of Stripe."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], Answer]] = []
        self.sent: list[tuple[str, str]] = []
        self.keys: list[str] = []

    def on(self, method: str, path: str, answer: Answer | dict[str, Any]) -> None:
        """Later routes are tried later."""
        body = answer
        handler: Answer = body if callable(body) else lambda _: httpx.Response(200, json=body)
        self._routes.append((method, re.compile(path + r"\Z"), handler))

    def handle(self, request: httpx.Request) -> httpx.Response:
        """One exchange."""
        path = request.url.path
        self.sent.append((request.method, path))
        if request.method != "GET":
            self.keys.append(request.headers["idempotency-key"])
        for method, pattern, answer in self._routes:
            if method == request.method and pattern.match(path):
                return answer(request)
        error = {"type": "invalid_request_error", "code": "resource_missing"}
        return httpx.Response(404, json={"error": error})


def page(*rows: dict[str, Any], more: bool = False) -> dict[str, Any]:
    """A list of Stripe's."""
    return {"object": "list", "data": list(rows), "has_more": more}


def stripe_error(status: int, kind: str, code: str = "", **headers: str) -> Answer:
    """An error of Stripe's."""
    error = {"type": kind, "code": code}
    return lambda _: httpx.Response(status, json={"error": error}, headers=headers)
