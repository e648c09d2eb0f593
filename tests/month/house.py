"""Where the month takes place: workers over the simulated biller, a ledger, CRM and entitlement in
memory, the real bridge and relay.

Business time is the Temporal server's and a fixed offset. The server's time is skipped from one
hour of the month to the next, so that what waits for a day by a timer comes to its day; everybody
else is told what time it is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, cast

import httpx
from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncEngine
from stripe import WebhookSignature
from temporalio.api.testservice.v1 import LockTimeSkippingRequest, UnlockTimeSkippingRequest
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from adapters.http import TallyMeter
from adapters.stripe.billing import StripeBilling
from adapters.stripe.settings import StripeSettings
from dealthread.bridge.app import create_app
from dealthread.bridge.relay import Relay
from dealthread.bridge.service_levels import ServiceLevelDuty
from dealthread.config import load_config
from dealthread.domain.catalog import ConfigSet
from dealthread.settings import Settings
from dealthread.store.inbox import Inbox
from dealthread.store.outbox import Outbox
from tests.month.biller import Biller, biller
from tests.month.plan import FIRST
from tests.support.deal_builder import CONFIG_DIR
from tests.support.saga_lab import Lab, lab

SECRET = "whsec_of_the_month"
NINE = timedelta(hours=9)
EVERY_RUN = 10_000
"""All runs of a month stay in the workers' memory."""
SKIP_SECONDS = 0.5
"""A skip takes no time but for the timers that fire. Where one fires just before its end, the
server holds its time although nobody is at work: it is made to let go."""
PATIENCE = 120
"""So many times."""
BREAKS = 20
"""So often a call may break off: the skip goes on in the server, and another one is refused while
it does."""


class Clock:
    """Business time of everybody: the machine's, and what was skipped."""

    offset = timedelta(0)

    def now(self) -> datetime:
        """Aware, UTC."""
        return datetime.now(UTC) + self.offset


@dataclass
class House:
    """Everybody at work, and the one time of all."""

    server: WorkflowEnvironment
    it: Lab
    biller: Biller
    clock: Clock
    settings: Settings
    config: ConfigSet
    relay: Relay
    bridge: httpx.AsyncClient

    async def midnight(self, day: date) -> None:
        """The day has begun: timers that waited for it have fired, at the end of a skip. Where one
        fires in the midst of it, the server may never come back. The biller sleeps until nine."""
        await self._skip(datetime.combine(day, time(0), UTC))

    async def nine(self, day: date) -> None:
        """Work begins: what the biller has to do until then is done in its order."""
        await self._skip(datetime.combine(day, time(9), UTC))
        self.biller.go(self.clock.offset)

    async def _skip(self, to: datetime) -> None:
        """Everybody has to be at rest."""
        broke = 0
        while to > await self._server_now():
            try:
                await self._come_to(to)
            except RPCError:
                broke += 1
                if broke > BREAKS:
                    raise
                await asyncio.sleep(SKIP_SECONDS)
        self.clock.offset = await self._server_now() - datetime.now(UTC)
        self.it.world.today = to

    async def _come_to(self, to: datetime) -> None:
        skip = asyncio.ensure_future(self.server.sleep(to - await self._server_now()))
        let_go = 0
        try:
            for _ in range(PATIENCE):
                if (await asyncio.wait({skip}, timeout=SKIP_SECONDS))[0]:
                    return await skip
                if await self._server_now() >= to:
                    # It has come there, and the answer is lost.
                    return None
                let_go += await self._let_go()
            raise AssertionError(f"the server's time does not come to {to}")
        finally:
            skip.cancel()
            for _ in range(let_go):
                await self.server.client.test_service.lock_time_skipping(LockTimeSkippingRequest())

    async def _let_go(self) -> int:
        """How often the server let go of its time, held for one who has ended: 0 or 1."""
        try:
            held = self.server.client.test_service
            await held.unlock_time_skipping(UnlockTimeSkippingRequest())
        except RPCError:
            return 0
        return 1

    async def _server_now(self) -> datetime:
        ahead = timedelta(seconds=self.settings.business_offset_seconds)
        return await self.server.get_current_time() + ahead

    async def look_for_what_is_late(self) -> None:
        """The relay's look at service levels."""
        # Rows of the store bear the machine's time.
        seconds = int(self.clock.offset.total_seconds())
        now = self.settings.model_copy(update={"business_offset_seconds": seconds})
        await ServiceLevelDuty(now, self.it.engine, self.it.crm, self.clock).sweep()

    async def deliver(self, account: str, event: dict[str, Any]) -> bool:
        """As the biller sends it, signed. Whether the bridge knew it not yet."""
        body = json.dumps(event, default=str)
        at = int(datetime.now(UTC).timestamp())
        mac = WebhookSignature._compute_signature(f"{at}.{body}", SECRET)
        answer = await self.bridge.post(
            f"/webhooks/stripe/{account}",
            content=body.encode(),
            headers={"content-type": "application/json", "stripe-signature": f"t={at},v1={mac}"},
        )
        answer.raise_for_status()
        return answer.status_code == httpx.codes.ACCEPTED


@asynccontextmanager
async def house(server: WorkflowEnvironment, engine: AsyncEngine, url: str) -> AsyncIterator[House]:
    """It is nine o'clock on the first day."""
    config, clock = load_config(CONFIG_DIR), Clock()
    begins = datetime.combine(FIRST, datetime.min.time(), UTC) + NINE
    offset = int((begins - await server.get_current_time()).total_seconds())
    async with AsyncExitStack() as held:
        # A result that is awaited moves no time.
        held.enter_context(server.auto_time_skipping_disabled())
        there = held.enter_context(biller(config, (begins - datetime.now(UTC)).total_seconds()))
        clock.offset = begins - datetime.now(UTC)
        adapter = StripeBilling(
            StripeSettings(
                accounts={key: SecretStr(secret) for key, secret in there.keys.items()},
                api_base=there.url,
                calls_per_second=1000,
            ),
            clock,
            TallyMeter(),
        )
        held.push_async_callback(adapter.aclose)
        # Without pings: the server cuts the line of who sends them, and what it had handed out over
        # it is waited for until it is late.
        client = await server.connect_client(
            keep_alive_config=None, data_converter=server.client.data_converter
        )
        it = await held.enter_async_context(
            lab(
                client,
                engine,
                FIRST,
                exchange=lambda ports: replace(ports, billing=adapter, clock=clock),
                cached=EVERY_RUN,
            )
        )
        # A limit of the vendor is waited for in the machine's time.
        it.world.retry_after = timedelta(seconds=0.2)
        settings = Settings.model_validate(
            {
                "database_url": url,
                "codec_keys": "{}",
                "webhook_secrets": json.dumps({f"stripe:{one}": [SECRET] for one in there.keys}),
                "invoice_to_cash": True,
                "business_offset_seconds": offset,
                "config_dir": str(CONFIG_DIR),
            }
        )
        app = create_app(settings)
        await held.enter_async_context(app.router.lifespan_context(app))
        bridge = await held.enter_async_context(
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bridge")
        )
        relay = Relay(
            settings,
            client,
            Inbox(engine),
            it.runs,
            it.cases,
            Outbox(engine),
            cast("Any", None),  # no subscriber is asked here
            it.contracts,
        )
        yield House(server, it, there, clock, settings, config, relay, bridge)
