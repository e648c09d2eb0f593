"""What stands on the invoices besides amounts, and one-time lines that begin later."""

from __future__ import annotations

from decimal import Decimal

from adapters.stripe.billing import StripeBilling
from dealthread.domain.contract import Contract
from dealthread.domain.money import Money
from tests.adapters.conftest import Simulator, native
from tests.adapters.stripe_deals import NORDWERK, amounts, d2, started
from tests.support import deals


async def test_d2_is_billed_with_its_order_number_and_the_buyers_tax_id(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """D2: 40 seats at 444.00 and 19 % come to 21,134.40; both numbers stand on the invoice."""
    contract = d2()
    agreement, _ = await started(billing, contract, NORDWERK)
    assert amounts(agreement.first_invoice) == ("17760.00", "3374.40", "21134.40")
    (invoice,) = native(stripe_simulator, "acct_de01").v1.invoices.list({}).data
    assert invoice.total == 2_113_440
    shown = [(field.name, field.value) for field in invoice.custom_fields or []]
    assert contract.po_number
    assert shown == [("PO number", contract.po_number)]
    assert [one.value for one in invoice.customer_tax_ids or []] == [
        one.number for one in NORDWERK.tax_ids
    ]
    assert NORDWERK.tax_ids


def _with_later_service() -> Contract:
    """D4 with an onboarding of 1,000.00 when its second year begins."""
    contract = deals.d4()
    second = sorted({line.start_date for line in contract.lines})[1]
    onboarding = next(line for line in deals.d1().lines if line.kind == "one_time")
    price = onboarding.unit_price.model_copy(update={"amount": Decimal("1000.00")})
    net = Money.of("1000.00", "USD")
    later = onboarding.model_copy(
        update={
            "unit_price": price,
            "start_date": second,
            "net_per_period": net,
            "committed_net": net,
        }
    )
    return contract.model_copy(update={"lines": (*contract.lines, later)})


async def test_a_one_time_line_of_a_later_year_waits_in_its_phase(
    billing: StripeBilling, stripe_simulator: Simulator
) -> None:
    """The first bill is that of D4; the second phase adds the line to its first invoice."""
    agreement, _ = await started(billing, _with_later_service(), deals.COBALT)
    assert amounts(agreement.first_invoice) == ("43200.00", "3834.00", "47034.00")
    assert agreement.schedule is not None
    client = native(stripe_simulator, "acct_us01")
    schedule = client.v1.subscription_schedules.retrieve(agreement.schedule.native_id)
    assert [len(phase.add_invoice_items) for phase in schedule.phases] == [0, 1, 0]
