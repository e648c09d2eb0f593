"""`python -m dealthread.simulators.salesforce --host 127.0.0.1 --port N`; the rest from env."""

from __future__ import annotations

import argparse
import os
import sys

from dealthread.simulators.kit.server import run
from dealthread.simulators.salesforce.app import create_app
from dealthread.simulators.salesforce.config import SalesforceConfig


def main() -> int:
    """Serve one org until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dealthread.simulators.salesforce")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    try:
        config = SalesforceConfig.from_env(os.environ)
    except KeyError as exc:
        parser.error(f"the environment variable {exc.args[0]} is needed")
    except ValueError as exc:
        parser.error(str(exc))
    run(create_app(config), arguments.host, arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
