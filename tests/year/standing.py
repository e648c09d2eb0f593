"""Where the money of a contract stands, by the product and beside what the owners say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from dealthread.sandbox.selling import Entered
from tests.year.life import Life


async def recognised(
    life: Life, deal: Entered, seller: str, period: str, revenue: dict[str, str]
) -> None:
    """A run of a month; what its entries have of the contract, by account."""
    path = f"/v1/recognition/{seller}/{period}"
    ran = await life.office.api.post(f"{path}/runs", {})
    life.sheet.agree(f"recognition of {period}", ran["outcome"], "completed")
    told: dict[str, Decimal] = {}
    for entry in (await life.office.api.look(f"{path}?lines=true"))["entries"]:
        for line in entry["lines"]:
            if line["contract_key"] == deal.contract_key:
                account = line["account"]
                told[account] = told.get(account, Decimal(0)) + Decimal(line["amount"]["amount"])
    life.sheet.agree(f"revenue of {period}", {key: str(told[key]) for key in sorted(told)}, revenue)
    rolled = await life.office.api.look(f"{path}/roll-forward")
    life.sheet.agree("ties to the trial balance", rolled["is_tied"], True)


async def stands(
    life: Life, deal: Entered, day: date, wanted: dict[str, str], *, waits: tuple[str, ...] = ()
) -> None:
    """The money view of the contract, beside what its owners say where it is the present day.
    `waits`: kinds of what is known to be open, as revenue of months that were not run."""
    today = (await life.office.time.now()).date()
    check = "&check=true" if day == today else ""

    async def told() -> dict[str, Any]:
        return await life.office.api.look(
            f"/v1/money?contract={deal.contract_key}&as_of={day}{check}"
        )

    async def is_so() -> bool:
        await life.office.hear_bills()
        return _kinds(await told()) == [*waits]

    await life.office.until_settled(is_so)
    found = await told()
    (total,) = found["totals"]
    life.sheet.agree(f"money on {day}", {name: total[name]["amount"] for name in wanted}, wanted)
    life.sheet.agree("differences", _kinds(found), [*waits])


def _kinds(found: dict[str, Any]) -> list[str]:
    return sorted(one["kind"] for one in found["differences"])
