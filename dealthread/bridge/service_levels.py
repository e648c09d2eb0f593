"""The relay's duty to service levels: what is late has one open case while it lasts.

Nothing is remembered between two looks: what is there decides. So a look may be lost, repeated or
made by two relays at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.config import ConfigInvalid, ConfigSource
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.circuit import CircuitState
from dealthread.domain.deal import Deal, DealKind
from dealthread.domain.money import Money
from dealthread.domain.service_level import Late, Level, ServiceLevels
from dealthread.errors import NotFound, VendorUnavailable
from dealthread.naming import contract_key, quote_to_cash_id
from dealthread.ports.clock import BusinessClock
from dealthread.ports.crm import CrmPort
from dealthread.settings import OffsetClock, Settings
from dealthread.store.billed_usage import BilledUsage
from dealthread.store.cases import PostgresCases
from dealthread.store.circuits import PostgresCircuits
from dealthread.store.late_bills import LateBills
from dealthread.store.late_usage import LateUsage
from dealthread.store.service_levels import ServiceLevelReading

log = structlog.get_logger()
DEALS = 200
"""Won deals read from the CRM in one call."""
_MENDED = "what was late is there"
_AMOUNTS = (Level.USAGE_BILLED,)
"""Their cases name what a person is to charge: what is still missing, not what was at first."""
_OF_LEDGER = (Level.POSTED, Level.APPLIED, Level.ERP_CONFIRMED)


@dataclass
class Swept:
    """What one look did."""

    opened: int = 0
    closed: int = 0


class ServiceLevelDuty:
    """Looks, opens, closes."""

    def __init__(
        self,
        settings: Settings,
        engine: AsyncEngine,
        crm: CrmPort | None,
        clock: BusinessClock | None = None,
    ) -> None:
        ahead = timedelta(seconds=settings.business_offset_seconds)
        self._reading = ServiceLevelReading(engine, ahead)
        self._bills = LateBills(engine, settings.tenant)
        self._usage = LateUsage(engine, ahead)
        self._billed = BilledUsage(engine)
        self._cases = PostgresCases(engine)
        self._circuits = PostgresCircuits(engine)
        self._config = ConfigSource(settings.config_dir)
        self._crm = crm
        self._clock = clock or OffsetClock(settings.business_offset_seconds)
        # Without the biller's news nobody knows what is billed.
        self._knows_bills = settings.invoice_to_cash
        # The first look comes a full interval after the start.
        self._looked = time.monotonic()

    async def sweep_due(self) -> int:
        """How many cases were opened or closed; looks as often as policy says."""
        every = self._current().service_levels.every_minutes * 60
        if time.monotonic() - self._looked < every:
            return 0
        self._looked = time.monotonic()
        swept = await self.sweep()
        if swept.opened or swept.closed:
            log.info("service_levels", opened=swept.opened, closed=swept.closed)
        return swept.opened + swept.closed

    async def sweep(self) -> Swept:
        """One look at everything. Raises what the CRM raises, after all else was looked at."""
        config, now, swept = self._current(), self._clock.now(), Swept()
        for level, late in (await self.late_here(config, now, note=True)).items():
            await self._tell(config.service_levels, level, late, swept)
        if self._crm is not None:
            late = await self._not_received(self._crm, config, now)
            await self._tell(config.service_levels, Level.DEAL_RECEIVED, late, swept)
        return swept

    async def late_here(
        self, config: ConfigSet, now: datetime, *, note: bool = False
    ) -> dict[Level, list[Late]]:
        """What the store alone knows to be late; `note` spares the next look what is in order."""
        levels = config.service_levels
        found = {
            Level.ERP_CONFIRMED: await self._reading.unconfirmed_changes(levels, now),
            Level.USAGE_COUNTED: await self._usage.find(levels, now),
        }
        if self._knows_bills:
            found[Level.USAGE_BILLED] = await self._billed.find(levels, now)
            bills = await self._bills.find(levels, now, note=note)
            found[Level.INVOICED] = await self._reading.without_invoice(levels, now)
            for level in (Level.FINALISED, Level.POSTED, Level.APPLIED):
                found[level] = [one for one in bills if one.level is level]
        return found

    async def _tell(
        self, levels: ServiceLevels, level: Level, late: Iterable[Late], swept: Swept
    ) -> None:
        still = {one.case_id: one for one in late}
        is_open = await self._reading.open_cases(level)
        away = await self._away() if level in _OF_LEDGER else set()
        for case_id, one in still.items():
            # While a ledger is away there is one outage, not a case for each of its documents.
            if case_id in is_open:
                if level in _AMOUNTS:
                    await self._cases.restate(one.opening(levels, 0))
            elif one.erp not in away:
                occurrence = await self._reading.next_occurrence(case_id)
                named = await self._named(one)
                await self._cases.open(named.opening(levels, occurrence))
                swept.opened += 1
        for case_id, (version, _) in is_open.items():
            if case_id not in still:
                await self._cases.settle(case_id, version, _MENDED)
                swept.closed += 1

    async def _named(self, late: Late) -> Late:
        """With customer and amount, where no contract says them yet: as the deal says."""
        if late.customer_name or self._crm is None or late.level is not Level.INVOICED:
            return late
        try:
            deal = await self._crm.read_deal(late.evidence["deal"])
        except NotFound:
            return late
        said = _late(deal, self._current(), late.since)
        return late.model_copy(
            update={
                "customer_key": said.customer_key,
                "customer_name": said.customer_name,
                "seller": said.seller,
                "region": said.region,
                "money": said.money,
                "evidence": said.evidence,
            }
        )

    async def _away(self) -> set[str]:
        found = await self._circuits.all()
        return {one.vendor for one in found if one.state is not CircuitState.CLOSED}

    # ------------------------------------------------------------ what never arrived

    async def _not_received(self, crm: CrmPort, config: ConfigSet, now: datetime) -> list[Late]:
        """Deals that are won in the CRM and have no run; one that has a case is asked after by its
        id, however long ago it was closed."""
        levels = config.service_levels
        closed_from = (now - timedelta(days=levels.won_within_days)).date()
        missing: dict[str, datetime | None] = {
            key.rpartition(":")[2]: None
            for _, key in (await self._reading.open_cases(Level.DEAL_RECEIVED)).values()
        }
        after = ""
        while True:
            page = await crm.won_deals(closed_from, after=after, limit=DEALS)
            for one in page:
                is_late = one.changed_at + levels.least(Level.DEAL_RECEIVED) <= now
                if one.kind in (DealKind.NEW, DealKind.WIN_BACK) and is_late:
                    missing.setdefault(one.deal_id, one.changed_at)
            if len(page) < DEALS:
                break
            after = page[-1].deal_id
        known = await self._reading.known_deals(list(missing)) if missing else set()
        found = [
            await self._missing(crm, config, deal, since, now)
            for deal, since in missing.items()
            if deal not in known
        ]
        return [one for one in found if one is not None]

    async def _missing(
        self, crm: CrmPort, config: ConfigSet, deal_id: str, since: datetime | None, now: datetime
    ) -> Late | None:
        try:
            deal = await crm.read_deal(deal_id)
        except NotFound:
            return None
        if not deal.is_won or deal.is_deleted:
            return None
        late = _late(deal, config, since or deal.modified_at or now)
        # An open case stays one although somebody wrote to the deal since.
        return late if since is None or late.is_late(config.service_levels, now) else None

    def _current(self) -> ConfigSet:
        try:
            return self._config.current()
        except ConfigInvalid:
            raise VendorUnavailable("configuration_invalid") from None


def _late(deal: Deal, config: ConfigSet, since: datetime) -> Late:
    """As far as the deal alone says: who sells is what it names, or who sells to its country."""
    account = deal.account
    country = account.billing_address.country if account is not None else ""
    seller = next(
        (
            one
            for one in config.legal_entities
            if (one.code == deal.seller_hint if deal.seller_hint else country in one.sells_to)
        ),
        None,
    )
    lines = (line.unit_price.times(line.quantity) for line in deal.lines)
    return Late(
        level=Level.DEAL_RECEIVED,
        since=since,
        business_key=quote_to_cash_id(deal.org, deal.deal_id),
        contract_key=contract_key(deal.org, deal.deal_id),
        customer_key=account.key if account is not None else "",
        customer_name=account.legal_name if account is not None else "",
        seller=seller.code if seller is not None else "",
        region=seller.region if seller is not None else country,
        money=Money.total(lines, deal.currency),
        evidence={"deal": deal.deal_id, "amount": "of one billing period, without tax"},
    )
