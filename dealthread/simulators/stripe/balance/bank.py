"""What the bank does with a payout: said over the simulator's own control routes."""

from __future__ import annotations

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dealthread.simulators.stripe.balance import payouts
from dealthread.simulators.stripe.world import Context, World


def routes(world: World) -> list[Route]:
    """`POST /_sim/payouts/{id}/fail` with the bank's reason."""

    async def fail(request: Request) -> Response:
        payout_id = request.path_params["payout_id"]
        try:
            body = json.loads(await request.body())
            code = body["failure_code"]
        except (ValueError, KeyError, TypeError):
            return JSONResponse({"error": 'say {"failure_code": "…"}'}, status_code=400)
        for account in world.accounts.values():
            payout = account.find(payouts.KIND, payout_id)
            if payout is None:
                continue
            try:
                payouts.fail(Context(world, account), payout, code)
            except ValueError as refused:
                return JSONResponse({"error": str(refused)}, status_code=400)
            return JSONResponse(payout)
        return JSONResponse({"error": "no payout with this id"}, status_code=404)

    return [Route("/_sim/payouts/{payout_id}/fail", fail, methods=["POST"])]
