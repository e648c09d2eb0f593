"""Service levels: hours that can be kept, of sellers that exist."""

from __future__ import annotations

from collections.abc import Iterator

from dealthread.configuration.common import ENTITIES, SERVICE_LEVELS, dangling
from dealthread.configuration.problem import ConfigProblem
from dealthread.domain.catalog import ConfigSet
from dealthread.domain.service_level import Level


def levels(config: ConfigSet) -> Iterator[ConfigProblem]:
    """Each number is one or more; each seller is known."""
    held = config.service_levels
    for name in ("every_minutes", "won_within_days"):
        yield from _at_least_one(f"service_levels.{name}", getattr(held, name))
    for level in Level:
        yield from _at_least_one(f"service_levels.default.{level}", getattr(held.default, level))
    known = [entity.code for entity in config.legal_entities]
    for seller, hours in held.sellers.items():
        path = f"service_levels.sellers.{seller}"
        if seller not in known:
            yield dangling(SERVICE_LEVELS, path, seller, ENTITIES)
        for level in Level:
            value = getattr(hours, level)
            if value is not None:
                yield from _at_least_one(f"{path}.{level}", value)


def _at_least_one(path: str, value: int) -> Iterator[ConfigProblem]:
    if value < 1:
        yield ConfigProblem(SERVICE_LEVELS, path, str(value), "1 or more")
