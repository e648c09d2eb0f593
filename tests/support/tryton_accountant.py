"""Somebody who keeps Tryton's books with Tryton's own means: its wizards, its entries, no key."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
from pydantic import SecretStr

from adapters.erp.tryton.manifest import MANIFEST
from adapters.erp.tryton.rpc import Row, TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from adapters.manifest import Manifest, VendorOperation
from dealthread.errors import StepRejected

_CALLS = (
    "model.account.invoice.payment.method.search_read",
    "model.account.invoice.payment.method.create",
    "model.account.invoice.payment_term.create",
    "model.account.configuration.write",
    "model.account.invoice.deferred.create",
    "model.account.invoice.deferred.run",
    "model.account.invoice.deferred.search_read",
    "model.account.invoice.line.search_read",
    "model.account.move.create",
    "model.account.move.post",
    "model.account.invoice.post",
    *(
        f"wizard.account.{wizard}.{act}"
        for wizard in ("invoice.pay", "invoice.credit", "move.reconcile_lines")
        for act in ("create", "execute", "delete")
    ),
)


class Accountant:
    """In one company. Entries are of the day that is said; numbers are Tryton's own."""

    def __init__(
        self, settings: TrytonSettings, password: str, company: str, http: httpx.AsyncClient
    ) -> None:
        admin = settings.model_copy(update={"user": "admin", "password": SecretStr(password)})
        extra = [VendorOperation("RPC", call, "of an administrator") for call in _CALLS]
        operations = [one for one in MANIFEST.operations if one not in extra]
        self._rpc = TrytonRpc(admin, http, manifest=Manifest("erp", [*operations, *extra]))
        self._company = int(company)

    async def pays(self, invoice: int, amount: str, on: date, text: str) -> None:
        """By the wizard for payments, out of the bank's account."""
        (row,) = await self._rows("account.invoice", [["id", "=", invoice]], ["party", "currency"])
        start = {
            "payee": row["party"],
            "amount": Decimal(amount),
            "currency": row["currency"],
            "payment_method": await self._method(),
            "date": on,
            "description": text,
            "company": self._company,
        }
        ask = {
            "type": "partial",
            "currency": row["currency"],
            "company": self._company,
            "invoice": invoice,
            "amount": Decimal(amount),
            "lines": [],
            "lines_to_pay": [],
            "payment_lines": [],
        }
        await self._wizard(
            "account.invoice.pay",
            "account.invoice",
            [invoice],
            [("choice", {"start": start}), ("pay", {"start": start, "ask": ask})],
        )

    async def credits(self, invoice: int, on: date) -> str:
        """By the wizard for credits, and posted; the number of its entry."""
        before = {row["id"] for row in await self._rows("account.invoice", [], ["id"])}
        start = {"invoice_date": on, "with_refund": False, "with_refund_allowed": True}
        await self._wizard(
            "account.invoice.credit",
            "account.invoice",
            [invoice],
            [("credit", {"start": start})],
        )
        rows = await self._rows("account.invoice", [], ["id"])
        (made,) = [row["id"] for row in rows if row["id"] not in before]
        await self._confirmed("model.account.invoice.post", [made])
        (row,) = await self._rows("account.invoice", [["id", "=", made]], ["move.number"])
        return str(row["move."]["number"])

    async def agrees_on_halves(self, name: str) -> None:
        """Terms by which a half is due at once and the rest in a month."""
        after = [["create", [{"months": 1, "weeks": 0, "days": 0}]]]
        half = {"type": "percent_on_total", "ratio": Decimal("0.5"), "divisor": Decimal(2)}
        rest = {"type": "remainder", "relativedeltas": after}
        values = {"name": name, "lines": [["create", [half, rest]]]}
        await self._write("model.account.invoice.payment_term.create", [values])

    async def defers(
        self, invoice: int, account: str, spans: Sequence[tuple[date, date]]
    ) -> list[dict[date, Decimal]]:
        """By Tryton's own module: each line of an invoice over its first and last day, from its
        revenue to an account and back. What each line then earns, by the first of each month."""
        (deferred,) = await self._rows(
            "account.account", [["code", "=", account], ["company", "=", self._company]], ["id"]
        )
        values = {"deferred_account_revenue": deferred["id"]}
        await self._write("model.account.configuration.write", [1], values)
        (journal, *_) = await self._rows("account.journal", [["type", "=", "revenue"]], ["id"])
        lines = await self._rows(
            "account.invoice.line", [["invoice", "=", invoice]], ["amount", "account"]
        )
        made = []
        for line, (first, last) in zip(lines, spans, strict=True):
            deferral = {
                "company": self._company,
                "type": "out",
                "journal": journal["id"],
                "invoice_line": line["id"],
                "amount": line["amount"],
                "start_date": first,
                "end_date": last,
            }
            (run,) = await self._write("model.account.invoice.deferred.create", [deferral])
            await self._write("model.account.invoice.deferred.run", [run])
            earned = [
                ["move.origin", "=", f"account.invoice.deferred,{run}"],
                ["account", "=", line["account"]],
                ["credit", ">", Decimal(0)],
            ]
            rows = await self._rows("account.move.line", earned, ["date", "credit"])
            made.append({row["date"]: row["credit"] for row in rows})
        return made

    async def books(self, on: date, text: str, customer: str, **amounts: str) -> str:
        """An entry; debits above nought: a6500="10.00", a1100="-10.00". Its number."""
        codes = [name[1:] for name in amounts]
        accounts = {
            row["code"]: row
            for row in await self._rows(
                "account.account",
                [["code", "in", codes], ["company", "=", self._company]],
                ["code", "party_required"],
            )
        }
        (party,) = await self._rows("party.party", [["code", "=", customer]], ["id"])
        (period,) = await self._rows(
            "account.period",
            [
                ["start_date", "<=", on],
                ["end_date", ">=", on],
                ["company", "=", self._company],
                ["type", "=", "standard"],
            ],
            ["id"],
        )
        (journal, *_) = await self._rows("account.journal", [["type", "=", "general"]], ["id"])
        lines = []
        for code, amount in zip(codes, amounts.values(), strict=True):
            value, account = Decimal(amount), accounts[code]
            lines.append(
                {
                    "account": account["id"],
                    "debit": max(value, Decimal(0)),
                    "credit": max(-value, Decimal(0)),
                    "party": party["id"] if account["party_required"] else None,
                }
            )
        values = {
            "company": self._company,
            "period": period["id"],
            "journal": journal["id"],
            "date": on,
            "description": text,
            "lines": [["create", lines]],
        }
        (made,) = await self._write("model.account.move.create", [values])
        await self._write("model.account.move.post", [made])
        (row,) = await self._rows("account.move", [["id", "=", made]], ["number"])
        return str(row["number"])

    async def reconciles(self, invoice: int, number: str) -> None:
        """An invoice's receivable with that of an entry that closes it."""
        (row,) = await self._rows("account.invoice", [["id", "=", invoice]], ["lines_to_pay"])
        others = await self._rows(
            "account.move.line",
            [["move.number", "=", number], ["account.code", "=", "1100"]],
            ["id"],
        )
        ids = [*row["lines_to_pay"], *(one["id"] for one in others)]
        await self._wizard("account.move.reconcile_lines", "account.move.line", ids, [])

    # ------------------------------------------------------------ parts

    async def _method(self) -> int:
        model = "account.invoice.payment.method"
        mine = [["company", "=", self._company]]
        if known := await self._rows(model, mine, ["id"]):
            return int(known[0]["id"])
        (bank,) = await self._rows(
            "account.account", [["code", "=", "1000"], ["company", "=", self._company]], ["id"]
        )
        (journal, *_) = await self._rows("account.journal", [["type", "=", "cash"]], ["id"])
        values = {
            "company": self._company,
            "name": "Bank",
            "journal": journal["id"],
            "credit_account": bank["id"],
            "debit_account": bank["id"],
        }
        (made,) = await self._write(f"model.{model}.create", [values])
        return int(made)

    async def _wizard(
        self, name: str, model: str, ids: list[int], steps: list[tuple[str, dict[str, Any]]]
    ) -> None:
        context = {"active_model": model, "active_ids": ids, "active_id": ids[0]}
        run, state, _ = await self._write(f"wizard.{name}.create", **context)
        shown = await self._write(f"wizard.{name}.execute", run, {}, state, **context)
        for step, data in steps:
            if isinstance(shown, dict) and "view" not in shown and shown.get("actions") is None:
                break
            shown = await self._write(f"wizard.{name}.execute", run, data, step, **context)
        await self._write(f"wizard.{name}.delete", run, **context)

    async def _confirmed(self, method: str, *arguments: Any) -> None:
        """A person reads what Tryton warns of, and goes on."""
        for _ in range(4):
            try:
                await self._write(method, *arguments)
            except StepRejected as refusal:
                warning = refusal.evidence.get("warning", "")
                if not warning:
                    raise
                await self._write("model.res.user.warning.skip", warning, False)
            else:
                return
        raise AssertionError("warned again and again")

    async def _rows(self, model: str, domain: list[Any], fields: list[str]) -> list[Row]:
        return await self._rpc.search_read(
            model, domain, fields, context={"company": self._company, "companies": [self._company]}
        )

    async def _write(self, method: str, *arguments: Any, **context: Any) -> Any:
        whole = {"company": self._company, "companies": [self._company], **context}
        return await self._rpc.write(method, *arguments, context=whole, case_kind="erp.rejected")
