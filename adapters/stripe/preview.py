"""The biller's own preview of a first invoice: what it will bill, before anything exists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from stripe.params import InvoiceCreatePreviewParams
from stripe.params._invoice_create_preview_params import (
    InvoiceCreatePreviewParamsScheduleDetailsPhase as PhaseParams,
)

from adapters.stripe import translate
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.clients import BillingAccount
from adapters.stripe.paging import rows_of
from adapters.stripe.plan import Charge, Plan, midnight, plan_of, timestamp
from adapters.stripe.requests import by_day_of_month, item
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.party import Party
from dealthread.errors import ContractDrift, InvariantBroken, NotFound, StepRejected
from dealthread.ports.clock import BusinessClock


async def first_invoice(
    account: BillingAccount,
    tax_rates: TaxRates,
    clock: BusinessClock,
    contract: Contract,
    party: Party,
) -> BillingInvoice:
    """Raises StepRejected where the biller refuses the terms."""
    if account.key != contract.billing_account:
        raise InvariantBroken("preview_at_another_account")
    plan = plan_of(contract)
    charges = (*plan.first.recurring, *plan.first.one_time)
    rates = await tax_rates.of(account, charges)
    params = request(plan, party, rates, clock.now())
    return await shown(account, tax_rates, params, charges)


async def shown(
    account: BillingAccount,
    tax_rates: TaxRates,
    params: InvoiceCreatePreviewParams,
    charges: Sequence[Charge],
) -> BillingInvoice:
    """The preview of something new. Raises StepRejected."""
    try:
        answer = await account.read(
            "preview_invoice", lambda: account.v1.invoices.create_preview_async(params)
        )
    except NotFound as missing:
        # A product or tax rate named in the request: the catalogue and the account differ.
        raise StepRejected(
            "resource_missing",
            case_kind="catalogue.drift",
            field=missing.evidence.get("param", ""),
        ) from None
    lines = translate.mapping(answer, "lines")
    if lines.get("has_more"):
        # A preview cannot be paged through later: its lines exist in this answer only.
        raise ContractDrift("preview_with_more_lines", field="lines.has_more")
    shown = rows_of(dict(lines))
    return translate.invoice(
        account.key,
        answer,
        shown,
        translate.LineKeys({}, charges),
        await tax_rates.codes(account, shown),
        is_preview=True,
    )


def request(
    plan: Plan, party: Party, tax_rates: Mapping[str, str], now: datetime
) -> InvoiceCreatePreviewParams:
    """The parameters. Only what may decide a tax goes along of the customer: place, no name, no
    street."""
    address = party.billing_address
    params = terms(plan, tax_rates, now)
    params["customer_details"] = {
        "address": {
            "city": address.city,
            "state": address.region,
            "postal_code": address.postal_code,
            "country": address.country,
        }
    }
    return params


def terms(plan: Plan, tax_rates: Mapping[str, str], now: datetime) -> InvoiceCreatePreviewParams:
    """What would be begun, whoever the customer is."""
    params: InvoiceCreatePreviewParams = {"currency": plan.first.recurring[0].currency}
    boundary = plan.next_boundary(max(now, midnight(plan.start)))
    if by_day_of_month(plan) and boundary.day != plan.start.day:
        # A preview has no anchor by day of month, and a timestamp on 30 April is no boundary of a
        # cycle of the 31st: only a phase counts its periods from the start's own day.
        params["schedule_details"] = {"phases": [_phase(plan, tax_rates, boundary)]}
        return params
    params["subscription_details"] = {
        "items": [item(charge, tax_rates) for charge in plan.first.recurring],
        "proration_behavior": "create_prorations",
        "start_date": timestamp(plan.start),
        "billing_cycle_anchor": {"type": "timestamp", "timestamp": timestamp(boundary)},
    }
    if plan.first.one_time:
        params["invoice_items"] = [item(c, tax_rates) for c in plan.first.one_time]
    return params


def _phase(plan: Plan, tax_rates: Mapping[str, str], boundary: date) -> PhaseParams:
    phase: PhaseParams = {
        "items": [item(charge, tax_rates) for charge in plan.first.recurring],
        "start_date": timestamp(plan.start),
        "end_date": timestamp(plan.first.end or boundary),
        "billing_cycle_anchor": "phase_start",
        "proration_behavior": "create_prorations",
    }
    if plan.first.one_time:
        phase["add_invoice_items"] = [item(c, tax_rates) for c in plan.first.one_time]
    return phase
