"""QuoteToCash as it never was: other steps under the same name, for what must not replay."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio import workflow


@workflow.defn(name="QuoteToCash")
class Impostor:
    """Sleeps first."""

    @workflow.run
    async def run(self, order: Any) -> None:
        await workflow.sleep(timedelta(days=1))
