"""What goes wrong while the sandbox is filled or watched."""

from __future__ import annotations

import httpx
import requests
import stripe

from dealthread.errors import DealthreadError


class SandboxError(Exception):
    """Says what went wrong and, where there is one, the command that helps."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(f"{what}\n{mend}" if mend else what)
        self.what = what
        self.mend = mend


class NoAnswer(SandboxError):
    """Somebody does not answer now; whoever waits asks again."""


EXPECTED = (
    SandboxError,
    httpx.HTTPError,
    requests.RequestException,
    stripe.StripeError,
    DealthreadError,
)
"""A part of the stack that is down or refuses; anything else is a bug and keeps its trace."""


def told(error: Exception) -> SandboxError:
    """The error as a person is told it."""
    if isinstance(error, SandboxError):
        return error
    return SandboxError(f"{type(error).__name__}: {error}", "dealthread status; dealthread doctor")
