"""Subscribers' addresses: only what is public is connected to, and nothing else is resolved anew.

A subscriber's host is a name that somebody outside controls. It is resolved for each request,
every address is judged, and the connection goes to an address that was judged: a name that
answers differently a moment later (DNS rebinding) gains nothing. An address in this machine is
for the local stack only, and only where the configured URL says so itself.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence

import httpx

from adapters.http import is_loopback

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Host and port → addresses. Raises OSError where there are none."""

MAX_TRIED = 4
"""Addresses of one host that are tried in turn."""

_UNICAST = ipaddress.ip_network("2000::/3")
"""The only block of IPv6 that global addresses are given from (IANA)."""
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
"""IPv4 behind a translator, in the last 32 bits (RFC 6052)."""
_NEVER = (
    ipaddress.ip_network("192.0.0.0/24"),  # protocol assignments; 192.0.0.192: a metadata service
    ipaddress.ip_network("168.63.129.16/32"),  # Azure's platform service, at a public address
)


class AddressRefused(Exception):
    """Nothing was sent: the host is, or may be, inside. The text is a code."""


async def resolve(host: str, port: int) -> Sequence[str]:
    """As the machine resolves names; its parser also takes decimal and octal addresses."""
    loop = asyncio.get_running_loop()
    rows = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(row[4][0]) for row in rows))


def is_public(text: str) -> bool:
    """Whether an address is one that anybody could reach."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is None:
            return address in _UNICAST and address.is_global and address.sixtofour is None
        address = inner
    return (
        address.is_global
        and not address.is_multicast
        and not any(address in network for network in _NEVER)
    )


class GuardedTransport(httpx.AsyncBaseTransport):
    """Resolves, judges every address, and connects to one of those it judged."""

    def __init__(self, inner: httpx.AsyncBaseTransport, resolver: Resolver = resolve) -> None:
        self._inner = inner
        self._resolve = resolver

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises AddressRefused before anything leaves."""
        host = request.url.raw_host.decode("ascii")
        addresses = await self._judged(host, request)
        for address in addresses[:-1]:
            try:
                return await self._inner.handle_async_request(_to(address, host, request))
            except (httpx.ConnectError, httpx.ConnectTimeout):
                # Not sent: the next address may answer.
                continue
        return await self._inner.handle_async_request(_to(addresses[-1], host, request))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()

    async def _judged(self, host: str, request: httpx.Request) -> Sequence[str]:
        port = request.url.port or (443 if request.url.scheme == "https" else 80)
        try:
            addresses = await self._resolve(host, port)
        except UnicodeError:
            raise AddressRefused("host_not_a_name") from None
        except OSError as error:
            raise httpx.ConnectError("name not resolved", request=request) from error
        if not addresses:
            raise httpx.ConnectError("name without an address", request=request)
        accepted = is_loopback if is_loopback(host) else is_public
        if not all(accepted(address) for address in addresses):
            raise AddressRefused("address_not_public")
        return addresses[:MAX_TRIED]


def _to(address: str, host: str, request: httpx.Request) -> httpx.Request:
    """The same request to an address; host header and certificate stay those of the name."""
    return httpx.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": host},
    )
