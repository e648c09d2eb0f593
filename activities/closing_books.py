"""The books of a month: read from their owners, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import TypeGuard

from activities.closing_inputs import ReadProcessor, RevenueRun
from dealthread.domain.catalog import ConfigSet, LegalEntity
from dealthread.domain.closing.books import MANUAL, Books, manual_entries
from dealthread.domain.closing.checklist import (
    Checklist,
    ChecklistItem,
    Evidence,
    ItemState,
    TaxTotal,
    UnbilledUse,
    blocking,
    identity_items,
    item,
    manual_lines,
    noted,
)
from dealthread.domain.closing.of_bills import document_answers
from dealthread.domain.closing.of_contracts import value_answers
from dealthread.domain.closing.of_ledger import balance_answers
from dealthread.domain.closing.of_processor import processor_answers
from dealthread.domain.closing.of_tax import tax_answers, tax_rolls
from dealthread.domain.closing.recurring import recurring_answers
from dealthread.domain.closing.rolled import check_deferred
from dealthread.domain.ledger import LedgerPeriod, LedgerPeriodState, UnpostedDocument
from dealthread.domain.position.by_hand import contract_by_document
from dealthread.domain.position.difference import DifferenceKind
from dealthread.domain.recognition.roll_forward import RollForward
from dealthread.hub_closing import ClosingPosition
from dealthread.ports.erp import ErpPort

_BEGINNING = date(1900, 1, 1)
_NOT_IN_LEDGER = (
    DifferenceKind.NOT_POSTED,
    DifferenceKind.CREDIT_NOT_POSTED,
    DifferenceKind.PAYMENT_NOT_APPLIED,
    DifferenceKind.POSTED_DIFFERENTLY,
    DifferenceKind.VOIDED_AFTER_POSTING,
)


async def read_books(
    erp: ErpPort, entity: LegalEntity, period: date, position: ClosingPosition, config: ConfigSet
) -> Books:
    """The company's month, with the ledger's own balances before and after it."""
    books = Books(
        seller=entity.code,
        period=period,
        currency=entity.functional_currency,
        contracts=position.contracts,
        used=position.used,
        recognised=position.recognised,
        undone=position.undone,
        opening=await erp.trial_balance(entity.erp_company, period),
        closing=(),
        journals=(),
        config=config,
        banked=position.banked,
        payouts=position.payouts,
        disputes=position.disputes,
    )
    return books.model_copy(
        update={
            "closing": await erp.trial_balance(entity.erp_company, books.end),
            "journals": await erp.journals(entity.erp_company, _BEGINNING, books.end),
        }
    )


def evidence_of(
    books: Books,
    position: ClosingPosition,
    drafts: tuple[UnpostedDocument, ...],
    roll: RollForward,
    revenue: RevenueRun,
    before: LedgerPeriod | None,
    processor: ReadProcessor | None,
) -> Evidence:
    """What the month is closed on, or what stands in the way."""
    answers = (
        check_deferred(roll),
        *value_answers(books),
        *balance_answers(books),
        *tax_answers(books),
        *document_answers(books),
        *recurring_answers(books),
        *(processor_answers(books, processor.months) if processor is not None else ()),
    )
    unbilled = tuple(_unbilled(books))
    taxes = tuple(_taxes(books))
    owner = contract_by_document(books.contracts, of_whole_seller=True)
    manual = manual_lines(manual_entries(books), owner, MANUAL)
    items = (
        *_cut_off(books, position, drafts),
        noted(
            "earlier",
            "The month before is closed",
            "accounting",
            [f"{before.start:%Y-%m} is open in the ledger"] if _is_open(before) else [],
        ),
        _revenue(revenue),
        noted(
            "accrual",
            "Use that no bill has yet, accrued as unbilled receivables",
            "billing",
            [f"{one.contract_key} {one.line_key}: {one.amount}" for one in unbilled],
        ),
        *identity_items(answers),
        noted("manual", "Entries on control accounts that none of us made", "accounting", manual),
        item(
            "tax",
            "Tax by jurisdiction",
            "tax",
            ItemState.DONE,
            [
                f"{one.jurisdiction}: {one.invoices} less {one.credits} and relief "
                f"{one.bad_debt_relief}, the ledger {one.ledger}"
                for one in taxes
            ],
        ),
    )
    return Evidence(
        seller=books.seller,
        period=books.period,
        currency=books.currency,
        checklist=Checklist(seller=books.seller, period=books.period, items=items),
        answers=answers,
        opening=books.opening,
        closing=books.closing,
        unbilled=unbilled,
        taxes=taxes,
        manual=manual,
        entries=tuple(one.number or one.ref.native_id for one in books.month),
        processor=processor.known if processor is not None else (),
    )


def _is_open(period: LedgerPeriod | None) -> TypeGuard[LedgerPeriod]:
    return period is not None and period.state is LedgerPeriodState.OPEN


def _cut_off(
    books: Books, position: ClosingPosition, drafts: tuple[UnpostedDocument, ...]
) -> Iterator[ChecklistItem]:
    missing = [
        f"{one.contract_key} {one.document}: {one.amount}, {one.cause}"
        for standing in books.standings.values()
        for one in standing.differences
        if one.kind in _NOT_IN_LEDGER
    ]
    yield blocking("documents", "Documents of ours that are not in the ledger", "billing", missing)
    yield blocking(
        "writes", "Writes to the ledger without an end", "accounting", position.unsent_writes
    )
    yield blocking(
        "drafts",
        "Entries and invoices of the month that the ledger holds unposted",
        "accounting",
        [f"{one.number or one.ref.native_id} of {one.day}: {one.description}" for one in drafts],
    )
    yield blocking("cases", "Open cases of invoices and revenue", "accounting", position.stuck)
    yield noted("other_cases", "Other open cases of the company", "revops", position.other_cases)
    yield noted("under_way", "Changes of contracts under way", "revops", position.under_way)
    yield noted(
        "usage",
        "Use of ended billing periods that the biller does not have",
        "billing",
        position.unsent_usage,
    )


def _revenue(run: RevenueRun) -> ChecklistItem:
    title = "The month's revenue is recognised"
    if run.outcome != "completed":
        why = run.refused or f"the run ended {run.outcome}"
        return item("revenue", title, "accounting", ItemState.OPEN, [why])
    return noted("revenue", title, "accounting", run.left_out)


def _unbilled(books: Books) -> Iterator[UnbilledUse]:
    for one in books.used:
        if one.unbilled:
            yield UnbilledUse(
                contract_key=one.contract_key,
                line_key=one.line_key,
                period_start=one.period_start,
                amount=one.unbilled,
            )


def _taxes(books: Books) -> Iterator[TaxTotal]:
    for one in tax_rolls(books):
        yield TaxTotal(
            jurisdiction=one.jurisdiction,
            accounts=one.account,
            invoices=one.invoices,
            credits=one.credits,
            bad_debt_relief=one.bad_debt_relief,
            ledger=one.movement,
        )
