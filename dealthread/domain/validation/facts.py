"""What other systems answered before the rules run. None = not asked, so not decided."""

from __future__ import annotations

from datetime import date

from dealthread.domain.base import Carried
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money


class PostingFinding(Carried):
    """One thing the ERP would refuse. Same fields as the ERP port's `PostingProblem`."""

    rule: str
    """V22 or V38."""
    field: str
    value: str
    detail: str


class ActiveContract(Carried):
    """A contract in force for one of the deal's products. `end_date` is exclusive."""

    contract_key: str
    product_code: str
    start_date: date
    end_date: date | None = None


class CreditFacts(Carried):
    """The customer's credit at this seller, in the deal's currency, this deal not counted."""

    exposure: Money
    """Open receivables and the next bills already agreed."""
    limit: Money | None = None
    """None: the policy's default limit of the currency, if there is one."""
    stop: bool = False
    in_collections: bool = False


class ExternalFacts(Carried):
    """Answers gathered by reads."""

    content_hash: str = ""
    """Hash of the deal as the CRM tells it; empty = the deal given is uncorrected."""
    accepted_hashes: tuple[str, ...] | None = None
    """Content hashes of the versions already accepted for this deal."""
    posting_findings: tuple[PostingFinding, ...] | None = None
    payment_method_on_file: bool | None = None
    preview: BillingInvoice | None = None
    active_contracts: tuple[ActiveContract, ...] | None = None
    credit: CreditFacts | None = None
    billing_customer_currency: str | None = None
    """Currency the billing customer already uses; empty = a new customer."""
