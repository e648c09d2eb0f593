"""Service levels of the way from a won deal to the ledger: what is late, since when, what is next.

A fact that is late is found by looking at what is there, never by a timer that somebody set: what
was lost on its way has no timer.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from dealthread.domain.base import Carried, Frozen
from dealthread.domain.case import KINDS, CaseOpening
from dealthread.domain.money import Money
from dealthread.naming import case_key


class Level(StrEnum):
    """What has to happen in time."""

    DEAL_RECEIVED = "deal_received"
    """A deal that is won in the CRM has a run here."""
    INVOICED = "invoiced"
    """It has a finalised invoice, from its start on."""
    FINALISED = "finalised"
    """A drafted invoice goes out."""
    POSTED = "posted"
    """A finalised invoice is in the ledger."""
    APPLIED = "applied"
    """A payment settles its invoice in the ledger."""
    ERP_CONFIRMED = "erp_confirmed"
    """A change that the biller has is confirmed by the ERP."""
    USAGE_COUNTED = "usage_counted"
    """Use that was taken in is counted by the biller."""
    USAGE_BILLED = "usage_billed"
    """Use of a billing period that is over is on a bill, as it was counted."""


class LevelHours(Frozen):
    """How many hours each may take."""

    deal_received: int = 1
    invoiced: int = 24
    finalised: int = 26
    posted: int = 4
    applied: int = 24
    erp_confirmed: int = 8
    usage_counted: int = 4
    usage_billed: int = 26


class SellerHours(Frozen):
    """Where one seller differs."""

    deal_received: int | None = None
    invoiced: int | None = None
    finalised: int | None = None
    posted: int | None = None
    applied: int | None = None
    erp_confirmed: int | None = None
    usage_counted: int | None = None
    usage_billed: int | None = None


class ServiceLevels(Frozen):
    """`config/service_levels.yaml`."""

    every_minutes: int = 5
    """How often it is looked."""
    won_within_days: int = 30
    """Deals that were closed earlier are not looked for in the CRM."""
    default: LevelHours = LevelHours()
    sellers: dict[str, SellerHours] = {}
    """By code of the legal entity."""

    def within(self, level: Level, seller: str = "") -> timedelta:
        """What a seller's contracts are held to."""
        own = self.sellers.get(seller, SellerHours())
        hours = getattr(own, level)
        return timedelta(hours=getattr(self.default, level) if hours is None else hours)

    def least(self, level: Level) -> timedelta:
        """The shortest of all sellers': what is younger is late for nobody."""
        return min(self.within(level, seller) for seller in ("", *self.sellers))


KIND_OF = {
    Level.DEAL_RECEIVED: "deal.stuck_before_invoice",
    Level.INVOICED: "deal.stuck_before_invoice",
    Level.FINALISED: "billing.draft_stuck",
    Level.POSTED: "erp.posting_late",
    Level.APPLIED: "cash.unmatched",
    Level.ERP_CONFIRMED: "erp.amendment_unconfirmed",
    Level.USAGE_COUNTED: "usage.not_counted",
    Level.USAGE_BILLED: "usage.billed_otherwise",
}
_SAID = {
    Level.DEAL_RECEIVED: "won in the CRM and not received",
    Level.INVOICED: "won and not invoiced",
    Level.FINALISED: "a drafted invoice is not finalised",
    Level.POSTED: "an invoice is not in the ledger",
    Level.APPLIED: "a payment settles no invoice in the ledger",
    Level.ERP_CONFIRMED: "a change is billed and not confirmed by the ERP",
    Level.USAGE_COUNTED: "use is not counted by the biller",
    Level.USAGE_BILLED: "what was counted is not what was billed",
}


class Late(Carried):
    """One fact that is not there in time."""

    level: Level
    since: AwareDatetime
    """Business time from which it is counted."""
    business_key: str
    contract_key: str
    part: str = ""
    """Of several of one business key, e.g. payments of an invoice."""
    customer_key: str = ""
    customer_name: str = ""
    seller: str = ""
    region: str = ""
    erp: str = ""
    """Whose outage holds it back, where the ledger has to act."""
    money: Money | None = None
    waits_for: str = ""
    """The open case of the same run: who decides that one mends this."""
    evidence: dict[str, str] = {}

    @property
    def case_id(self) -> str:
        """The same fact has the same case."""
        return case_key(f"service-level/{self.level}/{self.business_key}/{self.part}")

    @property
    def next_step(self) -> str:
        """What a person does now."""
        if self.waits_for:
            return f"decide {self.waits_for}"
        if self.level is Level.DEAL_RECEIVED:
            return f"dealthread deals submit {self.evidence.get('deal', '')}"
        if self.level is Level.INVOICED:
            return f"dealthread show {self.contract_key}; find its invoice at the biller"
        if self.level is Level.FINALISED:
            return f"open {self.business_key.rpartition(':')[2]} at the biller: finalise or void it"
        if self.level is Level.ERP_CONFIRMED:
            return f"dealthread trace {self.business_key}; look at the ERP"
        if self.level is Level.USAGE_COUNTED:
            account = self.evidence.get("billing_account", "")
            show = f"dealthread usage show {self.contract_key}"
            return f"{show}, then dealthread usage send {account}"
        if self.level is Level.USAGE_BILLED:
            return self._until_billed()
        return f"dealthread trace {self.contract_key}; look at the ledger"

    def _until_billed(self) -> str:
        """What is missing is charged, what is too much is credited."""
        invoice, line = self.evidence.get("invoices", ""), self.evidence.get("line", "")
        if not invoice:
            return (
                f"dealthread usage show {self.contract_key}; find the period's bill at the biller"
            )
        look = f"dealthread usage trace {invoice.partition(',')[0]} {line}"
        if self.evidence.get("not_billed", "").startswith("-"):
            return f"{look}, then dealthread invoices credit {invoice.partition(',')[0]}"
        return f"{look}, then charge what is missing at the biller, on the line {line}"

    def is_late(self, levels: ServiceLevels, now: datetime) -> bool:
        """Whether its own seller's level has run out."""
        return self.since + levels.within(self.level, self.seller) <= now

    def opening(self, levels: ServiceLevels, occurrence: int) -> CaseOpening:
        """As a case: nothing to decide, it closes when the fact is there."""
        hours = int(levels.within(self.level, self.seller).total_seconds() // 3600)
        kind = KIND_OF[self.level]
        return CaseOpening(
            case_id=self.case_id,
            occurrence=occurrence,
            kind=kind,
            business_key=self.business_key,
            generation=0,
            contract_key=self.contract_key,
            workflow_id=watch_of(self.level),
            step=self.level,
            code="service_level",
            summary=f"{KINDS[kind].title}: {_SAID[self.level]} after {hours} h",
            evidence={
                **self.evidence,
                "late_since": (self.since + timedelta(hours=hours)).isoformat(),
                "next_step": self.next_step,
            },
            blocked_steps=_BLOCKED[self.level],
            money_at_risk=self.money,
            customer_key=self.customer_key,
            customer_name=self.customer_name,
            legal_entity=self.seller,
            region=self.region,
        )


_BLOCKED = {
    Level.DEAL_RECEIVED: ("billing", "entitlement", "booking"),
    Level.INVOICED: ("invoice", "payment", "revenue"),
    Level.FINALISED: ("invoice", "payment", "revenue"),
    Level.POSTED: ("ledger", "payment", "revenue"),
    Level.APPLIED: ("receivable",),
    Level.ERP_CONFIRMED: ("booking", "crm", "revenue"),
    Level.USAGE_COUNTED: ("invoice", "revenue"),
    Level.USAGE_BILLED: ("invoice", "revenue"),
}


def watch_of(level: Level) -> str:
    """What stands for the workflow of a case that no workflow waits for."""
    return f"service-level:{level}"
