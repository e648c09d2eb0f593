"""The simulator as a process of its own: environment in, state file out at SIGTERM."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.simulators.stripe.support import DE_KEY

Until = Callable[[Callable[[], bool]], None]


def _start(state: Path, until: Until) -> tuple[subprocess.Popen[bytes], httpx.Client]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environ = {
        **os.environ,
        "DEALTHREAD_SIM_STRIPE_ACCOUNTS": json.dumps(
            [{"id": "acct_alder_de", "secret_key": DE_KEY, "number_format": "DE-{year}-{:05d}"}]
        ),
        "DEALTHREAD_SIM_CLOCK_OFFSET_SECONDS": "86400",
        "DEALTHREAD_SIM_STATE": str(state),
    }
    command = [sys.executable, "-m", "dealthread.simulators.stripe", "--port", str(port)]
    process = subprocess.Popen(command, env=environ)
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        headers={"Authorization": f"Bearer {DE_KEY}"},
        trust_env=False,
    )

    def is_up() -> bool:
        assert process.poll() is None, "the simulator ended"
        try:
            return client.get("/_sim/health").is_success
        except httpx.TransportError:
            return False

    until(is_up)
    return process, client


def test_a_terminated_process_keeps_its_state(tmp_path: Path, until: Until) -> None:
    """SIGTERM: exit, state written; the next process goes on with it."""
    state = tmp_path / "stripe.sqlite"
    made = ""
    for turn in range(2):
        process, client = _start(state, until)
        try:
            if turn == 0:
                made = client.post("/v1/customers", data={"name": "Nordwerk"}).json()["id"]
                clock = client.get("/_sim/clock").json()
                assert clock["offset_seconds"] == 86400
            else:
                assert client.get(f"/v1/customers/{made}").json()["name"] == "Nordwerk"
        finally:
            client.close()
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)
        assert made.encode() in state.read_bytes()
