"""What the ledger holds: one document, what a customer owes, the trial balance."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from adapters.erp.tryton import entries, settling
from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.invoice_values import converted_rate, issue_date_of
from adapters.erp.tryton.journals import REVERSIBLE, opposite_of
from adapters.erp.tryton.ledger import ledger_currency
from adapters.erp.tryton.operation import Operation
from adapters.erp.tryton.own_rate import EXCHANGE, is_at_its_rate
from adapters.erp.tryton.rpc import Row
from dealthread.domain.ledger import TrialBalanceRow
from dealthread.domain.ledger_rate import said_rate
from dealthread.domain.money import Money
from dealthread.domain.posted import DocumentKind, DocumentState, PostedDocument

_SETTLING = (DocumentKind.RECEIPT, DocumentKind.WRITE_OFF)


class Reader:
    """Reads documents of one company."""

    def __init__(
        self, operation: Operation, companies: Companies, company: str, clearing: str
    ) -> None:
        self._operation = operation
        self._companies = companies
        self._company = company
        self._clearing = clearing

    async def find(self, key: str) -> PostedDocument | None:
        """By document key: an invoice or credit memo, else an entry."""
        invoices = await settling.find_invoices(self._operation, key)
        if invoices:
            return await self.of_invoice(invoices[0])
        found = await entries.find_entries(self._operation, key, *REVERSIBLE, DocumentKind.REVERSAL)
        return await self.of_entry(found[0]) if found else None

    async def of_invoice(self, row: Row, *, is_whole: bool = False) -> PostedDocument:
        """`is_whole`: known to be complete, so that its other parts need not be looked up."""
        ids = [*row["lines_to_pay"], *row["payment_lines"]]
        moves = [*([row["move"]] if row["move"] else []), *row["additional_moves"]]
        own, lines, currency = await asyncio.gather(
            entries.lines_of(self._operation, moves),
            self._operation.rows("account.move.line", [["id", "in", ids]], entries.LINE_FIELDS),
            ledger_currency(self._operation),
        )
        is_memo = row["total_amount"] < 0
        key = entries.key_and_kind(row["comment"])[0]
        left = [line for line in lines if line["reconciliation"] is None]
        state = DocumentState.DRAFT
        if row["state"] in ("posted", "paid"):
            complete = is_whole or await self._is_complete(row, key, own, lines)
            if complete:
                state = DocumentState(row["state"])
        document = row["currency."]["code"]
        open_amount = row["amount_to_pay"] if row["state"] == "posted" else Decimal(0)
        open_ledger = _net(left)
        if is_memo:
            # What is counted on an invoice is no longer the customer's to use.
            if all(line["invoice_payment"] for line in left):
                open_amount = open_ledger = Decimal(0)
                state = DocumentState.PAID if state is DocumentState.POSTED else state
            open_amount, open_ledger = -open_amount, -open_ledger
        due = [line["maturity_date"] for line in await self._due(row)]
        sign = -1 if is_memo else 1
        is_foreign = currency != document and bool(moves)
        whole = _net(line for line in own if line["id"] in row["lines_to_pay"]) * sign
        rounding = -_net(line for line in own if line["account."]["code"] == EXCHANGE) * sign
        return PostedDocument(
            ref=self._companies.ref(self._company, "invoice", row["id"]),
            kind=DocumentKind.CREDIT_MEMO if is_memo else DocumentKind.INVOICE,
            state=state,
            document_key=key,
            number=row["reference"] or "",
            company=self._company,
            customer_key=row["party."]["code"] or "",
            currency=document,
            net=Money.of(row["untaxed_amount"] * sign, document),
            tax=Money.of(row["tax_amount"] * sign, document),
            gross=Money.of(row["total_amount"] * sign, document),
            open_amount=Money.of(open_amount, document),
            open_ledger_amount=Money.of(open_ledger, currency) if currency != document else None,
            rate=said_rate(row["comment"]),
            ledger_gross=Money.of(whole, currency) if is_foreign else None,
            rounding=Money.of(rounding, currency) if is_foreign else None,
            issue_date=issue_date_of(row["comment"]) or row["invoice_date"],
            posting_date=row["accounting_date"] or row["invoice_date"],
            due_date=max((day for day in due if day), default=None),
            entry=row["move."]["number"] or "" if row["move."] else "",
        )

    async def _due(self, row: Row) -> list[Row]:
        if not row["lines_to_pay"]:
            return []
        return await self._operation.rows(
            "account.move.line", [["id", "in", row["lines_to_pay"]]], ["maturity_date"]
        )

    async def _is_complete(
        self, row: Row, key: str, own: Sequence[Row], lines: Sequence[Row]
    ) -> bool:
        """Whether the entries that belong to it are there, and a credit memo has been used."""
        if not key:
            return True  # keyed by a person: complete as it is
        if any(line["account."]["code"] == self._clearing for line in own):
            found = await entries.find_entries(self._operation, key, entries.TRANSFER)
            if not any(entry["state"] == "posted" for entry in found):
                return False
        rate = said_rate(row["comment"])
        is_converted = converted_rate(row["comment"]) and not row["additional_moves"]
        if is_converted and rate is not None and not is_at_its_rate(own, rate):
            return False
        if row["total_amount"] >= 0:
            return True
        lines = [line for line in lines if line["id"] in row["lines_to_pay"]]
        return await self._is_settled(lines)

    async def _is_settled(self, lines: Sequence[Row]) -> bool:
        """Whether each line pays an invoice, and that one is closed where nothing is left."""
        for line in lines:
            if line["reconciliation"] is not None:
                continue
            if line["invoice_payment"] is None:
                return False
            paid = await settling.invoice_by_id(self._operation, line["invoice_payment"])
            if paid["state"] == "posted" and paid["amount_to_pay"] == 0:
                return False
        return True

    async def of_entry(self, entry: Row) -> PostedDocument:
        """A receipt, write-off, journal or reversal."""
        key, word = entries.key_and_kind(entry["description"])
        kind = entries.kind_of(word)
        lines, own, reversal = await asyncio.gather(
            entries.lines_of(self._operation, [entry["id"]]),
            ledger_currency(self._operation),
            opposite_of(self._operation, key),
        )
        receivable = [row for row in lines if row["party."] and row["credit"]]
        money = [row for row in lines if row["debit"]]
        first = money[0] if kind is DocumentKind.RECEIPT else lines[0]
        second = first["second_currency."] if kind is DocumentKind.RECEIPT else None
        if kind is DocumentKind.REVERSAL:
            # Of a settlement in another currency it is told in that one.
            second = next((row["second_currency."] for row in money if row["party."]), None)
        currency = second["code"] if second else own
        chosen = receivable if kind is DocumentKind.WRITE_OFF else money
        if second and kind is DocumentKind.REVERSAL:
            # Without what was realised, which has no other currency.
            chosen = [row for row in money if row["second_currency."]]
        whole = sum((_in(currency, own, row) for row in chosen), Decimal(0))
        open_amount = Decimal(0)
        if kind is DocumentKind.RECEIPT:
            whole = _in(currency, own, first)
            open_amount = whole - sum((_in(currency, own, row) for row in receivable), Decimal(0))
        state = DocumentState.POSTED if entry["state"] == "posted" else DocumentState.DRAFT
        named = [row for row in receivable if (row["description"] or "").startswith("DT")]
        unsettled = kind in _SETTLING and not await self._is_settled(named)
        if kind is DocumentKind.REVERSAL:
            unsettled = any(row["party."] and row["reconciliation"] is None for row in lines)
        if unsettled:
            state = DocumentState.DRAFT
        elif state is DocumentState.POSTED and kind is DocumentKind.RECEIPT and not open_amount:
            state = DocumentState.PAID
        gross = Money.of(whole, currency)
        return PostedDocument(
            ref=self._companies.ref(self._company, "journal", entry["id"]),
            kind=kind,
            state=state,
            document_key=key,
            number=entry["number"] or "",
            company=self._company,
            customer_key=next((row["party."]["code"] for row in lines if row["party."]), ""),
            currency=currency,
            net=gross,
            tax=Money.zero(currency),
            gross=gross,
            open_amount=Money.of(open_amount, currency),
            rate=said_rate(entry["description"]),
            posting_date=entry["date"],
            entry=entry["number"] or "",
            reversal=(
                self._companies.ref(self._company, "journal", reversal["id"]) if reversal else None
            ),
        )

    async def open_documents(self, customer_key: str) -> tuple[PostedDocument, ...]:
        """Invoices and credit memos of a customer of which something is open, oldest first."""
        rows = await self._operation.rows(
            "account.invoice",
            [
                [
                    "OR",
                    ["party.code", "=", customer_key],
                    ["party.identifiers.code", "=", customer_key],
                ],
                ["company", "=", self._operation.context["company"]],
                ["type", "=", "out"],
                ["state", "=", "posted"],
            ],
            settling.INVOICE_FIELDS,
            order=[["invoice_date", "ASC"], ["id", "ASC"]],
        )
        documents = [await self.of_invoice(row, is_whole=True) for row in rows]
        return tuple(one for one in documents if one.open_amount)

    async def trial_balance(self, until: date) -> tuple[TrialBalanceRow, ...]:
        """Of the accounts that were posted to, from the beginning to the day before `until`."""
        currency = await ledger_currency(self._operation)
        rows = await self._operation.rows(
            "account.account",
            [["company", "=", self._operation.context["company"]], ["type", "!=", None]],
            ["code", "debit", "credit"],
            order=[["code", "ASC"]],
            active_test=False,
            posted=True,
            to_date=until - timedelta(days=1),
        )
        return tuple(
            TrialBalanceRow(
                account=row["code"] or str(row["id"]),
                debit=Money.of(row["debit"], currency),
                credit=Money.of(row["credit"], currency),
                balance=Money.of(row["debit"] - row["credit"], currency),
            )
            for row in rows
            if row["debit"] or row["credit"]
        )


def _net(rows: Iterable[Row]) -> Decimal:
    """Debit less credit, in the ledger's currency."""
    return sum((row["debit"] - row["credit"] for row in rows), Decimal(0))


def _in(currency: str, own: str, row: Row) -> Decimal:
    """Amount of a line in a currency: the ledger's own, or the document's."""
    amount = row["debit"] - row["credit"] if currency == own else row["amount_second_currency"]
    return abs(Decimal(amount or 0))
