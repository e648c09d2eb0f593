"""Inputs and results of the activities that bring a payout to the ledger."""

from __future__ import annotations

from dealthread.domain.base import Carried
from dealthread.domain.ledger import LedgerJournal
from dealthread.domain.paid_out import ForeignPayout
from dealthread.domain.payout import Payout
from dealthread.domain.transaction import SagaContext


class PayoutInput(Carried):
    """Input of the PayoutToBank workflow."""

    billing_account: str
    payout_id: str
    tenant: str = "default"
    business_offset_seconds: int = 0


class ReadPayout(Carried):
    """Input of `payout.read`."""

    billing_account: str
    payout_id: str
    tenant: str = "default"


class PayoutToPost(Carried):
    """A payout as it stands, and what the ledger is to get of it.

    Without `settlement` there is nothing to post yet, or nothing moved.
    """

    payout: Payout
    seller: str = ""
    erp: str = ""
    company: str = ""
    settlement: LedgerJournal | None = None
    returned: LedgerJournal | None = None
    """Where it came back: the bank's part is taken back."""
    foreign: ForeignPayout | None = None
    """Instead of `settlement`, where something in it is not in the ledger's currency."""
    currency: str = ""
    """The ledger's."""


class PostPayout(Carried):
    """Input of `payout.post` and `payout.post_return`."""

    context: SagaContext
    erp: str
    journal: LedgerJournal
    payout: Payout | None = None
    seller: str = ""


class PostForeignPayout(Carried):
    """Input of `payout.post_foreign`."""

    context: SagaContext
    erp: str
    foreign: ForeignPayout
    currency: str
    """The ledger's."""
    payout: Payout
    seller: str


class TellPayments(Carried):
    """Input of `payout.tell_payments`."""

    context: SagaContext
    payout: Payout
    seller: str


class ToldPayments(Carried):
    """How many events were told of, and how many payments pay no invoice of ours."""

    told: int
    unknown: int
