"""The biller's own preview of a change: what it would bill at once, nothing stored."""

from __future__ import annotations

from adapters.stripe import change_requests, late_renewal, preview, translate
from adapters.stripe.catalogue import TaxRates
from adapters.stripe.change_plan import Differences, Target
from adapters.stripe.change_run import Run
from adapters.stripe.clients import Answer
from adapters.stripe.paging import rows_of
from dealthread.domain.invoice import BillingInvoice
from dealthread.domain.money import Money
from dealthread.errors import ContractDrift, NotFound, StepRejected


async def of_items(
    run: Run, tax_rates: TaxRates, row: Answer, missing: Differences, target: Target
) -> BillingInvoice | None:
    """The invoice of the charged items; None where nothing would be billed."""
    params = change_requests.preview(row, missing, run.command)
    try:
        answer = await run.account.read(
            "preview_change", lambda: run.account.v1.invoices.create_preview_async(params)
        )
    except NotFound as missing_object:
        field = missing_object.evidence.get("param", "")
        raise StepRejected("resource_missing", case_kind="catalogue.drift", field=field) from None
    lines = translate.mapping(answer, "lines")
    if lines.get("has_more"):
        raise ContractDrift("preview_with_more_lines", field="lines.has_more")
    keys = _Keys(row, missing, target)
    own = [line for line in rows_of(dict(lines)) if not _is_of_a_period(line)]
    codes = await tax_rates.codes(run.account, own)
    found = translate.invoice(run.account.key, answer, own, keys, codes, is_preview=True)
    if len(own) == len(rows_of(dict(lines))):
        return found
    # Stripe showed the next period's invoice along: only what is billed at once is ours.
    net = Money.total((line.net for line in found.lines), found.currency)
    tax = Money.total((line.tax for line in found.lines), found.currency)
    if not found.lines:
        return None
    gross = net + tax
    return found.model_copy(update={"net": net, "tax": tax, "gross": gross, "amount_due": gross})


async def of_new_term(run: Run, tax_rates: TaxRates, row: Answer) -> BillingInvoice:
    """The first invoice of a term that begins a new subscription."""
    plan = late_renewal.plan_of_term(run.command)
    charges = (*plan.first.recurring, *plan.first.one_time)
    rates = await tax_rates.of(run.account, charges)
    params = preview.terms(plan, rates, run.now)
    params["customer"] = translate.id_of(row.get("customer"))
    return await preview.shown(run.account, tax_rates, params, charges)


def _is_of_a_period(line: translate.Data) -> bool:
    """Whether a line bills a regular period, as the invoice of the next period does."""
    details = translate.mapping(line, "parent", "subscription_item_details")
    return bool(details) and not details.get("proration")


class _Keys(translate.LineKeys):
    """As `LineKeys`; items that are added do not exist yet and are told by product."""

    def __init__(self, row: Answer, missing: Differences, target: Target) -> None:
        retired = {**translate.retired_items_of(row), **missing.retired}
        super().__init__(translate.items_of(row), retired=retired)
        present = translate.items_of(row)
        gone = set(missing.retired.values())
        self._added = {
            charge.product: charge.line_key
            for charge in target.now
            if charge.line_key not in present or charge.line_key in gone
        }

    def of(self, line: translate.Data) -> str:
        """The line key, or ""."""
        product = translate.text(line, "pricing", "price_details", "product")
        return super().of(line) or self._added.get(product, "")
