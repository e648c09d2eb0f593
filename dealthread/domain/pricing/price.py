"""Price models: the forms in which sellers price a quantity. Data only; `rating.py` computes."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from dealthread.domain.base import Frozen
from dealthread.domain.money import ExactDecimal, Money, UnitPrice
from dealthread.domain.pricing.tier import TierTable


class FlatPrice(Frozen):
    """One amount a period, whatever the quantity."""

    model: Literal["flat"] = "flat"
    amount: Money

    @property
    def currency(self) -> str:
        """The currency of the price."""
        return self.amount.currency


class PerUnitPrice(Frozen):
    """The same price for every unit."""

    model: Literal["per_unit"] = "per_unit"
    unit_price: UnitPrice

    @property
    def currency(self) -> str:
        """The currency of the price."""
        return self.unit_price.currency


class OneTimePrice(Frozen):
    """A price for every unit, due in the first period only."""

    model: Literal["one_time"] = "one_time"
    unit_price: UnitPrice

    @property
    def currency(self) -> str:
        """The currency of the price."""
        return self.unit_price.currency


class GraduatedPrice(Frozen):
    """Each tier's units at that tier's price, and the fee of each tier that is reached.

    Zuora and Chargebee call it tiered, Kill Bill ALL_TIERS.
    """

    model: Literal["graduated"] = "graduated"
    table: TierTable

    @property
    def currency(self) -> str:
        """The currency of the price."""
        return self.table.currency


class VolumePrice(Frozen):
    """All units at the price of the one tier that the whole quantity falls into.

    Kill Bill calls it TOP_TIER. With fees and without unit prices it is a stairstep price.
    """

    model: Literal["volume"] = "volume"
    table: TierTable

    @property
    def currency(self) -> str:
        """The currency of the price."""
        return self.table.currency


class PartialPackage(StrEnum):
    """What becomes of a package that is only partly used."""

    CHARGED = "charged"
    """It counts as a whole one."""
    FREE = "free"
    """It does not count."""


class PackagePrice(Frozen):
    """A price for each package of so many units, after so many free ones."""

    model: Literal["package"] = "package"
    size: ExactDecimal
    package_price: Money
    free_units: ExactDecimal = Field(default=0, validate_default=True)
    partial: PartialPackage = PartialPackage.CHARGED

    @model_validator(mode="after")
    def _positive(self) -> PackagePrice:
        if self.size <= 0:
            raise ValueError("size: a package holds more than nought")
        if self.free_units < 0:
            raise ValueError("free_units: not negative")
        return self

    @property
    def currency(self) -> str:
        """The currency of the price."""
        return self.package_price.currency


class UsagePrice(Frozen):
    """A base fee that includes so many units, and a price for what is used beyond them.

    Tiers of the overage count from the first unit that is not included.
    """

    model: Literal["usage"] = "usage"
    included_units: ExactDecimal
    overage: Annotated[
        PerUnitPrice | GraduatedPrice | VolumePrice | PackagePrice, Field(discriminator="model")
    ]
    base_fee: Money | None = None

    @model_validator(mode="after")
    def _consistent(self) -> UsagePrice:
        if self.included_units < 0:
            raise ValueError("included_units: not negative")
        if self.base_fee is not None and self.base_fee.currency != self.overage.currency:
            raise ValueError("base_fee: in another currency than the overage")
        return self

    @property
    def currency(self) -> str:
        """The currency of the price."""
        return self.overage.currency


Price = Annotated[
    FlatPrice
    | PerUnitPrice
    | OneTimePrice
    | GraduatedPrice
    | VolumePrice
    | PackagePrice
    | UsagePrice,
    Field(discriminator="model"),
]
"""Any price model; JSON tells them apart by `model`."""
