"""Webhooks accepted by the bridge beside a bare endpoint, in interleaved rounds."""

from __future__ import annotations

import json
import random
import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from dealthread.simulators.kit.signing import StandardWebhooksSigner
from tests.bench.house import House
from tests.bench.report import Report
from tests.bench.sizes import Sizes
from tests.bench.wire import CONNECTIONS, Answers, request, send_all

REPEATS = 10
"""How often each message comes in the storm of duplicates."""
ACCEPTED, DUPLICATE = 202, 200


@dataclass
class Row:
    """One endpoint, round by round."""

    title: str
    answers: list[Answers] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    def ratio(self, other: Row) -> float:
        """Median over the rounds."""
        pairs = zip(self.answers, other.answers, strict=True)
        return statistics.median(mine.per_second / its.per_second for mine, its in pairs)


async def measure(house: House, sizes: Sizes, report: Report) -> None:
    """Distinct messages, the bare endpoint, and each message ten times."""
    messages = _Messages(house)
    bare_url = f"{house.bare_url}/webhooks"
    distinct, bare, storm = Row("bridge, distinct"), Row("bare endpoint"), Row("bridge, each x10")

    async def round_of(row: Row, part: str, url: str, requests: Sequence[bytes]) -> Counter[int]:
        before = house.cpu_seconds()[part]
        answers = await send_all(url, requests)
        row.answers.append(answers)
        row.cpu_ms.append(1000 * (house.cpu_seconds()[part] - before) / len(requests))
        return answers.statuses

    for number in range(-1, sizes.webhook_rounds):
        how_many = sizes.webhooks if number >= 0 else sizes.webhooks // 4
        seen = await round_of(distinct, "bridge", messages.url, messages.fresh(how_many))
        _expect(seen, {ACCEPTED: how_many})
        seen = await round_of(bare, "bare-endpoint", bare_url, messages.fresh(how_many, bare_url))
        _expect(seen, {ACCEPTED: how_many})
        tenth = messages.fresh(how_many // REPEATS)
        repeated = tenth * REPEATS
        random.Random(1).shuffle(repeated)  # noqa: S311 - an order, no secret
        seen = await round_of(storm, "bridge", messages.url, repeated)
        _expect(seen, {ACCEPTED: len(tenth), DUPLICATE: len(repeated) - len(tenth)})
        if number < 0:  # the first round only warms up
            for row in (distinct, bare, storm):
                row.answers.clear()
                row.cpu_ms.clear()
    _tell(report, sizes, distinct, bare, storm)


class _Messages:
    """Signed hints as our Salesforce package sends them, no two alike."""

    def __init__(self, house: House) -> None:
        org = house.stack.salesforce_org_id
        self.url = f"{house.stack.urls.bridge}/webhooks/salesforce/{org}"
        self._signer = StandardWebhooksSigner([house.stack.credentials.salesforce_webhook_secret])
        self._serial = count(1)

    def fresh(self, how_many: int, url: str = "") -> list[bytes]:
        """So many requests, signed now."""
        return [self._one(next(self._serial), url or self.url) for _ in range(how_many)]

    def _one(self, number: int, url: str) -> bytes:
        body = json.dumps(
            {
                "object": "Opportunity",
                "recordId": f"006Dt{number:010d}",
                "trigger": "won",
                "systemModstamp": "2026-03-15T09:00:00.000+0000",
                "sequence": number,
            }
        ).encode()
        headers = self._signer.headers(
            message_id=f"msg_bench_{number:012d}", timestamp=int(time.time()), body=body
        )
        return request(url, {"Content-Type": "application/json", **headers}, body)


def _expect(seen: Counter[int], wanted: dict[int, int]) -> None:
    """Every message was answered as it should have been, or the figures mean nothing."""
    if seen != Counter(wanted):
        raise RuntimeError(f"answers by status were {dict(seen)}, not {wanted}")


def _tell(report: Report, sizes: Sizes, distinct: Row, bare: Row, storm: Row) -> None:
    report.section(
        "Webhooks",
        f"Signed messages over {CONNECTIONS} connections, one server process each; the bridge "
        "commits each message before it answers. "
        f"{sizes.webhook_rounds} interleaved rounds of {sizes.webhooks:,} messages, the ratios "
        "are medians of the rounds'; aim 0.4.",
    )
    ratios = {
        bare.title: "",
        distinct.title: f"{distinct.ratio(bare):.2f} of bare",
        storm.title: f"{storm.ratio(distinct):.2f} of distinct",
    }
    report.table(
        ("", "accepted a second", "CPU-ms of a message", "ratio"),
        [
            (
                row.title,
                f"{statistics.median(one.per_second for one in row.answers):,.0f}",
                f"{statistics.median(row.cpu_ms):.2f}",
                ratios[row.title],
            )
            for row in (bare, distinct, storm)
        ],
    )
