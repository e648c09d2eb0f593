"""Ports of the local stack: the usual ones when they are free, else free ones nearby."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping

from dealthread.stack.errors import StackError

HOST = "127.0.0.1"

USUAL: Mapping[str, int] = {
    "temporal": 7233,
    "temporal_ui": 8233,
    "temporal_metrics": 9233,
    "bridge": 8700,
    "salesforce": 8710,
    "stripe": 8720,
    # A fault proxy stands before each party that has no fault switch of its own.
    "tryton": 8730,
    "tryton_direct": 8731,
    "entitlement": 8740,
    "entitlement_direct": 8741,
    "customer_success": 8750,
    "customer_success_direct": 8751,
    # Has a fault switch of its own.
    "communications": 8760,
}

# A taken port moves by this much, then upward; all below Linux's ephemeral range (32768 and up),
# where any outgoing connection might sit on it.
SHIFT = 10_000
LAST = 32_000


def is_free(port: int) -> bool:
    """True when a server may listen on this port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are still winding down counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose(
    previous: Mapping[str, int] | None = None, free: Callable[[int], bool] = is_free
) -> dict[str, int]:
    """A port for each name: the usual one, else the one it had, else the next free one."""
    chosen: dict[str, int] = {}
    for name, usual in USUAL.items():
        for port in (usual, (previous or {}).get(name, usual), *range(usual + SHIFT, LAST)):
            if port not in chosen.values() and free(port):
                chosen[name] = port
                break
        else:
            raise StackError(
                f"no free port for {name} between {usual + SHIFT} and {LAST}",
                "stop other programs that listen on this machine: ss -ltnp",
            )
    return chosen
