"""Amounts of several currencies in one query.

SOQL Reference, "ORDER BY" (amounts are ordered by their value in the corporate currency),
"Aggregate Functions" and "Querying Currency Fields in Multicurrency Orgs" (sums and comparisons are
converted). To how many digits is not documented, so that queries that would convert are refused.
"""

from __future__ import annotations

from decimal import Decimal

from dealthread.simulators.salesforce.errors import not_simulated
from dealthread.simulators.salesforce.schema.model import Field, FieldType
from dealthread.simulators.salesforce.store import Store

_RATES = "CurrencyType"
_ONE = Decimal(1)


def refuse_conversion(store: Store, field: Field) -> None:
    """Raise unless the field is no amount or every currency's rate is 1."""
    if field.type is not FieldType.CURRENCY or store.schema.find(_RATES) is None:
        return
    if any(row["ConversionRate"] != _ONE for row in store.rows(_RATES)):
        raise not_simulated(
            f"converted amounts: {field.name} is compared, ordered or summed in an org whose"
            " currencies have rates other than 1"
        )
