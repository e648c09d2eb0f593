"""The process API of receipts: what came to a seller's bank, entered once by the bank's own id."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.responses import JSONResponse

from dealthread.bridge.access import CASH, requires
from dealthread.bridge.credit_form import Net
from dealthread.bridge.free_text import Code, Words
from dealthread.bridge.limits import LimitedRoute
from dealthread.bridge.order_form import Day, SourceId
from dealthread.bridge.ordering import business_day, not_after
from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources, resources_of
from dealthread.domain.cash import BankReceipt
from dealthread.errors import BadInput
from dealthread.naming import bank_receipt_id
from dealthread.settings import Principal
from dealthread.store.inbox import InboxMessage, InboxState
from dealthread.store.schema import inbox

router = APIRouter(prefix="/v1/receipts", tags=["receipts"], route_class=LimitedRoute)
Held = Annotated[Resources, Depends(resources_of)]
Cashier = Annotated[Principal, Depends(requires(CASH))]
BANK = "bank"
"""Sender of receipts in the inbox."""


class ReceiptBody(BaseModel):
    """One receipt as the bank's statement says it."""

    model_config = ConfigDict(extra="forbid")

    seller: Code
    source_id: SourceId
    """The bank's own id: the same id is the same receipt for ever."""
    amount: Net
    value_date: Day
    customer_key: Code = ""
    invoices: Annotated[list[Code], Field(max_length=200)] = []
    """Legal numbers that it pays, in this order."""
    reference: Words = ""
    """The payer's remittance text: numbers in it are looked for."""


class Entered(BaseModel):
    """The receipt's run; `created` tells whether it is new."""

    business_key: str
    created: bool


@router.post("", status_code=202, response_model=Entered)
async def enter(body: ReceiptBody, held: Held, who: Cashier) -> Entered | JSONResponse:
    """Enter what came to the bank. Entering it twice changes nothing."""
    if not held.settings.invoice_to_cash:
        return problem(
            409,
            "invoice_to_cash_off",
            action="nothing would apply it: set DEALTHREAD_INVOICE_TO_CASH",
        )
    _checked(body, held)
    receipt = BankReceipt(
        seller=body.seller,
        source=body.source_id,
        amount=body.amount,
        value_date=body.value_date,
        customer_key=body.customer_key,
        invoices=tuple(dict.fromkeys(body.invoices)),
        reference=body.reference,
    )
    said = receipt.model_dump_json().encode()
    stored = receipt.model_copy(update={"actor": who.actor})
    (created,) = await held.inbox.store(
        [
            InboxMessage(
                source=BANK,
                account=body.seller,
                message_id=body.source_id,
                content_type="application/json",
                body=stored.model_dump_json().encode(),
                state=InboxState.HELD,
            )
        ]
    )
    if not created and await _as_entered(held, body) != said:
        raise BadInput(
            "another_receipt_under_this_id",
            field="source_id",
            action="the receipt of this id says something else: give the bank's own id",
        )
    return Entered(business_key=bank_receipt_id(body.seller, body.source_id), created=created)


def _checked(body: ReceiptBody, held: Resources) -> None:
    config = held.config()
    known = [one.code for one in config.legal_entities]
    if body.seller not in known:
        raise BadInput("seller_unknown", field="seller", action=f"one of {', '.join(known)}")
    if config.billing_account(body.seller, body.amount.currency) is None:
        raise BadInput(
            "currency_not_billed",
            field="amount.currency",
            action=f"{body.seller} bills nothing in {body.amount.currency}",
        )
    if body.value_date > business_day(held):
        raise BadInput("day_to_come", field="value_date", action=not_after(held))


async def _as_entered(held: Resources, body: ReceiptBody) -> bytes:
    """What the first one said, whoever entered it."""
    async with held.engine.connect() as connection:
        stored = await connection.scalar(
            select(inbox.c.body).where(
                inbox.c.source == BANK,
                inbox.c.account == body.seller,
                inbox.c.message_id == body.source_id,
            )
        )
    if stored is None:
        return b""
    first = BankReceipt.model_validate_json(bytes(stored))
    return first.model_copy(update={"actor": ""}).model_dump_json().encode()
