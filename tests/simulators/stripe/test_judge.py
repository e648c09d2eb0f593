"""The judge of Stripe's exchanges bites, and a simulator's tape holds what it needs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.config import SimulatorConfig
from tests.plugins.stripe_judge import NAME, StripeJudge, read_tape
from tests.simulators.stripe.support import ACCOUNTS, US_KEY
from tests.simulators.stripe.types import Exchange

GOOD = {"id": "cus_1", "object": "customer", "created": 1, "livemode": False}


@pytest.mark.parametrize(
    ("body", "answer", "problem"),
    [
        ("name=x&nmae=y", {}, "nmae"),
        ("metadata[a]=b&address[town]=c", {}, "town"),
        ("name=x", {"created": "yesterday"}, "created"),
        ("name=x", {"nickname": "y"}, "nickname"),
    ],
)
def test_a_wrong_request_or_answer_is_a_violation(
    tmp_path: Path, body: str, answer: dict[str, Any], problem: str
) -> None:
    """A misspelt parameter, nested or not, a wrong type, a field nobody has."""
    judge = StripeJudge(tmp_path)
    text = json.dumps({**GOOD, **answer})
    found = judge.judge([Exchange("POST", "/v1/customers", "", body, 200, text)])
    assert any(problem in one for one in found), found
    assert judge.violations == found
    assert judge.judged == {"accepted": 1}


def test_a_tape_holds_each_exchange_and_no_credential(
    serve: Callable[[Any], str], tmp_path: Path
) -> None:
    """Request and answer, refusals too; the control routes are no part of the API."""
    url = serve(create_app(SimulatorConfig(accounts=ACCOUNTS, tape=str(tmp_path))))
    with httpx.Client(base_url=url, headers={"authorization": f"Bearer {US_KEY}"}) as client:
        client.post("/v1/customers", data={"name": "Nordwerk"})
        client.get("/v1/customers", params={"limit": 0})
        client.get("/_sim/health")
    (path,) = tmp_path.glob("*.jsonl")
    made, refused = read_tape(path)
    assert (made.method, made.path, made.body, made.status) == (
        "POST",
        "/v1/customers",
        "name=Nordwerk",
        200,
    )
    assert json.loads(made.text)["name"] == "Nordwerk"
    assert (refused.query, refused.status) == ("limit=0", 400)
    assert US_KEY not in path.read_text(encoding="utf-8")
    with path.open("a", encoding="utf-8") as cut_off:
        cut_off.write('{"method": "PO')
    assert len(list(read_tape(path))) == 2


def test_the_run_is_judged(request: pytest.FixtureRequest) -> None:
    """The plugin listens to this very run."""
    assert isinstance(request.config.pluginmanager.get_plugin(NAME), StripeJudge)
