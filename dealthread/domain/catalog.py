"""Configuration of finance as data: legal entities, tax codes, products, terms, policies.

These are the shapes of the files under `config/`. They are owned by finance under change
control (`System.FINANCE`) and versioned by `ConfigSet.version`.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from dealthread.domain.base import Frozen
from dealthread.domain.dispute import DisputeAccounts
from dealthread.domain.dunning import CollectionsPolicy, ConfiguredCollections
from dealthread.domain.money import CurrencyCode, ExactDecimal, UnitPrice
from dealthread.domain.payout import PayoutAccounts
from dealthread.domain.policy import Policy as Policy
from dealthread.domain.posting_policy import PostingPolicy
from dealthread.domain.pricing.tier import TierTable
from dealthread.domain.service_level import ServiceLevels


class BookingPolicy(StrEnum):
    """What the ERP receives at activation (`erp.booking`)."""

    NONE = "none"
    MEMO_ORDER = "memo_order"
    REVENUE_CONTRACT = "revenue_contract"
    BILLING_ORDER = "billing_order"


class ReleasePolicy(StrEnum):
    """AUTOMATIC: the biller finalises the first invoice by itself. REVIEW: the draft is compared
    with the preview, then finalised by us."""

    AUTOMATIC = "automatic"
    REVIEW = "review"


class LegalIssuer(StrEnum):
    BILLING = "billing"
    ERP = "erp"
    E_INVOICE_PROVIDER = "e_invoice_provider"


class RevenueEngine(StrEnum):
    OWN_SCHEDULE = "own_schedule"
    ERP = "erp"
    BILLING = "billing"


class TaxEngine(StrEnum):
    """Who decides the tax of a line: our rule table, the biller's own engine, or a third party."""

    RULE_TABLE = "rule_table"
    BILLING = "billing"
    EXTERNAL = "external"


class RetryEngine(StrEnum):
    """Who charges again and reminds after a failed payment."""

    BILLING = "billing"
    COLLECTIONS = "collections"


class ChargeKind(StrEnum):
    RECURRING = "recurring"
    ONE_TIME = "one_time"
    USAGE = "usage"


class TaxRegistration(Frozen):
    """`until` is the first day no longer registered."""

    jurisdiction: str
    number: str = ""
    since: date
    until: date | None = None


class BillingAccount(Frozen):
    """One account at the biller; belongs to exactly one legal entity."""

    key: str
    system: str = "stripe"
    seller: str
    currencies: tuple[CurrencyCode, ...]
    number_scope: str = "account"
    tax_rounding: str = "line"
    anchor_zone: str = "UTC"
    payouts: PayoutAccounts = PayoutAccounts()
    """Accounts of the chart that take what the biller pays out."""
    disputes: DisputeAccounts = DisputeAccounts()
    """Accounts of the chart that take what payers' banks take back."""


class LegalEntity(Frozen):
    """A company that sells, taxes and books."""

    code: str
    legal_name: str
    country: str
    region: str
    functional_currency: CurrencyCode
    time_zone: str
    erp_instance: str
    erp_company: str
    tax_registrations: tuple[TaxRegistration, ...]
    booking_policy: BookingPolicy
    revenue_engine: tuple[RevenueEngine, ...]
    """Exactly one; a list so that `config check` can name both when two are given."""
    invoice_issuer: tuple[LegalIssuer, ...]
    release_policy: ReleasePolicy
    default_payment_terms: str
    sells_to: tuple[str, ...]
    """Countries whose customers this entity sells to by default (rule V04)."""
    output_tax_account: str = ""
    """Account of the chart that takes the tax on sales; empty = the ledger's own tax account."""
    bad_debt_account: str = "6500"
    """Account of the chart that takes what is written off."""
    bad_debt_relief_months: int | None = None
    """Months after the due date from which tax on a bad debt is given back; None = never."""
    tax_engine: tuple[TaxEngine, ...] = (TaxEngine.RULE_TABLE,)
    retry_engine: tuple[RetryEngine, ...] = (RetryEngine.BILLING,)
    posting: PostingPolicy = PostingPolicy()
    """Whether its invoices are posted one by one or summarised."""


class TaxCode(Frozen):
    """`applied_rate`: percentage put on the charge = `statutory_rate` × `taxable_share`."""

    code: str
    seller: str
    jurisdiction: str
    applied_rate: ExactDecimal
    statutory_rate: ExactDecimal
    taxable_share: ExactDecimal = Decimal(100)
    valid_from: date
    valid_until: date | None = None
    wording: str = ""


class TaxRule(Frozen):
    """First rule that matches decides the code. Empty field = any value.

    `buyer_has_tax_id`: None = does not matter. `exempt`: the rule for certificate holders.
    """

    seller: str
    category: str = ""
    country: tuple[str, ...] = ()
    not_country: tuple[str, ...] = ()
    region: tuple[str, ...] = ()
    city: tuple[str, ...] = ()
    buyer_type: str = ""
    buyer_has_tax_id: bool | None = None
    exempt: bool = False
    code: str


class ProductPart(Frozen):
    """A product in a bundle, and how many of it are in one unit of the bundle."""

    product: str
    quantity: ExactDecimal = Decimal(1)


class ProductUsage(Frozen):
    """How a product that is charged as used is counted and priced in one billing period."""

    meter: str
    """Event name of the biller's meter, and what usage events name."""
    prices: tuple[TierTable, ...]
    """Graduated, one for each currency."""
    licensed: ExactDecimal | None = None
    """Units of a billing period beyond which use is more than was licensed; None = no such."""


class ProductMapping(Frozen):
    """What one product is in each system, from `valid_from` until before `valid_until`."""

    code: str
    name: str
    kind: ChargeKind
    period_months: int = 12
    """Months one unit price pays for; 0 for one-time."""
    unit: str = "seat"
    quantity_decimals: int = 0
    min_quantity: ExactDecimal = Decimal(1)
    max_quantity: ExactDecimal | None = None
    frequencies: tuple[str, ...] = ("yearly",)
    tax_category: str
    billing_product: str
    erp_item: str
    revenue_rule: str
    revenue_account: str
    entitlement_template: str = ""
    access: str = "on_start"
    """When the entitlement becomes effective: on_signature, on_start, on_first_payment."""
    list_prices: tuple[UnitPrice, ...] = ()
    product_line: str = ""
    sellers: tuple[str, ...] = ()
    valid_from: date = date(2020, 1, 1)
    valid_until: date | None = None
    erp_salable: bool = True
    concurrent_contracts: bool = False
    """Whether one customer may hold several contracts for it at once (devices), rule V14."""
    ssp_range_percent: ExactDecimal = Decimal(10)
    """Standalone selling prices lie so far around the list price (ASC 606-10-32-31…34)."""
    usage: ProductUsage | None = None
    """Of kind usage: how it is counted. Without it no usage of it can be taken in or billed."""
    parts: tuple[ProductPart, ...] = ()
    """What a bundle consists of: its revenue goes to these by their selling prices."""


class PaymentTerms(Frozen):
    """`days_until_due` for the biller and the code the ERP knows."""

    code: str
    days_until_due: int
    erp_code: str


class Account(Frozen):
    """One account of the chart; the same codes exist in each company."""

    code: str
    name: str
    kind: str


class ConfigSet(Frozen):
    """Everything under `config/`, validated as one."""

    version: str
    """SHA-256 prefix of the files' content: the mapping version stored with each transaction."""
    legal_entities: tuple[LegalEntity, ...]
    billing_accounts: tuple[BillingAccount, ...]
    accounts: tuple[Account, ...]
    tax_codes: tuple[TaxCode, ...]
    tax_rules: tuple[TaxRule, ...]
    products: tuple[ProductMapping, ...]
    payment_terms: tuple[PaymentTerms, ...]
    policy: Policy
    closed_until: dict[str, date] = {}
    """Per legal entity: first open day. Seeds the ERP of the local stack; the ERP is the owner."""
    collections: tuple[ConfiguredCollections, ...] = ()
    service_levels: ServiceLevels = ServiceLevels()

    def legal_entity(self, code: str) -> LegalEntity:
        """Raises KeyError when no such entity is configured."""
        return next_or_key_error(self.legal_entities, "code", code)

    def product(self, code: str, on: date) -> ProductMapping | None:
        """The mapping effective on a day, or None: an unmapped product is a case, not an error."""
        for row in self.products:
            until = row.valid_until
            if row.code == code and row.valid_from <= on and (until is None or on < until):
                return row
        return None

    def tax_code(self, code: str, on: date) -> TaxCode | None:
        """The row of a tax code effective on a day."""
        for row in self.tax_codes:
            until = row.valid_until
            if row.code == code and row.valid_from <= on and (until is None or on < until):
                return row
        return None

    def collections_of(self, seller: str) -> CollectionsPolicy | None:
        """How the seller's overdue invoices are pursued."""
        return next((row for row in self.collections if seller in row.sellers), None)

    def account_at_biller(self, key: str) -> BillingAccount | None:
        """A billing account by its key; None where none is configured under it."""
        return next((row for row in self.billing_accounts if row.key == key), None)

    def terms(self, code: str) -> PaymentTerms | None:
        """Payment terms by code."""
        return next((row for row in self.payment_terms if row.code == code), None)

    def billing_account(self, seller: str, currency: str) -> BillingAccount | None:
        """The seller's account that bills in a currency."""
        for row in self.billing_accounts:
            if row.seller == seller and currency in row.currencies:
                return row
        return None


def next_or_key_error(rows: tuple[LegalEntity, ...], field: str, value: str) -> LegalEntity:
    """First row whose field has the value."""
    for row in rows:
        if getattr(row, field) == value:
            return row
    raise KeyError(value)
