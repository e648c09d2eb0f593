"""What an adapter may ask of its vendor: a closed list, enforced before a request leaves (AG-10).

Only interfaces that the vendor publishes and supports are on it, each with the page that says so.
No adapter touches a vendor's database.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from dealthread.errors import InvariantBroken

_ANY = "{}"


@dataclass(frozen=True)
class VendorOperation:
    """One published operation. In `path`, `{}` stands for one segment of any value.

    For remote procedure calls the method is `RPC` and the path is the procedure's name.
    """

    method: str
    path: str
    page: str

    def covers(self, method: str, path: str) -> bool:
        """Whether a request is this operation."""
        return method == self.method and self._pattern().fullmatch(path) is not None

    def _pattern(self) -> re.Pattern[str]:
        # re keeps compiled patterns; the paths are few.
        return re.compile("[^/]+".join(re.escape(part) for part in self.path.split(_ANY)))


class Manifest:
    """The operations of one adapter."""

    def __init__(self, system: str, operations: Iterable[VendorOperation]) -> None:
        self.system = system
        self.operations = tuple(operations)

    def require(self, method: str, path: str) -> None:
        """Raises InvariantBroken for what was not declared; nothing has left then."""
        if not any(operation.covers(method, path) for operation in self.operations):
            raise InvariantBroken(
                "undeclared_vendor_operation", system=self.system, operation=f"{method} {path}"
            )


def operations(page: str, *lines: str) -> list[VendorOperation]:
    """`"POST /v1/customers"` and so on, all described by one page."""
    pairs = (line.partition(" ") for line in lines)
    return [VendorOperation(method, path, page) for method, _, path in pairs]
