"""Companies, billing accounts, ledger accounts, terms and policy."""

from __future__ import annotations

from collections.abc import Iterator
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dealthread.configuration.common import (
    ACCOUNTS,
    BILLING,
    ENTITIES,
    POLICY,
    TERMS,
    countries_known,
    dangling,
    one_of,
)
from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.catalog import BookingPolicy, ConfigSet, RevenueEngine
from dealthread.domain.money import EXPONENTS
from dealthread.domain.posting_policy import LISTED, InvoicePosting

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

# What one duty may have one of. The name is the field of LegalEntity.
DUTIES = ("revenue_engine", "invoice_issuer", "tax_engine", "retry_engine")


def duties(config: ConfigSet) -> Iterator[ConfigProblem]:
    """One engine per duty; the booking policy does not bring a second one in."""
    for index, entity in enumerate(config.legal_entities):
        for duty in DUTIES:
            engines: tuple[str, ...] = getattr(entity, duty)
            if len(engines) != 1:
                named = ", ".join(engines) or "none"
                yield ConfigProblem(
                    ENTITIES,
                    f"legal_entities[{index}].{duty}",
                    named,
                    f"exactly one is allowed for {entity.code}: two do the same work twice",
                )
        if (
            entity.booking_policy is BookingPolicy.REVENUE_CONTRACT
            and RevenueEngine.ERP not in entity.revenue_engine
        ):
            yield ConfigProblem(
                ENTITIES,
                f"legal_entities[{index}].booking_policy",
                str(entity.booking_policy),
                f"opens a revenue plan in the ERP beside {', '.join(entity.revenue_engine)}: "
                "set revenue_engine to [erp] or choose another booking policy",
            )


def posting(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Invoices are summarised only where nobody needs them one by one, and against a customer that
    is named."""
    for index, entity in enumerate(config.legal_entities):
        policy, path = entity.posting, f"legal_entities[{index}].posting"
        if policy.invoices is not InvoicePosting.DAILY_SUMMARY:
            continue
        why = ""
        if entity.country in LISTED:
            why = f"VAT of {entity.country} is listed by customer: use each"
        elif entity.revenue_engine != (RevenueEngine.OWN_SCHEDULE,):
            why = "an ERP or biller that recognises revenue needs each invoice's lines: use each"
        elif entity.booking_policy is BookingPolicy.BILLING_ORDER:
            why = "each invoice is made from its order in the ERP: use each"
        if why:
            yield ConfigProblem(ENTITIES, f"{path}.invoices", str(policy.invoices), why)
        if not policy.summary_customer.strip():
            yield ConfigProblem(
                ENTITIES,
                f"{path}.summary_customer",
                repr(policy.summary_customer),
                "name the ERP's control customer that a summary is posted to",
            )


def entities(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Legal entities and what they point to; a country has one seller."""
    served: dict[str, str] = {}
    terms = {row.code for row in config.payment_terms}
    kinds = {row.code: row.kind for row in config.accounts}
    for index, entity in enumerate(config.legal_entities):
        path = f"legal_entities[{index}]"
        yield from countries_known(ENTITIES, f"{path}.country", (entity.country,))
        yield from countries_known(ENTITIES, f"{path}.sells_to", entity.sells_to)
        for country in entity.sells_to:
            if country in served:
                yield ConfigProblem(
                    ENTITIES,
                    f"{path}.sells_to",
                    repr(country),
                    f"already served by {served[country]}: the seller must be one",
                )
            served.setdefault(country, entity.code)
        try:
            ZoneInfo(entity.time_zone)
        except (ZoneInfoNotFoundError, ValueError):
            yield ConfigProblem(
                ENTITIES,
                f"{path}.time_zone",
                repr(entity.time_zone),
                "no such time zone: use a name such as Europe/Berlin",
            )
        if entity.default_payment_terms not in terms:
            yield dangling(
                ENTITIES, f"{path}.default_payment_terms", entity.default_payment_terms, TERMS
            )
        tax_account = entity.output_tax_account
        if tax_account and tax_account not in kinds:
            yield dangling(ENTITIES, f"{path}.output_tax_account", tax_account, ACCOUNTS)
        elif tax_account and not kinds[tax_account].startswith("liability"):
            yield ConfigProblem(
                ENTITIES,
                f"{path}.output_tax_account",
                repr(tax_account),
                f"is of kind {kinds[tax_account]}: tax that is owed needs a liability account",
            )
        if entity.bad_debt_account not in kinds:
            yield dangling(ENTITIES, f"{path}.bad_debt_account", entity.bad_debt_account, ACCOUNTS)
        if (entity.bad_debt_relief_months or 0) < 0:
            yield ConfigProblem(
                ENTITIES,
                f"{path}.bad_debt_relief_months",
                str(entity.bad_debt_relief_months),
                "0 or more months, or leave it out where tax is never given back",
            )
        if not any(account.seller == entity.code for account in config.billing_accounts):
            yield ConfigProblem(
                ENTITIES, f"{path}.code", repr(entity.code), f"add an account in {BILLING}"
            )
        for number, registration in enumerate(entity.tax_registrations):
            if registration.until is not None and registration.until <= registration.since:
                yield ConfigProblem(
                    ENTITIES,
                    f"{path}.tax_registrations[{number}].until",
                    str(registration.until),
                    "must be after since",
                )
    codes = {entity.code for entity in config.legal_entities}
    for code in config.closed_until:
        if code not in codes:
            yield dangling(ENTITIES, f"closed_until.{code}", code, ENTITIES)


def billing_accounts(config: ConfigSet) -> Iterator[ConfigProblem]:
    """An account has one seller; a seller has one account per currency."""
    entities = {entity.code for entity in config.legal_entities}
    for index, account in enumerate(config.billing_accounts):
        path = f"billing_accounts[{index}]"
        if account.seller not in entities:
            yield dangling(BILLING, f"{path}.seller", account.seller, ENTITIES)
        if not account.currencies:
            yield ConfigProblem(BILLING, f"{path}.currencies", "", "name at least one currency")
        try:
            ZoneInfo(account.anchor_zone)
        except (ZoneInfoNotFoundError, ValueError):
            yield ConfigProblem(
                BILLING, f"{path}.anchor_zone", repr(account.anchor_zone), "no such time zone"
            )
        for name, allowed in (
            ("number_scope", ("account", "customer")),
            ("tax_rounding", ("line", "total")),
        ):
            if getattr(account, name) not in allowed:
                yield one_of(BILLING, f"{path}.{name}", getattr(account, name), allowed)
        for other in config.billing_accounts[:index]:
            if other.key == account.key:
                action = "given twice: keep one row"
                if other.seller != account.seller:
                    action = (
                        f"belongs to {other.seller} already: an account has exactly one seller, "
                        "open another account"
                    )
                yield ConfigProblem(BILLING, f"{path}.seller", repr(account.seller), action)
                continue
            common = sorted(set(other.currencies) & set(account.currencies))
            if other.seller == account.seller and common:
                yield ConfigProblem(
                    BILLING,
                    f"{path}.currencies",
                    ", ".join(common),
                    f"{other.key} bills {account.seller} in it already: one account per currency",
                )


def payouts(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Payouts and disputes go to accounts of the chart."""
    codes = {row.code for row in config.accounts}
    for index, account in enumerate(config.billing_accounts):
        for part in ("payouts", "disputes"):
            for name, code in getattr(account, part).model_dump().items():
                if code not in codes:
                    path = f"billing_accounts[{index}].{part}.{name}"
                    yield dangling(BILLING, path, code, ACCOUNTS)


def accounts(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Kinds of ledger accounts."""
    for index, account in enumerate(config.accounts):
        if account.kind not in ACCOUNT_KINDS:
            yield one_of(ACCOUNTS, f"accounts[{index}].kind", account.kind, ACCOUNT_KINDS)


def terms_and_policy(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Counts of days and known currencies."""
    for index, terms in enumerate(config.payment_terms):
        if terms.days_until_due < 0:
            yield ConfigProblem(
                TERMS,
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
        "contract_check_ended_days",
    ):
        if getattr(policy, name) < 0:
            yield ConfigProblem(POLICY, f"policy.{name}", str(getattr(policy, name)), "0 or more")
    if policy.contract_check_hours < 1:
        hours = str(policy.contract_check_hours)
        yield ConfigProblem(POLICY, "policy.contract_check_hours", hours, "1 or more hours")
    for name in ("credit_limit_default", "approval_amount"):
        for currency in getattr(policy, name):
            if currency not in EXPONENTS:
                yield ConfigProblem(
                    POLICY,
                    f"policy.{name}.{currency}",
                    repr(currency),
                    "unknown currency: an ISO 4217 code in capitals is needed",
                )
