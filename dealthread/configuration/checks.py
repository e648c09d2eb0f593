"""Checks between files: references, overlaps, one engine for one duty, rates that add up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.catalog import BookingPolicy, ChargeKind, ConfigSet, RevenueEngine
from dealthread.domain.country import COUNTRIES, US_REGIONS
from dealthread.domain.deal import BillingFrequency
from dealthread.domain.money import EXPONENTS
from dealthread.domain.party import BuyerType

_ENTITIES = "legal_entities.yaml"
_BILLING = "billing_accounts.yaml"
_TAX = "tax.yaml"
_PRODUCTS = "products.yaml"
_ACCOUNTS = "accounts.yaml"
_TERMS = "payment_terms.yaml"
_POLICY = "policy.yaml"

ACCOUNT_KINDS = frozenset(
    {
        "asset",
        "asset_control",
        "liability",
        "liability_control",
        "income",
        "expense",
        "income_expense",
        "equity",
    }
)
ACCESS_POLICIES = frozenset({"on_signature", "on_start", "on_first_payment"})
# What one duty may have one of. The name is the field of LegalEntity.
DUTIES = ("revenue_engine", "invoice_issuer", "tax_engine", "retry_engine")


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
        _duties,
        _entities,
        _billing_accounts,
        _accounts,
        _tax_codes,
        _tax_rules,
        _products,
        _terms_and_policy,
    )
    return [problem for part in parts for problem in part(config)]


def _duplicates(config: ConfigSet) -> Iterator[ConfigProblem]:
    unique: tuple[tuple[str, str, Sequence[str]], ...] = (
        (_ENTITIES, "legal_entities", [row.code for row in config.legal_entities]),
        (_ACCOUNTS, "accounts", [row.code for row in config.accounts]),
        (_TERMS, "payment_terms", [row.code for row in config.payment_terms]),
    )
    for file, part, codes in unique:
        for index, code in enumerate(codes):
            if code in codes[:index]:
                yield ConfigProblem(
                    file, f"{part}[{index}].code", repr(code), "given twice: keep one row"
                )
    yield from _overlaps(_TAX, "tax_codes", config.tax_codes)
    yield from _overlaps(_PRODUCTS, "products", config.products)


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


def _duties(config: ConfigSet) -> Iterator[ConfigProblem]:
    for index, entity in enumerate(config.legal_entities):
        for duty in DUTIES:
            engines: tuple[str, ...] = getattr(entity, duty)
            if len(engines) != 1:
                named = ", ".join(engines) or "none"
                yield ConfigProblem(
                    _ENTITIES,
                    f"legal_entities[{index}].{duty}",
                    named,
                    f"exactly one is allowed for {entity.code}: two do the same work twice",
                )
        if (
            entity.booking_policy is BookingPolicy.REVENUE_CONTRACT
            and RevenueEngine.ERP not in entity.revenue_engine
        ):
            yield ConfigProblem(
                _ENTITIES,
                f"legal_entities[{index}].booking_policy",
                str(entity.booking_policy),
                f"opens a revenue plan in the ERP beside {', '.join(entity.revenue_engine)}: "
                "set revenue_engine to [erp] or choose another booking policy",
            )


def _entities(config: ConfigSet) -> Iterator[ConfigProblem]:
    served: dict[str, str] = {}
    terms = {row.code for row in config.payment_terms}
    for index, entity in enumerate(config.legal_entities):
        path = f"legal_entities[{index}]"
        yield from _countries(_ENTITIES, f"{path}.country", (entity.country,))
        yield from _countries(_ENTITIES, f"{path}.sells_to", entity.sells_to)
        for country in entity.sells_to:
            if country in served:
                yield ConfigProblem(
                    _ENTITIES,
                    f"{path}.sells_to",
                    repr(country),
                    f"already served by {served[country]}: the seller must be one",
                )
            served.setdefault(country, entity.code)
        try:
            ZoneInfo(entity.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            yield ConfigProblem(
                _ENTITIES,
                f"{path}.time_zone",
                repr(entity.time_zone),
                "no such time zone: use a name such as Europe/Berlin",
            )
        if entity.default_payment_terms not in terms:
            yield _dangling(
                _ENTITIES, f"{path}.default_payment_terms", entity.default_payment_terms, _TERMS
            )
        if not any(account.seller == entity.code for account in config.billing_accounts):
            yield ConfigProblem(
                _ENTITIES, f"{path}.code", repr(entity.code), f"add an account in {_BILLING}"
            )
        for number, registration in enumerate(entity.tax_registrations):
            if registration.until is not None and registration.until <= registration.since:
                yield ConfigProblem(
                    _ENTITIES,
                    f"{path}.tax_registrations[{number}].until",
                    str(registration.until),
                    "must be after since",
                )
    codes = {entity.code for entity in config.legal_entities}
    for code in config.closed_until:
        if code not in codes:
            yield _dangling(_ENTITIES, f"closed_until.{code}", code, _ENTITIES)


def _billing_accounts(config: ConfigSet) -> Iterator[ConfigProblem]:
    entities = {entity.code for entity in config.legal_entities}
    for index, account in enumerate(config.billing_accounts):
        path = f"billing_accounts[{index}]"
        if account.seller not in entities:
            yield _dangling(_BILLING, f"{path}.seller", account.seller, _ENTITIES)
        if not account.currencies:
            yield ConfigProblem(_BILLING, f"{path}.currencies", "", "name at least one currency")
        try:
            ZoneInfo(account.anchor_zone)
        except (ZoneInfoNotFoundError, ValueError):
            yield ConfigProblem(
                _BILLING, f"{path}.anchor_zone", repr(account.anchor_zone), "no such time zone"
            )
        for name, allowed in (
            ("number_scope", ("account", "customer")),
            ("tax_rounding", ("line", "total")),
        ):
            if getattr(account, name) not in allowed:
                yield _one_of(_BILLING, f"{path}.{name}", getattr(account, name), allowed)
        for other in config.billing_accounts[:index]:
            if other.key == account.key:
                action = "given twice: keep one row"
                if other.seller != account.seller:
                    action = (
                        f"belongs to {other.seller} already: an account has exactly one seller, "
                        "open another account"
                    )
                yield ConfigProblem(_BILLING, f"{path}.seller", repr(account.seller), action)
                continue
            common = sorted(set(other.currencies) & set(account.currencies))
            if other.seller == account.seller and common:
                yield ConfigProblem(
                    _BILLING,
                    f"{path}.currencies",
                    ", ".join(common),
                    f"{other.key} bills {account.seller} in it already: one account per currency",
                )


def _accounts(config: ConfigSet) -> Iterator[ConfigProblem]:
    for index, account in enumerate(config.accounts):
        if account.kind not in ACCOUNT_KINDS:
            yield _one_of(_ACCOUNTS, f"accounts[{index}].kind", account.kind, ACCOUNT_KINDS)


def _tax_codes(config: ConfigSet) -> Iterator[ConfigProblem]:
    entities = {entity.code for entity in config.legal_entities}
    for index, row in enumerate(config.tax_codes):
        path = f"tax_codes[{index}]"
        if row.seller not in entities:
            yield _dangling(_TAX, f"{path}.seller", row.seller, _ENTITIES)
        expected = row.statutory_rate * row.taxable_share / Decimal(100)
        if expected != row.applied_rate:
            yield ConfigProblem(
                _TAX,
                f"{path}.applied_rate",
                str(row.applied_rate),
                f"statutory {row.statutory_rate} % on {row.taxable_share} % of the charge is "
                f"{expected.normalize():f} %: correct one of the three",
            )
        for name in ("applied_rate", "statutory_rate", "taxable_share"):
            value: Decimal = getattr(row, name)
            if not Decimal(0) <= value <= Decimal(100):
                yield ConfigProblem(_TAX, f"{path}.{name}", str(value), "a percentage, 0 to 100")


def _tax_rules(config: ConfigSet) -> Iterator[ConfigProblem]:
    entities = {entity.code for entity in config.legal_entities}
    seller_of = {row.code: row.seller for row in config.tax_codes}
    for index, rule in enumerate(config.tax_rules):
        path = f"tax_rules[{index}]"
        if rule.seller not in entities:
            yield _dangling(_TAX, f"{path}.seller", rule.seller, _ENTITIES)
        if rule.code not in seller_of:
            yield _dangling(_TAX, f"{path}.code", rule.code, f"tax_codes of {_TAX}")
        elif seller_of[rule.code] != rule.seller:
            yield ConfigProblem(
                _TAX,
                f"{path}.code",
                repr(rule.code),
                f"is a code of {seller_of[rule.code]}, not of {rule.seller}",
            )
        yield from _countries(_TAX, f"{path}.country", rule.country)
        yield from _countries(_TAX, f"{path}.not_country", rule.not_country)
        if rule.buyer_type and rule.buyer_type not in set(BuyerType):
            yield _one_of(_TAX, f"{path}.buyer_type", rule.buyer_type, tuple(BuyerType))
        if rule.country == ("US",):
            for region in rule.region:
                if region not in US_REGIONS:
                    yield ConfigProblem(
                        _TAX, f"{path}.region", repr(region), "not a state: two capitals, as TX"
                    )


def _products(config: ConfigSet) -> Iterator[ConfigProblem]:
    entities = {entity.code for entity in config.legal_entities}
    kinds = {account.code: account.kind for account in config.accounts}
    categories = {rule.category for rule in config.tax_rules}
    for index, row in enumerate(config.products):
        path = f"products[{index}]"
        if row.revenue_account not in kinds:
            yield _dangling(_PRODUCTS, f"{path}.revenue_account", row.revenue_account, _ACCOUNTS)
        elif kinds[row.revenue_account] != "income":
            yield ConfigProblem(
                _PRODUCTS,
                f"{path}.revenue_account",
                repr(row.revenue_account),
                f"is of kind {kinds[row.revenue_account]}: revenue needs an income account",
            )
        for seller in row.sellers:
            if seller not in entities:
                yield _dangling(_PRODUCTS, f"{path}.sellers", seller, _ENTITIES)
        if "" not in categories and row.tax_category not in categories:
            yield _dangling(
                _PRODUCTS, f"{path}.tax_category", row.tax_category, f"tax_rules of {_TAX}"
            )
        for name in ("billing_product", "erp_item", "revenue_rule"):
            if not getattr(row, name).strip():
                yield ConfigProblem(_PRODUCTS, f"{path}.{name}", "''", "must not be empty")
        if row.access not in ACCESS_POLICIES:
            yield _one_of(_PRODUCTS, f"{path}.access", row.access, ACCESS_POLICIES)
        if row.max_quantity is not None and row.max_quantity < row.min_quantity:
            yield ConfigProblem(
                _PRODUCTS, f"{path}.max_quantity", str(row.max_quantity), "below min_quantity"
            )
        currencies = [price.currency for price in row.list_prices]
        for currency in sorted({code for code in currencies if currencies.count(code) > 1}):
            yield ConfigProblem(
                _PRODUCTS, f"{path}.list_prices", currency, "one list price per currency"
            )
        if (row.kind is ChargeKind.ONE_TIME) != (row.period_months == 0) or row.period_months < 0:
            yield ConfigProblem(
                _PRODUCTS,
                f"{path}.period_months",
                str(row.period_months),
                "0 for one_time, else the months that one unit price pays for",
            )
            continue
        for frequency in row.frequencies:
            if frequency not in set(BillingFrequency):
                yield _one_of(_PRODUCTS, f"{path}.frequencies", frequency, tuple(BillingFrequency))
            elif row.period_months and BillingFrequency(frequency).months % row.period_months:
                yield ConfigProblem(
                    _PRODUCTS,
                    f"{path}.frequencies",
                    frequency,
                    f"not a multiple of the price's period of {row.period_months} months",
                )


def _terms_and_policy(config: ConfigSet) -> Iterator[ConfigProblem]:
    for index, terms in enumerate(config.payment_terms):
        if terms.days_until_due < 0:
            yield ConfigProblem(
                _TERMS,
                f"payment_terms[{index}].days_until_due",
                str(terms.days_until_due),
                "0 or more days",
            )
    policy = config.policy
    for name in (
        "max_future_start_days",
        "max_backdate_days",
        "price_tolerance_minor_units",
        "max_payment_terms_days",
        "screening_max_age_days",
        "erp_unavailable_minutes",
        "entitlement_confirm_minutes",
    ):
        if getattr(policy, name) < 0:
            yield ConfigProblem(_POLICY, f"policy.{name}", str(getattr(policy, name)), "0 or more")
    for name in ("credit_limit_default", "approval_amount"):
        for currency in getattr(policy, name):
            if currency not in EXPONENTS:
                yield ConfigProblem(
                    _POLICY,
                    f"policy.{name}.{currency}",
                    repr(currency),
                    "unknown currency: an ISO 4217 code in capitals is needed",
                )


def _countries(file: str, path: str, codes: tuple[str, ...]) -> Iterator[ConfigProblem]:
    for code in codes:
        if code not in COUNTRIES:
            yield ConfigProblem(
                file, path, repr(code), "not an ISO 3166-1 country code: two capitals, as DE"
            )


def _dangling(file: str, path: str, value: str, where: str) -> ConfigProblem:
    return ConfigProblem(file, path, repr(value), f"not found in {where}: add it there or correct")


def _one_of(
    file: str, path: str, value: str, allowed: Sequence[str] | frozenset[str]
) -> ConfigProblem:
    return ConfigProblem(file, path, repr(value), f"use one of {', '.join(sorted(allowed))}")
