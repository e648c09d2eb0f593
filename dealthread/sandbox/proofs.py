"""What the scenes prove, read back from every system by its own interface."""

from __future__ import annotations

from collections import Counter

from dealthread.sandbox.narration import amount_text
from dealthread.sandbox.process import Json
from dealthread.sandbox.selling import Entered
from dealthread.sandbox.stage import Stage

_TOLD = ("message.received", "case.opened", "case.decided", "write.done", "event.published")
"""Moments of a trace that tell the story; the others are for whoever looks for a fault."""
_NO_ACCESS = ("none", "revoked")


def nothing_left(stage: Stage, entered: Entered) -> None:
    """Only customer records may be left, and they may be used again."""
    agreements = [row for row in stage.billing.of(entered.contract_key) if row.is_live]
    stage.check(not agreements, f"subscriptions at the biller: {len(agreements)}")
    sales = stage.tryton.sales(
        [["party.code", "=", entered.customer_key], ["state", "!=", "cancelled"]]
    )
    stage.check(not sales, f"orders in Tryton that count: {len(sales)}")
    access = _access(stage, entered)
    stage.check(access in _NO_ACCESS, f"entitlement: {access}")
    left = len(stage.billing.customers(entered.customer_key))
    parties = len(stage.tryton.parties(entered.customer_key))
    stage.say.seen(
        f"customer records that may be used again: {left} at the biller, {parties} in Tryton"
    )


def billed_and_entitled(stage: Stage, entered: Entered) -> None:
    agreements = [row for row in stage.billing.of(entered.contract_key) if row.is_live]
    invoice = stage.billing.first_invoice(agreements[0]) if agreements else None
    if invoice is None:
        stage.check(False, f"billed: no invoice, {len(agreements)} subscriptions")
    else:
        total = amount_text(invoice.total, invoice.currency)
        stage.check(
            invoice.status in ("open", "paid"),
            f"still billed: invoice {invoice.number} over {total} is {invoice.status}",
        )
    access = _access(stage, entered)
    stage.check(access not in _NO_ACCESS, f"entitlement: still {access}")


def _access(stage: Stage, entered: Entered) -> str:
    """State of the entitlement at its own service."""
    held = stage.entitlements.of(entered.contract_key)
    return str(held["state"]) if held else _NO_ACCESS[0]


def journal_of(stage: Stage, entered: Entered) -> dict[str, Json]:
    """Journal rows by key, as they are now."""
    business_key = stage.rest(entered).business_key
    return {row["key"]: row for row in stage.operator.writes(business_key)}


def nothing_twice(stage: Stage, entered: Entered, before: dict[str, Json]) -> None:
    """The journal after the correction: what was done before was not done again."""
    business_key = stage.rest(entered).business_key
    after = stage.operator.writes(business_key)
    stage.say.typed(f"dealthread trace {entered.deal_id}")
    stage.say.rows(
        ("step", "system", "state", "sent"),
        [(row["step"], row["system"], row["state"], row["attempts"]) for row in after],
    )
    repeated = [
        row["step"]
        for row in after
        if row["key"] in before
        and row["step"] != "erp.confirm"
        and row["attempts"] != before[row["key"]]["attempts"]
    ]
    stage.check(
        not repeated, f"done before the correction and sent again: {', '.join(repeated) or 'none'}"
    )
    counts = Counter(row["step"] for row in after)
    twice = sorted(step for step, count in counts.items() if count > 1)
    stage.check(not twice, f"steps that stand twice in the journal: {', '.join(twice) or 'none'}")
    agreements = stage.billing.of(entered.contract_key)
    sales = stage.tryton.sales([["party.code", "=", entered.customer_key]])
    stage.check(
        len(agreements) == 1 and len(sales) == 1,
        f"subscriptions: {len(agreements)}, orders: {len(sales)}",
    )


def show_thread(stage: Stage, entered: Entered) -> None:
    """Deal → booking → subscription → entitlement → contract, with times and native ids."""
    stage.say.typed(f"dealthread trace {entered.deal_id}")
    for row in stage.operator.trace(entered.deal_id):
        if row["what"] in _TOLD:
            ids = " ".join(dict.fromkeys(str(one) for one in row["native_ids"]))
            step = str(row["detail"]).partition(" ")[0]
            stage.say.seen(
                f"  {str(row['at'])[11:23]}  {row['what']:<17} {step:<22} {ids}".rstrip()
            )
