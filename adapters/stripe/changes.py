"""Changes of running agreements: brought from one version of the contract to the next.

What is there is looked at first and only what is missing is done, so that a change of several
calls goes on where it stopped; Stripe's idempotency keys only cover a call that is under way.
"""

from __future__ import annotations

from adapters.stripe import change_preview, change_requests, late_renewal, translate
from adapters.stripe.agreements import Agreements
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.change_plan import (
    Differences,
    Target,
    differences,
    is_renewal,
    refuse_one_time,
    target_of,
)
from adapters.stripe.change_requests import BEGUN, CHANGE
from adapters.stripe.change_run import Run, Stopped
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.credit_plan import Note
from adapters.stripe.credits import Credits
from adapters.stripe.errors import REJECTED, lost_after_effect
from adapters.stripe.invoices import FIRST, Invoices
from adapters.stripe.plan import plan_of, timestamp
from adapters.stripe.scheduling import Scheduling
from dealthread.domain.documents import Agreement, ChangedAgreement
from dealthread.domain.invoice import BillingInvoice
from dealthread.errors import NotFound, StepRejected, TransportError
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.billing import ChangeAgreement
from dealthread.ports.clock import BusinessClock

OVER = ("canceled", "incomplete_expired", "completed", "released")


class Changes:
    """Works on one account at a time."""

    def __init__(
        self,
        tax_rates: TaxRates,
        invoices: Invoices,
        agreements: Agreements,
        clock: BusinessClock,
    ) -> None:
        self._tax_rates = tax_rates
        self._invoices = invoices
        self._agreements = agreements
        self._clock = clock
        self._credits = Credits(tax_rates, invoices)
        self._scheduling = Scheduling()

    async def change(
        self, account: BillingAccount, command: ChangeAgreement, key: str
    ) -> Outcome[ChangedAgreement]:
        """Make what is missing of the change."""
        run = Run(account, command, key, self._clock.now())
        try:
            return Done(await self._change(run))
        except Stopped as stopped:
            return stopped.outcome
        except StepRejected as refusal:
            rejected = Rejected(refusal.case_kind, refusal.code, refusal.field, refusal.evidence)
            return run.refused(rejected)
        except NotFound:
            return run.refused(Rejected(REJECTED, "agreement_not_found", "agreement"))
        except TransportError as error:
            if run.begun:
                return lost_after_effect(error)
            raise

    async def find(
        self, account: BillingAccount, command: ChangeAgreement, key: str
    ) -> ChangedAgreement | None:
        """What the change made, if nothing of it is missing."""
        run = Run(account, command, key, self._clock.now())
        try:
            row = await self._agreements.raw_of(account, command.agreement)
        except NotFound:
            return None
        if await self._is_late_renewal(run, row):
            found = await late_renewal.find(self._agreements, run, row)
            return await late_renewal.result(self._agreements, run, found) if found else None
        if row.get("object") == "subscription_schedule":
            return await self._result(run, row) if run.is_marked(row) else None
        if not await self._is_made(run, row):
            return None
        return await self._result(run, row)

    async def preview(self, account: BillingAccount, command: ChangeAgreement) -> ChangedAgreement:
        """The biller's previews of what the change would make. Raises StepRejected."""
        run = Run(account, command, "", self._clock.now())
        row = await self._agreements.raw_of(account, command.agreement)
        if await self._is_late_renewal(run, row):
            first = await change_preview.of_new_term(run, self._tax_rates, row)
            return ChangedAgreement(agreement=command.agreement, invoice=first)
        if row.get("object") == "subscription_schedule":
            plan_of(command.after)
            return ChangedAgreement(agreement=command.agreement)
        refuse_one_time(command, run.now)
        target = target_of(command, row, run.now)
        ledger = await self._credits.ledger(account, row, command, "")
        notes = self._credits.plan(ledger, row, command)
        if isinstance(notes, Rejected):
            raise StepRejected(
                notes.code, case_kind=notes.case_kind, field=notes.field, **notes.evidence
            )
        missing = await self._differences(run, row, target)
        invoice: BillingInvoice | None = None
        if missing.charged:
            invoice = await change_preview.of_items(run, self._tax_rates, row, missing, target)
        return ChangedAgreement(
            agreement=command.agreement,
            invoice=invoice,
            credit_memos=await self._credits.previews(account, notes, ledger, command),
        )

    async def _change(self, run: Run) -> ChangedAgreement:
        row = await self._agreements.raw_of(run.account, run.command.agreement)
        if await self._is_late_renewal(run, row):
            begun = await late_renewal.make(self._agreements, run, row)
            return await late_renewal.result(self._agreements, run, begun)
        if row.get("object") == "subscription_schedule":
            return await self._result(run, await self._before_start(run, row))
        # What was announced has an effect once the schedule is gone or the items are charged.
        run.begun = run.is_marked(row) or (run.has_begun(row) and not row.get("schedule"))
        if not run.begun:
            refuse_one_time(run.command, run.now)
        target = target_of(run.command, row, run.now)
        ledger = await self._credits.ledger(run.account, row, run.command, run.key)
        notes = self._credits.plan(ledger, row, run.command)
        if isinstance(notes, Rejected):
            raise Stopped(run.refused(notes))
        if target.has_ended(run.now):
            await self._end(run, row, notes)
        elif row.get("status") not in OVER:
            await self._bring(run, row, target)
        elif not run.begun:
            raise Stopped(Rejected(REJECTED, "agreement_has_ended", "agreement"))
        # A finalised draft, or an earlier note, is an effect that a later refusal must not hide.
        run.begun = True
        made = await self._credits.make(run.account, notes, ledger, run.command, run.key)
        if isinstance(made, Rejected | Unknown):
            raise Stopped(run.refused(made) if isinstance(made, Rejected) else made)
        return await self._result(
            run, await self._agreements.raw_of(run.account, run.command.agreement)
        )

    async def _bring(self, run: Run, row: Answer, target: Target) -> None:
        missing = await self._differences(run, row, target)
        if missing and run.is_marked(row):
            # Marked in the same call that changed the items: somebody changed them since.
            raise Stopped(Unknown("items_differ_from_change"))
        if missing and translate.id_of(row.get("schedule")):
            row = await self._scheduling.release(run, row)
        if missing.charged:
            # First, since it is these that may add items: Stripe refuses to take the last one away.
            marks = (
                change_requests.begun(run.key, missing.retired)
                if missing.plain
                else run.marks(missing.retired)
            )
            row = await run.update(
                row, 2, change_requests.items(missing.charged, run.command, marks, charged=True)
            )
        if missing.plain:
            marks = run.marks(missing.retired)
            row = await run.update(
                row, 1, change_requests.items(missing.plain, run.command, marks, charged=False)
            )
        if target.later:
            rates = await self._rates(run, target)
            await self._scheduling.plan(run, row, target, rates)
        else:
            await self._scheduling.end_without(run, row, target)

    async def _end(self, run: Run, row: Answer, notes: list[Note]) -> None:
        """Ended now or earlier: nothing is prorated or billed any more, what waits is removed."""
        if not run.is_marked(row):
            row = await run.update(row, 1, {"metadata": run.marks()})
        if row.get("status") not in OVER:
            await self._send_drafts(run, row, {note.invoice for note in notes})
            await run.cancel(row, 7)
        failed = await self._agreements.remove_pending(run.account, row, run.key)
        if failed is not None:
            raise Stopped(run.refused(failed) if isinstance(failed, Rejected) else failed)

    async def _send_drafts(self, run: Run, row: Answer, credited: set[str]) -> None:
        """What was billed before the end goes out: the end would keep its drafts back for good.
        A draft that is credited is finalised with its credit, one that is reviewed stays."""
        async for invoice in self._invoices.of_subscription(run.account, str(row["id"])):
            native_id = str(invoice["id"])
            is_held = translate.is_held(row) and invoice.get("billing_reason") == FIRST
            if invoice.get("status") != "draft" or is_held or native_id in credited:
                continue
            sent = await self._invoices.finalise(
                run.account, native_id, True, f"{run.key}:8:{native_id}"
            )
            if isinstance(sent, Rejected):
                raise Stopped(run.refused(sent))
            if isinstance(sent, Unknown):
                raise Stopped(sent)

    async def _before_start(self, run: Run, row: Answer) -> Answer:
        """A schedule that has not begun: it has billed nothing yet."""
        run.begun = run.is_marked(row)
        if run.command.credits:
            raise Stopped(Rejected(REJECTED, "credit_exceeds_what_was_billed", "credits"))
        return await self._scheduling.replan(run, row, self._tax_rates)

    async def _is_made(self, run: Run, row: Answer) -> bool:
        """Whether nothing of the change is missing."""
        command = run.command
        ledger = await self._credits.ledger(run.account, row, command, run.key)
        if self._credits.plan(ledger, row, command) != []:
            return False
        if run.has_begun(row):
            return False
        if not run.is_marked(row):
            # A later change put its own mark there: what this one billed or credited is its trace.
            billed = command.charge_lines and await self._own_invoice(run, row) is not None
            return bool(billed or ledger.own)
        target = target_of(command, row, run.now)
        if row.get("status") in OVER:
            return not await self._agreements.has_pending(run.account, row)
        return not target.has_ended(run.now) and await self._is_reached(run, row, target)

    async def _is_reached(self, run: Run, row: Answer, target: Target) -> bool:
        if await self._differences(run, row, target):
            return False
        schedule = await self._scheduling.of(run, row)
        if schedule is not None:
            return run.is_marked(schedule)
        wanted = None if target.end is None else timestamp(target.end)
        return not target.later and row.get("cancel_at") == wanted

    async def _differences(self, run: Run, row: Answer, target: Target) -> Differences:
        return differences(run.command, row, target, await self._rates(run, target))

    async def _rates(self, run: Run, target: Target) -> dict[str, str]:
        charges = [*target.now]
        for phase in target.later:
            charges += [*phase.recurring, *phase.one_time]
        return await self._tax_rates.of(run.account, charges)

    async def _is_late_renewal(self, run: Run, row: Answer) -> bool:
        """Whether a further term follows an agreement that has ended already."""
        if row.get("status") not in OVER or not is_renewal(run.command):
            return False
        if not run.is_marked(row):
            return True
        # Marked, and ended before its schedule knew of the term: that never began.
        schedule = await self._scheduling.of(run, row)
        return schedule is not None and not run.is_marked(schedule)

    async def _result(self, run: Run, row: Answer) -> ChangedAgreement:
        agreement = await self._agreements.translated(run.account, row)
        agreement = agreement.model_copy(update={"key": run.command.agreement.key})
        if row.get("object") == "subscription_schedule":
            return ChangedAgreement(agreement=agreement)
        return ChangedAgreement(
            agreement=agreement,
            invoice=await self._invoice(run, row, agreement),
            credit_memos=await self._credits.memos(run.account, row, run.command, run.key),
        )

    async def _invoice(self, run: Run, row: Answer, agreement: Agreement) -> BillingInvoice | None:
        own = await self._own_invoice(run, row) if run.command.charge_lines else None
        if own is None:
            return None
        retired = translate.retired_items_of(row)
        return await self._invoices.read(run.account, own, agreement.items, retired)

    async def _own_invoice(self, run: Run, row: Answer) -> Answer | None:
        """The invoice of the change: it carries the subscription's metadata of that moment. Were
        it those of the moment before, the newest one of the last change would be it."""
        newest: Answer | None = None
        async for invoice in self._invoices.of_subscription(run.account, str(row["id"])):
            if invoice.get("billing_reason") != "subscription_update":
                continue
            marked = translate.mapping(invoice, "parent", "subscription_details", "metadata")
            if run.act in (marked.get(CHANGE), marked.get(BEGUN)):
                return invoice
            newest = newest or invoice
        if newest is None or not run.is_marked(row):
            return None
        lines = await self._invoices.lines(run.account, newest)
        days = {translate.day(line, "period", "start") for line in lines}
        return newest if run.command.effective_from in days else None
