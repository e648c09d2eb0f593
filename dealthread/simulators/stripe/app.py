"""The simulator as an ASGI app: the configured accounts, `/v1/…`, and the kit's `/_sim/…`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from starlette.applications import Starlette
from starlette.routing import Route

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.faults import FaultKind, FaultSwitch
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.middleware import Identify
from dealthread.simulators.kit.server import build_app
from dealthread.simulators.kit.state import Keeper
from dealthread.simulators.kit.state_store import StateStore
from dealthread.simulators.kit.tape import Tape
from dealthread.simulators.kit.webhook_sender import WebhookSender
from dealthread.simulators.stripe.balance import bank
from dealthread.simulators.stripe.clocks import progress
from dealthread.simulators.stripe.config import SimulatorConfig
from dealthread.simulators.stripe.events import webhook_endpoints
from dealthread.simulators.stripe.gateway import EXECUTION, Gateway, secret_of
from dealthread.simulators.stripe.persistence import KeptAccounts
from dealthread.simulators.stripe.store import AccountState
from dealthread.simulators.stripe.wire.vendor_errors import StripeFaults
from dealthread.simulators.stripe.world import Context, World


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
    accounts = KeptAccounts(world)
    keeper = Keeper(accounts, StateStore(config.state, "stripe")) if config.state else None
    if keeper is None or not keeper.load():
        furnish(world)
    faults = FaultSwitch(
        unsupported=frozenset({FaultKind.STALE_READ}),
        part_targets={
            EXECUTION: frozenset(
                {
                    FaultKind.SLOW,
                    FaultKind.SERVER_ERROR,
                    FaultKind.SERVER_ERROR_AFTER,
                    FaultKind.REJECT,
                }
            )
        },
    )
    gateway = Gateway(world, faults)
    tape = Tape(Path(config.tape) / f"stripe-{os.getpid()}.jsonl") if config.tape else None
    if keeper is not None:
        world.ledger.on_effect(keeper.mark)

    def reset() -> None:
        for account in world.accounts.values():
            account.clear()
        furnish(world)
        replaced()

    def replaced() -> None:
        if keeper is not None:
            keeper.start_over()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 Starlette's signature
        async with AsyncExitStack() as stack:
            if tape is not None:
                stack.callback(tape.close)
            if keeper is not None:
                await stack.enter_async_context(keeper.keeping())
            await stack.enter_async_context(world.webhooks.running())
            ticking = asyncio.create_task(_tick(world))
            try:
                yield
            finally:
                ticking.cancel()
                await asyncio.gather(ticking, return_exceptions=True)

    app = build_app(
        [
            Route("/v1/{rest:path}", gateway.answer, methods=["GET", "POST", "DELETE"]),
            *bank.routes(world),
        ],
        StripeFaults(),
        world.clock,
        world.ledger,
        faults,
        webhooks=world.webhooks,
        on_reset=reset,
        world=accounts,
        on_restore=replaced,
        tape=tape,
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
