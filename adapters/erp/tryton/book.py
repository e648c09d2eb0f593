"""The book of one company: its customers, what they owe, its balances; our references on them.

Tryton lets nobody write a customer's code once it is made: our key becomes a further identifier of
it (`party.by_key`). A posted invoice takes no reference at all: its comment is closed to whoever
is no administrator of accounts, and attachments cannot be searched by their name.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from adapters.erp.tryton import entries
from adapters.erp.tryton.balances import Reader
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.ledger import ledger_currency
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.party import is_key
from adapters.erp.tryton.rpc import Row
from dealthread.domain.adoption.book import LedgerBook, LedgerParty, OpenItem
from dealthread.domain.documents import ErpCustomer
from dealthread.domain.money import Money
from dealthread.errors import StepRejected
from dealthread.ports.adoption import FOREIGN_REFERENCE, TakeOverCustomer

_PARTY = ("name", "code", "active", "identifiers.code", "account_receivable", "_timestamp")
_INVOICE = (
    "number",
    "reference",
    "comment",
    "party",
    "currency.code",
    "total_amount",
    "amount_to_pay",
    "lines_to_pay",
    "payment_lines",
)
_PAGE = 500


async def read(
    operation: Operation,
    reader: Reader,
    companies: Companies,
    company: str,
    opening: date,
    reading: date,
    instance: str,
) -> LedgerBook:
    """Everything of the company that may become ours."""
    currency, at_opening, at_reading = await asyncio.gather(
        ledger_currency(operation),
        reader.trial_balance(opening),
        reader.trial_balance(reading + timedelta(days=1)),
    )
    return LedgerBook(
        erp=instance,
        company=company,
        currency=currency,
        parties=tuple(await _parties(operation, companies, company)),
        open_items=tuple(await _open_items(operation, companies, company, currency)),
        at_opening=at_opening,
        at_reading=at_reading,
    )


async def _parties(operation: Operation, companies: Companies, company: str) -> list[LedgerParty]:
    found: list[LedgerParty] = []
    last = 0
    while True:
        rows = await operation.rows(
            "party.party", [["id", ">", last]], _PARTY, limit=_PAGE, order=[["id", "ASC"]]
        )
        found += [
            LedgerParty(
                ref=companies.ref(company, "customer", row["id"]),
                code=row["code"] or "",
                name=row["name"] or "",
                tax_ids=tuple(
                    one["code"]
                    for one in row["identifiers."]
                    if one["code"] and not is_key(one["code"])
                ),
                customer_key=_key_of(row),
            )
            for row in rows
            if row["account_receivable"] is not None
        ]
        if len(rows) < _PAGE:
            return found
        last = rows[-1]["id"]


async def _open_items(
    operation: Operation, companies: Companies, company: str, currency: str
) -> list[OpenItem]:
    rows = await operation.rows(
        "account.invoice",
        [
            ["company", "=", operation.context["company"]],
            ["type", "=", "out"],
            ["state", "=", "posted"],
        ],
        _INVOICE,
        order=[["id", "ASC"]],
    )
    left = await _left(operation, rows)
    found = []
    for row in rows:
        document = row["currency."]["code"]
        own = sum((left.get(one, Decimal(0)) for one in _lines(row)), Decimal(0))
        open_amount = row["amount_to_pay"]
        if not open_amount and not own:
            continue
        found.append(
            OpenItem(
                ref=companies.ref(company, "invoice", row["id"]),
                number=row["reference"] or row["number"] or "",
                party=companies.ref(company, "customer", row["party"]),
                currency=document,
                gross=Money.of(row["total_amount"], document),
                open_amount=Money.of(open_amount, document),
                open_ledger_amount=Money.of(own, currency),
                document_key=entries.key_and_kind(row["comment"])[0],
            )
        )
    return found


def _lines(row: Row) -> list[int]:
    return [*row["lines_to_pay"], *row["payment_lines"]]


async def _left(operation: Operation, rows: Sequence[Row]) -> dict[int, Decimal]:
    """What is open on receivable lines, in the ledger's currency, by line."""
    ids = [one for row in rows for one in _lines(row)]
    found: dict[int, Decimal] = {}
    for at in range(0, len(ids), _PAGE):
        lines = await operation.rows(
            "account.move.line",
            [["id", "in", ids[at : at + _PAGE]], ["reconciliation", "=", None]],
            ["debit", "credit"],
        )
        found |= {line["id"]: line["debit"] - line["credit"] for line in lines}
    return found


# ------------------------------------------------------------ references


async def find(
    operation: Operation, companies: Companies, command: TakeOverCustomer
) -> ErpCustomer | None:
    """The customer, where nothing is left to be put on."""
    row = await _party(operation, command)
    if _key_of(row) != command.customer_key:
        return None
    return ErpCustomer(
        ref=companies.ref(command.company, "customer", row["id"]),
        customer_key=command.customer_key,
        active=row["active"],
    )


async def take_over(
    operation: Operation, companies: Companies, command: TakeOverCustomer
) -> ErpCustomer:
    """One further identifier, once."""
    row = await _party(operation, command)
    if _key_of(row) not in ("", command.customer_key):
        raise _refused("party.identifiers", _key_of(row))
    if not _key_of(row):
        identifier = {"type": None, "code": command.customer_key}
        await operation.write(
            "model.party.party.write",
            [row["id"]],
            {"identifiers": [["create", [identifier]]]},
            _timestamp={f"party.party,{row['id']}": row["_timestamp"]},
        )
    made = await find(operation, companies, command)
    if made is None:
        raise StepRejected(
            "reference_not_kept", case_kind=operation.case_kind, field="party.identifiers"
        )
    return made


def _key_of(row: Row) -> str:
    """Our key of a party; "" where it has none."""
    codes = (row["code"], *(one["code"] for one in row["identifiers."]))
    return next((code for code in codes if is_key(code)), "")


async def _party(operation: Operation, command: TakeOverCustomer) -> Row:
    rows = await operation.rows(
        "party.party",
        [["id", "=", int(command.party.native_id)]],
        _PARTY,
        active_test=False,
    )
    if not rows:
        raise StepRejected(
            "customer_unknown",
            case_kind=operation.case_kind,
            field="party",
            party=command.party.native_id,
        )
    return rows[0]


def _refused(field: str, value: str) -> StepRejected:
    return StepRejected(
        FOREIGN_REFERENCE, case_kind="customer.sync_failed", field=field, value=value
    )
