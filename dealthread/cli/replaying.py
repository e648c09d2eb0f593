"""Replays a stored history on the present workflow code, in the worker's own sandbox."""

from __future__ import annotations

import logging

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from dealthread.cli.output import clean
from dealthread.settings import Settings
from dealthread.temporal import data_converter
from workers.bootstrap import sandbox
from workers.registry import WORKFLOWS


async def failure(history: WorkflowHistory, settings: Settings) -> str:
    """Why the history does not replay; empty when it does."""
    # The SDK would log the same failure with its stack trace.
    logging.getLogger("temporalio").setLevel(logging.CRITICAL)
    replayer = Replayer(
        workflows=WORKFLOWS,
        workflow_runner=sandbox(),
        data_converter=data_converter(settings.codec()),
    )
    result = await replayer.replay_workflow(history, raise_on_replay_failure=False)
    return "" if result.replay_failure is None else clean(result.replay_failure)
