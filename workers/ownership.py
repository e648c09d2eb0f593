"""Nobody writes what another system owns."""

from __future__ import annotations

from dealthread.domain.ownership import WRITE_MODELS, unowned_fields
from dealthread.errors import InvariantBroken


def refuse_unowned_writes() -> None:
    """Raise InvariantBroken when a write model carries a field that the hub may not originate in
    that system (the ownership table): checked before any worker polls."""
    foreign = {model: unowned_fields(model) for model in WRITE_MODELS}
    broken = [f"{model}.{name}" for model, names in foreign.items() for name in names]
    if broken:
        raise InvariantBroken("unowned_field_in_write_model", fields=", ".join(broken))
