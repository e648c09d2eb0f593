"""Steps of InvoiceCredit: check and preview, issue the credit note, record how it ended."""

from __future__ import annotations

from collections.abc import Callable

from temporalio import activity

from activities.billing_change import named
from activities.credit_inputs import AssessCredit, AssessedCredit, GiveCredit, RecordCredit
from dealthread.domain.adoption.carried import is_of_others
from dealthread.domain.approval import above_limit
from dealthread.domain.base import System
from dealthread.domain.bill import Bill
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.credit_order import (
    CreditAsk,
    CreditedLine,
    CreditRefusal,
    left_by_line,
    planned,
)
from dealthread.domain.documents import CreditMemo
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import NotFound, StepRejected
from dealthread.hub import Changes, Contracts, Effects, WriteSpec
from dealthread.naming import idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.billing import BillingPort, CreditInvoice

STEP = "billing.credit"


class CreditActivities:
    """One business step each, through the billing port."""

    def __init__(
        self,
        billing: BillingPort,
        ensure: Ensure,
        contracts: Contracts,
        changes: Changes,
        config: Callable[[], ConfigSet],
    ) -> None:
        self._billing = billing
        self._ensure = ensure
        self._contracts = contracts
        self._changes = changes
        self._config = config

    @activity.defn(name="credit.assess")
    async def assess(self, order: AssessCredit) -> AssessedCredit:
        """What the credit comes to on the invoice as it stands, the biller's preview of it, and
        whether somebody has to agree. Reads only."""
        account, native_id, ask = await self._asked(order)
        try:
            bill = await self._billing.read_bill(account, native_id)
        except NotFound:
            return _refused("invoice_not_found", "invoice", "name one of this billing account")
        contract = await self._contracts.read(bill.contract_key) if bill.contract_key else None
        if contract is None:
            return _refused("no_contract_of_ours", "invoice", "credit it at the biller")
        if is_of_others(bill, contract):
            action = "others posted it: credit it at the biller and in the ledger"
            return _refused("posted_by_others", "invoice", action)
        lines, against = planned(bill, ask)
        assessed = AssessedCredit(
            refusals=against,
            lines=lines,
            left=left_by_line(bill),
            invoice_number=bill.number,
            contract=contract,
        )
        command = _command(bill, lines, ask)
        if order.ask is None:
            made = await self._billing.find_credit(command, idempotency_key=_key(order))
            if made is not None:
                # A run that was reset: what it asked for is there, and is agreed.
                return assessed.model_copy(
                    update={"refusals": (), "command": command, "preview": made}
                )
        if against:
            return assessed
        try:
            preview = await self._billing.preview_credit(command)
        except StepRejected as refusal:
            action = "credit less, or look at the invoice at the biller"
            return assessed.model_copy(
                update={"refusals": (_refusal(refusal.code, refusal.field or "lines", action),)}
            )
        return assessed.model_copy(
            update={
                "command": command,
                "preview": preview,
                "approvals": above_limit(
                    preview.gross,
                    self._config().policy.invoice_credit_approval_gross,
                    "credit amount",
                    "lines",
                ),
                "content_hash": request_hash(command, preview),
            }
        )

    async def _asked(self, order: AssessCredit) -> tuple[str, str, CreditAsk]:
        if order.ask is not None:
            return order.billing_account, order.invoice_id, order.ask
        stored = await self._changes.credit_order(order.context.business_key)
        if stored is None:
            raise NotFound("credit_order_not_found", credit=order.context.business_key)
        return stored.billing_account, stored.invoice_id, stored.definite()

    @activity.defn(name="credit.give")
    async def give(self, order: GiveCredit) -> CreditMemo:
        """The credit note at the biller, once: from here on it is a legal document."""
        context, command, key = order.context, order.command, _key(order)

        async def act(wire_key: str) -> Outcome[CreditMemo]:
            return await self._billing.credit_invoice(command, idempotency_key=wire_key)

        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=key,
                    step=STEP,
                    system=System.BILLING,
                    account=command.billing_account,
                    context=context,
                    request_hash=request_hash(command),
                    money=order.money,
                ),
                result_type=CreditMemo,
                find=lambda: self._billing.find_credit(command, idempotency_key=key),
                act=act,
                effects=lambda memo: Effects(
                    refs=tuple(named(memo.ref, "credit_memo_number", memo.number)),
                    stage="credited",
                ),
                replay_safe_for=self._billing.idempotency_window,
            )
        )

    @activity.defn(name="credit.record")
    async def record(self, order: RecordCredit) -> None:
        """How the run ended; the contract stays as it was."""
        residue = (order.reason,) if order.reason else ()
        await self._contracts.record_outcome(order.context, order.outcome, None, (), residue)


def _key(order: AssessCredit | GiveCredit) -> str:
    context = order.context
    return idempotency_key(context.business_key, context.generation, "credit", "do")


def _command(bill: Bill, lines: tuple[CreditedLine, ...], ask: CreditAsk) -> CreditInvoice:
    return CreditInvoice(
        billing_account=bill.ref.account,
        invoice_id=bill.ref.native_id,
        currency=bill.currency,
        lines=lines,
        refund=ask.refund,
        cause=ask.cause,
    )


def _refused(code: str, field: str, action: str) -> AssessedCredit:
    return AssessedCredit(refusals=(_refusal(code, field, action),))


def _refusal(code: str, field: str, action: str) -> CreditRefusal:
    return CreditRefusal(code=code, field=field, action=action)
