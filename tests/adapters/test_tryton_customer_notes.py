"""What the adapter says of a change of a customer in the real Tryton before it makes it."""

from __future__ import annotations

from typing import Any

import pytest

from dealthread.domain.customer_field import CustomerField
from dealthread.domain.party import TaxId
from dealthread.outcome import Rejected
from dealthread.ports.erp import ErpPort
from tests.support import deals
from tests.support.tryton import done, onboard

pytestmark = [pytest.mark.tryton, pytest.mark.slow]
pytest_plugins = ("tests.adapters.tryton_fixture",)


class Notes:
    """What was said, in order."""

    def __init__(self) -> None:
        self.said: list[set[str]] = []

    async def take(self, fields: frozenset[CustomerField]) -> None:
        self.said.append({one.value for one in fields})

    async def making(self) -> None:
        self.said.append({"making"})


_STREET = deals.NORDWERK.billing_address.model_copy(update={"street": "Neuer Wall 1"})


@pytest.mark.parametrize(
    ("party", "command", "fields"),
    [
        ({}, {}, None),
        ({"legal_name": "Nordwerk Anlagenbau GmbH"}, {}, {"party_legal_name"}),
        ({"billing_address": _STREET}, {}, {"bill_to_address"}),
        ({"tax_ids": (TaxId(scheme="eu_vat", number="DE136695976"),)}, {}, {"tax_identifier"}),
        ({}, {"payment_terms": "NET60"}, {"payment_terms"}),
        ({}, {"parent": None, "parent_customer_key": None}, {"commercial_hierarchy"}),
    ],
    ids=["nothing", "name", "address", "tax", "terms", "parent"],
)
async def test_the_fields_are_named_and_then_nothing_is_left_to_name(
    tryton_erp: ErpPort,
    party: dict[str, Any],
    command: dict[str, Any],
    fields: set[str] | None,
    request: pytest.FixtureRequest,
) -> None:
    suffix = f"-N{request.node.callspec.id.upper()}"
    wanted = onboard(deals.d2(), deals.NORDWERK, deals.NORDWERK_HOLDING, suffix)
    notes = Notes()
    customer = done(
        await tryton_erp.create_customer(
            wanted, idempotency_key="k", note=notes.take, making=notes.making
        )
    )
    assert notes.said == [{"making"}], "a record that is newly made is no change"
    notes.said.clear()
    changed = wanted.model_copy(
        update={"party": deals.NORDWERK.model_copy(update=party), **command}
    )
    for _ in range(2):
        done(
            await tryton_erp.update_customer(
                changed, customer, idempotency_key="k", note=notes.take
            )
        )
        assert notes.said == ([] if fields is None else [fields])


async def test_at_a_second_company_only_what_is_shared_can_have_changed(
    tryton_erp: ErpPort,
) -> None:
    """Terms and control account are new there; the address is the one record's."""
    wanted = onboard(deals.d2(), deals.NORDWERK, suffix="-NSHARED")
    done(await tryton_erp.create_customer(wanted, idempotency_key="k"))
    notes = Notes()
    other = wanted.model_copy(
        update={
            "company": "1",
            "payment_terms": "NET14",
            "party": deals.NORDWERK.model_copy(update={"billing_address": _STREET}),
        }
    )
    shared = done(
        await tryton_erp.create_customer(
            other, idempotency_key="k", note=notes.take, making=notes.making
        )
    )
    assert (notes.said, shared.created) == ([{"bill_to_address"}], False)


async def test_what_is_refused_was_named_and_leaves_the_record_as_it_was(
    tryton_erp: ErpPort,
) -> None:
    wanted = onboard(deals.d2(), deals.NORDWERK, suffix="-NBAD")
    customer = done(await tryton_erp.create_customer(wanted, idempotency_key="k"))
    notes = Notes()
    bad = deals.NORDWERK.model_copy(
        update={"tax_ids": (TaxId(scheme="eu_vat", number="DE199999906"),)}
    )
    refused = await tryton_erp.update_customer(
        wanted.model_copy(update={"party": bad}), customer, idempotency_key="k", note=notes.take
    )
    assert isinstance(refused, Rejected)
    done(await tryton_erp.update_customer(wanted, customer, idempotency_key="k", note=notes.take))
    assert notes.said == [{"tax_identifier"}]
