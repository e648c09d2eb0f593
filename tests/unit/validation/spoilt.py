"""Small changes to a good deal, its configuration or what was read, each for one fault."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contracting import build_contract
from dealthread.domain.deal import (
    BillingFrequency,
    Deal,
    TermKind,
)
from dealthread.domain.invoice import BillingInvoice, InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.validation import (
    CreditFacts,
    ExternalFacts,
)
from tests.support import deal_builder as build

TODAY = build.D1_TODAY


def good_preview(config: ConfigSet) -> BillingInvoice:
    contract = build_contract(build.good_deal(), config, TODAY, "C-TEST")
    lines = tuple(
        InvoiceLine(
            line_key=row.line_key,
            net=row.net_per_period,
            tax=row.tax.amount,
            tax_rate=str(row.tax.applied_rate),
        )
        for row in contract.first_bill_lines()
    )
    usd = "USD"
    return BillingInvoice(
        status=InvoiceStatus.PREVIEW,
        currency=usd,
        lines=lines,
        net=Money.of("15000.00", usd),
        tax=Money.of("891.00", usd),
        gross=Money.of("15891.00", usd),
        amount_due=Money.of("15891.00", usd),
    )


def good_facts(config: ConfigSet) -> ExternalFacts:
    return ExternalFacts(
        accepted_hashes=(),
        posting_findings=(),
        payment_method_on_file=True,
        preview=good_preview(config),
        active_contracts=(),
        credit=CreditFacts(exposure=Money.zero("USD")),
        billing_customer_currency="",
    )


# ---------------------------------------------------------------- ways to spoil a deal


def deal(**update: object) -> Callable[[Deal], Deal]:
    return lambda good: good.model_copy(update=update)


def account(**update: object) -> Callable[[Deal], Deal]:
    def change(good: Deal) -> Deal:
        assert good.account is not None
        return good.model_copy(update={"account": good.account.model_copy(update=update)})

    return change


def first_line(**update: object) -> Callable[[Deal], Deal]:
    def change(good: Deal) -> Deal:
        head, *rest = good.lines
        return good.model_copy(update={"lines": (head.model_copy(update=update), *rest)})

    return change


def address(**update: object) -> Callable[[Deal], Deal]:
    return account(billing_address=build.AUSTIN.model_copy(update=update))


def same(good: Deal) -> Deal:
    return good


def policy(**update: object) -> Callable[[ConfigSet], ConfigSet]:
    return lambda config: config.model_copy(
        update={"policy": config.policy.model_copy(update=update)}
    )


def no_texas_registration(config: ConfigSet) -> ConfigSet:
    entities = tuple(
        row.model_copy(
            update={
                "tax_registrations": tuple(
                    reg.model_copy(update={"until": date(2026, 1, 1)})
                    for reg in row.tax_registrations
                )
            }
        )
        for row in config.legal_entities
    )
    return config.model_copy(update={"legal_entities": entities})


def no_us_account(config: ConfigSet) -> ConfigSet:
    accounts = tuple(row for row in config.billing_accounts if row.seller != "US01")
    return config.model_copy(update={"billing_accounts": accounts})


def preview_line(**update: object) -> Callable[[ExternalFacts], ExternalFacts]:
    def change(facts: ExternalFacts) -> ExternalFacts:
        assert facts.preview is not None
        head, *rest = facts.preview.lines
        lines = (head.model_copy(update=update), *rest)
        preview = facts.preview.model_copy(update={"lines": lines})
        return facts.model_copy(update={"preview": preview})

    return change


def facts(**update: object) -> Callable[[ExternalFacts], ExternalFacts]:
    return lambda good: good.model_copy(update=update)


RAMP = build.d4().lines


def ramp(*changes: dict[str, object]) -> Callable[[Deal], Deal]:
    """D4 with its segments changed one by one, at the good deal's customer."""
    lines = tuple(row.model_copy(update=update) for row, update in zip(RAMP, changes, strict=True))
    terms = {
        "start_date": date(2026, 2, 1),
        "end_date": date(2029, 2, 1),
        "term_months": 36,
        "lines": lines,
    }
    return deal(**terms)


@dataclass(frozen=True)
class Spoilt:
    """One violation and the smallest change that causes it."""

    rule: str
    field: str
    value: str
    owner: str
    change: Callable[[Deal], Deal] = same
    configure: Callable[[ConfigSet], ConfigSet] = lambda config: config
    answer: Callable[[ExternalFacts], ExternalFacts] = lambda facts: facts
    severity: str = "B"
    without_preview: bool = False
    """The change alters the amounts, so that the good deal's preview would not fit."""


EVERGREEN = {
    "term_kind": TermKind.EVERGREEN,
    "end_date": None,
    "term_months": None,
    "billing_frequency": BillingFrequency.MONTHLY,
    "lines": (build.line(1, "PLAT-M", "1", "500.00", "USD", list_price="500.00"),),
}
