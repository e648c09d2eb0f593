"""A tax rate that changes, as finance enters it: the old row ends on the day the new one begins."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from dealthread.domain.catalog import ConfigSet


def with_new_rate(config: ConfigSet, code: str, percent: str, day: date) -> ConfigSet:
    """The configuration with another rate of a code from a day on."""
    rows = []
    for row in config.tax_codes:
        if row.code != code or row.valid_until is not None:
            rows.append(row)
            continue
        rate = Decimal(percent)
        new = {"applied_rate": rate, "statutory_rate": rate, "valid_from": day}
        rows += [row.model_copy(update={"valid_until": day}), row.model_copy(update=new)]
    return config.model_copy(update={"tax_codes": tuple(rows)})
