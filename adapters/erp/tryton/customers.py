"""Customers: one party per customer key, shared by all companies.

A company has the customer when its receivables account is set for that company. Creation is one
RPC for party, address, tax identifiers, account, terms and parent, so a lost answer leaves all of
it or nothing.
"""

from __future__ import annotations

import asyncio
from typing import Any

from adapters.erp.tryton.company import Companies
from adapters.erp.tryton.operation import Operation, conclude
from adapters.erp.tryton.party import (
    Terms,
    address_values,
    changed_fields,
    find_party,
    named_fields,
    new_party,
)
from adapters.erp.tryton.rpc import Row, TrytonRpc
from adapters.erp.tryton.settings import TrytonSettings
from dealthread.domain.customer_field import CustomerField
from dealthread.domain.documents import ErpCustomer
from dealthread.errors import ContractDrift, StepRejected
from dealthread.outcome import Outcome
from dealthread.ports.erp import OnboardErpCustomer
from dealthread.ports.noting import NoteFields, NoteMaking, unnoted, unsaid

SYNC_FAILED = "customer.sync_failed"


class TrytonCustomers:
    """Customer half of the ERP port."""

    def __init__(self, settings: TrytonSettings, rpc: TrytonRpc, companies: Companies) -> None:
        self._settings = settings
        self._rpc = rpc
        self._companies = companies
        self._relation_type: int | None = None

    async def find(self, company: str, customer_key: str) -> ErpCustomer | None:
        """The customer at this company, or None while it has no receivables account there."""
        operation = await self._operation(company)
        row = await find_party(operation, customer_key)
        if row is None or row["account_receivable"] is None:
            return None
        relations = await self._parents(operation, row["id"])
        return self._customer(company, customer_key, row, relations)

    async def ensure(
        self,
        command: OnboardErpCustomer,
        existing: ErpCustomer | None = None,
        note: NoteFields = unnoted,
        making: NoteMaking = unsaid,
    ) -> Outcome[ErpCustomer]:
        """Create the customer, or bring the one with this key up to date."""

        async def work(operation: Operation) -> ErpCustomer:
            present = await find_party(operation, command.customer_key)
            if existing is not None and (
                present is None or str(present["id"]) != existing.ref.native_id
            ):
                raise StepRejected(
                    "customer_replaced",
                    case_kind=SYNC_FAILED,
                    field="customer_key",
                    customer=str(existing.ref),
                )
            parent = await self._ensure_parent(operation, command)
            address, terms = await asyncio.gather(
                address_values(operation, command.party.billing_address),
                self._terms(operation, command.payment_terms),
            )
            created = present is None
            if present is None:
                await making()
                present = await self._create(operation, command, address, terms, parent)
            values = changed_fields(present, command.party, address, terms)
            parents = await self._parents(operation, present["id"])
            fields = named_fields(values, present)
            if [row["to"] for row in parents] != ([] if parent is None else [parent]):
                fields |= {CustomerField.HIERARCHY}
            if fields and not created:
                await note(fields)
            if values:
                await self._write(operation, present, values)
            await self._place(operation, present["id"], parents, parent)
            return await self._read_back(operation, command, created=created)

        return await self._run(command.company, work)

    async def retire(self, customer: ErpCustomer) -> Outcome[ErpCustomer]:
        """Set inactive, unless a document or a subsidiary still points to the customer."""
        company = self._companies.of(customer.ref)

        async def work(operation: Operation) -> ErpCustomer:
            present = await find_party(operation, customer.customer_key)
            if present is None:
                return customer.model_copy(update={"active": False})
            if present["active"] and not await self._is_used(operation, present["id"]):
                await operation.write(
                    "model.party.party.write",
                    [present["id"]],
                    {"active": False},
                    _timestamp=_stamp(present),
                )
                present["active"] = False
            return customer.model_copy(update={"active": present["active"]})

        return await self._run(company, work)

    # ------------------------------------------------------------ steps

    async def _create(
        self,
        operation: Operation,
        command: OnboardErpCustomer,
        address: dict[str, Any],
        terms: Terms,
        parent: int | None,
    ) -> Row:
        values = new_party(command.customer_key, command.party, address, terms)
        if parent is not None:
            link = {"to": parent, "type": await self._type(operation)}
            values["relations"] = [["create", [link]]]
        refusal = None
        try:
            await operation.create("party.party", values)
        except StepRejected as failure:
            # Somebody was faster (the code is unique), or a task after the commit failed.
            refusal = failure
        row = await find_party(operation, command.customer_key)
        if row is None:
            raise refusal or ContractDrift("customer_not_readable")
        return row

    async def _write(self, operation: Operation, present: Row, values: Row) -> None:
        await operation.write(
            "model.party.party.write", [present["id"]], values, _timestamp=_stamp(present)
        )

    async def _ensure_parent(self, operation: Operation, command: OnboardErpCustomer) -> int | None:
        """Id of the parent's party, made when it is missing; None without a parent."""
        key = command.parent_customer_key
        if key is None:
            return None
        row = await find_party(operation, key)
        if row is not None:
            return int(row["id"])
        if command.parent is None:
            raise StepRejected(
                "parent_unknown", case_kind=SYNC_FAILED, field="parent_customer_key", parent=key
            )
        address = await address_values(operation, command.parent.billing_address)
        values = new_party(key, command.parent, address, None)
        return await operation.create("party.party", values)

    async def _place(
        self, operation: Operation, child: int, present: list[Row], parent: int | None
    ) -> None:
        """Exactly one relation to the parent; a changed parent moves the child."""
        if parent is None:
            if present:
                ids = [row["id"] for row in present]
                await operation.write("model.party.relation.all.delete", ids)
            return
        if not present:
            link = {"from_": child, "to": parent, "type": await self._type(operation)}
            await operation.create("party.relation.all", link)
            return
        keep = next((row for row in present if row["to"] == parent), present[0])
        spare = [row["id"] for row in present if row["id"] != keep["id"]]
        if spare:
            await operation.write("model.party.relation.all.delete", spare)
        if keep["to"] != parent:
            await operation.write("model.party.relation.all.write", [keep["id"]], {"to": parent})

    # ------------------------------------------------------------ reads

    async def _parents(self, operation: Operation, child: int) -> list[Row]:
        """Relations from the customer to its parent; `party.relation` itself is not exposed."""
        kind = await self._type(operation)
        domain = [["from_", "=", child], ["type", "=", kind]]
        return await operation.rows(
            "party.relation.all", domain, ["to"], order=[["id", "ASC"]], active_test=False
        )

    async def _type(self, operation: Operation) -> int:
        if self._relation_type is None:
            name = self._settings.parent_relation
            rows = await operation.rows("party.relation.type", [["name", "=", name]], ["name"])
            if not rows:
                raise StepRejected(
                    "relation_type_missing", case_kind=SYNC_FAILED, field="parent", relation=name
                )
            self._relation_type = int(rows[0]["id"])
        return self._relation_type

    async def _terms(self, operation: Operation, code: str) -> Terms:
        """Payment terms by code, and the company's own control account for receivables."""
        rows, configuration = await asyncio.gather(
            operation.rows("account.invoice.payment_term", [["name", "=", code]], ["name"]),
            operation.read("model.account.configuration.read", [1], ["default_account_receivable"]),
        )
        if not rows:
            raise StepRejected(
                "payment_terms_unknown", case_kind=SYNC_FAILED, field="payment_terms", terms=code
            )
        receivable = configuration[0]["default_account_receivable"]
        if receivable is None:
            raise StepRejected(
                "no_receivables_account", case_kind=SYNC_FAILED, field="account_receivable"
            )
        return Terms(payment_term=int(rows[0]["id"]), receivable=int(receivable))

    async def _is_used(self, operation: Operation, party: int) -> bool:
        """Documents at any company, or subsidiaries that are still active."""
        kind = await self._type(operation)
        sales, invoices, children = await asyncio.gather(
            operation.rows(
                "sale.sale", [["party", "=", party], ["state", "!=", "cancelled"]], ["id"], limit=1
            ),
            operation.rows(
                "account.invoice",
                [["party", "=", party], ["state", "!=", "cancelled"]],
                ["id"],
                limit=1,
            ),
            operation.rows(
                "party.relation.all",
                [["to", "=", party], ["type", "=", kind], ["from_.active", "=", True]],
                ["id"],
                limit=1,
            ),
        )
        return bool(sales or invoices or children)

    async def _read_back(
        self, operation: Operation, command: OnboardErpCustomer, *, created: bool
    ) -> ErpCustomer:
        row = await find_party(operation, command.customer_key)
        if row is None:
            raise ContractDrift("customer_not_readable")
        relations = await self._parents(operation, row["id"])
        customer = self._customer(command.company, command.customer_key, row, relations)
        return customer.model_copy(update={"created": created})

    def _customer(
        self, company: str, customer_key: str, row: Row, relations: list[Row]
    ) -> ErpCustomer:
        parent = relations[0]["to"] if relations else None
        return ErpCustomer(
            ref=self._companies.ref(company, "customer", row["id"]),
            customer_key=customer_key,
            parent=self._companies.ref(company, "customer", parent) if parent else None,
            active=row["active"],
        )

    async def _operation(self, company: str) -> Operation:
        return Operation(self._rpc, await self._companies.context(company), SYNC_FAILED)

    async def _run(self, company: str, work: Any) -> Outcome[ErpCustomer]:
        operation = await self._operation(company)
        return await conclude(operation, work, self._settings.total_seconds)


def _stamp(row: Row) -> dict[str, Any]:
    """Context for Tryton's optimistic lock: refuse when somebody wrote since we read."""
    return {f"party.party,{row['id']}": row["_timestamp"]}
