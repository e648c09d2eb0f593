"""CPQ's amendment and renewal quotes as changes of a contract's lines.

An amendment changes no subscription: it adds rows that refer to the one they revise. What a quote
line says of an existing line is `SBQQ__EffectiveQuantity__c`, the delta.

Assumed, since no page at hand says it: a product's default subscription term in CPQ is the period
of its price in our catalogue, so that the unprorated net price is a price of ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal

from pydantic import ValidationError

from adapters.salesforce.change_records import ChangeRecords
from adapters.salesforce.commercial_change import CommercialChange, refused
from adapters.salesforce.fold import Held, fold, from_day
from adapters.salesforce.record import Record, drift
from adapters.salesforce.translate import exclusive
from dealthread.domain.base import Ref, System
from dealthread.domain.change_order import LineAction, LineOrder
from dealthread.domain.contract import Contract
from dealthread.domain.money import UnitPrice
from dealthread.naming import line_key

ONE_TIME = "one_time"


class Roots:
    """Which line of ours a subscription belongs to."""

    def __init__(self, records: ChangeRecords, contract: Contract, org: str) -> None:
        self._rows = {row.key("Id"): row for row in records.subscriptions}
        self._sold = {
            quoted: row.key("Id")
            for row in records.sold
            if (quoted := row.key_or_none("SBQQ__QuoteLine__c"))
        }
        self._contract = contract
        self._org = org

    def first(self, subscription: str) -> str:
        """The subscription that a chain of revisions began with."""
        seen: set[str] = set()
        while subscription not in seen:
            seen.add(subscription)
            row = self._rows.get(subscription)
            revised = row.key_or_none("SBQQ__RevisedSubscription__c") if row else None
            if revised is None:
                return subscription
            subscription = revised
        raise drift("SBQQ__Subscription__c.SBQQ__RevisedSubscription__c")

    def line_key(self, subscription: str, product: str) -> str:
        """By the quote line that the subscription came from; by its product where there is but one
        line of it. Raises StepRejected."""
        row = self._rows.get(self.first(subscription))
        quoted = row.key_or_none("SBQQ__QuoteLine__c") if row else None
        known = dict.fromkeys(line.line_key for line in self._contract.lines)
        for source in (quoted, self._sold.get(quoted or "")):
            if source and line_key(self._org, source) in known:
                return line_key(self._org, source)
        alike = {line.line_key for line in self._contract.lines if line.product_code == product}
        if len(alike) != 1:
            raise refused("line_unknown", "SBQQ__UpgradedSubscription__c", product=product)
        return alike.pop()


def held(rows: Iterable[Record], roots: Roots) -> list[Held]:
    """Subscription rows as what they hold, under the subscription their chain began with."""
    found = []
    for row in rows:
        product = row.related("SBQQ__Product__r")
        start = row.day("SBQQ__StartDate__c")
        if start is None:
            raise drift(row.name("SBQQ__StartDate__c"))
        found.append(
            Held(
                contract=row.text("SBQQ__Contract__c"),
                root=roots.first(row.key("Id")),
                product=product.text("ProductCode") if product else "",
                # A revision is priced anew for its own, shorter term: the chain counts as one.
                price=Decimal(0),
                quantity=_number(row, "SBQQ__Quantity__c"),
                start=start,
                end=exclusive(row.day("SBQQ__EndDate__c")),
            )
        )
    return found


def amendment(records: ChangeRecords, contract: Contract, org: str) -> list[CommercialChange]:
    """The deltas of an amendment quote. Raises StepRejected and ContractDrift."""
    roots = Roots(records, contract, org)
    lines = [
        row
        for row in records.quoted
        if not row.flag("SBQQ__Optional__c") and _number(row, "SBQQ__EffectiveQuantity__c")
    ]
    quoted = {row.key("Id") for row in records.quoted}
    before = [
        row for row in records.subscriptions if row.key_or_none("SBQQ__QuoteLine__c") not in quoted
    ]
    state = held(before, roots)
    return [_delta(row, roots, state, contract, org) for row in lines]


def _delta(
    row: Record, roots: Roots, state: Sequence[Held], contract: Contract, org: str
) -> CommercialChange:
    product = row.text("SBQQ__ProductCode__c")
    start = row.day("SBQQ__EffectiveStartDate__c")
    if start is None:
        raise drift(row.name("SBQQ__EffectiveStartDate__c"))
    quantity = _number(row, "SBQQ__EffectiveQuantity__c")
    end = exclusive(row.day("SBQQ__EffectiveEndDate__c"))
    upgraded = row.key_or_none("SBQQ__UpgradedSubscription__c")
    key = roots.line_key(upgraded, product) if upgraded else line_key(org, row.key("Id"))
    return CommercialChange(
        line_key=key,
        product=product,
        quantity=quantity,
        price=unit_price(row, contract, product),
        start=start,
        end=end,
        ref=_ref(org, row.key("Id")),
        is_cancelled=upgraded is not None
        and _is_cancelled(state, roots.first(upgraded), product, quantity, start, end),
    )


def _is_cancelled(
    state: Sequence[Held], root: str, product: str, delta: Decimal, start: date, end: date | None
) -> bool:
    """Whether nothing is left of a chain in CPQ: then nothing shall be left with us, even where our
    quantity is another one."""
    chain = [row for row in state if row.root == root]
    if not chain:
        return False
    change = Held(chain[0].contract, root, chain[0].product or product, Decimal(0), delta, start,
                  end or chain[0].end)  # fmt: skip
    return not from_day(fold([*chain, change]), root, start)


def renewal(records: ChangeRecords, contract: Contract, org: str) -> tuple[LineOrder, ...]:
    """The lines of a renewal quote: their prices are final. Recurring lines that the quote leaves
    out are not renewed."""
    roots = Roots(records, contract, org)
    orders = [
        _renewed(row, roots, contract, org)
        for row in records.quoted
        if not row.flag("SBQQ__Optional__c") and _number(row, "SBQQ__Quantity__c")
    ]
    named = {order.line_key for order in orders}
    orders += [
        LineOrder(action=LineAction.REMOVE, line_key=key)
        for key in dict.fromkeys(
            line.line_key
            for line in contract.lines
            if line.kind != ONE_TIME and line.end_date == contract.end_date
        )
        if key not in named
    ]
    return tuple(orders)


def _renewed(row: Record, roots: Roots, contract: Contract, org: str) -> LineOrder:
    product, native_id = row.text("SBQQ__ProductCode__c"), row.key("Id")
    renewed = row.key_or_none("SBQQ__RenewedSubscription__c")
    return LineOrder(
        action=LineAction.PRICE if renewed else LineAction.ADD,
        line_key=roots.line_key(renewed, product) if renewed else line_key(org, native_id),
        product_code="" if renewed else product,
        quantity=_number(row, "SBQQ__Quantity__c"),
        unit_price=unit_price(row, contract, product),
        ref=_ref(org, native_id),
    )


def unit_price(row: Record, contract: Contract, product: str) -> UnitPrice:
    """Net of one unit and one period. Raises StepRejected where CPQ prices another period."""
    months = row.whole("SBQQ__DefaultSubscriptionTerm__c")
    ours = {line.period_months for line in contract.lines if line.product_code == product} - {0}
    if row.text("SBQQ__SubscriptionPricing__c") and months and ours and months not in ours:
        raise refused(
            "price_of_another_period",
            "SBQQ__DefaultSubscriptionTerm__c",
            product=product,
            months=str(months),
        )
    amount = row.number("SBQQ__UnproratedNetPrice__c")
    try:
        return UnitPrice.of(amount if amount is not None else "", contract.currency)
    except (ValidationError, ArithmeticError):
        raise drift(row.name("SBQQ__UnproratedNetPrice__c")) from None


def _number(row: Record, field: str) -> Decimal:
    return row.number(field) or Decimal(0)


def _ref(org: str, native_id: str) -> Ref:
    return Ref(system=System.CRM, account=org, kind="quote_line", native_id=native_id)
