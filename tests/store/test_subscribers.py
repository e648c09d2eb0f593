"""EV-06: a subscriber that is long dead is disabled, seen, and asked again when a person says."""

from __future__ import annotations

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.testing import capture_logs

from dealthread.store.subscribers import Standing
from tests.store.telling import DESK, Office

pytestmark = pytest.mark.postgres


@pytest.fixture
def office(store: AsyncEngine) -> Office:
    return Office(store)


async def standing(office: Office) -> Standing:
    (one,) = await office.subscribers.standings(("desk",))
    return one


async def long_ago(office: Office) -> None:
    await office.sql("UPDATE subscribers SET failing_since = now() - interval '2 hours'")


async def dead(office: Office, answer: str = "down") -> None:
    office.desk.answer = answer
    await office.told(1, 2)
    await office.deliver()
    await long_ago(office)
    await office.deliver()


@pytest.mark.parametrize("answer", ["down", "lost"])
async def test_failures_in_a_row_for_long_disable_it_with_one_alert(
    office: Office, answer: str
) -> None:
    with capture_logs() as logs:
        await dead(office, answer)
        for _ in range(3):
            await office.deliver()
    alerts = [one for one in logs if one["event"] == "subscriber_disabled"]
    assert [(one["log_level"], one["subscriber"]) for one in alerts] == [("error", "desk")]
    now = await standing(office)
    assert (now.state, now.waiting, now.failed) == ("disabled", 2, 0)
    assert now.disabled_at is not None
    assert [row[1] for row in await office.audited()] == ["subscriber.disabled"]


async def test_many_failures_in_a_short_time_do_not_disable_it(office: Office) -> None:
    office.desk.answer = "down"
    await office.told(1, 2, 3, 4, 5)
    await office.deliver()
    assert ((await standing(office)).state, (await standing(office)).failures_in_row) == (
        "enabled",
        5,
    )


async def test_few_failures_over_a_long_time_do_not_disable_it(office: Office) -> None:
    office.desk.answer = "down"
    await office.told(1)
    await office.deliver()
    await long_ago(office)
    await office.deliver()
    assert (await standing(office)).state == "enabled"


async def test_an_answer_begins_the_count_anew_and_a_refusal_is_an_answer(office: Office) -> None:
    office.desk.answer = "down"
    await office.told(1, 2)
    await office.deliver()
    office.desk.answer = "refuses"
    await office.deliver()
    now = await standing(office)
    assert (now.failures_in_row, now.failing_since, now.failed) == (0, None, 2)


async def test_a_receiver_that_says_it_is_gone_is_disabled_at_once_and_loses_nothing(
    office: Office,
) -> None:
    """Standard Webhooks: 410."""
    office.desk.answer = "gone"
    await office.told(1)
    await office.deliver()
    now = await standing(office)
    assert (now.state, now.last_code, now.waiting) == ("disabled", "subscriber_disabled", 1)


async def test_a_disabled_subscriber_is_asked_nothing_and_its_events_wait(office: Office) -> None:
    await dead(office)
    before = len(office.desk.got)
    await office.told(3)
    assert await office.deliver() == 0
    assert len(office.desk.got) == before
    assert (await standing(office)).waiting == 3


async def test_enabled_again_it_gets_what_waited_and_the_log_says_who_and_why(
    office: Office,
) -> None:
    await dead(office)
    office.desk.answer, office.desk.got[:] = "taken", []
    assert await office.subscribers.enable("desk", "pat", "certificate renewed")
    # Nothing was moved forward here: enabling made what waited due.
    assert await office.telling.deliver_events(DESK) == 2
    assert [one for one, _ in office.desk.got] == ["evt_1", "evt_2"]
    assert (await standing(office)).state == "enabled"
    actor, event, detail = (await office.audited())[-1]
    assert (actor, event) == ("pat", "subscriber.enabled")
    assert detail == {"reason": "certificate renewed", "waiting": 2}
    assert not await office.subscribers.enable("desk", "pat", "again"), "it is not disabled"
