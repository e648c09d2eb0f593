"""What a REST call is, inside the simulator: the same for HTTP and for composite subrequests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

from dealthread.simulators.salesforce.errors import SalesforceError, not_found, parser_error
from dealthread.simulators.salesforce.jsonio import NotJson, loads

VERSIONS = {
    "60.0": "Spring '24",
    "61.0": "Summer '24",
    "62.0": "Winter '25",
    "63.0": "Spring '25",
    "64.0": "Summer '25",
    "65.0": "Winter '26",
    "66.0": "Spring '26",
    "67.0": "Summer '26",
}
"""Versions answered; older ones exist at Salesforce and are refused here."""


@dataclass(frozen=True)
class RestRequest:
    """A call below `/services/data/vNN.0`."""

    method: str
    base: str
    """`/services/data/v66.0`."""
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    raw_body: bytes = b""
    parsed_body: Any = None
    """Set for subrequests, whose body is a JSON value already."""
    is_subrequest: bool = False
    must_be_all_or_none: bool = False
    """Inside a composite request with allOrNone: the outer word counts."""

    def json(self) -> Any:
        """The body as a JSON value, or JSON_PARSER_ERROR."""
        if self.is_subrequest:
            return self.parsed_body
        try:
            return loads(self.raw_body)
        except NotJson as exc:
            raise parser_error(f"Unexpected input: {exc}") from exc

    def flag(self, name: str) -> bool:
        """A true/false query parameter, false when absent."""
        text = self.query.get(name, "false").lower()
        if text not in ("true", "false"):
            raise SalesforceError("INVALID_QUERY_PARAMETER", f"{name} must be true or false")
        return text == "true"


@dataclass
class RestAnswer:
    """Status, JSON value (None = no body) and extra headers."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    has_failed: bool = False
    """A collection of which a row failed: 200 outside, but no success for a composite."""


def split_target(target: str) -> tuple[str, tuple[str, ...], dict[str, str]]:
    """(base, segments, query) of `/services/data/v66.0/…?…`. Raises NOT_FOUND."""
    path, _, query = target.partition("?")
    parts = path.split("/")
    if parts[:3] != ["", "services", "data"] or len(parts) < 4:
        raise not_found()
    version = parts[3].removeprefix("v")
    if not parts[3].startswith("v") or version not in VERSIONS:
        raise not_found()
    segments = tuple(unquote(part) for part in parts[4:] if part)
    pairs = dict(parse_qsl(query, keep_blank_values=True))
    return "/".join(parts[:4]), segments, pairs


def method_not_allowed(request: RestRequest, *allowed: str) -> SalesforceError:
    """405."""
    return SalesforceError(
        "METHOD_NOT_ALLOWED",
        f"HTTP Method '{request.method}' not allowed. Allowed are {','.join(allowed)}",
        status=405,
    )
