"""Steps of InvoiceWriteOff and WriteOffRecovery: check, mark, write off; reverse once paid."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from temporalio import activity

from activities.ledger_documents import invoice_key
from activities.ledger_posting import LedgerPosting, LedgerStep
from activities.write_off_inputs import (
    AssessedWriteOff,
    AssessWriteOff,
    GiveUp,
    RecordWriteOff,
    RecoveredClaim,
    RecoveryInput,
    ReverseWriteOff,
)
from dealthread.domain.adoption.carried import is_of_others
from dealthread.domain.approval import above_limit
from dealthread.domain.base import Ref, System
from dealthread.domain.bill import Bill
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.credit_order import CreditRefusal
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.ledger import Reversal
from dealthread.domain.posted import PostedDocument
from dealthread.domain.receipts import WriteOff
from dealthread.domain.write_off_order import parts_of, refusals, relief_day
from dealthread.ensure import Ensure, Write, request_hash
from dealthread.errors import NotFound
from dealthread.hub import Changes, Contracts, Effects, WriteSpec
from dealthread.naming import erp_document_key, idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort


class WriteOffActivities:
    """Looking at the claim, and the biller's mark, through the billing port."""

    def __init__(
        self,
        billing: BillingPort,
        ensure: Ensure,
        contracts: Contracts,
        changes: Changes,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._billing = billing
        self._ensure = ensure
        self._contracts = contracts
        self._changes = changes
        self._config = config
        self._clock = clock

    @activity.defn(name="write_off.assess")
    async def assess(self, order: AssessWriteOff) -> AssessedWriteOff:
        """What is given up of the invoice as it stands, split into expense and tax, and whether
        somebody has to agree. Reads only."""
        account, native_id, without_relief = await self._asked(order)
        try:
            bill = await self._billing.read_bill(account, native_id)
        except NotFound:
            return _refused("invoice_not_found", "name one of this billing account")
        contract = await self._contracts.read(bill.contract_key) if bill.contract_key else None
        if contract is None:
            return _refused("no_contract_of_ours", "give it up at the biller and in the ledger")
        if is_of_others(bill, contract):
            action = "others posted it: give it up at the biller and in the ledger"
            return _refused("posted_by_others", action)
        entity = self._config().legal_entity(contract.seller)
        if bill.currency != entity.functional_currency:
            # Expense and tax would have to be at the invoice's own rate, which no write-off bears.
            action = f"the ledger is in {entity.functional_currency}: give it up in both by hand"
            return _refused("in_another_currency", action)
        today = self._clock.now().date()
        months = entity.bad_debt_relief_months
        found = AssessedWriteOff(
            refusals=refusals(bill, today, months, without_relief=without_relief),
            invoice_number=bill.number,
            open=bill.remaining,
            billing_account=account,
            invoice_id=native_id,
            contract=contract,
        )
        if found.refusals:
            return found
        day = relief_day(bill, months)
        command = WriteOff(
            document_key=write_off_key(order.context.tenant, contract, bill),
            company=contract.erp_company,
            customer_key=contract.customer_key,
            document=invoice_key(order.context.tenant, contract.seller, bill),
            posting_date=today,
            gross=bill.remaining,
            parts=parts_of(
                bill,
                {line.line_key: line.tax.code for line in contract.lines},
                expense=entity.bad_debt_account,
                tax_account=entity.output_tax_account,
                has_relief=day is not None and not without_relief,
            ),
            reason=f"{bill.number} written off",
        )
        return found.model_copy(
            update={
                "command": command,
                "approvals": above_limit(
                    bill.remaining,
                    self._config().policy.write_off_approval_gross,
                    "write-off amount",
                    "invoice",
                ),
                # Not the day: an approval holds on the next one too.
                "content_hash": request_hash(
                    command.model_copy(update={"posting_date": bill.issue_date or today})
                ),
            }
        )

    async def _asked(self, order: AssessWriteOff) -> tuple[str, str, bool]:
        if order.invoice_id:
            return order.billing_account, order.invoice_id, order.without_relief
        stored = await self._changes.write_off_order(order.context.business_key)
        if stored is None:
            raise NotFound("write_off_order_not_found", order=order.context.business_key)
        return stored.billing_account, stored.invoice_id, stored.without_relief

    @activity.defn(name="write_off.mark")
    async def mark(self, order: GiveUp) -> Ref:
        """The biller stops collecting it. It may still be paid."""
        account, native_id = order.billing_account, order.invoice_id
        context = order.context

        async def find() -> Ref | None:
            bill = await self._billing.read_bill(account, native_id)
            return bill.ref if bill.status is InvoiceStatus.UNCOLLECTIBLE else None

        async def act(key: str) -> Outcome[Ref]:
            return await self._billing.give_up(account, native_id, idempotency_key=key)

        return await self._ensure(
            Write(
                spec=WriteSpec(
                    key=idempotency_key(context.business_key, context.generation, "mark", "do"),
                    step="billing.give_up",
                    system=System.BILLING,
                    account=account,
                    context=context,
                    request_hash=request_hash(native_id),
                    money=order.command.gross,
                ),
                result_type=Ref,
                find=find,
                act=act,
                effects=lambda _: Effects(stage="given up"),
                replay_safe_for=self._billing.idempotency_window,
            )
        )

    @activity.defn(name="write_off.record")
    async def record(self, order: RecordWriteOff) -> None:
        """How the run ended; the contract stays as it was."""
        residue = (order.reason,) if order.reason else ()
        await self._contracts.record_outcome(order.context, order.outcome, None, (), residue)

    @activity.defn(name="write_off.paid_after_all")
    async def paid_after_all(self, order: RecoveryInput) -> RecoveredClaim:
        """The opposite of the write-off, where the invoice is paid by now."""
        bill = await self._billing.read_bill(order.billing_account, order.invoice_id)
        contract = await self._contracts.read(bill.contract_key) if bill.contract_key else None
        paid_on = max((one.paid_on for one in bill.payments), default=None)
        if contract is None or paid_on is None or bill.remaining:
            return RecoveredClaim()
        return RecoveredClaim(
            contract_key=contract.key,
            customer_key=contract.customer_key,
            org=contract.org,
            deal_id=contract.deal_id,
            erp=contract.erp,
            reversal=Reversal(
                document_key=erp_document_key(
                    order.tenant, contract.seller, "write-off-reversal", _source(bill), 1
                ),
                company=contract.erp_company,
                reverses=write_off_key(order.tenant, contract, bill),
                posting_date=paid_on,
                reason=f"{bill.number} is paid after all",
            ),
        )


class WriteOffPostingActivities:
    """One document each, through the port of the ERP that the contract names."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure) -> None:
        self._posting = LedgerPosting(erps, ensure)

    @activity.defn(name="write_off.post")
    async def post(self, order: GiveUp) -> PostedDocument:
        """Expense and tax against the receivable; refused where the ledger has less open."""
        command = order.command
        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step="write-off",
                name="erp.write_off",
                asked=command,
                money=command.gross,
            ),
            lambda erp, key: erp.post_write_off(command, idempotency_key=key),
            lambda made: Effects(refs=(made.ref,), stage="written off"),
        )

    @activity.defn(name="write_off.reverse")
    async def reverse(self, order: ReverseWriteOff) -> PostedDocument:
        """Expense and tax are taken back, and the receivable is open for the payment."""
        return await self._posting.opposite(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step="recovered",
                name="erp.reverse_write_off",
                asked=order.reversal,
            ),
            "write_off_not_in_the_ledger",
        )


def write_off_key(tenant: str, contract: Contract, bill: Bill) -> str:
    """Our key on the ledger's entry: an invoice is written off once."""
    return erp_document_key(tenant, contract.seller, "write-off", _source(bill), 1)


def _source(bill: Bill) -> str:
    return f"{bill.ref.account}:{bill.ref.native_id}"


def _refused(code: str, action: str) -> AssessedWriteOff:
    return AssessedWriteOff(refusals=(CreditRefusal(code=code, field="invoice", action=action),))
