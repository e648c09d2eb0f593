"""Tryton among the parts: prepared as a task, then served; its access goes to stack.json."""

from __future__ import annotations

from dealthread.configuration.problem import ConfigInvalid
from dealthread.configuration.source import load_config
from dealthread.stack import defaults, info, tryton
from dealthread.stack.errors import StackError
from dealthread.stack.info import StackInfo, TrytonAccess
from dealthread.stack.plan import Launch, Part, Report, Step, Task
from dealthread.stack.tryton import TrytonInstallation

NAME = "tryton"
PREPARATION = "tryton-setup"
# These two depend on the run: stack.json's ports say them.
_PLACE = ("DEALTHREAD_TRYTON_URL", "DEALTHREAD_TRYTON_DATABASE")


class TrytonSteps:
    """The two steps share what the first one found."""

    def __init__(self, stack: StackInfo) -> None:
        self._stack = stack
        self._installation: TrytonInstallation | None = None

    def steps(self) -> list[Step]:
        url = self._stack.urls.tryton_direct
        return [
            Task(name=PREPARATION, run=self._prepare, needs=("databases",)),
            Part(
                name=NAME,
                launch=self._launch,
                healthy=lambda: tryton.is_healthy(url),
                needs=(PREPARATION,),
                url=url,
            ),
        ]

    def _prepare(self, report: Report) -> None:
        stack = self._stack
        try:
            config = load_config(stack.config_dir)
        except ConfigInvalid as failure:
            raise StackError(
                f"the configuration in {stack.config_dir} is not valid", "dealthread config check"
            ) from failure
        found = tryton.prepare(stack.layout.state, stack.postgres, config, report)
        if tryton.clone(found, defaults.TRYTON_DATABASE):
            report(f"made the database {defaults.TRYTON_DATABASE}")
        elif not tryton.is_current(found, defaults.TRYTON_DATABASE):
            report("config/ changed since the books were opened; they are kept (anew: make clean)")
        self._installation = found
        settings = found.adapter_settings(stack.urls.tryton, defaults.TRYTON_DATABASE)
        access = TrytonAccess(
            logins=found.logins(),
            settings={name: text for name, text in settings.items() if name not in _PLACE},
        )
        # The application's parts read stack.json when they start, after this.
        info.write(stack.model_copy(update={"tryton": access}))

    def _launch(self) -> Launch:
        if self._installation is None:
            raise StackError("Tryton was not prepared", "dealthread up")
        command, variables = tryton.serve_command(
            self._installation, defaults.TRYTON_DATABASE, self._stack.ports["tryton_direct"]
        )
        return Launch(command, variables)
