"""One answer for whoever helps a customer, from our own store: no system is asked."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel

from dealthread.bridge.access import READ, requires
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.ordering import business_now
from dealthread.bridge.problems import Unanswered, problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.contract import ContractState
from dealthread.domain.documents import EntitlementState, Grant
from dealthread.domain.dunning import PursuitState
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.settings import Principal
from dealthread.store.customer_reading import CustomerReading, CustomerSnapshot, OwnContract

router = APIRouter(prefix="/v1/customers", tags=["customers"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Reader = Annotated[Principal, Depends(requires(READ))]
MOST_PURSUITS = 1000


class ContractOfCustomer(BaseModel):
    """A contract as it stands here."""

    contract_key: str
    state: ContractState
    seller: str
    version: int
    start_date: date
    end_date: date | None
    """First day not served."""
    value: Money
    """Net of the committed term."""
    changes: list[str]
    """Business keys of changes that have not ended."""
    differences: int | None
    """Fields that systems told otherwise when they were last compared; None: never compared."""
    compared_at: AwareDatetime | None
    as_of: AwareDatetime
    """When it last changed here."""


class InvoiceOfCustomer(BaseModel):
    """An invoice as the biller had it."""

    number: str
    invoice_id: str
    billing_account: str
    contract_key: str
    status: InvoiceStatus
    issue_date: date | None
    due_date: date | None
    gross: Money
    open: Money
    is_overdue: bool
    as_of: AwareDatetime
    """When it was last read."""


class PursuitOfCustomer(BaseModel):
    """An overdue invoice that is pursued."""

    invoice_number: str
    contract_key: str
    amount_due: Money
    due_date: date
    state: PursuitState
    stage: int
    suspended: bool
    promised_until: date | None
    as_of: AwareDatetime


class CaseOfCustomer(BaseModel):
    """What waits for a person."""

    case_id: str
    kind: str
    queue: str
    contract_key: str
    summary: str
    next_step: str
    decide_by: AwareDatetime
    as_of: AwareDatetime
    """When it was opened."""


class EntitlementOfCustomer(BaseModel):
    """What the entitlement service answered last."""

    contract_key: str
    state: EntitlementState
    grants: list[Grant]
    holds: list[str]
    as_of: AwareDatetime


class CustomerView(BaseModel):
    """All about a customer. Each part says as of when it is true: other systems own what it says,
    and none of them was asked for this answer."""

    customer_key: str
    name: str
    answered_at: AwareDatetime
    open_amounts: list[Money]
    """What is left to pay, by currency."""
    contracts: list[ContractOfCustomer]
    invoices: list[InvoiceOfCustomer]
    invoices_left_off: int
    """Older ones with nothing open."""
    collections: list[PursuitOfCustomer]
    cases: list[CaseOfCustomer]
    entitlements: list[EntitlementOfCustomer]
    notes: list[str]
    """What the answer does not hold, and why."""


@router.get("/{customer_key}")
async def customer(customer_key: str, held: Held, _: Reader) -> CustomerView:
    """Contracts, invoices with what is open, collections, open cases, entitlements."""
    offset = held.settings.business_offset_seconds
    reading = CustomerReading(held.engine, timedelta(seconds=offset))
    snapshot = await reading.snapshot(customer_key)
    if snapshot is None:
        action = "give the customer's key as `dealthread show` tells it of a deal or contract"
        raise Unanswered(problem(404, "customer_not_found", field="customer_key", action=action))
    now = business_now(held)
    pursued = await held.pursuits.listing(
        customer_key=customer_key, closed=False, limit=MOST_PURSUITS
    )
    return CustomerView(
        customer_key=customer_key,
        name=snapshot.name,
        answered_at=now,
        open_amounts=_open(snapshot),
        contracts=[_contract(one) for one in snapshot.contracts],
        invoices=_invoices(snapshot, now.date()),
        invoices_left_off=snapshot.bills_left_off,
        collections=[
            PursuitOfCustomer(
                invoice_number=one.invoice_number,
                contract_key=one.contract_key,
                amount_due=one.amount_due,
                due_date=one.due_date,
                state=one.state,
                stage=one.stage,
                suspended=one.suspended,
                promised_until=one.promised_until,
                as_of=one.changed_at,
            )
            for one in pursued
        ],
        cases=[
            CaseOfCustomer(
                case_id=one.case_id,
                kind=one.kind,
                queue=one.queue,
                contract_key=one.contract_key,
                summary=one.summary,
                next_step=one.next_step or f"dealthread cases show {one.case_id}",
                decide_by=one.decide_by,
                as_of=one.opened_at,
            )
            for one in snapshot.cases
        ],
        entitlements=[
            EntitlementOfCustomer(
                contract_key=one.contract_key,
                state=one.entitlement.state,
                grants=list(one.entitlement.grants),
                holds=list(one.entitlement.holds),
                as_of=one.answered_at,
            )
            for one in snapshot.entitlements
        ],
        notes=_notes(held),
    )


def _contract(own: OwnContract) -> ContractOfCustomer:
    contract, checked = own.contract, own.checked
    return ContractOfCustomer(
        contract_key=contract.key,
        state=own.state,
        seller=contract.seller,
        version=contract.version,
        start_date=contract.start_date,
        end_date=contract.end_date,
        value=contract.tcv(),
        changes=list(own.changes),
        differences=len(checked.finding.differences) if checked is not None else None,
        compared_at=checked.checked_at if checked is not None else None,
        as_of=own.changed_at,
    )


def _invoices(snapshot: CustomerSnapshot, today: date) -> list[InvoiceOfCustomer]:
    return [
        InvoiceOfCustomer(
            number=bill.number,
            invoice_id=bill.ref.native_id,
            billing_account=bill.ref.account,
            contract_key=bill.contract_key,
            status=bill.status,
            issue_date=bill.issue_date,
            due_date=bill.due_date,
            gross=bill.gross,
            open=_left(bill.status, bill.payable),
            is_overdue=bill.due_date is not None
            and bill.due_date < today
            and bool(_left(bill.status, bill.payable).amount),
            as_of=read_at,
        )
        for bill, read_at in ((one.bill, one.read_at) for one in snapshot.bills)
    ]


def _left(status: InvoiceStatus, payable: Money) -> Money:
    """A draft asks for nothing yet."""
    return Money.zero(payable.currency) if status is InvoiceStatus.DRAFT else payable


def _open(snapshot: CustomerSnapshot) -> list[Money]:
    sums: dict[str, list[Money]] = defaultdict(list)
    for own in snapshot.bills:
        sums[own.bill.currency].append(_left(own.bill.status, own.bill.payable))
    found = [Money.total(parts, currency) for currency, parts in sorted(sums.items())]
    return [one for one in found if one.amount]


def _notes(held: Resources) -> list[str]:
    if held.settings.invoice_to_cash:
        return []
    return [
        "invoice to cash is switched off (DEALTHREAD_INVOICE_TO_CASH): invoices and payments since "
        "then are not in this answer"
    ]
