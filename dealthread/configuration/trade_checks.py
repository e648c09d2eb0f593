"""Tax codes, tax rules and products."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from dealthread.configuration.common import (
    ACCOUNTS,
    ENTITIES,
    PRODUCTS,
    TAX,
    countries_known,
    dangling,
    one_of,
)
from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.catalog import ChargeKind, ConfigSet
from dealthread.domain.country import US_REGIONS
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.party import BuyerType

ACCESS_POLICIES = frozenset({"on_signature", "on_start", "on_first_payment"})


def tax_codes(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Rates that add up: statutory × share = applied."""
    entities = {entity.code for entity in config.legal_entities}
    for index, row in enumerate(config.tax_codes):
        path = f"tax_codes[{index}]"
        if row.seller not in entities:
            yield dangling(TAX, f"{path}.seller", row.seller, ENTITIES)
        expected = row.statutory_rate * row.taxable_share / Decimal(100)
        if expected != row.applied_rate:
            yield ConfigProblem(
                TAX,
                f"{path}.applied_rate",
                str(row.applied_rate),
                f"statutory {row.statutory_rate} % on {row.taxable_share} % of the charge is "
                f"{expected.normalize():f} %: correct one of the three",
            )
        for name in ("applied_rate", "statutory_rate", "taxable_share"):
            value: Decimal = getattr(row, name)
            if not Decimal(0) <= value <= Decimal(100):
                yield ConfigProblem(TAX, f"{path}.{name}", str(value), "a percentage, 0 to 100")


def tax_rules(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Rules point to codes of their own seller."""
    entities = {entity.code for entity in config.legal_entities}
    seller_of = {row.code: row.seller for row in config.tax_codes}
    for index, rule in enumerate(config.tax_rules):
        path = f"tax_rules[{index}]"
        if rule.seller not in entities:
            yield dangling(TAX, f"{path}.seller", rule.seller, ENTITIES)
        if rule.code not in seller_of:
            yield dangling(TAX, f"{path}.code", rule.code, f"tax_codes of {TAX}")
        elif seller_of[rule.code] != rule.seller:
            yield ConfigProblem(
                TAX,
                f"{path}.code",
                repr(rule.code),
                f"is a code of {seller_of[rule.code]}, not of {rule.seller}",
            )
        yield from countries_known(TAX, f"{path}.country", rule.country)
        yield from countries_known(TAX, f"{path}.not_country", rule.not_country)
        if rule.buyer_type and rule.buyer_type not in set(BuyerType):
            yield one_of(TAX, f"{path}.buyer_type", rule.buyer_type, tuple(BuyerType))
        if rule.country == ("US",):
            for region in rule.region:
                if region not in US_REGIONS:
                    yield ConfigProblem(
                        TAX, f"{path}.region", repr(region), "not a state: two capitals, as TX"
                    )


def products(config: ConfigSet) -> Iterator[ConfigProblem]:
    """What a product points to, and how it may be billed."""
    entities = {entity.code for entity in config.legal_entities}
    kinds = {account.code: account.kind for account in config.accounts}
    # Rules without a category match a misspelt one, too: it must be named by some rule.
    categories = {rule.category for rule in config.tax_rules if rule.category}
    for index, row in enumerate(config.products):
        path = f"products[{index}]"
        if row.revenue_account not in kinds:
            yield dangling(PRODUCTS, f"{path}.revenue_account", row.revenue_account, ACCOUNTS)
        elif kinds[row.revenue_account] != "income":
            yield ConfigProblem(
                PRODUCTS,
                f"{path}.revenue_account",
                repr(row.revenue_account),
                f"is of kind {kinds[row.revenue_account]}: revenue needs an income account",
            )
        for seller in row.sellers:
            if seller not in entities:
                yield dangling(PRODUCTS, f"{path}.sellers", seller, ENTITIES)
        if categories and row.tax_category not in categories:
            yield dangling(
                PRODUCTS, f"{path}.tax_category", row.tax_category, f"tax_rules of {TAX}"
            )
        for name in ("billing_product", "erp_item", "revenue_rule"):
            if not getattr(row, name).strip():
                yield ConfigProblem(PRODUCTS, f"{path}.{name}", "''", "must not be empty")
        if row.access not in ACCESS_POLICIES:
            yield one_of(PRODUCTS, f"{path}.access", row.access, ACCESS_POLICIES)
        if row.max_quantity is not None and row.max_quantity < row.min_quantity:
            yield ConfigProblem(
                PRODUCTS, f"{path}.max_quantity", str(row.max_quantity), "below min_quantity"
            )
        currencies = [price.currency for price in row.list_prices]
        for currency in sorted({code for code in currencies if currencies.count(code) > 1}):
            yield ConfigProblem(
                PRODUCTS, f"{path}.list_prices", currency, "one list price per currency"
            )
        if (row.kind is ChargeKind.ONE_TIME) != (row.period_months == 0) or row.period_months < 0:
            yield ConfigProblem(
                PRODUCTS,
                f"{path}.period_months",
                str(row.period_months),
                "0 for one_time, else the months that one unit price pays for",
            )
            continue
        for frequency in row.frequencies:
            if frequency not in set(BillingFrequency):
                yield one_of(PRODUCTS, f"{path}.frequencies", frequency, tuple(BillingFrequency))
            elif row.period_months and BillingFrequency(frequency).months % row.period_months:
                yield ConfigProblem(
                    PRODUCTS,
                    f"{path}.frequencies",
                    frequency,
                    f"not a multiple of the price's period of {row.period_months} months",
                )
