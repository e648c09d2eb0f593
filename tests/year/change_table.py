"""A change of a contract as data: what is asked, and what every system must say of it then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import NamedTuple

SALESFORCE, API = "Salesforce", "process API"
"""Where a change is asked for: an opportunity that is won, or an order by the process API."""


class Priced(NamedTuple):
    """A product in a quantity at a price; at the biller the price of one billing period."""

    product: str
    quantity: Decimal
    price: Decimal


class ToCome(NamedTuple):
    """What the biller bills from a day on, as it was told ahead."""

    start: date
    priced: Sequence[Priced]


class Document(NamedTuple):
    """An invoice, or the credit note of an invoice; both by their place among the contract's."""

    what: str
    net: Decimal
    total: Decimal
    due: Decimal
    """What is left to pay of an invoice when it is issued; nought of a credit note."""
    due_on: date | None = None
    """Of a bank transfer."""


class BookedLine(NamedTuple):
    """A line of an order in the ERP: less than nought where something is taken back."""

    item: str
    quantity: Decimal
    net: Decimal


class Right(NamedTuple):
    """What the customer may use, from a day to the first day on which it may not."""

    template: str
    quantity: int
    first: str
    end: str


@dataclass(frozen=True)
class Line:
    """A line of an order, told by the product that it bills now."""

    action: str
    of: str = ""
    product: str = ""
    """Of a line that is added, or that takes another's place."""
    quantity: int | None = None
    price: str | None = None


@dataclass(frozen=True)
class Says:
    """What every system must say once the change is done. Amounts of the bills to the cent."""

    agreement: Sequence[Priced]
    rights: Sequence[Right]
    """Those that have not run out."""
    tcv: Decimal
    version: int
    bills: Sequence[Document] = ()
    """Documents of the change itself."""
    booked: Sequence[BookedLine] = ()
    """Lines of the one new order in the ERP; nothing where the change books nothing."""
    to_come: Sequence[ToCome] = ()
    terms: str = "NET30"
    balance: Decimal = Decimal("0.00")
    """What the customer has good afterwards."""

    def unchanged(self) -> Says:
        """The same, and nothing new."""
        return replace(self, bills=(), booked=())


@dataclass(frozen=True)
class Change:
    """One row of the table. A change that is held says the same as before until its day."""

    kind: str
    on: date
    says: Says
    by: str = API
    lines: Sequence[Line] = ()
    timing: str = "now"
    effective: date | None = None
    terms: str = ""
    is_held: bool = False
    """Accepted on its day, carried out on `effective`."""
    billed_before: Sequence[Document] = ()
    """Documents of the time since the change before: periods that have begun."""
    takes_back: str = ""
    """Kind of the earlier change that is taken back."""
