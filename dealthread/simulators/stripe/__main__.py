"""`python -m dealthread.simulators.stripe --host 127.0.0.1 --port N`."""

from __future__ import annotations

import argparse

from dealthread.simulators.kit.server import run
from dealthread.simulators.stripe.app import create_app
from dealthread.simulators.stripe.config import SimulatorConfig


def main() -> None:
    """Serve until stopped; the configuration comes from the environment."""
    parser = argparse.ArgumentParser(description="Stripe simulator")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    run(create_app(SimulatorConfig.from_env()), arguments.host, arguments.port)


if __name__ == "__main__":
    main()
