"""How much is measured. Every loop is bounded by a count here and by a time limit."""

from __future__ import annotations

from dataclasses import dataclass

ENOUGH_SECONDS = 15.0
"""After this long a batch starts nothing more; on a slow machine it is smaller, not longer."""
LIMIT_SECONDS = 120.0
"""A batch that has not ended by then is stuck: a deal that waits for a person would never end."""
STRIPE_CALLS_PER_SECOND = 1000
"""The adapter's own throttle (80 a second for each account) would be measured instead of us."""


@dataclass(frozen=True)
class Sizes:
    """Counts of one run of the bench."""

    warm_up: int = 12
    """Quote-to-cash runs that are not measured: connections, caches and sandboxes come up."""
    cost_runs: int = 10
    """Runs whose histories, actions and vendor calls are counted."""
    rounds: int = 3
    """Interleaved rounds, product then bare; the median of their ratios is told."""
    at_one: int = 20
    """Runs of a round at concurrency 1."""
    at_fifty: int = 120
    """Runs of a round at concurrency 50."""
    webhook_rounds: int = 7
    webhooks: int = 1500
    """Messages of a round."""
    usage_rounds: int = 5
    usage_batches: int = 160
    """Batches of usage events of a round."""
    simulator_calls: int = 5_000
    """Requests of each kind to each simulator."""
    simulator_memory_calls: int = 100_000
    """Reads during which a simulator's memory is watched."""
    money_runs: int = 100
    """Amendments previewed."""
    schedule_lines: int = 10_000
    """Lines of a run of revenue."""
    amended_at_fifty: int = 50
    """Amendments of a round at concurrency 50, each of a contract of its own."""
    changes_of_one: int = 100
    """Changes of the contract whose history is watched."""
    open_contracts: int = 1_000
    """Contracts at rest in the cache of one worker; `--contracts 5000` takes minutes more."""
    invoices_at_fifty: int = 60
    """Paid invoices of a round at concurrency 50."""
    postings: int = 20
    """Documents of each kind that are posted to the real ERP, one after the other."""
    due_contracts: int = 100
    """Contracts of which something falls due while no worker runs."""

    @property
    def deals(self) -> int:
        """Deals needed in all."""
        return self.warm_up + self.cost_runs + self.rounds * (self.at_one + self.at_fifty)

    @property
    def invoices(self) -> int:
        """Invoices needed, each of a deal of its own: three ways to tell of one, and speed."""
        speed = self.rounds * (self.at_one + self.invoices_at_fifty)
        return self.warm_up + 3 * self.cost_runs + speed

    @property
    def contracts(self) -> int:
        """Contracts that are changed: warm-up, counting, the one that is watched, speed."""
        return self.warm_up + self.cost_runs + 1 + self.amended_at_fifty


FULL = Sizes()
QUICK = Sizes(
    warm_up=4,
    cost_runs=3,
    rounds=1,
    at_one=4,
    at_fifty=30,
    webhook_rounds=2,
    webhooks=500,
    usage_rounds=2,
    usage_batches=32,
    simulator_calls=500,
    simulator_memory_calls=5_000,
    money_runs=10,
    schedule_lines=1_000,
    amended_at_fifty=20,
    invoices_at_fifty=20,
    postings=3,
    changes_of_one=5,
    open_contracts=100,
    due_contracts=10,
)
