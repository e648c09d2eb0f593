"""`python -m tests.bench.bare_endpoint --port N`: what webhooks are compared with.

FastAPI reads the body and answers 202, under the same server with the same options as the bridge.
"""

from __future__ import annotations

import argparse

import uvicorn
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response


def create_app() -> FastAPI:
    """One route."""
    app = FastAPI()

    @app.post("/webhooks")
    async def webhooks(request: Request) -> Response:
        await request.body()
        return JSONResponse({"status": "accepted"}, status_code=202)

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    arguments = parser.parse_args()
    uvicorn.run(
        create_app(),
        host="127.0.0.1",
        port=arguments.port,
        log_level="warning",
        access_log=False,
        server_header=False,
    )


if __name__ == "__main__":
    main()
