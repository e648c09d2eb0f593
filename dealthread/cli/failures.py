"""What the command line tells a person when it cannot go on: one line, never a stack trace."""

from __future__ import annotations

from temporalio.service import RPCError, RPCStatusCode

from dealthread.codec import CodecKeyMissing
from dealthread.errors import BadInput, DealthreadError, VendorUnavailable
from dealthread.stack.errors import StackError

PROBLEM = 1
"""Exit code of a refusal or of a problem found; wrong usage is 2."""


class Refused(Exception):
    """The command does not do it; the text says why, and what to do instead."""


KNOWN = (Refused, DealthreadError, StackError, RPCError, CodecKeyMissing)


def sentence(error: Exception) -> str:
    """The one line for a known error: what, which field, what to do."""
    if isinstance(error, BadInput):
        return f"{in_words(error.code)} ({error.field}): {error.action}"
    if isinstance(error, VendorUnavailable) and error.code == "temporal_unreachable":
        return (
            f"Temporal does not answer at {error.evidence.get('address', '?')}: "
            "`dealthread up`, or set DEALTHREAD_TEMPORAL_ADDRESS"
        )
    if isinstance(error, DealthreadError):
        facts = ", ".join(f"{name} {value}" for name, value in error.evidence.items())
        return in_words(error.code) + (f" ({facts})" if facts else "")
    if isinstance(error, RPCError):
        return _of_temporal(error)
    if isinstance(error, CodecKeyMissing):
        return f"{error}: add the key to DEALTHREAD_CODEC_KEYS"
    return str(error)


def in_words(code: str) -> str:
    """A code as a person reads it."""
    return code.replace("_", " ")


def _of_temporal(error: RPCError) -> str:
    if error.status is RPCStatusCode.NOT_FOUND:
        return (
            "Temporal has no such run, or kept it no longer than its retention time: "
            "`dealthread show ID` reads the store"
        )
    if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED):
        return "Temporal does not answer: `dealthread status`, then try again"
    return f"Temporal refused: {error.message}"
