"""`dealthread down`: stop the local stack, and nothing that is not ours."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from dealthread.stack import supervise
from dealthread.stack.layout import Layout
from dealthread.stack.plan import Report
from dealthread.stack.processes import read_record


@dataclass(frozen=True)
class Stopped:
    """What was stopped. Both empty: there was nothing to stop."""

    supervisor: bool
    # Parts whose supervisor was gone (killed) and that were stopped one by one.
    leftovers: tuple[str, ...]


def down(root: Path, report: Report = lambda _: None) -> Stopped:
    """Stop everything in order; data stays, and the next `up` goes on from it.

    A process is signalled only if its recorded start time is still its own, so a pid that the
    system gave to somebody else meanwhile is left alone.
    """
    layout = Layout(root.resolve())
    if not layout.run.exists():
        report("nothing to stop")
        return Stopped(supervisor=False, leftovers=())
    record = read_record(layout.supervisor_record)
    supervised = bool(record and record.process)
    if record and record.process:
        report(f"stopping the stack (at most {supervise.STOP_SECONDS:.0f} s)")
        record.process.send_signal(signal.SIGTERM)
        if not record.wait(supervise.STOP_SECONDS):
            report("the supervisor did not end in time and is killed")
            record.signal_group(signal.SIGKILL)
            record.wait(5.0)
    layout.supervisor_record.unlink(missing_ok=True)
    leftovers = tuple(supervise.clear_leftovers(layout))
    for name in leftovers:
        report(f"stopped {name}, which had lost its supervisor")
    report("the stack is down" if supervised or leftovers else "nothing to stop")
    return Stopped(supervisor=supervised, leftovers=leftovers)
