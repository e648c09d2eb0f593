"""A running contract in every system, the process API over it, and what people change by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from dealthread.bridge.contract_check_duty import ContractCheckDuty
from dealthread.domain.case import Case, CaseState
from dealthread.domain.contract import Contract
from dealthread.settings import Settings, Subscriber
from dealthread.store.cases import PostgresCases
from dealthread.store.engine import create_engine
from tests.store.shared import empty
from tests.support.bridge_over_lab import served, settings_of
from tests.support.change_lab import on, sold
from tests.support.deal_builder import d1
from tests.support.saga_lab import Lab, fresh, lab
from workers.ports import Ports

DAY = date(2026, 1, 1)
HOUR = timedelta(hours=1)


@dataclass
class Desk:
    """A running contract, the process API over it, and the relay's duty."""

    it: Lab
    contract: Contract
    http: httpx.AsyncClient
    duty: ContractCheckDuty
    engine: AsyncEngine
    app: FastAPI
    settings: Settings

    def move(self, day: date) -> None:
        """It is another day, for every system and for us."""
        on(self.it, day)
        held = self.app.state.resources
        moved = {"business_offset_seconds": self.it.offset_seconds()}
        object.__setattr__(held, "settings", held.settings.model_copy(update=moved))

    async def ask(self, **scope: str) -> httpx.Response:
        return await self.http.get(
            "/v1/contract-check", params=scope, headers={"Authorization": "Bearer viewer"}
        )

    async def one(self) -> dict[str, Any]:
        """The contract's finding."""
        answer = await self.ask(contract=self.contract.key)
        assert answer.status_code == 200, answer.text
        (found,) = answer.json()["contracts"]
        assert isinstance(found, dict)
        return found

    async def differing(self) -> list[tuple[str, str, str, str]]:
        """System, field, what it says and what it has to say."""
        return [
            (row["system"], row["field"], row["found"], row["wanted"])
            for row in (await self.one())["differences"]
        ]

    async def look(self) -> None:
        """The relay looks at the contract."""
        await self.duty.look_at([self.contract.key], HOUR)

    async def open_cases(self) -> list[Case]:
        listed = await PostgresCases(self.engine).listing(CaseState.OPEN, "accounting", 1000)
        return [one for one in listed if one.contract_key == self.contract.key]


@asynccontextmanager
async def desk(
    client: Client,
    url: str,
    exchange: Callable[[Ports], Ports] = lambda ports: ports,
    subscribers: tuple[Subscriber, ...] = (),
) -> AsyncIterator[Desk]:
    """`exchange` puts real parts in the place of fakes."""
    engine = create_engine(url)
    try:
        await empty(engine)
        async with lab(client, engine, DAY, exchange=exchange) as it:
            contract = await sold(it, fresh(d1()))
            settings = settings_of(it, url).model_copy(update={"subscribers": subscribers})
            async with served(settings, client) as (app, http):
                duty = ContractCheckDuty(settings, client, engine)
                yield Desk(it, contract, http, duty, engine, app, settings)
    finally:
        await engine.dispose()


ByHand = Callable[[Desk], None]


def in_crm(**fields: object) -> ByHand:
    """Somebody writes over the contract's record."""

    def change(at: Desk) -> None:
        at.it.crm.by_hand[at.contract.key] = fields

    return change


def at_biller(**fields: object) -> ByHand:
    """Somebody changes the agreement in the biller's console."""

    def change(at: Desk) -> None:
        at.it.billing.by_hand[at.contract.key] = fields

    return change


def in_erp(**fields: object) -> ByHand:
    """Somebody writes over the order."""

    def change(at: Desk) -> None:
        for key, made in at.it.erp.bookings.items():
            at.it.erp.bookings[key] = [one.model_copy(update=fields) for one in made]

    return change


def at_service(**fields: object) -> ByHand:
    """Somebody changes the right to use."""

    def change(at: Desk) -> None:
        held = at.it.entitlement.held[at.contract.key]
        at.it.entitlement.held[at.contract.key] = held.model_copy(update=fields)

    return change


def seats(at: Desk, quantity: str) -> None:
    """Of the first line, at the service alone."""
    held = at.it.entitlement.held[at.contract.key]
    first, *others = held.grants
    changed = first.model_copy(update={"quantity": Decimal(quantity)})
    at_service(grants=(changed, *others))(at)


def longer(at: Desk) -> None:
    """The first right is given for ever."""
    held = at.it.entitlement.held[at.contract.key]
    first, *others = held.grants
    at_service(grants=(first.model_copy(update={"access_to": None}), *others))(at)


def no_order(at: Desk) -> None:
    at.it.erp.bookings.clear()


def no_record(at: Desk) -> None:
    del at.it.crm.records[at.contract.key]


def nothing_granted(at: Desk) -> None:
    del at.it.entitlement.held[at.contract.key]
