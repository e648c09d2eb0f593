"""`python -m dealthread.bridge`: serve webhooks and the process API."""

from __future__ import annotations

import argparse

import uvicorn

from dealthread import logs
from dealthread.bridge.app import create_app
from dealthread.errors import BadInput
from dealthread.settings import load_settings


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(prog="dealthread.bridge")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8700)
    arguments = parser.parse_args()
    try:
        settings = load_settings()
    except BadInput as error:
        raise SystemExit(f"{error.field}: {error.action}") from None
    logs.configure(settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=arguments.host,
        port=arguments.port,
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
