"""The stages of an opportunity as a new org has them, and what they imply."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Stage:
    """What a stage says about the deal."""

    probability: Decimal
    is_closed: bool = False
    is_won: bool = False


STAGES: dict[str, Stage] = {
    "Prospecting": Stage(Decimal(10)),
    "Qualification": Stage(Decimal(10)),
    "Needs Analysis": Stage(Decimal(20)),
    "Value Proposition": Stage(Decimal(50)),
    "Id. Decision Makers": Stage(Decimal(60)),
    "Perception Analysis": Stage(Decimal(70)),
    "Proposal/Price Quote": Stage(Decimal(75)),
    "Negotiation/Review": Stage(Decimal(90)),
    "Closed Won": Stage(Decimal(100), is_closed=True, is_won=True),
    "Closed Lost": Stage(Decimal(0), is_closed=True),
}
