"""The relay's duty to usage: where counted usage waits, a workflow that sends it is started."""

from __future__ import annotations

import time

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.starting import start_usage
from dealthread.config import ConfigInvalid, ConfigSource
from dealthread.errors import VendorUnavailable
from dealthread.settings import Settings
from dealthread.store.usage_sending import PostgresUsageSending

LEAST_SECONDS = 5.0
"""Between two starts of one account: a workflow that cannot run yet is not asked for twice."""


class UsageDuty:
    """Looks, and starts; what is sent and what is left stands in the store."""

    def __init__(self, settings: Settings, client: Client, engine: AsyncEngine) -> None:
        self._client = client
        self._store = PostgresUsageSending(engine)
        self._config = ConfigSource(settings.config_dir)
        self._started: dict[str, float] = {}

    async def start_due(self) -> int:
        """How many were started."""
        started = 0
        for account in await self._store.accounts_due(self._interval()):
            now = time.monotonic()
            if now - self._started.get(account, -LEAST_SECONDS) < LEAST_SECONDS:
                continue
            self._started[account] = now
            await start_usage(self._client, account)
            started += 1
        return started

    def _interval(self) -> int:
        try:
            return self._config.current().policy.usage_send_seconds
        except ConfigInvalid:
            raise VendorUnavailable("configuration_invalid") from None
