"""The biller's own preview of a first invoice: what it will bill, before anything exists."""

from __future__ import annotations

from adapters.stripe import requests, translate
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.clients import BillingAccount
from adapters.stripe.paging import rows_of
from adapters.stripe.plan import plan_of
from dealthread.domain.contract import Contract
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.party import Party
from dealthread.errors import ContractDrift, InvariantBroken, NotFound, StepRejected
from dealthread.ports import BusinessClock


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
    params = requests.preview(plan, party, rates, clock.now())
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
    return translate.invoice(
        account.key,
        answer,
        rows_of(dict(lines)),
        translate.LineKeys({}, charges),
        await tax_rates.codes(account),
        is_preview=True,
    )
