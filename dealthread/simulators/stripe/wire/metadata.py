"""Metadata as Stripe merges it: new keys added, empty values removed, an empty whole clears."""

from __future__ import annotations

from dealthread.simulators.stripe.store import Json


def fresh(given: Json, name: str = "metadata") -> dict[str, str]:
    """Metadata of a new object."""
    return {key: value for key, value in (given.get(name) or {}).items() if value != ""}


def merge(obj: Json, given: Json) -> None:
    """Apply the `metadata` parameter of an update to an object."""
    if "metadata" not in given:
        return
    changes = given["metadata"]
    if changes is None:
        obj["metadata"] = {}
        return
    merged = {**obj["metadata"], **changes}
    obj["metadata"] = {key: value for key, value in merged.items() if value != ""}
