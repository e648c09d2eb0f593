"""Installs the package's objects and fields in an org's schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from dealthread.simulators.salesforce.cpq.quote_schema import quote, quote_line
from dealthread.simulators.salesforce.cpq.standard_fields import package_fields
from dealthread.simulators.salesforce.cpq.subscription_schema import subscription
from dealthread.simulators.salesforce.schema.currency import Currencies
from dealthread.simulators.salesforce.schema.fields import date, extended
from dealthread.simulators.salesforce.schema.model import SObject


def with_cpq(objects: Iterable[SObject], currencies: Currencies) -> list[SObject]:
    """The org's objects with the package installed."""
    added = package_fields()
    standard = [extended(one, added.get(one.name, ())) for one in objects]
    standard = [_with_own_end(one) if one.name == "Contract" else one for one in standard]
    return [*standard, quote(currencies), quote_line(currencies), subscription(currencies)]


def _with_own_end(contract: SObject) -> SObject:
    """With "Auto-calculate Contract End Date" off, EndDate is written like any other field."""
    return replace(contract, fields={**contract.fields, "enddate": date("EndDate")})
