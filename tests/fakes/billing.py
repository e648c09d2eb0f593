"""The billing port, in memory: a biller whose keys do not dedupe (the hardest kind)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.documents import (
    Agreement,
    AgreementStatus,
    BillingCustomer,
    ChangedAgreement,
    CreditForm,
)
from dealthread.domain.invoice import BillingInvoice, InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.errors import NotFound, StepRejected
from dealthread.outcome import Outcome
from dealthread.ports.billing import (
    ChangeAgreement,
    OnboardBillingCustomer,
    StartAgreement,
)
from dealthread.ports.noting import NoteFields, unnoted
from tests.fakes.adoption import OldBiller
from tests.fakes.billing_agreements import FakeAgreements
from tests.fakes.billing_bills import FakeBills, act_of
from tests.fakes.billing_changes import Books, changed, memos
from tests.fakes.billing_usage import FakeUsage
from tests.fakes.customers import Told, differing
from tests.fakes.world import Unchanged, World


def invoice_of(contract: Contract, status: InvoiceStatus, ref: Ref | None = None) -> BillingInvoice:
    """First bill of a contract, by its own lines."""
    currency = contract.currency
    lines = tuple(
        InvoiceLine(
            line_key=line.line_key,
            net=line.net_per_period,
            tax=Money.rounded(
                line.net_per_period.amount * line.tax.applied_rate / Decimal(100), currency
            ),
            tax_rate=str(line.tax.applied_rate),
        )
        for line in contract.first_bill_lines()
    )
    net = Money.total((line.net for line in lines), currency)
    tax = Money.total((line.tax for line in lines), currency)
    return BillingInvoice(
        ref=ref,
        status=status,
        currency=currency,
        lines=lines,
        net=net,
        tax=tax,
        gross=net + tax,
        amount_due=net + tax,
    )


class FakeBilling(FakeBills, FakeUsage, FakeAgreements, OldBiller):
    """Customers and agreements at a biller whose keys do not dedupe (the hardest kind)."""

    settle_window = timedelta(0)
    idempotency_window = timedelta(0)

    def __init__(self, world: World) -> None:
        FakeBills.__init__(self, world)
        FakeUsage.__init__(self, world)
        FakeAgreements.__init__(self, world)
        self.customers: dict[str, BillingCustomer] = {}
        self._records: dict[str, Told] = {}
        self.retired: set[str] = set()
        self.changes: dict[str, ChangedAgreement] = {}
        """By the key of the act: what each change made."""
        self.books = Books()
        self.paid: set[str] = set()
        """Contracts whose invoices are paid: their credits go to the balance, or back."""
        self.holds_at_start = True
        """False: the draft of a new agreement is left as it was made."""

    async def preview_first_invoice(self, contract: Contract, party: Party) -> BillingInvoice:
        return await self._world.read(
            "billing.preview", lambda: invoice_of(contract, InvoiceStatus.PREVIEW)
        )

    async def payment_method_on_file(self, billing_account: str, customer_key: str) -> bool:
        return await self._world.read("billing.payment_method", lambda: True)

    async def find_customer(
        self, billing_account: str, customer_key: str, *, email: str = ""
    ) -> BillingCustomer | None:
        return await self._world.read(
            "billing.find_customer", lambda: self.customers.get(customer_key)
        )

    async def create_customer(
        self, command: OnboardBillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        def effect() -> BillingCustomer:
            made = BillingCustomer(
                ref=self._ref(command.billing_account, "customer", f"cus_{command.customer_key}"),
                customer_key=command.customer_key,
                created=True,
            )
            self.customers[command.customer_key] = made
            self._records[command.customer_key] = (command.party, command.parent_customer_key, "")
            return made

        return await self._world.write("billing.create_customer", command.customer_key, effect)

    async def update_customer(
        self,
        command: OnboardBillingCustomer,
        existing: BillingCustomer,
        *,
        idempotency_key: str,
        note: NoteFields = unnoted,
    ) -> Outcome[BillingCustomer]:
        wanted = (command.party, command.parent_customer_key, "")
        fields = differing(self._records.get(command.customer_key), wanted)
        if fields:
            await note(fields)

        def effect() -> BillingCustomer:
            self._records[command.customer_key] = wanted
            return existing.model_copy(update={"created": False})

        return await self._world.write("billing.update_customer", command.customer_key, effect)

    async def retire_customer(
        self, customer: BillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        def effect() -> BillingCustomer:
            self.retired.add(customer.customer_key)
            return customer

        return await self._world.write("billing.retire_customer", customer.customer_key, effect)

    def _ref(self, account: str, kind: str, native_id: str) -> Ref:
        return Ref(system=System.BILLING, account=account, kind=kind, native_id=native_id)

    async def start_agreement(
        self, command: StartAgreement, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        contract = command.contract

        def effect() -> Agreement:
            made = self.agreements.setdefault(contract.key, [])
            number = len(made) + 1
            is_held = command.hold_first_invoice and self.holds_at_start
            status = AgreementStatus.HELD if is_held else AgreementStatus.ACTIVE
            invoice = invoice_of(
                contract,
                InvoiceStatus.DRAFT if command.hold_first_invoice else InvoiceStatus.OPEN,
                self._ref(contract.billing_account, "invoice", f"in_{contract.key}_{number}"),
            )
            agreement = Agreement(
                ref=self._ref(
                    contract.billing_account, "subscription", f"sub_{contract.key}_{number}"
                ),
                status=status,
                first_invoice=invoice,
            )
            made.append(agreement)
            self.holds(contract)
            return agreement

        return await self._world.write("billing.start_agreement", contract.key, effect)

    def live(self, contract_key: str) -> list[Agreement]:
        """Agreements not cancelled."""
        return [
            one
            for one in self.agreements.get(contract_key, [])
            if one.status is not AgreementStatus.CANCELLED
        ]

    async def find_agreement(
        self, contract: Contract, customer: BillingCustomer, *, idempotency_key: str
    ) -> Agreement | None:
        return await self._world.read(
            "billing.find_agreement", lambda: next(iter(self.live(contract.key)), None)
        )

    async def hold_first_invoice(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        return await self._world.write(
            "billing.hold_first_invoice",
            self._contract_of(agreement),
            lambda: self._replace(agreement, status=AgreementStatus.HELD),
        )

    async def read_agreement(self, agreement: Agreement, billing_account: str) -> Agreement:
        def look() -> Agreement:
            for made in self.agreements.values():
                for one in made:
                    if one.ref == agreement.ref:
                        return one
            raise NotFound("agreement_not_found")

        return await self._world.read("billing.read_agreement", look)

    def _contract_of(self, agreement: Agreement) -> str:
        for key, made in self.agreements.items():
            if any(one.ref == agreement.ref for one in made):
                return key
        raise NotFound("agreement_not_found")

    def _replace(self, agreement: Agreement, **update: object) -> Agreement:
        made = self.agreements[self._contract_of(agreement)]
        index = next(i for i, one in enumerate(made) if one.ref == agreement.ref)
        made[index] = made[index].model_copy(update=update)
        return made[index]

    async def release_first_invoice(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[BillingInvoice]:
        def effect() -> BillingInvoice:
            invoice = agreement.first_invoice
            if invoice is None:
                raise NotFound("invoice_not_found")
            opened = invoice.model_copy(update={"status": InvoiceStatus.OPEN, "number": "N-1"})
            self._replace(agreement, status=AgreementStatus.ACTIVE, first_invoice=opened)
            return opened

        return await self._world.write(
            "billing.release_first_invoice", self._contract_of(agreement), effect
        )

    async def cancel_agreement(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        def effect() -> Agreement:
            return self._replace(agreement, status=AgreementStatus.CANCELLED)

        return await self._world.write(
            "billing.cancel_agreement", self._contract_of(agreement), effect
        )

    async def preview_change(self, command: ChangeAgreement) -> ChangedAgreement:
        def look() -> ChangedAgreement:
            refusal = self.books.refusal(command, self._today())
            if refusal is not None:
                raise StepRejected(refusal.code, case_kind=refusal.case_kind, field=refusal.field)
            made = self._changed(command)
            shown = made.invoice and made.invoice.model_copy(
                update={"ref": None, "number": "", "status": InvoiceStatus.PREVIEW}
            )
            memos = tuple(
                memo.model_copy(update={"ref": None, "number": ""}) for memo in made.credit_memos
            )
            return ChangedAgreement(agreement=command.agreement, invoice=shown, credit_memos=memos)

        return await self._world.read("billing.preview_change", look)

    async def change_agreement(
        self, command: ChangeAgreement, *, idempotency_key: str
    ) -> Outcome[ChangedAgreement]:
        act, contract = act_of(idempotency_key), command.before.key
        refusal = self.books.refusal(command, self._today())
        if act not in self.changes and refusal is not None:
            return refusal

        def effect() -> ChangedAgreement | Unchanged[ChangedAgreement]:
            if act in self.changes:
                return Unchanged(self.changes[act])
            made = self._changed(command)
            self.changes[act] = made
            self.books.add(contract, made)
            self.holds(command.after)
            held = self.agreements.setdefault(contract, [])
            if all(one.ref != made.agreement.ref for one in held):
                held.append(made.agreement)
            else:
                self._replace(made.agreement, **dict(made.agreement))
            return made

        return await self._world.write("billing.change_agreement", contract, effect)

    async def find_change(
        self, command: ChangeAgreement, *, idempotency_key: str
    ) -> ChangedAgreement | None:
        return await self._world.read(
            "billing.find_change", lambda: self.changes.get(act_of(idempotency_key))
        )

    def _changed(self, command: ChangeAgreement) -> ChangedAgreement:
        held = next(
            one
            for made in self.agreements.values()
            for one in made
            if one.ref == command.agreement.ref
        )
        end = command.before.end_date
        if end is not None and end <= self._today():
            # The term has run out: agreements end with it (ADR 0010).
            held = held.model_copy(update={"status": AgreementStatus.CANCELLED})
        number = len(self.changes) + 1
        first = held.first_invoice
        corrects = (first.ref if first else None) or held.ref
        form = CreditForm.REFUND if command.refund else CreditForm.BALANCE
        if command.before.key not in self.paid:
            form = CreditForm.OPEN_INVOICE
        made = changed(command, self._today(), held, number)
        return made.model_copy(update={"credit_memos": memos(command, corrects, number, form)})
