"""What people decide: approve what asks for it, try again what was refused, answer a bank."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

from sqlalchemy import func, select

from dealthread.domain.case import Case, CaseState, Decision, DecisionKind
from dealthread.domain.service_level import Level, watch_of
from dealthread.store.schema import case_decisions
from tests.month.house import House
from tests.month.orders import APPROVER, OPERATOR, Lived
from tests.month.plan import Fate

MOST_DECISIONS = 5
"""On one case: after them something is wrong that no retry mends."""
_WATCHED = {watch_of(one) for one in Level}
_BY_SECOND = (DecisionKind.APPROVE, DecisionKind.REJECT)


class People:
    """Everybody who has to decide something."""

    def __init__(self, house: House, told: Callable[[str], None], by_key: dict[str, Lived]) -> None:
        self._house = house
        self._told = told
        self._by_key = by_key
        self._one_at_a_time = asyncio.Lock()
        self._times: Counter[str] = Counter()
        self.decided: list[tuple[Case, DecisionKind]] = []

    async def decide(self) -> int:
        """All that is open; how many cases were decided."""
        async with self._one_at_a_time:
            it, decided = self._house.it, 0
            for case in await it.cases.listing(CaseState.OPEN, "", 1000):
                if case.workflow_id in _WATCHED:
                    continue  # it closes when what is late is there
                kind = self._answer(case)
                await it.cases.decide(
                    Decision(
                        case_id=case.case_id,
                        version=case.version,
                        decision=kind,
                        actor=APPROVER if kind in _BY_SECOND else OPERATOR,
                        reason="looked at",
                    )
                )
                self.decided.append((case, kind))
                self._told(case.workflow_id)
                self._times[case.case_id] += 1
                if self._times[case.case_id] > MOST_DECISIONS:
                    raise AssertionError(f"{case.case_id} opens again and again: {case}")
                decided += 1
            while await self._undelivered():
                if not await self._house.relay.deliver_decisions():
                    await asyncio.sleep(0.02)
            return decided

    async def _undelivered(self) -> int:
        """A run that did not answer in time is told again, after a while."""
        query = select(func.count()).where(case_decisions.c.delivered_at.is_(None))
        async with self._house.it.engine.connect() as connection:
            return int((await connection.execute(query)).scalar_one())

    async def watched(self) -> list[Case]:
        """Open cases that close by themselves."""
        found = await self._house.it.cases.listing(CaseState.OPEN, "", 1000)
        return [case for case in found if case.workflow_id in _WATCHED]

    def _answer(self, case: Case) -> DecisionKind:
        if case.kind == "cash.disputed":
            return self._about_dispute(case)
        for kind in (DecisionKind.APPROVE, DecisionKind.RETRY, DecisionKind.HAND_OVER):
            if kind in case.allowed:
                return kind
        raise AssertionError(f"nobody knows what to decide: {case}")

    def _about_dispute(self, case: Case) -> DecisionKind:
        """Evidence is given where the month says that it is won; else the loss is taken."""
        lived = self._by_key[case.contract_key]
        account = lived.contract.billing_account
        if lived.plan.fate is Fate.DISPUTE_WON:
            self._house.biller.give_evidence(account, lived.customer)
            return DecisionKind.APPROVE
        self._house.biller.take_loss(account, lived.customer)
        return DecisionKind.REJECT
