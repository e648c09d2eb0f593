"""What may go wrong with the local stack, each with the command that mends it."""

from __future__ import annotations


class StackError(Exception):
    """The local stack cannot do what was asked. `mend` is a command or a sentence for a person."""

    def __init__(self, what: str, mend: str) -> None:
        super().__init__(f"{what}. To mend it: {mend}")
        self.what = what
        self.mend = mend
