"""What a person may ask of a pursuit, and why not. Pure."""

from __future__ import annotations

from datetime import date, timedelta

from activities.collections_inputs import OrderKind, PursuitOrder
from dealthread.domain.dunning import GIVEN_UP, CollectionsPolicy, Pursuit, PursuitState

Refusal = tuple[str, str]
"""Code, and what to do instead."""


def refuse(
    order: PursuitOrder,
    pursuit: Pursuit | None,
    policy: CollectionsPolicy | None,
    promises: int,
    today: date,
) -> Refusal | None:
    """Why not; None where it is taken."""
    if pursuit is None or policy is None:
        return "not_open", "the invoice is not pursued yet: nothing is to be held"
    if pursuit.state is PursuitState.CLOSED:
        return "pursuit_over", "the pursuit has ended: nothing is to be held or stopped"
    if order.kind is OrderKind.STOP:
        return None
    if pursuit.state in GIVEN_UP:
        return "given_up", "it was handed over or written off: it can only be stopped"
    if order.kind is OrderKind.RESUME:
        if pursuit.state is not PursuitState.PAUSED:
            return "not_paused", "nothing holds it: its next stage comes on its day"
        return None
    if holds_already(order, pursuit):
        return None
    if order.kind is OrderKind.PROMISE and promises >= policy.max_promises:
        return "promises_used_up", "let a person decide: the policy takes no further promise"
    if order.until is None:
        if order.kind is OrderKind.PROMISE:
            return "date_needed", "say until when it will be paid"
        return None
    if order.until < today:
        return "date_is_past", f"give today, {today}, or a later day"
    latest = today + timedelta(days=policy.max_promise_days)
    if order.kind is OrderKind.PROMISE and order.until > latest:
        return "promise_too_long", f"give {latest} or an earlier day"
    return None


def holds_already(order: PursuitOrder, pursuit: Pursuit) -> bool:
    """Whether it is the order that holds the pursuit: its answer may have been lost."""
    return (
        pursuit.state is PursuitState.PAUSED
        and pursuit.promised_until == order.until
        and pursuit.reason == what_it_says(order)
    )


def holds_as(order: PursuitOrder, pause: PursuitOrder) -> bool:
    """Whether an order that waits is this pause."""
    return (order.kind, order.reason) == (pause.kind, pause.reason)


def what_it_says(order: PursuitOrder) -> str:
    """The order in words, for the record."""
    said = str(order.kind)
    return f"{said}: {order.reason}" if order.reason else said
