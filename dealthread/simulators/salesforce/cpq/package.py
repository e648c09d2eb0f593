"""The installed package: its rules, its background work and its service router."""

from __future__ import annotations

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.cpq.background import Background
from dealthread.simulators.salesforce.cpq.flag_rules import (
    FLAGS,
    CpqContractRules,
    CpqOrderItemRules,
    CpqOrderRules,
    FlagRules,
    WonDealRules,
    resume,
)
from dealthread.simulators.salesforce.cpq.line_rules import CpqLineRules
from dealthread.simulators.salesforce.cpq.quote_rules import LINE, QUOTE, CpqQuoteRules
from dealthread.simulators.salesforce.cpq.service_router import ServiceRouter
from dealthread.simulators.salesforce.cpq.subscriptions import SUBSCRIPTION, SubscriptionRules
from dealthread.simulators.salesforce.jobs import Jobs
from dealthread.simulators.salesforce.rules.automation import Automation
from dealthread.simulators.salesforce.rules.save import Writer
from dealthread.simulators.salesforce.store import Store


class CpqPackage:
    """SBQQ in one org."""

    def __init__(
        self,
        config: SalesforceConfig,
        store: Store,
        writer: Writer,
        clock: SimClock,
        ledger: Ledger,
        jobs: Jobs,
    ) -> None:
        self._config = config
        self._store = store
        self._background = Background(store, writer, clock, ledger, jobs, delay=config.cpq_delay)
        self.router = ServiceRouter(store, self._background)

    def install(self, automation: Automation) -> None:
        """Add the package's rules to the org's."""
        automation.add(QUOTE, CpqQuoteRules())
        automation.add(LINE, CpqLineRules())
        automation.add(SUBSCRIPTION, SubscriptionRules())
        automation.add("Order", CpqOrderRules())
        automation.add("OrderItem", CpqOrderItemRules())
        automation.add("Contract", CpqContractRules())
        if self._config.cpq_orders_won_deals:
            automation.add("Opportunity", WonDealRules())
        for name, flag, work_name, work in FLAGS:
            automation.add(name, FlagRules(self._background, flag, work_name, work))

    def resume(self) -> None:
        """Start again what was under way when the org stopped."""
        resume(self._store, self._background)
