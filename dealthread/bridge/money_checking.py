"""The money view compared with what the owning systems say now, within a time budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from activities.money_check import MOST_BY_HAND, BillId, CustomerOfBiller, ReadLedger
from dealthread.bridge.asking import Question, answer_to
from dealthread.bridge.resources import Resources
from dealthread.domain.catalog import LegalEntity
from dealthread.domain.position.by_hand import is_brought, number_by_document, told_by_hand
from dealthread.domain.position.difference import Difference
from dealthread.domain.position.facts import ContractFacts
from dealthread.domain.position.in_ledger import LedgerPosition
from dealthread.domain.position.owners import (
    SeenLedger,
    against_balances,
    against_biller,
    against_ledger,
    never_read,
)
from dealthread.domain.position.standing import Standing, standing_of
from dealthread.errors import BadInput
from dealthread.store.money_reading import MoneyReading
from workflows.money_check import MoneyCheckInput, MoneyCheckWorkflow, OwnersSay

BUDGET_SECONDS = 25.0
MOST_DOCUMENTS = 100
"""Each is a call to its owner, and the caller waits."""


@dataclass(frozen=True)
class Asked:
    """What a view showed: its contracts, and the entity where one was asked for."""

    facts: Sequence[ContractFacts]
    standings: Sequence[Standing]
    ledgers: Sequence[LedgerPosition]
    as_of: date
    today: date
    scope: str
    entity: str = ""
    contract: str = ""


def _entity(held: Resources, asked: Asked) -> LegalEntity:
    return next(one for one in held.config().legal_entities if one.code == asked.entity)


async def differences_now(held: Resources, asked: Asked) -> tuple[list[Difference], list[str]]:
    """Of an entity its control accounts on the day; else each bill and document as they are now; of
    both what people booked in the ledger. With what has to be said of it.

    Raises BadInput where that is too much to wait for, Unanswered where a system is away.
    """
    order = await _order(held, asked)
    if order == MoneyCheckInput():
        return [], []
    question = Question(
        id=f"money-check:{asked.scope}",
        summary="Look at the owners of invoices and entries",
        budget_seconds=BUDGET_SECONDS,
        slow="money_check_timed_out",
    )
    seen = await answer_to(held, MoneyCheckWorkflow.run, order, question)
    return _compared(held, asked, seen), _notes(seen)


async def _order(held: Resources, asked: Asked) -> MoneyCheckInput:
    if asked.entity:
        entity = _entity(held, asked)
        day = asked.as_of + timedelta(days=1)
        ledger = ReadLedger(
            erp=entity.erp_instance,
            company=entity.erp_company,
            before=day,
            by_hand_before=day,
        )
        return MoneyCheckInput(ledgers=(ledger,))
    bills = [
        BillId(billing_account=bill.ref.account, native_id=bill.ref.native_id)
        for one in asked.facts
        for bill in one.bills
    ]
    documents: dict[tuple[str, str], list[str]] = {}
    owing: dict[tuple[str, str], set[str]] = {}
    for one in asked.facts:
        contract = one.versions[-1].contract
        keys = documents.setdefault((contract.erp, contract.erp_company), [])
        owing.setdefault((contract.erp, contract.erp_company), set()).add(contract.customer_key)
        mine = (row.document.ledger_key for row in one.postings if row.document)
        keys += [key for key in dict.fromkeys(mine) if key not in keys]
    if len(bills) + sum(map(len, documents.values())) > MOST_DOCUMENTS:
        raise BadInput(
            "too_many_documents",
            field="check",
            action=f"more than {MOST_DOCUMENTS} documents: name a contract, or an entity",
        )
    contracts = [one.versions[-1].contract for one in asked.facts]
    customers = sorted({(one.billing_account, one.customer_key) for one in contracts})
    known = await MoneyReading(held.engine).recorded_bills([key for _, key in customers])
    return MoneyCheckInput(
        bills=tuple(bills),
        customers=tuple(
            CustomerOfBiller(billing_account=account, customer_key=key)
            for account, key in customers
        ),
        known=known,
        ledgers=tuple(
            ReadLedger(
                erp=erp,
                company=company,
                document_keys=tuple(keys),
                by_hand_before=asked.today + timedelta(days=1),
                customer_keys=tuple(sorted(owing[erp, company])),
            )
            for (erp, company), keys in documents.items()
        ),
    )


def _compared(held: Resources, asked: Asked, seen: OwnersSay) -> list[Difference]:
    config = held.config()
    ledgers = [_of_these(asked, one) for one in seen.ledgers]
    found = [
        each
        for one in ledgers
        for each in told_by_hand(
            reversed(one.by_hand), asked.facts, of_whole_seller=bool(asked.entity)
        )
    ]
    if asked.entity:
        waiting = sum(len(one.differences) for one in asked.standings)
        found += [
            each
            for total in asked.ledgers
            for ledger in ledgers
            for each in against_balances(total, ledger, waiting)
        ]
        return found
    for one in asked.facts:
        found += against_biller(one, seen.biller)
        found += never_read(one, seen.biller)
        found += against_ledger(one, standing_of(one, asked.today, config), ledgers)
    return found


def _of_these(asked: Asked, ledger: SeenLedger) -> SeenLedger:
    """Without what adopted contracts brought along, and where a contract was asked for, without
    what its customer paid for others."""
    ours = number_by_document(asked.facts).keys()
    kept = [
        entry
        for entry in ledger.by_hand
        if not is_brought(entry, asked.facts)
        and not (asked.contract and entry.settles and not ours & set(entry.settles))
    ]
    return ledger.model_copy(update={"by_hand": tuple(kept)})


def _notes(seen: OwnersSay) -> list[str]:
    return [
        f"company {one.company} has more than {MOST_BY_HAND} entries by hand: the newest are told, "
        "the older ones are part of what its accounts differ by"
        for one in seen.ledgers
        if one.has_more_by_hand
    ]
