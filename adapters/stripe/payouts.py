"""Payouts and what is in them, at Stripe.

docs.stripe.com/payouts/reconciliation: the balance transactions of a payout can be listed only
where it was made by the automatic schedule, and only once its reconciliation has completed. The
list holds the payout's own transaction too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from adapters.stripe import translate
from adapters.stripe.clients import Answer, BillingAccount
from adapters.stripe.paging import pages
from dealthread.domain.money import Money
from dealthread.domain.paid_out import PaidOutPayment
from dealthread.domain.payout import MovementKind, MovementSums, Payout, PayoutStatus
from dealthread.errors import NotFound

_STATUS = {
    "pending": PayoutStatus.PENDING,
    "in_transit": PayoutStatus.IN_TRANSIT,
    "paid": PayoutStatus.PAID,
    "failed": PayoutStatus.FAILED,
    "canceled": PayoutStatus.CANCELLED,
}
# docs.stripe.com/reports/balance-transaction-types. What is not here is for a person: reserves,
# transfers, top-ups and debits that were returned go to accounts that nobody has named.
_KINDS = {
    "charge": MovementKind.CHARGE,
    "payment": MovementKind.CHARGE,
    "refund": MovementKind.REFUND,
    "payment_refund": MovementKind.REFUND,
    "refund_failure": MovementKind.REFUND,
    "stripe_fee": MovementKind.FEE,
    "tax_fee": MovementKind.FEE,
    "stripe_fx_fee": MovementKind.FEE,
    "payout_failure": MovementKind.RETURNED,
    "payout_cancel": MovementKind.RETURNED,
}
_OF_DISPUTES = frozenset({"dispute", "dispute_reversal"})
PAYOUT = "payout"
"""Type of the transaction that takes a payout off the balance."""


class Payouts:
    """Works on one account at a time."""

    async def read(self, account: BillingAccount, native_id: str) -> Payout:
        """The payout as it stands. Raises NotFound."""
        if not native_id:
            # Without an id the address would be that of the list.
            raise NotFound("billing_object_not_found")
        row = await account.read(
            "read_payout",
            lambda: account.v1.payouts.retrieve_async(
                native_id, {"expand": ["failure_balance_transaction"]}
            ),
        )
        status = _STATUS.get(translate.text(row, "status"))
        arrives = translate.day(row, "arrival_date")
        if status is None or arrives is None:
            raise translate.drift("status" if status is None else "arrival_date")
        currency = translate.text(row, "currency").upper()
        is_automatic = translate.at(row, "automatic") is True
        is_itemised = translate.text(row, "reconciliation_status") == "completed"
        sums, converted, kinds = MovementSums(), "", tuple[MovementKind, ...]()
        if is_automatic and is_itemised:
            sums, converted, kinds = await self._movements(account, native_id, currency)
        returned = translate.mapping(row, "failure_balance_transaction")
        return Payout(
            ref=translate.ref(account.key, "payout", translate.text(row, "id")),
            status=status,
            amount=Money.from_minor(translate.minor(row, "amount"), currency),
            arrival_date=arrives,
            is_automatic=is_automatic,
            is_itemised=is_itemised,
            movements=sums.all(),
            converted=converted,
            converted_kinds=kinds,
            failure_code=translate.text(row, "failure_code"),
            returned_on=translate.day(returned, "created") if returned else None,
        )

    async def payments(self, account: BillingAccount, native_id: str) -> tuple[PaidOutPayment, ...]:
        """What customers paid, each with the charge that the movement is of."""
        found = []
        async for row in self._rows(account, native_id, ["data.source"]):
            if kind_of(row, translate.text(row, "type")) is MovementKind.CHARGE:
                found.append(_payment(row))
        return tuple(found)

    async def _movements(
        self, account: BillingAccount, native_id: str, currency: str
    ) -> tuple[MovementSums, str, tuple[MovementKind, ...]]:
        """Sums by kind, and the id of a movement that was converted, with the kinds of such."""
        sums, converted, kinds = MovementSums(), "", dict[MovementKind, None]()
        async for row in self._rows(account, native_id):
            kind = translate.text(row, "type")
            if kind == PAYOUT:
                continue
            if translate.text(row, "currency").upper() != currency:
                raise translate.drift("currency")
            if translate.at(row, "exchange_rate") is not None:
                converted = converted or translate.text(row, "id")
                kinds[kind_of(row, kind)] = None
            amount, fee = translate.minor(row, "amount"), translate.minor(row, "fee")
            if translate.minor(row, "net") != amount - fee:
                raise translate.drift("net")
            sums = sums.plus(
                kind_of(row, kind),
                Money.from_minor(amount, currency),
                Money.from_minor(fee, currency),
                kind,
            )
        return sums, converted, tuple(kinds)

    def _rows(
        self, account: BillingAccount, native_id: str, expand: list[str] | None = None
    ) -> AsyncIterator[Answer]:
        return pages(
            account,
            "list_balance_transactions",
            lambda after: account.v1.balance_transactions.list_async(
                {
                    "payout": native_id,
                    "limit": 100,
                    **({"expand": expand} if expand else {}),
                    **({"starting_after": after} if after else {}),
                }
            ),
        )


def _payment(row: Answer) -> PaidOutPayment:
    currency = translate.text(row, "currency").upper()
    return PaidOutPayment(
        payment=payment_of(row),
        amount=Money.from_minor(translate.minor(row, "amount"), currency),
        fee=Money.from_minor(translate.minor(row, "fee"), currency),
        original=original_of(row),
    )


def payment_of(row: Answer) -> str:
    """Of a movement with its source: the payment intent, or a charge that has none."""
    source = translate.mapping(row, "source")
    intent = source.get("payment_intent")
    return translate.id_of(intent) if intent else translate.text(source, "id")


def original_of(row: Answer) -> Money:
    """What a movement with its source was before it was converted
    (docs.stripe.com/api/balance_transactions/object, `exchange_rate`); below nought where it was
    taken from us."""
    currency = translate.text(row, "currency").upper()
    amount = Money.from_minor(translate.minor(row, "amount"), currency)
    if translate.at(row, "exchange_rate") is None:
        return amount
    source = translate.mapping(row, "source")
    before = translate.text(source, "currency").upper()
    if before == currency:
        raise translate.drift("source.currency")
    given = Money.from_minor(translate.minor(source, "amount"), before)
    return given if amount.amount >= 0 else -given


def kind_of(row: Answer, kind: str) -> MovementKind:
    """What a balance transaction of one of Stripe's types is."""
    if kind != "adjustment":
        return _KINDS.get(kind, MovementKind.UNKNOWN)
    category = translate.text(row, "reporting_category")
    return MovementKind.DISPUTE if category in _OF_DISPUTES else MovementKind.ADJUSTMENT
