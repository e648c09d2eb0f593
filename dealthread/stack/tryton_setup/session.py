"""A small synchronous JSON-RPC session for the set-up of a fresh Tryton.

Wire format: https://docs.tryton.org/latest/server/topics/ and measured on 8.2. The product's own
client, with error classes and look-ups, is the adapter; the set-up runs once against an empty
ledger on this machine and simply stops at the first error.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import httpx

from dealthread.stack.errors import StackError

_MEND = "make clean, then make up; the message above says what Tryton refused"


class SetupSession:
    """Logged in as one user of one database."""

    def __init__(self, url: str, database: str, login: str, password: str) -> None:
        self._http = httpx.Client(base_url=url, timeout=60, trust_env=False)
        self._path = f"/{database}/rpc/"
        user, token, _ = self._call("common.db.login", [login, {"password": password}, "en"])
        key = base64.b64encode(f"{login}:{user}:{token}".encode()).decode()
        self._http.headers["Authorization"] = f"Session {key}"
        self.user_id = int(user)

    def close(self) -> None:
        self._http.close()

    def call(self, method: str, *arguments: Any, company: int | None = None) -> Any:
        """Call `model.<name>.<method>`; the context is the last parameter, always."""
        context = {} if company is None else {"company": company}
        return self._call(method, [*arguments, context])

    def create(self, model: str, values: Mapping[str, Any], *, company: int | None = None) -> int:
        """Create one record; returns its id."""
        return int(self.call(f"model.{model}.create", [values], company=company)[0])

    def create_many(
        self, model: str, rows: Sequence[Mapping[str, Any]], *, company: int | None = None
    ) -> list[int]:
        """Create several records in one transaction; returns their ids in order."""
        if not rows:
            return []
        ids = self.call(f"model.{model}.create", list(rows), company=company)
        return [int(item) for item in ids]

    def write(
        self, model: str, record: int, values: Mapping[str, Any], *, company: int | None = None
    ) -> None:
        self.call(f"model.{model}.write", [record], values, company=company)

    def ids(self, model: str, domain: Sequence[Any], *, company: int | None = None) -> list[int]:
        """Ids of the records that match, in Tryton's order."""
        found = self.call(f"model.{model}.search", domain, 0, None, None, company=company)
        return [int(item) for item in found]

    def one(self, model: str, domain: Sequence[Any], *, company: int | None = None) -> int:
        """The one record that matches; anything else stops the set-up."""
        found = self.ids(model, domain, company=company)
        if len(found) != 1:
            raise StackError(f"{len(found)} records of {model} match {domain!r}, not one", _MEND)
        return found[0]

    def known(self, module: str, name: str) -> int:
        """Id of a record that a module's own data files define."""
        return int(self.call("model.ir.model.data.get_id", module, name))

    def _call(self, method: str, params: Sequence[Any]) -> Any:
        body = {"id": 0, "method": method, "params": [encode(item) for item in params]}
        try:
            answer = self._http.post(self._path, json=body)
        except httpx.HTTPError as failure:
            raise StackError(f"Tryton did not answer {method}: {failure!r}", _MEND) from failure
        if answer.status_code != httpx.codes.OK:
            raise StackError(f"Tryton answered {answer.status_code} to {method}", _MEND)
        document = answer.json()
        if "error" in document:
            raise StackError(f"Tryton refused {method}: {document['error']!r}", _MEND)
        return document.get("result")


def encode(value: Any) -> Any:
    """Tryton's JSON form of dates and decimals; containers are walked."""
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    if isinstance(value, Mapping):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    return value
