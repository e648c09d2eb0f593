"""Messages of adoption: read a book, propose, carry out, put references on."""

from __future__ import annotations

from datetime import date

from dealthread.domain.adoption.matching import Unmatched
from dealthread.domain.adoption.plan import OpeningTotal
from dealthread.domain.base import Carried
from dealthread.domain.transaction import SagaContext


class AdoptionRequest(Carried):
    """Propose the adoption of a company's book."""

    seller: str
    as_of: date
    won_from: date
    """Deals that were won before are not looked at."""
    requested_by: str


class AdoptionProposed(Carried):
    """What was proposed, or why nothing was."""

    plan_id: str = ""
    digest: str = ""
    contracts: int = 0
    unmatched: tuple[Unmatched, ...] = ()
    """The first of them."""
    unmatched_count: int = 0
    totals: tuple[OpeningTotal, ...] = ()
    is_tied: bool = False
    refused: str = ""
    action: str = ""


class AdoptionApproval(Carried):
    """Carry out a plan that a second person has seen."""

    plan_id: str
    digest: str
    """Of the plan that was shown."""
    approved_by: str


class AdoptionResult(Carried):
    """How the carrying out ended. References are put on by each contract's own run."""

    plan_id: str
    written: int = 0
    refused: str = ""
    action: str = ""
    outcome: str = "written"
    """written, running."""


class WriteAdopted(Carried):
    """Write the next contracts of an approved plan."""

    plan_id: str
    limit: int = 50


class AdoptedSoFar(Carried):
    """How many were written just now; nought when nothing waits."""

    written: int


class TakeOver(Carried):
    """Put our references on what a contract was adopted from."""

    context: SagaContext
    erp: str = ""
    company: str = ""
