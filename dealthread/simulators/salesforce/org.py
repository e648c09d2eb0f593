"""One simulated org: its rows, its rules and what it does by itself."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from decimal import Decimal

from dealthread.simulators.kit.clock import SimClock
from dealthread.simulators.kit.faults import FaultKind, FaultSwitch
from dealthread.simulators.kit.ledger import Ledger
from dealthread.simulators.kit.state import Keeper
from dealthread.simulators.kit.state_store import StateStore
from dealthread.simulators.kit.webhook_sender import BACK_OFF_SECONDS, WebhookSender
from dealthread.simulators.salesforce.access.sessions import Sessions
from dealthread.simulators.salesforce.config import SalesforceConfig
from dealthread.simulators.salesforce.cpq.package import CpqPackage
from dealthread.simulators.salesforce.dml import Dml
from dealthread.simulators.salesforce.ids import make_id
from dealthread.simulators.salesforce.jobs import Jobs
from dealthread.simulators.salesforce.messages.announcements import Announcer
from dealthread.simulators.salesforce.persistence import KeptOrg
from dealthread.simulators.salesforce.rest.api import RestApi
from dealthread.simulators.salesforce.rules.automation import Automation
from dealthread.simulators.salesforce.rules.rule_checks import RuleChecks
from dealthread.simulators.salesforce.schema.currency import currency_rows
from dealthread.simulators.salesforce.schema.model import Row
from dealthread.simulators.salesforce.schema.objects import org_schema
from dealthread.simulators.salesforce.store import INSTANCE, Store
from dealthread.simulators.salesforce.values import instant_text

QUOTA_WINDOW = timedelta(hours=24)


class Org:
    """Everything behind the HTTP surface."""

    def __init__(self, config: SalesforceConfig) -> None:
        self.config = config
        self.clock = SimClock(config.clock_offset)
        self.ledger = Ledger(self.clock)
        self.faults = FaultSwitch(
            unsupported=frozenset(),
            part_targets={
                "subrequest": frozenset({FaultKind.REJECT, FaultKind.SERVER_ERROR}),
                "row": frozenset({FaultKind.REJECT}),
            },
        )
        self.webhooks = WebhookSender(
            self.clock,
            back_off=config.webhook_back_off or BACK_OFF_SECONDS,
            max_attempts=sys.maxsize,  # the outbox is sent until it is acknowledged
        )
        self.sessions = Sessions(config, self.clock)
        self.store = Store(org_schema(config))
        self.user_id = make_id("005", INSTANCE, 1)
        automation = Automation(self.store, config)
        rules = RuleChecks(config.rules, self.store.schema, self.store)
        self.dml = Dml(self.store, self.clock, self.ledger, automation, rules, self.user_id)
        self.announcer = Announcer(config, self.store, self.dml, self.webhooks)
        automation.tell_outbox(self.announcer.announce)
        self.jobs = Jobs(self.clock)
        self.cpq = self._installed(automation) if config.cpq else None
        self.kept = KeptOrg(self.store)
        self.keeper = (
            Keeper(self.kept, StateStore(config.state, f"salesforce:{config.org_id}"))
            if config.state is not None
            else None
        )
        self.api = RestApi(self)
        self._used = 0
        self._window_start = self.clock.now()
        if self.keeper is not None:
            self.kept.tell_changes_to(self.keeper)
        if self.keeper is None or not self.keeper.load():
            self._seed()
        else:
            self._resume()

    @property
    def requests_used(self) -> int:
        """Calls counted against the daily limit."""
        self._roll_window(self.clock.now())
        return self._used

    def count_request(self) -> bool:
        """Count a call; False when the daily limit is used up."""
        if self.requests_used >= self.config.daily_request_limit:
            return False
        self._used += 1
        return True

    def reset(self) -> None:
        """Back to an empty org; ids are never used again."""
        self.store.clear()
        self._begin_anew()
        self._seed()

    def restored(self) -> None:
        """After a snapshot was put back: nothing open goes on, what is unsent is announced."""
        self._begin_anew()
        self._resume()

    def _resume(self) -> None:
        self.announcer.announce_undelivered()
        if self.cpq is not None:
            self.cpq.resume()

    def _installed(self, automation: Automation) -> CpqPackage:
        package = CpqPackage(self.config, self.store, self.dml, self.clock, self.ledger, self.jobs)
        package.install(automation)
        return package

    def _begin_anew(self) -> None:
        self.api.clear()
        self.jobs.clear()
        self.sessions.expire_all()
        self._used = 0
        if self.keeper is not None:
            self.keeper.start_over()

    def _roll_window(self, now: datetime) -> None:
        if now - self._window_start >= QUOTA_WINDOW:
            self._window_start, self._used = now, 0

    def _seed(self) -> None:
        """What a new org has: itself, the integration user and the standard price book."""
        now = instant_text(self.clock.now())
        with self.store.transaction():
            # Kept with the rows: after a restart no new book may get the standard one's id.
            self.store.counters["Pricebook2"] = max(1, self.store.counters.get("Pricebook2", 0))
            self._put(
                "Organization",
                {
                    "Id": self.config.org_id,
                    "Name": "Simulated Org",
                    "OrganizationType": "Enterprise Edition",
                    "TimeZoneSidKey": "GMT",
                    "DefaultLocaleSidKey": "en_US",
                    "LanguageLocaleKey": "en_US",
                    "FiscalYearStartMonth": Decimal(1),
                    "IsSandbox": True,
                },
                now,
            )
            self._put(
                "User",
                {
                    "Id": self.user_id,
                    "Username": self.config.username,
                    "LastName": "Integration",
                    "Alias": "integ",
                    "TimeZoneSidKey": "GMT",
                    "LocaleSidKey": "en_US",
                    "LanguageLocaleKey": "en_US",
                    "EmailEncodingKey": "UTF-8",
                    "Name": "Integration",
                    "Email": "integration@simulated.example",
                    "IsActive": True,
                },
                now,
            )
            standard: Row = {"Name": "Standard Price Book", "IsActive": True, "IsStandard": True}
            self._put("Pricebook2", {"Id": make_id("01s", INSTANCE, 1), **standard}, now)
            for number, row in enumerate(currency_rows(self.config), start=1):
                self._put("CurrencyType", {"Id": make_id("01L", INSTANCE, number), **row}, now)

    def _put(self, name: str, values: Row, now: str) -> None:
        sobject = self.store.schema.objects[name.lower()]
        row: Row = {one.name: one.default for one in sobject.fields.values()}
        row.update(
            IsDeleted=False,
            CreatedDate=now,
            CreatedById=self.user_id,
            LastModifiedDate=now,
            LastModifiedById=self.user_id,
            SystemModstamp=now,
        )
        row.update(values)
        self.store.put(sobject.name, row)
