"""V01 V02 V03 V12 V19 V21 and the approval amount: the deal as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

from dealthread.domain.catalog import ChargeKind
from dealthread.domain.contracting import list_price_of
from dealthread.domain.deal import TermKind
from dealthread.domain.validation.rule import Assessment, Finding


def still_won(a: Assessment) -> Iterator[Finding]:
    """V01: read back, the deal is won and not deleted."""
    if a.deal.is_deleted:
        yield Finding("is_deleted", "true", "the deal was deleted in the CRM")
    if not a.deal.is_won:
        yield Finding("is_won", "false", "the deal is not won any more")


def not_processed(a: Assessment) -> Iterator[Finding]:
    """V02: no accepted version has the same content."""
    content = a.facts.content_hash or a.deal.content_hash()
    if content in (a.facts.accepted_hashes or ()):
        yield Finding("content_hash", content[:12], "this content was accepted before")


def signed(a: Assessment) -> Iterator[Finding]:
    """V03: date and document of the signature, where policy asks."""
    if not a.config.policy.signature_required:
        return
    if a.deal.signed_on is None:
        yield Finding("signed_on", "", "the date of signature is missing")
    if not a.deal.signed_document.strip():
        yield Finding("signed_document", "", "the reference of the signed document is missing")


def discount_authority(a: Assessment) -> Iterator[Finding]:
    """V12: total discount within what policy or a recorded approval allows.

    A product without list price in the configuration has a free price and does not count.
    """
    listed = agreed = Decimal(0)
    for _, line, mapping in a.mapped_lines():
        reference = list_price_of(mapping, a.deal.currency)
        if reference is None or mapping.kind is ChargeKind.USAGE:
            continue
        listed += (line.list_price or reference).amount * line.quantity
        agreed += line.unit_price.amount * line.quantity
    if listed <= 0:
        return
    percent = ((listed - agreed) * 100 / listed).quantize(Decimal("0.01"), ROUND_HALF_UP)
    allowed = max(a.config.policy.max_unapproved_discount_percent, a.deal.approved_discount_percent)
    if percent > allowed:
        yield Finding(
            "lines.unit_price",
            f"{percent} %",
            f"the discount on list is above the {allowed.normalize():f} % that are approved",
        )


def termination_rights(a: Assessment) -> Iterator[Finding]:
    """V19: rights that may shorten the accounting term are decided by a person."""
    if a.deal.termination_for_convenience and a.deal.term_kind is TermKind.FIXED:
        yield Finding(
            "termination_for_convenience",
            "true",
            "the customer may end a fixed term: decide the accounting term",
        )
    if a.deal.auto_renew and a.deal.notice_days is None:
        yield Finding("notice_days", "", "renews by itself, but the notice period is not recorded")


def start_date(a: Assessment) -> Iterator[Finding]:
    """V21: not too far ahead and not too far back."""
    start, policy = a.deal.start_date, a.config.policy
    if start is None:
        return
    if start > a.today + timedelta(days=policy.max_future_start_days):
        yield Finding(
            "start_date",
            start.isoformat(),
            f"more than {policy.max_future_start_days} days ahead of {a.today}",
        )
    if start < a.today - timedelta(days=policy.max_backdate_days):
        yield Finding(
            "start_date",
            start.isoformat(),
            f"more than {policy.max_backdate_days} days before {a.today}",
        )


def approval_amount(a: Assessment) -> Iterator[Finding]:
    """P01: the committed value is above the amount that policy lets through."""
    limit = a.config.policy.approval_amount.get(a.deal.currency)
    if a.contract is None or limit is None:
        return
    value = a.contract.tcv()
    if value.amount > limit:
        yield Finding("lines", str(value), f"above the approval amount of {limit:,}")
