"""A term that is accepted after the agreement has ended: a new subscription, begun on its day."""

from __future__ import annotations

from dataclasses import replace

from adapters.stripe import requests, translate
from adapters.stripe.agreements import Agreements
from adapters.stripe.change_plan import end_of
from adapters.stripe.change_requests import CHANGE
from adapters.stripe.change_run import Run, Stopped
from adapters.stripe.clients import Answer
from adapters.stripe.plan import Plan, plan_of, refused
from dealthread.domain.documents import ChangedAgreement
from dealthread.outcome import Rejected, Unknown
from dealthread.ports.billing import ChangeAgreement


def plan_of_term(command: ChangeAgreement) -> Plan:
    """The new term alone. Raises StepRejected."""
    start = end_of(command.before)
    if start is None:
        raise refused("renewal_without_term_end", "before.end_date")
    lines = tuple(line for line in command.after.lines if line.start_date >= start)
    return plan_of(command.after.model_copy(update={"start_date": start, "lines": lines}))


async def make(agreements: Agreements, run: Run, row: Answer) -> Answer:
    """Create it, or take what was created. Raises Stopped and StepRejected."""
    found = await find(agreements, run, row)
    if found is not None:
        return found
    terms = requests.terms_of(run.command.after, run.key, hold=False)
    terms = replace(terms, metadata={**terms.metadata, CHANGE: run.act})
    made = await agreements.create(
        run.account,
        run.command.after.key,
        plan_of_term(run.command),
        terms,
        translate.id_of(row.get("customer")),
        run.key,
    )
    if isinstance(made, Rejected | Unknown):
        raise Stopped(made)
    run.begun = True
    return made


async def find(agreements: Agreements, run: Run, row: Answer) -> Answer | None:
    """By our contract key and the act's key, under the customer."""
    customer = translate.id_of(row.get("customer"))
    return await agreements.find_raw(run.account, run.command.after.key, customer, run.key)


async def result(agreements: Agreements, run: Run, made: Answer) -> ChangedAgreement:
    """The new agreement with its first invoice."""
    begun = made.get("subscription")
    row = begun if isinstance(begun, dict) else made
    agreement = await agreements.translated(run.account, row)
    agreement = agreement.model_copy(update={"key": run.act})
    return ChangedAgreement(agreement=agreement, invoice=agreement.first_invoice)
