"""Salesforce's error answers: `[{"message", "errorCode", "fields"}]`, by code."""

from __future__ import annotations

from typing import Any

from dealthread.simulators.kit.faults import Fault, FaultKind
from dealthread.simulators.salesforce.jsonio import dumps

TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 an address
JSON_HEADERS = {"content-type": "application/json;charset=UTF-8"}


class SalesforceError(Exception):
    """A refusal that the client is told in Salesforce's shape."""

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fields: list[str] | None = None,
        before: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.fields = fields
        self.before = before or {}
        """What a REST answer tells besides."""

    def as_rest(self) -> list[dict[str, Any]]:
        """Body of a REST answer (the key is `errorCode`)."""
        shape: dict[str, Any] = {**self.before, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            shape["fields"] = self.fields
        return [shape]

    def as_collection_item(self) -> dict[str, Any]:
        """One result of a collection (there the key is `statusCode`)."""
        error = {"statusCode": self.code, "message": self.message, "fields": self.fields or []}
        return {"success": False, "errors": [error]}


class MultipleChoices(Exception):
    """An external id names several rows: HTTP 300 with their URLs."""

    def __init__(self, urls: list[str]) -> None:
        super().__init__("several rows match the external id")
        self.urls = urls


def not_found(message: str = "The requested resource does not exist") -> SalesforceError:
    """404 NOT_FOUND."""
    return SalesforceError("NOT_FOUND", message, status=404)


def entity_is_deleted() -> SalesforceError:
    """404 for a row in the recycle bin."""
    return SalesforceError("ENTITY_IS_DELETED", "entity is deleted", status=404, fields=[])


def parser_error(message: str) -> SalesforceError:
    """400 for a body of the wrong shape or a value of the wrong JSON type."""
    return SalesforceError("JSON_PARSER_ERROR", message)


def not_simulated(what: str) -> SalesforceError:
    """501: Salesforce has this, the simulator does not. It refuses instead of inventing."""
    return SalesforceError("NOT_SIMULATED", f"the simulator does not have {what}", status=501)


def session_invalid() -> SalesforceError:
    """401."""
    return SalesforceError("INVALID_SESSION_ID", "Session expired or invalid", status=401)


_TEXTS = {
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": (
        "A validation rule of the organisation refused the change."
    ),
    "UNABLE_TO_LOCK_ROW": "unable to obtain exclusive access to this record",
}
"""What a business rejection says when the fault does not tell."""


class SalesforceVendorErrors:
    """What the fault switch answers, in Salesforce's shapes."""

    def rate_limited(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """403 REQUEST_LIMIT_EXCEEDED, not 429; daily and concurrent limits differ by text."""
        return self._shape(
            fault,
            status=403,
            code="REQUEST_LIMIT_EXCEEDED",
            message="ConcurrentRequests (Concurrent API Requests) Limit exceeded.",
        )

    def server_error(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """503 SERVER_UNAVAILABLE without an effect, 500 UNKNOWN_EXCEPTION after one."""
        if fault.kind is FaultKind.SERVER_ERROR_AFTER:
            message = (
                "An unexpected error occurred. Please include this ErrorId if you contact support"
            )
            return self._shape(fault, status=500, code="UNKNOWN_EXCEPTION", message=message)
        message = "Server is currently unavailable. Please try again later."
        return self._shape(fault, status=503, code="SERVER_UNAVAILABLE", message=message)

    def rejected(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """400 with the code asked for; a validation rule's code when none was."""
        error = self.as_error(fault)
        status, headers, body = self._shape(
            fault, status=error.status, code=error.code, message=error.message
        )
        if not is_token_call(fault):
            body = dumps(error.as_rest())
        return status, headers, body

    def auth(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """401 INVALID_SESSION_ID."""
        return self._shape(
            fault, status=401, code="INVALID_SESSION_ID", message="Session expired or invalid"
        )

    def as_error(self, fault: Fault) -> SalesforceError:
        """The same for one subrequest of a composite request or one row of a collection."""
        if fault.kind is FaultKind.SERVER_ERROR:
            code, status = fault.code or "SERVER_UNAVAILABLE", 503
            text = "Server is currently unavailable."
        else:
            code, status = fault.code or "FIELD_CUSTOM_VALIDATION_EXCEPTION", 400
            text = _TEXTS.get(code, "The change was refused.")
        return SalesforceError(
            code, fault.message or text, status=fault.status or status, fields=[]
        )

    def _shape(
        self, fault: Fault, *, status: int, code: str, message: str
    ) -> tuple[int, dict[str, str], bytes]:
        headers = dict(JSON_HEADERS)
        if fault.retry_after is not None:
            headers["retry-after"] = str(fault.retry_after)
        body: Any = [{"message": fault.message or message, "errorCode": fault.code or code}]
        if is_token_call(fault):
            # The token endpoint speaks OAuth (RFC 6749 §5.2), not the REST API's shape.
            error = fault.code or code.lower()
            body = {"error": error, "error_description": fault.message or message}
        return fault.status or status, headers, dumps(body)


def is_token_call(fault: Fault) -> bool:
    """Whether a fault struck the token endpoint, which speaks OAuth."""
    return fault.request is not None and fault.request.path.startswith(TOKEN_PATH)
