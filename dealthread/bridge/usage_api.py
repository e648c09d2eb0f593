"""The process API of usage: events in, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse

from dealthread.bridge.access import METER, requires
from dealthread.bridge.limits import LIMIT, TooLarge, read_body
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.bridge.usage_form import ONE
from dealthread.bridge.usage_form import read_body as read_events
from dealthread.bridge.usage_taking import Answer, take_in
from dealthread.domain.usage.event import Refusal
from dealthread.hub_usage import Taken
from dealthread.settings import Principal

router = APIRouter(prefix="/v1/usage", tags=["usage"])
Held = Annotated[Resources, Depends(resources_of)]
Metering = Annotated[Principal, Depends(requires(METER))]


class EventAnswer(BaseModel):
    """What became of one event. A refused one names the field and what to do."""

    source: str
    id: str
    outcome: str
    """accepted, duplicate (taken before, the same) or refused."""
    code: str = ""
    field: str = ""
    action: str = ""


class BatchAnswer(BaseModel):
    """An answer for each event, in the order of the batch."""

    accepted: int
    duplicates: int
    refused: int
    events: list[EventAnswer]


@router.post(
    "",
    responses={
        200: {"model": BatchAnswer, "description": "Each event of a batch has its own answer."},
        422: {"description": "A single event was refused; 409 for another one under its id."},
    },
    response_model=None,
)
async def usage(request: Request, held: Held, _: Metering) -> JSONResponse:
    """Take in what was used: one CloudEvent, or a batch of them. Safe to repeat."""
    media_type = request.headers.get("content-type", "")
    try:
        body = await read_body(request)
    except TooLarge:
        return problem(413, "too_large", field="body", action=f"send at most {LIMIT} bytes")
    given = read_events(body, media_type)
    answers = await take_in(held.usage, given, business_time(held), held.config().policy)
    if media_type.partition(";")[0].strip().lower() == ONE:
        return _single(answers[0])
    return JSONResponse(_batch(answers).model_dump())


def business_time(held: Resources) -> datetime:
    """Now, in business time."""
    offset = timedelta(seconds=held.settings.business_offset_seconds)
    return datetime.fromtimestamp(held.now(), UTC) + offset


def _single(answer: Answer) -> JSONResponse:
    refusal = answer.refusal
    if refusal is None:
        return JSONResponse(_told(answer).model_dump())
    status = 409 if refusal.code == "another_event_under_this_id" else 422
    return problem(status, refusal.code, field=refusal.field, action=refusal.action)


def _batch(answers: Sequence[Answer]) -> BatchAnswer:
    return BatchAnswer(
        accepted=sum(one.taken is Taken.ACCEPTED for one in answers),
        duplicates=sum(one.taken is Taken.DUPLICATE for one in answers),
        refused=sum(one.refusal is not None for one in answers),
        events=[_told(one) for one in answers],
    )


def _told(answer: Answer) -> EventAnswer:
    refusal = answer.refusal or Refusal("", "", "")
    return EventAnswer(
        source=answer.source,
        id=answer.event_id,
        outcome=answer.taken.value if answer.taken else "refused",
        code=refusal.code,
        field=refusal.field,
        action=refusal.action,
    )
