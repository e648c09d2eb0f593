"""Every exchange of a simulator's API in a file, a JSON line each: for whoever wants to judge them.

Headers are left out, since credentials travel there. Bodies are whole: personal data included.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TextIO

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Tape:
    """A file that grows by a line for each exchange. Opened at the first of them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def note(self, exchange: dict[str, object]) -> None:
        """Write one exchange; a line is complete or not there, also after a kill."""
        if self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("a", buffering=1, encoding="utf-8")
        self._file.write(json.dumps(exchange) + "\n")

    def close(self) -> None:
        """Close the file, if there is one."""
        if self._file is not None:
            self._file.close()
            self._file = None


class TapeMiddleware:
    """Notes what the simulator itself answered; a fault in front of it is not the API's doing."""

    def __init__(self, app: ASGIApp, tape: Tape, prefix: str) -> None:
        self._app = app
        self._tape = tape
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything on unchanged."""
        if scope["type"] != "http" or not scope["path"].startswith(self._prefix):
            await self._app(scope, receive, send)
            return
        asked: list[bytes] = []
        said: list[bytes] = []
        status = 0

        async def reading() -> Message:
            message = await receive()
            asked.append(message.get("body", b""))
            return message

        async def writing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            said.append(message.get("body", b""))
            await send(message)

        await self._app(scope, reading, writing)
        self._tape.note(
            {
                "method": scope["method"],
                "path": scope["path"],
                "query": scope["query_string"].decode("latin-1"),
                "body": b"".join(asked).decode("utf-8", "replace"),
                "status": status,
                "text": b"".join(said).decode("utf-8", "replace"),
            }
        )
