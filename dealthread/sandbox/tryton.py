"""Reads from Tryton by its own JSON-RPC, independent of the product's adapter."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from dealthread.held_http import HoldsHttp
from dealthread.sandbox.errors import SandboxError
from dealthread.stack.info import StackInfo

Row = dict[str, Any]
SALE_FIELDS = (
    "reference",
    "number",
    "state",
    "party.code",
    "party.name",
    "company.party.name",
    "currency.code",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "description",
    "payment_term.name",
)
INVOICE_FIELDS = (
    "reference",
    "number",
    "state",
    "party.code",
    "currency.code",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "amount_to_pay",
)
LINE_FIELDS = ("sale", "product.code", "quantity", "amount")


class TrytonReader(HoldsHttp):
    """Reads only, as the user the product works as: its rights are the ones that matter."""

    def __init__(self, stack: StackInfo) -> None:
        settings = stack.tryton.settings
        self._user = settings["DEALTHREAD_TRYTON_USER"]
        self._password = settings["DEALTHREAD_TRYTON_PASSWORD"]
        self._url = f"{stack.urls.tryton_direct}/{stack.tryton.database}/rpc/"
        self._http = httpx.Client(timeout=30.0, trust_env=False)
        self._session = ""
        self._companies: list[int] = []

    def search_read(
        self,
        model: str,
        domain: Sequence[Any],
        fields: Sequence[str],
        company: int | None = None,
    ) -> list[Row]:
        """Records that match. Rows of a company are visible only in its context."""
        context: dict[str, Any] = {"active_test": False}
        if company is not None:
            context["company"] = company
        arguments = [list(domain), 0, None, [["id", "ASC"]], list(fields), context]
        rows: list[Row] = self._call(f"model.{model}.search_read", arguments)
        return rows

    def sales(self, domain: Sequence[Any] = ()) -> list[Row]:
        """Sale orders of every company."""
        return self._of_companies("sale.sale", "company", domain, SALE_FIELDS)

    def invoices(self, domain: Sequence[Any] = ()) -> list[Row]:
        """Customer invoices and credit memos of every company that are posted; `reference` is the
        biller's number, and the amounts of a credit memo are negative."""
        posted = [["type", "=", "out"], ["state", "in", ["posted", "paid"]], *domain]
        return self._of_companies("account.invoice", "company", posted, INVOICE_FIELDS)

    def sale_lines(self, domain: Sequence[Any] = ()) -> list[Row]:
        """Lines of the sale orders of every company; `sale` is the order's id."""
        return self._of_companies("sale.line", "sale.company", domain, LINE_FIELDS)

    def _of_companies(
        self, model: str, company_field: str, domain: Sequence[Any], fields: tuple[str, ...]
    ) -> list[Row]:
        if not self._companies:
            rows = self.search_read("company.company", [], ["id"])
            self._companies = [int(row["id"]) for row in rows]
        return [
            _flat(row, fields)
            for company in self._companies
            for row in self.search_read(
                model, [[company_field, "=", company], *domain], fields, company
            )
        ]

    def parties(self, code: str) -> list[Row]:
        """Parties with a customer key, inactive ones too."""
        return self.search_read("party.party", [["code", "=", code]], ["code", "name", "active"])

    def parents(self, code: str) -> list[str]:
        """Names of the parties that a customer belongs to."""
        rows = self.search_read(
            "party.relation.all",
            [["from_.code", "=", code], ["type.name", "=", "Subsidiary of"]],
            ["to.name"],
        )
        return [str(_flat(row, ("to.name",))["to.name"]) for row in rows]

    def _call(self, method: str, arguments: list[Any]) -> Any:
        if not self._session:
            self._login()
        answer = self._post(method, arguments)
        if "error" in answer:
            raise SandboxError(f"Tryton refused {method}: {answer['error']}")
        return answer["result"]

    def _login(self) -> None:
        answer = self._post("common.db.login", [self._user, {"password": self._password}, "en"])
        if not answer.get("result"):
            raise SandboxError("Tryton refused the sign-in", "dealthread doctor")
        user_id, token, *_ = answer["result"]
        self._session = base64.b64encode(f"{self._user}:{user_id}:{token}".encode()).decode()

    def _post(self, method: str, arguments: list[Any]) -> Row:
        headers = {"Authorization": f"Session {self._session}"} if self._session else {}
        try:
            answer = self._http.post(
                self._url, json={"id": 1, "method": method, "params": arguments}, headers=headers
            )
        except httpx.TransportError as failure:
            raise SandboxError(
                f"Tryton does not answer ({type(failure).__name__})", "dealthread status"
            ) from None
        if answer.status_code != httpx.codes.OK:
            raise SandboxError(f"Tryton answered {answer.status_code} to {method}")
        body: Row = json.loads(answer.content, object_hook=_special, parse_float=Decimal)
        return body


def _special(item: Row) -> Any:
    match item.get("__class__"):
        case "Decimal":
            return Decimal(item["decimal"])
        case "date":
            return date(item["year"], item["month"], item["day"])
    return item


def _flat(row: Row, fields: Sequence[str]) -> Row:
    """Dotted fields as they were asked for; Tryton nests them under `party.` and so on."""
    flat: Row = {"id": row["id"]}
    for name in fields:
        value: Any = row
        parts = name.split(".")
        for depth, part in enumerate(parts):
            key = part if depth == len(parts) - 1 else f"{part}."
            value = value.get(key) if isinstance(value, dict) else None
        flat[name] = value
    return flat
