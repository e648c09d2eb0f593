"""Configuration that follows its files: a new mapping is served without a restart."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from dealthread.configuration.checks import check
from dealthread.configuration.files import FILES, parse, read_bytes
from dealthread.configuration.problem import ConfigInvalid, ConfigProblem
from dealthread.domain.catalog import ConfigSet

_Stamp = tuple[tuple[str, int, int], ...]


def check_config(directory: Path) -> list[ConfigProblem]:
    """Everything that is wrong with the files, in file order; empty when they may be used."""
    return list(_read(directory)[1])


def load_config(directory: Path) -> ConfigSet:
    """The validated set. Raises ConfigInvalid (a BadInput) with every problem."""
    config, problems = _read(directory)
    if config is None or problems:
        raise ConfigInvalid(problems)
    return config


def _read(directory: Path) -> tuple[ConfigSet | None, tuple[ConfigProblem, ...]]:
    if not directory.is_dir():
        problem = ConfigProblem(directory.name, "", "", "no such folder: name the config folder")
        return None, (problem,)
    contents, problems = read_bytes(directory)
    config, wrong = parse(contents)
    problems += wrong
    if config is not None and not problems:
        problems += check(config)
    return config, tuple(problems)


class ConfigSource:
    """Serves the newest valid set; keeps the last good one while the files are wrong.

    Files are read again when the size or modification time of one has changed, so a corrected
    mapping reaches the next retry at once. Thread-safe.
    """

    def __init__(
        self,
        directory: Path,
        on_problems: Callable[[tuple[ConfigProblem, ...]], None] = lambda problems: None,  # noqa: ARG005
    ) -> None:
        """`on_problems` is told once per change that leaves the files invalid."""
        self._directory = directory
        self._on_problems = on_problems
        self._lock = threading.Lock()
        self._stamp: _Stamp | None = None
        self._good: ConfigSet | None = None
        self._problems: tuple[ConfigProblem, ...] = ()

    @property
    def problems(self) -> tuple[ConfigProblem, ...]:
        """What is wrong with the files as last read; empty while they are being served."""
        return self._problems

    def current(self) -> ConfigSet:
        """The set in force. Raises ConfigInvalid only when no valid set was ever read."""
        with self._lock:
            stamp = self._look()
            if stamp != self._stamp:
                self._stamp = stamp
                self._reload()
            if self._good is None:
                raise ConfigInvalid(self._problems)
            return self._good

    def _look(self) -> _Stamp:
        rows: list[tuple[str, int, int]] = []
        for name in sorted(FILES):
            try:
                stat = (self._directory / name).stat()
            except OSError:
                rows.append((name, -1, -1))
            else:
                rows.append((name, stat.st_mtime_ns, stat.st_size))
        return tuple(rows)

    def _reload(self) -> None:
        config, problems = _read(self._directory)
        self._problems = problems
        if config is not None and not problems:
            self._good = config
        else:
            self._on_problems(problems)
