"""A contract and a preview in words and tables."""

from __future__ import annotations

from typing import Any

from dealthread.cli import output
from dealthread.cli.output import money


def show(view: dict[str, Any]) -> None:
    """State and term, lines over time, versions, what waits and what ended, revenue by month."""
    term, sums = view["term"], view["money"]
    output.facts(
        [
            ("contract", f"{view['contract_key']}, {view['state']}, version {view['version']}"),
            ("customer", view["customer_key"]),
            ("seller", view["seller"]),
            ("group", view["group"]),
            ("term", _term(term)),
            ("after it", _renewal(term)),
            ("billed", f"{view['billing_frequency']} in {view['billing_timing']}"),
            ("payment terms", view["payment_terms"]),
            ("value", f"{money(sums['tcv'])} net over the committed term"),
            ("a year", money(sums["arr"])),
            *(("in collections", _pursued(one)) for one in view.get("collections", [])),
        ]
    )
    output.say()
    output.table(
        ("line", "product", "quantity", "unit price", "from", "to before", "committed"),
        (
            (
                line["line_key"],
                line["product_code"],
                line["quantity"],
                f"{line['unit_price']['amount']} {line['unit_price']['currency']}",
                line["start_date"],
                line["end_date"] or "",
                money(line["committed_net"]),
            )
            for line in view["lines"]
        ),
        empty="no line",
    )
    output.say()
    output.table(
        ("version", "effective", "agreed", "value", "change", "reason"),
        (
            (
                one["number"],
                one["effective_from"],
                one["accepted_on"],
                money(one["tcv"]),
                one["change_id"],
                one["reason"],
            )
            for one in view["versions"]
        ),
        empty="no accepted version yet",
    )
    output.say()
    output.table(
        ("waiting change", "kind", "stage", "asked by", "asked (UTC)"),
        (
            (
                one["change_id"],
                one["kind"],
                "held for its day" if one["held"] else one["stage"],
                one["requested_by"],
                output.instant(one["created_at"]),
            )
            for one in view["changes"]
        ),
        empty="no change waits",
    )
    output.say()
    output.table(
        ("ended change", "run", "kind", "outcome", "asked by", "ended (UTC)"),
        (
            (
                one["change_id"],
                one["generation"],
                one["kind"],
                one["outcome"],
                one["requested_by"],
                output.instant(one["ended_at"]),
            )
            for one in view["ended"]
        ),
        empty="no change has ended",
    )
    output.say()
    output.table(
        ("month", "revenue"),
        ((one["month"][:7], money(one["amount"])) for one in sums["revenue"]),
        empty="no revenue is scheduled",
    )


def preview(found: dict[str, Any]) -> None:
    """What a change would do; why not, where it would be refused."""
    output.say("It would be accepted." if found["accepted"] else "It would be refused.")
    for reason in found["reasons"]:
        output.say(f"  {reason['field']}: {reason['message']} [{reason['value']}]")
    for approval in found["approvals"]:
        output.say(f"  needs approval: {approval}")
    output.facts(
        [
            ("effective", found["effective_from"]),
            ("carried out on", found["held_until"]),
            ("value before", money(found["tcv_before"])),
            ("value after", money(found["tcv_after"])),
            ("ends before", found["end_date_after"]),
            ("next year", money(found["renewal_price"])),
        ]
    )
    output.table(
        ("line", "from", "to before", "net", "tax"),
        (
            (
                row["line_key"],
                row["start_date"],
                row["end_date"],
                money(row["net"]),
                money(row["tax"]),
            )
            for row in found["amounts"]
        ),
        empty="nothing is charged or credited now",
    )
    documents = [("invoice", found["invoice"])] if found["invoice"] else []
    for name, one in [*documents, *(("credit memo", memo) for memo in found["credit_memos"])]:
        output.say(
            f"{name}: net {money(one['net'])}, tax {money(one['tax'])}, gross {money(one['gross'])}"
        )


def _pursued(one: dict[str, Any]) -> str:
    suspended = ", service suspended" if one["suspended"] else ""
    state = str(one["state"]).replace("_", " ")
    return f"{one['invoice_number']}, {money(one['amount_due'])}, {state}{suspended}"


def _term(term: dict[str, Any]) -> str:
    length = f"{term['months']} months" if term["months"] else "open"
    until = f"to before {term['end_date']}" if term["end_date"] else "without end"
    return f"{term['start_date']} {until} ({length}), term {term['number']}"


def _renewal(term: dict[str, Any]) -> str:
    terms = term["renewal"]
    if terms is None:
        return "renews" if term["auto_renew"] else "ends"
    said = {"auto": "renews unless refused", "manual": "ends unless renewed", "none": "ends"}
    notice = f", {terms['notice_days']} days' notice" if terms["notice_days"] else ""
    return said.get(str(terms["kind"]), str(terms["kind"])) + notice
