"""What changes credit and charge at once (`facts/domain.md` §9.6), and what the ERP books."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.amendment.amend import amend
from dealthread.domain.amendment.billing import bill_due
from dealthread.domain.amendment.change import ChangeQuantity
from dealthread.domain.amendment.line import Segment, ServiceLine
from dealthread.domain.amendment.standing import Standing
from dealthread.domain.change_order import ChangeTiming, LineAction
from dealthread.domain.contract import Contract
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import Money
from dealthread.domain.periods.cycle import BillCycle
from dealthread.domain.periods.length import ANNUAL
from dealthread.domain.periods.moment import start_of, zone_of
from dealthread.domain.periods.presets import STRIPE
from dealthread.domain.versions.amended import amended
from dealthread.domain.versions.delta import booking_delta
from dealthread.domain.versions.ended import ended
from dealthread.domain.versions.money import (
    ChangeMoney,
    change_money,
    charge_lines,
    credit_lines,
    reduced_before,
)
from dealthread.domain.versions.proration import Priced, committed_net
from dealthread.domain.versions.renewed import renewed
from tests.unit.versions import worked as w

PRICE, REMOVE, SWAP, ADD = LineAction.PRICE, LineAction.REMOVE, LineAction.SWAP, LineAction.ADD


def change(contract: Contract, *lines, on: date) -> Contract:
    return amended(contract, w.amendment(*lines, on=on), w.config(), on)


def nets(money: ChangeMoney) -> list[str]:
    return [f"{row.net.amount:,}" for row in money.rows]


def booked(contract: Contract | None) -> list[tuple[str, str, str]]:
    lines = () if contract is None else contract.lines
    return [(one.product_code, str(one.quantity), f"{one.committed_net.amount:,}") for one in lines]


def test_d1_upsell_credits_fifty_seats_and_charges_seventy() -> None:
    before = w.d1()
    money = change_money(before, change(before, w.quantity(70), on=w.JULY), w.JULY)
    assert nets(money) == ["-6,805.48", "9,527.67"]
    assert [str(row.tax.amount) for row in money.rows] == ["-449.16", "628.83"]
    assert (money.net, money.tax, money.gross) == tuple(
        w.usd(one) for one in ("2,722.19", "179.67", "2,901.86")
    )
    assert charge_lines(money) == ("L1",)
    assert credit_lines(money) == ()
    assert "days 184" in "".join(money.rows[0].working.lines())


def test_d2_reduction_is_a_credit_of_the_unused_time() -> None:
    before = w.d2()
    money = change_money(before, change(before, w.quantity(30), on=w.SEPTEMBER), w.SEPTEMBER)
    assert (money.net, money.tax, money.gross) == tuple(
        w.eur(one) for one in ("-2,201.75", "-418.33", "-2,620.08")
    )
    assert charge_lines(money) == ()
    (credit,) = credit_lines(money)
    assert (credit.net, credit.tax) == (w.eur("2,201.75"), w.eur("418.33"))
    assert (credit.span_start, credit.span_end) == (w.SEPTEMBER, date(2027, 3, 15))


def test_the_amendment_module_comes_to_the_same_cents() -> None:
    zone = zone_of("UTC")
    start = start_of(date(2026, 1, 1), zone)
    seats = Segment(
        start=start,
        end=start_of(date(2027, 1, 1), zone),
        product="SEAT-STD",
        quantity=Decimal(50),
        unit_price=w.price("270"),
        cycle=BillCycle(length=ANNUAL, anchor=start),
    )
    standing = Standing(currency="USD", lines=(ServiceLine(line_key="L1", segments=(seats,)),))
    billed = bill_due(standing, key="1", as_of=date(2026, 1, 1), convention=STRIPE).standing
    more = ChangeQuantity(line_key="L1", effective=w.JULY, quantity=Decimal(70))
    theirs = amend(billed, [more], key="2", as_of=w.JULY, convention=STRIPE)
    before = w.d1()
    ours = change_money(before, change(before, w.quantity(70), on=w.JULY), w.JULY)
    assert [row.net for row in ours.rows] == [line.amount for line in theirs.lines]


def test_a_change_on_a_boundary_to_come_costs_nothing_now() -> None:
    before = w.monthly()
    order = w.amendment(w.line(PRICE, unit_price=w.price("300")), timing=ChangeTiming.PERIOD_END)
    after = amended(before, order, w.config(), date(2026, 6, 10))
    assert change_money(before, after, w.JULY).rows == ()
    assert change_money(before, after, w.JULY, as_of=date(2026, 6, 10)).rows == ()
    assert after.tcv() - before.tcv() == w.usd("-1,200.00")


def test_a_backdated_change_is_charged_for_every_period_begun_since() -> None:
    before = w.monthly()
    after = change(before, w.line(PRICE, unit_price=w.price("600")), on=date(2026, 5, 16))
    money = change_money(before, after, date(2026, 5, 16), as_of=date(2026, 7, 20))
    assert money.net == w.usd("251.62")
    assert len({row.period_start for row in money.rows}) == 3


def test_a_backdated_reduction_gives_one_credit_for_each_period() -> None:
    before = w.monthly()
    after = change(before, w.line(PRICE, unit_price=w.price("400")), on=date(2026, 5, 16))
    money = change_money(before, after, date(2026, 5, 16), as_of=date(2026, 7, 20))
    assert [(c.span_start, str(c.net.amount)) for c in credit_lines(money)] == [
        (date(2026, 5, 16), "51.61"),
        (date(2026, 6, 1), "100.00"),
        (date(2026, 7, 1), "100.00"),
    ]


def test_a_period_that_comes_to_a_charge_lowers_the_credit_before_it() -> None:
    before = w.monthly()
    cut = change(before, w.line(PRICE, unit_price=w.price("400")), on=date(2026, 5, 1))
    after = change(cut, w.line(PRICE, unit_price=w.price("530")), on=date(2026, 7, 1))
    money = change_money(before, after, date(2026, 5, 1), as_of=date(2026, 7, 20))
    assert money.net == w.usd("-170.00")
    assert [str(one.net.amount) for one in credit_lines(money)] == ["100.00", "70.00"]


def test_in_arrears_only_ended_periods_were_billed() -> None:
    before = w.monthly().model_copy(update={"billing_timing": BillingTiming.ARREARS})
    after = change(before, w.line(PRICE, unit_price=w.price("600")), on=date(2026, 5, 16))
    assert change_money(before, after, date(2026, 5, 16)).rows == ()
    assert change_money(before, after, date(2026, 5, 16), as_of=date(2026, 6, 1)).net == w.usd(
        "51.62"
    )


def test_a_swap_is_one_group_with_its_replacement() -> None:
    before = w.d1()
    up = change_money(
        before, change(before, w.line(SWAP, product_code="SEAT-PRO"), on=w.JULY), w.JULY
    )
    assert charge_lines(up) == ("L1",)
    assert {row.product_code for row in up.rows} == {"SEAT-STD", "SEAT-PRO"}
    down = w.line(SWAP, product_code="SEAT-PRO", unit_price=w.price("200"))
    money = change_money(before, change(before, down, on=w.JULY), w.JULY)
    assert charge_lines(money) == ()
    assert [one.line_key for one in credit_lines(money)] == ["L1"]


def test_each_line_goes_its_own_way() -> None:
    before = w.d1()
    added = w.line(ADD, "L9", product_code="ONB", quantity=1)
    money = change_money(before, change(before, w.quantity(40), added, on=w.JULY), w.JULY)
    assert charge_lines(money) == ("L9",)
    assert [one.line_key for one in credit_lines(money)] == ["L1"]


def test_prepaid_time_is_credited_by_the_days_of_the_term() -> None:
    before = w.d5()
    on = date(2027, 6, 1)
    after = change(before, w.line(PRICE, unit_price=w.price("6000", "EUR")), on=on)
    # 12,000.00 and 6,000.00 for 366 of 731 days.
    assert nets(change_money(before, after, on)) == ["-6,008.21", "3,004.10"]


def test_a_cancellation_gives_back_the_unused_time() -> None:
    before = w.d2()
    after = ended(before, w.cancellation(), w.SEPTEMBER)
    money = change_money(before, after, w.SEPTEMBER)
    assert money.net == w.eur("-8,807.01")
    assert change_money(before, after, w.SEPTEMBER, credit_unused=False).rows == ()


def test_a_rescission_gives_back_everything_billed() -> None:
    before = change(w.d1(), w.quantity(70), on=w.JULY)
    after = ended(before, w.cancellation(**w.RESCISSION), w.SEPTEMBER)
    money = change_money(before, after, before.start_date, as_of=w.SEPTEMBER)
    assert (money.net, money.tax) == (w.usd("-17,722.19"), w.usd("-1,070.67"))
    first = change_money(w.d1(), after, before.start_date)
    assert first.net == w.usd("-15,000.00")


def test_a_ramp_is_credited_for_the_year_that_was_billed() -> None:
    before = w.d4()
    on = date(2026, 8, 2)
    money = change_money(before, ended(before, w.cancellation(), on), on)
    assert [one.line_key for one in credit_lines(money)] == ["L1"]
    assert money.net == w.usd("-21,659.18")


def test_a_service_to_come_is_not_credited_before_it_is_billed() -> None:
    before = change(w.d1(), w.line(ADD, "L9", product_code="ONB", quantity=1), on=w.SEPTEMBER)
    after = ended(before, w.cancellation(), w.JULY)
    assert {row.line_key for row in change_money(before, after, w.JULY).rows} == {"L1"}


def test_a_contract_without_end_is_prorated_in_the_running_period() -> None:
    before, on = w.d3(), date(2026, 5, 16)
    after = change(before, w.line(PRICE, unit_price=w.price("500", "GBP")), on=on)
    assert nets(change_money(before, after, on)) == ["-206.45", "258.06"]


def test_money_survives_json() -> None:
    before = w.d1()
    money = change_money(before, change(before, w.quantity(70), on=w.JULY), w.JULY)
    assert ChangeMoney.model_validate_json(money.model_dump_json()) == money


def test_the_booking_of_an_upsell_is_what_is_more() -> None:
    before = w.d1()
    delta = booking_delta(before, change(before, w.quantity(70), on=w.JULY), w.JULY)
    assert delta is not None
    assert booked(delta) == [("SEAT-STD", "20", "2,722.19")]
    (line,) = delta.lines
    assert (line.start_date, line.end_date) == (w.JULY, date(2027, 1, 1))
    assert (delta.booking_net(), line.net_per_period) == (w.usd("2,722.19"), w.usd("5,400.00"))


def test_the_booking_of_a_reduction_is_below_zero_with_the_tax_of_what_it_credits() -> None:
    before = w.d2()
    delta = booking_delta(before, change(before, w.quantity(30), on=w.SEPTEMBER), w.SEPTEMBER)
    assert delta is not None
    assert booked(delta) == [("SEAT-PRO", "-10", "-2,201.75")]
    assert delta.booking_tax() == w.eur("-418.33")


def test_the_booking_of_a_price_has_the_present_quantity() -> None:
    before = w.d1()
    after = change(before, w.line(PRICE, unit_price=w.price("300")), on=w.JULY)
    assert booked(booking_delta(before, after, w.JULY)) == [("SEAT-STD", "50", "756.16")]


def test_a_swap_is_booked_as_two_lines() -> None:
    before = w.d1()
    after = change(before, w.line(SWAP, product_code="SEAT-PRO"), on=w.JULY)
    assert booked(booking_delta(before, after, w.JULY)) == [
        ("SEAT-STD", "-50", "-6,805.48"),
        ("SEAT-PRO", "50", "12,098.63"),
    ]


def test_a_removed_line_is_booked_off_and_an_added_one_on() -> None:
    before = w.d1()
    added = w.line(ADD, "L9", product_code="SEAT-PRO", quantity=10)
    after = change(before, w.line(REMOVE), added, on=w.JULY)
    assert booked(booking_delta(before, after, w.JULY)) == [
        ("SEAT-STD", "-50", "-6,805.48"),
        ("SEAT-PRO", "10", "2,419.73"),
    ]


def test_a_renewal_is_booked_as_its_new_term() -> None:
    before = change(w.d1(), w.quantity(70), on=w.JULY)
    after = renewed(before, w.renewal(uplift_percent=5), w.config(), date(2026, 12, 1))
    delta = booking_delta(before, after, date(2027, 1, 1))
    assert booked(delta) == [("SEAT-STD", "70", "19,845.00")]
    assert delta is not None
    assert delta.booking_tax() == w.usd("1,309.77")


def test_terms_alone_book_nothing_and_a_first_version_books_itself() -> None:
    before = w.d1()
    after = amended(before, w.amendment(payment_terms="NET30"), w.config(), w.JULY)
    assert booking_delta(before, after, w.JULY) is None
    assert booking_delta(None, before, before.start_date) == before


def test_a_span_that_is_only_cut_in_two_books_nothing() -> None:
    before = change(w.d1(), w.quantity(70), on=w.JULY)
    after = change(before, w.quantity(50), on=w.JULY)
    assert booking_delta(w.d1(), after, w.JULY) is None


def test_a_rescission_books_everything_off() -> None:
    before = w.d1()
    after = ended(before, w.cancellation(**w.RESCISSION), w.JULY)
    assert booked(booking_delta(before, after, before.start_date)) == [
        ("SEAT-STD", "-50", "-13,500.00"),
        ("ONB", "-1", "-1,500.00"),
    ]


def test_a_broken_last_period_is_committed_by_its_days() -> None:
    priced = Priced(Decimal(50), w.price("270"), 12)
    assert committed_net(priced, date(2026, 1, 1), date(2027, 7, 2)) == Money.of("20231.51", "USD")


def test_a_state_that_began_within_its_period_gives_back_a_share_of_what_was_billed() -> None:
    """20 seats at 450.00 from May on were billed 9,000.00 × 245 ÷ 365 = 6,041.10. From June on the
    biller gives back 6,041.10 × 214 ÷ 245 = 5,276.716; of the price it would be 5,276.712."""
    may, june = date(2026, 5, 1), date(2026, 6, 1)
    first = w.amendment(w.line(LineAction.QUANTITY, quantity=20, unit_price=w.price("450")), on=may)
    before = amended(w.d1(), first, w.config(), may)
    after = amended(before, w.amendment(w.quantity(25), on=june), w.config(), june)
    money = change_money(before, after, june)
    assert [row.net for row in money.rows] == [w.usd("-5276.72"), w.usd("6595.89")]
    assert after.tcv() - before.tcv() == money.net


def test_seats_that_come_back_after_a_reduction_are_charged_anew() -> None:
    """The reduction was credited on an invoice: the whole old state is given back, 6,605.26 for 181
    days × 90 = 3,284.383; the new one is charged by itself. Without a reduction nothing is so."""
    back = date(2026, 12, 15)
    before = change(w.d2(), w.quantity(30), on=w.SEPTEMBER)
    money = change_money(before, change(before, w.quantity(35), on=back), back)
    assert nets(money) == ["-3,284.38", "3,831.78"]
    assert reduced_before(before, money) == charge_lines(money) == ("L1",)
    (given,) = credit_lines(money, reduced_before(before, money))
    assert (given.net, given.tax) == (w.eur("3284.38"), w.eur("624.03"))
    more = change(w.d2(), w.quantity(50), on=w.SEPTEMBER)
    grown = change_money(more, change(more, w.quantity(60), on=back), back)
    assert (reduced_before(more, grown), credit_lines(grown)) == ((), ())
