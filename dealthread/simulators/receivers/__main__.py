"""`python -m dealthread.simulators.receivers --role ROLE --port N`: one of the receivers."""

from __future__ import annotations

import argparse
import os
import sys

from dealthread.simulators.kit.server import run
from dealthread.simulators.receivers.app import ReceiverConfig, Role, create_app


def main() -> int:
    """Serve one receiver until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m dealthread.simulators.receivers")
    parser.add_argument("--role", required=True, choices=[role.value for role in Role])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    try:
        config = ReceiverConfig.from_env(Role(arguments.role), os.environ)
    except KeyError as exc:
        parser.error(f"the environment variable {exc.args[0]} is needed")
    except ValueError as exc:
        parser.error(str(exc))
    run(create_app(config), arguments.host, arguments.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
