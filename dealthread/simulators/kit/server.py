"""Runs a simulator's app: uvicorn with a protocol that lets a fault cut the connection."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from dealthread.simulators.kit.certificates import ServerCertificate
from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.control import control_routes
from dealthread.simulators.kit.faults import FaultSwitch, VendorErrors
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.middleware import (
    TRANSPORT_EXTENSION,
    FaultMiddleware,
    Identify,
    identify_by_headers,
)
from dealthread.simulators.kit.state import KeptWorld
from dealthread.simulators.kit.tape import Tape, TapeMiddleware
from dealthread.simulators.kit.webhook_sender import WebhookSender

SHUTDOWN_GRACE_SECONDS = 3
"""How long a stopping simulator waits for requests it holds on purpose."""

STARTUP_TIMEOUT_SECONDS = 20.0

API_PREFIX = "/v1/"
"""What a tape notes; the routes below `/_sim/` are no vendor's."""

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]


class TransportAwareProtocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol that shows the app its transport."""

    def on_message_begin(self) -> None:
        """Put the transport into the scope's extensions."""
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT_EXTENSION: self.transport}  # type: ignore[dict-item]


def build_app(
    routes: Sequence[BaseRoute],
    vendor_errors: VendorErrors,
    clock: SimClock,
    ledger: Ledger,
    faults: FaultSwitch,
    *,
    webhooks: WebhookSender | None = None,
    on_reset: Callable[[], None] | None = None,
    world: KeptWorld | None = None,
    on_restore: Callable[[], None] | None = None,
    tape: Tape | None = None,
    identify: Identify = identify_by_headers,
    lifespan: Lifespan | None = None,
    name: str = "simulator",
) -> Starlette:
    """A simulator's ASGI app: its own routes, `/_sim/…`, faults and the ledger.

    `on_reset` empties the simulated world for `POST /_sim/reset`; `world` is what snapshots are
    taken of, `on_restore` is called after one was put back; `tape` notes the exchanges of the API
    below `/v1`. The webhook sender, if any, must
    be started and stopped by `lifespan` (see `WebhookSender.running`).
    """
    control = control_routes(
        name=name,
        clock=clock,
        ledger=ledger,
        faults=faults,
        webhooks=webhooks,
        on_reset=on_reset,
        world=world,
        on_restore=on_restore,
    )
    return Starlette(
        routes=[*control, *routes],
        lifespan=lifespan,
        middleware=[
            Middleware(
                FaultMiddleware,
                faults=faults,
                ledger=ledger,
                vendor_errors=vendor_errors,
                identify=identify,
            ),
            *([] if tape is None else [Middleware(TapeMiddleware, tape=tape, prefix=API_PREFIX)]),
        ],
    )


def server_for(
    app: ASGIApp, host: str, port: int, certificate: ServerCertificate | None = None
) -> uvicorn.Server:
    """A server that is not yet running; with a certificate it speaks https only."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=TransportAwareProtocol,
            ws="none",
            lifespan="on",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
            ssl_certfile=None if certificate is None else str(certificate.certificate),
            ssl_keyfile=None if certificate is None else str(certificate.key),
        )
    )


def run(app: ASGIApp, host: str, port: int, certificate: ServerCertificate | None = None) -> None:
    """Serve until SIGINT or SIGTERM."""
    server_for(app, host, port, certificate).run()


class BackgroundServer:
    """Serves an app in a thread with its own loop, on a free port. For tests and small stacks."""

    def __init__(self, app: ASGIApp, host: str = "127.0.0.1") -> None:
        # With the protocol named, asyncio sets TCP_NODELAY; without it answers take 40 ms.
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((host, 0))
        self.host = host
        self.port: int = self._socket.getsockname()[1]
        self._server = server_for(app, host, self.port)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def url(self) -> str:
        """Where it answers, without a slash at the end."""
        return f"http://{self.host}:{self.port}"

    def start(self) -> None:
        """Start and wait until it answers. Raises RuntimeError when it does not."""
        self._thread.start()
        deadline = SimClock.monotonic() + STARTUP_TIMEOUT_SECONDS
        pause = threading.Event()
        while not self._server.started:
            if not self._thread.is_alive() or SimClock.monotonic() > deadline:
                raise RuntimeError("the server did not start")
            pause.wait(0.005)

    def stop(self) -> None:
        """Stop and wait until it has ended."""
        self._server.should_exit = True
        self._thread.join(timeout=SHUTDOWN_GRACE_SECONDS + 5)
        self._socket.close()

    def _serve(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._socket]))
