"""`dealthread simulators …`: a simulator on its own, with nothing configured (AG-05, AG-06)."""

from __future__ import annotations

import os
import re
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import requests
import stripe
from simple_salesforce.api import Salesforce

from tests.cli.conftest import Run

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def _running(*words: str) -> Iterator[dict[str, str]]:
    """The facts the command prints before it serves."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("DEALTHREAD_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "dealthread.cli.main", "simulators", *words, "--port", "0"],
        cwd=ROOT,
        env={**env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        said: dict[str, str] = {}
        for line in process.stdout or ():
            name, _, value = re.sub(r"  +", "\t", line.strip()).partition("\t")
            said[name] = value
            if name == "to stop":
                break
        trusted = said.get("trust")
        transport = httpx.HTTPTransport(
            retries=8, verify=ssl.create_default_context(cafile=trusted) if trusted else True
        )
        with httpx.Client(transport=transport, base_url=said["listening"]) as control:
            control.get("/_sim/health").raise_for_status()
        yield said
    finally:
        process.terminate()
        process.communicate(timeout=15)


async def test_stripe_answers_its_official_client_with_the_key_that_is_printed(
    tmp_path: Path,
) -> None:
    """The state named by --state is there again at the next start."""
    state = str(tmp_path / "stripe.sqlite")
    for turn in range(2):
        with _running("stripe", "--state", state) as said:
            assert said["state"] == state
            http = stripe.HTTPXClient()
            client = stripe.StripeClient(
                said["secret key"], base_addresses={"api": said["listening"]}, http_client=http
            )
            listed = await client.v1.customers.list_async()
            assert len(listed.data) == turn
            await client.v1.customers.create_async({"name": "Nordwerk"})
            await http.close_async()


def test_salesforce_gives_a_token_for_the_credentials_that_are_printed() -> None:
    """And knows itself by the org id that is printed."""
    with _running("salesforce") as said:
        form = {
            "grant_type": "client_credentials",
            "client_id": said["client id"],
            "client_secret": said["client secret"],
        }
        url = said["listening"]
        token = httpx.post(f"{url}/services/oauth2/token", data=form).json()["access_token"]
        found = httpx.get(
            f"{url}/services/data/v66.0/query",
            params={"q": "SELECT Id FROM Organization"},
            headers={"authorization": f"Bearer {token}"},
        ).json()
        assert [row["Id"] for row in found["records"]] == [said["org id"]]
        assert said["state"] == "in memory"


def test_a_client_that_speaks_https_only_is_served_as_it_is(tmp_path: Path) -> None:
    """simple-salesforce, unmodified: nothing is mounted below it, the certificate is verified."""
    with _running("salesforce", "--tls", str(tmp_path / "tls")) as said:
        url = said["listening"]
        form = {
            "grant_type": "client_credentials",
            "client_id": said["client id"],
            "client_secret": said["client secret"],
        }
        with requests.Session() as session:
            # The environment may name another bundle, which would win.
            session.trust_env, session.verify = False, said["trust"]
            answer = session.post(f"{url}/services/oauth2/token", data=form).json()
            org = Salesforce(
                instance_url=url, session_id=answer["access_token"], session=session, version="66.0"
            )
            made = org.Account.create({"Name": "Nordwerk"})
            assert org.Account.get(made["id"])["Name"] == "Nordwerk"
            session.verify = True
            with pytest.raises(requests.exceptions.SSLError):
                session.get(f"{url}/_sim/health", timeout=10)
    assert (tmp_path / "tls" / "server.key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("words", "env", "expected"),
    [
        (("stripe", "--state", "mysql://x/y"), {}, "not mysql"),
        (("stripe", "--host", "0.0.0.0"), {}, "set DEALTHREAD_SIM_STRIPE_ACCOUNTS"),  # noqa: S104
        (("salesforce", "--host", "::"), {}, "set DEALTHREAD_SIM_SF_ORG_ID"),
        (
            ("stripe",),
            {"DEALTHREAD_SIM_STRIPE_ACCOUNTS": '[{"id": "acct_one"}]'},
            "DEALTHREAD_SIM_STRIPE_ACCOUNTS (0.secret_key): Field required",
        ),
        (("salesforce",), {"DEALTHREAD_SIM_SF_ORG_ID": "00D"}, "18-character id"),
        (("stripe", "--port", "0", "--tls", "/dev/null/x"), {}, "cannot keep a certificate"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    env: dict[str, str],
    expected: str,
) -> None:
    """Credentials that everyone knows serve this machine only."""
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    assert expected in run("simulators", *words).error


def test_a_port_in_use_is_named(run: Run) -> None:
    """With the option that mends it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        error = run("simulators", "stripe", "--port", str(port)).error
        assert f"127.0.0.1:{port}" in error
        assert "--port" in error
