"""A change written back to the simulated org, and the renewal that it forecasts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from adapters.salesforce.crm import SalesforceCrm
from adapters.salesforce.record_change import term_in_months
from dealthread.domain.base import Ref, System
from dealthread.domain.contract import RenewalTerms
from dealthread.domain.documents import CrmRecord
from dealthread.domain.money import Money
from dealthread.errors import Conflict
from dealthread.outcome import Done, Rejected
from dealthread.ports.crm import CrmChange, CrmWriteBack
from tests.adapters.conftest import Simulator
from tests.adapters.contract_suite import CHECKS, KEY, Check, WriteCase, name_of
from tests.adapters.crm_world import CrmWorld
from tests.adapters.test_salesforce_write import command_for
from tests.support import deals

AT = datetime(2026, 4, 15, 9, 30, tzinfo=UTC)


@pytest.fixture
def first(crm_world: CrmWorld) -> CrmWriteBack:
    """The contract as quote-to-cash wrote it back."""
    account = crm_world.account("Harborline Logistics LLC")
    return command_for(crm_world.deal(account), account)


@pytest.fixture
async def command(crm: SalesforceCrm, crm_world: CrmWorld, first: CrmWriteBack) -> CrmChange:
    """An amendment of D1 that was asked for by a deal of its own; D1 is written back already."""
    assert isinstance(await crm.record_contract(first, idempotency_key="first"), Done)
    return change_of(first, crm_world.deal(first.account_id, Dealthread_Kind__c="amendment"))


def change_of(first: CrmWriteBack, deal_id: str, **changes: Any) -> CrmChange:
    """What is told of a completed amendment to version 2."""
    account = Ref(system=System.CRM, account=deals.ORG, kind="account", native_id=first.account_id)
    contract = deals.d1().model_copy(
        update={
            "version": 2,
            "customer_ref": account,
            "deal_id": first.deal_id,
            "renewal": RenewalTerms(notice_days=30),
        }
    )
    command = CrmChange(
        contract=contract,
        change_id=f"amendment:{contract.key}:{deal_id}",
        deal_id=deal_id,
        status="active",
        change_status="completed",
        status_at=AT,
        sequence=11,
        effective_from=date(2026, 4, 15),
        booking=Ref(system=System.ERP, account="tryton.1", kind="booking", native_id="43"),
    )
    return command.model_copy(update=changes)


def contracts(world: CrmWorld) -> list[dict[str, Any]]:
    return world.query(
        "SELECT Id, ContractTerm, Dealthread_Status__c, Dealthread_Version__c, "
        "Dealthread_Change_Id__c, Dealthread_Change_Status__c, Dealthread_End__c, "
        "Dealthread_Change_Booking_Id__c, Dealthread_TCV__c, Dealthread_Booking_Id__c "
        "FROM Contract"
    )


def renewals(world: CrmWorld) -> list[dict[str, Any]]:
    return world.query(
        "SELECT Id, Name, StageName, CloseDate, Amount, ContractId, Dealthread_Kind__c, "
        "Dealthread_Renewal_Key__c, Dealthread_Effective_From__c FROM Opportunity "
        "WHERE Dealthread_Renewal_Key__c != null"
    )


@pytest.fixture
def written(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange, salesforce: Simulator
) -> WriteCase[CrmRecord]:
    """A change with the forecast of the renewal: what is counted are renewals."""
    forecasting = command.model_copy(update={"forecast_renewal": True})
    foreign = command.model_copy(update={"deal_id": "006000000000009AAA"})

    def break_next(kind: str, **fields: Any) -> None:
        if kind == "heal":
            salesforce.heal()
            return
        # The look-up before it is a composite request, too: only what holds rows goes wrong.
        target = {"method": "POST", "path": "/composite$", "body": 'allOrNone":true'}
        salesforce.fault(kind, **target, **fields)

    async def count() -> int:
        return len(renewals(crm_world))

    return WriteCase(
        act=lambda key: crm.record_change(forecasting, idempotency_key=key),
        find=lambda key: crm.find_recorded_change(command.contract.key, idempotency_key=key),
        identity=lambda made: made.ref.native_id,
        count=count,
        break_next=break_next,
        invalid=lambda key: crm.record_change(foreign, idempotency_key=key),
    )


@pytest.mark.parametrize("check", CHECKS, ids=name_of)
async def test_a_recorded_change_keeps_the_ports_rules(
    check: Check, written: WriteCase[Any]
) -> None:
    """RS-01, RS-02: one renewal, whatever happens to the answer."""
    await check(written)


async def test_the_org_shows_the_version_and_the_asking_deal_what_became_of_it(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    """Inclusive end, whole months, the change's own booking beside the first; no stage moves."""
    outcome = await crm.record_change(command, idempotency_key=KEY)
    assert isinstance(outcome, Done)
    (row,) = contracts(crm_world)
    assert outcome.value.ref.native_id == row["Id"]
    assert (row["Dealthread_Status__c"], row["Dealthread_Version__c"]) == ("active", 2)
    assert row["Dealthread_Change_Id__c"] == command.change_id
    assert row["Dealthread_Change_Status__c"] == "completed"
    assert (row["Dealthread_End__c"], row["ContractTerm"]) == ("2026-12-31", 12)
    assert row["Dealthread_TCV__c"] == 15000.0
    assert (row["Dealthread_Booking_Id__c"], row["Dealthread_Change_Booking_Id__c"]) == ("42", "43")
    (deal,) = crm_world.query(
        "SELECT StageName, Dealthread_Status__c, Dealthread_Workflow_Id__c, "
        "Dealthread_Contract_Key__c FROM Opportunity WHERE Dealthread_Kind__c = 'amendment'"
    )
    assert (deal["StageName"], deal["Dealthread_Status__c"]) == ("Closed Won", "completed")
    assert deal["Dealthread_Workflow_Id__c"] == command.change_id
    assert deal["Dealthread_Contract_Key__c"] == command.contract.key
    assert renewals(crm_world) == []


async def test_a_stopped_change_says_why_on_the_deal_that_asked(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    stopped = command.model_copy(update={"change_status": "stopped: not approved"})
    assert isinstance(await crm.record_change(stopped, idempotency_key=KEY), Done)
    (deal,) = crm_world.query(
        "SELECT Dealthread_Last_Error__c FROM Opportunity WHERE Dealthread_Kind__c = 'amendment'"
    )
    assert deal["Dealthread_Last_Error__c"] == "not approved"


async def test_a_change_that_no_deal_asked_for_touches_the_contract_alone(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange, salesforce: Simulator
) -> None:
    salesforce.forget()
    own = command.model_copy(update={"deal_id": "", "change_status": "withdrawn"})
    assert isinstance(await crm.record_change(own, idempotency_key=KEY), Done)
    assert contracts(crm_world)[0]["Dealthread_Change_Status__c"] == "withdrawn"


async def test_an_older_state_of_a_change_is_refused(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    """K11: the sequence of the contract's record guards changes as it guards the first write."""
    older = command.model_copy(update={"sequence": 9, "forecast_renewal": True})
    with pytest.raises(Conflict):
        await crm.record_change(older, idempotency_key=KEY)
    assert contracts(crm_world)[0]["Dealthread_Version__c"] is None
    assert renewals(crm_world) == []


async def test_a_change_makes_no_stub_of_a_contract_that_is_gone(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    (row,) = contracts(crm_world)
    crm_world.delete("Contract", row["Id"])
    outcome = await crm.record_change(command, idempotency_key=KEY)
    assert isinstance(outcome, Rejected)
    assert (outcome.case_kind, outcome.code) == ("crm.rejected", "contract_record_missing")
    assert contracts(crm_world) == []


async def test_an_open_renewal_is_made_once_for_the_next_term(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    """It closes on the last day to refuse, and is worth what is offered."""
    price = Money.of("15450.00", "USD")
    wanted = command.model_copy(update={"forecast_renewal": True, "renewal_price": price})
    assert isinstance(await crm.record_change(wanted, idempotency_key=KEY), Done)
    (row,) = renewals(crm_world)
    assert row["Dealthread_Renewal_Key__c"] == "renewal:C-D1:2027-01-01"
    assert (row["Dealthread_Kind__c"], row["StageName"]) == ("renewal", "Prospecting")
    assert (row["CloseDate"], row["Amount"]) == ("2026-12-01", 15450.0)
    assert row["Dealthread_Effective_From__c"] == "2027-01-01"
    assert row["ContractId"] == contracts(crm_world)[0]["Id"]


async def test_a_renewal_that_somebody_works_on_is_left_alone(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    """Found first: stage and amount are the salesperson's."""
    wanted = command.model_copy(update={"forecast_renewal": True})
    await crm.record_change(wanted, idempotency_key=KEY)
    (row,) = renewals(crm_world)
    crm_world.change("Opportunity", row["Id"], StageName="Closed Won", Amount=20000)
    later = wanted.model_copy(update={"sequence": 12, "renewal_price": Money.of("1.00", "USD")})
    assert isinstance(await crm.record_change(later, idempotency_key="later"), Done)
    (kept,) = renewals(crm_world)
    assert (kept["StageName"], kept["Amount"]) == ("Closed Won", 20000.0)


async def test_a_renewal_without_an_amount_gets_its_price_once_it_is_known(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    """Made before anybody could price the next term; an announcement can."""
    wanted = command.model_copy(update={"forecast_renewal": True})
    await crm.record_change(wanted, idempotency_key=KEY)
    assert renewals(crm_world)[0]["Amount"] is None
    priced = wanted.model_copy(update={"sequence": 12, "renewal_price": Money.of("19.5", "USD")})
    assert isinstance(await crm.record_change(priced, idempotency_key="priced"), Done)
    (row,) = renewals(crm_world)
    assert (row["StageName"], row["Amount"]) == ("Prospecting", 19.5)


async def test_the_first_write_back_forecasts_the_renewal_together_with_the_contract(
    crm: SalesforceCrm, crm_world: CrmWorld, first: CrmWriteBack
) -> None:
    """One all-or-none request: the opportunity refers to the record made beside it."""
    contract = change_of(first, first.deal_id).contract
    wanted = first.model_copy(update={"contract": contract, "forecast_renewal": True})
    for _ in range(2):
        assert isinstance(await crm.record_contract(wanted, idempotency_key=KEY), Done)
    (row,) = renewals(crm_world)
    assert row["ContractId"] == contracts(crm_world)[0]["Id"]


async def test_what_we_write_announces_nothing(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    """Our own writes carry no trigger: there is no way round from a change to a new one."""
    before = len(crm_world.query("SELECT Id FROM Dealthread_Outbox__c"))
    wanted = command.model_copy(update={"forecast_renewal": True})
    assert isinstance(await crm.record_change(wanted, idempotency_key=KEY), Done)
    assert len(crm_world.query("SELECT Id FROM Dealthread_Outbox__c")) == before


async def test_a_renewal_made_by_us_is_read_as_the_acceptance_once_it_is_won(
    crm: SalesforceCrm, crm_world: CrmWorld, command: CrmChange
) -> None:
    wanted = command.model_copy(update={"forecast_renewal": True})
    await crm.record_change(wanted, idempotency_key=KEY)
    (row,) = renewals(crm_world)
    crm_world.change("Opportunity", row["Id"], StageName="Closed Won")
    order = await crm.read_change(row["Id"], command.contract)
    assert order.change_id == row["Dealthread_Renewal_Key__c"]


@pytest.mark.parametrize(
    ("end", "months"),
    [(date(2027, 1, 1), 12), (date(2026, 7, 1), 6), (date(2026, 4, 15), None), (None, None)],
)
def test_the_term_is_told_in_whole_months_only(end: date | None, months: int | None) -> None:
    contract = deals.d1().model_copy(update={"end_date": end})
    assert term_in_months(contract) == months
