"""Opening figures and remaining schedules, against the published months of the worked deals."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from dealthread.config import load_config
from dealthread.domain.adoption.book import Answer
from dealthread.domain.adoption.opening import opened, planned, services_of
from dealthread.domain.adoption.plan import AdoptionPlan, proposed
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import Deal
from dealthread.domain.versions.without_end import planned_until
from tests.support.deal_builder import CONFIG_DIR, d1, d2, d3, d4
from tests.support.old_book import OPENING, accepted, bill, book, item, seats, subscription, usd

CONFIG = load_config(CONFIG_DIR)


def _plan(**more: object) -> AdoptionPlan:
    return proposed(book(**more), CONFIG)  # type: ignore[arg-type]


# The months of facts/domain.md §9.7, added up by hand: billed is the first bill's net.
@pytest.mark.parametrize(
    ("deal", "as_of", "served", "billed", "recognised", "deferred", "remaining"),
    [
        # 5 × 1,061.64 + 958.90 + 2 × 1,027.40 = 8,321.90 of the seats, and the onboarding
        (d1, date(2026, 9, 1), ("L2",), "15000.00", "10821.90", "4178.10", "4178.10"),
        (d1, date(2026, 9, 1), (), "15000.00", "8321.90", "6678.10", "4178.10"),
        # 827.18 + 2 × 1,459.73 + 3 × 1,508.38
        (d2, date(2026, 9, 1), (), "17760.00", "8271.78", "9488.22", "9488.22"),
        # two months of 400.00, each recognised in the month that it was billed for
        (d3, date(2026, 6, 1), (), "800.00", "800.00", "0.00", "0.00"),
        # 3,313.97 + 4 × 3,669.04 + 2 × 3,550.68; the later years are sold and not billed
        (d4, date(2026, 9, 1), (), "43200.00", "25091.49", "18108.51", "169308.51"),
    ],
)
def test_the_worked_deals_at_an_opening(
    deal: Callable[[], Deal],
    as_of: date,
    served: tuple[str, ...],
    billed: str,
    recognised: str,
    deferred: str,
    remaining: str,
):
    contract = build_contract(deal(), CONFIG, deal().start_date or as_of, "C-1").model_copy(
        update={"adopted_on": as_of, "served_lines": served}
    )
    figures, rows = opened(
        contract, planned(contract, CONFIG, as_of), services_of(contract, CONFIG)
    )
    told = (figures.billed, figures.recognised, figures.deferred, figures.remaining)
    assert [str(one.amount) for one in told] == [billed, recognised, deferred, remaining]
    assert all(row.month >= as_of for row in rows)


def test_the_remaining_months_are_those_of_the_whole_plan():
    (one,) = _plan().proposals
    assert [(row.month, str(row.amount.amount)) for row in one.adopted.schedule] == [
        (date(2026, 9, 1), "1027.40"),
        (date(2026, 10, 1), "1061.64"),
        (date(2026, 11, 1), "1027.40"),
        (date(2026, 12, 1), "1061.66"),
    ]
    assert {row.treatment for row in one.adopted.schedule} == {"adopted"}


def test_a_contract_without_end_goes_on_from_the_period_in_which_it_was_adopted():
    contract = build_contract(d3(), CONFIG, date(2026, 4, 1), "C-1")
    taken = contract.model_copy(update={"adopted_on": date(2026, 9, 1)})
    assert planned_until(contract) == date(2026, 5, 1)
    assert planned_until(taken) == date(2026, 9, 1)


def test_what_ties_to_the_cent_is_tied_and_a_cent_more_is_not():
    tied = _plan(bills=[bill()], items=[item()], receivable="15891.00")
    assert tied.is_tied
    assert [str(one.adopted.amount) for one in tied.totals] == ["4178.10", "15891.00"]
    off = _plan(bills=[bill()], items=[item()], receivable="15891.00", deferred="4178.11")
    assert not off.is_tied
    assert [str(one.difference.amount) for one in off.totals] == ["0.01", "0.00"]


def test_a_ledger_that_rounded_otherwise_is_said_and_the_months_take_the_cents():
    said = accepted(deferred=usd("4178.13"))
    plan = _plan(answers=[said], deferred="4178.13")
    (one,) = plan.proposals
    assert plan.is_tied
    assert str(one.adopted.opening.deferred.amount) == "4178.13"
    assert sum(row.amount.amount for row in one.adopted.schedule) == usd("4178.13").amount


def test_a_service_of_which_nobody_knows_whether_it_was_accepted_stops_its_deal():
    plan = _plan(answers=[])
    assert plan.proposals == ()
    assert [one.cause for one in plan.unmatched] == ["service_not_known"]
    waits = Answer(deal_id=d1().deal_id, waiting_lines=("L2",), said_by="rita")
    (one,) = _plan(answers=[waits]).proposals
    assert str(one.adopted.opening.waiting.amount) == "2500.00"
    assert str(one.adopted.opening.deferred.amount) == "6678.10"


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ({"items": (seats("49"),)}, "line_differs"),
        ({"items": (seats(price="271.00"),)}, "line_differs"),
        ({"items": ()}, "line_not_billed"),
        ({"items": (seats(), seats(native_id="si_2"))}, "item_not_sold"),
        ({"period_start": date(2026, 1, 2), "period_end": date(2027, 1, 2)}, "period_differs"),
        ({"ends_on": date(2026, 10, 1)}, "end_differs"),
        ({"currency": "EUR"}, "currency_differs"),
    ],
)
def test_a_subscription_that_bills_something_else_is_not_adopted(
    what: dict[str, object], cause: str
):
    plan = _plan(subscriptions=[subscription(named=(d1().deal_id,), **what)])
    assert plan.proposals == ()
    assert cause in {one.cause for one in plan.unmatched}


def test_invoices_that_differ_or_stand_on_one_side_only_are_listed():
    short = _plan(bills=[bill()], items=[item(left="15890.99")], receivable="15890.99")
    assert "invoice_differs" in {one.cause for one in short.unmatched}
    alone = _plan(bills=[bill()])
    assert "invoice_not_in_ledger" in {one.cause for one in alone.unmatched}
    foreign = _plan(items=[item()], receivable="15891.00")
    assert [one.cause for one in foreign.unmatched] == ["document_of_no_contract"]
    assert not foreign.is_tied


def test_the_digest_follows_what_is_proposed_and_not_the_day_of_reading():
    first = _plan()
    assert first.digest() == _plan(read_on=date(2026, 9, 3)).digest()
    assert first.plan_id == _plan().plan_id
    other = _plan(subscriptions=[subscription("sub_9", named=(d1().deal_id,))])
    assert other.digest() != first.digest()


def test_an_opening_is_the_first_of_a_month_and_not_ahead():
    with pytest.raises(ValueError, match="as_of"):
        _plan(read_on=date(2026, 8, 31))
    with pytest.raises(ValueError, match="first day"):
        book().model_validate(book().model_dump() | {"as_of": OPENING.replace(day=2)})
