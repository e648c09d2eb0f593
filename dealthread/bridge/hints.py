"""What a message from the CRM asks for: a new deal's quote-to-cash, or a change of a contract.

A hint names records, never data: what is asked in detail is read back from the CRM by the saga.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.deal import DealKind
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.errors import BadInput
from dealthread.naming import (
    amendment_id,
    contract_key,
    quote_to_cash_id,
    renewal_id,
    salesforce_id_18,
)
from dealthread.store.inbox import InboxRow

CONTRACT_KEY = re.compile(r"C-[A-Z2-7]{13}\Z")
OVER = (ContractState.ENDED, ContractState.NEVER_ACTIVATED)
"""States of a contract that nothing changes any more."""


@dataclass(frozen=True)
class Hint:
    """A deal of an organisation that was won, or lost, and the contract it is about."""

    org: str
    deal_id: str
    kind: DealKind
    contract_key: str

    @property
    def is_change(self) -> bool:
        """Whether it asks for a change of a contract that exists."""
        return self.kind in (DealKind.AMENDMENT, DealKind.RENEWAL)


def read_hint(row: InboxRow) -> Hint | None:
    """What an inbox row asks for; None when it triggers nothing. Raises BadInput."""
    try:
        told = json.loads(row.body)
        deal = salesforce_id_18(told["recordId"])
        org = salesforce_id_18(row.account)
    except (ValueError, KeyError, TypeError):
        raise BadInput("unreadable", field="recordId", action="send the record's id") from None
    if told.get("object") != "Opportunity" or told.get("trigger") not in ("won", "lost"):
        return None
    kind = _kind(told)
    if told["trigger"] == "lost" and kind is not DealKind.RENEWAL:
        return None
    if kind not in (DealKind.AMENDMENT, DealKind.RENEWAL):
        return Hint(org, deal, kind, contract_key(org, deal))
    key = told.get("contractKey")
    if not isinstance(key, str) or not CONTRACT_KEY.match(key):
        raise BadInput(
            "contract_key_needed",
            field="contractKey",
            action="name the contract by its key, C-…",
        )
    return Hint(org, deal, kind, key)


def _kind(told: dict[str, Any]) -> DealKind:
    try:
        return DealKind(told.get("kind") or DealKind.NEW)
    except ValueError:
        raise BadInput(
            "unknown_kind", field="kind", action="use one of: " + ", ".join(DealKind)
        ) from None


def first_request(hint: Hint) -> ChangeRequest:
    """The quote-to-cash of a deal that is new."""
    return _request(hint, quote_to_cash_id(hint.org, hint.deal_id), ChangeKind.QUOTE_TO_CASH)


def change_request(
    hint: Hint, contract: Contract | None, state: ContractState | None
) -> ChangeRequest | None:
    """The change of a contract; None while too little is known of the contract to name it.

    `contract` is None for one whose deal is not assessed yet. Raises BadInput for one that cannot
    be changed.
    """
    if state in OVER:
        raise BadInput(f"contract_{state}", field="contractKey", action="sell it anew")
    if contract is not None and contract.org != hint.org:
        raise BadInput("contract_unknown", field="contractKey", action="name one of this org")
    if hint.contract_key == contract_key(hint.org, hint.deal_id):
        # A change is asked by an opportunity of its own; under this one, the calendar's run.
        raise BadInput("deal_of_the_contract", field="recordId", action="ask by another one")
    if hint.kind is DealKind.AMENDMENT:
        change_id = amendment_id(hint.contract_key, hint.deal_id)
        return _request(hint, change_id, ChangeKind.AMENDMENT)
    if contract is None:
        return None
    if contract.end_date is None:
        raise BadInput("evergreen", field="contractKey", action="it has no term to renew")
    return _request(hint, renewal_id(contract.key, contract.end_date), ChangeKind.RENEWAL)


def _request(hint: Hint, change_id: str, kind: ChangeKind) -> ChangeRequest:
    return ChangeRequest(
        change_id=change_id,
        kind=kind,
        org=hint.org,
        deal_id=hint.deal_id,
        requested_by=f"webhook:{hint.org}",
    )
