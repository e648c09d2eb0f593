"""What a booking needs at a company, by reads of our own: rules V22 and V38.

Tryton accepts an order in a closed period, in none, for an inactive item of another company's
tax: its silence proves nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime

from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.rpc import Row
from dealthread.ports.erp import PostingProblem, PostingQuestion, PostingRules

_PERIODS = "V22"
_MASTER_DATA = "V38"


async def check(operation: Operation, question: PostingQuestion) -> PostingRules:
    """All problems at once, so that a person corrects them in one go."""
    company = operation.context["company"]
    periods, accounts, items, taxes, terms, currency = await asyncio.gather(
        _periods_from(operation, company, question.posting_date),
        operation.rows(
            "account.account",
            [["code", "in", list(question.accounts)], ["company", "=", company]],
            ["code", "active", "closed", "type"],
            active_test=False,
        ),
        operation.rows(
            "product.product",
            [["code", "in", list(question.items)]],
            ["code", "active", "salable", "template.active"],
            active_test=False,
        ),
        operation.rows(
            "account.tax",
            [["name", "in", list(question.tax_codes)], ["company", "=", company]],
            ["name", "active", "start_date", "end_date"],
            active_test=False,
        ),
        operation.rows(
            "account.invoice.payment_term",
            [["name", "=", question.payment_terms]],
            ["name", "active"],
            active_test=False,
        ),
        operation.rows("currency.currency", [["code", "=", question.currency]], ["active"]),
    )
    problems = (
        *_period_problems(periods, question.posting_date),
        *_account_problems(accounts, question.accounts),
        *_item_problems(items, question.items),
        *_tax_problems(taxes, question.tax_codes, question.service_start),
        *_named("payment_terms", terms, "name", (question.payment_terms,)),
        *(() if currency else (_problem("currency", question.currency, "unknown"),)),
    )
    return PostingRules(
        company=question.company,
        read_at=datetime.now(UTC),
        problems=problems,
        open_from=_open_from(periods, question.posting_date),
    )


async def _periods_from(operation: Operation, company: int, day: date) -> list[Row]:
    """Standard periods that end on or after the day, in order."""
    domain = [["company", "=", company], ["end_date", ">=", day], ["type", "=", "standard"]]
    fields = ["name", "state", "start_date", "end_date", "fiscalyear.state"]
    return await operation.rows("account.period", domain, fields, order=[["start_date", "ASC"]])


def _is_open(period: Row) -> bool:
    return bool(period["state"] == "open" and period["fiscalyear."]["state"] == "open")


def _open_from(periods: Sequence[Row], day: date) -> date | None:
    first = next((period for period in periods if _is_open(period)), None)
    return max(first["start_date"], day) if first else None


def _period_problems(periods: Sequence[Row], day: date) -> Iterable[PostingProblem]:
    own = next((row for row in periods if row["start_date"] <= day <= row["end_date"]), None)
    if own is not None and _is_open(own):
        return
    detail = "no period" if own is None else f"period {own['name']} is {own['state']}"
    yield PostingProblem(rule=_PERIODS, field="posting_date", value=day.isoformat(), detail=detail)


def _account_problems(rows: Sequence[Row], codes: Sequence[str]) -> Iterable[PostingProblem]:
    yield from _named("account", rows, "code", codes)
    for row in rows:
        if row["closed"]:
            yield _problem("account", row["code"], "closed")
        elif row["type"] is None:
            yield _problem("account", row["code"], "takes no postings")


def _item_problems(rows: Sequence[Row], codes: Sequence[str]) -> Iterable[PostingProblem]:
    yield from _named("item", rows, "code", codes)
    for row in rows:
        if not row["salable"]:
            yield _problem("item", row["code"], "not salable")


def _tax_problems(rows: Sequence[Row], codes: Sequence[str], day: date) -> Iterable[PostingProblem]:
    yield from _named("tax_code", rows, "name", codes)
    for code in dict.fromkeys(codes):
        own = [row for row in rows if row["name"] == code]
        if own and not any(_holds_on(row, day) for row in own):
            yield _problem("tax_code", code, f"not valid on {day.isoformat()}")


def _holds_on(row: Row, day: date) -> bool:
    starts, ends = row["start_date"], row["end_date"]
    return bool((starts is None or starts <= day) and (ends is None or day <= ends))


def _named(
    field: str, rows: Sequence[Row], key: str, wanted: Sequence[str]
) -> Iterable[PostingProblem]:
    """Names that do not exist, or exist only inactive."""
    for name in dict.fromkeys(wanted):
        own = [row for row in rows if row[key] == name]
        if not own:
            yield _problem(field, name, "unknown")
        elif not any(row["active"] for row in own):
            yield _problem(field, name, "inactive")


def _problem(field: str, value: str, detail: str) -> PostingProblem:
    return PostingProblem(rule=_MASTER_DATA, field=field, value=value, detail=detail)
