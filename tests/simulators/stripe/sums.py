"""What must hold of invoices, credits, refunds, numbers and balances after every call.

Each sum is computed from its parts by a path of its own, never by the simulator's.
"""

from __future__ import annotations

from collections import defaultdict

from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.simulators.stripe.machine import Machine, Row


class Sums(RuleBasedStateMachine):
    """The invariants; the rules are added by whoever drives `sim`."""

    sim: Machine

    @invariant()
    def lines_and_taxes_make_the_total(self) -> None:
        for invoice in self.sim.rows("invoice"):
            lines = self.sim.lines(invoice)
            taxes = [
                tax["amount"]
                for line in lines
                for tax in line["taxes"]
                if tax["tax_behavior"] == "exclusive"
            ]
            off = [part["amount"] for line in lines for part in line["discount_amounts"]]
            amounts = sum(line["amount"] for line in lines)
            assert invoice["total"] == amounts - sum(off) + sum(taxes)

    @invariant()
    def paid_and_remaining_make_the_due(self) -> None:
        paid: dict[str, int] = defaultdict(int)
        for payment in self.sim.rows("invoice_payment"):
            if payment["status"] == "paid":
                paid[payment["invoice"]] += payment["amount_paid"]
        for invoice in self.sim.rows("invoice"):
            assert invoice["amount_paid"] + invoice["amount_remaining"] == invoice["amount_due"]
            assert invoice["amount_remaining"] >= 0
            off_stripe = invoice["amount_paid_off_stripe"]
            assert paid[invoice["id"]] + off_stripe == invoice["amount_paid"]
            if invoice["status"] == "paid":
                assert invoice["amount_remaining"] == 0
                assert invoice["auto_advance"] is False
            if invoice["status"] == "open":
                assert invoice["amount_remaining"] > 0

    @invariant()
    def the_due_is_the_total_with_the_balance_less_the_credits(self) -> None:
        moved: dict[str, int] = defaultdict(int)
        given_back: dict[str, int] = defaultdict(int)
        for row in self.sim.rows("customer_balance_transaction"):
            if row["type"] in ("applied_to_invoice", "invoice_too_small"):
                moved[row["invoice"]] += row["amount"]
            elif row["type"] == "unapplied_from_invoice":
                given_back[row["invoice"]] += row["amount"]
        for invoice in self.sim.rows("invoice"):
            if invoice["status"] == "draft":
                continue
            credits = invoice["pre_payment_credit_notes_amount"]
            assert invoice["amount_due"] == invoice["total"] - moved[invoice["id"]] - credits
            ending = invoice["starting_balance"] + moved[invoice["id"]]
            assert invoice["ending_balance"] == ending
            if invoice["status"] == "void":
                assert moved[invoice["id"]] + given_back[invoice["id"]] == 0

    @invariant()
    def credits_never_exceed_what_was_invoiced(self) -> None:
        for invoice in self.sim.rows("invoice"):
            notes = [
                note
                for note in self.sim.rows("credit_note")
                if note["invoice"] == invoice["id"] and note["status"] == "issued"
            ]
            assert sum(note["total"] for note in notes) <= max(0, invoice["total"])
            for part in ("pre_payment", "post_payment"):
                summed = sum(note[f"{part}_amount"] for note in notes)
                assert summed == invoice[f"{part}_credit_notes_amount"]
            by_line: dict[str, int] = defaultdict(int)
            for note in notes:
                for line in self.sim.state.secret(note["id"])["lines"]:
                    by_line[line["invoice_line_item"]] += line["amount"]
            for line in self.sim.lines(invoice):
                assert abs(by_line[line["id"]]) <= abs(line["amount"])
                assert by_line[line["id"]] * line["amount"] >= 0

    @invariant()
    def refunds_never_exceed_what_was_paid(self) -> None:
        given: dict[str, int] = defaultdict(int)
        for refund in self.sim.rows("refund"):
            given[refund["charge"]] += refund["amount"]
        for charge in self.sim.rows("charge"):
            assert charge["amount_refunded"] == given[charge["id"]]
            assert given[charge["id"]] <= (charge["amount"] if charge["paid"] else 0)

    @invariant()
    def numbers_have_no_gaps(self) -> None:
        counted: dict[str, list[int]] = defaultdict(list)
        for invoice in self.sim.rows("invoice"):
            assert (invoice["number"] is None) == (invoice["status"] == "draft")
            if invoice["number"] is not None:
                prefix, _, count = invoice["number"].rpartition("-")
                counted[prefix].append(int(count))
        for numbers in counted.values():
            assert sorted(numbers) == list(range(1, len(numbers) + 1))

    @invariant()
    def a_balance_is_the_sum_of_its_transactions(self) -> None:
        rows: dict[str, list[Row]] = defaultdict(list)
        for row in self.sim.rows("customer_balance_transaction"):
            rows[row["customer"]].append(row)
        for customer in self.sim.rows("customer"):
            running = 0
            for row in rows[customer["id"]]:
                running += row["amount"]
                assert row["ending_balance"] == running
            assert customer["balance"] == running

    @invariant()
    def an_open_invoice_asks_for_what_remains(self) -> None:
        for payment in self.sim.rows("invoice_payment"):
            if payment["is_default"] and payment["status"] == "open":
                invoice = self.sim.state.of("invoice")[payment["invoice"]]
                intent = self.sim.state.of("payment_intent")[payment["payment"]["payment_intent"]]
                assert payment["amount_requested"] == invoice["amount_remaining"]
                assert intent["amount"] == invoice["amount_remaining"]
