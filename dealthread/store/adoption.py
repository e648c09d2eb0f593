"""Adoption in PostgreSQL (`hub_adoption.Adoption`)."""

from __future__ import annotations

from datetime import UTC, date, datetime

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from dealthread.domain.adoption.book import Answer, OwnBook
from dealthread.domain.adoption.plan import AdoptionPlan, Proposal
from dealthread.domain.base import Ref
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.errors import Conflict, NotFound
from dealthread.hub import ContractVersionRecord
from dealthread.hub_adoption import KeptPlan
from dealthread.naming import adoption_id, quote_to_cash_id
from dealthread.store import audit
from dealthread.store.adoption_book import (
    adopted_proposal,
    kept,
    own_book,
    progress_of,
    proposals_of,
)
from dealthread.store.journal import add_refs
from dealthread.store.runs import claim
from dealthread.store.schema import contracts, runs
from dealthread.store.schema_adoption import (
    adopted_openings,
    adoption_answers,
    adoption_plans,
    adoption_proposals,
)
from dealthread.store.versions import accept_version, columns_of

PROPOSED, APPROVED, DONE = "proposed", "approved", "done"


class PostgresAdoption:
    """Each method is one transaction."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    # ------------------------------------------------------------ what a plan is made from

    async def answers(self, seller: str) -> tuple[Answer, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(adoption_answers.c.body)
                .where(adoption_answers.c.seller == seller)
                .order_by(adoption_answers.c.deal_id)
            )
            return tuple(Answer.model_validate(body) for body in rows.scalars())

    async def say(self, seller: str, answer: Answer) -> Answer:
        async with self._engine.begin() as connection:
            await _one_at_a_time(connection, seller)
            before = await connection.execute(
                select(adoption_answers.c.body).where(
                    adoption_answers.c.seller == seller,
                    adoption_answers.c.deal_id == answer.deal_id,
                )
            )
            known = before.scalar()
            if known is not None:
                answer = Answer.model_validate(known).with_later(answer)
            values = {"body": answer.model_dump(mode="json"), "said_by": answer.said_by}
            await connection.execute(
                insert(adoption_answers)
                .values(seller=seller, deal_id=answer.deal_id, **values)
                .on_conflict_do_update(
                    index_elements=["seller", "deal_id"], set_={**values, "said_at": func.now()}
                )
            )
            await audit.append(
                connection,
                f"adoption:{seller}",
                "adoption.answered",
                key=answer.deal_id,
                actor=answer.said_by,
                detail=answer.model_dump(mode="json", exclude={"said_by"}),
            )
        return answer

    async def own_book(self, seller: str, currency: str, as_of: date) -> OwnBook:
        async with self._engine.connect() as connection:
            await connection.execution_options(isolation_level="REPEATABLE READ")
            return await own_book(connection, seller, currency, as_of)

    # ------------------------------------------------------------ plans

    async def keep(self, plan: AdoptionPlan, won_from: date, proposed_by: str) -> bool:
        async with self._engine.begin() as connection:
            made = await connection.execute(
                insert(adoption_plans)
                .values(
                    plan_id=plan.plan_id,
                    seller=plan.seller,
                    as_of=plan.as_of,
                    won_from=won_from,
                    digest=plan.digest(),
                    is_tied=plan.is_tied,
                    contracts=len(plan.proposals),
                    body=plan.model_copy(update={"proposals": ()}).model_dump(mode="json"),
                    proposed_by=proposed_by,
                )
                .on_conflict_do_nothing()
                .returning(adoption_plans.c.plan_id)
            )
            if made.first() is None:
                return False
            if plan.proposals:
                await connection.execute(
                    insert(adoption_proposals),
                    [
                        {
                            "plan_id": plan.plan_id,
                            "contract_key": one.adopted.contract.key,
                            "body": one.model_dump(mode="json"),
                        }
                        for one in plan.proposals
                    ],
                )
            await audit.append(
                connection,
                f"adoption:{plan.seller}",
                "adoption.proposed",
                key=plan.plan_id,
                actor=proposed_by,
                detail={"digest": plan.digest(), "contracts": len(plan.proposals)},
            )
            return True

    async def plan(self, plan_id: str, *, with_proposals: bool = False) -> KeptPlan:
        async with self._engine.connect() as connection:
            row = (
                await connection.execute(
                    select(adoption_plans).where(adoption_plans.c.plan_id == plan_id)
                )
            ).first()
            if row is None:
                raise NotFound("adoption_plan_not_found", id=plan_id)
            written, settled = await progress_of(connection, plan_id)
            proposals: tuple[Proposal, ...] = ()
            if with_proposals:
                proposals = await proposals_of(connection, plan_id)
        return kept(row, written, settled, proposals)

    async def listing(self, seller: str = "") -> list[KeptPlan]:
        """Newest first, without proposals."""
        query = select(adoption_plans).order_by(adoption_plans.c.proposed_at.desc()).limit(50)
        if seller:
            query = query.where(adoption_plans.c.seller == seller)
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
            return [kept(row, *await progress_of(connection, row.plan_id), ()) for row in rows]

    async def approve(self, plan_id: str, digest: str, actor: str) -> bool:
        async with self._engine.begin() as connection:
            row = (
                await connection.execute(
                    select(adoption_plans).where(adoption_plans.c.plan_id == plan_id)
                )
            ).first()
            if row is None:
                raise NotFound("adoption_plan_not_found", id=plan_id)
            await _one_at_a_time(connection, row.seller)
            other = await connection.execute(
                select(adoption_plans.c.plan_id).where(
                    adoption_plans.c.seller == row.seller,
                    adoption_plans.c.state == APPROVED,
                    adoption_plans.c.plan_id != plan_id,
                )
            )
            if other.first() is not None:
                raise Conflict("another_adoption_runs", seller=row.seller)
            changed = await connection.execute(
                update(adoption_plans)
                .where(
                    adoption_plans.c.plan_id == plan_id,
                    adoption_plans.c.digest == digest,
                    adoption_plans.c.state == PROPOSED,
                )
                .values(state=APPROVED, approved_by=actor, approved_at=func.now())
                .returning(adoption_plans.c.plan_id)
            )
            if changed.first() is None:
                return False
            await audit.append(
                connection,
                f"adoption:{row.seller}",
                "adoption.approved",
                key=plan_id,
                actor=actor,
                detail={"digest": digest},
            )
            return True

    async def waiting(self, plan_id: str, limit: int) -> tuple[Proposal, ...]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(
                select(adoption_proposals.c.body)
                .join(adoption_plans, adoption_plans.c.plan_id == adoption_proposals.c.plan_id)
                .where(
                    adoption_proposals.c.plan_id == plan_id,
                    adoption_proposals.c.written.is_(False),
                    adoption_plans.c.state == APPROVED,
                )
                .order_by(adoption_proposals.c.contract_key)
                .limit(limit)
            )
            return tuple(Proposal.model_validate(body) for body in rows.scalars())

    async def write(self, plan_id: str, proposal: Proposal, version: ContractVersionRecord) -> None:
        contract = version.contract
        async with self._engine.begin() as connection:
            head = (
                await connection.execute(
                    select(adoption_plans.c.approved_by, adoption_plans.c.digest).where(
                        adoption_plans.c.plan_id == plan_id
                    )
                )
            ).one()
            marked = await connection.execute(
                update(adoption_proposals)
                .where(
                    adoption_proposals.c.plan_id == plan_id,
                    adoption_proposals.c.contract_key == contract.key,
                    adoption_proposals.c.written.is_(False),
                )
                .values(written=True)
                .returning(adoption_proposals.c.contract_key)
            )
            if marked.first() is None:
                return
            made = await connection.execute(
                insert(contracts)
                .values(
                    contract_key=contract.key,
                    state=ContractState.PENDING,
                    **columns_of(contract, proposal.customer_name),
                )
                .on_conflict_do_nothing()
                .returning(contracts.c.contract_key)
            )
            if made.first() is None:
                raise Conflict("contract_there_already", contract=contract.key)
            await _never_sold_again(connection, contract, head.approved_by)
            await accept_version(connection, version)
            await add_refs(connection, contract.key, _refs(proposal), "adopted")
            opening = proposal.adopted.opening
            await connection.execute(
                insert(adopted_openings).values(
                    contract_key=contract.key,
                    plan_id=plan_id,
                    as_of=opening.as_of,
                    currency=contract.currency,
                    billed=opening.billed.amount,
                    recognised=opening.recognised.amount,
                    deferred=opening.deferred.amount,
                    owed={
                        one.bill.ref.native_id: str(one.bill.remaining.amount)
                        for one in proposal.invoices
                    },
                )
            )
            await claim(
                connection,
                ChangeRequest(
                    change_id=adoption_id(contract.key),
                    kind=ChangeKind.ADOPTION,
                    org=contract.org,
                    deal_id=contract.deal_id,
                    requested_by=head.approved_by,
                ),
                contract.key,
            )
            await audit.append(
                connection,
                contract.key,
                "contract.adopted",
                key=plan_id,
                actor=head.approved_by,
                detail={
                    "digest": head.digest,
                    "reasons": [f"{one.what}: {one.reason}" for one in proposal.matches],
                },
            )

    async def done(self, plan_id: str) -> None:
        async with self._engine.begin() as connection:
            await connection.execute(
                update(adoption_plans)
                .where(adoption_plans.c.plan_id == plan_id, adoption_plans.c.state == APPROVED)
                .values(state=DONE, done_at=datetime.now(UTC))
            )

    async def proposal(self, contract_key: str) -> Proposal:
        async with self._engine.connect() as connection:
            body = await connection.scalar(adopted_proposal(contract_key))
        if body is None:
            raise NotFound("contract_not_adopted", id=contract_key)
        return Proposal.model_validate(body)


# ------------------------------------------------------------ parts


async def _one_at_a_time(connection: AsyncConnection, seller: str) -> None:
    await connection.execute(
        text("SELECT pg_advisory_xact_lock(hashtext(:what))"), {"what": f"adoption:{seller}"}
    )


async def _never_sold_again(connection: AsyncConnection, contract: Contract, actor: str) -> None:
    """The deal has its quote-to-cash: other hands did it. A message that it is won, or a person who
    submits it, would sell it a second time. Raises Conflict where that is under way."""
    made = await connection.execute(
        insert(runs)
        .values(
            business_key=quote_to_cash_id(contract.org, contract.deal_id),
            generation=1,
            kind=ChangeKind.QUOTE_TO_CASH,
            contract_key=contract.key,
            org=contract.org,
            deal_id=contract.deal_id,
            requested_by=actor,
            stage="adopted",
            outcome=ChangeOutcome.COMPLETED,
            delivered=True,
            ended_at=func.now(),
        )
        .on_conflict_do_nothing()
        .returning(runs.c.business_key)
    )
    if made.first() is None:
        raise Conflict("deal_is_under_way", contract=contract.key)


def _refs(proposal: Proposal) -> tuple[Ref, ...]:
    """Everything by which the contract may be asked for; the party's old code among it."""
    party = proposal.party
    code = party.model_copy(update={"kind": "customer_code", "native_id": proposal.party_code})
    invoices = (
        ref
        for one in proposal.invoices
        for ref in (
            one.bill.ref.model_copy(
                update={"kind": "invoice_number", "native_id": one.bill.number}
            ),
            one.item.ref,
        )
    )
    contract = proposal.adopted.contract
    found = (contract.customer_ref, *contract.refs, code, *invoices)
    return tuple(one for one in found if one.native_id)
