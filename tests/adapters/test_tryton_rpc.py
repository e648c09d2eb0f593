"""What an answer of Tryton, or the lack of one, means for a read and for a write (RS-02, RS-09)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from adapters.erp.tryton import codec
from adapters.erp.tryton.operation import Operation, conclude
from adapters.erp.tryton.rpc import TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from dealthread.errors import (
    AuthRejected,
    Conflict,
    ContractDrift,
    OutcomeUnknown,
    RateLimited,
    StepRejected,
    VendorUnavailable,
)
from dealthread.outcome import Done, Rejected, Unknown

SETTINGS = TrytonSettings(
    url="http://127.0.0.1:1",
    database="erp",
    user="dealthread",
    password=SecretStr("not a secret"),
    companies={"1": 1},
)

Answer = Callable[[httpx.Request], httpx.Response]


def result(value: Any) -> Answer:
    return lambda _: httpx.Response(200, json={"id": 1, "result": codec.encode(value)})


def error(*parts: Any) -> Answer:
    return lambda _: httpx.Response(200, json={"id": 1, "error": list(parts)})


def status(code: int, text: str = "<html>", **headers: str) -> Answer:
    return lambda _: httpx.Response(code, text=text, headers=headers)


def breaks(failure: type[httpx.TransportError]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        raise failure("broken", request=request)

    return answer


class Tryton:
    """A server that logs anybody in and gives one answer after another."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = list(answers)
        self.calls: list[dict[str, Any]] = []
        self.sessions: list[str] = []
        self.logins = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if body["method"] == "common.db.login":
            self.logins += 1
            return httpx.Response(
                200, json={"id": body["id"], "result": [7, f"token{self.logins}", None]}
            )
        self.calls.append(body)
        self.sessions.append(request.headers["Authorization"])
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer(request)


def client(server: Tryton) -> TrytonRpc:
    return TrytonRpc(SETTINGS, httpx.AsyncClient(transport=httpx.MockTransport(server)))


async def read(server: Tryton) -> Any:
    return await client(server).read(
        "model.account.configuration.read", [1], context={"company": 1}
    )


async def write(server: Tryton) -> Any:
    return await client(server).write(
        "model.sale.sale.write", [1], {}, context={"company": 1}, case_kind="erp.rejected"
    )


async def test_a_call_has_the_three_keys_and_ends_with_the_context() -> None:
    """Tryton refuses a body with other keys, and takes the last parameter as context."""
    server = Tryton(result(None))
    await write(server)
    assert set(server.calls[0]) == {"id", "method", "params"}
    assert server.calls[0]["params"][-1] == {"company": 1}


def test_special_types_survive_the_wire() -> None:
    """Money never becomes a binary float, in either direction."""
    values = {
        "amount": Decimal("15891.00"),
        "day": date(2026, 1, 1),
        "at": datetime(2026, 1, 1, 12, 30, 1, 5),  # noqa: DTZ001 - as Tryton sends it
        "span": timedelta(seconds=90),
        "data": b"\x00\xff",
        "rows": [{"price": Decimal("0.00010000")}],
    }
    wire = json.dumps(codec.encode(values)).encode()
    assert codec.loads(wire) == values
    assert str(codec.loads(b"[0.1]")[0]) == "0.1"


@pytest.mark.parametrize("text", [b"<html>", b'{"__class__": "Decimal"}', b'{"id": 1', b"\xff"])
def test_other_text_is_no_answer(text: bytes) -> None:
    """A half or foreign document raises ValueError and nothing else."""
    with pytest.raises(ValueError, match=r".*"):
        codec.loads(text)


@pytest.mark.parametrize(
    ("answer", "of_read", "of_write"),
    [
        (breaks(httpx.ConnectError), VendorUnavailable, VendorUnavailable),
        (breaks(httpx.ConnectTimeout), VendorUnavailable, VendorUnavailable),
        (breaks(httpx.PoolTimeout), VendorUnavailable, VendorUnavailable),
        (breaks(httpx.ReadTimeout), VendorUnavailable, OutcomeUnknown),
        (breaks(httpx.WriteTimeout), VendorUnavailable, OutcomeUnknown),
        (breaks(httpx.ReadError), VendorUnavailable, OutcomeUnknown),
        (breaks(httpx.RemoteProtocolError), VendorUnavailable, OutcomeUnknown),
        (status(500), VendorUnavailable, OutcomeUnknown),
        (status(502), VendorUnavailable, OutcomeUnknown),
        (status(503), VendorUnavailable, OutcomeUnknown),
        (status(504), VendorUnavailable, OutcomeUnknown),
        (status(404), VendorUnavailable, VendorUnavailable),
        (status(403), AuthRejected, AuthRejected),
        (status(429), RateLimited, RateLimited),
        (status(400), ContractDrift, StepRejected),
        (status(302), ContractDrift, OutcomeUnknown),
        (status(200, "<html>"), ContractDrift, OutcomeUnknown),
        (status(200, '{"id": 1, "resu'), ContractDrift, OutcomeUnknown),
        (status(200, '{"id": 1}'), ContractDrift, OutcomeUnknown),
        (status(200, "[]"), ContractDrift, OutcomeUnknown),
        (error("UserError", ["No", "", None]), StepRejected, StepRejected),
        (error("UserWarning", ["key", "Sure?", ""]), StepRejected, StepRejected),
        (error("ConcurrencyException", "modified"), Conflict, Conflict),
        (error("LoginException", []), AuthRejected, AuthRejected),
        (error("RateLimitException"), RateLimited, RateLimited),
        (error("'nom'", ""), ContractDrift, OutcomeUnknown),
        (error(), ContractDrift, OutcomeUnknown),
    ],
)
async def test_each_failure_has_one_meaning(
    answer: Answer, of_read: type[Exception], of_write: type[Exception]
) -> None:
    """Only what excludes an effect is a transport error of a write; the rest is unknown."""
    with pytest.raises(of_read):
        await read(Tryton(answer))
    with pytest.raises(of_write):
        await write(Tryton(answer))


async def test_a_refusal_carries_message_and_field() -> None:
    """The message is evidence for a person; nothing decides by its text."""
    server = Tryton(error("UserError", ["Not salable.", "In line 1.", [["salable", "=", True]]]))
    with pytest.raises(StepRejected) as refusal:
        await write(server)
    assert refusal.value.case_kind == "erp.rejected"
    assert refusal.value.field == "salable"
    assert refusal.value.evidence["message"] == "Not salable. In line 1."


async def test_retry_after_is_passed_on() -> None:
    """The server's wish decides the next attempt."""
    with pytest.raises(RateLimited) as limited:
        await write(Tryton(status(429, **{"Retry-After": "7"})))
    assert limited.value.retry_after == timedelta(seconds=7)


async def test_an_expired_session_is_renewed_once() -> None:
    """401 comes before the method runs, so the repeat is safe for a write too."""
    server = Tryton(status(401), result([5]))
    assert await write(server) == [5]
    assert server.logins == 2
    assert len(set(server.sessions)) == 2


async def test_a_session_that_stays_refused_is_an_authentication_failure() -> None:
    """One renewal, then somebody has to look at the credentials."""
    server = Tryton(status(401))
    with pytest.raises(AuthRejected):
        await write(server)
    assert len(server.calls) == 2


async def test_many_tasks_renew_a_session_together() -> None:
    """Single flight: a hundred refused calls log in once."""
    server = Tryton(result(0))
    refused: list[str] = []
    first = ""

    async def handler(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)  # all hundred are on their way before the first is answered
        if first and request.headers.get("Authorization") == first:
            refused.append(first)
            return httpx.Response(401)
        return server(request)

    rpc = TrytonRpc(SETTINGS, httpx.AsyncClient(transport=httpx.MockTransport(handler)))
    await rpc.read("model.account.configuration.read", context={})
    first = server.sessions[0]
    await asyncio.gather(
        *(rpc.read("model.account.configuration.read", context={}) for _ in range(100))
    )
    assert len(refused) == 100
    assert server.logins == 2


async def test_a_wrong_password_is_an_authentication_failure() -> None:
    """The secret is not in the error."""

    def refuse(request: httpx.Request) -> httpx.Response:
        assert json.loads(request.content)["method"] == "common.db.login"
        return httpx.Response(401)

    rpc = TrytonRpc(SETTINGS, httpx.AsyncClient(transport=httpx.MockTransport(refuse)))
    with pytest.raises(AuthRejected) as refused:
        await rpc.write("model.sale.sale.write", context={}, case_kind="erp.rejected")
    assert "not a secret" not in repr(refused.value)
    assert "not a secret" not in str(refused.value.evidence)


# ---------------------------------------------------------------- writes of several calls


async def _two_writes(operation: Operation) -> str:
    await operation.write("model.sale.sale.create", [{}])
    await operation.write("model.sale.sale.quote", [1])
    return "both"


async def _write_then_read(operation: Operation) -> str:
    await operation.write("model.sale.sale.create", [{}])
    await operation.rows("sale.sale", [], ["id"])
    return "both"


def operation(*answers: Answer) -> Operation:
    return Operation(client(Tryton(*answers)), {"company": 1}, "erp.rejected")


async def test_a_write_that_succeeds_is_done() -> None:
    outcome = await conclude(operation(result([1])), _two_writes, 5)
    assert outcome == Done("both")


async def test_nothing_sent_is_raised_before_the_first_effect() -> None:
    """The port may raise only what excludes an effect."""
    with pytest.raises(VendorUnavailable):
        await conclude(operation(breaks(httpx.ConnectError)), _two_writes, 5)


@pytest.mark.parametrize(
    "second", [breaks(httpx.ConnectError), status(429), status(401), error("ConcurrencyException")]
)
@pytest.mark.parametrize("work", [_two_writes, _write_then_read])
async def test_after_the_first_effect_every_failure_is_unknown(second: Answer, work: Any) -> None:
    """The first call had its effect, so "not sent" is no longer true of the whole."""
    outcome = await conclude(operation(result([1]), second), work, 5)
    assert isinstance(outcome, Unknown)


async def test_a_refusal_is_rejected_with_its_case_kind() -> None:
    outcome = await conclude(operation(error("UserError", ["No", "", None])), _two_writes, 5)
    assert isinstance(outcome, Rejected)
    assert outcome.case_kind == "erp.rejected"
    assert outcome.evidence["message"] == "No"


async def test_an_answer_without_an_id_is_unknown() -> None:
    """Port rule: no native id, no certainty."""

    async def work(run: Operation) -> int:
        return await run.create("sale.sale", {})

    for answer in (result(None), result([]), result(["1"]), result([1, 2])):
        outcome = await conclude(operation(answer), work, 5)
        assert outcome == Unknown("answer_without_id", evidence={"model": "sale.sale"})


async def test_a_deadline_after_the_first_effect_is_unknown() -> None:
    """The whole port call has one time limit below the activity's."""
    never = asyncio.Event()

    async def work(run: Operation) -> None:
        await run.write("model.sale.sale.create", [{}])
        await never.wait()

    assert await conclude(operation(result([1])), work, 0.01) == Unknown("deadline")

    async def waits(_: Operation) -> None:
        await never.wait()

    with pytest.raises(VendorUnavailable):
        await conclude(operation(result([1])), waits, 0.01)
