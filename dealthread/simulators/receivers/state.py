"""What a receiver remembers: answers by message id, entitlements by contract, account health."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.receivers.events import (
    ENTERED,
    GRANT,
    RESTORE,
    REVOKE,
    STATE_OF,
    SUSPEND,
    Event,
    GrantData,
    HoldData,
)

Form = TypeVar("Form", GrantData, HoldData)


class EventRefused(Exception):
    """The event cannot be taken; the answer's status and text."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass
class Entitlement:
    """What a contract's customer may use."""

    contract_key: str
    customer_key: str | None
    is_revoked: bool
    grants: GrantData | None
    raw_grants: list[dict[str, Any]]
    as_of: datetime
    holds: tuple[str, ...] = ()
    """Suspended while there is one."""
    lifted: frozenset[str] = frozenset()
    """Holds that were lifted: one never comes back, so that a late copy of it suspends nothing."""


@dataclass(frozen=True)
class HeldContract:
    """What customer success holds of a contract itself."""

    state: str
    version: int | None
    changed_at: datetime


@dataclass
class Receiver:
    """One receiver's memory. Applying an event twice changes nothing the second time."""

    clock: SimClock
    ledger: Ledger
    holds_entitlements: bool
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    contracts: dict[str, dict[str, tuple[datetime, dict[str, Any]]]] = field(default_factory=dict)
    """By contract key and sort of event: (its time, what is known)."""
    customers: dict[str, dict[str, tuple[datetime, dict[str, Any]]]] = field(default_factory=dict)
    """The same by customer key, of events about the customer itself."""
    held: dict[str, HeldContract] = field(default_factory=dict)
    _answers: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    _customer_of: dict[str, str] = field(default_factory=dict)

    def take(self, message_id: str, event: Event) -> dict[str, Any]:
        """Apply an event once; the same message id answers the same. Raises EventRefused.

        A repeat may differ in its time, not in what it says.
        """
        said = json.dumps([event.type, event.subject, event.data], sort_keys=True)
        digest = hashlib.sha256(said.encode()).hexdigest()
        known = self._answers.get(message_id)
        if known is not None:
            if known[0] != digest:
                raise EventRefused(409, "id_reused", "this webhook-id came with another event")
            return known[1]
        if self.holds_entitlements:
            answer = self._entitle(message_id, event)
        else:
            answer = self._observe(message_id, event)
        self._answers[message_id] = (digest, answer)
        return answer

    def shown(self, contract_key: str) -> dict[str, Any] | None:
        """The entitlement of a contract as of business now, or None."""
        held = self.entitlements.get(contract_key)
        if held is None:
            return None
        state = "revoked"
        if not held.is_revoked and held.grants is not None:
            today = self.clock.today()
            state = _state_on(held.grants, today)
            if held.holds and state != "ended":
                state = "suspended"
        return {
            "id": entitlement_id(contract_key),
            "contract_key": contract_key,
            "customer_key": held.customer_key,
            "state": state,
            "grants": held.raw_grants,
            "holds": list(held.holds),
        }

    def account(self, customer_key: str) -> dict[str, Any] | None:
        """The health record of a customer: of itself and per contract the latest of each sort, or
        None."""
        owned = [key for key, customer in self._customer_of.items() if customer == customer_key]
        itself = self.customers.get(customer_key, {})
        if not owned and not itself:
            return None
        return {
            "customer_key": customer_key,
            "customer": {sort: shape for sort, (_, shape) in itself.items()},
            "contracts": {
                key: {sort: shape for sort, (_, shape) in self.contracts[key].items()}
                for key in owned
            },
        }

    def contract(self, contract_key: str) -> dict[str, Any] | None:
        """A contract as customer success holds it: by what it was told last, unless a person
        entered another state after that; None where neither told of it."""
        held = self.held.get(contract_key)
        if held is None:
            return None
        return {
            "contract_key": contract_key,
            "customer_key": self._customer_of.get(contract_key),
            "state": held.state,
            "version": held.version,
            "changed_at": held.changed_at.astimezone(UTC).isoformat(),
        }

    def clear(self) -> None:
        """Forget everything."""
        self.held.clear()
        self.entitlements.clear()
        self.contracts.clear()
        self.customers.clear()
        self._answers.clear()
        self._customer_of.clear()

    # ------------------------------------------------------------ entitlement service

    def _entitle(self, message_id: str, event: Event) -> dict[str, Any]:
        if event.type in (SUSPEND, RESTORE):
            return self._hold(message_id, event)
        if event.type not in (GRANT, REVOKE):
            raise EventRefused(422, "unknown_type", f"no use for {event.type}")
        contract_key = event.subject
        stamp = event.time
        held = self.entitlements.get(contract_key)
        if held is not None and held.as_of > stamp:
            # A late copy of an older decision must not undo the newer one.
            return self.shown(contract_key) or {}
        if event.type == GRANT:
            data = _grant_data(event)
            raw = event.data["grants"]
            made = Entitlement(contract_key, data.customer_key, False, data, raw, stamp)
            if held is not None:
                # More seats do not pay the bill: what withholds it is lifted by its own id only.
                made = replace(made, holds=held.holds, lifted=held.lifted)
            self.entitlements[contract_key] = made
        else:
            self.entitlements[contract_key] = Entitlement(
                contract_key,
                None if held is None else held.customer_key,
                True,
                None if held is None else held.grants,
                [] if held is None else held.raw_grants,
                stamp,
                () if held is None else held.holds,
                frozenset() if held is None else held.lifted,
            )
        kind = "entitlement.granted" if event.type == GRANT else "entitlement.revoked"
        self.ledger.effect(kind, entitlement_id(contract_key), key=message_id)
        return self.shown(contract_key) or {}

    def _hold(self, message_id: str, event: Event) -> dict[str, Any]:
        data = _checked(HoldData, event, "hold")
        held = self.entitlements.get(event.subject)
        if held is None:
            raise EventRefused(404, "not_found", "nothing was granted for this contract")
        one = data.hold_id
        others = tuple(hold for hold in held.holds if hold != one)
        if event.type == RESTORE:
            changed = replace(held, holds=others, lifted=held.lifted | {one})
        elif one in held.lifted:
            return self.shown(event.subject) or {}
        else:
            changed = replace(held, holds=(*others, one))
        self.entitlements[event.subject] = changed
        kind = "entitlement.suspended" if event.type == SUSPEND else "entitlement.restored"
        if changed.holds != held.holds:
            self.ledger.effect(kind, entitlement_id(event.subject), key=message_id)
        return self.shown(event.subject) or {}

    # ------------------------------------------------------------ customer success

    def _observe(self, message_id: str, event: Event) -> dict[str, Any]:
        """Keep the latest fact of each sort; the sort is the middle of the type's name."""
        if event.type == ENTERED:
            if event.subject not in self.held:
                raise EventRefused(404, "not_found", "nothing is known of this contract")
            self._hold_contract(event)
            self.ledger.effect("contract.entered", event.subject, key=message_id)
            return self.contract(event.subject) or {}
        parts = event.type.split(".")
        if len(parts) < 4 or parts[0] != "dealthread":
            raise EventRefused(422, "unknown_type", f"no use for {event.type}")
        customer = event.data.get("customer_key")
        if event.subject == customer:
            known_of = self.customers.setdefault(event.subject, {})
        else:
            known_of = self.contracts.setdefault(event.subject, {})
            if isinstance(customer, str) and customer:
                self._customer_of[event.subject] = customer
        known = known_of.get(sort := parts[1])
        if known is None or known[0] <= event.time:
            shape = {
                "type": event.type,
                "state": ".".join(parts[2:-1]),
                "time": event.time.astimezone(UTC).isoformat(),
                "data": event.data,
            }
            known_of[sort] = (event.time, shape)
        self._hold_contract(event)
        self.ledger.effect("account.updated", event.subject, key=message_id, details={"sort": sort})
        return {
            "id": event.id,
            "contract_key": event.subject,
            "customer_key": self._customer_of.get(event.subject),
        }

    def _hold_contract(self, event: Event) -> None:
        """The state that an event tells, by its type or in its data. The latest counts, whoever
        it comes from."""
        state = STATE_OF.get(event.type, "")
        if state is None:
            told = event.data.get("state")
            state = told if isinstance(told, str) else ""
        before = self.held.get(event.subject)
        if not state or (before is not None and before.changed_at > event.time):
            return
        version = event.data.get("version")
        if not isinstance(version, int):
            version = None if before is None else before.version
        self.held[event.subject] = HeldContract(state, version, event.time)


def entitlement_id(contract_key: str) -> str:
    """`ent_` and 16 hex digits that follow from the contract's key."""
    return "ent_" + hashlib.sha256(contract_key.encode()).hexdigest()[:16]


def _state_on(data: GrantData, today: date) -> str:
    """Recorded before the first right begins, ended when the last one has run out."""
    if all(one.access_to is not None and one.access_to <= today for one in data.grants):
        return "ended"
    return "active" if any(one.access_from <= today for one in data.grants) else "recorded"


def _grant_data(event: Event) -> GrantData:
    return _checked(GrantData, event, "grant")


def _checked(form: type[Form], event: Event, what: str) -> Form:
    try:
        data = form.model_validate(event.data)
    except ValidationError as exc:
        fields = ", ".join(".".join(map(str, one["loc"])) for one in exc.errors())
        raise EventRefused(422, "invalid_data", f"the {what} is not valid: {fields}") from exc
    if data.contract_key != event.subject:
        raise EventRefused(422, "invalid_data", "subject and contract_key differ")
    return data
