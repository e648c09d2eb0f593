"""What is wrong with an order as a whole, before any of it is carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.change_order import (
    AmendmentOrder,
    CancellationOrder,
    CancellationReason,
    ChangeOrder,
    LineOrder,
    RenewalDecision,
    RenewalOrder,
)
from dealthread.domain.contract import Contract, RenewalKind
from dealthread.domain.versions.effective import effective_date
from dealthread.domain.versions.line_checks import line_findings
from dealthread.domain.versions.refusal import OrderRefusal, OrderRefused


def _refusal(code: str, field: str, action: str) -> OrderRefusal:
    return OrderRefusal(code=code, field=field, action=action)


def base_findings(contract: Contract, order: ChangeOrder) -> Iterator[OrderRefusal]:
    """Of the contract that the order names and the version that it was quoted on."""
    if order.contract_key != contract.key:
        yield _refusal("other_contract", "contract_key", "the order is for another contract")
    if order.base_version is not None and order.base_version != contract.version:
        yield _refusal("version_stale", "base_version", "quote it again on the present version")


def amendment_findings(
    contract: Contract, order: AmendmentOrder, config: ConfigSet, today: date
) -> Iterator[OrderRefusal]:
    """Everything that is wrong with an amendment."""
    yield from base_findings(contract, order)
    if not (order.lines or order.payment_terms or order.regional_deals):
        yield _refusal("nothing_asked", "lines", "say what changes")
    if order.payment_terms and config.terms(order.payment_terms) is None:
        yield _refusal("terms_unknown", "payment_terms", "use a code of payment_terms.yaml")
    yield from _twice(order.lines)
    try:
        on = effective_date(contract, order, today)
    except OrderRefused as refused:
        yield refused.refusal
        return
    if on < contract.start_date:
        yield _refusal("before_start", "effective_from", "the contract has not started then")
        return
    if contract.end_date is not None and on >= contract.end_date:
        yield _refusal("after_end", "effective_from", "order it with the renewal")
        return
    for line in order.lines:
        yield from line_findings(contract, line, on, config, on)


def renewal_findings(
    contract: Contract, order: RenewalOrder, config: ConfigSet, today: date
) -> Iterator[OrderRefusal]:
    """Everything that is wrong with a renewal."""
    yield from base_findings(contract, order)
    end = contract.end_date
    if end is None:
        yield _refusal("evergreen", "contract_key", "a contract without end is not renewed")
        return
    if contract.later_terms and today < contract.later_terms[-1]:
        yield _refusal("renewed_already", "contract_key", "the next term is agreed")
    terms = contract.renewal
    if order.decision is RenewalDecision.AUTOMATIC and not contract.auto_renew:
        yield _refusal("not_automatic", "decision", "it renews only when the customer accepts")
    if today > end + timedelta(days=0 if terms is None else terms.grace_days):
        yield _refusal("grace_over", "contract_key", "sell it as a new contract")
    if order.decision is RenewalDecision.DECLINE:
        return
    if order.term_months is not None and order.term_months <= 0:
        yield _refusal("term_not_positive", "term_months", "give the months of the next term")
    if order.uplift_percent is not None and order.uplift_percent <= -100:
        yield _refusal("uplift_too_low", "uplift_percent", "a price stays above nothing")
    yield from _twice(order.lines)
    for line in order.lines:
        yield from line_findings(contract, line, end, config, end - timedelta(days=1))


def cancellation_findings(
    contract: Contract, order: CancellationOrder, today: date
) -> Iterator[OrderRefusal]:
    """Everything that is wrong with a cancellation."""
    yield from base_findings(contract, order)
    try:
        on = effective_date(contract, order, today)
    except OrderRefused as refused:
        yield refused.refusal
        return
    if on < contract.start_date:
        yield _refusal("before_start", "effective_from", "rescind it: it has not started then")
    if contract.end_date is not None and on > contract.end_date:
        yield _refusal("after_end", "effective_from", "it has ended by then")
    is_rescission = order.cause is CancellationReason.RESCISSION
    if is_rescission and not order.credit_unused:
        yield _refusal("rescission_credits", "credit_unused", "a rescission credits everything")
    if contract.renewal is not None and on == contract.end_date and not is_rescission:
        is_ended = contract.renewal.kind is RenewalKind.NONE and not contract.auto_renew
        if is_ended and contract.committed_until == on:
            yield _refusal("ends_already", "timing", "nothing follows that day already")


def _twice(lines: tuple[LineOrder, ...]) -> Iterator[OrderRefusal]:
    for key, count in Counter(line.line_key for line in lines).items():
        if count > 1:
            yield _refusal("line_twice", f"lines.{key}", "give one action for each line")


def raise_first(findings: Iterator[OrderRefusal]) -> None:
    """Raises OrderRefused for the first finding."""
    for finding in findings:
        raise OrderRefused.because(finding)
