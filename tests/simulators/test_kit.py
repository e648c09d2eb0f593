"""The simulator kit: each fault does to a real client what its name says."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.faults import Fault, FaultSpec, FaultSwitch, RequestView
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.server import build_app
from dealthread.simulators.kit.signing import SignatureRefused, StandardWebhooksSigner, verify
from dealthread.simulators.kit.webhook_sender import Delivery, WebhookSender

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

Serve = Callable[[ASGIApp], str]
Until = Callable[[Callable[[], bool]], None]


class PlainErrors:
    """A vendor whose errors are `{"error": kind}`."""

    def _shape(self, fault: Fault, status: int) -> tuple[int, dict[str, str], bytes]:
        headers = {"content-type": "application/json"}
        if fault.retry_after is not None:
            headers["retry-after"] = str(fault.retry_after)
        body = {"error": fault.code or str(fault.kind), "message": fault.message}
        return fault.status or status, headers, json.dumps(body).encode()

    def rate_limited(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        return self._shape(fault, 429)

    def server_error(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        return self._shape(fault, 503 if fault.kind == "server_error" else 500)

    def rejected(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        return self._shape(fault, 400)

    def auth(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        return self._shape(fault, 401)


@dataclass
class Shop:
    """A party with one effect: a note is kept."""

    notes: list[str] = field(default_factory=list)
    url: str = ""

    def app(self) -> ASGIApp:
        clock = SimClock()
        ledger = Ledger(clock)

        async def write(request: Request) -> Response:
            note = (await request.body()).decode()
            self.notes.append(note)
            ledger.effect("note.written", note)
            return JSONResponse({"id": f"note_{len(self.notes)}", "text": note})

        return build_app(
            [Route("/notes", write, methods=["POST"])],
            PlainErrors(),
            clock,
            ledger,
            FaultSwitch(),
            on_reset=self.notes.clear,
        )

    def fault(self, **spec: Any) -> str:
        answer = httpx.post(f"{self.url}/_sim/faults", json=spec)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def write(self, note: str = "a", **kwargs: Any) -> httpx.Response:
        headers = {"idempotency-key": f"key-{note}"}
        return httpx.post(f"{self.url}/notes", content=note, headers=headers, **kwargs)

    def requests(self, **query: str) -> list[dict[str, Any]]:
        page = httpx.get(f"{self.url}/_sim/ledger", params={"kind": "requests", **query}).json()
        entries: list[dict[str, Any]] = page["entries"]
        return entries


@pytest.fixture
def shop(serve: Serve) -> Shop:
    shop = Shop()
    shop.url = serve(shop.app())
    return shop


def test_without_a_fault_a_request_is_answered_and_recorded(shop: Shop) -> None:
    """The ledger knows the request, its key and its status, and the effect."""
    assert shop.write().json() == {"id": "note_1", "text": "a"}
    (entry,) = shop.requests()
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/notes", 200)
    assert entry["idempotency_key"] == "key-a"
    effects = httpx.get(f"{shop.url}/_sim/ledger?kind=effects").json()
    assert [one["kind"] for one in effects["entries"]] == ["note.written"]


def test_a_ledger_says_how_much_of_its_beginning_it_has_forgotten() -> None:
    """A reader who needs all of it can tell that it is not all."""
    ledger = Ledger(SimClock(), capacity=3)
    for number in range(5):
        ledger.request("GET", f"/{number}")
    page = ledger.as_json("requests", matches=lambda _: True)
    assert (page["total"], page["dropped"]) == (5, 2)
    assert [entry["path"] for entry in page["entries"]] == ["/2", "/3", "/4"]


def test_refuse_closes_the_connection_before_any_effect(shop: Shop) -> None:
    """K1: the client sees a transport error and nothing happened."""
    shop.fault(kind="refuse", path="/notes")
    with pytest.raises(httpx.TransportError):
        shop.write()
    assert shop.notes == []
    assert shop.write().status_code == 200


def test_lose_answer_runs_the_effect_and_then_closes_the_connection(shop: Shop) -> None:
    """K2: the client sees a transport error, the effect is there, the ledger says both."""
    shop.fault(kind="lose_answer", method="POST")
    with pytest.raises(httpx.TransportError):
        shop.write()
    assert shop.notes == ["a"]
    (entry,) = shop.requests(fault="lose_answer")
    assert (entry["status"], entry["handler_status"]) == (None, 200)


def test_late_effect_happens_after_the_client_has_given_up(shop: Shop, until: Until) -> None:
    """K5: at the client's time-out there is no effect; it comes later."""
    shop.fault(kind="late_effect", delay=0.6)
    with pytest.raises(httpx.ReadTimeout):
        shop.write(timeout=0.1)
    assert shop.notes == []
    until(lambda: shop.notes == ["a"])


def test_slow_delays_the_answer_only(shop: Shop, until: Until) -> None:
    """The effect is there at once; a patient client gets its answer."""
    shop.fault(kind="slow", delay=0.5)
    answers: list[int] = []
    client = threading.Thread(target=lambda: answers.append(shop.write().status_code))
    client.start()
    until(lambda: shop.notes == ["a"])
    assert answers == []
    client.join()
    assert answers == [200]


def test_rate_limit_has_no_effect_and_says_when_to_come_back(shop: Shop) -> None:
    """K3: Retry-After carries seconds, a date or garbage, as told."""
    shop.fault(kind="rate_limit", retry_after=30)
    shop.fault(kind="rate_limit", retry_after="soon")
    first, second, third = shop.write(), shop.write(), shop.write()
    assert (first.status_code, first.headers["retry-after"]) == (429, "30")
    assert second.headers["retry-after"] == "soon"
    assert third.status_code == 200
    assert shop.notes == ["a"]


def test_malformed_truncates_the_answer_after_the_effect(shop: Shop) -> None:
    """K6: 200, but the body is not JSON."""
    shop.fault(kind="malformed")
    answer = shop.write()
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert shop.notes == ["a"]


@pytest.mark.parametrize(
    ("spec", "status", "effects"),
    [
        ({"kind": "server_error"}, 503, []),
        ({"kind": "server_error", "status": 500}, 500, []),
        ({"kind": "server_error_after"}, 500, ["a"]),
        ({"kind": "reject", "code": "closed", "status": 422}, 422, []),
        ({"kind": "auth"}, 401, []),
        ({"kind": "html"}, 502, []),
    ],
)
def test_other_faults_answer_with_their_status(
    shop: Shop, spec: dict[str, Any], status: int, effects: list[str]
) -> None:
    """K4, K7, K8: the status is the vendor's, and only the `after` kind has an effect."""
    shop.fault(**spec)
    assert shop.write().status_code == status
    assert shop.notes == effects


def test_a_fault_strikes_the_requests_its_patterns_and_counts_choose(shop: Shop) -> None:
    """Body pattern, `after` and `times` select; hits are counted; removal disarms."""
    fault_id = shop.fault(kind="reject", body="^b", after=1, times=2)
    statuses = [shop.write(note).status_code for note in ("a", "b1", "b2", "a", "b3", "b4")]
    assert statuses == [200, 200, 400, 200, 400, 200]
    (shown,) = httpx.get(f"{shop.url}/_sim/faults").json()["faults"]
    assert (shown["id"], shown["matched"], shown["hits"]) == (fault_id, 4, 2)
    assert httpx.delete(f"{shop.url}/_sim/faults/{fault_id}").status_code == 204
    assert httpx.get(f"{shop.url}/_sim/faults").json() == {"faults": []}


@pytest.mark.parametrize(
    "spec", [{"kind": "explode"}, {"kind": "refuse", "path": "("}, {"kind": "stale_read"}, {"a": 1}]
)
def test_a_fault_that_makes_no_sense_is_refused(shop: Shop, spec: dict[str, Any]) -> None:
    """Unknown kinds and fields, bad patterns, and kinds this party cannot do."""
    assert httpx.post(f"{shop.url}/_sim/faults", json=spec).status_code == 400


def test_a_fault_with_times_0_strikes_for_ever() -> None:
    """0 means no limit."""
    switch = FaultSwitch()
    switch.add(FaultSpec.model_validate({"kind": "refuse", "times": 0}))
    view = RequestView("GET", "/", b"")
    assert all(switch.take(view) is not None for _ in range(100))


def test_the_clock_moves_freezes_and_keeps_utc(shop: Shop) -> None:
    """Business time is under the test's control."""
    url = f"{shop.url}/_sim/clock"
    frozen = httpx.post(url, json={"freeze": "2027-01-31T12:00:00+01:00"}).json()
    assert frozen["now"] == "2027-01-31T11:00:00+00:00"
    moved = httpx.post(url, json={"advance_seconds": 86400}).json()
    assert moved["now"] == "2027-02-01T11:00:00+00:00"
    running = httpx.post(url, json={"offset_seconds": 3600}).json()
    assert (running["offset_seconds"], running["frozen"]) == (3600, False)
    assert httpx.post(url, json={"freeze": "2027-01-31T12:00:00"}).status_code == 400
    assert httpx.post(url, json={}).status_code == 400


def test_the_clock_tells_its_listeners() -> None:
    """A simulator may act when time is moved."""
    clock = SimClock(frozen_at=datetime(2027, 1, 1, tzinfo=UTC))
    seen: list[datetime] = []
    clock.on_change(seen.append)
    clock.advance(timedelta(days=1))
    assert seen == [datetime(2027, 1, 2, tzinfo=UTC)]


def test_reset_empties_the_world_the_ledger_and_the_faults(shop: Shop) -> None:
    """A test starts from nothing."""
    shop.write()
    shop.fault(kind="refuse")
    assert httpx.post(f"{shop.url}/_sim/reset").status_code == 204
    assert shop.notes == []
    assert shop.requests() == []
    assert httpx.get(f"{shop.url}/_sim/faults").json() == {"faults": []}


class Inbox:
    """A receiver that verifies with the public library and answers what it is told."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.statuses: list[int] = []

    def app(self) -> ASGIApp:
        clock = SimClock()

        async def take(request: Request) -> Response:
            body = await request.body()
            Webhook(SECRET).verify(body, dict(request.headers))
            status = self.statuses.pop(0) if self.statuses else 200
            if status == 200:
                self.bodies.append(json.loads(body)["n"])
            return Response(status_code=status)

        routes = [Route("/hook", take, methods=["POST"])]
        return build_app(routes, PlainErrors(), clock, Ledger(clock), FaultSwitch())


class Outbox:
    """A party that sends a webhook for each POST."""

    def __init__(self, target: str) -> None:
        self.clock = SimClock()
        self.sender = WebhookSender(self.clock, back_off=(0.01,))
        self.target = target

    def app(self) -> ASGIApp:
        async def emit(request: Request) -> Response:
            number = request.path_params["n"]
            body = json.dumps({"n": number}).encode()
            signer = StandardWebhooksSigner([SECRET])
            self.sender.enqueue(Delivery(f"msg_{number}", self.target, body, signer))
            return Response(status_code=202)

        return build_app(
            [Route("/emit/{n}", emit, methods=["POST"])],
            PlainErrors(),
            self.clock,
            Ledger(self.clock),
            FaultSwitch(),
            webhooks=self.sender,
            lifespan=lambda app: self.sender.running(),
        )


@pytest.fixture
def wired(serve: Serve) -> tuple[Inbox, str]:
    inbox = Inbox()
    target = serve(inbox.app())
    return inbox, serve(Outbox(f"{target}/hook").app())


def emit(url: str, *numbers: str) -> None:
    for number in numbers:
        httpx.post(f"{url}/emit/{number}")


def test_a_webhook_is_signed_delivered_once_and_again_after_a_failure(
    wired: tuple[Inbox, str],
    until: Until,
) -> None:
    """A non-2xx answer is retried; the public Standard Webhooks library accepts the signature."""
    inbox, url = wired
    inbox.statuses = [500, 503]
    emit(url, "1")
    until(lambda: inbox.bodies == ["1"])
    until(lambda: len(httpx.get(f"{url}/_sim/webhooks").json()["delivered"]) == 1)
    (shown,) = httpx.get(f"{url}/_sim/webhooks").json()["delivered"]
    assert (shown["attempts"], shown["accepted"]) == (3, 1)
    assert httpx.post(f"{url}/_sim/webhooks/redeliver", json={"id": "msg_1"}).status_code == 200
    until(lambda: inbox.bodies == ["1", "1"])


def test_webhooks_can_be_duplicated_dropped_paused_and_reordered(
    wired: tuple[Inbox, str],
    until: Until,
) -> None:
    """E1, E3, E4: the sender misbehaves on request."""
    inbox, url = wired

    def settings(**changes: Any) -> None:
        assert httpx.post(f"{url}/_sim/webhooks", json=changes).status_code == 200

    settings(duplicate=2)
    emit(url, "twice")
    until(lambda: inbox.bodies == ["twice"] * 3)
    settings(duplicate=0, drop=True)
    emit(url, "lost")
    settings(drop=False, paused=True)
    emit(url, "1", "2", "3")
    assert inbox.bodies == ["twice"] * 3
    settings(paused=False, reorder=True)
    until(lambda: inbox.bodies[3:] == ["3", "2", "1"])
    httpx.post(f"{url}/_sim/webhooks/redeliver", json={"id": "msg_lost"})
    until(lambda: inbox.bodies[6:] == ["lost"])
    assert httpx.post(f"{url}/_sim/webhooks", json={"explode": 1}).status_code == 400


def test_a_delayed_webhook_is_overtaken_by_the_next(wired: tuple[Inbox, str], until: Until) -> None:
    """E3: `delay` holds the first try of each message that is sent while it is set."""
    inbox, url = wired
    assert httpx.post(f"{url}/_sim/webhooks", json={"delay": 0.5}).status_code == 200
    emit(url, "slow")
    # It is under way: what is set from now on is for the next.
    until(
        lambda: (
            [one["state"] for one in httpx.get(f"{url}/_sim/webhooks").json()["pending"]]
            == ["sending"]
        )
    )
    httpx.post(f"{url}/_sim/webhooks", json={"delay": 0})
    emit(url, "quick")
    until(lambda: inbox.bodies == ["quick", "slow"])


def test_a_signature_is_refused_when_old_foreign_or_over_other_bytes() -> None:
    """±5 minutes; any of several secrets may match; the body is signed."""
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    other = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo="
    headers = StandardWebhooksSigner([other, SECRET]).headers(
        message_id="msg_1", timestamp=int(now.timestamp()), body=b"{}"
    )
    assert verify([SECRET], headers, b"{}", machine_now=now) == "msg_1"
    for secrets, body, at in (
        ([SECRET], b"{ }", now),
        ([SECRET], b"{}", now + timedelta(seconds=301)),
        (["whsec_" + "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg="], b"{}", now),
    ):
        with pytest.raises(SignatureRefused):
            verify(secrets, headers, body, machine_now=at)
