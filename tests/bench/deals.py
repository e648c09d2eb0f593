"""Won deals in the Salesforce simulator, each of a customer of its own, made in batches."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from dealthread.config import load_config
from dealthread.domain.span import add_months
from dealthread.sandbox.records import (
    Customer,
    Sale,
    SoldLine,
    account_record,
    contact_record,
    line_record,
    opportunity_record,
)
from dealthread.sandbox.salesforce import WON, SalesforceOrg
from dealthread.sandbox.stripe_catalogue import billing_clients, ensure_catalogue
from dealthread.sandbox.worked_deals import K1, worked_price_book
from dealthread.stack.info import StackInfo

CURRENCY = "USD"


def win_deals(stack: StackInfo, count: int, days_ago: int = 0) -> Iterator[str]:
    """Ids of deals that are won. The biller gets its catalogue first.

    A year of 50 seats and onboarding in Texas from today, or from some days ago; 30 days' terms:
    it starts at once, with a posting, an invoice and no person asked.
    """
    config = load_config(stack.config_dir)
    with billing_clients(stack) as clients:
        ensure_catalogue(clients, config)
    org = SalesforceOrg(stack)
    try:
        book = worked_price_book(org, config)
        start = stack.business_now.date() - timedelta(days=days_ago)
        sales = [_sale(number, start) for number in range(count)]
        accounts = org.create_all("Account", [account_record(s.customer, None) for s in sales])
        org.create_all(
            "Contact",
            [contact_record(s.customer, a) for s, a in zip(sales, accounts, strict=True)],
        )
        deals = org.create_all(
            "Opportunity",
            [
                opportunity_record(
                    sale, f"Deal of {sale.customer.name}", account, CURRENCY, book.id
                )
                for sale, account in zip(sales, accounts, strict=True)
            ],
        )
        org.create_all(
            "OpportunityLineItem",
            [
                line_record(line, deal, book.entry(line.product, CURRENCY))
                for sale, deal in zip(sales, deals, strict=True)
                for line in sale.lines
            ],
        )
        org.update_all("Opportunity", [{"Id": deal, "StageName": WON} for deal in deals])
    finally:
        org.close()
    return iter(deals)


def _sale(number: int, start: date) -> Sale:
    customer: Customer = replace(
        K1,
        number=f"BENCH-{number}",
        name=f"Bench Customer {number} LLC",
        domain=f"bench-{number}.example",
    )
    return Sale(
        code="BENCH",
        customer=customer,
        seller="US01",
        closed_on=start,
        start=start,
        last_day=add_months(start, 12) - timedelta(days=1),
        term_months=12,
        lines=(
            SoldLine("SEAT-STD", Decimal(50), Decimal("270.00")),
            SoldLine("ONB", Decimal(1), Decimal("1500.00")),
        ),
    )
