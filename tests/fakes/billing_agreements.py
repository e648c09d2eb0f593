"""Agreements as the fake biller holds them, and what people did to them since."""

from __future__ import annotations

from datetime import date

from dealthread.domain.comparison.seen import BilledAgreement, BilledState
from dealthread.domain.contract import Contract
from dealthread.domain.documents import Agreement, AgreementStatus
from dealthread.errors import NotFound
from tests.fakes.world import World


class FakeAgreements:
    """Each bills what its contract says, until its end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.agreements: dict[str, list[Agreement]] = {}
        self.by_hand: dict[str, dict[str, object]] = {}
        """By contract key: field to value; the key alone ("gone") for one that was removed."""
        self._held: dict[str, Contract] = {}

    def holds(self, contract: Contract) -> None:
        """What its agreement bills from now on."""
        self._held[contract.key] = contract

    async def agreement_now(self, agreement: Agreement, billing_account: str) -> BilledAgreement:
        return await self._world.read(
            "billing.agreement_now", lambda: self._now(agreement.ref.native_id)
        )

    def _now(self, native_id: str) -> BilledAgreement:
        for key, made in self.agreements.items():
            for one in made:
                if one.ref.native_id == native_id and "gone" not in self.by_hand.get(key, {}):
                    shown = self._shown(self._held[key], one)
                    return shown.model_copy(update=self.by_hand.get(key))
        raise NotFound("agreement_not_found")

    def _shown(self, contract: Contract, agreement: Agreement) -> BilledAgreement:
        today = self._world.today.date()
        day = max(today, contract.start_date)
        lines = [
            line
            for line in contract.lines
            if line.kind == "recurring"
            and line.start_date <= day
            and (line.end_date is None or day < line.end_date)
        ]
        return BilledAgreement(
            ref=agreement.ref,
            contract_key=contract.key,
            customer=f"cus_{contract.customer_key}",
            state=_state(contract, agreement, today),
            ends_on=contract.committed_until or contract.end_date,
            quantities={line.line_key: line.quantity for line in lines},
            periods={line.line_key: line.net_per_period for line in lines},
        )


def _state(contract: Contract, agreement: Agreement, today: date) -> BilledState:
    end = contract.committed_until or contract.end_date
    if agreement.status is AgreementStatus.CANCELLED or (end is not None and end <= today):
        return BilledState.ENDED
    return BilledState.SCHEDULED if contract.start_date > today else BilledState.ACTIVE
