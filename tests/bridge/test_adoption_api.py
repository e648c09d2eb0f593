"""Adoption by process API: proposed, answered, shown, approved by somebody else."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.cli import adopt
from tests.support.bridge_over_lab import bridge_over
from tests.support.old_company import old_company

pytestmark = [pytest.mark.temporal, pytest.mark.postgres]
PLANS = "/v1/adoption/US01/plans"


async def test_a_plan_is_proposed_shown_and_carried_out_by_a_second_person(
    dev_server: Client, engine: AsyncEngine, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with (
        old_company(dev_server, engine, database_url) as old,
        bridge_over(old.it, database_url, dev_server) as asks,
    ):
        told = await asks(PLANS, {"as_of": "2026-09-01"})
        assert (told["outcome"], told["contracts"], told["is_tied"]) == ("proposed", 1, True)
        path = f"/v1/adoption/plans/{told['plan_id']}"
        shown = await asks(path, role="viewer")
        assert shown["digest"] == told["digest"]
        approval = {"digest": told["digest"]}
        same = await asks(f"{path}/approvals", approval, expect=403)
        assert same["code"] == "second_person_needed"
        await asks(f"{path}/approvals", approval, role="viewer", expect=403)
        other = await asks(f"{path}/approvals", {"digest": "0" * 64}, role="approver", expect=409)
        assert other["code"] == "another_plan"
        done = await asks(f"{path}/approvals", approval, role="approver")
        assert done["written"] == 1
        await old.active()
        (listed,) = await asks("/v1/adoption/plans?seller=US01")
        assert (listed["state"], listed["written"], listed["active"]) == ("done", 1, 1)
        assert listed["approved_by"] == "approver-person"
        adopt._totals(shown["totals"])
        adopt._proposals(shown["proposals"])
        adopt._unmatched(told["unmatched"], told["unmatched_count"])
        said = " ".join(capsys.readouterr().out.split())
        assert "1100 receivables 15,891.00 USD 0.00 USD 15,891.00 USD 0.00 USD" in said
        assert "17 (10017) 15,000.00 USD 10,821.90 USD 4,178.10 USD AL-0007 15,891.00 USD" in said
        assert "the subscription names the deal" in said
        assert "2026-12 4000 1,061.66 USD" in said


async def test_what_is_not_certain_is_answered_and_who_answered_does_not_approve(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with (
        old_company(dev_server, engine, database_url) as old,
        bridge_over(old.it, database_url, dev_server) as asks,
    ):
        deal = old.deal.deal_id
        body = {"deal_id": deal, "subscription_id": "sub_1", "deferred": None}
        answered = await asks("/v1/adoption/US01/answers", body)
        assert (answered["subscription_id"], answered["done_lines"]) == ("sub_1", ["L2"])
        waiting = {"deal_id": deal, "waiting_lines": ["L2"]}
        answered = await asks("/v1/adoption/US01/answers", waiting)
        assert (answered["done_lines"], answered["waiting_lines"]) == ([], ["L2"])
        told = await asks(PLANS, {"as_of": "2026-09-01"})
        # The ledger has recognised the onboarding: 2,500.00 more would be deferred.
        assert not told["is_tied"]
        assert told["totals"][0]["difference"]["amount"] == "-2500.00"
        refused = await asks(
            f"/v1/adoption/plans/{told['plan_id']}/approvals",
            {"digest": told["digest"]},
            role="approver",
            expect=409,
        )
        assert refused["code"] == "opening_differs"
        assert [one["said_by"] for one in await asks("/v1/adoption/US01/answers")] == [
            "finance-person"
        ]


async def test_bad_input_names_its_field(
    dev_server: Client, engine: AsyncEngine, database_url: str
) -> None:
    async with (
        old_company(dev_server, engine, database_url) as old,
        bridge_over(old.it, database_url, dev_server) as asks,
    ):
        for path, body, status, field in (
            (PLANS, {"as_of": "2026-09-02"}, 400, "as_of"),
            (PLANS, {"as_of": "2026-10-01"}, 400, "as_of"),
            ("/v1/adoption/XX/plans", {"as_of": "2026-09-01"}, 400, "seller"),
            ("/v1/adoption/US01/answers", {"deal_id": "x"}, 422, "deal_id"),
            ("/v1/adoption/US01/answers", {"deal_id": "0" * 18}, 400, "subscription_id"),
        ):
            refused = await asks(path, body, expect=status)
            assert field in str(refused), refused
        unknown = await asks("/v1/adoption/plans/AP-NONE", expect=404)
        assert unknown["code"] == "adoption_plan_not_found"
        await asks(PLANS, {"as_of": "2026-09-01"}, role="viewer", expect=403)
