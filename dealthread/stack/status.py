"""`dealthread status`: what runs, where, since when, and what it takes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from dealthread.stack import info, parts
from dealthread.stack.layout import Layout
from dealthread.stack.plan import Part, select
from dealthread.stack.processes import ProcessRecord, memory_bytes, read_record
from dealthread.stack.supervise import Request, request_file

SUPERVISOR = "supervisor"


class PartState(StrEnum):
    """State of a part as seen from outside."""

    HEALTHY = "healthy"
    STARTING = "starting"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    UNHEALTHY = "unhealthy"  # runs, does not answer
    DOWN = "down"


@dataclass(frozen=True)
class PartStatus:
    """One line of `dealthread status`."""

    name: str
    state: PartState
    pid: int | None
    url: str
    memory_megabytes: float | None
    uptime: timedelta | None
    restarts: int
    log: Path


def status(root: Path) -> list[PartStatus]:
    """Every part of the stack, the supervisor first; empty before the first `up`."""
    root = root.resolve()
    stack = info.read(root)
    layout = Layout(root)
    if stack is None:
        return []
    supervisor = read_record(layout.supervisor_record)
    lines = [_line(layout, SUPERVISOR, supervisor, healthy=True, url="")]
    asked = _request(layout)
    for step in select(parts.plan(stack, asked.search_attributes), asked.only):
        if isinstance(step, Part):
            record = read_record(layout.record(step.name))
            alive = bool(record and record.process)
            healthy = alive and step.healthy()
            lines.append(_line(layout, step.name, record, healthy=healthy, url=step.url))
    return lines


def _request(layout: Layout) -> Request:
    try:
        return Request.model_validate_json(request_file(layout).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Request()


def _line(
    layout: Layout, name: str, record: ProcessRecord | None, *, healthy: bool, url: str
) -> PartStatus:
    process = record.process if record else None
    return PartStatus(
        name=name,
        state=_state(record, running=process is not None, healthy=healthy),
        pid=process.pid if process else None,
        url=url,
        # The parts are the supervisor's children and have lines of their own.
        memory_megabytes=round(memory_bytes(process, children=name != SUPERVISOR) / 1e6, 1)
        if process
        else None,
        uptime=timedelta(seconds=round(time.time() - record.started))
        if process and record
        else None,
        restarts=record.restarts if record else 0,
        log=layout.log(name),
    )


def _state(record: ProcessRecord | None, *, running: bool, healthy: bool) -> PartState:
    if record is None:
        return PartState.DOWN
    if record.state == "restarting":
        return PartState.RESTARTING
    if not running:
        return PartState.DOWN
    if record.state == "stopping":
        return PartState.STOPPING
    if healthy and record.state == "ready":
        return PartState.HEALTHY
    return PartState.STARTING if record.state == "starting" else PartState.UNHEALTHY
