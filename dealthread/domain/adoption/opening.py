"""One deal with its subscription as a contract that is in force, and its figures at the opening.

    billed      net of the billing periods that were billed before the opening
    recognised  what the plan of the whole term has in the months before it
    deferred    billed less recognised; below nought it is earned and not billed yet
    remaining   the plan's months from the opening on: deferred and what is still to be billed

Where the ledger's own rounding left another balance, a person says it: the remaining time takes
the difference, by day.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from dealthread.domain.adoption.book import (
    Answer,
    BilledItem,
    BilledSubscription,
    Book,
)
from dealthread.domain.adoption.matching import Pairing, Unmatched
from dealthread.domain.base import Carried
from dealthread.domain.catalog import ChargeKind, ConfigSet
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import BillingTiming
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.revenue.spread import spread
from dealthread.domain.rounding import exact
from dealthread.domain.versions.obligations import Obligation, obligations_of
from dealthread.domain.versions.plan import ADOPTED, RevenuePlanRow
from dealthread.domain.versions.proration import line_parts
from dealthread.domain.versions.refusal import OrderRefused
from dealthread.domain.versions.revenue import first_schedule
from dealthread.domain.versions.terms import ONE_DAY, billing_terms
from dealthread.domain.versions.without_end import continued, is_without_end
from dealthread.errors import InvariantBroken
from dealthread.naming import contract_key

_RUNS = ("active", "past_due")


class Opening(Carried):
    """A contract's figures on the morning of the opening, net, in its own currency."""

    as_of: date
    billed: Money
    recognised: Money
    deferred: Money
    remaining: Money
    """Planned from the opening on."""
    waiting: Money
    """Of services that were billed and are not accepted: deferred, and in no month yet."""


class Adopted(Carried):
    """What becomes of one pairing."""

    contract: Contract
    """As version 1."""
    items: dict[str, str]
    """Line key → native id of the subscription's item."""
    schedule: tuple[RevenuePlanRow, ...]
    opening: Opening


def adopted(
    pair: Pairing, book: Book, config: ConfigSet, answer: Answer | None
) -> Adopted | list[Unmatched]:
    """The contract with its remaining schedule, or everything that stands against it."""
    deal = pair.deal
    refused = list(_of_another(pair, book, config))
    try:
        key = contract_key(deal.org, deal.deal_id)
        contract = build_contract(deal, config, deal.start_date or book.as_of, key)
    except InvariantBroken as error:
        return [*refused, _against(pair, "deal_incomplete", f"the CRM lacks {error.evidence}")]
    contract = contract.model_copy(
        update={
            "adopted_on": book.as_of,
            "served_lines": answer.done_lines if answer else (),
            # Its first invoice was issued long ago: there is none to hold.
            "release_policy": "automatic",
        }
    )
    refused += _term(pair, contract, book)
    items, differing = _items(pair, contract)
    refused += differing
    if refused:
        return refused
    try:
        services = services_of(contract, config)
        plan = planned(contract, config, book.as_of)
    except OrderRefused as error:
        return [_against(pair, error.code, f"{error.field}: {error.action}")]
    if unknown := list(_services(pair, services, answer)):
        return unknown
    opening, schedule = opened(contract, plan, services, answer)
    if opening.remaining.amount < 0:
        return [_against(pair, "deferred_beyond_term", f"{opening.remaining} would remain")]
    return Adopted(contract=contract, items=items, schedule=schedule, opening=opening)


# ------------------------------------------------------------ figures


def planned(contract: Contract, config: ConfigSet, as_of: date) -> tuple[RevenuePlanRow, ...]:
    """The plan of the whole term; without an end, of the periods that begin before the opening."""
    rows = first_schedule(contract, config)
    if not is_without_end(contract):
        return rows
    return continued((), contract, contract.start_date, as_of - ONE_DAY)


def services_of(contract: Contract, config: ConfigSet) -> tuple[Obligation, ...]:
    """Obligations whose revenue waits for the customer's acceptance."""
    return tuple(one for one in obligations_of(contract.lines, config) if one.is_by_event)


def opened(
    contract: Contract,
    plan: Sequence[RevenuePlanRow],
    services: Sequence[Obligation] = (),
    answer: Answer | None = None,
) -> tuple[Opening, tuple[RevenuePlanRow, ...]]:
    """The figures at the opening of an adopted contract, and the rows from there on. What was
    accepted of the services is `contract.served_lines`."""
    currency, as_of = contract.currency, _opening_of(contract)
    served = [one.price for one in services if one.line_key in contract.served_lines]
    waits = [one.price for one in services if one.line_key not in contract.served_lines]
    past = Money.total(
        (*(row.amount for row in plan if row.month < as_of), *served),
        currency,
    )
    billed = billed_before(contract, as_of)
    said = None if answer is None else answer.deferred
    rows = [row for row in plan if row.month >= as_of]
    if said is not None and said != billed - past:
        rows = _respread(rows, said - (billed - past))
        past = billed - said
    rows = [row.model_copy(update={"treatment": ADOPTED}) for row in rows]
    return (
        Opening(
            as_of=as_of,
            billed=billed,
            recognised=past,
            deferred=billed - past,
            remaining=Money.total((row.amount for row in rows), currency),
            waiting=Money.total(waits, currency),
        ),
        tuple(rows),
    )


def _opening_of(contract: Contract) -> date:
    if contract.adopted_on is None:
        raise InvariantBroken("contract_not_adopted", contract=contract.key)
    return contract.adopted_on


def billed_before(contract: Contract, as_of: date) -> Money:
    """Net of the periods that were billed before a day: in advance those that had begun, in
    arrears those that had ended; one-time charges with the first invoice."""
    terms, found = billing_terms(contract), Money.zero(contract.currency)
    in_arrears = contract.billing_timing is BillingTiming.ARREARS
    for line in contract.lines:
        if line.kind == ChargeKind.ONE_TIME and line.start_date < as_of:
            found = found + line.committed_net
        if line.kind != ChargeKind.RECURRING:
            continue
        for period in terms.periods(line.start_date, line.end_date, as_of - ONE_DAY):
            reached = period.end <= as_of if in_arrears else period.start < as_of
            if not reached:
                continue
            first = max(period.start, line.start_date)
            last = period.end if line.end_date is None else min(period.end, line.end_date)
            for part in line_parts(line, first, last, terms, first):
                found = found + part.net
    return found


def _respread(rows: Sequence[RevenuePlanRow], change: Money) -> list[RevenuePlanRow]:
    """The remaining rows with a difference spread over them, in proportion to what they hold."""
    if not rows:
        return []
    weights = [max(row.amount.to_minor(), 0) for row in rows]
    shares = spread(change, weights if any(weights) else [1] * len(rows))
    return [
        row.model_copy(update={"amount": row.amount + share})
        for row, share in zip(rows, shares, strict=True)
    ]


# ------------------------------------------------------------ what stands against it


def _of_another(pair: Pairing, book: Book, config: ConfigSet) -> Iterator[Unmatched]:
    account = config.billing_account(book.seller, pair.deal.currency)
    if account is None or account.key != pair.subscription.ref.account:
        yield _against(
            pair,
            "billed_by_another_account",
            f"{pair.subscription.ref.account} bills it, {book.seller} bills "
            f"{pair.deal.currency} by {'none' if account is None else account.key}",
        )
    if pair.subscription.currency != pair.deal.currency:
        yield _against(
            pair,
            "currency_differs",
            f"sold in {pair.deal.currency}, billed in {pair.subscription.currency}",
        )
    if pair.deal.currency != book.ledger.currency:
        yield _against(
            pair,
            "not_in_the_ledgers_currency",
            "the rate of its invoices is not told by the ledger: enter it by hand",
        )


def _services(
    pair: Pairing, services: Sequence[Obligation], answer: Answer | None
) -> Iterator[Unmatched]:
    """Whether a service was accepted before the opening, no system knows: a person says."""
    told = {*answer.done_lines, *answer.waiting_lines} if answer else set()
    for one in services:
        if one.line_key not in told:
            yield _against(
                pair,
                "service_not_known",
                f"line {one.line_key}, {one.price}: say whether it was accepted before the opening",
            )


def _term(pair: Pairing, contract: Contract, book: Book) -> Iterator[Unmatched]:
    status = pair.subscription.status
    if status not in _RUNS:
        yield _against(pair, "subscription_does_not_run", f"it is {status}")
    if pair.subscription.is_discounted:
        yield _against(pair, "discount_at_biller", "it bills less than its prices say")
    if contract.start_date >= book.as_of:
        yield _against(
            pair, "not_begun", f"it begins on {contract.start_date}: it is a new deal, not a book"
        )
        return
    end = contract.end_date
    if end is not None and end <= book.as_of:
        yield _against(pair, "term_is_over", f"its term ended on {end}")
        return
    period = billing_terms(contract).period_at(max(book.read_on, contract.start_date))
    billed = (pair.subscription.period_start, pair.subscription.period_end)
    if billed != (period.start, period.end):
        yield _against(
            pair,
            "period_differs",
            f"sold to be billed {period.start} to {period.end}, billed {billed[0]} to {billed[1]}",
        )
    ends_on = pair.subscription.ends_on
    if ends_on is not None and ends_on != end:
        yield _against(pair, "end_differs", f"sold until {end}, the subscription ends {ends_on}")


def _items(pair: Pairing, contract: Contract) -> tuple[dict[str, str], list[Unmatched]]:
    """Which item bills which line: the same product, quantity and price."""
    free = list(pair.subscription.items)
    found: dict[str, str] = {}
    refused, told = [], set[str]()
    for line in _in_force(contract, pair.subscription):
        of_product = [one for one in free if one.product == line.billing_product]
        same = [one for one in of_product if _bills(one, line, contract)]
        if same:
            found[line.line_key] = same[0].native_id
            free.remove(same[0])
        elif of_product:
            told |= {one.native_id for one in of_product}
            refused.append(
                _against(
                    pair,
                    "line_differs",
                    f"{line.product_code}: sold {line.quantity} at {line.unit_price}, billed "
                    + ", ".join(_words(one) for one in of_product),
                )
            )
        else:
            refused.append(
                _against(pair, "line_not_billed", f"no item bills {line.billing_product}")
            )
    refused += [
        _against(pair, "item_not_sold", f"{one.native_id} bills {one.product} ({_words(one)})")
        for one in free
        if one.native_id not in told
    ]
    return found, refused


def _in_force(contract: Contract, subscription: BilledSubscription) -> Iterator[ContractLine]:
    """Lines that the subscription's present period bills."""
    for line in contract.lines:
        begun = line.start_date < subscription.period_end
        over = line.end_date is not None and line.end_date <= subscription.period_start
        if line.kind != ChargeKind.ONE_TIME and begun and not over:
            yield line


def _bills(item: BilledItem, line: ContractLine, contract: Contract) -> bool:
    if line.kind == ChargeKind.USAGE:
        return item.quantity is None
    months = contract.billing_frequency.months or item.period_months
    if item.quantity is None or item.unit_price is None or item.period_months != months:
        return False
    if item.quantity != line.quantity:
        return False
    if item.unit_price.currency != line.unit_price.currency or not line.period_months:
        return False
    return exact(item.unit_price) * line.period_months == exact(line.unit_price) * months


def _words(item: BilledItem) -> str:
    if item.quantity is None:
        return "as used"
    price: UnitPrice | None = item.unit_price
    return f"{item.quantity} at {price} for {item.period_months} months"


def _against(pair: Pairing, cause: str, detail: str) -> Unmatched:
    return Unmatched(
        system="crm",
        kind="deal",
        native_id=pair.deal.deal_id,
        cause=cause,
        detail=detail,
        candidates=(pair.subscription.ref.native_id,),
    )
