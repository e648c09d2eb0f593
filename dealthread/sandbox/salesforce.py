"""A Salesforce org as a person with a client sees it: simple-salesforce in direct mode.

Independent of the product's own adapter, so that a mistake there does not hide here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, TypeVar

from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from dealthread.sandbox.errors import SandboxError
from dealthread.sandbox.loopback import loopback_session
from dealthread.stack.info import StackInfo

T = TypeVar("T")
Record = dict[str, Any]

COLLECTION_SIZE = 200
"""Records in one call (REST guide, "sObject Collections")."""
NAMES_IN_QUERY = 50
"""Keeps a query's address below the 16,384 characters that Salesforce takes."""
WON = "Closed Won"
OPEN = "Negotiation/Review"


class SalesforceOrg:
    """Reads and writes records. Numbers go and come as exact decimals."""

    def __init__(self, stack: StackInfo) -> None:
        self.org_id = stack.salesforce_org_id
        session = loopback_session()
        answer = session.post(
            f"{stack.urls.salesforce}/services/oauth2/token",
            data={
                "grant_type": "client_credentials",
                "client_id": stack.credentials.salesforce_client_id,
                "client_secret": stack.credentials.salesforce_client_secret,
            },
        )
        if answer.status_code != 200:
            raise SandboxError(f"Salesforce refused the sign-in ({answer.status_code})")
        self._client = Salesforce(
            session_id=answer.json()["access_token"],
            instance_url=stack.urls.salesforce,
            version=stack.salesforce_api_version,
            session=session,
            parse_float=Decimal,
            object_pairs_hook=dict,
        )
        self._session = session

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def query(self, soql: str) -> list[Record]:
        """All records of a query, every page of it."""
        try:
            rows: list[Record] = self._client.query_all(soql)["records"]
        except SalesforceError as refusal:
            raise _refused("query", refusal) from None
        return rows

    def create(self, sobject: str, values: Mapping[str, object]) -> str:
        """Create one record; its id."""
        answer = self._send(f"sobjects/{sobject}/", "POST", values)
        return str(answer["id"])

    def update(self, sobject: str, record_id: str, values: Mapping[str, object]) -> None:
        """Change one record."""
        self._send(f"sobjects/{sobject}/{record_id}", "PATCH", values)

    def create_all(self, sobject: str, records: Iterable[Mapping[str, object]]) -> list[str]:
        """Create many; their ids in order. A collection with one bad record creates none."""
        return self._collections("composite/sobjects", "POST", sobject, records)

    def update_all(self, sobject: str, records: Iterable[Mapping[str, object]]) -> list[str]:
        """Change many, each with its `Id`."""
        return self._collections("composite/sobjects", "PATCH", sobject, records)

    def upsert_all(
        self, sobject: str, key: str, records: Iterable[Mapping[str, object]]
    ) -> list[str]:
        """Create or change many by an external id."""
        return self._collections(f"composite/sobjects/{sobject}/{key}", "PATCH", sobject, records)

    def ids_by(self, sobject: str, field: str, values: Sequence[str]) -> dict[str, str]:
        """Value of a field → record id, for the values that exist. The oldest record wins."""
        found: dict[str, str] = {}
        for chunk in chunks(dict.fromkeys(values), NAMES_IN_QUERY):
            names = ", ".join(quoted(value) for value in chunk)
            # Field and object are literals of this package; values are escaped.
            soql = f"SELECT Id, {field} FROM {sobject} WHERE {field} IN ({names}) ORDER BY Id"  # noqa: S608
            for row in self.query(soql):
                found.setdefault(str(row[field]), str(row["Id"]))
        return found

    def _collections(
        self, path: str, method: str, sobject: str, records: Iterable[Mapping[str, object]]
    ) -> list[str]:
        ids: list[str] = []
        for chunk in chunks(records, COLLECTION_SIZE):
            body = {
                "allOrNone": True,
                "records": [{"attributes": {"type": sobject}, **record} for record in chunk],
            }
            for result in self._send(path, method, body):
                if not result["success"]:
                    codes = ", ".join(
                        f"{error['statusCode']} {error['message']}" for error in result["errors"]
                    )
                    raise SandboxError(f"Salesforce refused a {sobject}: {codes}")
                ids.append(str(result["id"]))
        return ids

    def _send(self, path: str, method: str, body: Mapping[str, object]) -> Any:
        try:
            return self._client.restful(path, method=method, data=exact_json(body).encode())
        except SalesforceError as refusal:
            raise _refused(path, refusal) from None


def quoted(value: str) -> str:
    """A SOQL string literal."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def exact_json(value: object) -> str:
    """JSON with Decimals as exact numbers; `json` could write them only as binary floats."""
    match value:
        case float():
            raise TypeError("a binary float is never sent")
        case Decimal():
            return f"{value:f}"
        case date():
            return json.dumps(value.isoformat())
        case Mapping():
            inner = (f"{json.dumps(str(name))}: {exact_json(item)}" for name, item in value.items())
            return "{" + ", ".join(inner) + "}"
        case list() | tuple():
            return "[" + ", ".join(exact_json(item) for item in value) + "]"
    return json.dumps(value)


def chunks(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`."""
    remaining = iter(items)
    while chunk := list(islice(remaining, size)):
        yield chunk


def _refused(what: str, refusal: SalesforceError) -> SandboxError:
    return SandboxError(f"Salesforce refused {what}: {refusal.content!r}")
