"""Enters selected rows of a data set into Salesforce in bulk. Loading twice makes nothing twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from dealthread.naming import contract_key
from dealthread.sandbox.dataset import (
    CURRENCY,
    Account,
    Dataset,
    PipelineRow,
    by_level,
    customer_of,
    sale_of,
)
from dealthread.sandbox.price_book import PriceBook, ensure_price_book
from dealthread.sandbox.records import (
    Customer,
    Sale,
    account_record,
    contact_record,
    line_record,
    opportunity_record,
)
from dealthread.sandbox.salesforce import WON, SalesforceOrg, chunks

PRICE_BOOK = "Sales data"
WON_AT_ONCE = 25
"""Deals closed in one call; each starts a run."""
_NOBODY = "nobody"


@dataclass(frozen=True)
class LoadedRow:
    """A row with its opportunity."""

    row: PipelineRow
    deal_id: str
    contract_key: str
    was_there: bool
    """Entered by an earlier load."""


class Loader:
    """Accounts, products, deals, in this order; then the deals are won."""

    def __init__(self, org: SalesforceOrg, dataset: Dataset, today: date) -> None:
        self._org = org
        self._dataset = dataset
        self._today = today

    def enter(self, rows: Sequence[PipelineRow]) -> list[LoadedRow]:
        """Everything but the closing."""
        accounts = self._accounts(rows)
        book = self._price_book(rows)
        present = self._org.ids_by("Opportunity", "Name", [row.name for row in rows])
        new = [row for row in rows if row.name not in present]
        sales = {row.number: self._sale(row) for row in rows}
        ids = self._org.create_all(
            "Opportunity",
            [
                opportunity_record(
                    sales[row.number], row.name, accounts.get(row.account), CURRENCY, book.id
                )
                | {"Description": self._told_of(row)}
                for row in new
            ],
        )
        deals = present | {row.name: deal for row, deal in zip(new, ids, strict=True)}
        self._lines(rows, sales, deals, book)
        return [
            LoadedRow(
                row=row,
                deal_id=deals[row.name],
                contract_key=contract_key(self._org.org_id, deals[row.name]),
                was_there=row.name in present,
            )
            for row in rows
        ]

    def win(self, loaded: Sequence[LoadedRow], progress: Callable[[int], None]) -> int:
        """Close as won what is still open; how many that were. The webhooks do the rest."""
        still_open = self._open_among([one.deal_id for one in loaded])
        done = len(loaded) - len(still_open)
        progress(done)
        for chunk in chunks(still_open, WON_AT_ONCE):
            self._org.update_all(
                "Opportunity", [{"Id": deal_id, "StageName": WON} for deal_id in chunk]
            )
            done += len(chunk)
            progress(done)
        return len(still_open)

    def _accounts(self, rows: Sequence[PipelineRow]) -> dict[str, str]:
        """Account name → id, with every parent, parents first."""
        wanted = {row.account for row in rows if row.account}
        levels = by_level(self._dataset.accounts, wanted)
        names = [account.name for level in levels for account in level]
        known = self._org.ids_by("Account", "Name", names)
        numbers = {name: at for at, name in enumerate(self._dataset.accounts, start=1)}
        for level in levels:
            new = [account for account in level if account.name not in known]
            customers = [customer_of(account, numbers[account.name]) for account in new]
            ids = self._org.create_all(
                "Account",
                [
                    account_record(customer, known.get(account.parent)) | _told_by(account)
                    for account, customer in zip(new, customers, strict=True)
                ],
            )
            self._org.create_all(
                "Contact",
                [contact_record(one, native) for one, native in zip(customers, ids, strict=True)],
            )
            known |= {account.name: native for account, native in zip(new, ids, strict=True)}
        return known

    def _price_book(self, rows: Sequence[PipelineRow]) -> PriceBook:
        """The product list, and what was sold although no list names it."""
        prices = {(product, CURRENCY): price for product, price in self._dataset.prices.items()}
        for row in rows:
            prices.setdefault((row.product, CURRENCY), Decimal(0))
        names = {product: product for product, _ in prices}
        return ensure_price_book(self._org, PRICE_BOOK, names, prices)

    def _sale(self, row: PipelineRow) -> Sale:
        account = self._dataset.accounts.get(row.account, Account(_NOBODY, "", "", ""))
        customer: Customer = customer_of(account, 0)
        return sale_of(row, customer, self._dataset, self._today)

    def _lines(
        self,
        rows: Sequence[PipelineRow],
        sales: dict[str, Sale],
        deals: dict[str, str],
        book: PriceBook,
    ) -> None:
        """Also for a deal whose lines an earlier load did not get to."""
        with_lines = self._deals_with(
            "HasOpportunityLineItem = true", [deals[row.name] for row in rows]
        )
        self._org.create_all(
            "OpportunityLineItem",
            [
                line_record(line, deals[row.name], book.entry(line.product, CURRENCY))
                for row in rows
                if deals[row.name] not in with_lines
                for line in sales[row.number].lines
            ],
        )

    def _open_among(self, deal_ids: Sequence[str]) -> list[str]:
        is_open = self._deals_with("IsWon = false", deal_ids)
        return [deal_id for deal_id in deal_ids if deal_id in is_open]

    def _deals_with(self, condition: str, deal_ids: Sequence[str]) -> set[str]:
        found: set[str] = set()
        for chunk in chunks(deal_ids, 200):
            ids = ", ".join(f"'{one}'" for one in chunk)
            # Ids come from Salesforce, the condition from this class.
            soql = f"SELECT Id FROM Opportunity WHERE {condition} AND Id IN ({ids})"  # noqa: S608
            found |= {str(row["Id"]) for row in self._org.query(soql)}
        return found

    def _told_of(self, row: PipelineRow) -> str:
        team = self._dataset.teams.get(row.agent, "team unknown")
        forced = "; open in the file, closed as won by the load" if row.is_forced else ""
        return f"Sold by {row.agent or 'nobody'} ({team}){forced}"


def _told_by(account: Account) -> dict[str, str]:
    told = {"Industry": account.sector}
    if account.office:
        told["Description"] = f"Office in the source data: {account.office}"
    return {name: value for name, value in told.items() if value}
