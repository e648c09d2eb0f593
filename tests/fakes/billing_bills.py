"""What a fake biller has of finalised bills: payments, credits, payouts, disputes."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Ref
from dealthread.domain.bill import Bill, PaymentWay
from dealthread.domain.dispute import Dispute
from dealthread.domain.documents import CreditForm, CreditMemo
from dealthread.domain.invoice import InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.paid_out import PaidOutPayment
from dealthread.domain.payout import Payout
from dealthread.domain.processor import KnownBalance, ProcessorBalance
from dealthread.errors import NotFound, StepRejected
from dealthread.outcome import Outcome, Rejected
from dealthread.ports.billing import CreditInvoice, RecordPayment
from tests.fakes.bills import credit_of, credited, paid, recorded, with_credit
from tests.fakes.processor import balances_of
from tests.fakes.world import Unchanged, World


class FakeBills:
    """By native id, as a test puts them there."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.bills: dict[str, Bill] = {}
        self.payouts: dict[str, Payout] = {}
        self.paid_out: dict[str, tuple[PaidOutPayment, ...]] = {}
        """By payout, its payments one by one."""
        self.disputes: dict[str, Dispute] = {}
        self.credits: dict[str, CreditMemo] = {}
        """By the key of the act: what a person's credit made."""
        self.told_alone: set[str] = set()
        """Receipts of which a part was told, and is no payment of its invoice."""

    async def read_bill(self, billing_account: str, native_id: str) -> Bill:
        def look() -> Bill:
            found = self.bills.get(native_id)
            if found is None or found.ref.account != billing_account:
                raise NotFound("billing_object_not_found")
            return found

        return await self._world.read("billing.read_bill", look)

    async def bill_ids(self, billing_account: str, customer_key: str) -> tuple[str, ...]:
        def look() -> tuple[str, ...]:
            return tuple(
                one.ref.native_id
                for one in reversed(self.bills.values())
                if (one.ref.account, one.customer_key) == (billing_account, customer_key)
                and one.status is not InvoiceStatus.DRAFT
            )

        return await self._world.read("billing.bill_ids", look)

    async def record_payment(
        self, command: RecordPayment, *, idempotency_key: str
    ) -> Outcome[Bill]:
        bill = self.bills[command.invoice_id]
        after = recorded(bill, command, self._today())
        if isinstance(after, Rejected):
            return after

        def effect() -> Bill | Unchanged[Bill]:
            # As it stands when the request arrives: a late one finds what a repeat has made.
            made = recorded(self.bills[command.invoice_id], command, self._today())
            assert isinstance(made, Bill)
            if made is self.bills[command.invoice_id]:
                return Unchanged(made)
            self.bills[command.invoice_id] = made
            return made

        return await self._world.write("billing.record_payment", bill.contract_key, effect)

    async def payment_left_alone(self, command: RecordPayment) -> Rejected | None:
        if command.receipt not in self.told_alone:
            return None
        return Rejected("cash.over_under", "payment_record_of_no_invoice", "payment_record")

    def pay(self, native_id: str, amount: Money, day: date, way: PaymentWay) -> Bill:
        """A customer pays a bill, or a part of it."""
        self.bills[native_id] = paid(self.bills[native_id], amount, day, way)
        return self.bills[native_id]

    def credit(
        self,
        native_id: str,
        net: Money,
        tax: Money,
        day: date,
        form: CreditForm,
        line_key: str = "",
    ) -> Bill:
        """Somebody credits a bill at the biller."""
        self.bills[native_id] = credited(self.bills[native_id], net, tax, day, form, line_key)
        return self.bills[native_id]

    async def preview_credit(self, command: CreditInvoice) -> CreditMemo:
        def look() -> CreditMemo:
            memo = credit_of(self._bill_of(command), command, self._today())
            if isinstance(memo, Rejected):
                raise StepRejected.of(memo)
            return memo.model_copy(update={"ref": None, "number": ""})

        return await self._world.read("billing.preview_credit", look)

    async def credit_invoice(
        self, command: CreditInvoice, *, idempotency_key: str
    ) -> Outcome[CreditMemo]:
        act, bill = act_of(idempotency_key), self._bill_of(command)
        memo = credit_of(bill, command, self._today())
        if act not in self.credits and isinstance(memo, Rejected):
            return memo

        def effect() -> CreditMemo | Unchanged[CreditMemo]:
            if act in self.credits:
                return Unchanged(self.credits[act])
            assert isinstance(memo, CreditMemo)
            self.credits[act] = memo
            # On the bill as it stands when the request arrives: it may have been paid meanwhile.
            now = self._bill_of(command)
            self.bills[command.invoice_id] = with_credit(now, memo, command.cause)
            return memo

        return await self._world.write("billing.credit_invoice", bill.contract_key, effect)

    async def find_credit(
        self, command: CreditInvoice, *, idempotency_key: str
    ) -> CreditMemo | None:
        return await self._world.read(
            "billing.find_credit", lambda: self.credits.get(act_of(idempotency_key))
        )

    def _bill_of(self, command: CreditInvoice) -> Bill:
        found = self.bills.get(command.invoice_id)
        if found is None or found.ref.account != command.billing_account:
            raise NotFound("billing_object_not_found")
        return found

    async def read_payout(self, billing_account: str, native_id: str) -> Payout:
        def look() -> Payout:
            found = self.payouts.get(native_id)
            if found is None or found.ref.account != billing_account:
                raise NotFound("billing_object_not_found")
            return found

        return await self._world.read("billing.read_payout", look)

    async def payout_payments(
        self, billing_account: str, native_id: str
    ) -> tuple[PaidOutPayment, ...]:
        await self.read_payout(billing_account, native_id)
        return await self._world.read(
            "billing.payout_payments", lambda: self.paid_out.get(native_id, ())
        )

    async def read_balance(
        self,
        billing_account: str,
        start: date,
        end: date,
        known: tuple[KnownBalance, ...] = (),
    ) -> tuple[ProcessorBalance, ...]:
        def look() -> tuple[ProcessorBalance, ...]:
            self.asked_balances.append((billing_account, start, known))
            return balances_of(
                billing_account,
                list(self.bills.values()),
                list(self.disputes.values()),
                list(self.payouts.values()),
                (start, end),
                self.paid_out,
            )

        return await self._world.read("billing.read_balance", look)

    @property
    def asked_balances(self) -> list[tuple[str, date, tuple[KnownBalance, ...]]]:
        """Account, month, and what the asker knew already."""
        return self.__dict__.setdefault("_asked_balances", [])

    async def read_dispute(self, billing_account: str, native_id: str) -> Dispute:
        def look() -> Dispute:
            found = self.disputes.get(native_id)
            if found is None or found.ref.account != billing_account:
                raise NotFound("billing_object_not_found")
            return found

        return await self._world.read("billing.read_dispute", look)

    async def give_up(
        self, billing_account: str, native_id: str, *, idempotency_key: str
    ) -> Outcome[Ref]:
        bill = self.bills[native_id]
        if bill.status not in (InvoiceStatus.OPEN, InvoiceStatus.UNCOLLECTIBLE):
            return Rejected("billing.rejected", "not_open", "status")

        def effect() -> Ref | Unchanged[Ref]:
            if self.bills[native_id].status is InvoiceStatus.UNCOLLECTIBLE:
                return Unchanged(bill.ref)
            now = self.bills[native_id]
            self.bills[native_id] = now.model_copy(update={"status": InvoiceStatus.UNCOLLECTIBLE})
            return bill.ref

        return await self._world.write("billing.give_up", bill.contract_key, effect)

    def _today(self) -> date:
        return self._world.today.date()


def act_of(idempotency_key: str) -> str:
    """Without the revision of a corrected repeat."""
    return idempotency_key.partition("~")[0]
