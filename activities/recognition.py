"""What a month owes: the contracts' plans less what was posted, as documents of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal

from temporalio import activity

from activities.ledger_documents import DEFERRED, UNBILLED
from activities.recognition_inputs import (
    PlannedEntry,
    PlanRecognition,
    RecognitionPlan,
    RollForwardAnswer,
    RollForwardInput,
)
from dealthread.domain.catalog import ConfigSet, LegalEntity, RevenueEngine
from dealthread.domain.ledger import PostedJournal, TrialBalanceRow
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind
from dealthread.domain.recognition.due import Due, LeftOut, last_day, owed, placed
from dealthread.domain.recognition.roll_forward import (
    RollForward,
    billed_by_entry,
    roll_forward,
)
from dealthread.domain.recognition.rows import (
    RecognisedRevenue,
    RecognitionDocument,
    RecognitionState,
    month_after,
)
from dealthread.hub_recognition import Recognition, RecognitionPosition
from dealthread.naming import erp_document_key
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort, PostingQuestion

TOLD_LEFT_OUT = 100
_RATE_UNKNOWN = "no invoice of the contract is in the ledger yet: its rate is not known"


class RecognitionActivities:
    """Plans and reads, through the ledger's port and our own store."""

    def __init__(
        self,
        erps: Mapping[str, ErpPort],
        store: Recognition,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._erps = erps
        self._store = store
        self._config = config
        self._clock = clock

    @activity.defn(name="recognition.plan")
    async def plan(self, order: PlanRecognition) -> RecognitionPlan:
        """Documents of what is owed and not taken yet, after those that an earlier run planned and
        did not post. They are kept before the first of them is sent."""
        entity, refused = self._seller(order.seller)
        if entity is None:
            return refused
        if last_day(order.period) > self._clock.now().date():
            return RecognitionPlan(
                refused="period_not_over",
                action=f"recognise {order.period:%Y-%m} from {last_day(order.period)} on",
            )
        erp = self._erps[entity.erp_instance]
        own_day = last_day(order.period)
        if await self._open_from(erp, entity, own_day) != own_day:
            return RecognitionPlan(
                refused="period_closed",
                action=f"the ledger's period of {order.period:%Y-%m} is closed or missing: what it "
                "still owes is posted by the run of the next open month",
            )
        position = await self._store.position(order.seller, own_day)
        due, unknown = await self._due(erp, entity, order, position)
        waiting = tuple(
            one
            for one in position.documents
            if one.period == order.period and one.state is RecognitionState.PLANNED
        )
        made = await self._documents(entity, order, due)
        if made and not order.is_dry:
            await self._store.plan(order.seller, position.sequence, made)
        left_out = (*due.left_out, *unknown)
        controller = [one.amount for one in due.left_out if one.needs_controller]
        return RecognitionPlan(
            erp=entity.erp_instance,
            company=entity.erp_company,
            entries=tuple(entry_of(one) for one in (*waiting, *made)),
            left_out=left_out[:TOLD_LEFT_OUT],
            left_out_count=len(left_out),
            waits_for_controller=Money.total(controller, entity.functional_currency)
            if controller
            else None,
        )

    @activity.defn(name="recognition.roll_forward")
    async def roll_forward(self, order: RollForwardInput) -> RollForwardAnswer:
        """Deferred revenue of a month, from the ledger's trial balance and our own records."""
        entity, refused = self._seller(order.seller)
        if entity is None:
            return RollForwardAnswer(refused=refused.refused, action=refused.action)
        erp, company = self._erps[entity.erp_instance], entity.erp_company
        end = month_after(order.period)
        return RollForwardAnswer(
            found=await self.rolled(
                entity,
                order.period,
                (
                    await erp.trial_balance(company, order.period),
                    await erp.trial_balance(company, end),
                ),
                await erp.journals(company, order.period, end),
            )
        )

    async def rolled(
        self,
        entity: LegalEntity,
        period: date,
        balances: tuple[Sequence[TrialBalanceRow], Sequence[TrialBalanceRow]],
        journals: Sequence[PostedJournal],
    ) -> RollForward:
        """A month's roll-forward of a ledger that was read: balances before the month and after
        it, entries of the month."""
        own, end = entity.functional_currency, month_after(period)
        posted = await self._store.posted_bills(entity.erp_instance, entity.erp_company)
        bills = billed_by_entry(
            [one for one in posted if one.posting_date and period <= one.posting_date < end], own
        )
        recognised = {
            one.document_key: one.ledger_amount
            for one in await self._store.posted(seller=entity.code, until=end)
            if one.posting_date >= period
        }
        # Of a reversed entry and its opposite nothing is left: both are known, neither is told.
        known = await self._store.reversals(entity.code)
        return roll_forward(
            entity.code,
            period,
            own,
            (DEFERRED, UNBILLED),
            balances,
            [one for one in journals if one.document_key not in known],
            bills,
            recognised,
        )

    # ------------------------------------------------------------ parts

    def _seller(self, code: str) -> tuple[LegalEntity | None, RecognitionPlan]:
        config = self._config()
        entity = next((one for one in config.legal_entities if one.code == code), None)
        if entity is None:
            known = ", ".join(one.code for one in config.legal_entities)
            return None, RecognitionPlan(
                refused="legal_entity_unknown", action=f"name one of {known}"
            )
        if entity.revenue_engine != (RevenueEngine.OWN_SCHEDULE,):
            engines = ", ".join(entity.revenue_engine)
            return None, RecognitionPlan(
                refused="revenue_engine_is_another",
                action=f"{code} recognises by {engines} (config/legal_entities.yaml): a second "
                "engine would post the same revenue again",
            )
        return entity, RecognitionPlan()

    async def _due(
        self,
        erp: ErpPort,
        entity: LegalEntity,
        order: PlanRecognition,
        position: RecognitionPosition,
    ) -> tuple[Due, tuple[LeftOut, ...]]:
        own, until = entity.functional_currency, month_after(order.period)
        taken = [row for one in position.documents for row in one.rows]
        rates = await self._rates(erp, entity, position, taken, until)
        rows = owed(position.planned, taken, until, own, rates)
        months = sorted({row.month for row in rows if row.month < order.period})
        opens = {month: await self._open_from(erp, entity, last_day(month)) for month in months}
        threshold = self._config().policy.late_revenue_threshold.get(own, Decimal(0))
        days = {
            (row.contract_key, row.obligation, row.account, row.month): row.recognised_on
            for row in position.planned
            if row.recognised_on is not None
        }
        due = placed(
            rows,
            order.period,
            opens,
            Money.rounded(threshold, own),
            days,
            is_approved=order.is_approved,
        )
        unknown = tuple(
            LeftOut(
                contract_key=row.contract_key,
                month=row.month,
                amount=row.amount,
                reason=_RATE_UNKNOWN,
            )
            for row in position.planned
            if row.month == order.period
            and row.amount.currency != own
            and (row.contract_key, row.obligation) not in rates
        )
        return due, unknown

    async def _open_from(self, erp: ErpPort, entity: LegalEntity, day: date) -> date | None:
        """The first open day on or after a day."""
        rules = await erp.check_posting_rules(
            PostingQuestion(
                company=entity.erp_company,
                currency=entity.functional_currency,
                service_start=day,
                posting_date=day,
                items=(),
                tax_codes=(),
                accounts=(DEFERRED,),
                payment_terms=entity.default_payment_terms,
            )
        )
        return rules.open_from

    async def _rates(
        self,
        erp: ErpPort,
        entity: LegalEntity,
        position: RecognitionPosition,
        taken: Iterable[RecognisedRevenue],
        until: date,
    ) -> dict[tuple[str, str], Decimal]:
        """For what is planned in another currency: the rate that was used for the obligation, else
        that at which the contract's latest invoice put it into deferred revenue. It is never
        measured anew (ASC 830-10-45-18)."""
        rates: dict[tuple[str, str], Decimal] = {}
        for row in taken:
            if row.rate is not None:
                rates.setdefault((row.contract_key, row.obligation), row.rate)
        own = entity.functional_currency
        missing = {
            (row.contract_key, row.obligation)
            for row in position.planned
            if row.amount.currency != own and row.month < until
        } - rates.keys()
        for contract_key in sorted({key for key, _ in missing}):
            rate = await self._rate_of(erp, entity, contract_key, until)
            if rate is not None:
                rates |= {one: rate for one in missing if one[0] == contract_key}
        return rates

    async def _rate_of(
        self, erp: ErpPort, entity: LegalEntity, contract_key: str, until: date
    ) -> Decimal | None:
        company = entity.erp_company
        bills = [
            one
            for one in await self._store.posted_bills(entity.erp_instance, company, contract_key)
            if one.kind is DocumentKind.INVOICE and one.posting_date and one.posting_date < until
        ]
        if not bills or bills[-1].posting_date is None:
            return None
        day = bills[-1].posting_date
        own = document = Decimal(0)
        for entry in await erp.journals(company, day, day + timedelta(days=1)):
            for line in entry.lines if entry.document_key == bills[-1].document_key else ():
                if line.account == DEFERRED and line.document_amount is not None:
                    own += line.amount.amount
                    document += line.document_amount.amount
        return (own / document).quantize(Decimal("1e-12")) if document else None

    async def _documents(
        self, entity: LegalEntity, order: PlanRecognition, due: Due
    ) -> tuple[RecognitionDocument, ...]:
        before = await self._store.of_period(order.seller, order.period)
        number = max((one.number for one in before), default=0)
        groups: dict[tuple[date, str], list[RecognisedRevenue]] = {}
        for day, row in due.rows:
            if row.ledger_amount:
                groups.setdefault((day, row.amount.currency), []).append(row)
        made = []
        for (day, currency), rows in sorted(groups.items()):
            number += 1
            source = f"{order.period:%Y-%m}:{number}"
            made.append(
                RecognitionDocument(
                    document_key=erp_document_key(
                        order.context.tenant, order.seller, "recognition", source, 1
                    ),
                    seller=order.seller,
                    period=order.period,
                    number=number,
                    erp=entity.erp_instance,
                    company=entity.erp_company,
                    posting_date=day,
                    deferred_account=DEFERRED,
                    currency=currency,
                    ledger_currency=entity.functional_currency,
                    requested_by=order.context.actor,
                    rows=tuple(rows),
                )
            )
        return tuple(made)


def entry_of(document: RecognitionDocument) -> PlannedEntry:
    """A document without its rows."""
    return PlannedEntry(
        document_key=document.document_key,
        number=document.number,
        posting_date=document.posting_date,
        amount=document.amount,
        ledger_amount=document.ledger_amount,
        accounts=document.by_account(),
        contract_lines=len({(row.contract_key, row.obligation) for row in document.rows}),
    )
