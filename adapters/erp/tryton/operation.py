"""One port write made of several RPCs, and how it ends.

The port may raise a transport error only when that excludes an effect. A write of several RPCs
has had one as soon as its first changing RPC was sent: from then on every failure is `Unknown`,
and the repeat finds what is there and goes on from it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeVar

from adapters.erp.tryton.rpc import Row, TrytonRpc
from dealthread.errors import (
    OutcomeUnknown,
    StepRejected,
    TransportError,
    VendorUnavailable,
)
from dealthread.outcome import Done, Outcome, Rejected, Unknown

T = TypeVar("T")


class Operation:
    """RPCs of one port call at one company; remembers whether something was changed."""

    def __init__(self, rpc: TrytonRpc, context: Mapping[str, Any], case_kind: str) -> None:
        self._rpc = rpc
        self.context = dict(context)
        self.case_kind = case_kind
        self.has_written = False

    async def read(self, method: str, *arguments: Any, **context: Any) -> Any:
        return await self._rpc.read(method, *arguments, context={**self.context, **context})

    async def rows(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        *,
        limit: int | None = None,
        order: Sequence[Any] | None = None,
        **context: Any,
    ) -> list[Row]:
        return await self._rpc.search_read(
            model,
            domain,
            fields,
            context={**self.context, **context},
            limit=limit,
            order=order,
        )

    async def write(self, method: str, *arguments: Any, **context: Any) -> Any:
        """A changing RPC. A refusal is rolled back by Tryton and leaves the flag as it was."""
        before, self.has_written = self.has_written, True
        try:
            return await self._rpc.write(
                method,
                *arguments,
                context={**self.context, **context},
                case_kind=self.case_kind,
            )
        except (StepRejected, TransportError):
            self.has_written = before
            raise

    async def create(self, model: str, values: Mapping[str, Any], **context: Any) -> int:
        """Create one record; an answer without an id is unknown."""
        answer = await self.write(f"model.{model}.create", [values], **context)
        if not (isinstance(answer, list) and len(answer) == 1 and isinstance(answer[0], int)):
            raise OutcomeUnknown("answer_without_id", model=model)
        return answer[0]


async def conclude(
    operation: Operation, work: Callable[[Operation], Awaitable[T]], seconds: float
) -> Outcome[T]:
    """Run the work of a port write within its time and say how it ended."""
    try:
        async with asyncio.timeout(seconds):
            return Done(await work(operation))
    except StepRejected as refusal:
        return Rejected(
            case_kind=refusal.case_kind,
            code=refusal.code,
            field=refusal.field,
            evidence=dict(refusal.evidence),
        )
    except OutcomeUnknown as lost:
        return Unknown(lost.code, retry_after=lost.retry_after, evidence=dict(lost.evidence))
    except TransportError as failure:
        if operation.has_written:
            return Unknown(
                failure.code, retry_after=failure.retry_after, evidence=dict(failure.evidence)
            )
        raise
    except TimeoutError as failure:
        if operation.has_written:
            return Unknown("deadline")
        raise VendorUnavailable("deadline") from failure
