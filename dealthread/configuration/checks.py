"""Checks between files. Each part of the set has its room; duplicates and overlaps are here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Protocol

from dealthread.configuration import (
    collections_checks,
    company_checks,
    service_level_checks,
    trade_checks,
)
from dealthread.configuration.common import ACCOUNTS, ENTITIES, PRODUCTS, TAX, TERMS
from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.catalog import ConfigSet


class _Dated(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def valid_from(self) -> date: ...
    @property
    def valid_until(self) -> date | None: ...


def check(config: ConfigSet) -> list[ConfigProblem]:
    """Every problem between the parts of a set whose files are well-formed."""
    parts: tuple[Callable[[ConfigSet], Iterator[ConfigProblem]], ...] = (
        _duplicates,
        company_checks.duties,
        company_checks.entities,
        company_checks.posting,
        company_checks.billing_accounts,
        company_checks.payouts,
        company_checks.accounts,
        trade_checks.tax_codes,
        trade_checks.tax_rules,
        trade_checks.products,
        company_checks.terms_and_policy,
        collections_checks.policies,
        service_level_checks.levels,
    )
    return [problem for part in parts for problem in part(config)]


def _duplicates(config: ConfigSet) -> Iterator[ConfigProblem]:
    unique: tuple[tuple[str, str, Sequence[str]], ...] = (
        (ENTITIES, "legal_entities", [row.code for row in config.legal_entities]),
        (ACCOUNTS, "accounts", [row.code for row in config.accounts]),
        (TERMS, "payment_terms", [row.code for row in config.payment_terms]),
    )
    for file, part, codes in unique:
        for index, code in enumerate(codes):
            if code in codes[:index]:
                yield ConfigProblem(
                    file, f"{part}[{index}].code", repr(code), "given twice: keep one row"
                )
    yield from _overlaps(TAX, "tax_codes", config.tax_codes)
    yield from _overlaps(PRODUCTS, "products", config.products)


def _overlaps(file: str, part: str, rows: Sequence[_Dated]) -> Iterator[ConfigProblem]:
    for index, row in enumerate(rows):
        path = f"{part}[{index}]"
        if row.valid_until is not None and row.valid_until <= row.valid_from:
            yield ConfigProblem(
                file, f"{path}.valid_until", str(row.valid_until), "must be after valid_from"
            )
        for other in rows[:index]:
            if other.code == row.code and _overlap(row, other):
                yield ConfigProblem(
                    file,
                    f"{path}.valid_from",
                    str(row.valid_from),
                    f"overlaps another row of {row.code}: end that one with valid_until on this "
                    "day, or remove one",
                )


def _overlap(a: _Dated, b: _Dated) -> bool:
    return (b.valid_until is None or a.valid_from < b.valid_until) and (
        a.valid_until is None or b.valid_from < a.valid_until
    )
