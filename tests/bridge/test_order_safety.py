"""EV-03, RS-03: an order never replaces what the CRM or the calendar asked, is one change however
it is spelled, and what a person may not mean is refused before anything is stored."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest
from sqlalchemy import select, update

from dealthread.config import load_config
from dealthread.domain.change_order import AmendmentOrder
from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import ChangeKind, ChangeOutcome, ChangeRequest
from dealthread.domain.versions.amended import amended
from dealthread.hub import ContractVersionRecord, Effects
from dealthread.naming import amendment_id, renewal_id
from dealthread.store.changes import PostgresChanges
from dealthread.store.contracts import PostgresContracts
from dealthread.store.runs import Runs
from dealthread.store.schema import contracts, runs
from tests.bridge.caller import ORG, Bridge
from tests.bridge.test_contracts_api import contract_of, counted
from tests.store.test_changes import context_of, wrote
from tests.support.change_orders import seats_of
from tests.support.deal_builder import CONFIG_DIR
from tests.support.running_contract import TODAY

pytestmark = pytest.mark.postgres
OTHER_DEAL = "0065g00000AbCdFAAV"


def seats(contract: Any, quantity: object, **more: object) -> dict[str, object]:
    line = {"action": "quantity", "line_key": seats_of(contract).line_key, "quantity": quantity}
    return {"lines": [line]} | more


async def post(bridge: Bridge, contract: Any, what: str, body: object) -> Any:
    path = f"/v1/contracts/{contract.key}/{what}"
    return await bridge.as_role("operator", "POST", path, body)


async def ended(bridge: Bridge, change_id: str, outcome: str) -> None:
    async with bridge.engine.begin() as connection:
        await connection.execute(
            update(runs).where(runs.c.business_key == change_id).values(outcome=outcome)
        )


@pytest.mark.parametrize("kind", [ChangeKind.AMENDMENT, ChangeKind.RENEWAL])
async def test_an_order_does_not_take_the_place_of_what_the_crm_asked(
    bridge: Bridge, kind: ChangeKind
) -> None:
    """Its run is claimed, its order is still to be read from the opportunity."""
    contract = await contract_of(bridge)
    renews = kind is ChangeKind.RENEWAL
    change_id = renewal_id(contract.key, date(2027, 1, 1))
    if not renews:
        change_id = amendment_id(contract.key, OTHER_DEAL)
    asked = ChangeRequest(
        change_id=change_id, kind=kind, org=ORG, deal_id=OTHER_DEAL, requested_by="webhook:x"
    )
    await Runs(bridge.engine).claim(asked, contract.key)
    before = await counted(bridge)
    body = {"decision": "decline"} if renews else seats(contract, 130, source_id=OTHER_DEAL)
    answer = await post(bridge, contract, "renewals" if renews else "amendments", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "asked_elsewhere")
    assert await PostgresChanges(bridge.engine).order(change_id) is None
    assert await counted(bridge) == before


async def test_numbers_spelled_otherwise_are_the_same_order(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    first = (await post(bridge, contract, "amendments", seats(contract, 130))).json()
    for other in ("130", "130.0", "1.3E+2"):
        again = await post(bridge, contract, "amendments", seats(contract, other))
        assert again.json() == first | {"created": False}


async def test_ten_orders_at_once_are_one_change(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    body = seats(contract, 130)
    answers = await asyncio.gather(*(post(bridge, contract, "amendments", body) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {202}
    assert [answer.json()["created"] for answer in answers].count(True) == 1


async def test_a_renewal_told_again_after_it_was_agreed_is_known(bridge: Bridge) -> None:
    """The contract's end has moved by then: the answer of the first order may have been lost."""
    contract = await contract_of(bridge)
    body = {"decision": "accept", "uplift_percent": "3"}
    first = (await post(bridge, contract, "renewals", body)).json()
    renewed = contract.model_copy(
        update={"end_date": date(2028, 1, 1), "later_terms": (date(2027, 1, 1),), "version": 2}
    )
    async with bridge.engine.begin() as connection:
        await connection.execute(
            contracts.update()
            .where(contracts.c.contract_key == contract.key)
            .values(body=renewed.model_dump(mode="json"))
        )
    await ended(bridge, first["business_key"], "completed")
    again = await post(bridge, contract, "renewals", body)
    assert again.json() == first | {"created": False}
    other = await post(bridge, contract, "renewals", {"decision": "accept"})
    assert other.status_code == 409
    assert len(await PostgresContracts(bridge.engine).schedule(contract.key)) > 0


async def test_what_came_to_nothing_is_ordered_again_with_other_terms(bridge: Bridge) -> None:
    """A term has one renewal: one that was rejected must not stand in the way of the next."""
    contract = await contract_of(bridge)
    body: dict[str, object] = {"decision": "accept", "uplift_percent": "50"}
    change_id = (await post(bridge, contract, "renewals", body)).json()["business_key"]
    other = {"decision": "accept", "uplift_percent": "5", "again": True}
    assert (await post(bridge, contract, "renewals", other)).status_code == 409
    await ended(bridge, change_id, "compensated")
    again = (await post(bridge, contract, "renewals", other)).json()
    assert (again["business_key"], again["generation"], again["created"]) == (change_id, 2, True)
    stored = await PostgresChanges(bridge.engine).order(change_id)
    assert getattr(stored, "uplift_percent", None) == 5


async def test_of_several_ordered_again_at_once_the_one_that_runs_keeps_its_terms(
    bridge: Bridge,
) -> None:
    """Nobody is told that his order is taken while another's terms are carried out."""
    contract = await contract_of(bridge)
    body: dict[str, object] = {"decision": "accept", "uplift_percent": "50"}
    change_id = (await post(bridge, contract, "renewals", body)).json()["business_key"]
    await ended(bridge, change_id, "compensated")
    uplifts = range(1, 9)
    answers = await asyncio.gather(
        *(
            post(bridge, contract, "renewals", body | {"uplift_percent": str(one), "again": True})
            for one in uplifts
        )
    )
    taken = [one for one, answer in zip(uplifts, answers, strict=True) if answer.status_code == 202]
    assert {answer.status_code for answer in answers} == {202, 409}
    stored = await PostgresChanges(bridge.engine).order(change_id)
    assert [getattr(stored, "uplift_percent", None)] == taken


@pytest.mark.parametrize(
    ("what", "body", "field"),
    [
        ("amendments", {"payment_terms": "NET45", "accepted_on": "2026-12-31"}, "accepted_on"),
        ("amendments", {"regional_deals": ["006"]}, "body.regional_deals.0"),
        ("renewals", {"uplift_percent": "10000"}, "body.uplift_percent"),
    ],
)
async def test_what_nobody_can_mean_is_refused(
    bridge: Bridge, what: str, body: dict[str, object], field: str
) -> None:
    contract = await contract_of(bridge)
    before = await counted(bridge)
    answer = await post(bridge, contract, what, body)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["field"] == field
    assert await counted(bridge) == before


async def test_sums_that_no_column_holds_are_refused(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    line = {
        "action": "add",
        "line_key": "L-NEW",
        "product_code": "SEAT-STD",
        "quantity": "999999999999",
        "unit_price": {"amount": "9" * 26, "currency": "USD"},
    }
    before = await counted(bridge)
    answer = await post(bridge, contract, "amendments", {"lines": [line]})
    assert answer.status_code in (400, 422), answer.text
    assert await counted(bridge) == before


async def test_nothing_recurs_of_a_contract_that_never_was(bridge: Bridge) -> None:
    contract = await contract_of(bridge, ContractState.NEVER_ACTIVATED)
    shown = await bridge.as_role("viewer", "GET", f"/v1/contracts/{contract.key}")
    assert shown.json()["money"]["arr"]["amount"] == "0.00"


async def test_what_has_taken_effect_is_not_taken_back(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    made = (await post(bridge, contract, "amendments", seats(contract, 130))).json()
    stored = await PostgresChanges(bridge.engine).order(made["business_key"])
    assert isinstance(stored, AmendmentOrder)
    record = ContractVersionRecord(
        contract=amended(contract, stored, load_config(CONFIG_DIR), TODAY),
        change_id=stored.change_id,
        effective_from=TODAY,
        accepted_on=TODAY,
        kind=ChangeKind.AMENDMENT,
    )
    done = Effects(version=record, outcome=ChangeOutcome.COMPLETED)
    await wrote(bridge.engine, context_of(contract, stored.change_id), done)
    before = await counted(bridge)
    target = {"change_id": made["business_key"]}
    answer = await post(bridge, contract, "withdrawals", target)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_withdraw")
    assert answer.json()["field"] == "change_id"
    assert await counted(bridge) == before


async def test_what_was_undone_is_still_shown_and_what_is_held_waits(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    made = [
        (await post(bridge, contract, "amendments", seats(contract, 130, source_id=name))).json()
        for name in ("A1", "A2", "A3")
    ]
    await ended(bridge, made[0]["business_key"], "compensated")
    await ended(bridge, made[1]["business_key"], "scheduled")
    shown = (await bridge.as_role("viewer", "GET", f"/v1/contracts/{contract.key}")).json()
    assert {(one["kind"], one["outcome"]) for one in shown["ended"]} == {
        ("quote_to_cash", "completed"),
        ("amendment", "compensated"),
    }
    assert [(one["change_id"], one["held"]) for one in shown["changes"]] == [
        (made[1]["business_key"], True),
        (made[2]["business_key"], False),
    ]


async def test_all_that_was_asked_is_counted_once(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    for number in (1, 2):
        await post(bridge, contract, "amendments", seats(contract, 130, source_id=f"A{number}"))
    async with bridge.engine.connect() as connection:
        keys = (await connection.execute(select(runs.c.business_key))).scalars().all()
    assert len(keys) == len(set(keys)) == 3
