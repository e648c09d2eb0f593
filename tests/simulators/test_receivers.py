"""The entitlement service and the customer-success service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook
from starlette.types import ASGIApp

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.receivers.app import ReceiverConfig, Role, create_app

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
NEXT_SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
TOKEN = {"authorization": "Bearer token"}

Serve = Callable[[ASGIApp], str]


class Party:
    """A served receiver and a sender that signs with the public library."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(
        self,
        kind: str,
        message_id: str,
        data: dict[str, Any],
        *,
        secret: str = SECRET,
        signed_at: datetime | None = None,
        time: str = "2026-11-20T10:00:00Z",
        subject: str = "K-1",
        **changes: Any,
    ) -> httpx.Response:
        event = {
            "specversion": "1.0",
            "id": message_id,
            "source": "/dealthread",
            "type": f"dealthread.{kind}.v1",
            "subject": subject,
            "time": time,
            "data": data,
            **changes,
        }
        body = json.dumps(event)
        at = signed_at or datetime.now(UTC)
        headers = {
            "content-type": "application/cloudevents+json",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, at, body),
        }
        return httpx.post(f"{self.url}/events", content=body, headers=headers)

    def entitlement(self, contract_key: str = "K-1") -> httpx.Response:
        return httpx.get(f"{self.url}/entitlements/{contract_key}", headers=TOKEN)


@contextmanager
def running(config: ReceiverConfig) -> Iterator[Party]:
    """Serves until the end of the block, as a stack that is stopped and started."""
    server = BackgroundServer(create_app(config))
    server.start()
    try:
        yield Party(server.url)
    finally:
        server.stop()


def grant(access_from: str = "2020-01-01", template: str = "pro") -> dict[str, Any]:
    return {
        "contract_key": "K-1",
        "customer_key": "C-1",
        "grants": [
            {
                "line_key": "1",
                "template": template,
                "quantity": "10",
                "access_from": access_from,
                "access_to": None,
            }
        ],
    }


def served(serve: Serve, role: Role) -> Party:
    config = ReceiverConfig(role=role, webhook_secrets=(SECRET, NEXT_SECRET), token="token")
    return Party(serve(create_app(config)))


@pytest.fixture
def service(serve: Serve) -> Party:
    return served(serve, Role.ENTITLEMENT)


def test_a_grant_is_recorded_and_active_from_its_first_day(service: Party) -> None:
    """The answer carries the native id, which follows from the contract's key."""
    answer = service.send("entitlement.grant", "m1", grant("2999-01-01"))
    assert (answer.status_code, answer.json()["state"]) == (200, "recorded")
    assert service.entitlement().json() == answer.json()
    assert answer.json()["id"].startswith("ent_")
    assert len(answer.json()["id"]) == 20
    assert answer.json()["grants"] == grant("2999-01-01")["grants"]
    httpx.post(f"{service.url}/_sim/clock", json={"freeze": "2999-01-01T00:00:00Z"})
    assert service.entitlement().json()["state"] == "active"


def test_the_same_message_again_changes_nothing_and_answers_the_same(service: Party) -> None:
    """Idempotent by webhook-id; the same id with another event is refused."""
    first = service.send("entitlement.grant", "m1", grant())
    service.send("entitlement.grant", "m2", grant(template="plus"))
    again = service.send("entitlement.grant", "m1", grant(), time="2026-11-20T10:05:00Z")
    assert again.json() == first.json()
    assert service.entitlement().json()["grants"][0]["template"] == "plus"
    assert service.send("entitlement.grant", "m1", grant(template="x")).status_code == 409
    effects = httpx.get(f"{service.url}/_sim/ledger?kind=effects").json()
    assert [one["key"] for one in effects["entries"]] == ["m1", "m2"]


def test_a_revocation_holds_against_a_late_grant_and_needs_no_grant(service: Party) -> None:
    """Unknown contract: revoked. An older grant that arrives later does not revive it."""
    unknown = service.send("entitlement.revoke", "m1", {}, time="2026-11-20T10:00:00Z")
    assert (unknown.status_code, unknown.json()["state"]) == (200, "revoked")
    late = service.send("entitlement.grant", "m2", grant(), time="2026-11-20T09:59:59Z")
    assert (late.status_code, late.json()["state"]) == (200, "revoked")
    newer = service.send("entitlement.grant", "m3", grant(), time="2026-11-20T10:00:01Z")
    assert newer.json()["state"] == "active"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"secret": "whsec_eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="}, 401),
        ({"signed_ago": timedelta(seconds=400)}, 401),
        ({"signed_ago": timedelta(seconds=-400)}, 401),
        ({"specversion": "0.3"}, 400),
        ({"time": "yesterday"}, 400),
        ({"subject": "K-2"}, 422),
        ({"data": {"contract_key": "K-1"}}, 422),
        ({"type": "dealthread.something.else.v1"}, 422),
    ],
)
def test_what_is_unsigned_old_or_malformed_is_refused(
    service: Party, changes: dict[str, Any], status: int
) -> None:
    """401, 400, 422; nothing is stored."""
    if "signed_ago" in changes:
        changes = {"signed_at": datetime.now(UTC) - changes["signed_ago"]}
    answer = service.send("entitlement.grant", "m1", **{"data": grant(), **changes})
    assert answer.status_code == status
    assert service.entitlement().status_code == 404


def test_both_secrets_of_a_rotation_are_accepted(service: Party) -> None:
    """Old and new."""
    for number, secret in enumerate((SECRET, NEXT_SECRET)):
        answer = service.send("entitlement.grant", f"m{number}", grant(), secret=secret)
        assert answer.status_code == 200


def test_reading_needs_the_token(service: Party) -> None:
    """401 without it."""
    service.send("entitlement.grant", "m1", grant())
    assert httpx.get(f"{service.url}/entitlements/K-1").status_code == 401


def test_a_lost_answer_is_repeated_safely(service: Party) -> None:
    """K2: the grant is there; the retry answers it."""
    httpx.post(f"{service.url}/_sim/faults", json={"kind": "lose_answer", "path": "/events"})
    with pytest.raises(httpx.TransportError):
        service.send("entitlement.grant", "m1", grant())
    assert service.send("entitlement.grant", "m1", grant()).json()["state"] == "active"


def test_customer_success_gathers_what_is_known_of_an_account(serve: Serve) -> None:
    """Latest contract, entitlement and payment state for each contract; late events lose, and
    what came before the customer was known is not lost."""
    party = served(serve, Role.CUSTOMER_SUCCESS)
    party.send("contract.activated", "m1", {"status": "active"}, time="2026-11-20T10:00:00Z")
    assert httpx.get(f"{party.url}/accounts/C-1", headers=TOKEN).status_code == 404
    party.send("entitlement.grant", "m2", grant(), time="2026-11-20T10:01:00Z")
    party.send("payment.received", "m3", {"invoice": "I-1"}, time="2026-11-20T10:03:00Z")
    party.send("payment.failed", "m4", {"invoice": "I-1"}, time="2026-11-20T10:02:00Z")
    answer = httpx.get(f"{party.url}/accounts/C-1", headers=TOKEN)
    contract = answer.json()["contracts"]["K-1"]
    assert {name: one["state"] for name, one in contract.items()} == {
        "contract": "activated",
        "entitlement": "grant",
        "payment": "received",
    }
    assert httpx.get(f"{party.url}/accounts/C-2", headers=TOKEN).status_code == 404
    assert party.send("nonsense", "m5", {}, type="other.thing.v1").status_code == 422


def test_customer_success_hears_of_the_customer_itself_and_of_what_he_receives(
    serve: Serve,
) -> None:
    """EV-01: a changed record is the customer's, a status the contract's; late news lose."""
    party = served(serve, Role.CUSTOMER_SUCCESS)
    record = {"customer_key": "C-1", "system": "erp", "changed_fields": ["bill_to_address"]}
    party.send("account.updated", "m1", record, subject="C-1")
    status = {"contract_key": "K-1", "customer_key": "C-1", "reason": "overdue invoice"}
    for message, before, now, time in (
        ("m2", "active", "suspended", "2026-11-20T10:05:00Z"),
        ("m3", "none", "active", "2026-11-20T10:00:00Z"),
    ):
        data = {**status, "previous_status": before, "status": now}
        party.send("service_status.changed", message, data, time=time)
    answer = httpx.get(f"{party.url}/accounts/C-1", headers=TOKEN).json()
    assert answer["customer"]["account"]["data"] == record
    assert list(answer["contracts"]) == ["K-1"]
    assert answer["contracts"]["K-1"]["service_status"]["data"]["status"] == "suspended"


def test_a_restarted_service_keeps_its_entitlements(tmp_path: Path) -> None:
    """Answers to repeats and the order of times survive; a reset forgets."""
    config = ReceiverConfig(
        role=Role.ENTITLEMENT,
        webhook_secrets=(SECRET,),
        token="token",
        state_file=tmp_path / "entitlement.sqlite",
    )
    with running(config) as party:
        first = party.send("entitlement.grant", "m1", grant())
        party.send("entitlement.revoke", "m2", {}, time="2026-11-20T11:00:00Z")
    with running(config) as party:
        assert party.entitlement().json()["state"] == "revoked"
        assert party.send("entitlement.grant", "m1", grant()).json() == first.json()
        httpx.post(f"{party.url}/_sim/reset")
    with running(config) as party:
        assert party.entitlement().status_code == 404


def spans(*held: tuple[str, str, str]) -> dict[str, Any]:
    """Grants of one line over several spans: (quantity, from, to)."""
    pattern = grant()["grants"][0]
    rows = [
        {**pattern, "quantity": quantity, "access_from": start, "access_to": end}
        for quantity, start, end in held
    ]
    return {**grant(), "grants": rows}


def test_an_entitlement_has_ended_when_its_last_right_has_run_out(service: Party) -> None:
    """By the clock, without another event; a line may hold other quantities one after another."""
    data = spans(("10", "2020-01-01", "2020-07-01"), ("12", "2020-07-01", "2999-01-01"))
    answer = service.send("entitlement.grant", "m1", data).json()
    assert (answer["state"], len(answer["grants"])) == ("active", 2)
    httpx.post(f"{service.url}/_sim/clock", json={"freeze": "2998-12-31T00:00:00Z"})
    assert service.entitlement().json()["state"] == "active"
    httpx.post(f"{service.url}/_sim/clock", json={"freeze": "2999-01-01T00:00:00Z"})
    assert service.entitlement().json()["state"] == "ended"


def test_a_later_grant_brings_an_ended_entitlement_back(service: Party) -> None:
    """It replaces what was granted before: a renewal that was taken late."""
    ended = spans(("10", "2020-01-01", "2021-01-01"))
    assert service.send("entitlement.grant", "m1", ended).json()["state"] == "ended"
    renewed = spans(("10", "2020-01-01", "2021-01-01"), ("10", "2021-01-01", "2999-01-01"))
    assert service.send("entitlement.grant", "m2", renewed).json()["state"] == "active"


def hold(one: str) -> dict[str, Any]:
    return {"contract_key": "K-1", "hold_id": one, "reason": "overdue invoice"}


def test_a_right_is_withheld_while_there_is_any_hold_and_one_lifted_never_comes_back(
    service: Party,
) -> None:
    """Two unpaid invoices, an amendment in between, and a late copy of a suspension."""
    assert service.send("entitlement.suspend", "m0", hold("a")).status_code == 404
    service.send("entitlement.grant", "m1", grant())
    suspended = service.send("entitlement.suspend", "m2", hold("a"))
    assert (suspended.json()["state"], suspended.json()["holds"]) == ("suspended", ["a"])
    service.send("entitlement.suspend", "m3", hold("b"))
    service.send("entitlement.grant", "m4", grant(template="plus"))
    assert service.entitlement().json()["holds"] == ["a", "b"], "more seats do not pay the bill"
    one_left = service.send("entitlement.restore", "m5", hold("a"))
    assert (one_left.json()["state"], one_left.json()["holds"]) == ("suspended", ["b"])
    late = service.send("entitlement.suspend", "m6", hold("a"))
    assert late.json()["holds"] == ["b"]
    assert service.send("entitlement.restore", "m7", hold("b")).json()["state"] == "active"
    for name in ("contract_key", "hold_id", "reason"):
        broken = hold("c") | {name: ""}
        assert service.send("entitlement.suspend", f"x-{name}", broken).status_code == 422
    effects = httpx.get(f"{service.url}/_sim/ledger?kind=effects").json()["entries"]
    assert [one["key"] for one in effects] == ["m1", "m2", "m3", "m4", "m5", "m7"]


def activated(party: Party, message_id: str, time: str, version: int = 1) -> None:
    data = {"contract_key": "K-1", "customer_key": "C-1", "version": version}
    assert party.send("contract.activated", message_id, data, time=time).status_code == 200


def held(party: Party) -> dict[str, Any]:
    answer = httpx.get(f"{party.url}/contracts/K-1", headers=TOKEN)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def entered(party: Party, state: object, **headers: str) -> httpx.Response:
    url = f"{party.url}/contracts/K-1/state"
    return httpx.put(url, json={"state": state}, headers=headers or TOKEN)


def test_customer_success_holds_what_it_was_told_last_unless_a_person_entered_another_state(
    tmp_path: Path,
) -> None:
    """The newer counts, whoever it comes from; both outlive a restart."""
    config = ReceiverConfig(
        Role.CUSTOMER_SUCCESS, (SECRET,), "token", state_file=tmp_path / "state.jsonl"
    )
    with running(config) as party:
        assert httpx.get(f"{party.url}/contracts/K-1", headers=TOKEN).status_code == 404
        assert entered(party, "churned").status_code == 404
        activated(party, "m1", "2026-03-01T10:00:00Z", version=2)
        assert (held(party)["state"], held(party)["version"]) == ("active", 2)
        assert held(party)["changed_at"] == "2026-03-01T10:00:00+00:00"
        assert entered(party, "churned").status_code == 200
        activated(party, "m2", "2026-03-02T10:00:00Z")
    with running(config) as party:
        assert (held(party)["state"], held(party)["version"]) == ("churned", 2)
        activated(party, "m3", "2999-01-01T00:00:00Z", version=3)
        assert (held(party)["state"], held(party)["version"]) == ("active", 3)


def test_nobody_enters_a_state_without_the_token_or_by_a_webhook(serve: Serve) -> None:
    party = served(serve, Role.CUSTOMER_SUCCESS)
    activated(party, "m1", "2026-03-01T10:00:00Z")
    assert entered(party, "churned", authorization="Bearer other").status_code == 401
    assert httpx.get(f"{party.url}/contracts/K-1").status_code == 401
    assert entered(party, "").status_code == 422
    kind = "customer-success.contract.entered.v1"
    assert party.send("x", "m2", {"state": "churned"}, type=kind).status_code == 422
    assert held(party)["state"] == "active"
