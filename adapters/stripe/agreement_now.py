"""What an agreement bills now: state, end, items. Reads only.

Of a subscription under a schedule the end is the schedule's: the subscription itself shows none
until its last phase.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from adapters.stripe import requests, translate
from adapters.stripe.agreements import Agreements
from adapters.stripe.clients import Answer, BillingAccount
from dealthread.domain.base import Ref
from dealthread.domain.comparison.seen import BilledAgreement, BilledState
from dealthread.domain.documents import Agreement
from dealthread.domain.money import EXPONENTS, Money

_STATES = {
    "active": BilledState.ACTIVE,
    "trialing": BilledState.ACTIVE,
    "past_due": BilledState.ACTIVE,
    "unpaid": BilledState.ACTIVE,
    "incomplete": BilledState.INCOMPLETE,
    "paused": BilledState.PAUSED,
    "canceled": BilledState.ENDED,
    "incomplete_expired": BilledState.ENDED,
}
"""docs.stripe.com/api/subscriptions/object, `status`. An invoice that is not paid is no other
state of the agreement: it goes on, and collections pursue the invoice."""


async def agreement_now(
    agreements: Agreements, account: BillingAccount, agreement: Agreement
) -> BilledAgreement:
    """Raises NotFound, ContractDrift and transport errors."""
    row = await agreements.raw_of(account, agreement)
    if row.get("object") == "subscription_schedule":
        return _not_begun(account.key, row)
    native_id = translate.text(row, "id")
    schedule = translate.id_of(translate.at(row, "schedule"))
    if schedule:
        managed = await account.read(
            "read_schedule", lambda: account.v1.subscription_schedules.retrieve_async(schedule)
        )
        ends_on = _end_of_schedule(managed)
    else:
        ends_on = translate.day(row, "cancel_at")
    items = translate.rows(row, "items", "data")
    return BilledAgreement(
        ref=translate.ref(account.key, "subscription", native_id),
        contract_key=translate.mark(row, requests.CONTRACT),
        customer=translate.id_of(translate.at(row, "customer")),
        state=_state(row),
        ends_on=ends_on,
        quantities=_quantities(items),
        periods={
            _key(item): _period(item)
            for item in items
            if not _is_metered(item) and translate.at(item, "price", "unit_amount_decimal")
        },
    )


def _state(row: Answer) -> BilledState:
    status = translate.text(row, "status")
    if status not in _STATES:
        raise translate.drift("status")
    found = _STATES[status]
    paused = found is BilledState.ACTIVE and translate.at(row, "pause_collection") is not None
    return BilledState.PAUSED if paused else found


def _not_begun(account: str, row: Answer) -> BilledAgreement:
    """A schedule without a subscription yet, or none any more: what its first phase will bill. A
    phase's price is an id only, so it says nothing of the amounts."""
    over = translate.text(row, "status") in ("canceled", "completed", "released")
    phases = translate.rows(row, "phases")
    return BilledAgreement(
        ref=_ref(account, row),
        contract_key=translate.mark(row, requests.CONTRACT),
        customer=translate.id_of(translate.at(row, "customer")),
        state=BilledState.ENDED if over else BilledState.SCHEDULED,
        ends_on=_end_of_schedule(row),
        quantities=_quantities(translate.rows(phases[0], "items")) if phases else {},
    )


def _ref(account: str, row: Answer) -> Ref:
    return translate.ref(account, "schedule", translate.text(row, "id"))


def _end_of_schedule(row: Answer) -> date | None:
    if translate.text(row, "end_behavior") != "cancel":
        return None
    phases = translate.rows(row, "phases")
    return translate.day(phases[-1], "end_date") if phases else None


def _quantities(items: list[translate.Data]) -> dict[str, Decimal]:
    return {
        _key(item): Decimal(translate.minor(item, "quantity"))
        for item in items
        # A price of usage has no quantity.
        if item.get("quantity") is not None
    }


def _key(item: translate.Data) -> str:
    """The line that an item bills; of one that names none, what the biller calls it."""
    return translate.mark(item, requests.LINE) or str(item.get("id") or "item without a line")


def _is_metered(item: translate.Data) -> bool:
    return item.get("quantity") is None


def _period(item: translate.Data) -> Money:
    currency = translate.text(item, "price", "currency").upper()
    if currency not in EXPONENTS:
        raise translate.drift("price.currency")
    unit = translate.decimal(item, "price", "unit_amount_decimal") or Decimal(0)
    amount = unit * translate.minor(item, "quantity")
    return Money.rounded(amount.scaleb(-EXPONENTS[currency]), currency)
