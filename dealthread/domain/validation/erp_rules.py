"""V22 V38: what the ERP would refuse, or silently accept and should not."""

from __future__ import annotations

from collections.abc import Iterator

from dealthread.domain.validation.rule import Assessment, Finding


def open_periods(a: Assessment) -> Iterator[Finding]:
    """V22: each period that the first posting touches is open."""
    yield from _of(a, "V22")


def posting_rules(a: Assessment) -> Iterator[Finding]:
    """V38: accounts, items, tax codes, terms and number series exist and are active."""
    yield from _of(a, "V38")


def _of(a: Assessment, rule: str) -> Iterator[Finding]:
    for row in a.facts.posting_findings or ():
        if row.rule == rule:
            yield Finding(row.field, row.value, row.detail)
