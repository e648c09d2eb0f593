"""The HTTP surface: versions, tokens, sessions, quota, and the REST calls below them."""

from __future__ import annotations

from starlette.types import Receive, Scope, Send

from dealthread.simulators.kit.middleware import FAULT_EXTENSION
from dealthread.simulators.salesforce.access.oauth_errors import OAuthRefused
from dealthread.simulators.salesforce.errors import (
    JSON_HEADERS,
    TOKEN_PATH,
    SalesforceError,
    not_found,
    session_invalid,
)
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.org import Org
from dealthread.simulators.salesforce.rest.request import (
    VERSIONS,
    RestAnswer,
    RestRequest,
    split_target,
)

MAX_TARGET_CHARACTERS = 16_384
"""Longer request lines are refused with 414; long queries must be cut up."""


class SalesforceHttp:
    """ASGI app for everything under `/services`."""

    def __init__(self, org: Org) -> None:
        self._org = org

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; no waiting after its body has arrived."""
        chunks: list[bytes] = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            chunks.append(message.get("body", b""))
            if not message.get("more_body", False):
                break
        answer = self._answer(scope, b"".join(chunks))
        body = b"" if answer.body is None else dumps(answer.body)
        headers = {**JSON_HEADERS, **answer.headers} if body else dict(answer.headers)
        if answer.status != 204:
            headers["content-length"] = str(len(body))
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send(
            {"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body}
        )

    def _answer(self, scope: Scope, body: bytes) -> RestAnswer:
        headers = {name.decode().lower(): value.decode() for name, value in scope["headers"]}
        path = (scope.get("raw_path") or scope["path"].encode()).decode("ascii")
        method: str = scope["method"]
        if path.rstrip("/") == "/services/data":
            return _versions(method)
        if path == TOKEN_PATH:
            return self._token(scope, method, headers, body)
        query = scope.get("query_string", b"").decode("ascii", errors="replace")
        target = f"{path}?{query}" if query else path
        try:
            self._admit(headers, target)
            answer = self._rest(scope, method, target, headers, body)
        except SalesforceError as exc:
            answer = RestAnswer(exc.status, exc.as_rest())
        used, limit = self._org.requests_used, self._org.config.daily_request_limit
        answer.headers["Sforce-Limit-Info"] = f"api-usage={used}/{limit}"
        return answer

    def _admit(self, headers: dict[str, str], target: str) -> None:
        if len(target) > MAX_TARGET_CHARACTERS:
            raise SalesforceError("URI_TOO_LONG", "the request line is too long", status=414)
        if not self._org.sessions.is_good(headers.get("authorization", "")):
            raise session_invalid()
        if not self._org.count_request():
            raise SalesforceError(
                "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403
            )

    def _rest(
        self, scope: Scope, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> RestAnswer:
        if method in ("POST", "PATCH") and not headers.get("content-type", "").startswith(
            "application/json"
        ):
            raise SalesforceError(
                "UNSUPPORTED_MEDIA_TYPE", "the body must be application/json", status=415
            )
        if self._org.cpq is not None and target.startswith("/services/apexrest/"):
            return self._org.cpq.router.answer(method, target, body)
        base, segments, query = split_target(target)
        request = RestRequest(method, base, segments, query, headers, raw_body=body)
        is_stale = scope.get("extensions", {}).get(FAULT_EXTENSION) is not None
        if is_stale and (method == "GET" or self._org.api.is_read_only_composite(request)):
            with self._org.store.before_last_commit():
                return self._org.api.handle(request)
        return self._org.api.handle(request)

    def _token(self, scope: Scope, method: str, headers: dict[str, str], body: bytes) -> RestAnswer:
        if method != "POST":
            return RestAnswer(
                405, {"error": "invalid_request", "error_description": "must use POST"}
            )
        origin = f"{scope.get('scheme', 'http')}://{headers.get('host', 'localhost')}"
        try:
            granted = self._org.sessions.grant(body, headers, origin, self._org.user_id)
        except OAuthRefused as exc:
            return RestAnswer(400, exc.body)
        return RestAnswer(200, granted, {"cache-control": "no-cache, no-store"})


def _versions(method: str) -> RestAnswer:
    if method not in ("GET", "HEAD"):
        error = not_found()
        return RestAnswer(error.status, error.as_rest())
    listed = [
        {"label": label, "url": f"/services/data/v{version}", "version": version}
        for version, label in VERSIONS.items()
    ]
    return RestAnswer(200, listed)
