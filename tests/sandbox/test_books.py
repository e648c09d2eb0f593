"""The books of the biller as they are read: each agreement once."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from dealthread.sandbox.books import CONTRACT, BillingBooks


class Row(dict[str, Any]):
    def to_dict(self) -> dict[str, Any]:
        return dict(self)


class Rows:
    """A list call of Stripe's client, newest first as Stripe lists."""

    def __init__(self, *rows: Row) -> None:
        self._rows = rows

    def list(self, _: object) -> SimpleNamespace:
        return SimpleNamespace(auto_paging_iter=lambda: iter(self._rows))


def test_a_subscription_with_two_schedules_is_one_agreement() -> None:
    """A change told ahead makes a schedule; one that comes before it releases it for another."""
    client = SimpleNamespace(
        v1=SimpleNamespace(
            subscriptions=Rows(Row(id="sub_1", status="active", metadata={CONTRACT: "C-1"})),
            subscription_schedules=Rows(
                Row(id="sub_sched_2", status="active", subscription="sub_1", metadata={}),
                Row(
                    id="sub_sched_1",
                    status="released",
                    subscription=None,
                    released_subscription="sub_1",
                    metadata={},
                ),
            ),
        )
    )
    (found,) = BillingBooks(cast("Any", {"acct": client})).of("C-1")
    assert (found.native_id, found.subscription_id, found.is_live) == ("sub_sched_2", "sub_1", True)
