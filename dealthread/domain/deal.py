"""A deal as the CRM tells it, frozen with a content hash."""

from __future__ import annotations

import hashlib
from datetime import date
from decimal import Decimal
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Entity, Ref
from dealthread.domain.money import CurrencyCode, ExactDecimal, UnitPrice
from dealthread.domain.party import Party


class DealKind(StrEnum):
    NEW = "new"
    AMENDMENT = "amendment"
    RENEWAL = "renewal"
    WIN_BACK = "win_back"


class TermKind(StrEnum):
    FIXED = "fixed"
    EVERGREEN = "evergreen"


class BillingFrequency(StrEnum):
    """How often the recurring charge is billed."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    SEMI_ANNUAL = "semi_annual"
    YEARLY = "yearly"
    TERM = "term"
    """Once for the whole term (prepaid)."""

    @property
    def months(self) -> int:
        """Months in one billing period; 0 for the whole term."""
        return {"monthly": 1, "quarterly": 3, "semi_annual": 6, "yearly": 12, "term": 0}[self.value]


class BillingTiming(StrEnum):
    ADVANCE = "advance"
    ARREARS = "arrears"


class CollectionMethod(StrEnum):
    CARD = "card"
    """Charged automatically; needs a usable payment method on file."""
    BANK_TRANSFER = "bank_transfer"
    """Invoice sent, paid by the customer within the terms."""


class DealLine(Carried):
    """One line of the deal. `end_date` is the first day not served; None without end.

    `unit_price` is net of discount, for one unit and one billing period of the product's price
    (per year for a yearly price). `list_price` is before discount.
    """

    line_key: str
    ref: Ref
    product_code: str
    description: str = ""
    quantity: ExactDecimal
    unit_price: UnitPrice
    list_price: UnitPrice | None = None
    price_entry_active: bool = True
    start_date: date | None = None
    end_date: date | None = None
    segment_no: int | None = None


class Deal(Entity):
    """A closed-won opportunity, read back from the CRM. `end_date` is exclusive."""

    org: str
    deal_id: str
    ref: Ref
    kind: DealKind = DealKind.NEW
    is_won: bool
    is_deleted: bool = False
    closed_on: date | None = None
    signed_on: date | None = None
    signed_document: str = ""
    price_date: date | None = None
    currency: CurrencyCode
    price_book_currency: str = ""
    seller_hint: str = ""
    """Legal entity the deal desk chose; empty = by rule."""
    account: Party | None = None
    parents: tuple[Party, ...] = ()
    """Commercial parents, nearest first, up to the root."""
    start_date: date | None = None
    end_date: date | None = None
    term_kind: TermKind | None = None
    term_months: int | None = None
    provisioned_cancellable: bool = False
    """The customer could cancel every billing period although a longer term was sold."""
    billing_frequency: BillingFrequency | None = None
    billing_timing: BillingTiming = BillingTiming.ADVANCE
    payment_terms: str = ""
    collection_method: CollectionMethod | None = None
    po_number: str = ""
    approved_discount_percent: ExactDecimal = Decimal(0)
    auto_renew: bool = False
    notice_days: int | None = None
    renewal_uplift_percent: ExactDecimal | None = None
    """Price increase agreed for the next term; None = the policy's."""
    termination_for_convenience: bool = False
    partner: str = ""
    owner_id: str = ""
    lines: tuple[DealLine, ...] = ()
    modified_at: AwareDatetime | None = None
    waived_rules: tuple[str, ...] = ()
    """Rules that this deal's load policy waives, e.g. V21 for a historical load."""

    def content_hash(self) -> str:
        """SHA-256 of the commercial content: same content, same hash, whenever it is read."""
        left_out = {"provenance", "version", "created_at", "changed_at", "modified_at", "refs"}
        if self.renewal_uplift_percent is None:
            left_out.add("renewal_uplift_percent")  # younger than the first stored hashes
        content = self.model_dump_json(exclude=left_out)
        return hashlib.sha256(content.encode()).hexdigest()
