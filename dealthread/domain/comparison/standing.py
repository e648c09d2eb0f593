"""How a contract stands here: what every system has to say of it, and what is under way."""

from __future__ import annotations

from pydantic import AwareDatetime

from dealthread.domain.base import Frozen, System
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.documents import Agreement, Booking
from dealthread.domain.money import Money


class RunUnderWay(Frozen):
    """A change of the contract that has not ended, or is waited for."""

    business_key: str
    stage: str
    began_at: AwareDatetime


class OpenCase(Frozen):
    """What a person has to decide about the contract."""

    case_id: str
    kind: str
    business_key: str
    opened_at: AwareDatetime


class UnknownWrite(Frozen):
    """A write whose answer was lost: nobody knows yet whether it took effect."""

    system: System
    step: str
    business_key: str
    sent_at: AwareDatetime


class Told(Frozen):
    """The newest news of the contract's state for one subscriber, and whether it has arrived."""

    subscriber: str
    event_id: str
    state: str
    """Of the last that it confirmed; "" where it confirmed none."""
    version: int | None = None
    """None where that news names no version."""
    waiting: str = ""
    """Type of the oldest that it has not confirmed; "" where nothing waits."""
    waiting_since: AwareDatetime | None = None
    answer: str = ""
    """What it last said to what waits."""


class ContractStanding(Frozen):
    """One contract by our own store."""

    contract: Contract
    """The version that stands."""
    state: ContractState
    customer_name: str = ""
    changed_at: AwareDatetime
    agreement: Agreement | None = None
    bookings: tuple[Booking, ...] = ()
    """Each as the ledger answered our last write of it."""
    named: dict[str, tuple[str, ...]] = {}
    """`<system>.<kind>` to the native ids that systems gave the contract's records."""
    holds: tuple[str, ...] = ()
    """What withholds the service by our own doing."""
    told: tuple[Told, ...] = ()
    runs: tuple[RunUnderWay, ...] = ()
    cases: tuple[OpenCase, ...] = ()
    unknown: tuple[UnknownWrite, ...] = ()

    @property
    def key(self) -> str:
        """The contract's key."""
        return self.contract.key

    @property
    def value(self) -> Money:
        """Net of the committed term."""
        return self.contract.tcv()

    def ids(self, *kinds: str) -> tuple[str, ...]:
        """Native ids of some kinds, e.g. `erp.customer`."""
        return tuple(one for kind in kinds for one in self.named.get(kind, ()))

    def moved_since(self, before: ContractStanding) -> bool:
        """Whether anything of it changed while the systems were read."""
        return _moving(self) != _moving(before)


def _moving(standing: ContractStanding) -> tuple[object, ...]:
    return (
        standing.changed_at,
        standing.state,
        standing.contract,
        standing.runs,
        standing.holds,
        standing.told,
    )
