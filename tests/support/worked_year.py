"""The worked deals of facts/domain.md §9 through 2026, as the sagas record them: contracts, their
changes, what customers accept, and their bills in the ledger, each on its own day."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncEngine

from activities.invoice import LedgerActivities
from activities.invoice_inputs import PostCreditMemo, PostInvoice
from dealthread.bridge.usage_taking import take_in
from dealthread.domain.change_order import CancellationOrder, ChangeTiming
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import Deal
from dealthread.domain.ledger_rate import LedgerRate
from dealthread.domain.money import Money
from dealthread.domain.receivable import LedgerCreditMemo, LedgerInvoice, LedgerLine
from dealthread.domain.usage.event import EVENT_TYPE
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.domain.versions.revenue import replanned
from dealthread.domain.versions.treatment import treatments
from dealthread.ensure import Ensure
from dealthread.hub import ContractVersionRecord, RevenueRow
from dealthread.hub_recognition import ServiceAcceptance
from dealthread.hub_usage import Taken
from dealthread.naming import contract_key
from dealthread.ports.erp import ErpPort
from dealthread.store.contracts import PostgresContracts
from dealthread.store.journal import PostgresJournal
from dealthread.store.recognition import PostgresRecognition
from dealthread.store.usage import PostgresUsage
from tests.support import deal_builder as build
from tests.support import deals
from tests.support import postings as p
from tests.support.running_contract import first_context, next_version, running_contract
from tests.support.told_bills import Told
from tests.unit.versions import worked as w

Story = tuple[date, Callable[[], Awaitable[None]]]
US, DE, UK = "US01", "DE01", "UK01"


def usage_event(
    contract: Contract, event_id: str, at: datetime, quantity: int
) -> dict[str, object]:
    """A CloudEvent of calls, as a gateway sends it."""
    return {
        "specversion": "1.0",
        "id": event_id,
        "source": "urn:gateway",
        "type": EVENT_TYPE,
        "subject": contract.key,
        "time": at.isoformat(),
        "data": {"meter": "api_calls", "quantity": str(quantity)},
    }


class WorkedYear:
    """What happens, day by day; `until` lets it happen."""

    def __init__(self, engine: AsyncEngine, erp: ErpPort, *, with_bills: bool = False) -> None:
        """`with_bills`: the biller's bills are recorded too, numbered without gaps."""
        self._engine = engine
        self._told = Told(engine) if with_bills else None
        self._erp = erp
        self._store = PostgresRecognition(engine)
        self._bills = LedgerActivities(
            {"tryton": erp},
            Ensure(PostgresJournal(engine)),
            PostgresContracts(engine),
            w.config,
        )
        self.contracts: dict[str, Contract] = {}
        self._first: dict[str, LedgerInvoice] = {}
        self._story: list[Story] = []

    def tell(self, *deals_told: str) -> WorkedYear:
        """The deals that live in this year."""
        for name in deals_told:
            self._story += getattr(self, f"_{name}")()
        self._story.sort(key=lambda one: one[0])
        return self

    async def until(self, day: date) -> None:
        """Everything up to and with a day."""
        while self._story and self._story[0][0] <= day:
            await self._story.pop(0)[1]()

    # ------------------------------------------------------------ the deals

    def _d1(self) -> list[Story]:
        def first() -> LedgerInvoice:
            return p.invoice(
                "1",
                deals.HARBORLINE,
                "2026-01-01",
                p.line("2300", "13500.00", "US-TX-SAAS", "891.00", "USD", key="L1"),
                p.line("2300", "1500.00", "US-TX-SVC0", "0.00", "USD", key="L2"),
            )

        def more() -> LedgerInvoice:
            return p.invoice(
                "1",
                deals.HARBORLINE,
                "2026-07-01",
                p.line("2300", "-6805.48", "US-TX-SAAS", "-449.16", "USD", key="L1"),
                p.line("2300", "9527.67", "US-TX-SAAS", "628.83", "USD", key="L2"),
            )

        return [
            (date(2026, 1, 1), lambda: self._sign("d1", build.d1(), build.D1_TODAY)),
            (date(2026, 1, 1), lambda: self._bill("d1", deals.HARBORLINE, first)),
            (date(2026, 2, 13), lambda: self.accept("d1", "L2", "2500.00", date(2026, 2, 13))),
            (w.JULY, lambda: self._amend("d1", w.quantity(70), w.JULY)),
            (w.JULY, lambda: self._bill("d1", deals.HARBORLINE, more)),
        ]

    def _d2(self) -> list[Story]:
        def first() -> LedgerInvoice:
            return p.invoice(
                "2",
                deals.NORDWERK,
                "2026-03-15",
                p.line("2300", "17760.00", "DE-19", "3374.40", "EUR", key="L1"),
                due="2026-04-14",
                terms="NET30",
            )

        def less() -> LedgerCreditMemo:
            part = p.line("2300", "2201.75", "DE-19", "418.33", "EUR", key="L1")
            return p.credit_memo(self._first["d2"], "2026-09-15", part, open_invoice="2620.08")

        return [
            (date(2026, 3, 15), lambda: self._sign("d2", build.d2(), build.D2_TODAY)),
            (date(2026, 3, 15), lambda: self._bill("d2", deals.NORDWERK, first)),
            (w.SEPTEMBER, lambda: self._amend("d2", w.quantity(30), w.SEPTEMBER)),
            (w.SEPTEMBER, lambda: self._bill("d2", deals.NORDWERK, less)),
        ]

    def _d3(self) -> list[Story]:
        platform = p.line("2300", "400.00", "GB-20", "80.00", "GBP", key="L1")
        calls = p.line("1150", "1937.04", "GB-20", "387.41", "GBP", key="L2")

        def month(day: str, *parts: LedgerLine) -> Callable[[], LedgerInvoice]:
            return lambda: p.invoice("3", p.PENNINE, day, *parts)

        april, may = month("2026-04-01", platform), month("2026-05-01", platform, calls)
        return [
            (date(2026, 4, 1), lambda: self._sign("d3", build.d3(), build.D3_TODAY)),
            (date(2026, 4, 1), lambda: self._bill("d3", p.PENNINE, april)),
            (date(2026, 4, 12), lambda: self._use("d3", 500_000, date(2026, 4, 12))),
            (date(2026, 4, 30), lambda: self._use("d3", 112_345, date(2026, 4, 30))),
            (date(2026, 5, 1), lambda: self._bill("d3", p.PENNINE, may)),
            (date(2026, 5, 20), lambda: self._use("d3", 90_000, date(2026, 5, 20))),
            (date(2026, 5, 31), lambda: self._end("d3", date(2026, 6, 1))),
        ]

    def _d4(self) -> list[Story]:
        def first() -> LedgerInvoice:
            return p.invoice(
                "1",
                deals.COBALT,
                "2026-02-01",
                p.line("2300", "43200.00", "US-NY-SAAS", "3834.00", "USD", key="L1"),
            )

        return [
            (date(2026, 2, 1), lambda: self._sign("d4", build.d4(), build.D4_TODAY)),
            (date(2026, 2, 1), lambda: self._bill("d4", deals.COBALT, first)),
        ]

    def _d5(self) -> list[Story]:
        rate = LedgerRate(
            currency="GBP", rate=Decimal("0.85"), rate_date=date(2026, 6, 1), source="treasury"
        )

        def first() -> LedgerInvoice:
            part = p.line("2300", "12000.00", "GB-OOS", "0.00", "EUR", key="L1")
            return p.invoice("3", p.LIFFEY, "2026-06-01", part, rate=rate)

        return [
            (date(2026, 6, 1), lambda: self._sign("d5", build.d5(), build.D5_TODAY)),
            (date(2026, 6, 1), lambda: self._bill("d5", p.LIFFEY, first)),
            (date(2026, 7, 10), lambda: self.accept("d5", "ONB", "2400.00", date(2026, 7, 10))),
        ]

    def credit_of_use(self, billed: str, tax: str, credited: str, credited_tax: str) -> None:
        """D3's calls of April as a bill of May has them, and a person's credit on them."""
        platform = p.line("2300", "400.00", "GB-20", "80.00", "GBP", key="L1")
        calls = p.line("1150", billed, "GB-20", tax, "GBP", key="L2")
        less = p.line("1150", credited, "GB-20", credited_tax, "GBP", key="L2")
        gross = str(Decimal(credited) + Decimal(credited_tax))

        def may() -> LedgerInvoice:
            self._first.pop("d3")
            if self._told is not None:
                self._told.credits_next("d3")
            return p.invoice("3", p.PENNINE, "2026-05-01", platform, calls)

        def memo() -> LedgerCreditMemo:
            return p.credit_memo(
                self._first["d3"], "2026-05-20", less, reason="service", open_invoice=gross
            )

        told = [one for one in self._d3() if one[0] < date(2026, 5, 1)]
        told.append((date(2026, 5, 1), lambda: self._bill("d3", p.PENNINE, may)))
        told.append((date(2026, 5, 20), lambda: self._bill("d3", p.PENNINE, memo)))
        self._story = sorted([*self._story, *told], key=lambda one: one[0])

    # ------------------------------------------------------------ acts

    async def _sign(self, name: str, deal: Deal, today: date) -> None:
        key = contract_key(deal.org, deal.deal_id)
        made = build_contract(deal, w.config(), today, key)
        self.contracts[name] = await running_contract(self._engine, made)

    async def _use(self, name: str, calls: int, day: date) -> None:
        """Told twice, counted once."""
        contract, noon = self.contracts[name], datetime.combine(day, time(12), UTC)
        event = usage_event(contract, f"{name}-{day}", noon, calls)
        taken = PostgresUsage(self._engine)
        for expected in (Taken.ACCEPTED, Taken.DUPLICATE):
            (answer,) = await take_in(taken, [event], noon, w.config().policy)
            assert answer.taken is expected, answer

    async def _bill(
        self, name: str, party: p.Party, make: Callable[[], LedgerInvoice | LedgerCreditMemo]
    ) -> None:
        contract, document = self.contracts[name], make()
        if self._told is not None:
            document = self._told.numbered(contract, document)
        await p.onboard(self._erp, document.company, party)
        # The invoice's run posts its credits too.
        is_credit = self._told is not None and isinstance(document, LedgerCreditMemo)
        run = self._first[name].number if is_credit else document.number
        context = first_context(contract).model_copy(update={"business_key": f"invoice:acct:{run}"})
        if isinstance(document, LedgerInvoice):
            self._first.setdefault(name, document)
            await self._bills.post(PostInvoice(context=context, erp="tryton", invoice=document))
        else:
            await self._bills.credit(PostCreditMemo(context=context, erp="tryton", memo=document))
        if self._told is not None:
            await self._told.by_the_biller(name, contract, document)

    async def accept(self, name: str, what: str, amount: str, day: date) -> None:
        contract = self.contracts[name]
        (line,) = [one for one in contract.lines if one.line_key == what] or contract.lines
        bundled = line.line_key != what
        await self._store.accept_service(
            ServiceAcceptance(
                contract_key=contract.key,
                version=contract.version,
                obligation=f"{line.line_key}/{what}" if bundled else what,
                line_key=line.line_key,
                account="4200",
                amount=Money.of(amount, contract.currency),
                accepted_on=day,
                evidence="signed",
                actor="anna",
            )
        )

    async def _amend(self, name: str, line: object, day: date) -> None:
        before = self.contracts[name]
        order = w.amendment(line, on=day, accepted_on=day, contract_key=before.key)  # type: ignore[arg-type]
        after = amended(before, order, w.config(), day)
        await self._changed(name, before, after, order, day)

    async def _end(self, name: str, day: date) -> None:
        before = self.contracts[name]
        accepted = date(day.year, day.month - 1, 28)
        order: CancellationOrder = w.cancellation(
            ChangeTiming.ON_DATE,
            effective_from=day,
            accepted_on=accepted,
            contract_key=before.key,
        )
        after = ended(before, order, accepted)
        await self._changed(name, before, after, order, day)

    async def _changed(
        self, name: str, before: Contract, after: Contract, order: object, day: date
    ) -> None:
        contracts = PostgresContracts(self._engine)
        decisions = treatments(before, after, order, w.config())  # type: ignore[arg-type]
        rows = tuple(RevenuePlanRow(**vars(row)) for row in await contracts.schedule(before.key))
        accepted_on: date = order.accepted_on  # type: ignore[attr-defined]
        until = await contracts.planned_until(before.key)
        plan = replanned(rows, before, after, day, accepted_on, decisions, w.config(), until)
        await next_version(
            self._engine,
            ContractVersionRecord(
                contract=after,
                change_id=f"change:{after.key}:{after.version}",
                effective_from=day,
                accepted_on=accepted_on,
                kind="amendment",
                schedule=tuple(RevenueRow(**dict(row)) for row in plan),
            ),
        )
        self.contracts[name] = after
