"""The contract: what was sold, by whom, on which terms. Ends are exclusive."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Entity, Ref
from dealthread.domain.deal import BillingFrequency, BillingTiming, CollectionMethod, TermKind
from dealthread.domain.money import CurrencyCode, ExactDecimal, Money, UnitPrice
from dealthread.domain.usage.terms import UsageTerms


class ContractState(StrEnum):
    PENDING = "pending"
    SCHEDULED = "scheduled"
    """Accepted and set up everywhere; the service starts in the future."""
    ACTIVE = "active"
    ENDED = "ended"
    NEVER_ACTIVATED = "never_activated"


class RenewalKind(StrEnum):
    """What happens at the end of a term when nobody says anything."""

    AUTO = "auto"
    MANUAL = "manual"
    """It ends, unless the customer accepts a renewal."""
    NONE = "none"


class RenewalTerms(Carried):
    """How a term ends and what may follow it. Percentages are of the unit price in force."""

    kind: RenewalKind = RenewalKind.MANUAL
    term_months: int | None = None
    """Of the next term; None = as long as the term that ends."""
    notice_days: int = 0
    """Last day to refuse an automatic renewal: this many days before the term's end."""
    lead_days: int = 30
    """How long before that day the renewal is announced."""
    grace_days: int = 0
    """How long after the term's end a late acceptance is taken, service held, nothing billed."""
    uplift_percent: ExactDecimal = Decimal(0)
    legal_notice: bool = False
    """Whether the law asks for a notice that is provably sent before an automatic renewal."""


class LineTax(Carried):
    """Tax of one line. An estimate until an invoice is finalised."""

    code: str
    jurisdiction: str
    applied_rate: ExactDecimal
    statutory_rate: ExactDecimal
    taxable_share: ExactDecimal
    base: Money
    amount: Money
    is_estimate: bool = True


class QuantityStep(Carried):
    """A quantity held from a day on, until before another."""

    start_date: date
    end_date: date | None
    quantity: ExactDecimal


class ContractLine(Carried):
    """`line_key` is stable over versions and joins CRM, biller and ERP.

    A line that changes is several of these with the same key, one for each span with the same
    quantity, price and product, in order and without overlap.

    `net_per_period`: net of one billing period; for one-time lines, the whole price.
    """

    line_key: str
    crm_ref: Ref
    product_code: str
    product_name: str
    kind: str
    """recurring, one_time or usage (`catalog.ChargeKind`)."""
    quantity: ExactDecimal
    unit: str
    unit_price: UnitPrice
    list_price: UnitPrice | None = None
    period_months: int
    start_date: date
    end_date: date | None
    segment_no: int | None = None
    net_per_period: Money
    committed_net: Money
    """Net over the committed term of this line: what was sold."""
    tax: LineTax
    billing_product: str
    erp_item: str
    revenue_rule: str
    revenue_account: str
    entitlement_template: str = ""
    access_from: date
    product_line: str = ""
    usage: UsageTerms | None = None
    """Of kind usage: how it is counted and priced. None of one that was sold before it was."""


class Contract(Entity):
    """One selling legal entity and one currency for life."""

    number: str
    """Human-readable; equal to the key in this version."""
    group: str = ""
    org: str
    deal_id: str
    seller: str
    seller_region: str
    seller_country: str = ""
    """ISO alpha-2; decides how a document that must not stand is corrected (void or credit)."""
    billing_account: str
    erp: str
    erp_company: str
    customer_key: str
    customer_ref: Ref
    currency: CurrencyCode
    term_no: int = 1
    later_terms: tuple[date, ...] = ()
    """First day of each term after the first."""
    start_date: date
    end_date: date | None
    term_kind: TermKind
    committed_until: date | None
    term_months: int | None
    notice_days: int | None
    auto_renew: bool
    payment_terms: str
    days_until_due: int
    collection_method: CollectionMethod
    billing_frequency: BillingFrequency
    billing_timing: BillingTiming
    po_number: str = ""
    signed_on: date | None = None
    signed_document: str = ""
    renewal: RenewalTerms | None = None
    """None only for contracts accepted before renewals existed."""
    booking_policy: str
    release_policy: str
    lines: tuple[ContractLine, ...]
    content_hash: str
    config_version: str
    adopted_on: date | None = None
    """Of a contract that was in force before it was ours: the first day whose revenue is ours to
    recognise. What was billed before it is in the ledger already, by other hands."""
    served_lines: tuple[str, ...] = ()
    """Of an adopted contract: keys of lines whose services were accepted before it was ours."""

    def tcv(self) -> Money:
        """Total contract value: net of the committed, non-cancellable term."""
        return Money.total((line.committed_net for line in self.lines), self.currency)

    def first_bill_lines(self) -> tuple[ContractLine, ...]:
        """Lines on the first invoice: one-time lines and those that start with the contract."""
        return tuple(
            line
            for line in self.lines
            if line.kind != "usage" and line.start_date == self.start_date
        )

    def booking_net(self) -> Money:
        """Net the ERP books: the committed term; one period where the term has no end."""
        return self.tcv()

    def booking_tax(self) -> Money:
        """Estimated tax on the booking, per line, rounded half up."""
        hundred = Decimal(100)
        return Money.total(
            (
                Money.rounded(
                    line.committed_net.amount * line.tax.applied_rate / hundred, self.currency
                )
                for line in self.lines
            ),
            self.currency,
        )


class ApprovalReason(Carried):
    """A rule that asks for a person's approval before the deal goes on."""

    rule: str
    queue: str
    field: str
    detail: str


class ContractVersion(Carried):
    """Version 1 is the accepted deal; each accepted change adds one."""

    no: int
    accepted_at: AwareDatetime
    effective_from: date
    base_version: int | None = None
    tcv: Money
    reason: str = ""
