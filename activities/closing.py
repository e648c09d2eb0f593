"""Steps that close a month: look at the books, keep what was found, close the ledger's period."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

from temporalio import activity

from activities.closing_books import evidence_of, read_books
from activities.closing_inputs import (
    CheckClose,
    CloseChecked,
    ClosePeriod,
    CloseRefusal,
    EndClose,
    OfClose,
    PeriodClosed,
    SignClose,
)
from activities.recognition import RecognitionActivities
from dealthread.domain.base import System
from dealthread.domain.catalog import ConfigSet, LegalEntity, RevenueEngine
from dealthread.domain.closing.checklist import Evidence
from dealthread.domain.event_data.revenue import PeriodClosed as PeriodClosedData
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.ledger import LedgerPeriod, LedgerPeriodState, PostedJournal
from dealthread.domain.ledger_export import to_hledger
from dealthread.domain.recognition.due import last_day
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import NotFound
from dealthread.hub import Effects, WriteSpec
from dealthread.hub_closing import CloseState, Closing
from dealthread.hub_recognition import Recognition
from dealthread.naming import event_id, idempotency_key
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort


class ClosingHubActivities:
    """What of it touches our own store alone."""

    def __init__(self, store: Closing, clock: BusinessClock) -> None:
        self._store = store
        self._clock = clock

    @activity.defn(name="closing.begin")
    async def begin(self, order: OfClose) -> None:
        """Keep that it was begun, and by whom."""
        await self._store.begin(order.seller, order.period, order.number, order.context.actor)

    @activity.defn(name="closing.sign")
    async def sign(self, order: SignClose) -> None:
        """Keep who signed what."""
        await self._store.signed(
            order.seller,
            order.period,
            order.number,
            order.fingerprint,
            order.actor,
            order.reason,
        )

    @activity.defn(name="closing.end")
    async def end(self, order: EndClose) -> None:
        """Keep how it ended; that it was closed is told with it."""
        await self._store.ended(
            order.seller,
            order.period,
            order.number,
            CloseState(order.state),
            reason=order.reason,
            ledger_period=order.ledger_period,
            events=(self._closed(order),) if order.state == CloseState.CLOSED else (),
        )

    def _closed(self, order: EndClose) -> BusinessEvent:
        now, period = self._clock.now(), f"{order.period:%Y-%m}"
        key = idempotency_key(order.context.business_key, order.number, "closed", "told")
        data = PeriodClosedData(
            seller=order.seller,
            period=period,
            attempt=order.number,
            evidence=order.fingerprint,
            ledger_period=order.ledger_period,
            closed_at=now,
        )
        return BusinessEvent(
            id=event_id(key),
            type=EventType.PERIOD_CLOSED,
            subject=f"{order.seller}:{period}",
            time=now,
            data=data.told(),
        )


class ClosingActivities:
    """Through the ledger's port and our own store. They hold the company's one slot while they
    look: nothing of ours is posted meanwhile."""

    def __init__(
        self,
        erps: Mapping[str, ErpPort],
        ensure: Ensure,
        store: Closing,
        recognition: Recognition,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._erps = erps
        self._ensure = ensure
        self._store = store
        self._rolls = RecognitionActivities(erps, recognition, config, clock)
        self._config = config
        self._clock = clock

    @activity.defn(name="closing.may_begin")
    async def may_begin(self, order: OfClose) -> CloseRefusal:
        """Whether the month can be closed: it is over, open, and revenue is ours to recognise."""
        entity = self._seller(order.seller)
        if entity is None:
            known = ", ".join(one.code for one in self._config().legal_entities)
            return CloseRefusal(refused="legal_entity_unknown", action=f"name one of {known}")
        if entity.revenue_engine != (RevenueEngine.OWN_SCHEDULE,):
            return CloseRefusal(
                refused="revenue_engine_is_another",
                action=f"{order.seller} recognises elsewhere: close the month there",
            )
        over = last_day(order.period)
        if over > self._clock.now().date():
            return CloseRefusal(refused="period_not_over", action=f"close it from {over} on")
        try:
            period = await self._erps[entity.erp_instance].read_period(
                entity.erp_company, order.period
            )
        except NotFound:
            return CloseRefusal(
                refused="period_missing", action="open the month in the ledger, or name another"
            )
        if period.state is not LedgerPeriodState.OPEN:
            return CloseRefusal(
                refused="period_closed", action="nothing to do: the ledger's month is closed"
            )
        return CloseRefusal()

    @activity.defn(name="closing.check")
    async def check(self, order: CheckClose) -> CloseChecked:
        """Look at everything, and keep what was found in the place of an earlier look."""
        evidence, month = await self._look(order)
        await self._store.checked(
            order.seller, order.period, order.number, evidence, to_hledger(month)
        )
        return CloseChecked(fingerprint=evidence.fingerprint, items=evidence.checklist.items)

    @activity.defn(name="closing.close")
    async def close(self, order: ClosePeriod) -> PeriodClosed:
        """Close the ledger's period, unless its books are not what was signed. Of a period that is
        closed already nobody asks again: an answer may have been lost."""
        erp = self._erps[order.erp]
        period = await erp.read_period(order.company, order.period)
        if period.state is LedgerPeriodState.OPEN:
            evidence, _ = await self._look(order)
            if evidence.fingerprint != order.fingerprint or evidence.checklist.in_the_way:
                return PeriodClosed(is_changed=True)

        async def find() -> LedgerPeriod | None:
            found = await erp.read_period(order.company, order.period)
            return None if found.state is LedgerPeriodState.OPEN else found

        context = order.context
        closed = await self._ensure(
            Write(
                spec=WriteSpec(
                    key=idempotency_key(context.business_key, order.number, "period", "do"),
                    step="erp.close_period",
                    system=System.ERP,
                    account=f"{order.erp}.{order.company}",
                    context=context,
                    request_hash=request_hash(f"{order.company}:{order.period}"),
                ),
                result_type=LedgerPeriod,
                find=find,
                act=lambda key: erp.close_period(order.company, order.period, idempotency_key=key),
                effects=lambda made: Effects(refs=(made.ref,)),
                settle=erp.settle_window,
            )
        )
        return PeriodClosed(ref=closed.ref)

    # ------------------------------------------------------------ parts

    def _seller(self, code: str) -> LegalEntity | None:
        entities = self._config().legal_entities
        return next((one for one in entities if one.code == code), None)

    async def _look(
        self, order: CheckClose | ClosePeriod
    ) -> tuple[Evidence, tuple[PostedJournal, ...]]:
        seller, period = order.seller, order.period
        entity = self._seller(seller)
        if entity is None:
            raise NotFound("legal_entity_unknown", id=seller)
        erp, company = self._erps[entity.erp_instance], entity.erp_company
        position = await self._store.position(seller, period, entity.erp_instance, company)
        books = await read_books(erp, entity, period, position, self._config())
        # One reading of the ledger serves them all: two could tell different moments.
        rolled = await self._rolls.rolled(
            entity, period, (books.opening, books.closing), books.month
        )
        drafts = await erp.unposted(company, period)
        try:
            before = await erp.read_period(company, (period - timedelta(days=1)).replace(day=1))
        except NotFound:
            before = None
        evidence = evidence_of(
            books, position, drafts, rolled, order.revenue, before, order.processor
        )
        return evidence, books.month
