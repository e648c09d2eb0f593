"""ER-06: what a vendor's next version adds is ignored; what it takes away is found and named.

The answers are the simulators' own, read through our adapters. Each name in them is taken away in
turn: the adapter reads the same as before (it did not need the name) or says which one it misses.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from adapters.salesforce.read_deal import DealRecords, parts
from adapters.salesforce.record import records_of
from adapters.salesforce.translate import to_deal
from adapters.stripe import translate
from adapters.stripe.billing import StripeBilling
from dealthread.errors import ContractDrift
from dealthread.outcome import Done
from dealthread.ports.billing import StartAgreement
from tests.adapters.conftest import Simulator, native, org_id
from tests.adapters.crm_world import CrmWorld
from tests.adapters.test_salesforce_read import worked_deal
from tests.adapters.test_stripe_contract import customer_of
from tests.support import deals

SEEN = datetime(2026, 3, 15, tzinfo=UTC)
NEW = "a_name_of_the_next_version"
Path = tuple[str | int, ...]


def with_additions(value: Any) -> Any:
    """Every object has a name more, with an object in it."""
    if isinstance(value, dict):
        return {name: with_additions(held) for name, held in value.items()} | {NEW: {"x": [1]}}
    if isinstance(value, list):
        return [with_additions(held) for held in value]
    return value


def names_in(value: Any, here: Path = ()) -> Iterator[Path]:
    """The place of every name, outer ones first."""
    if isinstance(value, dict):
        for name, held in value.items():
            yield (*here, name)
            yield from names_in(held, (*here, name))
    elif isinstance(value, list):
        for index, held in enumerate(value):
            yield from names_in(held, (*here, index))


def without(value: Any, path: Path) -> Any:
    """A copy that lacks the name at a place."""
    copied = copy.deepcopy(value)
    held = copied
    for step in path[:-1]:
        held = held[step]
    del held[path[-1]]
    return copied


def outcome_of(read: Any, answer: Any) -> tuple[Any, str]:
    """(what was read, ""), or (None, the name that is missed)."""
    try:
        return read(answer), ""
    except ContractDrift as drift:
        return None, drift.evidence["field"]


def judge(read: Any, answer: Any, free: tuple[str, ...] = (), depth: int = 0) -> tuple[int, int]:
    """(names that are needed, names that are not); a silent change fails.

    `free` are objects whose names are their owner's own, such as metadata: one that is missing is
    a value that is missing. Names above `depth` are ours, not the vendor's.
    """
    expected = read(answer)
    assert read(with_additions(answer)) == expected
    needed = spare = 0
    for path in names_in(answer):
        if len(path) <= depth or any(step in free for step in path[:-1]):
            continue
        found, missed = outcome_of(read, without(answer, path))
        if missed:
            assert str(path[-1]) in missed, path
            needed += 1
        else:
            assert found == expected, f"{path} was taken away and nobody noticed"
            spare += 1
    return needed, spare


@pytest.mark.usefixtures("crm")
async def test_a_deal_misses_no_name_silently(crm_world: CrmWorld, salesforce: Simulator) -> None:
    """Opportunity, accounts, lines, contacts: what the query selected must be there."""
    deal_id, _ = worked_deal(crm_world)
    said = crm_world.http.post("/composite", json={"compositeRequest": parts(deal_id, "66.0")})
    answer = json.loads(said.content, parse_float=Decimal)
    bodies = {part["referenceId"]: part["body"] for part in answer["compositeResponse"]}

    def read(found: Any) -> Any:
        (deal,) = records_of(found["deal"], "Opportunity")
        return to_deal(
            DealRecords(
                deal,
                tuple(records_of(found["lines"], "OpportunityLineItem")),
                tuple(records_of(found["contacts"], "Contact")),
            ),
            org_id(),
            SEEN,
        )

    needed, spare = judge(read, bodies, depth=1)
    print(f"{needed} names are needed, {spare} are not")
    assert needed > 80


async def test_an_invoice_and_its_agreement_miss_no_name_silently(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """Amounts, taxes, dates, status, items: nothing reads as zero or empty by absence."""
    contract = deals.d2()
    customer = await customer_of(billing, contract, deals.NORDWERK)
    outcome = await billing.start_agreement(
        StartAgreement(contract=contract, customer=customer, hold_first_invoice=False),
        idempotency_key="k",
    )
    assert isinstance(outcome, Done)
    account = contract.billing_account
    client = native(stripe_simulator, account)
    subscription = client.v1.subscriptions.retrieve(
        str(outcome.value.ref.native_id), {"expand": ["latest_invoice"]}
    ).to_dict()
    invoice = subscription["latest_invoice"]
    lines = translate.items_of(subscription)

    def read(found: Any) -> Any:
        keys = translate.LineKeys(lines)
        return translate.invoice(account, found, translate.rows(found, "lines", "data"), keys, {})

    needed, spare = judge(read, invoice, free=("metadata",))
    print(f"invoice: {needed} names are needed, {spare} are not")
    assert needed > 15
    needed, spare = judge(
        lambda found: translate.agreement_of_subscription(account, found, None),
        {**subscription, "latest_invoice": invoice["id"]},
        free=("metadata",),
    )
    print(f"agreement: {needed} names are needed, {spare} are not")
    assert needed > 5


def test_the_check_bites() -> None:
    """A reader that takes absence for nothing is caught; one that stumbles over news, too."""

    def careless(found: Any) -> int:
        return int(found.get("amount", 0))

    with pytest.raises(AssertionError, match="nobody noticed"):
        judge(careless, {"amount": 5})

    def strict(found: Any) -> int:
        assert set(found) == {"amount"}
        return int(found["amount"])

    with pytest.raises(AssertionError):
        judge(strict, {"amount": 5})
