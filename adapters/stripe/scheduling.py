"""What comes later: phases of a schedule, or the end of a subscription without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from stripe.params import SubscriptionScheduleUpdateParams

from adapters.stripe import change_requests, requests, translate
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.change_plan import Target, end_of
from adapters.stripe.change_run import Run
from adapters.stripe.clients import Answer
from adapters.stripe.plan import midnight, plan_of, timestamp


class Scheduling:
    """Schedules of one change; each call only where its effect is missing."""

    async def of(self, run: Run, row: Answer) -> Answer | None:
        """The schedule that manages a subscription."""
        native_id = translate.id_of(row.get("schedule"))
        return await run.schedule(native_id) if native_id else None

    async def release(self, run: Run, row: Answer) -> Answer:
        """Let the subscription go on without its schedule: under one, its items are fixed."""
        native_id = translate.id_of(row.get("schedule"))
        if not run.is_marked(row) and not run.has_begun(row):
            # Afterwards nothing on the subscription would tell that it lost its end to this change.
            row = await run.announce(row)

        async def find() -> Answer | None:
            found = await run.schedule(native_id)
            return found if found.get("status") == "released" else None

        await run.write(
            "release_schedule",
            f"3:{native_id}",
            lambda options: run.account.v1.subscription_schedules.release_async(
                native_id, {}, options
            ),
            find,
        )
        return await run.subscription(str(row["id"]))

    async def plan(self, run: Run, row: Answer, target: Target, rates: Mapping[str, str]) -> None:
        """Put the later phases on a schedule, whose own mark says that they are complete."""
        schedule = await self.of(run, row)
        if schedule is not None and run.is_marked(schedule):
            return
        if schedule is None:
            if row.get("cancel_at") is not None or not run.is_marked(row):
                # A schedule of a subscription with an end is nothing that Stripe describes.
                row = await run.update(row, 4, change_requests.end(None, run.marks(), None))
            schedule = await self._from(run, row)
        elif not run.is_marked(row):
            row = await run.update(row, 4, {"metadata": run.marks()})
        params = change_requests.phases(row, schedule, target, run.command, rates, run.marks())
        await self._update(run, str(schedule["id"]), params)

    async def end_without(self, run: Run, row: Answer, target: Target) -> None:
        """Nothing comes later but the end, which a subscription holds by itself."""
        schedule = await self.of(run, row)
        if schedule is not None and run.is_marked(schedule):
            return
        if schedule is not None:
            row = await self.release(run, row)
        wanted = None if target.end is None else timestamp(target.end)
        due = change_requests.due_of(row, run.command)
        is_due = due is not None and row.get("days_until_due") != due
        if row.get("cancel_at") != wanted or is_due or not run.is_marked(row):
            await run.update(
                row, 4, change_requests.end(target.end, run.marks(), due if is_due else None)
            )

    async def replan(self, run: Run, row: Answer, tax_rates: TaxRates) -> Answer:
        """A schedule that has not begun gets the phases of the contract as it is now."""
        native_id, after = str(row["id"]), run.command.after
        end = end_of(after)
        is_open = row.get("status") == "not_started"
        if end is not None and (end <= after.start_date or midnight(end) <= run.now):
            if not run.is_marked(row):
                row = await self._update(run, native_id, {"metadata": run.marks()})
            return await run.cancel(row, 7) if is_open else row
        if run.is_marked(row):
            return row
        plan = plan_of(after)
        rates = await tax_rates.of(
            run.account, [c for p in plan.phases for c in (*p.recurring, *p.one_time)]
        )
        kept = {**translate.mapping(row, "metadata"), **run.marks()}
        kept = {name: value for name, value in kept.items() if value}
        terms = replace(
            requests.terms_of(after, run.key, hold=translate.is_held(row)), metadata=kept
        )
        wanted = requests.schedule(plan, terms, translate.id_of(row.get("customer")), rates)
        phases = [dict(phase) for phase in wanted["phases"]]
        phases[0]["start_date"] = timestamp(plan.start)
        params: SubscriptionScheduleUpdateParams = {
            "end_behavior": "release" if plan.end is None else "cancel",
            "metadata": kept,
            "phases": phases,  # type: ignore[typeddict-item]
            "proration_behavior": "none",
        }
        return await self._update(run, native_id, params)

    async def _from(self, run: Run, row: Answer) -> Answer:
        native_id = str(row["id"])

        async def find() -> Answer | None:
            return await self.of(run, await run.subscription(native_id))

        return await run.write(
            "create_schedule",
            5,
            lambda options: run.account.v1.subscription_schedules.create_async(
                {"from_subscription": native_id}, options
            ),
            find,
        )

    async def _update(
        self, run: Run, native_id: str, params: SubscriptionScheduleUpdateParams
    ) -> Answer:
        async def find() -> Answer | None:
            found = await run.schedule(native_id)
            return found if run.is_marked(found) else None

        # What is still to come depends on the day: a repeat beyond a boundary is another request.
        digest = sha256(repr(params).encode()).hexdigest()[:8]
        return await run.write(
            "change_schedule",
            f"6:{digest}",
            lambda options: run.account.v1.subscription_schedules.update_async(
                native_id, params, options
            ),
            find,
        )
