"""What the reader sees, and what did not agree."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal


def money(amount: Decimal, currency: str) -> str:
    """As people write it."""
    return f"{amount:,.2f} {currency}"


class Sheet:
    """A printed timeline; every difference is kept for the end."""

    def __init__(self) -> None:
        self.differences: list[str] = []
        self.checks = 0
        self._life = ""

    def life(self, title: str) -> None:
        self._life = title.partition(":")[0]
        print(f"\n{title}\n{'=' * len(title)}", flush=True)

    def at(self, day: datetime, text: str) -> None:
        """One line of the timeline."""
        print(f"{day:%Y-%m-%d}  {text}", flush=True)

    def line(self, text: str) -> None:
        """One line of the accounts, or a remark."""
        print(f"            {text}", flush=True)

    def agree(self, what: str, found: object, wanted: object) -> None:
        """A fact: what a system says, and what it should."""
        self.checks += 1
        if found == wanted:
            self.line(f"✓ {what}: {shown(found)}")
            return
        said = f"{what}: {shown(found)} instead of {shown(wanted)}"
        self.line(f"✗ {said}")
        self.differences.append(f"{self._life}: {said}")


def shown(value: object) -> str:
    """Decimals with their thousands, collections one by one."""
    if isinstance(value, Decimal):
        return f"{value:,.2f}" if value == value.quantize(Decimal("0.01")) else f"{value:f}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(one) for one in value) or "nothing"
    if isinstance(value, dict):
        return ", ".join(f"{key} {shown(one)}" for key, one in value.items()) or "nothing"
    return str(value)
