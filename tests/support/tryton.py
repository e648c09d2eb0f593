"""What the tests of the Tryton adapter say and do again and again."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.erp.tryton.factory import create
from adapters.erp.tryton.manifest import MANIFEST
from adapters.erp.tryton.rpc import TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from adapters.manifest import Manifest, VendorOperation
from dealthread.domain.contract import Contract
from dealthread.domain.documents import BookingContext, ErpCustomer
from dealthread.domain.party import Party
from dealthread.outcome import Done, Outcome
from dealthread.ports.erp import DraftBooking, ErpPort, OnboardErpCustomer

_numbers = itertools.count(1)


def document_key() -> str:
    """A fresh key of 16 characters."""
    return f"DT{next(_numbers):014d}"


def onboard(
    contract: Contract, party: Party, parent: Party | None = None, suffix: str = ""
) -> OnboardErpCustomer:
    return OnboardErpCustomer(
        customer_key=party.key + suffix,
        company=contract.erp_company,
        party=party,
        parent=parent,
        parent_customer_key=parent.key + suffix if parent else None,
        currency=contract.currency,
        payment_terms=contract.payment_terms,
    )


def done(outcome: Outcome[Any]) -> Any:
    assert isinstance(outcome, Done), outcome
    return outcome.value


async def customer_of(erp: ErpPort, contract: Contract, party: Party) -> ErpCustomer:
    command = onboard(contract, party)
    customer: ErpCustomer = done(await erp.create_customer(command, idempotency_key="k"))
    return customer


async def draft_command(
    erp: ErpPort, contract: Contract, party: Party, key: str | None = None
) -> DraftBooking:
    return DraftBooking(
        document_key=key or document_key(),
        contract=contract,
        customer=await customer_of(erp, contract, party),
        estimated_tax=contract.booking_tax(),
        context=BookingContext(
            contract_key=contract.key,
            contract_number=contract.number,
            business_key="quote-to-cash:test",
            deal=contract.deal_id,
            term="a year",
            billing_schedule="yearly in advance",
            revenue_treatment="by day",
            tax_estimate="an estimate",
            receivable_terms="NET30",
            config_version="1",
        ),
    )


async def orders_with(rpc: TrytonRpc, company: int, domain: list[Any]) -> list[dict[str, Any]]:
    return await rpc.search_read(
        "sale.sale",
        domain,
        ["state", "reference", "origin", "total_amount", "invoices", "comment"],
        context={"company": company},
    )


class Losing(httpx.AsyncBaseTransport):
    """Forwards everything; the answer of the n-th changing RPC is lost after its effect."""

    def __init__(self, inner: httpx.AsyncBaseTransport, lose: Callable[[str], bool]) -> None:
        self._inner = inner
        self._lose = lose
        self.lost: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        method = method_of(request)
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        if not self.lost and self._lose(method):
            self.lost.append(method)
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer


class FailingAt(httpx.AsyncHTTPTransport):
    """Fails the n-th request, before it is sent or after it was answered.

    `counts`: of the requests that are meant, by their method.
    """

    def __init__(
        self, number: int, *, before: bool, counts: Callable[[str], bool] = lambda _: True
    ) -> None:
        super().__init__()
        self._counts = counts
        self._left = number
        self._before = before
        self.failed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        is_counted = self._counts(method_of(request))
        self._left -= is_counted
        # Requests run side by side: decided before waiting.
        is_chosen = is_counted and self._left == 0
        self.failed = self.failed or is_chosen
        if is_chosen and self._before:
            raise httpx.ConnectError("not connected", request=request)
        answer = await super().handle_async_request(request)
        await answer.aread()
        if is_chosen:
            raise httpx.ReadTimeout("the answer is lost", request=request)
        return answer


def is_write(method: str) -> bool:
    """Whether a request changes something in Tryton, or may."""
    return method.startswith(("model.", "wizard.")) and not method.endswith(".search_read")


def method_of(request: httpx.Request) -> str:
    return str(httpx.Response(200, content=request.content).json()["method"])


async def with_lost_answer(
    settings: TrytonSettings, method: str, act: Callable[[ErpPort], Awaitable[Outcome[Any]]]
) -> Outcome[Any]:
    """Run `act` on a port that loses the first answer to `method`."""
    transport = Losing(httpx.AsyncHTTPTransport(), lambda name: name == method)
    async with httpx.AsyncClient(transport=transport) as client:
        outcome = await act(create(settings, client))
    assert transport.lost == [method]
    return outcome


async def set_rates(
    settings: TrytonSettings, password: str, rates: dict[str, str], on: str
) -> None:
    """What treasury does in the ERP: rates of a day, unless they are there."""
    admin = settings.model_copy(update={"user": "admin", "password": SecretStr(password)})
    extra = [
        VendorOperation("RPC", "model.currency.currency.rate.search_read", "of an administrator"),
        VendorOperation("RPC", "model.currency.currency.rate.create", "of an administrator"),
    ]
    async with httpx.AsyncClient(trust_env=False) as client:
        rpc = TrytonRpc(admin, client, manifest=Manifest("erp", [*MANIFEST.operations, *extra]))
        day = date.fromisoformat(on)
        model = "currency.currency.rate"
        if await rpc.search_read(model, [["date", "=", day]], ["date"], context={}):
            return
        rows = await rpc.search_read(
            "currency.currency", [["code", "in", list(rates)]], ["code"], context={}
        )
        values = [
            {"currency": row["id"], "date": day, "rate": Decimal(rates[row["code"]])}
            for row in rows
        ]
        await rpc.write(f"model.{model}.create", values, context={}, case_kind="erp.rejected")
