"""V20 V23 V24 V25 V29: how it is billed and paid."""

from __future__ import annotations

from collections.abc import Iterator

from dealthread.domain.contracting import first_bill
from dealthread.domain.deal import BillingFrequency, BillingTiming, CollectionMethod, TermKind
from dealthread.domain.money import Money
from dealthread.domain.seller import payment_terms_of
from dealthread.domain.validation.rule import Assessment, Finding, Severity


def frequency_and_timing(a: Assessment) -> Iterator[Finding]:
    """V20: the price supports how it is billed. Fixed prices are billed in advance only."""
    frequency = a.deal.billing_frequency
    if frequency is None:
        if a.deal.term_kind is not TermKind.EVERGREEN:  # V16 names it there
            yield Finding("billing_frequency", "", "the billing period is missing")
        return
    if frequency is BillingFrequency.TERM and a.deal.term_kind is TermKind.EVERGREEN:
        yield Finding("billing_frequency", frequency, "an evergreen deal has no term to prepay")
        return
    for index, line, mapping in a.recurring_lines():
        if frequency not in mapping.frequencies:
            yield Finding(
                "billing_frequency",
                frequency,
                f"lines[{index}]: {line.product_code} is billed {', '.join(mapping.frequencies)}",
            )
    if a.deal.billing_timing is BillingTiming.ARREARS and any(a.recurring_lines()):
        yield Finding("billing_timing", a.deal.billing_timing, "only usage is billed in arrears")


def payment_terms(a: Assessment) -> Iterator[Finding]:
    """V23: a code of our list; longer than the credit policy waits for credit."""
    if a.seller is None:
        return
    terms = payment_terms_of(a.deal, a.config, a.seller)
    if terms is None:
        # Nobody can approve terms that neither the biller nor the ERP knows.
        yield Finding(
            "payment_terms",
            a.deal.payment_terms,
            f"unknown: use one of {', '.join(row.code for row in a.config.payment_terms)}",
            Severity.STOP,
            "deal.invalid_terms",
        )
    elif terms.days_until_due > a.config.policy.max_payment_terms_days:
        yield Finding(
            "payment_terms",
            terms.code,
            f"longer than {a.config.policy.max_payment_terms_days} days",
        )


def collection_method(a: Assessment) -> Iterator[Finding]:
    """V24: a card is on file where it is to be charged."""
    if a.seller is None or a.facts.payment_method_on_file is not False:
        return
    terms = payment_terms_of(a.deal, a.config, a.seller)
    by_card = a.deal.collection_method is CollectionMethod.CARD or (
        a.deal.collection_method is None and terms is not None and not terms.days_until_due
    )
    if by_card:
        yield Finding(
            "collection_method", CollectionMethod.CARD, "no usable payment method is on file"
        )


def credit(a: Assessment) -> Iterator[Finding]:
    """V25: not on stop, not in collections, within the limit with this deal's first bill."""
    facts = a.facts.credit
    if facts is None or a.contract is None:
        return
    if facts.stop:
        yield Finding("account.credit_stop", "true", "the customer is on credit stop")
    if facts.in_collections:
        yield Finding("account.in_collections", "true", "the customer is in collections")
    limit = facts.limit
    if limit is None:
        default = a.config.policy.credit_limit_default.get(a.deal.currency)
        limit = None if default is None else Money.of(default, a.deal.currency)
    exposure = facts.exposure + first_bill(a.contract).gross
    if limit is not None and limit < exposure:
        yield Finding("account.credit_limit", str(limit), f"exposure with this deal is {exposure}")


def po_number(a: Assessment) -> Iterator[Finding]:
    """V29: a purchase order where the customer requires one; a placeholder is none."""
    if a.deal.account is None or not a.deal.account.po_required:
        return
    given = a.deal.po_number.strip()
    if not given:
        yield Finding("po_number", "", "the customer requires a purchase order")
    elif given.upper() in {word.upper() for word in a.config.policy.placeholder_po}:
        yield Finding("po_number", given.upper(), "a placeholder is not a purchase order")
