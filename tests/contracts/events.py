"""`python -m tests.contracts.events` writes docs/events: a schema with an example for each type,
the index, and the lock beside this file. After a change that only added.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dealthread.domain.event_data.catalogue import CATALOGUE
from dealthread.domain.events import BusinessEvent, EventType

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "events"
LOCK = Path(__file__).with_name("events.lock.json")
DIALECT = "https://json-schema.org/draft/2020-12/schema"

Shapes = dict[str, dict[str, str]]

# A value of the right sort for each field's name; the rest follows from the type.
_SAMPLES: dict[str, Any] = {
    "contract_key": "C-ABCDEFGHIJKLM",
    "customer_key": "A-1001",
    "seller": "DE01",
    "region": "emea",
    "currency": "EUR",
    "ledger_currency": "EUR",
    "period": "2026-03",
    "document_key": "DTABCDEFGHIJKLMN",
    "reversal_key": "DTNMLKJIHGFEDCBA",
    "billing_account": "acct_de",
    "change_id": "amendment:C-ABCDEFGHIJKLM:a0B000000000001AAA",
    "org": "00D000000000001EAA",
    "deal_id": "006000000000001AAA",
    "state": "active",
    "status": "active",
    "case_id": "CASE-0123456789AB",
    "queue": "deal-desk",
    "invoice": "DE-2026-0001",
    "invoice_number": "DE-2026-0001",
    "invoice_numbers": ["DE-2026-0001"],
    "corrects_invoice": "DE-2026-0001",
    "credit_memo_number": "DE-CM-2026-0001",
    "credit_memos": [],
    "quantities": {"L-1@2026-01-01": "50"},
    "changed_fields": ["bill_to_address"],
    "outcome": "paid",
    "reason": "term over",
    "change": "suspended",
    "notice": "final_notice",
    "hold_id": "collections:acct_de:in_1001#1",
    "code": "card_declined",
    "system": "billing",
    "signal": "usage_down",
    "source": "customer-success",
    "milestone": "service_accepted:L-1",
    "line_key": "L-1",
    "template": "seats",
    "kind": "deal.approval",
    "meter": "api_calls",
    "previous_status": "suspended",
    "subscription": "sub_1001",
    "booking": "DT7K2M4Q6S8U0W2Y",
    "document": "DT7K2M4Q6S8U0W2Y",
    "entitlement": "ent_0123456789abcdef",
    "payment_id": "pi_1001",
    "payout_id": "po_1001",
    "dispute_id": "du_1001",
    "evidence_due_at": "2026-03-30T23:59:59Z",
    "invoice_id": "in_1001",
    "credit_memo_id": "cn_1001",
    "incident": "OUT-0123456789AB",
    "opened_at": "2026-03-16T09:00:00Z",
    "closed_at": "2026-03-16T10:00:00Z",
    "vendor": "tryton",
    "account": "1",
    "evidence": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "ledger_period": "erp:tryton.1:period:3",
}


def schema_of(kind: EventType) -> dict[str, Any]:
    """The whole CloudEvent of a type, as subscribers receive it."""
    told = CATALOGUE[kind]
    data = told.data.model_json_schema(mode="validation", ref_template="#/$defs/{model}")
    parts = data.pop("$defs", {})
    properties: dict[str, Any] = {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "description": "also the webhook-id; the same on every repeat"},
        "source": {"const": "dealthread"},
        "type": {"const": kind.value},
        "subject": {"type": "string", "description": "the key of the contract or customer"},
        "time": {"type": "string", "format": "date-time", "description": "business time"},
        "datacontenttype": {"const": "application/json"},
        "data": _open(data),
    }
    schema = {
        "$schema": DIALECT,
        "$id": f"urn:{kind.value.replace('.', ':')}",
        "title": kind.value,
        "description": f"Told when {told.when}.",
        "x-owner": told.owner,
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "examples": [example_of(kind)],
    }
    return schema | (
        {"$defs": {name: _open(part) for name, part in parts.items()}} if parts else {}
    )


def _open(part: dict[str, Any]) -> dict[str, Any]:
    """A consumer takes fields that a later version adds."""
    return {
        key: value
        for key, value in part.items()
        if key not in ("title", "additionalProperties") or (key == "additionalProperties" and value)
    }


def example_of(kind: EventType) -> dict[str, Any]:
    """One event of the type, every field given."""
    data = CATALOGUE[kind].data
    schema = data.model_json_schema(mode="validation")
    made = data.model_validate_json(json.dumps(_sample("", schema, schema.get("$defs", {}))))
    said = made.told()
    return BusinessEvent.model_validate(
        {
            "id": "evt_ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            "type": kind,
            "subject": _subject(said),
            "time": "2026-03-01T12:30:00+00:00",
            "data": said,
        }
    ).cloud_event()


def _subject(said: dict[str, Any]) -> str:
    if "period" in said:
        return f"{said['seller']}:{said['period']}"
    return str(said.get("contract_key") or said.get("customer_key") or "C-ABCDEFGHIJKLM")


def _sample(name: str, part: dict[str, Any], parts: dict[str, Any]) -> Any:
    if name in _SAMPLES:
        return _SAMPLES[name]
    if "$ref" in part:
        part = parts[part["$ref"].rsplit("/", 1)[-1]]
    if "anyOf" in part:
        return _sample(name, part["anyOf"][0], parts)
    if "properties" in part:
        return {key: _sample(key, value, parts) for key, value in part["properties"].items()}
    match part["type"]:
        case "array":
            return [_sample("", part["items"], parts)]
        case "integer":
            return 2
        case "boolean":
            return True
    if part.get("format") == "date":
        return "2026-12-31" if name.endswith(("end_date", "_to")) else "2026-03-01"
    return "120.00" if "pattern" in part else name


def text_of(kind: EventType) -> str:
    """The committed file."""
    return json.dumps(schema_of(kind), indent=2) + "\n"


def index() -> str:
    """docs/events/README.md."""
    lines = [
        "# Events",
        "",
        "Generated from `dealthread/domain/event_data` by `python -m tests.contracts.events`; tests"
        " compare. Each type has a JSON",
        "schema (draft 2020-12) with an example. Events are CloudEvents 1.0 in JSON, sent as"
        " Standard Webhooks; `id` equals",
        "`webhook-id` and is the same on every repeat and replay (a replay has the header"
        " `dealthread-replay` besides). Take an id once,",
        "ignore fields you do not know, and order events of a subject by `time`. A field is never"
        " removed or retyped: a change of",
        "meaning is a new version of the type.",
        "",
        "Which types are told today: [interfaces](../interfaces.md#events-we-tell).",
        "",
        "| type | told when | business owner | data |",
        "|---|---|---|---|",
    ]
    for kind in sorted(CATALOGUE):
        told = CATALOGUE[kind]
        fields = ", ".join(f"`{name}`" for name in told.data.model_fields)
        lines.append(
            f"| [`{kind.value}`]({kind.value}.json) | {told.when} | {told.owner} | {fields} |"
        )
    return "\n".join(lines) + "\n"


def shapes() -> Shapes:
    """Type → field of its data (nested ones with their path) → its type and whether it is given."""
    found: Shapes = {}
    for kind in sorted(CATALOGUE):
        schema = schema_of(kind)
        found[kind.value] = dict(_fields("", schema["properties"]["data"], schema.get("$defs", {})))
    return found


def _fields(path: str, part: dict[str, Any], parts: dict[str, Any]) -> list[tuple[str, str]]:
    rows = []
    required = set(part.get("required", ()))
    for name, field in part.get("properties", {}).items():
        inner = field.get("items", field)
        plain = {k: v for k, v in field.items() if k not in ("title", "description", "default")}
        given = " required" if name in required else ""
        rows.append((path + name, json.dumps(plain, sort_keys=True) + given))
        if "$ref" in inner:
            model = parts[inner["$ref"].rsplit("/", 1)[-1]]
            rows += _fields(f"{path}{name}.", model, parts)
    return rows


def main() -> None:
    """Write everything."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for kind in CATALOGUE:
        (FOLDER / f"{kind.value}.json").write_text(text_of(kind), encoding="utf-8")
    (FOLDER / "README.md").write_text(index(), encoding="utf-8")
    LOCK.write_text(json.dumps(shapes(), indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
