"""What is sold: accepted versions, and what recurs of them in a year."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

from dealthread.domain.base import Frozen, Ref, System
from dealthread.domain.catalog import ChargeKind, ConfigSet
from dealthread.domain.contract import Contract
from dealthread.domain.metrics import RevenueLine, arr
from dealthread.domain.money import Money
from dealthread.domain.position.entry import DocumentKind, Entry, Figure
from dealthread.domain.rounding import exact, money_of
from dealthread.domain.versions.obligations import BY_PARTS, obligations_of
from dealthread.domain.versions.timeline import revenue_lines
from dealthread.domain.versions.without_end import begun_by, is_without_end


class AcceptedVersion(Frozen):
    """A version of a contract and the day on which both sides agreed to it."""

    contract: Contract
    """`contract.version` is its number."""
    accepted_on: date
    effective_from: date | None = None
    change_id: str


def in_force(versions: Sequence[AcceptedVersion], day: date) -> AcceptedVersion | None:
    """The latest version that was agreed by a day; None before the first."""
    found = [one for one in versions if one.accepted_on <= day]
    return max(found, key=lambda one: one.contract.version, default=None)


def sold_entries(versions: Sequence[AcceptedVersion], day: date) -> Iterator[Entry]:
    """What each version moves of the committed net; of a contract without end, each billing
    period that has begun. Usage is sold as it is billed."""
    before: AcceptedVersion | None = None
    for one in sorted(versions, key=lambda version: version.contract.version):
        if one.accepted_on > day:
            continue
        was = Money.zero(one.contract.currency) if before is None else _fixed(before.contract)
        moved = _fixed(one.contract) - was
        if moved:
            yield _entry(one, DocumentKind.VERSION, one.accepted_on, moved)
        before = one
    if before is not None and is_without_end(before.contract):
        for start, amount in begun_by(before.contract, day):
            yield _entry(before, DocumentKind.PERIOD, start, amount)


def arr_of(contract: Contract, day: date, config: ConfigSet) -> Money:
    """Annual recurring revenue of a day, half up; a bundle counts with the parts that recur."""
    return arr(recurring_lines(contract, config), day, contract.currency).amount


def recurring_lines(contract: Contract, config: ConfigSet) -> list[RevenueLine]:
    """The lines of `arr_of`: of a bundle the price of the parts that recur."""
    shares = {
        line.line_key: _recurring_share(contract, line.line_key, config)
        for line in contract.lines
        if line.revenue_rule == BY_PARTS
    }
    return [
        line.model_copy(update={"net": _part(line.net, shares[line.key])})
        if line.key in shares
        else line
        for line in revenue_lines(contract)
    ]


def _fixed(contract: Contract) -> Money:
    """Committed net without usage; of a contract without end, its one-time charges."""
    endless = is_without_end(contract)
    lines = (
        line.committed_net
        for line in contract.lines
        if line.kind == ChargeKind.ONE_TIME or (line.kind == ChargeKind.RECURRING and not endless)
    )
    return Money.total(lines, contract.currency)


def _recurring_share(contract: Contract, key: str, config: ConfigSet) -> Fraction:
    spans = [line for line in contract.lines if line.line_key == key]
    parts = obligations_of(spans[:1], config)
    whole = sum((exact(one.price) for one in parts), Fraction())
    recurring = sum((exact(one.price) for one in parts if not one.is_by_event), Fraction())
    return recurring / whole if whole else Fraction(1)


def _part(net: Money, share: Fraction) -> Money:
    return money_of(exact(net) * share, net.currency)


def _asked_by(one: AcceptedVersion) -> Ref:
    """The deal that was won; of a later version the change, which knows who asked for it."""
    contract = one.contract
    if contract.version == 1:
        return Ref(
            system=System.CRM,
            account=contract.org,
            kind="opportunity",
            native_id=contract.deal_id,
        )
    return Ref(system=System.HUB, account=contract.org, kind="change", native_id=one.change_id)


def _entry(one: AcceptedVersion, kind: DocumentKind, day: date, amount: Money) -> Entry:
    return Entry(
        figure=Figure.SOLD,
        amount=amount,
        day=day,
        contract_key=one.contract.key,
        kind=kind,
        number=f"{one.contract.key} v{one.contract.version}",
        source=_asked_by(one),
    )
