"""One owner per field: what this hub may write where, and proof for each write model.

The hub copies values in the direction of the table and never originates a commercial or
financial amount.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dealthread.domain.base import System
from dealthread.domain.ownership_table import OWNERSHIP, OwnedField

__all__ = [
    "OWNERSHIP",
    "WRITE_MODELS",
    "OwnedField",
    "WriteModel",
    "may_write",
    "refuse_foreign",
    "row",
    "unowned_fields",
]

_BY_FIELD = {entry.field: entry for entry in OWNERSHIP}
_BY_NO = {entry.no: entry for entry in OWNERSHIP}


def row(field_or_no: str | int) -> OwnedField:
    """A row by its field or number. Raises KeyError for what the table does not know."""
    return _BY_NO[field_or_no] if isinstance(field_or_no, int) else _BY_FIELD[field_or_no]


def may_write(system: System, field: str, *, creating: bool = False) -> bool:
    """Whether the hub may put the field into the system. An unknown field may not be written.

    `creating`: with a record that the hub makes there; fields the system then owns are given once.
    """
    entry = _BY_FIELD.get(field)
    if entry is None:
        return False
    return system in entry.hub_writes or (creating and system in entry.at_creation)


def refuse_foreign(system: System, fields: Iterable[str], *, creating: bool = False) -> list[str]:
    """Those of the fields that the hub must not write there, in their order."""
    return [field for field in fields if not may_write(system, field, creating=creating)]


@dataclass(frozen=True)
class WriteModel:
    """A command of a port: where it goes and which rows each of its fields carries.

    An empty tuple is a field that carries no value: it selects the record or steers the call.
    """

    system: System
    rows: dict[str, tuple[int, ...]]
    creating: bool = True


WRITE_MODELS: dict[str, WriteModel] = {
    "CrmWriteBack": WriteModel(
        System.CRM,
        {
            "deal_id": (),
            "account_id": (),
            "contract_key": (26,),
            "contract": (26, 27, 72),
            "status": (31,),
            "status_at": (74,),
            "sequence": (74,),
            "workflow_id": (74,),
            "customer_key": (26,),
            "subscription": (32,),
            "booking": (44, 60),
            "entitlement": (58,),
            "forecast_renewal": (70,),
            "renewal_price": (70,),
        },
    ),
    "CrmChange": WriteModel(
        System.CRM,
        {
            "contract": (26, 27, 30, 72),
            "change_id": (74,),
            "deal_id": (),
            "status": (31,),
            "change_status": (74,),
            "status_at": (74,),
            "sequence": (74,),
            # What the CRM itself asked for: it is told whether it happened, not when.
            "effective_from": (),
            "booking": (44, 60),
            "forecast_renewal": (70,),
            "renewal_price": (70,),
        },
    ),
    "InvoiceMirror": WriteModel(
        System.CRM,
        {
            "contract_key": (26,),
            "account_id": (),
            "invoice": (),
            "number": (39,),
            "status": (42,),
            "currency": (40,),
            "gross": (40,),
            # What the biller's status comes to in money and days.
            "remaining": (42,),
            "issue_date": (39,),
            "due_date": (40,),
            "paid_on": (42,),
            "document": (44,),
            "credits": (45,),
        },
    ),
    "CollectionsMirror": WriteModel(
        System.CRM,
        {
            "contract_key": (26,),
            "account_id": (),
            "invoice": (),
            "state": (54,),
            "stage": (54,),
            "suspended": (54,),
            "promised_until": (54,),
        },
    ),
    "OnboardBillingCustomer": WriteModel(
        System.BILLING,
        {
            "customer_key": (26,),
            "billing_account": (),
            "party": (1, 6, 7, 8, 9, 10),
            "parent_customer_key": (4,),
            "currency": (),
        },
    ),
    "StartAgreement": WriteModel(
        System.BILLING,
        {
            "contract": (11, 16, 18, 20, 23, 24, 26, 27, 34, 36),
            "customer": (),
            "hold_first_invoice": (),
        },
    ),
    "ChangeAgreement": WriteModel(
        System.BILLING,
        {
            "before": (),
            "after": (11, 16, 18, 20, 23, 24, 26, 27, 34, 36),
            "agreement": (),
            "effective_from": (29,),
            "charge_lines": (),
            "credits": (34,),
            "refund": (),
        },
    ),
    "CreditInvoice": WriteModel(
        System.BILLING,
        {
            "billing_account": (),
            "invoice_id": (),
            "currency": (),
            "lines": (34,),
            "refund": (),
            "cause": (),
        },
    ),
    "TakeOverAgreement": WriteModel(
        System.BILLING,
        {
            "contract": (26, 27),
            "customer": (),
            "subscription": (),
            "items": (26,),
        },
    ),
    "TakeOverCustomer": WriteModel(
        System.ERP,
        {"company": (), "party": (), "customer_key": (26,)},
    ),
    "OnboardErpCustomer": WriteModel(
        System.ERP,
        {
            "customer_key": (26,),
            "company": (),
            "party": (1, 6, 9),
            "parent": (1, 4, 6, 9),
            "parent_customer_key": (4, 26),
            "currency": (),
            "payment_terms": (11,),
        },
    ),
    "DraftBooking": WriteModel(
        System.ERP,
        {
            "document_key": (60,),
            "contract": (11, 16, 20, 24, 26, 27, 60),
            "customer": (),
            "estimated_tax": (60,),
            "context": (26, 27, 31, 60, 62),
            "amends": (60,),
        },
    ),
    "SuspendEntitlement": WriteModel(
        System.ENTITLEMENT,
        {"contract_key": (26,), "hold_id": (), "reason": (59,)},
    ),
    "GrantEntitlement": WriteModel(
        System.ENTITLEMENT,
        {"contract_key": (26,), "customer_key": (26,), "grants": (56, 57)},
    ),
}


def unowned_fields(model: str) -> list[str]:
    """Fields of a write model that carry something the hub may not write to its system."""
    write = WRITE_MODELS[model]
    return [
        name
        for name, numbers in write.rows.items()
        if refuse_foreign(write.system, (row(no).field for no in numbers), creating=write.creating)
    ]
