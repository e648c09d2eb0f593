"""Usage events accepted in batches by the bridge, beside a bare endpoint that reads them only."""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

import psutil
from sqlalchemy import text

from dealthread.config import load_config
from dealthread.domain.contract import Contract
from dealthread.domain.contracting import build_contract
from dealthread.naming import contract_key
from dealthread.store.engine import create_engine
from tests.bench.house import House
from tests.bench.report import Report
from tests.bench.sizes import Sizes
from tests.bench.wire import CONNECTIONS, Answers, request, send_all
from tests.support.deal_builder import CONFIG_DIR, d3
from tests.support.running_contract import running_contract
from tests.support.worked_year import usage_event

BATCH = 500
"""Events of one request."""
CONTRACTS = 50
BATCHES = "application/cloudevents-batch+json"


@dataclass
class Row:
    """One kind of request, round by round."""

    title: str
    answers: list[Answers] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def per_second(self) -> float:
        """Events, median over the rounds."""
        return statistics.median(one.per_second * BATCH for one in self.answers)

    def ratio(self, other: Row) -> float:
        """Median over the rounds."""
        pairs = zip(self.answers, other.answers, strict=True)
        return statistics.median(mine.per_second / its.per_second for mine, its in pairs)


async def measure(house: House, sizes: Sizes, report: Report) -> None:
    """New events, the same again, and the bare endpoint, in interleaved rounds."""
    engine = create_engine(os.environ["DEALTHREAD_DATABASE_URL"])
    offset = timedelta(seconds=house.stack.business_offset_seconds)
    now = datetime.now(UTC) + offset
    contracts = [await _contract(engine, number, now) for number in range(CONTRACTS)]
    bridge, bare = psutil.Process(house.children["bridge"].record.pid), f"{house.bare_url}/webhooks"
    new, again, plain = Row("new events"), Row("the same again"), Row("bare endpoint")
    serial, megabytes, sent = count(), [], 0

    async def round_of(row: Row, part: str, url: str, requests: Sequence[bytes]) -> None:
        before = house.cpu_seconds()[part]
        answers = await send_all(url, requests)
        if set(answers.statuses) - {200, 202}:
            raise RuntimeError(f"answers by status were {dict(answers.statuses)}")
        row.answers.append(answers)
        used = house.cpu_seconds()[part] - before
        row.cpu_us.append(1_000_000 * used / (len(requests) * BATCH))

    for number in range(-1, sizes.usage_rounds):
        batches = sizes.usage_batches if number >= 0 else CONNECTIONS
        bodies = [_body(contracts, serial, now) for _ in range(batches)]
        sent += batches * BATCH
        messages = [_request(house, f"{house.stack.urls.bridge}/v1/usage", one) for one in bodies]
        await round_of(new, "bridge", f"{house.stack.urls.bridge}/v1/usage", messages)
        await round_of(again, "bridge", f"{house.stack.urls.bridge}/v1/usage", messages)
        unread = [_request(house, bare, one) for one in bodies]
        await round_of(plain, "bare-endpoint", bare, unread)
        megabytes.append(bridge.memory_info().rss / 1e6)
        if number < 0:  # the first round only warms up
            for row in (new, again, plain):
                row.answers.clear()
                row.cpu_us.clear()
    async with engine.connect() as connection:
        kept = await connection.scalar(text("SELECT sum(events) FROM usage_periods"))
    await engine.dispose()
    if kept != sent:
        raise RuntimeError(f"{sent} different events were sent and {kept} are counted")
    _tell(report, sizes, new, again, plain, megabytes)


async def _contract(engine: object, number: int, now: datetime) -> Contract:
    """One that runs since the first of this month, as D3."""
    deal = d3().model_copy(
        update={"deal_id": f"006Dt{number:010d}AAA", "start_date": now.date().replace(day=1)}
    )
    key = contract_key(deal.org, deal.deal_id)
    made = build_contract(deal, load_config(CONFIG_DIR), now.date(), key)
    return await running_contract(engine, made)  # type: ignore[arg-type]


def _body(contracts: Sequence[Contract], serial: count[int], now: datetime) -> bytes:
    events = []
    for _ in range(BATCH):
        number = next(serial)
        contract = contracts[number % len(contracts)]
        events.append(usage_event(contract, f"bench-{number}", now, 1 + number % 97))
    return json.dumps(events).encode()


def _request(house: House, url: str, body: bytes) -> bytes:
    headers = {
        "Content-Type": BATCHES,
        "Authorization": f"Bearer {house.stack.credentials.operator_token}",
    }
    return request(url, headers, body)


def _tell(
    report: Report, sizes: Sizes, new: Row, again: Row, plain: Row, megabytes: list[float]
) -> None:
    rounds = f"{sizes.usage_rounds} interleaved rounds of {sizes.usage_batches * BATCH:,} events"
    report.section(
        "Usage",
        f"CloudEvents in batches of {BATCH} over {CONNECTIONS} connections, of {CONTRACTS} "
        "contracts; one bridge process, which commits each batch before it answers. "
        f"{rounds}, medians of the rounds'; aim 2,000 events a second, memory flat. The bare "
        "endpoint reads the same bodies and does nothing with them. Afterwards the store's count "
        "was what was sent.",
    )
    ratios = {
        plain.title: "",
        new.title: f"{new.ratio(plain):.3f} of bare",
        again.title: f"{again.ratio(new):.2f} of new",
    }
    report.table(
        ("", "events a second", "CPU-µs of an event", "ratio"),
        [
            (
                row.title,
                f"{row.per_second():,.0f}",
                f"{statistics.median(row.cpu_us):.0f}",
                ratios[row.title],
            )
            for row in (plain, new, again)
        ],
    )
    report.section(
        "Usage: memory of the bridge",
        f"Resident set after the warm-up {megabytes[0]:.0f} MB, after each round: "
        f"{', '.join(f'{one:.0f}' for one in megabytes[1:])} MB.",
    )
