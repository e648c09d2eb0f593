"""Limits and switches of finance (`config/policy.yaml`, where each is explained)."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from dealthread.domain.base import Frozen
from dealthread.domain.dispute import LostDispute
from dealthread.domain.money import ExactDecimal


class Policy(Frozen):
    """Limits and switches of the validation rules and of the flow."""

    max_future_start_days: int = 365
    max_backdate_days: int = 30
    price_tolerance_minor_units: int = 0
    max_unapproved_discount_percent: ExactDecimal = Decimal(20)
    max_payment_terms_days: int = 60
    credit_limit_default: dict[str, ExactDecimal] = {}
    approval_amount: dict[str, ExactDecimal] = {}
    """TCV per currency above which a deal needs approval; absent = no such approval."""
    signature_required: bool = False
    screening_required: bool = False
    screening_max_age_days: int = 30
    erp_unavailable_minutes: int = 15
    entitlement_confirm_minutes: int = 30
    business_hours_sla: bool = False
    amendment_approval_net: dict[str, ExactDecimal] = {}
    """Net per currency, up or down, above which an amendment needs approval; absent = none."""
    reduction_needs_approval: bool = False
    invoice_credit_approval_gross: dict[str, ExactDecimal] = {}
    """Gross per currency above which a credit on an invoice needs approval; absent = none."""
    write_off_approval_gross: dict[str, ExactDecimal] = {}
    """Gross per currency above which giving up an invoice needs approval; absent = none."""
    cancellation_needs_approval: bool = True
    own_end_allowed: bool = False
    """Whether an added line may end before the contract."""
    renewal_uplift_percent: ExactDecimal = Decimal(0)
    renewal_lead_days: int = 30
    renewal_grace_days: int = 0
    renewal_notice_days: int = 30
    dispute_lost: LostDispute = LostDispute.REOPEN
    """Whether the customer owes the invoice again, or the loss is booked."""
    late_revenue_threshold: dict[str, ExactDecimal] = {}
    """Per ledger currency: what a contract owes of a closed month of the running year is posted on
    the next open day where it is below; absent = the controller decides about each."""
    usage_late_minutes: int = 45
    """How long after its billing period's end an event is taken in: the biller must have it before
    it finalises the period's bill."""
    usage_after_bill_days: Annotated[int, Field(ge=0, le=30)] = 0
    """How long after it an event of a billed period is taken in for a person to charge; 0 = it is
    refused. The biller takes none that is much older."""
    usage_future_minutes: int = 5
    usage_thresholds_percent: tuple[int, ...] = (80, 100)
    """Of the units that a billing period includes."""
    usage_send_seconds: int = 60
    """Least time between two sums of one contract line."""
    contract_check_hours: int = 24
    """How often each contract is compared with what every system says of it."""
    contract_check_ended_days: int = 30
    """How long after its end it still is."""
    placeholder_po: tuple[str, ...] = ("TBD", "N/A", "NA", "NONE", "-", "?")
