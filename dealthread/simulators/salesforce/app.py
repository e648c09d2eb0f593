"""Puts an org behind the simulator kit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from dealthread.simulators.kit.server import build_app
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.errors import SalesforceVendorErrors
from dealthread.simulators.salesforce.messages.outbound_message import outbound_message_route
from dealthread.simulators.salesforce.org import Org
from dealthread.simulators.salesforce.rest.http import SalesforceHttp


def create_app(config: SalesforceConfig) -> Starlette:
    """The ASGI app of one org; serve it with `dealthread.simulators.kit.server`."""
    org = Org(config)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001 Starlette's signature
        async with AsyncExitStack() as stack:
            if org.keeper is not None:
                await stack.enter_async_context(org.keeper.keeping())
            await stack.enter_async_context(org.webhooks.running())
            await stack.enter_async_context(org.jobs.running())
            yield

    async def expire_sessions(request: Request) -> Response:  # noqa: ARG001 Starlette's signature
        org.sessions.expire_all()
        return Response(status_code=204)

    def identify(headers: Mapping[str, str], path: str) -> tuple[str | None, str | None]:  # noqa: ARG001
        return config.org_id, None

    return build_app(
        [
            outbound_message_route(org),
            Route("/_sim/sessions", expire_sessions, methods=["DELETE"]),
            Mount("/services", app=SalesforceHttp(org)),
        ],
        SalesforceVendorErrors(),
        org.clock,
        org.ledger,
        org.faults,
        webhooks=org.webhooks,
        on_reset=org.reset,
        world=org.kept,
        on_restore=org.restored,
        identify=identify,
        lifespan=lifespan,
        name="salesforce",
    )
