"""Inbox and relay around a saga laboratory, as the bridge's processes have them."""

from __future__ import annotations

import asyncio
import itertools
import json

from psycopg_pool import AsyncConnectionPool
from sqlalchemy import func, select
from temporalio.client import Client

from dealthread.bridge.relay import Relay
from dealthread.domain.deal import Deal
from dealthread.ports.events import EventPort
from dealthread.settings import Settings, Subscriber
from dealthread.store.inbox import Inbox, InboxMessage, InboxState
from dealthread.store.inbox_writer import InboxWriter
from dealthread.store.outbox import Outbox
from dealthread.store.schema import inbox, runs
from tests.support.deal_builder import ORG
from tests.support.saga_lab import Lab

_numbers = itertools.count(1)


class NoEvents:
    """Nobody subscribes in these tests."""

    async def deliver(self, *_: object, **__: object) -> None:
        raise AssertionError("no subscriber is configured")


class Office:
    """Inbox and relay around a laboratory."""

    def __init__(
        self,
        it: Lab,
        url: str,
        client: Client,
        subscribers: tuple[Subscriber, ...] = (),
        events: EventPort | None = None,
    ) -> None:
        settings = Settings.model_validate(
            {
                "database_url": url,
                "codec_keys": "{}",
                "business_offset_seconds": it.offset_seconds(),
                "invoice_to_cash": True,
                "subscribers": subscribers,
            }
        )
        self.lab = it
        self.client = client
        self.pool = AsyncConnectionPool(url, min_size=1, max_size=5, open=False)
        self.relay = Relay(
            settings,
            client,
            Inbox(it.engine),
            it.runs,
            it.cases,
            Outbox(it.engine),
            events or NoEvents(),  # type: ignore[arg-type]
            it.contracts,
        )

    async def held(self, source: str, account: str, *bodies: str) -> None:
        """Store messages that wait for their own consumer, as the bridge does."""
        await InboxWriter(self.pool).store(
            [
                InboxMessage(
                    source,
                    account,
                    f"{source}-{next(_numbers):06}",  # stored in their order
                    "application/json",
                    body.encode(),
                    InboxState.HELD,
                )
                for body in bodies
            ]
        )

    async def rows(self) -> list[tuple[str, str]]:
        """State and outcome of what came in, oldest first."""
        query = select(inbox.c.state, inbox.c.outcome).order_by(inbox.c.id)
        async with self.lab.engine.connect() as connection:
            return [(row.state, row.outcome) for row in await connection.execute(query)]

    async def webhook(self, deal: Deal, message_id: str) -> bool:
        """Store one message as the bridge does; True when it is new."""
        body = {"object": "Opportunity", "recordId": deal.deal_id, "trigger": "won"}
        created = await InboxWriter(self.pool).store(
            [
                InboxMessage(
                    "salesforce",
                    deal.org,
                    message_id,
                    "application/json",
                    json.dumps(body).encode(),
                )
            ]
        )
        return created[0]

    async def hint(
        self, deal_id: str, key: str, message_id: str, kind: str = "amendment", trigger: str = "won"
    ) -> None:
        """Store one message about a change of a contract, as the bridge does."""
        body = {
            "object": "Opportunity",
            "recordId": deal_id,
            "trigger": trigger,
            "kind": kind,
            "contractKey": key,
        }
        org = ORG
        await InboxWriter(self.pool).store(
            [
                InboxMessage(
                    "salesforce", org, message_id, "application/json", json.dumps(body).encode()
                )
            ]
        )

    async def relayed(self) -> None:
        """Everything in the inbox becomes runs, every run is started."""
        while await self.relay.take_in():
            pass
        while await self.relay.start_runs():
            pass

    async def outcome(self, deal: Deal) -> str | None:
        """How the newest run of a deal ended."""
        return (await self.lab.reading.find(deal.deal_id)).outcome

    async def ended(self, deal: Deal) -> str:
        """Wait for the end of the newest run."""
        for _ in range(600):
            found = await self.outcome(deal)
            if found:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError("the run did not end")

    async def run_count(self, deal: Deal) -> int:
        async with self.lab.engine.connect() as connection:
            return int(
                (
                    await connection.execute(
                        select(func.count()).select_from(runs).where(runs.c.deal_id == deal.deal_id)
                    )
                ).scalar_one()
            )
