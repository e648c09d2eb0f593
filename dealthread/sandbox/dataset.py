"""Sales data in the format of the "CRM Sales Opportunities" set, made into customers and deals.

The files: accounts.csv, products.csv, sales_pipeline.csv, sales_teams.csv. What they do not say is
filled in by convention:

- Dates move by whole years, so that the close falls into the current fiscal year (calendar year).
  A row without close date takes its engage date; without both, the present business day.
- The service starts on the close date: 12 months, billed yearly in advance, by bank transfer,
  30 days, sold by US01 in USD, one unit at the close value. Without a value it is the list price,
  and 0 for a product that has none.
- Every customer gets an invented address in a state where US01 has no nexus, and an
  accounts-payable contact. Where the file says the office is goes into the description.
- The start date of old data says nothing: approval rule V21 is waived on these deals.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from dealthread.domain.span import add_months
from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.records import Customer, Place, Sale, SoldLine

SELLER = "US01"
CURRENCY = "USD"
WAIVED = "V21"
FORCED_SHARE = 20
"""One open row without account is forced to won for so many won ones."""
_OPEN_STAGES = ("Engaging", "Prospecting")
_FILES = {
    "accounts.csv": ("account", "sector", "office_location", "subsidiary_of"),
    "products.csv": ("product", "series", "sales_price"),
    "sales_pipeline.csv": (
        "opportunity_id",
        "sales_agent",
        "product",
        "account",
        "deal_stage",
        "engage_date",
        "close_date",
        "close_value",
    ),
    "sales_teams.csv": ("sales_agent", "manager", "regional_office"),
}
_Row = dict[str, str]


@dataclass(frozen=True)
class Account:
    """One row of accounts.csv."""

    name: str
    sector: str
    office: str
    parent: str


@dataclass(frozen=True)
class PipelineRow:
    """One row of sales_pipeline.csv. `is_forced`: open in the file, won here."""

    number: str
    agent: str
    product: str
    account: str
    stage: str
    engaged_on: date | None
    closed_on: date | None
    value: Decimal | None
    is_forced: bool = False

    @property
    def name(self) -> str:
        """Name of the opportunity: found again by it."""
        return f"{self.number} {self.product}"


@dataclass(frozen=True)
class Dataset:
    """The four files."""

    accounts: dict[str, Account]
    prices: dict[str, Decimal]
    """Product → list price. A product sold and not listed here is known to the CRM only."""
    pipeline: tuple[PipelineRow, ...]
    teams: dict[str, str]
    """Sales agent → manager and office, in words."""


def read_dataset(folder: Path) -> Dataset:
    """Raises SandboxError naming the file, and the line of a value that cannot be read."""
    accounts = [
        Account(row["account"], row["sector"], row["office_location"], row["subsidiary_of"])
        for row in _read(folder, "accounts.csv")
    ]
    return Dataset(
        accounts={account.name: account for account in accounts},
        prices={
            row["product"]: _amount(row["sales_price"], "products.csv") or Decimal(0)
            for row in _read(folder, "products.csv")
        },
        pipeline=tuple(_pipeline_row(row) for row in _read(folder, "sales_pipeline.csv")),
        teams={
            row["sales_agent"]: f"{row['manager']}, {row['regional_office']}"
            for row in _read(folder, "sales_teams.csv")
        },
    )


def select(dataset: Dataset, limit: int) -> list[PipelineRow]:
    """The first `limit` won rows, and a twentieth as many open ones that name no account."""
    won = [row for row in dataset.pipeline if row.stage == "Won"][:limit]
    homeless = [row for row in dataset.pipeline if row.stage in _OPEN_STAGES and not row.account]
    forced = [
        PipelineRow(**{**row.__dict__, "is_forced": True})
        for row in homeless[: limit // FORCED_SHARE]
    ]
    return won + forced


def customer_of(account: Account, number: int) -> Customer:
    """The account as a customer, without its parent: the hierarchy is entered level by level."""
    slug = re.sub(r"[^a-z0-9]+", "-", account.name.lower()).strip("-")
    place = Place(f"{100 + number} Harbor Way", "Portland", "97201", "US", "OR")
    return Customer(f"DATA-{number:04d}", account.name, place, f"{slug}.example", CURRENCY)


def sale_of(row: PipelineRow, customer: Customer, dataset: Dataset, today: date) -> Sale:
    """The deal of a row."""
    day = into_year(row.closed_on or row.engaged_on or today, today.year)
    value = row.value if row.value is not None else dataset.prices.get(row.product, Decimal(0))
    return Sale(
        code=row.number,
        customer=customer,
        seller=SELLER,
        closed_on=day,
        start=day,
        last_day=add_months(day, 12) - timedelta(days=1),
        term_months=12,
        lines=(SoldLine(row.product, Decimal(1), value),),
        waived_rules=WAIVED,
    )


def into_year(day: date, year: int) -> date:
    """The same day of another year; 29 February becomes the 28th where there is none."""
    try:
        return day.replace(year=year)
    except ValueError:
        return day.replace(year=year, day=28)


def by_level(accounts: dict[str, Account], wanted: set[str]) -> list[list[Account]]:
    """The accounts wanted with all their parents, parents first. A circle is cut open.

    A parent that the file does not list is left out: the account then stands alone.
    """
    depth: dict[str, int] = {}
    for name in wanted:
        chain: list[str] = []
        current = name
        while current in accounts and current not in chain and current not in depth:
            chain.append(current)
            current = accounts[current].parent
        level = depth.get(current, -1)
        for link in reversed(chain):
            level += 1
            depth[link] = level
    levels: list[list[Account]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for name in sorted(depth):
        levels[depth[name]].append(accounts[name])
    return levels


def _pipeline_row(row: _Row) -> PipelineRow:
    number = row["opportunity_id"]
    return PipelineRow(
        number=number,
        agent=row["sales_agent"],
        product=row["product"],
        account=row["account"],
        stage=row["deal_stage"],
        engaged_on=_day(row["engage_date"], number),
        closed_on=_day(row["close_date"], number),
        value=_amount(row["close_value"], number),
    )


def _read(folder: Path, name: str) -> list[_Row]:
    path = folder / name
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            missing = set(_FILES[name]) - set(reader.fieldnames or ())
            if missing:
                raise SandboxError(f"{path} has no column {', '.join(sorted(missing))}")
            return [
                {key: (value or "").strip() for key, value in row.items() if key is not None}
                for row in reader
            ]
    except OSError as failure:
        raise SandboxError(f"cannot read {path}: {failure.strerror}") from None


def _day(text: str, where: str) -> date | None:
    """`3/1/2017`, or an ISO date."""
    if not text:
        return None
    for form in ("%m/%d/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a date without time
        except ValueError:
            continue
    raise SandboxError(f"{where}: {text!r} is not a date")


def _amount(text: str, where: str) -> Decimal | None:
    if not text:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise SandboxError(f"{where}: {text!r} is not an amount") from None
