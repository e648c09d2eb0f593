"""Sends a SOAP outbound message on request: one envelope with up to 100 notifications."""

from __future__ import annotations

from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealthread.simulators.salesforce.jsonio import NotJson, loads
from dealthread.simulators.salesforce.messages.soap_envelope import (
    CONTENT_TYPE,
    HEADERS,
    envelope_of,
    is_acknowledged,
    new_notification_id,
)
from dealthread.simulators.salesforce.org import Org

MAX_NOTIFICATIONS = 100
TIMEOUT_SECONDS = 60.0


def outbound_message_route(org: Org) -> Route:
    """`POST /_sim/outbound-messages {"url", "ids"[, "notification_ids"]}`."""

    async def send(request: Request) -> Response:
        try:
            body = loads(await request.body())
            url, sobject, record_ids, notification_ids = _wanted(org, body)
        except (NotJson, ValueError) as exc:
            return JSONResponse({"error": str(exc)}, status_code=400)
        pairs = list(zip(notification_ids, record_ids, strict=True))
        envelope = envelope_of(org.config.org_id, sobject, pairs)
        headers = {"content-type": CONTENT_TYPE, **HEADERS}
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
            try:
                answer = await client.post(url, content=envelope, headers=headers)
            except httpx.HTTPError as exc:
                return JSONResponse(
                    {
                        "acknowledged": False,
                        "status": None,
                        "error": f"{type(exc).__name__}: {exc}",
                        "notification_ids": notification_ids,
                    }
                )
        return JSONResponse(
            {
                "acknowledged": answer.is_success and is_acknowledged(answer.content),
                "status": answer.status_code,
                "notification_ids": notification_ids,
            }
        )

    return Route("/_sim/outbound-messages", send, methods=["POST"])


def _wanted(org: Org, body: Any) -> tuple[str, str, list[str], list[str]]:
    if not isinstance(body, dict) or set(body) - {"url", "ids", "notification_ids"}:
        raise ValueError("say url, ids and perhaps notification_ids")
    url, record_ids = body.get("url"), body.get("ids")
    if not isinstance(url, str) or not isinstance(record_ids, list) or not record_ids:
        raise ValueError("url and a list of ids are needed")
    if len(record_ids) > MAX_NOTIFICATIONS:
        raise ValueError(f"an outbound message has at most {MAX_NOTIFICATIONS} notifications")
    names: set[str] = set()
    for record_id in record_ids:
        sobject = org.store.schema.by_id(str(record_id))
        if sobject is None or org.store.live(sobject.name, record_id) is None:
            raise ValueError(f"there is no row {record_id}")
        names.add(sobject.name)
    if len(names) != 1:
        raise ValueError("an outbound message is about rows of one object")
    repeated = body.get("notification_ids")
    if repeated is None:
        repeated = [new_notification_id(org.store) for _ in record_ids]
    if not isinstance(repeated, list) or len(repeated) != len(record_ids):
        raise ValueError("notification_ids must be as many as ids")
    return url, names.pop(), record_ids, [str(one) for one in repeated]
