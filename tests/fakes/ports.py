"""The ports, in memory. One object per key; undo of nothing is done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from dealthread.domain.base import Ref, System
from dealthread.domain.contract import Contract
from dealthread.domain.deal import Deal
from dealthread.domain.documents import (
    Agreement,
    AgreementStatus,
    BillingCustomer,
    Booking,
    BookingState,
    CrmRecord,
    Entitlement,
    EntitlementState,
    ErpCustomer,
)
from dealthread.domain.invoice import BillingInvoice, InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.party import Party
from dealthread.errors import NotFound
from dealthread.outcome import Outcome
from dealthread.ports import (
    CrmWriteBack,
    DraftBooking,
    GrantEntitlement,
    OnboardBillingCustomer,
    OnboardErpCustomer,
    PostingQuestion,
    PostingRules,
    StartAgreement,
)
from tests.fakes.world import World


class FakeClock:
    """Business time stands still at the world's instant."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.today


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


class FakeCrm:
    """Deals in, contract records out."""

    settle_window = timedelta(0)

    def __init__(self, world: World) -> None:
        self._world = world
        self.records: dict[str, tuple[CrmWriteBack, str]] = {}
        self.statuses: dict[str, str] = {}

    async def read_deal(self, deal_id: str) -> Deal:
        return await self._world.read("crm.read_deal", lambda: self._world.deal(deal_id))

    def _record(self, command: CrmWriteBack) -> CrmRecord:
        return CrmRecord(
            ref=Ref(
                system=System.CRM,
                account="org",
                kind="contract",
                native_id=f"800-{command.contract_key}",
            ),
            status=command.status,
        )

    async def record_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            self.records[command.contract_key] = (command, idempotency_key)
            self.statuses[command.deal_id] = command.status
            self._world.did("crm.contract", command.contract_key)
            return self._record(command)

        return await self._world.write("crm.record_contract", effect)

    async def find_contract(self, contract_key: str, *, idempotency_key: str) -> CrmRecord | None:
        def look() -> CrmRecord | None:
            found = self.records.get(contract_key)
            if found is None or found[1].split("~")[0] != idempotency_key:
                return None
            return self._record(found[0])

        return await self._world.read("crm.find_contract", look)

    async def withdraw_contract(
        self, command: CrmWriteBack, *, idempotency_key: str
    ) -> Outcome[CrmRecord]:
        def effect() -> CrmRecord:
            self.records.pop(command.contract_key, None)
            self.statuses[command.deal_id] = command.status
            return self._record(command)

        return await self._world.write("crm.withdraw_contract", effect)


class FakeBilling:
    """Customers and agreements at a biller whose keys do not dedupe (the hardest kind)."""

    settle_window = timedelta(0)
    idempotency_window = timedelta(0)

    def __init__(self, world: World) -> None:
        self._world = world
        self.customers: dict[str, BillingCustomer] = {}
        self.retired: set[str] = set()
        self.agreements: dict[str, list[Agreement]] = {}

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
            if command.customer_key in self.customers:
                self._world.did("billing.DUPLICATE_customer", command.customer_key)
            made = BillingCustomer(
                ref=self._ref(command.billing_account, "customer", f"cus_{command.customer_key}"),
                customer_key=command.customer_key,
                created=True,
            )
            self.customers[command.customer_key] = made
            return made

        return await self._world.write("billing.create_customer", effect)

    async def update_customer(
        self, command: OnboardBillingCustomer, existing: BillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        return await self._world.write(
            "billing.update_customer", lambda: existing.model_copy(update={"created": False})
        )

    async def retire_customer(
        self, customer: BillingCustomer, *, idempotency_key: str
    ) -> Outcome[BillingCustomer]:
        def effect() -> BillingCustomer:
            self.retired.add(customer.customer_key)
            return customer

        return await self._world.write("billing.retire_customer", effect)

    def _ref(self, account: str, kind: str, native_id: str) -> Ref:
        return Ref(system=System.BILLING, account=account, kind=kind, native_id=native_id)

    async def start_agreement(
        self, command: StartAgreement, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        contract = command.contract

        def effect() -> Agreement:
            made = self.agreements.setdefault(contract.key, [])
            number = len(made) + 1
            status = AgreementStatus.HELD if command.hold_first_invoice else AgreementStatus.ACTIVE
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
            self._world.did("billing.agreement", contract.key)
            return agreement

        return await self._world.write("billing.start_agreement", effect)

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

    async def read_agreement(self, agreement: Agreement, billing_account: str) -> Agreement:
        def look() -> Agreement:
            for made in self.agreements.values():
                for one in made:
                    if one.ref == agreement.ref:
                        return one
            raise NotFound("agreement_not_found")

        return await self._world.read("billing.read_agreement", look)

    def _replace(self, agreement: Agreement, **update: object) -> Agreement:
        for made in self.agreements.values():
            for index, one in enumerate(made):
                if one.ref == agreement.ref:
                    made[index] = one.model_copy(update=update)
                    return made[index]
        raise NotFound("agreement_not_found")

    async def release_first_invoice(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[BillingInvoice]:
        def effect() -> BillingInvoice:
            invoice = agreement.first_invoice
            if invoice is None:
                raise NotFound("invoice_not_found")
            opened = invoice.model_copy(update={"status": InvoiceStatus.OPEN, "number": "N-1"})
            self._replace(agreement, status=AgreementStatus.ACTIVE, first_invoice=opened)
            self._world.did("billing.invoice_finalised", agreement.ref.native_id)
            return opened

        return await self._world.write("billing.release_first_invoice", effect)

    async def cancel_agreement(
        self, agreement: Agreement, billing_account: str, *, idempotency_key: str
    ) -> Outcome[Agreement]:
        def effect() -> Agreement:
            return self._replace(agreement, status=AgreementStatus.CANCELLED)

        return await self._world.write("billing.cancel_agreement", effect)


class FakeErp:
    """Customers and bookings of one company after another."""

    settle_window = timedelta(0)
    customer_key_window = timedelta.max

    def __init__(self, world: World) -> None:
        self._world = world
        self.customers: dict[tuple[str, str], ErpCustomer] = {}
        self.bookings: dict[str, list[Booking]] = {}

    async def check_posting_rules(self, question: PostingQuestion) -> PostingRules:
        return await self._world.read(
            "erp.check_posting_rules",
            lambda: PostingRules(
                company=question.company, read_at=datetime(2026, 1, 1, tzinfo=UTC)
            ),
        )

    async def find_customer(self, company: str, customer_key: str) -> ErpCustomer | None:
        return await self._world.read(
            "erp.find_customer", lambda: self.customers.get((company, customer_key))
        )

    async def create_customer(
        self, command: OnboardErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        def effect() -> ErpCustomer:
            key = (command.company, command.customer_key)
            if key in self.customers:
                # The ERP's own unique code: a late or repeated create makes nothing.
                return self.customers[key]
            self.customers[key] = ErpCustomer(
                ref=Ref(
                    system=System.ERP,
                    account=f"fake.{command.company}",
                    kind="customer",
                    native_id=f"party-{command.customer_key}",
                ),
                customer_key=command.customer_key,
                created=True,
            )
            return self.customers[key]

        return await self._world.write("erp.create_customer", effect)

    async def update_customer(
        self, command: OnboardErpCustomer, existing: ErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        return await self._world.write(
            "erp.update_customer", lambda: existing.model_copy(update={"created": False})
        )

    async def retire_customer(
        self, customer: ErpCustomer, *, idempotency_key: str
    ) -> Outcome[ErpCustomer]:
        def effect() -> ErpCustomer:
            company = customer.ref.account.split(".", 1)[1]
            inactive = customer.model_copy(update={"active": False})
            self.customers[company, customer.customer_key] = inactive
            return inactive

        return await self._world.write("erp.retire_customer", effect)

    async def draft_booking(
        self, command: DraftBooking, *, idempotency_key: str
    ) -> Outcome[Booking]:
        contract = command.contract

        def effect() -> Booking:
            made = self.bookings.setdefault(command.document_key, [])
            booking = Booking(
                ref=Ref(
                    system=System.ERP,
                    account=f"fake.{contract.erp_company}",
                    kind="booking",
                    native_id=f"sale-{command.document_key}-{len(made) + 1}",
                ),
                document_key=command.document_key,
                number=str(len(made) + 1),
                state=BookingState.QUOTATION,
                customer=command.customer.ref,
                currency=contract.currency,
                net=contract.booking_net(),
                tax=command.estimated_tax,
                gross=contract.booking_net() + command.estimated_tax,
                context=command.context.model_dump(),
            )
            made.append(booking)
            self._world.did("erp.booking", contract.key)
            return booking

        return await self._world.write("erp.draft_booking", effect)

    def live(self, document_key: str) -> list[Booking]:
        """Bookings neither cancelled nor reversed."""
        gone = (BookingState.CANCELLED, BookingState.REVERSED)
        return [one for one in self.bookings.get(document_key, []) if one.state not in gone]

    async def find_booking(self, company: str, document_key: str) -> Booking | None:
        return await self._world.read(
            "erp.find_booking", lambda: next(iter(self.live(document_key)), None)
        )

    def _set(self, booking: Booking, state: BookingState) -> Booking:
        made = self.bookings[booking.document_key]
        index = next(i for i, one in enumerate(made) if one.ref == booking.ref)
        made[index] = made[index].model_copy(update={"state": state})
        return made[index]

    async def confirm_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        return await self._world.write(
            "erp.confirm_booking", lambda: self._set(booking, BookingState.CONFIRMED)
        )

    async def cancel_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        return await self._world.write(
            "erp.cancel_booking", lambda: self._set(booking, BookingState.CANCELLED)
        )

    async def reverse_booking(self, booking: Booking, *, idempotency_key: str) -> Outcome[Booking]:
        return await self._world.write(
            "erp.reverse_booking", lambda: self._set(booking, BookingState.REVERSED)
        )

    async def read_booking(self, company: str, document_key: str) -> Booking:
        def look() -> Booking:
            for made in self.bookings.values():
                for one in made:
                    if document_key in (one.document_key, one.ref.native_id, one.number):
                        return one
            raise NotFound("booking_not_found")

        return await self._world.read("erp.read_booking", look)


class FakeEntitlement:
    """Grants by contract."""

    settle_window = timedelta(0)

    def __init__(self, world: World) -> None:
        self._world = world
        self.held: dict[str, Entitlement] = {}

    async def grant(
        self, command: GrantEntitlement, *, idempotency_key: str
    ) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
            self._world.did("entitlement", command.contract_key)
            self.held[command.contract_key] = Entitlement(
                ref=Ref(
                    system=System.ENTITLEMENT,
                    account="fake",
                    kind="entitlement",
                    native_id=f"ent-{command.contract_key}",
                ),
                contract_key=command.contract_key,
                state=EntitlementState.ACTIVE,
                grants=command.grants,
            )
            return self.held[command.contract_key]

        return await self._world.write("entitlement.grant", effect)

    async def find(self, contract_key: str, *, idempotency_key: str) -> Entitlement | None:
        return await self._world.read("entitlement.find", lambda: self.held.get(contract_key))

    async def revoke(self, contract_key: str, *, idempotency_key: str) -> Outcome[Entitlement]:
        def effect() -> Entitlement:
            held = self.held[contract_key]
            self.held[contract_key] = held.model_copy(update={"state": EntitlementState.REVOKED})
            return self.held[contract_key]

        return await self._world.write("entitlement.revoke", effect)
