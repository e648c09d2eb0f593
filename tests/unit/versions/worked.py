"""The worked deals of `facts/domain.md` §9 as contracts, orders for them, and their plans."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import lru_cache

from dealthread.config import load_config
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    CancellationReason,
    ChangeTiming,
    LineAction,
    LineOrder,
    RenewalDecision,
    RenewalOrder,
    WithdrawalOrder,
)
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import BillingFrequency, Deal
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.versions.plan import RevenuePlanRow
from dealthread.domain.versions.revenue import replanned
from dealthread.domain.versions.treatment import treatments
from tests.support import deal_builder as build

JULY = date(2026, 7, 1)
SEPTEMBER = date(2026, 9, 15)
SEATS_D1 = (
    "1,061.64 958.90 1,061.64 1,027.40 1,061.64 1,027.40 1,061.64 1,061.64 1,027.40 1,061.64 "
    "1,027.40 1,061.66"
).split()


@lru_cache
def config() -> ConfigSet:
    return load_config(build.CONFIG_DIR)


def contract_of(deal: Deal, today: date) -> Contract:
    return build_contract(deal, config(), today, "C-TEST")


def d1() -> Contract:
    return contract_of(build.d1(), build.D1_TODAY)


def d2() -> Contract:
    return contract_of(build.d2(), build.D2_TODAY)


def d3() -> Contract:
    return contract_of(build.d3(), build.D3_TODAY)


def d4() -> Contract:
    return contract_of(build.d4(), build.D4_TODAY)


def d5() -> Contract:
    return contract_of(build.d5(), build.D5_TODAY)


def monthly() -> Contract:
    """D3's platform for a fixed year, billed by month."""
    deal = build.d1().model_copy(
        update={
            "billing_frequency": BillingFrequency.MONTHLY,
            "lines": (build.line(1, "PLAT-M", "1", "500.00", "USD"),),
        }
    )
    return contract_of(deal, build.D1_TODAY)


def price(amount: str, currency: str = "USD") -> UnitPrice:
    return UnitPrice.of(amount, currency)


def usd(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "USD")


def eur(amount: str) -> Money:
    return Money.of(amount.replace(",", ""), "EUR")


def line(action: LineAction | str, key: str = "L1", **values: object) -> LineOrder:
    given = {**values}
    if "quantity" in given:
        given["quantity"] = Decimal(str(given["quantity"]))
    return LineOrder.model_validate({"action": action, "line_key": key, **given})


def quantity(value: int | str, key: str = "L1") -> LineOrder:
    return line(LineAction.QUANTITY, key, quantity=value)


def amendment(*lines: LineOrder, on: date | None = None, **values: object) -> AmendmentOrder:
    return AmendmentOrder.model_validate(
        {
            "change_id": "amendment:C-TEST:1",
            "contract_key": "C-TEST",
            "accepted_on": on or JULY,
            "timing": ChangeTiming.ON_DATE if on else ChangeTiming.NOW,
            "effective_from": on,
            "lines": lines,
        }
        | values
    )


def renewal(*lines: LineOrder, **values: object) -> RenewalOrder:
    return RenewalOrder.model_validate(
        {
            "change_id": "renewal:C-TEST:2",
            "contract_key": "C-TEST",
            "accepted_on": date(2026, 12, 1),
            "decision": RenewalDecision.ACCEPT,
            "lines": lines,
        }
        | values
    )


def cancellation(timing: ChangeTiming = ChangeTiming.NOW, **values: object) -> CancellationOrder:
    return CancellationOrder.model_validate(
        {
            "change_id": "cancellation:C-TEST:1",
            "contract_key": "C-TEST",
            "accepted_on": JULY,
            "timing": timing,
        }
        | values
    )


def withdrawal(accepted_on: date) -> WithdrawalOrder:
    return WithdrawalOrder(
        change_id="withdrawal:cancellation:C-TEST:1",
        contract_key="C-TEST",
        accepted_on=accepted_on,
        target="cancellation:C-TEST:1",
    )


RESCISSION = {"cause": CancellationReason.RESCISSION}


def by_month(rows: Iterable[RevenuePlanRow], *obligations: str) -> dict[date, Decimal]:
    """Revenue by month of the obligations; of all where none is named."""
    found: dict[date, Decimal] = {}
    for row in rows:
        if not obligations or row.obligation in obligations:
            found[row.month] = found.get(row.month, Decimal(0)) + row.amount.amount
    return dict(sorted(found.items()))


def amounts(rows: Iterable[RevenuePlanRow], *obligations: str) -> list[str]:
    return [f"{amount:,}" for amount in by_month(rows, *obligations).values()]


def total(rows: Iterable[RevenuePlanRow]) -> Decimal:
    return sum((row.amount.amount for row in rows), Decimal(0))


def replan(
    rows: tuple[RevenuePlanRow, ...],
    before: Contract,
    after: Contract,
    order,
    on: date,
    until: date | None = None,
) -> tuple[RevenuePlanRow, ...]:
    decisions = treatments(before, after, order, config())
    return replanned(rows, before, after, on, order.accepted_on, decisions, config(), until)
