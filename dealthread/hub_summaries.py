"""What the core asks of its own store about invoices that are posted as a day's summary.
Implemented in `store/`."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from dealthread.domain.base import Ref
from dealthread.domain.posted import PostedDocument
from dealthread.domain.posting_summary import Held, Member, SummaryPlace


class Summaries(Protocol):
    """Invoices that are posted together, and what holds them."""

    async def held(self, bill: Ref) -> Held | None:
        """Where an invoice stands; None of one that was never a part of any."""

    async def is_above(self, seller: str, month: date, least: int) -> bool:
        """Whether a seller had at least so many finalised invoices in the month before. Counted
        once for each month, and kept: the answer does not change within it."""

    async def join(
        self, place: SummaryPlace, bill: Ref, contract_key: str, due_at: datetime, posting_key: str
    ) -> Held | None:
        """Make an invoice a part of the open summary of its day, or of the next part where that is
        being posted already, or in another ledger; `place.part` counts for nothing. The same again
        changes nothing. None of one whose posting by itself was begun before, under
        `posting_key`."""

    async def want_single(self, bill: Ref, on: date) -> date:
        """Note that it needs a document of its own, and the day on which it gets one: the first
        that was named. Raises NotFound of one that no summary has."""

    async def begin(self, summary_id: str, most: int) -> tuple[Ref, ...]:
        """Its run has begun: invoices that wait in it, so many at most."""

    async def freeze(self, bill: Ref, member: Member | None) -> None:
        """Take a waiting invoice in with its documents; None sends it back. One that does not wait
        any more stays as it is."""

    async def close(self, summary_id: str) -> bool:
        """Nobody joins any more; False while somebody waits in it."""

    async def members(self, summary_id: str) -> tuple[Member, ...]:
        """What was frozen, by number."""

    async def place(self, summary_id: str) -> SummaryPlace:
        """Which summary it is. Raises NotFound."""

    async def posted(
        self, summary_id: str, summary: PostedDocument, receipts: tuple[PostedDocument, ...]
    ) -> None:
        """The ledger has it. The same again changes nothing."""
