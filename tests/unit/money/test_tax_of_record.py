"""Tax of record and its credits: what the document says, and taken back exactly, in parts too."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dealthread.domain.invoice import BillingInvoice, InvoiceLine, InvoiceStatus
from dealthread.domain.money import Money
from dealthread.domain.rounding import RoundingMode
from dealthread.domain.tax.computation import Taxable, tax_lines
from dealthread.domain.tax.credit import TaxCredit, credit_gross, credit_net, credit_rest
from dealthread.domain.tax.rate import TaxRate
from dealthread.domain.tax.status import (
    EstimatedTax,
    RecordedLine,
    TaxOfRecord,
    differences,
    tax_of_record,
)

FINAL = datetime(2026, 3, 15, tzinfo=UTC)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def record(*lines: tuple[str, str, str]) -> TaxOfRecord:
    """Lines of (key, net, tax)."""
    return TaxOfRecord(
        document="DE-2026-00001",
        finalised_at=FINAL,
        currency="EUR",
        lines=tuple(RecordedLine(key=key, net=eur(net), tax=eur(tax)) for key, net, tax in lines),
    )


def invoice(**changes: Any) -> BillingInvoice:
    """The first invoice of worked deal D2."""
    return BillingInvoice.model_validate(
        {
            "number": "DE-2026-00001",
            "status": InvoiceStatus.OPEN,
            "currency": "EUR",
            "lines": (InvoiceLine(line_key="L1", net=eur("17760"), tax=eur("3374.40")),),
            "net": eur("17760"),
            "tax": eur("3374.40"),
            "gross": eur("21134.40"),
            "amount_due": eur("21134.40"),
            "finalised_at": FINAL,
        }
        | changes
    )


def test_a_finalised_invoice_has_tax_of_record() -> None:
    found = tax_of_record(invoice())
    assert found.status == "of_record"
    assert found.tax == eur("3374.40")
    assert found.line("L1").gross == eur("21134.40")


@pytest.mark.parametrize(
    "changes",
    [
        {"status": InvoiceStatus.DRAFT},
        {"status": InvoiceStatus.PREVIEW},
        {"finalised_at": None},
    ],
)
def test_a_draft_has_none(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="only a finalised invoice"):
        tax_of_record(invoice(**changes))


@pytest.mark.parametrize("field", ["net", "tax", "gross"])
def test_lines_that_do_not_sum_to_the_document_are_refused(field: str) -> None:
    with pytest.raises(ValueError, match="do not sum"):
        tax_of_record(invoice(**{field: eur("1")}))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"document": ""}, "document"),
        ({"lines": record(("a", "1", "0"), ("b", "1", "0")).lines[:1] * 2}, "same key"),
        ({"currency": "USD"}, "a is not in USD"),
    ],
)
def test_a_bad_record_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        TaxOfRecord.model_validate(record(("a", "1", "0")).model_dump() | changes)


def test_an_unknown_line_is_refused() -> None:
    with pytest.raises(ValueError, match="has no line 'b'"):
        record(("a", "1", "0")).line("b")


def test_the_estimate_is_compared_line_by_line() -> None:
    rate = TaxRate.model_validate(
        {"code": "DE-19", "statutory_percent": 19, "valid_from": date(2021, 1, 1)}
    )
    lines = [Taxable(key=key, amount=eur("100"), rate=rate) for key in ("same", "off", "gone")]
    estimate = EstimatedTax(tax_date=date(2026, 3, 15), currency="EUR", lines=tax_lines(lines))
    stated = record(("same", "100", "19"), ("off", "100", "19.01"), ("new", "1", "0.19"))
    assert differences(estimate, stated) == {
        "off": eur("0.01"),
        "gone": eur("-19"),
        "new": eur("0.19"),
    }


# --- credits ---

D2 = record(("L1", "17760.00", "3374.40"))


def test_the_credit_of_the_worked_deal() -> None:
    # Worked deal D2: ten of forty seats for 181 of 365 days.
    credit = credit_net(D2, "L1", eur("2201.75"))
    assert (credit.tax, credit.gross) == (eur("418.33"), eur("2620.08"))
    assert "invoice DE-2026-00001" in next(credit.working.lines())


def test_the_credit_takes_the_rate_of_its_original() -> None:
    # The worked amendment of D1: 6,805.48 of 13,500.00 taxed with 891.00.
    first = record(("L1", "13500.00", "891.00"))
    assert credit_net(first, "L1", eur("6805.48")).tax == eur("449.16")


def test_three_thirds_of_a_cent_come_back_as_one() -> None:
    cent = record(("L1", "0.03", "0.01"))
    taxes = []
    before: list[TaxCredit] = []
    for _ in range(3):
        before.append(credit_net(cent, "L1", eur("0.01"), before))
        taxes.append(before[-1].tax)
    assert taxes == [eur("0"), eur("0.01"), eur("0")]


def test_the_rest_of_a_line_is_credited_to_the_cent() -> None:
    first = credit_gross(D2, "L1", eur("1000"))
    rest = credit_rest(D2, "L1", [first])
    assert first.net + rest.net == eur("17760")
    assert first.tax + rest.tax == eur("3374.40")
    with pytest.raises(ValueError, match="nothing of L1 is left"):
        credit_rest(D2, "L1", [first, rest])


def test_a_negative_line_is_credited_with_its_sign() -> None:
    mixed = record(("L1", "-100.00", "-19.00"))
    assert credit_net(mixed, "L1", eur("-50")).tax == eur("-9.50")
    with pytest.raises(ValueError, match="net: "):
        credit_net(mixed, "L1", eur("50"))


def test_tax_credited_too_much_before_is_not_charged_again() -> None:
    before = TaxCredit(
        document=D2.document,
        line_key="L1",
        net=eur("100"),
        tax=eur("3374.40"),
        working=credit_net(D2, "L1", eur("100")).working,
    )
    assert credit_net(D2, "L1", eur("100"), [before]).tax == eur("0")


@pytest.mark.parametrize("amount", ["0", "-1", "17760.01"])
def test_credits_beyond_what_is_left_are_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="left to credit"):
        credit_net(D2, "L1", eur(amount))


def test_credits_of_another_line_are_refused() -> None:
    other = record(("L1", "1", "0"), ("L2", "1", "0"))
    with pytest.raises(ValueError, match="not all credit line L2"):
        credit_net(other, "L2", eur("1"), [credit_net(other, "L1", eur("1"))])


@st.composite
def parted(draw: st.DrawFn) -> tuple[Money, Money, list[int]]:
    """A line's net and tax, and where it is cut into credits."""
    net = draw(st.integers(1, 100_000))
    tax = draw(st.integers(0, net))
    cuts = sorted(draw(st.sets(st.integers(1, net), max_size=8)) | {net})
    sign = draw(st.sampled_from([1, -1]))
    return Money.from_minor(sign * net, "EUR"), Money.from_minor(sign * tax, "EUR"), cuts


@given(parted(), st.sampled_from(RoundingMode))
def test_partial_credits_sum_to_the_tax_of_the_whole(
    line: tuple[Money, Money, list[int]], mode: RoundingMode
) -> None:
    net, tax, cuts = line
    whole = TaxOfRecord(
        document="1",
        finalised_at=FINAL,
        currency="EUR",
        lines=(RecordedLine(key="a", net=net, tax=tax),),
    )
    sign = 1 if net.amount > 0 else -1
    credits: list[TaxCredit] = []
    reached = 0
    for cut in cuts:
        part = Money.from_minor(sign * (cut - reached), "EUR")
        credits.append(credit_net(whole, "a", part, credits, mode))
        reached = cut
    assert Money.total((one.net for one in credits), "EUR") == net
    assert Money.total((one.tax for one in credits), "EUR") == tax
    assert all(one.tax.amount * sign >= 0 for one in credits)


@given(parted())
def test_partial_credits_of_the_gross_sum_to_the_whole(
    line: tuple[Money, Money, list[int]],
) -> None:
    net, tax, _ = line
    whole = TaxOfRecord(
        document="1",
        finalised_at=FINAL,
        currency="EUR",
        lines=(RecordedLine(key="a", net=net, tax=tax),),
    )
    gross = net + tax
    first = Money.from_minor(gross.to_minor() // 3 or gross.to_minor(), "EUR")
    credits = [credit_gross(whole, "a", first)]
    if first != gross:
        credits.append(credit_gross(whole, "a", gross - first, credits))
    assert Money.total((one.net for one in credits), "EUR") == net
    assert Money.total((one.tax for one in credits), "EUR") == tax
