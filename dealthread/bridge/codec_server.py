"""Clear text for the Temporal UI: decodes payloads for pages of allowed origins only.

The token in the path is what the operator's UI is given; without it, or from another origin,
there is no answer.
"""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads

from dealthread.bridge.limits import TooLarge, read_body
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.codec import CodecKeyMissing

router = APIRouter(include_in_schema=False)
Held = Annotated[Resources, Depends(resources_of)]
LIMIT = 8 * 1024 * 1024


def _cors(request: Request, held: Resources) -> dict[str, str] | None:
    origin = request.headers.get("origin", "")
    if origin not in held.settings.codec_origins:
        return None
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": "POST",
        "Access-Control-Allow-Headers": "content-type,x-namespace,authorization",
        "Access-Control-Max-Age": "600",
        "Vary": "Origin",
    }


def _token_ok(token: str, held: Resources) -> bool:
    known = held.settings.codec_token.get_secret_value()
    return bool(known) and hmac.compare_digest(known.encode(), token.encode())


@router.options("/codec/{token}/decode")
async def preflight(token: str, request: Request, held: Held) -> Response:
    """The browser asks first."""
    headers = _cors(request, held)
    if headers is None or not _token_ok(token, held):
        return problem(403, "not_allowed")
    return Response(status_code=204, headers=headers)


@router.post("/codec/{token}/decode")
async def decode(token: str, request: Request, held: Held) -> Response:
    """Payloads in, clear payloads out (Temporal's remote codec protocol)."""
    headers = _cors(request, held)
    if headers is None or not _token_ok(token, held):
        return problem(403, "not_allowed")
    try:
        body = await read_body(request, LIMIT)
        payloads = json_format.Parse(body, Payloads())
        clear = Payloads(payloads=held.settings.codec().decode_now(payloads.payloads))
    except TooLarge:
        answer: Response = problem(413, "too_large")
    except (json_format.ParseError, UnicodeDecodeError):
        answer = problem(400, "not_payloads", field="body", action="send Temporal Payloads as JSON")
    except CodecKeyMissing:
        answer = problem(400, "key_missing", action="configure the key that the payload names")
    else:
        answer = Response(json_format.MessageToJson(clear), media_type="application/json")
    # On refusals too: without them the browser hides the reason from the page.
    answer.headers.update(headers)
    return answer
