"""Composite answers that the simulated org does not give, but an org may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

from adapters.salesforce.client import AnswerLost, PartAnswer
from adapters.salesforce.contract_row import stored_key
from adapters.salesforce.crm import SalesforceCrm
from adapters.salesforce.settings import SalesforceSettings
from dealthread.errors import VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected, Unknown
from tests.adapters.fake_clock import FixedClock
from tests.adapters.test_salesforce_write import command_for

KEY = "quote-to-cash:org:deal#1/crm/do"
CONTRACT_ID = "800000000000001AAA"
COMMAND = command_for("006000000000001AAA", "001000000000001AAA")
ROW = {
    "Id": CONTRACT_ID,
    "Dealthread_Status__c": "active",
    "Dealthread_Write_Key__c": KEY,
    "Dealthread_Sync_Seq__c": None,
    "Dealthread_Previous_Ids__c": None,
}
FOUND = PartAnswer("contract", 200, {"done": True, "records": [ROW]})
ABSENT = PartAnswer("contract", 200, {"done": True, "records": []})
NO_BODY = {"deal": PartAnswer("deal", 204, None), "account": PartAnswer("account", 204, None)}

Script = Callable[[str], Any]


@pytest.fixture
async def crm() -> AsyncIterator[SalesforceCrm]:
    """The adapter; each test scripts its composite answers."""
    adapter = SalesforceCrm(
        SalesforceSettings(
            org_id="00D000000000001EAA",
            instance_url="http://127.0.0.1:1",
            client_id="c",
            client_secret=SecretStr("s"),
        ),
        FixedClock(datetime(2026, 3, 15, tzinfo=UTC)),
    )
    yield adapter
    await adapter.aclose()


def script(crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch, **answers: Any) -> None:
    """Answer by operation; an exception is raised."""

    def composite(operation: str, parts: Any, **_: Any) -> Any:
        answer = answers[operation]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(crm.client, "composite", composite)


@pytest.mark.parametrize(
    ("contract", "found", "expected"),
    [
        (PartAnswer("contract", 201, {"id": CONTRACT_ID, "success": True}), ABSENT, Done),
        (PartAnswer("contract", 204, None), FOUND, Done),
        (PartAnswer("contract", 204, None), ABSENT, Unknown),
        (PartAnswer("contract", 200, {}), ABSENT, Unknown),
        (PartAnswer("contract", 200, []), ABSENT, Unknown),
    ],
)
async def test_an_update_may_answer_without_a_body(
    crm: SalesforceCrm,
    monkeypatch: pytest.MonkeyPatch,
    contract: PartAnswer,
    found: PartAnswer,
    expected: type[Any],
) -> None:
    """204 in old versions, 200 with a body in newer ones: without an id it is looked up."""
    script(crm, monkeypatch, record_contract={"contract": contract, **NO_BODY},
           find_contract={"contract": found})  # fmt: skip
    outcome: Outcome[Any] = await crm.record_contract(COMMAND, idempotency_key=KEY)
    assert type(outcome) is expected
    if isinstance(outcome, Done):
        assert outcome.value.ref.native_id == CONTRACT_ID


async def test_a_look_up_that_fails_after_the_write_leaves_it_unknown(
    crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write went through: it must not look like "no effect"."""
    script(
        crm,
        monkeypatch,
        record_contract={"contract": PartAnswer("contract", 204, None), **NO_BODY},
        find_contract=AnswerLost("read_timeout"),
    )
    outcome = await crm.record_contract(COMMAND, idempotency_key=KEY)
    assert outcome == Unknown("answer_without_id")


async def test_what_another_act_wrote_is_not_found_as_this_ones(
    crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another act's write key: this act's write is not applied."""
    script(crm, monkeypatch, find_contract={"contract": FOUND})
    assert await crm.find_contract("C-D1", idempotency_key=KEY) is not None
    assert await crm.find_contract("C-D1", idempotency_key=f"{KEY}~3") is not None
    assert await crm.find_contract("C-D1", idempotency_key=KEY.replace("#1", "#2")) is None


async def test_a_withdrawal_that_cannot_look_first_writes_nothing(
    crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which record, and which history: unknown, so nothing is sent."""
    script(crm, monkeypatch, find_contract=AnswerLost("read_timeout"))
    with pytest.raises(VendorUnavailable):
        await crm.withdraw_contract(COMMAND, idempotency_key=KEY)


async def test_only_the_cause_of_a_rolled_back_request_is_told(
    crm: SalesforceCrm, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other parts were halted."""
    halted = [{"errorCode": "PROCESSING_HALTED", "message": "rolled back"}]
    cause = [{"errorCode": "STRING_TOO_LONG", "message": "too long", "fields": ["Name"]}]
    script(
        crm,
        monkeypatch,
        record_contract={
            "contract": PartAnswer("contract", 400, halted),
            "deal": PartAnswer("deal", 400, cause),
            "account": PartAnswer("account", 400, halted),
        },
    )
    outcome = await crm.record_contract(COMMAND, idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.field) == ("STRING_TOO_LONG", "Name")


def test_a_key_too_long_for_its_field_is_stored_as_its_digest() -> None:
    """The field holds 120 characters; two long keys stay apart."""
    long = "k" * 200
    assert len(stored_key(long)) <= 120
    assert stored_key(long) != stored_key(long + "x")
    assert stored_key(f"{KEY}~2") == KEY
