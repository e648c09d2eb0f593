"""Messages that came in and went no further: refused ones, and those held for a consumer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel, ConfigDict

from dealthread.bridge.access import READ, REPLAY, requires
from dealthread.bridge.free_text import Reason
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.resources import Resources, resources_of
from dealthread.errors import BadInput
from dealthread.settings import Principal
from dealthread.store.inbox import InboxState
from dealthread.store.inbox_rows import InboxEntry, InboxRows

router = APIRouter(prefix="/v1", tags=["inbox"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
_LARGEST = 2**63 - 1


class ReplayMessage(BaseModel):
    """Why it is taken up again."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


@router.get("/inbox")
async def inbox(
    held: Held,
    _: Annotated[Principal, Depends(requires(READ))],
    state: InboxState = InboxState.REFUSED,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> list[InboxEntry]:
    """Oldest first, without bodies."""
    return await InboxRows(held.engine).listing(state, limit)


@router.post("/inbox/{row_id}/replays", status_code=202)
async def replay(
    row_id: Annotated[int, Path(ge=1, le=_LARGEST)],
    body: ReplayMessage,
    held: Held,
    who: Annotated[Principal, Depends(requires(REPLAY))],
) -> InboxEntry:
    """Take a refused message up once more; of many who ask at once, one does."""
    if not body.reason.strip():
        raise BadInput("reason_needed", field="reason", action="say why, for the audit log")
    return await InboxRows(held.engine).replay(row_id, who.actor, body.reason)
