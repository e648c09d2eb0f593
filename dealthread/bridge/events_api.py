"""Events that were told, telling them again, and the subscribers that get them."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from dealthread.bridge.access import READ, REPLAY, requires
from dealthread.bridge.free_text import Reason
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.resources import Resources, resources_of
from dealthread.errors import BadInput, NotFound
from dealthread.settings import Principal, Settings, Subscriber
from dealthread.store.event_log import EventLog, LoggedEvent, Replay, ReplayPlan, Wanted
from dealthread.store.subscribers import Standing, Subscribers

router = APIRouter(prefix="/v1", tags=["events"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Replayer = Annotated[Principal, Depends(requires(REPLAY))]
Limit = Annotated[int, Query(ge=1, le=1000)]
MOST_PER_SECOND = 50


class AskReplay(BaseModel):
    """Which events one subscriber is to get again. A dry run unless told otherwise, and then the
    token of a dry run of the same filter is needed."""

    model_config = ConfigDict(extra="forbid")

    subscriber: str
    key: str = ""
    types: tuple[str, ...] = ()
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    dry_run: bool = True
    token: str = ""
    rate_per_second: int = Field(default=10, ge=1, le=MOST_PER_SECOND)


class ReplayAnswer(BaseModel):
    """The plan of a dry run, or the replay that was asked for."""

    dry_run: bool
    plan: ReplayPlan | None = None
    replay: Replay | None = None


class SubscriberView(BaseModel):
    """One subscriber: what the settings say, and how it answers."""

    name: str
    kind: str
    types: tuple[str, ...]
    standing: Standing


class EnableSubscriber(BaseModel):
    """Why it is asked again."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason


@router.get("/events")
async def events(
    held: Held,
    _: Reader,
    key: str = "",
    types: Annotated[tuple[str, ...], Query()] = (),
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    limit: Limit = 50,
) -> list[LoggedEvent]:
    """Newest first, with the deliveries of each by state."""
    wanted = Wanted(key=key, types=types, since=since, until=until)
    return await EventLog(held.engine).listing(wanted, limit)


@router.get("/events/replays")
async def replays(held: Held, _: Reader, limit: Limit = 50) -> list[Replay]:
    """Newest first, with what came of each."""
    return await EventLog(held.engine).replays(limit)


@router.post("/events/replays")
async def replay(body: AskReplay, held: Held, who: Replayer) -> ReplayAnswer:
    """Count what would be sent again; with the count's token, send it again at a bounded rate."""
    subscriber = _known(body.subscriber, held.settings)
    wanted = Wanted(key=body.key, types=body.types, since=body.since, until=body.until)
    log = EventLog(held.engine)
    if body.dry_run:
        plan = await log.plan(subscriber.name, subscriber.types, wanted, who.actor)
        return ReplayAnswer(dry_run=True, plan=plan)
    if not body.token:
        raise BadInput("token_needed", field="token", action="take it from a dry run")
    asked = await log.replay(
        subscriber.name, subscriber.types, wanted, who.actor, body.token, body.rate_per_second
    )
    return ReplayAnswer(dry_run=False, replay=asked)


@router.get("/events/{event_id}")
async def event(event_id: str, held: Held, _: Reader) -> dict[str, Any]:
    """The event as it was sent, and each subscriber's delivery."""
    return await EventLog(held.engine).show(event_id)


@router.get("/subscribers")
async def subscribers(held: Held, _: Reader) -> list[SubscriberView]:
    """Those of the settings, with what waits for each."""
    known = held.settings.subscribers
    standings = await Subscribers(held.engine).standings(tuple(one.name for one in known))
    return [
        SubscriberView(name=one.name, kind=one.kind, types=one.types, standing=standing)
        for one, standing in zip(known, standings, strict=True)
    ]


@router.post("/subscribers/{name}/enable")
async def enable(name: str, body: EnableSubscriber, held: Held, who: Replayer) -> SubscriberView:
    """Ask a disabled subscriber again, at once; one that is not disabled is refused."""
    subscriber = _known(name, held.settings, missing=NotFound("subscriber_not_found"))
    if not body.reason.strip():
        raise BadInput("reason_needed", field="reason", action="say why, for the audit log")
    store = Subscribers(held.engine)
    if not await store.enable(name, who.actor, body.reason):
        raise BadInput("not_disabled", field="name", action="it is asked already")
    (standing,) = await store.standings((name,))
    return SubscriberView(
        name=name, kind=subscriber.kind, types=subscriber.types, standing=standing
    )


def _known(name: str, settings: Settings, missing: NotFound | None = None) -> Subscriber:
    for one in settings.subscribers:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in settings.subscribers) or "none is configured"
    raise missing or BadInput("unknown_subscriber", field="subscriber", action=f"use: {names}")
