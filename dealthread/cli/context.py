"""Where the command line's settings come from: the environment, else the stack found here.

A stack is found by its `.dealthread/stack.json` in the present folder or one above it. A variable
that is set wins, one by one; but the demonstration stack's tokens are sent to that stack's own
bridge only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from dealthread.cli.failures import Refused
from dealthread.errors import BadInput
from dealthread.settings import Settings
from dealthread.stack import info
from dealthread.stack.environment import app_environment
from dealthread.stack.info import StackInfo
from dealthread.stack.layout import Layout

BRIDGE_URL = "DEALTHREAD_BRIDGE_URL"
TOKEN = "DEALTHREAD_TOKEN"  # noqa: S105 - the name of a variable
PREFIX = "DEALTHREAD_"


class Who(StrEnum):
    """Demonstration people of the local stack."""

    OPERATOR = "operator"
    APPROVER = "approver"


def stack_root(start: Path) -> Path:
    """The folder whose stack is meant: the nearest with a stack.json, else the present one."""
    for folder in (start, *start.parents):
        if Layout(folder).stack_file.is_file():
            return folder
    return start


@dataclass(frozen=True)
class Surroundings:
    """What this call of the command line knows."""

    given: Mapping[str, str]
    stack: StackInfo | None

    @classmethod
    def here(cls) -> Surroundings:
        """From this process's environment and folder. Raises StackError on a foreign stack.json."""
        return cls(given=dict(os.environ), stack=info.read(stack_root(Path.cwd())))

    @cached_property
    def environment(self) -> dict[str, str]:
        """The stack's settings, each replaced by a variable that is set."""
        base = app_environment(self.stack) if self.stack else {}
        return base | {name: value for name, value in self.given.items() if value}

    @property
    def bridge_url(self) -> str:
        """Where the process API answers, without a slash at the end."""
        default: str = Settings.model_fields["bridge_url"].default
        return self.environment.get(BRIDGE_URL, default).rstrip("/")

    def token(self, who: Who | None) -> str:
        """The bearer token: DEALTHREAD_TOKEN unless a demonstration person is named."""
        given = self.given.get(TOKEN, "")
        if given and who is None:
            return given
        if self.stack is None or self.bridge_url != self.stack.urls.bridge:
            if self.stack is None:
                raise Refused(
                    f"no stack was started in this folder or above it, and {TOKEN} is not set: "
                    f"`dealthread up`, or set {BRIDGE_URL} and {TOKEN}"
                )
            raise Refused(
                f"{self.bridge_url} is not the local stack's bridge and is not shown its tokens: "
                f"set {TOKEN}, or leave {BRIDGE_URL} unset"
            )
        credentials = self.stack.credentials
        return credentials.approver_token if who is Who.APPROVER else credentials.operator_token

    def config_dir(self) -> Path:
        """Finance's configuration."""
        default: Path = Settings.model_fields["config_dir"].default
        return Path(self.environment.get("DEALTHREAD_CONFIG_DIR", str(default)))

    def settings(self) -> Settings:
        """For the verbs that talk to Temporal. Raises BadInput naming the first wrong variable."""
        values = {
            name: self.environment[PREFIX + name.upper()]
            for name in Settings.model_fields
            if PREFIX + name.upper() in self.environment
        }
        # The command line never opens the database, so nobody needs to hand it the address.
        values.setdefault("database_url", "")
        try:
            return Settings.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            name = PREFIX + "_".join(str(part) for part in first["loc"]).upper()
            raise BadInput(
                "bad_setting",
                field=name,
                action=f"{first['msg']}: set {name} (docs/settings.md), or run `dealthread up`",
            ) from None
