"""What the orders of people on an invoice share: credit it, give it up."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.responses import JSONResponse

from dealthread.bridge.problems import problem
from dealthread.bridge.resources import Resources
from dealthread.domain.bill import Bill
from dealthread.domain.contract import Contract
from dealthread.domain.credit_order import CreditRefusal
from dealthread.domain.transaction import SagaContext
from dealthread.errors import NotFound
from dealthread.settings import Principal


async def known_invoice(held: Resources, invoice: str) -> tuple[Bill, Contract]:
    """The invoice as it was last read, and its contract. Raises NotFound."""
    bill = await held.bills.named(invoice)
    contract = await held.contracts.read(bill.contract_key) if bill is not None else None
    if bill is None or contract is None:
        raise NotFound("invoice_not_found", id=invoice[:60])
    return bill, contract


def unorderable(held: Resources, reason: str, off: str) -> JSONResponse | None:
    """Why nothing can be ordered; `off` says what would not happen while it is switched off."""
    if not held.settings.invoice_to_cash:
        action = f"{off}: set DEALTHREAD_INVOICE_TO_CASH"
        return problem(409, "invoice_to_cash_off", action=action)
    if not reason.strip():
        return problem(400, "reason_needed", field="reason", action="say why, for the audit log")
    return None


def asked_by(held: Resources, change_id: str, contract: Contract, who: Principal) -> SagaContext:
    """Whose question it is, of the run that the order would be."""
    return SagaContext(
        business_key=change_id,
        generation=1,
        contract_key=contract.key,
        org=contract.org,
        deal_id=contract.deal_id,
        tenant=held.settings.tenant,
        business_offset_seconds=held.settings.business_offset_seconds,
        actor=who.actor,
    )


def refused(refusals: Sequence[CreditRefusal]) -> JSONResponse:
    """The first refusal as the problem, all of them in `refusals`."""
    first = refusals[0]
    return problem(
        400,
        first.code,
        field=first.field,
        action=first.action,
        refusals=[refusal.model_dump() for refusal in refusals],
    )
