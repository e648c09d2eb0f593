"""OB-09: the money view adds up what is recorded, by currency, and names document and cause."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from dealthread.config import load_config
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.contracting import build_contract
from dealthread.domain.money import Money
from dealthread.domain.recognition.rows import (
    RecognisedRevenue,
    RecognitionDocument,
    RecognitionState,
)
from dealthread.domain.transaction import SagaContext
from dealthread.hub import RecognitionMark, WriteSpec
from dealthread.hub_recognition import ServiceAcceptance
from dealthread.naming import contract_key, idempotency_key
from dealthread.store.bills import PostgresBills
from dealthread.store.journal import PostgresJournal
from dealthread.store.recognition import PostgresRecognition, mark
from tests.bridge.caller import ORG, Bridge
from tests.support.deal_builder import CONFIG_DIR, D2_TODAY, D5_TODAY, d2, d5
from tests.support.running_contract import running_contract, worked_contract
from tests.unit.position.worked import bill

pytestmark = pytest.mark.postgres
DAY, MAY = date(2026, 1, 1), "2026-05-31"
NOON = datetime(2026, 6, 1, tzinfo=UTC)


async def ask(bridge: Bridge, **query: object) -> Any:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return await bridge.as_role("viewer", "GET", f"/v1/money?{words}")


async def sold(bridge: Bridge) -> tuple[Contract, Contract]:
    """D1 in dollars and D2 in euro; both were billed, only D1's bill is posted."""
    bridge.clock.at = NOON.timestamp()
    first = await running_contract(bridge.engine, worked_contract(ORG))
    deal = d2()
    key = contract_key(deal.org, deal.deal_id)
    second = await running_contract(
        bridge.engine, build_contract(deal, load_config(CONFIG_DIR), D2_TODAY, key)
    )
    rows = [("L1", "13,500.00", "891.00"), ("L2", "1,500.00", "0")]
    seen = PostgresBills(bridge.engine)
    one = bill(first, "US-1", DAY, rows, paid=[(date(2026, 1, 2), "15,891.00")])
    await seen.seen(one, NOON)
    # A look of before comes late.
    await seen.seen(bill(first, "US-1", DAY, rows), datetime(2026, 1, 1, tzinfo=UTC))
    euro = bill(second, "DE-1", date(2026, 3, 15), [("L1", "17,760.00", "3,374.40")])
    await seen.seen(euro, NOON)
    journal = PostgresJournal(bridge.engine)
    context = SagaContext(
        business_key=f"invoice:{euro.ref.account}:{euro.ref.native_id}",
        generation=1,
        contract_key=second.key,
        org=second.org,
        deal_id=second.deal_id,
    )
    spec = WriteSpec(
        key=idempotency_key(context.business_key, 1, "invoice", "do"),
        step="erp.invoice",
        system="erp",
        account="tryton.2",
        context=context,
        request_hash="r",
        money=euro.gross,
    )
    await journal.open(spec)
    await journal.sent(spec, 0)
    await journal.unknown(spec, "timeout")
    return first, second


async def test_each_currency_has_sums_of_its_own_and_what_differs_has_a_cause(
    bridge: Bridge,
) -> None:
    first, second = await sold(bridge)
    view = (await ask(bridge, as_of=MAY)).json()
    assert view["contract_count"] == 2
    euro, dollars = view["totals"]
    assert (euro["currency"], euro["sold"]["amount"], euro["receivable"]["amount"]) == (
        "EUR",
        "17760.00",
        "21134.40",
    )
    assert (dollars["collected"]["amount"], dollars["arr"]["amount"]) == ("15891.00", "13500.00")
    # Nothing is recognised: all that is billed is deferred, five months wait.
    assert (dollars["deferred"]["amount"], dollars["recognised"]["amount"]) == ("15000.00", "0.00")
    found = {(one["contract_key"], one["kind"]): one for one in view["differences"]}
    late = found[second.key, "not_posted"]
    assert (late["document"], late["amount"]["amount"]) == ("DE-1", "21134.40")
    assert late["cause"] == "the ledger's answer is lost; it is looked up (timeout)"
    revenue = found[first.key, "revenue_not_posted"]
    assert (revenue["document"], revenue["amount"]["amount"]) == ("2026-01 to 2026-05", "5171.22")
    assert any("switched off" in line for line in view["notes"])
    assert view["documents"] == view["contracts"] == []


async def test_what_is_recognised_counts_once_it_is_posted(bridge: Bridge) -> None:
    """D1 in February: 1,061.64 and 958.90 of seats, 2,500.00 of onboarding, accepted on the 13th
    (facts/domain.md §9.7)."""
    first, _ = await sold(bridge)
    recognition = PostgresRecognition(bridge.engine)
    onboarding = ServiceAcceptance(
        contract_key=first.key,
        version=1,
        obligation="L2",
        line_key="L2",
        account="4200",
        amount=Money.of("2500.00", "USD"),
        accepted_on=date(2026, 2, 13),
        evidence="signed",
        actor="anna",
    )
    assert await recognition.accept_service(onboarding)
    february = {"as_of": "2026-02-28", "contract": first.key, "documents": "true"}
    (before,) = (await ask(bridge, **february)).json()["totals"]
    assert (before["planned"]["amount"], before["recognised"]["amount"]) == ("4520.54", "0.00")

    parts = (("L1", "4000", 1, "1061.64"), ("L1", "4000", 2, "958.90"), ("L2", "4200", 2, "2500"))
    document = RecognitionDocument(
        document_key="DTCCCCCCCCCCCCCC",
        seller="US01",
        period=date(2026, 2, 1),
        number=1,
        erp="tryton",
        company="1",
        posting_date=date(2026, 2, 28),
        deferred_account="2300",
        currency="USD",
        ledger_currency="USD",
        rows=tuple(
            RecognisedRevenue(
                contract_key=first.key,
                version=1,
                obligation=key,
                line_key=key,
                account=account,
                month=date(2026, month, 1),
                amount=Money.of(amount, "USD"),
                ledger_amount=Money.of(amount, "USD"),
            )
            for key, account, month, amount in parts
        ),
    )
    await recognition.plan("US01", 0, [document])
    planned_only = (await ask(bridge, **february)).json()
    assert planned_only["totals"][0]["recognised"]["amount"] == "0.00"
    (late,) = [one for one in planned_only["differences"] if one["kind"] == "revenue_not_posted"]
    assert late["cause"] == "entries of 4,520.54 USD are on their way to the ledger"
    posted = RecognitionMark(document.document_key, RecognitionState.POSTED, entry="E-7")
    async with bridge.engine.begin() as connection:
        await mark(connection, posted)
    view = (await ask(bridge, **february)).json()
    (total,) = view["totals"]
    assert [
        total[name]["amount"] for name in ("recognised", "deferred", "remaining_obligations")
    ] == [
        "4520.54",
        "10479.46",
        "10479.46",
    ]
    # Billed here and not posted: the bill alone differs.
    assert [one["kind"] for one in view["differences"]] == ["not_posted"]
    entries = [one for one in view["documents"] if one["figure"] == "recognised"]
    assert {(one["number"], one["ledger"]["native_id"]) for one in entries} == {
        ("E-7", document.document_key)
    }
    assert not any("recognised" in line for line in view["notes"])


async def test_a_figure_is_drilled_down_to_documents_of_their_owners(bridge: Bridge) -> None:
    first, _ = await sold(bridge)
    view = (await ask(bridge, as_of=MAY, contract=first.key, documents="true")).json()
    parts = {
        (one["figure"], one["day"], one["amount"]["amount"], (one["source"] or {}).get("native_id"))
        for one in view["documents"]
    }
    assert {
        ("sold", "2026-01-01", "15000.00", first.deal_id),
        ("billed", "2026-01-01", "15000.00", "in_US-1"),
        ("collected", "2026-01-02", "15891.00", "US-1/0"),
        ("receivable", "2026-01-02", "-15891.00", "US-1/0"),
    } <= parts
    (one,) = view["contracts"]
    assert one["position"]["receivable"]["amount"] == "0.00"
    before = (await ask(bridge, as_of="2026-01-01", contract=first.key)).json()
    assert before["totals"][0]["receivable"]["amount"] == "15891.00"


async def test_what_no_document_has_a_rate_for_is_told_in_its_own_currency(
    bridge: Bridge,
) -> None:
    """D5 is sold in euro by a company whose ledger is kept in pounds, and not billed yet."""
    bridge.clock.at = NOON.timestamp()
    deal = d5()
    key = contract_key(deal.org, deal.deal_id)
    contract = build_contract(deal, load_config(CONFIG_DIR), D5_TODAY, key)
    await running_contract(bridge.engine, contract)
    view = (await ask(bridge, as_of="2026-06-01", entity="UK01")).json()
    (ledger,) = view["ledgers"]
    assert (ledger["seller"], ledger["sold"]) == ("UK01", {"amount": "0.00", "currency": "GBP"})
    assert ledger["unconverted"] == [
        {"figure": "arr", "amount": {"amount": "4800.00", "currency": "EUR"}},
        {"figure": "sold", "amount": {"amount": "12000.00", "currency": "EUR"}},
    ]
    assert (
        "UK01 in GBP: no document in the ledger has a rate yet for arr 4,800.00 EUR, sold "
        "12,000.00 EUR; it is in no figure in GBP"
    ) in view["notes"]


async def test_a_scope_narrows_the_view(bridge: Bridge) -> None:
    first, second = await sold(bridge)
    for scope in ({"entity": "DE01"}, {"customer": second.customer_key}):
        view = (await ask(bridge, as_of=MAY, **scope)).json()
        assert [one["currency"] for one in view["totals"]] == ["EUR"]
    assert first.seller == "US01"
    assert (await ask(bridge, as_of="2025-12-01")).json()["totals"][0]["sold"]["amount"] == "0.00"


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ({}, 422, "query.as_of"),
        ({"as_of": "yesterday"}, 422, "query.as_of"),
        ({"as_of": "2026-02-30"}, 422, "query.as_of"),
        ({"as_of": "0001-01-01"}, 422, "query.as_of"),
        ({"as_of": "2026-06-02"}, 400, "as_of"),
        ({"as_of": MAY, "entity": "XX01"}, 400, "entity"),
        ({"as_of": MAY, "entity": "US01", "customer": "x"}, 400, "customer"),
        ({"as_of": MAY, "documents": "true"}, 400, "documents"),
        ({"as_of": MAY, "check": "true"}, 400, "check"),
        ({"as_of": MAY, "customer": "%00"}, 422, "query.customer"),
        ({"as_of": MAY, "contract": "C-" + "N" * 40}, 422, "query.contract"),
    ],
)
async def test_a_question_that_cannot_be_answered_names_its_field(
    bridge: Bridge, query: dict[str, object], status: int, field: str
) -> None:
    bridge.clock.at = NOON.timestamp()
    answer = await ask(bridge, **query)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert answer.json()["action"]


@pytest.mark.parametrize("scope", ["contract", "customer"])
async def test_an_unknown_contract_or_customer_is_not_found(bridge: Bridge, scope: str) -> None:
    bridge.clock.at = NOON.timestamp()
    answer = await ask(bridge, as_of=MAY, **{scope: "C-NNNNNNNNNNNNN"})
    assert (answer.status_code, answer.json()["code"]) == (404, f"{scope}_not_found")


async def test_nothing_is_sold_by_a_contract_that_never_was(bridge: Bridge) -> None:
    bridge.clock.at = NOON.timestamp()
    await running_contract(bridge.engine, worked_contract(ORG), state=ContractState.NEVER_ACTIVATED)
    view = (await ask(bridge, as_of=MAY)).json()
    (total,) = view["totals"]
    assert {total[name]["amount"] for name in ("sold", "arr", "planned")} == {"0.00"}
    assert view["differences"] == []
