"""Any order of allowed calls keeps the arithmetic of invoices, credits, refunds and balances exact.

A state machine calls the simulator at random, with requests that are sensible and with some that
are refused; after every call the sums are computed anew from the parts (`stripe_sums`).
Runs are derandomised: the same calls every time. That needs a simulator whose documents follow from
the calls alone, whatever ids it drew (`test_stripe_order.py`).
"""

from __future__ import annotations

from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.simulators.stripe.machine import Machine, Refused, Row
from tests.simulators.stripe.sums import Sums

PICK = st.integers(0, 1000)
AMOUNT = st.one_of(st.integers(1, 60), st.integers(-3000, 50_000))
PERCENT = Decimal("7.7")
# What is asked of what is left: often the edge, and one beyond it.
PART = st.sampled_from(["one", "half", "all", "one more"])
CARDS = ("pm_card_visa", "pm_card_chargeCustomerFail")


def chosen(rows: list[Row], pick: int) -> Row:
    """One of the rows."""
    return rows[pick % len(rows)]


def cut(left: int, part: str) -> int:
    """A part of what is left, in its direction."""
    one = -1 if left < 0 else 1
    return {"one": one, "half": int(left / 2), "all": left, "one more": left + one}[part]


class Settlement(Sums):
    """Customers, items, invoices, subscriptions, payments, credits, refunds, time."""

    @initialize(per_customer=st.booleans(), after=st.sampled_from(["canceled", "past_due"]))
    def begin(self, *, per_customer: bool, after: str) -> None:
        self.sim = Machine(
            invoice_numbering="customer" if per_customer else "account",
            subscription_after_retries=after,
            retry_days=(1, 2),
        )
        self.tax = self.sim.post(
            "tax_rates", display_name="T", percentage=str(PERCENT), inclusive=False
        )["id"]
        self.sim.post("products", id="seat", name="Seat")
        self.sim.post("coupons", id="third", percent_off="33.3", duration="forever")
        self.sim.post("coupons", id="ten", amount_off=1000, currency="usd", duration="once")
        self.customer(card=0, balance=0)
        # Credits and refunds need something that was invoiced and paid.
        for unit, quantity in ((333, 7), (1999, 3)):
            self.seats(0, unit, quantity)
            self.one_off(0, auto=False, sent=False, taxed=False)
            self.finalize(0)
        self.pay(0, elsewhere=False)
        # A void gives back what an invoice took of the balance.
        self.customer(card=2, balance=-700)
        self.seats(1, 450, 2)
        self.one_off(1, auto=False, sent=True, taxed=False)
        self.finalize(0)

    def teardown(self) -> None:
        if hasattr(self, "sim"):
            self.sim.close()

    def try_(self, method: str, path: str, **params: Any) -> Row | None:
        """A call that may be refused."""
        try:
            return self.sim.delete(path) if method == "DELETE" else self.sim.post(path, **params)
        except Refused:
            return None

    def invoices(self, *statuses: str) -> list[Row]:
        return [row for row in self.sim.rows("invoice") if row["status"] in statuses]

    # What can be asked for.

    @rule(card=st.integers(0, 2), balance=st.sampled_from([0, 0, -700, 900]))
    def customer(self, card: int, balance: int) -> None:
        made = self.sim.post("customers", name="C", email="c@x.example", balance=balance)
        if card < len(CARDS):
            self.card(-1, card, made["id"])

    @rule(pick=PICK, card=st.integers(0, 1))
    def card(self, pick: int, card: int, customer: str | None = None) -> None:
        customer = customer or chosen(self.sim.rows("customer"), pick)["id"]
        method = self.sim.post(f"payment_methods/{CARDS[card]}/attach", customer=customer)
        self.sim.post(
            f"customers/{customer}", invoice_settings={"default_payment_method": method["id"]}
        )

    @rule(pick=PICK, amount=AMOUNT, is_taxed=st.booleans(), on_draft=st.booleans())
    def item(self, pick: int, amount: int, *, is_taxed: bool, on_draft: bool) -> None:
        drafts = self.invoices("draft")
        params: Row = {"amount": amount, "currency": "usd"}
        if on_draft and drafts:
            draft = chosen(drafts, pick)
            params |= {"invoice": draft["id"], "customer": draft["customer"]}
        else:
            params["customer"] = chosen(self.sim.rows("customer"), pick)["id"]
        if is_taxed:
            params["tax_rates"] = [self.tax]
        self.try_("POST", "invoiceitems", **params)

    @rule(pick=PICK, unit=st.integers(1, 2000), quantity=st.integers(1, 9))
    def seats(self, pick: int, unit: int, quantity: int) -> None:
        self.sim.post(
            "invoiceitems",
            customer=chosen(self.sim.rows("customer"), pick)["id"],
            price_data={"currency": "usd", "product": "seat", "unit_amount_decimal": f"{unit}.4"},
            quantity=quantity,
            tax_rates=[self.tax],
        )

    @rule(pick=PICK, auto=st.booleans(), sent=st.booleans(), taxed=st.booleans())
    def one_off(self, pick: int, *, auto: bool, sent: bool, taxed: bool) -> None:
        params: Row = {
            "customer": chosen(self.sim.rows("customer"), pick)["id"],
            "auto_advance": auto,
            "pending_invoice_items_behavior": "include",
        }
        if sent:
            params |= {"collection_method": "send_invoice", "days_until_due": 3}
        if taxed:
            params["default_tax_rates"] = [self.tax]
        self.sim.post("invoices", **params)

    @rule(
        pick=PICK,
        unit=st.integers(100, 9000),
        quantity=st.integers(1, 4),
        sent=st.booleans(),
        coupon=st.sampled_from([None, "third", "ten"]),
    )
    def subscribe(
        self, pick: int, unit: int, quantity: int, coupon: str | None, *, sent: bool
    ) -> None:
        params: Row = {
            "customer": chosen(self.sim.rows("customer"), pick)["id"],
            "items": [
                {
                    "price_data": {
                        "currency": "usd",
                        "product": "seat",
                        "unit_amount": unit,
                        "recurring": {"interval": "month"},
                    },
                    "quantity": quantity,
                    "tax_rates": [self.tax],
                }
            ],
        }
        if sent:
            params |= {"collection_method": "send_invoice", "days_until_due": 3}
        if coupon is not None:
            params["discounts"] = [{"coupon": coupon}]
        self.try_("POST", "subscriptions", **params)

    @precondition(lambda self: self.sim.rows("subscription"))
    @rule(
        pick=PICK,
        quantity=st.integers(0, 6),
        how=st.sampled_from(["always_invoice", "create_prorations", "none"]),
    )
    def change(self, pick: int, quantity: int, how: str) -> None:
        subscription = chosen(self.sim.rows("subscription"), pick)
        item = subscription["items"]["data"][0]["id"]
        self.try_(
            "POST",
            f"subscriptions/{subscription['id']}",
            items=[{"id": item, "quantity": quantity}],
            proration_behavior=how,
        )

    @precondition(lambda self: self.sim.rows("subscription"))
    @rule(pick=PICK)
    def cancel(self, pick: int) -> None:
        self.try_("DELETE", f"subscriptions/{chosen(self.sim.rows('subscription'), pick)['id']}")

    @precondition(lambda self: self.invoices("draft"))
    @rule(pick=PICK)
    def finalize(self, pick: int) -> None:
        self.sim.post(f"invoices/{chosen(self.invoices('draft'), pick)['id']}/finalize")

    @precondition(lambda self: self.invoices("open", "uncollectible"))
    @rule(pick=PICK, elsewhere=st.booleans())
    def pay(self, pick: int, *, elsewhere: bool) -> None:
        invoice = chosen(self.invoices("open", "uncollectible"), pick)
        self.try_("POST", f"invoices/{invoice['id']}/pay", paid_out_of_band=elsewhere)

    @precondition(lambda self: self.invoices("open"))
    @rule(pick=PICK, share=st.integers(1, 100), is_early=st.booleans())
    def pay_a_part(self, pick: int, share: int, *, is_early: bool) -> None:
        invoice = chosen(self.invoices("open"), pick)
        intent = self.try_(
            "POST",
            "payment_intents",
            amount=max(1, invoice["amount_remaining"] * share // 100),
            currency="usd",
            customer=invoice["customer"],
            payment_method="pm_card_visa",
            confirm=not is_early,
        )
        if intent is not None:
            self.sim.post(f"invoices/{invoice['id']}/attach_payment", payment_intent=intent["id"])

    @precondition(lambda self: self.sim.rows("payment_intent"))
    @rule(pick=PICK)
    def confirm(self, pick: int) -> None:
        intent = chosen(self.sim.rows("payment_intent"), pick)
        self.try_("POST", f"payment_intents/{intent['id']}/confirm")

    @rule(pick=PICK, how=st.sampled_from(["void", "mark_uncollectible", "send", "delete"]))
    def end(self, pick: int, how: str) -> None:
        rows = self.invoices("open", "uncollectible") or self.sim.rows("invoice")
        path = f"invoices/{chosen(rows, pick)['id']}"
        if how == "delete":
            self.try_("DELETE", path)
        else:
            self.try_("POST", f"{path}/{how}")

    @precondition(lambda self: self.invoices("draft"))
    @rule(pick=PICK, amount=AMOUNT, how=st.sampled_from(["amount", "delete", "unassign"]))
    def change_a_line(self, pick: int, amount: int, how: str) -> None:
        draft = chosen(self.invoices("draft"), pick)
        lines = self.sim.lines(draft)
        if not lines:
            return
        line = chosen(lines, pick)["id"]
        if how == "amount":
            change: list[Row] = [{"id": line, "amount": amount}]
            self.try_("POST", f"invoices/{draft['id']}/update_lines", lines=change)
        else:
            change = [{"id": line, "behavior": how}]
            self.try_("POST", f"invoices/{draft['id']}/remove_lines", lines=change)

    @precondition(lambda self: self.invoices("draft"))
    @rule(pick=PICK, amount=AMOUNT, currency=st.sampled_from(["usd", "eur"]))
    def add_lines(self, pick: int, amount: int, currency: str) -> None:
        draft = chosen(self.invoices("draft"), pick)
        price = {"currency": currency, "product": "seat", "unit_amount": abs(amount)}
        lines: list[Row] = [{"amount": amount}, {"price_data": price, "quantity": 2}]
        self.try_("POST", f"invoices/{draft['id']}/add_lines", lines=lines)

    @precondition(lambda self: self.invoices("draft"))
    @rule(pick=PICK, times=st.integers(1, 2))
    def remove_lines(self, pick: int, times: int) -> None:
        draft = chosen(self.invoices("draft"), pick)
        lines = self.sim.lines(draft)
        if lines:
            change = [{"id": chosen(lines, pick)["id"], "behavior": "delete"}] * times
            self.try_("POST", f"invoices/{draft['id']}/remove_lines", lines=change)

    @precondition(lambda self: self.invoices("open", "paid"))
    @rule(
        pick=PICK,
        how=st.sampled_from(["amount", "quantity", "custom", "rest"]),
        part=PART,
        place=st.sampled_from(["credit_amount", "refund_amount", "out_of_band_amount"]),
    )
    def credit(self, pick: int, how: str, part: str, place: str) -> None:
        invoice = chosen(self.invoices("open", "paid"), pick)
        lines = self.sim.lines(invoice)
        params: Row = {"invoice": invoice["id"]}
        if how == "rest":
            params["amount"] = max(0, invoice["total"] - self.credited(invoice))
        elif how == "custom":
            entry: Row = {"type": "custom_line_item", "description": "C", "quantity": 1}
            left = max(0, invoice["total"] - self.credited(invoice))
            entry |= {"unit_amount": cut(left, part)}
            params["lines"] = [entry]
        elif lines:
            line = chosen(lines, pick)
            entry = {"type": "invoice_line_item", "invoice_line_item": line["id"]}
            entry[how] = (
                max(1, cut(self.left_of(line, how), part))
                if how == "quantity"
                else cut(self.left_of(line, how), part)
            )
            params["lines"] = [entry]
        else:
            return
        try:
            shown = self.sim.get("credit_notes/preview", **params)
        except Refused as refused:
            if "must equal" not in refused.error["message"]:
                return
            # Stripe says what has to be placed only in words, so the note is computed here.
            post = self.expected_total(invoice, params) - invoice["amount_remaining"]
            params[place] = post
        else:
            assert shown["total"] <= invoice["amount_remaining"]
        made = self.try_("POST", "credit_notes", **params)
        if made is not None:
            assert made["total"] == made["pre_payment_amount"] + made["post_payment_amount"]

    def expected_total(self, invoice: Row, params: Row) -> int:
        """The total a credit note will have, or one that is off by a rounding and then refused."""
        if "amount" in params:
            return int(params["amount"])
        entry = params["lines"][0]
        if "unit_amount" in entry:
            return int(entry["unit_amount"])
        line = next(
            one for one in self.sim.lines(invoice) if one["id"] == entry["invoice_line_item"]
        )
        net = entry.get("amount", 0)
        if "quantity" in entry:
            unit = Decimal(line["pricing"]["unit_amount_decimal"])
            net = int((unit * entry["quantity"]).quantize(Decimal(1), rounding=ROUND_HALF_UP))
        rates = [PERCENT] if line["taxes"] else []
        tax = sum(
            (Decimal(net) * rate / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
            for rate in rates
        )
        return int(net + tax)

    def left_of(self, line: Row, how: str) -> int:
        """What of a line no note has credited yet."""
        taken = sum(
            row[how] or 0
            for note in self.sim.rows("credit_note")
            if note["status"] == "issued"
            for row in self.sim.state.secret(note["id"])["lines"]
            if row["invoice_line_item"] == line["id"]
        )
        return int(line[how] - taken)

    def credited(self, invoice: Row) -> int:
        return sum(
            note["total"]
            for note in self.sim.rows("credit_note")
            if note["invoice"] == invoice["id"] and note["status"] == "issued"
        )

    @precondition(lambda self: self.sim.rows("credit_note"))
    @rule(pick=PICK)
    def void_a_note(self, pick: int) -> None:
        note = chosen(self.sim.rows("credit_note"), pick)
        self.try_("POST", f"credit_notes/{note['id']}/void")

    @precondition(lambda self: self.sim.rows("charge"))
    @rule(pick=PICK, part=PART)
    def refund(self, pick: int, part: str) -> None:
        charge = chosen(self.sim.rows("charge"), pick)
        amount = max(1, cut(charge["amount"] - charge["amount_refunded"], part))
        self.try_("POST", "refunds", charge=charge["id"], amount=amount)

    @rule(pick=PICK, amount=st.integers(-2000, 2000))
    def adjust(self, pick: int, amount: int) -> None:
        customer = chosen(self.sim.rows("customer"), pick)["id"]
        path = f"customers/{customer}/balance_transactions"
        self.sim.post(path, amount=amount, currency="usd")

    @rule(hours=st.sampled_from([1, 24, 72, 24 * 31]))
    def wait(self, hours: int) -> None:
        self.sim.advance(timedelta(hours=hours))


TestSettlement = Settlement.TestCase
TestSettlement.settings = settings(
    max_examples=40,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
    # Shrinking forty calls takes minutes; add it while a failure is being looked into.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
