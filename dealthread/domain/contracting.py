"""From a deal that passed the rules to the contract that every system is told.

Amounts: one unit price pays for one unit and one period of the product's price. A line's
committed net is the price of its whole periods, each rounded half up, and of a broken last
period by actual days. Tax is an estimate, rounded half up on each line.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TypeVar

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ChargeKind, ConfigSet, LegalEntity, Policy, ProductMapping
from dealthread.domain.contract import Contract, ContractLine, RenewalKind, RenewalTerms
from dealthread.domain.corrections import Corrections, apply_corrections
from dealthread.domain.deal import BillingFrequency, CollectionMethod, Deal, DealLine, TermKind
from dealthread.domain.money import Money, UnitPrice
from dealthread.domain.seller import payment_terms_of, resolve_seller
from dealthread.domain.span import add_months, whole_periods
from dealthread.domain.taxation import tax_code_for, tax_on
from dealthread.domain.usage.terms import terms_of
from dealthread.errors import InvariantBroken

T = TypeVar("T")


class Totals(Carried):
    """Net, tax and their sum."""

    net: Money
    tax: Money

    @property
    def gross(self) -> Money:
        """Net and tax."""
        return self.net + self.tax


def build_contract(
    deal: Deal,
    config: ConfigSet,
    today: date,
    contract_key: str,
    corrections: Corrections | None = None,
) -> Contract:
    """The contract of a deal whose static rules pass.

    Raises InvariantBroken when it is called for a deal that they stop: the rules come first.
    """
    content_hash = deal.content_hash()
    if corrections is not None:
        deal = apply_corrections(deal, corrections)
    seller = _known(resolve_seller(deal, config, today), "seller")
    account = _known(config.billing_account(seller.code, deal.currency), "billing_account")
    terms = _known(payment_terms_of(deal, config, seller), "payment_terms")
    customer = _known(deal.account, "account")
    start = _known(deal.start_date, "start_date")
    term_kind = _known(deal.term_kind, "term_kind")
    fixed = term_kind is TermKind.FIXED
    method = deal.collection_method
    if method is None:
        method = CollectionMethod.BANK_TRANSFER if terms.days_until_due else CollectionMethod.CARD
    return Contract(
        key=contract_key,
        number=contract_key,
        provenance=deal.provenance,
        org=deal.org,
        deal_id=deal.deal_id,
        seller=seller.code,
        seller_region=seller.region,
        seller_country=seller.country,
        billing_account=account.key,
        erp=seller.erp_instance,
        erp_company=seller.erp_company,
        customer_key=customer.key,
        customer_ref=customer.ref,
        currency=deal.currency,
        start_date=start,
        end_date=deal.end_date if fixed else None,
        term_kind=term_kind,
        committed_until=deal.end_date if fixed else None,
        term_months=_term_months(start, deal.end_date) if fixed else None,
        notice_days=deal.notice_days,
        auto_renew=deal.auto_renew,
        payment_terms=terms.code,
        days_until_due=terms.days_until_due,
        collection_method=method,
        billing_frequency=_known(deal.billing_frequency, "billing_frequency"),
        billing_timing=deal.billing_timing,
        po_number=deal.po_number,
        signed_on=deal.signed_on,
        signed_document=deal.signed_document,
        renewal=_renewal(deal, config.policy, fixed=fixed),
        booking_policy=seller.booking_policy,
        release_policy=seller.release_policy,
        lines=tuple(_line(deal, line, config, seller, today) for line in deal.lines),
        content_hash=content_hash,
        config_version=config.version,
    )


def _renewal(deal: Deal, policy: Policy, *, fixed: bool) -> RenewalTerms:
    """How the term ends: as the deal says, else as policy does."""
    kind = RenewalKind.AUTO if deal.auto_renew else RenewalKind.MANUAL
    notice, uplift = deal.notice_days, deal.renewal_uplift_percent
    return RenewalTerms(
        kind=kind if fixed else RenewalKind.NONE,
        notice_days=policy.renewal_notice_days if notice is None else notice,
        lead_days=policy.renewal_lead_days,
        grace_days=policy.renewal_grace_days,
        uplift_percent=policy.renewal_uplift_percent if uplift is None else uplift,
    )


def first_bill(contract: Contract) -> Totals:
    """What the first invoice is expected to be."""
    lines = contract.first_bill_lines()
    return Totals(
        net=Money.total((line.net_per_period for line in lines), contract.currency),
        tax=Money.total((line.tax.amount for line in lines), contract.currency),
    )


def booking_total(contract: Contract) -> Totals:
    """What the ERP books; its tax is an estimate."""
    return Totals(net=contract.booking_net(), tax=contract.booking_tax())


def deal_value(deal: Deal, config: ConfigSet, today: date) -> Money:
    """Net over the committed term, from the deal alone: the money at risk of a stopped deal.

    Works for a deal that no contract can be built for; the price of an unmapped product is taken
    as a yearly one.
    """
    total = Money.zero(deal.currency)
    for line in deal.lines:
        if line.unit_price.currency != deal.currency:
            continue
        mapping = config.product(line.product_code, today)
        kind = ChargeKind.RECURRING if mapping is None else mapping.kind
        months = 12 if mapping is None else mapping.period_months
        total = total + _committed(deal, line, kind, months)
    return total


def _line(
    deal: Deal, line: DealLine, config: ConfigSet, seller: LegalEntity, today: date
) -> ContractLine:
    mapping = _known(config.product(line.product_code, today), "product_code")
    customer = _known(deal.account, "account")
    deal_start = _known(deal.start_date, "start_date")
    start = line.start_date or deal_start
    fixed = deal.term_kind is TermKind.FIXED
    one_time = mapping.kind is ChargeKind.ONE_TIME
    committed = _committed(deal, line, mapping.kind, mapping.period_months)
    per_period = _per_bill(deal, line, mapping, committed)
    code = _known(
        tax_code_for(config, seller.code, mapping.tax_category, customer, deal_start), "tax_code"
    )
    return ContractLine(
        line_key=line.line_key,
        crm_ref=line.ref,
        product_code=mapping.code,
        product_name=mapping.name,
        kind=mapping.kind,
        quantity=line.quantity,
        unit=mapping.unit,
        unit_price=line.unit_price,
        list_price=line.list_price or list_price_of(mapping, deal.currency),
        period_months=mapping.period_months,
        start_date=start,
        end_date=(line.end_date or deal.end_date) if fixed and not one_time else None,
        segment_no=line.segment_no,
        net_per_period=per_period,
        committed_net=committed if fixed or one_time else per_period,
        tax=tax_on(code, per_period),
        billing_product=mapping.billing_product,
        erp_item=mapping.erp_item,
        revenue_rule=mapping.revenue_rule,
        revenue_account=mapping.revenue_account,
        entitlement_template=mapping.entitlement_template,
        access_from=_access_from(deal, mapping, start),
        product_line=mapping.product_line,
        usage=terms_of(mapping, deal.currency),
    )


def list_price_of(mapping: ProductMapping, currency: str) -> UnitPrice | None:
    """The list price in a currency; None where the price is free or not offered."""
    return next((price for price in mapping.list_prices if price.currency == currency), None)


def _committed(deal: Deal, line: DealLine, kind: ChargeKind, months: int) -> Money:
    """Net over the line's span; usage commits nothing, an evergreen line one price period."""
    if kind is ChargeKind.USAGE:
        return Money.zero(deal.currency)
    start = line.start_date or deal.start_date
    end = line.end_date or deal.end_date
    one = line.unit_price.times(line.quantity)
    if (
        kind is ChargeKind.ONE_TIME
        or deal.term_kind is not TermKind.FIXED
        or start is None
        or end is None
        or end <= start
    ):
        return one
    count, share = whole_periods(start, end, months)
    whole = Money.of(one.amount * count, deal.currency)
    return whole + line.unit_price.times(line.quantity * share)


def _per_bill(deal: Deal, line: DealLine, mapping: ProductMapping, committed: Money) -> Money:
    """Net of one billing period; never more than a fixed line commits to."""
    if mapping.kind is not ChargeKind.RECURRING or deal.billing_frequency is BillingFrequency.TERM:
        return committed
    frequency = _known(deal.billing_frequency, "billing_frequency")
    periods = Decimal(frequency.months) / Decimal(mapping.period_months)
    amount = line.unit_price.times(line.quantity * periods)
    return min(amount, committed) if deal.term_kind is TermKind.FIXED else amount


def _access_from(deal: Deal, mapping: ProductMapping, start: date) -> date:
    """The later of service start and the product's policy date.

    `on_first_payment` has no date before the payment: the start is the earliest it can be, and
    whoever grants the right waits for the payment.
    """
    signed = deal.signed_on or deal.closed_on
    if mapping.access == "on_signature" and signed is not None:
        return max(start, signed)
    return start


def _term_months(start: date, end: date | None) -> int | None:
    """Whole months of the term; None when it does not end on a month boundary."""
    if end is None or end <= start:
        return None
    months = (end.year - start.year) * 12 + end.month - start.month
    return months if add_months(start, months) == end else None


def _known(value: T | None, what: str) -> T:
    if value is None:
        raise InvariantBroken("contract_of_an_invalid_deal", field=what)
    return value
