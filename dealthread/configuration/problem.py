"""A problem in a configuration file, in words that the person who owns the file can act on."""

from __future__ import annotations

from dataclasses import dataclass

from dealthread.errors import BadInput


@dataclass(frozen=True)
class ConfigProblem:
    """One thing to mend: where it is, what stands there, what to do."""

    file: str
    path: str
    """Path of the field, e.g. `products[3].list_prices[0].amount`; empty for the whole file."""
    value: str
    action: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.path}" if self.path else self.file
        shown = f" is {self.value}" if self.value else ""
        return f"{place}{shown}: {self.action}"


class ConfigInvalid(BadInput):
    """The configuration cannot be used. `problems` holds all of them, in file order."""

    def __init__(self, problems: tuple[ConfigProblem, ...]) -> None:
        first = problems[0]
        super().__init__(
            "config_invalid",
            field=f"{first.file}: {first.path}" if first.path else first.file,
            action=first.action,
            problems="\n".join(str(problem) for problem in problems),
        )
        self.problems = problems
