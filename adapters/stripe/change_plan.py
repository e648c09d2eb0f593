"""A change of a contract as the biller has to bill it: items now, phases to come, the end. Pure.

The cycle of the running subscription goes on: a line that is added or repriced is billed for the
same periods as the others, whatever the span that the contract counts for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any

from adapters.stripe import requests, translate
from adapters.stripe.catalogue import TAX_CODE
from adapters.stripe.plan import (
    Charge,
    Every,
    Phase,
    charge_of,
    interval_of,
    midnight,
    recurring_charge,
    refused,
    usage_charge,
)
from adapters.stripe.usage_prices import key_of
from dealthread.domain.contract import Contract, ContractLine
from dealthread.domain.deal import TermKind
from dealthread.domain.money import EXPONENTS
from dealthread.ports.billing import ChangeAgreement

MAX_LATER = 9
"""A schedule holds ten phases, the present one among them (docs: subscription-schedules)."""
_PLACES = Decimal("1e-12")


@dataclass(frozen=True)
class Target:
    """What a subscription has to be after a change. `later` holds what differs from the phase
    before it; `end` is the first day not served."""

    now: tuple[Charge, ...]
    later: tuple[Phase, ...]
    end: date | None
    every: Every
    """Of the present cycle."""

    def has_ended(self, now: datetime) -> bool:
        """Whether nothing is served any more."""
        return self.end is not None and midnight(self.end) <= now


@dataclass(frozen=True)
class Differences:
    """Entries of the parameter `items`, and the items that go, with the line each one billed."""

    charged: list[Any] = field(default_factory=list)
    plain: list[Any] = field(default_factory=list)
    retired: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.charged or self.plain)


def end_of(contract: Contract) -> date | None:
    """The first day not served; None = it goes on."""
    committed = contract.committed_until if contract.term_kind is TermKind.FIXED else None
    return min((end for end in (contract.end_date, committed) if end), default=None)


def is_renewal(command: ChangeAgreement) -> bool:
    """Whether a further term is added."""
    return command.after.term_no > command.before.term_no


def target_of(command: ChangeAgreement, row: translate.Data, now: datetime) -> Target:
    """What the subscription has to be, seen from now. Raises StepRejected."""
    after, today = command.after, now.astimezone(UTC).date()
    end = end_of(after)
    measure = _Measure.of(command, row, today)
    if end is not None and midnight(end) <= now:
        return Target((), (), end, measure.every)
    present = _held(command, measure, today)
    if not present:
        raise refused("no_recurring_line", "lines")
    later: list[Phase] = []
    before, cuts = present, sorted(_cuts(after, today, end))
    for cut in cuts:
        recurring = _held(command, measure, cut)
        if not recurring:
            raise refused("gap_without_recurring_line", "lines.start_date")
        one_time = tuple(
            charge_of(line, line.unit_price.amount, None)
            for line in after.lines
            if line.kind == "one_time" and line.start_date == cut
        )
        if recurring != before or one_time:
            later.append(Phase(cut, None, recurring, one_time))
        before = recurring
    if len(later) > MAX_LATER:
        raise refused("too_many_future_changes", "lines")
    ends = [*(phase.start for phase in later[1:]), end]
    phases = tuple(
        Phase(phase.start, until, phase.recurring, phase.one_time)
        for phase, until in zip(later, ends, strict=bool(later))
    )
    return Target(present, phases, end, measure.every)


def differences(
    command: ChangeAgreement,
    row: translate.Data,
    target: Target,
    rates: Mapping[str, str],
) -> Differences:
    """What the present items lack. Only lines that the change touches are looked at."""
    touched = changed_keys(command)
    replaced = replaced_keys(command)
    present = {key: item for key, item in our_items(row) if key in touched - replaced}
    wanted = {charge.line_key: charge for charge in target.now if charge.line_key in touched}
    found = Differences()
    for key in sorted(replaced):
        charge = wanted.pop(key, None)
        is_there = False
        for item in (item for own, item in our_items(row) if own == key):
            if charge is not None and not is_there and _bills(item, charge):
                is_there = True
                continue
            native_id = translate.text(item, "id")
            found.plain.append({"id": native_id, "deleted": True})
            found.retired[native_id] = key
        if charge is not None and not is_there:
            found.charged.append(requests.item(charge, rates))
    for key, item in present.items():
        charge = wanted.get(key)
        entries = found.charged if key in command.charge_lines else found.plain
        native_id = translate.text(item, "id")
        if charge is None or translate.text(item, "price", "product") != charge.product:
            entries.append({"id": native_id, "deleted": True})
            found.retired[native_id] = key
            if charge is not None:
                entries.append(requests.item(charge, rates))
            continue
        entry: dict[str, Any] = {}
        if not _is_taxed_as(item, charge):
            entry["tax_rates"] = [rates[charge.rate_key]]
        if charge.usage is not None:
            if translate.text(item, "price", "id") != rates[key_of(charge)]:
                # What was used at the old price is not billed yet.
                raise refused("usage_price_within_a_period", "lines.usage", "catalogue.drift")
            if entry:
                found.plain.append({"id": native_id, **entry})
            continue
        if unit_amount(item) != charge.unit_amount:
            entry["price_data"] = requests.item(charge, rates)["price_data"]
        if entry or translate.at(item, "quantity") != charge.quantity:
            entries.append({"id": native_id, **entry, "quantity": charge.quantity})
    for key, charge in wanted.items():
        if key not in present:
            entries = found.charged if key in command.charge_lines else found.plain
            entries.append(requests.item(charge, rates))
    return found


def replaced_keys(command: ChangeAgreement) -> frozenset[str]:
    """Keys of lines that are charged anew while their old state is given back by a credit: another
    item takes the place of the present one, which goes without a proration. Stripe would give back
    what the present one billed, and knows nothing of the credit notes on that."""
    credited = frozenset(credit.line_key for credit in command.credits)
    return credited & changed_keys(command) & frozenset(command.charge_lines)


def _bills(item: translate.Data, charge: Charge) -> bool:
    return (
        translate.text(item, "price", "product"),
        unit_amount(item),
        translate.at(item, "quantity"),
    ) == (charge.product, charge.unit_amount, charge.quantity)


def _is_taxed_as(item: translate.Data, charge: Charge) -> bool:
    """By code and percentage: an account may hold several rates that are alike."""
    taxed = [
        (translate.mark(rate, TAX_CODE), Decimal(str(translate.at(rate, "percentage"))))
        for rate in translate.rows(item, "tax_rates")
    ]
    return taxed == [(charge.tax_code, charge.tax_rate_percent)]


def refuse_one_time(command: ChangeAgreement, now: datetime) -> None:
    """A one-time line that starts within the running period: no page says on which invoice it would
    stand beside prorations. One that starts with a phase to come is billed by that phase."""
    known = {line.line_key for line in command.before.lines}
    for line in command.after.lines:
        is_new = line.kind == "one_time" and line.line_key not in known
        if is_new and midnight(line.start_date) <= now:
            raise refused("one_time_line_within_a_period", "lines.kind")


def changed_keys(command: ChangeAgreement) -> frozenset[str]:
    """Keys of lines whose spans differ between the two versions."""
    keys = {line.line_key for line in (*command.before.lines, *command.after.lines)}
    return frozenset(
        key for key in keys if _spans(command.before, key) != _spans(command.after, key)
    )


def our_items(row: translate.Data) -> Iterator[tuple[str, translate.Data]]:
    """Line key and item; items that are not ours are left alone."""
    for item in translate.rows(row, "items", "data"):
        key = translate.mark(item, requests.LINE)
        if key:
            yield key, item


def unit_amount(item: translate.Data) -> Decimal:
    """Of an item's price, in minor units."""
    value = translate.at(item, "price", "unit_amount_decimal")
    if value is None:
        raise translate.drift("price.unit_amount_decimal")
    return Decimal(str(value))


def every_of(item: translate.Data) -> Every:
    """How often an item's price recurs."""
    interval = translate.text(item, "price", "recurring", "interval")
    count = translate.minor(item, "price", "recurring", "interval_count")
    if interval == "day":
        return Every("day", count)
    if interval in ("month", "year"):
        return Every("month" if interval == "month" else "year", count)
    raise translate.drift("price.recurring.interval")


@dataclass(frozen=True)
class _Measure:
    """How a price of the contract becomes the unit amount of one billing period."""

    every: Every
    per_month: Fraction
    """Minor units of a period for a price of 1 a month. For terms that are counted by days it is
    whatever the running items show."""

    @classmethod
    def of(cls, command: ChangeAgreement, row: translate.Data, today: date) -> _Measure:
        items = [
            (key, item)
            for key, item in our_items(row)
            if translate.at(item, "price", "recurring", "usage_type") != "metered"
        ]
        if not items:
            raise refused("no_item_of_ours", "agreement.items", "billing.rejected")
        every = every_of(items[0][1])
        months = every.count * {"year": 12, "month": 1, "day": 0}[every.interval]
        usual = Fraction(months * 10 ** EXPONENTS[command.before.currency])
        shown = [
            Fraction(unit_amount(item)) * line.period_months / Fraction(line.unit_price.amount)
            for contract in (command.before, command.after)
            for key, item in items
            for line in contract.lines
            if line.line_key == key and _holds(line, today) and line.unit_price.amount
        ]
        if months and (usual in shown or not shown):
            return cls(every, usual)
        if not shown:
            raise refused("billing_period_not_known", "billing_frequency")
        return cls(every, shown[0])

    def charge(self, line: ContractLine) -> Charge:
        """The line, billed by the running cycle."""
        exact = Fraction(line.unit_price.amount) * self.per_month / line.period_months
        minor = (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(
            _PLACES, ROUND_HALF_UP
        )
        amount = minor.scaleb(-EXPONENTS[line.unit_price.currency])
        return charge_of(line, amount, self.every)


def _held(command: ChangeAgreement, measure: _Measure, day: date) -> tuple[Charge, ...]:
    after, end, turn = command.after, end_of(command.after), end_of(command.before)
    is_new_term = is_renewal(command) and turn is not None and day >= turn
    held = []
    for line in after.lines:
        if line.kind == "one_time" or not _holds(line, day):
            continue
        if line.kind == "usage":
            held.append(usage_charge(after, line))
            continue
        if is_new_term and turn and interval_of(after, turn, end) != measure.every:
            held.append(recurring_charge(after, line, end))
        else:
            held.append(measure.charge(line))
    return tuple(held)


def _holds(line: ContractLine, day: date) -> bool:
    return line.start_date <= day and (line.end_date is None or day < line.end_date)


def _cuts(contract: Contract, today: date, end: date | None) -> set[date]:
    days = set()
    for line in contract.lines:
        days.add(line.start_date)
        if line.kind != "one_time" and line.end_date is not None:
            days.add(line.end_date)
    return {day for day in days if day > today and (end is None or day < end)}


def _spans(contract: Contract, key: str) -> list[tuple[object, ...]]:
    return [
        (
            line.start_date,
            line.end_date,
            line.quantity,
            line.unit_price,
            line.billing_product,
            line.tax.code,
            line.tax.applied_rate,
        )
        for line in contract.lines
        if line.line_key == key
    ]
