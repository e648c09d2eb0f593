"""Currencies of a multicurrency org: `CurrencyIsoCode` of a record and the object CurrencyType.

Object reference, "CurrencyType": not available in single-currency orgs; never deleted. Creating and
changing currencies needs a permission of an administrator, so the integration user only reads them.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.schema.fields import (
    calculated,
    checkbox,
    number,
    picklist,
    sobject,
)
from dealthread.simulators.salesforce.schema.model import Field, FieldType, Row, SObject

_NO_DECIMALS = frozenset({"JPY"})
"""Active currencies without a minor unit (ISO 4217)."""


class Currencies:
    """Says which currency fields the objects of an org have: none in a single-currency org."""

    def __init__(self, config: SalesforceConfig) -> None:
        self._config = config

    def own(self, *, updateable: bool = True) -> list[Field]:
        """A record that is given its currency; the user's default currency without one."""
        return self._code(updateable=updateable)

    def inherited(self) -> list[Field]:
        """A record that has the currency of its parent."""
        return [calculated(one) for one in self._code(updateable=True)]

    def types(self) -> list[SObject]:
        """The object CurrencyType, if the org has it."""
        if not self._config.multicurrency:
            return []
        return [
            sobject(
                "CurrencyType",
                "01L",
                [
                    picklist("IsoCode", *self._config.currencies, length=40, required=True),
                    number("ConversionRate", 12, 6, required=True),
                    Field("DecimalPlaces", FieldType.INT, precision=9, required=True),
                    checkbox("IsActive"),
                    checkbox("IsCorporate"),
                ],
                createable=False,
                updateable=False,
                deletable=False,
            )
        ]

    def _code(self, *, updateable: bool) -> list[Field]:
        if not self._config.multicurrency:
            return []
        return [
            picklist(
                "CurrencyIsoCode",
                *self._config.currencies,
                length=3,
                default=self._config.default_currency,
                updateable=updateable,
            )
        ]


def currency_rows(config: SalesforceConfig) -> list[Row]:
    """The active currencies. The corporate one has the rate 1."""
    if not config.multicurrency:
        return []
    return [
        {
            "IsoCode": code,
            "ConversionRate": config.conversion_rates.get(code, Decimal(1)),
            "DecimalPlaces": Decimal(0 if code in _NO_DECIMALS else 2),
            "IsActive": True,
            "IsCorporate": code == config.default_currency,
        }
        for code in config.currencies
    ]
