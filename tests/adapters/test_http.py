"""What every HTTP adapter shares."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from adapters.http import (
    CONNECT_SECONDS,
    MAX_RETRY_AFTER,
    TIMEOUT,
    TOTAL_SECONDS,
    RateLimiter,
    act_key,
    certainly_not_sent,
    make_client,
    parse_retry_after,
    read_failure,
    secure_base_url,
    to_its_end,
    within_total,
    write_failure,
)
from dealthread.errors import InvariantBroken, VendorUnavailable
from dealthread.outcome import Unknown
from dealthread.policies import ACTIVITY_LIMIT, HTTP_TOTAL

DEFAULT = timedelta(seconds=5)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("1", timedelta(seconds=1)),
        ("0", timedelta(0)),
        (" 30 ", timedelta(seconds=30)),
        ("3600", timedelta(hours=1)),
        ("99999999999999999999", MAX_RETRY_AFTER),
        ("Fri, 20 Nov 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Fri, 20 Nov 2026 11:59:00 GMT", timedelta(0)),
        ("Fri, 20 Nov 2099 12:00:00 GMT", MAX_RETRY_AFTER),
        (None, DEFAULT),
        ("", DEFAULT),
        ("-5", DEFAULT),
        ("soon", DEFAULT),
        ("1.5", DEFAULT),
        ("٣", DEFAULT),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_garbage_is_the_default(
    header: str | None, expected: timedelta
) -> None:
    """K3: RFC 9110 forms, capped, never negative."""
    assert parse_retry_after(header, now=NOON) == expected


def test_time_limits_end_a_call_before_its_activity() -> None:
    """T26: every client has limits; the total lies below start-to-close with room to record."""
    limits = TIMEOUT.as_dict()
    assert all(value is not None for value in limits.values())
    assert limits["connect"] == CONNECT_SECONDS
    assert HTTP_TOTAL.total_seconds() > TOTAL_SECONDS
    assert ACTIVITY_LIMIT.total_seconds() > TOTAL_SECONDS + 5


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "ftp://127.0.0.1",
        "http://169.254.169.254",
        "http://2130706433",
        "https://user:pass@example.com",
        "https://example.com?x=1",
        "https://",
        "//example.com",
        "http://127.0.0.1.example.com",
    ],
)
def test_an_address_is_https_or_loopback_and_names_no_user(url: str) -> None:
    """T17, T26: what the deployment may configure."""
    with pytest.raises(ValueError, match="address"):
        secure_base_url(url)


@pytest.mark.parametrize(
    "url",
    ["https://api.example.com", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]"],
)
def test_https_and_loopback_are_taken(url: str) -> None:
    """T17."""
    assert secure_base_url(url + "/") == url


async def test_a_request_to_another_origin_never_leaves() -> None:
    """T17: the pin stands before the network, for host, port and scheme alike."""
    left: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        left.append(str(request.url))
        return httpx.Response(200)

    async with make_client(
        "https://api.example.com", transport=httpx.MockTransport(answer)
    ) as client:
        await client.get("/fine")
        for url in (
            "https://evil.example/x",
            "http://api.example.com/x",
            "https://api.example.com:444/x",
            "https://api.example.com.evil.example/x",
        ):
            with pytest.raises(InvariantBroken):
                await client.get(url)
    assert left == ["https://api.example.com/fine"]


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    """T17: a 302 to the metadata service is not gone to."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers={"location": "http://169.254.169.254/"})

    async with make_client(
        "https://api.example.com", transport=httpx.MockTransport(answer)
    ) as client:
        assert (await client.get("/")).status_code == 302


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")],
)
def test_what_never_left_can_be_repeated(error: Exception) -> None:
    """K1: no effect is possible."""
    assert certainly_not_sent(error)
    with pytest.raises(VendorUnavailable):
        write_failure(error)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ReadTimeout("x"), "read_timeout"),
        (httpx.WriteTimeout("x"), "write_timeout"),
        (httpx.ReadError("x"), "connection_reset"),
        (httpx.WriteError("x"), "connection_reset"),
        (httpx.RemoteProtocolError("x"), "connection_reset"),
        (TimeoutError(), "total_timeout"),
    ],
)
def test_what_may_have_arrived_is_unknown_to_a_write_and_repeatable_to_a_read(
    error: Exception, code: str
) -> None:
    """K2, K5."""
    assert write_failure(error) == Unknown(code)
    assert isinstance(read_failure(error), VendorUnavailable)


async def test_the_limiter_gives_a_burst_then_an_even_rate() -> None:
    """Ten a second: the first ten go at once, each next one waits a tenth of a second."""
    time = [0.0]
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    limiter = RateLimiter(10, now=lambda: time[0], sleep=sleep)
    for _ in range(10):
        await limiter.take()
    assert slept == []
    for _ in range(3):
        await limiter.take()
    assert slept == pytest.approx([0.1, 0.2, 0.3])
    time[0] = 100.0
    await limiter.take()
    assert len(slept) == 3


async def test_a_cancelled_caller_waits_for_the_writes_end() -> None:
    """An abandoned write would have its effect after the undo that follows it."""
    started, go_on = asyncio.Event(), asyncio.Event()
    done: list[str] = []

    async def write() -> str:
        started.set()
        await go_on.wait()
        done.append("effect")
        return "id"

    caller = asyncio.create_task(to_its_end(write()))
    await started.wait()
    for _ in range(3):
        caller.cancel()
        await asyncio.sleep(0)
    assert not caller.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done == ["effect"]


async def test_the_total_limit_ends_a_call_that_trickles() -> None:
    """A read time-out restarts with every byte; the total does not."""
    with pytest.raises(TimeoutError):
        await within_total(asyncio.Event().wait(), seconds=0.01)


def test_marks_hold_the_act_without_its_revision() -> None:
    """A corrected repeat carries `~n`; look-ups find every revision."""
    assert act_key("quote-to-cash:o:d#1/subscription/do~2") == "quote-to-cash:o:d#1/subscription/do"
    assert act_key("a~b") == "a~b"
