"""Tax rates of an account by our tax code.

A Stripe tax rate never changes its percentage, so the list is kept; a code that is not in it is
asked for once more before it is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from adapters.stripe.clients import BillingAccount
from adapters.stripe.paging import pages
from adapters.stripe.plan import Charge
from adapters.stripe.usage_prices import UsagePrices
from dealthread.errors import ContractDrift, StepRejected

TAX_CODE = "dealthread_tax_code"


@dataclass(frozen=True)
class TaxRate:
    """One tax rate of an account."""

    native_id: str
    code: str
    percent: Decimal


class TaxRates:
    """Cached per account; the products' ids are the mapping's own and need no look-up."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, TaxRate]] = {}
        self._prices = UsagePrices()

    async def of(self, account: BillingAccount, charges: Iterable[Charge]) -> dict[str, str]:
        """Tax code → tax rate id, and for charges of usage the key of the price → its id. Raises
        StepRejected for what the account lacks."""
        charges = tuple(charges)
        wanted = {charge.tax_code: charge for charge in charges}
        known = self._known.get(account.key, {})
        if any(code not in known for code in wanted):
            known = self._known[account.key] = await _load(account)
        found: dict[str, str] = {}
        for code, charge in wanted.items():
            rate = known.get(code)
            if rate is None:
                raise StepRejected(
                    "tax_rate_missing", case_kind="tax.rejected", field="tax.code", tax_code=code
                )
            if rate.percent != charge.tax_rate_percent:
                raise StepRejected(
                    "tax_rate_percentage_differs",
                    case_kind="tax.rejected",
                    field="tax.applied_rate",
                    tax_code=code,
                    expected=str(charge.tax_rate_percent),
                    found=str(rate.percent),
                )
            found[code] = rate.native_id
        return found | await self._prices.of(account, charges)

    async def codes(self, account: BillingAccount) -> dict[str, str]:
        """Tax rate id → tax code, for reading invoices back."""
        if account.key not in self._known:
            self._known[account.key] = await _load(account)
        return {rate.native_id: rate.code for rate in self._known[account.key].values()}


async def _load(account: BillingAccount) -> dict[str, TaxRate]:
    found: dict[str, TaxRate] = {}

    async for row in pages(
        account,
        "list_tax_rates",
        lambda after: account.v1.tax_rates.list_async(
            {"active": True, "limit": 100, **({"starting_after": after} if after else {})}
        ),
    ):
        code = (row.get("metadata") or {}).get(TAX_CODE)
        if isinstance(code, str) and code:
            # The newest comes first; an older rate with the same code has been replaced.
            found.setdefault(code, TaxRate(str(row["id"]), code, _percent(row)))
    return found


def _percent(row: dict[str, object]) -> Decimal:
    # The only number that Stripe sends as a JSON float; its shortest text is what was entered.
    try:
        return Decimal(str(row.get("percentage")))
    except InvalidOperation:
        raise ContractDrift("billing_field_shape", field="tax_rate.percentage") from None
