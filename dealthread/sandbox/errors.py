"""What goes wrong while the sandbox is filled or watched."""

from __future__ import annotations


class SandboxError(Exception):
    """Says what went wrong and, where there is one, the command that helps."""

    def __init__(self, what: str, mend: str = "") -> None:
        super().__init__(f"{what}\n{mend}" if mend else what)
        self.what = what
        self.mend = mend
