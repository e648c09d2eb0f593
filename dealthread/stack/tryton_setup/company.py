"""Companies with their chart of accounts, fiscal years and closed periods."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from dealthread.domain.catalog import Account, ConfigSet, LegalEntity
from dealthread.stack.errors import StackError
from dealthread.stack.tryton_setup.session import SetupSession

YEARS_BEFORE_FIRST_OPEN = 1
YEARS_FROM_FIRST_OPEN = 4
"""Contracts run for up to three years: their later postings need periods to exist."""

# Which type of Tryton's universal chart an account kind of the configuration takes. A control
# account is fed by a sub-ledger: receivables on the asset side, deferred revenue on the other.
_TYPES = {
    "asset": "account_type_template_current_assets_en",
    "asset_control": "account_type_template_accounts_receivable_en",
    "liability": "account_type_template_current_liabilities_en",
    "liability_control": "account_type_template_unearned_revenue_en",
    "income": "account_type_template_revenue_en",
    "expense": "account_type_template_expenses_en",
    "income_expense": "account_type_template_other_revenues_en",
    "equity": "account_type_template_equity_en",
}
EXCHANGE_DIFFERENCES = "7000"
_PAYABLE_TYPE = "account_type_template_payable_en"
_TAX_TYPE = "account_type_template_current_tax_en"


@dataclass
class Company:
    """What later steps need to know of a company that was created."""

    id: int
    entity: LegalEntity
    accounts: dict[str, int] = field(default_factory=dict)
    tax_account: int = 0


def create_company(
    session: SetupSession,
    entity: LegalEntity,
    currencies: dict[str, int],
    countries: dict[str, int],
) -> Company:
    """The party of the company with its tax numbers, and the company."""
    party = session.create(
        "party.party",
        {
            "name": entity.legal_name,
            "code": f"COMPANY-{entity.code}",
            "addresses": [["create", [{"country": countries[entity.country]}]]],
            "identifiers": [
                ["create", [{"code": row.number} for row in entity.tax_registrations if row.number]]
            ],
        },
    )
    company = session.create(
        "company.company",
        {
            "party": party,
            "currency": currencies[entity.functional_currency],
            "timezone": entity.time_zone,
        },
    )
    return Company(company, entity)


def create_chart(session: SetupSession, company: Company, config: ConfigSet) -> None:
    """The universal chart, then our accounts beside it, then the defaults that point to ours."""
    context = company.id
    template = session.known("account", "account_template_root_en")
    wizard = "wizard.account.create_chart"
    run = session.call(f"{wizard}.create", company=context)[0]
    start = {"company": company.id, "account_template": template}
    session.call(f"{wizard}.execute", run, {"account": start}, "create_account", company=context)
    session.call(f"{wizard}.delete", run, company=context)
    root = session.one(
        "account.account",
        [["company", "=", company.id], ["parent", "=", None], ["template", "=", template]],
        company=context,
    )
    rows = [_account(session, company, root, account) for account in config.accounts]
    ids = session.create_many("account.account", rows, company=context)
    company.accounts = {row.code: item for row, item in zip(config.accounts, ids, strict=True)}
    company.tax_account = _tax_account(session, company)
    defaults = {
        "default_account_receivable": _control(config, company, "asset_control"),
        "default_account_payable": _of_type(session, company, _PAYABLE_TYPE),
        "deferred_account_revenue": _control(config, company, "liability_control"),
        # What is lost when the lines of an invoice are converted one by one.
        "currency_exchange_debit_account": company.accounts.get(EXCHANGE_DIFFERENCES),
        "currency_exchange_credit_account": company.accounts.get(EXCHANGE_DIFFERENCES),
        "tax_rounding": _tax_rounding(config, company),
    }
    values = {key: value for key, value in defaults.items() if value}
    session.write("account.configuration", 1, values, company=context)


def _account(
    session: SetupSession, company: Company, root: int, account: Account
) -> dict[str, object]:
    if account.kind not in _TYPES:
        raise StackError(
            f"account {account.code} has the unknown kind {account.kind!r}",
            f"use one of {', '.join(sorted(_TYPES))} in config/accounts.yaml",
        )
    return {
        "company": company.id,
        "code": account.code,
        "name": account.name,
        "parent": root,
        "type": _type(session, company, _TYPES[account.kind]),
        "party_required": account.kind == "asset_control",
        "reconcile": account.kind.endswith("_control"),
    }


def _type(session: SetupSession, company: Company, template: str) -> int:
    known = session.known("account", template)
    domain = [["company", "=", company.id], ["template", "=", known]]
    return session.one("account.account.type", domain, company=company.id)


def _of_type(session: SetupSession, company: Company, template: str) -> int:
    """First account of a type, in the order of codes."""
    kind = _type(session, company, template)
    domain = [["company", "=", company.id], ["type", "=", kind], ["closed", "!=", True]]
    found = session.ids("account.account", domain, company=company.id)
    if not found:
        raise StackError(f"the chart has no account of {template}", "make clean, then make up")
    return found[0]


def _tax_account(session: SetupSession, company: Company) -> int:
    code = company.entity.output_tax_account
    if not code:
        return _of_type(session, company, _TAX_TYPE)
    if code not in company.accounts:
        raise StackError(
            f"output_tax_account {code} of {company.entity.code} is not in the chart",
            "name an account of config/accounts.yaml",
        )
    return company.accounts[code]


def _control(config: ConfigSet, company: Company, kind: str) -> int | None:
    codes = [row.code for row in config.accounts if row.kind == kind]
    return company.accounts[codes[0]] if codes else None


def _tax_rounding(config: ConfigSet, company: Company) -> str:
    """The biller's setting, so that the ledger's estimate rounds as the invoice will."""
    own = {row.tax_rounding for row in config.billing_accounts if row.seller == company.entity.code}
    return "line" if own <= {"line"} else "document"


def create_fiscal_years(session: SetupSession, company: Company, first_open: date) -> None:
    """A year before the first open day and four from it, by month; earlier periods closed."""
    invoices = _sequence(session, company, "account_invoice", "account_invoice", "Invoice")
    credits_ = _sequence(session, company, "account_invoice", "account_invoice", "Credit note")
    first = first_open.year - YEARS_BEFORE_FIRST_OPEN
    for year in range(first, first_open.year + YEARS_FROM_FIRST_OPEN):
        numbers = {
            "company": company.id,
            "in_invoice_sequence": invoices,
            "in_credit_note_sequence": credits_,
            "out_invoice_sequence": invoices,
            "out_credit_note_sequence": credits_,
        }
        record = session.create(
            "account.fiscalyear",
            {
                "name": str(year),
                "company": company.id,
                "start_date": date(year, 1, 1),
                "end_date": date(year, 12, 31),
                "move_sequence": _sequence(
                    session, company, "account", "account_move", f"Journal {year}"
                ),
                "invoice_sequences": [["create", [numbers]]],
            },
            company=company.id,
        )
        session.call("model.account.fiscalyear.create_period", [record], company=company.id)
    closed = session.ids(
        "account.period",
        [["company", "=", company.id], ["end_date", "<", first_open]],
        company=company.id,
    )
    if closed:
        session.call("model.account.period.close", closed, company=company.id)


def _sequence(session: SetupSession, company: Company, module: str, kind: str, name: str) -> int:
    sort = session.known(module, f"sequence_type_{kind}")
    values = {"name": name, "sequence_type": sort, "company": company.id}
    return session.create("ir.sequence.strict", values, company=company.id)
