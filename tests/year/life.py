"""What the lives have in common: sell, ask, wait, tell, and compare all systems."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from dealthread.domain.case import Case, DecisionKind
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import ChangeOrder
from dealthread.domain.transaction import ChangeKind
from dealthread.naming import quote_to_cash_id
from dealthread.sandbox.price_book import PriceBook
from dealthread.sandbox.records import Sale
from dealthread.sandbox.salesforce import OPEN, WON
from dealthread.sandbox.selling import Entered, SalesDesk
from tests.year.accounts import ZERO, Accounts, Bill
from tests.year.cash import billed as bills_of
from tests.year.cash import posted
from tests.year.office import Office, morning
from tests.year.sheet import Sheet, money


@dataclass(frozen=True)
class End:
    """What every system must hold of a contract at the end of its life."""

    tcv: Decimal
    invoices: Sequence[Decimal]
    credit_notes: Sequence[Decimal]
    balance: Decimal
    bookings: Sequence[Decimal]
    """Net, in the order in which they were booked: the tax on a booking is an estimate."""
    items: Sequence[tuple[int, Decimal]]
    grants: Sequence[tuple[str, str, str]]
    version: int
    status: str
    awaiting: Decimal = ZERO
    """Sold, and recognised on an event that is not on record: in no month yet."""
    months: dict[str, Decimal] = field(default_factory=dict)
    """Revenue of some months, by `YYYY-MM`."""


@dataclass(frozen=True)
class ChangedLine:
    """A line of an amendment in Salesforce."""

    action: str
    line_key: str
    product: str
    quantity: int
    unit_price: str


class Life:
    """One contract and those who work on it."""

    def __init__(
        self,
        office: Office,
        config: ConfigSet,
        book: PriceBook,
        accounts: Accounts,
        sheet: Sheet,
    ) -> None:
        self.office = office
        self._config = config
        self.book = book
        self.org = accounts.org.org_id
        self.accounts = accounts
        self.sheet = sheet

    async def on(self, day: date) -> None:
        """The morning of a day."""
        await self.office.time.to(morning(day))

    async def tell(self, text: str) -> None:
        """A line of the timeline, on the present day."""
        self.sheet.at(await self.office.time.now(), text)

    async def sell(self, sale: Sale, label: str, **more: object) -> Entered:
        """Enter a deal with more of its fields, and win it. Nothing runs yet."""
        org = self.accounts.org
        desk = SalesDesk(org, self.book, self.accounts.clients, self._config)
        entered = desk.enter(sale, label)
        if more:
            org.update("Opportunity", entered.deal_id, more)
        desk.win(entered)
        return entered

    async def quote_to_cash(self, deal: Entered) -> None:
        """The deal becomes a contract, with every approval that is asked for."""
        change = quote_to_cash_id(self.org, deal.deal_id)
        await self.office.ask(
            deal.contract_key, ChangeKind.QUOTE_TO_CASH, change, self.org, deal.deal_id
        )
        await self.completed(change, may_ask=True)
        contract = await self.office.contract(deal.contract_key)
        await self.tell(
            f"quote-to-cash of {deal.name}: contract {contract.number}, "
            f"{money(contract.tcv().amount, contract.currency)} net to {contract.end_date}"
        )

    async def ask(
        self,
        deal: Entered,
        kind: ChangeKind,
        change: str,
        order: ChangeOrder | None = None,
        asked_by: str = "",
    ) -> None:
        """Ask for a change of a running contract."""
        await self.office.ask(
            deal.contract_key, kind, change, self.org, asked_by or deal.deal_id, order
        )

    async def completed(
        self, change: str, *, may_ask: bool = False, outcome: str = "completed"
    ) -> None:
        """Wait for the end of a change."""
        while True:
            case = await self.office.case_or_end(change, outcome)
            if case is None:
                break
            if not may_ask or case.kind != "deal.approval":
                raise RuntimeError(f"{change} waits for a person: {case.kind}: {case.summary}")
            await self.approve(case)
        found = await self.office.outcome(change)
        self.sheet.agree(f"{change.partition(':')[0]} ended", found, outcome)

    async def stopped(self, change: str, kind: str) -> Case:
        """Wait for a case of a kind, and tell it."""
        case = await self.office.case_or_end(change)
        if case is None:
            raise RuntimeError(f"{change} ended without a case")
        await self.tell(f"case {case.kind} for {case.queue}: {case.summary}")
        self.sheet.agree("kind of the case", case.kind, kind)
        return case

    async def until_step(self, change: str, step: str) -> None:
        """Wait until a step of a change is done. Time passes while nobody works."""
        await self.office.until_done(f"{change}#1/{step}/do")

    async def approve(self, case: Case) -> None:
        await self.tell(f"a second person approves: {case.summary}")
        await self.office.decide(case, DecisionKind.APPROVE, "checked against the signed order")

    def new_bills(self, deal: Entered, known: list[Bill]) -> list[Bill]:
        """Documents that were not there before, told one by one."""
        billed = self.accounts.billed(deal)
        found = [one for one in (*billed.invoices, *billed.credit_notes) if one not in known]
        for one in found:
            kind = "invoice" if one in billed.invoices else "credit note"
            self.sheet.line(
                f"{kind} {one.number} ({one.status}): {one.net:,.2f} net, {one.total:,.2f}"
            )
        return found

    def won_amendment(
        self, deal: Entered, name: str, lines: Sequence[ChangedLine], **more: object
    ) -> str:
        """Enter an amendment of the contract in Salesforce and win it; its id."""
        org, currency = self.accounts.org, deal.sale.customer.currency
        asked = org.create(
            "Opportunity",
            {
                "Name": f"{name} {deal.name}"[:120],
                "AccountId": deal.account_id,
                "StageName": OPEN,
                "CurrencyIsoCode": currency,
                "Pricebook2Id": self.book.id,
                "Dealthread_Kind__c": "amendment",
                "ContractId": self.accounts.crm(deal)["Id"],
                **more,
            },
        )
        org.create_all(
            "OpportunityLineItem",
            [
                {
                    "OpportunityId": asked,
                    "PricebookEntryId": self.book.entry(line.product, currency),
                    "Quantity": line.quantity,
                    "UnitPrice": Decimal(line.unit_price),
                    "Dealthread_Action__c": line.action,
                    "Dealthread_Changes_Line__c": line.line_key,
                }
                for line in lines
            ],
        )
        org.update("Opportunity", asked, {"StageName": WON})
        return asked

    async def compared(self, deal: Entered) -> None:
        """By the product's own comparison of every system with the version that stands."""
        path = f"/v1/contract-check?contract={deal.contract_key}"
        (found,) = (await self.office.api.look(path))["contracts"]
        told = [
            f"{one['system']} {one['field']}: {one['found']} instead of {one['wanted']}"
            for one in found["differences"]
        ]
        self.sheet.agree("comparison, what differs", told, [])
        self.sheet.agree("comparison, what was not read", found["unread"], [])

    async def close(self, deal: Entered, end: End) -> None:
        """The accounts: every system on its own, then all against each other."""
        await self.office.told()
        contract = await self.office.contract(deal.contract_key)
        currency = contract.currency
        sheet = self.sheet
        billed, bookings = self.accounts.billed(deal), self.accounts.bookings(deal)
        print(f"\n            Accounts of {deal.name} in {currency}")
        sheet.agree("billing, invoices", [one.total for one in billed.invoices], [*end.invoices])
        sheet.agree(
            "billing, credit notes", [one.total for one in billed.credit_notes], [*end.credit_notes]
        )
        sheet.agree("billing, customer's balance", billed.balance, end.balance)
        sheet.agree("billing, seats and price", self.accounts.items(deal), [*end.items])
        sheet.agree(
            "ERP, bookings, net", [row["untaxed_amount"] for row in bookings], [*end.bookings]
        )
        states = sorted({str(row["state"]) for row in bookings})
        sheet.agree("ERP, states", states, [one for one in states if one in _FIRM])
        sheet.agree("entitlement, rights", self.accounts.grants(deal), sorted(end.grants))
        row = self.accounts.crm(deal)
        told = row["Dealthread_Version__c"]
        # No version is written before the first change.
        sheet.agree("CRM, version", 1 if told is None else int(told), end.version)
        sheet.agree("CRM, status", row["Dealthread_Status__c"], end.status)
        sheet.agree("CRM, total contract value", _cents(row["Dealthread_TCV__c"]), end.tcv)
        months = await self._months(deal)
        sheet.agree(
            "store, revenue of published months",
            {name: months.get(name) for name in end.months},
            end.months,
        )
        await self.posted(deal)
        await self.compared(deal)
        sheet.agree("store, writes whose outcome is not known", await self.office.uncertain(), [])
        sheet.agree("store, amounts without a source", await self.office.unsourced(), [])
        net = sum((row["untaxed_amount"] for row in bookings), ZERO)
        for name, found in (
            ("contract", contract.tcv().amount),
            ("ERP, sum of bookings, net", net),
            ("billing, invoiced less credited, net", billed.net),
            ("store, revenue planned or awaiting", sum(months.values(), end.awaiting)),
        ):
            sheet.agree(f"{name} = total contract value", found, end.tcv)
        sheet.line(
            f"tax: {money(billed.total - billed.net, currency)} charged; estimated on the bookings "
            f"{money(sum((row['tax_amount'] for row in bookings), ZERO), currency)}"
        )
        sheet.agree("entitlement = contract's lines", self.accounts.grants(deal), sorted(
            (str(int(line.quantity)), str(line.access_from)[:10], str(line.end_date))
            for line in contract.lines
            if line.entitlement_template
        ))  # fmt: skip

    async def posted(self, deal: Entered) -> None:
        """Each bill and its document in the ledger, once all that the biller told is done."""

        async def is_posted() -> bool:
            await self.office.hear_bills()
            return posted(self.accounts, deal) == bills_of(self.accounts, deal)

        await self.office.until_settled(is_posted)
        self.sheet.agree(
            "ledger = billing, documents",
            [str(one) for one in posted(self.accounts, deal)],
            [str(one) for one in bills_of(self.accounts, deal)],
        )

    async def _months(self, deal: Entered) -> dict[str, Decimal]:
        found: dict[str, Decimal] = defaultdict(lambda: ZERO)
        for row in await self.office.contracts.schedule(deal.contract_key):
            found[f"{row.month:%Y-%m}"] += row.amount.amount
        return dict(found)


_FIRM = ("confirmed", "processing", "done")


def _cents(value: object) -> Decimal:
    return Decimal(str(value)).quantize(Decimal("0.01"))
