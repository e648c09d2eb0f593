"""V30 V31 V32: identifiers, taxability, exemption."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from dealthread.domain.party import Exemption
from dealthread.domain.taxation import covers_place, is_jurisdiction, is_valid_on
from dealthread.domain.validation.rule import Assessment, Finding
from dealthread.domain.vat_id import id_problem, masked


def tax_identifier(a: Assessment) -> Iterator[Finding]:
    """V30: structure and check digits. Whether it was issued, only the authority knows."""
    if a.deal.account is None:
        return
    for index, tax_id in enumerate(a.deal.account.tax_ids):
        problem = id_problem(tax_id.scheme, tax_id.number)
        if problem is not None:
            yield Finding(
                f"account.tax_ids[{index}]", masked(tax_id.number), f"{tax_id.scheme}: {problem}"
            )
        elif tax_id.result == "invalid":
            yield Finding(
                f"account.tax_ids[{index}].result", "invalid", "refused by the authority's check"
            )


def taxability(a: Assessment) -> Iterator[Finding]:
    """V31: a code in force for every product at the place of supply, on the tax date."""
    if a.deal.account is None or a.seller is None:
        return
    place = a.deal.account.ship_to()
    where = f"{place.country}-{place.region}" if place.region else place.country
    for index, _, mapping in a.mapped_lines():
        if a.tax_code(mapping) is None:
            yield Finding(
                f"lines[{index}].tax_code",
                f"{mapping.tax_category} in {where}",
                f"no tax rule of {a.seller.code} covers this sale on {a.tax_date()}",
            )


def exemption(a: Assessment) -> Iterator[Finding]:
    """V32: a certificate for the place covers the term: its start, and its end where one is set.

    A certificate on file that does not cover is a case, never a silent return to taxing.
    """
    deal = a.deal
    if deal.account is None:
        return
    place = deal.account.ship_to()
    here: list[tuple[int, Exemption]] = []
    for index, held in enumerate(deal.account.exemptions):
        if not is_jurisdiction(held.jurisdiction):
            yield Finding(
                f"account.exemptions[{index}].jurisdiction",
                held.jurisdiction[:10],
                "name country and state, as US-NY",
            )
        elif covers_place(held, place):
            here.append((index, held))
    start, end = a.tax_date(), deal.end_date
    for _, held in here:
        if is_valid_on(held, start) and (end is None or held.until is None or end <= held.until):
            return
    if here:
        index, held = max(here, key=lambda row: row[1].until or date.max)
        yield Finding(
            f"account.exemptions[{index}].until",
            "" if held.until is None else held.until.isoformat(),
            f"the certificate does not cover {start} to {end or 'open end'}",
        )
