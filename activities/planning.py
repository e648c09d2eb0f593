"""What a new version of a contract means for revenue, as rows that the store keeps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.versions.revenue import RevenuePlanRow, first_schedule, replanned
from dealthread.domain.versions.treatment import treatments
from dealthread.hub import Changes, Contracts, RevenueRow


def first_plan(contract: Contract, config: ConfigSet) -> tuple[RevenueRow, ...]:
    """The schedule of an accepted deal."""
    return _stored(first_schedule(contract, config))


async def revenue_after(
    contracts: Contracts,
    changes: Changes,
    change_id: str,
    contract: Contract,
    effective_from: date,
    accepted_on: date,
    config: ConfigSet,
) -> tuple[RevenueRow, ...]:
    """The schedule re-planned by the treatment of each line's change."""
    before = await contracts.version(contract.key, contract.version - 1)
    order = await changes.order(change_id)
    if before is None or order is None:
        return await contracts.schedule(contract.key, max(effective_from, accepted_on))
    planned = [
        RevenuePlanRow(
            obligation=row.obligation,
            line_key=row.line_key,
            account=row.account,
            month=row.month,
            amount=row.amount,
            treatment=row.treatment,
        )
        for row in await contracts.schedule(contract.key)
    ]
    return _stored(
        replanned(
            tuple(planned),
            before,
            contract,
            effective_from,
            accepted_on,
            treatments(before, contract, order, config),
            config,
            await contracts.planned_until(contract.key),
        )
    )


def _stored(rows: Iterable[RevenuePlanRow]) -> tuple[RevenueRow, ...]:
    return tuple(
        RevenueRow(
            obligation=row.obligation,
            line_key=row.line_key,
            account=row.account,
            month=row.month,
            amount=row.amount,
            treatment=row.treatment,
        )
        for row in rows
    )
