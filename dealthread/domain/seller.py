"""Which of our companies sells a deal (rule V04)."""

from __future__ import annotations

from datetime import date

from dealthread.domain.catalog import ConfigSet, LegalEntity, PaymentTerms
from dealthread.domain.deal import Deal


def seller_candidates(deal: Deal, config: ConfigSet, on: date) -> tuple[str, ...]:
    """Companies that may sell the deal; exactly one is needed.

    The deal desk's choice comes first, then the country of the bill-to, then of the ship-to.
    A company that does not sell one of the products is left out.
    """
    codes: tuple[str, ...] = ()
    if deal.seller_hint:
        codes = tuple(row.code for row in config.legal_entities if row.code == deal.seller_hint)
    elif deal.account is not None:
        for country in (deal.account.billing_address.country, deal.account.ship_to().country):
            codes = tuple(row.code for row in config.legal_entities if country in row.sells_to)
            if codes:
                break
    mapped = [config.product(line.product_code, on) for line in deal.lines]
    return tuple(
        code
        for code in codes
        if all(row is None or not row.sellers or code in row.sellers for row in mapped)
    )


def resolve_seller(deal: Deal, config: ConfigSet, on: date) -> LegalEntity | None:
    """The one seller, or None."""
    codes = seller_candidates(deal, config, on)
    return config.legal_entity(codes[0]) if len(codes) == 1 else None


def payment_terms_of(deal: Deal, config: ConfigSet, seller: LegalEntity) -> PaymentTerms | None:
    """The deal's terms, else the seller's; None when the code is not in the list."""
    return config.terms(deal.payment_terms or seller.default_payment_terms)
