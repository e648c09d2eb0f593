"""What the checks share: file names and the usual sentences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.country import COUNTRIES

ENTITIES = "legal_entities.yaml"
BILLING = "billing_accounts.yaml"
TAX = "tax.yaml"
PRODUCTS = "products.yaml"
ACCOUNTS = "accounts.yaml"
TERMS = "payment_terms.yaml"
POLICY = "policy.yaml"
COLLECTIONS = "collections.yaml"
SERVICE_LEVELS = "service_levels.yaml"


def countries_known(file: str, path: str, codes: tuple[str, ...]) -> Iterator[ConfigProblem]:
    """Countries that are not ISO 3166-1."""
    for code in codes:
        if code not in COUNTRIES:
            yield ConfigProblem(
                file, path, repr(code), "not an ISO 3166-1 country code: two capitals, as DE"
            )


def dangling(file: str, path: str, value: str, where: str) -> ConfigProblem:
    """A reference to something that is not there."""
    return ConfigProblem(file, path, repr(value), f"not found in {where}: add it there or correct")


def one_of(
    file: str, path: str, value: str, allowed: Sequence[str] | frozenset[str]
) -> ConfigProblem:
    """A value outside a closed list."""
    return ConfigProblem(file, path, repr(value), f"use one of {', '.join(sorted(allowed))}")
