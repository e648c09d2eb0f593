"""Allocation: what stays outside, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from dealthread.domain.money import Money
from dealthread.domain.revenue.allocation import Allocation, allocate
from dealthread.domain.revenue.obligation import PerformanceObligation, SoldTogether


def usd(amount: str) -> Money:
    return Money.of(amount, "USD")


def obligation(key: str, price: str = "100", ssp: str | None = "100", **more: Any) -> Any:
    return PerformanceObligation(
        key=key, price=usd(price), ssp=None if ssp is None else usd(ssp), **more
    )


def test_what_is_collected_for_others_stays_outside() -> None:
    found = allocate(
        [
            obligation("seats", "90"),
            obligation("fee", "7", None, is_pass_through=True),
            obligation("help", "90", "50"),
        ]
    )
    assert found.transaction_price == usd("180")
    assert found.amounts == (("seats", usd("120")), ("help", usd("60")))
    with pytest.raises(KeyError):
        found.of("fee")


def test_an_only_obligation_without_a_price_takes_all() -> None:
    assert allocate([obligation("seats", "90", None)]).of("seats") == usd("90")


def test_a_residual_needs_something_left() -> None:
    with pytest.raises(ValueError, match=r"^ssp: 0.00 USD is left"):
        allocate([obligation("a"), obligation("b", "0", None)])
    with pytest.raises(ValueError, match=r"^ssp: 50.00 USD is left"):
        allocate([obligation("a"), obligation("b", "50", None, ssp_high=usd("40"))])


@pytest.mark.parametrize(
    ("obligations", "together", "field"),
    [
        ([], [], "obligations"),
        ([obligation("a"), obligation("a")], [], "obligations"),
        (
            [
                obligation("a"),
                PerformanceObligation(key="b", price=Money.of(1, "EUR"), ssp=Money.of(1, "EUR")),
            ],
            [],
            "obligations",
        ),
        ([obligation("a", ssp=None), obligation("b", ssp=None)], [], "ssp"),
        ([obligation("a")], [("a",), ("a",)], "sold_together"),
        ([obligation("a")], [("b",)], "sold_together"),
    ],
)
def test_obligations_that_do_not_fit_are_refused(
    obligations: list[PerformanceObligation], together: list[tuple[str, ...]], field: str
) -> None:
    bundles = [SoldTogether(keys=keys, price=usd("1")) for keys in together]
    with pytest.raises(ValueError, match=f"^{field}: "):
        allocate(obligations, sold_together=bundles)


@pytest.mark.parametrize(
    "fields",
    [
        {"ssp": Money.of(1, "EUR")},
        {"ssp": Money.of(0, "USD")},
        {"ssp_low": Money.of(2, "USD"), "ssp_high": Money.of(1, "USD")},
    ],
)
def test_an_obligation_that_contradicts_itself_is_refused(fields: dict[str, Money]) -> None:
    with pytest.raises(ValueError, match="ssp"):
        PerformanceObligation(key="a", price=usd("1"), **fields)  # type: ignore[arg-type]


def test_an_allocation_comes_back_from_json_as_it_was() -> None:
    found = allocate([obligation("a"), obligation("b", "1", "3")])
    assert Allocation.model_validate_json(found.model_dump_json()) == found
