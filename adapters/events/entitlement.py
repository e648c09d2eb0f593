"""The entitlement port by signed events; a 2xx answer carries the native id and confirms."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import quote

import httpx
from pydantic import JsonValue

from adapters.events.delivery import post_event
from adapters.events.settings import EntitlementSettings
from adapters.http import (
    CallMeter,
    NoMeter,
    make_client,
    read_failure,
    refuse_unanswered,
    within_total,
)
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import Entitlement, EntitlementState, Grant
from dealthread.domain.event_data.base import OfContract
from dealthread.domain.event_data.service import EntitlementGrant, EntitlementHold, GrantTold
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.errors import ContractDrift
from dealthread.naming import event_id
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from dealthread.ports.clock import BusinessClock
from dealthread.ports.entitlement import GrantEntitlement, SuspendEntitlement

ACCOUNT = "default"
_FAILED = "entitlement.failed"


class SignedEventEntitlement:
    """Implements `dealthread.ports.entitlement.EntitlementPort`."""

    settle_window = timedelta(0)
    """The look-up reads what the event's handler wrote before it answered."""

    def __init__(
        self,
        settings: EntitlementSettings,
        clock: BusinessClock,
        meter: CallMeter | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._meter = meter or NoMeter()
        self._client = make_client(settings.url, transport=transport)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def grant(
        self, command: GrantEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        """Record and activate."""
        data = EntitlementGrant(
            contract_key=command.contract_key,
            customer_key=command.customer_key,
            grants=tuple(_told(grant) for grant in command.grants),
        ).told()
        kind = EventType.ENTITLEMENT_GRANT
        return await self._tell(kind, command.contract_key, data, idempotency_key)

    async def revoke(self, contract_key: str, *, idempotency_key: str) -> Outcome[Entitlement]:
        """Undo. Nothing there counts as done."""
        kind = EventType.ENTITLEMENT_REVOKE
        data = OfContract(contract_key=contract_key).told()
        outcome = await self._tell(kind, contract_key, data, idempotency_key)
        if isinstance(outcome, Rejected) and outcome.code == "http_404":
            return Done(
                Entitlement(
                    ref=_ref(contract_key),
                    contract_key=contract_key,
                    state=EntitlementState.REVOKED,
                )
            )
        return outcome

    async def suspend(
        self, command: SuspendEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        """Put on a hold."""
        return await self._hold(EventType.ENTITLEMENT_SUSPEND, command, idempotency_key)

    async def restore(
        self, command: SuspendEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        """Lift this hold, and no other."""
        return await self._hold(EventType.ENTITLEMENT_RESTORE, command, idempotency_key)

    async def _hold(
        self, kind: EventType, command: SuspendEntitlement, idempotency_key: str
    ) -> Outcome[Entitlement]:
        data = EntitlementHold(
            contract_key=command.contract_key, hold_id=command.hold_id, reason=command.reason
        ).told()
        return await self._tell(kind, command.contract_key, data, idempotency_key)

    async def find(self, contract_key: str, *, idempotency_key: str) -> Entitlement | None:  # noqa: ARG002
        """What the service holds for the contract, whichever act made it."""
        self._meter.count("entitlement", "find")
        path = f"/entitlements/{quote(contract_key, safe='')}"
        token = self._settings.token.get_secret_value()
        try:
            response = await within_total(
                self._client.get(path, headers={"authorization": f"Bearer {token}"})
            )
        except (httpx.HTTPError, TimeoutError) as error:
            raise read_failure(error) from None
        status = response.status_code
        if status == 404:
            return None
        refuse_unanswered(response, "entitlement_token_refused")
        try:
            body = json.loads(response.content, parse_float=Decimal)
        except ValueError:
            raise ContractDrift("entitlement_answer_not_json") from None
        if status != 200:
            raise ContractDrift("unexpected_entitlement_answer", status=str(status))
        return entitlement_of(body, contract_key)

    async def _tell(
        self,
        kind: EventType,
        contract_key: str,
        data: dict[str, JsonValue],
        idempotency_key: str,
    ) -> Outcome[Entitlement]:
        # A repeat after a refusal carries a revision in its key, and is another message.
        message_id = event_id(idempotency_key)
        event = BusinessEvent(
            id=message_id, type=kind, subject=contract_key, time=self._clock.now(), data=data
        )
        body = json.dumps(event.cloud_event(), separators=(",", ":")).encode()
        outcome = await post_event(
            self._client,
            "/events",
            self._settings.secret,
            message_id,
            body,
            case_kind=_FAILED,
            meter=self._meter,
            operation=kind.value,
        )
        if isinstance(outcome, Rejected | Unknown):
            return outcome
        try:
            return Done(entitlement_of(outcome.body, contract_key))
        except ContractDrift as drift:
            return Unknown("answer_without_id", evidence=drift.evidence)


def entitlement_of(body: Any, contract_key: str) -> Entitlement:
    """Raises ContractDrift naming the field whose shape is not known."""
    if not isinstance(body, dict):
        raise _drift("body")
    native_id, state = body.get("id"), body.get("state")
    if not isinstance(native_id, str) or not native_id:
        raise _drift("id")
    if state not in {known.value for known in EntitlementState}:
        raise _drift("state")
    rows = body.get("grants", [])
    if not isinstance(rows, list):
        raise _drift("grants")
    holds = body.get("holds", [])
    if not isinstance(holds, list) or not all(isinstance(one, str) for one in holds):
        raise _drift("holds")
    return Entitlement(
        ref=_ref(native_id),
        contract_key=contract_key,
        state=EntitlementState(state),
        grants=tuple(_grant(row) for row in rows),
        holds=tuple(holds),
    )


def _grant(row: Any) -> Grant:
    try:
        until = row.get("access_to")
        return Grant(
            line_key=str(row["line_key"]),
            template=str(row["template"]),
            quantity=Decimal(str(row["quantity"])),
            access_from=date.fromisoformat(row["access_from"]),
            access_to=date.fromisoformat(until) if until else None,
        )
    except (AttributeError, KeyError, TypeError, ValueError, InvalidOperation):
        raise _drift("grants") from None


def _told(grant: Grant) -> GrantTold:
    return GrantTold(
        line_key=grant.line_key,
        template=grant.template,
        quantity=f"{grant.quantity:f}",
        access_from=grant.access_from,
        access_to=grant.access_to,
    )


def _ref(native_id: str) -> Ref:
    return Ref(system=System.ENTITLEMENT, account=ACCOUNT, kind="entitlement", native_id=native_id)


def _drift(field: str) -> ContractDrift:
    return ContractDrift("entitlement_field_shape", field=field)
