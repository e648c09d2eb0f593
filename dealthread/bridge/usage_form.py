"""Usage events as they arrive: CloudEvents 1.0 in JSON, one or a batch (content modes of
github.com/cloudevents/spec, cloudevents/formats/json-format.md)."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from dealthread.domain.usage.event import EVENT_TYPE, MOST_UNITS, Refusal, SentUsage
from dealthread.errors import BadInput

ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"
MOST_EVENTS = 2_000
"""Of one batch; the body may have a mebibyte."""
_LONGEST = 200
_CONTRACT = re.compile(r"C-[A-Z2-7]{13}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DECIMAL = re.compile(r"\d{1,13}(\.\d{1,12})?", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,59}", re.ASCII)
_DATA = frozenset({"meter", "quantity", "unit", "line"})


def read_body(body: bytes, media_type: str) -> list[Any]:
    """The events of a body, not looked at yet. Raises BadInput for a body that holds none."""
    kind = media_type.partition(";")[0].strip().lower()
    if kind not in (ONE, MANY):
        raise BadInput(
            "media_type_unknown", field="content-type", action=f"send {ONE}, or {MANY} for several"
        )
    try:
        # Numbers are read as they are written: no binary fraction comes between.
        given = json.loads(body, parse_float=Decimal, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise BadInput("not_json", field="body", action="send JSON in UTF-8") from None
    if kind == ONE:
        return [given]
    if not isinstance(given, list):
        raise BadInput("not_a_batch", field="body", action=f"{MANY} is a JSON array of events")
    if len(given) > MOST_EVENTS:
        raise BadInput(
            "batch_too_long", field="body", action=f"send at most {MOST_EVENTS} events at a time"
        )
    return given


def _refused(name: str) -> None:
    raise ValueError(name)


def read_event(given: Any) -> SentUsage | Refusal:
    """One event, well formed; attributes that we do not know are allowed and ignored."""
    if not isinstance(given, dict):
        return Refusal("not_an_event", "", "an event is a JSON object (CloudEvents 1.0)")
    if given.get("specversion") != "1.0":
        return Refusal("specversion_unknown", "specversion", 'send "1.0"')
    for name in ("id", "source"):
        value = given.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or not _storable(value):
            return Refusal(
                "required", name, f"text of 1 to {_LONGEST} characters; with source, id is unique"
            )
    if given.get("type") != EVENT_TYPE:
        return Refusal("type_unknown", "type", f"send {EVENT_TYPE}")
    subject = given.get("subject")
    if not isinstance(subject, str) or not _CONTRACT.fullmatch(subject):
        return Refusal("contract_key_needed", "subject", "the key of the contract, C-…")
    occurred_at = _instant(given.get("time"))
    if occurred_at is None:
        return Refusal("time_needed", "time", "when it was used, with a zone: 2026-04-30T23:59:59Z")
    if given.get("datacontenttype", "application/json") != "application/json":
        return Refusal("data_not_json", "datacontenttype", "send application/json, or leave it out")
    return _data(given, subject, occurred_at)


def _data(given: dict[str, Any], subject: str, occurred_at: datetime) -> SentUsage | Refusal:
    data = given.get("data")
    if not isinstance(data, dict):
        return Refusal("data_needed", "data", '{"meter": …, "quantity": "12"}')
    for name in data:
        if name not in _DATA:
            shown = name if _NAME.fullmatch(name) else "?"
            return Refusal("field_unknown", f"data.{shown}", f"known: {', '.join(sorted(_DATA))}")
    for name in ("meter", "unit", "line"):
        value = data.get(name, "")
        if not isinstance(value, str) or len(value) > 60 or not _storable(value):
            return Refusal("text_needed", f"data.{name}", "text of at most 60 characters")
    if not data.get("meter"):
        return Refusal("required", "data.meter", "the name of the meter that counted it")
    quantity = _quantity(data.get("quantity"))
    if quantity is None or quantity > MOST_UNITS:
        return Refusal(
            "quantity_needed",
            "data.quantity",
            f'a number from 0 to {MOST_UNITS:f}, best as text: "12.5"',
        )
    return SentUsage(
        source=given["source"],
        event_id=given["id"],
        contract_key=subject,
        occurred_at=occurred_at,
        meter=data["meter"],
        quantity=quantity,
        unit=data.get("unit", ""),
        line_key=data.get("line", ""),
    )


def _storable(text: str) -> bool:
    return text.isprintable() and text == text.strip()


def _instant(given: Any) -> datetime | None:
    if not isinstance(given, str) or not _TIME.fullmatch(given):
        return None
    try:
        return datetime.fromisoformat(given.upper())
    except ValueError:
        return None


def _quantity(given: Any) -> Decimal | None:
    """Exact, never negative: text, or a JSON number that was read as it was written."""
    if isinstance(given, bool) or not isinstance(given, str | int | Decimal):
        return None
    text = given if isinstance(given, str) else f"{given:f}" if isinstance(given, Decimal) else None
    if text is None:
        return Decimal(given) if 0 <= given <= MOST_UNITS else None  # type: ignore[operator]
    if not _DECIMAL.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
