"""What must come of a load, counted from the files alone.

Independent on purpose: it reads the CSV files by itself, by column position, and knows nothing of
the product's code or configuration. The conventions it holds the load to:

- the first N won rows, and the first N/20 open rows that name no account, are sold;
- a row without an account cannot be sold to anybody: it waits, whatever its product;
- a product that the product list does not name is unknown to finance: the row waits;
- every other row becomes a contract over one unit at its close value, or at the list price where
  it names no value.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

FORCED_SHARE = 20
"""One open row without account for so many won ones."""
COMPLETED = "completed"
UNMAPPED = "unmapped"
WITHOUT_ACCOUNT = "without account"


@dataclass(frozen=True)
class Expectation:
    """Opportunity id of the file → what must come of it; and the net of those that complete."""

    fate: dict[str, str]
    completed_net: Decimal

    def count(self, fate: str) -> int:
        """Rows with this fate."""
        return sum(1 for found in self.fate.values() if found == fate)


def expected(folder: Path, limit: int) -> Expectation:
    """Read `products.csv` and `sales_pipeline.csv` in the folder."""
    known = {row[0]: row[1] for row in _rows(folder / "products.csv", ("product", "sales_price"))}
    pipeline = _rows(
        folder / "sales_pipeline.csv",
        ("opportunity_id", "product", "account", "deal_stage", "close_value"),
    )
    won = [row for row in pipeline if row[3] == "Won"][:limit]
    homeless = [row for row in pipeline if row[3] in ("Engaging", "Prospecting") and not row[2]]
    fate: dict[str, str] = {}
    net = Decimal(0)
    for number, product, account, _, value in won + homeless[: limit // FORCED_SHARE]:
        if not account:
            fate[number] = WITHOUT_ACCOUNT
        elif product not in known:
            fate[number] = UNMAPPED
        else:
            fate[number] = COMPLETED
            net += Decimal(value or known[product])
    return Expectation(fate, net)


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        places = [header.index(name) for name in columns]
        return [tuple(row[place].strip() for place in places) for row in reader if row]
