"""DM-10: what a run or a case explains, however long ago the record was written to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from dealthread.domain.base import Ref, System
from dealthread.domain.comparison.finding import Cause, StateDifference, found_of
from dealthread.domain.comparison.seen import CrmContract, SeenRecords, SystemsSay
from dealthread.domain.comparison.standing import ContractStanding, OpenCase, RunUnderWay
from dealthread.domain.contract import Contract, ContractState
from tests.support.running_contract import worked_contract

WRITTEN, BEGUN = datetime(2026, 1, 1, 9, tzinfo=UTC), datetime(2026, 3, 1, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RUN = RunUnderWay(business_key="amendment:C-1:1", stage="write_back", began_at=BEGUN)
CASE = OpenCase(
    case_id="CASE-1", kind="crm.rejected", business_key="amendment:C-1:1", opened_at=BEGUN
)


def record_of(contract: Contract) -> CrmContract:
    """As the org holds it since the year began: nobody wrote the second version to it."""
    ref = Ref(system=System.CRM, account=contract.org, kind="contract", native_id="8001")
    return CrmContract(
        contract_key=contract.key,
        ref=ref,
        account_id=contract.customer_ref.native_id,
        status="active",
        start_date=contract.start_date,
        end_date=contract.end_date,
        term_months=12,
        version=1,
        total_value=Decimal(15000),
        billing_account=contract.billing_account,
        booking_company=contract.erp_company,
        subscription="",
        booking="",
        entitlement="",
        changed_at=WRITTEN,
    )


def looks(standing: ContractStanding, *at: datetime) -> StateDifference:
    """The one difference at the last of some looks, each with what the one before it found."""
    said = SystemsSay(crm=SeenRecords(records=(record_of(standing.contract),)))
    known: tuple[StateDifference, ...] = ()
    for now in at:
        known = found_of(standing, (), said, now, known).differences
    (found,) = known
    return found


@pytest.mark.parametrize(
    ("under_way", "cause"),
    [({"runs": (RUN,)}, Cause.RUN), ({"cases": (CASE,)}, Cause.CASE)],
    ids=["run", "case"],
)
def test_what_was_first_seen_during_a_run_stays_explained_while_it_lasts(
    under_way: dict[str, object], cause: Cause
) -> None:
    """The record was last written to long before: that is its age, and no sign of a person."""
    contract = worked_contract().model_copy(update={"version": 2})
    standing = ContractStanding(
        contract=contract, state=ContractState.ACTIVE, changed_at=BEGUN
    ).model_copy(update=under_way)
    found = looks(standing, *(BEGUN + count * 30 * MINUTE for count in (1, 2, 3)))
    assert (found.field, found.found, found.wanted) == ("version", "1", "2")
    assert (found.cause, found.is_explained, found.since) == (cause, True, WRITTEN)
    before = looks(standing, BEGUN - MINUTE, BEGUN + MINUTE)
    assert (before.cause, before.is_explained) == (Cause.BY_HAND, False)
