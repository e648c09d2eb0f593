"""V14 V15 V16 V17 V18: how long, in which steps, and what the biller will hold of it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from dealthread.domain.deal import BillingFrequency, Deal, DealLine, TermKind
from dealthread.domain.span import add_months
from dealthread.domain.validation.rule import Assessment, Finding


def term(a: Assessment) -> Iterator[Finding]:
    """V14: start, end and months agree; lines lie inside; segments join; no overlap."""
    deal = a.deal
    if deal.term_kind is None:
        yield Finding("term_kind", "", "say fixed or evergreen")
    if deal.start_date is None:
        yield Finding("start_date", "", "the start is missing")
    if deal.term_kind is TermKind.FIXED:
        yield from _fixed(deal)
    yield from _lines(deal)
    for product, segments in _ramps(deal).items():
        yield from _contiguous(deal, product, segments)
    yield from _overlaps(a)


def _fixed(deal: Deal) -> Iterator[Finding]:
    start, end = deal.start_date, deal.end_date
    if end is None:
        yield Finding("end_date", "", "a fixed term needs an end")
    elif start is not None and end <= start:
        yield Finding("end_date", end.isoformat(), f"not after the start {start}")
    elif start is not None and deal.term_months is not None:
        expected = add_months(start, deal.term_months)
        if end != expected:
            yield Finding(
                "term_months",
                str(deal.term_months),
                f"from {start} they end before {expected}, the deal before {end}",
            )


def _lines(deal: Deal) -> Iterator[Finding]:
    for index, line in enumerate(deal.lines):
        start, end = line.start_date, line.end_date
        if start is not None and end is not None and end <= start:
            yield Finding(f"lines[{index}].end_date", end.isoformat(), f"not after {start}")
            continue
        for name, day in (("start_date", start), ("end_date", end)):
            early = day is not None and deal.start_date is not None and day < deal.start_date
            late = day is not None and deal.end_date is not None and day > deal.end_date
            if day is not None and (early or late):
                yield Finding(
                    f"lines[{index}].{name}", day.isoformat(), "outside the term of the deal"
                )


def _ramps(deal: Deal) -> dict[str, list[tuple[int, DealLine]]]:
    """Segmented lines by product, in the order of their numbers."""
    ramps: dict[str, list[tuple[int, DealLine]]] = {}
    for index, line in enumerate(deal.lines):
        if line.segment_no is not None:
            ramps.setdefault(line.product_code, []).append((index, line))
    for segments in ramps.values():
        segments.sort(key=lambda row: row[1].segment_no or 0)
    return ramps


def _contiguous(
    deal: Deal, product: str, segments: list[tuple[int, DealLine]]
) -> Iterator[Finding]:
    if any(line.start_date is None or line.end_date is None for _, line in segments):
        return  # V17 names the missing date
    first, last = segments[0], segments[-1]
    if deal.start_date is not None and first[1].start_date != deal.start_date:
        yield Finding(
            f"lines[{first[0]}].start_date",
            str(first[1].start_date),
            f"the first segment of {product} must start with the deal",
        )
    for (_, before), (index, after) in pairwise(segments):
        if after.start_date != before.end_date:
            yield Finding(
                f"lines[{index}].start_date",
                str(after.start_date),
                f"the segment before ends before {before.end_date}: no gap and no overlap",
            )
    if deal.end_date is not None and last[1].end_date != deal.end_date:
        yield Finding(
            f"lines[{last[0]}].end_date",
            str(last[1].end_date),
            f"the last segment of {product} must end with the deal",
        )


def _overlaps(a: Assessment) -> Iterator[Finding]:
    deal = a.deal
    if deal.start_date is None:
        return
    for index, line, mapping in a.recurring_lines():
        if mapping.concurrent_contracts:
            continue
        start, end = line.start_date or deal.start_date, line.end_date or deal.end_date
        for other in a.facts.active_contracts or ():
            if (
                other.product_code == line.product_code
                and (other.end_date is None or start < other.end_date)
                and (end is None or other.start_date < end)
            ):
                yield Finding(
                    f"lines[{index}].product_code",
                    line.product_code,
                    f"contract {other.contract_key} already covers it in this time",
                )


def committed_term_provisioned(a: Assessment) -> Iterator[Finding]:
    """V15: the biller holds the whole committed term; no free cancellation of a fixed one."""
    if a.deal.term_kind is TermKind.FIXED and a.deal.provisioned_cancellable:
        months = f"{a.deal.term_months} months" if a.deal.term_months else "fixed term"
        yield Finding(
            "provisioned_cancellable",
            months,
            "sold as committed, provisioned as cancellable each billing period",
        )


def evergreen(a: Assessment) -> Iterator[Finding]:
    """V16: no end, no term; notice and billing period are known."""
    deal = a.deal
    if deal.term_kind is not TermKind.EVERGREEN:
        return
    if deal.end_date is not None:
        yield Finding("end_date", deal.end_date.isoformat(), "an evergreen deal has no end")
    if deal.term_months is not None:
        yield Finding("term_months", str(deal.term_months), "an evergreen deal has no term")
    if deal.notice_days is None:
        yield Finding("notice_days", "", "the notice period is missing")
    if deal.billing_frequency is None:
        yield Finding("billing_frequency", "", "the billing period is missing")
    for index, line, _ in a.recurring_lines():
        if line.end_date is not None:
            yield Finding(
                f"lines[{index}].end_date", line.end_date.isoformat(), "evergreen: no end"
            )


def ramp(a: Assessment) -> Iterator[Finding]:
    """V17: each segment is dated and numbered; it is a quantity ramp or a price ramp."""
    for product, segments in _ramps(a.deal).items():
        numbers = [line.segment_no for _, line in segments]
        if numbers != list(range(1, len(numbers) + 1)):
            yield Finding(
                f"lines[{segments[0][0]}].segment_no",
                ", ".join(str(number) for number in numbers),
                f"segments of {product} are numbered 1, 2, 3 …, each once",
            )
        for index, line in segments:
            for name in ("start_date", "end_date"):
                if getattr(line, name) is None:
                    yield Finding(f"lines[{index}].{name}", "", "a segment needs its dates")
        quantities = {line.quantity for _, line in segments}
        prices = {line.unit_price.amount for _, line in segments}
        if len(quantities) > 1 and len(prices) > 1:
            yield Finding(
                f"lines[{segments[0][0]}].segment_no",
                product,
                "quantity and price both change: revenue must state how the ramp is recognised",
            )


def prepaid_multi_year(a: Assessment) -> Iterator[Finding]:
    """V18: one payment for more than 12 months: split and financing component are assessed."""
    deal = a.deal
    if (
        deal.term_kind is TermKind.FIXED
        and deal.billing_frequency is BillingFrequency.TERM
        and deal.start_date is not None
        and deal.end_date is not None
        and deal.end_date > add_months(deal.start_date, 12)
    ):
        yield Finding(
            "billing_frequency",
            "term",
            f"prepaid to before {deal.end_date}: assess the financing component",
        )
