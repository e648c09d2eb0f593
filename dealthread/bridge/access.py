"""Who calls, and what a role may do. One table for every route of the process API."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, HTTPException

from dealthread.bridge.resources import Resources, resources_of
from dealthread.settings import Principal

READ = "read"
SUBMIT = "submit"
DECIDE = "decide"
APPROVE = "approve"
CHANGE = "change"
SIGNAL = "signal"
REPLAY = "replay"
COLLECT = "collect"
CREDIT = "credit"
WRITE_OFF = "write_off"
RECOGNISE = "recognise"
CLOSE = "close"
HOLD = "hold"
METER = "meter"
ADOPT = "adopt"
CASH = "cash"

ALLOWED: dict[str, frozenset[str]] = {
    READ: frozenset({"viewer", "operator", "approver", "finance", "deal-desk", "finance-systems"}),
    SUBMIT: frozenset({"operator", "deal-desk"}),
    DECIDE: frozenset({"operator", "finance", "deal-desk", "finance-systems"}),
    APPROVE: frozenset({"approver", "finance"}),
    CHANGE: frozenset({"operator", "deal-desk"}),
    SIGNAL: frozenset({"operator", "deal-desk", "customer-success"}),
    REPLAY: frozenset({"operator", "finance-systems"}),
    COLLECT: frozenset({"operator", "finance"}),
    CREDIT: frozenset({"operator", "finance"}),
    WRITE_OFF: frozenset({"operator", "finance"}),
    RECOGNISE: frozenset({"operator", "finance"}),
    CLOSE: frozenset({"operator", "finance"}),
    HOLD: frozenset({"operator", "finance-systems"}),
    CASH: frozenset({"operator", "finance", "cash"}),
    METER: frozenset({"metering", "operator"}),
    ADOPT: frozenset({"operator", "finance"}),
}
"""Action → roles that may take it."""


async def principal(
    held: Annotated[Resources, Depends(resources_of)],
    authorization: Annotated[str, Header()] = "",
) -> Principal:
    """The caller by bearer token; 401 otherwise."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() == "bearer" and token:
        for known, who in held.principals.items():
            if hmac.compare_digest(known.encode(), token.strip().encode()):
                return who
    raise HTTPException(401, "not_authenticated", headers={"WWW-Authenticate": "Bearer"})


def may(who: Principal, action: str) -> bool:
    """Whether one of the caller's roles allows an action."""
    return bool(ALLOWED[action].intersection(who.roles))


def acting_role(who: Principal, action: str) -> str:
    """The first of the caller's roles that allows an action; empty when none does."""
    return next((role for role in who.roles if role in ALLOWED[action]), "")


def requires(action: str) -> Callable[..., Coroutine[Any, Any, Principal]]:
    """Dependency: the caller, if allowed; 403 otherwise."""

    async def check(who: Annotated[Principal, Depends(principal)]) -> Principal:
        if not may(who, action):
            raise HTTPException(403, "not_allowed")
        return who

    return check
