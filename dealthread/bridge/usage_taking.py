"""A body of usage events against their contracts: what is taken in, and what is not and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dealthread.bridge.usage_form import read_event
from dealthread.bridge.usage_telling import UsageTelling
from dealthread.domain.policy import Policy
from dealthread.domain.usage.event import Refusal, SentUsage, UsageEvent, fitted
from dealthread.hub_usage import Taken, UsageStore

_CONFLICT = Refusal(
    "another_event_under_this_id",
    "id",
    "source and id name one event for ever: send what is new under another id",
)
_UNKNOWN = Refusal("contract_unknown", "subject", "check the key of the contract")


@dataclass(frozen=True)
class Answer:
    """What became of one event of a body."""

    source: str
    event_id: str
    taken: Taken | None
    refusal: Refusal | None = None


_Key = tuple[str, str]


async def take_in(
    store: UsageStore, given: Sequence[Any], now: datetime, policy: Policy
) -> list[Answer]:
    """An answer for each, in order. What was taken before is answered so, however old it is by
    now: a sender whose answer was lost learns that he may forget it."""
    read = [read_event(one) for one in given]
    sent = [one for one in read if isinstance(one, SentUsage)]
    known = await store.known([_key(one) for one in sent]) if sent else {}
    fresh = [one for one in sent if _key(one) not in known]
    contracts = await store.contracts(sorted({one.contract_key for one in fresh})) if fresh else {}
    told = UsageTelling({key: contract for key, (contract, _) in contracts.items()}, now, policy)
    first: dict[_Key, SentUsage] = {}
    fits: dict[_Key, UsageEvent | Refusal] = {}
    for one in fresh:
        key = _key(one)
        if key in first:
            continue
        first[key] = one
        found = contracts.get(one.contract_key)
        fits[key] = _UNKNOWN if found is None else fitted(one, *found, now, policy)
    new = [one for one in fits.values() if isinstance(one, UsageEvent)]
    taken = await store.take(new, told) if new else {}
    return [
        _answer(raw, one, known, first, fits, taken) for raw, one in zip(given, read, strict=True)
    ]


def _answer(
    raw: Any,
    one: SentUsage | Refusal,
    known: dict[_Key, str],
    first: dict[_Key, SentUsage],
    fits: dict[_Key, UsageEvent | Refusal],
    taken: dict[_Key, Taken],
) -> Answer:
    if isinstance(one, Refusal):
        return Answer(_said(raw, "source"), _said(raw, "id"), None, one)
    key = _key(one)
    if key in known:
        is_same = known[key] == one.content_hash()
        return _told(one, Taken.DUPLICATE if is_same else Taken.CONFLICT)
    fit = fits[key]
    if isinstance(fit, Refusal):
        return Answer(one.source, one.event_id, None, fit)
    if first[key] is not one:
        is_same = first[key].content_hash() == one.content_hash()
        return _told(one, Taken.DUPLICATE if is_same else Taken.CONFLICT)
    return _told(one, taken[key])


def _told(one: SentUsage, taken: Taken) -> Answer:
    if taken is Taken.CONFLICT:
        return Answer(one.source, one.event_id, None, _CONFLICT)
    return Answer(one.source, one.event_id, taken)


def _key(one: SentUsage) -> _Key:
    return one.source, one.event_id


def _said(raw: Any, name: str) -> str:
    """A caller's own word, to tell which event is meant."""
    value = raw.get(name) if isinstance(raw, dict) else None
    return value[:200] if isinstance(value, str) else ""
