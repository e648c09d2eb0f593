"""The process API of money: sold, billed, recognised, collected, as of a day."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel

from dealthread.bridge.access import READ, requires
from dealthread.bridge.free_text import storable
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.money_checking import Asked, differences_now
from dealthread.bridge.order_form import Day
from dealthread.bridge.ordering import business_day, not_after
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import ContractState
from dealthread.domain.position.difference import Difference
from dealthread.domain.position.entry import Entry
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.position.figures import Position, added_up
from dealthread.domain.position.in_ledger import LedgerPosition, by_entity, in_ledger
from dealthread.domain.position.standing import Standing, standing_of
from dealthread.errors import BadInput, NotFound
from dealthread.settings import Principal
from dealthread.store.amount_sources import AmountSources, Unsourced
from dealthread.store.money_reading import MoneyReading

router = APIRouter(prefix="/v1", tags=["money"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
Key = Annotated[str, Query(max_length=20), AfterValidator(storable)]
MOST_DIFFERENCES = 1000


class MoneyScope(BaseModel):
    """Whose money; all contracts where nothing is named."""

    entity: str = ""
    customer: str = ""
    contract: str = ""


class MoneyOfContract(BaseModel):
    """One contract's part of the sums."""

    contract_key: str
    seller: str
    customer_key: str
    state: ContractState
    position: Position


class MoneyAnswer(BaseModel):
    """Sums by currency, never across them; what differs; on request, what they are made of."""

    as_of: date
    checked: bool
    """Whether the owning systems were asked."""
    scope: MoneyScope
    contract_count: int
    totals: list[Position]
    differences: list[Difference]
    differences_left_off: int
    notes: list[str]
    """What the figures do not hold, and why."""
    ledgers: list[LedgerPosition] = []
    """Of each legal entity, in its ledger's currency."""
    contracts: list[MoneyOfContract] = []
    documents: list[Entry] = []


@router.get("/money/unsourced")
async def unsourced(held: Held, _: Reader) -> list[Unsourced]:
    """Stored amounts that name no document or deal of the system that owns them: there are none."""
    return await AmountSources(held.engine).missing()


@router.get("/money")
async def money(
    held: Held,
    _: Reader,
    as_of: Day,
    entity: Key = "",
    customer: Key = "",
    contract: Key = "",
    documents: bool = False,
    check: bool = False,
) -> MoneyAnswer:
    """Where the money stood at the end of a day; with `check`, beside what its owners say now."""
    scope = MoneyScope(entity=entity, customer=customer, contract=contract)
    reading = MoneyReading(held.engine, held.settings.tenant)
    wide = "check" if check else "documents" if documents else ""
    await _check_question(held, reading, as_of, scope, wide)
    facts: list[ContractFacts] = []
    standings: list[Standing] = []
    in_ledgers: list[LedgerPosition] = []
    is_posted = False
    config = held.config()
    async for batch in reading.facts(
        as_of, seller=entity, customer_key=customer, contract_key=contract
    ):
        # Not in the loop that takes in webhooks: thousands of contracts take seconds.
        for standing, ledger in await asyncio.to_thread(_standings, batch, as_of, config):
            standings.append(standing)
            in_ledgers += [ledger] if ledger is not None else []
        is_posted = is_posted or any(part.is_posted for one in batch for part in one.recognised)
        facts += batch if check else []
    differing = [found for one in standings for found in one.differences]
    notes = list(_notes(held, is_posted=is_posted))
    ledgers = by_entity(in_ledgers)
    notes += _without_rate(ledgers)
    if check:
        whose = entity or customer or contract
        asked = Asked(
            facts,
            standings,
            ledgers,
            as_of,
            business_day(held),
            whose,
            entity,
            contract,
        )
        owners_differ, said = await differences_now(held, asked)
        differing += owners_differ
        notes += said
    return MoneyAnswer(
        as_of=as_of,
        checked=check,
        scope=scope,
        contract_count=len(standings),
        totals=list(added_up(one.position for one in standings)),
        ledgers=list(ledgers),
        differences=differing[:MOST_DIFFERENCES],
        differences_left_off=max(len(differing) - MOST_DIFFERENCES, 0),
        notes=notes,
        contracts=[_of_contract(one) for one in standings] if documents else [],
        documents=[entry for one in standings for entry in one.entries] if documents else [],
    )


async def _check_question(
    held: Resources, reading: MoneyReading, as_of: date, scope: MoneyScope, needs_scope: str
) -> None:
    given = [name for name, value in scope if value]
    if len(given) > 1:
        raise BadInput("one_scope", field=given[1], action=f"give {' or '.join(given)}, not both")
    if needs_scope and not given:
        raise BadInput(
            "scope_needed", field=needs_scope, action="name an entity, a customer or a contract"
        )
    if as_of > business_day(held):
        raise BadInput("day_to_come", field="as_of", action=not_after(held))
    entities = sorted(one.code for one in held.config().legal_entities)
    if scope.entity and scope.entity not in entities:
        raise BadInput(
            "entity_not_known", field="entity", action=f"use one of: {', '.join(entities)}"
        )
    if scope.customer and not await reading.knows_customer(scope.customer):
        raise NotFound("customer_not_found", id=scope.customer)
    if scope.contract and await held.contracts.state(scope.contract) is None:
        raise NotFound("contract_not_found", id=scope.contract)


def _standings(
    batch: Sequence[ContractFacts], as_of: date, config: ConfigSet
) -> list[tuple[Standing, LedgerPosition | None]]:
    """Of a legal entity that is configured no more nobody knows its ledger's currency."""
    currencies = {one.code: one.functional_currency for one in config.legal_entities}
    found: list[tuple[Standing, LedgerPosition | None]] = []
    for one in batch:
        standing = standing_of(one, as_of, config)
        currency = currencies.get(standing.seller)
        if currency is None:
            found.append((standing, None))
            continue
        ledger, entries = in_ledger(one, standing, currency)
        found.append((standing.model_copy(update={"entries": entries}), ledger))
    return found


def _without_rate(ledgers: Sequence[LedgerPosition]) -> Iterator[str]:
    for one in ledgers:
        if one.unconverted:
            parts = ", ".join(f"{part.figure} {part.amount}" for part in one.unconverted)
            yield (
                f"{one.seller} in {one.currency}: no document in the ledger has a rate yet for "
                f"{parts}; it is in no figure in {one.currency}"
            )


def _notes(held: Resources, *, is_posted: bool) -> Iterator[str]:
    if not held.settings.invoice_to_cash:
        yield (
            "invoice to cash is switched off (DEALTHREAD_INVOICE_TO_CASH): invoices, credits and "
            "payments since then are not in these figures"
        )
    if not is_posted:
        yield "no recognised revenue is posted to the ledger: all that is billed is deferred"


def _of_contract(standing: Standing) -> MoneyOfContract:
    return MoneyOfContract(
        contract_key=standing.contract_key,
        seller=standing.seller,
        customer_key=standing.customer_key,
        state=standing.state,
        position=standing.position,
    )
