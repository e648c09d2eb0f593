"""Tax rates of an account by our tax code and percentage.

A Stripe tax rate never changes its percentage, so the list is kept; what is not in it is asked for
once more before it is refused. A code whose rate has changed has one for each percentage: which of
them is billed is said by the charge, and which a document bears by the rate's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.stripe import translate
from adapters.stripe.clients import BillingAccount
from adapters.stripe.paging import pages
from adapters.stripe.plan import Charge
from adapters.stripe.usage_prices import UsagePrices
from dealthread.errors import ContractDrift, NotFound, StepRejected

TAX_CODE = "dealthread_tax_code"


@dataclass(frozen=True)
class TaxRate:
    """One tax rate of an account."""

    native_id: str
    code: str
    percent: Decimal

    @property
    def name(self) -> str:
        """Code and percentage: what two rates share of which one has replaced the other."""
        return f"{self.code} {self.percent.normalize():f} %"


class TaxRates:
    """Cached per account; the products' ids are the mapping's own and need no look-up."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, list[TaxRate]]] = {}
        self._read: dict[str, dict[str, TaxRate]] = {}
        """By id, those that documents bear and the list lacked."""
        self._prices = UsagePrices()

    async def of(self, account: BillingAccount, charges: Iterable[Charge]) -> dict[str, str]:
        """Key of the rate → tax rate id, and for charges of usage the key of the price → its id.
        Raises StepRejected for what the account lacks."""
        charges = tuple(charges)
        wanted = {charge.rate_key: charge for charge in charges}
        known = self._known.get(account.key, {})
        if any(_rate_of(known, charge) is None for charge in wanted.values()):
            known = self._known[account.key] = await _load(account)
        found: dict[str, str] = {}
        for key, charge in wanted.items():
            rate = _rate_of(known, charge)
            if rate is None:
                raise _missing(known.get(charge.tax_code, []), charge)
            found[key] = rate.native_id
        return found | await self._prices.of(account, charges)

    async def codes(
        self, account: BillingAccount, lines: Iterable[translate.Data]
    ) -> dict[str, str]:
        """Tax rate id → tax code, for reading the lines of a document back."""
        return {rate.native_id: rate.code for rate in await self.borne(account, lines)}

    async def borne(
        self, account: BillingAccount, taxed: Iterable[translate.Data], name: str = "taxes"
    ) -> tuple[TaxRate, ...]:
        """The rates of ours that lines bear, or what else states its taxes under the name. One that
        is no longer in use, or newer than the list, is read by itself: what is read of a document
        is the same at every worker."""
        wanted = {translate.tax_rate(tax) for one in taxed for tax in translate.rows(one, name)}
        if not wanted:
            return ()
        if account.key not in self._known:
            self._known[account.key] = await _load(account)
        listed = self._known[account.key].values()
        known = {rate.native_id: rate for rates in listed for rate in rates}
        read = self._read.setdefault(account.key, {})
        for native_id in sorted(wanted - known.keys() - read.keys()):
            rate = await _retrieve(account, native_id)
            if rate is not None:
                read[native_id] = rate
        return tuple(rate for rate in {**read, **known}.values() if rate.native_id in wanted)


def _rate_of(known: Mapping[str, list[TaxRate]], charge: Charge) -> TaxRate | None:
    rates = known.get(charge.tax_code, [])
    # The newest comes first; an older one of the same percentage has been replaced.
    return next((rate for rate in rates if rate.percent == charge.tax_rate_percent), None)


def _missing(rates: list[TaxRate], charge: Charge) -> StepRejected:
    code, wanted = charge.tax_code, str(charge.tax_rate_percent)
    if not rates:
        return StepRejected(
            "tax_rate_missing", case_kind="tax.rejected", field="tax.code", tax_code=code
        )
    return StepRejected(
        "tax_rate_percentage_differs",
        case_kind="tax.rejected",
        field="tax.applied_rate",
        tax_code=code,
        expected=wanted,
        found=", ".join(str(rate.percent) for rate in rates),
    )


async def _load(account: BillingAccount) -> dict[str, list[TaxRate]]:
    found: dict[str, list[TaxRate]] = {}

    async for row in pages(
        account,
        "list_tax_rates",
        lambda after: account.v1.tax_rates.list_async(
            {"active": True, "limit": 100, **({"starting_after": after} if after else {})}
        ),
    ):
        rate = _ours(row)
        if rate is not None:
            found.setdefault(rate.code, []).append(rate)
    return found


async def _retrieve(account: BillingAccount, native_id: str) -> TaxRate | None:
    if not native_id:
        return None
    try:
        row = await account.read(
            "read_tax_rate", lambda: account.v1.tax_rates.retrieve_async(native_id)
        )
    except NotFound:
        return None
    return _ours(row)


def _ours(row: dict[str, Any]) -> TaxRate | None:
    """None of one that bears no code of ours."""
    code = (row.get("metadata") or {}).get(TAX_CODE)
    if not isinstance(code, str) or not code:
        return None
    return TaxRate(str(row["id"]), code, _percent(row))


def _percent(row: dict[str, object]) -> Decimal:
    # The only number that Stripe sends as a JSON float; its shortest text is what was entered.
    try:
        return Decimal(str(row.get("percentage")))
    except InvalidOperation:
        raise ContractDrift("billing_field_shape", field="tax_rate.percentage") from None
