"""Derived values of opportunities and their lines."""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.schema import Row, Value
from dealthread.simulators.salesforce.stages import STAGES
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import cents


def complete_opportunity(store: Store, row: Row, old: Row | None, now: str) -> None:
    """Stage → won, closed, probability; with lines the amount is theirs and fields are fixed."""
    stage = STAGES.get(str(row.get("StageName")))
    if stage is not None:
        row["IsWon"], row["IsClosed"] = stage.is_won, stage.is_closed
        is_new_stage = old is None or old["StageName"] != row["StageName"]
        if is_new_stage:
            row["LastStageChangeDate"] = now
            is_set_by_hand = row.get("Probability") != (old or {}).get("Probability")
            if not is_set_by_hand:
                row["Probability"] = stage.probability
    if old is None:
        return
    if old["HasOpportunityLineItem"]:
        # Object reference, Opportunity.Amount: with products, an update of it is ignored.
        row["Amount"] = old["Amount"]
        for name in ("Pricebook2Id", "CurrencyIsoCode"):
            if row[name] != old[name]:
                raise _integrity(f"{name} cannot be changed while there are products", name)
    lines = store.live_lookup("OpportunityLineItem", "OpportunityId", row["Id"])
    if not lines and old["HasOpportunityLineItem"]:
        row["HasOpportunityLineItem"] = False


def complete_line(store: Store, row: Row, old: Row | None, now: str) -> None:
    """Product, list price and currency from the price book entry; total = price × quantity."""
    if old is None:
        _place_in_price_book(store, row, now)
    quantity, price = _decimal(row.get("Quantity")), _decimal(row.get("UnitPrice"))
    if quantity is None or price is None:
        return  # the missing field is reported by the check of required fields
    if quantity == 0:
        raise _integrity("Quantity must not be zero", "Quantity")
    row["TotalPrice"] = cents(quantity * price)


def roll_up_opportunity(store: Store, opportunity_id: str, now: str) -> None:
    """Amount and HasOpportunityLineItem after a change of the lines."""
    opportunity = store.live("Opportunity", opportunity_id)
    if opportunity is None:
        return
    lines = store.live_lookup("OpportunityLineItem", "OpportunityId", opportunity_id)
    changed: Row = {**opportunity, "HasOpportunityLineItem": bool(lines)}
    if lines:
        totals = [_decimal(line["TotalPrice"]) or Decimal(0) for line in lines]
        changed["Amount"] = sum(totals, Decimal("0.00"))
    changed["SystemModstamp"] = changed["LastModifiedDate"] = now
    store.put("Opportunity", changed)


def _place_in_price_book(store: Store, row: Row, now: str) -> None:
    opportunity = store.live("Opportunity", row.get("OpportunityId"))
    entry = store.live("PricebookEntry", row.get("PricebookEntryId"))
    if opportunity is None or entry is None:
        return  # reported by the check of references
    if not entry["IsActive"]:
        raise _integrity(
            "field integrity exception: pricebook entry is inactive", "PricebookEntryId"
        )
    if opportunity["Pricebook2Id"] is None:
        changed: Row = {**opportunity, "Pricebook2Id": entry["Pricebook2Id"]}
        changed["SystemModstamp"] = now
        store.put("Opportunity", changed)
    elif opportunity["Pricebook2Id"] != entry["Pricebook2Id"]:
        raise _integrity(
            "field integrity exception: PricebookEntryId (pricebook entry is in a different"
            " pricebook than the one assigned to the opportunity)",
            "PricebookEntryId",
        )
    if opportunity["CurrencyIsoCode"] != entry["CurrencyIsoCode"]:
        raise _integrity(
            "field integrity exception: PricebookEntryId (pricebook entry currency does not match"
            " the opportunity currency)",
            "PricebookEntryId",
        )
    row["Product2Id"] = entry["Product2Id"]
    row["ProductCode"] = entry["ProductCode"]
    row["ListPrice"] = entry["UnitPrice"]
    row["CurrencyIsoCode"] = opportunity["CurrencyIsoCode"]
    row["Name"] = f"{opportunity['Name']} {entry['Name']}"


def _decimal(value: Value) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _integrity(message: str, field: str) -> SalesforceError:
    return SalesforceError("FIELD_INTEGRITY_EXCEPTION", message, fields=[field])
