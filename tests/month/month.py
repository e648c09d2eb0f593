"""The month, day by day: deals are won, bills are paid or not, contracts change, things fail."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from dealthread.bridge.starting import start_usage
from dealthread.bridge.usage_taking import take_in
from dealthread.domain.case import Case
from dealthread.domain.deal import Deal
from dealthread.naming import collections_id, contract_key, invoice_id, write_off_id
from dealthread.store.schema import inbox
from dealthread.store.usage import PostgresUsage
from tests.fakes.world import Fault, Planned
from tests.month.biller import BAD_CARD, DISPUTED_CARD, GOOD_CARD
from tests.month.calm import Calm
from tests.month.house import House
from tests.month.orders import Lived, amend, close, credit, give_up
from tests.month.people import People
from tests.month.plan import FIRST, LAST, LAST_USE, Fate, Plan, chunks, parts
from tests.support.saga_lab import fresh
from tests.support.worked_year import usage_event

AT_ONCE = 24
"""Sagas that are begun together."""
TOLD_AT_ONCE = 8
"""Events of the biller that are on their way together."""
TRANSIENT = (Fault.REFUSED, Fault.LOST, Fault.LATE, Fault.RATE_LIMITED)
ACTS = (
    "erp.create_customer",
    "erp.draft_booking",
    "erp.confirm_booking",
    "erp.post_invoice",
    "erp.apply_receipt",
    "erp.post_credit_memo",
    "entitlement.grant",
    "crm.record_contract",
    "crm.mirror_invoice",
)
AT_BILLER = (
    ("lose_answer", "POST", "/v1/subscriptions$"),
    ("lose_answer", "POST", "/v1/credit_notes$"),
    ("rate_limit", "GET", "/v1/invoices/in_"),
    ("server_error", "GET", "/v1/invoices/in_"),
    ("server_error_after", "POST", "/v1/subscriptions/sub_"),
)
DUPLICATED = 0.3
"""Of the biller's events, so many come a second time, some of them on a later day."""


@dataclass
class Month:
    """What happens, and how often what did."""

    house: House
    plans: Sequence[Plan]
    seed: str
    shuffle: str
    tell: Callable[[str], None] = lambda line: None
    """Gets a line for each day."""
    lives: dict[int, Lived] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    closed: dict[str, str] = field(default_factory=dict)
    """How the closing of the month ended, by company."""
    noticed: dict[str, Case] = field(default_factory=dict)
    """What was late, by contract."""
    struck: list[Planned] = field(default_factory=list)
    """Faults that were planned in ledger, CRM and entitlement."""
    at_biller: int = 0
    """Requests to the biller that went wrong."""
    _late: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Events that come once more, later."""
    _unheard: dict[int, Deal] = field(default_factory=dict)
    """Deals that nobody told of yet."""
    _seen: int = 0

    def __post_init__(self) -> None:
        self._faults = random.Random(f"{self.seed}-faults")  # noqa: S311 - what goes wrong
        self._order = random.Random(f"{self.shuffle}-events")  # noqa: S311 - order of news
        self._by_key: dict[str, Lived] = {}
        self.people = People(self.house, lambda run: self._calm.tell([run]), self._by_key)
        self._calm = Calm(self.house.it.client, self.people.decide)

    async def run(self) -> None:
        """All days; ends when everything that can be done is done, and the month is closed."""
        day = FIRST
        while day < LAST:
            await self._day(day)
            day += timedelta(days=1)
            await self._pass(day)
            events = self.counts["events of the biller"]
            self.tell(f"{day}, {len(self.lives)} contracts, {events} events of the biller")
        self.at_biller = self.house.biller.faults_met()
        self.house.biller.heal()
        self.house.it.world.faults.clear()
        await self._settle(last=True)
        self.tell("everything is done that can be done")
        await self._close()
        self.tell("the month is closed")

    async def _pass(self, day: date) -> None:
        """The night: what waited for the day, and what the biller does at midnight, is done before
        the morning."""
        for comes in (self.house.midnight, self.house.nine):
            await comes(day)
            self._calm.morning()
            await self._settle()

    async def _day(self, day: date) -> None:
        self._plan_faults()
        for one in self.plans:
            if one.starts == day and one.fate is Fate.LOST_NEWS:
                self._win_unheard(one)
        lives = list(self.lives.values())
        begun = [one for one in self.plans if one.told == day]
        await asyncio.gather(
            self._sell(begun),
            self._amend([one for one in lives if (one.plan.amended or ("",))[0] == day], day),
            self._credit([one for one in lives if (one.plan.credited or ("",))[0] == day], day),
            self._give_up([one for one in lives if one.plan.gives_up == day], day),
        )
        for one in lives:
            if one.plan.pays == day:
                self.counts["paid by transfer"] += self._pay(one, by_card=False)
            if one.plan.mends == day:
                self.house.biller.change_card(one.contract.billing_account, one.customer, GOOD_CARD)
                self.counts["charged again with another card"] += self._pay(one, by_card=True)
        await self._use([one for one in self.lives.values() if day in one.plan.used], day)
        if day == LAST_USE:
            for one in lives:
                if one.plan.card_fails:
                    self.house.biller.change_card(
                        one.contract.billing_account, one.customer, BAD_CARD
                    )
        await self._settle()
        await self.house.look_for_what_is_late()
        for case in await self.people.watched():
            self.noticed[case.contract_key] = case

    # ------------------------------------------------------------ what people do

    def _win_unheard(self, plan: Plan) -> None:
        """Won in the CRM, and nobody tells us."""
        at = self.house.clock.now() - timedelta(hours=2)
        deal = fresh(plan.deal).model_copy(update={"modified_at": at})
        self.house.it.world.deals[deal.deal_id] = deal
        self._unheard[plan.number] = deal
        self.counts["deals won that nobody tells"] += 1

    async def _sell(self, plans: Sequence[Plan]) -> None:
        for some in chunks(plans, AT_ONCE):
            await self._sell_some(some)

    async def _sell_some(self, plans: Sequence[Plan]) -> None:
        it, made = self.house.it, []
        for plan in plans:
            deal = self._unheard.pop(plan.number, None) or fresh(plan.deal)
            account = deal.account
            assert account is not None
            if plan.by_card:
                found = self.house.config.billing_account(plan.seller, deal.currency)
                assert found is not None
                is_disputed = plan.fate in (Fate.DISPUTE_LOST, Fate.DISPUTE_WON)
                card = DISPUTED_CARD if is_disputed else GOOD_CARD
                self.house.biller.put_card(found.key, account.key, account.legal_name, card)
                # He has a card before the deal is won, not within the same moment.
                await self._at_biller(found.key, account.key)
            made.append((plan, deal))
        handles = [await it.start(deal) for _, deal in made]
        await self._calm.ended(handles)
        for plan, deal in made:
            contract = await it.contracts.read(contract_key(deal.org, deal.deal_id))
            assert contract is not None
            customer = await self._at_biller(contract.billing_account, contract.customer_key)
            lived = Lived(plan, contract, customer)
            self.lives[plan.number] = self._by_key[contract.key] = lived
            self.counts["deals won"] += 1

    async def _at_biller(self, account: str, key: str) -> str:
        """The customer's id; the biller's search lags behind a little."""
        for _ in range(100):
            found = self.house.biller.customer(account, key)
            if found:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"{key} is not at the biller")

    async def _amend(self, lives: Sequence[Lived], day: date) -> None:
        await self._calm.ended([await amend(self.house, one, day) for one in lives])
        self.counts["contracts amended"] += len(lives)

    async def _credit(self, lives: Sequence[Lived], day: date) -> None:
        handles = []
        for one in lives:
            account, first = one.contract.billing_account, self._first_invoice(one)
            handles.append(await credit(self.house, one, first, day))
            self._calm.tell([invoice_id(account, first)])
        await self._calm.ended(handles)
        self.counts["credits by a person"] += len(lives)

    async def _give_up(self, lives: Sequence[Lived], day: date) -> None:
        handles = []
        for one in lives:
            account, first = one.contract.billing_account, self._first_invoice(one)
            handles.append(await give_up(self.house, one, first, day))
            self._calm.tell([write_off_id(account, first), invoice_id(account, first)])
        await self._calm.ended(handles)
        self.counts["invoices written off"] += len(lives)

    def _first_invoice(self, one: Lived) -> str:
        account = one.contract.billing_account
        rows = self.house.biller.invoices(account, customer=one.customer)
        return str(rows[-1]["id"])

    def _pay(self, one: Lived, *, by_card: bool) -> int:
        return self.house.biller.pay(one.contract.billing_account, one.customer, by_card=by_card)

    async def _use(self, lives: Sequence[Lived], day: date) -> None:
        """A day's calls, in events that come twice and in any order."""
        it = self.house.it
        at = datetime.combine(day, time(9), UTC)
        events = [
            usage_event(one.contract, f"{one.plan.number}-{day}-{part}", at, calls)
            for one in lives
            for part, calls in enumerate(parts(one.plan.used[day]))
        ]
        if not events:
            return
        told = [*events, *(event for event in events if self._order.random() < DUPLICATED)]
        self._order.shuffle(told)
        now = self.house.clock.now()
        await take_in(PostgresUsage(it.engine), told, now, self.house.config.policy)
        self.counts["usage events"] += len(events)
        self.counts["… of them told again"] += len(told) - len(events)
        for account in sorted({one.contract.billing_account for one in lives}):
            run = await start_usage(it.client, account, at_once=True)
            await self._calm.ended([it.client.get_workflow_handle(run)])

    async def _close(self) -> None:
        """Revenue of the month is recognised, the books are held against one another, a second
        person signs, and the ledger takes nothing more."""
        for seller in sorted({one.seller for one in self.plans}):
            handle = await close(self.house, seller, FIRST)
            await self._calm.ended([handle])
            self.closed[seller] = str((await handle.result()).outcome)

    # ------------------------------------------------------------ what goes wrong

    def _plan_faults(self) -> None:
        """Of each day: answers lost, refused, late, limits; at the biller too; and now and then
        the ledger refuses a document, until a person tries again."""
        world, rng = self.house.it.world, self._faults
        wanted = [(act, rng.choice(TRANSIENT)) for act in rng.sample(ACTS, 2)]
        if rng.random() < 0.15:
            wanted.append(("erp.post_invoice", Fault.REJECTED))
        for act, fault in wanted:
            next_ = world.calls[act] + rng.randint(1, 3)
            self.struck.append(world.plan(act, fault, occurrence=next_))
        if rng.random() < 0.5:
            self.house.biller.fault(*rng.choice(AT_BILLER))

    # ------------------------------------------------------------ what the product does of it

    async def _settle(self, *, last: bool = False) -> None:
        """The biller's events come, in any order and some of them twice, until there are no more
        and everybody rests; people decide what is theirs."""
        while True:
            news = self.house.biller.new_events()
            if news or (last and self._late):
                await self._deliver(news, last=last)
            await self._calm.rest()
            if not await self.people.decide() and not news and not self._calm.told:
                return

    async def _deliver(self, news: list[tuple[str, dict[str, Any]]], *, last: bool) -> None:
        again = [one for one in news if self._order.random() < DUPLICATED]
        told = [*news, *again[::2], *self._late]
        self._late = [] if last else again[1::2]
        self._order.shuffle(told)
        for at in range(0, len(told), TOLD_AT_ONCE):
            some = told[at : at + TOLD_AT_ONCE]
            known = await asyncio.gather(*(self.house.deliver(*one) for one in some))
            self.counts["events of the biller"] += len(some)
            self.counts["… of them known already"] += len(some) - sum(known)
        failed = (event["type"] == "invoice.payment_failed" for _, event in news)
        self.counts["charges that failed"] += sum(failed)
        while await self.house.relay.take_bills():
            pass
        await self._remember_runs()

    async def _remember_runs(self) -> None:
        """Runs that the relay told of news."""
        query = select(inbox.c.id, inbox.c.business_key).where(
            inbox.c.id > self._seen, inbox.c.source == "stripe", inbox.c.outcome == "accepted"
        )
        async with self.house.it.engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        for row in rows:
            self._calm.tell([row.business_key])
            kind, account, native_id = row.business_key.split(":")
            if kind == "invoice":
                self._calm.tell([collections_id(account, native_id)])
            self._seen = max(self._seen, row.id)
