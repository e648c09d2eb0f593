"""What SOQL has and the simulator has not: refused by name, never as a mistake of the query's.

Source: SOQL and SOSL Reference, "SELECT Syntax", "Date Functions", "Querying Currency Fields",
"Location-Based SOQL Queries".
"""

from __future__ import annotations

import re

from dealthread.simulators.salesforce.errors import SalesforceError, not_simulated

_FUNCTIONS = frozenset(
    {
        "CALENDAR_MONTH", "CALENDAR_QUARTER", "CALENDAR_YEAR", "CONVERTCURRENCY",
        "CONVERTTIMEZONE", "CUBE", "DAY_IN_MONTH", "DAY_IN_WEEK", "DAY_IN_YEAR", "DAY_ONLY",
        "DISTANCE", "FISCAL_MONTH", "FISCAL_QUARTER", "FISCAL_YEAR", "FORMAT", "GEOLOCATION",
        "GROUPING", "HOUR_IN_DAY", "ROLLUP", "TOLABEL", "WEEK_IN_MONTH", "WEEK_IN_YEAR",
    }
)  # fmt: skip
_CURRENCY_LITERAL = re.compile(r"[A-Z]{3}\d+")


def is_function(name: str) -> bool:
    """Whether a name before a bracket is a function of SOQL that is not carried."""
    return name.upper() in _FUNCTIONS


def is_currency_literal(word: str) -> bool:
    """Whether a bare word is an amount with its currency, as in `USD5000`."""
    return _CURRENCY_LITERAL.fullmatch(word) is not None


def refused(what: str) -> SalesforceError:
    """501 NOT_SIMULATED that names the part of SOQL."""
    return not_simulated(f"{what} in SOQL")
