"""Invoices that wait for their day's summary, for the money view. Private to the store."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from dealthread.domain.case import CaseState
from dealthread.domain.position.facts import WaitsInSummary
from dealthread.domain.posting_summary import HeldState, SummaryPlace
from dealthread.naming import invoice_id
from dealthread.store.money_revenue import Keys
from dealthread.store.schema import cases
from dealthread.store.schema_summaries import posting_summaries, posting_summary_members

_MEMBERS, _SUMMARIES = posting_summary_members.c, posting_summaries.c

Waiting = Mapping[str, Mapping[str, WaitsInSummary]]
"""By contract, and by the business key of the invoice's run."""


async def waiting_in_summaries(
    connection: AsyncConnection, keys: Keys
) -> dict[str, dict[str, WaitsInSummary]]:
    """All that are in one, those too that are in the ledger with it."""
    rows = await connection.execute(
        select(
            _MEMBERS.contract_key,
            _MEMBERS.billing_account,
            _MEMBERS.native_id,
            _MEMBERS.state,
            _SUMMARIES.place,
            _SUMMARIES.due_at,
            _SUMMARIES.document.is_not(None).label("is_posted"),
        )
        .join(posting_summaries, _SUMMARIES.summary_id == _MEMBERS.summary_id)
        .where(_MEMBERS.contract_key.in_(keys), _MEMBERS.state != HeldState.SINGLE)
    )
    found: dict[str, dict[str, WaitsInSummary]] = {}
    for row in rows:
        place = SummaryPlace.model_validate(row.place)
        run = invoice_id(row.billing_account, row.native_id)
        found.setdefault(row.contract_key, {})[run] = WaitsInSummary(
            summary_id=place.summary_id,
            number=place.number,
            state=HeldState.POSTED if row.is_posted else HeldState(row.state),
            due_at=row.due_at,
        )
    return found


async def cases_of_summaries(
    connection: AsyncConnection, waiting: Waiting
) -> dict[str, dict[str, str]]:
    """What the summaries' runs ask people, by contract and summary."""
    ids = {one.summary_id for mine in waiting.values() for one in mine.values()}
    rows = await connection.execute(
        select(cases.c.business_key, cases.c.case_id).where(
            cases.c.business_key.in_(ids), cases.c.state == CaseState.OPEN
        )
    )
    known = {row.business_key: row.case_id for row in rows}
    return {
        contract: {
            one.summary_id: known[one.summary_id]
            for one in mine.values()
            if one.summary_id in known
        }
        for contract, mine in waiting.items()
    }
