"""How a figure came about: formula, inputs, result, so that finance can follow and check it.

Every result of the money modules carries one; `dealthread money explain` prints it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dealthread.domain.base import Frozen


class Working(Frozen):
    """One step of a calculation. All values are text as a person would write them down."""

    what: str
    """The figure, in finance's words: "credit for unused time"."""
    formula: str
    """With the names of the inputs: "amount × remaining days ÷ days of the period"."""
    inputs: tuple[tuple[str, str], ...] = ()
    """Name and value of each, in the formula's order."""
    result: str
    source: str = ""
    """Where the rule comes from: a convention's name, a vendor's page, a standard's paragraph."""
    parts: tuple[Working, ...] = ()
    """The steps whose results are inputs here."""

    def lines(self, indent: int = 0) -> Iterator[str]:
        """The step and its parts for a person, parts indented below."""
        named = ", ".join(f"{name} {value}" for name, value in self.inputs)
        because = f" [{self.source}]" if self.source else ""
        given = f" with {named}" if named else ""
        yield f"{'  ' * indent}{self.what} = {self.result}: {self.formula}{given}{because}"
        for part in self.parts:
            yield from part.lines(indent + 1)


def worked(
    what: str,
    formula: str,
    result: object,
    *,
    source: str = "",
    parts: Sequence[Working] = (),
    **inputs: object,
) -> Working:
    """A step; underscores in the names of inputs read as spaces."""
    return Working(
        what=what,
        formula=formula,
        inputs=tuple((name.replace("_", " "), str(value)) for name, value in inputs.items()),
        result=str(result),
        source=source,
        parts=tuple(parts),
    )
