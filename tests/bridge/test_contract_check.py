"""DM-10: a contract as every system has it: what differs is listed with the system's name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal

import pytest
import pytest_asyncio
from temporalio.client import Client

from dealthread.domain.comparison.seen import BilledState
from dealthread.domain.documents import BookingState, EntitlementState
from dealthread.domain.money import Money
from tests.bridge.contract_desk import (
    ByHand,
    Desk,
    at_biller,
    at_service,
    desk,
    in_crm,
    in_erp,
    longer,
    no_order,
    no_record,
    nothing_granted,
    seats,
)
from tests.fakes.world import Fault
from tests.support.change_lab import sold
from tests.support.deal_builder import d1
from tests.support.saga_lab import fresh

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]

OTHER_ID = "0018000000AAAAAAA1"
# What was changed by hand, and what has to be listed: system, field, found, wanted. D1 is sold from
# 2026-01-01 for 12 months: 13,500.00 for seats and 1,500.00 for onboarding.
CASES: list[tuple[str, ByHand, tuple[str, str, str, str]]] = [
    ("crm-status", in_crm(status="ended"), ("crm", "state", "ended", "active")),
    (
        "crm-start",
        in_crm(start_date=date(2026, 2, 1)),
        ("crm", "start date", "2026-02-01", "2026-01-01"),
    ),
    (
        "crm-end",
        in_crm(end_date=date(2027, 2, 1)),
        ("crm", "end date", "2027-02-01", "2027-01-01"),
    ),
    ("crm-term", in_crm(term_months=24), ("crm", "term", "24 months", "12 months")),
    ("crm-version", in_crm(version=2), ("crm", "version", "2", "1")),
    ("crm-value", in_crm(total_value=Decimal(15001)), ("crm", "value", "15001", "15000")),
    ("crm-account", in_crm(account_id=OTHER_ID), ("crm", "customer", OTHER_ID, "{account}")),
    (
        "crm-billing-account",
        in_crm(billing_account="acct_x"),
        ("crm", "billing account", "acct_x", "{billing_account}"),
    ),
    ("crm-company", in_crm(booking_company="9"), ("crm", "company", "9", "1")),
    (
        "crm-subscription",
        in_crm(subscription="sub_x"),
        ("crm", "subscription", "sub_x", "sub_{key}_1"),
    ),
    ("crm-booking", in_crm(booking=""), ("crm", "booking", "none", "{booking}")),
    (
        "crm-entitlement",
        in_crm(entitlement="ent-x"),
        ("crm", "entitlement", "ent-x", "ent-{key}"),
    ),
    ("crm-gone", no_record, ("crm", "record", "missing", "there")),
    (
        "biller-state",
        at_biller(state=BilledState.PAUSED),
        ("billing", "state", "paused", "active"),
    ),
    ("biller-end", at_biller(ends_on=None), ("billing", "end date", "none", "2027-01-01")),
    (
        "biller-customer",
        at_biller(customer="cus_x"),
        ("billing", "customer", "cus_x", "cus_{customer}"),
    ),
    ("biller-mark", at_biller(contract_key=""), ("billing", "contract", "none", "{key}")),
    ("biller-gone", at_biller(gone=True), ("billing", "record", "missing", "there")),
    (
        "erp-state",
        in_erp(state=BookingState.CANCELLED),
        ("erp", "state", "cancelled", "confirmed"),
    ),
    ("erp-key", in_erp(document_key="by hand"), ("erp", "document key", "by hand", "{document}")),
    (
        "erp-value",
        in_erp(net=Money.of("15001.00", "USD")),
        ("erp", "value", "15,001.00 USD", "15,000.00 USD"),
    ),
    ("erp-terms", in_erp(payment_terms="NET90"), ("erp", "payment terms", "NET90", "{terms}")),
    ("erp-currency", in_erp(currency="EUR"), ("erp", "currency", "EUR", "USD")),
    ("erp-gone", no_order, ("erp", "record", "missing", "there")),
    (
        "entitlement-state",
        at_service(state=EntitlementState.REVOKED),
        ("entitlement", "state", "revoked", "active"),
    ),
    (
        "entitlement-quantity",
        lambda at: seats(at, "60"),
        ("entitlement", "quantity of {line} from 2026-01-01", "60", "50"),
    ),
    (
        "entitlement-end",
        longer,
        ("entitlement", "end of {line} from 2026-01-01", "none", "2027-01-01"),
    ),
    ("entitlement-gone", nothing_granted, ("entitlement", "record", "missing", "there")),
]


@pytest_asyncio.fixture(scope="module")
async def standing(dev_server: Client, shared_url: str) -> AsyncIterator[Desk]:
    """One contract for all changes by hand."""
    async with desk(dev_server, shared_url) as at:
        yield at


@pytest.fixture
def at(standing: Desk) -> Iterator[Desk]:
    """With what people changed put back at the end."""
    it = standing.it
    kept = [
        (held, dict(held))
        for held in (it.crm.records, it.erp.bookings, it.entitlement.held)
        if isinstance(held, dict)
    ]
    yield standing
    for held, before in kept:
        held.clear()
        held.update(before)
    it.crm.by_hand.clear()
    it.billing.by_hand.clear()
    it.world.heal()


@pytest.mark.parametrize(("by_hand", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
async def test_one_field_that_one_system_tells_otherwise_is_listed_with_its_name(
    at: Desk, by_hand: ByHand, wanted: tuple[str, str, str, str]
) -> None:
    """Nothing differs before; after one change by hand exactly that does."""
    assert await at.differing() == []
    (booking,) = (one for made in at.it.erp.bookings.values() for one in made if made)
    contract = at.contract
    words = {
        "key": contract.key,
        "customer": contract.customer_key,
        "account": contract.customer_ref.native_id,
        "billing_account": contract.billing_account,
        "booking": booking.ref.native_id,
        "document": booking.document_key,
        "terms": booking.payment_terms or "none",
        "line": contract.lines[0].line_key,
    }
    by_hand(at)
    assert await at.differing() == [tuple(part.format(**words) for part in wanted)]
    (row,) = (await at.one())["differences"]
    assert (row["cause"], row["is_explained"]) == ("changed_by_hand", False)
    assert row["next_step"]
    assert row["values"]["hub"] == row["wanted"]


async def test_what_is_billed_for_a_line_is_compared_in_quantity_and_price(at: Desk) -> None:
    """One seat more, another price, a line that nobody sold: each is listed, beside what the
    entitlement service says of the same line."""
    line = at.contract.lines[0].line_key
    more = {line: Decimal(51), "si_x": Decimal(1)}
    at_biller(quantities=more, periods={line: Money.of("13770.00", "USD")})(at)
    assert await at.differing() == [
        ("billing", f"quantity of {line}", "51", "50"),
        ("billing", f"price of {line}", "13,770.00 USD", "13,500.00 USD"),
        ("billing", "quantity of si_x", "1", "none"),
    ]


@pytest.mark.parametrize(
    ("method", "system"),
    [
        ("crm.contracts_now", "crm"),
        ("billing.agreement_now", "billing"),
        ("erp.read_booking", "erp"),
        ("entitlement.find", "entitlement"),
    ],
)
async def test_a_system_that_does_not_answer_is_unread_and_the_others_are_compared(
    at: Desk, method: str, system: str
) -> None:
    """Never equal; what the others say otherwise is listed all the same."""
    in_crm(version=7)(at) if system != "crm" else longer(at)
    at.it.world.plan(method, Fault.REFUSED, times=0)
    found = await at.one()
    assert [(one["system"], one["code"]) for one in found["unread"]] == [(system, "refused")]
    assert {row["system"] for row in found["differences"]} == {
        "entitlement" if system == "crm" else "crm"
    }


async def test_a_page_goes_on_where_the_one_before_it_ended(at: Desk) -> None:
    """By entity or all; an unknown one, both at once and a wrong limit are refused by name."""
    second = await sold(at.it, fresh(d1()))
    keys = sorted([at.contract.key, second.key])
    seen: list[str] = []
    after = ""
    while True:
        scope = {"entity": at.contract.seller, "limit": "1"} | ({"after": after} if after else {})
        page = (await at.ask(**scope)).json()
        seen += [one["contract_key"] for one in page["contracts"]]
        after = page["next"]
        if not after:
            break
    assert [key for key in seen if key in keys] == keys
    everything = (await at.ask()).json()["contracts"]
    assert {at.contract.key, second.key} <= {one["contract_key"] for one in everything}
    assert [one["differences"] for one in everything] == [[] for _ in everything]
    for scope, status, field in (
        ({"contract": "C-NOBODY"}, 404, ""),
        ({"entity": "XX99"}, 400, "entity"),
        ({"entity": "US01", "contract": at.contract.key}, 400, "entity"),
        ({"limit": "0"}, 422, "limit"),
        ({"contract": "x" * 21}, 422, "contract"),
    ):
        answer = await at.ask(**scope)
        assert answer.status_code == status, answer.text
        assert field in answer.json().get("field", "")
