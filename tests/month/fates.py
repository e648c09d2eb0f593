"""What became of those with a fate, of the use that was told, and of the closing of the month:
against what the plan says, and the policies in config/."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dealthread.domain.case import Case
from dealthread.domain.documents import EntitlementState
from dealthread.store.closing import PostgresClosing
from dealthread.store.pursuits import PostgresPursuits
from tests.month.month import Month
from tests.month.orders import Lived
from tests.month.plan import FIRST, Fate

if TYPE_CHECKING:
    from tests.month.books import Books

IDENTITIES = {f"T{number}" for number in range(1, 16)}


async def closings(books: Books, month: Month) -> None:
    """Each company's month was closed, on identities that tie to the cent."""
    asked: set[str] = set()
    for seller, outcome in month.closed.items():
        books.same(f"{seller}, closing of the month", outcome, "closed")
        found = await PostgresClosing(month.house.it.engine).evidence(seller, FIRST)
        answers = found[1].answers if found is not None else ()
        asked |= {str(one.identity.value) for one in answers}
        for one in answers:
            what = f"{seller}, {one.identity.value} {one.currency}".strip()
            books.same(what, (one.found, one.differences), (one.expected, ()))
    books.same("identities that were asked", asked, IDENTITIES)


async def fates(books: Books, month: Month) -> None:
    """Of each that has one."""
    cases = month.people.decided
    for number, one in sorted(month.lives.items()):
        kinds = [case.kind for case, _ in cases if case.contract_key == one.contract.key]
        _use(books, month, number, one)
        told = ""
        match one.plan.fate:
            case Fate.OVERDUE:
                told = await _pursued(books, month, number, one)
            case Fate.WRITTEN_OFF:
                for kind in ("collections.final_stage", "deal.approval"):
                    books.same(f"contract {number}, {kind}", kind in kinds, True)
                told = await _given_up(books, month, number, one)
            case Fate.DISPUTE_LOST | Fate.DISPUTE_WON:
                told = _disputed(books, month, number, one)
            case Fate.LOST_NEWS:
                told = _found(books, number, one, month.noticed)
            case None:
                continue
        books.told.append((number, str(one.plan.fate), told))


async def _pursued(books: Books, month: Month, number: int, one: Lived) -> str:
    """Suspended by the third stage, restored by the payment."""
    (row,) = _invoices(month, one)
    found = await PostgresPursuits(month.house.it.engine).of_invoice(str(row["id"]))
    what = f"contract {number}, pursuit"
    stands = found and (found.stage, found.suspended, str(found.outcome), str(row["status"]))
    books.same(what, stands, (3, False, "paid", "paid"))
    _has_access(books, month, number, one, EntitlementState.ACTIVE)
    did = month.house.it.world.did(one.contract.key)
    acts = tuple(did.count(f"entitlement.{act}") for act in ("suspend", "restore"))
    books.same(f"contract {number}, suspended and restored", acts, (1, 1))
    return f"{row['number']}: 3 stages, suspended once, paid on {one.plan.pays}, restored"


async def _given_up(books: Books, month: Month, number: int, one: Lived) -> str:
    row = _invoices(month, one)[-1]
    found = await PostgresPursuits(month.house.it.engine).of_invoice(str(row["id"]))
    books.same(f"contract {number}, given up", str(row["status"]), "uncollectible")
    books.same(f"contract {number}, pursuit", found and str(found.state), "written_off")
    _has_access(books, month, number, one, EntitlementState.SUSPENDED)
    return f"{row['number']}: 4 stages, handed over, written off on {one.plan.gives_up}"


def _disputed(books: Books, month: Month, number: int, one: Lived) -> str:
    """Lost, the customer owes again what he had paid."""
    won = one.plan.fate is Fate.DISPUTE_WON
    kinds = {case.kind for case, _ in month.people.decided if _is_of(case, one)}
    wanted = {"cash.disputed"} if won else {"cash.disputed", "cash.returned"}
    books.same(f"contract {number}, cases", kinds & {"cash.disputed", "cash.returned"}, wanted)
    (row,) = _invoices(month, one)
    (document,) = (
        document
        for document in month.house.it.erp.ledger.documents.values()
        if document.number == str(row["number"])
    )
    left = 0 if won else int(row["total"])
    books.same(f"contract {number}, owed", document.open_amount.to_minor(), left)
    return f"{row['number']}: {'won, settled' if won else 'lost, owed again, handed over'}"


def _found(books: Books, number: int, one: Lived, noticed: dict[str, Case]) -> str:
    """Its case was there a day after it was won, and is closed."""
    case = noticed.get(one.contract.key)
    books.same(
        f"contract {number}, noticed",
        case and (case.kind, case.money_at_risk is not None),
        ("deal.stuck_before_invoice", True),
    )
    return f"{case.case_id if case else ''}: submitted on {one.plan.told}, billed, case closed"


def _use(books: Books, month: Month, number: int, one: Lived) -> None:
    """What was used of April is on the bill of May, call by call."""
    if not one.plan.used:
        return
    metered = month.house.biller.metered(one.contract.billing_account)
    billed = sum(
        int(line["quantity"] or 0)
        for row in _invoices(month, one)
        for line in row["lines"]["data"]
        if (line["pricing"]["price_details"] or {}).get("price") in metered
    )
    books.same(f"contract {number}, calls billed", billed, sum(one.plan.used.values()))


def _has_access(
    books: Books, month: Month, number: int, one: Lived, wanted: EntitlementState
) -> None:
    held = month.house.it.entitlement.held[one.contract.key]
    is_withheld = any(hold for hold in held.holds)
    books.same(
        f"contract {number}, access withheld", is_withheld, wanted is EntitlementState.SUSPENDED
    )


def _is_of(case: Case, one: Lived) -> bool:
    return case.contract_key == one.contract.key


def _invoices(month: Month, one: Lived) -> list[dict[str, Any]]:
    """Newest first."""
    return month.house.biller.invoices(one.contract.billing_account, customer=one.customer)
