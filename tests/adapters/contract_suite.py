"""What every write of every port keeps, whatever the vendor: the rules of `dealthread/ports/`.

A vendor's tests describe each of its writes once, as a `WriteCase`, and run all `CHECKS` on it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

import pytest

from dealthread.errors import AuthRejected, RateLimited, VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected, Unknown

T = TypeVar("T")

KEY = "quote-to-cash:org:deal#1/step/do"
UNDO = "quote-to-cash:org:deal#1/step/undo"


@dataclass
class WriteCase(Generic[T]):
    """One write of one port, with what the checks need to know about it."""

    act: Callable[[str], Awaitable[Outcome[T]]]
    """The write, with a key."""
    find: Callable[[str], Awaitable[T | None]]
    """The look-up by the same key."""
    identity: Callable[[T], str]
    """The native id."""
    count: Callable[[], Awaitable[int]]
    """How many objects there are now."""
    break_next: Callable[..., None]
    """`break_next(kind, **fields)` makes the write's next request go wrong."""
    undo: Callable[[T, str], Awaitable[Outcome[Any]]] | None = None
    """Undo of what was found, with a key."""
    is_undone: Callable[[T], Awaitable[bool]] | None = None
    nothing: T | None = None
    """A value that names an object which does not exist."""
    invalid: Callable[[str], Awaitable[Outcome[T]]] | None = None
    """A write that the vendor refuses for business reasons."""
    retry_after_is_carried: bool = True


Check = Callable[[WriteCase[Any]], Awaitable[None]]


async def a_repeat_gives_the_same_object(case: WriteCase[Any]) -> None:
    """Same key, same object, one of it."""
    first = _done(await case.act(KEY))
    again = _done(await case.act(KEY))
    assert case.identity(first) == case.identity(again)
    assert await case.count() == 1


async def what_was_made_is_found_by_its_key(case: WriteCase[Any]) -> None:
    """Nothing before, the object after, under any revision of the key."""
    assert await case.find(KEY) is None
    made = _done(await case.act(KEY))
    found = await case.find(KEY)
    assert found is not None
    assert case.identity(found) == case.identity(made)


async def a_revised_repeat_is_found_by_the_acts_key(case: WriteCase[Any]) -> None:
    """A corrected repeat carries `~1`; the look-up asks for the act."""
    made = _done(await case.act(f"{KEY}~1"))
    found = await case.find(KEY)
    assert found is not None
    assert case.identity(found) == case.identity(made)


async def an_answer_lost_after_the_effect_leads_to_one_object(case: WriteCase[Any]) -> None:
    """K2: Unknown, then found; a repeat makes no second one."""
    case.break_next("lose_answer")
    outcome = await case.act(KEY)
    assert isinstance(outcome, Unknown), outcome
    found = await case.find(KEY)
    assert found is not None
    repeated = _done(await case.act(KEY))
    assert case.identity(repeated) == case.identity(found)
    assert await case.count() == 1


async def a_malformed_answer_is_unknown(case: WriteCase[Any]) -> None:
    """K6: half a body after the effect proves nothing."""
    case.break_next("malformed")
    outcome = await case.act(KEY)
    assert isinstance(outcome, Unknown), outcome
    assert await case.find(KEY) is not None
    assert await case.count() == 1


async def a_server_error_after_the_effect_is_unknown(case: WriteCase[Any]) -> None:
    """K4: a gateway's 500 says nothing about the effect."""
    case.break_next("server_error_after")
    outcome = await case.act(KEY)
    assert isinstance(outcome, Unknown), outcome
    assert await case.find(KEY) is not None
    assert await case.count() == 1


async def a_server_error_before_the_effect_is_unknown_too(case: WriteCase[Any]) -> None:
    """K4: nobody can tell it from the other; the look-up can."""
    case.break_next("server_error", status=500)
    assert isinstance(await case.act(KEY), Unknown)
    assert await case.find(KEY) is None
    _done(await case.act(KEY))
    assert await case.count() == 1


async def a_load_balancers_page_is_unknown(case: WriteCase[Any]) -> None:
    """K6: 502 with HTML."""
    case.break_next("html")
    assert isinstance(await case.act(KEY), Unknown)
    _done(await case.act(KEY))
    assert await case.count() == 1


async def a_rate_limit_excludes_an_effect_and_says_when(case: WriteCase[Any]) -> None:
    """K3: raised, with the time to wait; then it goes through."""
    case.break_next("rate_limit", retry_after=7)
    with pytest.raises(RateLimited) as limited:
        await case.act(KEY)
    assert limited.value.retry_after is not None
    if case.retry_after_is_carried:
        assert limited.value.retry_after == timedelta(seconds=7)
    assert await case.find(KEY) is None
    _done(await case.act(KEY))
    assert await case.count() == 1


async def refused_credentials_are_raised(case: WriteCase[Any]) -> None:
    """K8: after one renewal at most; no effect, no storm."""
    case.break_next("auth", times=2)
    with pytest.raises(AuthRejected):
        await case.act(KEY)
    case.break_next("heal")
    assert await case.find(KEY) is None


async def a_dropped_connection_never_passes_for_done(case: WriteCase[Any]) -> None:
    """K1: whichever way the client sees it, there is no effect and a repeat makes one object."""
    case.break_next("refuse")
    try:
        outcome: Outcome[Any] = await case.act(KEY)
    except VendorUnavailable:
        outcome = Unknown("not_sent")
    assert isinstance(outcome, Unknown)
    assert await case.find(KEY) is None
    _done(await case.act(KEY))
    assert await case.count() == 1


async def a_business_refusal_is_rejected_with_a_case_kind(case: WriteCase[Any]) -> None:
    """K7: no retry; a code, a kind of case, and no effect."""
    if case.invalid is None:
        return
    outcome = await case.invalid(KEY)
    assert isinstance(outcome, Rejected), outcome
    assert outcome.code
    assert "." in outcome.case_kind
    assert await case.find(KEY) is None


async def an_undo_removes_it_and_repeats_quietly(case: WriteCase[Any]) -> None:
    """Undone once, and a second undo changes nothing."""
    if case.undo is None or case.is_undone is None:
        return
    made = _done(await case.act(KEY))
    _done(await case.undo(made, UNDO))
    assert await case.is_undone(made)
    _done(await case.undo(made, UNDO))
    _done(await case.undo(made, f"{UNDO}~1"))
    assert await case.is_undone(made)
    assert await case.count() == 1


async def an_undo_of_nothing_succeeds(case: WriteCase[Any]) -> None:
    """What never was, or is gone, counts as undone."""
    if case.undo is None or case.nothing is None:
        return
    _done(await case.undo(case.nothing, UNDO))
    assert await case.count() == 0


CHECKS: tuple[Check, ...] = (
    a_repeat_gives_the_same_object,
    what_was_made_is_found_by_its_key,
    a_revised_repeat_is_found_by_the_acts_key,
    an_answer_lost_after_the_effect_leads_to_one_object,
    a_malformed_answer_is_unknown,
    a_server_error_after_the_effect_is_unknown,
    a_server_error_before_the_effect_is_unknown_too,
    a_load_balancers_page_is_unknown,
    a_rate_limit_excludes_an_effect_and_says_when,
    refused_credentials_are_raised,
    a_dropped_connection_never_passes_for_done,
    a_business_refusal_is_rejected_with_a_case_kind,
    an_undo_removes_it_and_repeats_quietly,
    an_undo_of_nothing_succeeds,
)


def name_of(check: Check) -> str:
    """Test id."""
    return getattr(check, "__name__", "check")


def _done(outcome: Outcome[Any]) -> Any:
    assert isinstance(outcome, Done), outcome
    return outcome.value
