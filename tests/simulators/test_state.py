"""A simulated world outlives its process, in a file or in PostgreSQL, and travels as a snapshot."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from dealthread.simulators.kit.server import BackgroundServer
from dealthread.simulators.kit.state import Keeper
from dealthread.simulators.kit.state_store import Row, StateRefused, StateStore
from dealthread.simulators.salesforce import app as salesforce
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.stripe import app as stripe
from dealthread.simulators.stripe.config import AccountConfig, SimulatorConfig
from dealthread.stack.postgres import Postgres
from tests.simulators.conftest import ORG_ID, SimulatedOrg
from tests.simulators.stripe.support import DE_KEY

Until = Callable[[Callable[[], bool]], None]
ACCOUNT = AccountConfig(id="acct_one", secret_key=DE_KEY)


@pytest.fixture
def place(postgres: Postgres) -> Iterator[str]:
    """An empty PostgreSQL database."""
    postgres.ensure_database("simulators", "dealthread")
    yield postgres.url("simulators", "dealthread")
    with postgres.connect() as session:
        session.execute("DROP DATABASE simulators WITH (FORCE)")


def _stripe(state: str | None, key: str = "acct_one") -> BackgroundServer:
    account = ACCOUNT.model_copy(update={"id": key})
    server = BackgroundServer(stripe.create_app(SimulatorConfig(accounts=(account,), state=state)))
    server.start()
    return server


def _stripe_client(url: str) -> httpx.Client:
    return httpx.Client(
        base_url=url, headers={"authorization": f"Bearer {DE_KEY}"}, trust_env=False
    )


def _salesforce(state: str | None) -> BackgroundServer:
    config = SalesforceConfig(
        org_id=ORG_ID, client_id="client", client_secret="secret", state=state
    )
    server = BackgroundServer(salesforce.create_app(config))
    server.start()
    return server


@pytest.mark.postgres
def test_postgresql_keeps_both_simulators_in_one_database(place: str) -> None:
    """Each finds its own world again; what was removed stays removed."""
    for turn in range(2):
        billing, crm = _stripe(place), _salesforce(place)
        org = SimulatedOrg(crm.url)
        with _stripe_client(billing.url) as client:
            found = client.get("/v1/customers").json()["data"]
            assert [one["name"] for one in found] == ["Nordwerk"] * turn
            assert [row["Name"] for row in org.query("SELECT Name FROM Account")] == ["A"] * turn
            if not turn:
                client.post("/v1/customers", data={"name": "Nordwerk"}).raise_for_status()
                gone = client.post("/v1/customers", data={"name": "Gone"}).json()["id"]
                client.delete(f"/v1/customers/{gone}").raise_for_status()
                org.create("Account", Name="A")
        org.close()
        billing.stop()
        crm.stop()


@pytest.mark.postgres
def test_two_processes_cannot_keep_one_world(place: str) -> None:
    """The second is refused with the remedy; after the first ended the place is free."""
    first = StateStore(place, "stripe")
    with pytest.raises(StateRefused, match="another process keeps the state of stripe"):
        StateStore(place, "stripe")
    other = StateStore(place, "salesforce:1")
    first.close()
    StateStore(place, "stripe").close()
    other.close()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("mysql://127.0.0.1/x", "not mysql"),
        ("postgresql://127.0.0.1:1/x", "cannot open the state: .*refused"),
    ],
)
def test_a_place_that_cannot_be_used_is_named(place: str, words: str) -> None:
    """One line, no statement, no address with its password."""
    with pytest.raises(StateRefused, match=words) as caught:
        StateStore(place, "stripe")
    assert "\n" not in str(caught.value)


def test_rows_keep_the_order_of_their_creation(tmp_path: Path) -> None:
    """Also after an update, a removal and a replacement of everything."""
    store = StateStore(str(tmp_path / "a" / "state.sqlite"), "x")
    store.write({("p", "b"): "1", ("p", "a"): "2", ("q", "c"): "3"})
    store.write({("p", "b"): "4", ("q", "c"): None, ("p", "0"): "5"})
    kept = [Row("p", "b", "4"), Row("p", "a", "2"), Row("p", "0", "5")]
    assert store.read() == kept
    store.write({("p", "z"): "6"}, is_new=True)
    assert store.read() == [Row("p", "z", "6")]
    store.close()


class _Shelf:
    """A world of texts."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def rows(self) -> Iterator[Row]:
        return (Row("shelf", key, body) for key, body in self.held.items())

    def restore(self, rows: Iterable[Row]) -> None:
        self.held = {row.key: row.body for row in rows}


class _Forgetful(StateStore):
    """Cannot write the first times it is asked."""

    def __init__(self, place: str, simulator: str) -> None:
        super().__init__(place, simulator)
        self.failures = 2
        self.failed = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def write(self, changes: Mapping[tuple[str, str], str | None], *, is_new: bool = False) -> None:
        if self.failures:
            self.failures -= 1
            if not self.failures:
                self._loop.call_soon_threadsafe(self.failed.set)
            raise StateRefused("the disk is full")
        super().write(changes, is_new=is_new)


async def test_a_failed_save_is_made_up_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is taken for kept that was not; the trouble is said."""
    monkeypatch.setattr("dealthread.simulators.kit.state.SAVE_SECONDS", 0.0)
    path = str(tmp_path / "state.sqlite")
    shelf, store = _Shelf(), _Forgetful(path, "x")
    keeper = Keeper(shelf, store)
    async with keeper.keeping():
        shelf.held["a"] = "1"
        keeper.tell({("shelf", "a"): "1"})
        await store.failed.wait()
    assert "the disk is full" in caplog.text
    again = StateStore(path, "x")
    assert again.read() == [Row("shelf", "a", "1")]
    again.close()


@pytest.mark.parametrize("simulator", ["stripe", "salesforce"])
def test_a_snapshot_brings_the_world_back(simulator: str, until: Until) -> None:
    """Everything made since is gone, business time included; another process takes it too."""
    start: Any = _stripe if simulator == "stripe" else _salesforce
    server = start(None)
    with httpx.Client(base_url=server.url, trust_env=False) as control:
        control.post("/_sim/clock", json={"freeze": "2026-01-31T12:00:00+00:00"})
        first = _make(simulator, server.url, "First")
        taken = control.get("/_sim/snapshot")
        second = _make(simulator, server.url, "Second")
        control.post("/_sim/clock", json={"advance_seconds": 3600})
        assert _names(simulator, server.url) == {"First", "Second"}
        assert control.put("/_sim/snapshot", content=taken.content).status_code == 204
        assert _names(simulator, server.url) == {"First"}
        assert control.get("/_sim/clock").json()["now"] == "2026-01-31T12:00:00+00:00"
        assert control.get("/_sim/snapshot").json() == _as_now(taken.json(), control)
        assert _make(simulator, server.url, "Third") not in (first, second)
    elsewhere = start(None)
    with httpx.Client(base_url=elsewhere.url, trust_env=False) as control:
        assert control.put("/_sim/snapshot", content=taken.content).status_code == 204
        assert _names(simulator, elsewhere.url) == {"First"}
    server.stop()
    elsewhere.stop()


def test_a_foreign_snapshot_changes_nothing() -> None:
    """Of another simulator, of an account that is not here, or no snapshot: 400 with the reason."""
    one, other, crm = _stripe(None), _stripe(None, key="acct_other"), _salesforce(None)
    _make("stripe", one.url, "First")
    _make("stripe", other.url, "Other")
    foreign = [
        (httpx.get(f"{crm.url}/_sim/snapshot").content, "snapshot of salesforce"),
        (httpx.get(f"{other.url}/_sim/snapshot").content, "acct_other"),
        (b'{"rows": []}', "simulator"),
        (b"[", "JSON"),
    ]
    for body, words in foreign:
        refused = httpx.put(f"{one.url}/_sim/snapshot", content=body)
        assert refused.status_code == 400
        assert re.search(words, refused.json()["error"])
    assert _names("stripe", one.url) == {"First"}
    for server in (one, other, crm):
        server.stop()


def _make(simulator: str, url: str, name: str) -> str:
    if simulator == "stripe":
        with _stripe_client(url) as client:
            return str(client.post("/v1/customers", data={"name": name}).json()["id"])
    org = SimulatedOrg(url)
    made = org.create("Account", Name=name)
    org.close()
    return made


def _names(simulator: str, url: str) -> set[str]:
    if simulator == "stripe":
        with _stripe_client(url) as client:
            return {one["name"] for one in client.get("/v1/customers").json()["data"]}
    org = SimulatedOrg(url)
    found = {str(row["Name"]) for row in org.query("SELECT Name FROM Account")}
    org.close()
    return found


def _as_now(taken: dict[str, Any], control: httpx.Client) -> dict[str, Any]:
    """Counters of ids are what they are: they never go back."""
    now = {(part, key): body for part, key, body in control.get("/_sim/snapshot").json()["rows"]}
    rows = [
        [part, key, now[part, key] if part == "#counters" else body]
        for part, key, body in taken["rows"]
    ]
    return {**taken, "rows": rows}
