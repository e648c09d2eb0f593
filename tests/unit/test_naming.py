"""PF-02, EV-10: every key follows from the deal alone, is stable, and fits where it is stored."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dealthread import naming

ORG, DEAL = "00D000000000001EAA", "0065g00000AbCdEAAV"
SHORT = st.text(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=15, max_size=15
)
SAFE = re.compile(r"[A-Z2-7-]+\Z")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        # Worked out by hand from the rule: capitals of five characters as bits, first one lowest.
        ("001000000000000", "001000000000000AAA"),
        ("ABCDEFGHIJKLMNO", "ABCDEFGHIJKLMNO555"),
        ("Aaaaaaaaaaaaaaa", "AaaaaaaaaaaaaaaBAA"),
        ("aaaaAaaaaaaaaaa", "aaaaAaaaaaaaaaaQAA"),
        ("aaaaaAaaaaaaaaa", "aaaaaAaaaaaaaaaABA"),
        ("0065g00000AbCdE", "0065g00000AbCdEAAV"),
    ],
)
def test_the_long_id_carries_the_case_of_the_short_one(short: str, long: str) -> None:
    assert naming.salesforce_id_18(short) == long
    assert naming.salesforce_id_18(long) == long
    assert naming.is_salesforce_id(short)
    assert naming.is_salesforce_id(long)


@given(SHORT)
def test_every_short_id_has_one_long_id_and_other_suffixes_are_refused(short: str) -> None:
    long = naming.salesforce_id_18(short)
    assert long[:15] == short
    assert naming.salesforce_id_18(long) == long
    wrong = long[:17] + ("A" if long[17] != "A" else "B")
    assert not naming.is_salesforce_id(wrong)
    swapped = short.swapcase()
    if swapped != short:
        assert naming.salesforce_id_18(swapped) != long
        assert not naming.is_salesforce_id(swapped + long[15:])


@pytest.mark.parametrize(
    "value",
    [
        *("", "x", DEAL + "\n", DEAL[:15] + "\n", " " + DEAL, DEAL[:16], DEAL + "A"),
        *("0065g00000AbCd'", "\u0660" * 15, "0065g00000AbCdEaav"),
    ],
)
def test_what_is_not_an_id_is_refused(value: str) -> None:
    assert not naming.is_salesforce_id(value)
    with pytest.raises(ValueError, match="not a Salesforce id"):
        naming.salesforce_id_18(value)


def test_keys_do_not_change_between_releases() -> None:
    """Stored everywhere: another value would make every deal a new one."""
    assert naming.contract_key(ORG, DEAL) == "C-S7OI35SLGQE2J"
    assert naming.customer_key(ORG, DEAL) == "A-S7OI35SLGQE2J"
    assert naming.line_key(ORG, DEAL) == "L-S7OI35SLGQ"
    assert naming.erp_document_key("default", "US01", "booking", DEAL, 1) == "DTPGFXVQL3SMJLVW"
    assert naming.event_id("key") == "evt_FRYOCK32AZDPSITZ6QT4PM4OOM"
    assert naming.quote_to_cash_id(ORG, DEAL) == f"quote-to-cash:{ORG}:{DEAL}"
    assert naming.contract_workflow_id("C-1") == "contract:C-1"
    assert naming.activation_id("C-1") == "activation:C-1"
    assert naming.idempotency_key("k", 2, "booking", "do") == "k#2/booking/do"


@given(st.text(max_size=30), st.text(max_size=30))
def test_keys_have_their_length_and_characters_that_every_system_takes(a: str, b: str) -> None:
    """Twenty is the length of the column, sixteen the shortest slot among the ERPs."""
    contract = naming.contract_key(a, b)
    assert (len(contract), contract[:2]) == (15, "C-")
    customer = naming.customer_key(a, b)
    assert (len(customer), customer[:2]) == (15, "A-")
    line = naming.line_key(a, b)
    assert (len(line), line[:2]) == (12, "L-")
    erp = naming.erp_document_key("t", a, "booking", b, 1)
    assert (len(erp), erp[:2]) == (16, "DT")
    for key in (contract, customer, line, erp):
        assert SAFE.match(key), key
    assert len(naming.event_id(a)) <= 60


@given(
    st.tuples(st.text(max_size=8), st.text(max_size=8)),
    st.tuples(st.text(max_size=8), st.text(max_size=8)),
)
def test_different_deals_have_different_keys(one: tuple[str, str], two: tuple[str, str]) -> None:
    if one != two and "\x1f" not in "".join((*one, *two)):
        assert naming.contract_key(*one) != naming.contract_key(*two)
        assert naming.customer_key(*one) != naming.customer_key(*two)


def test_a_generation_a_step_and_a_direction_are_each_part_of_the_key() -> None:
    keys = {
        naming.idempotency_key(f"b{deal}", generation, step, way)
        for deal in range(3)
        for generation in range(1, 13)
        for step in ("crm", "booking")
        for way in ("do", "undo")
    }
    assert len(keys) == 3 * 12 * 2 * 2
    documents = {
        naming.erp_document_key("t", seller, kind, DEAL, generation)
        for seller in ("US01", "DE01")
        for kind in ("booking", "invoice")
        for generation in (1, 2, 12)
    }
    assert len(documents) == 12


def test_the_longest_key_fits_the_journal() -> None:
    longest = naming.idempotency_key(
        naming.quote_to_cash_id(ORG, DEAL), 999, "a-step-with-a-rather-long-name", "undo"
    )
    assert len(longest) <= 240
    assert len(naming.quote_to_cash_id(ORG, DEAL)) <= 120


def test_the_change_of_a_tax_rate_names_its_code() -> None:
    """Whatever finance calls it."""
    for code in ("US-TX-SAAS", "DE:19"):
        assert naming.code_taxed_anew(naming.tax_rate_id("C-1", code, date(2026, 7, 1))) == code


def test_a_queue_belongs_to_one_company_of_one_ledger() -> None:
    assert naming.erp_task_queue("tryton", "US01") == "dealthread-erp-tryton.US01"
    assert naming.erp_task_queue("tryton", "DE01") != naming.erp_task_queue("tryton", "US01")
