"""EV-03: what the CRM says of a contract becomes one change of it, in whatever order it arrives."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.relay import Relay
from dealthread.domain.contract import ContractState
from dealthread.domain.transaction import ChangeKind, ChangeRequest
from dealthread.naming import contract_key, quote_to_cash_id
from dealthread.ports.events import EventPort
from dealthread.store.cases import PostgresCases
from dealthread.store.contracts import PostgresContracts
from dealthread.store.inbox import Inbox
from dealthread.store.outbox import Outbox
from dealthread.store.runs import Runs
from dealthread.store.schema import inbox, runs
from tests.bridge.caller import DEAL, ORG, Bridge, hint, signed
from tests.bridge.test_outbound_message import envelope, post
from tests.store.test_changes import second_version
from tests.support.running_contract import first_context, running_contract, worked_contract

pytestmark = pytest.mark.postgres
OTHER_DEAL = "0065g00000AbCdFAAV"


def relay_of(bridge: Bridge) -> Relay:
    store = bridge.engine
    return Relay(
        bridge.held.settings,
        cast(Client, None),
        Inbox(store),
        Runs(store),
        PostgresCases(store),
        Outbox(store),
        cast(EventPort, None),
        PostgresContracts(store),
    )


async def told(bridge: Bridge, number: int = 1, **more: Any) -> tuple[str, str]:
    """Send a hint; state and outcome of its row after the relay took it in."""
    body = hint(OTHER_DEAL, **more)
    answer = await bridge.hook(body, signed(body, message_id=f"msg_{number}"))
    assert answer.status_code in (200, 202), answer.text
    await relay_of(bridge).take_in()
    row = (await bridge.rows())[-1]
    return row.state, row.outcome


async def asked(store: AsyncEngine) -> list[tuple[str, str, str]]:
    """Changes asked beyond the first run: kind, business key, deal."""
    async with store.connect() as connection:
        rows = await connection.execute(
            select(runs).where(runs.c.kind != "quote_to_cash").order_by(runs.c.created_at)
        )
        return [(row.kind, row.business_key, row.deal_id) for row in rows]


async def contract_of(bridge: Bridge, **more: Any):
    return await running_contract(bridge.engine, worked_contract(ORG, DEAL), **more)


async def test_a_won_amendment_asks_for_a_change_of_its_contract(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    for number in (1, 2):
        done = await told(bridge, number, kind="amendment", contractKey=contract.key)
        assert done == ("handled", "accepted" if number == 1 else "duplicate")
    assert await asked(bridge.engine) == [
        ("amendment", f"amendment:{contract.key}:{OTHER_DEAL}", OTHER_DEAL)
    ]
    ((request, key),) = await Runs(bridge.engine).undelivered(10)
    assert (request.kind, key, request.requested_by) == (
        ChangeKind.AMENDMENT,
        contract.key,
        f"webhook:{ORG}",
    )


@pytest.mark.parametrize("trigger", ["won", "lost"])
async def test_a_renewal_won_or_lost_is_that_of_the_term_that_ends(
    bridge: Bridge, trigger: str
) -> None:
    contract = await contract_of(bridge)
    done = await told(bridge, kind="renewal", contractKey=contract.key, trigger=trigger)
    assert done == ("handled", "accepted")
    assert await asked(bridge.engine) == [
        ("renewal", f"renewal:{contract.key}:{contract.end_date}", OTHER_DEAL)
    ]


async def test_a_renewal_told_again_after_the_term_moved_is_the_same_renewal(
    bridge: Bridge,
) -> None:
    contract = await contract_of(bridge)
    await told(bridge, 1, kind="renewal", contractKey=contract.key)
    assert contract.end_date is not None
    moved = contract.model_copy(
        update={"end_date": contract.end_date.replace(year=contract.end_date.year + 1)}
    )
    await second_version(bridge.engine, moved, "renewal:x")
    again = await told(bridge, 2, kind="renewal", contractKey=contract.key)
    assert again == ("handled", "duplicate")


@pytest.mark.parametrize("kind", ["amendment", "new", "win_back", None])
async def test_what_is_lost_counts_for_renewals_only(bridge: Bridge, kind: str | None) -> None:
    contract = await contract_of(bridge)
    done = await told(bridge, kind=kind, contractKey=contract.key, trigger="lost")
    assert done == ("handled", "ignored: not a trigger")
    assert await asked(bridge.engine) == []


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"kind": "amendment"}, "contract_key_needed: contractKey"),
        ({"kind": "amendment", "contractKey": "C-short"}, "contract_key_needed: contractKey"),
        ({"kind": "renewal", "contractKey": ""}, "contract_key_needed: contractKey"),
        ({"kind": "amendment", "contractKey": "C-NNNNNNNNNNNNN"}, "contract_unknown: contractKey"),
        ({"kind": "renewal", "contractKey": "C-NNNNNNNNNNNNN"}, "contract_unknown: contractKey"),
        ({"kind": "upsell"}, "unknown_kind: kind"),
    ],
)
async def test_a_change_that_names_no_contract_we_know_is_refused_with_its_field(
    bridge: Bridge, more: dict[str, str], outcome: str
) -> None:
    assert await told(bridge, **more) == ("refused", outcome)
    assert await asked(bridge.engine) == []


@pytest.mark.parametrize("state", [ContractState.ENDED, ContractState.NEVER_ACTIVATED])
@pytest.mark.parametrize("kind", ["amendment", "renewal"])
async def test_a_contract_that_is_over_is_not_changed(
    bridge: Bridge, kind: str, state: ContractState
) -> None:
    contract = await contract_of(bridge, state=state)
    done = await told(bridge, kind=kind, contractKey=contract.key)
    assert done == ("refused", f"contract_{state}: contractKey")
    assert await asked(bridge.engine) == []


async def test_another_orgs_contract_is_unknown(bridge: Bridge) -> None:
    contract = await running_contract(bridge.engine, worked_contract("00D000000000002EAA", DEAL))
    done = await told(bridge, kind="amendment", contractKey=contract.key)
    assert done == ("refused", "contract_unknown: contractKey")


@pytest.mark.parametrize("kind", ["amendment", "renewal"])
async def test_the_deal_that_made_a_contract_does_not_change_it(bridge: Bridge, kind: str) -> None:
    """Under its id the calendar runs: it would renew in silence."""
    contract = await contract_of(bridge)
    body = hint(DEAL, kind=kind, contractKey=contract.key)
    await bridge.hook(body, signed(body))
    await relay_of(bridge).take_in()
    (row,) = await bridge.rows()
    assert (row.state, row.outcome) == ("refused", "deal_of_the_contract: recordId")
    assert await asked(bridge.engine) == []


async def test_a_change_of_a_contract_that_is_being_set_up_waits_in_line(bridge: Bridge) -> None:
    """An amendment by its key; a renewal until the term is known."""
    key = contract_key(ORG, DEAL)
    first = ChangeRequest(
        change_id=quote_to_cash_id(ORG, DEAL),
        kind=ChangeKind.QUOTE_TO_CASH,
        org=ORG,
        deal_id=DEAL,
        requested_by="anna",
    )
    await Runs(bridge.engine).claim(first, key)
    assert await told(bridge, 1, kind="amendment", contractKey=key) == ("handled", "accepted")
    waits = await told(bridge, 2, kind="renewal", contractKey=key)
    assert waits == ("new", "waits: contract not assessed yet")
    contract = worked_contract(ORG, DEAL)
    await PostgresContracts(bridge.engine).record_pending(first_context(contract), contract, "Ada")
    async with bridge.engine.begin() as connection:
        await connection.execute(inbox.update().values(next_attempt_at=inbox.c.received_at))
    await relay_of(bridge).take_in()
    assert [kind for kind, _, _ in await asked(bridge.engine)] == ["amendment", "renewal"]


async def test_an_outbound_message_carries_kind_and_contract(bridge: Bridge) -> None:
    contract = await contract_of(bridge)
    notification = (
        "<Notification><Id>04l000000000001AAA</Id>"
        '<sObject xsi:type="sf:Opportunity" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{OTHER_DEAL}</sf:Id><sf:Dealthread_Kind__c>amendment</sf:Dealthread_Kind__c>"
        f"<sf:Dealthread_Contract_Key__c>{contract.key}</sf:Dealthread_Contract_Key__c>"
        "</sObject></Notification>"
    )
    assert (await post(bridge, envelope(notification))).status_code == 200
    (row,) = await bridge.rows()
    assert json.loads(row.body)["contractKey"] == contract.key
    await relay_of(bridge).take_in()
    assert [kind for kind, _, _ in await asked(bridge.engine)] == ["amendment"]
