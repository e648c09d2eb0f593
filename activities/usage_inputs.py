"""What the sending of usage is asked and answers."""

from __future__ import annotations

from dealthread.domain.base import Carried


class SendUsage(Carried):
    """Send what was counted and not sent yet to one billing account. `now`: what is due is sent
    without waiting for the interval between two sums."""

    billing_account: str
    at_once: bool = False


class UsageSent(Carried):
    """How a sending went."""

    sent: int = 0
    """Sums that the biller has taken, or was found to have."""
    not_sent: int = 0
    """Sums that were tried and will be again."""
    waiting: int = 0
    """Sums that are not known to be at the biller."""
    refusals: tuple[str, ...] = ()
    """Codes of what the biller refused, each once."""
    is_over: bool = True
    """Whether nothing more was due."""
