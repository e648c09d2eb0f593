"""T17: a subscriber's address cannot lead a delivery inside."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest
from pydantic import SecretStr

from adapters.events.guard import is_public
from adapters.events.subscribers import SignedEventDelivery
from dealthread.errors import VendorUnavailable
from dealthread.outcome import Done, Outcome, Rejected

SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
KIND = "dealthread.contract.activated.v1"
PUBLIC, OTHER = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
METADATA = "169.254.169.254"
NAMES: dict[str, Sequence[Sequence[str]]] = {
    "fine.example": [[PUBLIC, OTHER]],
    "six.example": [[OTHER]],
    "inside.example": [["10.1.2.3"]],
    "half.example": [[PUBLIC, "10.1.2.3"]],
    "half6.example": [[OTHER, "fd00:ec2::254"]],
    "metadata.example": [[METADATA]],
    "self.example": [["127.0.0.1"]],
    "any.example": [["0.0.0.0"]],  # noqa: S104 - an address to refuse
    "shared.example": [["100.100.100.200"]],
    "mapped.example": [["::ffff:169.254.169.254"]],
    "six-to-four.example": [["2002:a9fe:a9fe::1"]],
    "nat64.example": [["64:ff9b::a9fe:a9fe"]],
    "link.example": [["fe80::1%2"]],
    "group.example": [["224.0.0.1"]],
    "azure.example": [["168.63.129.16"]],
    "localhost.": [["127.0.0.1"]],
    "rebinding.example": [[PUBLIC], [METADATA]],
    "lying.example": [["not an address"]],
    "localhost": [["127.0.0.1", "::1"]],
}


class Outside:
    """Names as this test has them, and every connection that would have been made."""

    def __init__(self) -> None:
        self.connects: list[str] = []
        self.requests: list[httpx.Request] = []
        self.asked: dict[str, int] = {}
        self.dead: set[str] = set()
        self.answer = httpx.Response(204)

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Numbers as the C library reads them: decimal, octal and short forms among them."""
        del port
        if host in NAMES:
            answers = NAMES[host]
            turn = self.asked.get(host, 0)
            self.asked[host] = turn + 1
            return answers[min(turn, len(answers) - 1)]
        if ":" in host:
            return [host]
        try:
            return [socket.inet_ntoa(socket.inet_aton(host))]
        except OSError:
            raise socket.gaierror(socket.EAI_NONAME, "unknown") from None

    def handle(self, request: httpx.Request) -> httpx.Response:
        """One connection."""
        self.connects.append(request.url.host)
        if request.url.host in self.dead:
            raise httpx.ConnectError("unreachable", request=request)
        self.requests.append(request)
        return self.answer


@pytest.fixture
def outside() -> Outside:
    """The network and its names."""
    return Outside()


@pytest.fixture
async def delivery(outside: Outside) -> AsyncIterator[SignedEventDelivery]:
    """The way out, guarded."""
    adapter = SignedEventDelivery(
        {"S": SecretStr(SECRET)},
        transport=lambda: httpx.MockTransport(outside.handle),
        resolver=outside.resolve,
    )
    yield adapter
    await adapter.aclose()


async def told(delivery: SignedEventDelivery, url: str) -> Outcome[str]:
    """One event to this address."""
    return await delivery.deliver(url, "S", "evt_1", KIND, b"{}")


INSIDE = [
    "http://fine.example/",
    "ftp://fine.example/",
    "file:///etc/passwd",
    "https://",
    "https:///hooks",
    "https://[::1",
    "https://user@fine.example/",
    "https://fine.example@169.254.169.254/",
    "https://fine.example:443@169.254.169.254/",
    "https://fine.example\\@169.254.169.254/",
    "https://fine.example:port/",
    "https://fine.example/\x7f",
    "http://169.254.169.254/latest/meta-data",
    "https://169.254.169.254/latest/meta-data",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://025177524776/",
    "https://2130706433/",
    "https://127.1/",
    "https://0177.0.0.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.5.4:8443/",
    "https://192.0.0.192/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::127.0.0.1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[fec0::1]/",
    "https://①②⑦.⓪.⓪.①/",
    "https://inside.example/",
    "https://half.example/",
    "https://half6.example/",
    "https://metadata.example/",
    "https://self.example/",
    "https://any.example/",
    "https://shared.example/",
    "https://mapped.example/",
    "https://six-to-four.example/",
    "https://nat64.example/",
    "https://link.example/",
    "https://group.example/",
    "https://azure.example/",
    "https://localhost./",
    "https://lying.example/",
]


@pytest.mark.parametrize("url", INSIDE)
async def test_no_connection_is_made_to_an_address_that_is_not_public(
    delivery: SignedEventDelivery, outside: Outside, url: str
) -> None:
    """However it is written, and if one address of many is inside; what to change is said."""
    outcome = await told(delivery, url)
    assert isinstance(outcome, Rejected)
    assert outcome.field == "url"
    assert outcome.evidence["action"]
    assert outside.connects == []


async def test_a_name_that_answers_differently_a_moment_later_gains_nothing(
    delivery: SignedEventDelivery, outside: Outside
) -> None:
    """Asked once for each request; the connection goes to the address that was judged."""
    assert isinstance(await told(delivery, "https://rebinding.example/"), Done)
    assert outside.asked == {"rebinding.example": 1}
    assert isinstance(await told(delivery, "https://rebinding.example/"), Rejected)
    assert outside.connects == [PUBLIC]


async def test_the_judged_address_is_connected_to_under_the_subscribers_name(
    delivery: SignedEventDelivery, outside: Outside
) -> None:
    """Host header and the name on the certificate stay the subscriber's."""
    assert isinstance(await told(delivery, "https://fine.example:8443/in?a=1"), Done)
    (request,) = outside.requests
    assert str(request.url) == f"https://{PUBLIC}:8443/in?a=1"
    assert request.headers["host"] == "fine.example:8443"
    assert request.extensions["sni_hostname"] == "fine.example"


async def test_the_next_judged_address_is_tried_where_one_does_not_answer(
    delivery: SignedEventDelivery, outside: Outside
) -> None:
    """A machine without IPv6, for one; without any answer nothing was sent."""
    outside.dead = {PUBLIC}
    assert isinstance(await told(delivery, "https://fine.example/"), Done)
    assert outside.connects == [PUBLIC, OTHER]
    outside.dead = {PUBLIC, OTHER}
    with pytest.raises(VendorUnavailable):
        await told(delivery, "https://fine.example/")


async def test_a_redirect_is_not_followed(delivery: SignedEventDelivery, outside: Outside) -> None:
    """To the metadata service, for one."""
    outside.answer = httpx.Response(302, headers={"location": f"http://{METADATA}/latest"})
    outcome = await told(delivery, "https://six.example/")
    assert isinstance(outcome, Rejected)
    assert outcome.code == "redirect_refused"
    assert outside.connects == [OTHER]


async def test_a_name_that_is_not_known_can_be_told_later(
    delivery: SignedEventDelivery, outside: Outside
) -> None:
    """A resolver that is down refuses nobody's events for good."""
    with pytest.raises(VendorUnavailable):
        await told(delivery, "https://gone.example/")
    assert outside.connects == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8700/events", "http://[::1]:8700/", "http://localhost:8700/"]
)
async def test_this_machine_is_told_where_the_settings_name_it(
    delivery: SignedEventDelivery, outside: Outside, url: str
) -> None:
    """The local stack."""
    assert isinstance(await told(delivery, url), Done)
    assert outside.connects[0] in ("127.0.0.1", "::1")


async def test_localhost_is_this_machine_only(
    delivery: SignedEventDelivery, outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resolver that says otherwise does not get plain http elsewhere."""
    monkeypatch.setitem(NAMES, "localhost", [[PUBLIC]])
    assert isinstance(await told(delivery, "http://localhost:8700/"), Rejected)
    assert outside.connects == []


async def test_an_event_arrives_through_the_machines_own_resolver() -> None:
    """Real sockets: the name of this machine, resolved, judged, connected to."""
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    adapter = SignedEventDelivery({"S": SecretStr(SECRET)})
    try:
        assert isinstance(await told(adapter, f"http://localhost:{port}/in"), Done)
        assert isinstance(await told(adapter, f"https://2130706433:{port}/in"), Rejected)
    finally:
        await adapter.aclose()
        server.close()
        await server.wait_closed()
    (head,) = heads
    assert f"host: localhost:{port}".encode() in head.lower()


@pytest.mark.parametrize(
    ("address", "expected"),
    [("8.8.8.8", True), ("2001:4860:4860::8888", True), ("::ffff:8.8.8.8", True),
     ("64:ff9b::808:808", True), ("100.64.0.1", False), ("192.0.0.192", False),
     ("240.0.0.1", False), ("ff0e::1", False), ("4000::1", False), ("2001:db8::1", False),
     ("", False)],
)  # fmt: skip
def test_public_is_what_anybody_could_reach(address: str, expected: bool) -> None:
    """IANA's special-purpose registries; IPv4 inside IPv6 is judged as IPv4."""
    assert is_public(address) is expected
