"""Steps of PayoutToBank: read the payout with what moved in it, post it, post that it came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time

from temporalio import activity

from activities.ledger_posting import LedgerPosting, LedgerStep
from activities.settlement_inputs import (
    PayoutToPost,
    PostForeignPayout,
    PostPayout,
    ReadPayout,
    TellPayments,
    ToldPayments,
)
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.event_data.cash import PaymentSettled
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.money import Money
from dealthread.domain.paid_out import (
    KnownPayment,
    PaidOutPayment,
    SettledPart,
    entry_of,
    foreign_payout,
    is_foreign,
    settled_parts,
)
from dealthread.domain.payout import (
    CASE,
    Payout,
    PayoutStatus,
    Posted,
    check,
    return_of,
    settlement_of,
)
from dealthread.domain.posted import PostedDocument
from dealthread.domain.revenue.journal import Side
from dealthread.domain.transaction import SagaContext
from dealthread.ensure import Ensure
from dealthread.errors import StepRejected
from dealthread.hub import Effects
from dealthread.hub_payments import Payments
from dealthread.naming import erp_document_key, event_id, idempotency_key
from dealthread.outcome import Outcome
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort

_UNDER_WAY = (PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT)


class PayoutActivities:
    """Reading the payout, through the billing port."""

    def __init__(
        self, billing: BillingPort, config: Callable[[], ConfigSet], payments: Payments
    ) -> None:
        self._billing = billing
        self._config = config
        self._payments = payments

    @activity.defn(name="payout.read")
    async def read(self, order: ReadPayout) -> PayoutToPost:
        """The payout from its owner, and the entries that follow from it. Raises StepRejected
        where a person has to look first."""
        config = self._config()
        account = config.account_at_biller(order.billing_account)
        if account is None:
            raise StepRejected(
                "billing_account_unknown",
                case_kind=CASE,
                field="billing_account",
                account=order.billing_account,
            )
        entity = config.legal_entity(account.seller)
        payout = await self._billing.read_payout(order.billing_account, order.payout_id)
        told = PayoutToPost(
            payout=payout,
            seller=entity.code,
            erp=entity.erp_instance,
            company=entity.erp_company,
            currency=entity.functional_currency,
        )
        if payout.status in _UNDER_WAY or (payout.is_automatic and not payout.is_itemised):
            return told
        check(payout, entity.functional_currency)

        def at(key: Callable[[str, str, Payout], str]) -> Posted:
            return Posted(
                document_key=key(order.tenant, entity.code, payout), company=entity.erp_company
            )

        if is_foreign(payout, entity.functional_currency):
            paid, known = await self._payments_of(payout)
            foreign = foreign_payout(
                payout,
                paid,
                known,
                entity.functional_currency,
                at(payout_document_key),
                account.payouts,
            )
            return told.model_copy(update={"foreign": foreign})
        return told.model_copy(
            update={
                "settlement": settlement_of(payout, at(payout_document_key), account.payouts),
                "returned": return_of(payout, at(payout_return_key), account.payouts),
            }
        )

    @activity.defn(name="payout.tell_payments")
    async def tell_payments(self, order: TellPayments) -> ToldPayments:
        """Subscribers hear that each payment of our invoices is in the bank. An event's id follows
        from the payment, so that telling it again is the same."""
        paid, known = await self._payments_of(order.payout)
        events = tuple(
            _settled_payment(order, part)
            for one in paid
            for part in settled_parts(one, known.get(one.payment, ()))
        )
        await self._payments.told(events)
        unknown = sum(one.payment not in known for one in paid)
        return ToldPayments(told=len(events), unknown=unknown)

    async def _payments_of(
        self, payout: Payout
    ) -> tuple[tuple[PaidOutPayment, ...], Mapping[str, Sequence[KnownPayment]]]:
        account = payout.ref.account
        paid = await self._billing.payout_payments(account, payout.ref.native_id)
        return paid, await self._payments.known(account, [one.payment for one in paid])


def _settled_payment(order: TellPayments, part: SettledPart) -> BusinessEvent:
    run, payout, known = order.context.business_key, order.payout, part.known
    data = PaymentSettled(
        contract_key=known.contract_key,
        customer_key=known.customer_key,
        seller=order.seller,
        billing_account=payout.ref.account,
        payment_id=known.native_id,
        invoice_numbers=(known.invoice_number,),
        currency=part.amount.currency,
        amount=str(part.amount.amount),
        payout_id=payout.ref.native_id,
        fee=str(part.fee.amount),
        settled_on=payout.arrival_date,
    )
    return BusinessEvent(
        id=event_id(idempotency_key(run, 1, f"settled-{known.native_id}", "told")),
        type=EventType.PAYMENT_SETTLED,
        subject=known.contract_key,
        time=datetime.combine(payout.arrival_date, time(), UTC),
        data=data.told(),
    )


class PayoutPostingActivities:
    """One entry each."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure, clock: BusinessClock) -> None:
        self._posting = LedgerPosting(erps, ensure)
        self._clock = clock

    @activity.defn(name="payout.post")
    async def post(self, order: PostPayout) -> PostedDocument:
        """What was paid out: bank, fees, and each kind of movement off the clearing account."""
        told = self._settled(order.context, order.payout, order.seller)
        return await self._once(order, "payout", "erp.post_payout", told)

    @activity.defn(name="payout.post_foreign")
    async def post_foreign(self, order: PostForeignPayout) -> PostedDocument:
        """The same of one in another currency, at the ledger's own rate of the attempt that posts:
        what it differs by from what the payments were carried at is realised."""
        foreign, own = order.foreign, order.currency
        told = self._settled(order.context, order.payout, order.seller)

        async def act(erp: ErpPort, key: str) -> Outcome[PostedDocument]:
            rate = None
            if foreign.bank.currency != own:
                rate = await erp.exchange_rate(
                    foreign.company, foreign.bank.currency, foreign.posting_date
                )
            return await erp.post_journal(entry_of(foreign, rate, own), idempotency_key=key)

        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step="payout",
                name="erp.post_payout",
                asked=foreign,
                money=abs(foreign.bank),
            ),
            act,
            lambda made: Effects(refs=(made.ref,), events=told),
        )

    @activity.defn(name="payout.post_return")
    async def post_return(self, order: PostPayout) -> PostedDocument:
        """The bank's part comes off the bank again."""
        return await self._once(order, "payout-return", "erp.post_payout_return")

    def _settled(
        self, context: SagaContext, payout: Payout | None, seller: str
    ) -> tuple[BusinessEvent, ...]:
        """Subscribers hear of the money that stays in the bank, with the entry that says so."""
        if payout is None or payout.is_returned or payout.amount.amount <= 0:
            return ()
        key, fees = context.contract_key, (one.fee for one in payout.movements)
        fee = Money.total(fees, payout.amount.currency)
        data = PaymentSettled(
            contract_key=key,
            customer_key="",
            seller=seller,
            billing_account=payout.ref.account,
            payment_id="",
            invoice_numbers=(),
            currency=payout.amount.currency,
            amount=str((payout.amount + fee).amount),
            payout_id=payout.ref.native_id,
            fee=str(fee.amount),
            settled_on=payout.arrival_date,
        )
        return (
            BusinessEvent(
                id=event_id(idempotency_key(context.business_key, 1, "settled", "told")),
                type=EventType.PAYMENT_SETTLED,
                subject=key,
                time=self._clock.now(),
                data=data.told(),
            ),
        )

    async def _once(
        self, order: PostPayout, step: str, name: str, events: tuple[BusinessEvent, ...] = ()
    ) -> PostedDocument:
        journal = order.journal
        debits = [line.amount for line in journal.lines if line.side is Side.DEBIT]
        return await self._posting.once(
            LedgerStep(
                context=order.context,
                erp=order.erp,
                step=step,
                name=name,
                asked=journal,
                money=Money.total(debits, debits[0].currency),
            ),
            lambda erp, key: erp.post_journal(journal, idempotency_key=key),
            lambda made: Effects(refs=(made.ref,), events=events),
        )


def payout_document_key(tenant: str, seller: str, payout: Payout) -> str:
    """Our key on the ledger's entry: by the payout's own id."""
    return _key(tenant, seller, "payout", payout)


def payout_return_key(tenant: str, seller: str, payout: Payout) -> str:
    """That on the entry of its coming back."""
    return _key(tenant, seller, "payout-return", payout)


def _key(tenant: str, seller: str, kind: str, payout: Payout) -> str:
    source = f"{payout.ref.account}:{payout.ref.native_id}"
    return erp_document_key(tenant, seller, kind, source, 1)
