"""The relay's duty to tax rates: where one changes, every running contract that it concerns is told
once, a little before its first day.

The run's unique row makes it once for ever; the contract itself takes it up between its other
changes.
"""

from __future__ import annotations

import time

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.config import ConfigInvalid, ConfigSource
from dealthread.domain.tax.of_day import day_billed_next, rate_changes
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.errors import VendorUnavailable
from dealthread.naming import tax_rate_id
from dealthread.ports.clock import BusinessClock
from dealthread.settings import OffsetClock, Settings
from dealthread.store.runs import Runs
from dealthread.store.tax_rates import PostgresTaxRates

log = structlog.get_logger()
EVERY_SECONDS = 30.0
"""Between two looks. The lead is hours, and midnights at the biller are exact."""
BATCH = 50


class TaxRateDuty:
    """Looks, and asks for what is due."""

    def __init__(
        self, settings: Settings, engine: AsyncEngine, clock: BusinessClock | None = None
    ) -> None:
        self._clock = clock or OffsetClock(settings.business_offset_seconds)
        self._store = PostgresTaxRates(engine)
        self._runs = Runs(engine)
        self._config = ConfigSource(settings.config_dir)
        self._looked = -EVERY_SECONDS

    async def ask_if_due(self) -> int:
        """As `ask`, at most every half minute."""
        now = time.monotonic()
        if now - self._looked < EVERY_SECONDS:
            return 0
        asked = await self.ask()
        if asked < BATCH:
            self._looked = now
        return asked

    async def ask(self) -> int:
        """How many contracts were asked to change what they are billed at."""
        try:
            config = self._config.current()
        except ConfigInvalid:
            raise VendorUnavailable("configuration_invalid") from None
        asked = 0
        for change in rate_changes(config, day_billed_next(self._clock.now())):
            for one in await self._store.concerned(change, BATCH - asked):
                request = ChangeRequest(
                    change_id=tax_rate_id(one.contract_key, change.code, change.valid_from),
                    kind=ChangeKind.TAX_RATE,
                    org=one.org,
                    deal_id=one.deal_id,
                    requested_by="calendar",
                )
                created, _ = await self._runs.claim(request, one.contract_key)
                if created:
                    log.info("tax_rate_due", contract=one.contract_key, code=change.code)
                asked += 1
        return asked
