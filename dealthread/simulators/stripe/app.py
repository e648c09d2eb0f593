"""The simulator as an ASGI app: the configured accounts, `/v1/…`, and the kit's `/_sim/…`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.faults import FaultKind, FaultSwitch
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.middleware import Identify
from dealthread.simulators.kit.server import build_app
from dealthread.simulators.kit.webhook_sender import WebhookSender
from dealthread.simulators.stripe import persistence, progress, webhook_endpoints
from dealthread.simulators.stripe.config import SimulatorConfig
from dealthread.simulators.stripe.gateway import EXECUTION, Gateway, secret_of
from dealthread.simulators.stripe.store import AccountState
from dealthread.simulators.stripe.vendor_errors import StripeFaults
from dealthread.simulators.stripe.world import Context, World

# At most this long is a change not yet in the state file.
SAVE_SECONDS = 0.5


def create_world(config: SimulatorConfig, clock: SimClock | None = None) -> World:
    """An empty world with the configured accounts and their configured webhook endpoints."""
    clock = clock or SimClock(timedelta(seconds=config.clock_offset_seconds))
    world = World(config, clock, Ledger(clock), WebhookSender(clock))
    for account in config.accounts:
        world.accounts[account.id] = AccountState(account)
    return world


def furnish(world: World) -> None:
    """Make the webhook endpoints of the configuration."""
    for account in world.accounts.values():
        config = account.config
        if config.webhook_url is not None:
            webhook_endpoints.create(
                Context(world, account),
                {"url": config.webhook_url, "enabled_events": ["*"]},
                secret=config.webhook_secret,
            )


def create_app(config: SimulatorConfig, clock: SimClock | None = None) -> Starlette:
    """The app. `app.state.world` is the world, for tests in the same process."""
    world = create_world(config, clock)
    path = Path(config.state_file) if config.state_file else None
    if path is None or not persistence.load(world, path):
        furnish(world)
    faults = FaultSwitch(
        unsupported=frozenset({FaultKind.STALE_READ}),
        part_targets={
            EXECUTION: frozenset(
                {FaultKind.SLOW, FaultKind.SERVER_ERROR, FaultKind.SERVER_ERROR_AFTER}
            )
        },
    )
    gateway = Gateway(world, faults)
    keeper = _Keeper(world, path)
    world.ledger.on_effect(keeper.mark)

    def reset() -> None:
        for account in world.accounts.values():
            account.clear()
        furnish(world)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 Starlette's signature
        async with world.webhooks.running():
            ticking = asyncio.create_task(_tick(world))
            keeping = asyncio.create_task(keeper.run())
            try:
                yield
            finally:
                ticking.cancel()
                keeper.stop()
                await asyncio.gather(ticking, keeping, return_exceptions=True)

    app = build_app(
        [Route("/v1/{rest:path}", gateway.answer, methods=["GET", "POST", "DELETE"])],
        StripeFaults(),
        world.clock,
        world.ledger,
        faults,
        webhooks=world.webhooks,
        on_reset=reset,
        identify=_identify(world),
        lifespan=lifespan,
        name="stripe",
    )
    app.state.world = world
    return app


def _identify(world: World) -> Identify:
    def identify(
        headers: Mapping[str, str],
        path: str,  # noqa: ARG001 the kit's signature
    ) -> tuple[str | None, str | None]:
        secret = secret_of(headers)
        account = world.by_key(secret) if secret is not None else None
        return (
            account.id if account is not None else None,
            headers.get("idempotency-key"),
        )

    return identify


async def _tick(world: World) -> None:
    """Let time pass also while nobody asks."""
    while True:
        progress.catch_up(world)
        progress.advance_clocks(world)
        await asyncio.sleep(world.config.tick_seconds)


class _Keeper:
    """Writes the state file soon after changes, never more often than twice a second."""

    def __init__(self, world: World, path: Path | None) -> None:
        self._world = world
        self._path = path
        self._is_dirty = False
        self._stopping = asyncio.Event()

    def mark(self) -> None:
        """Something changed."""
        self._is_dirty = True

    def stop(self) -> None:
        """Write a last time and end; a write under way is finished first."""
        self._stopping.set()

    async def run(self) -> None:
        """Write while there is something to write, and once more at the end."""
        while not self._stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), SAVE_SECONDS)
            if self._path is not None and (self._is_dirty or self._stopping.is_set()):
                self._is_dirty = False
                text = persistence.dump(self._world)
                await asyncio.to_thread(persistence.write, self._path, text)
