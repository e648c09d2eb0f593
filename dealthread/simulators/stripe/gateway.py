"""One request to the API, from its bytes to its answer.

The order is the vendor's: who are you (401) → has this key been used (saved result, conflict,
mismatch) → is the request well formed (400, nothing saved) → execution (whatever comes is saved).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from dealthread.simulators.kit.faults import Fault, FaultKind, FaultSwitch, RequestView
from dealthread.simulators.stripe import routes
from dealthread.simulators.stripe.clocks import progress, test_clocks
from dealthread.simulators.stripe.config import API_VERSION
from dealthread.simulators.stripe.store import AccountState, Json
from dealthread.simulators.stripe.wire import expansion, form, idempotency
from dealthread.simulators.stripe.wire.errors import StripeError
from dealthread.simulators.stripe.wire.ids import new_id
from dealthread.simulators.stripe.wire.resources import is_stripes
from dealthread.simulators.stripe.world import Context, World

# Faults with this target strike inside the idempotency layer: their outcome is saved with the key.
EXECUTION = "execution"
_FORM = "application/x-www-form-urlencoded"


def secret_of(headers: Mapping[str, str]) -> str | None:
    """The API key of a request: Bearer, or the user name of Basic."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


class Gateway:
    """Answers `/v1/…`."""

    def __init__(self, world: World, faults: FaultSwitch) -> None:
        self._world = world
        self._faults = faults

    async def answer(self, request: Request) -> Response:
        """The endpoint behind every path of the API."""
        request_id = new_id("req", 14)
        body = await request.body()
        try:
            account = self._authenticate(request.headers)
            self._check_version(request.headers)
            progress.catch_up(self._world)
            status, text, headers = await self._serve(request, account, body, request_id)
        except StripeError as error:
            status, text, headers = error.status, _dump(error.body(request_id)), error.headers
        return Response(
            text,
            status_code=status,
            media_type="application/json",
            headers={"Request-Id": request_id, "Stripe-Version": API_VERSION, **headers},
        )

    def _authenticate(self, headers: Mapping[str, str]) -> AccountState:
        secret = secret_of(headers)
        if secret is None:
            raise StripeError(
                401,
                "invalid_request_error",
                "You did not provide an API key. You need to provide your API key in the "
                "Authorization header, using Bearer auth (e.g. 'Authorization: Bearer "
                "YOUR_SECRET_KEY').",
                is_validation=True,
            )
        account = self._world.by_key(secret)
        if account is None:
            shown = f"{secret[:8]}{'*' * 8}{secret[-4:]}" if len(secret) > 16 else "********"
            raise StripeError(
                401,
                "invalid_request_error",
                f"Invalid API Key provided: {shown}",
                is_validation=True,
            )
        return account

    def _check_version(self, headers: Mapping[str, str]) -> None:
        version = headers.get("stripe-version", API_VERSION)
        if version != API_VERSION:
            raise StripeError.unsupported(f"API version {version}")
        if "stripe-account" in headers:
            raise StripeError.unsupported("Stripe-Account (each account has its own key)")

    async def _serve(
        self, request: Request, account: AccountState, body: bytes, request_id: str
    ) -> tuple[int, str, dict[str, str]]:
        method, path = request.method, request.url.path
        found = routes.find(method, path)
        if found is None and is_stripes(path):
            raise StripeError.unsupported(f"{method} {path}")
        if found is None:
            raise StripeError(
                404,
                "invalid_request_error",
                f"Unrecognized request URL ({method}: {path}). Please see https://stripe.com/docs "
                "or we can help at https://support.stripe.com/.",
                is_validation=True,
            )
        operation, ids = found
        tree = form.decode(_text(request, body))
        key = request.headers.get("idempotency-key") if method == "POST" else None
        if key is not None:
            saved = idempotency.begin(
                account,
                key,
                fingerprint=form.fingerprint(method, path, tree),
                path=path,
                now=self._world.clock.now().timestamp(),
            )
            if saved is not None:
                headers = {
                    idempotency.REPLAYED_HEADER: "true",
                    "Idempotency-Key": key,
                    "Original-Request": saved.request_id,
                }
                return saved.status, saved.body, headers
        ctx = Context(self._world, account, request_id=request_id, idempotency_key=key)
        is_saved = False
        try:
            given: Json = operation.accepts.read(tree, "")
            if method != "GET":
                test_clocks.check_at_rest(ctx, *ids, *_named(given))
            status, text = await self._execute(ctx, operation.handler, given, ids, request, body)
            is_saved = True
        except StripeError as error:
            if error.is_validation:
                raise
            status, text = error.status, _dump(error.body(request_id))
            is_saved = True
        finally:
            if key is not None and not is_saved:
                idempotency.forget(account, key)
        if key is not None:
            idempotency.save(account, key, idempotency.Saved(status, text, request_id))
            return status, text, {"Idempotency-Key": key, "Original-Request": request_id}
        return status, text, {}

    async def _execute(
        self,
        ctx: Context,
        handler: routes.Handler,
        given: Json,
        ids: tuple[str, ...],
        request: Request,
        body: bytes,
    ) -> tuple[int, str]:
        fault = self._strike(request, body)
        if fault is not None:
            if fault.kind is FaultKind.SLOW:
                await asyncio.sleep(fault.delay)
            elif fault.kind in (FaultKind.SERVER_ERROR, FaultKind.REJECT):
                return _saved_failure(ctx, fault)
        answer = handler(ctx, given, *ids)
        if fault is not None and fault.kind is FaultKind.SERVER_ERROR_AFTER:
            return _saved_failure(ctx, fault)
        return 200, _dump(expansion.expand(ctx, answer, given.get("expand", [])))

    def _strike(self, request: Request, body: bytes) -> Fault | None:
        if self._faults.is_empty:
            return None
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return self._faults.take(RequestView(request.method, path, body), target=EXECUTION)


def _saved_failure(ctx: Context, fault: Fault) -> tuple[int, str]:
    """A failure of the endpoint itself, which is saved under the key like any other result."""
    if fault.kind is FaultKind.REJECT:
        error = StripeError(
            fault.status or 400, "invalid_request_error", fault.message or "", code=fault.code
        )
    else:
        error = StripeError(
            fault.status or 500, "api_error", fault.message or "An unknown error occurred"
        )
    return error.status, _dump(error.body(ctx.request_id))


def _named(given: Json) -> list[str]:
    """The objects that a request's own parameters name as those it acts on."""
    names = ("customer", "from_subscription", "invoice", "subscription")
    return [given[name] for name in names if isinstance(given.get(name), str)]


def _text(request: Request, body: bytes) -> str:
    if request.method != "POST":
        return request.url.query
    if not body:
        return ""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise StripeError.invalid(f"Invalid request: the content type of a v1 request is {_FORM}")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise StripeError.invalid("Invalid request: the body is not UTF-8") from None


def _dump(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
