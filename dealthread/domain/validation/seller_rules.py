"""V04 V05 V06 V07: who sells, where, through which account, in which currency."""

from __future__ import annotations

from collections.abc import Iterator

from dealthread.domain.seller import seller_candidates
from dealthread.domain.validation.rule import Assessment, Finding


def seller_resolvable(a: Assessment) -> Iterator[Finding]:
    """V04: exactly one of our companies."""
    codes = seller_candidates(a.deal, a.config, a.today)
    if len(codes) == 1:
        return
    if len(codes) > 1:
        yield Finding("seller_hint", ", ".join(codes), "more than one company may sell: choose one")
    elif a.deal.seller_hint:
        yield Finding(
            "seller_hint", a.deal.seller_hint, "no such company, or it does not sell a product here"
        )
    else:
        country = a.deal.account.billing_address.country if a.deal.account else ""
        yield Finding(
            "seller_hint", country[:3], "no company sells to this country: choose one on the deal"
        )


def may_sell_here(a: Assessment) -> Iterator[Finding]:
    """V05: an active registration where tax is charged. No tax charged, none needed."""
    if a.seller is None:
        return
    day = a.tax_date()
    active = {
        row.jurisdiction
        for row in a.seller.tax_registrations
        if row.since <= day and (row.until is None or day < row.until)
    }
    needed = {
        code.jurisdiction
        for _, _, mapping in a.mapped_lines()
        if (code := a.tax_code(mapping)) is not None and code.applied_rate > 0
    }
    for jurisdiction in sorted(needed - active):
        yield Finding(
            "account.ship_to",
            jurisdiction,
            f"{a.seller.code} has no tax registration there on {day}",
        )


def billing_account(a: Assessment) -> Iterator[Finding]:
    """V06: the seller has an account at the biller. Its currencies are rule V07."""
    if a.seller is not None and not any(
        row.seller == a.seller.code for row in a.config.billing_accounts
    ):
        yield Finding("seller_hint", a.seller.code, "this company has no billing account")


def currency(a: Assessment) -> Iterator[Finding]:
    """V07: one currency on deal, lines, price book, billing account and billing customer."""
    deal = a.deal
    for index, line in enumerate(deal.lines):
        if line.unit_price.currency != deal.currency:
            yield Finding(
                f"lines[{index}].unit_price",
                line.unit_price.currency,
                f"the deal is in {deal.currency}",
            )
    if deal.price_book_currency and deal.price_book_currency != deal.currency:
        yield Finding(
            "price_book_currency", deal.price_book_currency, f"the deal is in {deal.currency}"
        )
    if a.seller is not None and a.config.billing_account(a.seller.code, deal.currency) is None:
        yield Finding("currency", deal.currency, f"{a.seller.code} does not bill in it")
    used = a.facts.billing_customer_currency
    if used and used.upper() != deal.currency:
        yield Finding(
            "currency", deal.currency, f"the billing customer already uses {used.upper()}"
        )
