"""MT-09, SC-04: a month is closed by process API: begun by one person, signed by another, its
evidence read; what cannot be done is refused."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.domain.case import Decision, DecisionKind
from dealthread.domain.closing.checklist import Evidence
from dealthread.naming import close_id
from tests.support.bridge_over_lab import bridge_over
from tests.support.closing_lab import waiting
from tests.support.saga_lab import Lab, lab
from tests.support.worked_year import US, WorkedYear

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
JANUARY = date(2026, 1, 1)
PATH = "/v1/closes/US01/2026-01"


async def test_a_month_is_begun_signed_and_its_evidence_read(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with lab(dev_server, engine, date(2026, 1, 31)) as it:
        await WorkedYear(engine, it.erp, with_bills=True).tell("d1").until(date(2026, 1, 31))
        async with bridge_over(it, database_url, dev_server) as asks:
            assert (await asks(PATH, role="viewer", expect=404))["code"] == "close_not_begun"
            await asks(PATH, {}, role="viewer", expect=403)
            begun = await asks(PATH, {}, role="finance", expect=202)
            assert (begun["number"], begun["begun_by"]) == (1, "finance-person")
            case = await waiting(it, US, JANUARY, "close.sign_off")
            again = await asks(PATH, role="approver", expect=200)
            assert (again["state"], again["waits_for"]) == ("checked", "close.sign_off")
            told = {one["name"]: one["state"] for one in again["items"]}
            assert {told[name] for name in ("revenue", "t1", "t3", "t11", "documents")} == {"done"}
            assert {told[f"t{number}"] for number in range(1, 16)} == {"done"}
            signature = {"fingerprint": again["fingerprint"], "reason": "agreed with the bank"}
            for role, body, status, code in (
                ("viewer", signature, 403, ""),
                ("finance", signature, 403, "same_person"),
                ("approver", signature | {"fingerprint": "x"}, 400, "evidence_is_another"),
                ("approver", signature | {"reason": " "}, 422, ""),
            ):
                refused = await asks(f"{PATH}/signature", body, role=role, expect=status)
                assert not code or refused["code"] == code
            await asks(f"{PATH}/signature", signature, role="approver", expect=201)
            await _delivered(it, case.case_id, case.version)
            closed = await asks(PATH, role="viewer")
            assert (closed["state"], closed["signed_by"]) == ("closed", "approver-person")
            evidence = Evidence.model_validate(await asks(f"{PATH}/evidence", role="viewer"))
            assert evidence.fingerprint == closed["fingerprint"]
            text = await asks(f"{PATH}/journal", role="viewer")
            assert "1:1100  15891.00 USD" in text
            refused = await asks(PATH, {}, role="finance", expect=409)
            assert refused["code"] == "month_closed"


async def _delivered(it: Lab, case_id: str, version: int) -> None:
    """As the relay does."""
    decision = Decision(
        case_id=case_id,
        version=version,
        decision=DecisionKind.APPROVE,
        actor="approver-person",
        reason="agreed with the bank",
    )
    handle = it.client.get_workflow_handle(close_id(US, JANUARY))
    await handle.execute_update("approve", decision, id=f"{case_id}:{version}")
    await handle.result()


async def test_what_cannot_be_closed_is_refused_with_its_field(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with (
        lab(dev_server, engine, date(2026, 1, 31)) as it,
        bridge_over(it, database_url, dev_server) as asks,
    ):
        signature = {"fingerprint": "x", "reason": "agreed"}
        for path, body, status, code in (
            ("/v1/closes/XX01/2026-01", {}, 400, "entity_not_known"),
            ("/v1/closes/US01/2026-13", {}, 400, "month_wrong"),
            ("/v1/closes/US01/2026-02", {}, 400, "period_not_over"),
            (f"{PATH}/signature", signature, 400, "close_waits_for_no_signature"),
            (f"{PATH}/evidence", None, 404, "close_has_no_evidence"),
        ):
            refused = await asks(path, body, role="finance", expect=status)
            assert refused["code"] == code
