"""Replays a stored history on the present workflow code, in the worker's own sandbox."""

from __future__ import annotations

import dataclasses
import logging
import re

from temporalio.client import WorkflowHistory
from temporalio.converter import DefaultFailureConverter
from temporalio.runtime import Runtime, TelemetryConfig
from temporalio.worker import Replayer

from dealthread.cli import histories
from dealthread.cli.output import clean
from dealthread.settings import Settings
from dealthread.temporal import data_converter
from workers.registry import WORKFLOWS
from workers.sandboxed import sandbox

_MESSAGE = re.compile(r'\bmessage: "((?:[^"\\]|\\.)+)"')


async def failure(history: WorkflowHistory, settings: Settings) -> str:
    """Why the history does not replay; empty when it does.

    Raises CodecKeyMissing when a payload cannot be read, which says nothing about the code.
    """
    codec = settings.codec()
    histories.decoded(history, codec)
    # The SDK would log the same failure with its stack trace, its core even on standard output.
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=sandbox(),
        # What fails here goes to nobody but the person at this terminal: in clear.
        data_converter=dataclasses.replace(
            data_converter(codec), failure_converter_class=DefaultFailureConverter
        ),
        runtime=Runtime(telemetry=TelemetryConfig(logging=None)),
    )
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return "" if result.replay_failure is None else _reason(str(result.replay_failure))


def _reason(text: str) -> str:
    """The message inside the core's dump of its failure, or the whole text."""
    found = _MESSAGE.search(text)
    return clean(found[1] if found else text)
