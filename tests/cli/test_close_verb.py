"""MT-09: `dealthread close` says where a month stands, signs it and writes its evidence."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from dealthread.domain.case import CaseOpening, DecisionKind
from dealthread.domain.closing.checklist import Checklist, Evidence, ItemState, item
from dealthread.naming import close_id, close_key
from dealthread.stack.info import StackInfo
from dealthread.store.cases import PostgresCases
from dealthread.store.closing import PostgresClosing
from tests.cli.conftest import Run

pytestmark = pytest.mark.postgres
JANUARY = date(2026, 1, 1)


def _evidence(state: ItemState) -> Evidence:
    found = item("drafts", "Entries unposted", "accounting", state, ["7 of 2026-01-15: by hand"])
    return Evidence(
        seller="US01",
        period=JANUARY,
        currency="USD",
        checklist=Checklist(seller="US01", period=JANUARY, items=(found,)),
        answers=(),
        opening=(),
        closing=(),
        unbilled=(),
        taxes=(),
        manual=(),
        entries=("1",),
    )


async def test_a_month_is_shown_signed_and_its_evidence_written(
    run: Run, stack: StackInfo, engine: AsyncEngine, tmp_path: Path
) -> None:
    assert stack
    unknown = run("close", "US01", "2026-01", "--show")
    assert unknown.error.startswith("close not begun (period): begin it: dealthread close US01")
    store, cases = PostgresClosing(engine), PostgresCases(engine)
    await store.begin("US01", JANUARY, 1, "anna")
    await store.checked("US01", JANUARY, 1, _evidence(ItemState.OPEN), "")
    stuck = run("close", "US01", "2026-01", "--show")
    assert stuck.code == 1
    assert "7 of 2026-01-15: by hand" in " ".join(stuck.out.split())
    right = _evidence(ItemState.DONE)
    await store.checked("US01", JANUARY, 1, right, "account 1:1100\n")
    await cases.open(
        CaseOpening(
            case_id="CASE-1",
            occurrence=1,
            kind="close.sign_off",
            business_key=close_id("US01", JANUARY),
            generation=1,
            contract_key=close_key("US01", JANUARY),
            workflow_id=close_id("US01", JANUARY),
            step="sign",
            code="close_waits_for_signature",
            summary="waits",
            evidence={"fingerprint": right.fingerprint},
            allowed=(DecisionKind.APPROVE, DecisionKind.REJECT),
            requested_by="anna",
        )
    )
    shown = run("close", "US01", "2026-01", "--show")
    assert shown.code == 0
    assert "--sign REASON" in " ".join(shown.out.split())
    folder = tmp_path / "evidence"
    assert run("close", "US01", "2026-01", "--evidence", str(folder)).code == 0
    written = json.loads((folder / "US01-2026-01.json").read_text(encoding="utf-8"))
    assert Evidence.model_validate(written) == right
    assert (folder / "US01-2026-01.journal").read_text(encoding="utf-8") == "account 1:1100\n"
    (folder / "file").write_text("", encoding="utf-8")
    nowhere = run("close", "US01", "2026-01", "--evidence", str(folder / "file" / "x"))
    assert nowhere.error.endswith("name another folder")
    assert run("close", "US01", "2026-01", "--show", "--sign", "yes").code == 2
    assert run("close", "US01", "2026-01", "--sign", " ").code == 2
    signed = run("close", "US01", "2026-01", "--sign", "agreed", "--as", "approver")
    assert signed.code == 0, signed.err
    case = await cases.show("CASE-1")
    assert case.decision is DecisionKind.APPROVE
    twice = run("close", "US01", "2026-01", "--reject", "no", "--as", "approver")
    assert "waits for no signature" in twice.error
