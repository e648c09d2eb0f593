"""The contract's state written back to the simulated org, by the port's rules and beyond."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adapters.http import TallyMeter
from adapters.salesforce.crm import SalesforceCrm
from dealthread.domain.base import Ref, System
from dealthread.domain.documents import CrmRecord
from dealthread.errors import Conflict, VendorUnavailable
from dealthread.outcome import Done, Rejected, Unknown
from dealthread.ports.crm import CrmWriteBack
from tests.adapters.conftest import Simulator
from tests.adapters.contract_suite import CHECKS, KEY, UNDO, Check, WriteCase, name_of
from tests.adapters.crm_world import CrmWorld
from tests.support import deals

AT = datetime(2026, 3, 15, 9, 30, tzinfo=UTC)


def ref(system: System, account: str, kind: str, native_id: str) -> Ref:
    """A native reference."""
    return Ref(system=system, account=account, kind=kind, native_id=native_id)


def command_for(deal_id: str, account_id: str, **changes: Any) -> CrmWriteBack:
    """Write-back of D1 as active."""
    command = CrmWriteBack(
        contract_key=deals.d1().key,
        deal_id=deal_id,
        account_id=account_id,
        contract=deals.d1(),
        status="active",
        status_at=AT,
        sequence=10,
        workflow_id="contract:C-D1",
        customer_key="A-HARBORLINE",
        subscription=ref(System.BILLING, "acct_us01", "subscription", "sub_1"),
        booking=ref(System.ERP, "tryton.1", "booking", "42"),
        entitlement=ref(System.ENTITLEMENT, "default", "entitlement", "ent_1"),
    )
    return command.model_copy(update=changes)


@pytest.fixture
def command(crm_world: CrmWorld) -> CrmWriteBack:
    """A deal and its account in the org, and what is to be written back."""
    account = crm_world.account("Harborline Logistics LLC")
    return command_for(crm_world.deal(account), account)


def contracts(world: CrmWorld) -> list[dict[str, Any]]:
    """Contract records of ours."""
    return world.query(
        "SELECT Id, AccountId, StartDate, EndDate, ContractTerm, Dealthread_Contract_Key__c, "
        "Dealthread_Status__c, Dealthread_Subscription_Id__c, Dealthread_Booking_Id__c, "
        "Dealthread_Entitlement_Id__c, Dealthread_Previous_Ids__c, Dealthread_TCV__c, "
        "Dealthread_End__c, Dealthread_Opportunity__c, Dealthread_Sync_Seq__c FROM Contract"
    )


@pytest.fixture
def write_back(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack, salesforce: Simulator
) -> WriteCase[CrmRecord]:
    """Creation of the contract record with the status fields."""
    key = command.contract.key
    foreign = command.model_copy(update={"account_id": "001000000000009AAA"})

    def break_next(kind: str, **fields: Any) -> None:
        if kind == "heal":
            salesforce.heal()
        else:
            salesforce.fault(kind, method="POST", path="/composite$", **fields)

    async def count() -> int:
        return len(contracts(crm_world))

    async def is_undone(_: CrmRecord) -> bool:
        (row,) = contracts(crm_world)
        return (
            row["Dealthread_Status__c"].startswith("stopped")
            and not row["Dealthread_Subscription_Id__c"]
        )

    async def undo(_: CrmRecord, undo_key: str) -> Any:
        stopped = command.model_copy(update={"status": "stopped: aborted", "sequence": 11})
        return await crm.withdraw_contract(stopped, idempotency_key=undo_key)

    return WriteCase(
        act=lambda act_key: crm.record_contract(command, idempotency_key=act_key),
        find=lambda act_key: crm.find_contract(key, idempotency_key=act_key),
        identity=lambda made: made.ref.native_id,
        count=count,
        break_next=break_next,
        undo=undo,
        is_undone=is_undone,
        nothing=CrmRecord(ref=command.contract.customer_ref, status=""),
        invalid=lambda act_key: crm.record_contract(foreign, idempotency_key=act_key),
    )


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_write_back_keeps_the_ports_rules(
    check: Check, write_back: WriteCase[Any], crm: SalesforceCrm
) -> None:
    """RS-01, RS-02: the contract's record in the CRM."""
    # The token is minted beforehand, so that each fault meets the write and not the sign-in.
    await crm.client.run(crm.client.tokens.current)
    await check(write_back)


async def test_the_org_shows_the_contract_and_its_references(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack
) -> None:
    """DM-09: one call; inclusive end, exact total, references to billing, ERP, entitlement."""
    meter = TallyMeter()
    crm.client._meter = meter
    outcome = await crm.record_contract(command, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    (row,) = contracts(crm_world)
    assert outcome.value.ref.native_id == row["Id"]
    assert row["Dealthread_End__c"] == "2026-12-31"
    assert row["Dealthread_TCV__c"] == 15000.0
    assert row["ContractTerm"] == 12
    assert row["Dealthread_Subscription_Id__c"] == "sub_1"
    assert row["Dealthread_Booking_Id__c"] == "42"
    assert row["Dealthread_Entitlement_Id__c"] == "ent_1"
    assert row["Dealthread_Opportunity__c"] == command.deal_id
    (deal,) = crm_world.query(
        "SELECT Dealthread_Status__c, Dealthread_Status_At__c, Dealthread_Contract_Key__c, "
        "Dealthread_Workflow_Id__c, Account.Dealthread_Customer_Key__c FROM Opportunity"
    )
    assert deal["Dealthread_Status__c"] == "active"
    assert deal["Dealthread_Status_At__c"] == "2026-03-15T09:30:00.000+0000"
    assert deal["Dealthread_Contract_Key__c"] == "C-D1"
    assert deal["Dealthread_Workflow_Id__c"] == "contract:C-D1"
    assert deal["Account"]["Dealthread_Customer_Key__c"] == "A-HARBORLINE"
    assert meter.calls[("salesforce", "record_contract")] == 1


async def test_a_late_older_state_does_not_overwrite_a_newer_one(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack
) -> None:
    """K11: the sequence rises or the org refuses, and nothing of the request is kept."""
    newer = command.model_copy(update={"sequence": 20, "status": "active"})
    older = command.model_copy(update={"sequence": 19, "status": "scheduled"})
    assert isinstance(await crm.record_contract(newer, idempotency_key="newer"), Done)
    with pytest.raises(Conflict):
        await crm.record_contract(older, idempotency_key="older")
    (row,) = contracts(crm_world)
    assert row["Dealthread_Status__c"] == "active"


async def test_one_part_refused_means_no_part_written(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack, salesforce: Simulator
) -> None:
    """K10: all or none; the cause is told, not the parts it halted."""
    salesforce.fault(
        "reject",
        path="/sobjects/Account/",
        target="subrequest",
        code="FIELD_CUSTOM_VALIDATION_EXCEPTION",
        message="no",
        status=400,
    )
    outcome = await crm.record_contract(command, idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == (
        "customer.sync_failed",
        "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    )
    assert outcome.evidence["part"] == "account"
    assert contracts(crm_world) == []


async def test_a_locked_row_can_be_repeated(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack, salesforce: Simulator
) -> None:
    """UNABLE_TO_LOCK_ROW is a 400 of the same class as bad JSON; its code tells it apart."""
    salesforce.fault(
        "reject", path="/sobjects/Opportunity/", target="subrequest",
        code="UNABLE_TO_LOCK_ROW", message="locked", status=400,
    )  # fmt: skip
    with pytest.raises(VendorUnavailable) as locked:
        await crm.record_contract(command, idempotency_key=KEY)
    assert locked.value.retry_after == timedelta(seconds=2)
    assert isinstance(await crm.record_contract(command, idempotency_key=KEY), Done)


async def test_a_customer_key_held_by_another_account_is_a_duplicate(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack
) -> None:
    """The key is unique in the org: two accounts claim to be one customer."""
    crm_world.account("Another", Dealthread_Customer_Key__c="A-HARBORLINE")
    outcome = await crm.record_contract(command, idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert outcome.case_kind == "customer.duplicate"
    assert contracts(crm_world) == []


async def test_a_withdrawal_keeps_the_ids_in_history(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack
) -> None:
    """Domain table, row "CRM write-back": ids leave the active fields, history keeps them."""
    await crm.record_contract(command, idempotency_key=KEY)
    for sequence in (11, 12):
        # The answer of the first was lost: the repeat is the same undo under the next number.
        stopped = command.model_copy(update={"status": "stopped: aborted", "sequence": sequence})
        outcome = await crm.withdraw_contract(stopped, idempotency_key=UNDO)
        assert isinstance(outcome, Done)
    (row,) = contracts(crm_world)
    assert row["Dealthread_Booking_Id__c"] is None
    assert row["Dealthread_Previous_Ids__c"].splitlines() == [
        "11|billing:acct_us01:subscription:sub_1",
        "11|erp:tryton.1:booking:42",
        "11|entitlement:default:entitlement:ent_1",
    ]
    (deal,) = crm_world.query(
        "SELECT Dealthread_Status__c, Dealthread_Last_Error__c FROM Opportunity"
    )
    assert deal == {**deal, "Dealthread_Status__c": "stopped: aborted",
                    "Dealthread_Last_Error__c": "aborted"}  # fmt: skip


async def test_a_deal_stopped_before_its_contract_says_so_and_makes_no_record(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack
) -> None:
    """Undo of nothing: the deal tells the salesperson why; no stub contract appears."""
    stopped = command.model_copy(
        update={"status": "stopped: aborted", "subscription": None, "booking": None}
    )
    outcome = await crm.withdraw_contract(stopped, idempotency_key=UNDO)
    assert isinstance(outcome, Done)
    assert outcome.value.ref.kind == "opportunity"
    assert contracts(crm_world) == []
    (deal,) = crm_world.query("SELECT Dealthread_Status__c FROM Opportunity")
    assert deal["Dealthread_Status__c"] == "stopped: aborted"


async def test_a_cancelled_task_still_finishes_its_write(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack, salesforce: Simulator
) -> None:
    """The task is cancelled while the org is busy: it ends after the write, not before."""
    await crm.client.run(crm.client.tokens.current)
    salesforce.fault("slow", path="/composite$", delay=0.5)
    salesforce.forget()
    task = asyncio.create_task(crm.record_contract(command, idempotency_key=KEY))
    while not contracts(crm_world):  # noqa: ASYNC110 - it happens in the org, another thread
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await crm.find_contract(command.contract.key, idempotency_key=KEY) is not None


async def test_an_answer_without_an_id_is_looked_up(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmWriteBack
) -> None:
    """Some versions answer an update with 204 and no body: the record names itself all the same."""
    first = await crm.record_contract(command, idempotency_key=KEY)
    again = await crm.record_contract(
        command.model_copy(update={"sequence": 12}), idempotency_key="another"
    )
    assert isinstance(first, Done)
    assert isinstance(again, Done)
    assert first.value.ref == again.value.ref
    assert not isinstance(again, Unknown)
