"""What a tax rate that changes does to one running contract, and whether a bill bears its day's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

from temporalio import activity

from dealthread.domain.base import Carried
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.contract import Contract, ContractState
from dealthread.domain.money import Money
from dealthread.domain.receivable import LedgerInvoice, LedgerLine
from dealthread.domain.tax.of_day import billed_until, day_billed_next, rates_until, retaxed
from dealthread.domain.transaction import SagaContext
from dealthread.errors import NotFound, StepRejected
from dealthread.hub import Changes, Contracts
from dealthread.naming import code_taxed_anew
from dealthread.ports.billing import ChangeAgreement
from dealthread.ports.clock import BusinessClock


class LookAtRates(Carried):
    """Input of `tax.rates_of_day`."""

    context: SagaContext


class NewRates(Carried):
    """What the biller has to be told; nothing where no line bears another rate than before."""

    contract: Contract
    state: ContractState
    change: ChangeAgreement | None = None
    rates: tuple[str, ...] = ()
    """Code and percentage of what changes, for people."""


class TaxRateActivities:
    """Reads the contract and finance's table."""

    def __init__(
        self,
        contracts: Contracts,
        changes: Changes,
        config: Callable[[], ConfigSet],
        clock: BusinessClock,
    ) -> None:
        self._contracts = contracts
        self._changes = changes
        self._config = config
        self._clock = clock

    @activity.defn(name="tax.rates_of_day")
    async def rates_of_day(self, order: LookAtRates) -> NewRates:
        """The agreement as it has to be billed from now on."""
        key = order.context.contract_key
        contract, state = await self._contracts.read(key), await self._contracts.state(key)
        if contract is None or state is None:
            raise NotFound("contract_not_known", contract=key)
        found = NewRates(contract=contract, state=state)
        config, day = self._config(), day_billed_next(self._clock.now())
        after = retaxed(contract, config, day)
        before = billed_until(contract, config, day, code_taxed_anew(order.context.business_key))
        if after == before:
            return found
        agreement = await self._changes.agreement(key)
        if agreement is None:
            raise StepRejected("agreement_not_found", case_kind="billing.rejected", contract=key)
        rates = {
            f"{new.tax.code} {new.tax.applied_rate} %"
            for old, new in zip(before.lines, after.lines, strict=True)
            if old.tax != new.tax
        }
        change = ChangeAgreement(
            before=before, after=after, agreement=agreement, effective_from=day
        )
        return found.model_copy(update={"change": change, "rates": tuple(sorted(rates))})


def check_rates(invoice: LedgerInvoice, config: ConfigSet) -> None:
    """Each line bears the rate of the invoice's tax point, to the cent. What gives back an earlier
    charge bears the rate of that one. Raises StepRejected for the tax owner."""
    on = invoice.dates.tax_point
    for line in invoice.lines:
        if not line.tax_code and not line.tax:
            continue  # It states no tax.
        rows = rates_until(config, line.tax_code, on)
        wanted = rows if line.net.amount < 0 else rows[:1]
        if not any(_is_at(line, row.applied_rate) for row in wanted):
            raise _refused(line, on, f"{wanted[0].applied_rate} %" if wanted else "none")


def _is_at(line: LedgerLine, percent: Decimal) -> bool:
    """To a unit: the biller may round the parts of a line each by itself."""
    tax = Money.rounded(line.net.amount * percent / 100, line.net.currency)
    return abs(line.tax.amount - tax.amount) <= Money.from_minor(1, line.net.currency).amount


def _refused(line: LedgerLine, on: date, rate: str) -> StepRejected:
    return StepRejected(
        "tax_rate_of_another_day",
        case_kind="tax.difference",
        field="tax",
        line=line.line_key,
        tax_code=line.tax_code,
        tax_point=on.isoformat(),
        expected_rate=rate,
        net=str(line.net.amount),
        tax=str(line.tax.amount),
    )
