"""Derived values of opportunities and their lines."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.rules.price_books import place_line, refuse_change_of_book
from dealthread.simulators.salesforce.rules.save import (
    Rules,
    Save,
    decimal_or_none,
    decimal_or_zero,
    integrity,
)
from dealthread.simulators.salesforce.rules.stages import STAGES
from dealthread.simulators.salesforce.schema.model import Row, Value
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import cents


class OpportunityRules(Rules):
    """Stage → won, closed, probability; with lines the amount is theirs and fields are fixed."""

    def before_save(self, save: Save) -> None:
        """Derive; refuse another price book or currency while there are lines."""
        row, old = save.row, save.old
        self._follow_stage(save)
        if old is not None and old["HasOpportunityLineItem"]:
            # Object reference, Opportunity.Amount: with products, an update of it is ignored.
            row["Amount"] = old["Amount"]
            refuse_change_of_book(save, "products")
        row["ExpectedRevenue"] = expected_revenue(row)

    @staticmethod
    def _follow_stage(save: Save) -> None:
        row, old = save.row, save.old
        stage = STAGES.get(str(row.get("StageName")))
        if stage is None:
            return
        row["IsWon"], row["IsClosed"] = stage.is_won, stage.is_closed
        if save.is_changed("StageName"):
            row["LastStageChangeDate"] = save.now
            is_set_by_hand = row.get("Probability") != (old or {}).get("Probability")
            if not is_set_by_hand:
                row["Probability"] = stage.probability


class OpportunityLineRules(Rules):
    """Product, list price and currency from the price book entry; total = price × quantity."""

    def before_save(self, save: Save) -> None:
        """Derive."""
        row = save.row
        if save.is_new:
            opportunity = save.store.live("Opportunity", row.get("OpportunityId"))
            if opportunity is not None:
                entry = place_line(save, "Opportunity", opportunity, takes_book=True)
                if entry is not None:
                    row["ProductCode"] = entry["ProductCode"]
                    row["Name"] = f"{opportunity['Name']} {entry['Name']}"
        quantity = decimal_or_none(row.get("Quantity"))
        price = decimal_or_none(row.get("UnitPrice"))
        if quantity is None or price is None:
            return  # the missing field is reported by the check of required fields
        if quantity == 0:
            raise integrity("Quantity must not be zero", "Quantity")
        # Object reference, "OpportunityLineItem.Discount": a percentage off the total.
        discount = decimal_or_zero(row.get("Discount"))
        row["TotalPrice"] = cents(quantity * price * (100 - discount) / 100)

    def after_save(self, save: Save) -> None:
        """Roll up."""
        roll_up_opportunity(save.store, str(save.row["OpportunityId"]), save.now)

    def after_delete(self, save: Save) -> None:
        """Roll up."""
        roll_up_opportunity(save.store, str(save.row["OpportunityId"]), save.now)


def roll_up_opportunity(store: Store, opportunity_id: str, now: str) -> None:
    """Amount and HasOpportunityLineItem after a change of the lines."""
    opportunity = store.live("Opportunity", opportunity_id)
    if opportunity is None:
        return
    lines = store.live_lookup("OpportunityLineItem", "OpportunityId", opportunity_id)
    changed: Row = {**opportunity, "HasOpportunityLineItem": bool(lines)}
    if lines:
        totals = [decimal_or_zero(line["TotalPrice"]) for line in lines]
        changed["Amount"] = sum(totals, Decimal("0.00"))
    changed["ExpectedRevenue"] = expected_revenue(changed)
    changed["SystemModstamp"] = changed["LastModifiedDate"] = now
    store.put("Opportunity", changed)


def expected_revenue(row: Row) -> Value:
    """Amount × probability (Object reference, Opportunity.ExpectedRevenue)."""
    amount, chance = decimal_or_none(row.get("Amount")), decimal_or_none(row.get("Probability"))
    return None if amount is None or chance is None else cents(amount * chance / 100)
