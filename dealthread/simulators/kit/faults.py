"""The fault switch: which request goes wrong, how, and how often."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, field_validator


class FaultKind(StrEnum):
    """How a request goes wrong."""

    REFUSE = "refuse"
    """The connection closes before any effect."""
    LOSE_ANSWER = "lose_answer"
    """The effect happens, then the connection closes without an answer."""
    LATE_EFFECT = "late_effect"
    """Held for `delay`; the effect then happens even if the client has gone away."""
    RATE_LIMIT = "rate_limit"
    """The vendor's limit answer; no effect."""
    SERVER_ERROR = "server_error"
    """`status` (503 unless told); no effect."""
    SERVER_ERROR_AFTER = "server_error_after"
    """The effect happens, then `status` (500 unless told)."""
    SLOW = "slow"
    """The effect happens at once; the answer comes after `delay`."""
    MALFORMED = "malformed"
    """The effect happens, then 200 with half of the body."""
    REJECT = "reject"
    """The vendor's business rejection with `code`, `message`, `status`; no effect."""
    AUTH = "auth"
    """The vendor's answer to bad credentials; no effect."""
    STALE_READ = "stale_read"
    """A read answers the state before the last write; simulators that support it do this."""
    HTML = "html"
    """502 with an HTML body, as a load balancer answers; no effect."""


class FaultSpec(BaseModel):
    """What `POST /_sim/faults` accepts. Unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    """Regular expression searched in the path with its query."""
    body: str | None = None
    """Regular expression searched in the decoded request body."""
    times: int = Field(default=1, ge=0)
    """How often it strikes; 0 = for ever."""
    after: int = Field(default=0, ge=0)
    """How many matching requests pass first."""
    delay: float = Field(default=0.0, ge=0, le=3600)
    """Seconds."""
    retry_after: float | int | str | None = None
    """Value of Retry-After: seconds, an HTTP date, or garbage."""
    status: int | None = Field(default=None, ge=200, le=599)
    code: str | None = None
    message: str | None = None
    target: str = "request"
    """`request`, or a part of one that the simulator knows (`subrequest` of a batch)."""
    dialect: str | None = None
    """For the fault proxy: whose error shape a rejection takes."""

    @field_validator("path", "body")
    @classmethod
    def _is_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                re.compile(value)
            except re.error as exc:
                raise ValueError(f"not a regular expression: {exc}") from exc
        return value


@dataclass(frozen=True)
class RequestView:
    """What a fault sees of the request it strikes."""

    method: str
    path: str
    body: bytes

    def text(self) -> str:
        """The body as text, undecodable bytes replaced."""
        return self.body.decode("utf-8", errors="replace")


@dataclass(frozen=True)
class Fault:
    """A fault in the switch. When it strikes, the copy handed out carries the request."""

    id: str
    spec: FaultSpec
    request: RequestView | None = None
    _path: re.Pattern[str] | None = field(default=None, repr=False)
    _body: re.Pattern[str] | None = field(default=None, repr=False)

    @property
    def kind(self) -> FaultKind:
        """How the request goes wrong."""
        return self.spec.kind

    @property
    def status(self) -> int | None:
        """HTTP status asked for."""
        return self.spec.status

    @property
    def code(self) -> str | None:
        """The vendor's error code asked for."""
        return self.spec.code

    @property
    def message(self) -> str | None:
        """The error text asked for."""
        return self.spec.message

    @property
    def retry_after(self) -> float | int | str | None:
        """Retry-After asked for."""
        return self.spec.retry_after

    @property
    def delay(self) -> float:
        """Seconds."""
        return self.spec.delay

    def matches(self, target: str, view: RequestView) -> bool:
        """Whether the request is one this fault is about."""
        spec = self.spec
        if spec.target != target:
            return False
        if spec.method is not None and spec.method.upper() != view.method:
            return False
        if self._path is not None and self._path.search(view.path) is None:
            return False
        return self._body is None or self._body.search(view.text()) is not None


class VendorErrors(Protocol):
    """The vendor's error shapes. Each method returns (status, headers, body)."""

    def rate_limited(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Too many requests; `fault.retry_after` belongs in a Retry-After header if set."""

    def server_error(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """A failure of the vendor's; `fault.status` may be None (503, or 500 after an effect)."""

    def rejected(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """A business rejection with `fault.code`, `fault.message`, `fault.status`."""

    def auth(self, fault: Fault) -> tuple[int, dict[str, str], bytes]:
        """Bad or expired credentials."""


@dataclass
class _Armed:
    fault: Fault
    seen: int = 0
    hits: int = 0


class FaultSwitch:
    """The faults that wait for their request, in the order they were added.

    `part_targets` names the parts of a request that this party can strike, with the kinds possible.
    """

    def __init__(
        self,
        *,
        unsupported: frozenset[FaultKind] = frozenset({FaultKind.STALE_READ}),
        part_targets: Mapping[str, frozenset[FaultKind]] | None = None,
        dialects: frozenset[str] = frozenset(),
    ) -> None:
        self._unsupported = unsupported
        self._part_targets = dict(part_targets or {})
        self._dialects = dialects
        self._armed: list[_Armed] = []
        self._next_id = 1

    @property
    def is_empty(self) -> bool:
        """Whether no fault was ever added since the last clearing."""
        return not self._armed

    def add(self, spec: FaultSpec) -> str:
        """Arm a fault; returns its id. Raises ValueError for what this party cannot do."""
        if spec.kind in self._unsupported:
            raise ValueError(f"fault kind {spec.kind} is not supported here")
        if spec.target != "request":
            kinds = self._part_targets.get(spec.target)
            if kinds is None or spec.kind not in kinds:
                raise ValueError(f"fault kind {spec.kind} has no target {spec.target} here")
        if spec.dialect is not None and spec.dialect not in self._dialects:
            raise ValueError(f"fault dialect must be one of {sorted(self._dialects)}")
        fault = Fault(
            id=f"fault_{self._next_id}",
            spec=spec,
            _path=re.compile(spec.path) if spec.path is not None else None,
            _body=re.compile(spec.body) if spec.body is not None else None,
        )
        self._next_id += 1
        self._armed.append(_Armed(fault))
        return fault.id

    def take(self, view: RequestView, *, target: str = "request") -> Fault | None:
        """The fault that strikes this request, or None.

        Every fault that matches counts the request (so `after` is exact); the first one due
        strikes, the others keep their turns.
        """
        struck: Fault | None = None
        for armed in self._armed:
            spec = armed.fault.spec
            if not armed.fault.matches(target, view):
                continue
            armed.seen += 1
            is_due = armed.seen > spec.after and (spec.times == 0 or armed.hits < spec.times)
            if struck is None and is_due:
                armed.hits += 1
                struck = replace(armed.fault, request=view)
        return struck

    def remove(self, fault_id: str) -> bool:
        """Disarm one; False when there is none with this id."""
        before = len(self._armed)
        self._armed = [armed for armed in self._armed if armed.fault.id != fault_id]
        return len(self._armed) < before

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def as_json(self) -> list[dict[str, Any]]:
        """Every fault with how many requests it matched and struck."""
        return [
            {
                "id": armed.fault.id,
                **armed.fault.spec.model_dump(mode="json"),
                "matched": armed.seen,
                "hits": armed.hits,
            }
            for armed in self._armed
        ]
