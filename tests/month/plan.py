"""What happens in the month, drawn from a seed before anything runs: deals, payments, changes.

Of ten contracts three are seats of US01 by card, one seats of US01 by transfer, four seats of DE01
by transfer, two a platform of UK01 with usage, billed by the month. Of thirty, some have a fate.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from dealthread.domain.deal import CollectionMethod, Deal
from tests.support.deal_builder import d1, d2, d3

FIRST, LAST = date(2026, 4, 1), date(2026, 5, 3)
"""The month, and three days for what is billed after it."""
LAST_START = 20
LAST_USE = date(2026, 4, 29)
_CREDITS = ("25.00", "180.00", "1200.00")
"""Net; with tax, the last one waits for a second person."""


class Fate(StrEnum):
    """What happens to some, beside what happens to everybody."""

    OVERDUE = "overdue"
    """Due at once and not paid: reminded, warned, suspended; paid on the twentieth day."""
    WRITTEN_OFF = "written off"
    """Never paid: pursued to the last stage, handed over, given up by two people once the service
    that it bills is served."""
    DISPUTE_LOST = "dispute lost"
    DISPUTE_WON = "dispute won"
    LOST_NEWS = "never arrived"
    """Nobody tells that the deal is won, until somebody asks why it has no invoice."""


FATES = {
    3: Fate.OVERDUE,
    4: Fate.WRITTEN_OFF,
    10: Fate.DISPUTE_LOST,
    17: Fate.LOST_NEWS,
    20: Fate.DISPUTE_WON,
}
"""By the contract's number, of each thirty."""
FOUND_AFTER = timedelta(days=2)
"""A deal whose news was lost: so long after it was won somebody submits it."""
PAYS_AT_LAST = timedelta(days=20)


@dataclass(frozen=True)
class Plan:
    """The month of one contract."""

    number: int
    deal: Deal
    starts: date
    pays: date | None = None
    """By transfer: whatever is open is paid on this day."""
    amended: tuple[date, int] | None = None
    """The day, and the new number of seats."""
    credited: tuple[date, str] | None = None
    """The day, and the net amount on the seats of the first invoice."""
    card_fails: bool = False
    """Its card is charged in vain when the month is billed."""
    mends: date | None = None
    """It is charged again then, with another card."""
    used: dict[date, int] = field(default_factory=dict)
    """Calls by day."""
    fate: Fate | None = None
    gives_up: date | None = None
    """What is open of the first invoice is written off on this day."""

    @property
    def told(self) -> date:
        """The day on which the deal is known here."""
        return self.starts + FOUND_AFTER if self.fate is Fate.LOST_NEWS else self.starts

    @property
    def by_card(self) -> bool:
        return self.deal.collection_method is CollectionMethod.CARD

    @property
    def seller(self) -> str:
        return {"USD": "US01", "EUR": "DE01", "GBP": "UK01"}[self.deal.currency]


def plans(seed: str, contracts: int) -> list[Plan]:
    """Of so many contracts. The first ones are the same whatever the number."""
    return [_plan(random.Random(f"{seed}-{number}"), number) for number in range(contracts)]  # noqa: S311


def _plan(rng: random.Random, number: int) -> Plan:
    made, fate = _ordinary(rng, number), FATES.get(number % 30)
    match fate:
        case None:
            return made
        case Fate.OVERDUE:
            starts = FIRST + timedelta(days=number % 7)
            deal = _begins(made.deal, starts).model_copy(update={"payment_terms": "DUE"})
            made = replace(made, deal=deal, starts=starts, pays=starts + PAYS_AT_LAST)
        case Fate.WRITTEN_OFF:
            how = {"collection_method": CollectionMethod.BANK_TRANSFER, "payment_terms": "DUE"}
            made = replace(
                made,
                deal=made.deal.model_copy(update=how),
                card_fails=False,
                mends=None,
                gives_up=LAST - timedelta(days=1),
            )
        case Fate.DISPUTE_LOST | Fate.DISPUTE_WON | Fate.LOST_NEWS:
            pass
    return replace(made, fate=fate, amended=None, credited=None)


def _begins(deal: Deal, starts: date) -> Deal:
    """A deal of a year that was signed three days before."""
    return deal.model_copy(
        update={
            "closed_on": starts - timedelta(days=3),
            "start_date": starts,
            "end_date": starts.replace(year=starts.year + 1),
        }
    )


def _ordinary(rng: random.Random, number: int) -> Plan:
    match number % 10:
        case 0 | 1 | 2:
            return _seats(rng, number, d1(), CollectionMethod.CARD)
        case 3:
            return _seats(rng, number, d1(), CollectionMethod.BANK_TRANSFER)
        case 4 | 9:
            return _usage(rng, number)
        case _:
            return _seats(rng, number, d2(), CollectionMethod.BANK_TRANSFER)


def _seats(rng: random.Random, number: int, deal: Deal, how: CollectionMethod) -> Plan:
    starts = FIRST + timedelta(days=rng.randint(0, LAST_START - 1))
    seats = rng.randint(3, 90)
    lines = tuple(
        line.model_copy(update={"quantity": Decimal(seats)})
        if line.product_code.startswith("SEAT")
        else line
        for line in deal.lines
    )
    by_card = how is CollectionMethod.CARD
    made = _begins(deal, starts).model_copy(
        update={
            "lines": lines,
            "collection_method": how,
            "payment_terms": "DUE" if by_card else "NET30",
        }
    )
    later = starts + timedelta(days=rng.randint(2, 5))
    amended = rng.random() < 0.3
    return Plan(
        number=number,
        deal=made,
        starts=starts,
        pays=None if by_card or rng.random() < 0.25 else starts + timedelta(days=rng.randint(1, 9)),
        amended=(later, rng.choice([1, seats + 1, seats * 2])) if amended else None,
        credited=None
        if amended or rng.random() < 0.75
        else (starts + timedelta(days=rng.randint(1, 8)), rng.choice(_CREDITS)),
    )


def _usage(rng: random.Random, number: int) -> Plan:
    deal = d3().model_copy(update={"closed_on": FIRST - timedelta(days=3), "start_date": FIRST})
    days = rng.sample(range((LAST_USE - FIRST).days + 1), rng.randint(4, 12))
    fails = rng.random() < 0.4
    mends = fails and rng.random() < 0.5
    return Plan(
        number=number,
        deal=deal,
        starts=FIRST,
        card_fails=fails,
        mends=LAST - timedelta(days=1) if mends else None,
        used={FIRST + timedelta(days=day): rng.randint(1, 90_000) for day in days},
    )


def parts(calls: int) -> list[int]:
    """A day's calls in up to three events."""
    part = calls // 3
    return [one for one in (part, part, calls - 2 * part) if one]


def chunks(made: Sequence[Plan], size: int) -> list[Sequence[Plan]]:
    """At most so many at a time."""
    return [made[at : at + size] for at in range(0, len(made), size)]
