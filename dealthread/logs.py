"""Structured logs: constant event names, values as fields, nothing personal, nothing secret."""

from __future__ import annotations

import logging
import sys

import structlog

_QUIET = ("httpx", "httpcore", "stripe", "urllib3", "temporalio.activity", "temporalio.workflow")
"""Libraries that would print addresses, messages or tracebacks in clear."""


def configure(level: str) -> None:
    """JSON lines on standard error. Called once by an entry point."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s")
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
