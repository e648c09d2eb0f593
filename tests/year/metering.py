"""What a product's gateway tells of use: thirty events of April, once more, and in no order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from dealthread.domain.usage.event import EVENT_TYPE
from tests.year.life import Life

METER = "api_calls"
LAST_SECOND = datetime(2026, 4, 30, 23, 59, 59, tzinfo=UTC)
CALLS, STRAGGLER = 21_000, 3_345
"""Of 29 events, and of the last: 612,345 calls are worth 1,937.04 GBP (`facts/domain.md` §9.6)."""


class Gateway:
    """Tells the use of one contract; an event has one name for ever."""

    def __init__(self, life: Life, contract_key: str, billing_account: str) -> None:
        self._life = life
        self._contract_key = contract_key
        self._account = billing_account

    def april(self) -> list[dict[str, Any]]:
        """A day's calls each, the days in no order."""
        first = datetime(2026, 4, 1, 9, tzinfo=UTC)
        return [self.event(f"e{n}", first + timedelta(days=n * 7 % 29), CALLS) for n in range(29)]

    def event(self, name: str, at: datetime, quantity: int) -> dict[str, Any]:
        """A CloudEvent, as docs/usage.md has it."""
        return {
            "specversion": "1.0",
            "id": f"{self._contract_key}-{name}",
            "source": "urn:gateway:eu-1",
            "type": EVENT_TYPE,
            "subject": self._contract_key,
            "time": at.isoformat(),
            "data": {"meter": METER, "quantity": str(quantity), "unit": "call"},
        }

    async def tell(self, *events: dict[str, Any]) -> list[str]:
        """What became of each: accepted, duplicate, or the code of its refusal."""
        answers = await self._life.office.api.meter([*events])
        return [one["code"] or one["outcome"] for one in answers["events"]]

    async def by_the_relay(self) -> None:
        """What waits is sent as the relay does it; until the biller has all."""
        await self._life.office.send_use()

        async def is_sent() -> bool:
            quantity, sent = await self.counted()
            return quantity == sent

        await self._life.office.until_settled(is_sent)

    async def send(self) -> dict[str, Any]:
        """What waits is sent now, as `dealthread usage send` does."""
        return await self._life.office.api.post(
            "/v1/usage/sendings", {"billing_account": self._account}
        )

    async def counted(self) -> tuple[Decimal, Decimal]:
        """What was used in all, and what of it the biller is known to have."""
        told = await self._life.office.api.get(f"/v1/usage/contracts/{self._contract_key}")
        periods = told["periods"]
        return (
            sum((Decimal(one["quantity"]) for one in periods), Decimal(0)),
            sum((Decimal(one["sent"]) for one in periods), Decimal(0)),
        )
