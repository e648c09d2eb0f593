"""`dealthread simulators salesforce|stripe`: one simulator on its own, for any client."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError
from starlette.applications import Starlette

from dealthread.cli import output
from dealthread.cli.failures import Refused
from dealthread.simulators.kit.certificates import ServerCertificate, ensure_certificate
from dealthread.simulators.kit.server import run
from dealthread.simulators.kit.state_store import StateRefused
from dealthread.simulators.salesforce import app as salesforce_app
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.stripe import app as stripe_app
from dealthread.simulators.stripe.config import SimulatorConfig

# Of a simulator on its own, where nobody else named any. They open nothing but a simulator.
_ORG = {
    "DEALTHREAD_SIM_SF_ORG_ID": "00DSm0000000001MAA",
    "DEALTHREAD_SIM_SF_CLIENT_ID": "simulator",
    "DEALTHREAD_SIM_SF_CLIENT_SECRET": "simulator-secret",
}
_ACCOUNTS = {
    "DEALTHREAD_SIM_STRIPE_ACCOUNTS": (
        '[{"id": "acct_simulator", "secret_key": "sk_test_simulator"}]'
    )
}
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

simulators = typer.Typer(
    help="Run a simulator of Salesforce or Stripe on its own, for any client of the vendor's API.",
    no_args_is_help=True,
)

Port = Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes a free port.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
State = Annotated[
    str | None,
    typer.Option(
        metavar="FILE|ADDRESS",
        help="Keep the state in this SQLite file or at this postgresql:// address; otherwise it is "
        "in memory, or where DEALTHREAD_SIM_STATE says.",
        show_default=False,
    ),
]


Tls = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Speak https with a certificate of this folder, made where it is missing; clients "
        "trust FOLDER/ca.pem.",
        show_default=False,
    ),
]


@simulators.command("salesforce")
def salesforce(
    port: Port = 8710, host: Host = "127.0.0.1", state: State = None, tls: Tls = None
) -> None:
    """Serve one Salesforce org until Ctrl-C: REST API, token, webhooks (docs/simulators.md)."""
    env = _environment(_ORG, host, state)
    try:
        config = SalesforceConfig.from_env(env)
        app = salesforce_app.create_app(config)
    except (KeyError, ValueError, StateRefused) as exc:
        raise Refused(_why(exc)) from exc
    is_ours = env["DEALTHREAD_SIM_SF_CLIENT_SECRET"] == _ORG["DEALTHREAD_SIM_SF_CLIENT_SECRET"]
    _serve(
        app,
        host,
        port,
        tls,
        [
            ("org id", config.org_id),
            ("token", "POST /services/oauth2/token, grant_type=client_credentials"),
            ("client id", config.client_id),
            ("client secret", config.client_secret if is_ours else "as configured"),
            ("state", _place(config.state)),
        ],
    )


@simulators.command("stripe")
def stripe(
    port: Port = 8720, host: Host = "127.0.0.1", state: State = None, tls: Tls = None
) -> None:
    """Serve Stripe accounts until Ctrl-C: API v1, test clocks, webhooks (docs/simulators.md)."""
    env = _environment(_ACCOUNTS, host, state)
    try:
        config = SimulatorConfig.from_env(env)
        app = stripe_app.create_app(config)
    except (ValueError, StateRefused) as exc:
        raise Refused(_why(exc)) from exc
    is_ours = env["DEALTHREAD_SIM_STRIPE_ACCOUNTS"] == _ACCOUNTS["DEALTHREAD_SIM_STRIPE_ACCOUNTS"]
    facts = [("accounts", ", ".join(account.id for account in config.accounts))]
    keys = ", ".join(account.secret_key for account in config.accounts)
    facts.append(("secret key", keys if is_ours else "as configured"))
    facts.append(("state", _place(config.state)))
    _serve(app, host, port, tls, facts)


def _environment(defaults: dict[str, str], host: str, state: str | None) -> dict[str, str]:
    env = {**os.environ}
    missing = [name for name in defaults if not env.get(name)]
    if missing and host not in _LOOPBACK:
        raise Refused(
            f"the simulator's own credentials are for 127.0.0.1; for {host} set {missing[0]}"
        )
    env.update({name: defaults[name] for name in missing})
    if state is not None:
        env["DEALTHREAD_SIM_STATE"] = state
    return env


def _serve(
    app: Starlette, host: str, port: int, tls: Path | None, facts: Sequence[tuple[str, str]]
) -> None:
    port = _free(host, port)
    certificate = None if tls is None else _certificate(tls)
    url = f"{'http' if certificate is None else 'https'}://{host}:{port}"
    if certificate is not None:
        facts = [*facts, ("trust", str(certificate.authority))]
    output.facts(
        [
            ("listening", url),
            *facts,
            ("control", f"{url}/_sim/ (clock, ledger, faults, reset, snapshot)"),
            ("to stop", "Ctrl-C"),
        ]
    )
    run(app, host, port, certificate)


def _certificate(folder: Path) -> ServerCertificate:
    try:
        return ensure_certificate(folder)
    except OSError as exc:
        raise Refused(f"cannot keep a certificate in {folder}: {exc.strerror}") from exc


def _free(host: str, port: int) -> int:
    """The port to listen on. Raises Refused when it cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as exc:
            raise Refused(
                f"cannot listen on {host}:{port} ({exc.strerror}): name another with --port, "
                "or --port 0"
            ) from exc
        found: int = probe.getsockname()[1]
        return found


def _place(state: str | None) -> str:
    if state is None:
        return "in memory"
    # An address may hold a password.
    return "PostgreSQL" if "://" in state else state


def _why(exc: Exception) -> str:
    if isinstance(exc, ValidationError):
        first = exc.errors()[0]
        where = ".".join(str(one) for one in first["loc"])
        return f"DEALTHREAD_SIM_STRIPE_ACCOUNTS ({where or 'the text'}): {first['msg']}"
    return str(exc)
