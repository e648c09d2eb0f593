"""Webhooks in: verify, store, answer. Nothing else happens before the answer.

401 for a bad signature and for an unknown sender alike; 413 above 1 MiB; 415 for another content
type; 400 for a verified body that cannot be read; 503 when the store is down. Never a 500.
"""

from __future__ import annotations

import hmac
import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from psycopg import Error as PsycopgError
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict, ValidationError

from dealthread.bridge import outbound_message
from dealthread.bridge.limits import LIMIT, TooLarge, is_length, read_body
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.bridge.signatures import standard_webhook_ok, stripe_ok
from dealthread.errors import BadInput
from dealthread.naming import is_salesforce_id, salesforce_id_18
from dealthread.store.inbox import InboxMessage, InboxState

_ID_LENGTH = 200
"""Longest message id that the inbox holds."""
_NOT_VERIFIED = "the signature does not verify, or the sender is not known"

router = APIRouter(tags=["webhooks"])
Held = Annotated[Resources, Depends(resources_of)]


class SalesforceHint(BaseModel):
    """The thin body of our Salesforce webhook: a hint, never data."""

    model_config = ConfigDict(extra="ignore")

    object: str
    recordId: str  # noqa: N815 - the sender's name
    trigger: str
    kind: str | None = None
    """new, amendment, renewal, win_back."""
    contractKey: str | None = None  # noqa: N815 - the sender's name
    """Of the contract that an amendment or renewal is about."""
    systemModstamp: str = ""  # noqa: N815 - the sender's name
    sequence: int = 0


def _refused_early(request: Request, media: tuple[str, ...]) -> Response | None:
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    length = request.headers.get("content-length", "0")
    if kind not in media:
        return problem(415, "content_type", field="content-type", action="send " + media[0])
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        return problem(415, "content_encoding", field="content-encoding", action="send it plain")
    if not is_length(length):
        return problem(400, "content_length", field="content-length", action="send a number")
    return None


async def _stored(held: Resources, messages: list[InboxMessage]) -> Response:
    try:
        created = await held.inbox.store(messages)
    except (PsycopgError, PoolTimeout, OSError):
        return problem(
            503, "store_unavailable", action="send it again later", retry_after_seconds=5
        )
    new = any(created)
    return JSONResponse(
        {"status": "accepted" if new else "duplicate"}, status_code=202 if new else 200
    )


@router.post("/webhooks/salesforce/{org}", summary="A record changed in Salesforce")
async def salesforce(org: str, request: Request, held: Held) -> Response:
    """Signed by Standard Webhooks. The body is a hint: the record is read back before acting."""
    early = _refused_early(request, ("application/json",))
    if early is not None:
        return early
    try:
        body = await read_body(request)
    except TooLarge:
        return problem(413, "too_large", action=f"send at most {LIMIT} bytes")
    message_id = request.headers.get("webhook-id", "")
    if not standard_webhook_ok(
        held.settings.secrets_of(f"salesforce:{org}"),
        message_id,
        request.headers.get("webhook-timestamp", ""),
        request.headers.get("webhook-signature", ""),
        body,
        held.now(),
    ):
        return problem(401, "not_verified", action=_NOT_VERIFIED)
    if not _can_be_kept(message_id):
        return problem(
            400, "message_id", field="webhook-id", action=f"send at most {_ID_LENGTH} characters"
        )
    try:
        hint = SalesforceHint.model_validate_json(body)
        if not is_salesforce_id(hint.recordId):
            raise BadInput("not_a_salesforce_id", field="recordId", action="send the record's id")
    except (ValidationError, BadInput) as error:
        # Verified, so it is kept where people see it, although it cannot be understood.
        kept = await _stored(
            held, [_message("salesforce", org, message_id, body, InboxState.REFUSED)]
        )
        return kept if kept.status_code >= 300 else _unreadable(error)
    return await _stored(held, [_message("salesforce", org, message_id, body, InboxState.NEW)])


@router.post(
    "/webhooks/salesforce/{org}/outbound-message/{token}",
    summary="A Salesforce outbound message (SOAP)",
)
async def salesforce_outbound(org: str, token: str, request: Request, held: Held) -> Response:
    """The secret token in the path and the organisation id in the body must both be right."""
    early = _refused_early(request, ("text/xml", "application/soap+xml", "application/xml"))
    if early is not None:
        return early
    try:
        body = await read_body(request)
    except TooLarge:
        return problem(413, "too_large", action=f"send at most {LIMIT} bytes")
    tokens = held.settings.secrets_of(f"salesforce-outbound:{org}")
    if not any(hmac.compare_digest(known.encode(), token.encode()) for known in tokens if known):
        return problem(401, "not_verified", action=_NOT_VERIFIED)
    try:
        message = outbound_message.parse(body)
    except BadInput as error:
        return _unreadable(error)
    if not is_salesforce_id(org) or message.org != salesforce_id_18(org):
        return problem(401, "not_verified", action=_NOT_VERIFIED)
    answer = await _stored(
        held,
        [
            InboxMessage(
                source="salesforce",
                account=org,
                message_id=item.notification_id,
                content_type="application/json",
                body=_hint(item),
            )
            for item in message.notifications
        ],
    )
    if answer.status_code >= 300:
        return answer
    return Response(outbound_message.ACKNOWLEDGED, media_type="text/xml")


@router.post("/webhooks/stripe/{billing_account}", summary="An event of a Stripe account")
async def stripe(billing_account: str, request: Request, held: Held) -> Response:
    """Signed by Stripe. Verified and held until invoice-to-cash consumes it."""
    early = _refused_early(request, ("application/json",))
    if early is not None:
        return early
    try:
        body = await read_body(request)
    except TooLarge:
        return problem(413, "too_large", action=f"send at most {LIMIT} bytes")
    secrets = held.settings.secrets_of(f"stripe:{billing_account}")
    if not stripe_ok(secrets, request.headers.get("stripe-signature", ""), body, held.now()):
        return problem(401, "not_verified", action=_NOT_VERIFIED)
    event_id = _event_id(body)
    if event_id is None:
        return problem(400, "unreadable", field="id", action="send a Stripe event with its id")
    return await _stored(
        held, [_message("stripe", billing_account, event_id, body, InboxState.HELD)]
    )


def _hint(item: outbound_message.Notification) -> bytes:
    told = {"object": "Opportunity", "recordId": item.record_id, "trigger": "won"}
    asked = {"kind": item.kind, "contractKey": item.contract_key}
    return json.dumps(told | {name: value for name, value in asked.items() if value}).encode()


def _message(
    source: str, account: str, message_id: str, body: bytes, state: InboxState
) -> InboxMessage:
    return InboxMessage(source, account, message_id, "application/json", body, state)


def _event_id(body: bytes) -> str | None:
    try:
        event: Any = json.loads(body)
    except (ValueError, RecursionError):
        return None
    found = event.get("id") if isinstance(event, dict) else None
    return found if isinstance(found, str) and _can_be_kept(found) else None


def _can_be_kept(message_id: str) -> bool:
    """Whether the inbox can hold an id as it is; a shortened one would pass for another."""
    return 0 < len(message_id) <= _ID_LENGTH and message_id.isprintable()


def _unreadable(error: ValidationError | BadInput) -> Response:
    if isinstance(error, BadInput):
        return problem(400, error.code, field=error.field, action=error.action)
    first = error.errors(include_url=False, include_input=False)[0]
    return problem(
        400,
        "unreadable",
        field=".".join(str(part) for part in first["loc"]) or "body",
        action=first["msg"],
    )
