"""One change under way: its calls, each under a key of its own, and what has happened so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from stripe import StripeObject
from stripe.params import SubscriptionUpdateParams

from adapters.http import act_key
from adapters.stripe import change_requests, translate
from adapters.stripe.change_requests import BEGUN, CHANGE
from adapters.stripe.clients import Answer, BillingAccount, Options
from adapters.stripe.errors import lost_after_effect, refused_after_effect
from dealthread.errors import TransportError
from dealthread.outcome import Rejected, Unknown
from dealthread.ports.billing import ChangeAgreement


class Stopped(Exception):
    """The change cannot go on now."""

    def __init__(self, outcome: Rejected | Unknown) -> None:
        self.outcome = outcome


@dataclass
class Run:
    """A change at one account. `begun` once anything of it has had an effect."""

    account: BillingAccount
    command: ChangeAgreement
    key: str
    now: datetime
    begun: bool = False

    @property
    def act(self) -> str:
        """The key of the business act."""
        return act_key(self.key)

    def is_marked(self, row: translate.Data) -> bool:
        """Whether this change was the last made to a subscription or schedule."""
        return bool(self.act) and translate.mark(row, CHANGE) == self.act

    def has_begun(self, row: translate.Data) -> bool:
        """Whether a subscription says that this change still lacks a call."""
        return bool(self.act) and translate.mark(row, BEGUN) == self.act

    def marks(self, retired: Mapping[str, str] | None = None) -> dict[str, str]:
        """Metadata of the change."""
        return change_requests.marks(self.command.after, self.key, retired)

    def refused(self, refusal: Rejected) -> Rejected | Unknown:
        """A refusal, told as what it is: "nothing written" only where that is true."""
        return refused_after_effect(refusal) if self.begun else refusal

    async def write(
        self,
        operation: str,
        suffix: int | str,
        call: Callable[[Options], Awaitable[StripeObject]],
        find: Callable[[], Awaitable[Answer | None]],
    ) -> Answer:
        """The answer. Raises Stopped, and transport errors only while nothing has happened."""
        try:
            outcome = await self.account.write_again_after_saved_answer(
                operation, call, f"{self.key}:{suffix}", find
            )
        except TransportError as error:
            if self.begun:
                raise Stopped(lost_after_effect(error)) from None
            raise
        if isinstance(outcome, Rejected):
            raise Stopped(self.refused(outcome))
        if isinstance(outcome, Unknown):
            raise Stopped(outcome)
        self.begun = True
        return outcome

    async def update(self, row: Answer, suffix: int, params: SubscriptionUpdateParams) -> Answer:
        """Change the subscription; what it was changed to by this very call counts as done."""
        native_id = str(row["id"])
        marks = params["metadata"]
        is_begin = isinstance(marks, dict) and bool(marks.get(BEGUN))
        says = self.has_begun if is_begin else self.is_marked

        async def find() -> Answer | None:
            found = await self.subscription(native_id)
            return found if says(found) and not says(row) else None

        return await self.write(
            "change_subscription",
            suffix,
            lambda options: self.account.v1.subscriptions.update_async(native_id, params, options),
            find,
        )

    async def announce(self, row: Answer) -> Answer:
        """Say on the subscription that the change begins, ahead of a call that leaves no trace on
        it. Saying so is no effect yet."""
        before = self.begun
        row = await self.update(row, 0, {"metadata": change_requests.begun(self.key)})
        self.begun = before
        return row

    async def cancel(self, row: Answer, suffix: int) -> Answer:
        """End it at once; ending its schedule ends the subscription under it."""
        native_id, is_schedule = str(row["id"]), row.get("object") == "subscription_schedule"
        schedule = native_id if is_schedule else translate.id_of(row.get("schedule"))

        def call(options: Options) -> Awaitable[StripeObject]:
            if schedule:
                return self.account.v1.subscription_schedules.cancel_async(
                    schedule, {"invoice_now": False, "prorate": False}, options
                )
            return self.account.v1.subscriptions.cancel_async(
                native_id, {"invoice_now": False, "prorate": False}, options
            )

        async def find() -> Answer | None:
            if schedule:
                found = await self.schedule(schedule)
            else:
                found = await self.subscription(native_id)
            return found if found.get("status") == "canceled" else None

        return await self.write("end_agreement", suffix, call, find)

    async def subscription(self, native_id: str) -> Answer:
        """As it is now."""
        return await self.account.read(
            "read_subscription",
            lambda: self.account.v1.subscriptions.retrieve_async(native_id),
        )

    async def schedule(self, native_id: str) -> Answer:
        """As it is now."""
        return await self.account.read(
            "read_schedule",
            lambda: self.account.v1.subscription_schedules.retrieve_async(native_id),
        )
