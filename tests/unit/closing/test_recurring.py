"""OB-09: T13 of the worked deals, and what moved each (facts/domain.md §9.6 and §9.9)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.closing.books import cut_off
from dealthread.domain.closing.recurring import _moved, recurring_answers
from dealthread.domain.contract import ContractState
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.recognition.due import last_day
from tests.support.closing_books import JUNE, june
from tests.unit.position import worked


def _facts(story: worked.Story, period: date) -> ContractFacts:
    whole = ContractFacts(
        contract_key=story.contract.key, state=ContractState.ACTIVE, versions=story.versions
    )
    found = cut_off(whole, last_day(period))
    assert found is not None
    return found


def _told(story: worked.Story, period: date) -> dict[str, str]:
    facts = _facts(story, period)
    books = june().books(period).model_copy(update={"contracts": (facts,)})
    (answer,) = recurring_answers(books)
    assert answer.is_tied
    told = _moved(facts, books).model_dump(mode="json", exclude={"contract_key"})
    return {name: one["amount"] for name, one in told.items() if Decimal(one["amount"])}


def test_d1_is_new_in_january_and_grows_by_twenty_seats_in_july() -> None:
    """50 and then 70 seats at 270.00: 13,500.00 and 18,900.00 (§9.9)."""
    d1 = worked.d1()
    assert _told(d1, date(2026, 1, 1)) == {"new": "13500.00", "closing": "13500.00"}
    assert _told(d1, JUNE) == {"opening": "13500.00", "closing": "13500.00"}
    assert _told(d1, date(2026, 7, 1)) == {
        "opening": "13500.00",
        "expansion": "5400.00",
        "closing": "18900.00",
    }


def test_d2_shrinks_by_ten_seats_in_september() -> None:
    """40 and then 30 at 444.00: 17,760.00 and 13,320.00 (§9.9)."""
    assert _told(worked.d2(), date(2026, 9, 1)) == {
        "opening": "17760.00",
        "contraction": "4440.00",
        "closing": "13320.00",
    }


def test_d5s_bundle_counts_with_the_parts_that_recur() -> None:
    """4,800.00 a year of 12,000.00 for two (§9.9)."""
    assert _told(worked.d5(), JUNE) == {"new": "4800.00", "closing": "4800.00"}


def test_d3_is_lost_on_the_day_on_which_it_ends() -> None:
    """400.00 a month: 4,800.00 a year, until 2026-05-31."""
    told = _told(worked.d3(), JUNE)
    assert (told["churn"], "closing" in told) == ("4800.00", False)
