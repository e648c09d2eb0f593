"""Customers in the real Tryton 8.2 (DM-02, ER-01, RS-02)."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.erp.tryton.rpc import TrytonRpc
from dealthread.domain.party import TaxId
from dealthread.outcome import Rejected
from dealthread.ports.erp import ErpPort
from tests.support import deals
from tests.support.tryton import done, draft_command, onboard

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


async def test_a_customer_is_created_once_under_its_parent(tryton_erp: ErpPort) -> None:
    """DM-02: the parent is made when it is missing, and the same command changes nothing."""
    command = onboard(deals.d2(), deals.NORDWERK, deals.NORDWERK_HOLDING, "-1")
    first = done(await tryton_erp.create_customer(command, idempotency_key="k"))
    again = done(await tryton_erp.create_customer(command, idempotency_key="k"))
    assert first.created
    assert not again.created
    assert first.ref == again.ref
    assert first.ref.account == "tryton.2"
    assert first.parent == again.parent
    assert first.parent is not None
    assert await tryton_erp.find_customer("2", command.customer_key) == again


async def test_unchanged_data_writes_nothing(tryton_erp: ErpPort, tryton_rpc: TrytonRpc) -> None:
    """The record's own time stamp stays, so a repeat is free of noise in the ledger's history."""
    command = onboard(deals.d1(), deals.HARBORLINE, suffix="-same")
    customer = done(await tryton_erp.create_customer(command, idempotency_key="k"))

    async def stamp() -> Any:
        rows = await tryton_rpc.search_read(
            "party.party",
            [["code", "=", command.customer_key]],
            ["_timestamp", "addresses._timestamp", "addresses.subdivision"],
            context={"company": 1},
        )
        assert rows[0]["addresses."][0]["subdivision"] is not None
        return rows

    before = await stamp()
    done(await tryton_erp.update_customer(command, customer, idempotency_key="k"))
    assert await stamp() == before


async def test_a_changed_parent_moves_the_child(tryton_erp: ErpPort, tryton_rpc: TrytonRpc) -> None:
    """DM-02: one relation to the new parent; the old one is gone, none is left twice."""
    child = onboard(deals.d2(), deals.NORDWERK, deals.NORDWERK_HOLDING, "-2")
    first = done(await tryton_erp.create_customer(child, idempotency_key="k"))
    other = deals.NORDWERK_HOLDING.model_copy(
        update={"key": "A-OTHERHOLD", "legal_name": "Andere Holding AG", "tax_ids": ()}
    )
    moved = child.model_copy(update={"parent": other, "parent_customer_key": other.key})
    second = done(await tryton_erp.update_customer(moved, first, idempotency_key="k"))
    assert second.parent is not None
    assert second.parent != first.parent
    relations = await tryton_rpc.search_read(
        "party.relation.all",
        [["from_", "=", int(first.ref.native_id)]],
        ["to.code"],
        context={"company": 2},
    )
    assert [row["to."]["code"] for row in relations] == ["A-OTHERHOLD"]
    alone = moved.model_copy(update={"parent": None, "parent_customer_key": None})
    assert done(await tryton_erp.update_customer(alone, second, idempotency_key="k")).parent is None


async def test_changed_data_is_brought_up_to_date(
    tryton_erp: ErpPort, tryton_rpc: TrytonRpc
) -> None:
    """Name, address, tax id and terms follow the command; the code stays."""
    command = onboard(deals.d2(), deals.NORDWERK, suffix="-3")
    customer = done(await tryton_erp.create_customer(command, idempotency_key="k"))
    address = deals.NORDWERK.billing_address.model_copy(update={"street": "Neuer Wall 1"})
    party = deals.NORDWERK.model_copy(
        update={
            "legal_name": "Nordwerk Anlagenbau GmbH",
            "billing_address": address,
            "tax_ids": (TaxId(scheme="eu_vat", number="DE136695976"),),
        }
    )
    changed = command.model_copy(update={"party": party, "payment_terms": "NET60"})
    done(await tryton_erp.update_customer(changed, customer, idempotency_key="k"))
    row = (
        await tryton_rpc.search_read(
            "party.party",
            [["code", "=", command.customer_key]],
            ["name", "addresses.street", "identifiers.code_compact", "customer_payment_term.name"],
            context={"company": 2},
        )
    )[0]
    assert row["name"] == "Nordwerk Anlagenbau GmbH"
    assert [item["street"] for item in row["addresses."]] == ["Neuer Wall 1"]
    assert [item["code_compact"] for item in row["identifiers."]] == ["DE136695976"]
    assert row["customer_payment_term."]["name"] == "NET60"


async def test_a_customer_of_one_company_is_not_yet_one_of_another(tryton_erp: ErpPort) -> None:
    """The party is shared, its control account is not: each company onboards it itself."""
    command = onboard(deals.d2(), deals.NORDWERK, suffix="-4")
    first = done(await tryton_erp.create_customer(command, idempotency_key="k"))
    assert await tryton_erp.find_customer("1", command.customer_key) is None
    other = command.model_copy(update={"company": "1", "payment_terms": "NET14"})
    second = done(await tryton_erp.create_customer(other, idempotency_key="k"))
    assert second.ref.native_id == first.ref.native_id
    assert second.ref.account == "tryton.1"
    assert await tryton_erp.find_customer("1", command.customer_key) is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tax_ids": (TaxId(scheme="eu_vat", number="DE199999906"),)}, "user_error"),
        (
            {
                "billing_address": deals.NORDWERK.billing_address.model_copy(
                    update={"country": "ZZ"}
                )
            },
            "country_unknown",
        ),
    ],
)
async def test_wrong_master_data_is_refused_as_such(
    tryton_erp: ErpPort, change: dict[str, Any], code: str
) -> None:
    """S10: a wrong check digit or country opens customer.sync_failed; no party remains."""
    party = deals.NORDWERK.model_copy(update={"key": f"A-BAD-{code}", **change})
    outcome = await tryton_erp.create_customer(onboard(deals.d2(), party), idempotency_key="k")
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("customer.sync_failed", code)
    assert await tryton_erp.find_customer("2", party.key) is None


async def test_retiring_leaves_a_used_customer_active(tryton_erp: ErpPort) -> None:
    """Undo of a creation: inactive when unused, untouched when a document uses it."""
    unused = done(
        await tryton_erp.create_customer(
            onboard(deals.d1(), deals.COBALT, suffix="-5"), idempotency_key="k"
        )
    )
    retired = done(await tryton_erp.retire_customer(unused, idempotency_key="k"))
    assert not retired.active
    assert not done(await tryton_erp.retire_customer(retired, idempotency_key="k")).active
    back = done(
        await tryton_erp.create_customer(
            onboard(deals.d1(), deals.COBALT, suffix="-5"), idempotency_key="k"
        )
    )
    assert back.active

    command = await draft_command(tryton_erp, deals.d4(), deals.COBALT)
    done(await tryton_erp.draft_booking(command, idempotency_key="k"))
    assert done(await tryton_erp.retire_customer(command.customer, idempotency_key="k")).active
