"""Taxes, payment terms and products, from the configuration."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from dealthread.domain.catalog import ChargeKind, ConfigSet, ProductMapping
from dealthread.stack.tryton_setup.company import Company
from dealthread.stack.tryton_setup.session import SetupSession

_HUNDRED = Decimal(100)
_ONE_DAY = timedelta(days=1)


def create_taxes(session: SetupSession, company: Company, config: ConfigSet) -> None:
    """One tax per row of the company's tax codes: the name is our code, the rate what is charged.

    The ledger takes the flat rate; statutory rate and taxable share stay on our tax lines.
    """
    rows = [row for row in config.tax_codes if row.seller == company.entity.code]
    session.create_many(
        "account.tax",
        [
            {
                "company": company.id,
                "name": row.code,
                "description": row.wording or row.code,
                "type": "percentage",
                "rate": row.applied_rate / _HUNDRED,
                "start_date": row.valid_from,
                # Tryton's last day is inclusive, ours is the first day outside.
                "end_date": row.valid_until - _ONE_DAY if row.valid_until else None,
                "invoice_account": company.tax_account,
                "credit_note_account": company.tax_account,
            }
            for row in rows
        ],
        company=company.id,
    )


def create_payment_terms(session: SetupSession, config: ConfigSet) -> None:
    """Payment terms are shared by all companies; the name is the ERP code."""
    terms = {row.erp_code: row.days_until_due for row in config.payment_terms}
    session.create_many(
        "account.invoice.payment_term",
        [
            {
                "name": code,
                "lines": [["create", [{"type": "remainder", "relativedeltas": _days(days)}]]],
            }
            for code, days in sorted(terms.items())
        ],
    )


def _days(days: int) -> list[object]:
    return [["create", [{"months": 0, "weeks": 0, "days": days}]]]


def create_products(session: SetupSession, companies: list[Company], config: ConfigSet) -> None:
    """Each ERP item as a service product, salable as configured, shared by all companies."""
    latest: dict[str, ProductMapping] = {}
    for row in sorted(config.products, key=lambda item: item.valid_from):
        latest[row.erp_item] = row
    categories = _categories(session, companies, config)
    units = _units(session, {row.quantity_decimals for row in latest.values()})
    for item, row in sorted(latest.items()):
        unit = units[row.quantity_decimals]
        values = {
            "name": row.name,
            "code": item,
            "type": "service",
            "default_uom": unit,
            "sale_uom": unit,
            "salable": row.erp_salable,
            "account_category": categories[row.revenue_account],
            "products": [["create", [{}]]],
        }
        template = session.create("product.template", values, company=companies[0].id)
        for company in companies:
            price = _list_price(row, company)
            session.write("product.template", template, {"list_price": price}, company=company.id)


def _list_price(row: ProductMapping, company: Company) -> Decimal:
    """List price in the company's own currency; 0 where there is none or it depends on use."""
    for price in row.list_prices:
        own = price.currency == company.entity.functional_currency
        if own and row.kind is not ChargeKind.USAGE:
            return price.amount
    return Decimal(0)


def _categories(
    session: SetupSession, companies: list[Company], config: ConfigSet
) -> dict[str, int]:
    """One accounting category per revenue account, pointing to that account in each company."""
    result = {}
    for code in sorted({row.revenue_account for row in config.products}):
        category = session.create(
            "product.category",
            {"name": f"Revenue {code}", "accounting": True},
            company=companies[0].id,
        )
        for company in companies:
            account = {"account_revenue": company.accounts[code]}
            session.write("product.category", category, account, company=company.id)
        result[code] = category
    return result


def _units(session: SetupSession, decimals: set[int]) -> dict[int, int]:
    """A unit of measure per number of decimals; Tryton's own "Unit" has none."""
    whole = session.known("product", "uom_unit")
    units = {0: whole}
    for places in sorted(decimals - {0}):
        units[places] = session.create(
            "product.uom",
            {
                "name": f"Unit, {places} decimals",
                "symbol": "u",
                "category": session.known("product", "uom_cat_unit"),
                "factor": 1.0,
                "rate": 1.0,
                "rounding": 10.0**-places,
                "digits": places,
            },
        )
    return units
