"""Tax treatment of a changed or added line, from the lines that the contract has.

The customer is not looked at again: the treatment of a product's tax category was decided when
the contract was made, and holds for the contract. Rates are those of the day the span starts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from dealthread.domain.catalog import ConfigSet, ProductMapping, TaxCode
from dealthread.domain.contract import ContractLine
from dealthread.domain.versions.refusal import OrderRefused


def tax_code_on(
    lines: Iterable[ContractLine], mapping: ProductMapping, config: ConfigSet, day: date
) -> TaxCode:
    """The code of the first line of the product's tax category, at the day's rate.

    Raises OrderRefused where no line has that category, or the code has no rate on the day.
    """
    for line in lines:
        known = product_of(line, config, day)
        if known is not None and known.tax_category == mapping.tax_category:
            found = config.tax_code(line.tax.code, day)
            if found is not None:
                return found
    raise OrderRefused(
        "tax_code_unknown",
        f"lines.{mapping.code}",
        f"no line of the contract is taxed as {mapping.tax_category}: tax decides the code",
    )


def product_of(line: ContractLine, config: ConfigSet, day: date) -> ProductMapping | None:
    """The mapping of a line's product on a day, or when the line started."""
    return config.product(line.product_code, day) or config.product(
        line.product_code, line.start_date
    )
