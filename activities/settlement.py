"""Steps of PayoutToBank: read the payout with what moved in it, post it, post that it came back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from temporalio import activity

from activities.ledger_posting import LedgerPosting, LedgerStep
from activities.settlement_inputs import PayoutToPost, PostPayout, ReadPayout
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.event_data.cash import PaymentSettled
from dealthread.domain.events import BusinessEvent, EventType
from dealthread.domain.money import Money
from dealthread.domain.payout import (
    CASE,
    Payout,
    PayoutStatus,
    Posted,
    check,
    return_of,
    settlement_of,
)
from dealthread.domain.receivable import PostedDocument
from dealthread.domain.revenue.journal import Side
from dealthread.ensure import Ensure
from dealthread.errors import StepRejected
from dealthread.hub import Effects
from dealthread.naming import erp_document_key, event_id, idempotency_key
from dealthread.ports.billing import BillingPort
from dealthread.ports.clock import BusinessClock
from dealthread.ports.erp import ErpPort

_UNDER_WAY = (PayoutStatus.PENDING, PayoutStatus.IN_TRANSIT)


class PayoutActivities:
    """Reading the payout, through the billing port."""

    def __init__(self, billing: BillingPort, config: Callable[[], ConfigSet]) -> None:
        self._billing = billing
        self._config = config

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
        )
        if payout.status in _UNDER_WAY or (payout.is_automatic and not payout.is_itemised):
            return told
        check(payout, entity.functional_currency)

        def at(key: Callable[[str, str, Payout], str]) -> Posted:
            return Posted(
                document_key=key(order.tenant, entity.code, payout), company=entity.erp_company
            )

        return told.model_copy(
            update={
                "settlement": settlement_of(payout, at(payout_document_key), account.payouts),
                "returned": return_of(payout, at(payout_return_key), account.payouts),
            }
        )


class PayoutPostingActivities:
    """One entry each."""

    def __init__(self, erps: Mapping[str, ErpPort], ensure: Ensure, clock: BusinessClock) -> None:
        self._posting = LedgerPosting(erps, ensure)
        self._clock = clock

    @activity.defn(name="payout.post")
    async def post(self, order: PostPayout) -> PostedDocument:
        """What was paid out: bank, fees, and each kind of movement off the clearing account."""
        return await self._once(order, "payout", "erp.post_payout", self._settled(order))

    @activity.defn(name="payout.post_return")
    async def post_return(self, order: PostPayout) -> PostedDocument:
        """The bank's part comes off the bank again."""
        return await self._once(order, "payout-return", "erp.post_payout_return")

    def _settled(self, order: PostPayout) -> tuple[BusinessEvent, ...]:
        """Subscribers hear of the money that stays in the bank, with the entry that says so."""
        payout = order.payout
        if payout is None or payout.is_returned or payout.amount.amount <= 0:
            return ()
        key, fees = order.context.contract_key, (one.fee for one in payout.movements)
        fee = Money.total(fees, payout.amount.currency)
        data = PaymentSettled(
            contract_key=key,
            customer_key="",
            seller=order.seller,
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
                id=event_id(idempotency_key(order.context.business_key, 1, "settled", "told")),
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
