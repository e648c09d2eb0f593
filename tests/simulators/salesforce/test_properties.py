"""Salesforce simulator: any order of calls keeps unique keys unique and deleted rows deleted.

The model beside it is a dictionary and knows three rules: a key is had by one row that is not
deleted (in any case for one object, exactly so for the other), a deleted account takes its contacts
along, and what is deleted answers queryAll only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.jsonio import dumps
from dealthread.simulators.salesforce.org import Org
from dealthread.simulators.salesforce.rest.request import RestAnswer, RestRequest, split_target

BASE = "/services/data/v66.0"
ACCOUNT, OUTBOX, CONTACT = "Account", "Dealthread_Outbox__c", "Contact"
KEYS = {ACCOUNT: "Dealthread_Customer_Key__c", OUTBOX: "Dealthread_Event_Id__c"}
EXACT = {ACCOUNT}
"""Objects whose key tells cases apart."""

keys = st.sampled_from(["a", "A", "ab", "aB", "AB", "b", None])
objects = st.sampled_from([ACCOUNT, OUTBOX])


@dataclass
class Kept:
    """What the model knows of a row."""

    sobject: str
    key: str | None = None
    parent: str | None = None
    is_deleted: bool = False

    def has(self, sobject: str, key: str) -> bool:
        if self.is_deleted or self.sobject != sobject or self.key is None:
            return False
        return self.key == key if sobject in EXACT else self.key.lower() == key.lower()


class UniqueAndDeleted(RuleBasedStateMachine):
    """Creates, changes, upserts and deletes, in any order."""

    rows = Bundle("rows")

    @initialize()
    def start(self) -> None:
        config = SalesforceConfig("00D5i0000000001EAA", "client", "secret", multicurrency=False)
        self.org = Org(config)
        self.model: dict[str, Kept] = {}

    # ------------------------------------------------------------ calls

    def call(self, method: str, path: str, body: Any = None) -> RestAnswer:
        """One call, past the wire but through the REST surface."""
        base, segments, query = split_target(BASE + path)
        raw = b"" if body is None else json.dumps(body).encode()
        try:
            return self.org.api.handle(RestRequest(method, base, segments, query, {}, raw_body=raw))
        except SalesforceError as exc:
            return RestAnswer(exc.status, exc.as_rest())

    def code(self, answer: RestAnswer) -> str:
        return str(answer.body[0]["errorCode"])

    def query(self, resource: str, soql: str) -> list[dict[str, Any]]:
        answer = self.call("GET", f"/{resource}?q={soql.replace(' ', '+')}")
        assert answer.status == 200, answer.body
        records: list[dict[str, Any]] = json.loads(dumps(answer.body))["records"]
        return records

    # ------------------------------------------------------------ the model

    def owner(self, sobject: str, key: str | None) -> str | None:
        """The id of the live row that has a key."""
        if key is None:
            return None
        return next((one for one, row in self.model.items() if row.has(sobject, key)), None)

    def forget(self, record_id: str) -> None:
        """Delete, with what hangs from it."""
        self.model[record_id].is_deleted = True
        for row in self.model.values():
            if row.parent == record_id:
                row.is_deleted = True

    # ------------------------------------------------------------ rules

    @rule(target=rows, sobject=objects, key=keys)
    def create(self, sobject: str, key: str | None) -> Any:
        answer = self.call("POST", f"/sobjects/{sobject}", self.body(sobject, key))
        if self.owner(sobject, key) is not None:
            assert (answer.status, self.code(answer)) == (400, "DUPLICATE_VALUE")
            return multiple()
        assert answer.status == 201, answer.body
        return self.keep(answer.body["id"], Kept(sobject, key))

    @rule(
        target=rows,
        sobject=objects,
        given=st.lists(keys, min_size=1, max_size=4),
        whole=st.booleans(),
    )
    def create_several(self, sobject: str, given: list[str | None], whole: bool) -> Any:
        records = [{"attributes": {"type": sobject}, **self.body(sobject, key)} for key in given]
        body = {"records": records, "allOrNone": whole}
        results = self.call("POST", "/composite/sobjects", body).body
        before, expected = dict(self.model), []
        for number, key in enumerate(given):
            is_new = self.owner(sobject, key) is None
            expected.append(is_new)
            if is_new:
                self.model[f"pending {number}"] = Kept(sobject, key)
        self.model = before
        done = expected if not whole or all(expected) else [False] * len(given)
        assert [one["success"] for one in results] == done
        return multiple(
            *(
                self.keep(result["id"], Kept(sobject, key))
                for key, result in zip(given, results, strict=True)
                if result["success"]
            )
        )

    @rule(target=rows, sobject=objects, key=keys.filter(bool), update_only=st.booleans())
    def upsert(self, sobject: str, key: str, update_only: bool) -> Any:
        path = f"/sobjects/{sobject}/{KEYS[sobject]}/{key}?updateOnly={str(update_only).lower()}"
        answer = self.call("PATCH", path, self.body(sobject, None))
        owner = self.owner(sobject, key)
        if owner is not None:
            assert (answer.status, answer.body["id"], answer.body["created"]) == (200, owner, False)
            return multiple()
        if update_only:
            assert (answer.status, self.code(answer)) == (404, "NOT_FOUND")
            return multiple()
        assert (answer.status, answer.body["created"]) == (201, True)
        return self.keep(answer.body["id"], Kept(sobject, key))

    @rule(record_id=rows, key=keys)
    def change_key(self, record_id: str, key: str | None) -> None:
        row = self.model[record_id]
        if row.sobject == CONTACT:
            return
        path = f"/sobjects/{row.sobject}/{record_id}"
        answer = self.call("PATCH", path, {KEYS[row.sobject]: key})
        owner = self.owner(row.sobject, key)
        if row.is_deleted:
            assert (answer.status, self.code(answer)) == (404, "ENTITY_IS_DELETED")
        elif owner is not None and owner != record_id:
            assert (answer.status, self.code(answer)) == (400, "DUPLICATE_VALUE")
        else:
            assert answer.status == 204, answer.body
            row.key = key

    @rule(target=rows, record_id=rows)
    def add_contact(self, record_id: str) -> Any:
        row = self.model[record_id]
        if row.sobject != ACCOUNT:
            return multiple()
        body = {"LastName": "Kim", "AccountId": record_id}
        answer = self.call("POST", "/sobjects/Contact", body)
        if row.is_deleted:
            assert (answer.status, self.code(answer)) == (400, "ENTITY_IS_DELETED")
            return multiple()
        return self.keep(answer.body["id"], Kept(CONTACT, parent=record_id))

    @rule(record_id=rows)
    def delete(self, record_id: str) -> None:
        row = self.model[record_id]
        answer = self.call("DELETE", f"/sobjects/{row.sobject}/{record_id}")
        if row.is_deleted:
            assert (answer.status, self.code(answer)) == (404, "ENTITY_IS_DELETED")
        else:
            assert answer.status == 204
            self.forget(record_id)

    @rule(record_id=consumes(rows))
    def delete_twice(self, record_id: str) -> None:
        self.delete(record_id)
        self.delete(record_id)

    @rule(sobject=objects, key=keys.filter(bool))
    def delete_by_key(self, sobject: str, key: str) -> None:
        owner = self.owner(sobject, key)
        answer = self.call("DELETE", f"/sobjects/{sobject}/{KEYS[sobject]}/{key}")
        if owner is None:
            assert (answer.status, self.code(answer)) == (404, "NOT_FOUND")
        else:
            assert answer.status == 204
            self.forget(owner)

    @rule(sobject=objects, key=keys.filter(bool))
    def read_by_key(self, sobject: str, key: str) -> None:
        owner = self.owner(sobject, key)
        answer = self.call("GET", f"/sobjects/{sobject}/{KEYS[sobject]}/{key}")
        if owner is None:
            assert (answer.status, self.code(answer)) == (404, "NOT_FOUND")
        else:
            assert (answer.status, answer.body["Id"]) == (200, owner)

    # ------------------------------------------------------------ what always holds

    @invariant()
    @precondition(lambda self: hasattr(self, "org"))
    def queries_see_live_rows_and_query_all_sees_every_row(self) -> None:
        for sobject in (*KEYS, CONTACT):
            own = {one: row for one, row in self.model.items() if row.sobject == sobject}
            live = {one for one, row in own.items() if not row.is_deleted}
            assert {row["Id"] for row in self.query("query", f"SELECT Id FROM {sobject}")} == live  # noqa: S608
            every = self.query("queryAll", f"SELECT Id, IsDeleted FROM {sobject}")  # noqa: S608
            assert {row["Id"]: row["IsDeleted"] for row in every} == {
                one: row.is_deleted for one, row in own.items()
            }

    @invariant()
    @precondition(lambda self: hasattr(self, "org"))
    def no_two_live_rows_share_a_key(self) -> None:
        for sobject, field in KEYS.items():
            soql = f"SELECT {field} FROM {sobject} WHERE {field} != null"  # noqa: S608
            found = [row[field] for row in self.query("query", soql)]
            folded = found if sobject in EXACT else [key.lower() for key in found]
            assert len(set(folded)) == len(found)

    # ------------------------------------------------------------ helpers

    @staticmethod
    def body(sobject: str, key: str | None) -> dict[str, Any]:
        fields = {"Name": "Account"} if sobject == ACCOUNT else {}
        return fields if key is None else {**fields, KEYS[sobject]: key}

    def keep(self, record_id: str, row: Kept) -> str:
        assert len(record_id) == 18
        assert record_id not in self.model
        self.model[record_id] = row
        return record_id


TestUniqueAndDeleted = UniqueAndDeleted.TestCase
TestUniqueAndDeleted.settings = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
