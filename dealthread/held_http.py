"""What the sandbox and the command line share when they hold an HTTP client open."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import httpx


class HoldsHttp:
    """Closes its client at the end of the `with` block."""

    _http: httpx.Client

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()
