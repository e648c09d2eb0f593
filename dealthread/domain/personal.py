"""Which models can hold personal data: what we keep in clear text must hold none."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import get_args

from pydantic import BaseModel

from dealthread.domain.party import BuyerSnapshot, Contact, Party

PERSONAL: frozenset[type[BaseModel]] = frozenset({BuyerSnapshot, Contact, Party})
"""Personal where a person buys, or stands behind an organisation that does: encrypted payloads and
the owner systems only."""


@cache
def personal_field(model: type[BaseModel]) -> str:
    """Where a model can hold personal data, as `Model.field.field`; "" where it cannot."""
    return next(_paths(model, model.__name__, frozenset({model})), "")


def _paths(model: type[BaseModel], path: str, above: frozenset[type[BaseModel]]) -> Iterator[str]:
    if model in PERSONAL:
        yield path
    for name, field in model.model_fields.items():
        for kind in _models(field.annotation):
            if kind not in above:
                yield from _paths(kind, f"{path}.{name}", above | {kind})


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    """Models that an annotation names, inside of tuples, mappings and unions too."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
