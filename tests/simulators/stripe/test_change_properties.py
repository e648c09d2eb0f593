"""Any order of changes bills the time that was served, once, at the price of its time.

A state machine changes the items of a subscription at random. What it costs in all is computed
anew from the served time by a path of its own: the seconds of each stretch at the prices that held,
as exact fractions. Runs are derandomised.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.simulators.stripe.machine import Machine, Refused, Row

START = datetime(2026, 1, 31, tzinfo=UTC)
PICK = st.integers(0, 100)
BEHAVIOR = st.sampled_from(["create_prorations", "always_invoice"])


class Changes(RuleBasedStateMachine):
    """One subscription, its items, and time."""

    @initialize(sent=st.booleans(), unit=st.integers(100, 9999), quantity=st.integers(1, 7))
    def begin(self, *, sent: bool, unit: int, quantity: int) -> None:
        self.sim = Machine()
        self.sim.clock.freeze(START)
        self.sim.post("products", id="seat", name="Seat")
        customer = self.sim.post("customers", name="C")["id"]
        self.customer = customer
        method = self.sim.post("payment_methods/pm_card_visa/attach", customer=customer)["id"]
        self.sim.post(f"customers/{customer}", invoice_settings={"default_payment_method": method})
        params: Row = {"customer": customer, "items": [self.entry(unit, quantity)]}
        if sent:
            params |= {"collection_method": "send_invoice", "days_until_due": 30}
        self.id = self.sim.post("subscriptions", **params)["id"]
        # Seconds served at an amount of the whole period, in stretches that are over.
        self.served = Fraction(0)
        self.since = self.now
        self.amount = unit * quantity

    def teardown(self) -> None:
        if hasattr(self, "sim"):
            self.sim.close()

    @property
    def now(self) -> int:
        return int(self.sim.clock.now().timestamp())

    @property
    def items(self) -> list[Row]:
        held: list[Row] = self.sim.state.of("subscription")[self.id]["items"]["data"]
        return held

    def entry(self, unit: int, quantity: int) -> Row:
        recurring = {"interval": "month"}
        data = {"currency": "usd", "product": "seat", "unit_amount": unit, "recurring": recurring}
        return {"price_data": data, "quantity": quantity}

    def change(self, items: list[Row], behavior: str) -> None:
        """Change the items; the preview must show what the update then bills."""
        given: Row = {"items": items, "proration_behavior": behavior}
        invoices = len(self.sim.rows("invoice"))
        try:
            preview = self.sim.post(
                "invoices/create_preview", subscription=self.id, subscription_details=given
            )
        except Refused:
            preview = None
        try:
            self.sim.post(f"subscriptions/{self.id}", **given)
        except Refused:
            return
        self.close_stretch()
        self.amount = sum(item["price"]["unit_amount"] * item["quantity"] for item in self.items)
        made = self.sim.rows("invoice")[invoices:]
        if behavior == "always_invoice" and made:
            assert preview is not None
            shown = [line["amount"] for line in preview["lines"]["data"]]
            billed = [line["amount"] for line in self.sim.lines(made[0])]
            assert shown == billed[: len(shown)]
            assert preview["total"] == made[0]["total"]

    def close_stretch(self) -> None:
        """What was served since the last change costs its share of the periods it lies in."""
        for start, end in self.periods():
            seconds = min(end, self.now) - max(start, self.since)
            if seconds > 0:
                self.served += Fraction(self.amount * seconds, end - start)
        self.since = self.now

    def periods(self) -> list[tuple[int, int]]:
        """The periods of the subscription up to the current one, as its invoices named them."""
        found = {
            (line["period"]["start"], line["period"]["end"])
            for invoice in self.sim.rows("invoice")
            for line in self.sim.lines(invoice)
            if not line["parent"]["subscription_item_details"]["proration"]
        }
        return sorted(found)

    @rule(pick=PICK, quantity=st.integers(0, 9), behavior=BEHAVIOR)
    def quantity(self, pick: int, quantity: int, behavior: str) -> None:
        item = self.items[pick % len(self.items)]
        self.change([{"id": item["id"], "quantity": quantity}], behavior)

    @rule(pick=PICK, unit=st.integers(1, 9999), quantity=st.integers(1, 9), behavior=BEHAVIOR)
    def price(self, pick: int, unit: int, quantity: int, behavior: str) -> None:
        item = self.items[pick % len(self.items)]
        self.change([{"id": item["id"], **self.entry(unit, quantity)}], behavior)

    @precondition(lambda self: len(self.items) < 4)
    @rule(unit=st.integers(1, 9999), quantity=st.integers(1, 9), behavior=BEHAVIOR)
    def add(self, unit: int, quantity: int, behavior: str) -> None:
        self.change([self.entry(unit, quantity)], behavior)

    @rule(pick=PICK, behavior=BEHAVIOR)
    def remove(self, pick: int, behavior: str) -> None:
        item = self.items[pick % len(self.items)]
        self.change([{"id": item["id"], "deleted": True}], behavior)

    @rule(seconds=st.sampled_from([1, 3600, 86_399, 86_400 * 9, 86_400 * 31, 86_400 * 75]))
    def wait(self, seconds: int) -> None:
        self.sim.advance(timedelta(seconds=seconds))

    @invariant()
    def what_was_billed_is_what_was_served(self) -> None:
        """Up to the end of the current period, but for half a unit of each rounded line."""
        lines = [line for row in self.sim.rows("invoice") for line in self.sim.lines(row)]
        waiting = [row for row in self.sim.rows("invoiceitem") if row["invoice"] is None]
        billed = sum(line["amount"] for line in lines) + sum(row["amount"] for row in waiting)
        expected = self.served
        for start, end in self.periods():
            seconds = end - max(start, self.since)
            if seconds > 0:
                expected += Fraction(self.amount * seconds, end - start)
        rounded = len(waiting) + sum(
            line["parent"]["subscription_item_details"]["proration"] for line in lines
        )
        assert abs(billed - expected) <= Fraction(rounded, 2)

    @invariant()
    def no_debit_is_given_back_twice(self) -> None:
        lines = {
            line["id"]: line["amount"]
            for row in self.sim.rows("invoice")
            for line in self.sim.lines(row)
        }
        items = {row["id"]: row["amount"] for row in self.sim.rows("invoiceitem")}
        credited: dict[str, int] = defaultdict(int)
        for row in self.sim.rows("invoiceitem"):
            source: Any = row["proration_details"] and row["proration_details"]["credited_items"]
            if row["amount"] < 0:
                named = source["invoice_line_item_details"]
                key = source["invoice_item"] or named["invoice_line_items"][0]
                credited[key] -= row["amount"]
        for key, amount in credited.items():
            assert amount <= (lines | items)[key]


TestChanges = Changes.TestCase
TestChanges.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
