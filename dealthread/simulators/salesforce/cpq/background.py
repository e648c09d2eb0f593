"""The package's background work: in a transaction of its own, some time after the save."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.salesforce.errors import SalesforceError
from dealthread.simulators.salesforce.jobs import Jobs
from dealthread.simulators.salesforce.rules.save import Worker, Writer
from dealthread.simulators.salesforce.store import Store
from dealthread.simulators.salesforce.values import instant_text

Work = Callable[[Worker, str], None]


class JobRefused(Exception):
    """A condition of the work does not hold; no row is made."""


class Background:
    """Runs one piece of work for one record after the configured delay."""

    def __init__(
        self,
        store: Store,
        writer: Writer,
        clock: SimClock,
        ledger: Ledger,
        jobs: Jobs,
        *,
        delay: timedelta,
    ) -> None:
        self._store = store
        self._writer = writer
        self._clock = clock
        self._ledger = ledger
        self._jobs = jobs
        self._delay = delay

    def worker(self) -> Worker:
        """The org at this moment."""
        return Worker(self._store, self._writer, instant_text(self._clock.now()))

    def after_commit(self, name: str, work: Work, record_id: str) -> None:
        """Schedule the work once the present transaction is committed."""
        self._store.after_commit(lambda: self.schedule(name, work, record_id))

    def schedule(self, name: str, work: Work, record_id: str) -> None:
        """Schedule the work."""
        self._jobs.schedule(self._delay, lambda: self._run(name, work, record_id))

    def _run(self, name: str, work: Work, record_id: str) -> None:
        try:
            with self._store.transaction(is_background=True):
                work(self.worker(), record_id)
        except JobRefused as exc:
            self._fail(name, record_id, str(exc))
        except SalesforceError as exc:
            self._fail(name, record_id, f"{exc.code}: {exc.message}")

    def _fail(self, name: str, record_id: str, reason: str) -> None:
        self._ledger.effect(f"SBQQ.{name}.failed", record_id, details={"reason": reason})
