"""A sign of life for programs without a port: a file, touched while the event loop turns.

Whoever supervises the program names the file in DEALTHREAD_READY_FILE and takes a fresh one for
"ready and alive". Without the variable nothing happens.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

VARIABLE = "DEALTHREAD_READY_FILE"
# The local stack takes a part for hanging after 60 s without a touch.
INTERVAL_SECONDS = 10.0


@contextlib.asynccontextmanager
async def signs_of_life(environment: Mapping[str, str] | None = None) -> AsyncIterator[None]:
    """Enter when ready to work; the file goes when the block is left."""
    name = (os.environ if environment is None else environment).get(VARIABLE)
    if not name:
        yield
        return
    path = Path(name)
    _touch(path)

    async def keep_touching() -> None:
        while True:
            await asyncio.sleep(INTERVAL_SECONDS)
            _touch(path)

    touching = asyncio.create_task(keep_touching())
    try:
        yield
    finally:
        touching.cancel()
        # A file that could not be touched any more has already said what there is to say.
        with contextlib.suppress(asyncio.CancelledError, OSError):
            await touching
        _remove(path)


def _touch(path: Path) -> None:
    # On the loop on purpose: a loop that cannot do this in time is not alive.
    path.touch()


def _remove(path: Path) -> None:
    path.unlink(missing_ok=True)
