"""What the core asks of its own store about adoption. Implemented in `store/`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from dealthread.domain.adoption.book import Answer, OwnBook
from dealthread.domain.adoption.plan import AdoptionPlan, Proposal
from dealthread.hub import ContractVersionRecord


@dataclass(frozen=True)
class KeptPlan:
    """A plan as it was proposed, and what became of it. `plan` has its proposals on request."""

    plan_id: str
    digest: str
    state: str
    """proposed, approved, done."""
    won_from: date
    contracts: int
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    plan: AdoptionPlan
    written: int = 0
    """Contracts that are written."""
    settled: int = 0
    """Of those, the ones whose references are in every system: they are active."""


class Adoption(Protocol):
    """Plans of adoption."""

    async def answers(self, seller: str) -> tuple[Answer, ...]:
        """What people said of deals of a company."""

    async def say(self, seller: str, answer: Answer) -> Answer:
        """Keep an answer; with what was said before of the deal, as far as it is not said anew."""

    async def own_book(self, seller: str, currency: str, as_of: date) -> OwnBook:
        """Contracts that are ours already, and what is deferred of them before a day."""

    async def keep(self, plan: AdoptionPlan, won_from: date, proposed_by: str) -> bool:
        """Keep a plan; False where the same one was kept before."""

    async def plan(self, plan_id: str, *, with_proposals: bool = False) -> KeptPlan:
        """One plan. Raises NotFound."""

    async def approve(self, plan_id: str, digest: str, actor: str) -> bool:
        """From here on it is carried out; False where it was approved before. Raises Conflict
        where another plan of the company is under way or has taken one of its contracts."""

    async def waiting(self, plan_id: str, limit: int) -> tuple[Proposal, ...]:
        """Proposals of an approved plan that are not written yet."""

    async def write(self, plan_id: str, proposal: Proposal, version: ContractVersionRecord) -> None:
        """Contract, version, schedule, cross-references, opening and the run that puts our
        references on, in one transaction; written before is written."""

    async def done(self, plan_id: str) -> None:
        """Nothing of it waits."""

    async def proposal(self, contract_key: str) -> Proposal:
        """What a contract was adopted from. Raises NotFound."""
